//! Sessions: `session visit of user { events: event; gap: 30m; keep: first(channel) as channel }`

use crate::diagnostic::{Diagnostics, Span, Spanned};
use crate::error;
use crate::resolve::Declared;
use crate::syntax::ast::{self, AggregateInput, Clause, ExprKind, RowSetKind, ValueKind};
use crate::types::formula::{Units, aggregation, result_type};
use crate::types::items::Items;
use crate::types::model::{ColumnId, Encoding, RowSet, TableId, Type};
use crate::types::quality::Once;
use crate::types::size::{Size, too_large};
use crate::types::type_name::with_article;
use crate::types::{Aggregation, Column, Kept, Origin, RowScope, Session, TableKind, Unit, ValueType};
use crate::types::{check_predicate, check_row, table_named};

use super::RowSets;
use super::derived::Own;
use super::unit::span_of;

const ITEMS: &[&str] = &["events", "gap", "keep", "title", "title_en", "owner"];

impl<'a> RowSets<'a> {
    /// Types the session at a place.
    pub fn check_session(&mut self, place: usize, d: &mut Diagnostics) {
        let declared = self.names.sessions[place];
        self.sessions[place] = self.session(declared, d);
    }

    fn session(&mut self, declared: Declared<'a, ast::Block>, d: &mut Diagnostics) -> Option<TableId> {
        let syntax = declared.syntax;
        let items = Items::read("session", &syntax.items, ITEMS, &[], d);
        items.check_texts(&["title", "title_en", "owner"], d);
        let entity = self.entity_of(syntax, d);
        let gap = match items.get("gap") {
            Some(_) => items.duration("gap", d),
            None => missing(syntax, &items, "gap", "gap: 30m", d),
        };
        let written = match items.get("events") {
            Some(_) => self.events(&items, d),
            None => missing(syntax, &items, "events", "events: event", d),
        }?;
        self.prepare(written, d);
        let rows = self.check(written, d)?;
        if self.time(&rows).is_none() {
            d.push(self.timeless("session", rows.base, written.span));
            return None;
        }
        let by = self.column_of(entity?, rows.base, written.span, d)?;
        let own = Own::of(declared);
        let mut table = self.empty(Some(&own), String::new, declared.span);
        table.columns = self.own_columns(by, &rows);
        let mut kept = Vec::new();
        for value in items.get("keep").map_or(&[][..], |(_, values)| values) {
            let (column, how) = self.kept(value, &rows, d)?;
            if table.columns.iter().any(|first| first.name == column.name) {
                d.push(error!(E0202, column.name.span, "the session has two columns `{}`", column.name.value;
                    help: "name it otherwise: `first(channel) as first_channel`"));
                return None;
            }
            table.columns.push(column);
            kept.push(how);
        }
        (table.key, table.time) = (vec![0, 1], Some(1));
        table.revised = self.tables[rows.base.0].revised;
        let base = rows.base;
        table.origin = Origin::Session(Box::new(Session { rows, by, gap: gap?, kept }));
        self.add(table, &[base], declared.span, d)
    }

    /// The rows that have no other one with the same value in a column so soon before them: each begins a session of that value.
    pub fn prepare_once(&mut self, once: &Once, d: &mut Diagnostics) {
        let Some(rows) = self.check(&once.rows, d) else { return };
        let (base, span) = (rows.base, once.distance.span);
        let by = ColumnId { table: base, column: once.column };
        let mut table = self.empty(None, || once.name.clone(), span);
        table.columns = self.own_columns(by, &rows);
        (table.key, table.time) = (vec![0, 1], Some(1));
        table.revised = self.tables[base.0].revised;
        table.origin = Origin::Session(Box::new(Session { rows, by, gap: once.distance.ms, kept: Vec::new() }));
        let table = self.add(table, &[base], span, d);
        self.derived.insert(span, table);
    }

