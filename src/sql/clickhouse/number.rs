//! Numbers, durations, and arithmetic on times.

use sqlparser::ast::{BinaryOperator, Expr};

use super::value;
use crate::plan::{DataType, Function, Value};
use crate::sql::build::{self, binary, call, number};
use crate::sql::decimal_text;
use crate::sql::dialect::{Call, Unsupported};
use crate::value::time::DAY_MS;

/// `+` and `-`, by the types of both sides.
pub fn add(call_: &Call) -> Result<Expr, Unsupported> {
    let minus = call_.function == Function::Subtract;
    let (left, right) = (call_.arg(0), call_.arg(1));
    Ok(match (call_.arg_type(0), call_.arg_type(1)) {
        (DataType::Timestamp, DataType::Timestamp) => {
            binary(milliseconds(left), BinaryOperator::Minus, milliseconds(right))
        }
        (DataType::Date, DataType::Date) => {
            let days = call("dateDiff", vec![build::text("day"), right, left]);
            binary(days, BinaryOperator::Multiply, number(DAY_MS))
        }
        (DataType::Timestamp, _) => {
            call(if minus { "subtractMilliseconds" } else { "addMilliseconds" }, vec![left, right])
        }
        (_, DataType::Timestamp) => call("addMilliseconds", vec![right, left]),
        (DataType::Date, _) => call(if minus { "subtractDays" } else { "addDays" }, vec![left, days(call_, 1)]),
        (_, DataType::Date) => call("addDays", vec![right, days(call_, 0)]),
        _ => binary(left, if minus { BinaryOperator::Minus } else { BinaryOperator::Plus }, right),
    })
}

/// A duration of whole days, in days.
fn days(call_: &Call, at: usize) -> Expr {
    match call_.literal_int(at) {
        Some(ms) => number(ms / DAY_MS),
        None => call("intDiv", vec![call_.arg(at), number(DAY_MS)]),
    }
}

fn milliseconds(time: Expr) -> Expr {
    call("toUnixTimestamp64Milli", vec![time])
}

pub fn multiply(call: &Call) -> Result<Expr, Unsupported> {
    Ok(binary(call.arg(0), BinaryOperator::Multiply, call.arg(1)))
}

/// In float64; a zero divisor gives null (CH12).
pub fn divide(call_: &Call) -> Result<Expr, Unsupported> {
    let divisor = match call_.arguments.get(1).and_then(|divisor| divisor.literal) {
        Some(Value::Int(value) | Value::Duration(value)) if *value != 0 => number(format_args!("{:?}", *value as f64)),
        Some(Value::Float(value)) if *value != 0.0 => call_.arg(1),
        _ => call("nullIf", vec![float(call_, 1), number(0)]),
    };
    Ok(binary(float(call_, 0), BinaryOperator::Divide, divisor))
}

pub fn float(call_: &Call, at: usize) -> Expr {
    match call_.arg_type(at) {
        DataType::Float => call_.arg(at),
        _ => call("toFloat64", vec![call_.arg(at)]),
    }
}

/// The sign of the dividend. Wide ints: the least int has no quotient by -1. Decimals are compared digit by digit.
pub fn modulo(call_: &Call) -> Result<Expr, Unsupported> {
    let scale = match call_.ty {
        DataType::Decimal { scale, .. } => *scale,
        _ => {
            if call_.literal_int(1).is_some_and(|divisor| divisor > 0) {
                return Ok(binary(call_.arg(0), BinaryOperator::Modulo, call_.arg(1)));
            }
            let wide = |at| call("toInt128", vec![call_.arg(at)]);
            let divisor = call("nullIf", vec![wide(1), number(0)]);
            return Ok(call("toInt64", vec![binary(wide(0), BinaryOperator::Modulo, divisor)]));
        }
    };
    let digits = |at: usize| {
        let wide = call("toDecimal128", vec![call_.arg(at), number(scale)]);
        call("reinterpretAsInt128", vec![wide])
    };
    let divisor = call("nullIf", vec![digits(1), number(0)]);
    let rest = binary(digits(0), BinaryOperator::Modulo, divisor);
    Ok(scaled(rest, scale))
}

