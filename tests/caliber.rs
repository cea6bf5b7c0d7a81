//! Calibers: whatever leaves the numbers as they are leaves the effective fingerprint, and whatever may change them changes it.
//!
//! `METRICC_CALIBERS=5000` tries more random programs, `METRICC_SEED=17` starts at another one.

#[path = "caliber/program.rs"]
mod program;
#[path = "caliber/write.rs"]
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use metricc::caliber::{Caliber, Fingerprint, calibers};
use metricc::compile::compile;
use metricc::lineage::Kind;
use metricc::project::{DiskFiles, MemoryFiles, Project, load};

use program::Program;
use write::Style;

fn setting(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} is not a number")),
        Err(_) => default,
    }
}

fn seeds() -> std::ops::Range<u64> {
    let (first, count) = (setting("METRICC_SEED", 1), setting("METRICC_CALIBERS", 60));
    first..first + count
}

fn project(files: &[(String, String)]) -> Project {
    let mut all = MemoryFiles::new().with("metricc.yaml", "name: random\ntimezone: Asia/Shanghai\nunits: [CNY]\n");
    for (path, text) in files {
        all = all.with(path, text.as_str());
    }
    load(&all).0.expect("a project")
}

fn of(project: &Project) -> Vec<Caliber> {
    let (compiled, found) = compile(project);
    let errors: Vec<String> = found
        .iter()
        .filter(|one| one.severity() == metricc::diagnostic::Severity::Error)
        .map(|one| format!("{} {} in {:?}", one.code, one.message, one.span.map(|span| project.sources.text(span))))
        .collect();
    let text: String = project.files.iter().map(|file| project.sources.file(*file).text.as_str()).collect();
    assert!(errors.is_empty(), "{errors:#?}\n{text}");
    calibers(&compiled.files, &compiled.model)
}

fn of_files(files: &[(String, String)]) -> Vec<Caliber> {
    of(&project(files))
}

/// The effective fingerprints of all metrics.
fn effective(calibers: &[Caliber]) -> BTreeMap<String, Fingerprint> {
    let metrics = calibers.iter().filter(|one| one.kind == Kind::Metric);
    metrics.map(|one| (one.name.clone(), one.effective)).collect()
}

fn joined(files: &[(String, String)]) -> String {
    files.iter().map(|(path, text)| format!("// {path}\n{text}")).collect()
}

#[test]
fn refactorings_keep_the_effective_fingerprint() {
    for seed in seeds() {
        let program = Program::random(seed);
        let plain = program.files(&mut Style::plain());
        let before = effective(&of_files(&plain));
        assert!(!before.is_empty());
        for again in 0..3 {
            let other = program.files(&mut Style::refactored(seed * 31 + again));
            let after = effective(&of_files(&other));
            let moved: Vec<&String> =
                before.iter().filter(|(name, one)| after.get(*name) != Some(one)).map(|(name, _)| name).collect();
            assert!(moved.is_empty(), "METRICC_SEED={seed}: {moved:?}\n{}\n----\n{}", joined(&plain), joined(&other));
        }
    }
}

#[test]
fn mutations_change_the_fingerprints_of_exactly_what_uses_them() {
    let mut kinds: BTreeSet<&'static str> = BTreeSet::new();
    for seed in seeds() {
        let program = Program::random(seed);
        let plain = program.files(&mut Style::plain());
        let before = effective(&of_files(&plain));
        for again in 0..4 {
            let (mutant, what, touched) = program.mutated(seed * 17 + again);
            kinds.insert(what);
            // Written in another way at the same time: one does not hide the other.
            let other = mutant.files(&mut Style::refactored(seed * 13 + again));
            let after = effective(&of_files(&other));
            let moved: BTreeSet<&str> = (before.iter())
                .filter(|(name, one)| after.get(*name) != Some(one))
                .map(|(name, _)| name.as_str())
                .collect();
            let wanted: BTreeSet<&str> = touched.iter().map(String::as_str).collect();
            assert_eq!(moved, wanted, "METRICC_SEED={seed}, {what}\n{}\n----\n{}", joined(&plain), joined(&other));
        }
    }
    let all = [
        "aggregate",
        "another constant",
        "another column",
        "another operator",
        "condition left out",
        "key",
        "rows",
        "window",
        "where in a formula",
        "arithmetic",
    ];
    for kind in all {
        assert!(kinds.contains(kind), "never tried: {kind}, but {kinds:?}");
    }
}

#[test]
fn the_same_program_has_the_same_calibers_in_any_order_of_files() {
    let files = DiskFiles::new(Path::new(env!("CARGO_MANIFEST_DIR")));
    let library = load(&files).0.expect("the library");
    let key = |one: &Caliber| (one.kind, one.name.clone(), one.version, one.own, one.effective, one.form.clone());
    let before: Vec<_> = of(&library).iter().map(key).collect();
    assert!(before.len() > 500, "{}", before.len());

    // All declarations in one file, the last one first, without what stands before them.
    let (compiled, _) = compile(&library);
    let spans: Vec<_> = compiled.files.iter().flat_map(|file| &file.declarations).map(|one| one.span).collect();
    let text: String = spans.iter().rev().map(|span| format!("{}\n\n", library.sources.text(*span))).collect();
    let config = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("metricc.yaml")).expect("readable");
    let other = MemoryFiles::new().with("metricc.yaml", config.as_str()).with("metrics/all.metric", text.as_str());
    let after: Vec<_> = of(&load(&other).0.expect("a project")).iter().map(key).collect();
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before, after);
    }
    assert_eq!(before.len(), after.len());
}

