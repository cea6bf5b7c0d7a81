//! `metricc dry-run`: computes metrics on sample data.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use super::asked::AskArgs;
use super::ready::Ready;
use super::{Context, Exit, Outcome, Stop, rewrite, ui};
use crate::diagnostic::Diagnostics;
use crate::dry_run::{Data, DryRun, Options, Progress, write_parquet};
use crate::error;
use crate::plan::Query;
use crate::table::{Answer, csv, json, plot, terminal};

/// Compute metrics on sample data
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    question: Box<AskArgs>,
    /// The folder with the data [default: `samples` of metricc.yaml]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// How the answer is written
    #[arg(long, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    format: Format,
    /// The file to write the answer to; `-` is standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Also draw the answer into this SVG file
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// Skip rows that cannot be read, and count them
    #[arg(long)]
    lenient: bool,
}

/// A form of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Aligned, with units and sparklines
    Table,
    /// Null is an empty cell, the empty text is ""
    Csv,
    /// A list of objects
    Json,
    /// A file for other tools
    Parquet,
}

/// Plans the question, reads the samples it needs and prints the answer.
pub fn run(args: &Args, context: &Context) -> Outcome {
    let to_screen = args.output.is_none() && std::io::stdout().is_terminal();
    if args.format == Format::Parquet && to_screen {
        return Err(error!(E0959, None, "a Parquet answer is binary, and standard output is a terminal";
            help: "add `--output answer.parquet`")
        .into());
    }
    let (ready, _, query) = args.question.plan(context)?;
    let folder = args.data.clone().unwrap_or_else(|| ready.project.root.join(&ready.project.config.samples));
    let (dry_run, mut warnings) = prepare(&query, &folder, args.lenient, &ready, context)?;
    let answer = dry_run.run(&query).map_err(|found| Stop::found(&ready.project, found));
    if answer.is_ok() {
        warnings.extend(dry_run.off_calendar(&query).map_err(|found| Stop::found(&ready.project, found))?);
    }
    // The line about its progress goes away with it.
    drop(dry_run);
    if !warnings.is_empty() {
        context.report(&ready.project.sources, &ready.project.root, &warnings);
    }
    let answer = answer?;
    if let Some(file) = &args.plot {
        let title = args.question.values.clone().unwrap_or_else(|| args.question.metrics.join(", "));
        let drawing = plot::plot(&answer, &title).map_err(|failure| *failure)?;
        rewrite::create(file, drawing.as_bytes()).map_err(|failure| *failure)?;
        context.note(&format!("drew {}", file.display()));
    }
    show(args, &answer, &ready, context)?;
    Ok(Exit::Clean)
}

/// A dry run with the tables that a query reads.
pub(super) fn prepare(
    query: &Query,
    folder: &Path,
    lenient: bool,
    ready: &Ready,
    context: &Context,
) -> Result<(DryRun, Diagnostics), Stop> {
    let told = |found: Diagnostics| Stop::found(&ready.project, found);
    let mut dry_run = DryRun::new(Options { lenient, ..Options::new(query.zone) }).map_err(told)?;
    let bar = ui::Progress::start("reading", 100, context.options.quiet);
    dry_run.on_progress(move |at| match at {
        Progress::Reading { file, bytes, total } => bar.at(&format!("reading {file}"), bytes, total),
        Progress::CheckingKey { table } => bar.at(&format!("looking for duplicates in {table}"), 0, 0),
        Progress::Running => bar.at("computing", 0, 0),
    });
    let mut warnings = Diagnostics::new();
    for place in query.stored_tables() {
        warnings.extend(dry_run.register(&query.tables[place], &Data::Samples(folder)).map_err(told)?);
    }
    Ok((dry_run, warnings))
}

fn show(args: &Args, answer: &Answer, ready: &Ready, context: &Context) -> Result<(), Stop> {
    let file = args.output.as_deref().filter(|file| *file != Path::new("-"));
    let bytes = match args.format {
        Format::Table => {
            let unicode = file.is_some() || std::io::stdout().is_terminal();
            let color = context.paint().is_on() && file.is_none();
            terminal::table(answer, terminal::Style { color, unicode }).into_bytes()
        }
        Format::Csv => csv::csv(answer).into_bytes(),
        Format::Json => json::json(answer).into_bytes(),
        Format::Parquet => {
            let mut bytes = Vec::new();
            write_parquet(answer, &mut bytes).map_err(|found| Stop::found(&ready.project, found))?;
            bytes
        }
    };
    match file {
        Some(file) => rewrite::create(file, &bytes).map_err(|failure| (*failure).into()),
        None => context.print_bytes(&bytes),
    }
}
