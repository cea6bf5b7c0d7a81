//! Streams in Spark: what a project becomes, what is refused with its rule, and the pipeline on a real Spark, whose results a real
//! ClickHouse reads: its views say what plain SQL says of the rows that count.

mod spark;
mod support;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use metricc::compile::compile;
use metricc::diagnostic::Diagnostics;
use metricc::emit::{self, Emitted, Input};
use metricc::plan::Function;
use metricc::project::{MemoryFiles, load};
use metricc::sql::{self, SPARK};
use spark::done;
use support::batches::Batches;
use support::calls;
use support::clickhouse::{Session, quote_text};
use support::messages;
use support::spark::Spark;

const SOURCES: &str = r#"
entity user {
  table: "dim.user"
  key: id
  column id: string
  column tier: string?
}
source event {
  table: "dwd.event"
  stream: kafka(topic: "app.events", format: "json")
  sample: "event.ndjson"
  key: id
  time: at
  lateness: 5m
  column id: string
  column at: timestamp(ms)
  column platform: enum("web", "ios")
  column user_id: user?
  column amount: decimal(18,2)?
  column took: duration(ms)?
  column ok: bool?
  column day: date?
  column seen: timestamp?
  column ratio: float?
  column props: map(string, string)
  column tags: array(int)
}
source beat {
  table: "dwd.beat"
  stream: kafka(topic: "app.beats", format: "json")
  sample: "beat.ndjson"
  time: at
  lateness: 0s
  column at: timestamp(ms)
  column n: int
}
dimension platform = event.platform
"#;

const METRICS: &str = r#"
metric events = count(event) { by: platform; grain: 1m, 1h, 1d; serve: stream(1m) }
metric gmv    = sum(amount from event) { by: platform; grain: 1h, 1d; serve: stream(1h) }
metric users  = distinct(user_id from event where ok) { by: platform; grain: 1h, 1d; serve: stream(1h) }
metric slow   = p95(took from event where props["kind"] = "api") { grain: 1d; serve: stream(1d) }
metric gold   = count(event where user_id.tier = "gold") { grain: 1h; serve: stream(1m) }
metric tagged = count(event where contains(tags, 2)) { grain: 1h; serve: stream(1h) }
metric last   = max(seen from event) { grain: 1d; serve: stream(1h) }
metric beats  = sum(n from beat) { grain: 1h; serve: stream(1m) }
"#;

const ZONE: &str = "Asia/Shanghai";
const STREAM: &str = "kind: streaming\ndialect: spark\nbrokers: \"kafka:9092\"\ndeduplicate_by: key_and_time\n";

/// What a project becomes.
struct Built {
    #[cfg_attr(not(feature = "dry-run"), expect(dead_code, reason = "the dry run reads it"))]
    input: Input,
    warehouse: Emitted,
    stream: Emitted,
    told: Diagnostics,
}

fn built(zone: &str, declarations: &str, stream: &str) -> Built {
    let files = MemoryFiles::new()
        .with("metricc.yaml", format!("name: shop\ntimezone: {zone}\nunits: [CNY]\npaths: [metrics]\n"))
        .with("targets/warehouse.yaml", "kind: clickhouse\ncreate_sources: true\n")
        .with("targets/stream.yaml", stream)
        .with("metrics/shop.metric", declarations);
    let (project, told) = load(&files);
    let project = project.unwrap_or_else(|| panic!("{}", text(&told)));
    let (compiled, found) = compile(&project);
    assert!(!told.has_errors() && !found.has_errors(), "{}; {}", text(&told), text(&found));
    let (input, found) = emit::with_changes(&project, &compiled);
    assert!(!found.has_errors(), "{}", text(&found));
    let emitted = |name: &str| {
        emit::emit(&input, project.targets.iter().find(|target| target.name.value == name).expect("a target"))
    };
    let ((warehouse, _), (stream, told)) = (emitted("warehouse"), emitted("stream"));
    Built { input, warehouse, stream, told }
}

