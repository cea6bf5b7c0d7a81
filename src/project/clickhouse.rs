//! The settings of a target of the kind `clickhouse`.

use std::sync::Arc;

use super::access::Access;
use super::connection::Connection;
use super::streaming::StreamingTarget;
use super::yaml::Reader;
use crate::diagnostic::Spanned;
use crate::error;
use crate::value::time::{DAY_MS, Step};

/// A ClickHouse database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClickhouseTarget {
    /// `database`: where rollups and views are made; `metrics` by default.
    pub database: String,
    /// `create_sources`: also emit the DDL of the source tables.
    pub create_sources: bool,
    /// `allow_approximate`: an exact distinct or quantile may become an approximate one, with its error stated.
    pub allow_approximate: bool,
    /// `rows_a_day`: about how many rows come into a source a day, by the source's name; samples do not tell.
    pub rows_a_day: Vec<(Spanned<String>, u64)>,
    /// `dictionaries`: entities are looked up in dictionaries.
    pub dictionaries: Option<Dictionaries>,
    /// `retain`: for how many days rollups keep their buckets, by step; for ever where it is not said.
    pub retain: Vec<(Spanned<Step>, u32)>,
    /// `storage`: where tables lie.
    pub storage: Option<Storage>,
    /// `intake`: rows are read out of messages.
    pub intake: Option<Intake>,
    /// `access`: who may read what.
    pub access: Option<Access>,
    /// `cluster`: it is a cluster of servers.
    pub cluster: Option<Cluster>,
    /// `connection`: how the server is reached.
    pub connection: Option<Connection>,
    /// The streaming targets that fill its rollups, by their names.
    pub streams: Vec<(String, Arc<StreamingTarget>)>,
}

impl Default for ClickhouseTarget {
    fn default() -> ClickhouseTarget {
        ClickhouseTarget {
            database: "metrics".to_owned(),
            create_sources: false,
            allow_approximate: false,
            rows_a_day: Vec::new(),
            dictionaries: None,
            retain: Vec::new(),
            storage: None,
            intake: None,
            access: None,
            cluster: None,
            connection: None,
            streams: Vec::new(),
        }
    }
}

impl ClickhouseTarget {
    /// Reads the settings; what is wrong is told and has its default.
    pub fn read(reader: &mut Reader<'_>) -> ClickhouseTarget {
        let default = ClickhouseTarget::default();
        ClickhouseTarget {
            database: reader.text("database").map_or(default.database, |name| name.value),
            create_sources: reader.flag("create_sources").unwrap_or(default.create_sources),
            allow_approximate: reader.flag("allow_approximate").unwrap_or(default.allow_approximate),
            rows_a_day: reader.counts("rows_a_day").unwrap_or_default(),
            dictionaries: reader.mapping("dictionaries", Dictionaries::read),
            retain: reader.mapping("retain", retained).unwrap_or_default(),
            storage: reader.mapping("storage", Storage::read).flatten(),
            intake: reader.mapping("intake", Intake::read),
            access: reader.mapping("access", Access::read).flatten(),
            cluster: reader.mapping("cluster", Cluster::read).flatten(),
            connection: reader.mapping("connection", Connection::read),
            streams: Vec::new(),
        }
    }
}

/// Dictionaries: copies of entities in memory, in which their attributes are looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dictionaries {
    /// `entities`: which entities have one; all that can, where it is not said.
    pub entities: Option<Vec<Spanned<String>>>,
    /// `lifetime`: after how many milliseconds a copy is made anew; 5 minutes by default.
    pub lifetime: i64,
    /// `on_arrival`: streams look rows up as they arrive, so that attributes are as of ingestion.
    pub on_arrival: bool,
}

impl Dictionaries {
    fn read(reader: &mut Reader<'_>) -> Dictionaries {
        Dictionaries {
            entities: reader.texts("entities"),
            lifetime: reader.duration("lifetime").map_or(300_000, |length| length.value),
            on_arrival: reader.flag("on_arrival").unwrap_or(false),
        }
    }
}

/// Where tables lie: a policy of the server, and the volume that old rows go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Storage {
    /// `policy`: the storage policy.
    pub policy: Spanned<String>,
    /// `cold`: the volume of old rows.
    pub cold: Option<String>,
    /// `after`: after how many days rows are old.
    pub after: Option<u32>,
}

impl Storage {
    fn read(reader: &mut Reader<'_>) -> Option<Storage> {
        let policy = reader.required_text("policy", "tiered");
        let (cold, after) = (reader.text("cold"), days(reader, "after"));
        if let (Some(volume), None) = (&cold, after) {
            reader
                .tell(error!(E0024, volume.span, "`storage` does not say `after`, when rows go to `{}`", volume.value;
                help: "add `after: 30d`"));
        }
        Some(Storage { policy: policy?, cold: cold.map(|volume| volume.value), after })
    }

