//! Worked out by hand.

use super::*;
use crate::value::time::midnight;
use chrono::NaiveDate;

const ZONE: Tz = chrono_tz::Asia::Shanghai;

/// The start of a day of November 2026.
fn day(of: u32) -> Option<i64> {
    Some(midnight(NaiveDate::from_ymd_opt(2026, 11, of).expect("a day"), ZONE))
}

fn int(value: i64) -> Cell {
    Cell::Number(Number::int(value))
}

fn float(value: f64) -> Cell {
    Cell::Number(Number::Float(value))
}

fn point(of: u32, slice: &[&str], value: Cell) -> Point {
    let slice = slice.iter().map(|text| Some((*text).to_owned())).collect();
    Point { bucket: day(of), slice, value, volume: None }
}

/// Additive values by platform.
fn series(points: Vec<Point>) -> Series {
    let dimensions =
        if points.iter().all(|point| point.slice.is_empty()) { vec![] } else { vec!["platform".to_owned()] };
    Series { nullable: vec![false; dimensions.len()], dimensions, points, additive: true, ..Series::default() }
}

fn rules(tolerance: f64, expect: Option<(f64, f64)>) -> Rules {
    let calendar = Calendar { zone: ZONE, week_start: WeekStart(chrono::Weekday::Mon), step: Some(Step::Day) };
    Rules { tolerance, expect, minimum: Minimum::Share(0.01), weigh: false, closed_at: None, calendar }
}

fn verdicts(found: &Comparison) -> Vec<String> {
    found
        .buckets
        .iter()
        .map(|bucket| match &bucket.verdict {
            Verdict::NotJudged(why) => format!("{why:?}"),
            Verdict::Bad(reasons) => reasons
                .iter()
                .map(|reason| match reason {
                    Reason::Absent(side) => format!("absent {}", side.word()),
                    Reason::Total { relative, .. } => format!("total {relative:.4}"),
                    Reason::Spread { wape, .. } => format!("spread {wape:.4}"),
                    Reason::Slice { slice, relative, .. } => {
                        format!("slice {} {relative:.4}", slice.first().and_then(Option::as_deref).unwrap_or("null"))
                    }
                })
                .collect::<Vec<_>>()
                .join(", "),
            other => other.word().to_owned(),
        })
        .collect()
}

/// DQ2: +50 and -50 are nothing in total and everything in the slices.
#[test]
fn what_cancels_out_in_total_is_bad_by_slice() {
    let old = series(vec![point(1, &["a"], int(50)), point(1, &["b"], int(150))]);
    let new = series(vec![point(1, &["a"], int(100)), point(1, &["b"], int(100))]);
    let found = compare(&old, &new, &rules(0.005, None)).expect("joined");
    let bucket = &found.buckets[0];
    assert_eq!((bucket.old.clone(), bucket.new.clone(), bucket.relative), (Some(int(200)), Some(int(200)), 0.0));
    assert_eq!(bucket.wape, 0.5);
    assert_eq!(verdicts(&found), ["spread 0.5000, slice a 1.0000"]);
    let told: Vec<_> =
        found.contributors.iter().map(|one| (one.slice[0].as_deref(), one.difference, one.share)).collect();
    assert_eq!(told, [(Some("a"), Number::int(50), 0.25), (Some("b"), Number::int(-50), -0.25)]);
    // A range around nothing does not let it pass either.
    assert_eq!(verdicts(&compare(&old, &new, &rules(0.005, Some((-0.03, 0.03)))).expect("joined")), ["spread 0.5000"]);
}

#[test]
fn the_tolerance_holds_for_total_spread_and_heavy_slices() {
    let old = series(vec![point(1, &["a"], int(1_000)), point(1, &["b"], int(1_000)), point(1, &["c"], int(4))]);
    let with = |a, b, c| {
        let new = series(vec![point(1, &["a"], int(a)), point(1, &["b"], int(b)), point(1, &["c"], int(c))]);
        verdicts(&compare(&old, &new, &rules(0.005, None)).expect("joined")).remove(0)
    };
    assert_eq!(with(1_000, 1_000, 4), "good");
    assert_eq!(with(1_005, 1_000, 4), "good", "0.5 % is within 0.5 %");
    assert_eq!(with(1_006, 1_000, 4), "slice a 0.0060");
    assert_eq!(with(1_000, 1_000, 8), "good", "c has less than 1 % of the volume, and moves the rest by 0.2 %");
    assert_eq!(with(1_006, 1_006, 4), "total 0.0060, spread 0.0060, slice a 0.0060");
}

