//! What is recorded of a verification, day by day.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};

use crate::change::verify::report::{Report, words};
use crate::change::verify::{Bucket, Cell, Entry, FORM, Recorded, Verdict};
use crate::types::CaliberChange;
use crate::value::Step;
use crate::value::time::{local_date, midnight};

/// Milliseconds since 1970 by the clock of this machine.
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// The meanings on both sides.
pub struct Meanings {
    /// The fingerprint of the old one.
    pub old: String,
    /// That of the new one.
    pub new: String,
}

/// The interval that was asked for.
#[derive(Default)]
pub struct Asked {
    /// From this instant on.
    pub from: Option<i64>,
    /// Before this one.
    pub to: Option<i64>,
}

impl Asked {
    /// Whether it has a part of a day, and not all of it.
    fn cuts(&self, day: NaiveDate, zone: chrono_tz::Tz) -> bool {
        let start = midnight(day, zone);
        let end = day.succ_opt().map_or(i64::MAX, |next| midnight(next, zone));
        [self.from, self.to].into_iter().flatten().any(|limit| start < limit && limit < end)
    }
}

/// The entries of a report: one for each bucket that was judged or empty; of buckets within a day one for the day, which must have
/// been asked for and judged as a whole and is as bad as its worst bucket. One bucket of all time stands for the day before `at`.
pub fn entries(
    change: &CaliberChange,
    report: &Report,
    meanings: &Meanings,
    data: &str,
    at: i64,
    asked: &Asked,
) -> Vec<Entry> {
    let recorded_at =
        DateTime::<Utc>::from_timestamp_millis(now()).unwrap_or_default().to_rfc3339_opts(SecondsFormat::Millis, true);
    let calendar = &report.rules.calendar;
    let mut days: BTreeMap<NaiveDate, Vec<&Bucket>> = BTreeMap::new();
    for bucket in &report.comparison.buckets {
        days.entry(local_date(bucket.start.unwrap_or(at - 1), calendar.zone)).or_default().push(bucket);
    }
    let entry = |(day, buckets): (NaiveDate, Vec<&Bucket>)| {
        let worst = worst(&buckets)?;
        let whole = match calendar.step {
            Some(Step::Subday(_)) => false,
            _ => buckets.len() == 1,
        };
        let only = buckets[0];
        let until = only.end.filter(|_| whole).map_or(day, |end| local_date(end, calendar.zone));
        let text = |cell: &Option<Cell>| cell.as_ref().filter(|_| whole).and_then(Cell::text);
        let share = |of: fn(&Bucket) -> f64| {
            let most = buckets.iter().map(|bucket| of(bucket)).max_by(|a, b| a.abs().total_cmp(&b.abs()));
            most.filter(|share| share.is_finite())
        };
        let count = |of: fn(&Bucket) -> usize| {
            u32::try_from(buckets.iter().map(|bucket| of(bucket)).sum::<usize>()).unwrap_or(u32::MAX)
        };
        let reasons = buckets.iter().filter(|bucket| matches!(bucket.verdict, Verdict::Bad(_)));
        Some(Entry {
            form: FORM,
            change: change.name.clone(),
            from: change.from,
            to: change.to,
            metric: report.metric.clone(),
            step: calendar.step.map(Step::text),
            old: meanings.old.clone(),
            new: meanings.new.clone(),
            day: day.to_string(),
            days: u32::try_from((until - day).num_days()).unwrap_or(1).max(1),
            verdict: worst,
            reasons: reasons.flat_map(|bucket| words::reasons(&bucket.verdict)).collect(),
            old_value: text(&only.old),
            new_value: text(&only.new),
            difference: share(|bucket| bucket.relative),
            wape: share(|bucket| bucket.wape),
            missing: (count(|bucket| bucket.missing_old), count(|bucket| bucket.missing_new)),
            tolerance: report.rules.tolerance,
            expect: report.rules.expect,
            data: data.to_owned(),
            program: env!("CARGO_PKG_VERSION").to_owned(),
            recorded_at: recorded_at.clone(),
        })
    };
    let is_subday = matches!(calendar.step, Some(Step::Subday(_)));
    days.into_iter().filter(|(day, _)| !(is_subday && asked.cuts(*day, calendar.zone))).filter_map(entry).collect()
}

