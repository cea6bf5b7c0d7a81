//! Whether two results agree, bucket by bucket and slice by slice, and whether they have agreed for long enough.
//!
//! The old and the new values of a metric are joined in full on bucket and dimensions, whose keys must be unique (DQ1). A bucket
//! that is over on both sides is judged by its total and by its slices (DQ2): +50 in one and -50 in another slice are no difference
//! in total, and are bad all the same. A cut-over is offered after enough good days in a row (DQ3), which [`gate`] counts from what
//! was recorded.
//!
//! # How a bucket is judged
//!
//! A difference is `new - old`, exact for ints, decimals and durations; floats that differ by less than 1e-9 of the greater one
//! are equal. Relative ones are of `|old|`. Without `expect` the total, and every slice that weighs enough, may differ by the
//! tolerance, and so may the weighted error of all slices, `Σ|new - old| / Σ|old|`. With `expect: a..b`
//!
//! - the total may lie outside of `a..b` by the tolerance;
//! - the weighted error may be as large as the range reaches, and the tolerance more;
//! - a slice may fall without limit where `a < 0`, and rise without limit where `b > 0`: what a change moves is seldom spread
//!   evenly, and the two rules before bound it. Against the range it may move by the tolerance.
//!
//! A slice that one side lacks differs by its whole value. Null is no number: where one side has null, the other's value is the
//! difference. Values that are no numbers (a text, an instant) are equal or not, and weigh one each.

mod contributors;
mod entry;
mod gate;
mod join;
mod judge;
mod number;
pub mod report;
mod series;

#[cfg(test)]
mod properties_test;
#[cfg(test)]
mod tests;

pub use contributors::Slice;
pub use entry::{Entry, FORM, Recorded};
pub use gate::{Break, Gate, gate};
pub use join::{KeyFault, Side};
pub use judge::{Bucket, Comparison, Reason, Unjudged, Verdict, compare};
pub use number::{Cell, Number};
pub use series::{Point, Series};

use chrono_tz::Tz;

use crate::value::{Step, WeekStart};

/// Where buckets begin and end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Calendar {
    /// The project's zone.
    pub zone: Tz,
    /// The first day of a week.
    pub week_start: WeekStart,
    /// The step of the buckets; none for one bucket.
    pub step: Option<Step>,
}

/// Which slices are judged one by one; the others still count in the weighted error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Minimum {
    /// Those with at least this share of the bucket's volume.
    Share(f64),
    /// Those with at least this volume.
    Volume(f64),
}

/// How is judged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rules {
    /// How much may differ, relative: 0.005 is 0.5 %.
    pub tolerance: f64,
    /// The range in which the relative difference of the total is expected.
    pub expect: Option<(f64, f64)>,
    /// Which slices are judged one by one.
    pub minimum: Minimum,
    /// Whether slices weigh by their volume, as ratios and averages must, and not by their value.
    pub weigh: bool,
    /// Only buckets that end at this instant or before are judged (milliseconds since 1970); all where there is none.
    pub closed_at: Option<i64>,
    /// Where buckets begin and end.
    pub calendar: Calendar,
}

impl Rules {
    /// What the relative difference of a total may be, at least and at most.
    pub fn of_total(&self) -> (f64, f64) {
        let (low, high) = self.expect.unwrap_or((0.0, 0.0));
        (low - self.tolerance, high + self.tolerance)
    }

    /// The same for a slice alone.
    pub fn of_slice(&self) -> (f64, f64) {
        let (low, high) = self.expect.unwrap_or((0.0, 0.0));
        let low = if low < 0.0 { f64::NEG_INFINITY } else { -self.tolerance };
        (low, if high > 0.0 { f64::INFINITY } else { self.tolerance })
    }

    /// What the weighted error may be.
    pub fn of_spread(&self) -> f64 {
        let (low, high) = self.expect.unwrap_or((0.0, 0.0));
        low.abs().max(high.abs()) + self.tolerance
    }
}
