//! Which rollups serve which questions: as few as serve all of them.
//!
//! Whatever asks for the same rows in the same way may share a rollup. The questions with the most dimensions come first;
//! one with fewer is served by their rollup too, unless the samples say that it would have to read far more rows than from
//! one of its own. Finer steps serve coarser ones, which follow from them.

use std::cmp::Reverse;

use super::same::{moved, same};
use super::state::needed;
use super::statistics::{Statistics, buckets_a_day, occupied};
use super::{Cadence, Dimension, HOUR, Layer, Mergeability, Reason, Rollup, Rollups, Served, Serving, State, Use, Way};
use crate::plan::{Expr, ExprKind, Input, Join, Query, Scan, Step};

/// How many times the rows of its own rollup a question may read.
const MORE_ROWS: f64 = 16.0;

/// A day's rows of a rollup that are few in any case.
const FEW_ROWS: f64 = 10_000.0;

/// How a question is asked to be served.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// From rollups, in any order.
    pub servings: Vec<Serving>,
    /// From its sources.
    pub live: bool,
}

/// Plans the rollups for questions. The tables of `arrival` are looked up as rows arrive, whatever becomes of them later.
pub fn plan<'a>(
    questions: impl Iterator<Item = (&'a Query, Asked)>,
    statistics: &Statistics,
    arrival: &[usize],
) -> Rollups {
    let mut needs: Vec<Need> = Vec::new();
    let waiting: Vec<Waiting> =
        questions.map(|(query, asked)| Waiting::new(query, asked, arrival, &mut needs)).collect();
    let mut order: Vec<usize> = (0..needs.len()).collect();
    order.sort_by_key(|at| (Reverse(needs[*at].scan.dimensions.len()), *at));
    let mut planner = Planner { statistics, rollups: Vec::new() };
    let mut places = vec![0; needs.len()];
    for at in order {
        places[at] = planner.place(&needs[at]);
    }
    planner.finished(&mut places);
    let rollups = planner.rollups;
    let served = waiting.into_iter().map(|waiting| waiting.served(&rollups, &places)).collect();
    Rollups { rollups, served }
}

/// A scan that is to be served from a rollup.
struct Need<'q> {
    query: &'q Query,
    scan: &'q Scan,
    table: usize,
    time: &'q Expr,
    way: Way,
    step: Step,
}

/// A question whose needs are known, but not yet their rollups.
struct Waiting {
    step: Option<Step>,
    /// For each layer the need of each scan.
    layers: Vec<Vec<usize>>,
    live: bool,
    because: Option<Reason>,
}

impl Waiting {
    fn new<'q>(query: &'q Query, asked: Asked, arrival: &[usize], needs: &mut Vec<Need<'q>>) -> Waiting {
        let mut servings = asked.servings;
        servings.sort_by_key(settled_first);
        // Of several streams one is enough: all of them have seen the same rows.
        servings.dedup_by_key(|serving| settled_first(serving).0);
        let mut waiting = Waiting { step: query.step, layers: Vec::new(), live: asked.live, because: None };
        for serving in servings {
            if let Some(reason) = refusal(query, serving) {
                waiting.because = waiting.because.or(Some(reason));
                continue;
            }
            let first = needs.len();
            let step = finest(serving, query.step);
            let timed = query.scans.iter().filter_map(|scan| Some((scan, scan.table()?, scan.time.as_ref()?)));
            needs.extend(timed.map(|(scan, table, time)| {
                let way = way(query, table, scan, serving, arrival);
                Need { query, scan, table, time, way, step }
            }));
            waiting.layers.push((first..needs.len()).collect());
        }
        waiting.live |= waiting.layers.is_empty() || waiting.because.is_some();
        waiting
    }

    /// Each layer at the coarsest step that serves the question and that is not coarser than what the layers before it have
    /// built: of an hour that they lack the layer must have the hour.
    fn served(self, rollups: &[Rollup], places: &[usize]) -> Served {
        let mut limit: Option<Step> = self.step;
        let mut layers = Vec::with_capacity(self.layers.len() + 1);
        for needs in self.layers {
            let of = |need: &usize| {
                let rollup = places[*need];
                Use { rollup, step: coarsest(&rollups[rollup].steps, self.step, limit) }
            };
            let built = needs.iter().filter_map(|need| match rollups[places[*need]].way {
                Way::Batched(cadence) => Some(cadence.step()),
                Way::Added | Way::Rebuilt(_) => None,
            });
            let finest = built.chain(limit).min();
            layers.push(Layer::Rolled(needs.iter().map(of).collect()));
            limit = finest;
        }
        if self.live {
            layers.push(Layer::Live);
        }
        Served { layers, because: self.because }
    }
}

