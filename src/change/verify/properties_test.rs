//! What holds for any two results.

use super::*;
use crate::value::time::midnight;
use chrono::{Days, NaiveDate};

const ZONE: Tz = chrono_tz::Asia::Shanghai;

fn rules(random: &mut fastrand::Rng) -> Rules {
    let calendar = Calendar { zone: ZONE, week_start: WeekStart(chrono::Weekday::Mon), step: Some(Step::Day) };
    let expect = random.bool().then(|| (-f64::from(random.u8(..10)) / 100.0, f64::from(random.u8(..10)) / 100.0));
    let minimum = if random.bool() { Minimum::Share(0.05) } else { Minimum::Volume(f64::from(random.u8(..))) };
    Rules { tolerance: f64::from(random.u8(..20)) / 1_000.0, expect, minimum, weigh: false, closed_at: None, calendar }
}

/// A few days of a few slices; each row is there or not, and a number, or null.
fn series(random: &mut fastrand::Rng, like: Option<&Series>) -> Series {
    let first = NaiveDate::from_ymd_opt(2026, 11, 1).unwrap_or_default();
    let mut points = Vec::new();
    for day in 0..4 {
        for slice in 0..5 {
            if random.u8(..8) == 0 {
                continue;
            }
            let bucket = Some(midnight(first + Days::new(day), ZONE));
            let slice = vec![(slice > 0).then(|| format!("s{slice}"))];
            let near =
                like.and_then(|like| like.points.iter().find(|point| point.bucket == bucket && point.slice == slice));
            let value = match (random.u8(..10), near.map(|point| &point.value)) {
                (0, _) => Cell::Null,
                (1..7, Some(same)) => same.clone(),
                (7, Some(Cell::Number(Number::Exact { digits, scale }))) => {
                    Cell::Number(Number::Exact { digits: digits + i128::from(random.i8(..)), scale: *scale })
                }
                _ => Cell::Number(Number::Exact { digits: i128::from(random.i16(..)), scale: 2 }),
            };
            points.push(Point { bucket, slice, value, volume: None });
        }
    }
    let dimensions = vec!["d".to_owned()];
    Series { dimensions, nullable: vec![true], points, additive: true, ..Series::default() }
}

fn each(what: impl Fn(&mut fastrand::Rng, &Series, &Series, &Rules)) {
    for seed in 0..2_000 {
        let mut random = fastrand::Rng::with_seed(seed);
        let rules = rules(&mut random);
        let old = series(&mut random, None);
        let new = series(&mut random, Some(&old));
        what(&mut random, &old, &new, &rules);
    }
}

fn compared(old: &Series, new: &Series, rules: &Rules) -> Comparison {
    compare(old, new, rules).expect("keys are unique")
}

#[test]
fn the_order_of_rows_does_not_matter() {
    each(|random, old, new, rules| {
        let (mut a, mut b) = (old.clone(), new.clone());
        random.shuffle(&mut a.points);
        random.shuffle(&mut b.points);
        assert_eq!(compared(&a, &b, rules), compared(old, new, rules));
    });
}

#[test]
fn what_is_the_same_is_good() {
    each(|_, old, _, rules| {
        let found = compared(old, old, &Rules { tolerance: 0.0, expect: None, ..*rules });
        for bucket in &found.buckets {
            assert!(matches!(bucket.verdict, Verdict::Good | Verdict::Empty), "{bucket:?}");
            assert_eq!((bucket.wape, bucket.relative, bucket.worst.is_none()), (0.0, 0.0, true));
        }
        assert_eq!(found.contributors, []);
    });
}

#[test]
fn changing_sides_turns_differences_around() {
    each(|_, old, new, rules| {
        let exact = Rules { tolerance: 0.0, expect: None, minimum: Minimum::Share(0.0), ..*rules };
        let (there, back) = (compared(old, new, &exact), compared(new, old, &exact));
        assert_eq!(there.buckets.len(), back.buckets.len());
        for (a, b) in there.buckets.iter().zip(&back.buckets) {
            assert_eq!((a.missing_old, a.missing_new), (b.missing_new, b.missing_old));
            assert_eq!((&a.old, &a.new), (&b.new, &b.old));
            // Without any tolerance both ways agree on what is the same.
            assert_eq!(a.verdict == Verdict::Good, b.verdict == Verdict::Good, "{a:?}\n{b:?}");
        }
        let moved = |found: &Comparison, sign: i64| {
            let zero = Number::int(0);
            let mut moved: Vec<_> = found
                .contributors
                .iter()
                .map(|one| {
                    let difference = if sign < 0 { zero.minus(one.difference) } else { one.difference };
                    (one.slice.clone(), difference.text())
                })
                .collect();
            moved.sort();
            moved
        };
        assert_eq!(moved(&there, 1), moved(&back, -1));
    });
}

#[test]
fn the_unit_of_the_values_does_not_matter() {
    each(|_, old, new, rules| {
        let scaled = |series: &Series| {
            let mut series = series.clone();
            for point in &mut series.points {
                if let Cell::Number(Number::Exact { digits, .. }) = &mut point.value {
                    *digits *= 1_000;
                }
            }
            series
        };
        let minimum = match rules.minimum {
            Minimum::Volume(volume) => Minimum::Volume(volume * 1_000.0),
            share => share,
        };
        let (plain, large) =
            (compared(old, new, rules), compared(&scaled(old), &scaled(new), &Rules { minimum, ..*rules }));
        for (a, b) in plain.buckets.iter().zip(&large.buckets) {
            assert_eq!(a.verdict.word(), b.verdict.word(), "{a:?}\n{b:?}");
            assert!((a.wape - b.wape).abs() <= 1e-9 * a.wape.abs().min(1e300) || a.wape == b.wape, "{a:?}\n{b:?}");
        }
    });
}

#[test]
fn more_tolerance_makes_nothing_bad() {
    each(|_, old, new, rules| {
        let more = Rules { tolerance: rules.tolerance + 0.05, ..*rules };
        for (strict, lenient) in compared(old, new, rules).buckets.iter().zip(&compared(old, new, &more).buckets) {
            if strict.verdict == Verdict::Good {
                assert_eq!(lenient.verdict, Verdict::Good, "{strict:?}\n{lenient:?}");
            }
        }
    });
}
