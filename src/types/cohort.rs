//! Cohorts as they are typed, and the tables that they are made of.

use crate::syntax::ast;
use crate::value::Ages;

use super::model::{ColumnId, DimensionId, RowExpr, RowSet, TableId};

/// A cohort: units (an entity's members from a start row on) and what they do at each age.
#[derive(Clone, Debug)]
pub struct Cohort {
    /// Its name.
    pub name: ast::Name,
    /// Its version; 1 where none is written.
    pub version: u32,
    /// Whose behaviour it is.
    pub entity: TableId,
    /// How ages are counted.
    pub ages: Ages,
    /// Whether a member of the entity is a unit again in each bucket in which it has a start row.
    pub again: bool,
    /// What its metrics are shown by.
    pub by: Vec<DimensionId>,
    /// The table of the units, each with the last age that it has.
    pub units: TableId,
    /// A row for each unit and age.
    pub cells: TableId,
    /// A row for each unit and age at which it is active.
    pub active: TableId,
}

/// A table that a cohort is made of.
///
/// Its columns are the entity, the start, the last age there is (`ages`), then for all but units the age, for active ones the last
/// age at which the unit is active; then values of the rows, then dimensions of the start row.
#[derive(Clone, Debug)]
pub struct CohortRows {
    /// The table of the start rows, one a unit.
    pub start: TableId,
    /// The column of the entity there.
    pub by: ColumnId,
    /// How ages are counted.
    pub ages: Ages,
    /// Rows whose last instant says which buckets are over.
    pub ends: Vec<RowSet>,
    /// Which rows.
    pub part: CohortPart,
    /// The values of dimensions over the start rows.
    pub dimensions: Vec<RowExpr>,
}

/// The rows of a table of a cohort.
#[derive(Clone, Debug)]
pub enum CohortPart {
    /// One a unit.
    Units,
    /// One a unit and age.
    Cells,
    /// One a unit and age at which it has so many rows.
    Active {
        /// Which rows.
        rows: RowSet,
        /// The column of the entity.
        by: ColumnId,
        /// How many.
        at_least: u32,
    },
    /// The rows of the units, at their ages.
    Rows {
        /// Which.
        rows: RowSet,
        /// The column of the entity.
        by: ColumnId,
        /// What is taken of each.
        values: Vec<RowExpr>,
    },
}

impl CohortRows {
    /// The rows that are put to ages.
    pub fn rows(&self) -> Option<&RowSet> {
        match &self.part {
            CohortPart::Units | CohortPart::Cells => None,
            CohortPart::Active { rows, .. } | CohortPart::Rows { rows, .. } => Some(rows),
        }
    }

    /// The same, to be changed.
    pub fn rows_mut(&mut self) -> Option<&mut RowSet> {
        match &mut self.part {
            CohortPart::Units | CohortPart::Cells => None,
            CohortPart::Active { rows, .. } | CohortPart::Rows { rows, .. } => Some(rows),
        }
    }
}

/// The places of the columns of a cohort's tables.
pub mod column {
    /// When the unit starts.
    pub const START: usize = 1;
    /// The last age that there is of it.
    pub const AGES: usize = 2;
    /// The age, of all but units.
    pub const AGE: usize = 3;
    /// The last age at which the unit is active, of active ones.
    pub const LAST: usize = 4;
}
