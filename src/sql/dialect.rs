//! What a dialect must know to print a plan. Nobody asks which dialect it is: the lowering asks for capabilities and looks
//! functions up in the dialect's table.

use super::build;
pub use super::collected::{Chains, Collected, Items, Lists, Paths, Walks};
use sqlparser::ast::{Expr, Ident, ObjectName, Query, Select, Setting};
use sqlparser::parser::{Parser, ParserError};

use crate::plan::{Aggregate, DataType, Function, Interval, Span, Step, StoredColumn, Table, Value, WeekStart};
use crate::rollup::{Cadence, Part, State};

/// How of several rows of a key one is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deduplication {
    /// `ORDER BY … LIMIT 1 BY key`
    LimitBy,
    /// `row_number() OVER (PARTITION BY key ORDER BY …) = 1`
    RowNumber,
}

/// What a target cannot say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsupported {
    /// The construct, in words of the language.
    pub construct: String,
    /// Why not, and what to do.
    pub reason: String,
}

/// The zone and the week of a query.
#[derive(Clone, Copy, Debug)]
pub struct Calendar {
    /// The project's time zone.
    pub zone: chrono_tz::Tz,
    /// The first day of a week.
    pub week_start: WeekStart,
}

/// An argument: its SQL and what the plan knows of it.
#[derive(Clone, Debug)]
pub struct Operand<'a> {
    /// As lowered.
    pub sql: Expr,
    /// Its type.
    pub ty: &'a DataType,
    /// Whether it may be null.
    pub nullable: bool,
    /// Its value, where it is a literal.
    pub literal: Option<&'a Value>,
}

/// A call of a function.
#[derive(Debug)]
pub struct Call<'a> {
    /// Which one.
    pub function: Function,
    /// Its arguments.
    pub arguments: Vec<Operand<'a>>,
    /// The type of its result.
    pub ty: &'a DataType,
    /// Whether only true matters: null may come out as false.
    pub truth: bool,
    /// Zone and week.
    pub calendar: Calendar,
}

impl Call<'_> {
    /// The SQL of an argument; null where it is missing.
    pub fn arg(&self, at: usize) -> Expr {
        self.arguments.get(at).map_or_else(super::build::null, |argument| argument.sql.clone())
    }

    /// The SQL of all arguments.
    pub fn args(&self) -> Vec<Expr> {
        self.arguments.iter().map(|argument| argument.sql.clone()).collect()
    }

    /// The type of an argument; the result's where it is missing.
    pub fn arg_type(&self, at: usize) -> &DataType {
        self.arguments.get(at).map_or(self.ty, |argument| argument.ty)
    }

    /// The literal int at a place.
    pub fn literal_int(&self, at: usize) -> Option<i64> {
        match self.arguments.get(at)?.literal? {
            Value::Int(value) | Value::Duration(value) => Some(*value),
            _ => None,
        }
    }

    /// The literal text at a place.
    pub fn literal_text(&self, at: usize) -> Option<&str> {
        match self.arguments.get(at)?.literal? {
            Value::String(value) => Some(value),
            _ => None,
        }
    }
}

/// How a function is printed.
pub type Lowering = fn(&Call) -> Result<Expr, Unsupported>;

/// An aggregate over a scan's rows.
pub struct Aggregated<'a> {
    /// Which one.
    pub aggregate: &'a Aggregate,
    /// Its argument; none for a count of rows.
    pub argument: Option<Operand<'a>>,
    /// Only rows where this is true.
    pub filter: Option<Expr>,
    /// What orders rows for `First` and `Last`, ascending, never null: time, then key.
    pub order: Vec<Expr>,
    /// Whether `order` names one row; else equal rows are told apart by the value.
    pub keyed: bool,
    /// The type of the result.
    pub ty: &'a DataType,
}

/// A state to be kept: what is aggregated over which rows.
pub struct Kept<'a> {
    /// What is kept.
    pub part: Part,
    /// Of which value; none for a count of rows.
    pub argument: Option<Operand<'a>>,
    /// Only rows where this is true.
    pub filter: Option<Expr>,
    /// What orders rows for `First` and `Last`.
    pub order: Vec<Expr>,
    /// See [`Aggregated::keyed`].
    pub keyed: bool,
}

