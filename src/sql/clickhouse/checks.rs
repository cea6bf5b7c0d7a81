//! Rules of quality as SELECTs with a row a day and rule: `day`, `rule`, `value`, `bound`, `rows`, `passed`.
//!
//! They run over the days of a batch, `{days: Array(Date32)}`, as the statements that stage these do.

use sqlparser::ast::{BinaryOperator, Expr, Ident, Query};

use super::ClickHouse;
use super::time::bucket_key;
use crate::plan::{self, DataType, Step, Value};
use crate::sql::build::{self, Parts, binary, call, column, ident, number};
use crate::sql::dialect::{Batches, Calendar, Scalars, Unsupported};
use crate::sql::{Options, lower};

/// A rule: a column of an answer, and what it must satisfy.
#[derive(Clone, Debug)]
pub struct Check {
    /// The name of the rule.
    pub name: String,
    /// The column of its value, by its name.
    pub column: String,
    /// How it is compared.
    pub op: BinaryOperator,
    /// With what.
    pub limit: f64,
    /// The bound, as it is written.
    pub bound: String,
    /// With fewer rows it is passed.
    pub minimum: Option<u64>,
}

/// What a row of the result says, in the order of its columns, behind the day.
const COLUMNS: [&str; 5] = ["rule", "value", "bound", "rows", "passed"];

/// The verdicts on the columns of an answer by day; `rows` is the column of the number of rows. A rule whose value is null, as
/// nothing is there to look at, is passed.
pub fn checks(query: &plan::Query, rows: &str, checks: &[Check], options: &Options) -> Result<Query, Vec<Unsupported>> {
    let dialect = ClickHouse;
    let answer = lower::query_on_days(query, &dialect, options)?;
    let calendar = Calendar { zone: query.zone, week_start: query.week_start };
    let value = |name: &str| column("q", dialect.identifier(name));
    let count = call("toUInt64", vec![call("coalesce", vec![value(rows), number(0)])]);
    let tuples = checks.iter().map(|check| verdict(check, value(&check.column), count.clone(), calendar)).collect();
    let projection = vec![
        build::item(bucket_key(value("time"), Step::Day, calendar), ident("day")),
        build::item(call("arrayJoin", vec![call("array", tuples)]), ident("v")),
    ];
    let each = Parts { projection, from: Some(build::derived(answer, "q")), ..Parts::default() }.query();
    Ok(unpacked(each))
}

/// One rule as a tuple of [`COLUMNS`].
fn verdict(check: &Check, value: Expr, rows: Expr, calendar: Calendar) -> Expr {
    let limit = ClickHouse.literal(&Value::Float(check.limit), &DataType::Float, calendar);
    let value = nullable_float(value);
    let passed = call("ifNull", vec![binary(value.clone(), check.op.clone(), limit), number(1)]);
    let passed = match check.minimum {
        Some(minimum) => call("or", vec![passed, binary(rows.clone(), BinaryOperator::Lt, number(minimum))]),
        None => passed,
    };
    let name = ClickHouse.literal(&Value::String(check.name.clone()), &DataType::String, calendar);
    let bound = ClickHouse.literal(&Value::String(check.bound.clone()), &DataType::String, calendar);
    call("tuple", vec![name, value, bound, rows, call("toUInt8", vec![passed])])
}

fn nullable_float(value: Expr) -> Expr {
    call("toNullable", vec![call("toFloat64", vec![value])])
}

/// The parts of the tuple `v` as columns of their own.
fn unpacked(each: Query) -> Query {
    let part = |at: usize| call("tupleElement", vec![column("e", ident("v")), number(at + 1)]);
    let mut projection = vec![build::item(column("e", ident("day")), ident("day"))];
    projection.extend(COLUMNS.iter().enumerate().map(|(at, name)| build::item(part(at), ident(name))));
    Parts { projection, from: Some(build::derived(each, "e")), ..Parts::default() }.query()
}

