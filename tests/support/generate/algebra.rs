//! The forms of formulas that read other intervals or groups than those of the output, and which of them are compiled.

use std::collections::BTreeSet;

use super::model::*;

/// A length of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Length {
    /// Milliseconds, less than a day.
    Elapsed(i64),
    /// Days of the local calendar.
    Days(i32),
    /// Months of the calendar.
    Months(i32),
    /// To the bucket of the declared calendar before.
    Fiscal(Fiscal),
}

impl Length {
    /// As it is written: `90m`, `30d`, `2w`, `1month`.
    pub fn text(self) -> String {
        match self {
            Length::Elapsed(ms) => Step::Subday(ms).text(),
            Length::Days(days) if days % 7 == 0 => format!("{}w", days / 7),
            Length::Days(days) => format!("{days}d"),
            Length::Months(months) if months % 12 == 0 => format!("{}year", months / 12),
            Length::Months(months) if months % 3 == 0 => format!("{}quarter", months / 3),
            Length::Months(months) => format!("{months}month"),
            Length::Fiscal(step) => step.text(),
        }
    }

    /// Whether each bucket of `step`, moved by this, is a bucket of that step; whether it moves an interval at all.
    pub fn moves(self, step: Option<Step>) -> bool {
        match (self, step) {
            (Length::Fiscal(own), Some(Step::Fiscal(step))) => own == step,
            (Length::Fiscal(_), _) | (_, Some(Step::Fiscal(_))) => false,
            (_, None) => true,
            (Length::Elapsed(ms), Some(Step::Subday(step))) => ms % step == 0,
            (Length::Elapsed(_), _) => false,
            (_, Some(Step::Subday(_) | Step::Day)) => true,
            (Length::Days(days), Some(Step::Week)) => days % 7 == 0,
            (Length::Months(_), Some(Step::Month)) => true,
            (Length::Months(months), Some(Step::Quarter)) => months % 3 == 0,
            (Length::Months(months), Some(Step::Year)) => months % 12 == 0,
            (Length::Days(_), _) | (Length::Months(_), Some(Step::Week)) => false,
        }
    }
}

/// The interval of `over`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Window {
    /// `over all`
    All,
    /// `over 30d`, `over month`
    Last(Length),
    /// `over month to date`
    ToDate(Step),
}

/// How the intervals of a formula are moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Move {
    Over(Window),
    Ago(Length),
    AtStart(Step),
}

/// `at last STEP [per k]`
#[derive(Clone, Debug, PartialEq)]
pub struct AtLast {
    pub step: Step,
    /// Columns.
    pub per: Vec<String>,
}

/// `AGG(FORMULA per KEYS [where p])`
#[derive(Clone, Debug, PartialEq)]
pub struct Nested {
    pub aggregate: Aggregate,
    pub formula: Expr,
    pub keys: Vec<NestedKey>,
    /// Over [`Node::Inner`].
    pub filter: Option<Expr>,
}

/// A key of a nested aggregate.
#[derive(Clone, Debug, PartialEq)]
pub enum NestedKey {
    Dimension(String),
    Column(String),
    Entity(String),
    Step(Step),
}

/// `fill: …`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fill {
    #[default]
    None,
    Null,
    Zero,
}

impl Fill {
    /// As it is written.
    pub fn word(self) -> &'static str {
        match self {
            Fill::None => "none",
            Fill::Null => "null",
            Fill::Zero => "zero",
        }
    }
}

/// A form that is generated only where it is switched on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Construct {
    /// `over 90m`
    OverElapsed,
    /// `over 30d`, `over 2w`
    OverDays,
    /// `over month`
    OverCalendar,
    /// `over month to date`
    OverToDate,
    /// `over all`
    OverAll,
    /// `ago 2h`
    AgoElapsed,
    /// `ago 1d`, `ago 1w`
    AgoDays,
    /// `ago 1month`
    AgoCalendar,
    /// `growth(m, 1w)`
    Growth,
    /// `rate(m, 1s)`
    Rate,
    /// `m at start of month`
    AtStart,
    /// `at last 1d`
    AtLast,
    /// `at last 1d per k`
    AtLastPer,
    /// `m across feature`
    Across,
    /// `avg(m per column)`, `avg(m per entity)`
    NestedColumn,
    /// `avg(m per dimension)`
    NestedDimension,
    /// `max(m per 1h)`
    NestedStep,
    /// `count(m per k where value > 1)`
    NestedWhere,
    /// A nested aggregate within another one.
    NestedTwice,
    /// `where (m per column) > 1`
    MetricPer,
    /// `fill: null`
    FillNull,
    /// `fill: zero`
    FillZero,
    /// `where time.month = 1`, `where registered@month = …`, and both in questions
    BucketPart,
    /// Steps of a declared calendar.
    Calendar,
    /// `--having 'orders > 3'`
    Having,
    /// `--top '3 by orders'`
    Top,
    /// `--top '3 by orders other'`
    Other,
    /// `--cut`
    Cut,
    /// `--as-of`
    AsOf,
    /// `--as-of … --partial`
    Partial,
    /// `--marks`
    Marks,
}

