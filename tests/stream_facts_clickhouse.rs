//! What materialized views and tables of Kafka really do: the facts that a feed relies on (docs/clickhouse-facts.md has those
//! that a single statement shows).

mod support;

use support::apart::Apart;
use support::clickhouse::Session;
use support::kafka::{Broker, Message};

/// The server of `Apart`; alone, it has nothing to do.
#[test]
fn apart() {
    support::apart::serve();
}

fn apply(session: &Session, sql: &str) {
    session.apply(sql).unwrap_or_else(|(statement, error)| panic!("{error}\n{statement}"));
}

fn lines(session: &Session, sql: &str) -> Vec<String> {
    session.query(sql).unwrap_or_else(|error| panic!("{error}\n{sql}")).lines()
}

#[test]
fn a_view_reads_the_block_wherever_it_names_its_table() {
    support::engine!("clickhouse");
    for analyzer in [0, 1] {
        let session = Session::new();
        apply(
            &session,
            "CREATE TABLE event (k Int64) ENGINE = MergeTree ORDER BY k;
             CREATE TABLE other (k Int64) ENGINE = MergeTree ORDER BY k;
             INSERT INTO other SELECT number FROM numbers(100);
             CREATE TABLE seen (leading UInt64, scalar UInt64, joined UInt64, inner UInt64) ENGINE = MergeTree ORDER BY leading;
             CREATE MATERIALIZED VIEW seen_mv TO seen AS
               SELECT count() AS leading, (SELECT count() FROM event AS s) AS scalar, any(j.n) AS joined,
                 countIf(e.k IN (SELECT o.k FROM other AS o WHERE o.k IN (SELECT i.k FROM event AS i))) AS inner
               FROM event AS e CROSS JOIN (SELECT count() AS n FROM event AS x) AS j;",
        );
        for block in ["numbers(10)", "numbers(10, 5)"] {
            apply(
                &session,
                &format!("INSERT INTO event SELECT number FROM {block} SETTINGS enable_analyzer = {analyzer}"),
            );
        }
        assert_eq!(lines(&session, "SELECT * FROM seen ORDER BY ALL"), ["5 | 5 | 5 | 5", "10 | 10 | 10 | 10"]);
    }
}

#[test]
fn a_view_of_a_union_runs_its_first_select_alone() {
    support::engine!("clickhouse");
    let session = Session::new();
    let halves =
        "SELECT e.k AS k FROM event AS e WHERE e.k < 2 UNION ALL SELECT e.k AS k FROM event AS e WHERE e.k >= 2";
    apply(
        &session,
        &format!(
            "CREATE TABLE event (k Int64) ENGINE = MergeTree ORDER BY k;
             CREATE TABLE top (k Int64) ENGINE = MergeTree ORDER BY k;
             CREATE TABLE inner (k Int64) ENGINE = MergeTree ORDER BY k;
             CREATE MATERIALIZED VIEW top_mv TO top AS {halves};
             CREATE MATERIALIZED VIEW inner_mv TO inner AS SELECT u.k AS k FROM ({halves}) AS u;
             INSERT INTO event SELECT number FROM numbers(4);"
        ),
    );
    assert_eq!(lines(&session, "SELECT k FROM top ORDER BY k"), ["0", "1"]);
    assert_eq!(lines(&session, "SELECT k FROM inner ORDER BY k"), ["0", "1", "2", "3"]);
}

/// Views over `event` that let a key pass once, by what they find in `feed`.
const ONCE: &str = "
    CREATE TABLE event (k Int64) ENGINE = MergeTree ORDER BY k;
    CREATE TABLE feed (k Int64) ENGINE = MergeTree ORDER BY k;
    CREATE TABLE total (n SimpleAggregateFunction(sum, UInt64), before UInt64) ENGINE = AggregatingMergeTree ORDER BY before;
    CREATE MATERIALIZED VIEW feed_mv TO feed AS
      SELECT DISTINCT e.k AS k FROM event AS e
      WHERE e.k NOT IN (SELECT f.k FROM feed AS f WHERE f.k IN (SELECT b.k FROM event AS b));
    CREATE MATERIALIZED VIEW total_mv TO total AS SELECT count() AS n, (SELECT count() FROM feed AS x) AS before FROM feed AS f;";

#[test]
fn a_view_sees_what_inserts_before_left_and_nothing_of_its_own() {
    support::engine!("clickhouse");
    let session = Session::new();
    apply(&session, ONCE);
    apply(&session, "INSERT INTO event VALUES (1), (2), (3), (3); INSERT INTO event VALUES (3), (4);");
    assert_eq!(lines(&session, "SELECT count(), uniqExact(k) FROM feed"), ["4 | 4"]);
    // Blocks of one insert do not see each other: 50 rows of 25 keys all pass.
    apply(
        &session,
        "TRUNCATE TABLE event; TRUNCATE TABLE feed; TRUNCATE TABLE total;
         INSERT INTO event SELECT number % 25 FROM numbers(50) SETTINGS max_block_size = 10, max_insert_block_size = 10,
           min_insert_block_size_rows = 0, min_insert_block_size_bytes = 0, max_threads = 1, max_insert_threads = 1;",
    );
    assert_eq!(lines(&session, "SELECT count(), uniqExact(k) FROM feed"), ["50 | 25"]);
    // The same rows as one block.
    apply(
        &session,
        "TRUNCATE TABLE event; TRUNCATE TABLE feed; TRUNCATE TABLE total;
         INSERT INTO event SELECT number % 25 FROM numbers(50) SETTINGS max_block_size = 10, max_threads = 1;",
    );
    assert_eq!(lines(&session, "SELECT count(), uniqExact(k) FROM feed"), ["25 | 25"]);
}