/// All verdicts, by day and rule.
pub fn together(verdicts: Vec<Query>) -> Query {
    let own = |name: &str| column("r", ident(name));
    let columns = || std::iter::once("day").chain(COLUMNS);
    let member = |verdict: Query| {
        let projection = columns().map(|name| build::item(own(name), ident(name))).collect();
        Parts { projection, from: Some(build::derived(verdict, "r")), ..Parts::default() }.select()
    };
    let Some(union) = build::union_all(verdicts.into_iter().map(member)) else { return Parts::default().query() };
    let projection = columns().map(|name| build::item(own(name), ident(name))).collect();
    let all = Parts { projection, from: Some(build::derived(union, "r")), ..Parts::default() }.query();
    build::ordered(all, vec![build::sort(own("day"), false, false), build::sort(own("rule"), false, false)])
}

/// How far two answers of a metric by day and dimensions are apart, each day: the sum of all differences between their slices, relative
/// to the sum of the second one's (DQ2). A slice that one of them lacks is zero there (DQ1). `keys` are the names of the columns before
/// the value.
pub fn differences(sides: [Query; 2], keys: &[&str], value: &str, check: &Check, calendar: Calendar) -> Query {
    let name = |place: usize| ident(&format!("k{place}"));
    let members = sides.into_iter().enumerate().map(|(side, answer)| {
        let own = |name: &str| column("q", ClickHouse.identifier(name));
        let mut projection: Vec<_> =
            keys.iter().enumerate().map(|(place, key)| build::item(own(key), name(place))).collect();
        for place in 0..2 {
            let shown = if place == side { own(value) } else { build::null() };
            projection.push(build::item(nullable_float(shown), side_name(place)));
        }
        Parts { projection, from: Some(build::derived(answer, "q")), ..Parts::default() }.select()
    });
    let Some(union) = build::union_all(members) else { return Parts::default().query() };
    let side = |place: usize| call("coalesce", vec![call("max", vec![column("u", side_name(place))]), number(0)]);
    let key = |place: usize| column("u", name(place));
    let mut projection: Vec<_> = (0..keys.len()).map(|place| build::item(key(place), name(place))).collect();
    projection.extend((0..2).map(|place| build::item(side(place), side_name(place))));
    let day = bucket_key(key(0), Step::Day, calendar);
    let slices = Parts {
        projection,
        from: Some(build::derived(union, "u")),
        filter: build::all([super::batch::ClickHouseBatches.is_built(day)]),
        group_by: (0..keys.len()).map(key).collect(),
        ..Parts::default()
    };
    by_day(slices.query(), name(0), check, calendar)
}

fn side_name(place: usize) -> Ident {
    ident(if place == 0 { "a" } else { "b" })
}

fn by_day(slices: Query, time: Ident, check: &Check, calendar: Calendar) -> Query {
    let of = |place: usize| column("s", side_name(place));
    let apart = call("sum", vec![call("abs", vec![binary(of(0), BinaryOperator::Minus, of(1))])]);
    let whole = call("sum", vec![call("abs", vec![of(1)])]);
    // Nothing beside nothing is no difference; something beside nothing is one of all.
    let none = build::equal(apart.clone(), number(0));
    let quotient = binary(apart, BinaryOperator::Divide, whole.clone());
    let all = ClickHouse.literal(&Value::Float(1.0), &DataType::Float, calendar);
    let infinite = build::equal(whole, number(0));
    let zero = ClickHouse.literal(&Value::Float(0.0), &DataType::Float, calendar);
    let value = build::case(vec![(none, zero), (infinite, all)], Some(quotient));
    let count = call("toUInt64", vec![call("count", Vec::new())]);
    let projection = vec![
        build::item(bucket_key(column("s", time.clone()), Step::Day, calendar), ident("day")),
        build::item(verdict(check, value, count, calendar), ident("v")),
    ];
    let group_by = vec![column("s", time)];
    unpacked(Parts { projection, from: Some(build::derived(slices, "s")), group_by, ..Parts::default() }.query())
}
