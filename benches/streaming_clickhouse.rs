//! How many rows a second a stream in ClickHouse takes in: rows and messages through the feed and the views of rollups, against
//! the same rows and messages with nothing behind the source's table.
//!
//! `cargo bench --no-default-features --bench streaming_clickhouse`. `METRICC_BENCH_CASES` for other cases (see [`Case::read`]),
//! `METRICC_BENCH_ROWS` for another number of rows in a measurement. ClickHouse runs in the process and is had as for the tests.

#[path = "../tests/support/mod.rs"]
mod support;

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use support::clickhouse::Session;

/// How often each way is measured; the least counts.
const TIMES: u64 = 3;

/// Rollups, rows of a block, percentage of repetitions, rows that were kept within lateness and `deduplicate`.
const CASES: &str =
    "1/65536/1/1000000,5/65536/1/1000000,15/65536/1/1000000,5/65536/0/1000000,5/65536/50/1000000,5/1048576/1/1000000";

/// The rows of a measurement, and one block at least.
const ROWS: u64 = 131_072;

/// The messages of a measurement, in one block: to read them takes much longer than all that comes after.
const MESSAGES: u64 = 65_536;

/// Lateness and `deduplicate`: for so long rows are kept that others are compared with.
const WINDOW_MS: u64 = 900_000;

/// The source, without its database.
const SOURCE: &str = r#"/// What a client did, one row an event.
source event {
  table: "DATABASE.event"
  key: event_id
  time: at
  arrived: received_at
  lateness: 10m
  retain: 180d
  stream: kafka(topic: "app.events", format: "json")
  column event_id: string
  column at: timestamp(ms)
  column received_at: timestamp(ms)
  column user_id: int
  column platform: enum("web", "ios", "android", "api")
  column feature: string
  column region: string
  column version: string
  column status: enum("ok", "failed")
  column latency: duration(ms)
  column paid: decimal(18,2) unit CNY
  column page: string
}

dimension platform = event.platform { title: "Platform" }
dimension feature  = event.feature { title: "Feature" }
dimension region   = event.region { title: "Region" }
dimension release  = event.version { title: "Release" }
"#;

/// What one rollup is made of.
const PLAIN: &str = r#"
metric events = count(event) {
  title: "Events"; tier: ksi; owner: "bench"
  grain: 1m, 1h, 1d; by: platform, feature, region; SERVE
}
metric failed = count(event where status = "failed") {
  title: "Failed events"; tier: ksi; owner: "bench"
  grain: 1m, 1h, 1d; by: platform, feature, region; SERVE
}
metric paid = sum(paid from event where status = "ok") {
  title: "Paid"; tier: kpi; owner: "bench"
  unit: CNY; grain: 1m, 1h, 1d; by: platform, feature, region; SERVE
}
metric latency_mean = avg(latency from event) {
  title: "Mean latency"; tier: ksi; owner: "bench"
  grain: 1m, 1h, 1d; by: platform, feature, region; SERVE
}
"#;

/// What is measured.
#[derive(Clone, Copy)]
struct Case {
    rollups: usize,
    block: u64,
    repeated: u64,
    state: u64,
}

/// What a number of rows cost.
#[derive(Clone, Copy)]
struct Cost {
    seconds: f64,
    cpu: f64,
}

impl Case {
    /// `rollups/block/repetitions/state`.
    fn read(text: &str) -> Case {
        let numbers: Vec<u64> = text.split('/').map(|number| number.trim().parse().expect("a number")).collect();
        let [rollups, block, repeated, state] = numbers[..] else { panic!("`{text}` is not of four numbers") };
        Case { rollups: usize::try_from(rollups).expect("few"), block, repeated, state }
    }
}

fn main() {
    let cases = std::env::var("METRICC_BENCH_CASES").unwrap_or_else(|_| CASES.to_owned());
    let rows = std::env::var("METRICC_BENCH_ROWS").ok().and_then(|rows| rows.parse().ok()).unwrap_or(ROWS);
    let session = Session::exclusive();
    println!(
        "| rollups | block | repeated | kept | rows: plain | fed | CPU plain | fed | ratio | of CPU | messages: plain | fed | MB/s fed | CPU plain | fed | \
         ratio | of CPU |\n|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
    );
    for case in cases.split(',').map(Case::read) {
        measure(&session, case, rows);
    }
}

fn run(session: &Session, sql: &str) {
    session.execute(sql).unwrap_or_else(|error| panic!("{error}\n{sql}"));
}

fn number(session: &Session, sql: &str) -> f64 {
    let answer = session.query(sql).unwrap_or_else(|error| panic!("{error}\n{sql}"));
    answer.rows[0][0].as_ref().and_then(|cell| cell.parse().ok()).unwrap_or_else(|| panic!("no number\n{sql}"))
}

