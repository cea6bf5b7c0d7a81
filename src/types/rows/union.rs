//! Unions: the columns that all members have, and each member's own time.

use crate::diagnostic::{Diagnostics, Span, Spanned};
use crate::error;
use crate::syntax::ast;
use crate::types::dimensions::{merge, same_type};
use crate::types::model::{Encoding, RowExprKind, RowSet, TableId, Type};
use crate::types::size::Size;
use crate::types::{Column, ColumnId, Member, Origin, RowExpr, Union, ValueType};

use super::RowSets;
use super::derived::{Own, named, plain, time_of};

impl<'a> RowSets<'a> {
    /// `effective_event | task | paid_order`
    pub(super) fn union(
        &mut self,
        written: &'a [ast::RowSet],
        span: Span,
        own: Option<&Own<'a>>,
        d: &mut Diagnostics,
    ) -> Option<TableId> {
        let checked: Vec<Option<RowSet>> = written.iter().map(|member| self.check(member, d)).collect();
        let members: Option<Vec<RowSet>> = checked.into_iter().collect();
        let members = members?;
        self.check_times(&members, written, d)?;
        self.warn_twice(&members, written, d);
        let members = self.apart(members, span, own, d)?;
        let generated = || {
            let names: Vec<String> = written.iter().map(named).collect();
            plain(&names.join("_or_"))
        };
        self.union_of(members, span, own, generated, d)
    }

    /// All members have a time, or none has.
    fn check_times(&self, members: &[RowSet], written: &[ast::RowSet], d: &mut Diagnostics) -> Option<()> {
        let with = members.iter().position(|rows| self.time(rows).is_some());
        let without = members.iter().position(|rows| self.time(rows).is_none());
        let (Some(with), Some(without)) = (with, without) else { return Some(()) };
        let name = |at: usize| &self.tables[members[at].base.0].name.value;
        d.push(
            error!(E0523, written[without].span, "the rows of `{}` have no time, and those of `{}` have one", name(without), name(with);
                help: "a union is in time or timeless: leave one of them out, or give the entity a `time:`")
            .related(written[with].span, "has a time"),
        );
        None
    }

    /// A row that two members have at different times counts once, at the earlier one, which may not be what was meant.
    fn warn_twice(&self, members: &[RowSet], written: &[ast::RowSet], d: &mut Diagnostics) {
        let keyed = |rows: &RowSet| self.tables[rows.base.0].is_keyed(&self.tables);
        for (at, rows) in members.iter().enumerate() {
            let source = rows.base.source(&self.tables);
            let place = |rows: &RowSet| self.time(rows).map(|column| column.column);
            let other = members[..at].iter().position(|first| {
                let same = first.base.source(&self.tables) == source && keyed(first) && keyed(rows);
                same && place(first) != place(rows)
            });
            if let Some(first) = other {
                let name = &self.tables[source.0].name.value;
                d.push(
                    error!(W0501, written[at].span, "rows of `{name}` stand here at another time than before";
                        help: "a row of both members counts once, at the earlier time; declare two metrics to count both times")
                    .related(written[first].span, "first here"),
                );
            }
        }
    }

    /// Rows with and without keys: those with keys are brought together first, where one may come from several members.
    fn apart(
        &mut self,
        members: Vec<RowSet>,
        span: Span,
        own: Option<&Own<'a>>,
        d: &mut Diagnostics,
    ) -> Option<Vec<RowSet>> {
        let keyed = |rows: &RowSet| self.tables[rows.base.0].is_keyed(&self.tables);
        let (with, without): (Vec<RowSet>, Vec<RowSet>) = members.into_iter().partition(keyed);
        if without.is_empty() || !self.overlap(&with) {
            return Some(with.into_iter().chain(without).collect());
        }
        let name = || format!("{}_keyed", own.map_or("union", |own| own.name.as_str()));
        let base = self.union_of(with, span, None, name, d)?;
        Some(std::iter::once(RowSet { base, filters: Vec::new(), dated: None }).chain(without).collect())
    }

