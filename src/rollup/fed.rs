//! What is done as rows arrive, beside what the warehouse itself does: a stream that drops repetitions may count what the
//! warehouse could only make anew.

use super::{Dimension, Part, Rollup, State, Way, needed};
use crate::plan::{Expr, ExprKind, Input, Keep, Origin, OutputColumn, Step, TableScan};

/// What is done as rows arrive.
#[derive(Clone, Copy)]
pub struct Streams<'t> {
    /// The tables that are looked up as rows arrive, whatever becomes of them later.
    pub arrival: &'t [usize],
    /// Whether something else counts the rows of a scan in buckets of a step, and brings the states.
    pub feeds: &'t (dyn Fn(&TableScan, Step) -> bool + Sync),
}

impl Streams<'_> {
    /// Nothing but what the warehouse does.
    pub fn plain() -> Streams<'static> {
        Streams { arrival: &[], feeds: &|_, _| false }
    }
}

/// Why no stream can count the rows of a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unfed {
    /// A newer row of a key replaces one that was counted.
    Latest,
    /// The rows are made of others.
    Derived,
    /// Rows as they came have repetitions, which the stream drops.
    Raw,
    /// The rows are dated by a look-up or another column than the source's time.
    Dated,
    /// A version of an entity is looked up that held at an instant.
    History,
    /// The row with the least or greatest time is wanted, and results come as values alone.
    Order,
}

impl Unfed {
    /// In a sentence, with the number of the rule.
    pub fn text(self) -> &'static str {
        match self {
            Unfed::Latest => "ST1: rows are updated (`latest by`), and a stream can't take back what it has counted",
            Unfed::Derived => {
                "ST1: its rows are made of others, of which a stream knows those that came, and not those to come"
            }
            Unfed::Raw => "ST1: it counts rows as they came, and a stream drops repetitions before they are counted",
            Unfed::Dated => {
                "ST5: its rows are dated by another column than the time of the source, for which there is no watermark"
            }
            Unfed::History => {
                "CH4: a version of an entity that held at an instant is looked up, and it may be written later"
            }
            Unfed::Order => {
                "ST2: its first or last value depends on the order of rows, and results of windows have none"
            }
        }
    }
}

/// The rollup that serves a scan alone, from a stream in buckets of a step.
pub fn alone(of: &TableScan, step: Step) -> Option<Rollup> {
    let scan = of.scan;
    let dimensions = of.query.dimensions.iter().zip(&scan.dimensions);
    let dimension = |(column, value): (&OutputColumn, &Option<Expr>)| {
        Some(Dimension { name: column.name.clone(), value: value.clone()? })
    };
    let last = scan.last.iter().flat_map(|last| &last.per);
    let last = last.map(|value| Dimension { name: "_k".to_owned(), value: value.clone() });
    Some(Rollup {
        table: of.table,
        joins: scan.joins.clone(),
        time: scan.time.clone()?,
        dimensions: dimensions.filter_map(dimension).chain(last).collect(),
        steps: vec![step],
        states: needed(scan, of.query),
        way: Way::Fed,
        refresh: step,
    })
}

/// Why no stream can count the rows of a scan, where none can. `rows` says whether rows themselves come to the warehouse: else what comes
/// are counts, sums, extremes, and values with how often they occur.
pub fn unfed(of: &TableScan, rows: bool) -> Option<Unfed> {
    let table = &of.tables[of.table];
    if matches!(table.origin, Origin::Raw(_)) {
        return Some(Unfed::Raw);
    }
    if table.is_derived() {
        return Some(Unfed::Derived);
    }
    if !table.clean.key.is_empty() && matches!(table.clean.keep, Keep::Latest(_)) {
        return Some(Unfed::Latest);
    }
    let dated = of.scan.time.as_ref().is_none_or(|time| match &time.kind {
        ExprKind::Column { input: Input::Base, name } => table.clean.time.as_ref() != Some(name),
        _ => true,
    });
    if dated {
        return Some(Unfed::Dated);
    }
    if of.scan.joins.iter().any(|join| join.as_of.is_some()) {
        return Some(Unfed::History);
    }
    let by_order = |state: &State| matches!(state.part, Part::First | Part::Last);
    (!rows && needed(of.scan, of.query).iter().any(by_order)).then_some(Unfed::Order)
}
