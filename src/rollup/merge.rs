//! How far states can be merged. One scale decides how a state is stored, over what a rollup may be read coarser, and what
//! is said where it may not.

use super::{Part, State};
use crate::plan::{Aggregate, DataType, Expr};

/// The kinds of states, from those that merge most easily to what does not merge at all. Of several states the greatest
/// counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mergeability {
    /// One number that adds up: a count or a sum.
    Sum,
    /// One value of which the least or greatest counts: the same rows once more change nothing.
    Extremum,
    /// A few numbers or one row: a variance, a first or a last value.
    Moment,
    /// The set of values, or a sketch of it.
    Distinct,
    /// All values, or a sketch of their distribution.
    Quantile,
    /// Nothing that could be kept: it is computed from the rows.
    Never,
}

impl Mergeability {
    /// Of everything that an aggregate keeps.
    pub fn of(aggregate: &Aggregate) -> Mergeability {
        let parts = super::parts(aggregate).into_iter();
        parts.map(|(part, argument)| Mergeability::of_part(part, argument)).max().unwrap_or(Mergeability::Sum)
    }

    /// Of a state of some value.
    pub fn of_part(part: Part, argument: Option<&Expr>) -> Mergeability {
        match argument.map(|argument| &argument.ty) {
            Some(DataType::Array(_) | DataType::Map(_)) if part != Part::Count => Mergeability::Never,
            _ => Mergeability::of_kind(part),
        }
    }

    /// Of a state of any value that is no list.
    pub fn of_kind(part: Part) -> Mergeability {
        match part {
            Part::Count | Part::Sum => Mergeability::Sum,
            Part::Min | Part::Max => Mergeability::Extremum,
            Part::Variance | Part::First | Part::Last => Mergeability::Moment,
            Part::Distinct | Part::ApproxDistinct => Mergeability::Distinct,
            Part::Numbers | Part::Items | Part::Digest => Mergeability::Quantile,
        }
    }

    /// Of the states of a rollup.
    pub fn of_states(states: &[State]) -> Mergeability {
        let each = states.iter().map(|state| Mergeability::of_part(state.part, state.argument.as_ref()));
        each.max().unwrap_or(Mergeability::Sum)
    }

    /// Whether a column holds the value itself, and no state of an aggregate function.
    pub fn is_plain(self) -> bool {
        self <= Mergeability::Extremum
    }

    /// Whether buckets, and rows of different dimension values, can be read together.
    pub fn rolls_up(self) -> bool {
        self < Mergeability::Never
    }

    /// About how many bytes a state takes that was made of so many values.
    pub fn bytes(self, values: f64) -> f64 {
        match self {
            Mergeability::Sum | Mergeability::Extremum => 8.0,
            Mergeability::Moment => 24.0,
            Mergeability::Distinct | Mergeability::Quantile | Mergeability::Never => 8.0 * values.max(1.0),
        }
    }

    /// What is kept, in a few words.
    pub fn text(self) -> &'static str {
        match self {
            Mergeability::Sum => "counts and sums",
            Mergeability::Extremum => "least and greatest values",
            Mergeability::Moment => "moments and edges",
            Mergeability::Distinct => "sets of values",
            Mergeability::Quantile => "all values",
            Mergeability::Never => "nothing that merges",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{ExprKind, Input};

    fn column(ty: DataType) -> Expr {
        Expr { kind: ExprKind::Column { input: Input::Base, name: "x".to_owned() }, ty, nullable: false }
    }

    #[test]
    fn the_least_obliging_state_decides() {
        let x = || column(DataType::Int);
        let level = |aggregate: Aggregate| Mergeability::of(&aggregate);
        assert_eq!(level(Aggregate::CountRows), Mergeability::Sum);
        assert_eq!(level(Aggregate::Avg(x())), Mergeability::Sum);
        assert_eq!(level(Aggregate::Max(x())), Mergeability::Extremum);
        assert_eq!(level(Aggregate::Stddev(x())), Mergeability::Moment);
        assert_eq!(level(Aggregate::Distinct(x())), Mergeability::Distinct);
        assert_eq!(
            level(Aggregate::Quantile(x(), crate::plan::Ratio { numerator: 1, denominator: 2 })),
            Mergeability::Quantile
        );
    }

    #[test]
    fn a_list_is_counted_but_never_kept() {
        let list = || column(DataType::Array(Box::new(DataType::Int)));
        assert!(Mergeability::of(&Aggregate::Count(list())).rolls_up());
        assert!(!Mergeability::of(&Aggregate::Distinct(list())).rolls_up());
        assert!(!Mergeability::of(&Aggregate::Last(list())).rolls_up());
    }

    #[test]
    fn plain_columns_come_first() {
        assert!(Mergeability::Extremum.is_plain() && !Mergeability::Moment.is_plain());
        assert!(Mergeability::Sum < Mergeability::Extremum && Mergeability::Quantile < Mergeability::Never);
    }
}
