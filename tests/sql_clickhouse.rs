//! The SQL of hand-made plans on the real ClickHouse: every function, hand-computed answers, rollups against their sources.

mod plans;
mod support;

use metricc::diagnostic::{FileId, Span, Spanned};
use metricc::emit::{Emitted, Input, MetricView, Upkeep, emit};
use metricc::plan::{Aggregate, DataType, Expr, Guard, Interval, Query, Step, Value, WeekStart};
use metricc::project::{ClickhouseTarget, Target, TargetSettings};
use metricc::rollup::Statistics;
use metricc::sql::memo::Memo;
use metricc::sql::{self, CLICKHOUSE, Options};
use metricc::types::Serve;

use plans::{CALL, EVENT, by, call_scan, col, count, event_scan, id, leaf, measure, question, with, with_leaf};
use support::clickhouse::Session;
use support::table::Table;

/// A fresh server with the empty source tables of the plans.
fn sources() -> Session {
    let session = Session::exclusive();
    apply(&session, &build(Vec::new()), &["00_database", "10_sources"]);
    session
}

fn build(metrics: Vec<MetricView>) -> Emitted {
    let settings = ClickhouseTarget { create_sources: true, ..ClickhouseTarget::default() };
    let name = Spanned::new("warehouse".to_owned(), Span::new(FileId(0), 0, 0));
    let target = Target { file: FileId(0), name, settings: TargetSettings::Clickhouse(settings) };
    let zone = chrono_tz::Asia::Shanghai;
    let input = Input {
        tables: plans::tables(),
        upkeep: plans::tables().iter().map(|_| Upkeep::default()).collect(),
        statistics: Statistics::default(),
        zone,
        week_start: WeekStart(chrono::Weekday::Mon),
        metrics,
        changes: Vec::new(),
        reports: Vec::new(),
        boards: Vec::new(),
        qualities: Vec::new(),
        alerts: Default::default(),
        memo: Memo::default(),
    };
    let (emitted, diagnostics) = emit(&input, &target);
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    emitted
}

fn apply(session: &Session, emitted: &Emitted, parts: &[&str]) {
    for artifact in emitted.artifacts.iter().filter(|artifact| parts.iter().any(|part| artifact.path.contains(part))) {
        if let Err((statement, error)) = session.apply(&artifact.text) {
            panic!("{}: {statement}\n{error}", artifact.path);
        }
    }
}

fn run(session: &Session, sql: &str) {
    session.execute(sql).unwrap_or_else(|error| panic!("{sql}\n{error}"));
}

fn text(query: &Query) -> String {
    sql::to_text(&sql::select(query, &CLICKHOUSE, &Options::default()).expect("can be said"), &CLICKHOUSE)
}

fn lines(session: &Session, sql: &str) -> Vec<String> {
    session.query(sql).unwrap_or_else(|error| panic!("{sql}\n{error}")).lines()
}

fn answer(session: &Session, query: &Query) -> Vec<String> {
    lines(session, &text(query))
}

