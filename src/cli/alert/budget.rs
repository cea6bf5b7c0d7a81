//! `metricc alert budget`: how much of what may be bad is used up.

use chrono_tz::Tz;
use serde_json::{Value as Json, json};

use super::super::answers::{EngineArgs, Fetcher};
use super::super::ui::Paint;
use super::super::{Context, Exit, Outcome};
use super::looked::Chosen;
use super::page::{Block, Chart, Page, number, percent};
use super::range::instant;
use super::shown::{Shown, ShownArgs, ended};
use super::{html, text};
use crate::alerting::{Sums, whole};
use crate::backtest::Budget;
use crate::error;
use crate::table::form;

/// Show how much of what may be bad of an objective is used up, how fast, and when nothing is left
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Objectives [default: all]
    #[arg(value_name = "SLO")]
    names: Vec<String>,
    #[command(flatten)]
    engine: EngineArgs,
    /// At the end of this day, or at this time [default: the clock of the server, else the end of the rows]
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    #[command(flatten)]
    shown: ShownArgs,
}

/// Asks, counts and tells. The exit code tells whether an objective is broken; whatever keeps it from being counted is a failure.
pub fn run(args: &Args, context: &Context) -> Outcome {
    ended(told(args, context), context)
}

fn told(args: &Args, context: &Context) -> Outcome {
    let ready = context.compiled()?;
    let model = &ready.compiled.model;
    let chosen = Chosen::objectives(&args.names, &ready)?;
    if chosen.is_empty() {
        context.note("the project has no objectives");
        if args.shown.is_json() {
            let none = Counted { budgets: &[], project: &ready.project.config.name, zone: model.zone };
            args.shown.show(&none, context)?;
        }
        return Ok(Exit::Clean);
    }
    let mut fetcher = Fetcher::new(&args.engine, &ready, context)?;
    let at = args.at.as_deref().map(|text| instant("--at", text, model, true)).transpose()?;
    let at = match at {
        Some(at) => Some(at),
        None => fetcher.now()?,
    };
    let budgets = chosen.budgets(at, &ready, &mut fetcher)?;
    if budgets.is_empty() {
        return Err(error!(E0888, None, "there are no rows to count";
            help: "name another time by `--at`, or other data by `--data`")
        .into());
    }
    for name in chosen.slo_names().filter(|name| budgets.iter().all(|budget| budget.of.slo.name.value != *name)) {
        context.note(&format!("there are no rows to count for `{name}`"));
    }
    let shown = Counted { budgets: &budgets, project: &ready.project.config.name, zone: model.zone };
    args.shown.show(&shown, context)?;
    let broken = budgets.iter().any(|budget| budget.used().is_some_and(|used| used > 1.0));
    Ok(if broken { Exit::Findings } else { Exit::Clean })
}

/// What was counted, of a project.
struct Counted<'a> {
    budgets: &'a [Budget],
    project: &'a str,
    zone: Tz,
}

impl Shown for Counted<'_> {
    /// Each has a window of its own.
    fn text(&self, paint: Paint) -> String {
        let one = |one| text::text(&page("", std::slice::from_ref(one), self.zone), paint);
        self.budgets.iter().map(one).collect::<Vec<_>>().join("\n")
    }

    fn json(&self) -> String {
        format!("{:#}\n", Json::Array(self.budgets.iter().map(|budget| as_json(budget, self.zone)).collect()))
    }

    fn html(&self) -> String {
        html::html(&page(self.project, self.budgets, self.zone))
    }
}

/// Objectives in blocks.
fn page(project: &str, budgets: &[Budget], zone: Tz) -> Page {
    let from = budgets.iter().map(|budget| budget.at - whole(&budget.of.slo)).min().unwrap_or_default();
    let to = budgets.iter().map(|budget| budget.at).max().unwrap_or_default();
    let blocks = budgets.iter().flat_map(|budget| blocks(budget, zone)).collect();
    Page { title: format!("Objectives of {project}"), blocks, span: (from, to), zone }
}

