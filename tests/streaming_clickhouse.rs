//! Streams that ClickHouse counts itself, on a real server: what it counts of rows as they come is what the words of
//! docs/language.md say, and every view says it.

mod streaming;
mod support;
mod warehouse;

use streaming::shop::{CELLS, METRICS, PLAIN, RULES, USERS, ZONE, declared, source, views, wrong};
use streaming::{Event, Key, MINUTE, Rules, START, Stream, blocks, cut, in_order};
use support::clickhouse::quote_text;
use support::script;
use warehouse::Warehouse;

fn streamed(rules: Rules, settings: &str) -> Warehouse {
    let warehouse = Warehouse::streamed(ZONE, &declared(rules), "", settings);
    warehouse.insert("user", USERS);
    warehouse
}

/// The same with two metrics alone.
fn small_of(rules: Rules, settings: &str) -> Warehouse {
    let metrics = METRICS.lines().filter(|line| line.starts_with("metric events") || line.starts_with("metric gmv"));
    Warehouse::streamed(ZONE, &(source(rules) + &metrics.collect::<Vec<_>>().join("\n")), "", settings)
}

fn small() -> Warehouse {
    small_of(RULES, "")
}

/// Rows come into the source, as one block.
fn come(warehouse: &Warehouse, block: &[Event]) {
    warehouse.insert_rows("event", block.iter().map(Event::cells).collect());
}

/// The same as messages.
fn land(warehouse: &Warehouse, block: &[Event]) {
    let rows: Vec<String> = block.iter().map(|row| format!("({})", quote_text(&row.message()))).collect();
    warehouse.execute(&format!("INSERT INTO metrics.landed__event (raw) VALUES {}", rows.join(", ")));
}

/// The table of the rows that count.
fn feed(warehouse: &Warehouse) -> String {
    warehouse.stream["sources"][0]["feed"].as_str().expect("a name").to_owned()
}

/// The rows that count.
fn counted(warehouse: &Warehouse) -> Vec<Vec<Option<String>>> {
    let select = format!("SELECT {CELLS} FROM {} AS f", feed(warehouse));
    let mut rows = warehouse.session.query(&select).unwrap_or_else(|error| panic!("{error}")).rows;
    rows.sort();
    rows
}

/// How many rows came, were repetitions, and were late.
fn dropped(warehouse: &Warehouse) -> Vec<String> {
    warehouse.lines("SELECT sum(rows), sum(repeated), sum(late) FROM metrics.stream__event__1d")
}

/// Asserts that what is counted is what is right.
fn agrees(warehouse: &Warehouse, right: &Stream, what: &str) {
    if let Some(wrong) = wrong(&mut counted(warehouse), &right.counted) {
        panic!("{what}: {wrong}");
    }
    assert_eq!(dropped(warehouse), [format!("{} | {} | {}", right.came, right.repeated, right.late)], "{what}");
}

/// Asserts that all views say what plain SQL says of the rows that count.
fn views_agree(warehouse: &Warehouse, key: Key, right: &[Event], what: &str) {
    let columns = ["id", "at", "got", "who", "platform", "amount", "took", "ok"];
    warehouse.execute("CREATE DATABASE plain");
    warehouse.execute(&format!("CREATE TABLE plain.event ({PLAIN}) ENGINE = MergeTree ORDER BY got"));
    let rows: Vec<_> = right.iter().map(Event::cells).collect();
    warehouse.session.insert_tsv("plain.event", &columns, &rows).expect("it is done");
    for (view, plain) in views(key) {
        let (found, expected) = (warehouse.lines(&view), warehouse.lines(&plain));
        assert!(!expected.is_empty());
        assert_eq!(found, expected, "{what}: {view}");
    }
    warehouse.execute("DROP DATABASE plain");
}

/// Blocks come, by turns as rows and as messages, and all is counted as it should be; the views say so.
fn follows(rules: Rules, seed: u64, count: usize) -> Stream {
    let warehouse = streamed(rules, "");
    let right = takes(&warehouse, rules, seed, count);
    views_agree(&warehouse, rules.key, &right.counted, &format!("{rules:?} {seed}"));
    right
}

