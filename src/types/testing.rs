//! Small worlds for tests: declarations as text, expressions as text, what comes out as text.

use crate::diagnostic::{Diagnostics, FileId};
use crate::syntax::ast::{self, DeclarationKind, ExprKind, ItemKind, ValueKind};
use crate::value::Value;

use super::flow::column_sensitivity;
use super::ops::column_unit;
use super::row::{RowScope, check_predicate, check_row};
use super::type_name::{show_type, type_name};
use super::{Column, Encoding, Origin, RowExpr, RowExprKind, Table, TableId, TableKind, Type, ValueType};

/// What most tests look at.
pub(super) const WORLD: &str = r#"
entity channel {
  table: "c"; key: channel_id
  column channel_id: string
  column kind: string
}
entity user {
  table: "u"; key: user_id
  column user_id: string
  column registered_at: timestamp
  column channel: channel?
  column birth_year: int?
  column phone: string? pii
  column is_abnormal: bool
}
entity shop {
  table: "s"; key: shop_id
  column shop_id: int
  column name: string
}
source event {
  table: "e"; key: event_id; time: event_time
  column event_id: string
  column event_time: timestamp
  column user_id: user?
  column inviter_id: user?
  column shop_id: shop
  column platform: enum("web", "ios", "android", "api")
  column client: enum("web", "ios")
  column feature: string?
  column note: string
  column phone: string pii
  column ok: bool
  column maybe: bool?
  column items: int
  column score: float
  column ratio: float
  column pay: decimal(18,2)? unit CNY
  column fee: decimal(18,4) unit CNY
  column cost: decimal(18,4) unit quota
  column wide: decimal(38,10)
  column day: date
  column due: date?
  column paid_at: timestamp?
  column infer: duration(ms)?
  column props: map(string, string)
  column counts: map(string, int)
  column tags: array(string)
}
source plain {
  table: "p"
  column time: string
  column a: int
}
source clocked {
  table: "k"; time: at
  column at: timestamp
  column time: string
}
"#;

/// Tables of a text, with their columns typed.
pub(super) fn tables(text: &str) -> Vec<Table> {
    let (tables, d) = tables_of(text);
    assert!(d.is_empty(), "{d:?}");
    tables
}

/// The same, and what is wrong with them.
pub(super) fn tables_of(text: &str) -> (Vec<Table>, Diagnostics) {
    let (file, found) = crate::syntax::parse(FileId(0), text);
    assert!(found.is_empty(), "{found:?}");
    let declared: Vec<(TableKind, ast::Table)> = (file.declarations.into_iter())
        .filter_map(|declaration| match declaration.kind {
            DeclarationKind::Entity(table) => Some((TableKind::Entity, table)),
            DeclarationKind::Source(table) => Some((TableKind::Source, table)),
            _ => None,
        })
        .collect();
    let entity = |name: &str| declared.iter().position(|(_, table)| table.name.value == name).map(TableId);
    let mut d = Diagnostics::new();
    let tables = declared.iter().map(|(kind, table)| one(*kind, table, &entity, &mut d)).collect();
    (tables, d)
}

fn one(kind: TableKind, table: &ast::Table, entity: &dyn Fn(&str) -> Option<TableId>, d: &mut Diagnostics) -> Table {
    let columns: Vec<Column> = table.columns.iter().map(|column| typed_column(column, entity, d)).collect();
    let named = |key: &str| {
        let value = table.items.iter().find_map(|item| match &item.kind {
            ItemKind::Keyed { key: name, values } if name.value == key => values.first(),
            _ => None,
        })?;
        match &value.kind {
            ValueKind::Expr { expr: ast::Expr { kind: ExprKind::Path { path, .. }, .. }, .. } => {
                columns.iter().position(|column| column.name.value == path.parts[0].value)
            }
            _ => None,
        }
    };
    Table {
        kind,
        name: table.name.clone(),
        version: 1,
        meant: true,
        doc: None,
        physical: String::new(),
        sample: None,
        key: named("key").into_iter().collect(),
        latest_by: None,
        time: named("time"),
        arrived: None,
        lateness: None,
        retain: None,
        revised: None,
        stream: None,
        origin: Origin::Stored,
        history: None,
        dimensions: Vec::new(),
        span: table.name.span,
        columns,
    }
}

fn typed_column(column: &ast::Column, entity: &dyn Fn(&str) -> Option<TableId>, d: &mut Diagnostics) -> Column {
    let (ty, nullable, encoding) =
        type_name(&column.ty, entity, &["user", "channel"], d).unwrap_or((Type::Int, false, Encoding::Native));
    let unit = column_unit(column.unit.as_ref(), &ty, &["CNY", "quota"], d);
    let sensitivity = column_sensitivity(column.pii.as_ref(), d).unwrap_or_default();
    Column {
        name: column.name.clone(),
        doc: None,
        ty: ValueType { ty, nullable, unit, sensitivity },
        encoding,
        computed: None,
        internal: false,
        size: super::Size::default(),
    }
}

fn parse_one(text: &str) -> DeclarationKind {
    let (mut file, found) = crate::syntax::parse(FileId(1), text);
    assert!(found.is_empty(), "{text}: {found:?}");
    file.declarations.remove(0).kind
}

