//! A build for a cluster (CH18). Every statement is parsed by the engine; replicated tables are made in one process, with its own
//! keeper, but can hold no rows there, and `ON CLUSTER` reaches nobody. So reads of all shards run over plain tables, on a cluster
//! whose shards are all this server: what they give is compared with the dry run.

mod support;
mod warehouse;

use support::clickhouse::configure;
use support::script;
use warehouse::Warehouse;

fn server() {
    static FOLDER: std::sync::OnceLock<tempfile::TempDir> = std::sync::OnceLock::new();
    let folder = FOLDER.get_or_init(|| tempfile::tempdir().expect("a folder")).path();
    let shard = "<shard><replica><host>localhost</host><port>9000</port></replica></shard>";
    let xml = format!(
        "<clickhouse><macros><shard>1</shard><replica>r1</replica></macros><tcp_port>9000</tcp_port>\
         <interserver_http_port>9009</interserver_http_port><interserver_http_host>localhost</interserver_http_host>\
         <zookeeper><implementation>testkeeper</implementation></zookeeper>\
         <remote_servers><one>{shard}</one><two>{shard}{shard}</two></remote_servers></clickhouse>"
    );
    configure(folder, &xml, &[]);
}

const SHOP: &str = r#"
entity user {
  table: "dim.user"
  key: user_id
  column user_id: string
  column country: string?
}
source event {
  table: "dwd.event"
  stream: kafka(topic: "events")
  key: event_id
  time: at
  arrived: got
  retain: 4000d
  column event_id: string
  column at: timestamp
  column got: timestamp
  column user_id: user?
}
source call {
  table: "dwd.call"
  time: at
  arrived: got
  column at: timestamp
  column got: timestamp
  column ok: bool
  column took: duration(ms)
}
session visit of user { events: event; gap: 30m }
segment usual of user { measure n = count(event over 2d); class often when n >= 2; class seldom }
dimension country = event.user_id.country else "?"
metric events   = count(event) { grain: 1d; by: country; tier: kpi }
metric users    = distinct(user_id from event) { grain: 1d, total; serve: daily, live }
metric calls    = count(call) { grain: 1h, 1d; serve: stream(1m), hourly }
metric slow     = p95(took from call where ok) { grain: 1d; serve: stream(1m), daily }
metric failed   = count(call where not ok) / calls { unit: ratio; grain: 1d; serve: stream(1m), daily }
metric wau      = distinct(user_id from event) over 7d { grain: 1d }
metric visits   = count(visit) { grain: 1d }
metric per_user = avg(count(event) per user_id) { grain: 1d }
metric by_often = count(event where user_id.usual = "often") { grain: 1d }
metric by_seldom = count(event where user_id.usual = "seldom") { grain: 1d }
metric orders   = count(event) { grain: 1d; serve: stream(1h) }
"#;

const EVENTS: &str = "
    e1 | 2026-11-01 10:00:00 | 2026-11-01 10:00:01 | u1
    e1 | 2026-11-01 10:00:00 | 2026-11-01 10:00:09 | u1
    e2 | 2026-11-01 10:10:00 | 2026-11-01 10:10:01 | u1
    e3 | 2026-11-01 12:00:00 | 2026-11-01 12:00:01 | u2
    e4 | 2026-11-02 12:00:00 | 2026-11-02 12:00:01 | u2
    e5 | 2026-11-02 12:00:00 | 2026-11-02 12:00:01 |
";
const CALLS: &str = "
    2126-11-01 10:00:00 | 2126-11-01 10:00:00 | true | 10
    2126-11-01 11:00:00 | 2126-11-01 11:00:00 | false | 20
    2126-11-02 11:00:00 | 2126-11-02 11:00:00 | true | 30
";

#[cfg(feature = "dry-run")]
use warehouse::right::agrees;

/// Whether the dry run says the same cannot be asked without it.
#[cfg(not(feature = "dry-run"))]
fn agrees(_: &Warehouse) {}

/// A build whose tables are not replicated, so that they take rows.
fn plain(settings: &str) -> Warehouse {
    let mut shop = Warehouse::built("Asia/Shanghai", SHOP, settings);
    let mut replaced = 0;
    for artifact in &mut shop.emitted.artifacts {
        let mut text = String::with_capacity(artifact.text.len());
        let mut rest = artifact.text.as_str();
        while let Some((before, behind)) = rest.split_once("ENGINE = Replicated") {
            let (family, arguments) = behind.split_once('(').expect("arguments");
            let (_, behind) = arguments.split_once(')').expect("their end");
            text = text + before + "ENGINE = " + family;
            rest = behind;
            replaced += 1;
        }
        artifact.text =
            (text + rest).replace(" replicated_deduplication_window", " non_replicated_deduplication_window");
    }
    assert!(replaced > 10);
    shop.set("cut_over", warehouse::CUT_OVER);
    for path in Warehouse::order(&shop.emitted) {
        shop.apply(path);
    }
    shop
}

