//! The columns of experiments as formulas: `cheaper.units`, `cheaper.difference(gmv)`.
//!
//! All are made of numbers, means and variances of units, by the formulas that docs/language.md tells (Experiments). Sums over groups other
//! than the row's own are looked up: [`Statistics::of_control`] and [`Statistics::of_all`].

use crate::diagnostic::{Diagnostics, Span};
use crate::error;
use crate::suggest::near;
use crate::syntax::ast::{ArgumentValue, ExprKind};
use crate::types::experiment::{Experiment, Measured, Method, Prior, column};
use crate::types::rows::unit_of;
use crate::types::{Aggregation, Better, DimFilter, NestedKey, Subject, Unit};
use crate::value::{Function, Value};

use super::super::model::{
    ColumnId, DimensionId, Formula, FormulaKind, Leaf, Nested, RowExpr, RowExprKind, RowSet, TableId, Type, ValueType,
};
use super::FormulaScope;
use super::cohort::Column;

mod statistics;

use statistics::Statistics;

/// The columns without a metric.
const OF_UNITS: &[&str] = &["units", "excluded", "sample_ratio"];
/// Those of a metric, and the methods that have them.
const OF_METRICS: &[(&str, &[Method])] = &[
    ("mean", ALL),
    ("variance", ALL),
    ("adjusted", ALL),
    ("difference", ALL),
    ("lower", ALL),
    ("upper", ALL),
    ("p_value", &[Method::Frequentist, Method::Sequential]),
    ("expected", &[Method::Bayesian]),
    ("probability", &[Method::Bayesian]),
];
const ALL: &[Method] = &[Method::Frequentist, Method::Bayesian, Method::Sequential];

impl FormulaScope<'_> {
    /// A column of an experiment.
    pub(super) fn of_experiment(&self, of: &Experiment, asked: &Column<'_>, d: &mut Diagnostics) -> Option<Formula> {
        let name = &of.name.value;
        let [_, column] = asked.path.parts.as_slice() else {
            d.push(error!(E0684, asked.span, "`{name}` is an experiment: a metric is a column of it";
                help: ("write `{name}.units`, or one of: {}", columns_of(of).join(", "))));
            return None;
        };
        let has_argument =
            OF_METRICS.iter().any(|(known, methods)| *known == column.as_str() && methods.contains(&of.method));
        let known = has_argument || OF_UNITS.contains(&column.as_str());
        let takes = usize::from(has_argument);
        if !known || asked.path.at.is_some() || asked.at.is_some() || asked.arguments.len() != takes {
            let columns = columns_of(of);
            let other = OF_METRICS.iter().any(|(known, _)| *known == column.as_str()) && !has_argument;
            let help = match near(column, columns.iter().copied()) {
                _ if other => format!("with this `method` it has: {}", columns.join(", ")),
                Some(near) if near != column.as_str() => format!("did you mean `{near}`?"),
                _ if known && has_argument => {
                    format!("name a metric: `{name}.{}({})`", column.value, of.listed[0].name.value)
                }
                _ => format!("it has: {}; those of a metric take its name", columns.join(", ")),
            };
            d.push(
                error!(E0684, asked.span, "`{name}` has no column of this form"; help: help)
                    .related(of.name.span, "the experiment"),
            );
            return None;
        }
        let table = of.units?;
        let statistics = Statistics::new(of, table, self.tables, asked.span)?;
        let (formula, unit) = match column.as_str() {
            "units" => (statistics.count(false), unit_of(self.tables, of.entity)),
            "excluded" => (statistics.count(true), unit_of(self.tables, of.entity)),
            "sample_ratio" => (statistics.sample_ratio(), Unit::none()),
            _ => {
                let measured = self.measured(of, asked, d)?;
                if column.value == "adjusted" && of.before.is_none() && of.strata.is_empty() {
                    d.push(error!(E0684, asked.span, "the means of `{name}` are not adjusted"; help: "ask for `mean`, or add `cuped` or `stratify` to the experiment")
                        .related(of.name.span, "the experiment"));
                    return None;
                }
                statistics.column(column, measured)
            }
        };
        Some(Formula { ty: ValueType { unit: Some(unit), ..formula.ty.clone() }, span: asked.span, ..formula })
    }

    /// What is measured for the metric in the brackets.
    fn measured<'e>(&self, of: &'e Experiment, asked: &Column<'_>, d: &mut Diagnostics) -> Option<&'e Measured> {
        let named = match &asked.arguments[0] {
            argument if argument.name.is_some() => None,
            argument => match &argument.value {
                ArgumentValue::Expr(expr) => match &expr.kind {
                    ExprKind::Path { path, version } => {
                        path.single().map(|name| (name, version.as_ref().map(|v| v.value)))
                    }
                    _ => None,
                },
                ArgumentValue::Step(_) => None,
            },
        };
        let listed = named.and_then(|(name, version)| {
            of.listed.iter().find(|one| one.name == *name && (version.is_none() || version == one.version))
        });
        let Some(listed) = listed else {
            let all: Vec<&str> = of.listed.iter().map(|one| one.name.as_str()).collect();
            d.push(
                error!(E0684, asked.span, "`{}` measures no such metric", of.name.value;
                    help: ("it measures: {}; others stand in its `metrics`", all.join(", ")))
                .related(of.name.span, "the experiment"),
            );
            return None;
        };
        let place = self.names.metric(&listed.name, listed.version)?;
        let id = self.metric_ids[place]?;
        // What cannot be measured was told where it is listed.
        of.measured.iter().find(|measured| measured.metric == id)
    }
}

/// The columns of an experiment.
fn columns_of(of: &Experiment) -> Vec<&'static str> {
    let of_metrics = OF_METRICS.iter().filter(|(_, methods)| methods.contains(&of.method)).map(|(name, _)| *name);
    OF_UNITS.iter().copied().chain(of_metrics).collect()
}
