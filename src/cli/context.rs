//! What all verbs share: global options, the project, printing, exit codes.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, ValueEnum};

use super::ui::{self, Paint};
use crate::{
    diagnostic::{
        Diagnostic, Diagnostics, Severity, codes,
        render::{self, Format, View},
    },
    error,
    project::{CONFIG_FILE, DiskFiles, Project, SourceMap, io_message, load},
    stack,
};

/// Options that every verb takes.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Global options")]
pub struct GlobalOptions {
    /// The folder with `metricc.yaml` [default: the nearest one upwards from here]
    #[arg(long, global = true, value_name = "DIR")]
    pub project: Option<PathBuf>,
    /// How diagnostics are written
    #[arg(long, global = true, value_enum, default_value_t = ErrorFormat::Human, value_name = "FORMAT")]
    pub error_format: ErrorFormat,
    /// When to use colours; `auto`: on a terminal, unless NO_COLOR is set
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub color: Color,
    /// What makes the exit code 1 beside errors; `lints` includes warnings
    #[arg(long, global = true, value_enum, value_name = "WHAT")]
    pub deny: Option<Deny>,
    /// Print results and diagnostics only, no summary and no progress
    #[arg(long, short, global = true)]
    pub quiet: bool,
}

/// `--error-format`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ErrorFormat {
    /// With the text they are about
    Human,
    /// One line each
    Plain,
    /// One JSON object a line
    Json,
    /// Annotations of GitHub Actions
    Github,
    /// SARIF 2.1.0 for code scanning
    Sarif,
}

impl From<ErrorFormat> for Format {
    fn from(format: ErrorFormat) -> Format {
        match format {
            ErrorFormat::Human => Format::Human,
            ErrorFormat::Plain => Format::Plain,
            ErrorFormat::Json => Format::Json,
            ErrorFormat::Github => Format::Github,
            ErrorFormat::Sarif => Format::Sarif,
        }
    }
}

/// `--color`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal
    Auto,
    /// Everywhere
    Always,
    /// Nowhere
    Never,
}

/// `--deny`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Deny {
    /// Warnings
    Warnings,
    /// Warnings and lints
    Lints,
}

/// How the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: nothing is wrong.
    Clean,
    /// 1: the input has errors, or a comparison that was asked for failed.
    Findings,
    /// 2: wrong usage, or a file could not be read or written.
    Failure,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(match exit {
            Exit::Clean => 0,
            Exit::Findings => 1,
            Exit::Failure => 2,
        })
    }
}

/// What a verb gives back.
pub type Outcome = Result<Exit, Stop>;

/// Why a verb can't go on.
#[derive(Debug)]
pub enum Stop {
    /// Something about the project, or about what is asked of it.
    Found {
        /// The files it is about.
        sources: Box<SourceMap>,
        /// Where they lie.
        root: PathBuf,
        /// What is told, with a summary.
        diagnostics: Diagnostics,
    },
    /// Wrong usage, or something that could not be read or written.
    Told(Box<Diagnostic>),
    /// Whoever read the output has gone (`metricc … | head`).
    NobodyReads,
}

impl Stop {
    /// Whether all that is told has one of these codes.
    pub fn has(&self, codes: &[&str]) -> bool {
        match self {
            Stop::Found { diagnostics, .. } => {
                !diagnostics.is_empty() && diagnostics.iter().all(|one| codes.contains(&one.code.0))
            }
            Stop::Told(one) => codes.contains(&one.code.0),
            Stop::NobodyReads => false,
        }
    }
}

impl From<Diagnostic> for Stop {
    fn from(diagnostic: Diagnostic) -> Stop {
        Stop::Told(Box::new(diagnostic))
    }
}

impl From<Box<Diagnostic>> for Stop {
    fn from(diagnostic: Box<Diagnostic>) -> Stop {
        Stop::Told(diagnostic)
    }
}

/// Options and streams of this run.
#[derive(Debug)]
pub struct Context {
    /// The global options.
    pub options: GlobalOptions,
    paint_out: Paint,
    paint_err: Paint,
}

