//! Strings.

use sqlparser::ast::{BinaryOperator, Expr};

use super::{cast, value};

use crate::plan::DataType;
use crate::sql::build::{self, binary, call, number};
use crate::sql::dialect::{Call, Unsupported};
use crate::sql::json;

/// A backslash that escapes nothing special is dropped, since the engine would look for it.
pub fn like(call_: &Call) -> Result<Expr, Unsupported> {
    let pattern = match call_.literal_text(1) {
        Some(pattern) => value::text(&canonical_pattern(pattern)),
        None => call_.arg(1),
    };
    Ok(build::like(call_.arg(0), pattern))
}

fn canonical_pattern(pattern: &str) -> String {
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
    canonical
}

pub fn lower(call_: &Call) -> Result<Expr, Unsupported> {
    Ok(call("lowerUTF8", call_.args()))
}

pub fn upper(call_: &Call) -> Result<Expr, Unsupported> {
    Ok(call("upperUTF8", call_.args()))
}

pub fn trim(call_: &Call) -> Result<Expr, Unsupported> {
    Ok(call("trimBoth", call_.args()))
}

pub fn length(call_: &Call) -> Result<Expr, Unsupported> {
    let name = match call_.arg_type(0) {
        DataType::Array(_) | DataType::Map(_) => "length",
        _ => "lengthUTF8",
    };
    Ok(call("toInt64", vec![call(name, call_.args())]))
}

/// The engine counts a negative start from the end.
pub fn substring(call_: &Call) -> Result<Expr, Unsupported> {
    let (start, length) = (call_.arg(1), call_.arg(2));
    if call_.literal_int(1).is_some_and(|start| start >= 1) && call_.literal_int(2).is_some_and(|length| length >= 0) {
        return Ok(call("substringUTF8", call_.args()));
    }
    let early = binary(start.clone(), BinaryOperator::Lt, number(1));
    let short = binary(length.clone(), BinaryOperator::Lt, number(0));
    let none = build::any([early, short]).unwrap_or_else(build::null);
    let from = call("greatest", vec![start.clone(), number(1)]);
    // With nulls `greatest` may skip: the start stays null where it is.
    let from = call("if", vec![build::is_null(start.clone()), start, from]);
    Ok(call("substringUTF8", vec![call_.arg(0), from, call("if", vec![none, number(0), length])]))
}

pub fn concat(call_: &Call) -> Result<Expr, Unsupported> {
    Ok(call("concat", call_.args()))
}

pub fn replace(call_: &Call) -> Result<Expr, Unsupported> {
    Ok(call("replaceAll", call_.args()))
}

pub fn starts_with(call_: &Call) -> Result<Expr, Unsupported> {
    Ok(call("startsWith", call_.args()))
}

pub fn ends_with(call_: &Call) -> Result<Expr, Unsupported> {
    Ok(call("endsWith", call_.args()))
}

pub fn contains(call_: &Call) -> Result<Expr, Unsupported> {
    let found = match call_.arg_type(0) {
        DataType::Array(_) => "has",
        DataType::Map(_) => "mapContains",
        _ => "",
    };
    if !found.is_empty() {
        let nullable = call_.arguments.get(1).is_some_and(|item| item.nullable);
        let found = call(found, call_.args());
        // A null is looked for like any value here.
        return Ok(if nullable { call("if", vec![build::is_null(call_.arg(1)), build::null(), found]) } else { found });
    }
    Ok(binary(call("position", call_.args()), BinaryOperator::Gt, number(0)))
}

/// The engine lets a dot match a line break unless told otherwise.
pub fn matches(call_: &Call) -> Result<Expr, Unsupported> {
    let pattern = match call_.literal_text(1) {
        Some(pattern) => value::text(&format!("(?-s){pattern}")),
        None => call("concat", vec![build::text("(?-s)"), call_.arg(1)]),
    };
    Ok(call("match", vec![call_.arg(0), pattern]))
}

/// The n-th part. An empty separator separates nothing; there is no part before the first.
pub fn split_part(call_: &Call) -> Result<Expr, Unsupported> {
    let (whole, separator, place) = (call_.arg(0), call_.arg(1), call_.arg(2));
    // The engine's splitting wants a text that is not null.
    let known = call("assumeNotNull", vec![whole.clone()]);
    let part = call("arrayElement", vec![call("splitByString", vec![separator.clone(), known]), place.clone()]);
    let sound = call_.literal_text(1).is_some_and(|separator| !separator.is_empty())
        && call_.literal_int(2).is_some_and(|place| place >= 1);
    let part = if sound {
        part
    } else {
        let first = call("if", vec![build::equal(place.clone(), number(1)), whole.clone(), build::text("")]);
        let part = call("if", vec![binary(place, BinaryOperator::Lt, number(1)), build::text(""), part]);
        call("if", vec![build::equal(separator, build::text("")), first, part])
    };
    let nullable: Vec<Expr> =
        call_.arguments.iter().filter(|a| a.nullable).map(|a| build::is_null(a.sql.clone())).collect();
    Ok(match build::any(nullable) {
        Some(missing) => call("if", vec![missing, build::null(), part]),
        None => part,
    })
}

/// Strings as their content, other values as their JSON text; JSON's null is null.
pub fn json_value(call_: &Call) -> Result<Expr, Unsupported> {
    let path = call_.literal_text(1).unwrap_or_default();
    let Some(steps) = json::path(path) else {
        return Err(Unsupported {
            construct: format!("json(…, \"{path}\")"),
            reason: "the path is not of the form `$.key[0]`".to_owned(),
        });
    };
    let of = |name: &str| {
        let steps = steps.iter().map(|step| match step {
            json::Step::Key(key) => value::text(key),
            // From 1 here.
            json::Step::Item(place) => number(place + 1),
        });
        call(name, std::iter::once(call_.arg(0)).chain(steps).collect())
    };
    let kind = of("JSONType");
    let is = |name: &str| build::equal(kind.clone(), build::text(name));
    let value = vec![is("String"), of("JSONExtractString"), is("Null"), build::null(), of("JSONExtractRaw")];
    Ok(call("multiIf", value))
}

/// The first 8 bytes of SHA-256 over the text form, as a big-endian signed int.
pub fn hash(call_: &Call) -> Result<Expr, Unsupported> {
    let text = cast::to_text(call_.arg(0), call_.arg_type(0));
    let bytes = call("substring", vec![call("SHA256", vec![text]), number(1), number(8)]);
    Ok(call("reinterpretAsInt64", vec![call("reverse", vec![bytes])]))
}

/// The first character and `***`.
pub fn mask(call_: &Call) -> Result<Expr, Unsupported> {
    let first = call("substringUTF8", vec![call_.arg(0), number(1), number(1)]);
    let masked = call("concat", vec![first, build::text("***")]);
    Ok(call("if", vec![build::equal(call_.arg(0), build::text("")), call_.arg(0), masked]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_escape_only_what_is_special() {
        for (written, canonical) in [(r"a\%b", r"a\%b"), (r"a\b", "ab"), (r"a\\", r"a\\"), ("a\\", r"a\\")] {
            assert_eq!(canonical_pattern(written), canonical);
        }
    }
}
