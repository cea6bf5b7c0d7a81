//! The question that the columns of an `expect` table ask.

use crate::ask;
use crate::diagnostic::Diagnostics;
use crate::error;
use crate::plan::{AskedStep, Question, column_name};
use crate::syntax::ast::Test;
use crate::types::{Grain, MetricId, Model, TableId, step_named};
use crate::value::Step;

/// The columns choose step and dimensions: `time`, `time@month`, dimensions, and the test's metrics.
pub fn question(model: &Model, test: &Test) -> Result<Question, Diagnostics> {
    let mut d = Diagnostics::new();
    let mut metrics: Vec<MetricId> = Vec::new();
    for (path, version) in &test.metrics {
        let name = match version {
            Some(version) => format!("{path} v{}", version.value),
            None => path.to_string(),
        };
        metrics.extend(ask::metric(model, &name, &mut d));
    }
    let mut question = Question::of(metrics);
    question.step = AskedStep::None;
    let mut shown: Vec<bool> = vec![false; question.metrics.len()];
    // Beside the bucket, a longer one is a part of it.
    let has_time = test.expect.header.iter().any(|column| column.value == "time");
    let mut reads: Vec<TableId> = question.metrics.iter().flat_map(|id| &model.facts[id.0].reads).copied().collect();
    reads.dedup();
    for (place, column) in test.expect.header.iter().enumerate() {
        let name = column.value.as_str();
        let metric = (question.metrics.iter()).position(|id| column_name(model, *id, &question.metrics) == name);
        if name == "time" {
            question.step = AskedStep::Step(step(model, &question.metrics, test, place));
        } else if let Some(step) = name.strip_prefix("time@").filter(|_| !has_time) {
            match step_named(&model.calendars, step).or_else(|| Step::parse(step)) {
                Some(step) => question.step = AskedStep::Step(step),
                None => d.push(error!(E0954, column.span, "`{step}` is not an output step";
                    help: "write `time@month`, `time@1h` or another step")),
            }
        } else if let Some(metric) = metric {
            shown[metric] = true;
        } else {
            let mut found = Diagnostics::new();
            question.by.extend(ask::by(model, &reads, name, &mut found));
            d.extend(
                found
                    .into_iter()
                    .map(|mut one| {
                        one.span = Some(column.span);
                        one
                    })
                    .collect(),
            );
        }
    }
    if !shown.contains(&true) {
        d.push(error!(E0958, test.expect.span, "the expected rows show none of the test's metrics";
            help: "add a column named like the metric"));
    }
    if d.has_errors() { Err(d) } else { Ok(question) }
}

/// The step of a `time` column: a cell `2026-11` is a month; a day has the metric's own step of a day or more, else a day; a
/// time of day has the metric's own step below a day, else an hour.
fn step(model: &Model, metrics: &[MetricId], test: &Test, column: usize) -> Step {
    let grains = || metrics.iter().flat_map(|id| &model.metrics[id.0].grain);
    let steps = |coarse: bool| {
        grains().filter_map(move |grain| match grain {
            Grain::Step(step) if matches!(step, Step::Subday(_)) != coarse => Some(*step),
            _ => None,
        })
    };
    let cells = test.expect.rows.iter().filter_map(|row| super::text(&row.get(column)?.value));
    let longest = cells.map(|text| text.len()).max().unwrap_or(10);
    match longest {
        0..=7 => Step::Month,
        8..=10 => steps(true).min().unwrap_or(Step::Day),
        _ => steps(false).min().unwrap_or(Step::Subday(3_600_000)),
    }
}