/// The same of a target with settings, and of the rows alone that count.
fn chosen(rules: Rules, settings: &str, seed: u64) -> Stream {
    takes(&small_of(rules, settings), rules, seed, 12)
}

fn takes(warehouse: &Warehouse, rules: Rules, seed: u64, count: usize) -> Stream {
    if seed % 2 == 1 {
        // As a server may be set up.
        warehouse.execute("SET join_use_nulls = 1, transform_null_in = 1");
    }
    let blocks = blocks(seed, count, rules.within.max(2 * MINUTE));
    let mut right = Stream::new(rules);
    for (at, block) in blocks.iter().enumerate() {
        if at % 2 == 0 {
            come(warehouse, block)
        } else {
            land(warehouse, block)
        }
        right.takes(block);
    }
    agrees(warehouse, &right, &format!("{rules:?} {seed}"));
    right
}

#[test]
fn st1_rows_count_by_key_and_distance() {
    support::engine!("clickhouse");
    let mut all = (0, 0, 0);
    for seed in 0..3 {
        let right = follows(RULES, seed, 18);
        all = (all.0 + right.counted.len(), all.1 + right.repeated, all.2 + right.late);
    }
    // The rows try all of it.
    assert!(all.0 > 150 && all.1 > 40 && all.2 > 50, "{all:?}");
}

#[test]
fn st1_a_key_may_have_several_columns_or_none() {
    support::engine!("clickhouse");
    assert!(follows(Rules { key: Key::IdAndWho, ..RULES }, 11, 16).repeated > 5);
    assert_eq!(follows(Rules { key: Key::None, ..RULES }, 12, 12).repeated, 0);
}

#[test]
fn st1_a_target_says_what_is_the_same_and_a_source_how_late_it_may_be() {
    support::engine!("clickhouse");
    assert!(chosen(Rules { within: 1, ..RULES }, "deduplicate_by: key_and_time\n", 21).repeated > 10);
    assert!(chosen(Rules { within: 30_000, ..RULES }, "deduplicate: 30s\n", 22).repeated > 10);
    assert!(chosen(Rules { within: 120 * MINUTE, ..RULES }, "deduplicate: 2h\n", 23).repeated > 10);
    assert!(chosen(Rules { lateness: Some(0), ..RULES }, "", 24).late > 25);
    assert_eq!(chosen(Rules { lateness: Some(7 * 24 * 60 * MINUTE), ..RULES }, "", 25).late, 0);
    assert_eq!(chosen(Rules { key: Key::None, lateness: None, ..RULES }, "", 26).late, 0);
}

/// Four rows of one key: the second is a repetition of the first. Windows of five minutes that follow one another would find two rows in
/// the first of them and drop 10:04 too, but count 10:06, which is no less than five minutes from 10:01, and 10:12 – three as well
/// here, though of 10:04 and 10:06 alone they would count both. One row a key for ever would count one.
#[test]
fn st1_of_four_rows_of_a_key_three_count() {
    support::engine!("clickhouse");
    let at = |minute: i64| Event::new("e1", START + minute * MINUTE, minute);
    let rows = [at(1), at(4), at(6), at(12)];
    for blocks in [cut(&rows, 1), cut(&rows, 2), vec![[at(12), at(6), at(4), at(1)].to_vec()]] {
        let warehouse = small();
        blocks.iter().for_each(|block| come(&warehouse, block));
        assert_eq!(warehouse.view("events__1h"), ["2024-03-01 10:00:00.000 | ? | 3"]);
        assert_eq!(
            warehouse.view("gmv__1m"),
            ["01 | 0.01", "06 | 0.06", "12 | 0.12"].map(|rest| {
                let (minute, amount) = rest.split_once(" | ").expect("two");
                format!("2024-03-01 10:{minute}:00.000 | unknown | {amount}")
            })
        );
        assert_eq!(dropped(&warehouse), ["4 | 1 | 0"]);
    }
    // By the distance of their times, whatever the borders between windows are.
    let warehouse = small();
    [at(4), at(6)].iter().for_each(|row| come(&warehouse, std::slice::from_ref(row)));
    assert_eq!(warehouse.view("events__1h"), ["2024-03-01 10:00:00.000 | ? | 1"]);
}

