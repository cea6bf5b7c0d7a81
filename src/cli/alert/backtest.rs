//! `metricc alert backtest`: what alerts would have told over history.

use std::path::{Path, PathBuf};

use super::super::answers::{EngineArgs, Fetcher};
use super::super::ready::Ready;
use super::super::revisions::{Loaded, Side, load_both};
use super::super::ui::Paint;
use super::super::{Context, Exit, Outcome, Stop};
use super::looked::{self, Chosen};
use super::range::Range;
use super::shown::{Shown, ShownArgs, ended};
use super::{html, json, text, told};
use crate::backtest::{Compared, History, Incident, Names, Replayed, Telling, Tested, compare, parse, tested};
use crate::error;
use crate::project::{AlertsTarget, TargetSettings};

/// Replay history: when alerts would have fired, how many messages they would have sent, and which incidents they find
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Alerts, objectives and rules of quality [default: all]
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
    #[command(flatten)]
    shown: ShownArgs,
}

/// Asks, replays and tells. The exit code tells whether an incident was found by no alert; whatever keeps alerts from being replayed is a
/// failure.
pub fn run(args: &Args, context: &Context) -> Outcome {
    ended(replayed(args, context), context)
}

fn replayed(args: &Args, context: &Context) -> Outcome {
    let ready = context.compiled()?;
    let model = &ready.compiled.model;
    let rules = watches_rules(&ready);
    let chosen = Chosen::of(&args.names, &ready, rules, true)?;
    if chosen.is_empty() {
        context.note("the project has no alerts, no objectives and no rules of quality that are alerts");
        if args.shown.is_json() {
            args.shown.show(&Nothing, context)?;
        }
        return Ok(Exit::Clean);
    }
    let incidents = args.incidents.as_deref().map(|file| incidents(file, &ready)).transpose()?;
    // Two definitions are compared over what both have: the sources. What was built is of one of them.
    let engine = EngineArgs { live: args.engine.live || args.against.is_some(), ..args.engine.clone() };
    let mut fetcher = Fetcher::new(&engine, &ready, context)?;
    let range = Range::of(args.from.as_deref(), args.to.as_deref(), model, &mut fetcher)?;
    let looked = chosen.look(range, &ready, &mut fetcher)?;
    let history = looked.history(range, model)?;
    chosen.check_length(history, range)?;
    let rules = chosen.replay(&looked, history, model);
    let against = match &args.against {
        Some(word) => Some((word.clone(), before(args, word, history, &rules, context, &mut fetcher)?)),
        None => None,
    };
    let mut found = tested(rules, history, incidents, &telling(&ready));
    found.advice = chosen.advice(&looked, history, model, &found.incidents);
    found.against = against;
    args.shown.show(&Page { found: &found, ready: &ready }, context)?;
    let missed = found.judged.as_ref().is_some_and(|judged| judged.found.iter().any(|(_, delay)| delay.is_none()));
    Ok(if missed { Exit::Findings } else { Exit::Clean })
}

/// How and when people are told: as the project's first target of alerts says, or as it is where nothing is said.
fn telling(ready: &Ready) -> Telling<'_> {
    let zone = ready.compiled.model.zone;
    match targets(ready).next() {
        Some(target) => Telling { pace: target.pace, mute: &target.mute, zone },
        None => Telling { zone, ..Telling::DEFAULT },
    }
}

/// Whether rules of quality are alerts: where no target of alerts says that they are none.
fn watches_rules(ready: &Ready) -> bool {
    targets(ready).next().is_none() || targets(ready).any(|target| target.quality)
}

fn targets(ready: &Ready) -> impl Iterator<Item = &AlertsTarget> {
    ready.project.targets.iter().filter_map(|target| match &target.settings {
        TargetSettings::Alerts(alerts) => Some(alerts),
        _ => None,
    })
}

/// The incidents of a file.
fn incidents(file: &Path, ready: &Ready) -> Result<Vec<Incident>, Stop> {
    let model = &ready.compiled.model;
    let bytes = std::fs::read(file).map_err(|failure| {
        Stop::from(
            error!(E0002, None, "`{}` can't be read: {failure}", file.display(); help: "is this the right path?"),
        )
    })?;
    let known = looked::all(model);
    let names = Names {
        alerts: known.iter().map(String::as_str).collect(),
        metrics: model.metrics.iter().map(|metric| metric.name.value.as_str()).collect(),
        dimensions: model.dimensions.iter().map(|dimension| dimension.name.value.as_str()).collect(),
    };
    let mut sources = ready.project.sources.clone();
    let id = sources.add(file.display().to_string(), String::from_utf8_lossy(&bytes).into_owned());
    let (found, told) = parse(id, &bytes, &names, model.zone);
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
    context: &Context,
    fetcher: &mut Fetcher,
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
    let chosen = Chosen::of(&args.names, of, watches_rules(of), false)?;
    let range = Range { from: Some(history.from), to: Some(history.to) };
    let looked = chosen.look(range, of, fetcher)?;
    Ok(compare(&chosen.replay(&looked, history, &of.compiled.model), after))
}

/// Of a project without alerts; programs read it nevertheless.
struct Nothing;

impl Shown for Nothing {
    fn text(&self, _: Paint) -> String {
        String::new()
    }

    fn json(&self) -> String {
        json::nothing()
    }

    fn html(&self) -> String {
        String::new()
    }
}

/// What was found, of a project.
struct Page<'a> {
    found: &'a Tested,
    ready: &'a Ready,
}

impl Page<'_> {
    fn page(&self) -> super::page::Page {
        told::page(&self.ready.project.config.name, self.found, self.ready.compiled.model.zone)
    }
}

impl Shown for Page<'_> {
    fn text(&self, paint: Paint) -> String {
        text::text(&self.page(), paint)
    }

    fn json(&self) -> String {
        json::json(self.found, self.ready.compiled.model.zone)
    }

    fn html(&self) -> String {
        html::html(&self.page())
    }
}
