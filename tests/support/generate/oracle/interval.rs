//! Which instants a value is made of: a bucket, moved by `ago`, cut by `at start of`, widened by `over`. Word by word from
//! the definition: every question is put to the zone's local clock.

use chrono::{Duration, Months, NaiveDate};

use super::super::model::*;
use super::calendar::{Calendar, days};

/// Before all data.
pub const BEGINNING: i64 = i64::MIN;

/// A bucket `[start, end)`: of a step, or the only one there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    pub start: i64,
    pub end: i64,
    pub step: Option<Step>,
}

/// What moves an interval, by the order in which it applies: all `ago`, the outermost first, then `at start of`, then `over`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Moves {
    pub ago: Vec<Length>,
    pub at_start: Option<Step>,
    pub window: Option<Window>,
}

impl Moves {
    /// With another one below all there are.
    pub fn and(&self, below: Move) -> Moves {
        let mut moves = self.clone();
        match below {
            Move::Ago(length) => moves.ago.push(length),
            Move::AtStart(step) => moves.at_start = Some(step),
            Move::Over(window) => moves.window = Some(window),
        }
        moves
    }

    /// Whether the interval is the bucket itself.
    pub fn is_none(&self) -> bool {
        *self == Moves::default()
    }
}

impl Calendar {
    /// The same time of the day a length before.
    pub fn back(self, ms: i64, length: Length) -> i64 {
        if ms == BEGINNING { ms } else { self.same_time(ms, ms, length) }
    }

    /// As long after the midnight of the day a length before that of `day` as `ms` is after the midnight of `day`. A day that
    /// is too short for it ends it.
    fn same_time(self, day: i64, ms: i64, length: Length) -> i64 {
        let day = self.date(day);
        let earlier = match length {
            Length::Elapsed(span) => return ms - span,
            Length::Days(days) => day - Duration::days(i64::from(days)),
            Length::Months(months) => clamped(day, months),
            Length::Fiscal(_) => panic!("buckets of a calendar are of no length"),
        };
        let at = self.midnight(earlier) + (ms - self.midnight(day));
        at.min(self.midnight(earlier + Duration::days(1)))
    }

    /// The bucket a length before another one; without a step its ends are moved.
    fn ago(self, bucket: Bucket, length: Length) -> Option<Bucket> {
        let of = |(start, end)| Bucket { start, end, ..bucket };
        Some(match (length, bucket.step) {
            // The bucket before, wherever that is.
            (Length::Fiscal(fiscal), _) => {
                let step = Step::Fiscal(fiscal);
                let day = Duration::days(1);
                let mut before = self.date(bucket.start) - day;
                while fiscal.value(days(before)).is_none() {
                    if days(before) < 0 {
                        return None;
                    }
                    before -= day;
                }
                of(self.bucket(self.midnight(before), step))
            }
            (Length::Elapsed(span), Some(Step::Subday(_))) => of((bucket.start - span, bucket.end - span)),
            (Length::Elapsed(_), Some(step)) => panic!("buckets of {step:?} moved by {length:?} are none"),
            // The bucket of the same number.
            (_, Some(Step::Subday(_))) => {
                let moved = |ms: i64| self.same_time(bucket.start, ms, length);
                of((moved(bucket.start), moved(bucket.end)))
            }
            (_, Some(step)) => of(self.bucket(self.back(bucket.start, length), step)),
            (_, None) => of((self.back(bucket.start, length), self.back(bucket.end, length))),
        })
    }

    /// The instants `[from, to)` that a moved value of a bucket is made of.
    pub fn interval(self, moves: &Moves, bucket: Bucket) -> (i64, i64) {
        // What a calendar lacks holds nothing, and lies before all data.
        self.known_interval(moves, bucket).unwrap_or((BEGINNING, BEGINNING))
    }

