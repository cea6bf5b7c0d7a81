//! The page of the library: every metric with its caliber and with what the oracle compares.
//!
//! `METRICC_UPDATE=1 cargo test --no-default-features --test library_page` writes `docs/library.md` anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use metricc::compile::{Compiled, compile};
use metricc::project::{DiskFiles, Project, load};
use metricc::types::{Grain, Metric};
use metricc::value::time::Step;

const HEAD: &str = "\
<!-- Generated from metrics/ and tests/oracle; `METRICC_UPDATE=1 cargo test --test library_page` writes it anew. -->

# The library

The metrics of an AI image app, in `metrics/`: an example to copy, with sample data in `metrics/samples`
([what is in it](../metrics/samples/README.md)). `metricc explain NAME` prints all that is known of one, with its traps.

Each metric is computed twice over the samples: by the dry run from its definition, and by DuckDB from a query that was
written by hand from the words of the definition (`tests/oracle/NAME.sql`, and loops in Python for cohorts, funnels and the
like). The last column tells in which forms the two are compared, value by value: by buckets of the metric's grain, in total, and
by dimensions; so are the growths that `compare:` makes. A test fails where they differ by more than 1e-9 (or, for what is an
estimate by definition, by more than is told).

";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn library() -> (Project, Compiled) {
    let (project, told) = load(&DiskFiles::new(root()));
    assert!(told.is_empty(), "{told:?}");
    let project = project.expect("the project");
    let (compiled, told) = compile(&project);
    assert!(!told.has_errors(), "{told:?}");
    (project, compiled)
}

/// What is written by hand of each metric: the text by the dimensions, which are empty for none. Loops in `behaviour.py` have no
/// text but say in which forms they answer.
fn oracle(metrics: &[Metric]) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut found: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    let mut add = |name: &str, text: String| {
        let (metric, by) = name.split_once("__").unwrap_or((name, ""));
        found.entry(metric.to_owned()).or_default().insert(by.replace("__", ", "), text);
    };
    let folder = root().join("tests/oracle");
    for file in fs::read_dir(&folder).expect("the folder") {
        let path = file.expect("a file").path();
        let stem = path.file_stem().and_then(|stem| stem.to_str()).expect("a name");
        if path.extension().is_some_and(|extension| extension == "sql") && stem != "prelude" {
            add(stem, fs::read_to_string(&path).expect("a query"));
        }
    }
    let loops = fs::read_to_string(folder.join("behaviour.py")).expect("the loops");
    let apart = loops.split_once("NOT_IN_TOTAL = (").and_then(|(_, rest)| rest.split_once(')')).expect("a list").0;
    let mut topic = "";
    for line in loops.lines() {
        topic = line.strip_prefix("def ").and_then(|rest| rest.split('(').next()).unwrap_or(topic);
        let name = line.trim_start().strip_prefix('"').and_then(|rest| rest.split_once("\":")).map(|(name, _)| name);
        let metric = name.and_then(|name| name.split("__").next());
        if let (Some(name), true) = (name, metrics.iter().any(|m| Some(m.name.as_str()) == metric)) {
            let in_total = !apart.split(", ").any(|one| one == topic);
            add(name, if in_total { " AS time" } else { "-- Not in total AS time" }.to_owned());
        }
    }
    found
}

/// The name of a bucket.
fn bucket(grain: &Grain) -> String {
    match grain {
        Grain::Total => "total".to_owned(),
        Grain::Step(Step::Subday(3_600_000)) => "hour".to_owned(),
        Grain::Step(Step::Subday(ms)) => format!("{} min", ms / 60_000),
        Grain::Step(step) => format!("{step:?}").to_lowercase(),
    }
}

