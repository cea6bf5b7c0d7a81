//! How fast what may be bad of an objective is used up (AL4).

use crate::types::Severity;
use crate::types::alerts::Slo;

use super::State;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// Two windows, and how fast what may be bad is used up over both of them before somebody is told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Burn {
    /// The window that tells that it matters, in milliseconds.
    pub long: i64,
    /// The window that tells that it goes on, in milliseconds.
    pub short: i64,
    /// The share of what may be bad in 30 days that the long window uses up.
    pub share: f64,
    /// How urgent it is.
    pub severity: Severity,
}

/// The windows of all objectives: 14.4, 6, 3 and 1 times as fast as it may, of 30 days.
pub const BURNS: [Burn; 4] = [
    Burn { long: HOUR_MS, short: 5 * MINUTE_MS, share: 0.02, severity: Severity::P0 },
    Burn { long: 6 * HOUR_MS, short: 30 * MINUTE_MS, share: 0.05, severity: Severity::P1 },
    Burn { long: DAY_MS, short: 2 * HOUR_MS, share: 0.1, severity: Severity::P2 },
    Burn { long: 3 * DAY_MS, short: 6 * HOUR_MS, share: 0.1, severity: Severity::P2 },
];

impl Burn {
    /// How many times as fast as it may, for a window of so many days.
    pub fn factor(&self, days: u32) -> f64 {
        short(self.share * f64::from(days) * DAY_MS as f64 / self.long as f64)
    }

    /// The share of what is bad above which somebody is told.
    pub fn bound(&self, slo: &Slo) -> f64 {
        short(self.factor(slo.days) * slo.budget)
    }
}

/// The whole window of an objective, in milliseconds.
pub fn whole(slo: &Slo) -> i64 {
    i64::from(slo.days) * DAY_MS
}

/// The windows that are looked at of an objective, in milliseconds, each once, from the shortest on.
pub fn windows(slo: &Slo) -> Vec<i64> {
    let mut all: Vec<i64> = BURNS.iter().flat_map(|burn| [burn.long, burn.short]).collect();
    all.push(whole(slo));
    all.sort_unstable();
    all.dedup();
    all
}

/// What an objective is a share of, bucket by bucket. The sums of a window are those of its buckets, so both parts must add up.
#[derive(Clone, Copy, Debug)]
pub struct Counted<'a> {
    /// What is good, or what is bad; none is nothing.
    pub part: &'a [Option<f64>],
    /// What it is a part of.
    pub total: &'a [Option<f64>],
    /// The length of a bucket, in milliseconds.
    pub step: i64,
}

/// What was counted over a window.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sums {
    /// What is bad of it.
    pub bad: f64,
    /// All of it.
    pub total: f64,
}

impl Sums {
    /// The share of what is bad; none of nothing.
    pub fn bad_share(self) -> Option<f64> {
        (self.total > 0.0).then(|| self.bad / self.total)
    }
}

impl Counted<'_> {
    /// What was counted over the window that ends with each bucket: exact sums, never an average of shares (AL1). Before the first bucket
    /// there is nothing.
    pub fn sums(&self, slo: &Slo, window: i64) -> Vec<Sums> {
        let buckets = usize::try_from(window / self.step).unwrap_or(1).max(1);
        let known = |values: &[Option<f64>], at: usize| values[at].filter(|value| value.is_finite()).unwrap_or(0.0);
        // Sums from the start on, whose differences are exact as long as counts are.
        let (mut part, mut total) = (vec![0.0], vec![0.0]);
        for at in 0..self.total.len() {
            part.push(part[at] + known(self.part, at));
            total.push(total[at] + known(self.total, at));
        }
        let of = |end: usize| {
            let start = end.saturating_sub(buckets);
            let (part, total) = (part[end] - part[start], total[end] - total[start]);
            Sums { bad: if slo.share.is_bad { part } else { total - part }, total }
        };
        (1..=self.total.len()).map(of).collect()
    }
}

/// What the alert of two windows does after each bucket. Without anything in the long window it neither fires nor resolves (AL2).
pub fn burning(slo: &Slo, burn: &Burn, counted: Counted<'_>) -> Vec<State> {
    let (long, short) = (counted.sums(slo, burn.long), counted.sums(slo, burn.short));
    let over = |sums: &Sums| sums.bad_share().is_some_and(|share| share > burn.bound(slo));
    let mut firing = false;
    let state = |(long, short): (&Sums, &Sums)| {
        if over(long) && over(short) && short.total >= slo.least {
            firing = true;
        } else if long.bad_share().is_some() {
            firing = false;
        }
        if firing { State::Firing } else { State::Quiet }
    };
    long.iter().zip(&short).map(state).collect()
}

/// A number with at most 12 digits that count: 14.4 × 0.001 is 0.0144 (AL4). As rules are written.
pub fn short(number: f64) -> f64 {
    format!("{number:.11e}").parse().unwrap_or(number)
}
