//! Streams in RisingWave: what a project becomes, and what is refused with its code and rule. No RisingWave runs here: what is printed
//! is read by PostgreSQL's grammar, without the clauses that only RisingWave has.

mod support;

use metricc::compile::compile;
use metricc::diagnostic::Diagnostics;
use metricc::emit::{self, Emitted};
use metricc::project::{MemoryFiles, load};
use metricc::sql::{self, RISINGWAVE};
use support::pglast;

const SOURCES: &str = r#"
source event {
  table: "dwd.event"
  stream: kafka(topic: "app.events", format: "json")
  key: event_id
  time: at
  lateness: 5m
  column event_id: string
  column at: timestamp(ms)
  column platform: enum("web", "ios", "android")
  column user_id: string?
  column took: duration(ms)?
  column props: map(string, string)
}
source payment {
  table: "dwd.payment"
  stream: kafka(topic: "pay's", format: "json")
  time: paid_at
  lateness: 1h
  column order: string
  column paid_at: timestamp
  column platform: enum("web", "ios", "android")
  column amount: decimal(18,2)?
  column count: int
}
dimension platform = event.platform | payment.platform
"#;

const METRICS: &str = r#"
metric events = count(event) { by: platform; grain: 1d; serve: stream(1m) }
metric users = distinct(user_id from event) { by: platform; grain: 1d; serve: stream(1m) }
metric slow = quantile(took from event where props["kind"] = "api", 0.95) { grain: 1d; serve: stream(1d) }
metric income = sum(amount from payment) { by: platform; grain: 1d; serve: stream(1h) }
metric items = sum(count * 2 from payment) { grain: 1d; serve: stream(1h) }
metric dearest = max(amount from payment) { grain: 1d; serve: stream(1h) }
"#;

const STREAM: &str = "kind: streaming\ndialect: risingwave\ndeduplicate_by: key_and_time\n";

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
    found
        .iter()
        .map(|one| format!("{}: {} / {}", one.code, one.message, one.help.as_deref().unwrap_or_default()))
        .collect::<Vec<_>>()
        .join("\n")
}

fn made() -> Emitted {
    let (emitted, found) = built("Asia/Shanghai", &format!("{SOURCES}{METRICS}"), STREAM);
    assert!(!found.has_errors(), "{}", text(&found));
    emitted
}

/// Those of a build that are for RisingWave.
fn scripts(emitted: &Emitted) -> Vec<(&str, &str)> {
    let own = emitted.artifacts.iter().filter(|artifact| !artifact.path.contains("/warehouse/"));
    own.map(|artifact| (artifact.path.as_str(), artifact.text.as_str())).collect()
}

/// The queries of views and sinks, and the expressions of sources.
fn queries(script: &str) -> Vec<String> {
    let code = script.lines().filter(|line| !line.trim_start().starts_with("--")).collect::<Vec<_>>().join("\n");
    let mut found = Vec::new();
    for statement in code.split(";\n").map(str::trim) {
        match statement.split_once(" AS\nSELECT") {
            Some((_, query)) => {
                let query = format!("SELECT{}", query.split("\nWITH (\n").next().unwrap_or_default());
                found.push(pglast::plain(&query));
            }
            None if statement.starts_with("CREATE SOURCE") => {
                let columns = statement.split_once("(\n").map_or("", |(_, rest)| rest);
                let columns = columns.split("\n)\n").next().unwrap_or_default();
                let made = columns.lines().filter_map(|line| line.split_once(" AS "));
                found.extend(made.map(|(_, made)| format!("SELECT {} FROM landed", made.trim_end_matches(','))));
            }
            None => {}
        }
    }
    found
}

