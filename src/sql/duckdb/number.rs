//! Numbers, durations, and arithmetic on times. An int that overflows is an error there, and wraps at 64 bits with us: it is computed in 128
//! bits, which hold the product of any two.

use sqlparser::ast::{BinaryOperator, DataType as Sql, Expr};

use super::unsupported;
use super::value::{attempt, cast_to, finite, float, instant, try_cast_to, when, wide};
use crate::plan::{DataType, Function};
use crate::sql::build::{self, binary, call, number};
use crate::sql::dialect::{Call, Unsupported};
use crate::sql::plain;
use crate::value::time::DAY_MS;

type Result = std::result::Result<Expr, Unsupported>;

/// How many ints there are.
const INTS: i128 = 1 << 64;

/// The most digits of a decimal for them to be an int.
const INT_DIGITS: u8 = 18;

/// A whole number of 128 bits as the int that is left of it at 64 bits.
fn wrapped(x: Expr) -> Expr {
    let rest = binary(build::nested(x), BinaryOperator::Modulo, wide(INTS));
    let positive = binary(build::nested(rest), BinaryOperator::Plus, wide(INTS + INTS / 2));
    let rest = binary(build::nested(positive), BinaryOperator::Modulo, wide(INTS));
    cast_to(binary(build::nested(rest), BinaryOperator::Minus, wide(INTS / 2)), &DataType::Int)
}

fn widened(x: Expr) -> Expr {
    build::cast(x, Sql::HugeInt)
}

fn millis(time: Expr) -> Expr {
    call("epoch_ms", vec![time])
}

/// `+` and `-`, by the types of both sides.
pub fn add(call_: &Call) -> Result {
    let minus = call_.function == Function::Subtract;
    let operator = || if minus { BinaryOperator::Minus } else { BinaryOperator::Plus };
    let (left, right) = (call_.arg(0), call_.arg(1));
    Ok(match (call_.arg_type(0), call_.arg_type(1)) {
        (DataType::Timestamp, DataType::Timestamp) => binary(millis(left), BinaryOperator::Minus, millis(right)),
        (DataType::Date, DataType::Date) => {
            let days = call("date_diff", vec![build::text("day"), right, left]);
            binary(days, BinaryOperator::Multiply, number(DAY_MS))
        }
        (DataType::Timestamp, _) => instant(build::nested(binary(millis(left), operator(), right))),
        (_, DataType::Timestamp) => instant(build::nested(binary(left, operator(), millis(right)))),
        (DataType::Date, _) => binary(left, operator(), days(right)),
        (_, DataType::Date) => binary(right, BinaryOperator::Plus, days(left)),
        (DataType::Int | DataType::Duration, _) => wrapped(binary(widened(left), operator(), widened(right))),
        (DataType::Decimal { .. }, _) => try_cast_to(attempt(binary(left, operator(), right)), call_.ty),
        _ => binary(left, operator(), right),
    })
}

/// A duration of whole days, in days.
fn days(ms: Expr) -> Expr {
    build::cast(call("divide", vec![ms, number(DAY_MS)]), Sql::Integer(None))
}

pub fn multiply(call_: &Call) -> Result {
    let (left, right) = (call_.arg(0), call_.arg(1));
    Ok(match call_.ty {
        DataType::Int | DataType::Duration => wrapped(binary(widened(left), BinaryOperator::Multiply, widened(right))),
        DataType::Decimal { .. } => try_cast_to(attempt(binary(left, BinaryOperator::Multiply, right)), call_.ty),
        _ => binary(left, BinaryOperator::Multiply, right),
    })
}

/// An argument as a float.
fn as_float(call_: &Call, at: usize) -> Result {
    match call_.arg_type(at) {
        DataType::Float => Ok(call_.arg(at)),
        DataType::Decimal { precision, scale } => decimal_to_float(call_.arg(at), *precision, *scale),
        _ => Ok(cast_to(call_.arg(at), &DataType::Float)),
    }
}