fn text(found: &Diagnostics) -> String {
    let line = |one: &metricc::diagnostic::Diagnostic| {
        format!("{}: {} / {}", one.code, one.message, one.help.as_deref().unwrap_or_default())
    };
    found.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn shop() -> Built {
    let built = built(ZONE, &format!("{SOURCES}{METRICS}"), STREAM);
    assert!(!built.told.has_errors(), "{}", text(&built.told));
    built
}

fn artifact<'a>(emitted: &'a Emitted, path: &str) -> &'a str {
    let found = emitted.artifacts.iter().find(|artifact| artifact.path == path);
    &found.unwrap_or_else(|| panic!("no {path}")).text
}

#[test]
fn the_artefacts_are_shown() {
    let stream = shop().stream;
    let own = stream.artifacts.iter().filter(|artifact| !artifact.path.contains("/warehouse/1"));
    let own = own.filter(|artifact| !artifact.path.ends_with("/apply.sql") && !artifact.path.contains("/r"));
    insta::with_settings!({ snapshot_path => "../snapshots/streaming", prepend_module_to_snapshot => false, omit_expression => true }, {
        for artifact in own {
            let name = artifact.path.trim_start_matches("stream/").replace('/', ".");
            insta::assert_snapshot!(format!("spark.{name}"), artifact.text);
        }
    });
    assert_eq!(stream, shop().stream, "equal input gives equal bytes");
}

#[test]
fn every_function_is_printed_or_refused_with_a_reason() {
    let mut shown = String::new();
    let (mut printed, mut refused) = (BTreeSet::new(), BTreeSet::new());
    for case in calls::all() {
        let said = calls::said(&case, &SPARK, chrono_tz::Asia::Shanghai);
        if let Ok(made) = &said {
            let query = format!("SELECT {made} AS v FROM rows AS b");
            sql::reparse(&query, &SPARK).unwrap_or_else(|error| panic!("{error}\n{made}"));
        }
        if said.is_ok() { &mut printed } else { &mut refused }.insert(case.function);
        let _ = writeln!(shown, "{}\n    {}", calls::words(&case), said.unwrap_or_else(|reason| reason));
    }
    insta::with_settings!({ snapshot_path => "../snapshots/sql", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("functions.spark", shown);
    });
    use Function::{ChiSquaredTail, Erfc, JsonValue};
    assert_eq!(refused.difference(&printed).collect::<Vec<_>>(), [&Erfc, &ChiSquaredTail, &JsonValue]);
}

#[test]
fn names_tell_what_is_made() {
    let later = SOURCES.replace("lateness: 5m", "lateness: 6m");
    let other = built(ZONE, &format!("{later}{METRICS}"), STREAM).stream;
    let names = |emitted: &Emitted| -> BTreeSet<String> {
        let lines = emitted.artifacts.iter().filter(|one| one.path.contains("/sql/")).flat_map(|one| one.text.lines());
        lines
            .filter_map(|line| {
                line.strip_prefix("CREATE ")?.split(' ').find(|word| word.contains("__")).map(str::to_owned)
            })
            .collect()
    };
    let (before, after) = (names(&shop().stream), names(&other));
    assert!(before.len() > 15, "{before:?}");
    let kept: Vec<&String> = before.intersection(&after).collect();
    assert!(!kept.is_empty() && kept.iter().all(|name| name.contains("beat")), "{kept:?}");
}

/// What is told of a project.
#[track_caller]
fn refused(zone: &str, declarations: &str, stream: &str, code: &str, parts: &[&str]) {
    let told = text(&built(zone, declarations, stream).told);
    let is_told = |line: &str| line.starts_with(code) && parts.iter().all(|part| line.contains(part));
    assert!(told.lines().any(is_told), "{code} with {parts:?} is not told, but:\n{told}");
}

