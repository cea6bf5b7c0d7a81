//! Units of tables of behaviour that are members per a dimension: `cohort signup of user per channel { … }`.
//!
//! Such a unit is one text, made of the value of the dimension and the member, and it stands wherever the member alone would: what is
//! made of the rows of one member is then made of those of one unit. Rows without a value or without a member have no unit.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::diagnostic::{Diagnostics, Span, Spanned};
use crate::error;
use crate::syntax::ast;
use crate::types::behaviour::Behaviour;
use crate::types::bind::bind;
use crate::types::dimensions::unknown_dimension_named;
use crate::types::formula::unbound;
use crate::types::lifecycle;
use crate::types::made::MadeOf;
use crate::types::model::{Dimension, DimensionId, RowExpr, RowExprKind, RowSet, TableId, Type};
use crate::types::size::too_large;
use crate::types::{Column, Origin, ValueType};
use crate::value::{Function, How, Value};

use super::RowSets;
use super::bound::date;
use super::union::internal;

/// What a column is called that holds units.
pub(super) const UNIT: &str = "unit";

/// What is known of units that are members per a dimension.
#[derive(Default)]
pub(super) struct Units {
    /// The tables of such units, and the places of the tables of behaviour that they are of.
    of: FxHashMap<TableId, usize>,
    /// What each table of behaviour tells members apart by, and where that is written.
    per: FxHashMap<usize, (Dimension, Span)>,
    /// The rows that lack a dimension, as has been told.
    told: FxHashSet<(usize, TableId)>,
}

/// Whether the units of a table of behaviour are members per something.
pub(super) fn is_per(syntax: &ast::Block) -> bool {
    syntax.of.as_ref().is_some_and(|(_, keys)| !keys.is_empty())
}

/// Where a key is written.
pub(super) fn span_of(key: &ast::Key) -> Span {
    match key {
        ast::Key::Path(path) => path.span,
        ast::Key::Step(step) => step.span,
    }
}

/// The name that a key is; also one that reads as a step (`hour`).
fn name_of(key: &ast::Key) -> Option<ast::Name> {
    match key {
        ast::Key::Path(path) => path.single().cloned(),
        ast::Key::Step(step) => match &step.value {
            ast::Step::Calendar(word) => Some(Spanned::new(word.word().to_owned(), step.span)),
            ast::Step::Duration(_) | ast::Step::Declared(_) => None,
        },
    }
}