#[test]
fn a_minimum_volume_says_which_slices_are_judged_alone() {
    let old = series(vec![point(1, &["a"], int(1_000_000)), point(1, &["b"], int(100))]);
    let new = series(vec![point(1, &["a"], int(1_000_000)), point(1, &["b"], int(200))]);
    let of =
        |minimum| verdicts(&compare(&old, &new, &Rules { minimum, ..rules(0.005, None) }).expect("joined")).remove(0);
    assert_eq!(of(Minimum::Volume(201.0)), "good");
    assert_eq!(of(Minimum::Volume(200.0)), "slice b 1.0000", "the greater of both values counts");
    assert_eq!(of(Minimum::Share(0.0)), "slice b 1.0000");
}

/// `expect: -3%..0%; tolerance: 0.5%`
#[test]
fn an_expected_range_bounds_the_total_and_the_direction_of_slices() {
    let old = series(vec![point(1, &["a"], int(1_000)), point(1, &["b"], int(1_000))]);
    let with = |a, b| {
        let new = series(vec![point(1, &["a"], int(a)), point(1, &["b"], int(b))]);
        verdicts(&compare(&old, &new, &rules(0.005, Some((-0.03, 0.0)))).expect("joined")).remove(0)
    };
    assert_eq!(with(1_000, 1_000), "good");
    assert_eq!(with(980, 980), "good");
    assert_eq!(with(940, 1_000), "good", "all of it in one slice");
    assert_eq!(with(930, 1_000), "good", "-3.5 % is outside of the range by the tolerance");
    assert_eq!(with(929, 1_000), "total -0.0355, spread 0.0355");
    assert_eq!(with(960, 1_010), "slice b 0.0100", "nothing may rise");
    assert_eq!(with(1_004, 1_000), "good");
}

#[test]
fn slices_of_one_side_count_with_their_whole_value() {
    let old = series(vec![point(1, &["a"], int(90)), point(1, &["b"], int(10))]);
    let new = series(vec![point(1, &["a"], int(90)), point(1, &["c"], int(10))]);
    let found = compare(&old, &new, &rules(0.005, None)).expect("joined");
    let bucket = &found.buckets[0];
    assert_eq!((bucket.slices, bucket.missing_old, bucket.missing_new), (3, 1, 1));
    assert_eq!(bucket.wape, 0.2);
    assert_eq!(verdicts(&found), ["spread 0.2000, slice c inf"]);
    // A slice of nothing is no loss.
    let new = series(vec![point(1, &["a"], int(90)), point(1, &["b"], int(10)), point(1, &["c"], int(0))]);
    assert_eq!(verdicts(&compare(&old, &new, &rules(0.0, None)).expect("joined")), ["good"]);
}

#[test]
fn decimals_agree_exactly_and_floats_nearly() {
    let of = |cell| series(vec![point(1, &[], cell)]);
    let decimal = |digits, scale| Cell::Number(Number::Exact { digits, scale });
    let verdict = |a, b| verdicts(&compare(&of(a), &of(b), &rules(0.0, None)).expect("joined")).remove(0);
    let digits = 12_345_678_901_234_567_890_i128;
    assert_eq!(verdict(decimal(digits, 4), decimal(digits * 100, 6)), "good");
    let found = compare(&of(decimal(digits, 4)), &of(decimal(digits + 1, 4)), &rules(0.0, None)).expect("joined");
    assert_eq!(found.contributors[0].difference.text(), "0.0001", "floats would not see it");
    assert_eq!(verdict(float(0.1 + 0.2), float(0.3)), "good");
    let found = compare(&of(float(0.3)), &of(float(0.300_001)), &rules(0.0, None)).expect("joined");
    assert!(matches!(found.buckets[0].verdict, Verdict::Bad(_)));
}

#[test]
fn ratios_weigh_by_their_volume() {
    let of = |a, b| {
        let at = |slice: &str, value, volume| Point { volume: Some(volume), ..point(1, &[slice], float(value)) };
        Series { additive: false, ..series(vec![at("big", a, 900.0), at("small", b, 100.0)]) }
    };
    let weighing = Rules { weigh: true, minimum: Minimum::Volume(500.0), ..rules(0.02, None) };
    let found = compare(&of(0.8, 0.5), &of(0.8, 0.6), &weighing).expect("joined");
    let bucket = &found.buckets[0];
    // (0.1 × 100) / (0.8 × 900 + 0.5 × 100)
    assert!((bucket.wape - 10.0 / 770.0).abs() < 1e-12, "{}", bucket.wape);
    assert_eq!((bucket.old.clone(), bucket.new.clone()), (None, None), "ratios do not add up");
    assert_eq!(verdicts(&found), ["good"]);
    // With totals that were asked for, these count.
    let total = |series: Series, value| Series { totals: Some(vec![(day(1), float(value))]), ..series };
    let found = compare(&total(of(0.8, 0.5), 0.77), &total(of(0.8, 0.6), 0.70), &weighing).expect("joined");
    assert_eq!(verdicts(&found), ["total -0.0909"]);
}

