//! Checking `report` declarations.

use crate::diagnostic::{Diagnostic, Diagnostics, Span, Spanned};
use crate::error;
use crate::resolve::{Declared, Names};
use crate::suggest::near;
use crate::syntax::ast::{self, ArgumentValue, Clause, ExprKind, Literal, Path, Value, ValueKind};
use crate::value::{Span as Length, Step};

use super::super::check::Settings;
use super::super::formula::length;
use super::super::items::{Items, output_step};
use super::super::quality::named_rule;
use super::super::told::Told;
use super::super::{DimensionId, Metric, MetricId, Model, Sensitivity, Type, receivers};
use super::{Deliver, DeliverKind, Explain, Language, Report, TimeOfDay, by_default, has_dimension};

const ITEMS: &[&str] = &[
    "title",
    "title_en",
    "owner",
    "language",
    "at",
    "every",
    "metrics",
    "compare",
    "explain",
    "structure",
    "actions",
    "deliver",
];
const DEFAULT_TOP: u64 = 3;
/// More values than anybody reads.
const MOST: u64 = 20;

/// All reports of a program whose other declarations are typed.
pub fn check_reports(names: &Names<'_>, model: &Model, settings: &Settings, d: &mut Diagnostics) -> Vec<Report> {
    let told = Told { names, model, kind: "report" };
    let reports = names.reports.iter();
    reports.filter_map(|declared| Checker { told, settings, block: declared.syntax }.report(*declared, d)).collect()
}

struct Checker<'a> {
    told: Told<'a>,
    settings: &'a Settings,
    block: &'a ast::Block,
}