    /// Whether a row may come from two of these.
    fn overlap(&self, members: &[RowSet]) -> bool {
        let mut seen: Vec<TableId> = Vec::new();
        members.iter().any(|rows| {
            let sources = rows.base.sources(&self.tables);
            let again = sources.iter().any(|source| seen.contains(source));
            seen.extend(sources);
            again
        })
    }

    fn union_of(
        &mut self,
        members: Vec<RowSet>,
        span: Span,
        own: Option<&Own<'a>>,
        generated: impl FnOnce() -> String,
        d: &mut Diagnostics,
    ) -> Option<TableId> {
        let mut table = self.empty(own, generated, span);
        let mut values: Vec<Vec<RowExpr>> = vec![Vec::new(); members.len()];
        for (column, places) in self.common(&members) {
            for ((rows, values), place) in members.iter().zip(&mut values).zip(places) {
                let kind = RowExprKind::Column(vec![ColumnId { table: rows.base, column: place }]);
                let ty = self.tables[rows.base.0].columns[place].ty.clone();
                values.push(RowExpr { kind, ty, span });
            }
            table.columns.push(column);
        }
        if members.iter().all(|rows| self.time(rows).is_some()) {
            table.time = Some(table.columns.len());
            table.columns.push(internal(&table.columns, "time", ValueType::plain(Type::Timestamp), span));
            for (rows, values) in members.iter().zip(&mut values) {
                values.push(time_of(rows, span));
            }
        }
        let bases: Vec<TableId> = members.iter().map(|rows| rows.base).collect();
        table.revised = bases.iter().filter_map(|base| self.tables[base.0].revised).max();
        let mut sources: Vec<TableId> = bases.iter().flat_map(|base| base.sources(&self.tables)).collect();
        sources.sort_unstable();
        sources.dedup();
        table.origin = Origin::Union(Union {
            is_keyed: bases.iter().all(|base| self.tables[base.0].is_keyed(&self.tables)),
            sources,
            members: members.into_iter().zip(values).map(|(rows, values)| Member { rows, values }).collect(),
            of_entity: false,
            timely: false,
        });
        self.add(table, &bases, span, d)
    }

    /// The columns on whose name and type all members agree, each with its place in every member.
    fn common(&self, members: &[RowSet]) -> Vec<(Column, Vec<usize>)> {
        let Some((first, others)) = members.split_first() else { return Vec::new() };
        let of = |rows: &RowSet| &self.tables[rows.base.0].columns;
        let mut found = Vec::new();
        for (place, column) in of(first).iter().enumerate().filter(|(_, column)| !column.internal) {
            let mut ty = column.ty.clone();
            let mut places = vec![place];
            for rows in others {
                let same = |other: &&Column| !other.internal && other.name == column.name;
                let Some(other) = of(rows).iter().find(same).filter(|other| agrees(&ty, &other.ty)) else { break };
                ty.ty = merge(&ty.ty, &other.ty.ty);
                ty.nullable |= other.ty.nullable;
                ty.sensitivity = ty.sensitivity.max(other.ty.sensitivity);
                places.extend(of(rows).iter().position(|other| same(&other)));
            }
            if places.len() == members.len() {
                let column =
                    Column { ty, encoding: Encoding::Native, computed: None, size: Size::default(), ..column.clone() };
                found.push((column, places));
            }
        }
        found
    }
}

fn agrees(a: &ValueType, b: &ValueType) -> bool {
    a.ty != Type::Null && same_type(&a.ty, &b.ty) && a.unit == b.unit
}

/// A column that no name reaches, with a name that no other column has.
pub(super) fn internal(columns: &[Column], wanted: &str, ty: ValueType, span: Span) -> Column {
    let mut name = wanted.to_owned();
    while columns.iter().any(|column| column.name.value == name) {
        name.push('_');
    }
    Column {
        name: Spanned::new(name, span),
        doc: None,
        ty,
        encoding: Encoding::Native,
        computed: None,
        internal: true,
        size: Size::default(),
    }
}
