//! Skip indexes: there is one where it saves reads, and none where it does not, measured on a real ClickHouse.

mod support;
mod warehouse;

use metricc::sql;
use warehouse::Warehouse;

fn shop() -> String {
    let source = |name: &str, key: &str, encoding: &str| {
        format!(
            "source {name} {{
  table: \"dwd.{name}\"
  {key}time: at
  arrived: got
  column id: string
  column at: timestamp{encoding}
  column got: timestamp{encoding}
}}
metric of_{name} = count({name}) {{ grain: 1d; serve: daily }}
quality q_{name} on {name} {{ fresh: 5m }}
"
        )
    };
    [source("plain", "", ""), source("encoded", "", "(ms)"), source("keyed", "key: id\n  ", "")].concat()
}

/// Sixty days of rows: they arrive up to ten minutes late, and their keys are random.
fn fill(shop: &Warehouse) {
    for (table, encoded) in [("plain", false), ("encoded", true), ("keyed", false)] {
        let time = |expression: &str| {
            if encoded { format!("toUnixTimestamp64Milli({expression})") } else { expression.to_owned() }
        };
        let at = "toDateTime64('2025-01-01 00:00:00', 3, 'UTC') + toIntervalMillisecond(n.number * 10000)";
        let got = format!("{at} + toIntervalSecond(cityHash64(n.number) % 600)");
        shop.execute(&format!(
            "INSERT INTO dwd.{table} (id, at, got) SELECT hex(cityHash64(n.number, 7)), {}, {} FROM numbers(518400) AS n",
            time(at),
            time(&got)
        ));
        shop.execute(&format!("OPTIMIZE TABLE dwd.{table} FINAL"));
    }
}

/// How many granules a statement reads.
fn granules(shop: &Warehouse, sql: &str) -> u64 {
    let plan = shop.lines(&format!("EXPLAIN indexes = 1 {sql}"));
    let mut read: Vec<u64> = Vec::new();
    for line in plan {
        let line = line.trim();
        if line.starts_with("ReadFromMergeTree") {
            read.push(0);
        }
        if let (Some(granules), Some(last)) = (line.strip_prefix("Granules: "), read.last_mut()) {
            *last = granules.split('/').next().and_then(|count| count.parse().ok()).expect("a number");
        }
    }
    read.iter().sum()
}

/// How many granules the statement that looks for days to build reads, with the index of arrival and without it.
fn with_and_without(shop: &Warehouse, table: &str) -> (u64, u64) {
    let days = shop.artifact(shop.file(&format!("{table}__daily"), "days")).to_owned();
    let sql = support::script::statements(&days)[0];
    if !has_index(shop, table) {
        shop.execute(&format!("ALTER TABLE dwd.{table} ADD INDEX by_arrival got TYPE minmax GRANULARITY 1"));
        shop.execute(&format!("ALTER TABLE dwd.{table} MATERIALIZE INDEX by_arrival SETTINGS mutations_sync = 2"));
    }
    let with = granules(shop, sql);
    shop.execute(&format!("ALTER TABLE dwd.{table} DROP INDEX by_arrival SETTINGS mutations_sync = 2"));
    (with, granules(shop, sql))
}

fn has_index(shop: &Warehouse, table: &str) -> bool {
    let indexes =
        format!("SELECT count() FROM system.data_skipping_indices WHERE database = 'dwd' AND table = '{table}'");
    shop.lines(&indexes)[0] == "1"
}

#[test]
fn an_index_is_there_only_where_it_saves_reads() {
    support::engine!("clickhouse");
    let shop = Warehouse::new("UTC", &shop());
    fill(&shop);
    shop.set("day", "2025-02-20");
    for table in ["plain", "encoded", "keyed"] {
        let is_there = has_index(&shop, table);
        let (with, without) = with_and_without(&shop, table);
        assert!(without > 10, "{table}: {without} granules are too few to tell");
        assert_eq!(with * 4 < without, is_there, "{table}: {with} granules with an index, {without} without");
    }
}

/// The newest row is asked for every few seconds: of sixty days what is near is read, and where that is not enough a week.
#[test]
fn the_newest_row_is_looked_for_in_few_rows() {
    support::engine!("clickhouse");
    let shop = Warehouse::new("UTC", &shop());
    fill(&shop);
    let lowering = metricc::plan::Lowering::new(&shop.model);
    let now = metricc::plan::time::parse_timestamp("2025-03-02 00:00:00", chrono_tz::UTC).expect("an instant");
    for fresh in &shop.input.alerts.fresh {
        let read = |from: i64| {
            let query = lowering.lower(&fresh.question(from)).expect("a plan");
            let select = sql::select(&query, &sql::CLICKHOUSE, &sql::Options::default()).expect("a SELECT");
            granules(&shop, &sql::to_text(&select, &sql::CLICKHOUSE))
        };
        let all = read(0);
        let week = read(metricc::alerting::looked_from(fresh.within, now));
        let near = read(now - 2 * fresh.within);
        assert!(all > 50 && week * 2 < all && near * 20 < all, "{}: {near} of {week} of {all}", fresh.source);
    }
}
