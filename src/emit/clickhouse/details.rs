//! What the manifest tells of a target.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde_json::{Map, Value, json};

use super::metric::ServedView;
use super::rollups::{Made, MadeStep};
use super::{Build, File, readers};
use crate::emit::MetricView;
use crate::plan::stored_columns;
use crate::rollup::{self, Layer, Reason, Rollup, Served, Use, Way};

/// Settings that inserts need so that a retried block counts once everywhere (CH1). Their defaults moved between releases.
const INSERT_SETTINGS: &[(&str, u8)] = &[
    ("async_insert", 0),
    ("deduplicate_blocks_in_dependent_materialized_views", 1),
    ("insert_deduplicate", 1),
    ("materialized_views_squash_parallel_inserts", 0),
];

/// Order of application, rollups, and for each metric what serves it.
pub fn details(build: &Build, files: &[File], made: &[Made], served: &[ServedView]) -> Value {
    let order: Vec<String> = files.iter().map(|file| build.path(&file.name)).collect();
    let metrics = build.input.metrics.par_iter().zip(served).zip(&build.rollups.served);
    let mut metrics: Vec<Value> =
        metrics.map(|((metric, view), how)| of_metric(build, metric, view, how, made)).collect();
    let measures = metrics.split_off(build.own);
    json!({
        "kind": "clickhouse",
        "order": order,
        "insert_settings": insert_settings(),
        "rollups": rollups(build, made),
        "insert_fan_out": fan_out(build),
        "metrics": metrics,
        "look_ups": measures,
    })
}

/// The settings that inserts need.
pub fn insert_settings() -> Map<String, Value> {
    INSERT_SETTINGS.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect()
}

fn of_metric(build: &Build, metric: &MetricView, view: &ServedView, how: &Served, made: &[Made]) -> Value {
    let tables = &build.input.tables;
    let mut reads: Map<String, Value> = Map::new();
    for (table, column) in stored_columns(tables, &metric.query.scans) {
        let list = reads.entry(tables[table].name.clone()).or_insert_with(|| json!([]));
        if let Value::Array(list) = list {
            list.push(json!(column));
        }
    }
    let dimensions: Vec<&str> = metric.query.dimensions.iter().map(|dimension| dimension.name.as_str()).collect();
    let mut found = Map::new();
    found.insert("name".to_owned(), json!(metric.name));
    found.insert("version".to_owned(), json!(metric.version));
    found.insert("step".to_owned(), json!(metric.grain()));
    found.insert("dimensions".to_owned(), json!(dimensions));
    let name = if metric.current { readers::stable(metric) } else { readers::pinned(metric) };
    found.insert("view".to_owned(), json!(build.name(&name).to_string()));
    found.insert("made".to_owned(), json!(view.view.to_string()));
    found.insert("fingerprint".to_owned(), json!(view.fingerprint));
    found.insert("reads".to_owned(), Value::Object(reads));
    let table = |of: &Use| Some(made.get(of.rollup)?.steps.get(of.step)?.table.to_string());
    let mut from: Vec<String> = Vec::new();
    for layer in &how.layers {
        if let Layer::Rolled(uses) = layer {
            from.extend(uses.iter().filter_map(table));
        }
    }
    found.insert("rollups".to_owned(), json!(from));
    if build.is_as_of_ingestion(how) {
        found.insert("attributes".to_owned(), json!("as of ingestion"));
    }
    let refused = how.refused.iter();
    let refused: Vec<Value> =
        refused.map(|(serving, reason)| json!({ "serve": serving.text(), "because": reason.text() })).collect();
    if !refused.is_empty() {
        found.insert("not_served".to_owned(), json!(refused));
    }
    Value::Object(found)
}

/// The rollups, a row a step.
pub fn rollups(build: &Build, made: &[Made]) -> Value {
    let all = &build.rollups.rollups;
    let finest = |made: &Made| made.steps.first().map_or_else(String::new, |step| step.table.to_string());
    let names: Vec<String> = made.iter().map(finest).collect();
    let reasons = |at: usize| rollup::reasons(all, at, &names, &build.statistics, &build.input.tables);
    let of = |(at, made): (usize, &Made)| {
        let (rollup, reasons) = (&all[at], reasons(at));
        let steps = made.steps.iter().enumerate();
        steps.map(|(step, made)| of_step(build, Use { rollup: at, step }, rollup, made, &reasons)).collect::<Vec<_>>()
    };
    made.iter().enumerate().flat_map(of).collect()
}

fn of_step(build: &Build, place: Use, rollup: &Rollup, made: &MadeStep, reasons: &[String]) -> Value {
    let (way, because): (&str, Option<Reason>) = match rollup.way {
        Way::Added if place.step == 0 => ("added", None),
        Way::Fed if place.step == 0 => ("fed", None),
        Way::Added | Way::Fed => ("cascaded", None),
        Way::Rebuilt(reason) => ("rebuilt", Some(reason)),
        Way::Batched(cadence) => (cadence.word(), None),
    };
    let filler = if matches!(rollup.way, Way::Batched(_)) { "staging" } else { "view" };
    let states = rollup.states.iter().enumerate();
    let states: Vec<Value> = states
        .map(|(at, state)| json!({ "column": format!("_s{at}"), "keeps": rollup::text_of_state(state, &rollup.joins) }))
        .collect();
    let mut about = json!({
        // The steps of one follow from each other and keep the same.
        "rollup": place.rollup,
        "source": build.input.tables[rollup.table].name,
        "step": made.step.text(),
        "dimensions": rollup.dimensions.iter().map(|dimension| &dimension.name).collect::<Vec<_>>(),
        "table": made.table.to_string(),
        "filled": way,
        "because": because.map(Reason::text),
        "kept_days": made.kept,
        "states": states,
        "serves": serves(build, place),
        "reasons": reasons,
    });
    if let Some(estimate) = build.statistics.estimate(rollup, made.step, &build.input.tables) {
        let known = build.statistics.rows_a_day(rollup.table).is_some();
        let rows = if known { "rows_a_day" } else { "rows_a_day_at_most" };
        about[rows] = json!(estimate.rows_a_day.round());
        about["bytes_a_day"] = json!(estimate.bytes_a_day.map(f64::round));
    }
    // What fills the finest step of a stream is of the stream.
    if rollup.way != Way::Fed || place.step > 0 {
        about[filler] = json!(made.filler.to_string());
    }
    about
}

/// The metrics that read a step of a rollup, with their steps.
fn serves(build: &Build, place: Use) -> Vec<String> {
    let reads = |served: &Served| {
        served.layers.iter().any(|layer| matches!(layer, Layer::Rolled(uses) if uses.contains(&place)))
    };
    let served = build.input.metrics.iter().zip(&build.rollups.served).filter(|(_, served)| reads(served));
    served.map(|(metric, _)| metric.label()).collect()
}

/// How many rollups each block of rows that is inserted into a source goes through at once, where there are some.
fn fan_out(build: &Build) -> Map<String, Value> {
    let mut views: BTreeMap<&str, usize> = BTreeMap::new();
    for rollup in build.rollups.rollups.iter().filter(|rollup| matches!(rollup.way, Way::Added | Way::Fed)) {
        *views.entry(&build.input.tables[rollup.table].name).or_default() += rollup.steps.len();
    }
    views.into_iter().map(|(source, count)| (source.to_owned(), json!(count))).collect()
}
