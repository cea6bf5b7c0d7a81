//! The two parts of objectives as metrics of their own, so that they can be asked for over any window and by any step.

use crate::plan::{AskedStep, Question};
use crate::types::{Aggregation, Formula, FormulaKind, MetricId, Model, Type};
use crate::value::{Function, Value};

/// A model that also has the parts of all its objectives.
#[derive(Clone, Debug)]
pub struct Parts {
    /// The model.
    pub model: Model,
    /// What is good or bad, and what it is a part of: of each objective, in the order of the project.
    pub of: Vec<(MetricId, MetricId)>,
}

impl Parts {
    /// Those of a model.
    pub fn of(model: &Model) -> Parts {
        let mut parts = Parts { model: model.clone(), of: Vec::new() };
        for slo in &model.slos {
            // No name of the language has a slash.
            let mut add =
                |word: &str, formula| parts.model.add_part(slo.metric, format!("{}/{word}", slo.name.value), formula);
            let (part, total) = (add("part", &slo.share.part), add("total", &slo.share.total));
            parts.of.push((part, total));
        }
        parts
    }

    /// Both parts of the objective at a place, in this order, of rows from an instant on and before another one.
    pub fn question(&self, place: usize, step: AskedStep, from: Option<i64>, to: Option<i64>) -> Question {
        let (part, total) = self.of[place];
        Question { step, from, to, ..Question::of(vec![part, total]) }
    }

    /// Whether both parts of the objective at a place are sums over time: those of a window are the sums of its buckets.
    pub fn add_up(&self, place: usize) -> bool {
        let (part, total) = self.of[place];
        [part, total].into_iter().all(|part| adds_up(&self.model, &self.model.metrics[part.0].formula))
    }
}

fn adds_up(model: &Model, formula: &Formula) -> bool {
    let of = |inner: &Formula| adds_up(model, inner);
    match &formula.kind {
        FormulaKind::Leaf(leaf) => {
            leaf.at_last.is_none() && matches!(leaf.aggregation, Aggregation::Count | Aggregation::Sum)
        }
        FormulaKind::Metric(id) => of(&model.metrics[id.0].formula),
        FormulaKind::Where { operand, .. } => of(operand),
        FormulaKind::Call(function, arguments) => match (function, arguments.as_slice()) {
            (Function::Add | Function::Subtract, [a, b]) => of(a) && of(b),
            (Function::Negate, [a]) => of(a),
            // To an int it would be cut, bucket by bucket.
            (Function::Cast, [a]) => of(a) && (formula.ty.ty != Type::Int || a.ty.ty == Type::Int),
            (Function::Coalesce, [a, b]) => of(a) && is_zero(b),
            _ => false,
        },
        _ => false,
    }
}

fn is_zero(formula: &Formula) -> bool {
    match &formula.kind {
        FormulaKind::Literal(Value::Int(0) | Value::Decimal(0) | Value::Duration(0)) => true,
        FormulaKind::Literal(Value::Float(value)) => *value == 0.0,
        FormulaKind::Call(Function::Cast, arguments) => arguments.iter().all(is_zero),
        _ => false,
    }
}
