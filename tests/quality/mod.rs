//! Rows that rules of quality hold for, or not, and what is made of the rules for other tools.
#![allow(dead_code)]

use std::collections::BTreeMap;

use metricc::compile::compile;
use metricc::diagnostic::Diagnostics;
use metricc::emit;
use metricc::plan::{DataType, Encoding, StoredColumn};
use metricc::project::load;
use serde_json::{Value, json};

use crate::warehouse::{self, Warehouse};

pub const SHANGHAI: &str = "Asia/Shanghai";

pub const SHOP: &str = r#"
entity channel {
  table: "dim.channel"
  key: channel_id
  column channel_id: string
  column kind: string?
}
entity tier {
  table: "dim.tier"
  key: tier_id
  valid: valid_from, valid_to
  column tier_id: string
  column valid_from: timestamp
  column valid_to: timestamp?
  column rank: int
}
source event {
  table: "dwd.event"
  key: event_id
  time: at
  arrived: got
  column event_id: string?
  column at: timestamp
  column got: timestamp?
  column channel: channel?
  column user: string?
  column amount: int?
  column tier: tier?
}
source version {
  table: "dwd.version"
  key: id latest by updated_at
  time: at
  revised: 3d
  column id: string
  column at: timestamp
  column updated_at: timestamp
  column name: string?
}
source again {
  table: "ods.again"
  key: event_id
  time: at
  column event_id: string
  column at: timestamp
  column user: string?
  column amount: int?
  column channel: string?
}
source log {
  table: "dwd.log"
  time: at
  column at: timestamp(ms)
  column text: string?
  column price: decimal(10,2)?
  column day: date?
  column took: duration(ms)?
}
quality q on event {
  title: "事件: 'quality' {of} events"; owner: "data"; runbook: "runbooks/q.md"
  complete: user > 50%, event_id
  unique: event_id, duplicates <= 20%
  late: 5m < 50%
  match: channel > 50%
  valid: amount >= 0, got >= at, channel.kind != "b", tier.rank > 1, amount * 3 - 7 <= 1000 or user = "u1"
  fresh: 1h
  severity: P0
}
quality v on version { unique: id; valid: updated_at >= at, updated_at - at < 6h; severity: P2 }
quality n on version { unique: name, duplicates <= 50%; severity: P1 }
quality l on log {
  complete: text >= 50%
  unique: text, price, duplicates < 40%
  valid: length(text) <= 3, matches(text, "^[a-z:{} ]{1,4}$"), text != " :x {0}", not (text like "a\\_%"), text in ("ab", "a_b", "x:y", "", "12")
}
quality w on log {
  valid: price * price <= 100, round(price, 1) < 9.5, price / 2 < 4.9, cast(text as int) is null, day_of_week(at) < 7, hour(at) between 6 and 22,
         day >= date("2020-11-02"), took <= 5s, coalesce(day, date("2020-11-04")) != date("2020-11-03"), month(day) = 11, abs(price) = price,
         case when price > 5 then text else "ab" end = "ab", starts_with(text, "a") or ends_with(text, "y"), substr(text, 2, 1) != "b", date(at) >= day
}
quality o on event { unique: event_id, duplicates < 20%, within 5m }
quality p on event { unique: user, duplicates <= 40%, within 30m }
quality m on log { complete: text > 70%; valid: price < 8; minimum: 5 }
dimension user_name    = event.user else "none"
dimension channel_name = event.channel else "none"
dimension text         = log.text else "none"
dimension day          = log.day else date("2020-11-04")
hierarchy users = channel_name > user_name
hierarchy texts = text > day
quality g on event { replay: 100% from again, mismatch < 40%; hierarchy: users > 60% }
quality s on event { replay: 45% from again }
quality h on log { hierarchy: texts }
quality c on channel { complete: kind >= 50%; unique: kind; severity: P2 }
"#;

