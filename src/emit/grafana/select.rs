//! The SELECT of a panel: around the answer of the warehouse, which buckets and groups of it are shown.
//!
//! Grafana's time is a condition on the starts of buckets and never on rows, so that buckets stay whole: those are shown that
//! begin within it and are over. What is drawn of numbers is what `metricc query` gives for the same buckets and groups.

use sqlparser::ast::{BinaryOperator, Expr, Ident, Query, SelectItem};

use super::given::Drawn;
use super::variable;
use crate::plan::Step;
use crate::sql::build::{self, Parts, binary, call, column, derived, equal, item, number};
use crate::sql::{CLICKHOUSE, Calendar, Dialect, Scalars};
use crate::types::Type;
use crate::types::dashboards::Form;
use crate::value::Span as Length;

const FROM: &str = "$__fromTime";
const TO: &str = "$__toTime";
/// Names of what is only there to choose rows.
const LAST: &str = "_metricc_last";
const BEST: &str = "_metricc_best";
const PLACE: &str = "_metricc_place";
/// The most values of a variable.
const MOST_CHOICES: u64 = 1_000;

/// How frames are made of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frames {
    /// Series over time, one for each group.
    Series,
    /// A table.
    Table,
}

/// The SELECT of a panel out of the answer to its question.
pub fn panel(drawn: &Drawn, answer: Query, calendar: Calendar) -> (Query, Frames) {
    let rows = Rows { drawn, calendar };
    let shown = &drawn.shown;
    match shown.form {
        Form::Card if shown.compare.is_some() => (rows.both(answer), Frames::Series),
        _ if shown.is_last() => (rows.last(answer), Frames::Table),
        Form::Table => {
            (build::ordered(rows.over_time(answer), vec![build::sort(name("time"), true, false)]), Frames::Table)
        }
        _ => {
            let keys = std::iter::once("time").chain(drawn.by.iter().map(String::as_str));
            let order = keys.map(|key| build::sort(name(key), false, false)).collect();
            (build::ordered(rows.over_time(answer), order), Frames::Series)
        }
    }
}

/// The SELECT of the values of a variable, with what stands for each.
pub fn choices(answer: Query, dimension: &str, step: Step, calendar: Calendar) -> Query {
    let value = || column("a", CLICKHOUSE.identifier(dimension));
    let projection = vec![item(variable::id(value()), build::ident("id")), item(told(value()), build::ident("text"))];
    let filter = Some(
        build::all([begins_within(column("a", build::ident("time"))), is_over("a", step, calendar)])
            .unwrap_or_else(|| build::boolean(true)),
    );
    let from = Some(derived(answer, "a"));
    let each = Parts { projection, from, filter, group_by: vec![value()], ..Parts::default() }.query();
    build::limited(build::ordered(each, vec![build::sort(name("text"), false, false)]), MOST_CHOICES, Vec::new())
}

struct Rows<'a> {
    drawn: &'a Drawn,
    calendar: Calendar,
}