/// A state that is read out of a rollup.
#[derive(Clone, Debug)]
pub struct ReadState {
    /// Its column.
    pub column: Expr,
    /// Only the rollup's rows where this is true.
    pub filter: Option<Expr>,
}

/// Rollups: states of aggregates in the columns of a table. The types must match to the letter (CH9).
pub trait States: Sync {
    /// The type of the column of bucket keys.
    fn key_type(&self, step: Step, calendar: Calendar) -> String;

    /// The type of the column of a dimension.
    fn dimension_type(&self, value: &crate::plan::Expr, calendar: Calendar) -> String;

    /// The type of a column of values.
    fn value_type(&self, ty: &DataType, nullable: bool, calendar: Calendar) -> String;

    /// The type of a column that is 0 or 1.
    fn flag_type(&self) -> &'static str;

    /// The type of the column of a state; `order` are the types that order the rows of `First` and `Last`.
    fn state_type(&self, state: &State, order: &[DataType], keyed: bool, calendar: Calendar) -> String;

    /// The state of rows.
    fn keep(&self, kept: &Kept, calendar: Calendar) -> Expr;

    /// The state of states.
    fn merge(&self, part: Part, state: ReadState) -> Expr;

    /// Whether a bucket, by its key, is one of the last so many days.
    fn is_kept(&self, key: Expr, step: Step, days: u32, calendar: Calendar) -> Expr;

    /// The value of an aggregate from its [`crate::rollup::parts`], over rows of states.
    fn finish(&self, aggregate: &Aggregate, ty: &DataType, states: &[ReadState]) -> Expr;
}

/// Batches: the parameters of a run, and the rows that it is about.
pub trait Batches: Sync {
    /// That an instant lies on one of the days that are built; of an hourly run, before its hour ends.
    fn on_days(&self, time: Expr, cadence: Cadence, calendar: Calendar) -> Vec<Expr>;

    /// Whether a day is one of those that are built.
    fn is_built(&self, day: Expr) -> Expr;

    /// The last day that a run is about.
    fn last_day(&self, cadence: Cadence, calendar: Calendar) -> Expr;

    /// The day that is so many days before another.
    fn days_before(&self, day: Expr, days: Expr) -> Expr;

    /// The last day and those before it whose rows may still change, as rows of `day`. Of the hourly runs of a day the
    /// first does the days before.
    fn span(&self, cadence: Cadence, days: u32, calendar: Calendar) -> Select;

    /// That an instant lies on one of the days of [`Batches::span`].
    fn in_span(&self, time: Expr, cadence: Cadence, days: u32, calendar: Calendar) -> Vec<Expr>;

    /// The instants at which the day (or hour) that the run is for begins and is over.
    fn last(&self, cadence: Cadence, calendar: Calendar) -> (Expr, Expr);

    /// That an instant lies in the day (or hour) that the run is for.
    fn in_last(&self, time: Expr, cadence: Cadence, calendar: Calendar) -> Vec<Expr>;

    /// That an instant lies in the month that a backfill builds.
    fn in_month(&self, time: Expr, calendar: Calendar) -> Vec<Expr>;

    /// Whether a bucket lies in that month.
    fn is_of_month(&self, bucket: Expr) -> Expr;

    /// The month of an instant, as it is a partition.
    fn month(&self, time: Expr, calendar: Calendar) -> Expr;

    /// The days of a query, as rows of `days`, an array of at most so many.
    fn chunks(&self, days: Query, most: u32) -> Query;
}

/// A column out of the text of a message.
pub struct ReadColumn {
    /// Its value: null, or empty, where it is missing or does not fit.
    pub value: Expr,
    /// Whether the message has none, or null.
    pub missing: Expr,
    /// Whether what it has is a value of the column.
    pub fits: Expr,
}

/// The alias of messages.
pub const MESSAGES: &str = "l";

/// Columns in the making, each with its name.
pub type Steps = Vec<Vec<(String, Expr)>>;

/// Rows out of the text of messages, by functions that cannot fail. Conditions are never null.
pub trait Intake: Sync {
    /// A column, by its place in its table; canonical values where a stream reads the rows, stored ones where they are stored.
    fn column(&self, at: usize, column: &StoredColumn, raw: Expr, calendar: Calendar) -> ReadColumn;

    /// Whether a text is a JSON object.
    fn is_object(&self, raw: Expr) -> Expr;

