//! How many units an experiment needs, and what it can see with those it has.
//!
//! Differences of means of large numbers of units are normal, so what counts is how far the difference lies from 0 in standard
//! deviations of its error, λ = δ / √(σ² / n + σ'² / m): the test sees it with probability Φ(λ - z) + Φ(-λ - z), where z is the quantile
//! of the test. (Cohen: Statistical Power Analysis for the Behavioral Sciences, 1988, chapter 2, with a normal in place of a t
//! distribution.)

use statrs::distribution::{ContinuousCDF, Normal};

/// What an experiment is planned with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plan {
    /// What is measured of each unit, without the change.
    pub baseline: Baseline,
    /// The probability of a difference that is none; more than 0, less than 1.
    pub alpha: f64,
    /// The probability to see a difference that is one; more than `alpha`, less than 1.
    pub power: f64,
    /// Whether differences of both signs are looked for.
    pub two_sided: bool,
    /// Units of a variant for each unit of the control; more than 0.
    pub ratio: f64,
    /// The share of the variance that CUPED takes away; from 0, less than 1.
    pub reduction: f64,
}

/// What is measured of each unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Baseline {
    /// A number with a mean and a standard deviation, which the change does not alter.
    Mean {
        /// Its mean.
        mean: f64,
        /// Its standard deviation; more than 0.
        deviation: f64,
    },
    /// Whether it does something: so many do; more than 0, less than 1.
    Rate(f64),
}

impl Baseline {
    /// The mean.
    pub fn mean(self) -> f64 {
        match self {
            Baseline::Mean { mean, .. } => mean,
            Baseline::Rate(rate) => rate,
        }
    }

    /// The variance once the mean has changed by so much; none where there is no such mean.
    fn variance(self, effect: f64) -> Option<f64> {
        match self {
            Baseline::Mean { deviation, .. } => Some(deviation * deviation),
            Baseline::Rate(rate) => {
                let rate = rate + effect;
                (rate > 0.0 && rate < 1.0).then_some(rate * (1.0 - rate))
            }
        }
    }
}

impl Plan {
    /// How many units of the control (not rounded) show a difference of the mean; none where there is no such mean.
    pub fn units(&self, effect: f64) -> Option<f64> {
        let variance = self.variance(effect)?;
        (effect != 0.0).then(|| (self.distance() / effect).powi(2) * variance)
    }

    /// The least gain of the mean that so many units of the control show; none where no mean lies so far.
    pub fn effect(&self, units: f64) -> Option<f64> {
        let enough = |effect: f64| self.units(effect).is_some_and(|needed| needed <= units);
        let most = match self.baseline {
            // The variance is the same everywhere.
            Baseline::Mean { .. } => return Some(self.distance() * (self.variance(0.0)? / units).sqrt()),
            Baseline::Rate(rate) => (1.0 - rate) * (1.0 - 1e-12),
        };
        enough(most).then(|| bisected(0.0, most, enough))
    }

    /// The probability to see a difference of the mean with so many units of the control.
    pub fn power(&self, effect: f64, units: f64) -> Option<f64> {
        let distance = effect.abs() / (self.variance(effect)? / units).sqrt();
        Some(self.seen(distance))
    }

    /// The variance of the difference, times the units of the control.
    fn variance(&self, effect: f64) -> Option<f64> {
        let left = 1.0 - self.reduction;
        Some(left * (self.baseline.variance(0.0)? + self.baseline.variance(effect)? / self.ratio))
    }

    /// The probability to see what lies so many standard deviations from 0.
    fn seen(&self, distance: f64) -> f64 {
        let normal = Normal::standard();
        match self.two_sided {
            true => {
                let z = normal.inverse_cdf(1.0 - self.alpha / 2.0);
                normal.cdf(distance - z) + normal.cdf(-distance - z)
            }
            false => normal.cdf(distance - normal.inverse_cdf(1.0 - self.alpha)),
        }
    }

    /// How many standard deviations from 0 is seen with the wanted power.
    fn distance(&self) -> f64 {
        // Nothing farther is asked for by any probability that a float can tell from 1.
        bisected(0.0, 100.0, |distance| self.seen(distance) >= self.power)
    }
}

/// The least number in a range of which something holds, and of all above it.
fn bisected(mut low: f64, mut high: f64, holds: impl Fn(f64) -> bool) -> f64 {
    for _ in 0..200 {
        let middle = low + (high - low) / 2.0;
        if middle <= low || middle >= high {
            break;
        }
        if holds(middle) { high = middle } else { low = middle }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: Plan = Plan {
        baseline: Baseline::Mean { mean: 10.0, deviation: 4.0 },
        alpha: 0.05,
        power: 0.8,
        two_sided: true,
        ratio: 1.0,
        reduction: 0.0,
    };

    #[test]
    fn effects_and_units_answer_each_other() {
        for baseline in [PLAN.baseline, Baseline::Rate(0.12)] {
            let plan = Plan { baseline, ratio: 0.5, reduction: 0.3, ..PLAN };
            let units = plan.units(0.03).expect("a number");
            assert!((plan.effect(units).expect("an effect") - 0.03).abs() < 1e-9);
            assert!((plan.power(0.03, units).expect("a probability") - 0.8).abs() < 1e-9);
        }
    }

    #[test]
    fn a_rate_stays_a_rate() {
        let plan = Plan { baseline: Baseline::Rate(0.9), ..PLAN };
        assert_eq!(plan.units(0.1), None);
        assert_eq!(plan.effect(3.0), None, "too few units for any rate");
    }
}
