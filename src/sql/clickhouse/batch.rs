//! Batches: parameters of queries, and days as partitions.

use sqlparser::ast::{BinaryOperator, Expr, Query, Select};

use super::time::{bucket_key, midnight};
use super::value::zone;
use crate::plan::Step;
use crate::rollup::Cadence;
use crate::sql::build::{self, Parts, binary, call, column, ident, number, parameter, text};
use crate::sql::dialect::{Batches, Calendar};
use crate::sql::lower::single;

/// The batches of ClickHouse.
pub struct ClickHouseBatches;

fn day_type() -> Expr {
    Expr::Identifier(ident("Date32"))
}

/// The days that are built.
fn days() -> Expr {
    parameter("days", call("Array", vec![day_type()]))
}

/// The day that is over.
fn day() -> Expr {
    parameter("day", day_type())
}

/// The start of the hour that is over. In UTC, where no hour comes twice.
fn hour() -> Expr {
    parameter("hour", call("DateTime64", vec![number(3), text("UTC")]))
}

/// The month that a backfill builds.
fn month() -> Expr {
    parameter("month", Expr::Identifier(ident("UInt32")))
}

fn add_days(day: Expr, days: Expr) -> Expr {
    call("addDays", vec![day, days])
}

fn local_day(time: Expr, calendar: Calendar) -> Expr {
    bucket_key(time, Step::Day, calendar)
}

/// `from <= time AND time < to`
fn within(time: Expr, from: Expr, to: Expr) -> Vec<Expr> {
    vec![binary(time.clone(), BinaryOperator::GtEq, from), binary(time, BinaryOperator::Lt, to)]
}

/// How many days before the last one are built with it.
fn back(cadence: Cadence, days: u32, calendar: Calendar) -> Expr {
    match cadence {
        Cadence::Daily => number(days),
        Cadence::Hourly if days == 0 => number(0),
        Cadence::Hourly => {
            let first = midnight(local_day(hour(), calendar), calendar);
            call("if", vec![build::equal(hour(), first), number(days), number(0)])
        }
    }
}

impl Batches for ClickHouseBatches {
    fn on_days(&self, time: Expr, cadence: Cadence, calendar: Calendar) -> Vec<Expr> {
        let first = midnight(call("arrayMin", vec![days()]), calendar);
        let end = midnight(add_days(call("arrayMax", vec![days()]), number(1)), calendar);
        let mut found = within(time.clone(), first, end);
        found.push(self.is_built(local_day(time.clone(), calendar)));
        if cadence == Cadence::Hourly {
            found.push(binary(time, BinaryOperator::Lt, call("addHours", vec![hour(), number(1)])));
        }
        found
    }

    fn is_built(&self, day: Expr) -> Expr {
        call("has", vec![days(), day])
    }

    fn last_day(&self, cadence: Cadence, calendar: Calendar) -> Expr {
        match cadence {
            Cadence::Daily => day(),
            Cadence::Hourly => local_day(hour(), calendar),
        }
    }

    fn days_before(&self, day: Expr, days: Expr) -> Expr {
        call("subtractDays", vec![day, days])
    }

    fn span(&self, cadence: Cadence, days: u32, calendar: Calendar) -> Select {
        let last = self.last_day(cadence, calendar);
        if days == 0 {
            return single(last, "day", None);
        }
        let count = binary(back(cadence, days, calendar), BinaryOperator::Plus, number(1));
        let numbers = build::table_function("numbers", vec![count], "n");
        single(self.days_before(last, column("n", ident("number"))), "day", Some(numbers))
    }

    fn in_span(&self, time: Expr, cadence: Cadence, days: u32, calendar: Calendar) -> Vec<Expr> {
        let last = self.last_day(cadence, calendar);
        let first = self.days_before(last.clone(), back(cadence, days, calendar));
        within(time, midnight(first, calendar), midnight(add_days(last, number(1)), calendar))
    }

    fn last(&self, cadence: Cadence, calendar: Calendar) -> (Expr, Expr) {
        match cadence {
            Cadence::Daily => (midnight(day(), calendar), midnight(add_days(day(), number(1)), calendar)),
            Cadence::Hourly => (hour(), call("addHours", vec![hour(), number(1)])),
        }
    }

    fn in_last(&self, time: Expr, cadence: Cadence, calendar: Calendar) -> Vec<Expr> {
        let (start, end) = self.last(cadence, calendar);
        within(time, start, end)
    }

    fn in_month(&self, time: Expr, calendar: Calendar) -> Vec<Expr> {
        let part = |name: &str| call(name, vec![month(), number(100)]);
        let first = call("makeDate32", vec![part("intDiv"), part("modulo"), number(1)]);
        let next = call("addMonths", vec![first.clone(), number(1)]);
        within(time, midnight(first, calendar), midnight(next, calendar))
    }

    fn is_of_month(&self, bucket: Expr) -> Expr {
        build::equal(call("toYYYYMM", vec![bucket]), month())
    }

    fn month(&self, time: Expr, calendar: Calendar) -> Expr {
        call("toYYYYMM", vec![time, zone(calendar)])
    }

    fn chunks(&self, days: Query, most: u32) -> Query {
        let of = |alias: &str, name: &str| column(alias, ident(name));
        let place = build::window("row_number", Vec::new(), vec![build::sort(of("d", "day"), false, false)]);
        let place = binary(place, BinaryOperator::Minus, number(1));
        let chunk = call("intDiv", vec![place, number(most)]);
        let projection = vec![build::item(of("d", "day"), ident("day")), build::item(chunk, ident("chunk"))];
        let numbered = Parts { projection, from: Some(build::derived(days, "d")), ..Parts::default() }.query();
        let list = call("arraySort", vec![call("groupArray", vec![of("c", "day")])]);
        let grouped = Parts {
            projection: vec![build::item(list, ident("days"))],
            from: Some(build::derived(numbered, "c")),
            group_by: vec![of("c", "chunk")],
            ..Parts::default()
        };
        build::ordered(grouped.query(), vec![build::sort(of("c", "chunk"), false, false)])
    }
}
