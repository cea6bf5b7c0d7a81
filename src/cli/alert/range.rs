//! The time that is looked back at.

use super::super::Stop;
use super::super::answers::Fetcher;
use crate::error;
use crate::types::Model;
use crate::value::time::{midnight, parse_date, parse_timestamp};

/// How far a server is looked back at where nothing is said: 28 days.
const DEFAULT_MS: i64 = 28 * 86_400_000;

/// The years 1 to 9999 of any zone, in milliseconds.
const YEARS: std::ops::RangeInclusive<i64> = -62_135_683_200_000..=253_402_387_200_000;

/// From when on and until when, in milliseconds since 1970; none is as far as there are rows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Range {
    pub from: Option<i64>,
    pub to: Option<i64>,
}

impl Range {
    /// Of `--from` and `--to`; of a server that is asked the last four weeks where they are not said.
    pub fn of(from: Option<&str>, to: Option<&str>, model: &Model, fetcher: &mut Fetcher) -> Result<Range, Stop> {
        let from = from.map(|text| instant("--from", text, model, false)).transpose()?;
        let to = to.map(|text| instant("--to", text, model, true)).transpose()?;
        if let (Some(from), Some(to)) = (from, to)
            && from >= to
        {
            return Err(Range::no_time());
        }
        let Some(now) = fetcher.now()? else { return Ok(Range { from, to }) };
        let to = to.unwrap_or(now);
        let from = from.unwrap_or(to - DEFAULT_MS);
        if from < to { Ok(Range { from: Some(from), to: Some(to) }) } else { Err(Range::no_time()) }
    }

    /// That nothing is left between both ends.
    pub fn no_time() -> Stop {
        error!(E0888, None, "`--from` and `--to` leave no time to look back at";
            help: "let `--to` be later, and `--from` lie before the last row")
        .into()
    }
}

/// A time, or a day: its beginning or its end.
pub fn instant(option: &str, text: &str, model: &Model, is_end: bool) -> Result<i64, Stop> {
    let text = text.trim();
    let day = || {
        let days = parse_date(text)?.checked_add(i32::from(is_end))?;
        let day = chrono::NaiveDate::default().checked_add_signed(chrono::Duration::days(i64::from(days)))?;
        Some(midnight(day, model.zone))
    };
    let found = day().or_else(|| parse_timestamp(text, model.zone));
    found.filter(|ms| YEARS.contains(ms)).ok_or_else(|| {
        error!(E0955, None, "`{option} {text}` is not a day or time"; help: "write 2026-11-01 or \"2026-11-01 08:00:00\"")
            .into()
    })
}
