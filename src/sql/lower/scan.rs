//! One pass over the clean rows of a table: joins, filter, keys, aggregates.

use sqlparser::ast::{Expr as Sql, Join as SqlJoin, Query, SelectItem, TableFactor};

use super::Lowering;
use super::expr::Leaves;
use super::filter::Filters;
use super::read::Rows;
use crate::plan::{Aggregate, DataType, Expr, Input, Measure, Scan, Value};
use crate::sql::build::{self, Parts};
use crate::sql::dialect::Aggregated;

impl Lowering<'_> {
    /// The rows of a scan with its look-ups.
    fn rows(&self, scan: &Scan) -> (TableFactor, Vec<SqlJoin>) {
        self.read(scan.table, &scan.joins, &scan.expressions().collect::<Vec<_>>())
    }

    /// The columns that a scan's rows are grouped by: the bucket, then the dimensions.
    pub(super) fn keys(&self, scan: &Scan) -> Vec<SelectItem> {
        let leaves = Rows(self.dialect);
        let time = self.query.step.zip(scan.time.as_ref()).map(|(step, time)| {
            let value = self.value(time, &leaves);
            // The scan's filter has dropped the nulls.
            let value = if time.nullable { self.dialect.not_null(value) } else { value };
            let key = self.dialect.bucket_key(value, step, self.calendar);
            build::item(key, build::ident("_t"))
        });
        let dimensions = scan
            .dimensions
            .iter()
            .enumerate()
            .map(|(at, dimension)| build::item(self.settled(dimension, &leaves), build::ident(&format!("_d{at}"))));
        time.into_iter().chain(dimensions).collect()
    }

    /// Reads, filters and groups the rows of a scan to `projection`.
    pub(super) fn scan_parts(&self, scan: &Scan, filters: &Filters, projection: Vec<SelectItem>) -> Parts {
        let leaves = Rows(self.dialect);
        let (from, joins) = self.rows(scan);
        let time = scan.time.iter().flat_map(|time| self.time_filter(time));
        let filter = filters.rows.iter().map(|part| self.condition(part, &leaves));
        let mut parts: Vec<Sql> = Vec::new();
        for part in time.chain(filter) {
            if !parts.contains(&part) {
                parts.push(part);
            }
        }
        let filter = build::all(parts);
        let group_by = self.group_by(scan, &projection);
        Parts { projection, from: Some(from), joins, filter, group_by }
    }

    /// The key columns by name; written out where a column of a user has such a name.
    fn group_by(&self, scan: &Scan, projection: &[SelectItem]) -> Vec<Sql> {
        let names = self.key_names();
        let tables = scan.tables().map(|table| &self.query.tables[table]);
        let clash = tables.flat_map(|table| &table.columns).any(|column| names.iter().any(|n| n.value == column.name));
        let items = projection.iter().zip(names);
        items
            .map(|(item, name)| match item {
                SelectItem::ExprWithAlias { expr, .. } if clash => expr.clone(),
                _ => Sql::Identifier(name),
            })
            .collect()
    }

    /// Within `[from, to)`; not null in any case.
    fn time_filter(&self, time: &Expr) -> Vec<Sql> {
        use sqlparser::ast::BinaryOperator::{GtEq, Lt};
        let leaves = Rows(self.dialect);
        let bound = |op, at: Option<i64>| {
            let bound = self.dialect.literal(&Value::Timestamp(at?), &DataType::Timestamp, self.calendar);
            Some(build::binary(self.value(time, &leaves), op, bound))
        };
        let bounds: Vec<Sql> = [bound(GtEq, self.query.from), bound(Lt, self.query.to)].into_iter().flatten().collect();
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
        let order = match measure.aggregate {
            Aggregate::First(_) | Aggregate::Last(_) => {
                let time = scan.time.iter().map(|time| self.value(time, &leaves));
                let key = &self.query.tables[scan.table].clean.key;
                time.chain(key.iter().map(|key| leaves.column(Input::Base, key))).collect()
            }
            _ => Vec::new(),
        };
        let keyed = !self.query.tables[scan.table].clean.key.is_empty();
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

    fn row_condition(&self, filter: &[&Expr]) -> Option<Sql> {
        let leaves = Rows(self.dialect);
        build::all(filter.iter().map(|part| self.condition(part, &leaves)))
    }

    /// The least time of all clean rows of a scan, and the key of its bucket where there is a step: `_s`.
    pub(super) fn start(&self, scan: &Scan) -> Option<Query> {
        let leaves = Rows(self.dialect);
        let time = scan.time.as_ref()?;
        let mut operand = self.operand(time, &leaves, false);
        operand.nullable = true;
        let aggregate = Aggregate::Min(time.clone());
        let least = self.dialect.aggregate(
            Aggregated {
                aggregate: &aggregate,
                argument: Some(operand),
                filter: None,
                order: Vec::new(),
                keyed: true,
                ty: &DataType::Timestamp,
            },
            self.calendar,
        );
        let start = match self.query.step {
            Some(step) => self.dialect.bucket_key(least, step, self.calendar),
            None => least,
        };
        let (from, joins) = self.rows(scan);
        let projection = vec![build::item(start, build::ident("_s"))];
        Some(Parts { projection, from: Some(from), joins, ..Parts::default() }.query())
    }
}
