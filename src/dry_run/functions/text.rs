//! Functions over texts, in Unicode characters.

use std::borrow::Cow;
use std::cell::RefCell;

use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{DataFusionError, Result};
use regex::Regex;
use sha2::{Digest, Sha256};

use super::scalar::{Call, Definition, Kind, Returns};

pub(super) static FUNCTIONS: &[Definition] = &[
    text_function("mc_lower", &[Kind::Text], |call| map(call, lower)),
    text_function("mc_upper", &[Kind::Text], |call| map(call, upper)),
    text_function("mc_trim", &[Kind::Text], |call| map(call, |text| Cow::Borrowed(text.trim_matches(' ')))),
    text_function("mc_mask", &[Kind::Text], |call| map(call, mask)),
    Definition {
        name: "mc_length",
        takes: &[Kind::Text],
        optional: 0,
        returns: Returns::Type(|| DataType::Int64),
        kernel: |call| {
            let text = call.text(0);
            call.ints(|row| text.get(row).map(|text| text.chars().count() as i64))
        },
    },
    text_function("mc_substring", &[Kind::Text, Kind::Int, Kind::Int], |call| {
        let (text, start, length) = (call.text(0), call.int(1), call.int(2));
        call.texts(|row| Some(substring(text.get(row)?, start.get(row)?, length.get(row)?)))
    }),
    text_function("mc_replace", &[Kind::Text, Kind::Text, Kind::Text], |call| {
        let (text, from, to) = (call.text(0), call.text(1), call.text(2));
        call.texts(|row| Some(replace(text.get(row)?, from.get(row)?, to.get(row)?)))
    }),
    text_function("mc_split_part", &[Kind::Text, Kind::Text, Kind::Int], |call| {
        let (text, separator, number) = (call.text(0), call.text(1), call.int(2));
        call.texts(|row| Some(split_part(text.get(row)?, separator.get(row)?, number.get(row)?)))
    }),
    condition("mc_starts_with", |call| compare(call, |text, prefix| text.starts_with(prefix))),
    condition("mc_ends_with", |call| compare(call, |text, suffix| text.ends_with(suffix))),
    condition("mc_contains", |call| compare(call, |text, part| text.contains(part))),
    condition("mc_like", |call| matching(call, like_pattern)),
    condition("mc_matches", |call| matching(call, |pattern| pattern.to_owned())),
    Definition {
        name: "mc_hash",
        takes: &[Kind::Text],
        optional: 0,
        returns: Returns::Type(|| DataType::Int64),
        kernel: |call| {
            let text = call.text(0);
            call.ints(|row| text.get(row).map(hash))
        },
    },
];

/// A function that gives a text.
const fn text_function(
    name: &'static str,
    takes: &'static [Kind],
    kernel: fn(&Call) -> Result<ArrayRef>,
) -> Definition {
    Definition { name, takes, optional: 0, returns: Returns::Type(|| DataType::Utf8View), kernel }
}

/// A condition on a text and another.
const fn condition(name: &'static str, kernel: fn(&Call) -> Result<ArrayRef>) -> Definition {
    Definition {
        name,
        takes: &[Kind::Text, Kind::Text],
        optional: 0,
        returns: Returns::Type(|| DataType::Boolean),
        kernel,
    }
}

/// Maps one text.
fn map(call: &Call, function: impl Fn(&str) -> Cow<'_, str>) -> Result<ArrayRef> {
    let text = call.text(0);
    call.texts(|row| text.get(row).map(&function))
}

/// Compares two texts.
fn compare(call: &Call, holds: impl Fn(&str, &str) -> bool) -> Result<ArrayRef> {
    let (text, other) = (call.text(0), call.text(1));
    call.bools(|row| Some(holds(text.get(row)?, other.get(row)?)))
}

/// The full case mapping of Unicode to lower case, of no language.
fn lower(text: &str) -> Cow<'_, str> {
    let plain = text.is_ascii() && !text.bytes().any(|b| b.is_ascii_uppercase());
    if plain { text.into() } else { text.to_lowercase().into() }
}

/// The full case mapping of Unicode to upper case, of no language.
fn upper(text: &str) -> Cow<'_, str> {
    let plain = text.is_ascii() && !text.bytes().any(|b| b.is_ascii_lowercase());
    if plain { text.into() } else { text.to_uppercase().into() }
}

/// The first character and `***`; the empty text stays.
fn mask(text: &str) -> Cow<'_, str> {
    text.chars().next().map_or(Cow::Borrowed(text), |first| Cow::Owned(format!("{first}***")))
}

