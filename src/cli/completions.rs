//! `metricc completions`: so that a shell can complete our command line.

use clap_complete::Shell;

use super::{Context, Exit, Outcome};

/// Print the completions of a shell, e.g. `metricc completions bash > ~/.local/share/bash-completion/completions/metricc`
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The shell
    shell: Shell,
}

/// Prints them.
pub fn run(args: &Args, context: &Context) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::command(), "metricc", &mut script);
    context.print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Clean)
}
