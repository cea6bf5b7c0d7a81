//! `metricc verify`: whether the old and the new meaning of metrics agree, or any two results.

mod changes;
mod compared;
mod fetch;
mod gate;
mod record;
mod results;
#[cfg(feature = "dry-run")]
mod samples;
mod source;
mod text;
mod view;
mod wanted;

use std::path::{Path, PathBuf};

use super::ledger::Ledger;
use super::ready::Ready;
use super::{Context, Exit, Outcome, Stop, rewrite, server};
use crate::ask;
use crate::change::verify::report::{Group, html, json};
use crate::change::verify::{self, Entry, Minimum};
use crate::compile::Compiled;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::error;
use crate::types::{CaliberChange, MetricId, Stage};
use crate::value::time::{midnight, parse_date, parse_timestamp};

pub use gate::recorded;

use changes::Meant;
use compared::{Compared, SideOf};
use fetch::Fetcher;
use source::Source;
use wanted::{Cut, Program, Wanted};

/// Verify that two versions of metrics, or two results, agree: by bucket and slice
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Changes, by name [default: all in double run]; with `--left` and `--right` metrics
    #[arg(value_name = "CHANGE|METRIC")]
    names: Vec<String>,
    /// Where both versions of a change are asked for: dry-run[:DIR] or clickhouse[:TARGET] [default: clickhouse where the
    /// server of the only target is known, else dry-run]
    #[arg(long = "in", value_name = "SOURCE", conflicts_with_all = ["left", "right"])]
    place: Option<String>,
    /// The old side: dry-run[:DIR], clickhouse[:TARGET], view:NAME, batch[:TARGET], stream[:TARGET], csv:FILE or parquet:FILE
    #[arg(long, value_name = "SOURCE", requires = "right")]
    left: Option<String>,
    /// The new side, likewise
    #[arg(long, value_name = "SOURCE", requires = "left")]
    right: Option<String>,
    /// Only from this day, month or time on
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Only up to this day or month (included), or before this time
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// The step of the buckets [default: the coarsest grain of each metric up to a day]
    #[arg(long, value_name = "STEP")]
    step: Option<String>,
    /// The dimensions whose slices are compared; `none` for the totals alone [default: those of each metric]
    #[arg(long, value_name = "DIMENSION", value_delimiter = ',')]
    by: Vec<String>,
    /// By how much both may differ, e.g. 0.5% [default: that of the change; 0 for metrics]
    #[arg(long, value_name = "SHARE")]
    tolerance: Option<String>,
    /// Slices of less volume are not judged one by one: a number, or a share of the bucket's volume such as 1%
    #[arg(long, value_name = "VOLUME", default_value = "1%")]
    minimum_volume: String,
    /// The metric that tells the volume of slices [default: the values themselves]
    #[arg(long, value_name = "METRIC")]
    volume: Option<String>,
    /// Judge only what is complete at this time: the end of a day or month, or an instant [default: now, where a server is
    /// asked; all data elsewhere]
    #[arg(long, value_name = "TIME")]
    as_of: Option<String>,
    /// Record the verdict of each day in the ledger
    #[arg(long, conflicts_with_all = ["left", "right", "tolerance", "step", "by"])]
    record: bool,
    /// How the result is written
    #[arg(long, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    format: Format,
    /// The file to write it to; `-` is standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// `--format`
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// A table a metric
    Table,
    /// For programs
    Json,
    /// A page with charts that needs nothing else
    Html,
}

/// Compares, records where it is asked to, and shows. The exit code tells whether both sides agree; whatever keeps them from
/// being compared is a failure, so that it is not taken for a difference.
pub fn run(args: &Args, context: &Context) -> Outcome {
    match verified(args, context) {
        Err(stop @ Stop::Found { .. }) => {
            context.stop(stop);
            Ok(Exit::Failure)
        }
        outcome => outcome,
    }
}

