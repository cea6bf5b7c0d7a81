//! Typing aggregates: what is counted, summed or averaged, over which rows.

use crate::diagnostic::{Diagnostics, Span, Spanned};
use crate::error;
use crate::syntax::ast::{self, AggregateInput, ExprKind, Literal};

use super::super::flow::aggregate_sensitivity;
use super::super::model::{
    Aggregation, AtLast, Formula, FormulaKind, Leaf, Level, Movement, RowExpr, RowSet, Sensitivity, Table, TableId,
    Type, ValueType,
};
use super::super::type_name::{show_type, with_article};
use super::super::{RowScope, Unit, check_row};
use super::FormulaScope;
use super::moved::{step, window};
use super::nested::check_nested;

/// Types an aggregate.
pub fn check_leaf(
    scope: &FormulaScope<'_>,
    aggregate: &ast::Aggregate,
    span: Span,
    d: &mut Diagnostics,
) -> Option<Formula> {
    if let AggregateInput::Formula(inner) = &aggregate.input
        && !aggregate.per.is_empty()
        && aggregate.at_last.is_none()
    {
        return check_nested(scope, aggregate, inner, span, d);
    }
    if let AggregateInput::Formula(inner) = &aggregate.input
        && let Some(of_units) = scope.of_units(aggregate, inner, span, d)
    {
        return of_units;
    }
    let aggregation = aggregation(&aggregate.function, &aggregate.arguments, d);
    let (input, mut rows) = input(scope, aggregate, span, d)?;
    if let Some(column) = &aggregate.dated {
        scope.rows.date(&mut rows, column, d)?;
    }
    if let Some(filter) = &aggregate.filter {
        scope.rows.filter(&mut rows, filter, Some(scope), d)?;
    }
    let (input, aggregation) = (input?, aggregation?);
    let units = Units::of(scope.tables, input.as_ref(), rows.base);
    let of = input.as_ref().map(|input| (&input.ty, input.span));
    let mut ty = result_type(aggregation, &aggregate.function, of, &units, scope.tables, d)?;
    let timeless = scope.tables[rows.base.0].time.is_none();
    if matches!(aggregation, Aggregation::First | Aggregation::Last) && timeless {
        d.push(error!(E0611, span, "`{}` has no time to order its rows by", scope.tables[rows.base.0].name.value;
            help: "use `min` or `max`, or aggregate a source"));
        return None;
    }
    let at_last = match &aggregate.at_last {
        Some(written) => Some(at_last(scope, aggregate, written, &rows, d)?),
        None => None,
    };
    let over = match &aggregate.over {
        Some(written) => Some(window(scope.calendars, &written.value, written.span, d)?),
        None => None,
    };
    ty.nullable |= over.is_some();
    let leaf = Leaf { aggregation, input, rows, at_last };
    let leaf = Formula { kind: FormulaKind::Leaf(Box::new(leaf)), ty: ty.clone(), span };
    Some(match over {
        Some(window) => {
            let by = Movement::Over(window);
            Formula { kind: FormulaKind::Moved { operand: Box::new(leaf), by }, ty, span }
        }
        None => leaf,
    })
}

