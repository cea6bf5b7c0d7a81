//! Expressions, value by value, from the definition of the language.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDateTime, TimeZone};
use sha2::{Digest, Sha256};

use super::super::model::*;
use super::super::text;
use super::calendar::{self, Calendar, day_of};

/// Gives what is no operator: columns, measures, dimensions, the time.
pub trait Scope {
    fn atom(&self, expr: &Expr) -> Value;
    fn calendar(&self) -> Calendar;
}

/// The value of an expression.
pub fn eval(expr: &Expr, scope: &dyn Scope) -> Value {
    match &expr.node {
        Node::Literal(value) => value.clone(),
        Node::Case(branches, otherwise) => {
            let hit = branches.iter().find(|(condition, _)| truth(&eval(condition, scope)) == Some(true));
            match (hit, otherwise) {
                (Some((_, value)), _) => eval(value, scope),
                (None, Some(value)) => eval(value, scope),
                (None, None) => Value::Null,
            }
        }
        Node::Call(op, arguments) => call(expr, op, arguments, scope),
        _ => scope.atom(expr),
    }
}

/// A bool with null as none.
pub fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(b) => Some(*b),
        Value::Null => None,
        other => panic!("{other:?} is no condition"),
    }
}

fn tri(value: Option<bool>) -> Value {
    value.map_or(Value::Null, Value::Bool)
}

/// Which of two values that are not null is greater.
pub fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Int(a), Value::Int(b))
        | (Value::Timestamp(a), Value::Timestamp(b))
        | (Value::Duration(a), Value::Duration(b)) => a.cmp(b),
        (Value::Float(a), Value::Float(b)) => a.partial_cmp(b).expect("finite numbers"),
        (Value::Decimal(..), Value::Decimal(..)) => {
            let (a, b, _) = aligned(a, b);
            a.cmp(&b)
        }
        (Value::Str(a), Value::Str(b)) => a.as_bytes().cmp(b.as_bytes()),
        (Value::Date(a), Value::Date(b)) => a.cmp(b),
        (Value::Map(a), Value::Map(b)) => json_text(a).cmp(&json_text(b)),
        _ => panic!("{a:?} and {b:?} have two types"),
    }
}

/// Of a map, with sorted keys.
fn json_text(map: &BTreeMap<String, String>) -> String {
    serde_json::json!(map).to_string()
}

fn aligned(a: &Value, b: &Value) -> (i128, i128, u8) {
    match (a, b) {
        (Value::Decimal(a, s), Value::Decimal(b, t)) => {
            let scale = *s.max(t);
            (rescale(*a, *s, scale), rescale(*b, *t, scale), scale)
        }
        _ => panic!("{a:?} and {b:?} are no decimals"),
    }
}

/// The digits at another scale, half away from zero.
pub fn rescale(digits: i128, from: u8, to: u8) -> i128 {
    if to >= from {
        digits * 10i128.pow(u32::from(to - from))
    } else {
        divide_half_away(digits, 10i128.pow(u32::from(from - to)))
    }
}

fn divide_half_away(a: i128, b: i128) -> i128 {
    let (quotient, rest) = (a / b, a % b);
    if rest.abs() * 2 >= b { quotient + a.signum() } else { quotient }
}

/// A number or duration as a float64.
pub fn float(value: &Value) -> f64 {
    match value {
        Value::Int(i) | Value::Duration(i) => *i as f64,
        Value::Float(f) => *f,
        Value::Decimal(digits, scale) => *digits as f64 / 10f64.powi(i32::from(*scale)),
        other => panic!("{other:?} is no number"),
    }
}

