//! Functions over instants and days, in the project's zone.

use chrono::{Datelike, NaiveDate};
use chrono_tz::Tz;
use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{DataFusionError, Result, exec_err};

use super::calendar::{Segment, with_segments};
use super::scalar::{Call, Definition, Kind, Returns, TIMESTAMP};
use crate::plan::time::{DAY_MS, Step, WeekStart, midnight};
use crate::table::form::day_of;

/// Weeks start on Monday where the function does not depend on it.
const MONDAY: WeekStart = WeekStart(chrono::Weekday::Mon);

pub(super) static FUNCTIONS: &[Definition] = &[
    Definition {
        name: "mc_bucket",
        takes: &[Kind::Timestamp, Kind::Text, Kind::Text, Kind::Int],
        optional: 0,
        returns: Returns::Type(|| TIMESTAMP),
        kernel: bucket,
    },
    Definition {
        name: "mc_last_bucket",
        takes: &[Kind::Timestamp, Kind::Text, Kind::Text],
        optional: 0,
        returns: Returns::Type(|| TIMESTAMP),
        kernel: last_bucket,
    },
    Definition {
        name: "mc_date",
        takes: &[Kind::Timestamp, Kind::Text],
        optional: 0,
        returns: Returns::Type(|| DataType::Date32),
        kernel: date,
    },
    Definition {
        name: "mc_part",
        takes: &[Kind::Text, Kind::Moment, Kind::Text],
        optional: 0,
        returns: Returns::Type(|| DataType::Int64),
        kernel: part,
    },
    Definition {
        name: "mc_add_ms",
        takes: &[Kind::Timestamp, Kind::Int],
        optional: 0,
        returns: Returns::Type(|| TIMESTAMP),
        kernel: |call| {
            let (at, ms) = (call.timestamp(0), call.int(1));
            call.timestamps(|row| Some(at.get(row)?.wrapping_add(ms.get(row)?)))
        },
    },
    Definition {
        name: "mc_diff_ms",
        takes: &[Kind::Timestamp, Kind::Timestamp],
        optional: 0,
        returns: Returns::Type(|| DataType::Int64),
        kernel: |call| {
            let (to, from) = (call.timestamp(0), call.timestamp(1));
            call.ints(|row| Some(to.get(row)?.wrapping_sub(from.get(row)?)))
        },
    },
    Definition {
        name: "mc_add_days",
        takes: &[Kind::Date, Kind::Int],
        optional: 0,
        returns: Returns::Type(|| DataType::Date32),
        kernel: |call| {
            let (day, ms) = (call.date(0), call.int(1));
            call.dates(|row| i32::try_from(i64::from(day.get(row)?) + ms.get(row)?.div_euclid(DAY_MS)).ok())
        },
    },
    Definition {
        name: "mc_diff_days",
        takes: &[Kind::Date, Kind::Date],
        optional: 0,
        returns: Returns::Type(|| DataType::Int64),
        kernel: |call| {
            let (to, from) = (call.date(0), call.date(1));
            call.ints(|row| Some((i64::from(to.get(row)?) - i64::from(from.get(row)?)) * DAY_MS))
        },
    },
    Definition {
        name: "mc_ts",
        takes: &[Kind::Int],
        optional: 0,
        returns: Returns::Type(|| TIMESTAMP),
        kernel: |call| {
            let ms = call.int(0);
            call.timestamps(|row| ms.get(row))
        },
    },
];

/// A zone by its IANA name.
pub(super) fn zone(name: &str) -> Result<Tz> {
    name.parse().map_err(|_| DataFusionError::Execution(format!("no time zone is named {name}")))
}