/// Fills the window of a case, measures the four ways in turns, and prints a line.
fn measure(session: &Session, case: Case, rows: u64) {
    for old in ["bench", "plain", "plain_metrics", "fed", "fed_metrics"] {
        run(session, &format!("DROP DATABASE IF EXISTS {old}"));
    }
    let rows = rows.div_ceil(case.block) * case.block;
    let all = case.state + TIMES * (rows + MESSAGES);
    write_rows(session, case, all);
    build(session, "plain", 0);
    build(session, "fed", case.rollups);
    fill(session, "fed", 0..case.state, 1_048_576);
    let mut least = [Cost { seconds: f64::MAX, cpu: f64::MAX }; 4];
    for time in 0..TIMES {
        for (place, (database, messages)) in
            [("plain", false), ("fed", false), ("plain", true), ("fed", true)].into_iter().enumerate()
        {
            // What merges have still to do would fall on the next one.
            settle(session);
            let from = case.state + time * (rows + MESSAGES);
            let (start, before) = (Instant::now(), cpu());
            if messages {
                land(session, database, from + rows..from + rows + MESSAGES);
            } else {
                fill(session, database, from..from + rows, case.block);
            }
            let cost = Cost { seconds: start.elapsed().as_secs_f64(), cpu: cpu() - before };
            least[place].seconds = least[place].seconds.min(cost.seconds);
            least[place].cpu = least[place].cpu.min(cost.cpu);
        }
    }
    check(session, case, all);
    print(case, rows, least, number(session, "SELECT avg(length(raw)) FROM bench.messages"));
}

/// Prints rows a second, and seconds of CPU for a million rows.
#[allow(clippy::cast_precision_loss)]
fn print(case: Case, rows: u64, least: [Cost; 4], bytes: f64) {
    let Case { rollups, block, repeated, state } = case;
    let mut line = format!("| {rollups} | {block} | {repeated} % | {state} |");
    for (plain, fed, messages) in [(least[0], least[1], false), (least[2], least[3], true)] {
        let count = if messages { MESSAGES } else { rows } as f64;
        let speed = |cost: Cost| format!("{:.0}", count / cost.seconds);
        let of_cpu = |cost: Cost| format!("{:.2} s", cost.cpu / count * 1e6);
        let _ = write!(line, " {} | {} |", speed(plain), speed(fed));
        if messages {
            let _ = write!(line, " {:.1} |", count * bytes / fed.seconds / 1e6);
        }
        let (ratio, of_them) = (fed.seconds / plain.seconds, fed.cpu / plain.cpu);
        let _ = write!(line, " {} | {} | {ratio:.2} | {of_them:.2} |", of_cpu(plain), of_cpu(fed));
    }
    println!("{line}");
}

/// The rows of a case in the order in which they come, and those that are measured as messages, too. Of a hundred rows the last
/// `repeated` are earlier ones once more, up to four minutes later; one of ten rows comes up to a minute late.
fn write_rows(session: &Session, case: Case, rows: u64) {
    let (repeated, of) = (case.repeated, WINDOW_MS);
    let four_minutes = case.state * 240 / 900;
    run(session, "CREATE DATABASE bench");
    run(
        session,
        &format!(
            "CREATE TABLE bench.rows ENGINE = MergeTree ORDER BY n AS WITH \
             toInt64(n) - toInt64(cityHash64(n, 1) % {four_minutes}) AS before, \
             greatest(intDiv(before, 100), 0) * 100 + cityHash64(n, 2) % (100 - {repeated}) AS earlier, \
             toUInt64(if(n % 100 >= 100 - {repeated}, toInt64(earlier), toInt64(n))) AS row, \
             cityHash64(row) AS h, \
             1790784000000 + toInt64(intDiv(row * {of}, {state})) - if(cityHash64(row, 3) % 10 = 0, toInt64(cityHash64(row, 4) % 60000), 0) AS ms \
             SELECT number AS n, lower(hex(MD5(toString(row)))) AS event_id, toInt64(ms) AS at, \
             toInt64(1790784001000 + intDiv(n * {of}, {state})) AS received_at, toInt64(h % 300000) AS user_id, \
             ['web', 'ios', 'android', 'api'][h % 4 + 1] AS platform, concat('feature ', toString(h % 20)) AS feature, \
             concat('region ', toString(cityHash64(row, 5) % 30)) AS region, concat('9.', toString(cityHash64(row, 6) % 12), '.0') AS version, \
             if(h % 50 = 0, 'failed', 'ok') AS status, toInt64(cityHash64(row, 7) % 3000) AS latency, \
             toDecimal64((cityHash64(row, 8) % 10000) / 100, 2) AS paid, \
             concat('/pages/', lower(hex(cityHash64(row, 9))), '/', lower(hex(cityHash64(row, 10) % 5000))) AS page \
             FROM numbers({rows})",
            state = case.state
        ),
    );
    let text = |name: &str| format!("'\"{name}\":\"', {name}, '\"'");
    let plain = |name: &str| format!("'\"{name}\":', toString({name})");
    let members = [
        text("event_id"),
        plain("at"),
        plain("received_at"),
        plain("user_id"),
        text("platform"),
        text("feature"),
        text("region"),
        text("version"),
        text("status"),
        plain("latency"),
        text("paid"),
        text("page"),
    ];
    run(
        session,
        &format!(
            "CREATE TABLE bench.messages ENGINE = MergeTree ORDER BY n AS SELECT n, concat('{{', {}, '}}') AS raw FROM bench.rows WHERE n >= {}",
            members.join(", ',', "),
            case.state
        ),
    );
}

