//! Nested aggregates: an inner query with more keys, and a scan over its rows.

use crate::plan::{
    Aggregate, Asked, DataType, Expr, ExprKind, Function, Input, Measure, MeasureId, MetricOutput, OutputColumn, Query,
};
use crate::types::{Nested, NestedKey};

use super::aggregate::aggregate;
use super::formula::{Context, Frame, Key, OfRows, Scans};

/// The name of the inner formula's column.
pub(super) const VALUE: &str = "value";

/// A column of an inner query.
pub fn column(name: &str, ty: &DataType, nullable: bool) -> Expr {
    let kind = ExprKind::Column { input: Input::Base, name: name.to_owned() };
    Expr { kind, ty: ty.clone(), nullable }
}

impl<'a> Scans<'a> {
    /// The measure of a nested aggregate.
    pub(super) fn nested(&mut self, nested: &'a Nested, context: &Context) -> MeasureId {
        let outer = Context { filters: Vec::new(), ..context.clone() };
        let ((query, inner), outer) = match nested.step() {
            // Inner buckets fill the outer interval.
            Some(step) => {
                let inner = Context { filters: context.filters.clone(), ..Context::default() };
                (self.inner(nested, Some(step), context, &inner), outer)
            }
            // Each inner value is of the outer interval.
            None => {
                let inner = Context { across: Vec::new(), looked_up: false, ..context.clone() };
                let step = self.frame.step;
                (self.inner(nested, step, context, &inner), Context { interval: Default::default(), ..outer })
            }
        };
        let value = column(VALUE, &query.metrics[0].column.ty, true);
        let filter = nested.filter.as_ref().map(|filter| self.inner_condition(filter));
        // Inner buckets of their own make up the outer interval.
        let outer_interval =
            |(scan, own): OfRows| (scan, if nested.step().is_some() { context.interval.clone() } else { own });
        let intervals = inner.into_iter().map(outer_interval).collect();
        let scan = self.query_scan(query, &outer, &context.interval, intervals);
        let measure = if nested.counts_groups {
            Measure { filter, aggregate: Aggregate::CountRows, ty: DataType::Int }
        } else {
            aggregate(nested.aggregation, Some(value), filter)
        };
        self.add(scan, measure)
    }

    /// The query for the inner values, and their intervals: by the outer keys that are not left out, and by its own.
    fn inner(
        &self,
        nested: &'a Nested,
        step: Option<crate::plan::Step>,
        outer: &Context,
        context: &Context,
    ) -> (Query, Vec<OfRows>) {
        let frame = &self.frame;
        let is_kept = |key: &Key<'_>| !key.is_left_out(&frame.by, &outer.across);
        let mut by: Vec<Key<'a>> = frame.by.iter().copied().filter(is_kept).collect();
        // Inner buckets of their own are not those that are asked for.
        let asked = frame.asked.as_ref().filter(|_| nested.step().is_none()).map(|asked| {
            let keys = asked.keys.iter().zip(&frame.by).filter(|(_, key)| is_kept(key));
            Asked { keys: keys.map(|(key, _)| key.clone()).collect(), all: false, ..asked.clone() }
        });
        for key in &nested.keys {
            match key {
                NestedKey::Dimension(id) => by.push(Key::Dimension(*id)),
                NestedKey::Column { values, .. } => by.push(Key::Column(values)),
                NestedKey::Step(_) => {}
            }
        }
        let (from, to) = match nested.step() {
            Some(step) => self.inner_range(&outer.interval, step),
            None => (frame.from, frame.to),
        };
        let filters = frame.filters.iter().copied().filter(|filter| {
            let mut left_out = false;
            filter.walk(&mut |dimension, _| left_out |= outer.across.contains(&dimension));
            !left_out
        });
        let filters = filters.collect();
        let mut scans = Scans::new(Frame {
            model: frame.model,
            step,
            by,
            from,
            to,
            filters,
            exact: frame.exact,
            of_buckets: Vec::new(),
            asked: asked.clone(),
            best: frame.best.clone(),
        });
        let (formula, present) = scans.lower_formula(&nested.formula, context);
        let unit = None;
        let column = OutputColumn { name: VALUE.to_owned(), ty: formula.ty.clone(), nullable: true, unit };
        let metrics = vec![MetricOutput { column, formula, present, fill: None }];
        let (dimensions, intervals) = (scans.key_columns(), scans.intervals());
        let mut scans = scans.finish(&metrics);
        let of_columns = dimensions.len() - nested.keys.iter().filter(|key| !matches!(key, NestedKey::Step(_))).count();
        for scan in &mut scans {
            drop_null_keys(scan, nested, of_columns);
        }
        let (zone, week_start) = (frame.model.zone, frame.model.week_start);
        let ends_with_data = nested.step().is_some();
        let empty = Query::empty(zone, week_start);
        (Query { step, from, to, ends_with_data, dimensions, asked, scans, metrics, ..empty }, intervals)
    }

    /// The keys as columns of an inner query.
    fn key_columns(&self) -> Vec<OutputColumn> {
        let frame = &self.frame;
        let columns = frame.by.iter().enumerate().map(|(at, key)| {
            let model = frame.model;
            let (ty, nullable) = match key {
                Key::Dimension(id) | Key::Within(id, _) => {
                    let ty = &model.dimensions[id.0].ty;
                    (model.data_type(&ty.ty), ty.nullable)
                }
                Key::Column(values) => {
                    let ty = values.first().map(|(_, value)| model.data_type(&value.ty.ty));
                    (ty.unwrap_or(DataType::String), true)
                }
                Key::Other => (DataType::Bool, false),
            };
            // The group of all the rest has none of the keys before it.
            let nullable = nullable || frame.best.as_ref().is_some_and(|best| at < best.keys());
            OutputColumn { name: format!("_k{at}"), ty, nullable, unit: None }
        });
        columns.collect()
    }
}

/// A null column or entity makes no group.
fn drop_null_keys(scan: &mut crate::plan::Scan, nested: &Nested, first: usize) {
    let keys = nested.keys.iter().filter(|key| !matches!(key, NestedKey::Step(_)));
    let mut parts: Vec<Expr> = scan.filter.take().into_iter().collect();
    for (key, value) in keys.zip(&scan.dimensions[first..]) {
        if let (NestedKey::Column { .. }, Some(value)) = (key, value)
            && value.nullable
        {
            parts.push(Expr::call(Function::IsNotNull, vec![value.clone()], DataType::Bool, false));
        }
    }
    scan.filter = Expr::all(parts);
}
