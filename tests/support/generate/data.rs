//! Prints the rows of a project: as CSV samples, and as tables and inserts for ClickHouse.

use chrono::{LocalResult, TimeZone};
use chrono_tz::Tz;

use super::model::*;
use super::text;

impl Table {
    /// The rows as CSV. An empty unquoted cell is null, `""` the empty string.
    pub fn csv(&self, zone: Tz) -> String {
        let mut out = self.stored().map(|column| csv_text(&column.name)).collect::<Vec<_>>().join(",") + "\n";
        for row in &self.rows {
            let cells: Vec<String> =
                self.stored().zip(row).map(|(column, value)| csv_cell(column, value, zone)).collect();
            out.push_str(&cells.join(","));
            out.push('\n');
        }
        out
    }

    /// `CREATE TABLE` for ClickHouse with the rows' physical types.
    pub fn clickhouse_create(&self, project: &Project, database: &str) -> String {
        let columns: Vec<String> = (self.stored())
            .map(|column| format!("    {} {}", backticks(&column.name), clickhouse_type(project, column)))
            .collect();
        let name = backticks(&self.name);
        // Tables in memory are made in no time, and keep their rows in the blocks they came in.
        let engine = if project.seed.is_multiple_of(5) { "MergeTree\nORDER BY tuple()" } else { "Memory" };
        format!("CREATE TABLE {database}.{name}\n(\n{}\n)\nENGINE = {engine}", columns.join(",\n"))
    }

    /// One `INSERT` of the given rows.
    pub fn clickhouse_insert(&self, database: &str, rows: &[Vec<Value>]) -> String {
        let mut out = format!("INSERT INTO {database}.{} FORMAT JSONEachRow\n", backticks(&self.name));
        for row in rows {
            let mut object = serde_json::Map::new();
            for (column, value) in self.stored().zip(row) {
                object.insert(column.name.clone(), json_cell(column, value));
            }
            out.push_str(&serde_json::Value::Object(object).to_string());
            out.push('\n');
        }
        out
    }
}

/// A name for ClickHouse.
pub fn backticks(name: &str) -> String {
    format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`"))
}

/// The physical type of a column.
fn clickhouse_type(project: &Project, column: &Column) -> String {
    let wrap = |ty: String| if column.nullable { format!("Nullable({ty})") } else { ty };
    match &column.ty {
        Ty::Bool => wrap("Bool".into()),
        Ty::Int | Ty::Duration => wrap("Int64".into()),
        Ty::Float => wrap("Float64".into()),
        Ty::Decimal(p, s) => wrap(format!("Decimal({p}, {s})")),
        Ty::Str => wrap("String".into()),
        Ty::Enum(_) => format!("LowCardinality({})", wrap("String".into())),
        Ty::Date => wrap("Date32".into()),
        Ty::Timestamp if column.milliseconds => wrap("Int64".into()),
        Ty::Timestamp => wrap(format!("DateTime64(3, '{}')", project.zone.name())),
        Ty::Map => "Map(String, String)".into(),
        Ty::Entity(entity) => {
            let key = project.table(entity).and_then(|table| table.column(&table.key[0]));
            match key.map(|key| &key.ty) {
                Some(Ty::Int) => wrap("Int64".into()),
                _ => wrap("String".into()),
            }
        }
    }
}

fn json_cell(column: &Column, value: &Value) -> serde_json::Value {
    use serde_json::Value as Json;
    match value {
        Value::Null => Json::Null,
        Value::Bool(b) => (*b).into(),
        Value::Int(i) | Value::Duration(i) => (*i).into(),
        Value::Float(f) => (*f).into(),
        Value::Decimal(digits, scale) => text::decimal(*digits, *scale).into(),
        Value::Str(s) => s.clone().into(),
        Value::Date(days) => text::day(*days).into(),
        Value::Timestamp(ms) if column.milliseconds => (*ms).into(),
        // Seconds since 1970 with three digits behind the point mean one instant in every session.
        Value::Timestamp(ms) => text::decimal(i128::from(*ms), 3).into(),
        Value::Map(map) => serde_json::json!(map),
    }
}

/// Text in quotes where it needs them.
fn csv_text(text: &str) -> String {
    let plain = !text.is_empty() && text.trim() == text && !text.contains([',', '"', '\n', '\r']);
    if plain { text.to_owned() } else { format!("\"{}\"", text.replace('"', "\"\"")) }
}

fn csv_cell(column: &Column, value: &Value, zone: Tz) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(b) => b.to_string(),
        Value::Int(i) | Value::Duration(i) => i.to_string(),
        Value::Float(f) => f.to_string(),
        Value::Decimal(digits, scale) => text::decimal(*digits, *scale),
        Value::Str(s) => csv_text(s),
        Value::Date(days) => text::day(*days),
        Value::Timestamp(ms) if column.milliseconds => ms.to_string(),
        Value::Timestamp(ms) => csv_timestamp(*ms, zone),
        Value::Map(map) => csv_text(&serde_json::json!(map).to_string()),
    }
}

/// Wall-clock time, unless that names two instants.
fn csv_timestamp(ms: i64, zone: Tz) -> String {
    let instant = chrono::DateTime::from_timestamp_millis(ms).unwrap_or_default();
    match zone.from_local_datetime(&instant.with_timezone(&zone).naive_local()) {
        LocalResult::Single(_) if ms % 2 == 0 => text::wall(ms, zone),
        _ => instant.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
    }
}
