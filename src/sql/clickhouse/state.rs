//! States of aggregates in rollups. Arguments are made not null before they are aggregated, so that the type of a state
//! depends on nothing but the plan (CH9); counts, sums, least and greatest values are plain columns that merge by
//! themselves (CH10).

use sqlparser::ast::{BinaryOperator, Expr};

use super::aggregate::{int, interpolated_milliseconds, share, whole_milliseconds};
use super::value::type_name;
use crate::plan::{Aggregate, DataType, Expr as PlanExpr, Ratio, Step};
use crate::rollup::{Mergeability, Part, State};
use crate::sql::build::{self, binary, call, number};
use crate::sql::dialect::{Calendar, Kept, ReadState, States};

/// The rollups of ClickHouse.
pub struct ClickHouseStates;

/// The function of a state, with its parameter, by what it keeps; a plain column merges by a function of the same name.
fn function(part: Part) -> (&'static str, Option<&'static str>) {
    match part {
        Part::Count | Part::Sum => ("sum", None),
        Part::Min => ("min", None),
        Part::Max => ("max", None),
        Part::Distinct => ("uniqExact", None),
        Part::ApproxDistinct => ("uniqCombined64", Some("17")),
        // The level is asked when the state is read; the type names one all the same.
        Part::Numbers => ("quantileExactInclusive", Some("0.5")),
        Part::Digest => ("quantileTDigest", Some("0.5")),
        Part::Items => ("groupArray", None),
        Part::Variance => ("varSampStable", None),
        Part::First => ("argMin", None),
        Part::Last => ("argMax", None),
    }
}

/// Whether the column holds a value and no state.
fn is_plain(part: Part) -> bool {
    Mergeability::of_kind(part).is_plain()
}

/// `name…(level)(column)`, over the rows of the state's filter.
fn named(part: Part, suffix: &str, level: Option<Expr>, state: ReadState) -> Expr {
    let (name, parameter) = function(part);
    let suffix = if is_plain(part) { "" } else { suffix };
    let parameter = level.or_else(|| parameter.map(number));
    filtered(&format!("{name}{suffix}"), parameter, vec![state.column], state.filter)
}

/// What a state is made of: floats for statistics, wide decimals for sums of ints, else the value itself.
fn argument_type(part: Part, ty: &DataType) -> DataType {
    match (part, ty) {
        (Part::Numbers | Part::Digest | Part::Variance, _) => DataType::Float,
        (Part::Sum, DataType::Int) => DataType::Decimal { precision: 38, scale: 0 },
        _ => ty.clone(),
    }
}

impl States for ClickHouseStates {
    fn key_type(&self, step: Step, calendar: Calendar) -> String {
        match step {
            Step::Subday(_) => type_name(&DataType::Timestamp, calendar).to_string(),
            _ => type_name(&DataType::Date, calendar).to_string(),
        }
    }

    fn dimension_type(&self, value: &PlanExpr, calendar: Calendar) -> String {
        let plain = type_name(&value.ty, calendar).to_string();
        let plain = if value.nullable { format!("Nullable({plain})") } else { plain };
        if value.ty == DataType::String { format!("LowCardinality({plain})") } else { plain }
    }

    fn value_type(&self, ty: &DataType, nullable: bool, calendar: Calendar) -> String {
        let plain = type_name(ty, calendar).to_string();
        // Lists and maps are empty where they are missing.
        let can_be_null = nullable && !matches!(ty, DataType::Array(_) | DataType::Map(_));
        if can_be_null { format!("Nullable({plain})") } else { plain }
    }