fn verified(args: &Args, context: &Context) -> Outcome {
    let ready = context.compiled()?;
    let groups = match (&args.left, &args.right) {
        (Some(left), Some(right)) => {
            vec![of_metrics(args, &Source::parse(left)?, &Source::parse(right)?, &ready, context)?]
        }
        _ => of_changes(args, &ready, context)?,
    };
    if groups.is_empty() {
        context.note("nothing is in double run");
        return Ok(Exit::Clean);
    }
    show(args, &groups, &ready, context)?;
    Ok(if groups.iter().all(Group::agrees) { Exit::Clean } else { Exit::Findings })
}

fn show(args: &Args, groups: &[Group], ready: &Ready, context: &Context) -> Result<(), Stop> {
    let file = args.output.as_deref().filter(|file| *file != Path::new("-"));
    let promote = |group: &Group| {
        let name = group.change.as_deref().and_then(|change| change.split(' ').next()).unwrap_or_default();
        format!("metricc promote {name}")
    };
    let text = match args.format {
        Format::Table => {
            let paint = if file.is_some() { super::ui::Paint::new(false) } else { context.paint() };
            text::text(groups, &promote, paint)
        }
        Format::Json => format!("{:#}\n", json(groups)),
        Format::Html => html(&ready.project.config.name, groups, &promote),
    };
    match file {
        Some(file) => rewrite::create(file, text.as_bytes()).map_err(|failure| (*failure).into()),
        None => context.print(&text),
    }
}

/// The metrics that are named, from two sources.
fn of_metrics(args: &Args, left: &Source, right: &Source, ready: &Ready, context: &Context) -> Result<Group, Stop> {
    if args.names.is_empty() {
        return Err(error!(E0991, None, "`--left` and `--right` compare metrics, and none is named"; help: "name one: `metricc verify dau --left …`").into());
    }
    let program = Program { compiled: &ready.compiled, beside: None };
    let mut fetcher = Fetcher::new(ready, context);
    let now = match fetcher.now(left)? {
        Some(now) => Some(now),
        None => fetcher.now(right)?,
    };
    let mut reports = Vec::new();
    for name in &args.names {
        let mut found = Diagnostics::new();
        let Some(metric) = ask::metric(&ready.compiled.model, name, &mut found) else {
            return Err(Stop::found(&ready.project, found));
        };
        let cut = Cut::of(&program, metric, args);
        let side = |source| -> Result<SideOf, Stop> {
            let label = label(&program, metric, source, &fetcher)?;
            side(source, &program, metric, &cut, args, ready, label)
        };
        let compared = Compared {
            metric: name.clone(),
            old: side(left)?,
            new: side(right)?,
            volume: volume(args, &program, &cut, ready)?,
            tolerance: args.tolerance.as_deref().map_or(Ok(0.0), share)?,
            expect: None,
            minimum: minimum(&args.minimum_volume)?,
            as_of: as_of(args, ready)?.or(now),
        };
        reports.push(compared::report(&compared, &mut fetcher)?);
    }
    Ok(Group { change: None, reason: None, reports })
}

/// The changes that are named, or all in double run.
fn of_changes(args: &Args, ready: &Ready, context: &Context) -> Result<Vec<Group>, Stop> {
    let chosen = changes::chosen(&args.names, ready)?;
    if chosen.is_empty() {
        return Ok(Vec::new());
    }
    let source = match &args.place {
        Some(text) => Source::parse(text)?,
        None => usual(ready),
    };
    if !matches!(source, Source::DryRun(_) | Source::Readers(_)) {
        return Err(error!(E0991, None, "both versions of a change are not in `{}`", source.text(None);
            help: "write `--in dry-run` or `--in clickhouse:TARGET`; any two results are compared by `--left` and `--right`")
        .into());
    }
    let mut warnings = Diagnostics::new();
    let ledger = Ledger::of(ready, &mut warnings);
    let ledger = match ledger {
        Ok(ledger) => Some(ledger),
        Err(stop) if args.record => return Err(stop),
        // Whoever only looks may have no access to the server that holds it.
        Err(_) => {
            context.note("the ledger is not known here, and so not how many days were good");
            None
        }
    };
    if !warnings.is_empty() {
        context.report(&ready.project.sources, &ready.project.root, &warnings);
    }
    chosen.into_iter().map(|change| of_change(change, &source, ledger.as_ref(), args, ready, context)).collect()
}