/// What is together in a block makes no difference where nothing is late and rows come in the order of their times.
#[test]
fn st1_blocks_make_no_difference_where_nothing_is_late() {
    support::engine!("clickhouse");
    let rows: Vec<Event> = blocks(31, 14, RULES.within).concat().into_iter().filter(|row| row.at.is_some()).collect();
    let rows = in_order(&rows);
    let mut seen = Vec::new();
    for size in [rows.len(), 50, 7] {
        let warehouse = streamed(RULES, "");
        cut(&rows, size).iter().for_each(|block| come(&warehouse, block));
        seen.push((counted(&warehouse), dropped(&warehouse), warehouse.view("users__1h"), warehouse.view("gmv__1m")));
    }
    assert!(!seen[0].0.is_empty() && seen[0].0.len() < rows.len());
    assert!(seen.iter().all(|other| *other == seen[0]));
}

#[test]
fn ch1_a_block_that_is_sent_again_changes_no_number() {
    support::engine!("clickhouse");
    for rules in [RULES, Rules { key: Key::None, ..RULES }] {
        let warehouse = streamed(rules, "");
        for (name, value) in warehouse.stream["insert_settings"].as_object().expect("settings") {
            warehouse.execute(&format!("SET {name} = {value}"));
        }
        let blocks = blocks(41, 6, RULES.within);
        for block in &blocks {
            come(&warehouse, block);
            come(&warehouse, block);
        }
        let right = Stream::of(rules, &blocks);
        agrees(&warehouse, &right, "sent twice");
        views_agree(&warehouse, rules.key, &right.counted, "sent twice");
    }
}

/// Rows of one minute and group, one after the other: their states are equal to the byte, and each counts.
#[test]
fn ch1_equal_blocks_of_other_rows_count() {
    support::engine!("clickhouse");
    let warehouse = small();
    let rows: Vec<Event> = (0..8).map(|at| Event::new(&format!("e{at}"), START, 100)).collect();
    cut(&rows, 1).iter().for_each(|block| come(&warehouse, block));
    cut(&rows, 1).iter().for_each(|block| land(&warehouse, block));
    assert_eq!(warehouse.view("events__1m"), ["2024-03-01 10:00:00.000 | ? | 8"]);
    assert_eq!(warehouse.view("gmv__1d"), ["2024-03-01 00:00:00.000 | unknown | 8"]);
    assert_eq!(dropped(&warehouse), ["16 | 8 | 0"]);
    assert_eq!(
        warehouse.lines("SELECT count(), max(newest) FROM metrics.stream__event__now"),
        ["1 | 2024-03-01 10:00:00.000"]
    );
}

/// Rows that are none, and messages that can't be read, say nothing about the time.
#[test]
fn st5_what_is_no_row_moves_no_watermark() {
    support::engine!("clickhouse");
    let warehouse = small();
    let now = || warehouse.lines("SELECT newest FROM metrics.stream__event__now");
    let far = START + 24 * 60 * MINUTE;
    warehouse.execute("INSERT INTO metrics.landed__event (raw) VALUES ('nonsense'), ('{}')");
    land(&warehouse, &[Event { id: None, ..Event::new("", far, 1) }, Event { at: None, ..Event::new("e1", far, 1) }]);
    come(&warehouse, &[Event { id: None, ..Event::new("", far, 1) }]);
    assert_eq!((now(), dropped(&warehouse)), (Vec::new(), vec!["0 | 0 | 0".to_owned()]));
    let rows = [Event::new("e1", START, 1), Event { got: START + MINUTE, ..Event::new("e2", far, 1) }];
    land(&warehouse, &rows);
    // A row of the future counts, and the time that has come is that at which it came.
    assert_eq!(now(), ["2024-03-01 10:01:00.000"]);
    warehouse.execute("INSERT INTO metrics.landed__event (raw) VALUES ('nonsense')");
    land(&warehouse, &[Event::new("e3", START - 3 * MINUTE, 1), Event::new("e4", START - 5 * MINUTE, 1)]);
    assert_eq!(dropped(&warehouse), ["4 | 0 | 1"]);
    assert_eq!(warehouse.view("events__1d"), ["2024-03-01 00:00:00.000 | ? | 2", "2024-03-02 00:00:00.000 | ? | 1"]);
}

