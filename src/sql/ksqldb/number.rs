//! Numbers. Whole numbers have 64 bits and wrap, as ours do; a null in arithmetic would take the whole expression with it, so that it is
//! asked first.

use sqlparser::ast::{BinaryOperator, Expr};

use super::value::{cast_to, int, when};
use super::{refusal, refuse};
use crate::plan::{DataType, Function};
use crate::sql::build::{self, binary, call};
use crate::sql::dialect::{Call, Operand, Unsupported};
use crate::value::time::DAY_MS;

type Result = std::result::Result<Expr, Unsupported>;

/// How many digits of a decimal a float of any version of Java keeps.
const FLOAT_DIGITS: u8 = 15;

/// An int as a decimal.
const WIDE: DataType = DataType::Decimal { precision: 19, scale: 0 };

/// The value where none of the operands is null.
pub fn known<'o>(operands: impl IntoIterator<Item = &'o Operand<'o>>, value: Expr) -> Expr {
    let asked = operands.into_iter().filter(|operand| operand.literal.is_none()).map(|one| one.sql.clone());
    match build::all(asked.map(build::is_not_null)) {
        Some(condition) => when(condition, value),
        None => value,
    }
}

/// Whether a type is whole milliseconds, days or ints.
fn is_whole(ty: &DataType) -> bool {
    matches!(ty, DataType::Int | DataType::Duration | DataType::Date | DataType::Timestamp)
}

/// Two arguments as values of one type that the engine compares and adds exactly.
pub fn alike(call: &Call, left: usize, right: usize) -> std::result::Result<(Expr, Expr), Unsupported> {
    let (a, b) = (&call.arguments[left], &call.arguments[right]);
    let whole_as = |of: &Operand, ty: &DataType| cast_to(of.sql.clone(), ty);
    match (a.ty, b.ty) {
        (DataType::Decimal { .. }, DataType::Decimal { .. }) => Ok((a.sql.clone(), b.sql.clone())),
        (DataType::Decimal { .. }, other) if is_whole(other) => Ok((a.sql.clone(), whole_as(b, &WIDE))),
        (other, DataType::Decimal { .. }) if is_whole(other) => Ok((whole_as(a, &WIDE), b.sql.clone())),
        (DataType::Float, other) if is_whole(other) && b.literal.is_some() => {
            Ok((a.sql.clone(), whole_as(b, &DataType::Float)))
        }
        (other, DataType::Float) if is_whole(other) && a.literal.is_some() => {
            Ok((whole_as(a, &DataType::Float), b.sql.clone()))
        }
        (a_type, b_type) if a_type == b_type || (is_whole(a_type) && is_whole(b_type)) => {
            Ok((a.sql.clone(), b.sql.clone()))
        }
        _ => Err(refusal("numbers of several types beside each other", "write the cast of one of them")),
    }
}

/// A sum or product of decimals in the plan's type, where the engine has all of its digits.
fn of_decimals(call: &Call, made: Expr, precision: u8, scale: u8) -> Result {
    match call.ty {
        DataType::Decimal { scale: wanted, .. } if precision <= 38 && *wanted >= scale => {
            Ok(known(&call.arguments, cast_to(made, call.ty)))
        }
        _ => refuse("arithmetic of decimals of so many digits", "beyond 38 digits it fails there: cast to fewer"),
    }
}

/// The digits of a number before and behind its point.
fn digits(ty: &DataType) -> (u8, u8) {
    match ty {
        DataType::Decimal { precision, scale } => (precision.saturating_sub(*scale), *scale),
        _ => (19, 0),
    }
}

/// `+` and `-`, by the types of both sides.
pub fn add(call: &Call) -> Result {
    let minus = call.function == Function::Subtract;
    let operator = if minus { BinaryOperator::Minus } else { BinaryOperator::Plus };
    let (left, right) = (call.arg_type(0), call.arg_type(1));
    let days = |ms: Expr| binary(ms, BinaryOperator::Divide, int(DAY_MS));
    let made = match (left, right) {
        (DataType::Date, DataType::Date) => {
            let apart = binary(call.arg(0), operator, call.arg(1));
            binary(apart, BinaryOperator::Multiply, int(DAY_MS))
        }
        (DataType::Date, DataType::Duration) => binary(call.arg(0), operator, days(call.arg(1))),
        (DataType::Duration, DataType::Date) => binary(days(call.arg(0)), operator, call.arg(1)),
        _ => {
            let (a, b) = alike(call, 0, 1)?;
            binary(a, operator, b)
        }
    };
    if matches!(call.ty, DataType::Decimal { .. }) {
        let ((whole, scale), (other_whole, other_scale)) = (digits(left), digits(right));
        let scale = scale.max(other_scale);
        return of_decimals(call, made, whole.max(other_whole) + scale + 1, scale);
    }
    Ok(known(&call.arguments, made))
}

