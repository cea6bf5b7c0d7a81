//! Which instants a value of a bucket is made of: the bucket itself, a window that ends with it, either of them earlier.
//!
//! An interval is told relative to a bucket `[start, end)` of the output step. First the bucket is moved (`ago`), then its
//! end may go back to where a longer bucket starts (`at start of`), then a window may reach further back (`over`). Days and
//! longer are days of the calendar in the project's zone; the time of a day is counted from its midnight, as steps are, so a
//! day that lacks that time (23 hours) ends it at its own end.

use chrono::{Days, Months, NaiveDate};
use chrono_tz::Tz;

use super::declared::Declared;
use super::time::{DAY_MS, Step, WeekStart, local_date, midnight};

/// A length of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Span {
    /// Elapsed milliseconds, no whole days.
    Milliseconds(i64),
    /// Local days.
    Days(i64),
    /// Months of the calendar; the day is clamped to the month's last.
    Months(i64),
    /// From a bucket of a declared calendar to the one before it. Never the length of a window.
    Bucket(Declared),
}

/// What a window reaches back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Window {
    /// So far before its end.
    Last(Span),
    /// So far before the start of the bucket.
    Before(Span),
    /// As long as the last so far before its end, and before that: of 7 days, from 14 to 7 days before the end.
    Earlier(Span),
    /// The start of the longer bucket that holds its last instant.
    ToDate(Step),
    /// The beginning of all data.
    All,
}

/// An interval relative to a bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Interval {
    /// `ago`, all of them.
    pub ago: Vec<Span>,
    /// `at start of`
    pub at_start_of: Option<Step>,
    /// `over`
    pub window: Option<Window>,
}

/// Before all instants.
pub const BEGINNING: i64 = i64::MIN;

/// The interval of a bucket that a declared calendar lacks: it holds no instant, and lies before all data.
const NOTHING: (i64, i64) = (BEGINNING / 4, BEGINNING / 4);

impl Span {
    /// Whole days as days, anything else as elapsed time.
    pub fn of_milliseconds(ms: i64) -> Span {
        if ms % DAY_MS == 0 { Span::Days(ms / DAY_MS) } else { Span::Milliseconds(ms) }
    }

    /// As it is written: `30d`, `90m`, `1month`.
    pub fn text(self) -> String {
        match self {
            Span::Milliseconds(ms) => {
                let units = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
                let (unit, size) = units.into_iter().find(|(_, size)| ms % size == 0).unwrap_or(("ms", 1));
                format!("{}{unit}", ms / size)
            }
            Span::Days(days) if days % 7 == 0 => format!("{}w", days / 7),
            Span::Days(days) => format!("{days}d"),
            Span::Months(months) if months % 12 == 0 => format!("{}year", months / 12),
            Span::Months(months) => format!("{months}month"),
            Span::Bucket(step) => step.name(),
        }
    }

    /// So many times as long.
    pub fn times(self, count: i64) -> Span {
        match self {
            Span::Milliseconds(ms) => Span::Milliseconds(ms * count),
            Span::Days(days) => Span::Days(days * count),
            Span::Months(months) => Span::Months(months * count),
            Span::Bucket(step) => Span::Bucket(step),
        }
    }

    /// The instant so far before `at`.
    pub fn before(self, at: i64, zone: Tz) -> i64 {
        match self {
            Span::Milliseconds(ms) => at - ms,
            Span::Days(_) | Span::Months(_) | Span::Bucket(_) => self.same_time(at, at, zone),
        }
    }

    /// The instant as long after the midnight of the day so far before that of `day` as `at` is after the midnight of `day`.
    fn same_time(self, day: i64, at: i64, zone: Tz) -> i64 {
        let day = local_date(day, zone);
        let earlier =
            match self {
                Span::Milliseconds(_) => Some(day),
                Span::Days(days) if days >= 0 => day.checked_sub_days(Days::new(days.unsigned_abs())),
                Span::Days(days) => day.checked_add_days(Days::new(days.unsigned_abs())),
                Span::Months(months) => {
                    let count = u32::try_from(months.unsigned_abs()).ok().map(Months::new);
                    count.and_then(|count| {
                        if months >= 0 { day.checked_sub_months(count) } else { day.checked_add_months(count) }
                    })
                }
                Span::Bucket(step) => step.before(day),
            };
        // Beyond the calendar there are no rows: any instant far enough will do.
        let Some(earlier) = earlier else { return BEGINNING / 4 };
        let (start, next) = (midnight(earlier, zone), midnight(earlier + Days::new(1), zone));
        (start + (at - midnight(day, zone))).min(next)
    }

