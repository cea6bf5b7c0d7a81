//! Casts: null where one fails.

use std::sync::Arc;

use chrono_tz::Tz;
use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMillisecondType,
};
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};

use super::number::shorten;
use super::scalar::{Call, Definition, Kind, Returns, TIMESTAMP};
use super::time::zone;
use crate::plan::time::midnight;
use crate::table::form::{self, MAX_DIGITS, power_of_ten};

pub(super) static FUNCTIONS: &[Definition] = &[
    Definition {
        name: "mc_cast_int",
        takes: &[Kind::Any],
        optional: 0,
        returns: Returns::Type(|| DataType::Int64),
        kernel: to_int,
    },
    Definition {
        name: "mc_cast_float",
        takes: &[Kind::Any],
        optional: 0,
        returns: Returns::Type(|| DataType::Float64),
        kernel: to_float,
    },
    Definition {
        name: "mc_cast_bool",
        takes: &[Kind::Any],
        optional: 0,
        returns: Returns::Type(|| DataType::Boolean),
        kernel: to_bool,
    },
    Definition {
        name: "mc_cast_date",
        takes: &[Kind::Text],
        optional: 0,
        returns: Returns::Type(|| DataType::Date32),
        kernel: |call| {
            let text = call.text(0);
            call.dates(|row| form::parse_date(text.get(row)?))
        },
    },
    Definition {
        name: "mc_cast_timestamp",
        takes: &[Kind::Any, Kind::Text],
        optional: 0,
        returns: Returns::Type(|| TIMESTAMP),
        kernel: to_timestamp,
    },
    Definition {
        name: "mc_cast_decimal",
        takes: &[Kind::Any, Kind::Int, Kind::Int],
        optional: 0,
        returns: Returns::By(decimal_type),
        kernel: to_decimal,
    },
    Definition {
        name: "mc_cast_text",
        takes: &[Kind::Any, Kind::Text],
        optional: 0,
        returns: Returns::Type(|| DataType::Utf8View),
        kernel: to_text,
    },
];

/// What a cast does not take.
fn refused<T>(call: &Call, wanted: &str) -> Result<T> {
    exec_err!("a {} is not cast to {wanted}", call.ty(0))
}

/// `mc_cast_int(x)`
fn to_int(call: &Call) -> Result<ArrayRef> {
    match call.ty(0) {
        DataType::Null => call.ints(|_| None),
        DataType::Utf8View => {
            let text = call.text(0);
            call.ints(|row| form::parse_int(text.get(row)?))
        }
        DataType::Int64 => Ok(expanded(call, 0)),
        DataType::Float64 => {
            let value = call.float(0);
            call.ints(|row| {
                let whole = value.get(row)?.trunc();
                (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&whole).then_some(whole as i64)
            })
        }
        DataType::Decimal128(_, scale) => {
            let (value, unit) = (call.decimal(0), power_of_ten(u8::try_from(*scale).unwrap_or(0)));
            call.ints(|row| i64::try_from(value.get(row)? / unit).ok())
        }
        DataType::Boolean => {
            let value = call.bool(0);
            call.ints(|row| value.get(row).map(i64::from))
        }
        _ => refused(call, "int"),
    }
}

/// `mc_cast_float(x)`
fn to_float(call: &Call) -> Result<ArrayRef> {
    match call.ty(0) {
        DataType::Null => call.floats(|_| None),
        DataType::Utf8View => {
            let text = call.text(0);
            call.floats(|row| form::parse_float(text.get(row)?))
        }
        DataType::Float64 => Ok(expanded(call, 0)),
        DataType::Int64 => {
            let value = call.int(0);
            call.floats(|row| value.get(row).map(|v| v as f64))
        }
        DataType::Decimal128(_, scale) => {
            let (value, scale) = (call.decimal(0), u8::try_from(*scale).unwrap_or(0));
            call.floats(|row| value.get(row).map(|digits| decimal_to_float(digits, scale)))
        }
        DataType::Boolean => {
            let value = call.bool(0);
            call.floats(|row| value.get(row).map(f64::from))
        }
        _ => refused(call, "float"),
    }
}

/// The float nearest to `digits / 10^scale`.
fn decimal_to_float(digits: i128, scale: u8) -> f64 {
    // Both are exact floats up to 2^53 and 10^22: one division then rounds once.
    if digits.unsigned_abs() < 1 << 53 && scale <= 22 {
        return digits as f64 / 10_f64.powi(i32::from(scale));
    }
    form::decimal(digits, scale).parse().unwrap_or(f64::NAN)
}

