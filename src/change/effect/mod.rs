//! Effects: what a change does to numbers, over samples or other data.
//!
//! Both versions of a metric are computed over the same rows: by bucket, and by each of its dimensions over all of the time. Where
//! several edits come together, each has a share of the difference: the mean of what it adds over all orders in which the edits
//! could have been made (the Shapley value), so that the shares add up to the difference.

mod edits;
#[cfg(feature = "dry-run")]
mod measure;
mod shares;

use crate::table::Answer;

pub use edits::{Edit, Edited, edits, with, without};
#[cfg(feature = "dry-run")]
pub use measure::{Measured, Programs};
pub use shares::{MOST_EDITS, MOST_ORDERED, shares};

/// What a change does to a metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Effect {
    /// Both versions as an answer by bucket and version, to be drawn; none where there are no buckets.
    pub drawn: Option<Answer>,
    /// Both versions, by bucket; one without a bucket where the metric has none.
    pub buckets: Vec<Compared>,
    /// Both versions over all of the time; none where a metric has no value but by bucket.
    pub total: Option<Compared>,
    /// The values of dimensions whose numbers move most, those that move most first.
    pub slices: Vec<Slice>,
    /// How many other values of dimensions move.
    pub more_slices: usize,
    /// What each edit does to the sum over all buckets, where there are several. Empty where one edit did it, or where edits can't be
    /// told apart.
    pub shares: Vec<Share>,
    /// Why several edits have no shares.
    pub unshared: Option<Unshared>,
}

/// Why several edits have no shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unshared {
    /// The project does not compile with some of them alone.
    Inseparable,
    /// There are so many.
    TooMany(usize),
}

impl Unshared {
    /// The reason, in words.
    pub fn text(self) -> String {
        match self {
            Unshared::Inseparable => {
                "the edits can't be told apart: without some of them the project does not compile".to_owned()
            }
            Unshared::TooMany(count) => format!("{count} edits move it: too many to tell what each does"),
        }
    }
}

/// Two numbers for the same thing, in the unit of the metric; durations and instants in milliseconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Compared {
    /// What they are for: a bucket, or a value of a dimension.
    pub of: Option<String>,
    /// By the old version; none for null or no row.
    pub old: Option<f64>,
    /// By the new version.
    pub new: Option<f64>,
}

impl Effect {
    /// How many buckets have another number.
    pub fn moved(&self) -> usize {
        self.buckets.iter().filter(|one| !one.is_same()).count()
    }

    /// The buckets that move most, as many as told, in their order.
    pub fn worst(&self, most: usize) -> Vec<&Compared> {
        let mut moved: Vec<(usize, &Compared)> =
            self.buckets.iter().enumerate().filter(|(_, one)| !one.is_same()).collect();
        moved.sort_by(|(_, a), (_, b)| b.difference().abs().total_cmp(&a.difference().abs()));
        moved.truncate(most);
        moved.sort_by_key(|(place, _)| *place);
        moved.into_iter().map(|(_, one)| one).collect()
    }
}

impl Compared {
    /// The difference; a missing number is 0.
    pub fn difference(&self) -> f64 {
        self.new.unwrap_or(0.0) - self.old.unwrap_or(0.0)
    }

    /// The difference, as a part of the size of the old number; none where that is 0 or missing.
    pub fn relative(&self) -> Option<f64> {
        let old = self.old.filter(|old| *old != 0.0)?;
        Some((self.new.unwrap_or(0.0) - old) / old.abs())
    }

    /// Whether both are the same number, but for the rounding of floats.
    pub fn is_same(&self) -> bool {
        let (old, new) = (self.old.unwrap_or(0.0), self.new.unwrap_or(0.0));
        (old - new).abs() <= 1e-9 * old.abs().max(new.abs())
    }
}

/// A value of a dimension whose numbers move.
#[derive(Clone, Debug, PartialEq)]
pub struct Slice {
    /// The dimension.
    pub dimension: String,
    /// The value and both numbers.
    pub compared: Compared,
}

/// What an edit does.
#[derive(Clone, Debug, PartialEq)]
pub struct Share {
    /// The edit, as people call it.
    pub edit: String,
    /// What it adds to the sum over all buckets, in the unit of the metric.
    pub adds: f64,
}
