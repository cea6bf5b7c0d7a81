//! The calendar of the world: days in Asia/Shanghai, which has had no daylight saving time since 1991.

use chrono::{DateTime, Datelike, Timelike};

/// Milliseconds of a second, minute, hour and day.
pub(super) const SECOND: i64 = 1_000;
pub(super) const MINUTE: i64 = 60 * SECOND;
pub(super) const HOUR: i64 = 60 * MINUTE;
pub(super) const DAY: i64 = 24 * HOUR;

/// Local time minus UTC.
const OFFSET: i64 = 8 * HOUR;

/// 2026-09-01 00:00 local, a Tuesday: where each world begins.
pub(super) const START: i64 = 20_697 * DAY - OFFSET;

/// How many sessions start in each local hour, relative to each other.
pub(super) const HOURS: [u32; 24] = [3, 2, 1, 1, 1, 1, 2, 4, 7, 9, 10, 10, 9, 8, 8, 9, 9, 9, 10, 13, 16, 17, 13, 8];

/// How busy each day of the week is, in percent, from Monday.
const WEEKDAYS: [u64; 7] = [92, 88, 90, 92, 100, 122, 116];

/// The start of day `day` of the world.
pub(super) fn midnight(day: u32) -> i64 {
    START + i64::from(day) * DAY
}

/// How busy day `day` of the world is, in percent.
pub(super) fn busy(day: u32) -> u64 {
    WEEKDAYS[((u64::from(day) + 1) % 7) as usize]
}

/// The local hour of an instant.
pub(super) fn hour(ms: i64) -> usize {
    ((ms + OFFSET).rem_euclid(DAY) / HOUR) as usize
}

/// Appends an instant as local time, `2026-11-01 08:00:00.000`.
pub(super) fn local_text(line: &mut String, ms: i64) {
    use std::fmt::Write;
    let t = DateTime::from_timestamp_millis(ms + OFFSET).unwrap_or_default();
    // writing to a String does not fail
    let _ = write!(
        line,
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{:03}",
        t.year(),
        t.month(),
        t.day(),
        t.hour(),
        t.minute(),
        t.second(),
        t.timestamp_subsec_millis()
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_world_begins_at_local_midnight_of_a_tuesday() {
        let mut text = String::new();
        local_text(&mut text, START);
        assert_eq!(text, "2026-09-01 00:00:00.000");
        assert_eq!((busy(0), busy(6)), (WEEKDAYS[1], WEEKDAYS[0]));
        assert_eq!(hour(START + 20 * HOUR + 59 * MINUTE), 20);
    }
}
