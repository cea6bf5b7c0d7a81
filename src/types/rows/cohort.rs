//! Cohorts: `cohort signup of user { start: registered; active: event; every: 1d; until: 90d }`

use crate::diagnostic::{Diagnostics, Span, Spanned};
use crate::error;
use crate::resolve::Declared;
use crate::syntax::ast::{self, ValueKind};
use crate::types::bind::bind;
use crate::types::cohort::{Cohort, CohortPart, CohortRows, column};
use crate::types::dimensions::unknown_dimension_named;
use crate::types::formula::{Leaves, length, unbound};
use crate::types::items::{Items, output_step};
use crate::types::model::{ColumnId, Dimension, DimensionId, Encoding, RowExprKind, RowSet, TableId, Type};
use crate::types::size::Size;
use crate::types::{Column, Origin, RowExpr, Unit, ValueType};
use crate::value::{Ages, Function, Span as Length, Step, Value};

use super::RowSets;
use super::derived::Own;
use super::union::internal;

const ITEMS: &[&str] = &["start", "active", "every", "until", "rolling", "partial", "by", "title", "title_en", "owner"];
/// The most ages: ten years of days.
const MOST_AGES: i64 = 3_660;

/// The rows of an item, and how they are meant.
struct Written<'a> {
    rows: &'a ast::RowSet,
    every: bool,
    at_least: u32,
}

impl<'a> RowSets<'a> {
    /// Types the cohort at a place.
    pub fn check_cohort(&mut self, place: usize, d: &mut Diagnostics) {
        let declared = self.names.cohorts[place];
        self.cohorts[place] = self.cohort(declared, d);
    }

    fn cohort(&mut self, declared: Declared<'a, ast::Block>, d: &mut Diagnostics) -> Option<Cohort> {
        let syntax = declared.syntax;
        let items = Items::read("cohort", &syntax.items, ITEMS, &[], d);
        items.check_texts(&["title", "title_en", "owner"], d);
        let entity = self.entity_of(syntax, d);
        let ages = ages(&items, syntax, d);
        let (start, active) = (written(&items, "start", syntax, d), written(&items, "active", syntax, d));
        let (start, active) = (start?, active?);
        if start.at_least != 1 {
            d.push(error!(E0682, start.rows.span, "a unit starts with its first row";
                help: "leave `at least` out here: it is for `active`"));
            return None;
        }
        if active.every {
            d.push(error!(E0682, active.rows.span, "`every` is for the start of a cohort"; help: "leave it out here"));
            return None;
        }
        let (entity, ages) = (entity?, ages?);
        let (start_rows, start_by) = self.behaviour_rows(start.rows, entity, d)?;
        let (active_rows, active_by) = self.behaviour_rows(active.rows, entity, d)?;
        let own = Own::of(declared);
        let ends = [&start_rows, &active_rows].map(|rows| RowSet { filters: Vec::new(), ..rows.clone() });
        let first = self.start_rows(&own, start_rows, start_by, start.every.then_some(ages.every), d)?;
        let by = ColumnId { table: first, column: start_by.column };
        let of = |part| CohortRows { start: first, by, ages, ends: ends.to_vec(), part, dimensions: Vec::new() };
        let units = self.cohort_table(&own, "", of(CohortPart::Units), d)?;
        let cells = self.cohort_table(&own, "_cells", of(CohortPart::Cells), d)?;
        let part = CohortPart::Active { rows: active_rows, by: active_by, at_least: active.at_least };
        let active = self.cohort_table(&own, "_active", of(part), d)?;
        Some(Cohort {
            name: syntax.name.clone(),
            version: own.version,
            entity,
            ages,
            again: start.every,
            by: Vec::new(),
            units,
            cells,
            active,
        })
    }

    /// Rows that happen at a time, and the column that leads to the entity.
    pub(super) fn behaviour_rows(
        &mut self,
        written: &'a ast::RowSet,
        entity: TableId,
        d: &mut Diagnostics,
    ) -> Option<(RowSet, ColumnId)> {
        self.prepare(written, d);
        let rows = self.check(written, d)?;
        if self.time(&rows).is_none() {
            d.push(self.timeless("cohort", rows.base, written.span));
            return None;
        }
        let by = match entity == rows.base {
            // The entity itself, by its key.
            true => ColumnId { table: entity, column: *self.tables[entity.0].key.first()? },
            false => self.column_of(entity, rows.base, written.span, d)?,
        };
        Some((rows, by))
    }