struct Planner<'s> {
    statistics: &'s Statistics,
    rollups: Vec<Rollup>,
}

impl Planner<'_> {
    /// The rollup for a need, with its states added.
    fn place(&mut self, need: &Need) -> usize {
        let fits = (0..self.rollups.len()).filter(|at| self.fits(need, &self.rollups[*at]));
        let rows = |at: &usize| self.rows(need.query, &self.rollups[*at], need.step).unwrap_or(f64::MAX);
        let best = fits.min_by(|a, b| rows(a).total_cmp(&rows(b)));
        let place = best.unwrap_or_else(|| {
            self.rollups.push(Rollup {
                table: need.table,
                joins: Vec::new(),
                time: need.time.clone(),
                dimensions: Vec::new(),
                steps: vec![need.step],
                states: Vec::new(),
                way: need.way,
            });
            self.rollups.len() - 1
        });
        self.rollups[place].add(need);
        place
    }

    /// Whether a rollup serves a need as it is, but for its states.
    fn fits(&self, need: &Need, rollup: &Rollup) -> bool {
        let scan = need.scan;
        let of_rows = rollup.table == need.table
            && rollup.way == need.way
            && same(need.time, &scan.joins, &rollup.time, &rollup.joins);
        of_rows
            && scan.dimensions.iter().flatten().all(|value| rollup.dimension(value, scan).is_some())
            && chained(&rollup.steps, need.step)
            && self.is_worth(need, rollup)
    }

    /// Whether reading the rollup costs little more than reading one of the need's own dimensions alone.
    fn is_worth(&self, need: &Need, rollup: &Rollup) -> bool {
        let values: Vec<Expr> = need.scan.dimensions.iter().flatten().cloned().collect();
        let own = self.rows_of(need.query, &values, &need.scan.joins, need.table, need.step);
        match (own, self.rows(need.query, rollup, need.step)) {
            (Some(own), Some(shared)) => shared <= own * MORE_ROWS || shared * buckets_a_day(need.step) <= FEW_ROWS,
            _ => true,
        }
    }

    fn rows(&self, query: &Query, rollup: &Rollup, step: Step) -> Option<f64> {
        let values: Vec<Expr> = rollup.dimensions.iter().map(|dimension| dimension.value.clone()).collect();
        self.rows_of(query, &values, &rollup.joins, rollup.table, step)
    }

    /// About how many rows there are for a bucket.
    fn rows_of(
        &self,
        query: &Query,
        values: &[Expr],
        joins: &[crate::plan::Join],
        table: usize,
        step: Step,
    ) -> Option<f64> {
        let rows = self.statistics.table(table)?.rows_a_day() / buckets_a_day(step);
        let cells = values
            .iter()
            .map(|value| self.statistics.values(value, table, joins, &query.tables))
            .try_fold(1.0, |all, one| Some(all * one?))?;
        Some(occupied(cells, rows))
    }

    /// Brings the rollups into the order of the questions, and their dimensions and steps into order.
    fn finished(&mut self, places: &mut [usize]) {
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
        }
    }
}

