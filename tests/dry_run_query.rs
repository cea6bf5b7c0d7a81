//! Plans by hand, run on rows by hand, against results by hand.
#![cfg(feature = "dry-run")]

use std::sync::Arc;

use metricc::dry_run::{Data, DryRun, Given, Options};
use metricc::plan::{
    Aggregate, Clean, DataType, Encoding, Expr, ExprKind, Function, Input, Join, Keep, Measure, MeasureId,
    MetricOutput, OrderBy, Origin, OutputColumn, Query, Ratio, Scan, Source, Step, StoredColumn, Table, Value,
    WeekStart,
};
use metricc::table::Answer;

const MONEY: DataType = DataType::Decimal { precision: 18, scale: 2 };
const SUM: DataType = DataType::Decimal { precision: 38, scale: 2 };

fn stored(name: &str, ty: DataType, nullable: bool) -> StoredColumn {
    StoredColumn { name: name.to_owned(), ty, nullable, encoding: Encoding::Native, domain: Vec::new() }
}

fn tables() -> Arc<Vec<Table>> {
    let order = Table {
        name: "order".to_owned(),
        physical: "dwd.dwd_order".to_owned(),
        sample: None,
        columns: vec![
            stored("order_id", DataType::String, false),
            stored("created_at", DataType::Timestamp, false),
            stored("updated_at", DataType::Timestamp, true),
            stored("user_id", DataType::String, true),
            stored("amount", MONEY, true),
            stored("wait", DataType::Duration, true),
        ],
        clean: Clean {
            key: vec!["order_id".to_owned()],
            keep: Keep::Latest("updated_at".to_owned()),
            time: Some("created_at".to_owned()),
        },
        origin: Origin::Stored,
        history: None,
    };
    let user = Table {
        name: "user".to_owned(),
        physical: "dim.dim_user".to_owned(),
        sample: None,
        columns: vec![stored("user_id", DataType::String, false), stored("province", DataType::String, true)],
        clean: Clean { key: vec!["user_id".to_owned()], keep: Keep::Earliest, time: None },
        origin: Origin::Stored,
        history: None,
    };
    let event = Table {
        name: "event".to_owned(),
        physical: "dwd.dwd_event".to_owned(),
        sample: None,
        columns: vec![
            stored("event_id", DataType::String, false),
            stored("at", DataType::Timestamp, false),
            stored("user_id", DataType::String, true),
        ],
        clean: Clean { key: vec!["event_id".to_owned()], keep: Keep::Earliest, time: Some("at".to_owned()) },
        origin: Origin::Stored,
        history: None,
    };
    Arc::new(vec![order, user, event])
}

fn base(name: &str, ty: DataType) -> Expr {
    Expr { kind: ExprKind::Column { input: Input::Base, name: name.to_owned() }, ty, nullable: true }
}

fn province() -> Expr {
    let column = Expr {
        kind: ExprKind::Column { input: Input::Join(0), name: "province".to_owned() },
        ty: DataType::String,
        nullable: true,
    };
    let unknown = Expr::literal(Value::String("unknown".to_owned()), DataType::String);
    Expr::call(Function::Coalesce, vec![column, unknown], DataType::String, false)
}

fn scan(table: usize, time: &str, joined: bool, measures: Vec<Measure>) -> Scan {
    Scan {
        joins: if joined {
            vec![Join { table: 1, key: base("user_id", DataType::String), column: "user_id".to_owned(), as_of: None }]
        } else {
            Vec::new()
        },
        dimensions: if joined { vec![Some(province())] } else { Vec::new() },
        ..Scan::new(Source::Table(table), Some(base(time, DataType::Timestamp)), measures)
    }
}

fn measure(aggregate: Aggregate, ty: DataType) -> Measure {
    Measure { filter: None, aggregate, ty }
}

fn id(scan: usize, measure: usize) -> MeasureId {
    MeasureId { scan, measure }
}

fn leaf(id: MeasureId, ty: DataType) -> Expr {
    Expr { kind: ExprKind::Measure(id), ty, nullable: true }
}

fn output(name: &str, ty: DataType) -> OutputColumn {
    OutputColumn { name: name.to_owned(), ty, nullable: true, unit: None }
}

fn metric(name: &str, formula: Expr, present: Vec<MeasureId>) -> MetricOutput {
    MetricOutput {
        column: output(name, formula.ty.clone()),
        formula,
        present: present.into_iter().map(Into::into).collect(),
        fill: None,
    }
}

fn query(step: Option<Step>, dimensions: &[&str], scans: Vec<Scan>, metrics: Vec<MetricOutput>) -> Query {
    Query {
        tables: tables(),
        step,
        dimensions: dimensions.iter().map(|name| output(name, DataType::String)).collect(),
        scans,
        metrics,
        ..Query::empty(chrono_tz::Asia::Shanghai, WeekStart(chrono::Weekday::Mon))
    }
}

