//! The plan: what an answer is, free of syntax and of any engine.
//!
//! A [`Query`] answers one question: one or more metrics, by one step and some dimensions. It reads each source once per
//! time column (a [`Scan`]), aggregates the clean rows to [`Measure`]s per bucket and dimension values, brings the scans
//! together by their keys (null keys are equal) and computes the metrics' formulas. The dry run and every SQL dialect lower
//! this same plan: deduplication, nulls, decimals and time zones are decided here and nowhere else.

mod answer;
mod calendar;
pub mod expr;
mod lower;
mod made;
mod output;
mod question;
mod table;

pub use crate::value::time::{self, Step, WeekStart};
pub use crate::value::{
    Ages, Attempts, Attribution, Carried, CohortTable, Conversion, Credit, CreditModel, Declared, Exclusion,
    Experiment, How, Interval, Measured, MeasuredBy, PathHow, PathRows, Role, Segment, SegmentDays, Span, StepOrder,
    Taken, Window, Within,
};
pub use answer::{Answered, Asked, AskedKey};
pub use expr::{DataType, Expr, ExprKind, Function, Input, MeasureId, Value};
pub use lower::{Lowering, PARTIAL, column_name};
pub use made::{Made, MadeOf};
pub use output::{Among, Marks, MetricOutput, OrderBy, OutputColumn, Part, Present, Start};
pub use question::{AskedStep, Question, Top, Values};
pub use table::{
    Clean, Encoding, FirstOf, History, Keep, Member, Origin, Selection, Session, StoredColumn, Table, in_order,
    joins_read, stored_columns, stored_tables,
};

/// What a scan reads.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum Source {
    /// The clean rows of a table.
    Table(usize),
    /// The rows of an answer: its columns are `time` (where it has a step), its dimensions, and `value`.
    Query(Box<Query>),
}

/// One pass over the clean rows of a table, with its look-ups, to measures per bucket and dimension values.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Scan {
    /// What is read.
    pub source: Source,
    /// Look-ups of entities, each by its key (at most one row): the inputs `Input::Join(0..)`. A join's `key` may use the
    /// base and earlier joins.
    pub joins: Vec<Join>,
    /// Look-ups in answers: the inputs `Input::Answer(0..)`. Their keys may use the base and all joins.
    pub answers: Vec<Answered>,
    /// The instant that puts a row into its bucket (type timestamp); rows where it is null are dropped. None for a timeless
    /// entity, which only has totals, and for totals of rows as they came, which count without a time too.
    pub time: Option<Expr>,
    /// Only rows in `[from, to)`, milliseconds since 1970 UTC.
    pub from: Option<i64>,
    /// See `from`.
    pub to: Option<i64>,
    /// Which rows make the values of a bucket: those in this interval.
    pub interval: Interval,
    /// Of those the ones in the last bucket of a step that has any.
    pub last: Option<Last>,
    /// The values of the question's dimensions, in its order; none for one that is left out of the grouping.
    pub dimensions: Vec<Option<Expr>>,
    /// Whether its measures are looked up for the rows of other scans, by the keys that it has, and give no rows.
    pub looked_up: bool,
    /// What every row must satisfy (true), before any measure.
    pub filter: Option<Expr>,
    /// What is aggregated.
    pub measures: Vec<Measure>,
    /// Whether a measure without rows is null (and not 0) where the interval of its values lies wholly before the first clean
    /// row by `time` of the table that it reads, whatever filters leave of it: asked where such buckets may have a row. The data
    /// of derived rows begins with the first of them, and not with that of what they are derived from, of which there may be
    /// several, and which may be kept for a shorter time. It tells that interval.
    pub guard: Option<Guard>,
}

/// The interval that must not lie wholly before the first clean row.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum Guard {
    /// Of each bucket.
    Of(Interval),
    /// Of the only one; it ends here (milliseconds since 1970 UTC).
    Until(i64),
}

/// Only the rows of the last bucket of a step that has any, for each bucket, dimension values and further values.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Last {
    /// The step.
    pub step: Step,
    /// The further values.
    pub per: Vec<Expr>,
}

