//! What the manifest tells of a target.

use rayon::prelude::*;
use serde_json::{Map, Value, json};

use super::metric::ServedView;
use super::rollups::Made;
use super::{Build, File, readers};
use crate::emit::MetricView;
use crate::plan::stored_columns;
use crate::rollup::{Layer, Reason, Served, Use, Way};

/// Settings that inserts need so that a retried block counts once everywhere (CH1). Their defaults moved between releases.
const INSERT_SETTINGS: &[(&str, u8)] = &[
    ("async_insert", 0),
    ("deduplicate_blocks_in_dependent_materialized_views", 1),
    ("insert_deduplicate", 1),
    ("materialized_views_squash_parallel_inserts", 0),
];

/// Order of application, rollups, and for each metric what serves it.
pub fn details(build: &Build, files: &[File], made: &[Made], served: &[ServedView]) -> Value {
    let folder = crate::emit::name::file(build.target);
    let order: Vec<String> = files.iter().map(|file| format!("{folder}/{}", file.name)).collect();
    let metrics = build.input.metrics.par_iter().zip(served).zip(&build.rollups.served);
    let mut metrics: Vec<Value> =
        metrics.map(|((metric, view), how)| of_metric(build, metric, view, how, made)).collect();
    let measures = metrics.split_off(build.own);
    let settings: Map<String, Value> =
        INSERT_SETTINGS.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    json!({
        "kind": "clickhouse",
        "order": order,
        "insert_settings": settings,
        "rollups": rollups(build, made),
        "metrics": metrics,
        "look_ups": measures,
    })
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
    if let Some(reason) = how.because {
        found.insert("live_because".to_owned(), json!(reason.text()));
    }
    Value::Object(found)
}

fn rollups(build: &Build, made: &[Made]) -> Value {
    let mut found = Vec::new();
    for (rollup, made) in build.rollups.rollups.iter().zip(made) {
        for (at, step) in made.steps.iter().enumerate() {
            let (way, because): (&str, Option<Reason>) = match rollup.way {
                Way::Added if at == 0 => ("added", None),
                Way::Added => ("cascaded", None),
                Way::Rebuilt(reason) => ("rebuilt", Some(reason)),
                Way::Batched(cadence) => (cadence.word(), None),
            };
            let filler = if matches!(rollup.way, Way::Batched(_)) { "staging" } else { "view" };
            let mut about = json!({
                "source": build.input.tables[rollup.table].name,
                "step": step.step.text(),
                "dimensions": rollup.dimensions.iter().map(|dimension| &dimension.name).collect::<Vec<_>>(),
                "table": step.table.to_string(),
                "filled": way,
                "because": because.map(Reason::text),
            });
            about[filler] = json!(step.filler.to_string());
            found.push(about);
        }
    }
    json!(found)
}
