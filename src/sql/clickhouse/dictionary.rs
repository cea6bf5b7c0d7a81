//! Look-ups in dictionaries: a join of an entity's clean rows by their key becomes a call for each attribute.
//!
//! `LEFT JOIN (SELECT e.k AS k, toNullable(e.a) AS a FROM clean AS e) AS j0 ON x = j0.k` gives one row or none for a key, so
//! `j0.a` is `dictGet('dictionary', 'a', x)`: null for a null key, where there is no row, and where the attribute is null. A
//! join that asks for more (the version of a history), or for what a dictionary can't hold, stays what it is.

use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, Expr, Ident, Join, JoinConstraint, JoinOperator, Query, Select, SelectItem, SetExpr, TableFactor,
    VisitMut, VisitorMut,
};

use crate::sql::build::{self, call};
use crate::sql::dialect::Dictionary;

/// Replaces the joins that dictionaries can answer.
pub fn look_up(query: &mut Query, known: &[Dictionary]) {
    if !known.is_empty() {
        let _ = query.visit(&mut LookUps { known });
    }
}

struct LookUps<'d> {
    known: &'d [Dictionary],
}

/// A join that is gone.
struct Gone<'d> {
    alias: String,
    of: &'d Dictionary,
    key: Expr,
}

impl VisitorMut for LookUps<'_> {
    type Break = ();

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        let gone = self.body(&mut query.body);
        if let Some(order) = &mut query.order_by {
            replace(order, &gone);
        }
        if let Some(limit) = &mut query.limit_clause {
            replace(limit, &gone);
        }
        ControlFlow::Continue(())
    }
}

impl<'d> LookUps<'d> {
    /// Of one SELECT its joins that are gone.
    fn body(&self, body: &mut SetExpr) -> Vec<Gone<'d>> {
        match body {
            SetExpr::Select(select) => self.select(select),
            SetExpr::SetOperation { left, right, .. } => {
                self.body(left);
                self.body(right);
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn select(&self, select: &mut Select) -> Vec<Gone<'d>> {
        let mut gone: Vec<Gone> = Vec::new();
        for from in &mut select.from {
            from.joins.retain_mut(|join| {
                // Its key may be what an earlier one has found.
                replace(join, &gone);
                let found = self.answered(join);
                let is_gone = found.is_some();
                gone.extend(found);
                !is_gone
            });
        }
        if !gone.is_empty() {
            replace(select, &gone);
        }
        gone
    }

    fn answered(&self, join: &Join) -> Option<Gone<'d>> {
        let JoinOperator::Left(JoinConstraint::On(condition)) = &join.join_operator else { return None };
        let Expr::BinaryOp { left: key, op: BinaryOperator::Eq, right } = condition else { return None };
        let TableFactor::Derived { subquery, alias: Some(alias), .. } = &join.relation else { return None };
        let (of, columns) = self.entity(subquery)?;
        let [table, column] = compound(right)?;
        let held = |name: &&Ident| {
            let name = plain(name);
            name == of.key || of.attributes.contains(&name)
        };
        let is_answered = table.value == alias.name.value && plain(column) == of.key && columns.iter().all(held);
        is_answered.then(|| Gone { alias: alias.name.value.clone(), of, key: (**key).clone() })
    }

    /// The dictionary of what a subquery reads, and the columns that it gives; none if it does more than that.
    fn entity<'q>(&self, query: &'q Query) -> Option<(&'d Dictionary, Vec<&'q Ident>)> {
        let SetExpr::Select(select) = &*query.body else { return None };
        let [from] = select.from.as_slice() else { return None };
        let TableFactor::Table { name, .. } = &from.relation else { return None };
        if !from.joins.is_empty() || select.selection.is_some() {
            return None;
        }
        let name = name.to_string();
        let of = self.known.iter().find(|known| known.of == name)?;
        let column = |item: &'q SelectItem| match item {
            SelectItem::ExprWithAlias { alias, .. } => Some(alias),
            _ => None,
        };
        Some((of, select.projection.iter().map(column).collect::<Option<_>>()?))
    }
}

/// A name as it was declared: in the tree backslashes stand as they are printed.
fn plain(name: &Ident) -> String {
    name.value.replace("\\\\", "\\")
}

fn compound(expr: &Expr) -> Option<[&Ident; 2]> {
    match expr {
        Expr::CompoundIdentifier(parts) => match parts.as_slice() {
            [table, column] => Some([table, column]),
            _ => None,
        },
        _ => None,
    }
}

/// Puts calls in the place of the columns of joins that are gone. A subquery has joins of its own.
fn replace<N: VisitMut>(node: &mut N, gone: &[Gone]) {
    if !gone.is_empty() {
        let _ = node.visit(&mut Replace { gone, depth: 0 });
    }
}

struct Replace<'g> {
    gone: &'g [Gone<'g>],
    depth: usize,
}

impl VisitorMut for Replace<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if self.depth == 0
            && let Some([table, column]) = compound(expr)
            && let Some(gone) = self.gone.iter().find(|gone| gone.alias == table.value)
        {
            *expr = gone.value(&plain(column));
        }
        ControlFlow::Continue(())
    }
}

impl Gone<'_> {
    fn value(&self, column: &str) -> Expr {
        let name = || super::value::text(&self.of.name);
        if column == self.of.key {
            // The key where there is a row.
            let known = call("dictHas", vec![name(), self.key.clone()]);
            return call("if", vec![known, self.key.clone(), build::null()]);
        }
        call("dictGet", vec![name(), super::value::text(column), self.key.clone()])
    }
}
