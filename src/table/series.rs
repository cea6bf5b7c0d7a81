//! The time series of an answer: one a metric and combination of dimension values.

use chrono::Datelike as _;

use super::{Answer, is_drawn, number};
use crate::plan::{Step, Value};
use crate::value::time::WeekStart;

/// The most buckets that a series is spread over.
const MOST_BUCKETS: usize = 100_000;

/// A series of one metric.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Series {
    /// The metric's column.
    pub column: usize,
    /// The dimension values, as shown; empty without dimensions.
    pub label: String,
    /// Start and value of each bucket from the answer's first to its last, without a value where there is none.
    pub points: Vec<(i64, Option<f64>)>,
}

/// The series of an answer over time: by metric, then by first occurrence of the dimension values. Empty where the answer
/// has no time, or less than two buckets.
pub(super) fn series(answer: &Answer) -> Vec<Series> {
    let Some(step) = answer.step else { return Vec::new() };
    let starts: Vec<i64> = answer.rows.iter().filter_map(|row| start(row)).collect();
    let (Some(first), Some(last)) = (starts.iter().min(), starts.iter().max()) else { return Vec::new() };
    let buckets = buckets(answer, step, *first, *last, starts.clone());
    if buckets.len() < 2 {
        return Vec::new();
    }
    let mut labels: Vec<String> = Vec::new();
    let groups: Vec<usize> = (0..answer.rows.len())
        .map(|row| {
            let label = label(answer, row);
            labels.iter().position(|known| *known == label).unwrap_or_else(|| {
                labels.push(label);
                labels.len() - 1
            })
        })
        .collect();
    let metrics = (answer.keys..answer.columns.len()).filter(|column| is_drawn(&answer.columns[*column].ty));
    let mut found = Vec::new();
    for column in metrics {
        let mut lines: Vec<Vec<(i64, Option<f64>)>> =
            vec![buckets.iter().map(|start| (*start, None)).collect(); labels.len()];
        for (row, group) in answer.rows.iter().zip(&groups) {
            let place = start(row).and_then(|start| buckets.binary_search(&start).ok());
            if let Some(place) = place {
                lines[*group][place].1 = number(&row[column], &answer.columns[column].ty);
            }
        }
        found.extend(labels.iter().zip(lines).map(|(label, points)| Series { column, label: label.clone(), points }));
    }
    found
}

/// The start of a row's bucket.
fn start(row: &[Value]) -> Option<i64> {
    match row.first() {
        Some(Value::Timestamp(ms)) => Some(*ms),
        _ => None,
    }
}

/// The starts of all buckets between the first and the last; just those that occur where that would be too many.
fn buckets(answer: &Answer, step: Step, first: i64, last: i64, mut seen: Vec<i64>) -> Vec<i64> {
    let mut found = vec![first];
    // A bucket's start tells the next one whatever the week starts with.
    let any_week = WeekStart(crate::value::time::local_date(first, answer.zone).weekday());
    let mut at = first;
    while at < last && found.len() < MOST_BUCKETS {
        let next = step.next(at, answer.zone, any_week);
        if next <= at {
            break;
        }
        at = next;
        found.push(at);
    }
    seen.sort_unstable();
    seen.dedup();
    if seen.iter().all(|start| found.binary_search(start).is_ok()) { found } else { seen }
}

/// The dimension values of a row.
pub(super) fn label(answer: &Answer, row: usize) -> String {
    let first = usize::from(answer.step.is_some());
    let values: Vec<String> = (first..answer.keys)
        .map(|column| match answer.text(row, column) {
            Some(text) if text.is_empty() => "\"\"".to_owned(),
            Some(text) => visible(&text),
            None => "null".to_owned(),
        })
        .collect();
    values.join(", ")
}

/// A text on one line, without anything that a terminal or a picture could act on.
pub(super) fn visible(text: &str) -> String {
    let mut found = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control()
            || matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
        {
            found.extend(c.escape_default());
        } else {
            found.push(c);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::testing::answer;

    #[test]
    fn gaps_are_buckets_without_a_value() {
        let found = series(&answer());
        assert_eq!(found.len(), 4 * 4);
        assert_eq!((found[0].column, found[0].label.as_str()), (2, "ios"));
        let values: Vec<Option<f64>> = found[0].points.iter().map(|(_, value)| *value).collect();
        assert_eq!(values, [Some(9.9), None, None, Some(1234.56)]);
        assert_eq!(found[1].label, "\"\"");
        assert_eq!(found[2].label, "a,\"b\"\\n");
        assert_eq!(found[3].label, "null");
    }

    #[test]
    fn without_time_or_with_one_bucket_there_is_no_series() {
        let mut answer = answer();
        answer.rows.truncate(2);
        assert_eq!(series(&answer), []);
        answer.step = None;
        assert_eq!(series(&answer), []);
    }

    #[test]
    fn weeks_step_by_weeks_from_any_first_day() {
        let mut answer = answer();
        answer.step = Some(Step::Week);
        answer.rows.truncate(4);
        if let Value::Timestamp(ms) = &mut answer.rows[3][0] {
            *ms = 1_793_462_400_000 + 21 * 86_400_000;
        }
        answer.rows.remove(2);
        assert_eq!(series(&answer)[0].points.len(), 4);
    }
}
