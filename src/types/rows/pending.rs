//! Conditions that name metrics: they are typed once those are.

use rustc_hash::FxHashMap;

use crate::diagnostic::{Diagnostics, Span};
use crate::syntax::ast::{self, ExprKind};
use crate::types::Origin;
use crate::types::formula::RowMetrics;
use crate::types::model::{Pending, RowExpr, RowExprKind, RowSet, Type, ValueType};
use crate::value::Value;

use super::RowSets;

/// Whether a condition names a metric.
pub(super) fn names_metrics(predicate: &ast::Expr) -> bool {
    let mut found = false;
    predicate.walk(&mut |part| found |= matches!(part.kind, ExprKind::MetricPer { .. }));
    found
}

impl<'a> RowSets<'a> {
    /// A condition, to be typed later.
    pub(super) fn pending(&self, rows: &RowSet, predicate: &ast::Expr) -> RowExpr {
        let pending = Pending { predicate: predicate.clone(), base: rows.base, time: self.time(rows) };
        RowExpr {
            kind: RowExprKind::Pending(Box::new(pending)),
            ty: ValueType::plain(Type::Bool),
            span: predicate.span,
        }
    }

    /// Types a condition on rows that names metrics; where it is wrong, which is told, no row is left out by it.
    fn settled(&self, pending: &Pending, metrics: &dyn RowMetrics, d: &mut Diagnostics) -> RowExpr {
        let rows = RowSet { base: pending.base, filters: Vec::new(), dated: pending.time };
        let typed = self.condition(&rows, &pending.predicate, Some(metrics), d);
        typed.unwrap_or_else(|| RowExpr {
            kind: RowExprKind::Literal(Value::Bool(true)),
            ty: ValueType::plain(Type::Bool),
            span: pending.predicate.span,
        })
    }

    /// The conditions that wait for metrics of which `is_known` knows all, typed by `metrics`: by where they are written, since a
    /// subset of a subset has those of both.
    pub fn settle(
        &self,
        is_known: &dyn Fn(&ast::Path, Option<u32>) -> bool,
        metrics: &dyn RowMetrics,
        d: &mut Diagnostics,
    ) -> FxHashMap<Span, RowExpr> {
        let mut settled = FxHashMap::default();
        self.each(&mut |filter| {
            let RowExprKind::Pending(pending) = &filter.kind else { return };
            let mut known = !settled.contains_key(&filter.span);
            pending.predicate.walk(&mut |part| {
                if let ExprKind::MetricPer { metric, version, .. } = &part.kind {
                    known &= is_known(metric, version.as_ref().map(|version| version.value));
                }
            });
            if known {
                settled.insert(filter.span, self.settled(pending, metrics, d));
            }
        });
        settled
    }

    /// Puts typed conditions into their places.
    pub fn put(&mut self, settled: &FxHashMap<Span, RowExpr>) {
        self.each_mut(&mut |filter| {
            if let (RowExprKind::Pending(_), Some(typed)) = (&filter.kind, settled.get(&filter.span)) {
                *filter = typed.clone();
            }
        });
    }

    /// Calls `visit` for the conditions of all row sets that are kept.
    fn each(&self, visit: &mut dyn FnMut(&RowExpr)) {
        let subsets = self.subsets.iter().flatten().map(|subset| &subset.rows);
        let derived = self.tables[self.names.tables.len()..].iter().flat_map(|table| match &table.origin {
            Origin::Stored | Origin::Raw(_) => Vec::new(),
            Origin::FirstOf { rows, .. } => vec![rows],
            Origin::Union(union) => union.members.iter().map(|member| &member.rows).collect(),
            Origin::Session(session) => vec![&session.rows],
            Origin::Made(made) => made.parts.iter().map(|part| &part.rows).collect(),
        });
        subsets.chain(derived).for_each(|rows| rows.filters.iter().for_each(&mut *visit));
    }

    fn each_mut(&mut self, visit: &mut dyn FnMut(&mut RowExpr)) {
        let declared = self.names.tables.len();
        let subsets = self.subsets.iter_mut().flatten().map(|subset| &mut subset.rows);
        let derived = self.tables[declared..].iter_mut().flat_map(|table| match &mut table.origin {
            Origin::Stored | Origin::Raw(_) => Vec::new(),
            Origin::FirstOf { rows, .. } => vec![rows],
            Origin::Union(union) => union.members.iter_mut().map(|member| &mut member.rows).collect(),
            Origin::Session(session) => vec![&mut session.rows],
            Origin::Made(made) => made.parts.iter_mut().map(|part| &mut part.rows).collect(),
        });
        subsets.chain(derived).for_each(|rows| rows.filters.iter_mut().for_each(&mut *visit));
    }
}
