//! Sources whose rows must be fresh, by a rule of quality: what is recorded of them, and the alert.

use super::condition::{Record, Timing, hold};
use super::given::{About, ascii};
use super::promql::Expr;
use crate::diagnostic::{Diagnostics, Spanned};
use crate::plan::{AskedStep, Lowering, Question};
use crate::types::{MetricId, Model, Quality, Rule, RuleKind, Severity};

const SECOND_MS: i64 = 1_000;
const MINUTE_MS: i64 = 60 * SECOND_MS;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

/// The name under which the instants of newest rows are exported, in seconds since 1970.
pub const NEWEST_ROW: &str = "metricc_newest_row_seconds";

/// The name under which it is exported when these were asked for, in seconds since 1970.
pub const NEWEST_ROW_ASKED: &str = "metricc_newest_row_asked_seconds";

/// A source whose newest row may be so old.
#[derive(Clone, Debug)]
pub struct Fresh {
    /// The alert: `event_quality.fresh`.
    pub name: Spanned<String>,
    /// What it is about, under the name of the rule.
    pub about: About,
    /// The declaration: `event_quality`.
    pub quality: String,
    /// The source or entity.
    pub source: String,
    /// Its description.
    pub doc: Option<String>,
    /// How bad it is.
    pub severity: Severity,
    /// What to do then.
    pub runbook: Option<Spanned<String>>,
    /// The metric that is the instant of the newest row.
    pub newest: MetricId,
    /// At most so many milliseconds ago.
    pub within: i64,
}

/// Those of a model; what has no plan is told.
pub fn given(model: &Model, lowering: &Lowering<'_>, diagnostics: &mut Diagnostics) -> Vec<Fresh> {
    let mut found = Vec::new();
    for quality in &model.qualities {
        for rule in &quality.rules {
            let Some(one) = one(model, quality, rule) else { continue };
            match lowering.lower(&one.question(0)) {
                Ok(_) => found.push(one),
                Err(told) => diagnostics.extend(told),
            }
        }
    }
    found
}

fn one(model: &Model, quality: &Quality, rule: &Rule) -> Option<Fresh> {
    let RuleKind::Fresh { newest, within } = &rule.kind else { return None };
    let name = quality.label(rule);
    let title = quality.title.as_ref().map(|title| format!("{title}: {}", rule.name));
    Some(Fresh {
        about: About { name: name.clone(), title, owner: quality.owner.clone() },
        name: Spanned::new(name, rule.span),
        quality: quality.name.value.clone(),
        source: model.table(quality.table).name.value.clone(),
        doc: quality.doc.clone(),
        severity: quality.severity,
        runbook: quality.runbook.clone().map(|runbook| Spanned::new(runbook, quality.name.span)),
        newest: *newest,
        within: *within,
    })
}

impl Fresh {
    /// The question for the instant of the newest row, of those that happened from an instant on.
    pub fn question(&self, from: i64) -> Question {
        Question { step: AskedStep::None, from: Some(from), ..Question::of(vec![self.newest]) }
    }

    /// How often it is asked for, in milliseconds: a twelfth of what it may be old, from 15 seconds to five minutes.
    pub fn pace(&self) -> i64 {
        (self.within / 12).clamp(15 * SECOND_MS, 5 * MINUTE_MS)
    }

    /// The labels by which its series are found.
    pub fn selection(&self) -> Vec<(String, String)> {
        vec![("quality".to_owned(), self.quality.clone()), ("source".to_owned(), self.source.clone())]
    }

    /// How often its rules are evaluated, in milliseconds.
    pub fn interval(&self) -> i64 {
        self.within.clamp(SECOND_MS, MINUTE_MS)
    }

    /// The name of its group of rules, and of its age.
    pub fn record(&self) -> String {
        format!("quality:{}:newest_row_age_seconds", ascii(&self.quality))
    }

    /// How old the newest row was when it was asked for: no older row counts as one that came since. What was asked too long ago is no
    /// data. It is rounded to milliseconds, so that what is just as old as it may be is not older.
    pub fn records(&self, timing: &Timing) -> Vec<Record> {
        let of = |name: &str| Expr::select(name, self.selection()).max_by(&[]);
        let age = Expr::Call("round", vec![of(NEWEST_ROW_ASKED).op("-", of(NEWEST_ROW)), Expr::Number(0.001)]);
        let age = Expr::Call("clamp_min", vec![age, Expr::Number(0.0)]);
        let since = Expr::Call("time", Vec::new()).op("-", of(NEWEST_ROW_ASKED));
        let known = since.op("<", Expr::Number(timing.asked_within(self.pace()) as f64 / 1_000.0));
        vec![Record { name: self.record(), expr: age.op_one("and", known) }]
    }

    /// The whole expression: the row is too old, or was so and nothing is known (AL2).
    pub fn expr(&self) -> Expr {
        let age = || Expr::named(&self.record());
        let when = age().op(">", Expr::Number(self.within as f64 / 1_000.0));
        let firing = [("alertname", self.name.value.as_str()), ("alertstate", "firing")];
        hold(when, &[], &firing, (&self.record(), DAY_MS), age())
    }
}
