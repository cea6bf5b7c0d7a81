//! Rollups: the SELECTs that fill them, and their columns.

use sqlparser::ast::{Expr as Sql, ObjectName, Query, SelectItem};

use super::Lowering;
use super::filling::{SIDE, Side, Source};
use super::read::{BASE, Rows};
use crate::plan::{DataType, Join, Scan, Step};
use crate::rollup::{Dimension, State, same};
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
    /// Its states, in the columns `_s0`, `_s1` …
    pub states: &'a [State],
    /// Its dimensions, in the columns `_d0`, `_d1` …
    pub dimensions: &'a [Dimension],
    /// The look-ups of states and dimensions.
    pub joins: &'a [Join],
    /// What a run of its batch completes: of a day or hour that is in the table, all is. None where rows are added as they
    /// arrive.
    pub built: Option<Step>,
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
        let key = table.clean.key.iter().filter_map(|key| table.columns.iter().find(|column| column.name == *key));
        let time = scan.time.iter().map(|time| time.ty.clone());
        (time.chain(key.map(|column| column.ty.clone())).collect(), !table.clean.key.is_empty())
    }

    /// The states of a scan's rows.
    pub(super) fn states_parts(&self, scan: &Scan, states: &[State], how: &dyn States, of: &Source) -> Parts {
        let leaves = Rows(self.dialect);
        let mut projection: Vec<SelectItem> = self.keys(scan);
        for (item, dimension) in projection.iter_mut().skip(1).zip(scan.dimensions.iter().flatten()) {
            if let SelectItem::ExprWithAlias { expr, .. } = item
                && !dimension.nullable
            {
                *expr = self.dialect.not_null(expr.clone());
            }
        }
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
        let mut parts = self.scan_parts(scan, &filters, projection);
        // Not out of a view, so that inserts are seen and rows of other keys are left out.
        if let Some(table) = scan.table().filter(|_| !matches!(of, Source::Clean)) {
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
        for (at, state) in from.states.iter().enumerate() {
            let name = build::ident(&format!("_s{at}"));
            let merged = how.merge(state.part, ReadState { column: build::column(ROLLUP, name.clone()), filter: None });
            projection.push(build::item(merged, name));
        }
        Parts { projection, from: Some(build::table(from.table.clone(), ROLLUP)), group_by, ..Parts::default() }.query()
    }

    /// The bucket of a rollup's row, at its step or a coarser one.
    pub(super) fn stored_bucket(&self, from: &Stored, step: Step) -> Sql {
        let stored = build::column(ROLLUP, build::ident("_t"));
        if step == from.step {
            return stored;
        }
        let start = self.dialect.bucket_start(stored, from.step, self.calendar);
        self.dialect.bucket_key(start, step, self.calendar)
    }

    /// The key and the dimensions of a rollup's rows at a coarser step, as columns and as what to group by.
    pub(super) fn stored_keys(&self, scan: &Scan, from: &Stored, step: Option<Step>) -> (Vec<SelectItem>, Vec<Sql>) {
        let time = step.map(|step| (self.stored_bucket(from, step), build::ident("_t")));
        let dimensions = scan.dimensions.iter().enumerate().map(|(at, value)| {
            let mut known = from.dimensions.iter();
            let place = value
                .as_ref()
                .and_then(|value| known.position(|known| same(value, &scan.joins, &known.value, from.joins)));
            let column = match place {
                Some(place) => build::column(ROLLUP, build::ident(&format!("_d{place}"))),
                None => self.lacks(&format!("`{}`", from.table), "dimension"),
            };
            (column, build::ident(&format!("_d{at}")))
        });
        let keys: Vec<_> = time.into_iter().chain(dimensions).collect();
        let group_by = keys.iter().map(|(key, _)| key.clone()).collect();
        (keys.into_iter().map(|(key, name)| build::item(key, name)).collect(), group_by)
    }
}
