//! Samples: values of an answer with the labels of their groups.

use super::Statement;
use crate::plan::Value;
use crate::table::{Answer, form};
use crate::value::DataType;

/// A value of a group.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The labels of its group.
    pub labels: Vec<(String, String)>,
    /// The value; a duration in seconds.
    pub value: f64,
}

/// Why a series is left out as a whole, with all of its groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeftOut {
    /// There are more groups than the target allows.
    Groups,
    /// Two groups have the same labels.
    Labels,
}

impl LeftOut {
    /// The word for it.
    pub fn word(&self) -> &'static str {
        match self {
            LeftOut::Groups => "groups",
            LeftOut::Labels => "labels",
        }
    }
}

/// What a group without a value is called. An empty label would be none, and the group a total.
const NULL: &str = "(null)";

/// The samples of each metric of a statement; a metric with more groups than `most` has none.
pub fn samples(statement: &Statement, answer: &Answer, most: u64) -> Vec<Result<Vec<Sample>, LeftOut>> {
    let first = answer.keys - statement.labels.len().min(answer.keys);
    (0..statement.metrics.len())
        .map(|place| {
            let column = answer.keys + place;
            let mut found: Vec<Sample> = Vec::new();
            for (row, values) in answer.rows.iter().enumerate() {
                let ty = answer.columns.get(column).map(|column| &column.ty);
                let Some(value) = values.get(column).zip(ty).and_then(|(value, ty)| number(value, ty)) else {
                    continue;
                };
                let text = |key: usize| answer.text(row, key).unwrap_or_else(|| NULL.to_owned());
                let labels = statement.labels.iter().enumerate();
                let labels = labels.map(|(at, label)| (label.clone(), text(first + at))).collect();
                found.push(Sample { labels, value });
            }
            if found.len() as u64 > most {
                return Err(LeftOut::Groups);
            }
            found.sort_by(|a, b| a.labels.cmp(&b.labels));
            if found.windows(2).any(|two| two[0].labels == two[1].labels) {
                return Err(LeftOut::Labels);
            }
            Ok(found)
        })
        .collect()
}

fn number(value: &Value, ty: &DataType) -> Option<f64> {
    let found = match value {
        Value::Int(value) => *value as f64,
        Value::Float(value) => *value,
        Value::Duration(ms) => *ms as f64 / 1_000.0,
        Value::Bool(value) => f64::from(u8::from(*value)),
        Value::Decimal(digits) => match ty {
            DataType::Decimal { scale, .. } => form::decimal(*digits, *scale).parse().ok()?,
            _ => return None,
        },
        Value::Null | Value::String(_) | Value::Date(_) | Value::Timestamp(_) => return None,
    };
    found.is_finite().then_some(found)
}
