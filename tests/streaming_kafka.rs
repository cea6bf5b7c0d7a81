//! Streams that ClickHouse counts out of messages of a real broker: what it counts is what the words of docs/language.md say of the
//! blocks in which they came, through messages that can't be read, members that are added, and restarts.

mod streaming;
mod support;
mod warehouse;

use std::time::Duration;

use streaming::shop::{CELLS, PLAIN, RULES, USERS, ZONE, declared, views, wrong};
use streaming::{Event, MINUTE, START, Stream, blocks};
use support::apart::Apart;
use support::clickhouse::quote_text;
use support::kafka::{Broker, Message};
use warehouse::Compiled;

/// The server of `Apart`; alone, it has nothing to do.
#[test]
fn apart() {
    support::apart::serve();
}

const TOPIC: &str = "app.events";
const PARTITIONS: u32 = 3;

/// Messages that are no rows.
const POISON: &[&str] = &[
    "nonsense",
    "[]",
    "{\"id\":",
    "{\"id\":7,\"got\":1,\"ok\":true}",
    "{\"id\":\"e1\",\"at\":1.5,\"got\":1,\"ok\":true}",
    "",
];

/// A consumer and what was sent to it.
struct Consumer {
    broker: Broker,
    folder: tempfile::TempDir,
    server: Option<Apart>,
    project: Compiled,
    sent: Vec<Event>,
    poison: usize,
    turn: u32,
}

impl Consumer {
    fn start() -> Consumer {
        let broker = Broker::start();
        broker.topic(TOPIC, PARTITIONS);
        let settings = format!("brokers: \"{}\"\n", broker.address());
        let project = warehouse::compiled(ZONE, &declared(RULES), "", Some(&settings));
        let folder = tempfile::tempdir_in(support::report::folder()).expect("a folder");
        let server = Some(Apart::start(folder.path()));
        let mut consumer = Consumer { broker, folder, server, project, sent: Vec::new(), poison: 0, turn: 0 };
        consumer.apply("warehouse/apply.sql");
        for user in USERS.lines() {
            let (id, province) = user.split_once('|').expect("two cells");
            let province = province.trim();
            let province = if province.is_empty() { "NULL".to_owned() } else { quote_text(province) };
            consumer.server().apply(&format!("INSERT INTO dim.user VALUES ({}, {province})", quote_text(id.trim())));
        }
        consumer.apply("stream/apply.sql");
        consumer
    }

    fn server(&mut self) -> &mut Apart {
        self.server.as_mut().expect("a server")
    }

    fn apply(&mut self, path: &str) {
        let all = &self.project.emitted.artifacts;
        let text = all.iter().find(|one| one.path == path).expect("an artefact").text.clone();
        self.server().apply(&text);
    }

    /// Sends rows, by turns into each partition, and some messages that are none.
    fn send(&mut self, rows: &[Event], text: &dyn Fn(&Event) -> String) {
        let mut messages = Vec::new();
        for (at, row) in rows.iter().enumerate() {
            self.turn = (self.turn + 1) % PARTITIONS;
            messages.push(Message::of(self.turn, text(row)));
            if at % 9 == 4 {
                messages.push(Message::of(self.turn, POISON[at % POISON.len()]));
                self.poison += 1;
            }
        }
        self.broker.produce(TOPIC, &messages);
        self.sent.extend_from_slice(rows);
    }

    /// Waits until all that was sent has landed.
    fn wait(&mut self) {
        let expected = (self.sent.len() + self.poison).to_string();
        self.server().wait("SELECT count() FROM metrics.landed__event", &[&expected]);
        self.server().wait("SELECT sum(messages) FROM metrics.intake__event__1d", &[&expected]);
    }

    /// The rows in the blocks in which they came.
    fn blocks(&mut self) -> Vec<Vec<Event>> {
        let select = "SELECT groupArray(l.raw) AS raw, l.came AS came FROM metrics.landed__event AS l GROUP BY l.came ORDER BY l.came";
        let rows = self.server().lines(&format!("SELECT b.came, length(b.raw) FROM ({select}) AS b"));
        let sizes: Vec<usize> =
            rows.iter().map(|row| row.rsplit(" | ").next().expect("a size").parse().expect("a number")).collect();
        let table = self
            .server()
            .query(&format!("SELECT arrayJoin(b.raw) AS raw FROM ({select}) AS b ORDER BY b.came"))
            .expect("rows");
        let mut raw = table.rows.into_iter().map(|mut row| row.swap_remove(0).expect("a text"));
        let row = |raw: String| Event::read(&raw).filter(|_| !POISON.contains(&raw.as_str()));
        sizes.into_iter().map(|size| raw.by_ref().take(size).filter_map(row).collect()).collect()
    }

