//! Targets of the kind `airflow`: their DAGs are loaded, linted and run by Airflow itself, over a real ClickHouse.

mod support;
mod warehouse;

use std::collections::BTreeSet;
use std::path::PathBuf;

use metricc::compile::compile;
use metricc::diagnostic::Diagnostics;
use metricc::emit::{self, Emitted};
use metricc::project::{DiskFiles, Files, load};
use serde_json::{Value, json};
use support::airflow::Airflow;
use support::front::Front;
use warehouse::{Warehouse, files, text};

/// Orders that change, events that are sent again; texts that templates of Airflow would take for their own.
const SHOP: &str = r#"
source event {
  table: "dwd.event"
  key: event_id
  time: event_time
  arrived: received_at
  column event_id: string
  column event_time: timestamp(ms)
  column received_at: timestamp(ms)
  column user_id: string?
  column platform: string
}
source order {
  table: "dwd.order"
  key: order_id latest by updated_at
  time: created_at
  revised: 3d
  column order_id: string
  column created_at: timestamp
  column updated_at: timestamp
  column user_id: string
  column pay_amount: decimal(18,2)? unit CNY
}
source call {
  table: "dwd.call"
  time: at
  column at: timestamp
  column ok: bool
}
dimension platform = event.platform
metric dau = distinct(user_id from event) { title: "日活 \"用户\""; owner: "增长"; grain: 1d, 1w; by: platform; serve: daily }
metric odd = count(event where platform = "{{ ds }}; {% raw %} {day: Date32}\n-- x {# '`") { owner: "增长"; grain: 1d; serve: daily }
metric gmv = sum(pay_amount from order) { owner: "trade"; grain: 1d, month; serve: daily }
metric orders = count(order) { owner: "trade"; grain: 1d; serve: daily }
metric per_user = gmv / dau { owner: "trade"; grain: 1d; serve: daily }
metric calls = count(call) { owner: "trade"; grain: 1h, 1d; serve: hourly, daily }
metric calls_per_order = calls / orders { owner: "trade"; grain: 1d; serve: daily }
"#;

const NEW_YORK: &str = "America/New_York";

/// What is made of declarations for a target `airflow` with these settings.
fn made(zone: &str, declarations: &str, settings: &str) -> (Emitted, Diagnostics) {
    let (emitted, found) = tried(zone, declarations, settings);
    assert!(!found.has_errors(), "{}", text(&found));
    (emitted.expect("artefacts"), found)
}

/// The same, where something may be wrong.
fn tried(zone: &str, declarations: &str, settings: &str) -> (Option<Emitted>, Diagnostics) {
    tried_files(&files(zone, declarations, "", None).with("targets/airflow.yaml", format!("kind: airflow\n{settings}")))
}

fn tried_files(files: &dyn Files) -> (Option<Emitted>, Diagnostics) {
    let (project, mut found) = load(files);
    let project = project.unwrap_or_else(|| panic!("{}", text(&found)));
    let (compiled, told) = compile(&project);
    found.extend(told);
    let (input, told) = emit::with_changes(&project, &compiled);
    found.extend(told);
    let Some(target) = project.target("airflow") else { return (None, found) };
    let (emitted, told) = emit::emit(&input, target);
    found.extend(told);
    (Some(emitted), found)
}

fn told(zone: &str, declarations: &str, settings: &str) -> Vec<String> {
    problems(&tried(zone, declarations, settings).1)
}

/// What is wrong, without what is only not nice.
fn problems(found: &Diagnostics) -> Vec<String> {
    let found = found.iter().filter(|one| !one.code.0.starts_with('L'));
    found.map(|one| format!("{} {} ({})", one.code, one.message, one.help.as_deref().unwrap_or_default())).collect()
}

