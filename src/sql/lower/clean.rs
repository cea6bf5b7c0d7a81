//! Clean rows: null keys out, one row a key, null times out.

use sqlparser::ast::{Expr, OrderByExpr, Query};

use super::Lowering;
use crate::plan::{Keep, StoredColumn, Table};
use crate::sql::build::{self, Parts};
use crate::sql::dialect::Deduplication;

/// The alias of the rows while they are cleaned.
pub(super) const ROWS: &str = "s";
/// The place of a row among those of its key.
const RANK: &str = "_rank";

impl Lowering<'_> {
    /// The name of the clean rows of a table within one query; never that of a stored table.
    pub(super) fn clean_name(&self, table: usize) -> String {
        let mut name = format!("{}_clean", self.query.tables[table].name);
        while self.query.tables.iter().any(|table| table.physical == name) {
            name.push('_');
        }
        name
    }

    /// The clean rows of a table: the columns named, in declaration order.
    pub(super) fn clean_rows(&self, table: usize, columns: &[&str]) -> Query {
        let table = &self.query.tables[table];
        let columns: Vec<&str> = match columns {
            // A count of rows reads no column, but a SELECT needs one.
            [] => table.columns.iter().take(1).map(|column| column.name.as_str()).collect(),
            some => some.to_vec(),
        };
        if table.clean.key.is_empty() || self.options.unique_keys.contains(&table.name) {
            return self.decoded(table, &columns, self.not_null(table.clean.time.iter()));
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
        let rows = self.decoded(table, &all, Vec::new());
        let keys = self.not_null(table.clean.key.iter()).into_iter().chain(self.touched_keys(table));
        let filter = build::all(keys.chain(time_first));
        let from = Some(build::derived(rows, ROWS));
        match self.dialect.deduplication() {
            Deduplication::LimitBy => {
                self.limit_by(table, &columns, Parts { from, filter, ..Parts::default() }, time_last)
            }
            Deduplication::RowNumber => {
                self.ranked(table, &columns, Parts { from, filter, ..Parts::default() }, time_last)
            }
        }
    }

    /// `… ORDER BY key, … LIMIT 1 BY key`
    fn limit_by(&self, table: &Table, columns: &[&str], mut rows: Parts, after: Vec<Expr>) -> Query {
        let key = || table.clean.key.iter().map(|key| self.stored(key));
        let order = key().map(|key| build::sort(key, false, false)).chain(self.preference(table)).collect();
        let inner: Vec<&str> = if after.is_empty() {
            columns.to_vec()
        } else {
            let time = table.clean.time.as_deref();
            let needed = |name: &&str| columns.contains(name) || Some(*name) == time;
            table.columns.iter().map(|column| column.name.as_str()).filter(needed).collect()
        };
        rows.projection = inner.iter().map(|name| self.same(name)).collect();
        let kept = build::limited(build::ordered(rows.query(), order), 1, key().collect());
        if after.is_empty() {
            return kept;
        }
        let projection = columns.iter().map(|name| self.same(name)).collect();
        let from = Some(build::derived(kept, ROWS));
        Parts { projection, from, filter: build::all(after), ..Parts::default() }.query()
    }

    /// `row_number() OVER (PARTITION BY key ORDER BY …) = 1`
    fn ranked(&self, table: &Table, columns: &[&str], mut rows: Parts, after: Vec<Expr>) -> Query {
        let key = table.clean.key.iter().map(|key| self.stored(key)).collect();
        let rank = build::window("row_number", key, self.preference(table));
        let time = table.clean.time.as_deref();
        let needed =
            |column: &&StoredColumn| columns.contains(&column.name.as_str()) || Some(column.name.as_str()) == time;
        rows.projection = table.columns.iter().filter(needed).map(|column| self.same(&column.name)).collect();
        rows.projection.push(build::item(rank, build::ident(RANK)));
        let first = build::equal(build::column(ROWS, build::ident(RANK)), build::number(1));
        let projection = columns.iter().map(|name| self.same(name)).collect();
        let from = Some(build::derived(rows.query(), ROWS));
        let filter = build::all(std::iter::once(first).chain(after));
        Parts { projection, from, filter, ..Parts::default() }.query()
    }

    /// What makes a row of a key the one that is kept, best first.
    fn preference(&self, table: &Table) -> Vec<OrderByExpr> {
        let (first, descending) = match &table.clean.keep {
            Keep::Latest(by) => (Some(by), true),
            Keep::Earliest => (table.clean.time.as_ref(), false),
        };
        let settled = |name: &String| table.clean.key.contains(name) || first == Some(name);
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
    pub(super) fn decoded(&self, table: &Table, columns: &[&str], filter: Vec<Expr>) -> Query {
        let projection = table
            .columns
            .iter()
            .filter(|column| columns.contains(&column.name.as_str()))
            .map(|column| {
                let value = self.dialect.decode(self.stored(&column.name), column, self.calendar);
                build::item(value, self.name(&column.name))
            })
            .collect();
        let from = Some(build::table(self.dialect.table(table), ROWS));
        Parts { projection, from, filter: build::all(filter), ..Parts::default() }.query()
    }

    fn not_null<'n>(&self, names: impl Iterator<Item = &'n String>) -> Vec<Expr> {
        names.map(|name| build::is_not_null(self.stored(name))).collect()
    }

    fn stored(&self, name: &str) -> Expr {
        build::column(ROWS, self.name(name))
    }

    fn same(&self, name: &str) -> sqlparser::ast::SelectItem {
        build::item(self.stored(name), self.name(name))
    }
}
