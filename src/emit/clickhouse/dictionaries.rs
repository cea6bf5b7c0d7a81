//! Dictionaries of entities, and how many keys they do not know (CH4).
//!
//! A dictionary is a copy in memory of an entity's clean rows: their key and what metrics look up. It is made anew after its
//! lifetime, so that an attribute is as old as that. Where streams look rows up as they arrive, what was counted keeps the
//! attributes of that time: as of ingestion.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use super::{Build, File, Object, check, source, version};
use crate::diagnostic::Diagnostics;
use crate::emit::{Input, MetricView};
use crate::error;
use crate::plan::{
    Aggregate, DataType, Expr, ExprKind, Function, Input as Of, Join, Measure, MeasureId, MetricOutput, Origin,
    OutputColumn, Query, Scan, Source, Step, Table, Value, in_order,
};
use crate::project::{ClickhouseTarget, Dictionaries};
use crate::rollup::{Rollup, moved};
use crate::sql::{self, CLICKHOUSE, Dictionary, Options, Scalars};
use crate::suggest::near;
use crate::types::Serve;

/// The dictionaries of a build; `options` know the views of stored tables. What cannot have one that was asked for is told.
pub fn known(
    input: &Input,
    settings: &ClickhouseTarget,
    options: &Options,
    diagnostics: &mut Diagnostics,
) -> Vec<Dictionary> {
    let Some(of) = &settings.dictionaries else { return Vec::new() };
    refused(input, of, diagnostics);
    let asked = |table: &Table| match &of.entities {
        Some(names) => names.iter().any(|name| name.value == table.name),
        None => true,
    };
    let used = used(input);
    let tables = used.iter().filter(|(place, _)| asked(&input.tables[**place]));
    tables.filter_map(|(place, columns)| dictionary(*place, columns, input, settings, options)).collect()
}

fn refused(input: &Input, of: &Dictionaries, diagnostics: &mut Diagnostics) {
    for name in of.entities.iter().flatten() {
        let table = input.tables.iter().find(|table| table.name == name.value);
        let why = match table {
            Some(table) => match unable(table) {
                Some(why) => why.to_owned(),
                None => continue,
            },
            None => match near(name, input.tables.iter().map(|table| table.name.as_str())) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "there is no such entity".to_owned(),
            },
        };
        diagnostics.push(error!(E0814, name.span, "`{}` can't be looked up in a dictionary", name.value; help: why));
    }
}

/// Why a table can have no dictionary.
fn unable(table: &Table) -> Option<&'static str> {
    let key = match table.clean.key.as_slice() {
        [key] => table.columns.iter().find(|column| column.name == *key),
        _ => None,
    };
    match key {
        _ if table.origin != Origin::Stored => Some("its rows are made of others"),
        _ if table.history.is_some() => Some("it keeps a history, which is looked up as of a row's time by a join"),
        Some(key) if !is_plain(&key.ty) || key.ty == DataType::Float => Some("a key of this type can't be looked up"),
        Some(_) => None,
        None => Some("it has no key of one column"),
    }
}

/// Whether a dictionary can hold values of a type.
fn is_plain(ty: &DataType) -> bool {
    !matches!(ty, DataType::Array(_) | DataType::Map(_))
}

/// The entities that are looked up, each with the columns that are used.
fn used(input: &Input) -> BTreeMap<usize, BTreeSet<String>> {
    let tables = &input.tables;
    let mut queries: Vec<&Query> = input.metrics.iter().map(|metric| &metric.query).collect();
    let mut columns: Vec<(usize, &str)> = Vec::new();
    let mut looked_up: BTreeSet<usize> = BTreeSet::new();
    let mut read: BTreeSet<usize> = BTreeSet::new();
    let joined = |joins: &[Join]| joins.iter().map(|join| join.table).collect::<Vec<usize>>();
    while let Some(query) = queries.pop() {
        for scan in &query.scans {
            columns.extend(scan.columns(tables));
            looked_up.extend(joined(&scan.joins));
            read.extend(scan.all_tables());
            queries.extend(scan.answers.iter().map(|answer| &*answer.query));
            if let Source::Query(inner) = &scan.source {
                queries.push(inner);
            }
        }
        if let Some(asked) = &query.asked {
            looked_up.extend(joined(&asked.rows.joins));
            queries.extend(asked.rows.answers.iter().map(|answer| &*answer.query));
        }
    }
    // From the last to the first, all users of one are known.
    for place in in_order(tables).into_iter().rev().filter(|place| tables[*place].is_derived()) {
        if read.contains(&place) {
            let table = &tables[place];
            let all: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
            columns.extend(table.inputs(tables, &all));
            looked_up.extend(table.selections().into_iter().flat_map(|rows| joined(&rows.joins)));
            read.extend(table.reads());
        }
    }
    let mut used: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
    for (table, column) in columns.into_iter().filter(|(table, _)| looked_up.contains(table)) {
        used.entry(table).or_default().insert(column.to_owned());
    }
    used
}

