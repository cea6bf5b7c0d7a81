//! The front half of the pipeline in one call: a loaded project to a typed model.

use rayon::prelude::*;

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::project::Project;
use crate::stack;
use crate::syntax::{self, ast};
use crate::types::{self, CaliberChange, Model, Settings};
use crate::value::WeekStart;

/// A project as the compiler understands it.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The syntax trees, in the order of [`Project::files`].
    pub files: Vec<ast::File>,
    /// Everything, typed. What is wrong was told and is left out.
    pub model: Model,
}

/// Parses and checks every file of a project. All that is wrong is told in one go, sorted by place.
///
/// A name that is missing only because its declaration is broken, or because a file could not be read, is not told again.
pub fn compile(project: &Project) -> (Compiled, Diagnostics) {
    compile_with(project, &settings(project))
}

/// The project with one of its changes in the other stage: what is in double run as if it were live, and what is live as if it
/// were not yet. It has the same declarations, and other names mean other versions.
///
/// Whoever asks has compiled the project as it is, without errors.
pub fn other(project: &Project, change: &CaliberChange) -> (Compiled, Diagnostics) {
    let applied = vec![change.applied()];
    compile_with(project, &Settings { applied, ..settings(project) })
}

fn compile_with(project: &Project, settings: &Settings) -> (Compiled, Diagnostics) {
    let parsed: Vec<(ast::File, Diagnostics)> =
        project.files.par_iter().map(|id| syntax::parse(*id, &project.sources.file(*id).text)).collect();
    let mut diagnostics = Diagnostics::new();
    let mut files = Vec::with_capacity(parsed.len());
    for (file, found) in parsed {
        files.push(file);
        diagnostics.extend(found);
    }
    // What a kind gives that is not compiled yet (`user.rfm` of a segment) is as unknown as what is broken.
    let later = files.iter().flat_map(|file| &file.declarations).filter_map(|declaration| match &declaration.kind {
        ast::DeclarationKind::Block(block)
            if !matches!(block.keyword.as_str(), "session" | "calendar")
                && !crate::resolve::BEHAVIOURS.contains(&block.keyword.as_str()) =>
        {
            Some(block.name.as_str())
        }
        _ => None,
    });
    let broken: Vec<&str> = files.iter().flat_map(|file| &file.broken).map(|name| name.as_str()).chain(later).collect();
    let (model, found) = stack::enough(|| types::check(&files, settings));
    let news = |one: &Diagnostic| {
        let name = one.span.map_or("", |span| project.sources.text(span)).trim_matches('`');
        // Of a step it is the calendar that may be broken.
        let name =
            if one.code == crate::diagnostic::codes::E0659 { name.split('.').next().unwrap_or(name) } else { name };
        !may_follow(one.code) || (project.is_complete && !broken.contains(&name))
    };
    diagnostics.extend(found.into_iter().filter(news).collect());
    diagnostics.sort();
    (Compiled { files, model }, diagnostics)
}

/// What the configuration tells the check.
pub fn settings(project: &Project) -> Settings {
    Settings {
        zone: project.config.timezone,
        week_start: WeekStart(project.config.week_starts),
        units: project.config.units.iter().map(|unit| unit.value.clone()).collect(),
        applied: Vec::new(),
    }
}

/// Whether an error may be a mere consequence of a declaration or configuration that could not be read: names that are
/// missing or unused.
fn may_follow(code: crate::diagnostic::Code) -> bool {
    use crate::diagnostic::codes;
    [
        codes::E0201,
        codes::E0206,
        codes::E0207,
        codes::E0208,
        codes::E0209,
        codes::E0210,
        codes::E0301,
        codes::E0404,
        codes::E0659,
        codes::L0501,
    ]
    .contains(&code)
}
