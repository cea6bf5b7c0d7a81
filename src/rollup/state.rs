//! States: the parts of aggregates that can be merged.

use super::{Rollup, replaced, same};
use crate::plan::{Aggregate, Expr, ExprKind, Function, Input, Join, Query, Scan};

/// What a state keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// A number of rows, or of values that are not null.
    Count,
    /// A sum.
    Sum,
    /// The least value.
    Min,
    /// The greatest value.
    Max,
    /// The set of values.
    Distinct,
    /// A sketch of the set of values.
    ApproxDistinct,
    /// All values as floats.
    Numbers,
    /// All values.
    Items,
    /// A sketch of the distribution.
    Digest,
    /// Mean and squared deviation.
    Variance,
    /// The value at the least time.
    First,
    /// The value at the greatest time.
    Last,
}

/// A state over the rows of a table.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct State {
    /// What is kept.
    pub part: Part,
    /// Of which value; none for a count of rows.
    pub argument: Option<Expr>,
    /// Only rows where all of these are true.
    pub filter: Vec<Expr>,
}

impl State {
    /// Whether another one has the same values, whatever the order of its conditions. Both are of one rollup.
    pub fn keeps_the_same(&self, other: &State) -> bool {
        let within = |a: &State, b: &State| a.filter.iter().all(|part| b.filter.contains(part));
        self.part == other.part
            && self.argument == other.argument
            && self.filter.len() == other.filter.len()
            && within(self, other)
            && within(other, self)
    }
}

impl Rollup {
    /// The place of the dimension that is a value over rows with these look-ups.
    pub fn dimension(&self, value: &Expr, joins: &[Join]) -> Option<usize> {
        self.dimensions.iter().position(|known| same(value, joins, &known.value, &self.joins))
    }

    /// The place of a state over the rows of a scan, and the conditions that are left: those that the dimensions decide, as
    /// expressions over the columns `_d0`, `_d1` … Of several states the one that leaves the least.
    pub fn state(&self, scan: &Scan, state: &State) -> Option<(usize, Vec<Expr>)> {
        let same_here = |a: &Expr, b: &Expr| same(a, &scan.joins, b, &self.joins);
        let argument = |known: &State| match (&state.argument, &known.argument) {
            (Some(a), Some(b)) => same_here(a, b),
            (a, b) => a.is_none() && b.is_none(),
        };
        let candidates =
            self.states.iter().enumerate().filter(|(_, known)| known.part == state.part && argument(known));
        let left = candidates.filter_map(|(at, known)| {
            let asked = |part: &Expr| state.filter.iter().any(|asked| same_here(asked, part));
            if !known.filter.iter().all(asked) {
                return None;
            }
            let kept = |asked: &&Expr| !known.filter.iter().any(|part| same_here(asked, part));
            let rest = state.filter.iter().filter(kept).map(|part| self.decided(part, &scan.joins));
            Some((at, rest.collect::<Option<Vec<Expr>>>()?))
        });
        left.min_by_key(|(_, rest)| rest.len())
    }

    /// A condition over rows with these look-ups as one over the columns of the rollup; none if its dimensions do not decide it.
    pub fn decided(&self, condition: &Expr, joins: &[Join]) -> Option<Expr> {
        let mut decided = true;
        let found = replaced(condition, &mut |part| {
            if let Some(place) = self.dimension(part, joins) {
                let kind = ExprKind::Column { input: Input::Base, name: format!("_d{place}") };
                return Some(Expr { kind, ..part.clone() });
            }
            decided &= !matches!(part.kind, ExprKind::Column { .. });
            None
        });
        decided.then_some(found)
    }
}

/// The states that an aggregate is computed from. The first is its own; the others count.
pub fn parts(aggregate: &Aggregate) -> Vec<(Part, Option<&Expr>)> {
    let own = |part: Part| vec![(part, aggregate.argument())];
    // Of what is never null there are as many as rows.
    let count = (Part::Count, aggregate.argument().filter(|argument| argument.nullable));
    let counted = |part: Part| vec![(part, aggregate.argument()), count];
    match aggregate {
        Aggregate::CountRows | Aggregate::Count(_) => vec![count],
        Aggregate::Distinct(_) => own(Part::Distinct),
        Aggregate::ApproxDistinct(_) => own(Part::ApproxDistinct),
        Aggregate::Sum(_) => own(Part::Sum),
        Aggregate::Avg(_) => counted(Part::Sum),
        Aggregate::Min(_) => own(Part::Min),
        Aggregate::Max(_) => own(Part::Max),
        Aggregate::Quantile(..) => own(Part::Numbers),
        Aggregate::QuantileDisc(..) => own(Part::Items),
        Aggregate::ApproxQuantile(..) => own(Part::Digest),
        Aggregate::Stddev(_) | Aggregate::Variance(_) => counted(Part::Variance),
        // Whether there is a row at all: its value may be null.
        Aggregate::First(_) => vec![(Part::First, aggregate.argument()), (Part::Count, None)],
        Aggregate::Last(_) => vec![(Part::Last, aggregate.argument()), (Part::Count, None)],
    }
}

/// The conditions of a scan and of one of its measures.
pub fn conditions<'a>(scan: &'a Scan, measure: Option<&'a Expr>) -> Vec<&'a Expr> {
    let mut found: Vec<&Expr> = Vec::new();
    for filter in scan.filter.iter().chain(measure) {
        for part in conjuncts(filter) {
            if !found.contains(&part) {
                found.push(part);
            }
        }
    }
    found
}

/// The parts of a filter, all of which must be true.
pub fn conjuncts(filter: &Expr) -> Vec<&Expr> {
    match &filter.kind {
        ExprKind::Call(Function::And, parts) => parts.iter().flat_map(conjuncts).collect(),
        _ => vec![filter],
    }
}

/// The states that a scan's measures need, and the row counts that tell which metrics have rows, and which buckets of rows
/// have any where the last one counts.
pub fn needed(scan: &Scan, query: &Query) -> Vec<State> {
    let mut found: Vec<State> = Vec::new();
    let mut add = |part: Part, argument: Option<&Expr>, filter: &[&Expr]| {
        let filter = filter.iter().map(|part| (*part).clone()).collect();
        let state = State { part, argument: argument.cloned(), filter };
        if !found.contains(&state) {
            found.push(state);
        }
    };
    for measure in &scan.measures {
        let filter = conditions(scan, measure.filter.as_ref());
        for (part, argument) in parts(&measure.aggregate) {
            add(part, argument, &filter);
        }
        if query.step.is_some() || !query.dimensions.is_empty() {
            add(Part::Count, None, &filter);
        }
    }
    if scan.last.is_some() {
        add(Part::Count, None, &conditions(scan, None));
    }
    found
}
