//! `metricc promote`: takes a change from its double run to what readers see, and back.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::lock::Format;
use super::{Context, Exit, Outcome, Stop, planned, ready::Ready, rewrite, verify};
use crate::caliber::LOCK_FILE;
use crate::change::gate;
use crate::change::stage::restaged;
use crate::compile::compile;
use crate::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::emit::{self, Emitted};
use crate::error;
use crate::project::{Project, io_message};
use crate::suggest::near;
use crate::types::{CaliberChange, Stage};

/// Let a change go live, or take it back: edits its `stage:` and writes what moves readers
#[derive(clap::Args, Debug)]
pub struct Args {
    /// What changes, such as dau, or "dau v1->v2" where there are several changes of it
    #[arg(value_name = "CHANGE")]
    change: String,
    /// Back to the old version, and to the double run
    #[arg(long)]
    back: bool,
    /// Go live although not enough good days are recorded
    #[arg(long, conflicts_with = "back")]
    force: bool,
    /// Write nothing; exit with 1 if it may not go live
    #[arg(long)]
    check: bool,
    /// The folder for the statements that move readers, a folder a target [default: `promote` beside `metricc.yaml`]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// How it is told what was done
    #[arg(long, value_enum, default_value_t = Format::Text, value_name = "FORMAT")]
    format: Format,
}

/// What moves the readers of a target.
struct Moved {
    target: String,
    /// The metrics whose views are moved, with their steps.
    metrics: Vec<String>,
    /// The statements that move them, and those that move them back.
    forth: String,
    back: String,
}

/// Asks the gate, tries the edit, and only then writes.
pub fn run(args: &Args, context: &Context) -> Outcome {
    let ready = context.compiled()?;
    let change = find(args, &ready.compiled.model.changes)?;
    let stage = if args.back { Stage::DoubleRun } else { Stage::Live };
    if !args.back && !args.force {
        let recorded = verify::recorded(change, &ready, context)?;
        gate::check(change, &recorded)
            .map_err(|lacking| Stop::found(&ready.project, [*lacking].into_iter().collect()))?;
    }
    let edited = restaged(&ready.project, change, stage);
    sound(&edited, change)?;
    let moved = moved(&ready, change)?;
    let out = args.out.clone().unwrap_or_else(|| ready.project.root.join("promote"));
    if !args.check {
        for one in &moved {
            let folder = folder(&out, &one.target, change);
            fs::create_dir_all(&folder).map_err(|failure| {
                error!(E0038, None, "`{}` can't be made: {}", folder.display(), io_message(&failure);
                    help: "name another folder with `--out`")
            })?;
            rewrite::create(&folder.join("cut_over.sql"), one.forth.as_bytes())?;
            rewrite::create(&folder.join("roll_back.sql"), one.back.as_bytes())?;
        }
        write(&ready.project, &edited, change)?;
    }
    match args.format {
        Format::Json => {
            context.print(&format!("{:#}\n", as_json(args, change, stage, &ready.project, &moved, &out)))?
        }
        Format::Text => context.print(&text(args, change, stage, &ready.project, &moved, &out))?,
    }
    Ok(Exit::Clean)
}

/// The change of a name, in the stage that it is to leave.
fn find<'a>(args: &Args, changes: &'a [CaliberChange]) -> Result<&'a CaliberChange, Stop> {
    let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().concat();
    let wanted = plain(&args.change);
    let of_name: Vec<&CaliberChange> =
        changes.iter().filter(|one| plain(&one.name) == wanted || plain(&one.label()) == wanted).collect();
    if of_name.is_empty() {
        let help = match near(args.change.trim(), changes.iter().map(|one| one.name.as_str())) {
            Some(close) => format!("did you mean `{close}`?"),
            None if changes.is_empty() => {
                "declare one: `change dau v1 -> v2 { reason: \"…\"; stage: double_run }`".to_owned()
            }
            None => format!("the changes are: {}", labels(changes.iter())),
        };
        return Err(error!(E0039, None, "there is no change of `{}`", args.change.trim(); help: help).into());
    }
    let from = if args.back { Stage::Live } else { Stage::DoubleRun };
    // Of several that are live the last one is what the name means.
    let fitting = of_name.iter().filter(|one| one.stage == from).max_by_key(|one| one.to);
    let Some(found) = fitting else {
        let told = of_name.iter().max_by_key(|one| one.to).map_or_else(String::new, |one| one.label());
        let (state, help) = match args.back {
            true => ("in double run", "there is nothing to take back"),
            false => ("live", "`--back` returns to the old version"),
        };
        return Err(error!(E0039, None, "`{told}` is {state} already"; help: help).into());
    };
    if !found.beside {
        let label = found.label();
        let later = |one: &&CaliberChange| one.name == found.name && one.kind == found.kind && one.to > found.to;
        let newer = changes.iter().filter(later).max_by_key(|one| one.to).map(CaliberChange::label);
        let (why, help) = match newer {
            Some(newer) => (
                format!("`{newer}` has followed it"),
                format!("take that one back first: `metricc promote \"{newer}\" --back`"),
            ),
            None => (
                format!("`{} v{}` is not there to go back to", found.name, found.from),
                "declare that version again".to_owned(),
            ),
        };
        return Err(error!(E0039, None, "`{label}` can't be taken back: {why}"; help: help).into());
    }
    Ok(found)
}

fn labels<'a>(changes: impl Iterator<Item = &'a CaliberChange>) -> String {
    changes.map(|one| format!("`{}`", one.label())).collect::<Vec<_>>().join(", ")
}

