//! What is different between a lock and the definitions, and who has to answer for it.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::error;
use crate::lineage::{Graph, Kind, NodeId};
use crate::types::CaliberChange;

use super::lock::{Lock, Locked};
use super::stages::{self, Restaged};
use super::{Caliber, Fingerprint};

/// What the project's configuration adds to the meaning of every metric.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The IANA zone in which days begin.
    pub timezone: String,
    /// The first day of the week.
    pub week_starts: String,
}

/// What became of a caliber.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It means something else under the same version.
    Changed {
        /// What it said itself.
        was: Vec<String>,
    },
    /// It says the same, but something that it names means something else.
    Moved {
        /// What changed or is new, by name.
        via: Vec<String>,
    },
    /// The lock has no such name.
    New,
    /// The lock has other versions of the name.
    NewVersion,
    /// The lock has it, the definitions don't.
    Removed,
    /// The same meaning has another name.
    Renamed {
        /// The name in the lock.
        from: String,
    },
    /// It means the same, written in another way.
    Reworded,
}

/// A caliber that is not as the lock says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What is declared.
    pub kind: Kind,
    /// Its name, with the version.
    pub label: String,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: u32,
    /// What became of it.
    pub state: State,
    /// Where its name stands; in the lock where it is removed.
    pub span: Span,
    /// Its block in the lock.
    pub locked: Option<Span>,
    /// The metrics and tables of behaviour that move with it, sorted.
    pub moves: Vec<String>,
    /// What it says now.
    pub form: Vec<String>,
    /// For a new version that no `change` leads to, where the project wants one: the declaration that is missing.
    pub lacks: Option<String>,
}

/// All that is different.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// What the lock says of the project, where that is no longer so.
    pub settings: Option<Settings>,
    /// Changes that are at another stage, so that their names mean another version.
    pub stages: Vec<Restaged>,
    /// Calibers, sorted by kind, name and version.
    pub changes: Vec<Change>,
    /// Whether the lock is of another normal form.
    pub other_form: bool,
}

impl Comparison {
    /// Those that mean something else under the same version.
    pub fn unanswered(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(|change| matches!(change.state, State::Changed { .. }))
    }

    /// Whether lock and definitions mean the same.
    pub fn agrees(&self) -> bool {
        let same = |change: &Change| change.state == State::Reworded;
        !self.other_form && self.settings.is_none() && self.stages.is_empty() && self.changes.iter().all(same)
    }

    /// What is different, as diagnostics. `accepted` are names whose meaning may change under the same version.
    pub fn diagnostics(&self, settings: &Settings, accepted: &dyn Fn(&str) -> bool) -> Diagnostics {
        let mut found = Diagnostics::new();
        if self.other_form {
            found.push(
                error!(W0602, None, "`metricc.lock` was written by a version of metricc that compared otherwise";
                help: "look at what changed since, then run `metricc lock`"),
            );
            return found;
        }
        if let Some(was) = self.settings.as_ref().filter(|_| !accepted(PROJECT)) {
            found.push(error!(E0661, None,
                "the project has time zone `{}` and weeks from {}, in `metricc.lock` they are `{}` and {}: every metric means something else",
                settings.timezone, settings.week_starts, was.timezone, was.week_starts;
                help: "undo the edit of `metricc.yaml`, or run `metricc lock --accept project`"));
        }
        found.extend(self.stages.iter().map(Restaged::diagnostic).collect());
        for change in self.changes.iter().filter(|change| !self.follows(change)) {
            found.extend(change.diagnostic(accepted).into_iter().collect());
        }
        found
    }