/// `mc_cast_bool(x)`
fn to_bool(call: &Call) -> Result<ArrayRef> {
    match call.ty(0) {
        DataType::Null => call.bools(|_| None),
        DataType::Utf8View => {
            let text = call.text(0);
            call.bools(|row| match text.get(row)? {
                "1" => Some(true),
                "0" => Some(false),
                text => form::parse_bool(text),
            })
        }
        DataType::Boolean => Ok(expanded(call, 0)),
        DataType::Int64 => {
            let value = call.int(0);
            call.bools(|row| value.get(row).map(|v| v != 0))
        }
        DataType::Float64 => {
            let value = call.float(0);
            call.bools(|row| value.get(row).map(|v| v != 0.0))
        }
        DataType::Decimal128(..) => {
            let value = call.decimal(0);
            call.bools(|row| value.get(row).map(|v| v != 0))
        }
        _ => refused(call, "bool"),
    }
}

/// `mc_cast_timestamp(text, 'zone')`
fn to_timestamp(call: &Call) -> Result<ArrayRef> {
    let zone = zone(call.constant_text(1)?)?;
    let start = |days: i32| form::day_of(days).map(|day| midnight(day, zone));
    match call.ty(0) {
        DataType::Null => call.timestamps(|_| None),
        DataType::Utf8View => {
            let text = call.text(0);
            call.timestamps(|row| {
                let text = text.get(row)?;
                form::parse_timestamp(text, zone).or_else(|| start(form::parse_date(text)?))
            })
        }
        DataType::Date32 => {
            let day = call.date(0);
            call.timestamps(|row| start(day.get(row)?))
        }
        DataType::Timestamp(..) => Ok(expanded(call, 0)),
        _ => refused(call, "timestamp"),
    }
}

/// An argument as a whole column.
fn expanded(call: &Call, index: usize) -> ArrayRef {
    Arc::clone(call.array(index))
}

/// The wanted type of `mc_cast_decimal(x, p, s)`.
fn decimal_type(_: &[DataType], constants: &[Option<&ScalarValue>]) -> Result<DataType> {
    let number = |index: usize| match constants.get(index).copied().flatten() {
        Some(ScalarValue::Int64(Some(value))) => u8::try_from(*value).ok(),
        _ => None,
    };
    match (number(1), number(2)) {
        (Some(precision), Some(scale)) if (1..=MAX_DIGITS).contains(&precision) && scale <= precision => {
            Ok(DataType::Decimal128(precision, i8::try_from(scale).unwrap_or(0)))
        }
        _ => plan_err!("mc_cast_decimal takes a precision from 1 to 38 and a scale up to it"),
    }
}

/// `mc_cast_decimal(x, p, s)`
fn to_decimal(call: &Call) -> Result<ArrayRef> {
    let (precision, scale) = (ScalarValue::from(call.constant_int(1)?), ScalarValue::from(call.constant_int(2)?));
    let ty = decimal_type(&[], &[None, Some(&precision), Some(&scale)])?;
    let DataType::Decimal128(precision, scale) = ty else { return refused(call, "decimal") };
    let scale = u8::try_from(scale).unwrap_or(0);
    let fitting = |digits: i128| (digits.abs() < power_of_ten(precision)).then_some(digits);
    match call.ty(0) {
        DataType::Null => call.decimals(&ty, |_| None),
        DataType::Utf8View => {
            let text = call.text(0);
            call.decimals(&ty, |row| rounded_decimal(text.get(row)?, scale).and_then(fitting))
        }
        DataType::Int64 => {
            let (value, unit) = (call.int(0), power_of_ten(scale));
            call.decimals(&ty, |row| i128::from(value.get(row)?).checked_mul(unit).and_then(fitting))
        }
        DataType::Float64 => {
            let (value, power) = (call.float(0), 10_f64.powi(i32::from(scale)));
            call.decimals(&ty, |row| {
                let rounded = (value.get(row)? * power).round();
                (rounded.abs() < 1.7e38).then_some(rounded as i128).and_then(fitting)
            })
        }
        DataType::Decimal128(_, own) => {
            let (value, own) = (call.decimal(0), u8::try_from(*own).unwrap_or(0));
            call.decimals(&ty, |row| {
                let digits = value.get(row)?;
                if own > scale {
                    return fitting(shorten(digits, u32::from(own - scale)));
                }
                digits.checked_mul(power_of_ten(scale - own)).and_then(fitting)
            })
        }
        _ => refused(call, "decimal"),
    }
}