impl Scan {
    /// A scan of all rows, each in its own bucket, by no dimension.
    pub fn new(source: Source, time: Option<Expr>, measures: Vec<Measure>) -> Scan {
        Scan {
            source,
            joins: Vec::new(),
            answers: Vec::new(),
            time,
            from: None,
            to: None,
            interval: Interval::default(),
            last: None,
            dimensions: Vec::new(),
            looked_up: false,
            filter: None,
            measures,
            guard: None,
        }
    }

    /// The table that it scans; none for an answer.
    pub fn table(&self) -> Option<usize> {
        match &self.source {
            Source::Table(table) => Some(*table),
            Source::Query(_) => None,
        }
    }

    /// Whether each row counts in the bucket of its own time, and in no other.
    pub fn is_plain(&self) -> bool {
        self.interval.is_bucket() && self.last.is_none()
    }

    /// Its own tables: the one scanned, then those of its look-ups.
    pub fn tables(&self) -> impl Iterator<Item = usize> {
        self.table().into_iter().chain(self.joins.iter().map(|join| join.table))
    }

    /// All of its expressions over rows.
    pub fn expressions(&self) -> impl Iterator<Item = &Expr> {
        let measures = self.measures.iter();
        let measures = measures.flat_map(|measure| measure.filter.iter().chain(measure.aggregate.argument()));
        let joins = self.joins.iter().flat_map(Join::expressions);
        let joins = joins.chain(self.answers.iter().flat_map(Answered::expressions));
        let last = self.last.iter().flat_map(|last| &last.per);
        joins.chain(&self.time).chain(self.dimensions.iter().flatten()).chain(last).chain(&self.filter).chain(measures)
    }

    /// The stored columns that it reads, by table: those of its expressions, and the keys that look-ups compare and that
    /// order the rows of `First` and `Last`. Not those that only clean rows need.
    pub fn columns<'a>(&'a self, tables: &'a [Table]) -> Vec<(usize, &'a str)> {
        let mut found: Vec<(usize, &str)> = Vec::new();
        for expr in self.expressions() {
            columns_of(expr, self.table(), &self.joins, &mut found);
        }
        found.extend(self.joins.iter().flat_map(|join| join.columns(tables)));
        found.extend(self.answers.iter().flat_map(|answer| answer.query.read_columns(tables)));
        let ordered = |measure: &Measure| matches!(measure.aggregate, Aggregate::First(_) | Aggregate::Last(_));
        if let Some(table) = self.table()
            && self.measures.iter().any(ordered)
        {
            found.extend(tables[table].clean.key.iter().map(|key| (table, key.as_str())));
        }
        if let Source::Query(query) = &self.source {
            found.extend(query.read_columns(tables));
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Lets the queries below know the tables, as the outermost one does.
    pub(crate) fn give(&mut self, tables: &std::sync::Arc<Vec<Table>>) {
        let below = match &mut self.source {
            Source::Table(_) => None,
            Source::Query(query) => Some(&mut **query),
        };
        for query in below.into_iter().chain(self.answers.iter_mut().map(|answer| &mut *answer.query)) {
            query.give(tables);
        }
    }

    /// The tables whose rows it aggregates, also below the answers that it reads.
    pub fn base_tables(&self) -> Vec<usize> {
        match &self.source {
            Source::Table(table) => vec![*table],
            Source::Query(query) => query.scans.iter().flat_map(Scan::base_tables).collect(),
        }
    }

    /// All tables that it reads, also below the answers that it reads.
    pub fn all_tables(&self) -> Vec<usize> {
        let mut tables: Vec<usize> = self.tables().collect();
        if let Source::Query(query) = &self.source {
            tables.extend(query.all_tables());
        }
        tables.extend(self.answers.iter().flat_map(|answer| answer.query.all_tables()));
        tables
    }
}

/// The columns of tables that an expression over the rows of one of them reads.
fn columns_of<'a>(expr: &'a Expr, base: Option<usize>, joins: &[Join], found: &mut Vec<(usize, &'a str)>) {
    expr.walk(&mut |expr| {
        let ExprKind::Column { input, name } = &expr.kind else { return };
        let table = match input {
            Input::Base => base,
            Input::Join(at) => joins.get(*at).map(|join| join.table),
            Input::Answer(_) | Input::Output => None,
        };
        found.extend(table.map(|table| (table, name.as_str())));
    });
}

/// A look-up of an entity's clean row.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Join {
    /// The entity's table.
    pub table: usize,
    /// The value looked up; null finds nothing.
    pub key: Expr,
    /// The entity's key column.
    pub column: String,
    /// The instant (type timestamp) as of which a history is looked up; null finds nothing. None for an entity that keeps no
    /// history.
    pub as_of: Option<Expr>,
}

