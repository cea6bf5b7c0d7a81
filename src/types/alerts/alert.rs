//! `alert` declarations.

use crate::diagnostic::{Diagnostics, Span, Spanned};
use crate::error;
use crate::resolve::{Declared, Names};
use crate::suggest::near;
use crate::syntax::ast::{self, BinaryOp, Clause, ExprKind, ValueKind};
use crate::types::calendars::Calendar;
use crate::types::formula::{Facts, unbound};
use crate::types::items::{Items, milliseconds};
use crate::types::metrics::step_of;
use crate::types::model::{Dimension, DimensionId, Grain, Metric, MetricId, Serve, Table};
use crate::value::Step;

use super::super::severity::Severity;
use super::condition::Watched;
use super::{Alert, Condition, Volume};

const ITEMS: &[&str] = &["every", "when", "by", "severity", "volume", "absent", "notify", "runbook"];

/// What alerts and objectives are typed with.
pub struct Known<'a> {
    /// The names of the program.
    pub names: &'a Names<'a>,
    /// All tables.
    pub tables: &'a [Table],
    /// All metrics.
    pub metrics: &'a [Metric],
    /// What is known of their formulas.
    pub facts: &'a [Facts],
    /// The dimensions that names mean.
    pub dimensions: &'a [Dimension],
    /// Where a declared dimension stands among these.
    pub dimension_ids: &'a [Option<DimensionId>],
    /// Calendars.
    pub calendars: &'a [Calendar],
    /// The project's time zone.
    pub zone: chrono_tz::Tz,
}

/// All alerts, without those in which something is wrong.
pub fn check_alerts(known: &Known<'_>, d: &mut Diagnostics) -> Vec<Alert> {
    known.names.alerts.iter().filter_map(|declared| alert(known, *declared, d)).collect()
}

fn alert(known: &Known<'_>, declared: Declared<'_, ast::Block>, d: &mut Diagnostics) -> Option<Alert> {
    let syntax = declared.syntax;
    let items = Items::read("alert", &syntax.items, ITEMS, &[], d);
    let severity = items.word("severity", &Severity::WORDS, d);
    let notify = receivers(&items, d);
    let runbook = text(&items, "runbook", d);
    let metric = known.watched(syntax, "alert", d);
    let every = every(known, &items, metric, syntax, d);
    let by = known.by(&items, metric, d);
    let volume = items.get("volume").map(|_| volume(known, &items, by.as_deref(), d));
    let absent = items.get("absent").map(|_| at_least_every(&items, "absent", every, d));
    let when = items.one("when", d);
    for (key, found, help) in [
        ("when", items.get("when").is_some(), "write `when: value < 95% for 5m`"),
        (
            "severity",
            items.get("severity").is_some(),
            "write `severity: P0` (the system), `P1` (core business) or `P2`",
        ),
    ] {
        if !found && !items.broken {
            d.push(error!(E0206, syntax.name.span, "the alert `{}` has no `{key}`", syntax.name.value; help: help));
        }
    }
    let metric = metric?;
    let watched = Watched { metric: &known.metrics[metric.0], every, tables: known.tables, zone: known.zone };
    let is_number = watched.check_number(syntax.on.as_ref().map_or(syntax.name.span, |on| on.span), d);
    let (when, hold) = condition(&watched, when?, is_number, d)?;
    Some(Alert {
        name: syntax.name.clone(),
        doc: declared.doc.map(str::to_owned),
        metric,
        every: every?,
        when,
        hold,
        by: by?,
        severity: severity?,
        volume: match volume {
            Some(volume) => Some(volume?),
            None => None,
        },
        absent: match absent {
            Some(absent) => Some(absent?),
            None => None,
        },
        notify: notify?,
        runbook,
        span: declared.span,
    })
}

/// The condition and for how long it must hold.
fn condition(
    watched: &Watched<'_>,
    when: &ast::Value,
    is_number: bool,
    d: &mut Diagnostics,
) -> Option<(Condition, i64)> {
    let ValueKind::Expr { expr, clauses } = &when.kind else {
        d.push(error!(E0880, when.span, "an alert can't be decided by this"; help: "write `when: value < 95% for 5m`"));
        return None;
    };
    let hold = match clauses.as_slice() {
        [] => Some(0),
        [Clause::For(ast::Step::Duration(of))] => milliseconds(*of),
        _ => None,
    };
    if hold.is_none() {
        d.push(error!(E0880, when.span, "behind a condition stands for how long it must hold, and nothing else";
            help: "write `value < 95% for 5m`"));
    }
    if let (Some(hold @ 1..), Some(every)) = (hold, watched.every)
        && hold < every.about()
    {
        d.push(error!(E0882, when.span, "`for` is shorter than the step of {}", every.text();
            help: ("write `for {}` or longer, or leave `for` out: one bucket is enough then", every.text())));
        return None;
    }
    let found = if is_number { watched.condition(expr, d) } else { None };
    Some((found?, hold?))
}

