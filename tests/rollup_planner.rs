//! Which rollups are planned, and why: as few as serve all views, in an order and with states that fit the data.

use metricc::compile::compile;
use metricc::emit::{self, Emitted};
use metricc::project::{MemoryFiles, load};
use metricc::rollup::{Statistics, TableStatistics};
use serde_json::Value as Json;

const SOURCES: &str = r#"
entity user {
  table: "dim.user"
  key: user_id
  column user_id: string
  column city: string?
}
source click {
  table: "dwd.click"
  time: at
  column at: timestamp
  column user_id: user?
  column platform: enum("web", "ios", "android")
  column page: string
  column spent: duration(ms)
}
source pay {
  table: "dwd.pay"
  key: id latest by updated_at
  time: made_at
  revised: 3d
  column id: int
  column made_at: timestamp
  column updated_at: timestamp
  column paid_at: timestamp?
  column amount: decimal(18,2) unit CNY
}
dimension platform = click.platform
dimension page = click.page
dimension user_id = click.user_id else "none"
dimension city = user.city else "none"
"#;

/// What is built of metrics over these sources. A click has 400 pages and a million users.
fn built(metrics: &str, settings: &str) -> Emitted {
    let metrics: String = metrics.lines().map(|line| format!("{}\n", line.trim_start())).collect();
    let files = MemoryFiles::new()
        .with("metricc.yaml", "name: site\ntimezone: Europe/Berlin\nunits: [CNY]\npaths: [metrics]\n")
        .with("targets/ch.yaml", format!("kind: clickhouse\n{settings}"))
        .with("metrics/all.metric", format!("{SOURCES}{metrics}"));
    let (project, told) = load(&files);
    assert!(!told.has_errors(), "{told:?}");
    let project = project.expect("a project");
    let (compiled, told) = compile(&project);
    assert!(!told.has_errors(), "{told:?}");
    let (mut input, told) = emit::input(&compiled.model);
    assert!(!told.has_errors(), "{told:?}");
    let columns = |table: &str| {
        let table = input.tables.iter().find(|one| one.name == table).expect("a table");
        table.columns.iter().map(|column| match column.name.as_str() {
            "user_id" | "id" => 1_000_000,
            "page" => 400,
            _ => 3,
        })
    };
    let of = |table: &str| Some(TableStatistics { distinct: columns(table).collect(), rows_a_day: None });
    let tables = input.tables.iter().map(|table| of(&table.name)).collect();
    input.statistics = Statistics { tables };
    let (emitted, told) = emit::emit(&input, &project.targets[0]);
    assert!(!told.has_errors(), "{told:?}");
    emitted
}

fn list<'a>(emitted: &'a Emitted, part: &str) -> &'a [Json] {
    emitted.details[part].as_array().expect("a list")
}

/// The rollups as `source step: dimensions; states`.
fn rollups(emitted: &Emitted) -> Vec<String> {
    let texts = |list: &Json, of: fn(&Json) -> &Json| {
        let texts = list.as_array().expect("a list").iter().map(|one| of(one).as_str().expect("a text").to_owned());
        texts.collect::<Vec<_>>().join(", ")
    };
    let one = |rollup: &Json| {
        let (source, step) = (rollup["source"].as_str().expect("a name"), rollup["step"].as_str().expect("a step"));
        let by = texts(&rollup["dimensions"], |one| one);
        format!("{source} {step}: {by}; {}", texts(&rollup["states"], |state| &state["keeps"]))
    };
    list(emitted, "rollups").iter().map(one).collect()
}

fn reasons(emitted: &Emitted, at: usize) -> Vec<&str> {
    let reasons = list(emitted, "rollups")[at]["reasons"].as_array().expect("a list");
    reasons.iter().map(|reason| reason.as_str().expect("a text")).collect()
}