impl Construct {
    /// All of them.
    pub const ALL: [Construct; 31] = [
        Construct::OverElapsed,
        Construct::OverDays,
        Construct::OverCalendar,
        Construct::OverToDate,
        Construct::OverAll,
        Construct::AgoElapsed,
        Construct::AgoDays,
        Construct::AgoCalendar,
        Construct::Growth,
        Construct::Rate,
        Construct::AtStart,
        Construct::AtLast,
        Construct::AtLastPer,
        Construct::Across,
        Construct::NestedColumn,
        Construct::NestedDimension,
        Construct::NestedStep,
        Construct::NestedWhere,
        Construct::NestedTwice,
        Construct::MetricPer,
        Construct::FillNull,
        Construct::FillZero,
        Construct::BucketPart,
        Construct::Calendar,
        Construct::Having,
        Construct::Top,
        Construct::Other,
        Construct::Cut,
        Construct::AsOf,
        Construct::Partial,
        Construct::Marks,
    ];

    /// The one of a name, as its variant is called.
    pub fn named(name: &str) -> Option<Construct> {
        Construct::ALL.into_iter().find(|construct| format!("{construct:?}") == name)
    }

    /// What the compiler is known to compile, and the tests generate. A project of these that is refused is a failure.
    pub const SUPPORTED: &'static [Construct] = &[
        Construct::OverElapsed,
        Construct::OverDays,
        Construct::OverCalendar,
        Construct::OverToDate,
        Construct::OverAll,
        Construct::AgoElapsed,
        Construct::AgoDays,
        Construct::AgoCalendar,
        Construct::Growth,
        Construct::Rate,
        Construct::AtStart,
        Construct::AtLast,
        Construct::AtLastPer,
        Construct::Across,
        Construct::NestedColumn,
        Construct::NestedDimension,
        Construct::NestedStep,
        Construct::NestedWhere,
        Construct::NestedTwice,
        Construct::MetricPer,
        Construct::FillNull,
        Construct::FillZero,
        Construct::BucketPart,
        Construct::Calendar,
        Construct::Having,
        Construct::Top,
        Construct::Other,
        Construct::Cut,
        Construct::AsOf,
        Construct::Partial,
        Construct::Marks,
    ];
}

impl Window {
    fn construct(self) -> Construct {
        match self {
            Window::All => Construct::OverAll,
            Window::Last(Length::Elapsed(_)) => Construct::OverElapsed,
            Window::Last(Length::Days(_)) => Construct::OverDays,
            Window::Last(Length::Months(_) | Length::Fiscal(_)) => Construct::OverCalendar,
            Window::ToDate(_) => Construct::OverToDate,
        }
    }
}

impl Fill {
    fn construct(self) -> Option<Construct> {
        match self {
            Fill::None => None,
            Fill::Null => Some(Construct::FillNull),
            Fill::Zero => Some(Construct::FillZero),
        }
    }
}

impl Length {
    fn ago(self) -> Construct {
        match self {
            Length::Elapsed(_) => Construct::AgoElapsed,
            Length::Days(_) => Construct::AgoDays,
            Length::Months(_) => Construct::AgoCalendar,
            Length::Fiscal(_) => Construct::Calendar,
        }
    }
}

impl Expr {
    /// The switched forms in it, other metrics left aside.
    pub fn constructs(&self) -> BTreeSet<Construct> {
        let mut found = BTreeSet::new();
        self.walk(&mut |part| found.extend(part.of_calendar().then_some(Construct::Calendar)));
        self.walk(&mut |part| match &part.node {
            Node::Moved(_, Move::Over(window)) => found.extend([window.construct()]),
            Node::Moved(_, Move::Ago(length)) => found.extend([length.ago()]),
            Node::Moved(_, Move::AtStart(_)) => found.extend([Construct::AtStart]),
            Node::Growth(_, length) => found.extend([Construct::Growth, length.ago()]),
            Node::Rate(..) => found.extend([Construct::Rate]),
            Node::Across(..) => found.extend([Construct::Across]),
            Node::MetricPer(..) => found.extend([Construct::MetricPer]),
            Node::Bucket(_) => found.extend([Construct::BucketPart]),
            _ if part.within_text().is_some() => found.extend([Construct::BucketPart]),
            Node::Leaf(leaf) => {
                found.extend(leaf.over.map(Window::construct));
                found.extend(leaf.at_last.as_ref().map(|_| Construct::AtLast));
                found.extend(leaf.at_last.as_ref().filter(|at| !at.per.is_empty()).map(|_| Construct::AtLastPer));
            }
            Node::Nested(nested) => found.extend(nested.constructs()),
            _ => {}
        });
        found
    }
}

