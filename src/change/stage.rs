//! The stages of changes: the one that a file says, and what would be wrong at the other one.

use crate::compile::{Compiled, other};
use crate::diagnostic::{Diagnostics, Severity};
use crate::error;
use crate::project::Project;
use crate::types::{CaliberChange, Stage};

/// What would be wrong with a project without errors, if one of its changes had its other stage.
pub fn wrong_beside(project: &Project, compiled: &Compiled) -> Diagnostics {
    let mut all = Diagnostics::new();
    for change in compiled.model.changes.iter().filter(|change| change.beside) {
        let (_, found) = other(project, change);
        let found: Diagnostics = found.into_iter().filter(|one| one.severity() == Severity::Error).collect();
        if found.is_empty() {
            continue;
        }
        let errors = if found.len() == 1 { "an error".to_owned() } else { format!("{} errors", found.len()) };
        all.push(error!(E0214, change.span, "with `{} v{}` as what its name means the project has {errors}", change.name, change.other();
            help: "both versions are built beside each other; mind what names the one that is not meant now"));
        let known = |one: &crate::diagnostic::Diagnostic| all.iter().any(|other| other == one);
        let new: Diagnostics = found.into_iter().filter(|one| !known(one)).collect();
        all.extend(new);
    }
    all
}

/// The project with another stage of a change: the word of `stage:` is another one, and all else stays as it is written.
pub fn restaged(project: &Project, change: &CaliberChange, stage: Stage) -> Project {
    let place = change.stage_span;
    let text = &project.sources.file(place.file).text;
    let (before, after) = (&text[..place.start as usize], &text[place.end as usize..]);
    let text = format!("{before}{}{after}", stage.word());
    Project { sources: project.sources.with_text(place.file, text), ..project.clone() }
}