    fn known_interval(self, moves: &Moves, bucket: Bucket) -> Option<(i64, i64)> {
        let bucket = moves.ago.iter().try_fold(bucket, |bucket, length| self.ago(bucket, *length))?;
        let (mut start, mut end) = (bucket.start, bucket.end);
        if let Some(longer) = moves.at_start {
            self.has(start, longer).then_some(())?;
            end = self.bucket(start, longer).0;
            // Without a window, the bucket of the output step that ends there.
            start = match bucket.step {
                Some(step) if self.has(end - 1, step) => self.bucket(end - 1, step).0,
                Some(_) => end,
                None => BEGINNING,
            };
        }
        Some(match moves.window {
            None => (start, end),
            Some(Window::All) => (BEGINNING, end),
            Some(Window::Last(length)) => (self.back(end, length), end),
            Some(Window::ToDate(step)) if self.has(end - 1, step) => (self.bucket(end - 1, step).0, end),
            // Nothing is to date.
            Some(Window::ToDate(_)) => (end, end),
        })
    }

    /// How many lengths fit into an interval: local days where it begins and ends with them.
    pub fn count(self, (start, end): (i64, i64), length: Length) -> f64 {
        let midnight = |ms: i64| self.midnight(self.date(ms)) == ms;
        match length {
            _ if start >= end => 0.0,
            Length::Elapsed(span) => end.saturating_sub(start) as f64 / span as f64,
            Length::Days(days) if midnight(start) && midnight(end) => {
                (self.date(end) - self.date(start)).num_days() as f64 / f64::from(days)
            }
            Length::Days(days) => (end - start) as f64 / (f64::from(days) * 86_400_000.0),
            Length::Months(_) | Length::Fiscal(_) => panic!("{length:?} is not of one length"),
        }
    }

    /// The buckets of a step that start in `[from, to)`, ascending.
    pub fn buckets(self, from: i64, to: i64, step: Step) -> Vec<Bucket> {
        let mut found = Vec::new();
        let mut at = from;
        while at < to {
            let (start, end) = self.bucket(at, step);
            if start >= from && self.has(start, step) {
                found.push(Bucket { start, end, step: Some(step) });
            }
            at = end;
        }
        found
    }
}