/// The length of the buckets that are looked at: as written, or the finest grain of the metric.
fn every(
    known: &Known<'_>,
    items: &Items<'_>,
    metric: Option<MetricId>,
    syntax: &ast::Block,
    d: &mut Diagnostics,
) -> Option<Step> {
    let of = metric.map(|metric| &known.metrics[metric.0]);
    let (step, span) = match items.get("every") {
        Some(_) => {
            let value = items.one("every", d)?;
            let Some(step) = step_of(known.calendars, value).filter(|step| is_watched(*step)) else {
                d.push(error!(E0632, value.span, "this is not an output step of an alert";
                    help: "use whole seconds that divide a day (30s, 1m, 1h …), 1d, 1w, month, quarter or year"));
                return None;
            };
            (step, value.span)
        }
        None => {
            let first = of?.grain.iter().find_map(|grain| match grain {
                Grain::Step(step) if is_watched(*step) => Some(*step),
                _ => None,
            });
            let Some(step) = first else {
                d.push(error!(E0206, syntax.name.span, "the alert `{}` has no `every`, and its metric no grain to take", syntax.name.value;
                    help: "write `every: 1m`: the length of the buckets that are looked at"));
                return None;
            };
            (step, syntax.name.span)
        }
    };
    let of = of?;
    if let Some(finest) = finest(&of.serve).filter(|finest| step < *finest) {
        d.push(
            error!(E0883, span, "`{}` is served every {} only, and this alert looks every {}", of.name.value, finest.text(), step.text();
                help: ("write `every: {}`, or serve the metric more often: `serve: stream({})`", finest.text(), step.text()))
            .related(of.name.span, "the metric"),
        );
        return None;
    }
    Some(step)
}

/// Whether an alert may look at buckets of a step: nothing looks more often than each second.
fn is_watched(step: Step) -> bool {
    match step {
        Step::Subday(ms) => ms % 1_000 == 0,
        Step::Declared(_) => false,
        _ => true,
    }
}

/// The finest step at which a metric is served; none where any is.
fn finest(serve: &[Serve]) -> Option<Step> {
    let of = |serve: &Serve| match serve {
        Serve::Live => None,
        Serve::Stream(step) => Some(*step),
        Serve::Hourly => Some(Step::Subday(3_600_000)),
        Serve::Daily => Some(Step::Day),
    };
    if serve.contains(&Serve::Live) { None } else { serve.iter().filter_map(of).min() }
}

fn at_least_every(items: &Items<'_>, key: &str, every: Option<Step>, d: &mut Diagnostics) -> Option<i64> {
    let found = items.duration(key, d)?;
    let least = every?.about();
    if found < least {
        let (span, every) = (items.get(key)?.0, every?.text());
        d.push(error!(E0882, span, "`{key}` is shorter than the step of {every}";
            help: ("write `{key}: {every}` or longer: between two buckets nothing comes")));
        return None;
    }
    Some(found)
}

/// `volume: task_submitted >= 100`
fn volume(known: &Known<'_>, items: &Items<'_>, by: Option<&[DimensionId]>, d: &mut Diagnostics) -> Option<Volume> {
    let value = items.one("volume", d)?;
    let wrong = |d: &mut Diagnostics| {
        d.push(error!(E0880, value.span, "`volume` says how much there must be of a metric";
            help: "write `volume: task_submitted >= 100`"));
        None
    };
    let ValueKind::Expr { expr, clauses } = &value.kind else { return wrong(d) };
    let ExprKind::Binary { op, left, right } = &expr.kind else { return wrong(d) };
    let inclusive = match op.value {
        BinaryOp::GreaterEqual => true,
        BinaryOp::Greater => false,
        _ => return wrong(d),
    };
    let ExprKind::Path { path, version } = &left.kind else { return wrong(d) };
    if !clauses.is_empty() {
        return wrong(d);
    }
    let metric = known.metric(path, version.as_ref().map(|version| version.value), d)?;
    let watched = Watched { metric: &known.metrics[metric.0], every: None, tables: known.tables, zone: known.zone };
    if !watched.check_number(left.span, d) {
        return None;
    }
    let least = watched.number(right, false, d)?;
    let fits = by?.iter().all(|dimension| known.bound(*dimension, metric, left.span, d));
    (fits && known.has_time(metric, left.span, d)).then_some(Volume { metric, inclusive, least })
}

/// Who is told.
pub fn receivers(items: &Items<'_>, d: &mut Diagnostics) -> Option<Vec<Spanned<String>>> {
    let told = d.len();
    let mut found: Vec<Spanned<String>> = Vec::new();
    for (name, clauses) in items.names("notify", d) {
        if let Some(first) = found.iter().find(|known| known.value == name.value) {
            d.push(
                error!(E0204, name.span, "`{}` is told twice", name.value; help: "keep one of them")
                    .related(first.span, "first here"),
            );
        } else if !clauses.is_empty() {
            d.push(error!(E0205, name.span, "`notify` takes names"; help: "write `notify: dingtalk, sms`"));
        } else {
            found.push(name.clone());
        }
    }
    (d.len() == told).then_some(found)
}

