//! Comparisons, tests for null, patterns, and the logic of conditions.

use crate::diagnostic::{Diagnostics, Span, Spanned};
use crate::error;
use crate::syntax::ast::BinaryOp;
use crate::types::{Type, Unit, ValueType};
use crate::value::{Function, Value};

use super::{Meet, Ops, Typed, refuse, result, sensitivity};

impl Ops<'_> {
    /// `and`, `or` of any number of conditions.
    pub fn logic<T: Typed>(&self, function: Function, parts: Vec<T>, span: Span, d: &mut Diagnostics) -> Option<T> {
        let word = if function == Function::Or { "or" } else { "and" };
        let count = parts.len();
        let parts: Vec<T> =
            parts.into_iter().filter_map(|part| self.condition(part, &format!("a side of `{word}`"), d)).collect();
        if parts.len() < count {
            return None;
        }
        let ty = result(Type::Bool, &parts);
        Some(T::call(function, parts, ty, span))
    }

    /// `x` where it is a condition: a bool, or null. `place` says where it stands, such as `the condition of `where``.
    pub fn condition<T: Typed>(&self, x: T, place: &str, d: &mut Diagnostics) -> Option<T> {
        match &x.ty().ty {
            Type::Bool => Some(x),
            Type::Null => Some(super::relabel(x, &Type::Bool)),
            other => {
                let help = match other {
                    Type::Int | Type::Float | Type::Decimal { .. } => "compare it: `x != 0`, `x > 0`",
                    Type::String | Type::Enum(_) | Type::Entity(_) => "compare it: `x = \"…\"`, `x is not null`",
                    _ => "compare it, or write `x is not null`",
                };
                refuse(d, error!(E0308, x.span(), "{place} is true or false, not {}", self.show_a(other); help: help))
            }
        }
    }

    /// `not x`
    pub fn not<T: Typed>(&self, x: T, span: Span, d: &mut Diagnostics) -> Option<T> {
        let x = self.condition(x, "what `not` turns around", d)?;
        let ty = result(Type::Bool, std::slice::from_ref(&x));
        Some(T::call(Function::Not, vec![x], ty, span))
    }

    /// `l = r` and its kin.
    pub fn compare<T: Typed>(&self, op: Spanned<BinaryOp>, l: T, r: T, span: Span, d: &mut Diagnostics) -> Option<T> {
        let function = match op.value {
            BinaryOp::Equal => Function::Equal,
            BinaryOp::NotEqual => Function::NotEqual,
            BinaryOp::Less => Function::Less,
            BinaryOp::LessEqual => Function::LessEqual,
            BinaryOp::Greater => Function::Greater,
            _ => Function::GreaterEqual,
        };
        if [&l, &r].iter().any(|side| side.as_literal() == Some(&Value::Null)) {
            let help = match function {
                Function::NotEqual => "write `is not null`",
                _ => "write `is null` or `is not null`",
            };
            return refuse(d, error!(E0315, span, "nothing is `{}` null", op.value.symbol(); help: help));
        }
        let ordered = !matches!(function, Function::Equal | Function::NotEqual);
        let sides = self.comparable(vec![l, r], ordered, span, d)?;
        let ty = result(Type::Bool, &sides);
        Some(T::call(function, sides, ty, span))
    }

    /// `parts` as values of one type and unit that can be compared.
    fn comparable<T: Typed>(&self, parts: Vec<T>, ordered: bool, span: Span, d: &mut Diagnostics) -> Option<Vec<T>> {
        for part in &parts {
            let what = match &part.ty().ty {
                Type::Array(_) | Type::Map(_) => "compared",
                Type::Enum(_) if ordered => "ordered",
                _ => continue,
            };
            let help = match &part.ty().ty {
                Type::Enum(_) => "use `=` or `in`, or order its texts: `cast(x as string)`",
                Type::Map(_) => "take an element: `x[\"key\"]`",
                _ => "take an element: `x[1]`",
            };
            let shown = self.show(&part.ty().ty);
            return refuse(d, error!(E0332, part.span(), "values of `{shown}` can't be {what}"; help: help));
        }
        let (parts, _) = self.meet(parts, Meet::Compare, span, d)?;
        self.one_unit(&parts, "comparing", span, d)?;
        Some(parts)
    }

    /// `x [not] between low and high`
    pub fn between<T: Typed>(
        &self,
        x: T,
        low: T,
        high: T,
        negated: bool,
        span: Span,
        d: &mut Diagnostics,
    ) -> Option<T> {
        for limit in [&low, &high] {
            if limit.as_literal() == Some(&Value::Null) {
                return refuse(
                    d,
                    error!(E0315, limit.span(), "nothing is between null and a value";
                    help: "compare with one limit: `x >= 1`"),
                );
            }
        }
        let mut parts = self.comparable(vec![x, low, high], true, span, d)?.into_iter();
        let (x, low, high) = (parts.next()?, parts.next()?, parts.next()?);
        let side = |function, limit: T| {
            let pair = vec![x.clone(), limit];
            let ty = result(Type::Bool, &pair);
            T::call(function, pair, ty, span)
        };
        let limits = vec![side(Function::GreaterEqual, low), side(Function::LessEqual, high)];
        let ty = result(Type::Bool, &limits);
        Some(self.maybe_not(T::call(Function::And, limits, ty, span), negated))
    }

    /// `x [not] in (a, b)`
    pub fn in_list<T: Typed>(&self, x: T, list: Vec<T>, negated: bool, span: Span, d: &mut Diagnostics) -> Option<T> {
        if let Some(null) = list.iter().find(|item| item.as_literal() == Some(&Value::Null)) {
            return refuse(
                d,
                error!(E0315, null.span(), "nothing is equal to null, so it can't be found in a list";
                help: "add `or x is null`"),
            );
        }
        let mut parts = vec![x];
        parts.extend(list);
        let parts = self.comparable(parts, false, span, d)?;
        let ty = result(Type::Bool, &parts);
        Some(self.maybe_not(T::call(Function::In, parts, ty, span), negated))
    }

    /// `x [not] like pattern`
    pub fn like<T: Typed>(&self, x: T, pattern: T, negated: bool, span: Span, d: &mut Diagnostics) -> Option<T> {
        let x = self.text(x, "what `like` looks at", d);
        let pattern = self.text(pattern, "the pattern of `like`", d);
        let (x, pattern) = (x?, pattern?);
        match pattern.as_literal() {
            Some(Value::String(text)) if ends_in_escape(text) => {
                return refuse(
                    d,
                    error!(E0329, pattern.span(), "the pattern ends with a `\\` that escapes nothing";
                    help: "write `\\\\\\\\` in the string for one `\\` of the text"),
                );
            }
            Some(Value::Null) => {
                return refuse(d, error!(E0315, pattern.span(), "nothing is `like` null"; help: "write a pattern"));
            }
            _ => {}
        }
        let parts = vec![x, pattern];
        let ty = result(Type::Bool, &parts);
        Some(self.maybe_not(T::call(Function::Like, parts, ty, span), negated))
    }

    /// `x is [not] null`
    pub fn is_null<T: Typed>(&self, x: T, negated: bool, span: Span) -> T {
        let ty = ValueType {
            ty: Type::Bool,
            nullable: false,
            unit: Some(Unit::none()),
            sensitivity: sensitivity(std::slice::from_ref(&x)),
        };
        let x = if x.ty().ty == Type::Null { super::relabel(x, &Type::String) } else { x };
        T::call(if negated { Function::IsNotNull } else { Function::IsNull }, vec![x], ty, span)
    }

    /// `x` where it is a text; an enum or an entity with a string for a key is one.
    pub(crate) fn text<T: Typed>(&self, x: T, place: &str, d: &mut Diagnostics) -> Option<T> {
        let ty = &x.ty().ty;
        if self.is_text(ty) {
            return Some(x);
        }
        if *ty == Type::Null {
            return Some(super::relabel(x, &Type::String));
        }
        let shown = self.show_a(ty);
        let help = match ty {
            Type::Array(_) | Type::Map(_) => "take an element: `x[1]` or `x[\"key\"]`",
            _ => "write `cast(x as string)`",
        };
        refuse(d, error!(E0312, x.span(), "{place} is a string, not {shown}"; help: help))
    }

    fn maybe_not<T: Typed>(&self, x: T, negated: bool) -> T {
        if !negated {
            return x;
        }
        let (ty, span) = (x.ty().clone(), x.span());
        T::call(Function::Not, vec![x], ty, span)
    }
}

/// Whether the last `\` of a pattern has nothing to escape.
fn ends_in_escape(pattern: &str) -> bool {
    pattern.chars().rev().take_while(|c| *c == '\\').count() % 2 == 1
}
