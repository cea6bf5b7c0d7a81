//! Rules that every build for ClickHouse obeys, each on a real one and by its number in docs/targets.md: these tests fail where an
//! artefact breaks the rule. Numbers are computed by hand.

mod support;
mod warehouse;

use warehouse::Warehouse;

const ZONE: &str = "Asia/Shanghai";

/// Rows without a key, in every aggregate: they are added up as they arrive, by minute, hour and day.
const CALLS: &str = r#"
source call {
  table: "dwd.call"
  time: at
  column at: timestamp
  column api: string?
  column size: int
  column cost: decimal(18,4)? unit CNY
  column took: duration(ms)?
  column load: float
}
dimension api = call.api else "?"
metric calls   = count(call)                    { grain: 1m, 1h, 1d; by: api; serve: stream(1m) }
metric big     = count(call where size > 10)    { grain: 1h, 1d; serve: stream(1m) }
metric apis    = distinct(api from call)        { grain: 1h, 1d; serve: stream(1m) }
metric about   = approx_distinct(api from call) { grain: 1d; serve: stream(1m) }
metric sized   = sum(size from call)            { grain: 1h, 1d; serve: stream(1m) }
metric paid    = sum(cost from call where api = "a") { unit: CNY; grain: 1d; serve: stream(1m) }
metric mean    = avg(cost from call)            { unit: CNY; grain: 1d; serve: stream(1m) }
metric least   = min(size from call where size > 10) { grain: 1d; serve: stream(1m) }
metric most    = max(took from call)            { grain: 1d; serve: stream(1m) }
metric middle  = p50(took from call)            { grain: 1d; serve: stream(1m) }
metric high    = quantile_disc(size from call, 0.9) { grain: 1d; serve: stream(1m) }
metric tail    = approx_quantile(took from call, 0.95) { grain: 1d; serve: stream(1m) }
metric spread  = stddev(load from call)         { grain: 1d; serve: stream(1m) }
metric first   = first(api from call)           { grain: 1d; serve: stream(1m) }
metric last    = last(size from call)           { grain: 1d; serve: stream(1m) }
metric share   = big / calls                    { unit: ratio; grain: 1h, 1d; serve: stream(1m) }
"#;

const VIEWS: [&str; 16] = [
    "calls__1m",
    "calls__1h",
    "calls__1d",
    "big__1d",
    "apis__1h",
    "apis__1d",
    "about__1d",
    "sized__1h",
    "paid__1d",
    "mean__1d",
    "least__1d",
    "middle__1d",
    "high__1d",
    "first__1d",
    "last__1d",
    "share__1d",
];

const ROWS: &str = "
    2026-11-01 09:00:00 | a | 5  | 1.5  | 100 | 0.5
    2026-11-01 09:00:30 | a | 20 |      | 300 | 1.5
    2026-11-01 09:01:00 | b | 30 | 2.25 |     | 2.5
    2026-11-01 10:00:00 |   | 40 | 0.25 | 200 | 3.5
    2026-11-01 10:00:59 | b | 7  | 4    | 500 | 4.5
    2026-11-02 00:00:00 | c | 11 | 1    | 50  | 5.5
";

/// An order is changed later, also its day; an event is sent again.
const ORDERS: &str = r#"
source order {
  table: "dwd.order"
  key: id latest by updated_at
  time: at
  revised: 60d
  column id: int
  column at: timestamp
  column updated_at: timestamp
  column amount: decimal(18,2) unit CNY
}
source event {
  table: "dwd.event"
  key: id
  time: at
  column id: string
  column at: timestamp
  column user: string?
}
metric orders  = count(order)             { grain: 1d; serve: stream(1h) }
metric revenue = sum(amount from order)   { unit: CNY; grain: 1d, month; serve: daily }
metric events  = count(event)             { grain: 1h, 1d; serve: stream(1h) }
metric users   = distinct(user from event) { grain: 1d; serve: daily }
"#;

