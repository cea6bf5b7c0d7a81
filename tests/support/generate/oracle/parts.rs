//! Conditions on the bucket that a row is counted in, and what there is to say of one.

use super::super::model::*;
use super::Row;
use super::calendar::Calendar;
use super::eval::{Scope, eval, of_time, truth};
use super::interval::Bucket;

/// A bucket, and the one that asks for it as for one of its inner ones.
#[derive(Clone, Copy)]
pub struct At<'a> {
    pub bucket: Bucket,
    pub above: Option<&'a At<'a>>,
}

impl At<'_> {
    /// The bucket some levels above.
    fn up(&self, levels: usize) -> Bucket {
        match (levels, self.above) {
            (0, _) => self.bucket,
            (_, Some(above)) => above.up(levels - 1),
            (_, None) => panic!("a bucket above all others"),
        }
    }
}

/// A condition on rows and on the bucket that they are counted in.
#[derive(Clone, Debug)]
pub struct Late {
    pub filter: Expr,
    /// How many levels above the rows' own bucket the one is that it speaks of.
    pub levels: usize,
}

impl Late {
    pub fn holds(&self, row: &Row, at: &At) -> bool {
        let scope = InBucket { bucket: at.up(self.levels), row: Some(row), calendar: row.calendar() };
        truth(&eval(&self.filter, &scope)) == Some(true)
    }
}

/// Whether a bucket is one that a condition leaves, as far as it speaks of nothing but buckets.
pub fn leaves(filter: &Expr, bucket: Bucket, calendar: Calendar) -> bool {
    let scope = InBucket { bucket, row: None, calendar };
    let of_rows = |part: &Expr| matches!(part.node, Node::Dimension(_) | Node::MetricPer(..));
    let all = super::formula::conjuncts(filter);
    let mut own = all.iter().filter(|part| !part.any(&mut |part| of_rows(part)));
    own.all(|part| truth(&eval(part, &scope)) == Some(true))
}

/// What a part of a bucket is.
pub fn part(part: &TimePart, start: i64, calendar: Calendar) -> Value {
    match part {
        TimePart::Start => Value::Timestamp(start),
        TimePart::Number(op) => of_time(op, &Value::Timestamp(start), calendar),
        TimePart::Within(step) => Value::Timestamp(calendar.bucket(start, *step).0),
    }
}

struct InBucket<'a> {
    bucket: Bucket,
    row: Option<&'a Row<'a>>,
    calendar: Calendar,
}

impl Scope for InBucket<'_> {
    fn atom(&self, expr: &Expr) -> Value {
        match (&expr.node, self.row) {
            (Node::Bucket(of), _) => part(of, self.bucket.start, self.calendar),
            (_, Some(row)) => row.atom(expr),
            (other, None) => panic!("{other:?} of buckets"),
        }
    }

    fn calendar(&self) -> Calendar {
        self.calendar
    }
}
