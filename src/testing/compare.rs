//! Expected rows against an answer.

use crate::plan::{DataType, Query, Step, Value};
use crate::syntax::ast::Test;
use crate::table::{Answer, cell::read_value, form};

/// What differs between the expected rows and the answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Difference {
    /// The columns of the `expect` table.
    pub columns: Vec<String>,
    /// All rows, those that agree too.
    pub rows: Vec<RowDifference>,
}

/// A row, expected or got.
#[derive(Clone, Debug, PartialEq)]
pub struct RowDifference {
    /// How it fared.
    pub state: RowState,
    /// Its cells, one a column.
    pub cells: Vec<CellDifference>,
}

/// How a row fared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowState {
    /// All cells agree.
    Same,
    /// Some cells differ.
    Changed,
    /// Expected, but not in the answer.
    Missing,
    /// In the answer, but not expected.
    Unexpected,
}

/// A cell as expected and as it came; none for null.
#[derive(Clone, Debug, PartialEq)]
pub struct CellDifference {
    /// As expected.
    pub expected: Option<String>,
    /// As it came.
    pub got: Option<String>,
    /// Whether both agree.
    pub same: bool,
}

impl Difference {
    /// Whether every row agrees.
    pub fn is_empty(&self) -> bool {
        self.rows.iter().all(|row| row.state == RowState::Same)
    }
}

/// A column of an `expect` table in the answer: its place and whether it is a key.
struct Column {
    answer: usize,
    ty: DataType,
    key: bool,
}

fn columns(test: &Test, query: &Query, answer: &Answer) -> Vec<Column> {
    let keys = query.keys();
    (test.expect.header.iter())
        .filter_map(|name| {
            let named = |name: &str| answer.columns.iter().position(|column| column.name == name);
            // `time@month` alone is the bucket.
            let bucket = || named("time").filter(|_| name.value.starts_with("time@"));
            let place = named(&name.value).or_else(bucket)?;
            Some(Column { answer: place, ty: answer.columns[place].ty.clone(), key: place < keys })
        })
        .collect()
}

/// Matches rows by their keys and compares the other cells.
pub fn compare(test: &Test, query: &Query, answer: &Answer) -> Difference {
    let columns = columns(test, query, answer);
    let mut taken = vec![false; answer.rows.len()];
    let mut rows = Vec::new();
    for expected in &test.expect.rows {
        let wanted: Vec<Option<String>> = expected.iter().map(|cell| super::text(&cell.value)).collect();
        let found = answer.rows.iter().enumerate().position(|(place, row)| {
            !taken[place]
                && (columns.iter().zip(&wanted))
                    .filter(|(column, _)| column.key)
                    .all(|(column, text)| agrees(text.as_deref(), &row[column.answer], column, query, answer))
        });
        match found {
            Some(place) => {
                taken[place] = true;
                rows.push(changed(&columns, wanted, &answer.rows[place], query, answer));
            }
            None => {
                let cells = wanted.into_iter().map(|text| CellDifference { expected: text, got: None, same: false });
                rows.push(RowDifference { state: RowState::Missing, cells: cells.collect() });
            }
        }
    }
    for (row, _) in answer.rows.iter().zip(&taken).filter(|(_, taken)| !**taken) {
        let cells = columns.iter().map(|column| CellDifference {
            expected: None,
            got: shown(&row[column.answer], column, query, answer),
            same: false,
        });
        rows.push(RowDifference { state: RowState::Unexpected, cells: cells.collect() });
    }
    Difference { columns: test.expect.header.iter().map(|name| name.value.clone()).collect(), rows }
}

fn changed(
    columns: &[Column],
    wanted: Vec<Option<String>>,
    row: &[Value],
    query: &Query,
    answer: &Answer,
) -> RowDifference {
    let cells: Vec<CellDifference> = (columns.iter().zip(wanted))
        .map(|(column, expected)| {
            let value = &row[column.answer];
            let same = agrees(expected.as_deref(), value, column, query, answer);
            CellDifference { got: shown(value, column, query, answer), expected, same }
        })
        .collect();
    let state = if cells.iter().all(|cell| cell.same) { RowState::Same } else { RowState::Changed };
    RowDifference { state, cells }
}

