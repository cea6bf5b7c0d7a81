//! Numbers, durations, and arithmetic on times. An int that overflows is an error there, and wraps at 64 bits with us: it is computed
//! as a decimal, which holds the product of any two.

use sqlparser::ast::{BinaryOperator, Expr};

use super::tree::{at_least, when};
use super::unsupported;
use super::value::{cast_to, decimal, finite, float, int, try_cast_to, wide};
use crate::plan::{DataType, Function};
use crate::sql::build::{self, binary, call, number};
use crate::sql::dialect::{Call, Unsupported};
use crate::sql::plain;
use crate::value::time::DAY_MS;

type Result = std::result::Result<Expr, Unsupported>;

/// From here on floats have no fraction.
const WHOLE: f64 = 4_503_599_627_370_496.0;

/// A decimal without a fraction, as the int that is left of it at 64 bits.
pub fn wrapped(x: Expr) -> Expr {
    let half = || wide(1 << 63);
    let moved = binary(x, BinaryOperator::Plus, half());
    let rest = call("pmod", vec![moved, wide(1 << 64)]);
    cast_to(binary(rest, BinaryOperator::Minus, half()), &DataType::Int)
}

/// An int as a decimal; a product of two has 38 digits.
fn digits(x: Expr) -> Expr {
    cast_to(x, &decimal(19, 0))
}

fn millis(time: Expr) -> Expr {
    call("unix_millis", vec![time])
}

/// `+` and `-`, by the types of both sides.
pub fn add(call_: &Call) -> Result {
    let minus = call_.function == Function::Subtract;
    let operator = || if minus { BinaryOperator::Minus } else { BinaryOperator::Plus };
    let (left, right) = (call_.arg(0), call_.arg(1));
    Ok(match (call_.arg_type(0), call_.arg_type(1)) {
        (DataType::Timestamp, DataType::Timestamp) => binary(millis(left), BinaryOperator::Minus, millis(right)),
        (DataType::Date, DataType::Date) => {
            let days = cast_to(call("datediff", vec![left, right]), &DataType::Int);
            binary(days, BinaryOperator::Multiply, int(DAY_MS))
        }
        (DataType::Timestamp, _) => call("timestamp_millis", vec![binary(millis(left), operator(), right)]),
        (_, DataType::Timestamp) => call("timestamp_millis", vec![binary(left, operator(), millis(right))]),
        (DataType::Date, _) => call(if minus { "date_sub" } else { "date_add" }, vec![left, days(right)]),
        (_, DataType::Date) => call("date_add", vec![right, days(left)]),
        (DataType::Int | DataType::Duration, _) => wrapped(binary(digits(left), operator(), digits(right))),
        (DataType::Decimal { .. }, _) => {
            let name = if minus { "try_subtract" } else { "try_add" };
            try_cast_to(call(name, vec![left, right]), call_.ty)
        }
        _ => binary(left, operator(), right),
    })
}

/// A duration of whole days, in days.
fn days(ms: Expr) -> Expr {
    let days = binary(ms, BinaryOperator::Divide, int(DAY_MS));
    build::cast(days, sqlparser::ast::DataType::Int(None))
}

pub fn multiply(call_: &Call) -> Result {
    let (left, right) = (call_.arg(0), call_.arg(1));
    Ok(match call_.ty {
        DataType::Int | DataType::Duration => wrapped(binary(digits(left), BinaryOperator::Multiply, digits(right))),
        DataType::Decimal { .. } => try_cast_to(call("try_multiply", vec![left, right]), call_.ty),
        _ => binary(left, BinaryOperator::Multiply, right),
    })
}

/// An argument as a float.
pub fn as_float(call_: &Call, at: usize) -> Expr {
    match call_.arg_type(at) {
        DataType::Float => call_.arg(at),
        _ => cast_to(call_.arg(at), &DataType::Float),
    }
}

/// In floats; a zero divisor gives null.
pub fn divide(call_: &Call) -> Result {
    let divisor = call("nullif", vec![as_float(call_, 1), float(0.0)]);
    Ok(binary(as_float(call_, 0), BinaryOperator::Divide, divisor))
}

/// The sign of the dividend, as the engine has it.
pub fn modulo(call_: &Call) -> Result {
    let divisor = match call_.literal_int(1) {
        Some(known) if known != 0 => call_.arg(1),
        _ => call("nullif", vec![call_.arg(1), int(0)]),
    };
    let rest = binary(call_.arg(0), BinaryOperator::Modulo, divisor);
    Ok(match call_.ty {
        DataType::Decimal { .. } => try_cast_to(rest, call_.ty),
        _ => rest,
    })
}

pub fn negate(call_: &Call) -> Result {
    plain::negate(call_, int(i64::MIN))
}

pub fn abs(call_: &Call) -> Result {
    plain::abs(call_, int(i64::MIN))
}

/// Half away from zero. Of a float the engine would round the decimal that is written for it.
pub fn round(call_: &Call) -> Result {
    let places = call_.literal_int(1).unwrap_or(0);
    match call_.ty {
        DataType::Float => {
            let power = float(10f64.powi(places.unsigned_abs().min(308) as i32));
            let whole = |x| call("round", vec![x, number(0)]);
            let (there, back) = match places.signum() {
                0 => return Ok(whole(call_.arg(0))),
                1 => (BinaryOperator::Multiply, BinaryOperator::Divide),
                _ => (BinaryOperator::Divide, BinaryOperator::Multiply),
            };
            Ok(binary(whole(binary(call_.arg(0), there, power.clone())), back, power))
        }
        DataType::Decimal { .. } => Ok(try_cast_to(call("round", vec![call_.arg(0), number(places)]), call_.ty)),
        _ if places >= 0 => Ok(call_.arg(0)),
        _ => Err(unsupported("round(…) of an int before its point", "what no longer fits is an error there")),
    }
}

pub fn floor_or_ceil(call_: &Call) -> Result {
    let name = if call_.function == Function::Floor { "floor" } else { "ceil" };
    let x = call_.arg(0);
    Ok(match call_.ty {
        DataType::Float => {
            let large = at_least(call("abs", vec![x.clone()]), float(WHOLE));
            let small = cast_to(call(name, vec![x.clone()]), &DataType::Float);
            build::case(vec![(large, x)], Some(small))
        }
        DataType::Decimal { .. } => try_cast_to(call(name, vec![x]), call_.ty),
        _ => x,
    })
}

pub fn sqrt(call_: &Call) -> Result {
    let x = as_float(call_, 0);
    Ok(when(at_least(x.clone(), float(0.0)), call("sqrt", vec![x])))
}

pub fn ln(call_: &Call) -> Result {
    let x = as_float(call_, 0);
    Ok(when(binary(x.clone(), BinaryOperator::Gt, float(0.0)), call("ln", vec![x])))
}

pub fn exp(call_: &Call) -> Result {
    Ok(finite(call("exp", vec![as_float(call_, 0)])))
}

pub fn power(call_: &Call) -> Result {
    Ok(finite(call("power", vec![as_float(call_, 0), as_float(call_, 1)])))
}

pub fn above(call_: &Call) -> Result {
    let (x, bound) = (as_float(call_, 0), as_float(call_, 1));
    let known = binary(x.clone(), BinaryOperator::LtEq, bound.clone());
    Ok(build::case(vec![(binary(x.clone(), BinaryOperator::Gt, bound), x), (known, float(0.0))], None))
}
