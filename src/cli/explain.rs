//! `metricc explain`: what a diagnostic means, or what a declaration says.

mod caliber;
mod changes;
pub(super) mod rollups;

use super::{Context, Exit, Outcome, Stop, debug, declared, markdown, ready::Ready, ui};
use crate::{
    diagnostic::{Code, codes},
    error,
    plan::{Lowering, Question, stored_columns},
    suggest::near,
    syntax::ast::Declaration,
    types::{Grain, Metric, MetricId, Model},
};

/// Tell what a diagnostic means, what a declaration says, or which rollups there are and why
#[derive(clap::Args, Debug)]
pub struct Args {
    /// A code such as E0201, a name such as dau, or `rollups`; without it, all codes are listed
    #[arg(value_name = "CODE|NAME|rollups")]
    subject: Option<String>,
    /// How `rollups` are shown
    #[arg(long, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    format: Format,
}

/// `--format`
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// For people
    Table,
    /// For programs
    Json,
}

/// The subject that is no code and no name.
const ROLLUPS: &str = "rollups";

/// Prints the page of a code, the declarations of a name, or the list of all codes.
pub fn run(args: &Args, context: &Context) -> Outcome {
    let subject = args.subject.as_deref().map(str::trim);
    if args.format == Format::Json && subject != Some(ROLLUPS) {
        return Err(error!(E0039, None, "only `explain rollups` has a form for programs";
            help: "leave `--format json` out")
        .into());
    }
    let text = match subject {
        None => list(),
        Some(ROLLUPS) => {
            let told = rollups::told(&context.compiled()?)?;
            match args.format {
                Format::Table => rollups::shown(&told, context.paint()),
                Format::Json => rollups::as_json(told),
            }
        }
        Some(subject) => match Code::parse(subject) {
            Some(code) => markdown::render(code.page(), context.paint(), ui::width()),
            None if looks_like_code(subject) => return Err(unknown(subject).into()),
            None => {
                let ready = context.compiled()?;
                let found = declared::find(subject, &ready.compiled.files);
                if found.is_empty() {
                    return Err(debug::unknown(subject, declared::names(&ready.compiled.files)));
                }
                let parts: Result<Vec<String>, Stop> =
                    found.iter().map(|one| declaration(one, &ready, context)).collect();
                let names = found.iter().filter_map(|one| declared::name(one)).collect();
                parts?.join("\n") + &changes::told(&names, &ready, context.paint())
            }
        },
    };
    context.print(&text)?;
    Ok(Exit::Clean)
}

/// All codes with their titles.
fn list() -> String {
    let title =
        |page: &str| page.lines().next().and_then(|line| line.split_once(": ")).map(|(_, title)| title.to_owned());
    let rows = codes::PAGES.iter().map(|(code, page)| vec![code.0.to_owned(), title(page).unwrap_or_default()]);
    ui::table(&[ui::Column::text("code"), ui::Column::text("what is wrong")], rows)
}

