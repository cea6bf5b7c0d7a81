//! By hand.

use super::*;
use crate::diagnostic::{FileId, Span, Spanned};
use crate::types::MetricId;
use crate::types::Severity;
use crate::types::alerts::{Ewma, Seasonal};
use crate::value::Step;

const MINUTE: i64 = 60_000;

fn alert(when: Condition, hold: i64) -> Alert {
    let span = Span::new(FileId(0), 0, 0);
    Alert {
        name: Spanned::new("a".to_owned(), span),
        doc: None,
        metric: MetricId(0),
        every: Step::Subday(MINUTE),
        when,
        hold,
        by: Vec::new(),
        severity: Severity::P1,
        volume: None,
        absent: None,
        notify: Vec::new(),
        runbook: None,
        span,
    }
}

fn test(subject: Subject, comparison: Comparison, bound: Bound) -> Condition {
    Condition::Test(Test { subject, comparison, bound })
}

/// `.` quiet, `p` pending, `F` firing; `_` in the values is no data.
fn states(alert: &Alert, values: &str, volume: Option<&[Option<f64>]>) -> String {
    let read = |text: &str| (text != "_").then(|| text.parse().expect("a number"));
    let values: Vec<Option<f64>> = values.split_whitespace().map(read).collect();
    let found = verdicts(alert, Series { values: &values, volume, starts: &[], step: MINUTE });
    let letter = |one: Verdict| match one.state {
        State::Quiet => '.',
        State::Pending => 'p',
        State::Firing => 'F',
    };
    found.into_iter().map(letter).collect()
}

#[test]
fn a_condition_holds_in_every_evaluation_before_it_fires() {
    let low = |hold| alert(test(Subject::Value, Comparison::Less, Bound::Number(5.0)), hold);
    assert_eq!(states(&low(0), "9 4 9 4", None), ".F.F");
    assert_eq!(states(&low(2 * MINUTE), "9 4 4 4 4 9 4", None), ".ppFF.p");
    assert_eq!(states(&low(2 * MINUTE), "4 4 5 4 4 4", None), "pp.ppF");
}

#[test]
fn without_data_nothing_fires_and_nothing_resolves() {
    let low = alert(test(Subject::Value, Comparison::Less, Bound::Number(5.0)), MINUTE);
    assert_eq!(states(&low, "4 4 _ _ 4 9", None), "pFFFF.");
    assert_eq!(states(&low, "4 4 _ _ 9", None), "pFFF.");
    assert_eq!(states(&low, "4 _ 4 4", None), "p.pF");
    assert_eq!(states(&low, "4 4 NaN 9", None), "pFF.");
}

#[test]
fn too_little_volume_is_no_data() {
    let mut low = alert(test(Subject::Value, Comparison::Less, Bound::Number(5.0)), 0);
    low.volume = Some(Volume { metric: MetricId(1), inclusive: true, least: 100.0 });
    let volume = [Some(100.0), Some(99.0), None, Some(150.0)];
    assert_eq!(states(&low, "4 4 4 9", Some(&volume)), "FFF.");
    assert_eq!(states(&low, "9 4 4 4", Some(&volume)), "...F");
    low.volume = Some(Volume { metric: MetricId(1), inclusive: false, least: 100.0 });
    assert_eq!(states(&low, "4 4 4 4", Some(&volume)), "...F");
}

#[test]
fn a_growth_is_compared_with_the_bucket_of_then() {
    let drop = alert(test(Subject::Growth(2 * MINUTE), Comparison::Less, Bound::Number(-0.2)), 0);
    assert_eq!(states(&drop, "10 10 8 7 7 0 7 7", None), "...F.F..");
    // By zero there is no growth, which resolves nothing and fires nothing.
    assert_eq!(states(&drop, "10 0 7 1 7", None), "..FF.");
}

#[test]
fn parts_of_a_condition_that_are_unknown_do_not_hold() {
    let low = || test(Subject::Value, Comparison::Less, Bound::Number(5.0));
    let drop = || test(Subject::Growth(2 * MINUTE), Comparison::Less, Bound::Number(-0.2));
    assert_eq!(states(&alert(Condition::All(vec![low(), drop()]), 0), "4 4 3 3 9", None), "..FF.");
    assert_eq!(states(&alert(Condition::Any(vec![low(), drop()]), 0), "4 9 9 4 7", None), "FF.FF");
}

