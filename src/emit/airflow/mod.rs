//! Airflow: DAGs that run the batches of a warehouse, as static Python files.
//!
//! A DAG has the batches of a domain that run together ([`domain`]). It names folders of statements, which its tasks read when
//! they run: SQL is never in a place where Airflow renders templates. What the tasks do is a package beside the DAGs.

mod batches;
mod commands;
mod dags;
mod doc;
mod domain;
mod double_runs;
mod freshness;
mod id;
pub mod python;
mod reports;
mod scripts;

use std::collections::BTreeSet;

use chrono::{Offset, TimeZone};
use serde_json::json;

use super::clickhouse::{self, Schedule};
use super::{Artifact, Emitted, Input, name, template};
use crate::diagnostic::{Diagnostics, Spanned};
use crate::error;
use crate::project::{AirflowTarget, Clock, Target};
use crate::rollup::Cadence;
use crate::suggest::near;

/// What all parts of a build share.
struct Build<'a> {
    input: &'a Input,
    settings: &'a AirflowTarget,
    schedule: &'a Schedule,
    /// The target's name.
    target: &'a str,
    /// The folder of its files.
    folder: String,
    /// What ids begin with.
    prefix: String,
    /// The package that the DAGs import.
    package: String,
}

impl Build<'_> {
    fn artifact(&self, path: &str, what: &str, text: &str, origin: Vec<String>) -> Artifact {
        let values =
            minijinja::context! { what, version => env!("CARGO_PKG_VERSION"), target => one_line(self.target) };
        let header = template::render("airflow/header.txt", values);
        Artifact { path: format!("{}/{path}", self.folder), text: header + text, origin }
    }
}

/// Makes the artefacts of a target.
pub fn emit(input: &Input, target: &Target, settings: &AirflowTarget) -> (Emitted, Diagnostics) {
    // That it has no warehouse was told when it was read.
    let Some((warehouse, of)) = &settings.of else {
        return (Emitted { artifacts: Vec::new(), details: serde_json::Value::Null }, Diagnostics::new());
    };
    let (schedule, mut diagnostics) = clickhouse::schedule(input, warehouse, of);
    check(input, target, settings, &schedule, &mut diagnostics);
    let prefix = id::id(&settings.prefix);
    let build = Build {
        input,
        settings,
        schedule: &schedule,
        target: &target.name.value,
        folder: name::file(&target.name.value),
        package: format!("metricc_{prefix}"),
        prefix,
    };
    let made = dags::dags(&build);
    let mut artifacts: Vec<Artifact> = made.iter().map(|dag| dag.artifact(&build)).collect();
    artifacts.extend(package(&build));
    artifacts.extend(scripts::files(&build, &mut diagnostics));
    let details = json!({
        "kind": "airflow",
        "warehouse": warehouse,
        "connection": settings.connection,
        "pool": settings.pool,
        "package": build.package,
        "dags": made.iter().map(|dag| dag.details(&build)).collect::<Vec<_>>(),
    });
    (Emitted { artifacts, details }, diagnostics)
}

/// The package that the DAGs import, and what the triggerer has to import.
fn package(build: &Build) -> Vec<Artifact> {
    let settings = build.settings;
    let render = |name: &str| {
        let values = minijinja::context! { prefix => build.prefix.as_str(), alerts => settings.alerts.as_deref(), reports => !build.input.reports.is_empty() };
        template::render(&format!("airflow/{name}"), values)
    };
    let file = |name: &str, what: &str| {
        build.artifact(&format!("dags/{}/{name}", build.package), what, &render(name), Vec::new())
    };
    let mut files = vec![
        build.artifact(&format!("dags/{}/__init__.py", build.package), "What the DAGs import", "", Vec::new()),
        file("alerts.py", "Callbacks of tasks and deadlines"),
        file("assets.py", "The assets that the DAGs tell of"),
        file("batches.py", "The tasks of batches"),
        file("commands.py", "The tasks that run metricc"),
        // No file of the package is a DAG.
        build.artifact(
            &format!("dags/{}/.airflowignore", build.package),
            "Airflow looks for no DAG here",
            "*\n",
            Vec::new(),
        ),
    ];
    if settings.deadlines {
        let path = format!("plugins/{}_alerts.py", build.package);
        let what = "The callback of deadlines, which the triggerer imports: for its folder of plugins";
        files.push(build.artifact(&path, what, &render("alerts.py"), Vec::new()));
    }
    files
}

