//! When an alert fires over a series: what its declaration means, bucket by bucket, and nothing of any engine.
//!
//! The rules that are emitted are held against this, and so is whatever looks back over history.

mod absence;
mod band;
mod burn;
mod fresh;
mod limits;
mod together;

pub use absence::absences;
pub use band::{Band, ewma, seasonal};
pub use burn::{BURNS, Burn, Counted, Sums, burning, short, whole, windows};
pub use fresh::{Look, age, freshness, looked_from};
pub use limits::limits;
pub use together::{GROUPED_BY, hides};

use crate::types::alerts::{Alert, Bound, Comparison, Condition, Subject, Test, Volume};

/// The values of one group, a bucket each, without gaps: none where a bucket has no value.
#[derive(Clone, Copy, Debug)]
pub struct Series<'a> {
    /// The values of the metric.
    pub values: &'a [Option<f64>],
    /// Those of the metric that says how much there is; none where the alert asks for none.
    pub volume: Option<&'a [Option<f64>]>,
    /// When each bucket begins, in milliseconds since 1970 UTC; empty where that does not matter.
    pub starts: &'a [i64],
    /// The length of a bucket, in milliseconds.
    pub step: i64,
}

/// What is known once a bucket is over.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    /// What the alert does.
    pub state: State,
    /// The number that it tells: of the first comparison that holds; while there is no data the last value.
    pub told: Option<f64>,
}

/// What an alert does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The condition does not hold, or nothing is known.
    Quiet,
    /// It holds, but not for as long as it must.
    Pending,
    /// Somebody is told.
    Firing,
}

/// What an alert does after each bucket.
pub fn verdicts(alert: &Alert, series: Series<'_>) -> Vec<Verdict> {
    let values = known(alert, series);
    let mut since: Option<usize> = None;
    let mut firing = false;
    let mut last = None;
    let mut verdicts = Vec::with_capacity(values.len());
    for at in 0..values.len() {
        last = values[at].or(last);
        let told = match truth(&alert.when, &values, series, at) {
            Some(Some(number)) => {
                let since = *since.get_or_insert(at);
                firing |= (at - since) as i64 * series.step >= alert.hold;
                Some(number)
            }
            Some(None) => {
                (since, firing) = (None, false);
                None
            }
            // Nothing is known: what fires goes on, what is pending starts anew.
            None if firing => last,
            None => {
                since = None;
                None
            }
        };
        let state = match (firing, since) {
            (true, _) => State::Firing,
            (false, Some(_)) => State::Pending,
            (false, None) => State::Quiet,
        };
        verdicts.push(Verdict { state, told });
    }
    verdicts
}

/// The values of the buckets that count as data: finite numbers, of which there is enough.
pub fn known(alert: &Alert, series: Series<'_>) -> Vec<Option<f64>> {
    (0..series.values.len()).map(|at| value(alert.volume.as_ref(), series, at)).collect()
}

/// The value of a bucket, where it counts as data.
fn value(volume: Option<&Volume>, series: Series<'_>, at: usize) -> Option<f64> {
    let value = series.values[at].filter(|value| value.is_finite())?;
    let Some(volume) = volume else { return Some(value) };
    let there = series.volume?.get(at).copied().flatten()?;
    let enough = if volume.inclusive { there >= volume.least } else { there > volume.least };
    enough.then_some(value)
}

/// Whether a condition holds: nothing where what can't be compared decides, else the number that makes it hold, if it does.
fn truth(condition: &Condition, values: &[Option<f64>], series: Series<'_>, at: usize) -> Option<Option<f64>> {
    match condition {
        Condition::Test(test) => compared(test, values, series, at),
        Condition::All(parts) => {
            let all: Vec<_> = parts.iter().map(|part| truth(part, values, series, at)).collect();
            let fails = all.iter().any(|one| matches!(one, Some(None)));
            if fails {
                Some(None)
            } else {
                all.iter().all(Option::is_some).then(|| all.first().copied().flatten().flatten())
            }
        }
        Condition::Any(parts) => {
            let all: Vec<_> = parts.iter().map(|part| truth(part, values, series, at)).collect();
            let holds = all.iter().copied().flatten().flatten().next();
            if holds.is_some() { Some(holds) } else { all.iter().all(Option::is_some).then_some(None) }
        }
    }
}

fn compared(test: &Test, values: &[Option<f64>], series: Series<'_>, at: usize) -> Option<Option<f64>> {
    let number = subject(test.subject, values, series.step, at)?;
    let holds = match &test.bound {
        Bound::Number(bound) => against(number, test.comparison, Band { low: *bound, high: *bound }),
        Bound::Ewma(of) => against(number, test.comparison, ewma(of, values, at)?),
        Bound::Seasonal(of) => against(number, test.comparison, seasonal(of, values, series.starts, series.step, at)?),
    };
    Some(holds.then_some(number))
}

fn subject(subject: Subject, values: &[Option<f64>], step: i64, at: usize) -> Option<f64> {
    let value = values[at]?;
    match subject {
        Subject::Value => Some(value),
        Subject::Growth(ms) => {
            let before = values[at.checked_sub(usize::try_from(ms / step).ok()?)?]?;
            (before != 0.0).then(|| value / before - 1.0)
        }
    }
}

fn against(number: f64, comparison: Comparison, band: Band) -> bool {
    match comparison {
        Comparison::Less => number < band.low,
        Comparison::LessEqual => number <= band.low,
        Comparison::Greater => number > band.high,
        Comparison::GreaterEqual => number >= band.high,
        Comparison::Outside => number < band.low || number > band.high,
    }
}

#[cfg(test)]
mod tests;