fn dictionary(
    place: usize,
    columns: &BTreeSet<String>,
    input: &Input,
    settings: &ClickhouseTarget,
    options: &Options,
) -> Option<Dictionary> {
    let table = &input.tables[place];
    if unable(table).is_some() {
        return None;
    }
    let key = table.clean.key.first()?.clone();
    let held = table.columns.iter().filter(|column| is_plain(&column.ty) && column.name != key);
    let attributes: Vec<String> =
        held.filter(|column| columns.contains(&column.name)).map(|column| column.name.clone()).collect();
    let of = version::name(&settings.database, &format!("clean_{}", table.name), options.clean_versions.get(place)?);
    let qualified = |name: &str| {
        let parts = [&settings.database, name].map(|part| CLICKHOUSE.identifier(part));
        sqlparser::ast::ObjectName::from(parts.to_vec())
    };
    let of = qualified(&of).to_string();
    let content = format!("{of} {key} {attributes:?} {}", settings.dictionaries.as_ref()?.lifetime);
    let name = version::name(&settings.database, &format!("dictionary_{}", table.name), &version::hash(&content));
    Some(Dictionary { name: format!("{}.{name}", settings.database), of, key, attributes, table: place })
}

/// The tables that streams may look up as rows arrive.
pub fn on_arrival(settings: &ClickhouseTarget, known: &[Dictionary]) -> Vec<usize> {
    let wanted = settings.dictionaries.as_ref().is_some_and(|of| of.on_arrival);
    if wanted { known.iter().map(|dictionary| dictionary.table).collect() } else { Vec::new() }
}

/// The file that makes them; nothing without any.
pub fn file(build: &Build, diagnostics: &mut Diagnostics) -> Option<File> {
    let known = &build.options.dictionaries;
    let lifetime = build.settings.dictionaries.as_ref()?.lifetime;
    if known.is_empty() {
        return None;
    }
    let origin = known.iter().map(|of| build.input.tables[of.table].name.clone()).collect();
    let what = "Dictionaries: entities that are looked up in memory (CH4)";
    let mut file = File::new("22_dictionaries.sql", what, origin);
    for of in known {
        let name = build.name(of.plain_name());
        let body = build.render("clickhouse/dictionary.sql", values(build, of, &name.to_string(), lifetime));
        check(build, &file.name, &body, diagnostics);
        file.add(body, vec![Object { kind: "DICTIONARY", name }]);
    }
    Some(file)
}

fn values(build: &Build, of: &Dictionary, name: &str, lifetime: i64) -> minijinja::Value {
    let table = &build.input.tables[of.table];
    let columns: Vec<&str> = std::iter::once(&of.key).chain(&of.attributes).map(String::as_str).collect();
    let view = build.versioned(&format!("clean_{}", table.name), &build.options.clean_versions[of.table]);
    let select = sql::same(view, &columns, &CLICKHOUSE).to_string();
    let identifier = |name: &str| CLICKHOUSE.identifier(name).to_string();
    let typed = |name: &str| {
        let column = table.columns.iter().find(|column| column.name == name);
        column.map(|column| source::type_name(&column.ty, build.input.zone)).unwrap_or_default()
    };
    let attributes: Vec<minijinja::Value> = of
        .attributes
        .iter()
        .map(|name| minijinja::context! { name => identifier(name), type => typed(name) })
        .collect();
    let seconds = (lifetime / 1000).max(1);
    minijinja::context! {
        name, key => identifier(&of.key), key_type => typed(&of.key), attributes,
        select => sql::quoted(&select, &CLICKHOUSE), least => (seconds / 2).max(1), most => seconds,
        about => format!("{}: what is looked up of it, at most {seconds} seconds old.", super::line(&table.name)),
        comment => build.comment(&format!("{} for look-ups", table.name)),
    }
}

/// The dictionaries that some rollups look up: a run begins with what entities are now.
pub fn of<'r>(build: &Build, rollups: impl Iterator<Item = &'r Rollup>) -> Vec<String> {
    let tables: BTreeSet<usize> = rollups.flat_map(|rollup| &rollup.joins).map(|join| join.table).collect();
    let known = build.options.dictionaries.iter().filter(|of| tables.contains(&of.table));
    known.map(|of| build.name(of.plain_name()).to_string()).collect()
}

/// For the manifest.
pub fn details(build: &Build) -> Json {
    let lifetime = build.settings.dictionaries.as_ref().map_or(0, |of| of.lifetime);
    let known = build.options.dictionaries.iter().map(|of| {
        json!({
            "entity": build.input.tables[of.table].name, "dictionary": build.name(of.plain_name()).to_string(),
            "attributes": of.attributes, "lifetime": lifetime / 1000,
        })
    });
    known.collect()
}

