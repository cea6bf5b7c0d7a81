//! Casts: what fails is null here, and there.

use sqlparser::ast::{BinaryOperator, Expr};

use super::number::to_float;
use super::refuse;
use super::value::{cast_to, int, when};
use super::{time, value};
use crate::plan::DataType;
use crate::sql::build::{self, binary, call};
use crate::sql::dialect::{Calendar, Call, Unsupported};

type Result = std::result::Result<Expr, Unsupported>;

pub fn cast(call: &Call) -> Result {
    convert(call.arg(0), call.arg_type(0), call.ty, call.calendar)
}

/// A value of a type in another.
pub fn convert(x: Expr, from: &DataType, to: &DataType, calendar: Calendar) -> Result {
    match (from, to) {
        _ if from == to => Ok(x),
        (_, DataType::String) => to_text(x, from),
        (DataType::String, DataType::Bool) => Ok(text_to_bool(&x)),
        (DataType::Int | DataType::Duration, DataType::Bool) => {
            let is = |operator| binary(x.clone(), operator, int(0));
            let branches = vec![
                (is(BinaryOperator::NotEq), build::boolean(true)),
                (is(BinaryOperator::Eq), build::boolean(false)),
            ];
            Ok(build::case(branches, None))
        }
        (DataType::String, DataType::Int) => Ok(text_to_int(&x)),
        (DataType::Bool, DataType::Int) => {
            let is = |wanted| build::equal(x.clone(), build::boolean(wanted));
            Ok(build::case(vec![(is(true), int(1)), (is(false), int(0))], None))
        }
        (DataType::Int, DataType::Duration) | (DataType::Duration, DataType::Int) => Ok(x),
        (DataType::Int | DataType::Duration | DataType::Decimal { .. }, DataType::Float) => to_float(x, from),
        (DataType::Int | DataType::Decimal { .. }, DataType::Decimal { .. }) => Ok(cast_to(x, to)),
        (DataType::Timestamp, DataType::Date) => time::local_day(x, calendar),
        (DataType::Date, DataType::Timestamp) => time::midnight(x, calendar),
        _ => refuse("a cast between these types", "the engine rounds, cuts or reads more than ours"),
    }
}

/// The text of a value, null for null: a setting of the server makes the text `null` of it.
pub fn to_text(x: Expr, from: &DataType) -> Result {
    match from {
        DataType::String => Ok(x),
        DataType::Bool | DataType::Int | DataType::Duration | DataType::Decimal { .. } => {
            let text = match from {
                // All digits of its scale.
                DataType::Decimal { .. } => cast_to(cast_to(x.clone(), from), &DataType::String),
                _ => cast_to(x.clone(), &DataType::String),
            };
            Ok(when(build::is_not_null(x), text))
        }
        _ => refuse("the text of a float, a time or a map", "the engine writes it in another form"),
    }
}

/// Digits with a sign, and no more than 64 bits.
pub fn text_to_int(x: &Expr) -> Expr {
    when(matches(x, "^[+-]?[0-9]+$"), cast_to(x.clone(), &DataType::Int))
}

/// What is found of a pattern is the whole text: `$` alone allows a line break behind.
pub fn matches(x: &Expr, pattern: &str) -> Expr {
    build::equal(call("REGEXP_EXTRACT", vec![value::text(pattern), x.clone()]), x.clone())
}

pub fn text_to_bool(x: &Expr) -> Expr {
    let is = |words: [&str; 2]| build::in_list(x.clone(), words.map(build::text).to_vec());
    let branches = vec![(is(["true", "1"]), build::boolean(true)), (is(["false", "0"]), build::boolean(false))];
    build::case(branches, None)
}
