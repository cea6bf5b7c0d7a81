//! Constructors over sqlparser's tree that only this dialect needs.

use sqlparser::ast::{BinaryOperator, Expr};

use super::value::text;
use crate::sql::build::{binary, call};

pub use crate::sql::build::when;

/// Whether a pattern of Java finds something in a text.
pub fn rlike(of: Expr, pattern: &str) -> Expr {
    call("rlike", vec![of, text(pattern)])
}

/// `left >= right`, and others of that kind.
pub fn at_least(left: Expr, right: Expr) -> Expr {
    binary(left, BinaryOperator::GtEq, right)
}

/// `left < right`
pub fn below(left: Expr, right: Expr) -> Expr {
    binary(left, BinaryOperator::Lt, right)
}

/// `left AND right`
pub fn both(left: Expr, right: Expr) -> Expr {
    binary(left, BinaryOperator::And, right)
}
