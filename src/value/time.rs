//! Steps of output time and their buckets, in the project's time zone.
//!
//! A step shorter than a day divides it and is anchored at local midnight: bucket k of a day is
//! `[midnight + k·step, midnight + (k+1)·step)`, cut at the next midnight, so a day of 23 or 25 hours has fewer or more
//! buckets. Midnight is the first instant of the local day.

use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveDateTime, NaiveTime, TimeZone};
use chrono_tz::Tz;

use super::declared::Declared;

/// Milliseconds of a day of 24 hours.
pub const DAY_MS: i64 = 86_400_000;

/// An output step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    /// Milliseconds: a divisor of a day, less than a day.
    Subday(i64),
    /// A local day.
    Day,
    /// Seven local days from the week's first day.
    Week,
    /// A month.
    Month,
    /// A quarter.
    Quarter,
    /// A year.
    Year,
    /// A step of a declared calendar.
    Declared(Declared),
}

/// The first day of a week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WeekStart(pub chrono::Weekday);

impl Step {
    /// The step of `ms` milliseconds, where it is a divisor of a day.
    pub fn subday(ms: i64) -> Option<Step> {
        match ms {
            DAY_MS => Some(Step::Day),
            _ if ms > 0 && ms < DAY_MS && DAY_MS % ms == 0 => Some(Step::Subday(ms)),
            _ => None,
        }
    }

    /// The text form: `1m`, `1d`, `1w`, `1month`, `1quarter`, `1year`, `fiscal.week`.
    pub fn text(self) -> String {
        match self {
            Step::Subday(ms) => {
                for (unit, size) in [("h", 3_600_000), ("m", 60_000), ("s", 1_000)] {
                    if ms % size == 0 {
                        return format!("{}{unit}", ms / size);
                    }
                }
                format!("{ms}ms")
            }
            Step::Day => "1d".to_owned(),
            Step::Week => "1w".to_owned(),
            Step::Month => "1month".to_owned(),
            Step::Quarter => "1quarter".to_owned(),
            Step::Year => "1year".to_owned(),
            Step::Declared(step) => step.text(),
        }
    }

    /// How long a bucket is at most, in milliseconds: a day has 24 hours, a month 31 days.
    pub fn about(self) -> i64 {
        match self {
            Step::Subday(ms) => ms,
            Step::Day => DAY_MS,
            Step::Week => 7 * DAY_MS,
            Step::Month => 31 * DAY_MS,
            Step::Quarter => 92 * DAY_MS,
            Step::Year | Step::Declared(_) => 366 * DAY_MS,
        }
    }

    /// A number that no other step has.
    pub fn place(self) -> usize {
        match self {
            Step::Day => 0,
            Step::Week => 1,
            Step::Month => 2,
            Step::Quarter => 3,
            Step::Year => 4,
            Step::Subday(ms) => 5 + usize::try_from(ms).unwrap_or_default(),
            // Behind all others; by its name, which tells the steps of a project apart.
            Step::Declared(step) => {
                let name = step.name();
                let hash = name.bytes().fold(0_usize, |hash, byte| (hash * 131 + usize::from(byte)) % 1_000_000_007);
                10 + DAY_MS as usize + hash
            }
        }
    }

    /// The step of a text form; of a declared calendar only with its runs.
    pub fn parse(text: &str) -> Option<Step> {
        match text {
            "1d" | "day" | "24h" => return Some(Step::Day),
            "1w" | "week" | "7d" => return Some(Step::Week),
            "1month" | "month" => return Some(Step::Month),
            "1quarter" | "quarter" | "3month" => return Some(Step::Quarter),
            "1year" | "year" | "12month" => return Some(Step::Year),
            "hour" => return Some(Step::Subday(3_600_000)),
            _ => {}
        }
        if let Some(step) = Declared::parse(text) {
            return Some(Step::Declared(step));
        }
        let digits = text.find(|c: char| !c.is_ascii_digit())?;
        let count: i64 = text[..digits].parse().ok()?;
        let size = match &text[digits..] {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => return None,
        };
        Step::subday(count.checked_mul(size)?)
    }

    /// Whether it is a step of a declared calendar.
    pub fn is_declared(self) -> bool {
        matches!(self, Step::Declared(_))
    }

    /// The start of the bucket that holds the instant `ms` (milliseconds since 1970 UTC). Of a declared calendar whose runs
    /// are not known, the start of its day.
    pub fn bucket(self, ms: i64, zone: Tz, week_start: WeekStart) -> i64 {
        let day = local_date(ms, zone);
        match self {
            Step::Subday(step) => {
                let midnight = midnight(day, zone);
                midnight + (ms - midnight).div_euclid(step) * step
            }
            _ => midnight(self.first_day(day, week_start), zone),
        }
    }

