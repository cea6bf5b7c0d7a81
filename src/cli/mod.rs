//! The command line: one file a verb.
//!
//! To add a verb, write `src/cli/<verb>.rs` with `pub struct Args` (clap) and `pub fn run(&Args, &Context) -> Outcome`,
//! declare it below, and add its line to [`verbs!`]. Everything here is an edge: it reads files, prints and decides what
//! fails; what it prints is made by the library.

mod alert;
mod answers;
mod asked;
mod context;
pub mod declared;
mod markdown;
pub mod output;
mod planned;
pub mod ready;
pub mod rewrite;
pub mod ui;

mod build;
mod catalog;
mod check;
mod completions;
mod debug;
pub mod deliver;
mod diff;
mod docs;
#[cfg(feature = "dry-run")]
mod dry_run;
mod experiment;
mod explain;
mod export;
mod fmt;
mod impact;
mod init;
mod ledger;
mod lineage;
mod listening;
mod lock;
mod locked;
mod man;
mod notify;
mod promote;
mod quality;
mod query;
mod report;
pub mod revisions;
pub mod sample;
mod server;
mod targets;
#[cfg(feature = "dry-run")]
mod test;
mod verify;
mod ways;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::stack;

pub use context::{Context, Exit, GlobalOptions, Outcome, Stop};

/// What the help says about exit codes.
const EXIT_CODES: &str = "\
Exit codes:
  0  nothing is wrong
  1  there are errors, or warnings under `--deny warnings`
  2  wrong usage, or a file could not be read or written

`metricc explain CODE` tells more about a diagnostic.";

/// Compile metric definitions: checked, dry-run on samples, and emitted for the engines that compute them.
#[derive(Debug, Parser)]
#[command(name = "metricc", version, after_help = EXIT_CODES, after_long_help = EXIT_CODES, arg_required_else_help = true)]
pub struct Cli {
    #[command(flatten)]
    global: GlobalOptions,
    #[command(subcommand)]
    verb: Verb,
}

/// Makes the enum of verbs and runs them: `Variant => module` a line, in the order of the help.
macro_rules! verbs {
    ($($(#[$attribute:meta])* $variant:ident => $module:ident,)*) => {
        #[derive(Debug, Subcommand)]
        enum Verb {
            $($(#[$attribute])* $variant($module::Args),)*
        }

        impl Verb {
            fn run(&self, context: &Context) -> Outcome {
                match self {
                    $($(#[$attribute])* Verb::$variant(args) => $module::run(args, context),)*
                }
            }
        }
    };
}

verbs! {
    Check => check,
    Build => build,
    #[cfg(feature = "dry-run")]
    Test => test,
    #[cfg(feature = "dry-run")]
    DryRun => dry_run,
    Query => query,
    Fmt => fmt,
    Explain => explain,
    Catalog => catalog,
    Docs => docs,
    Lineage => lineage,
    Impact => impact,
    Lock => lock,
    Diff => diff,
    Verify => verify,
    Quality => quality,
    Alert => alert,
    Promote => promote,
    Experiment => experiment,
    Export => export,
    Notify => notify,
    Report => report,
    Init => init,
    Targets => targets,
    Debug => debug,
    Sample => sample,
    Completions => completions,
    Man => man,
}

/// Runs the program with the arguments of the process.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(message) => {
            // Help and version are asked for; all else is wrong usage. Clap's own codes are 0 and 2 too.
            let exit = if message.use_stderr() { Exit::Failure } else { Exit::Clean };
            // Nobody is left to tell if this fails.
            let _ = message.print();
            return exit.into();
        }
    };
    let context = Context::new(cli.global);
    let exit = stacker::grow(stack::OF_THREAD, || match cli.verb.run(&context) {
        Ok(exit) => exit,
        Err(stop) => context.stop(stop),
    });
    exit.into()
}

/// The whole command line, for completions and the man page.
fn command() -> clap::Command {
    Cli::command()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_consistent() {
        super::command().debug_assert();
    }
}
