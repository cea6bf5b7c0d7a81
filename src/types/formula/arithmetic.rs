//! Typing arithmetic over metrics.
//!
//! Metrics are numbers: an int beside a decimal is widened, a decimal beside a float becomes a float. Units are strict: adding
//! and comparing need one unit, products and quotients combine them.

use crate::diagnostic::{Diagnostics, Span};
use crate::error;
use crate::suggest::near;
use crate::syntax::ast::{BinaryOp, Literal};
use crate::syntax::words::AGGREGATES;
use crate::value::time::DAY_MS;
use crate::value::{Function, Value};

use super::super::functions;
use super::super::model::{Formula, FormulaKind, Sensitivity, Type, ValueType};
use super::super::type_name::{show_type, with_article};
use super::super::{Unit, items};
use super::call;

/// A literal in a formula. Numbers fit every unit.
pub fn literal(literal: &Literal, span: Span, zone: chrono_tz::Tz, d: &mut Diagnostics) -> Option<Formula> {
    let (value, ty, unit) = match literal {
        Literal::Number(text) => number(text, 0, span, d)?,
        Literal::Percent(text) => number(text, 2, span, d)?,
        Literal::String(text) => (Value::String(text.clone()), Type::String, Some(Unit::none())),
        Literal::Bool(value) => (Value::Bool(*value), Type::Bool, Some(Unit::none())),
        Literal::Null => (Value::Null, Type::Null, None),
        Literal::Duration(duration) => match items::milliseconds(*duration) {
            Some(ms) => (Value::Duration(ms), Type::Duration, Some(Unit::none())),
            None => {
                d.push(error!(E0618, span, "a month has no fixed length"; help: "use days: `30d`"));
                return None;
            }
        },
        Literal::Date(text) => match crate::value::time::parse_date(text) {
            Some(days) => (Value::Date(days), Type::Date, Some(Unit::none())),
            None => return no_time(text, span, d),
        },
        Literal::Timestamp(text) => match crate::value::time::parse_timestamp(text, zone) {
            Some(ms) => (Value::Timestamp(ms), Type::Timestamp, Some(Unit::none())),
            None => return no_time(text, span, d),
        },
    };
    let ty = ValueType { ty, nullable: value == Value::Null, unit, sensitivity: Sensitivity::Public };
    Some(Formula { kind: FormulaKind::Literal(value), ty, span })
}

fn no_time<T>(text: &str, span: Span, d: &mut Diagnostics) -> Option<T> {
    d.push(error!(E0619, span, "`{text}` is not a day or time of the calendar"; help: "write `2026-11-01` or `2026-11-01 08:00:00`"));
    None
}

/// A number as an int where it is whole, else a decimal; `shift` more decimals for percents.
fn number(text: &str, shift: usize, span: Span, d: &mut Diagnostics) -> Option<(Value, Type, Option<Unit>)> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let scale = decimals.len() + shift;
    let digits: Option<i128> = format!("{whole}{decimals}").parse().ok();
    match digits {
        Some(digits) if scale == 0 && i64::try_from(digits).is_ok() => {
            Some((Value::Int(digits as i64), Type::Int, None))
        }
        Some(digits) if scale <= 18 && digits.to_string().len() <= 38 => {
            let precision = digits.to_string().len().max(scale) as u8;
            Some((Value::Decimal(digits), Type::Decimal { precision, scale: scale as u8 }, None))
        }
        _ => {
            d.push(error!(E0620, span, "the number `{text}` is too long"; help: "use at most 38 digits, 18 of them decimals"));
            None
        }
    }
}

/// `-x`
pub fn negate(operand: Formula, span: Span, d: &mut Diagnostics) -> Option<Formula> {
    if !is_number(&operand.ty.ty) && operand.ty.ty != Type::Duration {
        return not_a_number(&operand, d);
    }
    let ty = operand.ty.clone();
    Some(call(Function::Negate, vec![operand], ty, span))
}

/// `not`, `and`, `or`
pub fn logic(function: Function, arguments: Vec<Formula>, span: Span, d: &mut Diagnostics) -> Option<Formula> {
    for argument in &arguments {
        if !matches!(argument.ty.ty, Type::Bool | Type::Null) {
            return not_a_condition(argument, d);
        }
    }
    let nullable = arguments.iter().any(|argument| argument.ty.nullable);
    let ty = ValueType { nullable, ..ValueType::plain(Type::Bool) };
    Some(call(function, arguments, ty, span))
}

