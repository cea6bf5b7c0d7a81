//! The changes that are verified, and their other programs.

use rustc_hash::FxHashMap;
use sha2::{Digest, Sha256};

use crate::caliber::{Fingerprint, calibers, moved};
use crate::cli::Stop;
use crate::cli::ready::Ready;
use crate::compile::{Compiled, other};
use crate::error;
use crate::lineage::Kind;
use crate::suggest::near;
use crate::types::{CaliberChange, MetricId, Stage};

use super::record::Meanings;

/// The changes of these names; without any, those in double run.
pub fn chosen<'r>(names: &[String], ready: &'r Ready) -> Result<Vec<&'r CaliberChange>, Stop> {
    let all = &ready.compiled.model.changes;
    if names.is_empty() {
        return Ok(all.iter().filter(|change| change.stage == Stage::DoubleRun).collect());
    }
    let mut found: Vec<&CaliberChange> = Vec::with_capacity(names.len());
    for name in names {
        let change = one(name, all)?;
        if !found.iter().any(|known| known.applied() == change.applied()) {
            found.push(change);
        }
    }
    Ok(found)
}

/// The change of a name, or of `dau v1 -> v2` with or without spaces; of several the one in double run, else the newest.
fn one<'r>(name: &str, all: &'r [CaliberChange]) -> Result<&'r CaliberChange, Stop> {
    let close = |text: &str| text.split_whitespace().collect::<String>();
    let wanted = close(name);
    let of_name = all.iter().filter(|change| change.name == wanted || close(&change.label()) == wanted);
    let found = of_name.max_by_key(|change| (change.stage == Stage::DoubleRun, change.to));
    found.ok_or_else(|| {
        let plain = name.trim();
        let help = match near(plain, all.iter().map(|change| change.name.as_str())) {
            Some(near) => format!("did you mean `{near}`?"),
            None if all.is_empty() => "declare one, or compare metrics by `--left` and `--right`".to_owned(),
            None => format!("the changes are: {}", all.iter().map(CaliberChange::label).collect::<Vec<_>>().join(", ")),
        };
        error!(E0991, None, "there is no change of `{plain}`"; help: help).into()
    })
}

/// The project with a change in its other stage.
pub fn program(change: &CaliberChange, ready: &Ready) -> Result<Compiled, Stop> {
    if !change.beside {
        let found = error!(E0991, change.span, "`{}` can't be verified: both versions must be declared, and the name mean one of them", change.label();
            help: "declare the version that is missing, or leave the change out");
        return Err(Stop::found(&ready.project, [found].into_iter().collect()));
    }
    let (compiled, found) = other(&ready.project, change);
    if found.has_errors() { Err(Stop::found(&ready.project, found)) } else { Ok(compiled) }
}

/// The metrics that a change moves, as they are now and in the other program. A growth goes with its metric, and is not compared
/// again.
pub fn metrics(ready: &Ready, other: &Compiled) -> Vec<(MetricId, MetricId)> {
    let mut found = moved(&ready.compiled, other);
    found.retain(|(id, _)| !ready.compiled.model.metrics[id.0].name.value.contains('.'));
    found
}

/// What the metrics of a program mean.
pub struct Meant<'a> {
    compiled: &'a Compiled,
    fingerprints: FxHashMap<(Kind, String, u32), Fingerprint>,
}

impl<'a> Meant<'a> {
    /// Of a program without errors.
    pub fn of(compiled: &'a Compiled) -> Meant<'a> {
        let all = calibers(&compiled.files, &compiled.model).into_iter();
        let fingerprints = all.map(|one| ((one.kind, one.name, one.version), one.effective)).collect();
        Meant { compiled, fingerprints }
    }

    /// The fingerprint of what a metric means, with the dimensions that it is shown by.
    fn metric(&self, metric: MetricId) -> String {
        let model = &self.compiled.model;
        let of = |kind: Kind, name: &str, version: u32| {
            let found = self.fingerprints.get(&(kind, name.to_owned(), version));
            found.map_or_else(String::new, Fingerprint::to_string)
        };
        let metric = &model.metrics[metric.0];
        let own = of(Kind::Metric, &metric.name.value, metric.version);
        let shown = metric.by.iter().filter_map(|by| by.dimension()).map(|id| {
            let dimension = &model.dimensions[id.0];
            of(Kind::Dimension, &dimension.name.value, dimension.version)
        });
        let by: Vec<String> = shown.collect();
        if by.is_empty() {
            return own;
        }
        let hash = Sha256::digest(format!("{own} by {}", by.join(" ")).as_bytes());
        hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Both meanings of a metric, the older version first.
pub fn meanings(change: &CaliberChange, (now, then): (&Meant, &Meant), ids: (MetricId, MetricId)) -> Meanings {
    let (now, then) = (now.metric(ids.0), then.metric(ids.1));
    match change.stage {
        Stage::DoubleRun => Meanings { old: now, new: then },
        Stage::Live => Meanings { old: then, new: now },
    }
}
