//! `metricc fmt`: the canonical layout of definitions.

use std::{
    io::{self, Read},
    path::{Path, PathBuf},
};

use super::{Context, Exit, Outcome, Stop, rewrite, ui};
use crate::{
    diagnostic::Diagnostics,
    error,
    format::format_file,
    project::{DiskFiles, FileError, Files, SourceMap, io_message},
};

/// Lay out definitions in the canonical form; comments stay, and nothing that they say changes
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Files and folders, or `-` for standard input to standard output [default: the whole project]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Change nothing: list the files that are laid out otherwise, with what would change
    #[arg(long)]
    check: bool,
}

/// A file that is laid out otherwise.
struct Work {
    path: PathBuf,
    /// The path as the user would write it.
    name: String,
    old: String,
    new: String,
}

/// Formats what is asked for. Files with syntax errors stay as they are, and the others are still formatted.
pub fn run(args: &Args, context: &Context) -> Outcome {
    if args.paths.iter().any(|path| path.as_os_str() == "-") {
        return standard_input(args, context);
    }
    let mut batch = match args.paths.is_empty() {
        true => Batch::of_project(context)?,
        false => Batch::of_paths(&args.paths),
    };
    if args.check {
        batch.show(context)?;
    } else {
        batch.write(context);
    }
    Ok(batch.finish(args.check, context))
}

fn standard_input(args: &Args, context: &Context) -> Outcome {
    if args.paths.len() > 1 {
        return Err(
            error!(E0039, None, "`-` stands for standard input, and nothing else can be named beside it").into()
        );
    }
    let mut bytes = Vec::new();
    let unreadable = |reason: String| Stop::from(error!(E0002, None, "standard input can't be read: {reason}"));
    io::stdin().lock().read_to_end(&mut bytes).map_err(|failure| unreadable(io_message(&failure)))?;
    let text = String::from_utf8(bytes).map_err(|_| unreadable("it is not UTF-8".to_owned()))?;
    let mut sources = SourceMap::new();
    let file = sources.add("standard input", text.as_str());
    let new = match format_file(file, &text) {
        Ok(new) => new,
        Err(diagnostics) => return Ok(context.report(&sources, Path::new("."), &diagnostics)),
    };
    if !args.check {
        context.print(&new)?;
        return Ok(Exit::Clean);
    }
    context.print(&rewrite::diff("standard input", &text, &new, context.paint()))?;
    Ok(if text == new { Exit::Clean } else { Exit::Findings })
}

/// The files of one run.
struct Batch {
    files: DiskFiles,
    sources: SourceMap,
    found: Diagnostics,
    work: Vec<Work>,
    /// How many are laid out well already.
    unchanged: usize,
}

impl Batch {
    fn new(root: &Path) -> Batch {
        Batch {
            files: DiskFiles::new(root),
            sources: SourceMap::new(),
            found: Diagnostics::new(),
            work: Vec::new(),
            unchanged: 0,
        }
    }

    /// Every definition of the project around. What can't be read is told as `check` tells it.
    fn of_project(context: &Context) -> Result<Batch, Stop> {
        let (project, diagnostics) = context.load(None)?;
        let mut batch = Batch::new(&project.root);
        batch.sources = project.sources;
        batch.found = diagnostics.into_iter().filter(|one| one.code.0.starts_with("E000")).collect();
        for file in &project.files {
            batch.file(&batch.sources.file(*file).path.clone());
        }
        Ok(batch)
    }

    /// These files, and all definitions in these folders.
    fn of_paths(paths: &[PathBuf]) -> Batch {
        let mut batch = Batch::new(Path::new("."));
        for path in paths {
            let Some(name) = path.to_str() else {
                batch.refuse(&path.to_string_lossy(), &FileError::Name);
                continue;
            };
            if path.is_file() {
                batch.file(name);
                continue;
            }
            let listing = batch.files.list(name, "metric");
            for (path, reason) in &listing.problems {
                batch.refuse(path, reason);
            }
            for path in &listing.files {
                batch.file(path);
            }
        }
        batch
    }

    fn refuse(&mut self, path: &str, reason: &FileError) {
        self.found.push(error!(E0002, None, "`{path}` can't be read: {reason}";
            help: "name files, or folders with `.metric` files"));
    }

    fn file(&mut self, path: &str) {
        let bytes = match self.files.read(path) {
            Ok(bytes) => bytes,
            Err(reason) => return self.refuse(path, &reason),
        };
        let Ok(old) = String::from_utf8(bytes) else {
            return self.found.push(error!(E0005, None, "`{path}` is not UTF-8"; help: "save it as UTF-8"));
        };
        let file = self.sources.add(path, old.as_str());
        match format_file(file, &old) {
            Ok(new) if new == old => self.unchanged += 1,
            Ok(new) => {
                let root = self.files.root();
                let here = std::env::current_dir().map_or_else(|_| String::new(), |here| ui::prefix(&here, root));
                let name = format!("{here}{path}");
                self.work.push(Work { path: root.join(path), name, old, new });
            }
            Err(found) => self.found.extend(found),
        }
    }

    /// Shows what would change.
    fn show(&self, context: &Context) -> Result<(), Stop> {
        for work in &self.work {
            context.print(&rewrite::diff(&work.name, &work.old, &work.new, context.paint()))?;
        }
        Ok(())
    }

    /// Rewrites the files.
    fn write(&mut self, context: &Context) {
        for work in std::mem::take(&mut self.work) {
            match rewrite::replace(&work.path, &work.new) {
                Ok(()) => {
                    context.note(&format!("formatted {}", work.name));
                    self.work.push(work);
                }
                Err(failure) => self.found.push(*failure),
            }
        }
    }

    /// Tells how it went.
    fn finish(mut self, check: bool, context: &Context) -> Exit {
        self.found.sort();
        let exit = context.report(&self.sources, self.files.root(), &self.found);
        let count = |n: usize| if n == 1 { "1 file".to_owned() } else { format!("{n} files") };
        let (changed, unchanged) = (count(self.work.len()), self.unchanged);
        if check {
            let verb = if self.work.len() == 1 { "needs" } else { "need" };
            context.note(&format!("{changed} {verb} formatting, {unchanged} laid out well"));
        } else {
            context.note(&format!("{changed} formatted, {unchanged} left unchanged"));
        }
        match exit {
            Exit::Clean if check && !self.work.is_empty() => Exit::Findings,
            exit => exit,
        }
    }
}
