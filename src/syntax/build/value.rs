//! Values of keyed items.

use super::{Builder, calendar_word, expr::Place};
use crate::{
    diagnostic::{Span, Spanned},
    error,
    syntax::{
        ast::{BinaryOp, Clause, Expr, ExprKind, Literal, Name, Path, Step, Value, ValueKind, Window},
        grammar::{Node, Rule},
    },
};

/// How the values of a key are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Formulas, names, literals.
    Plain,
    /// Conditions on rows.
    Condition,
    /// Row sets.
    Rows,
    /// Steps of time, and names.
    Steps,
    /// `gmv stream daily < 0.5%`
    Reconcile,
}

/// How the values of `key` are read in a declaration of this kind.
pub fn reading(kind: &str, key: &str) -> Reading {
    match (kind, key) {
        ("cohort", "start" | "active")
        | ("lifecycle", "active")
        | ("conversion", "from" | "to")
        | ("session" | "path", "events")
        | ("attribution", "convert" | "touch")
        | ("experiment", "expose") => Reading::Rows,
        ("quality", "valid") | ("access", "rows") => Reading::Condition,
        ("quality", "reconcile") => Reading::Reconcile,
        (_, "grain" | "every" | "step" | "compare" | "until" | "within" | "gap" | "silent") => Reading::Steps,
        _ => Reading::Plain,
    }
}

impl Reading {
    /// The entry rule for values of this kind.
    pub fn rule(self) -> Rule {
        match self {
            Reading::Rows => Rule::rows_values,
            Reading::Reconcile => Rule::reconcile,
            _ => Rule::values,
        }
    }
}

