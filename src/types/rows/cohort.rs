//! Cohorts: `cohort signup of user { start: registered; active: event; every: 1d; until: 90d }`

use crate::diagnostic::{Diagnostics, Span, Spanned};
use crate::error;
use crate::resolve::Declared;
use crate::syntax::ast::{self, ValueKind};
use crate::types::cohort::{Cohort, column};
use crate::types::formula::length;
use crate::types::items::{Items, output_step};
use crate::types::made::{Made, MadeOf};
use crate::types::model::{ColumnId, Encoding, RowExprKind, RowSet, TableId, Type};
use crate::types::size::Size;
use crate::types::{Column, Origin, RowExpr, Table, Unit, ValueType};
use crate::value::{Ages, CohortTable, Function, How, Span as Length, Step, Value};

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
    /// Types a cohort.
    pub(super) fn cohort(&mut self, declared: Declared<'a, ast::Block>, d: &mut Diagnostics) -> Option<Cohort> {
        let syntax = declared.syntax;
        let items = Items::read("cohort", &syntax.items, ITEMS, &[], d);
        items.check_texts(&["title", "title_en", "owner"], d);
        let entity = self.entity_of_units(syntax, d);
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
        let (start_rows, start_by) = self.behaviour_rows("cohort", start.rows, entity, d)?;
        let (active_rows, active_by) = self.behaviour_rows("cohort", active.rows, entity, d)?;
        if let Some((span, _)) = items.get("until") {
            self.check_ages([&start_rows, &active_rows], &ages, span, d);
        }
        let own = Own::of(declared);
        let ends = [&start_rows, &active_rows].map(|rows| RowSet { filters: Vec::new(), ..rows.clone() });
        let first = self.start_rows(&own, start_rows, start_by, start.every.then_some(ages.every), d)?;
        let of_start = self.made_of(
            RowSet { base: first, filters: Vec::new(), dated: None },
            ColumnId { table: first, column: start_by.column },
        );
        let of = |of, rows: Option<MadeOf>| {
            let ends = ends.iter().map(|rows| MadeOf { rows: rows.clone(), values: Vec::new() });
            let parts = std::iter::once(of_start.clone()).chain(rows).chain(ends).collect();
            Made {
                parts,
                how: How::Cohort { ages, of },
                carried: Vec::new(),
                grouped: vec![0],
                others: Vec::new(),
                certain: 1,
            }
        };
        let units = self.cohort_table(&own, "", start.every, of(CohortTable::Units, None), d)?;
        let cells = self.cohort_table(&own, "_cells", start.every, of(CohortTable::Cells, None), d)?;
        let rows = self.made_of(active_rows, active_by);
        let active =
            self.cohort_table(&own, "_active", start.every, of(CohortTable::Active(active.at_least), Some(rows)), d)?;
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

    /// Rows of the members of an entity that a kind of a table of behaviour takes: see [`RowSets::of_members`].
    pub(super) fn behaviour_rows(
        &mut self,
        kind: &str,
        written: &'a ast::RowSet,
        entity: TableId,
        d: &mut Diagnostics,
    ) -> Option<(RowSet, ColumnId)> {
        self.prepare(written, d);
        let rows = self.check(written, d)?;
        self.of_members(kind, rows, written.span, entity, d)
    }

    /// Rows that happen at a time, and the column that leads to the entity.
    pub(super) fn of_members(
        &self,
        kind: &str,
        rows: RowSet,
        span: Span,
        entity: TableId,
        d: &mut Diagnostics,
    ) -> Option<(RowSet, ColumnId)> {
        if self.time(&rows).is_none() {
            d.push(self.timeless(kind, rows.base, span));
            return None;
        }
        let by = match entity == rows.base {
            // The entity itself, by its key.
            true => ColumnId { table: entity, column: *self.tables[entity.0].key.first()? },
            false => self.column_of(entity, rows.base, span, d)?,
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

    pub(super) fn column_expr(&self, id: ColumnId) -> RowExpr {
        let column = &self.tables[id.table.0].columns[id.column];
        RowExpr { kind: RowExprKind::Column(vec![id]), ty: column.ty.clone(), span: column.name.span }
    }

    /// Rows of a part of a table of behaviour: the first value is whose they are.
    pub(super) fn made_of(&self, rows: RowSet, by: ColumnId) -> MadeOf {
        MadeOf { rows, values: vec![self.column_expr(by)] }
    }

    /// A table of a cohort.
    fn cohort_table(
        &mut self,
        own: &Own<'a>,
        what: &str,
        again: bool,
        made: Made,
        d: &mut Diagnostics,
    ) -> Option<TableId> {
        let How::Cohort { of: part, .. } = made.how else { return None };
        let mut table = self.empty(None, || format!("{}{what}", own.name.value), own.span);
        table.doc = own.doc.map(str::to_owned);
        let number = || ValueType::plain(Type::Int);
        table.columns.push(self.whose(&made.parts[0], own));
        table.columns.push(plain_column(own, "start", ValueType::plain(Type::Timestamp)));
        table.columns.push(plain_column(own, "ages", number()));
        // A member that does not start again is one unit.
        table.key = if again { vec![0, column::START] } else { vec![0] };
        if part != CohortTable::Units {
            table.columns.push(plain_column(own, "age", number()));
            table.key.push(column::AGE);
            table.dimensions.push((format!("{}.age", own.name.value), column::AGE));
        }
        match part {
            CohortTable::Active(_) => table.columns.push(plain_column(own, "last", number())),
            CohortTable::Rows => table.key = Vec::new(),
            CohortTable::Units | CohortTable::Cells => {}
        }
        self.carried_columns(&mut table, &made);
        table.time = Some(column::START);
        self.add_made(table, made, own.span, d)
    }

    /// Adds the columns for what is carried.
    pub(super) fn carried_columns(&self, table: &mut Table, made: &Made) {
        for carried in &made.carried {
            let taken = carried.of[0];
            let value = &made.parts[taken.part].values[taken.value];
            let name = format!("_value{}", table.columns.len());
            let column = internal(&table.columns, &name, value.ty.clone(), value.span);
            table.columns.push(column);
        }
    }

    /// The column of a table of behaviour that tells whose its rows are.
    pub(super) fn whose(&self, of: &MadeOf, own: &Own<'a>) -> Column {
        let RowExprKind::Column(path) = &of.values[0].kind else {
            return plain_column(own, "whose", of.values[0].ty.clone());
        };
        let (id, base) = (path[0], of.rows.base);
        let column = &self.tables[id.table.0].columns[id.column];
        let ty = match self.tables[base.0].key.first() == Some(&id.column) && self.is_entity(base) {
            // The rows are the entity's own: the column leads to it.
            true => ValueType { ty: Type::Entity(base.source(&self.tables)), ..column.ty.clone() },
            false => column.ty.clone(),
        };
        plain_column(own, &column.name.value, ValueType { nullable: false, ..ty })
    }

    /// Adds a table of behaviour, which is revised as long as one of the tables that it is made of.
    pub(super) fn add_made(
        &mut self,
        mut table: Table,
        made: Made,
        span: Span,
        d: &mut Diagnostics,
    ) -> Option<TableId> {
        let made_of: Vec<TableId> = made.parts.iter().map(|part| part.rows.base).collect();
        table.revised = made_of.iter().filter_map(|of| self.tables[of.0].revised).max();
        table.origin = Origin::Made(Box::new(made));
        self.add(table, &made_of, span, d)
    }

    fn is_entity(&self, table: TableId) -> bool {
        self.tables[table.source(&self.tables).0].kind == crate::types::TableKind::Entity
    }

    /// The table of some rows of a cohort's units, at their ages.
    pub(super) fn cohort_rows(
        &mut self,
        place: usize,
        cohort: &Cohort,
        (rows, by): (RowSet, ColumnId),
        input: Option<RowExpr>,
        d: &mut Diagnostics,
    ) -> Option<TableId> {
        let Origin::Made(units) = self.tables[cohort.units.0].origin.clone() else { return None };
        let how = How::Cohort { ages: cohort.ages, of: CohortTable::Rows };
        let mut made = Made { how, carried: Vec::new(), ..*units };
        made.parts[0].values.truncate(1);
        let mut part = self.made_of(rows, by);
        self.unit_of_rows(cohort.units, &made.how, 1, &mut part)?;
        made.parts.insert(1, part);
        if let Some(input) = input {
            made.carry(vec![(1, input)]);
        }
        let declared = self.names.behaviours[place];
        let own = Own { name: &declared.syntax.name, version: cohort.version, doc: None, span: declared.span };
        self.cohort_table(&own, "_rows", cohort.again, made, d)
    }

    /// Gives a table of behaviour the dimensions that another one has, and its units.
    pub(super) fn copy_dimensions(&mut self, from: TableId, to: TableId) {
        let of = self.tables[from.0].clone();
        let Origin::Made(made) = of.origin else { return };
        let own = of.columns.len() - made.carried.len();
        self.tables[to.0].columns[0] = of.columns[0].clone();
        for (column, known) in of.columns.iter().enumerate().skip(own) {
            let dimension = of.dimensions.iter().find(|(_, of)| *of == column);
            let taken = made.carried[column - own].of[0];
            let table = &mut self.tables[to.0];
            if let Some((name, _)) = dimension {
                table.dimensions.push((name.clone(), table.columns.len()));
            }
            table.columns.push(known.clone());
            if let Origin::Made(rows) = &mut table.origin {
                rows.carry(vec![(taken.part, made.parts[taken.part].values[taken.value].clone())]);
            }
        }
    }
}

/// A column of a table of behaviour.
pub(super) fn plain_column(own: &Own<'_>, name: &str, ty: ValueType) -> Column {
    Column {
        name: Spanned::new(name.to_owned(), own.name.span),
        doc: None,
        ty,
        encoding: Encoding::Native,
        computed: None,
        internal: false,
        size: Size::default(),
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
    let partial = items.truth("partial", d)?;
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
