//! Windows, shifts, rates, shares, stocks and values of values out of rollups, on a real ClickHouse: whatever is built when, every
//! view says what the dry run says of the same rows. A few numbers are computed by hand.
#![cfg(feature = "dry-run")]

mod support;
mod warehouse;

use warehouse::Warehouse;
use warehouse::right::agrees;

/// In New York the clock goes back on 1 November 2026, a day of 25 hours.
const NEW_YORK: &str = "America/New_York";

const SOURCES: &str = r#"
source visit {
  table: "dwd.visit"
  time: at
  column at: timestamp(ms)
  column user: string?
  column page: string?
  column spent: duration(ms)?
}
source balance {
  table: "dwd.balance"
  key: id
  time: at
  column id: string
  column at: timestamp
  column account: string
  column amount: decimal(18,2) unit CNY
}
dimension page = visit.page else "?"
"#;

const VISITS: &str = "
    2026-10-30 23:59:59.999 | u1 | a | 10
    2026-10-31 00:00:00     | u2 | a | 20
    2026-10-31 12:30:00     | u1 | b |
    2026-11-01 00:00:00     | u3 | b | 40
    2026-11-01T05:30:00Z    | u1 | a | 50
    2026-11-01T06:30:00Z    |    | a | 60
    2026-11-01 23:59:59.999 | u4 |   | 70
    2026-11-03 08:00:00     | u1 | b | 80
    2026-11-08 10:00:00     | u2 | a | 90
    2026-12-01 00:00:00     | u5 | b | 5
";

/// Metrics of every kind of interval; `SERVE` is how they are served.
const METRICS: &str = r#"
metric users    = distinct(user from visit)          { grain: 1d, 1w, month; by: page; serve: SERVE }
metric visits   = count(visit)                       { grain: 1h, 1d; serve: SERVE }
metric weekly   = users over 7d                      { grain: 1d, 1w; by: page; serve: SERVE }
metric sticky   = users / users over 30d             { grain: 1d; serve: SERVE }
metric to_date  = users over month to date           { grain: 1d, 1w; serve: SERVE }
metric of_month = users over month                   { grain: 1d; serve: SERVE }
metric ever     = users over all                     { grain: 1d; by: page; serve: SERVE }
metric before   = visits ago 1d                      { grain: 1h, 1d; serve: SERVE }
metric a_month  = visits ago 1month                  { grain: 1d, month; serve: SERVE }
metric change   = growth(visits, 1w)                 { grain: 1d, 1w; serve: SERVE }
metric a_second = rate(visits, 1s)                   { grain: 1h, 1d, month; serve: SERVE }
metric recent   = visits over 90m                    { grain: 1h; serve: SERVE }
metric a_day    = visits over 1d                     { grain: 1h; serve: SERVE }
metric share    = visits / visits across page        { grain: 1d; by: page; serve: SERVE }
metric start    = users over 30d at start of month   { grain: 1d; serve: SERVE }
metric typical  = avg(users over 7d per 1d)          { grain: 1w, month; serve: SERVE }
metric busiest  = max(count(visit) per 1h)           { grain: 1d, month; serve: SERVE }
metric each     = avg(count(visit) per user)         { grain: 1d; by: page; serve: SERVE }
metric middle   = p50(spent from visit) over 7d      { grain: 1d; by: page; serve: SERVE }
metric mean     = avg(spent from visit) over 7d      { grain: 1d; serve: SERVE }
metric spread   = stddev(to_unix(at) from visit) over 7d { grain: 1d; serve: SERVE }
metric longest  = max(spent from visit where page = "a") over 7d { grain: 1d; serve: SERVE }
metric latest   = last(user from visit) over 7d      { grain: 1d; by: page; serve: SERVE }
metric on_a     = (users over 7d) where page = "a"   { grain: 1d; serve: SERVE }
metric total    = users over 30d                     { grain: total; by: page; serve: SERVE }
metric stock    = sum(amount from balance at last 1d)             { unit: CNY; grain: 1w, month; serve: SERVE }
metric stocks   = sum(amount from balance at last 1d per account) { unit: CNY; grain: month; serve: SERVE }
metric positive = sum(amount from balance where amount > 0 at last 1d) { unit: CNY; grain: month; serve: SERVE }
"#;

const BALANCES: &str = "
    b1 | 2026-10-30 09:00:00 | x | 10
    b2 | 2026-10-31 09:00:00 | x | 20
    b3 | 2026-10-31 10:00:00 | y | 5
    b3 | 2026-10-31 11:00:00 | y | 6
    b4 | 2026-11-02 09:00:00 | x | 0
    b5 | 2026-11-08 09:00:00 | y | -7
";