/// A table from a text: cells between bars, `-` for null.
fn given(text: &str) -> Given {
    let cells = |line: &str| -> Vec<String> { line.split('|').map(|cell| cell.trim().to_owned()).collect() };
    let mut lines = text.trim().lines().map(cells);
    let columns = lines.next().unwrap();
    let rows = lines.map(|row| row.into_iter().map(|cell| (cell != "-").then_some(cell)).collect()).collect();
    Given { columns, rows }
}

fn dry_run() -> DryRun {
    let mut dry_run = DryRun::new(Options::new(chrono_tz::Asia::Shanghai)).unwrap();
    let tables = tables();
    let orders = given(
        "order_id | created_at          | updated_at       | user_id | amount | wait
         o1       | 2026-11-01 00:30:00 | 2026-11-01       | u1      | 10.00  | 1000
         o1       | 2026-11-01 00:30:00 | 2026-11-03       | u1      | 12.50  | 2000
         o1       | 2026-11-01 00:30:00 | -                | u1      | 99.00  | 9000
         o2       | 2026-11-01 23:59:59 | 2026-11-01       | u2      | 7.25   | 3001
         o2       | 2026-11-01 23:59:59 | 2026-11-01       | u2      | 7.20   | 3000
         o3       | 2026-11-02 00:00:00 | 2026-11-02       | -       | 0.01   | -
         o4       | 2026-11-04 12:00:00 | 2026-11-04       | u9      | -      | 5000
         -        | 2026-11-01 12:00:00 | 2026-11-01       | u1      | 500    | 1
         o5       | -                   | 2026-11-01       | u1      | 500    | 1",
    );
    let users = given("user_id | province\n u1 | 上海\n u2 | -\n u1 | 北京\n - | x");
    let events = given(
        "event_id | at | user_id\n e1 | 2026-11-01 | u1\n e2 | 2026-11-01 | u2\n e1 | 2026-11-02 | u7\n e3 | 2026-11-03 | u1",
    );
    for (table, given) in tables.iter().zip([orders, users, events]) {
        dry_run.register(table, &Data::Given(&given, &|_| None)).unwrap();
    }
    dry_run
}

/// The rows as texts, null as `-`.
fn shown(answer: &Answer) -> Vec<String> {
    let cell = |row, column| answer.text(row, column).unwrap_or_else(|| "-".to_owned());
    let row = |row| (0..answer.columns.len()).map(|column| cell(row, column)).collect::<Vec<_>>().join(" | ");
    (0..answer.rows.len()).map(row).collect()
}

fn gmv() -> Measure {
    measure(Aggregate::Sum(base("amount", MONEY)), SUM)
}

#[test]
fn one_row_of_a_key_counts_and_days_are_local() {
    let scans = vec![scan(0, "created_at", false, vec![measure(Aggregate::CountRows, DataType::Int), gmv()])];
    let metrics = vec![
        metric("orders", leaf(id(0, 0), DataType::Int), vec![id(0, 0)]),
        metric("gmv", leaf(id(0, 1), SUM), vec![id(0, 1)]),
    ];
    let answer = dry_run().run(&query(Some(Step::Day), &[], scans, metrics)).unwrap();
    // o1 is its latest row, o2 of equal ones the one with the smaller amount; a sum over only nulls is 0.
    assert_eq!(shown(&answer), ["2026-11-01 | 2 | 19.70", "2026-11-02 | 1 | 0.01", "2026-11-04 | 1 | 0.00"]);
    assert_eq!(answer.keys, 1);
}

#[test]
fn entities_are_looked_up_by_their_first_clean_row() {
    let scans = vec![scan(0, "created_at", true, vec![gmv()])];
    let metrics = vec![metric("gmv", leaf(id(0, 0), SUM), vec![id(0, 0)])];
    let answer = dry_run().run(&query(None, &["province"], scans, metrics)).unwrap();
    // u1 stands twice: without a time the smaller row stays; u9 is unknown, u2's province is null.
    assert_eq!(shown(&answer), ["unknown | 7.21", "上海 | 12.50"]);
}

#[test]
fn scans_are_joined_in_full_and_ratios_are_null_for_zero() {
    let scans = vec![
        scan(0, "created_at", false, vec![gmv()]),
        scan(2, "at", false, vec![measure(Aggregate::Distinct(base("user_id", DataType::String)), DataType::Int)]),
    ];
    let float = |expr: Expr| Expr::call(Function::Cast, vec![expr], DataType::Float, true);
    let ratio = Expr::call(
        Function::Divide,
        vec![float(leaf(id(0, 0), SUM)), float(leaf(id(1, 0), DataType::Int))],
        DataType::Float,
        true,
    );
    let metrics = vec![
        metric("arpu", ratio, vec![id(0, 0), id(1, 0)]),
        metric("gmv", leaf(id(0, 0), SUM), vec![id(0, 0)]),
        metric("dau", leaf(id(1, 0), DataType::Int), vec![id(1, 0)]),
    ];
    let answer = dry_run().run(&query(Some(Step::Day), &[], scans, metrics)).unwrap();
    assert_eq!(
        shown(&answer),
        [
            "2026-11-01 | 9.85 | 19.70 | 2",
            "2026-11-02 | - | 0.01 | -",
            "2026-11-03 | 0 | - | 1",
            "2026-11-04 | - | 0.00 | -",
        ]
    );
}

