//! The table of functions. What SQL leaves to the engine is a function of the dry run.

use sqlparser::ast::{BinaryOperator, Expr};

use super::value::type_name;
use crate::plan::{DataType, Function, Interval, Step};
use crate::sql::build::{self, binary, call, number};
use crate::sql::dialect::{Calendar, Call, Lowering, Unsupported};
use crate::sql::json;
use crate::sql::plain;

type Result = std::result::Result<Expr, Unsupported>;

/// How a function is printed.
pub fn lowering(function: Function) -> Lowering {
    use Function as F;
    match function {
        F::And => |c| Ok(build::all(c.args()).unwrap_or_else(|| build::boolean(true))),
        F::Or => |c| Ok(build::any(c.args()).unwrap_or_else(|| build::boolean(false))),
        F::Not => |c| Ok(build::not(c.arg(0))),
        F::Equal | F::NotEqual | F::Less | F::LessEqual | F::Greater | F::GreaterEqual => plain::compare,
        F::In => |c| match c.args().split_first() {
            Some((operand, list)) if !list.is_empty() => Ok(build::in_list(operand.clone(), list.to_vec())),
            _ => Ok(build::boolean(false)),
        },
        F::Like => |c| plain("mc_like", c),
        F::IsNull => |c| Ok(build::is_null(c.arg(0))),
        F::IsNotNull => |c| Ok(build::is_not_null(c.arg(0))),
        F::Coalesce => |c| plain("coalesce", c),
        F::NullIf => |c| plain("nullif", c),
        F::Add | F::Subtract => add,
        F::Multiply => |c| Ok(binary(c.arg(0), BinaryOperator::Multiply, c.arg(1))),
        F::Divide => divide,
        F::Modulo => |c| plain("mc_mod", c),
        F::Negate => |c| Ok(build::negate(c.arg(0))),
        F::Abs => abs,
        F::Round => |c| plain("mc_round", c),
        F::Floor => |c| plain("mc_floor", c),
        F::Ceil => |c| plain("mc_ceil", c),
        F::Sqrt => |c| floats("mc_sqrt", c),
        F::Ln => |c| floats("mc_ln", c),
        F::Exp => |c| floats("mc_exp", c),
        F::Power => |c| floats("mc_power", c),
        F::Above => |c| floats("mc_above", c),
        F::Erfc => |c| floats("mc_erfc", c),
        F::ChiSquaredTail => |c| floats("mc_chi_squared_tail", c),
        F::Least => |c| plain("least", c),
        F::Greatest => |c| plain("greatest", c),
        F::Lower => |c| plain("mc_lower", c),
        F::Upper => |c| plain("mc_upper", c),
        F::Trim => |c| plain("mc_trim", c),
        F::Length => |c| plain(if is_container(c) { "mc_size" } else { "mc_length" }, c),
        F::Substring => |c| plain("mc_substring", c),
        F::Concat => concat,
        F::Replace => |c| plain("mc_replace", c),
        F::StartsWith => |c| plain("mc_starts_with", c),
        F::EndsWith => |c| plain("mc_ends_with", c),
        F::Contains => |c| plain(if is_container(c) { "mc_has" } else { "mc_contains" }, c),
        F::Matches => |c| plain("mc_matches", c),
        F::SplitPart => |c| plain("mc_split_part", c),
        F::DateOf => |c| Ok(call("mc_date", vec![c.arg(0), zone(c.calendar)])),
        F::HourOf => |c| part("hour", c),
        F::DayOfWeek => |c| part("dow", c),
        F::DayOfYear => |c| part("doy", c),
        F::DayOf => |c| part("day", c),
        F::WeekOf => |c| part("week", c),
        F::IsoYear => |c| part("isoyear", c),
        F::MonthOf => |c| part("month", c),
        F::QuarterOf => |c| part("quarter", c),
        F::YearOf => |c| part("year", c),
        F::Truncate => truncate,
        F::ToUnix => to_unix,
        F::Cast => |c| cast(c.arg(0), c.arg_type(0), c.ty, c.calendar),
        F::JsonValue => json_value,
        F::Hash => |c| Ok(call("mc_hash", vec![to_text(c.arg(0), c.arg_type(0), c.calendar)])),
        F::Mask => |c| plain("mc_mask", c),
        F::Element => element,
    }
}

