//! The functions of the language: their names, what they take, what they give.

mod container;
mod pattern;
mod special;

#[cfg(test)]
mod tests;

use crate::diagnostic::{Diagnostics, Span, Spanned};
use crate::error;
use crate::syntax::ast;
use crate::value::{Function, Value};

use super::ops::{Ops, Typed, is_number, refuse, relabel, result, widen};
use super::{Type, ValueType};

pub(crate) use special::{element, json};

/// An argument: a value, or a step that is no value.
pub enum Argument<T> {
    /// `lower(x)`
    Value(T),
    /// `truncate(x, month)`
    Step(Spanned<ast::Step>),
}

/// What a function takes in one place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Int,
    /// A number without a unit; becomes a float.
    PlainNumber,
    Timestamp,
    TimestampOrDate,
}

/// How a function is typed.
enum Rule {
    /// Takes these and gives that.
    Simple(Function, &'static [Kind], Type),
    /// The same, null where undefined.
    Partial(Function, &'static [Kind], Type),
    /// A number, or a duration where the flag is set; the type stays.
    Keep(Function, bool),
    If,
    Coalesce,
    NullIf,
    Extreme(Function),
    Round,
    Length,
    Contains,
    Concat,
    Matches,
    SplitPart,
    Truncate,
    Hash,
    Mask,
}

/// A function by its name.
pub struct Spec {
    name: &'static str,
    /// How it is written, for help texts.
    usage: &'static str,
    rule: Rule,
    /// How many arguments it takes; no upper limit for `usize::MAX`.
    counts: (usize, usize),
}

impl Spec {
    /// Whether one of its arguments is a step of time.
    pub(super) fn takes_step(&self) -> bool {
        matches!(self.rule, Rule::Truncate)
    }
}

const fn spec(name: &'static str, usage: &'static str, counts: (usize, usize), rule: Rule) -> Spec {
    Spec { name, usage, rule, counts }
}

const MANY: usize = usize::MAX;
const TIME_PART: &[Kind] = &[Kind::TimestampOrDate];

static SPECS: &[Spec] = &[
    spec("if", "if(condition, then, else)", (3, 3), Rule::If),
    spec("coalesce", "coalesce(a, b)", (1, MANY), Rule::Coalesce),
    spec("nullif", "nullif(a, b)", (2, 2), Rule::NullIf),
    spec("least", "least(a, b)", (1, MANY), Rule::Extreme(Function::Least)),
    spec("greatest", "greatest(a, b)", (1, MANY), Rule::Extreme(Function::Greatest)),
    spec("abs", "abs(x)", (1, 1), Rule::Keep(Function::Abs, true)),
    spec("floor", "floor(x)", (1, 1), Rule::Keep(Function::Floor, false)),
    spec("ceil", "ceil(x)", (1, 1), Rule::Keep(Function::Ceil, false)),
    spec("round", "round(x, 2)", (1, 2), Rule::Round),
    spec("sqrt", "sqrt(x)", (1, 1), Rule::Partial(Function::Sqrt, &[Kind::PlainNumber], Type::Float)),
    spec("ln", "ln(x)", (1, 1), Rule::Partial(Function::Ln, &[Kind::PlainNumber], Type::Float)),
    spec("exp", "exp(x)", (1, 1), Rule::Partial(Function::Exp, &[Kind::PlainNumber], Type::Float)),
    spec(
        "pow",
        "pow(x, y)",
        (2, 2),
        Rule::Partial(Function::Power, &[Kind::PlainNumber, Kind::PlainNumber], Type::Float),
    ),
    spec("lower", "lower(text)", (1, 1), Rule::Simple(Function::Lower, &[Kind::Text], Type::String)),
    spec("upper", "upper(text)", (1, 1), Rule::Simple(Function::Upper, &[Kind::Text], Type::String)),
    spec("trim", "trim(text)", (1, 1), Rule::Simple(Function::Trim, &[Kind::Text], Type::String)),
    spec("length", "length(text)", (1, 1), Rule::Length),
    spec(
        "substr",
        "substr(text, start, length)",
        (3, 3),
        Rule::Simple(Function::Substring, &[Kind::Text, Kind::Int, Kind::Int], Type::String),
    ),
    spec("concat", "concat(a, b)", (2, MANY), Rule::Concat),
    spec(
        "replace",
        "replace(text, from, to)",
        (3, 3),
        Rule::Simple(Function::Replace, &[Kind::Text, Kind::Text, Kind::Text], Type::String),
    ),
    spec(
        "starts_with",
        "starts_with(text, prefix)",
        (2, 2),
        Rule::Simple(Function::StartsWith, &[Kind::Text, Kind::Text], Type::Bool),
    ),
    spec(
        "ends_with",
        "ends_with(text, suffix)",
        (2, 2),
        Rule::Simple(Function::EndsWith, &[Kind::Text, Kind::Text], Type::Bool),
    ),
    spec("contains", "contains(text, part)", (2, 2), Rule::Contains),
    spec("matches", "matches(text, \"^a.*z$\")", (2, 2), Rule::Matches),
    spec("split_part", "split_part(text, \",\", 1)", (3, 3), Rule::SplitPart),
    spec("date", "date(timestamp)", (1, 1), Rule::Simple(Function::DateOf, &[Kind::Timestamp], Type::Date)),
    spec("hour", "hour(timestamp)", (1, 1), Rule::Simple(Function::HourOf, &[Kind::Timestamp], Type::Int)),
    spec("day", "day(time)", (1, 1), Rule::Simple(Function::DayOf, TIME_PART, Type::Int)),
    spec("day_of_week", "day_of_week(time)", (1, 1), Rule::Simple(Function::DayOfWeek, TIME_PART, Type::Int)),
    spec("day_of_year", "day_of_year(time)", (1, 1), Rule::Simple(Function::DayOfYear, TIME_PART, Type::Int)),
    spec("week", "week(time)", (1, 1), Rule::Simple(Function::WeekOf, TIME_PART, Type::Int)),
    spec("iso_year", "iso_year(time)", (1, 1), Rule::Simple(Function::IsoYear, TIME_PART, Type::Int)),
    spec("month", "month(time)", (1, 1), Rule::Simple(Function::MonthOf, TIME_PART, Type::Int)),
    spec("quarter", "quarter(time)", (1, 1), Rule::Simple(Function::QuarterOf, TIME_PART, Type::Int)),
    spec("year", "year(time)", (1, 1), Rule::Simple(Function::YearOf, TIME_PART, Type::Int)),
    spec("truncate", "truncate(timestamp, 1h)", (2, 2), Rule::Truncate),
    spec("to_unix", "to_unix(timestamp)", (1, 1), Rule::Simple(Function::ToUnix, &[Kind::Timestamp], Type::Int)),
    spec("hash", "hash(x)", (1, 1), Rule::Hash),
    spec("mask", "mask(text)", (1, 1), Rule::Mask),
];

/// The names of all functions, those with a form of their own (`cast`, `json`) too.
pub fn names() -> impl Iterator<Item = &'static str> {
    SPECS.iter().map(|spec| spec.name).chain(["cast", "json"])
}

/// The function that `path` names.
pub fn known(path: &ast::Path, place: &str, d: &mut Diagnostics) -> Option<&'static Spec> {
    let name = path.single().map(|name| name.as_str());
    if name == Some("now") {
        return refuse(
            d,
            error!(E0324, path.span, "`now()` has no place in {place}: a past number would change";
            help: "use the row's `time`, or a fixed `timestamp(\"…\")`; only quality rules and alerts know the time of day"),
        );
    }
    if let Some(spec) = name.and_then(|name| SPECS.iter().find(|spec| spec.name == name)) {
        return Some(spec);
    }
    let familiar = match name.unwrap_or_default().to_lowercase().as_str() {
        "ifnull" | "nvl" | "isnull" => Some("write `coalesce(a, b)`, or `a ?? b`"),
        "substring" | "mid" | "left" => Some("write `substr(text, start, length)`"),
        "len" | "char_length" | "character_length" => Some("write `length(text)`"),
        "datediff" | "date_diff" | "timestampdiff" => {
            Some("write the time between as `t - u`; in days: `(t - u) / 1d`")
        }
        "dateadd" | "date_add" | "date_sub" => Some("write `t + 1d`"),
        "date_trunc" | "tostartofhour" | "tostartofday" => Some("write `truncate(t, 1h)`"),
        "todate" | "to_date" => Some("write `date(t)`"),
        "dayofweek" | "weekday" | "dow" => Some("write `day_of_week(t)` (1 is Monday)"),
        "dayofyear" => Some("write `day_of_year(t)`"),
        "power" => Some("write `pow(x, y)`"),
        "log" => Some("write `ln(x)`"),
        "ceiling" => Some("write `ceil(x)`"),
        "iff" | "iif" => Some("write `if(condition, then, else)`"),
        "regexp_like" | "rlike" | "match" => Some("write `matches(text, \"…\")`"),
        "unix_timestamp" | "tounixtimestamp" => Some("write `to_unix(t)`"),
        "max" => Some("write `greatest(a, b)`"),
        "min" => Some("write `least(a, b)`"),
        _ => None,
    };
    let near = name.and_then(|name| crate::suggest::near(name, names()));
    let help = match (familiar, near) {
        (Some(help), _) => help.to_owned(),
        (None, Some(near)) => format!("did you mean `{near}`?"),
        (None, None) => "`metricc explain E0310` lists the functions".to_owned(),
    };
    refuse(d, error!(E0310, path.span, "no function named `{path}`"; help: help))
}

