//! Prints expressions, formulas and filters.

use std::fmt::Write as _;

use chrono_tz::Tz;

use super::model::*;
use super::text::{PATTERNS, decimal, ident, literal, quoted, type_name};

/// Prints expressions of a project.
#[derive(Clone, Copy)]
pub struct Printer {
    pub zone: Tz,
}

/// How tightly operators bind.
mod level {
    pub const OR: u8 = 1;
    pub const AND: u8 = 2;
    pub const NOT: u8 = 3;
    pub const COMPARE: u8 = 4;
    pub const COALESCE: u8 = 5;
    pub const ADD: u8 = 6;
    pub const MULTIPLY: u8 = 7;
    pub const NEGATE: u8 = 8;
    pub const ATOM: u8 = 9;
}

impl Printer {
    /// An expression with no more parentheses than it needs.
    pub fn expr(self, expr: &Expr) -> String {
        self.node(expr).0
    }

    /// In parentheses where it binds weaker than `level`.
    fn at(self, level: u8, expr: &Expr) -> String {
        match self.node(expr) {
            (text, own) if own >= level => text,
            (text, _) => format!("({text})"),
        }
    }

    fn node(self, expr: &Expr) -> (String, u8) {
        match &expr.node {
            Node::Column(path) => (path.iter().map(|name| ident(name)).collect::<Vec<_>>().join("."), level::ATOM),
            Node::Time => ("time".into(), level::ATOM),
            Node::Literal(value) => {
                let text = literal(value, self.zone);
                let own = if text.starts_with('-') { level::NEGATE } else { level::ATOM };
                (text, own)
            }
            Node::Metric(name) | Node::Dimension(name) => (ident(name), level::ATOM),
            Node::Case(branches, otherwise) => (self.case(branches, otherwise.as_deref()), level::ATOM),
            Node::Leaf(leaf) => (self.leaf(leaf), level::ATOM),
            Node::Where(operand, filter) => {
                (format!("{} where {}", self.at(level::ATOM, operand), self.filter(filter)), level::ATOM)
            }
            _ if let Some(text) = expr.within_text() => (text, level::ATOM),
            Node::Call(op, arguments) => self.call(expr, op, arguments),
            Node::Moved(operand, by) => (format!("{} {}", self.at(level::ATOM, operand), movement(*by)), level::ATOM),
            Node::Growth(operand, length) => {
                (format!("growth({}, {})", self.expr(operand), length.text()), level::ATOM)
            }
            Node::Rate(operand, length) => (format!("rate({}, {})", self.expr(operand), length.text()), level::ATOM),
            Node::Across(operand, names) => {
                (format!("{} across {}", self.at(level::ATOM, operand), list(names)), level::ATOM)
            }
            Node::Nested(nested) => (self.nested(nested), level::ATOM),
            Node::Inner => ("value".into(), level::ATOM),
            Node::Bucket(part) => (part.text(), level::ATOM),
            Node::MetricPer(metric, key) => (format!("({} per {})", ident(metric), key_text(key)), level::ATOM),
        }
    }

    fn nested(self, nested: &Nested) -> String {
        let (name, argument) = aggregate_name(nested.aggregate);
        let keys: Vec<String> = nested.keys.iter().map(key_text).collect();
        let keys = if keys.len() == 1 { keys.concat() } else { format!("({})", keys.join(", ")) };
        let filter = nested.filter.as_ref().map(|filter| format!(" where {}", self.expr(filter))).unwrap_or_default();
        format!("{name}({} per {keys}{filter}{argument})", self.expr(&nested.formula))
    }

    fn case(self, branches: &[(Expr, Expr)], otherwise: Option<&Expr>) -> String {
        let mut out = String::from("case");
        for (condition, value) in branches {
            let _ = write!(out, " when {} then {}", self.expr(condition), self.expr(value));
        }
        if let Some(value) = otherwise {
            let _ = write!(out, " else {}", self.expr(value));
        }
        out + " end"
    }

    /// The filter of a postfix `where`: more than one comparison stands in parentheses.
    fn filter(self, filter: &Expr) -> String {
        match &filter.node {
            Node::Call(Op::And | Op::Or | Op::Not, _) => format!("({})", self.expr(filter)),
            _ => self.expr(filter),
        }
    }

