//! What a case says of itself, against what the compiler makes of it.

use metricc::compile::{Compiled, compile};
use metricc::diagnostic::{Diagnostics, Severity};
use metricc::format::format;
use metricc::project::{MemoryFiles, Project, load};

use super::{Case, Mark};

/// A case that was read and checked.
struct Checked {
    project: Option<Project>,
    #[cfg_attr(not(feature = "dry-run"), allow(dead_code))]
    compiled: Option<Compiled>,
    found: Diagnostics,
}

fn check(manifest: &str, files: &[(String, String)]) -> Checked {
    let files = (files.iter())
        .fold(MemoryFiles::new().with("metricc.yaml", manifest), |files, (path, text)| files.with(path, text.as_str()));
    let (project, mut found) = load(&files);
    let compiled = project.as_ref().map(|project| {
        let (compiled, others) = compile(project);
        found.extend(others);
        compiled
    });
    Checked { project, compiled, found }
}

impl Checked {
    /// The errors and warnings as marks; the message whole.
    fn marks(&self) -> Vec<Mark> {
        let told = self.found.iter().filter(|one| one.code.severity() != Severity::Lint);
        let mut marks: Vec<Mark> = told
            .map(|one| {
                let place = one.span.zip(self.project.as_ref()).map(|(span, project)| {
                    let file = project.sources.file(span.file);
                    (file.path.clone(), file.position(span.start).0)
                });
                let (path, line) = place.unwrap_or_default();
                Mark { path, line, code: one.code.to_string(), message: one.message.clone() }
            })
            .collect();
        marks.sort();
        marks
    }
}

/// What is told but not expected, and what is expected but not told.
fn differences(case: &Case, checked: &Checked) -> Vec<String> {
    let mut told = checked.marks();
    let mut wrong = Vec::new();
    for mark in &case.marks {
        let same = |one: &Mark| (&one.path, one.line, &one.code) == (&mark.path, mark.line, &mark.code);
        match told.iter().position(|one| same(one) && one.message.contains(&mark.message)) {
            Some(place) => drop(told.remove(place)),
            None => wrong.push(format!("{}:{}: {} {} is not told", mark.path, mark.line, mark.code, mark.message)),
        }
    }
    let unmarked = |one: &&Mark| !(case.with_warnings && one.code.starts_with('W'));
    let unexpected =
        told.iter().filter(unmarked).map(|one| format!("{}:{}: {} {}", one.path, one.line, one.code, one.message));
    wrong.extend(unexpected);
    wrong
}

/// What goes wrong when the case is laid out: it must say the same, and stay as it is the second time.
fn layout(case: &Case, checked: &Checked) -> Vec<String> {
    let mut laid_out = Vec::new();
    for (path, text) in &case.files {
        match format(text) {
            Ok(once) if format(&once).as_deref() != Ok(once.as_str()) => {
                return vec![format!("{path} changes when it is formatted again")];
            }
            Ok(once) => laid_out.push((path.clone(), once)),
            // Of its syntax errors the marks have told.
            Err(_) if case.is_wrong() => return Vec::new(),
            Err(found) => return vec![format!("{path} can't be formatted: {found:?}")],
        }
    }
    let codes = |checked: &Checked| {
        let mut codes: Vec<(String, String)> =
            checked.marks().into_iter().map(|mark| (mark.code, mark.message)).collect();
        codes.sort();
        codes
    };
    let (before, after) = (codes(checked), codes(&check(&case.manifest, &laid_out)));
    if before == after { Vec::new() } else { vec![format!("laid out it says {after:?}, before {before:?}")] }
}

/// What goes wrong with a case, in any stage.
pub fn judged(case: &Case) -> Vec<String> {
    let checked = check(&case.manifest, &case.files);
    let mut wrong = differences(case, &checked);
    wrong.extend(layout(case, &checked));
    if !wrong.is_empty() || case.is_wrong() {
        return wrong;
    }
    #[cfg(feature = "dry-run")]
    if let (Some(project), Some(compiled)) = (&checked.project, &checked.compiled) {
        return super::run::all(case, project, &compiled.model);
    }
    wrong
}
