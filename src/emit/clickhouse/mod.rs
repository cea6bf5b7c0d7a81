//! ClickHouse: databases, source tables (where asked), views of clean rows, rollups, a view a metric and step, what readers
//! see, and what batches run.
//!
//! The files are numbered in the order of their application; `apply.sql` has all of them, `rollback.sql` takes back what
//! they made (never a source).

mod access;
mod alerts;
mod ask;
mod backfill;
mod batch;
mod changes;
mod clean;
mod cluster;
mod details;
mod dictionaries;
mod fed;
mod intake;
mod metric;
mod quality;
mod readers;
mod rollups;
mod schedule;
mod source;
mod storage;
mod stream;
mod version;

use std::collections::{BTreeMap, BTreeSet};
use std::hash::Hash;
use std::sync::Arc;

use rayon::prelude::*;
use sqlparser::ast::{ObjectName, Query};

use super::{Artifact, Emitted, Input, template};
use crate::diagnostic::Diagnostics;
use crate::error;
use crate::plan;
use crate::project::ClickhouseTarget;
use crate::rollup::{self, Asked, Layer, Rollups, Served, Statistics, Streams};
use crate::sql::memo::{Key, Memo};
use crate::sql::{self, CLICKHOUSE, Options, Scalars, Unsupported};
use crate::suggest::near;

pub use ask::Kept;
pub use fed::refusal;
pub use schedule::{Gate, Run, Schedule, schedule};
pub use stream::emit as stream;

/// What all parts of a build share.
struct Build<'a> {
    input: &'a Input,
    /// The views of metrics that the project has; behind them are those that measure look-ups.
    own: usize,
    /// Statements of an earlier build.
    memo: &'a Memo,
    /// The target's name.
    target: &'a str,
    settings: &'a ClickhouseTarget,
    statistics: Statistics,
    rollups: Rollups,
    options: Options,
    /// The hash of what all statements depend on.
    shared: Key,
    /// What the paths of its files begin with.
    folder: String,
    /// What another build makes, beside which this one is: it has its own ways to fill that.
    known: BTreeSet<String>,
}

/// What is said of the files that have all of a build.
struct Whole {
    /// Where they lie.
    folder: String,
    apply: String,
    rollback: String,
    /// The rollups whose cut-overs are taken back with them, by name, where the table of cut-overs stays.
    forget: Vec<String>,
}

impl Whole {
    /// Of the project's own build.
    fn of(build: &Build) -> Whole {
        Whole {
            folder: build.folder.clone(),
            apply: "Everything, in the order of application".to_owned(),
            rollback: "Takes back what the other files made. Sources stay".to_owned(),
            forget: Vec::new(),
        }
    }
}

/// A file in the making.
struct File {
    /// In the target's folder, with the number of its turn.
    name: String,
    /// What it holds, for its first line.
    what: String,
    origin: Vec<String>,
    parts: Vec<Part>,
}

/// Statements that belong together.
struct Part {
    /// Each with a blank line before it.
    text: String,
    /// What they make; the first is what they are about.
    objects: Vec<Object>,
}

impl File {
    /// Without statements yet.
    fn new(name: impl Into<String>, what: impl Into<String>, origin: Vec<String>) -> File {
        File { name: name.into(), what: what.into(), origin, parts: Vec::new() }
    }

    fn add(&mut self, text: String, objects: Vec<Object>) {
        self.parts.push(Part { text, objects });
    }

    /// With statements.
    fn with(mut self, text: String, objects: Vec<Object>) -> File {
        self.add(text, objects);
        self
    }

    /// All statements.
    fn body(&self) -> String {
        self.parts.iter().map(|part| part.text.as_str()).collect()
    }

    /// All that it makes.
    fn objects(&self) -> impl Iterator<Item = &Object> {
        self.parts.iter().flat_map(|part| &part.objects)
    }
}

/// Something that a statement makes.
#[derive(Clone)]
struct Object {
    /// `VIEW` or `TABLE`.
    kind: &'static str,
    name: ObjectName,
}

