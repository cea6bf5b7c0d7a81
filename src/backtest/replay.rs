//! What an alert or an objective would have done, bucket by bucket.

use chrono_tz::Tz;

use super::grid::{Grid, Group, History, groups, series};
use crate::alerting::{self, BURNS, Counted, Series, State};
use crate::emit::alerts::{About, Objective, Watched};
use crate::table::Answer;
use crate::types::Severity;
use crate::types::alerts::Alert;
use crate::value::Step;
use crate::value::time::WeekStart;

/// What made an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Its condition.
    Condition,
    /// That there is no data for it (`absent`).
    Absence,
    /// An objective, over two windows: their lengths in milliseconds.
    Burn(i64, i64),
}

/// A time for which an alert fired, in milliseconds since 1970 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Firing {
    /// When it began: the end of the bucket that told.
    pub from: i64,
    /// When it ended; the end of the history where it still fires.
    pub to: i64,
    /// Whether it still fires.
    pub open: bool,
}

/// An alert of one group.
#[derive(Clone, Debug)]
pub struct Line {
    /// The dimensions with their values.
    pub labels: Vec<(String, Option<String>)>,
    /// The values that were looked at, a bucket each; of an objective its share. None of an alert that never fired.
    pub values: Vec<Option<f64>>,
    /// Between which values it does not fire, where that is known, a bucket each.
    pub limits: Vec<(Option<f64>, Option<f64>)>,
    /// When it fired, in order.
    pub firings: Vec<Firing>,
}

/// A rule over a history: an alert, its absence, or two windows of an objective.
#[derive(Clone, Debug)]
pub struct Replayed {
    /// The name of the alert or objective; of an absence with `_absent` behind it.
    pub name: String,
    /// The alert or objective as it is declared.
    pub declared: String,
    /// What it is.
    pub kind: Kind,
    /// How urgent it is.
    pub severity: Severity,
    /// What it is on.
    pub about: About,
    /// The buckets that were looked at, from before the history on.
    pub grid: Grid,
    /// The length of a bucket, about.
    pub step: Step,
    /// A line a group.
    pub lines: Vec<Line>,
}

impl Replayed {
    /// All firings.
    pub fn firings(&self) -> impl Iterator<Item = &Firing> {
        self.lines.iter().flat_map(|line| &line.firings)
    }

    /// For how many milliseconds all groups together fired.
    pub fn fired(&self) -> i64 {
        self.firings().map(|firing| firing.to - firing.from).sum()
    }

    /// How long a bucket is, in milliseconds.
    pub fn bucket(&self) -> i64 {
        self.step.about()
    }
}

/// The calendar of a project.
#[derive(Clone, Copy, Debug)]
pub struct Calendar {
    /// Its zone.
    pub zone: Tz,
    /// The first day of its weeks.
    pub week_start: WeekStart,
}

/// An alert over a history, and its absence where it has one. The answers begin early enough for what it compares with.
pub fn alert(
    of: &Watched,
    values: &Answer,
    volume: Option<&Answer>,
    from: i64,
    history: History,
    calendar: Calendar,
) -> Vec<Replayed> {
    let alert = &of.alert;
    let grid = Grid::of(alert.every, from, history.to, calendar.zone, calendar.week_start);
    let step = alert.every.about();
    let groups = groups(values, volume, &grid);
    let line = |group: &Group| {
        let states: Vec<bool> =
            verdicts(alert, group, &grid, step).into_iter().map(|one| one == State::Firing).collect();
        let firings = firings(&states, &grid, history);
        let labels = group.labels.clone();
        if firings.is_empty() {
            return Line { labels, values: Vec::new(), limits: Vec::new(), firings };
        }
        let series = series_of(group, &grid, step);
        Line { labels, values: alerting::known(alert, series), limits: alerting::limits(alert, series), firings }
    };
    let rule = |name: String, kind, lines| Replayed {
        name,
        declared: alert.name.value.clone(),
        kind,
        severity: alert.severity,
        about: of.series.about.clone(),
        grid: grid.clone(),
        step: alert.every,
        lines,
    };
    let mut found = vec![rule(alert.name.value.clone(), Kind::Condition, groups.iter().map(line).collect())];
    if let Some(absent) = alert.absent {
        let has = |at: usize| groups.iter().any(|group| group.values[at].is_some());
        let any: Vec<bool> = (0..grid.starts.len()).map(has).collect();
        let states = alerting::absences(&any, step, absent);
        let values = any.iter().map(|any| Some(f64::from(u8::from(*any)))).collect();
        let line = Line {
            labels: Vec::new(),
            values,
            limits: vec![(None, None); any.len()],
            firings: firings(&states, &grid, history),
        };
        found.push(rule(format!("{}_absent", alert.name.value), Kind::Absence, vec![line]));
    }
    found
}

