//! From the plan to one SELECT.

mod answers;
mod clean;
mod combine;
mod edges;
mod escape;
mod expr;
mod filter;
mod moved;
mod read;
mod scan;
mod stored;

use std::cell::{Cell, RefCell};

use sqlparser::ast::{Ident, Query};

use super::Options;
pub use stored::{Stored, StoredColumn};

use super::build;
use super::dialect::{Calendar, Dialect, Unsupported};
use crate::plan;
use crate::rollup::State;
use crate::stack;

/// The state of one lowering.
pub(super) struct Lowering<'a> {
    query: &'a plan::Query,
    /// Those of the outermost query.
    tables: &'a [plan::Table],
    dialect: &'a dyn Dialect,
    options: &'a Options,
    calendar: Calendar,
    /// A rollup for each scan, or none at all.
    stored: &'a [Stored<'a>],
    /// How many queries this one is inside of.
    level: usize,
    errors: RefCell<Vec<Unsupported>>,
    /// An expression got too large, which was told: no other is worth the work.
    overgrown: Cell<bool>,
}

/// Lowers a question; its scans read their sources, or a rollup each.
pub fn query(
    query: &plan::Query,
    dialect: &dyn Dialect,
    options: &Options,
    stored: &[Stored],
) -> Result<Query, Vec<Unsupported>> {
    let mut lowering = Lowering::new(query, dialect, options);
    lowering.stored = stored;
    let (mut body, starts) = lowering.answer();
    if lowering.looks_up_intervals(query) {
        body.settings = dialect.interval_join_settings();
    }
    let mut tables = if options.clean_views.is_none() { lowering.clean_tables() } else { Vec::new() };
    tables.extend(starts);
    let errors = lowering.errors.into_inner();
    if errors.is_empty() { Ok(build::with(body, tables)) } else { Err(errors) }
}

/// The clean rows of a table, all columns; those of a derived one out of the clean rows of others.
pub fn clean(query: &plan::Query, table: usize, dialect: &dyn Dialect, options: &Options) -> Query {
    let lowering = Lowering::new(query, dialect, options);
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
    stack::enough(|| filling_here(query, states, from, dialect, options))
}

fn filling_here(
    query: &plan::Query,
    states: &[State],
    from: Source,
    dialect: &dyn Dialect,
    options: &Options,
) -> Result<Filling, Vec<Unsupported>> {
    let lowering = Lowering::new(query, dialect, options);
    let unable = || vec![Unsupported { construct: "a rollup".to_owned(), reason: "it keeps no states".to_owned() }];
    let (Some(how), Some(scan)) = (dialect.states(), query.scans.first()) else { return Err(unable()) };
    let columns = lowering.stored_columns(scan, states, how);
    let mut select = match from {
        Source::Stored => lowering.states_select(scan, states, how, true),
        Source::Clean => lowering.states_select(scan, states, how, false),
        Source::Finer(finer) => lowering.coarser_select(scan, &finer, how),
    };
    if scan.joins.iter().any(|join| lowering.is_interval(join)) {
        select.settings = dialect.interval_join_settings();
    }
    let errors = lowering.errors.into_inner();
    if errors.is_empty() { Ok(Filling { columns, select }) } else { Err(errors) }
}

/// What a rollup is filled from.
pub enum Source<'a> {
    /// The rows of the stored table, as they arrive.
    Stored,
    /// The clean rows.
    Clean,
    /// A finer rollup, as its rows arrive.
    Finer(Stored<'a>),
}

impl<'a> Lowering<'a> {
    fn new(query: &'a plan::Query, dialect: &'a dyn Dialect, options: &'a Options) -> Lowering<'a> {
        let calendar = Calendar { zone: query.zone, week_start: query.week_start };
        let (errors, tables) = (RefCell::default(), query.tables.as_slice());
        Lowering {
            query,
            tables,
            dialect,
            options,
            calendar,
            stored: &[],
            level: 0,
            errors,
            overgrown: Cell::default(),
        }
    }

    /// The SELECT of a query that a scan reads, unordered; the clean rows are those of the outermost query.
    fn inner(&self, query: &plan::Query) -> Query {
        let mut inner = Lowering::new(query, self.dialect, self.options);
        inner.level = self.level + 1;
        inner.tables = self.tables;
        let (body, tables) = inner.answer();
        self.overgrown.set(self.overgrown.get() || inner.overgrown.get());
        inner.errors.into_inner().into_iter().for_each(|error| self.fail(error));
        build::with(body, tables)
    }

    /// A name of our own for a table beside the clean rows, unlike those of the queries around this one.
    fn own_name(&self, name: &str) -> Ident {
        match self.level {
            0 => build::ident(name),
            level => build::ident(&format!("{name}_{level}")),
        }
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
}