    /// What is made of the text first, so that it is written once: a step reads what the steps before it made, as columns of
    /// [`MESSAGES`].
    fn steps(&self, _columns: &[StoredColumn], _raw: Expr, _calendar: Calendar) -> Result<Steps, Vec<Unsupported>> {
        Ok(Vec::new())
    }

    /// A time that may be missing, else when the message came.
    fn or_then(&self, value: Expr, came: Expr, column: &StoredColumn) -> Expr;

    /// The local day on which a message came.
    fn day(&self, came: Expr, calendar: Calendar) -> Expr;

    /// The first value whose condition is true.
    fn choose(&self, branches: Vec<(Expr, Expr)>, otherwise: Expr) -> Expr {
        build::case(branches, Some(otherwise))
    }

    /// The number of rows; only of those for which a condition is true.
    fn count(&self, only: Option<Expr>) -> Expr {
        build::aggregate("count", vec![build::number(1)], Vec::new(), only)
    }
}

/// A dictionary of an entity's clean rows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Dictionary {
    /// Its name as SQL reads it in a call: `database.name`.
    pub name: String,
    /// The view of the clean rows, as SQL.
    pub of: String,
    /// The column of its key.
    pub key: String,
    /// The columns that it holds.
    pub attributes: Vec<String>,
    /// The place of the entity's table.
    pub table: usize,
}

impl Dictionary {
    /// Its name in its database.
    pub fn plain_name(&self) -> &str {
        self.name.split_once('.').map_or(&self.name, |(_, name)| name)
    }
}

/// What prints expressions over rows: names, values, types and functions.
pub trait Scalars: Sync {
    /// The name that `sql("name": …)` uses.
    fn name(&self) -> &'static str;

    /// The grammar that reads its text back.
    fn grammar(&self) -> &'static dyn sqlparser::dialect::Dialect;

    /// Reads a script back: how many statements it has.
    fn script(&self, text: &str) -> Result<usize, ParserError> {
        Parser::parse_sql(self.grammar(), text).map(|statements| statements.len())
    }

    /// Whether strings stand in the tree as they are printed, with escapes (a tree for printing), or as they are (a tree to
    /// be run).
    fn escapes_in_tree(&self) -> bool;

    /// The text of a query, over several lines.
    fn print(&self, query: &Query) -> String {
        format!("{query:#}")
    }

    /// A user's name, quoted where needed.
    fn identifier(&self, name: &str) -> Ident;

    /// The canonical value of a stored column.
    fn decode(&self, stored: Expr, column: &StoredColumn, calendar: Calendar) -> Expr;

    /// What the value of a column sorts by, so that all engines agree on the smallest row.
    fn sort_key(&self, value: Expr, ty: &DataType) -> Expr;

    /// A column of a look-up, such that it is null where nothing was found.
    fn optional(&self, value: Expr, ty: &DataType) -> Expr;

    /// A value that is known not to be null, though its type may be.
    fn not_null(&self, value: Expr) -> Expr;

    /// A literal, as an operand.
    fn literal(&self, value: &Value, ty: &DataType, calendar: Calendar) -> Expr;

    /// A null of a type.
    fn typed_null(&self, ty: &DataType, calendar: Calendar) -> Expr;

    /// The result of an expression in exactly the plan's type, where the engine may give it another.
    fn settle(&self, value: Expr, ty: &DataType) -> Expr;

    /// A value of truth as a condition: where it is null, false may come out.
    fn condition(&self, value: Expr) -> Expr {
        value
    }

    /// Whether `sql(…)` may have a text for it.
    fn takes_own_text(&self) -> bool {
        true
    }

    /// How a function is printed.
    fn function(&self, function: Function) -> Lowering;

    /// How rows are read out of messages, where the engine can.
    fn intake(&self) -> Option<&dyn Intake> {
        None
    }
}

/// A dialect of SQL in which questions are answered.
pub trait Dialect: Scalars {
    /// A stored table.
    fn table(&self, table: &Table) -> ObjectName;

    /// A stored table with all of its rows, where the other name may lack those that its key drops.
    fn raw_table(&self, table: &Table) -> ObjectName {
        self.table(table)
    }

    /// How one row of a key is kept.
    fn deduplication(&self) -> Deduplication;

