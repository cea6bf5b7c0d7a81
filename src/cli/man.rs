//! `metricc man`: manual pages.

use std::path::PathBuf;

use super::{Context, Exit, Outcome};
use crate::{error, project::io_message};

/// Print the manual page, or write those of all verbs to a folder
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Write `metricc.1`, `metricc-check.1` … to this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Makes them from the command line itself.
pub fn run(args: &Args, context: &Context) -> Outcome {
    if let Some(folder) = &args.out {
        let written = std::fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(super::command(), folder));
        return match written {
            Ok(()) => Ok(Exit::Clean),
            Err(failure) => {
                let reason = io_message(&failure);
                Err(error!(E0038, None, "manual pages can't be written to `{}`: {reason}", folder.display();
                    help: "name a folder that can be written")
                .into())
            }
        };
    }
    let mut page = Vec::new();
    // Writing to memory can't fail.
    let _ = clap_mangen::Man::new(super::command()).render(&mut page);
    context.print(&String::from_utf8_lossy(&page))?;
    Ok(Exit::Clean)
}