fn calls() -> Warehouse {
    Warehouse::new(ZONE, CALLS)
}

fn all(warehouse: &Warehouse) -> Vec<Vec<String>> {
    VIEWS.iter().map(|view| warehouse.view(view)).collect()
}

/// What the views say of the rows in one block.
fn right() -> Vec<Vec<String>> {
    let warehouse = calls();
    warehouse.insert("call", ROWS);
    assert_eq!(
        warehouse.view("calls__1d"),
        [
            "2026-11-01 00:00:00.000 | ? | 1",
            "2026-11-01 00:00:00.000 | a | 2",
            "2026-11-01 00:00:00.000 | b | 2",
            "2026-11-02 00:00:00.000 | c | 1",
        ]
    );
    assert_eq!(warehouse.view("apis__1d"), ["2026-11-01 00:00:00.000 | 2", "2026-11-02 00:00:00.000 | 1"]);
    assert_eq!(warehouse.view("share__1d"), ["2026-11-01 00:00:00.000 | 0.6", "2026-11-02 00:00:00.000 | 1"]);
    // (100 + 200) / 2 … of 100, 200, 300, 500.
    assert_eq!(warehouse.view("middle__1d")[0], "2026-11-01 00:00:00.000 | 250");
    assert_eq!(warehouse.view("least__1d"), ["2026-11-01 00:00:00.000 | 20", "2026-11-02 00:00:00.000 | 11"]);
    assert_eq!(warehouse.view("mean__1d")[0], "2026-11-01 00:00:00.000 | 2");
    all(&warehouse)
}

fn rollups(warehouse: &Warehouse) -> &[serde_json::Value] {
    warehouse.emitted.details["rollups"].as_array().expect("a list")
}

fn refresh(warehouse: &Warehouse) {
    for rollup in rollups(warehouse).iter().filter(|rollup| rollup["filled"] == "rebuilt") {
        let view = rollup["view"].as_str().expect("a name");
        for verb in ["WAIT", "REFRESH", "WAIT"] {
            warehouse.execute(&format!("SYSTEM {verb} VIEW {view}"));
        }
    }
}

#[test]
fn ch01_a_block_that_is_sent_again_counts_once_everywhere() {
    support::engine!("clickhouse");
    let right = right();
    let warehouse = calls();
    let settings = warehouse.emitted.details["insert_settings"].as_object().expect("settings").clone();
    for (name, value) in settings {
        warehouse.execute(&format!("SET {name} = {value}"));
    }
    let lines: Vec<&str> = ROWS.trim().lines().collect();
    let (first, second) = (lines[..3].join("\n"), lines[3..].join("\n"));
    // The first is sent again after the second, as after a time-out.
    for block in [&first, &second, &first, &second, &second] {
        warehouse.insert("call", block);
    }
    assert_eq!(warehouse.lines("SELECT count() FROM dwd.call"), ["6"]);
    assert_eq!(all(&warehouse), right);
    for rollup in rollups(&warehouse) {
        let table = rollup["table"].as_str().expect("a name");
        let (database, name) = table.split_once('.').expect("a database");
        let engine = format!("SELECT engine_full FROM system.tables WHERE database = '{database}' AND name = '{name}'");
        assert!(warehouse.lines(&engine)[0].contains("non_replicated_deduplication_window = 1000"), "{table}");
    }
}

