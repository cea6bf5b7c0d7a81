//! What a declaration says by itself: as it is written, with what it names by name and version, in the normal form.

use crate::diagnostic::Spanned;
use crate::syntax::ast::{
    Aggregate, AggregateInput, Argument, ArgumentValue, BinaryOp, DurationUnit, Expr, ExprKind, Key, Literal, Path,
    Postfix, RowSet, RowSetKind, Step, TypeArgument, TypeName, UnaryOp, Window,
};
use crate::value::Function;

use super::normal::{call, case, sorted};
use super::term::Term;

type Version = Option<Spanned<u32>>;

/// A name with its version, where one is written.
pub fn named(path: &Path, version: &Version) -> Term {
    Term::name(match version {
        Some(version) => format!("{path} v{}", version.value),
        None => path.to_string(),
    })
}

/// Words between parts: `a from b`.
pub fn words(parts: impl IntoIterator<Item = Term>) -> Term {
    let mut parts: Vec<Term> = parts.into_iter().collect();
    if parts.len() == 1 { parts.remove(0) } else { Term::Words(parts) }
}

fn word(text: &str) -> Term {
    Term::name(text)
}

/// A row set.
pub fn rows(of: &RowSet) -> Term {
    let mut inner = of;
    let mut dated = Vec::new();
    let mut filters = Vec::new();
    loop {
        match &inner.kind {
            RowSetKind::Parenthesised(rows) => inner = rows,
            RowSetKind::Where { rows, predicate } => {
                filters.push(expr(predicate));
                inner = rows;
            }
            RowSetKind::Dated { rows, column } => {
                // The last one counts.
                if dated.is_empty() {
                    dated = vec![word("dated"), named(column, &None)];
                }
                inner = rows;
            }
            _ => break,
        }
    }
    let base = match &inner.kind {
        RowSetKind::Named { name, version } => named(name, version),
        RowSetKind::Raw(name) => words([word("raw"), named(name, &None)]),
        RowSetKind::FirstOf { rows: inner, keys } => {
            let per = Term::form("per", sorted(keys.iter().map(key).collect()));
            words([word("first of"), rows(inner), per])
        }
        RowSetKind::Union(members) => {
            let mut all: Vec<Term> = members.iter().map(rows).collect();
            all.sort_by_cached_key(ToString::to_string);
            Term::form("union", all)
        }
        // Taken apart above.
        RowSetKind::Parenthesised(rows_)
        | RowSetKind::Where { rows: rows_, .. }
        | RowSetKind::Dated { rows: rows_, .. } => rows(rows_),
    };
    let mut parts = vec![base];
    if !filters.is_empty() {
        match call(Function::And, filters) {
            Term::Bool(true) => {}
            filter => parts.extend([word("where"), filter]),
        }
    }
    parts.extend(dated);
    words(parts)
}

/// A key of `per` and `across`.
pub fn key(of: &Key) -> Term {
    match of {
        Key::Path(path) => named(path, &None),
        Key::Step(of) => step(&of.value),
    }
}

/// A step of time; days and weeks are days.
pub fn step(of: &Step) -> Term {
    match of {
        Step::Duration(duration) => length(duration.count, duration.unit),
        Step::Calendar(one) => match one.word() {
            "hour" => Term::Duration(3_600_000),
            "day" => Term::Duration(86_400_000),
            "week" => Term::Duration(7 * 86_400_000),
            other => Term::name(format!("1{other}")),
        },
        Step::Declared(path) => named(path, &None),
    }
}

fn length(count: i64, unit: DurationUnit) -> Term {
    let months = |count: i64| match count % 12 {
        0 if count > 0 => Term::name(format!("{}year", count / 12)),
        _ if count % 3 == 0 => Term::name(format!("{}quarter", count / 3)),
        _ => Term::name(format!("{count}month")),
    };
    let milliseconds = match unit {
        DurationUnit::Millisecond => 1,
        DurationUnit::Second => 1_000,
        DurationUnit::Minute => 60_000,
        DurationUnit::Hour => 3_600_000,
        DurationUnit::Day => 86_400_000,
        DurationUnit::Week => 7 * 86_400_000,
        DurationUnit::Month => return months(count),
        DurationUnit::Quarter => return months(count.saturating_mul(3)),
        DurationUnit::Year => return months(count.saturating_mul(12)),
    };
    Term::Duration(count.saturating_mul(milliseconds))
}

