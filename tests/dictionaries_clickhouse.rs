//! Entities in dictionaries on a real ClickHouse (CH4): the numbers are those of joins, and keys without an entity are counted.

mod support;
mod warehouse;

use warehouse::Warehouse;

const SHOP: &str = r#"
entity region {
  table: "dim.region"
  key: id
  column id: int
  column name: string?
}
entity user {
  table: "dim.user"
  key: user_id latest by updated
  column user_id: string
  column updated: timestamp
  column country: string?
  column vip: bool
  column spent: decimal(18,2)?
  column born: date?
  column region_id: region?
  column tags: array(string)
}
entity plan_of {
  table: "dim.plan"
  key: user_id
  valid: since, until
  column user_id: string
  column since: timestamp
  column until: timestamp?
  column plan: string
}
source event {
  table: "dwd.event"
  key: event_id
  time: at
  arrived: at
  column event_id: string
  column at: timestamp(ms)
  column user_id: user?
}
source call {
  table: "dwd.call"
  time: at
  column at: timestamp
  column caller: user?
  column payer: plan_of?
}
subset of_vip = call where caller.vip
dimension country = event.user_id.country | call.caller.country else "?"
dimension region  = call.caller.region_id.name else "nowhere"
metric events  = count(event) { grain: 1d; by: country; serve: stream(1h) }
metric built   = distinct(user_id from event) { grain: 1d; by: country; serve: daily, live }
metric calls   = count(call) { grain: 1h, 1d; by: country, region; serve: stream(1m) }
metric vip     = count(of_vip) { grain: 1d; serve: stream(1m) }
metric spent   = sum(caller.spent from call where caller.born < date("2000-01-01")) { grain: 1d }
metric known   = count(call where caller.user_id is not null) { grain: total }
metric tagged  = count(call where contains(caller.country ?? "", "U") and caller.tags is not null) { grain: 1d }
metric pro     = count(call where payer.plan = "pro") { grain: 1d }
"#;

const USERS: &str = "
    u1 | 2026-10-01 00:00:00 | FR | false | | 1990-01-01 | 1 | []
    u1 | 2026-10-02 00:00:00 | US | true | 10.50 | 1990-01-01 | 1 | []
    u2 | 2026-10-01 00:00:00 | | false | 0 | 2001-02-03 | -2 | []
    u3 | 2026-10-01 00:00:00 | CN | true | | | | []
    u4 | 2026-10-01 00:00:00 | DE | false | 1.25 | 1999-12-31 | 7 | []
";
const REGIONS: &str = "1 | east\n-2 |\n3 | west";
const PLANS: &str = "
    u1 | 2026-10-01 00:00:00 | 2026-11-01 12:00:00 | free
    u1 | 2026-11-01 12:00:00 | | pro
";
const EVENTS: &str = "
    e1 | 2026-11-01 10:00:00 | u1
    e2 | 2026-11-01 10:00:00 | u2
    e3 | 2026-11-01 10:00:00 | u9
    e4 | 2026-11-02 10:00:00 |
    e4 | 2026-11-02 11:00:00 | u1
";
const CALLS: &str = "
    2026-11-01 10:00:00 | u1 | u1
    2026-11-01 13:00:00 | u1 | u1
    2026-11-01 10:00:00 | u2 | u2
    2026-11-01 10:30:00 | u3 |
    2026-11-01 11:00:00 | u4 |
    2026-11-01 11:00:00 | u9 |
    2026-11-02 11:00:00 |  | u1
";

#[cfg(feature = "dry-run")]
use warehouse::right::agrees;

/// Whether the dry run says the same cannot be asked without it.
#[cfg(not(feature = "dry-run"))]
fn agrees(_: &Warehouse) {}

fn entities(warehouse: &Warehouse) {
    warehouse.insert("user", USERS);
    warehouse.insert("region", REGIONS);
    warehouse.insert("plan_of", PLANS);
    warehouse.execute("SYSTEM RELOAD DICTIONARIES");
}

fn filled(settings: &str) -> Warehouse {
    let warehouse = Warehouse::of("Asia/Shanghai", SHOP, settings);
    entities(&warehouse);
    warehouse.insert("event", EVENTS);
    warehouse.insert("call", CALLS);
    warehouse.backfill("event__daily", "2026-11-02");
    warehouse.refresh();
    warehouse
}