/// `length` characters from the `start`-th (from 1).
fn substring(text: &str, start: i64, length: i64) -> &str {
    let (Ok(start), Ok(length)) = (usize::try_from(start), usize::try_from(length)) else { return "" };
    if start == 0 {
        return "";
    }
    let from = position(text, start - 1);
    let rest = &text[from..];
    &rest[..position(rest, length)]
}

/// The byte at which the `count`-th character (from 0) begins, or the end.
fn position(text: &str, count: usize) -> usize {
    if text.is_ascii() {
        count.min(text.len())
    } else {
        text.char_indices().nth(count).map_or(text.len(), |(at, _)| at)
    }
}

/// All occurrences of `from` replaced; an empty one changes nothing.
fn replace<'a>(text: &'a str, from: &str, to: &str) -> Cow<'a, str> {
    if from.is_empty() || !text.contains(from) { text.into() } else { text.replace(from, to).into() }
}

/// The `number`-th part (from 1), empty beyond the last. An empty separator splits nothing.
fn split_part<'a>(text: &'a str, separator: &str, number: i64) -> &'a str {
    let Some(before) = usize::try_from(number).ok().and_then(|number| number.checked_sub(1)) else { return "" };
    match (separator, before) {
        ("", 0) => text,
        ("", _) => "",
        _ => text.split(separator).nth(before).unwrap_or(""),
    }
}

/// The first 8 bytes of SHA-256, big-endian.
fn hash(text: &str) -> i64 {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().take(8).fold(0_i64, |number, byte| (number << 8) | i64::from(*byte))
}

/// A `like` pattern as a regular expression over the whole text.
fn like_pattern(pattern: &str) -> String {
    let mut found = String::from("(?s)^");
    let mut characters = pattern.chars();
    let mut plain = [0; 4];
    while let Some(c) = characters.next() {
        match c {
            '%' => found.push_str(".*"),
            '_' => found.push('.'),
            '\\' => found.push_str(&regex::escape(characters.next().unwrap_or('\\').encode_utf8(&mut plain))),
            _ => found.push_str(&regex::escape(c.encode_utf8(&mut plain))),
        }
    }
    found + "$"
}

thread_local! {
    /// The expression compiled last on this thread, by its text: a pattern is mostly a literal.
    static COMPILED: RefCell<Vec<(String, Regex)>> = const { RefCell::new(Vec::new()) };
}

/// The compiled expression.
fn compiled(pattern: &str) -> Result<Regex> {
    COMPILED.with_borrow_mut(|known| {
        if let Some((_, found)) = known.iter().find(|(text, _)| text == pattern) {
            return Ok(found.clone());
        }
        let found = Regex::new(pattern).map_err(|error| DataFusionError::Execution(error.to_string()))?;
        known.truncate(15);
        known.insert(0, (pattern.to_owned(), found.clone()));
        Ok(found)
    })
}

