//! `metricc build`: writes what the targets are given.

use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde_json::{Map, Value};

use super::locked::Locking;
use super::output::record::{self, Record};
use super::output::{self, BuildSummary, manifest, write_build};
use super::ready::Ready;
use super::{Context, Exit, Outcome, Stop, planned};
use crate::caliber::LOCK_FILE;
use crate::diagnostic::{Diagnostics, Severity};
use crate::emit::{self, Emitted, Input};
use crate::error;
use crate::project::{Project, Target};
use crate::sql::memo::Memo;
use crate::suggest::near;

/// Compile everything for the targets of the project
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Only these targets [default: all of `targets/`]
    #[arg(long = "target", value_name = "NAME")]
    targets: Vec<String>,
    /// The folder to write to; it holds whole builds only
    #[arg(long, value_name = "DIR", default_value = "build")]
    out: PathBuf,
    /// Refuse to build where the definitions are not those of `metricc.lock`
    #[arg(long)]
    locked: bool,
}

/// Emits every wanted target, and writes all files in one go: an error leaves the last build whole.
pub fn run(args: &Args, context: &Context) -> Outcome {
    let loaded = context.load(None)?;
    let out = if args.out.is_relative() && args.out.as_os_str() == "build" {
        loaded.0.root.join("build")
    } else {
        args.out.clone()
    };
    let inputs = record::inputs(&loaded.0, &args.targets);
    let record = Record::read(&out);
    // Whether the lock agrees only the compiled program tells.
    if let Some(record) = record.as_ref().filter(|_| loaded.1.is_empty() && !args.locked) {
        let same = record.if_unchanged(&out, &inputs).map_err(|failure| failure.into_diagnostic())?;
        if let Some((note, unchanged)) = same {
            let summary = BuildSummary { unchanged, ..BuildSummary::default() };
            tell(context, note, &out, summary);
            return Ok(Exit::Clean);
        }
    }
    let mut ready = context.ready(loaded)?;
    if args.locked {
        locked(&mut ready)?;
    }
    let targets = wanted(&ready.project, &args.targets)?;
    let planned = planned::with_changes(&ready);
    // The trees are large and of no more use: their memory is.
    std::mem::take(&mut ready.compiled.files).into_par_iter().for_each(drop);
    let memo = record.and_then(Record::memo).unwrap_or_default();
    let (emitted, memo, warned) = emit_all(&ready.project, &targets, planned, memo)?;
    let exit = match warned.is_empty() {
        true => Exit::Clean,
        false => context.stop(Stop::found(&ready.project, warned)),
    };
    let mut files = Vec::new();
    let mut details = Map::new();
    let mut names = Vec::new();
    for (target, made) in emitted {
        files.extend(made.artifacts.into_iter().map(|one| output::Artifact { path: one.path, text: one.text }));
        details.insert(target.clone(), made.details);
        names.push(target);
    }
    let details = Map::from_iter([("targets".to_owned(), Value::Object(details))]);
    let manifest = manifest(&files, &details);
    let note = format!("{} metrics for {}", ready.compiled.model.metrics.len(), names.join(", "));
    let record = || record::Fresh::new(inputs, &note, &manifest, &memo);
    files.push(manifest.clone());
    let (record, summary) = rayon::join(record, || write_build(&out, &files));
    let summary = summary.map_err(|failure| failure.into_diagnostic())?;
    record.write(&out);
    tell(context, &note, &out, summary);
    // The process ends now, which gives back all of it at once.
    std::mem::forget((ready, files, details, memo));
    Ok(exit)
}

/// Stops where lock and definitions disagree.
fn locked(ready: &mut Ready) -> Result<(), Stop> {
    let locking = Locking::of(ready)?;
    let Some(comparison) = locking.comparison else {
        return Err(error!(E0043, None, "`--locked` was asked for, but there is no `{}`", LOCK_FILE;
            help: "run `metricc lock`, and commit the file")
        .into());
    };
    if comparison.agrees() {
        return Ok(());
    }
    let told = comparison.diagnostics(&locking.settings, &|_| false);
    let mut found: Diagnostics = told.into_iter().filter(|one| one.severity() == Severity::Error).collect();
    found.push(error!(E0662, None, "the definitions are not those of `{}`", LOCK_FILE;
        help: "`metricc lock --check` shows what is different, `metricc lock` writes it down"));
    Err(Stop::found(&ready.project, found))
}

/// What each wanted target is given, the statements that were made, and what targets warn of.
fn emit_all(
    project: &Project,
    targets: &[&Target],
    (mut input, mut found): (Input, Diagnostics),
    memo: Memo,
) -> Result<(Vec<(String, Emitted)>, Memo, Diagnostics), Stop> {
    input.memo = memo;
    let mut emitted = Vec::new();
    let mut warned = Diagnostics::new();
    for target in targets {
        let (made, told) = emit::emit(&input, target);
        // What stands in the way of a warehouse stands in that of its streams, too, and is told once.
        let told: Diagnostics = told.into_iter().filter(|one| !found.iter().any(|known| known == one)).collect();
        told.iter().filter(|one| one.severity() == Severity::Warning).for_each(|one| warned.push(one.clone()));
        found.extend(told);
        emitted.push((target.name.value.clone(), made));
    }
    if found.has_errors() {
        return Err(Stop::found(project, found));
    }
    let memo = std::mem::take(&mut input.memo);
    std::mem::forget(input);
    Ok((emitted, memo, warned))
}

/// Says what a build did. `what` says for what it was.
fn tell(context: &Context, what: &str, out: &Path, summary: BuildSummary) {
    let BuildSummary { written, unchanged, removed } = summary;
    context.note(&format!(
        "{what}: {} files in {} ({written} written, {unchanged} unchanged, {removed} removed)",
        written + unchanged,
        out.display(),
    ));
}

/// The targets of these names, or all.
fn wanted<'p>(project: &'p Project, names: &[String]) -> Result<Vec<&'p Target>, Stop> {
    let known = || project.targets.iter().map(|target| target.name.value.as_str());
    if project.targets.is_empty() {
        return Err(error!(E0041, None, "the project has no target"; help: "add `targets/clickhouse.yaml` with `kind: clickhouse`").into());
    }
    if names.is_empty() {
        return Ok(project.targets.iter().collect());
    }
    let mut found = Vec::new();
    for name in names {
        match project.target(name) {
            Some(target) => found.push(target),
            None => {
                let help = match near(name, known()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("the targets are: {}", known().collect::<Vec<_>>().join(", ")),
                };
                return Err(error!(E0041, None, "no target named `{name}`"; help: help).into());
            }
        }
    }
    Ok(found)
}
