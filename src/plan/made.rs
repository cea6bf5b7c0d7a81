//! Tables of behaviour.

use crate::value::{Carried, How};

use super::{Expr, Selection};

/// What a table of behaviour is made of. Its columns are its own ones, which [`How`] names, then those that are carried.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Made {
    /// Rows of other tables, and what is taken of each.
    pub parts: Vec<MadeOf>,
    /// How.
    pub how: How,
    /// Where the columns behind its own ones come from.
    pub carried: Vec<Carried>,
}

/// Rows, and what is taken of each.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct MadeOf {
    /// Which.
    pub rows: Selection,
    /// What.
    pub values: Vec<Expr>,
}

impl Made {
    /// Whether rows of a part that lie at one time must be told apart: to carry something of the row of a later step of attempts, to credit
    /// a row to one of them, or to walk along them.
    pub fn chooses(&self, part: usize, wanted: impl Fn(usize) -> bool) -> bool {
        match self.how {
            // Leading rows of one time have an order, and so have the steps of a path.
            How::Conversion(_) | How::Paths(_) | How::Experiment(_) => return part == 0,
            How::Attribution(_) => return true,
            How::Attempts(_) | How::Cohort { .. } | How::Segment(_) => {}
        }
        let taken = self.carried.iter().enumerate().filter(|(at, _)| wanted(*at)).flat_map(|(_, carried)| &carried.of);
        matches!(self.how, How::Attempts(_)) && taken.into_iter().any(|taken| taken.part == part && taken.row > 0)
    }

    /// The values of a part that a table with these columns needs: those that its own columns are made of, and those that are
    /// carried and wanted. `wanted` tells whether a carried column is.
    pub fn needed(&self, part: usize, wanted: impl Fn(usize) -> bool) -> Vec<usize> {
        let place = |value: usize| {
            self.carried.iter().position(|of| of.of.iter().any(|of| of.part == part && of.value == value))
        };
        (0..self.parts[part].values.len()).filter(|value| place(*value).is_none_or(&wanted)).collect()
    }
}
