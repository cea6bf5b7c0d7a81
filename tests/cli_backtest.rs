//! `metricc alert`: what alerts and objectives of a small world would have told, by hand, from a server over HTTP.

mod support;

use serde_json::Value;
use support::cli::{Place, Run};
use support::front::Front;

const CALLS: &str = r#"
source call {
  table: "dwd.call"
  key: id
  time: at
  column id: int
  column at: timestamp
  column api: string
  column ok: bool
}
dimension api = call.api
metric calls      = count(call) { grain: 1h; by: api }
metric error_rate = count(call where not ok) / calls { unit: ratio; better: down; grain: 1h; by: api }
metric ok_rate    = 1 - count(call where not ok) / calls { unit: ratio; better: up; grain: 1h }
alert failing on error_rate { every: 1m; when: value > 50% for 2m; by: api; volume: calls >= 10; severity: P0 }
alert high    on error_rate { every: 1m; when: value > 10% for 3m; by: api; severity: P1 }
alert silent  on calls      { every: 1m; when: value < 1; absent: 5m; severity: P2 }
slo ok on ok_rate { objective: 99% over 28d; minimum: 10 }
"#;

const FROM: &str = "2026-11-01 10:00:00";
const TO: &str = "2026-11-01 12:00:00";

const INCIDENTS: &str = "start,end,name,metric,api\n\
    2026-11-01 10:30:00,2026-11-01 10:40:00,\"a fails, mostly\",error_rate,a\n\
    2026-11-01 09:00:00,2026-11-01 09:10:00,too early,,\n";

/// Two hours with 20 calls a minute of each of two interfaces. Of `a` 15 of 20 fail in the minutes 30 to 39, of `b` 5 of 20 in the minutes 80 to
/// 84.
fn served() -> (Front, Place) {
    let front = Front::start();
    let database = front.database().to_owned();
    let place = project(&format!("database: {database}\nconnection:\n  url: {}\n", front.url()), &database, CALLS);
    place.write("incidents.csv", INCIDENTS);
    front.execute(&format!(
        "CREATE OR REPLACE TABLE {database}.call (id Int64, at DateTime64(3, 'Asia/Shanghai'), api String, ok Bool) ENGINE = MergeTree ORDER BY id"
    ));
    front.execute(&format!(
        "INSERT INTO {database}.call SELECT number, toDateTime64('{FROM}', 3, 'Asia/Shanghai') + toIntervalMinute(intDiv(number, 40)), \
         if(number % 2 = 0, 'a', 'b'), \
         NOT ((number % 2 = 0 AND intDiv(number, 40) BETWEEN 30 AND 39 AND intDiv(number, 2) % 20 < 15) \
           OR (number % 2 = 1 AND intDiv(number, 40) BETWEEN 80 AND 84 AND intDiv(number, 2) % 20 < 5)) FROM numbers(4800)"
    ));
    (front, place)
}

fn project(target: &str, database: &str, declarations: &str) -> Place {
    let place = Place::empty();
    for folder in ["metrics", "targets"] {
        std::fs::create_dir(place.path(folder)).expect("made");
    }
    place
        .write("metricc.yaml", "name: shop\ntimezone: Asia/Shanghai\n")
        .write("metrics/a.metric", declarations.replace("dwd.call", &format!("{database}.call")))
        .write("targets/warehouse.yaml", format!("kind: clickhouse\n{target}"));
    place
}

fn json(run: &Run) -> Value {
    serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {}\n{}", run.out, run.err))
}

/// `group: from to`, a line a firing, of all rules of an alert, with the clock times alone.
fn firings(found: &Value, alert: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for rule in row(found, alert)["rules"].as_array().expect("rules") {
        for group in rule["groups"].as_array().expect("groups") {
            let labels: Vec<&str> =
                group["labels"].as_object().expect("labels").values().filter_map(Value::as_str).collect();
            for firing in group["firings"].as_array().expect("firings") {
                let clock = |key: &str| firing[key].as_str().expect("an instant")[11..16].to_owned();
                let open = if firing["open"] == true { " open" } else { "" };
                let what = if labels.is_empty() { rule["severity"].as_str().expect("a word") } else { labels[0] };
                lines.push(format!("{what}: {} {}{open}", clock("from"), clock("to")));
            }
        }
    }
    lines
}

fn row<'v>(found: &'v Value, alert: &str) -> &'v Value {
    let all = found["alerts"].as_array().expect("a list");
    all.iter().find(|row| row["alert"] == alert).unwrap_or_else(|| panic!("no {alert}: {found}"))
}

