//! `metricc check`: everything that is wrong, in all files.

use std::path::{Path, PathBuf};

use super::{Context, Exit, Outcome, Stop, locked::Locking};
use crate::{
    caliber::duplicates,
    change::stage::wrong_beside,
    compile::{Compiled, compile},
    diagnostic::{Diagnostic, Diagnostics, render},
    error,
    project::{Project, io_message},
};

/// Tell everything that is wrong with the definitions, without building anything
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Tell only what is in these files and folders of the project
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
}

/// Checks the whole project, and shows what lies in the wanted paths.
pub fn run(args: &Args, context: &Context) -> Outcome {
    let (mut project, mut diagnostics) = context.load(args.paths.first().map(PathBuf::as_path))?;
    let wanted = wanted(&args.paths, &project)?;
    let (compiled, found) = compile(&project);
    diagnostics.extend(found);
    // What a broken program means nobody can say.
    if !diagnostics.has_errors() {
        diagnostics.extend(wrong_beside(&project, &compiled));
        diagnostics.extend(meanings(&mut project, &compiled)?);
    }
    // The process ends soon, which gives back all of it at once.
    std::mem::forget(compiled);
    diagnostics.sort();
    let holds = |found: &Diagnostic| wanted.as_ref().is_none_or(|paths| paths.holds(found, &project));
    let (told, elsewhere): (Vec<_>, Vec<_>) = diagnostics.into_iter().partition(holds);
    let told: Diagnostics = told.into_iter().collect();
    let exit = context.report_as_result(&project.sources, &project.root, &told)?;
    if context.is_for_people() {
        if exit == Exit::Clean && told.is_empty() {
            let files = project.files.iter().map(|file| &project.sources.file(*file).path);
            let count = files.filter(|path| wanted.as_ref().is_none_or(|paths| paths.names(path))).count();
            context.note(&format!("{count} file{}, nothing is wrong", if count == 1 { "" } else { "s" }));
        }
        if let Some(summary) = render::summary(&elsewhere.into_iter().collect()) {
            context.note(&format!("elsewhere in the project: {summary}"));
        }
    }
    Ok(exit)
}

/// What means something else than in the lock, where there is one, and what means the same as something else.
fn meanings(project: &mut Project, compiled: &Compiled) -> Result<Diagnostics, Stop> {
    let (locking, mut found) = Locking::read(project, compiled)?;
    found.extend(duplicates(&locking.calibers));
    if let Some(comparison) = &locking.comparison {
        found.extend(comparison.diagnostics(&locking.settings, &|_| false));
    }
    Ok(found)
}

/// Paths relative to the root that the user asked for.
struct Wanted(Vec<PathBuf>);

impl Wanted {
    /// Whether a diagnostic is in one of them. One without a place concerns all.
    fn holds(&self, found: &Diagnostic, project: &Project) -> bool {
        let Some(span) = found.span else { return true };
        self.names(&project.sources.file(span.file).path)
    }

    /// Whether a file of the project is one of them, or below one.
    fn names(&self, path: &str) -> bool {
        self.0.iter().any(|wanted| Path::new(path).starts_with(wanted))
    }
}

/// The wanted paths, if there are any; each has to be a part of the project.
fn wanted(paths: &[PathBuf], project: &Project) -> Result<Option<Wanted>, Stop> {
    let outside = |path: &Path, why: &str| error!(E0039, None, "`{}` {why}", path.display(); help: ("name files or folders below `{}`", project.root.display()));
    let root = project.root.canonicalize().map_err(|failure| outside(&project.root, &io_message(&failure)))?;
    let mut wanted = Vec::new();
    for path in paths {
        let whole = path
            .canonicalize()
            .map_err(|failure| outside(path, &format!("can't be read: {}", io_message(&failure))))?;
        match whole.strip_prefix(&root) {
            Ok(relative) => wanted.push(relative.to_owned()),
            // The whole project lies in the wanted folder.
            Err(_) if root.starts_with(&whole) => return Ok(None),
            Err(_) => return Err(outside(path, "is not a part of the project").into()),
        }
    }
    Ok((!wanted.is_empty()).then_some(Wanted(wanted)))
}
