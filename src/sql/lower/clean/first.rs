//! The first row of each combination of keys.

use sqlparser::ast::{Expr, Query};

use super::super::Lowering;
use super::cohort;
use crate::plan::{self, ExprKind, Input};
use crate::sql::build::{self, Parts};
use crate::sql::lower::read::{BASE, Rows};

impl Lowering<'_> {
    /// The rows of a selection with the least time, then key, of their keys' values.
    pub(super) fn first_rows(&self, place: usize, first: &plan::FirstOf, columns: &[&str]) -> Query {
        let plan::FirstOf { rows, keys } = first;
        let leaves = Rows(self.dialect);
        let others: Vec<&plan::Expr> = keys.iter().collect();
        if let Some(query) = self.first_times(place, first, columns) {
            return query;
        }
        let each: Vec<(Expr, bool)> = keys.iter().map(|key| (self.value(key, &leaves), false)).collect();
        let known = keys.iter().zip(&each).filter(|(key, _)| key.nullable);
        let known = known.map(|(_, (value, _))| build::is_not_null(value.clone())).collect();
        let parts = self.selected(rows, &others, known, self.columns_of(BASE, columns));
        self.one_each(parts, each, self.order_of(rows), Vec::new(), columns)
    }

    /// The same rows where nothing but keys and times is wanted: groups have them without any order.
    fn first_times(&self, place: usize, first: &plan::FirstOf, columns: &[&str]) -> Option<Query> {
        let plan::FirstOf { rows, keys } = first;
        let leaves = Rows(self.dialect);
        let named = |expr: &plan::Expr, name: &str| matches!(&expr.kind, ExprKind::Column { input: Input::Base, name: own } if own == name);
        let members = self.members_of(place, BASE);
        let mut projection = Vec::with_capacity(columns.len());
        for name in columns {
            let value = build::column(BASE, self.name(name));
            let member = |name: &str| build::column(BASE, build::ident(name));
            let value = match rows.time.as_ref() {
                Some(time) if named(time, name) => match members {
                    Some(_) => member(cohort::AT),
                    None => build::call("min", vec![value]),
                },
                _ if keys.iter().any(|key| named(key, name)) => match members {
                    Some(_) => member(cohort::BY),
                    None => value,
                },
                _ => return None,
            };
            projection.push(build::item(value, self.name(name)));
        }
        if members.is_some() {
            return Some(Parts { projection, from: members, ..Parts::default() }.query());
        }
        let group_by: Vec<Expr> = keys.iter().map(|key| self.value(key, &leaves)).collect();
        let known = keys.iter().zip(&group_by).filter(|(key, _)| key.nullable);
        let known = known.map(|(_, value)| build::is_not_null(value.clone())).collect();
        let others: Vec<&plan::Expr> = keys.iter().collect();
        Some(Parts { group_by, ..self.selected(rows, &others, known, projection) }.query())
    }
}
