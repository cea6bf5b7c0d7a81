//! Instants where calendars go wrong: both clock changes, midnights, the ends of months, quarters and years.

use chrono::{LocalResult, NaiveDate, NaiveTime, TimeZone};
use chrono_tz::Tz;

use super::super::rng::Rng;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

/// Local days whose edges are worth a look.
const DAYS: &[(i32, u32, u32)] = &[
    (2026, 3, 8),
    (2026, 11, 1),
    (2026, 11, 2),
    (2025, 12, 29),
    (2026, 1, 1),
    (2025, 12, 31),
    (2026, 2, 28),
    (2024, 2, 29),
    (2026, 4, 1),
    (2026, 7, 1),
    (2026, 10, 31),
    (2026, 10, 4),
    (2027, 1, 3),
];

/// An instant near one of the days above; sometimes anywhere in 2026.
pub fn instant(rng: &mut Rng, zone: Tz) -> i64 {
    if rng.chance(15) {
        return 1_767_225_600_000 + rng.between(0, 365 * 24 * HOUR);
    }
    let (year, month, day) = *rng.pick(DAYS);
    near(rng, zone, NaiveDate::from_ymd_opt(year, month, day).expect("a day"))
}

/// Few days, so that buckets hold several rows.
pub fn crowded(rng: &mut Rng, zone: Tz) -> i64 {
    let (year, month, day) = *rng.pick(&DAYS[..3]);
    near(rng, zone, NaiveDate::from_ymd_opt(year, month, day).expect("a day"))
}

fn near(rng: &mut Rng, zone: Tz, day: NaiveDate) -> i64 {
    let midnight = match zone.from_local_datetime(&day.and_time(NaiveTime::MIN)) {
        LocalResult::Single(t) | LocalResult::Ambiguous(t, _) => t.timestamp_millis(),
        LocalResult::None => day.and_time(NaiveTime::MIN).and_utc().timestamp_millis(),
    };
    let offset = match rng.below(6) {
        0 => 0,
        1 => *rng.pick(&[-1, 1, 999, -1_000]),
        // Around the hour that is skipped or comes twice.
        2 => rng.between(0, 4) * HOUR + *rng.pick(&[-1, 0, 1, 30 * MINUTE, HOUR - 1]),
        3 => rng.between(-4, 24) * 15 * MINUTE,
        4 => rng.between(-30, 30) * HOUR,
        _ => rng.between(-26 * HOUR, 50 * HOUR),
    };
    midnight + offset
}

/// A whole second near `ms` whose wall-clock time names it alone.
pub fn literal(ms: i64, zone: Tz) -> i64 {
    let mut second = ms.div_euclid(1_000) * 1_000;
    loop {
        let wall =
            chrono::DateTime::from_timestamp_millis(second).unwrap_or_default().with_timezone(&zone).naive_local();
        match zone.from_local_datetime(&wall) {
            LocalResult::Single(_) => return second,
            _ => second += HOUR,
        }
    }
}
