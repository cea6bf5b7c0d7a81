//! The buckets of a history, and the values of groups in them.

use std::collections::BTreeMap;

use chrono_tz::Tz;

use crate::table::{self, Answer};
use crate::value::time::WeekStart;
use crate::value::{DataType, Step, Value};

/// A history, in milliseconds since 1970 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct History {
    /// Its first instant.
    pub from: i64,
    /// The first instant behind it.
    pub to: i64,
}

impl History {
    /// How many weeks it has.
    pub fn weeks(&self) -> f64 {
        (self.to - self.from) as f64 / (7.0 * 86_400_000.0)
    }
}

/// The buckets of one length, without gaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grid {
    /// Where each begins.
    pub starts: Vec<i64>,
    /// The end of the last one.
    pub end: i64,
}

impl Grid {
    /// The buckets from the one that holds an instant on that are over at another one.
    pub fn of(step: Step, from: i64, to: i64, zone: Tz, week_start: WeekStart) -> Grid {
        let mut at = step.bucket(from, zone, week_start);
        let mut grid = Grid { starts: Vec::new(), end: at };
        loop {
            let next = step.next(at, zone, week_start);
            if next > to || next <= at {
                return grid;
            }
            grid.starts.push(at);
            grid.end = next;
            at = next;
        }
    }

    /// When the bucket at a place is over.
    pub fn ends(&self, at: usize) -> i64 {
        self.starts.get(at + 1).copied().unwrap_or(self.end)
    }
}

/// The values of one group, a bucket of the grid each.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// The dimensions with their values; null is none.
    pub labels: Vec<(String, Option<String>)>,
    /// The values; of a duration in seconds.
    pub values: Vec<Option<f64>>,
    /// How much there is, where it is asked for.
    pub volume: Option<Vec<Option<f64>>>,
}

/// The groups of an answer with one metric, in the order of their labels; those of the volume beside them.
pub fn groups(values: &Answer, volume: Option<&Answer>, grid: &Grid) -> Vec<Group> {
    let mut found = series(values, 0, grid);
    let volumes = volume.map(|answer| series(answer, 0, grid));
    let none = || vec![None; grid.starts.len()];
    if found.is_empty() && values.keys == usize::from(values.step.is_some()) {
        // Without dimensions there is one group, whether or not it has data.
        found.insert(Vec::new(), none());
    }
    let group = |(labels, values): (Vec<(String, Option<String>)>, Vec<Option<f64>>)| {
        let volume = volumes.as_ref().map(|all| all.get(&labels).cloned().unwrap_or_else(none));
        Group { labels, values, volume }
    };
    found.into_iter().map(group).collect()
}

type Labels = Vec<(String, Option<String>)>;

/// The values of a metric of an answer, by group.
pub fn series(answer: &Answer, metric: usize, grid: &Grid) -> BTreeMap<Labels, Vec<Option<f64>>> {
    let column = answer.keys + metric;
    let first = usize::from(answer.step.is_some());
    let mut found: BTreeMap<Labels, Vec<Option<f64>>> = BTreeMap::new();
    for (row, cells) in answer.rows.iter().enumerate() {
        let Some(Value::Timestamp(start)) = cells.first() else { continue };
        let labels = (first..answer.keys).map(|key| (answer.columns[key].name.clone(), answer.text(row, key)));
        let values = found.entry(labels.collect()).or_insert_with(|| vec![None; grid.starts.len()]);
        if let Ok(place) = grid.starts.binary_search(start) {
            values[place] = number(&cells[column], &answer.columns[column].ty);
        }
    }
    found
}

/// A value as alerts compare it: durations are in seconds.
fn number(value: &Value, ty: &DataType) -> Option<f64> {
    let number = table::number(value, ty)?;
    Some(if *ty == DataType::Duration { number / 1_000.0 } else { number })
}

/// From the first bucket with a row to the end of the last one; none of an answer without rows.
pub fn extent(answer: &Answer, zone: Tz, week_start: WeekStart) -> Option<History> {
    let step = answer.step?;
    let starts = answer.rows.iter().filter_map(|row| match row.first() {
        Some(Value::Timestamp(ms)) => Some(*ms),
        _ => None,
    });
    let (from, last) = starts
        .fold(None, |range: Option<(i64, i64)>, ms| Some(range.map_or((ms, ms), |(a, b)| (a.min(ms), b.max(ms)))))?;
    Some(History { from, to: step.next(last, zone, week_start) })
}
