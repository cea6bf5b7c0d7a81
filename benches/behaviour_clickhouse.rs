//! Questions of behaviour in ClickHouse against SQL by hand: a retention triangle, a funnel of four steps, and the edges of paths over
//! 10 million events, of one table that the build lays out. Both answers must be the same.
//!
//! `cargo bench --no-default-features --bench behaviour_clickhouse` (`METRICC_BENCH_ROWS` for another number of events). ClickHouse runs
//! in the process and is had as for the tests.

#[path = "../tests/support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use support::clickhouse::Session;

/// How often each question is asked; the least time counts.
const ASKS: usize = 3;

/// A question: the name of its SQL by hand, and what the program is asked.
const QUESTIONS: [(&str, &[&str]); 3] = [
    ("triangle", &["triangle", "--by", "age"]),
    ("funnel", &["looked", "chosen", "in_basket", "paid"]),
    ("paths", &["edges", "--by", "step,from,to"]),
];

/// What asking once costs.
struct Asked {
    rows: Vec<Vec<Option<String>>>,
    seconds: f64,
    /// The most memory that the process held meanwhile, in MiB; none where the system does not tell.
    memory: Option<u64>,
}

fn main() {
    let rows: u64 = std::env::var("METRICC_BENCH_ROWS").ok().and_then(|n| n.parse().ok()).unwrap_or(10_000_000);
    let session = Session::exclusive();
    write_rows(&session, rows);
    println!(
        "| {rows} events | rows | metricc | by hand | ratio | memory | by hand |\n|---|---:|---:|---:|---:|---:|---:|"
    );
    for (name, words) in QUESTIONS {
        let ours = compiled(words);
        let by_hand = std::fs::read_to_string(project().join(format!("by_hand/{name}.sql"))).expect("SQL by hand");
        let mut least = [f64::MAX; 2];
        let mut memory = [None; 2];
        let mut lines = 0;
        // One after the other, so that what else the machine does falls on both.
        for _ in 0..ASKS {
            let answers = [&ours, &by_hand].map(|sql| ask(&session, sql));
            for (at, answer) in answers.iter().enumerate() {
                least[at] = least[at].min(answer.seconds);
                memory[at] = memory[at].max(answer.memory);
            }
            lines = answers[0].rows.len();
            compare(name, &answers[0].rows, &answers[1].rows);
        }
        let [ours, hand] = least;
        let [held, by_hand] = memory.map(|mib| mib.map_or("?".to_owned(), |mib| format!("{mib} MiB")));
        println!("| {name} | {lines} | {ours:.2} s | {hand:.2} s | {:.2} | {held} | {by_hand} |", ours / hand);
    }
}

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/behaviour")
}

/// The program, in the project of the benchmark.
fn program(words: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_metricc"));
    let output = command.args(words).current_dir(project()).output().expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Lays the table out as the build does, and fills it: sixty days in the order of time, twenty events a member.
fn write_rows(session: &Session, rows: u64) {
    let folder = tempfile::tempdir().expect("a folder");
    program(&["build", "--out", &folder.path().to_string_lossy()]);
    let built = std::fs::read_to_string(folder.path().join("clickhouse/apply.sql")).expect("the build");
    session.apply(&built).unwrap_or_else(|(sql, error)| panic!("{error}\n{sql}"));
    let sql = format!(
        "INSERT INTO bench.event SELECT fromUnixTimestamp64Milli(toInt64(1793462400000 + intDiv(number * 5184000000, {rows})), \
         'Asia/Shanghai'), toInt64(cityHash64(number) % greatest(intDiv({rows}, 20), 1)), \
         ['look', 'look', 'look', 'choose', 'choose', 'basket', 'pay', 'help'][1 + cityHash64(number, 7) % 8] FROM numbers({rows})"
    );
    session.execute(&sql).unwrap_or_else(|error| panic!("{error}\n{sql}"));
}

/// The SELECT of a question, told by the program.
fn compiled(words: &[&str]) -> String {
    let words: Vec<&str> = ["query"].iter().chain(words).chain(&["--step", "1d"]).copied().collect();
    program(&words).trim_end().trim_end_matches(';').to_owned()
}

fn ask(session: &Session, sql: &str) -> Asked {
    // What an earlier question has left behind counts for none.
    let _ = session.execute("SYSTEM JEMALLOC PURGE");
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let start = Instant::now();
    let answer = session.query(sql).unwrap_or_else(|error| panic!("{error}\n{sql}"));
    let seconds = start.elapsed().as_secs_f64();
    Asked { rows: answer.rows, seconds, memory: most_memory() }
}

fn most_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? / 1024)
}

/// Asserts that two answers are the same: times as days, numbers nearly so.
fn compare(name: &str, ours: &[Vec<Option<String>>], by_hand: &[Vec<Option<String>>]) {
    assert_eq!(ours.len(), by_hand.len(), "{name}: rows");
    let number = |cell: &Option<String>| cell.as_ref().and_then(|cell| cell.parse::<f64>().ok());
    for (ours, by_hand) in ours.iter().zip(by_hand) {
        let same = ours.len() == by_hand.len()
            && ours.iter().zip(by_hand).enumerate().all(|(at, (a, b))| match (number(a), number(b)) {
                (Some(a), Some(b)) => (a - b).abs() <= 1e-9,
                _ if at == 0 => a.as_ref().map(|a| &a[..10]) == b.as_ref().map(|b| &b[..10]),
                _ => a == b,
            });
        assert!(same, "{name}: {ours:?} came, {by_hand:?} is what SQL by hand says");
    }
}
