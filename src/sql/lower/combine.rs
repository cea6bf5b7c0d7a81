//! The scans brought together by their keys, and the formulas on top.

use sqlparser::ast::{BinaryOperator, Expr as Sql, Ident, OrderByExpr, Query, Select, SelectItem};

use super::Lowering;
use super::expr::Leaves;
use super::filter::{self, Filters};
use super::read::BASE;
use super::stored::ROLLUP;
use crate::plan::{Aggregate, DataType, Expr, Input, Measure, MeasureId, MetricOutput, Scan};
use crate::sql::build::{self, Parts};

/// The alias of the combined rows.
const COMBINED: &str = "c";
/// The alias of the scans' rows before they are combined.
const UNION: &str = "u";
/// The alias of the combined rows before values are looked up in them.
const LOOKED_UP: &str = "w";

/// The columns between the scans and the formulas.
struct Layout<'a> {
    /// The filters of each scan.
    filters: Vec<Filters<'a>>,
    /// Row counts by scan and filter: what tells whether a metric has a row.
    counters: Vec<Counter<'a>>,
    /// The counters of each metric; none where it has a row wherever there is one.
    present: Vec<Option<Vec<usize>>>,
}

struct Counter<'a> {
    scan: usize,
    filter: Vec<&'a Expr>,
    name: String,
    /// Whether it is a measure anyway.
    shared: bool,
}

fn measure_name(scans: &[Scan], id: MeasureId) -> String {
    let before: usize = scans.iter().take(id.scan).map(|scan| scan.measures.len()).sum();
    format!("_m{}", before + id.measure)
}

impl<'a> Layout<'a> {
    fn new(query: &'a crate::plan::Query, is_stored: impl Fn(usize) -> bool) -> Layout<'a> {
        // A state has its whole filter.
        let of = |(at, scan)| if is_stored(at) { filter::whole(scan) } else { filter::filters(scan) };
        let filters: Vec<Filters> = query.scans.iter().enumerate().map(of).collect();
        let mut layout = Layout { filters, counters: Vec::new(), present: Vec::new() };
        // Without keys there is exactly one row, and every metric has it; so it is with the groups that are asked for.
        let one_row = query.step.is_none() && query.dimensions.is_empty();
        let always = one_row || query.asked.as_ref().is_some_and(|asked| asked.all);
        for metric in &query.metrics {
            let present = if always { None } else { layout.counters_of(&query.scans, metric) };
            layout.present.push(present);
        }
        layout
    }

    fn counters_of(&mut self, scans: &[Scan], metric: &MetricOutput) -> Option<Vec<usize>> {
        let mut counters = Vec::new();
        for id in &metric.present {
            let filter = self.filters[id.scan].measures[id.measure].clone();
            if scans.len() == 1 && filter.is_empty() {
                return None;
            }
            let counter = self.counter(scans, id.scan, filter);
            if !counters.contains(&counter) {
                counters.push(counter);
            }
        }
        counters.sort_unstable();
        Some(counters)
    }

    fn counter(&mut self, scans: &[Scan], scan: usize, filter: Vec<&'a Expr>) -> usize {
        if let Some(found) = self.counters.iter().position(|known| known.scan == scan && known.filter == filter) {
            return found;
        }
        let measures = scans[scan].measures.iter().enumerate();
        let count = measures.filter(|(_, measure)| measure.aggregate == Aggregate::CountRows);
        let shared = count.map(|(at, _)| at).find(|at| self.filters[scan].measures[*at] == filter);
        let name = match shared {
            Some(measure) => measure_name(scans, MeasureId { scan, measure }),
            None => format!("_n{}", self.counters.iter().filter(|counter| !counter.shared).count()),
        };
        self.counters.push(Counter { scan, filter, name, shared: shared.is_some() });
        self.counters.len() - 1
    }
}

/// Measures: columns of the combined rows.
struct Measures<'a>(&'a [Scan]);

impl Leaves for Measures<'_> {
    fn column(&self, _: Input, _: &str) -> Sql {
        build::null()
    }

    fn measure(&self, id: MeasureId) -> Sql {
        build::column(COMBINED, build::ident(&measure_name(self.0, id)))
    }

    fn bucket(&self) -> Option<Sql> {
        Some(build::column(COMBINED, build::ident("_t")))
    }
}

