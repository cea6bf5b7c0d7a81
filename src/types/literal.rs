//! Literals: from text to values.
//!
//! A number without a point is an int where it fits one and a decimal of its digits otherwise; a number with a point, and
//! a percent, is a decimal of exactly its digits. What stands beside it may make it a float or a wider decimal
//! ([`super::ops`]); no literal ever passes through a float on its way to a decimal.

use chrono::{Datelike, NaiveDate};
use chrono_tz::Tz;

use crate::diagnostic::{Diagnostics, Span};
use crate::error;
use crate::syntax::ast::{self, DurationUnit};
use crate::value::{Value, time};

use super::type_name::MAX_DIGITS;
use super::{Sensitivity, Type, ValueType};

/// The value of a literal and what is known of it. Numbers have no unit yet: they take the other side's.
pub fn literal(literal: &ast::Literal, span: Span, zone: Tz, d: &mut Diagnostics) -> Option<(Value, ValueType)> {
    let plain = |value, ty| Some((value, ValueType::plain(ty)));
    match literal {
        ast::Literal::Number(text) => number(text, 0, span, d).map(|(value, ty)| (value, any_unit(ty))),
        ast::Literal::Percent(text) => {
            let (value, ty) = number(text, 2, span, d)?;
            plain(value, ty)
        }
        ast::Literal::String(text) => plain(Value::String(text.clone()), Type::String),
        ast::Literal::Bool(value) => plain(Value::Bool(*value), Type::Bool),
        ast::Literal::Null => Some((Value::Null, null_type())),
        ast::Literal::Duration(duration) => plain(Value::Duration(milliseconds(*duration, span, d)?), Type::Duration),
        ast::Literal::Date(text) => plain(Value::Date(date(text, span, d)?), Type::Date),
        ast::Literal::Timestamp(text) => plain(Value::Timestamp(timestamp(text, span, zone, d)?), Type::Timestamp),
    }
}

/// The value of `e` or `-e` as a `ty`, for a literal that must be of one type; none where it is not, or loses something.
pub(super) fn literal_as(expr: &ast::Expr, ty: &Type, zone: Tz) -> Option<Value> {
    let (negative, inner) = match &expr.kind {
        ast::ExprKind::Parenthesised(inner) => return literal_as(inner, ty, zone),
        ast::ExprKind::Unary { op, operand } if op.value == ast::UnaryOp::Negate => (true, operand.as_ref()),
        _ => (false, expr),
    };
    let ast::ExprKind::Literal(written) = &inner.kind else { return None };
    let signed = match written {
        ast::Literal::Number(text) if negative => &ast::Literal::Number(format!("-{text}")),
        ast::Literal::Percent(text) if negative => &ast::Literal::Percent(format!("-{text}")),
        other => other,
    };
    let (value, own) = literal(signed, inner.span, zone, &mut Diagnostics::new())?;
    match (value, &own.ty) {
        (Value::Null, _) => None,
        (Value::Duration(ms), Type::Duration) if own.ty == *ty => {
            Some(Value::Duration(if negative { -ms } else { ms }))
        }
        (value, Type::Int | Type::Decimal { .. }) => super::ops::convert(&value, &own.ty, ty),
        (value, own) => (own == ty && !negative).then_some(value),
    }
}

/// How a literal of a type is written, for a help text.
pub(super) fn example_of(ty: &Type) -> &'static str {
    match ty {
        Type::Bool => "`true` or `false`",
        Type::Int => "a whole number such as `42`",
        Type::Float | Type::Decimal { .. } => "a number such as `12.50`",
        Type::Date => "a day such as `date(\"2026-11-01\")`",
        Type::Timestamp => "a time such as `timestamp(\"2026-11-01 08:00:00\")`",
        Type::Duration => "a duration such as `5m`",
        _ => "a text in quotes such as `\"unknown\"`",
    }
}

/// What is known of a bare `null`.
pub fn null_type() -> ValueType {
    ValueType { ty: Type::Null, nullable: true, unit: None, sensitivity: Sensitivity::Public }
}

fn any_unit(ty: Type) -> ValueType {
    ValueType { unit: None, ..ValueType::plain(ty) }
}

/// `text` divided by `10^shift`.
fn number(text: &str, shift: u8, span: Span, d: &mut Diagnostics) -> Option<(Value, Type)> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits: String = [whole, fraction].concat();
    let significant = digits.trim_start_matches('0');
    let scale = fraction.len() + usize::from(shift);
    let value = if significant.is_empty() { Some(0) } else { significant.parse::<i128>().ok() };
    let (Some(value), true) = (value, significant.len().max(scale) <= usize::from(MAX_DIGITS)) else {
        d.push(error!(E0316, span, "`{text}` has more than {MAX_DIGITS} digits"; help: "write fewer digits"));
        return None;
    };
    Some(number_value(value, scale as u8))
}

