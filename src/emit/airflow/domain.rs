//! Which batches a DAG has: those of one domain that run together.
//!
//! A batch belongs to the domain that the settings name for its source, else to the owner of most metrics that are read from
//! it. So there are as many DAGs as there are owners, however many metrics there are, and each batch is in one of them.

use std::collections::{BTreeMap, BTreeSet};

use crate::emit::Input;
use crate::emit::clickhouse::{Run, Schedule};
use crate::project::AirflowTarget;
use crate::rollup::Cadence;

/// The domain of batches whose metrics have no owner.
const NOBODY: &str = "all";

/// The batches of a domain that run together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain {
    /// Its name.
    pub name: String,
    /// How often they run.
    pub cadence: Cadence,
    /// Their places in the schedule.
    pub batches: Vec<usize>,
}

/// Metrics that are read from the same batches of a cadence, where these are several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Join {
    /// How often they run.
    pub cadence: Cadence,
    /// The places of the batches in the schedule.
    pub batches: BTreeSet<usize>,
    /// The places of the domains that the batches are in.
    pub domains: BTreeSet<usize>,
    /// The names of the metrics.
    pub metrics: BTreeSet<String>,
}

/// Who answers for most of some metrics; the first by name of several.
pub fn owner(metrics: impl Iterator<Item = usize>, input: &Input) -> Option<&str> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for owner in metrics.filter_map(|place| input.metrics[place].about.owner.as_deref()) {
        *counts.entry(owner).or_default() += 1;
    }
    let most = counts.values().max().copied()?;
    counts.into_iter().find(|(_, count)| *count == most).map(|(owner, _)| owner)
}

/// The domains, by name and cadence.
pub fn domains(schedule: &Schedule, input: &Input, settings: &AirflowTarget) -> Vec<Domain> {
    let mut found: BTreeMap<(String, Cadence), Vec<usize>> = BTreeMap::new();
    for (place, run) in schedule.batches.iter().enumerate() {
        let name = domain_of(run, input, settings);
        found.entry((name, run.cadence)).or_default().push(place);
    }
    found.into_iter().map(|((name, cadence), batches)| Domain { name, cadence, batches }).collect()
}

fn domain_of(run: &Run, input: &Input, settings: &AirflowTarget) -> String {
    let names = |(_, sources): &&(_, Vec<crate::diagnostic::Spanned<String>>)| {
        sources.iter().any(|source| source.value == run.source)
    };
    let declared = settings.domains.iter().find(names).map(|(name, _)| name.value.clone());
    let owned = || owner(run.metrics.iter().copied(), input).map(str::to_owned);
    declared.or_else(owned).or_else(|| settings.owner.clone()).unwrap_or_else(|| NOBODY.to_owned())
}

/// The metrics that are read from several batches.
///
/// Inside of a domain those with the same batches are told together; across domains those with the same domains, when all
/// batches are built that one of them needs: few DAGs, of which each waits a little longer than it would have to.
pub fn joins(schedule: &Schedule, input: &Input, domains: &[Domain]) -> Vec<Join> {
    let domain_of = |batch: &usize| domains.iter().position(|domain| domain.batches.contains(batch));
    let mut found: Vec<Join> = Vec::new();
    for need in schedule.metrics.iter().filter(|need| need.batches.len() > 1) {
        let Some(name) = name_of(need.metric, input) else { continue };
        let own: BTreeSet<usize> = need.batches.iter().filter_map(domain_of).collect();
        let is_across = own.len() > 1;
        let same = |join: &&mut Join| {
            join.cadence == need.cadence && join.domains == own && (is_across || join.batches == need.batches)
        };
        match found.iter_mut().find(same) {
            Some(join) => {
                join.batches.extend(&need.batches);
                join.metrics.insert(name);
            }
            None => found.push(Join {
                cadence: need.cadence,
                batches: need.batches.clone(),
                domains: own,
                metrics: BTreeSet::from([name]),
            }),
        }
    }
    // A metric at several steps may need more for one of them: then that counts.
    let more: Vec<Join> = found.clone();
    for join in &mut found {
        let elsewhere = |name: &String| {
            more.iter().any(|other| {
                other.cadence == join.cadence
                    && other.metrics.contains(name)
                    && other.batches.len() > join.batches.len()
            })
        };
        join.metrics.retain(|name| !elsewhere(name));
    }
    found.retain(|join| !join.metrics.is_empty());
    found.sort_by(|a, b| (&a.domains, &a.batches, a.cadence).cmp(&(&b.domains, &b.batches, b.cadence)));
    found
}

/// The metrics that are read from one batch alone.
pub fn alone(place: usize, schedule: &Schedule, input: &Input, joins: &[Join]) -> BTreeSet<String> {
    let cadence = schedule.batches[place].cadence;
    let only = schedule.metrics.iter().filter(|need| need.batches.len() == 1 && need.batches.contains(&place));
    let names = only.filter_map(|need| name_of(need.metric, input));
    let joined = |name: &String| joins.iter().any(|join| join.cadence == cadence && join.metrics.contains(name));
    names.filter(|name| !joined(name)).collect()
}

/// The name of a metric with its version, where its name alone means another; none of a comparison, which goes with its metric.
pub fn name_of(place: usize, input: &Input) -> Option<String> {
    let metric = &input.metrics[place];
    let version = if metric.current { String::new() } else { format!("_v{}", metric.version) };
    (crate::types::family(&metric.name) == metric.name).then(|| format!("{}{version}", metric.name))
}