/// An operator between two formulas.
pub fn binary(op: BinaryOp, left: Formula, right: Formula, span: Span, d: &mut Diagnostics) -> Option<Formula> {
    let function = match op {
        BinaryOp::Or => return logic(Function::Or, vec![left, right], span, d),
        BinaryOp::And => return logic(Function::And, vec![left, right], span, d),
        BinaryOp::Coalesce => return function_of_one_type(Function::Coalesce, vec![left, right], span, d),
        BinaryOp::Equal => Function::Equal,
        BinaryOp::NotEqual => Function::NotEqual,
        BinaryOp::Less => Function::Less,
        BinaryOp::LessEqual => Function::LessEqual,
        BinaryOp::Greater => Function::Greater,
        BinaryOp::GreaterEqual => Function::GreaterEqual,
        BinaryOp::Add => Function::Add,
        BinaryOp::Subtract => Function::Subtract,
        BinaryOp::Multiply => return multiply(left, right, span, d),
        BinaryOp::Divide => return divide(left, right, span, d),
        BinaryOp::Modulo => Function::Modulo,
    };
    if matches!(function, Function::Add | Function::Subtract)
        && let Some(ty) = time_arithmetic(function, &left, &right)
    {
        // The instant or day first, as the plan wants it.
        let (left, right) = if left.ty.ty == Type::Duration { (right, left) } else { (left, right) };
        if ty == Type::Date && !whole_days(&right) {
            d.push(error!(E0320, right.span, "a date moves by whole days";
                help: "write days such as `1d`, or use a timestamp"));
            return None;
        }
        let ty = ValueType {
            nullable: left.ty.nullable || right.ty.nullable,
            sensitivity: left.ty.sensitivity.max(right.ty.sensitivity),
            ..ValueType::plain(ty)
        };
        return Some(call(function, vec![left, right], ty, span));
    }
    let nullable = left.ty.nullable || right.ty.nullable || function == Function::Modulo;
    let (left, right, ty) = widen(left, right, span, d)?;
    let unit = same_unit(&left, &right, span, d)?;
    let compares = !matches!(function, Function::Add | Function::Subtract | Function::Modulo);
    let adds_up = is_number(&ty) || (ty == Type::Duration && function != Function::Modulo);
    if !compares && !adds_up {
        return not_a_number(&left, d);
    }
    if function == Function::Modulo && ty == Type::Float {
        d.push(error!(E0622, span, "`%` takes whole numbers or decimals"; help: "round the value first"));
        return None;
    }
    let sensitivity = left.ty.sensitivity.max(right.ty.sensitivity);
    let ty = if compares { Type::Bool } else { ty };
    let unit = if compares { Some(Unit::none()) } else { unit };
    Some(call(function, vec![left, right], ValueType { ty, nullable, unit, sensitivity }, span))
}

/// The type of `time - time`, `time ± duration` and `duration + time`, where a time is a timestamp or a date.
fn time_arithmetic(function: Function, left: &Formula, right: &Formula) -> Option<Type> {
    match (&left.ty.ty, &right.ty.ty, function) {
        (Type::Timestamp, Type::Timestamp, Function::Subtract) | (Type::Date, Type::Date, Function::Subtract) => {
            Some(Type::Duration)
        }
        (time @ (Type::Timestamp | Type::Date), Type::Duration, _)
        | (Type::Duration, time @ (Type::Timestamp | Type::Date), Function::Add) => Some(time.clone()),
        _ => None,
    }
}

/// Whether it is a duration of whole days, written out.
fn whole_days(formula: &Formula) -> bool {
    matches!(formula.kind, FormulaKind::Literal(Value::Duration(ms)) if ms % DAY_MS == 0)
}

fn multiply(left: Formula, right: Formula, span: Span, d: &mut Diagnostics) -> Option<Formula> {
    let ty = match (&left.ty.ty, &right.ty.ty) {
        (Type::Duration, Type::Int) | (Type::Int, Type::Duration) => Type::Duration,
        (a, b) if is_number(a) && is_number(b) => product(a, b),
        (a, _) => return not_a_number(if is_number(a) { &right } else { &left }, d),
    };
    if let Type::Decimal { scale: 39.., .. } = ty {
        d.push(error!(E0623, span, "the product has more than 38 decimals"; help: "convert one side to float first"));
        return None;
    }
    let unit = combine(&left, &right, Unit::times);
    let whole = ValueType {
        nullable: left.ty.nullable || right.ty.nullable,
        unit,
        sensitivity: left.ty.sensitivity.max(right.ty.sensitivity),
        ty,
    };
    let arguments = match &whole.ty {
        // Duration first, as the plan wants it.
        Type::Duration if left.ty.ty == Type::Int => vec![right, left],
        Type::Float => vec![cast(left, &Type::Float), cast(right, &Type::Float)],
        Type::Decimal { .. } => vec![to_decimal(left), to_decimal(right)],
        _ => vec![left, right],
    };
    Some(call(Function::Multiply, arguments, whole, span))
}

