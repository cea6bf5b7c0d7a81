//! The rows of a case as ClickHouse takes them.

use metricc::dry_run::Given;
use metricc::plan::{DataType, Encoding, Keep, StoredColumn, Table};
use metricc::table::cell::{Cell, CellReader, row_number, zero};
use metricc::table::form;

use crate::support::clickhouse::{Session, quote_name, quote_text};

/// The cells of a CSV text: without quotes an empty one is null.
pub fn csv(text: &str) -> Given {
    let mut rows: Vec<Vec<Option<String>>> = vec![Vec::new()];
    let mut letters = text.chars().peekable();
    let (mut cell, mut quoted) = (String::new(), false);
    while let Some(letter) = letters.next() {
        match letter {
            '"' => {
                quoted = true;
                while let Some(letter) = letters.next() {
                    match letter {
                        '"' if letters.peek() != Some(&'"') => break,
                        '"' => cell.extend(letters.next()),
                        other => cell.push(other),
                    }
                }
            }
            ',' | '\n' => {
                let text = std::mem::take(&mut cell);
                let text = if text.is_empty() && !std::mem::take(&mut quoted) { None } else { Some(text) };
                quoted = false;
                rows.last_mut().expect("a row").push(text);
                if letter == '\n' {
                    rows.push(Vec::new());
                }
            }
            other => cell.push(other),
        }
    }
    rows.pop();
    let mut rows = rows.into_iter();
    let columns = rows.next().unwrap_or_default().into_iter().flatten().collect();
    Given { columns, rows: rows.collect() }
}

/// Inserts rows as one block. Rows with a null that the table cannot hold are left out: clean rows never have them.
pub fn insert(
    session: &Session,
    table: &Table,
    given: &Given,
    by_hand: bool,
    zone: chrono_tz::Tz,
) -> Result<(), String> {
    let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
    let mut rows = Vec::new();
    for (number, row) in given.rows.iter().enumerate() {
        let mut cells = Vec::new();
        for column in &table.columns {
            let reader = CellReader { column, nullable: nullable(table, column), zone, by_hand };
            let place = given.columns.iter().position(|name| *name == column.name);
            let read = match place {
                Some(place) => reader
                    .read(row[place].as_deref())
                    .map_err(|problem| format!("row {}, column `{}`: {problem:?}", number + 1, column.name))?,
                None if table.clean.key.contains(&column.name) => row_number(column, number + 1),
                None if column.nullable => Cell::Null,
                None => zero(column),
            };
            cells.push(text(&read, column, zone));
        }
        let holds = table.columns.iter().zip(&cells).all(|(column, cell)| column.nullable || cell.is_some());
        if holds {
            rows.push(cells);
        }
    }
    let name: Vec<String> = table.physical.split('.').map(quote_name).collect();
    session.insert_tsv(&name.join("."), &names, &rows)
}

fn nullable(table: &Table, column: &StoredColumn) -> bool {
    let clean = &table.clean;
    let latest = matches!(&clean.keep, Keep::Latest(name) if *name == column.name);
    column.nullable || latest || clean.key.contains(&column.name) || clean.time.as_ref() == Some(&column.name)
}

/// A cell as ClickHouse reads it; none is null.
fn text(cell: &Cell, column: &StoredColumn, zone: chrono_tz::Tz) -> Option<String> {
    Some(match (cell, &column.ty) {
        // The engine has no lists or maps that are null.
        (Cell::Null, DataType::Array(_)) => "[]".to_owned(),
        (Cell::Null, DataType::Map(_)) => "{}".to_owned(),
        (Cell::Null, _) => return None,
        (Cell::Bool(value), _) => value.to_string(),
        (Cell::Int(value), _) => value.to_string(),
        (Cell::Float(value), _) => form::float(*value),
        (Cell::Decimal(digits), DataType::Decimal { scale, .. }) => form::decimal(*digits, *scale),
        (Cell::Decimal(digits), _) => digits.to_string(),
        (Cell::Text(json), DataType::Map(_)) => map(json),
        (Cell::Text(text), _) => text.clone().into_owned(),
        (Cell::Date(days), _) => form::date(*days),
        (Cell::Timestamp(ms), _) if column.encoding == Encoding::Milliseconds => ms.to_string(),
        (Cell::Timestamp(ms), _) => form::timestamp_iso(*ms, chrono_tz::UTC),
        (Cell::List(items), _) => {
            let DataType::Array(of) = &column.ty else { return None };
            let items: Vec<String> = items.iter().map(|one| item(one, of, zone)).collect();
            format!("[{}]", items.join(","))
        }
    })
}

/// An item of an array's literal.
fn item(cell: &Cell, ty: &DataType, zone: chrono_tz::Tz) -> String {
    match cell {
        Cell::Null => "NULL".to_owned(),
        Cell::Bool(value) => value.to_string(),
        Cell::Int(value) => value.to_string(),
        Cell::Float(value) => form::float(*value),
        Cell::Decimal(digits) => match ty {
            DataType::Decimal { scale, .. } => form::decimal(*digits, *scale),
            _ => digits.to_string(),
        },
        Cell::Text(text) => quote_text(text),
        Cell::Date(days) => quote_text(&form::date(*days)),
        Cell::Timestamp(ms) => quote_text(&form::timestamp(*ms, zone)),
        Cell::List(_) => "[]".to_owned(),
    }
}

/// A JSON object as a map's literal.
fn map(json: &str) -> String {
    let object: std::collections::BTreeMap<String, serde_json::Value> = serde_json::from_str(json).expect("an object");
    let value = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => quote_text(text),
        other => other.to_string(),
    };
    let items: Vec<String> = object.iter().map(|(key, of)| format!("{}:{}", quote_text(key), value(of))).collect();
    format!("{{{}}}", items.join(","))
}
