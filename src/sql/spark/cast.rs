//! Casts: total, so that what fails is null. A cast of a text takes off blanks and knows other forms than ours, so that the text is matched
//! before.

use sqlparser::ast::{BinaryOperator, Expr};

use super::time::{has_plain_days, local_day};
use super::tree::{at_least, below, both, rlike, when};
use super::unsupported;
use super::value::{cast_to, decimal, finite, float, text, try_cast_to};
use crate::plan::DataType;
use crate::sql::build::{self, binary, call};
use crate::sql::decimal_text;
use crate::sql::dialect::{Calendar, Call, Unsupported};
use crate::sql::plain;

type Result = std::result::Result<Expr, Unsupported>;

/// A whole number.
pub const WHOLE: &str = r"^[+-]?[0-9]+\z";
const DAY: &str = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\z";
/// A day and a clock time, in the years that the warehouse has.
const CLOCK: &str = r"^(19|2[0-2])[0-9]{2}-[0-9]{2}-[0-9]{2}[ T]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]+)?";
const OFFSET: &str = r"(Z|[+-][0-9]{2}:?[0-9]{2})";

pub fn cast(call_: &Call) -> Result {
    convert(call_.arg(0), call_.arg_type(0), call_.ty, call_.calendar)
}

fn convert(x: Expr, from: &DataType, to: &DataType, calendar: Calendar) -> Result {
    match to {
        _ if from == to => Ok(x),
        DataType::String => to_text(x, from),
        DataType::Bool => plain::to_bool(x, from, float(0.0)).ok_or_else(none),
        DataType::Int => to_int(x, from),
        DataType::Float => to_float(x, from),
        DataType::Decimal { precision, scale } => to_decimal(x, from, *precision, *scale),
        DataType::Date => to_date(x, from),
        DataType::Timestamp => to_timestamp(x, from, calendar),
        DataType::Duration if *from == DataType::Int => Ok(x),
        DataType::Duration | DataType::Array(_) | DataType::Map(_) => Err(none()),
    }
}

fn none() -> Unsupported {
    unsupported("cast", "there is no cast between these types; write the steps out")
}

/// The text of a value.
pub fn to_text(x: Expr, from: &DataType) -> Result {
    match from {
        DataType::String => Ok(x),
        DataType::Bool | DataType::Int | DataType::Duration | DataType::Date | DataType::Decimal { .. } => {
            Ok(cast_to(x, &DataType::String))
        }
        DataType::Timestamp => Ok(call("date_format", vec![x, build::text("yyyy-MM-dd HH:mm:ss.SSS")])),
        DataType::Float => Err(unsupported("the text of a float", "the engine writes floats in another form")),
        DataType::Array(_) | DataType::Map(_) => Err(none()),
    }
}

fn to_int(x: Expr, from: &DataType) -> Result {
    match from {
        DataType::String => Ok(text_to_int(x)),
        DataType::Bool => Ok(cast_to(x, &DataType::Int)),
        DataType::Duration => Ok(x),
        DataType::Decimal { .. } => Ok(try_cast_to(x, &DataType::Int)),
        DataType::Float => {
            // 2^63 is a float, the greatest int is not.
            let edge = 9_223_372_036_854_775_808.0;
            let within = both(at_least(x.clone(), float(-edge)), below(x.clone(), float(edge)));
            Ok(when(within, try_cast_to(x, &DataType::Int)))
        }
        _ => Err(none()),
    }
}

/// A text of a whole number.
pub fn text_to_int(x: Expr) -> Expr {
    when(rlike(x.clone(), WHOLE), try_cast_to(x, &DataType::Int))
}

fn to_float(x: Expr, from: &DataType) -> Result {
    const NUMBER: &str = r"^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?\z";
    match from {
        DataType::String => Ok(when(rlike(x.clone(), NUMBER), finite(try_cast_to(x, &DataType::Float)))),
        DataType::Bool | DataType::Int | DataType::Duration | DataType::Decimal { .. } => {
            Ok(cast_to(x, &DataType::Float))
        }
        _ => Err(none()),
    }
}

fn to_decimal(x: Expr, from: &DataType, precision: u8, scale: u8) -> Result {
    const NUMBER: &str = r"^[+-]?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]{1,5})?\z";
    let to = decimal(precision, scale);
    match from {
        DataType::Bool => Ok(try_cast_to(cast_to(x, &DataType::Int), &to)),
        DataType::Int | DataType::Decimal { .. } => Ok(try_cast_to(x, &to)),
        DataType::String => Ok(when(rlike(x.clone(), NUMBER), try_cast_to(x, &to))),
        DataType::Float => {
            if precision > 37 {
                return Err(unsupported("a float as a decimal of 38 digits", "its digits do not fit while it is made"));
            }
            let power = float(10f64.powi(i32::from(scale)));
            let moved = binary(x.clone(), BinaryOperator::Multiply, power);
            let whole = try_cast_to(call("round", vec![moved, build::number(0)]), &decimal(38, 0));
            let made = match scale {
                0 => whole,
                _ => {
                    let one = cast_to(build::text(decimal_text(1, scale)), &decimal(scale, scale));
                    binary(whole, BinaryOperator::Multiply, one)
                }
            };
            // With more digits the product would be an error.
            let most = float(10f64.powi(37 - i32::from(scale)));
            Ok(try_cast_to(when(below(call("abs", vec![x]), most), made), &to))
        }
        _ => Err(none()),
    }
}

/// A text as a decimal that has no more digits than that type; zeros behind do not count.
pub fn text_to_decimal(x: Expr, precision: u8, scale: u8) -> Expr {
    let pattern = match scale {
        0 => r"^[+-]?[0-9]+([.]0+)?\z".to_owned(),
        _ => format!(r"^[+-]?[0-9]+([.][0-9]{{1,{scale}}}0*)?\z"),
    };
    when(rlike(x.clone(), &pattern), try_cast_to(x, &decimal(precision, scale)))
}

/// `YYYY-MM-DD` and nothing else; a day that is none fails.
pub fn to_date(x: Expr, from: &DataType) -> Result {
    match from {
        DataType::Timestamp => Ok(local_day(x)),
        DataType::String => Ok(when(rlike(x.clone(), DAY), try_cast_to(x, &DataType::Date))),
        _ => Err(none()),
    }
}

fn to_timestamp(x: Expr, from: &DataType, calendar: Calendar) -> Result {
    match from {
        DataType::Date => Ok(cast_to(x, &DataType::Timestamp)),
        DataType::String => {
            let day = (rlike(x.clone(), DAY), try_cast_to(x.clone(), &DataType::Timestamp));
            Ok(build::case(vec![(rlike(x.clone(), &clock_form()), read(x, calendar)?), day], None))
        }
        _ => Err(none()),
    }
}

fn clock_form() -> String {
    format!(r"{CLOCK}{OFFSET}?\z")
}

/// A text of a day and a clock time; what is finer than a millisecond is cut.
fn read(x: Expr, calendar: Calendar) -> Result {
    has_plain_days(calendar)?;
    let cut = call("regexp_replace", vec![x, text(r"([.][0-9]{3})[0-9]+"), text("$1")]);
    Ok(try_cast_to(cut, &DataType::Timestamp))
}

/// A text of a day and a clock time as an instant.
pub fn clock_time(x: &Expr, calendar: Calendar) -> Result {
    Ok(when(rlike(x.clone(), &clock_form()), read(x.clone(), calendar)?))
}
