//! `metricc dry-run`: computes metrics on sample data.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use super::asked::AskArgs;
use super::ready::Ready;
use super::{Context, Exit, Outcome, Stop, ui};
use crate::diagnostic::Diagnostics;
use crate::dry_run::{Data, DryRun, Options, Progress, write_parquet};
use crate::error;
use crate::plan::Query;
use crate::project::io_message;
use crate::table::{Answer, csv, json, plot, terminal};

/// Compute metrics on sample data
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    question: AskArgs,
    /// The folder with the data [default: `samples` of metricc.yaml]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// How the answer is written
    #[arg(long, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    format: Format,
    /// The file to write the answer to
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
    /// A file for other tools; needs --output
    Parquet,
}

/// Plans the question, reads the samples it needs and prints the answer.
pub fn run(args: &Args, context: &Context) -> Outcome {
    if args.format == Format::Parquet && args.output.is_none() {
        return Err(
            error!(E0959, None, "`--format parquet` needs a file"; help: "add `--output answer.parquet`").into()
        );
    }
    let (ready, query) = args.question.plan(context)?;
    let folder = args.data.clone().unwrap_or_else(|| ready.project.root.join(&ready.project.config.samples));
    let (dry_run, warnings) = prepare(&query, &folder, args.lenient, &ready, context)?;
    if !warnings.is_empty() {
        context.report(&ready.project.sources, &ready.project.root, &warnings);
    }
    let answer = dry_run.run(&query).map_err(|found| Stop::found(&ready.project, found))?;
    if let Some(file) = &args.plot {
        let title = args.question.metrics.join(", ");
        write(file, plot::plot(&answer, &title).map_err(|failure| *failure)?.as_bytes())?;
        context.note(&format!("drew {}", file.display()));
    }
    show(args, &answer, &ready, context)?;
    Ok(Exit::Clean)
}

/// A dry run with the tables that a query reads.
fn prepare(
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
    for place in query.all_tables() {
        warnings.extend(dry_run.register(&query.tables[place], &Data::Samples(folder)).map_err(told)?);
    }
    Ok((dry_run, warnings))
}

fn show(args: &Args, answer: &Answer, ready: &Ready, context: &Context) -> Result<(), Stop> {
    let text = match args.format {
        Format::Table => {
            let unicode = args.output.is_some() || std::io::stdout().is_terminal();
            terminal::table(
                answer,
                terminal::Style { color: context.paint().is_on() && args.output.is_none(), unicode },
            )
        }
        Format::Csv => csv::csv(answer),
        Format::Json => json::json(answer),
        Format::Parquet => {
            let mut bytes = Vec::new();
            write_parquet(answer, &mut bytes).map_err(|found| Stop::found(&ready.project, found))?;
            return args.output.as_ref().map_or(Ok(()), |file| write(file, &bytes));
        }
    };
    match &args.output {
        Some(file) => write(file, text.as_bytes()),
        None => context.print(&text),
    }
}

/// Writes a file aside and renames it, so that what was there is never half overwritten.
fn write(path: &Path, bytes: &[u8]) -> Result<(), Stop> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let written = tempfile::Builder::new().prefix(".metricc-").tempfile_in(folder).and_then(|mut aside| {
        std::io::Write::write_all(&mut aside, bytes)?;
        aside.persist(path).map_err(|failure| failure.error)
    });
    written.map(|_| ()).map_err(|failure| {
        error!(E0038, None, "`{}` can't be written: {}", path.display(), io_message(&failure);
            help: "what was there before is unchanged")
        .into()
    })
}
