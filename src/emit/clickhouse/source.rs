//! Databases and, where asked, the source tables.

use super::storage::{self, SourceLayout};
use super::{Build, File};
use crate::plan::{DataType, Encoding, StoredColumn, Table};
use crate::rollup::{Rollup, Way};
use crate::sql::{CLICKHOUSE, Dialect, Scalars};

/// The databases: the target's, and those of the sources where these are made too.
pub fn databases(build: &Build) -> File {
    let mut databases = vec![CLICKHOUSE.identifier(&build.settings.database).to_string()];
    if build.settings.create_sources {
        for (_, table) in stored(build) {
            if let Some((database, _)) = table.physical.split_once('.') {
                databases.push(CLICKHOUSE.identifier(database).to_string());
            }
        }
        databases[1..].sort_unstable();
        databases.dedup();
    }
    let body = build.render("clickhouse/database.sql", minijinja::context! { databases });
    File::new("00_database.sql", "Databases", Vec::new()).with(body, Vec::new())
}

/// The source tables.
pub fn tables(build: &Build) -> File {
    let origin = stored(build).map(|(_, table)| table.name.clone()).collect();
    let mut file = File::new("10_sources.sql", "Source tables", origin);
    // They hold the data: what takes back a build leaves them alone.
    stored(build).for_each(|(place, table)| file.add(source(place, table, build), Vec::new()));
    file
}

fn stored<'b>(build: &'b Build) -> impl Iterator<Item = (usize, &'b Table)> {
    build.input.tables.iter().enumerate().filter(|(_, table)| !table.is_derived())
}

fn source(place: usize, table: &Table, build: &Build) -> String {
    let column = |name: &String| table.columns.iter().find(|column| column.name == *name);
    let name = |column: &StoredColumn| CLICKHOUSE.identifier(&column.name).to_string();
    let columns: Vec<_> = table
        .columns
        .iter()
        .map(|column| {
            let codec = storage::codec(column);
            minijinja::context! { name => name(column), type => physical(column, build), codec }
        })
        .collect();
    let time = table.clean.time.as_ref().and_then(column);
    let version = table.history.iter().map(|history| history.version().to_owned());
    let key: Vec<String> = table.clean.key.iter().cloned().chain(version).collect();
    let order: Vec<String> = key.iter().filter_map(column).chain(time).map(name).collect();
    let mut unique: Vec<String> = Vec::new();
    for name in order {
        if !unique.contains(&name) {
            unique.push(name);
        }
    }
    let order = if unique.is_empty() { "tuple()".to_owned() } else { format!("({})", unique.join(", ")) };
    let SourceLayout { layout, about } = storage::source(build, place, time, order);
    let index = arrival(build, place, table);
    let why = index.as_ref().map(|_| "Batches find the rows that came in a day by an index.".to_owned());
    let about: Vec<String> = std::iter::once(format!(
        "Rows of {}. A retried insert is recognised by its block and counts once (CH1).",
        table.name
    ))
    .chain(about)
    .chain(why)
    .collect();
    let name = CLICKHOUSE.table(table).to_string();
    let values = minijinja::context! {
        about, table => name.as_str(), columns, index, layout => layout.text(""), changes => layout.changes(build, &name),
    };
    build.render("clickhouse/source.sql", values)
}

/// The column by whose least and greatest values parts of a table are passed over: when rows arrived, where a batch asks for
/// those of a day and rows lie in the order of their times. Sorted by a random key every part has rows of all days in it.
fn arrival(build: &Build, place: usize, table: &Table) -> Option<String> {
    let is_batched = |rollup: &Rollup| rollup.table == place && matches!(rollup.way, Way::Batched(_));
    let arrived = build.input.upkeep[place].arrived.as_ref()?;
    let column = table.columns.iter().find(|column| column.name == *arrived)?;
    let saves = table.clean.key.is_empty() && build.rollups.rollups.iter().any(is_batched);
    saves.then(|| CLICKHOUSE.identifier(&column.name).to_string())
}

/// The type that a column is stored in.
fn physical(column: &StoredColumn, build: &Build) -> String {
    let plain = match (&column.ty, column.encoding) {
        (DataType::Timestamp | DataType::Duration, Encoding::Milliseconds) => "Int64".to_owned(),
        // A closed list of words: a dictionary of its own.
        (DataType::String, _) if !column.domain.is_empty() => {
            return if column.nullable { "LowCardinality(Nullable(String))" } else { "LowCardinality(String)" }
                .to_owned();
        }
        (ty, _) => type_name(ty, build.input.zone),
    };
    match column.ty {
        DataType::Array(_) | DataType::Map(_) => plain,
        _ if column.nullable => format!("Nullable({plain})"),
        _ => plain,
    }
}

/// A type as it is declared.
pub fn type_name(ty: &DataType, zone: chrono_tz::Tz) -> String {
    match ty {
        DataType::Bool => "Bool".to_owned(),
        DataType::Int | DataType::Duration => "Int64".to_owned(),
        DataType::Float => "Float64".to_owned(),
        DataType::Decimal { precision, scale } => format!("Decimal({precision}, {scale})"),
        DataType::String => "String".to_owned(),
        DataType::Date => "Date32".to_owned(),
        DataType::Timestamp => format!("DateTime64(3, '{}')", zone.name()),
        DataType::Array(item) => format!("Array({})", type_name(item, zone)),
        DataType::Map(item) => format!("Map(String, {})", type_name(item, zone)),
    }
}