impl Object {
    /// What a DROP says.
    fn gone(&self) -> String {
        format!("{} IF EXISTS {}", self.kind, self.name)
    }

    /// Its name in its database, as the engine knows it.
    fn plain_name(&self) -> String {
        let last = self.name.0.last().and_then(|part| part.as_ident());
        // In the tree backslashes stand as they are printed.
        last.map(|ident| ident.value.replace("\\\\", "\\")).unwrap_or_default()
    }
}

/// Makes the artefacts of a target.
pub fn emit(input: &Input, target: &str, settings: &ClickhouseTarget) -> (Emitted, Diagnostics) {
    let mut diagnostics = Diagnostics::new();
    let mut options = options(settings);
    let clean = clean::rows(input, settings, &mut options, &mut diagnostics);
    let measured = with_measures(input, settings, &options);
    let build = Build::new(input, measured.as_ref(), target, settings, options, &mut diagnostics);
    storage::check(&build, &mut diagnostics);
    let (mut files, made) = tables(&build, &clean, &mut diagnostics);
    let (backfills, batches) = fillers(&build, &made, &mut files, &mut diagnostics);
    let (metrics, served) = metric::views(&build, &made, &mut diagnostics);
    files.extend(metrics);
    let readers = readers::Readers::new(&build, &clean, &served);
    files.push(readers.file(&build, &mut diagnostics));
    // The names are in the order of application.
    files.sort_by(|a, b| a.name.cmp(&b.name));
    let known = changes::names(&files);
    let sets = changes::sets(&build, &input.changes, &readers, &known, &mut diagnostics);
    check_names(&build, files.iter().chain(sets.iter().flat_map(|set| &set.files)), &mut diagnostics);
    let mut details = details::details(&build, &files, &made, &served);
    details["versions"] = readers.details(&build);
    details["changes"] = sets.iter().map(|set| set.details.clone()).collect();
    details["intake"] = intake::details(&build);
    details["cluster"] = cluster::details(&build);
    details["columns"] = storage::details();
    details["dictionaries"] = dictionaries::details(&build);
    let (access, told) = access::artifacts(&build, &readers, &mut diagnostics);
    details["access"] = told;
    let all = files.iter().chain(sets.iter().flat_map(|set| &set.files));
    let beside = readers.artifacts(&build, all, &mut diagnostics);
    details["batches"] = batches.iter().map(|batch| batch.details(&build)).collect();
    details["backfills"] = backfills.iter().map(|backfill| backfill.details(&build)).collect();
    let (gates, told) = quality::artifacts(&build, &mut diagnostics);
    details["quality"] = told;
    let watched = alerts::selects(&build, &input.alerts, &mut diagnostics);
    (details["alerts"], details["objectives"]) = (watched.alerts, watched.objectives);
    let mut artifacts = build.artifacts(files, &Whole::of(&build), &|_| true, &mut diagnostics);
    artifacts.extend(beside);
    artifacts.extend(access);
    artifacts.extend(backfills.into_iter().flat_map(|backfill| backfill.artifacts(&build)));
    artifacts.extend(batches.into_iter().flat_map(|batch| batch.artifacts(&build)));
    artifacts.extend(gates);
    artifacts.extend(watched.artifacts);
    artifacts.extend(changes::artifacts(sets, &build, &known, &mut diagnostics));
    (Emitted { artifacts, details }, diagnostics)
}

/// What holds rows and states, and what fills it as rows arrive.
fn tables(build: &Build, clean: &[clean::Clean], diagnostics: &mut Diagnostics) -> (Vec<File>, Vec<rollups::Made>) {
    let mut files = vec![checked(build, source::databases(build), diagnostics)];
    if build.settings.create_sources {
        files.push(checked(build, source::tables(build), diagnostics));
    }
    files.extend(intake::files(build, diagnostics));
    files.extend(clean::views(build, clean, diagnostics));
    files.extend(dictionaries::file(build, diagnostics));
    let (rollups, made) = rollups::tables(build, diagnostics);
    files.extend(backfill::cut_over(build, &made).map(|file| checked(build, file, diagnostics)));
    files.extend(rollups);
    files.extend(cluster::all_shards(build, clean, &made, diagnostics));
    (files, made)
}