/// The answer as cells of the test's columns, ready to be written into its text.
pub fn cells(test: &Test, query: &Query, answer: &Answer) -> Vec<Vec<String>> {
    let columns = columns(test, query, answer);
    let cell = |row: &[Value], column: &Column| match shown(&row[column.answer], column, query, answer) {
        None => String::new(),
        Some(text)
            if text.is_empty()
                || text.trim() != text
                || text.contains(['|', '"', '\\'])
                || text.contains(char::is_control) =>
        {
            quoted(&text)
        }
        Some(text) => text,
    };
    answer.rows.iter().map(|row| columns.iter().map(|column| cell(row, column)).collect()).collect()
}

/// A text as a quoted cell.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for letter in text.chars() {
        match letter {
            '\\' | '"' => out.extend(['\\', letter]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            letter if letter.is_control() => out += &format!("\\u{{{:x}}}", letter as u32),
            letter => out.push(letter),
        }
    }
    out + "\""
}

/// Whether a written cell says a value.
fn agrees(text: Option<&str>, value: &Value, column: &Column, query: &Query, answer: &Answer) -> bool {
    let Some(text) = text else { return *value == Value::Null };
    if *value == Value::Null {
        return false;
    }
    if column.key && column.ty == DataType::Timestamp && column.answer == 0 && query.step.is_some() {
        let padded = if text.len() == 7 { format!("{text}-01") } else { text.to_owned() };
        let written = crate::value::time::parse_timestamp(&padded, answer.zone);
        let bucket = |ms: i64| query.step.map_or(ms, |step| step.bucket(ms, query.zone, query.week_start));
        return matches!((written, value), (Some(written), Value::Timestamp(ms)) if bucket(written) == *ms);
    }
    match (&column.ty, value) {
        (DataType::Float, Value::Float(got)) => match text.trim().parse::<f64>() {
            Ok(expected) => close(text, expected, *got),
            Err(_) => false,
        },
        (DataType::Decimal { scale, .. }, Value::Decimal(got)) => {
            form::parse_decimal(text, 38, *scale).is_ok_and(|expected| expected == *got)
        }
        (ty, value) => read_value(Some(text), ty, answer.zone).is_some_and(|expected| expected == *value),
    }
}

/// Within 1e-9 relative, or as far as it is written where there are four decimals or more.
fn close(text: &str, expected: f64, got: f64) -> bool {
    let decimals = text.split_once('.').map_or(0, |(_, decimals)| decimals.trim().len());
    let written = if decimals >= 4 { 0.5 * 10f64.powi(-(decimals as i32)) } else { 0.0 };
    let slack = 1e-9 * expected.abs().max(got.abs());
    (expected - got).abs() <= written.max(slack) * (1.0 + 1e-9)
}

fn shown(value: &Value, column: &Column, query: &Query, answer: &Answer) -> Option<String> {
    Some(match value {
        Value::Null => return None,
        Value::Timestamp(ms) if column.key && column.answer == 0 && query.step.is_some() => {
            bucket(*ms, query.step, answer)
        }
        Value::Timestamp(ms) => form::timestamp(*ms, answer.zone),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Duration(ms) => form::duration_short(*ms),
        Value::Float(value) => form::float(*value),
        Value::Decimal(digits) => match column.ty {
            DataType::Decimal { scale, .. } => form::decimal(*digits, scale),
            _ => digits.to_string(),
        },
        Value::Date(days) => form::date(*days),
        Value::String(text) => text.clone(),
    })
}

fn bucket(ms: i64, step: Option<Step>, answer: &Answer) -> String {
    let local = crate::value::time::local(ms, answer.zone);
    match step {
        Some(Step::Subday(_)) | None => form::timestamp(ms, answer.zone),
        Some(Step::Month | Step::Quarter | Step::Year) => local.format("%Y-%m").to_string(),
        Some(Step::Day | Step::Week | Step::Declared(_)) => local.format("%Y-%m-%d").to_string(),
    }
}