#[test]
fn what_the_engine_cannot_do_is_refused_with_the_rule() {
    let with = |metric: &str| format!("{SOURCES}{metric}");
    let events = with("metric m = count(event) { grain: 1d; serve: stream(1m) }");
    refused(ZONE, &events, "kind: streaming\ndialect: spark\n", "E0834", &["ST1", "`event`", "key_and_time"]);
    for (metric, parts) in [
        ("metric m = last(user_id from event) { grain: 1d; serve: stream(1m) }", ["ST2", "first or last"]),
        (
            "metric m = count(event where matches(id, \"(?i)a\")) { grain: 1d; serve: stream(1m) }",
            ["ST3", "the pattern"],
        ),
        ("metric m = count(event where hash(ratio) = 1) { grain: 1d; serve: stream(1m) }", ["ST3", "text of a float"]),
        ("metric m = count(event where id like platform) { grain: 1d; serve: stream(1m) }", ["ST3", "no literal"]),
        ("metric m = sum(amount * amount from event) { grain: 1d; serve: stream(1m) }", ["ST3", "28 digits"]),
        ("metric m = count(raw event) { grain: 1d; serve: stream(1m) }", ["ST1", "repetitions"]),
    ] {
        refused(ZONE, &with(metric), STREAM, "E0830", &parts);
    }
    for (column, parts) in [
        ("column _came: string?", ["`_came`", "of its own"]),
        ("column Amount: string?", ["`Amount`", "upper and lower case"]),
    ] {
        let sources = SOURCES.replace("  column ok: bool?\n", &format!("  column ok: bool?\n  {column}\n"));
        refused(
            ZONE,
            &format!("{sources}metric m = count(event) {{ grain: 1d; serve: stream(1m) }}"),
            STREAM,
            "E0830",
            &parts,
        );
    }
    // A text without an offset that the clocks skip is another instant there.
    refused("Europe/Berlin", &events, STREAM, "E0830", &["`seen`", "clocks"]);
    let both = with("metric m = last(user_id from event) { grain: 1d; serve: stream(1m) }");
    let elsewhere = built(ZONE, &both, &format!("{STREAM}otherwise: warehouse\n"));
    assert!(!elsewhere.told.has_errors(), "{}", text(&elsewhere.told));
}

const MINUTE: i64 = 60_000;
/// 23:50 of a day in Shanghai.
const START: i64 = 1_767_196_200_000;

/// A row.
struct Event {
    message: String,
    /// Its values in ClickHouse.
    plain: String,
}

fn event(number: i64, at: i64) -> Event {
    let id = format!("e{number}");
    let pick = |of: i64| number % of;
    let platform = if pick(3) == 0 { "ios" } else { "web" };
    let user = (pick(7) != 0).then(|| format!("u{}", pick(5)));
    let amount = (pick(11) != 0).then(|| format!("{}.{:02}", pick(97), pick(100)));
    let took = (pick(13) != 0).then(|| pick(41) * 7);
    let ok = [Some(true), Some(false), None][usize::try_from(pick(3)).unwrap()];
    let kind = if pick(2) == 0 { "api" } else { "it's; \\ \"页\"" };
    let tags = [vec![1, 2], vec![3], vec![]][usize::try_from(pick(3)).unwrap()].clone();
    let local = |ms: i64| {
        chrono::DateTime::from_timestamp_millis(ms + 8 * 60 * MINUTE).unwrap().format("%Y-%m-%d %H:%M:%S%.3f")
    };
    let message = serde_json::json!({
        "id": id, "at": at, "platform": platform, "user_id": user, "amount": amount, "took": took, "ok": ok,
        "day": "2026-01-01", "seen": local(at).to_string(), "ratio": 0.5, "props": {"kind": kind}, "tags": tags, "more": [null],
    });
    let or_null = |value: Option<String>| value.unwrap_or_else(|| "NULL".to_owned());
    let plain = format!(
        "({}, fromUnixTimestamp64Milli({at}, '{ZONE}'), {}, {}, {}, {}, {}, {}, {tags:?})",
        quote_text(&id),
        quote_text(platform),
        or_null(user.as_deref().map(quote_text)),
        or_null(amount.as_deref().map(|text| format!("toDecimal64('{text}', 2)"))),
        or_null(took.map(|ms| ms.to_string())),
        or_null(ok.map(|ok| ok.to_string())),
        quote_text(kind),
    );
    Event { message: message.to_string(), plain }
}