fn blocks(budget: &Budget, zone: Tz) -> Vec<Block> {
    let slo = &budget.of.slo;
    let day = |ms| form::timestamp_short(ms, zone);
    let share = |of: Option<f64>| of.map_or_else(|| "–".to_owned(), exact);
    let mut above = vec![
        format!("{} … {} ({} days)", day(budget.at - whole(slo)), day(budget.at), slo.days),
        format!(
            "{} is {} ({} of {} bad), and must be {}",
            budget.of.metric.title.as_deref().unwrap_or(&budget.of.metric.name),
            share(budget.share()),
            number(budget.sums.bad),
            number(budget.sums.total),
            exact(slo.objective)
        ),
    ];
    if let Some(used) = budget.used() {
        above.push(format!(
            "Of {} that may be bad {} are used up, {} left",
            number(budget.allowed()),
            percent(used),
            if used > 1.0 { "nothing is".to_owned() } else { format!("{} are", percent(1.0 - used)) }
        ));
    }
    above.push(match budget.runs_out() {
        Some(0) => "Nothing is left".to_owned(),
        Some(ms) => format!("As in the last day it goes on for {}", form::duration_short(ms / 60_000 * 60_000)),
        None => "As in the last day it never runs out".to_owned(),
    });
    for (severity, long, short) in &budget.firing {
        let (long, short) = (form::duration_short(*long), form::duration_short(*short));
        above.push(format!("{} fires: too fast over {long} and {short}", severity.word()));
    }
    let rate = |(window, sums): &(i64, Sums)| {
        let burn = budget.burn(*sums).map(|burn| format!("{}×", number(burn))).unwrap_or_default();
        vec![form::duration_short(*window), number(sums.bad), number(sums.total), share(sums.bad_share()), burn]
    };
    let heads = vec![("window", false), ("bad", true), ("of", true), ("share", true), ("as fast as it may", true)];
    let first = Block {
        title: Some(slo.name.value.clone()),
        above,
        table: Some((heads, budget.rates.iter().map(rate).collect())),
        ..Block::default()
    };
    let mut left = 1.0;
    let allowed = budget.allowed();
    let of_day = |(start, sums): &(i64, Sums)| {
        let used = (allowed > 0.0).then(|| sums.bad / allowed);
        left -= used.unwrap_or_default();
        let date = crate::value::time::local_date(*start, zone).to_string();
        let used = used.map(percent).unwrap_or_default();
        vec![date, number(sums.bad), number(sums.total), share(sums.bad_share()), used, percent(left)]
    };
    let heads = vec![("day", false), ("bad", true), ("of", true), ("share", true), ("uses up", true), ("left", true)];
    let chart = Chart {
        title: format!("What is left of {}", slo.name.value),
        points: budget.course.clone(),
        limits: vec![(Some(0.0), None); budget.course.len()],
        fires: Vec::new(),
        known: Vec::new(),
    };
    let days = Block {
        table: Some((heads, budget.days.iter().map(of_day).collect())),
        charts: vec![chart],
        ..Block::default()
    };
    vec![first, days]
}

/// A share with all digits that tell it from an objective: `99.9123%`.
fn exact(share: f64) -> String {
    let text = format!("{:.4}", share * 100.0);
    format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
}

fn as_json(budget: &Budget, zone: Tz) -> Json {
    let slo = &budget.of.slo;
    let at = |ms| form::timestamp_iso(ms, zone);
    let counted = |sums: Sums| json!({ "bad": sums.bad, "total": sums.total, "bad_share": sums.bad_share() });
    let window = |(window, sums): &(i64, Sums)| {
        let mut one = counted(*sums);
        one["window"] = (*window).into();
        one["burn"] = budget.burn(*sums).into();
        one
    };
    let day = |(start, sums): &(i64, Sums)| {
        let mut one = counted(*sums);
        one["day"] = crate::value::time::local_date(*start, zone).to_string().into();
        one
    };
    let firing = |(severity, long, short): &(crate::types::Severity, i64, i64)| json!({ "severity": severity.word(), "long": long, "short": short });
    json!({
        "slo": slo.name.value,
        "metric": budget.of.metric.name,
        "objective": slo.objective,
        "days": slo.days,
        "from": at(budget.at - whole(slo)),
        "to": at(budget.at),
        "bad": budget.sums.bad,
        "total": budget.sums.total,
        "share": budget.share(),
        "allowed": budget.allowed(),
        "used": budget.used(),
        "left": budget.used().map(|used| 1.0 - used),
        "runs_out_in": budget.runs_out(),
        "runs_out": budget.runs_out().map(|ms| at(budget.at + ms)),
        "firing": budget.firing.iter().map(firing).collect::<Vec<_>>(),
        "windows": budget.rates.iter().map(window).collect::<Vec<_>>(),
        "by_day": budget.days.iter().map(day).collect::<Vec<_>>(),
    })
}
