//! Aliases of tables that no column has the name of.
//!
//! Some types have parts that are read like columns (the `size` of a text, the `null` of what may be null): beside a text `b`,
//! `b.size` is not the column `size` of a table with the alias `b` (CH6).

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use sqlparser::ast::{Expr, Query, TableFactor, VisitMut, VisitorMut};

use crate::plan::Table;

/// Renames the aliases of tables that are names of columns.
pub fn keep_apart<'a>(query: &mut Query, tables: &'a [Table], more: impl IntoIterator<Item = &'a str>) {
    let columns = tables.iter().flat_map(|table| &table.columns).map(|column| column.name.as_str());
    let taken: BTreeSet<&str> = columns.chain(more).filter(|name| like_an_alias(name)).collect();
    if taken.is_empty() {
        return;
    }
    let renamed = |name: &&str| {
        let mut other = format!("{name}_");
        while taken.contains(other.as_str()) {
            other.push('_');
        }
        ((*name).to_owned(), other)
    };
    let _ = query.visit(&mut Renaming { names: taken.iter().map(renamed).collect() });
}

/// Aliases are a letter, or one with a number.
fn like_an_alias(name: &str) -> bool {
    let mut letters = name.bytes();
    letters.next().is_some_and(|first| first.is_ascii_lowercase()) && letters.all(|rest| rest.is_ascii_digit())
}

struct Renaming {
    names: BTreeMap<String, String>,
}

impl VisitorMut for Renaming {
    type Break = ();

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        let (TableFactor::Table { alias, .. } | TableFactor::Derived { alias, .. }) = factor else {
            return ControlFlow::Continue(());
        };
        if let Some(alias) = alias
            && let Some(other) = self.names.get(&alias.name.value)
        {
            alias.name.value.clone_from(other);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::CompoundIdentifier(parts) = expr
            && let [of, _] = parts.as_mut_slice()
            && let Some(other) = self.names.get(&of.value)
        {
            of.value.clone_from(other);
        }
        ControlFlow::Continue(())
    }
}
