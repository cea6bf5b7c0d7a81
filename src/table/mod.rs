//! Answers as people and programs read them, and cells as they write them.

pub mod cell;
pub mod form;

use chrono_tz::Tz;

use crate::plan::{OutputColumn, Step, Value};

/// What a query gave: rows of values, a value a column.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Names, types and units.
    pub columns: Vec<OutputColumn>,
    /// The rows, in order. Arrays and maps are JSON texts.
    pub rows: Vec<Vec<Value>>,
    /// The zone in which instants are shown.
    pub zone: Tz,
    /// The step of the first column where it holds buckets.
    pub step: Option<Step>,
}
