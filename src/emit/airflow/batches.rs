//! The DAGs that run batches, and those that tell of metrics that batches of several DAGs make.

use std::collections::BTreeSet;

use minijinja::{Value, context};

use super::dags::{Dag, Parts, Plan, When, dag};
use super::domain::{self, Domain, Join};
use super::{Build, doc, id, one_line, scripts};
use crate::emit::clickhouse::{Gate, Run};
use crate::emit::{name, template};
use crate::project::{Clock, WaitFor};
use crate::rollup::Cadence;

/// All of them.
pub fn dags(build: &Build, plan: &Plan) -> Vec<Dag> {
    let own = plan.domains.iter().enumerate().map(|(place, domain)| of_domain(build, place, domain, plan));
    let across = plan.joins.iter().filter(|join| join.domains.len() > 1).map(|join| across(build, join, plan));
    own.chain(across).collect()
}

/// When batches of a cadence run.
pub fn when(build: &Build, cadence: Cadence) -> When {
    match cadence {
        Cadence::Daily => When::Cron(build.settings.starts.value.cron(), "days=1"),
        Cadence::Hourly => When::Cron(format!("{} * * * *", build.settings.minute), "hours=1"),
    }
}

fn of_domain(build: &Build, place: usize, domain: &Domain, plan: &Plan) -> Dag {
    let (settings, word) = (build.settings, domain.cadence.word());
    let runs: Vec<&Run> = domain.batches.iter().map(|batch| &build.schedule.batches[*batch]).collect();
    let owner = domain::owner(runs.iter().flat_map(|run| run.metrics.iter().copied()), build.input);
    let mut body = String::new();
    for (batch, run) in domain.batches.iter().zip(&runs) {
        let alone = domain::alone(*batch, build.schedule, build.input, &plan.joins);
        body.push_str(&group(build, run, &Group::of(run, &alone)));
    }
    let joins = plan.joins.iter().filter(|join| join.domains.len() == 1 && join.domains.contains(&place));
    joins.for_each(|join| body.push_str(&joined(build, join)));
    dag(
        build,
        Parts {
            names: vec![id::id(&domain.name), word.to_owned()],
            display: format!("{} {word}", domain.name),
            description: format!(
                "Builds what is served {word} of {}",
                doc::and(runs.iter().map(|run| one_line(&run.source)))
            ),
            doc: doc::batches(domain, build.schedule, build.input, settings),
            when: when(build, domain.cadence),
            owner: owner.or(settings.owner.as_deref()).unwrap_or(&domain.name),
            tags: vec![word.to_owned(), domain.name.clone()],
            deadline: deadline(build, domain.cadence),
            has_history: true,
            origin: runs.iter().map(|run| run.source.clone()).collect(),
            body,
        },
    )
}

/// When daily runs are late.
fn deadline(build: &Build, cadence: Cadence) -> Option<Value> {
    let settings = build.settings;
    let minutes = |clock: Clock| i64::from(clock.hour) * 60 + i64::from(clock.minute);
    let (starts, by) = (settings.starts.value, settings.deadline.value);
    let left = minutes(by) - minutes(starts);
    (settings.deadlines && cadence == Cadence::Daily).then(|| {
        context! {
            interval => super::timedelta(left * 60_000), by => format!("{} {}", by.text(), build.input.zone.name()),
            callback => format!("{}_alerts.missed", build.package),
        }
    })
}

/// The names of the tasks of a batch.
pub struct Group {
    /// Of the group of tasks.
    pub id: String,
    /// For people.
    pub display: String,
    /// The folder of its statements.
    pub folder: String,
    /// What it tells of when it is built: the function, the id and the cadence.
    pub outlets: Vec<(&'static str, String, &'static str)>,
}

impl Group {
    fn of(run: &Run, metrics: &BTreeSet<String>) -> Group {
        let word = run.cadence.word();
        let own = std::iter::once(("batch", id::id(&run.source), word));
        let metrics = metrics.iter().map(|name| ("metric", id::id(name), word));
        Group {
            id: id::id(&run.source),
            display: run.source.clone(),
            folder: scripts::folder(run),
            outlets: own.chain(metrics).collect(),
        }
    }

    /// The variable of its last task.
    pub fn built(&self) -> String {
        format!("built_{}", self.id)
    }
}

