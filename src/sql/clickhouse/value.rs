//! Types, literals, and the canonical values of stored columns.

use chrono::{DateTime, NaiveDate};
use sqlparser::ast::{ArrayElemTypeDef, BinaryOperator, DataType as Sql, Expr, ObjectName};

use crate::plan::{DataType, Encoding, StoredColumn, Value};
use crate::sql::build::{self, binary, call, number};
use crate::sql::decimal_text;
use crate::sql::dialect::{Calendar, Call, Unsupported};
use crate::value::time;

/// A string: a backslash, a quote and what would break a line are escaped.
pub fn text(content: &str) -> Expr {
    let mut escaped = String::with_capacity(content.len());
    for c in content.chars() {
        match c {
            '\\' => escaped.push_str("\\\\"),
            '\'' => escaped.push_str("\\'"),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            '\0' => escaped.push_str("\\0"),
            other => escaped.push(other),
        }
    }
    build::text(escaped)
}

/// The name of a zone.
pub fn zone(calendar: Calendar) -> Expr {
    build::text(calendar.zone.name())
}

/// The type by name; decimals always have 38 digits, so that sums and products are exact. sqlparser's own types print in
/// capitals, which the engine does not know.
pub fn type_name(ty: &DataType, calendar: Calendar) -> Sql {
    let plain =
        |name: &str, parameters: Vec<String>| Sql::Custom(ObjectName::from(vec![build::ident(name)]), parameters);
    match ty {
        DataType::Bool => plain("Bool", vec![]),
        DataType::Int | DataType::Duration => plain("Int64", vec![]),
        DataType::Float => plain("Float64", vec![]),
        DataType::Decimal { scale, .. } => plain("Decimal", vec!["38".to_owned(), scale.to_string()]),
        DataType::String => plain("String", vec![]),
        DataType::Date => plain("Date32", vec![]),
        DataType::Timestamp => Sql::Datetime64(3, Some(calendar.zone.name().to_owned())),
        DataType::Array(item) => Sql::Array(ArrayElemTypeDef::Parenthesis(Box::new(type_name(item, calendar)))),
        DataType::Map(item) => Sql::Map(Box::new(plain("String", vec![])), Box::new(type_name(item, calendar))),
    }
}

/// `CAST(NULL AS Nullable(T))`; lists and maps, which are never null here, are empty.
pub fn typed_null(ty: &DataType, calendar: Calendar) -> Expr {
    match ty {
        DataType::Array(_) => build::cast(build::text("[]"), type_name(ty, calendar)),
        DataType::Map(_) => build::cast(build::text("{}"), type_name(ty, calendar)),
        _ => build::cast(build::null(), Sql::Nullable(Box::new(type_name(ty, calendar)))),
    }
}

/// A literal.
pub fn literal(value: &Value, ty: &DataType, calendar: Calendar) -> Expr {
    match value {
        Value::Null => typed_null(ty, calendar),
        Value::Bool(value) => build::boolean(*value),
        // The engine gives a literal the narrowest type; what is wide must not become unsigned.
        Value::Int(value) | Value::Duration(value) => {
            if i32::try_from(*value).is_ok() {
                number(value)
            } else {
                call("toInt64", vec![number(value)])
            }
        }
        Value::Float(value) => number(format_args!("{value:?}")),
        Value::Decimal(digits) => {
            let scale = match ty {
                DataType::Decimal { scale, .. } => *scale,
                _ => 0,
            };
            call("toDecimal128", vec![build::text(decimal_text(*digits, scale)), number(scale)])
        }
        Value::String(content) => text(content),
        Value::Date(days) => call("toDate32", vec![build::text(date_text(*days))]),
        Value::Timestamp(ms) => instant(*ms, calendar),
    }
}

fn date_text(days: i32) -> String {
    NaiveDate::from_epoch_days(days).unwrap_or_default().format("%Y-%m-%d").to_string()
}

/// An instant: as local time where that names one instant only.
fn instant(ms: i64, calendar: Calendar) -> Expr {
    let local = DateTime::from_timestamp_millis(ms).map(|utc| utc.with_timezone(&calendar.zone).naive_local());
    if let Some(local) = local {
        use chrono::TimeZone;
        let once = calendar.zone.from_local_datetime(&local).single().is_some();
        let year = chrono::Datelike::year(&local);
        if once && (1900..2300).contains(&year) && time::instant(local, calendar.zone) == ms {
            let wall = local.format("%Y-%m-%d %H:%M:%S%.3f").to_string();
            return call("toDateTime64", vec![build::text(wall), number(3), zone(calendar)]);
        }
    }
    call("fromUnixTimestamp64Milli", vec![call("toInt64", vec![number(ms)]), zone(calendar)])
}