fn product(a: &Type, b: &Type) -> Type {
    match (a, b) {
        (Type::Float, _) | (_, Type::Float) => Type::Float,
        (Type::Int, Type::Int) => Type::Int,
        _ => Type::Decimal { precision: 38, scale: scale(a) + scale(b) },
    }
}

fn divide(left: Formula, right: Formula, span: Span, d: &mut Diagnostics) -> Option<Formula> {
    for side in [&left, &right] {
        if !is_number(&side.ty.ty) && side.ty.ty != Type::Duration {
            return not_a_number(side, d);
        }
    }
    if right.ty.ty == Type::Duration && left.ty.ty != Type::Duration {
        d.push(error!(E0624, span, "a number divided by a duration has no meaning here";
            help: "divide two durations, or count per time by the metric's grain"));
        return None;
    }
    // A duration divided by a number stays a duration in its unit of time, but as a float64 of milliseconds it would lose its
    // type: only the ratio of two durations is allowed.
    if left.ty.ty == Type::Duration && right.ty.ty != Type::Duration {
        d.push(error!(E0624, span, "a duration divided by a number is not supported as a metric";
            help: "take the average of the duration: `avg(latency from perf_api)`"));
        return None;
    }
    let unit = combine(&left, &right, Unit::per);
    let ty =
        ValueType { ty: Type::Float, nullable: true, unit, sensitivity: left.ty.sensitivity.max(right.ty.sensitivity) };
    Some(call(Function::Divide, vec![left, right], ty, span))
}

/// The unit of a product or quotient; a literal counts as a plain number, two literals stay without one.
fn combine(left: &Formula, right: &Formula, with: impl Fn(&Unit, &Unit) -> Unit) -> Option<Unit> {
    match (&left.ty.unit, &right.ty.unit) {
        (None, None) => None,
        (a, b) => Some(with(&a.clone().unwrap_or_default(), &b.clone().unwrap_or_default())),
    }
}

/// `case`: conditions are bools, values of one type and unit.
pub fn case(
    branches: Vec<(Formula, Formula)>,
    otherwise: Option<Formula>,
    span: Span,
    d: &mut Diagnostics,
) -> Option<Formula> {
    for (condition, _) in &branches {
        if condition.ty.ty != Type::Bool {
            return not_a_condition(condition, d);
        }
    }
    let no_else = otherwise.is_none();
    let (conditions, mut values): (Vec<_>, Vec<_>) = branches.into_iter().unzip();
    let has_else = otherwise.is_some();
    values.extend(otherwise);
    let (mut values, mut ty) = one_type(values, span, d)?;
    ty.nullable |= no_else || values.iter().any(|value| value.ty.nullable);
    let otherwise = if has_else { values.pop().map(Box::new) } else { None };
    let branches = conditions.into_iter().zip(values).collect();
    Some(Formula { kind: FormulaKind::Case { branches, otherwise }, ty, span })
}

const FUNCTIONS: &[&str] =
    &["if", "coalesce", "nullif", "least", "greatest", "abs", "round", "floor", "ceil", "sqrt", "ln", "exp", "pow"];

/// Whether a name is a function over formulas.
pub fn is_function(name: &str) -> bool {
    FUNCTIONS.contains(&name)
}

/// Tells that there is no such function. A mistyped aggregate reads as one.
pub fn unknown_function<T>(name: &str, span: Span, d: &mut Diagnostics) -> Option<T> {
    if functions::names().any(|known| known == name) {
        d.push(error!(E0625, span, "`{name}` works on rows, not on metrics";
            help: ("over metrics there are: {}; inside of an aggregate `{name}` is known", FUNCTIONS.join(", "))));
        return None;
    }
    let help = match near(name, FUNCTIONS.iter().chain(AGGREGATES).copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("over metrics there are: {}", FUNCTIONS.join(", ")),
    };
    d.push(error!(E0625, span, "no function or aggregate named `{name}`"; help: help));
    None
}

