//! Questions as they are asked to be served: what each needs of rollups, and what stands against it.

use super::align::{Clocks, common, divides};
use super::state::needed;
use super::{Cadence, Layer, Mergeability, Reason, Rollup, Served, Serving, Streams, Use, Way};
use crate::plan::{Expr, ExprKind, Guard, Input, Join, Query, Scan, Step, TableScan};

/// How a question is asked to be served.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// From rollups, in any order.
    pub servings: Vec<Serving>,
    /// From its sources.
    pub live: bool,
}

/// What decides how a question can be served.
#[derive(Clone, Copy)]
pub struct Terms<'t> {
    /// The clocks of the project.
    pub clocks: &'t Clocks,
    /// What is done as rows arrive.
    pub streams: Streams<'t>,
    /// Why a rollup is not worth it.
    pub refuse: &'t dyn Fn(&Need) -> Option<Reason>,
}

/// A scan that is to be served from a rollup.
pub struct Need<'q> {
    /// Where the scan stands.
    pub of: TableScan<'q>,
    /// The scan.
    pub scan: &'q Scan,
    /// The instant that puts a row into its bucket.
    pub time: &'q Expr,
    /// How the rollup is filled.
    pub way: Way,
    /// How often it must be made anew, where it is.
    pub refresh: Step,
    /// The finest step that the rollup must have.
    pub step: Step,
    /// See [`Clocks::unit_of`].
    pub unit: Option<Step>,
}

