//! Filling in history, and applying and taking back a build with all that a target can have, on a real ClickHouse (CH14).

mod support;
mod warehouse;

use warehouse::{CUT_OVER, Warehouse};

const SHOP: &str = r#"
entity user {
  table: "dim.user"
  key: user_id
  column user_id: string
  column country: string?
}
source call {
  table: "dwd.call"
  stream: kafka(topic: "calls")
  time: at
  arrived: got
  column at: timestamp
  column got: timestamp
  column caller: user?
  column took: duration(ms)
}
source order {
  table: "dwd.order"
  key: id latest by updated
  time: made
  revised: 3d
  column id: string
  column made: timestamp
  column updated: timestamp
  column amount: decimal(18,2)
}
dimension country = user.country else "?"
metric calls  = count(call) { grain: 1m, 1d; by: country; serve: stream(1m) }
metric slow   = p95(took from call) { grain: 1d; serve: stream(1m), daily }
metric orders = count(order) { grain: 1d; serve: stream(1h), daily }
metric gmv    = sum(amount from order) { grain: 1d, month; serve: daily }
metric gmv v2 = sum(amount from order where amount > 1) { grain: 1d; serve: daily }
"#;

const ALL: &str = "dictionaries: { on_arrival: true, lifetime: 1h }\nretain: { 1m: 30d }\nintake: { keep: 2d }\nrows_a_day: { call: 10 }\n";

/// Two days before the cut-over, and one behind it.
const CALLS: &str = "
    2125-12-30 10:00:00 | 2125-12-30 10:00:01 | u1 | 10
    2125-12-31 23:59:59 | 2125-12-31 23:59:59 | u2 | 20
    2126-01-02 00:00:00 | 2126-01-02 00:00:01 | u1 | 30
";

fn filled(settings: &str) -> Warehouse {
    let shop = Warehouse::of("Asia/Shanghai", SHOP, settings);
    shop.insert("user", "u1 | FR\nu2 |");
    shop.execute("SYSTEM RELOAD DICTIONARIES");
    shop.insert("call", CALLS);
    shop.insert(
        "order",
        "o1 | 2125-12-30 10:00:00 | 2125-12-30 10:00:00 | 5\no1 | 2125-12-30 10:00:00 | 2125-12-31 10:00:00 | 7",
    );
    shop.fill_history("call");
    shop.backfill("call__daily", "2126-01-02");
    shop.backfill("order__daily", "2126-01-02");
    shop.refresh();
    shop
}

fn views(shop: &Warehouse) -> Vec<(String, Vec<String>)> {
    let all = shop.emitted.details["metrics"].as_array().expect("a list");
    let name =
        |metric: &serde_json::Value| metric["view"].as_str().expect("a name").trim_start_matches("metrics.").to_owned();
    all.iter().map(name).map(|view| (view.clone(), shop.view(&view))).collect()
}

/// The database, table by table, but for what changes by itself.
fn objects(shop: &Warehouse) -> Vec<String> {
    shop.lines(
        "SELECT concat(t.database, '.', t.name, ' ', t.engine, ' ', t.create_table_query) FROM system.tables AS t \
         WHERE t.database IN ('metrics', 'dwd', 'dim') ORDER BY 1",
    )
}

#[test]
fn ch14_filling_history_twice_changes_nothing() {
    support::engine!("clickhouse");
    for settings in ["", ALL] {
        let shop = filled(settings);
        let before = views(&shop);
        assert_eq!(
            shop.view("calls__1d"),
            ["2125-12-30 00:00:00.000 | FR | 1", "2125-12-31 00:00:00.000 | ? | 1", "2126-01-02 00:00:00.000 | FR | 1"]
        );
        assert_eq!(shop.view("gmv__v1__1d"), ["2125-12-30 00:00:00.000 | 7"]);
        shop.fill_history("call");
        shop.backfill("call__daily", "2126-01-02");
        shop.backfill("order__daily", "2126-01-02");
        assert_eq!(views(&shop), before);
    }
}

