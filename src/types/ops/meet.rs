//! How types meet: which type values of several types have in common, and what each becomes.

use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::error;
use crate::suggest::near;
use crate::types::listed::some_of;
use crate::types::literal::{digit_count, number_value};
use crate::types::type_name::MAX_DIGITS;
use crate::types::{Type, ValueType};
use crate::value::Value;

use super::{Ops, Typed, is_number, refuse, relabel, widen};

/// Why values must have one type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meet {
    /// They are compared: decimals keep their scales, and a string must be in the domain of the enum beside it.
    Compare,
    /// They are added: as in a comparison.
    Add,
    /// One of them is the result: decimals become the widest, and a string joins the domain of the enum beside it.
    Choose,
}

/// The most digits of an int.
pub(super) const INT_DIGITS: u8 = 19;

/// What `value` of type `from` is as a `to`, where that loses nothing.
pub(crate) fn convert(value: &Value, from: &Type, to: &Type) -> Option<Value> {
    let (digits, scale) = match (value, from) {
        (Value::Null, _) => return Some(Value::Null),
        (Value::Int(int), _) => (i128::from(*int), 0),
        (Value::Decimal(digits), Type::Decimal { scale, .. }) => (*digits, *scale),
        _ => return None,
    };
    match to {
        Type::Int if scale == 0 => i64::try_from(digits).ok().map(Value::Int),
        Type::Float => {
            // Through text, so that 0.1 is the float nearest to 0.1.
            let float: f64 = format!("{digits}e-{scale}").parse().ok()?;
            float.is_finite().then_some(Value::Float(float))
        }
        Type::Decimal { precision, scale: wanted } if *wanted >= scale => {
            let shifted = digits.checked_mul(10_i128.checked_pow(u32::from(wanted - scale))?)?;
            (digit_count(shifted) <= *precision).then_some(Value::Decimal(shifted))
        }
        _ => None,
    }
}

/// The narrowest type of a number literal, whatever it became meanwhile; none for other nodes.
fn literal_number<T: Typed>(x: &T) -> Option<(i128, u8)> {
    match (x.as_literal()?, &x.ty().ty) {
        (Value::Int(int), Type::Int) => Some((i128::from(*int), 0)),
        (Value::Decimal(digits), Type::Decimal { scale, .. }) => Some((*digits, *scale)),
        _ => None,
    }
}

fn literal_string<T: Typed>(x: &T) -> Option<&str> {
    match (x.as_literal()?, &x.ty().ty) {
        (Value::String(text), Type::String) => Some(text),
        _ => None,
    }
}

/// Whether the type of `x` bends to what stands beside it.
fn bends<T: Typed>(x: &T) -> bool {
    x.ty().ty == Type::Null || literal_number(x).is_some() || literal_string(x).is_some()
}

/// The smallest decimal that holds both; its precision may be over 38 and is cut there.
pub(super) fn wider_decimal(a: (u8, u8), b: (u8, u8)) -> (u8, u8) {
    let scale = a.1.max(b.1);
    let whole = (a.0 - a.1).max(b.0 - b.1);
    ((whole + scale).min(MAX_DIGITS), scale)
}