fn near(value: &Value, expected: f64) -> bool {
    value.as_f64().is_some_and(|value| (value - expected).abs() < 1e-9)
}

fn backtest<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["alert", "backtest", "--clickhouse", "--live", "--from", FROM, "--to", TO][..], more].concat()
}

#[test]
fn history_is_replayed_and_held_against_incidents() {
    support::engine!("clickhouse");
    let (_front, place) = served();
    let run = place.run(&backtest(&["--incidents", "incidents.csv", "--format", "json"])).assert_code(0);
    let found = json(&run);
    // The first bad bucket is over at 10:31, and two minutes later it held for two minutes. The first good one is over at 10:41.
    assert_eq!(firings(&found, "failing"), ["a: 10:33 10:41"]);
    assert_eq!(firings(&found, "high"), ["a: 10:34 10:41", "b: 11:24 11:26"]);
    assert_eq!(firings(&found, "silent"), [""; 0]);
    assert_eq!(firings(&found, "silent_absent"), [""; 0]);
    // 5.6 % of six hours, while 30 minutes have as much: 90 of 1,440 in the minute 35, up to 75 of 1,200 in the minute 64. 2.8 % of a day:
    // from 45 of 1,320 on. 0.93 % of three days: from 15 of 1,240 on.
    assert_eq!(firings(&found, "ok"), ["P1: 10:36 11:06", "P2: 10:33 12:00 open", "P2: 10:31 12:00 open"]);
    let messages = |alert: &str| {
        let told = &row(&found, alert)["messages"];
        (told["alone"].as_u64().expect("a count"), told["gathered"].as_u64().expect("a count"))
    };
    // That it fires, and that it is over.
    assert_eq!(messages("failing"), (2, 2));
    // What fires of `a` is hidden by `failing` for as long as it is looked at.
    assert_eq!(messages("high"), (4, 2));
    assert_eq!(row(&found, "failing")["judged"]["delay"], 180_000);
    assert!(near(&row(&found, "failing")["judged"]["precision"], 1.0));
    assert!(near(&row(&found, "high")["judged"]["precision"], 0.5));
    // The other incident lies before all of it.
    assert_eq!(found["incidents"].as_array().map(Vec::len), Some(1));
    assert_eq!(found["incidents"][0]["delay"], 180_000);
    let advice = found["advice"].as_array().expect("a list");
    assert_eq!(advice.len(), 3, "{advice:?}");
    let failing = advice.iter().find(|one| one["alert"] == "failing").expect("advice");
    let best = &failing["tried"][failing["recommended"].as_u64().expect("a place") as usize];
    assert!(near(&best["precision"], 1.0) && near(&best["recall"], 1.0), "{failing}");
}

#[test]
fn a_page_and_a_text_show_when_alerts_fired() {
    support::engine!("clickhouse");
    let (_front, place) = served();
    let page = place.run(&backtest(&["--incidents", "incidents.csv", "--format", "html"])).assert_code(0);
    assert!(page.out.starts_with("<!doctype html>") && page.out.matches("<svg").count() >= 6, "{}", page.out);
    // A row for each alert, though it never fired, and a bar for each time.
    for (name, bars) in [("failing", 1), ("high", 2), ("silent", 0), ("silent_absent", 0), ("ok", 1)] {
        assert_eq!(page.out.matches(&format!("<title>{name}: ")).count(), bars, "{name}");
        assert!(page.out.contains(&format!(">{name}</text>")), "{name}: {}", page.out);
    }
    for hour in ["11-01 10:00", "11-01 10:30", "11-01 11:30"] {
        assert!(page.out.contains(&format!(">{hour}</text>")), "{hour}");
    }
    assert!(
        page.out.contains("a fails, mostly") && !page.out.contains("src=") && !page.out.contains("href="),
        "a page needs nothing else"
    );
    let text = place.run(&backtest(&["failing", "--incidents", "incidents.csv"])).assert_code(0);
    for part in ["failing, api=a", "█", "▔", "Thresholds of failing", "recommended", "recall 100%", "3m 00s"] {
        assert!(text.out.contains(part), "{part}: {}", text.out);
    }
}

