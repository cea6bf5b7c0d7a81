//! Tables that are made of others: what their rows are, over the clean rows of the tables before them.

use std::collections::BTreeSet;

use crate::plan::{
    Clean, DataType, Encoding, Expr, ExprKind, FirstOf, Function, Input, Keep, Member, Origin, Selection,
};
use crate::plan::{Session, StoredColumn, Table, Value};
use crate::types::{self, ColumnId, Model, RowSet, TableId};

use super::aggregate::aggregate;
use super::row::Rows;
use super::tables::{columns, history};

/// A derived table; `made` are all before it.
pub fn lower(model: &Model, id: TableId, made: &[Table]) -> Table {
    let table = model.table(id);
    let name = |column: usize| table.columns[column].name.value.clone();
    let mut lowered = Table {
        name: table.name.value.clone(),
        physical: String::new(),
        sample: None,
        columns: columns(model, table),
        clean: Clean {
            key: table.key.iter().map(|column| name(*column)).collect(),
            keep: Keep::Earliest,
            time: table.time.map(name),
        },
        origin: Origin::Stored,
        history: None,
    };
    // Rows that are like those of an entity have no versions: they are the versions.
    if table.is_segment() {
        lowered.history = history(table);
    }
    for column in &mut lowered.columns {
        // Its rows are made of clean ones, whose values have the type's own form.
        column.encoding = Encoding::Native;
    }
    match &table.origin {
        types::Origin::Stored => {}
        types::Origin::Raw(base) => lowered.origin = Origin::Raw(base.0),
        types::Origin::FirstOf { rows, keys } => {
            let base = &made[rows.base.0];
            let (mut reading, filter) = choose(model, rows);
            let keys = keys.iter().map(|key| reading.lower(key)).collect();
            lowered.columns.clone_from(&base.columns);
            lowered.clean.key.clone_from(&base.clean.key);
            lowered.origin = Origin::FirstOf(Box::new(FirstOf { rows: close(reading, filter), keys }));
        }
        types::Origin::Union(of) => union(model, id, of, made, &mut lowered),
        types::Origin::Made(of) => lowered.origin = Origin::Made(Box::new(super::made::made(model, of))),
        types::Origin::Session(session) => {
            let (mut reading, filter) = choose(model, &session.rows);
            let by = reading.lower(&column_of(model, session.by));
            let kept = session.kept.iter().map(|kept| {
                let input = reading.lower(&kept.input);
                let filter = kept.filter.as_ref().map(|filter| reading.lower(filter));
                aggregate(kept.aggregation, Some(input), filter)
            });
            let kept = kept.collect();
            let rows = close(reading, filter);
            lowered.origin = Origin::Session(Box::new(Session { rows, by, gap: session.gap, kept }));
        }
    }
    lowered
}

/// The rows of a row set, open for further expressions, and the condition on them.
pub(super) fn choose<'m>(model: &'m Model, rows: &RowSet) -> (Rows<'m>, Option<Expr>) {
    let own = model.table(rows.base).time.map(|column| ColumnId { table: rows.base, column });
    let mut reading = Rows::new(model, rows.base, rows.dated.or(own));
    let filter = conjunction(&mut reading, rows);
    (reading, filter)
}

pub(super) fn conjunction(reading: &mut Rows<'_>, rows: &RowSet) -> Option<Expr> {
    let mut all: Vec<Expr> = Vec::with_capacity(rows.filters.len());
    for filter in &rows.filters {
        let lowered = reading.lower(filter);
        if !all.contains(&lowered) {
            all.push(lowered);
        }
    }
    Expr::all(all)
}

pub(super) fn close(mut reading: Rows<'_>, filter: Option<Expr>) -> Selection {
    let time = reading.time();
    Selection { table: reading.base.0, joins: reading.joins, answers: reading.answers, filter, time }
}

fn column_of(model: &Model, id: ColumnId) -> types::RowExpr {
    let column = &model.table(id.table).columns[id.column];
    let kind = types::RowExprKind::Column(vec![id]);
    types::RowExpr { kind, ty: column.ty.clone(), span: column.name.span }
}

fn union(model: &Model, id: TableId, of: &types::Union, made: &[Table], lowered: &mut Table) {
    let keyed = model.table(id).is_keyed(&model.tables);
    let parts = if keyed { key_parts(model, id) } else { BTreeSet::new() };
    if keyed {
        let source = own_name("_source", lowered);
        lowered.columns.push(column(&source, DataType::String));
        lowered.clean.key.push(source);
        for (place, ty) in &parts {
            let name = own_name(&format!("_key{place}_{}", ty.word()), lowered);
            lowered.columns.push(column(&name, ty.ty.clone()));
            lowered.clean.key.push(name);
        }
    }
    let mut merged: Vec<Member> = Vec::new();
    let mut sources: Vec<TableId> = Vec::new();
    let mut overlapping = false;
    for group in alike(model, &of.members) {
        let rows = &group[0].rows;
        let (mut reading, first) = choose(model, rows);
        // Rows of one table at one time: those that any of the members has.
        let others = group[1..].iter().map(|member| conjunction(&mut reading, &member.rows));
        let filters: Option<Vec<Expr>> = std::iter::once(first).chain(others).collect();
        let filter = filters.and_then(any);
        let mut values: Vec<Expr> = group[0].values.iter().map(|value| reading.lower(value)).collect();
        if keyed {
            values.extend(key_values(model, rows.base, &parts, made));
            let own = rows.base.sources(&model.tables);
            overlapping |= own.iter().any(|source| sources.contains(source));
            sources.extend(own);
        }
        merged.push(Member { rows: close(reading, filter), values });
    }
    lowered.origin = Origin::Union { members: merged, overlapping, timely: of.timely };
}