/// A number's digits at `scale`, rounded half away from zero: an optional sign, digits, a fraction, an exponent.
fn rounded_decimal(text: &str, scale: u8) -> Option<i128> {
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((_, "")) => return None,
        Some(parts) => parts,
        None => (mantissa, ""),
    };
    let digits = || whole.bytes().chain(fraction.bytes());
    if whole.is_empty() || !digits().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // How many of the digits count; what is missing is zeros, what is left over is rounded.
    let length = i64::try_from(whole.len()).ok()?;
    let kept = length.checked_add(exponent)?.checked_add(i64::from(scale))?;
    let mut found: i128 = 0;
    let mut at = 0;
    for digit in digits().map(|b| i128::from(b - b'0')) {
        if at >= kept {
            if at == kept && digit >= 5 {
                found = found.checked_add(1)?;
            }
            break;
        }
        found = found.checked_mul(10)?.checked_add(digit)?;
        at += 1;
    }
    if found != 0 && at < kept {
        found = found.checked_mul(10_i128.checked_pow(u32::try_from(kept - at).ok()?)?)?;
    }
    Some(if negative { -found } else { found })
}

/// `mc_cast_text(x, 'zone')`
fn to_text(call: &Call) -> Result<ArrayRef> {
    if *call.ty(0) == DataType::Utf8View {
        return Ok(expanded(call, 0));
    }
    let zone = zone(call.constant_text(1)?)?;
    if !has_text(call.ty(0)) {
        return refused(call, "string");
    }
    let array = call.array(0);
    call.texts(|row| text_of(array, call.place(0, row), zone))
}

/// Whether values of a type have a text form.
fn has_text(ty: &DataType) -> bool {
    match ty {
        DataType::List(item) => has_text(item.data_type()),
        DataType::Null
        | DataType::Boolean
        | DataType::Int64
        | DataType::Float64
        | DataType::Decimal128(..)
        | DataType::Date32
        | DataType::Utf8
        | DataType::Utf8View => true,
        ty => *ty == TIMESTAMP,
    }
}