#[test]
fn every_function_means_what_the_plan_says() {
    support::engine!("clickhouse");
    let session = sources();
    run(
        &session,
        "INSERT INTO dwd.api_call VALUES \
         ('2026-11-01 08:30:00.250', '数据abc', -7, true, 1500, -1.2345, 2.5, '2026-11-01', NULL)",
    );
    let cases = plans::functions::cases();
    assert!(cases.len() > 200, "{}", cases.len());
    let mut wrong = Vec::new();
    for (expr, expected) in cases {
        let is_decimal = matches!(expr.ty, DataType::Decimal { .. });
        let query = by(question(None, vec![call_scan(vec![count()])]), "x", vec![expr]);
        let sql = text(&with_leaf(query, "n", id(0, 0)));
        let got = match session.query(&sql) {
            Ok(table) => table.rows[0][0].clone().unwrap_or_else(|| "\\N".to_owned()),
            Err(error) => error,
        };
        // The engine leaves the last zeros of a decimal out.
        let expected = match is_decimal && expected.contains('.') {
            true => expected.trim_end_matches('0').trim_end_matches('.'),
            false => expected,
        };
        if got != expected {
            wrong.push(format!("{sql}\nexpected {expected}, got {got}"));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n\n"));
}

const EVENTS: &str = "INSERT INTO dwd.dwd_event_app VALUES \
    ('e1', 1793462400000, 'login', 'u1', 'ios', NULL, {'b': '1', 'a': '2'}), \
    ('e1', 1793462400000, 'login', 'u1', 'ios', NULL, {'a': '2', 'b': '1'}), \
    ('e1', 1793462300000, 'pay',   'u2', 'web', 'x',  {}), \
    ('e2', 1793548799999, 'login', NULL, 'web', NULL, {}), \
    ('e3', 1793548800000, 'login', 'u1', 'web', NULL, {}), \
    ('e4', 1793548800001, 'pay',   'u3', 'web', NULL, {})";

const ORDERS: &str = "INSERT INTO dwd.dwd_order VALUES \
    ('o1', '2026-11-01 10:00:00', '2026-11-01 10:00:00', NULL,                  'u1', 'ios', NULL), \
    ('o1', '2026-11-01 10:00:00', '2026-11-02 10:00:00', '2026-11-02 09:00:00', 'u1', 'ios', '10.50'), \
    ('o1', '2026-11-01 10:00:00', '2026-11-02 10:00:00', '2026-11-02 09:00:00', 'u1', 'web', '99.00'), \
    ('o2', '2026-11-02 10:00:00', '2026-11-02 10:00:00', '2026-11-04 09:00:00', 'u2', 'ios', NULL), \
    ('o3', '2026-11-02 10:00:00', '2026-11-02 11:00:00', '2026-11-02 12:00:00', 'u2', 'ios', '0.25')";

/// Two days of events and orders: e1 is sent three times (the earliest is of the day before), o1 changes and ties.
fn events_and_orders() -> Session {
    let session = sources();
    run(&session, EVENTS);
    run(&session, ORDERS);
    run(
        &session,
        "INSERT INTO dim.dim_user VALUES ('u1', NULL, 'BJ', 'o1', false), ('u1', NULL, 'AH', 'o1', false), ('u2', NULL, NULL, 'o9', true)",
    );
    run(&session, "INSERT INTO dim.dim_org VALUES ('o1', 'One')");
    session
}

#[test]
fn clean_rows_are_the_earliest_or_latest_of_their_key() {
    support::engine!("clickhouse");
    let session = events_and_orders();
    let days = with_leaf(question(Some(Step::Day), vec![event_scan(vec![count()])]), "events", id(0, 0));
    let expected = ["2026-10-31 00:00:00.000 | 1", "2026-11-01 00:00:00.000 | 1", "2026-11-02 00:00:00.000 | 2"];
    assert_eq!(answer(&session, &days), expected);
    // Of the equally late versions of o1 the one with the smaller client stays.
    let gmv = measure(Aggregate::Sum(col(plans::ORDER, "pay_amount")), None);
    let gmv = with_leaf(question(Some(Step::Day), vec![plans::paid_scan(vec![gmv])]), "gmv", id(0, 0));
    assert_eq!(answer(&session, &gmv), ["2026-11-02 00:00:00.000 | 10.75", "2026-11-04 00:00:00.000 | 0"]);
}

#[test]
fn look_ups_find_one_row_or_null() {
    support::engine!("clickhouse");
    let session = events_and_orders();
    let (_, query) = plans::shown().into_iter().find(|(name, _)| *name == "look_ups_in_two_hops").unwrap();
    assert_eq!(answer(&session, &query), ["AH | One | 1", "unknown | NULL | 3"]);
}

#[test]
fn scans_are_joined_in_full_and_guard_their_start() {
    support::engine!("clickhouse");
    let session = events_and_orders();
    let gmv = || measure(Aggregate::Sum(col(plans::ORDER, "pay_amount")), None);
    let mut query = question(Some(Step::Day), vec![plans::paid_scan(vec![gmv()]), event_scan(vec![count()])]);
    query.scans[0].guard = Some(Guard::Of(Interval::default()));
    query.scans[1].guard = Some(Guard::Of(Interval::default()));
    let query = with_leaf(query, "gmv", id(0, 0));
    let query = with(query, "sum", |query| {
        let events = plans::call(metricc::plan::Function::Cast, vec![leaf(query, id(1, 0))], leaf(query, id(0, 0)).ty);
        let ty = events.ty.clone();
        plans::maybe(metricc::plan::Function::Add, vec![leaf(query, id(0, 0)), events], ty)
    });
    // No order before 11-02; no event on 11-04, which is 0 in a formula and no row of its own.
    let expected = [
        "2026-10-31 00:00:00.000 | NULL | NULL",
        "2026-11-01 00:00:00.000 | NULL | NULL",
        "2026-11-02 00:00:00.000 | 10.75 | 12.75",
        "2026-11-04 00:00:00.000 | 0 | 0",
    ];
    assert_eq!(answer(&session, &query), expected);
    let mut total = Query { step: None, ..query.clone() };
    total.scans.iter_mut().for_each(|scan| scan.guard = None);
    assert_eq!(answer(&session, &total), ["10.75 | 14.75"]);
    let mut early = total;
    let end = 1_793_548_800_000;
    early.to = Some(end);
    early.scans.iter_mut().for_each(|scan| (scan.to, scan.guard) = (early.to, Some(Guard::Until(end))));
    assert_eq!(answer(&session, &early), ["NULL | NULL"]);
}

#[test]
fn an_answer_without_keys_is_one_row_even_over_nothing() {
    support::engine!("clickhouse");
    let session = sources();
    let sum = measure(Aggregate::Sum(col(CALL, "cost")), Some(col(CALL, "ok")));
    let max = measure(Aggregate::Max(col(CALL, "load")), None);
    let query = question(None, vec![call_scan(vec![count(), sum, max]), event_scan(vec![count()])]);
    let query = with_leaf(with_leaf(with_leaf(query, "n", id(0, 0)), "cost", id(0, 1)), "max", id(0, 2));
    assert_eq!(answer(&session, &with_leaf(query, "events", id(1, 0))), ["0 | 0 | NULL | 0"]);
    let alone = with_leaf(question(None, vec![call_scan(vec![count()])]), "n", id(0, 0));
    assert_eq!(answer(&session, &alone), ["0"]);
    let by_api = by(alone, "api", vec![col(CALL, "api")]);
    assert!(answer(&session, &by_api).is_empty());
}

#[test]
fn a_metric_without_rows_is_null_beside_one_with_rows() {
    support::engine!("clickhouse");
    let session = events_and_orders();
    let pays = measure(Aggregate::CountRows, Some(plans::named("pay")));
    let query = question(Some(Step::Day), vec![event_scan(vec![count(), pays])]);
    let query = with_leaf(with_leaf(query, "events", id(0, 0)), "pays", id(0, 1));
    let expected =
        ["2026-10-31 00:00:00.000 | 1 | 1", "2026-11-01 00:00:00.000 | 1 | NULL", "2026-11-02 00:00:00.000 | 2 | 1"];
    assert_eq!(answer(&session, &query), expected);
    // Alone it has no row there at all.
    let pays = measure(Aggregate::CountRows, Some(plans::named("pay")));
    let alone = with_leaf(question(Some(Step::Day), vec![event_scan(vec![pays])]), "pays", id(0, 0));
    assert_eq!(answer(&session, &alone).len(), 2);
}

/// Settings that users have in their profiles, and that would change what plain SQL means.
const SETTINGS: &[&str] = &[
    "join_use_nulls = 1",
    "transform_null_in = 1",
    "aggregate_functions_null_for_empty = 1",
    "prefer_column_name_to_alias = 1",
    "session_timezone = 'America/New_York'",
    "output_format_decimal_trailing_zeros = 0, date_time_output_format = 'simple', bool_true_representation = 'true'",
    "least_greatest_legacy_null_behavior = 1",
    "group_by_use_nulls = 1",
    "union_default_mode = 'DISTINCT'",
    "max_threads = 1",
    "optimize_aggregation_in_order = 1",
    "join_algorithm = 'full_sorting_merge'",
    "enable_positional_arguments = 0",
];

#[test]
fn no_setting_of_the_session_changes_an_answer() {
    support::engine!("clickhouse");
    let session = events_and_orders();
    calls(&session, 1);
    for (name, query) in plans::shown() {
        let sql = text(&query);
        let plain = session.query(&sql).unwrap_or_else(|error| panic!("{sql}\n{error}"));
        assert!(!plain.rows.is_empty(), "{name}");
        for setting in SETTINGS {
            let other =
                session.query(&format!("{sql} SETTINGS {setting}")).unwrap_or_else(|e| panic!("{setting}: {e}"));
            compare(&other, &plain, &format!("{name} with {setting}"));
        }
    }
}

/// Buckets of the engine against those of the plan, over changes of the clock and odd offsets.
#[test]
fn buckets_start_where_the_plan_says() {
    support::engine!("clickhouse");
    let zones = [
        chrono_tz::Asia::Shanghai,
        chrono_tz::UTC,
        chrono_tz::Asia::Kolkata,
        chrono_tz::America::New_York,
        chrono_tz::America::Sao_Paulo,
        chrono_tz::Australia::Lord_Howe,
    ];
    let steps = [
        Step::Subday(60_000),
        Step::Subday(90 * 60_000),
        Step::Subday(6 * 3_600_000),
        Step::Subday(8 * 3_600_000),
        Step::Day,
        Step::Week,
        Step::Month,
        Step::Quarter,
        Step::Year,
    ];
    let session = sources();
    let times: Vec<i64> = times();
    for (at, block) in times.chunks(200).enumerate() {
        let rows: Vec<String> = block
            .iter()
            .enumerate()
            .map(|(i, ms)| format!("('t{at}_{i}', {ms}, 'x', NULL, 'web', NULL, {{}})"))
            .collect();
        run(
            &session,
            &format!(
                "INSERT INTO dwd.dwd_event_app SETTINGS max_partitions_per_insert_block = 0 VALUES {}",
                rows.join(", ")
            ),
        );
    }
    for zone in zones {
        for (step, week_start) in
            steps.into_iter().map(|step| (step, chrono::Weekday::Mon)).chain([(Step::Week, chrono::Weekday::Sat)])
        {
            let week_start = WeekStart(week_start);
            let truncated = Expr::call(
                metricc::plan::Function::Truncate,
                vec![col(EVENT, "event_time"), plans::text(&step.text())],
                DataType::Timestamp,
                false,
            );
            let query = Query { zone, week_start, ..question(Some(step), vec![event_scan(vec![count()])]) };
            let query = by(query, "again", vec![truncated]);
            let query = with_leaf(query, "n", id(0, 0));
            let sql = format!(
                "SELECT toUnixTimestamp64Milli(time), toUnixTimestamp64Milli(again), n FROM ({})",
                text(&query)
            );
            let mut expected: Vec<i64> = times.iter().map(|ms| step.bucket(*ms, zone, week_start)).collect();
            expected.sort_unstable();
            expected.dedup();
            let got = session.query(&sql).unwrap_or_else(|error| panic!("{sql}\n{error}"));
            let cell = |row: &[Option<String>], at: usize| row[at].as_deref().unwrap_or("").parse::<i64>().unwrap();
            let mut starts: Vec<i64> = got.rows.iter().map(|row| cell(row, 0)).collect();
            starts.sort_unstable();
            assert!(got.rows.iter().all(|row| row[0] == row[1]), "{zone} {}", step.text());
            assert_eq!(starts, expected, "{zone} {} {week_start:?}", step.text());
        }
    }
}

/// Instants around both changes of the clock, ends of months and years, and the epoch.
fn times() -> Vec<i64> {
    let centers = [
        0,
        1_772_953_200_000, // New York, spring 2026
        1_793_511_000_000, // New York, autumn 2026
        1_541_300_400_000, // Sao Paulo skips midnight, 2018
        1_518_919_200_000, // Sao Paulo's midnight comes twice, 2018
        1_798_675_200_000, // 2026-12-31
        1_709_164_800_000, // a leap day
        1_775_316_600_000, // Lord Howe moves by half an hour
        -30_000_000_000,
    ];
    let offsets = (-30..30).map(|half_hours| half_hours * 1_800_000);
    let near = move |center: i64| offsets.clone().flat_map(move |offset| [center + offset, center + offset - 1]);
    let mut all: Vec<i64> = centers.into_iter().flat_map(near).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Rows of calls over two months, the same for each `part` of `parts` together.
fn call_rows() -> Vec<String> {
    let number = |at: i64, salt: i64| (at * 7_919 + salt * 104_729) % 1_000;
    (0..600)
        .map(|at| {
            let ms = 1_793_462_400_000 + number(at, 1) * 5_400_000 + number(at, 2) * 977;
            let null = |of: i64, text: String| if number(at, of) < 150 { "NULL".to_owned() } else { text };
            format!(
                "(fromUnixTimestamp64Milli({ms}), 'api{}', {}, {}, {}, {}, {}, {}, {})",
                number(at, 3) % 4,
                null(4, number(at, 4).to_string()),
                number(at, 5) < 700,
                null(6, number(at, 6).to_string()),
                null(7, format!("toDecimal64('{}.{:04}', 4)", number(at, 7) - 500, number(at, 8))),
                null(9, format!("{}.5", number(at, 9) - 300)),
                null(10, format!("toDate32('2026-11-{:02}')", number(at, 10) % 28 + 1)),
                null(11, format!("'n{}'", number(at, 11) % 9)),
            )
        })
        .collect()
}

/// Inserts the calls in so many blocks, the last of them twice: a retry.
fn calls(session: &Session, blocks: usize) {
    let rows = call_rows();
    let size = rows.len().div_ceil(blocks);
    let insert = |rows: &[String]| {
        run(
            session,
            &format!(
                "INSERT INTO dwd.api_call SETTINGS deduplicate_blocks_in_dependent_materialized_views = 1 VALUES {}",
                rows.join(", ")
            ),
        );
    };
    for block in rows.chunks(size) {
        insert(block);
    }
    if let Some(last) = rows.chunks(size).last() {
        insert(last);
    }
}

/// Metrics over rollups: every aggregate of every kind of number, by steps and dimensions, and over two sources.
fn streamed() -> Vec<MetricView> {
    let mut made = Vec::new();
    let mut add = |name: String, query: Query, stream: Step| {
        let step = query.step;
        made.push(MetricView {
            name,
            version: 1,
            current: true,
            title: None,
            step,
            query,
            serve: vec![Serve::Stream(stream)],
            tier: None,
            about: metricc::emit::About::default(),
            fingerprint: None,
            span: None,
        });
    };
    let minute = Step::Subday(60_000);
    for column in ["status", "took", "cost", "load"] {
        for step in [None, Some(minute), Some(Step::Subday(7_200_000)), Some(Step::Day), Some(Step::Month)] {
            add(format!("all_{column}"), plans::all_aggregates(step, &col(CALL, column)), minute);
        }
        let query = plans::all_aggregates(Some(Step::Week), &col(CALL, column));
        let query = by(by(query, "api", vec![col(CALL, "api")]), "note", vec![col(CALL, "note")]);
        add(format!("by_{column}"), query, Step::Subday(3_600_000));
    }
    let words = |aggregate: fn(Expr) -> Aggregate| measure(aggregate(col(CALL, "note")), None);
    let texts = vec![
        words(Aggregate::Min),
        words(Aggregate::Max),
        words(Aggregate::Distinct),
        words(Aggregate::First),
        words(Aggregate::Last),
        measure(Aggregate::Max(col(CALL, "day")), None),
        measure(Aggregate::Max(col(CALL, "at")), Some(col(CALL, "ok"))),
        measure(Aggregate::Min(col(CALL, "ok")), None),
    ];
    let places = texts.len();
    let query = (0..places).fold(question(Some(Step::Day), vec![call_scan(texts)]), |query, at| {
        with_leaf(query, &format!("m{at}"), id(0, at))
    });
    add("texts".to_owned(), by(query, "day", vec![col(CALL, "day")]), minute);
    let rare = equal_api("api1");
    let rare = measure(Aggregate::Sum(col(CALL, "cost")), Some(plans::and(vec![rare, col(CALL, "ok")])));
    let mut both = question(Some(Step::Day), vec![call_scan(vec![rare]), event_scan(vec![count()])]);
    both.scans[0].guard = Some(Guard::Of(Interval::default()));
    both.scans[1].guard = Some(Guard::Of(Interval::default()));
    add("both".to_owned(), with_leaf(with_leaf(both, "rare", id(0, 0)), "events", id(1, 0)), Step::Day);
    made
}

fn equal_api(name: &str) -> Expr {
    plans::equal(col(CALL, "api"), Expr::literal(Value::String(name.to_owned()), DataType::String))
}

#[test]
fn rollups_give_what_their_sources_give_in_any_number_of_blocks() {
    support::engine!("clickhouse");
    for blocks in [1, 2, 10] {
        let metrics = streamed();
        let emitted = build(metrics.clone());
        let session = Session::exclusive();
        apply(&session, &emitted, &["00_", "10_", "20_", "30_", "40_", "50_", "90_"]);
        calls(&session, blocks);
        run(&session, EVENTS);
        for rollup in emitted.details["rollups"].as_array().expect("a list") {
            if rollup["filled"] == "rebuilt" {
                let view = rollup["view"].as_str().expect("a name");
                run(&session, &format!("SYSTEM REFRESH VIEW {view}"));
                run(&session, &format!("SYSTEM WAIT VIEW {view}"));
            }
        }
        for (metric, view) in metrics.iter().zip(emitted.details["metrics"].as_array().expect("a list")) {
            assert!(!view["rollups"].as_array().expect("a list").is_empty(), "{} is not rolled up", metric.name);
            let name = view["view"].as_str().expect("a name");
            let keys = metric.query.keys();
            let order = (1..=keys).map(|key| format!("{key} NULLS LAST")).collect::<Vec<_>>().join(", ");
            let order = if order.is_empty() { order } else { format!(" ORDER BY {order}") };
            let rolled =
                session.query(&format!("SELECT * FROM {name}{order}")).unwrap_or_else(|e| panic!("{name}\n{e}"));
            let live = session.query(&text(&metric.query)).unwrap_or_else(|e| panic!("{name}\n{e}"));
            compare(&rolled, &live, &format!("{name} in {blocks} blocks"));
        }
    }
}

/// Equal rows, up to what floats allow.
fn compare(got: &Table, expected: &Table, what: &str) {
    assert_eq!(got.columns, expected.columns, "{what}");
    assert_eq!(got.rows.len(), expected.rows.len(), "{what}");
    for (got_row, expected_row) in got.rows.iter().zip(&expected.rows) {
        for (title, (a, b)) in got.columns.iter().zip(got_row.iter().zip(expected_row)) {
            assert!(same(a, b, title), "{what}: {title} is {a:?}, not {b:?}");
        }
    }
}

/// Equal, up to 1e-9 relative where both are floats; sketches may differ by 2 %.
fn same(a: &Option<String>, b: &Option<String>, column: &str) -> bool {
    if a == b {
        return true;
    }
    let number = |cell: &Option<String>| cell.as_deref().and_then(|text| text.parse::<f64>().ok());
    let tolerance = if column.starts_with("approx") { 0.02 } else { 1e-9 };
    match (number(a), number(b)) {
        (Some(a), Some(b)) => (a - b).abs() <= tolerance * a.abs().max(b.abs()).max(10.0),
        _ => false,
    }
}
