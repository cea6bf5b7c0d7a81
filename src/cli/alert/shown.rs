//! How what is found is shown: its form, where it goes, and the exit code.

use std::path::{Path, PathBuf};

use super::super::ui::Paint;
use super::super::{Context, Exit, Outcome, Stop, rewrite};

/// The form, and where it goes.
#[derive(clap::Args, Debug)]
pub struct ShownArgs {
    /// How it is told
    #[arg(long, value_enum, default_value_t = Format::Text, value_name = "FORMAT")]
    format: Format,
    /// The file to write to; `-` is standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// `--format`
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For programs
    Json,
    /// A page that needs nothing else
    Html,
}

/// Something that has all forms.
pub trait Shown {
    /// For people, in a terminal or a log.
    fn text(&self, paint: Paint) -> String;

    /// For programs.
    fn json(&self) -> String;

    /// As a page that needs nothing else.
    fn html(&self) -> String;
}

impl ShownArgs {
    /// Whether a program reads it.
    pub fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// Shows it; a file has no colours.
    pub fn show(&self, what: &impl Shown, context: &Context) -> Result<(), Stop> {
        let file = self.output.as_deref().filter(|file| *file != Path::new("-"));
        let written = match self.format {
            Format::Text => what.text(if file.is_some() { Paint::new(false) } else { context.paint() }),
            Format::Json => what.json(),
            Format::Html => what.html(),
        };
        match file {
            Some(file) => rewrite::create(file, written.as_bytes()).map_err(|failure| (*failure).into()),
            None => context.print(&written),
        }
    }
}

/// The exit code tells of what was looked at; what keeps it from being looked at is a failure, though it is in the project.
pub fn ended(outcome: Outcome, context: &Context) -> Outcome {
    match outcome {
        Err(stop @ Stop::Found { .. }) => {
            context.stop(stop);
            Ok(Exit::Failure)
        }
        outcome => outcome,
    }
}