/// A literal.
pub fn literal(of: &Literal) -> Term {
    match of {
        Literal::Number(text) => Term::number_of(text),
        Literal::Percent(text) => Term::number_of(&format!("{text}e-2")),
        Literal::String(text) => Term::Text(text.clone()),
        Literal::Bool(value) => Term::Bool(*value),
        Literal::Null => Term::Null,
        Literal::Duration(duration) => length(duration.count, duration.unit),
        Literal::Date(text) => Term::form("date", vec![Term::Text(text.clone())]),
        Literal::Timestamp(text) => Term::form("timestamp", vec![Term::Text(text.clone())]),
    }
}

fn binary(op: BinaryOp) -> Function {
    match op {
        BinaryOp::Or => Function::Or,
        BinaryOp::And => Function::And,
        BinaryOp::Equal => Function::Equal,
        BinaryOp::NotEqual => Function::NotEqual,
        BinaryOp::Less => Function::Less,
        BinaryOp::LessEqual => Function::LessEqual,
        BinaryOp::Greater => Function::Greater,
        BinaryOp::GreaterEqual => Function::GreaterEqual,
        BinaryOp::Coalesce => Function::Coalesce,
        BinaryOp::Add => Function::Add,
        BinaryOp::Subtract => Function::Subtract,
        BinaryOp::Multiply => Function::Multiply,
        BinaryOp::Divide => Function::Divide,
        BinaryOp::Modulo => Function::Modulo,
    }
}

/// An expression over rows, or a formula.
pub fn expr(of: &Expr) -> Term {
    let unless = |term: Term, negated: bool| if negated { call(Function::Not, vec![term]) } else { term };
    match &of.kind {
        ExprKind::Literal(value) => literal(value),
        ExprKind::Path { path, version } => named(path, version),
        ExprKind::Parenthesised(inner) => expr(inner),
        ExprKind::Unary { op, operand } => {
            let function = match op.value {
                UnaryOp::Negate => Function::Negate,
                UnaryOp::Not => Function::Not,
            };
            call(function, vec![expr(operand)])
        }
        ExprKind::Binary { op, left, right } => call(binary(op.value), vec![expr(left), expr(right)]),
        ExprKind::In { operand, list, negated } => {
            let items = std::iter::once(expr(operand)).chain(list.iter().map(expr)).collect();
            unless(call(Function::In, items), *negated)
        }
        ExprKind::InCall { operand, call, negated } => unless(words([expr(operand), word("in"), expr(call)]), *negated),
        ExprKind::Between { operand, low, high, negated } => {
            let at_least = call(Function::GreaterEqual, vec![expr(operand), expr(low)]);
            let at_most = call(Function::LessEqual, vec![expr(operand), expr(high)]);
            unless(call(Function::And, vec![at_least, at_most]), *negated)
        }
        ExprKind::Like { operand, pattern, negated } => {
            unless(call(Function::Like, vec![expr(operand), expr(pattern)]), *negated)
        }
        ExprKind::IsNull { operand, negated } => {
            call(if *negated { Function::IsNotNull } else { Function::IsNull }, vec![expr(operand)])
        }
        ExprKind::Outside { operand, model } => words([expr(operand), word("outside"), expr(model)]),
        ExprKind::Case { branches, otherwise } => {
            let branches = branches.iter().map(|(condition, value)| (expr(condition), expr(value))).collect();
            case(branches, otherwise.as_ref().map(|value| expr(value)))
        }
        ExprKind::Cast { operand, ty } => Term::form("cast", vec![words([expr(operand), word("as"), type_name(ty)])]),
        ExprKind::Json { operand, path, ty } => {
            Term::form("json", vec![expr(operand), Term::Text(path.value.clone()), type_name(ty)])
        }
        ExprKind::Sql { variants, ty } => {
            let text = |(dialect, text): &(Spanned<String>, Spanned<String>)| {
                Term::form(dialect.value.clone(), vec![Term::Text(text.value.clone())])
            };
            let texts = sorted(variants.iter().map(text).collect());
            Term::form("sql", texts.into_iter().chain([type_name(ty)]).collect())
        }
        ExprKind::Call { function, arguments } => called(function, arguments),
        ExprKind::Index { operand, index } => Term::form("element", vec![expr(operand), expr(index)]),
        ExprKind::Aggregate(of) => aggregate(of),
        ExprKind::MetricPer { metric, version, key } => {
            Term::form("", vec![words([named(metric, version), word("per"), named(key, &None)])])
        }
        ExprKind::Postfix { operand, postfix: how } => postfix(expr(operand), how),
    }
}

