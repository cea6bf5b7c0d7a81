//! The tails of distributions.

use sqlparser::ast::{BinaryOperator, Expr};

use super::number::{finite, float};
use crate::sql::build::{self, binary, call, number};
use crate::sql::dialect::{Call, Unsupported};
use crate::value::MOST_DEGREES;

/// A comparison with null is none, and so gives the null itself.
pub fn above(call_: &Call) -> Result<Expr, Unsupported> {
    let (value, limit) = (float(call_, 0), float(call_, 1));
    let below = build::binary(value.clone(), BinaryOperator::LtEq, limit.clone());
    let below = build::case(vec![(below, number("0."))], Some(value));
    match call_.arguments[1].nullable {
        false => Ok(below),
        true => Ok(build::case(vec![(build::is_not_null(limit), below)], None)),
    }
}

pub fn erfc(call_: &Call) -> Result<Expr, Unsupported> {
    Ok(finite(call("erfc", vec![float(call_, 0)])))
}

/// Q(k/2, h) with h = x/2, which the engine lacks, by Q(a + 1, h) = Q(a, h) + h^a e^-h / Γ(a + 1) from Q(1/2, h) = erfc(√h) and
/// Q(1, h) = e^-h on.
pub fn chi_squared_tail(call_: &Call) -> Result<Expr, Unsupported> {
    let known = |value: Expr| call("ifNull", vec![value, number("0.")]);
    let half = || binary(known(float(call_, 0)), BinaryOperator::Divide, number("2."));
    let degrees = || call("toInt64", vec![call("round", vec![known(float(call_, 1))])]);
    // Sum of h^(i + shift) / Γ(i + shift + 1) for i below a count.
    let sum = |shift: &str, count: Expr| {
        let power = || binary(call("toFloat64", vec![build::ident_expr("i")]), BinaryOperator::Plus, number(shift));
        let gamma = call("tgamma", vec![binary(power(), BinaryOperator::Plus, number("1."))]);
        let term = binary(call("pow", vec![half(), power()]), BinaryOperator::Divide, gamma);
        let terms = call("arraySum", vec![build::lambda("i", term), call("range", vec![count])]);
        binary(call("exp", vec![build::negate(build::nested(half()))]), BinaryOperator::Multiply, terms)
    };
    let of = |least: i64| {
        let within = call("least", vec![call("greatest", vec![degrees(), number(least)]), number(MOST_DEGREES)]);
        call("intDiv", vec![within, number(2)])
    };
    let even = sum("0.", of(0));
    let odd = binary(call("erfc", vec![call("sqrt", vec![half()])]), BinaryOperator::Plus, sum("0.5", of(1)));
    let is_odd = build::equal(binary(degrees(), BinaryOperator::Modulo, number(2)), number(1));
    let tail = call("if", vec![is_odd, odd, even]);
    let known = [0, 1].map(|at| build::is_not_null(call_.arg(at)));
    let several = build::binary(degrees(), BinaryOperator::GtEq, number(1));
    let few = build::binary(degrees(), BinaryOperator::LtEq, number(MOST_DEGREES));
    let asked = build::all(known.into_iter().chain([several, few])).unwrap_or_else(|| build::boolean(true));
    Ok(call("if", vec![asked, tail, build::null()]))
}
