//! Rows out of messages on a real ClickHouse (CH16): each is a row or a dead letter with its reason, none fails an insert, and what is
//! read is what the dry run reads in the same lines.

mod support;
mod warehouse;

use support::clickhouse::{Session, quote_text};
use support::messages::{EVENTS, RIGHT, WRONG, right, with, wrong};
use warehouse::Warehouse;

fn land(warehouse: &Warehouse, messages: &[String]) {
    let rows: Vec<String> = messages.iter().map(|message| format!("({})", quote_text(message))).collect();
    warehouse.execute(&format!("INSERT INTO metrics.landed__event (raw) VALUES {}", rows.join(", ")));
}

fn intake() -> Warehouse {
    Warehouse::of("Asia/Shanghai", EVENTS, "intake: { keep: 3d }\n")
}

#[test]
fn ch16_a_message_is_a_row_or_a_dead_letter_with_its_reason() {
    support::engine!("clickhouse");
    let warehouse = intake();
    land(&warehouse, &right());
    land(&warehouse, &wrong());
    let others = ["", "nonsense", "[1]", "5", "\"a\"", "{\"id\":", "{} {}", "{\"id\":\"\\ud800\"}"];
    land(&warehouse, &others.map(str::to_owned));
    land(&warehouse, &["{}".to_owned(), "{\"n\":18446744073709551616}".to_owned()]);
    let dead = warehouse.lines("SELECT d.raw, d.reason FROM metrics.dead__event AS d");
    let expected = WRONG.iter().map(|(member, reason)| (with(member), (*reason).to_owned()));
    let no_json = others.iter().map(|text| ((*text).to_owned(), "it is no JSON object".to_owned()));
    let rest = [
        ("{}".to_owned(), "`id` is missing".to_owned()),
        ("{\"n\":18446744073709551616}".to_owned(), "it is no JSON object".to_owned()),
    ];
    let read = |raw: &str| {
        warehouse.lines(&format!("SELECT d.reason FROM metrics.dead__event AS d WHERE d.raw = {}", quote_text(raw)))
    };
    let mut count = 0;
    for (raw, reason) in expected.chain(no_json).chain(rest) {
        assert_eq!(read(&raw), [reason], "{raw}");
        count += 1;
    }
    assert_eq!(dead.len(), count);
    assert_eq!(
        warehouse.lines("SELECT count(), uniqExact(e.id) FROM dwd.event AS e"),
        [format!("{0} | {0}", RIGHT.len())]
    );
    let all = RIGHT.len() + count;
    assert_eq!(
        warehouse.lines("SELECT c.messages, c.dead, round(c.share, 6) = round(c.dead / c.messages, 6) FROM metrics.intake__event__1d AS c"),
        [format!("{all} | {count} | 1")]
    );
    assert_eq!(warehouse.lines("SELECT count() FROM metrics.landed__event"), [all.to_string()]);
}

#[test]
fn ch16_a_retried_insert_is_read_and_counted_once() {
    support::engine!("clickhouse");
    let warehouse = intake();
    for (name, value) in warehouse.emitted.details["insert_settings"].as_object().expect("settings") {
        warehouse.execute(&format!("SET {name} = {value}"));
    }
    let messages = [right(), wrong()].concat();
    let rows: Vec<String> =
        messages.iter().map(|message| format!("({}, '2026-11-01 00:00:00')", quote_text(message))).collect();
    let insert = format!("INSERT INTO metrics.landed__event (raw, came) VALUES {}", rows.join(", "));
    for _ in 0..2 {
        warehouse.execute(&insert);
    }
    assert_eq!(warehouse.lines("SELECT count() FROM dwd.event"), [RIGHT.len().to_string()]);
    assert_eq!(warehouse.lines("SELECT count() FROM metrics.dead__event"), [WRONG.len().to_string()]);
    assert_eq!(
        warehouse.lines("SELECT c.time, c.messages, c.dead FROM metrics.intake__event__1d AS c"),
        [format!("2026-11-01 00:00:00.000 | {} | {}", messages.len(), WRONG.len())]
    );
}

#[test]
fn ch16_no_text_makes_an_insert_fail() {
    support::engine!("clickhouse");
    let warehouse = intake();
    let deep = |open: &str, close: &str| open.repeat(3_000) + &close.repeat(3_000);
    let mut texts = vec![
        deep("[", "]"),
        deep("{\"id\":", "1}"),
        "{\"id\":\"".to_owned() + &"数".repeat(100_000) + "\"}",
        with("\"n\":-0"),
        with("\"ratio\":1e400"),
        with("\"ratio\":-1e-400"),
        with("\"amount\":1e30"),
        with("\"tags\":[9223372036854775808]"),
        with("\"seen\":\"0000-00-00 00:00:00\""),
        with("\"seen\":\"2299-12-31 23:59:59.999-14:00\""),
        with("\"props\":{\"a\":\"1\",\"a\":\"2\"}"),
        with("\"kind\":\"pay\",\"kind\":\"login\""),
    ];
    // Pieces of good messages, cut and glued at places that a small generator chooses.
    let good = with("");
    let mut seed = 17_u64;
    let mut next = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).expect("small") % below
    };
    for _ in 0..400 {
        let (from, to) = (next(good.len()), next(good.len()));
        texts.push(good[..from].to_owned() + &good[to..]);
    }
    let count = texts.len();
    land(&warehouse, &texts);
    // Bytes that are no text.
    warehouse.execute("INSERT INTO metrics.landed__event (raw) SELECT concat('{\"id\":\"', unhex('FF00FE'), '\"}')");
    warehouse.execute("INSERT INTO metrics.landed__event (raw) SELECT randomString(200) FROM numbers(200)");
    let sums = "SELECT (SELECT count() FROM dwd.event) + (SELECT count() FROM metrics.dead__event), (SELECT sum(messages) FROM metrics.intake__event__1d)";
    assert_eq!(warehouse.lines(sums), [format!("{0} | {0}", count + 201)]);
}