#[test]
fn no_two_metrics_of_the_library_are_one() {
    let files = DiskFiles::new(Path::new(env!("CARGO_MANIFEST_DIR")));
    let found = metricc::caliber::duplicates(&of(&load(&files).0.expect("the library")));
    assert!(found.is_empty(), "{found:#?}");
}

const TABLES: &str = r#"
entity user {
  table: "dim.user"
  key: user_id
  column user_id: string
  column province: string?
}
source event {
  table: "dwd.event"
  key: event_id
  time: at
  column event_id: string
  column at: timestamp
  column seen_at: timestamp?
  column user_id: user?
  column n: int
  column cost: decimal(12,2)
  column took: duration(ms)?
  column device: string
  column is_test: bool?
  column large: bool = n > 100
}
source log {
  table: "dwd.log"
  time: at
  column at: timestamp
  column device: string
}
dimension device = event.device | log.device
subset real = event where not (is_test ?? false)
metric events = count(event) { grain: 1d }
"#;

/// The effective fingerprints of two formulas.
fn pair(one: &str, other: &str) -> (Fingerprint, Fingerprint) {
    let text = format!("{TABLES}\nmetric one = {one} {{ grain: 1d }}\nmetric other = {other} {{ grain: 1d }}\n");
    let found = effective(&of_files(&[("metrics/a.metric".to_owned(), text)]));
    (found["one"], found["other"])
}

#[test]
fn formulas_that_mean_the_same_are_one() {
    let same = [
        ("p50(n from event)", "quantile(n from event, 0.5)"),
        ("count(event where n > 2 + 3)", "count(event where 5 < n)"),
        ("count(event where cost >= 1.5)", "count(event where not (cost < 1.50))"),
        ("count(event where took > 60m)", "count(event where 1h < took)"),
        ("events over 7d", "count(event) over 1w"),
        ("count(event dated at)", "events"),
        ("count(event where hour(at) = 3)", "count(event where hour(time) = 3)"),
        ("count(event where large)", "count(event where n > 100)"),
        ("count(real where n = 1)", "count(event where n = 1 and not (is_test ?? false))"),
        ("count(event where n = 1 or n = 2)", "count(event where n in (2, 1))"),
        ("count(event where n != 1 and n != 2)", "count(event where n not in (1, 2))"),
        ("count(event where n between 1 and 3)", "count(event where n >= 1 and 3 >= n)"),
        ("sum(if(n > 1, cost, 0) from event)", "sum(case when 1 < n then cost else 0 end from event)"),
        ("(events where device = \"a\") where device != \"b\"", "events where (device != \"b\" and device = \"a\")"),
        ("events / events across device", "events / count(event) across (device)"),
        ("avg(count(event) per (user_id, device))", "avg(events per (device, user_id))"),
        ("count((event | log))", "count((log | event))"),
        ("count(event where n - 1 > 5)", "count(event where -1 + n > 5)"),
        ("count(event where user_id.province = \"x\")", "count(event where \"x\" = user_id.province)"),
    ];
    for (one, other) in same {
        let (a, b) = pair(one, other);
        assert_eq!(a, b, "{one}   {other}");
    }
}

#[test]
fn formulas_that_mean_something_else_are_not_one() {
    let different = [
        ("count(event)", "count(raw event)"),
        ("count(event)", "count(log)"),
        ("count(event)", "distinct(event_id from event)"),
        ("count(event)", "count(event where is_test or not is_test)"),
        ("count(event where n < 5)", "count(event where n <= 5)"),
        ("count(event where not is_test)", "count(event where not (is_test ?? false))"),
        ("count(event dated seen_at)", "count(event)"),
        ("p50(n from event)", "quantile_disc(n from event, 0.5)"),
        ("distinct(user_id from event)", "approx_distinct(user_id from event)"),
        ("events over 7d", "events ago 7d"),
        ("events over month", "events over month to date"),
        ("events / events over 7d", "events over 7d / events"),
        ("events / events across device", "events / events"),
        ("first(n from event)", "last(n from event)"),
        ("sum(n from event)", "sum(n from event at last 1d)"),
        ("sum(n from event at last 1d)", "sum(n from event at last 1d per user_id)"),
        ("avg(count(event) per user_id)", "avg(count(event) per device)"),
        ("avg(count(event) per user_id)", "avg(count(event) per user_id where value > 1)"),
        ("count((first of real per user_id) where n > 5)", "count(first of (real where n > 5) per user_id)"),
        ("count((event | log))", "count((event | event))"),
        ("count(event where user_id.province = \"x\")", "count(event where device = \"x\")"),
        ("sum(cost from event)", "sum(round(cost) from event)"),
        ("max(cast(device as int) from event)", "max(cast(device as decimal(18,2)) from event)"),
        ("sum(cost + cast(1.25 as decimal(3,1)) from event)", "sum(cost + 1.25 from event)"),
        ("rate(events, 1s)", "rate(events, 1m)"),
        ("events where device = \"1\"", "events where device = \"2\""),
        ("count(event where n - 1 > 5)", "count(event where 1 - n > 5)"),
        ("count(event where n + n > 5)", "count(event where n > 5)"),
        ("count(event where n > 1 or large and n < 9)", "count(event where (n > 1 or large) and n < 9)"),
    ];
    for (one, other) in different {
        let (a, b) = pair(one, other);
        assert_ne!(a, b, "{one}   {other}");
    }
}
