//! The text forms of values: how a cell of a sample, of a test or of an answer is written.
//!
//! Every form reads back to the value it was made from.

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Timelike};
use chrono_tz::Tz;

use crate::plan::time::{instant, local};

/// Days from 0001-01-01 to 1970-01-01, as chrono counts them.
const EPOCH_DAYS: i32 = 719_163;

/// The most digits a decimal has.
pub const MAX_DIGITS: u8 = 38;

/// A float by its shortest digits that read back: plain from 1e-6 up to 1e21, with an exponent elsewhere.
pub fn float(value: f64) -> String {
    if value == 0.0 {
        return if value.is_sign_negative() { "-0".to_owned() } else { "0".to_owned() };
    }
    if !value.is_finite() || (1e-6..1e21).contains(&value.abs()) {
        return format!("{value}");
    }
    format!("{value:e}")
}

/// A decimal `digits / 10^scale`, with all digits of its scale.
pub fn decimal(digits: i128, scale: u8) -> String {
    let sign = if digits < 0 { "-" } else { "" };
    let width = usize::from(scale) + 1;
    let plain = format!("{:0>width$}", digits.unsigned_abs());
    let (whole, fraction) = plain.split_at(plain.len() - usize::from(scale));
    if scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// A date (days since 1970-01-01) as `2026-11-01`.
pub fn date(days: i32) -> String {
    day_of(days).map_or_else(|| days.to_string(), |day| day.format("%Y-%m-%d").to_string())
}

/// The calendar day of a count of days since 1970-01-01.
pub fn day_of(days: i32) -> Option<NaiveDate> {
    NaiveDate::from_num_days_from_ce_opt(days.checked_add(EPOCH_DAYS)?)
}

/// Days since 1970-01-01.
pub fn days_of(day: NaiveDate) -> i32 {
    day.num_days_from_ce() - EPOCH_DAYS
}

/// An instant as `2026-11-01 08:00:00.000` in `zone`.
pub fn timestamp(ms: i64, zone: Tz) -> String {
    local(ms, zone).format("%Y-%m-%d %H:%M:%S%.3f").to_string()
}

/// An instant as ISO 8601 with its offset in `zone`: `2026-11-01T08:00:00+08:00`, with milliseconds where it has some.
pub fn timestamp_iso(ms: i64, zone: Tz) -> String {
    let wall = local(ms, zone);
    let form = if ms.rem_euclid(1_000) == 0 { "%Y-%m-%dT%H:%M:%S%:z" } else { "%Y-%m-%dT%H:%M:%S%.3f%:z" };
    wall.format(form).to_string()
}

/// An instant for people: `2026-11-01 08:00`, with seconds and milliseconds only where it has some, and with the offset
/// where the wall clock shows this time twice.
pub fn timestamp_short(ms: i64, zone: Tz) -> String {
    let wall = local(ms, zone);
    let form = match (wall.second(), ms.rem_euclid(1_000)) {
        (0, 0) => "%Y-%m-%d %H:%M",
        (_, 0) => "%Y-%m-%d %H:%M:%S",
        _ => "%Y-%m-%d %H:%M:%S%.3f",
    };
    let twice = matches!(zone.from_local_datetime(&wall.naive_local()), chrono::LocalResult::Ambiguous(..));
    let offset = if twice { wall.format(" %:z").to_string() } else { String::new() };
    wall.format(form).to_string() + &offset
}

/// A span of time for people: `850ms`, `1.234s`, `2m 03s`, `1h 02m 03s`, `3d 04h 05m`.
pub fn duration_short(ms: i64) -> String {
    let sign = if ms < 0 { "-" } else { "" };
    let ms = ms.unsigned_abs();
    let (seconds, rest) = (ms / 1_000, ms % 1_000);
    let fraction = if rest == 0 { String::new() } else { format!(".{rest:03}") };
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match () {
        () if ms < 1_000 => format!("{sign}{ms}ms"),
        () if minutes == 0 => format!("{sign}{seconds}{fraction}s"),
        () if hours == 0 => format!("{sign}{minutes}m {:02}{fraction}s", seconds % 60),
        () if days == 0 => format!("{sign}{hours}h {:02}m {:02}{fraction}s", minutes % 60, seconds % 60),
        () => {
            let tail = if ms.is_multiple_of(60_000) { String::new() } else { format!(" {:02}{fraction}s", seconds % 60) };
            format!("{sign}{days}d {:02}h {:02}m{tail}", hours % 24, minutes % 60)
        }
    }
}

/// Reads a span of time as people write it: `500ms`, `1.5s`, `2m 03s`, `3d 04h 05m`.
pub fn parse_duration(text: &str) -> Option<i64> {
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let mut total: i64 = 0;
    let mut parts = 0;
    for part in text.split(' ') {
        let digits = part.find(|c: char| c.is_ascii_alphabetic())?;
        let size = match &part[digits..] {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 604_800_000,
            _ => return None,
        };
        // Thousandths of the unit, exactly; only seconds have any.
        let thousandths = i64::try_from(parse_decimal(&part[..digits], 18, 3).ok()?).ok()?;
        if part.starts_with(['+', '-']) || (size != 1_000 && thousandths % 1_000 != 0) {
            return None;
        }
        total = total.checked_add(thousandths.checked_mul(size)? / 1_000)?;
        parts += 1;
    }
    (parts > 0).then_some(if negative { -total } else { total })
}

/// Reads a bool: `true` or `false`.
pub fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// Reads an int of 64 bits: an optional sign and digits.
pub fn parse_int(text: &str) -> Option<i64> {
    text.parse().ok()
}

/// Reads a finite float: digits with an optional sign, point and exponent.
pub fn parse_float(text: &str) -> Option<f64> {
    // Rust's parser takes words such as `inf` too; a number has a digit or a point behind its sign.
    let first = text.trim_start_matches(['+', '-']).bytes().next()?;
    (first.is_ascii_digit() || first == b'.')
        .then(|| text.parse().ok())
        .flatten()
        .filter(|value: &f64| value.is_finite())
}

/// Why a text is no decimal of the wanted form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoDecimal {
    /// It is not a number.
    NotANumber,
    /// It has more digits behind the point than the scale.
    TooFine,
    /// It has more digits than the precision.
    TooLarge,
}

