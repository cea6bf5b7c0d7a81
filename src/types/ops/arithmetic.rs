//! Arithmetic: numbers, timestamps, dates and durations.

use crate::diagnostic::{Diagnostics, Span, Spanned};
use crate::error;
use crate::syntax::ast::{BinaryOp, UnaryOp};
use crate::types::literal::number_value;
use crate::types::type_name::MAX_DIGITS;
use crate::types::{Type, Unit, ValueType};
use crate::value::time::DAY_MS;
use crate::value::{Function, Value};

use super::meet::{as_decimal, digits_of};
use super::{Meet, Ops, Typed, is_number, refuse, result, widen};

/// A product of aggregates must leave this many digits in front of the point.
const WHOLE_DIGITS: u8 = 18;

impl Ops<'_> {
    /// Any operator between two operands.
    pub fn binary<T: Typed>(&self, op: Spanned<BinaryOp>, l: T, r: T, span: Span, d: &mut Diagnostics) -> Option<T> {
        match op.value {
            BinaryOp::Or => self.logic(Function::Or, vec![l, r], span, d),
            BinaryOp::And => self.logic(Function::And, vec![l, r], span, d),
            BinaryOp::Coalesce => self.coalesce(vec![l, r], span, d),
            BinaryOp::Add | BinaryOp::Subtract => self.sum(op, l, r, span, d),
            BinaryOp::Multiply => self.product(op, l, r, span, d),
            BinaryOp::Divide => self.quotient(op, l, r, span, d),
            BinaryOp::Modulo => self.modulo(op, l, r, span, d),
            _ => self.compare(op, l, r, span, d),
        }
    }

    /// `-x`, `not x`
    pub fn unary<T: Typed>(&self, op: Spanned<UnaryOp>, x: T, span: Span, d: &mut Diagnostics) -> Option<T> {
        if op.value == UnaryOp::Not {
            return self.not(x, span, d);
        }
        if let Some(folded) = negated_literal(&x, span) {
            return Some(folded);
        }
        let ty = x.ty().clone();
        if !is_number(&ty.ty) && ty.ty != Type::Duration {
            return refuse(
                d,
                error!(E0307, span, "`-` turns numbers and durations around, not {}", self.show_a(&ty.ty);
                help: "take the `-` away, or cast to a number"),
            );
        }
        Some(T::call(Function::Negate, vec![x], ty, span))
    }

    /// `l + r`, `l - r`
    fn sum<T: Typed>(&self, op: Spanned<BinaryOp>, l: T, r: T, span: Span, d: &mut Diagnostics) -> Option<T> {
        let (l, r) = self.typed_null(l, r);
        let function = if op.value == BinaryOp::Add { Function::Add } else { Function::Subtract };
        let minus = function == Function::Subtract;
        let ty = match (&l.ty().ty, &r.ty().ty) {
            (a, b) if is_number(a) && is_number(b) => return self.number_sum(function, l, r, span, d),
            (Type::Timestamp, Type::Duration) => Type::Timestamp,
            (Type::Duration, Type::Timestamp) if !minus => return self.sum(op, r, l, span, d),
            (Type::Duration, Type::Duration) => Type::Duration,
            (Type::Timestamp, Type::Timestamp) | (Type::Date, Type::Date) if minus => Type::Duration,
            (Type::Date, Type::Duration) => {
                self.whole_days(&r, d)?;
                Type::Date
            }
            (Type::Duration, Type::Date) if !minus => return self.sum(op, r, l, span, d),
            _ => return refuse(d, self.no_sum(op, &l, &r, span)),
        };
        let parts = vec![l, r];
        let ty = result(ty, &parts);
        Some(T::call(function, parts, ty, span))
    }

    /// A date moves by whole days only, and the length must be known here.
    fn whole_days<T: Typed>(&self, duration: &T, d: &mut Diagnostics) -> Option<()> {
        match duration.as_literal() {
            Some(Value::Duration(ms)) if ms % DAY_MS == 0 => Some(()),
            Some(Value::Null) => Some(()),
            _ => refuse(
                d,
                error!(E0320, duration.span(), "a date moves by whole days";
                help: "write days such as `1d`, or use a timestamp"),
            ),
        }
    }

    fn no_sum<T: Typed>(&self, op: Spanned<BinaryOp>, l: &T, r: &T, span: Span) -> crate::diagnostic::Diagnostic {
        let (a, b) = (&l.ty().ty, &r.ty().ty);
        let symbol = op.value.symbol();
        let help = match (a, b) {
            (x, y) if self.is_text(x) && self.is_text(y) => "put texts together with `concat(a, b)`".to_owned(),
            (Type::Timestamp, Type::Timestamp) | (Type::Date, Type::Date) => {
                "write `-` for the time between".to_owned()
            }
            (Type::Timestamp | Type::Date, y) if is_number(y) => "add a duration such as `1d`".to_owned(),
            (Type::Duration, Type::Timestamp | Type::Date) => "take the duration from the time: `t - 1d`".to_owned(),
            _ => self.advice(l, a, r),
        };
        error!(E0306, span, "`{symbol}` has no meaning between {} and {}", self.show_a(a), self.show_a(b); help: help)
            .related(l.span(), format!("this is {}", self.show_a(a)))
            .related(r.span(), format!("this is {}", self.show_a(b)))
    }

    fn number_sum<T: Typed>(&self, function: Function, l: T, r: T, span: Span, d: &mut Diagnostics) -> Option<T> {
        if let Some(folded) = fold(function, &l, &r, span) {
            return Some(folded);
        }
        let word = if function == Function::Add { "adding" } else { "subtracting" };
        let (parts, ty) = self.meet(vec![l, r], Meet::Add, span, d)?;
        let unit = self.one_unit(&parts, word, span, d)?;
        let ty = match ty {
            Type::Decimal { .. } => self.decimal_sum::<T>(&parts, span, d)?,
            other => other,
        };
        let ty = ValueType { unit, ..result(ty, &parts) };
        Some(T::call(function, parts, ty, span))
    }

    /// The type of a sum of decimals: one more digit than the wider of them.
    fn decimal_sum<T: Typed>(&self, parts: &[T], span: Span, d: &mut Diagnostics) -> Option<Type> {
        let sides: Vec<(u8, u8)> = parts.iter().filter_map(|part| as_decimal(&part.ty().ty)).collect();
        let scale = sides.iter().map(|side| side.1).max()?;
        let whole = sides.iter().map(|side| side.0 - side.1).max()?;
        if whole + scale > MAX_DIGITS && !T::AGGREGATED {
            return refuse(
                d,
                error!(E0317, span, "this sum needs {} digits; a decimal has {MAX_DIGITS}", whole + scale;
                help: "cast one side to fewer digits, such as `cast(x as decimal(18,4))`"),
            );
        }
        Some(Type::Decimal { precision: (whole + scale + 1).min(MAX_DIGITS), scale })
    }

    /// `l * r`: units multiply. An int becomes a decimal or float beside one: a product never loses by that.
    fn product<T: Typed>(&self, op: Spanned<BinaryOp>, l: T, r: T, span: Span, d: &mut Diagnostics) -> Option<T> {
        let (l, r) = self.typed_null(l, r);
        match (&l.ty().ty, &r.ty().ty) {
            (Type::Int, Type::Duration) => return self.product(op, r, l, span, d),
            (Type::Duration, Type::Int) => {
                let parts = vec![l, r];
                let ty = result(Type::Duration, &parts);
                return Some(T::call(Function::Multiply, parts, ty, span));
            }
            (a, b) if is_number(a) && is_number(b) => {}
            _ => return refuse(d, self.no_product(op, &l, &r, span)),
        }
        if let Some(folded) = fold(Function::Multiply, &l, &r, span) {
            return Some(folded);
        }
        let unit = combine(l.ty().unit.as_ref(), r.ty().unit.as_ref(), Unit::times);
        let (parts, ty) = match (&l.ty().ty, &r.ty().ty) {
            (Type::Float, _) | (_, Type::Float) => (vec![widen(l, &Type::Float), widen(r, &Type::Float)], Type::Float),
            (Type::Int, Type::Int) => (vec![l, r], Type::Int),
            _ => self.decimal_product(l, r, span, d)?,
        };
        let ty = ValueType { unit, ..result(ty, &parts) };
        Some(T::call(Function::Multiply, parts, ty, span))
    }

    fn decimal_product<T: Typed>(&self, l: T, r: T, span: Span, d: &mut Diagnostics) -> Option<(Vec<T>, Type)> {
        let (a, b) = (digits_of(&l)?, digits_of(&r)?);
        let (precision, scale) = (a.0 + b.0, a.1 + b.1);
        let fits = if T::AGGREGATED { scale + WHOLE_DIGITS <= MAX_DIGITS } else { precision <= MAX_DIGITS };
        if !fits {
            return refuse(d, error!(E0317, span, "this product needs {precision} digits, {scale} of them behind the point; a decimal has {MAX_DIGITS}";
                help: "cast one side to fewer digits, such as `cast(x as decimal(12,2))`, or to float")
                .related(l.span(), format!("this is {}", self.show_a(&l.ty().ty)))
                .related(r.span(), format!("this is {}", self.show_a(&r.ty().ty))));
        }
        let decimal = |(precision, scale)| Type::Decimal { precision, scale };
        let parts = vec![widen(l, &decimal(a)), widen(r, &decimal(b))];
        Some((parts, decimal((precision.min(MAX_DIGITS), scale))))
    }

    /// `l / r`: a float, null for a zero divisor. Two durations give a plain number.
    fn quotient<T: Typed>(&self, op: Spanned<BinaryOp>, l: T, r: T, span: Span, d: &mut Diagnostics) -> Option<T> {
        let (l, r) = self.typed_null(l, r);
        let measurable = |ty: &Type| is_number(ty) || *ty == Type::Duration;
        let (a, b) = (l.ty().ty.clone(), r.ty().ty.clone());
        if !measurable(&a) || !measurable(&b) || (a == Type::Duration) != (b == Type::Duration) {
            return refuse(d, self.no_product(op, &l, &r, span));
        }
        let unit = match (&a, &b) {
            (Type::Duration, _) => Some(Unit::none()),
            _ => combine(l.ty().unit.as_ref(), r.ty().unit.as_ref(), Unit::per),
        };
        let never_zero = r.as_literal().is_some_and(|value| !is_zero(value));
        let parts = vec![l, r];
        let known = result(Type::Float, &parts);
        let ty = ValueType { unit, nullable: known.nullable || !never_zero, ..known };
        Some(T::call(Function::Divide, parts, ty, span))
    }

    /// `l % r`: of ints or decimals, with the sign of `l`; null for a zero divisor.
    fn modulo<T: Typed>(&self, op: Spanned<BinaryOp>, l: T, r: T, span: Span, d: &mut Diagnostics) -> Option<T> {
        let (l, r) = self.typed_null(l, r);
        let whole = |ty: &Type| matches!(ty, Type::Int | Type::Decimal { .. });
        if !whole(&l.ty().ty) || !whole(&r.ty().ty) {
            return refuse(d, self.no_product(op, &l, &r, span));
        }
        let never_zero = r.as_literal().is_some_and(|value| !is_zero(value));
        let (parts, ty) = self.meet(vec![l, r], Meet::Choose, span, d)?;
        let unit = self.one_unit(&parts, "dividing", span, d)?;
        let known = result(ty, &parts);
        let ty = ValueType { unit, nullable: known.nullable || !never_zero, ..known };
        Some(T::call(Function::Modulo, parts, ty, span))
    }

    fn no_product<T: Typed>(&self, op: Spanned<BinaryOp>, l: &T, r: &T, span: Span) -> crate::diagnostic::Diagnostic {
        let (a, b) = (&l.ty().ty, &r.ty().ty);
        let symbol = op.value.symbol();
        let duration = *a == Type::Duration || *b == Type::Duration;
        let help = match op.value {
            BinaryOp::Modulo if is_number(a) && is_number(b) => {
                "cast the float to a decimal: `cast(x as decimal(18,4))`"
            }
            BinaryOp::Multiply if duration => "a duration is multiplied by an int: `x * 2`",
            BinaryOp::Divide if duration => "divide two durations, which gives a number: `x / 1s`",
            _ if self.is_text(a) || self.is_text(b) => "make a number of the text: `cast(x as decimal(18,2))`",
            _ if *a == Type::Bool || *b == Type::Bool => "make a number of the bool: `if(x, 1, 0)`",
            _ => "use numbers",
        };
        error!(E0307, span, "`{symbol}` has no meaning between {} and {}", self.show_a(a), self.show_a(b); help: help)
    }

    /// A bare null beside something has its type; two are ints.
    fn typed_null<T: Typed>(&self, l: T, r: T) -> (T, T) {
        let (a, b) = (l.ty().ty.clone(), r.ty().ty.clone());
        match (&a, &b) {
            (Type::Null, Type::Null) => (super::relabel(l, &Type::Int), super::relabel(r, &Type::Int)),
            (Type::Null, _) => (super::relabel(l, &b), r),
            (_, Type::Null) => (l, super::relabel(r, &a)),
            _ => (l, r),
        }
    }
}

