//! From the model to what targets are given.

use std::collections::BTreeSet;
use std::sync::Arc;

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::caliber::moved;
use crate::compile::{self, Compiled};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::plan::{AskedStep, Lowering, Question};
use crate::project::Project;
use crate::rollup::Statistics;
use crate::sql::memo::Memo;
use crate::types::{self, Grain, MetricId, Model, family};

use super::{About, Beside, Input, MetricView, Told, Upkeep, alerts, grafana};

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
    // One that goes to nobody is made by whoever wants it.
    let delivered = model.reports.iter().filter(|report| !report.deliver.is_empty());
    let reports = delivered.map(|report| told(model, report)).collect();
    let qualities = super::ruled::ruled(&lowering, &mut diagnostics);
    let alerts = alerts::given(model, &lowering, &mut diagnostics);
    let boards = grafana::given(model, &mut diagnostics);
    let tables = Arc::clone(&lowering.tables);
    let upkeep = model.tables.iter().map(upkeep).collect();
    let (zone, week_start) = (model.zone, model.week_start);
    let statistics = Statistics::default();
    let (changes, memo) = (Vec::new(), Memo::default());
    let made = Input {
        tables,
        upkeep,
        statistics,
        zone,
        week_start,
        metrics,
        alerts,
        changes,
        qualities,
        reports,
        boards,
        memo,
    };
    (made, diagnostics)
}

/// The same of a project, with the other program of each change of which both versions can be built.
pub fn with_changes(project: &Project, compiled: &Compiled) -> (Input, Diagnostics) {
    let (mut all, mut diagnostics) = input(&compiled.model);
    for view in &mut all.metrics {
        // A comparison has no formula of its own.
        let declared =
            compiled.model.metrics.iter().find(|one| one.name.value == view.name && one.version == view.version);
        let span = declared.map(|metric| metric.formula.span);
        view.about.formula =
            span.map(|span| project.sources.text(span).split_whitespace().collect::<Vec<_>>().join(" "));
    }
    for change in compiled.model.changes.iter().filter(|change| change.beside) {
        let (other, found) = compile::other(project, change);
        if found.has_errors() {
            diagnostics.extend(found);
            continue;
        }
        let moved = moved(compiled, &other).into_iter();
        let moved: BTreeSet<String> =
            moved.map(|(now, _)| family(&compiled.model.metrics[now.0].name).to_owned()).collect();
        // Two versions that mean the same need nothing beside each other.
        if moved.is_empty() {
            continue;
        }
        let (input, found) = input(&other.model);
        // What has no plan in both programs has been told.
        let known = |one: &Diagnostic| diagnostics.iter().any(|other| other == one);
        let found: Diagnostics = found.into_iter().filter(|one| !known(one)).collect();
        diagnostics.extend(found);
        all.changes.push(Beside { change: change.clone(), input, moved });
    }
    (all, diagnostics)
}

fn told(model: &Model, report: &types::Report) -> Told {
    let metrics = report.metrics.iter().chain(report.structure.iter().map(|(metric, _)| metric));
    let mut names: Vec<String> = Vec::new();
    for name in metrics.map(|metric| &model.metrics[metric.0].name.value) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    Told {
        name: report.name.value.clone(),
        title: report.title.clone().or_else(|| report.title_en.clone()),
        owner: report.owner.clone(),
        minutes: report.at.minutes,
        every: report.every,
        metrics: names,
    }
}

fn upkeep(table: &types::Table) -> Upkeep {
    Upkeep {
        arrived: table.arrived.map(|column| table.columns[column].name.value.clone()),
        lateness: table.lateness,
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
                about: About { owner: metric.owner.clone(), formula: None },
                fingerprint: None,
                span: Some(metric.name.span),
            }),
            Err(found) => diagnostics.extend(found),
        }
    }
    (made, diagnostics)
}
