//! Streams: rows are counted as they come, and the states of rollups are brought to a warehouse.
//!
//! ClickHouse itself is one of the engines ([`super::clickhouse`] makes its files, in terms of the rollups that are there). The
//! others are told what to count ([`Given`]), and write results of windows to tables of the warehouse, its inlets, out of
//! which it makes the states.

mod ksqldb;
mod risingwave;
mod spark;

use super::{Emitted, Input, clickhouse};
use crate::diagnostic::Diagnostics;
use crate::error;
use crate::plan::{ExprKind, Input as Of, Join, Query, Step, Table};
use crate::project::{self, StreamingTarget, Target};
use crate::rollup::Rollup;
use crate::sql::stream::Windows;
use crate::sql::{Calendar, Unsupported};
use crate::value::time::DAY_MS;

/// What an engine other than the warehouse is given.
pub struct Given<'a> {
    /// All tables and how rows come in.
    pub input: &'a Input,
    /// The name of the streaming target.
    pub target: &'a str,
    /// Its settings.
    pub stream: &'a StreamingTarget,
    /// The name of the warehouse.
    pub warehouse: &'a str,
    /// The sources whose rows it counts.
    pub sources: Vec<Source<'a>>,
    /// The project's zone and week.
    pub calendar: Calendar,
}

/// A source and what is counted of it.
pub struct Source<'a> {
    /// The place of its table.
    pub place: usize,
    /// Its table: columns, key and time.
    pub table: &'a Table,
    /// The topic of Kafka that its messages come from.
    pub topic: &'a str,
    /// The column that says when a row reached us.
    pub arrived: Option<&'a str>,
    /// How late a row may come, in milliseconds. That it is said was checked.
    pub lateness: i64,
    /// What is counted.
    pub windows: Vec<Window<'a>>,
}

/// A rollup that is counted.
pub struct Window<'a> {
    /// What is kept.
    pub rollup: &'a Rollup,
    /// The name of its table without the database; it ends with a hash of what it says.
    pub name: String,
    /// Where the plain results go, where there are some.
    pub plain: Option<Inlet>,
    /// Where values of the states that need them go.
    pub values: Vec<Inlet>,
}

/// A table of the warehouse that takes results of windows, each at least once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inlet {
    /// Its database and its name, as they are, not as SQL.
    pub table: (String, String),
    /// The state whose values it takes; none for plain results.
    pub state: Option<usize>,
    /// Its columns with their types in ClickHouse: `_t`, `_d0` …, then `_s0` … or `_v` and `_n`.
    pub columns: Vec<(String, String)>,
}

/// A file of an engine.
pub struct File {
    /// In the folder of the target.
    pub name: String,
    /// What it holds, for its first line.
    pub what: String,
    /// Statements or settings.
    pub text: String,
    /// The declarations it was made from.
    pub origin: Vec<String>,
}

/// Results of windows that wait in a topic of Kafka for an inlet.
pub struct Arrival<'a> {
    /// The rollup that is counted.
    pub rollup: &'a Rollup,
    /// Where they go.
    pub inlet: &'a Inlet,
    /// Where they wait: one object of JSON each, as [`crate::sql::inlet::arrived`] reads it.
    pub topic: String,
}

/// An engine other than the warehouse.
pub trait Engine: Sync {
    /// How it prints what is counted.
    fn windows(&self) -> &dyn Windows;

    /// Its files, in the order of their application; what it cannot do is told.
    fn files(&self, given: &Given, diagnostics: &mut Diagnostics) -> Vec<File>;

    /// What takes all of it away again, which is not applied with the others.
    fn rollback(&self, _given: &Given) -> Option<File> {
        None
    }

    /// Whether it reads messages otherwise than the intake of the warehouse does, which a target has to allow.
    fn is_lenient(&self) -> bool {
        false
    }

    /// What the warehouse itself has to fetch for its inlets.
    fn arrivals<'a>(&self, _given: &'a Given) -> Vec<Arrival<'a>> {
        Vec::new()
    }

    /// What a line of a file of it begins with, by its name, to be a comment.
    fn comment(&self, _file: &str) -> &'static str {
        "-- "
    }
}

/// A length of time in words of the language.
pub fn duration(ms: i64) -> String {
    match ms {
        0 => "0s".to_owned(),
        ms if ms % DAY_MS == 0 => format!("{}d", ms / DAY_MS),
        ms if ms % 3_600_000 == 0 => format!("{}h", ms / 3_600_000),
        ms if ms % 60_000 == 0 => format!("{}m", ms / 60_000),
        ms if ms % 1000 == 0 => format!("{}s", ms / 1000),
        ms => format!("{ms}ms"),
    }
}

/// A table whose key and time are never null: a message without them is no row.
fn without_nulls(table: &Table) -> Table {
    let mut table = table.clone();
    let tells = |name: &String| table.clean.key.contains(name) || table.clean.time.as_ref() == Some(name);
    let known: Vec<bool> = table.columns.iter().map(|column| tells(&column.name)).collect();
    for (column, known) in table.columns.iter_mut().zip(known) {
        column.nullable &= !known;
    }
    table
}

/// Whether a window reads a column of its rows.
fn reads(window: &Window, column: &str) -> bool {
    let rollup = window.rollup;
    let states = rollup.states.iter().flat_map(|state| state.argument.iter().chain(&state.filter));
    let states = states.chain(rollup.joins.iter().flat_map(Join::expressions));
    let mut found = false;
    for expr in states.chain(rollup.dimensions.iter().map(|dimension| &dimension.value)) {
        expr.walk(&mut |part| {
            found |= matches!(&part.kind, ExprKind::Column { input: Of::Base, name } if name == column);
        });
    }
    found
}

/// Tells what an engine cannot do.
fn tell(engine: &str, source: &str, refused: Vec<Unsupported>, diagnostics: &mut Diagnostics) {
    for Unsupported { construct, reason } in refused {
        diagnostics.push(error!(E0830, None, "{engine} cannot express {construct} in the stream of `{source}`";
            help: ("{reason}")));
    }
}

/// In one line, for a comment.
fn line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

/// The engine of a dialect; none for the warehouse itself.
pub fn engine(of: project::Engine) -> Option<&'static dyn Engine> {
    match of {
        project::Engine::Clickhouse => None,
        project::Engine::Risingwave => Some(&risingwave::RisingWave),
        project::Engine::Spark => Some(&spark::Spark),
        project::Engine::Ksqldb => Some(&ksqldb::KsqlDb),
    }
}

/// Why an engine cannot count what a question asks for, in a sentence with the number of the rule; none where it can.
pub fn refusal(query: &Query, of: project::Engine, step: Step) -> Option<String> {
    query.table_scans().iter().find_map(|scan| clickhouse::refusal(of, scan, step))
}

/// Makes the artefacts of a stream.
pub fn emit(input: &Input, target: &Target, settings: &StreamingTarget) -> (Emitted, Diagnostics) {
    match &settings.into {
        Some((name, warehouse)) => clickhouse::stream(input, target, settings, (name, warehouse)),
        // That it has no warehouse was told when it was read.
        None => (Emitted { artifacts: Vec::new(), details: serde_json::Value::Null }, Diagnostics::new()),
    }
}
