//! What engines of plain SQL print alike: logic of three values, comparisons, the ends of ints, some texts. A dialect to which one of
//! these means something else has its own.

use std::ops::ControlFlow;

use sqlparser::ast::{BinaryOperator, Expr, Query, Value as Literal, ValueWithSpan, VisitMut, VisitorMut};

use super::build::{self, binary, call, number};
use super::dialect::{Call, Unsupported};
use crate::plan::{DataType, Function};

type Result = std::result::Result<Expr, Unsupported>;

/// All of the arguments.
pub fn and(call: &Call) -> Result {
    Ok(build::all(call.args()).unwrap_or_else(|| build::boolean(true)))
}

/// One of the arguments.
pub fn or(call: &Call) -> Result {
    Ok(build::any(call.args()).unwrap_or_else(|| build::boolean(false)))
}

/// The opposite.
pub fn not(call: &Call) -> Result {
    Ok(build::not(call.arg(0)))
}

/// Whether it is null.
pub fn is_null(call: &Call) -> Result {
    Ok(build::is_null(call.arg(0)))
}

/// Whether it is not null.
pub fn is_not_null(call: &Call) -> Result {
    Ok(build::is_not_null(call.arg(0)))
}

/// The first argument that is not null.
pub fn coalesce(call_: &Call) -> Result {
    Ok(call("coalesce", call_.args()))
}

/// A comparison of two values of one type; of types that compare otherwise the dialect has told before.
pub fn compare(call: &Call) -> Result {
    let operator = match call.function {
        Function::NotEqual => BinaryOperator::NotEq,
        Function::Less => BinaryOperator::Lt,
        Function::LessEqual => BinaryOperator::LtEq,
        Function::Greater => BinaryOperator::Gt,
        Function::GreaterEqual => BinaryOperator::GtEq,
        _ => BinaryOperator::Eq,
    };
    Ok(binary(call.arg(0), operator, call.arg(1)))
}

/// `x IN (…)`, whose nulls are those of the comparisons.
pub fn is_in(call: &Call) -> Result {
    let Some((operand, list)) = call.arguments.split_first() else { return Ok(build::boolean(false)) };
    if list.is_empty() {
        return Ok(build::boolean(false));
    }
    Ok(build::in_list(operand.sql.clone(), list.iter().map(|item| item.sql.clone()).collect()))
}

/// The opposite of a number. The least int, which the dialect gives, stays as it is.
pub fn negate(call_: &Call, least: Expr) -> Result {
    let x = call_.arg(0);
    Ok(unless_least(call_, least, x.clone(), build::negate(x)))
}

/// A number without its sign; the least int stays as it is.
pub fn abs(call_: &Call, least: Expr) -> Result {
    let x = call_.arg(0);
    Ok(unless_least(call_, least, x.clone(), call("abs", vec![x])))
}

fn unless_least(call: &Call, least: Expr, x: Expr, otherwise: Expr) -> Expr {
    match call.ty {
        DataType::Int | DataType::Duration => build::case(vec![(build::equal(x.clone(), least), x)], Some(otherwise)),
        _ => otherwise,
    }
}

/// A text of `true`, `1`, `false` or `0`, or a number that is not 0, as a truth value; none of other types. `zero` is 0 as a float.
pub fn to_bool(x: Expr, from: &DataType, zero: Expr) -> Option<Expr> {
    let is = |words: [&str; 2]| build::in_list(x.clone(), words.map(build::text).to_vec());
    match from {
        DataType::String => Some(build::case(
            vec![(is(["true", "1"]), build::boolean(true)), (is(["false", "0"]), build::boolean(false))],
            None,
        )),
        DataType::Int | DataType::Decimal { .. } => Some(binary(x, BinaryOperator::NotEq, number(0))),
        DataType::Float => Some(binary(x, BinaryOperator::NotEq, zero)),
        _ => None,
    }
}

/// A literal number of 32 bits at a place.
pub fn small(call: &Call, at: usize) -> Option<i32> {
    call.literal_int(at).and_then(|value| i32::try_from(value).ok())
}

/// Texts one after the other; null where one is, which `concat` would skip.
pub fn concat(call: &Call) -> Result {
    let joined = call.args().into_iter().reduce(|left, right| binary(left, BinaryOperator::StringConcat, right));
    Ok(joined.unwrap_or_else(|| build::text("")))
}

/// The first character and `***`.
pub fn mask(call_: &Call) -> Result {
    let first = call("left", vec![call_.arg(0), number(1)]);
    let masked = binary(first, BinaryOperator::StringConcat, build::text("***"));
    Ok(build::case(vec![(build::equal(call_.arg(0), build::text("")), call_.arg(0))], Some(masked)))
}

/// The text of a query over several lines, where that leaves its strings alone: the pretty form would indent a line break within one.
pub fn print(query: &Query) -> String {
    let mut broken = Broken(false);
    let _ = VisitMut::visit(&mut query.clone(), &mut broken);
    if broken.0 { query.to_string() } else { format!("{query:#}") }
}

/// Whether a string has a line break.
struct Broken(bool);

impl VisitorMut for Broken {
    type Break = ();

    fn pre_visit_value(&mut self, value: &mut ValueWithSpan) -> ControlFlow<()> {
        if let Literal::SingleQuotedString(content) = &value.value {
            self.0 |= content.contains('\n');
        }
        ControlFlow::Continue(())
    }
}
