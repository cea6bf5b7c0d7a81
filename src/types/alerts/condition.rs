//! What must hold, as it is typed: comparisons of `value` with numbers and bands.

use crate::diagnostic::{Diagnostics, Span};
use crate::error;
use crate::syntax::ast::{self, Argument, ArgumentValue, BinaryOp, Expr, ExprKind, Literal, UnaryOp};
use crate::types::items::milliseconds;
use crate::types::model::{Metric, Type};
use crate::types::{Table, show_type};
use crate::value::Step;

use super::{Bound, Comparison, Condition, Ewma, Seasonal, Subject, Test};

/// The most buckets that a mean may reach back over.
const MOST_BUCKETS: f64 = 1_000.0;
const WEEK_MS: i64 = 7 * 86_400_000;

/// What conditions are typed with.
pub struct Watched<'a> {
    /// The metric that `value` is of.
    pub metric: &'a Metric,
    /// The length of its buckets; none where it is not known.
    pub every: Option<Step>,
    /// All tables, for the names of units and types.
    pub tables: &'a [Table],
    /// The project's time zone.
    pub zone: chrono_tz::Tz,
}

impl Watched<'_> {
    /// The condition that an expression is; none where something is wrong, which is told.
    pub fn condition(&self, expr: &Expr, d: &mut Diagnostics) -> Option<Condition> {
        match &expr.kind {
            ExprKind::Parenthesised(inner) => self.condition(inner, d),
            ExprKind::Binary { op, left, right } if matches!(op.value, BinaryOp::And | BinaryOp::Or) => {
                let (left, right) = (self.condition(left, d), self.condition(right, d));
                let parts = vec![left?, right?];
                Some(if op.value == BinaryOp::And { Condition::All(parts) } else { Condition::Any(parts) })
            }
            ExprKind::Binary { op, left, right } => {
                let comparison = match op.value {
                    BinaryOp::Less => Comparison::Less,
                    BinaryOp::LessEqual => Comparison::LessEqual,
                    BinaryOp::Greater => Comparison::Greater,
                    BinaryOp::GreaterEqual => Comparison::GreaterEqual,
                    _ => return unclear(expr.span, d),
                };
                self.test(left, comparison, right, d)
            }
            ExprKind::Outside { operand, model } => self.test(operand, Comparison::Outside, model, d),
            ExprKind::Between { operand, low, high, negated } => {
                let (least, most) = match negated {
                    false => (Comparison::GreaterEqual, Comparison::LessEqual),
                    true => (Comparison::Less, Comparison::Greater),
                };
                let (low, high) = (self.test(operand, least, low, d), self.test(operand, most, high, d));
                let parts = vec![low?, high?];
                Some(if *negated { Condition::Any(parts) } else { Condition::All(parts) })
            }
            _ => unclear(expr.span, d),
        }
    }

    fn test(&self, left: &Expr, comparison: Comparison, right: &Expr, d: &mut Diagnostics) -> Option<Condition> {
        let subject = self.subject(left, d);
        let bound = self.bound(right, matches!(subject, Some(Subject::Growth(_))), d);
        let (subject, bound) = (subject?, bound?);
        let is_band = !matches!(bound, Bound::Number(_));
        let fits = match comparison {
            Comparison::Outside => is_band,
            Comparison::LessEqual | Comparison::GreaterEqual => !is_band,
            Comparison::Less | Comparison::Greater => true,
        };
        if !fits {
            let help = match is_band {
                true => "write `value > …` for above the band, `value < …` for below it, or `value outside …` for both",
                false => "a number has no inside: write `value < …` or `value > …`",
            };
            d.push(error!(E0880, left.span.to(right.span), "`{}` does not go with {}", comparison.symbol(),
                if is_band { "a band" } else { "a number" }; help: help));
            return None;
        }
        Some(Condition::Test(Test { subject, comparison, bound }))
    }

    /// `value`, or `growth(value, 1w)`.
    fn subject(&self, expr: &Expr, d: &mut Diagnostics) -> Option<Subject> {
        match &expr.kind {
            ExprKind::Parenthesised(inner) => self.subject(inner, d),
            _ if is_value(expr) => Some(Subject::Value),
            ExprKind::Call { function, arguments } if function.to_string() == "growth" => {
                let of_value = |argument: &Argument| {
                    argument.name.is_none() && matches!(&argument.value, ArgumentValue::Expr(expr) if is_value(expr))
                };
                let [of, shift] = arguments.as_slice() else { return unclear_growth(expr.span, d) };
                if !of_value(of) || shift.name.is_some() {
                    return unclear_growth(expr.span, d);
                }
                let Some(ms) = length(&shift.value) else {
                    d.push(error!(E0884, expr.span, "a growth in an alert takes a length of time of fixed length";
                        help: ("write `growth(value, 1w)`; or let `{}` have `compare: 1month`, and watch its column `growth_1month`", self.metric.name.value)));
                    return None;
                };
                self.whole(ms, "growth", expr.span, d).then_some(Subject::Growth(ms))
            }
            _ => unclear(expr.span, d),
        }
    }

    /// Whether a length is a number of whole buckets; what is not is told.
    fn whole(&self, ms: i64, what: &str, span: Span, d: &mut Diagnostics) -> bool {
        let Some(every) = self.every else { return true };
        let fits = bucket(every).is_some_and(|bucket| ms > 0 && ms % bucket == 0);
        if !fits {
            let help = match bucket(every) {
                Some(_) => format!("take a multiple of {}, the length of the buckets", every.text()),
                None => "take buckets of a week or shorter: longer ones have no fixed length".to_owned(),
            };
            d.push(error!(E0884, span, "this {what} does not go by whole buckets of {}", every.text(); help: help));
        }
        fits
    }

    fn bound(&self, expr: &Expr, is_growth: bool, d: &mut Diagnostics) -> Option<Bound> {
        match &expr.kind {
            ExprKind::Parenthesised(inner) => self.bound(inner, is_growth, d),
            ExprKind::Call { function, arguments } if !is_growth => match function.to_string().as_str() {
                "ewma" => self.ewma(arguments, expr.span, d).map(Bound::Ewma),
                "seasonal" => self.seasonal(arguments, expr.span, d).map(Bound::Seasonal),
                _ => unclear(expr.span, d),
            },
            _ => self.number(expr, is_growth, d).map(Bound::Number),
        }
    }

    /// A number in the unit of the metric, or a share.
    pub fn number(&self, expr: &Expr, is_share: bool, d: &mut Diagnostics) -> Option<f64> {
        let (negative, inner) = match &expr.kind {
            ExprKind::Unary { op, operand } if op.value == UnaryOp::Negate => (true, operand.as_ref()),
            _ => (false, expr),
        };
        let ExprKind::Literal(written) = &inner.kind else { return unclear(expr.span, d) };
        let is_duration = !is_share && self.metric.ty.ty == Type::Duration;
        let unit = self.metric.ty.unit.as_ref().filter(|unit| !is_share && !unit.is_none());
        let found = match written {
            Literal::Number(_) | Literal::Percent(_) if is_duration => Err("a length of time".to_owned()),
            Literal::Percent(_) if unit.is_some() => Err(unit.map(ToString::to_string).unwrap_or_default()),
            Literal::Number(text) => Ok(plain(text)),
            Literal::Percent(text) => Ok(percent(text)),
            Literal::Duration(of) if is_duration => Ok(milliseconds(*of).map(|ms| ms as f64 / 1_000.0)),
            Literal::Duration(_) => Err(unit.map_or_else(|| "a plain number".to_owned(), ToString::to_string)),
            _ => return unclear(expr.span, d),
        };
        match found {
            Ok(Some(number)) => Some(if negative { -number } else { number }),
            Ok(None) => unclear(expr.span, d),
            Err(wanted) => {
                let help = match is_duration {
                    true => "write it with its unit: `500ms`, `2s`",
                    false => "write a number without `%` and without a unit of time: it is taken in the metric's unit",
                };
                d.push(error!(E0881, expr.span, "this bound is not {wanted}, and `{}` is", self.metric.name.value; help: help)
                    .related(self.metric.name.span, "the metric"));
                None
            }
        }
    }

    fn ewma(&self, arguments: &[Argument], span: Span, d: &mut Diagnostics) -> Option<Ewma> {
        let read = Arguments::read("ewma", &["alpha", "sigma", "floor"], arguments, span, d)?;
        let alpha = read.number("alpha", 0.3, &|alpha| alpha > 0.0 && alpha < 1.0, "between 0 and 1", d);
        let (sigma, floor) = (read.sigma(d), read.floor(d));
        let step = match self.every {
            Some(every) => {
                let step = bucket(every);
                if step.is_none() {
                    self.whole(0, "mean", span, d);
                }
                step
            }
            None => None,
        };
        let ewma = Ewma { alpha: alpha?, sigma: sigma?, floor: floor?, step: step? };
        if Ewma::NEGLIGIBLE.ln() / (1.0 - ewma.alpha).ln() > MOST_BUCKETS {
            d.push(error!(E0884, span, "this mean reaches back over more than {MOST_BUCKETS} buckets";
                help: "take a greater `alpha`, or longer buckets"));
            return None;
        }
        Some(ewma)
    }

    fn seasonal(&self, arguments: &[Argument], span: Span, d: &mut Diagnostics) -> Option<Seasonal> {
        let read = Arguments::read("seasonal", &["period", "cycles", "sigma", "floor", "except"], arguments, span, d)?;
        let period = match read.of("period") {
            None => Some(WEEK_MS),
            Some(argument) => {
                let found = length(&argument.value);
                if found.is_none() {
                    d.push(error!(E0884, span, "`period` takes a length of time of fixed length";
                        help: "write `period: 1d` or `period: 1w`"));
                }
                found
            }
        };
        let period = period.filter(|period| self.whole(*period, "period", span, d));
        let cycles = read.number(
            "cycles",
            4.0,
            &|count| (2.0..=52.0).contains(&count) && count.fract() == 0.0,
            "a whole number from 2 to 52",
            d,
        );
        let (sigma, floor) = (read.sigma(d), read.floor(d));
        let except = match read.of("except") {
            Some(argument) => super::except::days(argument, self.zone, d),
            None => Some(Vec::new()),
        };
        Some(Seasonal { period: period?, cycles: cycles? as u32, sigma: sigma?, floor: floor?, except: except? })
    }

    /// Tells a metric that is no number.
    pub fn check_number(&self, span: Span, d: &mut Diagnostics) -> bool {
        let ty = &self.metric.ty.ty;
        let fits = matches!(ty, Type::Int | Type::Float | Type::Decimal { .. } | Type::Duration);
        if !fits {
            d.push(
                error!(E0881, span, "`{}` is no number but {}", self.metric.name.value, show_type(ty, self.tables);
                help: "watch a count, a sum, a share or a length of time")
                .related(self.metric.name.span, "the metric"),
            );
        }
        fits
    }
}

