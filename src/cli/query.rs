//! `metricc query`: the SELECT that answers a question.

use serde_json::json;

use super::asked::AskArgs;
use super::ready::Ready;
use super::{Context, Exit, Outcome, Stop, planned};
use crate::ask::Wanted;
use crate::diagnostic::Diagnostics;
use crate::emit::{self, Answered};
use crate::error;
use crate::plan::Query;
use crate::project::Target;
use crate::sql;
use crate::suggest::near;

/// Print the SELECT that answers a question
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    question: Box<AskArgs>,
    /// The engine that shall run it
    #[arg(long, value_enum, default_value_t = Dialect::Clickhouse, value_name = "DIALECT")]
    dialect: Dialect,
    /// The target whose rollups may be read, where there are several
    #[arg(long, value_name = "NAME")]
    target: Option<String>,
    /// Read the sources themselves, whatever rollups there are
    #[arg(long, conflicts_with = "target")]
    live: bool,
    /// Tell which rollups are read and why others are not
    #[arg(long)]
    why: bool,
    /// The SELECT alone, or with what it reads and why
    #[arg(long, value_enum, default_value_t = Format::Sql, value_name = "FORMAT")]
    format: Format,
}

/// An SQL dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Dialect {
    /// ClickHouse
    Clickhouse,
    /// DataFusion, with the functions of the dry run
    Datafusion,
}

/// `--format`
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// To be run
    Sql,
    /// For programs
    Json,
}

/// Plans the question and prints its SQL.
pub fn run(args: &Args, context: &Context) -> Outcome {
    let (ready, wanted, query) = args.question.plan(context)?;
    let target = match args.dialect {
        Dialect::Clickhouse if !args.live => target(&ready, args.target.as_deref())?,
        _ => None,
    };
    let answered = match target {
        Some(target) => from_target(&ready, target, &wanted, &query)?,
        None => from_sources(&ready, args.dialect, &query)?,
    };
    if target.is_some() && args.format == Format::Sql {
        tell(&answered, args.why, context);
    } else if args.why && !args.live && ready.project.warehouses().len() > 1 {
        context.note("reads the sources: there are several targets, name one with `--target`");
    }
    context.print(&match args.format {
        Format::Sql => format!("{};\n", answered.sql),
        Format::Json => format!("{:#}\n", as_json(&answered)),
    })?;
    Ok(Exit::Clean)
}

/// The target that may be read: the one of a name, or the only one. Of several nobody knows which is meant.
fn target<'r>(ready: &'r Ready, name: Option<&str>) -> Result<Option<&'r Target>, Stop> {
    let targets = ready.project.warehouses();
    let Some(name) = name else { return Ok(if let [only] = targets[..] { Some(only) } else { None }) };
    let known = || targets.iter().map(|target| target.name.value.as_str());
    ready.project.target(name).map(Some).ok_or_else(|| {
        let help = match near(name, known()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the targets are: {}", known().collect::<Vec<_>>().join(", ")),
        };
        error!(E0041, None, "no target named `{name}`"; help: help).into()
    })
}

/// From the cheapest rollups of a target that the metrics of the question may be served from.
fn from_target(ready: &Ready, target: &Target, wanted: &Wanted, query: &Query) -> Result<Answered, Stop> {
    let (input, found) = planned::input(ready);
    if found.has_errors() {
        return Err(Stop::found(&ready.project, found));
    }
    let serve = wanted.metrics().iter().map(|id| ready.compiled.model.metrics[id.0].serve.as_slice());
    let asked = emit::asked_together(serve);
    emit::answer(&input, target, query, &asked).map_err(|found| Stop::found(&ready.project, found))
}

fn from_sources(ready: &Ready, dialect: Dialect, query: &Query) -> Result<Answered, Stop> {
    let dialect: &dyn sql::Dialect = match dialect {
        Dialect::Clickhouse => &sql::CLICKHOUSE,
        Dialect::Datafusion => &sql::DATAFUSION,
    };
    let select = sql::select(query, dialect, &sql::Options::default()).map_err(|unsupported| {
        let told: Diagnostics = (unsupported.iter())
            .map(|one| {
                error!(E0802, None, "{} cannot express {}", dialect.name(), one.construct; help: ("{}", one.reason))
            })
            .collect();
        Stop::found(&ready.project, told)
    })?;
    let sql = sql::to_text(&select, dialect);
    Ok(Answered { sql, from: Vec::new(), passed: Vec::new(), refused: Vec::new() })
}

/// Says on standard error what is read, and if asked why nothing else.
fn tell(answered: &Answered, why: bool, context: &Context) {
    if answered.from.is_empty() && !why {
        return;
    }
    let from = if answered.from.is_empty() { "the sources".to_owned() } else { answered.from.join(", ") };
    context.note(&format!("reads {from}"));
    if why {
        for (serving, because) in &answered.refused {
            context.note(&format!("is not served {serving}: {because}"));
        }
        for passed in &answered.passed {
            context.note(&format!("does not read {}: {}", passed.rollup, passed.because));
        }
    }
}

fn as_json(answered: &Answered) -> serde_json::Value {
    let passed = answered.passed.iter();
    let passed: Vec<_> = passed.map(|passed| json!({ "rollup": passed.rollup, "because": passed.because })).collect();
    let refused = answered.refused.iter();
    let refused: Vec<_> = refused.map(|(serve, because)| json!({ "serve": serve, "because": because })).collect();
    json!({ "sql": answered.sql, "reads": answered.from, "passed_over": passed, "not_served": refused })
}