/// Whether the text matches the pattern, which `expression` turns into a regular expression.
fn matching(call: &Call, expression: fn(&str) -> String) -> Result<ArrayRef> {
    let (text, pattern) = (call.text(0), call.text(1));
    let mut last: Option<(&str, Regex)> = None;
    let mut failed = None;
    let found = call.bools(|row| {
        let (text, pattern) = (text.get(row)?, pattern.get(row)?);
        if last.as_ref().is_none_or(|(known, _)| *known != pattern) {
            match compiled(&expression(pattern)) {
                Ok(regex) => last = Some((pattern, regex)),
                Err(error) => {
                    failed.get_or_insert(error);
                    return None;
                }
            }
        }
        last.as_ref().map(|(_, regex)| regex.is_match(text))
    });
    failed.map_or(found, Err)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dry_run::functions::scalar::testing::{call, scalar, shown, texts};
    use datafusion::logical_expr::ColumnarValue;

    fn one(name: &str, arguments: Vec<ColumnarValue>) -> Vec<String> {
        let definition = FUNCTIONS.iter().find(|function| function.name == name).unwrap();
        shown(&call(definition, arguments).unwrap())
    }

    #[test]
    fn case_mapping_keeps_the_number_of_characters() {
        let values = || texts(&[Some("ABC äÖ"), Some("Straße İ ΣΑΣ"), None, Some(""), Some("ᾳ ŉ 中文")]);
        assert_eq!(one("mc_lower", vec![values()]), ["abc äö", "straße i̇ σας", "∅", "", "ᾳ ŉ 中文"]);
        assert_eq!(one("mc_upper", vec![values()]), ["ABC ÄÖ", "STRASSE İ ΣΑΣ", "∅", "", "ΑΙ ʼN 中文"]);
    }

    #[test]
    fn trim_takes_blanks_only() {
        assert_eq!(one("mc_trim", vec![texts(&[Some("  a b "), Some("\ta "), None])]), ["a b", "\ta", "∅"]);
    }

    #[test]
    fn substrings_count_characters_from_one() {
        let of = |start: i64, length: i64| {
            one("mc_substring", vec![texts(&[Some("活跃用户"), Some("abc"), None]), scalar(start), scalar(length)])
        };
        assert_eq!(of(2, 2), ["跃用", "bc", "∅"]);
        assert_eq!(of(1, 99), ["活跃用户", "abc", "∅"]);
        assert_eq!(of(4, 1), ["户", "", "∅"]);
        for (start, length) in [(0, 2), (-1, 2), (1, -1), (1, 0), (9, 1), (i64::MAX, i64::MAX), (i64::MIN, 1)] {
            assert_eq!(of(start, length), ["", "", "∅"], "{start} {length}");
        }
        assert_eq!(
            one("mc_length", vec![texts(&[Some("活跃"), Some(""), None, Some("e\u{301}")])]),
            ["2", "0", "∅", "2"]
        );
    }

    #[test]
    fn parts_and_replacements() {
        let part = |n: i64, separator: &str| {
            one("mc_split_part", vec![texts(&[Some("a,b,,d"), None]), scalar(separator), scalar(n)])
        };
        assert_eq!(part(1, ","), ["a", "∅"]);
        assert_eq!(part(3, ","), ["", "∅"]);
        assert_eq!(part(4, ","), ["d", "∅"]);
        assert_eq!(part(5, ","), ["", "∅"]);
        assert_eq!(part(0, ","), ["", "∅"]);
        assert_eq!(part(1, ""), ["a,b,,d", "∅"]);
        assert_eq!(one("mc_replace", vec![texts(&[Some("aaa"), None]), scalar("a"), scalar("bb")]), ["bbbbbb", "∅"]);
        assert_eq!(one("mc_replace", vec![texts(&[Some("aaa")]), scalar(""), scalar("x")]), ["aaa"]);
    }

    #[test]
    fn like_takes_its_pattern_literally_but_for_three_characters() {
        let like = |pattern: &str| {
            one(
                "mc_like",
                vec![texts(&[Some("a.c"), Some("abc"), Some("a%c"), Some("x\na.c"), Some(""), None]), scalar(pattern)],
            )
        };
        assert_eq!(like("a.c"), ["true", "false", "false", "false", "false", "∅"]);
        assert_eq!(like("a_c"), ["true", "true", "true", "false", "false", "∅"]);
        assert_eq!(like("a\\%c"), ["false", "false", "true", "false", "false", "∅"]);
        assert_eq!(like("%c"), ["true", "true", "true", "true", "false", "∅"]);
        assert_eq!(like("%"), ["true", "true", "true", "true", "true", "∅"]);
        assert_eq!(like(""), ["false", "false", "false", "false", "true", "∅"]);
        assert_eq!(one("mc_like", vec![texts(&[Some("中x"), Some("x中")]), scalar("_x")]), ["true", "false"]);
        assert_eq!(one("mc_like", vec![texts(&[Some("a\\")]), scalar("a\\")]), ["true"]);
    }

    #[test]
    fn matches_is_anywhere_in_the_text() {
        let found = one("mc_matches", vec![texts(&[Some("order-17"), Some("order"), None]), scalar("[0-9]+$")]);
        assert_eq!(found, ["true", "false", "∅"]);
        let definition = FUNCTIONS.iter().find(|function| function.name == "mc_matches").unwrap();
        assert!(call(definition, vec![texts(&[Some("a")]), scalar("(")]).is_err());
    }

    #[test]
    fn conditions_on_two_columns() {
        let pairs = || vec![texts(&[Some("abc"), Some("abc"), None]), texts(&[Some("a"), Some("c"), Some("x")])];
        assert_eq!(one("mc_starts_with", pairs()), ["true", "false", "∅"]);
        assert_eq!(one("mc_ends_with", pairs()), ["false", "true", "∅"]);
        assert_eq!(one("mc_contains", pairs()), ["true", "true", "∅"]);
    }

    #[test]
    fn masks_and_hashes() {
        assert_eq!(one("mc_mask", vec![texts(&[Some("张三"), Some(""), None])]), ["张***", "", "∅"]);
        // echo -n abc | sha256sum → ba7816bf8f01cfea…; echo -n "" → e3b0c44298fc1c14…
        assert_eq!(
            one("mc_hash", vec![texts(&[Some("abc"), Some(""), None])]),
            [
                0xba78_16bf_8f01_cfea_u64.cast_signed().to_string(),
                0xe3b0_c442_98fc_1c14_u64.cast_signed().to_string(),
                "∅".to_owned()
            ]
        );
    }
}