/// The tasks of a batch.
pub fn group(build: &Build, run: &Run, names: &Group) -> String {
    let settings = build.settings;
    let own = || build.schedule.gates.iter().filter(|gate| gate.source == run.source);
    let gate = |gate: &Gate, after: bool| context! { file => scripts::gate(gate, after), stops => gate.stops };
    let gates: Vec<Value> = own().filter(|one| one.before.is_some()).map(|one| gate(one, false)).collect();
    let rules: Vec<Value> = own().filter(|one| one.after.is_some()).map(|one| gate(one, true)).collect();
    let outlets =
        names.outlets.iter().map(|(kind, id, word)| context! { kind => *kind, id, word => *word }).collect::<Vec<_>>();
    let tables: String = run.rollups.iter().map(|table| format!("- {}\n", doc::code(table))).collect();
    let asks = if gates.is_empty() { "" } else { ", asks the quality gates" };
    let values = context! {
        group => names.id.as_str(), display => names.display.as_str(), variable => id::variable(&names.id), built => names.built(),
        tooltip => format!("builds {}", run.rebuilds), folder => names.folder.as_str(), wait_for => wait_for(build, run),
        every => super::timedelta(settings.wait.every), up_to => super::timedelta(settings.wait.up_to), gates, rules, outlets,
        about_wait => format!("Waits for the rows of the run, by `sql/{}/0_ready.sql`.", names.folder),
        about_days => format!("The days that are built: {}.", run.rebuilds),
        about_build => format!("Stages days{asks} and swaps them in, in:\n\n{tables}"),
    };
    template::render("airflow/batch.py", values)
}

/// The column of `0_ready.sql` that has to be true; none where nothing is waited for.
fn wait_for(build: &Build, run: &Run) -> Option<&'static str> {
    let table = build.input.tables.iter().position(|table| table.name == run.source);
    let arrives = table.is_some_and(|place| build.input.upkeep[place].arrived.is_some());
    let usual = if arrives { WaitFor::Past } else { WaitFor::Rows };
    match build.settings.waits_for(&run.source).unwrap_or(usual) {
        WaitFor::Rows => Some("has_rows"),
        WaitFor::Past => Some("is_past"),
        WaitFor::Nothing => None,
    }
}

/// The task that tells of metrics once several batches of its DAG are built.
fn joined(build: &Build, join: &Join) -> String {
    let runs: Vec<&Run> = join.batches.iter().map(|batch| &build.schedule.batches[*batch]).collect();
    let groups: Vec<String> = runs.iter().map(|run| id::id(&run.source)).collect();
    let parts: Vec<&str> = groups.iter().map(String::as_str).collect();
    let id = format!("metrics_of__{}", id::joined(&parts));
    let words = doc::and(runs.iter().map(|run| one_line(&run.source)));
    let values = context! {
        display => format!("metrics of {words}"), words, variable => format!("built_{}", name::hash(&id)), id,
        like => groups.first().map(|group| id::variable(group)), word => join.cadence.word(),
        after => groups.iter().map(|group| format!("built_{group}")).collect::<Vec<_>>(),
        metrics => join.metrics.iter().map(|name| id::id(name)).collect::<Vec<_>>(),
    };
    template::render("airflow/join.py", values)
}

/// The DAG that tells of metrics once batches of several DAGs are built.
fn across(build: &Build, join: &Join, plan: &Plan) -> Dag {
    let word = join.cadence.word();
    let domains: Vec<&str> = join.domains.iter().map(|place| plan.domains[*place].name.as_str()).collect();
    let runs: Vec<&Run> = join.batches.iter().map(|batch| &build.schedule.batches[*batch]).collect();
    let metrics = join.metrics.iter().map(|name| id::id(name)).collect::<Vec<_>>();
    let names = domains.iter().map(|domain| id::id(domain)).chain([word.to_owned()]).collect();
    let of = doc::and(domains.iter().map(|domain| one_line(domain)));
    let owner = build.settings.owner.as_deref().unwrap_or(domains.first().copied().unwrap_or_default());
    dag(
        build,
        Parts {
            names,
            display: format!("{of} {word}"),
            description: format!("Tells of metrics that are read from batches of {of}"),
            doc: doc::across(join, &runs, build),
            when: When::Built(runs.iter().map(|run| (id::id(&run.source), word)).collect()),
            owner,
            tags: std::iter::once(word).chain(domains.iter().copied()).map(str::to_owned).collect(),
            deadline: None,
            has_history: false,
            origin: runs.iter().map(|run| run.source.clone()).collect(),
            body: template::render("airflow/across.py", context! { metrics, word }),
        },
    )
}
