//! The options that make a question, shared by every verb that asks one.

use super::{Context, Stop, ready::Ready};
use crate::{
    ask::{self, Asked, Wanted},
    plan::{Lowering, Query},
};

/// Which metrics, and how they are cut.
#[derive(clap::Args, Clone, Debug)]
pub struct AskArgs {
    /// Names of metrics, each with `@v2` behind it for a version
    #[arg(required_unless_present = "values", value_name = "METRIC")]
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
    /// Take `--from` and `--to` as they are, though they cut buckets, and mark these
    #[arg(long)]
    pub cut: bool,
    /// Only buckets that are complete at this time: the end of a day or month, or an instant
    #[arg(long, value_name = "TIME")]
    pub as_of: Option<String>,
    /// Also the buckets that are not complete at the time of `--as-of`, marked, with the rows before it
    #[arg(long)]
    pub partial: bool,
    /// Mark rows that are not of whole data, in a column `partial`
    #[arg(long)]
    pub marks: bool,
    /// A condition on dimensions and the bucket, e.g. 'platform = "ios" and time.day_of_week in (6, 7)'
    #[arg(long = "where", value_name = "CONDITION")]
    pub filter: Option<String>,
    /// A condition on the columns of the answer, e.g. 'orders >= 100 and gmv / orders > 2.5'
    #[arg(long, value_name = "CONDITION")]
    pub having: Option<String>,
    /// Only the best combinations of dimension values over the whole interval: '3 by gmv', or '3 by gmv other' with one more
    /// group of all the rest
    #[arg(long, value_name = "RANKING", num_args = 1..=5)]
    pub top: Vec<String>,
    /// Rows for every bucket and every group that was seen: none, null or zero [default: as the metrics say]
    #[arg(long, value_name = "FILL")]
    pub fill: Option<String>,
    /// Output columns to sort by, each with ` desc` behind it for greatest first
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    pub order: Vec<String>,
    /// At most so many rows
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,
    /// List the values of a dimension with the number of their rows, in place of metrics
    #[arg(long, value_name = "DIMENSION")]
    pub values: Option<String>,
    /// The source, entity or session whose values are listed
    #[arg(long, value_name = "NAME", requires = "values")]
    pub source: Option<String>,
}

impl AskArgs {
    fn asked(&self) -> Asked {
        Asked {
            metrics: self.metrics.clone(),
            step: self.step.clone(),
            by: self.by.clone(),
            from: self.from.clone(),
            to: self.to.clone(),
            cut: self.cut,
            as_of: self.as_of.clone(),
            partial: self.partial,
            marks: self.marks,
            filter: self.filter.clone(),
            having: self.having.clone(),
            top: (!self.top.is_empty()).then(|| self.top.join(" ")),
            fill: self.fill.clone(),
            order: self.order.clone(),
            limit: self.limit,
            values: self.values.clone(),
            source: self.source.clone(),
        }
    }

    /// The compiled project, the question and its plan, or everything that is wrong with them.
    pub fn plan(&self, context: &Context) -> Result<(Ready, Wanted, Query), Stop> {
        let mut ready = context.compiled()?;
        let planned =
            ask::wanted(&ready.compiled.model, &self.asked(), &mut ready.project.sources).and_then(|wanted| {
                let query = wanted.lower(&Lowering::new(&ready.compiled.model))?;
                Ok((wanted, query))
            });
        match planned {
            Ok((wanted, query)) => Ok((ready, wanted, query)),
            Err(found) => Err(Stop::found(&ready.project, found)),
        }
    }
}
