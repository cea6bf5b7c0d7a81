//! What is generated: a project as data, from which texts are printed and answers are worked out.
//!
//! Nothing here knows the compiler: names, types and units are kept apart from it, so that a mistake there cannot hide.

use std::collections::{BTreeMap, BTreeSet};

pub use super::algebra::*;
pub use super::buckets::*;
pub use super::expr::*;
pub use super::fiscal::Fiscal;

use super::derived::Derived;

/// A type of the language.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Ty {
    Bool,
    Int,
    Float,
    /// Precision and scale.
    Decimal(u8, u8),
    Str,
    Enum(Vec<String>),
    Date,
    Timestamp,
    Duration,
    /// Strings by strings.
    Map,
    /// The key of the entity of this name.
    Entity(String),
}

impl Ty {
    pub fn is_number(&self) -> bool {
        matches!(self, Ty::Int | Ty::Float | Ty::Decimal(..))
    }

    /// Whether values of the two may stand on both sides of `=` or `+`: decimals may differ in precision.
    pub fn fits(&self, other: &Ty) -> bool {
        match (self, other) {
            (Ty::Decimal(_, a), Ty::Decimal(_, b)) => a == b,
            _ => self == other,
        }
    }
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    /// Digits and scale.
    Decimal(i128, u8),
    Str(String),
    /// Days since 1970-01-01.
    Date(i32),
    /// Milliseconds since 1970 UTC.
    Timestamp(i64),
    /// Milliseconds.
    Duration(i64),
    Map(BTreeMap<String, String>),
}

impl Value {
    pub fn is_null(&self) -> bool {
        *self == Value::Null
    }
}

/// A product of named units with exponents.
pub type Unit = BTreeMap<String, i32>;

/// An output step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Milliseconds, a divisor of a day.
    Subday(i64),
    Day,
    Week,
    Month,
    Quarter,
    Year,
    /// Of the declared calendar.
    Fiscal(Fiscal),
}

impl Step {
    /// As it is written: `5m`, `1month`.
    pub fn text(self) -> String {
        match self {
            Step::Subday(ms) if ms % 3_600_000 == 0 => format!("{}h", ms / 3_600_000),
            Step::Subday(ms) if ms % 60_000 == 0 => format!("{}m", ms / 60_000),
            Step::Subday(ms) => format!("{}s", ms / 1_000),
            Step::Day => "1d".into(),
            Step::Week => "1w".into(),
            Step::Month => "1month".into(),
            Step::Quarter => "1quarter".into(),
            Step::Year => "1year".into(),
            Step::Fiscal(step) => step.text(),
        }
    }
}

/// An aggregate over rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Leaf {
    pub aggregate: Aggregate,
    /// None for a count of rows.
    pub input: Option<Expr>,
    /// A table or a subset.
    pub rows: String,
    /// `dated column`
    pub dated: Option<String>,
    /// `where p`
    pub filter: Option<Expr>,
    pub over: Option<Window>,
    pub at_last: Option<AtLast>,
}

/// The aggregates; levels are parts of 1000.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aggregate {
    Count,
    Distinct,
    ApproxDistinct,
    Sum,
    Avg,
    Min,
    Max,
    /// `p50` … `p99`
    Percentile(u16),
    /// `quantile(x, 0.5)`
    Quantile(u16),
    QuantileDisc(u16),
    ApproxQuantile(u16),
    Stddev,
    Variance,
    First,
    Last,
}

impl Aggregate {
    /// Whether a leaf without rows is 0 rather than null.
    pub fn empty_is_zero(self) -> bool {
        matches!(self, Aggregate::Count | Aggregate::Distinct | Aggregate::ApproxDistinct | Aggregate::Sum)
    }
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    pub name: String,
    pub ty: Ty,
    pub nullable: bool,
    pub unit: Option<String>,
    pub pii: bool,
    /// A timestamp or duration stored as an integer of milliseconds.
    pub milliseconds: bool,
    /// `= expr`; such a column holds no data.
    pub computed: Option<Expr>,
}