    /// Whether that something is new or gone only follows from another change: columns come and go with their table, and an old
    /// version with a new one.
    fn follows(&self, change: &Change) -> bool {
        let of_table = |other: &Change| {
            let columns = change.name.strip_prefix(other.name.as_str()).is_some_and(|rest| rest.starts_with('.'));
            columns && other.version == change.version && !matches!(other.kind, Kind::Column | Kind::Metric)
        };
        let is_new = |state: &State| matches!(state, State::New | State::NewVersion | State::Renamed { .. });
        match &change.state {
            State::Removed if change.kind == Kind::Column => {
                let gone = |other: &Change| other.state == State::Removed && of_table(other);
                let renamed = |other: &Change| {
                    matches!(&other.state, State::Renamed { from } if {
                        let table = from.rsplit_once(" v").map_or(from.as_str(), |(name, _)| name);
                        change.name.strip_prefix(table).is_some_and(|rest| rest.starts_with('.'))
                    })
                };
                self.changes.iter().any(|other| gone(other) || renamed(other))
            }
            State::Removed => self.changes.iter().any(|other| {
                other.kind == change.kind && other.name == change.name && other.state == State::NewVersion
            }),
            state if change.kind == Kind::Column && is_new(state) => {
                self.changes.iter().any(|other| is_new(&other.state) && of_table(other))
            }
            _ => false,
        }
    }
}

/// The name by which a change of the project's settings is accepted.
pub const PROJECT: &str = "project";

impl Change {
    fn diagnostic(&self, accepted: &dyn Fn(&str) -> bool) -> Option<Diagnostic> {
        let Change { kind, label, .. } = self;
        let what = kind.word();
        let moves = match self.moves.as_slice() {
            [] => String::new(),
            [one] => format!("; `{one}` moves with it"),
            many => format!("; {} others move with it: {}", many.len(), listed(many)),
        };
        let told = match &self.state {
            State::Changed { .. } if accepted(&self.name) || accepted(label) => return None,
            State::Changed { was } => {
                let next = self.version + 1;
                let name = &self.name;
                let help = match kind {
                    Kind::Column => format!(
                        "undo the edit, give the table that it is of the version v{next}, or run `metricc lock --accept {name}` if nobody has used the number yet"
                    ),
                    Kind::Calendar => {
                        format!("undo the edit, or run `metricc lock --accept {name}`: a calendar has no versions")
                    }
                    _ => format!(
                        "undo the edit, declare it as `{name} v{next}`, or run `metricc lock --accept {name}` if nobody has used the number yet"
                    ),
                };
                let told = error!(E0661, self.span, "the {what} `{name}` means something else than in `metricc.lock`, and is still v{}{moves}", self.version;
                    label: ("was: {}", was.join("; ")); help: help);
                match self.locked {
                    Some(locked) => told.related(locked, "locked here"),
                    None => told,
                }
            }
            State::New => {
                error!(W0602, self.span, "the {what} `{label}` is not in `metricc.lock`{moves}"; help: "run `metricc lock`")
            }
            State::NewVersion if self.lacks.is_some() => {
                let lacks = self.lacks.as_deref().unwrap_or_default();
                error!(E0664, self.span, "the {what} `{label}` is a new version, and no `change` leads to it{moves}";
                    help: ("add `{lacks}`, and keep the old version beside it"))
            }
            State::NewVersion => {
                error!(W0602, self.span, "the {what} `{label}` is a version that `metricc.lock` does not have{moves}"; help: "run `metricc lock`")
            }
            State::Removed => {
                error!(W0602, self.span, "the {what} `{label}` is in `metricc.lock`, but no longer declared"; help: "run `metricc lock`")
            }
            State::Renamed { from } => {
                error!(W0602, self.span, "the {what} `{label}` is `{from}` in `metricc.lock`"; help: "run `metricc lock`")
            }
            // What it moves with was told.
            State::Moved { .. } | State::Reworded => return None,
        };
        Some(told)
    }
}

/// The first few of some names.
fn listed(names: &[String]) -> String {
    let shown: Vec<String> = names.iter().take(5).map(|name| format!("`{name}`")).collect();
    match names.len() - shown.len() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

type Key<'a> = (Kind, &'a str, u32);

