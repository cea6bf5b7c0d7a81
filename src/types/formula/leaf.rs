//! Typing aggregates: what is counted, summed or averaged, over which rows.

use crate::diagnostic::{Diagnostics, Span, Spanned};
use crate::error;
use crate::resolve::later;
use crate::syntax::ast::{self, AggregateInput, ExprKind, Literal};

use super::super::flow::aggregate_sensitivity;
use super::super::model::{
    Aggregation, Formula, FormulaKind, Leaf, Level, RowExpr, RowSet, Sensitivity, Type, ValueType,
};
use super::super::type_name::{show_type, with_article};
use super::super::{RowScope, Unit, check_row};
use super::FormulaScope;

/// Types an aggregate.
pub fn check_leaf(
    scope: &FormulaScope<'_>,
    aggregate: &ast::Aggregate,
    span: Span,
    d: &mut Diagnostics,
) -> Option<Formula> {
    if let Some(over) = &aggregate.over {
        d.push(later("over", over.span));
        return None;
    }
    if let Some(at_last) = &aggregate.at_last {
        d.push(later("at last", at_last.span));
        return None;
    }
    if !aggregate.per.is_empty() {
        d.push(later("per", span));
        return None;
    }
    let aggregation = aggregation(&aggregate.function, &aggregate.arguments, d);
    let (input, mut rows) = input(scope, aggregate, span, d)?;
    if let Some(column) = &aggregate.dated {
        scope.rows.date(&mut rows, column, d)?;
    }
    if let Some(filter) = &aggregate.filter {
        scope.rows.filter(&mut rows, filter, d)?;
    }
    let (input, aggregation) = (input?, aggregation?);
    let ty = result_type(scope, aggregation, &aggregate.function, input.as_ref(), &rows, d)?;
    if matches!(aggregation, Aggregation::First | Aggregation::Last) && scope.tables[rows.base.0].time.is_none() {
        d.push(error!(E0611, span, "`{}` has no time to order its rows by", scope.tables[rows.base.0].name.value;
            help: "use `min` or `max`, or aggregate a source"));
        return None;
    }
    let leaf = Leaf { aggregation, input, rows };
    Some(Formula { kind: FormulaKind::Leaf(Box::new(leaf)), ty, span })
}

/// What an aggregate takes of each row; none for a bare count.
type Input = Option<RowExpr>;

/// The expression and the rows of an aggregate. Where only the expression is wrong, what stands behind the rows is still
/// looked at.
fn input(
    scope: &FormulaScope<'_>,
    aggregate: &ast::Aggregate,
    span: Span,
    d: &mut Diagnostics,
) -> Option<(Option<Input>, RowSet)> {
    let counts = aggregate.function.as_str() == "count";
    match &aggregate.input {
        AggregateInput::Rows(rows) => {
            let rows = scope.rows.check(rows, d)?;
            if !counts {
                d.push(needs_expression(&aggregate.function, span));
                return None;
            }
            Some((Some(None), rows))
        }
        AggregateInput::ExprFrom { expr, rows } => {
            let mut rows = scope.rows.check(rows, d)?;
            if let Some(column) = &aggregate.dated {
                scope.rows.date(&mut rows, column, d)?;
            }
            let row_scope = RowScope { tables: scope.tables, base: rows.base, zone: scope.zone };
            let Some(mut typed) = check_row(&row_scope, expr, d) else { return Some((None, rows)) };
            let time = rows
                .dated
                .or(scope.tables[rows.base.0].time.map(|column| super::super::ColumnId { table: rows.base, column }));
            if let Some(time) = time {
                typed.replace_time(time);
            }
            Some((Some(Some(typed)), rows))
        }
        AggregateInput::Formula(expr) => {
            let ExprKind::Path { path, version } = &expr.kind else {
                d.push(error!(E0137, expr.span, "an aggregate is taken of rows";
                    help: ("write `{}(… from source)`", aggregate.function.value)));
                return None;
            };
            let rows =
                ast::RowSet { kind: ast::RowSetKind::Named { name: path.clone(), version: *version }, span: expr.span };
            let rows = scope.rows.check(&rows, d)?;
            if !counts {
                d.push(needs_expression(&aggregate.function, span));
                return None;
            }
            Some((Some(None), rows))
        }
    }
}

