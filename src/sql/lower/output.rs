//! The formulas over the combined rows, under the names of the answer.

use sqlparser::ast::{BinaryOperator, Expr as Sql, Ident, OrderByExpr, Query, SelectItem};

use super::Lowering;
use super::combine::COMBINED;
use super::layout::{Layout, measure_name};
use super::named::Named;
use crate::plan::{Expr, Input, Interval, MeasureId, Part, Span};
use crate::sql::build::{self, Parts};
use crate::sql::expr::Leaves;

/// Measures, and what is named of formulas: columns of the combined rows.
pub(super) struct Measures<'a, 'q>(pub &'a Lowering<'q>);

impl Leaves for Measures<'_, '_> {
    fn column(&self, _: Input, name: &str) -> Sql {
        build::column(COMBINED, build::ident(name))
    }

    fn measure(&self, id: MeasureId) -> Sql {
        build::column(COMBINED, build::ident(&measure_name(&self.0.query.scans, id)))
    }

    fn bucket(&self) -> Option<Sql> {
        self.0.bucket_start_of(build::column(COMBINED, build::ident("_t")))
    }

    fn steps(&self, interval: &Interval, length: Span) -> Option<Sql> {
        self.0.bucket_steps_of(build::column(COMBINED, build::ident("_t")), interval, length)
    }
}