#[test]
fn the_artefacts_are_shown() {
    let emitted = made();
    let paths: Vec<&str> = emitted.artifacts.iter().map(|artifact| artifact.path.as_str()).collect();
    insta::with_settings!({ snapshot_path => "../snapshots/streaming", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("risingwave.paths", paths.join("\n"));
        for (path, script) in scripts(&emitted) {
            let name = path.rsplit('/').next().unwrap_or_default().trim_end_matches(".sql");
            insta::assert_snapshot!(format!("risingwave.{name}"), script);
        }
    });
    let order = emitted.details["order"].as_array().expect("a list");
    assert_eq!(order.len() + 1, scripts(&emitted).len(), "all but the rollback are applied");
}

#[test]
fn equal_input_gives_equal_bytes() {
    assert_eq!(made(), made());
}

#[test]
fn every_query_is_of_the_grammar_of_postgresql() {
    support::engine!("pglast");
    let emitted = made();
    let queries: Vec<String> = scripts(&emitted).iter().flat_map(|(_, script)| queries(script)).collect();
    // Of each source: six queries, and the expressions of two sources; and the sinks.
    assert!(queries.len() >= 2 * (6 + 4) + 5, "{}: {queries:#?}", queries.len());
    assert_eq!(pglast::refused(&queries), []);
    for query in &queries {
        sql::reparse(query, &RISINGWAVE).unwrap_or_else(|error| panic!("{error}\n{query}"));
    }
}

/// The columns of a sink's query, in their order.
fn columns(query: &str) -> Vec<String> {
    let Ok(sqlparser::ast::Statement::Query(query)) = sql::reparse(query, &RISINGWAVE) else { panic!("{query}") };
    let sqlparser::ast::SetExpr::Select(select) = *query.body else { panic!("a SELECT") };
    let name = |item: &sqlparser::ast::SelectItem| match item {
        sqlparser::ast::SelectItem::ExprWithAlias { alias, .. } => alias.value.clone(),
        other => other.to_string(),
    };
    select.projection.iter().map(name).collect()
}

#[test]
fn sinks_have_the_columns_of_their_inlets_in_their_order() {
    let emitted = made();
    let inlets = emitted.artifacts.iter().find(|artifact| artifact.path.ends_with("10_inlets.sql")).expect("inlets");
    let mut sinks = 0;
    for (_, script) in scripts(&emitted) {
        for statement in script.split(";\n").filter(|statement| statement.contains("CREATE SINK")) {
            let query = queries(&format!("{statement};\n")).remove(0);
            let table = statement.split("clickhouse.table = '").nth(1).and_then(|rest| rest.split('\'').next());
            let declared = format!(".{}\n(\n", table.expect("a table"));
            let declared =
                inlets.text.split(&declared).nth(1).expect("its inlet").split("\n)").next().expect("columns");
            let declared: Vec<&str> = declared.lines().filter_map(|line| line.split_whitespace().next()).collect();
            assert_eq!(columns(&query), declared, "the engine takes types by place\n{statement}");
            sinks += 1;
        }
    }
    assert!(sinks >= 5, "{sinks}");
}