/// The first and the last instants that there are, and rows of many months in one block.
#[test]
fn st1_times_may_be_any() {
    support::engine!("clickhouse");
    let warehouse = small();
    let (first, last) = (-2_208_988_800_000, 10_413_791_999_999);
    let at = |id: &str, at: i64| Event { got: START, ..Event::new(id, at, 1) };
    let ends = [at("e1", first), at("e1", first + 1), at("e2", last), at("e2", last - 1), at("e1", last), at("e3", -1)];
    let mut right = Stream::new(RULES);
    right.takes(&ends);
    come(&warehouse, &ends);
    let more = [at("e2", last), at("e3", 0), at("e1", START)];
    right.takes(&more);
    come(&warehouse, &more);
    agrees(&warehouse, &right, "the ends of time");
    assert_eq!(right.counted.len(), 5);
}

/// Columns of every type, and names that are the feed's own.
const WIDE: &str = r#"
source event {
  table: "dwd.event"
  stream: kafka(topic: "app.events")
  key: _times, _n
  time: _at
  lateness: 5m
  column _times: string
  column _n: int
  column _at: timestamp
  column _h: int?
  column kind: enum("b", "a")
  column amount: decimal(38,2)?
  column took: duration(ms)?
  column ratio: float?
  column ok: bool?
  column day: date?
  column seen: timestamp?
  column props: map(string, string)
  column tags: array(int)
  column _slot: string?
}
metric events = count(event) { grain: 1m; serve: stream(1m) }
"#;

/// Of two rows of one key and time the smaller one counts, by the first column that is not the same; null is the greatest.
#[test]
fn st1_of_equal_times_the_smallest_row_counts() {
    support::engine!("clickhouse");
    let pairs = [
        ("_h", "-7", "5"),
        ("_h", "9", "null"),
        ("kind", "\"a\"", "\"b\""),
        ("amount", "\"9.50\"", "\"10.25\""),
        ("amount", "\"-1.00\"", "null"),
        ("took", "9", "10"),
        ("ratio", "-0.5", "0.25"),
        ("ok", "false", "true"),
        ("day", "\"2024-01-09\"", "\"2024-01-10\""),
        ("seen", "\"2024-01-09 00:00:00.001\"", "\"2024-01-09 00:00:00.002\""),
        ("_slot", "\"B\"", "\"a\""),
        ("_slot", "\"\"", "null"),
    ];
    let good = |at: usize, name: &str, value: &str| {
        let rest = [
            ("_at", "\"2024-01-09 10:00:00\""),
            ("_h", "1"),
            ("kind", "\"a\""),
            ("amount", "\"1.00\""),
            ("took", "1"),
            ("ratio", "0.5"),
            ("ok", "true"),
            ("day", "\"2024-01-09\""),
            ("seen", "\"2024-01-09 10:00:00\""),
            ("props", "{\"a\":\"1\"}"),
            ("tags", "[1,2]"),
            ("_slot", "\"s\""),
        ];
        let member = |(own, text): (&str, &str)| format!("\"{own}\":{}", if own == name { value } else { text });
        let rest: Vec<String> = rest.into_iter().map(member).collect();
        format!("{{\"_times\":\"k\",\"_n\":{at},{}}}", rest.join(","))
    };
    let warehouse = Warehouse::streamed("UTC", WIDE, "", "");
    for (at, (name, small, great)) in pairs.iter().enumerate() {
        let mut both = [good(at, name, great), good(at, name, small)];
        if at % 2 == 1 {
            both.reverse();
        }
        let [one, other] = both.map(|text| quote_text(&text));
        warehouse.execute(&format!("INSERT INTO metrics.landed__event (raw) VALUES ({one}), ({other})"));
        let shown =
            if *name == "amount" { "toDecimalString(f.amount, 2)".to_owned() } else { format!("toString(f.`{name}`)") };
        let found = warehouse.lines(&format!("SELECT {shown} FROM {} AS f WHERE f.`_n` = {at}", feed(&warehouse)));
        let expected = small.trim_matches('"');
        assert_eq!(found, [if expected.is_empty() { "''" } else { expected }], "{name}: {small} and {great}");
    }
    assert_eq!(warehouse.lines("SELECT count() FROM metrics.dead__event"), ["0"]);
    assert_eq!(warehouse.view("events__1m"), [format!("2024-01-09 10:00:00.000 | {}", pairs.len())]);
}