/// What reads the topic `event`.
fn reader(broker: &Broker, consumers: u32, threads: u32) -> String {
    format!(
        "CREATE TABLE kafka (raw String) ENGINE = Kafka SETTINGS kafka_broker_list = '{}', kafka_topic_list = 'event',
           kafka_group_name = 'g', kafka_format = 'RawBLOB', kafka_handle_error_mode = 'stream', kafka_flush_interval_ms = 500,
           kafka_num_consumers = {consumers}, kafka_thread_per_consumer = {threads};
         CREATE MATERIALIZED VIEW kafka_mv TO event AS SELECT toInt64(m.raw) AS k FROM kafka AS m;",
        broker.address()
    )
}

/// Messages land, and a key passes once.
fn consumed(consumers: u32, threads: u32) -> Vec<String> {
    let broker = Broker::start();
    broker.topic("event", 2);
    let messages: Vec<Message> = (0..400_u32).map(|number| Message::of(number % 2, (number / 2).to_string())).collect();
    broker.produce("event", &messages);
    let folder = tempfile::tempdir_in(support::report::folder()).expect("a folder");
    let mut server = Apart::start(folder.path());
    server.apply(&format!("CREATE DATABASE stream; USE stream; {ONCE} {}", reader(&broker, consumers, threads)));
    server.wait("SELECT count() FROM event", &["400"]);
    server.lines("SELECT count(), uniqExact(k) FROM feed")
}

#[test]
fn one_consumer_reads_all_partitions_of_kafka_in_inserts_of_one_block() {
    support::engine!("clickhouse");
    support::engine!("kafka");
    assert_eq!(consumed(1, 0), ["200 | 200"]);
    assert_eq!(consumed(2, 0), ["400 | 200"], "one insert has a block of each consumer");
}

/// Rows are judged by the greatest time that came before their block, for which late rows count too; the views of a view run
/// after it, whatever their names and whenever they were made.
#[test]
fn a_block_is_judged_by_the_mark_before_it() {
    support::engine!("clickhouse");
    let session = Session::new();
    apply(
        &session,
        "CREATE TABLE event (t Int64) ENGINE = MergeTree ORDER BY t;
         CREATE TABLE judged (t Int64, late UInt8) ENGINE = Null;
         CREATE TABLE feed (t Int64) ENGINE = MergeTree ORDER BY t;
         CREATE TABLE mark (mark SimpleAggregateFunction(max, Int64)) ENGINE = AggregatingMergeTree ORDER BY tuple();
         CREATE MATERIALIZED VIEW a_mark_mv TO mark AS SELECT max(j.t) AS mark FROM judged AS j HAVING count() > 0;
         CREATE MATERIALIZED VIEW m_judged_mv TO judged AS
           SELECT e.t AS t, e.t < (SELECT ifNull(maxOrNull(m.mark) - 10, -9223372036854775808) FROM mark AS m) AS late FROM event AS e;
         CREATE MATERIALIZED VIEW z_feed_mv TO feed AS SELECT j.t AS t FROM judged AS j WHERE NOT j.late;
         INSERT INTO event VALUES (-5), (1), (50); INSERT INTO event VALUES (39), (40), (100); INSERT INTO event VALUES (89), (90);",
    );
    assert_eq!(lines(&session, "SELECT t FROM feed ORDER BY t"), ["-5", "1", "40", "50", "90", "100"]);
}

/// How many rows each stage has when the server is killed while the last one is written, and how many after it has read on.
fn crashed(window: u32) -> (Vec<String>, Vec<String>) {
    let broker = Broker::start();
    broker.topic("event", 1);
    let messages: Vec<Message> = (0..10_u32).map(|number| Message::new(number.to_string())).collect();
    broker.produce("event", &messages);
    let folder = tempfile::tempdir_in(support::report::folder()).expect("a folder");
    let mut server = Apart::start(folder.path());
    server.apply(&format!(
        "CREATE DATABASE stream; USE stream; {ONCE}
         ALTER TABLE event MODIFY SETTING non_replicated_deduplication_window = {window};
         CREATE TABLE last (k Int64) ENGINE = MergeTree ORDER BY k;
         CREATE MATERIALIZED VIEW last_mv TO last AS SELECT f.k AS k FROM feed AS f WHERE sleep(3) = 0;
         {}",
        reader(&broker, 1, 0)
    ));
    let rows = "SELECT (SELECT count() FROM stream.event), (SELECT count() FROM stream.feed), (SELECT count() FROM stream.last)";
    server.wait("SELECT count() FROM feed", &["10"]);
    let before = server.lines(rows);
    drop(server);
    let mut server = Apart::start(folder.path());
    server.wait("SELECT sum(num_messages_read), sum(num_commits) > 0 FROM system.kafka_consumers", &["10 | 1"]);
    (before, server.lines(rows))
}

/// Each stage is written on its own, and Kafka tells again what was not read to the end. What lands may land twice, what is let
/// pass once is let pass once; and what hangs on that and was not written yet is not written any more.
#[test]
fn a_crash_repeats_messages_and_may_leave_out_the_last_views() {
    support::engine!("clickhouse");
    support::engine!("kafka");
    assert_eq!(crashed(0), (vec!["10 | 10 | 0".to_owned()], vec!["20 | 10 | 0".to_owned()]));
}

/// The same messages as one block again.
#[test]
fn a_block_that_kafka_repeats_is_recognised() {
    support::engine!("clickhouse");
    support::engine!("kafka");
    assert_eq!(crashed(100), (vec!["10 | 10 | 0".to_owned()], vec!["10 | 10 | 0".to_owned()]));
}
