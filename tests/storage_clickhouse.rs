//! How long rows and buckets are kept, where they lie and how they are pressed, on a real ClickHouse with two volumes (CH21).

mod support;
mod warehouse;

use metricc::emit;
use metricc::project::{MemoryFiles, load};
use support::clickhouse::configure;
use warehouse::Warehouse;

const ZONE: &str = "Asia/Shanghai";

/// A server with a hot and a cold volume. Parts are moved by their time alone, however full the disk is.
fn server() {
    static FOLDER: std::sync::OnceLock<tempfile::TempDir> = std::sync::OnceLock::new();
    let folder = FOLDER.get_or_init(|| tempfile::tempdir().expect("a folder")).path();
    let disk = |name: &str| {
        let path = folder.join(name);
        std::fs::create_dir_all(&path).expect("a folder");
        format!("<{name}><type>local</type><path>{}/</path></{name}>", path.display())
    };
    let xml = format!(
        "<clickhouse><storage_configuration><disks>{}{}</disks><policies><tiered><volumes><hot><disk>hot</disk></hot>\
         <cold><disk>cold</disk></cold></volumes><move_factor>0</move_factor></tiered></policies></storage_configuration></clickhouse>",
        disk("hot"),
        disk("cold"),
    );
    configure(folder, &xml, &[]);
}

const CALLS: &str = r#"
source call {
  table: "dwd.call"
  time: at
  retain: 3d
  column at: timestamp
  column got: timestamp?
  column api: string
  column kind: enum("a", "b")
}
dimension api = call.api
metric calls = count(call) { grain: 1m, 1d; by: api; serve: stream(1m) }
metric built = count(call) { grain: 1h; serve: daily }
"#;

/// A row at a local time so many days ago.
fn insert(warehouse: &Warehouse, days_ago: u32, time: &str) {
    let at = format!(
        "parseDateTime64BestEffort(concat(toString(toDate(now('{ZONE}')) - {days_ago}), ' {time}'), 3, '{ZONE}')"
    );
    warehouse.execute(&format!("INSERT INTO dwd.call (at, api, kind) SELECT {at}, 'x', 'a'"));
}

fn count(warehouse: &Warehouse, table: &str) -> String {
    warehouse.lines(&format!("SELECT count() FROM {table}"))[0].clone()
}

/// The table of a rollup.
fn rollup(warehouse: &Warehouse, step: &str, filled: &str) -> String {
    let all = warehouse.emitted.details["rollups"].as_array().expect("a list");
    let of = all.iter().find(|of| of["step"] == step && of["filled"].as_str().expect("a word").contains(filled));
    of.expect("a rollup")["table"].as_str().expect("a name").to_owned()
}

#[test]
fn ch21_rows_go_by_whole_local_days() {
    support::engine!("clickhouse");
    server();
    let warehouse = Warehouse::new(ZONE, CALLS);
    insert(&warehouse, 1, "12:00:00");
    insert(&warehouse, 3, "00:00:00");
    insert(&warehouse, 3, "23:59:59.999");
    insert(&warehouse, 6, "12:00:00");
    warehouse.execute("OPTIMIZE TABLE dwd.call FINAL");
    // Three days ago is kept as a whole; should midnight pass right now, it is gone as a whole.
    let left = count(&warehouse, "dwd.call");
    assert!(left == "3" || left == "1", "{left}");
    let key = "SELECT partition_key FROM system.tables WHERE database = 'dwd'";
    assert_eq!(warehouse.lines(key), ["toDate32(at)"]);
}