#[test]
fn quantiles_means_and_edges() {
    let level = |numerator| Ratio { numerator, denominator: 100 };
    let wait = || base("wait", DataType::Duration);
    let aggregates = [
        Aggregate::Quantile(wait(), level(95)),
        Aggregate::QuantileDisc(wait(), level(50)),
        Aggregate::ApproxQuantile(wait(), level(50)),
        Aggregate::Avg(wait()),
        Aggregate::Min(wait()),
        Aggregate::Max(wait()),
        Aggregate::First(wait()),
        Aggregate::Last(wait()),
    ];
    let mut measures: Vec<Measure> = aggregates.into_iter().map(|a| measure(a, DataType::Duration)).collect();
    let amount = || base("amount", MONEY);
    measures.push(measure(Aggregate::Stddev(amount()), DataType::Float));
    measures.push(measure(Aggregate::Variance(amount()), DataType::Float));
    measures.push(measure(Aggregate::Avg(amount()), DataType::Float));
    measures.push(measure(Aggregate::First(base("user_id", DataType::String)), DataType::String));
    let metrics = measures
        .iter()
        .enumerate()
        .map(|(at, m)| metric(&format!("m{at}"), leaf(id(0, at), m.ty.clone()), vec![id(0, at)]))
        .collect();
    let answer = dry_run().run(&query(None, &[], vec![scan(0, "created_at", false, measures)], metrics)).unwrap();
    // Waits 2000, 3000, null, 5000; amounts 12.50, 7.20, 0.01, null.
    let row: Vec<String> = (0..12).map(|column| answer.text(0, column).unwrap()).collect();
    assert_eq!(row[..8], ["4800", "3000", "3000", "3333", "2000", "5000", "2000", "5000"]);
    let number = |at: usize| row[at].parse::<f64>().unwrap();
    let mean = 19.71 / 3.0;
    let variance = [12.5_f64, 7.2, 0.01].iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 2.0;
    assert!((number(9) - variance).abs() < 1e-9 * variance && (number(8) - variance.sqrt()).abs() < 1e-9 * variance);
    assert!((number(10) - mean).abs() < 1e-9);
    assert_eq!(row[11], "u1");
}

#[test]
fn order_and_limit_put_nulls_last() {
    let scans = vec![
        scan(0, "created_at", true, vec![gmv()]),
        scan(2, "at", true, vec![measure(Aggregate::CountRows, DataType::Int)]),
    ];
    let metrics = vec![
        metric("gmv", leaf(id(0, 0), SUM), vec![id(0, 0)]),
        metric("events", leaf(id(1, 0), DataType::Int), vec![id(1, 0)]),
    ];
    let mut asked = query(Some(Step::Day), &["province"], scans, metrics);
    asked.order = vec![OrderBy { column: 3, descending: true }];
    asked.limit = Some(4);
    let answer = dry_run().run(&asked).unwrap();
    assert_eq!(
        shown(&answer),
        [
            "2026-11-01 | unknown | 7.20 | 1",
            "2026-11-01 | 上海 | 12.50 | 1",
            "2026-11-03 | 上海 | - | 1",
            "2026-11-02 | unknown | 0.01 | -",
        ]
    );
}

#[test]
fn empty_tables_give_one_row_of_zeros_without_keys_and_none_with() {
    let mut dry_run = DryRun::new(Options::new(chrono_tz::UTC)).unwrap();
    for table in tables().iter() {
        dry_run.register(table, &Data::Empty).unwrap();
    }
    let measures = || {
        vec![
            gmv(),
            measure(Aggregate::Avg(base("amount", MONEY)), DataType::Float),
            measure(Aggregate::Distinct(base("user_id", DataType::String)), DataType::Int),
            measure(
                Aggregate::Quantile(base("amount", MONEY), Ratio { numerator: 1, denominator: 2 }),
                DataType::Float,
            ),
            measure(Aggregate::QuantileDisc(base("amount", MONEY), Ratio { numerator: 1, denominator: 2 }), MONEY),
        ]
    };
    let metrics = || {
        measures()
            .iter()
            .enumerate()
            .map(|(at, m)| metric(&format!("m{at}"), leaf(id(0, at), m.ty.clone()), vec![id(0, at)]))
            .collect::<Vec<_>>()
    };
    let total = dry_run.run(&query(None, &[], vec![scan(0, "created_at", false, measures())], metrics())).unwrap();
    assert_eq!(shown(&total), ["0.00 | - | 0 | - | -"]);
    let days =
        dry_run.run(&query(Some(Step::Day), &[], vec![scan(0, "created_at", false, measures())], metrics())).unwrap();
    assert_eq!(days.rows.len(), 0);
}