/// A text and where it stands.
pub fn text(items: &Items<'_>, key: &str, d: &mut Diagnostics) -> Option<Spanned<String>> {
    let span = items.get(key).and_then(|(_, values)| values.first()).map(|value| value.span)?;
    items.string(key, d).map(|text| Spanned::new(text, span))
}

impl Known<'_> {
    /// The metric that a declaration is `on`, which must have buckets.
    pub fn watched(&self, syntax: &ast::Block, kind: &str, d: &mut Diagnostics) -> Option<MetricId> {
        if let Some(version) = &syntax.version {
            d.push(error!(E0210, version.span, "`{}` has no versions: it follows its metric", syntax.name.value;
                help: "leave the version out"));
        }
        let Some(on) = &syntax.on else {
            let article = if kind == "alert" { "an" } else { "a" };
            d.push(error!(E0206, syntax.name.span, "{article} {kind} is on a metric, and `{}` names none", syntax.name.value;
                help: ("write `{kind} {} on METRIC {{ … }}`", syntax.name.value)));
            return None;
        };
        let metric = self.metric(on, None, d)?;
        self.has_time(metric, on.span, d).then_some(metric)
    }

    /// The metric of a name: of several versions the one that the name means.
    pub fn metric(&self, path: &ast::Path, version: Option<u32>, d: &mut Diagnostics) -> Option<MetricId> {
        let text = path.to_string();
        let Some(place) = path.parts.first().and_then(|name| self.names.metric(name, version)) else {
            let help = match near(&text, self.names.metric_names()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "name a metric that is declared".to_owned(),
            };
            d.push(error!(E0201, path.span, "no metric named `{text}`"; help: help));
            return None;
        };
        let declared = self.names.metrics[place].syntax;
        let version = declared.version.as_ref().map_or(1, |version| version.value);
        let of = |name: &str| self.metrics.iter().position(|one| one.name.value == name && one.version == version);
        // One that is broken was told.
        let owner = of(&declared.name.value)?;
        if path.parts.len() == 1 {
            return Some(MetricId(owner));
        }
        let found = of(&text);
        if found.is_none() {
            d.push(error!(E0201, path.span, "no metric named `{text}`";
                help: ("declare a comparison in `{}`: `compare: 1d, 1w` gives `{}.growth_1w`", declared.name.value, declared.name.value)));
        }
        found.map(MetricId)
    }

    /// The dimensions by which groups are told apart; none at all where it is not said.
    fn by(&self, items: &Items<'_>, metric: Option<MetricId>, d: &mut Diagnostics) -> Option<Vec<DimensionId>> {
        let told = d.len();
        let mut found: Vec<DimensionId> = Vec::new();
        for (name, _) in items.names("by", d) {
            let Some(place) = self.names.dimension(name) else {
                let help = match near(name, self.names.dimension_names()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "name a dimension that is declared".to_owned(),
                };
                d.push(error!(E0208, name.span, "no dimension named `{}`", name.value; help: help));
                continue;
            };
            let id = self.dimension_ids[place]?;
            if found.contains(&id) {
                d.push(
                    error!(E0204, name.span, "the dimension `{}` stands twice", name.value; help: "keep one of them"),
                );
            } else if metric.is_none_or(|metric| self.bound(id, metric, name.span, d)) {
                found.push(id);
            }
        }
        (d.len() == told).then_some(found)
    }

    /// Whether a metric has a dimension; what lacks it is told.
    fn bound(&self, id: DimensionId, metric: MetricId, span: Span, d: &mut Diagnostics) -> bool {
        let dimension = &self.dimensions[id.0];
        let mut bound = true;
        for table in &self.facts[metric.0].reads {
            if let Err(why) = crate::types::bind::bind(self.tables, dimension, *table) {
                d.push(unbound(dimension, &self.tables[table.0], &why, span));
                bound = false;
            }
        }
        bound
    }

    /// Whether all rows of a metric have a time, so that there is a last bucket; what has none is told.
    fn has_time(&self, metric: MetricId, span: Span, d: &mut Diagnostics) -> bool {
        let timeless = self.facts[metric.0].reads.iter().find(|table| self.tables[table.0].time.is_none());
        if let Some(table) = timeless {
            let table = &self.tables[table.0];
            d.push(
                error!(E0883, span, "`{}` has no time, so there is no last bucket to look at", table.name.value;
                    help: "watch a metric of a source, whose rows happen at a time")
                .related(table.name.span, "declared here"),
            );
        }
        timeless.is_none()
    }
}