    fn leaf(self, leaf: &Leaf) -> String {
        let (name, argument) = aggregate_name(leaf.aggregate);
        let input = leaf.input.as_ref().map(|input| format!("{} from ", self.expr(input))).unwrap_or_default();
        let dated = leaf.dated.as_ref().map(|column| format!(" dated {}", ident(column))).unwrap_or_default();
        let filter = leaf.filter.as_ref().map(|filter| format!(" where {}", self.expr(filter))).unwrap_or_default();
        let over = leaf.over.map(|window| format!(" {}", movement(Move::Over(window)))).unwrap_or_default();
        let at_last = leaf.at_last.as_ref().map(|at| {
            let per = if at.per.is_empty() { String::new() } else { format!(" per {}", list(&at.per)) };
            format!(" at last {}{per}", at.step.text())
        });
        let at_last = at_last.unwrap_or_default();
        format!("{name}({input}{}{dated}{filter}{over}{at_last}{argument})", ident(&leaf.rows))
    }

    fn call(self, expr: &Expr, op: &Op, arguments: &[Expr]) -> (String, u8) {
        let infix = |symbol: &str, own: u8, left: u8, right: u8| {
            let mut text = self.at(left, &arguments[0]);
            for argument in &arguments[1..] {
                let _ = write!(text, " {symbol} {}", self.at(right, argument));
            }
            (text, own)
        };
        let list = |from: usize| arguments[from..].iter().map(|a| self.expr(a)).collect::<Vec<_>>().join(", ");
        let first = |level: u8| self.at(level, &arguments[0]);
        let function = |name: &str| (format!("{name}({})", list(0)), level::ATOM);
        let compare = |text: String| (text, level::COMPARE);
        match op {
            Op::Or => infix("or", level::OR, level::AND, level::AND),
            Op::And => infix("and", level::AND, level::NOT, level::NOT),
            Op::Not => (format!("not {}", first(level::NOT)), level::NOT),
            Op::Equal => infix("=", level::COMPARE, level::COALESCE, level::COALESCE),
            Op::NotEqual => infix("!=", level::COMPARE, level::COALESCE, level::COALESCE),
            Op::Less => infix("<", level::COMPARE, level::COALESCE, level::COALESCE),
            Op::LessEqual => infix("<=", level::COMPARE, level::COALESCE, level::COALESCE),
            Op::Greater => infix(">", level::COMPARE, level::COALESCE, level::COALESCE),
            Op::GreaterEqual => infix(">=", level::COMPARE, level::COALESCE, level::COALESCE),
            Op::In => compare(format!("{} in ({})", first(level::COALESCE), list(1))),
            Op::NotIn => compare(format!("{} not in ({})", first(level::COALESCE), list(1))),
            Op::Between | Op::NotBetween => {
                let not = if *op == Op::NotBetween { "not " } else { "" };
                let (low, high) = (self.at(level::COALESCE, &arguments[1]), self.at(level::COALESCE, &arguments[2]));
                compare(format!("{} {not}between {low} and {high}", first(level::COALESCE)))
            }
            Op::Like => infix("like", level::COMPARE, level::COALESCE, level::COALESCE),
            Op::NotLike => infix("not like", level::COMPARE, level::COALESCE, level::COALESCE),
            Op::IsNull => compare(format!("{} is null", first(level::COALESCE))),
            Op::IsNotNull => compare(format!("{} is not null", first(level::COALESCE))),
            Op::Coalesce => infix("??", level::COALESCE, level::ADD, level::ADD),
            Op::Add => infix("+", level::ADD, level::ADD, level::MULTIPLY),
            Op::Subtract => infix("-", level::ADD, level::ADD, level::MULTIPLY),
            Op::Multiply => infix("*", level::MULTIPLY, level::MULTIPLY, level::NEGATE),
            Op::Divide => infix("/", level::MULTIPLY, level::MULTIPLY, level::NEGATE),
            Op::Modulo => infix("%", level::MULTIPLY, level::MULTIPLY, level::NEGATE),
            Op::Negate => (format!("-{}", first(level::ATOM)), level::NEGATE),
            Op::Cast => (format!("cast({} as {})", list(0), type_name(&expr.ty)), level::ATOM),
            Op::Json(path) => {
                let path = quoted(&format!("$.{}", path.join(".")));
                (format!("json({}, {path}, {})", list(0), type_name(&expr.ty)), level::ATOM)
            }
            Op::Index(key) => (format!("{}[{}]", first(level::ATOM), quoted(key)), level::ATOM),
            Op::RoundTo(digits) => (format!("round({}, {digits})", list(0)), level::ATOM),
            Op::Substr(start, length) => (format!("substr({}, {start}, {length})", list(0)), level::ATOM),
            Op::Matches(pattern) => (format!("matches({}, {})", list(0), quoted(PATTERNS[*pattern].0)), level::ATOM),
            Op::SplitPart(separator, n) => {
                (format!("split_part({}, {}, {n})", list(0), quoted(separator)), level::ATOM)
            }
            Op::Truncate(step) => (format!("truncate({}, {})", list(0), step.text()), level::ATOM),
            _ => function(function_name(op)),
        }
    }
}