impl Checker<'_> {
    /// A report; none where it is not known what it tells, and when. All that is wrong with the rest is told too.
    fn report(&self, declared: Declared<'_, ast::Block>, d: &mut Diagnostics) -> Option<Report> {
        self.check_head(d);
        let items = Items::read("report", &self.block.items, ITEMS, &[], d);
        for (key, example) in [("at", "at: \"08:30\""), ("every", "every: 1d"), ("metrics", "metrics: dau, gmv")] {
            if items.get(key).is_none() && !items.broken {
                d.push(error!(E0206, self.block.name.span, "the report `{}` has no `{key}`", self.block.name.value;
                    help: ("write `{example}`")));
            }
        }
        let text = |key: &str, d: &mut Diagnostics| items.get(key).and_then(|_| items.string(key, d));
        let (title, title_en, owner) = (text("title", d), text("title_en", d), text("owner", d));
        let language = items.get("language").and_then(|_| items.word("language", &Language::WORDS, d));
        let at = self.at(&items, d);
        let every = self.every(&items, d);
        let told = d.len();
        let metrics = self.metrics(&items, every, d);
        // By what dimensions is only known of all metrics.
        let whole = d.len() == told;
        let compare = self.compare(&items, every, d);
        let explain = self.explain(&items, &metrics, whole, d);
        let structure = self.structure(&items, every, d);
        let actions = self.actions(&items, d);
        let deliver = self.deliver(&items, d);
        if metrics.is_empty() {
            return None;
        }
        Some(Report {
            name: self.block.name.clone(),
            doc: declared.doc.map(str::to_owned),
            title,
            title_en,
            owner,
            language: language.unwrap_or_default(),
            at: at?,
            every: every?,
            metrics,
            compare,
            explain,
            structure,
            actions,
            deliver,
            span: declared.span,
        })
    }

    fn check_head(&self, d: &mut Diagnostics) {
        let block = self.block;
        let stray = block.version.as_ref().map(|version| version.span);
        let stray = stray.or(block.of.as_ref().map(|(path, _)| path.span));
        if let Some(span) = stray.or(block.on.as_ref().map(|path| path.span)) {
            d.push(error!(E0860, span, "a report is of nothing, and has no versions";
                help: ("write `report {}` and its items, nothing in between", block.name.value)));
        }
    }

    fn at(&self, items: &Items<'_>, d: &mut Diagnostics) -> Option<TimeOfDay> {
        let (_, values) = items.get("at")?;
        let text = items.string("at", d)?;
        let found = TimeOfDay::parse(&text);
        if found.is_none() {
            let span = values.first().map(|value| value.span);
            d.push(
                error!(E0861, span, "`{text}` is no time of the day"; help: "write hours and minutes: `at: \"08:30\"`"),
            );
        }
        found
    }

    fn every(&self, items: &Items<'_>, d: &mut Diagnostics) -> Option<Step> {
        items.get("every")?;
        let value = items.one("every", d)?;
        let step = match &value.kind {
            ValueKind::Step(step) => output_step(step),
            _ => None,
        };
        let period = step.filter(|step| !matches!(step, Step::Subday(_) | Step::Declared(_)));
        if period.is_none() {
            d.push(error!(E0862, value.span, "a report tells of days, weeks, months, quarters or years";
                help: "write `every: 1d`, `every: 1w` or `every: month`"));
        }
        period
    }

    fn metrics(&self, items: &Items<'_>, every: Option<Step>, d: &mut Diagnostics) -> Vec<MetricId> {
        let Some((_, values)) = items.get("metrics") else { return Vec::new() };
        let mut found: Vec<(MetricId, Span)> = Vec::new();
        for value in values {
            let ValueKind::Expr { expr, clauses } = &value.kind else {
                d.push(no_metric(value.span));
                continue;
            };
            if let [Clause::By(path), ..] = clauses.as_slice() {
                d.push(error!(E0205, value.span, "`metrics` takes metrics as a whole";
                    help: ("write `structure: … by {path}` for a table by `{path}`, or `explain: top 3 by {path}`")));
                continue;
            }
            let Some(id) = self.metric(expr, clauses, d) else { continue };
            if let Some((_, first)) = found.iter().find(|(known, _)| *known == id) {
                d.push(
                    error!(E0204, value.span, "the metric `{}` stands twice", self.told.model.metrics[id.0].name.value;
                        help: "keep one of them")
                    .related(*first, "first here"),
                );
                continue;
            }
            if self.can_be_told(id, every, value.span, d) {
                found.push((id, value.span));
            }
        }
        found.into_iter().map(|(id, _)| id).collect()
    }

    /// The metric that an expression names; none where it is told to be wrong, here or at its declaration.
    fn metric(&self, expr: &ast::Expr, clauses: &[Clause], d: &mut Diagnostics) -> Option<MetricId> {
        if let (Some(found), []) =
            (named_rule(expr).and_then(|name| self.told.model.metric_named(&name, None)), clauses)
        {
            return Some(found);
        }
        let (ExprKind::Path { path, version }, []) = (&expr.kind, clauses) else {
            d.push(no_metric(expr.span));
            return None;
        };
        self.told.metric(path, version.as_ref().map(|version| version.value), expr.span, d)
    }

    /// Whether periods of a metric can be compared; what is in the way is told.
    fn can_be_told(&self, id: MetricId, every: Option<Step>, span: Span, d: &mut Diagnostics) -> bool {
        let metric = &self.told.model.metrics[id.0];
        // That it shows personal data was told at its declaration.
        if metric.ty.sensitivity != Sensitivity::Public {
            return false;
        }
        if !is_number(metric) {
            d.push(
                error!(E0863, span, "`{}` is no number, so no two periods can be compared", metric.name.value;
                    help: "leave it out, or count what it tells")
                .related(metric.name.span, "declared here"),
            );
            return false;
        }
        every.is_none_or(|every| self.told.has_buckets(id, every, span, d))
    }

    fn compare(&self, items: &Items<'_>, every: Option<Step>, d: &mut Diagnostics) -> Vec<Length> {
        let Some((_, values)) = items.get("compare") else { return every.map(by_default).unwrap_or_default() };
        let mut found: Vec<(Length, Span)> = Vec::new();
        for value in values {
            let ValueKind::Step(step) = &value.kind else {
                d.push(error!(E0205, value.span, "`compare` takes lengths of time"; help: "write `compare: 1d, 1w, 1year`"));
                continue;
            };
            let Some(length) = length(step, value.span, d) else { continue };
            if let Some((_, first)) = found.iter().find(|(known, _)| *known == length) {
                d.push(
                    error!(E0204, value.span, "this comparison stands twice"; help: "keep one of them")
                        .related(*first, "first here"),
                );
                continue;
            }
            if let Some(every) = every.filter(|every| !length.maps(*every)) {
                d.push(error!(E0864, value.span, "{} before a period of {} lies no such period", length.text(), every.text();
                    help: ("compare with whole periods: {}", examples(every))));
                continue;
            }
            found.push((length, value.span));
        }
        found.into_iter().map(|(length, _)| length).collect()
    }

    /// `top 3 by channel, feature`
    fn explain(&self, items: &Items<'_>, metrics: &[MetricId], whole: bool, d: &mut Diagnostics) -> Option<Explain> {
        let (_, values) = items.get("explain")?;
        let mut top = DEFAULT_TOP;
        let mut by: Vec<DimensionId> = Vec::new();
        for (place, value) in values.iter().enumerate() {
            let path = match &value.kind {
                ValueKind::Top { count, by } if place == 0 => {
                    match u64::try_from(count.value) {
                        Ok(count) if (1..=MOST).contains(&count) => top = count,
                        _ => d.push(error!(E0205, count.span, "`explain` tells 1 to {MOST} values of a dimension";
                            help: ("write `explain: top 3 by {by}`"))),
                    }
                    Some(by)
                }
                _ => path(value),
            };
            let Some(path) = path else {
                d.push(error!(E0205, value.span, "`explain` takes dimensions";
                    help: "write `explain: top 3 by channel, feature`, with `top` once"));
                continue;
            };
            let Some(id) = self.told.dimension(path, d) else { continue };
            if by.contains(&id) {
                d.push(error!(E0204, value.span, "the dimension `{path}` stands twice"; help: "keep one of them"));
                continue;
            }
            if whole && !metrics.is_empty() && !metrics.iter().any(|metric| has_dimension(self.told.model, *metric, id))
            {
                d.push(
                    error!(E0865, value.span, "no metric of this report has the dimension `{path}`";
                        help: "explain by a dimension of what the metrics count, or bind this one to it")
                    .related(self.told.model.dimensions[id.0].name.span, "the dimension"),
                );
                continue;
            }
            by.push(id);
        }
        (!by.is_empty()).then_some(Explain { top, by })
    }

    /// `gmv by channel, gmv by product_type`
    fn structure(&self, items: &Items<'_>, every: Option<Step>, d: &mut Diagnostics) -> Vec<(MetricId, DimensionId)> {
        let Some((_, values)) = items.get("structure") else { return Vec::new() };
        let mut found: Vec<(MetricId, DimensionId)> = Vec::new();
        for value in values {
            let (expr, path) = match &value.kind {
                ValueKind::Expr { expr, clauses } => match clauses.as_slice() {
                    [Clause::By(path)] => (expr, path),
                    _ => {
                        d.push(no_structure(value.span));
                        continue;
                    }
                },
                _ => {
                    d.push(no_structure(value.span));
                    continue;
                }
            };
            let (metric, dimension) = (self.metric(expr, &[], d), self.told.dimension(path, d));
            let Some((metric, dimension)) = metric.zip(dimension) else { continue };
            if !self.can_be_told(metric, every, expr.span, d) {
                continue;
            }
            let name = &self.told.model.metrics[metric.0].name.value;
            if !self.told.has_dimension(metric, dimension, path.span, d) {
                continue;
            }
            if found.contains(&(metric, dimension)) {
                d.push(error!(E0204, value.span, "`{name} by {path}` stands twice"; help: "keep one of them"));
            } else {
                found.push((metric, dimension));
            }
        }
        found
    }

    fn actions(&self, items: &Items<'_>, d: &mut Diagnostics) -> Vec<String> {
        let Some((_, values)) = items.get("actions") else { return Vec::new() };
        let mut found = Vec::new();
        for value in values {
            match text(value).filter(|text| !text.trim().is_empty()) {
                Some(text) => found.push(text.to_owned()),
                None => d.push(error!(E0205, value.span, "an action is a text in quotes that says what is to be done";
                    help: "write `actions: \"raise the quota of trial accounts, by Li, until 2026-12-05\"`")),
            }
        }
        found
    }

    /// `email("kpi"), dingtalk("ops")`
    fn deliver(&self, items: &Items<'_>, d: &mut Diagnostics) -> Vec<Deliver> {
        let Some((_, values)) = items.get("deliver") else { return Vec::new() };
        let mut found: Vec<Deliver> = Vec::new();
        for value in values {
            let Some((one, name)) = delivery(value, d) else { continue };
            if let Some(first) = found.iter().find(|known| known.kind == one.kind && known.to == one.to) {
                d.push(
                    error!(E0204, value.span, "the report goes to `{}` twice", one.to; help: "keep one of them")
                        .related(first.span, "first here"),
                );
                continue;
            }
            if receivers::check(self.settings, one.kind.channel(), &name, d) {
                found.push(one);
            }
        }
        found
    }
}

