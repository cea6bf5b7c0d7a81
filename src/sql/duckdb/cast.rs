//! Casts: total, so that what fails is null. A cast of a text takes off blanks and knows other forms than ours, so that the text is matched
//! before.

use sqlparser::ast::Expr;

use super::number::decimal_to_float;
use super::time::local_day;
use super::unsupported;
use super::value::{cast_to, finite, float, text, try_cast_to, when};
use crate::plan::DataType;
use crate::sql::build::call;
use crate::sql::dialect::{Calendar, Call, Unsupported};
use crate::sql::plain;

type Result = std::result::Result<Expr, Unsupported>;

const WHOLE: &str = r"\A[+-]?[0-9]+\z";
const DAY: &str = r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}\z";

pub fn cast(call_: &Call) -> Result {
    convert(call_.arg(0), call_.arg_type(0), call_.ty, call_.calendar)
}

/// A text of a map in the type of its items.
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
        DataType::Decimal { .. } => to_decimal(x, from, to),
        DataType::Date => to_date(x, from, calendar),
        DataType::Duration if *from == DataType::Int => Ok(x),
        DataType::Timestamp => Err(unsupported(
            "an instant out of a text or a day",
            "the engine takes another instant where clocks change",
        )),
        DataType::Duration | DataType::Array(_) | DataType::Map(_) => Err(none()),
    }
}

fn none() -> Unsupported {
    unsupported("cast", "there is no cast between these types; write the steps out")
}

fn matches(x: Expr, pattern: &str) -> Expr {
    call("regexp_matches", vec![x, text(pattern)])
}

/// The text form, which `hash` uses too.
pub fn to_text(x: Expr, from: &DataType) -> Result {
    match from {
        DataType::String => Ok(x),
        DataType::Bool | DataType::Int | DataType::Duration | DataType::Date | DataType::Decimal { .. } => {
            Ok(cast_to(x, &DataType::String))
        }
        DataType::Float => Err(unsupported("the text of a float", "the engine writes floats in another form")),
        DataType::Timestamp => {
            Err(unsupported("the text of an instant", "the engine leaves out zeros of its fraction"))
        }
        DataType::Array(_) | DataType::Map(_) => Err(none()),
    }
}

/// The engine rounds where ours cuts.
fn to_int(x: Expr, from: &DataType) -> Result {
    match from {
        DataType::String => Ok(when(matches(x.clone(), WHOLE), try_cast_to(x, &DataType::Int))),
        DataType::Bool => Ok(cast_to(x, &DataType::Int)),
        DataType::Duration => Ok(x),
        DataType::Decimal { .. } | DataType::Float => Ok(try_cast_to(call("trunc", vec![x]), &DataType::Int)),
        _ => Err(none()),
    }
}

fn to_float(x: Expr, from: &DataType) -> Result {
    const NUMBER: &str = r"\A[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?\z";
    match from {
        DataType::String => Ok(when(matches(x.clone(), NUMBER), finite(try_cast_to(x, &DataType::Float)))),
        DataType::Bool | DataType::Int | DataType::Duration => Ok(cast_to(x, &DataType::Float)),
        DataType::Decimal { precision, scale } => decimal_to_float(x, *precision, *scale),
        _ => Err(none()),
    }
}

fn to_decimal(x: Expr, from: &DataType, to: &DataType) -> Result {
    const NUMBER: &str = r"\A[+-]?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]{1,5})?\z";
    match from {
        DataType::Bool => Ok(try_cast_to(cast_to(x, &DataType::Int), to)),
        DataType::Int | DataType::Decimal { .. } => Ok(try_cast_to(x, to)),
        DataType::String => Ok(when(matches(x.clone(), NUMBER), try_cast_to(x, to))),
        DataType::Float => Err(unsupported("a float as a decimal", "the engine rounds its digits otherwise")),
        _ => Err(none()),
    }
}

/// `YYYY-MM-DD` and nothing else; a day that is none fails.
fn to_date(x: Expr, from: &DataType, calendar: Calendar) -> Result {
    match from {
        DataType::Timestamp => Ok(local_day(x, calendar)),
        DataType::String => Ok(when(matches(x.clone(), DAY), try_cast_to(x, &DataType::Date))),
        _ => Err(none()),
    }
}
