//! Without the dry run: what the views of a warehouse say, for tests that know themselves what is right.

use metricc::table::Answer;

use super::Warehouse;
use crate::support::answers;

/// There is nothing to compare the views with.
pub fn agrees(_: &Warehouse) {}

/// The answers are those of the views.
pub fn agrees_with(_: &Warehouse, _: Vec<(String, Answer)>) {}

/// The answers of the views, by the name of each metric.
///
/// # Panics
/// If a view does not answer.
pub fn answers(warehouse: &Warehouse) -> Vec<(String, Answer)> {
    let of = |view: &metricc::emit::MetricView| {
        let (name, columns) =
            (format!("{}__{}", metricc::emit::view_name(&view.name), view.grain()), view.query.columns());
        let select = format!("SELECT * FROM metrics.{name} ORDER BY ALL");
        let rows = answers::clickhouse_rows(&warehouse.session, &select, &columns);
        let rows = rows.unwrap_or_else(|error| panic!("{name}: {error}"));
        let keys = columns.len() - view.query.metrics.len();
        (view.name.clone(), Answer { columns, keys, rows, zone: warehouse.input.zone, step: view.query.step })
    };
    warehouse.input.metrics.iter().map(of).collect()
}
