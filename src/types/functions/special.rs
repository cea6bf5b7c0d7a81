//! Functions with rules of their own.

use crate::diagnostic::{Diagnostics, Span, Spanned};
use crate::error;
use crate::syntax::ast;
use crate::types::ops::{Ops, Typed, is_number, refuse, relabel, result};
use crate::types::{Sensitivity, Type, ValueType};
use crate::value::{Function, Step, Value};

use super::{Argument, Kind, Spec, of_kinds, pattern};

/// Digits that `round` can be asked for.
const ROUND_DIGITS: std::ops::RangeInclusive<i64> = -18..=38;

/// `abs`, `floor`, `ceil`: the type and unit stay.
pub(super) fn keep<T: Typed>(
    ops: &Ops,
    spec: &Spec,
    function: Function,
    durations: bool,
    mut values: Vec<T>,
    span: Span,
    d: &mut Diagnostics,
) -> Option<T> {
    let x = number(ops, spec, values.pop()?, durations, d)?;
    let known = x.ty().clone();
    Some(T::call(function, vec![x], known, span))
}

/// `round(x)`, `round(x, digits)`
pub(super) fn round<T: Typed>(ops: &Ops, spec: &Spec, values: Vec<T>, span: Span, d: &mut Diagnostics) -> Option<T> {
    let mut values = values.into_iter();
    let x = number(ops, spec, values.next()?, false, d);
    let mut arguments = Vec::new();
    if let Some(digits) = values.next() {
        match digits.as_literal() {
            Some(Value::Int(count)) if ROUND_DIGITS.contains(count) => arguments.push(digits),
            _ => {
                return refuse(
                    d,
                    error!(E0313, digits.span(), "the digits of `round` are a whole number from {} to {}, written out",
                    ROUND_DIGITS.start(), ROUND_DIGITS.end(); help: "write `round(x, 2)`"),
                );
            }
        }
    }
    let x = x?;
    let known = x.ty().clone();
    arguments.insert(0, x);
    Some(T::call(Function::Round, arguments, known, span))
}

fn number<T: Typed>(ops: &Ops, spec: &Spec, x: T, durations: bool, d: &mut Diagnostics) -> Option<T> {
    let ty = &x.ty().ty;
    if is_number(ty) || (durations && *ty == Type::Duration) {
        return Some(x);
    }
    if *ty == Type::Null {
        return Some(relabel(x, &Type::Int));
    }
    let wanted = if durations { "a number or a duration" } else { "a number" };
    let help = match ty {
        Type::Duration => "make a number of the duration: `x / 1s`",
        Type::Bool => "make a number of the bool: `if(x, 1, 0)`",
        _ if ops.is_text(ty) => "write `cast(x as decimal(18,2))`",
        _ => "use a number",
    };
    let shown = ops.show_a(ty);
    refuse(d, error!(E0312, x.span(), "argument 1 of `{}` is {wanted}, not {shown}", spec.name; help: help))
}

/// `matches(text, "pattern")`
pub(super) fn matches<T: Typed>(ops: &Ops, spec: &Spec, values: Vec<T>, span: Span, d: &mut Diagnostics) -> Option<T> {
    let values = of_kinds(ops, spec, &[Kind::Text, Kind::Text], values, d)?;
    let regex = values.get(1)?;
    let Some(Value::String(text)) = regex.as_literal() else {
        return refuse(
            d,
            error!(E0313, regex.span(), "the pattern of `matches` is a string, written out";
            help: "write `matches(text, \"^a.*z$\")`, or compare with `contains(text, part)`"),
        );
    };
    if let Err(problem) = pattern::check(text) {
        return refuse(
            d,
            error!(E0329, regex.span(), "this is no pattern: {problem}"; help: "write a regular expression of RE2"),
        );
    }
    let known = result(Type::Bool, &values);
    Some(T::call(Function::Matches, values, known, span))
}

