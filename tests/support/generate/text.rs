//! Prints a project as the text of the language.

use std::fmt::Write as _;

use chrono::DateTime;
use chrono_tz::Tz;

use super::model::*;

/// The patterns of `matches`, each with its meaning written out.
pub const PATTERNS: &[(&str, fn(&str) -> bool)] = &[
    ("^[a-z]+$", |s| !s.is_empty() && s.bytes().all(|b| b.is_ascii_lowercase())),
    ("[0-9]", |s| s.bytes().any(|b| b.is_ascii_digit())),
    ("a|b", |s| s.contains(['a', 'b'])),
    ("^$", str::is_empty),
    ("\\\\", |s| s.contains('\\')),
    ("^用", |s| s.starts_with('用')),
];

const RESERVED: &[&str] = &[
    "and", "or", "not", "in", "is", "between", "like", "case", "when", "then", "else", "end", "null", "true", "false",
];

/// A name, in back quotes where it must be.
pub fn ident(name: &str) -> String {
    let mut chars = name.chars();
    let plain = chars.next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && chars.all(|c| c.is_alphanumeric() || c == '_')
        && !RESERVED.contains(&name);
    if plain { name.to_owned() } else { format!("`{name}`") }
}

/// A string literal.
pub fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{{{:x}}}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// The digits of a decimal.
pub fn decimal(digits: i128, scale: u8) -> String {
    let sign = if digits < 0 { "-" } else { "" };
    let text = format!("{:0>width$}", digits.unsigned_abs(), width = usize::from(scale) + 1);
    let (whole, part) = text.split_at(text.len() - usize::from(scale));
    if scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{part}") }
}

/// A day: `2026-11-01`.
pub fn day(days: i32) -> String {
    let instant = DateTime::from_timestamp(i64::from(days) * 86_400, 0).unwrap_or_default();
    instant.format("%Y-%m-%d").to_string()
}

/// An instant as wall-clock time of `zone`, with milliseconds.
pub fn wall(ms: i64, zone: Tz) -> String {
    let instant = DateTime::from_timestamp_millis(ms).unwrap_or_default();
    instant.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S%.3f").to_string()
}

fn duration(ms: i64) -> String {
    let (sign, size) = (if ms < 0 { "-" } else { "" }, ms.unsigned_abs());
    let units = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
    let (unit, one) = units.into_iter().find(|(_, one)| size % one == 0).unwrap_or(("ms", 1));
    format!("{sign}{}{unit}", size / one)
}

/// A literal; timestamps as wall-clock time of `zone`.
pub fn literal(value: &Value, zone: Tz) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(b) => b.to_string(),
        Value::Int(i) => i.to_string(),
        Value::Float(f) => format!("{f:?}"),
        Value::Decimal(digits, scale) => decimal(*digits, *scale),
        Value::Str(text) => quoted(text),
        Value::Date(days) => format!("date(\"{}\")", day(*days)),
        Value::Timestamp(ms) => format!("timestamp(\"{}\")", wall(*ms, zone).trim_end_matches(".000")),
        Value::Duration(ms) => duration(*ms),
        Value::Map(_) => unreachable!("maps have no literals"),
    }
}

