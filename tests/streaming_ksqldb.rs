//! Streams in ksqlDB: what a project becomes, and what is refused with its code and rule. No ksqlDB runs or parses here: queries are read
//! back by a general grammar of SQL, without the clauses of streams.

mod support;

use metricc::compile::compile;
use metricc::diagnostic::Diagnostics;
use metricc::emit::{self, Emitted};
use metricc::project::{MemoryFiles, load};
use metricc::sql::{self, KSQLDB};
use support::clickhouse;

const SOURCES: &str = r#"
source event {
  table: "dwd.event"
  stream: kafka(topic: "app.events", format: "json")
  key: event_id
  time: at
  lateness: 5m
  column event_id: string
  column at: timestamp(ms)
  column platform: enum("web", "ios", "android")?
  column user_id: string?
  column took: duration(ms)?
  column is_new: bool?
  column props: map(string, string)
}
source payment {
  table: "dwd.payment"
  stream: kafka(topic: "payments", format: "json")
  time: paid_at
  lateness: 1h
  column order: string
  column paid_at: timestamp(ms)
  column amount: decimal(18,2)?
  column count: int
}
dimension platform = event.platform else null
"#;

const METRICS: &str = r#"
metric events = count(event) { by: platform; grain: 1d; serve: stream(1m) }
metric users = distinct(user_id from event where not is_new and props["kind"] = "api") { by: platform; grain: 1d; serve: stream(1m) }
metric income = sum(amount from payment where count > 1) { grain: 1d; serve: stream(1d) }
metric dearest = max(amount from payment) { grain: 1d; serve: stream(1d) }
"#;

const STREAM: &str =
    "kind: streaming\ndialect: ksqldb\ndeduplicate_by: key_and_time\nlenient: true\nbrokers: \"kafka:9092\"\n";

/// Compiles a project and makes the artefacts of its stream.
fn built(zone: &str, declarations: &str, stream: &str) -> (Emitted, Diagnostics) {
    let files = MemoryFiles::new()
        .with("metricc.yaml", format!("name: shop\ntimezone: {zone}\nunits: [CNY]\npaths: [metrics]\n"))
        .with("targets/warehouse.yaml", "kind: clickhouse\n")
        .with("targets/stream.yaml", stream)
        .with("metrics/shop.metric", declarations);
    let (project, told) = load(&files);
    let project = project.unwrap_or_else(|| panic!("{}", text(&told)));
    let (compiled, found) = compile(&project);
    assert!(!told.has_errors() && !found.has_errors(), "{}; {}", text(&told), text(&found));
    let (input, found) = emit::with_changes(&project, &compiled);
    assert!(!found.has_errors(), "{}", text(&found));
    let target = project.targets.iter().find(|target| target.name.value == "stream").expect("the stream");
    emit::emit(&input, target)
}

