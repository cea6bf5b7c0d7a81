//! Logic and comparison.

use sqlparser::ast::{BinaryOperator, Expr};

use super::comparable;
use crate::plan::Function;
use crate::sql::build::{self, call};
use crate::sql::dialect::{Call, Unsupported};

type Result = std::result::Result<Expr, Unsupported>;

pub fn and(call: &Call) -> Result {
    Ok(build::all(call.args()).unwrap_or_else(|| build::boolean(true)))
}

pub fn or(call: &Call) -> Result {
    Ok(build::any(call.args()).unwrap_or_else(|| build::boolean(false)))
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

pub fn null_if(call_: &Call) -> Result {
    comparable(call_)?;
    Ok(call("nullif", call_.args()))
}

/// Nulls are skipped.
pub fn extreme(call_: &Call) -> Result {
    comparable(call_)?;
    let name = if call_.function == Function::Least { "least" } else { "greatest" };
    Ok(call(name, call_.args()))
}
