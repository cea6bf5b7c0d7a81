//! Questions: which metrics, by what, over which time.

use crate::types::{By, DimFilter, DimensionId, Fill, MetricId, Model, OutputExpr, Quality, RuleKind, TableId};
use crate::value::Step;

/// What is asked.
#[derive(Clone, Debug)]
pub struct Question {
    /// The metrics, each evaluated alone and then joined on all keys in full.
    pub metrics: Vec<MetricId>,
    /// The output step.
    pub step: AskedStep,
    /// The dimensions, and parts of the bucket.
    pub by: Vec<By>,
    /// Only rows from this instant on (milliseconds since 1970 UTC); widened to whole buckets, but for `cut`.
    pub from: Option<i64>,
    /// Only rows before this instant; widened likewise.
    pub to: Option<i64>,
    /// Whether `from` and `to` cut buckets, which are marked.
    pub cut: bool,
    /// Only buckets that are complete at this instant: over for as long as rows may be late.
    pub as_of: Option<i64>,
    /// Whether buckets that are not complete at that instant show too, marked, with the rows before it.
    pub partial: bool,
    /// Whether rows are marked whose intervals lie partly before the first row of what they read.
    pub marks: bool,
    /// A condition on dimensions, asked or not.
    pub filter: Option<DimFilter>,
    /// How all metrics are filled; each as it says where this is none.
    pub fill: Option<Fill>,
    /// A condition on the columns of the answer.
    pub having: Option<OutputExpr>,
    /// Only the best groups.
    pub top: Option<Top>,
    /// Sort keys by output column name.
    pub order: Vec<(String, bool)>,
    /// At most so many rows.
    pub limit: Option<u64>,
}

/// Only the best groups: the combinations of dimension values for which a metric is greatest over the whole interval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Top {
    /// How many.
    pub count: u64,
    /// By which metric.
    pub metric: MetricId,
    /// Whether all others are shown as one group.
    pub other: bool,
}

/// A question for the values of a dimension over the rows of one table.
#[derive(Clone, Debug)]
pub struct Values {
    /// The dimension.
    pub dimension: DimensionId,
    /// The table.
    pub table: TableId,
    /// Only rows from this instant on.
    pub from: Option<i64>,
    /// Only rows before this instant.
    pub to: Option<i64>,
    /// A condition on dimensions.
    pub filter: Option<DimFilter>,
    /// Sort keys by output column name.
    pub order: Vec<(String, bool)>,
    /// At most so many rows.
    pub limit: Option<u64>,
}

/// The output step asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskedStep {
    /// The coarsest default grain of the metrics.
    Default,
    /// One bucket.
    None,
    /// This step.
    Step(Step),
}

impl Question {
    /// The number of rows and all shares that rules of quality look at, by day; of rows without a time once. None where no rule
    /// looks at a share.
    pub fn of_quality(model: &Model, quality: &Quality) -> Option<Question> {
        let shares = quality.rules.iter().filter(|rule| matches!(rule.kind, RuleKind::Share { .. }));
        let shares: Vec<MetricId> = shares.map(|rule| rule.kind.metric()).collect();
        if shares.is_empty() {
            return None;
        }
        let timed = model.table(quality.table).time.is_some();
        let step = if timed { AskedStep::Step(Step::Day) } else { AskedStep::None };
        let metrics = std::iter::once(quality.rows).chain(shares).collect();
        Some(Question { step, ..Question::of(metrics) })
    }

    /// The metrics at their default step and with no dimension.
    pub fn of(metrics: Vec<MetricId>) -> Question {
        Question {
            metrics,
            step: AskedStep::Default,
            by: Vec::new(),
            from: None,
            to: None,
            cut: false,
            as_of: None,
            partial: false,
            marks: false,
            filter: None,
            fill: None,
            having: None,
            top: None,
            order: Vec::new(),
            limit: None,
        }
    }
}