#[test]
fn a_mean_weighs_by_age_and_leaves_the_judged_bucket_out() {
    let of = Ewma { alpha: 0.5, sigma: 3.0, floor: 0.05, step: MINUTE };
    assert_eq!((of.buckets(), of.needed()), (10, 5));
    let values: Vec<Option<f64>> = [10.0, 10.0, 10.0, 10.0, 14.0, 1000.0].map(Some).to_vec();
    let band = ewma(&of, &values, 5).expect("a band");
    // Weights 1, 1/2, 1/4, 1/8, 1/16: the mean is (14 + 10 × 15/16) / (31/16), and 14 has 16 of 31 parts of the weight.
    let mean = 10.0 + 4.0 * 16.0 / 31.0;
    let deviation = 4.0 * (16.0_f64 / 31.0 * 15.0 / 31.0).sqrt();
    assert!((band.high - (mean + 3.0 * deviation)).abs() < 1e-9, "{band:?}");
    assert!((band.low - (mean - 3.0 * deviation)).abs() < 1e-9, "{band:?}");
    assert_eq!(ewma(&of, &values, 4), None);
}

#[test]
fn a_flat_line_may_move_a_little() {
    let ewma = Ewma { alpha: 0.5, sigma: 3.0, floor: 0.05, step: MINUTE };
    let odd = alert(test(Subject::Value, Comparison::Outside, Bound::Ewma(ewma)), 0);
    assert_eq!(states(&odd, "100 100 100 100 100 100 101 100 106 100", None), "........F.");
    // A gap has no weight; it is no zero.
    assert_eq!(states(&odd, "100 100 100 _ _ 100 100 100 101", None), ".........");
}

#[test]
fn a_season_is_the_median_of_its_cycles() {
    let of = Seasonal { period: 2 * MINUTE, cycles: 4, sigma: 1.0, floor: 0.0, except: Vec::new() };
    let values: Vec<Option<f64>> = [10.0, 0.0, 12.0, 0.0, 14.0, 0.0, 100.0, 0.0, 50.0].map(Some).to_vec();
    // 100, 14, 12, 10: the median is 13, its distances 87, 1, 1, 3 have the median 2.
    let band = seasonal(&of, &values, &[], MINUTE, 8).expect("a band");
    assert!((band.high - (13.0 + 1.4826 * 2.0)).abs() < 1e-9, "{band:?}");
    assert!((band.low - (13.0 - 1.4826 * 2.0)).abs() < 1e-9, "{band:?}");
    assert!(seasonal(&of, &values, &[], MINUTE, 4).is_some());
    assert_eq!(seasonal(&of, &values, &[], MINUTE, 3), None);
}

#[test]
fn days_that_are_left_out_are_no_season_and_have_none() {
    let starts: Vec<i64> = (0..9).map(|at| at * MINUTE).collect();
    let values: Vec<Option<f64>> = [10.0, 0.0, 12.0, 0.0, 14.0, 0.0, 100.0, 0.0, 50.0].map(Some).to_vec();
    let of = |except| Seasonal { period: 2 * MINUTE, cycles: 4, sigma: 1.0, floor: 0.0, except };
    let band = |of: &Seasonal, at| seasonal(of, &values, &starts, MINUTE, at);
    // Without 100 of the minute 6: 14, 12, 10 with the median 12, and distances 2, 0, 2.
    let found = band(&of(vec![(6 * MINUTE, 7 * MINUTE)]), 8).expect("a band");
    assert!((found.high - (12.0 + 1.4826 * 2.0)).abs() < 1e-9, "{found:?}");
    // A bucket that is left out itself is not judged.
    assert_eq!(band(&of(vec![(8 * MINUTE, 9 * MINUTE)]), 8), None);
    // Two of four must be there.
    assert!(band(&of(vec![(4 * MINUTE, 7 * MINUTE)]), 8).is_some());
    assert_eq!(band(&of(vec![(2 * MINUTE, 7 * MINUTE)]), 8), None);
}

#[test]
fn a_week_is_left_out_with_any_of_its_days_and_days_of_23_hours_alone() {
    const HOUR: i64 = 60 * MINUTE;
    let zone = chrono_tz::America::New_York;
    let midnight = |day: &str| crate::value::time::parse_timestamp(day, zone).expect("a day");
    // Clocks go forward on the 8th of March.
    let except = vec![(midnight("2026-03-08"), midnight("2026-03-09"))];
    let of = Seasonal { period: 168 * HOUR, cycles: 4, sigma: 1.0, floor: 0.0, except };
    let days = ["2026-03-07", "2026-03-08", "2026-03-09"].map(|day| of.leaves_out(midnight(day), 24 * HOUR));
    assert_eq!(days, [false, true, false]);
    let hours = [-1, 0, 22, 23].map(|hour| of.leaves_out(midnight("2026-03-08") + hour * HOUR, HOUR));
    assert_eq!(hours, [false, true, true, false]);
    let weeks = ["2026-02-23", "2026-03-02", "2026-03-09"].map(|day| of.leaves_out(midnight(day), 168 * HOUR));
    assert_eq!(weeks, [false, true, false]);
    let sundays = ["2026-03-01", "2026-03-08", "2026-03-15"].map(|day| of.leaves_out(midnight(day), 168 * HOUR));
    assert_eq!(sundays, [false, true, false]);
}
