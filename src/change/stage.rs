//! The stage of a change, as its file says it.

use crate::project::Project;
use crate::types::{CaliberChange, Stage};

/// The project with another stage of a change: the word of `stage:` is another one, and all else stays as it is written.
pub fn restaged(project: &Project, change: &CaliberChange, stage: Stage) -> Project {
    let place = change.stage_span;
    let text = &project.sources.file(place.file).text;
    let (before, after) = (&text[..place.start as usize], &text[place.end as usize..]);
    let text = format!("{before}{}{after}", stage.word());
    Project { sources: project.sources.with_text(place.file, text), ..project.clone() }
}
