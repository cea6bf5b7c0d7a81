//! Streams that begin at a cut-over, and the backfill of what came before it, on a real ClickHouse.

mod support;
mod warehouse;

use warehouse::Warehouse;

const CALLS: &str = r#"
source call {
  table: "dwd.call"
  time: at
  arrived: got
  column at: timestamp(ms)
  column got: timestamp?
  column api: string
  column took: duration(ms)
  column user: string?
}
dimension api = call.api
metric calls = count(call) { grain: 1m, 1h, 1d, month; by: api; serve: stream(1m) }
metric p50 = p50(took from call) { grain: 1h, 1d; by: api; serve: stream(1m) }
metric users = distinct(user from call where api = "a") { grain: 1d, total; serve: stream(5m) }
"#;

/// In Shanghai; the cut-over is at eight in the morning of 2126-01-01. Two months, and one row that does not say when it came.
const HISTORY: &str = "
    2125-12-30 23:59:59.999 | 2125-12-30 23:59:59.999 | a | 10 | u1
    2125-12-31 10:00:00 | 2125-12-31 10:00:01 | a | 20 | u2
    2125-12-31 10:00:30 | 2125-12-31 10:00:31 | b | 30 | u2
    2126-01-01 00:00:00 | 2126-01-01 00:00:01 | a | 40 |
    2126-01-01 07:59:59 | 2126-01-01 07:59:59.999 | a | 50 | u1
    2125-12-31 12:00:00 | | b | 60 | u3
";
/// From the cut-over on: the first is of the same minute as the last of history, the second is late.
const STREAM: &str = "
    2126-01-01 07:59:59.5 | 2126-01-01 08:00:00 | a | 70 | u1
    2125-12-31 10:00:10 | 2126-01-01 09:00:00 | a | 80 | u4
    2126-01-02 00:00:00 | 2126-01-02 00:00:01 | b | 90 | u5
";

#[cfg(feature = "dry-run")]
use warehouse::right::agrees;

/// Whether the dry run says the same cannot be asked without it.
#[cfg(not(feature = "dry-run"))]
fn agrees(_: &Warehouse) {}

fn calls() -> Warehouse {
    Warehouse::new("Asia/Shanghai", CALLS)
}

const ALL: [&str; 6] = [
    "2125-12-30 00:00:00.000 | a | 1",
    "2125-12-31 00:00:00.000 | a | 2",
    "2125-12-31 00:00:00.000 | b | 2",
    "2126-01-01 00:00:00.000 | a | 3",
    "2126-01-02 00:00:00.000 | b | 1",
    "",
];

#[test]
fn ch14_a_stream_and_its_history_make_the_whole() {
    support::engine!("clickhouse");
    let warehouse = calls();
    warehouse.insert("call", HISTORY);
    assert_eq!(warehouse.view("calls__1d"), [""; 0]);
    warehouse.insert("call", STREAM);
    assert_eq!(
        warehouse.view("calls__1d"),
        ["2125-12-31 00:00:00.000 | a | 1", "2126-01-01 00:00:00.000 | a | 1", "2126-01-02 00:00:00.000 | b | 1"]
    );
    assert_eq!(warehouse.fill_history("call"), ["212512", "212601"]);
    assert_eq!(warehouse.view("calls__1d"), ALL[..5]);
    assert_eq!(
        warehouse.view("users__1d"),
        ["2125-12-30 00:00:00.000 | 1", "2125-12-31 00:00:00.000 | 2", "2126-01-01 00:00:00.000 | 1"]
    );
    agrees(&warehouse);
    // Once more: nothing changes, at any step.
    let before: Vec<Vec<String>> =
        ["calls__1m", "calls__1h", "p50__1h"].iter().map(|view| warehouse.view(view)).collect();
    warehouse.fill_history("call");
    let after: Vec<Vec<String>> =
        ["calls__1m", "calls__1h", "p50__1h"].iter().map(|view| warehouse.view(view)).collect();
    assert_eq!(before, after);
    agrees(&warehouse);
}

#[test]
fn ch14_the_order_of_stream_and_history_does_not_matter() {
    support::engine!("clickhouse");
    let warehouse = calls();
    warehouse.insert("call", HISTORY);
    warehouse.fill_history("call");
    warehouse.insert("call", STREAM);
    assert_eq!(warehouse.view("calls__1d"), ALL[..5]);
    // A row of history that was written late is found by the next backfill.
    warehouse.insert("call", "2125-11-30 12:00:00 | 2125-12-30 12:00:00 | a | 10 | u9");
    assert_eq!(warehouse.view("calls__1d"), ALL[..5]);
    assert_eq!(warehouse.fill_history("call"), ["212511", "212512", "212601"]);
    assert_eq!(warehouse.view("calls__1d")[0], "2125-11-30 00:00:00.000 | a | 1");
    agrees(&warehouse);
}

#[test]
fn ch14_what_a_killed_backfill_left_is_removed() {
    support::engine!("clickhouse");
    let warehouse = calls();
    warehouse.insert("call", HISTORY);
    warehouse.insert("call", STREAM);
    let stage = "warehouse/backfill/call/2_stage.sql";
    let statements = support::script::statements(warehouse.artifact(stage));
    let first = statements.iter().position(|statement| statement.starts_with("INSERT")).expect("an INSERT");
    let before = warehouse.view("calls__1d");
    warehouse.set("month", "212512");
    warehouse.apply_a_part(stage, first + 2);
    let error = warehouse.try_apply("warehouse/backfill/call/3_publish.sql").expect_err("nothing is prepared");
    assert!(error.contains("this month is not prepared"), "{error}");
    assert_eq!(warehouse.view("calls__1d"), before);
    warehouse.apply(stage);
    warehouse.apply_a_part("warehouse/backfill/call/3_publish.sql", 2);
    warehouse.fill_history("call");
    assert_eq!(warehouse.view("calls__1d"), ALL[..5]);
    agrees(&warehouse);
}

#[test]
fn ch14_a_cut_over_lies_in_the_future_and_stays() {
    support::engine!("clickhouse");
    let warehouse = Warehouse::built("Asia/Shanghai", CALLS, "");
    warehouse.set("cut_over", "2026-01-01 00:00:00");
    let error = warehouse.try_apply("warehouse/apply.sql").expect_err("it is over");
    assert!(error.contains("the cut-over must lie in the future"), "{error}");
    warehouse.set("cut_over", warehouse::CUT_OVER);
    warehouse.apply("warehouse/apply.sql");
    // Later on, another one is only for new rollups: there are none.
    warehouse.set("cut_over", "2026-01-01 00:00:00");
    warehouse.apply("warehouse/apply.sql");
    assert_eq!(warehouse.lines("SELECT DISTINCT at FROM metrics.cut_over"), ["2126-01-01 00:00:00.000"]);
}

#[test]
fn ch14_without_a_time_of_arrival_there_is_no_backfill() {
    support::engine!("clickhouse");
    let silent = CALLS.replace("  arrived: got\n", "");
    let warehouse = Warehouse::new("Asia/Shanghai", &silent);
    assert!(warehouse.emitted.artifacts.iter().all(|artifact| !artifact.path.contains("backfill")));
    assert!(warehouse.artifact("warehouse/30_rollups_call.sql").contains("does not say when they do (`arrived:`)"));
    warehouse.insert("call", HISTORY);
    warehouse.insert("call", STREAM);
    assert_eq!(warehouse.view("calls__1d"), ALL[..5]);
}
