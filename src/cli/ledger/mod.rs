//! The ledger of double runs: a line a day and metric, only ever added to.

mod file;
mod table;

use std::path::PathBuf;

use super::{Stop, ready::Ready, server};
use crate::change::verify::Entry;
use crate::diagnostic::{Diagnostics, Span};
use crate::error;
use crate::project::LedgerPlace;

/// Where verdicts are recorded.
pub enum Ledger {
    /// A file with a line of JSON an entry.
    File(PathBuf),
    /// A table of ClickHouse.
    Table(Box<table::Table>),
}

impl Ledger {
    /// The ledger of a project. Nothing is read or made yet; warnings are about how the server is reached.
    pub fn of(ready: &Ready, warnings: &mut Diagnostics) -> Result<Ledger, Stop> {
        match &ready.project.config.ledger {
            LedgerPlace::File(path) => Ok(Ledger::File(ready.project.root.join(path))),
            LedgerPlace::Table { target, table } => {
                let client = server::client(ready, &target.value, Some(target.span), warnings)?;
                Ok(Ledger::Table(Box::new(table::Table::new(client, &table.value))))
            }
        }
    }

    /// All entries of a change, and what is to be told of lines that are none.
    pub fn read(&self, change: &str, from: u32, to: u32) -> Result<(Vec<Entry>, Option<String>), Stop> {
        let (mut entries, note) = match self {
            Ledger::File(path) => file::read(path)?,
            Ledger::Table(table) => (table.read(change)?, None),
        };
        entries.retain(|entry| entry.change == change && entry.from == from && entry.to == to);
        Ok((entries, note))
    }

    /// Adds entries; all of them are there for good when this comes back.
    pub fn append(&self, entries: &[Entry]) -> Result<(), Stop> {
        match self {
            _ if entries.is_empty() => Ok(()),
            Ledger::File(path) => file::append(path, entries),
            Ledger::Table(table) => table.append(entries),
        }
    }

    /// Where it is, for people.
    pub fn place(&self) -> String {
        match self {
            Ledger::File(path) => path.display().to_string(),
            Ledger::Table(table) => table.place(),
        }
    }
}

/// A line of the ledger that says nothing.
fn damaged(place: &str, why: &str, span: Option<Span>) -> Stop {
    error!(E0992, span, "{place} of the ledger can't be read: {why}";
        help: "restore the ledger from version control or a backup: without the line a bad day might be missing")
    .into()
}