const POISON: [&str; 9] = [
    "",
    "nonsense",
    "[1]",
    "{\"id\":\"x\"}",
    r#"{"id":"x","at":1767196200000,"platform":"web","props":{},"tags":[]} x"#,
    r#"{"id":"x","at":1767196200000,"platform":"tv","props":{},"tags":[]}"#,
    r#"{"id":"x","at":1767196200000,"platform":"web","amount":"1.234","props":{},"tags":[]}"#,
    r#"{"id":"x","at":1767196200000,"platform":"web","props":{"a":1},"tags":[]}"#,
    r#"{"id":"x","at":1767196200000,"platform":"web","props":{},"tags":[1,"2"]}"#,
];

/// A file of messages that came at an instant.
fn came(root: &Path, topic: &str, at: i64, messages: &[String]) {
    let folder = root.join("in").join(topic);
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join(format!("{at}.json"));
    fs::write(&file, messages.join("\n") + "\n").unwrap();
    let at = chrono::DateTime::from_timestamp_millis(at).unwrap();
    File::options().write(true).open(&file).unwrap().set_modified(at.into()).unwrap();
}

/// Rows from minute to minute of the stream, a few of them behind, with repetitions and messages that are none.
fn batch(minutes: std::ops::Range<i64>) -> Vec<Event> {
    let mut rows = Vec::new();
    for number in minutes.start * 4..minutes.end * 4 {
        // Not in order, by up to four minutes.
        let behind = if number % 9 == 0 { 4 * MINUTE - 1 } else { 0 };
        rows.push(event(number, START + number * 15_000 - behind));
    }
    rows
}

/// The emitted pipeline with files in place of Kafka.
fn placed(root: &Path, emitted: &Emitted) -> PathBuf {
    let folder = root.join("pipeline");
    for artifact in emitted.artifacts.iter().filter(|artifact| !artifact.path.contains("/warehouse/")) {
        let path = folder.join(artifact.path.strip_prefix("stream/").unwrap());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut text = artifact.text.replace("${METRICC_ROOT}", &format!("file://{}", root.display()));
        if artifact.path.ends_with(".py") {
            let from = text.find("    source = spark.readStream").expect("a source");
            let end = text[from..].find("\n\n\n").expect("its end") + from;
            let files = format!(
                "    lines = spark.readStream.format(\"text\").schema(\"raw STRING\").option(\"maxFilesPerTrigger\", \"1\")\n    \
                 return lines.load(\"{}/in/\" + topic).selectExpr(\"raw\", \"_metadata.file_modification_time AS came\", \"uuid() AS _place\")",
                root.display()
            );
            text.replace_range(from..end, &files);
        }
        fs::write(path, text).unwrap();
    }
    folder.join("spark-pipeline.yml")
}

#[test]
fn a_real_spark_counts_what_comes_as_plain_sql_does() {
    support::engine!("spark");
    support::engine!("clickhouse");
    let mut spark = Spark::start();
    spark::functions_say_what_they_say(&mut spark);
    spark::buckets_are_ours_where_clocks_change(&mut spark);
    messages_are_read_as_in_the_warehouse(&mut spark);
    pipeline(&mut spark);
}

