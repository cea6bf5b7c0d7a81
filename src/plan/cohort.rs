//! The tables of cohorts.

use crate::value::Ages;

use super::{Expr, Selection};

/// Rows of the units of a cohort. The columns of the table are: the entity, the start, the last age there is; the age, but for
/// units; of active ones the last age at which the unit is active; values of rows; dimensions of the start row.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Cohort {
    /// The start rows, one a unit.
    pub start: Selection,
    /// Whose.
    pub by: Expr,
    /// The values of dimensions over the start rows.
    pub dimensions: Vec<Expr>,
    /// How ages are counted.
    pub ages: Ages,
    /// Rows whose last instant says which buckets are over.
    pub ends: Vec<Selection>,
    /// Which rows.
    pub part: CohortPart,
}

/// The rows of a table of a cohort.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum CohortPart {
    /// One a unit.
    Units,
    /// One a unit and age.
    Cells,
    /// One a unit and age at which it has so many rows.
    Active {
        /// Which rows.
        rows: Selection,
        /// Whose.
        by: Expr,
        /// How many.
        at_least: u32,
    },
    /// The rows of the units, at their ages.
    Rows {
        /// Which.
        rows: Selection,
        /// Whose.
        by: Expr,
        /// What is taken of each.
        values: Vec<Expr>,
    },
}

impl Cohort {
    /// The selections that it is made of.
    pub fn selections(&self) -> impl Iterator<Item = &Selection> {
        std::iter::once(&self.start).chain(self.part.rows().map(|(rows, _)| rows)).chain(&self.ends)
    }

    /// How many columns stand before values and dimensions.
    pub fn own_columns(&self) -> usize {
        match self.part {
            CohortPart::Units => 3,
            CohortPart::Cells | CohortPart::Rows { .. } => 4,
            CohortPart::Active { .. } => 5,
        }
    }

    /// What is taken of each row.
    pub fn values(&self) -> &[Expr] {
        match &self.part {
            CohortPart::Rows { values, .. } => values,
            _ => &[],
        }
    }
}

impl CohortPart {
    /// The rows that are put to ages, and whose they are.
    pub fn rows(&self) -> Option<(&Selection, &Expr)> {
        match self {
            CohortPart::Units | CohortPart::Cells => None,
            CohortPart::Active { rows, by, .. } | CohortPart::Rows { rows, by, .. } => Some((rows, by)),
        }
    }
}
