//! The oracle's own tests: small tables, and what must come out, worked out by hand.

use chrono::{NaiveDateTime, TimeZone};
use chrono_tz::Tz;

use super::super::make::exprs::call;
use super::super::model::*;
use super::super::text;
use super::Oracle;

fn column(name: &str, ty: Ty, nullable: bool) -> Column {
    Column { name: name.into(), ty, nullable, unit: None, pii: false, milliseconds: false, computed: None }
}

/// An instant by the clock of a zone; `+` behind it means the second of two.
fn at(zone: Tz, text: &str) -> i64 {
    let wall = NaiveDateTime::parse_from_str(text.trim_end_matches('+'), "%Y-%m-%d %H:%M").expect("a time");
    let found = zone.from_local_datetime(&wall);
    let found = if text.ends_with('+') { found.latest() } else { found.earliest() };
    found.expect("a time that exists").timestamp_millis()
}

/// A table of rows `time user kind n`, where `-` is null: `2026-11-01 09:00 u1 a 5`.
fn table(name: &str, zone: Tz, rows: &[&str]) -> Table {
    let row = |text: &&str| {
        let parts: Vec<&str> = text.split(' ').collect();
        let text = |part: &str| if part == "-" { Value::Null } else { Value::Str(part.to_owned()) };
        let time = Value::Timestamp(at(zone, &format!("{} {}", parts[0], parts[1])));
        vec![time, text(parts[2]), text(parts[3]), Value::Int(parts[4].parse().expect("a number"))]
    };
    Table {
        name: name.into(),
        entity: false,
        columns: vec![
            column("t", Ty::Timestamp, false),
            column("user", Ty::Str, true),
            column("kind", Ty::Str, true),
            column("n", Ty::Int, false),
        ],
        key: Vec::new(),
        latest_by: None,
        time: Some("t".into()),
        history: None,
        rows: rows.iter().map(row).collect(),
    }
}

/// A project with one table `event` and the dimensions `kind` and `user` of it.
fn project(zone: Tz, rows: &[&str]) -> Project {
    let dimension = |name: &str| Dimension {
        name: name.into(),
        ty: Ty::Str,
        typed: false,
        bindings: vec![Binding::Path("event".into(), of_column(name))],
        otherwise: Otherwise::Null,
    };
    Project {
        seed: 0,
        zone,
        week_starts_sunday: false,
        units: Vec::new(),
        tables: vec![table("event", zone, rows)],
        subsets: Vec::new(),
        derived: Vec::new(),
        dimensions: vec![dimension("kind"), dimension("user")],
        metrics: Vec::new(),
        questions: Vec::new(),
    }
}

fn expr(node: Node, ty: Ty) -> Expr {
    Expr { node, ty, nullable: true, unit: Unit::new(), inexact: false }
}

fn of_column(name: &str) -> Expr {
    expr(Node::Column(vec![name.into()]), if name == "n" { Ty::Int } else { Ty::Str })
}

fn int(i: i64) -> Expr {
    expr(Node::Literal(Value::Int(i)), Ty::Int)
}

fn leaf(aggregate: Aggregate, input: Option<&str>) -> Leaf {
    let input = input.map(of_column);
    Leaf { aggregate, input, rows: "event".into(), dated: None, filter: None, over: None, at_last: None }
}

fn count() -> Expr {
    expr(Node::Leaf(Box::new(leaf(Aggregate::Count, None))), Ty::Int)
}

fn users() -> Expr {
    expr(Node::Leaf(Box::new(leaf(Aggregate::Distinct, Some("user")))), Ty::Int)
}

fn sum() -> Expr {
    expr(Node::Leaf(Box::new(leaf(Aggregate::Sum, Some("n")))), Ty::Decimal(38, 0))
}

fn moved(operand: Expr, by: Move) -> Expr {
    let ty = operand.ty.clone();
    expr(Node::Moved(Box::new(operand), by), ty)
}

