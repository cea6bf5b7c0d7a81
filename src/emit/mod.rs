//! Artefacts: what a target is given.
//!
//! A target is a folder here and a folder of templates below `targets/`. SQL comes as a tree from [`crate::sql`]; templates
//! hold what stands around it (engines, partitions, comments) and never build an expression. Equal input gives equal
//! bytes.

mod clickhouse;
mod name;
mod template;
mod views;

use std::sync::Arc;

use crate::diagnostic::{Diagnostics, Span};
use crate::plan::{Query, Step, Table, WeekStart};
use crate::project::{Target, TargetSettings};
use crate::rollup::{Asked, Cadence, Serving, Statistics};
use crate::sql::memo::Memo;
use crate::types::{Serve, Tier};

pub use views::input;

/// A file of a build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// Relative to the output folder, with `/`.
    pub path: String,
    /// All of it.
    pub text: String,
    /// The declarations it was made from: metrics, or tables.
    pub origin: Vec<String>,
}

/// What a target makes.
#[derive(Clone, Debug, PartialEq)]
pub struct Emitted {
    /// The files, in the order of their application.
    pub artifacts: Vec<Artifact>,
    /// For the manifest: order of application, and what serves each metric and why.
    pub details: serde_json::Value,
}

/// A project, ready to be emitted.
#[derive(Debug)]
pub struct Input {
    /// Sources and entities, as all plans know them.
    pub tables: Arc<Vec<Table>>,
    /// How each of them comes in and how long it stays.
    pub upkeep: Vec<Upkeep>,
    /// What samples tell of the tables.
    pub statistics: Statistics,
    /// The project's time zone.
    pub zone: chrono_tz::Tz,
    /// The first day of a week.
    pub week_start: WeekStart,
    /// Every metric at each of its default steps, in the order of the project.
    pub metrics: Vec<MetricView>,
    /// Statements of an earlier build.
    pub memo: Memo,
}

/// How the rows of a table come in and how long they stay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Upkeep {
    /// The column that says when a row reached us.
    pub arrived: Option<String>,
    /// How long a row may still change, in milliseconds.
    pub revised: Option<i64>,
    /// How long rows are kept, in milliseconds.
    pub retain: Option<i64>,
    /// The topic of Kafka that its messages come from.
    pub topic: Option<String>,
}

/// A metric at one of its default steps, by its default dimensions.
#[derive(Clone, Debug)]
pub struct MetricView {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: u32,
    /// Whether its name alone means this version.
    pub current: bool,
    /// What it is, in a line.
    pub title: Option<String>,
    /// The output step; none for one bucket.
    pub step: Option<Step>,
    /// The plan.
    pub query: Query,
    /// Its tier.
    pub tier: Option<Tier>,
    /// How it is served.
    pub serve: Vec<Serve>,
    /// A hash of its meaning, where one is known; else its SQL is hashed.
    pub fingerprint: Option<String>,
    /// The declaration.
    pub span: Option<Span>,
}

impl MetricView {
    /// The step in names: `1d`, `total`.
    pub fn grain(&self) -> String {
        self.step.map_or_else(|| "total".to_owned(), Step::text)
    }

    /// How it is asked to be served.
    pub fn asked(&self) -> Asked {
        let mut asked = Asked::default();
        for serve in &self.serve {
            match serve {
                Serve::Live => asked.live = true,
                Serve::Stream(step) => asked.servings.push(Serving::Stream(*step)),
                Serve::Hourly => asked.servings.push(Serving::Batch(Cadence::Hourly)),
                Serve::Daily => asked.servings.push(Serving::Batch(Cadence::Daily)),
            }
        }
        asked
    }
}

/// Makes the artefacts of a target. What it cannot express is told, and nothing is to be written then.
pub fn emit(input: &Input, target: &Target) -> (Emitted, Diagnostics) {
    match &target.settings {
        TargetSettings::Clickhouse(settings) => clickhouse::emit(input, &target.name.value, settings),
    }
}