/// `at last STEP [per k]`
fn at_last(
    scope: &FormulaScope<'_>,
    aggregate: &ast::Aggregate,
    written: &Spanned<ast::Step>,
    rows: &RowSet,
    d: &mut Diagnostics,
) -> Option<AtLast> {
    let table = &scope.tables[rows.base.0];
    if rows.dated.is_none() && table.time.is_none() {
        d.push(error!(E0611, written.span, "`{}` has no time to take the last rows by", table.name.value;
            help: "leave `at last` out, or aggregate a source"));
        return None;
    }
    let step = step(scope.calendars, &written.value, written.span, d)?;
    let row_scope = RowScope { tables: scope.tables, base: rows.base, zone: scope.zone };
    let mut per = Vec::new();
    for key in &aggregate.per {
        let ast::Key::Path(path) = key else {
            d.push(error!(E0645, written.span, "`at last … per` takes columns"; help: "name a column: `at last 1d per account_id`"));
            return None;
        };
        let expr = ast::Expr { kind: ExprKind::Path { path: path.clone(), version: None }, span: path.span };
        let key = check_row(&row_scope, &expr, d)?;
        scope.rows.check_as_of(rows, &key, d)?;
        per.push(key);
    }
    Some(AtLast { step, per })
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
            let rows = scope.rows.check_with(rows, Some(scope), d)?;
            if !counts {
                d.push(needs_expression(&aggregate.function, span));
                return None;
            }
            Some((Some(None), rows))
        }
        AggregateInput::ExprFrom { expr, rows } => {
            let mut rows = scope.rows.check_with(rows, Some(scope), d)?;
            if let Some(column) = &aggregate.dated {
                scope.rows.date(&mut rows, column, d)?;
            }
            let row_scope = RowScope { tables: scope.tables, base: rows.base, zone: scope.zone };
            let Some(mut typed) = check_row(&row_scope, expr, d) else { return Some((None, rows)) };
            if scope.rows.check_as_of(&rows, &typed, d).is_none() {
                return Some((None, rows));
            }
            if let Some(time) = scope.rows.time(&rows) {
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
            let rows = scope.rows.check_with(&rows, Some(scope), d)?;
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

/// The aggregate of a name and its further arguments.
pub fn aggregation(name: &ast::Name, arguments: &[Spanned<Literal>], d: &mut Diagnostics) -> Option<Aggregation> {
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

/// What counts are in.
pub struct Units {
    /// A count of rows or groups, or of their values.
    pub count: Unit,
    /// A number of different values.
    pub distinct: Unit,
}

impl Units {
    /// Of the rows of a table: a count is in their source, a number of different values in their entity, or the source.
    pub fn of(tables: &[Table], input: Option<&RowExpr>, base: TableId) -> Units {
        let source = base.source(tables);
        let distinct = input.map(|input| match input.ty.ty {
            Type::Entity(id) => id,
            _ => source,
        });
        let named = |table: TableId| Unit::named(tables[table.0].name.as_str());
        Units { count: named(source), distinct: distinct.map_or_else(Unit::none, named) }
    }
}

/// The type of an aggregate of values of a type; of rows or groups alone where there is no `input`.
pub fn result_type(
    aggregation: Aggregation,
    name: &ast::Name,
    input: Option<(&ValueType, Span)>,
    units: &Units,
    tables: &[Table],
    d: &mut Diagnostics,
) -> Option<ValueType> {
    let public = |ty: Type, unit: &Unit| ValueType {
        ty,
        nullable: false,
        unit: Some(unit.clone()),
        sensitivity: Sensitivity::Public,
    };
    let Some((input, span)) = input else {
        return Some(public(Type::Int, &units.count));
    };
    let ty = &input.ty;
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
        let shown = with_article(&show_type(ty, tables));
        let help = fitting(aggregation, ty);
        d.push(error!(E0617, span, "`{}` does not take {shown}", name.value; help: help));
        return None;
    }
    let float = if *ty == Type::Duration { Type::Duration } else { Type::Float };
    let (ty, nullable) = match aggregation {
        Aggregation::Count => return Some(public(Type::Int, &units.count)),
        Aggregation::Distinct | Aggregation::ApproxDistinct => return Some(public(Type::Int, &units.distinct)),
        Aggregation::Sum => (sum_type(ty), false),
        Aggregation::Avg | Aggregation::Quantile(_) | Aggregation::ApproxQuantile(_) => (float, true),
        Aggregation::Stddev | Aggregation::Variance => (Type::Float, true),
        Aggregation::Min | Aggregation::Max | Aggregation::QuantileDisc(_) | Aggregation::First | Aggregation::Last => {
            (ty.clone(), true)
        }
    };
    let unit = match aggregation {
        Aggregation::Variance => input.unit.as_ref().map(|unit| unit.times(unit)),
        _ => input.unit.clone(),
    };
    Some(ValueType {
        ty,
        nullable,
        unit: Some(unit.unwrap_or_default()),
        sensitivity: aggregate_sensitivity(aggregation, input.sensitivity),
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
pub fn sum_type(ty: &Type) -> Type {
    match ty {
        Type::Int => Type::Decimal { precision: 38, scale: 0 },
        Type::Decimal { scale, .. } => Type::Decimal { precision: 38, scale: *scale },
        other => other.clone(),
    }
}
