//! Metrics that can be measured of each member alone: quotients of sums over members.

use crate::value::{Function, Value};

use super::super::model::{Formula, FormulaKind, Leaf, MetricId, RowExpr, RowExprKind, RowSet, TableId, Type};
use super::FormulaScope;
use crate::diagnostic::{Diagnostics, Span};
use crate::syntax::ast;
use crate::types::Aggregation;
use crate::types::experiment::{Experiment, Listed};

/// A metric of a group as sums over its members.
#[derive(Clone, Debug)]
pub struct Measurable {
    /// What is added up.
    pub of: Vec<Amount>,
    /// By the sum of what it is divided; the number of members where there is none.
    pub by: Option<Vec<Amount>>,
}

/// What is added up of a member's rows, so many times.
#[derive(Clone, Debug)]
pub struct Amount {
    /// So many times.
    pub factor: f64,
    /// Which rows.
    pub rows: RowSet,
    /// What of them.
    pub what: What,
    /// Where it stands.
    pub span: Span,
}

/// What is taken of rows.
#[derive(Clone, Debug)]
pub enum What {
    /// Their number.
    Rows,
    /// The number of those in which a value is known.
    Known(RowExpr),
    /// The sum of a value.
    Sum(RowExpr),
    /// 1 where there is any.
    Any,
}

impl FormulaScope<'_> {
    /// What is to be measured of an entity's members for the metrics that an experiment names; none of those that are broken, and
    /// an inner none for those that are no quotients of sums.
    pub fn measurables(&self, of: &Experiment, d: &mut Diagnostics) -> Vec<Option<(MetricId, Option<Measurable>)>> {
        let mut measurable = |listed: &Listed| {
            let Some(place) = self.names.metric(&listed.name, listed.version) else {
                let path = ast::Path { parts: vec![listed.name.clone()], at: None, span: listed.name.span };
                d.push(self.unknown(&path, listed.version, listed.name.span));
                return None;
            };
            let id = self.metric_ids[place]?;
            Some((id, self.measurable(&self.metrics[id.0].formula, of.entity)))
        };
        of.listed.iter().map(&mut measurable).collect()
    }

    fn measurable(&self, formula: &Formula, entity: TableId) -> Option<Measurable> {
        match &formula.kind {
            FormulaKind::Metric(id) => self.measurable(&self.metrics[id.0].formula, entity),
            FormulaKind::Call(Function::Cast, arguments) => self.measurable(arguments.first()?, entity),
            FormulaKind::Call(Function::Divide, arguments) if number(&arguments[1]).is_none() => {
                let (of, by) = (self.amounts(&arguments[0], entity)?, self.amounts(&arguments[1], entity)?);
                Some(Measurable { of, by: Some(by) })
            }
            FormulaKind::Call(Function::Multiply, arguments) => {
                let (factor, other) = match (number(&arguments[0]), number(&arguments[1])) {
                    (Some(factor), None) => (factor, &arguments[1]),
                    (None, Some(factor)) => (factor, &arguments[0]),
                    _ => return None,
                };
                let found = self.measurable(other, entity)?;
                Some(Measurable { of: times(found.of, factor), ..found })
            }
            FormulaKind::Leaf(leaf) if leaf.aggregation == Aggregation::Avg => {
                let value = numeric(leaf)?;
                let amount = |what| vec![Amount { factor: 1.0, rows: leaf.rows.clone(), what, span: formula.span }];
                Some(Measurable { of: amount(What::Sum(value.clone())), by: Some(amount(What::Known(value))) })
            }
            _ => Some(Measurable { of: self.amounts(formula, entity)?, by: None }),
        }
    }

    /// A sum over members, as one of amounts.
    fn amounts(&self, formula: &Formula, entity: TableId) -> Option<Vec<Amount>> {
        let of = |formula: &Formula| self.amounts(formula, entity);
        match &formula.kind {
            FormulaKind::Metric(id) => of(&self.metrics[id.0].formula),
            FormulaKind::Leaf(leaf) => {
                let what = self.what(leaf, entity)?;
                Some(vec![Amount { factor: 1.0, rows: leaf.rows.clone(), what, span: formula.span }])
            }
            FormulaKind::Call(function, arguments) => match (function, arguments.as_slice()) {
                (Function::Cast, [only, ..]) => of(only),
                (Function::Negate, [only]) => Some(times(of(only)?, -1.0)),
                (Function::Add, [a, b]) => Some([of(a)?, of(b)?].concat()),
                (Function::Subtract, [a, b]) => Some([of(a)?, times(of(b)?, -1.0)].concat()),
                (Function::Multiply, [a, b]) => match (number(a), number(b)) {
                    (Some(factor), None) => Some(times(of(b)?, factor)),
                    (None, Some(factor)) => Some(times(of(a)?, factor)),
                    _ => None,
                },
                (Function::Divide, [a, b]) => Some(times(of(a)?, 1.0 / number(b).filter(|by| *by != 0.0)?)),
                _ => None,
            },
            _ => None,
        }
    }

    fn what(&self, leaf: &Leaf, entity: TableId) -> Option<What> {
        if leaf.at_last.is_some() {
            return None;
        }
        match (leaf.aggregation, &leaf.input) {
            (Aggregation::Count, None) => Some(What::Rows),
            (Aggregation::Count, Some(input)) => Some(What::Known(input.clone())),
            (Aggregation::Sum, _) => numeric(leaf).map(What::Sum),
            (Aggregation::Distinct, Some(input)) => {
                let RowExprKind::Column(path) = &input.kind else { return None };
                let [own] = path.as_slice() else { return None };
                let leads = self.tables[own.table.0].columns[own.column].ty.ty == Type::Entity(entity);
                leads.then_some(What::Any)
            }
            _ => None,
        }
    }
}

/// What an aggregate is of, where that is a number.
fn numeric(leaf: &Leaf) -> Option<RowExpr> {
    let input = leaf.input.clone().filter(|_| leaf.at_last.is_none())?;
    matches!(input.ty.ty, Type::Int | Type::Float | Type::Decimal { .. }).then_some(input)
}

fn times(amounts: Vec<Amount>, factor: f64) -> Vec<Amount> {
    amounts.into_iter().map(|amount| Amount { factor: amount.factor * factor, ..amount }).collect()
}

/// The number that a formula is.
fn number(formula: &Formula) -> Option<f64> {
    match (&formula.kind, &formula.ty.ty) {
        (FormulaKind::Literal(Value::Int(number)), _) => Some(*number as f64),
        (FormulaKind::Literal(Value::Float(number)), _) => Some(*number),
        (FormulaKind::Literal(Value::Decimal(digits)), Type::Decimal { scale, .. }) => {
            Some(*digits as f64 / 10_f64.powi(i32::from(*scale)))
        }
        (FormulaKind::Call(Function::Cast, arguments), _) => number(arguments.first()?),
        (FormulaKind::Call(Function::Negate, arguments), _) => number(arguments.first()?).map(|number| -number),
        _ => None,
    }
}
