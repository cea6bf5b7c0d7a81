//! One pass over the clean rows of a table: joins, filter, keys, aggregates.

use sqlparser::ast::{Expr as Sql, Ident, Join as SqlJoin, SelectItem, TableFactor};

use super::Lowering;
use super::clean::is_new;
use super::filter::Filters;
use super::layers::Read;
use super::read::{BASE, Rows};
use crate::plan::{Aggregate, DataType, Expr, Input, Interval, Measure, Scan, Source, Step, Value};
use crate::sql::build::{self, Parts};
use crate::sql::dialect::Aggregated;
use crate::sql::expr::Leaves;

impl Lowering<'_> {
    /// The rows of a scan with its look-ups.
    pub(super) fn rows(&self, scan: &Scan, read: &Read) -> (TableFactor, Vec<SqlJoin>) {
        let base = match (&scan.source, read) {
            (Source::Table(table), _) => self.everywhere(*table, BASE),
            (Source::Query(query), Read::Answer(reads)) => build::derived(self.inner(query, reads), BASE),
            (Source::Query(query), _) => build::derived(self.inner(query, &[]), BASE),
        };
        let asked = scan.time.iter().flat_map(|time| self.time_filter(scan, time)).collect::<Vec<_>>();
        let mut joins = self.looked_up(&base, &scan.joins, &scan.expressions().collect::<Vec<_>>(), &asked);
        joins.extend(self.answers(&scan.answers));
        (base, joins)
    }

    /// The columns that a scan's rows are grouped by: the bucket, then the dimensions.
    pub(super) fn keys(&self, scan: &Scan) -> Vec<SelectItem> {
        self.bucket_item(scan, self.query.step).into_iter().chain(self.dimension_items(scan)).collect()
    }

    /// The bucket of a row, where there is a step.
    pub(super) fn bucket_item(&self, scan: &Scan, step: Option<Step>) -> Option<SelectItem> {
        let (step, time) = step.zip(scan.time.as_ref())?;
        let value = self.value(time, &Rows(self.dialect));
        // The scan's filter has dropped the nulls.
        let value = if time.nullable { self.dialect.not_null(value) } else { value };
        Some(build::item(self.dialect.bucket_key(value, step, self.calendar), build::ident("_t")))
    }

    /// The values of a scan's dimensions: `_d0` …; null for one that is left out.
    pub(super) fn dimension_items(&self, scan: &Scan) -> Vec<SelectItem> {
        let leaves = Rows(self.dialect);
        let dimensions = scan.dimensions.iter().zip(&self.query.dimensions).enumerate();
        dimensions
            .map(|(at, (dimension, column))| {
                let value = match dimension {
                    Some(dimension) => self.settled(dimension, &leaves),
                    None => self.dialect.typed_null(&column.ty, self.calendar),
                };
                build::item(value, build::ident(&format!("_d{at}")))
            })
            .collect()
    }

    /// What orders the rows of a scan for `First` and `Last`, and whether that names one row.
    pub(super) fn row_order(&self, scan: &Scan) -> (Vec<Sql>, bool) {
        let leaves = Rows(self.dialect);
        let time = scan.time.iter().map(|time| self.value(time, &leaves));
        match scan.table() {
            Some(table) => {
                let key = &self.tables[table].clean.key;
                let keys = key.iter().map(|key| leaves.column(Input::Base, key));
                let mut seen = Vec::new();
                // The time may be a part of the key.
                (time.chain(keys).filter(|by| is_new(by, &mut seen)).collect(), !key.is_empty())
            }
            // The rows of an answer are one a bucket here.
            None => (time.collect(), true),
        }
    }

    /// Reads, filters and groups the rows of a scan to `projection`.
    pub(super) fn scan_parts(&self, scan: &Scan, read: &Read, filters: &Filters, projection: Vec<SelectItem>) -> Parts {
        let (from, joins) = self.rows(scan, read);
        let filter = self.row_filter(scan, filters);
        // A dimension that is left out is a constant, and no key.
        let timed = self.query.step.and(scan.time.as_ref()).is_some();
        let kept = timed.then_some(true).into_iter().chain(scan.dimensions.iter().map(Option::is_some));
        let keys = projection.iter().zip(kept).filter(|(_, kept)| *kept).map(|(item, _)| item);
        let group_by = self.group_by(scan, keys);
        Parts { projection, from: Some(from), joins, filter, group_by }
    }

    /// What every row must satisfy.
    pub(super) fn row_filter(&self, scan: &Scan, filters: &Filters) -> Option<Sql> {
        let leaves = Rows(self.dialect);
        let bucket = scan.time.iter().flat_map(|time| self.bucket_filter(scan, self.value(time, &leaves)));
        let days = self.run.filter(|_| self.on_days).map(|cadence| self.in_run(scan, cadence)).unwrap_or_default();
        let time = scan.time.iter().flat_map(|time| self.time_filter(scan, time)).chain(bucket);
        let filter = filters.rows.iter().map(|part| self.condition(part, &leaves));
        let mut parts: Vec<Sql> = Vec::new();
        for part in time.chain(days).chain(filter) {
            if !parts.contains(&part) {
                parts.push(part);
            }
        }
        build::all(parts)
    }

    /// Keys by their names; written out where a column of a user has such a name.
    pub(super) fn group_by<'i>(&self, scan: &Scan, keys: impl Iterator<Item = &'i SelectItem>) -> Vec<Sql> {
        let columns = |name: &str| {
            let tables = scan.tables().map(|table| &self.tables[table]);
            tables.flat_map(|table| &table.columns).any(|column| column.name == name)
        };
        let keys: Vec<(&Sql, &Ident)> = keys
            .filter_map(|item| match item {
                SelectItem::ExprWithAlias { expr, alias } => Some((expr, alias)),
                _ => None,
            })
            .collect();
        let clash = keys.iter().any(|(_, name)| columns(&name.value));
        let key = |(expr, name): (&Sql, &Ident)| if clash { expr.clone() } else { Sql::Identifier(name.clone()) };
        keys.into_iter().map(key).collect()
    }

    /// Rows by their own buckets, where those are of a declared calendar: that there is one, and that it is asked for. Where it
    /// lies only the calendar's days tell, so the interval that is asked for is not one of rows.
    pub(super) fn bucket_filter(&self, scan: &Scan, time: Sql) -> Vec<Sql> {
        let Some(step) = self.query.step.filter(|step| step.is_declared() && scan.interval.is_bucket()) else {
            return Vec::new();
        };
        let key = || self.dialect.bucket_key(time.clone(), step, self.calendar);
        let known = self.dialect.in_bucket(time.clone(), step, self.calendar);
        let from = self.query.from.map(|from| self.ends_after(key(), step, from));
        let to = self.query.to.map(|to| {
            let start = self.dialect.bucket_start(key(), step, self.calendar);
            build::binary(start, sqlparser::ast::BinaryOperator::Lt, self.instant(to))
        });
        known.into_iter().chain(from).chain(to).collect()
    }

    /// Whether a bucket ends after an instant.
    pub(super) fn ends_after(&self, key: Sql, step: Step, at: i64) -> Sql {
        let end = self.dialect.interval_end(key, step, &Interval::default(), self.calendar);
        build::binary(end, sqlparser::ast::BinaryOperator::Gt, self.instant(at))
    }

    fn instant(&self, at: i64) -> Sql {
        self.dialect.literal(&Value::Timestamp(at), &DataType::Timestamp, self.calendar)
    }

    /// Within `[from, to)`; not null in any case.
    fn time_filter(&self, scan: &Scan, time: &Expr) -> Vec<Sql> {
        use sqlparser::ast::BinaryOperator::{GtEq, Lt};
        let leaves = Rows(self.dialect);
        let bound = |op, at: Option<i64>| {
            let bound = self.dialect.literal(&Value::Timestamp(at?), &DataType::Timestamp, self.calendar);
            Some(build::binary(self.value(time, &leaves), op, bound))
        };
        let bounds: Vec<Sql> = [bound(GtEq, scan.from), bound(Lt, scan.to)].into_iter().flatten().collect();
        if bounds.is_empty() && time.nullable {
            return vec![build::is_not_null(self.value(time, &leaves))];
        }
        bounds
    }

    /// A measure over the rows of its scan; `filter` is what the scan's WHERE does not ask already.
    pub(super) fn aggregate(&self, scan: &Scan, measure: &Measure, filter: &[&Expr]) -> Sql {
        let leaves = Rows(self.dialect);
        let argument = measure.aggregate.argument().map(|argument| {
            let mut operand = self.operand(argument, &leaves, false);
            operand.sql = self.settled(argument, &leaves);
            operand
        });
        let (order, keyed) = match measure.aggregate {
            Aggregate::First(_) | Aggregate::Last(_) => self.row_order(scan),
            _ => (Vec::new(), true),
        };
        let filter = self.row_condition(filter);
        let aggregated = Aggregated { aggregate: &measure.aggregate, argument, filter, order, keyed, ty: &measure.ty };
        self.dialect.aggregate(aggregated, self.calendar)
    }

    /// The number of rows that satisfy a filter.
    pub(super) fn row_count(&self, filter: &[&Expr]) -> Sql {
        let filter = self.row_condition(filter);
        let aggregated = Aggregated {
            aggregate: &Aggregate::CountRows,
            argument: None,
            filter,
            order: Vec::new(),
            keyed: true,
            ty: &DataType::Int,
        };
        self.dialect.aggregate(aggregated, self.calendar)
    }

    pub(super) fn row_condition(&self, filter: &[&Expr]) -> Option<Sql> {
        let leaves = Rows(self.dialect);
        build::all(filter.iter().map(|part| self.condition(part, &leaves)))
    }
}
