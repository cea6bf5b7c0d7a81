//! The engines do what the other tests and the documented facts take for granted.

mod support;

use std::process::Command;

use serde_json::json;
use support::clickhouse::{Session, quote_text};
use support::{duckdb, pglast};

/// Applies a script that must work.
fn apply(session: &Session, script: &str) {
    if let Err((statement, error)) = session.apply(script) {
        panic!("{statement}\n{error}");
    }
}

fn lines(session: &Session, sql: &str) -> Vec<String> {
    session.query(sql).unwrap_or_else(|error| panic!("{sql}\n{error}")).lines()
}

fn cells(row: &[Option<&str>]) -> Vec<Option<String>> {
    row.iter().map(|cell| cell.map(str::to_owned)).collect()
}

#[test]
fn a_query_returns_columns_types_and_rows() {
    support::engine!("clickhouse");
    let session = Session::new();
    let table = session.query("SELECT number AS n, if(number = 1, NULL, '') AS s FROM numbers(2)").unwrap();
    assert_eq!(table.columns, ["n", "s"]);
    assert_eq!(table.types, ["UInt64", "Nullable(String)"]);
    assert_eq!(table.rows, [cells(&[Some("0"), Some("")]), cells(&[Some("1"), None])]);
    assert!(session.query("SELECT 1 AS a WHERE 0").unwrap().rows.is_empty());
}

/// Every statement of `docs/clickhouse-facts.md` gives what stands below it.
#[test]
fn documented_facts_hold() {
    support::engine!("clickhouse");
    let session = Session::new();
    let facts = facts(include_str!("../docs/clickhouse-facts.md"));
    assert!(facts.len() > 100, "only {} facts found", facts.len());
    let mut wrong = Vec::new();
    for (sql, expected) in &facts {
        let got = match session.query(sql) {
            Ok(table) => table.lines(),
            Err(error) => vec![format!("error {}", error_code(&error))],
        };
        if got != *expected {
            wrong.push(format!("{sql};\n-- expected\n{}\n-- got\n{}", expected.join("\n"), got.join("\n")));
        }
    }
    assert!(wrong.is_empty(), "{} of {} facts do not hold:\n{}", wrong.len(), facts.len(), wrong.join("\n\n"));
}

/// The statements in the SQL blocks of a page, each with its `-- ` lines.
fn facts(page: &str) -> Vec<(String, Vec<String>)> {
    let mut facts: Vec<(String, Vec<String>)> = Vec::new();
    let mut inside = false;
    for line in page.lines() {
        if line.starts_with("```") {
            inside = line == "```sql";
        } else if !inside {
            // prose
        } else if let Some(result) = line.strip_prefix("-- ") {
            facts.last_mut().expect("a result stands below its statement").1.push(result.to_owned());
        } else {
            let sql = line.strip_suffix(';').unwrap_or_else(|| panic!("a fact is one line and ends with `;`: {line}"));
            facts.push((sql.to_owned(), Vec::new()));
        }
    }
    facts
}

fn error_code(error: &str) -> &str {
    let code = error.strip_prefix("Code: ").unwrap_or(error);
    code.split('.').next().unwrap_or(code)
}