#[test]
fn ch16_an_intake_is_altered_in_place() {
    support::engine!("clickhouse");
    let warehouse = intake();
    land(&warehouse, &[with("")]);
    let changed = EVENTS.replace("enum(\"login\", \"pay\")", "enum(\"login\", \"pay\", \"logout\")");
    let (warehouse, _) = warehouse.rebuilt(&changed, "intake: { keep: 3d }\n");
    warehouse.apply("warehouse/apply.sql");
    land(&warehouse, &[with("\"kind\":\"logout\""), with("\"kind\":\"share\"")]);
    // Each is read once, by the newer rule.
    assert_eq!(warehouse.lines("SELECT e.kind FROM dwd.event AS e ORDER BY ALL"), ["logout", "pay"]);
    assert_eq!(warehouse.lines("SELECT count() FROM metrics.dead__event"), ["1"]);
    // What holds messages stays.
    warehouse.apply("warehouse/rollback.sql");
    assert_eq!(
        warehouse.lines("SELECT name FROM system.tables WHERE database = 'metrics' ORDER BY name"),
        ["counted__event", "dead__event", "landed__event"]
    );
}

#[test]
fn ch16_kafka_is_read_as_texts_and_tells_its_errors() {
    support::engine!("clickhouse");
    let warehouse = Warehouse::built("UTC", EVENTS, "intake: { brokers: \"kafka:9092\", group: app }\n");
    let text = warehouse.artifact("warehouse/15_intake_event.sql").to_owned();
    let statements = support::script::statements(&text);
    // A table that is read would wait for its brokers; the statement itself is one of the engine's.
    let made = statements.iter().find(|statement| statement.contains("ENGINE = Kafka")).expect("a table");
    warehouse.execute("CREATE DATABASE metrics");
    warehouse.execute(made);
    let settings =
        warehouse.lines("SELECT create_table_query FROM system.tables WHERE name = 'kafka__event'")[0].clone();
    for part in [
        "kafka_broker_list = 'kafka:9092'",
        "kafka_topic_list = 'app.events'",
        "kafka_group_name = 'app_event'",
        "kafka_handle_error_mode = 'stream'",
    ] {
        assert!(settings.contains(part), "{settings}");
    }
    // It is not read while the views behind it change.
    let place = |part: &str| statements.iter().position(|statement| statement.contains(part)).expect(part);
    let (stop, change) = (place("DROP VIEW IF EXISTS metrics.kafka__event__mv"), place("MODIFY QUERY"));
    let start = place("CREATE MATERIALIZED VIEW metrics.kafka__event__mv");
    assert!(stop < change && change < start && start == statements.len() - 1);
    warehouse.execute("DROP TABLE metrics.kafka__event");
}

/// Why: an insert whose view throws fails half-way, and what came before stays.
#[test]
fn ch16_a_view_that_throws_leaves_a_part_of_the_insert() {
    support::engine!("clickhouse");
    let session = Session::new();
    session
        .apply(
            "CREATE TABLE came (x String) ENGINE = MergeTree ORDER BY x;
             CREATE TABLE strict (x Int64) ENGINE = MergeTree ORDER BY x;
             CREATE MATERIALIZED VIEW strict_mv TO strict AS SELECT toInt64(c.x) AS x FROM came AS c;",
        )
        .expect("it is done");
    let blocks = "SETTINGS max_block_size = 1, min_insert_block_size_rows = 1, min_insert_block_size_bytes = 1, max_insert_threads = 1";
    let insert =
        format!("INSERT INTO came SELECT if(n.number = 5, 'x', toString(n.number)) FROM numbers(10) AS n {blocks}");
    assert!(session.execute(&insert).is_err());
    let count: u32 = session.query("SELECT count() FROM came").expect("rows").lines()[0].parse().expect("a number");
    assert!((1..10).contains(&count), "{count}");
}

#[cfg(feature = "dry-run")]
mod right {
    use super::*;
    use metricc::dry_run::{Data, DryRun, Options};
    use metricc::plan::OutputColumn;
    use support::answers::{self, Rows};

    #[test]
    fn ch16_what_is_read_is_what_the_dry_run_reads() {
        support::engine!("clickhouse");
        let warehouse = intake();
        let lines = [right(), wrong(), vec!["[1]".to_owned(), "{".to_owned()]].concat();
        land(&warehouse, &lines);
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("event.ndjson"), lines.join("\n")).expect("a file");
        let mut run = DryRun::new(Options { lenient: true, ..Options::new(warehouse.input.zone) }).expect("an engine");
        for table in warehouse.input.tables.iter() {
            run.register(table, &Data::Samples(folder.path())).expect("samples");
        }
        let mut wrong = Vec::new();
        for metric in &warehouse.input.metrics {
            let answer = run.run(&metric.query).expect("an answer");
            let mut right = Rows::new();
            answer.rows.into_iter().for_each(|row| answers::put(&mut right, row, answer.keys));
            let columns: Vec<OutputColumn> = metric.query.columns();
            let select = format!("SELECT * FROM metrics.{}__{}", metric.name, metric.grain());
            let found = answers::clickhouse(&warehouse.session, &select, &columns, answer.keys).expect("rows");
            if !answers::same(&right, &found) {
                wrong.push(format!("{}: {right:?} is right, {found:?} came", metric.name));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