fn key_text(key: &NestedKey) -> String {
    match key {
        NestedKey::Dimension(name) | NestedKey::Column(name) | NestedKey::Entity(name) => ident(name),
        NestedKey::Step(step) => step.text(),
    }
}

/// The name of an aggregate, and its further argument.
fn aggregate_name(aggregate: Aggregate) -> (String, String) {
    let level = |parts: u16| format!(", {}", decimal(i128::from(parts), 3));
    let (name, argument) = match aggregate {
        Aggregate::Count => ("count", String::new()),
        Aggregate::Distinct => ("distinct", String::new()),
        Aggregate::ApproxDistinct => ("approx_distinct", String::new()),
        Aggregate::Sum => ("sum", String::new()),
        Aggregate::Avg => ("avg", String::new()),
        Aggregate::Min => ("min", String::new()),
        Aggregate::Max => ("max", String::new()),
        Aggregate::Percentile(parts) => return (format!("p{}", parts / 10), String::new()),
        Aggregate::Quantile(parts) => ("quantile", level(parts)),
        Aggregate::QuantileDisc(parts) => ("quantile_disc", level(parts)),
        Aggregate::ApproxQuantile(parts) => ("approx_quantile", level(parts)),
        Aggregate::Stddev => ("stddev", String::new()),
        Aggregate::Variance => ("variance", String::new()),
        Aggregate::First => ("first", String::new()),
        Aggregate::Last => ("last", String::new()),
    };
    (name.to_owned(), argument)
}

/// `over 30d`, `ago 1w`, `at start of month`
fn movement(by: Move) -> String {
    match by {
        Move::Over(Window::All) => "over all".into(),
        // A calendar step alone means one.
        Move::Over(Window::Last(Length::Months(1))) => "over month".into(),
        Move::Over(Window::Last(length)) => format!("over {}", length.text()),
        Move::Over(Window::ToDate(step)) => format!("over {} to date", calendar_word(step)),
        Move::Ago(length) => format!("ago {}", length.text()),
        Move::AtStart(step) => format!("at start of {}", calendar_word(step)),
    }
}

/// The word for a step of the calendar: `month`.
fn calendar_word(step: Step) -> String {
    match step {
        Step::Day => "day".into(),
        Step::Week => "week".into(),
        Step::Month => "month".into(),
        Step::Quarter => "quarter".into(),
        Step::Year => "year".into(),
        Step::Subday(_) | Step::Fiscal(_) => step.text(),
    }
}

/// Names behind `per` and `across`.
fn list(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| ident(name)).collect();
    if names.len() == 1 { names.concat() } else { format!("({})", names.join(", ")) }
}

/// The name of a function whose arguments are all expressions.
fn function_name(op: &Op) -> &'static str {
    match op {
        Op::CoalesceCall => "coalesce",
        Op::NullIf => "nullif",
        Op::If => "if",
        Op::Abs => "abs",
        Op::Round => "round",
        Op::Floor => "floor",
        Op::Ceil => "ceil",
        Op::Sqrt => "sqrt",
        Op::Ln => "ln",
        Op::Exp => "exp",
        Op::Pow => "pow",
        Op::Least => "least",
        Op::Greatest => "greatest",
        Op::Lower => "lower",
        Op::Upper => "upper",
        Op::Trim => "trim",
        Op::Length => "length",
        Op::Concat => "concat",
        Op::Replace => "replace",
        Op::StartsWith => "starts_with",
        Op::EndsWith => "ends_with",
        Op::Contains => "contains",
        Op::Date => "date",
        Op::Hour => "hour",
        Op::DayOfWeek => "day_of_week",
        Op::DayOfYear => "day_of_year",
        Op::Day => "day",
        Op::Week => "week",
        Op::IsoYear => "iso_year",
        Op::Month => "month",
        Op::Quarter => "quarter",
        Op::Year => "year",
        Op::ToUnix => "to_unix",
        Op::Hash => "hash",
        Op::Mask => "mask",
        _ => unreachable!("{op:?} is no plain function"),
    }
}