impl Rollup {
    /// Takes a need in: its look-ups, dimensions, steps and states.
    fn add(&mut self, need: &Need) {
        let scan = need.scan;
        self.time = moved(need.time, &scan.joins, &mut self.joins);
        for (column, value) in need.query.dimensions.iter().zip(&scan.dimensions) {
            let Some(value) = value else { continue };
            if self.dimension(value, scan).is_none() {
                let value = moved(value, &scan.joins, &mut self.joins);
                self.dimensions.push(Dimension { name: column.name.clone(), value });
            }
        }
        // A finer stream has what a coarser one has.
        match need.way {
            Way::Batched(_) => self.add_step(need.step),
            Way::Added | Way::Rebuilt(_) => {
                let finest = self.steps.iter().copied().min().unwrap_or(need.step).min(need.step);
                self.steps.retain(|step| *step >= finest && (*step == HOUR || *step == Step::Day));
                self.add_step(finest);
                if need.way == Way::Added {
                    cascade(finest, need.query.step).into_iter().for_each(|step| self.add_step(step));
                }
            }
        }
        for state in needed(scan, need.query) {
            let State { part, argument, filter } = state;
            let argument = argument.map(|argument| moved(&argument, &scan.joins, &mut self.joins));
            let filter = filter.iter().map(|part| moved(part, &scan.joins, &mut self.joins)).collect();
            let state = State { part, argument, filter };
            if !self.states.iter().any(|known| known.keeps_the_same(&state)) {
                self.states.push(state);
            }
        }
    }

    fn add_step(&mut self, step: Step) {
        if !self.steps.contains(&step) {
            self.steps.push(step);
        }
    }
}

/// How a scan's rollup is filled.
fn way(query: &Query, table: usize, scan: &Scan, serving: Serving, arrival: &[usize]) -> Way {
    let table = &query.tables[table];
    let on_arrival = |join: &Join| join.as_of.is_none() && arrival.contains(&join.table);
    match serving {
        Serving::Batch(cadence) => Way::Batched(cadence),
        Serving::Stream(_) if table.is_derived() => Way::Rebuilt(Reason::Derived),
        Serving::Stream(_) if !table.clean.key.is_empty() => Way::Rebuilt(Reason::Key),
        Serving::Stream(_) if !scan.joins.iter().all(on_arrival) => Way::Rebuilt(Reason::LookUp),
        Serving::Stream(_) => Way::Added,
    }
}

/// What is built once and later is read first.
fn settled_first(serving: &Serving) -> (u8, Option<Step>) {
    match serving {
        Serving::Batch(Cadence::Daily) => (0, None),
        Serving::Batch(Cadence::Hourly) => (1, None),
        Serving::Stream(step) => (2, Some(*step)),
    }
}

/// The finest step that a rollup needs for an output step: that of the stream, or what a batch completes.
fn finest(serving: Serving, output: Option<Step>) -> Step {
    match serving {
        Serving::Stream(step) => step,
        Serving::Batch(cadence) => match output {
            Some(output) if !divides(cadence.step(), output) => output,
            _ => cadence.step(),
        },
    }
}

/// Why a question cannot be served from rollups.
fn refusal(query: &Query, serving: Serving) -> Option<Reason> {
    if query.scans.iter().any(|scan| scan.time.is_none()) {
        return Some(Reason::Timeless);
    }
    let computed = |scan: &Scan| !scan.is_plain() || scan.looked_up || scan.table().is_none();
    if query.scans.iter().any(|scan| computed(scan) || !scan.answers.is_empty()) {
        return Some(Reason::Interval);
    }
    let derived = |scan: &Scan| scan.table().is_some_and(|table| query.tables[table].is_derived());
    if matches!(serving, Serving::Batch(_)) && query.scans.iter().any(derived) {
        return Some(Reason::Derived);
    }
    let looked_up = |scan: &Scan| scan.time.as_ref().is_some_and(|time| !reads_only_base(time));
    if matches!(serving, Serving::Batch(_)) && query.scans.iter().any(looked_up) {
        return Some(Reason::Dated);
    }
    let step = finest(serving, query.step);
    if query.step.is_some_and(|output| !divides(step, output)) || query.from.is_some() || query.to.is_some() {
        return Some(Reason::Step);
    }
    let mut measures = query.scans.iter().flat_map(|scan| &scan.measures);
    (!measures.all(|measure| Mergeability::of(&measure.aggregate).rolls_up())).then_some(Reason::Unmergeable)
}

