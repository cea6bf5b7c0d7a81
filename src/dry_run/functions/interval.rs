//! Functions over intervals: which buckets an instant counts in, and where a bucket's interval lies.

use std::collections::HashMap;
use std::sync::Arc;

use chrono_tz::Tz;
use datafusion::arrow::array::{ArrayRef, ListBuilder, TimestampMillisecondBuilder};
use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::{DataFusionError, Result, exec_err};

use super::scalar::{Call, Definition, Kind, Returns, TIMESTAMP};
use super::time::zone;
use crate::plan::time::{DAY_MS, Step, WeekStart, local_date};
use crate::plan::{Interval, Span};

pub(super) static FUNCTIONS: &[Definition] = &[
    Definition {
        name: "mc_buckets",
        takes: &[Kind::Timestamp, Kind::Text, Kind::Text, Kind::Text, Kind::Int, Kind::Timestamp],
        optional: 0,
        returns: Returns::Type(|| DataType::List(Arc::new(Field::new_list_field(TIMESTAMP, true)))),
        kernel: buckets,
    },
    Definition {
        name: "mc_interval_start",
        takes: &[Kind::Timestamp, Kind::Text, Kind::Text, Kind::Text, Kind::Int],
        optional: 0,
        returns: Returns::Type(|| TIMESTAMP),
        kernel: |call| edge(call, |interval| interval.0),
    },
    Definition {
        name: "mc_interval_end",
        takes: &[Kind::Timestamp, Kind::Text, Kind::Text, Kind::Text, Kind::Int],
        optional: 0,
        returns: Returns::Type(|| TIMESTAMP),
        kernel: |call| edge(call, |interval| interval.1),
    },
    Definition {
        name: "mc_steps",
        takes: &[Kind::Timestamp, Kind::Text, Kind::Text, Kind::Text, Kind::Int, Kind::Text],
        optional: 0,
        returns: Returns::Type(|| DataType::Float64),
        kernel: steps,
    },
];

/// The arguments behind the first: `'step', 'interval', 'zone', week start 1..7`.
struct Relative {
    step: Step,
    interval: Interval,
    zone: Tz,
    week_start: WeekStart,
}

impl Relative {
    fn read(call: &Call) -> Result<Relative> {
        let wrong = |what: &str| DataFusionError::Execution(format!("{what} is no step or interval"));
        let step = call.constant_text(1)?;
        let interval = call.constant_text(2)?;
        let Some(Ok(day)) = u8::try_from(call.constant_int(4)? - 1).ok().map(chrono::Weekday::try_from) else {
            return exec_err!("a week starts on a day from 1 to 7");
        };
        Ok(Relative {
            step: Step::parse(step).ok_or_else(|| wrong(step))?,
            interval: interval.parse().map_err(|()| wrong(interval))?,
            zone: zone(call.constant_text(3)?)?,
            week_start: WeekStart(day),
        })
    }

    fn of(&self, bucket: i64) -> (i64, i64) {
        self.interval.of(bucket, self.step, self.zone, self.week_start)
    }

    fn buckets(&self, at: i64, last: i64) -> Vec<i64> {
        self.interval.buckets(at, self.step, self.zone, self.week_start, last)
    }
}

/// `mc_buckets(ts, 'step', 'interval', 'zone', week start, last bucket)`
fn buckets(call: &Call) -> Result<ArrayRef> {
    let relative = Relative::read(call)?;
    let (at, last) = (call.timestamp(0), call.timestamp(5));
    // All instants of a local day are in the same intervals, where those begin and end at midnights.
    let daily = relative.interval.is_daily(relative.step);
    let mut known: HashMap<(chrono::NaiveDate, i64), Vec<i64>> = HashMap::new();
    let mut builder = ListBuilder::new(TimestampMillisecondBuilder::new());
    for row in 0..call.rows {
        if let (Some(at), Some(last)) = (at.get(row), last.get(row)) {
            if daily {
                let key = (local_date(at, relative.zone), last);
                let found = known.entry(key).or_insert_with(|| relative.buckets(at, last));
                builder.values().append_slice(found);
            } else {
                builder.values().append_slice(&relative.buckets(at, last));
            }
        }
        builder.append(true);
    }
    Ok(Arc::new(builder.finish()))
}

fn edge(call: &Call, edge: fn((i64, i64)) -> i64) -> Result<ArrayRef> {
    let relative = Relative::read(call)?;
    let bucket = call.timestamp(0);
    call.timestamps(|row| Some(edge(relative.of(bucket.get(row)?))))
}

/// `mc_steps(bucket, 'step', 'interval', 'zone', week start, 'length')`
fn steps(call: &Call) -> Result<ArrayRef> {
    let relative = Relative::read(call)?;
    let length = call.constant_text(5)?;
    let Ok(length) = length.parse::<Span>() else { return exec_err!("{length} is no length of time") };
    let daily = relative.interval.is_daily(relative.step);
    let bucket = call.timestamp(0);
    call.floats(|row| {
        let (from, to) = relative.of(bucket.get(row)?);
        let elapsed = to.checked_sub(from)? as f64;
        Some(match length {
            Span::Milliseconds(ms) => elapsed / ms as f64,
            Span::Days(days) if daily => {
                let day = |at: i64| local_date(at, relative.zone);
                (day(to) - day(from)).num_days() as f64 / days as f64
            }
            Span::Days(days) => elapsed / (days * DAY_MS) as f64,
            Span::Months(_) | Span::Bucket(_) => return None,
        })
    })
}
