//! Values for the tests of an alert: what makes it fire, what leaves it silent, what is lost.

use super::cases::can_be_late;
use super::given::Watched;
use crate::alerting::{self, State};
use crate::types::alerts::{Bound, Subject};

/// How long a day of a test that comes late does so, in milliseconds.
const DELAY: i64 = 90 * 60_000;
/// The most buckets that are laid out.
const MOST: usize = 200_000;

/// A course of things, and when to look.
#[derive(Debug)]
pub struct Scenario {
    /// What it shows.
    pub name: &'static str,
    /// The values of a group.
    pub values: Vec<Option<f64>>,
    /// The value of another group, all the time.
    pub calm: f64,
    /// The volume of both.
    pub volume: Option<Vec<Option<f64>>>,
    /// After which buckets to look.
    pub looks: Vec<usize>,
    /// Looks so many milliseconds after the end of a bucket.
    pub late: Vec<(i64, usize)>,
    /// By how much the last bucket is late, in milliseconds.
    pub delay: i64,
    /// The last bucket before nothing comes from anywhere.
    pub lost: Option<usize>,
    /// The first bucket after that.
    pub again: Option<usize>,
}

impl Scenario {
    /// The first bucket after all was lost.
    pub fn back(&self) -> usize {
        self.again.unwrap_or(usize::MAX)
    }
}

/// What is found to make an alert fire.
struct Found {
    calm: f64,
    history: usize,
    /// Values that make it fire with the last one.
    bad: Vec<f64>,
}

/// The courses for an alert with buckets of a length in milliseconds. None where nothing is found that makes it fire.
pub fn scenarios(watched: &Watched, step: i64) -> Vec<Scenario> {
    let Some(found) = found(watched, step) else { return Vec::new() };
    let maker = Maker { watched, step, found };
    let mut all = vec![maker.fires(), maker.silent(), maker.lost(), maker.idle()];
    all.extend(maker.flat());
    all.extend(maker.little());
    all.extend(maker.late());
    all
}

fn found(watched: &Watched, step: i64) -> Option<Found> {
    let history = usize::try_from(watched.alert.reaches_back() / step).ok()? + 2;
    let hold = usize::try_from((watched.alert.hold + step - 1) / step).ok()? + 1;
    if history + hold > MOST {
        return None;
    }
    let mut candidates = vec![100.0, 10.0, 1.0, 0.0, 1000.0, 0.5];
    watched.alert.when.walk(&mut |test| {
        if let (Bound::Number(bound), Subject::Value) = (&test.bound, test.subject) {
            candidates.extend([*bound, bound * 0.5, bound * 2.0, bound + 1.0, bound - 1.0].map(super::promql::short));
        }
    });
    for calm in &candidates {
        for bad in candidates.iter().copied().chain([calm * 10.0, calm * 0.1, -calm]).map(super::promql::short) {
            for pace in [1.0, 16.0, 256.0] {
                let course: Vec<f64> = (0..hold)
                    .map(|at| calm + (bad - calm) * f64::powi(pace, i32::try_from(at).unwrap_or(i32::MAX)))
                    .map(super::promql::short)
                    .collect();
                if course.iter().any(|value| value.abs() > 1e15) {
                    continue;
                }
                if fits(watched, step, history, *calm, &course) {
                    return Some(Found { calm: *calm, history, bad: course });
                }
            }
        }
    }
    None
}

/// Whether an alert is quiet as long as nothing moves, and fires with the last of some values and not before.
fn fits(watched: &Watched, step: i64, history: usize, calm: f64, course: &[f64]) -> bool {
    let values: Vec<Option<f64>> = std::iter::repeat_n(calm, history).chain(course.iter().copied()).map(Some).collect();
    let verdicts = verdicts(watched, step, &values, None);
    let (before, after) = verdicts.split_at(history);
    before.iter().all(|state| *state == State::Quiet)
        && after.iter().position(|state| *state == State::Firing) == Some(course.len() - 1)
}

fn verdicts(watched: &Watched, step: i64, values: &[Option<f64>], volume: Option<&[Option<f64>]>) -> Vec<State> {
    let enough = enough(watched, values);
    let volume = volume.or(enough.as_deref());
    let series = alerting::Series { values, volume, starts: &[], step };
    alerting::verdicts(&watched.alert, series).into_iter().map(|verdict| verdict.state).collect()
}