#[test]
fn names_tell_what_is_made() {
    let later = SOURCES.replace("lateness: 5m", "lateness: 6m");
    let (other, found) = built("Asia/Shanghai", &format!("{later}{METRICS}"), STREAM);
    assert!(!found.has_errors(), "{}", text(&found));
    let names = |emitted: &Emitted| -> Vec<String> {
        let made = scripts(emitted).into_iter().flat_map(|(_, script)| script.lines()).filter_map(|line| {
            let (_, rest) = line.split_once("CREATE ")?.1.split_once("IF NOT EXISTS ")?;
            rest.split_whitespace().next().map(str::to_owned)
        });
        made.collect()
    };
    let (before, after) = (names(&made()), names(&other));
    assert!(before.len() > 15, "{before:?}");
    let kept: Vec<&String> = before.iter().filter(|name| after.contains(name)).collect();
    // The other source says the same as before.
    assert!(kept.iter().all(|name| !name.contains("event")), "{kept:?}");
    assert!(kept.iter().any(|name| name.starts_with("landed__payment__")), "{kept:?}");
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
    refused(zone, &events, "kind: streaming\ndialect: risingwave\n", "E0834", &["ST1", "`event`", "key_and_time"]);
    for (metric, parts) in [
        ("metric m = last(user_id from event) { grain: 1d; serve: stream(1m) }", ["ST2", "first or last"]),
        ("metric m = count(event where lower(user_id) = \"a\") { grain: 1d; serve: stream(1m) }", ["ST2", "ASCII"]),
        ("metric m = count(event where hash(user_id) % 100 < 5) { grain: 1d; serve: stream(1m) }", ["ST2", "hash("]),
        (
            "metric m = sum(cast(amount as decimal(20,2)) from payment) { grain: 1d; serve: stream(1m) }",
            ["ST2", "19 digits"],
        ),
        ("metric m = sum(amount * amount from payment) { grain: 1d; serve: stream(1m) }", ["ST2", "28 digits"]),
        ("metric m = sum(pow(took / 1s, 2.0) from event) { grain: 1d; serve: stream(1m) }", ["ST2", "power("]),
        ("metric m = count(raw event) { grain: 1d; serve: stream(1m) }", ["ST1", "repetitions"]),
    ] {
        refused(zone, &with(metric), STREAM, "E0830", &parts);
    }
    let looked_up = r#"
entity user {
  table: "dim.user"
  key: id
  column id: string
  column country: string
}
metric m = count(event where user_id.country = "CN") { grain: 1d; serve: stream(1m) }
"#;
    let sources = SOURCES.replace("column user_id: string?", "column user_id: user?");
    refused(zone, &format!("{sources}{looked_up}"), STREAM, "E0830", &["CH4", "look-up in `user`"]);
}

#[test]
fn where_clocks_change_a_day_comes_in_hours() {
    let zone = "America/New_York";
    let of = |step: &str| {
        let sources = SOURCES.replace("column paid_at: timestamp\n", "column paid_at: timestamp(ms)\n");
        format!("{sources}metric m = count(event) {{ grain: 1d; serve: stream({step}) }}")
    };
    refused(zone, &of("6h"), STREAM, "E0830", &["ST5", "6h", "America/New_York", "clocks"]);
    for (step, part) in
        [("1d", "CAST(floor(EXTRACT(EPOCH FROM b.window_start)) AS BIGINT) AS _w"), ("15m", "CAST(0 AS BIGINT) AS _w")]
    {
        let (emitted, found) = built(zone, &of(step), STREAM);
        assert!(!found.has_errors(), "{}", text(&found));
        assert!(scripts(&emitted).iter().any(|(_, script)| script.contains(part)), "{step}");
    }
}

#[test]
fn columns_that_cannot_be_read_out_of_messages_are_refused() {
    let events = "metric events = count(event) { grain: 1d; serve: stream(1m) }";
    for (column, parts) in [
        ("column scores: array(int)", ["`scores`", "as they were written"]),
        ("column total: decimal(38,2)", ["`total`", "28 digits"]),
        ("column window_start: string", ["`window_start`", "windows have a column"]),
    ] {
        let sources =
            SOURCES.replace("  column user_id: string?\n", &format!("  column user_id: string?\n  {column}\n"));
        refused("Asia/Shanghai", &format!("{sources}{events}"), STREAM, "E0830", &parts);
    }
    // A text without an offset names two instants where clocks are set back.
    let paid = "metric m = count(payment) { grain: 1d; serve: stream(1h) }";
    refused("Europe/Berlin", &format!("{SOURCES}{paid}"), STREAM, "E0830", &["`paid_at`", "clocks"]);
}

#[test]
fn what_is_refused_stays_with_the_warehouse_where_that_is_asked_for() {
    let both =
        format!("{SOURCES}{METRICS}metric last_user = last(user_id from event) {{ grain: 1d; serve: stream(1m) }}");
    let (_, found) = built("Asia/Shanghai", &both, &format!("{STREAM}otherwise: warehouse\n"));
    assert!(!found.has_errors(), "{}", text(&found));
}
