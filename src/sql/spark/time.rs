//! The calendar. The zone is that of the session, which comes with the pipeline.

use sqlparser::ast::{BinaryOperator, Expr};

use super::unsupported;
use super::value::{cast_to, int};
use crate::plan::{DataType, Function, Step, Value};
use crate::sql::build::{self, binary, call, number};
use crate::sql::dialect::{Calendar, Call, Unsupported};
use crate::value::time::{self, DAY_MS};

type Result = std::result::Result<Expr, Unsupported>;

/// The local day of an instant.
pub fn local_day(time: Expr) -> Expr {
    cast_to(time, &DataType::Date)
}

/// That local times of the zone name one instant each, which texts without an offset need. Of one that is skipped the engine takes
/// another instant than we.
pub fn has_plain_days(calendar: Calendar) -> std::result::Result<(), Unsupported> {
    match time::grid(DAY_MS, calendar.zone) {
        Some(_) => Ok(()),
        None => Err(unsupported(
            &format!("the instant of a local time in {}", calendar.zone.name()),
            "clocks change in this zone, and of a time that they skip the engine takes another instant",
        )),
    }
}

pub fn date_of(call_: &Call) -> Result {
    Ok(local_day(call_.arg(0)))
}

/// A part of the calendar, of an instant or of a day.
pub fn part(call_: &Call) -> Result {
    let of = |name: &str| call(name, call_.args());
    let part = match call_.function {
        Function::HourOf => of("hour"),
        Function::DayOfWeek => binary(of("weekday"), BinaryOperator::Plus, number(1)),
        Function::DayOfYear => of("dayofyear"),
        Function::DayOf => of("day"),
        Function::WeekOf => of("weekofyear"),
        Function::IsoYear => call("date_part", vec![build::text("YEAROFWEEK"), call_.arg(0)]),
        Function::MonthOf => of("month"),
        Function::QuarterOf => of("quarter"),
        _ => of("year"),
    };
    Ok(cast_to(part, &DataType::Int))
}

/// Whole seconds, towards the past.
pub fn to_unix(call_: &Call) -> Result {
    Ok(call("unix_seconds", call_.args()))
}

pub fn truncate(call_: &Call) -> Result {
    let step = match call_.arguments.get(1).and_then(|argument| argument.literal) {
        Some(Value::String(text)) => Step::parse(text),
        _ => None,
    };
    let step = step.ok_or_else(|| unsupported("truncate", "its step is not a literal"))?;
    let bucket = bucket(call_.arg(0), step, call_.calendar)?;
    Ok(match step {
        Step::Subday(_) => bucket,
        _ => cast_to(bucket, &DataType::Timestamp),
    })
}

/// The bucket of an instant: of days and longer the first day.
pub fn bucket(time: Expr, step: Step, calendar: Calendar) -> Result {
    let first_of = |unit: &str| call("trunc", vec![local_day(time.clone()), build::text(unit)]);
    Ok(match step {
        Step::Subday(ms) => {
            let at = || call("unix_millis", vec![time.clone()]);
            let midnight = call("date_trunc", vec![build::text("DAY"), time.clone()]);
            let since = binary(at(), BinaryOperator::Minus, call("unix_millis", vec![midnight]));
            let rest = binary(build::nested(since), BinaryOperator::Modulo, int(ms));
            call("timestamp_millis", vec![binary(at(), BinaryOperator::Minus, rest)])
        }
        Step::Day => local_day(time),
        Step::Week => {
            let first = i64::from(calendar.week_start.0.num_days_from_monday());
            let since = binary(call("weekday", vec![time.clone()]), BinaryOperator::Plus, number(7 - first));
            let since = binary(build::nested(since), BinaryOperator::Modulo, number(7));
            call("date_sub", vec![local_day(time), since])
        }
        Step::Month => first_of("MONTH"),
        Step::Quarter => first_of("QUARTER"),
        Step::Year => first_of("YEAR"),
        Step::Declared(_) => {
            return Err(unsupported("a step of a declared calendar", "the engine does not know its days"));
        }
    })
}
