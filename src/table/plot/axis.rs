//! Times below a picture: at round ones, each written once.

use chrono::{Datelike, Days, Months, NaiveDate, NaiveDateTime};
use chrono_tz::Tz;
use unicode_width::UnicodeWidthStr;

use super::{CHARACTER, WIDTH, add};
use crate::value::time::{DAY_MS, instant, local, local_date, midnight};

/// How many times are written at most.
const MOST: usize = 8;
const MINUTE_MS: i64 = 60_000;
/// After how many minutes of the day.
const MINUTES: [u32; 11] = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720];
/// After how many days.
const DAYS: [i64; 4] = [1, 2, 7, 14];
/// After how many months.
const MONTHS: [u32; 4] = [1, 3, 6, 12];

/// Writes the times of a span below it, at a height; `x` tells where an instant is.
pub fn axis(body: &mut String, span: (i64, i64), zone: Tz, x: impl Fn(i64) -> f64, y: f64) {
    for (ms, text) in ticks(span, zone) {
        let half = text.width() as f64 * CHARACTER / 2.0;
        let at = x(ms).max(half + 2.0).min(WIDTH - half - 2.0);
        add(body, format_args!("<text class=\"faint middle\" x=\"{at:.1}\" y=\"{y:.1}\">{text}</text>"));
    }
}

/// Round local times of a span, at most eight, each with its text, which no other one has. Of a span without one its ends.
pub fn ticks((from, to): (i64, i64), zone: Tz) -> Vec<(i64, String)> {
    let written = |ms: i64, form: &str| (ms, local(ms, zone).format(form).to_string());
    let length = to.saturating_sub(from).max(0);
    let fits = |step: i64| length / step < MOST as i64;
    let all: Vec<(i64, String)> =
        if let Some(minutes) = MINUTES.into_iter().find(|one| fits(i64::from(*one) * MINUTE_MS)) {
            times(from, to, zone, minutes).into_iter().map(|ms| written(ms, "%m-%d %H:%M")).collect()
        } else if let Some(days) = DAYS.into_iter().find(|one| fits(one * DAY_MS)) {
            self::days(from, to, zone, days).into_iter().map(|ms| written(ms, "%Y-%m-%d")).collect()
        } else {
            // So many years that the longest span has few of them.
            let years = 1 + length / (366 * DAY_MS * MOST as i64);
            let few = MONTHS.into_iter().find(|one| fits(i64::from(*one) * 31 * DAY_MS));
            let months = few.unwrap_or_else(|| u32::try_from(12 * years).unwrap_or(12));
            let form = if months < 12 { "%Y-%m" } else { "%Y" };
            self::months(from, to, zone, months).into_iter().map(|ms| written(ms, form)).collect()
        };
    if all.len() >= 2 {
        return all;
    }
    let mut ends = vec![written(from, "%m-%d %H:%M:%S"), written(to, "%m-%d %H:%M:%S")];
    ends.dedup_by(|a, b| a.1 == b.1);
    ends
}

/// The times of a span at whole numbers of so many minutes after local midnight. Where clocks go back the second one of a time is left out.
fn times(from: i64, to: i64, zone: Tz, minutes: u32) -> Vec<i64> {
    let mut found = Vec::new();
    let mut day = local_date(from, zone);
    while midnight(day, zone) < to && found.len() <= 2 * MOST {
        let of = |minute: u32| instant(NaiveDateTime::from(day) + chrono::Duration::minutes(i64::from(minute)), zone);
        let of_day = (0..24 * 60).step_by(minutes as usize).map(of).filter(|ms| (from..to).contains(ms));
        found.extend(of_day);
        let Some(next) = day.checked_add_days(Days::new(1)) else { break };
        day = next;
    }
    // A time that is skipped is that of the next one.
    found.dedup();
    found
}

