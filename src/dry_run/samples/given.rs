//! Tables that a test writes down.

use chrono_tz::Tz;
use datafusion::arrow::array::RecordBatch;

use super::builder::TableBuilder;
use super::sink::{cell_problem, nullable};
use crate::diagnostic::{Diagnostics, Span};
use crate::dry_run::failure;
use crate::dry_run::types::schema;
use crate::error;
use crate::plan::{StoredColumn, Table};
use crate::table::cell::{CellReader, row_number, zero};

/// A table by hand: its columns' names, and its rows of as many cells (none is null).
///
/// A column of the key that is left out is the row's number; another one that is left out is null, or its type's zero
/// (an enum's first value) where it cannot be null.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Given {
    /// The names of the columns, in any order.
    pub columns: Vec<String>,
    /// The rows.
    pub rows: Vec<Vec<Option<String>>>,
}

/// A place in a [`Given`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The name of a column.
    Header(usize),
    /// A cell: row and column.
    Cell(usize, usize),
}

/// The rows of a given table; `locate` gives the places in the text of the test.
pub(in crate::dry_run) fn read(
    given: &Given,
    table: &Table,
    zone: Tz,
    locate: &dyn Fn(Place) -> Option<Span>,
) -> Result<Vec<RecordBatch>, Diagnostics> {
    let mut found = Diagnostics::new();
    for (index, name) in given.columns.iter().enumerate() {
        let place = locate(Place::Header(index));
        if given.columns[..index].contains(name) {
            found.push(error!(E0908, place, "`{name}` stands here twice"; help: "keep one of the columns"));
        } else if !table.columns.iter().any(|column| column.name == *name) {
            let near = table.columns.iter().map(|column| &column.name).find(|n| strsim::jaro_winkler(n, name) > 0.85);
            let help =
                near.map_or("declare the column, or leave it out".to_owned(), |near| format!("did you mean `{near}`?"));
            found.push(error!(E0907, place, "`{name}` is not a column of `{}`", table.name; help: help));
        }
    }
    let places: Vec<Option<usize>> =
        table.columns.iter().map(|column| given.columns.iter().position(|name| *name == column.name)).collect();
    let readers: Vec<CellReader> = table
        .columns
        .iter()
        .map(|column| CellReader { column, nullable: nullable(table, column), zone, by_hand: true })
        .collect();
    let mut builder = TableBuilder::new(schema(table));
    for (number, row) in given.rows.iter().enumerate() {
        let mut cells = Vec::with_capacity(readers.len());
        for (reader, place) in readers.iter().zip(&places) {
            let Some(place) = *place else {
                cells.push(left_out(table, reader.column, number + 1));
                continue;
            };
            let text = row.get(place).and_then(Option::as_deref);
            match reader.read(text) {
                Ok(cell) => cells.push(cell),
                Err(problem) => {
                    let column = format!("row {}, column `{}`", number + 1, reader.column.name);
                    let mut diagnostic = cell_problem(problem, &column, text.unwrap_or_default(), reader);
                    diagnostic.span = locate(Place::Cell(number, place));
                    found.push(diagnostic);
                }
            }
        }
        if !found.has_errors() {
            builder.push(&cells).map_err(failure)?;
        }
    }
    if found.has_errors() { Err(found) } else { builder.finish().map_err(failure) }
}

/// The cell of a column that is left out.
fn left_out(table: &Table, column: &StoredColumn, row: usize) -> crate::table::cell::Cell<'static> {
    if table.clean.key.contains(&column.name) {
        row_number(column, row)
    } else if column.nullable {
        crate::table::cell::Cell::Null
    } else {
        zero(column)
    }
}