impl Builder<'_> {
    /// The values after a key's colon.
    pub fn values(&mut self, node: Node<'_>, reading: Reading) -> Option<Vec<Value>> {
        let span = self.span(&node);
        if reading == Reading::Reconcile {
            return Some(vec![self.reconcile(node, span)?]);
        }
        let mut values = Vec::with_capacity(1);
        for inner in node.into_inner() {
            match inner.as_rule() {
                Rule::value => values.push(self.value(inner, reading)?),
                Rule::rows_value => values.push(self.rows_value(inner)?),
                _ => {}
            }
        }
        Some(values)
    }

    fn rows_value(&mut self, node: Node<'_>) -> Option<Value> {
        let span = self.span(&node);
        let mut every = false;
        for inner in node.into_inner() {
            match inner.as_rule() {
                Rule::every => every = true,
                Rule::at_least => {
                    let count = inner.into_inner().find(|n| n.as_rule() == Rule::integer)?;
                    return Some(Value { kind: ValueKind::AtLeast(self.integer(&count)?), span });
                }
                _ => return Some(Value { kind: ValueKind::Rows { every, rows: self.rows(inner)? }, span }),
            }
        }
        None
    }

    fn value(&mut self, node: Node<'_>, reading: Reading) -> Option<Value> {
        let span = self.span(&node);
        let inner: Vec<Node<'_>> = node.into_inner().collect();
        let (first, clauses) = inner.split_first()?;
        let kind = match first.as_rule() {
            Rule::expr => self.value_expr(first.clone(), clauses, reading)?,
            Rule::range => self.range(first.clone())?,
            Rule::since => ValueKind::SinceLast(self.last_path(first)?),
            Rule::from_set => ValueKind::From(self.last_path(first)?),
            Rule::within => ValueKind::Within(self.last_step(first)?),
            Rule::same => ValueKind::Same(self.last_step(first)?),
            _ => {
                let count = first.clone().into_inner().find(|n| n.as_rule() == Rule::integer)?;
                ValueKind::Top { count: self.integer(&count)?, by: self.last_path(first)? }
            }
        };
        Some(Value { kind, span })
    }

    /// The value of a measure: `since last R` or a formula.
    pub(super) fn measure(&mut self, node: &Node<'_>) -> Option<Value> {
        let span = self.span(node);
        let kind = match node.as_rule() {
            Rule::since => ValueKind::SinceLast(self.last_path(node)?),
            _ => ValueKind::Expr { expr: self.expr(node.clone(), Place::Formula)?, clauses: Vec::new() },
        };
        Some(Value { kind, span })
    }

    /// An expression with what follows it: `channel from pay`, `99.9% over 30d`, `value < 95% for 5m`.
    fn value_expr(&mut self, node: Node<'_>, after: &[Node<'_>], reading: Reading) -> Option<ValueKind> {
        let nodes: Vec<Node<'_>> = node.into_inner().collect();
        let mut clauses = Vec::new();
        let (nodes, last) = match nodes.split_last() {
            Some((last, before)) if last.as_rule() == Rule::c_from && !before.is_empty() => (before, Some(last)),
            Some((last, [one])) if last.as_rule() == Rule::c_over && one.as_rule() == Rule::numeric => {
                (std::slice::from_ref(one), Some(last))
            }
            _ => (nodes.as_slice(), None),
        };
        let place = if reading == Reading::Condition { Place::Row } else { Place::Formula };
        let expr = self.flat(nodes, place)?;
        if let Some(last) = last {
            clauses.push(match last.as_rule() {
                Rule::c_over => Clause::Over(self.literal_window(last)?),
                _ => Clause::From(self.path_behind(last)?),
            });
        }
        for clause in after {
            clauses.push(self.value_clause(clause)?);
        }
        if reading == Reading::Steps
            && clauses.is_empty()
            && let Some(step) = step_of(&expr)
        {
            return Some(ValueKind::Step(step));
        }
        Some(ValueKind::Expr { expr, clauses })
    }

    fn value_clause(&mut self, node: &Node<'_>) -> Option<Clause> {
        let inner: Vec<Node<'_>> = node.clone().into_inner().collect();
        let last = inner.last()?;
        Some(match inner.first()?.as_rule() {
            Rule::k_latest => Clause::LatestBy(self.path(last)?),
            Rule::k_for => Clause::For(self.step(last.clone())?.value),
            Rule::k_by => Clause::By(self.path(last)?),
            _ => Clause::As(self.name(last)),
        })
    }

    /// The length in `99.9% over 30d`.
    fn literal_window(&mut self, node: &Node<'_>) -> Option<Step> {
        match self.window(node.clone())? {
            Window::Step(step) => Some(step),
            _ => self.tell(error!(
                E0127, self.span(node), "a length of time must follow `over` here"; help: "write `over 30d`"
            )),
        }
    }

    /// The name in `channel from pay`.
    fn path_behind(&mut self, node: &Node<'_>) -> Option<Path> {
        let named = node.clone().into_inner().find(|n| n.as_rule() == Rule::named);
        match named {
            Some(named) => Some(self.named(named)?.0),
            None => self.tell(error!(
                E0103, self.span(node), "a name must follow `from` here"; help: "write `channel from pay`"
            )),
        }
    }

    fn last_path(&mut self, node: &Node<'_>) -> Option<Path> {
        let path = node.clone().into_inner().find(|n| n.as_rule() == Rule::path)?;
        self.path(&path)
    }

    fn last_step(&mut self, node: &Node<'_>) -> Option<Step> {
        let step = node.clone().into_inner().find(|n| n.as_rule() == Rule::step)?;
        Some(self.step(step)?.value)
    }

    /// `-3%..0%`
    fn range(&mut self, node: Node<'_>) -> Option<ValueKind> {
        let mut negative = false;
        let mut bounds: Vec<(Spanned<Literal>, bool)> = Vec::new();
        for inner in node.into_inner() {
            match inner.as_rule() {
                Rule::minus => negative = true,
                Rule::range_dots => {}
                _ => {
                    let literal = Spanned::new(self.numeric(&inner)?, self.span(&inner));
                    bounds.push((literal, std::mem::take(&mut negative)));
                }
            }
        }
        let (high, high_negative) = bounds.pop()?;
        let (low, low_negative) = bounds.pop()?;
        Some(ValueKind::Range { low, high, low_negative, high_negative })
    }

    /// `gmv stream daily < 0.5%`
    fn reconcile(&mut self, node: Node<'_>, span: Span) -> Option<Value> {
        let mut path = None;
        let mut words: Vec<Name> = Vec::new();
        let mut op = None;
        let mut bound = None;
        for inner in node.into_inner() {
            let inner_span = self.span(&inner);
            match inner.as_rule() {
                Rule::path => path = Some(self.path(&inner)?),
                Rule::word => words.push(self.name(&inner)),
                Rule::infix => op = Some((self.text(&inner), inner_span)),
                Rule::numeric => bound = Some(Spanned::new(self.numeric(&inner)?, inner_span)),
                _ => {}
            }
        }
        let (text, op_span) = op?;
        let comparison = match text {
            "<" => BinaryOp::Less,
            "<=" => BinaryOp::LessEqual,
            _ => {
                return self.tell(error!(
                    E0126, op_span, "the difference of two results is bounded from above";
                    help: "write `reconcile: gmv stream daily < 0.5%`"
                ));
            }
        };
        let op = Spanned::new(comparison, op_span);
        let (right, left) = (words.pop()?, words.pop()?);
        Some(Value { kind: ValueKind::Reconcile { metric: path?, left, right, op, bound: bound? }, span })
    }
}

/// The step that an expression is: a duration, a calendar word, or the step of a declared calendar.
fn step_of(expr: &Expr) -> Option<Step> {
    match &expr.kind {
        ExprKind::Literal(Literal::Duration(duration)) => Some(Step::Duration(*duration)),
        ExprKind::Path { path, version: None } => match calendar_word(path) {
            Some(step) => Some(Step::Calendar(step)),
            None if path.parts.len() == 2 && path.at.is_none() => Some(Step::Declared(path.clone())),
            None => None,
        },
        _ => None,
    }
}