/// One way to people, and the name of the receiver with its place.
fn delivery(value: &Value, d: &mut Diagnostics) -> Option<(Deliver, Spanned<String>)> {
    const FORMS: &str = "write `email(\"kpi\")` or `dingtalk(\"ops\")`";
    let ValueKind::Expr { expr, clauses } = &value.kind else {
        d.push(error!(E0866, value.span, "this is no way to deliver a report"; help: FORMS));
        return None;
    };
    let (ExprKind::Call { function, arguments }, []) = (&expr.kind, clauses.as_slice()) else {
        d.push(error!(E0866, value.span, "this is no way to deliver a report"; help: FORMS));
        return None;
    };
    let word = function.to_string();
    let kind = DeliverKind::WORDS.iter().find(|(known, _)| *known == word);
    let Some((_, kind)) = kind else {
        let help = match near(&word, DeliverKind::WORDS.iter().map(|(known, _)| *known)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => FORMS.to_owned(),
        };
        d.push(error!(E0866, function.span, "a report is not delivered by `{word}`"; help: help));
        return None;
    };
    let to = match arguments.as_slice() {
        [ast::Argument { name: None, value: ArgumentValue::Expr(argument) }] => match &argument.kind {
            ExprKind::Literal(Literal::String(text)) if !text.trim().is_empty() => {
                Some(Spanned::new(text.clone(), argument.span))
            }
            _ => None,
        },
        _ => None,
    };
    if to.is_none() {
        d.push(error!(E0866, value.span, "`{word}` takes the name of its receivers"; help: ("write `{word}(\"kpi\")`, and `kpi` under `receivers` in metricc.yaml")));
    }
    let to = to?;
    Some((Deliver { kind: *kind, to: to.value.clone(), span: value.span }, to))
}

