//! Verdicts on rules of quality: shares of rows by day against their bounds.

use chrono_tz::Tz;

use crate::table::Answer;
use crate::types::{Bound, Model, Quality, RuleKind};
use crate::value::Value;
use crate::value::time::local_date;

/// What came of one rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The rule: `complete(user_id)`.
    pub rule: String,
    /// What it must satisfy, as it is written.
    pub bound: String,
    /// The days, in order; one without a day where rows have no time.
    pub days: Vec<Judged>,
}

/// A day, or all there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(pub Option<chrono::NaiveDate>);

impl std::fmt::Display for Day {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(day) => write!(f, "{day}"),
            None => f.write_str("all"),
        }
    }
}

/// One day of a rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// Which.
    pub day: Day,
    /// The share, or what else is compared (of [`RuleKind::Fresh`] the age in milliseconds).
    pub value: Option<f64>,
    /// How many rows came on that day, where they are counted.
    pub rows: Option<u64>,
    /// The verdict.
    pub verdict: Verdict,
}

/// A verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The rule holds.
    Holds,
    /// It does not.
    Broken,
    /// There is nothing to look at.
    Nothing,
    /// There are fewer rows than are judged.
    TooFew,
    /// It can't be judged here, and why.
    NotJudged(String),
}

impl Verdict {
    /// Of a value that must satisfy a bound.
    pub fn of(value: Option<f64>, bound: &Bound) -> Verdict {
        match value {
            None => Verdict::Nothing,
            Some(value) if bound.holds(value) => Verdict::Holds,
            Some(_) => Verdict::Broken,
        }
    }

    /// `holds`, `broken`, `nothing`, `too few` or `not judged`.
    pub fn word(&self) -> &'static str {
        match self {
            Verdict::Holds => "holds",
            Verdict::Broken => "broken",
            Verdict::Nothing => "nothing",
            Verdict::TooFew => "too few",
            Verdict::NotJudged(_) => "not judged",
        }
    }
}

impl Outcome {
    /// The days on which the rule is broken.
    pub fn broken(&self) -> impl Iterator<Item = &Judged> {
        self.days.iter().filter(|day| day.verdict == Verdict::Broken)
    }
}

/// Whether a rule is broken on some day.
pub fn broken(outcomes: &[Outcome]) -> bool {
    outcomes.iter().any(|outcome| outcome.broken().next().is_some())
}

/// The verdicts on the shares of rows, of the answer to [`crate::plan::Question::of_quality`]. Its metrics are the number of rows and the shares in
/// their order.
pub fn judge(model: &Model, quality: &Quality, answer: &Answer) -> Vec<Outcome> {
    let shares = quality.rules.iter().filter_map(|rule| match &rule.kind {
        RuleKind::Share { bound, .. } => Some((rule, bound)),
        _ => None,
    });
    let of = |(place, (rule, bound)): (usize, (&crate::types::Rule, &Bound))| {
        let days = answer.rows.iter().map(|row| {
            let value = number(row.get(answer.keys + 1 + place));
            let rows = number(row.get(answer.keys)).map(|rows| rows as u64);
            let few = quality.minimum.is_some_and(|minimum| rows.unwrap_or(0) < minimum);
            let verdict = match Verdict::of(value, bound) {
                Verdict::Holds | Verdict::Broken if few => Verdict::TooFew,
                verdict => verdict,
            };
            Judged { day: day(answer, row, model.zone), value, rows, verdict }
        });
        Outcome { rule: rule.name.clone(), bound: bound.text.clone(), days: days.collect() }
    };
    shares.enumerate().map(of).collect()
}

fn day(answer: &Answer, row: &[Value], zone: Tz) -> Day {
    match row.first() {
        Some(Value::Timestamp(ms)) if answer.step.is_some() => Day(Some(local_date(*ms, zone))),
        _ => Day(None),
    }
}

fn number(value: Option<&Value>) -> Option<f64> {
    match value? {
        Value::Int(value) => Some(*value as f64),
        Value::Float(value) => Some(*value),
        _ => None,
    }
}
