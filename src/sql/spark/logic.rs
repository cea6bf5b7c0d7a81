//! Logic, comparison and nulls.

use sqlparser::ast::{BinaryOperator, Expr};

use super::unsupported;
use crate::plan::{DataType, Function};
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

fn comparable(call: &Call) -> std::result::Result<(), Unsupported> {
    match call.arg_type(0) {
        DataType::Array(_) | DataType::Map(_) => {
            Err(unsupported("a comparison of lists or maps", "maps have no order there, and lists another one"))
        }
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
    Ok(build::in_list(operand.sql.clone(), list.iter().map(|item| item.sql.clone()).collect()))
}

pub fn is_null(call: &Call) -> Result {
    Ok(build::is_null(call.arg(0)))
}

pub fn is_not_null(call: &Call) -> Result {
    Ok(build::is_not_null(call.arg(0)))
}

pub fn coalesce(call_: &Call) -> Result {
    Ok(call("coalesce", call_.args()))
}

pub fn null_if(call_: &Call) -> Result {
    comparable(call_)?;
    Ok(call("nullif", call_.args()))
}

/// Nulls are skipped; the engine wants two arguments.
pub fn extreme(call_: &Call) -> Result {
    comparable(call_)?;
    if call_.arguments.len() < 2 {
        return Ok(call_.arg(0));
    }
    let name = if call_.function == Function::Least { "least" } else { "greatest" };
    Ok(call(name, call_.args()))
}
