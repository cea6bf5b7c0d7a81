//! Cohorts as they are typed.

use crate::syntax::ast;
use crate::value::Ages;

use super::model::{DimensionId, TableId};

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