#[test]
fn states_are_kept_and_merged() {
    support::engine!("clickhouse");
    let session = Session::new();
    apply(
        &session,
        "CREATE TABLE event (id String, at DateTime64(3, 'Asia/Shanghai'), user Nullable(String), pay Nullable(Decimal(38, 4)), ms Nullable(Int64), props Map(String, String))
         ENGINE = MergeTree ORDER BY at;
         CREATE TABLE daily (
           day Date32, rows SimpleAggregateFunction(sum, UInt64), users AggregateFunction(uniqExact, Nullable(String)),
           pay SimpleAggregateFunction(sum, Nullable(Decimal(38, 4))), ms AggregateFunction(quantileExactInclusive(0.5), Int64),
           first AggregateFunction(argMin, Tuple(Nullable(String)), Tuple(DateTime64(3, 'Asia/Shanghai'), String))
         ) ENGINE = AggregatingMergeTree ORDER BY day;
         CREATE MATERIALIZED VIEW daily_mv TO daily AS
           SELECT toDate32(e.at) AS day, count() AS rows, uniqExactState(e.user) AS users, sum(e.pay) AS pay,
             quantileExactInclusiveStateIf(0.5)(assumeNotNull(e.ms), isNotNull(e.ms)) AS ms, argMinState(tuple(e.user), tuple(e.at, e.id)) AS first
           FROM event AS e GROUP BY day;",
    );
    let columns = ["id", "at", "user", "pay", "ms", "props"];
    let first = cells(&[
        Some("2"),
        Some("2026-01-01T15:59:59.999Z"),
        Some("u1"),
        Some("1.0001"),
        Some("10"),
        Some("{'k':'it\\'s'}"),
    ]);
    let second = [
        cells(&[Some("1"), Some("2026-01-01T15:59:59.999Z"), None, None, None, Some("{}")]),
        cells(&[Some("3"), Some("2026-01-01T16:00:00Z"), Some(""), Some("-2.5"), Some("7"), Some("{}")]),
    ];
    session.insert_tsv("event", &columns, &[first]).unwrap();
    session.insert_tsv("event", &columns, &second).unwrap();
    let read = "SELECT day, sum(rows), uniqExactMerge(users), sum(pay), quantileExactInclusiveMerge(0.95)(ms), argMinMerge(first).1 FROM daily GROUP BY day ORDER BY day";
    assert_eq!(
        lines(&session, read),
        ["2026-01-01 | 2 | 1 | 1.0001 | 10 | NULL", "2026-01-02 | 1 | 1 | -2.5 | 7 | ''"]
    );
    assert_eq!(lines(&session, "SELECT props['k'] FROM event WHERE id = '2'"), ["it's"]);
}

#[test]
fn a_retried_block_counts_once_in_the_views_too() {
    support::engine!("clickhouse");
    let session = Session::new();
    let window = "SETTINGS non_replicated_deduplication_window = 100";
    apply(
        &session,
        &format!(
            "CREATE TABLE event (id String) ENGINE = MergeTree ORDER BY id {window};
             CREATE TABLE total (n SimpleAggregateFunction(sum, UInt64)) ENGINE = AggregatingMergeTree ORDER BY tuple() {window};
             CREATE MATERIALIZED VIEW total_mv TO total AS SELECT count() AS n FROM event;"
        ),
    );
    let block = [cells(&[Some("a")]), cells(&[Some("b")])];
    session.insert_tsv("event", &["id"], &block).unwrap();
    session.insert_tsv("event", &["id"], &block).unwrap();
    assert_eq!(lines(&session, "SELECT sum(n) FROM total"), ["2"]);
}

#[test]
fn refreshable_views_refresh_on_demand() {
    support::engine!("clickhouse");
    let session = Session::new();
    apply(
        &session,
        "CREATE TABLE event (id String) ENGINE = MergeTree ORDER BY id;
         CREATE TABLE total (n UInt64) ENGINE = MergeTree ORDER BY n;
         CREATE TABLE twice (n UInt64) ENGINE = MergeTree ORDER BY n;
         CREATE MATERIALIZED VIEW total_mv REFRESH EVERY 1 HOUR TO total EMPTY AS SELECT count() AS n FROM event;
         CREATE MATERIALIZED VIEW twice_mv REFRESH EVERY 1 DAY OFFSET 2 HOUR DEPENDS ON total_mv TO twice EMPTY AS SELECT n * 2 AS n FROM total;
         INSERT INTO event VALUES ('a'), ('b');
         SYSTEM WAIT VIEW total_mv;",
    );
    assert!(lines(&session, "SELECT n FROM total").is_empty(), "a view that never ran has nothing");
    let refresh = "SYSTEM REFRESH VIEW total_mv; SYSTEM WAIT VIEW total_mv; SYSTEM REFRESH VIEW twice_mv; SYSTEM WAIT VIEW twice_mv;";
    apply(&session, refresh);
    assert_eq!(lines(&session, "SELECT n FROM twice"), ["4"]);
    apply(&session, &format!("INSERT INTO event VALUES ('c'); {refresh}"));
    assert_eq!(lines(&session, "SELECT n FROM twice"), ["6"], "a refresh replaces the target");
    let broken = "CREATE MATERIALIZED VIEW broken_mv REFRESH EVERY 1 HOUR (n UInt8) ENGINE = Memory EMPTY AS SELECT throwIf(id = 'a', 'boom') AS n FROM event;
         SYSTEM REFRESH VIEW broken_mv; SYSTEM WAIT VIEW broken_mv";
    let (statement, error) = session.apply(broken).unwrap_err();
    assert_eq!((statement.as_str(), error_code(&error)), ("SYSTEM WAIT VIEW broken_mv", "730"));
    assert!(error.contains("boom"), "{error}");
}

