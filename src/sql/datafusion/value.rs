//! Types and literals.

use chrono::NaiveDate;
use sqlparser::ast::{ArrayElemTypeDef, DataType as Sql, ExactNumberInfo, Expr, TimezoneInfo};

use crate::plan::{DataType, Value};
use crate::sql::build::{self, call, number};
use crate::sql::decimal_text;

/// The type by name.
pub fn type_name(ty: &DataType) -> Sql {
    match ty {
        DataType::Bool => Sql::Boolean,
        DataType::Int | DataType::Duration => Sql::BigInt(None),
        DataType::Float => Sql::Double(ExactNumberInfo::None),
        DataType::Decimal { precision, scale } => decimal(*precision, *scale),
        // A map is its JSON text.
        DataType::String | DataType::Map(_) => Sql::Varchar(None),
        DataType::Date => Sql::Date,
        DataType::Timestamp => Sql::Timestamp(Some(3), TimezoneInfo::None),
        DataType::Array(item) => Sql::Array(ArrayElemTypeDef::SquareBracket(Box::new(type_name(item)), None)),
    }
}

pub fn decimal(precision: u8, scale: u8) -> Sql {
    Sql::Decimal(ExactNumberInfo::PrecisionAndScale(u64::from(precision), i64::from(scale)))
}

/// A literal.
pub fn literal(value: &Value, ty: &DataType) -> Expr {
    match value {
        Value::Null => build::cast(build::null(), type_name(ty)),
        Value::Bool(value) => build::boolean(*value),
        Value::Int(value) | Value::Duration(value) => number(value),
        Value::Float(value) => number(format_args!("{value:?}")),
        Value::Decimal(digits) => {
            let scale = match ty {
                DataType::Decimal { scale, .. } => *scale,
                _ => 0,
            };
            build::cast(build::text(decimal_text(*digits, scale)), type_name(ty))
        }
        Value::String(content) => build::text(content),
        Value::Date(days) => {
            let day = NaiveDate::from_epoch_days(*days).unwrap_or_default();
            build::cast(build::text(day.format("%Y-%m-%d").to_string()), Sql::Date)
        }
        Value::Timestamp(ms) => call("mc_ts", vec![number(ms)]),
    }
}

/// 0 of a type.
pub fn zero(ty: &DataType) -> Expr {
    match ty {
        DataType::Float => literal(&Value::Float(0.0), ty),
        DataType::Decimal { .. } => build::cast(number(0), type_name(ty)),
        _ => number(0),
    }
}
