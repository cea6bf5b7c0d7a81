//! The declarations of a typed model.

mod added;
mod formula;

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::diagnostic::Span;
use crate::resolve::{Pins, Space};
use crate::syntax::ast;
use crate::value::{DataType, Function, Step, Value, WeekStart};

use super::alerts::{Alert, Slo};
use super::dashboards::Dashboard;
use super::{By, Calendar, CaliberChange, Compared, Domain, Facts, History, Origin, Quality, Report, Size, Unit};

pub use formula::{
    Aggregation, AtLast, DimFilter, Formula, FormulaKind, Leaf, Level, Movement, Nested, NestedKey, Subject,
};

/// The place of a table in [`Model::tables`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableId(pub usize);

/// The place of a dimension in [`Model::dimensions`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DimensionId(pub usize);

/// The place of a metric in [`Model::metrics`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MetricId(pub usize);

/// A column: its table and its place there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ColumnId {
    /// The table.
    pub table: TableId,
    /// The place among its columns.
    pub column: usize,
}

/// A whole project, typed.
#[derive(Clone, Debug)]
pub struct Model {
    /// The project's time zone.
    pub zone: chrono_tz::Tz,
    /// The first day of a week.
    pub week_start: WeekStart,
    /// Sources and entities, then what is derived from them.
    pub tables: Vec<Table>,
    /// Calendars.
    pub calendars: Vec<Calendar>,
    /// Named row sets.
    pub subsets: Vec<Subset>,
    /// Dimensions, each in the version that its name means.
    pub dimensions: Vec<Dimension>,
    /// Their other versions, to which no name leads.
    pub other_dimensions: Vec<Dimension>,
    /// Hierarchies of dimensions.
    pub hierarchies: Vec<Hierarchy>,
    /// Metrics, all versions.
    pub metrics: Vec<Metric>,
    /// What is known of their formulas, by their places.
    pub facts: Vec<Facts>,
    /// Tests, as written; their tables are read when they run.
    pub tests: Vec<ast::Test>,
    /// Alerts, in the order of files.
    pub alerts: Vec<Alert>,
    /// Objectives, in the order of files.
    pub slos: Vec<Slo>,
    /// Changes from one version of something to another, in the order of files.
    pub changes: Vec<CaliberChange>,
    /// Rules of quality, in the order of files.
    pub qualities: Vec<Quality>,
    /// What bare names mean, where that is not the newest version.
    pub pins: Pins,
    /// Reports, in the order of files.
    pub reports: Vec<Report>,
    /// Dashboards, in the order of files.
    pub dashboards: Vec<Dashboard>,
}

/// The type of a value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Type {
    Bool,
    Int,
    Float,
    Decimal {
        precision: u8,
        scale: u8,
    },
    String,
    /// A string out of a closed list.
    Enum(Arc<Vec<String>>),
    Date,
    Timestamp,
    Duration,
    Array(Box<Type>),
    /// Values by string keys.
    Map(Box<Type>),
    /// The key of an entity.
    Entity(TableId),
    /// Of the literal null alone; fits every type.
    Null,
}

/// Who may see a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Sensitivity {
    /// Anybody.
    #[default]
    Public,
    /// Personal data (`pii`, and `pii(hashed)`, which still tells people apart).
    Personal,
}

/// What is known of a value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ValueType {
    /// Its type.
    pub ty: Type,
    /// Whether it may be null.
    pub nullable: bool,
    /// Its unit; none where any fits (a number literal).
    pub unit: Option<Unit>,
    /// Its label.
    pub sensitivity: Sensitivity,
}

impl ValueType {
    /// A value of `ty` that is never null, a plain number, public.
    pub fn plain(ty: Type) -> ValueType {
        ValueType { ty, nullable: false, unit: Some(Unit::none()), sensitivity: Sensitivity::Public }
    }
}

/// Where a stream takes the rows of a source from: messages of Kafka, each a JSON object with the columns as its members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    /// The topic.
    pub topic: String,
}