/// The named arguments of a band.
struct Arguments<'a> {
    given: Vec<(&'a str, &'a Argument)>,
    span: Span,
}

impl<'a> Arguments<'a> {
    fn read(of: &str, known: &[&str], arguments: &'a [Argument], span: Span, d: &mut Diagnostics) -> Option<Self> {
        let mut given: Vec<(&str, &Argument)> = Vec::new();
        for argument in arguments {
            let name = argument.name.as_ref().map(|name| name.value.as_str());
            match name.filter(|name| known.contains(name) && given.iter().all(|(other, _)| other != name)) {
                Some(name) => given.push((name, argument)),
                None => {
                    let at = argument.name.as_ref().map_or(span, |name| name.span);
                    d.push(error!(E0884, at, "`{of}` takes each of {} once, by name", known.join(", ");
                        help: ("write `{of}({}: …)`", known[0])));
                    return None;
                }
            }
        }
        Some(Arguments { given, span })
    }

    fn of(&self, name: &str) -> Option<&'a Argument> {
        self.given.iter().find(|(known, _)| *known == name).map(|(_, argument)| *argument)
    }

    fn number(
        &self,
        name: &str,
        default: f64,
        fits: &dyn Fn(f64) -> bool,
        wanted: &str,
        d: &mut Diagnostics,
    ) -> Option<f64> {
        let Some(argument) = self.of(name) else { return Some(default) };
        let found = match &argument.value {
            ArgumentValue::Expr(Expr { kind: ExprKind::Literal(Literal::Number(text)), .. }) => plain(text),
            ArgumentValue::Expr(Expr { kind: ExprKind::Literal(Literal::Percent(text)), .. }) => percent(text),
            _ => None,
        };
        let found = found.filter(|number| fits(*number));
        if found.is_none() {
            d.push(error!(E0884, argument.name.as_ref().map_or(self.span, |name| name.span), "`{name}` is {wanted}";
                help: ("write `{name}: {default}`")));
        }
        found
    }

    fn sigma(&self, d: &mut Diagnostics) -> Option<f64> {
        self.number("sigma", 3.0, &|sigma| sigma > 0.0 && sigma <= 100.0, "above 0, and 100 at most", d)
    }

    fn floor(&self, d: &mut Diagnostics) -> Option<f64> {
        self.number("floor", 0.05, &|floor| (0.0..10.0).contains(&floor), "a share from 0 to 10", d)
    }
}

