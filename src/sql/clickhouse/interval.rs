//! Intervals of buckets. For steps of days and longer, buckets are days (`Date32`); an interval that begins and ends at
//! midnights is reckoned in days too, so that its buckets follow from a row's day alone.

use sqlparser::ast::{BinaryOperator, Expr};

use super::calendar::{self as declared};
use super::time::{bucket_key, bucket_start, midnight};
use super::value::zone;
use crate::plan::time::DAY_MS;
use crate::plan::{Declared, Interval, Span, Step, Window};
use crate::sql::build::{self, binary, call, number};
use crate::sql::dialect::Calendar;

/// The variable of lambdas over buckets.
const BUCKET: &str = "x";
/// The variable of lambdas over numbers.
const PLACE: &str = "i";

/// Half an hour: the days of all zones are made of these, so that no bucket is skipped in going on by them.
const HALF_HOUR: i64 = 1_800_000;

/// An interval of the buckets of a step.
pub struct Relative<'a> {
    pub step: Step,
    pub interval: &'a Interval,
    pub calendar: Calendar,
}

/// Where an interval begins (none for the beginning of all data) and ends.
struct Edges {
    start: Option<Expr>,
    end: Expr,
}

impl Relative<'_> {
    /// See [`crate::sql::Dialect::interval_start`].
    pub fn start(&self, key: Expr) -> Option<Expr> {
        self.instants(key).start
    }

    /// See [`crate::sql::Dialect::interval_end`].
    pub fn end(&self, key: Expr) -> Expr {
        self.instants(key).end
    }

    /// See [`crate::sql::Dialect::buckets`].
    pub fn buckets(&self, time: Expr, last: Expr) -> Expr {
        if self.interval.is_daily(self.step) {
            return self.daily_buckets(bucket_key(time, Step::Day, self.calendar), last);
        }
        let edges = self.instants(build::ident_expr(BUCKET));
        let inside = inside(edges, time.clone());
        let candidates = match self.step {
            Step::Subday(_) => self.candidates_below_a_day(time, &last),
            _ => self.candidates_of_days(bucket_key(time, Step::Day, self.calendar), &last),
        };
        self.up_to(candidates, Some(inside), last)
    }

    fn daily_buckets(&self, day: Expr, last: Expr) -> Expr {
        let plain_day = self.step == Step::Day && self.interval.at_start_of.is_none();
        match (self.interval.ago.as_slice(), &self.interval.window) {
            // Every bucket of the window, and no other: nothing to check.
            ([], Some(Window::Last(Span::Days(days)))) if plain_day => {
                let later = call("addDays", vec![day, build::ident_expr(PLACE)]);
                self.up_to(each(later, number(*days)), None, last)
            }
            ([Span::Days(days)], None) if plain_day => {
                self.up_to(call("array", vec![call("addDays", vec![day, number(*days)])]), None, last)
            }
            _ => {
                let inside = inside(self.days(build::ident_expr(BUCKET)), day.clone());
                let candidates = self.candidates_of_days(day, &last);
                self.up_to(candidates, Some(inside), last)
            }
        }
    }

    /// The candidates that pass, up to the last bucket.
    fn up_to(&self, candidates: Expr, inside: Option<Expr>, last: Expr) -> Expr {
        let bounded = binary(build::ident_expr(BUCKET), BinaryOperator::LtEq, last);
        let condition = build::all(inside.into_iter().chain([bounded]));
        call("arrayFilter", vec![build::lambda(BUCKET, condition.unwrap_or_else(build::null)), candidates])
    }

    /// Buckets of days and longer that may hold a day: all that start from the day, moved as far as is certain, on.
    fn candidates_of_days(&self, day: Expr, last: &Expr) -> Expr {
        if let Step::Declared(step) = self.step {
            return declared::all(step);
        }
        let (least, most) = self.shift_days();
        let reach = match &self.interval.window {
            None => Some(Days::exactly(0)),
            Some(Window::Last(span) | Window::Before(span) | Window::Earlier(span)) => {
                Some(Days::exactly(span.days().1))
            }
            Some(Window::ToDate(step)) => Some(days_of(*step)),
            Some(Window::All) => None,
        };
        let first = call("addDays", vec![day.clone(), number(least)]);
        let count = match reach {
            Some(reach) => {
                let own = || days_of(self.step);
                let longer = self.interval.at_start_of.map(|step| days_of(step).and(own()));
                let all = Days::exactly(most - least).and(reach).and(own());
                longer.into_iter().fold(all, Days::and).count(1, 0)
            }
            None => {
                let distance = call("dateDiff", vec![build::text("day"), first.clone(), last.clone()]);
                let longer = binary(distance, BinaryOperator::Plus, number(days_of(self.step).known + 1));
                call("toUInt32", vec![call("greatest", vec![longer, number(0)])])
            }
        };
        let later = call("addDays", vec![first, build::ident_expr(PLACE)]);
        let candidates = each(self.first_day(later, self.step), count);
        if self.step == Step::Day { candidates } else { call("arrayDistinct", vec![candidates]) }
    }

    /// The same for steps below a day, over an instant.
    fn candidates_below_a_day(&self, time: Expr, last: &Expr) -> Expr {
        let Step::Subday(size) = self.step else { return call("array", Vec::new()) };
        let stride = gcd(size, HALF_HOUR);
        let (least, most) = self.shift_milliseconds();
        let reach = match &self.interval.window {
            None => Some((0, Days::exactly(0))),
            Some(Window::Last(span) | Window::Before(span) | Window::Earlier(span)) => match span {
                Span::Milliseconds(ms) => Some((*ms, Days::exactly(0))),
                span => Some((0, Days::exactly(span.days().1 + 1))),
            },
            Some(Window::ToDate(Step::Subday(ms))) => Some((*ms, Days::exactly(0))),
            Some(Window::ToDate(step)) => Some((0, days_of(*step).and(Days::exactly(1)))),
            Some(Window::All) => None,
        };
        let first = call("addMilliseconds", vec![time, number(least)]);
        let count = match reach {
            Some((reach, days)) => {
                let longer = self.interval.at_start_of.map(|step| days_of(step).and(Days::exactly(1)));
                let days = longer.into_iter().fold(days, Days::and);
                let rest = (most - least + reach + size) / stride + 2;
                // The stride divides a day.
                days.count(DAY_MS / stride, rest)
            }
            None => {
                let ms = |at: Expr| call("toUnixTimestamp64Milli", vec![at]);
                let distance = binary(ms(last.clone()), BinaryOperator::Minus, ms(first.clone()));
                let places = call("intDiv", vec![distance, number(stride)]);
                let places = binary(places, BinaryOperator::Plus, number(size / stride + 2));
                call("toUInt32", vec![call("greatest", vec![places, number(0)])])
            }
        };
        let offset = binary(build::ident_expr(PLACE), BinaryOperator::Multiply, number(stride));
        let later = call("addMilliseconds", vec![first, offset]);
        call("arrayDistinct", vec![each(bucket_key(later, self.step, self.calendar), count)])
    }

    /// How many days the interval ends before its bucket at least and at most.
    fn shift_days(&self) -> (i64, i64) {
        let days = self.interval.ends_before().map(Span::days);
        days.fold((0, 0), |(least, most), (a, b)| (least + a, most + b))
    }

    fn shift_milliseconds(&self) -> (i64, i64) {
        let spans = self.interval.ends_before().map(|span| match span {
            Span::Milliseconds(ms) => (ms, ms),
            // A change of the clock and the clamped end of a day.
            span => ((span.days().0 - 1) * DAY_MS, (span.days().1 + 1) * DAY_MS),
        });
        let (least, most) = spans.fold((0, 0), |(least, most), (a, b)| (least + a, most + b));
        (least.max(0), most)
    }

    /// The interval of a bucket of days, as days.
    fn days(&self, key: Expr) -> Edges {
        let (mut start, mut end) = (key.clone(), self.next_day(key));
        for span in &self.interval.ago {
            start = back(start, *span);
            end = self.next_day(start.clone());
        }
        if let Some(longer) = self.interval.at_start_of {
            end = match longer {
                Step::Declared(longer) => declared::first_day_or_nothing(longer, start),
                _ => self.first_day(start, longer),
            };
            start = self.first_day(call("subtractDays", vec![end.clone(), number(1)]), self.step);
        }
        let start = match &self.interval.window {
            None => Some(start),
            Some(Window::Last(span)) => Some(back(end.clone(), *span)),
            Some(Window::Before(span)) => Some(back(start, *span)),
            Some(Window::Earlier(span)) => {
                let start = back(end.clone(), span.times(2));
                end = back(end, *span);
                Some(start)
            }
            Some(Window::ToDate(longer)) => {
                Some(self.first_day(call("subtractDays", vec![end.clone(), number(1)]), *longer))
            }
            Some(Window::All) => None,
        };
        Edges { start, end }
    }

    /// The interval of any bucket, as instants.
    fn instants(&self, key: Expr) -> Edges {
        let Step::Subday(size) = self.step else { return self.instants_of_days(key) };
        let next = midnight(call("addDays", vec![self.day_of(key.clone()), number(1)]), self.calendar);
        let (mut start, mut end) =
            (key.clone(), call("least", vec![call("addMilliseconds", vec![key, number(size)]), next]));
        for span in &self.interval.ago {
            (start, end) = (self.same_time(start.clone(), start.clone(), *span), self.same_time(start, end, *span));
        }
        if let Some(longer) = self.interval.at_start_of {
            end = match longer {
                Step::Declared(longer) => {
                    midnight(declared::first_day_or_nothing(longer, self.day_of(start)), self.calendar)
                }
                _ => self.bucket_of(start, longer),
            };
            start = self.bucket_of(call("subtractMilliseconds", vec![end.clone(), number(1)]), self.step);
        }
        self.windowed(start, end)
    }

    fn instants_of_days(&self, key: Expr) -> Edges {
        let bucket = Interval { window: None, ..self.interval.clone() };
        let edges = Relative { interval: &bucket, ..*self }.days(key.clone());
        let day = edges.start.unwrap_or(key);
        self.windowed(midnight(day, self.calendar), midnight(edges.end, self.calendar))
    }

    fn windowed(&self, start: Expr, mut end: Expr) -> Edges {
        let start = match &self.interval.window {
            None => Some(start),
            Some(Window::Last(span)) => Some(self.same_time(end.clone(), end.clone(), *span)),
            Some(Window::Before(span)) => Some(self.same_time(start.clone(), start, *span)),
            Some(Window::Earlier(span)) => {
                let start = self.same_time(end.clone(), end.clone(), span.times(2));
                end = self.same_time(end.clone(), end, *span);
                Some(start)
            }
            Some(Window::ToDate(longer)) => {
                Some(self.bucket_of(call("subtractMilliseconds", vec![end.clone(), number(1)]), *longer))
            }
            Some(Window::All) => None,
        };
        Edges { start, end }
    }

    /// The instant so far before `at`, days reckoned from that of `day`: as long after midnight, at most the next midnight.
    fn same_time(&self, day: Expr, at: Expr, span: Span) -> Expr {
        if let Span::Milliseconds(ms) = span {
            return call("subtractMilliseconds", vec![at, number(ms)]);
        }
        let ms = |at: Expr| call("toUnixTimestamp64Milli", vec![at]);
        let day = self.day_of(day);
        let earlier = back(day.clone(), span);
        let since = binary(ms(at), BinaryOperator::Minus, ms(midnight(day, self.calendar)));
        let next = midnight(call("addDays", vec![earlier.clone(), number(1)]), self.calendar);
        call("least", vec![call("addMilliseconds", vec![midnight(earlier, self.calendar), since]), next])
    }

    /// See [`crate::sql::Dialect::steps`].
    pub fn steps(&self, key: Expr, length: Span) -> Expr {
        let float = |value: Expr| call("toFloat64", vec![value]);
        if let (Span::Days(days), true) = (length, self.interval.is_daily(self.step)) {
            let edges = self.days(key);
            let distance =
                call("dateDiff", vec![build::text("day"), edges.start.unwrap_or_else(build::null), edges.end]);
            return binary(float(distance), BinaryOperator::Divide, number(days));
        }
        let Edges { start, end } = self.instants(key);
        let start = start.unwrap_or_else(build::null);
        let ms = |at: Expr| call("toUnixTimestamp64Milli", vec![at]);
        let elapsed = binary(ms(end.clone()), BinaryOperator::Minus, ms(start.clone()));
        let size = match length {
            Span::Milliseconds(ms) => ms,
            Span::Days(days) | Span::Months(days) => days * DAY_MS,
            Span::Bucket(_) => DAY_MS,
        };
        let elapsed = binary(float(elapsed), BinaryOperator::Divide, number(size));
        let Span::Days(days) = length else { return elapsed };
        // From midnight to midnight there are days, however long they are.
        let day = |at: &Expr| self.day_of(at.clone());
        let whole = [&start, &end].map(|at| build::equal(midnight(day(at), self.calendar), at.clone()));
        let distance = call("dateDiff", vec![build::text("day"), day(&start), day(&end)]);
        let counted = binary(float(distance), BinaryOperator::Divide, number(days));
        build::case(build::all(whole).map(|whole| (whole, counted)).into_iter().collect(), Some(elapsed))
    }

    fn bucket_of(&self, time: Expr, step: Step) -> Expr {
        bucket_start(bucket_key(time, step, self.calendar), step, self.calendar)
    }

    fn day_of(&self, time: Expr) -> Expr {
        call("toDate32", vec![time, zone(self.calendar)])
    }

    /// The first day of the next bucket.
    fn next_day(&self, day: Expr) -> Expr {
        let (name, count) = match self.step {
            Step::Declared(step) => return declared::day_after(step, day),
            Step::Week => ("addDays", 7),
            Step::Month => ("addMonths", 1),
            Step::Quarter => ("addMonths", 3),
            Step::Year => ("addMonths", 12),
            Step::Day | Step::Subday(_) => ("addDays", 1),
        };
        call(name, vec![day, number(count)])
    }

    /// The first day of the bucket that holds a day.
    fn first_day(&self, day: Expr, step: Step) -> Expr {
        let part = |name: &str| call(name, vec![day.clone()]);
        let first = |month: Expr| call("makeDate32", vec![part("toYear"), month, number(1)]);
        match step {
            Step::Subday(_) | Step::Day => day,
            Step::Week => {
                let offset = 7 - self.calendar.week_start.0.number_from_monday();
                let weekday = binary(part("toDayOfWeek"), BinaryOperator::Plus, number(offset));
                let back = binary(weekday, BinaryOperator::Modulo, number(7));
                call("subtractDays", vec![day, back])
            }
            Step::Month => first(part("toMonth")),
            Step::Quarter => {
                let month = binary(part("toQuarter"), BinaryOperator::Multiply, number(3));
                first(binary(month, BinaryOperator::Minus, number(2)))
            }
            Step::Year => first(number(1)),
            Step::Declared(step) => declared::first_day(step, day),
        }
    }
}