/// `split_part(text, ",", 1)`
pub(super) fn split_part<T: Typed>(
    ops: &Ops,
    spec: &Spec,
    values: Vec<T>,
    span: Span,
    d: &mut Diagnostics,
) -> Option<T> {
    let values = of_kinds(ops, spec, &[Kind::Text, Kind::Text, Kind::Int], values, d)?;
    if let Some(Value::String(separator)) = values.get(1)?.as_literal()
        && separator.is_empty()
    {
        return refuse(
            d,
            error!(E0312, values[1].span(), "the separator of `split_part` is empty"; help: "write one, such as `\",\"`"),
        );
    }
    if let Some(Value::Int(place)) = values.get(2)?.as_literal()
        && *place < 1
    {
        return refuse(
            d,
            error!(E0312, values[2].span(), "the parts of `split_part` count from 1"; help: "write 1 for the first part"),
        );
    }
    let known = result(Type::String, &values);
    Some(T::call(Function::SplitPart, values, known, span))
}

/// `truncate(timestamp, step)`
pub(super) fn truncate<T: Typed>(ops: &Ops, arguments: Vec<Argument<T>>, span: Span, d: &mut Diagnostics) -> Option<T> {
    let mut arguments = arguments.into_iter();
    let (Some(Argument::Value(x)), Some(step)) = (arguments.next(), arguments.next()) else {
        return refuse(
            d,
            error!(E0312, span, "argument 1 of `truncate` is a timestamp"; help: "write `truncate(t, 1h)`"),
        );
    };
    let x = match &x.ty().ty {
        Type::Timestamp => Some(x),
        Type::Null => Some(relabel(x, &Type::Timestamp)),
        other => {
            let shown = ops.show_a(other);
            refuse(
                d,
                error!(E0312, x.span(), "argument 1 of `truncate` is a timestamp, not {shown}";
                help: "cast it: `cast(x as timestamp)`"),
            )
        }
    };
    let (step, place) = match step {
        Argument::Step(step) => (step_of(&step.value), step.span),
        Argument::Value(value) => match value.as_literal() {
            Some(Value::Duration(ms)) => (duration_step(*ms), value.span()),
            _ => {
                return refuse(
                    d,
                    error!(E0313, value.span(), "the step of `truncate` is written out"; help: "write `truncate(t, 1h)`"),
                );
            }
        },
    };
    let Some(step) = step else {
        return refuse(
            d,
            error!(E0330, place, "no day is cut into such steps";
            help: "use a divisor of a day (`5m`, `1h`, `6h`), or `1d`, `1w`, `1month`, `1quarter`, `1year`"),
        );
    };
    let x = x?;
    let known = x.ty().clone();
    let step = T::literal(Value::String(step.text()), ValueType::plain(Type::String), place);
    Some(T::call(Function::Truncate, vec![x, step], known, span))
}

/// The output step that is written so, where there is one.
pub(crate) fn step_of(step: &ast::Step) -> Option<Step> {
    use ast::DurationUnit as Unit;
    match step {
        ast::Step::Calendar(step) => Step::parse(step.word()),
        ast::Step::Declared(_) => None,
        ast::Step::Duration(duration) => {
            let size = match duration.unit {
                Unit::Millisecond => 1,
                Unit::Second => 1_000,
                Unit::Minute => 60_000,
                Unit::Hour => 3_600_000,
                Unit::Day => 86_400_000,
                Unit::Week => 7 * 86_400_000,
                Unit::Month => return Step::parse(&format!("{}month", duration.count)),
                Unit::Quarter => return Step::parse(&format!("{}quarter", duration.count)),
                Unit::Year => return Step::parse(&format!("{}year", duration.count)),
            };
            duration_step(duration.count.checked_mul(size)?)
        }
    }
}

fn duration_step(ms: i64) -> Option<Step> {
    if ms == 7 * 86_400_000 { Some(Step::Week) } else { Step::subday(ms) }
}

