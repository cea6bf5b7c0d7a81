//! What is compared: the values of a metric by bucket and slice.

use super::{Cell, Number};
use crate::table::Answer;
use crate::value::Value;

/// The values of one metric, of one side.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// Whose they are, in words: `dau v2 in clickhouse`.
    pub label: String,
    /// The names of the dimensions.
    pub dimensions: Vec<String>,
    /// Whether null is a value of each dimension, as under `else null`.
    pub nullable: Vec<bool>,
    /// The values.
    pub points: Vec<Point>,
    /// The value of each bucket without dimensions, where that was asked for apart.
    pub totals: Option<Vec<(Option<i64>, Cell)>>,
    /// Whether the total is the sum of its slices.
    pub additive: bool,
    /// The error of an estimate, relative; none for exact values.
    pub error: Option<f64>,
    /// Up to which instant rows have come in, where that is known.
    pub watermark: Option<i64>,
}

/// The value of a bucket and slice.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// The start of the bucket, in milliseconds since 1970; none where there are no buckets, or the bucket is null.
    pub bucket: Option<i64>,
    /// The dimension values, as texts that read back; none is null.
    pub slice: Vec<Option<String>>,
    /// The value.
    pub value: Cell,
    /// The volume behind it, where a metric tells it.
    pub volume: Option<f64>,
}

impl Series {
    /// The column of an answer, with the column of the volume. Totals, additivity and errors are the caller's to tell.
    pub fn of(answer: &Answer, label: &str, column: usize, volume: Option<usize>) -> Series {
        let first = usize::from(answer.step.is_some());
        let keys = first..answer.keys;
        let points = answer.rows.iter().enumerate().map(|(place, row)| Point {
            bucket: bucket(answer, row),
            slice: keys.clone().map(|key| answer.text(place, key)).collect(),
            value: Cell::of(&row[column], &answer.columns[column].ty, answer.text(place, column)),
            volume: volume.and_then(|at| {
                Cell::of(&row[at], &answer.columns[at].ty, None).number().map(Number::as_f64).map(f64::abs)
            }),
        });
        Series {
            label: label.to_owned(),
            dimensions: keys.clone().map(|key| answer.columns[key].name.clone()).collect(),
            nullable: keys.clone().map(|key| answer.columns[key].nullable).collect(),
            points: points.collect(),
            ..Series::default()
        }
    }

    /// With the values of an answer without dimensions.
    pub fn with_totals(self, answer: &Answer, column: usize) -> Series {
        let totals = answer.rows.iter().enumerate().map(|(place, row)| {
            (bucket(answer, row), Cell::of(&row[column], &answer.columns[column].ty, answer.text(place, column)))
        });
        Series { totals: Some(totals.collect()), ..self }
    }
}

fn bucket(answer: &Answer, row: &[Value]) -> Option<i64> {
    match row.first() {
        Some(Value::Timestamp(ms)) if answer.step.is_some() => Some(*ms),
        _ => None,
    }
}