    /// The settings of a SELECT whose joins compare with `<` too.
    fn interval_join_settings(&self) -> Option<Vec<Setting>> {
        None
    }

    /// The conditions of a join by values that are equal, where they may be of several tables, or one made of another.
    fn equal_together(&self, pairs: Vec<(Expr, Expr)>) -> Vec<Expr> {
        pairs.into_iter().map(|(own, found)| build::equal(own, found)).collect()
    }

    /// A constant that the engine must not know beforehand: what it folds away takes the aggregates beside it along, and
    /// a SELECT without aggregates has another number of rows.
    fn unfolded(&self, constant: Expr) -> Expr {
        constant
    }

    /// The 0 of a measure's type, beside values of that type.
    fn zero(&self, ty: &DataType, calendar: Calendar) -> Expr;

    /// What rows are grouped by for a step; increases with time.
    fn bucket_key(&self, time: Expr, step: Step, calendar: Calendar) -> Expr;

    /// Whether an instant is in a bucket of a step at all; none where each is. A declared calendar may lack its day.
    fn in_bucket(&self, _time: Expr, _step: Step, _calendar: Calendar) -> Option<Expr> {
        None
    }

    /// The key of the last bucket that begins at or before an instant.
    fn last_bucket(&self, time: Expr, step: Step, calendar: Calendar) -> Expr {
        self.bucket_key(time, step, calendar)
    }

    /// The start of a bucket, from its key.
    fn bucket_start(&self, key: Expr, step: Step, calendar: Calendar) -> Expr;

    /// The number of the bucket that an instant lies in, of days or longer: neighbours differ by 1.
    fn bucket_number(&self, time: Expr, step: Step, calendar: Calendar) -> Expr;

    /// The list of the whole numbers from 0 to below this one.
    fn numbers_below(&self, count: Expr) -> Expr;

    /// The list of the keys of all buckets of a step whose interval holds an instant, up to the bucket with the key `last`.
    fn buckets(&self, time: Expr, step: Step, interval: &Interval, last: Expr, calendar: Calendar) -> Expr;

    /// The whole part of the quotient of two ints, none of which is negative; the second one is not 0.
    fn whole_quotient(&self, of: Expr, by: Expr) -> Expr;

    /// One row for each item of a list, in place of a column.
    fn explode(&self, list: Expr) -> Expr;

    /// A column beside a list that becomes rows, so that its values come again.
    fn repeated(&self, value: Expr) -> Expr {
        value
    }

    /// The first instant of the interval of a bucket, by the bucket's key; none where it has no beginning.
    fn interval_start(&self, key: Expr, step: Step, interval: &Interval, calendar: Calendar) -> Option<Expr>;

    /// The first instant after the interval of a bucket, by the bucket's key.
    fn interval_end(&self, key: Expr, step: Step, interval: &Interval, calendar: Calendar) -> Expr;

    /// The number of lengths of time in the interval of a bucket, as a float (see [`crate::plan::ExprKind::Steps`]).
    fn steps(&self, key: Expr, step: Step, interval: &Interval, length: Span, calendar: Calendar) -> Expr;

    /// An aggregate that gives the one value that is not null.
    fn only_value(&self, value: Expr, ty: &DataType) -> Expr;

    /// An aggregate.
    fn aggregate(&self, aggregated: Aggregated, calendar: Calendar) -> Expr;

    /// Looks up in dictionaries what they hold, in place of joins.
    fn look_up(&self, _query: &mut Query, _known: &[Dictionary]) {}

    /// Lets a query that reads distributed tables read others in its subqueries.
    fn read_all_shards(&self, _query: &mut Query) {}

    /// Whether what is read more than once in a query, and takes work, is to be marked as `MATERIALIZED`.
    fn materializes(&self) -> bool {
        false
    }

    /// What the engine does with the rows of a group, once they are together.
    fn collected(&self) -> Collected<'_>;

    /// An aggregate: the list of the whole numbers of few digits that occur, such as those of days, each once.
    fn each_once(&self, number: Expr) -> Expr;

    /// How rollups are made, where the engine can.
    fn states(&self) -> Option<&dyn States> {
        None
    }

    /// How rollups are filled by batches, where the engine can.
    fn batches(&self) -> Option<&dyn Batches> {
        None
    }
}
