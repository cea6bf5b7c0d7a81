//! Which rollups serve which metrics, and why.
//!
//! A rollup keeps the states of measures by bucket and dimension values, so that a metric is read without its source. All
//! questions over the same table, time, look-ups, dimensions and stream step share one. Rows of a table without a key can
//! only be added, so its rollup grows as they arrive, and coarser ones follow from finer ones. Where a row can be
//! replaced (a key), or a look-up can change what was counted, adding is wrong: such a rollup is made anew from the clean
//! rows at every step (CH2, CH4).

mod state;

use rustc_hash::FxHashMap;

use crate::plan::{Aggregate, DataType, Expr, Interval, Join, Measure, OutputColumn, Query, Scan, Source, Step};

pub use state::{Part, State, conditions, conjuncts, parts};

/// A set of states by bucket and dimension values.
#[derive(Clone, Debug, PartialEq)]
pub struct Rollup {
    /// The table whose rows are aggregated.
    pub table: usize,
    /// Look-ups of entities.
    pub joins: Vec<Join>,
    /// The instant that puts a row into its bucket.
    pub time: Expr,
    /// The dimensions, in the order of the questions.
    pub dimensions: Vec<Dimension>,
    /// The steps kept, finest first; each but the first follows from the one before.
    pub steps: Vec<Step>,
    /// What is kept.
    pub states: Vec<State>,
    /// How it is filled.
    pub way: Way,
}

impl Rollup {
    /// The question that the rollup answers at a step: its one scan reads what the states need. `like` gives tables, zone and
    /// week.
    pub fn question(&self, like: &Query, step: Step) -> Query {
        let measure = |state: &State| {
            let aggregate = match (&state.argument, state.part) {
                (None, _) => Aggregate::CountRows,
                (Some(x), Part::First) => Aggregate::First(x.clone()),
                (Some(x), Part::Last) => Aggregate::Last(x.clone()),
                (Some(x), _) => Aggregate::Count(x.clone()),
            };
            Measure { filter: Expr::all(state.filter.clone()), aggregate, ty: DataType::Int }
        };
        let scan = Scan {
            source: Source::Table(self.table),
            joins: self.joins.clone(),
            answers: Vec::new(),
            time: Some(self.time.clone()),
            from: None,
            to: None,
            interval: Interval::default(),
            last: None,
            dimensions: self.dimensions.iter().map(|dimension| Some(dimension.value.clone())).collect(),
            looked_up: false,
            filter: None,
            measures: self.states.iter().map(measure).collect(),
            guard: None,
        };
        let column = |dimension: &Dimension| OutputColumn {
            name: dimension.name.clone(),
            ty: dimension.value.ty.clone(),
            nullable: dimension.value.nullable,
            unit: None,
        };
        Query {
            tables: std::sync::Arc::clone(&like.tables),
            zone: like.zone,
            week_start: like.week_start,
            step: Some(step),
            from: None,
            to: None,
            dimensions: self.dimensions.iter().map(column).collect(),
            asked: None,
            scans: vec![scan],
            metrics: Vec::new(),
            order: Vec::new(),
            limit: None,
        }
    }
}

/// A dimension of a rollup.
#[derive(Clone, Debug, PartialEq)]
pub struct Dimension {
    /// Its name.
    pub name: String,
    /// Its value over the rows.
    pub value: Expr,
}

/// How a rollup is filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// As rows arrive.
    Added,
    /// Anew from the clean rows, at every step.
    Rebuilt(Reason),
}

/// Why a rollup cannot be filled as rows arrive, or a metric cannot be served from one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The table has a key: a retransmitted or newer row replaces one that was counted.
    Key,
    /// The rows are made of others: a new one may end a session, be the first, or be there already.
    Derived,
    /// A look-up: the entity's row may arrive or change later.
    LookUp,
    /// A measure keeps lists or maps.
    Container,
    /// The table has no time.
    Timeless,
    /// The output step is not made of whole stream steps.
    Step,
    /// A window, a shift, a stock, or a value that is looked up or made of values; conditions on those.
    Interval,
}

impl Reason {
    /// In a sentence, with the number of the rule.
    pub fn text(self) -> &'static str {
        match self {
            Reason::Key => {
                "CH2: the source has a key, and adding up blocks would count a row that is sent again or replaced"
            }
            Reason::Derived => {
                "CH5: its rows are derived from others, and a block of inserted rows tells nothing of those before"
            }
            Reason::LookUp => "CH4: an entity's attribute is looked up, and a change of the entity triggers nothing",
            Reason::Container => "CH9: lists and maps have no state",
            Reason::Timeless => "a table without time has no buckets",
            Reason::Interval => {
                "CH5: windows, shifts, last rows, shares and values of values are computed from the clean rows when read"
            }
            Reason::Step => "CH13: the output step is not made of whole stream steps",
        }
    }
}

/// Where a scan of a question reads its measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Use {
    /// The rollup.
    pub rollup: usize,
    /// Which of its steps.
    pub step: usize,
}

/// How a question is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Served {
    /// From its sources.
    Live(Option<Reason>),
    /// From a rollup a scan.
    Rolled(Vec<Use>),
}

/// The rollups of a project.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rollups {
    /// All of them, in the order in which the questions ask for them.
    pub rollups: Vec<Rollup>,
    /// How each question is served, in their order.
    pub served: Vec<Served>,
}

