//! Expressions over rows or measures.

use std::ops::ControlFlow;

use sqlparser::ast;

use super::Lowering;
use super::escape;
use crate::plan::{DataType, Expr, ExprKind, Input, MeasureId, Value};
use crate::sql::build;
use crate::sql::dialect::{Call, Operand, Unsupported};

/// What the leaves of an expression are in SQL.
pub(super) trait Leaves {
    /// A stored column.
    fn column(&self, input: Input, name: &str) -> ast::Expr;
    /// A measure.
    fn measure(&self, id: MeasureId) -> ast::Expr;
    /// The key of the bucket, where there is one.
    fn bucket(&self) -> Option<ast::Expr> {
        None
    }
}

/// How many parts the SQL of an expression may have. ClickHouse reads a statement of 50,000.
const MAX_PARTS: usize = 20_000;

impl Lowering<'_> {
    /// The value of an expression.
    pub(super) fn value(&self, expr: &Expr, leaves: &dyn Leaves) -> ast::Expr {
        self.expr(expr, leaves, false)
    }

    /// The expression as a condition: where the plan says null, false may come out.
    pub(super) fn condition(&self, expr: &Expr, leaves: &dyn Leaves) -> ast::Expr {
        self.expr(expr, leaves, true)
    }

    /// The value of an expression in exactly its type.
    pub(super) fn settled(&self, expr: &Expr, leaves: &dyn Leaves) -> ast::Expr {
        let value = self.value(expr, leaves);
        match expr.kind {
            ExprKind::Column { .. } | ExprKind::Measure(_) => value,
            _ => self.dialect.settle(value, &expr.ty),
        }
    }

    fn expr(&self, expr: &Expr, leaves: &dyn Leaves, truth: bool) -> ast::Expr {
        match &expr.kind {
            _ if self.overgrown.get() => build::null(),
            ExprKind::Column { input, name } => leaves.column(*input, name),
            ExprKind::Measure(id) => leaves.measure(*id),
            ExprKind::Bucket => match (leaves.bucket(), self.query.step) {
                (Some(key), Some(step)) => self.dialect.bucket_start(key, step, self.calendar),
                _ => self.dialect.typed_null(&expr.ty, self.calendar),
            },
            ExprKind::Steps { interval, length } => match (leaves.bucket(), self.query.step) {
                (Some(key), Some(step)) => self.dialect.steps(key, step, interval, *length, self.calendar),
                _ => self.dialect.typed_null(&expr.ty, self.calendar),
            },
            ExprKind::Literal(Value::Null) => self.dialect.typed_null(&expr.ty, self.calendar),
            ExprKind::Literal(value) => self.dialect.literal(value, &expr.ty, self.calendar),
            ExprKind::Call(function, arguments) => {
                use crate::plan::Function::{And, Or};
                let below = truth && matches!(function, And | Or);
                let arguments = arguments.iter().map(|argument| self.operand(argument, leaves, below)).collect();
                let call = Call { function: *function, arguments, ty: &expr.ty, truth, calendar: self.calendar };
                let made = self.dialect.function(*function)(&call);
                self.or_null(made.and_then(|made| self.bounded(expr, made)), &expr.ty)
            }
            ExprKind::Case { branches, otherwise } => {
                let branches = branches
                    .iter()
                    .map(|(condition, value)| (self.condition(condition, leaves), self.expr(value, leaves, truth)))
                    .collect();
                build::case(branches, otherwise.as_ref().map(|value| self.expr(value, leaves, truth)))
            }
            ExprKind::Sql { variants, arguments } => {
                let arguments: Vec<ast::Expr> = arguments.iter().map(|argument| self.value(argument, leaves)).collect();
                let value = self.escape(variants, &arguments).map(|value| self.dialect.settle(value, &expr.ty));
                self.or_null(value.and_then(|value| self.bounded(expr, value)), &expr.ty)
            }
        }
    }

    pub(super) fn operand<'e>(&self, expr: &'e Expr, leaves: &dyn Leaves, truth: bool) -> Operand<'e> {
        let literal = match &expr.kind {
            ExprKind::Literal(value) => Some(value),
            _ => None,
        };
        Operand { sql: self.expr(expr, leaves, truth), ty: &expr.ty, nullable: expr.nullable, literal }
    }

    /// Where a dialect writes an argument several times, and so for the call around it, the text doubles at each level.
    fn bounded(&self, expr: &Expr, made: ast::Expr) -> Result<ast::Expr, Unsupported> {
        // Few levels cannot get large, and most expressions have no more.
        if !expr.is_deeper_than(4) {
            return Ok(made);
        }
        let mut parts = 0_usize;
        let counted = ast::visit_expressions(&made, |_| {
            parts += 1;
            if parts > MAX_PARTS { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        if counted.is_continue() {
            return Ok(made);
        }
        self.overgrown.set(true);
        let reason =
            format!("its SQL has more than {MAX_PARTS} parts: store a part of it as a column of the warehouse");
        Err(Unsupported { construct: "an expression of this size".to_owned(), reason })
    }

    /// A failed expression is remembered, and a null goes on, so that one run tells all of them.
    fn or_null(&self, made: Result<ast::Expr, Unsupported>, ty: &DataType) -> ast::Expr {
        made.unwrap_or_else(|error| {
            self.fail(error);
            self.dialect.typed_null(ty, self.calendar)
        })
    }

    /// The text that was written for this dialect, with its columns put in.
    fn escape(&self, variants: &[(String, String)], arguments: &[ast::Expr]) -> Result<ast::Expr, Unsupported> {
        let dialect = self.dialect.name();
        let Some((_, text)) = variants.iter().find(|(name, _)| name == dialect) else {
            return Err(Unsupported {
                construct: "sql(…)".to_owned(),
                reason: format!("it has no text for `{dialect}`: add `\"{dialect}\": \"…\"`"),
            });
        };
        escape::expression(text, arguments, self.dialect).map_err(|error| Unsupported {
            construct: "sql(…)".to_owned(),
            reason: format!("its text for `{dialect}` is not an expression of that dialect: {error}"),
        })
    }
}
