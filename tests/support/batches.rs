//! Batches and backfills, run as a scheduler would run them: what the manifest says, step by step.

use metricc::emit::Emitted;
use serde_json::Value as Json;

use super::clickhouse::{Session, quote_text};
use super::script;

/// A build on a server.
#[derive(Clone, Copy)]
pub struct Batches<'a> {
    pub emitted: &'a Emitted,
    pub session: &'a Session,
}

impl<'a> Batches<'a> {
    /// The text of an artefact.
    pub fn artifact(&self, path: &str) -> &'a str {
        let found = self.emitted.artifacts.iter().find(|artifact| artifact.path == path);
        &found.unwrap_or_else(|| panic!("no {path}")).text
    }

    /// Runs all statements of an artefact; what fails first is told.
    pub fn apply(&self, path: &str) -> Result<(), String> {
        self.session.apply(self.artifact(path)).map_err(|(statement, error)| format!("{error}\n{statement}"))
    }

    /// The names of all batches, such as `event__daily`.
    pub fn names(&self) -> Vec<String> {
        self.emitted.details["batches"].as_array().expect("a list").iter().map(name).collect()
    }

    /// What the manifest tells of a batch.
    pub fn batch(&self, of: &str) -> &'a Json {
        let batches = self.emitted.details["batches"].as_array().expect("a list");
        batches.iter().find(|batch| name(batch) == of).unwrap_or_else(|| panic!("no batch {of}"))
    }

    /// The path of a file of a batch.
    pub fn file(&self, batch: &str, step: &str) -> &'a str {
        self.batch(batch)[step]["file"].as_str().expect("a path")
    }

    /// Sets a parameter of the statements that follow.
    pub fn set(&self, name: &str, value: &str) {
        let set = format!("SET param_{name} = {}", quote_text(value));
        self.session.execute(&set).unwrap_or_else(|error| panic!("{error}"));
    }

    /// The lists of days that a run builds, or for `history` all days there are.
    pub fn days(&self, batch: &str, step: &str, run: &str) -> Vec<Vec<String>> {
        let parameter = self.batch(batch)[step]["parameters"][0].as_str().expect("a name");
        self.set(parameter, run);
        let list = |cell: &Option<String>| {
            let inner = cell.as_deref().expect("a list").trim_matches(['[', ']']);
            inner.split(',').map(|day| day.trim_matches('\'').to_owned()).collect()
        };
        self.only_select(self.file(batch, step)).iter().map(|row| list(&row[0])).collect()
    }

    /// Prepares a list of days.
    pub fn stage(&self, batch: &str, days: &[String]) -> Result<(), String> {
        self.set("days", &list(days));
        self.apply(self.file(batch, "stage"))
    }

    /// Puts a prepared day in its place.
    pub fn publish(&self, batch: &str, day: &str) -> Result<(), String> {
        self.set("day", day);
        self.apply(self.file(batch, "publish"))
    }

    /// A whole run (`days`), or all of history; gives the days that it built.
    pub fn run(&self, batch: &str, step: &str, run: &str) -> Result<Vec<String>, String> {
        let lists = self.days(batch, step, run);
        for days in &lists {
            self.stage(batch, days)?;
            days.iter().try_for_each(|day| self.publish(batch, day))?;
        }
        Ok(lists.concat())
    }

    /// Fills in the history of the streams of a source; gives its months.
    pub fn fill_history(&self, source: &str) -> Result<Vec<String>, String> {
        let all = self.emitted.details["backfills"].as_array().expect("a list");
        let of = all.iter().find(|backfill| backfill["source"] == source).expect("a backfill");
        let file = |step: &str| of[step]["file"].as_str().expect("a path");
        let months = self.only_select(file("months")).into_iter().filter_map(|mut row| row.swap_remove(0));
        let months: Vec<String> = months.collect();
        for month in &months {
            self.set("month", month);
            self.apply(file("stage"))?;
            self.apply(file("publish"))?;
        }
        Ok(months)
    }

    fn only_select(&self, path: &str) -> Vec<Vec<Option<String>>> {
        let statements = script::statements(self.artifact(path));
        let [select] = statements.as_slice() else { panic!("{statements:?}") };
        self.session.query(select).unwrap_or_else(|error| panic!("{error}\n{select}")).rows
    }
}

fn name(batch: &Json) -> String {
    let text = |key: &str| batch[key].as_str().expect("a text").to_owned();
    format!("{}__{}", text("source"), text("every"))
}

/// Days as the value of a parameter.
pub fn list(days: &[String]) -> String {
    format!("[{}]", days.iter().map(|day| format!("'{day}'")).collect::<Vec<_>>().join(","))
}
