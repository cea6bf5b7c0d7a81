//! Both versions of a change beside each other on a real ClickHouse: the double run, the cut-over and the way back. Numbers are
//! computed by hand.

mod support;
mod warehouse;

use metricc::emit::Emitted;
use serde_json::Value as Json;
use support::script;
use warehouse::{CUT_OVER, Warehouse};

const DAU: &str = r#"
source login {
  table: "dwd.login"
  time: at
  column at: timestamp
  column user: string
  column bot: bool
}
metric dau      = distinct(user from login)               { grain: 1d; serve: stream(1m) }
metric dau v2   = distinct(user from login where not bot) { grain: 1d; serve: stream(1m) }
metric logins   = count(login)                            { grain: 1d; serve: stream(1m) }
metric per_user = logins / dau                            { grain: 1d; serve: stream(1m) }
"#;

fn staged(declarations: &str, of: &str, stage: &str) -> String {
    format!("{declarations}\nchange {of} v1 -> v2 {{ reason: \"it is better\"; stage: {stage} }}\n")
}

/// What the manifest tells of the only change.
fn change(emitted: &Emitted) -> &Json {
    let changes = emitted.details["changes"].as_array().expect("a list");
    assert_eq!(changes.len(), 1);
    &changes[0]
}

/// The set of the change, as if it were a build of its own.
fn set(emitted: &Emitted) -> Emitted {
    Emitted { artifacts: emitted.artifacts.clone(), details: change(emitted).clone() }
}

fn path<'e>(emitted: &'e Emitted, what: &str) -> &'e str {
    change(emitted)[what].as_str().expect("a path")
}

fn run(warehouse: &Warehouse, text: &str) {
    for statement in script::statements(text) {
        warehouse.execute(statement);
    }
}

fn text_of<'e>(emitted: &'e Emitted, path: &str) -> &'e str {
    &emitted.artifacts.iter().find(|artifact| artifact.path == path).unwrap_or_else(|| panic!("no {path}")).text
}

fn apply_build(warehouse: &Warehouse) {
    for path in Warehouse::order(&warehouse.emitted) {
        warehouse.apply(path);
    }
}

fn apply_set(warehouse: &Warehouse) {
    for path in change(&warehouse.emitted)["order"].as_array().expect("a list") {
        warehouse.apply(path.as_str().expect("a path"));
    }
    warehouse.apply(path(&warehouse.emitted, "apply"));
}

fn objects(warehouse: &Warehouse) -> Vec<String> {
    warehouse.lines("SELECT name FROM system.tables WHERE database = 'metrics' ORDER BY name")
}

/// Runs what the target says to drop of what earlier builds have left.
fn retire(warehouse: &Warehouse) -> usize {
    let found = warehouse.lines(script::statements(warehouse.artifact("warehouse/retire.sql"))[0]);
    found.iter().for_each(|statement| warehouse.execute(statement));
    found.len()
}

fn day(value: &str) -> Vec<String> {
    vec![format!("2026-11-02 00:00:00.000 | {value}")]
}