/// A day comes from the batch once it is built: with what was late, and without what a batch calls a repetition.
#[test]
fn st5_the_batch_of_a_day_counts_what_was_late() {
    support::engine!("clickhouse");
    let served = METRICS.replace("serve: stream(1m)", "serve: stream(1m), daily");
    let warehouse = Warehouse::streamed(ZONE, &(source(RULES) + &served), "", "");
    warehouse.insert("user", USERS);
    let at = |id: &str, minute: i64| Event::new(id, START + minute * MINUTE, 100);
    let came = [at("e1", 0), at("e1", 30), at("e2", 60), at("late", 10), at("later", 20), at("next", 24 * 60)];
    came.iter().for_each(|row| come(&warehouse, std::slice::from_ref(row)));
    assert_eq!(dropped(&warehouse), ["6 | 0 | 2"]);
    let next = "2024-03-02 00:00:00.000 | ? | 1";
    assert_eq!(warehouse.view("events__1d"), ["2024-03-01 00:00:00.000 | ? | 3", next]);
    warehouse.backfill("event__daily", "2024-03-01");
    assert_eq!(warehouse.view("events__1d"), ["2024-03-01 00:00:00.000 | ? | 4", next]);
    assert_eq!(
        warehouse.lines("SELECT toString(time), gmv FROM metrics.gmv__1m ORDER BY ALL"),
        ["10:00", "10:10", "10:20", "11:00"]
            .map(|time| format!("2024-03-01 {time}:00.000 | 1"))
            .into_iter()
            .chain(["2024-03-02 10:00:00.000 | 1".to_owned()])
            .collect::<Vec<_>>()
    );
    // What comes to that day later waits for its next batch.
    come(&warehouse, &[at("e3", 24 * 60 + 1)]);
    assert_eq!(warehouse.view("events__1d"), ["2024-03-01 00:00:00.000 | ? | 4", "2024-03-02 00:00:00.000 | ? | 2"]);
}

/// What the artefacts make, by database.
fn objects(warehouse: &Warehouse) -> Vec<String> {
    warehouse.lines(
        "SELECT concat(t.name, ' ', t.create_table_query) FROM system.tables AS t WHERE t.database = 'metrics' ORDER BY t.name",
    )
}

fn names(warehouse: &Warehouse) -> Vec<String> {
    warehouse.lines("SELECT t.name FROM system.tables AS t WHERE t.database = 'metrics' ORDER BY t.name")
}

#[test]
fn ch14_a_stream_is_applied_again_and_taken_back_whole() {
    support::engine!("clickhouse");
    let warehouse = streamed(RULES, "");
    let blocks = blocks(51, 6, RULES.within);
    blocks[..3].iter().for_each(|block| land(&warehouse, block));
    let before = objects(&warehouse);
    for path in Warehouse::order(&metricc::emit::Emitted { artifacts: Vec::new(), details: warehouse.stream.clone() }) {
        warehouse.apply(path);
    }
    warehouse.apply("stream/apply.sql");
    assert_eq!(objects(&warehouse), before);
    blocks[3..].iter().for_each(|block| land(&warehouse, block));
    agrees(&warehouse, &Stream::of(RULES, &blocks), "applied again");
    // Without the stream the warehouse is as it was, and what was counted stays.
    let counted = warehouse.view("events__1m");
    warehouse.apply("stream/rollback.sql");
    land(&warehouse, &blocks[0]);
    assert_eq!(warehouse.view("events__1m"), counted);
    let messages = ["counted__event", "dead__event", "landed__event"];
    let mine = "metricc/stream: ";
    let left = format!("SELECT count() FROM system.tables AS t WHERE startsWith(t.comment, '{mine}')");
    assert_eq!(warehouse.lines(&left), ["0"]);
    warehouse.apply("warehouse/rollback.sql");
    assert_eq!(names(&warehouse), messages);
}

