//! Which rollups answer a question that nobody planned for: the cheapest that can, and why others cannot.

use super::align::{Clocks, divides};
use super::serving::{Asked, Need, coarsest_of, is_complete, is_possible, settled};
use super::statistics::{Statistics, buckets_a_day};
use super::{Layer, Reason, Rollup, Served, Serving, Streams, Use, Way, text};
use crate::plan::{Query, Step, TableScan};

/// How a question is answered, and what else was looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// What is read.
    pub served: Served,
    /// The rollups of the tables that the question reads, for each of its scans of tables and each way it may be served.
    pub considered: Vec<Considered>,
}

/// A rollup that was looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct Considered {
    /// The rollup.
    pub rollup: usize,
    /// Its step that would be read, where it could.
    pub step: Option<usize>,
    /// Why it is not read; none where it is.
    pub because: Option<Why>,
}

/// Why a rollup is not read.
#[derive(Clone, Debug, PartialEq)]
pub enum Why {
    /// The metrics are not served in this way.
    NotAsked,
    /// Its rows are dated by another column.
    Time,
    /// It does not tell these values apart.
    Dimension(String),
    /// It does not keep this state.
    State(String),
    /// A bucket, interval or limit of the question cuts its buckets.
    Step,
    /// It could be, but has more rows a day than another one.
    Dearer(Option<f64>),
    /// It could be, but another scan of the question has none that is served in this way.
    Alone,
}

impl Why {
    /// In a sentence behind the name of the rollup.
    pub fn text(&self) -> String {
        match self {
            Why::NotAsked => "the metrics are not all served in this way".to_owned(),
            Why::Time => "its rows are dated by another column".to_owned(),
            Why::Dimension(name) => format!("it does not tell `{name}` apart"),
            Why::State(state) => format!("it does not keep `{state}`"),
            Why::Step => "buckets or intervals of the question cut its buckets".to_owned(),
            Why::Dearer(Some(rows)) => format!("it could be, but has more rows: about {} a day", super::about(*rows)),
            Why::Dearer(None) => "it could be, but tells more values apart".to_owned(),
            Why::Alone => "it could be, but other parts of the question have no such rollup".to_owned(),
        }
    }
}

/// What a rollup costs that answers a scan: its rows a day, where known, then how many values it tells apart, then its step.
type Cost = (f64, usize, std::cmp::Reverse<Step>);

/// Finds the rollups for a question that may be served as told.
pub fn route(query: &Query, asked: &Asked, rollups: &[Rollup], statistics: &Statistics) -> Route {
    let router = Router { rollups, statistics, clocks: Clocks::new(query.zone) };
    let scans = query.table_scans();
    let mut route = Route { served: Served { layers: Vec::new(), refused: Vec::new() }, considered: Vec::new() };
    let mut limits: Vec<Vec<Step>> = vec![Vec::new(); scans.len()];
    let mut complete = false;
    for serving in settled(&asked.servings) {
        if !is_possible(&scans, serving, asked) {
            route.served.refused.push((serving, Reason::Derived));
            continue;
        }
        let found = scans.iter().zip(&limits).map(|(scan, limits)| router.best(scan, serving, limits));
        let found: Vec<Found> = found.collect();
        let all: Option<Vec<Use>> = found.iter().map(|found| found.used).collect();
        for one in &found {
            route.considered.extend(one.considered.iter().map(|one| match &all {
                None if one.because.is_none() => Considered { because: Some(Why::Alone), ..one.clone() },
                _ => one.clone(),
            }));
        }
        match all {
            Some(uses) => {
                for (used, limits) in uses.iter().zip(&mut limits) {
                    if let Way::Batched(cadence) = rollups[used.rollup].way {
                        limits.push(cadence.step());
                    }
                }
                complete |= is_complete(&scans, serving);
                route.served.layers.push(Layer::Rolled(uses));
            }
            None => {
                let reason = found.iter().find_map(|found| found.reason);
                route.served.refused.extend(reason.map(|reason| (serving, reason)));
            }
        }
    }
    let missing = route.served.layers.len() < settled(&asked.servings).len();
    if !complete && (asked.live || missing || route.served.layers.is_empty()) {
        route.served.layers.push(Layer::Live);
    }
    router.others(&scans, &mut route.considered);
    route
}

