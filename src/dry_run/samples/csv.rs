//! Samples as comma-separated text.

use std::io::Read;

use super::sink::{Fault, Sink, shortened};
use super::{Source, io_error};
use crate::diagnostic::Diagnostic;
use crate::error;
use crate::plan::Table;
use crate::table::records::{Record, RecordError, Records};

/// Reads one file into the sink.
pub(super) fn read(
    source: &Source,
    input: impl Read,
    table: &Table,
    sink: &mut Sink,
) -> datafusion::common::Result<()> {
    let file = source.shown.as_str();
    let mut records = Records::new(input);
    let places = match records.next(true) {
        Ok(Some(header)) => match header_places(file, header, table) {
            Ok(places) => places,
            Err(found) => {
                found.into_iter().for_each(|diagnostic| sink.problems.file(diagnostic));
                return Ok(());
            }
        },
        Ok(None) => {
            sink.problems.file(error!(E0918, None, "`{file}` is empty";
                help: "its first line must name the columns"));
            return Ok(());
        }
        Err(error) => {
            sink.problems.file(record_problem(source, &error).1);
            return Ok(());
        }
    };
    let skip_empty = table.columns.len() > 1;
    loop {
        match records.next(skip_empty) {
            Ok(Some(record)) if record.cells() == table.columns.len() => {
                sink.row(file, record.line, |index| Ok(record.get(places[index])))?;
            }
            Ok(Some(record)) => {
                let (line, count) = (record.line, record.cells());
                sink.problems.row(Fault::Width, || {
                    error!(E0909, None, "`{file}` line {line} has {count} cells, not {}", table.columns.len();
                        help: "quote cells that hold a comma or a line end; an empty cell is null")
                });
            }
            Ok(None) => return Ok(()),
            Err(error) => {
                let (fault, diagnostic, recoverable) = {
                    let (fault, diagnostic) = record_problem(source, &error);
                    (
                        fault,
                        diagnostic,
                        !matches!(error, RecordError::Io(_) | RecordError::Quotes { recoverable: false, .. }),
                    )
                };
                if !recoverable {
                    sink.problems.file(diagnostic);
                    return Ok(());
                }
                sink.problems.row(fault, || diagnostic);
            }
        }
        source.progress(records.bytes);
    }
}

/// The place of each of the table's columns in the file.
fn header_places(file: &str, header: &Record, table: &Table) -> Result<Vec<usize>, Vec<Diagnostic>> {
    let names: Vec<&str> = (0..header.cells()).map(|index| header.get(index).unwrap_or_default()).collect();
    let known = |name: &str| table.columns.iter().any(|column| column.name == name);
    let mut found = Vec::new();
    for (index, name) in names.iter().enumerate() {
        if names[..index].contains(name) {
            found.push(error!(E0908, None, "`{file}` line {}, column {} names `{}` again", header.line, index + 1, shortened(name);
                help: "keep one of the columns"));
        } else if !known(name) {
            found.push(error!(E0907, None, "`{file}` line {}, column {}: `{}` is not declared in `{}`",
                header.line, index + 1, shortened(name), table.name;
                help: "declare the column, or take it out of the file"));
        }
    }
    let mut places = Vec::with_capacity(table.columns.len());
    for column in &table.columns {
        match names.iter().position(|name| *name == column.name) {
            Some(place) => places.push(place),
            None => found.push(missing(
                file,
                header.line,
                &column.name,
                &table.name,
                names.iter().copied().filter(|n| !known(n)),
            )),
        }
    }
    if found.is_empty() { Ok(places) } else { Err(found) }
}

/// A declared column that a file lacks.
pub(super) fn missing<'n>(
    file: &str,
    line: u64,
    column: &str,
    table: &str,
    mut others: impl Iterator<Item = &'n str>,
) -> Diagnostic {
    let near = others.find(|other| strsim::jaro_winkler(other, column) > 0.85);
    let help = match near {
        Some(near) => format!("is `{near}` misspelt?"),
        None => "add the column; where it may be null, its cells may be empty".to_owned(),
    };
    error!(E0906, None, "`{file}` line {line} does not name the column `{column}` of `{table}`"; help: help)
}

/// What is wrong with a record.
fn record_problem(source: &Source, error: &RecordError) -> (Fault, Diagnostic) {
    let file = source.shown.as_str();
    match error {
        RecordError::Io(error) => (Fault::Encoding, io_error(source, error)),
        RecordError::Quotes { line, reason, .. } => (
            Fault::Quotes,
            error!(E0910, None, "`{file}` line {line}: {reason}";
                help: "write a quote inside of a quoted cell twice"),
        ),
        RecordError::Encoding { line } => {
            (Fault::Encoding, error!(E0905, None, "`{file}` line {line} is not UTF-8"; help: "save the file as UTF-8"))
        }
    }
}