/// A function of an instant and an interval.
pub fn of_interval(
    name: &str,
    at: Expr,
    step: Step,
    interval: &Interval,
    calendar: Calendar,
    last: Option<Expr>,
) -> Expr {
    let week_start = number(calendar.week_start.0.number_from_monday());
    let mut arguments =
        vec![at, build::text(step.text()), build::text(interval.to_string()), zone(calendar), week_start];
    arguments.extend(last);
    call(name, arguments)
}

/// The bucket of an instant.
pub fn bucket(time: Expr, step: &str, calendar: Calendar) -> Expr {
    let week_start = calendar.week_start.0.number_from_monday();
    call("mc_bucket", vec![time, build::text(step), zone(calendar), number(week_start)])
}

/// The last bucket that begins at or before an instant.
pub fn last_bucket(time: Expr, step: &str, calendar: Calendar) -> Expr {
    call("mc_last_bucket", vec![time, build::text(step), zone(calendar)])
}

/// The number of a bucket of days or longer: neighbours differ by 1.
pub fn bucket_number(time: Expr, step: Step, calendar: Calendar) -> Expr {
    use BinaryOperator::{Divide, Minus, Multiply, Plus};
    let part = |name: &str| call("mc_part", vec![build::text(name), time.clone(), zone(calendar)]);
    let of_year = |count: u8, of: &str| binary(binary(part("year"), Multiply, number(count)), Plus, part(of));
    let days = |time: Expr| {
        let epoch = call("mc_date", vec![call("mc_ts", vec![number(0)]), build::text("UTC")]);
        let day = call("mc_date", vec![time, zone(calendar)]);
        binary(call("mc_diff_days", vec![day, epoch]), Divide, number(crate::value::time::DAY_MS))
    };
    match step {
        // Of declared buckets nobody asks for a number.
        Step::Subday(_) | Step::Day | Step::Declared(_) => days(time),
        // The first day of 1970 was a Thursday.
        Step::Week => {
            let first = (calendar.week_start.0.num_days_from_monday() + 4) % 7;
            let week = days(bucket(time, &step.text(), calendar));
            binary(build::nested(binary(week, Minus, number(first))), Divide, number(7))
        }
        Step::Month => of_year(12, "month"),
        Step::Quarter => of_year(4, "quarter"),
        Step::Year => part("year"),
    }
}

fn zone(calendar: Calendar) -> Expr {
    build::text(calendar.zone.name())
}

fn plain(name: &str, call_: &Call) -> Result {
    Ok(call(name, call_.args()))
}

/// Whether the first argument is a list or a map.
fn is_container(call: &Call) -> bool {
    matches!(call.arg_type(0), DataType::Array(_) | DataType::Map(_))
}

/// A function of floats.
fn floats(name: &str, call_: &Call) -> Result {
    Ok(call(name, (0..call_.arguments.len()).map(|at| float(call_, at)).collect()))
}

fn float(call_: &Call, at: usize) -> Expr {
    match call_.arg_type(at) {
        DataType::Float => call_.arg(at),
        _ => build::cast(call_.arg(at), type_name(&DataType::Float)),
    }
}

fn add(call_: &Call) -> Result {
    let minus = call_.function == Function::Subtract;
    let (left, right) = (call_.arg(0), call_.arg(1));
    let signed = |duration: Expr| if minus { build::negate(duration) } else { duration };
    Ok(match (call_.arg_type(0), call_.arg_type(1)) {
        (DataType::Timestamp, DataType::Timestamp) => call("mc_diff_ms", vec![left, right]),
        (DataType::Date, DataType::Date) => call("mc_diff_days", vec![left, right]),
        (DataType::Timestamp, _) => call("mc_add_ms", vec![left, signed(right)]),
        (_, DataType::Timestamp) => call("mc_add_ms", vec![right, left]),
        (DataType::Date, _) => call("mc_add_days", vec![left, signed(right)]),
        (_, DataType::Date) => call("mc_add_days", vec![right, left]),
        _ => binary(left, if minus { BinaryOperator::Minus } else { BinaryOperator::Plus }, right),
    })
}

