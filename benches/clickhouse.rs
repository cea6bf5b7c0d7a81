//! What a build for ClickHouse costs and gains: inserts with all of its materialized views against none and against a layout
//! by hand, and reads of its views against the same questions by hand, and to the rows.
//!
//! `cargo bench --no-default-features --bench clickhouse` (10 million rows; `METRICC_BENCH_ROWS` for another number). ClickHouse
//! runs in the process and is had as for the tests. It takes one statement at a time, so several clients wait for each other.

#[path = "../tests/support/mod.rs"]
mod support;

use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use support::clickhouse::Session;

/// How often each layout is filled; the least time counts.
const FILLS: usize = 3;

/// How often a question is asked by each client.
const ASKS: usize = 30;

/// The rows of a block that is inserted.
const BLOCK: u64 = 1_000_000;

/// A question of a dashboard: its name, of the views (or to the program, which tells the SELECT), of the tables by hand, of the rows.
struct Question {
    name: &'static str,
    views: &'static str,
    by_hand: &'static str,
    rows: &'static str,
}

const QUESTIONS: &[Question] = &[
    Question {
        name: "calls and failures of a day, by minute and platform",
        views: "metricc query calls failed_calls --step 1m --by platform --from 2026-10-20 --to 2026-10-20",
        by_hand: "SELECT t, platform, sum(calls), sum(failed) FROM bench_hand.call_1m \
            WHERE t >= '2026-10-20 00:00:00' AND t < '2026-10-21 00:00:00' GROUP BY t, platform ORDER BY t, platform",
        rows: "SELECT toStartOfMinute(called_at) AS t, platform, count(), countIf(status = 'failed') FROM bench.call \
            WHERE called_at >= '2026-10-20 00:00:00' AND called_at < '2026-10-21 00:00:00' GROUP BY t, platform ORDER BY t, platform",
    },
    Question {
        name: "failure rate of two weeks, by hour, platform and feature",
        views: "SELECT * FROM bench_metrics.failure_rate__1h WHERE time >= '2026-10-12 00:00:00' AND time < '2026-10-26 00:00:00' ORDER BY ALL",
        by_hand: "SELECT t, platform, feature, sum(failed) / sum(calls) FROM bench_hand.call_1h \
            WHERE t >= '2026-10-12 00:00:00' AND t < '2026-10-26 00:00:00' GROUP BY t, platform, feature ORDER BY ALL",
        rows: "SELECT toStartOfHour(called_at) AS t, platform, feature, countIf(status = 'failed') / count() FROM bench.call \
            WHERE called_at >= '2026-10-12 00:00:00' AND called_at < '2026-10-26 00:00:00' GROUP BY t, platform, feature ORDER BY ALL",
    },
    Question {
        name: "failure rate of two weeks, by hour, of one platform and feature",
        views: "SELECT * FROM bench_metrics.failure_rate__1h WHERE time >= '2026-10-12 00:00:00' AND time < '2026-10-26 00:00:00' \
            AND platform = 'ios' AND feature = 'f3' ORDER BY ALL",
        by_hand: "SELECT t, sum(failed) / sum(calls) FROM bench_hand.call_1h \
            WHERE t >= '2026-10-12 00:00:00' AND t < '2026-10-26 00:00:00' AND platform = 'ios' AND feature = 'f3' GROUP BY t ORDER BY t",
        rows: "SELECT toStartOfHour(called_at) AS t, countIf(status = 'failed') / count() FROM bench.call \
            WHERE called_at >= '2026-10-12 00:00:00' AND called_at < '2026-10-26 00:00:00' AND platform = 'ios' AND feature = 'f3' \
            GROUP BY t ORDER BY t",
    },
    Question {
        name: "paid, all days, by platform and feature",
        views: "SELECT * FROM bench_metrics.paid__1d ORDER BY ALL",
        by_hand: "SELECT t, platform, feature, sum(paid) FROM bench_hand.call_1d GROUP BY t, platform, feature ORDER BY ALL",
        rows: "SELECT toDate(called_at, 'Asia/Shanghai') AS t, platform, feature, sumIf(paid, status = 'ok') FROM bench.call \
            GROUP BY t, platform, feature ORDER BY ALL",
    },
    Question {
        name: "mean latency of 30 days, by day, platform and feature",
        views: "SELECT * FROM bench_metrics.latency_mean__1d WHERE time >= '2026-10-01 00:00:00' ORDER BY ALL",
        by_hand: "SELECT t, platform, feature, sum(latency) / sum(calls) FROM bench_hand.call_1d \
            WHERE t >= '2026-10-01' GROUP BY t, platform, feature ORDER BY ALL",
        rows: "SELECT toDate(called_at, 'Asia/Shanghai') AS t, platform, feature, avg(latency) FROM bench.call \
            WHERE called_at >= '2026-10-01 00:00:00' GROUP BY t, platform, feature ORDER BY ALL",
    },
    Question {
        name: "callers of 30 days, exact, by day and platform",
        views: "SELECT * FROM bench_metrics.callers__1d WHERE time >= '2026-10-01 00:00:00' ORDER BY ALL",
        by_hand: "SELECT t, platform, uniqExactMerge(callers) FROM bench_hand.callers_1d WHERE t >= '2026-10-01' GROUP BY t, platform ORDER BY ALL",
        rows: "SELECT toDate(called_at, 'Asia/Shanghai') AS t, platform, uniqExact(user_id) FROM bench.call \
            WHERE called_at >= '2026-10-01 00:00:00' GROUP BY t, platform ORDER BY ALL",
    },
    Question {
        name: "callers of 30 days, estimated, by day, platform and feature",
        views: "SELECT * FROM bench_metrics.callers_estimate__1d WHERE time >= '2026-10-01 00:00:00' ORDER BY ALL",
        by_hand: "SELECT t, platform, feature, uniqCombined64Merge(17)(callers) FROM bench_hand.estimates_1d \
            WHERE t >= '2026-10-01' GROUP BY t, platform, feature ORDER BY ALL",
        rows: "SELECT toDate(called_at, 'Asia/Shanghai') AS t, platform, feature, uniqCombined64(17)(user_id) FROM bench.call \
            WHERE called_at >= '2026-10-01 00:00:00' GROUP BY t, platform, feature ORDER BY ALL",
    },
    Question {
        name: "95 % of latencies of 30 days, by day, platform and feature",
        views: "SELECT * FROM bench_metrics.latency_p95__1d WHERE time >= '2026-10-01 00:00:00' ORDER BY ALL",
        by_hand: "SELECT t, platform, feature, quantileTDigestMerge(0.95)(latency) FROM bench_hand.estimates_1d \
            WHERE t >= '2026-10-01' GROUP BY t, platform, feature ORDER BY ALL",
        rows: "SELECT toDate(called_at, 'Asia/Shanghai') AS t, platform, feature, quantileTDigest(0.95)(latency) FROM bench.call \
            WHERE called_at >= '2026-10-01 00:00:00' GROUP BY t, platform, feature ORDER BY ALL",
    },
    Question {
        name: "95 % of latencies of a day, by hour, platform and feature",
        views: "SELECT * FROM bench_metrics.latency_p95__1h WHERE time >= '2026-10-20 00:00:00' AND time < '2026-10-21 00:00:00' ORDER BY ALL",
        by_hand: "SELECT t, platform, feature, quantileTDigestMerge(0.95)(latency) FROM bench_hand.estimates_1h \
            WHERE t >= '2026-10-20 00:00:00' AND t < '2026-10-21 00:00:00' GROUP BY t, platform, feature ORDER BY ALL",
        rows: "SELECT toStartOfHour(called_at) AS t, platform, feature, quantileTDigest(0.95)(latency) FROM bench.call \
            WHERE called_at >= '2026-10-20 00:00:00' AND called_at < '2026-10-21 00:00:00' GROUP BY t, platform, feature ORDER BY ALL",
    },
];