/// Plans the rollups for questions, each with the step of its stream where it is streamed.
pub fn plan<'a>(questions: impl Iterator<Item = (&'a Query, Option<Step>)>) -> Rollups {
    let mut planner = Planner::default();
    let mut waiting = Vec::new();
    for (query, stream) in questions {
        waiting.push(match stream {
            None => Waiting::Live(None),
            Some(step) => match refusal(query, step) {
                Some(reason) => Waiting::Live(Some(reason)),
                None => Waiting::Rolled(
                    query.step,
                    (0..query.scans.len()).map(|scan| planner.add(query, scan, step)).collect(),
                ),
            },
        });
    }
    let mut rollups = planner.rollups;
    for rollup in &mut rollups {
        rollup.steps.sort_unstable();
    }
    let served = waiting
        .into_iter()
        .map(|waiting| match waiting {
            Waiting::Live(reason) => Served::Live(reason),
            Waiting::Rolled(step, of) => {
                let source = |rollup: usize| Use { rollup, step: coarsest(&rollups[rollup].steps, step) };
                Served::Rolled(of.into_iter().map(source).collect())
            }
        })
        .collect();
    Rollups { rollups, served }
}

enum Waiting {
    Live(Option<Reason>),
    Rolled(Option<Step>, Vec<usize>),
}

#[derive(Default)]
struct Planner {
    rollups: Vec<Rollup>,
    by_table: FxHashMap<(usize, Step), Vec<usize>>,
}

impl Planner {
    /// The rollup for a scan, with its states added.
    fn add(&mut self, query: &Query, scan: usize, stream: Step) -> usize {
        let asked = &query.scans[scan];
        let table = asked.table().unwrap_or_default();
        let way = if query.tables[table].is_derived() {
            Way::Rebuilt(Reason::Derived)
        } else if !query.tables[table].clean.key.is_empty() {
            Way::Rebuilt(Reason::Key)
        } else if !asked.joins.is_empty() {
            Way::Rebuilt(Reason::LookUp)
        } else {
            Way::Added
        };
        let names = query.dimensions.iter().map(|dimension| dimension.name.clone());
        let values = asked.dimensions.iter().flatten().cloned();
        let dimensions: Vec<Dimension> = names.zip(values).map(|(name, value)| Dimension { name, value }).collect();
        let known = self.by_table.entry((table, stream)).or_default();
        let found = known.iter().copied().find(|known| {
            let known = &self.rollups[*known];
            Some(&known.time) == asked.time.as_ref() && known.joins == asked.joins && known.dimensions == dimensions
        });
        let place = match (found, &asked.time) {
            (None, Some(time)) => {
                let place = self.rollups.len();
                self.rollups.push(Rollup {
                    table,
                    joins: asked.joins.clone(),
                    time: time.clone(),
                    dimensions,
                    steps: vec![stream],
                    states: Vec::new(),
                    way,
                });
                known.push(place);
                place
            }
            (found, _) => found.unwrap_or_default(),
        };
        let rollup = &mut self.rollups[place];
        if way == Way::Added {
            for step in cascade(stream, query.step) {
                if !rollup.steps.contains(&step) {
                    rollup.steps.push(step);
                }
            }
        }
        for state in state::states(asked, query) {
            if !rollup.states.contains(&state) {
                rollup.states.push(state);
            }
        }
        place
    }
}

/// Why a question cannot be served from rollups.
fn refusal(query: &Query, stream: Step) -> Option<Reason> {
    if query.scans.iter().any(|scan| scan.time.is_none()) {
        return Some(Reason::Timeless);
    }
    if query.step.is_some_and(|step| !divides(stream, step)) || query.from.is_some() || query.to.is_some() {
        return Some(Reason::Step);
    }
    let computed = |scan: &Scan| !scan.is_plain() || scan.looked_up || scan.table().is_none();
    if query.scans.iter().any(|scan| computed(scan) || !scan.answers.is_empty()) {
        return Some(Reason::Interval);
    }
    let container = |ty: &DataType| matches!(ty, DataType::Array(_) | DataType::Map(_));
    let mut arguments = query.scans.iter().flat_map(|scan| &scan.measures).filter_map(|m| m.aggregate.argument());
    arguments.any(|argument| container(&argument.ty)).then_some(Reason::Container)
}

const HOUR: Step = Step::Subday(3_600_000);

/// The coarser steps that are worth keeping for an output step: an hour and a day.
fn cascade(stream: Step, output: Option<Step>) -> impl Iterator<Item = Step> {
    [HOUR, Step::Day].into_iter().filter(move |step| {
        let serves = output.is_none_or(|output| divides(*step, output));
        *step > stream && divides(stream, *step) && serves
    })
}

/// The place of the coarsest step that serves an output step.
fn coarsest(steps: &[Step], output: Option<Step>) -> usize {
    steps.iter().rposition(|step| output.is_none_or(|output| divides(*step, output))).unwrap_or(0)
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

    #[test]
    fn hours_and_days_are_kept_where_they_serve() {
        let minute = Step::Subday(60_000);
        let kept = |output| cascade(minute, output).collect::<Vec<_>>();
        assert_eq!(kept(Some(Step::Month)), [HOUR, Step::Day]);
        assert_eq!(kept(None), [HOUR, Step::Day]);
        assert_eq!(kept(Some(Step::Subday(4 * 3_600_000))), [HOUR]);
        assert_eq!(kept(Some(Step::Subday(5 * 60_000))), []);
        assert_eq!(cascade(Step::Subday(7_200_000), Some(Step::Day)).collect::<Vec<_>>(), [Step::Day]);
    }

    #[test]
    fn the_coarsest_step_that_fits_is_read() {
        let steps = [Step::Subday(60_000), HOUR, Step::Day];
        assert_eq!(coarsest(&steps, Some(Step::Week)), 2);
        assert_eq!(coarsest(&steps, Some(Step::Subday(7_200_000))), 1);
        assert_eq!(coarsest(&steps, Some(Step::Subday(90 * 60_000))), 0);
        assert_eq!(coarsest(&steps, None), 2);
    }
}