/// The canonical value of a stored column, whatever castable type it has in the warehouse. These keep nulls, and cost nothing
/// where the type is right already.
pub fn decode(stored: Expr, column: &StoredColumn, calendar: Calendar) -> Expr {
    match (&column.ty, column.encoding) {
        (DataType::Bool, _) => call("toBool", vec![stored]),
        (DataType::Int | DataType::Duration, _) => call("toInt64", vec![stored]),
        (DataType::Float, _) => call("toFloat64", vec![stored]),
        (DataType::Decimal { scale, .. }, _) => call("toDecimal128", vec![stored, number(scale)]),
        (DataType::String, _) => call("toString", vec![stored]),
        (DataType::Date, _) => call("toDate32", vec![stored]),
        // Functions of two arguments, one of them constant, that keep the order: a condition on the time finds partitions and
        // granules by them, and not by `toDateTime64(t, 3, zone)` or `fromUnixTimestamp64Milli`.
        (DataType::Timestamp, Encoding::Native) => {
            call("toTimeZone", vec![call("toDateTime64", vec![stored, number(3)]), zone(calendar)])
        }
        (DataType::Timestamp, Encoding::Milliseconds) => {
            let epoch = call("toDateTime64", vec![number(0), number(3), zone(calendar)]);
            let since = call("toIntervalMillisecond", vec![call("toInt64", vec![stored])]);
            binary(epoch, BinaryOperator::Plus, since)
        }
        (DataType::Array(_) | DataType::Map(_), _) => stored,
    }
}

/// Maps sort by their JSON text with sorted keys, whatever order they are stored in.
pub fn sort_key(value: Expr, ty: &DataType) -> Expr {
    match ty {
        DataType::Map(_) => {
            let json = call("toJSONString", vec![call("mapSort", vec![value])]);
            call("replaceAll", vec![json, text("\\/"), build::text("/")])
        }
        _ => value,
    }
}

/// Conditions are numbers here, and ints of literals alone are narrow: both get their type back.
pub fn settle(value: Expr, ty: &DataType) -> Expr {
    let name = match ty {
        DataType::Bool => "toBool",
        DataType::Int | DataType::Duration => "toInt64",
        _ => return value,
    };
    if is_call(&value, name) { value } else { call(name, vec![value]) }
}

fn is_call(expr: &Expr, name: &str) -> bool {
    matches!(expr, Expr::Function(function) if function.name.to_string() == name)
}

/// `array[n]` from 1, or `map[key]`; null where there is none.
pub fn element(call_: &Call) -> Result<Expr, Unsupported> {
    let (container, key) = (call_.arg(0), call_.arg(1));
    let found = call("arrayElement", vec![container.clone(), key.clone()]);
    let exists = match call_.arg_type(0) {
        DataType::Map(_) => call("mapContains", vec![container, key]),
        _ => {
            let above = binary(key.clone(), BinaryOperator::GtEq, number(1));
            let below = binary(key, BinaryOperator::LtEq, call("length", vec![container]));
            build::all([above, below]).unwrap_or_else(build::null)
        }
    };
    Ok(call("if", vec![exists, found, build::null()]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHANGHAI: Calendar =
        Calendar { zone: chrono_tz::Asia::Shanghai, week_start: crate::plan::WeekStart(chrono::Weekday::Mon) };

    #[test]
    fn strings_are_escaped() {
        assert_eq!(text("it's \\ 'x''\n").to_string(), r"'it\'s \\ \'x\'\'\n'");
        assert_eq!(text("\\'").to_string(), r"'\\\''");
    }

    #[test]
    fn instants_are_local_unless_they_happen_twice() {
        let new_york = Calendar { zone: chrono_tz::America::New_York, ..SHANGHAI };
        let at = |ms, calendar| instant(ms, calendar).to_string();
        assert_eq!(at(1_793_462_400_000, SHANGHAI), "toDateTime64('2026-11-01 00:00:00.000', 3, 'Asia/Shanghai')");
        assert_eq!(
            at(1_793_511_000_000, new_york),
            "fromUnixTimestamp64Milli(toInt64(1793511000000), 'America/New_York')"
        );
    }
}
