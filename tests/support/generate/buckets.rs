//! Parts of the output bucket, and what answers are grouped by.

use std::collections::BTreeSet;

use super::model::*;

/// Something that every bucket of an output has.
#[derive(Clone, Debug, PartialEq)]
pub enum TimePart {
    /// `time`
    Start,
    /// `time.month`
    Number(Op),
    /// `time@month`
    Within(Step),
}

/// What an answer is grouped by, or tells of its buckets.
#[derive(Clone, Debug, PartialEq)]
pub enum By {
    Dimension(String),
    /// `registered@month`
    Within(String, Step),
    Part(TimePart),
}

/// The numbers of buckets, by name, with the longest buckets that have one of each.
pub const NUMBERS: [(&str, Op, Step); 9] = [
    ("hour", Op::Hour, Step::Subday(3_600_000)),
    ("day", Op::Day, Step::Day),
    ("day_of_week", Op::DayOfWeek, Step::Day),
    ("day_of_year", Op::DayOfYear, Step::Day),
    ("week", Op::Week, Step::Week),
    ("iso_year", Op::IsoYear, Step::Week),
    ("month", Op::Month, Step::Month),
    ("quarter", Op::Quarter, Step::Quarter),
    ("year", Op::Year, Step::Year),
];

/// The step behind an `@`.
fn word(step: Step) -> String {
    match step {
        Step::Subday(3_600_000) => "hour".into(),
        Step::Subday(_) => step.text(),
        Step::Day => "day".into(),
        Step::Week => "week".into(),
        Step::Month => "month".into(),
        Step::Quarter => "quarter".into(),
        Step::Year => "year".into(),
        Step::Fiscal(step) => step.text(),
    }
}

impl TimePart {
    /// As it is written.
    pub fn text(&self) -> String {
        match self {
            TimePart::Start => "time".into(),
            TimePart::Number(op) => {
                let (name, ..) = NUMBERS.iter().find(|(_, known, _)| known == op).expect("a number of buckets");
                format!("time.{name}")
            }
            TimePart::Within(step) => format!("time@{}", word(*step)),
        }
    }

    pub fn ty(&self) -> Ty {
        match self {
            TimePart::Number(_) => Ty::Int,
            TimePart::Start | TimePart::Within(_) => Ty::Timestamp,
        }
    }

    /// Whether each bucket of a step has one.
    pub fn fits(&self, step: Step, week_starts_sunday: bool) -> bool {
        match self {
            TimePart::Start => true,
            TimePart::Within(longer) => step.divides(*longer),
            TimePart::Number(op) => {
                let (.., longest) = NUMBERS.iter().find(|(_, known, _)| known == op).expect("a number of buckets");
                // The numbered weeks start on Monday.
                let numbered = *longest != Step::Week || step != Step::Week || !week_starts_sunday;
                step.divides(*longest) && numbered
            }
        }
    }
}

impl By {
    /// Its name as a column.
    pub fn text(&self) -> String {
        match self {
            By::Dimension(name) => name.clone(),
            By::Within(name, step) => format!("{name}@{}", word(*step)),
            By::Part(part) => part.text(),
        }
    }

    /// The dimension that rows are grouped by.
    pub fn dimension(&self) -> Option<&String> {
        match self {
            By::Dimension(name) | By::Within(name, _) => Some(name),
            By::Part(_) => None,
        }
    }
}

/// A dimension in longer buckets, as an expression of filters: `registered@month`.
pub fn within(dimension: Expr, step: Step) -> Expr {
    Expr { node: Node::Call(Op::Truncate(step), vec![dimension.clone()]), ..dimension }
}

impl Expr {
    /// As text, where it is a dimension in longer buckets.
    pub fn within_text(&self) -> Option<String> {
        let Node::Call(Op::Truncate(step), arguments) = &self.node else { return None };
        match &arguments[..] {
            [Expr { node: Node::Dimension(name), .. }] => Some(format!("{}@{}", super::text::ident(name), word(*step))),
            _ => None,
        }
    }

    /// Whether it speaks of the output bucket.
    pub fn is_of_buckets(&self) -> bool {
        self.any(&mut |part| matches!(part.node, Node::Bucket(_)))
    }
}

impl Question {
    /// The switched forms in it.
    pub fn constructs(&self) -> BTreeSet<Construct> {
        let mut found: BTreeSet<Construct> = self.filter.iter().flat_map(Expr::constructs).collect();
        let parts = self.by.iter().any(|by| !matches!(by, By::Dimension(_)));
        found.extend(parts.then_some(Construct::BucketPart));
        found.extend(self.having.as_ref().map(|_| Construct::Having));
        found.extend(self.top.as_ref().map(|top| if top.other { Construct::Other } else { Construct::Top }));
        found.extend(self.exact.map(|_| Construct::Cut));
        found.extend(self.as_of.map(|(_, partial)| if partial { Construct::Partial } else { Construct::AsOf }));
        found.extend(self.marks.then_some(Construct::Marks));
        found
    }
}
