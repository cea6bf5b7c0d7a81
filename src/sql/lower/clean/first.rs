//! The first row of each combination of keys.

use sqlparser::ast::{Expr, Query};

use super::super::Lowering;
use crate::plan::{self, Selection};
use crate::sql::build;
use crate::sql::lower::read::{BASE, Rows};

impl Lowering<'_> {
    /// The rows of a selection with the least time, then key, of their keys' values.
    pub(super) fn first_rows(&self, rows: &Selection, keys: &[plan::Expr], columns: &[&str]) -> Query {
        let leaves = Rows(self.dialect);
        let others: Vec<&plan::Expr> = keys.iter().collect();
        let each: Vec<(Expr, bool)> = keys.iter().map(|key| (self.value(key, &leaves), false)).collect();
        let known = keys.iter().zip(&each).filter(|(key, _)| key.nullable);
        let known = known.map(|(_, (value, _))| build::is_not_null(value.clone())).collect();
        let parts = self.selected(rows, &others, known, self.columns_of(BASE, columns));
        self.one_each(parts, each, self.order_of(rows), Vec::new(), columns)
    }
}