/// The members by table and time, in the order in which they first stand.
fn alike<'m>(model: &Model, members: &'m [types::Member]) -> Vec<Vec<&'m types::Member>> {
    let time = |rows: &RowSet| rows.dated.map(|column| column.column).or(model.table(rows.base).time);
    let mut groups: Vec<Vec<&types::Member>> = Vec::new();
    for member in members {
        let same = |group: &&mut Vec<&types::Member>| {
            group[0].rows.base == member.rows.base && time(&group[0].rows) == time(&member.rows)
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.push(member),
            None => groups.push(vec![member]),
        }
    }
    groups
}

pub(super) fn any(mut filters: Vec<Expr>) -> Option<Expr> {
    if filters.len() < 2 {
        return filters.pop();
    }
    let nullable = filters.iter().any(|filter| filter.nullable);
    Some(Expr::call(Function::Or, filters, DataType::Bool, nullable))
}

/// A part of a key: its type, and so the column of a union that holds it. Sources whose parts have one type share it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct KeyPart {
    ty: DataType,
}

impl KeyPart {
    fn word(&self) -> String {
        match &self.ty {
            DataType::Decimal { scale, .. } => format!("decimal{scale}"),
            other => format!("{other:?}").to_lowercase(),
        }
    }
}

impl Ord for KeyPart {
    fn cmp(&self, other: &KeyPart) -> std::cmp::Ordering {
        self.word().cmp(&other.word())
    }
}

impl PartialOrd for KeyPart {
    fn partial_cmp(&self, other: &KeyPart) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// The parts of the keys of all sources of a table, by their places in the keys.
fn key_parts(model: &Model, id: TableId) -> BTreeSet<(usize, KeyPart)> {
    let sources = id.sources(&model.tables);
    let parts = sources.iter().flat_map(|source| {
        let table = model.table(*source);
        table.key.iter().map(|column| model.data_type(&table.columns[*column].ty.ty)).enumerate()
    });
    parts.map(|(place, ty)| (place, KeyPart { ty })).collect()
}

/// The name of the source, and each part of its key; a part that the source does not have is empty.
fn key_values(model: &Model, base: TableId, parts: &BTreeSet<(usize, KeyPart)>, made: &[Table]) -> Vec<Expr> {
    let key = &made[base.0].clean.key;
    let source = base.source(&model.tables);
    let read = |name: &String, ty: &DataType| {
        let kind = ExprKind::Column { input: Input::Base, name: name.clone() };
        Expr { kind, ty: ty.clone(), nullable: false }
    };
    let is_union = matches!(model.table(source).origin, types::Origin::Union(_));
    let own: Vec<(usize, KeyPart)> = match is_union {
        true => key_parts(model, base).into_iter().collect(),
        false => {
            let table = model.table(source);
            let types = table.key.iter().map(|column| model.data_type(&table.columns[*column].ty.ty));
            types.map(|ty| KeyPart { ty }).enumerate().collect()
        }
    };
    // Of a union the first column of the key is the source.
    let (name, key) = match (is_union, key.split_first()) {
        (true, Some((first, rest))) => (read(first, &DataType::String), rest),
        _ => (Expr::literal(Value::String(made[source.0].name.clone()), DataType::String), key.as_slice()),
    };
    let part = |wanted: &(usize, KeyPart)| {
        let found = own.iter().position(|part| part == wanted).and_then(|place| key.get(place));
        // A value that stands where a source has no such part of a key.
        let none = || Expr::literal(wanted.1.ty.some_value(), wanted.1.ty.clone());
        found.map_or_else(none, |name| read(name, &wanted.1.ty))
    };
    std::iter::once(name).chain(parts.iter().map(part)).collect()
}

fn column(name: &str, ty: DataType) -> StoredColumn {
    StoredColumn { name: name.to_owned(), ty, nullable: false, encoding: Encoding::Native, domain: Vec::new() }
}

/// A name that no column of the table has.
fn own_name(wanted: &str, table: &Table) -> String {
    let mut name = wanted.to_owned();
    while table.columns.iter().any(|column| column.name == name) {
        name.push('_');
    }
    name
}
