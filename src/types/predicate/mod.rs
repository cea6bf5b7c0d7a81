//! Conditions that can't be meant: always true, never true, or said twice. Warnings, never errors.
//!
//! A condition is taken apart at its `and`s; each part is looked at alone, and all parts on one value together. The sides of
//! an `or` and the conditions of a `case` are conditions of their own. What is found is certain: where two literals can't be
//! compared, nothing is claimed.

mod range;
mod same;

#[cfg(test)]
mod tests;

use std::cmp::Ordering;

use rustc_hash::FxHashMap;

use crate::diagnostic::Diagnostics;
use crate::value::{Function, Value};
use crate::{error, types::Type};

use super::{RowExpr, RowExprKind};
use range::{Atom, contradiction};
use same::Point;

pub use same::same;

/// Warns of the conditions inside of a value.
pub fn inspect(expr: &RowExpr, d: &mut Diagnostics) {
    match &expr.kind {
        RowExprKind::Call(function, _) if is_logic(*function) => inspect_condition(expr, d),
        _ => below(expr, d),
    }
}

/// Warns where the last of several filters of the same rows leaves nothing of what the others left: those of a subset, say,
/// and of a metric that uses it. What one filter does alone was said by [`inspect_condition`].
pub fn inspect_filters(filters: &[RowExpr], d: &mut Diagnostics) {
    let Some((last, before)) = filters.split_last() else { return };
    let contradicts = |filters: &[RowExpr]| {
        let mut parts = Vec::new();
        filters.iter().for_each(|filter| conjuncts(filter, &mut parts));
        contradiction(atoms(&parts)).is_some()
    };
    if before.is_empty() || contradicts(std::slice::from_ref(last)) || contradicts(before) {
        return;
    }
    let mut all = Vec::new();
    filters.iter().for_each(|filter| conjuncts(filter, &mut all));
    report_contradiction(&all, d);
}

/// Whether nothing can satisfy all of some conditions. What is found is certain; that nothing is found says nothing.
pub fn exclude_each_other(conditions: &[&RowExpr]) -> bool {
    let mut parts = Vec::new();
    conditions.iter().for_each(|condition| conjuncts(condition, &mut parts));
    contradiction(atoms(&parts)).is_some()
}

/// Looks into everything below `expr`.
fn below(expr: &RowExpr, d: &mut Diagnostics) {
    match &expr.kind {
        RowExprKind::Call(function, arguments) => {
            if *function == Function::Coalesce {
                coalesce(arguments, d);
            }
            arguments.iter().for_each(|argument| inspect(argument, d));
        }
        RowExprKind::Case { branches, otherwise } => {
            unreachable_branches(branches, d);
            for (condition, value) in branches {
                inspect_condition(condition, d);
                inspect(value, d);
            }
            if let Some(value) = otherwise {
                inspect(value, d);
            }
        }
        RowExprKind::Sql { arguments, .. } => arguments.iter().for_each(|argument| inspect(argument, d)),
        RowExprKind::Column(_)
        | RowExprKind::Time
        | RowExprKind::Inner
        | RowExprKind::Literal(_)
        | RowExprKind::Per { .. }
        | RowExprKind::Pending(_) => {}
    }
}

/// Warns of a condition on rows: its parts alone, then together.
pub fn inspect_condition(expr: &RowExpr, d: &mut Diagnostics) {
    let mut parts = Vec::new();
    conjuncts(expr, &mut parts);
    let before = d.len();
    parts.iter().for_each(|part| alone(part, d));
    // What is wrong by itself would only be said again.
    if d.len() == before {
        report_contradiction(&parts, d);
    }
}

/// The conditions on one value each that are among `parts`.
fn atoms<'a>(parts: &[&'a RowExpr]) -> Vec<Atom<'a>> {
    let mut atoms = Vec::new();
    for part in parts {
        match &part.kind {
            RowExprKind::Call(_, limits) if is_between(part) => atoms.extend(limits.iter().filter_map(atom)),
            _ => atoms.extend(atom(part)),
        }
    }
    atoms
}

fn report_contradiction(parts: &[&RowExpr], d: &mut Diagnostics) {
    let Some((span, others)) = contradiction(atoms(parts)) else { return };
    let mut found = error!(W0301, span, "nothing can satisfy this and the conditions before it";
        help: "remove one of them, or join them by `or`");
    for other in others {
        found = found.related(other, "this leaves nothing for it");
    }
    d.push(found);
}

/// The parts that are joined by `and`; a `between` stays whole.
fn conjuncts<'a>(expr: &'a RowExpr, parts: &mut Vec<&'a RowExpr>) {
    match &expr.kind {
        RowExprKind::Call(Function::And, sides) if !is_between(expr) => {
            sides.iter().for_each(|side| conjuncts(side, parts))
        }
        _ => parts.push(expr),
    }
}

/// Whether it was written as a `between`: both of its sides stand where the whole stands.
fn is_between(expr: &RowExpr) -> bool {
    match &expr.kind {
        RowExprKind::Call(Function::And, sides) => sides.len() == 2 && sides.iter().all(|side| side.span == expr.span),
        _ => false,
    }
}

