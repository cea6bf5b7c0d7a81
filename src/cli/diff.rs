//! `metricc diff`: what is different in meaning between two revisions, folders, or a lock and the definitions.

mod built;
mod evidence;
#[cfg(feature = "dry-run")]
mod gather;
mod html;
mod json;
mod markdown;
mod reviews;
mod text;

use std::path::{Path, PathBuf};

use super::revisions::{Loaded, Program, Refused, Side, load_both, of_folders};
use super::{Context, Exit, Outcome, Stop, rewrite};
use crate::change::diff::{self, Class, Diff, Entry, State};
use crate::error;
use crate::lineage::{Graph, Kind};

use built::Built;

/// Show what means something else: between revisions of git, folders, the lock and the files as they are
#[derive(clap::Args, Debug)]
pub struct Args {
    /// What is compared: nothing (HEAD with the files as they are), BASE, BASE HEAD, or BASE...HEAD (from their newest common
    /// commit). A side is a revision of git, a folder with a metricc.yaml, or `lock`
    #[arg(value_name = "BASE [HEAD]", num_args = 0..=2)]
    sides: Vec<String>,
    /// How it is told
    #[arg(long, value_enum, default_value_t = Format::Text, value_name = "FORMAT")]
    format: Format,
    /// The file to write to; `-` is standard output
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Exit with 1 if something of this class, or of a heavier one, is found
    #[arg(long, value_enum, default_value_t = FailOn::None, value_name = "CLASS")]
    fail_on: FailOn,
    /// Compare what the targets are given, too: rollups to fill, views that are made anew
    #[arg(long)]
    artefacts: bool,
    #[cfg(feature = "dry-run")]
    #[command(flatten)]
    evidence: gather::EvidenceArgs,
}

/// `--format`
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For a comment of a pull request: at most 65,536 characters
    Markdown,
    /// A page of its own
    Html,
    /// For programs
    Json,
    /// SARIF 2.1.0 for code scanning: at most 5,000 results
    Sarif,
    /// Annotations of GitHub Actions: at most 10 of each kind
    Github,
}

/// `--fail-on`
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum FailOn {
    /// Any difference
    Cosmetic,
    /// Something more
    Compatible,
    /// Numbers that may be others
    Caliber,
    /// Something that is gone, or can't be read as before
    Breaking,
    /// Nothing
    None,
}

impl FailOn {
    fn class(self) -> Option<Class> {
        match self {
            FailOn::Cosmetic => Some(Class::Cosmetic),
            FailOn::Compatible => Some(Class::Compatible),
            FailOn::Caliber => Some(Class::Caliber),
            FailOn::Breaking => Some(Class::Breaking),
            FailOn::None => None,
        }
    }
}

/// What is told.
struct Report<'a> {
    /// What the sides are called.
    base: String,
    head: String,
    diff: &'a Diff,
    /// What the targets are given otherwise, where that was asked for.
    built: Option<Vec<Built>>,
    /// Rows on which versions disagree, and what differences do to data, where that was asked for.
    evidence: evidence::Gathered,
}

impl Report<'_> {
    /// How many metrics, and how many other declarations, are of a class.
    fn count(&self, class: Class) -> (usize, usize) {
        let metrics = self.diff.of(class).filter(|entry| entry.kind == Kind::Metric).count();
        (metrics, self.diff.of(class).count() - metrics)
    }

    /// Those that say something themselves, in order.
    fn told(&self, class: Class) -> impl Iterator<Item = &Entry> {
        self.diff.of(class).filter(|entry| !is_moved(entry))
    }

    /// Those that only move with others.
    fn moved(&self, class: Class) -> impl Iterator<Item = &Entry> {
        self.diff.of(class).filter(|entry| is_moved(entry))
    }
}

/// Whether nothing is to be said of it but what it moves with.
fn is_moved(entry: &Entry) -> bool {
    entry.state == State::Moved && entry.fields.is_empty()
}