    /// The start of the bucket that holds an instant; none where a declared calendar has no step on its day.
    pub fn known_bucket(self, ms: i64, zone: Tz, week_start: WeekStart) -> Option<i64> {
        match self {
            Step::Declared(step) => step.first_day(local_date(ms, zone)).map(|day| midnight(day, zone)),
            _ => Some(self.bucket(ms, zone, week_start)),
        }
    }

    /// The end of the bucket that starts at `ms`, which is the start of the next one; a declared calendar may have days
    /// without a bucket in between.
    pub fn next(self, ms: i64, zone: Tz, week_start: WeekStart) -> i64 {
        let day = local_date(ms, zone);
        match self {
            Step::Subday(step) => {
                let tomorrow = midnight(day + Days::new(1), zone);
                (ms + step).min(tomorrow)
            }
            _ => {
                let first = self.first_day(day, week_start);
                let next = match self {
                    Step::Week => first + Days::new(7),
                    Step::Month => first + Months::new(1),
                    Step::Quarter => first + Months::new(3),
                    Step::Year => first + Months::new(12),
                    Step::Declared(step) => step.day_after(first).unwrap_or(first + Days::new(1)),
                    Step::Day | Step::Subday(_) => first + Days::new(1),
                };
                midnight(next, zone)
            }
        }
    }

    /// The first day of the bucket of whole days that holds `day`.
    fn first_day(self, day: NaiveDate, week_start: WeekStart) -> NaiveDate {
        match self {
            Step::Subday(_) | Step::Day => day,
            Step::Week => day - Days::new(u64::from(day.weekday().days_since(week_start.0))),
            Step::Month => day.with_day(1).unwrap_or(day),
            Step::Quarter => NaiveDate::from_ymd_opt(day.year(), (day.month0() / 3) * 3 + 1, 1).unwrap_or(day),
            Step::Year => NaiveDate::from_ymd_opt(day.year(), 1, 1).unwrap_or(day),
            Step::Declared(step) => step.first_day(day).unwrap_or(day),
        }
    }
}

/// The local wall-clock time of an instant. Instants outside of chrono's range are clamped to 1970.
pub fn local(ms: i64, zone: Tz) -> DateTime<Tz> {
    DateTime::from_timestamp_millis(ms).unwrap_or_default().with_timezone(&zone)
}

/// The local day of an instant.
pub fn local_date(ms: i64, zone: Tz) -> NaiveDate {
    local(ms, zone).date_naive()
}

/// The first instant of a local day, in milliseconds since 1970 UTC.
pub fn midnight(day: NaiveDate, zone: Tz) -> i64 {
    instant(day.and_time(NaiveTime::MIN), zone)
}

/// The instant of a local wall-clock time: the earlier one where it occurs twice; where it is skipped, the first instant
/// after the gap.
pub fn instant(wall: NaiveDateTime, zone: Tz) -> i64 {
    if let Some(found) = zone.from_local_datetime(&wall).earliest() {
        return found.timestamp_millis();
    }
    // Skipped: the offset before the gap puts the wall-clock time right behind it; walk back to the gap's end by minutes.
    let mut probe = wall;
    for _ in 0..(24 * 60) {
        let Some(next) = probe.checked_add_signed(chrono::Duration::minutes(1)) else { break };
        probe = next;
        if let Some(found) = zone.from_local_datetime(&probe).earliest() {
            let whole = probe.and_utc().timestamp() % 60;
            return found.timestamp_millis() - whole * 1_000 - i64::from(probe.and_utc().timestamp_subsec_millis());
        }
    }
    wall.and_utc().timestamp_millis()
}

/// Where in intervals of so many milliseconds (counted from 1970 UTC; a divisor of a day, or a day) the local midnights of a zone
/// lie, where all from the year 2000 to 2100 lie at one place: then such intervals are local ones, whatever the clocks do.
pub fn grid(interval: i64, zone: Tz) -> Option<i64> {
    let mut places = midnights(zone).into_iter().map(|place| place.rem_euclid(interval));
    let first = places.next()?;
    places.all(|place| place == first).then_some(first)
}

/// Where in a day of UTC the local midnights of a zone lie from the year 2000 to 2100, each place once.
fn midnights(zone: Tz) -> Vec<i64> {
    static KNOWN: Mutex<Vec<(Tz, Vec<i64>)>> = Mutex::new(Vec::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, places)) = known.iter().find(|(of, _)| *of == zone) {
        return places.clone();
    }
    // By weeks: no clock is changed for less.
    let first = NaiveDate::from_ymd_opt(2000, 1, 1).unwrap_or_default();
    let mut places: Vec<i64> =
        (0..5_218).map(|week| midnight(first + Days::new(7 * week), zone).rem_euclid(DAY_MS)).collect();
    places.sort_unstable();
    places.dedup();
    known.push((zone, places.clone()));
    places
}

/// The days since 1970 of a day written `2026-11-01`.
pub fn parse_date(text: &str) -> Option<i32> {
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|_| text.len() == 10)?;
    i32::try_from(day.signed_duration_since(NaiveDate::default()).num_days()).ok()
}