    /// The table of the first row of each unit: of all, or of each bucket.
    fn start_rows(
        &mut self,
        own: &Own<'a>,
        rows: RowSet,
        by: ColumnId,
        every: Option<Step>,
        d: &mut Diagnostics,
    ) -> Option<TableId> {
        let time = self.time(&rows)?;
        let entity = self.column_expr(by);
        let mut keys = vec![entity];
        if let Some(step) = every {
            let span = own.span;
            let step = RowExpr {
                kind: RowExprKind::Literal(Value::String(step.text())),
                ty: ValueType::plain(Type::String),
                span,
            };
            let time = self.column_expr(time);
            let ty = time.ty.clone();
            keys.push(RowExpr { kind: RowExprKind::Call(Function::Truncate, vec![time, step]), ty, span });
        }
        let base = rows.base;
        let mut table = self.like(base, None, || format!("{}_start", own.name.value));
        table.time = Some(time.column);
        table.latest_by = None;
        table.origin = Origin::FirstOf { rows, keys };
        self.add(table, &[base], own.span, d)
    }

    fn column_expr(&self, id: ColumnId) -> RowExpr {
        let column = &self.tables[id.table.0].columns[id.column];
        RowExpr { kind: RowExprKind::Column(vec![id]), ty: column.ty.clone(), span: column.name.span }
    }

    /// A table of a cohort.
    fn cohort_table(&mut self, own: &Own<'a>, what: &str, rows: CohortRows, d: &mut Diagnostics) -> Option<TableId> {
        let mut table = self.empty(None, || format!("{}{what}", own.name.value), own.span);
        table.doc = own.doc.map(str::to_owned);
        let of = &self.tables[rows.by.table.0].columns[rows.by.column];
        let column = |name: &str, ty: ValueType| Column {
            name: Spanned::new(name.to_owned(), own.name.span),
            doc: None,
            ty,
            encoding: Encoding::Native,
            computed: None,
            internal: false,
            size: Size::default(),
        };
        let number = || ValueType::plain(Type::Int);
        let ty = match &of.ty.ty {
            // The start rows are the entity's own: the column leads to it.
            _ if self.tables[rows.start.0].key.first() == Some(&rows.by.column) && self.is_entity(rows.start) => {
                ValueType { ty: Type::Entity(rows.start.source(&self.tables)), ..of.ty.clone() }
            }
            _ => of.ty.clone(),
        };
        table.columns.push(column(&of.name.value, ValueType { nullable: false, ..ty }));
        table.columns.push(column("start", ValueType::plain(Type::Timestamp)));
        table.columns.push(column("ages", number()));
        table.key = vec![0, column::START];
        if !matches!(rows.part, CohortPart::Units) {
            table.columns.push(column("age", number()));
            table.key.push(column::AGE);
            table.dimensions.push((format!("{}.age", own.name.value), column::AGE));
        }
        match &rows.part {
            CohortPart::Active { .. } => table.columns.push(column("last", number())),
            CohortPart::Rows { values, .. } => {
                table.key = Vec::new();
                for (at, value) in values.iter().enumerate() {
                    let made = internal(&table.columns, &format!("_value{at}"), value.ty.clone(), value.span);
                    table.columns.push(made);
                }
            }
            CohortPart::Units | CohortPart::Cells => {}
        }
        table.time = Some(column::START);
        let made_of: Vec<TableId> = std::iter::once(rows.start)
            .chain(rows.rows().map(|rows| rows.base))
            .chain(rows.ends.iter().map(|rows| rows.base))
            .collect();
        table.revised = made_of.iter().filter_map(|of| self.tables[of.0].revised).max();
        table.origin = Origin::Cohort(Box::new(rows));
        self.add(table, &made_of, own.span, d)
    }

    fn is_entity(&self, table: TableId) -> bool {
        self.tables[table.source(&self.tables).0].kind == crate::types::TableKind::Entity
    }

    /// The tables of the rows that the aggregates of an argument are of, each put to the ages of a cohort: see
    /// [`RowSets::cohort_values`].
    pub fn add_cohort_values(&mut self, place: usize, call: Span, leaves: Leaves) {
        let d = &mut Diagnostics::new();
        let Some(cohort) = self.cohorts[place].clone() else { return };
        let Origin::Cohort(units) = self.tables[cohort.units.0].origin.clone() else { return };
        let mut tables = Vec::with_capacity(leaves.len());
        for (rows, input, span) in leaves {
            let Some(by) = self.column_of(cohort.entity, rows.base, span, d) else { return };
            if self.time(&rows).is_none() {
                return;
            }
            let part = CohortPart::Rows { rows, by, values: input.into_iter().collect() };
            let declared = self.names.cohorts[place];
            let own = Own { name: &declared.syntax.name, version: cohort.version, doc: None, span: declared.span };
            let of = CohortRows { part, dimensions: Vec::new(), ..(*units).clone() };
            let Some(table) = self.cohort_table(&own, "_rows", of, d) else { return };
            self.copy_dimensions(cohort.units, table);
            tables.push(table);
        }
        self.values.insert(call, tables);
    }

