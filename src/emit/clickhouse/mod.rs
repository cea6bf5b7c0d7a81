//! ClickHouse: databases, source tables (where asked), views of clean rows, rollups, a view a metric and step, and what
//! batches run.
//!
//! The files are numbered in the order of their application; `apply.sql` has all of them, `rollback.sql` takes back what
//! they made (never a source).

mod ask;
mod backfill;
mod batch;
mod clean;
mod details;
mod metric;
mod rollups;
mod source;

use std::collections::BTreeMap;
use std::hash::Hash;

use sqlparser::ast::{ObjectName, Query};

use super::{Answered, Artifact, Emitted, Input, template};
use crate::diagnostic::Diagnostics;
use crate::error;
use crate::plan;
use crate::project::ClickhouseTarget;
use crate::rollup::{self, Asked, Rollups, Statistics};
use crate::sql::memo::Key;
use crate::sql::{self, CLICKHOUSE, Dialect, Options, Unsupported};
use crate::suggest::near;

/// What all parts of a build share.
struct Build<'a> {
    input: &'a Input,
    /// The target's name.
    target: &'a str,
    settings: &'a ClickhouseTarget,
    statistics: Statistics,
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
    let build = Build::new(input, target, settings, &mut diagnostics);
    let mut files = vec![checked(&build, source::databases(&build), &mut diagnostics)];
    if settings.create_sources {
        files.push(checked(&build, source::tables(&build), &mut diagnostics));
    }
    files.extend(clean::views(&build, &mut diagnostics));
    let (rollups, made) = rollups::tables(&build, &mut diagnostics);
    files.extend(backfill::cut_over(&build, &made).map(|file| checked(&build, file, &mut diagnostics)));
    files.extend(rollups);
    let backfills = backfill::backfills(&build, &made, &mut diagnostics);
    for backfill in &backfills {
        backfill.add_table(&build, &mut files, &mut diagnostics);
    }
    let batches = batch::batches(&build, &made, &mut diagnostics);
    for batch in &batches {
        batch.add_table(&build, &mut files, &mut diagnostics);
    }
    let (metrics, served) = metric::views(&build, &made, &mut diagnostics);
    files.extend(metrics);
    check_names(&files, &mut diagnostics);
    let mut details = details::details(&build, &files, &made, &served);
    details["batches"] = batches.iter().map(|batch| batch.details(&build)).collect();
    details["backfills"] = backfills.iter().map(|backfill| backfill.details(&build)).collect();
    let mut artifacts = build.artifacts(files);
    for one in artifacts.iter().filter(|one| one.path.ends_with("/rollback.sql")) {
        check(&build, &one.path, &one.text, &mut diagnostics);
    }
    artifacts.extend(backfills.into_iter().flat_map(|backfill| backfill.artifacts(&build)));
    artifacts.extend(batches.into_iter().flat_map(|batch| batch.artifacts(&build)));
    (Emitted { artifacts, details }, diagnostics)
}

/// Answers a question from what a target has.
pub fn answer(
    input: &Input,
    target: &str,
    settings: &ClickhouseTarget,
    query: &plan::Query,
    asked: &Asked,
) -> Result<Answered, Diagnostics> {
    let mut diagnostics = Diagnostics::new();
    let build = Build::new(input, target, settings, &mut diagnostics);
    if diagnostics.has_errors() { Err(diagnostics) } else { ask::answer(&build, query, asked) }
}

/// What samples tell, and how many rows there are, which the target tells.
fn statistics(input: &Input, settings: &ClickhouseTarget, diagnostics: &mut Diagnostics) -> Statistics {
    let mut statistics = input.statistics.clone();
    for (name, rows) in &settings.rows_a_day {
        match input.tables.iter().position(|table| table.name == name.value && !table.is_derived()) {
            Some(place) => statistics.set_rows_a_day(place, *rows),
            None => {
                let known = input.tables.iter().filter(|table| !table.is_derived()).map(|table| table.name.as_str());
                let help = match near(&name.value, known) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "name a source or an entity".to_owned(),
                };
                diagnostics.push(error!(E0813, name.span, "`rows_a_day` names `{}`, which is no source", name.value;
                    help: help));
            }
        }
    }
    statistics
}

