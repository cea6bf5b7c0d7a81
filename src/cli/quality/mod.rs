//! `metricc quality`: whether the rules for rows hold, day by day.

mod freshness;
mod html;
mod reconcile;
mod text;

use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use super::answers::{EngineArgs, Fetcher};
use super::ready::Ready;
use super::ui::Paint;
use super::{Context, Exit, Outcome, Stop, rewrite};
use crate::error;
use crate::plan::{AskedStep, Lowering, Question};
use crate::quality::{self, Judged, Verdict};
use crate::rollup::Asked;
use crate::suggest::near;
use crate::table::form;
use crate::types::{Model, Quality, RuleKind, Severity};
use crate::value::Step;
use crate::value::time::{midnight, parse_date, parse_timestamp};

/// Check the rules of quality on rows: of a server, or of sample data
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Declarations of quality [default: all]
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    #[command(flatten)]
    engine: EngineArgs,
    /// Only this day [default: yesterday where a server is asked, else all days of the data]
    #[arg(long, value_name = "DAY", conflicts_with_all = ["from", "to"])]
    date: Option<String>,
    /// Only from this day on
    #[arg(long, value_name = "DAY")]
    from: Option<String>,
    /// Only up to this day, which is included
    #[arg(long, value_name = "DAY")]
    to: Option<String>,
    /// The time at which rows must be fresh: an instant such as "2026-11-01 08:00:00" [default: the clock of the server]
    #[arg(long, value_name = "TIME")]
    now: Option<String>,
    /// How the verdicts are written
    #[arg(long, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    format: Format,
    /// The file to write them to; `-` is standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// `--format`
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// A table a declaration
    Table,
    /// For programs
    Json,
    /// A page that needs nothing else
    Html,
}

/// The verdicts on one declaration.
pub struct Checked<'r> {
    /// It.
    pub quality: &'r Quality,
    /// The source or entity.
    pub on: &'r str,
    /// Its rules, in the order of the declaration.
    pub outcomes: Vec<quality::Outcome>,
}

impl Checked<'_> {
    /// Whether a rule is broken for which a batch would be stopped.
    fn stops(&self) -> bool {
        self.quality.severity.stops() && quality::broken(&self.outcomes)
    }
}

/// Which days are asked for, in milliseconds since 1970.
#[derive(Clone, Copy, Debug, Default)]
pub struct Range {
    pub from: Option<i64>,
    pub to: Option<i64>,
}

/// Asks, judges and shows. The exit code tells whether a rule of severity P0 or P1 is broken; whatever keeps rules from being judged is a
/// failure.
pub fn run(args: &Args, context: &Context) -> Outcome {
    match checked(args, context) {
        Err(stop @ Stop::Found { .. }) => {
            context.stop(stop);
            Ok(Exit::Failure)
        }
        outcome => outcome,
    }
}

fn checked(args: &Args, context: &Context) -> Outcome {
    let ready = context.compiled()?;
    let chosen = chosen(&args.names, &ready)?;
    if chosen.is_empty() {
        context.note("the project has no rules of quality");
        return Ok(Exit::Clean);
    }
    let mut fetcher = Fetcher::new(&args.engine, &ready, context)?;
    let now = now(args, &ready, &mut fetcher)?;
    let range = range(args, &ready, fetcher.is_server().then_some(now).flatten())?;
    let model = &ready.compiled.model;
    let mut outcomes = shares(model, &chosen, range, &ready, &mut fetcher)?;
    freshness::judge(model, &chosen, now, &ready, &mut fetcher, &mut outcomes)?;
    reconcile::judge(model, &chosen, range, &fetcher, &mut outcomes)?;
    let checked: Vec<Checked> =
        chosen.iter().zip(outcomes).map(|(quality, outcomes)| in_order(model, quality, outcomes)).collect();
    show(args, &checked, &ready, context)?;
    Ok(if checked.iter().any(Checked::stops) { Exit::Findings } else { Exit::Clean })
}

/// The declarations of the names, or all.
fn chosen<'r>(names: &[String], ready: &'r Ready) -> Result<Vec<&'r Quality>, Stop> {
    let all = &ready.compiled.model.qualities;
    if names.is_empty() {
        return Ok(all.iter().collect());
    }
    let find = |name: &String| {
        all.iter().find(|quality| quality.name.value == *name).ok_or_else(|| {
            let known = || all.iter().map(|quality| quality.name.as_str());
            let help = match near(name, known()) {
                Some(near) => format!("did you mean `{near}`?"),
                None if all.is_empty() => {
                    "declare some: `quality order_quality on order { complete: user_id }`".to_owned()
                }
                None => format!("there are: {}", known().collect::<Vec<_>>().join(", ")),
            };
            Stop::from(error!(E0847, None, "no rules of quality are named `{name}`"; help: help))
        })
    };
    names.iter().map(find).collect()
}

/// The instant at which rows must be fresh.
fn now(args: &Args, ready: &Ready, fetcher: &mut Fetcher) -> Result<Option<i64>, Stop> {
    let Some(text) = args.now.as_deref().map(str::trim) else { return fetcher.now() };
    let zone = ready.compiled.model.zone;
    parse_timestamp(text, zone).map(Some).ok_or_else(|| {
        error!(E0955, None, "`--now {text}` is no instant"; help: "write \"2026-11-01 08:00:00\"").into()
    })
}