fn call(expr: &Expr, op: &Op, arguments: &[Expr], scope: &dyn Scope) -> Value {
    let value = |i: usize| eval(&arguments[i], scope);
    match op {
        Op::And => return all(arguments, scope, true),
        Op::Or => return all(arguments, scope, false),
        Op::IsNull => return Value::Bool(value(0).is_null()),
        Op::IsNotNull => return Value::Bool(!value(0).is_null()),
        Op::Coalesce | Op::CoalesceCall => {
            return arguments.iter().map(|a| eval(a, scope)).find(|v| !v.is_null()).unwrap_or(Value::Null);
        }
        Op::If => return if truth(&value(0)) == Some(true) { value(1) } else { value(2) },
        Op::Least | Op::Greatest => {
            let values = arguments.iter().map(|a| eval(a, scope)).filter(|v| !v.is_null());
            let best = if *op == Op::Least { values.min_by(compare) } else { values.max_by(compare) };
            return best.unwrap_or(Value::Null);
        }
        Op::NullIf => {
            let (a, b) = (value(0), value(1));
            let same = !a.is_null() && !b.is_null() && compare(&a, &b) == Ordering::Equal;
            return if same { Value::Null } else { a };
        }
        Op::In | Op::NotIn => {
            let found = is_in(&value(0), arguments[1..].iter().map(|a| eval(a, scope)));
            return tri(if *op == Op::In { found } else { found.map(|b| !b) });
        }
        Op::Between | Op::NotBetween => {
            let (x, low, high) = (value(0), value(1), value(2));
            let inside = and(order(&x, &low).map(Ordering::is_ge), order(&x, &high).map(Ordering::is_le));
            return tri(if *op == Op::Between { inside } else { inside.map(|b| !b) });
        }
        _ => {}
    }
    let values: Vec<Value> = arguments.iter().map(|a| eval(a, scope)).collect();
    if values.iter().any(Value::is_null) {
        return Value::Null;
    }
    match &values[..] {
        [a] => unary(expr, op, a, scope.calendar()),
        [a, b] => binary(op, a, b),
        _ => many(op, &values),
    }
}

/// `and` where `unit` is true, `or` where it is false: three-valued.
fn all(arguments: &[Expr], scope: &dyn Scope, unit: bool) -> Value {
    let mut result = Some(unit);
    for argument in arguments {
        match truth(&eval(argument, scope)) {
            Some(b) if b != unit => return Value::Bool(b),
            Some(_) => {}
            None => result = None,
        }
    }
    tri(result)
}