#[test]
fn ch02_a_key_in_two_blocks_counts_once() {
    support::engine!("clickhouse");
    let warehouse = Warehouse::new(ZONE, ORDERS);
    warehouse.insert("event", "e1 | 2026-11-01 09:00:00 | u1\ne2 | 2026-11-01 09:10:00 | u2");
    warehouse.insert("event", "e1 | 2026-11-01 09:00:01 | u1\ne3 | 2026-11-01 10:00:00 |");
    refresh(&warehouse);
    assert_eq!(warehouse.view("events__1d"), ["2026-11-01 00:00:00.000 | 3"]);
    assert_eq!(warehouse.view("events__1h"), ["2026-11-01 09:00:00.000 | 2", "2026-11-01 10:00:00.000 | 1"]);
    // Nothing is triggered by a block of rows with a key: it could only add up.
    let text = warehouse.artifact("warehouse/30_rollups_event.sql");
    for view in text.split("CREATE MATERIALIZED VIEW").skip(1) {
        assert!(view.contains("\nREFRESH EVERY "), "{view}");
    }
    assert!(text.contains("CH2"), "{text}");
    assert!(!warehouse.artifact("warehouse/apply.sql").contains("ReplacingMergeTree"));
}

#[test]
fn ch03_a_key_on_two_days_counts_on_the_latest() {
    support::engine!("clickhouse");
    let warehouse = Warehouse::new(ZONE, ORDERS);
    warehouse.insert(
        "order",
        "1 | 2026-10-31 09:00:00 | 2026-10-31 09:00:00 | 10\n2 | 2026-11-01 09:00:00 | 2026-11-01 09:00:00 | 5",
    );
    warehouse.run("order__daily", "2026-11-01");
    refresh(&warehouse);
    assert_eq!(warehouse.view("orders__1d"), ["2026-10-31 00:00:00.000 | 1", "2026-11-01 00:00:00.000 | 1"]);
    assert_eq!(warehouse.view("revenue__1month"), ["2026-10-01 00:00:00.000 | 10", "2026-11-01 00:00:00.000 | 5"]);
    // The first moves to another month, which is another partition of the source.
    warehouse.insert("order", "1 | 2026-11-02 09:00:00 | 2026-11-02 10:00:00 | 12");
    warehouse.run("order__daily", "2026-11-02");
    refresh(&warehouse);
    assert_eq!(warehouse.view("orders__1d"), ["2026-11-01 00:00:00.000 | 1", "2026-11-02 00:00:00.000 | 1"]);
    assert_eq!(warehouse.view("revenue__1month"), ["2026-11-01 00:00:00.000 | 17"]);
}

#[test]
fn ch05_any_number_of_blocks_gives_the_same() {
    support::engine!("clickhouse");
    let right = right();
    let lines: Vec<&str> = ROWS.trim().lines().collect();
    for size in [1, 2, 4] {
        let warehouse = calls();
        let mut blocks: Vec<&[&str]> = lines.chunks(size).collect();
        blocks.reverse();
        for block in blocks {
            warehouse.insert("call", &block.join("\n"));
        }
        assert_eq!(all(&warehouse), right, "blocks of {size}");
    }
    // A view that is triggered sees one block: it has states only.
    let warehouse = calls();
    let text = warehouse.artifact("warehouse/30_rollups_call.sql");
    for view in text.split("CREATE MATERIALIZED VIEW").skip(1) {
        let view = view.split(';').next().unwrap_or_default();
        for word in ["DISTINCT", "LIMIT", " OVER ", "uniqExact(", "avg("] {
            assert!(!view.contains(word), "{word} in {view}");
        }
        for quantile in view.split("quantile").skip(1) {
            let name: String = quantile.chars().take_while(char::is_ascii_alphabetic).collect();
            assert!(name.contains("State"), "quantile{name} in {view}");
        }
    }
}

