//! Logic, comparison and nulls.

use sqlparser::ast::Expr;

use super::value::cast_to;
use crate::plan::{DataType, Function, Value};
use crate::sql::build::{self, call};
use crate::sql::dialect::{Call, Unsupported};
use crate::sql::plain;

type Result = std::result::Result<Expr, Unsupported>;

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
    plain::compare(call)
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
