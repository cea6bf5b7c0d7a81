//! Daily and hourly batches on a real ClickHouse: run day after day, again, out of order, killed half-way, with rows and
//! updates that come late. Numbers are computed by hand; with the dry run, every view is compared with it too.

mod support;
mod warehouse;

use warehouse::Warehouse;

/// Orders that change, events that are sent again, calls without a key.
const SHOP: &str = r#"
entity user {
  table: "dim.user"
  key: user_id
  column user_id: string
  column country: string?
}
source event {
  table: "dwd.event"
  key: event_id
  time: event_time
  arrived: received_at
  column event_id: string
  column event_time: timestamp(ms)
  column received_at: timestamp(ms)
  column user_id: user?
  column platform: enum("web", "ios")
}
source order {
  table: "dwd.order"
  key: order_id latest by updated_at
  time: created_at
  revised: 3d
  column order_id: string
  column created_at: timestamp
  column updated_at: timestamp
  column paid_at: timestamp?
  column user_id: user
  column pay_amount: decimal(18,2)? unit CNY
}
source call {
  table: "dwd.call"
  time: at
  column at: timestamp
  column took: duration(ms)
  column ok: bool
}
subset paid = order where paid_at is not null dated paid_at
dimension platform = event.platform
dimension country = user.country else "?"
metric dau = distinct(user_id from event) { grain: 1d, 1w; by: platform; serve: daily }
metric events = count(event) { grain: 1h, 1d; by: country; serve: daily }
metric gmv = sum(pay_amount from paid) { grain: 1d, month; by: country; serve: daily }
metric orders = count(order) { grain: 1d; serve: daily }
metric paid_share = count(order where paid_at is not null) / orders { unit: ratio; grain: 1d; serve: daily }
metric arpu = gmv / distinct(user_id from event) { grain: 1d; serve: daily }
metric calls = count(call) { grain: 1h, 1d; serve: hourly }
metric p50 = p50(took from call where ok) { grain: 1h; serve: hourly }
metric failed = count(call where not ok) { grain: 1m, 1d, 1w; serve: stream(1m), daily }
metric failed_share = failed / calls { unit: ratio; grain: 1d; serve: stream(1m), hourly, daily }
metric users = distinct(user_id from event) { grain: 1d, total; by: country; serve: daily, live }
"#;

const NEW_YORK: &str = "America/New_York";

const USERS: &str = "
    u1 | US
    u2 | CA
    u3 |
";

/// 1 November has 25 hours there.
const FIRST_DAY: &str = "
    e1 | 2026-10-31 00:00:00 | 2026-10-31 00:00:05 | u1 | web
    e2 | 2026-10-31 12:00:00 | 2026-10-31 12:00:05 | u2 | web
    e2 | 2026-10-31 12:00:01 | 2026-10-31 12:01:00 | u2 | web
    e3 | 2026-10-31 23:59:59 | 2026-11-01 00:00:01 | u1 | ios
";
const SECOND_DAY: &str = "
    e4 | 2026-11-01 00:00:00 | 2026-11-01 00:00:05 | u1 | web
    e5 | 2026-11-01T05:30:00Z | 2026-11-01T05:30:01Z | u1 | web
    e6 | 2026-11-01T06:30:00Z | 2026-11-01T06:30:01Z | u3 | web
    e7 | 2026-11-01 23:30:00 | 2026-11-01 23:30:01 | u2 | web
";
const THIRD_DAY: &str = "
    e8 | 2026-11-02 09:00:00 | 2026-11-02 09:00:01 | u1 | web
";

fn shop() -> Warehouse {
    let shop = Warehouse::new(NEW_YORK, SHOP);
    shop.insert("user", USERS);
    shop
}

#[cfg(feature = "dry-run")]
use warehouse::right::agrees;

/// Whether the dry run says the same cannot be asked without it.
#[cfg(not(feature = "dry-run"))]
fn agrees(_: &Warehouse) {}