/// The midnights of a span, of each so many days; of weeks those of Mondays.
fn days(from: i64, to: i64, zone: Tz, every: i64) -> Vec<i64> {
    let monday = NaiveDate::from_ymd_opt(1970, 1, 5).unwrap_or_default();
    let mut found = Vec::new();
    let mut day = local_date(from, zone);
    while midnight(day, zone) < to {
        let of = day.signed_duration_since(monday).num_days();
        if of.rem_euclid(every) == 0 && midnight(day, zone) >= from {
            found.push(midnight(day, zone));
        }
        let Some(next) = day.checked_add_days(Days::new(1)) else { break };
        day = next;
    }
    found
}

/// The first days of a span's months, of each so many.
fn months(from: i64, to: i64, zone: Tz, every: u32) -> Vec<i64> {
    let first = local_date(from, zone);
    let mut found = Vec::new();
    let begin = first.year() as i64 * 12 + i64::from(first.month0());
    let mut month = begin - begin.rem_euclid(i64::from(every));
    loop {
        let day = i32::try_from(month.div_euclid(12)).ok().and_then(|year| NaiveDate::from_ymd_opt(year, 1, 1));
        let Some(day) = day.and_then(|day| day.checked_add_months(Months::new(month.rem_euclid(12) as u32))) else {
            break;
        };
        let at = midnight(day, zone);
        if at >= to {
            break;
        }
        if at >= from {
            found.push(at);
        }
        month += i64::from(every);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::time::parse_timestamp;

    fn texts(from: &str, to: &str, zone: Tz) -> Vec<String> {
        let at = |text| parse_timestamp(text, zone).expect("a time");
        ticks((at(from), at(to)), zone).into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn times_are_round_and_each_is_written_once() {
        let zone = chrono_tz::Asia::Shanghai;
        assert_eq!(texts("2026-11-01", "2026-11-05", zone), ["2026-11-01", "2026-11-02", "2026-11-03", "2026-11-04"]);
        assert_eq!(
            texts("2026-11-01", "2026-11-03", zone),
            ["11-01 00:00", "11-01 12:00", "11-02 00:00", "11-02 12:00"]
        );
        assert_eq!(texts("2026-11-01 10:07:00", "2026-11-01 12:00:00", zone).len(), 7);
        assert_eq!(texts("2026-11-01 10:07:00", "2026-11-01 12:00:00", zone)[0], "11-01 10:15");
        assert_eq!(texts("2026-10-05", "2026-11-02", zone), ["2026-10-05", "2026-10-12", "2026-10-19", "2026-10-26"]);
        assert_eq!(texts("2026-01-15", "2026-08-01", zone)[0], "2026-02");
        assert_eq!(
            texts("1990-01-01", "2026-01-01", zone),
            ["1990", "1995", "2000", "2005", "2010", "2015", "2020", "2025"]
        );
        assert_eq!(texts("2026-11-01 10:00:05", "2026-11-01 10:00:20", zone), ["11-01 10:00:05", "11-01 10:00:20"]);
    }

    #[test]
    fn no_time_is_written_twice_over_changes_of_clocks_and_in_any_span() {
        for zone in [chrono_tz::America::New_York, chrono_tz::America::Santiago, chrono_tz::Australia::Lord_Howe] {
            for start in ["2026-03-07", "2026-04-04", "2026-09-05", "2026-10-03", "2026-10-31", "0001-01-01"] {
                let from = parse_timestamp(start, zone).expect("a day");
                for length in [
                    1,
                    999,
                    61_000,
                    3_600_000,
                    7 * 3_600_000,
                    DAY_MS,
                    2 * DAY_MS,
                    9 * DAY_MS,
                    400 * DAY_MS,
                    9_000 * 366 * DAY_MS,
                ] {
                    let found = ticks((from, from + length), zone);
                    let mut texts: Vec<&String> = found.iter().map(|(_, text)| text).collect();
                    texts.sort_unstable();
                    texts.dedup();
                    assert_eq!(texts.len(), found.len(), "{zone} {start} {length}: {found:?}");
                    assert!((1..=MOST + 2).contains(&found.len()), "{zone} {start} {length}: {found:?}");
                    assert!(found.iter().all(|(ms, _)| (from..=from + length).contains(ms)), "{found:?}");
                }
            }
        }
    }
}
