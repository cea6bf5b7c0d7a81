//! The project's own library: that it compiles, says what it must, and fits its samples and its oracle.

mod support;

use std::path::{Path, PathBuf};

use metricc::compile::compile;
use metricc::diagnostic::Severity;
use metricc::emit;
use metricc::project::{DiskFiles, load};
use metricc::sample::{self, Kind};
use metricc::types::{Column, Dimension, Encoding, Grain, Metric, Model, Type};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn library() -> Model {
    let (project, told) = load(&DiskFiles::new(root()));
    assert!(told.is_empty(), "{told:?}");
    let (compiled, told) = compile(&project.expect("the project"));
    let wrong: Vec<_> = told.iter().filter(|found| found.severity() != Severity::Lint).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    compiled.model
}

#[test]
fn every_metric_says_what_it_is() {
    let model = library();
    assert!(model.metrics.len() >= 290 && model.tests.len() >= 100);
    // Rules of quality have what their declaration says.
    let of_rules = |metric: &&Metric| model.qualities.iter().any(|quality| metric.span == quality.span);
    for metric in model.metrics.iter().filter(|metric| !of_rules(metric)) {
        let name = metric.name.as_str();
        let doc = metric.doc.as_deref().unwrap_or_default();
        assert!(doc.len() > 20, "{name} has no description");
        let said = metric.title.is_some() && metric.title_en.is_some() && metric.tier.is_some();
        assert!(said && metric.owner.is_some() && metric.better.is_some(), "{name}");
        let total = metric.grain.iter().all(|grain| matches!(grain, Grain::Total));
        assert!(!metric.by.is_empty() || total, "{name} has no dimensions");
    }
    for quality in &model.qualities {
        let name = quality.name.as_str();
        assert!(quality.doc.is_some() && quality.title.is_some() && quality.owner.is_some(), "{name}");
    }
    // What a table of behaviour has, such as `signup.age`, is told of by the table.
    let declared = |dimension: &&Dimension| !dimension.name.value.contains('.');
    assert!(model.dimensions.iter().filter(declared).all(|dimension| dimension.title.is_some()));
}

#[test]
fn its_dashboards_have_the_types_of_grafana() {
    support::engine!("grafana");
    let (project, _) = load(&DiskFiles::new(root()));
    let project = project.expect("the project");
    let (compiled, _) = compile(&project);
    let (input, told) = emit::with_changes(&project, &compiled);
    assert!(!told.has_errors(), "{told:?}");
    let (emitted, told) = emit::emit(&input, project.target("grafana").expect("a target"));
    assert!(!told.has_errors(), "{told:?}");
    let dashboards = emitted.artifacts.iter().filter(|artifact| artifact.path.starts_with("grafana/dashboards/"));
    let dashboards: Vec<serde_json::Value> =
        dashboards.map(|artifact| serde_json::from_str(&artifact.text).expect("JSON")).collect();
    let titles: Vec<&str> = dashboards.iter().filter_map(|one| one["title"].as_str()).collect();
    assert_eq!(titles, ["业务看板", "运营看板", "经营总览", "技术看板", "用户看板"]);
    assert_eq!(support::grafana::type_errors(&dashboards.iter().collect::<Vec<_>>()), [""; 0]);
}

/// What a stored column looks like in a file.
fn kind(column: &Column) -> Kind {
    match (&column.ty.ty, column.encoding) {
        (Type::Timestamp, Encoding::Native) => Kind::Timestamp,
        (Type::Timestamp, Encoding::Milliseconds) => Kind::TimestampMs,
        (Type::Duration, _) => Kind::DurationMs,
        (Type::Int, _) => Kind::Int,
        (Type::Float, _) => Kind::Float,
        (Type::Bool, _) => Kind::Bool,
        (Type::Decimal { precision, scale }, _) => Kind::Decimal { precision: *precision, scale: *scale },
        (Type::Map(_), _) => Kind::Map,
        _ => Kind::Text,
    }
}

#[test]
fn the_samples_have_the_declared_columns() {
    let model = library();
    let stored: Vec<_> = model.tables.iter().filter(|table| !table.is_derived()).collect();
    assert_eq!(stored.len(), sample::tables().len());
    for table in stored {
        let name = table.name.as_str();
        let made = sample::table(name).expect("a table of this name");
        assert_eq!(table.sample.as_deref(), Some(format!("{}.csv", made.file).as_str()), "{name}");
        let declared: Vec<_> = table
            .columns
            .iter()
            .filter(|column| column.computed.is_none())
            .map(|column| (column.name.as_str().to_owned(), kind(column), column.ty.nullable))
            .collect();
        let columns: Vec<_> =
            made.columns.iter().map(|column| (column.name.to_owned(), column.kind, column.nullable)).collect();
        assert_eq!(columns, declared, "{name}");
    }
}

/// The hand-written queries: `METRIC`, or `METRIC__DIMENSION`.
fn oracle() -> Vec<(String, Option<String>)> {
    let files = std::fs::read_dir(root().join("tests/oracle")).expect("the folder");
    let mut found = Vec::new();
    for path in files.map(|file| file.expect("a file").path()) {
        let stem = path.file_stem().and_then(|stem| stem.to_str()).expect("a name");
        if path.extension().is_some_and(|extension| extension == "sql") && stem != "prelude" {
            let (metric, by) = stem.split_once("__").map_or((stem, None), |(metric, by)| (metric, Some(by)));
            found.push((metric.to_owned(), by.map(str::to_owned)));
        }
    }
    found.sort();
    found
}

#[test]
fn the_oracle_speaks_of_metrics_and_dimensions_that_exist() {
    let model = library();
    let queries = oracle();
    for (metric, by) in &queries {
        assert!(model.metrics.iter().any(|m| m.name.as_str() == metric), "{metric}: no such metric");
        if let Some(by) = by {
            assert!(model.dimensions.iter().any(|d| d.name.as_str() == by), "{metric}__{by}: no such dimension");
        }
    }
    assert!(queries.len() >= 150);
}