#[test]
fn an_edit_is_compared_over_the_same_history() {
    support::engine!("clickhouse");
    let (front, place) = served();
    let before = CALLS.replace("value > 50% for 2m", "value > 80% for 2m").replace("alert high ", "alert higher ");
    let old = project("database: x\n", front.database(), &before);
    let folder = old.path("").display().to_string();
    let run = place.run(&backtest(&["failing", "high", "--against", &folder, "--format", "json"])).assert_code(0);
    let found = json(&run);
    let compared = found["against"]["alerts"].as_array().expect("a list");
    let of = |name: &str| compared.iter().find(|one| one["alert"] == name).expect("an alert");
    assert_eq!((&of("failing")["before"], &of("failing")["now"]), (&Value::from(0), &Value::from(1)));
    assert_eq!(of("failing")["new"][0]["group"], "api=a");
    assert_eq!((&of("high")["before"], &of("high")["now"]), (&Value::Null, &Value::from(2)));
    // Both are asked of the sources, though these alerts are served from what was never built here.
    let served = CALLS.replace("grain: 1h; by: api }", "grain: 1h; by: api; serve: stream(1m) }");
    place.write("metrics/a.metric", served.replace("dwd.call", &format!("{}.call", front.database())));
    let ask = ["alert", "backtest", "failing", "--clickhouse", "--from", FROM, "--to", TO];
    place.run(&ask).assert_code(2);
    let run = place.run(&[&ask[..], &["--against", &folder, "--format", "json"]].concat()).assert_code(0);
    assert_eq!(firings(&json(&run), "failing"), ["a: 10:33 10:41"]);
}