fn fill(shop: &Warehouse) {
    shop.insert("user", "u1 | FR\nu2 |");
    shop.insert("event", EVENTS);
    shop.insert("call", CALLS);
    shop.fill_history("call");
    shop.run("event__daily", "2026-11-01");
    shop.run("call__daily", "2126-11-01");
    shop.run("call__hourly", "2126-11-01 02:00:00");
    shop.refresh();
}

#[test]
fn ch18_readers_see_all_shards() {
    support::engine!("clickhouse");
    server();
    let one = plain("cluster: { name: one, sharded: true }\n");
    fill(&one);
    agrees(&one);
    let days = |shop: &Warehouse, view: &str| shop.view(view);
    assert_eq!(days(&one, "calls__1d"), ["2126-11-01 00:00:00.000 | 2", "2126-11-02 00:00:00.000 | 1"]);
    assert_eq!(days(&one, "visits__1d"), ["2026-11-01 00:00:00.000 | 2", "2026-11-02 00:00:00.000 | 1"]);
    drop(one);

    // Two shards with the same rows: counts are twice as many, distincts and shares the same.
    let two = plain("cluster: { name: two, sharded: true }\n");
    fill(&two);
    assert_eq!(days(&two, "calls__1d"), ["2126-11-01 00:00:00.000 | 4", "2126-11-02 00:00:00.000 | 2"]);
    assert_eq!(days(&two, "users__1d"), ["2026-11-01 00:00:00.000 | 2", "2026-11-02 00:00:00.000 | 1"]);
    assert_eq!(days(&two, "failed__1d"), ["2126-11-01 00:00:00.000 | 0.5", "2126-11-02 00:00:00.000 | 0"]);
    assert_eq!(
        days(&two, "events__1d"),
        ["2026-11-01 00:00:00.000 | ? | 2", "2026-11-01 00:00:00.000 | FR | 4", "2026-11-02 00:00:00.000 | ? | 4",]
    );
    // Members are measured by the rows of all shards: who has one event on each has two.
    assert_eq!(days(&two, "by_often__1d"), ["2026-11-02 00:00:00.000 | 2"]);
    assert_eq!(days(&two, "by_seldom__1d"), ["2026-11-01 00:00:00.000 | 6"]);
    // Every view that readers see can be read, whatever it is made of.
    for metric in two.emitted.details["metrics"].as_array().expect("a list") {
        let view = metric["view"].as_str().expect("a name");
        assert!(!two.lines(&format!("SELECT * FROM {view}")).is_empty(), "{view}");
    }
}

#[test]
fn ch18_one_shard_is_read_as_it_is() {
    let shop = Warehouse::emitted("Asia/Shanghai", SHOP, "cluster: { name: one }\n");
    for artifact in &shop.artifacts {
        assert!(!artifact.text.contains("__all") && !artifact.text.contains("Distributed"), "{}", artifact.path);
    }
    assert_eq!(shop.details["cluster"]["assumes"].as_array().expect("a list").len(), 1);
}