fn text(found: &Diagnostics) -> String {
    let line = |one: &metricc::diagnostic::Diagnostic| {
        format!("{}: {} / {}", one.code, one.message, one.help.as_deref().unwrap_or_default())
    };
    found.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn made() -> Emitted {
    let (emitted, found) = built("Asia/Shanghai", &format!("{SOURCES}{METRICS}"), STREAM);
    assert!(!found.has_errors(), "{}", text(&found));
    emitted
}

/// The files of a build that are for ksqlDB, and what fetches its results.
fn scripts(emitted: &Emitted) -> Vec<(&str, &str)> {
    let is_own = |path: &str| !path.contains("/warehouse/") || path.ends_with("20_kafka.sql");
    let all = emitted.artifacts.iter().map(|artifact| (artifact.path.as_str(), artifact.text.as_str()));
    all.filter(|(path, _)| is_own(path)).collect()
}

/// The queries of statements for ksqlDB, without what only streams have.
fn queries(emitted: &Emitted) -> Vec<String> {
    let own = scripts(emitted).into_iter().filter(|(path, _)| !path.contains("/warehouse/"));
    let statements = own.flat_map(|(_, script)| script.split(";\n"));
    let query = |statement: &str| {
        let (_, query) = statement.split_once(" AS\nSELECT")?;
        let lines = query.lines().filter(|line| !line.starts_with("WINDOW ") && !line.starts_with("EMIT "));
        Some(format!("SELECT{}", lines.collect::<Vec<_>>().join("\n")))
    };
    statements.filter_map(query).collect()
}

#[test]
fn the_artefacts_are_shown() {
    let emitted = made();
    let paths: Vec<&str> = emitted.artifacts.iter().map(|artifact| artifact.path.as_str()).collect();
    insta::with_settings!({ snapshot_path => "../snapshots/streaming", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("ksqldb.paths", paths.join("\n"));
        for (path, script) in scripts(&emitted) {
            let name = path.rsplit('/').next().unwrap_or_default().trim_end_matches(".sql");
            insta::assert_snapshot!(format!("ksqldb.{name}"), script);
        }
    });
    assert_eq!(emitted, made(), "equal input gives equal bytes");
}

#[test]
fn queries_are_read_back() {
    let queries = queries(&made());
    // Of a source with a key four, of one without three; and two of each of three inlets.
    assert_eq!(queries.len(), 4 + 3 + 2 * 3, "{queries:#?}");
    for query in &queries {
        sql::reparse(query, &KSQLDB).unwrap_or_else(|error| panic!("{error}\n{query}"));
    }
}

#[test]
fn no_operand_of_logic_or_arithmetic_is_a_value_that_may_be_null() {
    use sqlparser::ast::{BinaryOperator, Expr, UnaryOperator, visit_expressions};
    use std::ops::ControlFlow;
    let is_value = |expr: &Expr| {
        matches!(expr, Expr::CompoundIdentifier(_) | Expr::Identifier(_) | Expr::Case { .. } | Expr::Function(_))
    };
    let mut logic = 0;
    for query in queries(&made()) {
        let statement = sql::reparse(&query, &KSQLDB).expect("a query");
        let _ = visit_expressions(&statement, |expr| {
            match expr {
                Expr::BinaryOp { left, op: BinaryOperator::And | BinaryOperator::Or, right } => {
                    assert!(!is_value(left) && !is_value(right), "{expr}\n{query}");
                    logic += 1;
                }
                Expr::UnaryOp { op: UnaryOperator::Not, expr: of } => assert!(!is_value(of), "{expr}\n{query}"),
                _ => {}
            }
            ControlFlow::<()>::Continue(())
        });
    }
    assert!(logic > 10, "{logic}");
}

/// What a view over a topic makes of objects of JSON.
fn fetched(emitted: &Emitted, topic: &str, objects: &str) -> Vec<Vec<Option<String>>> {
    let kafka = emitted.artifacts.iter().find(|artifact| artifact.path.ends_with("20_kafka.sql")).expect("topics");
    let (_, rest) = kafka.text.split_once(&format!("{topic}__topic\n(\n")).expect("the table of a topic");
    let (members, rest) = rest.split_once("\n)\n").expect("columns");
    let select = rest.split("\nAS\n").nth(1).and_then(|rest| rest.split(";\n").next()).expect("a query");
    let (select, _) = select.rsplit_once("FROM").expect("a table");
    let members = members.replace('\n', " ");
    let query = format!("{select}FROM format(JSONEachRow, '{}', '{objects}') AS k", members.trim());
    clickhouse::bare(&query).unwrap_or_else(|error| panic!("{error}\n{query}")).rows
}

#[test]
fn the_warehouse_reads_what_ksqldb_writes() {
    support::engine!("clickhouse");
    let emitted = made();
    let inlets = emitted.artifacts.iter().find(|artifact| artifact.path.ends_with("10_inlets.sql")).expect("inlets");
    let named = |word: &str| {
        let mut names = inlets.text.split_whitespace().filter(|name| name.ends_with(word));
        names.next_back().map(|name| name.trim_start_matches("metrics.").to_owned()).expect("an inlet")
    };
    let some = |values: &[&str]| values.iter().map(|value| Some((*value).to_owned())).collect::<Vec<_>>();
    let objects = r#"{"t":1700000040000,"w":1700000040000,"d0":"=web","v":"a=b","n":3}
{"t":1700000040000,"w":1700000040000,"d0":"","v":"","n":1}"#;
    let mut without = some(&["2023-11-15 06:14:00.000", "1700000040000", "", "", "1"]);
    without[2] = None;
    let rows = vec![some(&["2023-11-15 06:14:00.000", "1700000040000", "web", "a=b", "3"]), without];
    assert_eq!(fetched(&emitted, &named("__values1"), objects), rows);
    let objects = r#"{"t":-1,"w":0,"s0":"9007199254740993.10","s1":2,"s2":"1.25","s3":4}
{"t":19676,"w":60000,"s0":"0.00","s1":0,"s2":null,"s3":4}"#;
    let mut without = some(&["2023-11-15", "60000", "0", "0", "", "4"]);
    without[4] = None;
    let rows = vec![some(&["1969-12-31", "0", "9007199254740993.1", "2", "1.25", "4"]), without];
    let mut plain = inlets.text.split_whitespace().filter(|name| name.ends_with("__plain") && name.contains("payment"));
    let plain = plain.next_back().expect("an inlet").trim_start_matches("metrics.");
    assert_eq!(fetched(&emitted, plain, objects), rows);
}

/// What is told of a project.
#[track_caller]
fn refused(zone: &str, declarations: &str, stream: &str, code: &str, parts: &[&str]) {
    let (_, found) = built(zone, declarations, stream);
    let told = text(&found);
    let is_told = |line: &str| line.starts_with(code) && parts.iter().all(|part| line.contains(part));
    assert!(told.lines().any(is_told), "{code} with {parts:?} is not told, but:\n{told}");
}

#[test]
fn what_the_engine_cannot_do_is_refused_with_the_rule() {
    let zone = "Asia/Shanghai";
    let with = |metric: &str| format!("{SOURCES}{metric}");
    let events = with("metric events = count(event) { grain: 1d; serve: stream(1m) }");
    refused(zone, &events, &STREAM.replace("lenient: true\n", ""), "E0838", &["ST4", "lenient: true"]);
    refused(zone, &events, &STREAM.replace("deduplicate_by: key_and_time\n", ""), "E0834", &["ST1", "key_and_time"]);
    refused(zone, &events, &STREAM.replace("brokers: \"kafka:9092\"\n", ""), "E0830", &["brokers"]);
    for (metric, parts) in [
        ("last(user_id from event)", ["ST2", "first or last"]),
        ("count(event where lower(user_id) = \"a\")", ["ST4", "lower(…)"]),
        ("count(event where user_id < \"b\")", ["ST4", "16 bits"]),
        ("count(event where user_id like \"a_b\")", ["ST4", "line break"]),
        ("count(event where hash(user_id) % 100 < 5)", ["ST4", "hash("]),
        ("count(event where month(at) = 2)", ["ST4", "parts of a date"]),
        ("max(user_id from event)", ["ST4", "greatest text"]),
        ("sum(took / 1s from event)", ["ST4", "floats"]),
        ("sum(cast(amount as decimal(30,2)) from payment)", ["ST4", "at most 28"]),
        ("count(event where user_id = \"${a}\")", ["ST4", "variable"]),
    ] {
        let metric = format!("metric m = {metric} {{ grain: 1d; serve: stream(1m) }}");
        refused(zone, &with(&metric), STREAM, "E0830", &parts);
    }
    let days = with("metric m = count(event) { grain: 1d; serve: stream(1d) }");
    refused("America/New_York", &days, STREAM, "E0830", &["ST4", "America/New_York", "clocks"]);
    let looked_up = "entity user {\n  table: \"dim.user\"\n  key: id\n  column id: string\n  column country: string\n}
metric m = count(event where user_id.country = \"CN\") { grain: 1d; serve: stream(1m) }\n";
    let sources = SOURCES.replace("column user_id: string?", "column user_id: user?");
    refused(zone, &format!("{sources}{looked_up}"), STREAM, "E0830", &["ST4", "look-up in `user`"]);
    for (column, part) in [
        ("column score: float?", "floats"),
        ("column seen: timestamp?", "texts of instants"),
        ("column born: date?", "30 February"),
        ("column tags: array(string)", "missing list"),
        ("column _at: string", "a column `_at` of their own"),
        ("column ROWTIME: string", "a column of that name"),
    ] {
        let sources = SOURCES.replace("  column took", &format!("  {column}\n  column took"));
        let declarations = format!("{sources}metric m = count(event) {{ grain: 1d; serve: stream(1m) }}");
        refused(zone, &declarations, STREAM, "E0830", &["ST4", part]);
    }
}
