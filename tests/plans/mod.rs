//! Hand-made plans: small tables with every kind of column, and questions over them.
#![allow(dead_code)]

pub mod functions;

use std::sync::Arc;

use metricc::plan::{
    Aggregate, Clean, DataType, Encoding, Expr, ExprKind, Function, Guard, Input, Interval, Join, Keep, Measure,
    MeasureId, MetricOutput, Origin, OutputColumn, Query, Ratio, Scan, Source, Step, StoredColumn, Table, Value,
    WeekStart,
};

pub const EVENT: usize = 0;
pub const USER: usize = 1;
pub const ORG: usize = 2;
pub const ORDER: usize = 3;
pub const CALL: usize = 4;

pub const MONEY: DataType = DataType::Decimal { precision: 18, scale: 2 };
pub const DAY: i64 = 86_400_000;

fn column(name: &str, ty: DataType, nullable: bool) -> StoredColumn {
    StoredColumn { name: name.to_owned(), ty, nullable, encoding: Encoding::Native, domain: Vec::new() }
}

fn in_ms(name: &str, ty: DataType, nullable: bool) -> StoredColumn {
    StoredColumn { encoding: Encoding::Milliseconds, ..column(name, ty, nullable) }
}

fn table(name: &str, physical: &str, columns: Vec<StoredColumn>, key: &str, keep: Keep, time: Option<&str>) -> Table {
    let key = if key.is_empty() { Vec::new() } else { vec![key.to_owned()] };
    Table {
        name: name.to_owned(),
        physical: physical.to_owned(),
        sample: None,
        columns,
        clean: Clean { key, keep, time: time.map(str::to_owned) },
        origin: Origin::Stored,
        history: None,
    }
}

/// event and order with keys, call without; user with an org, both entities.
pub fn tables() -> Arc<Vec<Table>> {
    use DataType::{Bool, Date, Duration, Float, Int, Map, String, Timestamp};
    Arc::new(vec![
        table(
            "event",
            "dwd.dwd_event_app",
            vec![
                column("event_id", String, false),
                in_ms("event_time", Timestamp, false),
                column("event_name", String, false),
                column("user_id", String, true),
                column("platform", String, false),
                column("feature", String, true),
                column("props", Map(Box::new(String)), false),
            ],
            "event_id",
            Keep::Earliest,
            Some("event_time"),
        ),
        table(
            "user",
            "dim.dim_user",
            vec![
                column("user_id", String, false),
                column("registered_at", Timestamp, true),
                column("province", String, true),
                column("org_id", String, true),
                column("is_abnormal", Bool, false),
            ],
            "user_id",
            Keep::Earliest,
            None,
        ),
        table(
            "org",
            "dim.dim_org",
            vec![column("org_id", String, false), column("name", String, false)],
            "org_id",
            Keep::Earliest,
            None,
        ),
        table(
            "order",
            "dwd.dwd_order",
            vec![
                column("order_id", String, false),
                column("created_at", Timestamp, false),
                column("updated_at", Timestamp, false),
                column("paid_at", Timestamp, true),
                column("user_id", String, false),
                column("client", String, false),
                column("pay_amount", MONEY, true),
            ],
            "order_id",
            Keep::Latest("updated_at".to_owned()),
            Some("created_at"),
        ),
        table(
            "call",
            "dwd.api_call",
            vec![
                column("at", Timestamp, false),
                column("api", String, false),
                column("status", Int, true),
                column("ok", Bool, false),
                in_ms("took", Duration, true),
                column("cost", DataType::Decimal { precision: 18, scale: 4 }, true),
                column("load", Float, true),
                column("day", Date, true),
                column("note", String, true),
            ],
            "",
            Keep::Earliest,
            Some("at"),
        ),
    ])
}

/// A stored column of the scanned table.
pub fn col(table: usize, name: &str) -> Expr {
    of(Input::Base, table, name)
}

/// A column of a look-up; null where nothing is found.
pub fn joined(at: usize, table: usize, name: &str) -> Expr {
    Expr { nullable: true, ..of(Input::Join(at), table, name) }
}

fn of(input: Input, table: usize, name: &str) -> Expr {
    let tables = tables();
    let column = tables[table].columns.iter().find(|column| column.name == name).expect("a known column");
    let kind = ExprKind::Column { input, name: name.to_owned() };
    Expr { kind, ty: column.ty.clone(), nullable: column.nullable }
}

pub fn call(function: Function, arguments: Vec<Expr>, ty: DataType) -> Expr {
    let nullable = arguments.iter().any(|argument| argument.nullable);
    Expr::call(function, arguments, ty, nullable)
}

/// A call that may be null whatever its arguments are.
pub fn maybe(function: Function, arguments: Vec<Expr>, ty: DataType) -> Expr {
    Expr::call(function, arguments, ty, true)
}

pub fn text(value: &str) -> Expr {
    Expr::literal(Value::String(value.to_owned()), DataType::String)
}

pub fn int(value: i64) -> Expr {
    Expr::literal(Value::Int(value), DataType::Int)
}

