//! The calendar. Every function is told its zone.

use sqlparser::ast::{BinaryOperator, DateTimeField, Expr, TimezoneInfo};

use super::tree::{extract, in_zone, interval};
use super::value::{cast_to, literal};
use crate::plan::{DataType, Function, Step, Value};
use crate::sql::build::{self, binary, call, cast, number};
use crate::sql::dialect::{Calendar, Call, Unsupported};
use crate::value::time::{self, DAY_MS};

type Result = std::result::Result<Expr, Unsupported>;

fn unsupported(construct: String, reason: &str) -> Unsupported {
    Unsupported { construct, reason: format!("ST5: {reason}") }
}

/// The local day of an instant.
pub fn local_day(time: Expr, calendar: Calendar) -> Expr {
    cast_to(in_zone(time, calendar.zone), &DataType::Date)
}

/// The first instant of a local day.
pub fn midnight(day: Expr, calendar: Calendar) -> Result {
    zoned(cast(day, local_type()), calendar)
}

/// A local time as a type: without a zone.
pub fn local_type() -> sqlparser::ast::DataType {
    sqlparser::ast::DataType::Timestamp(None, TimezoneInfo::None)
}

/// The instant of a local time. Of one that occurs twice the engine takes the later, and we the earlier.
pub fn zoned(local: Expr, calendar: Calendar) -> Result {
    match time::grid(DAY_MS, calendar.zone) {
        Some(_) => Ok(in_zone(local, calendar.zone)),
        None => Err(unsupported(
            format!("the instant of a local time in {}", calendar.zone.name()),
            "clocks change in this zone, and of an hour that occurs twice the engine takes the other one",
        )),
    }
}

pub fn date_of(call_: &Call) -> Result {
    Ok(local_day(call_.arg(0), call_.calendar))
}

/// A part of the calendar, of an instant in its zone or of a day.
pub fn part(call_: &Call) -> Result {
    let field = match call_.function {
        Function::HourOf => DateTimeField::Hour,
        Function::DayOfWeek => DateTimeField::Isodow,
        Function::DayOfYear => DateTimeField::Doy,
        Function::DayOf => DateTimeField::Day,
        Function::WeekOf => DateTimeField::Week(None),
        Function::IsoYear => DateTimeField::Isoyear,
        Function::MonthOf => DateTimeField::Month,
        Function::QuarterOf => DateTimeField::Quarter,
        _ => DateTimeField::Year,
    };
    let of = match call_.arg_type(0) {
        DataType::Timestamp => in_zone(call_.arg(0), call_.calendar.zone),
        _ => call_.arg(0),
    };
    Ok(cast_to(extract(field, of), &DataType::Int))
}

/// Whole seconds, towards the past.
pub fn to_unix(call_: &Call) -> Result {
    Ok(seconds(call_.arg(0)))
}

fn seconds(time: Expr) -> Expr {
    cast_to(call("floor", vec![extract(DateTimeField::Epoch, time)]), &DataType::Int)
}

pub fn truncate(call_: &Call) -> Result {
    let step = match call_.arguments.get(1).and_then(|argument| argument.literal) {
        Some(Value::String(text)) => Step::parse(text),
        _ => None,
    };
    let calendar = call_.calendar;
    match step {
        Some(Step::Subday(ms)) => {
            let origin = time::grid(ms, calendar.zone).ok_or_else(|| clocks(Step::Subday(ms), calendar))?;
            let origin = literal(&Value::Timestamp(origin), &DataType::Timestamp);
            Ok(call("date_bin", vec![interval(ms), call_.arg(0), origin]))
        }
        Some(step) => zoned(first_day(call_.arg(0), step, calendar)?, calendar),
        None => Err(unsupported("truncate".to_owned(), "its step is not a literal")),
    }
}

