//! The questions of an exporter.

use crate::alerting::looked_from;
use crate::emit::alerts::{self, Apart, Fresh, Given, Objective, Part, Parts, Series};
use crate::plan::{AskedStep, Question};
use crate::project::AlertsTarget;
use crate::types::{By, DimensionId, MetricId, Model, TableId, Way};
use crate::value::Step;
use crate::value::time::DAY_MS;

/// All questions for the series of a project's alerts and objectives.
#[derive(Clone, Debug)]
pub struct Exports {
    /// The model, with the parts of objectives behind its own metrics.
    pub model: Model,
    /// The questions.
    pub statements: Vec<Statement>,
}

/// A question that is asked again and again: some metrics over their last complete bucket, by some dimensions, or the newest row.
#[derive(Clone, Debug)]
pub struct Statement {
    /// What people call it, and no other one: `tasks, rate 1m by feature`, `gmv and 4 more 1d`, `rate_ok over 30d`.
    pub name: String,
    /// The metrics; those of one question read the same tables.
    pub metrics: Vec<MetricId>,
    /// The step of the bucket, or that with which a window ends.
    pub step: Step,
    /// The dimensions.
    pub by: Vec<DimensionId>,
    /// The length of a window, in milliseconds, in place of one bucket.
    pub window: Option<i64>,
    /// The series of each metric.
    pub shown: Vec<Shown>,
    /// The labels of dimensions, in their order.
    pub labels: Vec<String>,
    /// The labels of the series that tell when the bucket ended.
    pub ends: Vec<Vec<(String, String)>>,
    /// What is asked for.
    pub asks: Asks,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub enum Asks {
    /// The values of the metrics.
    Values,
    /// The newest row of a source, in place of values.
    Newest(Box<Fresh>),
    /// How far two ways are apart that the metric is served in.
    Apart([Way; 2]),
}

/// A series as Prometheus knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Its name.
    pub name: String,
    /// Its labels, but for those of its group.
    pub labels: Vec<(String, String)>,
}

/// From an instant up to another one, in milliseconds since 1970 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// The first instant.
    pub start: i64,
    /// The first instant behind it.
    pub end: i64,
}

/// The questions for all series of a project's alerts and objectives, each series once. Metrics share a question where they have
/// step, dimensions and tables in common: a table that is missing takes no others along.
pub fn exports(model: &Model, given: &Given) -> Exports {
    let parts = Parts::of(model);
    let mut statements: Vec<Statement> = Vec::new();
    for watched in &given.alerts {
        let alert = &watched.alert;
        let volume = alert.volume.as_ref().map(|volume| volume.metric).zip(watched.volume.as_ref());
        for (metric, series) in std::iter::once((alert.metric, &watched.series)).chain(volume) {
            add(&mut statements, model, metric, &alert.by, series);
        }
    }
    for statement in statements.iter_mut().filter(|statement| matches!(statement.asks, Asks::Values)) {
        statement.name = name(model, statement);
    }
    statements.extend(given.apart.iter().map(apart));
    statements.extend(given.fresh.iter().map(newest));
    for (objective, (part, total)) in given.slos.iter().zip(&parts.of) {
        statements.extend(windows(objective, vec![*part, *total]));
    }
    Exports { model: parts.model, statements }
}

fn add(statements: &mut Vec<Statement>, model: &Model, metric: MetricId, by: &[DimensionId], series: &Series) {
    let reads = |of: MetricId| -> &[TableId] { &model.facts[of.0].reads };
    let selection = series.selection();
    let shown = Shown { name: alerts::exported(&series.about.name), labels: selection.clone() };
    let known = statements.iter_mut().find(|one| {
        let first = one.metrics.first().copied().filter(|_| matches!(one.asks, Asks::Values));
        one.step == series.step && one.by == by && first.is_some_and(|first| reads(first) == reads(metric))
    });
    match known {
        Some(one) if one.metrics.contains(&metric) => {}
        Some(one) => {
            one.metrics.push(metric);
            one.shown.push(shown);
            one.ends.push(selection);
        }
        None => statements.push(Statement {
            name: String::new(),
            metrics: vec![metric],
            step: series.step,
            by: by.to_vec(),
            window: None,
            shown: vec![shown],
            labels: series.labels(),
            ends: vec![selection],
            asks: Asks::Values,
        }),
    }
}

/// How far two ways are apart that a metric is served in.
fn apart(of: &Apart) -> Statement {
    let (alert, series) = (&of.watched.alert, &of.watched.series);
    Statement {
        name: alert.name.value.clone(),
        metrics: vec![alert.metric],
        step: series.step,
        by: Vec::new(),
        window: None,
        shown: vec![Shown { name: alerts::exported(&series.about.name), labels: series.selection() }],
        labels: Vec::new(),
        ends: vec![series.selection()],
        asks: Asks::Apart(of.ways),
    }
}