/// A source or an entity, with its rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    pub name: String,
    pub entity: bool,
    pub columns: Vec<Column>,
    /// The columns of the key; none for a source whose every row counts.
    pub key: Vec<String>,
    pub latest_by: Option<String>,
    pub time: Option<String>,
    /// How an entity tells the versions of one thing apart.
    pub history: Option<History>,
    /// Values of the stored columns, in their order.
    pub rows: Vec<Vec<Value>>,
}

/// The columns that tell versions apart.
#[derive(Clone, Debug, PartialEq)]
pub enum History {
    /// `valid: from, to`
    Valid(String, String),
    /// `snapshot: day`
    Snapshot(String),
}

impl History {
    pub fn columns(&self) -> Vec<&String> {
        match self {
            History::Valid(from, to) => vec![from, to],
            History::Snapshot(day) => vec![day],
        }
    }
}

impl Table {
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The columns that hold data.
    pub fn stored(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(|column| column.computed.is_none())
    }

    /// The place of a stored column in a row.
    pub fn place(&self, name: &str) -> Option<usize> {
        self.stored().position(|column| column.name == name)
    }

    /// The columns that hold keys of `entity`; not those that hold the values of dimensions.
    pub fn links_to(&self, entity: &str) -> Vec<&Column> {
        let leads = |column: &&Column| matches!(&column.ty, Ty::Entity(of) if of == entity);
        self.columns.iter().filter(leads).filter(|column| !column.name.starts_with('·')).collect()
    }
}

/// A named row set: `subset NAME = BASE [where p] [dated c]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Subset {
    pub name: String,
    /// A table or another subset.
    pub base: String,
    pub filter: Option<Expr>,
    pub dated: Option<String>,
}

/// A dimension.
#[derive(Clone, Debug, PartialEq)]
pub struct Dimension {
    pub name: String,
    pub ty: Ty,
    /// Whether the type is written.
    pub typed: bool,
    pub bindings: Vec<Binding>,
    pub otherwise: Otherwise,
}

/// Where a dimension comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Binding {
    /// `event.platform`, `event.user_id.city`: a path over the rows of a source.
    Path(String, Expr),
    /// `user.province`: an entity's attribute, for every row set with exactly one column of that type.
    Attribute(String, Expr),
    /// `dimension d on event = expr`
    On(String, Expr),
    /// `hour(time)`: for every row set with a time.
    Any(Expr),
}

/// `else …` of a dimension.
#[derive(Clone, Debug, PartialEq)]
pub enum Otherwise {
    None,
    /// `else null`
    Null,
    Value(Value),
}

/// A metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    pub name: String,
    pub formula: Expr,
    pub grain: Option<Step>,
    pub by: Vec<String>,
    pub fill: Fill,
}

/// A question.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    pub metrics: Vec<String>,
    /// None for one bucket.
    pub step: Option<Step>,
    pub by: Vec<By>,
    pub filter: Option<Expr>,
    /// `--fill`; as each metric says where there is none.
    pub fill: Option<Fill>,
    /// The first day, and the last (days since 1970).
    pub range: Option<(i32, i32)>,
    /// `--cut`: instants in place of the days.
    pub exact: Option<(i64, i64)>,
    /// `--as-of` an instant, and whether with `--partial`.
    pub as_of: Option<(i64, bool)>,
    /// `--marks`
    pub marks: bool,
    /// A condition on the columns of the answer.
    pub having: Option<Expr>,
    /// `--top N by METRIC [other]`
    pub top: Option<Top>,
    /// Output columns; true for descending.
    pub order: Vec<(String, bool)>,
    pub limit: Option<u64>,
}

/// The groups for which a metric is greatest.
#[derive(Clone, Debug, PartialEq)]
pub struct Top {
    pub count: u64,
    pub metric: String,
    /// Whether all others are one group.
    pub other: bool,
}

/// A project with its data and questions.
#[derive(Clone, Debug, PartialEq)]
pub struct Project {
    pub seed: u64,
    pub zone: chrono_tz::Tz,
    pub week_starts_sunday: bool,
    pub units: Vec<String>,
    pub tables: Vec<Table>,
    pub subsets: Vec<Subset>,
    pub derived: Vec<Derived>,
    pub dimensions: Vec<Dimension>,
    pub metrics: Vec<Metric>,
    pub questions: Vec<Question>,
}

