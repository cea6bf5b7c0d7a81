//! What everything is made of: a graph of all declarations and the columns of tables, out of the checked program.
//!
//! It is finer inside than what it shows: a metric by `platform` over events reads the platform of events alone, and not
//! those of other sources that the dimension is bound to; a metric that another one names counts without its own
//! dimensions. So what a trace reaches is what is read, and not what is merely named.

mod asking;
mod expand;
mod names;
mod nodes;
mod rows;
pub mod show;
mod trace;

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::diagnostic::Span;
use crate::syntax::ast;
use crate::types::{ColumnId, DimensionId, MetricId, Model, TableId};

pub use names::find;
pub use trace::{Edge, Touched, Trace};

/// The place of a node in [`Graph::nodes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub usize);

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Kind {
    Source,
    Entity,
    Calendar,
    /// A column of one of these.
    Column,
    Subset,
    Session,
    /// A table of behaviour, by its keyword: `cohort`, `funnel` …
    Behaviour(&'static str),
    Dimension,
    Hierarchy,
    Metric,
    Test,
    Report,
    Quality,
    Alert,
    /// An objective.
    Slo,
    Dashboard,
}

impl Kind {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Source => "source",
            Kind::Entity => "entity",
            Kind::Calendar => "calendar",
            Kind::Column => "column",
            Kind::Subset => "subset",
            Kind::Session => "session",
            Kind::Behaviour(keyword) => keyword,
            Kind::Dimension => "dimension",
            Kind::Hierarchy => "hierarchy",
            Kind::Metric => "metric",
            Kind::Test => "test",
            Kind::Report => "report",
            Kind::Quality => "quality",
            Kind::Alert => "alert",
            Kind::Slo => "slo",
            Kind::Dashboard => "dashboard",
        }
    }

    /// Whether it asks for others, and nothing is made of it.
    pub fn only_asks(self) -> bool {
        matches!(self, Kind::Test | Kind::Quality) || self.only_tells()
    }

    /// Whether it tells people of numbers: an edit of it moves none.
    pub fn only_tells(self) -> bool {
        matches!(self, Kind::Report | Kind::Alert | Kind::Slo | Kind::Dashboard)
    }

    /// Whether it has columns that are stored.
    pub fn is_table(self) -> bool {
        matches!(self, Kind::Source | Kind::Entity | Kind::Calendar)
    }
}

/// What something is read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// For its value.
    Value,
    /// For its rows.
    Rows,
    /// To tell which rows count.
    Filter,
    /// To tell rows, groups or members apart.
    Key,
    /// As the time of rows.
    Time,
    /// To find the row of an entity.
    Join,
    /// To show a metric by it.
    Group,
    /// As steps of time.
    Step,
    /// As a level of a hierarchy.
    Level,
    /// A test asks for it.
    Asked,
    /// A test gives rows of it.
    Given,
    /// A report tells of it.
    Told,
    /// A rule of quality looks at it.
    Checked,
    /// An alert or an objective looks at it.
    Watched,
    /// A dashboard shows it.
    Shown,
}

impl Role {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Role::Value => "value",
            Role::Rows => "rows",
            Role::Filter => "filter",
            Role::Key => "key",
            Role::Time => "time",
            Role::Join => "join",
            Role::Group => "group",
            Role::Step => "step",
            Role::Level => "level",
            Role::Asked => "asked",
            Role::Given => "given",
            Role::Told => "told",
            Role::Checked => "checked",
            Role::Watched => "watched",
            Role::Shown => "shown",
        }
    }
}

/// A declaration, or a column of a source, entity or calendar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// Its name; of a column `order.pay_amount`, of a test its title.
    pub name: String,
    /// Its version; 1 where none is written.
    pub version: u32,
    /// The name, with the version where there are several.
    pub label: String,
    /// The table of a column.
    pub table: Option<NodeId>,
    /// The declaration.
    pub span: Span,
}

/// What is read, as finely as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Item {
    /// All of a declaration.
    Declared(NodeId),
    /// The formula of a metric, without what it is shown by.
    Formula(MetricId),
    /// A column.
    Column(ColumnId),
    /// That a table is there at all.
    Table(TableId),
    /// Which rows a table has.
    Rows(TableId),
    /// A dimension over the rows of a table.
    Bound(DimensionId, TableId),
}

/// The graph of a program.
#[derive(Debug)]
pub struct Graph {
    /// Declarations in the order of files, each table followed by its columns.
    pub nodes: Vec<Node>,
    items: Vec<Item>,
    /// The node that an item is of; none for rows that stand inside of a declaration and have no name.
    owners: Vec<Option<NodeId>>,
    /// The items of each node, in order.
    owned: Vec<Vec<usize>>,
    /// What each item reads, in order.
    reads: Vec<Vec<(usize, Role)>>,
    /// What reads each item.
    read_by: Vec<Vec<(usize, Role)>>,
    /// The nodes of metrics of the model; a comparison (`dau.growth_1d`) is of the metric that declares it.
    metrics: Vec<NodeId>,
    dimensions: Vec<Option<NodeId>>,
    columns: FxHashMap<ColumnId, NodeId>,
}

/// What a declaration is, its name and its version; none for what stands for nothing: changes and kinds without a meaning.
pub fn head(declaration: &ast::Declaration) -> Option<(Kind, String, u32)> {
    nodes::head(declaration)
}

impl Graph {
    /// The graph of a program without errors.
    pub fn of(files: &[Arc<ast::File>], model: &Model) -> Graph {
        expand::graph(files, model)
    }

    /// A node.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0]
    }

    /// All nodes with their places.
    pub fn all(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        self.nodes.iter().enumerate().map(|(at, node)| (NodeId(at), node))
    }

    /// The declaration of a metric.
    pub fn of_metric(&self, id: MetricId) -> NodeId {
        self.metrics[id.0]
    }

    /// The declaration of a dimension; none for what the compiler has made of a table of behaviour that is not shown.
    pub fn of_dimension(&self, id: DimensionId) -> Option<NodeId> {
        self.dimensions[id.0]
    }

    /// A stored column.
    pub fn of_column(&self, id: ColumnId) -> Option<NodeId> {
        self.columns.get(&id).copied()
    }

    /// The columns of a table, in their order.
    pub fn columns_of(&self, table: NodeId) -> impl Iterator<Item = (NodeId, &Node)> {
        self.all().skip(table.0 + 1).take_while(move |(_, node)| node.table == Some(table))
    }
}