impl<'q> Need<'q> {
    /// What a serving asks of a scan, or why no rollup can serve it.
    pub fn new(of: &TableScan<'q>, serving: Serving, clocks: &Clocks, streams: Streams) -> Result<Need<'q>, Reason> {
        let scan = of.scan;
        let Some(time) = &scan.time else { return Err(Reason::Timeless) };
        if of.query.asked.is_some() || !scan.answers.is_empty() {
            return Err(Reason::Answers);
        }
        if scan.joins.iter().any(|join| of.tables[join.table].segment().is_some()) {
            return Err(Reason::Segments);
        }
        if of.query.marks.as_ref().is_some_and(|marks| !marks.starts.is_empty()) {
            return Err(Reason::Marks);
        }
        if matches!(serving, Serving::Batch(_)) && !is_derived(of) && !reads_only_base(time) {
            return Err(Reason::Dated);
        }
        if !scan.measures.iter().all(|measure| Mergeability::of(&measure.aggregate).rolls_up()) {
            return Err(Reason::Unmergeable);
        }
        let unit = clocks.unit_of(of);
        let step = finest(serving, unit);
        let refresh = match serving {
            Serving::Stream(step) => step,
            Serving::Batch(cadence) => cadence.step(),
        };
        Ok(Need { of: of.clone(), scan, time, way: way(of, serving, streams), refresh, step, unit })
    }

    /// Whether the buckets that it needs can be had of its step.
    pub fn is_whole(&self, clocks: &Clocks) -> bool {
        self.unit.is_none_or(|unit| divides(self.step, unit)) && self.is_bounded(self.step, clocks)
    }

    /// Whether the limits of what is asked are those of buckets.
    pub fn is_bounded(&self, step: Step, clocks: &Clocks) -> bool {
        let guards = self.of.around.iter().map(|(_, scan)| *scan).chain([self.scan]);
        let guards = guards.filter_map(|scan| match scan.guard {
            Some(Guard::Until(to)) => Some(to),
            Some(Guard::Of(_)) | None => None,
        });
        let mut bounds = self.scan.from.into_iter().chain(self.scan.to).chain(guards);
        bounds.all(|at| clocks.is_start(at, step, self.of.query))
    }

    /// The values that the rollup must tell apart, with names for people.
    pub fn dimensions(&self) -> impl Iterator<Item = (&'q str, &'q Expr)> {
        let of_question = self.of.query.dimensions.iter().zip(&self.scan.dimensions);
        let of_question = of_question.filter_map(|(column, value)| Some((column.name.as_str(), value.as_ref()?)));
        let last = self.scan.last.iter().flat_map(|last| &last.per).map(|value| ("_k", value));
        of_question.chain(last).map(|(name, value)| (name_of(name, value), value))
    }

    /// The states that the rollup must keep.
    pub fn states(&self) -> Vec<super::State> {
        needed(self.scan, self.of.query)
    }
}

/// A dimension has the name that the question gives it; what only groups inner values has that of its column.
fn name_of<'q>(name: &'q str, value: &'q Expr) -> &'q str {
    match &value.kind {
        ExprKind::Column { name: column, .. } if name.starts_with("_k") => column,
        _ => name,
    }
}

/// A question whose needs are known, but not yet their rollups.
pub struct Waiting {
    /// See [`Clocks::unit_of`], for each scan of a table.
    units: Vec<Option<Step>>,
    /// For each layer the need of each scan of a table.
    layers: Vec<Vec<usize>>,
    live: bool,
    refused: Vec<(Serving, Reason)>,
}

impl Waiting {
    /// Adds the needs of a question to those of others.
    pub fn new<'q>(query: &'q Query, asked: Asked, terms: Terms, needs: &mut Vec<Need<'q>>) -> Waiting {
        let Terms { clocks, streams, refuse } = terms;
        let scans = query.table_scans();
        let units = scans.iter().map(|scan| clocks.unit_of(scan)).collect();
        let mut waiting = Waiting { units, layers: Vec::new(), live: asked.live, refused: Vec::new() };
        let mut complete = false;
        for serving in settled(&asked.servings) {
            if !is_possible(&scans, serving, &asked) {
                waiting.refused.push((serving, Reason::Derived));
                continue;
            }
            let of = |scan: &TableScan<'q>| {
                let need = Need::new(scan, serving, clocks, streams)?;
                if !need.is_whole(clocks) {
                    return Err(Reason::Step);
                }
                refuse(&need).map_or(Ok(need), Err)
            };
            match scans.iter().map(of).collect::<Result<Vec<Need>, Reason>>() {
                Ok(found) => {
                    let first = needs.len();
                    needs.extend(found);
                    waiting.layers.push((first..needs.len()).collect());
                    complete |= is_complete(&scans, serving);
                }
                Err(reason) => waiting.refused.push((serving, reason)),
            }
        }
        waiting.live |= waiting.layers.is_empty() || !waiting.refused.is_empty();
        // What has all rows that there are must not be counted once more from the source.
        waiting.live &= !complete;
        waiting
    }

    /// Each layer at the coarsest step that serves the question and that is not coarser than what the layers before it have
    /// built: of an hour that they lack the layer must have the hour.
    pub fn served(self, rollups: &[Rollup], places: &[usize]) -> Served {
        let mut limits = self.units;
        let mut layers = Vec::with_capacity(self.layers.len() + 1);
        for needs in &self.layers {
            let of = |(need, limit): (&usize, &mut Option<Step>)| {
                let rollup = places[*need];
                let step = coarsest(&rollups[rollup].steps, *limit);
                if let Way::Batched(cadence) = rollups[rollup].way {
                    *limit = Some(limit.map_or(cadence.step(), |limit| common(limit, cadence.step())));
                }
                Use { rollup, step }
            };
            layers.push(Layer::Rolled(needs.iter().zip(&mut limits).map(of).collect()));
        }
        if self.live {
            layers.push(Layer::Live);
        }
        Served { layers, refused: self.refused }
    }
}

/// Whether something is counted that is made of other rows.
fn is_derived(of: &TableScan) -> bool {
    of.tables[of.table].is_derived()
}

/// Whether a layer of a serving can stand beside the others that are asked for. What is derived is made anew as a whole, and
/// nobody knows which of its days are built.
pub fn is_possible(scans: &[TableScan], serving: Serving, asked: &Asked) -> bool {
    let alone = settled(&asked.servings).len() == 1 && !asked.live;
    alone || matches!(serving, Serving::Stream(_)) || !scans.iter().any(is_derived)
}

