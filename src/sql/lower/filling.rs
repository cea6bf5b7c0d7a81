//! What fills rollups: the SELECTs over their rows, and which of them a run is about.

use sqlparser::ast::{BinaryOperator, Expr as Sql, ObjectName, Query};

use super::aliases;
use super::batch::{Batch, Days};
use super::read::{BASE, Rows};
use super::stored::{Stored, StoredColumn};
use super::{Lowering, Options};
use crate::plan::{self, Scan};
use crate::rollup::{Cadence, State};
use crate::sql::build::{self, Parts};
use crate::sql::dialect::{Dialect, Unsupported};
use crate::stack;

/// What makes a rollup at one step.
pub struct Filling {
    /// Its columns.
    pub columns: Vec<StoredColumn>,
    /// The SELECT that fills it.
    pub select: Query,
}

/// What a rollup is filled from.
#[derive(Clone, Debug)]
pub enum Source<'a> {
    /// The rows of the stored table, as they arrive; from a cut-over on, where there is one.
    Stored(Option<CutOver<'a>>),
    /// The rows of a stream without repetitions, with canonical values, as they arrive.
    Feed(ObjectName),
    /// The clean rows.
    Clean,
    /// The clean rows of the days of a batch.
    Days(Cadence),
    /// The rows of one month that came before the cut-over.
    Month(CutOver<'a>),
    /// A finer rollup, as its rows arrive, and the side of its cut-over.
    Finer(Stored<'a>, Option<Side>),
}

/// Where history ends and a stream begins: by the time at which a row reached us.
#[derive(Clone, Debug)]
pub struct CutOver<'a> {
    /// The column of that time.
    pub arrived: &'a str,
    /// The table of all cut-overs.
    pub table: ObjectName,
    /// The rollup's name in it.
    pub rollup: &'a str,
}

/// A side of a cut-over. A rollup keeps them apart, in partitions of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// What came before it.
    History,
    /// What came since.
    Stream,
}

/// The column that tells the sides of a cut-over apart: 1 for history.
pub const SIDE: &str = "_h";

impl Source<'_> {
    /// The side of the cut-over, where there is one.
    pub(super) fn side(&self) -> Option<Side> {
        match self {
            Source::Stored(Some(_)) => Some(Side::Stream),
            Source::Month(_) => Some(Side::History),
            Source::Finer(_, side) => *side,
            Source::Stored(None) | Source::Feed(_) | Source::Clean | Source::Days(_) => None,
        }
    }

    /// The column of arrival that is read.
    pub(super) fn arrived(&self) -> Option<&str> {
        match self {
            Source::Stored(Some(cut)) | Source::Month(cut) => Some(cut.arrived),
            Source::Stored(None) | Source::Feed(_) | Source::Clean | Source::Days(_) | Source::Finer(..) => None,
        }
    }
}

impl Side {
    /// As a value of [`SIDE`].
    pub(super) fn value(self) -> Sql {
        build::number(match self {
            Side::History => 1,
            Side::Stream => 0,
        })
    }
}

/// The rollup that `query` asks for (see [`crate::rollup::Rollup::question`]), filled as told.
pub fn filling(
    query: &plan::Query,
    states: &[State],
    from: &Source,
    dialect: &dyn Dialect,
    options: &Options,
) -> Result<Filling, Vec<Unsupported>> {
    stack::enough(|| filling_here(query, states, from, dialect, options))
}

fn filling_here(
    query: &plan::Query,
    states: &[State],
    from: &Source,
    dialect: &dyn Dialect,
    options: &Options,
) -> Result<Filling, Vec<Unsupported>> {
    let mut lowering = Lowering::new(query, dialect, options);
    let unable = || vec![Unsupported { construct: "a rollup".to_owned(), reason: "it keeps no states".to_owned() }];
    let (Some(how), Some(scan)) = (dialect.states(), query.scans.first()) else { return Err(unable()) };
    let columns = lowering.stored_columns(scan, states, how, from.side());
    if let Source::Days(cadence) = from {
        lowering.run = Some(*cadence);
    }
    let mut select = match from {
        Source::Finer(finer, side) => lowering.coarser_select(scan, finer, how, *side),
        _ => lowering.states_parts(scan, states, how, from, query.step).query(),
    };
    let looked_up = !matches!(from, Source::Finer(..));
    if looked_up && scan.joins.iter().any(|join| lowering.is_interval(join)) {
        select.settings = dialect.interval_join_settings();
    }
    aliases::keep_apart(&mut select, &query.tables, []);
    dialect.look_up(&mut select, &options.dictionaries);
    lowering.made(Filling { columns, select })
}

/// The days that a batch has to build: rows of one array of days each. `like` gives tables, zone and week.
pub fn batch_days(
    batch: &Batch,
    days: Days,
    like: &plan::Query,
    dialect: &dyn Dialect,
) -> Result<Query, Vec<Unsupported>> {
    let options = Options::default();
    let lowering = Lowering::new(like, dialect, &options);
    let mut select = lowering.batch_days(batch, days, dialect.batches().ok_or_else(unable)?);
    aliases::keep_apart(&mut select, &like.tables, []);
    lowering.made(select)
}

