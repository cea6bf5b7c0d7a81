//! Typing sources and entities: columns, keys, time, computed columns.

use rustc_hash::FxHashMap;

use crate::diagnostic::{Diagnostics, Span};
use crate::error;
use crate::resolve::{self, Declared, Names, RowName};
use crate::suggest::near;
use crate::syntax::ast::{self, Clause};

use super::flow::column_sensitivity;
use super::items::{self, Items};
use super::model::{
    Column, ColumnId, Encoding, RowExpr, RowExprKind, Sensitivity, Table, TableId, TableKind, Type, ValueType,
};
use super::ops::{Ops, column_unit};
use super::size::{Size, too_large};
use super::{History, Origin, RowScope, check_row, type_name};

const SOURCE_ITEMS: &[&str] = &[
    "table", "stream", "sample", "key", "time", "arrived", "lateness", "retain", "revised", "title", "title_en",
    "owner",
];
const ENTITY_ITEMS: &[&str] = &["table", "sample", "key", "time", "valid", "snapshot", "title", "title_en", "owner"];

/// All tables, typed. A table with a broken column keeps its place and its other columns.
pub fn check_tables(
    names: &Names<'_>,
    zone: chrono_tz::Tz,
    units: &[&str],
    diagnostics: &mut Diagnostics,
) -> Vec<Table> {
    let entity = |name: &str| {
        let found = match names.row_set(name, None) {
            Some(RowName::Table(place)) => Some(place),
            _ => None,
        };
        found.filter(|place| names.tables[*place].0 == TableKind::Entity).map(TableId)
    };
    let entity_names: Vec<&str> = (names.tables.iter())
        .filter(|(kind, _)| *kind == TableKind::Entity)
        .map(|(_, table)| table.syntax.name.as_str())
        .collect();
    let mut tables: Vec<Table> = Vec::with_capacity(names.tables.len());
    for (kind, declared) in &names.tables {
        let columns = columns(declared.syntax, &entity, &entity_names, units, diagnostics);
        tables.push(table(*kind, *declared, columns, diagnostics));
    }
    for (place, table) in tables.iter_mut().enumerate() {
        table.meant = names.row_set(&table.name.value, None) == Some(RowName::Table(place));
    }
    check_entity_keys(&tables, diagnostics);
    for (place, (_, declared)) in names.tables.iter().enumerate() {
        computed_columns(&mut tables, TableId(place), declared.syntax, zone, diagnostics);
    }
    measure_computed(&mut tables, diagnostics);
    tables
}

fn columns(
    syntax: &ast::Table,
    entity: &dyn Fn(&str) -> Option<TableId>,
    entity_names: &[&str],
    units: &[&str],
    diagnostics: &mut Diagnostics,
) -> Vec<Column> {
    let mut columns: Vec<Column> = Vec::with_capacity(syntax.columns.len());
    for column in &syntax.columns {
        if let Some(first) = columns.iter().find(|first| first.name == column.name) {
            diagnostics.push(
                error!(E0202, column.name.span, "the column `{}` is declared twice", column.name.value;
                    help: "rename one of them")
                .related(first.name.span, "first declared here"),
            );
            continue;
        }
        let typed = type_name(&column.ty, entity, entity_names, diagnostics);
        // A column of an unknown type stays as a nullable string, so that its uses are not told as unknown too.
        let (ty, nullable, encoding) = typed.unwrap_or((Type::Null, true, Encoding::Native));
        let unit = match ty {
            Type::Null => None,
            _ => column_unit(column.unit.as_ref(), &ty, units, diagnostics),
        };
        let sensitivity = column_sensitivity(column.pii.as_ref(), diagnostics).unwrap_or(Sensitivity::Personal);
        columns.push(Column {
            name: column.name.clone(),
            doc: column.doc.as_ref().map(|doc| doc.value.clone()),
            ty: ValueType { ty, nullable, unit: Some(unit.unwrap_or_default()), sensitivity },
            encoding,
            computed: None,
            size: Size::default(),
            internal: false,
        });
    }
    columns
}