fn needs_expression(function: &ast::Name, span: Span) -> crate::diagnostic::Diagnostic {
    error!(E0613, span, "`{}` needs a column", function.value;
        help: ("write `{}(column from rows)`; only `count` takes rows alone", function.value))
}

fn aggregation(name: &ast::Name, arguments: &[Spanned<Literal>], d: &mut Diagnostics) -> Option<Aggregation> {
    let fixed = |numerator: u64| Aggregation::Quantile(Level { numerator, denominator: 100 });
    let found = match name.as_str() {
        "count" => Aggregation::Count,
        "distinct" => Aggregation::Distinct,
        "approx_distinct" => Aggregation::ApproxDistinct,
        "sum" => Aggregation::Sum,
        "avg" => Aggregation::Avg,
        "min" => Aggregation::Min,
        "max" => Aggregation::Max,
        "p50" => fixed(50),
        "p75" => fixed(75),
        "p90" => fixed(90),
        "p95" => fixed(95),
        "p99" => fixed(99),
        "stddev" => Aggregation::Stddev,
        "variance" => Aggregation::Variance,
        "first" => Aggregation::First,
        "last" => Aggregation::Last,
        "quantile" => return level(name, arguments, d).map(Aggregation::Quantile),
        "quantile_disc" => return level(name, arguments, d).map(Aggregation::QuantileDisc),
        "approx_quantile" => return level(name, arguments, d).map(Aggregation::ApproxQuantile),
        _ => {
            d.push(needs_expression(name, name.span));
            return None;
        }
    };
    if let Some(extra) = arguments.first() {
        d.push(error!(E0615, extra.span, "`{}` takes no further argument", name.value; help: "leave it out"));
        return None;
    }
    Some(found)
}

fn level(name: &ast::Name, arguments: &[Spanned<Literal>], d: &mut Diagnostics) -> Option<Level> {
    let (text, span, percent) = match arguments {
        [argument] => match &argument.value {
            Literal::Number(text) => (text, argument.span, false),
            Literal::Percent(text) => (text, argument.span, true),
            _ => (&String::new(), argument.span, false),
        },
        _ => (&String::new(), name.span, false),
    };
    let found = fraction(text, percent).filter(|level| level.numerator <= level.denominator);
    if found.is_none() {
        d.push(error!(E0616, span, "`{}` needs a level from 0 to 1", name.value;
            help: ("write `{}(column from rows, 0.9)`", name.value)));
    }
    found
}

/// `0.95` as 95/100.
fn fraction(text: &str, percent: bool) -> Option<Level> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    if decimals.len() > 12 {
        return None;
    }
    let numerator: u64 = format!("{whole}{decimals}").parse().ok()?;
    let digits = decimals.len() as u32 + if percent { 2 } else { 0 };
    Some(Level { numerator, denominator: 10u64.pow(digits) })
}