#[test]
fn three_days_are_built_one_after_the_other() {
    support::engine!("clickhouse");
    let shop = shop();
    shop.insert("event", FIRST_DAY);
    assert_eq!(shop.run("event__daily", "2026-10-31"), ["2026-10-31"]);
    assert_eq!(shop.view("dau__1d"), ["2026-10-31 00:00:00.000 | ios | 1", "2026-10-31 00:00:00.000 | web | 2"]);
    shop.insert("event", SECOND_DAY);
    // e3 was of the day before but came after midnight.
    assert_eq!(shop.run("event__daily", "2026-11-01"), ["2026-10-31", "2026-11-01"]);
    shop.insert("event", THIRD_DAY);
    assert_eq!(shop.run("event__daily", "2026-11-02"), ["2026-11-02"]);
    assert_eq!(
        shop.view("dau__1d"),
        [
            "2026-10-31 00:00:00.000 | ios | 1",
            "2026-10-31 00:00:00.000 | web | 2",
            "2026-11-01 00:00:00.000 | web | 3",
            "2026-11-02 00:00:00.000 | web | 1",
        ]
    );
    // The week of 26 October has its last two days, each user once.
    assert_eq!(
        shop.view("dau__1w"),
        ["2026-10-26 00:00:00.000 | ios | 1", "2026-10-26 00:00:00.000 | web | 3", "2026-11-02 00:00:00.000 | web | 1",]
    );
    // One o'clock comes twice that day, as two hours.
    assert_eq!(
        shop.lines("SELECT toUnixTimestamp(time) - 1793505600, country, events FROM metrics.events__1h WHERE toDate(time) = '2026-11-01' ORDER BY ALL"),
        ["0 | US | 1", "3600 | US | 1", "7200 | ? | 1", "86400 | CA | 1"]
    );
    agrees(&shop);
}

#[test]
fn a_day_built_again_or_out_of_order_is_the_same() {
    support::engine!("clickhouse");
    let shop = shop();
    shop.insert("event", FIRST_DAY);
    shop.insert("event", SECOND_DAY);
    shop.insert("event", THIRD_DAY);
    for day in ["2026-11-02", "2026-10-31", "2026-11-01"] {
        shop.run("event__daily", day);
    }
    let views = ["dau__1d", "dau__1w", "events__1h", "events__1d"];
    let built: Vec<Vec<String>> = views.iter().map(|view| shop.view(view)).collect();
    assert_eq!(built[0].len(), 4);
    for day in ["2026-11-01", "2026-11-01", "2026-10-31"] {
        shop.run("event__daily", day);
        assert_eq!(views.iter().map(|view| shop.view(view)).collect::<Vec<_>>(), built);
    }
    agrees(&shop);
}

#[test]
fn rows_that_come_late_build_their_days_again() {
    support::engine!("clickhouse");
    let shop = shop();
    shop.insert("event", FIRST_DAY);
    shop.run("event__daily", "2026-10-31");
    shop.insert("event", SECOND_DAY);
    shop.run("event__daily", "2026-11-01");
    // Days late: a new event, and an earlier time for one that was counted on 1 November.
    shop.insert("event", THIRD_DAY);
    shop.insert(
        "event",
        "e9 | 2026-10-31 05:00:00 | 2026-11-02 10:00:00 | u3 | ios
         e7 | 2026-10-30 23:30:00 | 2026-11-02 10:00:00 | u2 | web",
    );
    let built = shop.run("event__daily", "2026-11-02");
    assert_eq!(built, ["2026-10-30", "2026-10-31", "2026-11-01", "2026-11-02"]);
    assert_eq!(
        shop.view("dau__1d"),
        [
            "2026-10-30 00:00:00.000 | web | 1",
            "2026-10-31 00:00:00.000 | ios | 2",
            "2026-10-31 00:00:00.000 | web | 2",
            "2026-11-01 00:00:00.000 | web | 2",
            "2026-11-02 00:00:00.000 | web | 1",
        ]
    );
    agrees(&shop);
}