#[test]
fn rules_of_quality_are_replayed_by_name_and_among_all() {
    support::engine!("clickhouse");
    let (front, place) = served();
    let database = front.database();
    let rules = "quality calls_ok on call { valid: ok; minimum: 100; severity: P2 }\n";
    place.write("metrics/a.metric", format!("{CALLS}{rules}").replace("dwd.call", &format!("{database}.call")));
    // On the first day 175 calls fail. On the second all of 50 do, which are too few to tell; of the third all are fine.
    for (first, count, day, ok) in [(10_000, 50, 2, "false"), (20_000, 200, 3, "true")] {
        front.execute(&format!(
            "INSERT INTO {database}.call SELECT {first} + number, toDateTime64('2026-11-0{day} 10:00:00', 3, 'Asia/Shanghai'), 'a', {ok} FROM numbers({count})"
        ));
    }
    let days = ["--clickhouse", "--live", "--from", "2026-11-01", "--to", "2026-11-04", "--format", "json"];
    let ask =
        |names: &[&'static str]| json(&place.run(&[&["alert", "backtest"][..], names, &days].concat()).assert_code(0));
    let found = ask(&["calls_ok.valid"]);
    assert_eq!(found["alerts"].as_array().map(Vec::len), Some(1));
    let firing = &row(&found, "calls_ok.valid")["rules"][0]["groups"][0]["firings"];
    assert_eq!(firing.as_array().map(Vec::len), Some(1), "{firing}");
    assert_eq!(
        (&firing[0]["from"], &firing[0]["to"]),
        (&"2026-11-02T00:00:00+08:00".into(), &"2026-11-04T00:00:00+08:00".into())
    );
    let all = |found: &Value| {
        let alerts = found["alerts"].as_array().expect("a list").iter();
        alerts.map(|one| one["alert"].as_str().expect("a name").to_owned()).collect::<Vec<_>>()
    };
    assert!(all(&ask(&[])).contains(&"calls_ok.valid".to_owned()));
    // Where they are no alerts they are not among all, and can be asked for nevertheless.
    place.write("targets/alerts.yaml", format!("{TOLD}quality: false\n"));
    assert!(!all(&ask(&[])).contains(&"calls_ok.valid".to_owned()));
    assert_eq!(all(&ask(&["calls_ok.valid"])), ["calls_ok.valid"]);
    let run = place.run(&["alert", "backtest", "calls_ok.vald", "--clickhouse"]).assert_code(2);
    assert!(run.err.contains("E0887") && run.err.contains("did you mean `calls_ok.valid`?"), "{}", run.err);
}

const TOLD: &str = "kind: alerts\nreceivers: { pager: { webhook: \"http://127.0.0.1:9/alerts\" } }\n\
    notify: { P0: [pager], P1: [pager], P2: [pager] }\n";

#[test]
fn messages_that_nobody_is_told_of_are_counted_apart() {
    support::engine!("clickhouse");
    let (_front, place) = served();
    let mute = "mute: { noon: { severities: [P1], from: \"11:00\", to: \"12:00\" } }\n";
    place.write("targets/alerts.yaml", format!("{TOLD}{mute}"));
    let found = json(&place.run(&backtest(&["failing", "high", "--format", "json"])).assert_code(0));
    let of = |alert: &str| {
        let told = &row(&found, alert)["messages"];
        ["alone", "gathered", "muted"].map(|key| told[key].as_u64().expect("a count"))
    };
    // What fires of `b` is told at 11:24:30, and that it is over at 11:29:30: both at a time that is muted. `a` is hidden.
    assert_eq!((of("failing"), of("high")), ([2, 2, 0], [4, 0, 2]));
    assert_eq!(found["messages"]["muted"], 2);
    let text = place.run(&backtest(&["failing", "high"])).assert_code(0).out;
    assert!(text.contains("Of 2 more messages nobody is told"), "{text}");
}

#[test]
fn a_time_that_is_none_or_too_long_is_refused() {
    support::engine!("clickhouse");
    let (front, place) = served();
    for (from, to, code) in [
        ("1970-01-01", TO, "E0889"),
        ("0001-01-01", "9999-12-31", "E0889"),
        ("2026-11-02", "2026-11-01", "E0888"),
        ("+262142-12-31T23:59:59", TO, "E0955"),
        ("-9999-01-01 00:00:00", TO, "E0955"),
    ] {
        let from = format!("--from={from}");
        let run = place.run(&["alert", "backtest", "--clickhouse", "--live", &from, "--to", to]).assert_code(2);
        assert!(run.err.contains(code), "{from} {to}: {}", run.err);
    }
    // What is compared with values of so long ago, or must hold for so long, looks at them.
    let long = CALLS.replace("absent: 5m", "absent: 10000000d");
    place.write("metrics/a.metric", long.replace("dwd.call", &format!("{}.call", front.database())));
    assert!(place.run(&backtest(&[])).assert_code(2).err.contains("`silent` looks at 144"));
    let run = place.run(&["alert", "budget", "--clickhouse", "--live", "--at=+262142-12-31T23:59:59"]).assert_code(2);
    assert!(run.err.contains("E0955"), "{}", run.err);
    place.write("wrong.csv", "start,end,name\n+262142-12-31T00:00:00,2026-11-01,x\n");
    assert!(place.run(&backtest(&["--incidents", "wrong.csv"])).assert_code(2).err.contains("is no time"));
}

#[test]
fn what_is_wrong_with_incidents_is_told_where_it_stands() {
    support::engine!("clickhouse");
    let (_front, place) = served();
    let told = |text: &str| {
        place.write("wrong.csv", text);
        place.run(&backtest(&["--incidents", "wrong.csv"])).assert_code(2).err
    };
    let head = "start,end,name,alert,metric,api\n";
    for (row, part) in [
        ("2026-11-01 10:30:00,2026-11-01,x,,,\n", "this incident ends before it begins"),
        ("2026-11-01 10:30:00,soon,x,,,\n", "`end` of this incident is no time: `soon`"),
        ("2026-11-01,2026-11-02,,,,\n", "this incident has no name"),
        ("2026-11-01,2026-11-02,x,falling,,\n", "did you mean `failing`?"),
        ("2026-11-01,2026-11-02,x,,error_rat,\n", "did you mean `error_rate`?"),
        ("2026-11-01,2026-11-02,x\n", "this row has 3 cells, and the head has 6"),
        ("2026-11-01,2026-11-02,\"x,,,\n", "can't be read"),
    ] {
        let told = told(&format!("{head}2026-11-01,2026-11-02,fine,,,\n{row}"));
        assert!(told.contains("E0886") && told.contains(part) && told.contains("wrong.csv:3"), "{row}{told}");
    }
    // Written by a program that has another encoding.
    std::fs::write(place.path("wrong.csv"), b"start,end,name\n2026-11-01,2026-11-02,\xb9\xca\xd5\xcf\n")
        .expect("written");
    let run = place.run(&backtest(&["--incidents", "wrong.csv"])).assert_code(2);
    assert!(run.err.contains("it is not UTF-8") && run.err.contains("wrong.csv:2"), "{}", run.err);
    assert!(told("start,end,name,ap\n").contains("did you mean the dimension `api`?"));
    assert!(told("start,name\n").contains("incidents have no column `end`"));
    let run = place.run(&backtest(&["falling"])).assert_code(2);
    assert!(run.err.contains("E0887") && run.err.contains("did you mean `failing`?"), "{}", run.err);
    let run = place.run(&["alert", "backtest", "--clickhouse", "--live", "--from", "2031-01-01", "--to", "2031-01-02"]);
    assert!(run.assert_code(2).err.contains("E0888"));
}

#[test]
fn a_budget_is_made_of_sums_over_the_whole_window() {
    support::engine!("clickhouse");
    let (_front, place) = served();
    let ask = |more: &[&str]| place.run(&[&["alert", "budget", "--clickhouse", "--live", "--at"][..], more].concat());
    let found = json(&ask(&[TO, "--format", "json"]).assert_code(1));
    let ok = &found[0];
    assert_eq!((&ok["bad"], &ok["total"]), (&Value::from(175.0), &Value::from(4800.0)));
    assert!(near(&ok["share"], 1.0 - 175.0 / 4800.0) && near(&ok["allowed"], 48.0), "{ok}");
    assert!(near(&ok["used"], 175.0 / 48.0));
    assert_eq!(ok["runs_out_in"], 0);
    let window =
        |ms: i64| ok["windows"].as_array().expect("a list").iter().find(|one| one["window"] == ms).expect("a window");
    assert!(near(&window(3_600_000)["burn"], 25.0 / 2400.0 / 0.01), "{ok}");
    assert!(near(&window(300_000)["burn"], 0.0));
    let firing: Vec<&Value> = ok["firing"].as_array().expect("a list").iter().map(|one| &one["severity"]).collect();
    assert_eq!(firing, ["P2", "P2"]);
    assert_eq!(ok["by_day"].as_array().map(Vec::len), Some(29));
    // Before anything was bad nothing is used up.
    let early = json(&ask(&["2026-11-01 10:20:00", "--format", "json"]).assert_code(0));
    assert!(near(&early[0]["used"], 0.0) && early[0]["runs_out_in"].is_null(), "{early}");
    let text = ask(&[TO, "ok"]).assert_code(1).out;
    for part in ["(175 of 4800 bad), and must be 99%", "364.6% are used up", "Nothing is left", "2026-11-01"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(ask(&[TO, "--format", "html"]).assert_code(1).out.contains("What is left of ok"));
    assert!(ask(&[TO, "failing"]).assert_code(2).err.contains("E0887"));
}

#[test]
fn members_do_not_add_up_over_minutes() {
    support::engine!("clickhouse");
    let (front, _place) = served();
    let declarations = CALLS.replace(
        "count(call where not ok) / calls {",
        "distinct(api from call where not ok) / distinct(api from call) {",
    );
    let place =
        project(&format!("database: x\nconnection:\n  url: {}\n", front.url()), front.database(), &declarations);
    let run = place.run(&["alert", "budget", "--clickhouse", "--live", "--at", TO]).assert_code(2);
    assert!(run.err.contains("E0897"), "{}", run.err);
}

#[test]
fn a_project_without_alerts_is_valid_json_too() {
    let place = Place::empty();
    std::fs::create_dir(place.path("metrics")).expect("made");
    place.write("metricc.yaml", "name: shop\ntimezone: UTC\n").write("metrics/a.metric", "");
    let run = place.run(&["alert", "backtest", "--format", "json"]).assert_code(0);
    assert_eq!(json(&run)["alerts"], Value::Array(Vec::new()), "{}", run.out);
    let run = place.run(&["alert", "budget", "--format", "json"]).assert_code(0);
    assert_eq!(json(&run), Value::Array(Vec::new()));
    assert!(run.err.contains("the project has no objectives"), "{}", run.err);
    assert_eq!(place.run(&["alert", "backtest"]).assert_code(0).out, "");
}

#[test]
fn texts_of_rows_stay_texts_in_every_form() {
    support::engine!("clickhouse");
    let (front, place) = served();
    let declared =
        CALLS.replace("dimension api = call.api", "dimension name = call.api").replace("by: api", "by: name");
    place.write("metrics/a.metric", declared.replace("dwd.call", &format!("{}.call", front.database())));
    front.execute(&format!(
        "ALTER TABLE {}.call UPDATE api = '<b>\u{1b}[31m' WHERE api = 'a' SETTINGS mutations_sync = 1",
        front.database()
    ));
    // A column of incidents is none of dimensions, though one has its name.
    place.write("incidents.csv", "start,end,name\n2026-11-01 10:30:00,2026-11-01 10:40:00,<i>it</i> \u{1b}[2J\n");
    let ask = |more: &[&'static str]| {
        place.run(&backtest(&[&["failing", "--incidents", "incidents.csv"][..], more].concat())).assert_code(0).out
    };
    let page = ask(&["--format", "html"]);
    assert!(page.contains("&lt;b&gt;") && page.contains("&lt;i&gt;it&lt;/i&gt;"), "{page}");
    assert!(!page.contains("<b>") && !page.contains("<i>"), "{page}");
    let text = ask(&[]);
    assert!(text.contains("name=<b>\\u{1b}[31m") && !text.contains('\u{1b}'), "{text}");
    let found: Value = serde_json::from_str(&ask(&["--format", "json"])).expect("JSON");
    assert_eq!(found["incidents"][0]["delay"], 180_000);
    assert_eq!(row(&found, "failing")["rules"][0]["groups"][0]["labels"]["name"], "<b>\u{1b}[31m");
}