/// The same day of the month some months before, or that month's last.
fn clamped(day: NaiveDate, months: i32) -> NaiveDate {
    day.checked_sub_months(Months::new(months.unsigned_abs())).expect("a day of our times")
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDateTime;

    use super::*;

    const HOUR: i64 = 3_600_000;

    fn new_york() -> Calendar {
        Calendar { zone: chrono_tz::America::New_York, sunday: false }
    }

    /// An instant of UTC.
    fn utc(text: &str) -> i64 {
        NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").expect("an instant").and_utc().timestamp_millis()
    }

    fn bucket(at: &str, step: Step) -> Bucket {
        let (start, end) = new_york().bucket(utc(at), step);
        Bucket { start, end, step: Some(step) }
    }

    fn moved(bucket: Bucket, all: &[Move]) -> (i64, i64) {
        let moves = all.iter().fold(Moves::default(), |moves, one| moves.and(*one));
        new_york().interval(&moves, bucket)
    }

    fn span(from: &str, to: &str) -> (i64, i64) {
        (utc(from), utc(to))
    }

    #[test]
    fn a_window_of_days_keeps_its_time_of_the_day_over_a_clock_change() {
        let window = Move::Over(Window::Last(Length::Days(7)));
        // 9 March ends at 04:00 UTC, 3 March began at 05:00 UTC: 167 hours.
        assert_eq!(
            moved(bucket("2026-03-09 12:00", Step::Day), &[window]),
            span("2026-03-03 05:00", "2026-03-10 04:00")
        );
        // The bucket from 09:00 to 10:00 on 8 March ends 9 hours after midnight, the day before at 14:00 UTC.
        let day = Move::Over(Window::Last(Length::Days(1)));
        let hour = bucket("2026-03-08 13:10", Step::Subday(HOUR));
        assert_eq!(moved(hour, &[day]), span("2026-03-07 14:00", "2026-03-08 14:00"));
    }

    #[test]
    fn a_window_of_hours_is_elapsed_time() {
        let window = Move::Over(Window::Last(Length::Elapsed(6 * HOUR)));
        // From 00:00 to 01:00 after the clock change of 8 March: six hours back is 18:00 of the day before.
        let hour = bucket("2026-03-08 09:30", Step::Subday(HOUR));
        assert_eq!(moved(hour, &[window]), span("2026-03-08 04:00", "2026-03-08 10:00"));
    }

    #[test]
    fn a_window_of_a_month_ends_with_the_bucket_and_is_clamped() {
        let month = Move::Over(Window::Last(Length::Months(1)));
        // 30 March ends on the 31st, a month before is the last of February.
        assert_eq!(
            moved(bucket("2026-03-30 12:00", Step::Day), &[month]),
            span("2026-02-28 05:00", "2026-03-31 04:00")
        );
        assert_eq!(
            moved(bucket("2026-03-31 12:00", Step::Day), &[month]),
            span("2026-03-01 05:00", "2026-04-01 04:00")
        );
        // 30 March 2024: the last of February is the 29th.
        assert_eq!(
            moved(bucket("2024-03-30 12:00", Step::Day), &[month]),
            span("2024-02-29 05:00", "2024-03-31 04:00")
        );
    }

    #[test]
    fn to_date_begins_with_the_longer_bucket_that_holds_the_last_instant() {
        let month = Move::Over(Window::ToDate(Step::Month));
        assert_eq!(
            moved(bucket("2026-03-01 12:00", Step::Day), &[month]),
            span("2026-03-01 05:00", "2026-03-02 05:00")
        );
        assert_eq!(
            moved(bucket("2026-03-31 12:00", Step::Day), &[month]),
            span("2026-03-01 05:00", "2026-04-01 04:00")
        );
        // The week of 30 March ends on 5 April: its month is April.
        assert_eq!(
            moved(bucket("2026-03-31 12:00", Step::Week), &[month]),
            span("2026-04-01 04:00", "2026-04-06 04:00")
        );
    }

    #[test]
    fn months_ago_is_the_day_of_the_same_number_or_the_last() {
        let month = Move::Ago(Length::Months(1));
        for day in ["2026-03-28 12:00", "2026-03-29 12:00", "2026-03-31 12:00"] {
            assert_eq!(moved(bucket(day, Step::Day), &[month]), span("2026-02-28 05:00", "2026-03-01 05:00"), "{day}");
        }
        assert_eq!(
            moved(bucket("2026-03-05 12:00", Step::Month), &[month]),
            span("2026-02-01 05:00", "2026-03-01 05:00")
        );
        let year = Move::Ago(Length::Months(12));
        assert_eq!(moved(bucket("2024-02-29 12:00", Step::Day), &[year]), span("2023-02-28 05:00", "2023-03-01 05:00"));
    }

    #[test]
    fn days_ago_is_the_bucket_of_the_same_number() {
        let day = Move::Ago(Length::Days(1));
        let hour = Step::Subday(HOUR);
        // 9 March 09:00 in summer time is 13:00 UTC and the tenth hour; the tenth hour of 8 March begins at 14:00 UTC.
        assert_eq!(moved(bucket("2026-03-09 13:00", hour), &[day]), span("2026-03-08 14:00", "2026-03-08 15:00"));
        assert_eq!(moved(bucket("2026-03-08 13:00", hour), &[day]), span("2026-03-07 13:00", "2026-03-07 14:00"));
        // 2 November 01:00 (06:00 UTC): the second hour of 1 November too.
        assert_eq!(moved(bucket("2026-11-02 06:00", hour), &[day]), span("2026-11-01 05:00", "2026-11-01 06:00"));
        // 1 November has two hours that begin at 01:00: the second and the third of the day.
        assert_eq!(moved(bucket("2026-11-01 05:30", hour), &[day]), span("2026-10-31 05:00", "2026-10-31 06:00"));
        assert_eq!(moved(bucket("2026-11-01 06:30", hour), &[day]), span("2026-10-31 06:00", "2026-10-31 07:00"));
        // 9 March 23:00 is the 24th hour, which 8 March lacks: nothing.
        assert_eq!(moved(bucket("2026-03-10 03:00", hour), &[day]), span("2026-03-09 04:00", "2026-03-09 04:00"));
    }

    #[test]
    fn hours_ago_are_elapsed_and_weeks_keep_their_day() {
        let hours = Move::Ago(Length::Elapsed(24 * HOUR - HOUR));
        let hour = bucket("2026-03-09 13:00", Step::Subday(HOUR));
        assert_eq!(moved(hour, &[hours]), span("2026-03-08 14:00", "2026-03-08 15:00"));
        let week = Move::Ago(Length::Days(7));
        assert_eq!(
            moved(bucket("2026-03-10 12:00", Step::Week), &[week]),
            span("2026-03-02 05:00", "2026-03-09 04:00")
        );
    }

    #[test]
    fn at_start_ends_where_the_longer_bucket_begins() {
        let at = Move::AtStart(Step::Month);
        let all = Move::Over(Window::All);
        assert_eq!(moved(bucket("2026-03-15 12:00", Step::Day), &[at, all]), (BEGINNING, utc("2026-03-01 05:00")));
        let week = Move::Over(Window::Last(Length::Days(7)));
        assert_eq!(
            moved(bucket("2026-03-15 12:00", Step::Day), &[at, week]),
            span("2026-02-22 05:00", "2026-03-01 05:00")
        );
        // The month to date of the month before is all of it.
        let to_date = Move::Over(Window::ToDate(Step::Month));
        assert_eq!(
            moved(bucket("2026-03-15 12:00", Step::Day), &[at, to_date]),
            span("2026-02-01 05:00", "2026-03-01 05:00")
        );
        // Without a window: the last bucket of the output before it.
        assert_eq!(moved(bucket("2026-03-15 12:00", Step::Day), &[at]), span("2026-02-28 05:00", "2026-03-01 05:00"));
    }

    #[test]
    fn the_outer_shift_comes_first() {
        // 31 March, a month ago 28 February, a day before that 27 February.
        let (month, day) = (Move::Ago(Length::Months(1)), Move::Ago(Length::Days(1)));
        let last = bucket("2026-03-31 12:00", Step::Day);
        assert_eq!(moved(last, &[month, day]), span("2026-02-27 05:00", "2026-02-28 05:00"));
        assert_eq!(moved(last, &[day, month]), span("2026-02-28 05:00", "2026-03-01 05:00"));
    }

    #[test]
    fn without_a_step_the_ends_are_moved() {
        let (start, end) = span("2026-03-01 05:00", "2026-03-31 04:00");
        let asked = Bucket { start, end, step: None };
        assert_eq!(moved(asked, &[Move::Ago(Length::Days(7))]), span("2026-02-22 05:00", "2026-03-24 04:00"));
        assert_eq!(moved(asked, &[Move::Ago(Length::Months(1))]), span("2026-02-01 05:00", "2026-02-28 05:00"));
    }

    #[test]
    fn lengths_are_counted_by_the_clock_and_days_by_the_calendar() {
        let long = bucket("2026-11-01 12:00", Step::Day);
        let count = |length| new_york().count((long.start, long.end), length);
        assert_eq!((count(Length::Elapsed(HOUR)), count(Length::Days(1))), (25.0, 1.0));
        let month = bucket("2026-03-05 12:00", Step::Month);
        assert_eq!(new_york().count((month.start, month.end), Length::Days(1)), 31.0);
    }
}
