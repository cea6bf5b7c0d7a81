//! `metricc report`: makes a report of a period.

mod send;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use super::answers::{EngineArgs, Fetcher};
use super::ready::Ready;
use super::ui::Paint;
use super::{Context, Exit, Outcome, Stop, rewrite};
use crate::delivery::How;
use crate::diagnostic::Diagnostic;
use crate::emit;
use crate::error;
use crate::plan::{Lowering, Query};
use crate::report::{self, Ask, Made, Period, Plan, write};
use crate::rollup::Asked;
use crate::suggest::near;
use crate::types::Report;
use crate::value::Step;
use crate::value::time::{midnight, parse_date, parse_timestamp};

/// Make a report: values of a period beside earlier ones, what carries the changes, and what is unusual
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The report, as it is declared
    #[arg(value_name = "NAME")]
    name: String,
    /// A day of the period (2026-11-01), or its month (2026-11) [default: the last period that is over]
    #[arg(long, value_name = "DAY")]
    date: Option<String>,
    #[command(flatten)]
    engine: EngineArgs,
    /// Take it to be this time: the end of a day (2026-11-01), or an instant [default: the clock of the server or this machine]
    #[arg(long, value_name = "TIME")]
    as_of: Option<String>,
    /// Tell of a period that is not over, too
    #[arg(long, conflicts_with_all = ["send", "no_send"])]
    partial: bool,
    /// Send it to those that it is declared for, to each at most once a period, and tell what became of it
    #[arg(long)]
    send: bool,
    /// Tell what would be sent to whom, and send nothing
    #[arg(long, conflicts_with = "send")]
    no_send: bool,
    /// Send it also to those of whom it is unknown whether they got it
    #[arg(long, requires = "send")]
    again: bool,
    /// How it is written
    #[arg(long, value_enum, default_value_t = Format::Text, value_name = "FORMAT")]
    format: Format,
    /// The file to write it to; `-` is standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// A form of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For a terminal
    Text,
    /// One page that needs nothing else
    Html,
    /// Tables and lists
    Markdown,
    /// A workbook
    Xlsx,
    /// For programs
    Json,
}

/// Asks for the values, makes the report and writes it.
pub fn run(args: &Args, context: &Context) -> Outcome {
    let to_screen = args.output.is_none() && std::io::stdout().is_terminal();
    if args.format == Format::Xlsx && to_screen && !(args.send || args.no_send) {
        return Err(error!(E0959, None, "a workbook is binary, and standard output is a terminal";
            help: "add `--output report.xlsx`")
        .into());
    }
    let ready = context.compiled()?;
    let report = named(&args.name, &ready)?;
    let fetcher = Fetcher::new(&args.engine, &ready, context)?;
    let now = match as_of(args, &ready)? {
        Some(told) => told,
        None => fetcher.now()?.unwrap_or_else(clock),
    };
    let period = period(args, report, &ready, now)?;
    let plan = report::plan(&ready.compiled.model, report, period);
    let answers = fetcher.answers(&queries(&plan, &ready)?)?;
    let made = report::made(&plan, report, &answers, period.end <= now);
    has_values(&made).map_err(|found| Stop::found(&ready.project, [*found].into_iter().collect()))?;
    let how = match (args.send, args.no_send) {
        (true, _) => Some(if args.again { How::Again } else { How::Send }),
        (false, true) => Some(How::Plan),
        (false, false) => None,
    };
    // Of what is sent, standard output tells what became of it.
    if how.is_none() || args.output.is_some() {
        show(args, &made, context)?;
    }
    match how {
        Some(how) => send::send(report, &made, how, args.format == Format::Json, &ready.project, context),
        None => Ok(Exit::Clean),
    }
}

/// The machine's clock, in milliseconds since 1970.
fn clock() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// The instant of `--as-of`: of a day its end.
fn as_of(args: &Args, ready: &Ready) -> Result<Option<i64>, Stop> {
    let Some(text) = args.as_of.as_deref().map(str::trim) else { return Ok(None) };
    let zone = ready.compiled.model.zone;
    let of_day = parse_date(text)
        .map(|days| midnight(chrono::NaiveDate::default() + chrono::Duration::days(i64::from(days) + 1), zone));
    match of_day.or_else(|| parse_timestamp(text, zone)) {
        Some(told) => Ok(Some(told)),
        None => Err(error!(E0955, None, "`--as-of {text}` is not a day or time";
            help: "write 2026-11-01 or \"2026-11-01 08:00:00\"")
        .into()),
    }
}

