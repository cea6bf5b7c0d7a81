//! What tools of quality ask of ClickHouse beside an answer by day.

use sqlparser::ast::{Expr, ObjectName};

use super::ClickHouse;
use crate::plan::{Step, Table};
use crate::sql::build::{call, number};
use crate::sql::by_day::Counts;
use crate::sql::dialect::{Calendar, Dialect};

impl Counts for ClickHouse {
    fn whole(&self) -> Option<&dyn Dialect> {
        Some(self)
    }

    fn stored(&self, table: &Table) -> ObjectName {
        self.table(table)
    }

    fn local_day(&self, time: Expr, calendar: Calendar) -> Expr {
        self.bucket_key(time, Step::Day, calendar)
    }

    fn within_day(&self, day: Expr, calendar: Calendar) -> Expr {
        self.bucket_start(day, Step::Day, calendar)
    }

    fn now(&self) -> Expr {
        call("now64", vec![number(3)])
    }

    fn milliseconds(&self, time: Expr) -> Expr {
        call("toUnixTimestamp64Milli", vec![time])
    }

    fn days_before(&self, day: Expr, days: u64) -> Expr {
        call("subtractDays", vec![day, number(days)])
    }
}