/// The length of a bucket in milliseconds, where all are as long; days and weeks count as 24 hours and seven times that.
pub fn bucket(step: Step) -> Option<i64> {
    match step {
        Step::Subday(ms) => Some(ms),
        Step::Day => Some(86_400_000),
        Step::Week => Some(WEEK_MS),
        Step::Month | Step::Quarter | Step::Year | Step::Declared(_) => None,
    }
}

fn is_value(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Path { path, version: None } => path.single().is_some_and(|name| name.value == "value"),
        _ => false,
    }
}

fn length(value: &ArgumentValue) -> Option<i64> {
    match value {
        ArgumentValue::Expr(Expr { kind: ExprKind::Literal(Literal::Duration(of)), .. }) => milliseconds(*of),
        ArgumentValue::Step(step) => match &step.value {
            ast::Step::Duration(of) => milliseconds(*of),
            _ => None,
        },
        ArgumentValue::Expr(_) => None,
    }
}

/// A written number; none where it is no finite one.
pub fn plain(text: &str) -> Option<f64> {
    text.replace('_', "").parse().ok().filter(|number: &f64| number.is_finite())
}

/// `99.9` of `99.9%` as 0.999, the nearest float to the digits.
pub fn percent(text: &str) -> Option<f64> {
    plain(&format!("{text}e-2"))
}

fn unclear<T>(span: Span, d: &mut Diagnostics) -> Option<T> {
    d.push(error!(E0880, span, "an alert can't be decided by this";
        help: "compare `value` or `growth(value, 1w)` with a number, `ewma(…)` or `seasonal(…)`; put several together by `and` and `or`"));
    None
}

fn unclear_growth<T>(span: Span, d: &mut Diagnostics) -> Option<T> {
    d.push(error!(E0880, span, "`growth` takes `value` and a length of time"; help: "write `growth(value, 1w)`"));
    None
}