/// Whether the rows of a run have come: one row of `has_rows`, whether there is one since its day (or hour) began, and `is_past`, whether one
/// has come since that is over (by the time of arrival, where the source says it).
pub fn batch_ready(batch: &Batch, like: &plan::Query, dialect: &dyn Dialect) -> Result<Query, Vec<Unsupported>> {
    let options = Options::default();
    let lowering = Lowering::new(like, dialect, &options);
    let mut select = lowering.batch_ready(batch, dialect.batches().ok_or_else(unable)?);
    aliases::keep_apart(&mut select, &like.tables, []);
    lowering.made(select)
}

/// Whether a run is done, by the table that says when each day was built: `is_built`.
pub fn batch_built(
    batch: &Batch,
    built: ObjectName,
    like: &plan::Query,
    dialect: &dyn Dialect,
) -> Result<Query, Vec<Unsupported>> {
    let options = Options::default();
    let lowering = Lowering::new(like, dialect, &options);
    let select = lowering.batch_built(batch, built, dialect.batches().ok_or_else(unable)?);
    lowering.made(select)
}

/// How many rows a rollup has of what is to be built and that the source has no rows of any more: `rows`. Of a backfill it
/// is the history of a month, else the days of a batch.
pub fn batch_gone(
    batch: &Batch,
    time: &plan::Expr,
    rollup: &Stored,
    side: Option<Side>,
    like: &plan::Query,
    dialect: &dyn Dialect,
) -> Result<Query, Vec<Unsupported>> {
    let options = Options::default();
    let lowering = Lowering::new(like, dialect, &options);
    let mut select = lowering.batch_gone(batch, time, rollup, side, dialect.batches().ok_or_else(unable)?);
    aliases::keep_apart(&mut select, &like.tables, []);
    lowering.made(select)
}

/// The months that have rows of before the cut-over of some rollup: rows of `month`.
pub fn backfill_months(
    batch: &Batch,
    cuts: &[CutOver],
    like: &plan::Query,
    dialect: &dyn Dialect,
) -> Result<Query, Vec<Unsupported>> {
    let options = Options::default();
    let lowering = Lowering::new(like, dialect, &options);
    let mut select = lowering.backfill_months(batch, cuts, dialect.batches().ok_or_else(unable)?);
    aliases::keep_apart(&mut select, &like.tables, []);
    lowering.made(select)
}

fn unable() -> Vec<Unsupported> {
    vec![Unsupported { construct: "a batch".to_owned(), reason: "it has no partitions".to_owned() }]
}

impl Lowering<'_> {
    /// What was made, unless something could not be said.
    fn made<T>(self, made: T) -> Result<T, Vec<Unsupported>> {
        self.printer.made(made)
    }

    /// The conditions on a scan's rows that a source asks for.
    pub(super) fn source_filter(&self, scan: &Scan, from: &Source) -> Vec<Sql> {
        match from {
            Source::Days(cadence) => self.in_run(scan, *cadence),
            Source::Stored(Some(cut)) => {
                scan.table().map(|table| self.came(table, cut, Side::Stream)).into_iter().collect()
            }
            Source::Month(cut) => {
                let time = scan.time.as_ref().map(|time| self.value(time, &Rows(self.dialect)));
                let month = time.zip(self.dialect.batches()).map(|(time, how)| how.in_month(time, self.calendar));
                let came = scan.table().map(|table| self.came(table, cut, Side::History));
                came.into_iter().chain(month.into_iter().flatten()).collect()
            }
            Source::Stored(None) | Source::Feed(_) | Source::Clean | Source::Finer(..) => Vec::new(),
        }
    }

    /// Whether a row came on a side of a cut-over. A row that does not say when it came is history.
    pub(super) fn came(&self, table: usize, cut: &CutOver, side: Side) -> Sql {
        let of = |name: &str| build::column("c", build::ident(name));
        let name =
            self.dialect.literal(&plan::Value::String(cut.rollup.to_owned()), &plan::DataType::String, self.calendar);
        let at = Parts {
            projection: vec![build::item(of("at"), build::ident("at"))],
            from: Some(build::table(cut.table.clone(), "c")),
            filter: Some(build::equal(of("rollup"), name)),
            ..Parts::default()
        };
        let arrived = || build::column(BASE, self.name(cut.arrived));
        let op = if side == Side::Stream { BinaryOperator::GtEq } else { BinaryOperator::Lt };
        let came = build::binary(arrived(), op, build::scalar(at.query()));
        let columns = &self.tables[table].columns;
        let nullable = columns.iter().any(|column| column.name == cut.arrived && column.nullable);
        match side {
            Side::History if nullable => build::any([came.clone(), build::is_null(arrived())]).unwrap_or(came),
            _ => came,
        }
    }
}
