//! The inlets of a warehouse: tables that take results of windows from another engine, and the views that make states of them.
//!
//! Engines deliver at least once. A result of a window is final and occurs once for its bucket, group and value, so what is
//! there already is left out, and only what is new is counted.

use sqlparser::ast::ObjectName;

use super::super::rollups::Made;
use super::super::{Build, File, Object, access, cluster, storage};
use super::key_type;
use crate::diagnostic::Diagnostics;
use crate::emit::streaming::{Inlet, Source, Window};
use crate::rollup::Rollup;
use crate::sql::stream::is_plain;
use crate::sql::{CLICKHOUSE, Calendar, Dialect, inlet};
use crate::value::time::DAY_MS;

/// For how long results are remembered, so that one which is brought again is known, in milliseconds.
const REMEMBERED: i64 = 7 * DAY_MS;

/// A rollup with its inlets.
pub fn window<'b>(build: &'b Build, at: usize, made: &Made) -> Option<Window<'b>> {
    let rollup = &build.rollups.rollups[at];
    let finest = made.steps.first()?;
    let name = Object { kind: "TABLE", name: finest.table.clone() }.plain_name();
    let calendar = Calendar { zone: build.input.zone, week_start: build.input.week_start };
    let states = CLICKHOUSE.states()?;
    let of = |state: Option<usize>| {
        let word = state.map_or_else(|| "plain".to_owned(), |at| format!("values{at}"));
        let columns = inlet::columns(rollup, state, key_type(finest.step)).into_iter();
        let columns = columns.map(|(name, ty, nullable)| (name, states.value_type(&ty, nullable, calendar)));
        let table = (build.settings.database.clone(), format!("{name}__{word}"));
        Inlet { table, state, columns: columns.collect() }
    };
    let plain = rollup.states.iter().any(is_plain).then(|| of(None));
    let values = rollup.states.iter().enumerate().filter(|(_, state)| !is_plain(state));
    let values = values.map(|(at, _)| of(Some(at))).collect();
    Some(Window { rollup, name, plain, values })
}

/// All inlets, with what fills rollups out of them.
pub fn file(build: &Build, sources: &[Source], diagnostics: &mut Diagnostics) -> File {
    let origin = sources.iter().map(|source| source.table.name.clone()).collect();
    let mut file = File::new("10_inlets.sql", "Where the results of windows come in", origin);
    for window in sources.iter().flat_map(|source| &source.windows) {
        let table = build.name(&window.name);
        for inlet in window.plain.iter().chain(&window.values) {
            add(build, window.rollup, inlet, &table, &mut file, diagnostics);
        }
    }
    file
}

fn add(build: &Build, rollup: &Rollup, of: &Inlet, into: &ObjectName, file: &mut File, diagnostics: &mut Diagnostics) {
    let calendar = Calendar { zone: build.input.zone, week_start: build.input.week_start };
    let plain = &of.table.1;
    let (table, known) = (build.name(plain), build.name(&format!("{plain}__known")));
    let (new_view, state_view) = (build.name(&format!("{plain}__new")), build.name(&format!("{plain}__mv")));
    let what = format!("an inlet of `{plain}`");
    let mut select = |made| super::super::read_back(build, &what, made, diagnostics);
    let new = select(Ok(inlet::new_results(rollup, of.state, &table, &known)));
    let states = select(inlet::states(rollup, of.state, &known, &CLICKHOUSE, calendar));
    let columns: Vec<_> = of.columns.iter().map(|(name, ty)| minijinja::context! { name, type => ty }).collect();
    let keys = of
        .columns
        .iter()
        .map(|(name, _)| name.as_str())
        .filter(|name| name.starts_with("_d") || ["_t", "_w", "_v"].contains(name));
    let values = minijinja::context! {
        table => table.to_string(), known => known.to_string(), new_view => new_view.to_string(), new,
        state_view => state_view.to_string(), states, rollup => into.to_string(), columns,
        order => keys.collect::<Vec<_>>().join(", "), engine => cluster::engine(build, "MergeTree"),
        settings => storage::settings(build, true).join(", "), days => REMEMBERED / DAY_MS, security => access::security(build, true),
        comment => build.comment(&match of.state {
            None => "results of windows".to_owned(),
            Some(at) => format!("values of {} in windows", format_args!("_s{at}")),
        }),
    };
    let text = build.render("streaming/inlet.sql", values);
    super::super::check(build, &what, &text, diagnostics);
    let tables = [table, known].map(|name| Object { kind: "TABLE", name });
    let views = [new_view, state_view].map(|name| Object { kind: "VIEW", name });
    file.add(text, tables.into_iter().chain(views).collect());
}