/// What is asked for a report, each from where all of its metrics may be served.
fn queries(plan: &Plan, ready: &Ready) -> Result<Vec<(Query, Asked)>, Stop> {
    let lowering = Lowering::new(&plan.model);
    let query = |ask: &Ask| {
        let query = lowering.lower(&ask.question).map_err(|found| Stop::found(&ready.project, found))?;
        let serve = ask.question.metrics.iter().map(|id| plan.model.metrics[id.0].serve.as_slice());
        Ok((query, emit::asked_together(serve)))
    };
    plan.asks.iter().map(query).collect()
}

/// The report of a name.
fn named<'r>(name: &str, ready: &'r Ready) -> Result<&'r Report, Stop> {
    let reports = &ready.compiled.model.reports;
    reports.iter().find(|report| report.name.value == name).ok_or_else(|| {
        let known = || reports.iter().map(|report| report.name.as_str());
        let help = match near(name, known()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if reports.is_empty() => {
                "declare one: `report daily { at: \"08:30\"; every: 1d; metrics: dau }`".to_owned()
            }
            None => format!("the reports are: {}", known().collect::<Vec<_>>().join(", ")),
        };
        error!(E0867, None, "no report named `{name}`"; help: help).into()
    })
}

/// The period that is asked for: the one of a day or month, or the last one that is over.
fn period(args: &Args, report: &Report, ready: &Ready, now: i64) -> Result<Period, Stop> {
    let model = &ready.compiled.model;
    let current = Period::holding(now, report.every, model);
    let Some(text) = args.date.as_deref().map(str::trim) else {
        return Ok(if args.partial { current } else { Period::holding(current.start - 1, report.every, model) });
    };
    let is_by_months = matches!(report.every, Step::Month | Step::Quarter | Step::Year);
    let month = || parse_date(&format!("{text}-01")).filter(|_| is_by_months);
    let Some(days) = parse_date(text).or_else(month) else {
        let form = if is_by_months { "2026-11, or a day such as 2026-11-01" } else { "2026-11-01" };
        return Err(error!(E0868, None, "`--date {text}` is no day of a period"; help: ("write {form}")).into());
    };
    let day = chrono::NaiveDate::default() + chrono::Duration::days(i64::from(days));
    let asked = Period::holding(midnight(day, model.zone), report.every, model);
    if asked.end > now && !args.partial {
        return Err(error!(E0868, None, "the period of `--date {text}` is not over";
            help: "name an earlier day, or add `--partial` to see what is there so far")
        .into());
    }
    Ok(asked)
}

/// A report of nothing is none: it is not shown, and not sent.
fn has_values(made: &Made) -> Result<(), Box<Diagnostic>> {
    if made.metrics.iter().any(|metric| metric.value.is_some()) {
        return Ok(());
    }
    let newest = made.metrics.iter().flat_map(|metric| metric.series.iter().filter(|(_, value)| value.is_some()));
    let newest = newest.map(|(start, _)| *start).max();
    let words = write::Words(crate::types::Language::En);
    let help = match newest {
        Some(start) => {
            let day = crate::value::time::local_date(start, made.zone);
            format!("the newest value is of the period of {day}: `--date {day}`")
        }
        None => "are the rows of this period there? name another one with `--date`".to_owned(),
    };
    let period = words.period(made.period, made);
    Err(Box::new(error!(E0869, None, "no metric of `{}` has a value for {period}", made.name; help: help)))
}

fn show(args: &Args, made: &Made, context: &Context) -> Result<(), Stop> {
    let file = args.output.as_deref().filter(|file| *file != Path::new("-"));
    let bytes = match args.format {
        Format::Text => {
            let paint = if file.is_some() { Paint::new(false) } else { context.paint() };
            let (bold, good, bad) =
                (|text: &str| paint.bold(text), |text: &str| paint.green(text), |text: &str| paint.red(text));
            write::text(made, write::Marks { bold: &bold, good: &good, bad: &bad, unicode: true }).into_bytes()
        }
        Format::Markdown => write::markdown(made).into_bytes(),
        Format::Html => write::html(made).into_bytes(),
        Format::Json => write::json(made).into_bytes(),
        Format::Xlsx => write::workbook(made).map_err(Stop::from)?,
    };
    match file {
        Some(file) => {
            rewrite::create(file, &bytes).map_err(|failure| *failure)?;
            context.note(&format!("wrote {}", file.display()));
            Ok(())
        }
        None => context.print_bytes(&bytes),
    }
}
