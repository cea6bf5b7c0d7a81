//! What is asked of a source: the values of one metric of one program.

use crate::ask::{self, Asked};
use crate::cli::Stop;
use crate::cli::ready::Ready;
use crate::compile::Compiled;
use crate::plan::{Aggregate, ExprKind, Lowering, Query};
use crate::types::{Grain, MetricId};
use crate::value::Step;

use super::Args;

/// A program: the project as it is, or with a change in its other stage.
pub struct Program<'a> {
    /// As understood.
    pub compiled: &'a Compiled,
    /// What ends the names of its views in a target, beside the project's own: `dau_v2`.
    pub beside: Option<String>,
}

/// The values of a metric, by bucket and dimensions.
pub struct Wanted<'p> {
    /// Of which program.
    pub program: &'p Program<'p>,
    /// The metric there.
    pub metric: MetricId,
    /// Its plan.
    pub query: Query,
    /// Only buckets that begin at this instant or later.
    pub from: Option<i64>,
    /// Only buckets that begin before this instant.
    pub to: Option<i64>,
}

/// By which names dimensions and the step are asked for; those of the project's metric where nothing is said.
#[derive(Clone, Debug)]
pub struct Cut {
    /// The step.
    pub step: String,
    /// The dimensions.
    pub by: Vec<String>,
}

impl Cut {
    /// That of a metric and the command line.
    pub fn of(program: &Program, metric: MetricId, args: &Args) -> Cut {
        let model = &program.compiled.model;
        let metric = &model.metrics[metric.0];
        let step = args.step.clone().unwrap_or_else(|| judged_by(&metric.grain));
        let by = match args.by.as_slice() {
            [] => metric.by.iter().map(|by| by.name(&model.dimensions)).collect(),
            [none] if none == "none" => Vec::new(),
            names => names.to_vec(),
        };
        Cut { step, by }
    }
}

/// The step by which a metric of these grains is judged: the coarsest one of a day at most, so that each day has a verdict; else the finest.
fn judged_by(grains: &[Grain]) -> String {
    let steps = || {
        grains.iter().filter_map(|grain| match grain {
            Grain::Step(step) => Some(*step),
            Grain::Total => None,
        })
    };
    let within_a_day = steps().rfind(|step| matches!(step, Step::Subday(_) | Step::Day));
    within_a_day.or_else(|| steps().next()).map_or_else(|| "none".to_owned(), Step::text)
}

impl<'p> Wanted<'p> {
    /// The values of a metric; everything that is wrong with the question otherwise.
    pub fn of(
        program: &'p Program<'p>,
        metric: MetricId,
        cut: &Cut,
        args: &Args,
        ready: &Ready,
    ) -> Result<Wanted<'p>, Stop> {
        let model = &program.compiled.model;
        let declared = &model.metrics[metric.0];
        let asked = Asked {
            metrics: vec![format!("{} v{}", declared.name.value, declared.version)],
            step: Some(cut.step.clone()),
            by: cut.by.clone(),
            from: args.from.clone(),
            to: args.to.clone(),
            ..Asked::default()
        };
        let mut sources = ready.project.sources.clone();
        let question = ask::question(model, &asked, &mut sources);
        let planned =
            question.and_then(|question| Ok((Lowering::new(model).lower(&question)?, question.from, question.to)));
        let (query, from, to) = planned.map_err(|found| Stop::found(&ready.project, found))?;
        let from = from.map(|from| query.step.map_or(from, |step| step.bucket(from, query.zone, query.week_start)));
        Ok(Wanted { program, metric, query, from, to })
    }

    /// Whether the values of slices add up to the total: counts and sums do.
    pub fn is_additive(&self) -> bool {
        let [metric] = self.query.metrics.as_slice() else { return false };
        let ExprKind::Measure(_) = &metric.formula.kind else { return false };
        self.aggregates()
            .all(|aggregate| matches!(aggregate, Aggregate::CountRows | Aggregate::Count(_) | Aggregate::Sum(_)))
    }

    /// The relative error of an estimate in it. That of a quantile is not known beforehand.
    pub fn error(&self) -> Option<f64> {
        // 2^17 registers of HyperLogLog.
        const OF_DISTINCT: f64 = 0.002;
        self.aggregates().any(|aggregate| matches!(aggregate, Aggregate::ApproxDistinct(_))).then_some(OF_DISTINCT)
    }

    fn aggregates(&self) -> impl Iterator<Item = &Aggregate> {
        self.query.scans.iter().flat_map(|scan| &scan.measures).map(|measure| &measure.aggregate)
    }

    /// For how many milliseconds rows of what it reads may come late.
    pub fn lateness(&self) -> i64 {
        let model = &self.program.compiled.model;
        let reads = model.facts[self.metric.0].reads.iter();
        reads.filter_map(|table| model.table(*table).lateness).max().unwrap_or(0)
    }

    /// Whether a bucket is asked for.
    pub fn holds(&self, bucket: Option<i64>) -> bool {
        let Some(bucket) = bucket else { return true };
        self.from.is_none_or(|from| bucket >= from) && self.to.is_none_or(|to| bucket < to)
    }
}
