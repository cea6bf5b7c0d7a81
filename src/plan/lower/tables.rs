//! Stored tables out of declared ones.

use crate::plan::{Clean, Encoding, Keep, Origin, StoredColumn, Table};
use crate::types::{self, Model, Type};

/// Every table of a model, by the same places.
pub fn lower_tables(model: &Model) -> Vec<Table> {
    model.tables.iter().map(|table| lower_table(model, table)).collect()
}

fn lower_table(model: &Model, table: &types::Table) -> Table {
    let name = |column: usize| table.columns[column].name.value.clone();
    let columns = (table.columns.iter().filter(|column| column.computed.is_none()))
        .map(|column| StoredColumn {
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
        })
        .collect();
    Table {
        name: table.name.value.clone(),
        physical: table.physical.clone(),
        sample: table.sample.clone(),
        columns,
        clean: Clean {
            key: table.key.iter().map(|column| name(*column)).collect(),
            keep: table.latest_by.map_or(Keep::Earliest, |column| Keep::Latest(name(column))),
            time: table.time.map(name),
        },
        origin: Origin::Stored,
        history: None,
    }
}