    /// The entity of `of user`.
    pub(super) fn entity_of(&self, syntax: &ast::Block, d: &mut Diagnostics) -> Option<TableId> {
        let kind = &syntax.keyword.value;
        let Some((path, keys)) = &syntax.of else {
            let span = syntax.keyword.span.to(syntax.name.span);
            d.push(error!(E0524, span, "a {kind} belongs to one entity"; help: ("write `{kind} {} of user`", syntax.name.value)));
            return None;
        };
        if let Some(key) = keys.first() {
            let help = match kind.as_str() {
                "segment" => {
                    "a member is in one class a day: declare a segment for each value, with it in the conditions of its measures"
                }
                _ => "leave `per` out, or give the rows a condition",
            };
            d.push(error!(E0524, span_of(key), "{} is of members alone, and of nothing per them", with_article(kind); help: help));
            return None;
        }
        self.entity(path, d)
    }

    /// The entity of a name.
    pub(super) fn entity(&self, path: &ast::Path, d: &mut Diagnostics) -> Option<TableId> {
        let found = self.entity_named(path);
        if found.is_none() {
            let entities = self.tables.iter().filter(|table| table.kind == TableKind::Entity);
            let help = match crate::suggest::near(&path.to_string(), entities.map(|table| table.name.as_str())) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "name an entity that is declared".to_owned(),
            };
            d.push(error!(E0207, path.span, "no entity named `{path}`"; help: help));
        }
        found
    }

    /// The same; none where there is no such entity. Of several versions it is the one that the name means.
    pub(super) fn entity_named(&self, path: &ast::Path) -> Option<TableId> {
        let found = table_named(&self.tables, &path.single()?.value)?;
        (self.tables[found.0].kind == TableKind::Entity).then_some(found)
    }

    /// The one column of a table that leads to an entity.
    pub fn column_of(&self, entity: TableId, base: TableId, span: Span, d: &mut Diagnostics) -> Option<ColumnId> {
        let table = &self.tables[base.0];
        let leads = |column: &&(usize, &Column)| !column.1.internal && column.1.ty.ty == Type::Entity(entity);
        let columns: Vec<(usize, &Column)> = table.columns.iter().enumerate().collect();
        let found: Vec<&(usize, &Column)> = columns.iter().filter(leads).collect();
        if let [(column, _)] = found.as_slice() {
            return Some(ColumnId { table: base, column: *column });
        }
        let (of, name) = (&table.name.value, &self.tables[entity.0].name.value);
        let all: Vec<String> = found.iter().map(|(_, column)| format!("`{}`", column.name.value)).collect();
        d.push(match all.as_slice() {
            [] => error!(E0524, span, "no column of `{of}` leads to `{name}`";
                help: ("declare one: `column {name}_id: {name}`")),
            several => {
                error!(E0524, span, "`{of}` leads to `{name}` in {} ways: {}", several.len(), several.join(", ");
                help: ("declare a source that has one of them, or a union of which only one column is common"))
            }
        });
        None
    }

    fn events(&self, items: &Items<'a>, d: &mut Diagnostics) -> Option<&'a ast::RowSet> {
        let value = items.one("events", d)?;
        match &value.kind {
            ValueKind::Rows { rows, every: false } => Some(rows),
            _ => {
                d.push(error!(E0205, value.span, "`events` takes a row set"; help: "write `events: event`"));
                None
            }
        }
    }

    /// What every session has: whose it is, start, end, duration, number of rows.
    fn own_columns(&self, by: ColumnId, rows: &RowSet) -> Vec<Column> {
        let of = &self.tables[by.table.0].columns[by.column];
        let column = |name: &str, ty: ValueType| Column {
            name: Spanned::new(name.to_owned(), of.name.span),
            doc: None,
            ty,
            encoding: Encoding::Native,
            computed: None,
            internal: false,
            size: Size::default(),
        };
        let whose = ValueType { nullable: false, ..of.ty.clone() };
        let instant = || ValueType::plain(Type::Timestamp);
        let counted = self.tables[rows.base.source(&self.tables).0].name.value.clone();
        let number = ValueType { unit: Some(Unit::named(counted)), ..ValueType::plain(Type::Int) };
        vec![
            column(&of.name.value, whose),
            column("started_at", instant()),
            column("ended_at", instant()),
            column("duration", ValueType::plain(Type::Duration)),
            column("rows", number),
        ]
    }

    /// `first(channel) as channel`
    fn kept(&self, value: &ast::Value, rows: &RowSet, d: &mut Diagnostics) -> Option<(Column, Kept)> {
        let Some((aggregate, of, name)) = parts(value) else {
            d.push(error!(E0525, value.span, "`keep` takes an aggregate of the session's rows and a name";
                help: "write `keep: first(channel) as channel`"));
            return None;
        };
        let how = aggregation(&aggregate.function, &aggregate.arguments, d)?;
        let scope = RowScope { tables: &self.tables, base: rows.base, zone: self.zone };
        let mut input = check_row(&scope, &of, d)?;
        self.check_as_of(rows, &input, d)?;
        if too_large(input.size(&self.tables), "this value", input.span, d) {
            return None;
        }
        let units = Units::of(&self.tables, Some(&input), rows.base);
        let ty = result_type(how, &aggregate.function, Some((&input.ty, input.span)), &units, &self.tables, d)?;
        let mut filter = match &aggregate.filter {
            Some(filter) => Some(check_predicate(&scope, filter, d)?),
            None => None,
        };
        if let Some(filter) = &filter {
            self.check_as_of(rows, filter, d)?;
        }
        // A session has at least one row.
        let nullable = match how {
            Aggregation::First | Aggregation::Last | Aggregation::Min | Aggregation::Max => {
                input.ty.nullable || filter.is_some()
            }
            _ => ty.nullable,
        };
        if let Some(time) = self.time(rows) {
            input.replace_time(time);
            filter.iter_mut().for_each(|filter| filter.replace_time(time));
        }
        let column = Column {
            name,
            doc: None,
            ty: ValueType { nullable, ..ty },
            encoding: Encoding::Native,
            computed: None,
            internal: false,
            size: Size::default(),
        };
        Some((column, Kept { aggregation: how, input, filter }))
    }
}