fn reads_only_base(expr: &Expr) -> bool {
    let mut only = true;
    expr.walk(&mut |part| only &= !matches!(part.kind, ExprKind::Column { input: Input::Join(_), .. }));
    only
}

/// The coarser steps that are worth keeping for an output step: an hour and a day.
fn cascade(stream: Step, output: Option<Step>) -> Vec<Step> {
    let worth = |step: &Step| {
        let serves = output.is_none_or(|output| divides(*step, output));
        *step > stream && divides(stream, *step) && serves
    };
    [HOUR, Step::Day].into_iter().filter(worth).collect()
}

/// Whether a step finds its place among steps of which each follows from the one before.
fn chained(steps: &[Step], step: Step) -> bool {
    steps.iter().all(|known| divides(*known, step) || divides(step, *known))
}

/// The place of the coarsest step that serves an output step and is made for buckets of a second step too.
pub(super) fn coarsest(steps: &[Step], output: Option<Step>, limit: Option<Step>) -> usize {
    let serves = |step: &Step| output.into_iter().chain(limit).all(|output| divides(*step, output));
    steps.iter().rposition(serves).unwrap_or(0)
}

/// Whether every bucket of `coarse` is made of whole buckets of `fine`. Steps below a day all start at local midnight and are
/// cut at the next, so this holds on days of 23 and 25 hours too.
pub(super) fn divides(fine: Step, coarse: Step) -> bool {
    match (fine, coarse) {
        (Step::Subday(fine), Step::Subday(coarse)) => coarse % fine == 0,
        (Step::Subday(_), _) => true,
        (Step::Day, coarse) => !matches!(coarse, Step::Subday(_)),
        (fine, coarse) => fine == coarse,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Step = Step::Subday(60_000);

    #[test]
    fn hours_and_days_are_kept_where_they_serve() {
        let kept = |output| cascade(MINUTE, output);
        assert_eq!(kept(Some(Step::Month)), [HOUR, Step::Day]);
        assert_eq!(kept(None), [HOUR, Step::Day]);
        assert_eq!(kept(Some(Step::Subday(4 * 3_600_000))), [HOUR]);
        assert_eq!(kept(Some(Step::Subday(5 * 60_000))), []);
        assert_eq!(cascade(Step::Subday(7_200_000), Some(Step::Day)), [Step::Day]);
    }

    #[test]
    fn the_coarsest_step_that_fits_is_read() {
        let steps = [MINUTE, HOUR, Step::Day];
        assert_eq!(coarsest(&steps, Some(Step::Week), None), 2);
        assert_eq!(coarsest(&steps, Some(Step::Subday(7_200_000)), None), 1);
        assert_eq!(coarsest(&steps, Some(Step::Subday(90 * 60_000)), None), 0);
        assert_eq!(coarsest(&steps, None, None), 2);
        assert_eq!(coarsest(&steps, Some(Step::Week), Some(HOUR)), 1);
    }

    #[test]
    fn steps_of_one_rollup_follow_from_each_other() {
        let minutes = |count: i64| Step::Subday(count * 60_000);
        assert!(chained(&[minutes(30), Step::Day], minutes(90)));
        assert!(!chained(&[HOUR], minutes(90)));
    }

    #[test]
    fn a_batch_keeps_what_it_completes_or_what_is_asked() {
        let of = |cadence, output| finest(Serving::Batch(cadence), output);
        assert_eq!(of(Cadence::Daily, Some(Step::Month)), Step::Day);
        assert_eq!(of(Cadence::Daily, None), Step::Day);
        assert_eq!(of(Cadence::Daily, Some(MINUTE)), MINUTE);
        assert_eq!(of(Cadence::Hourly, Some(Step::Day)), HOUR);
        assert_eq!(of(Cadence::Hourly, Some(Step::Subday(90 * 60_000))), Step::Subday(90 * 60_000));
    }
}
