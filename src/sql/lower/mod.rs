//! From the plan to one SELECT.

mod batch;
mod clean;
mod combine;
mod escape;
mod expr;
mod filling;
mod filter;
mod layers;
mod scan;
mod stored;

use std::cell::RefCell;
use std::collections::BTreeSet;

use sqlparser::ast::{Ident, Query};

use super::Options;
pub use batch::{Batch, Days, single};
pub use filling::{CutOver, Filling, Side, Source, backfill_months, batch_days, batch_gone, filling};
pub use layers::Layer;
pub use stored::{Stored, StoredColumn};

use super::build;
use super::dialect::{Calendar, Dialect, Unsupported};
use crate::plan;
use crate::rollup::Cadence;

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