pub fn float(value: f64) -> Expr {
    Expr::literal(Value::Float(value), DataType::Float)
}

pub fn money(cents: i128) -> Expr {
    Expr::literal(Value::Decimal(cents), MONEY)
}

pub fn null(ty: DataType) -> Expr {
    Expr::literal(Value::Null, ty)
}

pub fn equal(left: Expr, right: Expr) -> Expr {
    call(Function::Equal, vec![left, right], DataType::Bool)
}

pub fn and(parts: Vec<Expr>) -> Expr {
    Expr::all(parts).expect("some parts")
}

/// A measure with its result type.
pub fn measure(aggregate: Aggregate, filter: Option<Expr>) -> Measure {
    let wide = |ty: &DataType| match ty {
        DataType::Int => DataType::Decimal { precision: 38, scale: 0 },
        DataType::Decimal { scale, .. } => DataType::Decimal { precision: 38, scale: *scale },
        other => other.clone(),
    };
    let float_or_duration = |ty: &DataType| match ty {
        DataType::Duration => DataType::Duration,
        _ => DataType::Float,
    };
    let ty = match &aggregate {
        Aggregate::CountRows | Aggregate::Count(_) | Aggregate::Distinct(_) | Aggregate::ApproxDistinct(_) => {
            DataType::Int
        }
        Aggregate::Sum(x) => wide(&x.ty),
        Aggregate::Avg(x) | Aggregate::Quantile(x, _) | Aggregate::ApproxQuantile(x, _) => float_or_duration(&x.ty),
        Aggregate::Stddev(_) | Aggregate::Variance(_) => DataType::Float,
        Aggregate::Min(x)
        | Aggregate::Max(x)
        | Aggregate::QuantileDisc(x, _)
        | Aggregate::First(x)
        | Aggregate::Last(x) => x.ty.clone(),
    };
    Measure { filter, aggregate, ty }
}

pub fn count() -> Measure {
    measure(Aggregate::CountRows, None)
}

pub fn scan(table: usize, time: Option<Expr>, measures: Vec<Measure>) -> Scan {
    Scan::new(Source::Table(table), time, measures)
}

/// The place of a level.
pub fn level(numerator: u64, denominator: u64) -> Ratio {
    Ratio { numerator, denominator }
}

pub fn id(scan: usize, measure: usize) -> MeasureId {
    MeasureId { scan, measure }
}

/// A question over scans; metrics are added by [`with`].
pub fn question(step: Option<Step>, scans: Vec<Scan>) -> Query {
    Query { tables: tables(), step, scans, ..Query::empty(chrono_tz::Asia::Shanghai, WeekStart(chrono::Weekday::Mon)) }
}

/// The measure as a leaf of a formula.
pub fn leaf(query: &Query, at: MeasureId) -> Expr {
    let measure = &query.scans[at.scan].measures[at.measure];
    Expr { kind: ExprKind::Measure(at), ty: measure.ty.clone(), nullable: !measure.empty_is_zero() }
}

/// One more metric; its rows come from all measures that it uses.
pub fn with(mut query: Query, name: &str, formula: impl FnOnce(&Query) -> Expr) -> Query {
    let formula = formula(&query);
    let mut present = Vec::new();
    formula.walk(&mut |expr| {
        if let ExprKind::Measure(id) = expr.kind {
            present.push(id);
        }
    });
    let column = OutputColumn { name: name.to_owned(), ty: formula.ty.clone(), nullable: formula.nullable, unit: None };
    query.metrics.push(MetricOutput {
        column,
        formula,
        present: present.into_iter().map(Into::into).collect(),
        fill: None,
    });
    query
}

/// One more metric: a measure as it is.
pub fn with_leaf(query: Query, name: &str, at: MeasureId) -> Query {
    with(query, name, |query| leaf(query, at))
}

/// One more dimension, with its expression for each scan.
pub fn by(mut query: Query, name: &str, values: Vec<Expr>) -> Query {
    assert_eq!(values.len(), query.scans.len());
    let column = OutputColumn {
        name: name.to_owned(),
        ty: values[0].ty.clone(),
        nullable: values.iter().any(|value| value.nullable),
        unit: None,
    };
    query.dimensions.push(column);
    for (scan, value) in query.scans.iter_mut().zip(values) {
        scan.dimensions.push(Some(value));
    }
    query
}

pub fn event_scan(measures: Vec<Measure>) -> Scan {
    scan(EVENT, Some(col(EVENT, "event_time")), measures)
}

/// Orders by payment: rows that were never paid do not count.
pub fn paid_scan(measures: Vec<Measure>) -> Scan {
    Scan {
        filter: Some(call(Function::IsNotNull, vec![col(ORDER, "paid_at")], DataType::Bool)),
        ..scan(ORDER, Some(col(ORDER, "paid_at")), measures)
    }
}

pub fn call_scan(measures: Vec<Measure>) -> Scan {
    scan(CALL, Some(col(CALL, "at")), measures)
}

pub fn named(name: &str) -> Expr {
    equal(col(EVENT, "event_name"), text(name))
}