#[test]
fn dictionaries_serve_tables() {
    support::engine!("clickhouse");
    let session = Session::exclusive();
    apply(
        &session,
        "CREATE DATABASE dim;
         CREATE TABLE dim.user (id String, province Nullable(String)) ENGINE = MergeTree ORDER BY id;
         INSERT INTO dim.user VALUES ('a', '广东'), ('b', NULL);
         CREATE DICTIONARY dim.user_dict (id String, province Nullable(String)) PRIMARY KEY id
           SOURCE(CLICKHOUSE(TABLE 'user' DB 'dim')) LAYOUT(COMPLEX_KEY_HASHED()) LIFETIME(0);",
    );
    let read = |key: &str| {
        let keys = "(SELECT arrayJoin(['a', 'b', 'z', NULL]) AS k)";
        lines(
            &session,
            &format!(
                "SELECT k, dictGet('dim.user_dict', 'province', {key}), dictGetOrDefault('dim.user_dict', 'province', {key}, '?') FROM {keys}"
            ),
        )
    };
    assert_eq!(read("k"), ["a | 广东 | 广东", "b | NULL | NULL", "z | NULL | ?", "NULL | NULL | NULL"]);
    let error = session
        .query("SELECT dictGet('dim.user_dict', 'province', tuple(k)) FROM (SELECT arrayJoin(['a', NULL]) AS k)")
        .unwrap_err();
    assert_eq!(error_code(&error), "349");
}

#[test]
fn inserted_text_comes_back_as_it_was() {
    support::engine!("clickhouse");
    let session = Session::new();
    let hostile = [
        "",
        "NULL",
        "\\N",
        "it's",
        "\"q\"",
        "tab\tnew\nline\r",
        "back\\slash\\",
        "\0",
        "数据 😀",
        "'; DROP TABLE t; --",
        " a ",
        "`b`",
    ];
    session.execute("CREATE TABLE t (i UInt8, s Nullable(String)) ENGINE = Memory").unwrap();
    let mut rows: Vec<_> = hostile
        .iter()
        .enumerate()
        .map(|(index, text)| vec![Some(index.to_string()), Some((*text).to_owned())])
        .collect();
    rows.push(vec![Some("99".to_owned()), None]);
    session.insert_tsv("t", &["i", "s"], &rows).unwrap();
    assert_eq!(session.query("SELECT i, s FROM t ORDER BY i").unwrap().rows, rows);
    for text in hostile.iter().filter(|text| !text.contains('\0')) {
        assert_eq!(session.query(&format!("SELECT {}", quote_text(text))).unwrap().cell(), Some(*text));
    }
}

