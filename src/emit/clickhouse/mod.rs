//! ClickHouse: databases, source tables (where asked), views of clean rows, rollups, and a view a metric and step.
//!
//! The files are numbered in the order of their application; `apply.sql` has all of them, `rollback.sql` takes back what
//! they made (never a source).

mod clean;
mod details;
mod metric;
mod rollups;
mod source;

use std::collections::BTreeMap;
use std::hash::Hash;

use sqlparser::ast::ObjectName;

use super::{Artifact, Emitted, Input, template};
use crate::diagnostic::Diagnostics;
use crate::error;
use crate::project::ClickhouseTarget;
use crate::rollup::{self, Rollups};
use crate::sql::memo::Key;
use crate::sql::{CLICKHOUSE, Dialect, Options};

/// What all parts of a build share.
struct Build<'a> {
    input: &'a Input,
    /// The target's name.
    target: &'a str,
    settings: &'a ClickhouseTarget,
    rollups: Rollups,
    options: Options,
    /// The hash of what all statements depend on.
    shared: Key,
}

/// A file in the making.
struct File {
    /// In the target's folder, with the number of its turn.
    name: String,
    /// What it holds, for its first line.
    what: String,
    /// Its statements, each with a blank line before it.
    body: String,
    origin: Vec<String>,
    /// What it makes.
    objects: Vec<Object>,
}

/// Something that a statement makes.
struct Object {
    /// `VIEW` or `TABLE`.
    kind: &'static str,
    /// As SQL.
    name: String,
}

/// Makes the artefacts of a target.
pub fn emit(input: &Input, target: &str, settings: &ClickhouseTarget) -> (Emitted, Diagnostics) {
    let mut diagnostics = Diagnostics::new();
    let questions = input.metrics.iter().map(|metric| (&metric.query, metric.stream()));
    let rollups = rollup::plan(questions);
    let options = Options { clean_views: Some(settings.database.clone()), unordered: true, ..Options::default() };
    let shared = Key::new(|hasher| {
        (CLICKHOUSE.name(), &options, &*input.tables, input.zone, input.week_start).hash(hasher);
    });
    let build = Build { input, target, settings, rollups, options, shared };
    let mut files = vec![source::databases(&build)];
    if settings.create_sources {
        files.push(source::tables(&build));
    }
    files.extend(clean::views(&build, &mut diagnostics));
    let (rollups, made) = rollups::tables(&build, &mut diagnostics);
    files.extend(rollups);
    let (metrics, served) = metric::views(&build, &made, &mut diagnostics);
    files.extend(metrics);
    check_names(&files, &mut diagnostics);
    let details = details::details(&build, &files, &made, &served);
    (Emitted { artifacts: build.artifacts(files), details }, diagnostics)
}

impl Build<'_> {
    /// `database.name`
    fn name(&self, name: &str) -> ObjectName {
        ObjectName::from(vec![CLICKHOUSE.identifier(&self.settings.database), CLICKHOUSE.identifier(name)])
    }

    fn artifacts(&self, files: Vec<File>) -> Vec<Artifact> {
        let path = |name: &str| format!("{}/{name}", super::name::file(self.target));
        let mut apply = self.header("Everything, in the order of application");
        let mut origin: Vec<String> = Vec::new();
        apply.reserve(files.iter().map(|file| file.body.len()).sum());
        let mut drop: Vec<String> = Vec::new();
        for file in &files {
            apply.push_str(&file.body);
            origin.extend(file.origin.iter().cloned());
            drop.extend(file.objects.iter().map(|object| format!("{} IF EXISTS {}", object.kind, object.name)));
        }
        origin.sort_unstable();
        origin.dedup();
        drop.reverse();
        let rollback = self.header("Takes back what the other files made. Sources stay")
            + &template::render("clickhouse/rollback.sql", minijinja::context! { drop });
        let mut artifacts: Vec<Artifact> = files
            .into_iter()
            .map(|file| Artifact {
                path: path(&file.name),
                text: self.header(&file.what) + &file.body,
                origin: file.origin,
            })
            .collect();
        artifacts.push(Artifact { path: path("apply.sql"), text: apply, origin: origin.clone() });
        artifacts.push(Artifact { path: path("rollback.sql"), text: rollback, origin });
        artifacts
    }

    fn header(&self, what: &str) -> String {
        let values = minijinja::context! { what, version => env!("CARGO_PKG_VERSION"), target => self.target };
        template::render("clickhouse/header.sql", values)
    }
}

/// A text on one line, for a comment.
fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Two objects of one name would replace each other.
fn check_names(files: &[File], diagnostics: &mut Diagnostics) {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for object in files.iter().flat_map(|file| &file.objects) {
        let times = seen.entry(&object.name).or_default();
        *times += 1;
        if *times == 2 {
            diagnostics.push(error!(E0811, None, "two artefacts are named {}", object.name;
                help: "rename the metric or the table"));
        }
    }
}
