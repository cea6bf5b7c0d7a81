//! What samples tell of tables: how many different values a column has.
//!
//! Only the first part of a large sample is read, and values are told apart by hashes of their texts: this is for plans, which
//! need no exact numbers. What cannot be read is left out; the dry run tells what is wrong with a sample.

use std::fs::File;
use std::hash::{Hash, Hasher};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use rayon::prelude::*;
use rustc_hash::{FxHashSet, FxHasher};

use super::records::Records;
use super::sample::{Format, find};
use crate::plan::{StoredColumn, Table};
use crate::rollup::{Statistics, TableStatistics};

/// How many bytes of a sample are read.
pub const PREFIX: u64 = 1 << 24;

/// The statistics of stored tables, from their samples in a folder.
pub fn of_samples(tables: &[Table], folder: &Path) -> Statistics {
    let of = |table: &Table| if table.is_derived() { None } else { of_sample(table, folder) };
    Statistics { tables: tables.par_iter().map(of).collect() }
}

fn of_sample(table: &Table, folder: &Path) -> Option<TableStatistics> {
    let files = find(table, folder).ok()?;
    let mut counter = Counter::new(table);
    let mut left = PREFIX;
    for (path, _) in &files.paths {
        let input = File::open(path).ok().filter(|file| file.metadata().is_ok_and(|kind| kind.is_file()))?;
        let size = input.metadata().ok()?.len();
        let input = input.take(left);
        match files.format {
            Format::Csv => counter.csv(input)?,
            Format::Ndjson => counter.ndjson(input)?,
            // Its values are in no form that could be read here.
            Format::Parquet => return None,
        }
        left = left.saturating_sub(size);
    }
    Some(counter.statistics())
}

struct Counter<'t> {
    table: &'t Table,
    /// Hashes of the texts of each column.
    values: Vec<FxHashSet<u64>>,
}

impl<'t> Counter<'t> {
    fn new(table: &'t Table) -> Counter<'t> {
        Counter { table, values: vec![FxHashSet::default(); table.columns.len()] }
    }

    fn csv(&mut self, input: impl Read) -> Option<()> {
        let mut records = Records::new(input);
        let header = records.next(true).ok()??;
        let names: Vec<&str> = (0..header.cells()).map(|at| header.get(at).unwrap_or_default()).collect();
        let place = |column: &StoredColumn| names.iter().position(|name| *name == column.name);
        let places: Vec<usize> = self.table.columns.iter().map(place).collect::<Option<_>>()?;
        let width = names.len();
        // The last record may be cut short: what does not read ends the part.
        while let Ok(Some(record)) = records.next(self.table.columns.len() > 1) {
            if record.cells() == width {
                self.row(|at| record.get(places[at]));
            }
        }
        Some(())
    }

    fn ndjson(&mut self, input: impl Read) -> Option<()> {
        for line in BufReader::new(input).lines() {
            let Ok(object) = serde_json::from_str::<serde_json::Map<_, _>>(&line.ok()?) else { continue };
            let cells: Vec<Option<String>> = (self.table.columns.iter())
                .map(|column| match object.get(&column.name)? {
                    serde_json::Value::Null => None,
                    serde_json::Value::String(text) => Some(text.clone()),
                    other => Some(other.to_string()),
                })
                .collect();
            self.row(|at| cells[at].as_deref());
        }
        Some(())
    }

    fn row<'c>(&mut self, cell: impl Fn(usize) -> Option<&'c str>) {
        for (at, values) in self.values.iter_mut().enumerate() {
            if let Some(text) = cell(at) {
                let mut hasher = FxHasher::default();
                text.hash(&mut hasher);
                values.insert(hasher.finish());
            }
        }
    }

    fn statistics(self) -> TableStatistics {
        let distinct = self.values.iter().map(|values| values.len() as u64).collect();
        TableStatistics { distinct, rows_a_day: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Clean, DataType, Encoding, Keep, Origin};

    fn table() -> Table {
        let column = |name: &str, ty: DataType| StoredColumn {
            name: name.to_owned(),
            ty,
            nullable: true,
            encoding: Encoding::Native,
            domain: Vec::new(),
        };
        Table {
            name: "call".to_owned(),
            physical: "dwd.call".to_owned(),
            sample: None,
            columns: vec![column("at", DataType::Timestamp), column("api", DataType::String)],
            clean: Clean { key: Vec::new(), keep: Keep::Earliest, time: Some("at".to_owned()) },
            origin: Origin::Stored,
            history: None,
        }
    }

    fn of(name: &str, text: &str) -> Option<TableStatistics> {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join(name), text).expect("a file");
        of_sample(&table(), folder.path())
    }

    #[test]
    fn values_are_counted() {
        let wanted = TableStatistics { distinct: vec![3, 2], rows_a_day: None };
        let csv = "api,at\na,2026-11-01 00:00:00\na,2026-11-03 23:59:59\n\"\",2026-11-02 00:00:00\n,\n";
        assert_eq!(of("call.csv", csv), Some(wanted.clone()));
        let lines = [
            r#"{"api": "a", "at": "2026-11-01 00:00:00"}"#,
            r#"{"api": "a", "at": "2026-11-03 23:59:59"}"#,
            r#"{"api": "", "at": "2026-11-02 00:00:00"}"#,
            r#"{"api": null}"#,
        ];
        assert_eq!(of("call.ndjson", &lines.join("\n")), Some(wanted));
    }

    #[test]
    fn what_does_not_read_tells_nothing() {
        assert_eq!(of("call.csv", "api\na\n"), None);
        assert_eq!(of("call.parquet", "PAR1"), None);
        assert_eq!(of("other.csv", "api,at\n"), None);
    }
}
