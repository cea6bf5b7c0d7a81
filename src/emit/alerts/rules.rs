//! The files of rules, for Prometheus and vmalert.

use std::collections::BTreeMap;

use serde::Serialize;

use super::condition::{Timing, is_short};
use super::fresh::Fresh;
use super::given::{Objective, Series, Watched};
use super::objective;
use super::promql::Expr;
use super::told::{Told, plain};
use crate::emit::streaming::duration;

const MINUTE_MS: i64 = 60_000;

/// A file of rules: one group, so that a test evaluates no other.
#[derive(Debug, Serialize)]
pub struct Rules {
    groups: [Group; 1],
}

/// Rules that are evaluated one after the other.
#[derive(Debug, Serialize)]
struct Group {
    name: String,
    interval: String,
    rules: Vec<Rule>,
}

/// A rule: a series that is kept, or an alert.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Rule {
    /// A series that is kept.
    Record {
        /// Its name.
        record: String,
        /// What it is.
        expr: String,
    },
    /// An alert.
    Alert(AlertRule),
}

/// An alert, as Prometheus has it.
#[derive(Debug, Serialize)]
pub struct AlertRule {
    /// `alertname`
    pub alert: String,
    /// What holds.
    pub expr: String,
    /// For how long it must.
    #[serde(rename = "for", skip_serializing_if = "Option::is_none")]
    pub hold: Option<String>,
    /// What every alert of it has.
    pub labels: BTreeMap<String, String>,
    /// What people read, as templates.
    pub annotations: BTreeMap<String, String>,
}

impl Rule {
    /// A series that is kept.
    pub fn record(name: &str, expr: &Expr) -> Rule {
        Rule::Record { record: name.to_owned(), expr: expr.to_string() }
    }

    fn name(&self) -> &str {
        match self {
            Rule::Record { record, .. } => record,
            Rule::Alert(rule) => &rule.alert,
        }
    }
}

impl Rules {
    /// Those of all alerts that look at the same values, so that what they look at is there before them.
    pub fn of_alerts(all: &[&Watched], told: &Told<'_>, timing: &Timing) -> Rules {
        let mut group = Group { name: String::new(), interval: String::new(), rules: Vec::new() };
        for watched in all {
            group.name = watched.series.record("");
            group.interval = duration(interval(&watched.series));
            for rule in rules(watched, told, timing) {
                let is_there = |one: &Rule| matches!(one, Rule::Record { .. }) && one.name() == rule.name();
                if matches!(rule, Rule::Alert(_)) || !group.rules.iter().any(is_there) {
                    group.rules.push(rule);
                }
            }
        }
        Rules { groups: [group] }
    }

    /// That of what must be fresh.
    pub fn of_fresh(of: &Fresh, told: &Told<'_>, timing: &Timing) -> Rules {
        let mut rules: Vec<Rule> =
            of.records(timing).iter().map(|record| Rule::record(&record.name, &record.expr)).collect();
        rules.push(Rule::Alert(AlertRule {
            alert: of.name.value.clone(),
            expr: of.expr().to_string(),
            hold: None,
            labels: told.labels_of_fresh(of),
            annotations: told.annotations_of_fresh(of),
        }));
        Rules { groups: [Group { name: of.record(), interval: duration(of.interval()), rules }] }
    }

    /// Those of an objective.
    pub fn of_objective(of: &Objective, told: &Told<'_>, timing: &Timing) -> Rules {
        Rules { groups: [of_objective(of, told, timing)] }
    }
}

/// How often rules over a series are evaluated, in milliseconds: every minute, so that the state of an alert is never too old to be
/// seen by the next evaluation.
pub fn interval(series: &Series) -> i64 {
    match series.step {
        crate::value::Step::Subday(ms) => ms.min(MINUTE_MS),
        _ => MINUTE_MS,
    }
}

fn rules(watched: &Watched, told: &Told<'_>, timing: &Timing) -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
    for series in [Some(&watched.series), watched.volume.as_ref()].into_iter().flatten() {
        rules.extend(series.records(timing).iter().map(|record| Rule::record(&record.name, &record.expr)));
    }
    let written = watched.written();
    rules.extend(written.records.iter().map(|record| Rule::record(&record.name, &record.expr)));
    rules.push(Rule::Alert(AlertRule {
        alert: watched.alert.name.value.clone(),
        expr: watched.expr(&written).to_string(),
        hold: (watched.alert.hold > 0).then(|| duration(watched.alert.hold)),
        labels: told.labels(watched, None),
        annotations: told.annotations(watched),
    }));
    if let Some(absent) = watched.alert.absent {
        let expr = Expr::Call("absent_over_time", vec![Expr::named(&watched.series.record("")).lasting(absent)]);
        rules.push(Rule::Alert(AlertRule {
            alert: absence(&watched.alert.name.value),
            expr: expr.to_string(),
            hold: None,
            labels: told.labels(watched, Some("absence")),
            annotations: told.absence(watched, absent),
        }));
    }
    rules
}

/// The name of the alert that there is no data for an alert.
pub fn absence(alert: &str) -> String {
    format!("{alert}_absent")
}

fn of_objective(of: &Objective, told: &Told<'_>, timing: &Timing) -> Group {
    let mut rules: Vec<Rule> =
        objective::records(of, timing).iter().map(|record| Rule::record(&record.name, &record.expr)).collect();
    for burn in objective::BURNS {
        rules.push(Rule::Alert(AlertRule {
            alert: of.slo.name.value.clone(),
            expr: objective::expr(of, burn).to_string(),
            hold: None,
            labels: told.labels_of_objective(of, burn),
            annotations: told.annotations_of_objective(of, burn),
        }));
    }
    Group { name: format!("slo:{}", plain(&of.slo.name.value)), interval: duration(MINUTE_MS), rules }
}

/// Whether a series is of days or longer, whose samples come once a day.
pub fn is_daily(series: &Series) -> bool {
    !is_short(series.step)
}