/// What was found for a scan.
struct Found {
    used: Option<Use>,
    considered: Vec<Considered>,
    /// Why no rollup could be.
    reason: Option<Reason>,
}

struct Router<'a> {
    rollups: &'a [Rollup],
    statistics: &'a Statistics,
    clocks: Clocks,
}

impl Router<'_> {
    /// The cheapest rollup for a scan. What a layer has that comes after batches must be in buckets of what these complete.
    fn best(&self, scan: &TableScan, serving: Serving, limits: &[Step]) -> Found {
        let need = match Need::new(scan, serving, &self.clocks, Streams::plain()) {
            Ok(need) => need,
            Err(reason) => return Found { used: None, considered: Vec::new(), reason: Some(reason) },
        };
        let mut fitting: Vec<(Cost, Use)> = Vec::new();
        let mut considered = Vec::new();
        for (at, rollup) in self.rollups.iter().enumerate() {
            if rollup.table != need.of.table || !is_served(rollup, serving) {
                continue;
            }
            match self.fits(&need, rollup, limits) {
                Ok(step) => fitting.push((self.cost(&need, rollup, step), Use { rollup: at, step })),
                Err(why) => considered.push(Considered { rollup: at, step: None, because: Some(why) }),
            }
        }
        fitting.sort_by(|(a, _), (b, _)| a.0.total_cmp(&b.0).then((a.1, a.2).cmp(&(b.1, b.2))));
        for (place, (cost, used)) in fitting.iter().enumerate() {
            let rows = Some(cost.0).filter(|rows| rows.is_finite());
            let because = (place > 0).then_some(Why::Dearer(rows));
            considered.push(Considered { rollup: used.rollup, step: Some(used.step), because });
        }
        Found { used: fitting.first().map(|(_, used)| *used), considered, reason: None }
    }

    /// The step of a rollup that answers a need, or why there is none.
    fn fits(&self, need: &Need, rollup: &Rollup, limits: &[Step]) -> Result<usize, Why> {
        let joins = &need.scan.joins;
        if !super::same(need.time, joins, &rollup.time, &rollup.joins) {
            return Err(Why::Time);
        }
        if let Some((name, _)) = need.dimensions().find(|(_, value)| rollup.dimension(value, joins).is_none()) {
            return Err(Why::Dimension(name.to_owned()));
        }
        if let Some(state) = need.states().iter().find(|state| rollup.state(need.scan, state).is_none()) {
            return Err(Why::State(text::state(state, joins)));
        }
        let serves = |step: Step| {
            need.unit.into_iter().chain(limits.iter().copied()).all(|unit| divides(step, unit))
                && need.is_bounded(step, &self.clocks)
        };
        coarsest_of(&rollup.steps, serves).ok_or(Why::Step)
    }

    fn cost(&self, need: &Need, rollup: &Rollup, step: usize) -> Cost {
        let step = rollup.steps.get(step).copied().unwrap_or(Step::Day);
        let rows = self.statistics.rows_of_rollup(rollup, step, need.of.tables);
        let rows = rows.map_or(f64::INFINITY, |rows| rows * buckets_a_day(step));
        (rows, rollup.dimensions.len(), std::cmp::Reverse(step))
    }

    /// Adds the rollups of the same tables that are not served as asked.
    fn others(&self, scans: &[TableScan], considered: &mut Vec<Considered>) {
        for (at, rollup) in self.rollups.iter().enumerate() {
            let reads = scans.iter().any(|scan| scan.table == rollup.table);
            if reads && considered.iter().all(|known| known.rollup != at) {
                considered.push(Considered { rollup: at, step: None, because: Some(Why::NotAsked) });
            }
        }
    }
}

/// Whether a rollup is as fresh as a serving promises.
fn is_served(rollup: &Rollup, serving: Serving) -> bool {
    match (rollup.way, serving) {
        (Way::Batched(own), Serving::Batch(asked)) => own == asked,
        (Way::Batched(_), Serving::Stream(_)) | (Way::Added | Way::Fed, Serving::Batch(_)) => false,
        (Way::Added | Way::Fed, Serving::Stream(step)) => rollup.steps.first().is_some_and(|own| *own <= step),
        (Way::Rebuilt(_), Serving::Stream(step)) => rollup.refresh <= step,
        (Way::Rebuilt(reason), Serving::Batch(cadence)) => {
            reason == Reason::Derived && rollup.refresh <= cadence.step()
        }
    }
}