#[test]
fn instants_are_inserted_by_their_offset() {
    support::engine!("clickhouse");
    let session = Session::new();
    session.execute("CREATE TABLE t (at DateTime64(3, 'America/New_York')) ENGINE = Memory").unwrap();
    let texts = [
        "2026-11-01T05:30:00Z",
        "2026-11-01T06:30:00.123Z",
        "2026-11-01 01:30:00-05:00",
        "1900-01-01T05:00:00.5Z",
        "2299-12-31T23:59:59.999Z",
    ];
    let rows: Vec<_> = texts.iter().map(|text| cells(&[Some(text)])).collect();
    session.insert_tsv("t", &["at"], &rows).unwrap();
    let expected = ["-2208970799500", "1793511000000", "1793514600000", "1793514600123", "10413791999999"];
    assert_eq!(lines(&session, "SELECT toUnixTimestamp64Milli(at) AS ms FROM t ORDER BY ms"), expected);
}

#[test]
fn errors_are_told_and_leave_nothing_behind() {
    support::engine!("clickhouse");
    let session = Session::new();
    let error = session.query("SELECT throwIf(number = 5, 'boom'), number FROM numbers(10)").unwrap_err();
    assert!(error.starts_with("Code: 395. DB::Exception: boom"), "{error}");
    assert_eq!(lines(&session, "SELECT 1 AS after"), ["1"], "the failed query's output is gone");
    session.execute("CREATE TABLE t (n Int8) ENGINE = Memory").unwrap();
    let null = session.insert_tsv("t", &["n"], &[cells(&[None])]);
    assert!(null.is_err(), "a null is no default");
    let (statement, error) = session
        .apply("INSERT INTO t VALUES (1); SELECT nothing FROM t -- why\n; INSERT INTO t VALUES (2)")
        .unwrap_err();
    assert_eq!((statement.as_str(), error_code(&error)), ("SELECT nothing FROM t -- why", "47"));
    assert_eq!(lines(&session, "SELECT n FROM t"), ["1"]);
}

#[test]
fn drop_sync_comes_back() {
    support::engine!("clickhouse");
    let session = Session::new();
    apply(
        &session,
        "CREATE TABLE t (n Int8) ENGINE = MergeTree ORDER BY n; DROP TABLE t SYNC; CREATE TABLE t (m Int8) ENGINE = MergeTree ORDER BY m",
    );
    assert_eq!(lines(&session, "SELECT name FROM system.columns WHERE database = currentDatabase()"), ["m"]);
}

#[test]
fn sessions_do_not_see_each_other() {
    support::engine!("clickhouse");
    let (one, two) = (Session::new(), Session::new());
    one.execute("CREATE TABLE t (n Int8) ENGINE = Memory").unwrap();
    assert_eq!(error_code(&two.query("SELECT * FROM t").unwrap_err()), "60");
    assert!(lines(&one, "SELECT * FROM t").is_empty());
    two.execute("USE system").unwrap();
    assert_eq!(
        lines(&two, "SELECT currentDatabase()"),
        [two.database()],
        "every statement runs in the session's database"
    );
    assert!(one.execute("SET max_threads = 1").unwrap_err().contains("exclusive"));
    let name = one.database().to_owned();
    drop(one);
    assert!(!lines(&two, "SHOW DATABASES").contains(&name));
}

#[test]
fn an_exclusive_session_starts_from_nothing() {
    support::engine!("clickhouse");
    let make =
        "CREATE DATABASE dwd; CREATE TABLE dwd.event (n Int8) ENGINE = MergeTree ORDER BY n; SET max_threads = 1";
    for _ in 0..2 {
        let session = Session::exclusive();
        assert_eq!(lines(&session, "SELECT getSetting('max_threads') = 1"), ["0"], "settings do not outlive a session");
        apply(&session, make);
        assert_eq!(lines(&session, "SELECT getSetting('max_threads')"), ["1"]);
    }
    let session = Session::exclusive();
    let others = "SELECT name FROM system.databases WHERE lower(name) NOT IN ('system', 'information_schema')";
    assert_eq!(lines(&session, others), [session.database()]);
}