/// A call of a known function.
pub(super) fn call<T: Typed>(
    ops: &Ops,
    spec: &Spec,
    arguments: Vec<Argument<T>>,
    span: Span,
    d: &mut Diagnostics,
) -> Option<T> {
    let (least, most) = spec.counts;
    if arguments.len() < least || arguments.len() > most {
        let wanted = match (least, most) {
            (1, 1) => "1 argument".to_owned(),
            (least, MANY) => format!("at least {least} arguments"),
            (least, most) if least == most => format!("{least} arguments"),
            (least, most) => format!("{least} or {most} arguments"),
        };
        return refuse(
            d,
            error!(E0311, span, "`{}` takes {wanted}, not {}", spec.name, arguments.len();
            help: ("write `{}`", spec.usage)),
        );
    }
    if let Rule::Truncate = spec.rule {
        return special::truncate(ops, arguments, span, d);
    }
    let count = arguments.len();
    let mut values = Vec::with_capacity(count);
    for argument in arguments {
        match argument {
            Argument::Value(value) => values.push(value),
            Argument::Step(step) => d.push(error!(E0312, step.span, "`{}` takes no step of time", spec.name;
                help: ("write `{}`", spec.usage))),
        }
    }
    if values.len() < count { None } else { apply(ops, spec, values, span, d) }
}

