//! Streaming targets: what is told of those that do not fit, the bytes of their artefacts, and the inlets of a warehouse for the
//! results of other engines.

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
use streaming::shop::{METRICS, RULES, ZONE, declared, source};
use streaming::{Key, MINUTE, Rules, blocks, decimal};
use warehouse::Warehouse;

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
    // A bucket comes in parts.
    let part = "positiveModulo(r.at, 3) AS _w";
    let keys = format!("{time} AS _t, {part}, {} AS _d0, {} AS _d1", dimension(0), dimension(1));
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
