//! Charts of metrics over sample data.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::cli::ready::Ready;
use crate::cli::{Context, Stop, ui};
use crate::dry_run::{Data, DryRun, Options};
use crate::plan::{Lowering, Query, Question};
use crate::table::plot;
use crate::types::MetricId;

/// A chart of each declared metric whose tables all have samples: over time at its own coarsest step, without dimensions.
///
/// What can't be read or has no number has no chart; how many these are is told.
pub fn of_samples(ready: &Ready, context: &Context) -> Result<FxHashMap<MetricId, String>, Stop> {
    let model = &ready.compiled.model;
    let folder = ready.project.root.join(&ready.project.config.samples);
    let mut charts = FxHashMap::default();
    if !folder.is_dir() {
        context.note("there are no charts: the project has no samples");
        return Ok(charts);
    }
    let queries = planned(ready);
    let told = |found| Stop::found(&ready.project, found);
    // A row that is not right is left out: a site is no place to tell of it.
    let mut dry_run = DryRun::new(Options { lenient: true, ..Options::new(model.zone) }).map_err(told)?;
    let tables: FxHashSet<usize> = queries.iter().flat_map(|(_, query)| query.stored_tables()).collect();
    let mut tables: Vec<usize> = tables.into_iter().collect();
    tables.sort_unstable();
    let bar = ui::Progress::start("reading samples", (tables.len() + queries.len()) as u64, context.options.quiet);
    let mut read = FxHashSet::default();
    if let Some((_, query)) = queries.first() {
        for place in tables {
            let table = &query.tables[place];
            if table.sample.is_some() && dry_run.register(table, &Data::Samples(&folder)).is_ok() {
                read.insert(place);
            }
            bar.step();
        }
    }
    let total = queries.len();
    for (id, query) in queries {
        let title = &model.metrics[id.0].name.value;
        if query.stored_tables().iter().all(|table| read.contains(table)) {
            // What has no answer or no number in it has no chart.
            let answer = dry_run.run(&query).ok();
            charts.extend(answer.and_then(|answer| plot::plot(&answer, title).ok()).map(|chart| (id, chart)));
        }
        bar.step();
    }
    drop(bar);
    if charts.len() < total {
        context.note(&format!("{} of {total} metrics have a chart over the samples", charts.len()));
    }
    Ok(charts)
}

/// The question of each chart; all plans share their tables.
fn planned(ready: &Ready) -> Vec<(MetricId, Query)> {
    let model = &ready.compiled.model;
    let lowering = Lowering::new(model);
    let declared = model.metrics.iter().enumerate().filter(|(_, metric)| !metric.name.value.contains('.'));
    declared
        .filter_map(|(place, _)| {
            let id = MetricId(place);
            Some((id, lowering.lower(&Question::of(vec![id])).ok()?))
        })
        .collect()
}
