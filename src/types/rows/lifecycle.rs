//! Lifecycles: `lifecycle user_life of user { active: event; silent: 7d, 30d }`

use crate::diagnostic::{Diagnostics, Spanned};
use crate::error;
use crate::resolve::Declared;
use crate::syntax::ast;
use crate::types::items::Items;
use crate::types::lifecycle::{self, Lifecycle, Told};
use crate::types::model::{ColumnId, Encoding, RowExprKind, RowSet, TableId, Type};
use crate::types::size::Size;
use crate::types::{Column, Member, Origin, RowExpr, Union, ValueType};
use crate::value::{Span as Length, Step};

use super::RowSets;
use super::cohort::{length_of, plain_column, rows_of, step_of};
use super::derived::Own;
use super::unit::{UNIT, is_per, text_type};

const ITEMS: &[&str] = &["active", "silent", "every", "title", "title_en", "owner"];

impl<'a> RowSets<'a> {
    /// Types a lifecycle.
    pub(super) fn lifecycle(&mut self, declared: Declared<'a, ast::Block>, d: &mut Diagnostics) -> Option<Lifecycle> {
        let syntax = declared.syntax;
        let items = Items::read("lifecycle", &syntax.items, ITEMS, &[], d);
        items.check_texts(&["title", "title_en", "owner"], d);
        let entity = self.entity_of_units(syntax, d);
        let told = self.told(&items, syntax, d);
        let active = rows_of(&items, "lifecycle", "active", syntax, d)?;
        let (entity, by) = (entity?, told?);
        let (rows, column) = self.behaviour_rows("lifecycle", active, entity, d)?;
        let own = Own::of(declared);
        let unit = if is_per(syntax) { lifecycle::UNIT } else { 0 };
        let table = self.activity(&own, rows, column, (entity, unit), d)?;
        let first = self.first_activity(&own, table, unit, d)?;
        Some(Lifecycle { name: syntax.name.clone(), entity, by, rows: table, first, unit })
    }

    fn told(&self, items: &Items<'_>, syntax: &ast::Block, d: &mut Diagnostics) -> Option<Told> {
        match (items.get("silent"), items.one("every", d)) {
            (Some((span, _)), Some(_)) => {
                d.push(error!(E0689, span, "a lifecycle is told by silence or by buckets";
                    help: "leave `silent` out, or `every`"));
                None
            }
            (Some((_, values)), None) => {
                let mut found = Vec::new();
                for value in values {
                    let length = silence(value, d)?;
                    if !found.contains(&length) {
                        found.push(length);
                    }
                }
                Some(Told::Silent(found))
            }
            (None, Some(value)) => {
                let step = step_of(value).filter(|step| !matches!(step, Step::Subday(_)));
                if step.is_none() {
                    d.push(error!(E0689, value.span, "the buckets of a lifecycle are days, weeks, months, quarters or years";
                        help: "write `every: 1w`"));
                }
                step.map(Told::Every)
            }
            (None, None) => {
                if !items.broken && items.get("every").is_none() {
                    d.push(error!(E0206, syntax.name.span, "the lifecycle has neither `silent` nor `every`";
                        help: "add `silent: 14d`, or `every: 1w`"));
                }
                None
            }
        }
    }

    /// The table of the rows of activity, which has the dimensions of the entity alone: they do not change from row to row.
    fn activity(
        &mut self,
        own: &Own<'a>,
        rows: RowSet,
        by: ColumnId,
        (entity, unit): (TableId, usize),
        d: &mut Diagnostics,
    ) -> Option<TableId> {
        let time = self.time(&rows)?;
        let mut table = self.empty(None, || own.name.value.clone(), own.span);
        table.doc = own.doc.map(str::to_owned);
        let mut values = Vec::with_capacity(2);
        for (id, name) in [(by, None), (time, Some("at"))] {
            let of = &self.tables[id.table.0].columns[id.column];
            let ty =
                if name.is_none() { ValueType { ty: Type::Entity(entity), ..of.ty.clone() } } else { of.ty.clone() };
            values.push(RowExpr { kind: RowExprKind::Column(vec![id]), ty: of.ty.clone(), span: of.name.span });
            table.columns.push(Column {
                name: Spanned::new(name.map_or_else(|| of.name.value.clone(), str::to_owned), own.name.span),
                doc: None,
                // Rows without a time are left out.
                ty: ValueType { nullable: ty.nullable && name.is_none(), ..ty },
                encoding: Encoding::Native,
                computed: None,
                internal: false,
                size: Size::default(),
            });
        }
        if unit == lifecycle::UNIT {
            // Units take the place of this value once dimensions are known.
            let ty = text_type(&values[0].ty, true);
            values.push(values[0].clone());
            let taken = table.columns.iter().any(|column| column.name.value == UNIT);
            table.columns.push(plain_column(own, &format!("{UNIT}{}", if taken { "_" } else { "" }), ty));
        }
        table.time = Some(1);
        table.revised = self.tables[rows.base.0].revised;
        let base = rows.base;
        let sources = base.sources(&self.tables);
        let members = vec![Member { rows, values }];
        table.origin = Origin::Union(Union { members, is_keyed: false, sources, of_entity: true, timely: false });
        self.add(table, &[base], own.span, d)
    }

    fn first_activity(&mut self, own: &Own<'a>, of: TableId, unit: usize, d: &mut Diagnostics) -> Option<TableId> {
        let mut table = self.like(of, None, || format!("{}_first", own.name.value));
        let column = &self.tables[of.0].columns[unit];
        let kind = RowExprKind::Column(vec![ColumnId { table: of, column: unit }]);
        let key = RowExpr { kind, ty: column.ty.clone(), span: column.name.span };
        let rows = RowSet { base: of, filters: Vec::new(), dated: None };
        table.origin = Origin::FirstOf { rows, keys: vec![key] };
        self.add(table, &[of], own.span, d)
    }
}

/// A length of silence: no months, which have different lengths.
fn silence(value: &ast::Value, d: &mut Diagnostics) -> Option<Length> {
    let found = length_of(value, d)?;
    let sound = matches!(found, Length::Days(_)).then_some(found);
    if sound.is_none() {
        d.push(error!(E0689, value.span, "a silence is a number of days"; help: "write `silent: 7d, 30d`"));
    }
    sound
}
