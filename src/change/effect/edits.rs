//! The edits between two projects, and the projects with some of them.

use std::collections::{BTreeMap, BTreeSet};

use crate::compile::Compiled;
use crate::lineage::{Kind, head};
use crate::project::{CONFIG_FILE, MemoryFiles, Project};
use crate::syntax::ast::{Declaration, DeclarationKind};

/// What tells declarations apart: kind, name and version.
pub type Name = (Kind, String, u32);

/// A declaration that is not the same on both sides.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Edit {
    /// Time zone, first day of the week, or units.
    Configuration,
    /// A declaration that is there on one side alone, or is another one.
    Declaration(Name),
    /// A change of a name from one version to another: its stage decides what the name means.
    Change(String, u32, u32),
}

impl Edit {
    /// How people call it.
    pub fn label(&self) -> String {
        match self {
            Edit::Configuration => CONFIG_FILE.to_owned(),
            Edit::Declaration((kind, name, 1)) => format!("{} {name}", kind.word()),
            Edit::Change(name, from, to) => format!("change {name} v{from} -> v{to}"),
            Edit::Declaration((kind, name, version)) => format!("{} {name} v{version}", kind.word()),
        }
    }
}

/// One side of a comparison.
#[derive(Clone, Copy, Debug)]
pub struct Edited<'a> {
    /// As it was read.
    pub project: &'a Project,
    /// As it was understood.
    pub compiled: &'a Compiled,
}

impl<'a> Edited<'a> {
    fn all(self) -> impl Iterator<Item = &'a Declaration> {
        self.compiled.files.iter().flat_map(|file| &file.declarations)
    }

    /// Its declarations of what has a meaning, and of changes.
    fn declarations(self) -> BTreeMap<Edit, &'a Declaration> {
        let edit = |one: &'a Declaration| match &one.kind {
            DeclarationKind::Test(_) => None,
            DeclarationKind::Change(change) => {
                Some(Edit::Change(change.name.to_string(), change.from.value, change.to.value))
            }
            _ => head(one).filter(|(kind, ..)| !kind.only_tells()).map(Edit::Declaration),
        };
        self.all().filter_map(|one| Some((edit(one)?, one))).collect()
    }

    fn configuration(self) -> Option<&'a str> {
        self.project.sources.iter().find(|(_, file)| file.path == CONFIG_FILE).map(|(_, file)| file.text.as_str())
    }

    /// A file that the project reads definitions from.
    fn file(self) -> String {
        let first = self.project.config.paths.first().map_or("metrics", |path| path.value.as_str());
        if first.ends_with(".metric") {
            first.to_owned()
        } else {
            format!("{}/all.metric", first.trim_end_matches('/'))
        }
    }
}

/// The edits from one side to the other, of what is told to matter.
pub fn edits(old: Edited<'_>, new: Edited<'_>, matters: &dyn Fn(&Name) -> bool) -> Vec<Edit> {
    let (before, after) = (old.declarations(), new.declarations());
    let all: BTreeSet<&Edit> = before.keys().chain(after.keys()).collect();
    let differs = |edit: &&Edit| before.get(*edit).map(|one| &one.kind) != after.get(*edit).map(|one| &one.kind);
    let counts = |edit: &&Edit| match edit {
        Edit::Declaration(name) => matters(name),
        Edit::Change(of, ..) => {
            let named = |edit: &&Edit| matches!(edit, Edit::Declaration(name) if name.1 == *of && matters(name));
            all.iter().copied().any(|edit| named(&edit))
        }
        Edit::Configuration => false,
    };
    let edited = all.iter().copied().filter(counts).filter(differs).cloned();
    let (was, is) = (&old.project.config, &new.project.config);
    let configuration = (was.timezone, was.week_starts) != (is.timezone, is.week_starts);
    configuration.then_some(Edit::Configuration).into_iter().chain(edited).collect()
}

/// A project with more definitions; none where it has no file.
pub fn with(side: Edited<'_>, text: &str) -> Option<MemoryFiles> {
    let first = *side.project.files.first()?;
    let files = side.project.sources.iter().map(|(id, file)| {
        let more = if id == first { format!("{}\n\n{text}\n", file.text) } else { file.text.clone() };
        (file.path.clone(), more)
    });
    Some(files.fold(MemoryFiles::new(), |made, (path, text)| made.with(path, text)))
}

/// The new project without some of its edits: what they edit is as it was.
pub fn without(old: Edited<'_>, new: Edited<'_>, undone: &[&Edit]) -> MemoryFiles {
    let (before, mut after) = (old.declarations(), new.declarations());
    // A version that is not there has no change that leads to it.
    let versions: BTreeSet<&str> = undone
        .iter()
        .filter_map(|edit| match edit {
            Edit::Declaration((_, name, _)) if !before.contains_key(*edit) => Some(name.as_str()),
            _ => None,
        })
        .collect();
    let leads = |edit: &Edit| matches!(edit, Edit::Change(name, ..) if versions.contains(name.as_str()));
    let undone: BTreeSet<Edit> =
        (undone.iter().map(|edit| (*edit).clone())).chain(after.keys().filter(|edit| leads(edit)).cloned()).collect();
    let mut text = String::new();
    for edit in &undone {
        after.remove(edit);
        if let Some(was) = before.get(edit) {
            text += old.project.sources.text(was.span);
            text += "\n\n";
        }
    }
    for one in after.values() {
        text += new.project.sources.text(one.span);
        text += "\n\n";
    }
    let configured = if undone.contains(&Edit::Configuration) { old } else { new };
    MemoryFiles::new().with(CONFIG_FILE, configured.configuration().unwrap_or_default()).with(configured.file(), text)
}
