//! Questions as people write them on the command line and in tests: names, steps, days and conditions as text.

mod condition;
mod values;

use crate::diagnostic::Diagnostics;
use crate::error;
use crate::plan::{AskedStep, Lowering, Query, Question, Top};
use crate::project::SourceMap;
use crate::suggest::near;
use crate::types::{By, Fill, InContext, MetricId, Model, TableId, step_named};
use crate::value::Step;
use crate::value::time::{midnight, parse_date, parse_timestamp};

/// A question in words.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// Metrics, each a name or a name with a version: `dau`, `dau v1`.
    pub metrics: Vec<String>,
    /// `1d`, `month`, `none`; the coarsest default grain where left out.
    pub step: Option<String>,
    /// Dimensions, `registered@month`, and parts of the bucket: `time.month`, `time@month`.
    pub by: Vec<String>,
    /// A day, a month or an instant.
    pub from: Option<String>,
    /// The same; a day or a month is included.
    pub to: Option<String>,
    /// Whether `from` and `to` cut buckets.
    pub cut: bool,
    /// A day, a month or an instant: only buckets that are complete then.
    pub as_of: Option<String>,
    /// Whether other buckets show too, marked.
    pub partial: bool,
    /// Whether rows are marked that are not of whole data.
    pub marks: bool,
    /// A condition on dimensions.
    pub filter: Option<String>,
    /// A condition on the columns of the answer.
    pub having: Option<String>,
    /// `3 by gmv`, `3 by gmv other`
    pub top: Option<String>,
    /// `none`, `null` or `zero`.
    pub fill: Option<String>,
    /// Output columns, each with `desc` behind it for greatest first.
    pub order: Vec<String>,
    /// At most so many rows.
    pub limit: Option<u64>,
    /// A dimension whose values are asked for, and no metric.
    pub values: Option<String>,
    /// The rows that these are of.
    pub source: Option<String>,
}

/// What is asked.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// Metrics.
    Metrics(Box<Question>),
    /// The values of a dimension.
    Values(crate::plan::Values),
}

impl Wanted {
    /// Its plan.
    pub fn lower(&self, lowering: &Lowering<'_>) -> Result<Query, Diagnostics> {
        match self {
            Wanted::Metrics(question) => lowering.lower(question),
            Wanted::Values(values) => lowering.values(values),
        }
    }

    /// The metrics that are asked for.
    pub fn metrics(&self) -> &[MetricId] {
        match self {
            Wanted::Metrics(question) => &question.metrics,
            Wanted::Values(_) => &[],
        }
    }
}

/// What is asked, with every mistake told.
pub fn wanted(model: &Model, asked: &Asked, sources: &mut SourceMap) -> Result<Wanted, Diagnostics> {
    match &asked.values {
        Some(dimension) => values::values(model, dimension, asked, sources).map(Wanted::Values),
        None => question(model, asked, sources).map(|question| Wanted::Metrics(Box::new(question))),
    }
}

/// The question that is asked, with every mistake told. The texts of conditions are added to `sources`, so that they
/// can be shown.
pub fn question(model: &Model, asked: &Asked, sources: &mut SourceMap) -> Result<Question, Diagnostics> {
    let mut d = Diagnostics::new();
    let metrics: Vec<MetricId> = asked.metrics.iter().filter_map(|text| metric(model, text, &mut d)).collect();
    let mut rows: Vec<TableId> = metrics.iter().flat_map(|id| &model.facts[id.0].reads).copied().collect();
    rows.sort_unstable();
    rows.dedup();
    let by: Vec<By> = asked.by.iter().filter_map(|text| by(model, &rows, text, &mut d)).collect();
    let step = step(model, asked.step.as_deref(), &mut d);
    let (from, to) = interval(model, asked, &mut d);
    let as_of = asked.as_of.as_deref().and_then(|text| limit(model, "--as-of", text, true, &mut d));
    if asked.partial && asked.as_of.is_none() {
        d.push(
            error!(E0970, None, "`--partial` shows what is not complete at the time of `--as-of`, which is missing";
            help: "give `--as-of`, or leave `--partial` out: without `--as-of` all buckets show"),
        );
    }
    if asked.source.is_some() {
        d.push(error!(E0973, None, "`--source` says whose values are asked for, and `--values` is missing";
            help: "name the dimension: `--values client`"));
    }
    if asked.metrics.is_empty() {
        d.push(error!(E0973, None, "nothing is asked for"; help: "name a metric, or a dimension by `--values`"));
    }
    let filter = asked.filter.as_deref().and_then(|text| condition::filter(model, &rows, text, sources, &mut d));
    let marked = asked.cut || asked.partial || asked.marks;
    let having = asked.having.as_deref();
    let having = having.and_then(|text| condition::having(model, &metrics, &by, marked, text, sources, &mut d));
    let top = asked.top.as_deref().and_then(|text| top(model, text, &mut d));
    let fill = asked.fill.as_deref().and_then(|text| fill(text, &mut d));
    let order = asked.order.iter().map(|text| order(text)).collect();
    let step = step.unwrap_or(AskedStep::Default);
    let question = Question {
        metrics,
        step,
        by,
        from,
        to,
        cut: asked.cut,
        as_of,
        partial: asked.partial,
        marks: asked.marks,
        filter,
        fill,
        having,
        top,
        order,
        limit: asked.limit,
    };
    if d.has_errors() { Err(d) } else { Ok(question) }
}