fn table(
    kind: TableKind,
    declared: Declared<'_, ast::Table>,
    columns: Vec<Column>,
    diagnostics: &mut Diagnostics,
) -> Table {
    let syntax = declared.syntax;
    let (word, allowed) = match kind {
        TableKind::Source => ("source", SOURCE_ITEMS),
        TableKind::Entity | TableKind::Calendar => ("entity", ENTITY_ITEMS),
    };
    let items = Items::read(word, &syntax.items, allowed, &[], diagnostics);
    items.check_texts(&["title", "title_en", "owner"], diagnostics);
    let mut table = Table {
        kind,
        name: syntax.name.clone(),
        version: syntax.version.as_ref().map_or(1, |version| version.value),
        // Which one it is, is known once all are there.
        meant: true,
        doc: declared.doc.map(str::to_owned),
        physical: String::new(),
        sample: items.string("sample", diagnostics),
        key: Vec::new(),
        latest_by: None,
        time: None,
        arrived: None,
        lateness: items.duration("lateness", diagnostics),
        retain: items.duration("retain", diagnostics),
        revised: items.duration("revised", diagnostics),
        stream: super::stream::stream(&items, diagnostics),
        columns,
        origin: Origin::Stored,
        history: None,
        dimensions: Vec::new(),
        span: declared.span,
    };
    match items.get("table") {
        Some(_) => table.physical = items.string("table", diagnostics).unwrap_or_default(),
        None => diagnostics.push(missing(word, "table", "table: \"dwd.dwd_event\"", syntax.name.span)),
    }
    keys(&mut table, &items, word, diagnostics);
    table.time = time_column(&table, &items, "time", diagnostics);
    table.arrived = time_column(&table, &items, "arrived", diagnostics);
    table.history = history(&table, &items, diagnostics);
    if kind == TableKind::Source && items.get("time").is_none() {
        diagnostics.push(missing(word, "time", "time: event_time", syntax.name.span));
    }
    table
}

fn missing(kind: &str, key: &str, example: &str, span: Span) -> crate::diagnostic::Diagnostic {
    error!(E0206, span, "the {kind} has no `{key}`"; help: ("add `{example}`"))
}

fn keys(table: &mut Table, items: &Items<'_>, word: &str, diagnostics: &mut Diagnostics) {
    for (name, clauses) in items.names("key", diagnostics) {
        if let Some(column) = column(table, name, diagnostics) {
            table.key.push(column);
        }
        for clause in clauses {
            match clause {
                Clause::LatestBy(path) => match path.single() {
                    Some(name) => table.latest_by = column(table, name, diagnostics),
                    None => diagnostics.push(error!(E0205, path.span, "`latest by` takes a column of this table";
                        help: "write `key: id latest by updated_at`")),
                },
                _ => diagnostics.push(error!(E0205, name.span, "only `latest by` can follow a key";
                    help: "write `key: id latest by updated_at`")),
            }
        }
    }
    if table.kind == TableKind::Entity && items.get("key").is_none() {
        diagnostics.push(missing(word, "key", "key: user_id", table.name.span));
    }
    for key in &table.key {
        if matches!(table.columns[*key].ty.ty, Type::Array(_) | Type::Map(_) | Type::Float) {
            diagnostics
                .push(error!(E0502, table.columns[*key].name.span, "a key cannot be an array, a map or a float";
                help: "use a column that identifies the row exactly"));
        }
    }
    if let Some(column) = table.latest_by
        && matches!(table.columns[column].ty.ty, Type::Array(_) | Type::Map(_) | Type::Bool)
    {
        diagnostics.push(
            error!(E0502, table.columns[column].name.span, "`latest by` needs a column that orders the versions";
            help: "use a timestamp or a version number"),
        );
    }
}

fn time_column(table: &Table, items: &Items<'_>, key: &str, diagnostics: &mut Diagnostics) -> Option<usize> {
    let value = items.one(key, diagnostics)?;
    let Some((name, _)) = items::name(value) else {
        diagnostics.push(error!(E0205, value.span, "`{key}` takes a column"; help: ("write `{key}: event_time`")));
        return None;
    };
    let found = column(table, name, diagnostics)?;
    if !matches!(table.columns[found].ty.ty, Type::Timestamp | Type::Null) {
        diagnostics.push(
            error!(E0501, name.span, "`{key}` must be a timestamp";
            help: ("declare `{}` as a timestamp, or name another column", name.value))
            .related(table.columns[found].name.span, "declared here"),
        );
        return None;
    }
    Some(found)
}

