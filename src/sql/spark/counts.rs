//! What tools of quality ask of Spark. The zone is that of the session, which is the project's.

use sqlparser::ast::{BinaryOperator, Expr};

use super::value::{cast_to, int};
use super::{Spark, time};
use crate::plan::DataType;
use crate::sql::build::{binary, call, number};
use crate::sql::by_day::Counts;
use crate::sql::dialect::Calendar;

impl Counts for Spark {
    fn local_day(&self, time: Expr, _: Calendar) -> Expr {
        time::local_day(time)
    }

    /// Half a day behind midnight.
    fn within_day(&self, day: Expr, _: Calendar) -> Expr {
        let midnight = call("unix_millis", vec![cast_to(day, &DataType::Timestamp)]);
        call("timestamp_millis", vec![binary(midnight, BinaryOperator::Plus, int(12 * 3_600_000))])
    }

    fn now(&self) -> Expr {
        call("current_timestamp", Vec::new())
    }

    fn milliseconds(&self, time: Expr) -> Expr {
        call("unix_millis", vec![time])
    }

    fn days_before(&self, day: Expr, days: u64) -> Expr {
        call("date_sub", vec![day, number(days)])
    }
}