/// What fills rollups when it is run; the tables that it needs are added to the files.
fn fillers<'b>(
    build: &'b Build,
    made: &'b [rollups::Made],
    files: &mut [File],
    diagnostics: &mut Diagnostics,
) -> (Vec<backfill::Backfill<'b>>, Vec<batch::Batch<'b>>) {
    let backfills = backfill::backfills(build, made, diagnostics);
    for backfill in &backfills {
        backfill.add_table(build, files, diagnostics);
    }
    let batches = batch::batches(build, made, diagnostics);
    for batch in &batches {
        batch.add_tables(build, files, diagnostics);
    }
    (backfills, batches)
}

/// What a target has, to answer questions from.
pub fn kept(input: &Input, target: &str, settings: &ClickhouseTarget) -> Result<Kept, Diagnostics> {
    let mut diagnostics = Diagnostics::new();
    let mut options = options(settings);
    clean::rows(input, settings, &mut options, &mut diagnostics);
    let measured = with_measures(input, settings, &options);
    let build = Build::new(input, measured.as_ref(), target, settings, options, &mut diagnostics);
    if diagnostics.has_errors() { Err(diagnostics) } else { Kept::of(build) }
}

/// A question and how it may be served.
pub type Asking<'a> = (&'a plan::Query, &'a Asked);

/// The SELECTs of several questions, as trees: from the cheapest rollups, else from the views of clean rows, which readers see.
pub fn answers(
    input: &Input,
    target: &str,
    settings: &ClickhouseTarget,
    questions: &[Asking<'_>],
) -> Result<Vec<Query>, Diagnostics> {
    let mut diagnostics = Diagnostics::new();
    let mut options = options(settings);
    clean::rows(input, settings, &mut options, &mut diagnostics);
    let measured = with_measures(input, settings, &options);
    let build = Build::new(input, measured.as_ref(), target, settings, options, &mut diagnostics);
    let (_, made) = rollups::tables(&build, &mut diagnostics);
    if diagnostics.has_errors() {
        return Err(diagnostics);
    }
    let has = ask::Has::of(&build, &made);
    let chosen = questions.par_iter().map(|(query, asked)| ask::choose_of(&has, query, asked, true));
    let chosen: Vec<Result<ask::Chosen, Diagnostics>> = chosen.collect();
    let mut selects = Vec::with_capacity(chosen.len());
    for one in chosen {
        match one {
            Ok(chosen) => selects.push(chosen.select),
            Err(told) => diagnostics.extend(told),
        }
    }
    if diagnostics.has_errors() { Err(diagnostics) } else { Ok(selects) }
}

fn options(settings: &ClickhouseTarget) -> Options {
    Options { clean_views: Some(settings.database.clone()), unordered: true, ..Options::default() }
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
                diagnostics.push(error!(E0815, name.span, "`rows_a_day` names `{}`, which is no source", name.value;
                    help: help));
            }
        }
    }
    statistics
}

/// What is emitted where look-ups are measured: the metrics and the measures. None where there is nothing to measure.
fn with_measures(input: &Input, settings: &ClickhouseTarget, options: &Options) -> Option<Input> {
    let measures = dictionaries::measures(input, settings, &options.dictionaries);
    (!measures.is_empty()).then(|| Input {
        tables: Arc::clone(&input.tables),
        upkeep: input.upkeep.clone(),
        statistics: input.statistics.clone(),
        zone: input.zone,
        week_start: input.week_start,
        metrics: input.metrics.iter().cloned().chain(measures).collect(),
        alerts: super::alerts::Given::default(),
        changes: Vec::new(),
        qualities: input.qualities.clone(),
        reports: Vec::new(),
        boards: Vec::new(),
        memo: Memo::default(),
    })
}