/// `hash(x)`: any simple value; what comes out tells nobody who it was.
pub(super) fn hash<T: Typed>(ops: &Ops, mut values: Vec<T>, span: Span, d: &mut Diagnostics) -> Option<T> {
    let x = values.pop()?;
    if matches!(x.ty().ty, Type::Array(_) | Type::Map(_)) {
        let shown = ops.show_a(&x.ty().ty);
        return refuse(
            d,
            error!(E0312, x.span(), "argument 1 of `hash` is a simple value, not {shown}";
            help: "take an element: `x[1]` or `x[\"key\"]`"),
        );
    }
    let x = if x.ty().ty == Type::Null { relabel(x, &Type::String) } else { x };
    let values = vec![x];
    let known = ValueType { sensitivity: Sensitivity::Public, ..result(Type::Int, &values) };
    Some(T::call(Function::Hash, values, known, span))
}

/// `mask(text)`
pub(super) fn mask<T: Typed>(ops: &Ops, spec: &Spec, values: Vec<T>, span: Span, d: &mut Diagnostics) -> Option<T> {
    let values = of_kinds(ops, spec, &[Kind::Text], values, d)?;
    let known = ValueType { sensitivity: Sensitivity::Public, ..result(Type::String, &values) };
    Some(T::call(Function::Mask, values, known, span))
}

/// `json(x, "$.path", T)`: null where there is nothing at the path, or nothing that is a `T`.
pub(crate) fn json<T: Typed>(
    ops: &Ops,
    x: T,
    path: &Spanned<String>,
    ty: &Type,
    span: Span,
    d: &mut Diagnostics,
) -> Option<T> {
    let x = ops.text(x, "argument 1 of `json`", d);
    if let Err(problem) = pattern::check_json_path(&path.value) {
        return refuse(
            d,
            error!(E0334, path.span, "`{}` is no path: {problem}", path.value;
            help: "write it as `$.key.other[0]`"),
        );
    }
    let x = x?;
    let label = ValueType::plain(Type::String);
    let arguments = vec![x, T::literal(Value::String(path.value.clone()), label, path.span)];
    let known = ValueType { nullable: true, ..result(Type::String, &arguments) };
    let text = T::call(Function::JsonValue, arguments, known, span);
    ops.cast(text, ty, span, d)
}

/// `props["k"]`, `items[1]`
pub(crate) fn element<T: Typed>(ops: &Ops, x: T, index: T, span: Span, d: &mut Diagnostics) -> Option<T> {
    let (item, wanted, good) = match &x.ty().ty {
        Type::Map(item) => (item.as_ref().clone(), "a string", ops.is_text(&index.ty().ty)),
        Type::Array(item) => (item.as_ref().clone(), "an int", index.ty().ty == Type::Int),
        other => {
            let shown = ops.show_a(other);
            return refuse(
                d,
                error!(E0328, x.span(), "{shown} has no elements";
                help: "only arrays and maps have; read a JSON text with `json(x, \"$.key\", string)`"),
            );
        }
    };
    if !good {
        let shown = ops.show_a(&index.ty().ty);
        return refuse(
            d,
            error!(E0328, index.span(), "the index of {} is {wanted}, not {shown}", ops.show_a(&x.ty().ty);
            help: "a map is read by its key, an array by a place from 1"),
        );
    }
    if let (Type::Array(_), Some(Value::Int(place))) = (&x.ty().ty, index.as_literal())
        && *place < 1
    {
        return refuse(
            d,
            error!(E0328, index.span(), "the places of an array count from 1"; help: "write `x[1]` for the first"),
        );
    }
    let parts = vec![x, index];
    let unit = if is_number(&item) { None } else { Some(crate::types::Unit::none()) };
    let known = ValueType { nullable: true, unit, ..result(item, &parts) };
    Some(T::call(Function::Element, parts, known, span))
}