impl Join {
    /// Its expressions over rows.
    pub fn expressions(&self) -> impl Iterator<Item = &Expr> {
        std::iter::once(&self.key).chain(&self.as_of)
    }

    /// The columns of its table that it compares.
    pub fn columns<'a>(&'a self, tables: &'a [Table]) -> impl Iterator<Item = (usize, &'a str)> {
        let history = tables[self.table].history.iter().filter(|_| self.as_of.is_some());
        let compared = std::iter::once(self.column.as_str()).chain(history.flat_map(History::columns));
        compared.map(|column| (self.table, column))
    }
}

/// An aggregate over the scan's rows.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Measure {
    /// Only rows where this is true.
    pub filter: Option<Expr>,
    /// What is computed.
    pub aggregate: Aggregate,
    /// The type of the result. A count is an int; a sum of ints a decimal(38,0), of decimals a decimal(38,s).
    pub ty: DataType,
}

impl Measure {
    /// Whether the result over no rows is 0 (count, distinct, sum) and not null.
    pub fn empty_is_zero(&self) -> bool {
        matches!(
            self.aggregate,
            Aggregate::CountRows
                | Aggregate::Count(_)
                | Aggregate::Distinct(_)
                | Aggregate::ApproxDistinct(_)
                | Aggregate::Sum(_)
        )
    }
}

/// The aggregates. Nulls of the argument never count, except in `First` and `Last`.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum Aggregate {
    /// The number of rows: int.
    CountRows,
    /// The number of values that are not null: int.
    Count(Expr),
    /// The exact number of different values: int.
    Distinct(Expr),
    /// The same, estimated: int.
    ApproxDistinct(Expr),
    /// The sum; 0 over only nulls. Exact for ints (as decimal(38,0)), decimals and durations.
    Sum(Expr),
    /// The mean as a float64: the exact sum divided by the count. Of durations a duration, rounded half-even to milliseconds.
    Avg(Expr),
    /// The least value.
    Min(Expr),
    /// The greatest value.
    Max(Expr),
    /// The quantile: linear interpolation (type 7) in float64; of durations a duration, rounded half-even to milliseconds.
    Quantile(Expr, Ratio),
    /// The smallest value whose cumulative share is ≥ the level.
    QuantileDisc(Expr, Ratio),
    /// An estimate of [`Aggregate::Quantile`].
    ApproxQuantile(Expr, Ratio),
    /// The sample standard deviation as a float64; null under two values.
    Stddev(Expr),
    /// The sample variance as a float64; null under two values.
    Variance(Expr),
    /// The value (null too) of the row with the least time, then the least key.
    First(Expr),
    /// The value (null too) of the row with the greatest time, then the greatest key.
    Last(Expr),
}

impl Aggregate {
    /// What is aggregated; none for a count of rows.
    pub fn argument(&self) -> Option<&Expr> {
        match self {
            Aggregate::CountRows => None,
            Aggregate::Count(x)
            | Aggregate::Distinct(x)
            | Aggregate::ApproxDistinct(x)
            | Aggregate::Sum(x)
            | Aggregate::Avg(x)
            | Aggregate::Min(x)
            | Aggregate::Max(x)
            | Aggregate::Quantile(x, _)
            | Aggregate::QuantileDisc(x, _)
            | Aggregate::ApproxQuantile(x, _)
            | Aggregate::Stddev(x)
            | Aggregate::Variance(x)
            | Aggregate::First(x)
            | Aggregate::Last(x) => Some(x),
        }
    }
}