/// A server beside the session of a warehouse, and the connection to it.
fn serve(shop: &Warehouse) -> (Front, (&'static str, String)) {
    let front = Front::beside(&shop.session);
    let (host, port) = front.url().trim_start_matches("http://").rsplit_once(':').expect("a port");
    let connection = json!({ "conn_type": "clickhouse", "host": host, "port": port.parse::<u16>().expect("a number") });
    (front, ("clickhouse_default", connection.to_string()))
}

fn state(run: &Value, task: &str) -> String {
    run["tasks"][task].as_str().unwrap_or_else(|| panic!("no {task} in {}", run["tasks"])).to_owned()
}

#[test]
fn dags_load_and_are_linted() {
    support::engine!("airflow");
    let settings = "deadlines: true\nalerts: alertmanager\ndocs_url: https://metrics.example.com/docs/\nprefix: \"店铺 \\\"1\\\"\"\nowner: data\ntags: [\"a 'b' \\\"c\\\"\"]\n";
    let declarations = format!("{SHOP}metric 客单价 = gmv / dau {{ owner: \"trade\"; grain: 1d; serve: daily }}\n");
    let (emitted, found) = made(NEW_YORK, &declarations, settings);
    assert_eq!(problems(&found), [""; 0]);
    assert_eq!(made(NEW_YORK, &declarations, settings).0.artifacts, emitted.artifacts);
    let mut airflow = Airflow::start("airflow", &emitted.artifacts, &[]);
    let lint = airflow.lint(&["check", "--isolated", "--preview", "--select", "AIR,DTZ,F,E"]);
    assert_eq!(lint["code"], 0, "{}", lint["text"].as_str().unwrap_or_default());
    let lint = airflow.lint(&["format", "--isolated", "--diff"]);
    assert_eq!(lint["code"], 0, "{}", lint["text"].as_str().unwrap_or_default());
    let loaded = airflow.load();
    assert_eq!(loaded["errors"], json!({}));
    for (file, seconds) in loaded["seconds"].as_object().expect("files") {
        assert!(seconds.as_f64().is_some_and(|seconds| seconds < 1.0), "{file}: {seconds}");
    }
    let dags = loaded["dags"].as_object().expect("DAGs");
    assert_eq!(dags.len(), emitted.details["dags"].as_array().map_or(0, Vec::len));
    assert_eq!(dags.len(), 6, "{:?}", dags.keys());
    let mut batches: Vec<String> = Vec::new();
    for (id, dag) in dags {
        assert!(id.is_ascii() && id.len() <= 250, "{id}");
        assert_eq!((&dag["catchup"], &dag["runs"]), (&json!(false), &json!(1)), "{id}");
        for (task, about) in dag["tasks"].as_object().expect("tasks") {
            assert!(task.is_ascii() && task.len() <= 250, "{task}");
            if task.ends_with(".build") {
                assert_eq!(about["limit"], 1, "{task}");
                batches.push(format!("{id} {task}"));
            }
        }
    }
    // Each batch is in one DAG: three daily ones of two domains, an hourly one.
    assert_eq!(batches.len(), 4, "{batches:?}");
    let growth = dags
        .values()
        .find(|dag| dag["display"].as_str().is_some_and(|name| name.ends_with("\" 增长 daily")))
        .expect("a DAG");
    assert_eq!((&growth["tasks"]["event.wait"]["owner"], &growth["deadlines"]), (&json!("增长"), &json!(1)));
    let doc = growth["doc"].as_str().expect("a text");
    assert!(
        doc.contains(
            "[dau](https://metrics.example.com/docs/metrics/dau.html): 日活 \"用户\" = `distinct(user_id from event)`"
        ),
        "{doc}"
    );
    assert!(!doc.ends_with(".md"));
    // A metric of several batches is told of by a task of their DAG, or by one that waits for both DAGs.
    let trade = dags
        .values()
        .find(|dag| dag["display"].as_str().is_some_and(|name| name.contains("trade daily")))
        .expect("a DAG");
    let joined = &trade["tasks"]["metrics_of__order__call"];
    assert_eq!(joined["after"], json!(["call.built", "order.built"]));
    assert!(
        joined["outlets"][0].as_str().is_some_and(|uri| uri.ends_with("/metric/calls_per_order/daily")),
        "{joined}"
    );
    let across: Vec<&Value> =
        dags.values().filter(|dag| dag["assets"].as_array().is_some_and(|all| all.len() == 2)).collect();
    assert_eq!(across.len(), 1);
    airflow.call(
        &format!("{}_alerts.missed", emitted.details["package"].as_str().expect("a name")),
        &json!({ "dag_id": "d", "by": "08:30" }),
    );
}

#[test]
fn the_dags_of_the_library_load() {
    support::engine!("airflow");
    let (emitted, found) = tried_files(&DiskFiles::new(PathBuf::from(env!("CARGO_MANIFEST_DIR"))));
    assert!(!found.has_errors(), "{}", text(&found));
    let emitted = emitted.expect("artefacts");
    let mut airflow = Airflow::start("airflow", &emitted.artifacts, &[]);
    let loaded = airflow.load();
    assert_eq!(loaded["errors"], json!({}));
    let ids = |dags: &Value| -> BTreeSet<String> {
        let ids = dags.as_array().expect("a list").iter().filter_map(|dag| dag["id"].as_str());
        ids.map(str::to_owned).collect()
    };
    let dags: BTreeSet<String> = loaded["dags"].as_object().expect("DAGs").keys().cloned().collect();
    assert_eq!(dags, ids(&emitted.details["dags"]));
    assert!(dags.len() > 1, "{dags:?}");
}

#[cfg(feature = "dry-run")]
use warehouse::right::agrees;

/// Whether the dry run says the same cannot be asked without it.
#[cfg(not(feature = "dry-run"))]
fn agrees(_: &Warehouse) {}

const FIRST_DAY: &str = "
    e1 | 2024-11-02 00:00:00 | 2024-11-02 00:00:05 | u1 | web
    e2 | 2024-11-02 12:00:00 | 2024-11-02 12:00:05 | u2 | web
    e2 | 2024-11-02 12:00:01 | 2024-11-02 12:01:00 | u2 | web
    e3 | 2024-11-02 23:59:59 | 2024-11-03 00:00:01 | u1 | ios";
/// It has 25 hours.
const SECOND_DAY: &str = "
    e4 | 2024-11-03 00:00:00 | 2024-11-03 00:00:05 | u1 | web
    e7 | 2024-11-03 23:30:00 | 2024-11-04 00:30:01 | u2 | web";
const THIRD_DAY: &str = "
    e8 | 2024-11-04 09:00:00 | 2024-11-04 09:00:01 | u3 | web
    e9 | 2024-11-04 10:00:00 | 2024-11-05 00:00:01 | u3 | ios";

const GROWTH: &str = "shop__u589e_u957f_";

/// The id of the only DAG whose id has a part.
fn dag(emitted: &Emitted, parts: &[&str]) -> String {
    let ids = emitted.details["dags"].as_array().expect("a list").iter().map(|dag| dag["id"].as_str().expect("an id"));
    let found: Vec<&str> = ids.filter(|id| parts.iter().all(|part| id.contains(part))).collect();
    let [id] = found.as_slice() else { panic!("{parts:?}: {found:?}") };
    (*id).to_owned()
}

#[test]
fn three_days_and_runs_again() {
    support::engine!("airflow");
    support::engine!("clickhouse");
    let shop = Warehouse::new(NEW_YORK, SHOP);
    let emitted = made(NEW_YORK, SHOP, "wait:\n  every: 1s\n  up_to: 1s\n").0;
    let (_front, connection) = serve(&shop);
    let mut airflow = Airflow::start("airflow", &emitted.artifacts, &[connection]);
    let (growth, trade) = (dag(&emitted, &[GROWTH, "__daily"]), dag(&emitted, &["shop__trade__daily"]));
    // The clocks go back on 3 November; the run for it starts 25 hours after its midnight.
    assert_eq!(
        airflow.intervals(&growth, "2024-11-02T00:00:00-04:00", 3)[2],
        json!(["2024-11-04 07:00:00+00:00", "2024-11-03 07:00:00+00:00"])
    );
    shop.insert("event", FIRST_DAY);
    shop.insert(
        "event",
        "x1 | 2024-11-02 08:00:00 | 2024-11-02 08:00:00 | u9 | {{ ds }}; {% raw %} {day: Date32}\n".trim_end(),
    );
    shop.insert("order", "o1 | 2024-11-02 10:00:00 | 2024-11-02 10:00:00 | u1 | 10");
    shop.insert("call", "2024-11-02 10:00:00 | true");
    airflow.succeed(&growth, "2024-11-03T02:00:00-05:00");
    airflow.succeed(&trade, "2024-11-03T02:00:00-05:00");
    assert_eq!(shop.view("dau__1d").len(), 3);
    shop.insert("event", SECOND_DAY);
    shop.insert("order", "o1 | 2024-11-02 10:00:00 | 2024-11-03 09:00:00 | u1 | 12.5\no2 | 2024-11-03 10:00:00 | 2024-11-03 10:00:00 | u1 | 5");
    shop.insert("call", "2024-11-03 10:00:00 | true");
    airflow.succeed(&growth, "2024-11-04T02:00:00-05:00");
    airflow.succeed(&trade, "2024-11-04T02:00:00-05:00");
    shop.insert("event", THIRD_DAY);
    shop.insert("order", "o3 | 2024-11-04 10:00:00 | 2024-11-04 10:00:00 | u2 |");
    shop.insert("call", "2024-11-04 10:00:00 | false");
    airflow.succeed(&growth, "2024-11-05T02:00:00-05:00");
    airflow.succeed(&trade, "2024-11-05T02:00:00-05:00");
    agrees(&shop);
    assert_eq!(
        shop.view("gmv__1d"),
        ["2024-11-02 00:00:00.000 | 12.5", "2024-11-03 00:00:00.000 | 5", "2024-11-04 00:00:00.000 | 0"]
    );
    // Once more, and out of order.
    let views = ["dau__1d", "dau__1w", "gmv__1d", "orders__1d", "per_user__1d"];
    let built: Vec<Vec<String>> =
        views.iter().map(|view| shop.lines(&format!("SELECT * FROM metrics.`{view}` ORDER BY ALL"))).collect();
    for day in ["2024-11-05", "2024-11-03", "2024-11-04", "2024-11-04"] {
        airflow.succeed(&growth, &format!("{day}T02:00:00-05:00"));
        airflow.succeed(&trade, &format!("{day}T02:00:00-05:00"));
    }
    let again: Vec<Vec<String>> =
        views.iter().map(|view| shop.lines(&format!("SELECT * FROM metrics.`{view}` ORDER BY ALL"))).collect();
    assert_eq!(again, built);
    agrees(&shop);
    // Killed between stage and publish, and in the middle of publishing: the next run makes it good.
    let days = ["2024-11-03".to_owned(), "2024-11-04".to_owned()];
    shop.stage("event__daily", &days);
    shop.set("day", "2024-11-03");
    shop.apply_a_part(shop.file("event__daily", "publish"), 2);
    airflow.succeed(&growth, "2024-11-05T02:00:00-05:00");
    assert_eq!(shop.view("dau__1d"), built[0]);
    // What has no rows yet is waited for, and given up with a reason.
    let run = airflow.run(&growth, "2024-11-06T02:00:00-05:00", &Value::Null);
    assert_eq!((run["state"].as_str(), state(&run, "event.wait").as_str()), (Some("failed"), "failed"));
    assert_eq!(state(&run, "event.days"), "upstream_failed");
    assert!(
        run["log"].as_str().is_some_and(|log| log.contains("for 2024-11-05 in vain")),
        "{}",
        run["log"].as_str().unwrap_or_default()
    );
    assert_eq!(shop.view("dau__1d"), built[0]);
}

#[test]
fn the_past_hours_and_what_is_late() {
    support::engine!("airflow");
    support::engine!("clickhouse");
    let shop = Warehouse::new("Asia/Kolkata", SHOP);
    let emitted = made("Asia/Kolkata", SHOP, "wait:\n  for: { event: rows, order: nothing, call: nothing }\n").0;
    let (_front, connection) = serve(&shop);
    let mut airflow = Airflow::start("airflow", &emitted.artifacts, &[connection]);
    let (daily, hourly) = (dag(&emitted, &[GROWTH, "__daily"]), dag(&emitted, &["shop__trade__hourly"]));
    shop.insert("event", FIRST_DAY);
    shop.insert("event", SECOND_DAY);
    shop.insert("event", THIRD_DAY);
    // All that there is up to a day, whatever the run of the day would build.
    let run = airflow.run(&daily, "2024-11-04T02:00:00+05:30", &json!({ "history": true }));
    assert_eq!(run["state"], "success", "{}", run["log"].as_str().unwrap_or_default());
    assert_eq!(
        shop.lines("SELECT sum(dau) FROM metrics.dau__1d WHERE time < toDateTime64('2024-11-04', 3, 'Asia/Kolkata')"),
        ["5"]
    );
    assert_eq!(
        shop.lines("SELECT count() FROM metrics.dau__1d WHERE time >= toDateTime64('2024-11-04', 3, 'Asia/Kolkata')"),
        ["0"]
    );
    // The hour from nine, half an hour off UTC.
    shop.insert("call", "2024-11-03 00:10:00 | true\n2024-11-03 09:59:59 | true\n2024-11-03 10:00:00 | false");
    airflow.succeed(&hourly, "2024-11-03T10:05:00+05:30");
    assert_eq!(shop.view("calls__1h"), ["2024-11-03 00:00:00.000 | 1", "2024-11-03 09:00:00.000 | 1"]);
    // Whether a day is built is asked apart from its runs: nothing of 5 November is.
    let freshness = dag(&emitted, &["shop__freshness__hourly"]);
    let run = airflow.run(&freshness, "2024-11-03T10:55:00+05:30", &Value::Null);
    assert_eq!(run["state"], "success", "{}", run["log"].as_str().unwrap_or_default());
    let run = airflow.run(&freshness, "2024-11-04T11:55:00+05:30", &Value::Null);
    assert_eq!(state(&run, "call__hourly"), "failed");
    let all = emitted.details["dags"].as_array().expect("a list");
    let id = all
        .iter()
        .filter_map(|dag| dag["id"].as_str())
        .find(|id| id.ends_with("__freshness"))
        .expect("a DAG")
        .to_owned();
    let run = airflow.run(&id, "2024-11-04T08:30:00+05:30", &Value::Null);
    assert_eq!(
        ["event__daily", "order__daily", "call__hourly"].map(|task| state(&run, task)),
        ["success", "failed", "success"]
    );
    assert!(
        run["log"].as_str().is_some_and(|log| log.contains("order__daily of 2024-11-03 is not built")),
        "{}",
        run["log"].as_str().unwrap_or_default()
    );
}

#[test]
fn broken_rules_keep_a_day_back() {
    support::engine!("airflow");
    support::engine!("clickhouse");
    let rules = "quality amounts on order { valid: pay_amount >= 0; severity: P0 }\nquality whole on order { complete: user_id; severity: P2 }\n";
    let declarations = format!("{SHOP}{rules}");
    let shop = Warehouse::new(NEW_YORK, &declarations);
    let emitted = made(NEW_YORK, &declarations, "domains:\n  order: [order]\n").0;
    let (_front, connection) = serve(&shop);
    let mut airflow = Airflow::start("airflow", &emitted.artifacts, &[connection]);
    let trade = dag(&emitted, &["shop__order__daily"]);
    shop.insert("order", "o1 | 2024-11-02 10:00:00 | 2024-11-02 10:00:00 | u1 | 10");
    airflow.succeed(&trade, "2024-11-03T02:00:00-05:00");
    let good = shop.view("gmv__1d");
    assert_eq!(good, ["2024-11-02 00:00:00.000 | 10"]);
    // A late row spoils the day before, and a new one comes without its user.
    shop.insert(
        "order",
        "o1 | 2024-11-02 10:00:00 | 2024-11-03 09:00:00 | u1 | -10\no2 | 2024-11-03 10:00:00 | 2024-11-03 10:00:00 | u1 | 7",
    );
    let run = airflow.run(&trade, "2024-11-04T02:00:00-05:00", &Value::Null);
    assert_eq!((run["state"].as_str(), state(&run, "order.build[0]").as_str()), (Some("failed"), "failed"));
    assert_eq!(state(&run, "order.built"), "upstream_failed");
    let log = run["log"].as_str().expect("a text");
    assert!(log.contains("quality keeps days back") && log.contains("2024-11-02: "), "{log}");
    // Of the day that is broken readers see what they saw; the other one is there.
    assert_eq!(shop.view("gmv__1d"), [good[0].as_str(), "2024-11-03 00:00:00.000 | 7"]);
    shop.insert("order", "o1 | 2024-11-02 10:00:00 | 2024-11-03 11:00:00 | u1 | 11");
    airflow.succeed(&trade, "2024-11-04T02:00:00-05:00");
    assert_eq!(shop.view("gmv__1d"), ["2024-11-02 00:00:00.000 | 11", "2024-11-03 00:00:00.000 | 7"]);
}

#[test]
fn double_runs_are_built_and_verified() {
    support::engine!("airflow");
    support::engine!("clickhouse");
    let change = "metric gmv v2 = sum(pay_amount from order where pay_amount > 1) { owner: \"trade\"; grain: 1d, month; serve: daily }\n\
                  change gmv v1 -> v2 { reason: \"small ones are tests\"; stage: double_run }\n\
                  report daily { title: \"日报\"; at: \"08:30\"; every: 1d; metrics: gmv, dau }\n";
    let declarations = format!("{SHOP}{change}");
    let project = tempfile::tempdir().expect("a folder");
    let settings = format!(
        "wait:\n  every: 1s\n  up_to: 2s\n  for: {{ event: nothing }}\nproject: {}\ncommand: {}\n",
        project.path().display(),
        env!("CARGO_BIN_EXE_metricc")
    );
    for (path, text) in [
        ("metricc.yaml", format!("name: shop\ntimezone: {NEW_YORK}\nunits: [CNY]\n")),
        ("targets/warehouse.yaml", "kind: clickhouse\ncreate_sources: true\n".to_owned()),
        ("metrics/shop.metric", declarations.clone()),
    ] {
        let path = project.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }
    let shop = Warehouse::new(NEW_YORK, &declarations);
    let set = shop.emitted.details["changes"][0]["apply"].as_str().expect("a path").to_owned();
    shop.apply(&set);
    // A report that goes to nobody has nothing to run.
    let (quiet, found) = made(NEW_YORK, &declarations, &settings);
    assert_eq!(problems(&found), [""; 0]);
    assert!(quiet.artifacts.iter().all(|artifact| !artifact.path.contains("reports")));
    let sent = declarations.replace("metrics: gmv, dau }", "metrics: gmv, dau; deliver: email(\"kpi\") }");
    let receivers =
        "receivers:\n  kpi: { email: [kpi@example.com] }\nmail: { host: localhost, from: kpi@example.com }\n";
    let config = format!("name: shop\ntimezone: {NEW_YORK}\nunits: [CNY]\npaths: [metrics]\n{receivers}");
    let all = files(NEW_YORK, &sent, "", None).with("metricc.yaml", config);
    let (emitted, found) = tried_files(&all.with("targets/airflow.yaml", format!("kind: airflow\n{settings}")));
    assert_eq!(problems(&found), [""; 0]);
    let emitted = emitted.expect("artefacts");
    let (_front, connection) = serve(&shop);
    let mut airflow = Airflow::start("airflow", &emitted.artifacts, &[connection]);
    let lint = airflow.lint(&["check", "--isolated", "--preview", "--select", "AIR,DTZ,F,E"]);
    assert_eq!(lint["code"], 0, "{}", lint["text"].as_str().unwrap_or_default());
    let lint = airflow.lint(&["format", "--isolated", "--diff"]);
    assert_eq!(lint["code"], 0, "{}", lint["text"].as_str().unwrap_or_default());
    let loaded = airflow.load();
    assert_eq!(loaded["errors"], json!({}));
    let reports = dag(&emitted, &["shop__reports__1d__0830"]);
    let task = &loaded["dags"][&reports]["tasks"]["report__daily"];
    assert_eq!(
        (&task["display"], &task["after"]),
        (&json!("日报"), &json!(["wait__event__daily", "wait__order__daily"]))
    );
    let (trade, double) = (dag(&emitted, &["shop__trade__daily"]), dag(&emitted, &["shop__double_runs__daily"]));
    let growth = dag(&emitted, &[GROWTH, "__daily"]);
    shop.insert("order", "o1 | 2024-11-02 10:00:00 | 2024-11-02 10:00:00 | u1 | 10");
    shop.insert("call", "2024-11-02 10:00:00 | true");
    airflow.succeed(&trade, "2024-11-03T02:00:00-05:00");
    airflow.succeed(&growth, "2024-11-03T02:00:00-05:00");
    airflow.succeed(&double, "2024-11-03T02:00:00-05:00");
    assert_eq!(shop.view("gmv__1d__gmv_v2"), shop.view("gmv__1d"));
    // A small order: the versions do not agree any more.
    shop.insert("order", "o2 | 2024-11-03 10:00:00 | 2024-11-03 10:00:00 | u1 | 8\no3 | 2024-11-03 10:00:00 | 2024-11-03 10:00:00 | u1 | 0.5");
    shop.insert("call", "2024-11-03 10:00:00 | true");
    airflow.succeed(&trade, "2024-11-04T02:00:00-05:00");
    airflow.succeed(&growth, "2024-11-04T02:00:00-05:00");
    let run = airflow.run(&double, "2024-11-04T02:00:00-05:00", &Value::Null);
    assert_eq!(state(&run, "verify__gmv_v1_v2"), "failed", "{}", run["log"].as_str().unwrap_or_default());
    let ledger = std::fs::read_to_string(project.path().join("metricc.ledger.jsonl")).expect("a ledger");
    let verdicts: Vec<Value> = ledger.lines().map(|line| serde_json::from_str(line).expect("a line")).collect();
    let of = |day: &str| {
        verdicts.iter().filter(|one| one["day"] == day).map(|one| one["verdict"].clone()).collect::<Vec<_>>()
    };
    assert!(of("2024-11-02").contains(&json!("good")) && of("2024-11-03").contains(&json!("bad")), "{ledger}");
}

#[test]
fn many_metrics_are_few_dags() {
    let mut declarations = SHOP.to_owned();
    for at in 0..500 {
        let owner = ["a", "b", "c"][at % 3];
        let source = ["event", "order", "call"][at / 100 % 3];
        declarations
            .push_str(&format!("metric m{at} = count({source}) {{ owner: \"{owner}\"; grain: 1d; serve: daily }}\n"));
    }
    let emitted = made(NEW_YORK, &declarations, "").0;
    let dags = emitted.details["dags"].as_array().expect("a list");
    assert!(dags.len() <= 8, "{dags:?}");
    let all: String = emitted.artifacts.iter().map(|artifact| artifact.text.as_str()).collect();
    for at in 0..500 {
        assert_eq!(all.matches(&format!("metric(\"m{at}\", \"daily\")")).count(), 1, "m{at}");
    }
}

#[test]
fn a_domain_is_named_by_the_settings() {
    let emitted = made(NEW_YORK, SHOP, "domains:\n  all in one: [event, order, call]\n").0;
    let ids: Vec<&str> =
        emitted.details["dags"].as_array().expect("a list").iter().filter_map(|dag| dag["id"].as_str()).collect();
    assert_eq!(ids.iter().filter(|id| id.ends_with("__daily")).count(), 1, "{ids:?}");
    // No DAG across domains is needed then.
    assert_eq!(ids.len(), 4, "{ids:?}");
}

#[test]
fn settings_that_do_not_fit_are_told() {
    let live = "source call {\n table: \"c\"\n time: at\n column at: timestamp\n}\nmetric calls = count(call) { grain: 1d; serve: live }\n";
    assert_eq!(
        told("Asia/Shanghai", live, ""),
        [
            "W0855 no metric is served `daily` or `hourly` from a batch: `airflow` has nothing to run (write `serve: daily` where a number is wanted once a day)"
        ]
    );
    assert_eq!(
        told(NEW_YORK, SHOP, "starts: \"0:30\"\n"),
        [
            "E0856 `starts` is before 01:00, and clocks of America/New_York jump: the run after a day of 23 hours would be for the wrong day (start at 01:00 or later)"
        ]
    );
    assert_eq!(told("Asia/Shanghai", SHOP, "starts: \"0:30\"\n"), [""; 0]);
    assert_eq!(
        told("Asia/Shanghai", SHOP, "starts: \"0 25 * * *\"\ndeadline: \"01:00\"\nminute: 50\n"),
        [
            "E0856 `starts` is no time of every day: `0 25 * * *` has no hour `25`: it is 0 to 23 (write `\"02:00\"`, or `\"0 2 * * *\"` as cron does)",
            "E0856 hourly batches can't start 50 minutes after the hour (write 1 to 40: five minutes before the next hour they have to be done)",
            "E0856 `deadline` is 01:00, and batches start at 02:00 (let it be later on the same day)",
        ]
    );
    assert_eq!(
        told("Asia/Shanghai", SHOP, "warehouse: warehose\n"),
        ["E0855 there is no warehouse `warehose` (did you mean `warehouse`?)"]
    );
    assert_eq!(
        told("Asia/Shanghai", SHOP, "domains:\n  a: [ordr]\n  b: [event, event]\nwait:\n  for: { user: rows }\n"),
        [
            "E0858 `ordr` has no batch (did you mean `order`?)",
            "E0858 `event` is in two domains (keep one of the two)",
            "E0858 `user` has no batch (those that have one are `call`, `event` and `order`)",
        ]
    );
    let two = files(NEW_YORK, SHOP, "", None)
        .with("targets/airflow.yaml", "kind: airflow\n")
        .with("targets/b.yaml", "kind: airflow\n");
    assert_eq!(
        problems(&tried_files(&two).1),
        ["E0857 the DAGs of two targets have the names `shop…` (give each of them its own `prefix`)"]
    );
}
