//! When two expressions say the same, wherever they stand; and literals as points that can be compared.

use std::cmp::Ordering;

use crate::types::{NestedKey, RowExpr, RowExprKind, Type};
use crate::value::Value;

/// Whether two expressions have the same value on every row, as far as their form tells.
pub fn same(a: &RowExpr, b: &RowExpr) -> bool {
    use RowExprKind::{Call, Case, Column, Literal, Per, Sql, Time};
    let all = |a: &[RowExpr], b: &[RowExpr]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b));
    a.ty.ty == b.ty.ty
        && match (&a.kind, &b.kind) {
            (Column(a), Column(b)) => a == b,
            (Time, Time) => true,
            (Literal(a), Literal(b)) => a == b,
            (Call(f, a), Call(g, b)) => f == g && all(a, b),
            (Case { branches: a, otherwise: x }, Case { branches: b, otherwise: y }) => {
                a.len() == b.len()
                    && a.iter().zip(b).all(|((c, v), (e, w))| same(c, e) && same(v, w))
                    && match (x, y) {
                        (Some(x), Some(y)) => same(x, y),
                        (None, None) => true,
                        _ => false,
                    }
            }
            (Sql { variants: a, arguments: x }, Sql { variants: b, arguments: y }) => a == b && all(x, y),
            (Per { per: a, at: x }, Per { per: b, at: y }) => {
                let key = match (&a.key, &b.key) {
                    (NestedKey::Dimension(a), NestedKey::Dimension(b)) => a == b,
                    (NestedKey::Column { name: a, .. }, NestedKey::Column { name: b, .. }) => a == b,
                    _ => false,
                };
                a.metric == b.metric && key && same(x, y)
            }
            _ => false,
        }
}

/// A literal that can be compared with others of its kind.
#[derive(Clone, Debug)]
pub(super) enum Point<'a> {
    /// `digits / 10^scale`
    Number(i128, u8),
    Float(f64),
    Text(&'a str),
    /// A bool, date, timestamp or duration.
    Tick(i64),
}

impl<'a> Point<'a> {
    /// The point of a literal that is not null.
    pub(super) fn of(expr: &'a RowExpr) -> Option<Point<'a>> {
        let RowExprKind::Literal(value) = &expr.kind else { return None };
        Some(match (value, &expr.ty.ty) {
            (Value::Int(int), _) => Point::Number(i128::from(*int), 0),
            (Value::Decimal(digits), Type::Decimal { scale, .. }) => Point::Number(*digits, *scale),
            (Value::Float(float), _) => Point::Float(*float),
            (Value::String(text), _) => Point::Text(text),
            (Value::Bool(value), _) => Point::Tick(i64::from(*value)),
            (Value::Date(days), _) => Point::Tick(i64::from(*days)),
            (Value::Timestamp(ms) | Value::Duration(ms), _) => Point::Tick(*ms),
            _ => return None,
        })
    }

    /// Their order, where they are of one kind and within reach.
    pub(super) fn compare(&self, other: &Point) -> Option<Ordering> {
        match (self, other) {
            (Point::Number(a, s), Point::Number(b, t)) => {
                let scale = *s.max(t);
                let at = |digits: &i128, own: u8| digits.checked_mul(10_i128.checked_pow(u32::from(scale - own))?);
                Some(at(a, *s)?.cmp(&at(b, *t)?))
            }
            (Point::Float(a), Point::Float(b)) => a.partial_cmp(b),
            (Point::Text(a), Point::Text(b)) => Some(a.cmp(b)),
            (Point::Tick(a), Point::Tick(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }

    /// Whether they are the same point.
    pub(super) fn is(&self, other: &Point) -> bool {
        self.compare(other) == Some(Ordering::Equal)
    }

    /// Whether it lies between whole numbers.
    pub(super) fn has_fraction(&self) -> bool {
        match self {
            Point::Number(digits, scale) => {
                10_i128.checked_pow(u32::from(*scale)).is_some_and(|unit| digits % unit != 0)
            }
            _ => false,
        }
    }
}
