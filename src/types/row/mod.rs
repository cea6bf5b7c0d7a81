//! Expressions over the rows of a table.
//!
//! A name is a column of the table; a path goes on through columns that hold an entity (`user_id.channel.kind`) and is null
//! where the entity is unknown. A path may begin with the table's own name (`event.platform`), where no column has it.
//! `time` is the row's time: the table's time column, or the one of `dated`. It never means another column: a table whose
//! column `time` is not its time has to say `event.time` for the column.

mod nesting;
mod path;
mod sql;
mod sql_functions;
mod walk;

#[cfg(test)]
mod random;
#[cfg(test)]
mod tests;

use chrono_tz::Tz;

use crate::diagnostic::{Diagnostics, Span};
use crate::error;
use crate::syntax::ast::{self, ExprKind};

use super::formula::{PerPath, RowMetrics};
use super::ops::{Leaf, Leaves, Ops, refuse};
use super::predicate;
use super::size::too_large;
use super::{RowExpr, RowExprKind, Table, TableId, Type, ValueType};

/// Where a row expression stands.
#[derive(Clone, Copy)]
pub struct RowScope<'a> {
    /// All tables.
    pub tables: &'a [Table],
    /// The table whose rows it is about.
    pub base: TableId,
    /// The project's time zone.
    pub zone: Tz,
}

impl<'a> RowScope<'a> {
    /// The table whose rows it is about.
    pub fn table(&self) -> &'a Table {
        &self.tables[self.base.0]
    }

    /// The typing of operators.
    pub fn ops(&self) -> Ops<'a> {
        Ops::new(self.tables, self.zone)
    }
}

/// Types an expression over the rows of the scope's table.
pub fn check_row(scope: &RowScope, expr: &ast::Expr, d: &mut Diagnostics) -> Option<RowExpr> {
    let typed = type_row(scope, expr, None, d)?;
    predicate::inspect(&typed, d);
    Some(typed)
}

/// The same of a condition: it must be true or false.
pub fn check_predicate(scope: &RowScope, expr: &ast::Expr, d: &mut Diagnostics) -> Option<RowExpr> {
    check_condition(scope, expr, None, d)
}

/// The same of a condition that says which rows there are: metrics of the row's group have a place there.
pub fn check_condition(
    scope: &RowScope,
    expr: &ast::Expr,
    metrics: Option<&dyn RowMetrics>,
    d: &mut Diagnostics,
) -> Option<RowExpr> {
    let typed = type_row(scope, expr, metrics, d)?;
    let typed = scope.ops().condition(typed, "a condition on rows", d)?;
    predicate::inspect_condition(&typed, d);
    Some(typed)
}

fn type_row(
    scope: &RowScope,
    expr: &ast::Expr,
    metrics: Option<&dyn RowMetrics>,
    d: &mut Diagnostics,
) -> Option<RowExpr> {
    let typed = scope.ops().check(&mut RowLeaves { scope: *scope, metrics }, expr, d)?;
    (!too_large(typed.size(scope.tables), "this expression", expr.span, d)).then_some(typed)
}

/// What only expressions over rows know.
struct RowLeaves<'a> {
    scope: RowScope<'a>,
    /// Where metrics of the row's group have a place.
    metrics: Option<&'a dyn RowMetrics>,
}

impl Leaves<RowExpr> for RowLeaves<'_> {
    fn leaf(&mut self, expr: &ast::Expr, d: &mut Diagnostics) -> Leaf<RowExpr> {
        match &expr.kind {
            ExprKind::Path { path, version: None } => Leaf::Done(path::column(&self.scope, path, d)),
            ExprKind::Path { path, version: Some(version) } => Leaf::Done(refuse(
                d,
                error!(E0323, version.span,
                "`{path}` is a column here, and columns have no versions"; help: "leave the version out"),
            )),
            ExprKind::Sql { variants, ty } => Leaf::Done(self.sql(variants, ty, expr.span, d)),
            ExprKind::MetricPer { metric, version, key } => {
                let version = version.as_ref().map(|version| version.value);
                Leaf::Done(self.metric_per(&PerPath { metric, version, key, span: expr.span }, d))
            }
            ExprKind::Call { function, .. } if is_aggregate(function) => Leaf::Done(refuse(
                d,
                error!(E0323, expr.span,
                "`{function}` puts rows together, but an expression over rows sees one row";
                help: "aggregate in a metric: `metric m = sum(x from rows)`"),
            )),
            _ => Leaf::Shared,
        }
    }

    fn place(&self) -> &'static str {
        "an expression over rows"
    }
}

fn is_aggregate(function: &ast::Path) -> bool {
    const NAMES: [&str; 9] =
        ["count", "distinct", "approx_distinct", "sum", "avg", "quantile", "stddev", "variance", "approx_quantile"];
    function.single().is_some_and(|name| NAMES.contains(&name.as_str()))
}

impl RowLeaves<'_> {
    /// `(orders per user_id)`
    fn metric_per(&self, asked: &PerPath<'_>, d: &mut Diagnostics) -> Option<RowExpr> {
        let Some(metrics) = self.metrics else {
            return refuse(
                d,
                error!(E0651, asked.span, "a metric of the row's group has no place in {}", self.place();
                help: "it stands in a condition on which rows there are: `count(order where (orders per user_id) >= 3)`"),
            );
        };
        let (per, ty) = metrics.per(asked, &[self.scope.base], d)?;
        let time = ValueType { nullable: true, ..ValueType::plain(Type::Timestamp) };
        let at = RowExpr { kind: RowExprKind::Time, ty: time, span: asked.span };
        let kind = RowExprKind::Per { per: Box::new(per), at: Box::new(at) };
        Some(RowExpr { kind, ty, span: asked.span })
    }

    fn sql(
        &self,
        variants: &[(ast::Name, ast::Name)],
        ty: &ast::TypeName,
        span: Span,
        d: &mut Diagnostics,
    ) -> Option<RowExpr> {
        let (ty, nullable): (Type, bool) = self.scope.ops().written_type(ty, d)?;
        sql::check(&self.scope, variants, ty, nullable, span, d)
    }
}
