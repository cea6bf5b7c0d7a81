//! Names of columns, and paths through entities.

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::error;
use crate::suggest::near;
use crate::syntax::ast::{Name, Path};
use crate::types::listed::some_of;
use crate::types::ops::refuse;
use crate::types::segment::{column::CLASS, segment_named};
use crate::types::type_name::{show_type, with_article};
use crate::types::{ColumnId, RowExpr, RowExprKind, Table, TableId, Type, ValueType};

use super::RowScope;

/// The name of a row's time.
const TIME: &str = "time";

/// The column that a path means.
pub(super) fn column(scope: &RowScope, path: &Path, d: &mut Diagnostics) -> Option<RowExpr> {
    if let Some(at) = &path.at {
        return refuse(
            d,
            error!(E0323, at.span, "`@{}` is for output, not for rows", at.value.word();
            help: ("write `truncate({}, 1{})`", path.parts[0].value, at.value.word())),
        );
    }
    let table = scope.table();
    let mut parts = path.parts.as_slice();
    let named = |table: &Table| parts[0].value == table.name.value;
    let own = named(table) || named(&scope.tables[scope.base.source(scope.tables).0]);
    let qualified = parts.len() > 1 && own && find(table, &parts[0]).is_none();
    if qualified {
        parts = &parts[1..];
    } else if let [name] = parts
        && name.value == TIME
        && let Some(time) = row_time(scope, name, d)
    {
        return time;
    }
    let mut at = scope.base;
    let mut hops = Vec::with_capacity(parts.len());
    let mut nullable = false;
    for (place, name) in parts.iter().enumerate() {
        let table = &scope.tables[at.0];
        let segment = segment_named(scope.tables, table, name);
        let Some(column) = find(table, name).or(segment) else {
            let entity = (place > 0).then(|| path.parts[path.parts.len() - parts.len() + place - 1].value.as_str());
            return refuse(d, unknown(scope, table, entity, name));
        };
        hops.push(ColumnId { table: at, column });
        let known = &table.columns[column].ty;
        if known.ty == Type::Null {
            // Its type is broken, which was told.
            return None;
        }
        if let (Some(_), Type::Entity(of)) = (segment, &known.ty) {
            // A segment has one value: the class.
            let class = ColumnId { table: *of, column: CLASS };
            let known = &scope.tables[of.0].columns[class.column].ty;
            hops.push(class);
            if let Some(more) = parts.get(place + 1) {
                return refuse(d, no_entity(scope, more, name, &known.ty));
            }
            let ty = ValueType { nullable: true, ..known.clone() };
            return Some(RowExpr { kind: RowExprKind::Column(hops), ty, span: path.span });
        }
        if place + 1 == parts.len() {
            let ty = ValueType { nullable: nullable || known.nullable, ..known.clone() };
            return Some(RowExpr { kind: RowExprKind::Column(hops), ty, span: path.span });
        }
        match known.ty {
            Type::Entity(next) => at = next,
            _ => return refuse(d, no_entity(scope, &parts[place + 1], name, &known.ty)),
        }
        // An id without a row gives null.
        nullable = true;
    }
    None
}

/// `time` as the row's time; none where it is an ordinary column of a table without a time.
fn row_time(scope: &RowScope, name: &Name, d: &mut Diagnostics) -> Option<Option<RowExpr>> {
    let table = scope.table();
    let own = find(table, name);
    match (table.time, own) {
        (Some(time), Some(own)) if time != own => {
            let column = &table.columns[time].name.value;
            Some(refuse(d, error!(E0322, name.span, "`time` is the row's time, but `{}` has another column of that name", table.name.value;
                help: ("write `{0}.time` for the column, `{column}` for the row's time", table.name.value))
                .related(table.columns[own].name.span, "the column")))
        }
        (Some(_), _) => {
            let ty = ValueType { nullable: table.may_lack_time(), ..ValueType::plain(Type::Timestamp) };
            Some(Some(RowExpr { kind: RowExprKind::Time, ty, span: name.span }))
        }
        (None, Some(_)) => None,
        (None, None) => Some(refuse(
            d,
            error!(E0322, name.span, "the rows of `{}` have no time", table.name.value;
            help: "declare `time:` with a timestamp column, or name a column"),
        )),
    }
}

/// The place of a column by its name.
fn find(table: &Table, name: &Name) -> Option<usize> {
    table.columns.iter().position(|column| !column.internal && column.name.value == name.value)
}

fn unknown(scope: &RowScope, table: &Table, through: Option<&str>, name: &Name) -> Diagnostic {
    let names = || table.columns.iter().filter(|column| !column.internal).map(|column| column.name.as_str());
    let help = match (near(name, names()), reachable(scope, table, name)) {
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, Some(path)) => format!("did you mean `{path}`?"),
        (None, None) if table.columns.is_empty() => "declare it as a `column`".to_owned(),
        (None, None) => format!("its columns are {}", some_of(names())),
    };
    let owner = &table.name.value;
    let found = match through {
        Some(through) => {
            error!(E0301, name.span, "`{through}` leads to `{owner}`, which has no column `{}`", name.value; help: help)
        }
        None => error!(E0301, name.span, "`{owner}` has no column `{}`", name.value; help: help),
    };
    found.related(table.name.span, format!("`{owner}` is declared here"))
}

/// The path to a column of that name one entity away.
fn reachable(scope: &RowScope, table: &Table, name: &Name) -> Option<String> {
    table.columns.iter().find_map(|column| match column.ty.ty {
        Type::Entity(TableId(id)) => {
            let entity = scope.tables.get(id)?;
            find(entity, name).map(|_| format!("{}.{}", column.name.value, name.value))
        }
        _ => None,
    })
}

fn no_entity(scope: &RowScope, wanted: &Name, name: &Name, ty: &Type) -> Diagnostic {
    let shown = with_article(&show_type(ty, scope.tables));
    let help = match ty {
        Type::Map(_) => format!("take an element: `{}[\"{}\"]`", name.value, wanted.value),
        Type::String => format!(
            "declare `{}` with the entity's name as its type, or read JSON with `json({}, \"$.{}\", string)`",
            name.value, name.value, wanted.value
        ),
        _ => format!("declare `{}` with the entity's name as its type", name.value),
    };
    error!(E0321, wanted.span, "`{}` is {shown}, so nothing hangs on it", name.value; help: help)
}
