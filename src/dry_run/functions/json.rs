//! Values out of JSON texts and lists.

use std::borrow::Cow;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, UInt32Array, new_null_array};
use datafusion::arrow::compute::take;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};
use serde::de::IgnoredAny;

use super::scalar::{Call, Definition, Kind, Returns};

pub(super) static FUNCTIONS: &[Definition] = &[
    Definition {
        name: "mc_json",
        takes: &[Kind::Text, Kind::Text],
        optional: 0,
        returns: Returns::Type(|| DataType::Utf8View),
        kernel: json,
    },
    Definition {
        name: "mc_element",
        takes: &[Kind::Any, Kind::Any],
        optional: 0,
        returns: Returns::By(element_type),
        kernel: element,
    },
];

/// One step of a path.
#[derive(Debug, PartialEq, Eq)]
enum Move {
    /// Into an object's value.
    Key(String),
    /// To an array's item, from 0.
    Item(usize),
}

/// `$`, `.key`, `["key"]` and `[0]`.
fn parse_path(path: &str) -> Option<Vec<Move>> {
    let mut rest = path.strip_prefix('$')?;
    let mut moves = Vec::new();
    while !rest.is_empty() {
        if let Some(tail) = rest.strip_prefix('.') {
            let end = tail.find(['.', '[']).unwrap_or(tail.len());
            if end == 0 {
                return None;
            }
            moves.push(Move::Key(tail[..end].to_owned()));
            rest = &tail[end..];
        } else if let Some(tail) = rest.strip_prefix("[\"") {
            let end = tail.find("\"]")?;
            moves.push(Move::Key(tail[..end].to_owned()));
            rest = &tail[end + 2..];
        } else {
            let tail = rest.strip_prefix('[')?;
            let end = tail.find(']')?;
            moves.push(Move::Item(tail[..end].parse().ok()?));
            rest = &tail[end + 1..];
        }
    }
    Some(moves)
}

/// `mc_json(text, path)`
fn json(call: &Call) -> Result<ArrayRef> {
    let path = call.constant_text(1)?;
    let Some(moves) = parse_path(path) else { return exec_err!("{path} is no path of JSON") };
    let text = call.text(0);
    call.texts(|row| found_at(text.get(row)?, &moves))
}

/// The value at a path as text; none where there is none, where it is null or where the document is wrong.
fn found_at<'a>(document: &'a str, moves: &[Move]) -> Option<Cow<'a, str>> {
    // Once it is known to be right, the walk below need not look for errors.
    serde_json::from_str::<IgnoredAny>(document).ok()?;
    let mut value = document.trim();
    for step in moves {
        value = match step {
            Move::Key(key) => member(value, key)?,
            Move::Item(index) => items(value)?.nth(*index)?,
        };
    }
    plain(value)
}

/// The first member of an object by its key.
fn member<'a>(object: &'a str, key: &str) -> Option<&'a str> {
    let inner = object.strip_prefix('{')?.strip_suffix('}')?;
    let mut parts = Parts { rest: inner };
    while let Some(name) = parts.next() {
        let value = parts.next()?;
        if plain(name).is_some_and(|name| name == key) {
            return Some(value);
        }
    }
    None
}

/// The members of a JSON object, their values as written; none where the text is no valid object.
pub(in crate::dry_run) fn members(text: &str) -> Option<Vec<(Cow<'_, str>, &str)>> {
    serde_json::from_str::<IgnoredAny>(text).ok()?;
    let mut parts = Parts { rest: text.trim().strip_prefix('{')?.strip_suffix('}')? };
    let mut found = Vec::new();
    while let Some(name) = parts.next() {
        found.push((plain(name)?, parts.next()?));
    }
    Some(found)
}

/// A JSON value as text: strings unescaped, null as none, the others as written.
pub(in crate::dry_run) fn plain(value: &str) -> Option<Cow<'_, str>> {
    let quoted = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    match quoted {
        Some(raw) if !raw.contains('\\') => Some(Cow::Borrowed(raw)),
        Some(_) => serde_json::from_str::<String>(value).ok().map(Cow::Owned),
        None => (value != "null").then_some(Cow::Borrowed(value)),
    }
}

/// The items of an array.
fn items(array: &str) -> Option<Parts<'_>> {
    Some(Parts { rest: array.strip_prefix('[')?.strip_suffix(']')? })
}

/// The values of a valid list of values, between commas, colons and blanks.
struct Parts<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Parts<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n', ',', ':']);
        let mut depth = 0_u32;
        let mut quoted = false;
        let mut escaped = false;
        let mut end = rest.len();
        for (at, byte) in rest.bytes().enumerate() {
            if quoted {
                match byte {
                    _ if escaped => escaped = false,
                    b'\\' => escaped = true,
                    b'"' => quoted = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => quoted = true,
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth = depth.saturating_sub(1),
                b',' | b':' | b' ' | b'\t' | b'\r' | b'\n' if depth == 0 => {
                    end = at;
                    break;
                }
                _ => {}
            }
        }
        self.rest = &rest[end..];
        (end > 0).then_some(&rest[..end])
    }
}

