//! Walks over expressions on rows.

use crate::types::{ColumnId, RowExpr, RowExprKind};

impl RowExpr {
    /// Calls `visit` for this and every expression below it.
    pub fn walk<'a>(&'a self, visit: &mut impl FnMut(&'a RowExpr)) {
        visit(self);
        match &self.kind {
            RowExprKind::Call(_, arguments) | RowExprKind::Sql { arguments, .. } => {
                arguments.iter().for_each(|argument| argument.walk(visit));
            }
            RowExprKind::Case { branches, otherwise } => {
                for (condition, value) in branches {
                    condition.walk(visit);
                    value.walk(visit);
                }
                otherwise.iter().for_each(|value| value.walk(visit));
            }
            RowExprKind::Per { at, .. } => at.walk(visit),
            RowExprKind::Column(_)
            | RowExprKind::Time
            | RowExprKind::Inner
            | RowExprKind::Literal(_)
            | RowExprKind::Pending(_) => {}
        }
    }

    /// Changes this and every expression below it.
    pub fn walk_mut(&mut self, change: &mut impl FnMut(&mut RowExpr)) {
        change(self);
        match &mut self.kind {
            RowExprKind::Call(_, arguments) | RowExprKind::Sql { arguments, .. } => {
                arguments.iter_mut().for_each(|argument| argument.walk_mut(change));
            }
            RowExprKind::Case { branches, otherwise } => {
                for (condition, value) in branches {
                    condition.walk_mut(change);
                    value.walk_mut(change);
                }
                otherwise.iter_mut().for_each(|value| value.walk_mut(change));
            }
            RowExprKind::Per { at, .. } => at.walk_mut(change),
            RowExprKind::Column(_)
            | RowExprKind::Time
            | RowExprKind::Inner
            | RowExprKind::Literal(_)
            | RowExprKind::Pending(_) => {}
        }
    }

    /// Puts a column in the place of the row's time.
    pub fn replace_time(&mut self, time: ColumnId) {
        self.walk_mut(&mut |part| {
            if matches!(part.kind, RowExprKind::Time) {
                part.kind = RowExprKind::Column(vec![time]);
            }
        });
    }
}
