//! Numbers, durations, and arithmetic on times. What fails is null here, a sum of ints that is too large among it: where ours
//! wraps at 64 bits it is computed as a NUMERIC, which holds every product of a number of 64 bits and one of 32.

use sqlparser::ast::{BinaryOperator, DateTimeField, Expr};

use super::tree::{extract, interval, when};
use super::value::{DIGITS, cast_to, float, numeric};
use crate::plan::{DataType, Function};
use crate::sql::build::{self, binary, call, cast, nested, number};
use crate::sql::dialect::{Call, Unsupported};
use crate::sql::plain;
use crate::value::time::DAY_MS;

type Result = std::result::Result<Expr, Unsupported>;

const NUMERIC: DataType = DataType::Decimal { precision: DIGITS, scale: 0 };

/// How many ints there are.
const INTS: i128 = 1 << 64;

/// The most that a decimal may have for its digits to be an int.
const INT_DIGITS: u8 = 18;

fn unsupported(construct: &str, reason: &str) -> Unsupported {
    Unsupported { construct: construct.to_owned(), reason: format!("ST2: {reason}") }
}

/// A NUMERIC above `-reach` times the number of ints, as the int that is left of it at 64 bits.
pub fn wrapped(x: Expr, reach: i128) -> Expr {
    let positive = binary(x, BinaryOperator::Plus, numeric(reach * INTS + INTS / 2));
    let rest = binary(positive, BinaryOperator::Modulo, numeric(INTS));
    cast_to(binary(rest, BinaryOperator::Minus, numeric(INTS / 2)), &DataType::Int)
}

/// `CAST(x AS NUMERIC)`
pub fn wide(x: Expr) -> Expr {
    cast_to(x, &NUMERIC)
}

/// `+` and `-`, by the types of both sides.
pub fn add(call_: &Call) -> Result {
    let minus = call_.function == Function::Subtract;
    let operator = || if minus { BinaryOperator::Minus } else { BinaryOperator::Plus };
    let (left, right) = (call_.arg(0), call_.arg(1));
    Ok(match (call_.arg_type(0), call_.arg_type(1)) {
        (DataType::Timestamp, DataType::Timestamp) => {
            let seconds = |of| extract(DateTimeField::Epoch, of);
            let apart = binary(nested(seconds(left)), BinaryOperator::Minus, nested(seconds(right)));
            cast_to(binary(apart, BinaryOperator::Multiply, number(1000)), &DataType::Int)
        }
        (DataType::Date, DataType::Date) => {
            let days = cast_to(binary(left, BinaryOperator::Minus, right), &DataType::Int);
            binary(days, BinaryOperator::Multiply, number(DAY_MS))
        }
        (DataType::Timestamp, _) => later(left, call_, 1, operator()),
        (_, DataType::Timestamp) => later(right, call_, 0, BinaryOperator::Plus),
        (DataType::Date, _) => binary(left, operator(), days(call_, 1)),
        (_, DataType::Date) => binary(right, BinaryOperator::Plus, days(call_, 0)),
        (DataType::Int | DataType::Duration, _) => wrapped(binary(wide(left), operator(), wide(right)), 1),
        _ => binary(left, operator(), right),
    })
}

/// An instant, and a duration later or earlier.
fn later(time: Expr, call_: &Call, duration: usize, operator: BinaryOperator) -> Expr {
    match call_.literal_int(duration) {
        Some(ms) => binary(time, operator, interval(ms)),
        None => binary(time, operator, nested(as_interval(call_.arg(duration)))),
    }
}

/// Milliseconds as an interval: it is multiplied by numbers of 32 bits only, and its days would be those of a zone.
pub fn as_interval(ms: Expr) -> Expr {
    let part = |operator, unit: i64| {
        let count = binary(ms.clone(), operator, number(DAY_MS));
        let count = cast(count, sqlparser::ast::DataType::Int(None));
        binary(count, BinaryOperator::Multiply, nested(interval(unit)))
    };
    binary(part(BinaryOperator::Divide, DAY_MS), BinaryOperator::Plus, part(BinaryOperator::Modulo, 1))
}

