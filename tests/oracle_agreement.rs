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
    for table in lowering.tables.iter() {
        dry_run.register(table, &Data::Samples(&samples)).unwrap_or_else(|found| panic!("{found:?}"));
    }
    dry_run
}

fn plan(lowering: &Lowering<'_>, project: &mut Project, name: &str) -> Query {
    let (metric, by) = name.split_once("__").map_or((name, None), |(metric, by)| (metric, Some(by)));
    let asked =
        Asked { metrics: vec![metric.to_owned()], by: by.map(str::to_owned).into_iter().collect(), ..Asked::default() };
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

fn same(expected: &Json, got: &Json) -> bool {
    let number = |value: &Json| match value {
        Json::Number(number) => number.as_f64(),
        Json::String(text) => text.parse::<f64>().ok(),
        _ => None,
    };
    let exact = |value: &Json| !matches!(value, Json::Number(number) if number.is_f64());
    match (number(expected), number(got)) {
        // A float on either side: equal within 1e-9.
        (Some(a), Some(b)) if !exact(expected) || !exact(got) => (a - b).abs() <= 1e-9 * a.abs().max(b.abs()),
        (Some(_), Some(_)) => trimmed(expected) == trimmed(got),
        _ => expected == got,
    }
}

/// Digits without the zeros that a scale adds.
fn trimmed(value: &Json) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[test]
fn the_dry_run_agrees_with_every_query_written_by_hand() {
    support::engine!("duckdb");
    let (mut project, compiled) = library();
    let lowering = Lowering::new(&compiled.model);
    let dry_run = dry_run(&lowering);
    let mut wrong = Vec::new();
    let answers = oracle();
    for (name, expected) in &answers {
        let answer =
            dry_run.run(&plan(&lowering, &mut project, name)).unwrap_or_else(|found| panic!("{name}: {found:?}"));
        let mut got: Vec<Vec<Json>> = (0..answer.rows.len())
            .map(|row| (0..answer.columns.len()).map(|column| cell(&answer, row, column)).collect())
            .collect();
        let mut expected: Vec<Vec<Json>> =
            expected.as_array().expect("rows").iter().map(|row| row.as_array().expect("cells").clone()).collect();
        let key = |row: &Vec<Json>| row[..row.len() - 1].iter().map(ToString::to_string).collect::<Vec<_>>();
        got.sort_by_key(key);
        expected.sort_by_key(key);
        let agree = got.len() == expected.len()
            && got.iter().zip(&expected).all(|(a, b)| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(b, a)));
        if !agree {
            let first = expected.iter().zip(&got).find(|(a, b)| !a.iter().zip(*b).all(|(a, b)| same(a, b)));
            wrong.push(format!(
                "{name}: {} rows expected, {} came; first difference {first:?}",
                expected.len(),
                got.len()
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {} disagree:\n{}", wrong.len(), answers.len(), wrong.join("\n"));
    assert!(answers.len() >= 100, "{}", answers.len());
}