fn divide(call_: &Call) -> Result {
    let divisor = call("nullif", vec![float(call_, 1), number("0.0")]);
    Ok(binary(float(call_, 0), BinaryOperator::Divide, divisor))
}

fn abs(call: &Call) -> Result {
    let x = call.arg(0);
    let negative = binary(x.clone(), BinaryOperator::Lt, number(0));
    Ok(build::case(vec![(negative, build::negate(x.clone()))], Some(x)))
}

/// The engine's `concat` skips nulls.
fn concat(call: &Call) -> Result {
    let joined = call.args().into_iter().reduce(|left, right| binary(left, BinaryOperator::StringConcat, right));
    Ok(joined.unwrap_or_else(|| build::text("")))
}

fn part(name: &str, call_: &Call) -> Result {
    Ok(call("mc_part", vec![build::text(name), call_.arg(0), zone(call_.calendar)]))
}

fn truncate(call: &Call) -> Result {
    match call.literal_text(1) {
        Some(step) => Ok(bucket(call.arg(0), step, call.calendar)),
        None => Err(Unsupported { construct: "truncate".to_owned(), reason: "its step is not a literal".to_owned() }),
    }
}

/// Whole seconds, towards the past.
fn to_unix(call_: &Call) -> Result {
    use BinaryOperator::{Divide, Minus, Modulo, Plus};
    let milliseconds = call("mc_diff_ms", vec![call_.arg(0), call("mc_ts", vec![number(0)])]);
    let rest = binary(milliseconds.clone(), Modulo, number(1000));
    let rest = binary(binary(rest, Plus, number(1000)), Modulo, number(1000));
    Ok(binary(binary(milliseconds, Minus, rest), Divide, number(1000)))
}

fn to_text(x: Expr, from: &DataType, calendar: Calendar) -> Expr {
    match from {
        DataType::String => x,
        _ => call("mc_cast_text", vec![x, zone(calendar)]),
    }
}

fn cast(x: Expr, from: &DataType, to: &DataType, calendar: Calendar) -> Result {
    Ok(match (from, to) {
        _ if from == to => x,
        (_, DataType::String) => to_text(x, from, calendar),
        (_, DataType::Bool) => call("mc_cast_bool", vec![x]),
        (DataType::Duration, DataType::Int) | (DataType::Int, DataType::Duration) => x,
        (_, DataType::Int) => call("mc_cast_int", vec![x]),
        (DataType::Int | DataType::Duration | DataType::Decimal { .. }, DataType::Float) => {
            build::cast(x, type_name(to))
        }
        (_, DataType::Float) => call("mc_cast_float", vec![x]),
        (_, DataType::Decimal { precision, scale }) => {
            if widens(from, *precision, *scale) {
                build::cast(x, type_name(to))
            } else {
                call("mc_cast_decimal", vec![x, number(precision), number(scale)])
            }
        }
        (DataType::Timestamp, DataType::Date) => call("mc_date", vec![x, zone(calendar)]),
        (_, DataType::Date) => call("mc_cast_date", vec![x]),
        (_, DataType::Timestamp) => call("mc_cast_timestamp", vec![x, zone(calendar)]),
        _ => {
            return Err(Unsupported {
                construct: "cast".to_owned(),
                reason: "there is no cast between these types; write the steps out".to_owned(),
            });
        }
    })
}

/// Whether every value of a type fits a decimal.
fn widens(from: &DataType, precision: u8, scale: u8) -> bool {
    let whole = precision.saturating_sub(scale);
    match from {
        DataType::Int => whole >= 19,
        DataType::Decimal { precision: had, scale: old } => scale >= *old && whole >= had.saturating_sub(*old),
        _ => false,
    }
}

fn json_value(call_: &Call) -> Result {
    let path = call_.literal_text(1).unwrap_or_default();
    match json::path(path) {
        Some(_) => plain("mc_json", call_),
        None => Err(Unsupported {
            construct: format!("json(…, \"{path}\")"),
            reason: "the path is not of the form `$.key[0]`".to_owned(),
        }),
    }
}

/// A map gives text.
fn element(call_: &Call) -> Result {
    let found = call("mc_element", call_.args());
    match call_.arg_type(0) {
        DataType::Map(item) => cast(found, &DataType::String, item, call_.calendar),
        _ => Ok(found),
    }
}