    /// Finds what cohorts are shown by, once dimensions are known.
    pub fn bind_cohorts(&mut self, dimensions: &[Dimension], ids: &[Option<DimensionId>], d: &mut Diagnostics) {
        for place in 0..self.cohorts.len() {
            let Some(units) = self.cohorts[place].as_ref().map(|cohort| cohort.units) else { continue };
            let items = &self.names.cohorts[place].syntax.items;
            let values = items.iter().find_map(|item| match &item.kind {
                ast::ItemKind::Keyed { key, values } if key.value == "by" => Some(values.as_slice()),
                _ => None,
            });
            let mut found = Vec::new();
            for value in values.unwrap_or_default() {
                let Some((name, [])) = crate::types::items::name(value) else {
                    d.push(error!(E0205, value.span, "`by` takes dimensions"; help: "write `by: channel`"));
                    continue;
                };
                let Some(declared) = self.names.dimension(name) else {
                    let names = self.names.dimension_names();
                    d.push(unknown_dimension_named(names, name, Some(name.span)));
                    continue;
                };
                let Some(id) = ids[declared] else { continue };
                match bind(&self.tables, &dimensions[id.0], units) {
                    Ok(_) if !found.contains(&id) => found.push(id),
                    Ok(_) => {}
                    Err(why) => d.push(unbound(&dimensions[id.0], &self.tables[units.0], &why, name.span)),
                }
            }
            self.cohorts[place].iter_mut().for_each(|cohort| cohort.by.clone_from(&found));
        }
    }

    /// What the tables of behaviour have beside the dimensions of their rows, as dimensions: `signup.age`.
    pub fn dimensions_of_behaviour(&self) -> Vec<Dimension> {
        let of = |cohort: &Cohort| Dimension {
            name: Spanned::new(format!("{}.age", cohort.name.value), cohort.name.span),
            version: cohort.version,
            doc: None,
            title: None,
            ty: ValueType::plain(Type::Int),
            // Each table says which column it is.
            bindings: Vec::new(),
            otherwise: None,
            values: None,
            span: cohort.name.span,
        };
        self.cohorts.iter().flatten().map(of).collect()
    }

    /// The tables that were made for the aggregates of an argument, in their order.
    pub fn cohort_values(&self, call: Span) -> Option<&[TableId]> {
        self.values.get(&call).map(Vec::as_slice)
    }

    /// Gives a table of a cohort the dimensions that another one has.
    fn copy_dimensions(&mut self, from: TableId, to: TableId) {
        let of = self.tables[from.0].clone();
        let Origin::Cohort(rows) = of.origin else { return };
        for (name, column) in of.dimensions {
            let known = of.columns[column].clone();
            let table = &mut self.tables[to.0];
            table.dimensions.push((name, table.columns.len()));
            table.columns.push(known);
        }
        if let Origin::Cohort(own) = &mut self.tables[to.0].origin {
            own.dimensions = rows.dimensions;
        }
    }
}

fn written<'a>(items: &Items<'a>, key: &str, syntax: &ast::Block, d: &mut Diagnostics) -> Option<Written<'a>> {
    let Some((span, values)) = items.get(key) else {
        if !items.broken {
            d.push(error!(E0206, syntax.name.span, "the cohort has no `{key}`"; help: ("add `{key}: event`")));
        }
        return None;
    };
    let (first, rest) = values.split_first()?;
    let at_least = match rest {
        [] => Some(1),
        [only] => match &only.kind {
            ValueKind::AtLeast(count) => u32::try_from(count.value).ok().filter(|count| *count > 0),
            _ => None,
        },
        _ => None,
    };
    match (&first.kind, at_least) {
        (ValueKind::Rows { rows, every }, Some(at_least)) => Some(Written { rows, every: *every, at_least }),
        _ => {
            d.push(error!(E0205, span, "`{key}` takes a row set"; help: ("write `{key}: event`, or `active: event, at least 3`")));
            None
        }
    }
}

/// The row set of an item.
pub(super) fn rows_of<'a>(
    items: &Items<'a>,
    kind: &str,
    key: &str,
    syntax: &ast::Block,
    d: &mut Diagnostics,
) -> Option<&'a ast::RowSet> {
    let Some((span, values)) = items.get(key) else {
        if !items.broken {
            d.push(error!(E0206, syntax.name.span, "the {kind} has no `{key}`"; help: ("add `{key}: event`")));
        }
        return None;
    };
    match values {
        [ast::Value { kind: ValueKind::Rows { rows, every: false }, .. }] => Some(rows),
        _ => {
            d.push(error!(E0205, span, "`{key}` takes a row set"; help: ("write `{key}: event`")));
            None
        }
    }
}