/// Rows of all tables.
pub struct Scenario {
    pub name: String,
    /// By table, as [`Warehouse::insert`] takes them.
    pub rows: Vec<(&'static str, String)>,
    /// Whether the newest row came within an hour.
    pub fresh: bool,
}

const CLEAN: [(&str, &str); 6] = [
    ("channel", "ads | a\nweb | c"),
    ("tier", "gold | 2020-01-01 00:00:00 | | 2"),
    (
        "event",
        "
        e1 | 2020-11-01 10:00:00 | 2020-11-01 10:00:01 | ads | u1 | 1 | gold
        e2 | 2020-11-01 23:59:59 | 2020-11-02 00:00:01 | web | u2 | 0 | gold
        e3 | 2020-11-02 00:00:00 | 2020-11-02 00:00:00 | ads | u1 | 9 |
    ",
    ),
    (
        "again",
        "
        e1 | 2020-11-01 10:00:00 | u1 | 1 | ads
        e3 | 2020-11-02 00:00:00 | u1 | 9 | ads
    ",
    ),
    ("version", "a | 2020-11-01 10:00:00 | 2020-11-01 11:00:00 | x\nb | 2020-11-01 10:00:00 | 2020-11-01 10:00:00 | y"),
    (
        "log",
        "
        2020-11-02 10:00:00 | ab | 3.10 | 2020-11-02 | 100
        2020-11-02 11:00:00 | ab | 3.20 |            | 5000
    ",
    ),
];

impl Scenario {
    fn of(name: &str, changed: &[(&'static str, &str)]) -> Scenario {
        let rows = CLEAN.map(|(table, rows)| {
            let other = changed.iter().find(|(changed, _)| *changed == table);
            (table, other.map_or(rows, |(_, rows)| *rows).to_owned())
        });
        Scenario { name: name.to_owned(), rows: rows.to_vec(), fresh: false }
    }

    /// The same rows with the types of DuckDB.
    pub fn tables(&self, shop: &Warehouse) -> Value {
        let tables = self.rows.iter().map(|(name, _)| {
            let table = shop.table(name);
            let columns: Vec<Value> = table.columns.iter().map(|one| json!([one.name, kind(one)])).collect();
            let all = shop.came(name);
            // What came before belongs to other scenarios.
            let own = self
                .rows
                .iter()
                .find(|(own, _)| own == name)
                .map_or(0, |(_, rows)| rows.lines().filter(|line| !line.trim().is_empty()).count());
            let physical: Vec<&str> = table.physical.split('.').collect();
            json!({ "name": physical, "columns": columns, "rows": &all[all.len() - own..] })
        });
        Value::Array(tables.collect())
    }
}

fn kind(column: &StoredColumn) -> String {
    match (&column.ty, column.encoding) {
        (DataType::Timestamp, Encoding::Milliseconds) | (DataType::Int | DataType::Duration, _) => "BIGINT".to_owned(),
        (DataType::Timestamp, Encoding::Native) => "TIMESTAMPTZ".to_owned(),
        (DataType::Decimal { precision, scale }, _) => format!("DECIMAL({precision}, {scale})"),
        (DataType::Date, _) => "DATE".to_owned(),
        (DataType::Float, _) => "DOUBLE".to_owned(),
        (DataType::Bool, _) => "BOOLEAN".to_owned(),
        _ => "VARCHAR".to_owned(),
    }
}

/// Clean rows, rows that break each rule, nulls, copies, no rows, bounds that are just met, and random ones.
pub fn scenarios() -> Vec<Scenario> {
    let event = |rows: &'static str| [("event", rows)];
    let mut all = vec![
        Scenario::of("clean rows", &[]),
        Scenario::of(
            "nothing",
            &[("channel", ""), ("tier", ""), ("event", ""), ("again", ""), ("version", ""), ("log", "")],
        ),
        Scenario::of(
            "bounds that are just met",
            &[
                ("channel", "ads | a\nweb |"),
                (
                    "event",
                    "
                    e1 | 2020-11-01 10:00:00 | 2020-11-01 10:05:00 | ads  | u1 | 0 |
                    e2 | 2020-11-01 10:00:00 | 2020-11-01 10:05:01 | gone |    | 0 |
                    e3 | 2020-11-01 10:00:00 | 2020-11-01 10:05:01 | ads  | u1 | 0 |
                    e4 | 2020-11-01 10:00:00 | 2020-11-01 10:00:00 | gone |    | 0 |
                    e4 | 2020-11-01 10:00:00 | 2020-11-01 10:00:00 | gone |    | 0 |
                ",
                ),
                (
                    "version",
                    "a | 2020-11-01 10:00:00 | 2020-11-01 16:00:00 | x\nb | 2020-11-01 10:00:00 | 2020-11-01 10:00:00 | x",
                ),
                ("log", "2020-11-02 10:00:00 | ab | 10.00 | 2020-11-02 | 5000\n2020-11-02 11:00:00 | | 9.45 | | "),
            ],
        ),
        Scenario::of("a day without users", &event("e1 | 2020-11-01 10:00:00 | 2020-11-01 10:00:00 | ads | | 1 |")),
        Scenario::of("no id", &event("| 2020-11-01 10:00:00 | 2020-11-01 10:00:00 | ads | u1 | 1 |")),
        Scenario::of(
            "copies on another day",
            &event(
                "
                e1 | 2020-11-01 23:00:00 | 2020-11-01 23:00:00 | ads | u1 | 1 |
                e1 | 2020-11-02 01:00:00 | 2020-11-02 01:00:00 | ads | u1 | 1 |
                e2 | 2020-11-02 01:00:00 | 2020-11-02 01:00:00 | ads | u1 | 1 |
            ",
            ),
        ),
        Scenario::of(
            "copies that lie apart",
            &event(
                "
                e1 | 2020-11-01 23:50:00     | 2020-11-01 23:50:00 | ads | u1 | 1 |
                e1 | 2020-11-01 23:55:00     | 2020-11-01 23:55:00 | ads | u1 | 1 |
                e1 | 2020-11-02 00:00:00     | 2020-11-02 00:00:00 | ads | u1 | 1 |
                e1 | 2020-11-02 00:05:00.001 | 2020-11-02 00:05:01 | ads | u1 | 1 |
                e2 | 2020-11-03 10:00:00     | 2020-11-03 10:00:00 | ads | u2 | 1 |
                e2 | 2020-11-03 10:00:00     | 2020-11-03 10:00:00 | web | u2 | 1 |
                e2 | 2020-11-03 10:00:00     | 2020-11-03 10:00:00 | ads | u2 | 1 |
                e3 | 2020-11-03 10:30:00     | 2020-11-03 10:30:00 | ads | u2 | 1 |
            ",
            ),
        ),
        Scenario::of(
            "1, 2, 3, 3, 3",
            &[(
                "version",
                "
                1 | 2020-11-01 10:00:00 | 2020-11-01 10:00:00 | a
                2 | 2020-11-01 10:00:00 | 2020-11-01 10:00:00 | b
                3 | 2020-11-01 10:00:00 | 2020-11-01 10:00:00 | c
                3 | 2020-11-01 10:00:00 | 2020-11-01 10:00:00 | c
                3 | 2020-11-01 10:00:00 | 2020-11-01 10:00:00 | c
            ",
            )],
        ),
        Scenario::of(
            "late rows, and such that came before they happened",
            &event(
                "
                e1 | 2020-11-01 10:00:00 | 2020-11-01 11:00:00 | ads | u1 | 1 |
                e2 | 2020-11-02 10:00:00 | 2020-11-02 09:00:00 | ads | u1 | 1 |
            ",
            ),
        ),
        Scenario::of(
            "references to nothing",
            &event("e1 | 2020-11-01 10:00:00 | 2020-11-01 10:00:00 | gone | u1 | 1 | none"),
        ),
        Scenario::of(
            "tiers as of the row",
            &[
                ("tier", "gold | 2020-11-01 00:00:00 | 2020-11-02 00:00:00 | 2\ngold | 2020-11-02 00:00:00 | | 1"),
                (
                    "event",
                    "
                    e1 | 2020-11-01 23:59:59 | 2020-11-02 10:00:00 | ads | u1 | 1 | gold
                    e2 | 2020-11-02 00:00:00 | 2020-11-02 10:00:00 | ads | u1 | 1 | gold
                ",
                ),
            ],
        ),
        Scenario::of(
            "values that are not valid",
            &event("e1 | 2020-11-01 10:00:00 | 2020-11-01 10:00:00 | web | u1 | -1 |"),
        ),
        Scenario::of(
            "rows that are computed again",
            &[
                (
                    "event",
                    "
                    e1 | 2020-11-01 10:00:00 | 2020-11-01 10:00:00 | ads |    | 1 |
                    e2 | 2020-11-01 10:00:00 | 2020-11-01 10:00:00 | ads | u1 |   |
                    e2 | 2020-11-01 10:00:01 | 2020-11-01 10:00:00 | ads | u9 | 2 |
                    e3 | 2020-11-01 10:00:00 | 2020-11-01 10:00:00 |     | u1 | 3 |
                    e4 | 2020-11-01 10:00:00 | 2020-11-01 10:00:00 | web | u1 | 4 |
                    e6 | 2020-11-01 10:00:00 | 2020-11-01 10:00:00 | ads | u1 | 6 |
                    e7 | 2020-11-03 10:00:00 | 2020-11-03 10:00:00 | ads | u1 | 6 |
                ",
                ),
                (
                    "again",
                    "
                    e1  | 2020-11-01 10:00:00 |    | 1  | ads
                    e2  | 2020-11-01 10:00:00 | u1 |    | ads
                    e3  | 2020-11-01 10:00:00 | u1 | 3  | ads
                    e4  | 2020-11-02 10:00:00 | u1 | 4  | web
                    e5  | 2020-11-02 10:00:00 | u1 | 5  | web
                    e13 | 2020-11-03 10:00:00 | u1 | 5  | web
                    e7  | 2020-11-03 10:00:00 | u1 | 6  | ads
                ",
                ),
            ],
        ),
        Scenario::of(
            "users and texts with two parents",
            &[
                (
                    "event",
                    "
                    e1 | 2020-11-01 10:00:00 | 2020-11-01 10:00:00 | ads  | u1   | 1 |
                    e2 | 2020-11-01 10:00:00 | 2020-11-01 10:00:00 | web  | u1   | 1 |
                    e3 | 2020-11-01 10:00:00 | 2020-11-01 10:00:00 | web  | u2   | 1 |
                    e4 | 2020-11-02 10:00:00 | 2020-11-02 10:00:00 | web  | u1   | 1 |
                    e5 | 2020-11-02 10:00:00 | 2020-11-02 10:00:00 |      | u1   | 1 |
                    e6 | 2020-11-02 10:00:00 | 2020-11-02 10:00:00 | none | u1   | 1 |
                    e7 | 2020-11-03 10:00:00 | 2020-11-03 10:00:00 | ads  | u3   | 1 |
                    e8 | 2020-11-03 10:00:00 | 2020-11-03 10:00:00 | web  | u3   | 1 |
                    e9 | 2020-11-03 10:00:00 | 2020-11-03 10:00:00 | gone | u3   | 1 |
                ",
                ),
                (
                    "log",
                    "
                    2020-11-02 10:00:00 | ab | | 2020-11-02 |
                    2020-11-02 10:00:00 | xy | | 2020-11-02 |
                    2020-11-03 10:00:00 | ab | | 2020-11-04 |
                    2020-11-03 10:00:00 | xy | | 2020-11-04 |
                ",
                ),
            ],
        ),
        Scenario::of("dictionaries without kinds", &[("channel", "ads | a\nweb | a\nnone | \nrest | ")]),
    ];
    let now = now().format("%Y-%m-%d %H:%M:%S");
    let fresh = format!("e1 | {now} | {now} | ads | u1 | 1 |");
    all.push(Scenario { fresh: true, ..Scenario::of("a row of now", &[("event", &fresh)]) });
    all.extend((1..=6).map(random));
    all
}

/// Random rows of six days.
fn random(seed: u64) -> Scenario {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut below = |limit: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % limit
    };
    let (mut events, mut versions, mut logs, mut again) = (String::new(), String::new(), String::new(), String::new());
    let one = |of: &[&str], at: u64| of[at as usize % of.len()].to_owned();
    for _ in 0..40 + 20 * seed {
        let day = 1 + below(6);
        let at = format!("2020-11-{day:02} {:02}:{:02}:00", below(24), below(60));
        let got = match below(8) {
            0 => String::new(),
            1 => format!("2020-11-{:02} 12:00:00", 1 + below(6)),
            _ => at.clone(),
        };
        let id = if below(60) == 0 { String::new() } else { format!("e{}", below(40 + 20 * seed)) };
        let channel = one(&["ads", "web", "web", "gone", "", "ads"], below(6));
        let user = one(&["u1", "u2", "", "u3"], below(4));
        let amount = if below(20) == 0 { "-1".to_owned() } else { below(2000).to_string() };
        let tier = one(&["gold", "", "tin", "none"], below(4));
        events += &format!("{id} | {at} | {got} | {channel} | {user} | {amount} | {tier}\n");
        // Most rows come out as they were, some at another time or with another value; others are not there, or there alone.
        let at_again = if below(30) == 0 { format!("2020-11-{day:02} 06:00:00") } else { at.clone() };
        let amount = if below(20) == 0 { String::new() } else { amount };
        match below(9) {
            _ if id.is_empty() => {}
            0 => {}
            1 => again += &format!("x{} | {at_again} | {user} | {amount} | {channel}\n", below(100)),
            _ => again += &format!("{id} | {at_again} | {user} | {amount} | {channel}\n"),
        }
        let updated = format!("2020-11-{day:02} {:02}:00:00", below(24));
        versions +=
            &format!("v{} | {at} | {updated} | {}\n", below(60), one(&["", "a", "b", "c", "d", "e", "f"], below(7)));
        let text = one(&["ab", "a_b", "x:y", "", "12", "abcd", "{x}"], below(7));
        let price = if below(6) == 0 { String::new() } else { format!("{}.{:02}", below(11), below(100)) };
        let on = if below(3) == 0 { String::new() } else { format!("2020-11-{:02}", 1 + below(5)) };
        let took = if below(3) == 0 { String::new() } else { (below(3) * 4000).to_string() };
        logs += &format!("{at} | {text} | {price} | {on} | {took}\n");
    }
    let tiers = "gold | 2020-11-01 00:00:00 | 2020-11-03 00:00:00 | 2\ngold | 2020-11-04 00:00:00 | | 1\ntin | 2020-11-02 12:00:00 | | 3";
    let mut made =
        Scenario::of(&format!("random rows {seed}"), &[("channel", "ads | a\nweb |\nall | b"), ("tier", tiers)]);
    made.rows.retain(|(table, _)| !matches!(*table, "event" | "again" | "version" | "log"));
    made.rows.extend([("event", events), ("again", again), ("version", versions), ("log", logs)]);
    made
}

/// The files that a target gets, by their paths.
pub fn artifacts(settings: &str) -> BTreeMap<String, String> {
    made(SHOP, settings).artifacts.into_iter().map(|made| (made.path, made.text)).collect()
}

/// What is made of declarations for a target.
pub fn made(declarations: &str, settings: &str) -> emit::Emitted {
    let (emitted, found) = told(declarations, settings);
    assert!(!found.has_errors(), "{}", warehouse::text(&found));
    emitted
}

/// The same, with what is told of it.
pub fn told(declarations: &str, settings: &str) -> (emit::Emitted, Diagnostics) {
    let files = warehouse::files(SHANGHAI, declarations, "", None).with("targets/tool.yaml", settings);
    let (project, found) = load(&files);
    let project = project.expect("a project");
    assert!(!found.has_errors(), "{}", warehouse::text(&found));
    let (compiled, found) = compile(&project);
    assert!(!found.has_errors(), "{}", warehouse::text(&found));
    let (input, found) = emit::input(&compiled.model);
    assert!(!found.has_errors(), "{}", warehouse::text(&found));
    emit::emit(&input, project.target("tool").expect("a target"))
}

/// The local day that is so many days before today.
pub fn day_before(back: u64) -> String {
    (now() - chrono::Days::new(back)).format("%Y-%m-%d").to_string()
}

fn now() -> chrono::DateTime<chrono_tz::Tz> {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock");
    let now = chrono::DateTime::from_timestamp(since.as_secs() as i64, 0).expect("in range");
    now.with_timezone(&chrono_tz::Asia::Shanghai)
}

/// Brings the tables of a scenario into Spark.
pub fn in_spark(tables: &Value, mut run: impl FnMut(&str)) {
    for table in tables.as_array().expect("a list") {
        let texts = |value: &Value| -> Vec<String> {
            value.as_array().expect("a list").iter().map(|one| one.as_str().unwrap_or_default().to_owned()).collect()
        };
        let name = texts(&table["name"]).join(".");
        let columns: Vec<Vec<String>> = table["columns"].as_array().expect("a list").iter().map(texts).collect();
        let kind = |kind: &str| kind.replace("TIMESTAMPTZ", "TIMESTAMP").replace("VARCHAR", "STRING");
        let declared: Vec<String> = columns.iter().map(|one| format!("`{}` {}", one[0], kind(&one[1]))).collect();
        run(&format!("DROP TABLE IF EXISTS {name}"));
        run(&format!("CREATE TABLE {name} ({}) USING parquet", declared.join(", ")));
        let cell = |(cell, column): (&Value, &Vec<String>)| match cell.as_str() {
            Some(text) => format!("CAST('{text}' AS {})", kind(&column[1])),
            None => "NULL".to_owned(),
        };
        let rows = table["rows"].as_array().expect("a list").iter().map(|row| {
            let cells = row.as_array().expect("cells").iter().zip(&columns).map(cell).collect::<Vec<_>>();
            format!("({})", cells.join(", "))
        });
        let rows: Vec<String> = rows.collect();
        if !rows.is_empty() {
            run(&format!("INSERT INTO {name} VALUES {}", rows.join(", ")));
        }
    }
}
