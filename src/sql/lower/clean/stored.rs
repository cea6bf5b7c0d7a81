//! Of a stored table: null keys out, one row a key, null times out.

use sqlparser::ast::{Expr, ObjectName, OrderByExpr, Query};

use super::super::Lowering;
use super::ROWS;
use crate::plan::{Keep, Table};
use crate::sql::build::{self, Parts};

impl Lowering<'_> {
    /// The clean rows of a stored table.
    pub(super) fn stored_rows(&self, table: &Table, columns: &[&str]) -> Query {
        if table.clean.key.is_empty() || self.options.unique_keys.contains(&table.name) {
            let filter = self.not_null(table.clean.time.iter());
            return self.decoded(self.dialect.table(table), table, columns, filter);
        }
        let time_first = match table.clean.keep {
            // The earliest row has no time only where no row of its key has one: then all of them may go at once.
            Keep::Earliest => self.not_null(table.clean.time.iter()),
            Keep::Latest(_) => Vec::new(),
        };
        let time_last = match table.clean.keep {
            Keep::Earliest => Vec::new(),
            Keep::Latest(_) => self.not_null(table.clean.time.iter()),
        };
        let all: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
        let from = Some(build::derived(self.decoded(self.dialect.table(table), table, &all, Vec::new()), ROWS));
        let keys = self.not_null(table.clean.key.iter()).into_iter().chain(self.touched_keys(table));
        let filter = build::all(keys.chain(time_first));
        let time = table.clean.time.as_deref().filter(|_| !time_last.is_empty());
        let needed = |name: &&str| columns.contains(name) || Some(*name) == time;
        let inner: Vec<&str> = all.iter().copied().filter(needed).collect();
        let rows = Parts { projection: self.columns_of(ROWS, &inner), from, filter, ..Parts::default() };
        let identity = table.identity().map(|name| (self.stored(name), !table.clean.key.iter().any(|key| key == name)));
        self.one_each(rows, identity.collect(), self.preference(table), time_last, columns)
    }

    /// The rows as they came, with canonical values.
    pub(in crate::sql::lower) fn raw_rows(&self, table: &Table, columns: &[&str]) -> Query {
        self.decoded(self.dialect.raw_table(table), table, columns, Vec::new())
    }

    /// What makes a row of a key the one that is kept, best first.
    fn preference(&self, table: &Table) -> Vec<OrderByExpr> {
        let (first, descending) = match &table.clean.keep {
            Keep::Latest(by) => (Some(by), true),
            Keep::Earliest => (table.clean.time.as_ref(), false),
        };
        let settled = |name: &String| table.identity().any(|known| known == name) || first == Some(name);
        let first =
            table.columns.iter().filter(|column| first == Some(&column.name)).map(|column| (column, descending));
        let rest = table.columns.iter().filter(|column| !settled(&column.name)).map(|column| (column, false));
        first
            .chain(rest)
            .map(|(column, descending)| {
                let key = self.dialect.sort_key(self.stored(&column.name), &column.ty);
                build::sort(key, descending, true)
            })
            .collect()
    }

    /// The stored rows with canonical values.
    fn decoded(&self, stored: ObjectName, table: &Table, columns: &[&str], filter: Vec<Expr>) -> Query {
        let projection = table
            .columns
            .iter()
            .filter(|column| columns.contains(&column.name.as_str()))
            .map(|column| {
                let value = self.dialect.decode(self.stored(&column.name), column, self.calendar);
                build::item(value, self.name(&column.name))
            })
            .collect();
        let from = Some(build::table(stored, ROWS));
        Parts { projection, from, filter: build::all(filter), ..Parts::default() }.query()
    }

    fn not_null<'n>(&self, names: impl Iterator<Item = &'n String>) -> Vec<Expr> {
        names.map(|name| build::is_not_null(self.stored(name))).collect()
    }

    fn stored(&self, name: &str) -> Expr {
        build::column(ROWS, self.name(name))
    }
}