/// Everything served in one way; that it is, and not live, is asserted.
fn served(serve: &str) -> Warehouse {
    let warehouse = Warehouse::new(NEW_YORK, &format!("{SOURCES}{}", METRICS.replace("SERVE", serve)));
    for metric in warehouse.emitted.details["metrics"].as_array().expect("a list") {
        assert!(metric["not_served"].is_null(), "{metric:#}");
    }
    warehouse
}

fn refresh(warehouse: &Warehouse) {
    for rollup in warehouse.emitted.details["rollups"].as_array().expect("a list") {
        if rollup["filled"] == "rebuilt" {
            let view = rollup["view"].as_str().expect("a name");
            for verb in ["WAIT", "REFRESH", "WAIT"] {
                warehouse.execute(&format!("SYSTEM {verb} VIEW {view}"));
            }
        }
    }
}

#[test]
fn days_of_a_batch_make_windows() {
    support::engine!("clickhouse");
    let warehouse = served("daily");
    warehouse.insert("visit", VISITS);
    warehouse.insert("balance", BALANCES);
    warehouse.backfill("visit__daily", "2027-01-01");
    warehouse.backfill("balance__daily", "2027-01-01");
    // u1 on the 30th and 31st, u2 on the 31st: of the seven days up to 1 November each user counts once.
    let weekly =
        warehouse.lines("SELECT weekly FROM metrics.weekly__1d WHERE toDate(time) = '2026-11-01' AND page = 'a'");
    assert_eq!(weekly, ["2"]);
    // No visit on 2 November: the window has rows all the same.
    let empty = warehouse.lines("SELECT count() FROM metrics.weekly__1d WHERE toDate(time) = '2026-11-02'");
    assert_eq!(empty, ["3"]);
    // 25 hours: 4 visits.
    let rate =
        warehouse.lines("SELECT a_second * 25 * 3600 FROM metrics.a_second__1d WHERE toDate(time) = '2026-11-01'");
    assert_eq!(rate, ["4"]);
    // The last day of October that has a balance is the 31st, and of b3 the first row counts.
    assert_eq!(warehouse.view("stock__1month"), ["2026-10-01 00:00:00.000 | 25", "2026-11-01 00:00:00.000 | -7"]);
    assert_eq!(warehouse.view("stocks__1month"), ["2026-10-01 00:00:00.000 | 25", "2026-11-01 00:00:00.000 | -7"]);
    assert_eq!(warehouse.view("positive__1month"), ["2026-10-01 00:00:00.000 | 25"]);
    agrees(&warehouse);
}

#[test]
fn minutes_of_a_stream_make_windows() {
    support::engine!("clickhouse");
    let warehouse = served("stream(30m)");
    for block in VISITS.trim().lines().collect::<Vec<_>>().chunks(3) {
        warehouse.insert("visit", &block.join("\n"));
    }
    warehouse.insert("balance", BALANCES);
    refresh(&warehouse);
    agrees(&warehouse);
}

#[test]
fn windows_reach_over_what_is_built_and_what_is_not() {
    support::engine!("clickhouse");
    let warehouse = served("daily, live");
    warehouse.insert("visit", VISITS);
    warehouse.insert("balance", BALANCES);
    agrees(&warehouse);
    for day in ["2026-10-31", "2026-11-08"] {
        warehouse.backfill("visit__daily", day);
        warehouse.backfill("balance__daily", day);
        agrees(&warehouse);
    }
    drop(warehouse);
    let warehouse = served("hourly, stream(30m), daily");
    warehouse.insert("visit", VISITS);
    warehouse.insert("balance", BALANCES);
    refresh(&warehouse);
    warehouse.backfill("visit__daily", "2026-10-31");
    warehouse.backfill("balance__daily", "2026-10-31");
    warehouse.backfill("visit__hourly", "2026-11-01 14:00:00");
    warehouse.backfill("balance__hourly", "2026-11-03 14:00:00");
    agrees(&warehouse);
}

#[test]
fn half_hours_of_clocks_do_not_move_buckets() {
    support::engine!("clickhouse");
    // On Lord Howe clocks change by half an hour: on 4 October 2026 a day has 23.5 hours.
    let metrics = METRICS.replace("SERVE", "daily");
    let warehouse = Warehouse::new("Australia/Lord_Howe", &format!("{SOURCES}{metrics}"));
    warehouse.insert(
        "visit",
        "2026-10-03 23:00:00  | u1 | a | 10
         2026-10-03T15:00:00Z | u2 | a | 20
         2026-10-03T15:45:00Z | u1 | b | 30
         2026-10-04 10:00:00  | u3 | b | 40
         2026-10-04 23:45:00  | u1 | a | 50
         2026-10-05 00:15:00  | u4 | a | 60",
    );
    warehouse.backfill("visit__daily", "2026-12-01");
    agrees(&warehouse);
}
