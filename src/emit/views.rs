//! From the model to what targets are given.

use std::sync::Arc;

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::diagnostic::Diagnostics;
use crate::plan::{AskedStep, Lowering, Question};
use crate::rollup::Statistics;
use crate::sql::memo::Memo;
use crate::types::{self, Grain, MetricId, Model, family};

use super::{Input, MetricView, Upkeep};

/// Every metric of a model at each of its default steps, by its default dimensions; what has no plan is told.
pub fn input(model: &Model) -> (Input, Diagnostics) {
    let lowering = Lowering::new(model);
    let meant = model.meant_versions();
    let made: Vec<(Vec<MetricView>, Diagnostics)> =
        (0..model.metrics.len()).into_par_iter().map(|at| views(&lowering, MetricId(at), &meant)).collect();
    let mut diagnostics = Diagnostics::new();
    let mut metrics = Vec::with_capacity(made.len());
    for (views, found) in made {
        metrics.extend(views);
        diagnostics.extend(found);
    }
    let tables = Arc::clone(&lowering.tables);
    let upkeep = model.tables.iter().map(upkeep).collect();
    let (zone, week_start) = (model.zone, model.week_start);
    let statistics = Statistics::default();
    (Input { tables, upkeep, statistics, zone, week_start, metrics, memo: Memo::default() }, diagnostics)
}

fn upkeep(table: &types::Table) -> Upkeep {
    Upkeep {
        arrived: table.arrived.map(|column| table.columns[column].name.value.clone()),
        revised: table.revised,
        retain: table.retain,
        topic: table.stream.as_ref().map(|stream| stream.topic.clone()),
    }
}

/// The views of a metric; `meant` has the version that each name alone means.
fn views(lowering: &Lowering<'_>, id: MetricId, meant: &FxHashMap<&str, u32>) -> (Vec<MetricView>, Diagnostics) {
    let metric = &lowering.model.metrics[id.0];
    let mut diagnostics = Diagnostics::new();
    let mut made = Vec::new();
    // A shift or rate has no value without a bucket: such a metric is asked at a step, and has no view of all time.
    let facts = &lowering.model.facts[id.0];
    let needs_step = facts.needs_buckets || !facts.shifts.is_empty();
    for grain in metric.grain.iter().filter(|grain| **grain != Grain::Total || !needs_step) {
        let (step, asked) = match grain {
            Grain::Step(step) => (Some(*step), AskedStep::Step(*step)),
            Grain::Total => (None, AskedStep::None),
        };
        let question = Question { step: asked, by: metric.by.clone(), ..Question::of(vec![id]) };
        match lowering.lower(&question) {
            Ok(query) => made.push(MetricView {
                name: metric.name.value.clone(),
                version: metric.version,
                current: meant.get(family(&metric.name)) == Some(&metric.version),
                title: metric.title.clone().or_else(|| metric.doc.clone()),
                step,
                query,
                tier: metric.tier,
                serve: metric.serve.clone(),
                fingerprint: None,
                span: Some(metric.name.span),
            }),
            Err(found) => diagnostics.extend(found),
        }
    }
    (made, diagnostics)
}