/// What is compared of a metric.
fn compared(metric: &Metric, queries: Option<&BTreeMap<String, String>>) -> String {
    let Some(queries) = queries else { return "–".to_owned() };
    let mut forms = BTreeSet::new();
    let mut within = None;
    for text in queries.values() {
        let bucketed = text.contains(" AS time") && !matches!(metric.grain.last(), Some(Grain::Total));
        if bucketed {
            forms.extend(metric.grain.last().map(bucket));
        }
        if !bucketed || !text.contains("-- Not in total") {
            forms.insert("total".to_owned());
        }
        within =
            within.or_else(|| text.split_once("-- Within ")?.1.split_once(" %").map(|(share, _)| share.to_owned()));
    }
    let mut said = forms.into_iter().collect::<Vec<_>>().join(", ");
    let by: Vec<String> = queries.keys().filter(|by| !by.is_empty()).map(|by| format!("`{by}`")).collect();
    if !by.is_empty() {
        let _ = write!(said, "; by {}", by.join(", "));
    }
    if let Some(share) = within {
        let _ = write!(said, "; within {share} %");
    }
    said
}

/// The first English sentence of a description; of a Chinese one, its first sentence.
fn caliber(doc: &str) -> String {
    let paragraphs: Vec<String> =
        doc.split("\n\n").map(|p| p.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    let first = paragraphs.first().cloned().unwrap_or_default();
    let english = first.rsplit('。').next().unwrap_or_default().trim();
    let is_english = |text: &str| text.chars().next().is_some_and(|c| c.is_ascii());
    let said = if is_english(english) { english } else { paragraphs.get(1).map_or(first.as_str(), String::as_str) };
    let end = said.match_indices(['.', ':']).find(|(at, dot)| said[at + dot.len()..].starts_with(' '));
    end.map_or(said, |(at, _)| &said[..at]).trim_end_matches(['.', '。']).replace('|', "\\|")
}

fn page() -> String {
    let (project, compiled) = library();
    let oracle = oracle(&compiled.model.metrics);
    let mut files: BTreeMap<String, Vec<&Metric>> = BTreeMap::new();
    // What `compare:` makes is told with the metric that it is the growth of, and a rule of quality with its bound.
    for metric in compiled.model.metrics.iter().filter(|metric| !metric.name.as_str().contains('.')) {
        let path = project.sources.file(metric.span.file).path.to_string();
        files
            .entry(path.trim_start_matches("metrics/").trim_end_matches(".metric").to_owned())
            .or_default()
            .push(metric);
    }
    let mut page = HEAD.to_owned();
    for (file, metrics) in files {
        let _ =
            writeln!(page, "## {file}\n\n| metric | title | caliber | compared with the oracle |\n|---|---|---|---|");
        for metric in metrics {
            let (name, title) = (metric.name.as_str(), metric.title_en.as_deref().unwrap_or_default());
            let said = compared(metric, oracle.get(name));
            let _ = writeln!(
                page,
                "| `{name}` | {title} | {} | {said} |",
                caliber(metric.doc.as_deref().unwrap_or_default())
            );
        }
        page.push('\n');
    }
    page.trim_end().to_owned() + "\n"
}

#[test]
fn the_page_of_the_library_is_up_to_date() {
    let (path, page) = (root().join("docs/library.md"), page());
    if std::env::var_os("METRICC_UPDATE").is_some() {
        fs::write(&path, &page).expect("a file");
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(found == page, "run `METRICC_UPDATE=1 cargo test --no-default-features --test library_page`");
}

#[test]
fn a_caliber_is_one_sentence() {
    for (doc, said) in [
        ("GMV：实际支付。\n\nThe sum of what was paid. Traps: none.", "The sum of what was paid"),
        ("付费订单数，按支付时间归期。 Paid orders by the time of payment.", "Paid orders by the time of payment"),
        ("CPU 平均利用率（0～1）。 Mean over all samples: twice.", "Mean over all samples"),
        ("只有中文。", "只有中文"),
    ] {
        assert_eq!(caliber(doc), said);
    }
}

#[test]
fn every_metric_is_computed_by_hand() {
    let (_, compiled) = library();
    let oracle = oracle(&compiled.model.metrics);
    let names = compiled.model.metrics.iter().map(|metric| metric.name.as_str());
    // Growths are of metrics that are; what rules of quality count is computed by hand in tests/quality_clickhouse.rs.
    let missing: Vec<&str> = names.filter(|name| !name.contains('.') && !oracle.contains_key(*name)).collect();
    assert!(missing.is_empty(), "write them into tests/oracle from the words of the definition: {missing:?}");
}
