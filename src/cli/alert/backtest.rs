//! `metricc alert backtest`: what alerts would have told over history.

use std::path::{Path, PathBuf};

use super::super::answers::{EngineArgs, Fetcher};
use super::super::ready::Ready;
use super::super::revisions::{Loaded, Side, load_both};
use super::super::ui::Paint;
use super::super::{Context, Exit, Outcome, Stop, rewrite};
use super::looked::{self, Chosen};
use super::range::Range;
use super::{html, json, text, told};
use crate::backtest::{Compared, History, Incident, Names, Replayed, Tested, compare, parse, tested};
use crate::error;
use crate::project::{Pace, TargetSettings};

/// Replay history: when alerts would have fired, how many messages they would have sent, and which incidents they find
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Alerts and objectives [default: all]
    #[arg(value_name = "ALERT")]
    names: Vec<String>,
    #[command(flatten)]
    engine: EngineArgs,
    /// From this day or time on [default: 28 days ago where a server is asked, else from the first row on]
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Up to this day, which is included, or time
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// Incidents to hold them against: CSV with the columns start, end and name, and maybe alert, metric and dimensions
    #[arg(long, value_name = "FILE")]
    incidents: Option<PathBuf>,
    /// Compare with the definitions of a revision of git, or of another folder, over the same data
    #[arg(long, value_name = "REV")]
    against: Option<String>,
    /// How it is told
    #[arg(long, value_enum, default_value_t = Format::Text, value_name = "FORMAT")]
    format: Format,
    /// The file to write to; `-` is standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// `--format`
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For programs
    Json,
    /// A page that needs nothing else
    Html,
}

/// Asks, replays and tells. The exit code tells whether an incident was found by no alert; whatever keeps alerts from being replayed is a
/// failure.
pub fn run(args: &Args, context: &Context) -> Outcome {
    match replayed(args, context) {
        Err(stop @ Stop::Found { .. }) => {
            context.stop(stop);
            Ok(Exit::Failure)
        }
        outcome => outcome,
    }
}

fn replayed(args: &Args, context: &Context) -> Outcome {
    let ready = context.compiled()?;
    let model = &ready.compiled.model;
    let chosen = Chosen::of(&args.names, &ready, true)?;
    if chosen.is_empty() {
        context.note("the project has no alerts and no objectives");
        return Ok(Exit::Clean);
    }
    let incidents = args.incidents.as_deref().map(|file| incidents(file, &ready)).transpose()?;
    let mut fetcher = Fetcher::new(&args.engine, &ready, context)?;
    let range = Range::of(args.from.as_deref(), args.to.as_deref(), model, &mut fetcher)?;
    let looked = chosen.look(range, &ready, &mut fetcher)?;
    let history = looked.history(range, model)?;
    let rules = chosen.replay(&looked, history, model);
    let against = match &args.against {
        Some(word) => Some((word.clone(), before(args, word, history, &rules, &ready, context)?)),
        None => None,
    };
    let mut found = tested(rules, history, incidents, &pace(&ready));
    found.advice = chosen.advice(&looked, history, model, &found.incidents);
    found.against = against;
    show(args, &found, &ready, context)?;
    let missed = found.judged.as_ref().is_some_and(|judged| judged.found.iter().any(|(_, delay)| delay.is_none()));
    Ok(if missed { Exit::Findings } else { Exit::Clean })
}

/// How often people are told: as the project's target of alerts says, or as it is where nothing is said.
fn pace(ready: &Ready) -> [Pace; 3] {
    let of = |target: &crate::project::Target| match &target.settings {
        TargetSettings::Alerts(alerts) => Some(alerts.pace),
        _ => None,
    };
    ready.project.targets.iter().find_map(of).unwrap_or(Pace::DEFAULT)
}

/// The incidents of a file.
fn incidents(file: &Path, ready: &Ready) -> Result<Vec<Incident>, Stop> {
    let model = &ready.compiled.model;
    let bytes = std::fs::read(file).map_err(|failure| {
        Stop::from(
            error!(E0002, None, "`{}` can't be read: {failure}", file.display(); help: "is this the right path?"),
        )
    })?;
    // What is no UTF-8 is told by its reader, at its place.
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let names = Names {
        alerts: looked::all(model).collect(),
        metrics: model.metrics.iter().map(|metric| metric.name.value.as_str()).collect(),
        dimensions: model.dimensions.iter().map(|dimension| dimension.name.value.as_str()).collect(),
    };
    let mut sources = ready.project.sources.clone();
    let id = sources.add(file.display().to_string(), text.clone());
    let (found, told) = parse(id, &text, &names, model.zone);
    if told.is_empty() {
        return Ok(found);
    }
    Err(Stop::Found { sources: Box::new(sources), root: PathBuf::from("."), diagnostics: told })
}

/// What the definitions of a revision would have told of the same history.
fn before(
    args: &Args,
    word: &str,
    history: History,
    after: &[Replayed],
    ready: &Ready,
    context: &Context,
) -> Result<Vec<Compared>, Stop> {
    let root = context.root()?;
    let (base, here) = Side::both(&[word.to_owned()], &root)?;
    let (base, _here) = load_both(&base, &here, &root).map_err(|mut sides| {
        let refused = sides.remove(0);
        context.note(&format!("{} can't be compared", refused.name));
        Stop::Found { sources: refused.sources, root: refused.root, diagnostics: refused.diagnostics }
    })?;
    let Loaded::Program(program) = base else {
        return Err(
            error!(E0039, None, "a lock has no alerts to replay"; help: "name a revision of git, or a folder").into()
        );
    };
    let of = &program.ready;
    let chosen = Chosen::of(&args.names, of, false)?;
    // The rows are the same, wherever the definitions are from; what was built of them is of these definitions.
    let engine = EngineArgs { live: true, ..args.engine.clone() };
    let mut fetcher = Fetcher::new(&engine, ready, context)?;
    let range = Range { from: Some(history.from), to: Some(history.to) };
    let looked = chosen.look(range, of, &mut fetcher)?;
    Ok(compare(&chosen.replay(&looked, history, &of.compiled.model), after))
}

fn show(args: &Args, found: &Tested, ready: &Ready, context: &Context) -> Result<(), Stop> {
    let file = args.output.as_deref().filter(|file| *file != Path::new("-"));
    let zone = ready.compiled.model.zone;
    let page = || told::page(&ready.project.config.name, found, zone);
    let text = match args.format {
        Format::Text => {
            let paint = if file.is_some() { Paint::new(false) } else { context.paint() };
            text::text(&page(), paint)
        }
        Format::Json => json::json(found, zone),
        Format::Html => html::html(&page()),
    };
    match file {
        Some(file) => rewrite::create(file, text.as_bytes()).map_err(|failure| (*failure).into()),
        None => context.print(&text),
    }
}
