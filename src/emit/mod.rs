//! Artefacts: what a target is given.
//!
//! A target is a folder here and a folder of templates below `targets/`. SQL comes as a tree from [`crate::sql`]; templates
//! hold what stands around it (engines, partitions, comments) and never build an expression. Equal input gives equal
//! bytes.

mod airflow;
pub mod alerts;
mod clickhouse;
mod grafana;
pub mod name;
mod quality;
mod ruled;
mod streaming;
mod template;
mod views;

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::diagnostic::{Diagnostics, Span};
use crate::plan::{Query, Step, Table, WeekStart};
use crate::project::{AirflowTarget, ClickhouseTarget, GrafanaTarget, StreamingTarget, Target, TargetSettings};
use crate::rollup::{Asked, Cadence, Serving, Statistics};
use crate::sql::memo::Memo;
use crate::types::{Bound, CaliberChange, Serve, Severity, Tier};

pub use name::view_name;
pub use ruled::asked_by;
pub use streaming::refusal;
pub use views::{input, with_changes};

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
    /// Alerts and objectives with what they look at.
    pub alerts: alerts::Given,
    /// Changes of calibers of which both versions are to be built.
    pub changes: Vec<Beside>,
    /// Rules of quality, in the order of the project.
    pub qualities: Vec<Ruled>,
    /// What is delivered to people, in the order of the project.
    pub reports: Vec<Told>,
    /// Dashboards with what they show, in the order of the project.
    pub boards: Vec<grafana::Board>,
    /// Statements of an earlier build.
    pub memo: Memo,
}

/// A report, for whoever has it made at its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Its name.
    pub name: String,
    /// What it is, in a line.
    pub title: Option<String>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// At what time of the first day after each period, in minutes since midnight there.
    pub minutes: u16,
    /// The period.
    pub every: Step,
    /// The names of the metrics that it tells of.
    pub metrics: Vec<String>,
}

/// A change, and the program in which it is in its other stage.
#[derive(Debug)]
pub struct Beside {
    /// The change.
    pub change: CaliberChange,
    /// The other program: the same tables, and other versions that bare names mean.
    pub input: Input,
    /// The metrics that mean something else in it, sorted; growths go with theirs.
    pub moved: BTreeSet<String>,
}

/// The rules for the rows of a table.
#[derive(Clone, Debug)]
pub struct Ruled {
    /// Their name.
    pub name: String,
    /// The source or entity.
    pub on: String,
    /// How bad it is when one is broken.
    pub severity: Severity,
    /// How many rows there must be for their shares to be judged.
    pub minimum: Option<u64>,
    /// What people are told of them.
    pub about: RuledAbout,
    /// All rules, each to be asked alone.
    pub rules: Vec<RuleAsked>,
    /// The shares of rows by day, with the number of rows; none where rows have no time, or no rule is of shares.
    pub shares: Option<Shares>,
    /// Metrics whose ways are compared.
    pub reconciled: Vec<Reconciled>,
    /// The declaration.
    pub span: Span,
}

/// What people are told of rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuledAbout {
    /// `title`, or the description.
    pub title: Option<String>,
    /// `owner`
    pub owner: Option<String>,
    /// `runbook`
    pub runbook: Option<String>,
}

/// A rule with what it looks at.
#[derive(Clone, Debug)]
pub struct RuleAsked {
    /// Its name: `complete(user_id)`.
    pub name: String,
    /// What it must satisfy, as it is written.
    pub bound: String,
    /// What it looks at.
    pub looks: Looks,
    /// Where it stands.
    pub span: Span,
}

/// What a rule looks at.
#[derive(Clone, Debug)]
pub enum Looks {
    /// A share of rows, by day or of all of them.
    Share {
        /// The plan: how many rows there are, and the share.
        query: Box<Query>,
        /// The column of the number of rows.
        rows: String,
        /// The column of the share.
        share: String,
        /// What it must satisfy.
        bound: Bound,
    },
    /// The instant at which the newest row came.
    Newest {
        /// The plan.
        query: Box<Query>,
        /// Its column.
        newest: String,
        /// At most so many milliseconds ago.
        within: i64,
    },
    /// What two ways of a warehouse have made of a metric.
    Ways,
}

/// Shares of rows.
#[derive(Clone, Debug)]
pub struct Shares {
    /// The plan.
    pub query: Query,
    /// The column of the number of rows.
    pub rows: String,
    /// The name of each rule, the column of its share, and its bound.
    pub rules: Vec<(String, String, Bound)>,
}

/// A metric whose results are compared, by day and its own dimensions.
#[derive(Clone, Debug)]
pub struct Reconciled {
    /// The rule.
    pub name: String,
    /// The plan.
    pub query: Query,
    /// The ways that are compared.
    pub ways: [Asked; 2],
    /// What the difference must satisfy.
    pub bound: Bound,
}

/// How the rows of a table come in and how long they stay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Upkeep {
    /// The column that says when a row reached us.
    pub arrived: Option<String>,
    /// How late a row may come to a stream, in milliseconds; as late as it likes where it is not said.
    pub lateness: Option<i64>,
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
    /// What people are told of it.
    pub about: About,
    /// A hash of its meaning, where one is known; else its SQL is hashed.
    pub fingerprint: Option<String>,
    /// The declaration.
    pub span: Option<Span>,
}

/// What people are told of a metric beside its numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// Who answers for it.
    pub owner: Option<String>,
    /// Its formula as it is written, on one line.
    pub formula: Option<String>,
}

