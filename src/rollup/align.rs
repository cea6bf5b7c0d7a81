//! Steps that fit into each other, and into the intervals of a question.
//!
//! A rollup serves a scan where every interval of it begins and ends with a bucket of the rollup: then a bucket counts as a
//! whole, in the same way as its rows.

use std::cell::OnceCell;

use chrono::{DateTime, Offset};
use chrono_tz::Tz;

use crate::plan::time::{DAY_MS, local};
use crate::plan::{Guard, Interval, Query, Scan, Span, Step, TableScan, Window};

/// Until when the clocks of a zone are looked at, in days since 1970. Rules that go on repeat themselves long before.
const LAST_DAY: i64 = 25_567;

/// The clocks of a project.
pub struct Clocks {
    zone: Tz,
    shift: OnceCell<i64>,
}

impl Clocks {
    /// Of a zone.
    pub fn new(zone: Tz) -> Clocks {
        Clocks { zone, shift: OnceCell::new() }
    }

    /// The coarsest step of whose whole buckets all that is asked of a scan of a table is made; none where any will do.
    pub fn unit_of(&self, scan: &TableScan) -> Option<Step> {
        let own = self.unit(scan.query, scan.scan);
        let around = scan.around.iter().filter_map(|(query, scan)| self.guarded(query, scan));
        own.into_iter().chain(self.guarded(scan.query, scan.scan)).chain(around).reduce(common)
    }

    /// The same for what is compared with the first row of its data.
    fn guarded(&self, query: &Query, scan: &Scan) -> Option<Step> {
        match &scan.guard {
            Some(Guard::Of(interval)) => query.step.map(|step| in_days(self.interval(interval, step))),
            Some(Guard::Until(_)) | None => None,
        }
    }

    /// The coarsest step of whose whole buckets the buckets and intervals of a scan are made; none where any will do.
    pub fn unit(&self, query: &Query, scan: &Scan) -> Option<Step> {
        // Without buckets a window ends with a local day.
        let step = query.step.or_else(|| (!scan.interval.is_bucket()).then_some(Step::Day));
        let own = step.map(|step| self.interval(&scan.interval, step));
        own.into_iter().chain(scan.last.iter().map(|last| last.step)).map(in_days).reduce(common)
    }

    fn interval(&self, interval: &Interval, step: Step) -> Step {
        let last = match interval.window {
            Some(Window::Last(span) | Window::Before(span) | Window::Earlier(span)) => Some(span),
            _ => None,
        };
        let to_date = match interval.window {
            Some(Window::ToDate(step)) => Some(step),
            _ => None,
        };
        let mut unit = interval.at_start_of.into_iter().chain(to_date).fold(step, common);
        let mut crosses_days = false;
        for span in interval.ago.iter().copied().chain(last) {
            match span {
                Span::Milliseconds(ms) => {
                    unit = common(unit, Step::Subday(gcd(ms, DAY_MS)));
                    crosses_days = true;
                }
                // The time of a day, on a day that may have another length.
                Span::Bucket(_) => {}
                Span::Days(_) | Span::Months(_) if matches!(step, Step::Subday(_)) => crosses_days = true,
                Span::Days(_) | Span::Months(_) => unit = common(unit, Step::Day),
            }
        }
        match unit {
            Step::Subday(ms) if crosses_days => Step::Subday(gcd(ms, self.shift())),
            unit => unit,
        }
    }

    /// By how much the clock was ever changed: the buckets of a step that divides this are the same across days. 0 if never.
    fn shift(&self) -> i64 {
        *self.shift.get_or_init(|| {
            let offset = |day: i64| {
                let at = local(day * DAY_MS, self.zone);
                i64::from(at.offset().fix().local_minus_utc()) * 1000
            };
            let first = offset(0);
            // Some countries change their clocks for a few weeks.
            (0..LAST_DAY).step_by(7).fold(0, |shift, day| gcd(shift, offset(day) - first))
        })
    }

