//! What derived tables need dimensions for: the keys of `first of`, and the dimensions of unions and sessions, which become
//! columns of theirs.

use crate::diagnostic::{Diagnostics, Span, Spanned};
use crate::error;
use crate::syntax::ast::{self, ExprKind};
use crate::types::bind::{bind, by_segment};
use crate::types::model::{Dimension, DimensionId, RowExprKind, Type};
use crate::types::size::too_large;
use crate::types::{Aggregation, Column, Kept, Member, Origin, RowExpr, RowScope, RowSet, TableId, check_row};

use super::RowSets;
use super::derived::moved;
use super::union::internal;

impl RowSets<'_> {
    /// Gives derived tables what dimensions they have. All of them stand behind the tables that they are made of.
    pub fn bind_derived(&mut self, dimensions: &[Dimension], ids: &[Option<DimensionId>], d: &mut Diagnostics) {
        self.find_units(dimensions, ids, d);
        let keys = std::mem::take(&mut self.keys);
        let mut keys = keys.into_iter().peekable();
        for place in self.names.tables.len()..self.tables.len() {
            let table = TableId(place);
            match &self.tables[place].origin {
                Origin::Stored => {}
                Origin::Raw(base) => self.follow(table, *base),
                Origin::FirstOf { rows, .. } => {
                    let rows = rows.clone();
                    self.follow(table, rows.base);
                    if let Some((_, written, span)) = keys.next_if(|(of, ..)| *of == table) {
                        self.type_keys(table, &rows, written, span, (dimensions, ids), d);
                    }
                    self.bind_units(table, d);
                }
                Origin::Union(union) if union.of_entity => self.bind_units(table, d),
                Origin::Union(_) => self.bind_union(table, dimensions),
                Origin::Session(_) => self.bind_session(table, dimensions),
                Origin::Made(_) => {
                    self.bind_units(table, d);
                    self.bind_made(table, dimensions);
                }
            }
        }
    }

    /// A table with the columns of another one gets those that this one has got meanwhile.
    fn follow(&mut self, table: TableId, base: TableId) {
        let have = self.tables[table.0].columns.len();
        let more: Vec<_> =
            self.tables[base.0].columns[have..].iter().map(|one| moved(one, base, table, None)).collect();
        self.tables[table.0].columns.extend(more);
    }

    /// The keys of `first of`: a dimension, else an entity, else a column.
    fn type_keys(
        &mut self,
        table: TableId,
        rows: &RowSet,
        written: &[ast::Key],
        span: Span,
        (dimensions, ids): (&[Dimension], &[Option<DimensionId>]),
        d: &mut Diagnostics,
    ) {
        let mut typed = Vec::with_capacity(written.len());
        for key in written {
            let Some(path) = self.path_of(key, rows.base) else {
                d.push(error!(E0522, span, "`first of` takes columns, entities and dimensions as keys, and no step of time";
                    help: "write `first of … per user_id`"));
                continue;
            };
            let Some(value) = self.key(rows, &path, (dimensions, ids), d) else { continue };
            if too_large(value.size(&self.tables), "this key", path.span, d) {
                continue;
            }
            if matches!(value.ty.ty, Type::Array(_) | Type::Map(_) | Type::Float) {
                d.push(error!(E0522, path.span, "a key cannot be an array, a map or a float";
                    help: "use a column that tells things apart exactly"));
                continue;
            }
            typed.push(value);
        }
        if let Origin::FirstOf { keys, .. } = &mut self.tables[table.0].origin {
            *keys = typed;
        }
    }

    /// The name that a key is; also one that reads as a step (`hour`), where something is called so.
    fn path_of(&self, key: &ast::Key, base: TableId) -> Option<ast::Path> {
        let step = match key {
            ast::Key::Path(path) => return Some(path.clone()),
            ast::Key::Step(step) => step,
        };
        let ast::Step::Calendar(word) = &step.value else { return None };
        let word = word.word();
        let column = |column: &Column| !column.internal && column.name.value == word;
        let known = self.names.dimension(word).is_some() || self.tables[base.0].columns.iter().any(column);
        let name = Spanned::new(word.to_owned(), step.span);
        known.then(|| ast::Path { parts: vec![name], at: None, span: step.span })
    }

    fn key(
        &self,
        rows: &RowSet,
        path: &ast::Path,
        (dimensions, ids): (&[Dimension], &[Option<DimensionId>]),
        d: &mut Diagnostics,
    ) -> Option<RowExpr> {
        let named = path.single().and_then(|name| self.names.dimension(name));
        if let Some(place) = named {
            let dimension = &dimensions[ids[place]?.0];
            return match bind(&self.tables, dimension, rows.base) {
                Ok(value) => Some(value),
                Err(why) => {
                    let table = &self.tables[rows.base.0];
                    d.push(crate::types::formula::unbound(dimension, table, &why, path.span));
                    None
                }
            };
        }
        let value = match self.entity_named(path) {
            Some(entity) => {
                let column = self.column_of(entity, rows.base, path.span, d)?;
                let ty = self.tables[rows.base.0].columns[column.column].ty.clone();
                RowExpr { kind: RowExprKind::Column(vec![column]), ty, span: path.span }
            }
            None => {
                let scope = RowScope { tables: &self.tables, base: rows.base, zone: self.zone };
                let kind = ExprKind::Path { path: path.clone(), version: None };
                check_row(&scope, &ast::Expr { kind, span: path.span }, d)?
            }
        };
        self.check_as_of(rows, &value, d)?;
        Some(value)
    }

    /// Whether a dimension is no column of a table: its value is the class of the row's member, or is made of a segment that is made of
    /// the table.
    fn is_of_segment(&self, table: TableId, dimension: &Dimension, values: &[RowExpr]) -> bool {
        !matches!(by_segment(&self.tables, dimension, table), Ok(None))
            || values.iter().any(|value| self.asks_segment_of(value, table))
    }

    /// A union has the dimensions that all its members have.
    fn bind_union(&mut self, table: TableId, dimensions: &[Dimension]) {
        for dimension in dimensions.iter().filter(|dimension| !is_bound(dimension, table)) {
            if dimension.size(&self.tables).excess().is_some() {
                continue;
            }
            let Origin::Union(union) = &self.tables[table.0].origin else { return };
            let value = |member: &Member| bind(&self.tables, dimension, member.rows.base).ok();
            let values: Vec<RowExpr> = union.members.iter().map_while(value).collect();
            if values.len() < union.members.len() {
                continue;
            }
            if self.is_of_segment(table, dimension, &values) {
                continue;
            }
            let nullable = values.iter().any(|value| value.ty.nullable);
            self.add_dimension(table, dimension, nullable);
            let Origin::Union(union) = &mut self.tables[table.0].origin else { return };
            for (member, mut value) in union.members.iter_mut().zip(values) {
                date(&mut value, &member.rows);
                member.values.push(value);
            }
        }
    }

    /// A session has the dimensions of its rows, as they are in its first row.
    fn bind_session(&mut self, table: TableId, dimensions: &[Dimension]) {
        for dimension in dimensions.iter().filter(|dimension| !is_bound(dimension, table)) {
            if dimension.size(&self.tables).excess().is_some() {
                continue;
            }
            let Origin::Session(session) = &self.tables[table.0].origin else { return };
            let Ok(mut value) = bind(&self.tables, dimension, session.rows.base) else { continue };
            date(&mut value, &session.rows);
            if self.is_of_segment(table, dimension, std::slice::from_ref(&value)) {
                continue;
            }
            self.add_dimension(table, dimension, value.ty.nullable);
            if let Origin::Session(session) = &mut self.tables[table.0].origin {
                session.kept.push(Kept { aggregation: Aggregation::First, input: value, filter: None });
            }
        }
    }

    /// A table of behaviour has the dimensions of the rows of one of its parts.
    fn bind_made(&mut self, table: TableId, dimensions: &[Dimension]) {
        for dimension in dimensions.iter().filter(|dimension| !is_bound(dimension, table)) {
            if dimension.size(&self.tables).excess().is_some() {
                continue;
            }
            let Origin::Made(made) = &self.tables[table.0].origin else { return };
            let parts = made.grouped_by(&dimension.name.value);
            if parts.is_empty() {
                continue;
            }
            let value = |part: &usize| {
                let rows = &made.parts[*part].rows;
                let mut value = bind(&self.tables, dimension, rows.base).ok()?;
                date(&mut value, rows);
                Some((*part, value))
            };
            let Some(values) = parts.iter().map(value).collect::<Option<Vec<_>>>() else { continue };
            let lacking = parts.iter().all(|part| *part >= made.certain);
            let nullable = lacking || values.iter().any(|(_, value)| value.ty.nullable);
            self.add_dimension(table, dimension, nullable);
            if let Origin::Made(made) = &mut self.tables[table.0].origin {
                made.carry(values);
            }
        }
    }

    /// A column for the values of a dimension.
    fn add_dimension(&mut self, table: TableId, dimension: &Dimension, nullable: bool) {
        let table = &mut self.tables[table.0];
        let ty = crate::types::ValueType { nullable, ..dimension.ty.clone() };
        let name = format!("_{}", dimension.name.value);
        let column = internal(&table.columns, &name, ty, dimension.name.span);
        table.dimensions.push((dimension.name.value.clone(), table.columns.len()));
        table.columns.push(column);
    }
}

fn is_bound(dimension: &Dimension, table: TableId) -> bool {
    dimension.bindings.iter().any(|binding| binding.table == Some(table))
}

/// Puts the column of `dated` in the place of the row's time.
pub(super) fn date(value: &mut RowExpr, rows: &RowSet) {
    if let Some(column) = rows.dated {
        value.replace_time(column);
    }
}
