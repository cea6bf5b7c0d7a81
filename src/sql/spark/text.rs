//! Strings, and the members of lists and maps.

use sqlparser::ast::{BinaryOperator, Expr};

use super::tree::{at_least, below, when};
use super::value::{cast_to, int, text};
use super::{cast, unsupported};
use crate::plan::DataType;
use crate::sql::build::{self, binary, call, number};
use crate::sql::dialect::{Call, Unsupported};

type Result = std::result::Result<Expr, Unsupported>;

/// The greatest place that there is.
const MOST: i64 = i32::MAX as i64;

/// A backslash before another character is an error there, so that the pattern is written anew.
pub fn like(call_: &Call) -> Result {
    let Some(pattern) = call_.literal_text(1) else {
        return Err(unsupported(
            "like with a pattern that is no literal",
            "a backslash before a character that needs none is an error there",
        ));
    };
    let mut canonical = String::with_capacity(pattern.len());
    let mut rest = pattern.chars();
    while let Some(c) = rest.next() {
        match c {
            '\\' => match rest.next() {
                Some(special @ ('%' | '_' | '\\')) => canonical.extend(['\\', special]),
                Some(other) => canonical.push(other),
                None => canonical.push_str("\\\\"),
            },
            other => canonical.push(other),
        }
    }
    Ok(build::like(call_.arg(0), text(&canonical)))
}

pub fn lower(call_: &Call) -> Result {
    Ok(call("lower", call_.args()))
}

pub fn upper(call_: &Call) -> Result {
    Ok(call("upper", call_.args()))
}

pub fn trim(call_: &Call) -> Result {
    Ok(call("btrim", vec![call_.arg(0), build::text(" ")]))
}

pub fn length(call_: &Call) -> Result {
    Ok(match call_.arg_type(0) {
        DataType::Array(_) | DataType::Map(_) => {
            let size = cast_to(call("size", call_.args()), &DataType::Int);
            build::case(vec![(build::is_null(call_.arg(0)), int(0))], Some(size))
        }
        _ => cast_to(call("char_length", call_.args()), &DataType::Int),
    })
}

/// A place is a number of 32 bits there, and counts from the end where it is negative.
fn place(of: Expr) -> Expr {
    build::cast(call("least", vec![of, int(MOST)]), sqlparser::ast::DataType::Int(None))
}

pub fn substring(call_: &Call) -> Result {
    let (x, start, length) = (call_.arg(0), call_.arg(1), call_.arg(2));
    let known = [&x, &start, &length].map(|part| build::is_not_null(part.clone()));
    let known = build::all(known).unwrap_or_else(build::null);
    let nothing = binary(below(start.clone(), int(1)), BinaryOperator::Or, below(length.clone(), int(0)));
    let part = call("substring", vec![x, place(start), place(length)]);
    Ok(when(known, build::case(vec![(nothing, build::text(""))], Some(part))))
}

pub fn concat(call_: &Call) -> Result {
    Ok(call("concat", call_.args()))
}

pub fn replace(call_: &Call) -> Result {
    Ok(call("replace", call_.args()))
}

pub fn starts_with(call_: &Call) -> Result {
    Ok(call("startswith", call_.args()))
}

pub fn ends_with(call_: &Call) -> Result {
    Ok(call("endswith", call_.args()))
}

pub fn contains(call_: &Call) -> Result {
    let name = match call_.arg_type(0) {
        DataType::Array(_) => "array_contains",
        DataType::Map(_) => "map_contains_key",
        _ => return Ok(call("contains", call_.args())),
    };
    let found = call("coalesce", vec![call(name, call_.args()), build::boolean(false)]);
    Ok(when(build::is_not_null(call_.arg(1)), found))
}

/// A literal number of 32 bits from 1 on.
fn counted(call_: &Call, at: usize) -> Option<i32> {
    call_.literal_int(at).and_then(|value| i32::try_from(value).ok()).filter(|value| *value >= 1)
}

pub fn split_part(call_: &Call) -> Result {
    let separated = call_.literal_text(1).is_some_and(|separator| !separator.is_empty());
    match counted(call_, 2) {
        Some(place) if separated => Ok(call("split_part", vec![call_.arg(0), call_.arg(1), number(place)])),
        _ => Err(unsupported(
            "split_part(…) with a separator or place that is no literal, is empty or below 1",
            "the engine counts from the end, or fails",
        )),
    }
}

/// The first character and `***`.
pub fn mask(call_: &Call) -> Result {
    let first = call("substring", vec![call_.arg(0), number(1), number(1)]);
    let masked = call("concat", vec![first, build::text("***")]);
    Ok(build::case(vec![(build::equal(call_.arg(0), build::text("")), call_.arg(0))], Some(masked)))
}

/// The first 64 bits of the SHA-256 of the text.
pub fn hash(call_: &Call) -> Result {
    let written = cast::to_text(call_.arg(0), call_.arg_type(0))?;
    let hex = call("substring", vec![call("sha2", vec![written, number(256)]), number(1), number(16)]);
    Ok(cast_to(call("conv", vec![hex, number(16), build::negate(number(10))]), &DataType::Int))
}

pub fn element(call_: &Call) -> Result {
    Ok(match call_.arg_type(0) {
        DataType::Map(_) => call("try_element_at", call_.args()),
        _ => {
            let found = call("try_element_at", vec![call_.arg(0), place(call_.arg(1))]);
            when(at_least(call_.arg(1), int(1)), found)
        }
    })
}
