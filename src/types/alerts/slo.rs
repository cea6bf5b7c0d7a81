//! `slo` declarations.

use crate::diagnostic::Diagnostics;
use crate::error;
use crate::resolve::Declared;
use crate::syntax::ast::{self, Clause, ExprKind, Literal, ValueKind};
use crate::types::items::{Items, milliseconds};
use crate::types::model::{Better, Formula, FormulaKind, Metric, MetricId};
use crate::value::{Function, Value};

use super::alert::{Known, receivers, text};
use super::condition::{percent, plain as number};
use super::{Share, Slo};

const ITEMS: &[&str] = &["objective", "minimum", "notify", "runbook"];
const DAY_MS: i64 = 86_400_000;
/// The windows that the factors of the alerts are made for (AL4).
const DAYS: std::ops::RangeInclusive<i64> = 28..=31;
const DEFAULT_LEAST: f64 = 100.0;

/// All objectives, without those in which something is wrong.
pub fn check_slos(known: &Known<'_>, d: &mut Diagnostics) -> Vec<Slo> {
    known.names.slos.iter().filter_map(|declared| slo(known, *declared, d)).collect()
}

fn slo(known: &Known<'_>, declared: Declared<'_, ast::Block>, d: &mut Diagnostics) -> Option<Slo> {
    let syntax = declared.syntax;
    let items = Items::read("slo", &syntax.items, ITEMS, &[], d);
    let (notify, runbook) = (receivers(&items, d), text(&items, "runbook", d));
    let metric = known.watched(syntax, "slo", d);
    let least = least(&items, d);
    if items.get("objective").is_none() && !items.broken {
        d.push(error!(E0206, syntax.name.span, "the objective `{}` says no share", syntax.name.value;
            help: "write `objective: 99.9% over 30d`"));
    }
    let objective = items.one("objective", d).and_then(|value| objective(value, d));
    let metric = metric?;
    let on = syntax.on.as_ref()?.span;
    let of = &known.metrics[metric.0];
    let share = share(known.metrics, metric);
    let wrong = match &share {
        Some(share) if !share.is_bad && of.better == Some(Better::Down) => Some((
            "is the share of what is bad",
            "watch the share of what is good: `metric ok_rate = 1 - bad_calls / calls { better: up }`",
        )),
        Some(_) => None,
        None => Some((
            "is no share",
            "write it as `good / total` or `1 - bad / total`, so that it is exact over any window",
        )),
    };
    if let Some((what, help)) = wrong {
        d.push(error!(E0885, on, "`{}` {what}", of.name.value; help: help).related(of.name.span, "the metric"));
        return None;
    }
    let ((objective, budget), days) = objective?;
    Some(Slo {
        name: syntax.name.clone(),
        doc: declared.doc.map(str::to_owned),
        metric,
        share: share?,
        objective,
        budget,
        days,
        least: least?,
        notify: notify?,
        runbook,
        span: declared.span,
    })
}

/// The two parts of a metric that is `good / total` or `1 - bad / total`.
fn share(metrics: &[Metric], metric: MetricId) -> Option<Share> {
    let formula = plain(metrics, &metrics[metric.0].formula);
    let FormulaKind::Call(function, sides) = &formula.kind else { return None };
    let quotient = |formula: &Formula, is_bad| match (&formula.kind, formula.is_quotient()) {
        (FormulaKind::Call(_, sides), true) => {
            Some(Share { is_bad, part: sides.first()?.clone(), total: sides.get(1)?.clone() })
        }
        _ => None,
    };
    match (function, sides.as_slice()) {
        (Function::Divide, _) => quotient(formula, false),
        (Function::Subtract, [one, rest]) if is_one(plain(metrics, one)) => quotient(plain(metrics, rest), true),
        _ => None,
    }
}

impl Formula {
    fn is_quotient(&self) -> bool {
        matches!(&self.kind, FormulaKind::Call(Function::Divide, sides) if sides.len() == 2)
    }
}

/// A formula without the names and casts around it. A chain of names ends: a metric stands on earlier ones only.
fn plain<'a>(metrics: &'a [Metric], formula: &'a Formula) -> &'a Formula {
    match &formula.kind {
        FormulaKind::Metric(id) => plain(metrics, &metrics[id.0].formula),
        FormulaKind::Call(Function::Cast, sides) => sides.first().map_or(formula, |inner| plain(metrics, inner)),
        _ => formula,
    }
}

fn is_one(formula: &Formula) -> bool {
    match &formula.kind {
        FormulaKind::Literal(Value::Int(one)) => *one == 1,
        FormulaKind::Literal(Value::Float(one)) => *one == 1.0,
        _ => false,
    }
}

/// `99.9% over 30d`: the share, what is left of it, and the days.
fn objective(value: &ast::Value, d: &mut Diagnostics) -> Option<((f64, f64), u32)> {
    let wrong = |d: &mut Diagnostics, said: &str| {
        d.push(error!(E0885, value.span, "{said}"; help: "write `objective: 99.9% over 30d`"));
        None
    };
    let ValueKind::Expr { expr, clauses } = &value.kind else {
        return wrong(d, "an objective is a share over a window");
    };
    let (ExprKind::Literal(Literal::Percent(written)), [Clause::Over(ast::Step::Duration(window))]) =
        (&expr.kind, clauses.as_slice())
    else {
        return wrong(d, "an objective is a share over a window");
    };
    let Some(share) = percent(written).zip(rest(written)).filter(|(share, _)| *share > 0.0 && *share < 1.0) else {
        return wrong(d, "an objective is above 0% and below 100%: what is left of it may be bad");
    };
    let days = milliseconds(*window).filter(|ms| ms % DAY_MS == 0).map(|ms| ms / DAY_MS);
    match days.filter(|days| DAYS.contains(days)).and_then(|days| u32::try_from(days).ok()) {
        Some(days) => Some((share, days)),
        None => wrong(d, "the window of an objective has 28 to 31 days"),
    }
}

/// What is left of a percentage to 100, as a share: 0.001 for `99.9`. To the digit, where the difference of floats is not.
fn rest(written: &str) -> Option<f64> {
    let text = written.replace('_', "");
    let digits = text.split_once('.').map_or(0, |(_, digits)| digits.len());
    let whole: i128 = text.replace('.', "").parse().ok()?;
    let hundred = 10i128.checked_pow(u32::try_from(digits).ok()? + 2)?;
    number(&format!("{}e-{}", hundred - whole, digits + 2))
}

fn least(items: &Items<'_>, d: &mut Diagnostics) -> Option<f64> {
    if items.get("minimum").is_none() {
        return Some(DEFAULT_LEAST);
    }
    let value = items.one("minimum", d)?;
    let found = match &value.kind {
        ValueKind::Expr { expr, clauses } if clauses.is_empty() => match &expr.kind {
            ExprKind::Literal(Literal::Number(text)) => number(text),
            _ => None,
        },
        _ => None,
    };
    if found.is_none() {
        d.push(error!(E0205, value.span, "`minimum` takes a number"; help: "write `minimum: 100`"));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::rest;

    #[test]
    fn what_is_left_of_a_percentage_has_its_digits() {
        for (written, left) in [("99.9", 0.001), ("99.95", 0.0005), ("99", 0.01), ("5", 0.95), ("99.999", 0.00001)] {
            assert_eq!(rest(written), Some(left), "{written}");
        }
    }
}