impl Context {
    /// Looks at the terminal.
    pub fn new(options: GlobalOptions) -> Context {
        let wanted = |auto: anstream::ColorChoice| match options.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => auto != anstream::ColorChoice::Never,
        };
        let paint_out = Paint::new(wanted(anstream::AutoStream::choice(&io::stdout())));
        let paint_err = Paint::new(wanted(anstream::AutoStream::choice(&io::stderr())));
        Context { options, paint_out, paint_err }
    }

    /// Colours for standard output.
    pub fn paint(&self) -> Paint {
        self.paint_out
    }

    /// Prints a result to standard output.
    pub fn print(&self, text: &str) -> Result<(), Stop> {
        self.print_bytes(text.as_bytes())
    }

    /// The same, of what may be no text.
    pub fn print_bytes(&self, bytes: &[u8]) -> Result<(), Stop> {
        let mut out = io::stdout().lock();
        match out.write_all(bytes).and_then(|()| out.flush()) {
            Ok(()) => Ok(()),
            Err(failure) if failure.kind() == io::ErrorKind::BrokenPipe => Err(Stop::NobodyReads),
            Err(failure) => Err(error!(E0038, None, "the output can't be written: {}", io_message(&failure);
                help: "is the disk full?")
            .into()),
        }
    }

    /// Prints something about the run to standard error, unless `--quiet`.
    pub fn note(&self, text: &str) {
        if !self.options.quiet {
            self.print_aside(&format!("{text}\n"));
        }
    }

    fn print_aside(&self, text: &str) {
        // Nobody is left to tell if this fails.
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }

    /// Reads the project: of `--project`, or the nearest one upwards from the current folder, or from `start`.
    pub fn load(&self, start: Option<&Path>) -> Result<(Project, Diagnostics), Stop> {
        let files = self.files(start)?;
        // Where there are threads already, they have less stack, and only make room more often.
        let _ = rayon::ThreadPoolBuilder::new().stack_size(stack::OF_THREAD).build_global();
        let (project, diagnostics) = load(&files);
        match project {
            Some(project) => Ok((project, diagnostics)),
            None => {
                let first = diagnostics.into_iter().next();
                Err(first.unwrap_or_else(|| error!(E0001, None, "there is no project")).into())
            }
        }
    }

    pub(super) fn files(&self, start: Option<&Path>) -> Result<DiskFiles, Stop> {
        if let Some(folder) = &self.options.project {
            return Ok(DiskFiles::new(folder));
        }
        let here = Path::new(".");
        DiskFiles::find(here).or_else(|| DiskFiles::find(start?)).ok_or_else(|| {
            error!(E0001, None, "there is no `{}` here or in a folder above", CONFIG_FILE;
                help: "run `metricc init DIR` to make a project, or name its folder with `--project`")
            .into()
        })
    }

    /// Shows diagnostics on standard error, with a summary.
    pub fn report(&self, sources: &SourceMap, root: &Path, diagnostics: &Diagnostics) -> Exit {
        let text = self.render(sources, root, diagnostics);
        self.print_aside(&text);
        self.summarise(diagnostics);
        self.exit(diagnostics)
    }

    /// Shows diagnostics as the result of the verb: those for programs go to standard output.
    pub fn report_as_result(&self, sources: &SourceMap, root: &Path, diagnostics: &Diagnostics) -> Outcome {
        let text = self.render(sources, root, diagnostics);
        if self.is_for_people() {
            self.print_aside(&text);
        } else {
            match self.print(&text) {
                // What was found decides how the run ends, read or not.
                Ok(()) | Err(Stop::NobodyReads) => {}
                Err(other) => return Err(other),
            }
        }
        self.summarise(diagnostics);
        Ok(self.exit(diagnostics))
    }

    /// Tells why a verb could not go on.
    pub fn stop(&self, stop: Stop) -> Exit {
        match stop {
            Stop::NobodyReads => Exit::Clean,
            Stop::Found { sources, root, diagnostics } => self.report(&sources, &root, &diagnostics),
            Stop::Told(diagnostic) => {
                let text = self.render(&SourceMap::new(), Path::new("."), &[*diagnostic].into_iter().collect());
                self.print_aside(&text);
                Exit::Failure
            }
        }
    }

    /// Whether diagnostics are written for people rather than programs.
    pub fn is_for_people(&self) -> bool {
        matches!(self.options.error_format, ErrorFormat::Human | ErrorFormat::Plain)
    }

    fn render(&self, sources: &SourceMap, root: &Path, diagnostics: &Diagnostics) -> String {
        let base = if self.is_for_people() { std::env::current_dir().ok() } else { ui::repository(root) };
        let prefix = base.map_or_else(String::new, |base| ui::prefix(&base, root));
        let view = View { sources, prefix: &prefix, color: self.paint_err.is_on(), width: ui::error_width() };
        render::render(self.options.error_format.into(), diagnostics, &view)
    }

    fn summarise(&self, diagnostics: &Diagnostics) {
        if let (true, Some(summary)) = (self.is_for_people(), render::summary(diagnostics)) {
            let summary =
                if diagnostics.has_errors() { self.paint_err.red(&summary) } else { self.paint_err.yellow(&summary) };
            self.note(&summary);
        }
    }

    /// What the diagnostics make of the exit code.
    pub fn exit(&self, diagnostics: &Diagnostics) -> Exit {
        let has = |severity| diagnostics.iter().any(|found| found.severity() == severity);
        let denied = match self.options.deny {
            None => false,
            Some(Deny::Warnings) => has(Severity::Warning),
            Some(Deny::Lints) => has(Severity::Warning) || has(Severity::Lint),
        };
        if diagnostics.iter().any(is_failure) {
            Exit::Failure
        } else if diagnostics.has_errors() || denied {
            Exit::Findings
        } else {
            Exit::Clean
        }
    }
}

