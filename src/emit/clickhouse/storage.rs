//! How tables keep what they hold: engine, partitions, retention, volumes and codecs (CH21).
//!
//! Whatever goes, goes by whole local days, so that a day is there or not. Compression is chosen three times and no more:
//! times lie close to each other, texts and states are long, and closed lists of words are few ([`CHOICES`]).

use serde_json::{Value as Json, json};

use super::{Build, cluster};
use crate::diagnostic::Diagnostics;
use crate::emit::template;
use crate::error;
use crate::plan::{DataType, Encoding, Query, Step, StoredColumn};
use crate::project::Storage;
use crate::rollup::{Layer, Rollup, Way};
use crate::sql::{self, CLICKHOUSE, Calendar, Dialect, Scalars};
use crate::value::time::DAY_MS;

/// From how many rows a day on a table is partitioned by day: a month would be too much to move or to read at once.
const ROWS_OF_A_DAY: f64 = 5_000_000.0;
/// The longest time that rows are kept in partitions of a day: each is a folder, and thousands of them are slow.
const MOST_DAYS: u32 = 1_000;
/// The shortest time that rows are kept in partitions of a month: a month goes as a whole, and so up to a month late.
const MONTH: u32 = 31;

/// What is chosen for columns, and why.
pub const CHOICES: &[(&str, &str)] = &[
    (
        "LowCardinality",
        "closed lists of words and dimensions of rollups: few values, stored once and compared as numbers",
    ),
    ("Delta, ZSTD(1)", "times: what is stored is the difference to the row before, which is small"),
    ("ZSTD(1)", "texts, maps, lists and states: long and like each other, so that a better compression saves reads"),
];

/// The clauses behind the columns of a table.
#[derive(Clone)]
pub struct Layout {
    /// The engine.
    pub engine: String,
    /// `PARTITION BY`
    pub partition: Option<String>,
    /// `ORDER BY`
    pub order: String,
    /// `TTL`
    pub ttl: Vec<String>,
    /// `SETTINGS`
    pub settings: Vec<String>,
}

impl Layout {
    /// As SQL, with the comment of the table.
    pub fn text(&self, comment: &str) -> String {
        let values = minijinja::context! {
            engine => self.engine.as_str(), partition => self.partition.as_deref(), order => self.order.as_str(),
            ttl => self.ttl.join(", "), settings => self.settings.join(", "), comment,
        };
        template::render("clickhouse/layout.sql", values).trim_end().to_owned()
    }

    /// The same for a table in which partitions are prepared: nothing goes away there before it is in its place (CH14).
    pub fn of_staging(&self) -> Layout {
        Layout { ttl: Vec::new(), ..self.clone() }
    }

    /// What brings a table that was there before to these clauses, as far as they can change.
    pub fn changes(&self, build: &Build, table: &str) -> String {
        let policy = build.settings.storage.as_ref().map(|storage| quoted(&storage.policy.value));
        let values = minijinja::context! { table, policy, ttl => self.ttl.join(", ") };
        build.render("clickhouse/changes.sql", values).trim_end().to_owned()
    }
}

fn quoted(text: &str) -> String {
    sql::quoted(text, &CLICKHOUSE)
}

/// The settings that all tables share.
pub fn settings(build: &Build, is_deduplicated: bool) -> Vec<String> {
    let storage = build.settings.storage.as_ref();
    let mut settings = vec!["allow_nullable_key = 1".to_owned()];
    if is_deduplicated {
        // A retried insert is recognised by its block and counts once (CH1).
        settings.push(cluster::window(build).to_owned());
    }
    settings.extend(storage.map(|storage| format!("storage_policy = {}", quoted(&storage.policy.value))));
    settings
}

/// What is published from another table is looked through for its times, and not written again.
fn recalculated(ttl: &[String]) -> Option<String> {
    (!ttl.is_empty()).then(|| "materialize_ttl_recalculate_only = 1".to_owned())
}

/// What becomes of the rows of a local day (an expression of the type Date32): moved, then removed.
fn ttl(build: &Build, day: &str, kept: Option<u32>) -> Vec<String> {
    let zone = build.input.zone.name();
    let after = |days: u32| format!("toDateTime64({day} + toIntervalDay({days}), 3, '{zone}')");
    let mut all = Vec::new();
    if let Some((volume, days)) = build.settings.storage.as_ref().and_then(Storage::cold)
        && kept.is_none_or(|kept| days < kept)
    {
        all.push(format!("{} TO VOLUME {}", after(days.saturating_add(1)), quoted(volume)));
    }
    all.extend(kept.map(|kept| format!("{} DELETE", after(kept.saturating_add(1)))));
    all
}

