//! `metricc quality`: verdicts of a server over HTTP, of samples, and of what several ways have built.

mod support;

use serde_json::Value;
use support::cli::{Place, Run};
use support::front::Front;

const EVENTS: &str = r#"
source event {
  table: "dwd.event"
  sample: "event.csv"
  key: event_id
  time: at
  arrived: got
  column event_id: string
  column at: timestamp
  column got: timestamp
  column user: string?
  column amount: int
}
dimension who = event.user else "nobody"
metric total = sum(amount from event) { title: "t"; tier: ksi; owner: "o"; grain: 1d; by: who; serve: stream(1m), daily }
quality event_quality on event {
  title: "events"
  complete: user > 50%
  unique: event_id, duplicates < 30%
  fresh: 5m
  valid: amount >= 0
  reconcile: total stream daily < 0.5%
  severity: P1
}
quality told on event { complete: user; severity: P2 }
"#;

/// Two good days, and one on which half of the rules are broken.
const ROWS: [(&str, &str, &str, &str, i64); 8] = [
    ("e1", "2026-11-01 10:00:00", "2026-11-01 10:00:01", "u1", 1),
    ("e2", "2026-11-01 11:00:00", "2026-11-01 11:00:01", "u2", 2),
    ("e3", "2026-11-02 10:00:00", "2026-11-02 10:00:01", "u1", 3),
    ("e4", "2026-11-03 10:00:00", "2026-11-03 10:00:01", "", -1),
    ("e4", "2026-11-03 10:00:01", "2026-11-03 10:00:02", "", -1),
    ("e4", "2026-11-03 10:00:02", "2026-11-03 10:00:03", "", -1),
    ("e5", "2026-11-03 10:00:00", "2026-11-03 10:00:01", "u1", 4),
    ("e6", "2026-11-03 11:00:00", "2026-11-03 11:00:01", "", 5),
];

fn place(target: &str) -> Place {
    let place = Place::empty();
    for folder in ["metrics", "targets", "samples"] {
        std::fs::create_dir(place.path(folder)).expect("made");
    }
    let cell = |(id, at, got, user, amount): &(&str, &str, &str, &str, i64)| format!("{id},{at},{got},{user},{amount}");
    let rows: Vec<String> = ROWS.iter().map(cell).collect();
    place
        .write("metricc.yaml", "name: shop\ntimezone: Asia/Shanghai\nsamples: samples\n")
        .write("metrics/a.metric", EVENTS)
        .write("samples/event.csv", format!("event_id,at,got,user,amount\n{}\n", rows.join("\n")))
        .write("targets/warehouse.yaml", format!("kind: clickhouse\n{target}"));
    place
}

/// A server with the table of the source and its rows. Events of a project are in a database of their own.
fn served() -> (Front, Place) {
    let front = Front::start();
    let database = front.database().to_owned();
    let place = place(&format!("database: {database}\nconnection:\n  url: {}\n", front.url()));
    place.write("metrics/a.metric", EVENTS.replace("dwd.event", &format!("{database}.event")));
    let zoned = "DateTime64(3, 'Asia/Shanghai')";
    front.execute(&format!(
            "CREATE OR REPLACE TABLE {database}.event (event_id String, at {zoned}, got {zoned}, user Nullable(String), amount Int64) ENGINE = MergeTree ORDER BY event_id"
        ),
    );
    let value = |(id, at, got, user, amount): &(&str, &str, &str, &str, i64)| {
        let user = if user.is_empty() { "NULL".to_owned() } else { format!("'{user}'") };
        format!("('{id}', '{at}', '{got}', {user}, {amount})")
    };
    let rows: Vec<String> = ROWS.iter().map(value).collect();
    front.execute(&format!("INSERT INTO {database}.event VALUES {}", rows.join(", ")));
    (front, place)
}

fn json(run: &Run) -> Value {
    serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {}\n{}", run.out, run.err))
}

/// `rule day value verdict`, a line a day, of one declaration.
fn verdicts(found: &Value, quality: &str) -> Vec<String> {
    let all = found.as_array().expect("a list");
    let of = all.iter().find(|one| one["quality"] == quality).expect("the rules");
    let day = |rule: &Value, day: &Value| {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        format!("{} {} {} {}", text(&rule["rule"]), text(&day["day"]), day["value"], text(&day["verdict"]))
    };
    let rules = of["rules"].as_array().expect("a list").iter();
    rules.flat_map(|rule| rule["days"].as_array().expect("a list").iter().map(move |one| day(rule, one))).collect()
}

