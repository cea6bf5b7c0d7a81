//! How the tables of behaviour are made of rows: the parameters, without the rows.

use super::{Ages, Segment, Step};

/// How a table of behaviour is made of its parts, and so what its own columns are.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum How {
    /// A table of a cohort. Its parts are the start rows, one a unit, then the rows that are put to ages, where there are such,
    /// then rows whose last instant says which buckets are over; the first value of start rows and of rows is whose they are.
    ///
    /// Its own columns are whose, the start, the last age there is (`ages`); of all but units the age, of active ones the last age
    /// at which the unit is active.
    Cohort {
        /// How ages are counted.
        ages: Ages,
        /// Which rows it has.
        of: CohortTable,
    },
    /// The attempts to go through a funnel, one for each row of the first step (of any step, where there is no order). Of each part
    /// but ends the first value is whose rows they are.
    ///
    /// Its own columns are whose, the start, the last start of which the window is over, how many steps are reached (without those
    /// that may be missing), whether the attempt is spoilt, then when each step but the first is reached, null where it is not.
    Attempts(Attempts),
    /// A table of a conversion. Its parts are the rows that lead somewhere, the rows that they lead to, then rows whose last instant
    /// says which windows are over; the first value of the first two is whose they are, the second what they must agree in, too, where
    /// there is such; then comes of leading rows of which unit of the member they are, where it has several.
    ///
    /// Its own columns are whose, the time of the row that leads, the last such time of which the window is over; of leading rows
    /// whether another row is credited to them.
    Conversion(Conversion),
    /// The credits of an attribution. Its parts are the rows that are converted and the touches; the first value of both is whose they
    /// are, the second of converted rows what they are worth, where that is told.
    ///
    /// Its own columns are whose, the time of the conversion, the model, what is credited of the conversion and what of its worth.
    Attribution(Attribution),
    /// A table of paths. Its one part is the rows that paths are made of; its first value is whose they are, the second the name of the
    /// step. Rows without one are no steps.
    ///
    /// Its own columns are whose, the time of the first step and what becomes of the path (`goal`, `depth` or `dropoff`); of paths the
    /// number of steps and their names, of nodes the place of the step, its name and whether the path is left there, of edges the place
    /// of the first of both steps and both names.
    Paths(PathHow),
    /// The units of an experiment. Its first part is the exposures: the first value is whose they are, the second the variant, others are
    /// carried of the first exposure; then come parts of which the first value is whose rows they are and the others are added up; then
    /// rows whose last instant says which windows are over.
    ///
    /// Its own columns are whose, the time of the first exposure, the last such time of which the window is over, the variant of the
    /// first exposure, and whether the unit was exposed to several. What is carried of the rows that are added up is the sum from the
    /// exposure on (row 0) or before it (row 1), as a float.
    Experiment(Experiment),
    /// What is measured of the members of an entity before days. Its parts are the members, then the rows of each measure; the first
    /// value is whose they are, the second what is taken of them, where there is such.
    ///
    /// Its own columns are the member, the day, then the measures or their scores.
    Segment(Segment),
}

/// The rows of a table of a cohort.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CohortTable {
    /// One a unit.
    Units,
    /// One a unit and age.
    Cells,
    /// One a unit and age at which it has at least so many rows.
    Active(u32),
    /// The rows of the units, at their ages.
    Rows,
}

impl CohortTable {
    /// The place among the parts of the rows that are put to ages.
    pub fn rows(self) -> Option<usize> {
        matches!(self, CohortTable::Active(_) | CohortTable::Rows).then_some(1)
    }

    /// The place of the first part that says which buckets are over.
    pub fn first_end(self) -> usize {
        self.rows().map_or(1, |rows| rows + 1)
    }
}

/// A column that is taken from a row of a part as it is: of the last of these parts of which there is a row.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Carried {
    /// From the first to the last.
    pub of: Vec<Taken>,
}

/// A value of a row of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Taken {
    /// The part.
    pub part: usize,
    /// The place among its values.
    pub value: usize,
    /// Which of the rows that a row is made of it is of, where several are of one part: of attempts the step.
    pub row: usize,
}

/// How attempts to go through a funnel are made of rows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Attempts {
    /// How steps follow each other.
    pub order: StepOrder,
    /// Whether a step must lie later than the one before it, and not at the same instant.
    pub increasing: bool,
    /// How far from the first row the others may lie.
    pub within: Within,
    /// Whether each step may be missing; the first may not.
    pub optional: Vec<bool>,
    /// Pairs of steps, the lesser first, that one row may serve.
    pub overlaps: Vec<(usize, usize)>,
    /// What ends an attempt.
    pub exclusions: Vec<Exclusion>,
    /// What the rows of each part are.
    pub roles: Vec<Vec<Role>>,
    /// Whether attempts count before their window is over.
    pub partial: bool,
}