impl Project {
    pub fn table(&self, name: &str) -> Option<&Table> {
        let derived = || self.derived(name).map(|derived| &derived.table);
        self.tables.iter().find(|table| table.name == name).or_else(derived)
    }

    pub fn subset(&self, name: &str) -> Option<&Subset> {
        self.subsets.iter().find(|subset| subset.name == name)
    }

    pub fn dimension(&self, name: &str) -> Option<&Dimension> {
        self.dimensions.iter().find(|dimension| dimension.name == name)
    }

    pub fn metric(&self, name: &str) -> Option<&Metric> {
        self.metrics.iter().find(|metric| metric.name == name)
    }

    /// The table under a row set.
    pub fn base(&self, rows: &str) -> Option<&Table> {
        match self.subset(rows) {
            Some(subset) => self.base(&subset.base),
            None => self.table(rows),
        }
    }

    /// The column that dates a row set: of the nearest `dated`, else the table's time.
    pub fn dated(&self, rows: &str) -> Option<&str> {
        match self.subset(rows) {
            Some(subset) => subset.dated.as_deref().or_else(|| self.dated(&subset.base)),
            None => self.table(rows)?.time.as_deref(),
        }
    }

    /// The binding of a dimension for the rows of a table, as an expression over them.
    pub fn binding(&self, dimension: &Dimension, table: &Table) -> Option<Expr> {
        let explicit = dimension.bindings.iter().find_map(|binding| match binding {
            Binding::Path(of, expr) | Binding::On(of, expr) if *of == table.name => Some(expr.clone()),
            _ => None,
        });
        if let (None, Some(derived)) = (&explicit, self.derived(&table.name)) {
            return self.derived_binding(dimension, derived);
        }
        let found = explicit.or_else(|| {
            dimension.bindings.iter().find_map(|binding| match binding {
                Binding::Any(expr) if table.time.is_some() => Some(expr.clone()),
                Binding::Attribute(entity, expr) if *entity == table.name => Some(expr.clone()),
                Binding::Attribute(entity, expr) => self.through(table, entity, expr),
                _ => None,
            })
        });
        // A version is looked up at the row's time.
        found.filter(|expr| table.time.is_some() || !expr.any(&mut |part| self.follows_history(table, part)))
    }

    /// Whether a path goes through an entity with a history.
    fn follows_history(&self, table: &Table, expr: &Expr) -> bool {
        let Node::Column(path) = &expr.node else { return false };
        let mut at = table;
        path.iter().take(path.len() - 1).any(|name| {
            let link = at.column(name).map(|column| &column.ty);
            let Some(Ty::Entity(entity)) = link else { return false };
            at = self.table(entity).expect("a declared entity");
            at.history.is_some()
        })
    }

    /// An entity's attribute over the rows of a table that has exactly one column of that entity.
    fn through(&self, table: &Table, entity: &str, attribute: &Expr) -> Option<Expr> {
        let [link] = table.links_to(entity)[..] else { return None };
        let mut expr = attribute.clone();
        if let Node::Column(path) = &mut expr.node {
            path.insert(0, link.name.clone());
        }
        expr.nullable = true;
        Some(expr)
    }

    /// The tables that a formula reads.
    pub fn bases(&self, formula: &Expr) -> BTreeSet<String> {
        let mut all = BTreeSet::new();
        formula.walk(&mut |expr| match &expr.node {
            Node::Leaf(leaf) => all.extend(self.base(&leaf.rows).map(|table| table.name.clone())),
            Node::Metric(name) => {
                if let Some(metric) = self.metric(name) {
                    all.extend(self.bases(&metric.formula));
                }
            }
            _ => {}
        });
        all
    }

    /// The dimensions that every leaf of a formula has.
    pub fn common_dimensions(&self, formula: &Expr) -> Vec<&Dimension> {
        let bases: Vec<&Table> = self.bases(formula).iter().filter_map(|name| self.table(name)).collect();
        (self.dimensions.iter())
            .filter(|dimension| bases.iter().all(|table| self.binding(dimension, table).is_some()))
            .collect()
    }

    /// Whether a metric has buckets of time.
    pub fn timed(&self, formula: &Expr) -> bool {
        self.bases(formula).iter().filter_map(|name| self.table(name)).all(|table| table.time.is_some())
    }
}