/// Measures of the look-ups of all sources: by day how many rows have a key, and how many of these keys no dictionary knows.
/// Where streams look up on arrival they are counted on arrival too.
pub fn measures(input: &Input, settings: &ClickhouseTarget, known: &[Dictionary]) -> Vec<MetricView> {
    let arrival = on_arrival(settings, known);
    let mut found: Vec<(usize, Vec<Join>, bool)> = Vec::new();
    for metric in &input.metrics {
        let streamed = metric.serve.iter().any(|serve| matches!(serve, Serve::Stream(_)));
        for scan in &metric.query.scans {
            let Some(place) = scan.table().filter(|place| is_timed(&input.tables[*place])) else { continue };
            let arrives = streamed && input.tables[place].clean.key.is_empty();
            for join in scan.joins.iter().filter(|join| known.iter().any(|of| of.table == join.table)) {
                let mut joins = Vec::new();
                let key = moved(&join.key, &scan.joins, &mut joins);
                joins.push(Join { key, ..join.clone() });
                let all_arrive = arrives && joins.iter().all(|join| arrival.contains(&join.table));
                match found.iter_mut().find(|(table, others, _)| *table == place && *others == joins) {
                    Some((.., arrives)) => *arrives |= all_arrive,
                    None => found.push((place, joins, all_arrive)),
                }
            }
        }
    }
    let Some(like) = input.metrics.first().map(|metric| &metric.query) else { return Vec::new() };
    found.into_iter().map(|(place, joins, arrives)| measure(like, place, joins, arrives)).collect()
}

fn is_timed(table: &Table) -> bool {
    table.origin == Origin::Stored && table.clean.time.is_some()
}

fn measure(like: &Query, place: usize, joins: Vec<Join>, arrives: bool) -> MetricView {
    let table = &like.tables[place];
    let (at, join) = (joins.len() - 1, &joins[joins.len() - 1]);
    let found = Expr {
        kind: ExprKind::Column { input: Of::Join(at), name: join.column.clone() },
        ty: join.key.ty.clone(),
        nullable: true,
    };
    let is = |function, of: Expr| Expr::call(function, vec![of], DataType::Bool, false);
    let has_key = is(Function::IsNotNull, join.key.clone());
    let is_unknown = is(Function::IsNull, found);
    let count = |filter| Measure { filter: Expr::all(filter), aggregate: Aggregate::CountRows, ty: DataType::Int };
    let measures = vec![count(vec![has_key.clone()]), count(vec![has_key, is_unknown])];
    let time = table.clean.time.as_ref().map(|name| Expr {
        kind: ExprKind::Column { input: Of::Base, name: name.clone() },
        ty: DataType::Timestamp,
        nullable: table.columns.iter().any(|column| column.name == *name && column.nullable),
    });
    let name = format!("unmapped__{}__{}", table.name, path(&join.key, &joins));
    let scan = Scan { joins, ..Scan::new(Source::Table(place), time, measures) };
    let id = |measure| MeasureId { scan: 0, measure };
    let of = |measure| Expr { kind: ExprKind::Measure(id(measure)), ty: DataType::Int, nullable: false };
    let output = |name: &str, formula: Expr| MetricOutput {
        column: OutputColumn { name: name.to_owned(), ty: formula.ty.clone(), nullable: formula.nullable, unit: None },
        formula,
        present: vec![id(0).into()],
        fill: None,
    };
    let share = Expr::call(Function::Divide, vec![of(1), of(0)], DataType::Float, true);
    let query = Query {
        step: Some(Step::Day),
        from: None,
        to: None,
        dimensions: Vec::new(),
        scans: vec![scan],
        metrics: vec![output("keys", of(0)), output("unmapped", of(1)), output("share", share)],
        order: Vec::new(),
        limit: None,
        ..like.clone()
    };
    MetricView {
        name,
        version: 1,
        current: true,
        title: Some("How many keys of a look-up are not known".to_owned()),
        step: Some(Step::Day),
        query,
        tier: None,
        serve: vec![if arrives { Serve::Stream(Step::Day) } else { Serve::Live }],
        about: crate::emit::About::default(),
        fingerprint: None,
        span: None,
    }
}

/// A key in words: the columns that lead to it.
fn path(key: &Expr, joins: &[Join]) -> String {
    match &key.kind {
        ExprKind::Column { input: Of::Base, name } => name.clone(),
        ExprKind::Column { input: Of::Join(at), name } => match joins.get(*at) {
            Some(join) => format!("{}__{name}", path(&join.key, joins)),
            None => name.clone(),
        },
        ExprKind::Literal(Value::String(text)) => text.clone(),
        _ => format!("key_{}", version::hash(&format!("{key:?}"))),
    }
}