/// Compares, tells, and fails where that was asked for.
pub fn run(args: &Args, context: &Context) -> Outcome {
    let root = context.root().or_else(|stop| of_folders(&args.sides).ok_or(stop))?;
    let (base, head) = Side::both(&args.sides, &root)?;
    let (before, after) = match load_both(&base, &head, &root) {
        Ok(both) => both,
        Err(sides) => return refused(args, context, sides),
    };
    if let (Loaded::Lock(_), Loaded::Lock(_)) = (&before, &after) {
        return Err(
            error!(E0039, None, "both sides are the lock"; help: "name a revision, or leave one `lock` out").into()
        );
    }
    let found = diff::compare(side(&before), side(&after), graph(&after).or(graph(&before)));
    let built = if args.artefacts { Some(built::compare(&before, &after)?) } else { None };
    #[cfg(feature = "dry-run")]
    let evidence = gather::gather(&args.evidence, &before, &after, &found, context)?;
    #[cfg(not(feature = "dry-run"))]
    let evidence = evidence::Gathered::default();
    let report = Report { base: base.name(), head: head.name(), diff: &found, built, evidence };
    let text = match args.format {
        Format::Text => {
            text::render(&report, if args.output.is_some() { super::ui::Paint::new(false) } else { context.paint() })
        }
        Format::Markdown => markdown::render(&report),
        Format::Html => html::render(&report),
        Format::Json => json::render(&report),
        Format::Sarif | Format::Github => reviews::render(&report, &before, &after, args.format),
    };
    give(args, context, &text)?;
    context.note(&text::summary(&report));
    let class = found.class();
    let reached = args.fail_on.class().is_some_and(|wanted| class >= Some(wanted));
    // The process ends soon, which gives back all of it at once.
    std::mem::forget((before, after, found));
    Ok(if reached { Exit::Findings } else { Exit::Clean })
}

/// What is written, to the file or to standard output.
fn give(args: &Args, context: &Context, text: &str) -> Result<(), Stop> {
    match args.output.as_deref().filter(|file| *file != Path::new("-")) {
        Some(file) => rewrite::create(file, text.as_bytes()).map_err(|failure| (*failure).into()),
        None => context.print(text),
    }
}

fn side(loaded: &Loaded) -> diff::Side<'_> {
    match loaded {
        Loaded::Lock(lock) => diff::Side::Lock(lock),
        Loaded::Program(program) => diff::Side::Program(of_program(program)),
    }
}

fn graph(loaded: &Loaded) -> Option<&Graph> {
    match loaded {
        Loaded::Lock(_) => None,
        Loaded::Program(program) => program.graph.as_ref(),
    }
}

fn of_program(program: &Program) -> diff::Program<'_> {
    diff::Program {
        files: &program.ready.compiled.files,
        model: &program.ready.compiled.model,
        calibers: &program.locking.calibers,
        settings: &program.locking.settings,
        sources: &program.ready.project.sources,
    }
}

/// Tells why nothing can be compared: the errors of each side, with its name.
fn refused(args: &Args, context: &Context, sides: Vec<Refused>) -> Outcome {
    for side in &sides {
        let count = side.diagnostics.len();
        context.note(&format!("{} can't be compared: {count} error{}", side.name, if count == 1 { "" } else { "s" }));
        context.report(&side.sources, &side.root, &side.diagnostics);
    }
    let text = match args.format {
        Format::Markdown => markdown::refused(&sides),
        Format::Json => json::refused(&sides),
        Format::Text | Format::Html | Format::Sarif | Format::Github => String::new(),
    };
    if !text.is_empty() {
        give(args, context, &text)?;
    }
    Ok(Exit::Failure)
}

/// Where an error of a side is, in the words of its paths: `main:metrics/a.metric:3`.
fn place(side: &Refused, found: &crate::diagnostic::Diagnostic) -> Option<String> {
    let span = found.span?;
    let file = side.sources.file(span.file);
    Some(format!("{}:{}", file.path, file.position(span.start).0))
}