    /// Whether each bucket of a step, moved by this, is a bucket of that step.
    pub fn maps(self, step: Step) -> bool {
        match (self, step) {
            (Span::Bucket(own), Step::Declared(step)) => own == step,
            (Span::Bucket(_), _) | (_, Step::Declared(_)) => false,
            (Span::Milliseconds(ms), Step::Subday(step)) => ms % step == 0,
            (Span::Milliseconds(_), _) => false,
            (_, Step::Subday(_) | Step::Day) => true,
            (Span::Days(days), Step::Week) => days % 7 == 0,
            (Span::Months(_), Step::Month) => true,
            (Span::Months(months), Step::Quarter) => months % 3 == 0,
            (Span::Months(months), Step::Year) => months % 12 == 0,
            (Span::Days(_), Step::Month | Step::Quarter | Step::Year) | (Span::Months(_), Step::Week) => false,
        }
    }

    /// At least and at most so many milliseconds, changes of the clock included.
    fn bounds(self) -> (i64, i64) {
        match self {
            Span::Milliseconds(ms) => (ms, ms),
            Span::Days(days) => (days * DAY_MS - DAY_MS, days * DAY_MS + DAY_MS),
            Span::Months(months) => (months * 28 * DAY_MS - DAY_MS, months * 31 * DAY_MS + DAY_MS),
            Span::Bucket(_) => (0, 0),
        }
    }

    /// The number of these in `[from, to)`; of days, local ones where both are midnights.
    pub fn count(self, from: i64, to: i64, zone: Tz) -> f64 {
        let elapsed = to.saturating_sub(from) as f64;
        let is_midnight = |at: i64| midnight(local_date(at, zone), zone) == at;
        match self {
            Span::Milliseconds(ms) => elapsed / ms as f64,
            Span::Days(days) if is_midnight(from) && is_midnight(to) => {
                (local_date(to, zone) - local_date(from, zone)).num_days() as f64 / days as f64
            }
            Span::Days(days) => elapsed / (days * DAY_MS) as f64,
            Span::Months(_) | Span::Bucket(_) => f64::NAN,
        }
    }

    /// The same as elapsed time, where days have 24 hours whatever the clock does.
    pub fn elapsed(self) -> Span {
        match self {
            Span::Days(days) => Span::Milliseconds(days * DAY_MS),
            other => other,
        }
    }

    /// The same as days: at least and at most.
    pub fn days(self) -> (i64, i64) {
        match self {
            Span::Milliseconds(ms) => (ms.div_euclid(DAY_MS), ms.div_euclid(DAY_MS) + 1),
            Span::Days(days) => (days, days),
            // 12 months are 365 or 366 days; a single month is clamped, so its bounds add up too wide, never too narrow.
            Span::Months(months) => (months * 28, months * 31),
            // Its buckets are not looked for by days.
            Span::Bucket(_) => (0, 0),
        }
    }
}

impl Window {
    /// As it is written behind `over`.
    pub fn text(self) -> String {
        match self {
            Window::Last(span) => span.text(),
            Window::Before(span) => format!("the bucket and {} before it", span.text()),
            Window::Earlier(span) => format!("the {0} before the last {0}", span.text()),
            Window::ToDate(step) => format!("{} to date", step.text()),
            Window::All => "all".to_owned(),
        }
    }
}

impl Interval {
    /// Whether it is the bucket itself.
    pub fn is_bucket(&self) -> bool {
        self.ago.is_empty() && self.at_start_of.is_none() && self.window.is_none()
    }