/// Maps each instant by its segment.
fn by_segment<T>(
    call: &Call,
    instants: usize,
    key: (Tz, Step, WeekStart),
    value: impl Fn(i64, &Segment) -> T,
    gather: impl FnOnce(&Call, &mut dyn FnMut(usize) -> Option<T>) -> Result<ArrayRef>,
) -> Result<ArrayRef> {
    let at = call.timestamp(instants);
    let (zone, step, week_start) = key;
    with_segments(zone, step, week_start, |segment| {
        let mut current = Segment { start: 0, end: 0, midnight: 0, day: 0, offset: 0, bucket: 0 };
        gather(call, &mut |row| {
            let ms = at.get(row)?;
            if ms < current.start || ms >= current.end {
                current = segment(ms);
            }
            Some(value(ms, &current))
        })
    })
}

/// `mc_bucket(ts, 'step', 'zone', week start 1..7)`
fn bucket(call: &Call) -> Result<ArrayRef> {
    let text = call.constant_text(1)?;
    let Some(step) = Step::parse(text) else { return exec_err!("{text} is no step") };
    let week_start = match u8::try_from(call.constant_int(3)? - 1).ok().map(chrono::Weekday::try_from) {
        Some(Ok(day)) => WeekStart(day),
        _ => return exec_err!("a week starts on a day from 1 to 7"),
    };
    let zone = zone(call.constant_text(2)?)?;
    if let Step::Subday(size) = step {
        // The segments are those of days: all steps below a day share them.
        let value = move |ms: i64, s: &Segment| s.midnight + (ms - s.midnight).div_euclid(size) * size;
        return by_segment(call, 0, (zone, Step::Day, MONDAY), value, |call, row| call.timestamps(row));
    }
    if let Step::Declared(step) = step {
        let first =
            memorised(move |day| day_of(day).and_then(|day| step.first_day(day)).map(|day| midnight(day, zone)));
        return of_days(call, zone, &first);
    }
    by_segment(call, 0, (zone, step, week_start), |_, s| s.bucket, |call, row| call.timestamps(row))
}

/// An instant for the local day of each instant.
fn of_days(call: &Call, zone: Tz, of_day: &dyn Fn(i32) -> Option<i64>) -> Result<ArrayRef> {
    let gather =
        |call: &Call, row: &mut dyn FnMut(usize) -> Option<Option<i64>>| call.timestamps(|at| row(at).flatten());
    by_segment(call, 0, (zone, Step::Day, MONDAY), |_, s| of_day(s.day), gather)
}

/// `mc_last_bucket(ts, 'step of a calendar', 'zone')`: the last bucket that begins at or before an instant.
fn last_bucket(call: &Call) -> Result<ArrayRef> {
    let text = call.constant_text(1)?;
    let Some(Step::Declared(step)) = Step::parse(text) else { return exec_err!("{text} is no step of a calendar") };
    let zone = zone(call.constant_text(2)?)?;
    let runs = step.runs().unwrap_or_default();
    let last = |day: i32| {
        let place = runs.partition_point(|(first, _)| *first <= day).checked_sub(1)?;
        Some(midnight(day_of(runs[place].0)?, zone))
    };
    of_days(call, zone, &last)
}

/// `mc_date(ts, 'zone')`
fn date(call: &Call) -> Result<ArrayRef> {
    let zone = zone(call.constant_text(1)?)?;
    by_segment(call, 0, (zone, Step::Day, MONDAY), |_, s| s.day, |call, row| call.dates(row))
}

/// `mc_part('part', ts or date, 'zone')`
fn part(call: &Call) -> Result<ArrayRef> {
    let name = call.constant_text(0)?;
    let zone = zone(call.constant_text(2)?)?;
    let key = (zone, Step::Day, MONDAY);
    if name == "hour" && *call.ty(1) == TIMESTAMP {
        let hour = |ms: i64, s: &Segment| (ms + s.offset).rem_euclid(DAY_MS) / 3_600_000;
        return by_segment(call, 1, key, hour, |call, row| call.ints(row));
    }
    let Some(part) = day_part(name) else { return exec_err!("{name} is no part of a time") };
    let of_day = memorised(move |day| day_of(day).map(part));
    if *call.ty(1) == DataType::Date32 {
        let day = call.date(1);
        return call.ints(|row| of_day(day.get(row)?));
    }
    by_segment(call, 1, key, |_, s| of_day(s.day), |call, row| call.ints(|r| row(r).flatten()))
}

