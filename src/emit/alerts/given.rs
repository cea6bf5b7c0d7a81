//! What alerts and objectives look at: series that an exporter brings to Prometheus (AL7), each with the plan of its values.

use sha2::{Digest, Sha256};

use super::fresh::Fresh;
use super::objective::STEP as MINUTE;
use super::parts::Parts;
use crate::diagnostic::Diagnostics;
use crate::plan::{AskedStep, Lowering, Query, Question};
use crate::types::alerts::{Alert, Slo};
use crate::types::{By, DimensionId, MetricId, Model, Way};
use crate::value::Step;

/// All alerts and objectives of a project.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// Alerts that have a plan, in the order of the project.
    pub alerts: Vec<Watched>,
    /// What compares two ways, in the order of the project.
    pub apart: Vec<Apart>,
    /// Sources whose rows must be fresh, in the order of the project.
    pub fresh: Vec<Fresh>,
    /// Objectives, in the order of the project.
    pub slos: Vec<Objective>,
}

/// An alert and what it looks at.
#[derive(Clone, Debug)]
pub struct Watched {
    /// The alert.
    pub alert: Alert,
    /// The values of its metric.
    pub series: Series,
    /// Those of its volume.
    pub volume: Option<Series>,
    /// Whether it is made of a rule of quality.
    pub is_rule: bool,
}

/// A rule of quality that looks at how far two ways are apart that serve a metric.
#[derive(Clone, Debug)]
pub struct Apart {
    /// The alert, of that metric. Its values are the differences under the name of the rule; the plan is that of what both ways are asked.
    pub watched: Watched,
    /// The ways.
    pub ways: [Way; 2],
}

/// An objective and what it is a share of.
#[derive(Clone, Debug)]
pub struct Objective {
    /// The objective.
    pub slo: Slo,
    /// The metric that it is on.
    pub metric: About,
    /// The plan of both parts by minutes; none where those of a window are not the sums of its minutes.
    pub parts: Option<Query>,
}

/// What people and series call a metric.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// Its name.
    pub name: String,
    /// Its title, else the first line of its description.
    pub title: Option<String>,
    /// Whose it is.
    pub owner: Option<String>,
}

/// A metric at a step by some dimensions: the values of its last complete bucket.
#[derive(Clone, Debug)]
pub struct Series {
    /// The metric.
    pub about: About,
    /// The step.
    pub step: Step,
    /// The dimensions.
    pub by: Vec<String>,
    /// The plan.
    pub query: Query,
}

/// Those of a model; what has no plan is told.
pub fn given(model: &Model, lowering: &Lowering<'_>, diagnostics: &mut Diagnostics) -> Given {
    let mut given = Given::default();
    for alert in &model.alerts {
        given.alerts.extend(watched(model, lowering, alert.clone(), false, diagnostics));
    }
    given.alerts.extend(super::ruled::watched(model, lowering, diagnostics));
    given.apart = super::ruled::apart(model, lowering, diagnostics);
    given.fresh = super::fresh::given(model, lowering, diagnostics);
    given.slos = objectives(model, diagnostics);
    given
}

fn objectives(model: &Model, diagnostics: &mut Diagnostics) -> Vec<Objective> {
    if model.slos.is_empty() {
        return Vec::new();
    }
    let parts = Parts::of(model);
    let lowering = Lowering::new(&parts.model);
    let mut one = |(place, slo): (usize, &Slo)| {
        let question = parts.question(place, AskedStep::Step(MINUTE), None, None);
        let query = parts.add_up(place).then(|| lowering.lower(&question)).transpose();
        let query = query.unwrap_or_else(|found| {
            diagnostics.extend(found);
            None
        });
        Objective { slo: slo.clone(), metric: about(model, slo.metric), parts: query }
    };
    model.slos.iter().enumerate().map(&mut one).collect()
}

/// An alert with what it looks at; what has no plan is told.
pub fn watched(
    model: &Model,
    lowering: &Lowering<'_>,
    alert: Alert,
    is_rule: bool,
    diagnostics: &mut Diagnostics,
) -> Option<Watched> {
    let series = series(model, lowering, alert.metric, alert.every, &alert.by);
    let volume = alert.volume.as_ref().map(|of| self::series(model, lowering, of.metric, alert.every, &alert.by));
    match (series, volume.transpose()) {
        (Ok(series), Ok(volume)) => Some(Watched { alert, series, volume, is_rule }),
        (series, volume) => {
            diagnostics.extend(series.err().unwrap_or_default());
            diagnostics.extend(volume.err().unwrap_or_default());
            None
        }
    }
}