/// A named function over formulas.
pub fn function(name: &str, mut arguments: Vec<Formula>, span: Span, d: &mut Diagnostics) -> Option<Formula> {
    let (wanted, usage) = match name {
        "if" => (3..=3, "if(condition, then, else)".to_owned()),
        "nullif" => (2..=2, "nullif(a, b)".to_owned()),
        "pow" => (2..=2, "pow(x, y)".to_owned()),
        "coalesce" | "least" | "greatest" => (2..=usize::MAX, format!("{name}(a, b)")),
        "round" => (1..=2, "round(x, 2)".to_owned()),
        "abs" | "floor" | "ceil" | "sqrt" | "ln" | "exp" => (1..=1, format!("{name}(x)")),
        _ => return unknown_function(name, span, d),
    };
    if !wanted.contains(&arguments.len()) {
        let count = match (*wanted.start(), *wanted.end()) {
            (1, 1) => "1 argument".to_owned(),
            (least, most) if least == most => format!("{least} arguments"),
            (least, usize::MAX) => format!("at least {least} arguments"),
            (least, most) => format!("{least} or {most} arguments"),
        };
        d.push(error!(E0626, span, "`{name}` takes {count}, not {}", arguments.len(); help: ("write `{usage}`")));
        return None;
    }
    match name {
        "if" => {
            let otherwise = arguments.pop();
            let value = arguments.pop()?;
            case(vec![(arguments.pop()?, value)], otherwise, span, d)
        }
        "coalesce" => function_of_one_type(Function::Coalesce, arguments, span, d),
        "least" => function_of_one_type(Function::Least, arguments, span, d),
        "greatest" => function_of_one_type(Function::Greatest, arguments, span, d),
        "nullif" => function_of_one_type(Function::NullIf, arguments, span, d),
        "abs" | "floor" | "ceil" | "round" => rounding(name, arguments, span, d),
        _ => real(name, arguments, span, d),
    }
}

fn rounding(name: &str, arguments: Vec<Formula>, span: Span, d: &mut Diagnostics) -> Option<Formula> {
    let function = match name {
        "abs" => Function::Abs,
        "floor" => Function::Floor,
        "ceil" => Function::Ceil,
        _ => Function::Round,
    };
    let first = &arguments[0];
    let fits = is_number(&first.ty.ty) || (first.ty.ty == Type::Duration && function == Function::Abs);
    if !fits {
        return not_a_number(first, d);
    }
    if let Some(digits) = arguments.get(1)
        && !matches!(digits.kind, FormulaKind::Literal(Value::Int(_)))
    {
        d.push(error!(E0627, digits.span, "`round` takes a whole number of digits"; help: "write `round(x, 2)`"));
        return None;
    }
    let ty = first.ty.clone();
    Some(call(function, arguments, ty, span))
}

fn real(name: &str, arguments: Vec<Formula>, span: Span, d: &mut Diagnostics) -> Option<Formula> {
    let function = match name {
        "sqrt" => Function::Sqrt,
        "ln" => Function::Ln,
        "exp" => Function::Exp,
        _ => Function::Power,
    };
    let mut casted = Vec::new();
    for argument in arguments {
        if !is_number(&argument.ty.ty) {
            return not_a_number(&argument, d);
        }
        casted.push(cast(argument, &Type::Float));
    }
    let sensitivity = casted.iter().map(|argument| argument.ty.sensitivity).max().unwrap_or_default();
    let ty = ValueType { nullable: true, sensitivity, ..ValueType::plain(Type::Float) };
    Some(call(function, casted, ty, span))
}

fn function_of_one_type(
    function: Function,
    arguments: Vec<Formula>,
    span: Span,
    d: &mut Diagnostics,
) -> Option<Formula> {
    let (arguments, mut ty) = one_type(arguments, span, d)?;
    ty.nullable = match function {
        Function::NullIf => true,
        _ => arguments.iter().all(|argument| argument.ty.nullable),
    };
    Some(call(function, arguments, ty, span))
}

/// Brings values to one type and unit.
fn one_type(values: Vec<Formula>, span: Span, d: &mut Diagnostics) -> Option<(Vec<Formula>, ValueType)> {
    let mut values = values.into_iter();
    let mut done: Vec<Formula> = vec![values.next()?];
    for value in values {
        let first = done[0].clone();
        let (first, value, ty) = widen(first, value, span, d)?;
        let unit = same_unit(&first, &value, span, d)?;
        let whole = ValueType {
            ty: ty.clone(),
            nullable: first.ty.nullable,
            unit,
            sensitivity: first.ty.sensitivity.max(value.ty.sensitivity),
        };
        done = done.into_iter().map(|earlier| cast(earlier, &ty)).collect();
        done[0].ty = whole;
        done.push(value);
    }
    let ty = done[0].ty.clone();
    Some((done, ty))
}

