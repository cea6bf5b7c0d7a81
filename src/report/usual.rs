//! What is usual: the same periods before, by their middle and how far they lie from it.

use super::asked::FEWEST;

/// A value is unusual where it lies so many times the usual distance from the middle.
const TIMES: f64 = 3.0;
/// The usual distance is never less than this share of the middle: on a flat line one percent is no news.
const FLOOR: f64 = 0.02;
/// So that the middle distance of a normal distribution is its standard deviation.
const NORMAL: f64 = 1.4826;

/// How much chance alone moves a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Chance {
    /// Nobody knows.
    Unknown,
    /// It is a count: about the root of its size.
    Count,
    /// It is a share of so many: as much as that many tosses.
    Share {
        /// The denominator.
        of: f64,
    },
}

impl Chance {
    /// The standard deviation around a middle.
    fn spread(self, middle: f64) -> f64 {
        match self {
            Chance::Unknown => 0.0,
            Chance::Count => middle.abs().max(1.0).sqrt(),
            Chance::Share { of } if of >= 1.0 => {
                // Where all or none have it, half a one more could have been the other way.
                let edge = 0.5 / of;
                let middle = middle.clamp(edge, 1.0 - edge);
                (middle * (1.0 - middle) / of).sqrt()
            }
            Chance::Share { .. } => 0.0,
        }
    }
}

/// How a value lies among earlier ones.
#[derive(Clone, Debug, PartialEq)]
pub enum Judged {
    /// There is no value to judge.
    NoValue,
    /// There are too few earlier ones.
    Short {
        /// How many there are.
        have: usize,
    },
    /// Near the middle or far from it.
    Against(Baseline),
}

/// The middle of earlier values, and where the value lies.
#[derive(Clone, Debug, PartialEq)]
pub struct Baseline {
    /// How many earlier values.
    pub count: usize,
    /// Their median.
    pub median: f64,
    /// The usual distance from it: the scaled median of their distances, with a floor.
    pub spread: f64,
    /// How many of these the value lies above the median; below it where it is negative.
    pub times: f64,
}

impl Baseline {
    /// Whether the value is far from what is usual.
    pub fn is_unusual(&self) -> bool {
        self.times.abs() > TIMES
    }
}

impl Judged {
    /// The baseline that the value is far from.
    pub fn unusual(&self) -> Option<&Baseline> {
        match self {
            Judged::Against(baseline) if baseline.is_unusual() => Some(baseline),
            _ => None,
        }
    }
}

/// Judges a value by earlier ones, which it is not among.
pub fn judge(value: Option<f64>, earlier: &[f64], chance: Chance) -> Judged {
    let Some(value) = value.filter(|value| value.is_finite()) else { return Judged::NoValue };
    let earlier: Vec<f64> = earlier.iter().copied().filter(|value| value.is_finite()).collect();
    if earlier.len() < FEWEST {
        return Judged::Short { have: earlier.len() };
    }
    let middle = median(&earlier);
    let distances: Vec<f64> = earlier.iter().map(|value| (value - middle).abs()).collect();
    let spread = (NORMAL * median(&distances)).max(FLOOR * middle.abs()).max(chance.spread(middle));
    let away = value - middle;
    // Of a value that was 0 all the time there is no usual distance: any other one is as far as can be.
    let times = if away == 0.0 { 0.0 } else { (away / spread.max(f64::MIN_POSITIVE)).clamp(-999.0, 999.0) };
    Judged::Against(Baseline { count: earlier.len(), median: middle, spread, times })
}

/// The middle one; of an even number the mean of both in the middle. There is at least one.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[half] } else { f64::midpoint(sorted[half - 1], sorted[half]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_unusual(value: f64, earlier: &[f64], chance: Chance) -> bool {
        judge(Some(value), earlier, chance).unusual().is_some()
    }

    #[test]
    fn a_flat_line_is_allowed_a_little() {
        let flat = [1_000.0; 8];
        assert!(!is_unusual(1_010.0, &flat, Chance::Unknown));
        assert!(!is_unusual(990.0, &flat, Chance::Unknown));
        assert!(is_unusual(1_100.0, &flat, Chance::Unknown));
        assert!(is_unusual(900.0, &flat, Chance::Unknown));
    }

    #[test]
    fn one_outlier_among_the_earlier_ones_hides_nothing() {
        let earlier = [100.0, 101.0, 99.0, 5_000.0, 100.0, 102.0];
        assert!(is_unusual(150.0, &earlier, Chance::Unknown));
        assert!(!is_unusual(103.0, &earlier, Chance::Unknown));
    }

    #[test]
    fn what_is_no_number_neither_counts_nor_hides() {
        let earlier = [100.0, f64::NAN, 101.0, 99.0, f64::INFINITY, 100.0];
        assert!(
            matches!(judge(Some(200.0), &earlier, Chance::Unknown), Judged::Against(found) if found.count == 4 && found.is_unusual())
        );
        assert_eq!(judge(Some(f64::NAN), &earlier, Chance::Unknown), Judged::NoValue);
        assert_eq!(judge(None, &earlier, Chance::Unknown), Judged::NoValue);
        assert_eq!(judge(Some(1.0), &earlier[..4], Chance::Unknown), Judged::Short { have: 3 });
    }

    #[test]
    fn shares_of_few_vary_by_chance() {
        let earlier = [1.0, 1.0, 0.98, 1.0];
        assert!(!is_unusual(13.0 / 14.0, &earlier, Chance::Share { of: 14.0 }));
        assert!(is_unusual(0.93, &earlier, Chance::Share { of: 14_000.0 }));
        assert!(is_unusual(0.5, &earlier, Chance::Share { of: 14.0 }));
        assert!(is_unusual(0.5, &earlier, Chance::Share { of: 0.0 }));
    }

    #[test]
    fn small_counts_vary_by_chance() {
        let earlier = [3.0, 5.0, 4.0, 4.0];
        assert!(!is_unusual(8.0, &earlier, Chance::Count));
        assert!(is_unusual(40.0, &earlier, Chance::Count));
        // Errors that never were.
        assert!(!is_unusual(1.0, &[0.0; 8], Chance::Count));
        assert!(is_unusual(5.0, &[0.0; 8], Chance::Count));
        assert!(is_unusual(0.001, &[0.0; 8], Chance::Unknown));
        assert!(!is_unusual(0.0, &[0.0; 8], Chance::Unknown));
    }
}
