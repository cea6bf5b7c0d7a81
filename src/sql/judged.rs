//! SELECTs of what breaks a rule: none of their rows is a rule that holds. They need no parameter, so that any tool can run them.

use sqlparser::ast::{BinaryOperator, Query};

use super::build::{self, Parts, binary, call, column, ident, number};
use super::by_day::{self, Counts};
use super::dialect::{Calendar, Unsupported};
use crate::plan::{self, DataType, Step, Value};

/// What a share of rows must satisfy, day by day.
#[derive(Clone, Debug)]
pub struct Share<'a> {
    /// The answer by day, or in total: the number of rows, and the share.
    pub query: &'a plan::Query,
    /// The column of the number of rows.
    pub rows: &'a str,
    /// The column of the share.
    pub share: &'a str,
    /// How it is compared.
    pub op: BinaryOperator,
    /// With what.
    pub limit: f64,
    /// Only where there are at least so many rows.
    pub minimum: Option<u64>,
    /// Of so many days that are over; of all where it is not said.
    pub days: Option<u64>,
}

/// The alias of the answer.
const ANSWER: &str = "q";

/// The days on which a share breaks its bound: `day` (where there are days), `value`, `rows_seen`.
///
/// # Errors
/// All constructs that the engine cannot say.
pub fn broken_days(of: &Share, engine: &dyn Counts) -> Result<Query, Vec<Unsupported>> {
    let answer = by_day::select(of.query, engine)?;
    let calendar = calendar(of.query);
    let own = |name: &str| column(ANSWER, engine.identifier(name));
    let day = || engine.local_day(own("time"), calendar);
    let timed = of.query.step == Some(Step::Day);
    let mut projection = Vec::new();
    if timed {
        projection.push(build::item(day(), ident("day")));
    }
    projection.push(build::item(own(of.share), ident("value")));
    projection.push(build::item(own(of.rows), ident("rows_seen")));
    let limit = engine.literal(&Value::Float(of.limit), &DataType::Float, calendar);
    // A share of no rows is null, and breaks nothing.
    let mut conditions = vec![build::is_not_null(own(of.share)), binary(own(of.share), opposite(&of.op), limit)];
    if let Some(minimum) = of.minimum {
        let minimum = engine.literal(&Value::Int(i64::try_from(minimum).unwrap_or(i64::MAX)), &DataType::Int, calendar);
        conditions.push(binary(own(of.rows), BinaryOperator::GtEq, minimum));
    }
    if let Some(days) = of.days.filter(|_| timed) {
        let today = || engine.local_day(engine.now(), calendar);
        conditions.push(binary(day(), BinaryOperator::GtEq, engine.days_before(today(), days)));
        conditions.push(binary(day(), BinaryOperator::Lt, today()));
    }
    let parts = Parts {
        projection,
        from: Some(build::derived(answer, ANSWER)),
        filter: build::all(conditions),
        ..Parts::default()
    };
    Ok(parts.query())
}

/// What breaks the rule that the newest row came at most so many milliseconds ago: `newest`.
///
/// # Errors
/// All constructs that the engine cannot say.
pub fn stale(query: &plan::Query, newest: &str, within: i64, engine: &dyn Counts) -> Result<Query, Vec<Unsupported>> {
    let answer = by_day::select(query, engine)?;
    let calendar = calendar(query);
    let own = || column(ANSWER, engine.identifier(newest));
    let age = binary(engine.milliseconds(engine.now()), BinaryOperator::Minus, engine.milliseconds(own()));
    let within = engine.literal(&Value::Int(within), &DataType::Int, calendar);
    let filter = build::any([build::is_null(own()), binary(build::nested(age), BinaryOperator::Gt, within)]);
    let projection = vec![build::item(own(), ident("newest"))];
    Ok(Parts { projection, from: Some(build::derived(answer, ANSWER)), filter, ..Parts::default() }.query())
}

/// How many rows a SELECT gives, as a query that gives one.
pub fn counted(of: Query, name: &str) -> Query {
    let projection = vec![build::item(call("count", vec![number(1)]), ident(name))];
    Parts { projection, from: Some(build::derived(of, "r")), ..Parts::default() }.query()
}

fn calendar(query: &plan::Query) -> Calendar {
    Calendar { zone: query.zone, week_start: query.week_start }
}

/// What holds of a number that is not null where a comparison does not.
fn opposite(op: &BinaryOperator) -> BinaryOperator {
    match op {
        BinaryOperator::Lt => BinaryOperator::GtEq,
        BinaryOperator::LtEq => BinaryOperator::Gt,
        BinaryOperator::Gt => BinaryOperator::LtEq,
        _ => BinaryOperator::Lt,
    }
}
