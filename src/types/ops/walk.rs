//! From syntax to typed nodes: the forms that expressions over rows and formulas share.

use crate::diagnostic::{Diagnostics, Span, Spanned};
use crate::error;
use crate::syntax::ast::{self, BinaryOp, ExprKind};
use crate::types::functions::{self, Argument};
use crate::types::literal::literal;
use crate::types::size::{Size, too_large};
use crate::types::type_name::type_name;
use crate::types::{Encoding, Table, TableKind, Type};
use crate::value::Function;

use super::{Ops, Typed, refuse};

/// What a place made of an expression.
pub enum Leaf<T> {
    /// It is the place's own form: typed, or told to be wrong.
    Done(Option<T>),
    /// Nothing special: the shared rules type it.
    Shared,
}

/// The forms that only one place knows: columns of rows, metrics of formulas.
pub trait Leaves<T> {
    /// Asked for every node before the shared rules. Paths, aggregates, postfixes, `(m per p)`, `outside`, `sql(…)` and
    /// `in attribute(…)` have no shared rule.
    fn leaf(&mut self, expr: &ast::Expr, d: &mut Diagnostics) -> Leaf<T>;
    /// What the place is called in messages: `an expression over rows`.
    fn place(&self) -> &'static str;
}

impl Ops<'_> {
    /// Types `expr`.
    pub fn check<T: Typed>(&self, leaves: &mut dyn Leaves<T>, expr: &ast::Expr, d: &mut Diagnostics) -> Option<T> {
        if let Leaf::Done(done) = leaves.leaf(expr, d) {
            return done;
        }
        let span = expr.span;
        match &expr.kind {
            ExprKind::Literal(value) => {
                let (value, ty) = literal(value, span, self.zone, d)?;
                Some(T::literal(value, ty, span))
            }
            ExprKind::Parenthesised(inner) => self.check(leaves, inner, d),
            ExprKind::Unary { op, operand } => {
                let operand = self.check(leaves, operand, d)?;
                self.unary(*op, operand, span, d)
            }
            ExprKind::Binary { .. } => self.chain(leaves, expr, d),
            ExprKind::In { operand, list, negated } => {
                let operand = self.check(leaves, operand, d);
                let list = self.all(leaves, list, d);
                self.in_list(operand?, list?, *negated, span, d)
            }
            ExprKind::Between { operand, low, high, negated } => {
                let operand = self.check(leaves, operand, d);
                let (low, high) = (self.check(leaves, low, d), self.check(leaves, high, d));
                let operand = self.copied(operand?, d)?;
                self.between(operand, low?, high?, *negated, span, d)
            }
            ExprKind::Like { operand, pattern, negated } => {
                let (operand, pattern) = (self.check(leaves, operand, d), self.check(leaves, pattern, d));
                self.like(operand?, pattern?, *negated, span, d)
            }
            ExprKind::IsNull { operand, negated } => {
                Some(self.is_null(self.check(leaves, operand, d)?, *negated, span))
            }
            ExprKind::Case { branches, otherwise } => self.case_expr(leaves, branches, otherwise.as_deref(), span, d),
            ExprKind::Cast { operand, ty } => {
                let operand = self.check(leaves, operand, d);
                let (ty, _) = self.written_type(ty, d)?;
                let operand = self.copied(operand?, d)?;
                self.cast(operand, &ty, span, d)
            }
            ExprKind::Json { operand, path, ty } => {
                let operand = self.check(leaves, operand, d);
                let (ty, _) = self.written_type(ty, d)?;
                functions::json(self, operand?, path, &ty, span, d)
            }
            ExprKind::Call { function, arguments } => self.call_expr(leaves, function, arguments, span, d),
            ExprKind::Index { operand, index } => {
                let (operand, index) = (self.check(leaves, operand, d), self.check(leaves, index, d));
                functions::element(self, operand?, index?, span, d)
            }
            other => refuse(
                d,
                error!(E0323, span, "{} has no place in {}", form(other), leaves.place();
                help: "move it to where it belongs: `metricc explain E0323` shows how"),
            ),
        }
    }

    /// A chain of operators. It leans to the left and may be long, so its spine is walked in a loop.
    fn chain<T: Typed>(&self, leaves: &mut dyn Leaves<T>, expr: &ast::Expr, d: &mut Diagnostics) -> Option<T> {
        let mut spine: Vec<(Spanned<BinaryOp>, &ast::Expr, Span)> = Vec::new();
        let mut first = expr;
        while let ExprKind::Binary { op, left, right } = &first.kind {
            spine.push((*op, right, first.span));
            first = left;
        }
        let mut left = self.check(leaves, first, d);
        while let Some((op, right, span)) = spine.pop() {
            let right = self.check(leaves, right, d);
            let function = match op.value {
                BinaryOp::And => Function::And,
                BinaryOp::Or => Function::Or,
                _ => {
                    left = match (left, right) {
                        (Some(left), Some(right)) => self.binary(op, left, right, span, d),
                        _ => None,
                    };
                    continue;
                }
            };
            // `a and b and c` is one node.
            let mut parts = vec![left, right];
            let mut whole = span;
            while let Some((_, right, span)) = spine.pop_if(|(next, _, _)| next.value == op.value) {
                parts.push(self.check(leaves, right, d));
                whole = span;
            }
            left =
                parts.into_iter().collect::<Option<Vec<T>>>().and_then(|parts| self.logic(function, parts, whole, d));
        }
        left
    }

    /// What is typed for two uses must not be too large already: doubled at every level, it would have no bounds.
    fn copied<T: Typed>(&self, operand: T, d: &mut Diagnostics) -> Option<T> {
        let size = Size { depth: 0, operators: operand.operators() };
        (!too_large(size, "this expression", operand.span(), d)).then_some(operand)
    }

    fn all<T: Typed>(&self, leaves: &mut dyn Leaves<T>, list: &[ast::Expr], d: &mut Diagnostics) -> Option<Vec<T>> {
        let typed: Vec<T> = list.iter().filter_map(|item| self.check(leaves, item, d)).collect();
        (typed.len() == list.len()).then_some(typed)
    }

    fn case_expr<T: Typed>(
        &self,
        leaves: &mut dyn Leaves<T>,
        branches: &[(ast::Expr, ast::Expr)],
        otherwise: Option<&ast::Expr>,
        span: Span,
        d: &mut Diagnostics,
    ) -> Option<T> {
        let mut typed = Vec::with_capacity(branches.len());
        for (condition, value) in branches {
            let (condition, value) = (self.check(leaves, condition, d), self.check(leaves, value, d));
            typed.extend(condition.zip(value));
        }
        let last = match otherwise {
            Some(value) => Some(self.check(leaves, value, d)?),
            None => None,
        };
        if typed.len() < branches.len() {
            return None;
        }
        self.case(typed, last, span, d)
    }

    fn call_expr<T: Typed>(
        &self,
        leaves: &mut dyn Leaves<T>,
        function: &ast::Path,
        arguments: &[ast::Argument],
        span: Span,
        d: &mut Diagnostics,
    ) -> Option<T> {
        let name = functions::known(function, leaves.place(), d)?;
        let mut typed = Vec::with_capacity(arguments.len());
        for argument in arguments {
            if let Some(name) = &argument.name {
                d.push(error!(E0311, name.span, "the arguments of `{function}` have no names";
                    help: ("write the value alone, without `{}:`", name.value)));
                continue;
            }
            match &argument.value {
                ast::ArgumentValue::Step(step) => typed.push(Argument::Step(step.clone())),
                ast::ArgumentValue::Expr(expr) => match calendar_step(expr, name.takes_step()) {
                    Some(step) => typed.push(Argument::Step(step)),
                    None => typed.extend(self.check(leaves, expr, d).map(Argument::Value)),
                },
            }
        }
        if typed.len() < arguments.len() {
            return None;
        }
        functions::call(self, name, typed, span, d)
    }

    /// A type written inside of an expression, where nothing is stored.
    pub(crate) fn written_type(&self, name: &ast::TypeName, d: &mut Diagnostics) -> Option<(Type, bool)> {
        let entities = self.tables.iter().filter(|table| table.kind == TableKind::Entity);
        let names: Vec<&str> = entities.map(|table: &Table| table.name.as_str()).collect();
        let (ty, nullable, encoding) = type_name(name, &|entity| self.entity(entity), &names, d)?;
        if encoding != Encoding::Native {
            return refuse(
                d,
                error!(E0303, name.span, "`(ms)` is the stored form of a column";
                help: ("write `{}`", name.name.value)),
            );
        }
        Some((ty, nullable))
    }
}

