//! Experiments as they are typed.

use crate::syntax::ast;
use crate::value::Value;

use super::model::{DimensionId, MetricId, RowExpr, TableId};
use super::{Better, Unit};

/// An experiment: members, each in the variant that it was exposed to first, and metrics over what they did after that.
#[derive(Clone, Debug)]
pub struct Experiment {
    /// Its name.
    pub name: ast::Name,
    /// Its version; 1 where none is written.
    pub version: u32,
    /// Whose members.
    pub entity: TableId,
    /// What tells variants apart: a value of an exposure; none until dimensions are known, where it is one.
    pub variant: Option<RowExpr>,
    /// As it is written.
    pub variant_name: ast::Path,
    /// The variant that others are compared with, as it is written.
    pub control: ast::Expr,
    /// Its value, once the variants are known.
    pub control_value: Option<Value>,
    /// The share of units that each variant should have; the same for all where there is none.
    pub split: Vec<(Value, f64)>,
    /// The metrics that it measures, as they are written.
    pub listed: Vec<Listed>,
    /// How long after the exposure rows count, in milliseconds.
    pub within: i64,
    /// How long before the exposure the rows of covariates lie, in milliseconds.
    pub before: Option<i64>,
    /// Whether units count before their window is over.
    pub partial: bool,
    /// How differences are judged.
    pub method: Method,
    /// Whether differences are shares of the control's mean.
    pub relative: bool,
    /// Whether differences of both signs are looked for.
    pub two_sided: bool,
    /// The probability of a wrong alarm.
    pub alpha: f64,
    /// What is thought of the difference beforehand.
    pub prior: Option<Prior>,
    /// The groups that are compared with each other before they are put together.
    pub strata: Vec<DimensionId>,
    /// What its metrics are shown by.
    pub by: Vec<DimensionId>,
    /// The dimension that tells the variants apart.
    pub variants: Option<DimensionId>,
    /// The table of units without measures, which says what they are shown by.
    pub exposed: TableId,
    /// The table of units with their measures, once the metrics are known.
    pub units: Option<TableId>,
    /// What is measured of each unit for each metric that is known.
    pub measured: Vec<Measured>,
}

/// A metric that an experiment names.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Its name.
    pub name: ast::Name,
    /// `v2`
    pub version: Option<u32>,
}

/// How differences are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// By what is seen alone: intervals and p-values of a fixed horizon.
    Frequentist,
    /// By what was thought before and what is seen: the probability that a variant is better.
    Bayesian,
    /// By intervals and p-values that hold whenever one looks.
    Sequential,
}

/// A normal distribution of a difference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prior {
    /// Its mean.
    pub mean: f64,
    /// Its standard deviation.
    pub deviation: f64,
}

/// What is measured of each unit for a metric: the metric of a group is the quotient of the means of two numbers, or the mean of one.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The metric.
    pub metric: MetricId,
    /// After the exposure.
    pub after: Quotient,
    /// Before it.
    pub before: Option<Quotient>,
    /// The unit of its mean.
    pub unit: Option<Unit>,
    /// Which way is better.
    pub better: Option<Better>,
}

/// Numbers of each unit, as floats.
#[derive(Clone, Debug)]
pub struct Quotient {
    /// What is divided.
    pub of: RowExpr,
    /// By what; the number of units where there is none.
    pub by: Option<RowExpr>,
}

impl Experiment {
    /// The name of the dimension that tells its variants apart.
    pub fn variant_dimension(&self) -> String {
        format!("{}.variant", self.name.value)
    }
}

/// The places of the columns of its tables.
pub mod column {
    /// The variant of the first exposure.
    pub const VARIANT: usize = 3;
    /// Whether the unit was exposed to several.
    pub const CROSSED: usize = 4;
    /// How many columns stand before those that are carried.
    pub const OWN: usize = 5;
}