    /// Whether an instant is the start of a bucket.
    pub fn is_start(&self, at: i64, step: Step, query: &Query) -> bool {
        DateTime::from_timestamp_millis(at).is_some() && step.bucket(at, self.zone, query.week_start) == at
    }
}

/// The buckets of a declared calendar are made of days, and of nothing coarser for certain.
fn in_days(step: Step) -> Step {
    if step.is_declared() { Step::Day } else { step }
}

/// Whether every bucket of `coarse` is made of whole buckets of `fine`. Steps below a day all start at local midnight and are
/// cut at the next, so this holds on days of 23 and 25 hours too.
pub fn divides(fine: Step, coarse: Step) -> bool {
    match (fine, coarse) {
        (Step::Subday(fine), Step::Subday(coarse)) => coarse % fine == 0,
        (Step::Subday(_), _) => true,
        (Step::Day, coarse) => !matches!(coarse, Step::Subday(_)),
        (Step::Month, coarse) => matches!(coarse, Step::Month | Step::Quarter | Step::Year),
        (Step::Quarter, coarse) => matches!(coarse, Step::Quarter | Step::Year),
        (Step::Declared(fine), Step::Declared(coarse)) => fine.divides(coarse),
        (fine, coarse) => fine == coarse,
    }
}

/// The coarsest step of which the buckets of both are made.
pub fn common(a: Step, b: Step) -> Step {
    match (a, b) {
        _ if divides(a, b) => a,
        _ if divides(b, a) => b,
        (Step::Subday(a), Step::Subday(b)) => Step::Subday(gcd(a, b)),
        _ => Step::Day,
    }
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a.abs() } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    #[track_caller]
    fn check(zone: Tz, interval: &str, step: &str, wanted: &str) {
        let (interval, step) = (interval.parse().expect("an interval"), Step::parse(step).expect("a step"));
        assert_eq!(Clocks::new(zone).interval(&interval, step).text(), wanted, "{interval} of {}", step.text());
    }

    #[test]
    fn days_serve_windows_of_days() {
        let zone = chrono_tz::America::New_York;
        check(zone, "", "1w", "1w");
        check(zone, "over 30 days", "1d", "1d");
        check(zone, "over 30 days", "month", "1d");
        check(zone, "over 12 months", "month", "1d");
        check(zone, "ago 7 days; over 1 months", "1w", "1d");
        check(zone, "to 1month", "1w", "1d");
        check(zone, "to 1year", "month", "1month");
        check(zone, "start 1month; all", "1d", "1d");
    }

    #[test]
    fn hours_need_clocks_that_change_by_hours() {
        check(chrono_tz::America::New_York, "over 10800000 ms", "1h", "1h");
        check(chrono_tz::America::New_York, "over 5400000 ms", "1h", "30m");
        check(chrono_tz::America::New_York, "over 7200000 ms", "2h", "1h");
        check(chrono_tz::Asia::Dubai, "over 7200000 ms", "2h", "2h");
        check(chrono_tz::Asia::Dubai, "over 90000000 ms", "1d", "1h");
        check(chrono_tz::Australia::Lord_Howe, "ago 1 days", "1h", "30m");
        check(chrono_tz::Australia::Lord_Howe, "", "1h", "1h");
        // Half an hour off, and for good in 2018.
        check(chrono_tz::Asia::Pyongyang, "ago 3600000 ms", "1h", "30m");
    }

    #[test]
    fn steps_that_do_not_divide_each_other_have_a_common_one() {
        assert_eq!(common(Step::Week, Step::Month), Step::Day);
        assert_eq!(common(Step::Subday(3 * HOUR), Step::Subday(2 * HOUR)), Step::Subday(HOUR));
        assert_eq!(common(Step::Quarter, Step::Month), Step::Month);
        assert_eq!(common(Step::Year, Step::Subday(HOUR)), Step::Subday(HOUR));
    }
}
