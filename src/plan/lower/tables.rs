//! Tables of a plan out of declared ones.

use crate::plan::{Clean, Encoding, History, Keep, Origin, StoredColumn, Table};
use crate::types::{self, Model, TableId, Type};

use super::derived;

/// Every table of a model, by the same places.
pub fn lower_tables(model: &Model) -> Vec<Table> {
    let mut made = Vec::with_capacity(model.tables.len());
    for (place, table) in model.tables.iter().enumerate() {
        let lowered = match &table.origin {
            types::Origin::Stored => stored(model, table, &made),
            _ => derived::lower(model, TableId(place), &made),
        };
        made.push(lowered);
    }
    made
}

fn stored(model: &Model, table: &types::Table, before: &[Table]) -> Table {
    let name = |column: usize| table.columns[column].name.value.clone();
    let taken = before.iter().any(|other| other.name == table.name.value);
    Table {
        // Versions of a table are tables of their own.
        name: if taken { format!("{}_v{}", table.name.value, table.version) } else { table.name.value.clone() },
        physical: table.physical.clone(),
        sample: table.sample.clone(),
        columns: columns(model, table),
        clean: Clean {
            key: table.key.iter().map(|column| name(*column)).collect(),
            keep: table.latest_by.map_or(Keep::Earliest, |column| Keep::Latest(name(column))),
            time: table.time.map(name),
        },
        origin: Origin::Stored,
        history: history(table),
    }
}

/// How the versions of one thing are told apart.
pub fn history(table: &types::Table) -> Option<History> {
    let name = |column: usize| table.columns[column].name.value.clone();
    table.history.map(|history| match history {
        types::History::Valid { from, until } => History::Valid { from: name(from), until: name(until) },
        types::History::Snapshot { day } => History::Snapshot { day: name(day) },
    })
}

/// The columns that rows have; computed ones are expressions over these.
pub fn columns(model: &Model, table: &types::Table) -> Vec<StoredColumn> {
    let column = |column: &types::Column| StoredColumn {
        name: column.name.value.clone(),
        ty: model.data_type(&column.ty.ty),
        nullable: column.ty.nullable,
        encoding: match column.encoding {
            types::Encoding::Native => Encoding::Native,
            types::Encoding::Milliseconds => Encoding::Milliseconds,
        },
        domain: match &column.ty.ty {
            Type::Enum(values) => values.as_ref().clone(),
            _ => Vec::new(),
        },
    };
    table.columns.iter().filter(|column| column.computed.is_none()).map(column).collect()
}