/// A duration of whole days, in days.
fn days(call_: &Call, at: usize) -> Expr {
    match call_.literal_int(at) {
        Some(ms) => number(ms / DAY_MS),
        None => {
            let days = binary(call_.arg(at), BinaryOperator::Divide, number(DAY_MS));
            cast(days, sqlparser::ast::DataType::Int(None))
        }
    }
}

pub fn multiply(call_: &Call) -> Result {
    if !matches!(call_.ty, DataType::Int | DataType::Duration) {
        return Ok(binary(call_.arg(0), BinaryOperator::Multiply, call_.arg(1)));
    }
    for (factor, other) in [(0, 1), (1, 0)] {
        // A small factor that is known leaves room in a NUMERIC.
        if let Some(known) = call_.literal_int(factor).filter(|known| known.unsigned_abs() <= 1_000_000_000) {
            let product = binary(wide(call_.arg(other)), BinaryOperator::Multiply, numeric(i128::from(known)));
            return Ok(wrapped(product, i128::from(known.unsigned_abs()).max(1)));
        }
    }
    Ok(product(&call_.arg(0), &call_.arg(1)))
}

/// The product of two ints: the upper half of one times the other, of which 32 bits count, and the lower half times it.
fn product(of: &Expr, by: &Expr) -> Expr {
    let of = cast_to(of.clone(), &DataType::Int);
    let half = numeric(1 << 32);
    let upper = wide(binary(of.clone(), BinaryOperator::PGBitwiseShiftRight, number(32)));
    let lower = wide(binary(of, BinaryOperator::BitwiseAnd, number(u32::MAX)));
    let times = |part| binary(part, BinaryOperator::Multiply, wide(by.clone()));
    let upper =
        binary(nested(binary(times(upper), BinaryOperator::Modulo, half.clone())), BinaryOperator::Multiply, half);
    let lower = binary(times(lower), BinaryOperator::Modulo, numeric(INTS));
    wrapped(binary(upper, BinaryOperator::Plus, lower), 2)
}

/// In floats; a zero divisor gives null.
pub fn divide(call_: &Call) -> Result {
    let divisor = call("nullif", vec![as_float(call_, 1)?, float(0.0)]);
    Ok(binary(as_float(call_, 0)?, BinaryOperator::Divide, divisor))
}

/// An argument as a float.
pub fn as_float(call_: &Call, at: usize) -> Result {
    match call_.arg_type(at) {
        DataType::Float => Ok(call_.arg(at)),
        DataType::Decimal { precision, scale } => decimal_to_float(call_.arg(at), *precision, *scale),
        _ => Ok(cast_to(call_.arg(at), &DataType::Float)),
    }
}

/// Its digits as an int, of which the float is the nearest one, divided by a power of ten. The engine's own cast adds the whole
/// part and the rest.
pub fn decimal_to_float(x: Expr, precision: u8, scale: u8) -> Result {
    if precision > INT_DIGITS {
        let construct = format!("a decimal({precision},{scale}) as a float");
        return Err(unsupported(&construct, "a NUMERIC of more than 18 digits does not become the nearest float"));
    }
    let power = 10_i128.pow(u32::from(scale));
    let digits = if scale == 0 { x } else { binary(x, BinaryOperator::Multiply, numeric(power)) };
    let digits = cast_to(cast_to(digits, &DataType::Int), &DataType::Float);
    Ok(if scale == 0 { digits } else { binary(digits, BinaryOperator::Divide, float(power as f64)) })
}

