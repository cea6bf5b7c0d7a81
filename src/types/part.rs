//! Parts of the output bucket, `time.month` and `time@month`, and dimensions by longer buckets, `registered@month`.

use crate::diagnostic::{Diagnostics, Span};
use crate::error;
use crate::suggest::near;
use crate::value::{Function, Step, WeekStart};

use super::dimensions::unknown_dimension_named;
use super::formula::DimensionNames;
use super::metrics::divides;
use super::model::{Dimension, DimensionId, Type};

/// Something that every bucket of the output has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BucketPart {
    /// `time`: its start.
    Start,
    /// `time.month`: a number of the calendar.
    Number(Function),
    /// `time@month`: the start of the longer bucket that it lies in.
    Within(Step),
}

/// The numbers of the calendar that a bucket has, and the longest buckets that have one of each.
const NUMBERS: [(&str, Function, Step); 9] = [
    ("hour", Function::HourOf, Step::Subday(3_600_000)),
    ("day", Function::DayOf, Step::Day),
    ("day_of_week", Function::DayOfWeek, Step::Day),
    ("day_of_year", Function::DayOfYear, Step::Day),
    ("week", Function::WeekOf, Step::Week),
    ("iso_year", Function::IsoYear, Step::Week),
    ("month", Function::MonthOf, Step::Month),
    ("quarter", Function::QuarterOf, Step::Quarter),
    ("year", Function::YearOf, Step::Year),
];

impl BucketPart {
    /// As it is written.
    pub fn name(self) -> String {
        match self {
            BucketPart::Start => "time".to_owned(),
            BucketPart::Number(function) => {
                let found = NUMBERS.iter().find(|(_, known, _)| *known == function);
                format!("time.{}", found.map_or("", |(name, ..)| name))
            }
            BucketPart::Within(step) => format!("time@{}", word(step)),
        }
    }

    /// The part that a name means, with the step behind its `@`; none for what is no part. An inner none was told to be wrong.
    pub fn parse(
        name: &str,
        step: Option<Step>,
        span: Option<Span>,
        d: &mut Diagnostics,
    ) -> Option<Option<BucketPart>> {
        (name == "time" || name.starts_with("time.")).then(|| part(name, step, span, d))
    }

    /// Its type.
    pub fn ty(self) -> Type {
        match self {
            BucketPart::Number(_) => Type::Int,
            BucketPart::Start | BucketPart::Within(_) => Type::Timestamp,
        }
    }

    /// Whether each bucket of a step has one.
    pub fn fits(self, step: Step, week_start: WeekStart) -> bool {
        let longest = match self {
            BucketPart::Start => return true,
            BucketPart::Number(function) => {
                NUMBERS.iter().find(|(_, known, _)| *known == function).map(|(.., step)| *step)
            }
            BucketPart::Within(step) => Some(step),
        };
        // The weeks of the calendar's numbers are those of ISO.
        let iso = matches!(self, BucketPart::Number(Function::WeekOf | Function::IsoYear));
        let weeks = iso && step == Step::Week && week_start.0 != chrono::Weekday::Mon;
        longest.is_some_and(|longest| divides(step, longest)) && !weeks
    }
}

/// A step as it is written behind `@`: `month`, `5m`.
fn word(step: Step) -> String {
    match step {
        Step::Subday(3_600_000) => "hour".to_owned(),
        Step::Day => "day".to_owned(),
        Step::Week => "week".to_owned(),
        Step::Month => "month".to_owned(),
        Step::Quarter => "quarter".to_owned(),
        Step::Year => "year".to_owned(),
        Step::Subday(_) | Step::Declared(_) => step.text(),
    }
}

/// What answers are grouped by or tell of their buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// A dimension.
    Dimension(DimensionId),
    /// `registered@month`: the start of the bucket that the value of a dimension lies in.
    Within(DimensionId, Step),
    /// A part of the output bucket.
    Part(BucketPart),
}

