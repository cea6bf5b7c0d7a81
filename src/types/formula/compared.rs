//! `compare: 1d, 1w`: the growth of a metric against earlier buckets, as metrics of their own (`dau.growth_1d`).

use crate::diagnostic::{Diagnostics, Span};
use crate::error;
use crate::syntax::ast::{self, DurationUnit, ExprKind, Literal, ValueKind};
use crate::value::Span as Length;

use super::super::model::{Fill, Formula, FormulaKind, Grain, Metric, MetricId};
use super::super::ops::Ops;
use super::moved::{growth, length};

/// What stands between a metric's name and the length.
const GROWTH: &str = "growth_";

/// A comparison that a metric declares.
#[derive(Clone, Debug)]
pub struct Compared {
    /// The column: `growth_1d`.
    pub name: String,
    /// Against the bucket so long ago.
    pub length: Length,
    /// Where it is declared.
    pub span: Span,
}

/// The comparisons of the item `compare`.
pub fn compared(values: &[ast::Value], d: &mut Diagnostics) -> Vec<Compared> {
    let mut found: Vec<Compared> = Vec::new();
    for value in values {
        let step = match &value.kind {
            ValueKind::Step(step) => Some(step.clone()),
            ValueKind::Expr { expr, clauses } if clauses.is_empty() => match &expr.kind {
                ExprKind::Literal(Literal::Duration(duration)) => Some(ast::Step::Duration(*duration)),
                _ => None,
            },
            _ => None,
        };
        let Some(step) = step else {
            d.push(
                error!(E0205, value.span, "`compare` takes lengths of time"; help: "write `compare: 1d, 1w, 1year`"),
            );
            continue;
        };
        let Some(length) = length(&step, value.span, d) else { continue };
        let name = format!("{GROWTH}{}", written(&step));
        if let Some(first) = found.iter().find(|known| known.length == length) {
            d.push(
                error!(E0204, value.span, "this comparison stands twice"; help: "keep one of them")
                    .related(first.span, "first here"),
            );
            continue;
        }
        found.push(Compared { name, length, span: value.span });
    }
    found
}

fn written(step: &ast::Step) -> String {
    match step {
        ast::Step::Duration(duration) => {
            let unit = match duration.unit {
                DurationUnit::Millisecond => "ms",
                DurationUnit::Second => "s",
                DurationUnit::Minute => "m",
                DurationUnit::Hour => "h",
                DurationUnit::Day => "d",
                DurationUnit::Week => "w",
                DurationUnit::Month => "month",
                DurationUnit::Quarter => "quarter",
                DurationUnit::Year => "year",
            };
            format!("{}{unit}", duration.count)
        }
        ast::Step::Calendar(step) => format!("1{}", step.word()),
        ast::Step::Declared(path) => path.to_string(),
    }
}

/// The growth of the metric with an id.
pub fn growth_of(
    ops: Ops,
    id: MetricId,
    metric: &Metric,
    compared: &Compared,
    span: Span,
    d: &mut Diagnostics,
) -> Option<Formula> {
    let named = Formula { kind: FormulaKind::Metric(id), ty: metric.ty.clone(), span };
    growth(ops, named, compared.length, span, d)
}

/// The metric that a comparison gives, at those grains of its metric whose buckets it maps to buckets.
pub fn compared_metric(
    ops: Ops,
    id: MetricId,
    metric: &Metric,
    compared: &Compared,
    d: &mut Diagnostics,
) -> Option<Metric> {
    let fits = |grain: &Grain| matches!(grain, Grain::Step(step) if compared.length.maps(*step));
    let grain: Vec<Grain> = metric.grain.iter().copied().filter(fits).collect();
    if grain.is_empty() {
        d.push(error!(E0643, compared.span, "`{}` has no grain whose buckets {} maps to buckets", metric.name.value, compared.length.text();
            help: "compare with a whole number of its steps, such as 52w for weeks")
            .related(metric.name.span, "declared here"));
        return None;
    }
    let formula = growth_of(ops, id, metric, compared, compared.span, d)?;
    let mut name = metric.name.clone();
    name.value = format!("{}.{}", metric.name.value, compared.name);
    let about = |title: &Option<String>| {
        title.as_ref().map(|title| format!("{title} ({})", compared.name.replacen('_', " ", 1)))
    };
    Some(Metric {
        name,
        title: about(&metric.title),
        title_en: about(&metric.title_en),
        grain,
        fill: Fill::None,
        ty: formula.ty.clone(),
        formula,
        compared: Vec::new(),
        ..metric.clone()
    })
}
