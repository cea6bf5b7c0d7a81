//! Questions as people write them on the command line and in tests: names, steps, days and conditions as text.

use crate::diagnostic::{Diagnostic, Diagnostics, FileId, Span};
use crate::error;
use crate::plan::{AskedStep, Question};
use crate::project::SourceMap;
use crate::suggest::near;
use crate::syntax::{self, ast};
use crate::types::{By, DimFilter, Fill, FilterScope, InContext, KeyScope, MetricId, Model, TableId, check_filter};
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
    /// A condition on dimensions.
    pub filter: Option<String>,
    /// `none`, `null` or `zero`.
    pub fill: Option<String>,
    /// Output columns, each with `desc` behind it for greatest first.
    pub order: Vec<String>,
    /// At most so many rows.
    pub limit: Option<u64>,
}

/// The question that is asked, with every mistake told. The condition's text is added to `sources`, so that it can be shown.
pub fn question(model: &Model, asked: &Asked, sources: &mut SourceMap) -> Result<Question, Diagnostics> {
    let mut d = Diagnostics::new();
    let metrics: Vec<MetricId> = asked.metrics.iter().filter_map(|text| metric(model, text, &mut d)).collect();
    let mut rows: Vec<TableId> = metrics.iter().flat_map(|id| &model.facts[id.0].reads).copied().collect();
    rows.sort_unstable();
    rows.dedup();
    let by = asked.by.iter().filter_map(|text| by(model, &rows, text, &mut d)).collect();
    let step = step(asked.step.as_deref(), &mut d);
    let from = asked.from.as_deref().and_then(|text| limit(model, "--from", text, false, &mut d));
    let to = asked.to.as_deref().and_then(|text| limit(model, "--to", text, true, &mut d));
    if let (Some(from), Some(to)) = (from, to)
        && from >= to
    {
        d.push(error!(E0956, None, "`--from` is not before `--to`"; help: "swap them"));
    }
    let filter = asked.filter.as_deref().and_then(|text| filter(model, &rows, text, sources, &mut d));
    let fill = asked.fill.as_deref().and_then(|text| fill(text, &mut d));
    let order = asked.order.iter().map(|text| order(text)).collect();
    let step = step.unwrap_or(AskedStep::Default);
    let question = Question { metrics, step, by, from, to, filter, fill, order, limit: asked.limit };
    if d.has_errors() { Err(d) } else { Ok(question) }
}

/// The metric of a name, with a version or the newest.
pub fn metric(model: &Model, text: &str, d: &mut Diagnostics) -> Option<MetricId> {
    let (name, version) = match text.trim().rsplit_once([' ', '@']) {
        Some((name, version)) => match version.strip_prefix('v').and_then(|number| number.parse::<u32>().ok()) {
            Some(version) => (name.trim(), Some(version)),
            None => (text.trim(), None),
        },
        None => (text.trim(), None),
    };
    let of_name = model.metrics.iter().enumerate().filter(|(_, metric)| metric.name.value == name);
    let found = match version {
        Some(version) => of_name.clone().find(|(_, metric)| metric.version == version),
        None => of_name.clone().max_by_key(|(_, metric)| metric.version),
    };
    if let Some((place, _)) = found {
        return Some(MetricId(place));
    }
    let known = of_name.count() > 0;
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

fn step(text: Option<&str>, d: &mut Diagnostics) -> Option<AskedStep> {
    match text.map(str::trim) {
        None => Some(AskedStep::Default),
        Some("none" | "total") => Some(AskedStep::None),
        Some(text) => match Step::parse(text) {
            Some(step) => Some(AskedStep::Step(step)),
            None => {
                d.push(error!(E0954, None, "`{text}` is not an output step";
                    help: "use a divisor of a day (1m, 5m, 1h …), 1d, 1w, month, quarter, year, or none"));
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

/// A condition on dimensions, for the rows of some tables, out of its text. It is read as the filter of a metric, so it has the
/// same syntax.
pub fn filter(
    model: &Model,
    rows: &[TableId],
    text: &str,
    sources: &mut SourceMap,
    d: &mut Diagnostics,
) -> Option<DimFilter> {
    let file = sources.add("--where", text);
    let mut found = Diagnostics::new();
    let filter = read_filter(model, rows, file, text, &mut found);
    d.extend(found.into_iter().map(|one| in_text_alone(one, text)).collect());
    filter
}

/// What stands before the text of a condition where it is read.
const HEAD: &str = "metric asked = asked where (";

fn read_filter(model: &Model, rows: &[TableId], file: FileId, text: &str, d: &mut Diagnostics) -> Option<DimFilter> {
    const HELP: &str = "compare dimensions with literals: `--where 'platform = \"ios\" and not channel in (\"ads\")'`";
    let (parsed, found) = syntax::parse(file, &format!("{HEAD}{text}\n  )"));
    if let Some(first) = found.iter().next() {
        d.push(error!(E0957, first.span, "this is not a condition: {}", first.message; help: HELP));
        return None;
    }
    let condition = match parsed.declarations.as_slice() {
        [ast::Declaration { kind: ast::DeclarationKind::Metric(metric), .. }] => asked_condition(metric),
        _ => None,
    };
    let Some(condition) = condition else {
        let whole = Span::new(file, HEAD.len() as u32, (HEAD.len() + text.len()) as u32);
        d.push(
            error!(E0957, whole, "this is not one condition: brackets are closed that were never opened"; help: HELP),
        );
        return None;
    };
    let names = InContext { names: model, dimensions: &model.dimensions, tables: &model.tables, reads: rows };
    let keys = KeyScope { names: &names, dimensions: &model.dimensions, tables: &model.tables, zone: model.zone };
    check_filter(&FilterScope { keys, metrics: Some((model, rows)) }, condition, d)
}

/// The condition of `asked where (…)`, where that is all of the formula.
fn asked_condition(metric: &ast::Metric) -> Option<&ast::Expr> {
    let ast::ExprKind::Postfix { operand, postfix } = &metric.formula.kind else { return None };
    match (&operand.kind, postfix.as_ref()) {
        (ast::ExprKind::Path { .. }, ast::Postfix::Where(condition)) => Some(condition),
        _ => None,
    }
}

/// A diagnostic whose places are those in the text that the user wrote.
fn in_text_alone(mut found: Diagnostic, text: &str) -> Diagnostic {
    let moved = |span: Span, file| {
        let place = |at: u32| at.saturating_sub(HEAD.len() as u32).min(text.len() as u32);
        if span.file == file { Span::new(file, place(span.start), place(span.end)) } else { span }
    };
    let Some(span) = found.span else { return found };
    found.span = Some(moved(span, span.file));
    found.related.iter_mut().for_each(|related| related.span = moved(related.span, span.file));
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