/// Whether a layer of a serving has all rows that there are, and not only those of the days that are built.
pub fn is_complete(scans: &[TableScan], serving: Serving) -> bool {
    matches!(serving, Serving::Stream(_)) || scans.iter().any(is_derived)
}

/// How a scan's rollup is filled.
fn way(of: &TableScan, serving: Serving, streams: Streams) -> Way {
    let table = &of.tables[of.table];
    let on_arrival = |join: &Join| join.as_of.is_none() && streams.arrival.contains(&join.table);
    match serving {
        _ if table.is_derived() => Way::Rebuilt(Reason::Derived),
        Serving::Batch(cadence) => Way::Batched(cadence),
        Serving::Stream(step) if (streams.feeds)(of, step) => Way::Fed,
        Serving::Stream(_) if !table.clean.key.is_empty() => Way::Rebuilt(Reason::Key),
        Serving::Stream(_) if !of.scan.joins.iter().all(on_arrival) => Way::Rebuilt(Reason::LookUp),
        Serving::Stream(_) => Way::Added,
    }
}

/// Ways to serve, the most settled first.
pub fn settled(servings: &[Serving]) -> Vec<Serving> {
    let mut servings = servings.to_vec();
    servings.sort_by_key(settled_first);
    // Of several streams one is enough: all of them have seen the same rows.
    servings.dedup_by_key(|serving| settled_first(serving).0);
    servings
}

/// What is built once and later is read first.
fn settled_first(serving: &Serving) -> (u8, Option<Step>) {
    match serving {
        Serving::Batch(Cadence::Daily) => (0, None),
        Serving::Batch(Cadence::Hourly) => (1, None),
        Serving::Stream(step) => (2, Some(*step)),
    }
}

/// The finest step that a rollup needs: that of the stream, or what a batch completes.
fn finest(serving: Serving, unit: Option<Step>) -> Step {
    match serving {
        Serving::Stream(step) => step,
        Serving::Batch(cadence) => match unit {
            Some(unit) if !divides(cadence.step(), unit) => unit,
            _ => cadence.step(),
        },
    }
}

fn reads_only_base(expr: &Expr) -> bool {
    let mut only = true;
    expr.walk(&mut |part| only &= !matches!(part.kind, ExprKind::Column { input: Input::Join(_), .. }));
    only
}

/// The place of the coarsest step whose buckets make up those of another.
pub fn coarsest(steps: &[Step], unit: Option<Step>) -> usize {
    coarsest_of(steps, |step| unit.is_none_or(|unit| divides(step, unit))).unwrap_or(0)
}

/// The place of the coarsest step that serves.
pub fn coarsest_of(steps: &[Step], serves: impl Fn(Step) -> bool) -> Option<usize> {
    steps.iter().rposition(|step| serves(*step))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rollup::HOUR;

    const MINUTE: Step = Step::Subday(60_000);

    #[test]
    fn the_coarsest_step_that_fits_is_read() {
        let steps = [MINUTE, HOUR, Step::Day];
        assert_eq!(coarsest(&steps, Some(Step::Week)), 2);
        assert_eq!(coarsest(&steps, Some(Step::Subday(7_200_000))), 1);
        assert_eq!(coarsest(&steps, Some(Step::Subday(90 * 60_000))), 0);
        assert_eq!(coarsest(&steps, None), 2);
    }

    #[test]
    fn a_batch_keeps_what_it_completes_or_what_is_asked() {
        let of = |cadence, unit| finest(Serving::Batch(cadence), unit);
        assert_eq!(of(Cadence::Daily, Some(Step::Month)), Step::Day);
        assert_eq!(of(Cadence::Daily, None), Step::Day);
        assert_eq!(of(Cadence::Daily, Some(MINUTE)), MINUTE);
        assert_eq!(of(Cadence::Hourly, Some(Step::Day)), HOUR);
        assert_eq!(of(Cadence::Hourly, Some(Step::Subday(90 * 60_000))), Step::Subday(90 * 60_000));
    }
}