    /// Asserts that what is counted is what is right for the blocks that came.
    fn agrees(&mut self, what: &str) -> Stream {
        self.wait();
        let blocks = self.blocks();
        let mut came: Vec<Event> = blocks.concat();
        came.sort();
        let mut sent = self.sent.clone();
        sent.sort();
        assert!(came == sent, "{what}: {} rows came of {}", came.len(), sent.len());
        let right = Stream::of(RULES, &blocks);
        let feed = self.project.stream["sources"][0]["feed"].as_str().expect("a name").to_owned();
        let expected = format!("{} | {} | {}", right.came, right.repeated, right.late);
        self.server().wait("SELECT sum(rows), sum(repeated), sum(late) FROM metrics.stream__event__1d", &[&expected]);
        let mut found = self.server().query(&format!("SELECT {CELLS} FROM {feed} AS f")).expect("rows").rows;
        if let Some(wrong) = wrong(&mut found, &right.counted) {
            panic!("{what}: {wrong}");
        }
        let poison = self.poison.to_string();
        assert_eq!(self.server().lines("SELECT sum(dead) FROM metrics.intake__event__1d"), [poison.as_str()], "{what}");
        assert_eq!(self.server().lines("SELECT count() FROM metrics.dead__event"), [poison.as_str()], "{what}");
        self.views_agree(&right.counted);
        right
    }

    fn views_agree(&mut self, right: &[Event]) {
        let server = self.server();
        server.apply(&format!(
            "CREATE DATABASE plain; CREATE TABLE plain.event ({PLAIN}) ENGINE = MergeTree ORDER BY got"
        ));
        let cell = |cell: Option<String>| cell.map_or_else(|| "NULL".to_owned(), |text| quote_text(&text));
        let row = |row: &Event| format!("({})", row.cells().into_iter().map(cell).collect::<Vec<_>>().join(", "));
        let rows: Vec<String> = right.iter().map(row).collect();
        server.apply(&format!("INSERT INTO plain.event VALUES {}", rows.join(", ")));
        for (view, plain) in views(RULES.key) {
            // The views of an insert are written one after the other.
            let expected = server.lines(&plain);
            server.wait(&view, &expected.iter().map(String::as_str).collect::<Vec<_>>());
        }
        server.apply("DROP DATABASE plain");
    }
}

#[test]
fn st1_messages_of_a_broker_count_once_through_restarts() {
    support::engine!("clickhouse");
    support::engine!("kafka");
    let mut consumer = Consumer::start();
    let all = blocks(71, 48, RULES.within);
    let message = |row: &Event| row.message();
    let part = |from: usize| all[from * 8..(from + 1) * 8].concat();

    consumer.send(&part(0), &message);
    consumer.agrees("as they come");

    // Producers add members that nobody has declared.
    let added = |row: &Event| row.message().replacen('{', "{\"version\":{\"app\":[7,null]},\"\u{e9}\":\"\\u00e9\",", 1);
    consumer.send(&part(1), &added);
    consumer.agrees("with members that are added");

    // The artefacts are applied again while messages come.
    consumer.send(&part(2), &message);
    consumer.apply("stream/apply.sql");
    consumer.send(&part(3), &message);
    consumer.agrees("applied again");

    // The process is killed while nothing is on its way: what was read is known, and what comes meanwhile waits.
    std::thread::sleep(Duration::from_millis(1_500));
    consumer.server = None;
    consumer.send(&part(4), &message);
    consumer.server = Some(Apart::start(consumer.folder.path()));
    let right = consumer.agrees("after a restart");

    // Rows that were counted before, sent again; a key with a time of its own; one that is late.
    let newest =
        right.counted.iter().filter(|row| row.at <= Some(row.got)).max_by_key(|row| row.at).expect("a row").clone();
    let at = newest.at.expect("a time");
    let last = [
        newest.clone(),
        Event { at: Some(at + RULES.within - 1), got: newest.got + MINUTE, ..newest.clone() },
        Event { at: Some(at + RULES.within), got: at + RULES.within, ..newest.clone() },
        Event::new("late", START - 24 * 60 * MINUTE, 1),
    ];
    let before = (right.repeated, right.late, right.counted.len());
    for row in &last {
        consumer.send(std::slice::from_ref(row), &message);
        consumer.wait();
    }
    let right = consumer.agrees("in the end");
    assert_eq!((right.repeated, right.late, right.counted.len()), (before.0 + 2, before.1 + 1, before.2 + 1));
    assert!(right.repeated > 20 && right.late > 20 && consumer.poison > 20);
}
