//! Typed expressions of a plan: over the rows of a scan, or over measures.

pub use crate::value::{DataType, Function, Value};
use crate::value::{Interval, Span};

/// Where a column comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// The scanned table.
    Base,
    /// A look-up, by its place in the scan.
    Join(usize),
    /// A look-up in an answer, by its place in the scan.
    Answer(usize),
    /// The answer itself: one of its output columns.
    Output,
}

/// A measure of a query: its scan and its place there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MeasureId {
    /// The scan.
    pub scan: usize,
    /// The measure.
    pub measure: usize,
}

/// A typed expression.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Expr {
    /// The form.
    pub kind: ExprKind,
    /// The type of its values.
    pub ty: DataType,
    /// Whether it may be null.
    pub nullable: bool,
}

/// The forms of expressions.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum ExprKind {
    /// A stored column.
    Column {
        /// Of which input.
        input: Input,
        /// Its name.
        name: String,
    },
    /// A measure (in formulas only).
    Measure(MeasureId),
    /// The start of the output bucket (in formulas only): a timestamp.
    Bucket,
    /// The number of lengths of time in an interval of the bucket, as a float (in formulas only). Days are those of the
    /// calendar where the interval is made of such, else 24 hours.
    Steps {
        /// Of the bucket.
        interval: Interval,
        /// The length, no months.
        length: Span,
    },
    /// A literal.
    Literal(Value),
    /// A function or operator. Both sides of a comparison, and of `Add`/`Subtract` between numbers, have one type up to the
    /// scale of decimals: what must be widened carries a [`Function::Cast`].
    Call(Function, Vec<Expr>),
    /// `case when c then a … else z end`; all values have one type.
    Case {
        /// Conditions and values.
        branches: Vec<(Expr, Expr)>,
        /// Otherwise; null where left out.
        otherwise: Option<Box<Expr>>,
    },
    /// `sql("dialect": "text")`: text by dialect name, its columns already resolved to `{0}`, `{1}` … for the arguments.
    Sql {
        /// Text by dialect.
        variants: Vec<(String, String)>,
        /// The columns used.
        arguments: Vec<Expr>,
    },
}

impl Expr {
    /// A literal of type `ty`.
    pub fn literal(value: Value, ty: DataType) -> Expr {
        let nullable = value == Value::Null;
        Expr { kind: ExprKind::Literal(value), ty, nullable }
    }

    /// Whether more than so many operators stand within each other.
    pub fn is_deeper_than(&self, levels: usize) -> bool {
        let below = |part: &Expr| levels.checked_sub(1).is_none_or(|levels| part.is_deeper_than(levels));
        match &self.kind {
            ExprKind::Column { .. }
            | ExprKind::Measure(_)
            | ExprKind::Bucket
            | ExprKind::Steps { .. }
            | ExprKind::Literal(_) => false,
            ExprKind::Call(_, arguments) | ExprKind::Sql { arguments, .. } => arguments.iter().any(below),
            ExprKind::Case { branches, otherwise } => {
                branches.iter().flat_map(|(condition, value)| [condition, value]).any(below)
                    || otherwise.as_deref().is_some_and(below)
            }
        }
    }

    /// A call.
    pub fn call(function: Function, arguments: Vec<Expr>, ty: DataType, nullable: bool) -> Expr {
        Expr { kind: ExprKind::Call(function, arguments), ty, nullable }
    }

    /// All of `parts`; none for no parts.
    pub fn all(mut parts: Vec<Expr>) -> Option<Expr> {
        match parts.len() {
            0 | 1 => parts.pop(),
            _ => {
                let nullable = parts.iter().any(|part| part.nullable);
                Some(Expr::call(Function::And, parts, DataType::Bool, nullable))
            }
        }
    }

    /// Calls `visit` on this and every expression below it.
    pub fn walk<'a>(&'a self, visit: &mut impl FnMut(&'a Expr)) {
        visit(self);
        match &self.kind {
            ExprKind::Call(_, arguments) | ExprKind::Sql { arguments, .. } => {
                arguments.iter().for_each(|argument| argument.walk(visit));
            }
            ExprKind::Case { branches, otherwise } => {
                for (condition, value) in branches {
                    condition.walk(visit);
                    value.walk(visit);
                }
                if let Some(value) = otherwise {
                    value.walk(visit);
                }
            }
            ExprKind::Column { .. }
            | ExprKind::Measure(_)
            | ExprKind::Bucket
            | ExprKind::Steps { .. }
            | ExprKind::Literal(_) => {}
        }
    }
}
