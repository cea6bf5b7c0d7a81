//! `metricc experiment`: what an experiment needs.

use super::{Context, Outcome};

mod size;

/// Plan an experiment
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand, Debug)]
enum What {
    Size(size::Args),
}

/// Runs what is asked for.
pub fn run(args: &Args, context: &Context) -> Outcome {
    match &args.what {
        What::Size(args) => size::run(args, context),
    }
}
