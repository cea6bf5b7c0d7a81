//! The calendar. Every function is told its zone; an instant is a `TIMESTAMPTZ`.

use sqlparser::ast::{BinaryOperator, DataType as Sql, DateTimeField, Expr, ExtractSyntax, TimezoneInfo};

use super::value::cast_to;
use crate::plan::{DataType, Function};
use crate::sql::build::{self, binary, call, nested, number};
use crate::sql::dialect::{Calendar, Call, Unsupported};

type Result = std::result::Result<Expr, Unsupported>;

/// `of AT TIME ZONE 'zone'`: an instant becomes a local time, a local time an instant.
fn in_zone(of: Expr, calendar: Calendar) -> Expr {
    Expr::AtTimeZone { timestamp: Box::new(nested(of)), time_zone: Box::new(build::text(calendar.zone.name())) }
}

/// The local day of an instant.
pub fn local_day(time: Expr, calendar: Calendar) -> Expr {
    cast_to(in_zone(time, calendar), &DataType::Date)
}

/// An instant of a local day: noon, which each day has once.
pub fn noon(day: Expr, calendar: Calendar) -> Expr {
    let midnight = build::cast(day, Sql::Timestamp(None, TimezoneInfo::None));
    let half = call("to_hours", vec![number(12)]);
    in_zone(binary(midnight, BinaryOperator::Plus, half), calendar)
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
        DataType::Timestamp => in_zone(call_.arg(0), call_.calendar),
        _ => call_.arg(0),
    };
    let part = Expr::Extract { field, syntax: ExtractSyntax::From, expr: Box::new(of) };
    Ok(cast_to(part, &DataType::Int))
}

/// Whole seconds, towards the past.
pub fn to_unix(call_: &Call) -> Result {
    let ms = call("epoch_ms", vec![call_.arg(0)]);
    let thousand = || number(1000);
    let rest = binary(ms.clone(), BinaryOperator::Modulo, thousand());
    let rest = binary(nested(binary(rest, BinaryOperator::Plus, thousand())), BinaryOperator::Modulo, thousand());
    Ok(call("divide", vec![binary(ms, BinaryOperator::Minus, nested(rest)), thousand()]))
}
