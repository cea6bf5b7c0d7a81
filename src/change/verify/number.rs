//! Values to compare: exact ones stay exact.

use crate::table::form;
use crate::value::{DataType, Value};

/// Floats that differ by less than this share of the greater one are equal: their sums depend on the order of rows.
const EPSILON: f64 = 1e-9;

/// A number.
#[derive(Clone, Copy, Debug)]
pub enum Number {
    /// An int, a decimal, or a duration in milliseconds: `digits / 10^scale`.
    Exact {
        /// All digits.
        digits: i128,
        /// Those behind the point.
        scale: u8,
    },
    /// A float; always finite.
    Float(f64),
}

impl Number {
    /// An int.
    pub fn int(value: i64) -> Number {
        Number::Exact { digits: i128::from(value), scale: 0 }
    }

    /// As a float, for shares.
    pub fn as_f64(self) -> f64 {
        match self {
            // Both are exact up to 15 digits, which is enough for a share.
            Number::Exact { digits, scale } => digits as f64 / 10_f64.powi(i32::from(scale)),
            Number::Float(value) => value,
        }
    }

    /// The sum; exact where both are, unless it has more digits than there is room for.
    pub fn plus(self, other: Number) -> Number {
        self.exactly(other, i128::checked_add).unwrap_or(Number::Float(self.as_f64() + other.as_f64()))
    }

    /// The difference, likewise. Floats that are equal within 1e-9 have none.
    pub fn minus(self, other: Number) -> Number {
        if let Some(exact) = self.exactly(other, i128::checked_sub) {
            return exact;
        }
        let (a, b) = (self.as_f64(), other.as_f64());
        Number::Float(if (a - b).abs() <= EPSILON * a.abs().max(b.abs()) { 0.0 } else { a - b })
    }

    fn exactly(self, other: Number, what: impl Fn(i128, i128) -> Option<i128>) -> Option<Number> {
        let (Number::Exact { digits: a, scale: x }, Number::Exact { digits: b, scale: y }) = (self, other) else {
            return None;
        };
        let scale = x.max(y);
        let wide = |digits: i128, from: u8| digits.checked_mul(10_i128.checked_pow(u32::from(scale - from))?);
        Some(Number::Exact { digits: what(wide(a, x)?, wide(b, y)?)?, scale })
    }

    /// Whether it is 0.
    pub fn is_zero(self) -> bool {
        match self {
            Number::Exact { digits, .. } => digits == 0,
            Number::Float(value) => value == 0.0,
        }
    }

    /// All digits, which read back.
    pub fn text(self) -> String {
        match self {
            Number::Exact { digits, scale } => form::decimal(digits, scale),
            Number::Float(value) => form::float(value),
        }
    }
}

/// Equal numbers, whatever their scale; floats to the bit.
impl PartialEq for Number {
    fn eq(&self, other: &Number) -> bool {
        match self.exactly(*other, i128::checked_sub) {
            Some(difference) => difference.is_zero(),
            None => self.as_f64() == other.as_f64(),
        }
    }
}

/// What a side has for a bucket and slice.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// No row.
    Missing,
    /// A row, and null.
    Null,
    /// A number.
    Number(Number),
    /// Another value, by its text: it is equal or not.
    Other(String),
}

impl Cell {
    /// A value of a type.
    pub fn of(value: &Value, ty: &DataType, text: Option<String>) -> Cell {
        match (value, ty) {
            (Value::Null, _) => Cell::Null,
            (Value::Int(value) | Value::Duration(value), _) => Cell::Number(Number::int(*value)),
            (Value::Decimal(digits), DataType::Decimal { scale, .. }) => {
                Cell::Number(Number::Exact { digits: *digits, scale: *scale })
            }
            (Value::Float(value), _) if value.is_finite() => Cell::Number(Number::Float(*value)),
            (Value::Float(_), _) => Cell::Null,
            _ => Cell::Other(text.unwrap_or_default()),
        }
    }

    /// Its number; none for what has none.
    pub fn number(&self) -> Option<Number> {
        match self {
            Cell::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// Whether there is neither a number nor another value.
    pub fn is_absent(&self) -> bool {
        matches!(self, Cell::Missing | Cell::Null)
    }

    /// `new - old`, where what is absent counts as 0; of other values 1 where they differ.
    pub fn difference(old: &Cell, new: &Cell) -> Number {
        let zero = Number::int(0);
        match (old, new) {
            (Cell::Other(a), Cell::Other(b)) => Number::int(i64::from(a != b)),
            (Cell::Other(_), _) | (_, Cell::Other(_)) => Number::int(1),
            _ => new.number().unwrap_or(zero).minus(old.number().unwrap_or(zero)),
        }
    }

    /// What it weighs: the size of its number; another value weighs 1.
    pub fn weight(&self) -> f64 {
        match self {
            Cell::Missing | Cell::Null => 0.0,
            Cell::Number(number) => number.as_f64().abs(),
            Cell::Other(_) => 1.0,
        }
    }

    /// The exact text; none for what is absent.
    pub fn text(&self) -> Option<String> {
        match self {
            Cell::Missing | Cell::Null => None,
            Cell::Number(number) => Some(number.text()),
            Cell::Other(text) => Some(text.clone()),
        }
    }
}

/// A difference relative to `|old|`: infinite where there was nothing.
pub(super) fn relative(difference: f64, old: f64) -> f64 {
    if difference == 0.0 { 0.0 } else { difference / old.abs() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exact(digits: i128, scale: u8) -> Number {
        Number::Exact { digits, scale }
    }

    #[test]
    fn decimals_are_exact_across_scales() {
        assert_eq!(exact(110, 2).minus(exact(1, 0)), exact(1, 1));
        assert_eq!(exact(30, 2).minus(exact(3, 1)).text(), "0.00");
        assert_eq!(exact(1, 2).plus(exact(2, 2)).text(), "0.03");
        let huge = exact(i128::MAX, 0);
        assert!(matches!(huge.plus(huge), Number::Float(_)));
        assert_eq!(huge.minus(exact(i128::MAX - 1, 0)).text(), "1");
    }

    #[test]
    fn floats_are_equal_within_the_order_of_their_sums() {
        let sum = 0.1 + 0.2;
        assert!(Number::Float(sum).minus(Number::Float(0.3)).is_zero());
        assert!(!Number::Float(1.0 + 1e-6).minus(Number::Float(1.0)).is_zero());
        assert!(Number::Float(0.0).minus(Number::Float(0.0)).is_zero());
        assert!(!Number::Float(1e-300).minus(Number::Float(0.0)).is_zero());
    }

    #[test]
    fn what_is_absent_counts_as_nothing() {
        let cell = |value| Cell::Number(Number::int(value));
        assert_eq!(Cell::difference(&Cell::Missing, &cell(5)), Number::int(5));
        assert_eq!(Cell::difference(&cell(5), &Cell::Null), Number::int(-5));
        assert_eq!(Cell::difference(&Cell::Null, &Cell::Missing), Number::int(0));
        assert_eq!(Cell::difference(&Cell::Other("a".to_owned()), &Cell::Other("b".to_owned())), Number::int(1));
        assert_eq!(Cell::difference(&Cell::Other("a".to_owned()), &Cell::Missing), Number::int(1));
    }
}