impl Expr {
    /// Whether this node itself is in steps of the declared calendar.
    fn of_calendar(&self) -> bool {
        match &self.node {
            Node::Moved(_, by) => by.is_fiscal() || matches!(by, Move::Ago(Length::Fiscal(_))),
            Node::Growth(_, length) => matches!(length, Length::Fiscal(_)),
            Node::Leaf(leaf) => {
                let over = leaf.over.is_some_and(|over| Move::Over(over).is_fiscal());
                over || leaf.at_last.as_ref().is_some_and(|at| matches!(at.step, Step::Fiscal(_)))
            }
            Node::Nested(nested) => matches!(nested.step(), Some(Step::Fiscal(_))),
            _ => false,
        }
    }
}

impl Move {
    /// Whether an interval begins or ends with a bucket of the declared calendar.
    fn is_fiscal(self) -> bool {
        matches!(self, Move::Over(Window::ToDate(Step::Fiscal(_))) | Move::AtStart(Step::Fiscal(_)))
    }
}

impl Nested {
    fn constructs(&self) -> Vec<Construct> {
        let key = |key: &NestedKey| match key {
            NestedKey::Column(_) | NestedKey::Entity(_) => Construct::NestedColumn,
            NestedKey::Dimension(_) => Construct::NestedDimension,
            NestedKey::Step(_) => Construct::NestedStep,
        };
        let mut found: Vec<Construct> = self.keys.iter().map(key).collect();
        found.extend(self.filter.as_ref().map(|_| Construct::NestedWhere));
        let twice = self.formula.any(&mut |part| matches!(part.node, Node::Nested(_)));
        found.extend(twice.then_some(Construct::NestedTwice));
        found
    }

    /// The step among the keys.
    pub fn step(&self) -> Option<Step> {
        self.keys.iter().find_map(|key| match key {
            NestedKey::Step(step) => Some(*step),
            _ => None,
        })
    }
}

impl Subset {
    fn constructs(&self) -> BTreeSet<Construct> {
        self.filter.iter().flat_map(Expr::constructs).collect()
    }
}

impl Step {
    /// Whether buckets of this step lie in buckets of `other`, never across its borders.
    pub fn divides(self, other: Step) -> bool {
        match (self, other) {
            (Step::Subday(a), Step::Subday(b)) => b % a == 0,
            (Step::Subday(_), _) => true,
            (Step::Day, other) => !matches!(other, Step::Subday(_)),
            (Step::Fiscal(a), Step::Fiscal(b)) => a <= b,
            (Step::Week, other) => other == Step::Week,
            (Step::Month, Step::Month | Step::Quarter | Step::Year) => true,
            (Step::Quarter, Step::Quarter | Step::Year) | (Step::Year, Step::Year) => true,
            _ => false,
        }
    }
}

impl Project {
    /// The switched forms in it.
    pub fn constructs(&self) -> BTreeSet<Construct> {
        let mut found = BTreeSet::new();
        for metric in &self.metrics {
            found.extend(metric.formula.constructs());
            found.extend(metric.fill.construct());
        }
        let filters = self.subsets.iter().filter_map(|subset| subset.filter.as_ref());
        found.extend(filters.flat_map(Expr::constructs));
        found
    }

    /// The switched forms in a metric and in those that it names.
    pub fn metric_constructs(&self, metric: &Metric) -> BTreeSet<Construct> {
        let mut found = metric.formula.constructs();
        metric.formula.walk(&mut |part| match &part.node {
            Node::Metric(name) | Node::MetricPer(name, _) => {
                found.extend(self.metric(name).into_iter().flat_map(|metric| self.metric_constructs(metric)));
            }
            Node::Leaf(leaf) => found.extend(self.subset(&leaf.rows).iter().flat_map(|subset| subset.constructs())),
            _ => {}
        });
        found.extend(metric.fill.construct());
        found
    }

