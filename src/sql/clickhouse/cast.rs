//! Casts: total, null where they fail (CH16), and the text forms of values.

use sqlparser::ast::{BinaryOperator, Expr};

use super::number::{finite, round_half_away, scaled};
use super::{time, value};
use crate::plan::DataType;
use crate::sql::build::{self, binary, call, number};
use crate::sql::dialect::{Calendar, Call, Unsupported};

pub fn cast(call_: &Call) -> Result<Expr, Unsupported> {
    let (from, x) = (call_.arg_type(0), call_.arg(0));
    let calendar = call_.calendar;
    let made = match call_.ty {
        to if from == to => Some(x),
        DataType::String => Some(to_text(x, from)),
        DataType::Bool => to_bool(x, from),
        DataType::Int => to_int(x, from),
        DataType::Float => to_float(x, from),
        DataType::Decimal { precision, scale } => to_decimal(x, from, *precision, *scale),
        DataType::Date => to_date(x, from, calendar),
        DataType::Timestamp => to_timestamp(x, from, calendar),
        DataType::Duration => (*from == DataType::Int).then_some(x),
        DataType::Array(_) | DataType::Map(_) => None,
    };
    made.ok_or_else(|| Unsupported {
        construct: "cast".to_owned(),
        reason: "there is no cast between these types; write the steps out".to_owned(),
    })
}

/// The text form, which `hash` uses too: it depends on no setting.
pub fn to_text(x: Expr, from: &DataType) -> Expr {
    match from {
        DataType::String => x,
        DataType::Bool => {
            let word = call("if", vec![x.clone(), build::text("true"), build::text("false")]);
            call("if", vec![build::is_null(x), build::null(), word])
        }
        DataType::Decimal { scale, .. } => call("toDecimalString", vec![x, number(scale)]),
        _ => call("toString", vec![x]),
    }
}

/// `x` where the pattern fits.
fn where_matches(x: &Expr, pattern: &str, then: Expr) -> Expr {
    call("if", vec![call("match", vec![x.clone(), value::text(pattern)]), then, build::null()])
}

fn to_bool(x: Expr, from: &DataType) -> Option<Expr> {
    let is = |words: [&str; 2]| build::in_list(x.clone(), words.map(build::text).to_vec());
    match from {
        DataType::String => Some(call(
            "multiIf",
            vec![is(["true", "1"]), build::boolean(true), is(["false", "0"]), build::boolean(false), build::null()],
        )),
        DataType::Int | DataType::Float | DataType::Decimal { .. } => Some(binary(x, BinaryOperator::NotEq, number(0))),
        _ => None,
    }
}

fn to_int(x: Expr, from: &DataType) -> Option<Expr> {
    match from {
        DataType::String => Some(where_matches(&x, "^[+-]?[0-9]+$", call("toInt64OrNull", vec![x.clone()]))),
        DataType::Bool | DataType::Duration => Some(call("toInt64", vec![x])),
        DataType::Float | DataType::Decimal { .. } => {
            // 2^63 is a float, the greatest int is not.
            let (least, end) = match from {
                DataType::Float => (number("-9223372036854775808.0"), number("9223372036854775808.0")),
                _ => {
                    let edge = |digits| call("toDecimal128", vec![build::text(digits), number(0)]);
                    (edge("-9223372036854775808"), edge("9223372036854775808"))
                }
            };
            let whole = call("trunc", vec![x.clone()]);
            let fits = build::all([
                binary(whole.clone(), BinaryOperator::GtEq, least),
                binary(whole, BinaryOperator::Lt, end),
            ])?;
            Some(call("if", vec![fits, call("toInt64", vec![x]), build::null()]))
        }
        _ => None,
    }
}

fn to_float(x: Expr, from: &DataType) -> Option<Expr> {
    match from {
        DataType::String => Some(finite(call("toFloat64OrNull", vec![x]))),
        DataType::Bool | DataType::Int | DataType::Decimal { .. } | DataType::Duration => {
            Some(call("toFloat64", vec![x]))
        }
        _ => None,
    }
}

/// Half away from zero at the last digit; null where the value needs more digits.
pub fn to_decimal(x: Expr, from: &DataType, precision: u8, scale: u8) -> Option<Expr> {
    match from {
        DataType::Bool | DataType::Int => {
            let widens = precision.saturating_sub(scale) >= 19;
            let wide = call("toDecimal128", vec![x, number(scale)]);
            Some(if widens { wide } else { fitting(wide.clone(), wide, precision, scale) })
        }
        DataType::Decimal { precision: had, scale: old } => {
            let rounded = if *old > scale { call("round", vec![x, number(scale)]) } else { x };
            let made = call("toDecimal128", vec![rounded.clone(), number(scale)]);
            let widens = scale >= *old && precision.saturating_sub(scale) >= had.saturating_sub(*old);
            Some(if widens { made } else { fitting(rounded, made, precision, scale) })
        }
        DataType::String => {
            // One digit more than wanted, cut, decides which way the rest rounds.
            let exact = call("toDecimal256OrNull", vec![x.clone(), number(scale + 1)]);
            let exact = where_matches(&x, "^[+-]?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]+)?$", exact);
            let rounded = call("round", vec![exact, number(scale)]);
            let made = call("toDecimal128", vec![rounded.clone(), number(scale)]);
            Some(fitting(rounded, made, precision, scale))
        }
        DataType::Float => {
            let power = number(format_args!("{:?}", 10f64.powi(i32::from(scale))));
            let digits = round_half_away(binary(x, BinaryOperator::Multiply, power));
            let limit = number(format_args!("{:?}", 10f64.powi(i32::from(precision))));
            let fits = binary(call("abs", vec![digits.clone()]), BinaryOperator::Lt, limit);
            let made = scaled(call("toInt128", vec![digits]), scale);
            Some(call("if", vec![fits, made, build::null()]))
        }
        _ => None,
    }
}

/// `made` where `value` has at most `precision - scale` digits before its point.
fn fitting(value: Expr, made: Expr, precision: u8, scale: u8) -> Expr {
    let digits = usize::from(precision.saturating_sub(scale));
    let limit = call("toDecimal256", vec![build::text(format!("1{}", "0".repeat(digits))), number(0)]);
    let fits = binary(call("abs", vec![value]), BinaryOperator::Lt, limit);
    call("if", vec![fits, made, build::null()])
}

/// `YYYY-MM-DD` and nothing else: what does not print as it was read is no day.
pub fn to_date(x: Expr, from: &DataType, calendar: Calendar) -> Option<Expr> {
    match from {
        DataType::Timestamp => Some(call("toDate32", vec![x, value::zone(calendar)])),
        DataType::String => {
            let day = call("toDate32OrNull", vec![x.clone()]);
            let same = build::equal(call("toString", vec![day.clone()]), x);
            Some(call("if", vec![same, day, build::null()]))
        }
        _ => None,
    }
}

/// A day, or a day and a clock time (with a fraction, with an offset).
pub fn to_timestamp(x: Expr, from: &DataType, calendar: Calendar) -> Option<Expr> {
    const FORM: &str = "^(19|2[0-2])[0-9]{2}-[0-9]{2}-[0-9]{2}([ T]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]+)?\
                        (Z|[+-][0-9]{2}:?[0-9]{2})?)?$";
    match from {
        DataType::Date => Some(time::midnight(x, calendar)),
        DataType::String => {
            let read = call("parseDateTime64BestEffortOrNull", vec![x.clone(), number(3), value::zone(calendar)]);
            Some(where_matches(&x, FORM, read))
        }
        _ => None,
    }
}
