//! Conversions as they are typed.

use crate::syntax::ast;

use super::model::{ColumnId, DimensionId, TableId};

/// A conversion: rows, and other rows that are credited to them.
#[derive(Clone, Debug)]
pub struct Conversion {
    /// Its name.
    pub name: ast::Name,
    /// Its version; 1 where none is written.
    pub version: u32,
    /// Whose behaviour it is.
    pub entity: TableId,
    /// The column of the leading rows that must be equal to that of the other rows, too.
    pub matched: Option<ColumnId>,
    /// What its metrics are shown by.
    pub by: Vec<DimensionId>,
    /// The table of the leading rows.
    pub base: TableId,
}

/// The places of the columns of its tables.
pub mod column {
    /// Whether a row is credited to the leading one.
    pub const CONVERTED: usize = 3;
    /// Of a table of credited rows: what is taken of each.
    pub const VALUE: usize = 3;
}
