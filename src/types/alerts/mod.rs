//! Alerts and objectives as they are typed: which numbers are watched, and from when on somebody is told.

mod alert;
mod condition;
mod except;
mod slo;
mod told;

use crate::diagnostic::{Span, Spanned};
use crate::syntax::ast;
use crate::value::Step;

use super::model::{DimensionId, Formula, MetricId};
use super::severity::Severity;

pub use alert::{Known, check_alerts};
pub use slo::check_slos;
pub use told::check_told;

/// A condition on a metric, and who is told when it holds.
#[derive(Clone, Debug)]
pub struct Alert {
    /// Its name.
    pub name: ast::Name,
    /// Its description.
    pub doc: Option<String>,
    /// What is watched.
    pub metric: MetricId,
    /// The length of the buckets that are looked at.
    pub every: Step,
    /// What must hold.
    pub when: Condition,
    /// For how long it must hold, in milliseconds: in every evaluation of that time. 0 where one evaluation is enough.
    pub hold: i64,
    /// Each group of these is watched alone.
    pub by: Vec<DimensionId>,
    /// How urgent it is.
    pub severity: Severity,
    /// What a bucket must have to count as data.
    pub volume: Option<Volume>,
    /// After how many milliseconds without data that alone is an alert.
    pub absent: Option<i64>,
    /// Who is told, where it is not left to the severity.
    pub notify: Vec<Spanned<String>>,
    /// What to do: a file or an address.
    pub runbook: Option<Spanned<String>>,
    /// The declaration.
    pub span: Span,
}

impl Alert {
    /// How long before a bucket the values lie that it is compared with, in milliseconds.
    pub fn reaches_back(&self) -> i64 {
        let mut longest = 0;
        self.when.walk(&mut |test| longest = longest.max(test.reaches_back()));
        longest
    }
}

/// What must hold of a bucket.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// All of them.
    All(Vec<Condition>),
    /// At least one of them.
    Any(Vec<Condition>),
    /// A comparison.
    Test(Test),
}

impl Condition {
    /// Calls `visit` for each comparison, from left to right.
    pub fn walk<'a>(&'a self, visit: &mut impl FnMut(&'a Test)) {
        match self {
            Condition::All(parts) | Condition::Any(parts) => parts.iter().for_each(|part| part.walk(visit)),
            Condition::Test(test) => visit(test),
        }
    }
}

/// A comparison of a number with a bound. Without one of the two it does not hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Test {
    /// What is compared.
    pub subject: Subject,
    /// How.
    pub comparison: Comparison,
    /// With what.
    pub bound: Bound,
}

impl Test {
    /// How long before a bucket the values lie that it needs, in milliseconds.
    pub fn reaches_back(&self) -> i64 {
        let shift = match self.subject {
            Subject::Value => 0,
            Subject::Growth(ms) => ms,
        };
        let bound = match &self.bound {
            Bound::Number(_) => 0,
            Bound::Ewma(ewma) => ewma.reaches_back(),
            Bound::Seasonal(seasonal) => seasonal.period.saturating_mul(i64::from(seasonal.cycles)),
        };
        shift.max(bound)
    }
}

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// The metric over the last complete bucket.
    Value,
    /// That value by the one so many milliseconds earlier, less 1; nothing where either is missing or that one is zero.
    Growth(i64),
}

/// How a number is compared with its bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `<`; of a band: below it.
    Less,
    /// `<=`, of a number alone.
    LessEqual,
    /// `>`; of a band: above it.
    Greater,
    /// `>=`, of a number alone.
    GreaterEqual,
    /// `outside`, of a band: below or above it.
    Outside,
}

impl Comparison {
    /// As it is written.
    pub fn symbol(self) -> &'static str {
        match self {
            Comparison::Less => "<",
            Comparison::LessEqual => "<=",
            Comparison::Greater => ">",
            Comparison::GreaterEqual => ">=",
            Comparison::Outside => "outside",
        }
    }
}

/// What a number is compared with.
#[derive(Clone, Debug, PartialEq)]
pub enum Bound {
    /// A number in the metric's unit; of a duration in seconds.
    Number(f64),
    /// A band about the weighted mean of the buckets before.
    Ewma(Ewma),
    /// A band about the median of the same bucket in earlier cycles.
    Seasonal(Seasonal),
}