/// The unit of a product or quotient; a number that fits any unit is a plain one beside another.
fn combine(l: Option<&Unit>, r: Option<&Unit>, with: fn(&Unit, &Unit) -> Unit) -> Option<Unit> {
    match (l, r) {
        (None, None) => None,
        _ => Some(with(l.unwrap_or(&Unit::none()), r.unwrap_or(&Unit::none()))),
    }
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Int(0) | Value::Decimal(0) | Value::Duration(0) | Value::Null => true,
        Value::Float(float) => *float == 0.0,
        _ => false,
    }
}

/// `-x` of a number or duration literal.
fn negated_literal<T: Typed>(x: &T, span: Span) -> Option<T> {
    let known = x.ty().clone();
    match (x.as_literal()?, &known.ty) {
        (Value::Duration(ms), _) => Some(T::literal(Value::Duration(ms.checked_neg()?), known, span)),
        (Value::Float(float), _) => Some(T::literal(Value::Float(-float), known, span)),
        (Value::Int(int), Type::Int) => folded(-i128::from(*int), 0, known, span),
        (Value::Decimal(digits), Type::Decimal { scale, .. }) => {
            folded(digits.checked_neg()?, *scale, known.clone(), span)
        }
        _ => None,
    }
}

/// `l + r`, `l - r`, `l * r` of number literals without a unit, where it is exact.
fn fold<T: Typed>(function: Function, l: &T, r: &T, span: Span) -> Option<T> {
    let number = |x: &T| match (x.as_literal()?, &x.ty().ty) {
        (Value::Int(int), Type::Int) => Some((i128::from(*int), 0)),
        (Value::Decimal(digits), Type::Decimal { scale, .. }) => Some((*digits, *scale)),
        _ => None,
    };
    let ((a, s), (b, t)) = (number(l)?, number(r)?);
    if l.ty().unit != r.ty().unit {
        return None;
    }
    let scale = if function == Function::Multiply { s + t } else { s.max(t) };
    if scale > MAX_DIGITS {
        return None;
    }
    let at = |digits: i128, own: u8| digits.checked_mul(10_i128.checked_pow(u32::from(scale - own))?);
    let digits = match function {
        Function::Add => at(a, s)?.checked_add(at(b, t)?)?,
        Function::Subtract => at(a, s)?.checked_sub(at(b, t)?)?,
        _ => a.checked_mul(b)?,
    };
    folded(digits, scale, l.ty().clone(), span)
}

fn folded<T: Typed>(digits: i128, scale: u8, known: ValueType, span: Span) -> Option<T> {
    let (value, ty) = number_value(digits, scale);
    match ty {
        Type::Decimal { precision, .. } if precision > MAX_DIGITS => None,
        _ => Some(T::literal(value, ValueType { ty, ..known }, span)),
    }
}