/// Builds a project and applies it: without rollups one that reads messages alone, else one with a stream.
fn build(session: &Session, database: &str, rollups: usize) {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    };
    write(
        "metricc.yaml",
        "name: bench\ntimezone: Asia/Shanghai\nweek_starts: monday\nunits: [CNY]\npaths: [metrics]\n",
    );
    let intake = if rollups == 0 { "intake: { keep: 7d }\n" } else { "" };
    write(
        "targets/warehouse.yaml",
        &format!("kind: clickhouse\ndatabase: {database}_metrics\ncreate_sources: true\n{intake}"),
    );
    if rollups > 0 {
        write("targets/streaming.yaml", "kind: streaming\ndialect: clickhouse\n");
    }
    write("metrics/event.metric", &definitions(database, rollups));
    let out = folder.path().join("out");
    let mut program = Command::new(env!("CARGO_BIN_EXE_metricc"));
    let output = program.arg("build").arg("--out").arg(&out).current_dir(folder.path()).output().expect("it starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for target in ["warehouse", "streaming"].iter().take(if rollups == 0 { 1 } else { 2 }) {
        let script = std::fs::read_to_string(out.join(target).join("apply.sql")).expect("the build");
        session.apply(&script).unwrap_or_else(|(sql, error)| panic!("{error}\n{sql}"));
    }
    let views = windows(&out);
    assert_eq!(views, rollups, "rollups that are filled out of the feed");
}

fn windows(out: &Path) -> usize {
    let Ok(text) = std::fs::read_to_string(out.join("streaming/20_windows_event.sql")) else { return 0 };
    // The last view brings rows into the feed.
    text.matches("CREATE MATERIALIZED VIEW").count() - 1
}

/// The source with metrics for so many rollups: counts and sums in one, and sets of users by other dimensions in each of the rest.
fn definitions(database: &str, rollups: usize) -> String {
    let serve = if rollups == 0 { "" } else { "serve: stream(1m)" };
    let mut text = SOURCE.replace("DATABASE", database) + &PLAIN.replace("SERVE", serve);
    for place in 1..rollups {
        let by = ["platform", "feature", "region", "release"].iter().enumerate();
        let by: Vec<&str> = by.filter(|(bit, _)| place >> bit & 1 == 1).map(|(_, name)| *name).collect();
        let _ = writeln!(
            text,
            "metric users_{place} = distinct(user_id from event) {{\n  title: \"Users {place}\"; tier: kpi; owner: \"bench\"\n  \
             grain: 1h, 1d; by: {}; serve: stream(1h)\n}}",
            by.join(", ")
        );
    }
    text
}

/// What makes one block of an insert, and no more.
fn one_block(block: u64) -> String {
    format!(
        "SETTINGS max_threads = 1, max_insert_threads = 1, max_block_size = {block}, preferred_block_size_bytes = 0, \
         min_insert_block_size_rows = {block}, min_insert_block_size_bytes = 0"
    )
}

/// Inserts rows into the source's table.
fn fill(session: &Session, database: &str, rows: std::ops::Range<u64>, block: u64) {
    for from in rows.clone().step_by(usize::try_from(block).expect("small")) {
        let to = rows.end.min(from + block);
        let sql = format!(
            "INSERT INTO {database}.event SELECT * EXCEPT n FROM bench.rows WHERE n >= {from} AND n < {to} {}",
            one_block(block)
        );
        run(session, &sql);
    }
}

/// Inserts messages as they come from Kafka, in one block.
fn land(session: &Session, database: &str, rows: std::ops::Range<u64>) {
    let sql = format!(
        "INSERT INTO {database}_metrics.landed__event (raw) SELECT raw FROM bench.messages WHERE n >= {} AND n < {} {}",
        rows.start,
        rows.end,
        one_block(MESSAGES)
    );
    run(session, &sql);
}

/// Waits until nothing is merged.
fn settle(session: &Session) {
    for _ in 0..200 {
        if number(session, "SELECT count() FROM system.merges") < 0.5 {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

/// All came, none was a dead letter, and as many were dropped as were sent again.
#[allow(clippy::cast_precision_loss)]
fn check(session: &Session, case: Case, rows: u64) {
    let of = |column: &str| number(session, &format!("SELECT sum({column}) FROM fed_metrics.stream__event__1d"));
    let (came, repeated, late) = (of("rows"), of("repeated"), of("late"));
    assert!((came - rows as f64).abs() < 0.5, "{came} of {rows} rows came");
    assert!(late < 0.5, "{late} rows were late");
    let sent = number(session, "SELECT count() - uniqExact(event_id) FROM bench.rows");
    assert!((repeated - sent).abs() < 0.5, "{repeated} of {sent} repetitions were dropped, of {}", case.repeated);
}

/// The seconds of all threads of this process; 0 where the system does not tell.
fn cpu() -> f64 {
    let Ok(text) = std::fs::read_to_string("/proc/self/stat") else { return 0.0 };
    let fields = text.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    // In hundredths of a second.
    fields.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}
