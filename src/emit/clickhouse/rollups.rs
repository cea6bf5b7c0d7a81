//! Rollups: a table of states a step, and the materialized view that fills it.

use std::hash::Hash;

use rayon::prelude::*;
use sha2::{Digest, Sha256};
use sqlparser::ast::ObjectName;
use sqlparser::parser::ParserError;

use super::{Build, File, Object, line};
use crate::diagnostic::Diagnostics;
use crate::emit::{name, template};
use crate::error;
use crate::plan::{Query, Step};
use crate::rollup::{Rollup, Way};
use crate::sql::memo::Key;
use crate::sql::{self, CLICKHOUSE, Dialect, Filling, Source, Stored, StoredColumn, Unsupported};

/// A rollup as it was made.
pub struct Made {
    /// Its steps, as in the plan.
    pub steps: Vec<MadeStep>,
}

/// A step of a rollup.
pub struct MadeStep {
    /// The step.
    pub step: Step,
    /// Its table.
    pub table: ObjectName,
    /// What fills it.
    pub view: ObjectName,
}

impl MadeStep {
    /// As something to read.
    pub fn stored<'r>(&self, rollup: &'r Rollup) -> Stored<'r> {
        Stored { table: self.table.clone(), step: self.step, states: &rollup.states }
    }
}

/// The rollups of all sources, a file a source.
pub fn tables(build: &Build, diagnostics: &mut Diagnostics) -> (Vec<File>, Vec<Made>) {
    // The table of a rollup is planned for any of its questions; all share tables, zone and week.
    let Some(like) = build.input.metrics.first().map(|metric| &metric.query) else { return Default::default() };
    let one = |rollup: &Rollup| Maker { build, rollup, like }.make();
    let made: Vec<(Output, Diagnostics)> = build.rollups.rollups.par_iter().map(one).collect();
    let mut files: Vec<File> = Vec::new();
    let mut all = Vec::with_capacity(made.len());
    for ((output, found), rollup) in made.into_iter().zip(&build.rollups.rollups) {
        diagnostics.extend(found);
        let table = &build.input.tables[rollup.table].name;
        let name = format!("30_rollups_{}.sql", name::file(table));
        let file = match files.iter_mut().find(|file| file.name == name) {
            Some(file) => file,
            None => {
                let what = format!("Rollups of {table}");
                let (origin, objects) = (vec![table.clone()], Vec::new());
                files.push(File { name, what, body: String::new(), origin, objects });
                files.last_mut().expect("just pushed")
            }
        };
        file.body.push_str(&output.body);
        file.objects.extend(output.objects);
        all.push(output.made);
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    (files, all)
}

struct Output {
    body: String,
    objects: Vec<Object>,
    made: Made,
}

struct Maker<'a> {
    build: &'a Build<'a>,
    rollup: &'a Rollup,
    like: &'a Query,
}

