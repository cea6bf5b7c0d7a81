//! What a run leaves for its summary: tests that were not run, and how long the slow parts took.
//!
//! Both are files in cargo's folder for test files, one line an entry; `.ci/run` removes them before the tests and sums them up after.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

const NOT_RUN: &str = "not-run.tsv";
const DURATIONS: &str = "durations.tsv";

/// Counts a test as not run.
pub fn not_run(test: &str, reason: &str) {
    append(NOT_RUN, &format!("{reason}\t{test}\n"));
    eprintln!("not run: {test} ({reason})");
}

/// Notes the time from its making to its end under a name. Names need not be unique.
pub struct Timer {
    name: String,
    start: Instant,
}

impl Timer {
    pub fn start(name: impl Into<String>) -> Timer {
        Timer { name: name.into(), start: Instant::now() }
    }

    pub fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        let name = self.name.replace(['\t', '\n'], " ");
        append(DURATIONS, &format!("{}\t{name}\n", self.start.elapsed().as_millis()));
    }
}

/// The name that the harness gave to the running test.
pub fn current_test() -> String {
    std::thread::current().name().unwrap_or("unnamed").to_owned()
}

/// The folder where this run leaves its files.
pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
}

/// One `write` of a whole line in append mode: lines of parallel tests do not mix.
fn append(file: &str, line: &str) {
    let path = folder().join(file);
    let result =
        OpenOptions::new().create(true).append(true).open(&path).and_then(|mut file| file.write_all(line.as_bytes()));
    if let Err(error) = result {
        panic!("cannot write {}: {error}", path.display());
    }
}