/// Distinct users of an event scan with a user look-up (and their org).
pub fn user_scan(measures: Vec<Measure>) -> Scan {
    Scan {
        joins: vec![
            Join { table: USER, key: col(EVENT, "user_id"), column: "user_id".to_owned(), as_of: None },
            Join { table: ORG, key: joined(0, USER, "org_id"), column: "org_id".to_owned(), as_of: None },
        ],
        ..event_scan(measures)
    }
}

/// Every aggregate over an argument that is a number.
pub fn aggregates(x: &Expr) -> Vec<(&'static str, Aggregate)> {
    let x = || x.clone();
    vec![
        ("rows", Aggregate::CountRows),
        ("values", Aggregate::Count(x())),
        ("distinct", Aggregate::Distinct(x())),
        ("approx_distinct", Aggregate::ApproxDistinct(x())),
        ("sum", Aggregate::Sum(x())),
        ("avg", Aggregate::Avg(x())),
        ("min", Aggregate::Min(x())),
        ("max", Aggregate::Max(x())),
        ("p95", Aggregate::Quantile(x(), level(95, 100))),
        ("disc", Aggregate::QuantileDisc(x(), level(5, 10))),
        ("approx", Aggregate::ApproxQuantile(x(), level(9, 10))),
        ("stddev", Aggregate::Stddev(x())),
        ("variance", Aggregate::Variance(x())),
        ("first", Aggregate::First(x())),
        ("last", Aggregate::Last(x())),
    ]
}

/// All aggregates of `x` over calls, each twice: over all rows and over those that are ok.
pub fn all_aggregates(step: Option<Step>, x: &Expr) -> Query {
    let of =
        |filter: Option<Expr>| aggregates(x).into_iter().map(move |(_, aggregate)| measure(aggregate, filter.clone()));
    let measures: Vec<Measure> = of(None).chain(of(Some(col(CALL, "ok")))).collect();
    let mut query = question(step, vec![call_scan(measures)]);
    let names = aggregates(x).into_iter().map(|(name, _)| name);
    let all: Vec<String> = names.clone().map(str::to_owned).chain(names.map(|name| format!("{name}_ok"))).collect();
    for (at, name) in all.iter().enumerate() {
        query = with_leaf(query, name, id(0, at));
    }
    query
}

/// The questions whose SQL is shown.
pub fn shown() -> Vec<(&'static str, Query)> {
    let users = || measure(Aggregate::Distinct(col(EVENT, "user_id")), None);
    let dau = with_leaf(question(Some(Step::Day), vec![event_scan(vec![users()])]), "dau", id(0, 0));

    let filtered = measure(Aggregate::Distinct(col(EVENT, "user_id")), Some(named("login")));
    let logins = with_leaf(question(Some(Step::Month), vec![event_scan(vec![filtered])]), "logins", id(0, 0));
    let mut logins = by(logins, "platform", vec![col(EVENT, "platform")]);
    logins.from = Some(1_793_462_400_000);
    logins.to = Some(1_796_054_400_000);
    (logins.scans[0].from, logins.scans[0].to) = (logins.from, logins.to);
    logins.limit = Some(10);
    logins.order = vec![metricc::plan::OrderBy { column: 2, descending: true }];

    let gmv = measure(Aggregate::Sum(col(ORDER, "pay_amount")), None);
    let mut arpu = question(Some(Step::Week), vec![paid_scan(vec![gmv]), event_scan(vec![users()])]);
    arpu.scans[0].guard = Some(Guard::Of(Interval::default()));
    let arpu = with_leaf(arpu, "gmv", id(0, 0));
    let arpu = with(arpu, "arpu", |query| {
        maybe(Function::Divide, vec![leaf(query, id(0, 0)), leaf(query, id(1, 0))], DataType::Float)
    });

    let rate = question(
        Some(Step::Subday(3_600_000)),
        vec![call_scan(vec![measure(Aggregate::CountRows, Some(col(CALL, "ok"))), count()])],
    );
    let rate = with(rate, "success rate", |query| {
        maybe(Function::Divide, vec![leaf(query, id(0, 0)), leaf(query, id(0, 1))], DataType::Float)
    });
    let rate = with_leaf(rate, "succeeded", id(0, 0));

    let province = call(Function::Coalesce, vec![joined(0, USER, "province"), text("unknown")], DataType::String);
    let by_org = with_leaf(question(None, vec![user_scan(vec![count()])]), "events", id(0, 0));
    let by_org = by(by_org, "province", vec![Expr { nullable: false, ..province }]);
    let by_org = by(by_org, "org", vec![joined(1, ORG, "name")]);

    vec![
        ("one_distinct_by_day", dau),
        ("filter_range_order_limit", logins),
        ("two_sources", arpu),
        ("two_metrics_of_one_source", rate),
        ("look_ups_in_two_hops", by_org),
        ("aggregates", all_aggregates(None, &col(CALL, "cost"))),
        ("aggregates_of_durations", all_aggregates(Some(Step::Quarter), &col(CALL, "took"))),
    ]
}
