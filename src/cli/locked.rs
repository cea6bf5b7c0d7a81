//! `metricc.lock` for the verbs that look at it: reading it, and what is different from the definitions.

use std::{fs, io};

use super::{Stop, ready::Ready};
use crate::caliber::{self, Caliber, Comparison, LOCK_FILE, Lock, Settings, calibers};
use crate::compile::Compiled;
use crate::diagnostic::Diagnostics;
use crate::error;
use crate::lineage::Graph;
use crate::project::{CaliberPolicy, Config, Project, io_message};

/// What the definitions mean, beside what the lock says of them.
#[derive(Debug)]
pub struct Locking {
    /// What the configuration adds.
    pub settings: Settings,
    /// All calibers.
    pub calibers: Vec<Caliber>,
    /// What is different; none without a lock.
    pub comparison: Option<Comparison>,
    /// The text of the lock; none without one.
    pub text: Option<String>,
}

impl Locking {
    /// Of a project without errors. What can't be read of a lock is an error.
    pub fn of(ready: &mut Ready) -> Result<Locking, Stop> {
        let (locking, found) = Locking::read(&mut ready.project, &ready.compiled)?;
        if found.has_errors() { Err(Stop::found(&ready.project, found)) } else { Ok(locking) }
    }

    /// The same, with what is wrong with the text of the lock; the file becomes one of the project's sources.
    pub fn read(project: &mut Project, compiled: &Compiled) -> Result<(Locking, Diagnostics), Stop> {
        let settings = settings(&project.config);
        let calibers = calibers(&compiled.files, &compiled.model);
        let text = read(project)?;
        let mut locking = Locking { settings, calibers, comparison: None, text };
        let Some(text) = &locking.text else { return Ok((locking, Diagnostics::new())) };
        let file = project.sources.add(LOCK_FILE, text.clone());
        let (lock, found) = caliber::parse(file, text);
        if found.is_empty() {
            let mut comparison = locking.compare(&lock, compiled);
            if project.config.policy.caliber_change == CaliberPolicy::Change {
                comparison.require_changes(&lock, &compiled.model.changes);
            }
            locking.comparison = Some(comparison);
        }
        Ok((locking, found))
    }

    /// What is different from a lock.
    pub fn compare(&self, lock: &Lock, compiled: &Compiled) -> Comparison {
        let graph = Graph::of(&compiled.files, &compiled.model);
        caliber::compare(lock, &self.settings, &self.calibers, &graph, &compiled.model.changes)
    }
}

/// What the configuration adds to the meaning of every metric.
pub fn settings(config: &Config) -> Settings {
    let week_starts = match config.week_starts {
        chrono::Weekday::Mon => "monday",
        chrono::Weekday::Tue => "tuesday",
        chrono::Weekday::Wed => "wednesday",
        chrono::Weekday::Thu => "thursday",
        chrono::Weekday::Fri => "friday",
        chrono::Weekday::Sat => "saturday",
        chrono::Weekday::Sun => "sunday",
    };
    Settings { timezone: config.timezone.name().to_owned(), week_starts: week_starts.to_owned() }
}

fn read(project: &Project) -> Result<Option<String>, Stop> {
    match fs::read_to_string(project.root.join(LOCK_FILE)) {
        Ok(text) => Ok(Some(text)),
        Err(failure) if failure.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(failure) => Err(error!(E0002, None, "`{LOCK_FILE}` can't be read: {}", io_message(&failure);
            help: "make it readable, or restore it from version control")
        .into()),
    }
}
