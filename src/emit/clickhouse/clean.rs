//! One view a table: its clean rows, which all metrics of the table read.

use std::collections::BTreeSet;
use std::hash::Hash;
use std::sync::Arc;

use rayon::prelude::*;

use super::{Build, File, Object};
use crate::diagnostic::Diagnostics;
use crate::emit::name;
use crate::error;
use crate::plan::{Keep, Origin, Selection, Table, in_order};
use crate::sql::memo::Key;
use crate::sql::{self, CLICKHOUSE};

/// The views of all tables that a metric reads, also through others; each after those that it is made of.
pub fn views(build: &Build, diagnostics: &mut Diagnostics) -> Vec<File> {
    let tables = &build.input.tables;
    let mut used: BTreeSet<usize> = build.input.metrics.iter().flat_map(|metric| metric.query.all_tables()).collect();
    let order = in_order(tables);
    for place in order.iter().rev() {
        if used.contains(place) {
            used.extend(tables[*place].reads());
        }
    }
    let mut levels: Vec<usize> = vec![0; tables.len()];
    for place in order.into_iter().filter(|place| tables[*place].is_derived()) {
        levels[place] = 1 + tables[place].reads().map(|of| levels[of]).max().unwrap_or(0);
    }
    let mut used: Vec<usize> = used.into_iter().collect();
    used.sort_by_key(|place| levels[*place]);
    let made: Vec<(File, Diagnostics)> = used.par_iter().map(|table| view(build, *table, levels[*table])).collect();
    made.into_iter()
        .map(|(file, found)| {
            diagnostics.extend(found);
            file
        })
        .collect()
}

fn view(build: &Build, place: usize, level: usize) -> (File, Diagnostics) {
    let input = build.input;
    let table = &input.tables[place];
    let mut diagnostics = Diagnostics::new();
    let key = Key::new(|hasher| ("clean", build.shared, place).hash(hasher));
    let select = input.memo.statement(key, || {
        let select = sql::clean(&input.tables, input.zone, input.week_start, place, &CLICKHOUSE, &build.options);
        let select = sql::to_text(&select, &CLICKHOUSE);
        sql::reparse(&select, &CLICKHOUSE).map(|_| select)
    });
    let select = select.unwrap_or_else(|error| {
        diagnostics.push(error!(E0812, None, "the clean rows of `{}` do not read back: {error}", table.name));
        Arc::default()
    });
    let view = build.name(&format!("clean_{}", table.name)).to_string();
    let values = minijinja::context! { about => vec![rule(table, &input.tables)], view => view.as_str() };
    let body = super::with_select(build, &view, "clickhouse/view.sql", values, &select, &mut diagnostics);
    let safe = name::file(&table.name);
    let file = File {
        // What is derived is numbered by how many tables it stands on, so that the order of names is that of application.
        name: if level == 0 { format!("20_clean_{safe}.sql") } else { format!("25_derived_{level:02}_{safe}.sql") },
        what: format!("The clean rows of {}", table.name),
        body,
        origin: vec![table.name.clone()],
        objects: vec![Object { kind: "VIEW", name: view }],
    };
    (file, diagnostics)
}

/// In words: which rows are clean.
fn rule(table: &Table, tables: &[Table]) -> String {
    let of = |rows: &Selection| tables[rows.table].name.as_str();
    let stored = match &table.origin {
        Origin::Stored => table,
        Origin::Raw(of) => return format!("The rows of {} as they came", tables[*of].name),
        Origin::FirstOf(first) => {
            let keys = if first.keys.len() == 1 {
                "key".to_owned()
            } else {
                format!("combination of {} keys", first.keys.len())
            };
            return format!("The first row of {} for each {keys}", of(&first.rows));
        }
        Origin::Union { members, .. } => {
            let names: Vec<&str> = members.iter().map(|member| of(&member.rows)).collect();
            return format!("The rows of {}", names.join(", "));
        }
        Origin::Session(session) => {
            return format!("Sessions of {}: a pause longer than {} ms ends one", of(&session.rows), session.gap);
        }
    };
    stored_rule(stored)
}

fn stored_rule(table: &Table) -> String {
    let key = table.identity().collect::<Vec<_>>().join(", ");
    let kept = match &table.clean.keep {
        _ if table.clean.key.is_empty() => "every row".to_owned(),
        Keep::Latest(by) => format!("one row a {key}: the one with the latest {by}"),
        Keep::Earliest => match &table.clean.time {
            Some(time) => format!("one row a {key}: the one with the earliest {time}"),
            None => format!("one row a {key}: the smallest"),
        },
    };
    let time = table.clean.time.as_ref().map(|time| format!(", without those that have no {time}"));
    format!("Clean rows: {kept}{}", time.unwrap_or_default())
}
