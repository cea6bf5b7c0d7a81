//! The intake of sources that come as messages: they land as they are, and from there go into the source's table or, where
//! they can't be read, to the dead letters (CH16).
//!
//! Nothing here belongs to a version: two builds beside each other read the same messages once. So the views are altered in
//! place, and Kafka is not read meanwhile.

use serde_json::{Value, json};
use sqlparser::ast::ObjectName;

use super::{Build, File, Object, access, check, cluster, fed, line, read_back, storage};
use crate::diagnostic::Diagnostics;
use crate::emit::name;
use crate::plan::Table;
use crate::project::{Engine, Intake, Reading};
use crate::sql::{self, CLICKHOUSE, Calendar, Dialect, Landed, Messages};
use crate::value::time::DAY_MS;

/// A source with messages, and where they come from.
struct Source<'a> {
    table: &'a Table,
    arrived: Option<&'a str>,
    topic: &'a str,
}

fn sources<'a>(build: &'a Build, wanted: &dyn Fn(usize) -> bool) -> Vec<Source<'a>> {
    let tables = build.input.tables.iter().zip(&build.input.upkeep).enumerate();
    let of = |(place, (table, upkeep)): (usize, (&'a Table, &'a crate::emit::Upkeep))| {
        let topic = upkeep.topic.as_deref().filter(|_| wanted(place))?;
        Some(Source { table, arrived: upkeep.arrived.as_deref(), topic })
    };
    tables.filter_map(of).collect()
}

/// Whether the warehouse itself reads the messages of a source: not those that a stream reads for it.
fn is_own(build: &Build, place: usize) -> bool {
    fed::stream_of(build.settings, build.input, place).is_none_or(|(_, stream)| stream.engine != Engine::Clickhouse)
}

/// The tables of a source's intake.
struct Names {
    landed: ObjectName,
    dead: ObjectName,
    counts: ObjectName,
    kafka: ObjectName,
}

fn names(build: &Build, table: &Table) -> Names {
    let of = |word: &str| build.name(&format!("{word}__{}", table.name));
    Names { landed: of("landed"), dead: of("dead"), counts: of("counted"), kafka: of("kafka") }
}

/// A file a source, for those whose messages the warehouse reads itself.
pub fn files(build: &Build, diagnostics: &mut Diagnostics) -> Vec<File> {
    let Some(settings) = &build.settings.intake else { return Vec::new() };
    of(build, (settings, "15"), &|place| is_own(build, place), diagnostics)
}

/// A file for each source that is wanted; its name begins with its turn.
pub fn of(
    build: &Build,
    (settings, turn): (&Intake, &str),
    wanted: &dyn Fn(usize) -> bool,
    diagnostics: &mut Diagnostics,
) -> Vec<File> {
    sources(build, wanted).iter().map(|source| file(build, (settings, turn), source, diagnostics)).collect()
}

