//! Typing aggregates over the values of a formula: `avg(count(event) per user_id where value >= 3)`.

use crate::diagnostic::{Diagnostics, Span};
use crate::error;
use crate::syntax::ast::{self, ExprKind, Key};
use crate::value::{Span as Length, Step};

use super::super::metrics::divides;
use super::super::model::{
    Aggregation, Formula, FormulaKind, Nested, NestedKey, RowExpr, RowExprKind, Type, ValueType,
};
use super::super::ops::{Leaf, Leaves, refuse};
use super::super::predicate;
use super::super::{Unit, step_named};
use super::FormulaScope;
use super::leaf::{Units, aggregation, result_type};
use super::moved::step;

/// Types a nested aggregate.
pub fn check_nested(
    scope: &FormulaScope<'_>,
    aggregate: &ast::Aggregate,
    inner: &ast::Expr,
    span: Span,
    d: &mut Diagnostics,
) -> Option<Formula> {
    let aggregation = aggregation(&aggregate.function, &aggregate.arguments, d);
    let formula = scope.check(inner, d);
    let (aggregation, formula) = (aggregation?, formula?);
    let facts = scope.facts(&formula);
    let reads = facts.reads;
    let mut keys = Vec::new();
    for key in &aggregate.per {
        let path = match key {
            Key::Path(path) => match step_named(scope.calendars, &path.to_string()) {
                Some(step) => {
                    keys.push(NestedKey::Step(step));
                    continue;
                }
                None => path,
            },
            Key::Step(written) => match scope.named_like_a_step(written) {
                Some(path) => &path.clone(),
                None => {
                    keys.push(NestedKey::Step(step(scope.calendars, &written.value, written.span, d)?));
                    continue;
                }
            },
        };
        keys.push(scope.keys().check(path, &reads, d)?);
    }
    check_steps(aggregate, &keys, aggregation, span, d)?;
    if !facts.rows {
        d.push(error!(E0650, inner.span, "this is looked up for other rows, and gives none itself"; help: "leave `across` out of the inner value"));
        return None;
    }
    let steps = keys.iter().filter_map(|key| if let NestedKey::Step(step) = key { Some(*step) } else { None });
    for step in steps {
        fits(step, &facts.shifts, &facts.steps, span, d)?;
        if let Some(part) = facts.parts.iter().find(|part| !part.fits(step, scope.week_start)) {
            d.push(error!(E0657, inner.span, "buckets of {} have no `{}`", step.text(), part.name();
                help: "take values per a shorter step"));
            return None;
        }
    }
    let filter = match &aggregate.per_filter {
        Some(condition) => Some(check_filter(scope, condition, &formula, d)?),
        None => None,
    };
    let unit = groups_unit(scope, &keys);
    let units = Units { count: unit.clone(), distinct: Unit::none() };
    let counts_groups = aggregation == Aggregation::Count;
    let input = (!counts_groups).then_some((&formula.ty, formula.span));
    let ty = result_type(aggregation, &aggregate.function, input, &units, scope.tables, d)?;
    let nested = Nested { aggregation, counts_groups, formula, keys, filter };
    Some(Formula { kind: FormulaKind::Nested(Box::new(nested)), ty, span })
}

/// One step at most; what takes the first or last value needs one, to have an order.
fn check_steps(
    aggregate: &ast::Aggregate,
    keys: &[NestedKey],
    aggregation: Aggregation,
    span: Span,
    d: &mut Diagnostics,
) -> Option<()> {
    let steps = keys.iter().filter(|key| matches!(key, NestedKey::Step(_))).count();
    if steps > 1 {
        d.push(error!(E0645, span, "the values cannot be per two steps of time"; help: "keep one of them, or aggregate twice"));
        return None;
    }
    if matches!(aggregation, Aggregation::First | Aggregation::Last) && (steps == 0 || keys.len() > 1) {
        d.push(error!(E0647, span, "these values have no order of time to take the `{}` of", aggregate.function.value;
            help: "take it per a step of time alone, such as `last(m per 1d)`, or take `min` or `max`"));
        return None;
    }
    Some(())
}

/// Whether values of these shifts and inner steps can be had at a step.
pub fn fits(step: Step, shifts: &[Length], steps: &[Step], span: Span, d: &mut Diagnostics) -> Option<()> {
    if let Some(shift) = shifts.iter().find(|shift| !shift.maps(step)) {
        let help = match (step, shift) {
            (Step::Week, Length::Months(months)) if months % 12 == 0 => {
                format!("write `ago {}w`, or take another grain", months / 12 * 52)
            }
            (Step::Subday(ms), _) => format!("move it by whole steps of {}", Step::Subday(ms).text()),
            (_, Length::Bucket(_)) => format!("take the grain `{}`", shift.text()),
            _ => format!("move it by whole steps: `ago {}`", step.text()),
        };
        d.push(error!(E0643, span, "`ago {}` does not map buckets of {} to buckets", shift.text(), step.text(); help: help));
        return None;
    }
    if let Some(inner) = steps.iter().find(|inner| !divides(**inner, step)) {
        d.push(error!(E0645, span, "buckets of {} are not made of whole buckets of {}", step.text(), inner.text();
            help: "take a coarser grain, or values per a finer step"));
        return None;
    }
    Some(())
}

/// A count of groups is in the entity that they are of.
fn groups_unit(scope: &FormulaScope<'_>, keys: &[NestedKey]) -> Unit {
    match keys {
        [NestedKey::Column { values, .. }] => match values.first().map(|(_, value)| &value.ty.ty) {
            Some(Type::Entity(id)) => Unit::named(scope.tables[id.0].name.as_str()),
            _ => Unit::none(),
        },
        _ => Unit::none(),
    }
}

/// The condition on the inner value.
fn check_filter(
    scope: &FormulaScope<'_>,
    condition: &ast::Expr,
    formula: &Formula,
    d: &mut Diagnostics,
) -> Option<RowExpr> {
    let ops = super::super::ops::Ops::new(scope.tables, scope.zone);
    let ty = ValueType { nullable: true, ..formula.ty.clone() };
    let typed = ops.check(&mut InnerLeaves { ty }, condition, d)?;
    let typed = ops.condition(typed, "a condition on values", d)?;
    predicate::inspect_condition(&typed, d);
    Some(typed)
}

/// `value` is all that a condition behind `per` knows.
struct InnerLeaves {
    ty: ValueType,
}

impl Leaves<RowExpr> for InnerLeaves {
    fn leaf(&mut self, expr: &ast::Expr, d: &mut Diagnostics) -> Leaf<RowExpr> {
        match &expr.kind {
            ExprKind::Path { path, version: None } if path.single().is_some_and(|name| name.value == "value") => {
                Leaf::Done(Some(RowExpr { kind: RowExprKind::Inner, ty: self.ty.clone(), span: expr.span }))
            }
            ExprKind::Path { path, .. } => Leaf::Done(refuse(
                d,
                error!(E0649, expr.span, "a condition behind `per` knows `value` only, not `{path}`";
                    help: "put a condition on rows into the inner aggregate, one on dimensions behind the metric"),
            )),
            _ => Leaf::Shared,
        }
    }

    fn place(&self) -> &'static str {
        "a condition on values"
    }
}