/// The aggregate that a value is, what it is of, and its name: the one behind `as`, else that of the column.
fn parts(value: &ast::Value) -> Option<(&ast::Aggregate, ast::Expr, ast::Name)> {
    let ValueKind::Expr { expr, clauses } = &value.kind else { return None };
    let ExprKind::Aggregate(aggregate) = &expr.kind else { return None };
    if aggregate.dated.is_some() || aggregate.over.is_some() || aggregate.at_last.is_some() || !aggregate.per.is_empty()
    {
        return None;
    }
    let of = match &aggregate.input {
        AggregateInput::Formula(of) => of.clone(),
        // A single name may be that of rows, says the grammar; here it is a column.
        AggregateInput::Rows(ast::RowSet { kind: RowSetKind::Named { name, version: None }, span }) => {
            ast::Expr { kind: ExprKind::Path { path: name.clone(), version: None }, span: *span }
        }
        _ => return None,
    };
    let name = match (clauses.as_slice(), &of.kind) {
        ([Clause::As(name)], _) => name.clone(),
        ([], ExprKind::Path { path, .. }) => path.single()?.clone(),
        _ => return None,
    };
    Some((aggregate, of, name))
}

/// Tells a missing item, unless it may only seem so.
fn missing<T>(syntax: &ast::Block, items: &Items<'_>, key: &str, example: &str, d: &mut Diagnostics) -> Option<T> {
    if !items.broken {
        d.push(error!(E0206, syntax.name.span, "the session has no `{key}`"; help: ("add `{example}`")));
    }
    None
}