#[test]
fn ch09_states_are_of_the_types_of_their_columns() {
    support::engine!("clickhouse");
    for (zone, declarations) in [(ZONE, CALLS), ("America/New_York", ORDERS)] {
        let warehouse = Warehouse::new(zone, declarations);
        for rollup in rollups(&warehouse).iter().filter(|rollup| !rollup["view"].is_null()) {
            let (table, view) = (rollup["table"].as_str().expect("a name"), rollup["view"].as_str().expect("a name"));
            let (database, name) = view.split_once('.').expect("a database");
            let select = warehouse.session.query(&format!(
                "SELECT as_select FROM system.tables WHERE database = '{database}' AND name = '{name}'"
            ));
            let select = select.expect("a view").cell().expect("a SELECT").to_owned();
            let types = |of: &str| {
                let table = warehouse.session.query(&format!("DESCRIBE TABLE {of}")).expect("columns");
                table.rows.into_iter().map(|row| (row[0].clone(), row[1].clone())).collect::<Vec<_>>()
            };
            let (kept, filled) = (types(table), types(&format!("({select})")));
            assert_eq!(kept.len(), filled.len(), "{table}");
            for ((name, kept), (own, filled)) in kept.iter().zip(&filled) {
                assert_eq!(name, own, "{table}");
                let (kept, filled) = (kept.as_deref().expect("a type"), filled.as_deref().expect("a type"));
                // A simple state is a value of the type that it is of.
                let plain = kept.strip_prefix("SimpleAggregateFunction(").and_then(|rest| rest.split_once(", "));
                let plain = plain.map_or(kept, |(_, ty)| ty.trim_end_matches(')'));
                let is_state = kept.starts_with("AggregateFunction(");
                let fits = if is_state { kept == filled } else { bare(plain) == bare(filled) };
                assert!(fits, "{table}, {}: {kept} is filled with {filled}", name.as_deref().unwrap_or(""));
            }
        }
    }
    // Another type is another table: nothing is ever filled with states of another shape.
    let name = |declarations: &str| {
        let warehouse = Warehouse::built(ZONE, declarations, "");
        rollups(&warehouse)[0]["table"].as_str().expect("a name").to_owned()
    };
    assert_ne!(name(CALLS), name(&CALLS.replace("size: int", "size: float")));
}

/// A type without what may differ beside a plain value: how it is packed, and its closing parentheses.
fn bare(ty: &str) -> String {
    ty.replace("LowCardinality(", "").replace("SimpleAggregateFunction(sum, ", "").trim_end_matches(')').to_owned()
}

#[test]
fn ch10_simple_states_are_wide_and_of_what_adds_up() {
    support::engine!("clickhouse");
    let warehouse = calls();
    // Each block fits an int, the sum of both does not.
    let huge = i64::MAX.to_string();
    warehouse.insert("call", &format!("2026-11-01 09:00:00 | a | {huge} | | |0"));
    warehouse.insert("call", &format!("2026-11-01 09:00:01 | a | {huge} | | |0"));
    let twice = (i128::from(i64::MAX) * 2).to_string();
    for view in ["sized__1h", "sized__1d"] {
        assert!(warehouse.view(view)[0].ends_with(&twice), "{view}: {:?}", warehouse.view(view));
    }
    let columns = warehouse.lines(
        "SELECT DISTINCT extract(type, '^SimpleAggregateFunction\\\\((\\\\w+),') AS f FROM system.columns \
         WHERE database = 'metrics' AND type LIKE 'SimpleAggregateFunction%' ORDER BY f",
    );
    assert_eq!(columns, ["max", "min", "sum"]);
    // What is filtered in the finest step is merged in the coarser ones, with nothing left out.
    warehouse.insert("call", "2026-11-01 09:05:00 | a | 1 | 2.5 | |0\n2026-11-01 11:05:00 | b | 1 | 100 | |0");
    assert_eq!(warehouse.view("paid__1d"), ["2026-11-01 00:00:00.000 | 2.5"]);
}

