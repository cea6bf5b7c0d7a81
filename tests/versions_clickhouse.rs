//! Builds and versions beside each other on a real ClickHouse (CH15). Numbers are computed by hand.

mod support;
mod warehouse;

use metricc::emit::Emitted;
use support::script;
use warehouse::Warehouse;

const CALLS: &str = r#"
source call {
  table: "dwd.call"
  time: at
  column id: int
  column at: timestamp
  column ok: bool
}
metric calls = count(call) { grain: 1d; serve: stream(1m) }
metric last_id = max(id from call) { grain: 1d }
metric built = count(call) { grain: 1h; serve: daily }
"#;

/// The rows are clean by another rule, and two metrics mean something else.
fn changed() -> String {
    let calls = CALLS.replace("count(call) { grain: 1d;", "count(call where ok) { grain: 1d;");
    calls.replace("max(id from call)", "min(id from call where ok)")
        + "metric failed = count(call where not ok) { grain: 1d }\n"
}

fn text_of<'e>(emitted: &'e Emitted, path: &str) -> &'e str {
    &emitted.artifacts.iter().find(|artifact| artifact.path == path).unwrap_or_else(|| panic!("no {path}")).text
}

fn run(warehouse: &Warehouse, text: &str) {
    for statement in script::statements(text) {
        warehouse.execute(statement);
    }
}

/// What is in the target's database.
fn objects(warehouse: &Warehouse) -> Vec<String> {
    warehouse.lines("SELECT name FROM system.tables WHERE database = 'metrics' ORDER BY name")
}

#[test]
fn ch15_a_build_changes_nothing_before_its_last_file_and_the_way_back_leaves_no_gap() {
    support::engine!("clickhouse");
    let warehouse = Warehouse::new("UTC", CALLS);
    warehouse.insert("call", "1 | 2026-11-01 10:00:00 | true\n2 | 2026-11-01 11:00:00 | false");
    let read = |warehouse: &Warehouse| (warehouse.view("calls__1d"), warehouse.view("last_id__1d"));
    let day = |value: &str| vec![format!("2026-11-01 00:00:00.000 | {value}")];
    assert_eq!(read(&warehouse), (day("2"), day("2")));

    let (warehouse, before) = warehouse.rebuilt(&changed(), "");
    let order: Vec<String> = Warehouse::order(&warehouse.emitted).into_iter().map(str::to_owned).collect();
    let (readers, others) = order.split_last().expect("files");
    assert_eq!(readers, "warehouse/90_readers.sql");
    for path in others {
        warehouse.apply(path);
        assert_eq!(read(&warehouse), (day("2"), day("2")), "{path}");
    }
    // Both are fed.
    warehouse.insert("call", "3 | 2026-11-01 12:00:00 | true");
    assert_eq!(read(&warehouse), (day("3"), day("3")));
    // The cut-over, and rows behind it.
    warehouse.apply(readers);
    assert_eq!(read(&warehouse), (day("1"), day("1")));
    warehouse.insert("call", "4 | 2026-11-01 13:00:00 | true\n5 | 2026-11-01 14:00:00 | false");
    assert_eq!(read(&warehouse), (day("2"), day("1")));
    // Back: what came meanwhile is there. And forth again.
    run(&warehouse, text_of(&before, "warehouse/90_readers.sql"));
    assert_eq!(read(&warehouse), (day("5"), day("5")));
    warehouse.insert("call", "6 | 2026-11-01 15:00:00 | true");
    assert_eq!(read(&warehouse), (day("6"), day("6")));
    warehouse.apply(readers);
    assert_eq!(read(&warehouse), (day("3"), day("1")));
    // A cut-over replaces views and does nothing else.
    for statement in script::statements(warehouse.artifact(readers)) {
        let plain: Vec<&str> = statement.lines().filter(|line| !line.starts_with("--") && !line.is_empty()).collect();
        assert!(plain[0].starts_with("CREATE OR REPLACE VIEW "), "{statement}");
    }
}

