//! Answers of the engines as values that can be compared.

use std::collections::BTreeMap;

use metricc::diagnostic::Diagnostics;
use metricc::plan::{DataType, OutputColumn, Value};
use metricc::table::form;

use super::clickhouse::Session;
use super::script;

/// Float sums depend on the order of the rows by this much.
const FLOAT: f64 = 1e-9;

/// An answer by its keys: the values of the metrics. Equal keys twice are two lists.
pub type Rows = BTreeMap<Vec<String>, Vec<Vec<Value>>>;

/// What was found, in one line.
pub fn told(found: &Diagnostics) -> String {
    found.iter().map(|one| format!("{}: {}", one.code, one.message)).collect::<Vec<_>>().join("; ")
}

/// Applies a script; gives every statement that fails.
pub fn apply(session: &Session, text: &str) -> Vec<String> {
    let statements = script::statements(text);
    assert!(!statements.is_empty());
    let run = |statement: &&str| session.execute(statement).err().map(|error| format!("{error}\n{statement}"));
    statements.iter().filter_map(run).collect()
}

/// What ClickHouse answers, read as values of the columns, by its keys.
pub fn clickhouse(session: &Session, select: &str, columns: &[OutputColumn], keys: usize) -> Result<Rows, String> {
    let mut rows = Rows::new();
    for values in clickhouse_rows(session, select, columns)? {
        put(&mut rows, values, keys);
    }
    Ok(rows)
}

/// What ClickHouse answers, in its order.
pub fn clickhouse_rows(session: &Session, select: &str, columns: &[OutputColumn]) -> Result<Vec<Vec<Value>>, String> {
    let table = session.query(&format!("{select}\nSETTINGS date_time_output_format = 'unix_timestamp'"))?;
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    if table.columns != names {
        return Err(format!("the columns are {:?} and not {names:?}", table.columns));
    }
    let row = |row: &Vec<Option<String>>| {
        row.iter().zip(columns).map(|(cell, column)| read(cell.as_deref(), column)).collect()
    };
    table.rows.iter().map(row).collect()
}

/// Adds a row of an answer.
pub fn put(rows: &mut Rows, mut values: Vec<Value>, keys: usize) {
    let rest = values.split_off(keys);
    rows.entry(values.iter().map(|value| format!("{value:?}")).collect()).or_default().push(rest);
}

/// A cell of ClickHouse as a value.
fn read(cell: Option<&str>, column: &OutputColumn) -> Result<Value, String> {
    let Some(text) = cell else { return Ok(Value::Null) };
    let value = match &column.ty {
        DataType::Bool => form::parse_bool(text).map(Value::Bool),
        DataType::Int => form::parse_int(text).map(Value::Int),
        DataType::Duration => form::parse_int(text).map(Value::Duration),
        DataType::Float => form::parse_float(text).map(Value::Float),
        DataType::Decimal { precision, scale } => {
            form::parse_decimal(text, *precision, *scale).ok().map(Value::Decimal)
        }
        DataType::String => Some(Value::String(text.to_owned())),
        DataType::Date => form::parse_date(text).map(Value::Date),
        DataType::Timestamp => {
            form::parse_decimal(text, 18, 3).ok().and_then(|ms| i64::try_from(ms).ok()).map(Value::Timestamp)
        }
        DataType::Array(_) | DataType::Map(_) => Some(Value::String(text.to_owned())),
    };
    value.ok_or_else(|| format!("`{}` has {text:?}, which is no {:?}", column.name, column.ty))
}

/// Whether two answers are the same; floats nearly so.
pub fn same(a: &Rows, b: &Rows) -> bool {
    let values =
        |(a, b): (&Vec<Value>, &Vec<Value>)| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b, 0.0));
    let row = |((a, x), (b, y)): ((&Vec<String>, &Vec<Vec<Value>>), (&Vec<String>, &Vec<Vec<Value>>))| {
        a == b && x.len() == y.len() && x.iter().zip(y).all(values)
    };
    a.len() == b.len() && a.iter().zip(b).all(row)
}

/// Whether two values are the same; numbers may differ by a share, floats always by a little.
pub fn equal(a: &Value, b: &Value, tolerance: f64) -> bool {
    let near = |a: f64, b: f64, share: f64| a == b || (a - b).abs() <= share * a.abs().max(b.abs()) + 1e-12;
    match (a, b) {
        (Value::Float(a), Value::Float(b)) => near(*a, *b, tolerance.max(FLOAT)),
        (Value::Int(a), Value::Int(b)) | (Value::Duration(a), Value::Duration(b)) => {
            a == b || near(*a as f64, *b as f64, tolerance)
        }
        (a, b) => a == b,
    }
}
