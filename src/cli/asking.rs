//! The options of a question, shared by the verbs that ask one.

use clap::Args;

use super::{Context, Exit, Stop};
use crate::ask::{Asked, question};
use crate::compile::{Compiled, compile};
use crate::plan::{Lowering, Query};
use crate::project::Project;

/// What is asked.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Question")]
pub struct Question {
    /// The metrics, each evaluated alone and then joined on all keys; `'dau v1'` names a version
    #[arg(required = true, value_name = "METRIC")]
    metrics: Vec<String>,
    /// The output step: 1m, 5m, 1h, 1d, 1w, month, quarter, year, or none [default: the coarsest default grain]
    #[arg(long, value_name = "STEP")]
    step: Option<String>,
    /// Dimensions to group by
    #[arg(long, value_name = "DIM", value_delimiter = ',')]
    by: Vec<String>,
    /// From this day, month or time on; widened to whole buckets
    #[arg(long, value_name = "DAY")]
    from: Option<String>,
    /// Up to this day, month or time; a day or month is included
    #[arg(long, value_name = "DAY")]
    to: Option<String>,
    /// A condition on dimensions: 'platform = "ios" and channel not in ("ads")'
    #[arg(long = "where", value_name = "CONDITION")]
    filter: Option<String>,
    /// Sort by an output column, `'gmv desc'` for greatest first
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    order: Vec<String>,
    /// At most so many rows
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
}

impl Question {
    fn asked(&self) -> Asked {
        Asked {
            metrics: self.metrics.clone(),
            step: self.step.clone(),
            by: self.by.clone(),
            from: self.from.clone(),
            to: self.to.clone(),
            filter: self.filter.clone(),
            order: self.order.clone(),
            limit: self.limit,
        }
    }
}

/// A project with the plan of a question.
pub struct Planned {
    /// The project.
    pub project: Project,
    /// Its model.
    pub compiled: Compiled,
    /// The plan.
    pub query: Query,
}

/// Compiles the project and plans the question; none where the project or the question has errors, which are shown.
pub fn plan(options: &Question, context: &Context) -> Result<Result<Planned, Exit>, Stop> {
    let (mut project, mut diagnostics) = context.load(None)?;
    let (compiled, found) = compile(&project);
    diagnostics.extend(found);
    if diagnostics.has_errors() {
        diagnostics.sort();
        return Ok(Err(context.report(&project.sources, &project.root, &diagnostics)));
    }
    let planned = question(&compiled.model, &options.asked(), &mut project.sources)
        .and_then(|question| Lowering::new(&compiled.model).lower(&question));
    match planned {
        Ok(query) => Ok(Ok(Planned { project, compiled, query })),
        Err(found) => Ok(Err(context.report(&project.sources, &project.root, &found))),
    }
}