#[test]
fn updates_within_the_revised_span_count() {
    support::engine!("clickhouse");
    let shop = shop();
    shop.insert(
        "order",
        "o1 | 2026-10-31 10:00:00 | 2026-10-31 10:00:00 | | u1 | 10
         o2 | 2026-10-31 11:00:00 | 2026-10-31 11:05:00 | 2026-10-31 11:05:00 | u2 | 20.50",
    );
    assert_eq!(shop.run("order__daily", "2026-10-31"), ["2026-10-28", "2026-10-29", "2026-10-30", "2026-10-31"]);
    assert_eq!(shop.view("gmv__1d"), ["2026-10-31 00:00:00.000 | CA | 20.5"]);
    // o1 is paid a day later; o2 turns out to have been paid two days before it was made, and by somebody else.
    shop.insert(
        "order",
        "o1 | 2026-10-31 10:00:00 | 2026-11-01 08:00:00 | 2026-11-01 08:00:00 | u1 | 10
         o2 | 2026-10-31 11:00:00 | 2026-11-01 12:00:00 | 2026-10-27 09:00:00 | u3 | 20.50",
    );
    assert_eq!(
        shop.run("order__daily", "2026-11-01"),
        ["2026-10-27", "2026-10-29", "2026-10-30", "2026-10-31", "2026-11-01"]
    );
    assert_eq!(shop.view("gmv__1d"), ["2026-10-27 00:00:00.000 | ? | 20.5", "2026-11-01 00:00:00.000 | US | 10"]);
    assert_eq!(shop.view("gmv__1month"), ["2026-10-01 00:00:00.000 | ? | 20.5", "2026-11-01 00:00:00.000 | US | 10"]);
    assert_eq!(shop.view("paid_share__1d"), ["2026-10-31 00:00:00.000 | 1"]);
    agrees(&shop);
}

#[test]
fn what_a_killed_run_left_is_removed() {
    support::engine!("clickhouse");
    let shop = shop();
    shop.insert("event", FIRST_DAY);
    shop.run("event__daily", "2026-10-31");
    let before = shop.view("dau__1d");
    // Killed after the first of its INSERTs: nothing that is read has changed, and nothing may be published.
    let stage = shop.file("event__daily", "stage").to_owned();
    let statements = support::script::statements(shop.artifact(&stage));
    let first = statements.iter().position(|statement| statement.starts_with("INSERT")).expect("an INSERT");
    shop.set("days", "['2026-10-31','2026-11-01']");
    shop.apply_a_part(&stage, first + 1);
    assert_eq!(shop.view("dau__1d"), before);
    shop.set("day", "2026-10-31");
    let error = shop.try_apply(shop.file("event__daily", "publish")).expect_err("nothing is prepared");
    assert!(error.contains("this day is not prepared"), "{error}");
    assert_eq!(shop.view("dau__1d"), before);
    // Killed in the middle of publishing: the run after it builds all of it.
    shop.insert("event", SECOND_DAY);
    let days = shop.days("event__daily", "days", "2026-11-01").concat();
    shop.stage("event__daily", &days);
    shop.set("day", "2026-11-01");
    shop.apply_a_part(shop.file("event__daily", "publish"), 2);
    shop.run("event__daily", "2026-11-01");
    assert_eq!(shop.view("dau__1d").len(), 3);
    assert_eq!(shop.lines("SELECT sum(events) FROM metrics.events__1d"), ["7"]);
    assert_eq!(shop.lines("SELECT sum(events) FROM metrics.events__1h"), ["7"]);
    agrees(&shop);
}

