//! Days, parts and buckets of time, from the definition: every question is put to the zone's local clock.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Timelike};
use chrono_tz::Tz;

use super::super::model::Step;

const HOUR: i64 = 3_600_000;

/// A time zone and the first day of its weeks.
#[derive(Clone, Copy, Debug)]
pub struct Calendar {
    pub zone: Tz,
    pub sunday: bool,
}

impl Calendar {
    /// What a clock on the wall shows at an instant.
    pub fn wall(self, ms: i64) -> NaiveDateTime {
        DateTime::from_timestamp_millis(ms).expect("an instant of our times").with_timezone(&self.zone).naive_local()
    }

    pub fn date(self, ms: i64) -> NaiveDate {
        self.wall(ms).date()
    }

    /// The first instant of a local day: the least one whose local date is not before it.
    pub fn midnight(self, day: NaiveDate) -> i64 {
        let noon = i64::from(days(day)) * 24 * HOUR + 12 * HOUR;
        let (mut before, mut after) = (noon - 40 * HOUR, noon + 40 * HOUR);
        while after - before > 1 {
            let middle = before + (after - before) / 2;
            if self.date(middle) < day { before = middle } else { after = middle }
        }
        after
    }

    /// The first day of the bucket (of whole days) that holds `day`.
    pub fn first_day(self, day: NaiveDate, step: Step) -> NaiveDate {
        let mut first = day;
        let ends = |first: NaiveDate| match step {
            Step::Subday(_) | Step::Day => true,
            Step::Week => first.weekday() == if self.sunday { chrono::Weekday::Sun } else { chrono::Weekday::Mon },
            Step::Month => first.day() == 1,
            Step::Quarter => first.day() == 1 && first.month() % 3 == 1,
            Step::Year => first.ordinal() == 1,
            // A day without a step is alone.
            Step::Fiscal(step) => {
                let value = step.value(days(first));
                value.is_none() || step.value(days(first) - 1) != value
            }
        };
        while !ends(first) {
            first = first.pred_opt().expect("a day of our times");
        }
        first
    }

    /// Whether the day of an instant has a step: the declared calendar lacks it on some.
    pub fn has(self, ms: i64, step: Step) -> bool {
        match step {
            Step::Fiscal(step) => step.value(days(self.date(ms))).is_some(),
            _ => true,
        }
    }

    /// The bucket `[start, end)` that holds an instant; its day where the declared calendar has no step on it.
    pub fn bucket(self, ms: i64, step: Step) -> (i64, i64) {
        let day = self.date(ms);
        if let Step::Subday(size) = step {
            let (today, tomorrow) = (self.midnight(day), self.midnight(day.succ_opt().expect("a next day")));
            let start = today + (ms - today) / size * size;
            return (start, (start + size).min(tomorrow));
        }
        let first = self.first_day(day, step);
        let mut next = day.succ_opt().expect("a next day");
        while self.first_day(next, step) == first {
            next = next.succ_opt().expect("a next day");
        }
        (self.midnight(first), self.midnight(next))
    }

    /// 0..23
    pub fn hour(self, ms: i64) -> i64 {
        i64::from(self.wall(ms).hour())
    }
}

/// Days since 1970-01-01.
pub fn days(day: NaiveDate) -> i32 {
    day.num_days_from_ce() - 719_163
}

/// The day of a number of days since 1970-01-01.
pub fn day_of(days: i32) -> NaiveDate {
    NaiveDate::from_num_days_from_ce_opt(days + 719_163).expect("a day of our times")
}

/// The ISO week: weeks start on Monday, and the first has the year's first Thursday. Gives year and number.
pub fn iso_week(day: NaiveDate) -> (i64, i64) {
    let thursday = day + chrono::Duration::days(3 - i64::from(day.weekday().num_days_from_monday()));
    (i64::from(thursday.year()), i64::from(thursday.ordinal0()) / 7 + 1)
}

#[cfg(test)]
mod tests {
    use super::super::super::model::Fiscal;
    use super::*;

    fn new_york() -> Calendar {
        Calendar { zone: chrono_tz::America::New_York, sunday: false }
    }

    fn utc(text: &str) -> i64 {
        NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").expect("an instant").and_utc().timestamp_millis()
    }

    #[test]
    fn the_days_of_clock_changes_have_23_and_25_hours() {
        // Midnight of 8 March is 05:00 UTC, of 9 March (summer time) 04:00 UTC.
        assert_eq!(
            new_york().bucket(utc("2026-03-08 12:00"), Step::Day),
            (utc("2026-03-08 05:00"), utc("2026-03-09 04:00"))
        );
        assert_eq!(
            new_york().bucket(utc("2026-11-01 12:00"), Step::Day),
            (utc("2026-11-01 04:00"), utc("2026-11-02 05:00"))
        );
    }

    #[test]
    fn the_last_bucket_of_a_long_day_is_cut_at_midnight() {
        let four = Step::Subday(4 * HOUR);
        assert_eq!(
            new_york().bucket(utc("2026-11-02 04:30"), four),
            (utc("2026-11-02 04:00"), utc("2026-11-02 05:00"))
        );
    }

    #[test]
    fn weeks_quarters_and_years_start_at_local_midnight() {
        let calendar = Calendar { zone: chrono_tz::Asia::Kolkata, sunday: true };
        // 18:30 UTC is midnight in Kolkata; 28 December 2025 was a Sunday.
        let t = utc("2025-12-31 18:30");
        assert_eq!(calendar.bucket(t, Step::Week).0, utc("2025-12-27 18:30"));
        assert_eq!(calendar.bucket(t, Step::Quarter), (t, utc("2026-03-31 18:30")));
        assert_eq!(calendar.bucket(t - 1, Step::Year), (utc("2024-12-31 18:30"), t));
    }

    #[test]
    fn weeks_of_the_declared_calendar_end_with_their_value_and_at_missing_days() {
        let calendar = Calendar { zone: chrono_tz::UTC, sunday: false };
        let week = Step::Fiscal(Fiscal::Week);
        // The table begins on 27 November 2023 with a week of seven days, of which it lacks the second.
        assert!(calendar.has(utc("2023-11-27 12:00"), week) && !calendar.has(utc("2023-11-28 12:00"), week));
        assert!(!calendar.has(utc("2023-11-26 12:00"), week));
        assert_eq!(calendar.bucket(utc("2023-11-27 12:00"), week), (utc("2023-11-27 00:00"), utc("2023-11-28 00:00")));
        assert_eq!(calendar.bucket(utc("2023-12-01 12:00"), week), (utc("2023-11-29 00:00"), utc("2023-12-04 00:00")));
        // 1 January 2024 has no week, but a year.
        assert!(!calendar.has(utc("2024-01-01 12:00"), week));
        assert!(calendar.has(utc("2024-01-01 12:00"), Step::Fiscal(Fiscal::Year)));
    }

    #[test]
    fn iso_weeks_belong_to_the_year_of_their_thursday() {
        let day = |y, m, d| NaiveDate::from_ymd_opt(y, m, d).expect("a day");
        assert_eq!(iso_week(day(2025, 12, 29)), (2026, 1));
        assert_eq!(iso_week(day(2027, 1, 3)), (2026, 53));
    }
}