/// A level between 0 and 1 as an exact fraction: `numerator / denominator`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ratio {
    /// 0 ≤ numerator ≤ denominator
    pub numerator: u64,
    /// A power of ten.
    pub denominator: u64,
}

impl Ratio {
    /// As a float64.
    pub fn value(self) -> f64 {
        self.numerator as f64 / self.denominator as f64
    }
}

/// A question's answer.
///
/// Output columns: `time` (where there is a step), the dimensions and parts of the bucket, the metrics, the marks. A row exists where at least one metric has one;
/// a metric has a row where at least one of its measures has rows (after its filter); without step and dimensions there is
/// exactly one row. There a measure without rows is 0 or null as [`Measure::empty_is_zero`] and [`Scan::guard`] say. A
/// metric that has no row where another has one is null.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// All tables of the project; scans refer to them by place. A query that another one is made of has none of its own: those
    /// of the outermost count.
    pub tables: std::sync::Arc<Vec<Table>>,
    /// The project's time zone (IANA).
    pub zone: chrono_tz::Tz,
    /// The first day of a week.
    pub week_start: WeekStart,
    /// The output step; none for one bucket.
    pub step: Option<Step>,
    /// Only rows in `[from, to)`, milliseconds since 1970 UTC, on bucket borders.
    pub from: Option<i64>,
    /// See `from`.
    pub to: Option<i64>,
    /// Whether it ends with the data that it reads where `to` is later: the values of buckets within other buckets must not
    /// depend on what is asked.
    pub ends_with_data: bool,
    /// The dimensions.
    pub dimensions: Vec<OutputColumn>,
    /// Parts of the bucket among them, in the order of their places.
    pub parts: Vec<Part>,
    /// Only buckets for which this is true are filled: a condition on [`ExprKind::Bucket`].
    pub filled_when: Option<Expr>,
    /// The groups that it is asked for; none for all that have rows.
    pub asked: Option<Asked>,
    /// The passes over sources.
    pub scans: Vec<Scan>,
    /// The metrics, in the order asked.
    pub metrics: Vec<MetricOutput>,
    /// A column that tells which rows are not of whole data.
    pub marks: Option<Marks>,
    /// Only rows for which this is true: a condition on [`Input::Output`].
    pub having: Option<Expr>,
    /// Only rows of groups that another answer has.
    pub among: Option<Among>,
    /// Order of the rows; the remaining keys follow, ascending. Nulls last.
    pub order: Vec<OrderBy>,
    /// At most so many rows.
    pub limit: Option<u64>,
}

/// Queries of one project have the same tables.
impl std::hash::Hash for Query {
    fn hash<H: std::hash::Hasher>(&self, hasher: &mut H) {
        self.hash_but_tables(hasher);
    }
}

impl Query {
    /// A query of nothing yet.
    pub fn empty(zone: chrono_tz::Tz, week_start: WeekStart) -> Query {
        Query {
            tables: std::sync::Arc::default(),
            zone,
            week_start,
            step: None,
            from: None,
            to: None,
            ends_with_data: false,
            dimensions: Vec::new(),
            parts: Vec::new(),
            filled_when: None,
            asked: None,
            scans: Vec::new(),
            metrics: Vec::new(),
            marks: None,
            having: None,
            among: None,
            order: Vec::new(),
            limit: None,
        }
    }