/// A band about what the buckets before let expect: their mean, in which each weighs `1 - alpha` of the next one. Buckets without
/// data have no weight, and the bucket that is judged is not among them (AL3).
#[derive(Clone, Debug, PartialEq)]
pub struct Ewma {
    /// How much the newest bucket weighs.
    pub alpha: f64,
    /// How many standard deviations (of the same weights) the band is wide, to either side.
    pub sigma: f64,
    /// How wide it is at least, as a share of the mean.
    pub floor: f64,
    /// The length of a bucket, in milliseconds.
    pub step: i64,
}

impl Ewma {
    /// The weight, relative to that of the newest bucket, below which a bucket is left out.
    pub const NEGLIGIBLE: f64 = 0.001;

    /// How many buckets count.
    pub fn buckets(&self) -> u32 {
        // Checked to be small.
        (Ewma::NEGLIGIBLE.ln() / (1.0 - self.alpha).ln()).ceil() as u32
    }

    /// How many of them must have data; with fewer there is no band.
    pub fn needed(&self) -> u32 {
        self.buckets().div_ceil(2)
    }

    /// How long before a bucket they begin, in milliseconds.
    pub fn reaches_back(&self) -> i64 {
        self.step.saturating_mul(i64::from(self.buckets()))
    }
}

/// A band about what earlier cycles let expect: the median of the same bucket in each of them (AL3).
#[derive(Clone, Debug, PartialEq)]
pub struct Seasonal {
    /// The length of a cycle, in milliseconds.
    pub period: i64,
    /// How many cycles count.
    pub cycles: u32,
    /// How many standard deviations the band is wide, to either side: of a normal distribution with the same median of
    /// absolute deviations.
    pub sigma: f64,
    /// How wide it is at least, as a share of the median.
    pub floor: f64,
    /// Runs of local days that are like no others (holidays): the first instant of each and the first one behind it, in milliseconds since 1970
    /// UTC. Buckets with such a day are not among the earlier ones, and have no band of their own.
    pub except: Vec<(i64, i64)>,
}

impl Seasonal {
    /// How many standard deviations the median of absolute deviations is, of a normal distribution: its inverse.
    pub const SCALE: f64 = 1.4826;

    /// How many cycles must have data; with fewer there is no band.
    pub fn needed(&self) -> u32 {
        self.cycles.div_ceil(2)
    }

    /// When buckets of a length begin that have a day that is left out: from the first instant of each pair up to the second one. Of whole days
    /// their noons decide, as days may have 23 or 25 hours.
    pub fn left_out(&self, step: i64) -> impl Iterator<Item = (i64, i64)> + '_ {
        const DAY_MS: i64 = 86_400_000;
        let noon = if step < DAY_MS { 0 } else { DAY_MS / 2 };
        let last_noon = noon + (step - DAY_MS).max(0);
        self.except.iter().map(move |(from, to)| (from - last_noon, to - noon))
    }

    /// Whether a bucket that begins at an instant is left out.
    pub fn leaves_out(&self, start: i64, step: i64) -> bool {
        self.left_out(step).any(|(from, to)| (from..to).contains(&start))
    }
}

/// What a bucket must have to count as data: a metric that is not below a number.
#[derive(Clone, Debug, PartialEq)]
pub struct Volume {
    /// The metric, over the same bucket and group.
    pub metric: MetricId,
    /// Whether the number itself is enough.
    pub inclusive: bool,
    /// The number, in the metric's unit; of a duration in seconds.
    pub least: f64,
}

/// An objective: the share of what is good, over a window.
#[derive(Clone, Debug)]
pub struct Slo {
    /// Its name.
    pub name: ast::Name,
    /// Its description.
    pub doc: Option<String>,
    /// The share of what is good: `good / total`, or `1 - bad / total`.
    pub metric: MetricId,
    /// What it is a share of, and of what.
    pub share: Share,
    /// The least share: 0.999 for `99.9%`.
    pub objective: f64,
    /// What is left to be bad: 0.001 for `99.9%`, to the digit.
    pub budget: f64,
    /// The window, in days.
    pub days: u32,
    /// How much there must be in the short window of an alert.
    pub least: f64,
    /// Who is told, where it is not left to the severity.
    pub notify: Vec<Spanned<String>>,
    /// What to do: a file or an address.
    pub runbook: Option<Spanned<String>>,
    /// The declaration.
    pub span: Span,
}

/// A share, in its two parts: exact over any window, where an average of shares is not (AL1).
#[derive(Clone, Debug)]
pub struct Share {
    /// Whether the part is what is bad.
    pub is_bad: bool,
    /// The part.
    pub part: Formula,
    /// What it is a part of.
    pub total: Formula,
}
