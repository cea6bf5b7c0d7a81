//! `cast(x as t)`, and values that must have a declared type.

use crate::diagnostic::{Diagnostics, Span};
use crate::error;
use crate::types::{Type, Unit, ValueType};
use crate::value::{Function, Value};

use super::meet::convert;
use super::{Ops, Typed, is_number, refuse, relabel, result};

/// How a value of one type becomes another.
enum Way {
    /// It is stored alike.
    Alike,
    /// Always possible.
    Sure,
    /// Null where it fails.
    MayFail,
    /// By the project's day.
    Day,
    /// Null outside of the enum.
    Member,
    /// Not at all; what to write.
    No(&'static str),
}

impl Ops<'_> {
    /// `cast(x as to)`. A cast that fails gives null; a cast to int cuts a fraction off, one to fewer digits rounds half away
    /// from zero; a date becomes its first instant in the project's zone. A number out of a text has no unit yet: it takes the
    /// one of its place.
    pub fn cast<T: Typed>(&self, x: T, to: &Type, span: Span, d: &mut Diagnostics) -> Option<T> {
        let from = self.key_type(&x.ty().ty);
        let target = self.key_type(to);
        let known = result(to.clone(), std::slice::from_ref(&x));
        let unit = match (is_number(&from), is_number(&target)) {
            (true, true) => x.ty().unit.clone(),
            (false, true) if self.is_text(&from) => None,
            _ => Some(Unit::none()),
        };
        let known = ValueType { unit, ..known };
        if let Some(value) =
            x.as_literal().filter(|_| x.ty().ty != *to).and_then(|value| convert(value, &from, &target))
        {
            return Some(T::literal(value, known, span));
        }
        match way(&from, &target) {
            Way::Alike => Some(x.retyped(known, span)),
            Way::Sure => Some(T::call(Function::Cast, vec![x], known, span)),
            Way::MayFail => Some(T::call(Function::Cast, vec![x], ValueType { nullable: true, ..known }, span)),
            Way::Day => Some(T::call(Function::DateOf, vec![x], known, span)),
            Way::Member => Some(member(x, to, known, span)),
            Way::No(help) => {
                let (a, b) = (self.show_a(&x.ty().ty), self.show(to));
                refuse(d, error!(E0325, span, "{a} can't be cast to `{b}`"; help: help))
            }
        }
    }

    /// `x` where a value of the declared type `to` in `unit` is wanted, as in a computed column.
    ///
    /// Literals take the declared type, a text becomes an entity with a text for a key, and decimals are widened. A value without
    /// a unit of its own takes the declared one.
    pub fn assign<T: Typed>(&self, x: T, to: &Type, unit: &Unit, d: &mut Diagnostics) -> Option<T> {
        let x = self.assign_type(x, to, d)?;
        let (known, span) = (ValueType { unit: Some(unit.clone()), ..x.ty().clone() }, x.span());
        match &x.ty().unit {
            Some(own) if own != unit => {
                let help = if own.names().count() == 1 && own.degree() == 1 {
                    format!("write `unit {own}` after the type, or bring the value to `{unit}`")
                } else {
                    format!("declare a unit for `{own}`, or bring the value to `{unit}`")
                };
                refuse(d, error!(E0405, span, "the declared unit is `{unit}`, but this has `{own}`"; help: help))
            }
            _ => Some(x.retyped(known, span)),
        }
    }

    fn assign_type<T: Typed>(&self, x: T, to: &Type, d: &mut Diagnostics) -> Option<T> {
        let own = x.ty().ty.clone();
        let span = x.span();
        if own == *to {
            return Some(x);
        }
        match (&own, to) {
            (Type::Null, _) => return Some(relabel(x, to)),
            (Type::String | Type::Enum(_), Type::Enum(values)) => return self.assign_enum(x, values, to, d),
            (Type::Enum(_), Type::String) => return Some(relabel(x, to)),
            (_, Type::Entity(_)) if !matches!(own, Type::Entity(_)) => {
                let key = self.key_type(to);
                return self.assign_type(x, &key, d).map(|x| relabel(x, to));
            }
            (Type::Int | Type::Decimal { .. }, _) if x.as_literal().is_some() && is_number(to) => {
                let value = x.as_literal().and_then(|value| convert(value, &own, to));
                if let Some(value) = value {
                    return Some(T::literal(value, ValueType { ty: to.clone(), ..x.ty().clone() }, span));
                }
            }
            (Type::Decimal { precision: p, scale: s }, Type::Decimal { precision, scale })
                if scale >= s && precision - scale >= p - s =>
            {
                return Some(super::widen(x, to));
            }
            _ => {}
        }
        let help = match way(&self.key_type(&own), &self.key_type(to)) {
            Way::No(help) => help.to_owned(),
            _ => format!("write `cast(… as {})`, or declare `{}`", self.show(to), self.show(&own)),
        };
        refuse(
            d,
            error!(E0506, span, "the type is declared as `{}`, but this is {}", self.show(to), self.show_a(&own);
            help: help),
        )
    }

