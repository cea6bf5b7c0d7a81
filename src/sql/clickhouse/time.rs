//! Buckets and parts of the calendar. Every function is told its zone; days are `Date32`, which knows days before 1970 too.

use sqlparser::ast::{BinaryOperator, Expr};

use super::value::zone;
use crate::plan::{DataType, Function, Step, Value};
use crate::sql::build::{binary, call, nested, number};
use crate::sql::dialect::{Calendar, Call, Unsupported};

/// The local day of an instant.
fn local_day(time: Expr, calendar: Calendar) -> Expr {
    call("toDate32", vec![time, zone(calendar)])
}

/// The first instant of a local day.
pub fn midnight(day: Expr, calendar: Calendar) -> Expr {
    call("toDateTime64", vec![day, number(3), zone(calendar)])
}

/// Days and longer are grouped by their first day, shorter steps by their start.
pub fn bucket_key(time: Expr, step: Step, calendar: Calendar) -> Expr {
    let part = |name: &str| call(name, vec![time.clone(), zone(calendar)]);
    let first = |month: Expr| call("makeDate32", vec![part("toYear"), month, number(1)]);
    match step {
        Step::Subday(ms) => {
            let milliseconds = |time: Expr| call("toUnixTimestamp64Milli", vec![time]);
            let start = milliseconds(midnight(local_day(time.clone(), calendar), calendar));
            let since = binary(milliseconds(time.clone()), BinaryOperator::Minus, start);
            call("subtractMilliseconds", vec![time, binary(since, BinaryOperator::Modulo, number(ms))])
        }
        Step::Day => local_day(time, calendar),
        Step::Week => {
            let weekday = call("toDayOfWeek", vec![time.clone(), number(0), zone(calendar)]);
            let first = calendar.week_start.0.number_from_monday();
            let back = match first {
                1 => binary(weekday, BinaryOperator::Minus, number(1)),
                _ => {
                    binary(binary(weekday, BinaryOperator::Plus, number(7 - first)), BinaryOperator::Modulo, number(7))
                }
            };
            call("subtractDays", vec![local_day(time, calendar), back])
        }
        Step::Month => first(part("toMonth")),
        Step::Quarter => {
            let month = binary(part("toQuarter"), BinaryOperator::Multiply, number(3));
            first(binary(month, BinaryOperator::Minus, number(2)))
        }
        Step::Year => first(number(1)),
        Step::Declared(step) => super::calendar::first_day(step, local_day(time, calendar)),
    }
}

/// See [`bucket_key`].
pub fn bucket_start(key: Expr, step: Step, calendar: Calendar) -> Expr {
    match step {
        Step::Subday(_) => key,
        _ => midnight(key, calendar),
    }
}

pub fn truncate(call_: &Call) -> Result<Expr, Unsupported> {
    let step = match call_.arguments.get(1).and_then(|argument| argument.literal) {
        Some(Value::String(text)) => Step::parse(text),
        _ => None,
    };
    let Some(step) = step else {
        return Err(Unsupported { construct: "truncate".to_owned(), reason: "its step is not a literal".to_owned() });
    };
    Ok(bucket_start(bucket_key(call_.arg(0), step, call_.calendar), step, call_.calendar))
}

/// The number of a bucket of days or longer: neighbours differ by 1.
pub fn bucket_number(time: Expr, step: Step, calendar: Calendar) -> Expr {
    use BinaryOperator::{Minus, Multiply, Plus};
    let key = bucket_key(time, step, calendar);
    let days = |key: Expr| call("toInt64", vec![call("toInt32", vec![key])]);
    let part = |name: &str, key: &Expr| call("toInt64", vec![call(name, vec![key.clone()])]);
    let of_year = |count: u8, part: Expr, key: &Expr| {
        let year = call("toInt64", vec![call("toYear", vec![key.clone()])]);
        binary(binary(year, Multiply, number(count)), Plus, part)
    };
    match step {
        // Of declared buckets nobody asks for a number.
        Step::Subday(_) | Step::Day | Step::Declared(_) => days(key),
        // The first day of 1970 was a Thursday.
        Step::Week => {
            let first = (calendar.week_start.0.num_days_from_monday() + 4) % 7;
            call("intDiv", vec![nested(binary(days(key), Minus, number(first))), number(7)])
        }
        Step::Month => of_year(12, part("toMonth", &key), &key),
        Step::Quarter => of_year(4, part("toQuarter", &key), &key),
        Step::Year => part("toYear", &key),
    }
}

pub fn date_of(call_: &Call) -> Result<Expr, Unsupported> {
    Ok(local_day(call_.arg(0), call_.calendar))
}

/// A part of the calendar, of an instant in its zone or of a day.
pub fn part(call_: &Call) -> Result<Expr, Unsupported> {
    let name = match call_.function {
        Function::HourOf => "toHour",
        Function::DayOfWeek => "toDayOfWeek",
        Function::DayOfYear => "toDayOfYear",
        Function::DayOf => "toDayOfMonth",
        Function::WeekOf => "toISOWeek",
        Function::IsoYear => "toISOYear",
        Function::MonthOf => "toMonth",
        Function::QuarterOf => "toQuarter",
        _ => "toYear",
    };
    let mut arguments = call_.args();
    if *call_.arg_type(0) == DataType::Timestamp {
        if call_.function == Function::DayOfWeek {
            arguments.push(number(0));
        }
        arguments.push(zone(call_.calendar));
    }
    Ok(call("toInt64", vec![call(name, arguments)]))
}

/// Whole seconds, towards the past.
pub fn to_unix(call_: &Call) -> Result<Expr, Unsupported> {
    let milliseconds = || call("toUnixTimestamp64Milli", vec![call_.arg(0)]);
    let rest = call("positiveModulo", vec![milliseconds(), number(1000)]);
    Ok(call("intDiv", vec![binary(milliseconds(), BinaryOperator::Minus, rest), number(1000)]))
}
