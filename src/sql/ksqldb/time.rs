//! The calendar, by arithmetic on milliseconds: in zones whose clocks do not change.

use sqlparser::ast::{BinaryOperator, Expr};

use super::refusal;
use super::value::{int, when};
use crate::plan::{DataType, Step, Value};
use crate::sql::build::{self, binary};
use crate::sql::dialect::{Calendar, Call, Unsupported};
use crate::value::time::{self, DAY_MS};

type Result = std::result::Result<Expr, Unsupported>;

fn minus(a: Expr, b: Expr) -> Expr {
    binary(a, BinaryOperator::Minus, b)
}

fn plus(a: Expr, b: Expr) -> Expr {
    binary(a, BinaryOperator::Plus, b)
}

fn modulo(a: Expr, b: i64) -> Expr {
    binary(a, BinaryOperator::Modulo, int(b))
}

/// The rest of a division that is never negative.
fn rest(of: Expr, by: i64) -> Expr {
    modulo(plus(modulo(of, by), int(by)), by)
}

/// The quotient towards the past.
fn quotient(of: Expr, by: i64) -> Expr {
    binary(minus(of.clone(), rest(of, by)), BinaryOperator::Divide, int(by))
}

/// Where the intervals of a length begin, in milliseconds since 1970.
fn origin(length: i64, calendar: Calendar) -> std::result::Result<i64, Unsupported> {
    time::grid(length, calendar.zone).ok_or_else(|| {
        refusal(
            format!("intervals of {} in {}", Step::Subday(length).text(), calendar.zone.name()),
            "they are told by arithmetic, and the clocks of this zone change",
        )
    })
}

/// An instant, by where it lies in the days of a zone: that a local day begins at a multiple.
fn local(instant: Expr, calendar: Calendar) -> Result {
    let origin = origin(DAY_MS, calendar)?;
    Ok(if origin == 0 { instant } else { minus(instant, int(origin)) })
}

/// By how many days the day counted from `origin` is another than that of the calendar: east of Greenwich a day begins the day before.
fn shift(calendar: Calendar) -> i64 {
    let known = chrono::NaiveDate::from_ymd_opt(2000, 1, 1).unwrap_or_default();
    i64::from(known.to_epoch_days()) - time::midnight(known, calendar.zone).div_euclid(DAY_MS)
}

/// The local day of an instant, in days since 1970; null for null.
pub fn local_day(instant: Expr, calendar: Calendar) -> Result {
    let day = day(instant.clone(), calendar)?;
    Ok(when(build::is_not_null(instant), day))
}

/// The same of an instant that is known.
pub fn day(instant: Expr, calendar: Calendar) -> Result {
    let day = quotient(local(instant, calendar)?, DAY_MS);
    Ok(match shift(calendar) {
        0 => day,
        shift => plus(day, int(shift)),
    })
}

/// The first instant of a local day.
pub fn midnight(day: Expr, calendar: Calendar) -> Result {
    let start = origin(DAY_MS, calendar)? - shift(calendar) * DAY_MS;
    let ms = binary(day.clone(), BinaryOperator::Multiply, int(DAY_MS));
    Ok(when(build::is_not_null(day), plus(ms, int(start))))
}

pub fn date_of(call: &Call) -> Result {
    local_day(call.arg(0), call.calendar)
}

pub fn hour_of(call: &Call) -> Result {
    let of_day = rest(local(call.arg(0), call.calendar)?, DAY_MS);
    let hour = quotient(of_day, 3_600_000);
    Ok(when(build::is_not_null(call.arg(0)), hour))
}

/// Monday is 1.
pub fn day_of_week(call: &Call) -> Result {
    let day = match call.arg_type(0) {
        DataType::Timestamp => day(call.arg(0), call.calendar)?,
        _ => call.arg(0),
    };
    // 1970 began with a Thursday.
    Ok(when(build::is_not_null(call.arg(0)), plus(rest(plus(day, int(3)), 7), int(1))))
}

/// Whole seconds, towards the past.
pub fn to_unix(call: &Call) -> Result {
    Ok(when(build::is_not_null(call.arg(0)), quotient(call.arg(0), 1000)))
}

