//! Funnels as they are typed.

use crate::syntax::ast;
use crate::value::Attempts;

use super::model::{DimensionId, TableId};

/// A funnel: who goes through its steps, how far and how fast.
#[derive(Clone, Debug)]
pub struct Funnel {
    /// Its name.
    pub name: ast::Name,
    /// Whose it is.
    pub entity: TableId,
    /// The names of the steps.
    pub steps: Vec<ast::Name>,
    /// How attempts are made of rows.
    pub attempts: Attempts,
    /// Whether a unit leaves the funnel where its furthest attempt is spoilt.
    pub drops: bool,
    /// What its metrics are shown by.
    pub by: Vec<DimensionId>,
    /// The tables of attempts: one, or one a step where dimensions are those of the row of each step.
    pub tables: Vec<TableId>,
}

impl Funnel {
    /// The table of attempts from which a step is counted.
    pub fn table(&self, step: usize) -> TableId {
        self.tables[step.min(self.tables.len() - 1)]
    }
}

/// The places of the columns of tables of attempts.
pub mod column {
    /// When the first row of the attempt lies.
    pub const START: usize = 1;
    /// The last instant at which an attempt that begins there is over.
    pub const HORIZON: usize = 2;
    /// How many steps are reached, without those that may be missing.
    pub const DEPTH: usize = 3;
    /// Whether something came between that spoils the attempt.
    pub const SPOILT: usize = 4;

    /// When a step but the first is reached; null where it is not.
    pub fn reached(step: usize) -> usize {
        SPOILT + step
    }
}
