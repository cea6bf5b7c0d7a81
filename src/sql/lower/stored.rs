//! Rollups: the SELECTs that fill them, and their columns.

use sqlparser::ast::{Expr as Sql, ObjectName, Query, SelectItem};

use super::Lowering;
use super::filling::{SIDE, Side, Source};
use super::layers::{Built, Read};
use super::read::{BASE, Rows};
use crate::plan::{DataType, Expr, ExprKind, Input, Scan, Step};
use crate::rollup::{Rollup, State};
use crate::sql::build::{self, Parts};
use crate::sql::dialect::{Kept, ReadState, States};

/// The alias of a rollup's rows.
pub(super) const ROLLUP: &str = "r";

/// A rollup at one step.
#[derive(Clone, Debug, Hash)]
pub struct Stored<'a> {
    /// Its table.
    pub table: ObjectName,
    /// Its step.
    pub step: Step,
    /// What it keeps: its states are in the columns `_s0`, `_s1` …, its dimensions in `_d0`, `_d1` …
    pub rollup: &'a Rollup,
    /// What its batch has built. None where rows are added as they arrive.
    pub built: Option<Built>,
    /// For how many days its buckets are kept: older ones may be there in part. None for ever.
    pub kept: Option<u32>,
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
    /// The columns of a rollup: key, dimensions, side of the cut-over, states.
    pub(super) fn stored_columns(
        &self,
        scan: &Scan,
        states: &[State],
        how: &dyn States,
        side: Option<Side>,
    ) -> Vec<StoredColumn> {
        let step = self.query.step.unwrap_or(Step::Day);
        let key = StoredColumn { name: "_t".to_owned(), ty: how.key_type(step, self.calendar), is_key: true };
        let dimensions = scan.dimensions.iter().flatten().enumerate().map(|(at, dimension)| StoredColumn {
            name: format!("_d{at}"),
            ty: how.dimension_type(dimension, self.calendar),
            is_key: true,
        });
        let side = side.map(|_| StoredColumn { name: SIDE.to_owned(), ty: how.flag_type().to_owned(), is_key: true });
        let (order, keyed) = self.order_types(scan);
        let kept = states.iter().enumerate().map(|(at, state)| StoredColumn {
            name: format!("_s{at}"),
            ty: how.state_type(state, &order, keyed, self.calendar),
            is_key: false,
        });
        std::iter::once(key).chain(dimensions).chain(side).chain(kept).collect()
    }

    /// The types of what orders rows, and whether that names one row.
    fn order_types(&self, scan: &Scan) -> (Vec<DataType>, bool) {
        let Some(table) = scan.table().map(|table| &self.tables[table]) else { return (Vec::new(), true) };
        // The time may be a part of the key.
        let is_time = |key: &str| {
            let time = scan.time.as_ref().map(|time| &time.kind);
            matches!(time, Some(ExprKind::Column { input: Input::Base, name }) if name == key)
        };
        let key = table.clean.key.iter().filter(|key| !is_time(key));
        let key = key.filter_map(|key| table.columns.iter().find(|column| column.name == *key));
        let time = scan.time.iter().map(|time| time.ty.clone());
        (time.chain(key.map(|column| column.ty.clone())).collect(), !table.clean.key.is_empty())
    }

    /// The states of a scan's rows, by buckets of a step (where there is one), its dimensions, and what its last rows are told
    /// apart by.
    pub(super) fn states_parts(
        &self,
        scan: &Scan,
        states: &[State],
        how: &dyn States,
        of: &Source,
        step: Option<Step>,
    ) -> Parts {
        let leaves = Rows(self.dialect);
        let mut keys: Vec<SelectItem> = self.bucket_item(scan, step).into_iter().collect();
        let mut projection = keys.clone();
        for (item, dimension) in self.dimension_items(scan).into_iter().zip(&scan.dimensions) {
            let item = match (item, dimension) {
                (SelectItem::ExprWithAlias { expr, alias }, Some(value)) if !value.nullable => {
                    build::item(self.dialect.not_null(expr), alias)
                }
                (item, _) => item,
            };
            // One that is left out is a constant, and no key.
            keys.extend(dimension.is_some().then(|| item.clone()));
            projection.push(item);
        }
        for (at, value) in scan.last.iter().flat_map(|last| &last.per).enumerate() {
            let item = build::item(self.settled(value, &leaves), build::ident(&format!("_p{at}")));
            keys.push(item.clone());
            projection.push(item);
        }
        let group_by = self.group_by(scan, keys.iter());
        projection.extend(of.side().map(|side| build::item(side.value(), build::ident(SIDE))));
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
        let mut parts = self.scan_parts(scan, &Read::Source, &filters, projection);
        parts.group_by = group_by;
        // Not out of a view, so that inserts are seen and rows of other keys are left out.
        if let Source::Feed(feed) = of {
            parts.from = Some(build::table(feed.clone(), BASE));
        } else if let Some(table) = scan.table().filter(|_| !matches!(of, Source::Clean)) {
            let used = scan.columns(self.tables);
            let all = self.tables[table].columns.iter().map(|column| column.name.as_str());
            let columns: Vec<&str> =
                all.filter(|name| used.contains(&(table, name)) || of.arrived() == Some(*name)).collect();
            parts.from = Some(build::derived(self.clean_rows(table, &columns), BASE));
        }
        parts.filter = build::all(parts.filter.into_iter().chain(self.source_filter(scan, of)));
        parts
    }

    /// The states of a coarser step, from those of a finer one.
    pub(super) fn coarser_select(&self, scan: &Scan, from: &Stored, how: &dyn States, side: Option<Side>) -> Query {
        let step = self.query.step.unwrap_or(Step::Day);
        let (mut projection, group_by) = self.stored_keys(scan, from, Some(step));
        projection.extend(side.map(|side| build::item(side.value(), build::ident(SIDE))));
        for (at, state) in from.rollup.states.iter().enumerate() {
            let name = build::ident(&format!("_s{at}"));
            let merged = how.merge(state.part, ReadState { column: build::column(ROLLUP, name.clone()), filter: None });
            projection.push(build::item(merged, name));
        }
        Parts { projection, from: Some(build::table(from.table.clone(), ROLLUP)), group_by, ..Parts::default() }.query()
    }

    /// The bucket of a rollup's row, at its step or a coarser one.
    pub(super) fn stored_bucket(&self, from: &Stored, step: Step) -> Sql {
        self.rebucketed(build::column(ROLLUP, build::ident("_t")), from.step, step)
    }

    /// The first instant of the bucket of a rollup's row.
    pub(super) fn stored_start(&self, from: &Stored) -> Sql {
        self.dialect.bucket_start(build::column(ROLLUP, build::ident("_t")), from.step, self.calendar)
    }

    /// The key of a bucket, as that of the coarser bucket that it is in.
    pub(super) fn rebucketed(&self, key: Sql, from: Step, to: Step) -> Sql {
        if to == from {
            return key;
        }
        self.dialect.bucket_key(self.dialect.bucket_start(key, from, self.calendar), to, self.calendar)
    }

    /// What a scan tells apart, out of a rollup's rows at a coarser step, as columns and as what to group by.
    pub(super) fn stored_keys(&self, scan: &Scan, from: &Stored, step: Option<Step>) -> (Vec<SelectItem>, Vec<Sql>) {
        let kept = |value: &Expr| match from.rollup.dimension(value, &scan.joins) {
            Some(place) => build::column(ROLLUP, build::ident(&format!("_d{place}"))),
            None => self.lacks(&format!("`{}`", from.table), "dimension"),
        };
        let (mut items, mut group_by) = (Vec::new(), Vec::new());
        if let Some(step) = step {
            let key = self.stored_bucket(from, step);
            group_by.push(key.clone());
            items.push(build::item(key, build::ident("_t")));
        }
        for (at, value) in scan.dimensions.iter().enumerate() {
            let column = match value {
                Some(value) => {
                    group_by.push(kept(value));
                    kept(value)
                }
                // One that is left out is a constant, and no key.
                None => self.dialect.typed_null(&self.query.dimensions[at].ty, self.calendar),
            };
            items.push(build::item(column, build::ident(&format!("_d{at}"))));
        }
        for (at, value) in scan.last.iter().flat_map(|last| &last.per).enumerate() {
            group_by.push(kept(value));
            items.push(build::item(kept(value), build::ident(&format!("_p{at}"))));
        }
        (items, group_by)
    }
}
