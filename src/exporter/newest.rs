//! The newest row of a source: how far back it is looked for, and what is shown of it.

use std::time::Duration;

use super::{Bucket, Sample};
use crate::alerting::{Look, age};
use crate::emit::alerts::Fresh;
use crate::plan::Value;
use crate::table::Answer;

/// For how long is known what was found far back, while no row is fresh.
pub const FAR: Duration = Duration::from_secs(300);

/// From which instants on the newest row is looked for, the second only if no row that is fresh was found from the first on. Most of
/// the time that is enough, and reads few rows.
pub fn looks(of: &Fresh, bucket: Bucket) -> (i64, Option<i64>) {
    let near = bucket.end.saturating_sub(of.within.saturating_mul(2));
    if near > bucket.start { (near, Some(bucket.start)) } else { (bucket.start, None) }
}

/// The instant of the newest row, of the answer to [`Fresh::question`], in milliseconds since 1970.
pub fn instant(answer: &Answer) -> Option<i64> {
    match answer.rows.first()?.get(answer.keys)? {
        Value::Timestamp(ms) => Some(*ms),
        _ => None,
    }
}

/// Whether a row is fresh that came at an instant.
pub fn is_fresh(of: &Fresh, bucket: Bucket, newest: Option<i64>) -> bool {
    newest.is_some_and(|newest| age(Look { at: bucket.end, newest }) <= of.within)
}

/// What is shown, in seconds: the instant of the newest row; where none was found, that from which on it was looked for.
pub fn sample(bucket: Bucket, newest: Option<i64>) -> Sample {
    Sample { labels: Vec::new(), value: newest.unwrap_or(bucket.start) as f64 / 1_000.0 }
}