/// A source or an entity, or rows derived from others.
#[derive(Clone, Debug)]
pub struct Table {
    /// Which of the two; what is derived happens, like a source.
    pub kind: TableKind,
    /// Its name; that of a derived table is its subset's or session's, or made of what it is derived from.
    pub name: ast::Name,
    /// Its version; 1 where none is written.
    pub version: u32,
    /// Whether its name alone means this version.
    pub meant: bool,
    /// Its description.
    pub doc: Option<String>,
    /// Its name in the warehouse; empty for a derived table.
    pub physical: String,
    /// Its file in the samples folder.
    pub sample: Option<String>,
    /// The columns of the key; empty for none.
    pub key: Vec<usize>,
    /// `latest by`
    pub latest_by: Option<usize>,
    /// `time`
    pub time: Option<usize>,
    /// `arrived`
    pub arrived: Option<usize>,
    /// `lateness`, in milliseconds.
    pub lateness: Option<i64>,
    /// `retain`, in milliseconds.
    pub retain: Option<i64>,
    /// `revised`, in milliseconds.
    pub revised: Option<i64>,
    /// `stream`
    pub stream: Option<Stream>,
    /// Its columns, in order.
    pub columns: Vec<Column>,
    /// Whether it is stored, or what it is derived from.
    pub origin: Origin,
    /// `valid` or `snapshot`
    pub history: Option<History>,
    /// The dimensions whose values are columns of a union or session, by name, and their columns.
    pub dimensions: Vec<(String, usize)>,
    /// The declaration.
    pub span: Span,
}

/// Whether rows happen or things exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum TableKind {
    Source,
    Entity,
    /// The days of a calendar: no row set.
    Calendar,
}

/// How a timestamp or a duration is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// The engine's own type.
    Native,
    /// Integer milliseconds.
    Milliseconds,
}

/// A column of a table.
#[derive(Clone, Debug)]
pub struct Column {
    /// Its name.
    pub name: ast::Name,
    /// Its description.
    pub doc: Option<String>,
    /// Its type.
    pub ty: ValueType,
    /// How it is stored.
    pub encoding: Encoding,
    /// What it is computed from; none for a stored column.
    pub computed: Option<RowExpr>,
    /// The size of that, with the computed columns that it uses written out.
    pub size: Size,
    /// Whether the compiler has made it: no name reaches it.
    pub internal: bool,
}

/// A typed expression over the rows of a table.
#[derive(Clone, Debug)]
pub struct RowExpr {
    /// The form.
    pub kind: RowExprKind,
    /// What is known of its value.
    pub ty: ValueType,
    /// Where it stands.
    pub span: Span,
}

/// The forms of row expressions.
#[derive(Clone, Debug)]
pub enum RowExprKind {
    /// A column of the table, or of an entity reached through entity-typed columns: all but the last are those columns.
    Column(Vec<ColumnId>),
    /// The row's time: the source's time column, or the one of `dated`.
    Time,
    /// `value` in the condition of a nested aggregate: the inner formula's value.
    Inner,
    /// A literal.
    Literal(Value),
    /// A function or operator. What must be widened is wrapped in [`Function::Cast`] to the type of the call.
    Call(Function, Vec<RowExpr>),
    /// `case when …`
    Case {
        /// Conditions and values.
        branches: Vec<(RowExpr, RowExpr)>,
        /// Otherwise.
        otherwise: Option<Box<RowExpr>>,
    },
    /// `sql("dialect": "text")`, its columns replaced by `{0}`, `{1}` …
    Sql {
        /// Text by dialect.
        variants: Vec<(String, String)>,
        /// The columns.
        arguments: Vec<RowExpr>,
    },
    /// `(orders per user_id)`
    Per {
        /// Which metric, by what.
        per: Box<MetricPer>,
        /// The row's time.
        at: Box<RowExpr>,
    },
    /// A condition that names a metric, until metrics are typed; a finished model has none.
    Pending(Box<Pending>),
}

