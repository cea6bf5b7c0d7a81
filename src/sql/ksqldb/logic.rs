//! Logic, comparison and nulls: two values there, three here.

use sqlparser::ast::{BinaryOperator, Expr, UnaryOperator, Value as Literal};

use super::number::alike;
use super::value::cast_to;
use super::{refusal, refuse};
use crate::plan::{DataType, Function, Value};
use crate::sql::build::{self, binary};
use crate::sql::dialect::{Call, Unsupported};

type Result = std::result::Result<Expr, Unsupported>;

/// Whether an expression is a condition of the engine, which is true or false and never null.
fn is_condition(expr: &Expr) -> bool {
    use BinaryOperator::{And, Eq, Gt, GtEq, Lt, LtEq, NotEq, Or};
    match expr {
        Expr::BinaryOp { op, .. } => matches!(op, And | Or | Eq | NotEq | Gt | GtEq | Lt | LtEq),
        Expr::UnaryOp { op: UnaryOperator::Not, .. } | Expr::IsNull(_) | Expr::IsNotNull(_) | Expr::InList { .. } => {
            true
        }
        Expr::Value(value) => matches!(value.value, Literal::Boolean(_)),
        Expr::Nested(within) => is_condition(within),
        _ => false,
    }
}

/// Whether a value is true.
pub fn condition(value: Expr) -> Expr {
    if is_condition(&value) { value } else { build::equal(value, build::boolean(true)) }
}

/// Whether a value is false.
fn is_false(value: Expr) -> Expr {
    build::equal(value, build::boolean(false))
}

/// What is true or false or null, by when it is either.
pub fn said(call: &Call, is_true: Expr, is_false: Expr) -> Expr {
    if call.truth {
        return is_true;
    }
    build::case(vec![(is_true, build::boolean(true)), (is_false, build::boolean(false))], None)
}

fn all(parts: impl Iterator<Item = Expr>) -> Expr {
    build::all(parts).unwrap_or_else(|| build::boolean(true))
}

fn any(parts: impl Iterator<Item = Expr>) -> Expr {
    build::any(parts).unwrap_or_else(|| build::boolean(false))
}

pub fn and(call: &Call) -> Result {
    let args = || call.args().into_iter();
    Ok(said(call, all(args().map(condition)), any(args().map(is_false))))
}

pub fn or(call: &Call) -> Result {
    let args = || call.args().into_iter();
    Ok(said(call, any(args().map(condition)), all(args().map(is_false))))
}

pub fn not(call: &Call) -> Result {
    Ok(said(call, is_false(call.arg(0)), condition(call.arg(0))))
}

/// Refuses what the engine compares otherwise.
fn comparable(ty: &DataType, ordered: bool) -> std::result::Result<(), Unsupported> {
    match ty {
        DataType::Array(_) | DataType::Map(_) => Err(refusal("a comparison of lists or maps", "they have no order")),
        DataType::String if ordered => {
            Err(refusal("the order of texts", "texts are ordered by units of 16 bits there, and not by their bytes"))
        }
        DataType::Bool if ordered => Err(refusal("the order of truth values", "there is none there")),
        _ => Ok(()),
    }
}

pub fn compare(call: &Call) -> Result {
    use BinaryOperator::{Eq, Gt, GtEq, Lt, LtEq, NotEq};
    let (operator, opposite) = match call.function {
        Function::NotEqual => (NotEq, Eq),
        Function::Less => (Lt, GtEq),
        Function::LessEqual => (LtEq, Gt),
        Function::Greater => (Gt, LtEq),
        Function::GreaterEqual => (GtEq, Lt),
        _ => (Eq, NotEq),
    };
    let ordered = !matches!(call.function, Function::Equal | Function::NotEqual);
    comparable(call.arg_type(0), ordered)?;
    let (left, right) = alike(call, 0, 1)?;
    Ok(said(call, binary(left.clone(), operator, right.clone()), binary(left, opposite, right)))
}

pub fn is_in(call: &Call) -> Result {
    comparable(call.arg_type(0), false)?;
    let is_null = |at: usize| call.arguments[at].literal == Some(&Value::Null);
    if call.arguments.is_empty() || is_null(0) {
        return refuse("an `in` of a null", "a null has no type there");
    }
    let known = build::is_not_null(call.arg(0));
    let items: Vec<usize> = (1..call.arguments.len()).filter(|at| !is_null(*at)).collect();
    let has_null = items.len() + 1 < call.arguments.len();
    let texts = call.arguments.iter().skip(1).all(|one| matches!(one.literal, Some(Value::String(_))));
    let (found, other) = if texts && !items.is_empty() {
        let within = build::in_list(call.arg(0), items.iter().map(|at| call.arg(*at)).collect());
        (within.clone(), build::not(within))
    } else {
        let pairs = items.iter().map(|at| alike(call, 0, *at)).collect::<std::result::Result<Vec<_>, _>>()?;
        let equal = pairs.iter().cloned().map(|(left, right)| build::equal(left, right));
        let unequal = pairs.iter().cloned().map(|(left, right)| binary(left, BinaryOperator::NotEq, right));
        (any(equal), all(unequal))
    };
    let other = if has_null { build::boolean(false) } else { all([known, other].into_iter()) };
    Ok(said(call, found, other))
}

pub fn is_null(call: &Call) -> Result {
    let (is_null, is_not_null) = (build::is_null(call.arg(0)), build::is_not_null(call.arg(0)));
    Ok(match call.function {
        Function::IsNull => said(call, is_null, is_not_null),
        _ => said(call, is_not_null, is_null),
    })
}

/// All in exactly the type of the result: the engine takes one alone.
pub fn coalesce(call: &Call) -> Result {
    let values = call.arguments.iter().map(|argument| match (argument.ty == call.ty, call.ty) {
        (true, DataType::Decimal { .. }) => Ok(cast_to(argument.sql.clone(), call.ty)),
        (true, _) => Ok(argument.sql.clone()),
        (false, _) => super::cast::convert(argument.sql.clone(), argument.ty, call.ty, call.calendar),
    });
    Ok(build::call("COALESCE", values.collect::<std::result::Result<_, _>>()?))
}

pub fn null_if(call: &Call) -> Result {
    comparable(call.arg_type(0), false)?;
    let (left, right) = alike(call, 0, 1)?;
    let null = cast_to(build::null(), call.arg_type(0));
    Ok(build::case(vec![(build::equal(left, right), null)], Some(call.arg(0))))
}
