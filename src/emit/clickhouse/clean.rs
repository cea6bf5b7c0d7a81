//! One view a table: its clean rows, which all metrics of the table read.

use std::collections::BTreeSet;
use std::hash::Hash;
use std::sync::Arc;

use rayon::prelude::*;

use super::{Build, File, Object};
use crate::diagnostic::Diagnostics;
use crate::emit::name;
use crate::error;
use crate::plan::{Keep, Table};
use crate::sql::memo::Key;
use crate::sql::{self, CLICKHOUSE};

/// The views of all tables that a metric reads.
pub fn views(build: &Build, diagnostics: &mut Diagnostics) -> Vec<File> {
    let used: BTreeSet<usize> =
        build.input.metrics.iter().flat_map(|metric| &metric.query.scans).flat_map(|scan| scan.tables()).collect();
    let used: Vec<usize> = used.into_iter().collect();
    let made: Vec<(File, Diagnostics)> = used.par_iter().map(|table| view(build, *table)).collect();
    made.into_iter()
        .map(|(file, found)| {
            diagnostics.extend(found);
            file
        })
        .collect()
}

fn view(build: &Build, place: usize) -> (File, Diagnostics) {
    let input = build.input;
    let table = &input.tables[place];
    let mut diagnostics = Diagnostics::new();
    let key = Key::new(|hasher| ("clean", build.shared, place).hash(hasher));
    let select = input.memo.statement(key, || {
        let select = sql::clean(&input.tables, input.zone, input.week_start, place, &CLICKHOUSE);
        let select = sql::to_text(&select, &CLICKHOUSE);
        sql::reparse(&select, &CLICKHOUSE).map(|_| select)
    });
    let select = select.unwrap_or_else(|error| {
        diagnostics.push(error!(E0812, None, "the clean rows of `{}` do not read back: {error}", table.name));
        Arc::default()
    });
    let view = build.name(&format!("clean_{}", table.name)).to_string();
    let values = minijinja::context! { about => vec![rule(table)], view => view.as_str() };
    let body = super::with_select(build, &view, "clickhouse/view.sql", values, &select, &mut diagnostics);
    let file = File {
        name: format!("20_clean_{}.sql", name::file(&table.name)),
        what: format!("The clean rows of {}", table.name),
        body,
        origin: vec![table.name.clone()],
        objects: vec![Object { kind: "VIEW", name: view }],
    };
    (file, diagnostics)
}

/// In words: which rows are clean.
fn rule(table: &Table) -> String {
    let key = table.clean.key.join(", ");
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
