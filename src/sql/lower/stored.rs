//! Rollups: the SELECTs that fill them, and scans that read them in place of their source.

use sqlparser::ast::{Expr as Sql, ObjectName, Query, SelectItem};

use super::Lowering;
use super::read::{BASE, Rows};
use crate::plan::{DataType, Expr, Measure, Scan, Step};
use crate::rollup::{Part, State, conditions, parts};
use crate::sql::build::{self, Parts};
use crate::sql::dialect::{Kept, States, Unsupported};

/// The alias of a rollup's rows.
const ROLLUP: &str = "r";

/// A rollup at one step.
#[derive(Clone, Debug, Hash)]
pub struct Stored<'a> {
    /// Its table.
    pub table: ObjectName,
    /// Its step.
    pub step: Step,
    /// Its states, in the columns `_s0`, `_s1` …
    pub states: &'a [State],
}

/// A column of a rollup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredColumn {
    /// Its name: `_t`, `_d0` …, `_s0` …
    pub name: String,
    /// Its type in the dialect.
    pub ty: String,
    /// Whether it is part of the key.
    pub is_key: bool,
}

impl Lowering<'_> {
    /// The columns of a rollup: key, dimensions, states.
    pub(super) fn stored_columns(&self, scan: &Scan, states: &[State], how: &dyn States) -> Vec<StoredColumn> {
        let step = self.query.step.unwrap_or(Step::Day);
        let key = StoredColumn { name: "_t".to_owned(), ty: how.key_type(step, self.calendar), is_key: true };
        let dimensions = scan.dimensions.iter().flatten().enumerate().map(|(at, dimension)| StoredColumn {
            name: format!("_d{at}"),
            ty: how.dimension_type(dimension, self.calendar),
            is_key: true,
        });
        let (order, keyed) = self.order_types(scan);
        let kept = states.iter().enumerate().map(|(at, state)| StoredColumn {
            name: format!("_s{at}"),
            ty: how.state_type(state, &order, keyed, self.calendar),
            is_key: false,
        });
        std::iter::once(key).chain(dimensions).chain(kept).collect()
    }

    /// The types of what orders rows, and whether that names one row.
    fn order_types(&self, scan: &Scan) -> (Vec<DataType>, bool) {
        let Some(table) = scan.table().map(|table| &self.tables[table]) else { return (Vec::new(), true) };
        let key = table.clean.key.iter().filter_map(|key| table.columns.iter().find(|column| column.name == *key));
        let time = scan.time.iter().map(|time| time.ty.clone());
        (time.chain(key.map(|column| column.ty.clone())).collect(), !table.clean.key.is_empty())
    }

    /// The states of a scan's rows. `added` reads the stored table itself, so that its inserts are seen.
    pub(super) fn states_select(&self, scan: &Scan, states: &[State], how: &dyn States, added: bool) -> Query {
        let leaves = Rows(self.dialect);
        let mut projection: Vec<SelectItem> = self.keys(scan);
        for (item, dimension) in projection.iter_mut().skip(1).zip(scan.dimensions.iter().flatten()) {
            if let SelectItem::ExprWithAlias { expr, .. } = item
                && !dimension.nullable
            {
                *expr = self.dialect.not_null(expr.clone());
            }
        }
        let (order, keyed) = self.row_order(scan);
        for (at, state) in states.iter().enumerate() {
            let argument = state.argument.as_ref().map(|argument| {
                let mut operand = self.operand(argument, &leaves, false);
                operand.sql = self.settled(argument, &leaves);
                operand
            });
            let filter = build::all(state.filter.iter().map(|part| self.condition(part, &leaves)));
            let kept = Kept { part: state.part, argument, filter, order: order.clone(), keyed };
            projection.push(build::item(how.keep(&kept, self.calendar), build::ident(&format!("_s{at}"))));
        }
        let filters = super::filter::Filters { rows: Vec::new(), measures: Vec::new() };
        let mut parts = self.scan_parts(scan, &filters, projection);
        if let Some(table) = scan.table().filter(|_| added) {
            let used = scan.columns(self.tables);
            let all = self.tables[table].columns.iter().map(|column| column.name.as_str());
            let columns: Vec<&str> = all.filter(|name| used.contains(&(table, name))).collect();
            parts.from = Some(build::derived(self.clean_rows(table, &columns), BASE));
        }
        parts.query()
    }

    /// The states of a coarser step, from those of a finer one.
    pub(super) fn coarser_select(&self, scan: &Scan, from: &Stored, how: &dyn States) -> Query {
        let step = self.query.step.unwrap_or(Step::Day);
        let (mut projection, group_by) = self.stored_keys(scan, from, Some(step));
        for (at, state) in from.states.iter().enumerate() {
            let name = build::ident(&format!("_s{at}"));
            let merged = how.merge(state.part, build::column(ROLLUP, name.clone()));
            projection.push(build::item(merged, name));
        }
        Parts { projection, from: Some(build::table(from.table.clone(), ROLLUP)), group_by, ..Parts::default() }.query()
    }

    /// The key and the dimensions of a rollup's rows at a coarser step, as columns and as what to group by.
    fn stored_keys(&self, scan: &Scan, from: &Stored, step: Option<Step>) -> (Vec<SelectItem>, Vec<Sql>) {
        let stored = build::column(ROLLUP, build::ident("_t"));
        let time = step.map(|step| {
            let key = if step == from.step {
                stored
            } else {
                let start = self.dialect.bucket_start(stored, from.step, self.calendar);
                self.dialect.bucket_key(start, step, self.calendar)
            };
            (key, build::ident("_t"))
        });
        let dimensions = (0..scan.dimensions.len()).map(|at| {
            let name = build::ident(&format!("_d{at}"));
            (build::column(ROLLUP, name.clone()), name)
        });
        let keys: Vec<_> = time.into_iter().chain(dimensions).collect();
        let group_by = keys.iter().map(|(key, _)| key.clone()).collect();
        (keys.into_iter().map(|(key, name)| build::item(key, name)).collect(), group_by)
    }

    /// A scan's keys out of a rollup.
    pub(super) fn stored_parts(&self, scan: &Scan, from: &Stored) -> Parts {
        let (projection, group_by) = self.stored_keys(scan, from, self.query.step);
        let from = Some(build::table(from.table.clone(), ROLLUP));
        Parts { projection, from, group_by, ..Parts::default() }
    }

    /// A measure out of a rollup.
    pub(super) fn stored_measure(&self, scan: &Scan, measure: &Measure, from: &Stored, how: &dyn States) -> Sql {
        let filter = conditions(scan, measure.filter.as_ref());
        let columns: Vec<Sql> = parts(&measure.aggregate)
            .into_iter()
            .map(|(part, argument)| self.state_column(from, part, argument, &filter))
            .collect();
        how.finish(&measure.aggregate, &measure.ty, &columns)
    }

    /// The number of rows that satisfy a filter, out of a rollup.
    pub(super) fn stored_count(&self, filter: &[&Expr], from: &Stored, how: &dyn States) -> Sql {
        let column = self.state_column(from, Part::Count, None, filter);
        how.finish(&crate::plan::Aggregate::CountRows, &DataType::Int, &[column])
    }

    fn state_column(&self, from: &Stored, part: Part, argument: Option<&Expr>, filter: &[&Expr]) -> Sql {
        let same = |state: &State| {
            let filters = state.filter.len() == filter.len() && state.filter.iter().zip(filter).all(|(a, b)| a == *b);
            state.part == part && state.argument.as_ref() == argument && filters
        };
        match from.states.iter().position(same) {
            Some(at) => build::column(ROLLUP, build::ident(&format!("_s{at}"))),
            None => {
                self.fail(Unsupported {
                    construct: "a rollup".to_owned(),
                    reason: format!("`{}` lacks a state of the question; report this as a bug", from.table),
                });
                build::null()
            }
        }
    }
}
