//! `report` declarations: which metrics are told to whom, how often, compared with what and explained by what.

mod check;

use std::fmt;

use crate::diagnostic::Span;
use crate::project::{Address, Channel};
use crate::syntax::ast;
use crate::value::{Span as Length, Step};

use super::{DimensionId, MetricId, Model};

pub use check::check_reports;

/// What is told of some metrics after each day, week or month.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Its name.
    pub name: ast::Name,
    /// Its description.
    pub doc: Option<String>,
    /// `title`
    pub title: Option<String>,
    /// `title_en`
    pub title_en: Option<String>,
    /// `owner`
    pub owner: Option<String>,
    /// In which language it is written.
    pub language: Language,
    /// When it is made: at this time of the first day after each period.
    pub at: TimeOfDay,
    /// The period that it tells of: a day, week, month, quarter or year.
    pub every: Step,
    /// The metrics, in order, each once; never empty.
    pub metrics: Vec<MetricId>,
    /// What each period is compared with: the one so long before it. Each moves periods to periods. The first one is explained.
    pub compare: Vec<Length>,
    /// By what the first comparison is explained.
    pub explain: Option<Explain>,
    /// Metrics by dimensions of theirs, in order: what the period is made of.
    pub structure: Vec<(MetricId, DimensionId)>,
    /// Open actions, in words.
    pub actions: Vec<String>,
    /// To whom it is sent.
    pub deliver: Vec<Deliver>,
    /// The declaration.
    pub span: Span,
}

impl Report {
    /// The dimensions by which a metric of it is explained: those that it has.
    pub fn explained_by(&self, model: &Model, metric: MetricId) -> Vec<DimensionId> {
        let all = self.explain.iter().flat_map(|explain| &explain.by).copied();
        all.filter(|dimension| has_dimension(model, metric, *dimension)).collect()
    }
}

/// By which dimensions a change is explained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explain {
    /// How many values of each dimension are told.
    pub top: u64,
    /// The dimensions, each once; each is one of at least one of the metrics.
    pub by: Vec<DimensionId>,
}

/// The language of a report's own words. Titles are taken from `title` (Chinese) or `title_en`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Chinese.
    Zh,
}

impl Language {
    /// All of them, as they are written.
    pub const WORDS: [(&'static str, Language); 2] = [("zh", Language::Zh), ("en", Language::En)];
}

/// A time of the day in the project's zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TimeOfDay {
    /// Minutes since midnight, below 1440.
    pub minutes: u16,
}

impl TimeOfDay {
    /// The one of a text such as `08:30`.
    pub fn parse(text: &str) -> Option<TimeOfDay> {
        let (hour, minute) = text.split_once(':')?;
        let number = |digits: &str, limit: u16| {
            let plain = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
            plain.then(|| digits.parse::<u16>().ok()).flatten().filter(|number| *number < limit)
        };
        Some(TimeOfDay { minutes: number(hour, 24)? * 60 + number(minute, 60)? })
    }

    /// The hour, 0 to 23.
    pub fn hour(self) -> u16 {
        self.minutes / 60
    }

    /// The minute, 0 to 59.
    pub fn minute(self) -> u16 {
        self.minutes % 60
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.hour(), self.minute())
    }
}

/// A way to people, and who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deliver {
    /// The way.
    pub kind: DeliverKind,
    /// The name of the receivers, as the project's configuration knows them.
    pub to: String,
    /// Where it stands.
    pub span: Span,
}

impl Deliver {
    /// The receiver and the channel, as deliveries take them.
    pub fn address(&self) -> Address {
        Address { channel: self.kind.channel(), receiver: self.to.clone() }
    }
}

/// The ways of a report to people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DeliverKind {
    /// By mail.
    Email,
    /// To a DingTalk group.
    Dingtalk,
}

impl DeliverKind {
    /// All of them, as they are written.
    pub const WORDS: [(&'static str, DeliverKind); 2] =
        [("email", DeliverKind::Email), ("dingtalk", DeliverKind::Dingtalk)];

    /// The channel that receivers have for it.
    pub fn channel(self) -> Channel {
        match self {
            DeliverKind::Email => Channel::Email,
            DeliverKind::Dingtalk => Channel::Dingtalk,
        }
    }

    /// As it is written.
    pub fn word(self) -> &'static str {
        match self {
            DeliverKind::Email => "email",
            DeliverKind::Dingtalk => "dingtalk",
        }
    }
}

/// Whether every table that a metric reads has a dimension.
fn has_dimension(model: &Model, metric: MetricId, dimension: DimensionId) -> bool {
    model.facts[metric.0].reads.iter().all(|table| model.bind(dimension, *table).is_ok())
}

/// What a report is compared with where it does not say so: the period before, and the same one of the week and year before.
fn by_default(every: Step) -> Vec<Length> {
    match every {
        Step::Day => vec![Length::Days(1), Length::Days(7), Length::Months(12)],
        Step::Week => vec![Length::Days(7), Length::Days(52 * 7)],
        Step::Month => vec![Length::Months(1), Length::Months(12)],
        Step::Quarter => vec![Length::Months(3), Length::Months(12)],
        Step::Year => vec![Length::Months(12)],
        Step::Subday(_) | Step::Declared(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_the_day_are_two_digits_each() {
        let minutes = |text: &str| TimeOfDay::parse(text).map(|at| at.minutes);
        assert_eq!(minutes("08:30"), Some(510));
        assert_eq!(minutes("23:59"), Some(1_439));
        for wrong in ["8:30", "24:00", "08:60", "08", "08:3", "+8:30", "0８:30", "08:30:00", ""] {
            assert_eq!(minutes(wrong), None, "{wrong}");
        }
        assert_eq!(TimeOfDay { minutes: 510 }.to_string(), "08:30");
    }

    #[test]
    fn comparisons_by_default_fit_their_periods() {
        for every in [Step::Day, Step::Week, Step::Month, Step::Quarter, Step::Year] {
            assert!(!by_default(every).is_empty());
            assert!(by_default(every).into_iter().all(|length| length.maps(every)), "{every:?}");
        }
    }
}