/// `digits / 10^scale` as a decimal, from an int of any width.
pub fn scaled(digits: Expr, scale: u8) -> Expr {
    let whole = call("toDecimal128", vec![digits, number(0)]);
    if scale == 0 {
        return whole;
    }
    let unit = call("toDecimal128", vec![build::text(decimal_text(1, scale)), number(scale)]);
    binary(whole, BinaryOperator::Multiply, unit)
}

pub fn negate(call: &Call) -> Result<Expr, Unsupported> {
    Ok(build::negate(call.arg(0)))
}

pub fn abs(call_: &Call) -> Result<Expr, Unsupported> {
    // The engine's result is unsigned for ints.
    Ok(value::settle(call("abs", call_.args()), call_.ty))
}

/// Half away from zero; the engine rounds floats half to even.
pub fn round(call_: &Call) -> Result<Expr, Unsupported> {
    let digits = call_.literal_int(1).unwrap_or(0);
    Ok(match call_.ty {
        DataType::Float => round_float(call_.arg(0), digits),
        DataType::Decimal { .. } => call("round", vec![call_.arg(0), number(digits)]),
        _ if digits >= 0 => call_.arg(0),
        _ => call("round", vec![call_.arg(0), number(digits)]),
    })
}

/// A float rounded half away from zero at a decimal place.
fn round_float(x: Expr, digits: i64) -> Expr {
    let power = number(format_args!("{:?}", 10f64.powi(digits.unsigned_abs().min(308) as i32)));
    let (there, back) = match digits.signum() {
        0 => return round_half_away(x),
        1 => (BinaryOperator::Multiply, BinaryOperator::Divide),
        _ => (BinaryOperator::Divide, BinaryOperator::Multiply),
    };
    binary(round_half_away(binary(x, there, power.clone())), back, power)
}

/// A float rounded half away from zero to a whole number, without the error of adding 0.5.
pub fn round_half_away(x: Expr) -> Expr {
    let whole = call("trunc", vec![x.clone()]);
    let rest = call("abs", vec![binary(x.clone(), BinaryOperator::Minus, whole.clone())]);
    let is_half = binary(rest, BinaryOperator::GtEq, number("0.5"));
    binary(whole, BinaryOperator::Plus, call("if", vec![is_half, call("sign", vec![x]), number(0)]))
}

pub fn floor(call_: &Call) -> Result<Expr, Unsupported> {
    Ok(call("floor", call_.args()))
}

pub fn ceil(call_: &Call) -> Result<Expr, Unsupported> {
    Ok(call("ceil", call_.args()))
}

pub fn sqrt(call_: &Call) -> Result<Expr, Unsupported> {
    let x = float(call_, 0);
    let defined = binary(x.clone(), BinaryOperator::GtEq, number(0));
    Ok(call("if", vec![defined, call("sqrt", vec![x]), build::null()]))
}

pub fn ln(call_: &Call) -> Result<Expr, Unsupported> {
    let x = float(call_, 0);
    let defined = binary(x.clone(), BinaryOperator::Gt, number(0));
    Ok(call("if", vec![defined, call("log", vec![x]), build::null()]))
}

pub fn exp(call_: &Call) -> Result<Expr, Unsupported> {
    Ok(finite(call("exp", vec![float(call_, 0)])))
}

pub fn power(call_: &Call) -> Result<Expr, Unsupported> {
    Ok(finite(call("pow", vec![float(call_, 0), float(call_, 1)])))
}

/// Null in place of infinities and what is no number.
pub fn finite(x: Expr) -> Expr {
    call("if", vec![call("isFinite", vec![x.clone()]), x, build::null()])
}

/// Nulls are skipped on every release and setting: each argument stands first in one `coalesce`.
pub fn extreme(call_: &Call) -> Result<Expr, Unsupported> {
    let name = if call_.function == Function::Least { "least" } else { "greatest" };
    let arguments = call_.args();
    if call_.arguments.iter().all(|argument| !argument.nullable) {
        return Ok(call(name, arguments));
    }
    let rotated = (0..arguments.len()).map(|at| {
        let (before, after) = arguments.split_at(at);
        call("coalesce", after.iter().chain(before).cloned().collect())
    });
    Ok(call(name, rotated.collect()))
}
