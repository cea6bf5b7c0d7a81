//! Casts: total, since what fails is null here. A cast of a text takes off blanks first and knows other forms than ours, so that
//! the text is matched before.

use sqlparser::ast::{BinaryOperator, Expr};

use super::number::{decimal_to_float, fitting, wide};
use super::time::{local_day, local_type, midnight, zoned};
use super::tree::{matches, when};
use super::value::{cast_to, float, text};
use crate::plan::DataType;
use crate::sql::build::{self, binary, call, cast as as_type, number};
use crate::sql::dialect::{Calendar, Call, Unsupported};
use crate::sql::plain;

type Result = std::result::Result<Expr, Unsupported>;

/// A whole number.
pub const WHOLE: &str = r"\A[+-]?[0-9]+\z";
/// A day.
const DAY: &str = r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}\z";

fn unsupported(construct: &str, reason: &str) -> Unsupported {
    Unsupported { construct: construct.to_owned(), reason: format!("ST2: {reason}") }
}

pub fn cast(call_: &Call) -> Result {
    convert(call_.arg(0), call_.arg_type(0), call_.ty, call_.calendar)
}

/// A text of a map or list in the type of its items.
pub fn from_text(x: Expr, call_: &Call) -> Result {
    convert(x, &DataType::String, call_.ty, call_.calendar)
}

fn convert(x: Expr, from: &DataType, to: &DataType, calendar: Calendar) -> Result {
    match to {
        _ if from == to => Ok(x),
        DataType::String => to_text(x, from),
        DataType::Bool => plain::to_bool(x, from, float(0.0)).ok_or_else(none),
        DataType::Int => to_int(x, from),
        DataType::Float => to_float(x, from),
        DataType::Decimal { precision, scale } => to_decimal(x, from, *precision, *scale),
        DataType::Date => to_date(x, from, calendar),
        DataType::Timestamp => to_timestamp(x, from, calendar),
        DataType::Duration if *from == DataType::Int => Ok(x),
        DataType::Duration | DataType::Array(_) | DataType::Map(_) => Err(none()),
    }
}

fn none() -> Unsupported {
    unsupported("cast", "there is no cast between these types; write the steps out")
}

fn to_text(x: Expr, from: &DataType) -> Result {
    match from {
        DataType::Bool | DataType::Int | DataType::Duration | DataType::Date => Ok(cast_to(x, &DataType::String)),
        DataType::Float => Err(unsupported("the text of a float", "the engine writes floats in another form")),
        DataType::Decimal { .. } => {
            Err(unsupported("the text of a decimal", "nothing fills up its digits with zeros there"))
        }
        DataType::Timestamp => {
            Err(unsupported("the text of an instant", "the engine leaves out zeros of its fraction"))
        }
        DataType::String | DataType::Array(_) | DataType::Map(_) => Err(none()),
    }
}

/// The engine rounds where ours cuts.
fn to_int(x: Expr, from: &DataType) -> Result {
    match from {
        DataType::String => Ok(when(matches(x.clone(), WHOLE), cast_to(x, &DataType::Int))),
        DataType::Bool => Ok(cast_to(as_type(x, sqlparser::ast::DataType::Int(None)), &DataType::Int)),
        DataType::Duration => Ok(x),
        DataType::Decimal { .. } => Ok(cast_to(call("trunc", vec![x]), &DataType::Int)),
        DataType::Float => {
            let whole = call("trunc", vec![x]);
            // 2^63 is a float, the greatest int is not.
            let edge = 9_223_372_036_854_775_808.0;
            let least = binary(whole.clone(), BinaryOperator::GtEq, float(-edge));
            let below = binary(whole.clone(), BinaryOperator::Lt, float(edge));
            Ok(when(binary(least, BinaryOperator::And, below), cast_to(whole, &DataType::Int)))
        }
        _ => Err(none()),
    }
}

fn to_float(x: Expr, from: &DataType) -> Result {
    match from {
        DataType::String => Ok(text_to_float(x)),
        DataType::Bool => Ok(cast_to(as_type(x, sqlparser::ast::DataType::Int(None)), &DataType::Float)),
        DataType::Int | DataType::Duration => Ok(cast_to(x, &DataType::Float)),
        DataType::Decimal { precision, scale } => decimal_to_float(x, *precision, *scale),
        _ => Err(none()),
    }
}

