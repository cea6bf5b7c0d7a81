//! The feed of a source: its rows as they arrive, without late ones and repetitions (ST1), and what is counted of those.

use serde_json::{Value, json};
use sqlparser::ast::{ObjectName, Query};

use super::super::rollups::Made;
use super::super::{Build, File, Object, access, check, cluster, fed, line, read_back, storage, with_select};
use crate::diagnostic::Diagnostics;
use crate::emit::name;
use crate::emit::streaming::duration;
use crate::project::{SameBy, StreamingTarget};
use crate::rollup::Mergeability;
use crate::sql::clickhouse::feed::{Feed, Names, Own};
use crate::sql::{CLICKHOUSE, Calendar, Dialect};
use crate::value::time::DAY_MS;

fn feed<'b>(build: &'b Build, stream: &StreamingTarget, place: usize) -> Feed<'b> {
    let (table, upkeep) = (&build.input.tables[place], &build.input.upkeep[place]);
    let feed = fed::feed(build, place);
    // All tables of a feed end with its hash.
    let hash = plain(&feed).rsplit("__").next().unwrap_or_default().to_owned();
    let of = |word: &str| build.versioned(&format!("{word}__{}", table.name), &hash);
    let names = Names {
        source: CLICKHOUSE.table(table),
        rows: of("rows"),
        arrived: of("arrived"),
        judged: of("judged"),
        mark: of("mark"),
        feed,
    };
    let within = if stream.by == SameBy::KeyAndTime { 1 } else { stream.within };
    let calendar = Calendar { zone: build.input.zone, week_start: build.input.week_start };
    Feed { table, names, within, lateness: upkeep.lateness, arrived: upkeep.arrived.as_deref(), calendar }
}

/// For how many days what counts is kept: as long as a repetition may come, and a day for each end.
fn kept_days(feed: &Feed) -> i64 {
    let near = feed.lateness.unwrap_or(0).saturating_add(feed.within.saturating_mul(2));
    (near / DAY_MS + 2).min(LONGEST)
}

/// Ten years: what is longer than times are is as good as for ever.
const LONGEST: i64 = 3_650;

/// The file of a source's feed: all but the view that the rows come in by.
pub fn file(build: &Build, stream: &StreamingTarget, place: usize, diagnostics: &mut Diagnostics) -> File {
    let feed = feed(build, stream, place);
    let (names, counted, table) = (&feed.names, counted(build, &feed), feed.table);
    // What reads goes before what brings rows to it.
    let steps = [
        (&counted, feed.counted()),
        (&names.mark, feed.mark()),
        (&names.feed, feed.feed()),
        (&names.judged, feed.judged()),
        (&names.arrived, feed.arrived()),
    ];
    let [shown, state] = shown(build, &feed);
    let text = build.render("streaming/clickhouse/feed.sql", values(build, stream, &feed));
    check(build, &format!("the feed of `{}`", table.name), &text, diagnostics);
    let tables = [&names.rows, &names.arrived, &names.judged, &names.feed, &names.mark, &counted];
    let mut objects: Vec<Object> = tables.iter().map(|name| Object { kind: "TABLE", name: (*name).clone() }).collect();
    objects.extend([shown, state].map(|name| Object { kind: "VIEW", name }));
    let what = format!("Rows of {} without late ones and repetitions (ST1)", table.name);
    let mut file = File::new(format!("10_feed_{}.sql", name::file(&table.name)), what, vec![table.name.clone()]);
    file.add(text, objects);
    for (into, select) in steps {
        view(build, &feed, into, select, &mut file, diagnostics);
    }
    file
}

/// Adds the view by which rows come in: the last one, so that none is missed.
pub fn entry(build: &Build, stream: &StreamingTarget, place: usize, file: &mut File, diagnostics: &mut Diagnostics) {
    let feed = feed(build, stream, place);
    view(build, &feed, &feed.names.rows, feed.rows(), file, diagnostics);
}

/// Adds the view that fills a table.
fn view(build: &Build, feed: &Feed, into: &ObjectName, select: Query, file: &mut File, diagnostics: &mut Diagnostics) {
    let name = build.name(&format!("{}__mv", plain(into)));
    let what = format!("the feed of `{}`", feed.table.name);
    let select = read_back(build, &what, Ok(select), diagnostics);
    let values = minijinja::context! {
        about => Vec::<String>::new(), view => name.to_string(), table => into.to_string(), security => access::security(build, true),
        comment => build.comment(&format!("rows of {} on their way", feed.table.name)),
    };
    let text = with_select(build, &what, "streaming/clickhouse/window.sql", values, &select, diagnostics);
    file.add(text, vec![Object { kind: "VIEW", name }]);
}

