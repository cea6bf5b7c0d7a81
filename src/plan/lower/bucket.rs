//! Conditions on the output bucket. What they say is the same for all rows of a bucket, so they choose between values of a
//! formula, and rows know nothing of them.

use std::rc::Rc;

use crate::plan::{DataType, Expr, ExprKind, Function, MeasureId, Present, Step, Value};
use crate::types::{BucketPart, DimFilter, Subject};

use super::formula::{Context, Scans};

/// How an aggregate is filtered in some of the buckets.
struct Variant {
    /// In which: conditions on the bucket, all of which hold.
    when: Vec<DimFilter>,
    /// The conditions on rows.
    rows: Vec<Rc<DimFilter>>,
}

impl<'a> Scans<'a> {
    /// The value of an aggregate: the measure that `make` gives, or one for each kind of bucket where filters ask for some.
    pub(super) fn in_buckets(
        &mut self,
        context: &Context,
        present: &mut Vec<Present>,
        make: &mut dyn FnMut(&mut Self, &Context) -> MeasureId,
    ) -> Expr {
        if !context.filters.iter().any(|filter| has_parts(filter)) {
            let id = make(self, context);
            return self.of_measure(id, None, present);
        }
        let mut branches = Vec::new();
        let mut last = None;
        for variant in variants(&context.filters) {
            let id = make(self, &Context { filters: variant.rows, ..context.clone() });
            let when = Expr::all(variant.when.iter().map(condition).collect());
            let value = self.of_measure(id, when.clone(), present);
            last = Some(id);
            match when {
                Some(when) => branches.push((when, value)),
                None => return value,
            }
        }
        let id = last.unwrap_or_else(|| make(self, &Context { filters: Vec::new(), ..context.clone() }));
        // In other buckets it has no rows.
        let nothing = self.without_rows(id);
        let otherwise = Some(Box::new(self.of_measure(nothing, None, &mut Vec::new())));
        let ty = self.type_of(id);
        Expr { kind: ExprKind::Case { branches, otherwise }, ty, nullable: true }
    }
}

/// Whether a condition is on the bucket in some part.
pub(super) fn has_parts(filter: &DimFilter) -> bool {
    let mut found = false;
    filter.parts(&mut |_| found = true);
    found
}

fn variants(filters: &[Rc<DimFilter>]) -> Vec<Variant> {
    let mut all = vec![Variant { when: Vec::new(), rows: Vec::new() }];
    for filter in filters {
        if !has_parts(filter) {
            all.iter_mut().for_each(|variant| variant.rows.push(Rc::clone(filter)));
            continue;
        }
        let split = split(filter);
        all = (all.into_iter())
            .flat_map(|variant| {
                split.iter().map(move |(when, rows)| Variant {
                    when: variant.when.iter().chain(when).cloned().collect(),
                    rows: variant.rows.iter().cloned().chain(rows.clone().map(Rc::new)).collect(),
                })
            })
            .collect();
    }
    all
}

/// What a condition asks of rows, by what it says of the bucket; left out where no row can satisfy it.
fn split(filter: &DimFilter) -> Vec<(Vec<DimFilter>, Option<DimFilter>)> {
    let Some(part) = first_part(filter) else {
        return match constant(filter) {
            Some(false) => Vec::new(),
            Some(true) => vec![(Vec::new(), None)],
            None => vec![(Vec::new(), Some(filter.clone()))],
        };
    };
    let mut all = Vec::new();
    for holds in [true, false] {
        let mut done = false;
        let rest = decided(filter, holds, &mut done);
        let own = if holds { part.clone() } else { DimFilter::Not(Box::new(part.clone())) };
        for (mut when, rows) in split(&rest) {
            when.insert(0, own.clone());
            all.push((when, rows));
        }
    }
    all
}

