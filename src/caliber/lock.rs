//! The text of `metricc.lock`: a block for each caliber, sorted, so that a diff shows what a reviewer has to look at.

use std::fmt::Write as _;

use crate::diagnostic::{Diagnostics, FileId, Span};
use crate::error;
use crate::lineage::Kind;
use crate::resolve::BEHAVIOURS;
use crate::types::CaliberChange;

use super::compare::Settings;
use super::{Caliber, Fingerprint};

/// The file beside `metricc.yaml`.
pub const LOCK_FILE: &str = "metricc.lock";

/// The number of the normal form: it grows when the compiler sees more or other things as equal, so that no fingerprint of one
/// form is compared with one of another.
const FORM: &str = "2";

/// What the block of a change begins with.
const CHANGE: &str = "change ";

const HEAD: &str = "# Written by `metricc lock`: what every name means. Commit it, and do not edit it.\n";

/// What a lock holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    /// Whether it was written in the normal form of this compiler: else its fingerprints say nothing.
    pub same_form: bool,
    /// Time zone and first day of the week.
    pub settings: Settings,
    /// The stages of changes, in order.
    pub stages: Vec<LockedStage>,
    /// Its blocks, in order.
    pub calibers: Vec<Locked>,
}

/// The stage of a change in a lock: it decides which version a name means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockedStage {
    /// `dau v1 -> v2`
    pub label: String,
    /// `double_run` or `live`
    pub stage: String,
    /// The first line of the block.
    pub span: Span,
}

/// A block of a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locked {
    /// What is declared.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: u32,
    /// Of what it said itself.
    pub own: Fingerprint,
    /// Of what it meant in the end.
    pub effective: Fingerprint,
    /// What it said itself.
    pub form: Vec<String>,
    /// The first line of the block.
    pub span: Span,
}

/// The text of a lock for these calibers.
pub fn write(settings: &Settings, changes: &[CaliberChange], calibers: &[Caliber]) -> String {
    let mut text = format!("{HEAD}form {FORM}\n\nproject\n");
    // Writing to a string can't fail.
    let _ = writeln!(text, "  timezone {}\n  week_starts {}", settings.timezone, settings.week_starts);
    let mut stages: Vec<(String, &str)> = changes.iter().map(|one| (one.label(), one.stage.word())).collect();
    stages.sort();
    for (label, stage) in stages {
        let _ = writeln!(text, "\n{CHANGE}{label}\n  stage {stage}");
    }
    for one in calibers {
        let _ = writeln!(text, "\n{} {} v{}", one.kind.word(), one.name, one.version);
        let _ = writeln!(text, "  own       {}\n  effective {}", one.own, one.effective);
        for line in one.form.iter() {
            let _ = writeln!(text, "  | {line}");
        }
    }
    text
}

/// Reads what [`write`] writes. What can't be read is told, once: the rest would only follow from it.
pub fn parse(file: FileId, text: &str) -> (Lock, Diagnostics) {
    let mut reading = Reading { file, lock: Lock { same_form: true, ..Lock::default() }, at: 0, block: Block::Head };
    let mut diagnostics = Diagnostics::new();
    for line in text.split_inclusive('\n') {
        let end = reading.at + line.trim_end_matches(['\n', '\r']).len();
        let span = Span::new(file, reading.at as u32, end as u32);
        if let Err(wanted) = reading.line(line.trim_end_matches(['\n', '\r']), span) {
            let found = if line.starts_with(['<', '=', '>']) { ": is it a conflict of a merge?" } else { "" };
            diagnostics.push(error!(E0042, span, "this line of the lock can't be read{found}"; label: wanted;
                help: "restore the file from version control, or remove it and run `metricc lock`"));
            break;
        }
        reading.at += line.len();
    }
    if diagnostics.is_empty() && reading.lock.settings == Settings::default() {
        let span = Span::new(file, 0, text.lines().next().unwrap_or_default().len() as u32);
        diagnostics.push(error!(E0042, span, "this lock is cut off: it does not name the project's time zone";
            help: "restore the file from version control, or remove it and run `metricc lock`"));
    }
    if let Some(cut) = reading.lock.stages.iter().find(|one| one.stage.is_empty()) {
        diagnostics.push(error!(E0042, cut.span, "this block of the lock lacks the stage of the change";
            help: "restore the file from version control, or remove it and run `metricc lock`"));
    }
    if let Some(cut) = reading.lock.calibers.iter().find(|one| reading.is_cut(one)) {
        diagnostics.push(error!(E0042, cut.span, "this block of the lock lacks its fingerprints";
            help: "restore the file from version control, or remove it and run `metricc lock`"));
    }
    (reading.lock, diagnostics)
}