impl<'a> Build<'a> {
    fn new(
        input: &'a Input,
        target: &'a str,
        settings: &'a ClickhouseTarget,
        diagnostics: &mut Diagnostics,
    ) -> Build<'a> {
        let questions = input.metrics.iter().map(|metric| (&metric.query, metric.asked()));
        let statistics = statistics(input, settings, diagnostics);
        let rollups = rollup::plan(questions, &statistics);
        let options = Options { clean_views: Some(settings.database.clone()), unordered: true, ..Options::default() };
        let shared = Key::new(|hasher| {
            (CLICKHOUSE.name(), &options, &*input.tables, input.zone, input.week_start).hash(hasher);
        });
        Build { input, target, settings, statistics, rollups, options, shared }
    }

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

/// The text of a query that was made and reads back; what went wrong is told of `what`.
fn read_back(
    build: &Build,
    what: &str,
    made: Result<Query, Vec<Unsupported>>,
    diagnostics: &mut Diagnostics,
) -> String {
    match made {
        Ok(query) => {
            let text = sql::to_text(&query, &CLICKHOUSE);
            // Unless an earlier build has.
            let key = Key::new(|hasher| ("read back", CLICKHOUSE.name(), &text).hash(hasher));
            let parsed = || sql::reparse(&text, &CLICKHOUSE).map(|_| String::new());
            if let Err(error) = build.input.memo.statement(key, parsed) {
                diagnostics.push(error!(E0812, None, "{what} does not read back: {error}"));
            }
            text
        }
        Err(unsupported) => {
            for one in unsupported {
                let construct = one.construct;
                diagnostics.push(error!(E0802, None, "clickhouse cannot express {construct} in {what}";
                    help: ("{}", one.reason)));
            }
            String::new()
        }
    }
}

/// A template with a SELECT that has been read back: what stands around it is read back here.
fn with_select(
    build: &Build,
    what: &str,
    template: &str,
    values: minijinja::Value,
    select: &str,
    diagnostics: &mut Diagnostics,
) -> String {
    let around = minijinja::context! { select => "SELECT 1", ..values.clone() };
    check(build, what, &template::render(template, around), diagnostics);
    template::render(template, minijinja::context! { select, ..values })
}

/// Reads statements back, unless an earlier build has.
fn check(build: &Build, what: &str, text: &str, diagnostics: &mut Diagnostics) {
    let key = Key::new(|hasher| ("script", CLICKHOUSE.name(), text).hash(hasher));
    let read = || CLICKHOUSE.script(text).map(|_| String::new());
    if let Err(error) = build.input.memo.statement(key, read) {
        diagnostics.push(error!(E0812, None, "{what} does not read back: {error}"));
    }
}

/// The file, read back.
fn checked(build: &Build, file: File, diagnostics: &mut Diagnostics) -> File {
    check(build, &file.name, &file.body, diagnostics);
    file
}

/// What is prepared, by a batch or a backfill.
struct Staged<'a> {
    /// The table that says so.
    table: &'a str,
    /// Its one column.
    column: &'a str,
    /// Who prepares it.
    word: &'a str,
    /// A rollup that it is prepared for.
    rollup: Option<String>,
}

impl Staged<'_> {
    /// Adds the table to the file that makes the rollup.
    fn add(&self, build: &Build, files: &mut [File], diagnostics: &mut Diagnostics) {
        let makes = |file: &&mut File| file.objects.iter().any(|object| Some(&object.name) == self.rollup.as_ref());
        let Some(file) = files.iter_mut().find(makes) else { return };
        let values = minijinja::context! { staged => self.table, word => self.word, column => self.column };
        let text = template::render("clickhouse/staged.sql", values);
        check(build, self.table, &text, diagnostics);
        file.body.push_str(&text);
        file.objects.push(Object { kind: "TABLE", name: self.table.to_owned() });
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