#[test]
fn ch15_a_change_of_a_metric_is_run_doubly_promoted_and_taken_back_without_a_gap() {
    support::engine!("clickhouse");
    let warehouse = Warehouse::new("UTC", &staged(DAU, "dau", "double_run"));
    let own = objects(&warehouse);
    apply_set(&warehouse);
    // a and c are people, b is not; a came twice.
    warehouse.insert(
        "login",
        "2026-11-02 10:00:00 | a | false\n2026-11-02 10:00:00 | b | true\n\
         2026-11-02 11:00:00 | c | false\n2026-11-02 12:00:00 | a | false",
    );
    let old = |w: &Warehouse| (w.view("dau__1d"), w.view("per_user__1d"));
    let new = |w: &Warehouse| (w.view("dau__1d__dau_v2"), w.view("per_user__1d__dau_v2"));
    assert_eq!(old(&warehouse).0, day("3"));
    assert_eq!(new(&warehouse), (day("2"), day("2")));
    assert_eq!(warehouse.view("logins__1d"), day("4"));
    let views = |emitted: &Emitted| -> Vec<String> {
        let metrics = change(emitted)["metrics"].as_array().expect("a list");
        metrics.iter().map(|one| format!("{} {} {}", one["name"], one["view"], one["other_view"])).collect()
    };
    let told = [
        r#""dau" "metrics.dau__1d" "metrics.dau__1d__dau_v2""#,
        r#""per_user" "metrics.per_user__1d" "metrics.per_user__1d__dau_v2""#,
    ];
    assert_eq!(views(&warehouse.emitted), told);
    assert!(warehouse.session.query("SELECT * FROM metrics.logins__1d__dau_v2").is_err());

    // What takes the set back leaves the build whole, and `retire` asks for nothing that a set has.
    assert_eq!(retire(&warehouse), 0);
    warehouse.apply(path(&warehouse.emitted, "rollback"));
    assert_eq!(objects(&warehouse), own);
    assert_eq!((old(&warehouse).0, warehouse.view("logins__1d")), (day("3"), day("4")));
    apply_set(&warehouse);
    assert_eq!(new(&warehouse).0, day("2"));

    // Readers are moved, and back.
    let text = |what: &str| text_of(&warehouse.emitted, path(&warehouse.emitted, what)).to_owned();
    let (forth, back) = (text("cut_over"), text("roll_back"));
    run(&warehouse, &forth);
    assert_eq!(old(&warehouse), (day("2"), day("2")));
    run(&warehouse, &back);
    assert_eq!(old(&warehouse).0, day("3"));
    for statement in script::statements(&forth).into_iter().chain(script::statements(&back)) {
        let plain: Vec<&str> = statement.lines().filter(|line| !line.starts_with("--") && !line.is_empty()).collect();
        assert!(plain[0].starts_with("CREATE OR REPLACE VIEW "), "{statement}");
    }

    // The change goes live: what came before the cut-over is there at once.
    let (warehouse, before) = warehouse.rebuilt(&staged(DAU, "dau", "live"), "");
    apply_build(&warehouse);
    assert_eq!(old(&warehouse), (day("2"), day("2")));
    apply_set(&warehouse);
    assert_eq!(warehouse.view("dau__1d__dau_v1"), day("3"));
    assert_eq!(retire(&warehouse), 2, "the views of the double run");
    warehouse.insert("login", "2026-11-02 13:00:00 | d | false\n2026-11-02 13:00:00 | e | true");
    assert_eq!((old(&warehouse).0, warehouse.view("dau__1d__dau_v1")), (day("3"), day("5")));
    // And back: what came meanwhile is there.
    run(&warehouse, text_of(&before, "warehouse/90_readers.sql"));
    assert_eq!((old(&warehouse).0, warehouse.view("logins__1d")), (day("5"), day("6")));
}

const VISITS: &str = r#"
source visit {
  table: "dwd.visit"
  time: at
  arrived: came
  column id: int
  column at: timestamp
  column came: timestamp
  column user: string
  column device: string
  column spent: int
}
subset real    = visit where device != "bot"
subset real v2 = visit where device not in ("bot", "lab")
metric users   = distinct(user from real) { grain: 1d; serve: stream(1m) }
metric spent   = sum(spent from real)     { grain: 1d; serve: daily }
metric visitors = distinct(user from visit) { grain: 1d; serve: stream(1m) }
"#;

/// The day of all rows: it came before streams begin, but for two rows.
fn of_day(value: &str) -> Vec<String> {
    vec![format!("2125-12-31 00:00:00.000 | {value}")]
}

fn rows(warehouse: &Warehouse, of: &str) {
    warehouse.insert("visit", of);
}