/// Compares a lock with the definitions.
///
/// `declared` are the project's changes of calibers: where one is at another stage than in the lock, what names it moves with
/// it, as it does with a new version.
pub fn compare(
    lock: &Lock,
    settings: &Settings,
    calibers: &[Caliber],
    graph: &Graph,
    declared: &[CaliberChange],
) -> Comparison {
    if !lock.same_form {
        return Comparison { other_form: true, ..Comparison::default() };
    }
    let changed_settings = (lock.settings != *settings).then(|| lock.settings.clone());
    let locked: BTreeMap<Key<'_>, &Locked> =
        lock.calibers.iter().map(|one| ((one.kind, one.name.as_str(), one.version), one)).collect();
    let names: BTreeSet<(Kind, &str)> = lock.calibers.iter().map(|one| (one.kind, one.name.as_str())).collect();
    let mut changes: Vec<Change> = Vec::new();
    for one in calibers {
        let known = locked.get(&(one.kind, one.name.as_str(), one.version)).copied();
        let state = match known {
            Some(known) if known.effective == one.effective => {
                (known.own != one.own || *known.form != *one.form).then_some(State::Reworded)
            }
            Some(known) if known.own == one.own => Some(State::Moved { via: Vec::new() }),
            Some(known) => Some(State::Changed { was: known.form.clone() }),
            None if names.contains(&(one.kind, one.name.as_str())) => Some(State::NewVersion),
            None => Some(State::New),
        };
        let Some(state) = state else { continue };
        changes.push(Change {
            kind: one.kind,
            label: label(&one.name, one.version),
            name: one.name.clone(),
            version: one.version,
            state,
            span: one.span,
            locked: known.map(|known| known.span),
            moves: Vec::new(),
            form: one.form.to_vec(),
            lacks: None,
        });
    }
    let mut stages = stages::restaged(lock, declared);
    let declared: BTreeSet<Key<'_>> = calibers.iter().map(|one| (one.kind, one.name.as_str(), one.version)).collect();
    let removed = lock.calibers.iter().filter(|one| !declared.contains(&(one.kind, one.name.as_str(), one.version)));
    let mut removed: Vec<&Locked> = removed.collect();
    renamed(&mut changes, &mut removed, calibers);
    follow(&mut changes, &mut stages, lock, graph);
    changes.extend(removed.into_iter().map(|one| Change {
        kind: one.kind,
        label: label(&one.name, one.version),
        name: one.name.clone(),
        version: one.version,
        state: State::Removed,
        span: one.span,
        locked: Some(one.span),
        moves: Vec::new(),
        form: one.form.clone(),
        lacks: None,
    }));
    changes.sort_by(|a, b| (a.kind, &a.name, a.version).cmp(&(b.kind, &b.name, b.version)));
    Comparison { settings: changed_settings, stages, changes, other_form: false }
}

fn label(name: &str, version: u32) -> String {
    format!("{name} v{version}")
}

/// What is new and means what was removed has another name.
fn renamed(changes: &mut [Change], removed: &mut Vec<&Locked>, calibers: &[Caliber]) {
    let known: BTreeMap<Key<'_>, Fingerprint> =
        calibers.iter().map(|one| ((one.kind, one.name.as_str(), one.version), one.effective)).collect();
    let effective = |change: &Change| known.get(&(change.kind, change.name.as_str(), change.version)).copied();
    for change in changes.iter_mut().filter(|change| change.state == State::New) {
        let own = effective(change);
        let place = removed.iter().position(|one| one.kind == change.kind && Some(one.effective) == own);
        if let Some(place) = place {
            let from = removed.remove(place);
            change.state = State::Renamed { from: label(&from.name, from.version) };
        }
    }
}