/// Whether the edited project is without errors.
fn sound(edited: &Project, change: &CaliberChange) -> Result<(), Stop> {
    let (_, found) = compile(edited);
    let mut errors: Diagnostics = found.into_iter().filter(|one| one.severity() == Severity::Error).collect();
    if errors.is_empty() {
        return Ok(());
    }
    let path = &edited.sources.file(change.stage_span.file).path;
    errors.push(error!(E0214, change.span, "`{}` can't be at that stage, and `{path}` is as it was", change.label();
        help: "the other errors are those of the project as it would be"));
    Err(Stop::found(edited, errors))
}

/// What moves the readers of all targets.
fn moved(ready: &Ready, change: &CaliberChange) -> Result<Vec<Moved>, Stop> {
    let (mut input, mut found) = planned::with_changes(ready);
    input.changes.retain(|one| one.change.applied() == change.applied());
    let mut all = Vec::new();
    for target in ready.project.warehouses() {
        let (emitted, told) = emit::emit(&input, target);
        found.extend(told);
        all.extend(of_target(&target.name, &emitted));
    }
    if found.has_errors() {
        let errors = found.into_iter().filter(|one| one.severity() == Severity::Error).collect();
        return Err(Stop::found(&ready.project, errors));
    }
    Ok(all)
}

/// None where nothing is moved.
fn of_target(target: &str, emitted: &Emitted) -> Option<Moved> {
    let told = emitted.details["changes"].as_array()?.first()?;
    let text = |file: &str| {
        let path = told[file].as_str()?;
        emitted.artifacts.iter().find(|one| one.path == path).map(|one| one.text.clone())
    };
    let metric = |one: &Value| {
        format!("{} {}", one["name"].as_str().unwrap_or_default(), one["step"].as_str().unwrap_or_default())
    };
    let metrics = told["metrics"].as_array()?.iter().map(metric).collect();
    Some(Moved { target: target.to_owned(), metrics, forth: text("cut_over")?, back: text("roll_back")? })
}

fn folder(out: &Path, target: &str, change: &CaliberChange) -> PathBuf {
    out.join(target).join(format!("{}_v{}_v{}", change.name, change.from, change.to))
}

/// Replaces the text of the file, unless somebody else has changed it meanwhile. A byte order mark stays.
fn write(project: &Project, edited: &Project, change: &CaliberChange) -> Result<(), Box<Diagnostic>> {
    let file = change.stage_span.file;
    let path = project.root.join(&project.sources.file(file).path);
    let unread = |failure: &std::io::Error| {
        Box::new(error!(E0002, None, "`{}` can't be read: {}", path.display(), io_message(failure);
            help: "make it readable"))
    };
    let there = fs::read_to_string(&path).map_err(|failure| unread(&failure))?;
    let (mark, text) = match there.strip_prefix('\u{feff}') {
        Some(text) => ("\u{feff}", text),
        None => ("", there.as_str()),
    };
    if text != project.sources.file(file).text {
        return Err(Box::new(error!(E0038, None, "`{}` was changed meanwhile", path.display();
            help: "nothing of it is lost; run `metricc promote` again")));
    }
    rewrite::replace(&path, &format!("{mark}{}", edited.sources.file(file).text))
}

/// Where the stage stands: `metrics/dau.metric:12`.
fn place(project: &Project, change: &CaliberChange) -> (String, usize) {
    let file = project.sources.file(change.stage_span.file);
    (file.path.clone(), file.position(change.stage_span.start).0)
}

/// The file that moves readers to the stage, and the way back from there.
fn files(args: &Args) -> (&'static str, &'static str) {
    if args.back { ("roll_back.sql", "cut_over.sql") } else { ("cut_over.sql", "roll_back.sql") }
}

fn text(args: &Args, change: &CaliberChange, stage: Stage, project: &Project, moved: &[Moved], out: &Path) -> String {
    let (path, line) = place(project, change);
    let (would, means) = (if args.check { "would be " } else { "" }, if args.back { change.from } else { change.to });
    let mut text = format!("{path}:{line}: {would}`stage: {}`, so `{}` is v{means}\n", stage.word(), change.name);
    let mut next: Vec<String> = Vec::new();
    let (now, other) = files(args);
    for one in moved {
        let folder = folder(out, &one.target, change);
        text += &format!("{}: {}\n", one.target, one.metrics.join(", "));
        let file = folder.join(now);
        next.push(format!("apply {} to {}; {other} beside it is the way back", file.display(), one.target));
    }
    if args.check {
        return text;
    }
    if project.root.join(LOCK_FILE).exists() {
        next.push("metricc lock".to_owned());
    }
    next.push("metricc build, and apply it: the double run has filled what it reads".to_owned());
    next.push(format!("commit {path}"));
    text += "next:\n";
    for (at, one) in next.iter().enumerate() {
        text += &format!("  {}. {one}\n", at + 1);
    }
    text
}

fn as_json(args: &Args, change: &CaliberChange, stage: Stage, project: &Project, moved: &[Moved], out: &Path) -> Value {
    let (path, line) = place(project, change);
    let of = |one: &Moved| {
        let folder = folder(out, &one.target, change);
        let file = |name: &str| folder.join(name).display().to_string();
        json!({ "target": one.target, "metrics": one.metrics, "cut_over": file("cut_over.sql"), "roll_back": file("roll_back.sql") })
    };
    json!({
        "change": change.label(), "name": change.name, "from": change.from, "to": change.to,
        "was": change.stage.word(), "stage": stage.word(), "written": !args.check,
        "file": path, "line": line, "apply": files(args).0, "targets": moved.iter().map(of).collect::<Vec<_>>(),
    })
}
