//! Aggregates of the language as those of the plan, with the types of their results.

use crate::plan::{Aggregate, Expr, Measure, Ratio};
use crate::types::{Aggregation, Level};
use crate::value::DataType;

/// The measure of an aggregate; a count of rows where there is no input.
pub fn aggregate(aggregation: Aggregation, input: Option<Expr>, filter: Option<Expr>) -> Measure {
    // A list or map that is missing is empty, and never null.
    let counted =
        |input: &Expr| aggregation != Aggregation::Count || !matches!(input.ty, DataType::Array(_) | DataType::Map(_));
    let Some(input) = input.filter(counted) else {
        return Measure { filter, aggregate: Aggregate::CountRows, ty: DataType::Int };
    };
    let float = if input.ty == DataType::Duration { DataType::Duration } else { DataType::Float };
    let own = input.ty.clone();
    let (aggregate, ty) = match aggregation {
        Aggregation::Count => (Aggregate::Count(input), DataType::Int),
        Aggregation::Distinct => (Aggregate::Distinct(input), DataType::Int),
        Aggregation::ApproxDistinct => (Aggregate::ApproxDistinct(input), DataType::Int),
        Aggregation::Sum => {
            let ty = match &own {
                DataType::Int => DataType::Decimal { precision: 38, scale: 0 },
                DataType::Decimal { scale, .. } => DataType::Decimal { precision: 38, scale: *scale },
                other => other.clone(),
            };
            (Aggregate::Sum(input), ty)
        }
        Aggregation::Avg => (Aggregate::Avg(input), float),
        Aggregation::Min => (Aggregate::Min(input), own),
        Aggregation::Max => (Aggregate::Max(input), own),
        Aggregation::Quantile(level) => (Aggregate::Quantile(input, ratio(level)), float),
        Aggregation::ApproxQuantile(level) => (Aggregate::ApproxQuantile(input, ratio(level)), float),
        Aggregation::QuantileDisc(level) => (Aggregate::QuantileDisc(input, ratio(level)), own),
        Aggregation::Stddev => (Aggregate::Stddev(input), DataType::Float),
        Aggregation::Variance => (Aggregate::Variance(input), DataType::Float),
        Aggregation::First => (Aggregate::First(input), own),
        Aggregation::Last => (Aggregate::Last(input), own),
    };
    Measure { filter, aggregate, ty }
}

fn ratio(level: Level) -> Ratio {
    Ratio { numerator: level.numerator, denominator: level.denominator }
}