fn result_type(
    scope: &FormulaScope<'_>,
    aggregation: Aggregation,
    name: &ast::Name,
    input: Option<&RowExpr>,
    rows: &RowSet,
    d: &mut Diagnostics,
) -> Option<ValueType> {
    let public =
        |ty: Type, unit: Unit| ValueType { ty, nullable: false, unit: Some(unit), sensitivity: Sensitivity::Public };
    let Some(input) = input else {
        return Some(public(Type::Int, Unit::named(scope.tables[rows.base.0].name.as_str())));
    };
    let ty = &input.ty.ty;
    let numeric = matches!(ty, Type::Int | Type::Float | Type::Decimal { .. } | Type::Duration);
    let scalar = !matches!(ty, Type::Array(_) | Type::Map(_));
    let fits = match aggregation {
        Aggregation::Count | Aggregation::First | Aggregation::Last => true,
        Aggregation::Distinct | Aggregation::ApproxDistinct => scalar,
        Aggregation::Min | Aggregation::Max => scalar && *ty != Type::Bool,
        Aggregation::QuantileDisc(_) => numeric || matches!(ty, Type::Date | Type::Timestamp),
        Aggregation::Stddev | Aggregation::Variance => numeric && *ty != Type::Duration,
        Aggregation::Sum | Aggregation::Avg | Aggregation::Quantile(_) | Aggregation::ApproxQuantile(_) => numeric,
    };
    if !fits {
        let shown = with_article(&show_type(ty, scope.tables));
        let help = fitting(aggregation, ty);
        d.push(error!(E0617, input.span, "`{}` does not take {shown}", name.value; help: help));
        return None;
    }
    let float = if *ty == Type::Duration { Type::Duration } else { Type::Float };
    let (ty, nullable) = match aggregation {
        Aggregation::Count => {
            return Some(public(Type::Int, Unit::named(scope.tables[rows.base.0].name.as_str())));
        }
        Aggregation::Distinct | Aggregation::ApproxDistinct => {
            return Some(public(Type::Int, Unit::named(distinct_unit(scope, input, rows))));
        }
        Aggregation::Sum => (sum_type(ty), false),
        Aggregation::Avg | Aggregation::Quantile(_) | Aggregation::ApproxQuantile(_) => (float, true),
        Aggregation::Stddev | Aggregation::Variance => (Type::Float, true),
        Aggregation::Min | Aggregation::Max | Aggregation::QuantileDisc(_) | Aggregation::First | Aggregation::Last => {
            (ty.clone(), true)
        }
    };
    let unit = match aggregation {
        Aggregation::Variance => input.ty.unit.as_ref().map(|unit| unit.times(unit)),
        _ => input.ty.unit.clone(),
    };
    Some(ValueType {
        ty,
        nullable,
        unit: Some(unit.unwrap_or_default()),
        sensitivity: aggregate_sensitivity(aggregation, input.ty.sensitivity),
    })
}

/// What to write where an aggregate does not take a value.
fn fitting(aggregation: Aggregation, ty: &Type) -> &'static str {
    match (aggregation, ty) {
        (_, Type::Array(_) | Type::Map(_)) => "take an element: `x[1]` or `x[\"key\"]`",
        (_, Type::Bool) => "count the rows in which it is true: `count(rows where x)`",
        (Aggregation::Sum | Aggregation::Avg, Type::Date | Type::Timestamp) => {
            "take the time since another one: `x - created_at`"
        }
        (Aggregation::Quantile(_) | Aggregation::ApproxQuantile(_), Type::Date | Type::Timestamp) => {
            "use `quantile_disc`, which gives one of the values"
        }
        (_, Type::Duration) => "make a number of the duration: `x / 1s`",
        (_, Type::String) => "count its values, or make a number of the text: `cast(x as decimal(18,2))`",
        _ => "count it: `count(x from rows)`, `distinct(x from rows)`",
    }
}

/// The sum of ints and decimals has as many digits as there are.
fn sum_type(ty: &Type) -> Type {
    match ty {
        Type::Int => Type::Decimal { precision: 38, scale: 0 },
        Type::Decimal { scale, .. } => Type::Decimal { precision: 38, scale: *scale },
        other => other.clone(),
    }
}

/// A distinct's unit is its entity; of a plain column, the source.
fn distinct_unit(scope: &FormulaScope<'_>, input: &RowExpr, rows: &RowSet) -> String {
    let table = match input.ty.ty {
        Type::Entity(id) => id,
        _ => rows.base,
    };
    scope.tables[table.0].name.value.clone()
}
