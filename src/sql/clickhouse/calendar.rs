//! Steps of declared calendars. Their runs of days are read from the calendar's table by scalar subqueries, whose results are
//! constants of a query: arrays by day, so that looking a day up costs no join.
//!
//! A day is a number here, counted from 1 for 1900-01-01, the first day of `Date32`; 0 is no day.

use sqlparser::ast::{BinaryOperator, Expr, Ident, ObjectName, Query};

use super::ClickHouse;
use crate::plan::Declared;
use crate::sql::build::{self, Neighbour, Parts, binary, call, number};
use crate::sql::dialect::Scalars;

/// What is added to days since 1970.
const FIRST: i64 = 25_568;
/// A number behind all days.
const NEVER: i64 = 140_000;

/// What is known of each day.
#[derive(Clone, Copy, PartialEq)]
enum Known {
    /// The first day of its run.
    First,
    /// The day after its run.
    After,
}

/// The number of a day; none for days outside of `Date32`, which there are none of.
fn place(day: Expr) -> Expr {
    binary(call("toInt32", vec![day]), BinaryOperator::Plus, number(FIRST))
}

/// The day of a number.
fn day(place: Expr) -> Expr {
    let first = call("toDate32", vec![build::text("1900-01-01")]);
    call("addDays", vec![first, binary(place, BinaryOperator::Minus, number(1))])
}

/// The days of the calendar, each with one value: `_d`, `_v`.
fn days(step: Declared) -> Query {
    let source = step.source();
    let column = |name: &str| build::column("d", ClickHouse.identifier(name));
    let value = call("min", vec![call("toString", vec![column(&source.value)])]);
    let of = place(call("toDate32", vec![column(&source.day)]));
    let projection = vec![build::item(of.clone(), build::ident("_d")), build::item(value, build::ident("_v"))];
    let known = |name: &str| build::is_not_null(column(name));
    let parts: Vec<Ident> = source.table.split('.').map(|part| ClickHouse.identifier(part)).collect();
    Parts {
        projection,
        from: Some(build::table(ObjectName::from(parts), "d")),
        filter: build::all([known(&source.day), known(&source.value)]),
        group_by: vec![of],
        ..Parts::default()
    }
    .query()
}

/// The days with their runs: `_d`, `_first`, `_after`. In a run of days with one value, a day and its rank among the days with
/// that value keep their distance.
fn runs(step: Declared) -> Query {
    let column = |alias: &str, name: &str| build::column(alias, build::ident(name));
    let rank = build::window("row_number", vec![column("d", "_v")], vec![build::sort(column("d", "_d"), false, false)]);
    let island = binary(column("d", "_d"), BinaryOperator::Minus, call("toInt64", vec![rank]));
    let projection = vec![
        build::item(column("d", "_d"), build::ident("_d")),
        build::item(column("d", "_v"), build::ident("_v")),
        build::item(island, build::ident("_i")),
    ];
    let islands = Parts { projection, from: Some(build::derived(days(step), "d")), ..Parts::default() }.query();
    let of_run =
        |name: &str| build::over(call(name, vec![column("i", "_d")]), vec![column("i", "_v"), column("i", "_i")]);
    let projection = vec![
        build::item(column("i", "_d"), build::ident("_d")),
        build::item(of_run("min"), build::ident("_first")),
        build::item(binary(of_run("max"), BinaryOperator::Plus, number(1)), build::ident("_after")),
    ];
    Parts { projection, from: Some(build::derived(islands, "i")), ..Parts::default() }.query()
}

/// The one value of an aggregate over the days of a calendar.
fn over_runs(value: Expr, from: Query) -> Expr {
    let projection = vec![sqlparser::ast::SelectItem::UnnamedExpr(value)];
    build::scalar(Parts { projection, from: Some(build::derived(from, "r")), ..Parts::default() }.query())
}

fn of_run(name: &str) -> Expr {
    build::column("r", build::ident(name))
}

/// The place in an array by day, from 0.
fn index(day: Expr) -> Expr {
    call("toUInt32", vec![binary(day, BinaryOperator::Minus, number(1))])
}

/// What is known of the run that holds a day, as a number; 0 where the calendar has no step on it.
fn look_up(step: Declared, day: Expr, known: Known) -> Expr {
    let value = of_run(if known == Known::First { "_first" } else { "_after" });
    let all = over_runs(call("groupArrayInsertAt", vec![value, index(of_run("_d"))]), runs(step));
    call("arrayElement", vec![all, place(day)])
}

/// Whether a day has a step.
pub fn has_step(step: Declared, day: Expr) -> Expr {
    binary(look_up(step, day, Known::First), BinaryOperator::NotEq, number(0))
}

/// The first day of the run that holds a day; where there is none, a day that is never reached.
pub fn first_day(step: Declared, of: Expr) -> Expr {
    let found = look_up(step, of, Known::First);
    day(call("if", vec![build::equal(found.clone(), number(0)), number(NEVER), found]))
}

/// The same, but the first of all days where there is none: nothing lies before it.
pub fn first_day_or_nothing(step: Declared, of: Expr) -> Expr {
    day(call("greatest", vec![look_up(step, of, Known::First), number(1)]))
}

/// The day after the run that holds a day.
pub fn day_after(step: Declared, of: Expr) -> Expr {
    day(call("greatest", vec![look_up(step, of, Known::After), number(1)]))
}

/// The first day of the run before the one that begins with a day.
pub fn before(step: Declared, of: Expr) -> Expr {
    let first = || of_run("_first");
    let each = Parts {
        projection: vec![build::item(first(), build::ident("_first"))],
        from: Some(build::derived(runs(step), "r")),
        group_by: vec![first()],
        ..Parts::default()
    };
    let order = vec![build::sort(first(), false, false)];
    let one = build::neighbour("max", first(), Vec::new(), order, Neighbour::Before);
    let projection = vec![build::item(first(), build::ident("_d")), build::item(one, build::ident("_first"))];
    let from = Some(build::derived(each.query(), "r"));
    let pairs = Parts { projection, from, ..Parts::default() }.query();
    let all = over_runs(call("groupArrayInsertAt", vec![first(), index(of_run("_d"))]), pairs);
    day(call("greatest", vec![call("arrayElement", vec![all, place(of)]), number(1)]))
}

/// The first days of all runs, ascending.
pub fn all(step: Declared) -> Expr {
    let firsts = call("arraySort", vec![call("groupUniqArray", vec![day(of_run("_first"))])]);
    over_runs(firsts, runs(step))
}

/// The first day of the last run that begins on a day or before it; the first of all days where none does.
pub fn last_until(step: Declared, of: Expr) -> Expr {
    let until = binary(build::ident_expr("f"), BinaryOperator::LtEq, of);
    let found = call("arrayFilter", vec![build::lambda("f", until), all(step)]);
    // A number of a constant array: the empty one has the default of its type.
    let places = call("arrayMap", vec![build::lambda("p", place(build::ident_expr("p"))), found]);
    let none = call("array", vec![call("toInt64", vec![number(1)])]);
    day(call("arrayMax", vec![call("arrayConcat", vec![none, places])]))
}

/// How many days the longest run has.
pub fn longest(step: Declared) -> Expr {
    let length = binary(of_run("_after"), BinaryOperator::Minus, of_run("_first"));
    let longest = over_runs(call("max", vec![length]), runs(step));
    call("toInt64", vec![call("coalesce", vec![longest, number(0)])])
}
