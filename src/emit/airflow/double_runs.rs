//! The DAGs of double runs: they run the batches of the other version of each change, and have `metricc verify` record its verdict.

use std::collections::BTreeSet;

use minijinja::context;

use super::batches::{self, Group};
use super::dags::{Dag, Parts, dag};
use super::{Build, commands, doc, id, scripts};
use crate::emit::clickhouse::Run;
use crate::emit::{Beside, template};
use crate::rollup::Cadence;

/// A daily one where there are changes that move something, and an hourly one where their other versions have hourly batches.
pub fn dags(build: &Build) -> Vec<Dag> {
    let changes: Vec<(&Beside, &Vec<Run>)> = build.input.changes.iter().zip(&build.schedule.changes).collect();
    let mut made = Vec::new();
    for cadence in [Cadence::Daily, Cadence::Hourly] {
        let (mut body, mut waits) = (String::new(), Vec::new());
        for (beside, runs) in &changes {
            let runs: Vec<&Run> = runs.iter().filter(|run| run.cadence == cadence).collect();
            runs.iter().for_each(|run| body.push_str(&batches::group(build, run, &group(beside, run))));
            if cadence == Cadence::Daily {
                body.push_str(&verify(build, beside, &runs, &mut waits));
            }
        }
        if !body.is_empty() {
            made.push(of(build, &changes, cadence, body));
        }
    }
    made
}

/// The folder of a batch of a change, below `sql/`.
pub fn folder(beside: &Beside, run: &Run) -> String {
    format!("{}__{}", change(beside), scripts::folder(run))
}

fn change(beside: &Beside) -> String {
    let change = &beside.change;
    format!("{}_v{}_v{}", id::id(&change.name), change.from, change.to)
}

fn group(beside: &Beside, run: &Run) -> Group {
    Group {
        id: format!("{}__{}", change(beside), id::id(&run.source)),
        display: format!("{}: {}", beside.change.label(), run.source),
        folder: folder(beside, run),
        outlets: Vec::new(),
    }
}

/// The task that compares both versions, once all batches are built that either is read from. `waits` are the tasks that wait already.
fn verify(build: &Build, beside: &Beside, runs: &[&Run], waits: &mut Vec<String>) -> String {
    let (Some((warehouse, _)), Some(project)) = (&build.settings.of, &build.settings.project) else {
        return String::new();
    };
    let own = commands::batches_of(build, |name| beside.moved.contains(crate::types::family(name)));
    let mut text = String::new();
    for run in &own {
        let wait = commands::waiting(run);
        if !waits.contains(&wait) {
            text.push_str(&commands::wait(build, run));
            waits.push(wait);
        }
    }
    let name = change(beside);
    let mut after: Vec<String> = runs.iter().map(|run| group(beside, run).built()).collect();
    after.extend(own.iter().map(|run| commands::waiting(run)));
    let values = context! {
        id => format!("verify__{name}"), display => format!("verify {}", beside.change.label()), verify => format!("verify_{name}"),
        change => beside.change.name.as_str(), warehouse, project => project.as_str(),
        command => build.settings.command.as_str(), after,
        about => format!("Fails on a day on which both versions do not agree: {}.", beside.change.label()),
    };
    text + &template::render("airflow/verify.py", values)
}

fn of(build: &Build, changes: &[(&Beside, &Vec<Run>)], cadence: Cadence, body: String) -> Dag {
    let word = cadence.word();
    let origin: BTreeSet<String> =
        changes.iter().flat_map(|(_, runs)| runs.iter().map(|run| run.source.clone())).collect();
    dag(
        build,
        Parts {
            names: vec!["double_runs".to_owned(), word.to_owned()],
            display: format!("double runs {word}"),
            description: match cadence {
                Cadence::Daily => "Builds the other version of changes, and records whether both agree".to_owned(),
                Cadence::Hourly => "Builds the other version of changes every hour".to_owned(),
            },
            doc: doc::double_runs(changes.iter().map(|(beside, _)| *beside)),
            when: batches::when(build, cadence),
            owner: build.settings.owner.as_deref().unwrap_or("metricc"),
            tags: vec!["double runs".to_owned(), word.to_owned()],
            deadline: None,
            has_history: true,
            origin: origin.into_iter().collect(),
            body,
        },
    )
}
