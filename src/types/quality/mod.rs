//! `quality` declarations: rules for the rows of a source or an entity. Each is a share of rows with a bound, and a metric of
//! its own.

mod declare;
mod distance;
mod hierarchy;
mod rate;
mod replay;

use crate::diagnostic::Span;
use crate::syntax::ast;

use super::model::{MetricId, TableId};
use super::severity::Severity;

pub use declare::{Ruled, declare};
pub use distance::Once;
pub use rate::{metrics, named_rule};
pub use replay::Replay;

/// The rules for the rows of one table.
#[derive(Clone, Debug, PartialEq)]
pub struct Quality {
    /// Their name.
    pub name: ast::Name,
    /// Their description.
    pub doc: Option<String>,
    /// `title`
    pub title: Option<String>,
    /// `owner`
    pub owner: Option<String>,
    /// `runbook`
    pub runbook: Option<String>,
    /// The source or entity.
    pub table: TableId,
    /// How bad it is when a rule is broken.
    pub severity: Severity,
    /// How many rows there must be for their shares to be judged.
    pub minimum: Option<u64>,
    /// The rules, in the order of the declaration.
    pub rules: Vec<Rule>,
    /// How many rows there are, as they came: `event_quality.rows`.
    pub rows: MetricId,
    /// The declaration.
    pub span: Span,
}

impl Quality {
    /// The name of a rule: `event_quality.complete(user_id)`.
    pub fn label(&self, rule: &Rule) -> String {
        format!("{}.{}", self.name.value, rule.name)
    }
}

/// A rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Behind the dot: `complete(user_id)`.
    pub name: String,
    /// What it looks at.
    pub kind: RuleKind,
    /// Where it stands.
    pub span: Span,
}

/// What a rule looks at.
#[derive(Clone, Debug, PartialEq)]
pub enum RuleKind {
    /// A share of rows, between 0 and 1, and its bound.
    Share {
        /// The share.
        metric: MetricId,
        /// What it must satisfy.
        bound: Bound,
    },
    /// How long ago the newest row came.
    Fresh {
        /// The instant of the newest row.
        newest: MetricId,
        /// At most so many milliseconds before now.
        within: i64,
    },
    /// How far two ways that serve a metric are apart, each day, relative to the second one.
    Reconcile {
        /// The metric.
        metric: MetricId,
        /// Two of the ways that it is served in.
        ways: [Way; 2],
        /// What the difference must satisfy.
        bound: Bound,
    },
}

impl RuleKind {
    /// The metric that it is about.
    pub fn metric(&self) -> MetricId {
        match self {
            RuleKind::Share { metric, .. } | RuleKind::Reconcile { metric, .. } => *metric,
            RuleKind::Fresh { newest, .. } => *newest,
        }
    }
}

/// A way that a metric is served in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// By a stream.
    Stream,
    /// By a batch an hour.
    Hourly,
    /// By a batch a day.
    Daily,
}

impl Way {
    /// The words for them.
    pub const WORDS: [(&'static str, Way); 3] =
        [("stream", Way::Stream), ("hourly", Way::Hourly), ("daily", Way::Daily)];

    /// The word for it.
    pub fn word(self) -> &'static str {
        Way::WORDS.iter().find(|(_, way)| *way == self).map_or("", |(word, _)| word)
    }
}

/// What a share must satisfy.
#[derive(Clone, Debug, PartialEq)]
pub struct Bound {
    /// How it is compared.
    pub op: BoundOp,
    /// With what: 0.995 for `99.5%`.
    pub share: f64,
    /// As it is written: `> 99.5%`.
    pub text: String,
}

/// A comparison with a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum BoundOp {
    Below,
    AtMost,
    Above,
    AtLeast,
}

impl Bound {
    /// All rows, or as good as the bound says.
    pub fn all() -> Bound {
        Bound { op: BoundOp::AtLeast, share: 1.0, text: ">= 100%".to_owned() }
    }

    /// No row.
    pub fn none() -> Bound {
        Bound { op: BoundOp::AtMost, share: 0.0, text: "<= 0%".to_owned() }
    }

    /// Whether a share satisfies it.
    pub fn holds(&self, share: f64) -> bool {
        match self.op {
            BoundOp::Below => share < self.share,
            BoundOp::AtMost => share <= self.share,
            BoundOp::Above => share > self.share,
            BoundOp::AtLeast => share >= self.share,
        }
    }
}
