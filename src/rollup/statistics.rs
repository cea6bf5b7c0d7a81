//! What is known of the data: from samples, never exact.

use crate::plan::{DataType, Expr, ExprKind, Function, Input, Join, Table};
use crate::value::time::DAY_MS;

/// The statistics of a project's tables, by their places; none where there is no sample.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Statistics {
    /// By table.
    pub tables: Vec<Option<TableStatistics>>,
}

/// What is known of a table. A sample tells of values: how many rows come, somebody must say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TableStatistics {
    /// By column, in their order: how many different values there are, nulls not counted. Empty without a sample.
    pub distinct: Vec<u64>,
    /// How many rows come a day, where somebody has told.
    pub rows_a_day: Option<u64>,
}

impl Statistics {
    /// Of a table.
    pub fn table(&self, place: usize) -> Option<&TableStatistics> {
        self.tables.get(place)?.as_ref()
    }

    /// How many rows come into a table a day, where somebody has told.
    pub fn rows_a_day(&self, place: usize) -> Option<f64> {
        self.table(place)?.rows_a_day.map(|rows| rows as f64)
    }

    /// Takes in how many rows a table has a day.
    pub fn set_rows_a_day(&mut self, place: usize, rows: u64) {
        if self.tables.len() <= place {
            self.tables.resize(place + 1, None);
        }
        self.tables[place].get_or_insert_default().rows_a_day = Some(rows);
    }

    /// About how many different values an expression over the rows of a table has; none where nothing is known.
    pub fn values(&self, expr: &Expr, table: usize, joins: &[Join], tables: &[Table]) -> Option<f64> {
        let own = |expr: &Expr| self.values(expr, table, joins, tables);
        match &expr.kind {
            ExprKind::Column { input, name } => {
                let of = match input {
                    Input::Base => table,
                    Input::Join(at) => joins.get(*at)?.table,
                    Input::Answer(_) | Input::Output => return None,
                };
                self.column(of, name, tables)
            }
            ExprKind::Literal(_) => Some(1.0),
            ExprKind::Measure(_) | ExprKind::Bucket | ExprKind::Steps { .. } => None,
            ExprKind::Call(function, arguments) => match (function, &expr.ty) {
                (Function::HourOf, _) => Some(24.0),
                (Function::DayOfWeek, _) => Some(7.0),
                (Function::MonthOf, _) => Some(12.0),
                (Function::QuarterOf, _) => Some(4.0),
                (_, DataType::Bool) => Some(2.0),
                // With a value for null there is one more.
                (Function::Coalesce, _) => Some(arguments.iter().filter_map(own).sum()),
                _ => arguments.iter().map(own).try_fold(1.0, |all, one| Some(all * one?)),
            },
            ExprKind::Case { branches, otherwise } => {
                let values = branches.iter().map(|(_, value)| value).chain(otherwise.as_deref());
                values.map(own).try_fold(0.0, |all, one| Some(all + one?))
            }
            ExprKind::Sql { arguments, .. } => arguments.iter().map(own).try_fold(1.0, |all, one| Some(all * one?)),
        }
    }

    fn column(&self, table: usize, name: &str, tables: &[Table]) -> Option<f64> {
        let columns = &tables.get(table)?.columns;
        let place = columns.iter().position(|column| column.name == name)?;
        let counted = self.table(table).and_then(|known| known.distinct.get(place)).map(|count| *count as f64);
        let domain = columns[place].domain.len();
        let known = match columns[place].ty {
            _ if domain > 0 => Some(counted.map_or(domain as f64, |count| count.min(domain as f64))),
            DataType::Bool => Some(2.0),
            _ => counted,
        };
        known.map(|count| count.max(1.0) + if columns[place].nullable { 1.0 } else { 0.0 })
    }
}

/// About how many of `cells` combinations occur among so many rows, if all are equally likely; all, where it is not known how
/// many rows there are.
pub fn occupied(cells: f64, rows: Option<f64>) -> f64 {
    match rows {
        None => cells,
        Some(rows) if cells <= 1.0 => cells.min(rows),
        Some(rows) => cells * (1.0 - (-rows / cells).exp()),
    }
}

/// Buckets a day.
pub fn buckets_a_day(step: crate::plan::Step) -> f64 {
    match step {
        crate::plan::Step::Subday(ms) => DAY_MS as f64 / ms as f64,
        _ => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_rows_leave_cells_empty() {
        assert!((occupied(10.0, Some(1_000.0)) - 10.0).abs() < 0.01);
        assert!((occupied(1_000_000.0, Some(100.0)) - 100.0).abs() < 0.01);
        assert_eq!(occupied(1.0, Some(0.5)), 0.5);
    }
}
