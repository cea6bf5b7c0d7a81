//! Compares what an engine answered with what the answer must be.

use super::model::*;
use super::oracle::eval::{compare, float};
use super::oracle::{Answer, OutputColumn, Tolerance};

/// A row as engines print it: one text a column, none for null. Timestamps are seconds since 1970 UTC with a fraction.
pub type TextRow = Vec<Option<String>>;

/// Reads rows as values of the answer's columns.
pub fn read(project: &Project, columns: &[OutputColumn], rows: &[TextRow]) -> Result<Vec<Vec<Value>>, String> {
    let cell = |(column, text): (&OutputColumn, &Option<String>)| match text {
        None => Ok(Value::Null),
        Some(text) => value(project, &column.ty, text)
            .ok_or_else(|| format!("`{}` has {text:?}, which is no {:?}", column.name, column.ty)),
    };
    let row = |row: &TextRow| {
        if row.len() != columns.len() {
            return Err(format!("a row of {} columns, not {}", row.len(), columns.len()));
        }
        columns.iter().zip(row).map(cell).collect()
    };
    rows.iter().map(row).collect()
}

fn value(project: &Project, ty: &Ty, text: &str) -> Option<Value> {
    Some(match ty {
        Ty::Bool => Value::Bool(text.parse().ok()?),
        Ty::Int => Value::Int(text.parse().ok()?),
        Ty::Float => Value::Float(text.parse().ok()?),
        Ty::Decimal(_, scale) => Value::Decimal(digits(text, *scale)?, *scale),
        Ty::Str | Ty::Enum(_) => Value::Str(text.to_owned()),
        Ty::Date => Value::Date(super::oracle::calendar::days(text.parse().ok()?)),
        Ty::Timestamp => Value::Timestamp(i64::try_from(digits(text, 3)?).ok()?),
        Ty::Duration => Value::Duration(text.parse().ok()?),
        Ty::Map => return None,
        Ty::Entity(entity) => {
            let table = project.table(entity)?;
            return value(project, &table.column(&table.key[0])?.ty, text);
        }
    })
}

/// `-12.5` as digits of a scale; none where digits would be lost.
fn digits(text: &str, scale: u8) -> Option<i128> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > usize::from(scale) {
        return None;
    }
    format!("{whole}{fraction:0<width$}", width = usize::from(scale)).parse().ok()
}

/// The first difference, in words; none where there is none.
pub fn difference(expected: &Answer, found: &[Vec<Value>]) -> Option<String> {
    for (number, (wanted, got)) in expected.rows.iter().zip(found).enumerate() {
        for (place, column) in expected.columns.iter().enumerate() {
            let (wanted, got) = (&wanted[place], &got[place]);
            let fits = match column.tolerance {
                Tolerance::Neighbours => between(got, &expected.low[number][place], &expected.high[number][place]),
                tolerance => agree(tolerance, wanted, got),
            };
            if !fits {
                return Some(format!("row {}, `{}`: {wanted:?} is right, {got:?} is not", number + 1, column.name));
            }
        }
    }
    let (wanted, got) = (expected.rows.len(), found.len());
    (wanted != got).then(|| format!("{wanted} rows are right, {got} are not"))
}

/// Whether an estimated quantile lies between the neighbours of the right one; null beside null alone.
fn between(value: &Value, low: &Value, high: &Value) -> bool {
    if value.is_null() || low.is_null() || high.is_null() {
        return value.is_null() && low.is_null() && high.is_null();
    }
    // Estimates may be kept in single precision.
    let (value, low, high) = (float(value), float(low), float(high));
    let slack = 1e-6 * low.abs().max(high.abs()) + 1.0;
    low - slack <= value && value <= high + slack
}

fn agree(tolerance: Tolerance, a: &Value, b: &Value) -> bool {
    match (tolerance, a, b) {
        (Tolerance::Relative, Value::Float(a), Value::Float(b)) => near(*a, *b, 1e-9),
        (Tolerance::Share(share), Value::Float(a), Value::Float(b)) => near(*a, *b, share),
        (Tolerance::Share(share), Value::Int(a), Value::Int(b)) => {
            (a - b).abs() <= 1 || near(*a as f64, *b as f64, share)
        }
        (Tolerance::Millisecond, Value::Duration(a), Value::Duration(b)) => (a - b).abs() <= 1,
        (_, Value::Decimal(..), Value::Decimal(..)) => compare(a, b).is_eq(),
        _ => a == b,
    }
}

/// Relative to the greater of the two. What is left of numbers that cancel is not compared.
fn near(a: f64, b: f64, share: f64) -> bool {
    a == b || (a - b).abs() <= share * a.abs().max(b.abs()) + 1e-12
}
