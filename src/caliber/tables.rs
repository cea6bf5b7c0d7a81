//! What rows and columns mean: what is stored by its names in the warehouse, what is made by what it is made of.

use crate::types::made::Made;
use crate::types::{
    Binding, Column, ColumnId, Dimension, DimensionId, Encoding, History, Origin, RowSet, Session, Table, TableId, Type,
};
use crate::value::Function;

use super::how;
use super::meaning::{Meaning, Over, aggregation};
use super::normal::{call, sorted};
use super::term::Term;

/// The columns of a session before those that it keeps.
pub(super) const SESSION_COLUMNS: usize = 5;

impl Meaning<'_> {
    /// Rows of a table.
    pub fn of_rows(&self, rows: &RowSet) -> Term {
        let over = self.over(rows.base, rows.dated);
        let own = self.model.table(rows.base).time;
        let dated = rows.dated.filter(|column| column.table != rows.base || Some(column.column) != own);
        let mut parts = vec![self.of_table(rows.base)];
        parts.extend(dated.map(|column| Term::form("dated", vec![self.of_column(column, None)])));
        if !rows.filters.is_empty() {
            let filters = rows.filters.iter().map(|filter| self.of_expr(filter, &over)).collect();
            match call(Function::And, filters) {
                Term::Bool(true) => {}
                filter => parts.push(filter),
            }
        }
        Term::form("rows", parts)
    }

    /// Which rows a table has: a name that stands for all of it, so that terms stay small.
    pub fn of_table(&self, id: TableId) -> Term {
        if let Some(known) = self.tables.borrow().get(&id) {
            return known.clone();
        }
        let term = Term::name(format!("table {}", self.rows_of_table(id).fingerprint()));
        self.tables.borrow_mut().insert(id, term.clone());
        term
    }

    /// What tells which rows a table has; not which columns.
    pub fn rows_of_table(&self, id: TableId) -> Term {
        let table = self.model.table(id);
        match &table.origin {
            Origin::Stored => self.stored(id, table),
            Origin::Raw(of) => Term::form("raw", vec![self.of_table(*of)]),
            Origin::FirstOf { rows, keys } => {
                let over = self.over(rows.base, rows.dated);
                let keys = keys.iter().map(|key| self.of_expr(key, &over)).collect();
                Term::form("first of", vec![self.of_rows(rows), Term::form("per", sorted(keys))])
            }
            Origin::Union(union) => {
                let member = |member: &crate::types::Member| {
                    let rows = self.of_rows(&member.rows);
                    if !union.of_entity {
                        return rows;
                    }
                    // Whose the rows are, and when: no column of the table is the same column of its members.
                    let over = self.over(member.rows.base, member.rows.dated);
                    let values = member.values.iter().zip(&table.columns).filter(|(_, column)| !column.internal);
                    let values = values.map(|(value, _)| self.of_expr(value, &over));
                    Term::form("member", std::iter::once(rows).chain(values).collect())
                };
                let mut members: Vec<Term> = union.members.iter().map(member).collect();
                // The same rows twice are there twice.
                members.sort_by_cached_key(ToString::to_string);
                Term::form("union", members)
            }
            Origin::Session(session) => self.session(session),
            Origin::Made(made) => self.made(made),
        }
    }

    fn stored(&self, id: TableId, table: &Table) -> Term {
        let own = |column: &usize| self.of_column(ColumnId { table: id, column: *column }, None);
        let mut parts = vec![Term::Text(table.physical.clone())];
        parts.push(Term::form("key", sorted(table.key.iter().map(own).collect())));
        parts.extend(table.latest_by.iter().map(|column| Term::form("latest by", vec![own(column)])));
        parts.extend(table.time.iter().map(|column| Term::form("time", vec![own(column)])));
        parts.extend(table.history.map(|history| match history {
            History::Valid { from, until } => Term::form("valid", vec![own(&from), own(&until)]),
            History::Snapshot { day } => Term::form("snapshot", vec![own(&day)]),
        }));
        Term::form("stored", parts)
    }

    fn session(&self, session: &Session) -> Term {
        let gap = Term::form("gap", vec![Term::Duration(session.gap)]);
        Term::form("session", vec![self.of_rows(&session.rows), self.of_column(session.by, None), gap])
    }

    /// A table of behaviour. What it carries is of its columns, and a column that the compiler adds for a dimension of the
    /// project is no part of what it is.
    fn made(&self, made: &Made) -> Term {
        let carried = |part: usize, value: usize| {
            made.carried.iter().flat_map(|carried| &carried.of).any(|of| (of.part, of.value) == (part, value))
        };
        let mut parts = how::terms(&made.how);
        for (at, part) in made.parts.iter().enumerate() {
            let over = self.over(part.rows.base, part.rows.dated);
            let values = part.values.iter().enumerate().filter(|(value, _)| !carried(at, *value));
            let values = values.map(|(_, value)| self.of_expr(value, &over));
            parts.push(Term::form("part", std::iter::once(self.of_rows(&part.rows)).chain(values).collect()));
        }
        let places = |parts: &[usize]| parts.iter().map(|part| Term::number(*part as i128, 0)).collect::<Vec<_>>();
        parts.push(Term::form("grouped", places(&made.grouped)));
        for (name, of) in &made.others {
            let known = self.model.dimensions.iter().position(|one| one.name.value == *name).map(DimensionId);
            // Without a step it is that of each.
            let shown = |part: &usize| of.is_empty() || of.contains(part);
            let rows = made.parts.iter().enumerate().filter(|(place, _)| shown(place)).map(|(_, part)| part.rows.base);
            let mut rows: Vec<TableId> = rows.collect();
            rows.sort_unstable();
            rows.dedup();
            let dimension = known.map_or_else(|| Term::name(name.clone()), |one| self.named_dimension(one, &rows));
            parts.push(Term::form("grouped", [vec![dimension], places(of)].concat()));
        }
        Term::form("made", parts)
    }

    /// What a dimension is over the rows of some tables, as a name, so that terms stay small.
    fn named_dimension(&self, dimension: DimensionId, rows: &[TableId]) -> Term {
        Term::name(format!("dimension {}", self.bound(dimension, rows).fingerprint()))
    }

    /// A dimension, over all rows that it is bound to.
    pub fn of_dimension(&self, dimension: &Dimension) -> Term {
        let binding = |binding: &Binding| {
            let over = Over { table: binding.table, time: None, by: None };
            let rows = binding.table.map(|table| self.of_table(table));
            Term::form("on", rows.into_iter().chain([self.of_expr(&binding.value, &over)]).collect())
        };
        let bindings = sorted(dimension.bindings.iter().map(binding).collect());
        let otherwise = dimension.otherwise.iter();
        let otherwise = otherwise.map(|value| Term::form("else", vec![self.of_expr(value, &Over::ANY)]));
        let ty = Term::name(self.type_text(&dimension.ty.ty));
        Term::form("dimension", std::iter::once(ty).chain(bindings).chain(otherwise).collect())
    }

    /// The value of a column; `by` is what leads to its table, where it is looked up.
    pub fn of_column(&self, id: ColumnId, by: Option<&Term>) -> Term {
        let table = self.model.table(id.table);
        let column = &table.columns[id.column];
        if let Some(computed) = &column.computed {
            return self.of_expr(computed, &Over { table: Some(id.table), time: None, by: by.cloned() });
        }
        let value = match &table.origin {
            Origin::Stored => match &column.ty.ty {
                // Which member a row is of leads to the member's segment.
                Type::Entity(to) if column.internal && self.model.table(*to).is_segment() => {
                    return Term::form("member", by.cloned().into_iter().collect());
                }
                _ => Term::name(format!("{}: {}", column.name.value, self.stored_type(column))),
            },
            Origin::Raw(of) => self.of_column(ColumnId { table: *of, ..id }, None),
            Origin::FirstOf { rows, .. } => self.of_column(ColumnId { table: rows.base, ..id }, None),
            Origin::Union(union) => {
                let member = |member: &crate::types::Member| {
                    let over = self.over(member.rows.base, member.rows.dated);
                    let value = member.values.get(id.column)?;
                    Some(Term::form("of", vec![self.of_rows(&member.rows), self.of_expr(value, &over)]))
                };
                let values: Vec<Term> = union.members.iter().filter_map(member).collect();
                Term::form("by rows", sorted(values))
            }
            Origin::Session(session) => match id.column.checked_sub(SESSION_COLUMNS) {
                Some(kept) => self.kept(session, kept),
                None => Term::form("of session", vec![Term::number(id.column as i128, 0)]),
            },
            Origin::Made(made) => self.made_column(made, table, id.column),
        };
        match by {
            // The row of the entity is found by its key, as of now or of the time of the row.
            Some(by) => Term::form("look up", vec![by.clone(), self.of_table(id.table), value]),
            None => value,
        }
    }

    /// The type of a column as it is stored.
    pub fn stored_type(&self, column: &Column) -> String {
        let ty = self.type_text(&column.ty.ty);
        match column.encoding {
            Encoding::Native => ty,
            Encoding::Milliseconds => format!("{ty}(ms)"),
        }
    }

    fn kept(&self, session: &Session, place: usize) -> Term {
        let Some(kept) = session.kept.get(place) else { return Term::Null };
        let over = self.over(session.rows.base, session.rows.dated);
        let filter = kept.filter.iter().map(|filter| Term::form("where", vec![self.of_expr(filter, &over)]));
        let input = self.of_expr(&kept.input, &over);
        Term::form(aggregation(kept.aggregation), std::iter::once(input).chain(filter).collect())
    }

    /// An own column of a table of behaviour by its place, a carried one by what is carried.
    fn made_column(&self, made: &Made, table: &Table, place: usize) -> Term {
        let stored = |columns: &[Column]| columns.iter().filter(|column| column.computed.is_none()).count();
        let own = stored(&table.columns).saturating_sub(made.carried.len());
        let before = stored(&table.columns[..place]);
        let Some(carried) = before.checked_sub(own).and_then(|carried| made.carried.get(carried)) else {
            return Term::form("of behaviour", vec![Term::number(before as i128, 0)]);
        };
        let values = carried.of.iter().map(|of| {
            let part = &made.parts[of.part];
            let over = self.over(part.rows.base, part.rows.dated);
            let place = |number: usize| Term::number(number as i128, 0);
            let value = self.of_expr(&part.values[of.value], &over);
            Term::form("of part", vec![place(of.part), place(of.row), value])
        });
        Term::form("carried", values.collect())
    }
}
