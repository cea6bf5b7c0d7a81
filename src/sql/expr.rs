//! Expressions over rows or measures, in any dialect.

use std::cell::{Cell, RefCell};
use std::ops::ControlFlow;

use sqlparser::ast;

use super::build;
use super::dialect::{Calendar, Call, Operand, Scalars, Unsupported};
use super::escape;
use crate::plan::{DataType, Expr, ExprKind, Input, Interval, MeasureId, Span, Value};

/// What the leaves of an expression are in SQL.
pub trait Leaves {
    /// A stored column.
    fn column(&self, input: Input, name: &str) -> ast::Expr;

    /// A measure; rows have none.
    fn measure(&self, _: MeasureId) -> ast::Expr {
        build::null()
    }

    /// The start of the bucket, where there is one.
    fn bucket(&self) -> Option<ast::Expr> {
        None
    }

    /// The number of lengths of time in an interval of the bucket, where there is one (see [`ExprKind::Steps`]).
    fn steps(&self, _: &Interval, _: Span) -> Option<ast::Expr> {
        None
    }
}

/// How many parts the SQL of an expression may have. ClickHouse reads a statement of 50,000.
const MAX_PARTS: usize = 20_000;

/// Prints expressions, and remembers what can't be said.
pub struct Printer<'a> {
    scalars: &'a dyn Scalars,
    calendar: Calendar,
    errors: RefCell<Vec<Unsupported>>,
    /// An expression got too large, which was told: no other is worth the work.
    overgrown: Cell<bool>,
}

impl<'a> Printer<'a> {
    /// In a dialect.
    pub fn new(scalars: &'a dyn Scalars, calendar: Calendar) -> Printer<'a> {
        Printer { scalars, calendar, errors: RefCell::default(), overgrown: Cell::default() }
    }

    /// The value of an expression.
    pub fn value(&self, expr: &Expr, leaves: &dyn Leaves) -> ast::Expr {
        self.expr(expr, leaves, false)
    }

    /// The expression as a condition: where the plan says null, false may come out.
    pub fn condition(&self, expr: &Expr, leaves: &dyn Leaves) -> ast::Expr {
        self.scalars.condition(self.expr(expr, leaves, true))
    }

    /// The value of an expression in exactly its type.
    pub fn settled(&self, expr: &Expr, leaves: &dyn Leaves) -> ast::Expr {
        let value = self.value(expr, leaves);
        match expr.kind {
            ExprKind::Column { .. } | ExprKind::Measure(_) => value,
            _ => self.scalars.settle(value, &expr.ty),
        }
    }

    fn expr(&self, expr: &Expr, leaves: &dyn Leaves, truth: bool) -> ast::Expr {
        let null = || self.scalars.typed_null(&expr.ty, self.calendar);
        match &expr.kind {
            _ if self.overgrown.get() => build::null(),
            ExprKind::Column { input, name } => leaves.column(*input, name),
            ExprKind::Measure(id) => leaves.measure(*id),
            ExprKind::Bucket => leaves.bucket().unwrap_or_else(null),
            ExprKind::Steps { interval, length } => leaves.steps(interval, *length).unwrap_or_else(null),
            ExprKind::Literal(Value::Null) => null(),
            ExprKind::Literal(value) => self.scalars.literal(value, &expr.ty, self.calendar),
            ExprKind::Call(function, arguments) => {
                use crate::plan::Function::{And, Or};
                let below = truth && matches!(function, And | Or);
                let arguments = arguments.iter().map(|argument| self.operand(argument, leaves, below)).collect();
                let call = Call { function: *function, arguments, ty: &expr.ty, truth, calendar: self.calendar };
                let made = self.scalars.function(*function)(&call);
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
                let value = self.escape(variants, &arguments).map(|value| self.scalars.settle(value, &expr.ty));
                self.or_null(value.and_then(|value| self.bounded(expr, value)), &expr.ty)
            }
        }
    }

    /// An argument with what the plan knows of it.
    pub fn operand<'e>(&self, expr: &'e Expr, leaves: &dyn Leaves, truth: bool) -> Operand<'e> {
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
            self.scalars.typed_null(ty, self.calendar)
        })
    }

    /// The text that was written for this dialect, with its columns put in.
    fn escape(&self, variants: &[(String, String)], arguments: &[ast::Expr]) -> Result<ast::Expr, Unsupported> {
        let dialect = self.scalars.name();
        if !self.scalars.takes_own_text() {
            let reason = format!("{dialect} takes no text of its own: its nulls would be others than the plan's");
            return Err(Unsupported { construct: "sql(…)".to_owned(), reason });
        }
        let Some((_, text)) = variants.iter().find(|(name, _)| name == dialect) else {
            return Err(Unsupported {
                construct: "sql(…)".to_owned(),
                reason: format!("it has no text for `{dialect}`: add `\"{dialect}\": \"…\"`"),
            });
        };
        escape::expression(text, arguments, self.scalars).map_err(|error| Unsupported {
            construct: "sql(…)".to_owned(),
            reason: format!("its text for `{dialect}` is not an expression of that dialect: {error}"),
        })
    }

    /// Remembers what can't be said, once.
    pub fn fail(&self, error: Unsupported) {
        let mut errors = self.errors.borrow_mut();
        if !errors.contains(&error) {
            errors.push(error);
        }
    }

    /// Takes what another one remembers.
    pub fn take_over(&self, other: Printer) {
        self.overgrown.set(self.overgrown.get() || other.overgrown.get());
        other.errors.into_inner().into_iter().for_each(|error| self.fail(error));
    }

    /// What was made, unless something could not be said.
    pub fn made<T>(&self, made: T) -> Result<T, Vec<Unsupported>> {
        let errors = self.errors.take();
        if errors.is_empty() { Ok(made) } else { Err(errors) }
    }
}