/// Reads a decimal of at most `precision` digits, `scale` of them behind the point, exactly; more digits are refused.
pub fn parse_decimal(text: &str, precision: u8, scale: u8) -> Result<i128, NoDecimal> {
    let (negative, unsigned) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let (whole, fraction) = match unsigned.split_once('.') {
        Some((_, "")) => return Err(NoDecimal::NotANumber),
        Some(parts) => parts,
        None => (unsigned, ""),
    };
    if whole.is_empty() || !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
        return Err(NoDecimal::NotANumber);
    }
    let fine = fraction.trim_end_matches('0');
    if fine.len() > usize::from(scale) {
        return Err(NoDecimal::TooFine);
    }
    let padding = usize::from(scale) - fine.len();
    let mut digits: i128 = 0;
    for digit in whole.bytes().chain(fine.bytes()).chain(std::iter::repeat_n(b'0', padding)) {
        digits =
            digits.checked_mul(10).and_then(|d| d.checked_add(i128::from(digit - b'0'))).ok_or(NoDecimal::TooLarge)?;
    }
    if digits >= power_of_ten(precision) {
        return Err(NoDecimal::TooLarge);
    }
    Ok(if negative { -digits } else { digits })
}

/// `10^exponent`; the largest value for exponents over 38.
pub fn power_of_ten(exponent: u8) -> i128 {
    10_i128.checked_pow(u32::from(exponent)).unwrap_or(i128::MAX)
}

/// Reads a day, `2026-11-01`, as days since 1970-01-01.
pub fn parse_date(text: &str) -> Option<i32> {
    calendar_day(text.as_bytes()).map(days_of)
}