/// A metric over the rows whose key equals that of a row, up to the start of the row's local day.
#[derive(Clone, Debug)]
pub struct MetricPer {
    /// The metric.
    pub metric: MetricId,
    /// What is compared: a dimension, or a column of every table that the metric or the row is of.
    pub key: NestedKey,
    /// The size of the metric's formula.
    pub size: Size,
}

/// A condition on rows that waits for the metrics that it names.
#[derive(Clone, Debug)]
pub struct Pending {
    /// As it is written.
    pub predicate: ast::Expr,
    /// The rows.
    pub base: TableId,
    /// The column that is their time where the condition stands.
    pub time: Option<ColumnId>,
}

/// Rows of one table.
#[derive(Clone, Debug)]
pub struct RowSet {
    /// The table.
    pub base: TableId,
    /// What each row satisfies.
    pub filters: Vec<RowExpr>,
    /// The column that is the row's time, where `dated` changed it.
    pub dated: Option<ColumnId>,
}

/// A named row set.
#[derive(Clone, Debug)]
pub struct Subset {
    /// Its name.
    pub name: ast::Name,
    /// Its version; 1 where none is written.
    pub version: u32,
    /// Its description.
    pub doc: Option<String>,
    /// Its rows.
    pub rows: RowSet,
    /// The declaration.
    pub span: Span,
}

/// A dimension.
#[derive(Clone, Debug)]
pub struct Dimension {
    /// Its name.
    pub name: ast::Name,
    /// Its version; 1 where none is written.
    pub version: u32,
    /// Its description.
    pub doc: Option<String>,
    /// `title`
    pub title: Option<String>,
    /// The type of its values; nullable only for `else null` and levels of a hierarchy.
    pub ty: ValueType,
    /// Where it comes from.
    pub bindings: Vec<Binding>,
    /// `else`, put around each binding at use; none where there is none or it is `null`.
    pub otherwise: Option<RowExpr>,
    /// What its values may be, where that is told.
    pub values: Option<Domain>,
    /// The declaration.
    pub span: Span,
}

/// How a dimension is computed for one table's rows.
#[derive(Clone, Debug)]
pub struct Binding {
    /// The table whose rows it is for; none for every table with a time (`hour(time)`).
    pub table: Option<TableId>,
    /// The value, over the rows of that table; for an entity's attribute over the entity's rows.
    pub value: RowExpr,
    /// Where it stands.
    pub span: Span,
}

/// Dimensions from the widest to the narrowest.
#[derive(Clone, Debug)]
pub struct Hierarchy {
    /// Its name.
    pub name: ast::Name,
    /// Its levels.
    pub levels: Vec<DimensionId>,
}

/// How important a metric is, the most important first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Tier {
    Kpi,
    Ksi,
    Diagnostic,
}

/// Which way is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Better {
    Up,
    Down,
    None,
}

/// What a metric is in the buckets and groups in which it has no rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fill {
    /// There is no row.
    None,
    /// A row for every bucket and every group that has one in some bucket, and the value null there.
    Null,
    /// The same, and the value 0.
    Zero,
}

impl Fill {
    /// The one of a word.
    pub fn parse(word: &str) -> Option<Fill> {
        Fill::WORDS.into_iter().find(|(known, _)| *known == word).map(|(_, fill)| fill)
    }

    /// All of them, as they are written.
    pub const WORDS: [(&'static str, Fill); 3] = [("none", Fill::None), ("null", Fill::Null), ("zero", Fill::Zero)];
}

/// An output step of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Grain {
    /// Buckets of a step.
    Step(Step),
    /// One bucket.
    Total,
}

/// How a metric is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Serve {
    /// A view over the source.
    Live,
    /// A rollup fed as rows arrive, at this step.
    Stream(Step),
    /// A batch every hour.
    Hourly,
    /// A batch every day.
    Daily,
}

