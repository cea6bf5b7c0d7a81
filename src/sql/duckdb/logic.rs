//! Logic and comparison.

use sqlparser::ast::Expr;

use super::comparable;
use crate::plan::Function;
use crate::sql::build::call;
use crate::sql::dialect::{Call, Unsupported};
use crate::sql::plain;

type Result = std::result::Result<Expr, Unsupported>;

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

/// Nulls are skipped.
pub fn extreme(call_: &Call) -> Result {
    comparable(call_)?;
    let name = if call_.function == Function::Least { "least" } else { "greatest" };
    Ok(call(name, call_.args()))
}
