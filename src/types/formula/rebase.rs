//! Formulas over the rows of tables of behaviour: `signup.value(sum(paid from order))`.
//!
//! The rows that an argument's aggregates are of get tables of their own before the formula is typed; then the aggregates are put
//! over those.

use crate::diagnostic::{Diagnostics, Span};
use crate::error;
use crate::syntax::ast::{self, ArgumentValue, ExprKind};

use super::super::bind::bind;
use super::super::model::{
    ColumnId, Dimension, Formula, FormulaKind, Leaf, MetricId, RowExpr, RowExprKind, RowSet, TableId,
};
use super::{FormulaScope, unbound};

/// The aggregates of an argument: their rows, what is taken of each, and where they stand.
pub type Leaves = Vec<(RowSet, Option<RowExpr>, Span)>;

/// Where the aggregates of an argument are put.
pub(super) struct Rebase<'r> {
    /// Whose behaviour it is.
    pub entity: TableId,
    /// What the rows need, too, where units are members per a dimension.
    pub per: Option<&'r Dimension>,
    /// The column of their tables that holds what is taken of a row.
    pub column: usize,
    /// The conditions on the rows of such a table.
    pub filters: &'r dyn Fn(TableId) -> Vec<RowExpr>,
    /// The whole.
    pub span: Span,
}

impl FormulaScope<'_> {
    /// For each argument of a column of behaviour in a formula: of which table of behaviour, where it stands, and its aggregates. What
    /// is wrong is told where the column is typed.
    pub fn behaviour_values(&self, formula: &ast::Expr) -> Vec<(usize, Span, Leaves)> {
        let mut found = Vec::new();
        formula.walk(&mut |part| {
            let ExprKind::Call { function, arguments } = &part.kind else { return };
            let behaviour = function.parts.first().and_then(|name| self.names.behaviour(name, None));
            let (Some(place), Some(first)) = (behaviour, arguments.first()) else { return };
            if self.names.is_of_kind(&function.parts[0], "funnel") {
                return;
            }
            let ArgumentValue::Expr(of) = &first.value else { return };
            let Some(typed) = self.check(of, &mut Diagnostics::new()) else { return };
            let mut leaves = Vec::new();
            self.leaves(&typed, &mut |leaf, span| leaves.push((leaf.rows.clone(), leaf.input.clone(), span)));
            found.push((place, of.span, leaves));
        });
        found
    }

    /// Calls `visit` for the aggregates of a formula, those of the metrics that it names among them.
    fn leaves(&self, formula: &Formula, visit: &mut dyn FnMut(&Leaf, Span)) {
        match &formula.kind {
            FormulaKind::Leaf(leaf) => visit(leaf, formula.span),
            FormulaKind::Metric(id) => self.leaves(&self.metrics[id.0].formula, visit),
            FormulaKind::Literal(_) => {}
            FormulaKind::Call(_, arguments) => arguments.iter().for_each(|one| self.leaves(one, visit)),
            FormulaKind::Case { branches, otherwise } => {
                for (condition, value) in branches {
                    self.leaves(condition, visit);
                    self.leaves(value, visit);
                }
                otherwise.iter().for_each(|value| self.leaves(value, visit));
            }
            FormulaKind::Where { .. }
            | FormulaKind::Nested(_)
            | FormulaKind::Moved { .. }
            | FormulaKind::Across { .. }
            | FormulaKind::Rate { .. } => {}
        }
    }

    /// The formula that is an argument, over the tables of its aggregates.
    pub(super) fn rebased(&self, argument: &ast::Argument, to: &Rebase<'_>, d: &mut Diagnostics) -> Option<Formula> {
        let ArgumentValue::Expr(of) = &argument.value else {
            d.push(error!(E0684, to.span, "a formula stands here"; help: "write `value(sum(paid from order))`"));
            return None;
        };
        let typed = self.check(of, d)?;
        let Some(tables) = self.rows.behaviour_values(of.span) else {
            // Tells why there are none.
            let mut found = None;
            self.leaves(&typed, &mut |leaf, span| found = found.or(Some((leaf.rows.base, span))));
            if let Some((base, span)) = found {
                let _ = self.rows.column_of(to.entity, base, span, d);
                if let Some(Err(why)) = to.per.map(|per| bind(self.tables, per, base).map_err(|why| (per, why))) {
                    d.push(unbound(why.0, &self.tables[base.0], &why.1, span));
                }
            }
            if !d.has_errors() {
                let span = found.map_or(to.span, |(_, span)| span);
                d.push(error!(E0686, span, "these rows have no time to put them beside others"; help: "take the rows of a source"));
            }
            return None;
        };
        self.put(&typed, to, &mut tables.iter(), d)
    }

    fn put(
        &self,
        formula: &Formula,
        to: &Rebase<'_>,
        tables: &mut std::slice::Iter<'_, TableId>,
        d: &mut Diagnostics,
    ) -> Option<Formula> {
        let kind = match &formula.kind {
            FormulaKind::Leaf(leaf) if leaf.at_last.is_none() => {
                let table = *tables.next()?;
                let input = leaf.input.as_ref().map(|input| {
                    let kind = RowExprKind::Column(vec![ColumnId { table, column: to.column }]);
                    RowExpr { kind, ty: input.ty.clone(), span: input.span }
                });
                let rows = RowSet { base: table, filters: (to.filters)(table), dated: None };
                FormulaKind::Leaf(Box::new(Leaf { aggregation: leaf.aggregation, input, rows, at_last: None }))
            }
            FormulaKind::Metric(MetricId(place)) => {
                let inner = self.put(&self.metrics[*place].formula, to, tables, d)?;
                return Some(Formula { ty: formula.ty.clone(), ..inner });
            }
            FormulaKind::Literal(value) => FormulaKind::Literal(value.clone()),
            FormulaKind::Call(function, arguments) => {
                let arguments: Option<Vec<Formula>> =
                    arguments.iter().map(|one| self.put(one, to, tables, d)).collect();
                FormulaKind::Call(*function, arguments?)
            }
            FormulaKind::Case { branches, otherwise } => {
                let mut typed = Vec::with_capacity(branches.len());
                for (condition, value) in branches {
                    typed.push((self.put(condition, to, tables, d)?, self.put(value, to, tables, d)?));
                }
                let otherwise = match otherwise {
                    Some(value) => Some(Box::new(self.put(value, to, tables, d)?)),
                    None => None,
                };
                FormulaKind::Case { branches: typed, otherwise }
            }
            _ => {
                d.push(error!(E0686, to.span, "the value of a table of behaviour is made of plain aggregates";
                    help: "leave out `over`, `ago`, `across`, `per`, `at last` and conditions on dimensions; put conditions into the aggregate: `sum(paid from order where …)`"));
                return None;
            }
        };
        Some(Formula { kind, ty: formula.ty.clone(), span: formula.span })
    }
}