impl<'a> Build<'a> {
    /// `measured` is the input with the measures of look-ups, where there are some.
    fn new(
        input: &'a Input,
        measured: Option<&'a Input>,
        target: &'a str,
        settings: &'a ClickhouseTarget,
        options: Options,
        diagnostics: &mut Diagnostics,
    ) -> Build<'a> {
        let (own, memo) = (input.metrics.len(), &input.memo);
        let input = measured.unwrap_or(input);
        let arrival = dictionaries::on_arrival(settings, &options.dictionaries);
        let questions = input.metrics.iter().map(|metric| (&metric.query, metric.asked()));
        let statistics = statistics(input, settings, diagnostics);
        let feeds = |of: &plan::TableScan, step| fed::feeds(settings, input, of, step);
        let rollups = rollup::plan(questions, &statistics, Streams { arrival: &arrival, feeds: &feeds });
        let shared = Key::new(|hasher| {
            (CLICKHOUSE.name(), &options, &*input.tables, input.zone, input.week_start).hash(hasher);
        });
        let folder = super::name::file(target);
        let known = BTreeSet::new();
        Build { input, own, memo, target, settings, statistics, rollups, options, shared, folder, known }
    }

    /// Whether a rollup is for this build to fill: one of its steps is not made by the build beside it.
    fn fills(&self, made: &rollups::Made) -> bool {
        made.steps.iter().any(|step| !self.known.contains(&step.table.to_string()))
    }

    /// `database.name`
    fn name(&self, name: &str) -> ObjectName {
        ObjectName::from(vec![CLICKHOUSE.identifier(&self.settings.database), CLICKHOUSE.identifier(name)])
    }

    /// `database.name__hash`
    fn versioned(&self, plain: &str, hash: &str) -> ObjectName {
        self.name(&version::name(&self.settings.database, plain, hash))
    }

    /// A template, which knows on which cluster its statements run.
    fn render(&self, template: &str, values: minijinja::Value) -> String {
        template::render(template, minijinja::context! { cluster => cluster::clause(self), ..values })
    }

    /// What a DROP ends with: behind a name that comes back a replicated table must be gone (CH18).
    fn sync(&self) -> &'static str {
        if self.settings.cluster.is_some() { " SYNC" } else { "" }
    }

    /// How SELECTs for readers are made: of all shards.
    fn reading(&self) -> Options {
        Options { all_shards: cluster::is_sharded(self), ..self.options.clone() }
    }

    /// Whether some of it was looked up as rows arrived.
    fn is_as_of_ingestion(&self, served: &Served) -> bool {
        let rolled = |layer: &Layer| match layer {
            Layer::Rolled(uses) => uses.iter().any(|of| self.rollups.rollups[of.rollup].is_as_of_ingestion()),
            Layer::Live => false,
        };
        served.layers.iter().any(rolled)
    }

    /// The comment of an object, as SQL. What it begins with tells the objects of the target apart.
    fn comment(&self, what: &str) -> String {
        sql::quoted(&format!("{}{}", self.mark(), line(what)), &CLICKHOUSE)
    }

    /// What the comments of all objects of the target begin with.
    fn mark(&self) -> String {
        format!("metricc/{}: ", line(self.target))
    }

    /// The path of a file.
    fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.folder)
    }

    /// The files, all of them in one, and what takes back those objects that are `taken`.
    fn artifacts(
        &self,
        files: Vec<File>,
        whole: &Whole,
        taken: &dyn Fn(&Object) -> bool,
        diagnostics: &mut Diagnostics,
    ) -> Vec<Artifact> {
        let path = |name: &str| format!("{}/{name}", whole.folder);
        let mut apply = self.header(&whole.apply);
        let mut origin: Vec<String> = Vec::new();
        apply.reserve(files.iter().flat_map(|file| &file.parts).map(|part| part.text.len()).sum());
        let mut drop: Vec<String> = Vec::new();
        for file in &files {
            file.parts.iter().for_each(|part| apply.push_str(&part.text));
            origin.extend(file.origin.iter().cloned());
            drop.extend(file.objects().filter(|object| taken(object)).map(Object::gone));
        }
        origin.sort_unstable();
        origin.dedup();
        drop.reverse();
        let taken_back = |name: &&String| drop.iter().any(|item| item.ends_with(&self.name(name).to_string()));
        let forget: Vec<String> =
            whole.forget.iter().filter(taken_back).map(|name| sql::quoted(name, &CLICKHOUSE)).collect();
        let table = backfill::table(self).to_string();
        let forget = (!forget.is_empty()).then(|| minijinja::context! { table, rollups => forget.join(", ") });
        let rollback = self.header(&whole.rollback)
            + &self.render("clickhouse/rollback.sql", minijinja::context! { drop, forget, sync => self.sync() });
        check(self, &path("rollback.sql"), &rollback, diagnostics);
        let mut artifacts: Vec<Artifact> = files
            .into_iter()
            .map(|file| Artifact {
                path: path(&file.name),
                text: self.header(&file.what) + &file.body(),
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
            if let Err(error) = build.memo.statement(key, parsed) {
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
    check(build, what, &build.render(template, around), diagnostics);
    build.render(template, minijinja::context! { select, ..values })
}

/// Reads statements back, unless an earlier build has.
fn check(build: &Build, what: &str, text: &str, diagnostics: &mut Diagnostics) {
    let key = Key::new(|hasher| ("script", CLICKHOUSE.name(), text).hash(hasher));
    let read = || CLICKHOUSE.script(text).map(|_| String::new());
    if let Err(error) = build.memo.statement(key, read) {
        diagnostics.push(error!(E0812, None, "{what} does not read back: {error}"));
    }
}

/// The file, read back.
fn checked(build: &Build, file: File, diagnostics: &mut Diagnostics) -> File {
    check(build, &file.name, &file.body(), diagnostics);
    file
}

/// What is prepared or built, by a batch or a backfill.
#[derive(Clone)]
struct Staged<'a> {
    /// The table that says so.
    table: &'a ObjectName,
    /// Its columns.
    columns: &'a [&'a str],
    /// `prepared by`
    what: &'a str,
    /// Who prepares it.
    word: &'a str,
    /// A rollup that it is prepared for.
    rollup: Option<ObjectName>,
}

impl Staged<'_> {
    /// Adds the table to the file that makes the rollup.
    fn add(&self, build: &Build, files: &mut [File], diagnostics: &mut Diagnostics) {
        let makes = |file: &&mut File| file.objects().any(|object| Some(&object.name) == self.rollup.as_ref());
        let Some(file) = files.iter_mut().find(makes) else { return };
        let comment = build.comment(&format!("{} the {}", self.what, self.word));
        let table = self.table.to_string();
        let values = minijinja::context! { engine => cluster::engine(build, "MergeTree"), staged => table.as_str(), what => self.what, word => self.word, columns => self.columns.join(",\n    "), comment };
        let text = build.render("clickhouse/staged.sql", values);
        check(build, &table, &text, diagnostics);
        file.add(text, vec![Object { kind: "TABLE", name: self.table.clone() }]);
    }
}

/// A text on one line, for a comment.
fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Two objects of one name would replace each other, and long ones have no room. The names of other files' objects have their
/// content in them, and are cut.
fn check_names<'f>(build: &Build, files: impl Iterator<Item = &'f File>, diagnostics: &mut Diagnostics) {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for object in files.filter(|file| file.name == readers::READERS).flat_map(File::objects) {
        if !version::fits(&build.settings.database, &object.plain_name()) {
            diagnostics.push(error!(E0813, None, "the name {} is too long for ClickHouse", object.name;
                help: "give the metric or table a shorter name; a letter outside of a-z takes up to 12 times the room"));
        }
        let times = seen.entry(object.name.to_string()).or_default();
        *times += 1;
        if *times == 2 {
            diagnostics.push(error!(E0811, None, "two artefacts are named {}", object.name;
                help: "rename the metric or the table"));
        }
    }
}
