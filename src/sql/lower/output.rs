//! The formulas over the combined rows, under the names of the answer.

use sqlparser::ast::{BinaryOperator, Expr as Sql, OrderByExpr, Query, SelectItem};

use super::Lowering;
use super::combine::COMBINED;
use super::expr::Leaves;
use super::layout::{Layout, measure_name};
use crate::plan::{Input, MeasureId, Scan};
use crate::sql::build::{self, Parts};

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
    /// The answer out of the combined rows.
    pub(super) fn output(&self, combined: Option<Query>, layout: &Layout) -> Query {
        let from = combined.map(|combined| build::derived(combined, COMBINED));
        let projection = self.output_columns(layout);
        let filter = if self.has_keys() { self.any_present(layout) } else { None };
        let mut query = Parts { projection, from, filter, ..Parts::default() }.query();
        if self.level == 0 && (!self.options.unordered || self.query.limit.is_some()) {
            query = build::ordered(query, self.order());
        }
        match self.query.limit {
            Some(rows) => build::limited(query, rows, Vec::new()),
            None => query,
        }
    }

    /// The columns of the answer under their own names.
    fn output_columns(&self, layout: &Layout) -> Vec<SelectItem> {
        let measures = Measures(&self.query.scans);
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
            let value = self.settled(&metric.formula, &measures);
            let value = match (self.has_row(at, layout).filter(|_| !alike), &metric.fill) {
                (Some(condition), None) => build::case(vec![(condition, value)], None),
                (Some(condition), Some(fill)) => self.filled_value(at, condition, value, fill),
                (None, _) => value,
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
    pub(super) fn has_row(&self, metric: usize, layout: &Layout) -> Option<Sql> {
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
        if self.is_filled() {
            let present = (0..self.query.metrics.len()).filter_map(|metric| self.has_row(metric, layout));
            return build::any(present.chain(self.any_filled()));
        }
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