/// Finite numbers alone.
pub fn text_to_float(x: Expr) -> Expr {
    const NUMBER: &str = r"\A[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?\z";
    let made = cast_to(x.clone(), &DataType::Float);
    let infinite = cast_to(build::text("Infinity"), &DataType::Float);
    let finite = binary(call("abs", vec![made.clone()]), BinaryOperator::Lt, infinite);
    when(binary(matches(x, NUMBER), BinaryOperator::And, finite), made)
}

fn to_decimal(x: Expr, from: &DataType, precision: u8, scale: u8) -> Result {
    match from {
        DataType::Bool => {
            let x = wide(as_type(x, sqlparser::ast::DataType::Int(None)));
            Ok(if precision > scale { x } else { fitting(x, precision, scale) })
        }
        DataType::Int if precision.saturating_sub(scale) >= 19 => Ok(wide(x)),
        DataType::Int => Ok(fitting(wide(x), precision, scale)),
        DataType::Decimal { precision: had, scale: old } => {
            let rounded = if *old > scale { call("round", vec![x, number(scale)]) } else { x };
            let widens = scale >= *old && precision.saturating_sub(scale) >= had.saturating_sub(*old);
            Ok(if widens { rounded } else { fitting(rounded, precision, scale) })
        }
        DataType::String => {
            Err(unsupported("a text as a decimal", "the engine rounds a text of more than 28 digits without a word"))
        }
        DataType::Float => Err(unsupported("a float as a decimal", "the engine keeps about 15 of its digits")),
        _ => Err(none()),
    }
}

/// A text as a decimal that has no more digits than that type. Zeros before and behind do not count; what is left fits a NUMERIC.
pub fn text_to_decimal(x: Expr, precision: u8, scale: u8) -> Expr {
    let whole = precision.saturating_sub(scale);
    let fraction = match scale {
        0 => "([.]0+)?".to_owned(),
        _ => format!("([.][0-9]{{1,{scale}}}0*)?"),
    };
    let whole = if whole == 0 { "0+".to_owned() } else { format!("0*[0-9]{{1,{whole}}}") };
    let fits = matches(x.clone(), &format!(r"\A[+-]?{whole}{fraction}\z"));
    when(fits, cast_to(x, &DataType::Decimal { precision, scale }))
}

/// `YYYY-MM-DD` and nothing else; a day that is none fails.
pub fn to_date(x: Expr, from: &DataType, calendar: Calendar) -> Result {
    match from {
        DataType::Timestamp => Ok(local_day(x, calendar)),
        DataType::String => Ok(when(matches(x.clone(), DAY), cast_to(x, &DataType::Date))),
        _ => Err(none()),
    }
}

/// A day, or a day and a clock time (with a fraction, with an offset).
pub fn to_timestamp(x: Expr, from: &DataType, calendar: Calendar) -> Result {
    match from {
        DataType::Date => midnight(x, calendar),
        DataType::String => {
            let day = (matches(x.clone(), DAY), midnight(cast_to(x.clone(), &DataType::Date), calendar)?);
            Ok(build::case(clock(&x, calendar)?.into_iter().chain([day]).collect(), None))
        }
        _ => Err(none()),
    }
}

/// The branches of a text of a day and a clock time: with an offset, and without one.
fn clock(x: &Expr, calendar: Calendar) -> std::result::Result<Vec<(Expr, Expr)>, Unsupported> {
    const FORM: &str =
        r"\A(19|2[0-2])[0-9]{2}-[0-9]{2}-[0-9]{2}[ T]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]+)?";
    // An instant has milliseconds; what is finer is cut, and more than six digits would not be read.
    let cut = call("regexp_replace", vec![x.clone(), text(r"([.][0-9]{3})[0-9]+"), text(r"\1")]);
    let with_offset = cast_to(cut.clone(), &DataType::Timestamp);
    let local = zoned(as_type(cut, local_type()), calendar)?;
    Ok(vec![
        (matches(x.clone(), &format!(r"{FORM}(Z|[+-][0-9]{{2}}:[0-9]{{2}})\z")), with_offset),
        (matches(x.clone(), &format!(r"{FORM}\z")), local),
    ])
}

/// A text of a day and a clock time as an instant.
pub fn clock_time(x: &Expr, calendar: Calendar) -> Result {
    Ok(build::case(clock(x, calendar)?, None))
}