impl Ops<'_> {
    /// `parts` with one type each, and that type; otherwise the error is told.
    pub(super) fn meet<T: Typed>(
        &self,
        parts: Vec<T>,
        meet: Meet,
        span: Span,
        d: &mut Diagnostics,
    ) -> Option<(Vec<T>, Type)> {
        let common = self.common(&parts, meet, span, d)?;
        let count = parts.len();
        let parts: Vec<T> = parts.into_iter().filter_map(|part| self.fit(part, &common, meet, d)).collect();
        (parts.len() == count).then_some((parts, common))
    }

    /// The type that `parts` have in common.
    fn common<T: Typed>(&self, parts: &[T], meet: Meet, span: Span, d: &mut Diagnostics) -> Option<Type> {
        if let Some(numbers) = common_of_literals(parts) {
            return Some(numbers);
        }
        // What bends comes last: it bends to the others.
        let rigid = parts.iter().filter(|part| !bends(*part));
        let mut all = rigid.chain(parts.iter().filter(|part| bends(*part)));
        let first = all.next()?;
        let mut common = first.ty().ty.clone();
        for part in all {
            match self.join(&common, part, meet) {
                Some(joined) => common = joined,
                None => return refuse(d, self.mismatch(first, &common, part, meet, span)),
            }
            if !T::AGGREGATED && meet == Meet::Choose && exceeds(&common, &first.ty().ty, &part.ty().ty) {
                return refuse(
                    d,
                    error!(E0317, span, "no decimal of {MAX_DIGITS} digits holds both `{}` and `{}`",
                    self.show(&first.ty().ty), self.show(&part.ty().ty);
                    help: "cast one of them to fewer digits"),
                );
            }
        }
        Some(common)
    }

    /// The type that a value of type `common` has in common with `part`.
    fn join<T: Typed>(&self, common: &Type, part: &T, meet: Meet) -> Option<Type> {
        if let Some((digits, scale)) = literal_number(part) {
            return match common {
                Type::Entity(_) => join_number(&self.key_type(common), digits, scale).map(|_| common.clone()),
                _ => join_number(common, digits, scale),
            };
        }
        let other = &part.ty().ty;
        match (common, other) {
            _ if common == other => Some(common.clone()),
            (_, Type::Null) => Some(common.clone()),
            (Type::Null, _) => Some(other.clone()),
            (Type::Decimal { precision, scale }, Type::Decimal { precision: p, scale: s }) => {
                let (precision, scale) = wider_decimal((*precision, *scale), (*p, *s));
                Some(Type::Decimal { precision, scale })
            }
            (Type::Enum(a), Type::Enum(b)) if same_set(a, b) => Some(common.clone()),
            // Of metrics nobody chooses the type: numbers widen, and texts are texts.
            (Type::Float, number) | (number, Type::Float) if T::AGGREGATED && is_number(number) => Some(Type::Float),
            (Type::Int, Type::Decimal { precision, scale }) | (Type::Decimal { precision, scale }, Type::Int)
                if T::AGGREGATED =>
            {
                let (precision, scale) = wider_decimal((INT_DIGITS, 0), (*precision, *scale));
                Some(Type::Decimal { precision, scale })
            }
            (Type::Enum(_), Type::Enum(_)) | (Type::String, Type::Enum(_)) if T::AGGREGATED => Some(Type::String),
            (Type::Enum(_), Type::String) if T::AGGREGATED && literal_string(part).is_none() => Some(Type::String),
            (Type::Enum(values), Type::String) => {
                let text = literal_string(part)?;
                match meet {
                    Meet::Choose if !values.iter().any(|value| value == text) => {
                        let mut wider = values.as_ref().clone();
                        wider.push(text.to_owned());
                        Some(Type::Enum(Arc::new(wider)))
                    }
                    _ => Some(common.clone()),
                }
            }
            (Type::Entity(_), Type::String) => {
                literal_string(part)?;
                matches!(self.key_type(common), Type::String | Type::Enum(_)).then(|| common.clone())
            }
            _ => None,
        }
    }

    /// `part` as a `common`, or the error is told.
    fn fit<T: Typed>(&self, part: T, common: &Type, meet: Meet, d: &mut Diagnostics) -> Option<T> {
        let own = part.ty().ty.clone();
        match (&own, common) {
            _ if own == *common => Some(part),
            (_, Type::Entity(_)) if own != Type::Null => {
                let key = self.key_type(common);
                let part = self.fit(part, &key, meet, d)?;
                Some(relabel(part, common))
            }
            (Type::Int | Type::Decimal { .. }, _) if literal_number(&part).is_some() => fit_number(part, common, d),
            // Scales may differ in a comparison or sum.
            (Type::Decimal { .. }, Type::Decimal { .. }) if meet != Meet::Choose => Some(part),
            (Type::String, Type::Enum(values)) => match literal_string(&part) {
                Some(text) if !values.iter().any(|value| value == text) => {
                    refuse(d, not_in_domain(text, values, part.span()))
                }
                _ => Some(relabel(part, common)),
            },
            (Type::Null, _) | (Type::Enum(_), Type::Enum(_) | Type::String) => Some(relabel(part, common)),
            _ => Some(widen(part, common)),
        }
    }

    fn mismatch<T: Typed>(&self, first: &T, common: &Type, other: &T, meet: Meet, span: Span) -> Diagnostic {
        let (a, b) = (self.show_a(common), self.show_a(&other.ty().ty));
        let help = self.advice(first, common, other);
        let found = match (common, &other.ty().ty, meet) {
            (Type::Entity(_), Type::Entity(_), _) => {
                error!(E0331, span, "{a} is never {b}"; help: "compare ids of one entity")
            }
            (_, _, Meet::Add) => error!(E0306, span, "adding or subtracting {a} and {b}"; help: help),
            (_, _, Meet::Compare) => error!(E0305, span, "comparing {a} with {b}"; help: help),
            (_, _, Meet::Choose) => error!(E0309, span, "one result is {a}, another {b}"; help: help),
        };
        found.related(first.span(), format!("this is {a}")).related(other.span(), format!("this is {b}"))
    }

    /// What to write where `first` (as a `left`) and `other` have different types.
    pub(super) fn advice<T: Typed>(&self, first: &T, left: &Type, other: &T) -> String {
        let right = &other.ty().ty;
        let texts = [first, other].map(literal_string);
        let either = |want: fn(&Type) -> bool| want(left) || want(right);
        let text = texts.iter().flatten().next();
        match text {
            Some(text) if either(|ty| *ty == Type::Timestamp) => return format!("write `timestamp(\"{text}\")`"),
            Some(text) if either(|ty| *ty == Type::Date) => return format!("write `date(\"{text}\")`"),
            Some(text) if either(is_number) && text.parse::<f64>().is_ok() => {
                return format!("write the number without quotes: `{text}`");
            }
            Some(_) if either(|ty| *ty == Type::Bool) => return "write `true` or `false`".to_owned(),
            _ => {}
        }
        let both = |a: fn(&Type) -> bool, b: fn(&Type) -> bool| (a(left) && b(right)) || (a(right) && b(left));
        if both(|ty| *ty == Type::Timestamp, |ty| *ty == Type::Date) {
            return "take the day of the timestamp with `date(…)`".to_owned();
        }
        if both(|ty| *ty == Type::Duration, is_number) {
            return "write a duration such as `5m`, or make a number of the duration: `x / 1s`".to_owned();
        }
        if both(is_number, |ty| *ty == Type::Bool) {
            return "make a number of the bool: `if(x, 1, 0)`".to_owned();
        }
        if either(|ty| *ty == Type::Float) && is_number(left) && is_number(right) {
            return "cast the other side: `cast(x as float)`".to_owned();
        }
        if is_number(left) && is_number(right) {
            let decimal = if *left == Type::Int { right } else { left };
            return format!("cast the int: `cast(x as {})`", self.show(decimal));
        }
        if self.is_text(left) && self.is_text(right) {
            return "make both strings: `cast(x as string)`".to_owned();
        }
        let target = if *left == Type::String { right } else { left };
        match target {
            Type::Array(_) | Type::Map(_) => "take an element: `x[1]` or `x[\"key\"]`".to_owned(),
            _ => format!("bring both to one type, for example with `cast(x as {})`", self.show(target)),
        }
    }
}