/// The common unit of two sides; a literal takes the other's.
fn same_unit(left: &Formula, right: &Formula, span: Span, d: &mut Diagnostics) -> Option<Option<Unit>> {
    match (&left.ty.unit, &right.ty.unit) {
        (Some(a), Some(b)) if a != b => {
            d.push(
                error!(E0402, span, "`{a}` and `{b}` do not go together";
                    help: "compare and add values of one unit; divide to get a ratio")
                .related(left.span, format!("this is in {a}"))
                .related(right.span, format!("this is in {b}")),
            );
            None
        }
        (a, b) => Some(a.clone().or_else(|| b.clone())),
    }
}

/// Both sides in their common type.
fn widen(left: Formula, right: Formula, span: Span, d: &mut Diagnostics) -> Option<(Formula, Formula, Type)> {
    let ty = match (&left.ty.ty, &right.ty.ty) {
        (Type::Null, other) | (other, Type::Null) => other.clone(),
        (Type::Float, other) | (other, Type::Float) if is_number(other) => Type::Float,
        (Type::Int, Type::Int) => Type::Int,
        (a, b) if is_number(a) && is_number(b) => Type::Decimal { precision: 38, scale: scale(a).max(scale(b)) },
        (Type::Enum(_), Type::Enum(_) | Type::String) | (Type::String, Type::Enum(_)) => Type::String,
        (a, b) if a == b => a.clone(),
        _ => {
            d.push(
                error!(E0628, span, "{} and {} do not go together", shown(&left.ty.ty), shown(&right.ty.ty);
                    help: "bring both to one type; a missing value is written `null`")
                .related(left.span, format!("this is {}", shown(&left.ty.ty)))
                .related(right.span, format!("this is {}", shown(&right.ty.ty))),
            );
            return None;
        }
    };
    let null = |formula: Formula| if formula.ty.ty == Type::Null { retype(formula, &ty) } else { cast(formula, &ty) };
    Some((null(left), null(right), ty.clone()))
}

fn retype(mut formula: Formula, ty: &Type) -> Formula {
    formula.ty.ty = ty.clone();
    formula
}

/// `formula` as `ty`, by a cast where it is something else.
fn cast(formula: Formula, ty: &Type) -> Formula {
    if formula.ty.ty == *ty || matches!((&formula.ty.ty, ty), (Type::Enum(_), Type::String)) {
        return formula;
    }
    if formula.ty.ty == Type::Null {
        return retype(formula, ty);
    }
    let (span, whole) = (formula.span, ValueType { ty: ty.clone(), ..formula.ty.clone() });
    call(Function::Cast, vec![formula], whole, span)
}

fn to_decimal(formula: Formula) -> Formula {
    match formula.ty.ty {
        Type::Int => cast(formula, &Type::Decimal { precision: 38, scale: 0 }),
        _ => formula,
    }
}

/// A type in a sentence. What a metric holds is never looked up, so an entity's id is just one.
fn shown(ty: &Type) -> String {
    with_article(&show_type(ty, &[]))
}

fn not_a_condition<T>(formula: &Formula, d: &mut Diagnostics) -> Option<T> {
    d.push(error!(E0621, formula.span, "a condition is true or false, not {}", shown(&formula.ty.ty);
        help: "compare it: `dau > 100`"));
    None
}

fn is_number(ty: &Type) -> bool {
    matches!(ty, Type::Int | Type::Float | Type::Decimal { .. } | Type::Null)
}

fn scale(ty: &Type) -> u8 {
    match ty {
        Type::Decimal { scale, .. } => *scale,
        _ => 0,
    }
}

fn not_a_number<T>(formula: &Formula, d: &mut Diagnostics) -> Option<T> {
    let help = match formula.ty.ty {
        Type::Duration => "make a number of the duration: `x / 1s`",
        Type::Bool => "make a number of the condition: `if(x, 1, 0)`",
        _ => "use a metric that is a number, such as a sum or a count",
    };
    d.push(error!(E0629, formula.span, "a number is wanted here, not {}", shown(&formula.ty.ty); help: help));
    None
}