fn main() {
    let rows: u64 = std::env::var("METRICC_BENCH_ROWS").ok().and_then(|n| n.parse().ok()).unwrap_or(10_000_000);
    let session = Session::exclusive();
    let run = |sql: &str| session.execute(sql).unwrap_or_else(|error| panic!("{error}\n{sql}"));
    run("CREATE DATABASE bench");
    write_rows(&run, rows);
    inserts(&session, rows);
    reads(&session);
}

/// The rows of 60 days, in the order of their times.
fn write_rows(run: &dyn Fn(&str), rows: u64) {
    run(
        "CREATE TABLE bench.rows (called_at DateTime64(3, 'Asia/Shanghai'), user_id Int64, platform String, feature String, \
         status String, latency Int64, paid Decimal(18, 2)) ENGINE = MergeTree ORDER BY called_at",
    );
    run(&format!(
        "INSERT INTO bench.rows SELECT toDateTime64('2026-09-01 00:00:00', 3, 'Asia/Shanghai') + toIntervalMillisecond(intDiv(number * \
         5184000000, {rows})), toInt64(pow(rand64(1) / 18446744073709551615, 2) * 300000), \
         ['web', 'web', 'ios', 'android', 'android', 'api'][rand(2) % 6 + 1], concat('f', toString(rand(3) % 20)), \
         if(rand(4) % 50 = 0, 'failed', 'ok'), toInt64(20 / (1.0001 - rand(5) / 4294967295)), rand(6) % 10000 / 100 FROM numbers({rows})"
    ));
}

