//! Metrics that nobody declared: what a declared one is made of.

use super::{Formula, Metric, MetricId, Model};
use crate::types::{Fill, facts};

impl Model {
    /// One more metric: a formula out of another metric, served as that one is. No declaration has its name.
    pub fn add_part(&mut self, of: MetricId, name: String, formula: &Formula) -> MetricId {
        let whole = self.metrics[of.0].clone();
        let mut part_name = whole.name.clone();
        part_name.value = name;
        let known = facts(formula, &self.facts);
        let part = Metric {
            name: part_name,
            formula: formula.clone(),
            ty: formula.ty.clone(),
            fill: Fill::None,
            compared: Vec::new(),
            ..whole
        };
        self.metrics.push(part);
        self.facts.push(known);
        MetricId(self.metrics.len() - 1)
    }
}