/// Whether the values of a metric can be subtracted from one another.
fn is_number(metric: &Metric) -> bool {
    matches!(metric.ty.ty, Type::Int | Type::Float | Type::Decimal { .. } | Type::Duration)
}

/// Comparisons that fit a period, in words.
fn examples(every: Step) -> String {
    let all: Vec<String> = by_default(every).into_iter().map(|length| format!("`{}`", length.text())).collect();
    all.join(", ")
}

fn no_metric(span: Span) -> Diagnostic {
    error!(E0205, span, "`metrics` takes names of metrics"; help: "write `metrics: dau, gmv`, and declare what is computed as a metric")
}

fn no_structure(span: Span) -> Diagnostic {
    error!(E0205, span, "`structure` takes metrics with a dimension each"; help: "write `structure: gmv by channel, gmv by product_type`")
}

/// The text that a value is.
fn text(value: &Value) -> Option<&str> {
    match &value.kind {
        ValueKind::Expr { expr, clauses } if clauses.is_empty() => match &expr.kind {
            ExprKind::Literal(Literal::String(text)) => Some(text),
            _ => None,
        },
        _ => None,
    }
}

/// The path that a value is.
fn path(value: &Value) -> Option<&Path> {
    match &value.kind {
        ValueKind::Expr { expr, clauses } if clauses.is_empty() => match &expr.kind {
            ExprKind::Path { path, version: None } => Some(path),
            _ => None,
        },
        _ => None,
    }
}