#[test]
fn ch15_what_earlier_builds_left_is_retired_and_nothing_else() {
    support::engine!("clickhouse");
    let warehouse = Warehouse::new("UTC", CALLS);
    warehouse.insert("call", "1 | 2026-11-01 10:00:00 | true");
    let (warehouse, _) = warehouse.rebuilt(&changed(), "");
    warehouse.apply("warehouse/apply.sql");
    warehouse.insert("call", "2 | 2026-11-01 11:00:00 | true");
    // Somebody else's table in the same database.
    warehouse.execute("CREATE TABLE metrics.notes (a Int64) ENGINE = MergeTree ORDER BY a");
    let retired = warehouse.lines(script::statements(warehouse.artifact("warehouse/retire.sql"))[0]);
    assert!(!retired.is_empty());
    for statement in &retired {
        warehouse.execute(statement);
    }
    let left = objects(&warehouse);
    // What the build made is what a server has that has seen no other.
    warehouse.apply("warehouse/rollback.sql");
    assert_eq!(objects(&warehouse), ["notes"]);
    warehouse.execute("DROP TABLE metrics.notes");
    warehouse.apply("warehouse/apply.sql");
    let mut alone = objects(&warehouse);
    alone.push("notes".to_owned());
    alone.sort();
    assert_eq!(left, alone);
    assert_eq!(warehouse.lines(script::statements(warehouse.artifact("warehouse/retire.sql"))[0]), [""; 0]);
}

const VERSIONS: &str = r#"
source login {
  table: "dwd.login"
  time: at
  column at: timestamp
  column user: string
  column bot: bool
}
dimension bot = login.bot
metric dau    = distinct(user from login) { grain: 1d; by: bot; serve: stream(1m); compare: 1d }
metric dau v2 = distinct(user from login where not bot) { grain: 1d, 1w; serve: stream(1m) }
"#;

#[test]
fn ch15_a_name_is_pointed_to_a_version_and_back_while_both_are_fed() {
    support::engine!("clickhouse");
    let warehouse = Warehouse::new("UTC", VERSIONS);
    let day = "2026-11-02 00:00:00.000";
    let both = || (warehouse.view("dau__v1__1d"), warehouse.view("dau__v2__1d"));
    warehouse.insert("login", "2026-11-02 10:00:00 | a | false\n2026-11-02 10:00:00 | b | true");
    let first = (vec![format!("{day} | false | 1"), format!("{day} | true | 1")], vec![format!("{day} | 1")]);
    assert_eq!(both(), first);
    // The newest version is what the name means.
    assert_eq!(warehouse.view("dau__1d"), first.1);
    assert_eq!(warehouse.view("dau__1w"), first.1);
    let versions = warehouse.emitted.details["versions"].as_array().expect("a list");
    let told: Vec<String> =
        versions.iter().map(|one| format!("{} {} {}", one["metric"], one["version"], one["current"])).collect();
    assert_eq!(told, ["\"dau\" 1 false", "\"dau\" 2 true"]);

    warehouse.apply("warehouse/versions/dau__v1.sql");
    assert_eq!(warehouse.view("dau__1d"), first.0);
    // Only version 2 has weeks, and only version 1 a growth.
    assert!(warehouse.session.query("SELECT * FROM metrics.dau__1w").is_err());
    warehouse.insert("login", "2026-11-02 11:00:00 | c | false");
    let second = (vec![format!("{day} | false | 2"), format!("{day} | true | 1")], vec![format!("{day} | 2")]);
    assert_eq!(both(), second);
    assert_eq!(warehouse.view("dau__1d"), second.0);
    assert_eq!(warehouse.view("dau__growth_1d__1d").len(), 2);

    warehouse.apply("warehouse/versions/dau__v2.sql");
    assert_eq!((warehouse.view("dau__1d"), warehouse.view("dau__1w")), (second.1.clone(), second.1));
    assert!(warehouse.session.query("SELECT * FROM metrics.dau__growth_1d__1d").is_err());
}

