//! What declarations that tell people of metrics share: finding metrics and dimensions by name, and whether a metric has values
//! in buckets of a step.

use crate::diagnostic::{Diagnostics, Span};
use crate::error;
use crate::resolve::Names;
use crate::suggest::near;
use crate::syntax::ast::Path;
use crate::value::Step;

use super::dimensions::unknown_dimension_named;
use super::formula::{fits, unbound};
use super::{DimensionId, MetricId, Model, Sensitivity};

/// The names of a program and its model, for declarations of a kind.
#[derive(Clone, Copy)]
pub struct Told<'a> {
    /// The names.
    pub names: &'a Names<'a>,
    /// What they mean; reports and dashboards are not in it yet.
    pub model: &'a Model,
    /// The word of the kind: `report`.
    pub kind: &'static str,
}

impl Told<'_> {
    /// The metric of a name; none where it is told to be wrong, here or at its declaration.
    pub fn metric(&self, path: &Path, version: Option<u32>, span: Span, d: &mut Diagnostics) -> Option<MetricId> {
        let text = path.to_string();
        if let Some(found) = self.model.metric_named(&text, version) {
            return Some(found);
        }
        // What is broken was told at its declaration.
        let family = path.parts[0].as_str();
        if self.is_broken_quality(family) || self.names.metric(&text, version).is_some() {
            return None;
        }
        let versions = self.model.metrics.iter().any(|metric| metric.name.value == text);
        d.push(match version {
            Some(version) if versions => {
                error!(E0210, span, "the metric `{text}` has no version {version}"; help: "name a version that is declared")
            }
            _ => {
                let known = self.model.metrics.iter().map(|metric| metric.name.as_str());
                let help = match near(&text, known) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "name a metric that is declared".to_owned(),
                };
                error!(E0201, span, "no metric named `{text}`"; help: help)
            }
        });
        None
    }

    /// Whether rules of quality have that name, and something is wrong with them.
    fn is_broken_quality(&self, name: &str) -> bool {
        self.names.quality(name).is_some() && !self.model.qualities.iter().any(|known| known.name.value == name)
    }

    /// A dimension that may be shown.
    pub fn dimension(&self, path: &Path, d: &mut Diagnostics) -> Option<DimensionId> {
        let text = path.to_string();
        let dimensions = &self.model.dimensions;
        let found = dimensions.iter().position(|dimension| dimension.name.value == text);
        let Some(place) = found else {
            // One that is broken was told at its declaration.
            if self.names.dimension(&text).is_none() {
                let known = dimensions.iter().map(|dimension| dimension.name.as_str()).collect();
                d.push(unknown_dimension_named(known, &text, Some(path.span)));
            }
            return None;
        };
        // That it shows personal data was told at its declaration.
        (dimensions[place].ty.sensitivity == Sensitivity::Public).then_some(DimensionId(place))
    }

    /// Whether a metric has a value for each bucket of a step; what is in the way is told.
    pub fn has_buckets(&self, id: MetricId, every: Step, span: Span, d: &mut Diagnostics) -> bool {
        let (metric, facts) = (&self.model.metrics[id.0], &self.model.facts[id.0]);
        let (name, kind) = (&metric.name.value, self.kind);
        let timeless = facts.reads.iter().find(|table| self.model.table(**table).time.is_none());
        if let Some(table) = timeless {
            let table = self.model.table(*table);
            d.push(
                error!(E0636, span, "`{}` has no time, so `{name}` is the same in all periods", table.name.value;
                    help: ("leave it out of the {kind}, or count a source instead"))
                .related(table.name.span, "declared here"),
            );
            return false;
        }
        if let Some(only) = facts.only.filter(|only| *only != every) {
            d.push(error!(E0688, span, "`{name}` is of buckets of {}, and this {kind} tells of {}", only.text(), every.text();
                help: ("leave it out, or take the step {}", only.text())));
            return false;
        }
        if let Some(part) = facts.parts.iter().find(|part| !part.fits(every, self.model.week_start)) {
            d.push(
                error!(E0657, span, "periods of {} have no `{}`, which `{name}` asks for", every.text(), part.name();
                    help: ("leave it out of this {kind}")),
            );
            return false;
        }
        fits(every, &facts.shifts, &facts.steps, span, d).is_some()
    }

    /// Whether all rows of a metric have a dimension; what lacks it is told.
    pub fn has_dimension(&self, metric: MetricId, dimension: DimensionId, span: Span, d: &mut Diagnostics) -> bool {
        let missing = self.model.facts[metric.0]
            .reads
            .iter()
            .find_map(|table| self.model.bind(dimension, *table).err().map(|why| (*table, why)));
        if let Some((table, why)) = &missing {
            let declared = &self.model.dimensions[dimension.0];
            d.push(unbound(declared, self.model.table(*table), why, span));
        }
        missing.is_none()
    }
}
