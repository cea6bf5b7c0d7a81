//! Metrics that have rows where nothing happened: for every bucket, and every group that was seen.
//!
//! Beside the combined rows stands one row for each bucket and group of the filled metrics, without any measure. Both are grouped
//! again by the keys; `_f0` … tell which metrics a row fills. The combined rows are named as seldom as may be: an engine may
//! evaluate them anew each time.

use sqlparser::ast::{BinaryOperator, Expr as Sql, Ident, ObjectName, Query, Select, TableFactor};

use super::Lowering;
use super::combine::COMBINED;
use super::edges::Edge;
use super::layers::Read;
use super::layout::{Layout, measure_name};
use crate::plan::{DataType, Expr, ExprKind, Input, Interval, MeasureId, Scan, Span, Step, Value, Window};
use crate::sql::build::{self, Parts};
use crate::sql::expr::Leaves;

/// The alias of the buckets.
const BUCKETS: &str = "k";
/// The alias of the groups.
const GROUPS: &str = "g";
/// The alias of all rows before they are grouped again.
const ALL: &str = "u";
/// The alias and the column of an edge of the data.
const EDGE: &str = "s";
const AT: &str = "_s";

/// The column that tells whether a row fills a metric.
fn fills(metric: usize) -> Ident {
    build::ident(&format!("_f{metric}"))
}

/// Buckets alone.
struct Buckets<'a, 'q>(&'a Lowering<'q>);

impl Leaves for Buckets<'_, '_> {
    fn column(&self, _: Input, _: &str) -> Sql {
        build::null()
    }

    fn bucket(&self) -> Option<Sql> {
        self.0.bucket_start_of(build::column(BUCKETS, build::ident("_t")))
    }

    fn steps(&self, interval: &Interval, length: Span) -> Option<Sql> {
        self.0.bucket_steps_of(build::column(BUCKETS, build::ident("_t")), interval, length)
    }
}

