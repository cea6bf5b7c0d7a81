//! From the model to what targets are given.

use std::sync::Arc;

use rayon::prelude::*;

use crate::diagnostic::Diagnostics;
use crate::plan::{AskedStep, Lowering, Question};
use crate::types::{self, Grain, MetricId, Model};

use super::{Input, MetricView, Upkeep};

/// Every metric of a model at each of its default steps, by its default dimensions; what has no plan is told.
pub fn input(model: &Model) -> (Input, Diagnostics) {
    let lowering = Lowering::new(model);
    let made: Vec<(Vec<MetricView>, Diagnostics)> =
        (0..model.metrics.len()).into_par_iter().map(|at| views(&lowering, MetricId(at))).collect();
    let mut diagnostics = Diagnostics::new();
    let mut metrics = Vec::with_capacity(made.len());
    for (views, found) in made {
        metrics.extend(views);
        diagnostics.extend(found);
    }
    let tables = Arc::clone(&lowering.tables);
    let upkeep = model.tables.iter().map(upkeep).collect();
    (Input { tables, upkeep, zone: model.zone, week_start: model.week_start, metrics }, diagnostics)
}

fn upkeep(table: &types::Table) -> Upkeep {
    Upkeep {
        arrived: table.arrived.map(|column| table.columns[column].name.value.clone()),
        revised: table.revised,
        retain: table.retain,
    }
}

fn views(lowering: &Lowering<'_>, id: MetricId) -> (Vec<MetricView>, Diagnostics) {
    let metric = &lowering.model.metrics[id.0];
    let mut diagnostics = Diagnostics::new();
    let newest = lowering.model.metrics.iter().filter(|other| other.name.value == metric.name.value);
    let newest = newest.map(|other| other.version).max();
    let mut made = Vec::new();
    for grain in &metric.grain {
        let (step, asked) = match grain {
            Grain::Step(step) => (Some(*step), AskedStep::Step(*step)),
            Grain::Total => (None, AskedStep::None),
        };
        let question = Question { step: asked, by: metric.by.clone(), ..Question::of(vec![id]) };
        match lowering.lower(&question) {
            Ok(query) => made.push(MetricView {
                name: metric.name.value.clone(),
                version: metric.version,
                current: newest == Some(metric.version),
                title: metric.title.clone().or_else(|| metric.doc.clone()),
                step,
                query,
                serve: metric.serve.clone(),
                fingerprint: None,
                span: Some(metric.name.span),
            }),
            Err(found) => diagnostics.extend(found),
        }
    }
    (made, diagnostics)
}