fn series(
    model: &Model,
    lowering: &Lowering<'_>,
    metric: MetricId,
    step: Step,
    by: &[DimensionId],
) -> Result<Series, Diagnostics> {
    let query = lowering.lower(&question(metric, step, by))?;
    let by = by.iter().map(|id| model.dimensions[id.0].name.value.clone()).collect();
    Ok(Series { about: about(model, metric), step, by, query })
}

/// The question for the values of a metric by step and dimensions, of all times.
pub fn question(metric: MetricId, step: Step, by: &[DimensionId]) -> Question {
    let by = by.iter().copied().map(By::Dimension).collect();
    Question { step: AskedStep::Step(step), by, ..Question::of(vec![metric]) }
}

fn about(model: &Model, id: MetricId) -> About {
    let metric = &model.metrics[id.0];
    let line = |text: &String| text.lines().next().map(str::to_owned);
    About {
        name: metric.name.value.clone(),
        title: metric.title.as_ref().and_then(line).or_else(|| metric.doc.as_ref().and_then(line)),
        owner: metric.owner.clone(),
    }
}

/// Labels that series and rules have of their own.
const OWN: &[&str] = &[
    "alertname",
    "alertstate",
    "by",
    "cycle",
    "instance",
    "job",
    "kind",
    "le",
    "metric",
    "notify",
    "owner",
    "part",
    "quantile",
    "severity",
    "slo",
    "step",
    "window",
    "long",
    "short",
];

/// A name that Prometheus takes, for one of the language: the same where it can be, else with a hash of what it is.
pub fn ascii(name: &str) -> String {
    let plain = name.replace('.', "__");
    let is_fit = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if plain.chars().all(is_fit) && !plain.starts_with(|c: char| c.is_ascii_digit()) {
        return plain;
    }
    let hash: String = Sha256::digest(name.as_bytes()).iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("n_{hash}")
}

/// The label of a dimension.
pub fn label(dimension: &str) -> String {
    let plain = ascii(dimension);
    if plain != dimension || plain.starts_with("__") || OWN.contains(&plain.as_str()) {
        return format!("dim_{plain}");
    }
    plain
}

/// The name under which a metric's values are exported.
pub fn exported(metric: &str) -> String {
    format!("metricc_{}", ascii(metric))
}

/// The name under which the ends of buckets are exported, in seconds since 1970.
pub const BUCKET_END: &str = "metricc_bucket_end_seconds";

impl Given {
    /// What a target watches: all, or all but the rules of quality.
    pub fn with_rules(&self, rules: bool) -> Given {
        let alerts = self.alerts.iter().filter(|watched| rules || !watched.is_rule).cloned().collect();
        let (apart, fresh) = if rules { (self.apart.clone(), self.fresh.clone()) } else { Default::default() };
        Given { alerts, apart, fresh, slos: self.slos.clone() }
    }

    /// All that looks at a value, bucket by bucket.
    pub fn watched(&self) -> impl Iterator<Item = &Watched> {
        self.alerts.iter().chain(self.apart.iter().map(|one| &one.watched))
    }
}

impl Series {
    /// The labels of its dimensions.
    pub fn labels(&self) -> Vec<String> {
        self.by.iter().map(|name| label(name)).collect()
    }

    /// The labels by which its values are found.
    pub fn selection(&self) -> Vec<(String, String)> {
        let pair = |label: &str, value: &str| (label.to_owned(), value.to_owned());
        let by: Vec<&str> = self.by.iter().map(String::as_str).collect();
        vec![pair("metric", &self.about.name), pair("step", &self.step.text()), pair("by", &by.join(","))]
    }

    /// `feature:success_rate:1m`, and what is made of it: `feature:success_rate:1m_mean_of_a` (AL1).
    pub fn record(&self, operation: &str) -> String {
        let labels = self.labels();
        let level = if labels.is_empty() { "all".to_owned() } else { labels.join("_") };
        format!("{level}:{}:{}{operation}", ascii(&self.about.name), self.step.text().replace('.', "_"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_prometheus_takes() {
        assert_eq!(exported("task_success_rate"), "metricc_task_success_rate");
        assert_eq!(exported("dau.growth_1w"), "metricc_dau__growth_1w");
        assert_eq!(exported("活跃用户"), exported("活跃用户"));
        assert_ne!(exported("活跃用户"), exported("活跃用戶"));
        assert!(exported("活跃用户").is_ascii());
        assert_eq!(label("feature"), "feature");
        assert_eq!(label("step"), "dim_step");
        assert!(label("省份").starts_with("dim_n_"));
    }
}
