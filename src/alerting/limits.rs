//! Between which values an alert does not fire: what is drawn beside a series.

use super::{Series, ewma, known, seasonal};
use crate::types::alerts::{Alert, Bound, Comparison, Subject, Test};

/// The least and the greatest value of each bucket, each by the first comparison that has one: what is below or above it makes that
/// comparison hold. None where it can't be made.
pub fn limits(alert: &Alert, series: Series<'_>) -> Vec<(Option<f64>, Option<f64>)> {
    let values = known(alert, series);
    let mut tests = Vec::new();
    alert.when.walk(&mut |test| tests.push(test));
    let has = |wanted: fn(Comparison) -> bool| tests.iter().copied().find(|test| wanted(test.comparison));
    let low = has(|of| matches!(of, Comparison::Less | Comparison::LessEqual | Comparison::Outside));
    let high = has(|of| matches!(of, Comparison::Greater | Comparison::GreaterEqual | Comparison::Outside));
    let end = |test: Option<&Test>, at: usize, is_low: bool| {
        let (low, high) = ends(test?, &values, series, at)?;
        Some(if is_low { low } else { high })
    };
    (0..values.len()).map(|at| (end(low, at, true), end(high, at, false))).collect()
}

/// Both ends of what a comparison is made with, in the unit of the value.
fn ends(test: &Test, values: &[Option<f64>], series: Series<'_>, at: usize) -> Option<(f64, f64)> {
    match (&test.bound, test.subject) {
        (Bound::Number(number), Subject::Value) => Some((*number, *number)),
        (Bound::Number(number), Subject::Growth(ms)) => {
            let before = values[at.checked_sub(usize::try_from(ms / series.step).ok()?)?]?;
            let end = before * (1.0 + number);
            (before > 0.0).then_some((end, end))
        }
        (Bound::Ewma(of), _) => ewma(of, values, at).map(|band| (band.low, band.high)),
        (Bound::Seasonal(of), _) => {
            seasonal(of, values, series.starts, series.step, at).map(|band| (band.low, band.high))
        }
    }
}