/// The type of a number literal beside a `common`.
fn join_number(common: &Type, digits: i128, scale: u8) -> Option<Type> {
    let (_, own) = number_value(digits, scale);
    let own = match own {
        Type::Decimal { precision, scale } => (precision, scale),
        _ => (digit_count(digits).max(1), 0),
    };
    match common {
        Type::Null => Some(number_value(digits, scale).1),
        Type::Float => Some(Type::Float),
        Type::Int if scale == 0 => Some(Type::Int),
        Type::Int => {
            let (precision, scale) = wider_decimal((INT_DIGITS, 0), own);
            Some(Type::Decimal { precision, scale })
        }
        Type::Decimal { precision, scale } => {
            let (precision, scale) = wider_decimal((*precision, *scale), own);
            Some(Type::Decimal { precision, scale })
        }
        _ => None,
    }
}

/// The type of number literals alone (nulls apart): an int where all are whole, else a decimal of their digits.
fn common_of_literals<T: Typed>(parts: &[T]) -> Option<Type> {
    let mut digits = (0, 0);
    let mut ints = true;
    for part in parts.iter().filter(|part| part.ty().ty != Type::Null) {
        literal_number(part)?;
        ints &= part.ty().ty == Type::Int;
        digits = wider_decimal(digits, digits_of(part)?);
    }
    match (ints, digits) {
        (_, (0, 0)) => None,
        (true, _) => Some(Type::Int),
        (false, (precision, scale)) => Some(Type::Decimal { precision, scale }),
    }
}