#[test]
fn ch15_runs_of_two_builds_share_nothing_that_they_prepare() {
    support::engine!("clickhouse");
    let warehouse = Warehouse::new("UTC", CALLS);
    warehouse.insert("call", "1 | 2026-11-01 10:00:00 | true\n2 | 2026-11-02 11:00:00 | false");
    let more = CALLS.to_owned() + "metric built_ok = count(call where ok) { grain: 1h; serve: daily }\n";
    let (warehouse, before) = warehouse.rebuilt(&more, "");
    warehouse.apply("warehouse/apply.sql");
    let old = support::batches::Batches { emitted: &before, session: &warehouse.session };
    // Both builds prepare a day, each another one, and publish it.
    warehouse.stage("call__daily", &["2026-11-01".to_owned()]);
    old.stage("call__daily", &["2026-11-02".to_owned()]).expect("it is prepared");
    warehouse.batches().publish("call__daily", "2026-11-01").expect("it is prepared");
    let error = warehouse.batches().publish("call__daily", "2026-11-02").expect_err("another build has it");
    assert!(error.contains("this day is not prepared"), "{error}");
    old.publish("call__daily", "2026-11-02").expect("it is prepared");
    assert_eq!(warehouse.view("built_ok__1h"), ["2026-11-01 10:00:00.000 | 1"]);
    run(&warehouse, text_of(&before, "warehouse/90_readers.sql"));
    assert_eq!(warehouse.view("built__1h"), ["2026-11-02 11:00:00.000 | 1"]);
}

#[test]
fn ch15_long_names_keep_what_tells_them_apart() {
    support::engine!("clickhouse");
    let (table, first, second) = ("调".repeat(17), "数".repeat(21), "数".repeat(20) + "据");
    let declarations = [
        format!(
            "source {table} {{\n  table: \"dwd.call\"\n  time: at\n  arrived: at\n  column at: timestamp\n  column ok: bool\n}}"
        ),
        format!("metric {first} = count({table}) {{ grain: 1d; serve: stream(1m), daily }}"),
        format!("metric {second} = count({table} where ok) {{ grain: 1d; serve: stream(1m), daily }}"),
    ];
    let declarations = declarations.join("\n");
    let warehouse = Warehouse::new("UTC", &declarations);
    warehouse.insert(&table, "2126-11-02 10:00:00 | false\n2126-11-02 11:00:00 | true");
    warehouse.fill_history(&table);
    assert_eq!(warehouse.view(&format!("`{first}__1d`")), ["2126-11-02 00:00:00.000 | 2"]);
    assert_eq!(warehouse.view(&format!("`{second}__1d`")), ["2126-11-02 00:00:00.000 | 1"]);
}

/// Why nothing is ever exchanged: the name decides where a view writes.
#[test]
fn ch15_a_table_that_is_exchanged_takes_the_place_of_the_other() {
    support::engine!("clickhouse");
    let session = support::clickhouse::Session::new();
    session
        .apply(
            "CREATE TABLE came (x Int64) ENGINE = MergeTree ORDER BY x;
             CREATE TABLE old (n UInt64) ENGINE = SummingMergeTree ORDER BY tuple();
             CREATE TABLE new (n UInt64) ENGINE = SummingMergeTree ORDER BY tuple();
             CREATE MATERIALIZED VIEW old_mv TO old AS SELECT count() AS n FROM came AS c;
             INSERT INTO came VALUES (1);
             EXCHANGE TABLES old AND new;
             INSERT INTO came VALUES (2);",
        )
        .expect("it is done");
    let sum = |table: &str| session.query(&format!("SELECT sum(t.n) FROM {table} AS t")).expect("rows").lines();
    // `new` is the old table now, and misses the second row.
    assert_eq!((sum("new"), sum("old")), (vec!["1".to_owned()], vec!["1".to_owned()]));
}
