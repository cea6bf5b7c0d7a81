//! All that is told of a history.

use super::advice::Advice;
use super::compare::Compared;
use super::grid::History;
use super::incidents::{Incident, Judged, judge};
use super::messages::{Count, Telling, counts};
use super::replay::{Kind, Replayed};

/// What an alert or an objective gave: its rules together.
#[derive(Clone, Debug)]
pub struct Row {
    /// The alert as people are told of it; of the windows of an objective one.
    pub name: String,
    /// The places of its rules.
    pub rules: Vec<usize>,
    /// How often it fired, all groups together.
    pub firings: usize,
    /// For how many milliseconds, all groups together.
    pub fired: i64,
    /// The messages.
    pub messages: Count,
    /// How it fares against incidents; none where none concerns it, or of an absence.
    pub judged: Option<Judged>,
}

/// What is told of a history.
#[derive(Clone, Debug)]
pub struct Tested {
    /// The history.
    pub history: History,
    /// The rules.
    pub rules: Vec<Replayed>,
    /// A row an alert.
    pub rows: Vec<Row>,
    /// The incidents of the history.
    pub incidents: Vec<Incident>,
    /// How all rules together fare against them; none where there is no file of them.
    pub judged: Option<Judged>,
    /// What other thresholds would have given, by the name of the alert.
    pub advice: Vec<(String, Advice)>,
    /// What an earlier definition would have told: what it is called, and the firings of both.
    pub against: Option<(String, Vec<Compared>)>,
}

impl Tested {
    /// All messages together.
    pub fn messages(&self) -> Count {
        self.rows.iter().fold(Count::default(), |sum, row| sum + row.messages)
    }

    /// The share of messages that are saved by gathering, hiding and telling nobody at times; none without any.
    pub fn saved(&self) -> Option<f64> {
        let Count { alone, gathered, .. } = self.messages();
        (alone > 0).then(|| 1.0 - gathered as f64 / alone as f64)
    }
}

/// What is told of rules over a history. Incidents that lie outside of it are left out.
pub fn tested(
    rules: Vec<Replayed>,
    history: History,
    incidents: Option<Vec<Incident>>,
    telling: &Telling<'_>,
) -> Tested {
    let labelled = incidents.is_some();
    let within = |incident: &Incident| incident.from < history.to && incident.to > history.from;
    let incidents: Vec<Incident> = incidents.unwrap_or_default().into_iter().filter(within).collect();
    let counts = counts(&rules, telling);
    let mut names: Vec<&str> = Vec::new();
    for rule in &rules {
        if !names.contains(&rule.name.as_str()) {
            names.push(&rule.name);
        }
    }
    let row = |name: &&str| {
        let places: Vec<usize> = (0..rules.len()).filter(|place| rules[*place].name == *name).collect();
        let of = || places.iter().map(|place| &rules[*place]);
        let judged = judge(of().filter(|rule| rule.kind != Kind::Absence), &incidents);
        Row {
            name: (*name).to_owned(),
            firings: of().map(|rule| rule.firings().count()).sum(),
            fired: of().map(Replayed::fired).sum(),
            messages: places.iter().fold(Count::default(), |sum, place| sum + counts[*place]),
            judged: Some(judged).filter(|judged| !judged.found.is_empty()),
            rules: places,
        }
    };
    let rows = names.iter().map(row).collect();
    let conditions = rules.iter().filter(|rule| rule.kind != Kind::Absence);
    let judged = labelled.then(|| judge(conditions, &incidents));
    Tested { history, rows, incidents, judged, advice: Vec::new(), against: None, rules }
}
