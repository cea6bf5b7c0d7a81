//! Expressions over the columns of an answer: `gmv / dau > 2.5 and platform != "ios"`.

use chrono_tz::Tz;

use crate::diagnostic::{Diagnostics, Span};
use crate::error;
use crate::suggest::near;
use crate::syntax::ast::{self, BinaryOp, ExprKind, Literal};
use crate::value::{Function, Step, Value};

use super::listed::some_of;
use super::ops::{Leaf, Leaves, Ops, Typed, refuse};
use super::part::BucketPart;
use super::size::{Size, too_large};
use super::{Table, Type, ValueType};

/// A typed expression over the columns of an answer.
#[derive(Clone, Debug)]
pub struct OutputExpr {
    /// The form.
    pub kind: OutputExprKind,
    /// What is known of its value.
    pub ty: ValueType,
    /// Where it stands.
    pub span: Span,
}

/// The forms of such expressions.
#[derive(Clone, Debug)]
pub enum OutputExprKind {
    /// A dimension, part of the bucket or metric, by the name of its column.
    Column(String),
    /// `time`, `time.month`: of the bucket of the row, asked for as a column or not.
    Part(BucketPart),
    /// A literal.
    Literal(Value),
    /// A function or operator.
    Call(Function, Vec<OutputExpr>),
    /// `case when …`, `if(…)`
    Case {
        /// Conditions and values.
        branches: Vec<(OutputExpr, OutputExpr)>,
        /// Otherwise.
        otherwise: Option<Box<OutputExpr>>,
    },
}

/// A column of an answer, for the conditions on it.
#[derive(Clone, Debug)]
pub struct OutputName {
    /// All names that it has.
    pub names: Vec<String>,
    /// The name of its column.
    pub column: String,
    /// Its type.
    pub ty: ValueType,
}

/// Types a condition over the columns of an answer.
pub fn check_having(
    columns: &[OutputName],
    tables: &[Table],
    zone: Tz,
    expr: &ast::Expr,
    d: &mut Diagnostics,
) -> Option<OutputExpr> {
    let ops = Ops::new(tables, zone);
    let expr = with_instants(expr);
    let typed = ops.check(&mut Columns { columns }, &expr, d)?;
    if too_large(typed.size(), "this condition", expr.span, d) {
        return None;
    }
    ops.condition(typed, "a condition on the rows of an answer", d)
}

/// What only such conditions know.
struct Columns<'a> {
    columns: &'a [OutputName],
}

impl Leaves<OutputExpr> for Columns<'_> {
    fn leaf(&mut self, expr: &ast::Expr, d: &mut Diagnostics) -> Leaf<OutputExpr> {
        match &expr.kind {
            ExprKind::Path { path, version } => {
                let name = match version {
                    Some(version) => format!("{path} v{}", version.value),
                    None => path.to_string(),
                };
                Leaf::Done(self.column(path, &name, expr.span, d))
            }
            _ => Leaf::Shared,
        }
    }

    fn place(&self) -> &'static str {
        "a condition on the rows of an answer"
    }
}

impl Columns<'_> {
    fn column(&self, path: &ast::Path, name: &str, span: Span, d: &mut Diagnostics) -> Option<OutputExpr> {
        let known = self.columns.iter().find(|column| column.names.iter().any(|known| known == name));
        if let Some(known) = known {
            let kind = OutputExprKind::Column(known.column.clone());
            return Some(OutputExpr { kind, ty: known.ty.clone(), span });
        }
        let step = path.at.as_ref().and_then(|at| Step::parse(at.value.word()));
        let bare = name.split('@').next().unwrap_or_default();
        if let Some(part) = BucketPart::parse(bare, step, Some(span), d) {
            let part = part?;
            return Some(OutputExpr { kind: OutputExprKind::Part(part), ty: ValueType::plain(part.ty()), span });
        }
        let names = || self.columns.iter().map(|column| column.column.as_str()).chain(["time"]);
        let help = match near(name, names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("its columns are {}; a condition on other dimensions is a `--where`", some_of(names())),
        };
        refuse(d, error!(E0953, span, "the answer has no column `{name}`"; help: help))
    }
}

