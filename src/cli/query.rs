//! `metricc query`: the SELECT that answers a question.

use super::asked::AskArgs;
use super::{Context, Exit, Outcome, Stop};
use crate::diagnostic::Diagnostics;
use crate::error;
use crate::sql;

/// Print the SELECT that answers a question
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    question: AskArgs,
    /// The engine that shall run it
    #[arg(long, value_enum, default_value_t = Dialect::Clickhouse, value_name = "DIALECT")]
    dialect: Dialect,
}

/// An SQL dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Dialect {
    /// ClickHouse
    Clickhouse,
    /// DataFusion, with the functions of the dry run
    Datafusion,
}

/// Plans the question and prints its SQL.
pub fn run(args: &Args, context: &Context) -> Outcome {
    let (ready, query) = args.question.plan(context)?;
    let dialect: &dyn sql::Dialect = match args.dialect {
        Dialect::Clickhouse => &sql::CLICKHOUSE,
        Dialect::Datafusion => &sql::DATAFUSION,
    };
    let select = sql::select(&query, dialect, &sql::Options::default()).map_err(|unsupported| {
        let told: Diagnostics = (unsupported.iter())
            .map(|one| {
                error!(E0802, None, "{} cannot express {}", dialect.name(), one.construct; help: ("{}", one.reason))
            })
            .collect();
        Stop::found(&ready.project, told)
    })?;
    context.print(&format!("{};\n", sql::to_text(&select, dialect)))?;
    Ok(Exit::Clean)
}