fn and(a: Option<bool>, b: Option<bool>) -> Option<bool> {
    match (a, b) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

fn order(a: &Value, b: &Value) -> Option<Ordering> {
    if a.is_null() || b.is_null() { None } else { Some(compare(a, b)) }
}

fn is_in(x: &Value, list: impl Iterator<Item = Value>) -> Option<bool> {
    let mut result = Some(false);
    for item in list {
        match order(x, &item) {
            Some(Ordering::Equal) => return Some(true),
            Some(_) => {}
            None => result = None,
        }
    }
    result
}

fn unary(expr: &Expr, op: &Op, a: &Value, calendar: Calendar) -> Value {
    match (op, a) {
        (Op::Not, Value::Bool(b)) => Value::Bool(!b),
        (Op::Negate, Value::Int(i)) => Value::Int(i.wrapping_neg()),
        (Op::Negate, Value::Float(f)) => Value::Float(-f),
        (Op::Negate, Value::Decimal(d, s)) => Value::Decimal(-d, *s),
        (Op::Negate, Value::Duration(d)) => Value::Duration(-d),
        (Op::Abs, Value::Int(i)) => Value::Int(i.wrapping_abs()),
        (Op::Abs, Value::Float(f)) => Value::Float(f.abs()),
        (Op::Abs, Value::Decimal(d, s)) => Value::Decimal(d.abs(), *s),
        (Op::Abs, Value::Duration(d)) => Value::Duration(d.abs()),
        (Op::Round | Op::Floor | Op::Ceil | Op::RoundTo(_), Value::Int(_)) => a.clone(),
        (Op::Round, Value::Float(f)) => Value::Float(f.round()),
        (Op::Floor, Value::Float(f)) => Value::Float(f.floor()),
        (Op::Ceil, Value::Float(f)) => Value::Float(f.ceil()),
        (Op::Round, Value::Decimal(d, s)) => Value::Decimal(rescale(rescale(*d, *s, 0), 0, *s), *s),
        (Op::RoundTo(n), Value::Decimal(d, s)) if n < s => Value::Decimal(rescale(rescale(*d, *s, *n), *n, *s), *s),
        (Op::RoundTo(_), Value::Decimal(..)) => a.clone(),
        (Op::Floor, Value::Decimal(d, s)) => Value::Decimal(d.div_euclid(ten(*s)) * ten(*s), *s),
        (Op::Ceil, Value::Decimal(d, s)) => Value::Decimal(-((-d).div_euclid(ten(*s)) * ten(*s)), *s),
        (Op::Sqrt, x) => finite(float(x).sqrt()),
        (Op::Ln, x) => finite(float(x).ln()),
        (Op::Exp, x) => finite(float(x).exp()),
        (Op::Cast, x) => cast(x, &expr.ty, calendar),
        (Op::Hash, x) => hash(x),
        (Op::Index(key), Value::Map(map)) => map.get(key).map_or(Value::Null, |text| Value::Str(text.clone())),
        (_, Value::Str(s)) => of_text(expr, op, s, calendar),
        (_, Value::Timestamp(_) | Value::Date(_)) => of_time(op, a, calendar),
        _ => panic!("{op:?} of {a:?}"),
    }
}

fn ten(scale: u8) -> i128 {
    10i128.pow(u32::from(scale))
}

fn finite(f: f64) -> Value {
    if f.is_finite() { Value::Float(f) } else { Value::Null }
}

fn of_text(expr: &Expr, op: &Op, s: &str, calendar: Calendar) -> Value {
    match op {
        Op::Lower => Value::Str(s.to_lowercase()),
        Op::Upper => Value::Str(s.to_uppercase()),
        Op::Trim => Value::Str(s.trim_matches(' ').to_owned()),
        Op::Length => Value::Int(s.chars().count() as i64),
        Op::Substr(start, length) if *start < 1 || *length < 0 => Value::Str(String::new()),
        Op::Substr(start, length) => Value::Str(s.chars().skip(*start as usize - 1).take(*length as usize).collect()),
        Op::Matches(pattern) => Value::Bool(text::PATTERNS[*pattern].1(s)),
        Op::SplitPart(separator, n) => {
            Value::Str(s.split(separator.as_str()).nth(*n as usize - 1).unwrap_or_default().to_owned())
        }
        Op::Mask => Value::Str(s.chars().next().map_or(String::new(), |first| format!("{first}***"))),
        Op::Json(path) => json(s, path).map_or(Value::Null, |text| cast(&Value::Str(text), &expr.ty, calendar)),
        _ => panic!("{op:?} of a string"),
    }
}

fn json(text: &str, path: &[String]) -> Option<String> {
    let root: serde_json::Value = serde_json::from_str(text).ok()?;
    match path.iter().try_fold(&root, |value, key| value.get(key))? {
        serde_json::Value::String(text) => Some(text.clone()),
        serde_json::Value::Null => None,
        other => Some(other.to_string()),
    }
}

fn hash(value: &Value) -> Value {
    let text = match value {
        Value::Str(s) => s.clone(),
        Value::Int(i) => i.to_string(),
        other => panic!("the text form of {other:?}"),
    };
    let digest = Sha256::digest(text.as_bytes());
    let first: [u8; 8] = digest[..8].try_into().expect("32 bytes");
    Value::Int(i64::from_be_bytes(first))
}

pub fn of_time(op: &Op, value: &Value, calendar: Calendar) -> Value {
    let day = match value {
        Value::Timestamp(ms) => calendar.date(*ms),
        Value::Date(days) => day_of(*days),
        other => panic!("{other:?} is no time"),
    };
    match (op, value) {
        (Op::Date, _) => Value::Date(calendar::days(day)),
        (Op::Hour, Value::Timestamp(ms)) => Value::Int(calendar.hour(*ms)),
        (Op::DayOfWeek, _) => Value::Int(i64::from(day.weekday().number_from_monday())),
        (Op::DayOfYear, _) => Value::Int(i64::from(day.ordinal())),
        (Op::Day, _) => Value::Int(i64::from(day.day())),
        (Op::Week, _) => Value::Int(calendar::iso_week(day).1),
        (Op::IsoYear, _) => Value::Int(calendar::iso_week(day).0),
        (Op::Month, _) => Value::Int(i64::from(day.month())),
        (Op::Quarter, _) => Value::Int(i64::from(day.month0() / 3 + 1)),
        (Op::Year, _) => Value::Int(i64::from(day.year())),
        (Op::Truncate(step), Value::Timestamp(ms)) => Value::Timestamp(calendar.bucket(*ms, *step).0),
        (Op::Truncate(step), Value::Date(_)) => Value::Date(calendar::days(calendar.first_day(day, *step))),
        (Op::ToUnix, Value::Timestamp(ms)) => Value::Int(ms.div_euclid(1_000)),
        _ => panic!("{op:?} of {value:?}"),
    }
}

/// Null where it fails.
fn cast(value: &Value, to: &Ty, calendar: Calendar) -> Value {
    let or_null = |value: Option<Value>| value.unwrap_or(Value::Null);
    match (value, to) {
        (Value::Str(s), Ty::Str) => Value::Str(s.clone()),
        (Value::Str(s), Ty::Int) => or_null(s.parse().ok().map(Value::Int)),
        (Value::Str(s), Ty::Float) => {
            or_null(number(s).map(|(digits, scale)| Value::Float(float(&Value::Decimal(digits, scale)))))
        }
        (Value::Str(s), Ty::Decimal(p, scale)) => {
            or_null(number(s).and_then(|(digits, from)| fit(rescale(digits, from, *scale), *p, *scale)))
        }
        (Value::Str(s), Ty::Date) => {
            or_null(chrono::NaiveDate::parse_from_str(s, "%Y-%m-%d").ok().map(|d| Value::Date(calendar::days(d))))
        }
        (Value::Str(s), Ty::Timestamp) => {
            let wall = NaiveDateTime::parse_from_str(s, "%Y-%m-%d %H:%M:%S").ok();
            let instant = wall.and_then(|wall| calendar.zone.from_local_datetime(&wall).single());
            or_null(instant.map(|instant| Value::Timestamp(instant.timestamp_millis())))
        }
        (Value::Int(i), Ty::Str) => Value::Str(i.to_string()),
        (Value::Int(i), Ty::Float) => Value::Float(*i as f64),
        (Value::Int(i), Ty::Decimal(p, s)) => or_null(fit(rescale(i128::from(*i), 0, *s), *p, *s)),
        (Value::Bool(b), Ty::Str) => Value::Str(b.to_string()),
        (Value::Date(d), Ty::Str) => Value::Str(text::day(*d)),
        (Value::Decimal(..), Ty::Float) => Value::Float(float(value)),
        (Value::Decimal(d, from), Ty::Decimal(p, s)) => or_null(fit(rescale(*d, *from, *s), *p, *s)),
        (Value::Float(f), Ty::Decimal(p, s)) => or_null(fit(float_digits(*f, *s), *p, *s)),
        _ => panic!("a cast of {value:?} to {to:?}"),
    }
}

/// A plain decimal number: sign, digits, point, digits.
fn number(text: &str) -> Option<(i128, u8)> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = whole.strip_prefix('-').unwrap_or(whole);
    let fine = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if digits.is_empty() || !fine(digits) || !fine(part) || (text.contains('.') && part.is_empty()) {
        return None;
    }
    Some((format!("{whole}{part}").parse().ok()?, part.len() as u8))
}