const ALL: &str = "cluster: { name: one, on_cluster: true, sharded: true, path: \"/all/{shard}/{database}/{table}\" }
intake: { brokers: \"kafka:9092\" }
dictionaries: { on_arrival: true }
storage: { policy: default, cold: default, after: 30d }
retain: { 1m: 90d }
access:
  definer: default
  roles:
    partner: { tiers: [kpi], where: { country: [FR] }, quota: { every: 1h, queries: 9 }, settings: { readonly: 1 } }
";

/// A statement without its comments.
fn bare(statement: &str) -> String {
    let lines = statement.lines().filter(|line| !line.trim_start().starts_with("--"));
    lines.collect::<Vec<_>>().join("\n").trim().to_owned()
}

#[test]
fn ch18_every_statement_is_parsed_and_reaches_the_cluster() {
    support::engine!("clickhouse");
    server();
    let versions =
        SHOP.to_owned() + "metric events v2 = count(event where user_id is not null) { grain: 1d; by: country }\n";
    let shop = Warehouse::built("Asia/Shanghai", &versions, ALL);
    // Parameters are put in before a statement is parsed.
    let parameters = [
        ("cut_over", warehouse::CUT_OVER),
        ("day", "2026-11-01"),
        ("days", "['2026-11-01']"),
        ("hour", "2026-11-01 00:00:00"),
        ("month", "202611"),
    ];
    parameters.iter().for_each(|(name, value)| shop.set(name, value));
    let mut made = 0;
    for artifact in &shop.emitted.artifacts {
        for statement in script::statements(&artifact.text) {
            shop.session
                .query(&format!("EXPLAIN AST {statement}"))
                .unwrap_or_else(|error| panic!("{}: {error}\n{statement}", artifact.path));
            let statement = bare(statement);
            let word = script::first_word(&statement);
            // What runs on one replica of each shard is no part of it.
            let of_runs = artifact.path.contains("/batch/") || artifact.path.contains("/backfill/");
            if ["CREATE", "DROP", "GRANT", "ALTER"].contains(&word.as_str()) && !of_runs {
                made += 1;
                assert!(statement.contains(" ON CLUSTER one"), "{}: {statement}", artifact.path);
            }
            if word == "CREATE" && !of_runs {
                let again = ["IF NOT EXISTS", "OR REPLACE"].iter().any(|words| statement.contains(words));
                // That of Kafka is dropped before.
                assert!(again || statement.contains("kafka__event__mv"), "{statement}");
            }
            if word == "DROP" {
                assert!(statement.contains(" IF EXISTS "), "{statement}");
            }
            if statement.starts_with("DROP TABLE") || statement.starts_with("DROP DICTIONARY") {
                assert!(statement.ends_with(" SYNC"), "{statement}");
            }
        }
    }
    assert!(made > 100, "{made}");
    let retire = shop.artifact("warehouse/retire.sql");
    assert!(retire.contains("' ON CLUSTER one SYNC'"), "{retire}");
}

#[test]
fn ch18_replicated_tables_are_made() {
    support::engine!("clickhouse");
    server();
    let settings = "cluster: { name: one, sharded: true, path: \"/made/{shard}/{database}/{table}\" }\ndictionaries: { on_arrival: true }\nintake: { keep: 1d }\nretain: { 1m: 30d }\n";
    let shop = Warehouse::built("Asia/Shanghai", SHOP, settings);
    shop.set("cut_over", warehouse::CUT_OVER);
    let mut failed = Vec::new();
    for path in Warehouse::order(&shop.emitted) {
        for statement in script::statements(shop.artifact(path)) {
            // A replica in one process takes no rows, and no change.
            if !["INSERT", "ALTER"].contains(&script::first_word(statement).as_str()) {
                failed.extend(shop.session.execute(statement).err().map(|error| format!("{error}\n{statement}")));
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
    let engines = shop.lines(
        "SELECT DISTINCT t.engine FROM system.tables AS t WHERE t.database IN ('metrics', 'dwd', 'dim') AND t.engine LIKE '%MergeTree' ORDER BY 1",
    );
    assert_eq!(engines, ["MergeTree", "ReplicatedAggregatingMergeTree", "ReplicatedMergeTree"]);
    // Only what each replica makes anew is its own.
    let own = shop.lines(
        "SELECT t.name FROM system.tables AS t WHERE t.engine = 'MergeTree' AND t.database = 'metrics' ORDER BY 1",
    );
    let rollups = shop.emitted.details["rollups"].as_array().expect("a list").iter();
    let mut rebuilt: Vec<&str> = rollups
        .filter(|rollup| rollup["filled"] == "rebuilt")
        .map(|rollup| rollup["table"].as_str().expect("a name").trim_start_matches("metrics."))
        .collect();
    rebuilt.sort_unstable();
    assert!(!own.is_empty());
    assert_eq!(own, rebuilt);
    // Replicas of a table meet at a path of their own; when streams begin is the same on all shards.
    let paths = shop.lines("SELECT r.zookeeper_path FROM system.replicas AS r WHERE r.database = 'metrics' ORDER BY 1");
    assert!(
        paths.iter().filter(|path| !path.starts_with("/made/1/metrics/")).eq(["/made/all/metrics/cut_over"]),
        "{paths:?}"
    );
    let windows = shop.lines("SELECT count() FROM system.tables AS t WHERE t.engine LIKE 'Replicated%' AND position(t.create_table_query, ' non_replicated_deduplication_window') > 0");
    assert_eq!(windows, ["0"]);
}

#[test]
fn ch18_settings_that_would_mix_tables_are_told() {
    let files = metricc::project::MemoryFiles::new()
        .with("metricc.yaml", "name: shop\ntimezone: UTC\npaths: [metrics]\n")
        .with("targets/w.yaml", "kind: clickhouse\ncluster:\n  path: /tables/{shard}\n  sharded: 2\n")
        .with("metrics/shop.metric", "");
    let (project, found) = metricc::project::load(&files);
    let project = project.expect("a project");
    let told: Vec<String> = found
        .iter()
        .map(|one| {
            let span = one.span.expect("a place");
            let (line, column) = project.sources.file(span.file).position(span.start);
            format!("{line}:{column} {} {}", one.code, one.message)
        })
        .collect();
    assert_eq!(
        told,
        [
            "3:3 E0024 `cluster` does not say `name`",
            "3:9 E0023 `path` is the same for all tables",
            "4:12 E0022 `sharded` is a number, not `true` or `false`",
        ]
    );
}