#[test]
fn ch21_a_bucket_is_whole_or_not_there() {
    support::engine!("clickhouse");
    server();
    let warehouse = Warehouse::of(ZONE, CALLS, "retain: { 1h: 2d }\n");
    let (minutes, days) = (rollup(&warehouse, "1m", "added"), rollup(&warehouse, "1d", "cascaded"));
    warehouse.execute(&format!("SYSTEM STOP MERGES {minutes}"));
    insert(&warehouse, 6, "12:00:00");
    insert(&warehouse, 0, "00:00:00");
    // Minutes of six days ago are still there, and no reader sees them; days are kept for ever.
    assert_eq!((count(&warehouse, &minutes), count(&warehouse, &days)), ("2".to_owned(), "2".to_owned()));
    assert_eq!((warehouse.view("calls__1m").len(), warehouse.view("calls__1d").len()), (1, 2));
    warehouse.execute(&format!("SYSTEM START MERGES {minutes}"));
    for table in [&minutes, &days] {
        warehouse.execute(&format!("OPTIMIZE TABLE {table} FINAL"));
    }
    assert_eq!((count(&warehouse, &minutes), count(&warehouse, &days)), ("1".to_owned(), "2".to_owned()));
    let kept: Vec<String> = warehouse.emitted.details["rollups"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|of| format!("{} {} {}", of["filled"], of["step"], of["kept_days"]))
        .collect();
    let expected = ["\"added\" \"1m\" 3", "\"cascaded\" \"1h\" 2", "\"cascaded\" \"1d\" null", "\"daily\" \"1h\" 2"];
    assert_eq!(kept, expected);
}

