//! Types, literals, and the canonical values of stored columns.

use chrono::{DateTime, NaiveDate};
use sqlparser::ast::{CastKind, DataType as Sql, ExactNumberInfo, Expr, TimezoneInfo};

use crate::plan::{DataType, Encoding, StoredColumn, Value};
use crate::sql::build::{self, binary, call, cast, number};
use crate::sql::decimal_text;

pub use crate::sql::build::when;

/// A string: a quote is doubled, a backslash is one.
pub fn text(content: &str) -> Expr {
    build::text(content.replace('\'', "''"))
}

/// The type by name, but of lists and maps, which no value is cast to.
pub fn type_name(ty: &DataType) -> Sql {
    match ty {
        DataType::Bool => Sql::Boolean,
        DataType::Int | DataType::Duration => Sql::BigInt(None),
        DataType::Float => Sql::Double(ExactNumberInfo::None),
        DataType::Decimal { precision, scale } => {
            Sql::Decimal(ExactNumberInfo::PrecisionAndScale(u64::from(*precision), i64::from(*scale)))
        }
        DataType::String | DataType::Array(_) | DataType::Map(_) => Sql::Varchar(None),
        DataType::Date => Sql::Date,
        DataType::Timestamp => Sql::Timestamp(None, TimezoneInfo::Tz),
    }
}

/// `CAST(x AS type)`
pub fn cast_to(x: Expr, ty: &DataType) -> Expr {
    cast(x, type_name(ty))
}

/// `TRY_CAST(x AS type)`: null where it does not fit.
pub fn try_cast_to(x: Expr, ty: &DataType) -> Expr {
    Expr::Cast { kind: CastKind::TryCast, expr: Box::new(x), data_type: type_name(ty), array: false, format: None }
}

/// A float, exactly: a number with a point would be a decimal first.
pub fn float(value: f64) -> Expr {
    cast_to(build::text(format!("{value:?}")), &DataType::Float)
}

/// A whole number of 128 bits.
pub fn wide(value: i128) -> Expr {
    cast(build::text(value.to_string()), Sql::HugeInt)
}

/// A literal.
pub fn literal(value: &Value, ty: &DataType) -> Expr {
    match value {
        Value::Null => typed_null(ty),
        Value::Bool(value) => build::boolean(*value),
        Value::Int(value) | Value::Duration(value) => cast_to(build::text(value.to_string()), &DataType::Int),
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
            cast_to(build::text(at.format("%Y-%m-%d %H:%M:%S%.3f+00").to_string()), &DataType::Timestamp)
        }
    }
}

/// A null of a type; those of lists and maps have none.
pub fn typed_null(ty: &DataType) -> Expr {
    match ty {
        DataType::Array(_) | DataType::Map(_) => build::null(),
        _ => cast_to(build::null(), ty),
    }
}

/// Milliseconds since 1970 as an instant.
pub fn instant(ms: Expr) -> Expr {
    call("make_timestamptz", vec![binary(ms, sqlparser::ast::BinaryOperator::Multiply, number(1000))])
}

/// The canonical value of a column of a table. What is finer than a millisecond is cut.
pub fn decode(stored: Expr, column: &StoredColumn) -> Expr {
    match (&column.ty, column.encoding) {
        (DataType::Timestamp, Encoding::Milliseconds) => instant(cast_to(stored, &DataType::Int)),
        (DataType::Timestamp, Encoding::Native) => {
            call("date_trunc", vec![build::text("milliseconds"), cast_to(stored, &DataType::Timestamp)])
        }
        (DataType::Array(_) | DataType::Map(_), _) => stored,
        (ty, _) => cast_to(stored, ty),
    }
}

/// A value where it is a finite float.
pub fn finite(x: Expr) -> Expr {
    when(call("isfinite", vec![x.clone()]), x)
}

/// A value, or null where computing it fails.
pub fn attempt(x: Expr) -> Expr {
    call("try", vec![x])
}