/// Everything of a build that is applied.
fn all(warehouse: &Warehouse) -> &str {
    warehouse.artifact("warehouse/apply.sql")
}

#[test]
fn ch04_a_dictionary_answers_as_a_join_does() {
    support::engine!("clickhouse");
    let joined = filled("");
    agrees(&joined);
    let views: Vec<String> =
        joined.input.metrics.iter().map(|metric| format!("{}__{}", metric.name, metric.grain())).collect();
    let by_joins: Vec<Vec<String>> = views.iter().map(|view| joined.view(view)).collect();
    assert_eq!(
        joined.view("calls__1d"),
        [
            "2026-11-01 00:00:00.000 | ? | nowhere | 2",
            "2026-11-01 00:00:00.000 | CN | nowhere | 1",
            "2026-11-01 00:00:00.000 | DE | nowhere | 1",
            "2026-11-01 00:00:00.000 | US | east | 2",
            "2026-11-02 00:00:00.000 | ? | nowhere | 1",
        ]
    );
    assert!(!all(&joined).contains("dictGet"));
    drop(joined);

    let looked_up = filled("dictionaries: { lifetime: 10m }\n");
    agrees(&looked_up);
    let by_dictionaries: Vec<Vec<String>> = views.iter().map(|view| looked_up.view(view)).collect();
    assert_eq!(by_joins, by_dictionaries);
    // Lists can't be held, and a history is joined as of the row's time.
    let joins = all(&looked_up).matches("LEFT JOIN").count();
    assert_eq!(joins, 2);
    assert_eq!(
        looked_up
            .lines("SELECT name, key.names, length(attribute.names), status FROM system.dictionaries ORDER BY name"),
        [
            format!("{} | ['id'] | 1 | LOADED", name(&looked_up, "region")),
            format!("{} | ['user_id'] | 5 | LOADED", name(&looked_up, "user")),
        ]
    );
    // How many keys are not known, when they are read; a day without keys has no row.
    assert_eq!(looked_up.view("unmapped__call__caller__1d"), ["2026-11-01 00:00:00.000 | 6 | 1 | 0.16666666666666666"]);
    assert_eq!(looked_up.view("unmapped__call__caller__region_id__1d"), ["2026-11-01 00:00:00.000 | 4 | 1 | 0.25"]);
    assert_eq!(
        looked_up.view("unmapped__event__user_id__1d"),
        ["2026-11-01 00:00:00.000 | 3 | 1 | 0.3333333333333333"]
    );
    // A batch begins with what entities are now, however old the dictionary may be.
    looked_up.insert("user", "u1 | 2026-11-03 00:00:00 | IT | true | | | 1 | []");
    looked_up.run("event__daily", "2026-11-01");
    assert_eq!(
        looked_up.view("built__1d"),
        ["2026-11-01 00:00:00.000 | ? | 2", "2026-11-01 00:00:00.000 | IT | 1", "2026-11-02 00:00:00.000 | ? | 0"]
    );
    looked_up.apply("warehouse/rollback.sql");
    assert_eq!(looked_up.lines("SELECT name FROM system.tables WHERE database = 'metrics'"), [""; 0]);
}

fn name(warehouse: &Warehouse, entity: &str) -> String {
    let all = warehouse.emitted.details["dictionaries"].as_array().expect("a list");
    let of = all.iter().find(|of| of["entity"] == entity).expect("a dictionary");
    of["dictionary"].as_str().expect("a name").trim_start_matches("metrics.").to_owned()
}