/// A type.
pub fn type_name(ty: &Ty) -> String {
    match ty {
        Ty::Bool => "bool".into(),
        Ty::Int => "int".into(),
        Ty::Float => "float".into(),
        Ty::Decimal(p, s) => format!("decimal({p}, {s})"),
        Ty::Str => "string".into(),
        Ty::Enum(values) => {
            let values: Vec<String> = values.iter().map(|value| quoted(value)).collect();
            format!("enum({})", values.join(", "))
        }
        Ty::Date => "date".into(),
        Ty::Timestamp => "timestamp".into(),
        Ty::Duration => "duration".into(),
        Ty::Map => "map(string, string)".into(),
        Ty::Entity(name) => ident(name),
    }
}

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
            Node::MetricPer(metric, column) => (format!("({} per {})", ident(metric), ident(column)), level::ATOM),
        }
    }

    fn nested(self, nested: &Nested) -> String {
        let (name, argument) = aggregate_name(nested.aggregate);
        let keys: Vec<String> = (nested.keys.iter())
            .map(|key| match key {
                NestedKey::Dimension(name) | NestedKey::Column(name) | NestedKey::Entity(name) => ident(name),
                NestedKey::Step(step) => step.text(),
            })
            .collect();
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
        Step::Subday(_) => step.text(),
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

impl Project {
    /// The printer of its expressions.
    pub fn printer(&self) -> Printer {
        Printer { zone: self.zone }
    }

    /// `metricc.yaml`
    pub fn manifest(&self) -> String {
        let week = if self.week_starts_sunday { "sunday" } else { "monday" };
        let mut out = format!("name: random\ntimezone: {}\nweek_starts: {week}\n", self.zone.name());
        if !self.units.is_empty() {
            let _ = writeln!(out, "units: [{}]", self.units.join(", "));
        }
        out + "paths: [metrics]\nsamples: samples\n"
    }

    /// All declarations, as one `.metric` file; warehouse tables are in `database`.
    pub fn declarations(&self, database: &str) -> String {
        let mut out = String::new();
        for table in &self.tables {
            self.table_text(&mut out, table, database);
        }
        for subset in &self.subsets {
            let filter = subset.filter.as_ref().map(|f| format!(" where {}", self.printer().expr(f)));
            let dated = subset.dated.as_ref().map(|column| format!(" dated {}", ident(column)));
            let (filter, dated) = (filter.unwrap_or_default(), dated.unwrap_or_default());
            let _ = writeln!(out, "subset {} = {}{filter}{dated}", ident(&subset.name), ident(&subset.base));
        }
        for dimension in &self.dimensions {
            self.dimension_text(&mut out, dimension);
        }
        for metric in &self.metrics {
            self.metric_text(&mut out, metric);
        }
        out
    }

    fn table_text(&self, out: &mut String, table: &Table, database: &str) {
        let kind = if table.entity { "entity" } else { "source" };
        let _ = writeln!(out, "{kind} {} {{", ident(&table.name));
        let _ = writeln!(out, "  table: {}", quoted(&format!("{database}.{}", table.name)));
        let _ = writeln!(out, "  sample: {}", quoted(&format!("{}.csv", table.name)));
        if !table.key.is_empty() {
            let key: Vec<String> = table.key.iter().map(|name| ident(name)).collect();
            let latest = table.latest_by.as_ref().map(|name| format!(" latest by {}", ident(name)));
            let _ = writeln!(out, "  key: {}{}", key.join(", "), latest.unwrap_or_default());
        }
        if let Some(time) = &table.time {
            let _ = writeln!(out, "  time: {}", ident(time));
        }
        for column in &table.columns {
            let mut ty = type_name(&column.ty);
            if column.milliseconds {
                ty.push_str("(ms)");
            }
            if column.nullable {
                ty.push('?');
            }
            if let Some(unit) = &column.unit {
                let _ = write!(ty, " unit {unit}");
            }
            if column.pii {
                ty.push_str(" pii");
            }
            if let Some(expr) = &column.computed {
                let _ = write!(ty, " = {}", self.printer().expr(expr));
            }
            let _ = writeln!(out, "  column {}: {ty}", ident(&column.name));
        }
        out.push_str("}\n\n");
    }

    fn dimension_text(&self, out: &mut String, dimension: &Dimension) {
        let printer = self.printer();
        let _ = write!(out, "dimension {}", ident(&dimension.name));
        if dimension.typed {
            let _ = write!(out, ": {}", type_name(&dimension.ty));
        }
        if let [Binding::On(table, _)] = &dimension.bindings[..] {
            let _ = write!(out, " on {}", ident(table));
        }
        let bindings: Vec<String> = (dimension.bindings.iter())
            .map(|binding| match binding {
                Binding::Path(table, expr) | Binding::Attribute(table, expr) => {
                    format!("{}.{}", ident(table), printer.expr(expr))
                }
                Binding::On(_, expr) | Binding::Any(expr) => printer.expr(expr),
            })
            .collect();
        let _ = write!(out, " = {}", bindings.join(" | "));
        match &dimension.otherwise {
            Otherwise::None => {}
            Otherwise::Null => out.push_str(" else null"),
            Otherwise::Value(value) => {
                let _ = write!(out, " else {}", literal(value, self.zone));
            }
        }
        let _ = writeln!(out, " {{ title: {} }}", quoted(&dimension.name));
    }

    fn metric_text(&self, out: &mut String, metric: &Metric) {
        let mut items = vec![
            format!("title: {}", quoted(&metric.name)),
            "owner: \"random\"".to_owned(),
            "tier: diagnostic".to_owned(),
        ];
        if let Some(step) = metric.grain {
            items.push(format!("grain: {}", step.text()));
        }
        if !metric.by.is_empty() {
            let by: Vec<String> = metric.by.iter().map(|name| ident(name)).collect();
            items.push(format!("by: {}", by.join(", ")));
        }
        match metric.fill {
            Fill::None => {}
            Fill::Null => items.push("fill: null".into()),
            Fill::Zero => items.push("fill: zero".into()),
        }
        let formula = self.printer().expr(&metric.formula);
        let _ = writeln!(out, "metric {} = {formula} {{ {} }}", ident(&metric.name), items.join("; "));
    }

    /// A question as it is asked on the command line.
    pub fn command(&self, question: &Question) -> String {
        let shell = |text: &str| {
            let plain = |c: char| c.is_alphanumeric() || "_-,.".contains(c);
            if text.chars().all(plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
        };
        let mut out = String::from("metricc dry-run");
        for metric in &question.metrics {
            let _ = write!(out, " {}", shell(metric));
        }
        let _ = write!(out, " --step {}", question.step.map_or("none".into(), Step::text));
        if !question.by.is_empty() {
            let _ = write!(out, " --by {}", shell(&question.by.join(",")));
        }
        if let Some(filter) = &question.filter {
            let _ = write!(out, " --where {}", shell(&self.printer().expr(filter)));
        }
        if let Some((from, to)) = question.range {
            let _ = write!(out, " --from {} --to {}", day(from), day(to));
        }
        for (column, descending) in &question.order {
            let column = if *descending { format!("{column} desc") } else { column.clone() };
            let _ = write!(out, " --order {}", shell(&column));
        }
        if let Some(limit) = question.limit {
            let _ = write!(out, " --limit {limit}");
        }
        out
    }
}
