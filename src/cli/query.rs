//! `metricc query`: the SELECT that answers a question.

use super::asking::{self, Planned, Question};
use super::{Context, Exit, Outcome};
use crate::diagnostic::Diagnostics;
use crate::error;
use crate::sql;

/// Print the SELECT that answers a question
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    question: Question,
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
    let Planned { project, query, .. } = match asking::plan(&args.question, context)? {
        Ok(planned) => planned,
        Err(exit) => return Ok(exit),
    };
    let dialect: &dyn sql::Dialect = match args.dialect {
        Dialect::Clickhouse => &sql::CLICKHOUSE,
        Dialect::Datafusion => &sql::DATAFUSION,
    };
    match sql::select(&query, dialect, &sql::Options::default()) {
        Ok(select) => {
            context.print(&format!("{};\n", sql::to_text(&select, dialect)))?;
            Ok(Exit::Clean)
        }
        Err(unsupported) => {
            let told: Diagnostics = (unsupported.iter())
                .map(|one| error!(E0802, None, "{} cannot express {}", dialect.name(), one.construct; help: ("{}", one.reason)))
                .collect();
            Ok(context.report(&project.sources, &project.root, &told))
        }
    }
}
