//! When something is tried again.

use std::time::Duration;

/// How often and after which pauses.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Retries {
    /// Tries in all.
    pub tries: u32,
    /// The longest pause behind the first try; it doubles with each.
    pub first: Duration,
    /// No pause is longer.
    pub longest: Duration,
}

impl Default for Retries {
    fn default() -> Retries {
        Retries { tries: 4, first: Duration::from_millis(400), longest: Duration::from_secs(10) }
    }
}

impl Retries {
    /// The pause behind a try (from 1); none where it was the last. `random` in `[0, 1)` spreads those who wait for the same
    /// server over the second half of the pause. A server that says how long to wait is believed up to the longest pause.
    pub fn pause(&self, tried: u32, asked: Option<Duration>, random: f64) -> Option<Duration> {
        if tried >= self.tries {
            return None;
        }
        let doubled = self.first.saturating_mul(1_u32.checked_shl(tried - 1).unwrap_or(u32::MAX));
        let own = doubled.min(self.longest).mul_f64(0.5 + random / 2.0);
        Some(asked.map_or(own, |asked| own.max(asked.min(self.longest))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_end() {
        let retries = Retries { tries: 5, first: Duration::from_secs(1), longest: Duration::from_secs(3) };
        let pauses: Vec<_> = (1..=5).map(|tried| retries.pause(tried, None, 0.0)).collect();
        let ms = |ms| Some(Duration::from_millis(ms));
        assert_eq!(pauses, [ms(500), ms(1_000), ms(1_500), ms(1_500), None]);
        assert!(retries.pause(1, None, 0.999).is_some_and(|pause| pause <= Duration::from_secs(1)));
        assert_eq!(retries.pause(1, Some(Duration::from_secs(2)), 0.0), Some(Duration::from_secs(2)));
        assert_eq!(retries.pause(1, Some(Duration::from_secs(900)), 0.0), Some(Duration::from_secs(3)));
    }
}
