//! Steps of declared calendars: `fiscal.week`. Their buckets are maximal runs of days with one value in a table, so where one
//! begins only the table's rows tell.

use std::collections::HashSet;
use std::sync::{LazyLock, Mutex, PoisonError};

use chrono::{Days, NaiveDate};

/// What stands before the runs of a step in its text form.
const RUNS: &str = "calendar=";

/// A step of a declared calendar. It is told once and then shared, so that steps stay small.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Declared(&'static Source);

/// Where the days of a step are.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Source {
    /// The calendar: `fiscal`.
    pub calendar: String,
    /// Its place among the steps of the calendar, which stand from the shortest to the longest.
    pub place: usize,
    /// The step: `week`.
    pub step: String,
    /// The table in the warehouse.
    pub table: String,
    /// Its column of days.
    pub day: String,
    /// Its column whose runs are the buckets.
    pub value: String,
    /// The runs, where they are known, ascending: days since 1970, the first and the one after the last.
    pub runs: Option<Vec<(i32, i32)>>,
}

impl Declared {
    /// The step of a source.
    pub fn new(source: Source) -> Declared {
        static KNOWN: LazyLock<Mutex<HashSet<&'static Source>>> = LazyLock::new(Mutex::default);
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known.get(&source) {
            return Declared(found);
        }
        // A program has a handful of calendars, and each is kept once.
        let kept: &'static Source = Box::leak(Box::new(source));
        known.insert(kept);
        Declared(kept)
    }

    /// Where its days are.
    pub fn source(self) -> &'static Source {
        self.0
    }

    /// As it is written: `fiscal.week`.
    pub fn name(self) -> String {
        format!("{}.{}", self.0.calendar, self.0.step)
    }

    /// Whether each bucket of `longer` is made of whole buckets of this one: later steps of a calendar are made of earlier ones.
    pub fn divides(self, longer: Declared) -> bool {
        let (a, b) = (self.0, longer.0);
        (&a.calendar, &a.table, &a.day) == (&b.calendar, &b.table, &b.day) && a.place <= b.place
    }

    /// The same step, with the runs of the days that have a value. Of several values of a day the least counts.
    pub fn with_days(self, days: impl IntoIterator<Item = (i32, String)>) -> Declared {
        let mut values = std::collections::BTreeMap::<i32, String>::new();
        for (day, value) in days {
            let kept = values.entry(day).or_insert_with(|| value.clone());
            if value < *kept {
                *kept = value;
            }
        }
        let mut runs: Vec<(i32, i32)> = Vec::new();
        let mut last: Option<(i32, String)> = None;
        for (day, value) in values {
            let goes_on = last.as_ref().is_some_and(|(before, same)| before + 1 == day && *same == value);
            match runs.last_mut().filter(|_| goes_on) {
                Some(run) => run.1 = day + 1,
                None => runs.push((day, day + 1)),
            }
            last = Some((day, value));
        }
        Declared::new(Source { runs: Some(runs), ..self.0.clone() })
    }

    /// The runs: the first day and the one after the last; none where they are not known.
    pub fn runs(self) -> Option<&'static [(i32, i32)]> {
        self.0.runs.as_deref()
    }

    /// The run that holds a day.
    fn run(self, day: NaiveDate) -> Option<(i32, i32)> {
        let day = number(day)?;
        let runs = self.runs()?;
        let place = runs.partition_point(|(first, _)| *first <= day).checked_sub(1)?;
        Some(runs[place]).filter(|(_, after)| day < *after)
    }

    /// The first day of the run that holds a day.
    pub fn first_day(self, day: NaiveDate) -> Option<NaiveDate> {
        date(self.run(day)?.0)
    }

    /// The day after the run that holds a day.
    pub fn day_after(self, day: NaiveDate) -> Option<NaiveDate> {
        date(self.run(day)?.1)
    }

    /// The first day of the run before the one that holds a day.
    pub fn before(self, day: NaiveDate) -> Option<NaiveDate> {
        let (first, _) = self.run(day)?;
        let runs = self.runs()?;
        let place = runs.partition_point(|(other, _)| *other < first).checked_sub(1)?;
        date(runs[place].0)
    }

    /// The text form: its name, or its runs where they are known.
    pub fn text(self) -> String {
        match self.runs() {
            None => self.name(),
            Some(runs) => {
                let runs: Vec<String> = runs.iter().map(|(first, after)| format!("{first}..{after}")).collect();
                format!("{RUNS}{}", runs.join(","))
            }
        }
    }

    /// Reads the text form of a step with known runs.
    pub fn parse(text: &str) -> Option<Declared> {
        let runs = text.strip_prefix(RUNS)?;
        let run = |text: &str| {
            let (first, after) = text.split_once("..")?;
            Some((first.parse().ok()?, after.parse().ok()?))
        };
        let runs: Option<Vec<(i32, i32)>> = runs.split(',').filter(|run| !run.is_empty()).map(run).collect();
        let none = String::new;
        let (calendar, step, table, day, value) = (none(), none(), none(), none(), none());
        Some(Declared::new(Source { calendar, place: 0, step, table, day, value, runs: Some(runs?) }))
    }
}

fn number(day: NaiveDate) -> Option<i32> {
    i32::try_from(day.signed_duration_since(NaiveDate::default()).num_days()).ok()
}

fn date(day: i32) -> Option<NaiveDate> {
    let count = Days::new(u64::from(day.unsigned_abs()));
    let epoch = NaiveDate::default();
    if day < 0 { epoch.checked_sub_days(count) } else { epoch.checked_add_days(count) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(days: &[(i32, &str)]) -> Declared {
        let text = str::to_owned;
        let source = Source {
            calendar: text("fiscal"),
            place: 0,
            step: text("week"),
            table: text("dim.calendar"),
            day: text("ds"),
            value: text("week"),
            runs: None,
        };
        Declared::new(source).with_days(days.iter().map(|(day, value)| (*day, text(value))))
    }

    #[test]
    fn runs_end_with_their_value_and_where_a_day_is_missing() {
        // Out of order, a day twice (the least value counts), a gap on day 6, and a value that comes back.
        let days = [(3, "b"), (1, "a"), (2, "a"), (4, "b"), (4, "z"), (5, "a"), (7, "a"), (-1, "x")];
        assert_eq!(step(&days).runs(), Some(&[(-1, 0), (1, 3), (3, 5), (5, 6), (7, 8)][..]));
    }

    #[test]
    fn a_day_is_in_its_run_or_in_none() {
        let fiscal = step(&[(1, "a"), (2, "a"), (4, "b")]);
        let first = |day: i32| fiscal.first_day(date(day).unwrap()).map(|day| number(day).unwrap());
        assert_eq!([0, 1, 2, 3, 4, 5].map(first), [None, Some(1), Some(1), None, Some(4), None]);
        let before = |day: i32| fiscal.before(date(day).unwrap()).map(|day| number(day).unwrap());
        assert_eq!([1, 2, 4].map(before), [None, None, Some(1)]);
    }

    #[test]
    fn the_text_form_reads_back_with_the_same_runs() {
        let fiscal = step(&[(-3, "a"), (-2, "b"), (5, "b")]);
        assert_eq!(Declared::parse(&fiscal.text()).unwrap().runs(), fiscal.runs());
        assert_eq!(step(&[]).text(), "calendar=");
        assert_eq!(Declared::parse("calendar=").unwrap().runs(), Some(&[][..]));
        assert_eq!(Declared::parse("fiscal.week"), None);
    }
}