impl By {
    /// The dimension that rows are grouped by, if any.
    pub fn dimension(self) -> Option<DimensionId> {
        match self {
            By::Dimension(id) | By::Within(id, _) => Some(id),
            By::Part(_) => None,
        }
    }

    /// Its name among the columns of an answer.
    pub fn name(self, dimensions: &[Dimension]) -> String {
        match self {
            By::Dimension(id) => dimensions[id.0].name.value.clone(),
            By::Within(id, step) => format!("{}@{}", dimensions[id.0].name.value, word(step)),
            By::Part(part) => part.name(),
        }
    }

    /// The one that a text means: `platform`, `registered@month`, `time.month`.
    pub fn parse(
        text: &str,
        names: &dyn DimensionNames,
        dimensions: &[Dimension],
        span: Option<Span>,
        d: &mut Diagnostics,
    ) -> Option<By> {
        let (name, at) = match text.split_once('@') {
            Some((name, step)) => (name.trim(), Some(step.trim())),
            None => (text, None),
        };
        let step = match at {
            Some(at) => match Step::parse(at) {
                Some(step) => Some(step),
                None => {
                    d.push(error!(E0656, span, "`{at}` is not a step of time"; help: "write `@hour`, `@day`, `@week`, `@month`, `@quarter` or `@year`"));
                    return None;
                }
            },
            None => None,
        };
        if let Some(found) = BucketPart::parse(name, step, span, d) {
            return match found? {
                BucketPart::Start => {
                    d.push(error!(E0656, span, "the start of the bucket is a column anyway"; help: "leave `time` out"));
                    None
                }
                part => Some(By::Part(part)),
            };
        }
        // What a table of behaviour has is named with it: `signup.age`.
        let of_behaviour = || dimensions.iter().position(|one| one.name.value == name).map(|at| Some(DimensionId(at)));
        let id = match names.find(name).or_else(of_behaviour) {
            Some(found) => found?,
            None => {
                d.push(unknown_dimension_named(names.all(), name, span));
                return None;
            }
        };
        let Some(step) = step else { return Some(By::Dimension(id)) };
        within(&dimensions[id.0], step, span, d)?;
        Some(By::Within(id, step))
    }
}

/// `time`, `time.month` or `time@month`
fn part(name: &str, step: Option<Step>, span: Option<Span>, d: &mut Diagnostics) -> Option<BucketPart> {
    match (name.strip_prefix("time."), step) {
        (None, None) => Some(BucketPart::Start),
        (None, Some(step)) => Some(BucketPart::Within(step)),
        (Some(number), None) => {
            let found = NUMBERS.iter().find(|(known, ..)| *known == number);
            if found.is_none() {
                let all = NUMBERS.iter().map(|(name, ..)| *name);
                let help = match near(number, all.clone()) {
                    Some(near) => format!("did you mean `time.{near}`?"),
                    None => format!("a bucket has: {}", all.collect::<Vec<_>>().join(", ")),
                };
                d.push(error!(E0656, span, "a bucket has no `{number}`"; help: help));
            }
            found.map(|(_, function, _)| BucketPart::Number(*function))
        }
        (Some(_), Some(_)) => {
            d.push(error!(E0656, span, "a number has no longer bucket"; help: "write `time.month` or `time@month`"));
            None
        }
    }
}

/// Only days and instants lie in buckets; a day in none that is shorter.
pub fn within(dimension: &Dimension, step: Step, span: Option<Span>, d: &mut Diagnostics) -> Option<()> {
    let name = &dimension.name;
    let fits = match dimension.ty.ty {
        Type::Timestamp => true,
        Type::Date => !matches!(step, Step::Subday(_)),
        _ => false,
    };
    if !fits {
        d.push(
            error!(E0656, span, "`{}` lies in no bucket of {}", name.value, step.text();
                help: "take `@` of a dimension of dates or timestamps")
            .related(name.span, "declared here"),
        );
    }
    fits.then_some(())
}