fn series_of<'a>(group: &'a Group, grid: &'a Grid, step: i64) -> Series<'a> {
    Series { values: &group.values, volume: group.volume.as_deref(), starts: &grid.starts, step }
}

/// What an alert does after each bucket.
pub fn verdicts(alert: &Alert, group: &Group, grid: &Grid, step: i64) -> Vec<State> {
    alerting::verdicts(alert, series_of(group, grid, step)).into_iter().map(|one| one.state).collect()
}

/// The alerts of an objective over a history: the answer has both parts by minutes.
pub fn objective(of: &Objective, parts: &Answer, from: i64, history: History, calendar: Calendar) -> Vec<Replayed> {
    const STEP: Step = Step::Subday(60_000);
    let grid = Grid::of(STEP, from, history.to, calendar.zone, calendar.week_start);
    let none = || vec![None; grid.starts.len()];
    let part = series(parts, 0, &grid).into_values().next().unwrap_or_else(none);
    let total = series(parts, 1, &grid).into_values().next().unwrap_or_else(none);
    let counted = Counted { part: &part, total: &total, step: STEP.about() };
    let burn = |burn: &alerting::Burn| {
        let states: Vec<bool> =
            alerting::burning(&of.slo, burn, counted).into_iter().map(|state| state == State::Firing).collect();
        let shares = counted.sums(&of.slo, burn.long).into_iter().map(alerting::Sums::bad_share);
        let line = Line {
            labels: Vec::new(),
            values: shares.collect(),
            limits: vec![(None, Some(burn.bound(&of.slo))); states.len()],
            firings: firings(&states, &grid, history),
        };
        Replayed {
            name: of.slo.name.value.clone(),
            declared: of.slo.name.value.clone(),
            kind: Kind::Burn(burn.long, burn.short),
            severity: burn.severity,
            about: of.metric.clone(),
            grid: grid.clone(),
            step: STEP,
            lines: vec![line],
        }
    };
    BURNS.iter().map(burn).collect()
}

/// When an alert fired, of what it did after each bucket, within the history: what fires when the history begins began then.
pub fn firings(firing: &[bool], grid: &Grid, history: History) -> Vec<Firing> {
    let mut found = Vec::new();
    let mut since = None;
    for (at, fires) in firing.iter().enumerate() {
        match (fires, since) {
            (true, None) => since = Some(grid.ends(at)),
            (false, Some(from)) => {
                found.push(Firing { from, to: grid.ends(at), open: false });
                since = None;
            }
            _ => {}
        }
    }
    found.extend(since.map(|from| Firing { from, to: history.to, open: true }));
    let within = |mut firing: Firing| {
        firing.from = firing.from.max(history.from);
        firing.to = firing.to.min(history.to);
        (firing.from < firing.to || (firing.open && firing.from <= history.to)).then_some(firing)
    };
    found.into_iter().filter_map(within).collect()
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A rule on a metric `m` with one group, by minutes.
    pub fn replayed(name: &str, kind: Kind, firings: Vec<Firing>) -> Replayed {
        let about = About { name: "m".to_owned(), title: None, owner: None };
        let line = Line { labels: Vec::new(), values: Vec::new(), limits: Vec::new(), firings };
        Replayed {
            name: name.to_owned(),
            declared: name.to_owned(),
            kind,
            severity: Severity::P1,
            about,
            grid: Grid { starts: Vec::new(), end: 0 },
            step: Step::Subday(60_000),
            lines: vec![line],
        }
    }

    #[test]
    fn what_fires_is_cut_to_the_history() {
        let grid = Grid { starts: (0..6).map(|at| at * 10).collect(), end: 60 };
        let of = |states: &str, from, to| {
            let states: Vec<bool> = states.chars().map(|one| one == 'F').collect();
            let found = firings(&states, &grid, History { from, to });
            found.into_iter().map(|one| (one.from, one.to, one.open)).collect::<Vec<_>>()
        };
        assert_eq!(of(".FF..F", 0, 60), [(20, 40, false), (60, 60, true)]);
        assert_eq!(of("FFF...", 20, 60), [(20, 40, false)]);
        // It was over when the history begins.
        assert_eq!(of("FF....", 30, 60), []);
        assert_eq!(of("FFFFFF", 25, 65), [(25, 65, true)]);
        assert_eq!(of("", 0, 60), []);
    }
}