/// The type of an element: a text of a map, the item of a list.
fn element_type(types: &[DataType], _: &[Option<&ScalarValue>]) -> Result<DataType> {
    match types {
        [DataType::Utf8View | DataType::Null, _] => Ok(DataType::Utf8View),
        [DataType::List(item), DataType::Int64] => Ok(item.data_type().clone()),
        _ => plan_err!("mc_element takes a map and a key, or a list and a place"),
    }
}

/// `mc_element(map, key)` or `mc_element(list, place from 1)`
fn element(call: &Call) -> Result<ArrayRef> {
    match (call.ty(0), call.ty(1)) {
        (DataType::Utf8View, DataType::Utf8View) => {
            let (map, key) = (call.text(0), call.text(1));
            call.texts(|row| {
                let (map, key) = (map.get(row)?, key.get(row)?);
                serde_json::from_str::<IgnoredAny>(map).ok()?;
                plain(member(map.trim(), key)?)
            })
        }
        (DataType::List(_), DataType::Int64) => {
            let (lists, place) = (call.array(0).as_list::<i32>(), call.int(1));
            let indices: UInt32Array = (0..call.rows)
                .map(|row| {
                    let list = call.place(0, row);
                    let place = usize::try_from(place.get(row)?).ok()?.checked_sub(1)?;
                    let there = lists.is_valid(list) && place < lists.value_length(list) as usize;
                    there.then(|| u32::try_from(lists.value_offsets()[list] as usize + place).ok()).flatten()
                })
                .collect();
            Ok(take(lists.values(), &indices, None)?)
        }
        (DataType::Null, _) | (DataType::Utf8View, DataType::Null) => {
            Ok(new_null_array(&DataType::Utf8View, call.rows))
        }
        _ => exec_err!("mc_element takes a map and a key, or a list and a place"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dry_run::functions::scalar::testing::{call, column, scalar, shown, texts};
    use datafusion::arrow::array::ListArray;
    use datafusion::arrow::datatypes::Int64Type;
    use datafusion::logical_expr::ColumnarValue;

    fn one(name: &str, arguments: Vec<ColumnarValue>) -> Vec<String> {
        let definition = FUNCTIONS.iter().find(|function| function.name == name).unwrap();
        shown(&call(definition, arguments).unwrap())
    }

    #[test]
    fn values_at_paths() {
        let document =
            r#" { "a" : { "b c":[ 1, "x\"]\n", {"d" : 1.50} , null ] , "e\u4e2d": "é" }, "a": 2, "t":true } "#;
        for (path, expected) in [
            ("$.a[\"b c\"][0]", "1"),
            ("$.a[\"b c\"][1]", "x\"]\n"),
            ("$.a[\"b c\"][2].d", "1.50"),
            ("$.a[\"b c\"][2]", "{\"d\" : 1.50}"),
            ("$.a[\"b c\"][3]", "∅"),
            ("$.a[\"b c\"][4]", "∅"),
            ("$.a.e中", "é"),
            ("$.t", "true"),
            ("$.x", "∅"),
            ("$.a.x.y", "∅"),
            ("$.t[0]", "∅"),
            ("$.a[0]", "∅"),
        ] {
            assert_eq!(one("mc_json", vec![texts(&[Some(document)]), scalar(path)]), [expected], "{path}");
        }
    }

    #[test]
    fn wrong_documents_are_null_and_wrong_paths_errors() {
        let deep = "[".repeat(100_000);
        let values =
            texts(&[Some("{\"a\":1"), Some(""), Some("{a:1}"), Some(&deep), Some("{}"), Some("[]"), None, Some(" 7 ")]);
        assert_eq!(one("mc_json", vec![values, scalar("$")]), ["∅", "∅", "∅", "∅", "{}", "[]", "∅", "7"]);
        let definition = FUNCTIONS.iter().find(|function| function.name == "mc_json").unwrap();
        for path in ["", "a", "$a", "$.", "$..a", "$[", "$[x]", "$[\"a]"] {
            assert!(call(definition, vec![texts(&[Some("{}")]), scalar(path)]).is_err(), "{path}");
        }
    }

    #[test]
    fn elements_of_maps_and_lists() {
        let maps = texts(&[Some(r#"{"k":"v","n":12.50,"z":null}"#), Some("{}"), None]);
        assert_eq!(one("mc_element", vec![maps.clone(), scalar("k")]), ["v", "∅", "∅"]);
        assert_eq!(one("mc_element", vec![maps.clone(), scalar("n")]), ["12.50", "∅", "∅"]);
        assert_eq!(one("mc_element", vec![maps, scalar("z")]), ["∅", "∅", "∅"]);
        let lists = || {
            column(ListArray::from_iter_primitive::<Int64Type, _, _>([Some(vec![Some(7), None]), Some(vec![]), None]))
        };
        assert_eq!(one("mc_element", vec![lists(), scalar(1_i64)]), ["7", "∅", "∅"]);
        for place in [2, 3, 0, -1, i64::MIN, i64::MAX] {
            assert_eq!(one("mc_element", vec![lists(), scalar(place)]), ["∅", "∅", "∅"]);
        }
        let definition = FUNCTIONS.iter().find(|function| function.name == "mc_element").unwrap();
        let found: Result<ArrayRef> =
            call(definition, vec![lists(), ColumnarValue::Scalar(ScalarValue::Boolean(None))]);
        assert!(found.is_err());
    }
}
