//! `metricc lock`: writes down what every name means.

use serde_json::{Value, json};

use super::locked::Locking;
use super::{Context, Exit, Outcome, Stop, rewrite, ui::Paint};
use crate::caliber::{self, Change, Comparison, LOCK_FILE, Lock, PROJECT, State};
use crate::diagnostic::{Diagnostics, render::visible};
use crate::error;
use crate::suggest::near;

/// Write down what every name means, so that a changed meaning without a new version is told
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Write nothing; exit with 1 if the lock is not up to date
    #[arg(long)]
    check: bool,
    /// Let these mean something else under the same version: names, or `project` for time zone and weeks
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    accept: Vec<String>,
    /// How it is told what is different
    #[arg(long, value_enum, default_value_t = Format::Text, value_name = "FORMAT")]
    format: Format,
}

/// `--format`
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// For people
    Text,
    /// For programs
    Json,
}

/// Compares, tells, and writes where everything that changed has a new version or is accepted.
pub fn run(args: &Args, context: &Context) -> Outcome {
    let mut ready = context.compiled()?;
    let locking = Locking::of(&mut ready)?;
    let is_new = locking.text.is_none();
    let comparison = match &locking.comparison {
        Some(known) => known.clone(),
        None => {
            let nothing = Lock { same_form: true, settings: locking.settings.clone(), ..Lock::default() };
            locking.compare(&nothing, &ready.compiled)
        }
    };
    known(&args.accept, &comparison)?;
    let accepted = |name: &str| args.accept.iter().any(|one| one == name);
    let told = comparison.diagnostics(&locking.settings, &accepted);
    let errors: Diagnostics =
        told.into_iter().filter(|one| one.severity() == crate::diagnostic::Severity::Error).collect();
    match args.format {
        Format::Json => context.print(&format!("{:#}\n", as_json(&comparison)))?,
        // Of a first lock all is new.
        Format::Text if is_new => {}
        Format::Text => context.print(&text(&comparison, &locking, context.paint()))?,
    }
    if errors.has_errors() {
        context.report(&ready.project.sources, &ready.project.root, &errors);
        context.note(&format!("{LOCK_FILE} is as it was"));
        return Ok(Exit::Findings);
    }
    let new = caliber::write(&locking.settings, &ready.compiled.model.changes, &locking.calibers);
    let summary = summary(&comparison);
    if args.check {
        let state = if is_new { "there is none".to_owned() } else { summary };
        context.note(&format!("{LOCK_FILE}: {state}"));
        return Ok(if !is_new && comparison.agrees() { Exit::Clean } else { Exit::Findings });
    }
    if locking.text.as_deref() != Some(new.as_str()) {
        rewrite::create(&ready.project.root.join(LOCK_FILE), new.as_bytes())?;
    }
    let written = if is_new { format!("{} new", locking.calibers.len()) } else { summary };
    context.note(&format!("{LOCK_FILE}: {written}"));
    Ok(Exit::Clean)
}

/// Refuses to accept what did not change: a slip of the pen would go unnoticed.
fn known(names: &[String], comparison: &Comparison) -> Result<(), Stop> {
    for name in names {
        let settings = comparison.settings.is_some() && name == PROJECT;
        if settings || comparison.unanswered().any(|change| change.name == *name || change.label == *name) {
            continue;
        }
        let changed: Vec<&str> = comparison.unanswered().map(|change| change.name.as_str()).collect();
        let help = match near(name, changed.iter().copied()) {
            Some(close) => format!("did you mean `{close}`?"),
            None if changed.is_empty() => "nothing does: leave `--accept` out".to_owned(),
            None => format!("these do: {}", changed.join(", ")),
        };
        return Err(
            error!(E0039, None, "`{name}` does not mean something else under the same version"; help: help).into()
        );
    }
    Ok(())
}

fn word(state: &State) -> &'static str {
    match state {
        State::Changed { .. } => "changed",
        State::Moved { .. } => "moved",
        State::New => "new",
        State::NewVersion => "new version",
        State::Removed => "removed",
        State::Renamed { .. } => "renamed",
        State::Reworded => "reworded",
    }
}