#[test]
fn keys_must_be_unique_and_not_null() {
    let right = series(vec![point(1, &["a"], int(1))]);
    let twice = series(vec![point(1, &["a"], int(1)), point(1, &["a"], int(1)), point(2, &["b"], int(1))]);
    let faults = compare(&right, &twice, &rules(0.0, None)).expect_err("refused");
    assert_eq!(
        faults,
        [KeyFault::Twice { side: Side::New, bucket: day(1), slice: vec![Some("a".to_owned())], keys: 1 }]
    );
    let mut null = right.clone();
    null.points[0].slice = vec![None];
    let faults = compare(&null, &right, &rules(0.0, None)).expect_err("refused");
    assert_eq!(faults, [KeyFault::NullDimension { side: Side::Old, dimension: "platform".to_owned(), rows: 1 }]);
    // Under `else null` it is a value like any other, and not the empty text.
    null.nullable = vec![true];
    let mut empty = null.clone();
    empty.points[0].slice = vec![Some(String::new())];
    let found = compare(&null, &empty, &rules(0.0, None)).expect("joined");
    assert_eq!((found.buckets[0].missing_old, found.buckets[0].missing_new), (1, 1));
    let mut nowhere = right.clone();
    nowhere.points[0].bucket = None;
    assert_eq!(
        compare(&nowhere, &right, &rules(0.0, None)),
        Err(vec![KeyFault::NullBucket { side: Side::Old, rows: 1 }])
    );
    nowhere.points[0].bucket = day(1).map(|ms| ms + 1);
    assert!(
        matches!(compare(&right, &nowhere, &rules(0.0, None)), Err(faults) if matches!(faults[0], KeyFault::NoBucket { .. }))
    );
    let other = series(vec![point(1, &[], int(1))]);
    assert!(
        matches!(compare(&right, &other, &rules(0.0, None)), Err(faults) if matches!(faults[0], KeyFault::Dimensions { .. }))
    );
}

#[test]
fn only_closed_buckets_of_equal_data_are_judged() {
    let of = |days: &[u32]| series(days.iter().map(|of| point(*of, &[], int(7))).collect());
    let closed = Rules { closed_at: day(7), ..rules(0.0, None) };
    let found = compare(&of(&[2, 3, 4, 6, 7]), &of(&[1, 2, 3, 6, 7]), &closed).expect("joined");
    assert_eq!(verdicts(&found), ["Before(Old)", "good", "good", "absent new", "empty", "good", "Open"]);
    let found = compare(&of(&[1, 2, 3]), &of(&[1, 2]), &closed).expect("joined");
    assert_eq!(verdicts(&found), ["good", "good", "After(New)"]);
    let late = Series { watermark: day(3), ..of(&[1, 2, 3]) };
    let found = compare(&late, &of(&[1, 2, 3]), &closed).expect("joined");
    assert_eq!(verdicts(&found), ["good", "good", "Behind(Old)"]);
    let nothing = Series { dimensions: vec![], nullable: vec![], ..of(&[]) };
    assert_eq!(verdicts(&compare(&nothing, &of(&[1]), &closed).expect("joined")), ["Before(Old)"]);
}

#[test]
fn other_values_are_equal_or_not() {
    let of = |texts: [&str; 2]| {
        series(vec![
            point(1, &["a"], Cell::Other(texts[0].to_owned())),
            point(1, &["b"], Cell::Other(texts[1].to_owned())),
        ])
    };
    assert_eq!(verdicts(&compare(&of(["x", "y"]), &of(["x", "y"]), &rules(0.0, None)).expect("joined")), ["good"]);
    let found = compare(&of(["x", "y"]), &of(["x", "z"]), &rules(0.0, None)).expect("joined");
    assert_eq!(found.buckets[0].wape, 0.5);
}

