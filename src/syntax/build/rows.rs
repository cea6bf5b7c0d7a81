//! Row sets out of flat lists.

use super::{Builder, expr::Place};
use crate::{
    diagnostic::Diagnostic,
    error,
    syntax::{
        ast::{RowSet, RowSetKind},
        grammar::{Node, Rule},
    },
};

impl Builder<'_> {
    /// The row set that an `expr` is.
    pub fn rows(&mut self, node: Node<'_>) -> Option<RowSet> {
        let nodes: Vec<Node<'_>> = node.into_inner().collect();
        self.within(&nodes, |builder| builder.union(&nodes))
    }

    /// `a where … | b`
    fn union(&mut self, nodes: &[Node<'_>]) -> Option<RowSet> {
        let mut members = Vec::new();
        for member in nodes.split(|n| n.as_rule() == Rule::bar) {
            members.push(self.member(member)?);
        }
        if members.len() == 1 {
            return members.pop();
        }
        Some(RowSet { kind: RowSetKind::Union(members), span: self.spans(nodes)? })
    }

    /// `a [where p] [dated c]`, the clauses in any order and number.
    fn member(&mut self, nodes: &[Node<'_>]) -> Option<RowSet> {
        let (head, mut rest) = nodes.split_first()?;
        let mut rows = self.row_atom(head.clone())?;
        while let Some((clause, after)) = rest.split_first() {
            let start = rows.span;
            let inner = Box::new(rows);
            match clause.as_rule() {
                Rule::where_glue => {
                    let length =
                        after.iter().take_while(|n| !matches!(n.as_rule(), Rule::where_glue | Rule::c_dated)).count();
                    let predicate = Box::new(self.flat(&after[..length], Place::Row)?);
                    let span = start.to(predicate.span);
                    rows = RowSet { kind: RowSetKind::Where { rows: inner, predicate }, span };
                    rest = &after[length..];
                }
                Rule::c_dated => {
                    let span = start.to(self.span(clause));
                    let column = clause.clone().into_inner().find(|n| n.as_rule() == Rule::path)?;
                    rows = RowSet { kind: RowSetKind::Dated { rows: inner, column: self.path(&column)? }, span };
                    rest = after;
                }
                _ => {
                    let found = self.not_rows(clause);
                    return self.tell(found);
                }
            }
        }
        Some(rows)
    }

    /// A name, `raw name`, `first of … per …` or rows in parentheses.
    pub(super) fn row_atom(&mut self, node: Node<'_>) -> Option<RowSet> {
        let span = self.span(&node);
        let kind = match node.as_rule() {
            Rule::named => {
                let (name, version) = self.named(node)?;
                RowSetKind::Named { name, version }
            }
            Rule::reference => {
                if let Some(arguments) = node.clone().into_inner().find(|n| n.as_rule() == Rule::arguments) {
                    let found = self.not_rows(&arguments);
                    return self.tell(found);
                }
                let (name, version) = self.named(node)?;
                RowSetKind::Named { name, version }
            }
            Rule::paren => {
                let inner = node.into_inner().find(|n| n.as_rule() == Rule::expr)?;
                RowSetKind::Parenthesised(Box::new(self.rows(inner)?))
            }
            Rule::raw_rows | Rule::first_rows => self.rows_head(node)?,
            _ => {
                let found = self.not_rows(&node);
                return self.tell(found);
            }
        };
        Some(RowSet { kind, span })
    }

    fn rows_head(&mut self, node: Node<'_>) -> Option<RowSetKind> {
        let mut rows = None;
        let mut keys = Vec::new();
        for inner in node.into_inner() {
            match inner.as_rule() {
                Rule::path => return Some(RowSetKind::Raw(self.path(&inner)?)),
                Rule::keys => keys = self.keys(inner)?,
                Rule::paren | Rule::raw_rows | Rule::named => rows = Some(Box::new(self.row_atom(inner)?)),
                _ => {}
            }
        }
        Some(RowSetKind::FirstOf { rows: rows?, keys })
    }

    fn not_rows(&self, node: &Node<'_>) -> Diagnostic {
        let span = self.span(node);
        match node.as_rule() {
            Rule::c_over | Rule::c_ago | Rule::c_across | Rule::c_at | Rule::c_per | Rule::c_from => {
                let word = self.text(node);
                error!(
                    E0124, span, "`{word}` has no place in a row set";
                    help: "rows are chosen with `where` and dated with `dated`; intervals and groups belong to metrics"
                )
            }
            Rule::infix | Rule::in_list | Rule::is_null => error!(
                E0138, span, "a condition on rows stands after `where`"; help: "write `event where …`"
            ),
            _ => error!(
                E0138, span, "these are no rows";
                help: "name a source, an entity or a subset, such as `event where platform = \"ios\"`"
            ),
        }
    }
}

/// Whether a flat list names rows; `open` where clauses of an aggregate may follow them.
pub(super) fn is_rows(nodes: &[Node<'_>], open: bool) -> bool {
    let Some((head, rest)) = nodes.split_first() else { return false };
    let head = match head.as_rule() {
        Rule::raw_rows | Rule::first_rows => true,
        Rule::reference => !head.clone().into_inner().any(|n| n.as_rule() == Rule::arguments),
        Rule::paren => {
            let inner = head.clone().into_inner().find(|n| n.as_rule() == Rule::expr);
            inner.is_some_and(|e| is_rows(&e.into_inner().collect::<Vec<_>>(), false))
        }
        _ => false,
    };
    head && rest.first().is_none_or(|n| match n.as_rule() {
        Rule::where_glue | Rule::c_dated | Rule::bar => true,
        Rule::c_over | Rule::c_at => open,
        _ => false,
    })
}
