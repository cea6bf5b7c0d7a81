//! Whether both have agreed for long enough (DQ3).

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};

use super::{Entry, Recorded};

/// How far a change is from its cut-over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gate {
    /// Good days in a row, up to the last day that was recorded.
    pub good: u32,
    /// How many are needed.
    pub needed: u32,
    /// The first and the last of them.
    pub run: Option<(NaiveDate, NaiveDate)>,
    /// What ended the row before it.
    pub broken: Option<(NaiveDate, Break)>,
}

/// Why a day is not in the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    /// It was bad.
    Bad,
    /// Neither side had a row.
    Empty,
    /// It was not verified.
    Gap,
}

impl Gate {
    /// Whether the cut-over is offered.
    pub fn is_open(&self) -> bool {
        self.good >= self.needed
    }

    /// When it will be, if every day is good from now on: the day whose verification makes it so.
    pub fn expected(&self) -> Option<NaiveDate> {
        let (_, last) = self.run?;
        last.checked_add_days(Days::new(u64::from(self.needed.saturating_sub(self.good))))
    }
}

/// The row of good days that ends with the last recorded one. Only entries of these two meanings count: with another fingerprint the
/// row begins anew. What was recorded last of a day counts; of two at the same time the worse one.
pub fn gate<'e>(entries: impl IntoIterator<Item = &'e Entry>, old: &str, new: &str, needed: u32) -> Gate {
    let mut days: BTreeMap<NaiveDate, (&str, Recorded)> = BTreeMap::new();
    for entry in entries.into_iter().filter(|entry| entry.old == old && entry.new == new) {
        let Ok(first) = NaiveDate::parse_from_str(&entry.day, "%Y-%m-%d") else { continue };
        for day in first.iter_days().take(entry.days as usize) {
            let own = (entry.recorded_at.as_str(), entry.verdict);
            let known = days.entry(day).or_insert(own);
            if (own.0, severity(own.1)) > (known.0, severity(known.1)) {
                *known = own;
            }
        }
    }
    let mut found = Gate { good: 0, needed, run: None, broken: None };
    let Some(last) = days.last_key_value().map(|(day, _)| *day) else { return found };
    let mut day = last;
    loop {
        let why = match days.get(&day).map(|(_, verdict)| verdict) {
            Some(Recorded::Good) => {
                found.good += 1;
                found.run = Some((day, last));
                let Some(before) = day.pred_opt() else { return found };
                day = before;
                continue;
            }
            Some(Recorded::Bad) => Break::Bad,
            Some(Recorded::Empty) => Break::Empty,
            None => Break::Gap,
        };
        // Before the first day that was ever recorded nothing was broken.
        if days.first_key_value().is_some_and(|(first, _)| *first <= day) {
            found.broken = Some((day, why));
        }
        return found;
    }
}

fn severity(verdict: Recorded) -> u8 {
    match verdict {
        Recorded::Good => 0,
        Recorded::Empty => 1,
        Recorded::Bad => 2,
    }
}