/// How long they take shows among the slowest tests of `.ci/run`: the budgets of the other tests rest on it.
#[test]
fn three_hundred_queries_are_answered() {
    support::engine!("clickhouse");
    let session = Session::new();
    apply(
        &session,
        "CREATE TABLE t (k UInt8, n UInt64) ENGINE = MergeTree ORDER BY k; INSERT INTO t SELECT number % 7, number FROM numbers(1000)",
    );
    for limit in 0..300 {
        let rows =
            lines(&session, &format!("SELECT k, count(), uniqExact(n) FROM t WHERE n > {limit} GROUP BY k ORDER BY k"));
        assert_eq!(rows.len(), 7);
    }
}

/// What the child of `a_process_with_the_engine_ends_as_it_should` does; alone, it has nothing to do.
#[test]
fn child() {
    let Ok(ending) = std::env::var("METRICC_TEST_ENDING") else { return };
    let session = Session::new();
    session.execute("CREATE TABLE t (n Int8) ENGINE = MergeTree ORDER BY n").unwrap();
    match ending.as_str() {
        "passes" => {}
        "fails" => panic!("as asked"),
        "aborts" => std::process::abort(),
        other => panic!("no ending named {other}"),
    }
}

#[test]
fn a_process_with_the_engine_ends_as_it_should() {
    support::engine!("clickhouse");
    for (ending, code) in [("passes", Some(0)), ("fails", Some(101)), ("aborts", None)] {
        let scratch = tempfile::tempdir_in(support::report::folder()).unwrap();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "child", "--nocapture"])
            .env("METRICC_TEST_ENDING", ending)
            .env("TMPDIR", scratch.path());
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), code, "{ending}: {}", String::from_utf8_lossy(&output.stderr));
        let left = std::fs::read_dir(scratch.path()).unwrap().count();
        assert_eq!(left, usize::from(code.is_none()), "only a crash leaves the engine's folder");
    }
}

#[test]
fn duckdb_answers() {
    support::engine!("duckdb");
    let script = "import duckdb, json, sys\n\
        rows = json.load(sys.stdin)\n\
        print(json.dumps(duckdb.execute('SELECT sum(x)::VARCHAR, count(*) FROM (SELECT unnest(?) AS x)', [rows]).fetchone()))";
    assert_eq!(duckdb::run(script, &json!([1, 2, null])).unwrap(), json!(["3", 3]));
    let zoned = "import duckdb, json\n\
        print(json.dumps(str(duckdb.execute(\"SELECT timezone('Asia/Shanghai', TIMESTAMPTZ '2026-01-01 00:00:00+00')\").fetchone()[0])))";
    assert_eq!(duckdb::run(zoned, &json!(null)).unwrap(), json!("2026-01-01 08:00:00"));
    let error = duckdb::run("raise ValueError('boom')", &json!(null)).unwrap_err();
    assert!(error.contains("ValueError: boom"), "{error}");
}

#[test]
fn postgresql_parses() {
    support::engine!("pglast");
    let window = "SELECT w.window_start, count(*) FILTER (WHERE w.a ~ '^x') FROM TUMBLE(t, at, INTERVAL '1 minute') AS w \
                  GROUP BY w.window_start EMIT ON WINDOW CLOSE;";
    let looked_up = "SELECT t.a, u.b FROM t LEFT JOIN u FOR SYSTEM_TIME AS OF PROCTIME() ON t.u = u.id";
    let plain = [window, looked_up].map(pglast::plain);
    assert_eq!(plain[1], "SELECT t.a, u.b FROM t LEFT JOIN u ON t.u = u.id");
    assert_eq!(pglast::refused(&plain), []);
    let refused =
        pglast::refused(&[window, "SELECT 1", "SELECT 1; SELECT 2", "SELECT toDate(a) FROM t FINAL LIMIT 1 BY a"]);
    let told: Vec<&str> = refused.iter().map(|(_, complaint)| complaint.as_str()).collect();
    assert_eq!(told.len(), 3, "{refused:?}");
    assert!(told[0].contains("at or near \"EMIT\""), "{told:?}");
    assert_eq!(told[1], "2 statements");
    assert!(told[2].contains("at or near \"BY\""), "{told:?}");
}