    /// Texts as values of a declared enum: every literal they can be must be in it.
    fn assign_enum<T: Typed>(&self, x: T, values: &[String], to: &Type, d: &mut Diagnostics) -> Option<T> {
        let texts = x.texts();
        let Some(texts) = texts else {
            if let Type::Enum(own) = &x.ty().ty
                && own.iter().all(|value| values.contains(value))
            {
                return Some(relabel(x, to));
            }
            let shown = self.show(to);
            return refuse(
                d,
                error!(E0506, x.span(), "this may be another text than the values of `{shown}`";
                help: ("write `cast(… as {shown})`, which is null for any other text")),
            );
        };
        let mut good = true;
        for (text, span) in texts {
            if !values.contains(&text) {
                d.push(super::meet::not_in_domain(&text, values, span));
                good = false;
            }
        }
        good.then(|| relabel(x, to))
    }
}

/// A text where it is a value of the enum `to`, else null.
fn member<T: Typed>(x: T, to: &Type, known: ValueType, span: Span) -> T {
    let Type::Enum(values) = to else { return x.retyped(known, span) };
    let text = |value: &String| T::literal(Value::String(value.clone()), ValueType::plain(Type::String), span);
    let mut parts = vec![relabel(x.clone(), &Type::String)];
    parts.extend(values.iter().map(text));
    let found = T::call(Function::In, parts.clone(), result(Type::Bool, &parts), span);
    let known = ValueType { nullable: true, ..known };
    T::case(vec![(found, relabel(x, to))], None, known, span)
}

/// How a value of type `from` becomes a `to`; neither is an entity.
fn way(from: &Type, to: &Type) -> Way {
    use Type::{Array, Bool, Date, Decimal, Duration, Entity, Enum, Float, Int, Map, Null, String, Timestamp};
    match (from, to) {
        _ if from == to => Way::Alike,
        (Null, _) | (Enum(_), String) => Way::Alike,
        (Enum(a), Enum(b)) if a.iter().all(|value| b.contains(value)) => Way::Alike,
        (String | Enum(_), Enum(_)) => Way::Member,
        (Array(_) | Map(_), _) => Way::No("take an element: `x[1]` or `x[\"key\"]`"),
        (_, Array(_) | Map(_) | Null | Entity(_)) => Way::No("cast to a simple type"),
        (String | Enum(_), Duration) => Way::No("multiply a duration: `cast(x as int) * 1s`"),
        (String | Enum(_), _) => Way::MayFail,
        (Duration, _) => Way::No("make a number of the duration: `x / 1s`"),
        (Int, Duration) => Way::No("multiply a duration: `x * 1s`"),
        (_, Duration) => Way::No("take the time between two instants: `t - u`"),
        (_, String) => Way::Sure,
        (Int, Float) | (Decimal { .. }, Float) => Way::Sure,
        (Int, Decimal { precision, scale }) => {
            if precision - scale >= super::meet::INT_DIGITS {
                Way::Sure
            } else {
                Way::MayFail
            }
        }
        (Decimal { precision: p, scale: s }, Decimal { precision, scale }) => {
            if scale >= s && precision - scale >= p - s { Way::Sure } else { Way::MayFail }
        }
        (Float, Int | Decimal { .. }) | (Decimal { .. }, Int) => Way::MayFail,
        (Bool, Int | Float) | (Date, Timestamp) => Way::Sure,
        (Bool, Decimal { .. }) => Way::No("write `if(x, 1, 0)`"),
        (Int | Float | Decimal { .. }, Bool) => Way::No("compare it: `x != 0`"),
        (Timestamp, Date) => Way::Day,
        (Timestamp, Int | Float | Decimal { .. }) => Way::No("write `to_unix(x)` for the seconds since 1970"),
        (Int | Float | Decimal { .. }, Timestamp) => Way::No(
            "declare the column as `timestamp(ms)`, or add to an instant: `timestamp(\"1970-01-01 00:00:00\") + x * 1s`",
        ),
        (Date | Timestamp, Bool) | (Bool, Date | Timestamp) => Way::No("compare it instead"),
        _ => Way::No("there is no way from one to the other"),
    }
}
