//! What the values of a metric are made of, as far as the difference of two of them can be shared out among groups.

use crate::types::{
    Aggregation, DimensionId, Formula, FormulaKind, Leaf, MetricId, Model, Movement, RowExpr, RowExprKind, Type,
    ValueType,
};
use crate::value::{Function, Value};

/// How a metric's groups make up its whole.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant)] // A report has a handful of them.
pub enum Parts {
    /// The values of groups add up to the whole.
    Sum(Sum),
    /// It is a quotient of two such values.
    Ratio(Box<Quotient>),
    /// Neither: members that several groups have, quantiles, and what is computed of several values.
    Neither,
}

/// A value whose groups add up.
#[derive(Clone, Debug)]
pub struct Sum {
    formula: Formula,
    /// Its counts of members: they add up only by what each member has one of.
    members: Vec<Leaf>,
}

/// A quotient of two values whose groups add up.
#[derive(Clone, Debug)]
pub struct Quotient {
    /// What is divided.
    pub numerator: Sum,
    /// By what.
    pub denominator: Sum,
    /// Whether the metric is what is missing to 1: `1 - failed / all`.
    pub to_one: bool,
}

impl Sum {
    /// Whether the groups by a dimension add up.
    fn adds_up(&self, model: &Model, dimension: DimensionId) -> bool {
        self.members.iter().all(|leaf| parts_members(model, leaf, dimension))
    }
}

impl Parts {
    /// Those of a metric.
    pub fn of(model: &Model, metric: MetricId) -> Parts {
        parts(model, &model.metrics[metric.0].formula)
    }

    /// The same, by a dimension whose groups may not add up.
    pub fn by(self, model: &Model, dimension: DimensionId) -> Parts {
        let adds = match &self {
            Parts::Sum(sum) => sum.adds_up(model, dimension),
            Parts::Ratio(of) => of.numerator.adds_up(model, dimension) && of.denominator.adds_up(model, dimension),
            Parts::Neither => false,
        };
        if adds { self } else { Parts::Neither }
    }
}

/// Whether a metric is a share: a quotient of two values of one unit. It is told in percent.
pub fn is_share(model: &Model, metric: MetricId) -> bool {
    let declared = &model.metrics[metric.0];
    let plain = declared.ty.unit.as_ref().is_some_and(crate::types::Unit::is_none);
    plain && declared.ty.ty == Type::Float && is_quotient(model, &declared.formula)
}

fn is_quotient(model: &Model, formula: &Formula) -> bool {
    match &formula.kind {
        FormulaKind::Metric(id) => is_quotient(model, &model.metrics[id.0].formula),
        FormulaKind::Where { operand, .. } | FormulaKind::Moved { operand, .. } => is_quotient(model, operand),
        FormulaKind::Call(Function::Divide, arguments) => arguments.get(1).is_some_and(|by| !is_literal(by)),
        FormulaKind::Call(Function::Subtract, arguments) => match arguments.as_slice() {
            [a, b] => is_one(a) && is_quotient(model, b),
            _ => false,
        },
        FormulaKind::Call(Function::Coalesce | Function::Cast | Function::Greatest | Function::Least, arguments) => {
            arguments.iter().any(|part| is_quotient(model, part))
                && arguments.iter().all(|part| is_literal(part) || is_quotient(model, part))
        }
        _ => false,
    }
}

fn parts(model: &Model, formula: &Formula) -> Parts {
    let of = |inner: &Formula| parts(model, inner);
    match &formula.kind {
        FormulaKind::Leaf(leaf) => of_leaf(formula, leaf),
        FormulaKind::Metric(id) => match of(&model.metrics[id.0].formula) {
            Parts::Sum(sum) => Parts::Sum(Sum { formula: formula.clone(), ..sum }),
            other => other,
        },
        FormulaKind::Call(function, arguments) => of_call(model, formula, *function, arguments),
        FormulaKind::Where { operand, .. }
        | FormulaKind::Moved { operand, by: Movement::Over(_) | Movement::Ago(_) } => {
            let again = |sum: Sum| Sum { formula: wrapped(formula, sum.formula), members: sum.members };
            match of(operand) {
                Parts::Sum(sum) => Parts::Sum(again(sum)),
                Parts::Ratio(of) => Parts::Ratio(Box::new(Quotient {
                    numerator: again(of.numerator),
                    denominator: again(of.denominator),
                    to_one: of.to_one,
                })),
                Parts::Neither => Parts::Neither,
            }
        }
        FormulaKind::Rate { operand, .. } => match of(operand) {
            Parts::Sum(sum) => Parts::Sum(Sum { formula: formula.clone(), ..sum }),
            _ => Parts::Neither,
        },
        FormulaKind::Literal(_)
        | FormulaKind::Case { .. }
        | FormulaKind::Nested(_)
        | FormulaKind::Moved { .. }
        | FormulaKind::Across { .. } => Parts::Neither,
    }
}

/// The same condition or interval around another value.
fn wrapped(around: &Formula, inner: Formula) -> Formula {
    let ty = inner.ty.clone();
    let kind = match &around.kind {
        FormulaKind::Where { filter, .. } => FormulaKind::Where { operand: Box::new(inner), filter: filter.clone() },
        FormulaKind::Moved { by, .. } => FormulaKind::Moved { operand: Box::new(inner), by: *by },
        _ => return inner,
    };
    Formula { kind, ty, span: around.span }
}