fn apply<T: Typed>(ops: &Ops, spec: &Spec, mut values: Vec<T>, span: Span, d: &mut Diagnostics) -> Option<T> {
    match &spec.rule {
        Rule::Simple(function, kinds, ty) | Rule::Partial(function, kinds, ty) => {
            let values = of_kinds(ops, spec, kinds, values, d)?;
            let known = result(ty.clone(), &values);
            let partial = matches!(spec.rule, Rule::Partial(..));
            let known = ValueType { nullable: known.nullable || partial, ..known };
            Some(T::call(*function, values, known, span))
        }
        Rule::Keep(function, durations) => special::keep(ops, spec, *function, *durations, values, span, d),
        Rule::Round => special::round(ops, spec, values, span, d),
        Rule::If => {
            let otherwise = values.pop();
            let (value, condition) = (values.pop()?, values.pop()?);
            ops.case(vec![(condition, value)], otherwise, span, d)
        }
        Rule::Coalesce => ops.coalesce(values, span, d),
        Rule::NullIf => {
            let (other, x) = (values.pop()?, values.pop()?);
            ops.null_if(x, other, span, d)
        }
        Rule::Extreme(function) => ops.extreme(*function, values, span, d),
        Rule::Concat => {
            let kinds = vec![Kind::Text; values.len()];
            let values = of_kinds(ops, spec, &kinds, values, d)?;
            let known = result(Type::String, &values);
            Some(T::call(Function::Concat, values, known, span))
        }
        Rule::Length => container::length(ops, spec, values, span, d),
        Rule::Contains => container::contains(ops, spec, values, span, d),
        Rule::Matches => special::matches(ops, spec, values, span, d),
        Rule::SplitPart => special::split_part(ops, spec, values, span, d),
        Rule::Hash => special::hash(ops, values, span, d),
        Rule::Mask => special::mask(ops, spec, values, span, d),
        Rule::Truncate => None,
    }
}

