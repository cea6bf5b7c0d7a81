//! Segments as they are typed.

use rustc_hash::FxHashSet;

use crate::diagnostic::Span;
use crate::syntax::ast;
use crate::value::How;

use super::model::{ColumnId, RowExpr, RowExprKind, RowSet, Table, TableId, Type};
use super::{DimensionId, Origin};

/// A segment: the members of an entity, measured before each day and put into classes.
#[derive(Clone, Debug)]
pub struct Segment {
    /// Its name.
    pub name: ast::Name,
    /// Its version; 1 where none is written.
    pub version: u32,
    /// Whose members.
    pub entity: TableId,
    /// The table in which members are looked up as of a row's day.
    pub table: TableId,
    /// The table of all members as of the start of every day.
    pub all: TableId,
    /// Where each measure is written.
    pub measures: Vec<Span>,
    /// What its metrics are shown by.
    pub by: Vec<DimensionId>,
}

/// The places of the columns of its tables.
pub mod column {
    /// Which member.
    pub const MEMBER: usize = 0;
    /// As of the start of which day.
    pub const DAY: usize = 1;
    /// The class.
    pub const CLASS: usize = 2;
    /// The first measure, or its score.
    pub const MEASURES: usize = 3;
}

impl Table {
    /// Whether members of an entity are looked up in it: it is a segment's.
    pub fn is_segment(&self) -> bool {
        matches!(&self.origin, Origin::Made(made) if matches!(made.how, How::Segment(_))) && self.history.is_some()
    }
}

/// The column behind which the segment of a name lies, of an entity's table.
pub fn segment_named(tables: &[Table], entity: &Table, name: &str) -> Option<usize> {
    entity.columns.iter().position(|column| {
        let leads = matches!(column.ty.ty, Type::Entity(to) if tables[to.0].is_segment());
        column.internal && leads && column.name.value == name
    })
}

/// What the rows of a table, or of a row set, are made of.
#[derive(Default)]
pub struct Behind {
    /// All tables, also those that are only looked into.
    pub tables: FxHashSet<TableId>,
    /// Whether a condition asks for a metric.
    pub asks_metrics: bool,
    columns: FxHashSet<ColumnId>,
}

impl Behind {
    /// Behind the rows of a row set, and values of them.
    pub fn rows(&mut self, tables: &[Table], rows: &RowSet, values: &[RowExpr]) {
        rows.filters.iter().chain(values).for_each(|expr| self.expr(tables, expr));
        self.table(tables, rows.base);
    }

    /// Behind a value.
    pub fn expr(&mut self, tables: &[Table], expr: &RowExpr) {
        let mut open = Vec::new();
        expr.walk(&mut |part| match &part.kind {
            RowExprKind::Column(path) => open.extend(path.iter().enumerate().map(|(at, id)| (at, *id))),
            RowExprKind::Per { .. } | RowExprKind::Pending(_) => self.asks_metrics = true,
            _ => {}
        });
        for (at, id) in open {
            if at > 0 {
                self.table(tables, id.table);
            }
            if self.columns.insert(id)
                && let Some(computed) = &tables[id.table.0].columns[id.column].computed
            {
                self.expr(tables, computed);
            }
        }
    }

    fn table(&mut self, tables: &[Table], table: TableId) {
        if !self.tables.insert(table) {
            return;
        }
        match &tables[table.0].origin {
            Origin::Stored => {}
            Origin::Raw(of) => self.table(tables, *of),
            Origin::FirstOf { rows, keys } => self.rows(tables, rows, keys),
            Origin::Union(union) => {
                union.members.iter().for_each(|member| self.rows(tables, &member.rows, &member.values));
            }
            Origin::Session(session) => {
                self.rows(tables, &session.rows, &[]);
                for kept in &session.kept {
                    self.expr(tables, &kept.input);
                    kept.filter.iter().for_each(|filter| self.expr(tables, filter));
                }
            }
            Origin::Made(made) => made.parts.iter().for_each(|part| self.rows(tables, &part.rows, &part.values)),
        }
    }
}
