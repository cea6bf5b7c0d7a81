//! From the plan to one SELECT.

mod batch;
mod clean;
mod combine;
mod escape;
mod expr;
mod filter;
mod layers;
mod scan;
mod stored;

use std::cell::RefCell;
use std::collections::BTreeSet;

use sqlparser::ast::{Ident, Query};

use super::Options;
use stored::Of;

pub use batch::{Batch, Days, single};
pub use layers::Layer;
pub use stored::{Stored, StoredColumn};

use super::build;
use super::dialect::{Calendar, Dialect, Unsupported};
use crate::plan;
use crate::rollup::{Cadence, State};

/// The state of one lowering.
pub(super) struct Lowering<'a> {
    query: &'a plan::Query,
    dialect: &'a dyn Dialect,
    options: &'a Options,
    calendar: Calendar,
    /// The layers of each scan, or none at all.
    stored: &'a [Vec<Layer<'a>>],
    /// The batch whose days are read.
    run: Option<Cadence>,
    errors: RefCell<Vec<Unsupported>>,
}

/// Lowers a question; its scans read their sources, or the layers told for each.
pub fn query(
    query: &plan::Query,
    dialect: &dyn Dialect,
    options: &Options,
    stored: &[Vec<Layer>],
) -> Result<Query, Vec<Unsupported>> {
    let mut lowering = Lowering::new(query, dialect, options);
    lowering.stored = stored;
    let (body, starts) = lowering.answer();
    let mut tables = if options.clean_views.is_none() { lowering.clean_tables() } else { Vec::new() };
    tables.extend(starts);
    let errors = lowering.errors.into_inner();
    if errors.is_empty() { Ok(build::with(body, tables)) } else { Err(errors) }
}

/// The clean rows of a table, all columns.
pub fn clean(query: &plan::Query, table: usize, dialect: &dyn Dialect) -> Query {
    let options = Options::default();
    let lowering = Lowering::new(query, dialect, &options);
    let columns: Vec<&str> = query.tables[table].columns.iter().map(|column| column.name.as_str()).collect();
    lowering.clean_rows(table, &columns)
}

/// What makes a rollup at one step.
pub struct Filling {
    /// Its columns.
    pub columns: Vec<StoredColumn>,
    /// The SELECT that fills it.
    pub select: Query,
}

/// The rollup that `query` asks for (see [`crate::rollup::Rollup::question`]), filled as told.
pub fn filling(
    query: &plan::Query,
    states: &[State],
    from: Source,
    dialect: &dyn Dialect,
    options: &Options,
) -> Result<Filling, Vec<Unsupported>> {
    let mut lowering = Lowering::new(query, dialect, options);
    let unable = || vec![Unsupported { construct: "a rollup".to_owned(), reason: "it keeps no states".to_owned() }];
    let (Some(how), Some(scan)) = (dialect.states(), query.scans.first()) else { return Err(unable()) };
    let columns = lowering.stored_columns(scan, states, how);
    let of = match from {
        Source::Stored => Of::Stored,
        Source::Clean => Of::Clean,
        Source::Days(cadence) => Of::Days(cadence),
        Source::Finer(from) => {
            let select = lowering.coarser_select(scan, &from, how);
            return Ok(Filling { columns, select });
        }
    };
    if let Of::Days(cadence) = of {
        lowering.run = Some(cadence);
    }
    let select = lowering.states_parts(scan, states, how, of).query();
    let errors = lowering.errors.into_inner();
    if errors.is_empty() { Ok(Filling { columns, select }) } else { Err(errors) }
}

/// The days that a batch has to build: rows of one array of days each. `like` gives tables, zone and week.
pub fn batch_days(
    batch: &Batch,
    days: Days,
    like: &plan::Query,
    dialect: &dyn Dialect,
) -> Result<Query, Vec<Unsupported>> {
    let options = Options::default();
    let lowering = Lowering::new(like, dialect, &options);
    let unable = || vec![Unsupported { construct: "a batch".to_owned(), reason: "it has no partitions".to_owned() }];
    let select = lowering.batch_days(batch, days, dialect.batches().ok_or_else(unable)?);
    let errors = lowering.errors.into_inner();
    if errors.is_empty() { Ok(select) } else { Err(errors) }
}

/// How many rows a rollup has of days that a batch is to build and that the source has no rows of any more: `rows`.
pub fn batch_gone(
    batch: &Batch,
    time: &plan::Expr,
    rollup: &Stored,
    like: &plan::Query,
    dialect: &dyn Dialect,
) -> Result<Query, Vec<Unsupported>> {
    let options = Options::default();
    let lowering = Lowering::new(like, dialect, &options);
    let unable = || vec![Unsupported { construct: "a batch".to_owned(), reason: "it has no partitions".to_owned() }];
    let select = lowering.batch_gone(batch, time, rollup, dialect.batches().ok_or_else(unable)?);
    let errors = lowering.errors.into_inner();
    if errors.is_empty() { Ok(select) } else { Err(errors) }
}

/// What a rollup is filled from.
pub enum Source<'a> {
    /// The rows of the stored table, as they arrive.
    Stored,
    /// The clean rows.
    Clean,
    /// The clean rows of the days of a batch.
    Days(Cadence),
    /// A finer rollup, as its rows arrive.
    Finer(Stored<'a>),
}

impl<'a> Lowering<'a> {
    fn new(query: &'a plan::Query, dialect: &'a dyn Dialect, options: &'a Options) -> Lowering<'a> {
        let calendar = Calendar { zone: query.zone, week_start: query.week_start };
        Lowering { query, dialect, options, calendar, stored: &[], run: None, errors: RefCell::default() }
    }

    fn name(&self, name: &str) -> Ident {
        self.dialect.identifier(name)
    }

    fn fail(&self, error: Unsupported) {
        let mut errors = self.errors.borrow_mut();
        if !errors.contains(&error) {
            errors.push(error);
        }
    }

    /// The clean rows of every table that a scan reads, with the columns that are used.
    fn clean_tables(&self) -> Vec<(Ident, Query)> {
        let tables: BTreeSet<usize> = self.query.scans.iter().flat_map(plan::Scan::tables).collect();
        tables
            .into_iter()
            .map(|table| {
                let columns = self.used_columns(table);
                (self.name(&self.clean_name(table)), self.clean_rows(table, &columns))
            })
            .collect()
    }
}