fn ages(items: &Items<'_>, syntax: &ast::Block, d: &mut Diagnostics) -> Option<Ages> {
    let partial = match items.get("partial") {
        Some(_) => truth(&items.one("partial", d)?.kind).or_else(|| {
            let span = items.get("partial")?.0;
            d.push(error!(E0205, span, "`partial` is `true` or `false`"; help: "write `partial: true`"));
            None
        })?,
        None => false,
    };
    let rolling = match items.get("rolling") {
        Some(_) => Some(items.duration("rolling", d)?),
        None => None,
    };
    let every = match (items.one("every", d), rolling) {
        (Some(value), Some(_)) => {
            d.push(error!(E0683, value.span, "`rolling` says how long an age is"; help: "leave `every` out, or `rolling`"));
            return None;
        }
        (Some(value), None) => step_of(value).filter(|step| !matches!(step, Step::Subday(_))).or_else(|| {
            d.push(error!(E0683, value.span, "an age is a day, a week, a month, a quarter or a year"; help: "write `every: 1d`, or `rolling: 12h` for lengths of time"));
            None
        })?,
        (None, _) => Step::Day,
    };
    let Some(value) = items.one("until", d) else {
        if !items.broken && items.get("until").is_none() {
            d.push(
                error!(E0206, syntax.name.span, "the cohort has no `until`"; help: "add `until: 90d`: the last age"),
            );
        }
        return None;
    };
    let ages = Ages { every, rolling, until: 0, partial };
    let until = length_of(value, d)?;
    let until = age_of(until, &ages).filter(|until| *until > 0 && i64::from(*until) <= MOST_AGES);
    let Some(until) = until else {
        d.push(error!(E0683, value.span, "the last age is a number of {}, up to {MOST_AGES}", shown(&ages); help: "write a multiple of it"));
        return None;
    };
    Some(Ages { until, ..ages })
}

fn truth(value: &ValueKind) -> Option<bool> {
    match value {
        ValueKind::Expr { expr, .. } => match &expr.kind {
            ast::ExprKind::Literal(ast::Literal::Bool(value)) => Some(*value),
            _ => None,
        },
        _ => None,
    }
}

pub(super) fn step_of(value: &ast::Value) -> Option<Step> {
    match &value.kind {
        ValueKind::Step(step) => output_step(step),
        ValueKind::Expr { expr, .. } => match &expr.kind {
            ast::ExprKind::Literal(ast::Literal::Duration(duration)) => output_step(&ast::Step::Duration(*duration)),
            _ => None,
        },
        _ => None,
    }
}

/// The length of time that a value is.
pub(super) fn length_of(value: &ast::Value, d: &mut Diagnostics) -> Option<Length> {
    let written = match &value.kind {
        ValueKind::Step(step) => Some(step.clone()),
        ValueKind::Expr { expr, .. } => match &expr.kind {
            ast::ExprKind::Literal(ast::Literal::Duration(duration)) => Some(ast::Step::Duration(*duration)),
            _ => None,
        },
        _ => None,
    };
    if written.is_none() {
        d.push(error!(E0205, value.span, "a length of time stands here"; help: "write one such as `90d`"));
    }
    length(&written?, value.span, d)
}

/// How long an age is, in words.
pub fn shown(ages: &Ages) -> String {
    match ages.rolling {
        Some(ms) => Length::of_milliseconds(ms).text(),
        None => ages.every.text(),
    }
}

/// The age that a length of time is; none where it is no whole number of ages.
pub fn age_of(length: Length, ages: &Ages) -> Option<u32> {
    let whole = |count: i64, of: i64| (of > 0 && count % of == 0).then_some(count / of);
    let count = match (ages.rolling, length, ages.every) {
        (Some(ms), Length::Milliseconds(count), _) => whole(count, ms),
        (Some(ms), Length::Days(days), _) => whole(days * crate::value::time::DAY_MS, ms),
        (None, Length::Days(days), Step::Day) => Some(days),
        (None, Length::Days(days), Step::Week) => whole(days, 7),
        (None, Length::Months(months), Step::Month) => Some(months),
        (None, Length::Months(months), Step::Quarter) => whole(months, 3),
        (None, Length::Months(months), Step::Year) => whole(months, 12),
        _ => None,
    };
    count.and_then(|count| u32::try_from(count).ok())
}

/// The unit of what counts members of an entity.
pub fn unit_of(sets: &[crate::types::Table], entity: TableId) -> Unit {
    Unit::named(sets[entity.0].name.value.as_str())
}
