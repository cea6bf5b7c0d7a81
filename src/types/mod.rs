//! The typed model: every declaration with its names bound and its types, units and sensitivity known.

mod check;
mod dimensions;
mod formula;
mod items;
mod metrics;
mod model;
mod rows;
mod tables;
mod unit;

pub use model::{
    Aggregation, Better, Binding, Column, ColumnId, DimFilter, Dimension, DimensionId, Encoding, Formula, FormulaKind,
    Grain, Hierarchy, Leaf, Level, Metric, MetricId, Model, RowExpr, RowExprKind, RowSet, Sensitivity, Serve, Subset,
    Table, TableId, TableKind, Tier, Type, ValueType, data_type,
};
pub use check::{Settings, check};
pub use dimensions::Unbound;
pub use formula::{DimensionNames, check_filter};
pub use metrics::divides;
pub use unit::Unit;
