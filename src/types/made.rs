//! Tables that declarations of behaviour make of rows, as they are typed.

use crate::value::{Carried, How, Taken};

use super::model::{RowExpr, RowSet};

/// What a table of behaviour is made of. Its columns are its own ones, which [`How`] names, then those that are carried.
#[derive(Clone, Debug)]
pub struct Made {
    /// Rows of other tables, and what is taken of each.
    pub parts: Vec<MadeOf>,
    /// How.
    pub how: How,
    /// Where the columns behind its own ones come from.
    pub carried: Vec<Carried>,
    /// The parts whose dimensions it has: those of the last of which there is a row.
    pub grouped: Vec<usize>,
    /// Dimensions, by name, that are those of other parts.
    pub others: Vec<(String, Vec<usize>)>,
    /// How many parts every row of the table has a row of, from the first on.
    pub certain: usize,
}

/// Rows, and what is taken of each.
#[derive(Clone, Debug)]
pub struct MadeOf {
    /// Which.
    pub rows: RowSet,
    /// What.
    pub values: Vec<RowExpr>,
}

impl Made {
    /// Carries a value of a row of each of some parts: the next column is it.
    pub fn carry(&mut self, of: Vec<(usize, RowExpr)>) {
        let places = of.into_iter().map(|(part, value)| {
            let values = &mut self.parts[part].values;
            values.push(value);
            Taken { part, value: values.len() - 1, row: part }
        });
        let of = places.collect();
        self.carried.push(Carried { of });
    }

    /// The parts that a dimension is of.
    pub fn grouped_by(&self, dimension: &str) -> &[usize] {
        self.others.iter().find(|(name, _)| name == dimension).map_or(&self.grouped, |(_, parts)| parts)
    }
}