/// What a batch prepares is kept as a whole, and goes from where it is published.
#[test]
fn ch21_a_day_that_is_old_when_it_is_published_goes_too() {
    support::engine!("clickhouse");
    server();
    let calls = CALLS.replace("  retain: 3d\n", "");
    let warehouse = Warehouse::of(ZONE, &calls, "retain: { 1h: 2d }\n");
    insert(&warehouse, 6, "12:00:00");
    insert(&warehouse, 0, "00:00:00");
    warehouse.backfill("call__daily", "2126-01-01");
    let table = rollup(&warehouse, "1h", "daily");
    assert_eq!(warehouse.view("built__1h").len(), 1);
    for _ in 0..600 {
        warehouse.execute(&format!("OPTIMIZE TABLE {table} FINAL"));
        if count(&warehouse, &table) == "1" {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    assert_eq!(count(&warehouse, &table), "1");
}

#[test]
fn ch21_another_time_to_keep_changes_the_table_that_is_there() {
    support::engine!("clickhouse");
    server();
    let warehouse = Warehouse::of(ZONE, CALLS, "retain: { 1m: 14d }\n");
    insert(&warehouse, 0, "00:00:00");
    let table = rollup(&warehouse, "1m", "added");
    let clauses = |warehouse: &Warehouse, table: &str| {
        let name = table.trim_start_matches("metrics.");
        warehouse.lines(&format!("SELECT create_table_query FROM system.tables WHERE name = '{name}'"))[0].clone()
    };
    assert!(clauses(&warehouse, &table).contains("toIntervalDay(15)"), "{}", clauses(&warehouse, &table));
    let (warehouse, _) = warehouse.rebuilt(CALLS, "retain: { 1m: 30d }\n");
    warehouse.apply("warehouse/apply.sql");
    assert_eq!(rollup(&warehouse, "1m", "added"), table);
    assert!(clauses(&warehouse, &table).contains("toIntervalDay(31)"), "{}", clauses(&warehouse, &table));
    assert_eq!(warehouse.view("calls__1m").len(), 1);
}

#[test]
fn ch21_old_rows_go_to_the_cold_volume() {
    support::engine!("clickhouse");
    server();
    let storage = "storage: { policy: tiered, cold: cold, after: 2d }\nretain: { 1m: 90d }\nrows_a_day: { call: 10 }\n";
    let calls = CALLS.replace("  retain: 3d\n", "  arrived: at\n");
    let warehouse = Warehouse::of(ZONE, &calls, storage);
    // Streams begin in a year that is far away: what is in the rollup comes by hand, as a backfill would bring it.
    insert(&warehouse, 70, "12:00:00");
    insert(&warehouse, 0, "00:00:00");
    let disks = |table: &str| {
        let (database, name) = table.split_once('.').expect("a database");
        warehouse.lines(&format!(
            "SELECT DISTINCT disk_name FROM system.parts WHERE active AND database = '{database}' AND table = '{name}' ORDER BY min_time, disk_name"
        ))
    };
    let mut of_source = disks("dwd.call");
    of_source.sort();
    assert_eq!(of_source, ["cold", "hot"]);
    warehouse.fill_history("call");
    // A day of the batch that is old when it is published.
    warehouse.backfill("call__daily", "2126-01-01");
    let batched = rollup(&warehouse, "1h", "daily");
    for table in [rollup(&warehouse, "1m", "added"), rollup(&warehouse, "1d", "cascaded"), batched] {
        // Moves take place in the background, once the times of what was published are known.
        for _ in 0..600 {
            if disks(&table).len() == 2 {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        assert_eq!(
            warehouse.lines(&format!(
                "SELECT storage_policy FROM system.tables WHERE name = '{}'",
                table.trim_start_matches("metrics.")
            )),
            ["tiered"]
        );
        let mut of_rollup = disks(&table);
        of_rollup.sort();
        assert_eq!(of_rollup, ["cold", "hot"], "{table}");
    }
    assert_eq!(warehouse.view("calls__1d").len(), 2);
}

#[test]
fn ch21_partitions_are_as_large_as_their_rows_ask_for() {
    support::engine!("clickhouse");
    server();
    let key = |retain: &str, settings: &str| {
        let warehouse = Warehouse::of(ZONE, &CALLS.replace("retain: 3d", retain), settings);
        let text = warehouse.artifact("warehouse/10_sources.sql").to_owned();
        let key = warehouse.lines("SELECT partition_key FROM system.tables WHERE database = 'dwd'")[0].clone();
        let why = text.lines().find(|line| line.starts_with("-- Partitions of a ")).expect("a reason").to_owned();
        (key, why)
    };
    let many = "rows_a_day: { call: 20_000_000 }\n".replace('_', "").replace("rowsaday", "rows_a_day");
    assert_eq!(
        key("retain: 400d", &many),
        ("toDate32(at)".to_owned(), "-- Partitions of a day: rows a day are about 20000000 (CH21).".to_owned())
    );
    assert_eq!(key("retain: 400d", "rows_a_day: { call: 1000 }\n").0, "toYYYYMM(at)");
    // Thousands of partitions would be slow, however many rows there are.
    assert_eq!(key("lateness: 5m", &many).0, "toYYYYMM(at)");
    assert_eq!(
        key("lateness: 5m", ""),
        ("toYYYYMM(at)".to_owned(), "-- Partitions of a month: rows a day are not known (CH21).".to_owned())
    );
}

#[test]
fn ch21_every_codec_pays() {
    support::engine!("clickhouse");
    server();
    let warehouse = Warehouse::new(
        ZONE,
        r#"
source event {
  table: "dwd.event"
  key: id
  time: at
  column id: string
  column at: timestamp(ms)
  column got: timestamp?
  column day: date
  column kind: enum("login", "logout", "pay", "share")
  column page: string?
  column props: map(string, string)
  column tags: array(string)
}
metric events = count(event) { grain: 1d; by: kind; serve: daily }
metric users = distinct(page from event) { grain: 1d; serve: daily }
dimension kind = event.kind
"#,
    );
    let choices = warehouse.emitted.details["columns"].as_array().expect("a list");
    assert!((1..=4).contains(&choices.len()), "{choices:?}");
    assert!(choices.iter().all(|choice| choice["why"].as_str().expect("a text").len() > 20));
    let described = |table: &str| {
        warehouse.lines(&format!(
            "SELECT name, type, compression_codec FROM system.columns WHERE database = 'dwd' AND table = '{table}'"
        ))
    };
    let columns = described("event");
    let plain: Vec<String> = columns
        .iter()
        .map(|line| {
            let (name, rest) = line.split_once(" | ").expect("a type");
            let (ty, _) = rest.rsplit_once(" | ").expect("a codec");
            format!("{name} {}", ty.replace("LowCardinality(String)", "String"))
        })
        .collect();
    warehouse.execute(&format!("CREATE TABLE dwd.plain ({}) ENGINE = MergeTree ORDER BY (id, at)", plain.join(", ")));
    let words = "['login', 'logout', 'pay', 'share']";
    for table in ["event", "plain"] {
        warehouse.execute(&format!("ALTER TABLE dwd.{table} MODIFY SETTING min_bytes_for_wide_part = 0"));
        warehouse.execute(&format!(
            "INSERT INTO dwd.{table} (id, at, got, day, kind, page, props, tags)
             SELECT concat('e', leftPad(toString(n.number), 9, '0')) AS id, 1764000000000 + n.number * 977 + cityHash64(n.number) % 500 AS at,
                    fromUnixTimestamp64Milli(at + cityHash64(n.number, 1) % 3000, '{ZONE}') AS got, toDate32(got) AS day,
                    {words}[cityHash64(n.number, 2) % 4 + 1] AS kind, concat('/shop/item/', toString(cityHash64(n.number, 3) % 500)) AS page,
                    map('price', toString(cityHash64(n.number, 4) % 1000), 'currency', 'CNY') AS props, [kind, 'mobile'] AS tags
             FROM numbers(100000) AS n"
        ));
    }
    let sizes = |table: &str| {
        warehouse.lines(&format!("SELECT name, data_compressed_bytes FROM system.columns WHERE database = 'dwd' AND table = '{table}' ORDER BY name"))
    };
    let size = |line: &String| line.rsplit_once(" | ").expect("a size").1.parse::<u64>().expect("a number");
    let mut chosen = 0;
    for ((with, without), column) in sizes("event").iter().zip(&sizes("plain")).zip(sorted(&columns)) {
        if column.ends_with(" | ''") && !column.contains("LowCardinality") {
            continue;
        }
        chosen += 1;
        assert!(size(with) < size(without), "{column}: {with} is not less than {without}");
    }
    assert!(chosen >= 7, "{columns:?}");
}

fn sorted(lines: &[String]) -> Vec<String> {
    let mut lines = lines.to_vec();
    lines.sort();
    lines
}

#[test]
fn ch21_what_would_give_wrong_numbers_is_told_at_its_place() {
    let told = |settings: &str, metrics: &str| {
        let files = MemoryFiles::new()
            .with("metricc.yaml", "name: shop\ntimezone: UTC\npaths: [metrics]\n")
            .with("targets/w.yaml", format!("kind: clickhouse\n{settings}"))
            .with("metrics/shop.metric", format!("{CALLS}{metrics}"));
        let (project, found) = load(&files);
        let project = project.expect("a project");
        let (compiled, _) = metricc::compile::compile(&project);
        let (input, _) = emit::input(&compiled.model);
        let (_, others) = emit::emit(&input, &project.targets[0]);
        let place = |one: &metricc::diagnostic::Diagnostic| {
            let span = one.span.expect("a place");
            let (line, column) = project.sources.file(span.file).position(span.start);
            format!("{line}:{column} {} {}", one.code, one.message)
        };
        found.iter().chain(others.iter()).map(place).collect::<Vec<_>>()
    };
    let weekly = "metric weekly = count(call) { grain: 1w; by: api; serve: stream(1m) }\n";
    assert_eq!(told("retain: { 1d: 30d }\n", ""), [""; 0]);
    assert_eq!(
        told("retain:\n  1m: 14d\n  1d: 30d\n", weekly),
        ["4:3 E0816 buckets of 1d are kept for 30 days, but `weekly` puts longer ones together out of them"]
    );
    assert_eq!(
        told("retain:\n  5x: 1d\n  1m: 90m\nrows_a_day: { cal: 5, call: -1 }\nstorage: { cold: c }\n", ""),
        [
            "3:3 E0023 `5x` is no step of a rollup",
            "4:7 E0023 `1m` is no number of whole days up to 36500",
            "5:29 E0022 `call` is a number, not a number above zero",
            "6:10 E0024 `storage` does not say `policy`",
            "6:18 E0024 `storage` does not say `after`, when rows go to `c`",
            "5:15 E0815 `rows_a_day` names `cal`, which is no source",
        ]
    );
}
