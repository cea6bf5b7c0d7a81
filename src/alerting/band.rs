//! What earlier buckets let expect of one.

use crate::types::alerts::{Ewma, Seasonal};

/// The numbers between which a bucket is as expected, both included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Band {
    /// The least.
    pub low: f64,
    /// The greatest.
    pub high: f64,
}

impl Band {
    /// About a centre, as wide as deviations ask for, and never narrower than a share of the centre (AL3).
    fn about(centre: f64, deviation: f64, floor: f64) -> Band {
        let width = deviation.max(floor * centre.abs());
        Band { low: centre - width, high: centre + width }
    }
}

/// The band of the bucket at a place, of those before it; none where too few of them have data.
pub fn ewma(of: &Ewma, values: &[Option<f64>], at: usize) -> Option<Band> {
    let before = values[..at].iter().rev().take(of.buckets() as usize);
    let weigh = |(place, value): (usize, &Option<f64>)| value.map(|value| ((1.0 - of.alpha).powi(place as i32), value));
    let weighed: Vec<(f64, f64)> = before.enumerate().filter_map(weigh).collect();
    if weighed.len() < of.needed() as usize {
        return None;
    }
    let all: f64 = weighed.iter().map(|(weight, _)| weight).sum();
    let mean = weighed.iter().map(|(weight, value)| weight * value).sum::<f64>() / all;
    let variance = weighed.iter().map(|(weight, value)| weight * (value - mean).powi(2)).sum::<f64>() / all;
    Some(Band::about(mean, of.sigma * variance.sqrt(), of.floor))
}

/// The band of the bucket at a place, of the same one in earlier cycles; none where too few of them have data.
///
/// A bucket with a day that is left out has none, and is not among those of earlier cycles. Where it is not known when buckets begin (`starts`
/// is empty) none is left out.
pub fn seasonal(of: &Seasonal, values: &[Option<f64>], starts: &[i64], step: i64, at: usize) -> Option<Band> {
    let period = usize::try_from(of.period / step).ok()?;
    let is_left_out = |place: usize| starts.get(place).is_some_and(|start| of.leaves_out(*start, step));
    if is_left_out(at) {
        return None;
    }
    let earlier = |cycle: usize| at.checked_sub(cycle * period).filter(|place| !is_left_out(*place));
    let cycle = |cycle: usize| earlier(cycle).and_then(|place| values[place]);
    let mut found: Vec<f64> = (1..=of.cycles as usize).filter_map(cycle).collect();
    if found.len() < of.needed() as usize {
        return None;
    }
    let centre = median(&mut found);
    let mut distances: Vec<f64> = found.iter().map(|value| (value - centre).abs()).collect();
    Some(Band::about(centre, of.sigma * Seasonal::SCALE * median(&mut distances), of.floor))
}

/// The value in the middle; of an even number of values the mean of the two there. Never of none.
fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let half = values.len() / 2;
    if values.len() % 2 == 1 { values[half] } else { (values[half - 1] + values[half]) / 2.0 }
}
