//! Local days of instants, fast: columns of instants mostly hold a few days, so each UTC day's segments are computed once.

use std::cell::RefCell;

use chrono::Offset;
use chrono_tz::Tz;

use crate::plan::time::{DAY_MS, Step, WeekStart, local};
use crate::table::form::days_of;

/// How many UTC days a calendar keeps.
const SLOTS: usize = 512;

/// The year 1 begins, with two days to spare for offsets.
const FIRST_INSTANT: i64 = -62_135_596_800_000 + 2 * DAY_MS;

/// The year 9999 ends, with two days to spare for offsets.
const LAST_INSTANT: i64 = 253_402_300_800_000 - 2 * DAY_MS;

/// A stretch of instants of one local day with one offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    /// The first instant.
    pub start: i64,
    /// The instant after the last.
    pub end: i64,
    /// The start of the local day.
    pub midnight: i64,
    /// The local day, in days since 1970-01-01.
    pub day: i32,
    /// Local wall-clock time minus UTC, in milliseconds.
    pub offset: i64,
    /// The start of the step's bucket (of the day, for steps below a day).
    pub bucket: i64,
}

/// What a calendar is for.
#[derive(Clone, Copy, PartialEq)]
struct Key {
    zone: Tz,
    step: Step,
    week_start: WeekStart,
}

/// The segments of the days seen lately.
struct Calendar {
    key: Key,
    slots: Vec<Option<(i64, Vec<Segment>)>>,
}

impl Calendar {
    fn new(key: Key) -> Calendar {
        Calendar { key, slots: vec![None; SLOTS] }
    }

    /// The segment that holds `ms`. Instants outside of the years 1 to 9999 count as the nearest one inside.
    fn segment(&mut self, ms: i64) -> Segment {
        let ms = ms.clamp(FIRST_INSTANT, LAST_INSTANT);
        let day = ms.div_euclid(DAY_MS);
        let slot = &mut self.slots[day.rem_euclid(SLOTS as i64) as usize];
        if slot.as_ref().is_none_or(|(known, _)| *known != day) {
            *slot = Some((day, segments(day, self.key)));
        }
        let found = slot.as_ref().and_then(|(_, segments)| segments.iter().find(|s| s.start <= ms && ms < s.end));
        found.copied().unwrap_or_else(|| single(ms, self.key))
    }
}

/// The segment of just one instant.
fn single(ms: i64, key: Key) -> Segment {
    let wall = local(ms, key.zone);
    let step = if let Step::Subday(_) = key.step { Step::Day } else { key.step };
    Segment {
        start: ms,
        end: ms.saturating_add(1),
        midnight: Step::Day.bucket(ms, key.zone, key.week_start),
        day: days_of(wall.date_naive()),
        offset: i64::from(wall.offset().fix().local_minus_utc()) * 1_000,
        bucket: step.bucket(ms, key.zone, key.week_start),
    }
}

/// The segments of a UTC day, in order, without gaps.
fn segments(day: i64, key: Key) -> Vec<Segment> {
    let mut found = Vec::with_capacity(2);
    let mut start = day * DAY_MS;
    let end = start + DAY_MS;
    while start < end {
        let mut segment = single(start, key);
        let same = |ms: i64| {
            let other = single(ms, key);
            (other.day, other.offset, other.midnight) == (segment.day, segment.offset, segment.midnight)
        };
        // The last instant of the segment: by halves, as a day or an offset ends only once within a stretch this short.
        let (mut last, mut beyond) = (start, end);
        if same(end - 1) {
            last = end - 1;
        }
        while last + 1 < beyond {
            let middle = last + (beyond - last) / 2;
            if same(middle) {
                last = middle;
            } else {
                beyond = middle;
            }
        }
        segment.end = last + 1;
        start = segment.end;
        found.push(segment);
    }
    found
}

thread_local! {
    /// The calendars used lately on this thread, the latest first.
    static CALENDARS: RefCell<Vec<Calendar>> = const { RefCell::new(Vec::new()) };
}

/// Calls `work` with a function from instants to their segments.
pub(super) fn with_segments<R>(
    zone: Tz,
    step: Step,
    week_start: WeekStart,
    work: impl FnOnce(&mut dyn FnMut(i64) -> Segment) -> R,
) -> R {
    let key = Key { zone, step, week_start };
    CALENDARS.with_borrow_mut(|calendars| {
        let place = calendars.iter().position(|calendar| calendar.key == key).unwrap_or_else(|| {
            calendars.truncate(7);
            calendars.push(Calendar::new(key));
            calendars.len() - 1
        });
        calendars.swap(0, place);
        let calendar = &mut calendars[0];
        work(&mut |ms| calendar.segment(ms))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MONDAY: WeekStart = WeekStart(chrono::Weekday::Mon);

    #[test]
    fn segments_agree_with_the_calendar_over_dst_changes_and_far_days() {
        for zone in [chrono_tz::America::New_York, chrono_tz::Asia::Kolkata, chrono_tz::Pacific::Apia, chrono_tz::UTC] {
            for start in ["2026-03-07 00:00:00", "2026-10-31 00:00:00", "2011-12-29 00:00:00", "1900-12-31 00:00:00"] {
                let from = crate::table::form::parse_timestamp(start, chrono_tz::UTC).unwrap();
                for step in [Step::Day, Step::Week, Step::Quarter] {
                    with_segments(zone, step, MONDAY, |segment| {
                        for k in 0..400 {
                            let ms = from + k * 617_001;
                            let found = segment(ms);
                            assert_eq!(found.bucket, step.bucket(ms, zone, MONDAY), "{zone} {ms}");
                            assert_eq!(found.midnight, Step::Day.bucket(ms, zone, MONDAY), "{zone} {ms}");
                            let wall = local(ms, zone);
                            assert_eq!(found.offset, i64::from(wall.offset().fix().local_minus_utc()) * 1_000);
                            assert_eq!(found.day, days_of(wall.date_naive()));
                        }
                    });
                }
            }
        }
    }

    #[test]
    fn the_ends_of_the_range_do_not_panic() {
        with_segments(chrono_tz::Asia::Shanghai, Step::Week, MONDAY, |segment| {
            for ms in [i64::MIN, i64::MIN + 1, -1, 0, i64::MAX - 1, i64::MAX] {
                let _ = segment(ms);
            }
        });
    }
}
