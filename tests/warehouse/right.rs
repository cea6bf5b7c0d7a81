//! The dry run over the rows that came into a warehouse, and whether every view says the same.

use metricc::dry_run::{Data, DryRun, Options};
use metricc::plan::{DataType, OutputColumn, StoredColumn, Table};
use metricc::table::Answer;

use super::{Row, Warehouse};
use crate::support::answers::{self, Rows};

/// Asserts that every view of a metric has the rows of the dry run, value by value.
pub fn agrees(warehouse: &Warehouse) {
    agrees_with(warehouse, answers(warehouse));
}

/// The same where the answers of the dry run are known.
pub fn agrees_with(warehouse: &Warehouse, answers: Vec<(String, Answer)>) {
    let mut wrong = Vec::new();
    for (view, (_, answer)) in warehouse.input.metrics.iter().zip(answers) {
        let name = format!("{}__{}", metricc::emit::view_name(&view.name), view.grain());
        let mut right = Rows::new();
        for row in answer.rows {
            answers::put(&mut right, row, answer.keys);
        }
        let columns: Vec<OutputColumn> = view.query.columns();
        let select = format!("SELECT * FROM metrics.{name}");
        match answers::clickhouse(&warehouse.session, &select, &columns, answer.keys) {
            Ok(found) if answers::same(&right, &found) => {}
            Ok(found) => wrong.push(format!("{name}: {right:?} is right, {found:?} came")),
            Err(error) => wrong.push(format!("{name}: {error}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Asserts the same for rows of each table other than those that came.
pub fn agrees_over(warehouse: &Warehouse, rows: &dyn Fn(&str) -> Vec<Row>) {
    agrees_with(warehouse, answers_over(warehouse, rows));
}

/// The answers of the dry run, by the name and the grain of each metric.
pub fn answers(warehouse: &Warehouse) -> Vec<(String, Answer)> {
    answers_over(warehouse, &|table| warehouse.came(table))
}

fn answers_over(warehouse: &Warehouse, rows: &dyn Fn(&str) -> Vec<Row>) -> Vec<(String, Answer)> {
    let run = dry_run(warehouse, rows);
    let of = |view: &metricc::emit::MetricView| {
        let answer = run.run(&view.query).unwrap_or_else(|found| panic!("{}: {}", view.name, super::text(&found)));
        (view.name.clone(), answer)
    };
    warehouse.input.metrics.iter().map(of).collect()
}

/// The dry run over the rows that came.
pub fn dry_run_over_what_came(warehouse: &Warehouse) -> DryRun {
    dry_run(warehouse, &|table| warehouse.came(table))
}

fn dry_run(warehouse: &Warehouse, rows: &dyn Fn(&str) -> Vec<Row>) -> DryRun {
    let folder = tempfile::tempdir().expect("a folder");
    let mut run = DryRun::new(Options::new(warehouse.input.zone)).expect("an engine");
    for table in warehouse.input.tables.iter() {
        let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
        let mut text = names.join(",") + "\n";
        for row in rows(&table.name) {
            text.push_str(&line(&row, table));
        }
        std::fs::write(folder.path().join(format!("{}.csv", table.name)), text).expect("a file");
        let named = metricc::plan::Table { sample: Some(format!("{}.csv", table.name)), ..table.clone() };
        run.register(&named, &Data::Samples(folder.path())).unwrap_or_else(|found| panic!("{}", super::text(&found)));
    }
    run
}

fn line(row: &Row, table: &Table) -> String {
    let cell = |(cell, column): (&Option<String>, &StoredColumn)| {
        let Some(text) = cell else { return String::new() };
        // A list is a literal of the engine, and JSON in a sample.
        let text = if matches!(column.ty, DataType::Array(_)) { text.replace('\'', "\"") } else { text.clone() };
        format!("\"{}\"", text.replace('"', "\"\""))
    };
    row.iter().zip(&table.columns).map(cell).collect::<Vec<_>>().join(",") + "\n"
}