/// How an entity tells the versions of one thing apart.
fn history(table: &Table, items: &Items<'_>, diagnostics: &mut Diagnostics) -> Option<History> {
    let (valid, snapshot) = (items.get("valid"), items.get("snapshot"));
    if let (Some((first, _)), Some((second, _))) = (valid, snapshot) {
        let found = error!(E0529, second, "`{}` keeps its history in two ways", table.name.value;
            help: "keep `valid` where a row has a start and an end, `snapshot` where there is a copy a day");
        diagnostics.push(found.related(first, "the other one"));
        return None;
    }
    let (key, (span, _)) = valid.map(|item| ("valid", item)).or(snapshot.map(|item| ("snapshot", item)))?;
    let mut columns = Vec::new();
    for (name, _) in items.names(key, diagnostics) {
        let found = column(table, name, diagnostics)?;
        let fits = match &table.columns[found].ty.ty {
            Type::Date | Type::Null => true,
            Type::Timestamp => key == "valid",
            _ => false,
        };
        if !fits {
            let wanted = if key == "valid" { "a timestamp or a date" } else { "a date" };
            diagnostics.push(
                error!(E0529, name.span, "`{key}` takes {wanted}, and `{}` is none", name.value;
                    help: "declare it with that type, or name another column")
                .related(table.columns[found].name.span, "declared here"),
            );
            return None;
        }
        columns.push(found);
    }
    match (key, columns.as_slice()) {
        ("valid", [from, until]) => Some(History::Valid { from: *from, until: *until }),
        ("snapshot", [day]) => Some(History::Snapshot { day: *day }),
        _ => {
            let example = if key == "valid" { "valid: valid_from, valid_to" } else { "snapshot: ds" };
            diagnostics.push(
                error!(E0529, span, "`{key}` does not take {} columns", columns.len(); help: ("write `{example}`")),
            );
            None
        }
    }
}

fn column(table: &Table, name: &ast::Name, diagnostics: &mut Diagnostics) -> Option<usize> {
    let found = table.columns.iter().position(|column| column.name == *name);
    if found.is_none() {
        let help = match near(name, table.columns.iter().map(|column| column.name.as_str())) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("add `column {}: …`", name.value),
        };
        diagnostics.push(error!(E0209, name.span, "`{}` has no column `{}`", table.name.value, name.value; help: help));
    }
    found
}

/// An entity's key is one column, so that a path can follow it, and of a type that needs no further look-up.
fn check_entity_keys(tables: &[Table], diagnostics: &mut Diagnostics) {
    for table in tables.iter().filter(|table| table.kind == TableKind::Entity) {
        if table.key.len() > 1 {
            diagnostics
                .push(error!(E0503, table.name.span, "the entity `{}` has a key of several columns", table.name.value;
                help: "give it one key column, for instance a concatenation made in the warehouse"));
        }
        for key in &table.key {
            if matches!(table.columns[*key].ty.ty, Type::Entity(_)) {
                diagnostics.push(
                    error!(E0503, table.columns[*key].name.span, "the key of an entity cannot itself be an entity";
                    help: "declare the key as a string or an int, and a second column for the link"),
                );
            }
        }
    }
}

/// Types the computed columns of a table, each after those it uses; those on a cycle are told.
fn computed_columns(
    tables: &mut [Table],
    id: TableId,
    syntax: &ast::Table,
    zone: chrono_tz::Tz,
    diagnostics: &mut Diagnostics,
) {
    let mut done: Vec<&str> = Vec::new();
    for written in syntax.columns.iter().filter(|column| column.computed.is_some()) {
        let Some(expr) = &written.computed else { continue };
        let Some(place) = tables[id.0].columns.iter().position(|column| column.name == written.name) else { continue };
        let typed = check_row(&RowScope { tables, base: id, zone }, expr, diagnostics);
        let Some(typed) = typed else { continue };
        if let Some(used) = uses_undone(&typed, &tables[id.0], id, syntax, &done) {
            diagnostics.push(error!(E0504, expr.span, "`{}` uses the computed column `{used}`, which is declared below it", written.name.value;
                help: "a computed column may use stored columns and computed ones above it"));
            continue;
        }
        let ops = Ops::new(tables, zone);
        if let Some(column) = checked_computed(&ops, written, typed, &tables[id.0].columns[place], diagnostics) {
            tables[id.0].columns[place].computed = Some(column);
        }
        done.push(written.name.as_str());
    }
    let versions = match tables[id.0].history {
        Some(History::Valid { from, until }) => vec![from, until],
        Some(History::Snapshot { day }) => vec![day],
        None => Vec::new(),
    };
    let table = &tables[id.0];
    let keys = table.key.clone().into_iter().chain(table.time).chain(table.arrived).chain(table.latest_by);
    for key in keys.chain(versions) {
        let column = &tables[id.0].columns[key];
        if column.computed.is_some() {
            diagnostics.push(
                error!(E0505, column.name.span, "key, time, `arrived`, `latest by` and versions must be stored columns";
                help: "compute it in the warehouse, or name a stored column"),
            );
        }
    }
}