impl Lowering<'_> {
    /// The names of the key columns: `_t`, `_d0` …
    pub(super) fn key_names(&self) -> Vec<Ident> {
        let time = self.query.step.map(|_| build::ident("_t"));
        let dimensions = (0..self.query.dimensions.len()).map(|at| build::ident(&format!("_d{at}")));
        time.into_iter().chain(dimensions).collect()
    }

    /// The answer, and the starts of the scans that it compares with.
    pub(super) fn answer(&self) -> (Query, Vec<(Ident, Query)>) {
        let layout = Layout::new(self.query, |scan| self.read(scan).layers().is_some());
        let asked = self.query.asked.as_ref();
        let selects = (0..self.query.scans.len()).map(|scan| self.scan_select(scan, &layout));
        let selects = selects.chain(asked.filter(|asked| asked.all).map(|_| self.asked_select(&layout)));
        let selects: Vec<Select> = selects.collect();
        let looked_up = self.query.scans.iter().any(|scan| scan.looked_up);
        let combined = match selects.len() {
            1 if !looked_up => build::union_all(selects),
            _ => build::union_all(selects).map(|union| self.regrouped(union, &layout)),
        };
        let combined = if looked_up { combined.map(|rows| self.with_looked_up(rows, &layout)) } else { combined };
        let from = combined.map(|combined| build::derived(combined, COMBINED));
        let projection = self.output(&layout);
        let filter = if self.has_keys() { self.any_present(&layout) } else { None };
        let mut query = Parts { projection, from, filter, ..Parts::default() }.query();
        if self.level == 0 && (!self.options.unordered || self.query.limit.is_some()) {
            query = build::ordered(query, self.order());
        }
        if let Some(rows) = self.query.limit {
            query = build::limited(query, rows, Vec::new());
        }
        let asked = asked.map(|asked| (self.asked_name(), self.asked_rows(asked)));
        (query, asked.into_iter().chain(self.edge_tables()).collect())
    }

    pub(super) fn has_keys(&self) -> bool {
        self.query.step.is_some() || !self.query.dimensions.is_empty()
    }

    /// One scan: its keys, its measures and counters, and nulls for those of the others.
    fn scan_select(&self, at: usize, layout: &Layout) -> Select {
        let scan = &self.query.scans[at];
        let filters = &layout.filters[at];
        let read = self.read(at);
        let stored = read.layers().zip(self.dialect.states());
        let mut parts = match stored {
            Some((from, _)) if scan.is_plain() => self.stored_parts(scan, from),
            None if scan.is_plain() => self.scan_parts(scan, read, filters, self.keys(scan)),
            _ => self.moved_parts(scan, read, filters),
        };
        let alias = if scan.is_plain() { ROLLUP } else { BASE };
        for (of, other) in self.query.scans.iter().enumerate() {
            for (measure, known) in other.measures.iter().enumerate() {
                let value = match stored {
                    _ if of != at => self.dialect.typed_null(&known.ty, self.calendar),
                    Some((from, how)) => self.stored_measure(scan, known, from, alias, how),
                    None if scan.is_plain() => self.aggregate(scan, known, &filters.measures[measure]),
                    None => self.moved_aggregate(scan, measure, filters),
                };
                let alone =
                    self.query.scans.len() == 1 && !self.is_asked_for() && known.empty_is_zero() && !scan.looked_up;
                let value = if alone { self.null_before_start(at, known, value, COMBINED) } else { value };
                let name = measure_name(&self.query.scans, MeasureId { scan: of, measure });
                parts.projection.push(build::item(value, build::ident(&name)));
            }
        }
        for counter in layout.counters.iter().filter(|counter| !counter.shared) {
            let value = match stored {
                _ if counter.scan != at => self.dialect.typed_null(&DataType::Int, self.calendar),
                Some((from, how)) => self.stored_count(scan, &counter.filter, from, alias, how),
                None if scan.is_plain() => self.row_count(&counter.filter),
                None => self.moved_count(filters, &counter.filter),
            };
            parts.projection.push(build::item(value, build::ident(&counter.name)));
        }
        parts.select()
    }

    /// A row for each group that is asked for, without any value.
    fn asked_select(&self, layout: &Layout) -> Select {
        let mut parts = self.every_asked();
        for (of, scan) in self.query.scans.iter().enumerate() {
            for (measure, known) in scan.measures.iter().enumerate() {
                let name = measure_name(&self.query.scans, MeasureId { scan: of, measure });
                let null = self.dialect.typed_null(&known.ty, self.calendar);
                parts.projection.push(build::item(null, build::ident(&name)));
            }
        }
        for counter in layout.counters.iter().filter(|counter| !counter.shared) {
            let null = self.dialect.typed_null(&DataType::Int, self.calendar);
            parts.projection.push(build::item(null, build::ident(&counter.name)));
        }
        parts.select()
    }

    /// The union of several scans, one row a key: each measure has its value in one row at most.
    fn regrouped(&self, union: Query, layout: &Layout) -> Query {
        let column = |name: &str| build::column(UNION, build::ident(name));
        let keys = self.key_names();
        let mut projection: Vec<SelectItem> =
            keys.iter().map(|key| build::item(build::column(UNION, key.clone()), key.clone())).collect();
        let group_by = keys.into_iter().map(|key| build::column(UNION, key)).collect();
        for (at, scan) in self.query.scans.iter().enumerate() {
            for (measure, known) in scan.measures.iter().enumerate() {
                let name = measure_name(&self.query.scans, MeasureId { scan: at, measure });
                let value = self.dialect.only_value(column(&name), &known.ty);
                let filled = known.empty_is_zero() && !scan.looked_up;
                let value = if filled { self.zero_filled(at, known, value, UNION) } else { value };
                projection.push(build::item(value, build::ident(&name)));
            }
        }
        for counter in layout.counters.iter().filter(|counter| !counter.shared) {
            let value = self.dialect.only_value(column(&counter.name), &DataType::Int);
            projection.push(build::item(value, build::ident(&counter.name)));
        }
        let from = Some(build::derived(union, UNION));
        Parts { projection, from, group_by, ..Parts::default() }.query()
    }

    /// The measures that are looked up, beside every row with the keys that they have.
    fn with_looked_up(&self, rows: Query, layout: &Layout) -> Query {
        let column = |name: &str| build::column(LOOKED_UP, build::ident(name));
        let keys = self.key_names();
        let mut projection: Vec<SelectItem> =
            keys.iter().map(|key| build::item(build::column(LOOKED_UP, key.clone()), key.clone())).collect();
        for (at, scan) in self.query.scans.iter().enumerate() {
            for (measure, known) in scan.measures.iter().enumerate() {
                let name = measure_name(&self.query.scans, MeasureId { scan: at, measure });
                let value = match scan.looked_up {
                    false => column(&name),
                    true => {
                        let found = self.dialect.only_value(column(&name), &known.ty);
                        let found = build::over(found, self.looked_up_keys(scan));
                        match known.empty_is_zero() {
                            true => self.zero_filled(at, known, found, LOOKED_UP),
                            false => found,
                        }
                    }
                };
                projection.push(build::item(value, build::ident(&name)));
            }
        }
        for counter in layout.counters.iter().filter(|counter| !counter.shared) {
            projection.push(build::item(column(&counter.name), build::ident(&counter.name)));
        }
        Parts { projection, from: Some(build::derived(rows, LOOKED_UP)), ..Parts::default() }.query()
    }

    /// The keys that a scan has.
    fn looked_up_keys(&self, scan: &Scan) -> Vec<Sql> {
        let time = self.query.step.map(|_| "_t".to_owned());
        let kept = scan.dimensions.iter().enumerate().filter(|(_, dimension)| dimension.is_some());
        let dimensions = kept.map(|(at, _)| format!("_d{at}"));
        time.into_iter().chain(dimensions).map(|name| build::column(LOOKED_UP, build::ident(&name))).collect()
    }

    /// 0 where a scan has no row, but null before the scan's first row where that is asked.
    fn zero_filled(&self, scan: usize, measure: &Measure, value: Sql, alias: &str) -> Sql {
        let zero = self.dialect.zero(&measure.ty, self.calendar);
        self.null_before_start(scan, measure, build::call("coalesce", vec![value, zero]), alias)
    }

    /// The value, but null where the bucket's interval lies wholly before the scan's first row and that is asked.
    fn null_before_start(&self, scan: usize, measure: &Measure, value: Sql, alias: &str) -> Sql {
        match self.before_start(scan, alias) {
            Some(before) => {
                let null = self.dialect.typed_null(&measure.ty, self.calendar);
                build::case(vec![(before, null)], Some(value))
            }
            None => value,
        }
    }

    /// The columns of the answer under their own names.
    fn output(&self, layout: &Layout) -> Vec<SelectItem> {
        let measures = Measures(&self.query.scans);
        let time = self.query.step.map(|step| {
            let key = build::column(COMBINED, build::ident("_t"));
            build::item(self.dialect.bucket_start(key, step, self.calendar), self.name("time"))
        });
        let dimensions = self.query.dimensions.iter().enumerate().map(|(at, dimension)| {
            build::item(build::column(COMBINED, build::ident(&format!("_d{at}"))), self.name(&dimension.name))
        });
        // One condition for all metrics is the answer's WHERE, and no metric asks again.
        let alike = layout.present.windows(2).all(|pair| pair[0] == pair[1]) && !self.any_limited();
        let metrics = self.query.metrics.iter().enumerate().map(|(at, metric)| {
            let value = self.settled(&metric.formula, &measures);
            let value = match self.has_row(at, layout).filter(|_| !alike) {
                Some(condition) => build::case(vec![(condition, value)], None),
                None => value,
            };
            build::item(value, self.name(&metric.column.name))
        });
        time.into_iter().chain(dimensions).chain(metrics).collect()
    }

    /// Whether some metric ends before the data of others.
    fn any_limited(&self) -> bool {
        (0..self.query.metrics.len()).any(|metric| self.limiting(metric).is_some())
    }

    /// Whether a metric has a row; none where it always has one.
    fn has_row(&self, metric: usize, layout: &Layout) -> Option<Sql> {
        let present = layout.present[metric].as_ref().and_then(|counters| self.present(counters, layout));
        let within = self.within_data(metric, build::column(COMBINED, build::ident("_t")));
        build::all(present.into_iter().chain(within))
    }

    /// Whether one of the counters has rows.
    fn present(&self, counters: &[usize], layout: &Layout) -> Option<Sql> {
        build::any(counters.iter().map(|at| {
            let count = build::column(COMBINED, build::ident(&layout.counters[*at].name));
            build::binary(count, BinaryOperator::Gt, build::number(0))
        }))
    }

    /// Whether some metric has a row; none where there always is one.
    fn any_present(&self, layout: &Layout) -> Option<Sql> {
        if self.any_limited() {
            let all: Option<Vec<Sql>> = (0..self.query.metrics.len()).map(|at| self.has_row(at, layout)).collect();
            return all.and_then(build::any);
        }
        let mut counters: Vec<usize> = Vec::new();
        for present in &layout.present {
            counters.extend(present.as_ref()?);
        }
        counters.sort_unstable();
        counters.dedup();
        // Every row of the union comes from some scan: all unfiltered counters together are always true.
        let whole = |scan: usize| {
            counters.iter().any(|at| layout.counters[*at].scan == scan && layout.counters[*at].filter.is_empty())
        };
        let rows_of = |scan: usize| !self.query.scans[scan].looked_up;
        if (0..self.query.scans.len()).all(|scan| rows_of(scan) && whole(scan)) {
            return None;
        }
        self.present(&counters, layout)
    }

    fn order(&self) -> Vec<OrderByExpr> {
        let keys = self.key_names();
        let place = |column: usize| match keys.get(column) {
            Some(key) => Some(build::column(COMBINED, key.clone())),
            None => {
                let metric = self.query.metrics.get(column - keys.len())?;
                Some(Sql::Identifier(self.name(&metric.column.name)))
            }
        };
        let nullable = |column: usize| column >= usize::from(self.query.step.is_some());
        let asked = self.query.order.iter().map(|by| (by.column, by.descending));
        let rest = (0..keys.len()).filter(|key| self.query.order.iter().all(|by| by.column != *key));
        asked
            .chain(rest.map(|key| (key, false)))
            .filter_map(|(column, descending)| Some(build::sort(place(column)?, descending, nullable(column))))
            .collect()
    }
}