fn over(operand: Expr, window: Window) -> Expr {
    moved(operand, Move::Over(window))
}

fn days(n: i32) -> Window {
    Window::Last(Length::Days(n))
}

fn nested(aggregate: Aggregate, formula: Expr, keys: &[NestedKey], filter: Option<Expr>) -> Expr {
    let ty = match aggregate {
        Aggregate::Avg => Ty::Float,
        Aggregate::Sum => Ty::Decimal(38, 0),
        _ => Ty::Int,
    };
    expr(Node::Nested(Box::new(Nested { aggregate, formula, keys: keys.to_vec(), filter })), ty)
}

fn is_kind(operand: Expr, kind: &str) -> Expr {
    let ty = operand.ty.clone();
    expr(Node::Where(Box::new(operand), Box::new(kind_is(kind))), ty)
}

fn kind_is(kind: &str) -> Expr {
    let literal = expr(Node::Literal(Value::Str(kind.into())), Ty::Str);
    call(Op::Equal, vec![expr(Node::Dimension("kind".into()), Ty::Str), literal], Ty::Bool)
}

/// A question: its step, dimensions and interval (the first and the last day).
struct Ask<'a>(Option<Step>, &'a [&'a str], Option<(&'a str, &'a str)>);

const DAILY: Ask = Ask(Some(Step::Day), &[], None);
const HOUR: i64 = 3_600_000;

/// What a formula answers, a line a row: `11-01 09:00 | a | 5`.
fn answer(project: &Project, formula: Expr, ask: &Ask) -> Vec<String> {
    answer_filled(project, formula, ask, Fill::None, None)
}

fn answer_filled(project: &Project, formula: Expr, ask: &Ask, fill: Fill, filter: Option<Expr>) -> Vec<String> {
    let mut project = project.clone();
    project.metrics.push(Metric { name: "m".into(), formula, grain: None, by: Vec::new(), fill });
    let day = |text: &str| {
        let day = chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").expect("a day");
        super::calendar::days(day)
    };
    let question = Question {
        metrics: vec!["m".into()],
        step: ask.0,
        by: ask.1.iter().map(|name| By::Dimension((*name).to_owned())).collect(),
        filter,
        range: ask.2.map(|(from, to)| (day(from), day(to))),
        exact: None,
        having: None,
        top: None,
        order: Vec::new(),
        limit: None,
        fill: None,
    };
    let zone = project.zone;
    let cell = |value: &Value| match value {
        Value::Null => "-".to_owned(),
        Value::Str(text) => text.clone(),
        Value::Timestamp(ms) => text::wall(*ms, zone)[5..16].to_owned(),
        value => text::literal(value, zone),
    };
    let answer = Oracle::new(&project).answer(&question);
    answer.rows.iter().map(|row| row.iter().map(cell).collect::<Vec<_>>().join(" | ")).collect()
}

/// Without the midnights.
fn days_of(lines: Vec<String>) -> Vec<String> {
    lines.into_iter().map(|line| line.replacen(" 00:00", "", 1)).collect()
}

const NEW_YORK: Tz = chrono_tz::America::New_York;

#[test]
fn a_window_counts_each_user_once_and_ends_at_gaps() {
    let rows =
        ["2026-11-01 09:00 u1 a 1", "2026-11-02 09:00 u1 a 1", "2026-11-02 10:00 u2 a 1", "2026-11-11 09:00 u1 a 1"];
    let project = project(chrono_tz::UTC, &rows);
    let found = days_of(answer(&project, over(users(), days(7)), &DAILY));
    // No row of the 9th and 10th: nobody in seven days. None after the 11th: there the data end.
    let expected = [
        "11-01 | 1",
        "11-02 | 2",
        "11-03 | 2",
        "11-04 | 2",
        "11-05 | 2",
        "11-06 | 2",
        "11-07 | 2",
        "11-08 | 2",
        "11-11 | 1",
    ];
    assert_eq!(found, expected);
    // A leaf's own window is the same.
    let own = Leaf { over: Some(days(7)), ..leaf(Aggregate::Distinct, Some("user")) };
    assert_eq!(days_of(answer(&project, expr(Node::Leaf(Box::new(own)), Ty::Int), &DAILY)), expected);
    // Asked beyond the data there are values until the window is past them.
    let later = Ask(Some(Step::Day), &[], Some(("2026-11-16", "2026-11-20")));
    assert_eq!(days_of(answer(&project, over(users(), days(7)), &later)), ["11-16 | 1", "11-17 | 1"]);
}

#[test]
fn a_coarser_step_takes_the_window_at_its_end() {
    let rows = ["2026-10-20 09:00 u1 a 1", "2026-11-28 09:00 u2 a 1", "2026-12-31 23:00 u3 a 1"];
    let project = project(chrono_tz::UTC, &rows);
    let monthly = Ask(Some(Step::Month), &[], None);
    assert_eq!(days_of(answer(&project, over(count(), days(7)), &monthly)), ["11-01 | 1", "12-01 | 1"]);
    let all = over(count(), Window::All);
    assert_eq!(days_of(answer(&project, all, &monthly)), ["10-01 | 1", "11-01 | 2", "12-01 | 3"]);
    let quarter = over(count(), Window::Last(Length::Months(3)));
    assert_eq!(days_of(answer(&project, quarter, &monthly)), ["10-01 | 1", "11-01 | 2", "12-01 | 3"]);
    let to_date = over(count(), Window::ToDate(Step::Year));
    assert_eq!(days_of(answer(&project, to_date, &monthly)), ["10-01 | 1", "11-01 | 2", "12-01 | 3"]);
}

#[test]
fn to_date_starts_anew_with_each_month() {
    let rows = ["2026-10-31 09:00 u1 a 1", "2026-11-01 09:00 u1 a 1", "2026-11-03 09:00 u1 a 1"];
    let project = project(chrono_tz::UTC, &rows);
    let found = answer(&project, over(count(), Window::ToDate(Step::Month)), &DAILY);
    assert_eq!(days_of(found), ["10-31 | 1", "11-01 | 1", "11-02 | 1", "11-03 | 2"]);
}

#[test]
fn what_was_before_the_data_is_null_and_in_a_gap_zero() {
    let rows = ["2026-11-01 09:00 u1 a 1", "2026-11-02 09:00 u1 a 1", "2026-11-04 09:00 u1 a 1"];
    let project = project(chrono_tz::UTC, &rows);
    let before = || moved(count(), Move::Ago(Length::Days(1)));
    let change = call(Op::Subtract, vec![count(), before()], Ty::Int);
    // The 1st looks at the day before the data, the 3rd has rows of the day before alone, the 4th looks at a gap.
    assert_eq!(days_of(answer(&project, change, &DAILY)), ["11-01 | -", "11-02 | 0", "11-03 | -1", "11-04 | 1"]);
    // Alone, a day has a row where the day before has one; the data end with the 4th.
    assert_eq!(days_of(answer(&project, before(), &DAILY)), ["11-02 | 1", "11-03 | 1"]);
    let later = Ask(Some(Step::Day), &[], Some(("2026-11-05", "2026-11-06")));
    assert_eq!(days_of(answer(&project, before(), &later)), ["11-05 | 1"]);
}

#[test]
fn a_month_ago_is_clamped_at_its_end() {
    let rows =
        ["2026-02-27 09:00 u1 a 1", "2026-02-28 09:00 u1 a 1", "2026-02-28 10:00 u1 a 1", "2026-03-31 09:00 u1 a 1"];
    let project = project(chrono_tz::UTC, &rows);
    let found = days_of(answer(&project, moved(count(), Move::Ago(Length::Months(1))), &DAILY));
    assert_eq!(found, ["03-27 | 1", "03-28 | 2", "03-29 | 2", "03-30 | 2", "03-31 | 2"]);
}

#[test]
fn hours_of_the_days_of_clock_changes() {
    let rows =
        ["2026-03-07 02:30 u1 a 1", "2026-03-07 03:30 u1 a 1", "2026-03-08 03:30 u1 a 1", "2026-03-09 04:00 u1 a 1"];
    let before = || moved(count(), Move::Ago(Length::Days(1)));
    let hourly = Ask(Some(Step::Subday(HOUR)), &[], Some(("2026-03-08", "2026-03-09")));
    // Hours have the same number: the 8th has no 02:00, so its third hour begins at 03:00.
    let found = answer(&project(NEW_YORK, &rows), before(), &hourly);
    assert_eq!(found, ["03-08 03:00 | 1", "03-08 04:00 | 1", "03-09 02:00 | 1"]);
    let rows =
        ["2026-10-31 01:10 u1 a 1", "2026-11-01 01:20 u1 a 1", "2026-11-01 01:20+ u1 a 1", "2026-11-01 01:30+ u1 a 1"];
    let hourly = Ask(Some(Step::Subday(HOUR)), &[], Some(("2026-11-01", "2026-11-02")));
    // The second and the third hour of the 1st begin at 01:00.
    let found = answer(&project(NEW_YORK, &rows), before(), &hourly);
    assert_eq!(found, ["11-01 01:00 | 1", "11-02 01:00 | 1", "11-02 02:00 | 2"]);
    // A day's 25 hours.
    let rate = expr(Node::Rate(Box::new(sum()), Length::Elapsed(HOUR)), Ty::Float);
    let rows = ["2026-11-01 01:20 u1 a 100", "2026-11-02 01:20 u1 a 48"];
    assert_eq!(days_of(answer(&project(NEW_YORK, &rows), rate, &DAILY)), ["11-01 | 4.0", "11-02 | 2.0"]);
}

#[test]
fn growth_is_the_quotient_less_one() {
    let rows = ["2026-11-01 09:00 u1 a 4", "2026-11-08 09:00 u1 a 5"];
    let growth = expr(Node::Growth(Box::new(sum()), Length::Days(7)), Ty::Float);
    assert_eq!(days_of(answer(&project(chrono_tz::UTC, &rows), growth, &DAILY)), ["11-01 | -", "11-08 | 0.25"]);
}

#[test]
fn a_rate_divides_by_the_interval_it_is_of() {
    let rows = ["2026-11-01 09:00 u1 a 30", "2026-11-03 09:00 u1 a 60"];
    let rate = expr(Node::Rate(Box::new(over(sum(), days(30))), Length::Days(1)), Ty::Float);
    assert_eq!(
        days_of(answer(&project(chrono_tz::UTC, &rows), rate, &DAILY)),
        ["11-01 | 1.0", "11-02 | 1.0", "11-03 | 3.0"]
    );
}

#[test]
fn at_start_reads_what_was_before_the_month() {
    let rows =
        ["2026-10-30 09:00 u1 a 1", "2026-11-01 09:00 u1 a 1", "2026-11-02 09:00 u1 a 1", "2026-12-01 09:00 u1 a 1"];
    let project = project(chrono_tz::UTC, &rows);
    let at_start = moved(over(count(), Window::All), Move::AtStart(Step::Month));
    let weekly = Ask(Some(Step::Week), &[], None);
    // The weeks that begin on 26 October and, in November, on the 2nd, 9th, 16th, 23rd and 30th.
    assert_eq!(
        days_of(answer(&project, at_start.clone(), &weekly)),
        ["11-02 | 1", "11-09 | 1", "11-16 | 1", "11-23 | 1", "11-30 | 1"]
    );
    let monthly = Ask(Some(Step::Month), &[], None);
    assert_eq!(days_of(answer(&project, at_start, &monthly)), ["11-01 | 1", "12-01 | 3"]);
}

#[test]
fn a_stock_is_of_the_last_day_that_has_rows() {
    let rows = [
        "2026-11-01 09:00 u1 a 10",
        "2026-11-02 09:00 u1 a 11",
        "2026-11-02 09:00 u2 b 20",
        "2026-11-05 09:00 u1 a 12",
        "2026-11-05 18:00 u3 a 30",
    ];
    let project = project(chrono_tz::UTC, &rows);
    let stock = |per: &[&str]| {
        let per = per.iter().map(|name| (*name).to_owned()).collect();
        let at_last = Some(AtLast { step: Step::Day, per });
        expr(Node::Leaf(Box::new(Leaf { at_last, ..leaf(Aggregate::Sum, Some("n")) })), Ty::Decimal(38, 0))
    };
    let monthly = Ask(Some(Step::Month), &[], None);
    assert_eq!(days_of(answer(&project, stock(&[]), &monthly)), ["11-01 | 42"]);
    // u1 and u3 on the 5th, u2 on the 2nd.
    assert_eq!(days_of(answer(&project, stock(&["user"]), &monthly)), ["11-01 | 62"]);
    // Each group has a last day of its own.
    let by_kind = Ask(Some(Step::Month), &["kind"], None);
    assert_eq!(days_of(answer(&project, stock(&[]), &by_kind)), ["11-01 | a | 42", "11-01 | b | 20"]);
    // Before the 9th the last day is the 5th; a week back from there it is still in the window.
    let held = over(stock(&[]), days(7));
    let later = Ask(Some(Step::Day), &[], Some(("2026-11-04", "2026-11-12")));
    let expected = [
        "11-04 | 31",
        "11-05 | 42",
        "11-06 | 42",
        "11-07 | 42",
        "11-08 | 42",
        "11-09 | 42",
        "11-10 | 42",
        "11-11 | 42",
    ];
    assert_eq!(days_of(answer(&project, held, &later)), expected);
}

#[test]
fn a_share_is_of_all_values_of_the_dimension() {
    let rows =
        ["2026-11-01 09:00 u1 a 1", "2026-11-01 09:00 u1 b 1", "2026-11-01 09:00 u2 b 1", "2026-11-02 09:00 u2 b 1"];
    let project = project(chrono_tz::UTC, &rows);
    let across = |operand: Expr, name: &str| expr(Node::Across(Box::new(operand), vec![name.to_owned()]), Ty::Int);
    let share = || call(Op::Divide, vec![count(), across(count(), "kind")], Ty::Float);
    let by_kind = Ask(Some(Step::Day), &["kind"], None);
    let third = 1.0 / 3.0;
    let expected =
        [format!("11-01 | a | {third:?}"), format!("11-01 | b | {:?}", 2.0 / 3.0), "11-02 | b | 1.0".to_owned()];
    assert_eq!(days_of(answer(&project, share(), &by_kind)), expected);
    // A filter on the dimension is not pushed below, whether in the metric or in the question.
    assert_eq!(days_of(answer(&project, is_kind(share(), "a"), &DAILY)), [format!("11-01 | {third:?}")]);
    let asked = answer_filled(&project, share(), &DAILY, Fill::None, Some(kind_is("a")));
    assert_eq!(days_of(asked), [format!("11-01 | {third:?}")]);
    // One on another dimension is, also where both are joined.
    let user = call(
        Op::Equal,
        vec![expr(Node::Dimension("user".into()), Ty::Str), expr(Node::Literal(Value::Str("u1".into())), Ty::Str)],
        Ty::Bool,
    );
    let both = call(Op::And, vec![kind_is("a"), user], Ty::Bool);
    let asked = answer_filled(&project, share(), &DAILY, Fill::None, Some(both));
    assert_eq!(days_of(asked), ["11-01 | 0.5"]);
    // One inside stays.
    let inside = call(Op::Divide, vec![count(), across(is_kind(count(), "b"), "kind")], Ty::Float);
    assert_eq!(days_of(answer(&project, inside, &by_kind))[0], "11-01 | a | 0.5");
}

#[test]
fn values_per_user_are_put_together() {
    let rows = [
        "2026-11-01 09:00 u1 a 1",
        "2026-11-01 10:00 u1 a 1",
        "2026-11-01 11:00 u1 b 1",
        "2026-11-01 09:00 u2 b 1",
        "2026-11-01 09:00 - b 1",
        "2026-11-02 09:00 u2 b 1",
    ];
    let project = project(chrono_tz::UTC, &rows);
    let user = [NestedKey::Column("user".into())];
    // u1 has three, u2 one; rows without a user make no group.
    let mean = || nested(Aggregate::Avg, count(), &user, None);
    assert_eq!(days_of(answer(&project, mean(), &DAILY)), ["11-01 | 2.0", "11-02 | 1.0"]);
    let by_kind = Ask(Some(Step::Day), &["kind"], None);
    assert_eq!(days_of(answer(&project, mean(), &by_kind)), ["11-01 | a | 2.0", "11-01 | b | 1.0", "11-02 | b | 1.0"]);
    // As a dimension, null is a group of its own.
    let dimension = nested(Aggregate::Avg, count(), &[NestedKey::Dimension("user".into())], None);
    assert_eq!(days_of(answer(&project, dimension, &DAILY))[0], format!("11-01 | {:?}", 5.0 / 3.0));
    // A condition on the inner value; days on which none satisfies it have no row.
    let value = expr(Node::Inner, Ty::Int);
    let heavy = nested(Aggregate::Count, count(), &user, Some(call(Op::GreaterEqual, vec![value, int(3)], Ty::Bool)));
    assert_eq!(days_of(answer(&project, heavy.clone(), &DAILY)), ["11-01 | 1"]);
    // Beside another metric it is 0 there.
    let share = call(Op::Subtract, vec![count(), heavy], Ty::Int);
    assert_eq!(days_of(answer(&project, share, &DAILY)), ["11-01 | 4", "11-02 | 1"]);
    // A filter on a dimension goes down to the rows.
    assert_eq!(days_of(answer(&project, is_kind(mean(), "a"), &DAILY)), ["11-01 | 2.0"]);
    // A window is that of the inner values.
    let week = over(mean(), days(7));
    assert_eq!(days_of(answer(&project, week, &DAILY)), ["11-01 | 2.0", "11-02 | 2.5"]);
}

#[test]
fn values_per_hour_and_day() {
    let rows =
        ["2026-11-01 09:00 u1 a 1", "2026-11-01 09:30 u2 a 1", "2026-11-01 23:59 u1 a 1", "2026-11-03 00:00 u1 a 1"];
    let project = project(chrono_tz::UTC, &rows);
    let hours = [NestedKey::Step(Step::Subday(HOUR))];
    assert_eq!(
        days_of(answer(&project, nested(Aggregate::Max, count(), &hours, None), &DAILY)),
        ["11-01 | 2", "11-03 | 1"]
    );
    let last = nested(Aggregate::Last, count(), &hours, None);
    assert_eq!(days_of(answer(&project, last, &DAILY)), ["11-01 | 1", "11-03 | 1"]);
    // Users of the last seven days at the end of each day: 2, 2, 2. Days after the data do not count.
    let mean = nested(Aggregate::Avg, over(users(), days(7)), &[NestedKey::Step(Step::Day)], None);
    let monthly = Ask(Some(Step::Month), &[], None);
    assert_eq!(days_of(answer(&project, mean.clone(), &monthly)), ["11-01 | 2.0"]);
    let asked = Ask(Some(Step::Month), &[], Some(("2026-11-01", "2026-12-31")));
    assert_eq!(days_of(answer(&project, mean, &asked)), ["11-01 | 2.0"]);
    // Per user and day 2, 1 and 1; per day the means 1.5 and 1; of them the greatest.
    let per_user = nested(Aggregate::Avg, count(), &[NestedKey::Column("user".into())], None);
    let greatest = nested(Aggregate::Max, per_user, &[NestedKey::Step(Step::Day)], None);
    assert_eq!(days_of(answer(&project, greatest, &monthly)), ["11-01 | 1.5"]);
    // The values of the days in a window: 3 and 1.
    let window = over(nested(Aggregate::Avg, count(), &[NestedKey::Step(Step::Day)], None), days(3));
    assert_eq!(days_of(answer(&project, window, &DAILY)), ["11-01 | 3.0", "11-02 | 3.0", "11-03 | 2.0"]);
}

#[test]
fn a_metric_of_the_rows_user_is_that_of_the_days_before() {
    let rows = [
        "2026-11-01 09:00 u1 a 1",
        "2026-11-01 10:00 u1 a 1",
        "2026-11-02 09:00 u1 a 1",
        "2026-11-02 09:00 u2 a 1",
        "2026-11-03 00:00 u2 a 1",
        "2026-11-03 00:00 - a 1",
    ];
    let mut project = project(chrono_tz::UTC, &rows);
    project.metrics.push(Metric {
        name: "seen".into(),
        formula: count(),
        grain: None,
        by: Vec::new(),
        fill: Fill::None,
    });
    let seen = expr(Node::MetricPer("seen".into(), NestedKey::Column("user".into())), Ty::Int);
    let counted = |filter: Expr| {
        let filter = Some(filter);
        expr(Node::Leaf(Box::new(Leaf { filter, ..leaf(Aggregate::Count, None) })), Ty::Int)
    };
    // Of the rows of the day itself none counts. On the 2nd u1 has two, u2 none; on the 3rd u2 has one.
    let again = counted(call(Op::GreaterEqual, vec![seen.clone(), int(1)], Ty::Bool));
    assert_eq!(days_of(answer(&project, again, &DAILY)), ["11-02 | 1", "11-03 | 1"]);
    // Before the data it is null, then 0: of u2 on the 2nd, and of the row without a user.
    let none = counted(call(Op::Equal, vec![seen.clone(), int(0)], Ty::Bool));
    assert_eq!(days_of(answer(&project, none, &DAILY)), ["11-02 | 1", "11-03 | 1"]);
    let unknown = counted(call(Op::IsNull, vec![seen], Ty::Bool));
    assert_eq!(days_of(answer(&project, unknown, &DAILY)), ["11-01 | 2"]);
}

#[test]
fn filled_metrics_have_every_bucket_of_every_group() {
    let rows = ["2026-11-01 09:00 u1 a 1", "2026-11-03 09:00 u1 b 1"];
    let project = project(chrono_tz::UTC, &rows);
    let fill = |fill: Fill, ask: &Ask| days_of(answer_filled(&project, count(), ask, fill, None));
    assert_eq!(fill(Fill::Zero, &DAILY), ["11-01 | 1", "11-02 | 0", "11-03 | 1"]);
    assert_eq!(fill(Fill::Null, &DAILY), ["11-01 | 1", "11-02 | -", "11-03 | 1"]);
    let by_kind = Ask(Some(Step::Day), &["kind"], Some(("2026-11-02", "2026-11-03")));
    assert_eq!(fill(Fill::Zero, &by_kind), ["11-02 | b | 0", "11-03 | b | 1"]);
}

#[test]
fn without_a_step_the_asked_interval_moves() {
    let rows = ["2026-10-25 09:00 u1 a 1", "2026-11-01 09:00 u1 a 1", "2026-11-02 09:00 u1 a 1"];
    let project = project(chrono_tz::UTC, &rows);
    let week = Ask(None, &[], Some(("2026-11-01", "2026-11-07")));
    assert_eq!(answer(&project, moved(count(), Move::Ago(Length::Days(7))), &week), ["1"]);
    assert_eq!(answer(&project, over(count(), days(14)), &week), ["3"]);
    assert_eq!(answer(&project, over(count(), Window::All), &Ask(None, &[], None)), ["3"]);
}
