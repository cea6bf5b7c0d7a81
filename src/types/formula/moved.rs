//! Typing what moves a metric's interval or leaves dimensions out of its grouping: `over`, `ago`, `at start of`, `across`,
//! `rate` and `growth`.

use crate::diagnostic::{Diagnostics, Span, Spanned};
use crate::error;
use crate::syntax::ast::{self, ArgumentValue, BinaryOp, CalendarStep, DurationUnit, ExprKind, Key, Literal};
use crate::value::{Span as Length, Step, Value, Window};

use super::super::Calendar;
use super::super::calendars::step_of;
use super::super::dimensions::unknown_dimension;
use super::super::items::{milliseconds, output_step};
use super::super::model::{DimensionId, Formula, FormulaKind, Movement, Type, ValueType};
use super::super::ops::Ops;
use super::{DimensionNames, FormulaScope, InContext};

/// The longest window or shift: a hundred years.
const LONGEST_DAYS: i64 = 36_525;

/// The length of a written step: days and longer are those of the calendar.
pub fn length(step: &ast::Step, span: Span, d: &mut Diagnostics) -> Option<Length> {
    let months = |count: i64, size: i64| count.checked_mul(size).map(Length::Months);
    let found = match step {
        ast::Step::Duration(duration) => match duration.unit {
            DurationUnit::Month => months(duration.count, 1),
            DurationUnit::Quarter => months(duration.count, 3),
            DurationUnit::Year => months(duration.count, 12),
            _ => milliseconds(*duration).map(Length::of_milliseconds),
        },
        ast::Step::Calendar(step) => Some(match step {
            CalendarStep::Hour => Length::Milliseconds(3_600_000),
            CalendarStep::Day => Length::Days(1),
            CalendarStep::Week => Length::Days(7),
            CalendarStep::Month => Length::Months(1),
            CalendarStep::Quarter => Length::Months(3),
            CalendarStep::Year => Length::Months(12),
        }),
        ast::Step::Declared(path) => {
            d.push(error!(E0660, span, "a step of a calendar such as `{path}` has no fixed length";
                help: ("write `over {path} to date`, `ago {path}`, `per {path}` or `grain: {path}`")));
            return None;
        }
    };
    let sound = found.filter(|length| match length {
        Length::Milliseconds(ms) => *ms > 0,
        Length::Days(days) => (1..=LONGEST_DAYS).contains(days),
        Length::Months(months) => (1..=LONGEST_DAYS / 31).contains(months),
        Length::Bucket(_) => true,
    });
    if sound.is_none() {
        d.push(error!(E0641, span, "this length of time is zero, or longer than a hundred years"; help: "write one such as `30d` or `1month`"));
    }
    sound
}

/// What is moved back by `ago`: a length, or the bucket of a calendar before.
pub fn shift(calendars: &[Calendar], step: &ast::Step, span: Span, d: &mut Diagnostics) -> Option<Length> {
    match step {
        ast::Step::Declared(path) => step_of(calendars, path, d).map(Length::Bucket),
        step => length(step, span, d),
    }
}

/// A step of output time, told where it is none.
pub fn step(calendars: &[Calendar], step: &ast::Step, span: Span, d: &mut Diagnostics) -> Option<Step> {
    if let ast::Step::Declared(path) = step {
        return step_of(calendars, path, d).map(Step::Declared);
    }
    let found = output_step(step);
    if found.is_none() {
        d.push(error!(E0632, span, "this is not an output step";
            help: "use a divisor of a day (1m, 5m, 1h …), 1d, 1w, month, quarter or year"));
    }
    found
}

/// The window of `over`.
pub fn window(calendars: &[Calendar], window: &ast::Window, span: Span, d: &mut Diagnostics) -> Option<Window> {
    match window {
        ast::Window::All => Some(Window::All),
        ast::Window::Step(written) => length(written, span, d).map(Window::Last),
        ast::Window::ToDate(written) => step(calendars, written, span, d).map(Window::ToDate),
    }
}

