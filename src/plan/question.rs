//! Questions: which metrics, by what, over which time.

use crate::types::{By, DimFilter, Fill, MetricId};
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
    /// Only rows from this instant on (milliseconds since 1970 UTC); widened to whole buckets.
    pub from: Option<i64>,
    /// Only rows before this instant; widened to whole buckets.
    pub to: Option<i64>,
    /// A condition on dimensions, asked or not.
    pub filter: Option<DimFilter>,
    /// How all metrics are filled; each as it says where this is none.
    pub fill: Option<Fill>,
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
    /// The metrics at their default step and with no dimension.
    pub fn of(metrics: Vec<MetricId>) -> Question {
        Question {
            metrics,
            step: AskedStep::Default,
            by: Vec::new(),
            from: None,
            to: None,
            filter: None,
            fill: None,
            order: Vec::new(),
            limit: None,
        }
    }
}
