//! Rules of quality as alerts: each share of rows by day is watched like a metric, against its bound.

use super::given::Watched;
use crate::diagnostic::{Diagnostics, Spanned};
use crate::plan::Lowering;
use crate::types::alerts::{Alert, Bound, Comparison, Condition, Subject, Test, Volume};
use crate::types::{BoundOp, Model, Quality, Rule, RuleKind};
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

fn alert(quality: &Quality, rule: &Rule) -> Option<Alert> {
    let RuleKind::Share { metric, bound } = &rule.kind else { return None };
    let test = Test { subject: Subject::Value, comparison: broken(bound.op), bound: Bound::Number(bound.share) };
    let volume = quality.minimum.map(|rows| Volume { metric: quality.rows, inclusive: true, least: rows as f64 });
    Some(Alert {
        name: Spanned::new(quality.label(rule), rule.span),
        doc: quality.doc.clone(),
        metric: *metric,
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
    })
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
