//! Answers: rows of texts that lose nothing, and the values that they are.

use chrono_tz::Tz;

use super::failure::Fault;
use crate::plan::{DataType, OutputColumn, Value};
use crate::secret::Secret;
use crate::table::form;

/// The rows of an answer; none is null.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// The names of the columns.
    pub names: Vec<String>,
    /// The types of the columns, as the server writes them.
    pub types: Vec<String>,
    /// The cells.
    pub rows: Vec<Vec<Option<String>>>,
}

impl Rows {
    /// Reads `TabSeparatedWithNamesAndTypes`. A text that is not whole, or no such text, is none: without rows there still are names.
    pub(super) fn read(body: &[u8], secret: &Option<Secret>) -> Result<Rows, Fault> {
        let unusable = |reason: String| Fault::Unusable { reason };
        let text = std::str::from_utf8(body).map_err(|_| unusable("it is not UTF-8".to_owned()))?;
        if text.is_empty() {
            return Err(unusable("it is empty".to_owned()));
        }
        let shown = |text: &str| {
            let text: String = text.chars().take(60).collect();
            secret.as_ref().map_or(text.clone(), |secret| secret.out_of(&text))
        };
        let Some(body) = text.strip_suffix('\n') else {
            return Err(unusable(format!(
                "its last line has no end: `{}`",
                shown(text.lines().last().unwrap_or_default())
            )));
        };
        let mut lines = body.split('\n');
        let head =
            |line: Option<&str>| line.map(|line| line.split('\t').map(cell).collect::<Vec<_>>()).unwrap_or_default();
        let (names, types) = (head(lines.next()), head(lines.next()));
        let whole = |cells: Vec<Option<String>>| cells.into_iter().collect::<Option<Vec<String>>>();
        let (Some(names), Some(types)) = (whole(names), whole(types)) else {
            return Err(unusable("its columns have no names".to_owned()));
        };
        let is_type = |text: &String| {
            text.starts_with(|c: char| c.is_ascii_uppercase()) && !text.contains(['<', ' ']) || text.contains('(')
        };
        if names.len() != types.len() || !types.iter().all(is_type) {
            return Err(unusable(format!(
                "it does not begin with names and types of columns but with `{}`",
                shown(text)
            )));
        }
        let mut rows = Vec::new();
        for (place, line) in lines.enumerate() {
            let cells: Vec<Option<String>> = line.split('\t').map(cell).collect();
            if cells.len() != names.len() {
                return Err(unusable(format!("row {} has {} cells and not {}", place + 1, cells.len(), names.len())));
            }
            rows.push(cells);
        }
        Ok(Rows { names, types, rows })
    }
}

/// The text of a cell, without its escapes.
fn cell(text: &str) -> Option<String> {
    if text == "\\N" {
        return None;
    }
    if !text.contains('\\') {
        return Some(text.to_owned());
    }
    let mut found = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        found.push(match letter {
            '\\' => match letters.next() {
                Some('t') => '\t',
                Some('n') => '\n',
                Some('r') => '\r',
                Some('0') => '\0',
                Some('b') => '\u{8}',
                Some('f') => '\u{c}',
                Some(same) => same,
                None => '\\',
            },
            other => other,
        });
    }
    Some(found)
}

/// The value of a cell of a column; none where it is none of the column's type. An instant is an integer of milliseconds since
/// 1970, or text in `zone`; a float that is no number is null, as everywhere.
pub fn typed(cell: Option<&str>, column: &OutputColumn, zone: Tz) -> Option<Value> {
    let Some(text) = cell else { return Some(Value::Null) };
    Some(match &column.ty {
        DataType::Bool => Value::Bool(match text {
            "true" | "1" => true,
            "false" | "0" => false,
            _ => return None,
        }),
        DataType::Int => Value::Int(form::parse_int(text)?),
        DataType::Duration => Value::Duration(form::parse_int(text)?),
        DataType::Float => match text {
            "nan" | "-nan" | "inf" | "-inf" | "+inf" => Value::Null,
            text => Value::Float(form::parse_float(text)?),
        },
        DataType::Decimal { precision, scale } => Value::Decimal(form::parse_decimal(text, *precision, *scale).ok()?),
        DataType::Date => Value::Date(form::parse_date(text)?),
        DataType::Timestamp => {
            Value::Timestamp(form::parse_int(text).or_else(|| crate::value::time::parse_timestamp(text, zone))?)
        }
        DataType::String | DataType::Array(_) | DataType::Map(_) => Value::String(text.to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Rows, Fault> {
        Rows::read(text.as_bytes(), &Some(Secret::new("hunter2")))
    }

    #[test]
    fn null_empty_and_odd_letters_stay_apart() {
        let rows =
            read("a\tb\nNullable(String)\tDecimal(38, 2)\n\\N\t1.50\n\t2.00\na\\tb\\n\\\\\t3.00\n").expect("rows");
        let cells: Vec<_> = rows.rows.iter().map(|row| row[0].as_deref()).collect();
        assert_eq!(cells, [None, Some(""), Some("a\tb\n\\")]);
    }

    #[test]
    fn what_is_no_answer_is_told_without_secrets() {
        for text in [
            "",
            "<html>\n<body>\n",
            "Ok.\n",
            "a\tb\nInt64\n",
            "a\nInt64\n1\t2\n",
            "a\nInt64\n1",
            "hunter2\nhunter2 <b>\n",
        ] {
            let Err(Fault::Unusable { reason }) = read(text) else { panic!("{text:?} is taken") };
            assert!(!reason.contains("hunter2"), "{reason}");
        }
        assert_eq!(read("a\nInt64\n").map(|rows| rows.rows.len()), Ok(0));
        assert!(Rows::read(b"a\nInt64\n\xff\n", &None).is_err());
    }

    #[test]
    fn values_keep_all_their_digits() {
        let column = |ty| OutputColumn { name: "x".to_owned(), ty, nullable: true, unit: None };
        let value = |text: &str, ty| typed(Some(text), &column(ty), chrono_tz::Asia::Shanghai);
        assert_eq!(value("9223372036854775807", DataType::Int), Some(Value::Int(i64::MAX)));
        let decimal = DataType::Decimal { precision: 38, scale: 2 };
        assert_eq!(
            value("12345678901234567890.5", decimal.clone()),
            Some(Value::Decimal(1_234_567_890_123_456_789_050))
        );
        assert_eq!(value("1.005", decimal), None);
        assert_eq!(value("nan", DataType::Float), Some(Value::Null));
        assert_eq!(value("2026-11-01 08:00:00.000", DataType::Timestamp), Some(Value::Timestamp(1_793_491_200_000)));
        assert_eq!(value("1793491200000", DataType::Timestamp), Some(Value::Timestamp(1_793_491_200_000)));
        assert_eq!(value("x", DataType::Int), None);
        assert_eq!(typed(None, &column(DataType::Int), chrono_tz::UTC), Some(Value::Null));
    }
}