impl MetricView {
    /// The step in names: `1d`, `total`.
    pub fn grain(&self) -> String {
        self.step.map_or_else(|| "total".to_owned(), Step::text)
    }

    /// Its name, its version where another one has the name, and its step: `dau 1d`.
    pub fn label(&self) -> String {
        let version = if self.current { String::new() } else { format!(" v{}", self.version) };
        format!("{}{version} {}", self.name, self.grain())
    }

    /// How it is asked to be served.
    pub fn asked(&self) -> Asked {
        asked(&self.serve)
    }
}

/// What a metric asks for by its `serve`.
pub fn asked(serve: &[Serve]) -> Asked {
    let mut asked = Asked::default();
    for serve in serve {
        match serve {
            Serve::Live => asked.live = true,
            Serve::Stream(step) => asked.servings.push(Serving::Stream(*step)),
            Serve::Hourly => asked.servings.push(Serving::Batch(Cadence::Hourly)),
            Serve::Daily => asked.servings.push(Serving::Batch(Cadence::Daily)),
        }
    }
    asked
}

/// What a metric asks for by its `serve`, at a step: of the sources, where it is not served so often.
pub fn asked_at(serve: &[Serve], step: Step) -> Asked {
    let asked = asked(serve);
    let is_fine = |one: &Serving| match one {
        Serving::Stream(of) => *of <= step,
        Serving::Batch(Cadence::Hourly) => step.about() >= 3_600_000,
        Serving::Batch(_) => step.about() >= 86_400_000,
    };
    if asked.live || asked.servings.iter().any(is_fine) { asked } else { Asked { live: true, ..Asked::default() } }
}

/// What several metrics in one question ask for: the ways that all of them are served in, and as fresh as any of them is.
pub fn asked_together<'s>(all: impl Iterator<Item = &'s [Serve]>) -> Asked {
    let mut together: Option<Asked> = None;
    for own in all.map(asked) {
        let Some(known) = &mut together else {
            together = Some(own);
            continue;
        };
        known.live |= own.live;
        let stream =
            |asked: &Asked| asked.servings.iter().filter(|one| matches!(one, Serving::Stream(_))).min().copied();
        let streams = stream(known).zip(stream(&own)).map(|(a, b)| a.min(b));
        known.servings.retain(|one| matches!(one, Serving::Batch(_)) && own.servings.contains(one));
        known.servings.extend(streams);
    }
    let mut together = together.unwrap_or_default();
    // Where one is served in no way that the others are, only the sources have all of them.
    together.live |= together.servings.is_empty();
    together
}

/// A question that was answered from a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The SELECT.
    pub sql: String,
    /// The rollups that it reads, and `the sources` where it reads these beside them; empty for the sources alone.
    pub from: Vec<String>,
    /// Rollups of the same sources that it does not read.
    pub passed: Vec<Passed>,
    /// The ways to serve it that no rollup can, and why.
    pub refused: Vec<(String, String)>,
}

/// A rollup that is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passed {
    /// Its table.
    pub rollup: String,
    /// Why.
    pub because: String,
}

/// What a target has, to answer questions from (a stream or a scheduler has nothing of its own: its warehouse is asked). Planning all of its
/// rollups takes a while, an answer does not: whoever has several questions keeps it.
pub struct Warehouse(clickhouse::Kept);

impl Warehouse {
    /// That of a target. A target that has no warehouse is an error without words.
    pub fn of(input: &Input, target: &Target) -> Result<Warehouse, Diagnostics> {
        let (name, settings): (_, &ClickhouseTarget) = match &target.settings {
            TargetSettings::Clickhouse(settings) => (&target.name.value, settings),
            TargetSettings::Streaming(StreamingTarget { into: Some((name, settings)), .. }) => (name, settings),
            TargetSettings::Airflow(AirflowTarget { of: Some((name, settings)), .. }) => (name, settings),
            TargetSettings::Grafana(GrafanaTarget { of: Some((name, settings)), .. }) => (name, settings),
            TargetSettings::Streaming(_)
            | TargetSettings::Airflow(_)
            | TargetSettings::Alerts(_)
            | TargetSettings::Quality(_)
            | TargetSettings::Grafana(_) => return Err(Diagnostics::new()),
        };
        clickhouse::kept(input, name, settings).map(Warehouse)
    }

    /// The SELECT that answers a question, where it may be served as told.
    pub fn answer(&self, query: &Query, asked: &Asked) -> Result<Answered, Diagnostics> {
        self.0.answer(query, asked)
    }
}

/// The SELECT that answers one question from what a target has, where it may be served as told.
pub fn answer(input: &Input, target: &Target, query: &Query, asked: &Asked) -> Result<Answered, Diagnostics> {
    Warehouse::of(input, target)?.answer(query, asked)
}

/// Makes the artefacts of a target. What it cannot express is told, and nothing is to be written then.
pub fn emit(input: &Input, target: &Target) -> (Emitted, Diagnostics) {
    match &target.settings {
        TargetSettings::Clickhouse(settings) => clickhouse::emit(input, &target.name.value, settings),
        TargetSettings::Streaming(settings) => streaming::emit(input, target, settings),
        TargetSettings::Airflow(settings) => airflow::emit(input, target, settings),
        TargetSettings::Alerts(settings) => alerts::emit(input, &target.name.value, settings),
        TargetSettings::Quality(settings) => quality::emit(input, &target.name.value, settings),
        TargetSettings::Grafana(settings) => grafana::emit(input, &target.name.value, settings),
    }
}