    /// Whether a formula can be asked for at a step; `ranged` tells whether there is an interval where there is no step.
    pub fn bears(&self, formula: &Expr, step: Option<Step>, ranged: bool) -> bool {
        let below = |part: &Expr| self.bears(part, step, ranged);
        let fixed = step.is_some() || ranged;
        let below_fine = match &formula.node {
            Node::Nested(nested) => match nested.step() {
                Some(inner) => {
                    // An asked interval begins and ends with days.
                    let fits = match step {
                        Some(step) => inner.divides(step),
                        None => !ranged || matches!(inner, Step::Subday(_) | Step::Day),
                    };
                    fits && self.bears(&nested.formula, Some(inner), true)
                }
                None => below(&nested.formula),
            },
            Node::Leaf(_) => true,
            _ => formula.children().into_iter().all(below),
        };
        below_fine
            && match &formula.node {
                Node::Metric(name) => self.metric(name).is_some_and(|metric| below(&metric.formula)),
                Node::Moved(_, Move::Ago(length)) | Node::Growth(_, length) => fixed && length.moves(step),
                Node::Moved(operand, Move::Over(Window::All)) => !self.is_rated(operand),
                // Without a step there is no bucket to begin with.
                Node::Moved(_, by) if by.is_fiscal() => step.is_some(),
                Node::Leaf(leaf) if leaf.over.is_some_and(|over| Move::Over(over).is_fiscal()) => step.is_some(),
                // A window of a length ends somewhere.
                Node::Moved(..) | Node::Rate(..) => fixed,
                Node::Leaf(leaf) => leaf.over.is_none_or(|over| over == Window::All) || fixed,
                Node::Bucket(part) => step.is_some_and(|step| part.fits(step, self.week_starts_sunday)),
                _ => true,
            }
    }

    /// Whether a formula has values where its own bucket has no rows.
    pub fn is_moved(&self, formula: &Expr) -> bool {
        formula.any(&mut |part| match &part.node {
            Node::Moved(..) | Node::Growth(..) => true,
            Node::Leaf(leaf) => leaf.over.is_some(),
            Node::Metric(name) => self.metric(name).is_some_and(|metric| self.is_moved(&metric.formula)),
            _ => false,
        })
    }

    /// Whether a formula has a window; one per step of time has windows of its own.
    pub fn is_windowed(&self, formula: &Expr) -> bool {
        match &formula.node {
            Node::Moved(_, Move::Over(_)) => true,
            Node::Leaf(leaf) => leaf.over.is_some(),
            Node::Metric(name) => self.metric(name).is_some_and(|metric| self.is_windowed(&metric.formula)),
            Node::Nested(nested) => nested.step().is_none() && self.is_windowed(&nested.formula),
            _ => formula.children().into_iter().any(|part| self.is_windowed(part)),
        }
    }

    /// Whether some value is divided by the length of its interval; one per step of time is divided by its own.
    fn is_rated(&self, formula: &Expr) -> bool {
        match &formula.node {
            Node::Rate(..) => true,
            Node::Metric(name) => self.metric(name).is_some_and(|metric| self.is_rated(&metric.formula)),
            Node::Nested(nested) => nested.step().is_none() && self.is_rated(&nested.formula),
            _ => formula.children().into_iter().any(|part| self.is_rated(part)),
        }
    }

    /// Whether a formula makes sense only in an interval that starts somewhere.
    pub fn needs_a_start(&self, formula: &Expr) -> bool {
        formula.any(&mut |part| match &part.node {
            Node::Moved(_, Move::AtStart(_)) | Node::Rate(..) => true,
            Node::Metric(name) => self.metric(name).is_some_and(|metric| self.needs_a_start(&metric.formula)),
            _ => false,
        })
    }

    /// Whether a formula holds an estimate.
    pub fn estimates(&self, formula: &Expr) -> bool {
        formula.any(&mut |part| match &part.node {
            Node::Leaf(leaf) => matches!(leaf.aggregate, Aggregate::ApproxDistinct | Aggregate::ApproxQuantile(_)),
            Node::Metric(name) => self.metric(name).is_some_and(|metric| self.estimates(&metric.formula)),
            _ => false,
        })
    }

    /// Whether a formula is a duration that may be a millisecond off.
    pub fn interpolates(&self, formula: &Expr) -> bool {
        formula.ty == Ty::Duration
            && formula.any(&mut |part| match &part.node {
                Node::Leaf(leaf) => matches!(leaf.aggregate, Aggregate::Percentile(_) | Aggregate::Quantile(_)),
                Node::Metric(name) => self.metric(name).is_some_and(|metric| self.interpolates(&metric.formula)),
                _ => false,
            })
    }
}
