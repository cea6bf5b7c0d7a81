//! Types, literals, and the canonical values of stored columns.

use sqlparser::ast::{ArrayElemTypeDef, CastKind, DataType as Sql, ExactNumberInfo, Expr, TimezoneInfo};

use super::tree::when;
use crate::plan::{DataType, Encoding, StoredColumn, Value};
use crate::sql::build::{self, call, cast, number};
use crate::sql::decimal_text;

/// A string. A backslash escapes; `${…}` would be a variable, and a semicolon may end a statement of a file.
pub fn text(content: &str) -> Expr {
    let mut escaped = String::with_capacity(content.len());
    for c in content.chars() {
        match c {
            '\\' => escaped.push_str("\\\\"),
            '\'' => escaped.push_str("\\'"),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            '\0' => escaped.push_str("\\u0000"),
            ';' => escaped.push_str("\\u003b"),
            '{' if escaped.ends_with('$') => escaped.push_str("\\u007b"),
            other => escaped.push(other),
        }
    }
    build::text(escaped)
}

/// The type by name, but of maps, which sqlparser prints otherwise.
pub fn type_of(ty: &DataType) -> Sql {
    match ty {
        DataType::Bool => Sql::Boolean,
        DataType::Int | DataType::Duration => Sql::BigInt(None),
        DataType::Float => Sql::Double(ExactNumberInfo::None),
        DataType::Decimal { precision, scale } => {
            Sql::Decimal(ExactNumberInfo::PrecisionAndScale(u64::from(*precision), i64::from(*scale)))
        }
        DataType::String | DataType::Map(_) => Sql::String(None),
        DataType::Date => Sql::Date,
        DataType::Timestamp => Sql::Timestamp(None, TimezoneInfo::None),
        DataType::Array(item) => Sql::Array(ArrayElemTypeDef::AngleBracket(Box::new(type_of(item)))),
    }
}

/// The name of a type.
pub fn type_name(ty: &DataType) -> String {
    match ty {
        DataType::Map(item) => format!("MAP<STRING, {}>", type_name(item)),
        DataType::Array(item) => format!("ARRAY<{}>", type_name(item)),
        plain => type_of(plain).to_string(),
    }
}

/// `CAST(x AS type)`
pub fn cast_to(x: Expr, ty: &DataType) -> Expr {
    cast(x, type_of(ty))
}

/// `TRY_CAST(x AS type)`: null where it does not fit.
pub fn try_cast_to(x: Expr, ty: &DataType) -> Expr {
    Expr::Cast { kind: CastKind::TryCast, expr: Box::new(x), data_type: type_of(ty), array: false, format: None }
}

/// A decimal type.
pub fn decimal(precision: u8, scale: u8) -> DataType {
    DataType::Decimal { precision, scale }
}

/// A float, exactly.
pub fn float(value: f64) -> Expr {
    cast_to(build::text(format!("{value:?}")), &DataType::Float)
}

/// A whole number of 64 bits: a plain one has 32, and would be the number of a column behind GROUP BY.
pub fn int(value: i64) -> Expr {
    match value {
        i64::MIN => cast_to(build::text(value.to_string()), &DataType::Int),
        value if value < 0 => build::negate(int(-value)),
        value => Expr::Value(sqlparser::ast::Value::Number(value.to_string(), true).into()),
    }
}

/// A whole number of any size.
pub fn wide(value: i128) -> Expr {
    cast_to(build::text(value.to_string()), &decimal(38, 0))
}

/// A literal.
pub fn literal(value: &Value, ty: &DataType) -> Expr {
    match value {
        Value::Null => typed_null(ty),
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
        Value::Date(days) => call("date_from_unix_date", vec![number(days)]),
        Value::Timestamp(ms) => call("timestamp_millis", vec![int(*ms)]),
    }
}

/// A null of a type; lists and maps, which are never null, are empty.
pub fn typed_null(ty: &DataType) -> Expr {
    let empty = |item: &DataType| cast_to(call("array", Vec::new()), &DataType::Array(Box::new(item.clone())));
    match ty {
        DataType::Array(item) => empty(item),
        DataType::Map(item) => call("map_from_arrays", vec![empty(&DataType::String), empty(item)]),
        _ => cast_to(build::null(), ty),
    }
}

/// The canonical value of a column of a table.
pub fn decode(stored: Expr, column: &StoredColumn) -> Expr {
    match (&column.ty, column.encoding) {
        (DataType::Timestamp, Encoding::Milliseconds) => {
            call("timestamp_millis", vec![cast_to(stored, &DataType::Int)])
        }
        (DataType::Timestamp, Encoding::Native) => {
            call("date_trunc", vec![build::text("MILLISECOND"), cast_to(stored, &DataType::Timestamp)])
        }
        (DataType::Array(_), _) => call("coalesce", vec![stored, typed_null(&column.ty)]),
        (DataType::Map(_), _) => call("coalesce", vec![stored, typed_null(&column.ty)]),
        (ty, _) => cast_to(stored, ty),
    }
}

/// What a value sorts by: maps have no order, their members have one.
pub fn sort_key(value: Expr, ty: &DataType) -> Expr {
    match ty {
        DataType::Map(_) => call("array_sort", vec![call("map_entries", vec![value])]),
        _ => value,
    }
}

/// A value where it is a finite float.
pub fn finite(x: Expr) -> Expr {
    let within = build::binary(call("abs", vec![x.clone()]), sqlparser::ast::BinaryOperator::LtEq, float(f64::MAX));
    when(within, x)
}
