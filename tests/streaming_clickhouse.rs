//! Streams that ClickHouse counts itself, on a real server: what it counts of rows as they come is what the words of
//! docs/language.md say, and every view says it.

mod streaming;
mod support;
mod warehouse;

use metricc::compile::compile;
use metricc::diagnostic::{Diagnostics, Severity};
use metricc::emit;
use metricc::plan::{DataType, Step};
use metricc::project::{MemoryFiles, load};
use metricc::rollup::{self, Rollup, Statistics, Streams};
use metricc::sql::stream::is_plain;
use metricc::sql::{self, CLICKHOUSE, Calendar, Dialect, inlet};
use streaming::shop::{CELLS, METRICS, PLAIN, RULES, USERS, ZONE, declared, source, views, wrong};
use streaming::{Event, Key, MINUTE, Rules, START, Stream, blocks, cut, decimal, in_order};
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

/// Codes and texts of the errors of a project with these targets.
fn errors(declarations: &str, targets: &[(&str, &str)]) -> Vec<(String, String)> {
    let files = MemoryFiles::new()
        .with("metricc.yaml", "name: shop\ntimezone: UTC\nunits: [CNY]\npaths: [metrics]\n")
        .with("metrics/shop.metric", declarations);
    let add = |files: MemoryFiles, (name, text): &(&str, &str)| files.with(format!("targets/{name}.yaml"), *text);
    let (project, mut all) = load(&targets.iter().fold(files, add));
    let project = project.unwrap_or_else(|| panic!("{}", warehouse::text(&all)));
    let (compiled, found) = compile(&project);
    assert!(!found.has_errors(), "{}", warehouse::text(&found));
    let (input, found) = emit::with_changes(&project, &compiled);
    all.extend(found);
    for target in &project.targets {
        all.extend(emit::emit(&input, target).1);
    }
    told(&all)
}

fn told(found: &Diagnostics) -> Vec<(String, String)> {
    let errors = found.iter().filter(|one| one.code.severity() == Severity::Error);
    errors
        .map(|one| (one.code.to_string(), format!("{} ({})", one.message, one.help.as_deref().unwrap_or_default())))
        .collect()
}

const CLICKHOUSE_TARGET: (&str, &str) = ("warehouse", "kind: clickhouse\n");
const STREAM: (&str, &str) = ("stream", "kind: streaming\ndialect: clickhouse\n");