/// The text form of a value; none for null.
pub(in crate::dry_run) fn text_of(array: &ArrayRef, row: usize, zone: Tz) -> Option<String> {
    if array.is_null(row) || array.data_type().is_null() {
        return None;
    }
    Some(match array.data_type() {
        DataType::Boolean => array.as_boolean().value(row).to_string(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Float64 => form::float(array.as_primitive::<Float64Type>().value(row)),
        DataType::Decimal128(_, scale) => {
            form::decimal(array.as_primitive::<Decimal128Type>().value(row), u8::try_from(*scale).unwrap_or(0))
        }
        DataType::Date32 => form::date(array.as_primitive::<Date32Type>().value(row)),
        DataType::Timestamp(..) => {
            form::timestamp(array.as_primitive_opt::<TimestampMillisecondType>()?.value(row), zone)
        }
        DataType::Utf8 => array.as_string::<i32>().value(row).to_owned(),
        DataType::Utf8View => array.as_string_view().value(row).to_owned(),
        DataType::List(_) => {
            let items = array.as_list::<i32>().value(row);
            let texts: Vec<String> = (0..items.len()).map(|item| json_of(&items, item, zone)).collect();
            format!("[{}]", texts.join(","))
        }
        _ => return None,
    })
}

/// The JSON form of a value: numbers, bools and lists as their text, null, the others as strings.
fn json_of(array: &ArrayRef, row: usize, zone: Tz) -> String {
    match (text_of(array, row, zone), array.data_type()) {
        (None, _) => "null".to_owned(),
        (
            Some(text),
            DataType::Boolean | DataType::Int64 | DataType::Float64 | DataType::Decimal128(..) | DataType::List(_),
        ) => text,
        (Some(text), _) => serde_json::Value::String(text).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dry_run::functions::scalar::testing::{call, column, scalar, shown, texts};
    use datafusion::arrow::array::{
        BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, ListArray, TimestampMillisecondArray,
    };
    use datafusion::logical_expr::ColumnarValue;

    fn one(name: &str, arguments: Vec<ColumnarValue>) -> Vec<String> {
        let definition = FUNCTIONS.iter().find(|function| function.name == name).unwrap();
        shown(&call(definition, arguments).unwrap())
    }

    fn decimals(values: &[i128], precision: u8, scale: i8) -> ColumnarValue {
        column(Decimal128Array::from(values.to_vec()).with_precision_and_scale(precision, scale).unwrap())
    }

    #[test]
    fn texts_become_values_or_null() {
        let values =
            || texts(&[Some("12"), Some("-0.5"), Some("true"), Some("2026-11-01"), Some(""), Some(" 1"), None]);
        assert_eq!(one("mc_cast_int", vec![values()]), ["12", "∅", "∅", "∅", "∅", "∅", "∅"]);
        assert_eq!(one("mc_cast_float", vec![values()]), ["12.0", "-0.5", "∅", "∅", "∅", "∅", "∅"]);
        assert_eq!(one("mc_cast_bool", vec![values()]), ["∅", "∅", "true", "∅", "∅", "∅", "∅"]);
        assert_eq!(one("mc_cast_date", vec![values()]), ["∅", "∅", "∅", "2026-11-01", "∅", "∅", "∅"]);
    }

    #[test]
    fn numbers_become_ints_towards_zero() {
        let values = column(Float64Array::from(vec![1.9, -1.9, 1e19, f64::NAN]));
        assert_eq!(one("mc_cast_int", vec![values]), ["1", "-1", "∅", "∅"]);
        assert_eq!(one("mc_cast_int", vec![decimals(&[199, -199], 10, 2)]), ["1", "-1"]);
        assert_eq!(one("mc_cast_int", vec![decimals(&[10_i128.pow(30)], 38, 0)]), ["∅"]);
        assert_eq!(one("mc_cast_int", vec![column(BooleanArray::from(vec![true, false]))]), ["1", "0"]);
    }

    #[test]
    fn decimals_become_the_nearest_float() {
        let values = decimals(&[1, -123_456_789, 10_i128.pow(37) + 1], 38, 2);
        assert_eq!(one("mc_cast_float", vec![values]), ["0.01", "-1234567.89", "1e35"]);
        assert_eq!(decimal_to_float(9_007_199_254_740_993, 0), 9_007_199_254_740_992.0);
    }

    #[test]
    fn decimals_round_half_away_and_overflow_to_null() {
        let cast = |value: ColumnarValue| one("mc_cast_decimal", vec![value, scalar(5_i64), scalar(2_i64)]);
        let values = texts(&[
            Some("1.005"),
            Some("-1.005"),
            Some("1.0049"),
            Some("999.995"),
            Some("1e2"),
            Some("12e-3"),
            Some("5e-3"),
            Some("4e-9"),
            Some("0e999999999"),
            Some("1e99"),
            Some(""),
            Some("."),
            Some("1."),
            Some("x"),
            None,
        ]);
        assert_eq!(
            cast(values),
            ["1.01", "-1.01", "1.00", "∅", "100.00", "0.01", "0.01", "0.00", "0.00", "∅", "∅", "∅", "∅", "∅", "∅"]
        );
        assert_eq!(cast(column(Float64Array::from(vec![2.675, -0.005, 1e300, f64::NAN]))), ["2.68", "-0.01", "∅", "∅"]);
        assert_eq!(cast(column(Int64Array::from(vec![999, 1_000, i64::MIN]))), ["999.00", "∅", "∅"]);
        assert_eq!(cast(decimals(&[12_345, -12_345, 10_i128.pow(35)], 38, 4)), ["1.23", "-1.23", "∅"]);
        assert_eq!(cast(decimals(&[1, 10_i128.pow(37)], 38, 0)), ["1.00", "∅"]);
        assert_eq!(rounded_decimal("-0.5", 0), Some(-1));
        assert_eq!(rounded_decimal("0.5e1", 0), Some(5));
        let definition = FUNCTIONS.iter().find(|function| function.name == "mc_cast_decimal").unwrap();
        assert!(call(definition, vec![scalar("1"), scalar(39_i64), scalar(0_i64)]).is_err());
    }

    #[test]
    fn instants_are_read_in_the_zone() {
        let values =
            texts(&[Some("2026-11-01 08:00:00"), Some("2026-11-01"), Some("2026-11-01T00:00:00Z"), Some("now"), None]);
        assert_eq!(
            one("mc_cast_timestamp", vec![values, scalar("Asia/Shanghai")]),
            ["2026-11-01T00:00:00", "2026-10-31T16:00:00", "2026-11-01T00:00:00", "∅", "∅"]
        );
        let days = column(Date32Array::from(vec![Some(0), None]));
        assert_eq!(one("mc_cast_timestamp", vec![days, scalar("Asia/Kolkata")]), ["1969-12-31T18:30:00", "∅"]);
    }

    #[test]
    fn every_type_has_one_text_form() {
        let text = |value: ColumnarValue| one("mc_cast_text", vec![value, scalar("Asia/Shanghai")]);
        assert_eq!(text(column(BooleanArray::from(vec![Some(true), None]))), ["true", "∅"]);
        assert_eq!(text(column(Int64Array::from(vec![-7]))), ["-7"]);
        assert_eq!(text(column(Float64Array::from(vec![1.0, 0.1, 1e21]))), ["1", "0.1", "1e21"]);
        assert_eq!(text(decimals(&[150, -5], 10, 2)), ["1.50", "-0.05"]);
        assert_eq!(text(column(Date32Array::from(vec![0]))), ["1970-01-01"]);
        assert_eq!(text(column(TimestampMillisecondArray::from(vec![5]))), ["1970-01-01 08:00:00.005"]);
        assert_eq!(text(texts(&[Some(""), None])), ["", "∅"]);
        let list = ListArray::from_iter_primitive::<Int64Type, _, _>([Some([Some(1), None]), None]);
        assert_eq!(text(column(list)), ["[1,null]", "∅"]);
    }
}
