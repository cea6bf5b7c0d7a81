//! Plans in words, for people who ask why.

use super::{Part, State};
use crate::plan::{DataType, Expr, ExprKind, Function, Input, Join, Span, Value};

/// A state as it might have been written: `sum(pay_amount) where paid_at is not null`.
pub fn state(state: &State, joins: &[Join]) -> String {
    let of = state.argument.as_ref().map(|argument| expr(argument, joins)).unwrap_or_default();
    let conditions: Vec<String> = state.filter.iter().map(|part| operand(part, joins)).collect();
    let filter = if conditions.is_empty() { String::new() } else { format!(" where {}", conditions.join(" and ")) };
    format!("{}({of}){filter}", part(state.part))
}

fn part(part: Part) -> &'static str {
    match part {
        Part::Count => "count",
        Part::Sum => "sum",
        Part::Min => "min",
        Part::Max => "max",
        Part::Distinct => "distinct",
        Part::ApproxDistinct => "approx_distinct",
        Part::Numbers => "quantile",
        Part::Items => "quantile_disc",
        Part::Digest => "approx_quantile",
        Part::Variance => "variance",
        Part::First => "first",
        Part::Last => "last",
    }
}

/// An expression over rows, in the manner of the language.
pub fn expr(expr: &Expr, joins: &[Join]) -> String {
    let one = |part: &Expr| operand(part, joins);
    let list = |parts: &[Expr]| parts.iter().map(|part| self::expr(part, joins)).collect::<Vec<_>>().join(", ");
    match &expr.kind {
        ExprKind::Column { input: Input::Base, name } => name.clone(),
        ExprKind::Column { input: Input::Join(at), name } => {
            joins.get(*at).map_or_else(|| name.clone(), |join| format!("{}.{name}", self::expr(&join.key, joins)))
        }
        // A rollup is of rows that look into no answer, and that know no bucket of an output.
        ExprKind::Column { input: Input::Answer(_) | Input::Output, .. }
        | ExprKind::Measure(_)
        | ExprKind::Bucket
        | ExprKind::Steps { .. } => "…".to_owned(),
        ExprKind::Literal(value) => literal(value, &expr.ty),
        ExprKind::Call(function, arguments) => match (infix(*function), arguments.as_slice()) {
            (Some(word), parts) if parts.len() > 1 => parts.iter().map(one).collect::<Vec<_>>().join(word),
            (_, [x]) if *function == Function::Not => format!("not {}", one(x)),
            (_, [x]) if *function == Function::Negate => format!("-{}", one(x)),
            (_, [x]) if *function == Function::IsNull => format!("{} is null", one(x)),
            (_, [x]) if *function == Function::IsNotNull => format!("{} is not null", one(x)),
            // What widens a type says nothing to people.
            (_, [x]) if *function == Function::Cast => self::expr(x, joins),
            (_, [x, values @ ..]) if *function == Function::In => format!("{} in ({})", one(x), list(values)),
            (_, parts) => format!("{}({})", name(*function), list(parts)),
        },
        ExprKind::Case { branches, otherwise } => {
            let mut text = "case".to_owned();
            for (condition, value) in branches {
                text += &format!(" when {} then {}", self::expr(condition, joins), self::expr(value, joins));
            }
            text += &otherwise.as_ref().map_or_else(String::new, |value| format!(" else {}", self::expr(value, joins)));
            text + " end"
        }
        ExprKind::Sql { arguments, .. } => format!("sql({})", list(arguments)),
    }
}

/// The same, in parentheses where it has a weak operator.
fn operand(part: &Expr, joins: &[Join]) -> String {
    let text = expr(part, joins);
    match &part.kind {
        ExprKind::Call(function @ (Function::And | Function::Or | Function::Not), arguments)
            if infix(*function).is_none() || arguments.len() > 1 =>
        {
            format!("({text})")
        }
        _ => text,
    }
}

