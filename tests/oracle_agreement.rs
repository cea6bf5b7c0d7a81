//! The dry run against queries written by hand from the definitions' words, run in DuckDB.
#![cfg(feature = "dry-run")]

mod support;

use std::path::{Path, PathBuf};

use metricc::ask::{Asked, question};
use metricc::compile::{Compiled, compile};
use metricc::dry_run::{Data, DryRun, Options};
use metricc::plan::{Lowering, Query, Value};
use metricc::project::{DiskFiles, Project, load};
use metricc::table::{Answer, form};
use metricc::value::time::local;
use serde_json::Value as Json;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn library() -> (Project, Compiled) {
    let (project, _) = load(&DiskFiles::new(root()));
    let project = project.expect("the project");
    let (compiled, told) = compile(&project);
    assert!(!told.has_errors(), "{told:?}");
    (project, compiled)
}

/// The answers of all hand-written queries, by name.
fn oracle() -> serde_json::Map<String, Json> {
    let script = "import json, runpy, sys\narguments = json.load(sys.stdin)\nsys.argv = arguments\nrunpy.run_path(arguments[0], run_name='__main__')";
    let arguments = serde_json::json!([root().join("tests/oracle/run.py"), root().join("metrics/samples")]);
    match support::duckdb::run(script, &arguments) {
        Ok(Json::Object(answers)) => answers,
        other => panic!("the oracle gave no answers: {other:?}"),
    }
}

fn dry_run(lowering: &Lowering<'_>) -> DryRun {
    let mut dry_run = DryRun::new(Options::new(lowering.model.zone)).expect("an engine");
    let samples = root().join("metrics/samples");
    for table in lowering.tables.iter().filter(|table| !table.is_derived()) {
        dry_run.register(table, &Data::Samples(&samples)).unwrap_or_else(|found| panic!("{found:?}"));
    }
    dry_run
}

fn plan(lowering: &Lowering<'_>, project: &mut Project, name: &str, step: Option<&str>) -> Query {
    let mut names = name.split("__").map(str::to_owned);
    let asked = Asked {
        metrics: names.next().into_iter().collect(),
        step: step.map(str::to_owned),
        by: names.collect(),
        ..Asked::default()
    };
    question(lowering.model, &asked, &mut project.sources)
        .and_then(|question| lowering.lower(&question))
        .unwrap_or_else(|found| panic!("{name}: {found:?}"))
}

/// A value as the oracle writes it.
fn cell(answer: &Answer, row: usize, column: usize) -> Json {
    match &answer.rows[row][column] {
        Value::Null => Json::Null,
        Value::Timestamp(ms) if column == 0 && answer.step.is_some() => {
            local(*ms, answer.zone).format("%Y-%m-%d %H:%M:%S").to_string().into()
        }
        Value::Timestamp(ms) => local(*ms, answer.zone).format("%Y-%m-%d %H:%M:%S%.3f").to_string().into(),
        Value::Int(value) | Value::Duration(value) => (*value).into(),
        Value::Float(value) => (*value).into(),
        Value::Bool(value) => (*value).into(),
        Value::String(text) => text.clone().into(),
        Value::Date(days) => form::date(*days).into(),
        Value::Decimal(_) => answer.text(row, column).into(),
    }
}

/// Whether two cells agree; `within` is the share by which an estimate may be off.
fn same(expected: &Json, got: &Json, within: f64) -> bool {
    let number = |value: &Json| match value {
        Json::Number(number) => number.as_f64(),
        Json::String(text) => text.parse::<f64>().ok(),
        _ => None,
    };
    let exact = |value: &Json| !matches!(value, Json::Number(number) if number.is_f64());
    match (number(expected), number(got)) {
        // A float on either side: equal within 1e-9.
        (Some(a), Some(b)) if within > 0.0 || !exact(expected) || !exact(got) => {
            (a - b).abs() <= within.max(1e-9) * a.abs().max(b.abs())
        }
        (Some(_), Some(_)) => trimmed(expected) == trimmed(got),
        _ => expected == got,
    }
}

/// Digits without the zeros that a scale adds.
fn trimmed(value: &Json) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// The rows of an answer as the oracle writes them.
fn rows(answer: &Answer) -> Vec<Vec<Json>> {
    let row = |row| (0..answer.columns.len()).map(|column| cell(answer, row, column)).collect();
    (0..answer.rows.len()).map(row).collect()
}

/// The first difference, if there is any. Of a row, all cells but the last are its key.
fn difference(expected: &Json, mut got: Vec<Vec<Json>>, within: f64) -> Option<String> {
    let mut expected: Vec<Vec<Json>> =
        expected.as_array().expect("rows").iter().map(|row| row.as_array().expect("cells").clone()).collect();
    let key = |row: &Vec<Json>| row[..row.len() - 1].iter().map(ToString::to_string).collect::<Vec<_>>();
    got.sort_by_key(key);
    expected.sort_by_key(key);
    let agree = |a: &[Json], b: &[Json]| {
        let (Some((a, keys_a)), Some((b, keys_b))) = (a.split_last(), b.split_last()) else { return false };
        keys_a.len() == keys_b.len() && keys_a.iter().zip(keys_b).all(|(a, b)| same(a, b, 0.0)) && same(a, b, within)
    };
    if got.len() == expected.len() && expected.iter().zip(&got).all(|(a, b)| agree(a, b)) {
        return None;
    }
    let first = expected.iter().zip(&got).find(|(a, b)| !agree(a, b));
    Some(format!("{} rows expected, {} came; first difference {first:?}", expected.len(), got.len()))
}

#[test]
fn the_dry_run_agrees_with_every_query_written_by_hand() {
    support::engine!("duckdb");
    let (mut project, compiled) = library();
    let lowering = Lowering::new(&compiled.model);
    let dry_run = dry_run(&lowering);
    let (mut wrong, mut compared) = (Vec::new(), 0);
    for (name, expected) in &oracle() {
        let within = expected["within"].as_f64().expect("a share");
        for (form, step) in [("rows", None), ("total", Some("none"))] {
            let Some(expected) = expected.get(form) else { continue };
            let query = plan(&lowering, &mut project, name, step);
            let answer = dry_run.run(&query).unwrap_or_else(|found| panic!("{name}, {form}: {found:?}"));
            compared += 1;
            wrong.extend(difference(expected, rows(&answer), within).map(|found| format!("{name}, {form}: {found}")));
        }
    }
    assert!(wrong.is_empty(), "{} of {compared} disagree:\n{}", wrong.len(), wrong.join("\n"));
    assert!(compared >= 300, "{compared}");
}