/// A step of the calendar as an argument: a duration without a fixed length, such as `1month`, and where a step is wanted
/// a bare word such as `month`.
fn calendar_step(expr: &ast::Expr, words: bool) -> Option<Spanned<ast::Step>> {
    use ast::CalendarStep;
    use ast::DurationUnit::{Month, Quarter, Year};
    match &expr.kind {
        ExprKind::Path { path, version: None } if words => {
            let name = path.single()?;
            let steps = [
                CalendarStep::Hour,
                CalendarStep::Day,
                CalendarStep::Week,
                CalendarStep::Month,
                CalendarStep::Quarter,
                CalendarStep::Year,
            ];
            let step = steps.into_iter().find(|step| step.word() == name.as_str())?;
            Some(Spanned::new(ast::Step::Calendar(step), expr.span))
        }
        ExprKind::Literal(ast::Literal::Duration(duration)) if matches!(duration.unit, Month | Quarter | Year) => {
            Some(Spanned::new(ast::Step::Duration(*duration), expr.span))
        }
        _ => None,
    }
}

/// A form by a name that its author knows.
fn form(kind: &ExprKind) -> &'static str {
    match kind {
        ExprKind::Aggregate(_) => "an aggregate",
        ExprKind::MetricPer { .. } => "a metric of the row's group",
        ExprKind::Postfix { postfix, .. } => match **postfix {
            ast::Postfix::Where(_) => "a `where` after a value",
            ast::Postfix::Over(_) => "`over`",
            ast::Postfix::Ago(_) => "`ago`",
            ast::Postfix::Across(_) => "`across`",
            ast::Postfix::AtStartOf(_) | ast::Postfix::At { .. } => "`at`",
        },
        ExprKind::Outside { .. } => "`outside`",
        ExprKind::InCall { .. } => "`in` with a call",
        ExprKind::Sql { .. } => "`sql(…)`",
        _ => "this form",
    }
}