/// Remembers the last result, as neighbours in a column mostly are of one day.
fn memorised(value: impl Fn(i32) -> Option<i64>) -> impl Fn(i32) -> Option<i64> {
    let last = std::cell::Cell::new(None);
    move |day| match last.get() {
        Some((known, found)) if known == day => found,
        _ => {
            let found = value(day);
            last.set(Some((day, found)));
            found
        }
    }
}

/// A part of a day by its name.
fn day_part(name: &str) -> Option<fn(NaiveDate) -> i64> {
    Some(match name {
        "dow" => |day| i64::from(day.weekday().number_from_monday()),
        "doy" => |day| i64::from(day.ordinal()),
        "day" => |day| i64::from(day.day()),
        "week" => |day| i64::from(day.iso_week().week()),
        "isoyear" => |day| i64::from(day.iso_week().year()),
        "month" => |day| i64::from(day.month()),
        "quarter" => |day| i64::from(day.month0() / 3 + 1),
        "year" => |day| i64::from(day.year()),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dry_run::functions::scalar::testing::{call, column, scalar, shown};
    use crate::table::form::{parse_timestamp, timestamp};
    use datafusion::arrow::array::{Array, AsArray, Date32Array, Int64Array, TimestampMillisecondArray};
    use datafusion::arrow::datatypes::TimestampMillisecondType;

    fn named(name: &str) -> &'static Definition {
        FUNCTIONS.iter().find(|function| function.name == name).unwrap()
    }

    fn instants(values: &[Option<i64>]) -> datafusion::logical_expr::ColumnarValue {
        column(TimestampMillisecondArray::from(values.to_vec()))
    }

    #[test]
    fn buckets_follow_local_days_over_a_dst_change() {
        let zone = chrono_tz::America::New_York;
        let at = |text| parse_timestamp(text, zone);
        let rows = [
            at("2026-11-01 00:30:00"),
            at("2026-11-01T01:30:00-05:00"),
            at("2026-11-01 23:59:59"),
            None,
            at("2026-11-02 00:00:00"),
        ];
        let buckets = |step: &str| {
            let arguments = vec![instants(&rows), scalar(step), scalar("America/New_York"), scalar(1_i64)];
            let found = call(named("mc_bucket"), arguments).unwrap();
            let found = found.as_primitive::<TimestampMillisecondType>().clone();
            found.iter().map(|ms| ms.map_or("null".to_owned(), |ms| timestamp(ms, zone))).collect::<Vec<_>>()
        };
        assert_eq!(
            buckets("1d"),
            [
                "2026-11-01 00:00:00.000",
                "2026-11-01 00:00:00.000",
                "2026-11-01 00:00:00.000",
                "null",
                "2026-11-02 00:00:00.000"
            ]
        );
        // The second 01:30 is two and a half hours after midnight; the 25th hour is a bucket of its own.
        assert_eq!(
            buckets("12h"),
            [
                "2026-11-01 00:00:00.000",
                "2026-11-01 00:00:00.000",
                "2026-11-01 23:00:00.000",
                "null",
                "2026-11-02 00:00:00.000"
            ]
        );
        assert_eq!(buckets("1month")[4], "2026-11-01 00:00:00.000");
        assert_eq!(buckets("1w")[4], "2026-11-02 00:00:00.000");
        assert_eq!(buckets("1w")[0], "2026-10-26 00:00:00.000");
    }

    #[test]
    fn every_bucket_is_that_of_the_plan() {
        let zone = chrono_tz::Asia::Kolkata;
        let rows: Vec<Option<i64>> = (-200..200).map(|k| Some(k * 76_543_219_870)).collect();
        for step in [
            Step::Subday(60_000),
            Step::Subday(6 * 3_600_000),
            Step::Day,
            Step::Week,
            Step::Month,
            Step::Quarter,
            Step::Year,
        ] {
            for first in 1..=7_u8 {
                let arguments = vec![
                    instants(&rows),
                    scalar(step.text().as_str()),
                    scalar("Asia/Kolkata"),
                    scalar(i64::from(first)),
                ];
                let found = call(named("mc_bucket"), arguments).unwrap();
                let found = found.as_primitive::<TimestampMillisecondType>();
                let start = WeekStart(chrono::Weekday::try_from(first - 1).unwrap());
                for (row, ms) in rows.iter().enumerate() {
                    assert_eq!(Some(found.value(row)), ms.map(|ms| step.bucket(ms, zone, start)), "{step:?} {ms:?}");
                }
            }
        }
    }

    #[test]
    fn parts_of_instants_and_days() {
        let zone = chrono_tz::America::New_York;
        let rows =
            [parse_timestamp("2026-11-01T01:30:00-05:00", zone), parse_timestamp("2027-01-02 23:59:59", zone), None];
        for (name, expected) in [
            ("hour", ["1", "23", "∅"]),
            ("dow", ["7", "6", "∅"]),
            ("doy", ["305", "2", "∅"]),
            ("day", ["1", "2", "∅"]),
            ("week", ["44", "53", "∅"]),
            ("isoyear", ["2026", "2026", "∅"]),
            ("month", ["11", "1", "∅"]),
            ("quarter", ["4", "1", "∅"]),
            ("year", ["2026", "2027", "∅"]),
        ] {
            let of_instants = vec![scalar(name), instants(&rows), scalar("America/New_York")];
            assert_eq!(shown(&call(named("mc_part"), of_instants).unwrap()), expected, "{name}");
            if name != "hour" {
                let days = call(named("mc_date"), vec![instants(&rows), scalar("America/New_York")]).unwrap();
                let of_days = vec![scalar(name), datafusion::logical_expr::ColumnarValue::Array(days), scalar("UTC")];
                assert_eq!(shown(&call(named("mc_part"), of_days).unwrap()), expected, "{name}");
            }
        }
    }

    #[test]
    fn instants_and_days_move_by_durations() {
        let one = |name: &str, arguments| shown(&call(named(name), arguments).unwrap());
        assert_eq!(
            one("mc_add_ms", vec![instants(&[Some(1), None]), scalar(-2_i64)]),
            ["1969-12-31T23:59:59.999", "∅"]
        );
        assert_eq!(one("mc_diff_ms", vec![instants(&[Some(1)]), instants(&[Some(5)])]), ["-4"]);
        let days = || column(Date32Array::from(vec![Some(0), None]));
        assert_eq!(one("mc_add_days", vec![days(), scalar(-DAY_MS)]), ["1969-12-31", "∅"]);
        assert_eq!(
            one("mc_diff_days", vec![days(), column(Date32Array::from(vec![Some(2), Some(2)]))]),
            ["-172800000", "∅"]
        );
        assert_eq!(one("mc_ts", vec![column(Int64Array::from(vec![Some(0), None]))]), ["1970-01-01T00:00:00", "∅"]);
    }

    #[test]
    fn wrong_arguments_are_errors_and_not_panics() {
        let at = || instants(&[Some(0)]);
        for (step, zone, first) in [("7m", "UTC", 1), ("1d", "Mars/Base", 1), ("1d", "UTC", 0), ("1d", "UTC", 8)] {
            assert!(call(named("mc_bucket"), vec![at(), scalar(step), scalar(zone), scalar(first as i64)]).is_err());
        }
        assert!(call(named("mc_part"), vec![scalar("eon"), at(), scalar("UTC")]).is_err());
        assert!(call(named("mc_date"), vec![scalar("x"), scalar("UTC")]).is_err());
        assert_eq!(
            call(named("mc_date"), vec![instants(&[Some(i64::MIN), Some(i64::MAX)]), scalar("Asia/Shanghai")])
                .unwrap()
                .len(),
            2
        );
    }
}
