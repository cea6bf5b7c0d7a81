//! Which rollups serve which metrics, and why.
//!
//! A rollup keeps the states of measures by bucket and dimension values, so that a metric is read without its source.
//! Questions over the same rows that are served in the same way share one. Rows of a table without a key can only be added,
//! so the rollup of a stream grows as they arrive, and coarser ones follow from finer ones. Where a row can be replaced (a
//! key), or a look-up can change what was counted, adding is wrong: such a rollup is made anew from the clean rows at every
//! step (CH2, CH4). What is served daily or hourly is replaced day by day, by a batch.

mod align;
mod estimate;
mod fed;
mod merge;
mod planner;
mod reasons;
mod route;
mod same;
mod serving;
mod state;
mod statistics;
mod text;

use crate::plan::{Aggregate, DataType, Expr, Join, Measure, OutputColumn, Query, Scan, Source, Step};

pub use align::{Clocks, divides};
pub use estimate::Estimate;
pub use fed::{Streams, Unfed, alone, unfed};
pub use merge::Mergeability;
pub use planner::plan;
pub use reasons::{about, reasons};
pub use route::{Considered, Route, Why, route};
pub use same::{moved, replaced, same};
pub use serving::Asked;
pub use state::{Part, State, conditions, conjuncts, needed, parts};
pub use statistics::{Statistics, TableStatistics};
pub use text::{expr as text_of, state as text_of_state};

/// A set of states by bucket and dimension values.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Rollup {
    /// The table whose rows are aggregated.
    pub table: usize,
    /// Look-ups of entities.
    pub joins: Vec<Join>,
    /// The instant that puts a row into its bucket.
    pub time: Expr,
    /// The dimensions, those with few values first where that is known.
    pub dimensions: Vec<Dimension>,
    /// The steps kept, finest first; each but the first follows from the one before.
    pub steps: Vec<Step>,
    /// What is kept.
    pub states: Vec<State>,
    /// How it is filled.
    pub way: Way,
    /// How often it is made anew, where it is.
    pub refresh: Step,
}

impl Rollup {
    /// The question that the rollup answers at a step: its one scan reads what the states need. `like` gives tables, zone and
    /// week.
    pub fn question(&self, like: &Query, step: Step) -> Query {
        let measure = |state: &State| {
            let aggregate = match (&state.argument, state.part) {
                (None, _) => Aggregate::CountRows,
                (Some(x), Part::First) => Aggregate::First(x.clone()),
                (Some(x), Part::Last) => Aggregate::Last(x.clone()),
                (Some(x), _) => Aggregate::Count(x.clone()),
            };
            Measure { filter: Expr::all(state.filter.clone()), aggregate, ty: DataType::Int }
        };
        let measures = self.states.iter().map(measure).collect();
        let scan = Scan {
            joins: self.joins.clone(),
            dimensions: self.dimensions.iter().map(|dimension| Some(dimension.value.clone())).collect(),
            ..Scan::new(Source::Table(self.table), Some(self.time.clone()), measures)
        };
        let column = |dimension: &Dimension| OutputColumn {
            name: dimension.name.clone(),
            ty: dimension.value.ty.clone(),
            nullable: dimension.value.nullable,
            unit: None,
        };
        Query {
            tables: std::sync::Arc::clone(&like.tables),
            step: Some(step),
            dimensions: self.dimensions.iter().map(column).collect(),
            scans: vec![scan],
            ..Query::empty(like.zone, like.week_start)
        }
    }
}

impl Rollup {
    /// Whether it keeps what was looked up as rows arrived.
    pub fn is_as_of_ingestion(&self) -> bool {
        matches!(self.way, Way::Added | Way::Fed) && !self.joins.is_empty()
    }
}

/// A dimension of a rollup.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Dimension {
    /// Its name.
    pub name: String,
    /// Its value over the rows.
    pub value: Expr,
}

/// A way to serve a question from a rollup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Serving {
    /// As rows arrive, in buckets of this step.
    Stream(Step),
    /// By a batch.
    Batch(Cadence),
}

