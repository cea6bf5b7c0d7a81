//! Which rollups serve which questions: as few as serve all of them.
//!
//! Whatever asks for the same rows in the same way may share a rollup. The questions with the most dimensions come first;
//! one with fewer is served by their rollup too, unless the samples say that it would have to read far more rows than from
//! one of its own. Finer steps serve coarser ones, which follow from them.

use std::cmp::Reverse;

use super::align::{Clocks, divides};
use super::same::{moved, same};
use super::serving::{Asked, Need, Terms, Waiting};
use super::statistics::{Statistics, buckets_a_day};
use super::{Dimension, HOUR, Mergeability, Reason, Rollup, Rollups, State, Streams, Way};
use crate::plan::{Expr, Query, Step, Table};

/// How many times the rows of its own rollup a question may read.
const MORE_ROWS: f64 = 16.0;

/// A day's rows of a rollup that are few in any case.
const FEW_ROWS: f64 = 10_000.0;

/// Plans the rollups for questions; `streams` says what is done as rows arrive.
pub fn plan<'a>(
    questions: impl Iterator<Item = (&'a Query, Asked)>,
    statistics: &Statistics,
    streams: Streams,
) -> Rollups {
    let mut needs: Vec<Need> = Vec::new();
    let mut clocks: Option<Clocks> = None;
    let mut planner = Planner { statistics, rollups: Vec::new() };
    let waiting: Vec<Waiting> = questions
        .map(|(query, asked)| {
            // All questions of a project have one zone.
            let clocks = clocks.get_or_insert_with(|| Clocks::new(query.zone));
            let refuse = |need: &Need| planner.refusal(need);
            Waiting::new(query, asked, Terms { clocks, streams, refuse: &refuse }, &mut needs)
        })
        .collect();
    let mut order: Vec<usize> = (0..needs.len()).collect();
    order.sort_by_key(|at| (Reverse(needs[*at].dimensions().count()), *at));
    let mut places = vec![0; needs.len()];
    for at in order {
        places[at] = planner.place(&needs[at]);
    }
    if let Some(need) = needs.first() {
        planner.finish(&mut places, need.of.tables);
    }
    let rollups = planner.rollups;
    let served = waiting.into_iter().map(|waiting| waiting.served(&rollups, &places)).collect();
    Rollups { rollups, served }
}

struct Planner<'s> {
    statistics: &'s Statistics,
    rollups: Vec<Rollup>,
}