fn file(build: &Build, (settings, turn): (&Intake, &str), source: &Source, diagnostics: &mut Diagnostics) -> File {
    let table = source.table;
    let names = names(build, table);
    let calendar = Calendar { zone: build.input.zone, week_start: build.input.week_start };
    let what = format!("the intake of `{}`", table.name);
    let landed = Landed { name: names.landed.clone(), arrived: source.arrived, time: None, kept: &[] };
    let dead = Landed { name: names.dead.clone(), ..landed.clone() };
    let mut select = |read: Messages| {
        let from = if read == Messages::Died { &dead } else { &landed };
        let made = sql::intake(table, from, read, &CLICKHOUSE, calendar);
        read_back(build, &what, made, diagnostics)
    };
    // Dead letters are counted before any can be there, and where they are kept: reading a message takes long.
    let selects = [Messages::Rows, Messages::Died, Messages::Dead, Messages::Came].map(&mut select);
    let view = |word: &str| build.name(&format!("landed__{}__{word}", table.name));
    let targets = [CLICKHOUSE.table(table), names.counts.clone(), names.dead.clone(), names.counts.clone()];
    let words = ["rows", "counted_dead", "dead", "counted"];
    let views: Vec<minijinja::Value> = words
        .iter()
        .zip(&targets)
        .zip(&selects)
        .map(|((word, target), select)| {
            minijinja::context! {
                name => view(word).to_string(), target => target.to_string(), select => select.as_str(),
                comment => build.comment(&format!("{} out of messages: {word}", table.name)),
            }
        })
        .collect();
    let kept = |ms: i64| u32::try_from(ms / DAY_MS).unwrap_or(u32::MAX).max(1);
    let kafka = settings.brokers.as_ref().map(|brokers| {
        minijinja::context! {
            table => names.kafka.to_string(), view => build.name(&format!("kafka__{}__mv", table.name)).to_string(),
            brokers => quoted(brokers), topic => quoted(source.topic),
            group => quoted(&format!("{}_{}", settings.group, table.name)),
            comment => build.comment(&format!("messages of {} from Kafka", table.name)), reading => reading(&settings.reading),
        }
    });
    let kafka_is_read = kafka.is_some();
    let counted = build.name(&format!("intake__{}__1d", table.name));
    let values = minijinja::context! {
        security => access::security(build, true), read => access::security(build, false),
        source => line(&table.name), landed => names.landed.to_string(), dead => names.dead.to_string(),
        counts => names.counts.to_string(), views, kafka, counted => counted.to_string(), zone => build.input.zone.name(),
        counted_comment => build.comment(&format!("how many messages of {} could not be read", table.name)),
        keep => kept(settings.keep), keep_dead => kept(settings.keep_dead),
        settings => storage::settings(build, true).join(", "), engine => cluster::engine(build, "MergeTree"),
        summing => cluster::engine(build, "AggregatingMergeTree"),
    };
    let body = build.render("clickhouse/intake.sql", values);
    check(build, &what, &body, diagnostics);
    // What holds messages stays, as sources do.
    let made = words.iter().map(|word| view(word)).chain([counted]).map(|name| Object { kind: "VIEW", name });
    let mut objects: Vec<Object> = made.collect();
    if kafka_is_read {
        objects.push(Object { kind: "TABLE", name: names.kafka });
        objects.push(Object { kind: "VIEW", name: build.name(&format!("kafka__{}__mv", table.name)) });
    }
    let what = format!("The intake of {}: messages, rows and dead letters (CH16)", table.name);
    let file = format!("{turn}_intake_{}.sql", name::file(&table.name));
    File::new(file, what, vec![table.name.clone()]).with(body, objects)
}

/// The settings of how Kafka is read, as SQL.
fn reading(of: &Reading) -> Vec<String> {
    let consumers = of.consumers.map(|count| format!("kafka_num_consumers = {count}"));
    let block = of
        .block
        .map(|rows| format!("kafka_max_block_size = {rows}, kafka_poll_max_batch_size = {}", rows.min(MOST_POLLED)));
    let flush = of.flush.map(|ms| format!("kafka_flush_interval_ms = {ms}"));
    consumers.into_iter().chain(block).chain(flush).collect()
}

/// How many messages are taken from Kafka's client at once at most.
const MOST_POLLED: u64 = 65_536;

fn quoted(text: &str) -> String {
    sql::quoted(text, &CLICKHOUSE)
}

/// For the manifest.
pub fn details(build: &Build) -> Value {
    if build.settings.intake.is_none() {
        return json!([]);
    }
    told(build, &|place| is_own(build, place))
}

/// The same of the sources that are wanted.
pub fn told(build: &Build, wanted: &dyn Fn(usize) -> bool) -> Value {
    let of = |source: Source| {
        let names = names(build, source.table);
        json!({
            "source": source.table.name, "landed": names.landed.to_string(), "dead_letters": names.dead.to_string(),
            "counted": build.name(&format!("intake__{}__1d", source.table.name)).to_string(), "topic": source.topic,
        })
    };
    sources(build, wanted).into_iter().map(of).collect()
}
