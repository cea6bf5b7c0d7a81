//! What other thresholds would have given.

use super::grid::{Grid, Group, History};
use super::incidents::{Incident, judge};
use super::replay::{Kind, Line, Replayed, firings, verdicts};
use crate::alerting::{State, known, short};
use crate::emit::alerts::Watched;
use crate::types::alerts::{Alert, Bound, Comparison, Condition, Subject};

/// Which shares of the buckets lie beyond a threshold that is tried.
const BEYOND: [f64; 5] = [0.0001, 0.001, 0.005, 0.01, 0.05];
/// So many firings a week are no reason not to take a threshold, where nobody says which of them are right.
const CALM: f64 = 1.0;
/// So many decimal digits does a threshold have that is tried.
const DIGITS: i32 = 3;

/// A threshold with how long it must hold, and what it would have given.
#[derive(Clone, Debug, PartialEq)]
pub struct Tried {
    /// The threshold, in the unit of the metric; of a duration in seconds.
    pub threshold: f64,
    /// For how long, in milliseconds.
    pub hold: i64,
    /// Whether it is the declared one.
    pub declared: bool,
    /// Firings a week, of all groups together.
    pub per_week: f64,
    /// The share of firings that are of an incident; none without firings or incidents.
    pub precision: Option<f64>,
    /// The share of incidents that were found.
    pub recall: Option<f64>,
    /// The middle one of the delays, in milliseconds.
    pub delay: Option<i64>,
}

/// What is tried of an alert, and which of them to take.
#[derive(Clone, Debug, PartialEq)]
pub struct Advice {
    /// The thresholds, from the least on.
    pub tried: Vec<Tried>,
    /// The place of the one to take; none where none is better founded than the others.
    pub best: Option<usize>,
    /// Why, and what it can't know.
    pub why: String,
}

/// What other thresholds of an alert would have given; none of one that is no comparison of the value with a number.
pub fn advice(of: &Watched, groups: &[Group], grid: &Grid, history: History, incidents: &[Incident]) -> Option<Advice> {
    let alert = &of.alert;
    let (comparison, declared) = bound(alert)?;
    let step = alert.every.about();
    let mut tried = Vec::new();
    for threshold in thresholds(alert, groups, comparison, declared, step) {
        for hold in holds(alert.hold, step) {
            let other = with(alert, threshold, hold);
            let line = |group: &Group| {
                let fires: Vec<bool> =
                    verdicts(&other, group, grid, step).into_iter().map(|state| state == State::Firing).collect();
                Line {
                    labels: group.labels.clone(),
                    values: Vec::new(),
                    limits: Vec::new(),
                    firings: firings(&fires, grid, history),
                }
            };
            let replayed = Replayed {
                name: alert.name.value.clone(),
                declared: alert.name.value.clone(),
                kind: Kind::Condition,
                severity: alert.severity,
                about: of.series.about.clone(),
                grid: Grid { starts: Vec::new(), end: grid.end },
                step: alert.every,
                lines: groups.iter().map(line).collect(),
            };
            let judged = judge(std::iter::once(&replayed), incidents);
            let labelled = !judged.found.is_empty();
            tried.push(Tried {
                threshold,
                hold,
                declared: threshold == declared && hold == alert.hold,
                per_week: replayed.firings().count() as f64 / history.weeks(),
                precision: judged.precision().filter(|_| labelled),
                recall: judged.recall(),
                delay: judged.delay(),
            });
        }
    }
    let (best, why) = best(&tried, comparison);
    Some(Advice { tried, best, why })
}

/// The comparison and the number of an alert that is just that.
fn bound(alert: &Alert) -> Option<(Comparison, f64)> {
    match &alert.when {
        Condition::Test(test) if test.subject == Subject::Value => match test.bound {
            Bound::Number(number) => Some((test.comparison, number)),
            _ => None,
        },
        _ => None,
    }
}

fn with(alert: &Alert, threshold: f64, hold: i64) -> Alert {
    let mut other = alert.clone();
    if let Condition::Test(test) = &mut other.when {
        test.bound = Bound::Number(threshold);
    }
    other.hold = hold;
    other
}

fn is_low(comparison: Comparison) -> bool {
    matches!(comparison, Comparison::Less | Comparison::LessEqual)
}