#[test]
fn a_server_is_asked_for_the_day_that_is_over_and_for_the_newest_row() {
    support::engine!("clickhouse");
    let (_front, place) = served();
    let run = place.run(&["quality", "--clickhouse", "--live", "--now", "2026-11-04 08:00:00", "--format", "json"]);
    let run = run.assert_code(1);
    assert_eq!(
        verdicts(&json(&run), "event_quality"),
        [
            "complete(user) 2026-11-03 0.3333333333333333 broken",
            "duplicates 2026-11-03 0.4 broken",
            "fresh null 75599000.0 broken",
            "valid 2026-11-03 0.6666666666666666 broken",
            "reconcile(total stream daily) null null not judged",
        ]
    );
    let days = ["quality", "event_quality", "--clickhouse", "--live", "--format", "json"];
    let good = [&days[..], &["--from", "2026-11-01", "--to", "2026-11-02", "--now", "2026-11-03 11:04:00"]].concat();
    let run = place.run(&good).assert_code(0);
    assert_eq!(
        verdicts(&json(&run), "event_quality"),
        [
            "complete(user) 2026-11-01 1.0 holds",
            "complete(user) 2026-11-02 1.0 holds",
            "duplicates 2026-11-01 0.0 holds",
            "duplicates 2026-11-02 0.0 holds",
            "fresh null 239000.0 holds",
            "valid 2026-11-01 1.0 holds",
            "valid 2026-11-02 1.0 holds",
            "reconcile(total stream daily) null null not judged",
        ]
    );
    // What is only told fails nothing.
    place
        .run(&["quality", "told", "--clickhouse", "--date", "2026-11-03", "--now", "2026-11-04 00:00:00"])
        .assert_code(0);
    let run = place.run(&["quality", "tolld", "--clickhouse", "--error-format", "plain"]).assert_code(2);
    assert!(run.err.contains("E0847") && run.err.contains("did you mean `told`?"), "{}", run.err);
    let run = place.run(&["quality", "--clickhouse", "--date", "yesterday", "--error-format", "plain"]).assert_code(2);
    assert!(run.err.contains("E0955"), "{}", run.err);
}

#[test]
fn a_page_shows_each_day_of_each_rule() {
    support::engine!("clickhouse");
    let (_front, place) = served();
    let page = place.path("quality.html");
    let asked = [
        "quality",
        "--clickhouse",
        "--live",
        "--from",
        "2026-11-01",
        "--to",
        "2026-11-03",
        "--now",
        "2026-11-04 00:00:00",
    ];
    let file = page.to_string_lossy().into_owned();
    place.run(&[&asked[..], &["--format", "html", "--output", &file]].concat()).assert_code(1);
    let page = std::fs::read_to_string(page).expect("a page");
    for told in ["duplicates", "2026-11-03: 40%", "33.33%", "stops a batch", "is told"] {
        assert!(page.contains(told), "{told}: {page}");
    }
    assert!(!page.contains("<script") && !page.contains("http://"), "it needs nothing else");
    let run = place.run(&asked).assert_code(1);
    insta::with_settings!({
        snapshot_path => "../snapshots/cli",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, { insta::assert_snapshot!("quality", run.out) });
}

#[cfg(feature = "dry-run")]
#[test]
fn samples_are_judged_by_all_of_their_days() {
    let place = place("");
    let run = place.run(&["quality", "event_quality", "--format", "json"]).assert_code(1);
    let all = verdicts(&json(&run), "event_quality");
    let broken: Vec<&String> = all.iter().filter(|line| line.ends_with("broken")).collect();
    assert_eq!(
        broken,
        [
            "complete(user) 2026-11-03 0.3333333333333333 broken",
            "duplicates 2026-11-03 0.4 broken",
            "valid 2026-11-03 0.6666666666666666 broken",
        ]
    );
    assert!(all.contains(&"fresh null null not judged".to_owned()), "{all:?}");
    let run = place.run(&["quality", "told", "--date", "2026-11-01"]).assert_code(0);
    assert!(run.out.contains("complete(user)") && run.out.contains("holds"), "{}", run.out);
}
