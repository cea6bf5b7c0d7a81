//! Running `test` blocks: the given rows through the dry run, the answer against the expected rows, cell by cell.
//!
//! Rows are matched by their keys (time and dimensions), so their order does not matter. Ints, decimals and texts must be
//! equal. A float64 must agree within 1e-9 relative, or, where at least four decimals are written, as far as it is written.

mod compare;
mod question;

use crate::diagnostic::{Diagnostics, Span};
use crate::dry_run::{Data, DryRun, Given, Place};
use crate::plan::{Lowering, Query};
use crate::syntax::ast::{Cell, DataTable, Test};
use crate::table::Answer;

pub use compare::{CellDifference, Difference, RowDifference, RowState};
pub use question::question;

/// How a test went.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// Every cell is as expected.
    Passed,
    /// Some are not.
    Failed(Difference),
    /// It could not run; why has a place in its text.
    Broken(Diagnostics),
}

/// Runs one test, in a dry run whose tables it replaces.
pub fn run(lowering: &Lowering<'_>, dry_run: &mut DryRun, test: &Test) -> Verdict {
    match answer(lowering, dry_run, test) {
        Ok((query, answer)) => {
            let difference = compare::compare(test, &query, &answer);
            if difference.is_empty() { Verdict::Passed } else { Verdict::Failed(difference) }
        }
        Err(found) => Verdict::Broken(found),
    }
}

/// The answer that a test gets, as the cells of an `expect` table with the test's columns.
pub fn expectation(
    lowering: &Lowering<'_>,
    dry_run: &mut DryRun,
    test: &Test,
) -> Result<Vec<Vec<String>>, Diagnostics> {
    let (query, answer) = answer(lowering, dry_run, test)?;
    Ok(compare::cells(test, &query, &answer))
}

fn answer(lowering: &Lowering<'_>, dry_run: &mut DryRun, test: &Test) -> Result<(Query, Answer), Diagnostics> {
    let question = question::question(lowering.model, test)?;
    let query = lowering.lower(&question).map_err(|found| at(found, test.title.span))?;
    for place in query.stored_tables() {
        let table = &query.tables[place];
        // Each version of a table has the rows that are given for the name.
        let name = &lowering.model.tables[place].name.value;
        let given = test.given.iter().find(|given| given.table.to_string() == *name);
        match given {
            Some(given) => {
                let rows = rows(&given.data);
                let locate = |place: Place| Some(span_of(&given.data, place));
                dry_run.register(table, &Data::Given(&rows, &locate))?;
            }
            None => {
                dry_run.register(table, &Data::Empty)?;
            }
        }
    }
    let answer = dry_run.run(&query).map_err(|found| at(found, test.title.span))?;
    Ok((query, answer))
}

fn rows(data: &DataTable) -> Given {
    Given {
        columns: data.header.iter().map(|name| name.value.clone()).collect(),
        rows: data.rows.iter().map(|row| row.iter().map(|cell| text(&cell.value)).collect()).collect(),
    }
}

/// The text of a cell; none for null.
pub(crate) fn text(cell: &Cell) -> Option<String> {
    match cell {
        Cell::Empty => None,
        Cell::Text(text) | Cell::Quoted(text) => Some(text.clone()),
    }
}

fn span_of(data: &DataTable, place: Place) -> Span {
    let found = match place {
        Place::Header(column) => data.header.get(column).map(|name| name.span),
        Place::Cell(row, column) => data.rows.get(row).and_then(|row| row.get(column)).map(|cell| cell.span),
    };
    found.unwrap_or(data.span)
}

/// Gives a place to what has none.
fn at(found: Diagnostics, span: Span) -> Diagnostics {
    found
        .into_iter()
        .map(|mut one| {
            one.span = one.span.or(Some(span));
            one
        })
        .collect()
}