impl Rows<'_> {
    /// The rows of whole buckets that Grafana's time has.
    fn whole(&self, answer: Query) -> Query {
        let conditions =
            [begins_within(column("a", build::ident("time"))), is_over("a", self.drawn.step, self.calendar)];
        Parts {
            projection: self.all("a"),
            from: Some(derived(answer, "a")),
            filter: build::all(conditions),
            ..Parts::default()
        }
        .query()
    }

    /// All columns of the answer, one by one: `*` has a meaning of its own in a join.
    fn all(&self, alias: &str) -> Vec<SelectItem> {
        self.columns().into_iter().map(|own| item(column(alias, own.clone()), own)).collect()
    }

    fn columns(&self) -> Vec<Ident> {
        let by = self.drawn.by.iter().map(String::as_str);
        let values = self.drawn.values.iter().map(|value| value.column.as_str());
        let names = std::iter::once("time").chain(by).chain(values);
        names.map(|own| CLICKHOUSE.identifier(own)).collect()
    }

    /// The same rows with one more column.
    fn with(&self, rows: Query, more: &[&str], new: &str, value: impl Fn(&str) -> Expr) -> Query {
        let mut projection = self.all("a");
        projection.extend(more.iter().map(|own| item(column("a", build::ident(own)), build::ident(own))));
        projection.push(item(value("a"), build::ident(new)));
        Parts { projection, from: Some(derived(rows, "a")), ..Parts::default() }.query()
    }

    /// The rows with the newest bucket in which the first metric has a value.
    fn with_last(&self, rows: Query) -> Query {
        self.with(rows, &[], LAST, |a| {
            let time = column(a, build::ident("time"));
            let value = column(a, self.first());
            let known = call("if", vec![build::is_not_null(value), time, build::null()]);
            build::over(call("max", vec![known]), Vec::new())
        })
    }

    fn first(&self) -> Ident {
        let first = self.drawn.values.first().map(|value| value.column.as_str());
        CLICKHOUSE.identifier(first.unwrap_or("time"))
    }

    fn keys(&self, alias: &str) -> Vec<Expr> {
        self.drawn.by.iter().map(|own| column(alias, CLICKHOUSE.identifier(own))).collect()
    }

    /// Rows over time, of the best groups alone if it is said how many.
    fn over_time(&self, answer: Query) -> Query {
        let mut rows = self.whole(answer);
        let mut filter = None;
        if let Some(top) = self.drawn.shown.top {
            rows = self.with_last(rows);
            rows = self.with(rows, &[LAST], BEST, |a| {
                let is_last = equal(column(a, build::ident("time")), column(a, build::ident(LAST)));
                let value = call("if", vec![is_last, column(a, self.first()), build::null()]);
                build::over(call("max", vec![value]), self.keys(a))
            });
            rows = self.with(rows, &[BEST], PLACE, |a| {
                let mut order = vec![build::sort(column(a, build::ident(BEST)), true, true)];
                order.extend(self.keys(a).into_iter().map(|key| build::sort(key, false, true)));
                build::window("dense_rank", Vec::new(), order)
            });
            filter = Some(binary(column("b", build::ident(PLACE)), BinaryOperator::LtEq, number(top)));
        }
        let time = item(column("b", build::ident("time")), build::ident("time"));
        let projection =
            std::iter::once(time).chain(self.groups("b", Frames::Series)).chain(self.values("b")).collect();
        Parts { projection, from: Some(derived(rows, "b")), filter, ..Parts::default() }.query()
    }

    /// The groups of the newest bucket, the greatest first.
    fn last(&self, answer: Query) -> Query {
        let rows = self.with_last(self.whole(answer));
        let filter = Some(equal(column("b", build::ident("time")), column("b", build::ident(LAST))));
        let projection = self.groups("b", Frames::Table).into_iter().chain(self.values("b")).collect();
        let from = Some(derived(rows, "b"));
        let query = Parts { projection, from, filter, ..Parts::default() }.query();
        let mut order = vec![build::sort(column("b", self.first()), true, true)];
        order.extend(self.keys("b").into_iter().map(|key| build::sort(key, false, true)));
        let query = build::ordered(query, order);
        match self.drawn.shown.top {
            Some(top) => build::limited(query, top, Vec::new()),
            None => query,
        }
    }

    /// Two points: the value so long before the newest bucket, at its own time, and that of the newest bucket.
    fn both(&self, answer: Query) -> Query {
        let rows = self.with_last(self.whole(answer));
        let is_last = || Some(equal(column("b", build::ident("time")), column("b", build::ident(LAST))));
        let of = |place: usize, time: Expr| {
            let value = self.drawn.values.get(place).map(|value| number_of(value, "b"));
            let alias = self.first();
            let value = value.unwrap_or_else(build::null);
            let projection = vec![item(time, build::ident("time")), item(value, alias)];
            Parts { projection, from: Some(derived(rows.clone(), "b")), filter: is_last(), ..Parts::default() }.select()
        };
        let now = column("b", build::ident("time"));
        let before = self.drawn.shown.compare.map_or_else(|| now.clone(), |length| earlier(now.clone(), length));
        let both = build::union_all([of(1, before), of(0, now)]);
        let Some(both) = both else { return rows };
        let projection = vec![
            item(column("c", build::ident("time")), build::ident("time")),
            item(column("c", self.first()), self.first()),
        ];
        let query = Parts { projection, from: Some(derived(both, "c")), ..Parts::default() }.query();
        build::ordered(query, vec![build::sort(name("time"), false, false)])
    }

    /// The columns of groups; those of series and tables are texts, those of a chart of several dimensions one text.
    fn groups(&self, alias: &str, frames: Frames) -> Vec<SelectItem> {
        let one = |own: &String| item(told(column(alias, CLICKHOUSE.identifier(own))), CLICKHOUSE.identifier(own));
        let is_chart = frames == Frames::Table && self.drawn.shown.form != Form::Table;
        if is_chart && self.drawn.by.len() > 1 {
            let all = self.keys(alias).into_iter().map(told).collect();
            let text = call("arrayStringConcat", vec![call("array", all), build::text(" / ")]);
            return vec![item(text, build::ident("group"))];
        }
        self.drawn.by.iter().map(one).collect()
    }

    fn values(&self, alias: &str) -> Vec<SelectItem> {
        let values = self.drawn.values.iter();
        values.map(|value| item(number_of(value, alias), CLICKHOUSE.identifier(&value.column))).collect()
    }
}

/// A value as Grafana draws it: decimals are not among its numbers.
fn number_of(value: &super::given::Drawing, alias: &str) -> Expr {
    let own = column(alias, CLICKHOUSE.identifier(&value.column));
    match value.metric.ty.ty {
        Type::Decimal { .. } => call("toFloat64", vec![own]),
        _ => own,
    }
}

/// A value of a dimension as people read it.
fn told(value: Expr) -> Expr {
    call("ifNull", vec![call("toString", vec![value]), build::text("(null)")])
}

fn name(own: &str) -> Expr {
    Expr::Identifier(CLICKHOUSE.identifier(own))
}

/// Whether a bucket begins within Grafana's time.
fn begins_within(time: Expr) -> Expr {
    binary(time, BinaryOperator::GtEq, build::ident_expr(FROM))
}

/// Whether a bucket is over at the end of Grafana's time, and now.
fn is_over(alias: &str, step: Step, calendar: Calendar) -> Expr {
    let end = call("least", vec![build::ident_expr(TO), call("now", Vec::new())]);
    let zone = build::text(calendar.zone.name());
    let end = call("toDateTime64", vec![end, number(3), zone]);
    let current = CLICKHOUSE.bucket_start(CLICKHOUSE.bucket_key(end, step, calendar), step, calendar);
    binary(column(alias, build::ident("time")), BinaryOperator::Lt, current)
}

/// An instant so long before another one.
fn earlier(time: Expr, length: Length) -> Expr {
    match length {
        Length::Milliseconds(ms) => call("subtractMilliseconds", vec![time, number(ms)]),
        Length::Days(days) => call("subtractDays", vec![time, number(days)]),
        Length::Months(months) => call("subtractMonths", vec![time, number(months)]),
        Length::Bucket(_) => time,
    }
}