#[test]
fn ch15_a_stream_that_is_built_anew_stands_beside_the_old_one_until_that_is_retired() {
    support::engine!("clickhouse");
    let warehouse = streamed(RULES, "");
    land(&warehouse, &[Event::new("e1", START, 100)]);
    let old = feed(&warehouse);
    let (warehouse, _) = warehouse.rebuilt_with(&declared(RULES), "", Some("deduplicate: 10m\n"));
    warehouse.apply("warehouse/apply.sql");
    warehouse.apply("stream/apply.sql");
    assert_ne!(feed(&warehouse), old);
    // Both see each row once.
    land(&warehouse, &[Event::new("e2", START + MINUTE, 100), Event::new("e2", START + 7 * MINUTE, 100)]);
    assert_eq!(warehouse.lines(&format!("SELECT count() FROM {old}")), ["3"]);
    assert_eq!(warehouse.view("events__1d"), ["2024-03-01 00:00:00.000 | ? | 1"]);
    for path in ["stream/retire.sql", "warehouse/retire.sql"] {
        let retired = warehouse.lines(script::statements(warehouse.artifact(path))[0]);
        assert!(!retired.is_empty(), "{path}");
        retired.iter().for_each(|statement| warehouse.execute(statement));
    }
    land(&warehouse, &[Event::new("e3", START + 3 * MINUTE, 100)]);
    assert_eq!(warehouse.view("events__1d"), ["2024-03-01 00:00:00.000 | ? | 2"]);
    for path in ["stream/rollback.sql", "warehouse/rollback.sql"] {
        warehouse.apply(path);
    }
    assert_eq!(names(&warehouse), ["counted__event", "dead__event", "landed__event"]);
}

/// With `otherwise: warehouse` what the stream cannot count is made anew from the clean rows, and the rest is counted.
#[test]
fn otherwise_the_warehouse_counts() {
    support::engine!("clickhouse");
    let more = "subset one = first of event per who\nmetric firsts = count(one) { grain: 1d; serve: stream(1m) }\n";
    let warehouse = Warehouse::streamed(ZONE, &(declared(RULES) + more), "", "otherwise: warehouse\n");
    let at =
        |id: &str, minute: i64| Event { who: Some("u1".to_owned()), ..Event::new(id, START + minute * MINUTE, 100) };
    let rows = [at("e1", 0), at("e2", 30), at("late", 1)];
    rows.iter().for_each(|row| come(&warehouse, std::slice::from_ref(row)));
    warehouse.refresh();
    assert_eq!(warehouse.view("events__1d"), ["2024-03-01 00:00:00.000 | ? | 2"]);
    assert_eq!(warehouse.view("firsts__1d"), ["2024-03-01 00:00:00.000 | 1"]);
    let filled = |word: &str| {
        let all = warehouse.emitted.details["rollups"].as_array().expect("a list");
        all.iter().filter(|rollup| rollup["filled"] == word).count()
    };
    assert!(filled("rebuilt") == 1 && filled("fed") >= 1);
}

#[cfg(feature = "dry-run")]
mod right {
    use super::*;
    use warehouse::right::agrees_over;

    /// The rows that count, each with a key of its own: to the dry run a key is a row for ever. Keys keep their order.
    fn rows(right: &Stream) -> Vec<warehouse::Row> {
        let own = |(at, row): (usize, &Event)| {
            let id = row.id.as_ref().map(|id| format!("{id} {at:05}"));
            Event { id, ..row.clone() }.cells()
        };
        right.counted.iter().enumerate().map(own).collect()
    }

    #[test]
    fn st1_views_say_what_the_dry_run_says_of_the_rows_that_count() {
        support::engine!("clickhouse");
        for (rules, seed) in [(RULES, 81), (Rules { lateness: Some(60 * MINUTE), ..RULES }, 82)] {
            let warehouse = streamed(rules, "");
            let right = takes(&warehouse, rules, seed, 18);
            let users = warehouse.came("user");
            agrees_over(&warehouse, &|table| if table == "event" { rows(&right) } else { users.clone() });
        }
    }
}