fn of_leaf(formula: &Formula, leaf: &Leaf) -> Parts {
    if leaf.at_last.is_some() {
        return Parts::Neither;
    }
    let sum = |formula: Formula| Sum { formula, members: Vec::new() };
    match (leaf.aggregation, &leaf.input) {
        (Aggregation::Count | Aggregation::Sum, _) => Parts::Sum(sum(formula.clone())),
        (Aggregation::Distinct, Some(_)) => Parts::Sum(Sum { formula: formula.clone(), members: vec![leaf.clone()] }),
        (Aggregation::Avg, Some(input)) => {
            let total = ValueType { ty: crate::types::sum_type(&input.ty.ty), ..formula.ty.clone() };
            let count = ValueType { nullable: false, ..ValueType::plain(Type::Int) };
            let of = |aggregation: Aggregation, ty: ValueType| {
                let kind = FormulaKind::Leaf(Box::new(Leaf { aggregation, ..leaf.clone() }));
                sum(Formula { kind, ty, span: formula.span })
            };
            let (numerator, denominator) = (of(Aggregation::Sum, total), of(Aggregation::Count, count));
            Parts::Ratio(Box::new(Quotient { numerator, denominator, to_one: false }))
        }
        _ => Parts::Neither,
    }
}

fn of_call(model: &Model, formula: &Formula, function: Function, arguments: &[Formula]) -> Parts {
    let sum = |inner: &Formula| match parts(model, inner) {
        Parts::Sum(sum) => Some(sum),
        _ => None,
    };
    let whole = |members: Vec<Leaf>| Parts::Sum(Sum { formula: formula.clone(), members });
    match (function, arguments) {
        (Function::Add | Function::Subtract, [a, b]) if !is_one(a) => match (sum(a), sum(b)) {
            (Some(a), Some(b)) => whole([a.members, b.members].concat()),
            _ => Parts::Neither,
        },
        (Function::Subtract, [a, b]) if is_one(a) => match parts(model, b) {
            Parts::Ratio(of) => Parts::Ratio(Box::new(Quotient { to_one: !of.to_one, ..*of })),
            _ => Parts::Neither,
        },
        (Function::Negate, [a]) => sum(a).map_or(Parts::Neither, |a| whole(a.members)),
        // To an int it would be cut, group by group.
        (Function::Cast, [a]) if is_number(&formula.ty.ty) && (formula.ty.ty != Type::Int || a.ty.ty == Type::Int) => {
            match parts(model, a) {
                Parts::Sum(a) => whole(a.members),
                other => other,
            }
        }
        (Function::Multiply, [a, b]) => {
            let scaled = if is_literal(a) { sum(b) } else { sum(a).filter(|_| is_literal(b)) };
            scaled.map_or(Parts::Neither, |of| whole(of.members))
        }
        (Function::Divide, [a, b]) if is_literal(b) => sum(a).map_or(Parts::Neither, |of| whole(of.members)),
        (Function::Divide, [a, b]) => match (sum(a), sum(b)) {
            (Some(numerator), Some(denominator)) => {
                Parts::Ratio(Box::new(Quotient { numerator, denominator, to_one: false }))
            }
            _ => Parts::Neither,
        },
        // What there is no row of counts nothing.
        (Function::Coalesce, [a, b]) if is_zero(b) => match parts(model, a) {
            Parts::Sum(a) => whole(a.members),
            other => other,
        },
        _ => Parts::Neither,
    }
}

fn is_number(ty: &Type) -> bool {
    matches!(ty, Type::Int | Type::Float | Type::Decimal { .. })
}

/// A literal, whatever type it was widened to.
fn is_literal(formula: &Formula) -> bool {
    match &formula.kind {
        FormulaKind::Literal(_) => true,
        FormulaKind::Call(Function::Cast, arguments) => arguments.iter().all(is_literal),
        _ => false,
    }
}

/// The number 1, with however many digits behind its point.
fn is_one(formula: &Formula) -> bool {
    match (&formula.kind, &formula.ty.ty) {
        (FormulaKind::Literal(Value::Int(1)), _) => true,
        (FormulaKind::Literal(Value::Float(value)), _) => *value == 1.0,
        (FormulaKind::Literal(Value::Decimal(digits)), Type::Decimal { scale, .. }) => {
            10_i128.checked_pow(u32::from(*scale)) == Some(*digits)
        }
        (FormulaKind::Call(Function::Cast, arguments), _) => arguments.iter().all(is_one),
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

/// Whether each member that is counted has one value of a dimension: then no member is in two groups. That is where the dimension is
/// an attribute of the entity that is counted, and the entity keeps no history.
fn parts_members(model: &Model, leaf: &Leaf, dimension: DimensionId) -> bool {
    let Some(RowExprKind::Column(member)) = leaf.input.as_ref().map(|input| &input.kind) else { return false };
    let Ok(value) = model.bind(dimension, leaf.rows.base) else { return false };
    if value.history(&model.tables).is_some() {
        return false;
    }
    let mut of_member = true;
    value.walk(&mut |part: &RowExpr| {
        of_member &= match &part.kind {
            RowExprKind::Column(path) => path.len() > member.len() && path.starts_with(member),
            RowExprKind::Literal(_) | RowExprKind::Call(..) | RowExprKind::Case { .. } => true,
            _ => false,
        };
    });
    of_member
}

/// A model with one more metric: a part of another one.
pub fn add_part(model: &mut Model, of: MetricId, name: String, sum: &Sum) -> MetricId {
    model.add_part(of, name, &sum.formula)
}