fn uses_undone(expr: &RowExpr, table: &Table, id: TableId, syntax: &ast::Table, done: &[&str]) -> Option<String> {
    let mut found = None;
    expr.walk(&mut |part| {
        if let RowExprKind::Column(path) = &part.kind {
            for ColumnId { table: of, column } in path {
                if *of != id {
                    continue;
                }
                let name = table.columns[*column].name.as_str();
                let computed =
                    syntax.columns.iter().any(|column| column.name.as_str() == name && column.computed.is_some());
                if computed && !done.contains(&name) {
                    found = Some(name.to_owned());
                }
            }
        }
    });
    found
}

/// Tells the computed columns that lead back to themselves through entities, and those that are too large once all names
/// are written out. They go on as if they were stored.
fn measure_computed(tables: &mut [Table], diagnostics: &mut Diagnostics) {
    let computed: Vec<ColumnId> = (tables.iter().enumerate())
        .flat_map(|(table, declared)| {
            let places = declared.columns.iter().enumerate().filter(|(_, column)| column.computed.is_some());
            places.map(move |(column, _)| ColumnId { table: TableId(table), column })
        })
        .collect();
    let places: FxHashMap<ColumnId, usize> = computed.iter().enumerate().map(|(place, id)| (*id, place)).collect();
    let uses: Vec<Vec<(usize, Span)>> = (computed.iter())
        .map(|id| {
            let mut used = Vec::new();
            let expr = tables[id.table.0].columns[id.column].computed.iter();
            expr.for_each(|expr| {
                expr.walk(&mut |part| {
                    let RowExprKind::Column(path) = &part.kind else { return };
                    used.extend(path.iter().filter_map(|id| Some((*places.get(id)?, part.span))));
                });
            });
            used
        })
        .collect();
    let name = |place: usize| &tables[computed[place].table.0].columns[computed[place].column].name;
    let order = resolve::order(&uses, name, "column", diagnostics);
    let mut sound = vec![false; computed.len()];
    for place in order {
        let ColumnId { table, column } = computed[place];
        let Some(expr) = &tables[table.0].columns[column].computed else { continue };
        let size = expr.size(tables).within(1);
        if !too_large(size, "this computed column", expr.span, diagnostics) {
            sound[place] = true;
            tables[table.0].columns[column].size = size;
        }
    }
    for (id, _) in computed.iter().zip(sound).filter(|(_, sound)| !sound) {
        tables[id.table.0].columns[id.column].computed = None;
    }
}

fn checked_computed(
    ops: &Ops<'_>,
    written: &ast::Column,
    typed: RowExpr,
    declared: &Column,
    diagnostics: &mut Diagnostics,
) -> Option<RowExpr> {
    if declared.ty.ty == Type::Null {
        return None;
    }
    let unit = declared.ty.unit.clone().unwrap_or_default();
    let typed = ops.assign(typed, &declared.ty.ty, &unit, diagnostics)?;
    if typed.ty.nullable && !declared.ty.nullable {
        diagnostics.push(
            error!(E0507, typed.span, "the expression of `{}` may be null, its type may not", written.name.value;
            help: "add `?` to the type, or give a value for null with `??`")
            .related(written.ty.span, "declared here"),
        );
    }
    if typed.ty.sensitivity > declared.ty.sensitivity {
        diagnostics
            .push(error!(E0704, typed.span, "`{}` carries personal data but is not labelled", written.name.value;
            help: "add `pii` after its type, or pass the value through `hash(…)` or `mask(…)`"));
    }
    Some(typed)
}