/// The first local midnight of a bucket of days or longer.
fn first_day(time: Expr, step: Step, calendar: Calendar) -> Result {
    let local = in_zone(time, calendar.zone);
    let unit = match step {
        Step::Subday(_) | Step::Day => "day",
        Step::Week => "week",
        Step::Month => "month",
        Step::Quarter => "quarter",
        Step::Year => "year",
        Step::Declared(_) => {
            let construct = "a step of a declared calendar".to_owned();
            return Err(unsupported(construct, "the engine does not know its days"));
        }
    };
    // The engine's weeks begin on Monday.
    let shift = i64::from(calendar.week_start.0.num_days_from_monday());
    let truncated = |local| call("date_trunc", vec![build::text(unit), local]);
    if step != Step::Week || shift == 0 {
        return Ok(truncated(local));
    }
    let shift = interval(shift * DAY_MS);
    let moved = binary(build::nested(local), BinaryOperator::Minus, shift.clone());
    Ok(binary(truncated(moved), BinaryOperator::Plus, shift))
}

fn clocks(step: Step, calendar: Calendar) -> Unsupported {
    unsupported(
        format!("buckets of {} in {}", step.text(), calendar.zone.name()),
        "windows have one length and one beginning, and the clocks of this zone change",
    )
}

/// Windows of one length, each of which lies in one bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// In milliseconds.
    pub length: i64,
    /// Where one begins, in milliseconds since 1970.
    pub origin: i64,
    /// Whether a bucket is one window; else it has several.
    pub whole: bool,
}

/// The longest windows for the buckets of a step. Where buckets differ in length (months, days on which clocks change) they are made of
/// windows of a day, or of an hour and less.
pub fn window(step: Step, calendar: Calendar) -> std::result::Result<Window, Unsupported> {
    let (zone, whole) = (calendar.zone, true);
    let of_days = time::grid(DAY_MS, zone);
    let own = match step {
        Step::Subday(length) => {
            let origin = time::grid(length, zone).ok_or_else(|| clocks(step, calendar))?;
            return Ok(Window { length, origin, whole });
        }
        Step::Day => of_days.map(|origin| Window { length: DAY_MS, origin, whole }),
        Step::Week => of_days.map(|_| {
            let length = 7 * DAY_MS;
            let known = time::midnight(first_week(calendar), zone);
            Window { length, origin: known.rem_euclid(length), whole }
        }),
        Step::Month | Step::Quarter | Step::Year => None,
        Step::Declared(_) => {
            return Err(unsupported("a step of a declared calendar".to_owned(), "the engine does not know its days"));
        }
    };
    let parts = [DAY_MS, 3_600_000, 1_800_000, 900_000].into_iter();
    let mut parts = parts.filter_map(|length| Some(Window { length, origin: time::grid(length, zone)?, whole: false }));
    own.or_else(|| parts.next()).ok_or_else(|| clocks(step, calendar))
}

/// The first day of a week of the year 2000, which began with a Saturday.
fn first_week(calendar: Calendar) -> chrono::NaiveDate {
    let monday = chrono::NaiveDate::from_ymd_opt(2000, 1, 3).unwrap_or_default();
    monday + chrono::Days::new(u64::from(calendar.week_start.0.num_days_from_monday()))
}

impl Window {
    /// Its length and, where it is not 0, its offset.
    pub fn arguments(self) -> Vec<Expr> {
        let offset = (self.origin != 0).then(|| interval(self.origin));
        [interval(self.length)].into_iter().chain(offset).collect()
    }

    /// The bucket of the window that begins at an instant: of days and longer their first day.
    pub fn bucket(self, start: Expr, step: Step, calendar: Calendar) -> Result {
        match step {
            Step::Subday(_) => Ok(start),
            Step::Day => Ok(local_day(start, calendar)),
            _ if self.whole => Ok(local_day(start, calendar)),
            _ => Ok(cast_to(first_day(start, step, calendar)?, &DataType::Date)),
        }
    }

    /// What tells the windows of a bucket apart.
    pub fn part(self, start: Expr) -> Expr {
        match self.whole {
            true => cast_to(number(0), &DataType::Int),
            false => seconds(start),
        }
    }
}

/// Milliseconds since 1970 as an instant.
pub fn instant(ms: Expr) -> Expr {
    let epoch = literal(&Value::Timestamp(0), &DataType::Timestamp);
    binary(epoch, BinaryOperator::Plus, build::nested(super::number::as_interval(ms)))
}
