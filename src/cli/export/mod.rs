//! `metricc export`: what alerts and objectives look at, for Prometheus.

mod ask;
mod cache;
mod page;
mod serve;
mod textfile;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args as ClapArgs;

use super::answers::{EngineArgs, Fetcher};
use super::listening::log;
use super::{Context, Outcome, Stop, planned};
use crate::error;
use crate::exporter::{Asks, Exports, Statement, exports};
use crate::plan::Lowering;
use crate::project::{AlertsTarget, Project, TargetSettings};
use crate::table::form;
use crate::value::time;

use ask::Asking;
use cache::{Cache, Pace};

/// How long a scrape may take: with a statement, less than the `scrape_timeout` of Prometheus (10s).
const A_SCRAPE: Duration = Duration::from_secs(4);

/// How long writing a file may take. Nobody waits for it.
const A_FILE: Duration = Duration::from_secs(600);

/// Serve what alerts and objectives look at to Prometheus
#[derive(ClapArgs, Debug)]
pub struct Args {
    #[command(flatten)]
    engine: EngineArgs,
    /// The target of the kind `alerts`, where there are several
    #[arg(long, value_name = "NAME")]
    alerts: Option<String>,
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9097", conflicts_with = "textfile")]
    listen: SocketAddr,
    /// The environment variable with the token that Prometheus must send; needed where others reach the address
    #[arg(long, value_name = "NAME", conflicts_with = "textfile")]
    token_env: Option<String>,
    /// Write a file for the textfile collector of the node exporter, in place of listening
    #[arg(long, value_name = "FILE")]
    textfile: Option<PathBuf>,
    /// Write the file again and again, after this time
    #[arg(long, value_name = "TIME", requires = "textfile", value_parser = duration)]
    every: Option<Duration>,
    /// For how long an answer is good for all who ask
    #[arg(long, value_name = "TIME", default_value = "15s", value_parser = duration)]
    cache: Duration,
    /// How long one statement may take
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = duration)]
    query_timeout: Duration,
    /// After how long no more statements are begun for one scrape, or for one writing of the file [default: 4s, for a file 10m]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    scrape_timeout: Option<Duration>,
    /// How many statements run at a time
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=64))]
    concurrency: u8,
    /// What time it is taken to be, in place of the clock
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
}

/// `15s`, as people write it.
fn duration(text: &str) -> Result<Duration, String> {
    let ms = form::parse_duration(text).and_then(|ms| u64::try_from(ms).ok()).filter(|ms| *ms > 0);
    ms.map(Duration::from_millis).ok_or_else(|| "write a time such as `15s` or `1m`".to_owned())
}

/// Runs the verb.
pub fn run(args: &Args, context: &Context) -> Outcome {
    let ready = context.compiled()?;
    let target = target(args.alerts.as_deref(), &ready.project)?;
    let (input, found) = planned::input(&ready);
    if found.has_errors() {
        return Err(Stop::found(&ready.project, found));
    }
    let mut exports = exports(&ready.compiled.model, &input.alerts.with_rules(target.quality));
    if exports.statements.is_empty() {
        return Err(error!(E0893, None, "the project has no alert and no objective that would look at a value";
            help: "declare one: `alert low on METRIC {{ every: 5m; when: value < 1; severity: P2 }}`")
        .into());
    }
    let at = args.at.as_deref().map(|text| instant(text, &ready.project)).transpose()?;
    let fetcher = Fetcher::new(&args.engine, &ready, context)?.knowing(input);
    let pace = Pace {
        cache: args.cache,
        query: args.query_timeout,
        scrape: args.scrape_timeout.unwrap_or(if args.textfile.is_some() { A_FILE } else { A_SCRAPE }),
        concurrency: usize::from(args.concurrency),
    };
    if fetcher.target().is_none() {
        without_ways(&mut exports, &fetcher, context);
    }
    // Whoever scrapes first need not wait for it.
    fetcher.prepare()?;
    let lowering = Lowering::new(&exports.model);
    let asking = Asking::new(&exports, &lowering, &fetcher, target.max_series);
    let cache = Cache::new(&exports, target, asking, pace, at, &log);
    match &args.textfile {
        Some(path) => textfile::run(path, args.every, &cache, context),
        None => serve::run(args, &cache, context),
    }
}

/// Leaves out what compares the results of a warehouse, where none is known.
fn without_ways(exports: &mut Exports, fetcher: &Fetcher, context: &Context) {
    let compares = |statement: &Statement| matches!(statement.asks, Asks::Apart(_));
    let names: Vec<String> =
        exports.statements.iter().filter(|one| compares(one)).map(|one| one.name.clone()).collect();
    exports.statements.retain(|statement| !compares(statement));
    if !names.is_empty() {
        let why = match fetcher.is_server() {
            true => "no target says which rollups there are",
            false => "only a warehouse has results of several ways",
        };
        context.note(&format!("leaves out {}: {why}", names.join(", ")));
    }
}

/// The target that says who is told, and how late values may be.
fn target<'p>(name: Option<&str>, project: &'p Project) -> Result<&'p AlertsTarget, Stop> {
    let all: Vec<(&str, &AlertsTarget)> = project
        .targets
        .iter()
        .filter_map(|target| match &target.settings {
            TargetSettings::Alerts(settings) => Some((target.name.value.as_str(), settings)),
            _ => None,
        })
        .collect();
    let names = || all.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    let found = match name {
        Some(name) => all.iter().find(|(known, _)| *known == name),
        None if all.len() == 1 => all.first(),
        None => None,
    };
    let missing = || match (name, all.is_empty()) {
        (_, true) => {
            error!(E0893, None, "the project has no target of the kind `alerts`"; help: "add `targets/alerts.yaml` with `kind: alerts`")
        }
        (Some(name), _) => {
            error!(E0893, None, "no target of the kind `alerts` is named `{name}`"; help: ("there are: {}", names()))
        }
        (None, _) => {
            error!(E0893, None, "there are several targets of the kind `alerts`"; help: ("name one by `--alerts`: {}", names()))
        }
    };
    found.map(|(_, settings)| *settings).ok_or_else(|| missing().into())
}

fn instant(text: &str, project: &Project) -> Result<i64, Stop> {
    time::parse_timestamp(text, project.config.timezone).ok_or_else(|| {
        error!(E0041, None, "`--at {text}` is no time"; help: "write it as `2026-11-01 08:00:00`, in the project's zone, or with an offset")
            .into()
    })
}
