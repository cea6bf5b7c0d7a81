//! Typed formulas over metrics, and conditions on dimensions.

use crate::diagnostic::Span;
use crate::value::{Function, Span as Length, Step, Value, Window};

use super::super::part::BucketPart;
use super::{DimensionId, MetricId, MetricPer, RowExpr, RowSet, TableId, ValueType};

/// A typed formula over metrics.
#[derive(Clone, Debug)]
pub struct Formula {
    /// The form.
    pub kind: FormulaKind,
    /// What is known of its value.
    pub ty: ValueType,
    /// Where it stands.
    pub span: Span,
}

/// The forms of formulas.
#[derive(Clone, Debug)]
pub enum FormulaKind {
    /// An aggregate over rows.
    Leaf(Box<Leaf>),
    /// Another metric.
    Metric(MetricId),
    /// A literal.
    Literal(Value),
    /// Arithmetic and scalar functions.
    Call(Function, Vec<Formula>),
    /// `case when …`, `if(…)`
    Case {
        /// Conditions and values.
        branches: Vec<(Formula, Formula)>,
        /// Otherwise.
        otherwise: Option<Box<Formula>>,
    },
    /// `m where platform = "ios"`: every leaf below is filtered.
    Where {
        /// What is filtered.
        operand: Box<Formula>,
        /// By dimensions.
        filter: DimFilter,
    },
    /// `avg(count(event) per user_id)`: an aggregate over the values of a formula.
    Nested(Box<Nested>),
    /// `m over 30d`, `m ago 1w`, `m at start of month`: every leaf below has another interval.
    Moved {
        /// What is moved.
        operand: Box<Formula>,
        /// How.
        by: Movement,
    },
    /// `m across feature`: every leaf below leaves the dimensions out of its grouping, and gives no rows of its own.
    Across {
        /// What is looked up.
        operand: Box<Formula>,
        /// The dimensions left out.
        dimensions: Vec<DimensionId>,
    },
    /// `rate(m, 1s)`: the value divided by the number of such lengths in its interval.
    Rate {
        /// What is divided.
        operand: Box<Formula>,
        /// By the number of these.
        length: Length,
    },
}

/// How an interval is moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Movement {
    /// `over`: it begins earlier.
    Over(Window),
    /// `ago`: it lies earlier.
    Ago(Length),
    /// `at start of`: it ends where this step's bucket begins.
    AtStartOf(Step),
    /// It ends where the bucket itself begins.
    AtOwnStart,
    /// Of its rows, which are of days, those of its first day count: it needs a bucket of days.
    FirstDay,
    /// It is asked for in buckets of this step alone.
    Only(Step),
}

/// An aggregate over the values of a formula, one for each value of its keys.
#[derive(Clone, Debug)]
pub struct Nested {
    /// Which aggregate; a count has no input and counts the keys' values.
    pub aggregation: Aggregation,
    /// Whether it is a count of groups, and not of values.
    pub counts_groups: bool,
    /// What is computed for each.
    pub formula: Formula,
    /// For each of what.
    pub keys: Vec<NestedKey>,
    /// Which values count: over [`RowExprKind::Inner`](super::RowExprKind::Inner).
    pub filter: Option<RowExpr>,
}

impl Nested {
    /// The step of time that the values are per.
    pub fn step(&self) -> Option<Step> {
        self.keys.iter().find_map(|key| match key {
            NestedKey::Step(step) => Some(*step),
            NestedKey::Dimension(_) | NestedKey::Column { .. } => None,
        })
    }
}

/// A key of a nested aggregate.
#[derive(Clone, Debug)]
pub enum NestedKey {
    /// A dimension.
    Dimension(DimensionId),
    /// A column or entity: its value over the rows of each table that the formula reads.
    Column {
        /// As it is written.
        name: String,
        /// Sorted by table.
        values: Vec<(TableId, RowExpr)>,
    },
    /// A step of time, which must divide the bucket.
    Step(Step),
}

/// An aggregate over rows.
#[derive(Clone, Debug)]
pub struct Leaf {
    /// Which aggregate.
    pub aggregation: Aggregation,
    /// Of what; none for a count of rows.
    pub input: Option<RowExpr>,
    /// Over which rows; the leaf's own `where` and `dated` included.
    pub rows: RowSet,
    /// `at last 1d per k`: only rows of the last such bucket that has any.
    pub at_last: Option<AtLast>,
}

/// `at last STEP [per k]`
#[derive(Clone, Debug)]
pub struct AtLast {
    /// The buckets, of which the last that has rows counts.
    pub step: Step,
    /// For each value of these the last of its own.
    pub per: Vec<RowExpr>,
}

/// The aggregates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Aggregation {
    Count,
    Distinct,
    ApproxDistinct,
    Sum,
    Avg,
    Min,
    Max,
    Quantile(Level),
    QuantileDisc(Level),
    ApproxQuantile(Level),
    Stddev,
    Variance,
    First,
    Last,
}

/// A quantile's level as an exact fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Level {
    /// 0 ≤ numerator ≤ denominator
    pub numerator: u64,
    /// A power of ten.
    pub denominator: u64,
}

/// A condition on dimensions.
#[derive(Clone, Debug)]
pub enum DimFilter {
    /// All of them.
    And(Vec<DimFilter>),
    /// One of them.
    Or(Vec<DimFilter>),
    /// Three-valued not.
    Not(Box<DimFilter>),
    /// `function(subject, literals…)`: a comparison, `In`, `IsNull`, `IsNotNull`, `Like`; the literals have the subject's type.
    Test {
        /// What is tested.
        subject: Subject,
        /// Which test.
        function: Function,
        /// Against what.
        literals: Vec<Value>,
        /// Where it stands.
        span: Span,
    },
}

/// What a condition on dimensions tests.
#[derive(Clone, Debug)]
pub enum Subject {
    /// A dimension.
    Dimension(DimensionId),
    /// `registered@month`: the start of the bucket that the value of a dimension lies in.
    Within(DimensionId, Step),
    /// `time`, `time.month`, `time@month`: of the output bucket.
    Part(BucketPart),
    /// `(orders per user_id)`, in the condition of a question.
    Per(Box<MetricPer>, ValueType),
}
