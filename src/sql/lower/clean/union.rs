//! The rows of several selections, one after the other.

use sqlparser::ast::{Expr, Query};

use super::super::Lowering;
use super::ROWS;
use crate::plan::{self, Member, Table};
use crate::sql::build::{self, Parts};
use crate::sql::lower::read::Rows;

impl Lowering<'_> {
    /// The rows of all members. Where one may come from several, one stays of those with equal keys: that of the least time, the
    /// smallest of equal ones.
    pub(super) fn union_rows(&self, table: &Table, members: &[Member], overlapping: bool, columns: &[&str]) -> Query {
        let all: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
        let inner = if overlapping { all.as_slice() } else { columns };
        let leaves = Rows(self.dialect);
        let selects = members.iter().map(|member| {
            let values = table.columns.iter().zip(&member.values);
            let values: Vec<_> = values.filter(|(column, _)| inner.contains(&column.name.as_str())).collect();
            let item = |(column, value): &(&plan::StoredColumn, &plan::Expr)| {
                let settled = self.settled(value, &leaves);
                // A row without a time is left out, but the type of its column remembers that there was one.
                let known = value.nullable && !column.nullable;
                build::item(if known { self.dialect.not_null(settled) } else { settled }, self.name(&column.name))
            };
            let used: Vec<&plan::Expr> = values.iter().map(|(_, value)| *value).collect();
            self.selected(&member.rows, &used, Vec::new(), values.iter().map(item).collect()).select()
        });
        let union = build::union_all(selects).unwrap_or_else(|| Parts::default().query());
        if !overlapping {
            return union;
        }
        let stored = |name: &str| build::column(ROWS, self.name(name));
        let each: Vec<(Expr, bool)> = table.clean.key.iter().map(|key| (stored(key), false)).collect();
        let first = table.columns.iter().filter(|column| table.clean.time.as_ref() == Some(&column.name));
        let rest = table.columns.iter().filter(|column| {
            table.clean.time.as_ref() != Some(&column.name) && !table.clean.key.contains(&column.name)
        });
        let order = first.chain(rest).map(|column| {
            let key = self.dialect.sort_key(stored(&column.name), &column.ty);
            build::sort(key, false, column.nullable)
        });
        let from = Some(build::derived(union, ROWS));
        let rows = Parts { projection: self.columns_of(ROWS, columns), from, ..Parts::default() };
        self.one_each(rows, each, order.collect(), Vec::new(), columns)
    }
}