/// `values` where each is of its kind.
fn of_kinds<T: Typed>(ops: &Ops, spec: &Spec, kinds: &[Kind], values: Vec<T>, d: &mut Diagnostics) -> Option<Vec<T>> {
    let count = values.len();
    let good: Vec<T> = (values.into_iter().zip(kinds).enumerate())
        .filter_map(|(place, (value, kind))| of_kind(ops, spec, place + 1, *kind, value, d))
        .collect();
    (good.len() == count).then_some(good)
}

fn of_kind<T: Typed>(ops: &Ops, spec: &Spec, place: usize, kind: Kind, value: T, d: &mut Diagnostics) -> Option<T> {
    let ty = value.ty().ty.clone();
    let null = ty == Type::Null;
    let wanted = match kind {
        Kind::Text => {
            return ops.text(value, &format!("argument {place} of `{}`", spec.name), d);
        }
        Kind::PlainNumber if is_number(&ty) || null => {
            ops.plain_number(&value, spec.name, d)?;
            return Some(if null { relabel(value, &Type::Float) } else { widen(value, &Type::Float) });
        }
        Kind::Int if ty == Type::Int || null => return Some(relabel(value, &Type::Int)),
        Kind::Timestamp if ty == Type::Timestamp || null => return Some(relabel(value, &Type::Timestamp)),
        Kind::TimestampOrDate if ty == Type::Date || ty == Type::Timestamp => return Some(value),
        Kind::TimestampOrDate if null => return Some(relabel(value, &Type::Timestamp)),
        Kind::PlainNumber => "a number",
        Kind::Int => "an int",
        Kind::Timestamp => "a timestamp",
        Kind::TimestampOrDate => "a timestamp or a date",
    };
    let text = match value.as_literal() {
        Some(Value::String(text)) => Some(text.clone()),
        _ => None,
    };
    let help = match (kind, &ty, text) {
        (Kind::Timestamp, _, Some(text)) => format!("write `timestamp(\"{text}\")`"),
        (Kind::TimestampOrDate, _, Some(text)) => format!("write `date(\"{text}\")`"),
        (Kind::Timestamp, Type::Date, _) => "a date has no time of day: leave the function out".to_owned(),
        (Kind::Timestamp | Kind::TimestampOrDate, Type::String, _) => "write `cast(x as timestamp)`".to_owned(),
        (Kind::PlainNumber | Kind::Int, Type::Duration, _) => "make a number of the duration: `x / 1s`".to_owned(),
        (Kind::PlainNumber | Kind::Int, Type::Bool, _) => "make a number of the bool: `if(x, 1, 0)`".to_owned(),
        (Kind::Int, _, _) if is_number(&ty) || ty == Type::String => "write `cast(x as int)`".to_owned(),
        (Kind::PlainNumber, Type::String, _) => "write `cast(x as float)`".to_owned(),
        _ => format!("write `{}`", spec.usage),
    };
    let shown = ops.show_a(&ty);
    refuse(d, error!(E0312, value.span(), "argument {place} of `{}` is {wanted}, not {shown}", spec.name; help: help))
}
