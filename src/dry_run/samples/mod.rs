//! Samples: files of rows, read as the tables of a plan.

mod builder;
mod csv;
mod given;
mod ndjson;
mod sink;

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use chrono_tz::Tz;
use datafusion::arrow::array::RecordBatch;

pub(super) use given::read as read_given;
pub use given::{Given, Place};

use super::{Progress, failure};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::error;
use crate::plan::Table;
pub(super) use crate::table::sample::{Files, Format, find};
use sink::Sink;
pub(super) use sink::{nullable, shortened};

/// How often progress is told: once in so many bytes.
const PROGRESS_BYTES: u64 = 1 << 22;

/// A file that is read.
pub(super) struct Source<'a> {
    /// Its name for people.
    pub shown: String,
    size: u64,
    told: Cell<u64>,
    listener: &'a (dyn Fn(Progress) + Sync),
}

impl Source<'_> {
    /// Tells how much has been read.
    fn progress(&self, bytes: u64) {
        if bytes >= self.told.get() + PROGRESS_BYTES {
            self.told.set(bytes);
            (self.listener)(Progress::Reading { file: &self.shown, bytes, total: self.size });
        }
    }
}

/// Opens a regular file for reading.
pub(super) fn open(path: &PathBuf, shown: &str) -> Result<(File, u64), Diagnostic> {
    let unreadable =
        |error: io::Error| error!(E0903, None, "`{shown}` cannot be read: {error}"; help: "look at its permissions");
    // Told before it is opened: opening a pipe would wait for its writer.
    let kind = std::fs::metadata(path).map_err(unreadable)?;
    if !kind.is_file() {
        return Err(
            error!(E0903, None, "`{shown}` is not a regular file"; help: "a sample is a file, or a folder of files"),
        );
    }
    let file = File::open(path).map_err(unreadable)?;
    Ok((file, kind.len()))
}

/// What went wrong while a file was read.
fn io_error(source: &Source, error: &io::Error) -> Diagnostic {
    error!(E0903, None, "`{}` cannot be read to its end: {error}", source.shown; help: "look at the disk, or copy the file anew")
}

/// Reads the files of a sample that is text into memory.
pub(super) fn read_text(
    table: &Table,
    files: Files,
    zone: Tz,
    lenient: bool,
    listener: &(dyn Fn(Progress) + Sync),
) -> Result<(Vec<RecordBatch>, Diagnostics), Diagnostics> {
    let mut batches = Vec::new();
    let mut told = Diagnostics::new();
    for (path, shown) in files.paths {
        let mut sink = Sink::new(table, zone, lenient);
        match open_text(&path, &shown) {
            Ok((input, size)) => {
                let source = Source { shown: shown.clone(), size, told: Cell::new(0), listener };
                let read = match files.format {
                    Format::Csv => csv::read(&source, input, table, &mut sink),
                    Format::Ndjson | Format::Parquet => ndjson::read(&source, input, table, &mut sink),
                };
                read.map_err(failure)?;
            }
            Err(diagnostic) => sink.problems.file(diagnostic),
        }
        match sink.finish(&shown) {
            Ok((found, warnings)) => {
                batches.extend(found);
                told.extend(warnings);
            }
            Err(problems) => told.extend(problems),
        }
    }
    if told.has_errors() { Err(told) } else { Ok((batches, told)) }
}

/// Opens a file that should hold text.
fn open_text(path: &PathBuf, shown: &str) -> Result<(impl Read + use<>, u64), Diagnostic> {
    let (mut file, size) = open(path, shown)?;
    let mut head = Vec::new();
    let read = (&mut file).take(8_192).read_to_end(&mut head);
    if let Err(error) = read {
        return Err(error!(E0903, None, "`{shown}` cannot be read: {error}"; help: "look at its permissions"));
    }
    let help = match head.as_slice() {
        [0x1F, 0x8B, ..] => Some("it is compressed: unpack it with `gunzip`"),
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => Some("it looks like UTF-16: save it as UTF-8"),
        [b'P', b'A', b'R', b'1', ..] => Some("it looks like Parquet: let its name end in `.parquet`"),
        _ if head.contains(&0) => Some("it looks like a program's own form: save it as text in UTF-8"),
        _ => None,
    };
    match help {
        Some(help) => Err(error!(E0905, None, "`{shown}` is not a text file"; help: help)),
        None => Ok((io::Cursor::new(head).chain(file), size)),
    }
}