/// As much as an alert asks for, all the time; where a metric is its own volume, what there is.
fn enough(watched: &Watched, values: &[Option<f64>]) -> Option<Vec<Option<f64>>> {
    let volume = watched.alert.volume.as_ref()?;
    Some(if is_own_volume(watched) { values.to_vec() } else { vec![Some(volume.least + 1.0); values.len()] })
}

/// Whether the volume of an alert is the metric that it is on.
pub fn is_own_volume(watched: &Watched) -> bool {
    watched.alert.volume.as_ref().is_some_and(|volume| volume.metric == watched.alert.metric)
}

struct Maker<'a> {
    watched: &'a Watched,
    step: i64,
    found: Found,
}

impl Maker<'_> {
    fn history(&self) -> Vec<Option<f64>> {
        vec![Some(self.found.calm); self.found.history]
    }

    fn firing(&self) -> Vec<Option<f64>> {
        let mut values = self.history();
        values.extend(self.found.bad.iter().copied().map(Some));
        values
    }

    fn calm(&self, count: usize) -> impl Iterator<Item = Option<f64>> {
        std::iter::repeat_n(Some(self.found.calm), count)
    }

    fn hold(&self) -> usize {
        self.found.bad.len()
    }

    fn of(&self, name: &'static str, values: Vec<Option<f64>>, looks: Vec<usize>) -> Scenario {
        let volume = enough(self.watched, &values);
        let calm = self.found.calm;
        Scenario { name, values, calm, volume, looks, late: Vec::new(), delay: 0, lost: None, again: None }
    }

    fn fires(&self) -> Scenario {
        let mut values = self.firing();
        let first = values.len() - 1;
        values.extend(self.calm(1));
        self.of("it fires, not before its time, and resolves", values, vec![first - 1, first, first + 1])
    }

    /// As much as it may, and one bucket less than it must for as long.
    fn silent(&self) -> Scenario {
        let mut values = self.firing();
        values.pop();
        values.extend(self.calm(2));
        let looks = (self.found.history - 1..values.len()).collect();
        self.of("it stays silent", values, looks)
    }

    fn lost(&self) -> Scenario {
        let mut values = self.firing();
        let last = values.len() - 1;
        let absent = self.watched.alert.absent.map_or(0, |absent| usize::try_from(absent / self.step).unwrap_or(0));
        let gap = absent + if can_be_late(self.watched) { 3 } else { 8 };
        values.extend(std::iter::repeat_n(None, gap));
        values.extend(self.calm(1));
        let looks = vec![last, last + 2, last + gap, last + gap + 1];
        Scenario {
            lost: Some(last),
            again: Some(last + gap + 1),
            ..self.of("data is lost while it fires", values, looks)
        }
    }

    fn idle(&self) -> Scenario {
        let mut values = self.history();
        let last = values.len() - 1;
        values.extend(std::iter::repeat_n(None, self.hold() + 3));
        values.extend(self.calm(1));
        let looks = vec![last + 1, last + self.hold() + 2, values.len() - 1];
        self.of("a group is idle", values, looks)
    }

    /// Of a band alone: a flat line that moves a little.
    fn flat(&self) -> Option<Scenario> {
        let mut bands = false;
        self.watched.alert.when.walk(&mut |test| bands |= !matches!(test.bound, Bound::Number(_)));
        if !bands {
            return None;
        }
        let mut values = self.history();
        let moved = super::promql::short(self.found.calm * 1.01);
        values.extend(std::iter::repeat_n(Some(moved), self.hold() + 1));
        let looks = vec![values.len() - 1];
        Some(self.of("a flat line moves by 1 %", values, looks))
    }

    fn little(&self) -> Option<Scenario> {
        let volume = self.watched.alert.volume.as_ref().filter(|_| !is_own_volume(self.watched))?;
        let mut values = self.firing();
        values.extend(self.found.bad.last().copied().map(Some));
        let looks = vec![values.len() - 1];
        let little = if volume.inclusive { volume.least - 1.0 } else { volume.least };
        let count = values.len();
        Some(Scenario {
            volume: Some(vec![Some(little); count]),
            ..self.of("there is too little to tell", values, looks)
        })
    }

    /// The day after the alert fires comes late, and is as it should be.
    fn late(&self) -> Option<Scenario> {
        if !can_be_late(self.watched) {
            return None;
        }
        let mut values = self.firing();
        let last = values.len() - 1;
        values.extend(self.calm(1));
        let late = vec![(self.step + DELAY - 30 * 60_000, last), (DELAY + 10 * 60_000, last + 1)];
        Some(Scenario { late, delay: DELAY, ..self.of("a day is late", values, vec![last]) })
    }
}