/// Whether parts of a rollup are moved or removed some time.
pub fn expires(build: &Build, of: &Rollup, kept: Option<u32>) -> bool {
    !matches!(of.way, Way::Rebuilt(_)) && !ttl(build, "_t", kept).is_empty()
}

/// A table of a source.
pub struct SourceLayout {
    /// The clauses.
    pub layout: Layout,
    /// Why its partitions are what they are, and how long it keeps rows.
    pub about: Vec<String>,
}

/// The clauses of a table of a source; `time` is its column, `order` the columns of its key.
pub fn source(build: &Build, place: usize, time: Option<&StoredColumn>, order: String) -> SourceLayout {
    let zone = build.input.zone.name();
    let time = time.map(|column| {
        let name = CLICKHOUSE.identifier(&column.name).to_string();
        let instant = match column.encoding {
            Encoding::Native => name,
            Encoding::Milliseconds => format!("fromUnixTimestamp64Milli({name}, '{zone}')"),
        };
        (instant, column.nullable)
    });
    let kept = build.input.upkeep[place].retain.map(days);
    let volume = build.statistics.rows_a_day(place);
    let by_day = kept.is_some_and(|kept| kept <= MONTH)
        || volume.is_some_and(|rows| rows >= ROWS_OF_A_DAY) && kept.is_some_and(|kept| kept <= MOST_DAYS);
    let mut about = Vec::new();
    if time.is_some() {
        about.extend(
            kept.map(|kept| format!("Rows are kept for {kept} days; then their local day goes as a whole (CH21).")),
        );
        let rows = volume.map_or_else(|| "not known".to_owned(), |rows| format!("about {rows:.0}"));
        let unit = if by_day { "day" } else { "month" };
        about.push(format!("Partitions of a {unit}: rows a day are {rows} (CH21)."));
    }
    let mut settings = settings(build, true);
    if by_day && kept.is_some() {
        settings.push("ttl_only_drop_parts = 1".to_owned());
    }
    let partition = time.as_ref().map(|(instant, _)| match by_day {
        true => format!("toDate32({instant})"),
        false => format!("toYYYYMM({instant})"),
    });
    // What has no time stays.
    let day = time.map(|(instant, nullable)| match nullable {
        true => format!("toDate32(ifNull({instant}, toDateTime64('2299-01-01 00:00:00', 3, '{zone}')))"),
        false => format!("toDate32({instant})"),
    });
    let ttl = day.map(|day| ttl(build, &day, kept)).unwrap_or_default();
    SourceLayout {
        layout: Layout { engine: cluster::engine(build, "MergeTree"), partition, order, ttl, settings },
        about,
    }
}

/// The clauses of a rollup at a step; `has_history` says whether a backfill has partitions of its own in it.
pub fn rollup(build: &Build, of: &Rollup, step: Step, key: &str, has_history: bool, kept: Option<u32>) -> Layout {
    let day = day_of(build, step);
    let order = format!("({key})");
    match of.way {
        // A refresh replaces the whole table; in a cluster each replica does that with its own.
        Way::Rebuilt(_) => {
            let settings = settings(build, false);
            Layout { engine: "MergeTree".to_owned(), partition: None, order, ttl: Vec::new(), settings }
        }
        Way::Batched(_) => {
            let mut settings = settings(build, false);
            if kept.is_some() {
                settings.push("ttl_only_drop_parts = 1".to_owned());
            }
            let ttl = ttl(build, &day, kept);
            settings.extend(recalculated(&ttl));
            Layout { engine: cluster::engine(build, "MergeTree"), partition: Some(day), order, ttl, settings }
        }
        Way::Added | Way::Fed => {
            let partition = if has_history { "(toYYYYMM(_t), _h)" } else { "toYYYYMM(_t)" };
            let ttl = ttl(build, &day, kept);
            let settings = settings(build, true).into_iter().chain(recalculated(&ttl)).collect();
            Layout {
                engine: cluster::engine(build, "AggregatingMergeTree"),
                partition: Some(partition.to_owned()),
                order,
                ttl,
                settings,
            }
        }
    }
}

