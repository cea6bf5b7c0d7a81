//! The options that make a question, shared by every verb that asks one.

use super::{Context, Stop};
use crate::{
    ask::{self, Asked},
    compile::{Compiled, compile},
    diagnostic::Diagnostics,
    plan::Question,
    project::{Project, SourceMap},
};

/// Which metrics, and how they are cut.
#[derive(clap::Args, Clone, Debug)]
pub struct AskArgs {
    /// Names of metrics, each with `@v2` behind it for a version
    #[arg(required = true, value_name = "METRIC")]
    pub metrics: Vec<String>,
    /// The output step: 1m … 1d, 1w, month, quarter, year or none [default: the coarsest grain of the metrics]
    #[arg(long, value_name = "STEP")]
    pub step: Option<String>,
    /// Dimensions to group by
    #[arg(long, value_name = "DIMENSION", value_delimiter = ',')]
    pub by: Vec<String>,
    /// Only from this day, month or time on
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// Only up to this day or month (included), or before this time
    #[arg(long, value_name = "TIME")]
    pub to: Option<String>,
    /// A condition on dimensions, e.g. 'platform = "ios"'
    #[arg(long = "where", value_name = "CONDITION")]
    pub filter: Option<String>,
    /// Output columns to sort by, each with ` desc` behind it for greatest first
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    pub order: Vec<String>,
    /// At most so many rows
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,
}

impl AskArgs {
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

    /// The question, or everything that is wrong with it.
    pub fn question(&self, ready: &mut Ready) -> Result<Question, Stop> {
        ask::question(&ready.compiled.model, &self.asked(), &mut ready.project.sources)
            .map_err(|found| Stop::found(&ready.project, found))
    }
}

/// A project without errors, compiled.
#[derive(Debug)]
pub struct Ready {
    /// As read.
    pub project: Project,
    /// As understood.
    pub compiled: Compiled,
}

impl Context {
    /// Loads and compiles the project, for a verb that needs all of it. Errors stop it; warnings are not its matter.
    pub fn compiled(&self) -> Result<Ready, Stop> {
        let (project, mut diagnostics) = self.load(None)?;
        let (compiled, found) = compile(&project);
        diagnostics.extend(found);
        if diagnostics.has_errors() {
            let mut errors: Diagnostics =
                diagnostics.into_iter().filter(|found| found.code.0.starts_with('E')).collect();
            errors.sort();
            return Err(Stop::found(&project, errors));
        }
        Ok(Ready { project, compiled })
    }
}

impl Stop {
    /// Something that is wrong with the project or with what is asked of it.
    pub fn found(project: &Project, diagnostics: Diagnostics) -> Stop {
        let sources: SourceMap = project.sources.clone();
        Stop::Found { sources: Box::new(sources), root: project.root.clone(), diagnostics }
    }
}
