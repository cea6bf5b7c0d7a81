//! What is told of a verification.

mod html;
mod json;
pub mod words;

pub use html::html;
pub use json::json;

use super::{Comparison, Gate, Rules, Verdict};
use crate::value::DataType;

/// The comparison of a metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The metric.
    pub metric: String,
    /// Its unit.
    pub unit: Option<String>,
    /// The type of its values.
    pub ty: DataType,
    /// Its dimensions.
    pub dimensions: Vec<String>,
    /// The old side in words: `dau v1, dry-run`.
    pub old: String,
    /// The new one.
    pub new: String,
    /// The error of an estimate on either side.
    pub error: Option<f64>,
    /// How was judged.
    pub rules: Rules,
    /// What came of it.
    pub comparison: Comparison,
    /// How many good days there are in the ledger; none where there is no change.
    pub gate: Option<Gate>,
}

/// The comparisons of a change, or of metrics that were asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// The change: `dau v1 -> v2`; none where metrics were asked for.
    pub change: Option<String>,
    /// Its reason and ticket.
    pub reason: Option<String>,
    /// A report for each metric.
    pub reports: Vec<Report>,
}

/// What is known of all buckets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Good ones.
    pub good: usize,
    /// Bad ones.
    pub bad: usize,
    /// Empty ones.
    pub empty: usize,
    /// Those that were not judged.
    pub not_judged: usize,
}

impl Report {
    /// How many buckets there are of each verdict.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for bucket in &self.comparison.buckets {
            match bucket.verdict {
                Verdict::Good => counts.good += 1,
                Verdict::Bad(_) => counts.bad += 1,
                Verdict::Empty => counts.empty += 1,
                Verdict::NotJudged(_) => counts.not_judged += 1,
            }
        }
        counts
    }

    /// Whether something was judged, and all of it was good.
    pub fn agrees(&self) -> bool {
        let counts = self.counts();
        counts.bad == 0 && counts.good > 0
    }
}

impl Group {
    /// Whether all of its metrics agree.
    pub fn agrees(&self) -> bool {
        self.reports.iter().all(Report::agrees)
    }

    /// The metric that is farthest from its cut-over; none where there is no change, or nothing moves.
    pub fn gate(&self) -> Option<&Gate> {
        self.reports.iter().filter_map(|report| report.gate.as_ref()).min_by_key(|gate| gate.good)
    }
}