#[test]
fn ch15_a_change_of_a_subset_moves_all_that_count_its_rows_and_nothing_else() {
    support::engine!("clickhouse");
    let warehouse = Warehouse::new("UTC", &staged(VISITS, "real", "double_run"));
    let own = objects(&warehouse);
    // History: a on the phone for 1, b in the lab for 10, c is a bot for 100.
    rows(
        &warehouse,
        "1 | 2125-12-31 10:00:00 | 2125-12-31 10:00:01 | a | phone | 1\n\
         2 | 2125-12-31 11:00:00 | 2125-12-31 11:00:01 | b | lab   | 10\n\
         3 | 2125-12-31 12:00:00 | 2125-12-31 12:00:01 | c | bot   | 100",
    );
    warehouse.set("cut_over", CUT_OVER);
    apply_set(&warehouse);
    // Rows that come late, when streams have begun: d on the phone for 1000, e in the lab for 10000.
    rows(
        &warehouse,
        "4 | 2125-12-31 13:00:00 | 2126-01-01 10:00:00 | d | phone | 1000\n\
         5 | 2125-12-31 14:00:00 | 2126-01-01 10:00:00 | e | lab   | 10000",
    );
    warehouse.fill_history("visit");
    let beside = set(&warehouse.emitted);
    let batches = support::batches::Batches { emitted: &beside, session: &warehouse.session };
    batches.fill_history("visit").expect("it is filled");
    warehouse.run("visit__daily", "2125-12-31");
    batches.run("visit__daily", "days", "2125-12-31").expect("it is built");
    let now = |w: &Warehouse| (w.view("users__1d"), w.view("spent__1d"), w.view("visitors__1d"));
    let other =
        |w: &Warehouse, n: u32| (w.view(&format!("users__1d__real_v{n}")), w.view(&format!("spent__1d__real_v{n}")));
    // All but the bot, and all but the lab as well.
    let (old, new) = ((of_day("4"), of_day("11011")), (of_day("2"), of_day("1001")));
    assert_eq!(now(&warehouse), (old.0.clone(), old.1.clone(), of_day("5")));
    assert_eq!(other(&warehouse, 2), new);
    assert!(warehouse.session.query("SELECT * FROM metrics.visitors__1d__real_v2").is_err());

    // The set goes, the build stays.
    warehouse.apply(path(&warehouse.emitted, "rollback"));
    assert_eq!(objects(&warehouse), own);
    assert_eq!(now(&warehouse), (old.0.clone(), old.1.clone(), of_day("5")));
    // It is made again, and its streams begin when they are told to: what came meanwhile is history.
    warehouse.set("cut_over", "2126-02-01 00:00:00");
    apply_set(&warehouse);
    rows(
        &warehouse,
        "6 | 2125-12-31 15:00:00 | 2126-02-02 10:00:00 | f | phone | 0\n\
         7 | 2125-12-31 15:00:00 | 2126-02-02 10:00:00 | g | lab   | 0",
    );
    batches.fill_history("visit").expect("it is filled");
    batches.run("visit__daily", "days", "2125-12-31").expect("it is built");
    assert_eq!(now(&warehouse).0, of_day("6"));
    assert_eq!(other(&warehouse, 2), (of_day("3"), new.1));
}