#[test]
fn a_day_that_has_lost_its_rows_is_emptied() {
    support::engine!("clickhouse");
    let shop = shop();
    shop.insert("order", "o1 | 2026-10-31 10:00:00 | 2026-10-31 10:00:00 | 2026-10-31 10:00:00 | u1 | 10");
    shop.run("order__daily", "2026-10-31");
    assert_eq!(shop.view("gmv__1d").len(), 1);
    shop.insert("order", "o1 | 2026-10-31 10:00:00 | 2026-10-31 12:00:00 | | u1 | 10");
    shop.run("order__daily", "2026-11-01");
    assert_eq!(shop.view("gmv__1d"), [""; 0]);
    assert_eq!(shop.view("orders__1d"), ["2026-10-31 00:00:00.000 | 1"]);
    agrees(&shop);
}

#[test]
fn history_is_built_in_lists_of_a_hundred_days() {
    support::engine!("clickhouse");
    let shop = shop();
    let start = chrono::NaiveDate::from_ymd_opt(2026, 1, 1).expect("a day");
    let lines: Vec<String> = (0..250)
        .map(|day| {
            let day = start + chrono::Days::new(day);
            format!("h{day} | {day} 12:00:00 | {day} 12:00:01 | u1 | web")
        })
        .collect();
    shop.insert_rows("event", Vec::new());
    for block in lines.chunks(90) {
        shop.insert("event", &block.join("\n"));
    }
    let lists = shop.days("event__daily", "history", "2026-08-31");
    assert_eq!(lists.iter().map(Vec::len).collect::<Vec<_>>(), [100, 100, 43]);
    shop.backfill("event__daily", "2026-08-31");
    let built = shop.view("events__1d");
    assert_eq!((built.len(), built[0].as_str()), (243, "2026-01-01 00:00:00.000 | US | 1"));
    // Once more, and the days after it as usual.
    shop.backfill("event__daily", "2026-08-31");
    assert_eq!(shop.view("events__1d"), built);
    shop.run("event__daily", "2026-09-01");
    assert_eq!(shop.view("events__1d").len(), 244);
}

#[test]
fn an_hour_is_shown_when_it_is_over() {
    support::engine!("clickhouse");
    // Half an hour off UTC.
    let shop = Warehouse::new("Asia/Kolkata", SHOP);
    shop.insert(
        "call",
        "2026-11-01 00:10:00 | 10 | true
         2026-11-01 09:59:59.999 | 20 | true
         2026-11-01 10:00:00 | 30 | false
         2026-11-01 10:30:00 | 50 | true",
    );
    // From 9:00 to 10:00 there.
    assert_eq!(shop.run("call__hourly", "2026-11-01 03:30:00"), ["2026-11-01"]);
    let nine = ["2026-11-01 00:00:00.000 | 1", "2026-11-01 09:00:00.000 | 1"];
    assert_eq!(shop.view("calls__1h"), nine);
    shop.run("call__hourly", "2026-11-01 04:30:00");
    assert_eq!(shop.view("calls__1h"), [nine[0], nine[1], "2026-11-01 10:00:00.000 | 2"]);
    assert_eq!(shop.view("calls__1d"), ["2026-11-01 00:00:00.000 | 4"]);
    assert_eq!(
        shop.view("p50__1h"),
        ["2026-11-01 00:00:00.000 | 10", "2026-11-01 09:00:00.000 | 20", "2026-11-01 10:00:00.000 | 50"]
    );
    // The first hour of the next day.
    shop.insert("call", "2026-11-02 00:59:00 | 5 | true");
    assert_eq!(shop.run("call__hourly", "2026-11-01 18:30:00"), ["2026-11-02"]);
    assert_eq!(shop.view("calls__1d"), ["2026-11-01 00:00:00.000 | 4", "2026-11-02 00:00:00.000 | 1"]);
    agrees(&shop);
}

