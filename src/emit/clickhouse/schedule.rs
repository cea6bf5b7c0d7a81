//! What a scheduler runs: the batches with the statements of their steps, and which of them metrics are read from.

use std::collections::BTreeSet;

use serde_json::Value;

use super::batch::{self, Batch};
use super::{Build, changes, clean, fillers, options, quality, tables, with_measures};
use crate::diagnostic::Diagnostics;
use crate::emit::{Artifact, Input, name};
use crate::error;
use crate::project::ClickhouseTarget;
use crate::rollup::{Cadence, Layer, Served, Way};
use crate::sql::CLICKHOUSE;

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    /// The batches of the project's own build.
    pub batches: Vec<Run>,
    /// What metrics are read from, by their places in the input and what is over.
    pub metrics: Vec<Needs>,
    /// The batches of the other version of each change, in the order of the input's changes.
    pub changes: Vec<Vec<Run>>,
    /// Rules of quality.
    pub gates: Vec<Gate>,
}

/// A batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The name of its source.
    pub source: String,
    /// How often it runs.
    pub cadence: Cadence,
    /// In words: which days a run builds.
    pub rebuilds: String,
    /// Its steps by the names of their files, each with its statements. The parameters are those of the files.
    pub steps: Vec<(&'static str, Vec<String>)>,
    /// The tables that it fills.
    pub rollups: Vec<String>,
    /// The metrics that are read from it, by their places in the input.
    pub metrics: Vec<usize>,
}

/// The batches that a metric is read from where one cadence has built a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needs {
    /// The place of the metric in the input.
    pub metric: usize,
    /// How often they run.
    pub cadence: Cadence,
    /// Their places in [`Schedule::batches`].
    pub batches: BTreeSet<usize>,
}

/// The rules of quality of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gate {
    /// Its name.
    pub name: String,
    /// The source.
    pub source: String,
    /// Whether a rule that is broken stops the day; else it is told.
    pub stops: bool,
    /// The statement that is asked before days are published: with the parameter `days` it gives a row a day and rule (`day`, `rule`,
    /// `value`, `bound`, `rows`, `passed`).
    pub before: Option<String>,
    /// The same of what is asked when they are.
    pub after: Option<String>,
}

/// What a scheduler runs for a target. What is wrong with it is what is wrong with the target.
pub fn schedule(input: &Input, target: &str, settings: &ClickhouseTarget) -> (Schedule, Diagnostics) {
    let mut diagnostics = Diagnostics::new();
    let mut options = options(settings);
    let clean = clean::rows(input, settings, &mut options, &mut diagnostics);
    let measured = with_measures(input, settings, &options);
    let build = Build::new(input, measured.as_ref(), target, settings, options, &mut diagnostics);
    let (mut files, made) = tables(&build, &clean, &mut diagnostics);
    let batches = fillers(&build, &made, &mut files, &mut diagnostics).1;
    let known = changes::names(&files);
    let runs = batches.iter().map(|batch| run(batch, &build, &mut diagnostics)).collect();
    let mut schedule = Schedule { batches: runs, ..Schedule::default() };
    for (metric, served) in build.rollups.served.iter().enumerate().take(build.own) {
        schedule.metrics.extend(needs(metric, served, &build, &batches));
    }
    for need in &schedule.metrics {
        for batch in &need.batches {
            schedule.batches[*batch].metrics.push(need.metric);
        }
    }
    let (texts, told) = quality::artifacts(&build, &mut diagnostics);
    schedule.gates = told.as_array().into_iter().flatten().filter_map(|told| gate(told, &texts)).collect();
    for beside in &input.changes {
        schedule.changes.push(other(&beside.input, &build, known.clone(), &mut diagnostics));
    }
    (schedule, diagnostics)
}

/// The batches of the other program of a change: of what the project's own build does not make.
fn other(input: &Input, own: &Build, known: BTreeSet<String>, diagnostics: &mut Diagnostics) -> Vec<Run> {
    let mut options = options(own.settings);
    let clean = clean::rows(input, own.settings, &mut options, diagnostics);
    let measured = with_measures(input, own.settings, &options);
    let mut build = Build::new(input, measured.as_ref(), own.target, own.settings, options, diagnostics);
    build.memo = own.memo;
    build.known = known;
    let (mut files, made) = tables(&build, &clean, diagnostics);
    let batches = fillers(&build, &made, &mut files, diagnostics).1;
    batches.iter().map(|batch| run(batch, &build, diagnostics)).collect()
}

fn run(batch: &Batch, build: &Build, diagnostics: &mut Diagnostics) -> Run {
    let steps = batch.files.iter().map(|(file, text)| (*file, statements(text, batch, build, diagnostics)));
    Run {
        source: build.input.tables[batch.table].name.clone(),
        cadence: batch.cadence,
        rebuilds: batch.rebuilds.clone(),
        steps: steps.collect(),
        rollups: batch.steps().map(|step| step.table.to_string()).collect(),
        metrics: Vec::new(),
    }
}

/// Rules as the manifest tells of them, with their statements.
fn gate(told: &Value, texts: &[Artifact]) -> Option<Gate> {
    let statement = |step: &str| {
        let path = told[step]["file"].as_str()?;
        let text = &texts.iter().find(|text| text.path == path)?.text;
        CLICKHOUSE.split(text).ok()?.first().map(|statement| (*statement).to_owned())
    };
    Some(Gate {
        name: told["name"].as_str()?.to_owned(),
        source: told["on"].as_str()?.to_owned(),
        stops: told["stops"].as_bool()?,
        before: statement("gate"),
        after: statement("after"),
    })
}

fn statements(text: &str, batch: &Batch, build: &Build, diagnostics: &mut Diagnostics) -> Vec<String> {
    match CLICKHOUSE.split(text) {
        Ok(all) => all.into_iter().map(str::to_owned).collect(),
        Err(error) => {
            let what = name::file(&build.input.tables[batch.table].name);
            diagnostics.push(error!(E0812, None, "the batch of {what} does not read back: {error}"));
            Vec::new()
        }
    }
}

/// The batches of each cadence that a metric is read from; none of one that reads something else beside them.
fn needs<'b>(
    metric: usize,
    served: &'b Served,
    build: &'b Build,
    batches: &'b [Batch],
) -> impl Iterator<Item = Needs> + 'b {
    let of_rollup = |place: usize| {
        let rollup = &build.rollups.rollups[place];
        let Way::Batched(cadence) = rollup.way else { return None };
        batches.iter().position(|batch: &batch::Batch| batch.table == rollup.table && batch.cadence == cadence)
    };
    served.layers.iter().filter_map(move |layer| {
        let Layer::Rolled(uses) = layer else { return None };
        let found: Vec<usize> = uses.iter().filter_map(|of| of_rollup(of.rollup)).collect();
        let cadence = batches.get(*found.first()?)?.cadence;
        Some(Needs { metric, cadence, batches: found.into_iter().collect() })
    })
}