fn pipeline(spark: &mut Spark) {
    let shop = shop();
    let root = spark.folder();
    done(spark, "SET TIME ZONE 'UTC'");
    for sql in [
        "CREATE DATABASE metrics",
        "CREATE DATABASE dim",
        "CREATE TABLE dim.user (id STRING, tier STRING) USING parquet",
        // Of two rows of one key the smallest is clean.
        "INSERT INTO dim.user VALUES ('u1', 'gold'), ('u2', 'silver'), ('u2', 'gold'), ('u3', NULL), (NULL, 'gold'), ('u4', 'none')",
    ] {
        done(spark, sql);
    }
    let spec = placed(&root, &shop.stream);
    let texts = |rows: &[&Event]| rows.iter().map(|row| row.message.clone()).collect::<Vec<_>>();
    let minutes = |minute: i64| START + minute * MINUTE;
    let (first, second, third) = (batch(0..20), batch(20..40), batch(40..60));
    let poison = POISON.map(str::to_owned).to_vec();
    let again = texts(&first.iter().rev().step_by(5).collect::<Vec<_>>());
    let (first_texts, second_texts) =
        (texts(&first.iter().collect::<Vec<_>>()), texts(&second.iter().collect::<Vec<_>>()));
    came(&root, "app.events", minutes(20), &[first_texts.clone(), poison, again.clone()].concat());
    came(&root, "app.events", minutes(40), &[again.clone(), second_texts].concat());
    let beat = |number: i64, at: i64| format!(r#"{{"at":{at},"n":{number}}}"#);
    let beats: Vec<String> = (0..60).map(|number| beat(number, minutes(number))).collect();
    came(&root, "app.beats", minutes(60), &[beats.clone(), beats].concat());
    spark.dry_run(&spec).unwrap();
    spark.run(&spec).unwrap();
    // Late by far, and a repetition that comes late.
    let late = event(100_000, minutes(3));
    came(
        &root,
        "app.events",
        minutes(60),
        &[texts(&third.iter().collect::<Vec<_>>()), vec![late.message.clone()], again].concat(),
    );
    // What moves the watermark.
    let at = |hours: i64| minutes(60 * hours);
    came(&root, "app.events", at(20), &[10, 20].map(|hours| event(500_000 + hours, at(hours)).message));
    came(&root, "app.beats", at(20), &[10, 20].map(|hours| beat(1, at(hours))));
    spark.run(&spec).unwrap();
    let dead = done(
        spark,
        &format!("SELECT reason, count(*) FROM metrics.{} GROUP BY reason ORDER BY reason", made(&shop, "dead__event")),
    );
    assert_eq!(dead.len(), 6, "{dead:?}");
    let counted = done(
        spark,
        &format!("SELECT sum(messages), sum(dead), sum(behind) > 0 FROM metrics.{}", made(&shop, "arrived__event")),
    );
    assert!(counted[0].ends_with(" | 9 | true"), "{counted:?}");
    warehouse(&shop, &root, [first, second, third].into_iter().flatten().collect());
}

/// The name of what is made.
fn made(shop: &Built, begin: &str) -> String {
    let text = artifact(&shop.stream, "stream/sql/10_source_event.sql");
    let found = text.split_whitespace().find(|word| word.starts_with(begin));
    found.expect("it is made").to_owned()
}

fn warehouse(shop: &Built, root: &Path, right: Vec<Event>) {
    let session = Session::exclusive();
    let run = |sql: &str| session.execute(sql).unwrap_or_else(|error| panic!("{error}\n{sql}"));
    let warehouse = Batches { emitted: &shop.warehouse, session: &session };
    let stream = Batches { emitted: &shop.stream, session: &session };
    warehouse.set("cut_over", "2126-01-01 00:00:00");
    warehouse.apply("warehouse/apply.sql").unwrap_or_else(|error| panic!("{error}"));
    stream.apply("stream/warehouse/apply.sql").unwrap_or_else(|error| panic!("{error}"));
    run("CREATE DATABASE plain");
    run(
        "CREATE TABLE plain.event (id String, at DateTime64(3, 'Asia/Shanghai'), platform String, user_id Nullable(String), \
         amount Nullable(Decimal(18, 2)), took Nullable(Int64), ok Nullable(Bool), kind String, tags Array(Int64)) ENGINE = Memory",
    );
    let rows: Vec<&str> = right.iter().map(|row| row.plain.as_str()).collect();
    run(&format!("INSERT INTO plain.event VALUES {}", rows.join(", ")));
    let lines = |sql: &str| session.query(sql).unwrap_or_else(|error| panic!("{error}\n{sql}")).lines();
    // Nothing was counted yet.
    stream.set("results", &root.join("nothing").display().to_string());
    stream.apply("stream/warehouse/load.sql").unwrap_or_else(|error| panic!("{error}"));
    stream.set("results", &root.join("results").display().to_string());
    // The second time all is there already.
    for _ in 0..2 {
        stream.apply("stream/warehouse/load.sql").unwrap_or_else(|error| panic!("{error}"));
        for (view, plain) in VIEWS {
            let found = lines(&format!("SELECT * FROM metrics.{view} ORDER BY ALL"));
            let expected = lines(&format!("SELECT {plain} GROUP BY ALL ORDER BY ALL"));
            assert!(!expected.is_empty(), "{view}");
            assert_eq!(found, expected, "{view}");
        }
    }
    #[cfg(feature = "dry-run")]
    right::agrees(shop, &session, &right);
}

const VIEWS: [(&str, &str); 11] = [
    (
        "events__1m",
        "toDateTime64(toStartOfMinute(e.at), 3, 'Asia/Shanghai') AS t, e.platform, count() FROM plain.event AS e",
    ),
    (
        "events__1d",
        "toDateTime64(toStartOfDay(e.at), 3, 'Asia/Shanghai') AS t, e.platform, count() FROM plain.event AS e",
    ),
    (
        "gmv__1h",
        "toDateTime64(toStartOfHour(e.at), 3, 'Asia/Shanghai') AS t, e.platform, ifNull(sum(e.amount), 0) FROM plain.event AS e",
    ),
    (
        "gmv__1d",
        "toDateTime64(toStartOfDay(e.at), 3, 'Asia/Shanghai') AS t, e.platform, ifNull(sum(e.amount), 0) FROM plain.event AS e",
    ),
    (
        "users__1h",
        "toDateTime64(toStartOfHour(e.at), 3, 'Asia/Shanghai') AS t, e.platform, uniqExact(e.user_id) FROM plain.event AS e WHERE e.ok",
    ),
    (
        "users__1d",
        "toDateTime64(toStartOfDay(e.at), 3, 'Asia/Shanghai') AS t, e.platform, uniqExact(e.user_id) FROM plain.event AS e WHERE e.ok",
    ),
    (
        "slow__1d",
        "toDateTime64(toStartOfDay(e.at), 3, 'Asia/Shanghai') AS t, toInt64(roundBankers(quantileExactInclusive(0.95)(e.took))) FROM plain.event AS e WHERE e.kind = 'api'",
    ),
    (
        "gold__1h",
        "toDateTime64(toStartOfHour(e.at), 3, 'Asia/Shanghai') AS t, count() FROM plain.event AS e WHERE e.user_id IN ('u1', 'u2')",
    ),
    (
        "tagged__1h",
        "toDateTime64(toStartOfHour(e.at), 3, 'Asia/Shanghai') AS t, count() FROM plain.event AS e WHERE has(e.tags, 2)",
    ),
    (
        "beats__1h",
        "toDateTime64(toStartOfHour(addMinutes(toDateTime('2025-12-31 23:50:00', 'Asia/Shanghai'), n.number)), 3, 'Asia/Shanghai') AS t, \
         toInt64(2 * sum(n.number)) FROM numbers(60) AS n",
    ),
    ("last__1d", "toDateTime64(toStartOfDay(e.at), 3, 'Asia/Shanghai') AS t, max(e.at) FROM plain.event AS e"),
];

fn messages_are_read_as_in_the_warehouse(spark: &mut Spark) {
    done(spark, "SET TIME ZONE 'Asia/Shanghai'");
    let declared = messages::EVENTS
        .replace("key: id", "key: id\n  lateness: 5m")
        .replace("{ grain: 1d }", "{ grain: 1d; serve: stream(1d) }");
    let built = built(ZONE, &declared, STREAM);
    assert!(!built.told.has_errors(), "{}", text(&built.told));
    let script = artifact(&built.stream, "stream/sql/10_source_event.sql");
    let (begin, end) =
        (script.find(" AS\nSELECT").expect("a view") + 4, script.find(";\n\n-- Dead letters").expect("its end"));
    let from = script.find("STREAM(").expect("a stream");
    let to = script[from..].find(") AS l").expect("its end") + from;
    let cases: Vec<(String, &str)> = messages::right()
        .into_iter()
        .map(|message| (message, ""))
        .chain(messages::WRONG.iter().map(|(member, reason)| (messages::with(member), *reason)))
        .chain(["", "nonsense", "[1]", "5", "{\"id\":", "{} {}"].map(|text| (text.to_owned(), "it is no JSON object")))
        .collect();
    let rows: Vec<String> = cases
        .iter()
        .enumerate()
        .map(|(at, (message, _))| format!("({at}, {})", sql::quoted(message, &SPARK)))
        .collect();
    let landed = format!(
        "(SELECT v.raw, current_timestamp() AS came, CAST(v.n AS STRING) AS _place FROM VALUES {} AS v(n, raw)",
        rows.join(", ")
    );
    let read = format!("{}{landed}{}", &script[begin..from], &script[to..end]);
    let found = spark.query(&format!("SELECT concat('.', _reason) FROM ({read}) ORDER BY CAST(_place AS INT)"));
    let found = found.unwrap_or_else(|error| panic!("{}", error.lines().last().unwrap_or_default())).lines();
    let differ = found.iter().zip(&cases).filter(|(found, (_, reason))| &found[1..] != *reason);
    assert_eq!(differ.collect::<Vec<_>>(), []);
    assert_eq!(found.len(), cases.len());
    let values = "concat_ws(' ', _c4, _c5, date_format(_c2, 'HH:mm:ss'), _c7, _c8, _c9, date_format(_c10, 'HH:mm:ss.SSS'), hex(_c11['a']), array_join(_c12, '+'))";
    let found = done(
        spark,
        &format!("SELECT {values} FROM ({read}) WHERE _place IN (2, 6, 12, 14, 15) ORDER BY CAST(_place AS INT)"),
    );
    let expected = [
        "-0.05 5 12:00:05 0.25 true 2026-11-01 12:00:00.123 31 1+2",
        "12.50 -9223372036854775808 12:00:05 0.25 true 2026-11-01 12:00:00.123 31 1+2",
        "12.50 5 12:00:05 0.25 true 2026-11-01 12:00:00.999 31 1+2",
        "12.50 5 12:00:05 0.25 true 2026-11-01 12:00:00.123 E695B00A275C 1+2",
        "12.50 5 12:00:05 0.25 true 2026-11-01 12:00:00.123 31 ",
    ];
    assert_eq!(found, expected);
}

#[cfg(feature = "dry-run")]
mod right {
    use super::*;
    use metricc::dry_run::{Data, DryRun, Options};
    use metricc::plan::OutputColumn;
    use support::answers;

    /// That every view of the events says what the dry run says of the rows that count.
    pub fn agrees(shop: &Built, session: &Session, right: &[Event]) {
        let folder = tempfile::tempdir().expect("a folder");
        // A file of samples has no members that are no columns.
        let line = |row: &Event| {
            let mut members: serde_json::Value = serde_json::from_str(&row.message).expect("an object");
            members.as_object_mut().expect("an object").remove("more");
            members.to_string()
        };
        let lines: Vec<String> = right.iter().map(line).collect();
        std::fs::write(folder.path().join("event.ndjson"), lines.join("\n")).expect("a file");
        std::fs::write(folder.path().join("beat.ndjson"), "").expect("a file");
        std::fs::write(folder.path().join("user.csv"), "id,tier\nu1,gold\nu2,gold\nu3,\nu4,none\n").expect("a file");
        let mut run = DryRun::new(Options { lenient: true, ..Options::new(shop.input.zone) }).expect("an engine");
        for table in shop.input.tables.iter() {
            let sample = table.sample.clone().unwrap_or_else(|| format!("{}.csv", table.name));
            let table = metricc::plan::Table { sample: Some(sample), ..table.clone() };
            run.register(&table, &Data::Samples(folder.path())).expect("samples");
        }
        for view in shop.input.metrics.iter().filter(|view| view.name != "beats") {
            let answer = run.run(&view.query).expect("an answer");
            let mut expected = answers::Rows::new();
            answer.rows.into_iter().for_each(|row| answers::put(&mut expected, row, answer.keys));
            let columns: Vec<OutputColumn> = view.query.columns();
            let name = format!("{}__{}", view.name, view.grain());
            let found = answers::clickhouse(session, &format!("SELECT * FROM metrics.{name}"), &columns, answer.keys);
            let found = found.expect("rows");
            assert!(answers::same(&expected, &found), "{name}: {expected:?} is right, {found:?} came");
        }
    }
}
