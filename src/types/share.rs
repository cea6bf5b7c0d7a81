//! Whether a metric is a share of something.

use crate::types::model::{Formula, FormulaKind, MetricId, Model, Type};
use crate::types::unit::Unit;
use crate::value::{Function, Value};

impl Model {
    /// Whether a metric is a share: a quotient of two values of one unit. It is told in percent.
    pub fn is_share(&self, metric: MetricId) -> bool {
        let declared = &self.metrics[metric.0];
        let plain = declared.ty.unit.as_ref().is_some_and(Unit::is_none);
        plain && declared.ty.ty == Type::Float && self.is_quotient(&declared.formula)
    }

    fn is_quotient(&self, formula: &Formula) -> bool {
        match &formula.kind {
            FormulaKind::Metric(id) => self.is_quotient(&self.metrics[id.0].formula),
            FormulaKind::Where { operand, .. } | FormulaKind::Moved { operand, .. } => self.is_quotient(operand),
            FormulaKind::Call(Function::Divide, arguments) => arguments.get(1).is_some_and(|by| !by.is_literal()),
            FormulaKind::Call(Function::Subtract, arguments) => match arguments.as_slice() {
                [a, b] => a.is_one() && self.is_quotient(b),
                _ => false,
            },
            FormulaKind::Call(
                Function::Coalesce | Function::Cast | Function::Greatest | Function::Least,
                arguments,
            ) => {
                arguments.iter().any(|part| self.is_quotient(part))
                    && arguments.iter().all(|part| part.is_literal() || self.is_quotient(part))
            }
            _ => false,
        }
    }
}

impl Formula {
    /// Whether it is a literal, cast or not.
    pub fn is_literal(&self) -> bool {
        match &self.kind {
            FormulaKind::Literal(_) => true,
            FormulaKind::Call(Function::Cast, arguments) => arguments.iter().all(Formula::is_literal),
            _ => false,
        }
    }

    /// Whether it is the number 1, with however many digits behind its point.
    pub fn is_one(&self) -> bool {
        match (&self.kind, &self.ty.ty) {
            (FormulaKind::Literal(Value::Int(1)), _) => true,
            (FormulaKind::Literal(Value::Float(value)), _) => *value == 1.0,
            (FormulaKind::Literal(Value::Decimal(digits)), Type::Decimal { scale, .. }) => {
                10_i128.checked_pow(u32::from(*scale)) == Some(*digits)
            }
            (FormulaKind::Call(Function::Cast, arguments), _) => arguments.iter().all(Formula::is_one),
            _ => false,
        }
    }
}