    /// Its scans of tables: in place of a scan over the rows of an answer, those of that answer. Behind them those of the answer
    /// that tells which groups there are.
    pub fn table_scans(&self) -> Vec<TableScan<'_>> {
        let mut found = Vec::with_capacity(self.scans.len());
        self.gather_table_scans(&self.tables, &[], &mut found);
        found
    }

    fn gather_table_scans<'q>(
        &'q self,
        tables: &'q [Table],
        around: &[(&'q Query, &'q Scan)],
        found: &mut Vec<TableScan<'q>>,
    ) {
        for scan in &self.scans {
            match &scan.source {
                Source::Table(table) => {
                    found.push(TableScan { tables, query: self, scan, table: *table, around: around.to_vec() });
                }
                Source::Query(inner) => {
                    let around: Vec<_> = around.iter().copied().chain([(self, scan)]).collect();
                    inner.gather_table_scans(tables, &around, found);
                }
            }
        }
        if let Some(among) = &self.among {
            among.query.gather_table_scans(tables, &[], found);
        }
    }

    /// Lets the queries below know the tables, as the outermost one does.
    fn give(&mut self, tables: &std::sync::Arc<Vec<Table>>) {
        self.tables = std::sync::Arc::clone(tables);
        self.scans.iter_mut().for_each(|scan| scan.give(tables));
        self.among.iter_mut().for_each(|among| among.query.give(tables));
    }

    /// All tables that it reads, each once, sorted.
    pub fn all_tables(&self) -> Vec<usize> {
        let mut tables: Vec<usize> = self.scans.iter().flat_map(Scan::all_tables).collect();
        tables.extend(self.asked.iter().flat_map(|asked| asked.rows.all_tables()));
        tables.extend(self.among.iter().flat_map(|among| among.query.all_tables()));
        tables.sort_unstable();
        tables.dedup();
        tables
    }

    /// The stored columns that it reads, by table (see [`Scan::columns`]).
    pub fn read_columns<'a>(&'a self, tables: &'a [Table]) -> Vec<(usize, &'a str)> {
        let mut found: Vec<(usize, &str)> = self.scans.iter().flat_map(|scan| scan.columns(tables)).collect();
        if let Some(asked) = &self.asked {
            asked.rows.columns(tables, asked.keys.iter().map(|key| &key.value), &mut found);
        }
        found.extend(self.among.iter().flat_map(|among| among.query.read_columns(tables)));
        found
    }
}

/// A scan of a table, at whatever depth of a query.
#[derive(Clone, Debug)]
pub struct TableScan<'q> {
    /// All tables of the project.
    pub tables: &'q [Table],
    /// The query that it is a scan of.
    pub query: &'q Query,
    /// The scan.
    pub scan: &'q Scan,
    /// The table that it scans.
    pub table: usize,
    /// The scans that read the answer of its query, each with its own query, from the outermost on.
    pub around: Vec<(&'q Query, &'q Scan)>,
}

impl Query {
    /// The stored tables that it reads, also through derived ones and for the days of calendars, by place.
    pub fn stored_tables(&self) -> Vec<usize> {
        let all = self.all_tables().into_iter().chain(self.calendar_tables());
        stored_tables(&self.tables, all)
    }

    /// Feeds everything but the tables to a hasher: those are many, and all queries of a project share them.
    pub fn hash_but_tables(&self, hasher: &mut impl std::hash::Hasher) {
        use std::hash::Hash;
        let Query {
            tables: _,
            zone,
            week_start,
            step,
            from,
            to,
            ends_with_data,
            dimensions,
            parts,
            filled_when,
            asked,
            scans,
            metrics,
            marks,
            having,
            among,
            order,
            limit,
        } = self;
        (zone, week_start, step, from, to, ends_with_data).hash(hasher);
        (dimensions, parts, filled_when, asked, scans, metrics).hash(hasher);
        (marks, having, among, order, limit).hash(hasher);
    }

    /// One item a dimension with those of the parts of the bucket in their places.
    pub fn with_parts<T>(&self, dimensions: impl Iterator<Item = T>, part: impl Fn(&Part) -> T) -> Vec<T> {
        let mut all: Vec<T> = dimensions.collect();
        for one in &self.parts {
            all.insert(one.place.min(all.len()), part(one));
        }
        all
    }

    /// How many columns stand before the metrics.
    pub fn keys(&self) -> usize {
        usize::from(self.step.is_some()) + self.dimensions.len() + self.parts.len()
    }

    /// The output columns: time (where there is a step), dimensions and parts of the bucket, metrics, marks.
    pub fn columns(&self) -> Vec<OutputColumn> {
        let time = self.step.map(|_| OutputColumn {
            name: "time".to_owned(),
            ty: DataType::Timestamp,
            nullable: false,
            unit: None,
        });
        time.into_iter()
            .chain(self.with_parts(self.dimensions.iter().cloned(), |part| part.column.clone()))
            .chain(self.metrics.iter().map(|m| m.column.clone()))
            .chain(self.marks.iter().map(|marks| marks.column.clone()))
            .collect()
    }
}
