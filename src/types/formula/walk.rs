//! The forms that only formulas know: metrics, aggregates, and what stands behind them. Everything else is typed by the rules
//! that formulas and expressions over rows share ([`super::super::ops`]).

use crate::diagnostic::{Diagnostics, Span};
use crate::error;
use crate::suggest::near;
use crate::syntax::ast::{self, ExprKind, Literal};
use crate::syntax::words::AGGREGATES;

use super::super::functions;
use super::super::literal::literal;
use super::super::model::{Formula, FormulaKind, ValueType};
use super::super::ops::{Leaf, Leaves, Ops};
use super::cohort::Column;
use super::{FormulaScope, leaf, told};

/// The functions over formulas. The others work on rows.
const FUNCTIONS: &[&str] =
    &["if", "coalesce", "nullif", "least", "greatest", "abs", "round", "floor", "ceil", "sqrt", "ln", "exp", "pow"];

impl FormulaScope<'_> {
    /// Types a formula; none where it is wrong, which has been told.
    pub fn check(&self, expr: &ast::Expr, d: &mut Diagnostics) -> Option<Formula> {
        self.ops().check(&mut FormulaLeaves { scope: self }, expr, d)
    }

    /// The rules of operators and functions.
    pub fn ops(&self) -> Ops<'_> {
        Ops::new(self.tables, self.zone)
    }
}

struct FormulaLeaves<'a, 'b> {
    scope: &'a FormulaScope<'b>,
}

impl Leaves<Formula> for FormulaLeaves<'_, '_> {
    fn leaf(&mut self, expr: &ast::Expr, d: &mut Diagnostics) -> Leaf<Formula> {
        let (scope, span) = (self.scope, expr.span);
        Leaf::Done(match &expr.kind {
            // A share of anything: it fits every unit.
            ExprKind::Literal(written @ Literal::Percent(_)) => {
                literal(written, span, scope.zone, d).map(|(value, ty)| Formula {
                    kind: FormulaKind::Literal(value),
                    ty: ValueType { unit: None, ..ty },
                    span,
                })
            }
            ExprKind::Path { path, version } => {
                scope.metric(path, version.as_ref().map(|version| version.value), span, d)
            }
            ExprKind::Aggregate(aggregate) => leaf::check_leaf(scope, aggregate, span, d),
            ExprKind::Postfix { operand, postfix } => scope.postfix(operand, postfix, span, d),
            ExprKind::Call { function, arguments } => {
                let name = function.to_string();
                let column = Column { path: function, version: None, arguments, at: None, span };
                if let Some(found) = scope.of_behaviour(&column, d).or_else(|| scope.of_quality(&column, d)) {
                    return Leaf::Done(found);
                }
                match name.as_str() {
                    "rate" | "growth" => scope.of_time(&name, arguments, span, d),
                    known if FUNCTIONS.contains(&known) => return Leaf::Shared,
                    _ => unknown_function(&name, function.span, d),
                }
            }
            ExprKind::Outside { .. } | ExprKind::InCall { .. } => told(d, "outside", span),
            ExprKind::Like { .. }
            | ExprKind::Cast { .. }
            | ExprKind::Json { .. }
            | ExprKind::Sql { .. }
            | ExprKind::Index { .. }
            | ExprKind::MetricPer { .. } => {
                d.push(error!(E0602, span, "this is an expression over rows; a metric is a formula over aggregates";
                    help: "put it into an aggregate: `sum(… from order)`"));
                None
            }
            _ => return Leaf::Shared,
        })
    }

    fn place(&self) -> &'static str {
        "a formula"
    }
}

/// Tells that there is no such function. A mistyped aggregate reads as one.
fn unknown_function<T>(name: &str, span: Span, d: &mut Diagnostics) -> Option<T> {
    if functions::names().any(|known| known == name) {
        d.push(error!(E0625, span, "`{name}` works on rows, not on metrics";
            help: ("over metrics there are: {}; inside of an aggregate `{name}` is known", FUNCTIONS.join(", "))));
        return None;
    }
    let help = match near(name, FUNCTIONS.iter().chain(AGGREGATES).copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("over metrics there are: {}", FUNCTIONS.join(", ")),
    };
    d.push(error!(E0625, span, "no function or aggregate named `{name}`"; help: help));
    None
}
