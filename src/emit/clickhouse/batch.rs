//! Batches: what fills the rollups that are served daily or hourly.
//!
//! A batch is a source's, for all of its rollups of one cadence. A run waits for its rows (`0_ready.sql`), asks which days to
//! build (`1_days.sql`), prepares them beside what is read (`2_stage.sql`), and puts one day after the other in its place
//! (`3_publish.sql`). Each can be run again; whatever a run that was killed left behind is removed by the next. `history.sql`
//! gives all days there are, and `built.sql` tells whether a run is done.

use serde_json::{Value, json};
use sqlparser::ast::ObjectName;

use super::rollups::{Made, MadeStep};
use super::{Build, File, Staged, dictionaries, version};
use crate::diagnostic::Diagnostics;
use crate::emit::{Artifact, name};
use crate::plan::{Expr, Query};
use crate::rollup::{Cadence, Rollup, Way};
use crate::sql::{self, CLICKHOUSE, Days, Unsupported};
use crate::value::time::DAY_MS;

/// A batch as it was made.
pub struct Batch<'a> {
    /// The place of its source.
    pub table: usize,
    /// How often it runs.
    pub cadence: Cadence,
    /// Its rollups, in the order of the plan.
    rollups: Vec<(&'a Rollup, &'a Made)>,
    /// Its steps, its history and what tells that it is done, as file names and statements.
    pub files: Vec<(&'static str, String)>,
    /// Which days are prepared.
    staged: ObjectName,
    /// When each day was put in its place.
    built: ObjectName,
    /// In words: which days a run builds.
    pub rebuilds: String,
}

/// The batches of all sources, in the order of their tables.
pub fn batches<'a>(build: &'a Build, made: &'a [Made], diagnostics: &mut Diagnostics) -> Vec<Batch<'a>> {
    let mut found: Vec<Batch> = Vec::new();
    for (rollup, made) in build.rollups.rollups.iter().zip(made) {
        let Way::Batched(cadence) = rollup.way else { continue };
        if !build.fills(made) {
            continue;
        }
        let known = found.iter_mut().find(|batch| batch.table == rollup.table && batch.cadence == cadence);
        match known {
            Some(batch) => batch.rollups.push((rollup, made)),
            None => found.push(Batch {
                table: rollup.table,
                cadence,
                rollups: vec![(rollup, made)],
                files: Vec::new(),
                staged: ObjectName(Vec::new()),
                built: ObjectName(Vec::new()),
                rebuilds: String::new(),
            }),
        }
    }
    found.sort_by_key(|batch| (batch.table, batch.cadence));
    for batch in &mut found {
        batch.write(build, diagnostics);
    }
    found
}