/// The limits that are asked for.
fn interval(model: &Model, asked: &Asked, d: &mut Diagnostics) -> (Option<i64>, Option<i64>) {
    let from = asked.from.as_deref().and_then(|text| limit(model, "--from", text, false, d));
    let to = asked.to.as_deref().and_then(|text| limit(model, "--to", text, true, d));
    if let (Some(from), Some(to)) = (from, to)
        && from >= to
    {
        d.push(error!(E0956, None, "`--from` is not before `--to`"; help: "swap them"));
    }
    (from, to)
}

/// `3 by gmv`, `3 by gmv other`
fn top(model: &Model, text: &str, d: &mut Diagnostics) -> Option<Top> {
    let text = text.trim();
    let parts = text.split_once(char::is_whitespace).and_then(|(count, rest)| {
        let rest = rest.trim_start().strip_prefix("by ")?.trim();
        let (name, other) = match rest.strip_suffix("other") {
            Some(name) if name.ends_with(char::is_whitespace) => (name.trim(), true),
            _ => (rest, false),
        };
        Some((count.parse::<u64>().ok().filter(|count| *count > 0)?, name, other))
    });
    let Some((count, name, other)) = parts else {
        d.push(error!(E0972, None, "`--top {text}` does not say how many groups by which metric";
            help: "write `--top \"3 by gmv\"`, or `--top \"3 by gmv other\"` for one more group of all the rest"));
        return None;
    };
    Some(Top { count, metric: metric(model, name, d)?, other })
}

/// The metric of a name, with a version or the one that the name alone means.
pub fn metric(model: &Model, text: &str, d: &mut Diagnostics) -> Option<MetricId> {
    let (name, version) = match text.trim().rsplit_once([' ', '@']) {
        Some((name, version)) => match version.strip_prefix('v').and_then(|number| number.parse::<u32>().ok()) {
            Some(version) => (name.trim(), Some(version)),
            None => (text.trim(), None),
        },
        None => (text.trim(), None),
    };
    if let Some(found) = model.metric_named(name, version) {
        return Some(found);
    }
    let known = model.metrics.iter().any(|metric| metric.name.value == name);
    match (version, known) {
        (Some(version), true) => {
            d.push(error!(E0210, None, "the metric `{name}` has no version {version}"; help: "name a version that is declared"));
        }
        _ => {
            let help = match near(name, model.metrics.iter().map(|metric| metric.name.as_str())) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the project has {} metrics; declare it, or name one of them", model.metrics.len()),
            };
            d.push(error!(E0201, None, "no metric named `{name}`"; help: help));
        }
    }
    None
}

/// What a text groups by where some tables are read: a dimension, or a part of the bucket.
pub fn by(model: &Model, rows: &[TableId], text: &str, d: &mut Diagnostics) -> Option<By> {
    let names = InContext { names: model, dimensions: &model.dimensions, tables: &model.tables, reads: rows };
    By::parse(text.trim(), &names, &model.dimensions, None, d)
}

fn step(model: &Model, text: Option<&str>, d: &mut Diagnostics) -> Option<AskedStep> {
    match text.map(str::trim) {
        None => Some(AskedStep::Default),
        Some("none" | "total") => Some(AskedStep::None),
        Some(text) => match step_named(&model.calendars, text).or_else(|| Step::parse(text)) {
            Some(step) => Some(AskedStep::Step(step)),
            None => {
                d.push(error!(E0954, None, "`{text}` is not an output step";
                    help: "use a divisor of a day (1m, 5m, 1h …), 1d, 1w, month, quarter, year, the step of a calendar, or none"));
                None
            }
        },
    }
}

/// The instant of a limit; for the upper one the end of the day or month that is written.
fn limit(model: &Model, option: &str, text: &str, upper: bool, d: &mut Diagnostics) -> Option<i64> {
    let text = text.trim();
    let month = parse_date(&format!("{text}-01"));
    let step = if month.is_some() { Step::Month } else { Step::Day };
    if let Some(days) = month.or_else(|| parse_date(text)) {
        let day = chrono::NaiveDate::default() + chrono::Duration::days(i64::from(days));
        let start = midnight(day, model.zone);
        return Some(if upper { step.next(start, model.zone, model.week_start) } else { start });
    }
    let found = parse_timestamp(text, model.zone);
    if found.is_none() {
        d.push(error!(E0955, None, "`{option} {text}` is not a day or time";
            help: "write 2026-11-01, 2026-11 or \"2026-11-01 08:00:00\""));
    }
    found
}

fn fill(text: &str, d: &mut Diagnostics) -> Option<Fill> {
    let found = Fill::parse(text.trim());
    if found.is_none() {
        d.push(error!(E0965, None, "`--fill {text}` fills with nothing that is known"; help: "write `none`, `null` or `zero`"));
    }
    found
}

fn order(text: &str) -> (String, bool) {
    let text = text.trim();
    match text.rsplit_once(' ') {
        Some((name, word)) if word.eq_ignore_ascii_case("desc") => (name.trim().to_owned(), true),
        Some((name, word)) if word.eq_ignore_ascii_case("asc") => (name.trim().to_owned(), false),
        _ => (text.to_owned(), false),
    }
}
