//! `metricc alert`: what alerts and objectives would have told, and how much of an objective is left.

mod backtest;
mod budget;
mod html;
mod json;
mod looked;
mod page;
mod range;
mod shown;
mod text;
mod told;

use super::{Context, Outcome};

/// Look back at alerts over history, and at what is left of objectives
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand, Debug)]
enum What {
    Backtest(backtest::Args),
    Budget(budget::Args),
}

/// Runs what is asked for.
pub fn run(args: &Args, context: &Context) -> Outcome {
    match &args.what {
        What::Backtest(args) => backtest::run(args, context),
        What::Budget(args) => budget::run(args, context),
    }
}