impl Serving {
    /// As after `serve:`.
    pub fn text(self) -> String {
        match self {
            Serving::Stream(step) => format!("stream({})", step.text()),
            Serving::Batch(cadence) => cadence.word().to_owned(),
        }
    }
}

/// How often a batch runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cadence {
    /// Once an hour, for the hour that is over.
    Hourly,
    /// Once a day, for the day that is over.
    Daily,
}

impl Cadence {
    /// What is over when it runs.
    pub fn step(self) -> Step {
        match self {
            Cadence::Hourly => HOUR,
            Cadence::Daily => Step::Day,
        }
    }

    /// As after `serve:`.
    pub fn word(self) -> &'static str {
        match self {
            Cadence::Hourly => "hourly",
            Cadence::Daily => "daily",
        }
    }
}

/// How a rollup is filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    /// As rows arrive.
    Added,
    /// By a stream that something else keeps, without repetitions.
    Fed,
    /// Anew from the clean rows, again and again.
    Rebuilt(Reason),
    /// Day by day, by a batch that replaces whole days.
    Batched(Cadence),
}

/// Why a rollup cannot be filled as rows arrive, or a metric cannot be served from one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The table has a key: a retransmitted or newer row replaces one that was counted.
    Key,
    /// The rows are made of others: a new one may end a session, be the first, or be there already.
    Derived,
    /// A look-up: the entity's row may arrive or change later.
    LookUp,
    /// A measure keeps what does not merge.
    Unmergeable,
    /// The table has no time.
    Timeless,
    /// The buckets and intervals that are asked for are not made of whole stream steps.
    Step,
    /// Its rows look into the answer of another question.
    Answers,
    /// Its rows look members of an entity up in a segment.
    Segments,
    /// Its rows are marked by the first row of what they are made of.
    Marks,
    /// Its groups are nearly as many as its rows.
    TooFine,
    /// A batch cannot tell which days a changed row was on.
    Dated,
}

impl Reason {
    /// In a sentence, with the number of the rule.
    pub fn text(self) -> &'static str {
        match self {
            Reason::Key => {
                "CH2: the source has a key, and adding up blocks would count a row that is sent again or replaced"
            }
            Reason::Derived => {
                "CH5: its rows are derived from others, and a block of inserted rows tells nothing of those before"
            }
            Reason::LookUp => "CH4: an entity's attribute is looked up, and a change of the entity triggers nothing",
            Reason::Unmergeable => "CH9: lists and maps have no state",
            Reason::Timeless => "a table without time has no buckets",
            Reason::Step => "CH13: the buckets and intervals asked for are not made of whole steps of the stream",
            Reason::Segments => "CH4: its rows look up the class of a member, which changes with rows of others",
            Reason::Answers => "CH5: its rows look into the answer of another question",
            Reason::Marks => "its marks ask for the first row of the source, and a rollup knows buckets alone",
            Reason::TooFine => "its groups would be nearly as many as the rows themselves",
            Reason::Dated => "CH14: the rows are dated by what is looked up, so no batch knows which days have changed",
        }
    }
}

/// Where a scan of a question reads its measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Use {
    /// The rollup.
    pub rollup: usize,
    /// Which of its steps.
    pub step: usize,
}

/// How a question is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// What is read, the most settled first: a bucket comes from the first layer that has built it.
    pub layers: Vec<Layer>,
    /// The layers that were asked for and are not there, and why.
    pub refused: Vec<(Serving, Reason)>,
}

impl Served {
    /// Whether all of it is computed when it is read.
    pub fn is_live(&self) -> bool {
        self.layers == [Layer::Live]
    }
}

/// What a question is read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layer {
    /// A rollup for each scan of a table, in the order of [`Query::table_scans`].
    Rolled(Vec<Use>),
    /// The sources.
    Live,
}

/// The rollups of a project.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rollups {
    /// All of them, in the order in which the questions ask for them.
    pub rollups: Vec<Rollup>,
    /// How each question is served, in their order.
    pub served: Vec<Served>,
}

const HOUR: Step = Step::Subday(3_600_000);