#[test]
fn ch04_what_is_looked_up_on_arrival_stays_and_is_marked() {
    support::engine!("clickhouse");
    let warehouse = Warehouse::of("Asia/Shanghai", SHOP, "dictionaries:\n  on_arrival: true\n");
    entities(&warehouse);
    warehouse.insert("call", CALLS);
    // Entities are there before the rows: the numbers are those of the definition.
    agrees_but_for_batches(&warehouse);
    let before = warehouse.view("calls__1d");
    assert_eq!(before.len(), 5);
    // A user that was not known comes, another one moves: what was counted stays, what arrives is as it is now.
    warehouse.insert(
        "user",
        "u9 | 2026-11-02 00:00:00 | JP | true | | | 3 | []\nu4 | 2026-11-02 00:00:00 | US | false | | | 1 | []",
    );
    warehouse.refresh();
    assert_eq!(warehouse.view("calls__1d"), before);
    warehouse.insert("call", "2026-11-02 12:00:00 | u9 |\n2026-11-02 12:00:00 | u4 |\n2026-11-02 12:00:00 | u8 |");
    let mut after = before.clone();
    after[4] = "2026-11-02 00:00:00.000 | ? | nowhere | 2".to_owned();
    after.extend(
        ["2026-11-02 00:00:00.000 | JP | west | 1", "2026-11-02 00:00:00.000 | US | east | 1"].map(str::to_owned),
    );
    assert_eq!(warehouse.view("calls__1d"), after);
    // The share of keys that were not known when their rows arrived.
    assert_eq!(
        warehouse.view("unmapped__call__caller__1d"),
        [
            "2026-11-01 00:00:00.000 | 6 | 1 | 0.16666666666666666",
            "2026-11-02 00:00:00.000 | 3 | 1 | 0.3333333333333333"
        ]
    );
    // It is said, in the manifest and beside the SQL; and only of what it holds for.
    let metrics = warehouse.emitted.details["metrics"].as_array().expect("a list");
    let marked: Vec<&str> = metrics
        .iter()
        .filter(|metric| metric["attributes"] == "as of ingestion")
        .map(|metric| metric["name"].as_str().expect("a name"))
        .collect();
    assert_eq!(marked, ["calls", "calls", "vip"]);
    let text = warehouse.artifact("warehouse/40_metrics_call.sql");
    assert_eq!(
        text.matches("-- Entities are looked up as rows arrive: attributes are as of ingestion (CH4).").count(),
        5
    );
    // A source with a key is made anew: adding would count what is sent again.
    let rollups = warehouse.emitted.details["rollups"].as_array().expect("a list");
    let of_events = rollups.iter().filter(|rollup| rollup["source"] == "event");
    assert!(of_events.clone().count() > 0);
    for rollup in of_events {
        assert_ne!(rollup["filled"], "added");
    }
}

/// Batches have not run.
fn agrees_but_for_batches(warehouse: &Warehouse) {
    warehouse.backfill("event__daily", "2026-11-02");
    warehouse.refresh();
    agrees(warehouse);
}

/// Without a dictionary a view of joins is triggered by its first table alone, and that is why.
#[test]
fn ch04_without_dictionaries_a_look_up_is_made_anew() {
    support::engine!("clickhouse");
    let warehouse = Warehouse::new("Asia/Shanghai", SHOP);
    let rollups = warehouse.emitted.details["rollups"].as_array().expect("a list");
    let ways: Vec<String> = rollups
        .iter()
        .filter(|rollup| rollup["source"] == "call")
        .map(|rollup| format!("{} {}", rollup["filled"], rollup["because"]))
        .collect();
    assert!(!ways.is_empty());
    for way in ways {
        assert!(way.starts_with("\"rebuilt\" \"CH4: "), "{way}");
    }
}

#[test]
fn ch04_what_can_have_no_dictionary_is_told_at_its_place() {
    let files = metricc::project::MemoryFiles::new()
        .with("metricc.yaml", "name: shop\ntimezone: UTC\npaths: [metrics]\n")
        .with("targets/w.yaml", "kind: clickhouse\ndictionaries:\n  entities: [user, plan_of, usr, event]\n")
        .with("metrics/shop.metric", SHOP);
    let (project, _) = metricc::project::load(&files);
    let project = project.expect("a project");
    let (compiled, _) = metricc::compile::compile(&project);
    let (input, _) = metricc::emit::input(&compiled.model);
    let (_, found) = metricc::emit::emit(&input, &project.targets[0]);
    let told: Vec<String> = found
        .iter()
        .map(|one| {
            let span = one.span.expect("a place");
            let (line, column) = project.sources.file(span.file).position(span.start);
            format!("{line}:{column} {} {}", one.code, one.help.as_deref().unwrap_or(""))
        })
        .collect();
    assert_eq!(
        told,
        [
            "3:20 E0814 it keeps a history, which is looked up as of a row's time by a join",
            "3:29 E0814 did you mean `user`?",
        ]
    );
}