#[test]
fn a_day_whose_rows_are_gone_is_not_built_again() {
    support::engine!("clickhouse");
    let kept = SHOP.replace("arrived: received_at", "arrived: received_at\n  retain: 30d");
    let shop = Warehouse::new(NEW_YORK, &kept);
    shop.insert("user", USERS);
    shop.insert("event", FIRST_DAY);
    shop.insert("event", THIRD_DAY);
    shop.run("event__daily", "2026-10-31");
    shop.run("event__daily", "2026-11-02");
    let built = shop.view("events__1d");
    shop.execute("DELETE FROM dwd.event WHERE event_time < 1793592000000");
    // The day is asked for by hand.
    shop.set("days", "['2026-10-31']");
    let error = shop.try_apply(shop.file("event__daily", "stage")).expect_err("the rows are gone");
    assert!(error.contains("the rows of a day are gone"), "{error}");
    assert_eq!(shop.view("events__1d"), built);
    // A late row does not build what is about to go.
    shop.insert("event", "e9 | 2026-10-31 05:00:00 | 2026-11-29 10:00:00 | u3 | ios");
    assert_eq!(shop.run("event__daily", "2026-11-29"), ["2026-11-29"]);
}

#[test]
fn what_no_batch_has_built_comes_from_the_stream() {
    support::engine!("clickhouse");
    let shop = shop();
    let first = "
        2026-10-31 10:00:00 | 10 | true
        2026-10-31 10:00:30 | 10 | false
        2026-10-31 23:59:59 | 10 | false";
    let second = "
        2026-11-01 00:00:00 | 10 | false
        2026-11-01 09:00:00 | 10 | true";
    shop.insert("call", first);
    shop.insert("call", second);
    let fresh = ["2026-10-31 00:00:00.000 | 2", "2026-11-01 00:00:00.000 | 1"];
    assert_eq!(shop.view("failed__1d"), fresh);
    shop.run("call__daily", "2026-10-31");
    assert_eq!(shop.view("failed__1d"), fresh);
    assert_eq!(
        shop.view("failed__1m"),
        ["2026-10-31 10:00:00.000 | 1", "2026-10-31 23:59:00.000 | 1", "2026-11-01 00:00:00.000 | 1"]
    );
    // One late row for a day that is built, and one for a day that is not.
    shop.insert("call", "2026-10-31 12:00:00 | 10 | false\n2026-11-01 12:00:00 | 10 | false");
    assert_eq!(shop.view("failed__1d"), ["2026-10-31 00:00:00.000 | 2", "2026-11-01 00:00:00.000 | 2"]);
    shop.run("call__daily", "2026-10-31");
    assert_eq!(shop.view("failed__1d"), ["2026-10-31 00:00:00.000 | 3", "2026-11-01 00:00:00.000 | 2"]);
    assert_eq!(shop.view("failed__1w"), ["2026-10-26 00:00:00.000 | 5"]);
    // Daily up to 31 October, hourly up to nine the next day, then the stream.
    shop.run("call__hourly", "2026-10-31 14:00:00");
    shop.run("call__hourly", "2026-11-01 14:00:00");
    shop.insert("call", "2026-11-01 14:00:00 | 10 | false");
    assert_eq!(shop.view("failed_share__1d"), ["2026-10-31 00:00:00.000 | 0.75", "2026-11-01 00:00:00.000 | 0.75"]);
}

#[test]
fn what_no_batch_has_built_comes_from_the_source() {
    support::engine!("clickhouse");
    let shop = shop();
    shop.insert("event", FIRST_DAY);
    shop.insert("event", SECOND_DAY);
    let all = [
        "2026-10-31 00:00:00.000 | CA | 1",
        "2026-10-31 00:00:00.000 | US | 1",
        "2026-11-01 00:00:00.000 | ? | 1",
        "2026-11-01 00:00:00.000 | CA | 1",
        "2026-11-01 00:00:00.000 | US | 1",
    ];
    assert_eq!(shop.view("users__1d"), all);
    shop.run("event__daily", "2026-10-31");
    assert_eq!(shop.view("users__1d"), all);
    // u1 moves: what is built keeps the country that it was built with.
    shop.execute("TRUNCATE TABLE dim.user");
    shop.execute("INSERT INTO dim.user VALUES ('u1', 'FR'), ('u2', 'CA'), ('u3', NULL)");
    assert_eq!(shop.view("users__1d"), [all[0], all[1], all[2], all[3], "2026-11-01 00:00:00.000 | FR | 1"]);
    // Over all time each user counts once a country.
    assert_eq!(shop.view("users__total"), ["? | 1", "CA | 1", "FR | 1", "US | 1"]);
    shop.run("event__daily", "2026-10-31");
    assert_eq!(shop.view("users__total"), ["? | 1", "CA | 1", "FR | 1"]);
}

