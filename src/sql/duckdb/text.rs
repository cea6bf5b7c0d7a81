//! Strings, and the members of lists and maps.

use sqlparser::ast::Expr;

use super::value::{cast_to, text, when};
use super::{cast, unsupported};
use crate::plan::DataType;
use crate::sql::build::{self, call, number};
use crate::sql::dialect::{Call, Unsupported};
use crate::sql::plain::small;

type Result = std::result::Result<Expr, Unsupported>;

/// The engine has no character that escapes unless it is told one, and only `%`, `_` and itself may stand behind it.
pub fn like(call_: &Call) -> Result {
    let Some(pattern) = call_.literal_text(1) else {
        return Err(unsupported("like with a pattern that is no literal", "a backslash does not escape there"));
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
    let mut made = build::like(call_.arg(0), text(&canonical));
    if let Expr::Like { escape_char, .. } = &mut made {
        *escape_char = Some(sqlparser::ast::Value::SingleQuotedString("\\".to_owned()).into());
    }
    Ok(made)
}

pub fn length(call_: &Call) -> Result {
    let counted = match call_.arg_type(0) {
        DataType::Map(_) => call("coalesce", vec![call("cardinality", call_.args()), number(0)]),
        DataType::Array(_) => call("coalesce", vec![call("len", call_.args()), number(0)]),
        _ => call("length", call_.args()),
    };
    Ok(cast_to(counted, &DataType::Int))
}

/// The engine counts from the end where a place is negative.
pub fn substring(call_: &Call) -> Result {
    match (small(call_, 1), small(call_, 2)) {
        (Some(start), Some(length)) if start >= 1 && length >= 0 => {
            Ok(call("substring", vec![call_.arg(0), number(start), number(length)]))
        }
        (Some(_), Some(_)) => Ok(when(build::is_not_null(call_.arg(0)), build::text(""))),
        _ => Err(unsupported("substring(…) with places that are no literals", "places count from the end there")),
    }
}

pub fn replace(call_: &Call) -> Result {
    match call_.literal_text(1) {
        Some("") => Ok(call_.arg(0)),
        _ => Ok(call("replace", call_.args())),
    }
}

pub fn contains(call_: &Call) -> Result {
    let found = match call_.arg_type(0) {
        DataType::Array(_) => call("list_contains", call_.args()),
        DataType::Map(_) => call("list_contains", vec![call("map_keys", vec![call_.arg(0)]), call_.arg(1)]),
        _ => return Ok(call("contains", call_.args())),
    };
    Ok(when(build::is_not_null(call_.arg(1)), call("coalesce", vec![found, build::boolean(false)])))
}

/// Its patterns are those of RE2, as ours.
pub fn matches(call_: &Call) -> Result {
    match call_.literal_text(1) {
        Some(pattern) => Ok(call("regexp_matches", vec![call_.arg(0), text(pattern)])),
        None => Err(unsupported("matches(…) with a pattern that is no literal", "a wrong one is an error there")),
    }
}

pub fn split_part(call_: &Call) -> Result {
    let separated = call_.literal_text(1).is_some_and(|separator| !separator.is_empty());
    match small(call_, 2) {
        Some(place) if separated && place >= 1 => {
            Ok(call("split_part", vec![call_.arg(0), call_.arg(1), number(place)]))
        }
        _ => {
            let construct = "split_part(…) with a separator or place that is no literal, is empty or below 1";
            Err(unsupported(construct, "the engine counts from the end, or fails"))
        }
    }
}

/// The first 8 bytes of the SHA-256 of the text as an int: a cast of bytes makes bits of them, the first of which is the sign.
pub fn hash(call_: &Call) -> Result {
    let text = cast::to_text(call_.arg(0), call_.arg_type(0))?;
    let hex = call("substring", vec![call("sha256", vec![text]), number(1), number(16)]);
    let bits = build::cast(call("from_hex", vec![hex]), sqlparser::ast::DataType::Bit(None));
    Ok(cast_to(bits, &DataType::Int))
}

/// A map is one of texts, which are read as the type that is asked for.
pub fn element(call_: &Call) -> Result {
    match (call_.arg_type(0), small(call_, 1)) {
        (DataType::Map(_), _) => {
            let found = call("map_extract", call_.args());
            let first = cast_to(call("list_extract", vec![found, number(1)]), &DataType::String);
            cast::from_text(first, call_)
        }
        (_, Some(place)) if place >= 1 => Ok(call("list_extract", vec![call_.arg(0), number(place)])),
        _ => Err(unsupported(
            "an item of a list at a place that is no literal from 1",
            "places count from the end there",
        )),
    }
}