    /// The instants `[from, to)` for the bucket that starts at `start`.
    pub fn of(&self, start: i64, step: Step, zone: Tz, week_start: WeekStart) -> (i64, i64) {
        self.within((start, step.next(start, zone, week_start)), Some(step), zone, week_start)
    }

    /// The same for any bucket; without a step it is the only one.
    pub fn within(&self, bucket: (i64, i64), step: Option<Step>, zone: Tz, week_start: WeekStart) -> (i64, i64) {
        let (mut start, mut end) = bucket;
        for span in &self.ago {
            (start, end) = match (span, step) {
                (Span::Milliseconds(ms), _) => (start - ms, end - ms),
                // The first bucket has none before it.
                (Span::Bucket(before), _) => match before.before(local_date(start, zone)) {
                    Some(day) => {
                        let moved = midnight(day, zone);
                        (moved, Step::Declared(*before).next(moved, zone, week_start))
                    }
                    None => return NOTHING,
                },
                (_, Some(Step::Subday(_))) => (span.same_time(start, start, zone), span.same_time(start, end, zone)),
                (_, Some(step)) => {
                    let moved = span.before(start, zone);
                    (moved, step.next(moved, zone, week_start))
                }
                (_, None) => (span.before(start, zone), span.before(end, zone)),
            };
        }
        if let Some(longer) = self.at_start_of {
            let Some(at) = longer.known_bucket(start, zone, week_start) else { return NOTHING };
            end = at;
            start = match step {
                // A bucket that is not there holds nothing.
                Some(step) => step.known_bucket(end - 1, zone, week_start).unwrap_or(end),
                None => BEGINNING,
            };
        }
        match self.window {
            None => (start, end),
            Some(Window::All) => (BEGINNING, end),
            Some(Window::Last(span)) => (span.before(end, zone), end),
            Some(Window::Before(span)) => (span.before(start, zone), end),
            Some(Window::Earlier(span)) => (span.times(2).before(end, zone), span.before(end, zone)),
            Some(Window::ToDate(longer)) => match longer.known_bucket(end - 1, zone, week_start) {
                Some(start) => (start, end),
                // A day that the calendar lacks is to no date.
                None => (end, end),
            },
        }
    }

    /// How far before the end of its bucket it ends, apart from `at start of`: all of these.
    pub fn ends_before(&self) -> impl Iterator<Item = Span> + '_ {
        let earlier = match self.window {
            Some(Window::Earlier(span)) => Some(span),
            _ => None,
        };
        self.ago.iter().copied().chain(earlier)
    }

    /// Whether it depends on the days of a declared calendar.
    pub fn is_declared(&self) -> bool {
        let to_date = matches!(self.window, Some(Window::ToDate(step)) if step.is_declared());
        let start = self.at_start_of.is_some_and(Step::is_declared);
        to_date || start || self.ago.iter().any(|span| matches!(span, Span::Bucket(_)))
    }

    /// Whether it always begins and ends at a local midnight, for a step of days or longer.
    pub fn is_daily(&self, step: Step) -> bool {
        let whole = |span: &Span| !matches!(span, Span::Milliseconds(_));
        let window = match &self.window {
            None | Some(Window::All) => true,
            Some(Window::Last(span) | Window::Before(span) | Window::Earlier(span)) => whole(span),
            Some(Window::ToDate(step)) => !matches!(step, Step::Subday(_)),
        };
        let start = self.at_start_of.is_none_or(|step| !matches!(step, Step::Subday(_)));
        !matches!(step, Step::Subday(_)) && window && start && self.ago.iter().all(whole)
    }

    /// The starts of the buckets whose interval holds the instant `at`, ascending, up to the bucket that starts at `last`.
    pub fn buckets(&self, at: i64, step: Step, zone: Tz, week_start: WeekStart, last: i64) -> Vec<i64> {
        if let Step::Declared(declared) = step {
            let day = |days: i32| NaiveDate::default() + chrono::Duration::days(i64::from(days));
            let starts = declared.runs().unwrap_or_default().iter().map(|(first, _)| midnight(day(*first), zone));
            let holds = |bucket: &i64| {
                let (from, to) = self.of(*bucket, step, zone, week_start);
                from <= at && at < to
            };
            return starts.take_while(|bucket| *bucket <= last).filter(holds).collect();
        }
        // An interval never ends after its bucket: the first bucket that can hold `at` is its own, moved as far as is certain.
        let certain: i64 = self.ends_before().map(|span| span.bounds().0.max(0)).sum();
        let mut bucket = step.bucket(at.saturating_add(certain), zone, week_start);
        let mut found = Vec::new();
        while bucket <= last {
            let (from, to) = self.of(bucket, step, zone, week_start);
            if from > at {
                break;
            }
            if at < to {
                found.push(bucket);
            }
            bucket = step.next(bucket, zone, week_start);
        }
        found
    }
}