impl Planner<'_> {
    /// The rollup for a need, with its states added.
    fn place(&mut self, need: &Need) -> usize {
        let fits = (0..self.rollups.len()).filter(|at| self.fits(need, &self.rollups[*at]));
        let rows = |at: &usize| self.rows(need, &self.rollups[*at]).unwrap_or(f64::MAX);
        let best = fits.min_by(|a, b| rows(a).total_cmp(&rows(b)));
        let place = best.unwrap_or_else(|| {
            self.rollups.push(Rollup {
                table: need.of.table,
                joins: Vec::new(),
                time: need.time.clone(),
                dimensions: Vec::new(),
                steps: vec![need.step],
                states: Vec::new(),
                way: need.way,
                refresh: need.refresh,
            });
            self.rollups.len() - 1
        });
        self.rollups[place].add(need);
        place
    }

    /// Why a rollup is not worth it: reading the rows costs no more, where nothing has to be cleaned or looked up.
    fn refusal(&self, need: &Need) -> Option<Reason> {
        let table = &need.of.tables[need.of.table];
        if !table.clean.key.is_empty() || table.is_derived() || !need.scan.joins.is_empty() {
            return None;
        }
        let rows = self.statistics.rows_a_day(need.of.table)?;
        let values = need.dimensions().map(|(_, value)| value);
        let own = self.rows_of(need, values)?;
        (rows > FEW_ROWS && own * buckets_a_day(need.step) * 2.0 > rows).then_some(Reason::TooFine)
    }

    /// Whether a rollup serves a need as it is, but for its states.
    fn fits(&self, need: &Need, rollup: &Rollup) -> bool {
        let joins = &need.scan.joins;
        let of_rows = rollup.table == need.of.table
            && rollup.way == need.way
            && same(need.time, joins, &rollup.time, &rollup.joins);
        of_rows
            && need.dimensions().all(|(_, value)| rollup.dimension(value, joins).is_some())
            && chained(&rollup.steps, need.step)
            && self.keeps_large_states_few(need, rollup)
            && self.is_worth(need, rollup)
    }

    /// Whether reading the rollup costs little more than reading one of the need's own dimensions alone.
    fn is_worth(&self, need: &Need, rollup: &Rollup) -> bool {
        let own = need.dimensions().map(|(_, value)| value);
        let own = self.rows_of(need, own);
        match (own, self.rows(need, rollup)) {
            (Some(own), Some(shared)) => shared <= own * MORE_ROWS || shared * buckets_a_day(need.step) <= FEW_ROWS,
            _ => true,
        }
    }

    /// Whether sharing a rollup leaves its large states and those of a need about as few as they are asked for: a set of values in
    /// every minute and for every feature takes far more than one an hour.
    fn keeps_large_states_few(&self, need: &Need, rollup: &Rollup) -> bool {
        let finest = rollup.steps.iter().copied().min().unwrap_or(need.step);
        // Of how many groups nothing is known, there may be any number.
        let few_groups = || need.dimensions().count() == rollup.dimensions.len() || self.rows(need, rollup).is_some();
        let spares_its_own = !is_large(&need.states()) || (need.step == finest && few_groups());
        let spares_those_there = !is_large(&rollup.states) || need.step >= finest;
        spares_its_own && spares_those_there
    }

    fn rows(&self, need: &Need, rollup: &Rollup) -> Option<f64> {
        self.statistics.rows_of_rollup(rollup, need.step, need.of.tables)
    }

    /// About how many rows there are for a bucket of a need.
    fn rows_of<'e>(&self, need: &Need, values: impl Iterator<Item = &'e Expr>) -> Option<f64> {
        self.statistics.rows_of(values, &need.scan.joins, need.of.table, need.step, need.of.tables)
    }

    /// Brings the rollups into the order of the questions, and what is in them into order.
    fn finish(&mut self, places: &mut [usize], tables: &[Table]) {
        let mut order: Vec<usize> = Vec::with_capacity(self.rollups.len());
        for place in places.iter_mut() {
            *place = order.iter().position(|known| known == place).unwrap_or_else(|| {
                order.push(*place);
                order.len() - 1
            });
        }
        let mut unordered: Vec<Option<Rollup>> = std::mem::take(&mut self.rollups).into_iter().map(Some).collect();
        self.rollups = order.into_iter().filter_map(|place| unordered[place].take()).collect();
        for rollup in &mut self.rollups {
            rollup.steps.sort_unstable();
            let Rollup { table, joins, dimensions, .. } = rollup;
            // Few values first: equal ones stand together, which packs well, and more conditions find their rows by the key.
            let values = |dimension: &Dimension| {
                let values = self.statistics.values(&dimension.value, *table, joins, tables);
                values.map_or(u64::MAX, |values| values.max(1.0).log2().round() as u64)
            };
            dimensions.sort_by_cached_key(values);
            rollup.share_states();
        }
    }
}

