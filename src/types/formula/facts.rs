//! What must be known of a formula to take a part of another: which tables it reads, which intervals it has.

use crate::value::{Interval, Span as Length, Step, Window};

use super::super::model::{Formula, FormulaKind, Movement, RowExpr, RowExprKind, TableId};
use super::super::part::BucketPart;
use super::FormulaScope;

/// What is known of a formula, the metrics that it names included.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// The tables that it reads, each once, sorted.
    pub reads: Vec<TableId>,
    /// Whether some value of a bucket has a window (`over`).
    pub windowed: bool,
    /// Whether every value of a bucket has a window or `at last`.
    pub pinned: bool,
    /// Whether it gives rows: some aggregate is not looked up (`across`).
    pub rows: bool,
    /// Whether some value reaches back to the beginning of all data.
    pub unbounded: bool,
    /// Whether its values are of different intervals.
    pub mixed: bool,
    /// The interval of its values, where they have only one.
    pub interval: Option<Interval>,
    /// All shifts (`ago`) that its values have, each once: what a step must bear.
    pub shifts: Vec<Length>,
    /// Whether it needs an interval with two ends: a rate, or a value at the start of something.
    pub needs_buckets: bool,
    /// Whether some value depends on where its bucket begins: it has none without a step.
    pub from_start: bool,
    /// Whether some value is divided by the length of its interval.
    pub rated: bool,
    /// The steps that values are per, each once: what must divide a step.
    pub steps: Vec<Step>,
    /// The only step that it is asked for in.
    pub only: Option<Step>,
    /// The parts that a bucket must have, each once: it needs a step at all.
    pub parts: Vec<BucketPart>,
    /// Whether some interval of its values depends on the days of a calendar.
    pub calendars: bool,
    /// How many metrics stand on one another through conditions on its rows.
    pub per_depth: usize,
}

impl Facts {
    /// Of something without values, such as a literal.
    fn none() -> Facts {
        Facts { pinned: true, ..Facts::default() }
    }

    fn of_table(table: TableId, pinned: bool) -> Facts {
        let interval = Some(Interval::default());
        Facts { reads: vec![table], pinned, rows: true, interval, ..Facts::default() }
    }

    /// Those of both.
    fn and(mut self, other: Facts) -> Facts {
        self.mixed |= other.mixed;
        match (&self.interval, other.interval) {
            (Some(a), Some(b)) if *a != b => self.mixed = true,
            (None, b) => self.interval = b,
            _ => {}
        }
        self.reads.extend(other.reads);
        self.reads.sort_unstable();
        self.reads.dedup();
        self.shifts.extend(other.shifts);
        self.shifts.sort_unstable();
        self.shifts.dedup();
        self.steps.extend(other.steps);
        self.steps.sort_unstable();
        self.steps.dedup();
        self.only = self.only.or(other.only);
        self.with_parts(&other.parts);
        self.windowed |= other.windowed;
        self.pinned &= other.pinned;
        self.rows |= other.rows;
        self.unbounded |= other.unbounded;
        self.needs_buckets |= other.needs_buckets;
        self.from_start |= other.from_start;
        self.per_depth = self.per_depth.max(other.per_depth);
        self.rated |= other.rated;
        self.calendars |= other.calendars;
        self
    }

    fn with_parts(&mut self, parts: &[BucketPart]) {
        for part in parts {
            if !self.parts.contains(part) {
                self.parts.push(*part);
            }
        }
    }

    fn moved(mut self, by: Movement) -> Facts {
        self.calendars |= match by {
            Movement::Over(Window::ToDate(step)) | Movement::AtStartOf(step) => step.is_declared(),
            Movement::Ago(length) => matches!(length, Length::Bucket(_)),
            Movement::Only(step) => step.is_declared(),
            Movement::Over(_) | Movement::AtOwnStart | Movement::FirstDay => false,
        };
        if let Some(interval) = &mut self.interval {
            match by {
                Movement::Over(window) => interval.window = Some(window),
                Movement::Ago(length) => interval.ago.push(length),
                Movement::AtStartOf(step) => interval.at_start_of = Some(step),
                Movement::Only(_) | Movement::FirstDay => {}
                // It has another length in each step.
                Movement::AtOwnStart => self.mixed = true,
            }
        }
        match by {
            Movement::Over(window) => {
                self.windowed = true;
                self.pinned = true;
                self.unbounded |= window == Window::All;
            }
            Movement::Ago(length) if !self.shifts.contains(&length) => self.shifts.push(length),
            Movement::AtStartOf(_) => self.needs_buckets = true,
            Movement::AtOwnStart => self.from_start = true,
            Movement::FirstDay => {
                self.windowed = true;
                self.steps.push(Step::Day);
                self.from_start = true;
            }
            Movement::Only(step) => self.only = Some(step),
            Movement::Ago(_) => {}
        }
        self
    }
}

/// How many metrics stand on one another through a condition on rows.
fn per_depth(condition: &RowExpr, known: &[Facts]) -> usize {
    let mut depth = 0;
    condition.walk(&mut |part| {
        if let RowExprKind::Per { per, .. } = &part.kind {
            depth = depth.max(1 + known[per.metric.0].per_depth);
        }
    });
    depth
}

/// The facts of a formula, from those of the typed metrics by their places.
pub fn facts(formula: &Formula, known: &[Facts]) -> Facts {
    let of = |formula: &Formula| facts(formula, known);
    match &formula.kind {
        FormulaKind::Leaf(leaf) => {
            let per_depth = leaf.rows.filters.iter().map(|filter| per_depth(filter, known)).max().unwrap_or_default();
            Facts { per_depth, ..Facts::of_table(leaf.rows.base, leaf.at_last.is_some()) }
        }
        FormulaKind::Metric(id) => known[id.0].clone(),
        FormulaKind::Literal(_) => Facts::none(),
        FormulaKind::Call(_, arguments) => arguments.iter().map(of).fold(Facts::none(), Facts::and),
        FormulaKind::Case { branches, otherwise } => {
            let values = branches.iter().flat_map(|(condition, value)| [condition, value]);
            values.chain(otherwise.as_deref()).map(of).fold(Facts::none(), Facts::and)
        }
        FormulaKind::Where { operand, filter } => {
            let mut found = of(operand);
            filter.parts(&mut |part| found.with_parts(&[part]));
            found
        }
        FormulaKind::Rate { operand, .. } => Facts { needs_buckets: true, rated: true, ..of(operand) },
        FormulaKind::Moved { operand, by } => of(operand).moved(*by),
        FormulaKind::Across { operand, .. } => Facts { rows: false, ..of(operand) },
        FormulaKind::Nested(nested) => {
            let inner = of(&nested.formula);
            match nested.step() {
                // Its values are those of the inner buckets within the outer one: their intervals are their own affair.
                Some(step) => Facts {
                    reads: inner.reads,
                    rows: true,
                    interval: Some(Interval::default()),
                    steps: vec![step],
                    per_depth: inner.per_depth,
                    ..Facts::default()
                },
                None => Facts { rows: true, ..inner },
            }
        }
    }
}

impl FormulaScope<'_> {
    /// The facts of a formula.
    pub fn facts(&self, formula: &Formula) -> Facts {
        facts(formula, self.known)
    }
}
