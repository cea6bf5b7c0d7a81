//! The front half of the pipeline in one call: a loaded project to a typed model.

use std::sync::Arc;

use rayon::prelude::*;

use crate::diagnostic::{Diagnostic, Diagnostics, FileId};
use crate::project::Project;
use crate::stack;
use crate::syntax::{self, ast};
use crate::types::{self, CaliberChange, Model, Settings};
use crate::value::WeekStart;

/// A project as the compiler understands it.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The syntax trees, in the order of [`Project::files`].
    pub files: Vec<Arc<ast::File>>,
    /// Everything, typed. What is wrong was told and is left out.
    pub model: Model,
}

/// Parses and checks every file of a project. All that is wrong is told in one go, sorted by place.
///
/// A name that is missing only because its declaration is broken, or because a file could not be read, is not told again.
pub fn compile(project: &Project) -> (Compiled, Diagnostics) {
    check(project, parse(project))
}

/// The project with one of its changes in the other stage: what is in double run as if it were live, and what is live as if it
/// were not yet. It has the same declarations, and other names mean other versions.
///
/// Whoever asks has compiled the project as it is, without errors.
pub fn other(project: &Project, change: &CaliberChange) -> (Compiled, Diagnostics) {
    let applied = vec![change.applied()];
    check_with(project, parse(project), &Settings { applied, ..settings(project) })
}

/// The files of a project, parsed: in their order, with what is wrong in each.
#[derive(Clone, Debug)]
pub struct Parsed(Vec<(Arc<ast::File>, Diagnostics)>);

/// Parses every file of a project.
pub fn parse(project: &Project) -> Parsed {
    Parsed(project.files.par_iter().map(|id| parse_file(project, *id)).collect())
}

/// Parses the files of two projects that are much alike. What both have to the byte is parsed once, and they share its tree:
/// files of one number, as what a tree tells of places holds the number.
pub fn parse_both(one: &Project, other: &Project) -> (Parsed, Parsed) {
    let twin = |id: FileId| {
        // Numbers are given in the order of files.
        let place = one.files.binary_search(&id).ok()?;
        (one.sources.file(id).text == other.sources.file(id).text).then_some(place)
    };
    let twins: Vec<Option<usize>> = other.files.par_iter().map(|id| twin(*id)).collect();
    let alone = other.files.iter().zip(&twins).filter(|(_, twin)| twin.is_none()).map(|(id, _)| (other, *id));
    let all: Vec<(&Project, FileId)> = one.files.iter().map(|id| (one, *id)).chain(alone).collect();
    let mut ones: Vec<_> = all.par_iter().map(|(project, id)| parse_file(project, *id)).collect();
    let mut own = ones.split_off(one.files.len()).into_iter();
    let others =
        twins.into_iter().filter_map(|twin| twin.map_or_else(|| own.next(), |place| Some(ones[place].clone())));
    let others = others.collect();
    (Parsed(ones), Parsed(others))
}

fn parse_file(project: &Project, id: FileId) -> (Arc<ast::File>, Diagnostics) {
    let (file, found) = syntax::parse(id, &project.sources.file(id).text);
    (Arc::new(file), found)
}

/// Checks what was parsed of a project.
pub fn check(project: &Project, parsed: Parsed) -> (Compiled, Diagnostics) {
    check_with(project, parsed, &settings(project))
}

fn check_with(project: &Project, Parsed(parsed): Parsed, settings: &Settings) -> (Compiled, Diagnostics) {
    let mut diagnostics = Diagnostics::new();
    let mut files = Vec::with_capacity(parsed.len());
    for (file, found) in parsed {
        files.push(file);
        diagnostics.extend(found);
    }
    // What a kind gives that is not compiled yet (`user.rfm` of a segment) is as unknown as what is broken.
    let later = files.iter().flat_map(|file| &file.declarations).filter_map(|declaration| match &declaration.kind {
        ast::DeclarationKind::Block(block) if !crate::resolve::is_compiled(&block.keyword) => Some(block.name.as_str()),
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
        receivers: project.config.receivers.clone(),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caliber::{Said, calibers, calibers_of};
    use crate::project::{MemoryFiles, load};

    const EVENTS: &str =
        "source event { table: \"dwd.event\"; key: id; time: at\n  column id: string\n  column at: timestamp\n}\n";

    fn project(files: &[(&str, &str)]) -> Project {
        let start =
            MemoryFiles::new().with("metricc.yaml", "name: p\ntimezone: UTC\n").with("metrics/m.metric", EVENTS);
        let files = files.iter().fold(start, |all, (name, text)| all.with(format!("metrics/{name}.metric"), *text));
        load(&files).0.expect("a project")
    }

    /// How many trees two projects share. Each has to be what it is alone, with all places.
    fn shared(one: &Project, other: &Project) -> usize {
        let parsed = parse_both(one, other);
        let both = (check(one, parsed.0), check(other, parsed.1));
        let (files, others) = (&both.0.0.files, &both.1.0.files);
        let shared = files.iter().filter(|file| others.iter().any(|twin| Arc::ptr_eq(file, twin))).count();
        let said = Said::of_both(files, others);
        for (project, (both, found), said) in [(one, &both.0, said.0), (other, &both.1, said.1)] {
            let (alone, told) = compile(project);
            assert_eq!(format!("{:?}{:?}", both.files, both.model), format!("{:?}{:?}", alone.files, alone.model));
            assert_eq!(format!("{found:?}"), format!("{told:?}"));
            let known = calibers_of(&both.files, &said, &both.model);
            assert_eq!(format!("{known:?}"), format!("{:?}", calibers(&alone.files, &alone.model)));
        }
        shared
    }

    #[test]
    fn files_that_are_the_same_share_their_trees() {
        let (a, b) = (("a", "metric a = count(event)\n"), ("b", "metric b = a + 1\n"));
        let base = project(&[a, b]);
        assert_eq!(shared(&base, &base), 3);
        assert_eq!(shared(&base, &project(&[a, ("b", "metric b = a + 2\n")])), 2);
        // What is broken is told of both.
        assert_eq!(
            shared(&project(&[a, ("b", "metric b = \n")]), &project(&[a, ("b", "metric b = \n"), ("z", "")])),
            3
        );
    }

    #[test]
    fn a_file_that_moves_others_shares_no_places_with_them() {
        let (a, b) = (("a", "metric a = count(event)\n"), ("b", "metric b = count(event) + 1\n"));
        // `a` keeps its number; `m` has that of `b`, and `b` that of none.
        assert_eq!(shared(&project(&[a]), &project(&[a, b])), 1);
        // The same text under another name, and with another number.
        assert_eq!(shared(&project(&[a]), &project(&[("0", a.1)])), 2);
        assert_eq!(shared(&project(&[a, b]), &project(&[b])), 0);
    }
}