/// The text form that crosses an engine's SQL: `ago 7 days; start 1month; over 30 days`.
impl std::fmt::Display for Interval {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut parts: Vec<String> = self.ago.iter().map(|span| format!("ago {span}")).collect();
        parts.extend(self.at_start_of.map(|step| format!("start {}", step.text())));
        parts.extend(self.window.map(|window| match window {
            Window::All => "all".to_owned(),
            Window::ToDate(step) => format!("to {}", step.text()),
            Window::Last(span) => format!("over {span}"),
            Window::Before(span) => format!("and {span}"),
            Window::Earlier(span) => format!("earlier {span}"),
        }));
        f.write_str(&parts.join("; "))
    }
}

/// Reads what [`Interval`]'s `Display` writes.
impl std::str::FromStr for Interval {
    type Err = ();

    fn from_str(text: &str) -> Result<Interval, ()> {
        let mut interval = Interval::default();
        for part in text.split("; ").filter(|part| !part.is_empty()) {
            match part.split_once(' ').unwrap_or((part, "")) {
                ("ago", span) => interval.ago.push(span.parse()?),
                ("start", step) => interval.at_start_of = Some(Step::parse(step).ok_or(())?),
                ("all", "") => interval.window = Some(Window::All),
                ("to", step) => interval.window = Some(Window::ToDate(Step::parse(step).ok_or(())?)),
                ("over", span) => interval.window = Some(Window::Last(span.parse()?)),
                ("and", span) => interval.window = Some(Window::Before(span.parse()?)),
                ("earlier", span) => interval.window = Some(Window::Earlier(span.parse()?)),
                _ => return Err(()),
            }
        }
        Ok(interval)
    }
}

impl std::fmt::Display for Span {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Span::Milliseconds(ms) => write!(f, "{ms} ms"),
            Span::Days(days) => write!(f, "{days} days"),
            Span::Months(months) => write!(f, "{months} months"),
            Span::Bucket(step) => write!(f, "before {}", step.text()),
        }
    }
}

impl std::str::FromStr for Span {
    type Err = ();

