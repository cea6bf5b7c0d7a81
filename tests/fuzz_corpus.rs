//! Every file of the fuzzers' corpus, run through what the fuzzers assert.
//!
//! A file that broke something once stays in `tests/fuzz/corpus` under a name that says what it is; the others are named by
//! their hash.

#[path = "fuzz/invariants.rs"]
mod invariants;

use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::{fs, io};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz")
}

/// The corpus of a target, by path.
fn corpus(target: &str) -> io::Result<Vec<(PathBuf, Vec<u8>)>> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder().join("corpus").join(target))?
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<_>>()?;
    paths.sort();
    paths.into_iter().map(|path| fs::read(&path).map(|bytes| (path, bytes))).collect()
}

/// Runs all files of a target; tells all that fail.
fn run(target: &str, holds: fn(&[u8])) {
    let corpus = corpus(target).expect("a corpus");
    let (count, size) = (corpus.len(), corpus.iter().map(|(_, bytes)| bytes.len()).sum::<usize>());
    let failed: Vec<PathBuf> =
        corpus.into_iter().filter(|(_, bytes)| catch_unwind(|| holds(bytes)).is_err()).map(|(path, _)| path).collect();
    assert!(failed.is_empty(), "{failed:?}");
    assert!((20..=80).contains(&count) && size < 100_000, "{count} files with {size} bytes: keep the corpus small");
}

#[test]
fn parse() {
    run("parse", invariants::parse);
}

#[test]
fn format() {
    run("format", |bytes| {
        invariants::format(bytes);
    });
}

#[test]
fn check() {
    run("check", invariants::check);
}

#[test]
fn config() {
    run("config", invariants::config);
}

/// A corpus of nothing but errors would say little.
#[test]
fn much_of_the_corpus_is_right() {
    let formatted = corpus("format").expect("a corpus").iter().filter(|(_, bytes)| invariants::format(bytes)).count();
    assert!(formatted >= 10, "{formatted} files can be formatted");
    let built = corpus("check").expect("a corpus").iter().filter(|(_, bytes)| invariants::is_built(bytes)).count();
    assert!(built >= 10, "{built} projects can be built");
}