pub fn truncate(call: &Call) -> Result {
    let step = match call.arguments.get(1).and_then(|argument| argument.literal) {
        Some(Value::String(text)) => Step::parse(text),
        _ => None,
    };
    let step = step.ok_or_else(|| refusal("truncate", "its step is not a literal"))?;
    match step {
        Step::Subday(_) => Ok(when(build::is_not_null(call.arg(0)), bucket(call.arg(0), step, call.calendar)?)),
        _ => midnight(bucket(call.arg(0), step, call.calendar)?, call.calendar)
            .map(|made| when(build::is_not_null(call.arg(0)), made)),
    }
}

/// The bucket of an instant that is known: its start in milliseconds, of days and weeks the first day.
pub fn bucket(instant: Expr, step: Step, calendar: Calendar) -> Result {
    match step {
        Step::Subday(length) => {
            let origin = origin(length, calendar)?;
            let shifted = if origin == 0 { instant.clone() } else { minus(instant.clone(), int(origin)) };
            Ok(minus(instant, rest(shifted, length)))
        }
        Step::Day => day(instant, calendar),
        Step::Week => {
            let day = day(instant, calendar)?;
            let first = i64::from(calendar.week_start.0.num_days_from_monday());
            let since = rest(plus(day.clone(), int(3 - first)), 7);
            Ok(minus(day, since))
        }
        _ => Err(refusal(
            format!("buckets of {}", step.text()),
            "the engine has no calendar: count by days, which are put together",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::WeekStart;

    /// What the engine makes of whole numbers: `x` is an instant.
    fn evaluated(expr: &Expr, x: i64) -> i64 {
        match expr {
            Expr::Identifier(_) => x,
            Expr::Nested(within) | Expr::Cast { expr: within, .. } => evaluated(within, x),
            Expr::Value(value) => value.to_string().trim_matches('\'').parse().expect("a number"),
            Expr::BinaryOp { left, op, right } => {
                let (left, right) = (evaluated(left, x), evaluated(right, x));
                match op {
                    BinaryOperator::Plus => left + right,
                    BinaryOperator::Minus => left - right,
                    BinaryOperator::Multiply => left * right,
                    BinaryOperator::Divide => left / right,
                    BinaryOperator::Modulo => left % right,
                    other => panic!("{other}"),
                }
            }
            other => panic!("{other}"),
        }
    }

    #[test]
    fn buckets_are_those_of_the_calendar() {
        let zones = [
            chrono_tz::UTC,
            chrono_tz::Asia::Shanghai,
            chrono_tz::Asia::Kathmandu,
            chrono_tz::America::Phoenix,
            chrono_tz::Pacific::Kiritimati,
        ];
        for (zone, first) in
            zones.into_iter().flat_map(|zone| [(zone, chrono::Weekday::Mon), (zone, chrono::Weekday::Sat)])
        {
            let calendar = Calendar { zone, week_start: WeekStart(first) };
            for step in [Step::Subday(60_000), Step::Subday(6 * 3_600_000), Step::Day, Step::Week] {
                let made = bucket(build::ident_expr("x"), step, calendar).expect("a fixed offset");
                for at in (946_700_000_000..1_900_000_000_000_i64).step_by(7_919_777_123) {
                    let key = evaluated(&made, at);
                    let start = match step {
                        Step::Subday(_) => key,
                        _ => {
                            let day = i32::try_from(key).ok().and_then(chrono::NaiveDate::from_epoch_days);
                            time::midnight(day.expect("a day"), zone)
                        }
                    };
                    assert_eq!(start, step.bucket(at, zone, calendar.week_start), "{zone} {step:?} {at}");
                }
            }
        }
        let calendar = Calendar { zone: chrono_tz::Europe::Berlin, week_start: WeekStart(chrono::Weekday::Mon) };
        for (step, is_said) in [(Step::Subday(900_000), true), (Step::Subday(6 * 3_600_000), false), (Step::Day, false)]
        {
            assert_eq!(bucket(build::ident_expr("x"), step, calendar).is_ok(), is_said, "{step:?}");
        }
    }

    #[test]
    fn quotients_of_times_before_1970_are_floors() {
        for (of, by) in [(-1, 1000), (-1000, 1000), (-1001, 1000), (999, 1000), (0, 7), (-8, 7)] {
            assert_eq!(evaluated(&quotient(build::ident_expr("x"), by), of), of.div_euclid(by), "{of} {by}");
        }
    }
}