/// The readers' views where the server of the only target is known, else the dry run.
fn usual(ready: &Ready) -> Source {
    match ready.project.warehouses()[..] {
        [only] if server::is_known(only) => Source::Readers(None),
        _ => Source::DryRun(None),
    }
}

fn of_change(
    change: &CaliberChange,
    source: &Source,
    ledger: Option<&Ledger>,
    args: &Args,
    ready: &Ready,
    context: &Context,
) -> Result<Group, Stop> {
    let other = changes::program(change, ready)?;
    let beside = format!("{}_v{}", change.name.replace('.', "__"), change.other());
    let (own, then) =
        (Program { compiled: &ready.compiled, beside: None }, Program { compiled: &other, beside: Some(beside) });
    let meant = (Meant::of(&ready.compiled), Meant::of(&other));
    let mut fetcher = Fetcher::new(ready, context);
    let at = as_of(args, ready)?.or(fetcher.now(source)?);
    let target = fetcher.target(source)?.map(|target| target.name.value.as_str());
    let (known, note) = match ledger {
        Some(ledger) => ledger.read(&change.name, change.from, change.to)?,
        None => (Vec::new(), None),
    };
    note.iter().for_each(|note| context.note(note));
    let mut entries: Vec<Entry> = known;
    let mut reports = Vec::new();
    let mut recorded = Vec::new();
    for (id, of) in changes::metrics(ready, &other) {
        let cut = Cut::of(&own, id, args);
        let label = |version: u32| format!("{} v{version} in {}", change.name, source.text(target));
        let current = side(source, &own, id, &cut, args, ready, label(change.current()))?;
        let beside = side(source, &then, of, &cut, args, ready, label(change.other()))?;
        let (old, new) = match change.stage {
            Stage::DoubleRun => (current, beside),
            Stage::Live => (beside, current),
        };
        let compared = Compared {
            metric: ready.compiled.model.metrics[id.0].name.value.clone(),
            old,
            new,
            volume: volume(args, &own, &cut, ready)?,
            tolerance: args.tolerance.as_deref().map_or(Ok(change.tolerance), share)?,
            expect: change.expect,
            minimum: minimum(&args.minimum_volume)?,
            as_of: at,
        };
        let report = compared::report(&compared, &mut fetcher)?;
        let meanings = changes::meanings(change, (&meant.0, &meant.1), (id, of));
        if args.record {
            recorded.extend(record::entries(
                change,
                &report,
                &meanings,
                &source.text(target),
                at.unwrap_or_else(record::now),
                &record::Asked { from: compared.old.wanted.from, to: compared.old.wanted.to },
            ));
        }
        reports.push((report, meanings));
    }
    if let (true, Some(ledger)) = (args.record, ledger) {
        ledger.append(&recorded)?;
        context.note(&format!("{} days recorded in {}", recorded.len(), ledger.place()));
        entries.append(&mut recorded);
    }
    let gated = reports.into_iter().map(|(mut report, meanings)| {
        let own = entries.iter().filter(|entry| entry.metric == report.metric);
        report.gate = ledger.map(|_| verify::gate(own, &meanings.old, &meanings.new, change.double_run_days));
        report
    });
    let reason =
        change.ticket.as_ref().map_or_else(|| change.reason.clone(), |ticket| format!("{} ({ticket})", change.reason));
    Ok(Group { change: Some(change.label()), reason: Some(reason), reports: gated.collect() })
}

