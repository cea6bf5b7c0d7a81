//! Logic, comparison and nulls.

use sqlparser::ast::Expr;

use super::unsupported;
use crate::plan::{DataType, Function};
use crate::sql::build::call;
use crate::sql::dialect::{Call, Unsupported};
use crate::sql::plain;

type Result = std::result::Result<Expr, Unsupported>;

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
    plain::compare(call)
}

pub fn is_in(call: &Call) -> Result {
    comparable(call)?;
    plain::is_in(call)
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
