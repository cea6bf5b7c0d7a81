//! The rows that a replay is compared with, found by their keys: of what the warehouse has, those of the sample.

use crate::diagnostic::Diagnostics;
use crate::types::model::{Column, ColumnId, RowSet, TableId, Type, ValueType};
use crate::types::quality::Replay;
use crate::types::{Member, Origin, Union};

use super::RowSets;
use super::union::internal;

impl RowSets<'_> {
    /// Makes a table of the sampled rows of `stored`: the key, then what is compared. A column of the rows that were computed again, which
    /// no name reaches, leads to it.
    pub fn prepare_replay(&mut self, stored: TableId, replay: &Replay, name: String, d: &mut Diagnostics) {
        let Some(key) = self.tables[stored.0].key.first().copied() else { return };
        let mut table = self.empty(None, || name, replay.span);
        let mut values = Vec::with_capacity(replay.columns.len() + 1);
        for column in std::iter::once(key).chain(replay.columns.iter().map(|(own, _)| *own)) {
            let of = &self.tables[stored.0].columns[column];
            table.columns.push(internal(&table.columns, &of.name.value, of.ty.clone(), replay.span));
            values.push(self.column_expr(ColumnId { table: stored, column }));
        }
        let filters = replay.sampled(self.column_expr(ColumnId { table: stored, column: key }));
        let rows = RowSet { base: stored, filters: filters.into_iter().collect(), dated: None };
        table.key = vec![0];
        table.revised = self.tables[stored.0].revised;
        table.origin = Origin::Union(Union {
            members: vec![Member { rows, values }],
            is_keyed: false,
            sources: vec![stored],
            of_entity: true,
            timely: true,
        });
        let Some(made) = self.add(table, &[stored], replay.span, d) else { return };
        let Some(key) = self.tables[replay.from.0].key.first().copied() else { return };
        let computed = self.column_expr(ColumnId { table: replay.from, column: key });
        let ty = ValueType { ty: Type::Entity(made), ..computed.ty.clone() };
        let columns = &self.tables[replay.from.0].columns;
        let leading = Column { computed: Some(computed), ..internal(columns, "_replayed", ty, replay.span) };
        self.tables[replay.from.0].columns.push(leading);
    }
}
