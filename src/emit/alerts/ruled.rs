//! Rules of quality as alerts: each share of rows by day, and how far two ways are apart, is watched like a metric, against its bound.

use super::given::{About, Apart, Series, Watched};
use crate::diagnostic::{Diagnostics, Spanned};
use crate::plan::{AskedStep, Lowering, Question};
use crate::types::alerts::{Alert, Bound, Comparison, Condition, Subject, Test, Volume};
use crate::types::{self, BoundOp, MetricId, Model, Quality, Rule, RuleKind};
use crate::value::Step;

/// Those of all rules that are shares of rows by day; what has no plan is told.
pub fn watched(model: &Model, lowering: &Lowering<'_>, diagnostics: &mut Diagnostics) -> Vec<Watched> {
    rules(model).filter_map(|alert| super::given::watched(model, lowering, alert, true, diagnostics)).collect()
}

/// The alerts that rules of quality are: of shares of rows by day.
pub fn rules(model: &Model) -> impl Iterator<Item = Alert> + '_ {
    // Rows without a time have no day.
    let timed = model.qualities.iter().filter(|quality| model.table(quality.table).time.is_some());
    timed.flat_map(|quality| quality.rules.iter().filter_map(|rule| alert(quality, rule)))
}

/// Those of all rules that compare two ways; what has no plan is told.
pub fn apart(model: &Model, lowering: &Lowering<'_>, diagnostics: &mut Diagnostics) -> Vec<Apart> {
    let mut found = Vec::new();
    for quality in &model.qualities {
        for rule in &quality.rules {
            let RuleKind::Reconcile { metric, ways, bound } = &rule.kind else { continue };
            let by = model.metrics[metric.0].by.clone();
            let question = Question { step: AskedStep::Step(Step::Day), by, ..Question::of(vec![*metric]) };
            let query = match lowering.lower(&question) {
                Ok(query) => query,
                Err(told) => {
                    diagnostics.extend(told);
                    continue;
                }
            };
            let title = quality.title.as_ref().map(|title| format!("{title}: {}", rule.name));
            let about = About { name: quality.label(rule), title, owner: quality.owner.clone() };
            // It is a number a day, of all slices together.
            let series = Series { about, step: Step::Day, by: Vec::new(), query };
            let alert = bounded(quality, rule, *metric, bound, None);
            found.push(Apart { watched: Watched { alert, series, volume: None, is_rule: true }, ways: *ways });
        }
    }
    found
}

fn alert(quality: &Quality, rule: &Rule) -> Option<Alert> {
    let RuleKind::Share { metric, bound } = &rule.kind else { return None };
    let volume = quality.minimum.map(|rows| Volume { metric: quality.rows, inclusive: true, least: rows as f64 });
    Some(bounded(quality, rule, *metric, bound, volume))
}

fn bounded(quality: &Quality, rule: &Rule, metric: MetricId, bound: &types::Bound, volume: Option<Volume>) -> Alert {
    let test = Test { subject: Subject::Value, comparison: broken(bound.op), bound: Bound::Number(bound.share) };
    Alert {
        name: Spanned::new(quality.label(rule), rule.span),
        doc: quality.doc.clone(),
        metric,
        every: Step::Day,
        when: Condition::Test(test),
        hold: 0,
        by: Vec::new(),
        severity: quality.severity,
        volume,
        absent: None,
        notify: Vec::new(),
        runbook: quality.runbook.clone().map(|runbook| Spanned::new(runbook, quality.name.span)),
        span: rule.span,
    }
}

/// How a share compares with the bound that it breaks.
fn broken(op: BoundOp) -> Comparison {
    match op {
        BoundOp::Below => Comparison::GreaterEqual,
        BoundOp::AtMost => Comparison::Greater,
        BoundOp::Above => Comparison::LessEqual,
        BoundOp::AtLeast => Comparison::Less,
    }
}
