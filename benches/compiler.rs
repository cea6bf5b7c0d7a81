//! How long the compiler takes, by the size of the library: whole processes of the release binary.
//!
//! `cargo bench --bench compiler [-- --sizes 10,100,1000]` prints Markdown tables. Cold means that neither outputs nor
//! caches are there; warm that nothing changed since the last run; edited that one filter in one file did.

#[path = "support/library.rs"]
mod library;
#[path = "support/process.rs"]
mod process;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use std::{fs, io};

use metricc::plan::{Lowering, Question};
use metricc::project::DiskFiles;
use metricc::sql;

use process::{Cost, median, run};

const SIZES: &[usize] = &[10, 100, 1_000, 5_000, 20_000];

/// A row of the table.
struct Row {
    verb: &'static str,
    state: &'static str,
    metrics: usize,
    cost: Cost,
}

fn main() -> io::Result<()> {
    let sizes = sizes();
    let mut rows = Vec::new();
    let mut queries = Vec::new();
    for metrics in &sizes {
        let folder = tempfile::tempdir()?;
        library::write(folder.path(), *metrics)?;
        for verb in ["check", "build"] {
            rows.extend(measure(folder.path(), verb, *metrics)?);
        }
        rows.extend(differences(folder.path(), *metrics)?);
        queries.push((*metrics, one_metric(folder.path(), *metrics)));
    }
    println!("| verb | state | metrics | wall | CPU | memory |\n|---|---|---:|---:|---:|---:|");
    for row in &rows {
        let Cost { wall, cpu, memory } = row.cost;
        let memory = memory as f64 / f64::from(1 << 20);
        println!("| {} | {} | {} | {} | {} | {memory:.0} MB |", row.verb, row.state, row.metrics, ms(wall), ms(cpu));
    }
    println!("\n| verb | state | wall grows with metrics to the power of |\n|---|---|---:|");
    for (verb, state) in states() {
        let points: Vec<(f64, f64)> = (rows.iter())
            .filter(|row| row.verb == verb && row.state == state && row.metrics >= 100)
            .map(|row| ((row.metrics as f64).ln(), row.cost.wall.as_secs_f64().ln()))
            .collect();
        if points.len() > 1 {
            println!("| {verb} | {state} | {:.2} |", slope(&points));
        }
    }
    println!("\n| metrics in the process | one metric to SQL |\n|---:|---:|");
    for (metrics, time) in queries {
        println!("| {metrics} | {:.3} ms |", time.as_secs_f64() * 1e3);
    }
    Ok(())
}

/// The sizes asked for with `--sizes`, or all.
fn sizes() -> Vec<usize> {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--sizes").skip(1);
    match arguments.next() {
        Some(list) => list.split(',').map(|size| size.parse().expect("`--sizes` takes numbers")).collect(),
        None => SIZES.to_vec(),
    }
}

fn states() -> impl Iterator<Item = (&'static str, &'static str)> {
    let all = ["check", "build"].into_iter().flat_map(|verb| ["cold", "warm", "edited"].map(|state| (verb, state)));
    all.chain(["one file", "all files"].map(|state| ("diff", state)))
}

/// One verb in its three states.
fn measure(project: &Path, verb: &'static str, metrics: usize) -> io::Result<Vec<Row>> {
    let rounds = if metrics > 1_000 { 5 } else { 15 };
    let mut costs: [Vec<Cost>; 3] = Default::default();
    let gone = tempfile::tempdir_in(project)?;
    for round in 0..rounds {
        clean(project, &gone.path().join(round.to_string()))?;
        costs[0].push(run(project, &[verb]));
        costs[1].push(run(project, &[verb]));
        library::edit(project, metrics, round)?;
        costs[2].push(run(project, &[verb]));
    }
    let states = ["cold", "warm", "edited"].into_iter().zip(&costs);
    Ok(states.map(|(state, costs)| Row { verb, state, metrics, cost: median(costs) }).collect())
}

/// `metricc diff` of two revisions: of one edited file, and of all of them.
fn differences(project: &Path, metrics: usize) -> io::Result<Vec<Row>> {
    git(project, &["init", "--quiet"]);
    let commit = |message: &str| {
        git(project, &["add", "--all"]);
        git(project, &["commit", "--quiet", "--message", message]);
    };
    commit("before");
    library::edit(project, metrics, 1_000)?;
    commit("one file");
    library::edit_files(project, metrics, 2_000, |_| true)?;
    commit("every file");
    let rounds = if metrics > 1_000 { 5 } else { 15 };
    let measured = [("one file", ["HEAD~2", "HEAD~1"]), ("all files", ["HEAD~1", "HEAD"])];
    let row = |(state, [base, head]): (&'static str, [&str; 2])| {
        let costs: Vec<Cost> = (0..rounds).map(|_| run(project, &["diff", base, head])).collect();
        Row { verb: "diff", state, metrics, cost: median(&costs) }
    };
    Ok(measured.into_iter().map(row).collect())
}

fn git(folder: &Path, arguments: &[&str]) {
    let user = ["-c", "user.name=bench", "-c", "user.email=bench@example.com", "-c", "commit.gpgsign=false"];
    let done = Command::new("git").args(user).args(arguments).current_dir(folder).status();
    assert!(done.is_ok_and(|done| done.success()), "git {arguments:?} failed");
}

/// Takes away what a run leaves. It is moved to `gone`, not removed: some file systems are slow at making files just after
/// they removed others.
fn clean(project: &Path, gone: &Path) -> io::Result<()> {
    fs::create_dir_all(gone)?;
    for left in ["build", ".build.metricc-record"] {
        match fs::rename(project.join(left), gone.join(left)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// From a loaded model to the SQL of one metric.
fn one_metric(project: &Path, metrics: usize) -> Duration {
    const ROUNDS: u32 = 1_000;
    let (loaded, _) = metricc::project::load(&DiskFiles::new(project));
    let (compiled, diagnostics) = metricc::compile::compile(&loaded.expect("a project"));
    assert!(!diagnostics.has_errors(), "the generated library has errors");
    let model = compiled.model;
    let name = format!("g{}_count_1", metrics.div_ceil(library::GROUP) / 2);
    let place = model.metrics.iter().position(|metric| metric.name.as_str() == name).expect("the metric");
    let question = Question::of(vec![metricc::types::MetricId(place)]);
    let lowering = Lowering::new(&model);
    let options = sql::Options { clean_views: Some("metrics".to_owned()), unordered: true, ..sql::Options::default() };
    let start = Instant::now();
    for _ in 0..ROUNDS {
        let query = lowering.lower(&question).expect("a plan");
        let select = sql::select(&query, &sql::CLICKHOUSE, &options).expect("SQL");
        std::hint::black_box(sql::to_text(&select, &sql::CLICKHOUSE));
    }
    start.elapsed() / ROUNDS
}

fn ms(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

/// The slope of the straight line through the points (least squares).
fn slope(points: &[(f64, f64)]) -> f64 {
    let count = points.len() as f64;
    let (x, y) = points.iter().fold((0.0, 0.0), |(x, y), point| (x + point.0 / count, y + point.1 / count));
    let (xy, xx) = points
        .iter()
        .fold((0.0, 0.0), |(xy, xx), point| (xy + (point.0 - x) * (point.1 - y), xx + (point.0 - x) * (point.0 - x)));
    xy / xx
}