/// One side: with the total apart where slices do not add up, and the dry run can tell it. There is no total over the models of an
/// attribution or the variants of an experiment.
fn side<'a, 'p>(
    source: &'a Source,
    program: &'p Program<'p>,
    metric: MetricId,
    cut: &Cut,
    args: &Args,
    ready: &Ready,
    label: String,
) -> Result<SideOf<'a, 'p>, Stop> {
    let wanted = Wanted::of(program, metric, cut, args, ready)?;
    let apart = !cut.by.is_empty() && !wanted.is_additive() && matches!(source, Source::DryRun(_));
    let total = apart.then(|| Wanted::of(program, metric, &Cut { by: Vec::new(), ..cut.clone() }, args, ready));
    let total = match total {
        Some(Err(stop)) if stop.has(&["E0980", "E0981"]) => None,
        total => total.transpose()?,
    };
    Ok(SideOf { source, wanted, total, label })
}

fn label(program: &Program, metric: MetricId, source: &Source, fetcher: &Fetcher) -> Result<String, Stop> {
    let metric = &program.compiled.model.metrics[metric.0];
    let target = fetcher.target(source)?.map(|target| target.name.value.as_str());
    Ok(format!("{} in {}", metric.name.value, source.text(target)))
}

/// The metric that weighs the slices, by the same buckets and dimensions.
fn volume<'p>(args: &Args, program: &'p Program<'p>, cut: &Cut, ready: &Ready) -> Result<Option<Wanted<'p>>, Stop> {
    let Some(name) = &args.volume else { return Ok(None) };
    let compiled: &Compiled = program.compiled;
    let mut found = Diagnostics::new();
    let Some(metric) = ask::metric(&compiled.model, name, &mut found) else {
        return Err(Stop::found(&ready.project, found));
    };
    Wanted::of(program, metric, cut, args, ready).map(Some)
}

/// `0.5%`, `0.005`
fn share(text: &str) -> Result<f64, Box<Diagnostic>> {
    let (number, unit) = text.trim().strip_suffix('%').map_or((text.trim(), 1.0), |number| (number.trim(), 100.0));
    let found =
        number.parse::<f64>().ok().map(|number| number / unit).filter(|share| share.is_finite() && *share >= 0.0);
    found.ok_or_else(|| Box::new(error!(E0991, None, "`--tolerance {text}` is no share"; help: "write 0.5%, or 0.005")))
}

fn minimum(text: &str) -> Result<Minimum, Box<Diagnostic>> {
    let found =
        if text.trim().ends_with('%') { share(text).map(Minimum::Share) } else { share(text).map(Minimum::Volume) };
    found.map_err(|_| Box::new(error!(E0991, None, "`--minimum-volume {text}` is no volume"; help: "write a number such as 100, or a share of the bucket such as 1%")))
}

/// The instant of `--as-of`: of a day or month its end.
fn as_of(args: &Args, ready: &Ready) -> Result<Option<i64>, Stop> {
    let Some(text) = args.as_of.as_deref().map(str::trim) else { return Ok(None) };
    let model = &ready.compiled.model;
    let (zone, week_start) = (model.zone, model.week_start);
    let end = |days: i32, step: crate::value::Step| {
        let day = chrono::NaiveDate::default() + chrono::Duration::days(i64::from(days));
        step.next(midnight(day, zone), zone, week_start)
    };
    let found = parse_date(text)
        .map(|day| end(day, crate::value::Step::Day))
        .or_else(|| parse_date(&format!("{text}-01")).map(|day| end(day, crate::value::Step::Month)))
        .or_else(|| parse_timestamp(text, zone));
    found.map(Some).ok_or_else(|| {
        error!(E0955, None, "`--as-of {text}` is not a day or time"; help: "write 2026-11-01, 2026-11 or \"2026-11-01 08:00:00\"").into()
    })
}