/// Whether an error is not about what the input says but about reading or writing it.
fn is_failure(found: &Diagnostic) -> bool {
    [
        codes::E0001,
        codes::E0002,
        codes::E0030,
        codes::E0031,
        codes::E0032,
        codes::E0033,
        codes::E0034,
        codes::E0035,
        codes::E0037,
        codes::E0038,
        codes::E0039,
        codes::E0850,
        codes::E0851,
        codes::E0852,
        codes::E0853,
        codes::E0854,
        codes::E0875,
        codes::E0876,
        codes::E0878,
        codes::E0050,
        codes::E0051,
        codes::E0052,
        codes::E0053,
        codes::E0054,
        codes::E0055,
        codes::E0058,
        codes::E0902,
        codes::E0903,
        codes::E0990,
        codes::E0991,
        codes::E0992,
    ]
    .contains(&found.code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exit(deny: Option<Deny>, found: &[crate::diagnostic::Code]) -> Exit {
        let options =
            GlobalOptions { project: None, error_format: ErrorFormat::Plain, color: Color::Never, deny, quiet: true };
        let diagnostics = found.iter().map(|code| Diagnostic::new(*code, None, "x")).collect();
        Context::new(options).exit(&diagnostics)
    }

    #[test]
    fn the_exit_code_follows_what_was_found() {
        assert_eq!(exit(None, &[]), Exit::Clean);
        assert_eq!(exit(None, &[codes::W0001]), Exit::Clean);
        assert_eq!(exit(Some(Deny::Warnings), &[codes::W0001]), Exit::Findings);
        assert_eq!(exit(Some(Deny::Lints), &[codes::W0001]), Exit::Findings);
        assert_eq!(exit(None, &[codes::W0001, codes::E0201]), Exit::Findings);
        assert_eq!(exit(None, &[codes::E0201, codes::E0002]), Exit::Failure);
        assert_eq!(exit(None, &[codes::E0902]), Exit::Failure);
    }
}
