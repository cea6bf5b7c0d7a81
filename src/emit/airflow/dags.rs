//! DAGs as files of Python: what all of them share, and which there are.

use minijinja::{Value, context};
use serde_json::json;

use super::domain::{self, Domain, Join};
use super::{Build, batches, double_runs, freshness, id, one_line, python, reports};
use crate::emit::{Artifact, template};

/// A DAG: a file of Python.
pub struct Dag {
    /// Its id, which is the name of its file too.
    pub id: String,
    /// What it is, in a line.
    pub what: String,
    /// When it runs, for the manifest: cron, or the assets that it waits for.
    pub schedule: serde_json::Value,
    /// The text behind the header.
    pub text: String,
    /// The sources that it is about.
    pub origin: Vec<String>,
}

impl Dag {
    /// Its file.
    pub fn artifact(&self, build: &Build) -> Artifact {
        build.artifact(&self.file(), &self.what, &self.text, self.origin.clone())
    }

    fn file(&self) -> String {
        format!("dags/{}.py", self.id)
    }

    /// For the manifest.
    pub fn details(&self, build: &Build) -> serde_json::Value {
        let file = format!("{}/{}", build.folder, self.file());
        json!({ "id": self.id, "file": file, "is": self.what, "schedule": self.schedule, "sources": self.origin })
    }
}

/// The domains of a build, and the metrics that several batches make.
pub struct Plan {
    /// The domains, each of which is a DAG.
    pub domains: Vec<Domain>,
    /// The metrics.
    pub joins: Vec<Join>,
}

/// All DAGs.
pub fn dags(build: &Build) -> Vec<Dag> {
    let domains = domain::domains(build.schedule, build.input, build.settings);
    let joins = domain::joins(build.schedule, build.input, &domains);
    let plan = Plan { domains, joins };
    let mut made = batches::dags(build, &plan);
    made.extend(freshness::dags(build));
    made.extend(double_runs::dags(build));
    made.extend(reports::dags(build));
    made
}

/// When a DAG runs.
pub enum When {
    /// By the clock: cron, and the length of what a run is about.
    Cron(String, &'static str),
    /// When all of these batches are built, by their ids and cadences.
    Built(Vec<(String, &'static str)>),
}

/// What a DAG is made of.
pub struct Parts<'a> {
    /// What its id ends with, behind the prefix: ids.
    pub names: Vec<String>,
    /// The same for people.
    pub display: String,
    /// What it does, in a sentence without its end.
    pub description: String,
    /// For people: Markdown.
    pub doc: String,
    /// When it runs.
    pub when: When,
    /// Who answers for it.
    pub owner: &'a str,
    /// What it is about, for lists of DAGs.
    pub tags: Vec<String>,
    /// By when a run has to be done.
    pub deadline: Option<Value>,
    /// Whether a run may build all days that there are.
    pub has_history: bool,
    /// The sources that it is about.
    pub origin: Vec<String>,
    /// Its tasks.
    pub body: String,
}

/// Names that a DAG may import: from where, behind what, and what shows that they are used.
const IMPORTS: &[(&str, &str)] = &[
    ("airflow.sdk", "DAG("),
    ("airflow.sdk", "AsyncCallback("),
    ("airflow.sdk", "CronTriggerTimetable("),
    ("airflow.sdk", "DeadlineAlert("),
    ("airflow.sdk", "DeadlineReference."),
    ("airflow.sdk", "Param("),
    ("airflow.sdk", "TaskGroup("),
    (".alerts", "failed,"),
    (".assets", "batch("),
    (".assets", "metric("),
    (".batches", "BuildDays."),
    (".batches", "Built("),
    (".batches", "BuiltAcross("),
    (".batches", "CheckBuilt("),
    (".batches", "CompareDays("),
    (".batches", "ListDays("),
    (".batches", "Wait("),
    (".commands", "Report("),
    (".commands", "Verify("),
];

/// Puts a DAG together.
pub fn dag(build: &Build, parts: Parts) -> Dag {
    let settings = build.settings;
    let names: Vec<&str> =
        std::iter::once(build.prefix.as_str()).chain(parts.names.iter().map(String::as_str)).collect();
    let id = id::joined(&names);
    let mut tags = vec!["metricc".to_owned()];
    for tag in parts.tags.iter().chain(&settings.tags) {
        // Airflow takes no longer ones.
        let tag: String = one_line(tag).chars().take(100).collect();
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    let zone = build.input.zone.name();
    let (cron, interval, after) = match &parts.when {
        When::Cron(cron, interval) => (Some(cron.as_str()), Some(*interval), Vec::new()),
        When::Built(batches) => {
            (None, None, batches.iter().map(|(asset, word)| context! { asset, word => *word }).collect())
        }
    };
    let schedule = match &parts.when {
        When::Cron(cron, _) => json!({ "cron": cron, "zone": zone }),
        When::Built(batches) => {
            json!({ "built": batches.iter().map(|(id, word)| format!("{id}__{word}")).collect::<Vec<_>>() })
        }
    };
    let render = |imports: &str| {
        let values = context! {
            about => format!("{}.", parts.description), imports, zone, id => id.as_str(),
            connection => parts.body.contains("CONNECTION").then_some(settings.connection.as_str()),
            display => format!("{} {}", *settings.prefix, parts.display), description => parts.description.as_str(),
            doc => parts.doc.as_str(), cron, interval, after => after.clone(), deadline => parts.deadline.clone(),
            first_day => settings.first_day.format("%Y, %-m, %-d").to_string(), owner => parts.owner,
            pool => settings.pool.as_str(), retries => settings.retries,
            retry_delay => super::timedelta(settings.retry_delay), timeout => super::timedelta(settings.timeout),
            history => parts.has_history, tags => tags.clone(), body => parts.body.trim_end(),
        };
        template::render("airflow/dag.py", values)
    };
    let bare = render("");
    // What stands behind a key, which is a text.
    let used = format!("{bare}\nfailed,\n{}", if parts.has_history { "Param(\n" } else { "" });
    let text = render(&imports(&used, &build.package)) + "\n";
    Dag { id, what: parts.description, schedule, text, origin: parts.origin }
}

/// What a file has to import.
fn imports(text: &str, package: &str) -> String {
    let mut found: Vec<(String, Vec<&str>)> = Vec::new();
    // What stands before a text or a comment in its line; a text over several lines begins each with a quote.
    let code: Vec<&str> = text.lines().filter_map(|line| line.split(['"', '\'', '#']).next()).collect();
    for (module, sign) in IMPORTS {
        let starts = |(at, _): (usize, &str), line: &str| {
            // The end of a longer name is another one.
            !line[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        };
        if !code.iter().any(|line| line.match_indices(sign).any(|found| starts(found, line))) {
            continue;
        }
        let module = if module.starts_with('.') { format!("{package}{module}") } else { (*module).to_owned() };
        let name = sign.trim_end_matches(['(', ',', '.']);
        match found.iter_mut().find(|(known, _)| *known == module) {
            Some((_, names)) => names.push(name),
            None => found.push((module, vec![name])),
        }
    }
    found.iter().map(|(module, names)| python::import(module, names)).collect()
}
