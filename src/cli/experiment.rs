//! `metricc experiment`: what an experiment needs, and what it tells.

use super::{Context, Outcome};

#[cfg(feature = "dry-run")]
mod report;
mod size;

/// Plan an experiment, or show what it tells
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand, Debug)]
enum What {
    Size(size::Args),
    #[cfg(feature = "dry-run")]
    Report(report::Args),
}

/// A form of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Aligned
    Table,
    /// Null is an empty cell
    Csv,
    /// A list of objects
    Json,
}

/// Runs what is asked for.
pub fn run(args: &Args, context: &Context) -> Outcome {
    match &args.what {
        What::Size(args) => size::run(args, context),
        #[cfg(feature = "dry-run")]
        What::Report(args) => report::run(args, context),
    }
}
