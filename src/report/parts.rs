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
        (Function::Add | Function::Subtract, [a, b]) if !a.is_one() => match (sum(a), sum(b)) {
            (Some(a), Some(b)) => whole([a.members, b.members].concat()),
            _ => Parts::Neither,
        },
        (Function::Subtract, [a, b]) if a.is_one() => match parts(model, b) {
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
            let scaled = if a.is_literal() { sum(b) } else { sum(a).filter(|_| b.is_literal()) };
            scaled.map_or(Parts::Neither, |of| whole(of.members))
        }
        (Function::Divide, [a, b]) if b.is_literal() => sum(a).map_or(Parts::Neither, |of| whole(of.members)),
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