/// The instant of a time written `2026-11-01 08:00:00[.123]` in `zone`, or with `T`, and with `Z` or an offset behind it; a
/// bare day is its midnight.
pub fn parse_timestamp(text: &str, zone: Tz) -> Option<i64> {
    if let Some(days) = parse_date(text) {
        return Some(midnight(NaiveDate::default() + chrono::Duration::days(i64::from(days)), zone));
    }
    let iso = text.replacen(' ', "T", 1);
    if let Ok(found) = DateTime::parse_from_rfc3339(&iso) {
        return Some(found.timestamp_millis());
    }
    let wall = NaiveDateTime::parse_from_str(&iso, "%Y-%m-%dT%H:%M:%S%.f")
        .or_else(|_| NaiveDateTime::parse_from_str(&iso, "%Y-%m-%dT%H:%M"))
        .ok()?;
    Some(instant(wall, zone))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MONDAY: WeekStart = WeekStart(chrono::Weekday::Mon);

    fn at(text: &str, zone: Tz) -> i64 {
        instant(NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").unwrap(), zone)
    }

    #[test]
    fn a_day_over_a_dst_change_has_23_or_25_hours() {
        let zone = chrono_tz::America::New_York;
        for (day, hours) in [("2026-03-08", 23), ("2026-11-01", 25), ("2026-11-02", 24)] {
            let start = at(&format!("{day} 00:00:00"), zone);
            assert_eq!((Step::Day.next(start, zone, MONDAY) - start) / 3_600_000, hours, "{day}");
        }
    }

    #[test]
    fn steps_below_a_day_are_anchored_at_local_midnight() {
        let zone = chrono_tz::Asia::Kolkata;
        let t = at("2026-11-01 05:59:59", zone);
        assert_eq!(Step::Subday(6 * 3_600_000).bucket(t, zone, MONDAY), at("2026-11-01 00:00:00", zone));
        let zone = chrono_tz::America::New_York;
        // 04:30 local on a day of 25 hours is 5.5 hours after midnight.
        let t = at("2026-11-01 04:30:00", zone);
        let midnight = at("2026-11-01 00:00:00", zone);
        assert_eq!(Step::Subday(4 * 3_600_000).bucket(t, zone, MONDAY), midnight + 4 * 3_600_000);
        let last = midnight + 24 * 3_600_000;
        assert_eq!(Step::Subday(4 * 3_600_000).next(last, zone, MONDAY), midnight + 25 * 3_600_000);
    }

    #[test]
    fn calendar_buckets_start_at_local_midnight() {
        let zone = chrono_tz::Asia::Shanghai;
        let t = at("2026-11-22 23:00:00", zone);
        for (step, start) in [
            (Step::Day, "2026-11-22"),
            (Step::Week, "2026-11-16"),
            (Step::Month, "2026-11-01"),
            (Step::Quarter, "2026-10-01"),
            (Step::Year, "2026-01-01"),
        ] {
            assert_eq!(step.bucket(t, zone, MONDAY), at(&format!("{start} 00:00:00"), zone), "{step:?}");
        }
        assert_eq!(Step::Week.bucket(t, zone, WeekStart(chrono::Weekday::Sun)), at("2026-11-22 00:00:00", zone));
    }

    #[test]
    fn intervals_of_a_fixed_length_fit_a_zone_where_its_clocks_let_them() {
        let (hour, day) = (3_600_000, DAY_MS);
        for (interval, zone, place) in [
            (day, chrono_tz::Asia::Shanghai, Some(16 * hour)),
            (6 * hour, chrono_tz::Asia::Shanghai, Some(4 * hour)),
            (hour, chrono_tz::Asia::Kolkata, Some(hour / 2)),
            (day, chrono_tz::UTC, Some(0)),
            (day, chrono_tz::America::New_York, None),
            (6 * hour, chrono_tz::America::New_York, None),
            (hour, chrono_tz::America::New_York, Some(0)),
            (hour, chrono_tz::Australia::Lord_Howe, None),
        ] {
            assert_eq!(grid(interval, zone), place, "{interval} {zone}");
        }
    }

    #[test]
    fn the_text_form_reads_back() {
        for step in [Step::Subday(60_000), Step::Subday(90 * 60_000), Step::Subday(500), Step::Week, Step::Year] {
            assert_eq!(Step::parse(&step.text()), Some(step));
        }
        assert_eq!(Step::parse("7m"), None);
        assert_eq!(Step::parse("1440m"), Some(Step::Day));
    }

    #[test]
    fn a_skipped_midnight_gives_the_first_instant_of_the_day() {
        let zone = chrono_tz::America::Sao_Paulo;
        let day = NaiveDate::from_ymd_opt(2018, 11, 4).unwrap();
        assert_eq!(local(midnight(day, zone), zone).format("%H:%M").to_string(), "01:00");
    }
}
