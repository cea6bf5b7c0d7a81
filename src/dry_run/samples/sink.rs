//! Rows of texts become the batches of a table; what is wrong with them is told, or skipped and counted.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use datafusion::arrow::array::RecordBatch;

use super::builder::TableBuilder;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::dry_run::failure;
use crate::dry_run::types::schema;
use crate::error;
use crate::plan::{Keep, StoredColumn, Table};
use crate::table::cell::{Cell, CellReader, Problem};

/// How many problems of a file are told one by one.
const TOLD: usize = 20;

/// The columns of a table where null may occur: those declared so, and those by whose nulls rows are cleaned away.
pub(in crate::dry_run) fn nullable(table: &Table, column: &StoredColumn) -> bool {
    let clean = &table.clean;
    let latest = matches!(&clean.keep, Keep::Latest(name) if *name == column.name);
    column.nullable || latest || clean.key.contains(&column.name) || clean.time.as_ref() == Some(&column.name)
}

/// The kinds of rows that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fault {
    /// A cell that is wrong.
    Cell(Problem),
    /// More or fewer cells than columns.
    Width,
    /// Wrong quotes.
    Quotes,
    /// No JSON object.
    Json,
    /// Not UTF-8.
    Encoding,
    /// A column that is not declared.
    Extra,
}

impl Fault {
    /// In words, for a count.
    fn words(self) -> &'static str {
        match self {
            Fault::Cell(Problem::Mistyped) => "with a mistyped cell",
            Fault::Cell(Problem::Null) => "with a null in a column that cannot be null",
            Fault::Cell(Problem::OutsideDomain) => "with a value outside of its enum",
            Fault::Width => "with too many or too few cells",
            Fault::Quotes => "with wrong quotes",
            Fault::Json => "that are no JSON object",
            Fault::Encoding => "that are not UTF-8",
            Fault::Extra => "with a column that is not declared",
        }
    }
}

/// What is wrong in a file, told up to a limit.
#[derive(Default)]
pub(super) struct Problems {
    /// Whether rows are skipped instead.
    lenient: bool,
    told: Diagnostics,
    untold: usize,
    skipped: BTreeMap<Fault, u64>,
}

impl Problems {
    /// None yet.
    pub(super) fn new(lenient: bool) -> Problems {
        Problems { lenient, ..Problems::default() }
    }

    /// A row that cannot be read.
    pub(super) fn row(&mut self, fault: Fault, diagnostic: impl FnOnce() -> Diagnostic) {
        if self.lenient {
            *self.skipped.entry(fault).or_default() += 1;
        } else if self.told.len() < TOLD {
            self.told.push(diagnostic());
        } else {
            self.untold += 1;
        }
    }

    /// Something that no row explains.
    pub(super) fn file(&mut self, diagnostic: Diagnostic) {
        self.told.push(diagnostic);
    }

    /// All that was found in `file`.
    pub(super) fn finish(self, file: &str) -> Diagnostics {
        let mut found = self.told;
        if self.untold > 0 {
            found.push(error!(E0919, None, "`{file}` has {} more rows that cannot be read", self.untold;
                help: "mend the ones told, or skip such rows and count them with `--lenient`"));
        }
        if !self.skipped.is_empty() {
            let total: u64 = self.skipped.values().sum();
            let kinds: Vec<String> =
                self.skipped.iter().map(|(fault, count)| format!("{count} {}", fault.words())).collect();
            found.push(crate::diagnostic::Diagnostic::new(
                crate::diagnostic::codes::W0901,
                None,
                format!("`{file}`: {total} rows were skipped: {}", kinds.join(", ")),
            ));
        }
        found
    }
}

/// Takes the rows of one table.
pub(super) struct Sink<'a> {
    table: &'a Table,
    readers: Vec<CellReader<'a>>,
    builder: TableBuilder,
    /// What is wrong.
    pub problems: Problems,
}

impl<'a> Sink<'a> {
    /// For rows of `table`.
    pub(super) fn new(table: &'a Table, zone: Tz, lenient: bool) -> Sink<'a> {
        let readers = table
            .columns
            .iter()
            .map(|column| CellReader { column, nullable: nullable(table, column), zone, by_hand: false })
            .collect();
        Sink { table, readers, builder: TableBuilder::new(schema(table)), problems: Problems::new(lenient) }
    }

    /// Takes a row, whose cells stand in the order of the table's columns.
    pub(super) fn row<'t>(
        &mut self,
        file: &str,
        line: u64,
        cell: impl Fn(usize) -> Result<Option<&'t str>, &'t str>,
    ) -> datafusion::common::Result<()> {
        let mut cells: Vec<Cell<'t>> = Vec::with_capacity(self.readers.len());
        let mut wrong = false;
        for (index, reader) in self.readers.iter().enumerate() {
            let text = cell(index);
            let found = match text {
                Ok(text) => reader.read(text),
                Err(_) => Err(Problem::Mistyped),
            };
            match found {
                Ok(found) => cells.push(found),
                Err(problem) => {
                    let text = text.unwrap_or_else(Some).unwrap_or_default();
                    let place = format!("`{file}` line {line}, column `{}`", self.table.columns[index].name);
                    self.problems.row(Fault::Cell(problem), || cell_problem(problem, &place, text, reader));
                    wrong = true;
                    // A lenient reader counts a row once.
                    if self.problems.lenient {
                        break;
                    }
                }
            }
        }
        if wrong { Ok(()) } else { self.builder.push(&cells) }
    }

    /// The batches, unless something is wrong.
    pub(super) fn finish(self, file: &str) -> Result<(Vec<RecordBatch>, Diagnostics), Diagnostics> {
        let found = self.problems.finish(file);
        if found.has_errors() {
            return Err(found);
        }
        Ok((self.builder.finish().map_err(failure)?, found))
    }
}

/// What is wrong with a cell, at a place in words.
pub(super) fn cell_problem(problem: Problem, place: &str, text: &str, reader: &CellReader) -> Diagnostic {
    let text = shortened(text);
    let wanted = reader.wanted();
    match problem {
        Problem::Mistyped => error!(E0911, None, "{place}: `{text}` is not {wanted}";
            help: "mend the cell, or the type of the column"),
        Problem::Null => error!(E0912, None, "{place} is null, which the column cannot be";
            help: ("write {wanted}, or declare the column nullable with `?`")),
        Problem::OutsideDomain => error!(E0913, None, "{place}: `{text}` is not {wanted}";
            help: "mend the cell, or add the value to the enum"),
    }
}

/// A text of at most 60 characters.
pub(in crate::dry_run) fn shortened(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
