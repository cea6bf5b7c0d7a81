//! What rows, tables and expressions over rows read.

use crate::types::{ColumnId, History, Origin, RowExpr, RowExprKind, RowSet, Subset, TableId, Type};
use crate::value::How;

use super::expand::{Program, Reads};
use super::{Item, NodeId, Role};

/// Rows that an expression is over.
#[derive(Clone, Copy, Debug)]
pub struct Over {
    /// Their table.
    pub table: TableId,
    /// The column that is their time.
    pub time: Option<ColumnId>,
}

impl Program<'_> {
    /// The rows of a table, dated by another column or by its own.
    pub fn over(&self, table: TableId, dated: Option<ColumnId>) -> Over {
        let own = || self.model.table(table).time.map(|column| ColumnId { table, column });
        Over { table, time: dated.or_else(own) }
    }

    /// Rows that a declaration holds. What a subset that it names says of them is the subset's.
    pub fn of_rows(&self, rows: &RowSet, holder: Option<NodeId>, reads: &mut Reads) {
        let named = holder.and_then(|holder| self.named.get(&holder)).into_iter().flatten();
        // Conditions that stand in a subset came from there, whatever names it.
        let known = self.subsets.get(&rows.base).into_iter().flatten();
        let named = named.chain(known).map(|(place, node)| (&self.model.subsets[*place], *node));
        let named = named.filter(|(_, node)| Some(*node) != holder);
        let subset = named.filter(|(subset, _)| is_of(rows, subset)).max_by_key(|(subset, _)| specific(subset));
        let mut told = 0;
        let mut dated = rows.dated;
        match subset {
            Some((subset, node)) => {
                reads.push((Item::Declared(node), Role::Rows));
                told = subset.rows.filters.len();
                dated = dated.filter(|_| subset.rows.dated.is_none());
            }
            None => reads.push((Item::Rows(rows.base), Role::Rows)),
        }
        reads.extend(dated.map(|column| (Item::Column(column), Role::Time)));
        let over = self.over(rows.base, rows.dated);
        rows.filters[told..].iter().for_each(|filter| self.of_expr(filter, Role::Filter, over, reads));
    }

    /// An expression over rows.
    pub fn of_expr(&self, expr: &RowExpr, role: Role, over: Over, reads: &mut Reads) {
        expr.walk(&mut |part| match &part.kind {
            RowExprKind::Column(path) => self.of_path(path, role, reads),
            RowExprKind::Time => reads.extend(over.time.map(|time| (Item::Column(time), Role::Time))),
            RowExprKind::Per { per, .. } => self.of_per(per, Some(over.table), reads),
            RowExprKind::Inner
            | RowExprKind::Literal(_)
            | RowExprKind::Call(..)
            | RowExprKind::Case { .. }
            | RowExprKind::Sql { .. }
            | RowExprKind::Pending(_) => {}
        });
    }

    /// A column, and the columns that lead to it from entity to entity.
    fn of_path(&self, path: &[ColumnId], role: Role, reads: &mut Reads) {
        for (at, hop) in path.iter().enumerate() {
            let last = at + 1 == path.len();
            reads.push((Item::Column(*hop), if last { role } else { Role::Join }));
            // Which member a row is of its key tells: an entity that only leads to a segment of it is not read itself.
            let column = &self.model.table(hop.table).columns[hop.column];
            let leads = matches!(column.ty.ty, Type::Entity(of) if self.model.table(of).is_segment());
            if at > 0 && !leads {
                reads.push((Item::Rows(hop.table), Role::Join));
            }
        }
    }

    /// What tells which rows a table has.
    pub fn of_table(&self, id: TableId, reads: &mut Reads) {
        let table = self.model.table(id);
        let own = |column: usize| Item::Column(ColumnId { table: id, column });
        let inside = || self.nodes.tables[id.0].or_else(|| self.nodes.at(table.span));
        match &table.origin {
            Origin::Stored => {
                reads.extend(table.key.iter().map(|column| (own(*column), Role::Key)));
                reads.extend(table.latest_by.map(|column| (own(column), Role::Key)));
                reads.extend(table.time.map(|column| (own(column), Role::Time)));
                let history: &[usize] = match &table.history {
                    None => &[],
                    Some(History::Valid { from, until }) => &[*from, *until],
                    Some(History::Snapshot { day }) => &[*day],
                };
                reads.extend(history.iter().map(|column| (own(*column), Role::Time)));
            }
            Origin::Raw(of) => {
                reads.push((Item::Table(*of), Role::Rows));
                let time = self.model.table(*of).time;
                reads.extend(time.map(|column| (Item::Column(ColumnId { table: *of, column }), Role::Time)));
            }
            Origin::FirstOf { rows, keys } => {
                self.of_rows(rows, inside(), reads);
                let over = self.over(rows.base, rows.dated);
                keys.iter().for_each(|key| self.of_expr(key, Role::Key, over, reads));
                self.of_order(rows.base, reads);
            }
            Origin::Union(union) => {
                union.members.iter().for_each(|member| self.of_rows(&member.rows, inside(), reads));
            }
            Origin::Session(session) => {
                self.of_rows(&session.rows, inside(), reads);
                reads.push((Item::Column(session.by), Role::Key));
            }
            Origin::Made(made) => {
                let carried = |part: usize, value: usize| {
                    made.carried.iter().flat_map(|carried| &carried.of).any(|of| (of.part, of.value) == (part, value))
                };
                for (at, part) in made.parts.iter().enumerate() {
                    self.of_rows(&part.rows, inside(), reads);
                    let over = self.over(part.rows.base, part.rows.dated);
                    let values = part.values.iter().enumerate().filter(|(value, _)| !carried(at, *value));
                    values.for_each(|(_, value)| self.of_expr(value, Role::Key, over, reads));
                    // Of a cohort, only where a unit starts is a choice among rows.
                    if at == 0 || !matches!(made.how, How::Cohort { .. }) {
                        self.of_order(part.rows.base, reads);
                    }
                }
            }
        }
    }

    /// What decides which of several rows of one instant comes first: without a key all of their columns do.
    fn of_order(&self, id: TableId, reads: &mut Reads) {
        let table = self.model.table(id);
        if !table.is_keyed(&self.model.tables) {
            let columns = table.columns.iter().enumerate().filter(|(_, column)| column.computed.is_none());
            reads.extend(columns.map(|(column, _)| (Item::Column(ColumnId { table: id, column }), Role::Key)));
        }
    }

    /// What a column is made of.
    pub fn of_column(&self, id: ColumnId, reads: &mut Reads) {
        let table = self.model.table(id.table);
        if let Some(computed) = &table.columns[id.column].computed {
            self.of_expr(computed, Role::Value, self.over(id.table, None), reads);
            return;
        }
        match &table.origin {
            Origin::Stored => {}
            Origin::Raw(of) => reads.push((Item::Column(ColumnId { table: *of, ..id }), Role::Value)),
            Origin::FirstOf { rows, .. } => {
                reads.push((Item::Column(ColumnId { table: rows.base, ..id }), Role::Value));
            }
            Origin::Union(union) => {
                for member in &union.members {
                    let over = self.over(member.rows.base, member.rows.dated);
                    let value = member.values.get(id.column);
                    value.into_iter().for_each(|value| self.of_expr(value, Role::Value, over, reads));
                }
            }
            Origin::Session(session) => {
                let over = self.over(session.rows.base, session.rows.dated);
                match id.column.checked_sub(SESSION_COLUMNS) {
                    None if id.column == 0 => reads.push((Item::Column(session.by), Role::Value)),
                    None => reads.extend(over.time.map(|time| (Item::Column(time), Role::Time))),
                    Some(kept) => {
                        let Some(kept) = session.kept.get(kept) else { return };
                        self.of_expr(&kept.input, Role::Value, over, reads);
                        kept.filter.iter().for_each(|filter| self.of_expr(filter, Role::Filter, over, reads));
                    }
                }
            }
            Origin::Made(made) => {
                let own = table.columns.iter().filter(|column| column.computed.is_none()).count();
                let own = own.saturating_sub(made.carried.len());
                let before = table.columns[..id.column].iter().filter(|column| column.computed.is_none()).count();
                let carried = before.checked_sub(own).and_then(|place| made.carried.get(place));
                for of in carried.into_iter().flat_map(|carried| &carried.of) {
                    let part = &made.parts[of.part];
                    let over = self.over(part.rows.base, part.rows.dated);
                    self.of_expr(&part.values[of.value], Role::Value, over, reads);
                }
            }
        }
    }
}

/// The columns of a session before those that it keeps: whose, start, end, duration and the number of rows.
const SESSION_COLUMNS: usize = 5;

/// Whether rows are those of a subset, or some of them.
fn is_of(rows: &RowSet, subset: &Subset) -> bool {
    let of = &subset.rows;
    let starts = rows.filters.len() >= of.filters.len()
        && rows.filters.iter().zip(&of.filters).all(|(own, other)| own.span == other.span);
    rows.base == of.base && starts && (of.dated.is_none() || rows.dated == of.dated)
}

/// How much a subset says of its rows.
fn specific(subset: &Subset) -> (usize, bool) {
    (subset.rows.filters.len(), subset.rows.dated.is_some())
}
