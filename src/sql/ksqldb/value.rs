//! Types and literals.

use sqlparser::ast::{DataType as Sql, ExactNumberInfo, Expr, Ident, ObjectName};

use super::refusal;
use crate::plan::{DataType, Value};
use crate::sql::build::{self, cast, number};
use crate::sql::decimal_text;
use crate::sql::dialect::Unsupported;

pub use crate::sql::build::when;

/// A string: a quote is doubled, a backslash is one.
pub fn text(content: &str) -> Expr {
    build::text(content.replace('\'', "''"))
}

/// The type by name. Instants are milliseconds, days are days since 1970.
pub fn type_name(ty: &DataType) -> Sql {
    let word = |word: &str| Sql::Custom(ObjectName::from(vec![Ident::new(word)]), Vec::new());
    match ty {
        DataType::Bool => Sql::Boolean,
        DataType::Int | DataType::Duration | DataType::Date | DataType::Timestamp => Sql::BigInt(None),
        DataType::Float => word("DOUBLE"),
        DataType::Decimal { precision, scale } => {
            Sql::Decimal(ExactNumberInfo::PrecisionAndScale(u64::from(*precision), i64::from(*scale)))
        }
        DataType::String => word("STRING"),
        DataType::Array(_) => word("ARRAY<STRING>"),
        DataType::Map(_) => word("MAP<STRING, STRING>"),
    }
}

/// Why values of a type cannot be had here.
pub fn refused(ty: &DataType) -> Option<Unsupported> {
    match ty {
        DataType::Map(item) if **item != DataType::String => {
            Some(refusal("a map of other items than strings", "its items are read as texts"))
        }
        DataType::Array(_) => Some(refusal("a list", "a missing list, and one that does not fit, are one there")),
        _ => None,
    }
}

/// `CAST(x AS type)`
pub fn cast_to(x: Expr, ty: &DataType) -> Expr {
    cast(x, type_name(ty))
}

/// A whole number of 64 bits; a bare one would be of 32.
pub fn int(value: i64) -> Expr {
    match i32::try_from(value) {
        Ok(_) => cast_to(number(value), &DataType::Int),
        Err(_) => cast_to(build::text(value.to_string()), &DataType::Int),
    }
}

/// A literal.
pub fn literal(value: &Value, ty: &DataType) -> Expr {
    match value {
        Value::Null => cast_to(build::null(), ty),
        Value::Bool(value) => build::boolean(*value),
        Value::Int(value) | Value::Duration(value) | Value::Timestamp(value) => int(*value),
        Value::Date(days) => int(i64::from(*days)),
        Value::Float(value) => cast_to(build::text(format!("{value:?}")), &DataType::Float),
        Value::Decimal(digits) => {
            let scale = match ty {
                DataType::Decimal { scale, .. } => *scale,
                _ => 0,
            };
            cast_to(build::text(decimal_text(*digits, scale)), ty)
        }
        Value::String(content) => text(content),
    }
}
