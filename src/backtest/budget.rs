//! How much of what may be bad of an objective is used up.

use super::grid::{Grid, series};
use super::replay::Calendar;
use crate::alerting::{BURNS, Counted, State, Sums, burning, whole, windows};
use crate::emit::alerts::Objective;
use crate::table::Answer;
use crate::types::Severity;
use crate::value::Step;

/// The step of what is counted.
pub const MINUTE: Step = Step::Subday(60_000);
const HOUR_MS: i64 = 3_600_000;
/// The window whose rate tells when nothing is left: a day has all hours.
const RATE_MS: i64 = 24 * HOUR_MS;
/// A thousand years.
const LONGEST_MS: f64 = 365_250.0 * RATE_MS as f64;

/// What is left of an objective at an instant.
#[derive(Clone, Debug)]
pub struct Budget {
    /// The objective.
    pub of: Objective,
    /// The instant: the end of the window, in milliseconds since 1970 UTC.
    pub at: i64,
    /// What was counted over the window.
    pub sums: Sums,
    /// What was counted over each shorter window that ends then, with its length in milliseconds.
    pub rates: Vec<(i64, Sums)>,
    /// The alerts that fire then, by their two windows.
    pub firing: Vec<(Severity, i64, i64)>,
    /// What was counted each local day, with its beginning.
    pub days: Vec<(i64, Sums)>,
    /// What is left after each hour of the window, as a share of what may be bad in it.
    pub course: Vec<(i64, Option<f64>)>,
}

impl Budget {
    /// The share of what is good over the window; none of nothing.
    pub fn share(&self) -> Option<f64> {
        self.sums.bad_share().map(|bad| 1.0 - bad)
    }

    /// The share of what may be bad that is used up; more than 1 where the objective is broken.
    pub fn used(&self) -> Option<f64> {
        self.sums.bad_share().map(|bad| bad / self.of.slo.budget)
    }

    /// How many times as fast as it may something is used up.
    pub fn burn(&self, sums: Sums) -> Option<f64> {
        sums.bad_share().map(|bad| bad / self.of.slo.budget)
    }

    /// How much may be bad in the window, of what was counted.
    pub fn allowed(&self) -> f64 {
        self.of.slo.budget * self.sums.total
    }

    /// After how many milliseconds nothing is left, if it goes on as in the last day and nothing that is bad leaves the window; none where it never runs
    /// out, 0 where nothing is left.
    pub fn runs_out(&self) -> Option<i64> {
        let left = self.allowed() - self.sums.bad;
        if self.sums.total > 0.0 && left <= 0.0 {
            return Some(0);
        }
        let (_, day) = self.rates.iter().find(|(window, _)| *window == RATE_MS)?;
        // What lasts longer than all calendars lasts for ever.
        (day.bad > 0.0).then(|| left / day.bad * RATE_MS as f64).filter(|ms| *ms < LONGEST_MS).map(|ms| ms as i64)
    }
}

/// What is left of an objective: the answer has both parts by minutes, over its window at least.
pub fn budget(of: &Objective, parts: &Answer, at: i64, calendar: Calendar) -> Budget {
    let from = at - whole(&of.slo);
    let grid = Grid::of(MINUTE, from, at, calendar.zone, calendar.week_start);
    let none = || vec![None; grid.starts.len()];
    let part = series(parts, 0, &grid).into_values().next().unwrap_or_else(none);
    let total = series(parts, 1, &grid).into_values().next().unwrap_or_else(none);
    let counted = Counted { part: &part, total: &total, step: MINUTE.about() };
    let at_end = |window: i64| counted.sums(&of.slo, window).last().copied().unwrap_or_default();
    let sums = at_end(whole(&of.slo));
    let rates = windows(&of.slo).into_iter().filter(|window| *window < whole(&of.slo));
    let firing = BURNS.iter().filter(|burn| burning(&of.slo, burn, counted).last() == Some(&State::Firing));
    let each = counted.sums(&of.slo, MINUTE.about());
    let mut days: Vec<(i64, Sums)> = Vec::new();
    let mut course = Vec::new();
    let mut bad = 0.0;
    let allowed = of.slo.budget * sums.total;
    for (start, of_minute) in grid.starts.iter().zip(&each) {
        let day = Step::Day.bucket(*start, calendar.zone, calendar.week_start);
        match days.last_mut() {
            Some((known, sums)) if *known == day => {
                sums.bad += of_minute.bad;
                sums.total += of_minute.total;
            }
            _ => days.push((day, *of_minute)),
        }
        bad += of_minute.bad;
        if (start + MINUTE.about()) % HOUR_MS == 0 {
            course.push((*start, (allowed > 0.0).then(|| 1.0 - bad / allowed)));
        }
    }
    Budget {
        of: of.clone(),
        at,
        sums,
        rates: rates.map(|window| (window, at_end(window))).collect(),
        firing: firing.map(|burn| (burn.severity, burn.long, burn.short)).collect(),
        days,
        course,
    }
}