pub fn multiply(call: &Call) -> Result {
    let (a, b) = alike(call, 0, 1)?;
    let made = binary(a, BinaryOperator::Multiply, b);
    if matches!(call.ty, DataType::Decimal { .. }) {
        let ((whole, scale), (other_whole, other_scale)) = (digits(call.arg_type(0)), digits(call.arg_type(1)));
        return of_decimals(call, made, whole + scale + other_whole + other_scale + 1, scale + other_scale);
    }
    Ok(known(&call.arguments, made))
}

/// As a float.
pub fn to_float(x: Expr, from: &DataType) -> Result {
    match from {
        DataType::Float => Ok(x),
        DataType::Decimal { precision, .. } if *precision > FLOAT_DIGITS => {
            refuse("a decimal of more than 15 digits as a float", "older versions of Java do not take the nearest one")
        }
        DataType::Decimal { .. } | DataType::Int | DataType::Duration => Ok(cast_to(x, &DataType::Float)),
        _ => refuse("a cast to a float", "a text may say more there than a number"),
    }
}

/// In floats: of whole numbers the engine cuts. A zero divisor gives null.
pub fn divide(call: &Call) -> Result {
    let [of, by] = call.arguments.as_slice() else { return refuse("a division", "it has two sides") };
    let quotient = binary(to_float(of.sql.clone(), of.ty)?, BinaryOperator::Divide, to_float(by.sql.clone(), by.ty)?);
    let zero = to_float(cast_to(int(0), by.ty), by.ty)?;
    let divisible = binary(to_float(by.sql.clone(), by.ty)?, BinaryOperator::NotEq, zero);
    let known = build::is_not_null(of.sql.clone());
    Ok(when(binary(known, BinaryOperator::And, divisible), quotient))
}

/// The sign of the dividend, as ours.
pub fn modulo(call: &Call) -> Result {
    if !is_whole(call.arg_type(0)) || !is_whole(call.arg_type(1)) {
        return refuse("the rest of a division of decimals or floats", "the engine rounds it to fewer digits");
    }
    let rest = binary(call.arg(0), BinaryOperator::Modulo, call.arg(1));
    let divisible = binary(call.arg(1), BinaryOperator::NotEq, int(0));
    let known = build::is_not_null(call.arg(0));
    Ok(when(binary(known, BinaryOperator::And, divisible), rest))
}

/// `0 - x` in the type of the result: a minus sign before a null fails.
fn negative(call: &Call) -> Result {
    if matches!(call.ty, DataType::Decimal { precision, .. } if *precision > 37) {
        return refuse("the negative of a decimal of 38 digits", "it has 39 there, which fails");
    }
    let zero = cast_to(int(0), call.arg_type(0));
    Ok(cast_to(binary(zero, BinaryOperator::Minus, call.arg(0)), call.ty))
}

pub fn negate(call: &Call) -> Result {
    Ok(known(&call.arguments, negative(call)?))
}

pub fn abs(call: &Call) -> Result {
    let is_negative = binary(call.arg(0), BinaryOperator::Lt, cast_to(int(0), call.arg_type(0)));
    Ok(build::case(vec![(is_negative, negative(call)?)], Some(cast_to(call.arg(0), call.ty))))
}

/// Of whole numbers alone.
pub fn whole(call: &Call) -> Result {
    match (is_whole(call.ty), call.function, call.literal_int(1).unwrap_or(0)) {
        (true, Function::Floor | Function::Ceil, _) | (true, _, 0..) => Ok(call.arg(0)),
        _ => refuse("rounding of decimals and floats", "a half is rounded upwards there, and not away from zero"),
    }
}

/// Nulls are skipped, as ours are.
pub fn extreme(call_: &Call) -> Result {
    if !call_.arguments.iter().all(|argument| is_whole(argument.ty)) {
        return refuse("the least or greatest but of whole numbers and times", "texts and decimals have another order");
    }
    let name = if call_.function == Function::Least { "LEAST" } else { "GREATEST" };
    Ok(call(name, call_.args()))
}