/// The block that a line belongs to.
#[derive(PartialEq, Eq)]
enum Block {
    Head,
    Project,
    Change,
    Caliber,
}

struct Reading {
    file: FileId,
    lock: Lock,
    at: usize,
    block: Block,
}

/// A fingerprint that was not read yet. No term is known to have it.
const UNREAD: Fingerprint = Fingerprint(0);

impl Reading {
    fn is_cut(&self, one: &Locked) -> bool {
        debug_assert_eq!(one.span.file, self.file);
        one.own == UNREAD || one.effective == UNREAD
    }

    /// Reads a line; what was wanted of it where that fails.
    fn line(&mut self, line: &str, span: Span) -> Result<(), &'static str> {
        if line.is_empty() || line.starts_with('#') {
            return Ok(());
        }
        match line.strip_prefix("  ") {
            Some(inner) => self.inner(inner),
            None => self.head(line, span),
        }
    }

    fn head(&mut self, line: &str, span: Span) -> Result<(), &'static str> {
        if let Some(form) = line.strip_prefix("form ") {
            self.lock.same_form = form == FORM;
            return if self.block == Block::Head { Ok(()) } else { Err("it stands at the beginning") };
        }
        if line == "project" {
            self.block = Block::Project;
            return Ok(());
        }
        if let Some(label) = line.strip_prefix(CHANGE) {
            self.block = Block::Change;
            self.lock.stages.push(LockedStage { label: label.to_owned(), stage: String::new(), span });
            return Ok(());
        }
        let wanted = "`KIND NAME vN` is wanted here";
        let (word, rest) = line.split_once(' ').ok_or(wanted)?;
        let (name, version) = rest.rsplit_once(" v").ok_or(wanted)?;
        let kind = kind(word).ok_or("no such kind has a caliber")?;
        let version = version.parse().map_err(|_| wanted)?;
        let twice = |one: &Locked| (one.kind, one.name.as_str(), one.version) == (kind, name, version);
        if self.lock.calibers.iter().rev().take(1).any(twice) {
            return Err("it stands above already");
        }
        let (own, effective) = (UNREAD, UNREAD);
        self.block = Block::Caliber;
        self.lock.calibers.push(Locked {
            kind,
            name: name.to_owned(),
            version,
            own,
            effective,
            form: Vec::new(),
            span,
        });
        Ok(())
    }

    fn inner(&mut self, line: &str) -> Result<(), &'static str> {
        let (word, value) = line.split_once(' ').unwrap_or((line, ""));
        let last = self.lock.calibers.last_mut();
        if let (Block::Change, "stage", Some(change)) = (&self.block, word, self.lock.stages.last_mut()) {
            change.stage = value.to_owned();
            return Ok(());
        }
        match (&self.block, word, last) {
            (Block::Project, "timezone", _) => self.lock.settings.timezone = value.to_owned(),
            (Block::Project, "week_starts", _) => self.lock.settings.week_starts = value.to_owned(),
            (Block::Caliber, "|", Some(last)) => last.form.push(value.to_owned()),
            (Block::Caliber, "own" | "effective", Some(last)) => {
                let read = Fingerprint::parse(value.trim_start()).ok_or("16 digits from 0 to f are wanted here")?;
                *(if word == "own" { &mut last.own } else { &mut last.effective }) = read;
            }
            _ => return Err("nothing of this name is wanted here"),
        }
        Ok(())
    }
}

/// The kind of a word.
fn kind(word: &str) -> Option<Kind> {
    let plain = [
        Kind::Source,
        Kind::Entity,
        Kind::Calendar,
        Kind::Column,
        Kind::Subset,
        Kind::Session,
        Kind::Dimension,
        Kind::Metric,
    ];
    let behaviours = BEHAVIOURS.iter().map(|keyword| Kind::Behaviour(keyword));
    plain.into_iter().chain(behaviours).find(|kind| kind.word() == word)
}