/// A letter of a severity with digits behind it.
fn looks_like_code(subject: &str) -> bool {
    let digits = subject.strip_prefix(['E', 'W', 'L', 'e', 'w', 'l']);
    digits.is_some_and(|digits| digits.len() > 1 && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

fn unknown(subject: &str) -> crate::diagnostic::Diagnostic {
    let upper = subject.to_uppercase();
    let close = near(&upper, codes::PAGES.iter().map(|(code, _)| code.0));
    let help = match close {
        Some(close) => format!("did you mean `{close}`? `metricc explain` lists all codes"),
        None => "`metricc explain` lists all codes".to_owned(),
    };
    error!(E0039, None, "there is no code `{subject}`"; help: help)
}

/// Where a declaration stands, what it says, and what it makes of the rest.
fn declaration(found: &Declaration, ready: &Ready, context: &Context) -> Result<String, Stop> {
    let (paint, sources) = (context.paint(), &ready.project.sources);
    let file = sources.file(found.span.file);
    let (line, _) = file.position(found.span.start);
    let mut text = format!("{}\n\n", paint.dim(&format!("{}:{line}", file.path)));
    if let Some(doc) = &found.doc {
        text += &markdown::render(doc, paint, ui::width());
        text.push('\n');
    }
    for line in sources.text(found.span).lines() {
        text += &format!("    {}\n", paint.cyan(&crate::diagnostic::render::visible(line)));
    }
    let model = &ready.compiled.model;
    let metric =
        model.metrics.iter().position(|metric| metric.span == found.span || metric.name.span == name_span(found));
    if let Some(place) = metric {
        let facts = facts(MetricId(place), model);
        let width = facts.iter().map(|(what, _)| what.len()).max().unwrap_or(0);
        text.push('\n');
        for (what, value) in facts {
            text += &format!("{}  {value}\n", paint.bold(&format!("{what:width$}")));
        }
        for lines in caliber::of(MetricId(place), model, sources) {
            text.push('\n');
            for (at, (what, value)) in lines.iter().enumerate() {
                let again = at > 0 && lines[at - 1].0 == *what;
                let what = if again { "" } else { what };
                text += &format!("{}  {value}\n", paint.bold(&format!("{what:8}")));
            }
        }
        let metric = &model.metrics[place];
        let served = rollups::of_metric(&rollups::told(ready)?, &metric.name.value, metric.version);
        let width = served.iter().map(|(what, _)| what.len()).max().unwrap_or(0);
        if !served.is_empty() {
            text.push('\n');
        }
        for (what, value) in served {
            text += &format!("{}  {value}\n", paint.bold(&format!("{what:width$}")));
        }
    }
    Ok(text)
}

/// The place of a metric's name; any other place for what is no metric.
fn name_span(found: &Declaration) -> crate::diagnostic::Span {
    match &found.kind {
        crate::syntax::ast::DeclarationKind::Metric(metric) => metric.name.span,
        _ => found.span,
    }
}

/// What the compiler knows of a metric beside its text.
fn facts(id: MetricId, model: &Model) -> Vec<(&'static str, String)> {
    let metric: &Metric = &model.metrics[id.0];
    let mut facts = Vec::new();
    if let Some(unit) = &metric.ty.unit {
        facts.push(("unit", unit.to_string()));
    }
    let grain = metric.grain.iter().map(|grain| match grain {
        Grain::Step(step) => step.text(),
        Grain::Total => "total".to_owned(),
    });
    facts.push(("grain", grain.collect::<Vec<_>>().join(", ")));
    let by: Vec<String> = metric.by.iter().map(|by| by.name(&model.dimensions)).collect();
    if !by.is_empty() {
        facts.push(("by", by.join(", ")));
    }
    let lowering = Lowering::new(model);
    let read = lowering.tables_of(id);
    let mut stored: Vec<_> = read.iter().flat_map(|table| table.stored(&model.tables)).collect();
    stored.sort_unstable();
    stored.dedup();
    let tables: Vec<&str> = stored.iter().map(|id| model.table(*id).name.as_str()).collect();
    facts.push(("reads", tables.join(", ")));
    if let Some(columns) = columns(id, &lowering) {
        facts.push(("columns", columns));
    }
    let used: Vec<&str> =
        model.metrics.iter().filter(|other| names(other, id)).map(|other| other.name.as_str()).collect();
    if !used.is_empty() {
        facts.push(("used by", used.join(", ")));
    }
    facts
}

/// The stored columns that a metric reads at its own grain and dimensions, those in the texts of `sql(…)` included.
fn columns(id: MetricId, lowering: &Lowering<'_>) -> Option<String> {
    let by = lowering.model.metrics[id.0].by.clone();
    let query = lowering.lower(&Question { by, ..Question::of(vec![id]) }).ok()?;
    let columns = stored_columns(&query.tables, &query.scans).into_iter();
    let columns: Vec<String> = columns.map(|(table, name)| format!("{}.{name}", query.tables[table].name)).collect();
    (!columns.is_empty()).then(|| columns.join(", "))
}

/// Whether a metric's formula names another one.
fn names(metric: &Metric, id: MetricId) -> bool {
    let mut found = false;
    metric
        .formula
        .walk(&mut |part| found |= matches!(part.kind, crate::types::FormulaKind::Metric(other) if other == id));
    found
}
