//! The options that make a question, shared by every verb that asks one.

use super::{Context, Stop, ready::Ready};
use crate::{
    ask::{self, Asked},
    plan::{Lowering, Query, Question},
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
    /// Rows for every bucket and every group that was seen: none, null or zero [default: as the metrics say]
    #[arg(long, value_name = "FILL")]
    pub fill: Option<String>,
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
            fill: self.fill.clone(),
            order: self.order.clone(),
            limit: self.limit,
        }
    }

    /// The compiled project, the question and its plan, or everything that is wrong with them.
    pub fn plan(&self, context: &Context) -> Result<(Ready, Question, Query), Stop> {
        let mut ready = context.compiled()?;
        let planned =
            ask::question(&ready.compiled.model, &self.asked(), &mut ready.project.sources).and_then(|question| {
                let query = Lowering::new(&ready.compiled.model).lower(&question)?;
                Ok((question, query))
            });
        match planned {
            Ok((question, query)) => Ok((ready, question, query)),
            Err(found) => Err(Stop::found(&ready.project, found)),
        }
    }
}