    /// The volume of old rows, and after how many days they are old.
    pub fn cold(&self) -> Option<(&str, u32)> {
        Some((self.cold.as_deref()?, self.after?))
    }
}

fn retained(reader: &mut Reader<'_>) -> Vec<(Spanned<Step>, u32)> {
    let mut found = Vec::new();
    for (key, span) in reader.keys() {
        let kept = days(reader, key);
        match Step::parse(key) {
            Some(step) => found.extend(kept.map(|kept| (Spanned::new(step, span), kept))),
            None => reader.tell(
                error!(E0023, span, "`{key}` is no step of a rollup"; help: "write `1m`, `1h`, `1d` or `1month`"),
            ),
        }
    }
    found
}

/// A number of whole days.
fn days<'a>(reader: &mut Reader<'a>, key: &'a str) -> Option<u32> {
    let length = reader.duration(key)?;
    let days =
        u32::try_from(length.value / DAY_MS).ok().filter(|days| length.value % DAY_MS == 0 && *days <= MOST_DAYS);
    if days.is_none() {
        reader.tell(
            error!(E0023, length.span, "`{key}` is no number of whole days up to {MOST_DAYS}"; help: "write `30d`"),
        );
    }
    days
}

/// A hundred years.
const MOST_DAYS: u32 = 36_500;

/// The intake: sources whose rows come as messages (`stream: kafka(…)`) are read out of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intake {
    /// `brokers`: those of Kafka; without, something else brings the messages.
    pub brokers: Option<String>,
    /// `group`: what the names of consumer groups begin with; `metricc` by default.
    pub group: String,
    /// `keep`: for how many milliseconds messages are kept as they came; a week by default.
    pub keep: i64,
    /// `keep_dead`: the same for those that could not be read; 30 days by default.
    pub keep_dead: i64,
    /// `reading`: how Kafka is read.
    pub reading: Reading,
}

/// How Kafka is read; what is not said is for the engine to choose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// `consumers`: how many read at once; no more than the topic has partitions.
    pub consumers: Option<u64>,
    /// `block`: how many messages are inserted at once at most.
    pub block: Option<u64>,
    /// `flush`: after how many milliseconds they are inserted, however few.
    pub flush: Option<i64>,
}

impl Reading {
    fn read(reader: &mut Reader<'_>) -> Reading {
        Reading {
            consumers: reader.count("consumers").map(|count| count.value),
            block: reader.count("block").map(|count| count.value),
            flush: reader.duration("flush").map(|length| length.value),
        }
    }
}

impl Intake {
    /// Reads the settings.
    pub(super) fn read(reader: &mut Reader<'_>) -> Intake {
        let kept = |days: Option<u32>, default: i64| days.map_or(default, i64::from) * DAY_MS;
        Intake {
            brokers: reader.text("brokers").map(|text| text.value),
            group: reader.text("group").map_or_else(|| "metricc".to_owned(), |text| text.value),
            keep: kept(days(reader, "keep"), 7),
            keep_dead: kept(days(reader, "keep_dead"), 30),
            reading: reader.mapping("reading", Reading::read).unwrap_or_default(),
        }
    }
}

/// A cluster of servers: tables are replicated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// `name`: as the servers know it.
    pub name: String,
    /// `on_cluster`: a statement is given to one server, for all; else each server is given its own.
    pub on_cluster: bool,
    /// `sharded`: the rows of sources are spread over several shards.
    pub sharded: bool,
    /// `path`: where replicas of a table meet, with the macros of the servers.
    pub path: String,
    /// `replica`: the name of a replica there.
    pub replica: String,
}

impl Cluster {
    fn read(reader: &mut Reader<'_>) -> Option<Cluster> {
        let name = reader.required_text("name", "main");
        let path = reader.text("path");
        if let Some(path) = path.as_ref().filter(|path| !path.contains("{table}") && !path.contains("{uuid}")) {
            reader.tell(error!(E0023, path.span, "`path` is the same for all tables";
                help: ("let it contain `{{table}}`, as in `/clickhouse/tables/{{shard}}/{{database}}/{{table}}`")));
        }
        Some(Cluster {
            on_cluster: reader.flag("on_cluster").unwrap_or(false),
            sharded: reader.flag("sharded").unwrap_or(false),
            path: path.map_or_else(|| "/clickhouse/tables/{shard}/{database}/{table}".to_owned(), |path| path.value),
            replica: reader.text("replica").map_or_else(|| "{replica}".to_owned(), |text| text.value),
            name: name?.value,
        })
    }
}
