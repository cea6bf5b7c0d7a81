//! The typed model: every declaration with its names bound and its types, units and sensitivity known.

pub mod flow;
pub mod functions;
mod literal;
mod model;
pub mod near;
pub mod ops;
pub mod predicate;
pub mod row;
#[cfg(test)]
mod testing;
pub mod type_name;
mod unit;

pub use model::{
    Aggregation, Better, Binding, Column, ColumnId, DimFilter, Dimension, DimensionId, Encoding, Formula, FormulaKind,
    Grain, Hierarchy, Leaf, Level, Metric, MetricId, Model, RowExpr, RowExprKind, RowSet, Sensitivity, Serve, Subset,
    Table, TableId, TableKind, Tier, Type, ValueType, data_type,
};
pub use unit::Unit;