    fn from_str(text: &str) -> Result<Span, ()> {
        let (count, unit) = text.split_once(' ').ok_or(())?;
        if count == "before" {
            return Declared::parse(unit).map(Span::Bucket).ok_or(());
        }
        let count = count.parse().map_err(|_| ())?;
        match unit {
            "ms" => Ok(Span::Milliseconds(count)),
            "days" => Ok(Span::Days(count)),
            "months" => Ok(Span::Months(count)),
            _ => Err(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::time::parse_timestamp;

    const MONDAY: WeekStart = WeekStart(chrono::Weekday::Mon);

    #[track_caller]
    fn check(interval: &str, step: &str, zone: Tz, bucket: &str, from: &str, to: &str) {
        let at = |text: &str| parse_timestamp(text, zone).unwrap();
        let (interval, step): (Interval, _) = (interval.parse().unwrap(), Step::parse(step).unwrap());
        assert_eq!(interval.to_string().parse(), Ok(interval.clone()));
        let found = interval.of(at(bucket), step, zone, MONDAY);
        let from = if from == "-" { BEGINNING } else { at(from) };
        assert_eq!(found, (from, at(to)), "{interval} of {bucket}");
        // What lies in the interval finds its bucket, what lies around it does not.
        let buckets = |ms: i64| interval.buckets(ms, step, zone, MONDAY, at(bucket));
        let last = |ms: i64| buckets(ms).last() == Some(&at(bucket));
        assert!(last(found.1 - 1) && (from == BEGINNING || last(found.0)), "{interval}");
        assert!(!last(found.1) && (from == BEGINNING || !last(found.0 - 1)), "{interval}");
    }

    #[test]
    fn windows_end_with_the_bucket_and_count_local_days() {
        let zone = chrono_tz::America::New_York;
        check("over 7 days", "1d", zone, "2026-11-03", "2026-10-28", "2026-11-04");
        check("over 30 days", "month", zone, "2026-11-01", "2026-11-01", "2026-12-01");
        check("over 1 months", "1d", zone, "2026-03-30", "2026-02-28", "2026-03-31");
        check("to 1month", "1d", zone, "2026-11-03", "2026-11-01", "2026-11-04");
        check("to 1month", "1w", zone, "2026-10-26", "2026-11-01", "2026-11-02");
        check("all", "1d", zone, "2026-11-03", "-", "2026-11-04");
        check("over 5400000 ms", "1h", zone, "2026-11-02 10:00", "2026-11-02 09:30", "2026-11-02 11:00");
        check("over 1 days", "1h", zone, "2026-11-02 10:00", "2026-11-01T10:00:00-05:00", "2026-11-02 11:00");
    }

    #[test]
    fn an_earlier_window_ends_as_long_before_the_end_as_it_is_long() {
        let zone = chrono_tz::America::New_York;
        check("earlier 7 days", "1d", zone, "2026-11-03", "2026-10-21", "2026-10-28");
        check("earlier 7 days", "month", zone, "2026-02-01", "2026-02-15", "2026-02-22");
        check("earlier 30 days", "month", zone, "2026-02-01", "2025-12-31", "2026-01-30");
        check("earlier 7 days", "1h", zone, "2026-11-02 10:00", "2026-10-19 11:00", "2026-10-26 11:00");
        check("ago 1 months; earlier 7 days", "month", zone, "2026-03-01", "2026-02-15", "2026-02-22");
    }

    #[test]
    fn a_bucket_goes_back_to_the_one_of_the_same_number() {
        let zone = chrono_tz::America::New_York;
        check("ago 7 days", "1d", zone, "2026-11-03", "2026-10-27", "2026-10-28");
        check("ago 1 months", "1d", zone, "2026-03-31", "2026-02-28", "2026-03-01");
        check("ago 1 months", "1d", zone, "2026-03-28", "2026-02-28", "2026-03-01");
        check("ago 12 months", "month", zone, "2028-02-01", "2027-02-01", "2027-03-01");
        check("ago 364 days", "1w", zone, "2026-11-02", "2025-11-03", "2025-11-10");
        check("ago 1 months; over 7 days", "1d", zone, "2026-03-31", "2026-02-22", "2026-03-01");
        check("ago 3600000 ms", "30m", zone, "2026-11-02 00:00", "2026-11-01 23:00", "2026-11-01 23:30");
        // The fourth hour of the day before, which had 25.
        check("ago 1 days", "1h", zone, "2026-11-02 03:00", "2026-11-01T02:00:00-05:00", "2026-11-01T03:00:00-05:00");
    }

    #[test]
    fn a_value_at_the_start_of_a_month_ends_there() {
        let zone = chrono_tz::Asia::Shanghai;
        check("start 1month; over 30 days", "1d", zone, "2026-11-30", "2026-10-02", "2026-11-01");
        check("start 1month", "1d", zone, "2026-11-30", "2026-10-31", "2026-11-01");
    }

    #[test]
    fn a_day_of_23_hours_ends_a_time_that_it_lacks() {
        let zone = chrono_tz::America::New_York;
        let at = |text: &str| parse_timestamp(text, zone).unwrap();
        let interval: Interval = "ago 1 days".parse().unwrap();
        let late = Step::Subday(3_600_000).bucket(at("2026-03-09 23:30"), zone, MONDAY);
        assert_eq!(interval.of(late, Step::Subday(3_600_000), zone, MONDAY), (at("2026-03-09"), at("2026-03-09")));
    }
}