/// Tells of what moved what it moved with. Where that is nothing, it has to answer for itself.
fn follow(changes: &mut [Change], stages: &mut [Restaged], lock: &Lock, graph: &Graph) {
    let nodes: BTreeMap<Key<'_>, NodeId> =
        graph.all().map(|(id, node)| ((node.kind, node.name.as_str(), node.version), id)).collect();
    let node = |change: &Change| {
        let own = nodes.get(&(change.kind, change.name.as_str(), change.version)).copied();
        // In the graph a session has no columns, and a calendar those of its table and not its steps.
        let of = |kind: Kind| nodes.get(&(kind, change.name.split_once('.')?.0, change.version)).copied();
        own.or_else(|| of(Kind::Session)).or_else(|| of(Kind::Calendar))
    };
    let answers: Vec<usize> = (0..changes.len())
        .filter(|place| matches!(changes[*place].state, State::Changed { .. } | State::New | State::NewVersion))
        .collect();
    let moved: BTreeMap<NodeId, usize> = (changes.iter().enumerate())
        .filter(|(_, change)| matches!(change.state, State::Moved { .. }))
        .filter_map(|(place, change)| Some((node(change)?, place)))
        .collect();
    for place in answers {
        let Some(from) = node(&changes[place]) else { continue };
        let by = changes[place].label.clone();
        let moves = moved_with(&by, from, changes, &moved, graph);
        changes[place].moves = moves;
    }
    for stage in stages {
        // Of whatever kind it is: a name is of one thing that has versions.
        let of_name = nodes.iter().filter(|((kind, name, version), _)| {
            !matches!(kind, Kind::Column | Kind::Test) && *name == stage.name && *version == stage.version
        });
        let mut moves: Vec<String> = Vec::new();
        for (_, from) in of_name {
            moves.extend(moved_with(&stage.meant(), *from, changes, &moved, graph));
        }
        moves.sort();
        moves.dedup();
        stage.moves = moves;
    }
    let locked: BTreeMap<Key<'_>, &Locked> =
        lock.calibers.iter().map(|one| ((one.kind, one.name.as_str(), one.version), one)).collect();
    for change in changes.iter_mut() {
        if change.state == (State::Moved { via: Vec::new() }) {
            let known = locked.get(&(change.kind, change.name.as_str(), change.version));
            change.state = State::Changed { was: known.map_or_else(Vec::new, |known| known.form.clone()) };
        }
    }
}

/// Tells what moved with something that it did, and gives the metrics and tables among them, sorted.
fn moved_with(
    by: &str,
    from: NodeId,
    changes: &mut [Change],
    moved: &BTreeMap<NodeId, usize>,
    graph: &Graph,
) -> Vec<String> {
    let mut moves = Vec::new();
    let below = graph.downstream(from, true);
    for follower in below.nodes.iter().filter_map(|node| moved.get(node).copied()) {
        let follower = &mut changes[follower];
        if let State::Moved { via } = &mut follower.state {
            via.push(by.to_owned());
        }
        if !matches!(follower.kind, Kind::Column | Kind::Dimension | Kind::Subset) {
            moves.push(follower.name.clone());
        }
    }
    moves.sort();
    moves.dedup();
    moves
}

/// Metrics that mean the same as another one, are shown at the same steps and by the same dimensions.
pub fn duplicates(calibers: &[Caliber]) -> Diagnostics {
    let mut found = Diagnostics::new();
    let metrics: Vec<&Caliber> = calibers.iter().filter(|one| one.kind == Kind::Metric).collect();
    let mut first: BTreeMap<Fingerprint, Vec<&Caliber>> = BTreeMap::new();
    for metric in metrics {
        let known = first.entry(metric.effective).or_default();
        if let Some(same) = known.iter().find(|one| one.shown == metric.shown) {
            found.push(
                error!(L0604, metric.span, "the metric `{}` means the same as `{}`", shown(metric, same), shown(same, metric);
                    help: "keep one of them, or say what is different")
                .related(same.span, "the other one"),
            );
        }
        known.push(metric);
    }
    found
}

/// The name, with the version where the other one has the same name.
fn shown(one: &Caliber, other: &Caliber) -> String {
    if one.name == other.name { label(&one.name, one.version) } else { one.name.clone() }
}
