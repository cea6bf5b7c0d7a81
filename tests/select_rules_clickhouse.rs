//! Rules that every SELECT and every rollup obeys, each on a real ClickHouse and by its number in docs/targets.md: these tests
//! fail where an artefact breaks the rule. Numbers are computed by hand.

mod support;
mod warehouse;

use std::ops::ControlFlow;

use sqlparser::ast::{BinaryOperator, Expr, JoinConstraint, JoinOperator, Select, SelectItem, Visit, Visitor};
use sqlparser::dialect::ClickHouseDialect;
use sqlparser::parser::Parser;
use support::script;
use warehouse::Warehouse;

/// Columns, dimensions and metrics that are named like each other, like columns of the build's own, and like aliases of tables.
const NAMESAKES: &str = r#"
entity user {
  table: "dim.user"
  key: b
  column b: string
  column size: string
}
source call {
  table: "dwd.call"
  time: at
  column at: timestamp
  column time: timestamp?
  column size: int
  column b: user?
  column _t: int
  column _s0: int
}
dimension at     = call.size
dimension kind   = user.size else "none"
metric size      = sum(size from call)                    { grain: 1h, 1d; by: at; serve: stream(1m) }
metric time_size = sum(size from call dated time)         { grain: 1d; serve: live }
metric large     = sum(size from call where size > 10)    { grain: 1h, 1d; by: kind; serve: live }
metric own       = sum(_t from call where _s0 = 1) + sum(_s0 from call) { grain: 1d; serve: stream(1m) }
metric _s1       = size / own                             { grain: 1d; serve: stream(1m) }
"#;

#[test]
fn ch06_a_name_that_many_things_have_is_never_taken_for_another() {
    support::engine!("clickhouse");
    let warehouse = Warehouse::new("UTC", NAMESAKES);
    warehouse.insert("user", "u1 | big\nu2 | small");
    warehouse.insert(
        "call",
        "2026-11-01 09:00:00 | 2026-11-05 00:00:00 | 5  | u1 | 7  | 1
         2026-11-01 09:30:00 |                     | 20 | u1 | 9  | 1
         2026-11-01 10:00:00 | 2026-11-05 23:00:00 | 20 | u2 | 11 | 2
         2026-11-02 10:00:00 | 2026-11-06 00:00:00 | 30 |    | 13 | 2",
    );
    warehouse.refresh();
    assert_eq!(
        warehouse.view("size__1d"),
        ["2026-11-01 00:00:00.000 | 5 | 5", "2026-11-01 00:00:00.000 | 20 | 40", "2026-11-02 00:00:00.000 | 30 | 30"]
    );
    assert_eq!(warehouse.view("time_size__1d"), ["2026-11-05 00:00:00.000 | 25", "2026-11-06 00:00:00.000 | 30"]);
    assert_eq!(
        warehouse.view("large__1d"),
        [
            "2026-11-01 00:00:00.000 | big | 20",
            "2026-11-01 00:00:00.000 | small | 20",
            "2026-11-02 00:00:00.000 | none | 30"
        ]
    );
    // 7 + 9, and 1 + 1 + 2; then 0 and 2.
    assert_eq!(warehouse.view("own__1d"), ["2026-11-01 00:00:00.000 | 20", "2026-11-02 00:00:00.000 | 2"]);
    assert_eq!(warehouse.view("_s1__1d"), ["2026-11-01 00:00:00.000 | 2.25", "2026-11-02 00:00:00.000 | 15"]);
}

/// The parts of a SELECT that read columns, where none may stand without its table.
struct Bare(Vec<String>);

impl Visitor for Bare {
    type Break = ();

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        if select.from.is_empty() {
            return ControlFlow::Continue(());
        }
        let read = select.projection.iter().filter_map(|item| match item {
            SelectItem::ExprWithAlias { expr, .. } | SelectItem::UnnamedExpr(expr) => Some(expr),
            _ => None,
        });
        for expr in read.chain(&select.selection).chain(&select.prewhere) {
            let mut found = Found { lambdas: Vec::new(), bare: Vec::new() };
            let _ = expr.visit(&mut found);
            self.0.extend(found.bare.into_iter().map(|name| format!("{name} in {expr}")));
        }
        ControlFlow::Continue(())
    }
}

/// Names without a table in an expression, but for the parameters of functions within it.
struct Found {
    lambdas: Vec<String>,
    bare: Vec<String>,
}

