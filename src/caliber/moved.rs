//! What moves where a name means another version.

use rustc_hash::FxHashMap;

use crate::compile::Compiled;
use crate::lineage::Kind;
use crate::types::{MetricId, Model, family};

use super::meaning::Meaning;
use super::term::Fingerprint;
use super::{calibers, term::Term};

/// The metrics whose bare names give other numbers in another program of the same declarations, in the order of names: those
/// that mean something else, and those that are shown by a dimension which does. Growths go with their metric.
pub fn moved(current: &Compiled, other: &Compiled) -> Vec<(MetricId, MetricId)> {
    let (now, then) = (Meant::of(current), Meant::of(other));
    let mut found: Vec<(MetricId, MetricId)> = Vec::new();
    for (name, id) in &now.names {
        let Some(of) = then.names.get(name) else { continue };
        if now.fingerprints(*id) != then.fingerprints(*of) {
            found.push((*id, *of));
        }
    }
    found.sort_by_key(|(id, _)| current.model.metrics[id.0].name.value.as_str());
    found
}

/// What the bare names of a program mean.
struct Meant<'a> {
    model: &'a Model,
    meaning: Meaning<'a>,
    names: FxHashMap<&'a str, MetricId>,
    effective: FxHashMap<(String, u32), Fingerprint>,
}

impl<'a> Meant<'a> {
    fn of(compiled: &'a Compiled) -> Meant<'a> {
        let model = &compiled.model;
        let versions = model.meant_versions();
        let all = model.metrics.iter().enumerate();
        let all = all.filter(|(_, metric)| versions.get(family(&metric.name.value)) == Some(&metric.version));
        let names = all.map(|(place, metric)| (metric.name.as_str(), MetricId(place))).collect();
        let metrics = calibers(&compiled.files, model).into_iter().filter(|one| one.kind == Kind::Metric);
        let effective = metrics.map(|one| ((one.name, one.version), one.effective)).collect();
        Meant { model, meaning: Meaning::new(model), names, effective }
    }

    fn fingerprints(&self, id: MetricId) -> (Option<Fingerprint>, Fingerprint) {
        let metric = &self.model.metrics[id.0];
        let own = self.effective.get(&(family(&metric.name.value).to_owned(), metric.version)).copied();
        (own, Term::form("shown", self.meaning.of_shown(id)).fingerprint())
    }
}