/// A metric.
#[derive(Clone, Debug)]
pub struct Metric {
    /// Its name.
    pub name: ast::Name,
    /// Its version; 1 where none is written.
    pub version: u32,
    /// Its description.
    pub doc: Option<String>,
    /// `title`
    pub title: Option<String>,
    /// `title_en`
    pub title_en: Option<String>,
    /// `tier`
    pub tier: Option<Tier>,
    /// `owner`
    pub owner: Option<String>,
    /// `better`
    pub better: Option<Better>,
    /// The default output steps, finest first; never empty.
    pub grain: Vec<Grain>,
    /// The default dimensions, and parts of the bucket.
    pub by: Vec<By>,
    /// `serve`; live where none is written.
    pub serve: Vec<Serve>,
    /// `fill`
    pub fill: Fill,
    /// Its growths against earlier buckets.
    pub compared: Vec<Compared>,
    /// What it is.
    pub formula: Formula,
    /// Its type, with the declared unit.
    pub ty: ValueType,
    /// The declaration.
    pub span: Span,
}

impl Model {
    /// The version that each name of a metric alone means; growths go with their metric.
    pub fn meant_versions(&self) -> FxHashMap<&str, u32> {
        let mut meant: FxHashMap<&str, u32> = FxHashMap::default();
        for metric in &self.metrics {
            let known = meant.entry(family(&metric.name.value)).or_insert(metric.version);
            *known = metric.version.max(*known);
        }
        for (name, version) in &mut meant {
            *version = self.pins.of(Space::Metric, name).unwrap_or(*version);
        }
        meant
    }

    /// The metric of a name (`dau`, `dau.growth_1d`), with a version or the one that the name alone means.
    pub fn metric_named(&self, name: &str, version: Option<u32>) -> Option<MetricId> {
        let of_name = self.metrics.iter().enumerate().filter(|(_, metric)| metric.name.value == name);
        let found = match version.or_else(|| self.pins.of(Space::Metric, family(name))) {
            Some(version) => of_name.into_iter().find(|(_, metric)| metric.version == version),
            None => of_name.max_by_key(|(_, metric)| metric.version),
        };
        found.map(|(place, _)| MetricId(place))
    }

    /// The table that a name alone means.
    pub fn table_named(&self, name: &str) -> Option<TableId> {
        table_named(&self.tables, name)
    }

    /// The table of an id.
    pub fn table(&self, id: TableId) -> &Table {
        &self.tables[id.0]
    }

    /// The engine's type for a language type.
    pub fn data_type(&self, ty: &Type) -> DataType {
        data_type(&self.tables, ty)
    }
}

/// The table that a name alone means.
pub fn table_named(tables: &[Table], name: &str) -> Option<TableId> {
    tables.iter().position(|table| table.meant && table.name.value == name).map(TableId)
}

/// The metric that a name belongs to: `dau.growth_1d` goes with `dau`.
pub fn family(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

/// The engine's type for a language type: enums are strings, entities the type of their key.
pub fn data_type(tables: &[Table], ty: &Type) -> DataType {
    match ty {
        Type::Bool => DataType::Bool,
        Type::Int => DataType::Int,
        Type::Float => DataType::Float,
        Type::Decimal { precision, scale } => DataType::Decimal { precision: *precision, scale: *scale },
        Type::String | Type::Enum(_) | Type::Null => DataType::String,
        Type::Date => DataType::Date,
        Type::Timestamp => DataType::Timestamp,
        Type::Duration => DataType::Duration,
        Type::Array(item) => DataType::Array(Box::new(data_type(tables, item))),
        Type::Map(item) => DataType::Map(Box::new(data_type(tables, item))),
        Type::Entity(id) => {
            let table = &tables[id.0];
            match table.key.first().map(|key| &table.columns[*key].ty.ty) {
                Some(Type::Entity(_)) | None => DataType::String,
                Some(key) => data_type(tables, key),
            }
        }
    }
}
