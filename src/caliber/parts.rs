//! What of a model a declaration stands for, by the place of its name.

use rustc_hash::FxHashMap;

use crate::diagnostic::Span;
use crate::types::{Dimension, MetricId, Model, Origin, Subset, TableId};

/// The parts of a model by the places of their names.
pub struct Parts<'a> {
    model: &'a Model,
    metrics: FxHashMap<Span, MetricId>,
    tables: FxHashMap<Span, TableId>,
    subsets: FxHashMap<Span, &'a Subset>,
    dimensions: FxHashMap<Span, &'a Dimension>,
    /// All tables by the places of the declarations that they are of, in their order.
    made: FxHashMap<Span, Vec<TableId>>,
}

impl<'a> Parts<'a> {
    /// Of a program without errors.
    pub fn new(model: &'a Model) -> Parts<'a> {
        let mut metrics = FxHashMap::default();
        for (place, metric) in model.metrics.iter().enumerate() {
            // Comparisons have the place of their metric's name, and stand behind it.
            metrics.entry(metric.name.span).or_insert(MetricId(place));
        }
        let (mut tables, mut made) = (FxHashMap::default(), FxHashMap::<Span, Vec<TableId>>::default());
        for (place, table) in model.tables.iter().enumerate() {
            made.entry(table.span).or_default().push(TableId(place));
            if !table.is_derived() {
                tables.entry(table.name.span).or_insert(TableId(place));
            }
        }
        let (mut subsets, mut dimensions) = (FxHashMap::default(), FxHashMap::default());
        for subset in &model.subsets {
            subsets.entry(subset.name.span).or_insert(subset);
        }
        for dimension in model.dimensions.iter().chain(&model.other_dimensions) {
            dimensions.entry(dimension.name.span).or_insert(dimension);
        }
        Parts { model, metrics, tables, subsets, dimensions, made }
    }

    /// A metric.
    pub fn metric(&self, name: Span) -> Option<MetricId> {
        self.metrics.get(&name).copied()
    }

    /// A stored table.
    pub fn table(&self, name: Span) -> Option<TableId> {
        self.tables.get(&name).copied()
    }

    /// A subset.
    pub fn subset(&self, name: Span) -> Option<&'a Subset> {
        self.subsets.get(&name).copied()
    }

    /// A dimension in any version.
    pub fn dimension(&self, name: Span) -> Option<&'a Dimension> {
        self.dimensions.get(&name).copied()
    }

    /// The tables that a declaration makes, by its own place and not that of its name, if their origin is as wanted.
    pub fn made(&self, declaration: Span, is: fn(&Origin) -> bool) -> impl Iterator<Item = TableId> {
        let all = self.made.get(&declaration).into_iter().flatten().copied();
        all.filter(move |id| is(&self.model.table(*id).origin))
    }
}