/// A day so far back; months are clamped to their last day.
fn back(day: Expr, span: Span) -> Expr {
    match span {
        Span::Days(days) => call("subtractDays", vec![day, number(days)]),
        Span::Months(months) => call("subtractMonths", vec![day, number(months)]),
        Span::Bucket(step) => declared::before(step, day),
        Span::Milliseconds(_) => day,
    }
}

/// `start <= at AND at < end`
fn inside(edges: Edges, at: Expr) -> Expr {
    let after = edges.start.map(|start| binary(start, BinaryOperator::LtEq, at.clone()));
    let before = binary(at, BinaryOperator::Lt, edges.end);
    build::all(after.into_iter().chain([before])).unwrap_or_else(build::null)
}

/// A value for each place from 0 on.
fn each(value: Expr, count: Expr) -> Expr {
    call("arrayMap", vec![build::lambda(PLACE, value), call("range", vec![count])])
}

/// At most so many days: those that are known beforehand, and those of the longest bucket of calendars.
struct Days {
    known: i64,
    longest: Vec<Declared>,
}

impl Days {
    fn exactly(known: i64) -> Days {
        Days { known, longest: Vec::new() }
    }

    fn and(mut self, other: Days) -> Days {
        self.known += other.known;
        self.longest.extend(other.longest);
        self
    }

    /// A number of places, so many for each day and some more.
    fn count(self, a_day: i64, more: i64) -> Expr {
        let known = number(self.known * a_day + more);
        let longest = self.longest.into_iter().map(|step| match a_day {
            1 => declared::longest(step),
            _ => binary(declared::longest(step), BinaryOperator::Multiply, number(a_day)),
        });
        let mut longest = longest.peekable();
        match longest.peek() {
            None => known,
            Some(_) => {
                let all = longest.fold(known, |all, one| binary(all, BinaryOperator::Plus, one));
                call("toUInt32", vec![all])
            }
        }
    }
}

fn days_of(step: Step) -> Days {
    Days::exactly(match step {
        Step::Subday(_) | Step::Day => 1,
        Step::Week => 7,
        Step::Month => 31,
        Step::Quarter => 92,
        Step::Year => 366,
        Step::Declared(step) => return Days { known: 1, longest: vec![step] },
    })
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}