/// The expression that a text is.
pub(super) fn expr(text: &str) -> ast::Expr {
    match parse_one(&format!("metric m = sum({text} from event)\n")) {
        DeclarationKind::Metric(ast::Metric {
            formula: ast::Expr { kind: ExprKind::Aggregate(aggregate), .. },
            ..
        }) => match aggregate.input {
            ast::AggregateInput::ExprFrom { expr, .. } => expr,
            other => panic!("{text}: {other:?}"),
        },
        other => panic!("{text}: {other:?}"),
    }
}

/// An expression over the rows of a table of [`WORLD`], typed.
pub(super) fn row_of(table: &str, text: &str) -> (Option<RowExpr>, Diagnostics) {
    check_in(table, &expr(text), check_row)
}

/// An expression over the rows of `event`, typed.
pub(super) fn row(text: &str) -> (Option<RowExpr>, Diagnostics) {
    row_of("event", text)
}

/// A condition on the rows of `event`, typed.
pub(super) fn condition(text: &str) -> (Option<RowExpr>, Diagnostics) {
    check_in("event", &expr(text), check_predicate)
}

type Check = fn(&RowScope, &ast::Expr, &mut Diagnostics) -> Option<RowExpr>;

fn check_in(table: &str, expr: &ast::Expr, check: Check) -> (Option<RowExpr>, Diagnostics) {
    static TABLES: std::sync::LazyLock<Vec<Table>> = std::sync::LazyLock::new(|| tables(WORLD));
    let tables = &*TABLES;
    let base = TableId(tables.iter().position(|known| known.name.value == table).unwrap());
    let mut d = Diagnostics::new();
    let scope = RowScope { tables, base, zone: chrono_tz::Asia::Shanghai };
    let typed = check(&scope, expr, &mut d);
    (typed, d)
}

/// The type that an expression has: `decimal(18,2)? CNY pii`; `any` where it fits every unit.
pub(super) fn ty(text: &str) -> String {
    let (typed, d) = row(text);
    assert!(!d.has_errors(), "{text}: {d:?}");
    show(&typed.unwrap().ty)
}

/// A type with all that is known of it.
pub(super) fn show(ty: &ValueType) -> String {
    let mut shown = show_type(&ty.ty, &tables(WORLD));
    if ty.nullable {
        shown.push('?');
    }
    match &ty.unit {
        None => shown.push_str(" any"),
        Some(unit) if unit.is_none() => {}
        Some(unit) => shown.push_str(&format!(" {unit}")),
    }
    if ty.sensitivity == super::Sensitivity::Personal {
        shown.push_str(" pii");
    }
    shown
}

/// The codes that an expression gets, one after the other.
pub(super) fn codes(text: &str) -> String {
    listed(&row(text).1)
}

/// The codes that a condition gets.
pub(super) fn condition_codes(text: &str) -> String {
    listed(&condition(text).1)
}

fn listed(d: &Diagnostics) -> String {
    d.iter().map(|found| found.code.0).collect::<Vec<_>>().join(" ")
}

/// The help of the only finding.
pub(super) fn help(text: &str) -> String {
    let (typed, d) = row(text);
    assert!(d.len() == 1, "{text}: {typed:?} {d:?}");
    d.iter().next().and_then(|found| found.help.clone()).unwrap_or_default()
}

/// An expression in prefix form with its types where they were widened: `Less(items, 5)`.
pub(super) fn form(text: &str) -> String {
    let (typed, d) = row(text);
    assert!(!d.has_errors(), "{text}: {d:?}");
    shape(&typed.unwrap(), &tables(WORLD))
}

pub(super) fn shape(expr: &RowExpr, tables: &[Table]) -> String {
    let list = |parts: &[RowExpr]| parts.iter().map(|part| shape(part, tables)).collect::<Vec<_>>().join(", ");
    match &expr.kind {
        RowExprKind::Column(path) => {
            let name = |id: &super::ColumnId| tables[id.table.0].columns[id.column].name.value.clone();
            path.iter().map(name).collect::<Vec<_>>().join(".")
        }
        RowExprKind::Time => "time".to_owned(),
        RowExprKind::Inner => "value".to_owned(),
        RowExprKind::Per { per, .. } => format!("metric {} per {:?}", per.metric.0, per.key),
        RowExprKind::Pending(pending) => format!("{:?}", pending.predicate),
        RowExprKind::Literal(value) => match (value, &expr.ty.ty) {
            (Value::Int(int), _) => int.to_string(),
            (Value::Decimal(digits), ty) => format!("{digits}:{}", show_type(ty, tables)),
            (Value::String(text), _) => format!("{text:?}"),
            (value, ty) => format!("{value:?}:{}", show_type(ty, tables)),
        },
        RowExprKind::Call(crate::value::Function::Cast, parts) => {
            format!("Cast({} as {})", list(parts), show_type(&expr.ty.ty, tables))
        }
        RowExprKind::Call(function, parts) => format!("{function:?}({})", list(parts)),
        RowExprKind::Case { branches, otherwise } => {
            let mut shown = "case".to_owned();
            for (condition, value) in branches {
                shown.push_str(&format!(" {} -> {}", shape(condition, tables), shape(value, tables)));
            }
            if let Some(value) = otherwise {
                shown.push_str(&format!(" else {}", shape(value, tables)));
            }
            shown
        }
        RowExprKind::Sql { variants, arguments } => format!("{variants:?}({})", list(arguments)),
    }
}