/// Fills the table of calls without views, with those of the build, and with those by hand; prints the times.
fn inserts(session: &Session, rows: u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/clickhouse");
    let mut build = Command::new(env!("CARGO_BIN_EXE_metricc"));
    build.arg("build").arg("--out").arg(folder.path()).current_dir(&project);
    assert!(build.status().expect("the compiler starts").success(), "the build");
    let built = std::fs::read_to_string(folder.path().join("clickhouse/apply.sql")).expect("the build");
    let by_hand = std::fs::read_to_string(project.join("by_hand.sql")).expect("the layout by hand");
    let none = "CREATE DATABASE bench_none; CREATE TABLE bench_none.call (called_at DateTime64(3, 'Asia/Shanghai'), user_id Int64, \
        platform LowCardinality(String), feature String, status LowCardinality(String), latency Int64, paid Decimal(18, 2)) \
        ENGINE = MergeTree PARTITION BY toYYYYMM(called_at) ORDER BY called_at SETTINGS non_replicated_deduplication_window = 1000";
    let layouts = [("no views", none, "bench_none"), ("by hand", &by_hand, "bench_hand"), ("metricc", &built, "bench")];
    let mut least = [Duration::MAX; 3];
    for _ in 0..FILLS {
        for (place, (_, script, database)) in layouts.iter().enumerate() {
            for old in ["bench_none", "bench_hand", "bench_metrics"] {
                if old != *database || place < 2 {
                    let _ = session.execute(&format!("DROP DATABASE IF EXISTS {old}"));
                }
            }
            let _ = session.execute("DROP TABLE IF EXISTS bench.call");
            session.apply(script).unwrap_or_else(|(sql, error)| panic!("{error}\n{sql}"));
            least[place] = least[place].min(fill(session, database, rows));
        }
    }
    // Questions go to the layout by hand, too.
    session.apply(&by_hand).unwrap_or_else(|(sql, error)| panic!("{error}\n{sql}"));
    fill(session, "bench_hand", rows);
    println!("| {rows} rows, {BLOCK} a block | insert | rows a second | against by hand |\n|---|---:|---:|---:|");
    for (place, (name, ..)) in layouts.iter().enumerate() {
        let seconds = least[place].as_secs_f64();
        let against = seconds / least[1].as_secs_f64();
        println!("| {name} | {seconds:.2} s | {:.0} | {against:.2} |", rows as f64 / seconds);
    }
}

fn fill(session: &Session, database: &str, rows: u64) -> Duration {
    let start = Instant::now();
    for from in (0..rows).step_by(usize::try_from(BLOCK).expect("small")) {
        let sql = format!(
            "INSERT INTO {database}.call SELECT * FROM bench.rows WHERE called_at >= toDateTime64('2026-09-01 00:00:00', 3, 'Asia/Shanghai') + \
             toIntervalMillisecond(intDiv({from} * 5184000000, {rows})) AND called_at < toDateTime64('2026-09-01 00:00:00', 3, 'Asia/Shanghai') + \
             toIntervalMillisecond(intDiv({} * 5184000000, {rows})) SETTINGS max_insert_threads = 1, min_insert_block_size_rows = {BLOCK}, \
             max_block_size = {BLOCK}",
            from + BLOCK
        );
        session.execute(&sql).unwrap_or_else(|error| panic!("{error}\n{sql}"));
    }
    start.elapsed()
}

/// Asks each question of the views and of the rows, alone and with eight clients.
fn reads(session: &Session) {
    println!(
        "\n| question | clients | views p50 | p95 | by hand p50 | p95 | rows p50 | p95 | views / by hand | rows / views |\n\
         |---|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
    );
    for question in QUESTIONS {
        let of_views = select(question.views);
        for clients in [1, 8] {
            let views = ask(session, &of_views, clients, ASKS);
            let by_hand = ask(session, question.by_hand, clients, ASKS);
            let rows = ask(session, question.rows, clients, ASKS / 10);
            let ratio = |a: Duration, b: Duration| a.as_secs_f64() / b.as_secs_f64();
            let ms = |time: Duration| format!("{:.1} ms", time.as_secs_f64() * 1e3);
            println!(
                "| {} | {clients} | {} | {} | {} | {} | {} | {} | {:.2} | {:.0} |",
                question.name,
                ms(views.0),
                ms(views.1),
                ms(by_hand.0),
                ms(by_hand.1),
                ms(rows.0),
                ms(rows.1),
                ratio(views.0, by_hand.0),
                ratio(rows.0, views.0)
            );
        }
    }
}

/// The SELECT of a question, told by the program where it is asked.
fn select(question: &str) -> String {
    let Some(words) = question.strip_prefix("metricc ") else { return question.to_owned() };
    let mut program = Command::new(env!("CARGO_BIN_EXE_metricc"));
    program.args(words.split(' ')).current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/clickhouse"));
    let output = program.output().expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim_end().trim_end_matches(';').to_owned()
}

/// The half and the 95 % of the times of a question.
fn ask(session: &Session, sql: &str, clients: usize, times: usize) -> (Duration, Duration) {
    let one = || {
        let start = Instant::now();
        session.query(sql).unwrap_or_else(|error| panic!("{error}\n{sql}"));
        start.elapsed()
    };
    one();
    let mut all: Vec<Duration> = thread::scope(|scope| {
        let clients: Vec<_> =
            (0..clients).map(|_| scope.spawn(|| (0..times).map(|_| one()).collect::<Vec<_>>())).collect();
        clients.into_iter().flat_map(|client| client.join().expect("answers")).collect()
    });
    all.sort_unstable();
    (all[all.len() / 2], all[all.len() * 95 / 100])
}