impl Batch<'_> {
    fn write(&mut self, build: &Build, diagnostics: &mut Diagnostics) {
        let source = &build.input.tables[self.table].name;
        let upkeep = &build.input.upkeep[self.table];
        let word = self.cadence.word();
        let run = version::run(&build.rollups, self.table, Way::Batched(self.cadence));
        self.staged = build.versioned(&format!("staged__{source}__{word}"), &run);
        self.built = build.versioned(&format!("built__{source}__{word}"), &run);
        let days_of = |ms: i64| u32::try_from(ms.max(0).div_euclid(DAY_MS)).unwrap_or(u32::MAX);
        let revised = upkeep.revised.map(|ms| days_of(ms.saturating_add(DAY_MS - 1)));
        let retain = upkeep.retain.map(days_of);
        let mut times: Vec<&Expr> = Vec::new();
        for (rollup, _) in &self.rollups {
            if !times.contains(&&rollup.time) {
                times.push(&rollup.time);
            }
        }
        let of = sql::Batch {
            table: self.table,
            cadence: self.cadence,
            times,
            arrived: upkeep.arrived.as_deref(),
            revised,
            retain,
        };
        self.rebuilds = rebuilds(&of);
        let ready = self.question(build, |like| sql::batch_ready(&of, like, &CLICKHOUSE), diagnostics);
        let built = self.built.clone();
        let is_built = self.question(build, |like| sql::batch_built(&of, built, like, &CLICKHOUSE), diagnostics);
        let days = self.days(build, &of, Days::Run, diagnostics);
        let history = self.days(build, &of, Days::History, diagnostics);
        let parameter = match self.cadence {
            Cadence::Daily => "{day: Date32}: the day that is over",
            Cadence::Hourly => "{hour: DateTime64(3, 'UTC')}: the start of the hour that is over, in UTC",
        };
        let steps: Vec<_> = self.steps().map(|step| self.step(step)).collect();
        let gone = if retain.is_some() { self.gone(build, &of, diagnostics) } else { Vec::new() };
        let values = minijinja::context! {
            source, word, parameter, hourly => self.cadence == Cadence::Hourly, rebuilds => self.rebuilds.as_str(),
            staged => self.staged.to_string(), built => self.built.to_string(), ready, is_built, days, history, steps, gone,
            unit => if self.cadence == Cadence::Daily { "day" } else { "hour" },
            dictionaries => dictionaries::of(build, self.rollups.iter().map(|(rollup, _)| *rollup)),
        };
        let file = |name: &'static str, template: &str| (name, build.render(template, values.clone()));
        self.files = vec![
            file("0_ready.sql", "clickhouse/batch_ready.sql"),
            file("1_days.sql", "clickhouse/batch_days.sql"),
            file("2_stage.sql", "clickhouse/batch_stage.sql"),
            file("3_publish.sql", "clickhouse/batch_publish.sql"),
            file("history.sql", "clickhouse/batch_history.sql"),
            file("built.sql", "clickhouse/batch_built.sql"),
        ];
        for (name, text) in &self.files {
            super::check(build, name, text, diagnostics);
        }
    }

    /// The steps of its rollups.
    pub fn steps(&self) -> impl Iterator<Item = &MadeStep> {
        self.rollups.iter().flat_map(|(_, made)| &made.steps)
    }

    fn step(&self, step: &MadeStep) -> minijinja::Value {
        minijinja::context! {
            table => step.table.to_string(), staging => step.filler.to_string(), columns => step.columns.join(", "),
            select => step.select.as_str(), expires => step.expires,
        }
    }

    fn days(&self, build: &Build, of: &sql::Batch, days: Days, diagnostics: &mut Diagnostics) -> String {
        self.question(build, |like| sql::batch_days(of, days, like, &CLICKHOUSE), diagnostics)
    }

    /// A query of the batch; it is given one that it is of the same project with.
    fn question(
        &self,
        build: &Build,
        make: impl FnOnce(&Query) -> Result<sqlparser::ast::Query, Vec<Unsupported>>,
        diagnostics: &mut Diagnostics,
    ) -> String {
        let Some(like) = build.input.metrics.first().map(|metric| &metric.query) else { return String::new() };
        let what = format!("the batch of `{}`", build.input.tables[self.table].name);
        super::read_back(build, &what, make(like), diagnostics)
    }

    /// For each rollup the SELECT that counts its rows of days that the source has no rows of any more.
    fn gone(&self, build: &Build, of: &sql::Batch, diagnostics: &mut Diagnostics) -> Vec<String> {
        let Some(like) = build.input.metrics.first().map(|metric| &metric.query) else { return Vec::new() };
        let what = format!("the batch of `{}`", build.input.tables[self.table].name);
        let each = self.rollups.iter().filter_map(|(rollup, made)| Some((rollup, made.steps.first()?.stored(rollup))));
        each.map(|(rollup, stored)| {
            let query = sql::batch_gone(of, &rollup.time, &stored, None, like, &CLICKHOUSE);
            super::read_back(build, &what, query, diagnostics)
        })
        .collect()
    }

    /// Adds the tables that say which days are prepared, and when days were built, to the rollups of its source.
    pub fn add_tables(&self, build: &Build, files: &mut [File], diagnostics: &mut Diagnostics) {
        let rollup = self.steps().next().map(|step| step.table.clone());
        let word = format!("{} batch", self.cadence.word());
        let staged = Staged { table: &self.staged, columns: &["day Date32"], what: "prepared by", word: &word, rollup };
        let built = Staged {
            table: &self.built,
            columns: &["day Date32", "at DateTime64(3, 'UTC') DEFAULT now64(3)"],
            what: "built by",
            ..staged.clone()
        };
        staged.add(build, files, diagnostics);
        built.add(build, files, diagnostics);
    }

    fn folder(&self, build: &Build) -> String {
        let source = name::file(&build.input.tables[self.table].name);
        build.path(&format!("batch/{source}__{}", self.cadence.word()))
    }

    /// For the manifest: what runs it, and with which parameters.
    pub fn details(&self, build: &Build) -> Value {
        let path = |file: &str| format!("{}/{file}", self.folder(build));
        let run = if self.cadence == Cadence::Daily { "day" } else { "hour" };
        let mut stage = vec!["days"];
        if self.cadence == Cadence::Hourly {
            stage.push("hour");
        }
        json!({
            "source": build.input.tables[self.table].name,
            "every": self.cadence.word(),
            "zone": build.input.zone.name(),
            "rebuilds": self.rebuilds,
            "ready": { "file": path("0_ready.sql"), "parameters": [run] },
            "days": { "file": path("1_days.sql"), "parameters": [run] },
            "stage": { "file": path("2_stage.sql"), "parameters": stage },
            "publish": { "file": path("3_publish.sql"), "parameters": ["day"] },
            "history": { "file": path("history.sql"), "parameters": [run] },
            "built": { "file": path("built.sql"), "parameters": [run] },
            "rollups": self.steps().map(|step| step.table.to_string()).collect::<Vec<_>>(),
        })
    }

    /// Its files.
    pub fn artifacts(self, build: &Build) -> Vec<Artifact> {
        let folder = self.folder(build);
        let source = &build.input.tables[self.table].name;
        let what = format!("The {} batch of {source}", self.cadence.word());
        let header = build.header(&what);
        self.files
            .into_iter()
            .map(|(name, text)| Artifact {
                path: format!("{folder}/{name}"),
                text: format!("{header}{text}"),
                origin: vec![source.clone()],
            })
            .collect()
    }
}

/// In words: which days a run builds.
fn rebuilds(batch: &sql::Batch) -> String {
    let own = match batch.cadence {
        Cadence::Daily => "the day",
        Cadence::Hourly => "the day of the hour",
    };
    match (batch.revised, batch.arrived) {
        (Some(0), _) => own.to_owned(),
        (Some(days), _) => {
            let when = if batch.cadence == Cadence::Hourly { ", in the first hour of a day" } else { "" };
            format!("{own} and the {days} days before it, whose rows may have changed{when}")
        }
        (None, Some(arrived)) => format!("{own} and all days of rows that came in it, by `{arrived}`"),
        (None, None) => format!("{own}; rows that come later are counted when it is built again"),
    }
}
