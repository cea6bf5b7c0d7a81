//! The measures of segments: what is taken of a member's rows before a day.

use crate::diagnostic::{Diagnostics, Span};
use crate::error;
use crate::syntax::ast::{self, AggregateInput, ExprKind, RowSetKind, ValueKind};
use crate::types::formula::{Units, aggregation, length, result_type};
use crate::types::made::MadeOf;
use crate::types::model::{ColumnId, RowExpr, RowSet, Sensitivity, TableId, Type, ValueType};
use crate::types::size::too_large;
use crate::types::{Aggregation, RowScope, Unit, check_row};
use crate::value::time::DAY_MS;
use crate::value::{Measured, MeasuredBy, Span as Length};

use super::RowSets;

/// A measure as it is typed.
pub(super) struct Measure {
    pub how: Measured,
    pub ty: ValueType,
    pub part: MadeOf,
    pub span: Span,
}

impl<'a> RowSets<'a> {
    /// Types `measure f = count(order over 90d)`.
    pub(super) fn measure(
        &mut self,
        name: &ast::Name,
        value: &'a ast::Value,
        entity: TableId,
        d: &mut Diagnostics,
    ) -> Option<Measure> {
        let span = value.span;
        let aggregate = match &value.kind {
            ValueKind::SinceLast(path) => {
                let (rows, by) = self.measured_rows(named(path, None, path.span), entity, d)?;
                let ty = ValueType { nullable: true, unit: Some(Unit::none()), ..ValueType::plain(Type::Duration) };
                let how = Measured { by: MeasuredBy::Since, days: None };
                return Some(Measure { how, ty, part: self.made_of(rows, by), span });
            }
            ValueKind::Expr { expr, clauses } if clauses.is_empty() => match &expr.kind {
                ExprKind::Aggregate(aggregate) => Some(&**aggregate),
                _ => None,
            },
            _ => None,
        };
        let Some(aggregate) = aggregate.filter(|of| of.at_last.is_none() && of.per.is_empty()) else {
            d.push(error!(E0696, span, "a measure is one aggregate of rows";
                help: "write `count(order over 90d)`, `sum(paid from order over 90d)` or `since last order`; compare several measures in a class"));
            return None;
        };
        let how = aggregation(&aggregate.function, &aggregate.arguments, d)?;
        let by = match how {
            Aggregation::Count => MeasuredBy::Count,
            Aggregation::Distinct => MeasuredBy::Distinct,
            Aggregation::Sum => MeasuredBy::Sum,
            _ => {
                d.push(error!(E0696, aggregate.function.span, "`{}` is no measure of a segment", aggregate.function.value;
                    help: "take `count`, `distinct` or `sum`; a mean is the quotient of two of them, in the condition of a class"));
                return None;
            }
        };
        let (rows, whose, input) = self.measured(aggregate, entity, d)?;
        let units = Units::of(&self.tables, input.as_ref(), rows.base);
        let of = input.as_ref().map(|input| (&input.ty, input.span));
        if of.is_none() && by != MeasuredBy::Count {
            d.push(error!(E0613, span, "`{}` needs a column", aggregate.function.value;
                help: ("write `{}(column from rows)`; only `count` takes rows alone", aggregate.function.value)));
            return None;
        }
        let ty = result_type(how, &aggregate.function, of, &units, &self.tables, d)?;
        let inexact = matches!(input.as_ref().map(|input| &input.ty.ty), Some(Type::Float)) && by != MeasuredBy::Count;
        if inexact {
            d.push(error!(E0696, span, "floats are added in no fixed order, so which members are equal would be left to chance";
                help: "convert each value: `cast(x as decimal(18,2))`"));
            return None;
        }
        if ty.sensitivity == Sensitivity::Personal {
            d.push(
                error!(E0701, span, "the measure `{}` shows personal data, and classes would tell of it", name.value;
                help: "count it, or take a value that is not personal"),
            );
            return None;
        }
        let days = match &aggregate.over {
            Some(window) => self.measured_days(&window.value, window.span, &rows, d)?,
            None => None,
        };
        let mut part = self.made_of(rows, whose);
        part.values.extend(input);
        Some(Measure { how: Measured { by, days }, ty: ValueType { nullable: false, ..ty }, part, span })
    }

    /// How many days before a day count: an inner none for all.
    fn measured_days(
        &self,
        window: &ast::Window,
        span: Span,
        rows: &RowSet,
        d: &mut Diagnostics,
    ) -> Option<Option<i64>> {
        let days = match window {
            ast::Window::All => return Some(None),
            ast::Window::Step(step) => match length(step, span, d)? {
                Length::Days(days) => Some(days),
                _ => None,
            },
            ast::Window::ToDate(_) => None,
        };
        let Some(days) = days else {
            d.push(error!(E0696, span, "a measure is of a number of days before each day"; help: "write `over 90d`, or `over all`"));
            return None;
        };
        let told = d.len();
        self.check_kept([rows], days.saturating_mul(DAY_MS), span, d);
        (d.len() == told).then_some(Some(days))
    }

    /// The rows of an aggregate, whose they are, and what is taken of each.
    fn measured(
        &mut self,
        aggregate: &'a ast::Aggregate,
        entity: TableId,
        d: &mut Diagnostics,
    ) -> Option<(RowSet, ColumnId, Option<RowExpr>)> {
        let (written, input) = match &aggregate.input {
            AggregateInput::Rows(rows) => {
                self.prepare(rows, d);
                (rows.clone(), None)
            }
            AggregateInput::ExprFrom { expr, rows } => {
                self.prepare(rows, d);
                (rows.clone(), Some(expr))
            }
            AggregateInput::Formula(of) => match &of.kind {
                ExprKind::Path { path, version } => (named(path, *version, of.span), None),
                _ => {
                    d.push(error!(E0137, of.span, "an aggregate is taken of rows";
                        help: ("write `{}(… from source)`", aggregate.function.value)));
                    return None;
                }
            },
        };
        let mut rows = self.check(&written, d)?;
        if let Some(column) = &aggregate.dated {
            self.date(&mut rows, column, d)?;
        }
        if let Some(filter) = &aggregate.filter {
            self.filter(&mut rows, filter, None, d)?;
        }
        let (rows, whose) = self.of_members("segment", rows, written.span, entity, d)?;
        let input = match input {
            Some(expr) => Some(self.value_of(&rows, expr, d)?),
            None => None,
        };
        Some((rows, whose, input))
    }

    /// A value of each of some rows, to be taken of them.
    pub(super) fn value_of(&self, rows: &RowSet, expr: &ast::Expr, d: &mut Diagnostics) -> Option<RowExpr> {
        let scope = RowScope { tables: &self.tables, base: rows.base, zone: self.zone };
        let mut typed = check_row(&scope, expr, d)?;
        self.check_as_of(rows, &typed, d)?;
        if too_large(typed.size(&self.tables), "this value", expr.span, d) {
            return None;
        }
        if let Some(time) = self.time(rows) {
            typed.replace_time(time);
        }
        Some(typed)
    }

    fn measured_rows(
        &mut self,
        written: ast::RowSet,
        entity: TableId,
        d: &mut Diagnostics,
    ) -> Option<(RowSet, ColumnId)> {
        let rows = self.check(&written, d)?;
        self.of_members("segment", rows, written.span, entity, d)
    }
}

fn named(path: &ast::Path, version: Option<crate::diagnostic::Spanned<u32>>, span: Span) -> ast::RowSet {
    ast::RowSet { kind: RowSetKind::Named { name: path.clone(), version }, span }
}
