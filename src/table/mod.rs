//! Answers as people and programs read them, and cells as they write them.
//!
//! [`terminal`] is for people: aligned, with units, spans of time in words. [`csv`] and [`json`] are for programs: exact, with
//! instants as ISO 8601 and durations as integers of milliseconds, null distinct from the empty text. [`plot`] draws.
//! [`statistics`] counts what samples hold.

pub mod cell;
pub mod csv;
mod flow;
pub mod form;
pub mod json;
pub mod plot;
pub mod records;
pub mod sample;
mod series;
pub mod statistics;
pub mod terminal;
mod triangle;

use chrono_tz::Tz;

use crate::plan::{DataType, OutputColumn, Step, Value};

/// What a query gave: rows of values, a value a column.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Names, types and units.
    pub columns: Vec<OutputColumn>,
    /// How many of the columns come before the metrics: the time, and the dimensions.
    pub keys: usize,
    /// The rows, in order. Arrays and maps are JSON texts.
    pub rows: Vec<Vec<Value>>,
    /// The zone in which instants are shown.
    pub zone: Tz,
    /// The step of the first column where it holds buckets.
    pub step: Option<Step>,
}

impl Answer {
    /// The exact text of a value, which reads back to it; none is null.
    ///
    /// A bucket of a day or more is its first day, `2026-11-01`, a month `2026-11`; other instants are ISO 8601 with the
    /// zone's offset. A duration is an integer of milliseconds.
    pub fn text(&self, row: usize, column: usize) -> Option<String> {
        let value = self.rows.get(row)?.get(column)?;
        Some(match value {
            Value::Null => return None,
            Value::Timestamp(ms) => match self.bucket_text(*ms, column) {
                Some(bucket) => bucket,
                None => form::timestamp_iso(*ms, self.zone),
            },
            value => plain_text(value, &self.columns.get(column)?.ty),
        })
    }

    /// The text of the bucket that starts at an instant, where the column holds buckets of a day or more.
    fn bucket_text(&self, ms: i64, column: usize) -> Option<String> {
        let day = crate::value::time::local_date(ms, self.zone);
        match self.step.filter(|_| column == 0)? {
            Step::Subday(_) => None,
            Step::Month => Some(day.format("%Y-%m").to_string()),
            Step::Day | Step::Week | Step::Quarter | Step::Year | Step::Declared(_) => {
                Some(day.format("%Y-%m-%d").to_string())
            }
        }
    }
}

/// The text of a value that is no instant.
pub(crate) fn plain_text(value: &Value, ty: &DataType) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) | Value::Duration(value) | Value::Timestamp(value) => value.to_string(),
        Value::Float(value) => form::float(*value),
        Value::Decimal(digits) => form::decimal(*digits, scale(ty)),
        Value::String(text) => text.clone(),
        Value::Date(days) => form::date(*days),
    }
}

/// The digits behind the point of a decimal type.
fn scale(ty: &DataType) -> u8 {
    match ty {
        DataType::Decimal { scale, .. } => *scale,
        _ => 0,
    }
}

/// A value as a number, where it is one; a duration in milliseconds.
pub fn number(value: &Value, ty: &DataType) -> Option<f64> {
    match value {
        Value::Int(value) | Value::Duration(value) => Some(*value as f64),
        Value::Float(value) => Some(*value),
        Value::Decimal(digits) => Some(*digits as f64 / 10_f64.powi(i32::from(scale(ty)))),
        _ => None,
    }
}

/// Whether the values of a type can be drawn.
fn is_drawn(ty: &DataType) -> bool {
    ty.is_numeric() || *ty == DataType::Duration
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    pub(crate) fn column(name: &str, ty: DataType, unit: Option<&str>) -> OutputColumn {
        OutputColumn { name: name.to_owned(), ty, nullable: true, unit: unit.map(str::to_owned) }
    }

    /// Three days of two metrics by platform, with a null, an empty text and a gap.
    pub(crate) fn answer() -> Answer {
        let day = |n: i64| Value::Timestamp(1_793_462_400_000 + n * 86_400_000);
        let text = |text: &str| Value::String(text.to_owned());
        Answer {
            columns: vec![
                column("time", DataType::Timestamp, None),
                column("platform", DataType::String, None),
                column("gmv", DataType::Decimal { precision: 38, scale: 2 }, Some("CNY")),
                column("活跃", DataType::Int, Some("user")),
                column("wait", DataType::Duration, None),
                column("rate", DataType::Float, Some("ratio")),
            ],
            keys: 2,
            rows: vec![
                vec![
                    day(0),
                    text("ios"),
                    Value::Decimal(990),
                    Value::Int(7),
                    Value::Duration(1_234),
                    Value::Float(1.0 / 3.0),
                ],
                vec![day(0), text(""), Value::Null, Value::Int(1_000_000), Value::Null, Value::Float(0.5)],
                vec![
                    day(1),
                    text("a,\"b\"\n"),
                    Value::Decimal(-5),
                    Value::Int(0),
                    Value::Duration(123_000),
                    Value::Null,
                ],
                vec![
                    day(3),
                    text("ios"),
                    Value::Decimal(123_456),
                    Value::Int(9),
                    Value::Duration(0),
                    Value::Float(2.0),
                ],
                vec![day(3), Value::Null, Value::Decimal(0), Value::Int(-1), Value::Duration(1), Value::Float(-1.5)],
            ],
            zone: chrono_tz::Asia::Shanghai,
            step: Some(Step::Day),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_exact_and_buckets_have_their_own_form() {
        let mut answer = testing::answer();
        let texts = |answer: &Answer, row| (0..6).map(|c| answer.text(row, c)).collect::<Vec<_>>();
        let s = |text: &str| Some(text.to_owned());
        assert_eq!(
            texts(&answer, 0),
            [s("2026-11-01"), s("ios"), s("9.90"), s("7"), s("1234"), s("0.3333333333333333")]
        );
        assert_eq!(texts(&answer, 1)[1..3], [s(""), None]);
        answer.step = Some(Step::Month);
        assert_eq!(answer.text(0, 0), s("2026-11"));
        answer.step = Some(Step::Subday(60_000));
        assert_eq!(answer.text(0, 0), s("2026-11-01T00:00:00+08:00"));
        answer.step = None;
        assert_eq!(answer.text(0, 0), s("2026-11-01T00:00:00+08:00"));
        assert_eq!(answer.text(9, 0), None);
    }
}