    fn flag_type(&self) -> &'static str {
        "UInt8"
    }

    fn state_type(&self, state: &State, order: &[DataType], keyed: bool, calendar: Calendar) -> String {
        let of = |ty: &DataType| type_name(ty, calendar).to_string();
        let own = state.argument.as_ref().map_or(DataType::Int, |argument| argument_type(state.part, &argument.ty));
        let (name, parameter) = function(state.part);
        let name = parameter.map_or(name.to_owned(), |parameter| format!("{name}({parameter})"));
        match state.part {
            Part::Count => "SimpleAggregateFunction(sum, UInt64)".to_owned(),
            Part::Sum => format!("SimpleAggregateFunction(sum, {})", of(&own)),
            Part::Min | Part::Max => format!("SimpleAggregateFunction({name}, Nullable({}))", of(&own)),
            Part::First | Part::Last => {
                let mut order: Vec<String> = order.iter().map(of).collect();
                if !keyed {
                    order.extend(["UInt8".to_owned(), format!("Nullable({})", of(&own))]);
                }
                format!("AggregateFunction({name}, Tuple(Nullable({})), Tuple({}))", of(&own), order.join(", "))
            }
            _ => format!("AggregateFunction({name}, {})", of(&own)),
        }
    }

    fn keep(&self, kept: &Kept, calendar: Calendar) -> Expr {
        let rows = build::all(kept.filter.clone());
        let Some(argument) = &kept.argument else { return count(rows) };
        let known = argument.nullable.then(|| build::is_not_null(argument.sql.clone()));
        let values = build::all(kept.filter.iter().cloned().chain(known));
        let value = call("assumeNotNull", vec![argument.sql.clone()]);
        let value = match argument_type(kept.part, argument.ty) {
            ty if ty == *argument.ty => value,
            DataType::Float => call("toFloat64", vec![value]),
            _ => call("toDecimal128", vec![value, number(0)]),
        };
        match kept.part {
            Part::Count => count(values),
            Part::Sum => filtered("sum", None, vec![value], values),
            Part::Min | Part::Max => {
                let (name, _) = function(kept.part);
                filtered(&format!("{name}OrNull"), None, vec![argument.sql.clone()], rows)
            }
            Part::First | Part::Last => {
                // The types are pinned: a string may come with few values, a column may be nullable.
                let nullable = type_name(argument.ty, calendar);
                let nullable = sqlparser::ast::DataType::Nullable(Box::new(nullable));
                let value = build::cast(argument.sql.clone(), nullable);
                let mut order: Vec<Expr> =
                    kept.order.iter().map(|key| call("assumeNotNull", vec![key.clone()])).collect();
                if !kept.keyed {
                    order.extend([call("isNull", vec![value.clone()]), value.clone()]);
                }
                let arguments = vec![call("tuple", vec![value]), call("tuple", order)];
                filtered(&format!("{}State", function(kept.part).0), None, arguments, rows)
            }
            part => {
                let (name, parameter) = function(part);
                filtered(&format!("{name}State"), parameter.map(number), vec![value], values)
            }
        }
    }

    fn merge(&self, part: Part, state: ReadState) -> Expr {
        named(part, "MergeState", None, state)
    }

    fn is_kept(&self, key: Expr, step: Step, days: u32, calendar: Calendar) -> Expr {
        let now = call("now64", vec![number(3), build::text(calendar.zone.name())]);
        let first = call("subtractDays", vec![call("toDate32", vec![now]), number(days)]);
        let first = match step {
            Step::Subday(_) => super::time::midnight(first, calendar),
            _ => first,
        };
        binary(key, BinaryOperator::GtEq, first)
    }

    fn finish(&self, aggregate: &Aggregate, ty: &DataType, states: &[ReadState]) -> Expr {
        let state =
            |at: usize| states.get(at).cloned().unwrap_or_else(|| ReadState { column: build::null(), filter: None });
        let read = |part: Part, level: Option<Ratio>| named(part, "Merge", level.map(share), state(0));
        let count = || named(Part::Count, "", None, state(1));
        match aggregate {
            Aggregate::CountRows | Aggregate::Count(_) => int(read(Part::Count, None)),
            Aggregate::Distinct(_) => int(read(Part::Distinct, None)),
            Aggregate::ApproxDistinct(_) => int(read(Part::ApproxDistinct, None)),
            Aggregate::Sum(_) => read(Part::Sum, None),
            Aggregate::Avg(_) => {
                let sum = call("toFloat64", vec![read(Part::Sum, None)]);
                let mean = binary(sum, BinaryOperator::Divide, call("nullIf", vec![count(), number(0)]));
                whole_milliseconds(mean, ty)
            }
            Aggregate::Min(_) => read(Part::Min, None),
            Aggregate::Max(_) => read(Part::Max, None),
            Aggregate::Quantile(_, level) => {
                interpolated_milliseconds(known(read(Part::Numbers, Some(*level))), *level, ty)
            }
            Aggregate::ApproxQuantile(_, level) => {
                let estimate = call("toFloat64", vec![read(Part::Digest, Some(*level))]);
                whole_milliseconds(known(estimate), ty)
            }
            Aggregate::QuantileDisc(_, level) => {
                let sorted = call("arraySort", vec![read(Part::Items, None)]);
                super::aggregate::at_level(sorted.clone(), call("length", vec![sorted]), *level)
            }
            Aggregate::Stddev(_) => of_two(count(), call("sqrt", vec![read(Part::Variance, None)])),
            Aggregate::Variance(_) => of_two(count(), read(Part::Variance, None)),
            Aggregate::First(_) => of_some(count(), read(Part::First, None)),
            Aggregate::Last(_) => of_some(count(), read(Part::Last, None)),
        }
    }
}

/// `name…(arguments)` over the rows of a filter.
fn filtered(name: &str, parameter: Option<Expr>, mut arguments: Vec<Expr>, filter: Option<Expr>) -> Expr {
    let parameters = parameter.into_iter().collect();
    match filter {
        Some(filter) => {
            arguments.push(filter);
            build::parametric(&format!("{name}If"), parameters, arguments)
        }
        None => build::parametric(name, parameters, arguments),
    }
}

fn count(filter: Option<Expr>) -> Expr {
    filtered("count", None, Vec::new(), filter)
}

/// Null where a state of no values gives what is no number.
fn known(value: Expr) -> Expr {
    call("if", vec![call("isNaN", vec![value.clone()]), build::null(), value])
}

fn of_two(count: Expr, value: Expr) -> Expr {
    call("if", vec![binary(count, BinaryOperator::Gt, number(1)), value, build::null()])
}

fn of_some(count: Expr, value: Expr) -> Expr {
    let value = call("tupleElement", vec![value, number(1)]);
    call("if", vec![build::equal(count, number(0)), build::null(), value])
}