fn entry(day: u32, verdict: Recorded, at: &str) -> Entry {
    Entry {
        form: FORM,
        change: "dau".to_owned(),
        from: 1,
        to: 2,
        metric: "dau".to_owned(),
        step: Some("1d".to_owned()),
        old: "aa".to_owned(),
        new: "bb".to_owned(),
        day: format!("2026-11-{day:02}"),
        days: 1,
        verdict,
        reasons: Vec::new(),
        old_value: Some("100".to_owned()),
        new_value: Some("99".to_owned()),
        difference: Some(-0.01),
        wape: Some(0.01),
        missing: (0, 0),
        tolerance: 0.005,
        expect: Some((-0.03, 0.0)),
        data: "clickhouse:warehouse".to_owned(),
        program: "0.1.0".to_owned(),
        recorded_at: at.to_owned(),
    }
}

fn on(of: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, of).expect("a day")
}

#[test]
fn seven_good_days_in_a_row_open_the_gate() {
    let good: Vec<Entry> = (1..=7).map(|day| entry(day, Recorded::Good, "1")).collect();
    let of = |entries: &[Entry]| gate(entries, "aa", "bb", 7);
    assert!(of(&good).is_open());
    assert_eq!(of(&good).run, Some((on(1), on(7))));
    assert!(!of(&good[1..]).is_open());
    assert_eq!(of(&good[1..]).expected(), Some(on(8)));
    assert_eq!(of(&[]), Gate { good: 0, needed: 7, run: None, broken: None });
}

#[test]
fn a_bad_an_empty_and_a_missing_day_start_again() {
    for (middle, why) in [(Some(Recorded::Bad), Break::Bad), (Some(Recorded::Empty), Break::Empty), (None, Break::Gap)]
    {
        let mut entries: Vec<Entry> =
            (1..=9).filter(|day| *day != 4).map(|day| entry(day, Recorded::Good, "1")).collect();
        entries.extend(middle.map(|verdict| entry(4, verdict, "1")));
        let found = gate(&entries, "aa", "bb", 7);
        assert_eq!((found.good, found.run, found.broken), (5, Some((on(5), on(9))), Some((on(4), why))));
    }
    let last = [entry(1, Recorded::Good, "1"), entry(2, Recorded::Bad, "1")];
    assert_eq!(gate(&last, "aa", "bb", 1), Gate { good: 0, needed: 1, run: None, broken: Some((on(2), Break::Bad)) });
}

#[test]
fn a_day_that_is_verified_again_counts_as_found_last() {
    let mut entries: Vec<Entry> = (1..=3).map(|day| entry(day, Recorded::Good, "1")).collect();
    entries.push(entry(2, Recorded::Bad, "2"));
    assert_eq!(gate(&entries, "aa", "bb", 3).good, 1);
    entries.push(entry(2, Recorded::Good, "3"));
    assert_eq!(gate(&entries, "aa", "bb", 3).good, 3);
    entries.reverse();
    assert_eq!(gate(&entries, "aa", "bb", 3).good, 3, "the order of the lines does not matter");
    // Of the same instant the worse one counts.
    entries.push(entry(3, Recorded::Bad, "1"));
    assert_eq!(gate(&entries, "aa", "bb", 3).good, 0);
}

#[test]
fn another_meaning_starts_again() {
    let mut entries: Vec<Entry> = (1..=7).map(|day| entry(day, Recorded::Good, "1")).collect();
    for entry in &mut entries[..4] {
        entry.new = "cc".to_owned();
    }
    assert_eq!(gate(&entries, "aa", "bb", 7).good, 3);
    assert_eq!(gate(&entries, "aa", "cc", 7).good, 4);
    assert_eq!(gate(&entries, "dd", "bb", 7).good, 0);
}

#[test]
fn a_week_counts_for_its_days() {
    let week = Entry { days: 7, ..entry(2, Recorded::Good, "1") };
    assert_eq!(gate([&week], "aa", "bb", 7).run, Some((on(2), on(8))));
}

#[test]
fn a_line_reads_back_and_a_broken_one_is_told() {
    let whole = Entry {
        difference: None,
        reasons: vec!["the total".to_owned()],
        ..entry(1, Recorded::Bad, "2026-11-08T01:00:00.000Z")
    };
    let line = whole.line();
    assert!(line.ends_with("}\n") && line.matches('\n').count() == 1);
    assert_eq!(Entry::read(line.trim_end()), Ok(whole));
    for cut in 0..line.len() - 1 {
        assert!(Entry::read(&line[..cut]).is_err(), "{cut}");
    }
    assert!(Entry::read(&line.replace("\"form\":1", "\"form\":9")).is_err_and(|why| why.contains("newer")));
    assert!(Entry::read(&line.replace("\"bad\"", "\"fine\"")).is_err());
}