const WORDS: [&str; 7] = ["changed", "new version", "new", "renamed", "removed", "moved", "reworded"];

fn summary(comparison: &Comparison) -> String {
    if comparison.other_form {
        return "written by another version of metricc".to_owned();
    }
    let count = |wanted: &str| comparison.changes.iter().filter(|change| word(&change.state) == wanted).count();
    let mut parts: Vec<String> = Vec::new();
    parts.extend(comparison.settings.is_some().then(|| "project changed".to_owned()));
    let stages = comparison.stages.len();
    parts.extend(
        (stages > 0).then(|| format!("{stages} change{} at another stage", if stages == 1 { "" } else { "s" })),
    );
    let counts = WORDS.into_iter().map(|word| (word, count(word))).filter(|(_, count)| *count > 0);
    parts.extend(
        counts.map(|(word, count)| {
            format!("{count} {word}{}", if word == "new version" && count > 1 { "s" } else { "" })
        }),
    );
    if parts.is_empty() { "up to date".to_owned() } else { parts.join(", ") }
}

/// What is different, a line each, with what was said and what is said now.
fn text(comparison: &Comparison, locking: &Locking, paint: Paint) -> String {
    let mut text = String::new();
    if let Some(was) = &comparison.settings {
        let now = &locking.settings;
        text += "changed      project\n";
        text += &paint.red(&format!("             - {}, weeks from {}", was.timezone, was.week_starts));
        text += &paint.green(&format!("\n             + {}, weeks from {}", now.timezone, now.week_starts));
        text += "\n";
    }
    for one in &comparison.stages {
        let (was, now) = (one.was.as_deref().unwrap_or("none"), one.now.as_deref().unwrap_or("none"));
        text += &format!("{:12} change {}: {was} -> {now}\n", "stage", visible(&one.label));
    }
    for change in &comparison.changes {
        let mut line = format!("{:12} {} {}", word(&change.state), change.kind.word(), visible(&change.label));
        match &change.state {
            State::Moved { via } => line += &paint.dim(&format!(" via {}", visible(&via.join(", ")))),
            State::Renamed { from } => line += &format!(", was {}", visible(from)),
            State::Changed { was } => {
                let lines = |sign: char, lines: &[String]| {
                    lines.iter().map(|line| format!("\n             {sign} {}", visible(line))).collect::<String>()
                };
                let gone: Vec<String> = was.iter().filter(|line| !change.form.contains(line)).cloned().collect();
                let here: Vec<String> = change.form.iter().filter(|line| !was.contains(line)).cloned().collect();
                line += &paint.red(&lines('-', &gone));
                line += &paint.green(&lines('+', &here));
            }
            State::New | State::NewVersion | State::Removed | State::Reworded => {}
        }
        text += &line;
        text.push('\n');
    }
    text
}

fn as_json(comparison: &Comparison) -> Value {
    let one = |change: &Change| {
        let mut told = json!({
            "kind": change.kind.word(),
            "name": change.name,
            "version": change.version,
            "state": word(&change.state).replace(' ', "_"),
            "form": change.form,
            "moves": change.moves,
        });
        match &change.state {
            State::Moved { via } => told["via"] = json!(via),
            State::Renamed { from } => told["from"] = json!(from),
            State::Changed { was } => told["was"] = json!(was),
            State::New | State::NewVersion | State::Removed | State::Reworded => {}
        }
        if let Some(lacks) = &change.lacks {
            told["lacks"] = json!(lacks);
        }
        told
    };
    let project = comparison.settings.as_ref();
    let project = project.map(|was| json!({ "was": { "timezone": was.timezone, "week_starts": was.week_starts } }));
    let changes: Vec<Value> = comparison.changes.iter().map(one).collect();
    let stages = comparison.stages.iter();
    let stages = stages.map(|one| json!({ "change": one.label, "was": one.was, "now": one.now, "moves": one.moves }));
    let stages: Vec<Value> = stages.collect();
    json!({ "agrees": comparison.agrees(), "project": project, "stages": stages, "changes": changes })
}
