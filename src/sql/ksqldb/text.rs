//! Strings, and the members of maps.

use sqlparser::ast::{AccessExpr, BinaryOperator, Expr, Subscript};

use super::logic::said;
use super::number::known;
use super::value::{cast_to, text};
use super::{cast, refuse};
use crate::plan::DataType;
use crate::sql::build::{self, binary, call, number};
use crate::sql::dialect::{Call, Unsupported};

type Result = std::result::Result<Expr, Unsupported>;

pub fn length(call_: &Call) -> Result {
    match call_.arg_type(0) {
        DataType::Map(_) => {
            let keys = call("MAP_KEYS", vec![call_.arg(0)]);
            let count = cast_to(call("ARRAY_LENGTH", vec![keys]), &DataType::Int);
            Ok(call("COALESCE", vec![count, super::value::int(0)]))
        }
        _ => refuse("length(…) of a text", "characters are counted by units of 16 bits there"),
    }
}

/// `CONCAT` skips nulls.
pub fn concat(call_: &Call) -> Result {
    Ok(known(&call_.arguments, call("CONCAT", call_.args())))
}

pub fn replace(call_: &Call) -> Result {
    match call_.literal_text(1) {
        Some(from) if !from.is_empty() => Ok(known(&call_.arguments, call("REPLACE", call_.args()))),
        _ => refuse("replace(…) of a text that is no literal or is empty", "an empty text is found everywhere there"),
    }
}

/// Where a text that is not empty occurs: from 1, and 0 for nowhere.
fn place_of(call_: &Call, wanted: &str) -> Expr {
    call("INSTR", vec![call_.arg(0), text(wanted)])
}

/// A condition on the place of a text, with its opposite.
fn found(call_: &Call, wanted: &str, operators: (BinaryOperator, BinaryOperator), place: u8) -> Expr {
    let of = |operator| {
        let found = binary(place_of(call_, wanted), operator, number(place));
        binary(build::is_not_null(call_.arg(0)), BinaryOperator::And, found)
    };
    said(call_, of(operators.0), of(operators.1))
}

fn begins(call_: &Call, wanted: &str) -> Expr {
    found(call_, wanted, (BinaryOperator::Eq, BinaryOperator::NotEq), 1)
}

fn holds(call_: &Call, wanted: &str) -> Expr {
    found(call_, wanted, (BinaryOperator::Gt, BinaryOperator::Eq), 0)
}

/// The literal text at the second place, if it is not empty.
fn literal<'c>(call_: &'c Call) -> Option<&'c str> {
    call_.literal_text(1).filter(|wanted| !wanted.is_empty())
}

pub fn starts_with(call_: &Call) -> Result {
    match literal(call_) {
        Some(wanted) => Ok(begins(call_, wanted)),
        None => refuse("starts_with(…) of a text that is no literal or is empty", "an empty text is found nowhere"),
    }
}

pub fn contains(call_: &Call) -> Result {
    match (call_.arg_type(0), literal(call_)) {
        (DataType::Map(_), Some(key)) => {
            let member = member(call_.arg(0), key);
            let (known, unknown) = (build::is_not_null(member.clone()), build::is_null(member));
            Ok(said(call_, known, unknown))
        }
        (DataType::String, Some(wanted)) => Ok(holds(call_, wanted)),
        _ => refuse("contains(…) of what is no literal or is empty", "an empty text is found nowhere"),
    }
}

/// Patterns that are a text with nothing or `%` before and behind: others become regular expressions that end at a line break.
pub fn like(call_: &Call) -> Result {
    let pattern = call_.literal_text(1).unwrap_or("_");
    let begun = pattern.strip_prefix('%');
    let ended = begun.unwrap_or(pattern).strip_suffix('%');
    let wanted = ended.or(begun).unwrap_or(pattern);
    if wanted.is_empty() || wanted.contains(['%', '_', '\\']) || (begun.is_some() && ended.is_none()) {
        return refuse("like with other patterns than `x`, `x%` and `%x%`", "a pattern ends at a line break there");
    }
    Ok(match (begun, ended) {
        (Some(_), _) => holds(call_, wanted),
        (None, Some(_)) => begins(call_, wanted),
        (None, None) => {
            let is = |operator| binary(call_.arg(0), operator, text(wanted));
            said(call_, is(BinaryOperator::Eq), is(BinaryOperator::NotEq))
        }
    })
}

fn member(map: Expr, key: &str) -> Expr {
    let subscript = AccessExpr::Subscript(Subscript::Index { index: text(key) });
    Expr::CompoundFieldAccess { root: Box::new(map), access_chain: vec![subscript] }
}

pub fn element(call_: &Call) -> Result {
    match (call_.arg_type(0), call_.literal_text(1)) {
        (DataType::Map(_), Some(key)) => {
            cast::convert(member(call_.arg(0), key), &DataType::String, call_.ty, call_.calendar)
        }
        _ => refuse("an item at a place that is no literal", "it is told otherwise there"),
    }
}
