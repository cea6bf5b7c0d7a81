//! Backfills of streams: what came before the cut-over, month by month (CH14).
//!
//! A rollup that is filled as rows arrive takes those that arrive from its cut-over on. Those before it are history: its
//! months are prepared beside the rollup and put into partitions of their own, which no new row ever touches. So a
//! backfill may be run at any time, and again.

use serde_json::{Value, json};
use sqlparser::ast::ObjectName;

use super::rollups::{Made, MadeStep};
use super::{Build, File, Object, Staged, cluster, dictionaries, version};
use crate::diagnostic::Diagnostics;
use crate::emit::{Artifact, name};
use crate::rollup::{Cadence, Rollup, Way};
use crate::sql::{self, CLICKHOUSE, CutOver, Side};

/// The file that records them.
pub const CUT_OVER: &str = "25_cut_over.sql";

/// The table of all cut-overs.
pub fn table(build: &Build) -> ObjectName {
    build.name("cut_over")
}

/// What records the cut-overs of new rollups; nothing where no rollup has one.
pub fn cut_over(build: &Build, made: &[Made]) -> Option<File> {
    let rollups: Vec<String> =
        made.iter().filter_map(|made| made.cut.as_deref()).map(|name| sql::quoted(name, &CLICKHOUSE)).collect();
    if rollups.is_empty() {
        return None;
    }
    let name = table(build);
    let table = name.to_string();
    let values = minijinja::context! {
        table => table.as_str(), rollups => rollups.join(", "), count => rollups.len(),
        comment => build.comment("when streams begin"), engine => cluster::engine_of_all(build, "MergeTree"),
    };
    let body = build.render("clickhouse/cut_over.sql", values);
    let file = File::new(CUT_OVER, "When streams begin and history ends", Vec::new());
    Some(file.with(body, vec![Object { kind: "TABLE", name }]))
}

/// The backfill of a source as it was made.
pub struct Backfill<'a> {
    table: usize,
    rollups: Vec<(&'a Rollup, &'a Made, &'a str)>,
    files: Vec<(&'static str, String)>,
    /// Which month is prepared.
    staged: ObjectName,
}

/// The backfills of all sources, in the order of their tables.
pub fn backfills<'a>(build: &'a Build, made: &'a [Made], diagnostics: &mut Diagnostics) -> Vec<Backfill<'a>> {
    let mut found: Vec<Backfill> = Vec::new();
    for (rollup, made) in build.rollups.rollups.iter().zip(made) {
        let Some(cut) = made.cut.as_deref().filter(|_| build.fills(made)) else { continue };
        match found.iter_mut().find(|backfill| backfill.table == rollup.table) {
            Some(backfill) => backfill.rollups.push((rollup, made, cut)),
            None => {
                let source = &build.input.tables[rollup.table].name;
                let run = version::run(&build.rollups, rollup.table, Way::Added);
                let staged = build.versioned(&format!("staged__{source}__backfill"), &run);
                let rollups = vec![(rollup, made, cut)];
                found.push(Backfill { table: rollup.table, rollups, files: Vec::new(), staged });
            }
        }
    }
    found.sort_by_key(|backfill| backfill.table);
    for backfill in &mut found {
        backfill.write(build, diagnostics);
    }
    found
}

impl Backfill<'_> {
    fn write(&mut self, build: &Build, diagnostics: &mut Diagnostics) {
        let Some(like) = build.input.metrics.first().map(|metric| &metric.query) else { return };
        let upkeep = &build.input.upkeep[self.table];
        let arrived = upkeep.arrived.as_deref();
        let of = sql::Batch {
            table: self.table,
            cadence: Cadence::Daily,
            times: self.rollups.iter().map(|(rollup, ..)| &rollup.time).collect(),
            arrived,
            revised: None,
            retain: None,
        };
        let cut = |rollup| CutOver { arrived: arrived.unwrap_or_default(), table: table(build), rollup };
        let cuts: Vec<CutOver> = self.rollups.iter().map(|(.., rollup)| cut(*rollup)).collect();
        let what = format!("the backfill of `{}`", build.input.tables[self.table].name);
        let mut told = |made| super::read_back(build, &what, made, diagnostics);
        let months = told(sql::backfill_months(&of, &cuts, like, &CLICKHOUSE));
        let finest = self.rollups.iter().filter_map(|(rollup, made, _)| Some((*rollup, made.steps.first()?)));
        let gone: Vec<String> = finest
            .map(|(rollup, step)| {
                let (stored, side) = (step.stored(rollup), Some(Side::History));
                told(sql::batch_gone(&of, &rollup.time, &stored, side, like, &CLICKHOUSE))
            })
            .collect();
        let steps: Vec<_> = self.steps().filter_map(step).collect();
        let values = minijinja::context! {
            months, gone, steps, staged => self.staged.to_string(),
            dictionaries => dictionaries::of(build, self.rollups.iter().map(|(rollup, ..)| *rollup)),
        };
        let file = |name: &'static str, template: &str| (name, build.render(template, values.clone()));
        self.files = vec![
            file("1_months.sql", "clickhouse/backfill_months.sql"),
            file("2_stage.sql", "clickhouse/backfill_stage.sql"),
            file("3_publish.sql", "clickhouse/backfill_publish.sql"),
        ];
        for (name, text) in &self.files {
            super::check(build, name, text, diagnostics);
        }
    }

    fn steps(&self) -> impl Iterator<Item = &MadeStep> {
        self.rollups.iter().flat_map(|(_, made, _)| &made.steps)
    }

    /// Adds the table that says which month is prepared to the rollups of its source.
    pub fn add_table(&self, build: &Build, files: &mut [File], diagnostics: &mut Diagnostics) {
        let rollup = self.steps().next().map(|step| step.table.clone());
        Staged { table: &self.staged, columns: &["month UInt32"], what: "prepared by", word: "backfill", rollup }.add(
            build,
            files,
            diagnostics,
        );
    }

    fn folder(&self, build: &Build) -> String {
        build.path(&format!("backfill/{}", name::file(&build.input.tables[self.table].name)))
    }

    /// For the manifest: what runs it, and with which parameters.
    pub fn details(&self, build: &Build) -> Value {
        let path = |file: &str| format!("{}/{file}", self.folder(build));
        json!({
            "source": build.input.tables[self.table].name,
            "cut_over": table(build).to_string(),
            "months": { "file": path("1_months.sql"), "parameters": [] },
            "stage": { "file": path("2_stage.sql"), "parameters": ["month"] },
            "publish": { "file": path("3_publish.sql"), "parameters": ["month"] },
            "rollups": self.steps().map(|step| step.table.to_string()).collect::<Vec<_>>(),
        })
    }

    /// Its files.
    pub fn artifacts(self, build: &Build) -> Vec<Artifact> {
        let folder = self.folder(build);
        let source = &build.input.tables[self.table].name;
        let header = build.header(&format!("The backfill of the streams of {source}"));
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

fn step(step: &MadeStep) -> Option<minijinja::Value> {
    let (staging, select) = step.history.as_ref()?;
    Some(minijinja::context! {
        table => step.table.to_string(), staging => staging.to_string(), columns => step.columns.join(", "),
        select => select.as_str(), expires => step.expires,
    })
}