/// A condition in which a day that is compared with an instant of the bucket is its first instant, as in `--where`.
fn with_instants(expr: &ast::Expr) -> ast::Expr {
    let mut expr = expr.clone();
    match &mut expr.kind {
        ExprKind::Parenthesised(inner) | ExprKind::Unary { operand: inner, .. } => **inner = with_instants(inner),
        ExprKind::Binary { op, left, right } if matches!(op.value, BinaryOp::And | BinaryOp::Or) => {
            (**left, **right) = (with_instants(left), with_instants(right));
        }
        ExprKind::Binary { left, right, .. } => {
            if is_instant(left) {
                as_instant(right);
            } else if is_instant(right) {
                as_instant(left);
            }
        }
        ExprKind::In { operand, list, .. } if is_instant(operand) => list.iter_mut().for_each(as_instant),
        ExprKind::Between { operand, low, high, .. } if is_instant(operand) => {
            as_instant(low);
            as_instant(high);
        }
        _ => {}
    }
    expr
}

/// Whether it is `time` or `time@month`.
fn is_instant(expr: &ast::Expr) -> bool {
    match &expr.kind {
        ExprKind::Path { path, version: None } => matches!(path.parts.as_slice(), [name] if name.value == "time"),
        _ => false,
    }
}

fn as_instant(expr: &mut ast::Expr) {
    if let ExprKind::Literal(literal) = &mut expr.kind
        && let Literal::Date(day) = literal
    {
        *literal = Literal::Timestamp(format!("{day} 00:00:00"));
    }
}

impl OutputExpr {
    /// Calls `visit` for this and every expression below it.
    pub fn walk<'a>(&'a self, visit: &mut impl FnMut(&'a OutputExpr)) {
        visit(self);
        match &self.kind {
            OutputExprKind::Call(_, arguments) => arguments.iter().for_each(|argument| argument.walk(visit)),
            OutputExprKind::Case { branches, otherwise } => {
                for (condition, value) in branches {
                    condition.walk(visit);
                    value.walk(visit);
                }
                otherwise.iter().for_each(|value| value.walk(visit));
            }
            OutputExprKind::Column(_) | OutputExprKind::Part(_) | OutputExprKind::Literal(_) => {}
        }
    }

    fn size(&self) -> Size {
        match &self.kind {
            OutputExprKind::Column(_) | OutputExprKind::Part(_) | OutputExprKind::Literal(_) => Size::default(),
            OutputExprKind::Call(_, arguments) => Size::of_all(arguments.iter().map(OutputExpr::size)).within(1),
            OutputExprKind::Case { branches, otherwise } => {
                let parts = branches.iter().flat_map(|(condition, value)| [condition, value]);
                Size::of_all(parts.chain(otherwise.as_deref()).map(OutputExpr::size)).within(1)
            }
        }
    }
}

impl Typed for OutputExpr {
    const AGGREGATED: bool = true;

    fn ty(&self) -> &ValueType {
        &self.ty
    }
    fn span(&self) -> Span {
        self.span
    }
    fn retyped(self, ty: ValueType, span: Span) -> Self {
        OutputExpr { ty, span, ..self }
    }
    fn literal(value: Value, ty: ValueType, span: Span) -> Self {
        OutputExpr { kind: OutputExprKind::Literal(value), ty, span }
    }
    fn call(function: Function, arguments: Vec<Self>, ty: ValueType, span: Span) -> Self {
        OutputExpr { kind: OutputExprKind::Call(function, arguments), ty, span }
    }
    fn case(branches: Vec<(Self, Self)>, otherwise: Option<Self>, ty: ValueType, span: Span) -> Self {
        OutputExpr { kind: OutputExprKind::Case { branches, otherwise: otherwise.map(Box::new) }, ty, span }
    }
    fn as_literal(&self) -> Option<&Value> {
        match &self.kind {
            OutputExprKind::Literal(value) => Some(value),
            _ => None,
        }
    }
    fn operators(&self) -> usize {
        let mut count = 0;
        self.walk(&mut |part| {
            count += usize::from(matches!(part.kind, OutputExprKind::Call(..) | OutputExprKind::Case { .. }));
        });
        count
    }
    fn texts(&self) -> Option<Vec<(String, Span)>> {
        match (&self.kind, &self.ty.ty) {
            (OutputExprKind::Literal(Value::String(text)), _) => Some(vec![(text.clone(), self.span)]),
            (OutputExprKind::Literal(Value::Null), Type::Null) => Some(Vec::new()),
            _ => None,
        }
    }
}
