//! Rules of quality, ready to be emitted.

use sqlparser::ast::BinaryOperator;

use crate::diagnostic::Diagnostics;
use crate::plan::{AskedStep, Lowering, Query, Question, Source};
use crate::rollup::{Asked, Cadence, Serving};
use crate::types::{BoundOp, MetricId, Model, Quality, Rule, RuleKind, Serve, Way};
use crate::value::{Span, Step};

use super::{Looks, Reconciled, RuleAsked, Ruled, RuledAbout, Shares};

/// All rules of a model; what has no plan is told.
pub fn ruled(lowering: &Lowering<'_>, diagnostics: &mut Diagnostics) -> Vec<Ruled> {
    lowering.model.qualities.iter().map(|quality| one(lowering, quality, diagnostics)).collect()
}

fn one(lowering: &Lowering<'_>, quality: &Quality, diagnostics: &mut Diagnostics) -> Ruled {
    let model = lowering.model;
    let mut reconciled = Vec::new();
    for rule in &quality.rules {
        let RuleKind::Reconcile { metric, ways, bound } = &rule.kind else { continue };
        let declared = &model.metrics[metric.0];
        let step = AskedStep::Step(Step::Day);
        let question = Question { step, by: declared.by.clone(), ..Question::of(vec![*metric]) };
        match lowering.lower(&question) {
            Ok(query) => reconciled.push(Reconciled {
                name: rule.name.clone(),
                query,
                ways: ways.map(|way| asked_by(model, *metric, way)),
                bound: bound.clone(),
            }),
            Err(found) => diagnostics.extend(found),
        }
    }
    Ruled {
        name: quality.name.value.clone(),
        on: model.table(quality.table).name.value.clone(),
        severity: quality.severity,
        minimum: quality.minimum,
        about: RuledAbout {
            title: quality.title.clone().or_else(|| quality.doc.clone()),
            owner: quality.owner.clone(),
            runbook: quality.runbook.clone(),
        },
        rules: quality.rules.iter().filter_map(|rule| asked_alone(lowering, quality, rule)).collect(),
        shares: shares(lowering, quality, diagnostics),
        reconciled,
        span: quality.name.span,
    }
}

/// A rule alone. What has no plan is told of all rules together.
fn asked_alone(lowering: &Lowering<'_>, quality: &Quality, rule: &Rule) -> Option<RuleAsked> {
    let model = lowering.model;
    let name = |id: MetricId| model.metrics[id.0].name.value.clone();
    let lowered = |question: Question| {
        let mut query = lowering.lower(&question).ok()?;
        unguard(&mut query);
        Some(Box::new(query))
    };
    let (looks, bound) = match &rule.kind {
        RuleKind::Share { metric, bound } => {
            let step = Question::of_quality(model, quality)?.step;
            let query = lowered(Question { step, ..Question::of(vec![quality.rows, *metric]) })?;
            let (rows, share) = (name(quality.rows), name(*metric));
            (Looks::Share { query, rows, share, bound: bound.clone() }, bound.text.clone())
        }
        RuleKind::Fresh { newest, within } => {
            let query = lowered(Question { step: AskedStep::None, ..Question::of(vec![*newest]) })?;
            let bound = format!("<= {}", Span::Milliseconds(*within).text());
            (Looks::Newest { query, newest: name(*newest), within: *within }, bound)
        }
        RuleKind::Reconcile { bound, .. } => (Looks::Ways, bound.text.clone()),
    };
    Some(RuleAsked { name: rule.name.clone(), bound, looks, span: rule.span })
}

/// What one way to serve a metric alone asks for.
pub fn asked_by(model: &Model, metric: MetricId, way: Way) -> Asked {
    let serve = model.metrics[metric.0].serve.iter();
    let servings = serve.filter_map(|serve| match (serve, way) {
        (Serve::Stream(step), Way::Stream) => Some(Serving::Stream(*step)),
        (Serve::Hourly, Way::Hourly) => Some(Serving::Batch(Cadence::Hourly)),
        (Serve::Daily, Way::Daily) => Some(Serving::Batch(Cadence::Daily)),
        _ => None,
    });
    Asked { live: false, servings: servings.collect() }
}

/// The shares by day. Rows without a time have no day that a batch could stage.
fn shares(lowering: &Lowering<'_>, quality: &Quality, diagnostics: &mut Diagnostics) -> Option<Shares> {
    let model = lowering.model;
    let question = Question::of_quality(model, quality).filter(|question| question.step != AskedStep::None)?;
    let name = |id: MetricId| model.metrics[id.0].name.value.clone();
    let rules = quality.rules.iter().filter_map(|rule| match &rule.kind {
        RuleKind::Share { metric, bound } => Some((rule.name.clone(), name(*metric), bound.clone())),
        _ => None,
    });
    let rules = rules.collect();
    match lowering.lower(&question) {
        Ok(mut query) => {
            unguard(&mut query);
            Some(Shares { query, rows: name(quality.rows), rules })
        }
        Err(found) => {
            diagnostics.extend(found);
            None
        }
    }
}

/// Days before the first row of the source are not staged: nothing has to look for them.
fn unguard(query: &mut Query) {
    for scan in &mut query.scans {
        scan.guard = None;
        if let Source::Query(inner) = &mut scan.source {
            unguard(inner);
        }
    }
}

/// How SQL compares with a bound.
pub fn operator(op: BoundOp) -> BinaryOperator {
    match op {
        BoundOp::Below => BinaryOperator::Lt,
        BoundOp::AtMost => BinaryOperator::LtEq,
        BoundOp::Above => BinaryOperator::Gt,
        BoundOp::AtLeast => BinaryOperator::GtEq,
    }
}