/// The instant of the newest row of a source.
fn newest(of: &Fresh) -> Statement {
    Statement {
        name: of.name.value.clone(),
        metrics: vec![of.newest],
        step: alerts::STEP,
        by: Vec::new(),
        window: None,
        shown: vec![Shown { name: alerts::NEWEST_ROW.to_owned(), labels: of.selection() }],
        labels: Vec::new(),
        ends: vec![of.selection()],
        asks: Asks::Newest(Box::new(of.clone())),
    }
}

/// The parts of an objective over each of its windows: exact counts, of which the rules make shares (AL1).
fn windows(of: &Objective, metrics: Vec<MetricId>) -> Vec<Statement> {
    let statement = |window| Statement {
        name: format!("{} over {}", of.slo.name.value, alerts::length(window)),
        metrics: metrics.clone(),
        step: alerts::STEP,
        by: Vec::new(),
        window: Some(window),
        shown: [Part::Some, Part::Total]
            .map(|part| Shown { name: alerts::exported(&of.metric.name), labels: alerts::selection(of, part, window) })
            .to_vec(),
        labels: Vec::new(),
        ends: vec![alerts::ends(of, window)],
        asks: Asks::Values,
    };
    alerts::windows(of).into_iter().map(statement).collect()
}

fn name(model: &Model, statement: &Statement) -> String {
    let metrics: Vec<&str> = statement.metrics.iter().map(|id| model.metrics[id.0].name.value.as_str()).collect();
    let by: Vec<&str> = statement.by.iter().map(|id| model.dimensions[id.0].name.value.as_str()).collect();
    let by = if by.is_empty() { String::new() } else { format!(" by {}", by.join(", ")) };
    // The first one is in no other statement of that step and these dimensions.
    let metrics = match metrics.as_slice() {
        [first, rest @ ..] if rest.len() > 2 => format!("{first} and {} more", rest.len()),
        few => few.join(", "),
    };
    format!("{metrics} {}{by}", statement.step.text())
}

impl Statement {
    /// The last bucket that is complete at an instant, or the window that ends with it: half of the time that the target grants (`late`,
    /// `late_days`) is left to rows that come late, the other half to whoever asks and reads. None where a declared calendar has no
    /// bucket there. The newest row is looked for up to the instant itself.
    pub fn bucket(&self, at: i64, model: &Model, target: &AlertsTarget) -> Option<Bucket> {
        if let Asks::Newest(fresh) = &self.asks {
            return Some(Bucket { start: looked_from(fresh.within, at), end: at });
        }
        let late = if matches!(self.step, Step::Subday(_)) { target.late } else { target.late_days };
        let (zone, week) = (model.zone, model.week_start);
        let end = self.step.bucket(at - late / 2, zone, week);
        let start = match self.window {
            Some(window) => end - window,
            None => self.step.known_bucket(end - 1, zone, week)?,
        };
        Some(Bucket { start, end })
    }

    /// The question for a bucket; an answer of more groups than `most` for each metric may be cut.
    pub fn question(&self, bucket: Bucket, most: u64) -> Question {
        let step = if self.window.is_some() { AskedStep::None } else { AskedStep::Step(self.step) };
        let limit = most.saturating_mul(self.metrics.len() as u64).saturating_add(1);
        Question {
            step,
            by: self.by.iter().copied().map(By::Dimension).collect(),
            from: Some(bucket.start),
            to: Some(bucket.end),
            limit: Some(limit),
            ..Question::of(self.metrics.clone())
        }
    }

    /// What a series is.
    pub fn help(&self, shown: &Shown) -> String {
        let metric = shown.labels.iter().find(|(label, _)| label == "metric").map_or("", |(_, name)| name.as_str());
        match &self.asks {
            Asks::Newest(_) => "The instant of the newest row, in seconds since 1970; where none was found, that from which on it was looked for.".to_owned(),
            Asks::Apart(_) => format!("{metric} on the last day that both have, relative to the second one."),
            Asks::Values => format!("{metric} over the last complete bucket or window."),
        }
    }

    /// The name of the series that tell when the bucket ended, and what it tells.
    pub fn end(&self) -> (&'static str, &'static str) {
        match &self.asks {
            Asks::Newest(_) => {
                (alerts::NEWEST_ROW_ASKED, "When the instant of the newest row was asked for, in seconds since 1970.")
            }
            Asks::Values | Asks::Apart(_) => {
                (alerts::BUCKET_END, "When the last complete bucket or window ended, in seconds since 1970.")
            }
        }
    }

    /// Whether a bucket is asked for at once, because another one was asked for last. The newest row is asked for at its pace.
    pub fn is_next(&self, last: Option<Bucket>, bucket: Bucket) -> bool {
        !matches!(self.asks, Asks::Newest(_)) && last != Some(bucket)
    }

    /// After how many milliseconds the same bucket is asked for again, for rows that came later: a twelfth of its length, at most five
    /// minutes. A window is not asked twice: the next one comes in a minute.
    pub fn again(&self) -> i64 {
        if let Asks::Newest(fresh) = &self.asks {
            return fresh.pace();
        }
        let length = match self.step {
            Step::Subday(ms) => ms,
            _ => DAY_MS,
        };
        if self.window.is_some() { i64::MAX } else { (length / 12).min(5 * 60_000) }
    }
}