impl Lowering<'_> {
    /// The answer out of the combined rows.
    pub(super) fn output(&self, combined: Option<Query>, layout: &Layout) -> Query {
        let named = Named::new(self.query.metrics.iter().map(|metric| metric.formula.clone()).collect());
        let combined = combined.map(|combined| self.with_named(combined, &named));
        let from = combined.map(|combined| build::derived(combined, COMBINED));
        let projection = self.output_columns(layout, &named.formulas);
        let filter = if self.has_keys() { self.any_present(layout) } else { None };
        let mut query = Parts { projection, from, filter, ..Parts::default() }.query();
        let chosen = self.query.having.is_some() || self.query.among.is_some();
        if chosen {
            query = self.chosen(query);
        }
        if self.query.limit.is_some() || (self.level == 0 && !self.options.unordered) {
            query = build::ordered(query, if chosen { self.order_of_chosen() } else { self.order() });
        }
        match self.query.limit {
            Some(rows) => build::limited(query, rows, Vec::new()),
            None => query,
        }
    }

    /// The columns of the answer under their own names.
    fn output_columns(&self, layout: &Layout, formulas: &[Expr]) -> Vec<SelectItem> {
        let measures = Measures(self);
        let time = self.query.step.map(|step| {
            let key = build::column(COMBINED, build::ident("_t"));
            build::item(self.dialect.bucket_start(key, step, self.calendar), self.name("time"))
        });
        let dimensions = self.query.dimensions.iter().enumerate().map(|(at, dimension)| {
            build::item(build::column(COMBINED, build::ident(&format!("_d{at}"))), self.name(&dimension.name))
        });
        // One condition for all metrics is the answer's WHERE, and no metric asks again.
        let alike =
            layout.present.windows(2).all(|pair| pair[0] == pair[1]) && !self.any_limited() && !self.is_filled();
        let metrics = self.query.metrics.iter().enumerate().map(|(at, metric)| {
            let value = self.settled(&formulas[at], &measures);
            let value = match (self.has_row(at, layout).filter(|_| !alike), &metric.fill) {
                (Some(condition), None) => build::case(vec![(condition, value)], None),
                (Some(condition), Some(fill)) => self.filled_value(at, condition, value, fill),
                (None, _) => value,
            };
            build::item(value, self.name(&metric.column.name))
        });
        let part = |part: &Part| build::item(self.settled(&part.value, &measures), self.name(&part.column.name));
        let grouped = self.query.with_parts(dimensions, part);
        let marks = self.query.marks.iter().map(|marks| build::item(self.marked(marks), self.name(&marks.column.name)));
        time.into_iter().chain(grouped).chain(metrics).chain(marks).collect()
    }

    /// Whether some metric ends before the data of others.
    fn any_limited(&self) -> bool {
        (0..self.query.metrics.len()).any(|metric| self.limiting(metric).is_some())
    }

    /// Whether a metric has a row; none where it always has one.
    pub(super) fn has_row(&self, metric: usize, layout: &Layout) -> Option<Sql> {
        let present = layout.present[metric].as_ref().and_then(|counters| self.present(counters, layout));
        let within = self.within_data(metric, build::column(COMBINED, build::ident("_t")));
        build::all(present.into_iter().chain(within))
    }

    /// Whether one of the counters has rows in a bucket in which it counts.
    fn present(&self, counters: &[(usize, Option<&Expr>)], layout: &Layout) -> Option<Sql> {
        let measures = Measures(self);
        build::any(counters.iter().filter_map(|(at, when)| {
            let count = build::column(COMBINED, build::ident(&layout.counters[*at].name));
            let counts = build::binary(count, BinaryOperator::Gt, build::number(0));
            build::all(std::iter::once(counts).chain(when.map(|when| self.condition(when, &measures))))
        }))
    }

    /// Whether some metric has a row; none where there always is one.
    fn any_present(&self, layout: &Layout) -> Option<Sql> {
        let metrics = 0..self.query.metrics.len();
        if self.is_filled() {
            let present = metrics.filter_map(|metric| self.has_row(metric, layout));
            return build::any(present.chain(self.any_filled()));
        }
        if self.any_limited() {
            let all: Option<Vec<Sql>> = metrics.map(|at| self.has_row(at, layout)).collect();
            return all.and_then(build::any);
        }
        let mut counters: Vec<(usize, Option<&Expr>)> = Vec::new();
        for present in &layout.present {
            for counter in present.as_ref()? {
                if !counters.contains(counter) {
                    counters.push(*counter);
                }
            }
        }
        counters.sort_by_key(|(counter, _)| *counter);
        // Every row of the union comes from some scan: all unfiltered counters together are always true.
        let whole = |scan: usize| {
            counters.iter().any(|(at, when)| {
                let counter = &layout.counters[*at];
                counter.scan == scan && counter.filter.is_empty() && when.is_none()
            })
        };
        let rows_of = |scan: usize| !self.query.scans[scan].looked_up;
        if (0..self.query.scans.len()).all(|scan| rows_of(scan) && whole(scan)) {
            return None;
        }
        self.present(&counters, layout)
    }

    fn order(&self) -> Vec<OrderByExpr> {
        let keys = self.key_names();
        let key = |name: &Ident| build::column(COMBINED, name.clone());
        let timed = usize::from(self.query.step.is_some());
        let named = |column: &crate::plan::OutputColumn| Sql::Identifier(self.name(&column.name));
        let grouped = self.query.with_parts(keys[timed..].iter().map(key), |part| named(&part.column));
        let places: Vec<Sql> = (keys[..timed].iter().map(key))
            .chain(grouped)
            .chain(self.query.metrics.iter().map(|metric| named(&metric.column)))
            .chain(self.query.marks.iter().map(|marks| named(&marks.column)))
            .collect();
        self.sorted(&places, keys.iter().map(key))
    }

    /// The asked order of columns, then that of the keys.
    pub(super) fn sorted(&self, places: &[Sql], keys: impl Iterator<Item = Sql>) -> Vec<OrderByExpr> {
        let timed = usize::from(self.query.step.is_some());
        let asked = self
            .query
            .order
            .iter()
            .filter_map(|by| Some(build::sort(places.get(by.column)?.clone(), by.descending, by.column >= timed)));
        let is_asked = |place: &Sql| self.query.order.iter().any(|by| places.get(by.column) == Some(place));
        let rest = keys.enumerate().filter(|(_, place)| !is_asked(place));
        asked.chain(rest.map(|(at, place)| build::sort(place, false, at >= timed))).collect()
    }
}
