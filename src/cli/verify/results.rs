//! Results in files.

use std::fs::File;
use std::path::Path;

use crate::cli::Stop;
use crate::cli::ready::Ready;
use crate::clickhouse::typed;
use crate::error;
use crate::plan::{DataType, OutputColumn, Value};
use crate::project::io_message;
use crate::table::Answer;
use crate::table::records::{RecordError, Records};

use super::wanted::Wanted;

/// The rows of a CSV file with the columns of an answer; others are passed over. A bucket is a day, a month or an instant, an
/// empty cell null and `""` the empty text, as `metricc dry-run --format csv` writes them.
pub fn csv(file: &Path, wanted: &Wanted) -> Result<Answer, Stop> {
    let columns = wanted.query.columns();
    let shown = file.display();
    let input = File::open(file).map_err(|failure| {
        Stop::from(
            error!(E0002, None, "`{shown}` can't be read: {}", io_message(&failure); help: "name a file of results"),
        )
    })?;
    let told = |line: u64, why: String| {
        let help = written(&columns, wanted, "csv");
        Stop::from(error!(E0990, None, "`{shown}` line {line}: {why}"; help: help))
    };
    let broken = |failure: RecordError| match failure {
        RecordError::Io(failure) => {
            error!(E0002, None, "`{shown}` can't be read: {}", io_message(&failure); help: "name a file of results")
                .into()
        }
        RecordError::Quotes { line, reason, .. } => told(line, reason.to_owned()),
        RecordError::Encoding { line } => told(line, "it is not UTF-8".to_owned()),
    };
    let mut records = Records::new(input);
    let (places, width) = {
        let Some(head) = records.next(true).map_err(broken)? else {
            return Err(told(1, "there are no columns".to_owned()));
        };
        let names: Vec<&str> = (0..head.cells()).map(|cell| head.get(cell).unwrap_or_default()).collect();
        let place = |column: &OutputColumn| {
            let mut found = names.iter().enumerate().filter(|(_, name)| **name == column.name).map(|(place, _)| place);
            match (found.next(), found.next()) {
                (Some(place), None) => Ok(place),
                (Some(_), Some(_)) => Err(told(1, format!("there are several columns `{}`", column.name))),
                (None, _) => Err(told(1, format!("there is no column `{}`", column.name))),
            }
        };
        (columns.iter().map(place).collect::<Result<Vec<_>, _>>()?, names.len())
    };
    let zone = wanted.query.zone;
    let mut rows = Vec::new();
    let skip_empty = columns.len() > 1;
    while let Some(record) = records.next(skip_empty).map_err(broken)? {
        // A file that was cut off would else have a null at its end.
        if record.cells() != width {
            return Err(told(record.line, format!("it has {} cells, and the first line {width}", record.cells())));
        }
        let value = |(place, column): (&usize, &OutputColumn)| {
            let text = record.get(*place);
            // A month is its first day.
            let month = text
                .filter(|text| column.ty == DataType::Timestamp && text.len() == 7)
                .map(|text| format!("{text}-01"));
            let text = month.as_deref().or(text);
            typed(text, column, zone).ok_or_else(|| {
                let text = text.unwrap_or_default();
                told(
                    record.line,
                    format!(
                        "`{text}` is no value of `{}`: {} is wanted",
                        column.name,
                        crate::table::cell::wanted(&column.ty)
                    ),
                )
            })
        };
        let row: Vec<Value> = places.iter().zip(&columns).map(value).collect::<Result<_, _>>()?;
        rows.push(row);
    }
    Ok(answer(columns, rows, wanted))
}

/// What writes a file with these columns.
fn written(columns: &[OutputColumn], wanted: &Wanted, format: &str) -> String {
    let query = &wanted.query;
    let by: Vec<&str> =
        columns[usize::from(query.step.is_some())..query.keys()].iter().map(|column| column.name.as_str()).collect();
    let metric = columns.get(query.keys()).map_or("METRIC", |column| column.name.as_str());
    let (by, totals) = match by.as_slice() {
        [] => (String::new(), ""),
        by => (format!(" --by {}", by.join(",")), "; `--by none` compares the totals alone"),
    };
    format!("write it as `metricc dry-run {metric}{by} --format {format}` does{totals}")
}

/// An answer of rows, those that were asked for.
pub fn answer(columns: Vec<OutputColumn>, mut rows: Vec<Vec<Value>>, wanted: &Wanted) -> Answer {
    let query = &wanted.query;
    if query.step.is_some() {
        rows.retain(|row| match row.first() {
            Some(Value::Timestamp(ms)) => wanted.holds(Some(*ms)),
            _ => true,
        });
    }
    Answer { columns, keys: query.keys(), rows, zone: query.zone, step: query.step }
}

/// The rows of a Parquet file, likewise.
#[cfg(feature = "dry-run")]
pub fn parquet(file: &Path, wanted: &Wanted, ready: &Ready) -> Result<Answer, Stop> {
    use crate::dry_run::{DryRun, Options};
    let columns = wanted.query.columns();
    let shown = file.display();
    // A name with a `*` would else stand for several files, and what is not there be an error of the engine.
    File::open(file).map_err(|failure| {
        Stop::from(
            error!(E0002, None, "`{shown}` can't be read: {}", io_message(&failure); help: "name a file of results"),
        )
    })?;
    let told = |found| Stop::found(&ready.project, found);
    let dry_run = DryRun::new(Options::new(wanted.query.zone)).map_err(told)?;
    let read = dry_run.read_results(file, columns.clone()).map_err(|found| {
        let why = found.iter().map(|one| one.message.as_str()).collect::<Vec<_>>().join("; ");
        let help = format!("{}, to a file that ends in `.parquet`", written(&columns, wanted, "parquet"));
        Stop::from(error!(E0990, None, "`{shown}` can't be read as results: {why}"; help: help))
    })?;
    Ok(answer(columns, read.rows, wanted))
}

/// Without the dry run there is nothing that reads Parquet.
#[cfg(not(feature = "dry-run"))]
pub fn parquet(file: &Path, _: &Wanted, _: &Ready) -> Result<Answer, Stop> {
    Err(error!(E0991, None, "`{}` can't be read: this program was built without the dry run, which reads Parquet", file.display();
        help: "write the results as CSV, or use a program with the dry run")
    .into())
}