fn called(function: &Path, arguments: &[Argument]) -> Term {
    let value = |argument: &Argument| match &argument.value {
        ArgumentValue::Expr(value) => expr(value),
        ArgumentValue::Step(of) => step(&of.value),
    };
    let argument = |argument: &Argument| match &argument.name {
        Some(name) => words([Term::name(format!("{}:", name.value)), value(argument)]),
        None => value(argument),
    };
    let mut all: Vec<Term> = arguments.iter().map(argument).collect();
    match (function.to_string().as_str(), all.len()) {
        ("if", 3) => {
            let otherwise = all.pop();
            let then = all.pop().unwrap_or(Term::Null);
            case(vec![(all.remove(0), then)], otherwise)
        }
        ("coalesce", 1..) => call(Function::Coalesce, all),
        ("least", 1..) => call(Function::Least, all),
        ("greatest", 1..) => call(Function::Greatest, all),
        (name, _) => Term::form(name, all),
    }
}

fn aggregate(of: &Aggregate) -> Term {
    let mut parts = Vec::new();
    let mut filters = Vec::new();
    let mut dated: Vec<Term> = of.dated.iter().flat_map(|column| [word("dated"), named(column, &None)]).collect();
    filters.extend(of.filter.iter().map(expr));
    match &of.input {
        AggregateInput::Rows(of) => parts.push(joined(rows(of), &mut filters, &mut dated)),
        AggregateInput::ExprFrom { expr: value, rows: of } => {
            parts.extend([expr(value), word("from"), joined(rows(of), &mut filters, &mut dated)]);
        }
        AggregateInput::Formula(formula) => parts.push(expr(formula)),
    }
    // What stands behind a formula is its own.
    if !filters.is_empty() {
        parts.extend([word("where"), call(Function::And, filters)]);
    }
    parts.extend(dated);
    if let Some(window) = &of.over {
        parts.extend(over(&window.value));
    }
    if let Some(at_last) = &of.at_last {
        parts.extend([word("at last"), step(&at_last.value)]);
    }
    if !of.per.is_empty() {
        parts.push(Term::form("per", sorted(of.per.iter().map(key).collect())));
    }
    if let Some(filter) = &of.per_filter {
        parts.extend([word("where"), expr(filter)]);
    }
    let arguments = of.arguments.iter().map(|argument| literal(&argument.value));
    // The median is a quantile by another name, and so are the others.
    match (of.function.value.as_str(), of.arguments.is_empty()) {
        (name @ ("p50" | "p75" | "p90" | "p95" | "p99"), true) => {
            let level = Term::number_of(&format!("{}e-2", &name[1..]));
            Term::form("quantile", vec![words(parts), level])
        }
        (name, _) => Term::form(name, std::iter::once(words(parts)).chain(arguments).collect()),
    }
}

/// Rows with the conditions of the aggregate over them: it makes no difference which of both says them.
fn joined(rows: Term, filters: &mut Vec<Term>, dated: &mut Vec<Term>) -> Term {
    let mut parts = match rows {
        Term::Words(parts) => parts,
        other => vec![other],
    };
    if let Some(at) = parts.iter().position(|part| *part == word("dated")) {
        let own = parts.split_off(at);
        if dated.is_empty() {
            *dated = own;
        }
    }
    if parts.len() == 3 && parts[1] == word("where") {
        filters.extend(parts.pop());
        parts.pop();
    }
    if !filters.is_empty() {
        let filter = call(Function::And, std::mem::take(filters));
        if filter != Term::Bool(true) {
            parts.extend([word("where"), filter]);
        }
    }
    parts.append(dated);
    words(parts)
}

fn over(window: &Window) -> Vec<Term> {
    match window {
        Window::All => vec![word("over all")],
        Window::Step(of) => vec![word("over"), step(of)],
        Window::ToDate(of) => vec![word("over"), step(of), word("to date")],
    }
}

fn postfix(operand: Term, how: &Postfix) -> Term {
    let more = match how {
        Postfix::Where(filter) => vec![word("where"), expr(filter)],
        Postfix::Over(window) => over(window),
        Postfix::Ago(of) => vec![word("ago"), step(of)],
        Postfix::Across(keys) => vec![Term::form("across", sorted(keys.iter().map(key).collect()))],
        Postfix::AtStartOf(of) => vec![word("at start of"), step(of)],
        Postfix::At { age, onwards } => {
            let onwards = onwards.then(|| word("or later"));
            [word("at"), step(age)].into_iter().chain(onwards).collect()
        }
    };
    Term::form("", vec![words(std::iter::once(operand).chain(more))])
}

/// A type as it is written.
pub fn type_name(of: &TypeName) -> Term {
    let argument = |argument: &TypeArgument| match argument {
        TypeArgument::Type(ty) => type_name(ty),
        TypeArgument::Int(value) => Term::number(i128::from(value.value), 0),
        TypeArgument::String(text) => Term::Text(text.value.clone()),
    };
    let name = of.name.value.clone();
    if of.arguments.is_empty() {
        Term::name(name)
    } else {
        Term::form(name, of.arguments.iter().map(argument).collect())
    }
}
