//! Windows behind a row: what lies in one, and which are over.

use sqlparser::ast::{BinaryOperator, Expr};

use super::super::Lowering;
use crate::plan::{DataType, Function, Selection, Value, Within};
use crate::sql::build::{self, Parts};

/// The alias of rows, and the name of their time.
const ROWS: &str = "r";
const AT: &str = "_at";

impl Lowering<'_> {
    /// Whether an instant that may be null lies in the window of another one, as far as its end goes.
    pub(super) fn is_within(&self, within: Within, start: Expr, at: Expr) -> Expr {
        match within {
            Within::Elapsed(ms) => build::binary(at, BinaryOperator::LtEq, self.moved(start, ms)),
            Within::Same(step) => {
                let key = |at: Expr| self.dialect.bucket_key(at, step, self.calendar);
                // A null is in no bucket.
                let known = build::is_not_null(at.clone());
                let own = key(self.dialect.not_null(at));
                build::binary(known, BinaryOperator::And, build::equal(own, key(start)))
            }
        }
    }

    /// The last start of which the window is over: null where there are no rows.
    pub(super) fn end_of_window<'s>(&self, ends: impl Iterator<Item = &'s Selection>, within: Within) -> Expr {
        let last = |rows: &Selection| {
            let greatest = build::item(build::call("max", vec![self.instant_of(rows)]), build::ident(AT));
            self.selected(rows, &[], Vec::new(), vec![greatest]).select()
        };
        let all = build::union_all(build::each_once(ends.map(last))).map(|all| build::derived(all, ROWS));
        let greatest = build::call("max", vec![build::column(ROWS, build::ident(AT))]);
        let projection = vec![build::item(greatest, build::ident(AT))];
        let last = build::scalar(Parts { projection, from: all, ..Parts::default() }.query());
        match within {
            Within::Elapsed(ms) => self.moved(last, -ms),
            // The bucket that holds it is not over.
            Within::Same(step) => {
                let key = self.dialect.bucket_key(self.dialect.not_null(last), step, self.calendar);
                let start = self.dialect.bucket_start(key, step, self.calendar);
                self.moved(start, -1)
            }
        }
    }

    /// An instant so many milliseconds later.
    pub(super) fn moved(&self, at: Expr, ms: i64) -> Expr {
        let (instant, duration) = (&DataType::Timestamp, &DataType::Duration);
        let length = self.dialect.literal(&Value::Duration(ms), duration, self.calendar);
        self.call(Function::Add, vec![(at, instant), (length, duration)], instant)
    }
}
