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
            let moved: Vec<&String> = before.iter().filter(|(name, one)| after.get(*name) != Some(one)).map(|(name, _)| name).collect();
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
    let all = ["aggregate", "another constant", "another column", "another operator", "condition left out", "key", "rows", "window", "where in a formula", "arithmetic"];
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