impl RowSets<'_> {
    /// The entity of `of user`, or of `of user per channel`: for kinds whose units may be members per a dimension.
    pub(super) fn entity_of_units(&self, syntax: &ast::Block, d: &mut Diagnostics) -> Option<TableId> {
        let Some((path, keys)) = syntax.of.as_ref().filter(|(_, keys)| !keys.is_empty()) else {
            return self.entity_of(syntax, d);
        };
        if let [_, second, ..] = keys.as_slice() {
            d.push(error!(E0524, span_of(second), "a unit is a member per one dimension";
                help: "declare a dimension that is made of both, such as `dimension place = visit.country || \"/\" || visit.city`"));
            return None;
        }
        self.entity(path, d)
    }

    /// Notes that the tables which were made since are of the units of the table of behaviour at a place.
    pub(super) fn note_units(&mut self, place: usize, since: usize) {
        if !is_per(self.names.behaviours[place].syntax) {
            return;
        }
        let made = |table: &TableId| matches!(self.tables[table.0].origin, Origin::Made(_));
        let mut tables: Vec<TableId> = (since..self.tables.len()).map(TableId).filter(made).collect();
        match &self.behaviours[place] {
            Some(Behaviour::Cohort(cohort)) => {
                if let Origin::Made(units) = &self.tables[cohort.units.0].origin {
                    tables.push(units.parts[0].rows.base);
                }
            }
            Some(Behaviour::Lifecycle(lifecycle)) => tables.push(lifecycle.rows),
            _ => {}
        }
        self.units.of.extend(tables.into_iter().map(|table| (table, place)));
    }

    /// Finds the dimensions that members are told apart by.
    pub(super) fn find_units(&mut self, dimensions: &[Dimension], ids: &[Option<DimensionId>], d: &mut Diagnostics) {
        for (place, declared) in self.names.behaviours.iter().enumerate() {
            let [key] = declared.syntax.of.as_ref().map_or(&[][..], |(_, keys)| keys.as_slice()) else { continue };
            if self.behaviours[place].is_none() {
                continue;
            }
            let span = span_of(key);
            let name = name_of(key);
            match name.as_ref().and_then(|name| self.names.dimension(name)) {
                Some(found) => {
                    if let Some(id) = ids[found] {
                        self.units.per.insert(place, (dimensions[id.0].clone(), span));
                    }
                }
                None => d.push(match &name {
                    Some(name) => unknown_dimension_named(self.names.dimension_names(), name, Some(span)),
                    None => error!(E0208, span, "this is not the name of a dimension";
                        help: "declare `dimension channel = source.column`, and write `per channel`"),
                }),
            }
        }
    }

    /// What the members of a table's units are told apart by.
    pub fn unit_dimension(&self, table: TableId) -> Option<&Dimension> {
        self.per_of(table).map(|(dimension, _)| dimension)
    }

    fn per_of(&self, table: TableId) -> Option<&(Dimension, Span)> {
        self.units.per.get(self.units.of.get(&table)?)
    }

    /// Puts units in the place of members, where a table is of such. The tables that it is made of have their dimensions.
    pub(super) fn bind_units(&mut self, table: TableId, d: &mut Diagnostics) {
        let Some(place) = self.units.of.get(&table).copied() else { return };
        match self.tables[table.0].origin.clone() {
            Origin::FirstOf { rows, .. } => {
                let value = self.value_per(place, &rows, d);
                if let (Some(value), Origin::FirstOf { keys, .. }) = (value, &mut self.tables[table.0].origin) {
                    keys.push(value);
                }
            }
            Origin::Union(_) => self.bind_activity(table, place, d),
            Origin::Made(_) => self.bind_made_units(table, place, d),
            Origin::Stored | Origin::Raw(_) | Origin::Session(_) => {}
        }
    }

    /// The activity of a lifecycle has units beside members, and the dimension.
    fn bind_activity(&mut self, table: TableId, place: usize, d: &mut Diagnostics) {
        let Origin::Union(union) = &self.tables[table.0].origin else { return };
        let member = union.members[0].clone();
        let Some(value) = self.value_per(place, &member.rows, d) else { return };
        let Some(unit) = self.unit(place, member.values[0].clone(), value.clone(), d) else { return };
        let Some((dimension, _)) = self.per_of(table) else { return };
        let (name, span) = (dimension.name.value.clone(), dimension.name.span);
        let ty = ValueType { nullable: value.ty.nullable, ..dimension.ty.clone() };
        let activity = &mut self.tables[table.0];
        let column = internal(&activity.columns, &format!("_{name}"), ty, span);
        activity.dimensions.push((name, activity.columns.len()));
        activity.columns.push(column);
        if let Origin::Union(union) = &mut activity.origin {
            let values = &mut union.members[0].values;
            values[lifecycle::UNIT] = unit;
            values.push(value);
        }
    }

    /// A table of behaviour: of its parts the units, of itself the column of units and, behind it, that of members.
    fn bind_made_units(&mut self, table: TableId, place: usize, d: &mut Diagnostics) {
        let Origin::Made(mut made) = self.tables[table.0].origin.clone() else { return };
        let members: Vec<Option<RowExpr>> = made.parts.iter().map(|part| part.values.first().cloned()).collect();
        for (at, part) in made.parts.iter_mut().enumerate() {
            if self.unit_of_part(place, &made.how, at, part, d).is_none() {
                return;
            }
        }
        let of = made.grouped.iter().filter_map(|part| Some((*part, members[*part].clone()?))).collect::<Vec<_>>();
        let Some(nullable) = of.iter().map(|(_, member)| member.ty.nullable).reduce(|a, b| a || b) else { return };
        made.carry(of);
        let own = &mut self.tables[table.0];
        own.origin = Origin::Made(made);
        let mut member = own.columns[0].clone();
        member.ty.nullable = nullable;
        while own.columns[1..].iter().any(|column| column.name == member.name) || member.name.value == UNIT {
            member.name.value.push('_');
        }
        own.columns[0] = Column {
            name: Spanned::new(UNIT.to_owned(), member.name.span),
            ty: text_type(&member.ty, false),
            ..member.clone()
        };
        own.columns.push(member);
    }

    /// Puts the units of the table of behaviour at a place into a part of one of its tables.
    pub(super) fn unit_of_part(
        &mut self,
        place: usize,
        how: &How,
        at: usize,
        part: &mut MadeOf,
        d: &mut Diagnostics,
    ) -> Option<()> {
        let Some(member) = part.values.first().cloned() else { return Some(()) };
        // Of conversions only leading rows have units: each unit of a member gets the others.
        let value = match how {
            How::Conversion(_) if at > 0 => return Some(()),
            How::Conversion(how) => how.keys(0) - 1,
            _ => 0,
        };
        let of_dimension = self.value_per(place, &part.rows, d)?;
        part.values[value] = self.unit(place, member, of_dimension, d)?;
        Some(())
    }

    /// The same where a table of the rows of an argument is made, for which what is wrong is told elsewhere.
    pub(super) fn unit_of_rows(&mut self, of: TableId, how: &How, at: usize, part: &mut MadeOf) -> Option<()> {
        match self.units.of.get(&of).copied() {
            Some(place) => self.unit_of_part(place, how, at, part, &mut Diagnostics::new()),
            None => Some(()),
        }
    }

    /// The value of the dimension over rows.
    fn value_per(&mut self, place: usize, rows: &RowSet, d: &mut Diagnostics) -> Option<RowExpr> {
        let (dimension, span) = self.units.per.get(&place)?;
        match bind(&self.tables, dimension, rows.base) {
            Ok(mut value) => {
                date(&mut value, rows);
                value.span = *span;
                Some(value)
            }
            Err(why) => {
                let of = rows.base.source(&self.tables);
                if self.units.told.insert((place, of)) {
                    d.push(unbound(dimension, &self.tables[of.0], &why, *span));
                }
                None
            }
        }
    }

    /// Whose a row is: `6:banneru1` for the member `u1` and the value `banner`. No other pair gives the same text, since the number says
    /// where the value ends; of values that are no texts none has a `|`, and that is enough.
    fn unit(&self, place: usize, member: RowExpr, value: RowExpr, d: &mut Diagnostics) -> Option<RowExpr> {
        let (_, span) = self.units.per.get(&place)?;
        let span = *span;
        let nullable = member.ty.nullable || value.ty.nullable;
        let ty = ValueType {
            sensitivity: member.ty.sensitivity.max(value.ty.sensitivity),
            ..text_type(&value.ty, nullable)
        };
        let is_text = matches!(self.plain_type(&value.ty.ty), Type::String | Type::Enum(_));
        let (value, member) = (self.text(value), self.text(member));
        let mut parts = Vec::with_capacity(4);
        if is_text {
            let length = call(Function::Length, vec![value.clone()], ValueType { ty: Type::Int, ..value.ty.clone() });
            parts.push(call(Function::Cast, vec![length], value.ty.clone()));
        }
        let mark = Value::String(if is_text { ":" } else { "|" }.to_owned());
        let mark = RowExpr { kind: RowExprKind::Literal(mark), ty: ValueType::plain(Type::String), span };
        match is_text {
            true => parts.extend([mark, value, member]),
            false => parts.extend([value, mark, member]),
        }
        let unit = RowExpr { kind: RowExprKind::Call(Function::Concat, parts), ty, span };
        (!too_large(unit.size(&self.tables), "this unit", span, d)).then_some(unit)
    }

    /// A value as a text that no other value of its type has. Texts of instants in a zone may be those of two.
    fn text(&self, value: RowExpr) -> RowExpr {
        let text = text_type(&value.ty, value.ty.nullable);
        let of = |ty: Type| ValueType { ty, ..text.clone() };
        let count = |length: RowExpr| call(Function::Cast, vec![length], of(Type::Int));
        match self.plain_type(&value.ty.ty) {
            Type::String | Type::Enum(_) => RowExpr { ty: text, ..value },
            Type::Timestamp => {
                let first = RowExprKind::Literal(Value::Timestamp(0));
                let first = RowExpr { kind: first, ty: ValueType::plain(Type::Timestamp), span: value.span };
                let since = call(Function::Subtract, vec![value, first], of(Type::Duration));
                call(Function::Cast, vec![count(since)], text)
            }
            Type::Duration => call(Function::Cast, vec![count(value)], text),
            _ => call(Function::Cast, vec![value], text),
        }
    }

    /// A type, or that of the key of an entity.
    fn plain_type(&self, ty: &Type) -> Type {
        match ty {
            Type::Entity(entity) => {
                let table = &self.tables[entity.0];
                table.key.first().map_or(Type::String, |key| self.plain_type(&table.columns[*key].ty.ty))
            }
            other => other.clone(),
        }
    }
}

fn call(function: Function, arguments: Vec<RowExpr>, ty: ValueType) -> RowExpr {
    let span = arguments[0].span;
    RowExpr { kind: RowExprKind::Call(function, arguments), ty, span }
}

/// The type of a text that tells what a value is.
pub(super) fn text_type(of: &ValueType, nullable: bool) -> ValueType {
    ValueType { nullable, sensitivity: of.sensitivity, ..ValueType::plain(Type::String) }
}