/// A number literal as a `common`; where that has too few digits, as what it is.
fn fit_number<T: Typed>(part: T, common: &Type, d: &mut Diagnostics) -> Option<T> {
    let (span, known) = (part.span(), part.ty().clone());
    if let Some(value) = part.as_literal().and_then(|value| convert(value, &known.ty, common)) {
        return Some(T::literal(value, ValueType { ty: common.clone(), ..known }, span));
    }
    match (common, literal_number(&part)) {
        (Type::Decimal { .. }, Some((digits, scale))) => {
            let precision = digit_count(digits).max(scale).max(1);
            let ty = Type::Decimal { precision, scale };
            Some(T::literal(Value::Decimal(digits), ValueType { ty, ..known }, span))
        }
        (Type::Int, _) => refuse(
            d,
            error!(E0316, span, "this number is too large for an int";
            help: "ints have 64 bits: they reach 9223372036854775807"),
        ),
        _ => refuse(d, error!(E0316, span, "this number is too large for a float"; help: "write a smaller one")),
    }
}

/// Whether the common decimal of `a` and `b` had to be cut to 38 digits.
fn exceeds(common: &Type, a: &Type, b: &Type) -> bool {
    let (Type::Decimal { scale, .. }, Some(a), Some(b)) = (common, as_decimal(a), as_decimal(b)) else { return false };
    (a.0 - a.1).max(b.0 - b.1) + scale > MAX_DIGITS
}

fn same_set(a: &[String], b: &[String]) -> bool {
    a.len() == b.len() && a.iter().all(|value| b.contains(value))
}

/// The error of a string that an enum beside it does not have.
pub(super) fn not_in_domain(text: &str, values: &[String], span: Span) -> Diagnostic {
    let help = match near(text, values.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("the values are {}", some_of(values.iter().map(String::as_str))),
    };
    error!(E0314, span, "`{text}` is not a value of this enum"; help: help)
}

/// The precision and scale of a number as a decimal.
pub(super) fn as_decimal(ty: &Type) -> Option<(u8, u8)> {
    match ty {
        Type::Decimal { precision, scale } => Some((*precision, *scale)),
        Type::Int => Some((INT_DIGITS, 0)),
        _ => None,
    }
}

/// The same, of a literal only its own digits.
pub(super) fn digits_of<T: Typed>(x: &T) -> Option<(u8, u8)> {
    match literal_number(x) {
        Some((digits, scale)) => Some((digit_count(digits).max(scale).max(1), scale)),
        None => as_decimal(&x.ty().ty),
    }
}