#[test]
fn questions_over_the_same_rows_share_a_rollup() {
    let emitted = built(
        "metric clicks = count(click) { grain: 1d, month; by: platform, page; serve: daily }
         metric on_ios = count(click where platform = \"ios\") { grain: 1d; by: page; serve: daily }
         metric spent  = sum(spent from click) { grain: 1d; serve: daily }",
        "",
    );
    assert_eq!(rollups(&emitted), ["click 1d: platform, page; count(), sum(spent)"]);
    let serves = &list(&emitted, "rollups")[0]["serves"];
    assert_eq!(serves.as_array().map(Vec::len), Some(4), "{serves}");
}

#[test]
fn a_rollup_with_far_more_rows_is_not_shared() {
    // 3 × 400 pages a minute are too many for what needs 3.
    let emitted = built(
        "metric clicks = count(click) { grain: 1m; by: platform, page; serve: stream(1m) }
         metric recent = count(click) { grain: 1m; by: platform; serve: stream(1m) }",
        "",
    );
    assert_eq!(rollups(&emitted), ["click 1m: platform, page; count()", "click 1m: platform; count()"]);
    let apart = reasons(&emitted, 1).into_iter().find(|reason| reason.starts_with("apart from"));
    assert!(
        apart.is_some_and(|reason| reason.ends_with("it has 1.2k rows a bucket and this one 3, 400 times as many"))
    );
}

#[test]
fn finer_steps_serve_coarser_ones() {
    let emitted = built(
        "metric clicks = count(click) { grain: 5m, 1h; by: platform; serve: stream(1m) }
         metric daily  = count(click) { grain: 1d, month; by: platform; serve: stream(5m) }",
        "",
    );
    let steps: Vec<String> =
        rollups(&emitted).iter().map(|one| one.split(':').next().unwrap_or_default().to_owned()).collect();
    assert_eq!(steps, ["click 1m", "click 1h", "click 1d"]);
    let of = |at: usize| list(&emitted, "rollups")[at]["serves"].clone();
    assert_eq!(of(0), serde_json::json!(["clicks 5m"]));
    assert_eq!(of(1), serde_json::json!(["clicks 1h"]));
    assert_eq!(of(2), serde_json::json!(["daily 1d", "daily 1month"]));
    assert_eq!(emitted.details["insert_fan_out"], serde_json::json!({ "click": 3 }));
}

#[test]
fn dimensions_with_few_values_come_first_in_the_key() {
    let emitted = built("metric clicks = count(click) { grain: 1d; by: page, user_id, platform; serve: daily }", "");
    assert_eq!(rollups(&emitted), ["click 1d: platform, page, user_id; count()"]);
    let order = reasons(&emitted, 0).into_iter().find(|reason| reason.starts_with("key order"));
    assert_eq!(order, Some("key order: few values first: platform (3), page (400), user_id (1.0M)"));
}

#[test]
fn large_states_keep_their_condition_unless_all_rows_are_wanted_too() {
    let ios = "metric ios = distinct(user_id from click where platform = \"ios\") { grain: 1d; by: platform; serve: daily }\n";
    let condition = " where platform = \"ios\"";
    let alone = rollups(&built(ios, ""));
    assert_eq!(alone, [format!("click 1d: platform; distinct(user_id){condition}, count()")]);
    let all = "metric all = distinct(user_id from click) { grain: 1d; by: platform; serve: daily }\n";
    assert_eq!(rollups(&built(&format!("{ios}{all}"), "")), ["click 1d: platform; distinct(user_id), count()"]);
}

#[test]
fn all_daily_rollups_of_a_source_have_one_batch() {
    let emitted = built(
        "metric pays = count(pay) { grain: 1d; serve: daily }
         metric paid = sum(amount from pay dated paid_at where paid_at is not null) { grain: 1d; serve: daily }
         metric hour = count(pay) { grain: 1h; serve: hourly }",
        "",
    );
    assert_eq!(rollups(&emitted).len(), 3);
    let batches: Vec<(&str, usize)> = (list(&emitted, "batches").iter())
        .map(|batch| (batch["every"].as_str().expect("a word"), batch["rollups"].as_array().expect("a list").len()))
        .collect();
    assert_eq!(batches, [("hourly", 1), ("daily", 2)]);
    assert!(reasons(&emitted, 1).iter().any(|reason| reason.ends_with("its rows are dated by another column")));
}

#[test]
fn a_rollup_as_large_as_its_source_is_not_made() {
    let metric = "metric clicks = count(click) { grain: 1h; by: user_id, page; serve: stream(1h) }";
    let emitted = built(metric, "rows_a_day:\n  click: 1000000\n");
    assert_eq!(rollups(&emitted), [""; 0]);
    let told = &list(&emitted, "metrics")[0]["not_served"];
    assert_eq!(told[0]["serve"], "stream(1h)");
    assert_eq!(told[0]["because"], "its groups would be nearly as many as the rows themselves");
    // Nobody knows how much there is: what is asked for is made.
    assert_eq!(rollups(&built(metric, "")).len(), 1);
    // By page it is worth it.
    let by_page = metric.replace("user_id, ", "");
    let emitted = built(&by_page, "rows_a_day:\n  click: 1000000\n");
    let rollup = &list(&emitted, "rollups")[0];
    assert_eq!(rollup["rows_a_day"], 9600.0);
    // 24 bytes a row: bucket, page, count.
    assert_eq!(rollup["bytes_a_day"], 9600.0 * 24.0);
}

#[test]
fn rows_a_day_are_told_of_a_source() {
    let files = MemoryFiles::new()
        .with("metricc.yaml", "name: site\ntimezone: Europe/Berlin\nunits: [CNY]\npaths: [metrics]\n")
        .with("targets/ch.yaml", "kind: clickhouse\nrows_a_day:\n  clik: 5\n")
        .with("metrics/all.metric", SOURCES);
    let (project, _) = load(&files);
    let project = project.expect("a project");
    let (compiled, _) = compile(&project);
    let (input, _) = emit::input(&compiled.model);
    let (_, told) = emit::emit(&input, &project.targets[0]);
    let told: Vec<String> =
        told.iter().map(|one| format!("{} {}", one.code, one.help.as_deref().unwrap_or(""))).collect();
    assert_eq!(told, ["E0815 did you mean `click`?"]);
}

#[test]
fn windows_and_shifts_are_served_from_days() {
    let emitted = built(
        "metric users   = distinct(user_id from click) { grain: 1d; by: platform; serve: daily }
         metric monthly = users over 30d { grain: 1d; by: platform; serve: daily }
         metric change  = growth(users, 1w) { grain: 1d; by: platform; serve: daily }
         metric share   = users / users across platform { grain: 1d; by: platform; serve: daily }
         metric typical = avg(users over 7d per 1d) { grain: month; serve: daily }",
        "",
    );
    assert_eq!(rollups(&emitted), ["click 1d: platform; distinct(user_id), count()"]);
    for metric in list(&emitted, "metrics") {
        assert_eq!(metric["rollups"].as_array().map(Vec::is_empty), Some(false), "{metric}");
    }
}

#[test]
fn intervals_that_cut_buckets_are_told() {
    let emitted = built(
        "metric clicks = count(click) { grain: 1h; serve: stream(1h) }
         metric recent = clicks over 90m { grain: 1h; serve: stream(1h) }",
        "",
    );
    let told: Vec<&Json> = list(&emitted, "metrics").iter().map(|metric| &metric["not_served"]).collect();
    assert!(told[0].is_null());
    assert!(told[1][0]["because"].as_str().is_some_and(|text| text.starts_with("CH13")), "{}", told[1]);
}