fn values(build: &Build, stream: &StreamingTarget, feed: &Feed) -> minijinja::Value {
    let (names, table, [shown, state]) = (&feed.names, feed.table, shown(build, feed));
    let columns: Vec<minijinja::Value> =
        feed.types().into_iter().map(|(name, ty)| minijinja::context! { name, type => ty }).collect();
    let of = |name: &ObjectName, own: &[Own]| {
        let own = own.iter().map(|one| minijinja::context! { name => feed.own(*one).to_string(), type => one.ty() });
        minijinja::context! { name => name.to_string(), own => own.collect::<Vec<_>>() }
    };
    let comment = |of: &str| build.comment(&format!("{of} the stream of {}", table.name));
    minijinja::context! {
        columns, within => duration(feed.within), lateness => feed.lateness.map(duration), keyed => !table.clean.key.is_empty(),
        key => line(&table.clean.key.join(", ")), by_time => stream.by == SameBy::KeyAndTime,
        rows => of(&names.rows, &[Own::Hash, Own::At]), arrived => of(&names.arrived, &[Own::Hash, Own::At, Own::Again]),
        judged => of(&names.judged, &[Own::Hash, Own::At, Own::Verdict]), feed => of(&names.feed, &[Own::Hash, Own::At, Own::Slot]),
        came => feed.own(Own::Came).to_string(), order => format!("{}, {}", feed.own(Own::Slot), feed.own(Own::Hash)),
        days => kept_days(feed), mark => names.mark.to_string(), counted => counted(build, feed).to_string(),
        shown => shown.to_string(), state => state.to_string(), passing_comment => comment("rows on their way through"),
        feed_comment => comment("rows that count in"), mark_comment => comment("the greatest time in"),
        counted_comment => comment("how many rows were dropped by"), state_comment => comment("how far behind is"),
        engine => cluster::engine(build, "MergeTree"), merging => cluster::engine(build, "AggregatingMergeTree"),
        settings => storage::settings(build, true).join(", "), read => access::security(build, false),
        zone => build.input.zone.name(),
    }
}

fn plain(name: &ObjectName) -> String {
    Object { kind: "TABLE", name: name.clone() }.plain_name()
}

/// The table of how many rows were dropped.
fn counted(build: &Build, feed: &Feed) -> ObjectName {
    let hash = plain(&feed.names.feed).rsplit("__").next().unwrap_or_default().to_owned();
    build.versioned(&format!("streamed__{}", feed.table.name), &hash)
}

/// What readers see of it: by day, and now.
fn shown(build: &Build, feed: &Feed) -> [ObjectName; 2] {
    ["1d", "now"].map(|step| build.name(&format!("stream__{}__{step}", feed.table.name)))
}

/// What the manifest tells of the stream of a source.
pub fn told(build: &Build, stream: &StreamingTarget, place: usize) -> Value {
    let (table, upkeep) = (&build.input.tables[place], &build.input.upkeep[place]);
    let by = match stream.by {
        SameBy::Key => format!("the key, less than {} of event time apart", duration(stream.within)),
        SameBy::KeyAndTime => "the key and the event time".to_owned(),
    };
    let by = if table.clean.key.is_empty() { "nothing: the source has no key".to_owned() } else { by };
    json!({
        "source": table.name, "topic": upkeep.topic, "lateness": upkeep.lateness.map(duration), "repetitions_by": by,
        "state": state(build, stream, place),
    })
}

/// The same of a feed in ClickHouse, with its tables.
pub fn details<'m>(
    build: &Build,
    stream: &StreamingTarget,
    place: usize,
    fed: impl Iterator<Item = (usize, &'m Made)>,
) -> Value {
    let feed = feed(build, stream, place);
    let [shown, now] = shown(build, &feed);
    let mut told = told(build, stream, place);
    let windows: Vec<Value> = fed
        .filter_map(|(_, made)| {
            let finest = made.steps.first()?;
            Some(json!({ "rollup": finest.table.to_string(), "view": finest.filler.to_string() }))
        })
        .collect();
    told["feed"] = json!(feed.names.feed.to_string());
    told["dropped"] = json!(shown.to_string());
    told["behind"] = json!(now.to_string());
    told["windows"] = json!(windows);
    told
}

/// About how much is held at a time: the keys among which repetitions are looked for, and the groups of open windows. Without the
/// rows of a day nobody knows.
fn state(build: &Build, stream: &StreamingTarget, place: usize) -> Value {
    let Some(rows) = build.statistics.rows_a_day(place) else {
        return json!({ "unknown": "say how many rows come a day: `rows_a_day` of the warehouse" });
    };
    let lateness = build.input.upkeep[place].lateness.unwrap_or(0);
    let table = &build.input.tables[place];
    #[allow(clippy::cast_precision_loss)]
    let share = |ms: i64| rows * ms as f64 / DAY_MS as f64;
    let keys = if table.clean.key.is_empty() { 0.0 } else { share(lateness.saturating_add(stream.within)) };
    let windows =
        build.rollups.rollups.iter().filter(|rollup| rollup.table == place && rollup.way == crate::rollup::Way::Fed);
    let groups: f64 = windows
        .filter_map(|rollup| {
            let step = *rollup.steps.first()?;
            let a_day = build.statistics.estimate(rollup, step, &build.input.tables)?.rows_a_day;
            let largest = Mergeability::of_states(&rollup.states);
            #[allow(clippy::cast_precision_loss)]
            let open = a_day * lateness.saturating_add(60_000) as f64 / DAY_MS as f64;
            // What keeps values has at most one for each row.
            Some(if largest >= Mergeability::Distinct {
                open.max(share(lateness.saturating_add(60_000)))
            } else {
                open
            })
        })
        .sum();
    json!({
        "keys": keys.ceil(), "groups_of_open_windows": groups.ceil(),
        // A key takes its hash, its time and about as much again for the table that finds it.
        "bytes": (keys * 64.0 + groups * 64.0).ceil(),
    })
}