/// The declared threshold, and those beyond which few of the values lie.
fn thresholds(alert: &Alert, groups: &[Group], comparison: Comparison, declared: f64, step: i64) -> Vec<f64> {
    let series = |group: &Group| {
        let series =
            crate::alerting::Series { values: &group.values, volume: group.volume.as_deref(), starts: &[], step };
        known(alert, series).into_iter().flatten().collect::<Vec<f64>>()
    };
    let mut values: Vec<f64> = groups.iter().flat_map(series).collect();
    values.sort_unstable_by(f64::total_cmp);
    let mut found = vec![declared];
    let Some(last) = values.len().checked_sub(1) else { return found };
    for share in BEYOND {
        let share = if is_low(comparison) { share } else { 1.0 - share };
        let value = round(values[(share * last as f64).round() as usize]);
        if !found.contains(&value) {
            found.push(value);
        }
    }
    found.sort_unstable_by(f64::total_cmp);
    found
}

/// A number with few digits.
fn round(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return 0.0;
    }
    let power = 10f64.powi(DIGITS - 1 - value.abs().log10().floor() as i32);
    let rounded = (value * power).round() / power;
    // The power of what is next to nothing is beyond all floats.
    if rounded.is_finite() { short(rounded) } else { value }
}

/// The declared time, none, and that of a few buckets.
fn holds(declared: i64, step: i64) -> Vec<i64> {
    let mut found = vec![0, 3 * step, declared];
    found.sort_unstable();
    found.dedup();
    found
}

/// Where incidents are known, what finds most of them with the fewest others; else what would have been calm.
fn best(tried: &[Tried], comparison: Comparison) -> (Option<usize>, String) {
    let score = |one: &Tried| {
        let (precision, recall) = (one.precision.unwrap_or(0.0), one.recall?);
        Some(if precision + recall > 0.0 { 2.0 * precision * recall / (precision + recall) } else { 0.0 })
    };
    let scores: Vec<Option<f64>> = tried.iter().map(score).collect();
    if scores.iter().any(Option::is_some) {
        let most = scores.iter().flatten().copied().fold(0.0, f64::max);
        let is_best = |place: &usize| most > 0.0 && scores[*place].is_some_and(|score| score >= most - 1e-9);
        // Of equals the declared one, then the one that tells soonest, then the longer `for`.
        let rank = |place: &usize| {
            let one = &tried[*place];
            (!one.declared, one.delay.unwrap_or(i64::MAX), -one.hold)
        };
        let found = (0..tried.len()).filter(is_best).min_by_key(rank);
        let why = match found {
            Some(_) => {
                "finds the most of the labelled incidents with the fewest other firings (F1); it is fitted to these incidents, and the next one may look otherwise"
            }
            None => "none of these finds a labelled incident: watch another metric, or by another dimension",
        };
        return (found, why.to_owned());
    }
    let calm = |place: &usize| tried[*place].per_week > 0.0 && tried[*place].per_week <= CALM;
    if tried.iter().any(|one| one.declared && one.per_week <= CALM) {
        let declared = tried.iter().position(|one| one.declared);
        return (declared, "the declared one fires at most once a week; without labelled incidents nothing tells whether it misses some".to_owned());
    }
    // The most sensitive one that is calm.
    let sensitive = |place: &usize| {
        let threshold = tried[*place].threshold;
        (ordered(if is_low(comparison) { -threshold } else { threshold }), tried[*place].hold)
    };
    let found = (0..tried.len()).filter(calm).min_by_key(sensitive);
    let why = match found {
        Some(_) => {
            "is the most sensitive of these that fires at most once a week; whether these firings are right only labelled incidents can tell"
        }
        None => {
            "each of these fires more than once a week, or never: a threshold alone does not tell what is unusual here"
        }
    };
    (found, why.to_owned())
}

/// A float as a key.
fn ordered(value: f64) -> i64 {
    let bits = value.to_bits() as i64;
    bits ^ (((bits >> 63) as u64) >> 1) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_has_three_digits_whatever_its_size() {
        for (value, rounded) in [
            (0.123_456, 0.123),
            (-98_765.0, -98_800.0),
            (0.0, 0.0),
            (f64::INFINITY, 0.0),
            (1.0e-320, 1.0e-320),
            (f64::MAX, f64::MAX),
        ] {
            assert_eq!(round(value), rounded, "{value}");
        }
    }
}
