//! What is recorded of a verification, day by day.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};

use crate::change::verify::report::{Report, words};
use crate::change::verify::{Bucket, Cell, Entry, FORM, Recorded, Verdict};
use crate::types::CaliberChange;
use crate::value::Step;
use crate::value::time::local_date;

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

/// The entries of a report: one for each bucket that was judged or empty; of buckets within a day one for the day, which must have
/// been judged as a whole and is as bad as its worst bucket. One bucket of all time stands for the day before `at`.
pub fn entries(change: &CaliberChange, report: &Report, meanings: &Meanings, data: &str, at: i64) -> Vec<Entry> {
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
    days.into_iter().filter_map(entry).collect()
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
