//! The typed model: every declaration with its names bound and its types, units and sensitivity known.

pub mod alerts;
pub mod attribution;
pub mod behaviour;
mod bind;
mod calendars;
mod changes;
mod check;
pub mod cohort;
pub mod conversion;
pub mod dashboards;
mod dimensions;
mod domain;
pub mod experiment;
mod flow;
mod formula;
mod functions;
pub mod funnel;
mod items;
pub mod lifecycle;
mod listed;
mod literal;
pub mod made;
mod metrics;
mod model;
mod ops;
mod origin;
mod output;
mod part;
pub mod paths;
mod predicate;
mod quality;
pub mod receivers;
mod reports;
mod row;
mod rows;
pub mod segment;
mod severity;
mod share;
mod size;
mod stream;
mod tables;
mod test_blocks;
#[cfg(test)]
mod testing;
mod told;
mod type_name;
mod unit;

pub use bind::Unbound;
pub use calendars::{Calendar, step_named};
pub use changes::{Applied, CaliberChange, Changed, Stage};
pub use check::{Settings, check};
pub use domain::Domain;
pub use formula::{
    Compared, DimensionNames, Facts, FilterScope, InContext, KeyScope, RowMetrics, check_filter, facts, sum_type,
};
pub use metrics::{divides, has_zero};
pub use model::{
    Aggregation, AtLast, Better, Binding, Column, ColumnId, DimFilter, Dimension, DimensionId, Encoding, Fill, Formula,
    FormulaKind, Grain, Hierarchy, Leaf, Level, Metric, MetricId, MetricPer, Model, Movement, Nested, NestedKey,
    Pending, RowExpr, RowExprKind, RowSet, Sensitivity, Serve, Stream, Subject, Subset, Table, TableId, TableKind,
    Tier, Type, ValueType, data_type, family, table_named,
};
pub use origin::{History, Kept, Member, Origin, Session, Union};
pub use output::{OutputExpr, OutputExprKind, OutputName, check_having};
pub use part::{BucketPart, By};
pub use quality::{Bound, BoundOp, Quality, Rule, RuleKind, Way};
pub use reports::{Deliver, DeliverKind, Explain, Language, Report, TimeOfDay};
pub use severity::Severity;
pub use size::Size;
pub use unit::Unit;

pub use row::{RowScope, check_predicate, check_row};
pub use type_name::{show_type, type_name};
