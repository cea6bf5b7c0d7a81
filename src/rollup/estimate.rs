//! How large a rollup gets, from what is known of the data. Never exact; where something is not known, no number.

use super::statistics::{Statistics, buckets_a_day, occupied};
use super::{Mergeability, Rollup};
use crate::plan::{Expr, Step, Table};

/// The size of a rollup at a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Rows a day. Where it is not known how many rows come, as many as there can be.
    pub rows_a_day: f64,
    /// Bytes a day before compression, where it is known how many rows come.
    pub bytes_a_day: Option<f64>,
}

/// Bytes of the key: a bucket, and about as much for each dimension.
const KEY_BYTES: f64 = 8.0;

impl Statistics {
    /// About how many rows there are for a bucket, by some values over the rows of a table.
    pub fn rows_of<'e>(
        &self,
        values: impl Iterator<Item = &'e Expr>,
        joins: &[crate::plan::Join],
        table: usize,
        step: Step,
        tables: &[Table],
    ) -> Option<f64> {
        let mut values = values.map(|value| self.values(value, table, joins, tables));
        let cells = values.try_fold(1.0, |all, one| Some(all * one?))?;
        Some(occupied(cells, self.rows_a_day(table).map(|rows| rows / buckets_a_day(step))))
    }

    /// The same for a rollup.
    pub fn rows_of_rollup(&self, rollup: &Rollup, step: Step, tables: &[Table]) -> Option<f64> {
        let values = rollup.dimensions.iter().map(|dimension| &dimension.value);
        self.rows_of(values, &rollup.joins, rollup.table, step, tables)
    }

    /// How large a rollup gets at a step.
    pub fn estimate(&self, rollup: &Rollup, step: Step, tables: &[Table]) -> Option<Estimate> {
        let rows_a_day = self.rows_of_rollup(rollup, step, tables)? * buckets_a_day(step);
        let each = self.rows_a_day(rollup.table).map(|rows| rows / rows_a_day.max(1.0));
        let states = rollup.states.iter().map(|state| {
            let argument = state.argument.as_ref();
            let kind = Mergeability::of_part(state.part, argument);
            let different = argument.and_then(|value| self.values(value, rollup.table, &rollup.joins, tables));
            let values = match (each, different) {
                // A row has one value, so of many different ones each row has another.
                (Some(rows), Some(different)) if kind == Mergeability::Distinct => {
                    Some(occupied(different, Some(rows)))
                }
                (rows, _) => rows,
            };
            values.map(|values| kind.bytes(values))
        });
        let states: Option<f64> = states.sum();
        let key = KEY_BYTES * (1 + rollup.dimensions.len()) as f64;
        Some(Estimate { rows_a_day, bytes_a_day: states.map(|states| rows_a_day * (key + states)) })
    }
}
