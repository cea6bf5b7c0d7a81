//! The stages of changes in a lock, and versions that no change leads to.

use crate::diagnostic::{Diagnostic, Span};
use crate::error;
use crate::lineage::Kind;
use crate::types::CaliberChange;

use super::compare::{Comparison, State};
use super::lock::Lock;

/// A change that is at another stage than in the lock: its name means another version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restaged {
    /// `dau v1 -> v2`
    pub label: String,
    /// What changes.
    pub name: String,
    /// The version that the name means now.
    pub version: u32,
    /// The stage in the lock; none where it is new.
    pub was: Option<String>,
    /// The stage now; none where it is not declared any more.
    pub now: Option<String>,
    /// Where it stands; in the lock where it is removed.
    pub span: Span,
    /// The metrics and tables of behaviour that move with it, sorted.
    pub moves: Vec<String>,
}

impl Restaged {
    /// What the name means now: `dau v2`.
    pub fn meant(&self) -> String {
        format!("{} v{}", self.name, self.version)
    }

    pub(super) fn diagnostic(&self) -> Diagnostic {
        let label = &self.label;
        let moves = match self.moves.as_slice() {
            [] => String::new(),
            [one] => format!("; `{one}` moves with it"),
            many => format!("; {} others move with it", many.len()),
        };
        let told = match (&self.was, &self.now) {
            (Some(was), Some(now)) => {
                format!("the change `{label}` is at `{now}`, in `metricc.lock` it is at `{was}`{moves}")
            }
            (None, _) => format!("the change `{label}` is not in `metricc.lock`{moves}"),
            (Some(_), None) => format!("the change `{label}` is in `metricc.lock`, but no longer declared{moves}"),
        };
        error!(W0602, self.span, "{told}"; help: "run `metricc lock`")
    }
}

/// The changes that are at another stage than in the lock, sorted.
pub fn restaged(lock: &Lock, declared: &[CaliberChange]) -> Vec<Restaged> {
    let mut found = Vec::new();
    for change in declared {
        let label = change.label();
        let was = lock.stages.iter().find(|one| one.label == label).map(|one| one.stage.clone());
        let now = change.stage.word().to_owned();
        if was.as_ref() != Some(&now) {
            let (name, version) = (change.name.clone(), change.current());
            found.push(Restaged { label, name, version, was, now: Some(now), span: change.span, moves: Vec::new() });
        }
    }
    for gone in &lock.stages {
        if declared.iter().any(|change| change.label() == gone.label) {
            continue;
        }
        // Without its change a name means the newest version.
        let (name, to) = gone.label.rsplit_once(" -> v").unwrap_or((&gone.label, ""));
        let name = name.rsplit_once(" v").map_or(name, |(name, _)| name).to_owned();
        let (version, was) = (to.parse().unwrap_or(1), Some(gone.stage.clone()));
        let label = gone.label.clone();
        found.push(Restaged { label, name, version, was, now: None, span: gone.span, moves: Vec::new() });
    }
    found.sort_by(|a, b| a.label.cmp(&b.label));
    found
}

impl Comparison {
    /// Wants a `change` for each new version of a name that the lock has.
    pub fn require_changes(&mut self, lock: &Lock, declared: &[CaliberChange]) {
        for new in self.changes.iter_mut().filter(|one| one.state == State::NewVersion) {
            let leads = |change: &CaliberChange| change.name == new.name && change.to == new.version;
            if matches!(new.kind, Kind::Column | Kind::Calendar) || declared.iter().any(leads) {
                continue;
            }
            let versions = lock.calibers.iter().filter(|one| (one.kind, &one.name) == (new.kind, &new.name));
            // Of a version that is older than what the lock has nobody has to be told.
            if let Some(from) = versions.map(|one| one.version).max().filter(|from| *from < new.version) {
                new.lacks = Some(format!(
                    "change {} v{from} -> v{} {{ reason: \"…\"; stage: double_run }}",
                    new.name, new.version
                ));
            }
        }
    }
}