/// The nearest float, of a decimal whose digits are an int.
pub fn decimal_to_float(x: Expr, precision: u8, scale: u8) -> Result {
    if precision > INT_DIGITS {
        let construct = format!("a decimal({precision},{scale}) as a float");
        return Err(unsupported(&construct, "one of more than 18 digits does not become the nearest float there"));
    }
    Ok(cast_to(x, &DataType::Float))
}

/// In floats; a zero divisor gives null.
pub fn divide(call_: &Call) -> Result {
    let divisor = call("nullif", vec![as_float(call_, 1)?, float(0.0)]);
    Ok(binary(as_float(call_, 0)?, BinaryOperator::Divide, divisor))
}

/// The sign of the dividend, as the engine has it.
pub fn modulo(call_: &Call) -> Result {
    match call_.ty {
        DataType::Int | DataType::Duration => {
            let divisor = call("nullif", vec![widened(call_.arg(1)), wide(0)]);
            let rest = binary(widened(call_.arg(0)), BinaryOperator::Modulo, divisor);
            Ok(cast_to(rest, &DataType::Int))
        }
        _ => Err(unsupported("the rest of decimals", "the engine takes another type for it")),
    }
}

fn least() -> Expr {
    cast_to(build::text(i64::MIN.to_string()), &DataType::Int)
}

pub fn negate(call_: &Call) -> Result {
    plain::negate(call_, least())
}

pub fn abs(call_: &Call) -> Result {
    plain::abs(call_, least())
}

/// Half away from zero.
pub fn round(call_: &Call) -> Result {
    let places = call_.literal_int(1).unwrap_or(0);
    match call_.ty {
        DataType::Float => {
            let power = float(10f64.powi(places.unsigned_abs().min(308) as i32));
            let whole = |x| call("round", vec![x]);
            let (there, back) = match places.signum() {
                0 => return Ok(whole(call_.arg(0))),
                1 => (BinaryOperator::Multiply, BinaryOperator::Divide),
                _ => (BinaryOperator::Divide, BinaryOperator::Multiply),
            };
            Ok(binary(whole(binary(call_.arg(0), there, power.clone())), back, power))
        }
        DataType::Decimal { .. } if places >= 0 => {
            Ok(try_cast_to(call("round", vec![call_.arg(0), number(places)]), call_.ty))
        }
        DataType::Decimal { .. } => Err(unsupported("round(…) before the point", "decimals have another type then")),
        _ if places >= 0 => Ok(call_.arg(0)),
        _ => Err(unsupported("round(…) of an int before its point", "what no longer fits is an error there")),
    }
}

pub fn floor_or_ceil(call_: &Call) -> Result {
    let name = if call_.function == Function::Floor { "floor" } else { "ceil" };
    let x = call_.arg(0);
    Ok(match call_.ty {
        DataType::Float => call(name, vec![x]),
        DataType::Decimal { .. } => try_cast_to(call(name, vec![x]), call_.ty),
        _ => x,
    })
}

pub fn sqrt(call_: &Call) -> Result {
    let x = as_float(call_, 0)?;
    Ok(when(binary(x.clone(), BinaryOperator::GtEq, float(0.0)), call("sqrt", vec![x])))
}

pub fn ln(call_: &Call) -> Result {
    let x = as_float(call_, 0)?;
    Ok(when(binary(x.clone(), BinaryOperator::Gt, float(0.0)), call("ln", vec![x])))
}

pub fn exp(call_: &Call) -> Result {
    Ok(finite(attempt(call("exp", vec![as_float(call_, 0)?]))))
}

pub fn above(call_: &Call) -> Result {
    let (x, bound) = (as_float(call_, 0)?, as_float(call_, 1)?);
    let known = binary(x.clone(), BinaryOperator::LtEq, bound.clone());
    Ok(build::case(vec![(binary(x.clone(), BinaryOperator::Gt, bound), x), (known, float(0.0))], None))
}
