//! Logic, comparison and nulls.

use sqlparser::ast::{BinaryOperator, Expr};

use super::value::cast_to;
use crate::plan::{DataType, Function, Value};
use crate::sql::build::{self, call};
use crate::sql::dialect::{Call, Unsupported};

type Result = std::result::Result<Expr, Unsupported>;

pub fn and(call: &Call) -> Result {
    Ok(build::all(call.args()).unwrap_or_else(|| build::boolean(true)))
}

pub fn or(call: &Call) -> Result {
    Ok(build::any(call.args()).unwrap_or_else(|| build::boolean(false)))
}

pub fn not(call: &Call) -> Result {
    Ok(build::not(call.arg(0)))
}

/// JSON is compared as it prints, with its numbers in another form than they were written in.
fn comparable(call: &Call) -> std::result::Result<(), Unsupported> {
    match call.arg_type(0) {
        DataType::Array(_) | DataType::Map(_) => Err(Unsupported {
            construct: "a comparison of lists or maps".to_owned(),
            reason: "ST2: they stay JSON here, which is compared by its text".to_owned(),
        }),
        _ => Ok(()),
    }
}

pub fn compare(call: &Call) -> Result {
    comparable(call)?;
    let operator = match call.function {
        Function::NotEqual => BinaryOperator::NotEq,
        Function::Less => BinaryOperator::Lt,
        Function::LessEqual => BinaryOperator::LtEq,
        Function::Greater => BinaryOperator::Gt,
        Function::GreaterEqual => BinaryOperator::GtEq,
        _ => BinaryOperator::Eq,
    };
    Ok(build::binary(call.arg(0), operator, call.arg(1)))
}

pub fn is_in(call: &Call) -> Result {
    comparable(call)?;
    let Some((operand, list)) = call.arguments.split_first() else { return Ok(build::boolean(false)) };
    if list.is_empty() {
        return Ok(build::boolean(false));
    }
    let plain = list.iter().all(|item| item.literal.is_some_and(|value| *value != Value::Null));
    let items = list.iter().map(|item| item.sql.clone());
    if plain {
        return Ok(build::in_list(operand.sql.clone(), items.collect()));
    }
    let equal = items.map(|item| build::equal(operand.sql.clone(), item));
    Ok(build::any(equal).unwrap_or_else(|| build::boolean(false)))
}

pub fn is_null(call: &Call) -> Result {
    Ok(build::is_null(call.arg(0)))
}

pub fn is_not_null(call: &Call) -> Result {
    Ok(build::is_not_null(call.arg(0)))
}

/// The arguments, a literal number in the type of the others.
fn of_one_type(call: &Call) -> Vec<Expr> {
    let settled = call.arguments.iter().map(|argument| match (argument.literal, argument.ty) {
        (Some(Value::Int(_) | Value::Duration(_)), ty) => cast_to(argument.sql.clone(), ty),
        _ => argument.sql.clone(),
    });
    settled.collect()
}

pub fn coalesce(call_: &Call) -> Result {
    Ok(call("coalesce", of_one_type(call_)))
}

pub fn null_if(call_: &Call) -> Result {
    comparable(call_)?;
    Ok(call("nullif", of_one_type(call_)))
}

/// Nulls are skipped.
pub fn extreme(call_: &Call) -> Result {
    comparable(call_)?;
    let name = if call_.function == Function::Least { "least" } else { "greatest" };
    Ok(call(name, of_one_type(call_)))
}
