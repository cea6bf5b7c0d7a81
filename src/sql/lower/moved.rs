//! Scans whose rows count in other buckets than their own, or only where they are the last of their bucket.
//!
//! The rows are laid out first (`_t`, `_d0` …, and what the measures need as `_a0` …, `_f0` …), one for each bucket that a
//! row counts in; then they are grouped like those of any scan.

use sqlparser::ast::{BinaryOperator, Expr as Sql, SelectItem};

use super::Lowering;
use super::filter::Filters;
use super::layers::{Layer, Read};
use super::read::{BASE, Rows};
use crate::plan::{Aggregate, Asked, DataType, Expr, Measure, Scan, Step, Value};
use crate::rollup::{Clocks, Part, conditions, needed};
use crate::sql::build::{self, Parts};
use crate::sql::dialect::{Aggregated, Operand};

/// The alias of the last bucket of all data.
const LAST: &str = "l";
/// The step bucket of a row, for `at last`.
const PLACE: &str = "_l";
/// The greatest of those.
const GREATEST: &str = "_g";
/// The time of a row, for the groups that are asked for.
const AT: &str = "_s";

impl Lowering<'_> {
    /// The rows of a scan, laid out and put to the buckets in which they count, with their keys to group by.
    pub(super) fn moved_parts(&self, scan: &Scan, read: &Read, filters: &Filters) -> Parts {
        let laid_out = match read.layers() {
            Some(layers) => self.laid_out_states(scan, layers),
            None => self.laid_out(scan, read, filters),
        };
        let from = match &scan.last {
            Some(last) => self.last_rows(laid_out, last.per.len(), scan),
            None => laid_out,
        };
        let keys = self.key_names();
        let column = |name: &sqlparser::ast::Ident| build::column(BASE, name.clone());
        let projection = keys.iter().map(|key| build::item(column(key), key.clone())).collect();
        let filter = self.asked_buckets(scan, filters_last(scan));
        Parts {
            projection,
            from: Some(build::derived(from.query(), BASE)),
            filter,
            group_by: keys.iter().map(column).collect(),
            ..Parts::default()
        }
    }

    /// One row for each bucket that a row of the scan counts in.
    fn laid_out(&self, scan: &Scan, read: &Read, filters: &Filters) -> Parts {
        let leaves = Rows(self.dialect);
        let (from, joins) = self.rows(scan, read);
        let filter = self.row_filter(scan, filters);
        let mut parts = Parts { from: Some(from), joins, filter, ..Parts::default() };
        if let Some(time) = &scan.time {
            let value = self.value(time, &leaves);
            let value = if time.nullable { self.dialect.not_null(value) } else { value };
            self.place(scan, value, &mut parts);
            for (at, per) in scan.last.iter().flat_map(|last| &last.per).enumerate() {
                parts.projection.push(build::item(self.settled(per, &leaves), build::ident(&format!("_p{at}"))));
            }
        }
        parts.projection.extend(self.dimension_items(scan));
        parts.projection.extend(self.laid_out_measures(scan, filters));
        match &self.query.asked {
            Some(asked) if self.is_spread(scan) => self.spread(parts, scan, asked),
            _ => parts,
        }
    }

    /// Whether the rows of a scan count in the groups that are asked for, and in no others.
    fn is_spread(&self, scan: &Scan) -> bool {
        self.query.asked.is_some() && !scan.interval.is_bucket()
    }

    /// Rows that are laid out, each for every group that is asked for and in whose interval it lies. Not by a join beside those of
    /// the look-ups ([CH23](../../../docs/targets.md#rules)).
    fn spread(&self, rows: Parts, scan: &Scan, asked: &Asked) -> Parts {
        let names = rows.projection.iter().filter_map(|item| match item {
            SelectItem::ExprWithAlias { alias, .. } if alias.value != AT => Some(alias.clone()),
            _ => None,
        });
        let mut projection = vec![build::item(self.asked_bucket(), build::ident("_t"))];
        projection.extend(names.map(|name| build::item(build::column(BASE, name.clone()), name)));
        let joins = vec![self.asked_groups(scan, asked)];
        let filter = build::all(self.asked_interval(scan, build::column(BASE, build::ident(AT))));
        let from = Some(build::derived(rows.query(), BASE));
        Parts { projection, from, joins, filter, ..Parts::default() }
    }

    /// The same of states: all rows of a bucket of a rollup count in the same buckets, so their states do.
    fn laid_out_states(&self, scan: &Scan, layers: &[Layer]) -> Parts {
        let column = |name: &str| build::column(BASE, build::ident(name));
        let unit = Clocks::new(self.query.zone).unit(self.query, scan).unwrap_or(Step::Day);
        let from = self.states_of(scan, layers, Some(unit)).map(|states| build::derived(states, BASE));
        let mut parts = Parts { from, ..Parts::default() };
        let start = || self.dialect.bucket_start(column("_t"), unit, self.calendar);
        parts.filter = build::all(self.bucket_filter(scan, start()));
        self.place(scan, start(), &mut parts);
        let per = scan.last.iter().flat_map(|last| &last.per).enumerate().map(|(at, _)| format!("_p{at}"));
        let dimensions = (0..scan.dimensions.len()).map(|at| format!("_d{at}"));
        let states = (0..needed(scan, self.query).len()).map(|at| format!("_s{at}"));
        for name in per.chain(dimensions).chain(states) {
            parts.projection.push(build::item(column(&name), build::ident(&name)));
        }
        if scan.last.is_some() {
            // A bucket without rows that satisfy the condition is not the last that has any. A count is kept as a number.
            let state = self.state_column(scan, layers, BASE, Part::Count, None, &conditions(scan, None));
            let has_rows = build::binary(state.column, BinaryOperator::Gt, build::number(0));
            parts.filter = build::all(parts.filter.into_iter().chain([has_rows]));
        }
        parts
    }

    /// The bucket in which an instant counts (several rows where it counts in several), and its place among those of which the
    /// last one counts.
    fn place(&self, scan: &Scan, time: Sql, parts: &mut Parts) {
        match self.query.step {
            Some(_) if self.is_spread(scan) => parts.projection.push(build::item(time.clone(), build::ident(AT))),
            Some(step) => {
                let bucket = self.bucket_of(scan, time.clone(), step);
                parts.projection.push(build::item(bucket, build::ident("_t")));
            }
            None => {
                let conditions = self.within(scan, time.clone());
                parts.filter = build::all(parts.filter.take().into_iter().chain(conditions));
            }
        }
        if let Some(last) = &scan.last {
            let known = self.dialect.in_bucket(time.clone(), last.step, self.calendar);
            parts.filter = build::all(parts.filter.take().into_iter().chain(known));
            let place = self.dialect.bucket_key(time, last.step, self.calendar);
            parts.projection.push(build::item(place, build::ident(PLACE)));
        }
    }

    /// The bucket of a row; several rows where it counts in several.
    fn bucket_of(&self, scan: &Scan, time: Sql, step: Step) -> Sql {
        if scan.interval.is_bucket() {
            return self.dialect.bucket_key(time, step, self.calendar);
        }
        let asked = self.query.to.map(|to| {
            let last = self.dialect.literal(&Value::Timestamp(to - 1), &DataType::Timestamp, self.calendar);
            self.dialect.last_bucket(last, step, self.calendar)
        });
        let last = match asked {
            Some(last) if self.query.ends_with_data => build::call("least", vec![last, self.last_bucket()]),
            Some(last) => last,
            None => self.last_bucket(),
        };
        self.dialect.explode(self.dialect.buckets(time, step, &scan.interval, last, self.calendar))
    }

    /// The last bucket of all data. Not by a join beside those of the look-ups
    /// ([CH23](../../../docs/targets.md#rules)).
    pub(super) fn last_bucket(&self) -> Sql {
        let last = sqlparser::ast::ObjectName::from(vec![self.last_name()]);
        let projection = vec![SelectItem::UnnamedExpr(build::column(LAST, build::ident("_s")))];
        build::scalar(Parts { projection, from: Some(build::table(last, LAST)), ..Parts::default() }.query())
    }

    /// Without buckets, the interval ends with the last local day of the data.
    fn within(&self, scan: &Scan, time: Sql) -> Vec<Sql> {
        if scan.interval.is_bucket() {
            return Vec::new();
        }
        let last = self.last_bucket();
        let start = self.dialect.interval_start(last.clone(), Step::Day, &scan.interval, self.calendar);
        let end = self.dialect.interval_end(last, Step::Day, &scan.interval, self.calendar);
        let after = start.map(|start| build::binary(time.clone(), BinaryOperator::GtEq, start));
        after.into_iter().chain([build::binary(time, BinaryOperator::Lt, end)]).collect()
    }

    /// What the measures need of each row.
    fn laid_out_measures(&self, scan: &Scan, filters: &Filters) -> Vec<SelectItem> {
        let leaves = Rows(self.dialect);
        let mut items = Vec::new();
        let mut ordered = false;
        for (at, measure) in scan.measures.iter().enumerate() {
            if let Some(argument) = measure.aggregate.argument() {
                items.push(build::item(self.settled(argument, &leaves), build::ident(&format!("_a{at}"))));
            }
            if let Some(condition) = self.row_condition(&filters.measures[at]) {
                items.push(build::item(condition, build::ident(&format!("_f{at}"))));
            }
            ordered |= matches!(measure.aggregate, Aggregate::First(_) | Aggregate::Last(_));
        }
        if ordered {
            let (order, _) = self.row_order(scan);
            items.extend(
                order.into_iter().enumerate().map(|(at, by)| build::item(by, build::ident(&format!("_o{at}")))),
            );
        }
        items
    }

    /// Adds to each row the last place that its bucket and dimension values have.
    fn last_rows(&self, rows: Parts, per: usize, scan: &Scan) -> Parts {
        let names: Vec<sqlparser::ast::Ident> = (rows.projection.iter())
            .filter_map(|item| match item {
                SelectItem::ExprWithAlias { alias, .. } => Some(alias.clone()),
                _ => None,
            })
            .collect();
        let column = |name: &str| build::column(BASE, build::ident(name));
        let left_out = |at: &usize| scan.dimensions.get(*at).is_some_and(Option::is_none);
        let time = self.query.step.map(|_| column("_t"));
        let dimensions =
            (0..self.query.dimensions.len()).filter(|at| !left_out(at)).map(|at| column(&format!("_d{at}")));
        let per = (0..per).map(|at| column(&format!("_p{at}")));
        let partition = time.into_iter().chain(dimensions).chain(per).collect();
        let greatest = build::over(build::call("max", vec![column(PLACE)]), partition);
        let mut projection: Vec<SelectItem> =
            names.into_iter().map(|name| build::item(build::column(BASE, name.clone()), name)).collect();
        projection.push(build::item(greatest, build::ident(GREATEST)));
        Parts { projection, from: Some(build::derived(rows.query(), BASE)), ..Parts::default() }
    }

    /// Only the buckets that are asked for, and only the last rows where those count.
    fn asked_buckets(&self, scan: &Scan, only_last: bool) -> Option<Sql> {
        let column = |name: &str| build::column(BASE, build::ident(name));
        let last = only_last.then(|| build::equal(column(PLACE), column(GREATEST)));
        let first = self.query.from.zip(self.query.step).filter(|_| !scan.interval.is_bucket()).map(|(from, step)| {
            if step.is_declared() {
                return self.ends_after(column("_t"), step, from);
            }
            let from = self.dialect.literal(&Value::Timestamp(from), &DataType::Timestamp, self.calendar);
            let first = self.dialect.bucket_key(from, step, self.calendar);
            build::binary(column("_t"), BinaryOperator::GtEq, first)
        });
        build::all(last.into_iter().chain(first))
    }

    /// A measure over rows that are laid out.
    pub(super) fn moved_aggregate(&self, scan: &Scan, at: usize, filters: &Filters) -> Sql {
        let measure: &Measure = &scan.measures[at];
        let column = |name: String| build::column(BASE, build::ident(&name));
        let argument = measure.aggregate.argument().map(|argument: &Expr| Operand {
            sql: column(format!("_a{at}")),
            ty: &argument.ty,
            nullable: argument.nullable,
            literal: None,
        });
        let (order, keyed) = match measure.aggregate {
            Aggregate::First(_) | Aggregate::Last(_) => {
                let (order, keyed) = self.row_order(scan);
                ((0..order.len()).map(|by| column(format!("_o{by}"))).collect(), keyed)
            }
            _ => (Vec::new(), true),
        };
        let filter = (!filters.measures[at].is_empty()).then(|| column(format!("_f{at}")));
        let aggregated = Aggregated { aggregate: &measure.aggregate, argument, filter, order, keyed, ty: &measure.ty };
        self.dialect.aggregate(aggregated, self.calendar)
    }

    /// The number of rows that are laid out and satisfy the filter of some measure.
    pub(super) fn moved_count(&self, filters: &Filters, filter: &[&Expr]) -> Sql {
        let measure = filters.measures.iter().position(|known| known.as_slice() == filter);
        let filter =
            measure.filter(|_| !filter.is_empty()).map(|at| build::column(BASE, build::ident(&format!("_f{at}"))));
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
}

fn filters_last(scan: &Scan) -> bool {
    scan.last.is_some()
}