impl Visitor for Found {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match expr {
            Expr::Lambda(lambda) => self.lambdas.push(lambda.params.to_string()),
            Expr::Identifier(name) if !self.lambdas.iter().any(|one| one.contains(&name.value)) => {
                self.bare.push(name.to_string());
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

#[test]
fn ch06_every_column_that_is_read_names_its_table() {
    for declarations in [NAMESAKES, EMPTIES, STEPS] {
        let emitted = Warehouse::emitted("UTC", declarations, "");
        let mut selects = 0;
        for artifact in &emitted.artifacts {
            for statement in script::statements(&artifact.text) {
                let Some(at) = statement.find("SELECT") else { continue };
                let select = &statement[at..];
                let parsed = Parser::parse_sql(&ClickHouseDialect {}, select);
                // What has a parameter or a clause of the engine alone is not read by this parser.
                let Ok(parsed) = parsed else { continue };
                selects += 1;
                let mut bare = Bare(Vec::new());
                let _ = parsed.visit(&mut bare);
                assert_eq!(bare.0, [""; 0], "{}: {select}", artifact.path);
            }
        }
        assert!(selects > 5, "{selects} statements are read");
    }
}

#[test]
fn ch07_every_dimension_of_a_rollup_is_in_its_key() {
    support::engine!("clickhouse");
    let warehouse = Warehouse::new("UTC", STEPS);
    warehouse.insert(
        "call",
        "2026-11-01 00:10:00 | a | x | 1\n2026-11-01 00:11:00 | a | y | 2\n2026-11-01 00:12:00 | b | x | 4\n2026-11-01 00:13:00 | | x | 8",
    );
    let mut keys = 0;
    for rollup in warehouse.emitted.details["rollups"].as_array().expect("a list") {
        let table = rollup["table"].as_str().expect("a name");
        let (database, name) = table.split_once('.').expect("a database");
        let key = warehouse
            .lines(&format!("SELECT sorting_key FROM system.tables WHERE database = '{database}' AND name = '{name}'"));
        let key: Vec<&str> = key[0].split(", ").collect();
        let columns = warehouse.lines(&format!(
            "SELECT name FROM system.columns WHERE database = '{database}' AND table = '{name}' AND name NOT LIKE '\\\\_s%' ORDER BY position"
        ));
        for column in &columns {
            assert!(key.contains(&column.as_str()), "{table}: {column} is not among {key:?}");
        }
        keys += columns.len();
        // Merged, rows of different values stay apart.
        warehouse.execute(&format!("OPTIMIZE TABLE {table} FINAL"));
    }
    assert!(keys > 4, "{keys}");
    assert_eq!(
        warehouse.view("calls__1d"),
        [
            "2026-11-01 00:00:00.000 | ? | x | 1",
            "2026-11-01 00:00:00.000 | a | x | 1",
            "2026-11-01 00:00:00.000 | a | y | 1",
            "2026-11-01 00:00:00.000 | b | x | 1"
        ]
    );
    // A further dimension is another table, beside the one that is read.
    let more = STEPS.replace("by: api, kind;", "by: api;");
    let tables = |declarations: &str| {
        let emitted = Warehouse::emitted("UTC", declarations, "");
        let rollups = emitted.details["rollups"].as_array().expect("a list").clone();
        rollups.iter().map(|one| one["table"].to_string()).collect::<Vec<_>>()
    };
    assert!(tables(&more).iter().all(|table| !tables(STEPS).contains(table)), "{:?}", tables(&more));
}

#[test]
fn ch08_what_a_view_gives_has_the_names_and_the_order_of_its_table() {
    support::engine!("clickhouse");
    for declarations in [NAMESAKES, EMPTIES, STEPS] {
        let warehouse = Warehouse::new("Asia/Kolkata", declarations);
        let views = warehouse.session.query(
            "SELECT concat(database, '.', name), as_select, extract(create_table_query, ' TO (\\\\S+)') \
             FROM system.tables WHERE engine = 'MaterializedView'",
        );
        let views = views.expect("views").rows;
        assert!(!views.is_empty());
        for view in views {
            let cell = |at: usize| view[at].as_deref().expect("a text");
            let names = |of: &str| {
                let described = warehouse.session.query(&format!("DESCRIBE TABLE {of}")).expect("columns");
                described.rows.into_iter().map(|row| row[0].clone().expect("a name")).collect::<Vec<_>>()
            };
            assert_eq!(names(&format!("({})", cell(1))), names(cell(2)), "{}", cell(0));
        }
        // Nothing is changed in its place: what fills a table is made with it.
        let altered = warehouse.emitted.artifacts.iter().any(|artifact| artifact.text.contains("MODIFY QUERY"));
        assert!(!altered);
    }
}

/// Aggregates over no rows, divisors that are zero.
const EMPTIES: &str = r#"
source call {
  table: "dwd.call"
  time: at
  column at: timestamp
  column size: int
  column cost: decimal(18,4)
  column took: duration(ms)?
}
metric calls  = count(call)                              { grain: 1d; serve: stream(1m) }
metric least  = min(size from call where size > 100)     { grain: 1d; serve: stream(1m) }
metric mean   = avg(cost from call where size > 100)     { grain: 1d; serve: stream(1m) }
metric newest = last(size from call where size > 100)    { grain: 1d; serve: stream(1m) }
metric middle = p50(took from call)                      { grain: 1d; serve: stream(1m) }
metric cost   = sum(cost from call where size > 100)     { grain: 1d; serve: stream(1m) }
metric all_of = if(calls > 0, coalesce(least, -1) + coalesce(mean, -10) + coalesce(newest, -100), 0) { grain: 1d; serve: stream(1m) }
metric third  = calls / sum(size from call)              { grain: 1d; serve: stream(1m) }
metric each   = sum(cost from call) / cost               { grain: 1d; serve: stream(1m) }
metric none   = calls / (calls - calls)                  { grain: 1d; serve: stream(1m) }
"#;

#[test]
fn ch12_over_nothing_there_is_null_and_a_zero_divides_nothing() {
    support::engine!("clickhouse");
    let warehouse = Warehouse::new("UTC", EMPTIES);
    warehouse.insert("call", "2026-11-01 09:00:00 | 3 | 1.5 |");
    let day = "2026-11-01 00:00:00.000";
    let value = |metric: &str| {
        warehouse.lines(&format!("SELECT toString(time), ifNull(toString({metric}), 'null') FROM metrics.{metric}__1d"))
    };
    // Not 0, not NaN: of no rows there is no least, mean, last or middle.
    assert_eq!(value("all_of"), [format!("{day} | -111")]);
    assert_eq!(value("middle"), [format!("{day} | null")]);
    // A ratio of ints or decimals is none of either: 1 / 3.
    assert_eq!(value("third"), [format!("{day} | 0.3333333333333333")]);
    assert_eq!((value("each"), value("none")), (vec![format!("{day} | null")], vec![format!("{day} | null")]));
    // Sums are wider than what they add up.
    let huge = i64::MAX;
    warehouse.insert("call", &format!("2026-11-01 10:00:00 | {huge} | 1 |\n2026-11-01 10:00:00 | {huge} | 1 |"));
    let shown = warehouse.lines(
        "SELECT toString(third = 3 / (toFloat64(3) + 2 * toFloat64(9223372036854775807))) FROM metrics.third__1d",
    );
    assert_eq!(shown, ["1"]);
    // An estimate of quantiles that saturates is never used.
    assert!(warehouse.emitted.artifacts.iter().all(|artifact| !artifact.text.contains("quantileTiming")));
}

/// Rollups of minutes, hours and days, and weeks put together out of them.
const STEPS: &str = r#"
source call {
  table: "dwd.call"
  time: at
  column at: timestamp
  column api: string?
  column kind: string
  column size: int
}
dimension api  = call.api else "?"
dimension kind = call.kind
metric calls  = count(call)          { grain: 1h, 1d; by: api, kind; serve: stream(1m) }
metric weekly = sum(size from call)  { grain: 1h, 1d, 1w, month; serve: stream(1m) }
metric hours  = count(count(call) per 1h where value > 0) { grain: 1d; serve: live }
"#;

#[test]
fn ch13_days_and_weeks_are_those_of_the_project_whatever_the_session_says() {
    support::engine!("clickhouse");
    // Midnight in India is at half past six in the evening in UTC; 1 November 2026 is a Sunday.
    let india = ["2026-10-31 23:59:59", "2026-11-01 00:00:00", "2026-11-01 00:29:59", "2026-11-01 00:30:00"];
    // Clocks go back on 1 November in New York: its day has 25 hours, and 01:30 comes twice (once with an offset of 4 hours).
    let new_york = ["2026-10-31 23:59:59", "2026-11-01 00:00:00", "2026-11-01 23:59:59", "2026-11-02 00:00:00"];
    for (zone, times, days) in [
        ("Asia/Kolkata", india, ["2026-10-31 00:00:00.000 | 1", "2026-11-01 00:00:00.000 | 14"].as_slice()),
        (
            "America/New_York",
            new_york,
            &["2026-10-31 00:00:00.000 | 1", "2026-11-01 00:00:00.000 | 6", "2026-11-02 00:00:00.000 | 8"],
        ),
    ] {
        let warehouse = Warehouse::new(zone, STEPS);
        for (at, time) in times.iter().enumerate() {
            warehouse.insert("call", &format!("{time} | a | x | {}", 1 << at));
        }
        let views = ["weekly__1h", "weekly__1d", "weekly__1w", "weekly__1month", "hours__1d"];
        let shown: Vec<Vec<String>> = views.iter().map(|view| warehouse.view(view)).collect();
        assert_eq!(shown[1], days, "{zone}");
        // Weeks begin on Monday.
        assert_eq!(shown[2][0].split(" | ").next(), Some("2026-10-26 00:00:00.000"), "{zone}");
        for session in ["UTC", "Asia/Tokyo", "America/Los_Angeles"] {
            warehouse.execute(&format!("SET session_timezone = '{session}'"));
            let again: Vec<Vec<String>> = views.iter().map(|view| warehouse.view(view)).collect();
            assert_eq!(again, shown, "{zone} read in {session}");
        }
        warehouse.execute("SET session_timezone = ''");
        // No bucket and no column leaves its zone to the session.
        let without = warehouse.lines(
            "SELECT concat(table, '.', name) FROM system.columns \
             WHERE database IN ('metrics', 'dwd') AND type LIKE '%DateTime%' AND type NOT LIKE '%\\'%'",
        );
        assert_eq!(without, [""; 0], "{zone}");
    }
}

/// What is looked up behind a history is found by values of several tables.
const HISTORIES: &str = r#"
entity company {
  table: "dim.company"
  key: company_id
  snapshot: day
  column company_id: string
  column day: date
  column size: int?
}
entity user {
  table: "dim.user"
  key: user_id
  valid: since, until
  column user_id: string
  column since: timestamp
  column until: timestamp?
  column level: string?
  column company: company?
}
source call {
  table: "dwd.call"
  time: at
  column at: timestamp
  column user_id: user?
}
dimension level = user.level else "none"
metric calls     = count(call)
metric of_large  = count(call where user_id.company.size > 1)  { grain: 1d }
metric of_usual  = count(call where (calls per level) > 1)     { grain: 1d }
"#;

/// The conditions of joins behind one that compares with `<`.
struct Behind(Vec<Expr>);

impl Visitor for Behind {
    type Break = ();

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        for joins in select.from.iter().map(|from| &from.joins) {
            let conditions: Vec<&Expr> = (joins.iter())
                .filter_map(|join| match &join.join_operator {
                    JoinOperator::Left(JoinConstraint::On(on)) | JoinOperator::LeftOuter(JoinConstraint::On(on)) => {
                        Some(on)
                    }
                    _ => None,
                })
                .collect();
            let first = conditions.iter().position(|on| on.to_string().contains('<'));
            self.0.extend(conditions.into_iter().skip(first.map_or(usize::MAX, |at| at + 1)).cloned());
        }
        ControlFlow::Continue(())
    }
}

#[test]
fn ch23_behind_the_look_up_of_a_history_a_join_compares_one_value() {
    let emitted = Warehouse::emitted("UTC", HISTORIES, "");
    let mut behind = Behind(Vec::new());
    for artifact in &emitted.artifacts {
        for statement in script::statements(&artifact.text) {
            let Some(select) = statement.find("SELECT").map(|at| &statement[at..]) else { continue };
            let Ok(parsed) = Parser::parse_sql(&ClickHouseDialect {}, select) else { continue };
            let _ = parsed.visit(&mut behind);
        }
    }
    assert!(behind.0.len() >= 2, "{:?}", behind.0);
    for on in &behind.0 {
        let one = matches!(on, Expr::BinaryOp { left, op: BinaryOperator::Eq, right }
            if matches!((&**left, &**right), (Expr::Tuple(_), Expr::Tuple(_))));
        assert!(one, "{on}");
    }
}