fn infix(function: Function) -> Option<&'static str> {
    Some(match function {
        Function::And => " and ",
        Function::Or => " or ",
        Function::Equal => " = ",
        Function::NotEqual => " != ",
        Function::Less => " < ",
        Function::LessEqual => " <= ",
        Function::Greater => " > ",
        Function::GreaterEqual => " >= ",
        Function::Like => " like ",
        Function::Coalesce => " ?? ",
        Function::Add => " + ",
        Function::Subtract => " - ",
        Function::Multiply => " * ",
        Function::Divide => " / ",
        Function::Modulo => " % ",
        _ => return None,
    })
}

/// `DayOfWeek` is `day_of_week`, `HourOf` is `hour`.
fn name(function: Function) -> String {
    let mut name = String::new();
    for letter in format!("{function:?}").chars() {
        if letter.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.extend(letter.to_lowercase());
    }
    name.strip_suffix("_of").map(str::to_owned).unwrap_or(name)
}

fn literal(value: &Value, ty: &DataType) -> String {
    let day = |days: i32| chrono::DateTime::from_timestamp(i64::from(days) * 86_400, 0).map(|day| day.date_naive());
    match (value, ty) {
        (Value::Null, _) => "null".to_owned(),
        (Value::Bool(value), _) => value.to_string(),
        (Value::Int(value), _) => value.to_string(),
        (Value::Float(value), _) => value.to_string(),
        (Value::Duration(0), _) => "0s".to_owned(),
        (Value::Duration(ms), _) => Span::of_milliseconds(*ms).text(),
        (Value::Timestamp(ms), _) => match chrono::DateTime::from_timestamp_millis(*ms) {
            Some(at) => format!("timestamp(\"{}\")", at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)),
            None => ms.to_string(),
        },
        (Value::Date(days), _) => day(*days).map_or(days.to_string(), |day| format!("date(\"{day}\")")),
        (Value::Decimal(digits), DataType::Decimal { scale, .. }) => decimal(*digits, usize::from(*scale)),
        (Value::Decimal(digits), _) => digits.to_string(),
        (Value::String(text), _) => format!("\"{text}\""),
    }
}

fn decimal(digits: i128, scale: usize) -> String {
    let sign = if digits < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", digits.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str) -> Expr {
        let kind = ExprKind::Column { input: Input::Base, name: name.to_owned() };
        Expr { kind, ty: DataType::String, nullable: true }
    }

    #[test]
    fn states_read_like_definitions() {
        let ios = Expr::literal(Value::String("ios".to_owned()), DataType::String);
        let equal = Expr::call(Function::Equal, vec![column("platform"), ios], DataType::Bool, true);
        let known = Expr::call(Function::IsNotNull, vec![column("paid_at")], DataType::Bool, false);
        let either = Expr::call(Function::Or, vec![equal, known.clone()], DataType::Bool, true);
        let of = |argument, filter| State { part: Part::Sum, argument, filter };
        assert_eq!(
            state(&of(Some(column("amount")), vec![either, known]), &[]),
            "sum(amount) where (platform = \"ios\" or paid_at is not null) and paid_at is not null"
        );
        assert_eq!(state(&State { part: Part::Count, argument: None, filter: Vec::new() }, &[]), "count()");
        let key = Join { table: 1, key: column("user_id"), column: "id".to_owned(), as_of: None };
        let city = Expr { kind: ExprKind::Column { input: Input::Join(0), name: "city".to_owned() }, ..column("x") };
        assert_eq!(expr(&city, &[key]), "user_id.city");
    }

    #[test]
    fn functions_and_literals_have_their_names() {
        let call = |function| expr(&Expr::call(function, vec![column("at")], DataType::Int, true), &[]);
        assert_eq!([call(Function::HourOf), call(Function::DayOfWeek)], ["hour(at)", "day_of_week(at)"]);
        assert_eq!([call(Function::Negate), call(Function::Cast)], ["-at", "at"]);
        let money = DataType::Decimal { precision: 18, scale: 2 };
        assert_eq!([decimal(-1250, 2), decimal(5, 2), decimal(300, 2)], ["-12.5", "0.05", "3"]);
        assert_eq!(literal(&Value::Decimal(99), &money), "0.99");
        assert_eq!(literal(&Value::Duration(5_400_000), &DataType::Duration), "90m");
        assert_eq!(literal(&Value::Date(0), &DataType::Date), "date(\"1970-01-01\")");
    }
}