impl FormulaScope<'_> {
    /// `m over w`
    pub(super) fn over(
        &self,
        operand: Formula,
        written: &ast::Window,
        span: Span,
        d: &mut Diagnostics,
    ) -> Option<Formula> {
        let window = window(self.calendars, written, span, d)?;
        let facts = self.facts(&operand);
        if facts.windowed {
            d.push(error!(E0640, span, "this has a window of its own already";
                help: "take `over` of a metric without a window, or put the inner values together: `avg(m over 7d per 1d)`")
                .related(operand.span, "with a window"));
            return None;
        }
        if facts.rated && window == Window::All {
            d.push(
                error!(E0648, span, "all of the data has no number of steps to divide by";
                help: "take a window of some length: `m over 30d`")
                .related(operand.span, "with a rate"),
            );
            return None;
        }
        Some(moved(operand, Movement::Over(window), span))
    }

    /// `m ago 1w`
    pub(super) fn ago(
        &self,
        operand: Formula,
        written: &ast::Step,
        span: Span,
        d: &mut Diagnostics,
    ) -> Option<Formula> {
        let length = shift(self.calendars, written, span, d)?;
        Some(moved(operand, Movement::Ago(length), span))
    }

    /// `m at start of month`
    pub(super) fn at_start_of(
        &self,
        operand: Formula,
        written: &ast::Step,
        span: Span,
        d: &mut Diagnostics,
    ) -> Option<Formula> {
        let step = step(self.calendars, written, span, d)?;
        if !self.facts(&operand).pinned {
            d.push(
                error!(E0642, span, "only a value with `over` or `at last` can be taken at the start of something";
                help: "say what ends there: `m over 30d at start of month`")
                .related(operand.span, "a value of the whole bucket"),
            );
            return None;
        }
        Some(moved(operand, Movement::AtStartOf(step), span))
    }

    /// `m across (a, b)`
    pub(super) fn across(&self, operand: Formula, keys: &[Key], span: Span, d: &mut Diagnostics) -> Option<Formula> {
        let mut dimensions: Vec<DimensionId> = Vec::new();
        let reads = self.tables_of(&operand);
        let names = InContext { names: self, dimensions: self.dimensions, tables: self.tables, reads: &reads };
        for key in keys {
            let path = match key {
                Key::Path(path) => path,
                Key::Step(step) => match self.named_like_a_step(step) {
                    Some(path) => &path.clone(),
                    None => {
                        d.push(error!(E0644, step.span, "`across` leaves out dimensions, never time"; help: "name dimensions: `m across feature`"));
                        return None;
                    }
                },
            };
            // What a table of behaviour has is named with it: `signup.age`.
            let text = path.to_string();
            let of_behaviour =
                || self.dimensions.iter().position(|one| text.contains('.') && one.name.value == text).map(DimensionId);
            let found = path.single().and_then(|name| names.find(name)).or_else(|| of_behaviour().map(Some));
            let Some(id) = found else {
                d.push(unknown_dimension(self.names.dimension_names(), path));
                return None;
            };
            let id = id?;
            if dimensions.contains(&id) {
                d.push(error!(E0644, path.span, "the dimension `{path}` stands twice"; help: "keep one of them"));
                return None;
            }
            dimensions.push(id);
        }
        let ty = nullable(&operand.ty);
        Some(Formula { kind: FormulaKind::Across { operand: Box::new(operand), dimensions }, ty, span })
    }

    /// The dimension that is called as a bare step is: `month`. Where one is declared, it is meant.
    pub(super) fn named_like_a_step(&self, step: &Spanned<ast::Step>) -> Option<ast::Path> {
        let ast::Step::Calendar(word) = &step.value else { return None };
        let word = word.word();
        self.names.dimension(word)?;
        let name = Spanned { value: word.to_owned(), span: step.span };
        Some(ast::Path { parts: vec![name], at: None, span: step.span })
    }

    /// `rate(m, 1s)` and `growth(m, 1w)`
    pub(super) fn of_time(
        &self,
        name: &str,
        arguments: &[ast::Argument],
        span: Span,
        d: &mut Diagnostics,
    ) -> Option<Formula> {
        let [operand, written] = arguments else {
            d.push(error!(E0311, span, "`{name}` does not take {} arguments", arguments.len(); help: ("write `{name}(metric, 1d)`")));
            return None;
        };
        let operand = match &operand.value {
            ArgumentValue::Expr(expr) if operand.name.is_none() => self.check(expr, d),
            _ => {
                d.push(error!(E0603, span, "`{name}` takes a formula first"; help: ("write `{name}(metric, 1d)`")));
                return None;
            }
        };
        let length = self.length_argument(name, written, span, d);
        let (operand, length) = (operand?, length?);
        if name == "rate" { self.rate(operand, length, span, d) } else { growth(self.ops(), operand, length, span, d) }
    }

    fn rate(&self, operand: Formula, length: Length, span: Span, d: &mut Diagnostics) -> Option<Formula> {
        if !matches!(operand.ty.ty, Type::Int | Type::Float | Type::Decimal { .. }) {
            d.push(error!(E0629, operand.span, "this is not a number"; help: "a rate is a number per time"));
            return None;
        }
        let facts = self.facts(&operand);
        if matches!(length, Length::Months(_) | Length::Bucket(_)) || facts.unbounded {
            d.push(error!(E0648, span, "there is no fixed number of such steps in the interval";
                help: "take a rate per `1s` … `1w` of a metric that has a bucket or a window"));
            return None;
        }
        if facts.mixed {
            d.push(error!(E0648, span, "the parts of this formula are of different intervals";
                help: "take the rate of each part: `rate(a, 1s) + rate(b, 1s)`"));
            return None;
        }
        let ty = ValueType { ty: Type::Float, nullable: true, ..operand.ty.clone() };
        Some(Formula { kind: FormulaKind::Rate { operand: Box::new(operand), length }, ty, span })
    }
}