/// How rows are credited to rows before them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Conversion {
    /// To which of several.
    pub credit: Credit,
    /// How far they may lie apart.
    pub within: Within,
    /// Whether they must agree in a value.
    pub matched: bool,
    /// Whether rows count before their window is over.
    pub partial: bool,
    /// Whether the table has a row for each two that belong together, and not one for each row that leads.
    pub pairs: bool,
    /// Whether a member has several units, each of which is credited for itself: the last key of leading rows tells which.
    pub per: bool,
}

impl Conversion {
    /// How many values of the rows of a part tell what belongs together.
    pub fn keys(&self, part: usize) -> usize {
        1 + usize::from(self.matched) + usize::from(self.per && part == 0)
    }
}

/// Which rows of a unit of an experiment count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Experiment {
    /// How long after the first exposure rows lie, in milliseconds; not inclusive.
    pub within: i64,
    /// How long before it others lie.
    pub before: Option<i64>,
    /// Whether units count before their window is over.
    pub partial: bool,
}

/// Which of several rows before another one gets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Credit {
    First,
    Last,
    Each,
}

/// How conversions are credited to the touches before them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Attribution {
    /// How credit is shared: the table has rows for each.
    pub models: Vec<CreditModel>,
    /// How far before a conversion its touches may lie.
    pub within: Within,
    /// Whether conversions are worth something.
    pub valued: bool,
}

/// How the credit for a conversion is shared among its touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CreditModel {
    /// All to the first one.
    First,
    /// All to the last one.
    Last,
    /// The same to each.
    Linear,
    /// 40 % to the first and to the last one, 20 % among those between.
    Position,
    /// To each half of what one gets that lies so many milliseconds later.
    TimeDecay(i64),
}

impl CreditModel {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            CreditModel::First => "first",
            CreditModel::Last => "last",
            CreditModel::Linear => "linear",
            CreditModel::Position => "position",
            CreditModel::TimeDecay(_) => "time_decay",
        }
    }
}

impl How {
    /// Whether a metric asks for the table, by what it aggregates over it (`signup.ltv(gmv)`): no declaration of behaviour makes it.
    pub fn is_of_argument(&self) -> bool {
        match self {
            How::Cohort { of, .. } => *of == CohortTable::Rows,
            How::Conversion(conversion) => conversion.pairs,
            How::Attempts(_) | How::Attribution(_) | How::Paths(_) | How::Segment(_) | How::Experiment(_) => false,
        }
    }

    /// Whether the rows of the table count before their window is over; none where they have no window.
    pub fn partial(&self) -> Option<bool> {
        match self {
            How::Cohort { .. } | How::Attribution(_) | How::Paths(_) | How::Segment(_) => None,
            How::Attempts(attempts) => Some(attempts.partial),
            How::Conversion(conversion) => Some(conversion.partial),
            How::Experiment(experiment) => Some(experiment.partial),
        }
    }
}

/// How paths are made of rows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PathHow {
    /// Which rows the table has.
    pub of: PathRows,
    /// The longest pause within a session, in milliseconds.
    pub session: i64,
    /// The most steps.
    pub depth: u32,
    /// The names that a path may start at; every one where there are none.
    pub start: Vec<String>,
    /// The names that it ends at.
    pub goal: Vec<String>,
    /// Whether neighbours of one name are one step.
    pub merge: bool,
}

/// The rows of a table of paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PathRows {
    /// One a path.
    Paths,
    /// One for each step of a path.
    Nodes,
    /// One for each two steps that follow each other.
    Edges,
}

/// How the steps of a funnel follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StepOrder {
    /// Other rows may lie between.
    Ordered,
    /// No other row of the source lies between.
    Strict,
    /// So many different steps, in whatever order.
    Any,
}

/// How far from the first row of an attempt the others may lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Within {
    /// So many milliseconds, inclusive.
    Elapsed(i64),
    /// In the same bucket.
    Same(Step),
}

/// Rows that end an attempt which lies between two steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Exclusion {
    /// The step that is reached.
    pub after: usize,
    /// The step that is not.
    pub before: usize,
    /// Whether the attempt is spoilt then, and not only over.
    pub drop: bool,
}

/// What rows of a part are to attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Those of a step.
    Step(usize),
    /// Those that end attempts.
    Exclusion(usize),
    /// Others, between which a strict step may not lie.
    Other,
    /// Those of which the last one tells what is over.
    End,
}

impl Attempts {
    /// The steps that may not be missing, in order.
    pub fn required(&self) -> Vec<usize> {
        (0..self.optional.len()).filter(|step| !self.optional[*step]).collect()
    }

    /// Whether one row may serve two steps.
    pub fn overlap(&self, a: usize, b: usize) -> bool {
        self.overlaps.contains(&(a.min(b), a.max(b)))
    }
}
