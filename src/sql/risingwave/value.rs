//! Types and literals.

use chrono::{DateTime, NaiveDate};
use sqlparser::ast::{DataType as Sql, ExactNumberInfo, Expr, TimezoneInfo};

use crate::plan::{DataType, Value};
use crate::sql::build::{self, cast, number};
use crate::sql::decimal_text;
use crate::sql::dialect::Unsupported;

/// How many digits a NUMERIC has; what needs more is rounded without a word.
pub const DIGITS: u8 = 28;

/// A string: a quote is doubled, a backslash is one.
pub fn text(content: &str) -> Expr {
    build::text(content.replace('\'', "''"))
}

/// The type by name. Maps and lists stay the JSON that they came as.
pub fn type_name(ty: &DataType) -> Sql {
    match ty {
        DataType::Bool => Sql::Boolean,
        DataType::Int | DataType::Duration => Sql::BigInt(None),
        DataType::Float => Sql::DoublePrecision,
        DataType::Decimal { .. } => Sql::Numeric(ExactNumberInfo::None),
        DataType::String => Sql::Varchar(None),
        DataType::Date => Sql::Date,
        DataType::Timestamp => Sql::Timestamp(None, TimezoneInfo::Tz),
        DataType::Array(_) | DataType::Map(_) => Sql::JSONB,
    }
}

/// Why values of a type cannot be had here.
pub fn refused(ty: &DataType) -> Option<Unsupported> {
    let told = |construct: String, reason: &str| Some(Unsupported { construct, reason: reason.to_owned() });
    match ty {
        DataType::Decimal { precision, scale } if *precision > DIGITS => told(
            format!("a decimal({precision},{scale})"),
            "ST2: a NUMERIC has 28 digits, and is rounded without a word where it needs more: cast to fewer",
        ),
        DataType::Array(item) | DataType::Map(item) if **item != DataType::String => told(
            "a list or map of other items than strings".to_owned(),
            "ST2: JSON does not keep its numbers as they were written",
        ),
        _ => None,
    }
}

/// `CAST(x AS type)`
pub fn cast_to(x: Expr, ty: &DataType) -> Expr {
    cast(x, type_name(ty))
}

/// A float, exactly: a number with a point would be a NUMERIC first.
pub fn float(value: f64) -> Expr {
    cast_to(build::text(format!("{value:?}")), &DataType::Float)
}

/// A whole number of any size as a NUMERIC.
pub fn numeric(value: i128) -> Expr {
    cast(build::text(value.to_string()), Sql::Numeric(ExactNumberInfo::None))
}

/// A literal.
pub fn literal(value: &Value, ty: &DataType) -> Expr {
    match value {
        Value::Null => cast_to(build::null(), ty),
        Value::Bool(value) => build::boolean(*value),
        Value::Int(value) | Value::Duration(value) => int(*value),
        Value::Float(value) => float(*value),
        Value::Decimal(digits) => {
            let scale = match ty {
                DataType::Decimal { scale, .. } => *scale,
                _ => 0,
            };
            cast_to(build::text(decimal_text(*digits, scale)), ty)
        }
        Value::String(content) => text(content),
        Value::Date(days) => {
            let day = NaiveDate::from_epoch_days(*days).unwrap_or_default();
            cast_to(build::text(day.format("%Y-%m-%d").to_string()), &DataType::Date)
        }
        Value::Timestamp(ms) => {
            let at = DateTime::from_timestamp_millis(*ms).unwrap_or_default();
            cast_to(build::text(at.format("%Y-%m-%d %H:%M:%S%.3f+00:00").to_string()), &DataType::Timestamp)
        }
    }
}

/// A number of 32 bits is printed as it is: beside one of 64 bits it becomes one.
fn int(value: i64) -> Expr {
    match i32::try_from(value) {
        Ok(_) => number(value),
        Err(_) => cast_to(build::text(value.to_string()), &DataType::Int),
    }
}