#[test]
fn e0830_what_a_stream_cannot_count_is_refused_with_its_rule() {
    let of = |key: &str, more: &str| {
        format!(
            r#"
entity level {{
  table: "dim.level"
  key: user_id
  valid: since, until
  column user_id: string
  column since: timestamp
  column until: timestamp?
  column level: string
}}
source event {{
  table: "dwd.event"
  stream: kafka(topic: "app.events")
  key: {key}
  time: at
  lateness: 5m
  column id: string
  column at: timestamp
  column paid: timestamp?
  column who: level?
}}
{more} {{ grain: 1d; serve: stream(1m) }}
"#
        )
    };
    let reasons = [
        ("id latest by at", "metric m = count(event)", "ST1: rows are updated"),
        ("id", "subset one = first of event per who\nmetric m = count(one)", "ST1: its rows are made of others"),
        ("id", "metric m = count(raw event)", "ST1: it counts rows as they came"),
        (
            "id",
            "subset paid = event where paid is not null dated paid\nmetric m = count(paid)",
            "ST5: its rows are dated",
        ),
        ("id", "metric m = count(event where who.level = \"vip\")", "CH4: a version of an entity"),
    ];
    for (key, more, reason) in reasons {
        let found = errors(&of(key, more), &[CLICKHOUSE_TARGET, STREAM]);
        let [(code, text)] = found.as_slice() else { panic!("{more}: {found:?}") };
        assert_eq!(code, "E0830", "{more}");
        assert!(text.contains(reason) && text.contains("`stream` cannot count `m`"), "{text}");
        let otherwise = "kind: streaming\ndialect: clickhouse\notherwise: warehouse\n";
        assert_eq!(errors(&of(key, more), &[CLICKHOUSE_TARGET, ("stream", otherwise)]), [], "{more}");
        // It is none of the stream's.
        let live = of(key, more).replace("serve: stream(1m)", "serve: live");
        assert_eq!(errors(&live, &[CLICKHOUSE_TARGET, STREAM]), [], "{more}");
    }
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

#[test]
fn targets_that_do_not_fit_are_told() {
    let declarations = source(RULES) + METRICS;
    let codes = |declarations: &str, targets: &[(&str, &str)]| -> Vec<String> {
        errors(declarations, targets).into_iter().map(|(code, _)| code).collect()
    };
    let stream = |more: &str| format!("kind: streaming\ndialect: clickhouse\n{more}");
    let with = |more: &str| codes(&declarations, &[CLICKHOUSE_TARGET, ("stream", &stream(more))]);
    let none: [&str; 0] = [];
    assert_eq!(with(""), none);
    // E0831: it has no warehouse, or none of that name, or cannot choose.
    assert_eq!(codes(&declarations, &[STREAM]), ["E0831"]);
    assert_eq!(with("warehouse: warehose\n"), ["E0831"]);
    let other = ("other", "kind: clickhouse\ndatabase: others\n");
    assert_eq!(codes(&declarations, &[CLICKHOUSE_TARGET, other, STREAM]), ["E0831"]);
    let chosen = stream("warehouse: other\n");
    assert_eq!(codes(&declarations, &[CLICKHOUSE_TARGET, other, ("stream", &chosen)]), none);
    // E0832: no messages come.
    assert_eq!(with("sources: [evnt]\n"), ["E0832"]);
    let silent = declarations.replace("stream: kafka(topic: \"app.events\", format: \"json\")\n", "\n");
    assert_eq!(codes(&silent, &[CLICKHOUSE_TARGET, STREAM]), ["E0832"]);
    // E0833: two count the same rows.
    let again = ("again", "kind: streaming\ndialect: clickhouse\n");
    assert_eq!(codes(&declarations, &[CLICKHOUSE_TARGET, STREAM, again]), ["E0833"]);
    // E0835: two read at a time.
    let read = "brokers: \"kafka:9092\"\n";
    assert_eq!(with(read), none);
    assert_eq!(with(&format!("{read}reading: {{ consumers: 1 }}\n")), none);
    assert_eq!(with(&format!("{read}reading: {{ consumers: 2 }}\n")), ["E0835"]);
    let servers = ("warehouse", "kind: clickhouse\ncluster: { name: main, on_cluster: true }\n");
    assert_eq!(codes(&declarations, &[servers, ("stream", &stream(read))]), ["E0835"]);
    let keyless = source(Rules { key: Key::None, ..RULES }) + METRICS;
    let several = stream(&format!("{read}reading: {{ consumers: 2 }}\n"));
    assert_eq!(codes(&keyless, &[CLICKHOUSE_TARGET, ("stream", &several)]), none);
    // E0836: a key, and nobody knows how late rows may come.
    let unknown = source(Rules { lateness: None, ..RULES }) + METRICS;
    assert_eq!(codes(&unknown, &[CLICKHOUSE_TARGET, STREAM]), ["E0836"]);
    // Words and lengths.
    for wrong in ["deduplicate: 0s\n", "deduplicate: soon\n", "deduplicate_by: time\n", "otherwise: nothing\n"] {
        assert_eq!(with(wrong), ["E0023"], "{wrong}");
    }
    assert_eq!(with("deduplicate: 99999999999d\n"), none);
    assert_eq!(codes(&declarations, &[CLICKHOUSE_TARGET, ("stream", "kind: streaming\n")]), ["E0024"]);
}

#[test]
fn e0834_other_engines_have_to_be_told_what_is_the_same() {
    let declarations = source(RULES) + "metric events = count(event) { grain: 1d; serve: stream(1m) }\n";
    for engine in ["risingwave", "spark", "ksqldb"] {
        let told = |more: &str| {
            let target = format!("kind: streaming\ndialect: {engine}\n{more}");
            let found = errors(&declarations, &[CLICKHOUSE_TARGET, ("stream", &target)]);
            found.iter().filter(|(code, _)| code == "E0834").count()
        };
        assert_eq!(told(""), 1, "{engine}");
        assert_eq!(told("deduplicate_by: key_and_time\n"), 0, "{engine}");
    }
}

#[test]
fn a_stream_is_built_to_the_same_bytes() {
    let files = warehouse::files(ZONE, &declared(RULES), "", Some("brokers: \"kafka:9092\"\n"));
    let built = || {
        let (project, _) = load(&files);
        let project = project.expect("a project");
        let (compiled, _) = compile(&project);
        let (input, _) = emit::with_changes(&project, &compiled);
        project.targets.iter().map(|target| emit::emit(&input, target).0).collect::<Vec<_>>()
    };
    let (first, second) = (built(), built());
    assert!(first == second);
    let paths: Vec<&str> = first.iter().flat_map(|all| &all.artifacts).map(|one| one.path.as_str()).collect();
    for path in
        ["stream/10_feed_event.sql", "stream/20_windows_event.sql", "stream/30_intake_event.sql", "stream/apply.sql"]
    {
        assert!(paths.contains(&path), "{paths:?}");
    }
    // The warehouse reads no messages of its own then.
    assert!(!paths.iter().any(|path| path.starts_with("warehouse/15_")), "{paths:?}");
    let intake = first.iter().flat_map(|all| &all.artifacts).find(|one| one.path == "stream/30_intake_event.sql");
    let text = &intake.expect("a file").text;
    assert!(text.contains("kafka_max_block_size = 65536") && text.contains("kafka_flush_interval_ms = 1000"), "{text}");
}

/// The rollup of a project with one metric.
fn rollup_of(warehouse: &Warehouse) -> Rollup {
    let questions = warehouse.input.metrics.iter().map(|metric| (&metric.query, metric.asked()));
    let streams = Streams { arrival: &[], feeds: &|_, _| true };
    let mut planned = rollup::plan(questions, &Statistics::default(), streams).rollups;
    assert_eq!(planned.len(), 1);
    planned.swap_remove(0)
}

/// Makes the inlet of plain results, or of the values of a state, with what takes results out of it; gives its name.
fn inlet_of(warehouse: &Warehouse, rollup: &Rollup, state: Option<usize>, into: &str) -> String {
    let name = state.map_or_else(|| "inlet.plain".to_owned(), |at| format!("inlet.values{at}"));
    let calendar = Calendar { zone: warehouse.input.zone, week_start: warehouse.input.week_start };
    let states = CLICKHOUSE.states().expect("states");
    let columns: Vec<String> = inlet::columns(rollup, state, DataType::Timestamp)
        .into_iter()
        .map(|(name, ty, nullable)| format!("{name} {}", states.value_type(&ty, nullable, calendar)))
        .collect();
    let columns = columns.join(", ");
    let object = |text: &str| {
        let parts = text.split('.').map(sqlparser::ast::Ident::new).collect::<Vec<_>>();
        sqlparser::ast::ObjectName::from(parts)
    };
    let known = format!("{name}__known");
    let new = sql::to_text(&inlet::new_results(rollup, state, &object(&name), &object(&known)), &CLICKHOUSE);
    let made = inlet::states(rollup, state, &object(&known), &CLICKHOUSE, calendar).expect("states");
    for statement in [
        format!("CREATE TABLE {name} ({columns}) ENGINE = Null"),
        format!("CREATE TABLE {known} ({columns}) ENGINE = MergeTree ORDER BY _t"),
        format!("CREATE MATERIALIZED VIEW {name}__mv TO {into} AS {}", sql::to_text(&made, &CLICKHOUSE)),
        format!("CREATE MATERIALIZED VIEW {name}__new TO {known} AS {new}"),
    ] {
        warehouse.execute(&statement);
    }
    name
}

/// Results of windows of another engine: each brings a bucket and a group once, and may be brought again.
#[test]
fn results_that_are_brought_twice_count_once() {
    support::engine!("clickhouse");
    let metrics = r#"
metric events = count(event) { grain: 1m, 1d; by: platform, province; serve: stream(1m) }
metric users  = distinct(who from event) { grain: 1m, 1d; by: platform, province; serve: stream(1m) }
metric gmv    = sum(amount from event) { grain: 1d; by: platform, province; serve: stream(1m) }
metric most   = max(amount from event) { grain: 1m; by: platform, province; serve: stream(1m) }
metric p95    = p95(took from event) { grain: 1d; by: platform, province; serve: stream(1m) }
"#;
    let warehouse = Warehouse::streamed(ZONE, &(source(RULES) + metrics), "", "");
    let rollup = rollup_of(&warehouse);
    assert_eq!(rollup.steps.first(), Some(&Step::Subday(MINUTE)));
    let all = warehouse.emitted.details["rollups"].as_array().expect("a list");
    let finest = all.iter().find(|one| one["filled"] == "fed").expect("a rollup")["table"].as_str().expect("a name");
    warehouse.execute("CREATE DATABASE inlet");
    warehouse.execute("CREATE TABLE inlet.rows (at Int64, platform String, province String, who Nullable(String), amount Nullable(Decimal(18, 2)), took Nullable(Int64)) ENGINE = MergeTree ORDER BY at");
    let rows: Vec<Vec<Option<String>>> = blocks(61, 12, MINUTE)
        .concat()
        .into_iter()
        .filter(|row| row.at.is_some_and(|at| at >= 0))
        .map(|row| {
            let group = |of: Option<String>| of.or_else(|| Some("?".to_owned()));
            let number = |of: Option<i64>| of.map(|number| number.to_string());
            vec![
                number(row.at),
                group(row.platform),
                group(row.who.clone()),
                row.who,
                row.amount.map(decimal),
                number(row.took),
            ]
        })
        .collect();
    warehouse
        .session
        .insert_tsv("inlet.rows", &["at", "platform", "province", "who", "amount", "took"], &rows)
        .expect("done");
    let time = "toDateTime64(toStartOfMinute(fromUnixTimestamp64Milli(r.at, 'Asia/Shanghai')), 3, 'Asia/Shanghai')";
    let dimension = |at: usize| format!("r.{}", rollup.dimensions[at].name);
    let keys = format!("{time} AS _t, {} AS _d0, {} AS _d1", dimension(0), dimension(1));
    let mut inserts = Vec::new();
    let mut plain = Vec::new();
    for (at, state) in rollup.states.iter().enumerate() {
        let argument = state.argument.as_ref().map(|argument| format!("{argument:?}")).unwrap_or_default();
        let column = ["amount", "took", "who"].into_iter().find(|name| argument.contains(&format!("\"{name}\"")));
        if is_plain(state) {
            let value = match (state.part, column) {
                (rollup::Part::Count, None) => "count()".to_owned(),
                (rollup::Part::Count, Some(column)) => format!("count(r.{column})"),
                (rollup::Part::Sum, Some(column)) => format!("ifNull(sum(r.{column}), 0)"),
                (rollup::Part::Max, Some(column)) => format!("max(r.{column})"),
                other => panic!("{other:?}"),
            };
            plain.push(format!("{value} AS _s{at}"));
        } else {
            let column = column.expect("a column");
            let inlet = inlet_of(&warehouse, &rollup, Some(at), finest);
            inserts.push(format!(
                "INSERT INTO {inlet} SELECT {keys}, r.{column} AS _v, count() AS _n FROM inlet.rows AS r WHERE r.{column} IS NOT NULL GROUP BY ALL"
            ));
        }
    }
    let inlet = inlet_of(&warehouse, &rollup, None, finest);
    inserts.push(format!("INSERT INTO {inlet} SELECT {keys}, {} FROM inlet.rows AS r GROUP BY ALL", plain.join(", ")));
    // As a whole, and then again: as a whole, and in pieces.
    for insert in &inserts {
        warehouse.execute(insert);
        warehouse.execute(insert);
        warehouse.execute(&format!("{insert} ORDER BY ALL LIMIT 7"));
        warehouse.execute(
            &format!("{insert} UNION ALL {}", insert.split_once("SELECT").map_or("", |(_, of)| of).trim_start())
                .replace("UNION ALL ", "UNION ALL SELECT "),
        );
    }
    let day = "toDateTime64(toStartOfDay(fromUnixTimestamp64Milli(r.at, 'Asia/Shanghai')), 3, 'Asia/Shanghai')";
    let expected = [
        ("events__1m", time, "count()"),
        ("events__1d", day, "count()"),
        ("users__1m", time, "uniqExact(r.who)"),
        ("users__1d", day, "uniqExact(r.who)"),
        ("gmv__1d", day, "ifNull(sum(r.amount), 0)"),
        ("most__1m", time, "max(r.amount)"),
        ("p95__1d", day, "toInt64(roundBankers(quantileExactInclusive(0.95)(r.took)))"),
    ];
    for (view, time, value) in expected {
        let plain = format!(
            "SELECT {time} AS t, r.platform, r.province, {value} FROM inlet.rows AS r GROUP BY ALL ORDER BY ALL"
        );
        assert_eq!(warehouse.view(view), warehouse.lines(&plain), "{view}");
    }
}
