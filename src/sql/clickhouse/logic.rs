//! Logic, comparison and nulls.

use sqlparser::ast::{BinaryOperator, Expr};

use super::value;
use crate::plan::{DataType, Value};
use crate::sql::build::{self, call};
use crate::sql::dialect::{Call, Unsupported};

/// The engine's `IN` is two-valued with a null in its list, and what it says of a null operand is a setting.
pub fn is_in(call_: &Call) -> Result<Expr, Unsupported> {
    let Some((operand, list)) = call_.arguments.split_first() else { return Ok(build::boolean(false)) };
    let plain = list.iter().all(|item| item.literal.is_some_and(|value| *value != Value::Null));
    let items = || list.iter().map(|item| item.sql.clone());
    if !plain {
        return Ok(build::any(items().map(|item| build::equal(operand.sql.clone(), item)))
            .unwrap_or_else(|| build::boolean(false)));
    }
    // A set is searched by bits, so that -0 would not be 0.
    let sought = match operand.ty {
        DataType::Float => build::binary(operand.sql.clone(), BinaryOperator::Plus, build::number("0.0")),
        _ => operand.sql.clone(),
    };
    let found = build::in_list(sought, items().collect());
    if call_.truth || !operand.nullable {
        return Ok(found);
    }
    Ok(call("if", vec![build::is_null(operand.sql.clone()), build::null(), found]))
}

pub fn null_if(call_: &Call) -> Result<Expr, Unsupported> {
    let first = match call_.ty {
        DataType::Int | DataType::Bool => value::settle(call_.arg(0), call_.ty),
        _ => call_.arg(0),
    };
    Ok(call("nullIf", vec![first, call_.arg(1)]))
}