#[test]
fn ch14_a_build_is_applied_again_and_taken_back_whole() {
    support::engine!("clickhouse");
    let shop = filled(ALL);
    let (built, shown) = (objects(&shop), views(&shop));
    let mut paths = Warehouse::order(&shop.emitted);
    assert!(paths.is_sorted(), "{paths:?}");
    // The order of the files is that of `apply.sql`.
    let all = shop.artifact("warehouse/apply.sql");
    let mut place = 0;
    for path in &paths {
        let body = shop.artifact(path).split_once("\n\n").map_or("", |(_, body)| body.trim());
        let found = all[place..].find(body).unwrap_or_else(|| panic!("{path} has no place"));
        place += found;
    }
    shop.set("cut_over", CUT_OVER);
    shop.apply("warehouse/apply.sql");
    for path in paths.drain(..) {
        shop.apply(path);
    }
    assert_eq!(objects(&shop), built);
    shop.refresh();
    assert_eq!(views(&shop), shown);

    shop.apply("warehouse/rollback.sql");
    let left = shop.lines("SELECT t.name FROM system.tables AS t WHERE t.database = 'metrics' ORDER BY t.name");
    // What holds messages stays, like sources.
    assert_eq!(left, ["counted__call", "dead__call", "landed__call"]);
    assert_eq!(shop.lines("SELECT count() FROM dwd.call"), ["3"]);
    // Twice does no harm, and the build comes back as it was.
    shop.apply("warehouse/rollback.sql");
    shop.apply("warehouse/apply.sql");
    let names = |objects: &[String]| {
        objects.iter().map(|line| line.split(' ').next().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&objects(&shop)), names(&built));
}

#[test]
fn ch14_history_that_minutes_no_longer_keep_fills_days() {
    support::engine!("clickhouse");
    // The rows are of a time that minutes are not kept for, whatever day it is.
    let shop = Warehouse::of("Asia/Shanghai", SHOP, "retain: { 1m: 30d }\n");
    shop.insert(
        "call",
        "2026-01-05 10:00:00 | 2026-01-05 10:00:00 | u1 | 10\n2026-01-06 10:00:00 | 2026-01-06 10:00:00 | u1 | 20",
    );
    let months = shop.fill_history("call");
    assert_eq!(months, ["202601"]);
    // What is prepared has no time to go: the days are made of all minutes.
    let staging = shop.lines("SELECT count(), countIf(position(t.create_table_query, ' TTL ') > 0) FROM system.tables AS t WHERE t.name LIKE '%staging%'");
    assert!(staging[0].ends_with(" | 0") && staging[0] != "0 | 0", "{staging:?}");
    assert_eq!(shop.view("slow__1d").len(), 2);
}

#[test]
fn ch14_a_month_whose_rows_are_gone_is_not_built_again() {
    support::engine!("clickhouse");
    let shop = filled("");
    let before = views(&shop);
    // As a time to live would.
    shop.execute("ALTER TABLE dwd.call DELETE WHERE at < '2125-12-31 00:00:00' SETTINGS mutations_sync = 2");
    shop.set("month", "212512");
    let error = shop.try_apply("warehouse/backfill/call/2_stage.sql").expect_err("rows are gone");
    assert!(error.contains("rows of the month are gone"), "{error}");
    assert_eq!(shop.view("calls__1d"), before.iter().find(|(name, _)| name == "calls__1d").expect("a view").1);
}

#[test]
fn ch14_a_block_has_at_most_100_partitions() {
    support::engine!("clickhouse");
    let shop = Warehouse::new("Asia/Shanghai", SHOP);
    let rows = "SELECT toString(n.number) AS id, toDateTime64('2125-01-01 12:00:00', 3, 'Asia/Shanghai') + toIntervalDay(n.number) AS made, made AS updated, 1.5 AS amount FROM numbers(230) AS n";
    shop.execute(&format!("INSERT INTO dwd.order (id, made, updated, amount) {rows}"));
    let lists = shop.days("order__daily", "history", "2126-01-01");
    assert_eq!(lists.iter().map(Vec::len).collect::<Vec<_>>(), [100, 100, 30]);
    assert_eq!(shop.backfill("order__daily", "2126-01-01").len(), 230);
    assert_eq!(shop.lines("SELECT count(), sum(v.gmv) FROM metrics.gmv__v1__1d AS v"), ["230 | 345"]);
    // Why: the engine takes no more.
    let error = shop
        .batches()
        .stage("order__daily", &[lists[0].clone(), lists[1][..1].to_vec()].concat())
        .expect_err("too many");
    assert!(error.starts_with("Code: 252."), "{error}");
}

#[test]
fn ch14_nothing_is_populated() {
    for settings in ["", ALL] {
        let shop = Warehouse::emitted("UTC", SHOP, settings);
        for artifact in &shop.artifacts {
            let words = artifact.text.split(|c: char| !c.is_ascii_alphanumeric());
            assert!(words.clone().all(|word| !word.eq_ignore_ascii_case("populate")), "{}", artifact.path);
        }
        assert!(shop.artifacts.iter().any(|artifact| artifact.text.contains("CREATE MATERIALIZED VIEW")));
    }
}