/// The condition of one value that a part is, where it is one.
fn atom(part: &RowExpr) -> Option<Atom<'_>> {
    let RowExprKind::Call(function, arguments) = &part.kind else {
        return None;
    };
    let subject = arguments.first()?;
    let span = part.span;
    let atom = |subject, test, points| Some(Atom { subject, test, negated: false, points, span });
    match function {
        Function::Not => {
            let inner = atom_of_not(arguments.first()?)?;
            Some(Atom { span, ..inner })
        }
        Function::IsNull | Function::IsNotNull => atom(subject, *function, Vec::new()),
        Function::In => {
            let points = arguments[1..].iter().map(Point::of).collect::<Option<Vec<Point>>>()?;
            atom(subject, *function, points)
        }
        _ if is_comparison(*function) => {
            let other = arguments.get(1)?;
            match (Point::of(subject), Point::of(other)) {
                (None, Some(point)) => atom(subject, *function, vec![point]),
                (Some(point), None) => atom(other, mirrored(*function), vec![point]),
                _ => None,
            }
        }
        _ => None,
    }
}

fn atom_of_not(inner: &RowExpr) -> Option<Atom<'_>> {
    let inner = atom(inner)?;
    let test = match inner.test {
        Function::In => return Some(Atom { negated: !inner.negated, ..inner }),
        Function::Equal => Function::NotEqual,
        Function::NotEqual => Function::Equal,
        Function::Less => Function::GreaterEqual,
        Function::LessEqual => Function::Greater,
        Function::Greater => Function::LessEqual,
        Function::GreaterEqual => Function::Less,
        Function::IsNull => Function::IsNotNull,
        _ => Function::IsNull,
    };
    Some(Atom { test, ..inner })
}

fn is_comparison(function: Function) -> bool {
    use Function::{Equal, Greater, GreaterEqual, Less, LessEqual, NotEqual};
    matches!(function, Equal | NotEqual | Less | LessEqual | Greater | GreaterEqual)
}

fn is_logic(function: Function) -> bool {
    use Function::{And, In, IsNotNull, IsNull, Like, Not, Or};
    is_comparison(function) || matches!(function, And | Or | Not | In | IsNull | IsNotNull | Like)
}

/// The comparison with its sides exchanged.
fn mirrored(function: Function) -> Function {
    match function {
        Function::Less => Function::Greater,
        Function::LessEqual => Function::GreaterEqual,
        Function::Greater => Function::Less,
        Function::GreaterEqual => Function::LessEqual,
        other => other,
    }
}

/// Whether a comparison holds for sides of that order.
fn holds(function: Function, order: Ordering) -> bool {
    match function {
        Function::Equal => order.is_eq(),
        Function::NotEqual => order.is_ne(),
        Function::Less => order.is_lt(),
        Function::LessEqual => order.is_le(),
        Function::Greater => order.is_gt(),
        _ => order.is_ge(),
    }
}

/// What is wrong with one part by itself.
fn alone(part: &RowExpr, d: &mut Diagnostics) {
    match &part.kind {
        RowExprKind::Literal(Value::Bool(value)) => {
            d.push(error!(W0302, part.span, "this condition is always {value}"; help: "remove it"));
        }
        RowExprKind::Call(Function::Or, sides) => sides.iter().for_each(|side| inspect_condition(side, d)),
        RowExprKind::Call(Function::Not, inner) => inner.iter().for_each(|inner| inspect_condition(inner, d)),
        RowExprKind::Call(function @ (Function::IsNull | Function::IsNotNull), arguments) => {
            null_test(part, *function, arguments, d);
        }
        RowExprKind::Call(Function::And, limits) => between(part, limits, d),
        RowExprKind::Call(Function::In, arguments) => list(part, arguments, d),
        RowExprKind::Call(Function::Like, arguments) => like(arguments, d),
        RowExprKind::Call(function, arguments) if is_comparison(*function) => comparison(part, *function, arguments, d),
        _ => {}
    }
    match &part.kind {
        RowExprKind::Call(Function::Or | Function::Not, _) => {}
        // Both limits of a `between` have the same value before them.
        RowExprKind::Call(Function::And, limits) => limits.iter().take(1).for_each(|limit| below(limit, d)),
        _ => below(part, d),
    }
}

fn null_test(part: &RowExpr, function: Function, arguments: &[RowExpr], d: &mut Diagnostics) {
    let Some(subject) = arguments.first().filter(|subject| !subject.ty.nullable) else { return };
    let always = function == Function::IsNotNull;
    d.push(
        error!(W0303, part.span, "this is always {always}: the value is never null";
            help: "remove the test, or declare the column with `?` where null occurs")
        .related(subject.span, "never null"),
    );
}