/// The days that are asked for; `now` where they are those of a server.
fn range(args: &Args, ready: &Ready, now: Option<i64>) -> Result<Range, Stop> {
    let model = &ready.compiled.model;
    let day = |option: &str, text: &Option<String>| -> Result<Option<(i64, i64)>, Stop> {
        let Some(text) = text.as_deref().map(str::trim) else { return Ok(None) };
        let days = parse_date(text).and_then(form::day_of);
        let day = days
            .ok_or_else(|| Stop::from(error!(E0955, None, "`{option} {text}` is no day"; help: "write 2026-11-01")))?;
        let start = midnight(day, model.zone);
        Ok(Some((start, Step::Day.next(start, model.zone, model.week_start))))
    };
    if let Some((from, to)) = day("--date", &args.date)? {
        return Ok(Range { from: Some(from), to: Some(to) });
    }
    let from = day("--from", &args.from)?.map(|(start, _)| start);
    let to = day("--to", &args.to)?.map(|(_, end)| end);
    let asked = Range { from, to };
    match (asked, now) {
        (Range { from: None, to: None }, Some(now)) => {
            let today = Step::Day.bucket(now, model.zone, model.week_start);
            let before = Step::Day.bucket(today - 1, model.zone, model.week_start);
            Ok(Range { from: Some(before), to: Some(today) })
        }
        _ => Ok(asked),
    }
}

/// The verdicts on shares of rows, of each declaration.
fn shares(
    model: &Model,
    chosen: &[&Quality],
    range: Range,
    ready: &Ready,
    fetcher: &mut Fetcher,
) -> Result<Vec<Vec<quality::Outcome>>, Stop> {
    let lowering = Lowering::new(model);
    let live = Asked { live: true, servings: Vec::new() };
    let mut asked = Vec::new();
    for quality in chosen {
        let Some(question) = Question::of_quality(model, quality) else { continue };
        let timed = question.step != AskedStep::None;
        let Range { from, to } = if timed { range } else { Range::default() };
        let question = Question { from, to, ..question };
        let query = lowering.lower(&question).map_err(|found| Stop::found(&ready.project, found))?;
        asked.push((query, live.clone()));
    }
    let mut answers = fetcher.answers(&asked)?.into_iter();
    let judge = |quality: &&Quality| match Question::of_quality(model, quality) {
        Some(_) => answers.next().map(|answer| quality::judge(model, quality, &answer)).unwrap_or_default(),
        None => Vec::new(),
    };
    Ok(chosen.iter().map(judge).collect())
}

/// The verdicts in the order of the declaration; those on shares, on freshness and on results come each in their own.
fn in_order<'r>(model: &'r Model, quality: &'r Quality, mut outcomes: Vec<quality::Outcome>) -> Checked<'r> {
    let place = |outcome: &quality::Outcome| quality.rules.iter().position(|rule| rule.name == outcome.rule);
    outcomes.sort_by_key(place);
    Checked { quality, on: &model.table(quality.table).name.value, outcomes }
}

fn show(args: &Args, checked: &[Checked], ready: &Ready, context: &Context) -> Result<(), Stop> {
    let file = args.output.as_deref().filter(|file| *file != Path::new("-"));
    let text = match args.format {
        Format::Table => {
            let paint = if file.is_some() { Paint::new(false) } else { context.paint() };
            text::text(checked, paint)
        }
        Format::Json => format!("{:#}\n", Json::Array(checked.iter().map(as_json).collect())),
        Format::Html => html::page(&ready.project.config.name, checked),
    };
    match file {
        Some(file) => rewrite::create(file, text.as_bytes()).map_err(|failure| (*failure).into()),
        None => context.print(&text),
    }
}

fn as_json(checked: &Checked) -> Json {
    let day = |judged: &Judged| {
        let why = match &judged.verdict {
            Verdict::NotJudged(why) => Some(why.as_str()),
            _ => None,
        };
        json!({
            "day": judged.day.0.map(|day| day.to_string()),
            "value": judged.value,
            "rows": judged.rows,
            "verdict": judged.verdict.word(),
            "why": why,
        })
    };
    let rule = |outcome: &quality::Outcome| {
        json!({
            "rule": outcome.rule,
            "bound": outcome.bound,
            "broken": outcome.broken().count(),
            "days": outcome.days.iter().map(day).collect::<Vec<_>>(),
        })
    };
    let Checked { quality, on, outcomes } = checked;
    json!({
        "quality": quality.name.value,
        "title": quality.title,
        "owner": quality.owner,
        "on": on,
        "severity": quality.severity.word(),
        "holds": !quality::broken(outcomes),
        "rules": outcomes.iter().map(rule).collect::<Vec<_>>(),
    })
}

/// How a value of a rule is shown: a percentage, or for freshness an age.
pub fn shown(quality: &Quality, outcome: &quality::Outcome, value: Option<f64>) -> String {
    let Some(value) = value else { return String::new() };
    let rule = quality.rules.iter().find(|rule| rule.name == outcome.rule);
    if matches!(rule.map(|rule| &rule.kind), Some(RuleKind::Fresh { .. })) {
        return form::duration_short(value as i64);
    }
    percent(value)
}

/// A share with as many digits as tell it from 0 and 100 %.
fn percent(share: f64) -> String {
    let digits = |count: usize| {
        let text = format!("{:.count$}", share * 100.0);
        let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text };
        (text != "100" || share >= 1.0).then_some(text).filter(|text| text != "0" || share == 0.0)
    };
    let text = (2..=12).find_map(digits).unwrap_or_else(|| (share * 100.0).to_string());
    format!("{text}%")
}

/// What the severity means for a batch.
pub fn consequence(severity: Severity) -> &'static str {
    if severity.stops() { "stops a batch" } else { "is told" }
}
