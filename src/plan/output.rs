//! The columns of an answer, and what is done with its rows once they are there.

use super::{DataType, Expr, Interval, MeasureId, Query};

/// A column of the answer.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct OutputColumn {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: DataType,
    /// Whether null may occur.
    pub nullable: bool,
    /// Its unit, for people: `CNY`, `CNY/user`, `ratio`.
    pub unit: Option<String>,
}

/// A metric of the answer.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct MetricOutput {
    /// Name, type, unit.
    pub column: OutputColumn,
    /// Its formula: an expression whose leaves are [`ExprKind::Measure`] and literals.
    pub formula: Expr,
    /// What gives it rows.
    pub present: Vec<Present>,
    /// What it is in rows of its own for every bucket of the asked interval (of the data that it reads, where none is asked) and
    /// every group that it has a row for in some bucket; none for no such rows. A literal.
    pub fill: Option<Expr>,
}

/// A measure that gives a metric rows, where it has some itself.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Present {
    /// Which measure.
    pub measure: MeasureId,
    /// In which buckets: a condition on [`ExprKind::Bucket`]; none for all.
    pub when: Option<Expr>,
}

/// In all buckets.
impl From<MeasureId> for Present {
    fn from(measure: MeasureId) -> Present {
        Present { measure, when: None }
    }
}

/// A part of the output bucket as a column: `time.month`.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Part {
    /// Its place among the dimensions and the parts before it.
    pub place: usize,
    /// The column.
    pub column: OutputColumn,
    /// Its value, over [`ExprKind::Bucket`].
    pub value: Expr,
}

/// A sort key.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct OrderBy {
    /// The output column: its place among `time`, dimensions, metrics.
    pub column: usize,
    /// Greatest first.
    pub descending: bool,
}

/// Only rows whose values of some columns are those of a row of another answer. Null is equal to null.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Among {
    /// The other answer.
    pub query: Box<Query>,
    /// The columns, which have the same names there.
    pub columns: Vec<OutputColumn>,
}

/// A column that tells why a row is not of whole data: null where it is.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Marks {
    /// The column: a text.
    pub column: OutputColumn,
    /// Buckets in which one of these instants lies, but does not begin: they are cut there.
    pub cut: Vec<i64>,
    /// Intervals that lie partly before the first clean row of what they are made of.
    pub starts: Vec<Start>,
    /// Buckets that end after this instant are not over.
    pub open: Option<i64>,
}

/// The interval of the rows of a scan.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Start {
    /// Which scan.
    pub scan: usize,
    /// Of each bucket; of the last day of the data where there is no step and no instant where it ends.
    pub interval: Interval,
    /// From this instant on, where there is no step.
    pub from: Option<i64>,
    /// Before this instant, where there is no step.
    pub to: Option<i64>,
}
