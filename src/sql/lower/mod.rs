//! From the plan to one SELECT.

mod aliases;
mod answers;
mod batch;
mod clean;
mod combine;
mod edges;
mod expr;
mod filled;
mod filling;
mod filter;
mod finished;
mod layers;
mod layout;
mod moved;
mod named;
mod output;
mod read;
mod scan;
mod shared;
mod stored;

use std::cell::RefCell;
use std::collections::BTreeMap;

use sqlparser::ast::{Ident, Query};

use super::Options;
pub use batch::{Batch, Days, single};
pub use filling::{
    CutOver, Filling, Side, Source, backfill_months, batch_built, batch_days, batch_gone, batch_ready, filling,
};
pub use layers::{Built, Layer, Read};
pub use stored::{Stored, StoredColumn};

use super::build;
use super::dialect::{Calendar, Dialect, Unsupported};
use super::expr::Printer;
use crate::plan;
use crate::rollup::Cadence;

/// The state of one lowering.
pub(super) struct Lowering<'a> {
    query: &'a plan::Query,
    /// Those of the outermost query.
    tables: &'a [plan::Table],
    dialect: &'a dyn Dialect,
    options: &'a Options,
    calendar: Calendar,
    /// What each scan is read from; none where all are read from their sources.
    reads: &'a [Read<'a>],
    /// The batch whose days are read.
    run: Option<Cadence>,
    /// Whether rows count on the days of a daily batch alone, here and in the queries that are read.
    on_days: bool,
    /// How many queries this one is inside of.
    level: usize,
    /// Prints expressions, and remembers what can't be said.
    printer: Printer<'a>,
    /// What the first rows of members are found in, and others beside them, by the table of first rows.
    members: RefCell<BTreeMap<usize, Query>>,
}

/// Lowers a question; its scans read their sources, or what is told for each.
pub fn query(
    query: &plan::Query,
    dialect: &dyn Dialect,
    options: &Options,
    reads: &[Read],
) -> Result<Query, Vec<Unsupported>> {
    let mut lowering = Lowering::new(query, dialect, options);
    lowering.reads = reads;
    lowered(query, lowering)
}

/// The same over the days that a daily batch stages: an answer by day of those days alone.
pub fn query_on_days(query: &plan::Query, dialect: &dyn Dialect, options: &Options) -> Result<Query, Vec<Unsupported>> {
    let mut lowering = Lowering::new(query, dialect, options);
    lowering.run = Some(Cadence::Daily);
    lowering.on_days = true;
    lowered(query, lowering)
}

fn lowered(query: &plan::Query, lowering: Lowering<'_>) -> Result<Query, Vec<Unsupported>> {
    let (dialect, options) = (lowering.dialect, lowering.options);
    let (mut body, starts) = lowering.answer();
    if lowering.looks_up_intervals(query) {
        body.settings = dialect.interval_join_settings();
    }
    let mut tables = if options.clean_views.is_none() { lowering.clean_tables() } else { Vec::new() };
    tables.extend(starts);
    lowering.printer.made(())?;
    let mut made = build::with(body, tables);
    lowering.mark_shared(&mut made);
    let columns = query.columns();
    aliases::keep_apart(&mut made, &query.tables, columns.iter().map(|column| column.name.as_str()));
    dialect.look_up(&mut made, &options.dictionaries);
    if options.all_shards {
        dialect.read_all_shards(&mut made);
    }
    Ok(made)
}

/// The clean rows of a table, all columns; those of a derived one out of the clean rows of others.
pub fn clean(query: &plan::Query, table: usize, dialect: &dyn Dialect, options: &Options) -> Query {
    let lowering = Lowering::new(query, dialect, options);
    let columns: Vec<&str> = query.tables[table].columns.iter().map(|column| column.name.as_str()).collect();
    let mut made = lowering.clean_rows(table, &columns);
    aliases::keep_apart(&mut made, &query.tables, []);
    dialect.look_up(&mut made, &options.dictionaries);
    made
}

impl<'a> Lowering<'a> {
    fn new(query: &'a plan::Query, dialect: &'a dyn Dialect, options: &'a Options) -> Lowering<'a> {
        let calendar = Calendar { zone: query.zone, week_start: query.week_start };
        Lowering {
            query,
            tables: &query.tables,
            dialect,
            options,
            calendar,
            reads: &[],
            run: None,
            on_days: false,
            level: 0,
            printer: Printer::new(dialect, calendar),
            members: RefCell::default(),
        }
    }

    /// The SELECT of a query that a scan reads, unordered; the clean rows are those of the outermost query.
    fn inner(&self, query: &plan::Query, reads: &[Read]) -> Query {
        let mut inner = Lowering::new(query, self.dialect, self.options);
        inner.reads = reads;
        inner.level = self.level + 1;
        inner.tables = self.tables;
        inner.on_days = self.on_days;
        inner.run = self.run.filter(|_| self.on_days);
        let (body, tables) = inner.answer();
        self.printer.take_over(inner.printer);
        build::with(body, tables)
    }

    /// A name of our own for a table beside the clean rows, unlike those of the queries around this one.
    fn own_name(&self, name: &str) -> Ident {
        match self.level {
            0 => build::ident(name),
            level => build::ident(&format!("{name}_{level}")),
        }
    }

    /// What a scan is read from.
    fn read(&self, scan: usize) -> &Read<'a> {
        self.reads.get(scan).unwrap_or(&Read::Source)
    }

    fn name(&self, name: &str) -> Ident {
        self.dialect.identifier(name)
    }

    fn fail(&self, error: Unsupported) {
        self.printer.fail(error);
    }
}