impl Lowering<'_> {
    /// Whether some metric is filled.
    pub(super) fn is_filled(&self) -> bool {
        self.filled_metrics().next().is_some()
    }

    fn filled_metrics(&self) -> impl Iterator<Item = usize> {
        self.query.metrics.iter().enumerate().filter(|(_, metric)| metric.fill.is_some()).map(|(at, _)| at)
    }

    /// The value of a filled metric: its own where it has a row.
    pub(super) fn filled_value(&self, metric: usize, has_row: Sql, value: Sql, fill: &Expr) -> Sql {
        let own = (has_row, value);
        match &fill.kind {
            ExprKind::Literal(Value::Null) => build::case(vec![own], None),
            ExprKind::Literal(zero) => {
                let zero = self.dialect.literal(zero, &fill.ty, self.calendar);
                build::case(vec![own, (self.is_filling(metric), zero)], None)
            }
            _ => build::case(vec![own], None),
        }
    }

    /// Whether a row fills some metric.
    pub(super) fn any_filled(&self) -> Option<Sql> {
        build::any(self.filled_metrics().map(|metric| self.is_filling(metric)))
    }

    fn is_filling(&self, metric: usize) -> Sql {
        build::binary(build::column(COMBINED, fills(metric)), BinaryOperator::Eq, build::number(1))
    }

    /// The combined rows with those that fill; `tables` gets what they are made of.
    pub(super) fn filled(&self, combined: Query, layout: &Layout, tables: &mut Vec<(Ident, Query)>) -> Query {
        let name = self.own_name("combined");
        tables.push((name.clone(), combined));
        let combined = || build::table(ObjectName::from(vec![name.clone()]), COMBINED);
        let mut selects = vec![self.unfilled(combined(), layout)];
        for metrics in self.filled_alike() {
            let buckets = self.every_bucket(metrics[0], tables);
            selects.push(self.filling(&metrics, buckets, combined(), layout));
        }
        match build::union_all(selects) {
            Some(union) => self.grouped_again(union, layout),
            None => Parts::default().query(),
        }
    }

    /// The filled metrics in lists of those that have the same buckets: where the question leaves an end of its interval open, the
    /// data that they read tells it.
    fn filled_alike(&self) -> Vec<Vec<usize>> {
        let open = self.query.from.is_none() || self.query.to.is_none();
        let mut lists: Vec<(Vec<usize>, Vec<usize>)> = Vec::new();
        for metric in self.filled_metrics() {
            let read = if open { self.scans_of(metric) } else { Vec::new() };
            match lists.iter_mut().find(|(of, _)| *of == read) {
                Some((_, list)) => list.push(metric),
                None => lists.push((read, vec![metric])),
            }
        }
        lists.into_iter().map(|(_, list)| list).collect()
    }

    /// The columns between the keys and the marks of what is filled, each with its type.
    fn columns(&self, layout: &Layout) -> Vec<(Ident, DataType)> {
        let mut columns = Vec::new();
        for (at, scan) in self.query.scans.iter().enumerate() {
            for (measure, known) in scan.measures.iter().enumerate() {
                let name = measure_name(&self.query.scans, MeasureId { scan: at, measure });
                columns.push((build::ident(&name), known.ty.clone()));
            }
        }
        let counters = layout.counters.iter().filter(|counter| !counter.shared);
        columns.extend(counters.map(|counter| (build::ident(&counter.name), DataType::Int)));
        columns
    }

    /// The combined rows themselves.
    fn unfilled(&self, combined: TableFactor, layout: &Layout) -> Select {
        let own = self.key_names().into_iter().chain(self.columns(layout).into_iter().map(|(name, _)| name));
        let own = own.map(|name| build::item(build::column(COMBINED, name.clone()), name));
        let marks = self.filled_metrics().map(|metric| build::item(build::number(0), fills(metric)));
        Parts { projection: own.chain(marks).collect(), from: Some(combined), ..Parts::default() }.select()
    }

    /// A row for each bucket, and each group in which one of the metrics has some row; it fills those that have one.
    fn filling(&self, metrics: &[usize], buckets: Query, combined: TableFactor, layout: &Layout) -> Select {
        let dimensions: Vec<Ident> = self.key_names().into_iter().skip(1).collect();
        let mut projection = vec![build::item(build::column(BUCKETS, build::ident("_t")), build::ident("_t"))];
        projection.extend(dimensions.iter().map(|name| build::item(build::column(GROUPS, name.clone()), name.clone())));
        let nulls = self.columns(layout).into_iter();
        projection.extend(nulls.map(|(name, ty)| build::item(self.dialect.typed_null(&ty, self.calendar), name)));
        let grouped = !dimensions.is_empty();
        projection.extend(self.filled_metrics().map(|of| {
            let mark = match metrics.contains(&of) {
                true if grouped => build::column(GROUPS, fills(of)),
                filled => build::number(i64::from(filled)),
            };
            build::item(mark, fills(of))
        }));
        let mut joins = Vec::new();
        if grouped {
            let groups = self.seen_groups(metrics, dimensions, combined, layout);
            joins.push(build::cross_join(build::derived(groups, GROUPS)));
        }
        Parts { projection, from: Some(build::derived(buckets, BUCKETS)), joins, ..Parts::default() }.select()
    }

    /// The groups in which one of the metrics has some row, and for each of them whether it has one there: 1 or 0.
    fn seen_groups(&self, metrics: &[usize], by: Vec<Ident>, combined: TableFactor, layout: &Layout) -> Query {
        let column = |name: &Ident| build::column(COMBINED, name.clone());
        let mut projection: Vec<_> = by.iter().map(|name| build::item(column(name), name.clone())).collect();
        let has: Vec<Option<Sql>> = metrics.iter().map(|metric| self.has_row(*metric, layout)).collect();
        projection.extend(metrics.iter().zip(&has).map(|(metric, has)| {
            let mark = match has {
                Some(has) if metrics.len() > 1 => {
                    let mark = build::case(vec![(has.clone(), build::number(1))], Some(build::number(0)));
                    build::call("max", vec![mark])
                }
                _ => build::number(1),
            };
            build::item(mark, fills(*metric))
        }));
        let filter = if has.iter().all(Option::is_some) { build::any(has.into_iter().flatten()) } else { None };
        let group_by = by.iter().map(column).collect();
        Parts { projection, from: Some(combined), filter, group_by, ..Parts::default() }.query()
    }

    /// The keys of all buckets of the asked interval, or of the data that a metric reads: `_t`.
    fn every_bucket(&self, metric: usize, tables: &mut Vec<(Ident, Query)>) -> Query {
        let step = self.query.step.unwrap_or(Step::Day);
        let instant = |at: i64| self.dialect.literal(&Value::Timestamp(at), &DataType::Timestamp, self.calendar);
        let first = match self.query.from {
            Some(from) => instant(from),
            None => self.edge_of(metric, Edge::First, None, tables),
        };
        let last = match self.query.to {
            Some(to) => self.dialect.last_bucket(instant(to - 1), step, self.calendar),
            None => self.edge_of(metric, Edge::Last, Some(step), tables),
        };
        // What lies in the interval from the beginning to the end of a bucket lies in it for all buckets from its own on.
        let from_then_on = Interval { window: Some(Window::All), ..Interval::default() };
        let buckets = self.dialect.buckets(first, step, &from_then_on, last, self.calendar);
        let projection = vec![build::item(self.dialect.explode(buckets), build::ident("_t"))];
        let all = Parts { projection, ..Parts::default() }.query();
        let Some(when) = &self.query.filled_when else { return all };
        let key = build::ident("_t");
        let projection = vec![build::item(build::column(BUCKETS, key.clone()), key)];
        let filter = Some(self.condition(when, &Buckets(self)));
        Parts { projection, from: Some(build::derived(all, BUCKETS)), filter, ..Parts::default() }.query()
    }

    /// The first instant of the data that a metric reads, or the key of its last bucket, as a value.
    fn edge_of(&self, metric: usize, edge: Edge, step: Option<Step>, tables: &mut Vec<(Ident, Query)>) -> Sql {
        let scans: Vec<(&Scan, &Read)> =
            self.scans_of(metric).into_iter().map(|at| (&self.query.scans[at], self.read(at))).collect();
        let word = if edge == Edge::First { "first" } else { "last" };
        let name = self.own_name(&format!("{word}_of_{metric}"));
        if let Some(query) = self.edge(&scans, edge, step) {
            tables.push((name.clone(), query));
        }
        let from = Some(build::table(ObjectName::from(vec![name]), EDGE));
        let projection = vec![sqlparser::ast::SelectItem::UnnamedExpr(build::column(EDGE, build::ident(AT)))];
        build::scalar(Parts { projection, from, ..Parts::default() }.query())
    }

    /// One row a key: the combined row's measures where there is one, and all marks.
    fn grouped_again(&self, union: Query, layout: &Layout) -> Query {
        let column = |name: &Ident| build::column(ALL, name.clone());
        let keys = self.key_names();
        let mut projection: Vec<_> = keys.iter().map(|key| build::item(column(key), key.clone())).collect();
        let values = self.columns(layout).into_iter();
        projection.extend(values.map(|(name, ty)| build::item(self.dialect.only_value(column(&name), &ty), name)));
        projection.extend(self.filled_metrics().map(|metric| {
            let mark = fills(metric);
            build::item(build::call("max", vec![column(&mark)]), mark)
        }));
        let group_by = keys.iter().map(column).collect();
        Parts { projection, from: Some(build::derived(union, ALL)), group_by, ..Parts::default() }.query()
    }
}
