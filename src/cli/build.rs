//! `metricc build`: writes what the targets are given.

use std::path::PathBuf;

use serde_json::{Map, Value};

use super::output::{self, manifest, write_build};
use super::{Context, Exit, Outcome, Stop};
use crate::emit::{self, Emitted};
use crate::error;
use crate::project::{Project, Target};
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
}

/// Emits every wanted target, and writes all files in one go: an error leaves the last build whole.
pub fn run(args: &Args, context: &Context) -> Outcome {
    let ready = context.compiled()?;
    let targets = wanted(&ready.project, &args.targets)?;
    let (input, mut found) = emit::input(&ready.compiled.model);
    let mut emitted: Vec<(&Target, Emitted)> = Vec::new();
    for target in targets {
        let (made, told) = emit::emit(&input, target);
        found.extend(told);
        emitted.push((target, made));
    }
    if found.has_errors() {
        return Err(Stop::found(&ready.project, found));
    }
    let mut files = Vec::new();
    let mut details = Map::new();
    for (target, made) in &mut emitted {
        files.extend(made.artifacts.drain(..).map(|one| output::Artifact { path: one.path, text: one.text }));
        details.insert(target.name.value.clone(), made.details.take());
    }
    let out = if args.out.is_relative() && args.out.as_os_str() == "build" {
        ready.project.root.join("build")
    } else {
        args.out.clone()
    };
    let details = Map::from_iter([("targets".to_owned(), Value::Object(details))]);
    let manifest = manifest(&files, details);
    files.push(manifest);
    let summary = write_build(&out, &files).map_err(|failure| failure.into_diagnostic())?;
    let metrics = ready.compiled.model.metrics.len();
    let names: Vec<&str> = emitted.iter().map(|(target, _)| target.name.value.as_str()).collect();
    context.note(&format!(
        "{metrics} metrics for {}: {} files in {} ({} written, {} unchanged, {} removed)",
        names.join(", "),
        files.len(),
        out.display(),
        summary.written,
        summary.unchanged,
        summary.removed
    ));
    Ok(Exit::Clean)
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
