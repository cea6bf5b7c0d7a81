//! The calendar. Every function is told its zone.

use sqlparser::ast::{DateTimeField, Expr, TimezoneInfo};

use super::tree::{extract, in_zone, interval};
use super::value::{cast_to, literal};
use crate::plan::{DataType, Function, Step, Value};
use crate::sql::build::{self, binary, call, cast};
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
    let seconds = call("floor", vec![extract(DateTimeField::Epoch, call_.arg(0))]);
    Ok(cast_to(seconds, &DataType::Int))
}

pub fn truncate(call_: &Call) -> Result {
    let step = match call_.arguments.get(1).and_then(|argument| argument.literal) {
        Some(Value::String(text)) => Step::parse(text),
        _ => None,
    };
    let calendar = call_.calendar;
    let local = || in_zone(call_.arg(0), calendar.zone);
    let first_of = |unit: &str| zoned(call("date_trunc", vec![build::text(unit), local()]), calendar);
    match step {
        Some(Step::Subday(ms)) => {
            let origin = origin(ms, Step::Subday(ms), calendar)?;
            let origin = literal(&Value::Timestamp(origin), &DataType::Timestamp);
            Ok(call("date_bin", vec![interval(ms), call_.arg(0), origin]))
        }
        Some(Step::Day) => first_of("day"),
        Some(Step::Week) => {
            // The engine's weeks begin on Monday.
            let shift = i64::from(calendar.week_start.0.num_days_from_monday());
            if shift == 0 {
                return first_of("week");
            }
            let shift = interval(shift * DAY_MS);
            let moved = binary(build::nested(local()), sqlparser::ast::BinaryOperator::Minus, shift.clone());
            let first = call("date_trunc", vec![build::text("week"), moved]);
            zoned(binary(first, sqlparser::ast::BinaryOperator::Plus, shift), calendar)
        }
        Some(Step::Month) => first_of("month"),
        Some(Step::Quarter) => first_of("quarter"),
        Some(Step::Year) => first_of("year"),
        Some(Step::Declared(_)) => {
            Err(unsupported("a step of a declared calendar".to_owned(), "the engine does not know its days"))
        }
        None => Err(unsupported("truncate".to_owned(), "its step is not a literal")),
    }
}

/// Where windows of one length begin, in milliseconds since 1970, so that each is a bucket of the step.
pub fn origin(length: i64, step: Step, calendar: Calendar) -> std::result::Result<i64, Unsupported> {
    let zone = calendar.zone;
    let first = time::grid(length.min(DAY_MS), zone).ok_or_else(|| {
        unsupported(
            format!("buckets of {} in {}", step.text(), zone.name()),
            "windows have one length and one beginning, and the clocks of this zone change",
        )
    })?;
    if step != Step::Week {
        return Ok(first);
    }
    // The first day of 1970 was a Thursday.
    let to_first = (i64::from(calendar.week_start.0.num_days_from_monday()) - 3).rem_euclid(7);
    Ok((first + to_first * DAY_MS).rem_euclid(length))
}

/// Milliseconds since 1970 as an instant.
pub fn instant(ms: Expr) -> Expr {
    let epoch = literal(&Value::Timestamp(0), &DataType::Timestamp);
    binary(epoch, sqlparser::ast::BinaryOperator::Plus, build::nested(super::number::as_interval(ms)))
}

/// An interval in milliseconds, and the offset of windows of it.
pub fn window(length: i64, origin: i64) -> Vec<Expr> {
    match origin {
        0 => vec![interval(length)],
        _ => vec![interval(length), interval(origin)],
    }
}

/// The bucket of a window that begins at an instant: days and longer are their first day.
pub fn bucket(start: Expr, step: Step, calendar: Calendar) -> Expr {
    match step {
        Step::Subday(_) => start,
        _ => local_day(start, calendar),
    }
}

/// How long the buckets of a step are, where all are as long.
pub fn length(step: Step) -> std::result::Result<i64, Unsupported> {
    match step {
        Step::Subday(ms) => Ok(ms),
        Step::Day => Ok(DAY_MS),
        Step::Week => Ok(7 * DAY_MS),
        Step::Month | Step::Quarter | Step::Year | Step::Declared(_) => Err(unsupported(
            format!("buckets of {}", step.text()),
            "windows have one length, and these buckets do not: a step of minutes, hours, days or weeks can be counted",
        )),
    }
}