/// The sign of the dividend, as the engine has it. The least int has no quotient by -1.
pub fn modulo(call_: &Call) -> Result {
    let divisor = || call("nullif", vec![call_.arg(1), number(0)]);
    if let (DataType::Decimal { precision: p, scale: s }, DataType::Decimal { precision, scale }) =
        (call_.arg_type(0), call_.arg_type(1))
    {
        let (whole, fraction) = ((p - s).max(precision - scale), *s.max(scale));
        if whole + fraction > DIGITS {
            return Err(unsupported(
                "the rest of these decimals",
                "both together need more than the 28 digits of a NUMERIC",
            ));
        }
        return Ok(binary(call_.arg(0), BinaryOperator::Modulo, divisor()));
    }
    if call_.literal_int(1).is_some_and(|divisor| divisor > 0) {
        return Ok(binary(call_.arg(0), BinaryOperator::Modulo, call_.arg(1)));
    }
    let known = build::is_not_null(call_.arg(0));
    let is_minus_one = binary(build::equal(call_.arg(1), number(-1)), BinaryOperator::And, known);
    let rest = binary(call_.arg(0), BinaryOperator::Modulo, divisor());
    Ok(build::case(vec![(is_minus_one, number(0))], Some(rest)))
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

/// Half away from zero; the engine rounds floats half to even.
pub fn round(call_: &Call) -> Result {
    let digits = call_.literal_int(1).unwrap_or(0);
    match call_.ty {
        DataType::Float => Ok(round_float(call_.arg(0), digits)),
        DataType::Decimal { .. } => Ok(call("round", vec![call_.arg(0), number(digits)])),
        _ if digits >= 0 => Ok(call_.arg(0)),
        _ => Err(unsupported("round(…) of an int before its point", "the engine rounds decimals and floats alone")),
    }
}

fn round_float(x: Expr, digits: i64) -> Expr {
    let power = float(10f64.powi(digits.unsigned_abs().min(308) as i32));
    let (there, back) = match digits.signum() {
        0 => return round_half_away(x),
        1 => (BinaryOperator::Multiply, BinaryOperator::Divide),
        _ => (BinaryOperator::Divide, BinaryOperator::Multiply),
    };
    binary(round_half_away(binary(x, there, power.clone())), back, power)
}

/// Without the error of adding 0.5.
fn round_half_away(x: Expr) -> Expr {
    let whole = call("trunc", vec![x.clone()]);
    let rest = call("abs", vec![binary(x.clone(), BinaryOperator::Minus, whole.clone())]);
    let is_half = binary(rest, BinaryOperator::GtEq, float(0.5));
    let away = binary(whole.clone(), BinaryOperator::Plus, call("sign", vec![x]));
    build::case(vec![(is_half, away)], Some(whole))
}

pub fn floor_or_ceil(call_: &Call) -> Result {
    let name = if call_.function == Function::Floor { "floor" } else { "ceil" };
    Ok(match call_.ty {
        DataType::Float | DataType::Decimal { .. } => call(name, call_.args()),
        _ => call_.arg(0),
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

/// What is too small for a float is an error there, and so null; it is 0 with us.
pub fn exp(call_: &Call) -> Result {
    let x = as_float(call_, 0)?;
    let vanished = when(binary(x.clone(), BinaryOperator::Lt, float(0.0)), float(0.0));
    Ok(call("coalesce", vec![call("exp", vec![x]), vanished]))
}

pub fn above(call_: &Call) -> Result {
    let (x, bound) = (as_float(call_, 0)?, as_float(call_, 1)?);
    let known = binary(x.clone(), BinaryOperator::LtEq, bound.clone());
    Ok(build::case(vec![(binary(x.clone(), BinaryOperator::Gt, bound), x), (known, float(0.0))], None))
}

/// A NUMERIC as one of at most `precision` digits, `scale` of them behind the point; null where it needs more.
pub fn fitting(x: Expr, precision: u8, scale: u8) -> Expr {
    let limit = numeric(10_i128.pow(u32::from(precision.saturating_sub(scale))));
    when(binary(call("abs", vec![x.clone()]), BinaryOperator::Lt, limit), x)
}