fn check(input: &Input, target: &Target, settings: &AirflowTarget, schedule: &Schedule, diagnostics: &mut Diagnostics) {
    if schedule.batches.is_empty() && !diagnostics.has_errors() {
        diagnostics.push(error!(W0855, target.name.span, "no metric is served `daily` or `hourly` from a batch: `{}` has nothing to run", target.name.value;
            help: "write `serve: daily` where a number is wanted once a day"));
    }
    let sources: BTreeSet<&str> = schedule.batches.iter().map(|run| run.source.as_str()).collect();
    let mut seen: Vec<&Spanned<String>> = Vec::new();
    for source in settings.domains.iter().flat_map(|(_, sources)| sources) {
        is_batched(source, &sources, diagnostics);
        if let Some(first) = seen.iter().find(|other| other.value == source.value) {
            let found = error!(E0858, source.span, "`{}` is in two domains", source.value; help: "keep one of the two");
            diagnostics.push(found.related(first.span, "the first one"));
        }
        seen.push(source);
    }
    settings.wait.by_source.iter().for_each(|(source, _)| is_batched(source, &sources, diagnostics));
    let left =
        [("sends the reports", input.reports.is_empty()), ("verifies the double runs", input.changes.is_empty())];
    for (what, _) in left.iter().filter(|(_, is_empty)| settings.project.is_none() && !is_empty) {
        diagnostics
            .push(error!(W0856, target.name.span, "nothing {what}: `{}` does not say `project`", target.name.value;
            help: "add `project:` with the folder of the project on the workers"));
    }
    if settings.deadline.value <= settings.starts.value {
        diagnostics.push(error!(E0856, settings.deadline.span, "`deadline` is {}, and batches start at {}", settings.deadline.value.text(), settings.starts.value.text();
            help: "let it be later on the same day"));
    }
    let daily = schedule.batches.iter().any(|run| run.cadence == Cadence::Daily);
    if let Some(earliest) = too_early(settings.starts.value, input.zone).filter(|_| daily) {
        diagnostics.push(error!(E0856, settings.starts.span, "`starts` is before {}, and clocks of {} jump: the run after a day of 23 hours would be for the wrong day", earliest.text(), input.zone.name();
            help: ("start at {} or later", earliest.text())));
    }
}

fn is_batched(source: &Spanned<String>, sources: &BTreeSet<&str>, diagnostics: &mut Diagnostics) {
    if sources.contains(source.value.as_str()) {
        return;
    }
    let help = match near(&source.value, sources.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if sources.is_empty() => "no source has one".to_owned(),
        None => format!("those that have one are {}", doc::and(sources.iter().map(|name| format!("`{name}`")))),
    };
    diagnostics.push(error!(E0858, source.span, "`{}` has no batch", source.value; help: help));
}

/// When a daily run may start at the earliest, where it starts before that: a run is for the day on which the 24 hours before it began, and
/// after a short day these began the day before (AF1).
fn too_early(starts: Clock, zone: chrono_tz::Tz) -> Option<Clock> {
    let offset = |day: chrono::NaiveDate| {
        zone.offset_from_utc_datetime(&day.and_time(chrono::NaiveTime::MIN)).fix().local_minus_utc()
    };
    let first = chrono::NaiveDate::from_ymd_opt(2020, 1, 1)?;
    let jump = first.iter_days().take(40 * 366).map(|day| (offset(day), day.succ_opt().map_or(0, offset)));
    let jump = jump.map(|(before, after)| after - before).max().unwrap_or(0) / 60;
    let at = i32::from(starts.hour) * 60 + i32::from(starts.minute);
    let part = |value: i32| u8::try_from(value).unwrap_or(0);
    (at < jump).then(|| Clock { hour: part(jump / 60), minute: part(jump % 60) })
}

/// A text on one line, for a comment.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The arguments of a `timedelta`.
fn timedelta(ms: i64) -> String {
    match ms / 1000 {
        seconds if seconds % 3600 == 0 && seconds > 0 => format!("hours={}", seconds / 3600),
        seconds if seconds % 60 == 0 && seconds > 0 => format!("minutes={}", seconds / 60),
        seconds => format!("seconds={seconds}"),
    }
}
