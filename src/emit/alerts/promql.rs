//! PromQL as a tree, and its text.

use std::fmt::{Display, Formatter, Result, Write};

use crate::emit::streaming::duration;

pub use crate::alerting::short;

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// A number.
    Number(f64),
    /// The series of a name with some labels.
    Select {
        /// The name.
        name: String,
        /// Labels and what they must be.
        labels: Vec<(String, String)>,
        /// So many milliseconds of it.
        range: Option<i64>,
        /// As it was so many milliseconds before.
        offset: Option<i64>,
    },
    /// A function.
    Call(&'static str, Vec<Expr>),
    /// A text, as an argument.
    Text(String),
    /// An aggregation of all series with the same values of these labels.
    Aggregate {
        /// Which.
        op: &'static str,
        /// What stands before the aggregated.
        parameter: Option<f64>,
        /// The labels that stay.
        by: Vec<String>,
        /// What is aggregated.
        of: Box<Expr>,
    },
    /// An operator between two.
    Binary {
        /// Which.
        op: &'static str,
        /// How series of both sides find each other.
        matching: Matching,
        /// The left side.
        left: Box<Expr>,
        /// The right side.
        right: Box<Expr>,
    },
    /// An expression at several times.
    Subquery {
        /// Which.
        of: Box<Expr>,
        /// Over so many milliseconds.
        range: i64,
        /// Every so many milliseconds.
        step: i64,
        /// As it was so many milliseconds before.
        offset: Option<i64>,
        /// At the time of the evaluation, wherever it stands.
        at_end: bool,
    },
}

/// How series of both sides of an operator find each other.
#[derive(Clone, Debug, PartialEq)]
pub enum Matching {
    /// All labels are the same.
    Same,
    /// Of both sides there is one.
    One,
    /// These labels are the same, and of the left side there may be several.
    Many(Vec<String>),
}

impl Expr {
    /// The newest values of a series without further labels.
    pub fn named(name: &str) -> Expr {
        Expr::select(name, Vec::new())
    }

    /// The newest values of a series with some labels.
    pub fn select(name: &str, labels: Vec<(String, String)>) -> Expr {
        Expr::Select { name: name.to_owned(), labels, range: None, offset: None }
    }

    /// The same as it was so many milliseconds before. Only of what is selected.
    pub fn ago(self, ms: i64) -> Expr {
        match self {
            Expr::Select { name, labels, range, .. } => Expr::Select { name, labels, range, offset: Some(ms) },
            other => other,
        }
    }

    /// So many milliseconds of it. Only of what is selected.
    pub fn lasting(self, ms: i64) -> Expr {
        match self {
            Expr::Select { name, labels, offset, .. } => Expr::Select { name, labels, range: Some(ms), offset },
            other => other,
        }
    }

    /// An operator between two sides with the same labels.
    pub fn op(self, op: &'static str, right: Expr) -> Expr {
        self.matched(op, Matching::Same, right)
    }

    /// An operator where the right side is one series for all.
    pub fn op_one(self, op: &'static str, right: Expr) -> Expr {
        self.matched(op, Matching::One, right)
    }

    /// An operator.
    pub fn matched(self, op: &'static str, matching: Matching, right: Expr) -> Expr {
        Expr::Binary { op, matching, left: Box::new(self), right: Box::new(right) }
    }

    /// The greatest of all series with the same values of some labels.
    pub fn max_by(self, by: &[String]) -> Expr {
        self.aggregate("max", None, by)
    }

    /// An aggregation.
    pub fn aggregate(self, op: &'static str, parameter: Option<f64>, by: &[String]) -> Expr {
        Expr::Aggregate { op, parameter, by: by.to_vec(), of: Box::new(self) }
    }
}

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Expr::Number(number) => write!(f, "{}", short(*number)),
            Expr::Text(text) => quoted(text, f),
            Expr::Select { name, labels, range, offset } => {
                f.write_str(name)?;
                for (place, (label, value)) in labels.iter().enumerate() {
                    write!(f, "{}{label}=", if place == 0 { "{" } else { "," })?;
                    quoted(value, f)?;
                }
                f.write_str(if labels.is_empty() { "" } else { "}" })?;
                if let Some(range) = range {
                    write!(f, "[{}]", duration(*range))?;
                }
                behind(*offset, f)
            }
            Expr::Call(name, arguments) => {
                write!(f, "{name}(")?;
                for (place, argument) in arguments.iter().enumerate() {
                    write!(f, "{}{argument}", if place == 0 { "" } else { ", " })?;
                }
                f.write_char(')')
            }
            Expr::Aggregate { op, parameter, by, of } => {
                f.write_str(op)?;
                if !by.is_empty() {
                    write!(f, " by ({})", by.join(", "))?;
                }
                match parameter {
                    Some(parameter) => write!(f, " ({}, {of})", short(*parameter)),
                    None => write!(f, "({of})"),
                }
            }
            Expr::Binary { op, matching, left, right } => {
                side(left, f)?;
                write!(f, " {op} ")?;
                match matching {
                    Matching::Same => {}
                    Matching::One => f.write_str("on () ")?,
                    Matching::Many(labels) => write!(f, "on ({}) group_left () ", labels.join(", "))?,
                }
                side(right, f)
            }
            Expr::Subquery { of, range, step, offset, at_end } => {
                match of.as_ref() {
                    of @ Expr::Binary { .. } => write!(f, "({of})")?,
                    of => write!(f, "{of}")?,
                }
                write!(f, "[{}:{}]", duration(*range), duration(*step))?;
                f.write_str(if *at_end { " @ end()" } else { "" })?;
                behind(*offset, f)
            }
        }
    }
}

fn behind(offset: Option<i64>, f: &mut Formatter<'_>) -> Result {
    match offset {
        Some(offset) => write!(f, " offset {}", duration(offset)),
        None => Ok(()),
    }
}

/// A side of an operator: another operator stands in parentheses.
fn side(expr: &Expr, f: &mut Formatter<'_>) -> Result {
    match expr {
        Expr::Binary { .. } => write!(f, "({expr})"),
        Expr::Number(number) if *number < 0.0 => write!(f, "({expr})"),
        _ => write!(f, "{expr}"),
    }
}

/// A text in quotes.
fn quoted(text: &str, f: &mut Formatter<'_>) -> Result {
    f.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' | '\\' => write!(f, "\\{c}")?,
            '\n' => f.write_str("\\n")?,
            c => f.write_char(c)?,
        }
    }
    f.write_char('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_parentheses_has_them() {
        let value = || Expr::named("all:dau:1d");
        let growth = value().op("/", value().ago(604_800_000)).op("-", Expr::Number(1.0));
        assert_eq!(
            growth.op("<", Expr::Number(-0.2)).to_string(),
            "((all:dau:1d / all:dau:1d offset 7d) - 1) < (-0.2)"
        );
        let selected =
            Expr::select("m", vec![("metric".to_owned(), "a\"b\\".to_owned()), ("step".to_owned(), "1m".to_owned())]);
        let by = selected.lasting(90_000).max_by(&["a".to_owned(), "b".to_owned()]);
        assert_eq!(by.to_string(), "max by (a, b)(m{metric=\"a\\\"b\\\\\",step=\"1m\"}[90s])");
        assert_eq!(Expr::Number(14.4 * 0.001).to_string(), "0.0144");
        assert_eq!(Expr::Number(6.0 * 0.00005).to_string(), "0.0003");
    }
}
