//! Ages of cohorts: how far rows lie behind the start of what they belong to.

use super::Step;

/// How the ages of a cohort are counted, and which there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ages {
    /// Calendar distance in buckets of this step, of days or longer: age 0 is the bucket of the start.
    pub every: Step,
    /// In place of that, full lengths of so many milliseconds from the start row on.
    pub rolling: Option<i64>,
    /// The last age.
    pub until: u32,
    /// Whether an age whose bucket is not over has a cell.
    pub partial: bool,
}
