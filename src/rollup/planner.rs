//! Which rollups serve which questions.

use rustc_hash::FxHashMap;

use super::state::needed;
use super::{Cadence, Dimension, HOUR, Layer, Mergeability, Reason, Rollup, Rollups, Served, Serving, Use, Way};
use crate::plan::{Expr, ExprKind, Input, Query, Scan, Step};

/// How a question is asked to be served.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// From rollups, in any order.
    pub servings: Vec<Serving>,
    /// From its sources.
    pub live: bool,
}

/// Plans the rollups for questions.
pub fn plan<'a>(questions: impl Iterator<Item = (&'a Query, Asked)>) -> Rollups {
    let mut planner = Planner::default();
    let waiting: Vec<Waiting> = questions.map(|(query, asked)| planner.question(query, asked)).collect();
    let mut rollups = planner.rollups;
    for rollup in &mut rollups {
        rollup.steps.sort_unstable();
    }
    let served = waiting.into_iter().map(|waiting| waiting.served(&rollups)).collect();
    Rollups { rollups, served }
}

/// A question whose rollups are known, but not yet which of their steps.
struct Waiting {
    step: Option<Step>,
    /// For each layer the rollup of each scan.
    layers: Vec<Vec<usize>>,
    live: bool,
    because: Option<Reason>,
}

impl Waiting {
    /// Each layer at the coarsest step that serves the question and that is not coarser than what the layers before it have
    /// built: of an hour that they lack the layer must have the hour.
    fn served(self, rollups: &[Rollup]) -> Served {
        let mut limit: Option<Step> = self.step;
        let mut layers = Vec::with_capacity(self.layers.len() + 1);
        for scans in self.layers {
            let of = |rollup: usize| Use { rollup, step: coarsest(&rollups[rollup].steps, self.step, limit) };
            let built = scans.iter().filter_map(|rollup| match rollups[*rollup].way {
                Way::Batched(cadence) => Some(cadence.step()),
                Way::Added | Way::Rebuilt(_) => None,
            });
            let finest = built.chain(limit).min();
            layers.push(Layer::Rolled(scans.iter().copied().map(of).collect()));
            limit = finest;
        }
        if self.live {
            layers.push(Layer::Live);
        }
        Served { layers, because: self.because }
    }
}

#[derive(Default)]
struct Planner {
    rollups: Vec<Rollup>,
    by_table: FxHashMap<(usize, Serving), Vec<usize>>,
}

impl Planner {
    fn question(&mut self, query: &Query, asked: Asked) -> Waiting {
        let mut servings = asked.servings;
        servings.sort_by_key(settled_first);
        // Of several streams one is enough: all of them have seen the same rows.
        servings.dedup_by_key(|serving| settled_first(serving).0);
        let mut waiting = Waiting { step: query.step, layers: Vec::new(), live: asked.live, because: None };
        for serving in servings {
            match refusal(query, serving) {
                Some(reason) => waiting.because = waiting.because.or(Some(reason)),
                None => {
                    let scans = 0..query.scans.len();
                    waiting.layers.push(scans.map(|scan| self.add(query, scan, serving)).collect());
                }
            }
        }
        waiting.live |= waiting.layers.is_empty() || waiting.because.is_some();
        waiting
    }

    /// The rollup for a scan, with its states added.
    fn add(&mut self, query: &Query, scan: usize, serving: Serving) -> usize {
        let asked = &query.scans[scan];
        let way = match serving {
            Serving::Batch(cadence) => Way::Batched(cadence),
            Serving::Stream(_) if !query.tables[asked.table].clean.key.is_empty() => Way::Rebuilt(Reason::Key),
            Serving::Stream(_) if !asked.joins.is_empty() => Way::Rebuilt(Reason::LookUp),
            Serving::Stream(_) => Way::Added,
        };
        let step = finest(serving, query.step);
        let names = query.dimensions.iter().map(|dimension| dimension.name.clone());
        let values = asked.dimensions.iter().cloned();
        let dimensions: Vec<Dimension> = names.zip(values).map(|(name, value)| Dimension { name, value }).collect();
        let known = self.by_table.entry((asked.table, serving)).or_default();
        let found = known.iter().copied().find(|known| {
            let known = &self.rollups[*known];
            let same = Some(&known.time) == asked.time.as_ref() && known.joins == asked.joins;
            same && known.dimensions == dimensions && chained(&known.steps, step)
        });
        let place = match (found, &asked.time) {
            (None, Some(time)) => {
                let place = self.rollups.len();
                self.rollups.push(Rollup {
                    table: asked.table,
                    joins: asked.joins.clone(),
                    time: time.clone(),
                    dimensions,
                    steps: vec![step],
                    states: Vec::new(),
                    way,
                });
                known.push(place);
                place
            }
            (found, _) => found.unwrap_or_default(),
        };
        let rollup = &mut self.rollups[place];
        let coarser = if way == Way::Added { cascade(step, query.step) } else { Vec::new() };
        for step in coarser.into_iter().chain([step]) {
            if !rollup.steps.contains(&step) {
                rollup.steps.push(step);
            }
        }
        for state in needed(asked, query) {
            if !rollup.states.contains(&state) {
                rollup.states.push(state);
            }
        }
        place
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
fn coarsest(steps: &[Step], output: Option<Step>, limit: Option<Step>) -> usize {
    let serves = |step: &Step| output.into_iter().chain(limit).all(|output| divides(*step, output));
    steps.iter().rposition(serves).unwrap_or(0)
}

/// Whether every bucket of `coarse` is made of whole buckets of `fine`. Steps below a day all start at local midnight and are
/// cut at the next, so this holds on days of 23 and 25 hours too.
fn divides(fine: Step, coarse: Step) -> bool {
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
