//! Questions of behaviour in the dry run against SQL by hand in DuckDB: a retention triangle, a funnel of four steps, and the edges of
//! paths over 10 million events. Both answers must be the same.
//!
//! `cargo bench --bench behaviour` (`METRICC_BENCH_ROWS` for another number of events). DuckDB is had as for the tests.

#[path = "../tests/support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// How often each question is asked; the least time counts.
const ASKS: usize = 3;

/// A question: its name in the script of DuckDB, and what the program is asked.
const QUESTIONS: [(&str, &[&str]); 3] = [
    ("triangle", &["triangle", "--by", "age"]),
    ("funnel", &["looked", "chosen", "in_basket", "paid"]),
    ("paths", &["edges", "--by", "step,from,to"]),
];

fn main() {
    let rows: u64 = std::env::var("METRICC_BENCH_ROWS").ok().and_then(|n| n.parse().ok()).unwrap_or(10_000_000);
    let python = support::provision::duckdb().unwrap_or_else(|error| panic!("{error}"));
    let project = project(python, rows);
    let sample = project.join("samples/event.parquet");
    println!("| {rows} events | rows | dry run | DuckDB | ratio |\n|---|---:|---:|---:|---:|");
    for (name, words) in QUESTIONS {
        let (mut ours, mut theirs) = (f64::MAX, f64::MAX);
        let mut lines = 0;
        // One after the other, so that what else the machine does falls on both.
        for _ in 0..ASKS {
            let start = Instant::now();
            let answer = asked(&project, words);
            ours = ours.min(start.elapsed().as_secs_f64());
            let start = Instant::now();
            let other = by_hand(python, name, &sample);
            theirs = theirs.min(start.elapsed().as_secs_f64());
            lines = answer.len();
            compare(name, &answer, &other);
        }
        println!("| {name} | {lines} | {ours:.2} s | {theirs:.2} s | {:.2} |", ours / theirs);
    }
}

/// The project with its events, in the target folder.
fn project(python: &Path, rows: u64) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("behaviour_{rows}"));
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/behaviour");
    for part in ["metrics", "samples"] {
        std::fs::create_dir_all(folder.join(part)).expect("a folder");
    }
    for file in ["metricc.yaml", "metrics/behaviour.metric"] {
        std::fs::copy(own.join(file), folder.join(file)).expect("a copy");
    }
    let sample = folder.join("samples/event.parquet");
    if !sample.exists() {
        let made = script(python).args(["make", &sample.to_string_lossy(), &rows.to_string()]).status();
        assert!(made.expect("Python starts").success(), "the events");
    }
    folder
}

fn script(python: &Path) -> Command {
    let mut command = Command::new(python);
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/behaviour_duckdb.py"));
    command
}

/// What the program answers: the cells of each row.
fn asked(project: &Path, words: &[&str]) -> Vec<Vec<String>> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_metricc"));
    command.arg("dry-run").args(words).args(["--step", "1d", "--format", "csv"]).current_dir(project);
    let output = command.stderr(Stdio::inherit()).output().expect("the program starts");
    assert!(output.status.success(), "{words:?}");
    cells(&output.stdout)
}

fn by_hand(python: &Path, name: &str, sample: &Path) -> Vec<Vec<String>> {
    let output = script(python).arg(name).arg(sample).stderr(Stdio::null()).output().expect("Python starts");
    assert!(output.status.success(), "{name} in DuckDB");
    cells(&output.stdout)
}

/// The rows of a CSV text without its header, sorted.
fn cells(text: &[u8]) -> Vec<Vec<String>> {
    let text = std::str::from_utf8(text).expect("UTF-8");
    // No name has a comma.
    let mut rows: Vec<Vec<String>> =
        text.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect();
    rows.sort();
    rows
}

/// Asserts that two answers are the same: times as days, numbers nearly so.
fn compare(name: &str, ours: &[Vec<String>], theirs: &[Vec<String>]) {
    assert_eq!(ours.len(), theirs.len(), "{name}: rows");
    for (ours, theirs) in ours.iter().zip(theirs) {
        let same = ours.len() == theirs.len()
            && ours.iter().zip(theirs).all(|(a, b)| match (a.parse::<f64>(), b.parse::<f64>()) {
                (Ok(a), Ok(b)) => (a - b).abs() <= 1e-9,
                _ => a.get(..10) == b.get(..10),
            });
        assert!(same, "{name}: {ours:?} came, {theirs:?} is what DuckDB says");
    }
}