#[test]
fn ch15_a_subset_goes_live_and_back_with_its_history_and_what_came_meanwhile() {
    support::engine!("clickhouse");
    let warehouse = Warehouse::new("UTC", &staged(VISITS, "real", "double_run"));
    warehouse.set("cut_over", CUT_OVER);
    apply_set(&warehouse);
    rows(
        &warehouse,
        "1 | 2125-12-31 10:00:00 | 2125-12-31 10:00:01 | a | phone | 1\n\
         2 | 2125-12-31 11:00:00 | 2125-12-31 11:00:01 | b | lab   | 10\n\
         3 | 2125-12-31 13:00:00 | 2126-01-01 10:00:00 | c | phone | 100\n\
         4 | 2125-12-31 14:00:00 | 2126-01-01 10:00:00 | d | lab   | 1000",
    );
    let both = |warehouse: &Warehouse| {
        let beside = set(&warehouse.emitted);
        let batches = support::batches::Batches { emitted: &beside, session: &warehouse.session };
        warehouse.run("visit__daily", "2125-12-31");
        batches.run("visit__daily", "days", "2125-12-31").expect("it is built");
    };
    warehouse.fill_history("visit");
    let beside = set(&warehouse.emitted);
    support::batches::Batches { emitted: &beside, session: &warehouse.session }
        .fill_history("visit")
        .expect("it is filled");
    both(&warehouse);
    let now = |w: &Warehouse| (w.view("users__1d"), w.view("spent__1d"), w.view("visitors__1d"));
    let other =
        |w: &Warehouse, n: u32| (w.view(&format!("users__1d__real_v{n}")), w.view(&format!("spent__1d__real_v{n}")));
    assert_eq!(now(&warehouse), (of_day("4"), of_day("1111"), of_day("4")));
    assert_eq!(other(&warehouse, 2), (of_day("2"), of_day("101")));

    let (warehouse, before) = warehouse.rebuilt(&staged(VISITS, "real", "live"), "");
    apply_build(&warehouse);
    // No gap: neither for what moved nor for what did not.
    assert_eq!(now(&warehouse), (of_day("2"), of_day("101"), of_day("4")));
    apply_set(&warehouse);
    assert_eq!(other(&warehouse, 1), (of_day("4"), of_day("1111")));
    assert_eq!(retire(&warehouse), 2, "the views of the double run");
    rows(
        &warehouse,
        "5 | 2125-12-31 15:00:00 | 2126-01-02 10:00:00 | e | phone | 10000\n6 | 2125-12-31 15:00:00 | 2126-01-02 10:00:00 | f | lab | 100000",
    );
    both(&warehouse);
    assert_eq!(now(&warehouse), (of_day("3"), of_day("10101"), of_day("6")));
    assert_eq!(other(&warehouse, 1), (of_day("6"), of_day("111111")));

    // Back again, by the readers' file of the build before.
    run(&warehouse, text_of(&before, "warehouse/90_readers.sql"));
    assert_eq!(now(&warehouse), (of_day("6"), of_day("111111"), of_day("6")));
    let (warehouse, _) = warehouse.rebuilt(&staged(VISITS, "real", "double_run"), "");
    apply_build(&warehouse);
    assert_eq!(now(&warehouse), (of_day("6"), of_day("111111"), of_day("6")));
    apply_set(&warehouse);
    assert_eq!(other(&warehouse, 2), (of_day("3"), of_day("10101")));

    // The old version is not declared any more: its tables may go.
    let gone = VISITS.replace("subset real    = visit where device != \"bot\"\n", "");
    let (warehouse, _) = warehouse.rebuilt(&staged(&gone, "real", "live"), "");
    assert_eq!(warehouse.emitted.details["changes"], serde_json::json!([]));
    apply_build(&warehouse);
    assert!(retire(&warehouse) > 4);
    // What is gone has no cut-over any more: made again, it would begin with another one.
    let kept = "SELECT count() FROM metrics.cut_over AS c WHERE c.rollup NOT IN (SELECT name FROM system.tables WHERE database = 'metrics')";
    assert_eq!(warehouse.lines(kept), ["0"]);
    assert_eq!(retire(&warehouse), 0);
    assert_eq!(now(&warehouse), (of_day("3"), of_day("10101"), of_day("6")));
}

const SHOP: &str = r#"
source order {
  table: "dwd.orders"
  time: at
  column at: timestamp
  column kind: string
  column paid: int
}
source order v2 {
  table: "dwd.payments"
  time: at
  column at: timestamp
  column kind: string
  column paid: int
}
dimension kind    = order.kind
dimension kind v2 = lower(order.kind)
metric gmv   = sum(paid from order)  { grain: 1d; serve: stream(1m); by: kind }
metric total = sum(paid from order)  { grain: 1d; serve: stream(1m) }
metric toys  = count(order) where kind = "toy" { grain: 1d; serve: stream(1m) }
"#;

fn days(values: &[&str]) -> Vec<String> {
    values.iter().flat_map(|value| day(value)).collect()
}