/// The verdict on a day; none where a part of it was not judged.
fn worst(buckets: &[&Bucket]) -> Option<Recorded> {
    let mut found = Recorded::Empty;
    for bucket in buckets {
        match (&bucket.verdict, found) {
            (Verdict::NotJudged(_), _) => return None,
            (Verdict::Bad(_), _) => found = Recorded::Bad,
            (Verdict::Good, Recorded::Empty) => found = Recorded::Good,
            _ => {}
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::verify::{Calendar, Comparison, Minimum, Number, Rules, Unjudged};
    use crate::diagnostic::{FileId, Span};
    use crate::types::{Changed, Stage};
    use crate::value::WeekStart;

    const ZONE: chrono_tz::Tz = chrono_tz::America::New_York;

    fn change() -> CaliberChange {
        let span = Span::new(FileId(0), 0, 0);
        CaliberChange {
            name: "dau".to_owned(),
            kind: Changed::Metric,
            from: 1,
            to: 2,
            reason: "because".to_owned(),
            ticket: None,
            double_run_days: 7,
            tolerance: 0.005,
            expect: None,
            stage: Stage::DoubleRun,
            retire: None,
            beside: true,
            span,
            stage_span: span,
        }
    }

    /// The buckets of a step from the start of a day on, a verdict each.
    fn report(step: Step, verdicts: &[Verdict]) -> Report {
        let calendar = Calendar { zone: ZONE, week_start: WeekStart(chrono::Weekday::Mon), step: Some(step) };
        let mut at = midnight(NaiveDate::from_ymd_opt(2026, 11, 2).expect("a day"), ZONE);
        let mut bucket = |verdict: &Verdict| {
            let end = step.next(at, ZONE, calendar.week_start);
            let start = std::mem::replace(&mut at, end);
            let cell = Some(Cell::Number(Number::int(5)));
            Bucket {
                start: Some(start),
                end: Some(end),
                old: cell.clone(),
                new: cell,
                relative: 0.25,
                wape: f64::INFINITY,
                slices: 1,
                missing_old: 1,
                missing_new: 0,
                worst: None,
                contributors: Vec::new(),
                verdict: verdict.clone(),
            }
        };
        let buckets = verdicts.iter().map(&mut bucket).collect();
        Report {
            metric: "dau".to_owned(),
            unit: None,
            ty: crate::plan::DataType::Int,
            dimensions: Vec::new(),
            old: String::new(),
            new: String::new(),
            error: None,
            rules: Rules {
                tolerance: 0.005,
                expect: None,
                minimum: Minimum::Share(0.01),
                weigh: false,
                closed_at: None,
                calendar,
            },
            comparison: Comparison { buckets, contributors: Vec::new() },
            gate: None,
        }
    }

    fn recorded(step: Step, verdicts: &[Verdict]) -> Vec<(String, u32, Recorded)> {
        recorded_of(step, verdicts, &Asked::default())
    }

    fn recorded_of(step: Step, verdicts: &[Verdict], asked: &Asked) -> Vec<(String, u32, Recorded)> {
        let meanings = Meanings { old: "a".to_owned(), new: "b".to_owned() };
        let found = entries(&change(), &report(step, verdicts), &meanings, "dry-run", 0, asked);
        found.into_iter().map(|entry| (entry.day, entry.days, entry.verdict)).collect()
    }

    #[test]
    fn a_part_of_a_day_stands_for_none() {
        let noon = |day| Some(midnight(NaiveDate::from_ymd_opt(2026, 11, day).expect("a day"), ZONE) + 12 * 3_600_000);
        let next = |day| Some(midnight(NaiveDate::from_ymd_opt(2026, 11, day).expect("a day"), ZONE));
        let days = |step, count: usize, from, to| -> Vec<String> {
            let found = recorded_of(step, &vec![Verdict::Good; count], &Asked { from, to });
            found.into_iter().map(|(day, ..)| day).collect()
        };
        let hour = Step::Subday(3_600_000);
        assert_eq!(days(hour, 48, next(2), next(4)), ["2026-11-02", "2026-11-03"]);
        assert_eq!(days(hour, 48, noon(2), None), ["2026-11-03"]);
        assert_eq!(days(hour, 48, None, noon(3)), ["2026-11-02"]);
        // Limits are widened to whole buckets, where these are days.
        assert_eq!(days(Step::Day, 2, noon(2), noon(3)), ["2026-11-02", "2026-11-03"]);
    }

    #[test]
    fn a_bucket_stands_for_its_days_and_what_is_not_judged_for_none() {
        let open = Verdict::NotJudged(Unjudged::Open);
        let bad = Verdict::Bad(Vec::new());
        let day = |day: &str, days, verdict| (format!("2026-11-{day}"), days, verdict);
        assert_eq!(
            recorded(Step::Day, &[Verdict::Good, bad.clone(), Verdict::Empty, open.clone()]),
            [day("02", 1, Recorded::Good), day("03", 1, Recorded::Bad), day("04", 1, Recorded::Empty)]
        );
        assert_eq!(recorded(Step::Week, &[Verdict::Good]), [day("02", 7, Recorded::Good)]);
        // A day of hours is as bad as the worst, and none while one of them is open.
        let mut hours = vec![Verdict::Good; 48];
        hours[5] = bad;
        assert_eq!(
            recorded(Step::Subday(3_600_000), &hours),
            [day("02", 1, Recorded::Bad), day("03", 1, Recorded::Good)]
        );
        hours[47] = open;
        assert_eq!(recorded(Step::Subday(3_600_000), &hours), [day("02", 1, Recorded::Bad)]);
    }

    #[test]
    fn a_share_without_an_end_is_null_in_a_line() {
        let meanings = Meanings { old: "a".to_owned(), new: "b".to_owned() };
        let found =
            entries(&change(), &report(Step::Day, &[Verdict::Good]), &meanings, "dry-run", 0, &Asked::default());
        assert_eq!((found[0].difference, found[0].wape, found[0].missing), (Some(0.25), None, (1, 0)));
        assert_eq!(Entry::read(found[0].line().trim_end()), Ok(found[0].clone()));
    }
}