#[test]
fn ch11_parts_that_are_not_merged_read_as_if_they_were() {
    support::engine!("clickhouse");
    let right = right();
    let warehouse = calls();
    let tables: Vec<&str> = rollups(&warehouse).iter().map(|one| one["table"].as_str().expect("a name")).collect();
    for table in &tables {
        warehouse.execute(&format!("SYSTEM STOP MERGES {table}"));
    }
    for line in ROWS.trim().lines() {
        warehouse.insert("call", line);
    }
    let rows: Vec<String> =
        tables.iter().flat_map(|table| warehouse.lines(&format!("SELECT count() FROM {table}"))).collect();
    assert!(rows.iter().all(|count| count == "6"), "one row a block is there: {rows:?}");
    assert_eq!(all(&warehouse), right);
    for table in &tables {
        warehouse.execute(&format!("SYSTEM START MERGES {table}"));
        warehouse.execute(&format!("OPTIMIZE TABLE {table} FINAL"));
    }
    assert_eq!(all(&warehouse), right);
    // No ratio, mean or distinct is kept as a number.
    let kept = warehouse.lines("SELECT type FROM system.columns WHERE database = 'metrics' AND name LIKE '\\\\_s%' AND type NOT LIKE '%AggregateFunction(%' AND table NOT LIKE '%\\\\_\\\\_mv'");
    assert_eq!(kept, [""; 0]);
}

#[test]
fn ch14_filling_the_past_twice_changes_nothing() {
    support::engine!("clickhouse");
    let declarations = CALLS.replace("time: at\n", "time: at\n  arrived: got\n  column got: timestamp\n");
    let declarations = declarations.replace("serve: stream(1m) }", "serve: stream(1m), daily }");
    let warehouse = Warehouse::new(ZONE, &declarations);
    let row = |day: chrono::NaiveDate| format!("{day} 12:00:00 | {day} 12:00:00 | a | 1 | 1 | 1 | 1");
    let start = chrono::NaiveDate::from_ymd_opt(2026, 1, 1).expect("a day");
    // 150 days are more partitions than one block may touch.
    let days: Vec<String> = (0..150).map(|day| row(start + chrono::Days::new(day))).collect();
    for block in days.chunks(90) {
        warehouse.insert("call", &block.join("\n"));
    }
    let shown = |warehouse: &Warehouse| {
        // Those that count rows; sets of values are in rollups of their own.
        let counts = |one: &serde_json::Value| {
            let states = one["states"].as_array().expect("a list");
            let place = states.iter().position(|state| state["keeps"] == "count()")?;
            Some(warehouse.lines(&format!("SELECT sum(_s{place}) FROM {}", one["table"].as_str().expect("a name"))))
        };
        let rollups: Vec<String> = rollups(warehouse).iter().filter_map(counts).flatten().collect();
        assert!(rollups.len() >= 3, "{rollups:?}");
        (warehouse.view("calls__1d"), rollups)
    };
    warehouse.fill_history("call");
    warehouse.backfill("call__daily", "2026-06-30");
    let once = shown(&warehouse);
    assert_eq!(once.0.len(), 150);
    assert!(once.1.iter().all(|count| count == "150"), "{:?}", once.1);
    warehouse.fill_history("call");
    warehouse.backfill("call__daily", "2026-06-30");
    assert_eq!(shown(&warehouse), once);
    assert!(warehouse.emitted.artifacts.iter().all(|artifact| !artifact.text.contains("POPULATE")));
}

#[test]
fn ch19_distinct_is_exact_and_an_estimate_says_so() {
    support::engine!("clickhouse");
    let warehouse = calls();
    // More values than an estimate counts exactly, each twice and in several blocks.
    for block in 0..8 {
        let line = |at: i32| format!("2026-11-01 {:02}:00:00 | v{} | 1 | | |0", block, (at + block * 2_500) % 10_000);
        warehouse.insert("call", &(0..5_000).map(line).collect::<Vec<_>>().join("\n"));
    }
    assert_eq!(warehouse.view("apis__1d"), ["2026-11-01 00:00:00.000 | 10000"]);
    let about: f64 = warehouse.lines("SELECT about FROM metrics.about__1d")[0].parse().expect("a number");
    assert!((about - 10_000.0).abs() < 100.0, "{about}");
    let text = warehouse.artifact("warehouse/30_rollups_call.sql");
    assert!(text.contains("AggregateFunction(uniqExact, ") && text.contains("AggregateFunction(uniqCombined64(17), "));
}
