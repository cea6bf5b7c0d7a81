//! The filter of a metric: `m where platform = "ios"`.

use super::{
    Builder,
    expr::{COMPARISON, Cursor, Infix, Place},
};
use crate::{
    diagnostic::{Diagnostic, Span, Spanned},
    error,
    syntax::{
        ast::{Expr, ExprKind, UnaryOp},
        grammar::{Node, Rule},
    },
};

impl Builder<'_> {
    /// One condition after a metric's `where`: a comparison with a literal, or anything in parentheses.
    pub(super) fn filter(&mut self, cursor: &mut Cursor<'_, '_>, place: &Node<'_>) -> Option<Expr> {
        let Some(node) = cursor.next() else {
            return self.tell(error!(E0123, self.span(place), "this `where` has no condition"; help: "write `m where platform = \"ios\"`"));
        };
        match node.as_rule() {
            Rule::prefix if node.as_str() == "N" => {
                let op_span = self.span(node);
                let operand = Box::new(self.filter(cursor, node)?);
                let span = op_span.to(operand.span);
                Some(Expr { kind: ExprKind::Unary { op: Spanned::new(UnaryOp::Not, op_span), operand }, span })
            }
            Rule::paren => self.paren(node.clone(), Place::Filter),
            Rule::reference => {
                let dimension = self.reference(node.clone(), Place::Filter)?;
                self.condition(dimension, cursor)
            }
            _ => self.tell(bare_condition(self, node)),
        }
    }

    /// What is asked of a dimension.
    fn condition(&mut self, dimension: Expr, cursor: &mut Cursor<'_, '_>) -> Option<Expr> {
        let span = dimension.span;
        let node = match cursor.peek() {
            Some(node) if matches!(node.as_rule(), Rule::in_list | Rule::is_null | Rule::infix) => node,
            _ => return self.tell(bare_boolean(span)),
        };
        if node.as_rule() != Rule::infix {
            cursor.next();
            return self.tail(dimension, node.clone(), Place::Filter);
        }
        let operand = Box::new(dimension);
        let (kind, end) = match Infix::of(node.as_str())? {
            Infix::Binary(op, COMPARISON) => {
                cursor.next();
                let right = Box::new(self.literal_operand(cursor, node)?);
                let end = right.span;
                (ExprKind::Binary { op: Spanned::new(op, self.span(node)), left: operand, right }, end)
            }
            Infix::Between { negated } => {
                cursor.next();
                let (low, high) = self.bounds(node, cursor, |b, c| b.literal_operand(c, node))?;
                let end = high.span;
                (ExprKind::Between { operand, low: Box::new(low), high: Box::new(high), negated }, end)
            }
            Infix::Like { negated } => {
                cursor.next();
                let pattern = Box::new(self.literal_operand(cursor, node)?);
                let end = pattern.span;
                (ExprKind::Like { operand, pattern, negated }, end)
            }
            _ => return self.tell(bare_boolean(span)),
        };
        Some(Expr { kind, span: span.to(end) })
    }

    /// A literal, perhaps with a sign.
    fn literal_operand(&mut self, cursor: &mut Cursor<'_, '_>, before: &Node<'_>) -> Option<Expr> {
        let sign = cursor.next_if(Rule::prefix);
        let Some(node) = cursor.next() else {
            return self.tell(bare_condition(self, before));
        };
        let value = self.primary(node.clone(), Place::Filter)?;
        if !matches!(value.kind, ExprKind::Literal(_)) {
            return self.tell(bare_condition(self, node));
        }
        let Some(sign) = sign else { return Some(value) };
        let op_span = self.span(sign);
        let op = if sign.as_str() == "-" { UnaryOp::Negate } else { UnaryOp::Not };
        let span = op_span.to(value.span);
        Some(Expr { kind: ExprKind::Unary { op: Spanned::new(op, op_span), operand: Box::new(value) }, span })
    }
}

fn bare_condition(builder: &Builder<'_>, node: &Node<'_>) -> Diagnostic {
    error!(
        E0123, builder.span(node), "the filter of a metric compares a dimension with a literal";
        help: "write `m where platform = \"ios\"`; conditions on rows go into the aggregate: `count(event where …)`"
    )
}

fn bare_boolean(span: Span) -> Diagnostic {
    error!(
        E0123, span, "the filter of a metric compares a dimension with a literal";
        help: "write what it must be, such as `where is_new = true`"
    )
}
