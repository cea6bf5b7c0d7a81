//! Conditions on the bucket that a row is counted in, and what there is to say of one.

use super::super::model::*;
use super::Row;
use super::calendar::Calendar;
use super::eval::{Scope, eval, of_time, truth};
use super::interval::{Bucket, Moves};

/// A bucket, and the one that asks for it as for one of its inner ones.
#[derive(Clone, Copy)]
pub struct At<'a> {
    pub bucket: Bucket,
    pub above: Option<&'a At<'a>>,
    /// The instants within which rows are asked for.
    pub clip: Clip,
}

/// Limits that may cut a bucket.
#[derive(Clone, Copy, Debug)]
pub struct Clip {
    pub from: i64,
    pub to: i64,
}

impl Clip {
    /// Without limits.
    pub const NONE: Clip = Clip { from: i64::MIN, to: i64::MAX };

    /// An interval within them: what is moved reads what lies before, and nothing that lies behind.
    pub fn within(self, moves: &Moves, (from, to): (i64, i64)) -> (i64, i64) {
        let from = if moves.is_none() { from.max(self.from) } else { from };
        (from, to.min(self.to))
    }

    /// Those of the inner values of something that is moved.
    pub fn below(self, moves: &Moves) -> Clip {
        if moves.is_none() { self } else { Clip { from: i64::MIN, ..self } }
    }
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