/// The int or the narrowest decimal for `digits / 10^scale`.
pub(super) fn number_value(digits: i128, scale: u8) -> (Value, Type) {
    match i64::try_from(digits) {
        Ok(int) if scale == 0 => (Value::Int(int), Type::Int),
        _ => {
            let precision = digit_count(digits).max(scale).max(1);
            (Value::Decimal(digits), Type::Decimal { precision, scale })
        }
    }
}

/// The decimal digits of a number; 0 for 0.
pub(super) fn digit_count(number: i128) -> u8 {
    let mut rest = number.unsigned_abs();
    let mut count = 0;
    while rest > 0 {
        rest /= 10;
        count += 1;
    }
    count
}

/// The milliseconds of a duration of fixed length.
fn milliseconds(duration: ast::Duration, span: Span, d: &mut Diagnostics) -> Option<i64> {
    let size = match duration.unit {
        DurationUnit::Millisecond => 1,
        DurationUnit::Second => 1_000,
        DurationUnit::Minute => 60_000,
        DurationUnit::Hour => 3_600_000,
        DurationUnit::Day => time::DAY_MS,
        DurationUnit::Week => 7 * time::DAY_MS,
        DurationUnit::Month | DurationUnit::Quarter | DurationUnit::Year => {
            d.push(error!(E0319, span, "months, quarters and years have no fixed length";
                help: "write days such as `30d`, or compare `month(…)` and `year(…)`"));
            return None;
        }
    };
    let product = duration.count.checked_mul(size);
    if product.is_none() {
        d.push(
            error!(E0316, span, "this duration is longer than 64 bits of milliseconds"; help: "write a shorter one"),
        );
    }
    product
}

/// Days since 1970 of `2026-11-01`.
fn date(text: &str, span: Span, d: &mut Diagnostics) -> Option<i32> {
    let found = day(text);
    if found.is_none() {
        d.push(error!(E0318, span, "`{text}` is no day of the calendar"; help: "write it as `date(\"2026-11-01\")`"));
    }
    found.map(|day| day.num_days_from_ce() - NaiveDate::default().num_days_from_ce())
}

/// The instant of `2026-11-01 08:00:00` in the project's zone: the earlier one where that time occurs twice, the end of the
/// gap where it is skipped.
fn timestamp(text: &str, span: Span, zone: Tz, d: &mut Diagnostics) -> Option<i64> {
    let parts = text.split_once([' ', 'T']);
    let wall = parts.and_then(|(date, clock)| {
        let (hour, minute, second, milli) = time_of_day(clock)?;
        day(date)?.and_hms_milli_opt(hour, minute, second, milli)
    });
    if let Some(wall) = wall {
        return Some(time::instant(wall, zone));
    }
    // With `Z` or an offset behind it.
    let offset = parts.is_some_and(|(_, clock)| clock.contains(['Z', '+', '-']));
    if let Some(at) = time::parse_timestamp(text, zone).filter(|_| offset) {
        return Some(at);
    }
    let help = if parts.is_none() && day(text).is_some() {
        format!("write `timestamp(\"{text} 00:00:00\")`, or `date(\"{text}\")` for the day")
    } else {
        "write it as `timestamp(\"2026-11-01 08:00:00\")`, to the millisecond at most".to_owned()
    };
    d.push(error!(E0318, span, "`{text}` is no point in time"; help: help));
    None
}

/// `YYYY-MM-DD`
fn day(text: &str) -> Option<NaiveDate> {
    let bytes = text.as_bytes();
    if !text.is_ascii() || bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let (year, month, day) = (digits(&text[..4])?, digits(&text[5..7])?, digits(&text[8..])?);
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day).filter(|day| day.year() > 0)
}

/// `HH:MM`, `HH:MM:SS`, `HH:MM:SS.mmm`
fn time_of_day(text: &str) -> Option<(u32, u32, u32, u32)> {
    let (clock, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let parts: Vec<u32> =
        clock.split(':').map(|part| digits(part).filter(|_| part.len() == 2)).collect::<Option<_>>()?;
    if !(1..=3).contains(&fraction.len()) || (text.contains('.') && parts.len() != 3) {
        return None;
    }
    let milli = digits(fraction)? * 10_u32.pow(3 - fraction.len() as u32);
    match parts.as_slice() {
        [hour, minute] => Some((*hour, *minute, 0, milli)),
        [hour, minute, second] if *second < 60 => Some((*hour, *minute, *second, milli)),
        _ => None,
    }
}

fn digits(text: &str) -> Option<u32> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) { None } else { text.parse().ok() }
}