fn fit(digits: i128, precision: u8, scale: u8) -> Option<Value> {
    (digits.abs() < ten(precision)).then_some(Value::Decimal(digits, scale))
}

/// A float64 as digits of a scale, half away from zero, from its exact value.
fn float_digits(f: f64, scale: u8) -> i128 {
    let bits = f.to_bits();
    let exponent = (bits >> 52 & 0x7ff) as i32;
    if exponent == 0 {
        return 0;
    }
    let mantissa = i128::from(bits & ((1 << 52) - 1) | 1 << 52) * ten(scale) * if f < 0.0 { -1 } else { 1 };
    match exponent - 1075 {
        up @ 0.. => mantissa << up,
        down if down < -110 => 0,
        down => divide_half_away(mantissa, 1i128 << -down),
    }
}

fn binary(op: &Op, a: &Value, b: &Value) -> Value {
    let ordering = || compare(a, b);
    match op {
        Op::Equal => Value::Bool(ordering().is_eq()),
        Op::NotEqual => Value::Bool(ordering().is_ne()),
        Op::Less => Value::Bool(ordering().is_lt()),
        Op::LessEqual => Value::Bool(ordering().is_le()),
        Op::Greater => Value::Bool(ordering().is_gt()),
        Op::GreaterEqual => Value::Bool(ordering().is_ge()),
        Op::Add | Op::Subtract | Op::Multiply | Op::Modulo => arithmetic(op, a, b),
        Op::Divide => {
            let divisor = float(b);
            if divisor == 0.0 { Value::Null } else { finite(float(a) / divisor) }
        }
        Op::Pow => finite(float(a).powf(float(b))),
        _ => match (a, b) {
            (Value::Str(a), Value::Str(b)) => of_two_texts(op, a, b),
            _ => panic!("{op:?} of {a:?} and {b:?}"),
        },
    }
}