/// The first event of a user, and sessions: late rows change days that are long over, so no batch of days could do it.
const DERIVED: &str = r#"
entity user {
  table: "dim.user"
  key: user_id
  column user_id: string
}
source event {
  table: "dwd.event"
  key: event_id
  time: event_time
  column event_id: string
  column event_time: timestamp
  column user_id: user?
}
subset new_user = first of event per user_id
session visit of user { events: event; gap: 30m }
metric new_users = count(new_user) { grain: 1d, month; serve: daily }
metric visits    = count(visit)    { grain: 1d; serve: hourly }
metric both      = new_users / visits { unit: ratio; grain: 1d; serve: daily }
metric shown     = count(new_user) { grain: 1d; serve: daily, live }
"#;

#[test]
fn what_is_derived_is_made_anew_once_a_day() {
    support::engine!("clickhouse");
    let shop = Warehouse::new("Asia/Shanghai", DERIVED);
    let refresh = || {
        for rollup in shop.emitted.details["rollups"].as_array().expect("a list") {
            let view = rollup["view"].as_str().expect("made anew");
            for verb in ["WAIT", "REFRESH", "WAIT"] {
                shop.execute(&format!("SYSTEM {verb} VIEW {view}"));
            }
        }
    };
    shop.insert(
        "event",
        "e1 | 2026-11-02 09:00:00 | u1
         e2 | 2026-11-02 09:20:00 | u1
         e3 | 2026-11-02 10:00:00 | u1
         e4 | 2026-11-03 10:00:00 | u2",
    );
    refresh();
    assert_eq!(shop.view("new_users__1d"), ["2026-11-02 00:00:00.000 | 1", "2026-11-03 00:00:00.000 | 1"]);
    assert_eq!(shop.view("visits__1d"), ["2026-11-02 00:00:00.000 | 2", "2026-11-03 00:00:00.000 | 1"]);
    // Days late: u1 came before, and what were two visits is one.
    shop.insert("event", "e5 | 2026-10-31 23:00:00 | u1\ne6 | 2026-11-02 09:40:00 | u1");
    assert_eq!(shop.view("new_users__1d").len(), 2);
    refresh();
    assert_eq!(shop.view("new_users__1d"), ["2026-10-31 00:00:00.000 | 1", "2026-11-03 00:00:00.000 | 1"]);
    assert_eq!(shop.view("new_users__1month"), ["2026-10-01 00:00:00.000 | 1", "2026-11-01 00:00:00.000 | 1"]);
    assert_eq!(
        shop.view("visits__1d"),
        ["2026-10-31 00:00:00.000 | 1", "2026-11-02 00:00:00.000 | 1", "2026-11-03 00:00:00.000 | 1"]
    );
    agrees(&shop);
    // Once a day, an hour after midnight there; for the hourly ones every hour.
    let text = shop.artifact("warehouse/30_rollups_new_user.sql");
    assert!(text.contains("\nREFRESH EVERY 1 DAY OFFSET 17 HOUR\n") && text.contains("CH5"), "{text}");
    assert!(shop.artifact("warehouse/30_rollups_visit.sql").contains("\nREFRESH EVERY 1 HOUR\n"));
    // Beside the source it could not be told which days are built.
    let told = shop.emitted.details["metrics"].as_array().expect("a list");
    let shown = told.iter().find(|metric| metric["name"] == "shown").expect("a metric");
    assert_eq!(
        (&shown["not_served"][0]["serve"], shown["rollups"].as_array().map(Vec::len)),
        (&"daily".into(), Some(0))
    );
}