#[test]
fn ch15_a_dimension_moves_what_is_shown_or_filtered_by_it() {
    support::engine!("clickhouse");
    let warehouse = Warehouse::new("UTC", &staged(SHOP, "kind", "double_run"));
    apply_set(&warehouse);
    // The name `order` means its newest version.
    warehouse.insert(
        "order_v2",
        "2026-11-02 10:00:00 | Toy | 1\n2026-11-02 10:00:00 | toy | 10\n2026-11-02 10:00:00 | pen | 100",
    );
    assert_eq!(warehouse.view("gmv__1d"), days(&["Toy | 1", "pen | 100", "toy | 10"]));
    assert_eq!(warehouse.view("gmv__1d__kind_v2"), days(&["pen | 100", "toy | 11"]));
    assert_eq!((warehouse.view("toys__1d"), warehouse.view("toys__1d__kind_v2")), (day("1"), day("2")));
    assert!(warehouse.session.query("SELECT * FROM metrics.total__1d__kind_v2").is_err());
    let (warehouse, _) = warehouse.rebuilt(&staged(SHOP, "kind", "live"), "");
    apply_build(&warehouse);
    assert_eq!(warehouse.view("gmv__1d"), days(&["pen | 100", "toy | 11"]));
    assert_eq!(warehouse.view("toys__1d"), day("2"));
    apply_set(&warehouse);
    assert_eq!(warehouse.view("gmv__1d__kind_v1"), days(&["Toy | 1", "pen | 100", "toy | 10"]));
}

#[test]
fn ch15_two_changes_run_beside_each_other_and_one_goes_without_the_other() {
    support::engine!("clickhouse");
    let both = staged(&staged(SHOP, "kind", "double_run"), "order", "double_run");
    let warehouse = Warehouse::new("UTC", &both);
    let changes = warehouse.emitted.details["changes"].as_array().expect("a list").clone();
    let own = objects(&warehouse);
    let of = |name: &str| changes.iter().find(|one| one["name"] == name).expect("a change").clone();
    let file = |name: &str, what: &str| of(name)[what].as_str().expect("a path").to_owned();
    warehouse.apply(&file("kind", "apply"));
    warehouse.apply(&file("order", "apply"));
    warehouse.insert("order", "2026-11-02 10:00:00 | Toy | 1\n2026-11-02 10:00:00 | toy | 10");
    warehouse.insert("order_v2", "2026-11-02 10:00:00 | toy | 1000");
    // Neither is live: the old table, by the old dimension.
    assert_eq!(warehouse.view("gmv__1d"), days(&["Toy | 1", "toy | 10"]));
    assert_eq!(warehouse.view("gmv__1d__kind_v2"), days(&["toy | 11"]));
    assert_eq!(warehouse.view("gmv__1d__order_v2"), days(&["toy | 1000"]));
    assert_eq!((warehouse.view("total__1d"), warehouse.view("total__1d__order_v2")), (day("11"), day("1000")));
    warehouse.apply(&file("order", "rollback"));
    assert_eq!(warehouse.view("gmv__1d__kind_v2"), days(&["toy | 11"]));
    assert_eq!(warehouse.view("gmv__1d"), days(&["Toy | 1", "toy | 10"]));
    assert!(warehouse.session.query("SELECT * FROM metrics.gmv__1d__order_v2").is_err());
    warehouse.apply(&file("kind", "rollback"));
    // What both sets have is left by either, and asked for once no build has it.
    let left: Vec<String> = objects(&warehouse).into_iter().filter(|one| !own.contains(one)).collect();
    let has = |name: &str, one: &str| warehouse.artifact(&file(name, "apply")).contains(one);
    assert!(left.iter().all(|one| has("kind", one) && has("order", one)), "{left:?}");
    let (warehouse, _) = warehouse.rebuilt(SHOP, "");
    apply_build(&warehouse);
    retire(&warehouse);
    let now = objects(&warehouse);
    let needed = |one: &String| warehouse.emitted.artifacts.iter().any(|artifact| artifact.text.contains(one.as_str()));
    assert!(left.iter().all(|one| !now.contains(one) || needed(one)), "{left:?}");
}
