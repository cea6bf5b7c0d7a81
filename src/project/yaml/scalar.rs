//! Numbers, lengths of time and words of a list.

use serde_yaml::Value;

use super::reader::list;
use super::{Reader, kind};
use crate::diagnostic::Spanned;
use crate::error;
use crate::suggest::near;

/// The units of a length of time, in milliseconds.
const UNITS: &[(&str, i64)] =
    &[("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000), ("w", 604_800_000)];

/// A value without parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scalar {
    /// A text.
    Text(String),
    /// A whole number.
    Number(i64),
    /// `true` or `false`
    Flag(bool),
}

impl<'a> Reader<'a> {
    /// The value at `key`: a text, a whole number, `true` or `false`.
    pub fn scalar(&mut self, key: &'a str) -> Option<Spanned<Scalar>> {
        let found = self.get(key)?;
        let span = self.at(key);
        match scalar(found) {
            Some(value) => Some(Spanned::new(value, span)),
            None => self.wrong_type(key, found, "a text, a whole number or `true`", "write one value"),
        }
    }

    /// The list of such values at `key`; elements that are none are told and left out.
    pub fn scalars(&mut self, key: &'a str) -> Option<Vec<Spanned<Scalar>>> {
        let elements = match self.get(key)? {
            Value::Sequence(elements) => elements,
            other => return self.wrong_type(key, other, "a list", "write `[a, b]`, or one `- a` a line"),
        };
        let mut found = Vec::new();
        for (index, element) in elements.iter().enumerate() {
            let span = self.at_index(key, index);
            match scalar(element) {
                Some(value) => found.push(Spanned::new(value, span)),
                None => self
                    .tell(error!(E0022, span, "`{key}` lists {}, not a text, a whole number or `true`", kind(element);
                    help: "write one value")),
            }
        }
        Some(found)
    }

    /// The length of time at `key`, in milliseconds: `5m`, `90d`. More than nothing.
    pub fn duration(&mut self, key: &'a str) -> Option<Spanned<i64>> {
        let text = self.text(key)?;
        let made = duration(&text).filter(|length| *length > 0);
        if made.is_none() {
            return self.wrong(error!(E0023, text.span, "`{}` is not a length of time", text.value;
                help: "write a number and a unit, such as `30s`, `5m`, `1h` or `90d`"));
        }
        made.map(|length| Spanned::new(length, text.span))
    }

    /// The whole number at `key`, from 1 on.
    pub fn count(&mut self, key: &'a str) -> Option<Spanned<u64>> {
        let found = self.get(key)?;
        let span = self.at(key);
        match found {
            Value::Number(number) if number.as_u64().is_some_and(|number| number > 0) => {
                number.as_u64().map(|number| Spanned::new(number, span))
            }
            Value::Number(_) => {
                self.wrong(error!(E0023, span, "`{key}` is not a whole number from 1 on"; help: "write `1000`"))
            }
            other => self.wrong_type(key, other, "a number", "write a whole number, without quotes"),
        }
    }

    /// One of some words at `key`.
    pub fn word<T: Copy>(&mut self, key: &'a str, words: &[(&str, T)]) -> Option<Spanned<T>> {
        let text = self.text(key)?;
        if let Some((_, found)) = words.iter().find(|(word, _)| *word == text.value) {
            return Some(Spanned::new(*found, text.span));
        }
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let help = match near(&text, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("it is one of {}", list(&known)),
        };
        self.wrong(error!(E0023, text.span, "`{key}` can't be `{}`", text.value; help: help))
    }
}

fn scalar(value: &Value) -> Option<Scalar> {
    match value {
        Value::String(text) => Some(Scalar::Text(text.clone())),
        Value::Number(number) => number.as_i64().map(Scalar::Number),
        Value::Bool(value) => Some(Scalar::Flag(*value)),
        _ => None,
    }
}

/// A number and a unit; none if it is neither, or too long.
fn duration(text: &str) -> Option<i64> {
    let unit = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(unit);
    let (_, length) = UNITS.iter().find(|(name, _)| *name == unit)?;
    number.parse::<i64>().ok()?.checked_mul(*length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_have_a_number_and_a_unit() {
        assert_eq!(duration("5m"), Some(300_000));
        assert_eq!(duration("90d"), Some(7_776_000_000));
        for wrong in ["", "5", "m", "5 m", "1.5h", "-1d", "5mo", "9999999999999999d"] {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
    }
}