fn arithmetic(op: &Op, a: &Value, b: &Value) -> Value {
    const DAY: i64 = 86_400_000;
    match (op, a, b) {
        (Op::Add, Value::Int(a), Value::Int(b)) => Value::Int(a.wrapping_add(*b)),
        (Op::Subtract, Value::Int(a), Value::Int(b)) => Value::Int(a.wrapping_sub(*b)),
        (Op::Multiply, Value::Int(a), Value::Int(b)) => Value::Int(a.wrapping_mul(*b)),
        (Op::Modulo, Value::Int(_), Value::Int(0)) => Value::Null,
        (Op::Modulo, Value::Int(a), Value::Int(b)) => Value::Int(a.wrapping_rem(*b)),
        (Op::Add, Value::Float(a), Value::Float(b)) => Value::Float(a + b),
        (Op::Subtract, Value::Float(a), Value::Float(b)) => Value::Float(a - b),
        (Op::Multiply, Value::Float(a), Value::Float(b)) => Value::Float(a * b),
        (Op::Multiply, Value::Decimal(a, s), Value::Decimal(b, t)) => Value::Decimal(a * b, s + t),
        (_, Value::Decimal(..), Value::Decimal(..)) => {
            let (a, b, scale) = aligned(a, b);
            match op {
                Op::Add => Value::Decimal(a + b, scale),
                Op::Subtract => Value::Decimal(a - b, scale),
                _ if b == 0 => Value::Null,
                _ => Value::Decimal(a % b, scale),
            }
        }
        (Op::Add, Value::Duration(a), Value::Duration(b)) => Value::Duration(a + b),
        (Op::Subtract, Value::Duration(a), Value::Duration(b)) => Value::Duration(a - b),
        (Op::Multiply, Value::Duration(a), Value::Int(b)) => Value::Duration(a * b),
        (Op::Add, Value::Timestamp(t), Value::Duration(d)) => Value::Timestamp(t + d),
        (Op::Subtract, Value::Timestamp(t), Value::Duration(d)) => Value::Timestamp(t - d),
        (Op::Subtract, Value::Timestamp(a), Value::Timestamp(b)) => Value::Duration(a - b),
        (Op::Add, Value::Date(t), Value::Duration(d)) => Value::Date(t + (d / DAY) as i32),
        (Op::Subtract, Value::Date(t), Value::Duration(d)) => Value::Date(t - (d / DAY) as i32),
        (Op::Subtract, Value::Date(a), Value::Date(b)) => Value::Duration(i64::from(a - b) * DAY),
        _ => panic!("{op:?} of {a:?} and {b:?}"),
    }
}

fn of_two_texts(op: &Op, a: &str, b: &str) -> Value {
    match op {
        Op::Like => Value::Bool(like(a, b)),
        Op::NotLike => Value::Bool(!like(a, b)),
        Op::StartsWith => Value::Bool(a.starts_with(b)),
        Op::EndsWith => Value::Bool(a.ends_with(b)),
        Op::Contains => Value::Bool(a.contains(b)),
        Op::Concat => Value::Str(format!("{a}{b}")),
        _ => panic!("{op:?} of two strings"),
    }
}

fn many(op: &Op, values: &[Value]) -> Value {
    let texts: Vec<&str> =
        values.iter().map(|v| if let Value::Str(s) = v { s.as_str() } else { panic!("{v:?}") }).collect();
    match (op, &texts[..]) {
        (Op::Concat, all) => Value::Str(all.concat()),
        (Op::Replace, [text, "", _]) => Value::Str((*text).to_owned()),
        (Op::Replace, [text, from, to]) => Value::Str(text.replace(from, to)),
        _ => panic!("{op:?} of {} values", values.len()),
    }
}

/// `%` any text, `_` one character, `\` escapes.
pub fn like(text: &str, pattern: &str) -> bool {
    let mut pattern_chars = pattern.chars();
    match pattern_chars.next() {
        None => text.is_empty(),
        Some('%') => {
            let rest = pattern_chars.as_str();
            text.char_indices().map(|(i, _)| i).chain([text.len()]).any(|i| like(&text[i..], rest))
        }
        Some(c) => {
            let wanted = match c {
                '_' => None,
                '\\' => Some(pattern_chars.next().unwrap_or('\\')),
                c => Some(c),
            };
            let mut text_chars = text.chars();
            let fits = text_chars.next().is_some_and(|found| wanted.is_none_or(|wanted| wanted == found));
            fits && like(text_chars.as_str(), pattern_chars.as_str())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_knows_its_wild_cards() {
        for (text, pattern, fits) in [
            ("a\nb", "a%b", true),
            ("用户", "_户", true),
            ("100%", "%\\%", true),
            ("100", "%\\%", false),
            ("", "", true),
            ("a", "", false),
            ("a\\b", "%\\\\%", true),
        ] {
            assert_eq!(like(text, pattern), fits, "{text:?} like {pattern:?}");
        }
    }

    #[test]
    fn decimals_round_half_away_from_zero() {
        assert_eq!(rescale(2675, 3, 2), 268);
        assert_eq!(rescale(-125, 3, 2), -13);
        assert_eq!(float_digits(0.125, 2), 13);
        assert_eq!(float_digits(-2.5, 0), -3);
        // 1.005 lies below itself.
        assert_eq!(float_digits(1.005, 2), 100);
    }

    #[test]
    fn numbers_in_texts_are_plain() {
        assert_eq!(number("-0.125"), Some((-125, 3)));
        for text in ["", "-", "1.", ".5", "nan", "1e3", " 1", "+1"] {
            assert_eq!(number(text), None, "{text:?}");
        }
    }
}