impl Rollup {
    /// Takes a need in: its look-ups, dimensions, steps and states.
    fn add(&mut self, need: &Need) {
        let joins = &need.scan.joins;
        self.time = moved(need.time, joins, &mut self.joins);
        for (name, value) in need.dimensions() {
            if self.dimension(value, joins).is_none() {
                let value = moved(value, joins, &mut self.joins);
                self.dimensions.push(Dimension { name: name.to_owned(), value });
            }
        }
        self.refresh = self.refresh.min(need.refresh);
        // A finer stream has what a coarser one has.
        match need.way {
            Way::Batched(_) => {
                self.add_step(need.step);
                cascade(need.step, need.unit).into_iter().for_each(|step| self.add_step(step));
            }
            Way::Added | Way::Fed | Way::Rebuilt(_) => {
                let finest = self.steps.iter().copied().min().unwrap_or(need.step).min(need.step);
                self.steps.retain(|step| *step >= finest && (*step == HOUR || *step == Step::Day));
                self.add_step(finest);
                if matches!(need.way, Way::Added | Way::Fed) {
                    cascade(finest, need.unit).into_iter().for_each(|step| self.add_step(step));
                }
            }
        }
        for state in need.states() {
            let State { part, argument, filter } = state;
            let argument = argument.map(|argument| moved(&argument, joins, &mut self.joins));
            let filter = filter.iter().map(|part| moved(part, joins, &mut self.joins)).collect();
            self.add_state(State { part, argument, filter });
        }
    }

    fn add_step(&mut self, step: Step) {
        if !self.steps.contains(&step) {
            self.steps.push(step);
        }
    }

    fn add_state(&mut self, state: State) {
        if !self.states.iter().any(|known| known.keeps_the_same(&state)) {
            self.states.push(state);
        }
    }

    /// Leaves out what other states have: a condition that the dimensions decide is asked when the rollup is read. A small
    /// state is kept of all rows for that; a large one only where it is wanted of all rows anyway.
    fn share_states(&mut self) {
        let states = std::mem::take(&mut self.states);
        let left = |state: &State| {
            let filter = state.filter.iter().filter(|part| self.decided(part, &self.joins).is_none());
            State { filter: filter.cloned().collect(), ..state.clone() }
        };
        let shared: Vec<State> = states
            .iter()
            .map(|state| {
                let left = left(state);
                let small = Mergeability::of_part(state.part, state.argument.as_ref()) < Mergeability::Distinct;
                if small || states.iter().any(|known| known.keeps_the_same(&left)) { left } else { state.clone() }
            })
            .collect();
        shared.into_iter().for_each(|state| self.add_state(state));
    }
}

/// Whether one of the states grows with the number of values that it was made of.
fn is_large(states: &[State]) -> bool {
    Mergeability::of_states(states) >= Mergeability::Distinct
}

/// The coarser steps that are worth keeping for what is asked: an hour and a day.
fn cascade(finest: Step, unit: Option<Step>) -> Vec<Step> {
    let worth = |step: &Step| {
        let serves = unit.is_none_or(|unit| divides(*step, unit));
        *step > finest && divides(finest, *step) && serves
    };
    [HOUR, Step::Day].into_iter().filter(worth).collect()
}

/// Whether a step finds its place among steps of which each follows from the one before.
fn chained(steps: &[Step], step: Step) -> bool {
    steps.iter().all(|known| divides(*known, step) || divides(step, *known))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Step = Step::Subday(60_000);

    #[test]
    fn hours_and_days_are_kept_where_they_serve() {
        let kept = |unit| cascade(MINUTE, unit);
        assert_eq!(kept(Some(Step::Month)), [HOUR, Step::Day]);
        assert_eq!(kept(None), [HOUR, Step::Day]);
        assert_eq!(kept(Some(Step::Subday(4 * 3_600_000))), [HOUR]);
        assert_eq!(kept(Some(Step::Subday(5 * 60_000))), []);
        assert_eq!(cascade(Step::Subday(7_200_000), Some(Step::Day)), [Step::Day]);
    }

    #[test]
    fn steps_of_one_rollup_follow_from_each_other() {
        let minutes = |count: i64| Step::Subday(count * 60_000);
        assert!(chained(&[minutes(30), Step::Day], minutes(90)));
        assert!(!chained(&[HOUR], minutes(90)));
    }
}