impl Maker<'_> {
    fn make(&self) -> (Output, Diagnostics) {
        let mut diagnostics = Diagnostics::new();
        let mut output = Output { body: String::new(), objects: Vec::new(), made: Made { steps: Vec::new() } };
        // The name tells the content apart: a table is never filled with states of another shape.
        let mut content = String::new();
        for step in &self.rollup.steps {
            let finer = output.made.steps.last();
            match self.filling(*step, finer) {
                Ok(filling) => {
                    let select = sql::to_text(&filling.select, &CLICKHOUSE);
                    if let Err(error) = self.read_back(&select) {
                        let table = &self.table().name;
                        diagnostics.push(error!(E0812, None, "a rollup of `{table}` does not read back: {error}"));
                    }
                    if finer.is_none() {
                        content.push_str(&select);
                    }
                    let made = self.names(*step, &content);
                    self.statements(&mut output, &made, &filling, &select);
                    output.made.steps.push(made);
                }
                Err(unsupported) => self.tell(unsupported, &mut diagnostics),
            }
        }
        (output, diagnostics)
    }

    /// Parses a statement, unless an earlier build has.
    fn read_back(&self, select: &str) -> Result<(), ParserError> {
        let key = Key::new(|hasher| ("read back", CLICKHOUSE.name(), select).hash(hasher));
        let parsed = || sql::reparse(select, &CLICKHOUSE).map(|_| String::new());
        self.build.input.memo.statement(key, parsed).map(|_| ())
    }

    fn table(&self) -> &crate::plan::Table {
        &self.build.input.tables[self.rollup.table]
    }

    fn filling(&self, step: Step, finer: Option<&MadeStep>) -> Result<Filling, Vec<Unsupported>> {
        let query = self.rollup.question(self.like, step);
        let source = match (finer, self.rollup.way) {
            (Some(finer), _) => Source::Finer(finer.stored(self.rollup)),
            (None, Way::Added) => Source::Stored,
            (None, Way::Rebuilt(_)) => Source::Clean,
        };
        sql::filling(&query, &self.rollup.states, source, &CLICKHOUSE, &self.build.options)
    }

    fn names(&self, step: Step, content: &str) -> MadeStep {
        let digest = Sha256::digest(content.as_bytes());
        let hash: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        let name = format!("{}__{}__{hash}", self.table().name, step.text());
        MadeStep { step, table: self.build.name(&name), view: self.build.name(&format!("{name}__mv")) }
    }

    fn statements(&self, output: &mut Output, made: &MadeStep, filling: &Filling, select: &str) {
        let columns: Vec<_> = filling.columns.iter().map(|column| self.column(column)).collect();
        let key: Vec<&str> =
            filling.columns.iter().filter(|column| column.is_key).map(|column| column.name.as_str()).collect();
        let refresh = match self.rollup.way {
            Way::Added => None,
            Way::Rebuilt(_) => Some(every(made.step)),
        };
        let (table, view) = (made.table.to_string(), made.view.to_string());
        let values = minijinja::context! {
            about => self.about(made.step), table => table.as_str(), columns, key => key.join(", "),
            view => view.as_str(), refresh, select,
        };
        output.body.push_str(&template::render("clickhouse/rollup.sql", values));
        output.objects.push(Object { kind: "TABLE", name: table });
        output.objects.push(Object { kind: "VIEW", name: view });
    }

    fn column(&self, column: &StoredColumn) -> minijinja::Value {
        let place = |prefix: &str| column.name.strip_prefix(prefix).and_then(|at| at.parse::<usize>().ok());
        let comment = match (place("_d"), place("_s")) {
            (Some(at), _) => self.rollup.dimensions.get(at).map(|dimension| dimension.name.clone()),
            (_, Some(at)) => self.rollup.states.get(at).map(|state| format!("{:?}", state.part).to_lowercase()),
            _ => Some("start of the bucket".to_owned()),
        };
        let comment = comment.map(|comment| sql::quoted(&line(&comment), &CLICKHOUSE));
        minijinja::context! { name => column.name.as_str(), type => column.ty.as_str(), comment }
    }

    /// What it is, and why it is filled the way it is.
    fn about(&self, step: Step) -> Vec<String> {
        let names: Vec<&str> = self.rollup.dimensions.iter().map(|dimension| dimension.name.as_str()).collect();
        let by = if names.is_empty() { String::new() } else { format!(" by {}", names.join(", ")) };
        let what = line(&format!("{} in buckets of {}{by}.", self.table().name, step.text()));
        let way = match self.rollup.way {
            Way::Added => "Filled as rows arrive.".to_owned(),
            Way::Rebuilt(reason) => format!("Made anew from the clean rows, not added to. {}.", reason.text()),
        };
        vec![what, way]
    }

    fn tell(&self, unsupported: Vec<Unsupported>, diagnostics: &mut Diagnostics) {
        for one in unsupported {
            diagnostics.push(error!(E0802, None, "clickhouse cannot express {} in a rollup of `{}`", one.construct, self.table().name;
                help: ("{}", one.reason)));
        }
    }
}

/// How often a view is refreshed: once a step, at most once a second.
fn every(step: Step) -> String {
    match step {
        Step::Subday(ms) if ms % 3_600_000 == 0 => format!("{} HOUR", ms / 3_600_000),
        Step::Subday(ms) if ms % 60_000 == 0 => format!("{} MINUTE", ms / 60_000),
        Step::Subday(ms) => format!("{} SECOND", (ms / 1000).max(1)),
        _ => "1 DAY".to_owned(),
    }
}
