//! The full join of both sides (DQ1).

use std::collections::BTreeMap;

use super::{Calendar, Cell, Series};

/// One of the two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// What counts now: the left one.
    Old,
    /// What is compared with it: the right one.
    New,
}

impl Side {
    /// `old` or `new`.
    pub fn word(self) -> &'static str {
        match self {
            Side::Old => "old",
            Side::New => "new",
        }
    }
}

/// Why two sides can't be joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyFault {
    /// The two have other dimensions.
    Dimensions {
        /// Those of the old side.
        old: Vec<String>,
        /// Those of the new one.
        new: Vec<String>,
    },
    /// A bucket and slice has several rows.
    Twice {
        /// Where.
        side: Side,
        /// The first such bucket.
        bucket: Option<i64>,
        /// The first such slice.
        slice: Vec<Option<String>>,
        /// How many keys have several rows.
        keys: usize,
    },
    /// A bucket is null.
    NullBucket {
        /// Where.
        side: Side,
        /// In how many rows.
        rows: usize,
    },
    /// A dimension is null that has no such value.
    NullDimension {
        /// Where.
        side: Side,
        /// Which.
        dimension: String,
        /// In how many rows.
        rows: usize,
    },
    /// A bucket begins where none begins.
    NoBucket {
        /// Where.
        side: Side,
        /// When.
        bucket: i64,
    },
}

/// Both values of a bucket and slice.
#[derive(Clone, Debug, PartialEq)]
pub struct Pair {
    /// The slice.
    pub slice: Vec<Option<String>>,
    /// The old value.
    pub old: Cell,
    /// The new one.
    pub new: Cell,
    /// The greater of both volumes, where one is told.
    pub volume: Option<f64>,
}

/// The pairs by bucket, slices in order.
pub type Joined = BTreeMap<Option<i64>, Vec<Pair>>;

/// The full join; everything that is wrong with the keys of either side.
pub fn join(old: &Series, new: &Series, calendar: &Calendar) -> Result<Joined, Vec<KeyFault>> {
    if old.dimensions != new.dimensions {
        return Err(vec![KeyFault::Dimensions { old: old.dimensions.clone(), new: new.dimensions.clone() }]);
    }
    let mut faults = Vec::new();
    for (side, series) in [(Side::Old, old), (Side::New, new)] {
        null_keys(side, series, calendar, &mut faults);
    }
    let mut joined: BTreeMap<Option<i64>, BTreeMap<Vec<Option<String>>, Pair>> = BTreeMap::new();
    for (side, series) in [(Side::Old, old), (Side::New, new)] {
        let mut twice: BTreeMap<(Option<i64>, &Vec<Option<String>>), usize> = BTreeMap::new();
        for point in &series.points {
            *twice.entry((point.bucket, &point.slice)).or_default() += 1;
            let slices = joined.entry(point.bucket).or_default();
            let pair = slices.entry(point.slice.clone()).or_insert_with(|| Pair {
                slice: point.slice.clone(),
                old: Cell::Missing,
                new: Cell::Missing,
                volume: None,
            });
            match side {
                Side::Old => pair.old = point.value.clone(),
                Side::New => pair.new = point.value.clone(),
            }
            pair.volume = pair.volume.into_iter().chain(point.volume).reduce(f64::max);
        }
        twice.retain(|_, count| *count > 1);
        if let Some(((bucket, slice), _)) = twice.first_key_value() {
            faults.push(KeyFault::Twice { side, bucket: *bucket, slice: (*slice).clone(), keys: twice.len() });
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    Ok(joined.into_iter().map(|(bucket, slices)| (bucket, slices.into_values().collect())).collect())
}

fn null_keys(side: Side, series: &Series, calendar: &Calendar, faults: &mut Vec<KeyFault>) {
    if let Some(step) = calendar.step {
        let rows = series.points.iter().filter(|point| point.bucket.is_none()).count();
        if rows > 0 {
            faults.push(KeyFault::NullBucket { side, rows });
        }
        let begins = |bucket: i64| step.bucket(bucket, calendar.zone, calendar.week_start) == bucket;
        if let Some(bucket) = series.points.iter().filter_map(|point| point.bucket).find(|bucket| !begins(*bucket)) {
            faults.push(KeyFault::NoBucket { side, bucket });
        }
    }
    for (place, dimension) in series.dimensions.iter().enumerate() {
        let rows = series.points.iter().filter(|point| point.slice.get(place).is_none_or(Option::is_none)).count();
        if rows > 0 && !series.nullable.get(place).copied().unwrap_or(false) {
            faults.push(KeyFault::NullDimension { side, dimension: dimension.clone(), rows });
        }
    }
}