impl FormulaScope<'_> {
    /// The length behind the formula of `rate` and `growth`; that of a growth may be a step of a calendar.
    fn length_argument(&self, name: &str, written: &ast::Argument, span: Span, d: &mut Diagnostics) -> Option<Length> {
        let step = match &written.value {
            _ if written.name.is_some() => None,
            ArgumentValue::Step(step) => Some((step.value.clone(), step.span)),
            ArgumentValue::Expr(expr) => match &expr.kind {
                ExprKind::Literal(Literal::Duration(duration)) => Some((ast::Step::Duration(*duration), expr.span)),
                ExprKind::Path { path, version: None } if path.parts.len() == 2 && path.at.is_none() => {
                    Some((ast::Step::Declared(path.clone()), expr.span))
                }
                _ => {
                    d.push(error!(E0603, expr.span, "`{name}` takes a length of time here"; help: ("write `{name}(metric, 1d)`")));
                    return None;
                }
            },
        };
        let Some((step, at)) = step else {
            d.push(error!(E0603, span, "`{name}` takes a length of time"; help: ("write `{name}(metric, 1d)`")));
            return None;
        };
        if name == "growth" { shift(self.calendars, &step, at, d) } else { length(&step, at, d) }
    }
}

/// `m / m ago s - 1`
pub fn growth(ops: Ops, operand: Formula, length: Length, span: Span, d: &mut Diagnostics) -> Option<Formula> {
    let before = moved(operand.clone(), Movement::Ago(length), span);
    let quotient = ops.binary(Spanned::new(BinaryOp::Divide, span), operand, before, span, d)?;
    let ty = ValueType { unit: None, ..ValueType::plain(Type::Int) };
    let one = Formula { kind: FormulaKind::Literal(Value::Int(1)), ty, span };
    ops.binary(Spanned::new(BinaryOp::Subtract, span), quotient, one, span, d)
}

/// A formula whose interval is moved.
pub(super) fn moved(operand: Formula, by: Movement, span: Span) -> Formula {
    let ty = nullable(&operand.ty);
    Formula { kind: FormulaKind::Moved { operand: Box::new(operand), by }, ty, span }
}

fn nullable(ty: &ValueType) -> ValueType {
    ValueType { nullable: true, ..ty.clone() }
}
