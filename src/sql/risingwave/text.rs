//! Strings, and the members of lists and maps, which stay JSON.

use std::fmt::Write;

use sqlparser::ast::{BinaryOperator, Expr};

use super::cast::from_text;
use super::tree::{matches, member_text, when};
use super::value::{cast_to, text};
use crate::plan::DataType;
use crate::sql::build::{self, binary, call, number};
use crate::sql::dialect::{Call, Unsupported};
use crate::sql::plain::small;

type Result = std::result::Result<Expr, Unsupported>;

fn unsupported(construct: &str, reason: &str) -> Unsupported {
    Unsupported { construct: construct.to_owned(), reason: format!("ST2: {reason}") }
}

/// A part of a pattern of LIKE.
enum Piece {
    /// `%`
    Any,
    /// `_`
    One,
    Just(char),
}

fn pieces(pattern: &str) -> Vec<Piece> {
    let mut found = Vec::new();
    let mut rest = pattern.chars();
    while let Some(c) = rest.next() {
        found.push(match c {
            '%' => Piece::Any,
            '_' => Piece::One,
            '\\' => Piece::Just(rest.next().unwrap_or('\\')),
            other => Piece::Just(other),
        });
    }
    found
}

/// The engine's `_` is one byte, so that a pattern with one becomes a regular expression.
pub fn like(call_: &Call) -> Result {
    let Some(pattern) = call_.literal_text(1) else {
        return Err(unsupported(
            "like with a pattern that is no literal",
            "`_` is one byte there, and not one character",
        ));
    };
    let pieces = pieces(pattern);
    if pieces.iter().any(|piece| matches!(piece, Piece::One)) {
        let mut expression = String::from(r"\A(?s:");
        for piece in &pieces {
            match piece {
                Piece::Any => expression.push_str(".*"),
                Piece::One => expression.push('.'),
                Piece::Just(c) if c.is_ascii_punctuation() => expression.extend(['\\', *c]),
                Piece::Just(c) => expression.push(*c),
            }
        }
        expression.push_str(r")\z");
        return Ok(matches(call_.arg(0), &expression));
    }
    let mut canonical = String::with_capacity(pattern.len());
    for piece in &pieces {
        match piece {
            Piece::Any => canonical.push('%'),
            Piece::One => canonical.push('_'),
            Piece::Just(c @ ('%' | '_' | '\\')) => canonical.extend(['\\', *c]),
            Piece::Just(c) => canonical.push(*c),
        }
    }
    Ok(build::like(call_.arg(0), text(&canonical)))
}

/// Spaces only: `trim` with one argument takes all white space.
pub fn trim(call_: &Call) -> Result {
    Ok(call("btrim", vec![call_.arg(0), build::text(" ")]))
}

pub fn length(call_: &Call) -> Result {
    let counted = match call_.arg_type(0) {
        DataType::Map(_) => {
            return Err(unsupported("length(…) of a map", "nothing counts the keys of an object there"));
        }
        DataType::Array(_) => call("coalesce", vec![call("jsonb_array_length", call_.args()), number(0)]),
        _ => call("length", call_.args()),
    };
    Ok(cast_to(counted, &DataType::Int))
}

/// The engine shortens by what is before the first character, and refuses a negative length.
pub fn substring(call_: &Call) -> Result {
    match (small(call_, 1), small(call_, 2)) {
        (Some(start), Some(length)) if start >= 1 && length >= 0 => Ok(call("substr", call_.args())),
        (Some(_), Some(_)) => Ok(when(build::is_not_null(call_.arg(0)), build::text(""))),
        _ => Err(unsupported("substring(…) with places that are no literals", "places are numbers of 32 bits there")),
    }
}

pub fn replace(call_: &Call) -> Result {
    Ok(call("replace", call_.args()))
}

pub fn starts_with(call_: &Call) -> Result {
    Ok(call("starts_with", call_.args()))
}

pub fn ends_with(call_: &Call) -> Result {
    let length = match call_.literal_text(1) {
        Some(suffix) => number(suffix.chars().count()),
        None => call("length", vec![call_.arg(1)]),
    };
    Ok(build::equal(call("right", vec![call_.arg(0), length]), call_.arg(1)))
}

pub fn contains(call_: &Call) -> Result {
    match call_.arg_type(0) {
        DataType::Array(_) | DataType::Map(_) => Ok(binary(call_.arg(0), BinaryOperator::Question, call_.arg(1))),
        _ => Ok(binary(call("strpos", call_.args()), BinaryOperator::Gt, number(0))),
    }
}

pub fn matches_pattern(call_: &Call) -> Result {
    match call_.literal_text(1) {
        Some(pattern) => Ok(matches(call_.arg(0), pattern)),
        None => {
            Err(unsupported("matches(…) with a pattern that is no literal", "a pattern is made ready beforehand there"))
        }
    }
}

pub fn split_part(call_: &Call) -> Result {
    let separated = call_.literal_text(1).is_some_and(|separator| !separator.is_empty());
    match small(call_, 2) {
        Some(place) if separated && place >= 1 => Ok(call("split_part", call_.args())),
        _ => {
            let construct = "split_part(…) with a separator or place that is no literal, is empty or below 1";
            Err(unsupported(construct, "the engine counts from the end, or fails"))
        }
    }
}

pub fn element(call_: &Call) -> Result {
    match (call_.arg_type(0), call_.literal_text(1), small(call_, 1)) {
        (DataType::Map(_), Some(key), _) => from_text(member_text(call_.arg(0), key), call_),
        (DataType::Map(_), None, _) => from_text(binary(call_.arg(0), BinaryOperator::LongArrow, call_.arg(1)), call_),
        // From 0 there, and from the end where it is negative.
        (_, _, Some(place)) if place >= 1 => {
            from_text(binary(call_.arg(0), BinaryOperator::LongArrow, number(place - 1)), call_)
        }
        _ => Err(unsupported(
            "an item of a list at a place that is no literal from 1",
            "places count from the end there",
        )),
    }
}

/// A regular expression that finds the number of a member of an object, as it was written.
pub fn written_number(key: &str) -> String {
    let mut expression = String::from("\"");
    for c in key.chars() {
        match c {
            c if c.is_ascii_alphanumeric() || c == '_' => expression.push(c),
            c => {
                let _ = write!(expression, "\\x{{{:x}}}", u32::from(c));
            }
        }
    }
    expression.push_str(r#""\s*:\s*(-?[0-9][0-9.eE+-]*)"#);
    expression
}
