//! Expressions, as the lowering of a question prints them.

use sqlparser::ast;

use super::Lowering;
use crate::plan::{Expr, Interval, Span};
use crate::sql::dialect::Operand;
use crate::sql::expr::Leaves;

impl Lowering<'_> {
    /// The value of an expression.
    pub(super) fn value(&self, expr: &Expr, leaves: &dyn Leaves) -> ast::Expr {
        self.printer.value(expr, leaves)
    }

    /// The expression as a condition: where the plan says null, false may come out.
    pub(super) fn condition(&self, expr: &Expr, leaves: &dyn Leaves) -> ast::Expr {
        self.printer.condition(expr, leaves)
    }

    /// The value of an expression in exactly its type.
    pub(super) fn settled(&self, expr: &Expr, leaves: &dyn Leaves) -> ast::Expr {
        self.printer.settled(expr, leaves)
    }

    pub(super) fn operand<'e>(&self, expr: &'e Expr, leaves: &dyn Leaves, truth: bool) -> Operand<'e> {
        self.printer.operand(expr, leaves, truth)
    }

    /// The start of a bucket of the output step, by its key.
    pub(super) fn bucket_start_of(&self, key: ast::Expr) -> Option<ast::Expr> {
        Some(self.dialect.bucket_start(key, self.query.step?, self.calendar))
    }

    /// The number of lengths of time in an interval of such a bucket.
    pub(super) fn bucket_steps_of(&self, key: ast::Expr, interval: &Interval, length: Span) -> Option<ast::Expr> {
        Some(self.dialect.steps(key, self.query.step?, interval, length, self.calendar))
    }
}