/// Reads an instant: `2026-11-01 08:00:00[.123]` (or with `T`) in `zone`, or with an offset (`Z`, `+08:00`, `+0800`).
/// Digits below a millisecond are cut. A wall-clock time that occurs twice is the earlier one.
pub fn parse_timestamp(text: &str, zone: Tz) -> Option<i64> {
    let bytes = text.as_bytes();
    if bytes.len() < 19 || !matches!(bytes[10], b' ' | b'T') || bytes[13] != b':' || bytes[16] != b':' {
        return None;
    }
    let day = calendar_day(&bytes[..10])?;
    let (hour, minute, second) = (number(&bytes[11..13])?, number(&bytes[14..16])?, number(&bytes[17..19])?);
    let mut rest = &bytes[19..];
    let mut millis = 0;
    if let [b'.', tail @ ..] = rest {
        let length = tail.iter().take_while(|b| b.is_ascii_digit()).count();
        if length == 0 || length > 9 {
            return None;
        }
        millis = tail[..length].iter().chain(b"00").take(3).fold(0, |n, b| n * 10 + u32::from(b - b'0'));
        rest = &tail[length..];
    }
    let time = NaiveTime::from_hms_milli_opt(hour, minute, second, millis)?;
    let wall = NaiveDateTime::new(day, time);
    if rest.is_empty() {
        return Some(instant(wall, zone));
    }
    let offset = FixedOffset::east_opt(offset_seconds(rest)?)?;
    let found: DateTime<FixedOffset> = offset.from_local_datetime(&wall).single()?;
    Some(found.timestamp_millis())
}

/// `Z`, `+08:00` or `+0800` in seconds east of UTC.
fn offset_seconds(text: &[u8]) -> Option<i32> {
    let (sign, hours, minutes) = match text {
        [b'Z'] => return Some(0),
        [sign, h1, h2, b':', m1, m2] | [sign, h1, h2, m1, m2] => (sign, [*h1, *h2], [*m1, *m2]),
        _ => return None,
    };
    let (hours, minutes) = (number(&hours)?, number(&minutes)?);
    let seconds = i32::try_from(hours * 3_600 + minutes * 60).ok().filter(|_| minutes < 60)?;
    match sign {
        b'+' => Some(seconds),
        b'-' => Some(-seconds),
        _ => None,
    }
}

/// The day `2026-11-01`.
fn calendar_day(text: &[u8]) -> Option<NaiveDate> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text else { return None };
    let year = number(&[*y1, *y2, *y3, *y4])?;
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, number(&[*m1, *m2])?, number(&[*d1, *d2])?)
}