/// The local day in which a bucket starts.
fn day_of(build: &Build, step: Step) -> String {
    let calendar = Calendar { zone: build.input.zone, week_start: build.input.week_start };
    let bucket = sqlparser::ast::Expr::Identifier("_t".into());
    match step {
        Step::Subday(_) => CLICKHOUSE.bucket_key(bucket, Step::Day, calendar).to_string(),
        _ => bucket.to_string(),
    }
}

/// For how many days the buckets of a rollup at a step are kept; none for ever.
///
/// What the target says holds. Else buckets of less than a day go with the rows that they were made of, unless longer ones are
/// put together out of them.
pub fn kept(build: &Build, place: usize, step: Step) -> Option<u32> {
    let rollup = build.rollups.rollups.get(place)?;
    if matches!(rollup.way, Way::Rebuilt(_)) {
        return None;
    }
    let told = build.settings.retain.iter().find(|(of, _)| of.value == step);
    if let Some((_, kept)) = told {
        return Some(*kept);
    }
    let source = build.input.upkeep[rollup.table].retain.map(days);
    let is_short = matches!(step, Step::Subday(_));
    source.filter(|_| is_short && longer(build, place, step).is_none())
}

/// A metric whose buckets of more than a day are put together out of those of a rollup at a step.
fn longer<'b>(build: &'b Build, place: usize, step: Step) -> Option<&'b str> {
    let reads = |layer: &Layer| match layer {
        Layer::Rolled(uses) => {
            let at_step = |of: usize| build.rollups.rollups[place].steps.get(of) == Some(&step);
            uses.iter().any(|of| of.rollup == place && at_step(of.step))
        }
        Layer::Live => false,
    };
    let of_metrics = build.input.metrics.iter().zip(&build.rollups.served);
    of_metrics
        .filter(|(metric, served)| {
            let is_longer = metric.step.is_none_or(|output| output > Step::Day && output != step);
            (is_longer || reads_beyond(&metric.query)) && served.layers.iter().any(reads)
        })
        .map(|(metric, _)| metric.name.as_str())
        .next()
}

/// Whether a bucket of an answer has rows of other buckets in it.
fn reads_beyond(query: &Query) -> bool {
    query.scans.iter().any(|scan| !scan.is_plain() || scan.looked_up || scan.table().is_none())
}

/// Tells buckets that would be put together out of some that are gone.
pub fn check(build: &Build, diagnostics: &mut Diagnostics) {
    for (step, kept) in &build.settings.retain {
        let mut places = 0..build.rollups.rollups.len();
        let found = places.find_map(|place| longer(build, place, step.value));
        if let Some(metric) = found {
            diagnostics.push(error!(E0816, step.span, "buckets of {} are kept for {kept} days, but `{metric}` puts longer ones together out of them", step.value.text();
                help: ("serve `{metric}` from a stream or batch that has buckets of a day, or keep those of {} for ever", step.value.text())));
        }
    }
}

/// Whole days of a length of time, rounded up.
fn days(ms: i64) -> u32 {
    u32::try_from(ms.max(0).saturating_add(DAY_MS - 1).div_euclid(DAY_MS)).unwrap_or(u32::MAX)
}

/// The codec of a column of a source.
pub fn codec(column: &StoredColumn) -> Option<&'static str> {
    match &column.ty {
        DataType::Timestamp => Some("Delta(8), ZSTD(1)"),
        DataType::Date => Some("Delta(4), ZSTD(1)"),
        DataType::String if column.domain.is_empty() => Some("ZSTD(1)"),
        DataType::Array(_) | DataType::Map(_) => Some("ZSTD(1)"),
        _ => None,
    }
}

/// The codec of a column of a rollup, by its name and type.
pub fn codec_of_state(name: &str, ty: &str) -> Option<&'static str> {
    match name {
        "_t" if ty == "Date32" => Some("Delta(4), ZSTD(1)"),
        "_t" => Some("Delta(8), ZSTD(1)"),
        _ if ty.starts_with("AggregateFunction(") => Some("ZSTD(1)"),
        _ => None,
    }
}

/// For the manifest: what is chosen for columns and why.
pub fn details() -> Json {
    CHOICES.iter().map(|(choice, why)| json!({ "choice": choice, "why": why })).collect()
}