/// The first of the largest parts that are on the bucket alone.
fn first_part(filter: &DimFilter) -> Option<&DimFilter> {
    match filter {
        _ if !has_parts(filter) => None,
        _ if filter.is_of_bucket() => Some(filter),
        DimFilter::And(parts) | DimFilter::Or(parts) => parts.iter().find_map(first_part),
        DimFilter::Not(inner) => first_part(inner),
        DimFilter::Test { .. } => None,
    }
}

/// A condition with that part decided, and what follows.
fn decided(filter: &DimFilter, holds: bool, done: &mut bool) -> DimFilter {
    if !*done && has_parts(filter) && filter.is_of_bucket() {
        *done = true;
        return of_constant(holds);
    }
    match filter {
        DimFilter::And(parts) => {
            let parts: Vec<DimFilter> = parts.iter().map(|part| decided(part, holds, done)).collect();
            match parts.iter().any(|part| constant(part) == Some(false)) {
                true => of_constant(false),
                false => DimFilter::And(parts.into_iter().filter(|part| constant(part).is_none()).collect()),
            }
        }
        DimFilter::Or(parts) => {
            let parts: Vec<DimFilter> = parts.iter().map(|part| decided(part, holds, done)).collect();
            match parts.iter().any(|part| constant(part) == Some(true)) {
                true => of_constant(true),
                false => DimFilter::Or(parts.into_iter().filter(|part| constant(part).is_none()).collect()),
            }
        }
        DimFilter::Not(inner) => {
            let inner = decided(inner, holds, done);
            constant(&inner).map_or_else(|| DimFilter::Not(Box::new(inner)), |value| of_constant(!value))
        }
        DimFilter::Test { .. } => filter.clone(),
    }
}

/// True is all of nothing, false one of nothing.
fn of_constant(value: bool) -> DimFilter {
    if value { DimFilter::And(Vec::new()) } else { DimFilter::Or(Vec::new()) }
}

fn constant(filter: &DimFilter) -> Option<bool> {
    match filter {
        DimFilter::And(parts) if parts.is_empty() => Some(true),
        DimFilter::Or(parts) if parts.is_empty() => Some(false),
        _ => None,
    }
}

/// A condition on the bucket alone.
pub(super) fn condition(filter: &DimFilter) -> Expr {
    match filter {
        DimFilter::And(parts) | DimFilter::Or(parts) => {
            let function = if matches!(filter, DimFilter::And(_)) { Function::And } else { Function::Or };
            Expr::call(function, parts.iter().map(condition).collect(), DataType::Bool, false)
        }
        DimFilter::Not(inner) => Expr::call(Function::Not, vec![condition(inner)], DataType::Bool, false),
        DimFilter::Test { subject: Subject::Part(part), function, literals, .. } => {
            let value = value(*part);
            let ty = value.ty.clone();
            let literals = literals.iter().map(|literal| Expr::literal(literal.clone(), ty.clone()));
            Expr::call(*function, std::iter::once(value).chain(literals).collect(), DataType::Bool, false)
        }
        DimFilter::Test { .. } => Expr::literal(Value::Bool(true), DataType::Bool),
    }
}

/// The value of a part of the bucket.
pub(super) fn value(part: BucketPart) -> Expr {
    value_of(Expr { kind: ExprKind::Bucket, ty: DataType::Timestamp, nullable: false }, part)
}

/// The same of the bucket that starts at an instant.
pub(super) fn value_of(start: Expr, part: BucketPart) -> Expr {
    match part {
        BucketPart::Start => start,
        BucketPart::Number(function) => Expr::call(function, vec![start], DataType::Int, false),
        BucketPart::Within(step) => truncated(start, step),
    }
}

/// The start of the bucket that an instant lies in.
pub(super) fn truncated(instant: Expr, step: Step) -> Expr {
    let nullable = instant.nullable;
    let step = Expr::literal(Value::String(step.text()), DataType::String);
    Expr::call(Function::Truncate, vec![instant, step], DataType::Timestamp, nullable)
}