/// A number of decimal digits only.
fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |n, b| b.is_ascii_digit().then(|| n * 10 + u32::from(b - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono_tz::{America, Asia, UTC};

    #[test]
    fn floats_are_plain_in_the_usual_range() {
        for (value, text) in [
            (1.0, "1"),
            (-0.1, "-0.1"),
            (1e20, "100000000000000000000"),
            (1e21, "1e21"),
            (1e-6, "0.000001"),
            (1.5e-7, "1.5e-7"),
        ] {
            assert_eq!(float(value), text);
        }
        assert_eq!(float(0.1 + 0.2), "0.30000000000000004");
    }

    #[test]
    fn decimals_keep_all_digits_of_their_scale() {
        assert_eq!(decimal(150, 2), "1.50");
        assert_eq!(decimal(-5, 2), "-0.05");
        assert_eq!(decimal(0, 0), "0");
        assert_eq!(decimal(i128::from(i64::MAX) * 1_000_000, 6), "9223372036854775807.000000");
    }

    #[test]
    fn decimals_are_read_exactly_or_refused() {
        assert_eq!(parse_decimal("1.5", 18, 2), Ok(150));
        assert_eq!(parse_decimal("-0.050", 18, 2), Ok(-5));
        assert_eq!(parse_decimal("+7", 3, 0), Ok(7));
        assert_eq!(parse_decimal("1.505", 18, 2), Err(NoDecimal::TooFine));
        assert_eq!(parse_decimal("1000", 5, 2), Err(NoDecimal::TooLarge));
        assert_eq!(parse_decimal("99999999999999999999999999999999999999", 38, 0), Ok(power_of_ten(38) - 1));
        assert_eq!(parse_decimal("999999999999999999999999999999999999999999", 38, 0), Err(NoDecimal::TooLarge));
        for wrong in ["", "-", ".", "1.", ".5", "1e3", "1,000", " 1", "--1", "１"] {
            assert_eq!(parse_decimal(wrong, 18, 2), Err(NoDecimal::NotANumber), "{wrong:?}");
        }
    }

    #[test]
    fn timestamps_are_read_in_the_zone_or_with_their_offset() {
        let shanghai = Asia::Shanghai;
        let eight = 1_793_491_200_000;
        assert_eq!(parse_timestamp("2026-11-01 08:00:00", shanghai), Some(eight));
        assert_eq!(parse_timestamp("2026-11-01T08:00:00.25", shanghai), Some(eight + 250));
        assert_eq!(parse_timestamp("2026-11-01T00:00:00Z", shanghai), Some(eight));
        assert_eq!(parse_timestamp("2026-10-31T20:00:00-04:00", shanghai), Some(eight));
        assert_eq!(parse_timestamp("2026-11-01 05:30:00.999999+0530", shanghai), Some(eight + 999));
        for wrong in [
            "2026-11-01",
            "2026-11-01 08:00",
            "2026-11-01 24:00:00",
            "2026-02-30 00:00:00",
            "2026-11-01 08:00:00.",
            "2026-11-01 08:00:00 +08:00",
            "2026-11-01 08:00:00Q",
            "2026-11-01  8:00:00",
            "2026-11-0１ 08:00:00",
            "1793491200000",
        ] {
            assert_eq!(parse_timestamp(wrong, shanghai), None, "{wrong}");
        }
    }

    #[test]
    fn a_repeated_hour_is_told_by_its_offset() {
        let zone = America::New_York;
        let first = parse_timestamp("2026-11-01 01:30:00", zone).unwrap();
        assert_eq!(timestamp_iso(first, zone), "2026-11-01T01:30:00-04:00");
        assert_eq!(timestamp_short(first, zone), "2026-11-01 01:30 -04:00");
        assert_eq!(timestamp_short(first + 3_600_000, zone), "2026-11-01 01:30 -05:00");
        assert_eq!(timestamp_short(first + 7_200_500, zone), "2026-11-01 02:30:00.500");
        assert_eq!(parse_timestamp(&timestamp_iso(first + 3_600_000, zone), UTC), Some(first + 3_600_000));
        assert_eq!(timestamp(first, zone), "2026-11-01 01:30:00.000");
    }

    #[test]
    fn durations_are_short_for_people() {
        for (ms, text) in [
            (0, "0ms"),
            (850, "850ms"),
            (1_234, "1.234s"),
            (2_000, "2s"),
            (123_000, "2m 03s"),
            (3_723_500, "1h 02m 03.500s"),
            (-90_000, "-1m 30s"),
            (273_900_000, "3d 04h 05m"),
            (273_901_000, "3d 04h 05m 01s"),
        ] {
            assert_eq!(duration_short(ms), text);
            assert_eq!(parse_duration(text), Some(ms), "{text}");
        }
    }

    #[test]
    fn spans_of_time_need_units() {
        assert_eq!(parse_duration("2w"), Some(1_209_600_000));
        for wrong in ["", "5", "m", "1.5m", "5 m", "--5m", "+5m", "5x", "99999999999999999w"] {
            assert_eq!(parse_duration(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn floats_and_ints_are_strict() {
        assert_eq!(parse_float("1e3"), Some(1000.0));
        assert_eq!(parse_float("-.5"), Some(-0.5));
        for wrong in ["", "inf", "NaN", "1e999", " 1", "1_000", "--1"] {
            assert_eq!(parse_float(wrong), None, "{wrong}");
        }
        assert_eq!(parse_int("-9223372036854775808"), Some(i64::MIN));
        for wrong in ["", "9223372036854775808", "1.0", " 1", "0x1"] {
            assert_eq!(parse_int(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn dates_read_back() {
        for text in ["1970-01-01", "2026-02-28", "1899-12-31", "9999-12-31"] {
            assert_eq!(date(parse_date(text).unwrap()), text);
        }
        assert_eq!(parse_date("2026-2-28"), None);
        assert_eq!(parse_date("2026-02-29"), None);
    }
}