fn comparison(part: &RowExpr, function: Function, arguments: &[RowExpr], d: &mut Diagnostics) {
    let [left, right] = arguments else { return };
    if let (Some(a), Some(b)) = (Point::of(left), Point::of(right)) {
        if let Some(order) = a.compare(&b) {
            let value = holds(function, order);
            d.push(error!(W0302, part.span, "this condition is always {value}"; help: "compare with a column"));
        }
        return;
    }
    if same(left, right) {
        d.push(error!(W0302, part.span, "this compares a value with itself"; help: "compare with another one"));
        return;
    }
    let equality = matches!(function, Function::Equal | Function::NotEqual);
    let fraction = [(left, right), (right, left)]
        .into_iter()
        .any(|(cast, literal)| is_int(cast) && Point::of(literal).is_some_and(|point| point.has_fraction()));
    if equality && fraction {
        let value = function == Function::NotEqual;
        d.push(error!(W0302, part.span, "this condition is always {value}: an int has no fraction";
            help: "compare with a whole number"));
    }
}

/// Whether it is an int that was made a decimal for a comparison.
fn is_int(expr: &RowExpr) -> bool {
    match &expr.kind {
        RowExprKind::Call(Function::Cast, arguments) => {
            arguments.first().is_some_and(|inner| inner.ty.ty == Type::Int)
                && matches!(expr.ty.ty, Type::Decimal { .. })
        }
        _ => false,
    }
}

/// A `between` with its limits the wrong way round.
fn between(part: &RowExpr, limits: &[RowExpr], d: &mut Diagnostics) {
    let limit = |place: usize| match &limits.get(place)?.kind {
        RowExprKind::Call(_, sides) => Point::of(sides.get(1)?),
        _ => None,
    };
    if let (Some(low), Some(high)) = (limit(0), limit(1))
        && low.compare(&high) == Some(Ordering::Greater)
    {
        d.push(error!(W0305, part.span, "nothing lies between these limits"; help: "write the lesser one first"));
    }
}

fn list(part: &RowExpr, arguments: &[RowExpr], d: &mut Diagnostics) {
    let Some((subject, items)) = arguments.split_first() else { return };
    // Lists may be long: only what could be the same is compared.
    let mut seen: FxHashMap<Option<&Value>, Vec<&RowExpr>> = FxHashMap::default();
    for item in items {
        let literal = if let RowExprKind::Literal(value) = &item.kind { Some(value) } else { None };
        let known = seen.entry(literal).or_default();
        let first = known.iter().copied().find(|known| same(known, item));
        known.push(item);
        if let Some(first) = first {
            d.push(
                error!(W0304, item.span, "this is twice in the list"; help: "remove it, or write the value that was meant")
                    .related(first.span, "here already"),
            );
        }
    }
    let points: Vec<Point> = items.iter().filter_map(Point::of).collect();
    if let Type::Enum(values) = &subject.ty.ty
        && !matches!(subject.kind, RowExprKind::Literal(_))
        && values.iter().all(|value| points.iter().any(|point| point.is(&Point::Text(value))))
    {
        d.push(error!(W0302, part.span, "all values of the enum are in this list";
            help: "leave the condition out, or write `is not null`"));
    }
    if let (Some(point), true) = (Point::of(subject), points.len() == items.len()) {
        let value = points.iter().any(|known| known.is(&point));
        d.push(error!(W0302, part.span, "this condition is always {value}"; help: "look for a column in the list"));
    }
}

fn like(arguments: &[RowExpr], d: &mut Diagnostics) {
    let Some(pattern) = arguments.get(1) else { return };
    let RowExprKind::Literal(Value::String(text)) = &pattern.kind else { return };
    let mut escaped = false;
    let wildcard = text.chars().any(|c| {
        let wild = !escaped && matches!(c, '%' | '_');
        escaped = c == '\\' && !escaped;
        wild
    });
    if !wildcard {
        d.push(error!(W0306, pattern.span, "this pattern has no `%` and no `_`, so it is one text";
            help: "write `=`, or `%` for the part that may differ"));
    }
}

fn coalesce(arguments: &[RowExpr], d: &mut Diagnostics) {
    let Some((last, before)) = arguments.split_last() else { return };
    if let Some(never) = before.iter().find(|argument| !argument.ty.nullable) {
        d.push(
            error!(W0307, never.span, "this is never null, so what follows is never used";
                help: "remove the `??`, or declare the column with `?` where null occurs")
            .related(last.span, "never used"),
        );
    }
}

fn unreachable_branches(branches: &[(RowExpr, RowExpr)], d: &mut Diagnostics) {
    for (place, (condition, _)) in branches.iter().enumerate() {
        let earlier = branches[..place].iter().map(|(earlier, _)| earlier);
        let always = |earlier: &&RowExpr| matches!(earlier.kind, RowExprKind::Literal(Value::Bool(true)));
        if let Some(first) = earlier.clone().find(|earlier| always(earlier) || same(earlier, condition)) {
            d.push(
                error!(W0308, condition.span, "this branch is never taken"; help: "remove it, or change its condition")
                    .related(first.span, "this is true before"),
            );
        }
    }
}
