//! Conversions: `conversion buying of user { from: visit; to: order; within: 7d; credit: last }`

use crate::diagnostic::Diagnostics;
use crate::error;
use crate::resolve::Declared;
use crate::syntax::ast;
use crate::types::conversion::Conversion;
use crate::types::items::{Items, name};
use crate::types::made::{Made, MadeOf};
use crate::types::model::{ColumnId, RowSet, TableId, Type};
use crate::types::{RowExpr, ValueType};
use crate::value::{Conversion as Credited, Credit, How};

use super::RowSets;
use super::cohort::{plain_column, rows_of};
use super::derived::Own;
use super::unit::is_per;

const ITEMS: &[&str] = &["from", "to", "within", "credit", "match", "by", "partial", "title", "title_en", "owner"];
const CREDITS: [(&str, Credit); 3] = [("first", Credit::First), ("last", Credit::Last), ("each", Credit::Each)];

impl<'a> RowSets<'a> {
    /// Types a conversion.
    pub(super) fn conversion(&mut self, declared: Declared<'a, ast::Block>, d: &mut Diagnostics) -> Option<Conversion> {
        let syntax = declared.syntax;
        let items = Items::read("conversion", &syntax.items, ITEMS, &[], d);
        items.check_texts(&["title", "title_en", "owner"], d);
        let entity = self.entity_of_units(syntax, d);
        let credit = match items.get("credit") {
            Some(_) => items.word("credit", &CREDITS, d),
            None => Some(Credit::Last),
        };
        let partial = items.truth("partial", d);
        let within = self.within("conversion", &items, syntax, d);
        let from = rows_of(&items, "conversion", "from", syntax, d);
        let to = rows_of(&items, "conversion", "to", syntax, d);
        let (entity, from, to) = (entity?, from?, to?);
        let (from, from_by) = self.behaviour_rows("conversion", from, entity, d)?;
        let (to, to_by) = self.behaviour_rows("conversion", to, entity, d)?;
        if let (Some(within), Some((span, _))) = (within, items.get("within")) {
            self.check_window([&from], within, span, d);
        }
        let matched = match items.get("match") {
            Some(_) => {
                let written = items.one("match", d)?;
                Some(self.matched(written, &from, &to, d)?)
            }
            None => None,
        };
        let (credit, partial, within) = (credit?, partial?, within?);
        let how = Credited { credit, within, matched: matched.is_some(), partial, pairs: false, per: is_per(syntax) };
        let ends = [&from, &to]
            .map(|rows| MadeOf { rows: RowSet { filters: Vec::new(), ..rows.clone() }, values: Vec::new() });
        let mut parts = vec![self.made_of(from, from_by), self.made_of(to, to_by)];
        if let Some((own, other)) = matched {
            for (part, column) in parts.iter_mut().zip([own, other]) {
                part.values.push(self.column_expr(column));
            }
        }
        if how.per {
            // Units take this place once dimensions are known.
            let member = parts[0].values[0].clone();
            parts[0].values.push(member);
        }
        parts.extend(ends);
        let made = Made {
            parts,
            how: How::Conversion(how),
            carried: Vec::new(),
            grouped: vec![0],
            others: Vec::new(),
            certain: 1,
        };
        let own = Own::of(declared);
        let base = self.conversion_table(&own, "", made, d)?;
        Some(Conversion {
            name: syntax.name.clone(),
            version: own.version,
            entity,
            matched: matched.map(|(own, _)| own),
            by: Vec::new(),
            base,
        })
    }

    /// The column of that name in both of two tables.
    fn matched(
        &self,
        written: &ast::Value,
        from: &RowSet,
        to: &RowSet,
        d: &mut Diagnostics,
    ) -> Option<(ColumnId, ColumnId)> {
        let Some((name, [])) = name(written) else {
            d.push(error!(E0205, written.span, "`match` takes a column"; help: "write `match: campaign`"));
            return None;
        };
        let own = self.column_to_match(name, from.base, d)?;
        let other = self.column_to_match(name, to.base, d)?;
        let ty = |id: ColumnId| &self.tables[id.table.0].columns[id.column].ty.ty;
        if ty(own) != ty(other) {
            let (a, b) = (&self.tables[from.base.0], &self.tables[to.base.0]);
            d.push(error!(E0693, name.span, "`{}` has one type in `{}` and another one in `{}`", name.value, a.name.value, b.name.value;
                help: "match columns of one type")
                .related(a.columns[own.column].name.span, "declared here")
                .related(b.columns[other.column].name.span, "and here"));
            return None;
        }
        Some((own, other))
    }

    fn column_to_match(&self, name: &ast::Name, base: TableId, d: &mut Diagnostics) -> Option<ColumnId> {
        let table = &self.tables[base.0];
        let place = table.columns.iter().position(|column| !column.internal && column.name == *name);
        let fits = |place: &usize| !matches!(table.columns[*place].ty.ty, Type::Array(_) | Type::Map(_) | Type::Float);
        match place {
            Some(place) if fits(&place) => Some(ColumnId { table: base, column: place }),
            Some(_) => {
                d.push(error!(E0693, name.span, "`{}` is no value that is exactly equal to another", name.value; help: "match a text, a number without a fraction, an instant"));
                None
            }
            None => {
                d.push(error!(E0693, name.span, "`{}` has no column `{}`", table.name.value, name.value; help: "match a column that both have")
                    .related(table.name.span, "declared here"));
                None
            }
        }
    }

    fn conversion_table(&mut self, own: &Own<'a>, what: &str, made: Made, d: &mut Diagnostics) -> Option<TableId> {
        let mut table = self.windowed_table(own, what, &made);
        if matches!(made.how, How::Conversion(Credited { pairs: false, .. })) {
            table.columns.push(plain_column(own, "converted", ValueType::plain(Type::Bool)));
        }
        self.carried_columns(&mut table, &made);
        self.add_made(table, made, own.span, d)
    }

    /// The table of some rows of the members, each beside the row that it is credited to.
    pub(super) fn credited_rows(
        &mut self,
        place: usize,
        conversion: &Conversion,
        (rows, by): (RowSet, ColumnId),
        input: Option<RowExpr>,
        d: &mut Diagnostics,
    ) -> Option<TableId> {
        let crate::types::Origin::Made(base) = self.tables[conversion.base.0].origin.clone() else { return None };
        let How::Conversion(how) = base.how else { return None };
        let matched = match conversion.matched {
            Some(own) => {
                let name = self.tables[own.table.0].columns[own.column].name.clone();
                Some(self.column_to_match(&name, rows.base, d)?)
            }
            None => None,
        };
        let mut made = Made { how: How::Conversion(Credited { pairs: true, ..how }), carried: Vec::new(), ..*base };
        made.parts[0].values.truncate(how.keys(0));
        let mut part = self.made_of(rows, by);
        part.values.extend(matched.map(|column| self.column_expr(column)));
        made.parts[1] = part;
        if let Some(input) = input {
            made.carry(vec![(1, input)]);
        }
        let declared = self.names.behaviours[place];
        let own = Own { name: &declared.syntax.name, version: conversion.version, doc: None, span: declared.span };
        self.conversion_table(&own, "_rows", made, d)
    }
}
