//! Expressions: the flat list of operands, operators and clauses gets its precedence here.

use super::{Builder, aggregate::aggregates, calendar_word};
use crate::{
    diagnostic::{Diagnostic, Spanned},
    error,
    syntax::{
        ast::{Argument, ArgumentValue, BinaryOp, Expr, ExprKind, Literal, Path, Postfix, Step, UnaryOp, Window},
        grammar::{Node, Rule},
        words::AGGREGATES,
    },
};

/// What an expression is about, and so which forms it may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Columns of a row.
    Row,
    /// Metrics.
    Formula,
    /// Dimensions of a metric, after its `where`.
    Filter,
}

// Binding strengths, weakest first.
const OR: u8 = 1;
const AND: u8 = 2;
const NOT: u8 = 3;
pub(super) const COMPARISON: u8 = 4;
const COALESCE: u8 = 5;
const SUM: u8 = 6;
const PRODUCT: u8 = 7;
const NEGATION: u8 = 8;

/// A flat list, read from left to right.
pub(super) struct Cursor<'n, 't> {
    nodes: &'n [Node<'t>],
    at: usize,
}

impl<'n, 't> Cursor<'n, 't> {
    pub(super) fn peek(&self) -> Option<&'n Node<'t>> {
        self.nodes.get(self.at)
    }

    pub(super) fn next(&mut self) -> Option<&'n Node<'t>> {
        let node = self.nodes.get(self.at)?;
        self.at += 1;
        Some(node)
    }

    pub(super) fn next_if(&mut self, rule: Rule) -> Option<&'n Node<'t>> {
        let node = self.peek().filter(|n| n.as_rule() == rule)?;
        self.at += 1;
        Some(node)
    }
}

/// An operator between two operands, with its strength.
pub(super) enum Infix {
    Binary(BinaryOp, u8),
    Between { negated: bool },
    Like { negated: bool },
    Outside,
}

impl Infix {
    /// The operator of these tokens.
    pub(super) fn of(code: &str) -> Option<Infix> {
        let (op, strength) = match code {
            "D" => (BinaryOp::Or, OR),
            "A" => (BinaryOp::And, AND),
            "=" => (BinaryOp::Equal, COMPARISON),
            "F" => (BinaryOp::NotEqual, COMPARISON),
            "<" => (BinaryOp::Less, COMPARISON),
            "G" => (BinaryOp::LessEqual, COMPARISON),
            ">" => (BinaryOp::Greater, COMPARISON),
            "H" => (BinaryOp::GreaterEqual, COMPARISON),
            "E" => (BinaryOp::Coalesce, COALESCE),
            "+" => (BinaryOp::Add, SUM),
            "-" => (BinaryOp::Subtract, SUM),
            "*" => (BinaryOp::Multiply, PRODUCT),
            "/" => (BinaryOp::Divide, PRODUCT),
            "%" => (BinaryOp::Modulo, PRODUCT),
            "5" => return Some(Infix::Outside),
            "B" | "NB" => return Some(Infix::Between { negated: code.len() > 1 }),
            "C" | "NC" => return Some(Infix::Like { negated: code.len() > 1 }),
            _ => return None,
        };
        Some(Infix::Binary(op, strength))
    }

    fn strength(&self) -> u8 {
        match self {
            Infix::Binary(_, strength) => *strength,
            _ => COMPARISON,
        }
    }
}

impl Builder<'_> {
    /// The expression that an `expr` is.
    pub fn expr(&mut self, node: Node<'_>, place: Place) -> Option<Expr> {
        let nodes: Vec<Node<'_>> = node.into_inner().collect();
        self.flat(&nodes, place)
    }

    /// The expression that a flat list is.
    pub(super) fn flat(&mut self, nodes: &[Node<'_>], place: Place) -> Option<Expr> {
        self.within(nodes, |builder| {
            let mut cursor = Cursor { nodes, at: 0 };
            let expr = builder.binary(&mut cursor, OR, place)?;
            match cursor.peek() {
                None => Some(expr),
                Some(rest) => {
                    let found = builder.misplaced(rest, place);
                    builder.tell(found)
                }
            }
        })
    }

    /// An operand, and the operators behind it that bind at least as strongly as `least`.
    fn binary(&mut self, cursor: &mut Cursor<'_, '_>, least: u8, place: Place) -> Option<Expr> {
        let mut left = self.unary(cursor, least, place)?;
        let mut compared = false;
        while let Some(node) = cursor.peek() {
            let (strength, infix) = match node.as_rule() {
                Rule::in_list | Rule::is_null => (COMPARISON, None),
                Rule::infix => {
                    let infix = Infix::of(node.as_str())?;
                    (infix.strength(), Some(infix))
                }
                _ => break,
            };
            if strength < least {
                break;
            }
            if strength == COMPARISON {
                if compared {
                    return self.tell(error!(
                        E0126, self.span(node), "comparisons do not follow each other";
                        help: "compare twice and join the two with `and`, or put one into parentheses"
                    ));
                }
                compared = true;
            }
            cursor.next();
            left = match infix {
                None => self.tail(left, node.clone(), place)?,
                Some(infix) => self.infix(left, infix, node, cursor, place)?,
            };
        }
        Some(left)
    }

    fn infix(
        &mut self,
        left: Expr,
        infix: Infix,
        node: &Node<'_>,
        cursor: &mut Cursor<'_, '_>,
        place: Place,
    ) -> Option<Expr> {
        let op_span = self.span(node);
        let start = left.span;
        let operand = Box::new(left);
        let (kind, end) = match infix {
            Infix::Binary(op, strength) => {
                if strength <= AND {
                    self.check_joined(&operand, node)?;
                }
                let right = Box::new(self.binary(cursor, strength + 1, place)?);
                let end = right.span;
                (ExprKind::Binary { op: Spanned::new(op, op_span), left: operand, right }, end)
            }
            Infix::Between { negated } => {
                let (low, high) = self.bounds(node, cursor, |b, c| b.binary(c, COALESCE, place))?;
                let end = high.span;
                (ExprKind::Between { operand, low: Box::new(low), high: Box::new(high), negated }, end)
            }
            Infix::Like { negated } => {
                let pattern = Box::new(self.binary(cursor, COALESCE, place)?);
                let end = pattern.span;
                (ExprKind::Like { operand, pattern, negated }, end)
            }
            Infix::Outside => {
                let model = Box::new(self.binary(cursor, COALESCE, place)?);
                let end = model.span;
                (ExprKind::Outside { operand, model }, end)
            }
        };
        Some(Expr { kind, span: start.to(end) })
    }

    /// `low and high`
    pub(super) fn bounds<'n, 't>(
        &mut self,
        between: &Node<'_>,
        cursor: &mut Cursor<'n, 't>,
        mut operand: impl FnMut(&mut Self, &mut Cursor<'n, 't>) -> Option<Expr>,
    ) -> Option<(Expr, Expr)> {
        let low = operand(self, cursor)?;
        if cursor.peek().is_none_or(|n| n.as_rule() != Rule::infix || n.as_str() != "A") {
            return self.tell(error!(
                E0126, self.span(between), "`between` wants two bounds"; help: "write `x between 1 and 2`"
            ));
        }
        cursor.next();
        Some((low, operand(self, cursor)?))
    }

    /// `m where a = 1 and b = 2`: the filter of a metric ends before `and`, which is hardly meant.
    fn check_joined(&mut self, left: &Expr, op: &Node<'_>) -> Option<()> {
        match &left.kind {
            ExprKind::Postfix { postfix, .. } if matches!(**postfix, Postfix::Where(_)) => self.tell(error!(
                E0123, self.span(op), "the filter of a metric ends before this `{}`", self.text(op);
                help: "put the whole filter into parentheses: `m where (a = 1 and b = 2)`"
            )),
            _ => Some(()),
        }
    }

    /// `in (…)` and `is null` after an operand.
    pub(super) fn tail(&mut self, operand: Expr, node: Node<'_>, place: Place) -> Option<Expr> {
        let span = operand.span.to(self.span(&node));
        let inner: Vec<Node<'_>> = node.into_inner().collect();
        let negated = inner.iter().any(|n| n.as_rule() == Rule::k_not);
        let operand = Box::new(operand);
        let last = inner.into_iter().next_back()?;
        let kind = match last.as_rule() {
            Rule::list => {
                let mut list = Vec::new();
                for element in last.into_inner().filter(|n| n.as_rule() == Rule::expr) {
                    list.push(self.expr(element, place)?);
                }
                ExprKind::In { operand, list, negated }
            }
            Rule::reference => {
                let call = Box::new(self.reference(last, place)?);
                if !matches!(call.kind, ExprKind::Call { .. }) {
                    return self.tell(error!(
                        E0101, call.span, "`in` wants a list"; help: "write the values in parentheses: `in (\"a\", \"b\")`"
                    ));
                }
                ExprKind::InCall { operand, call, negated }
            }
            _ => ExprKind::IsNull { operand, negated },
        };
        Some(Expr { kind, span })
    }

    /// An operand with the signs before it.
    fn unary(&mut self, cursor: &mut Cursor<'_, '_>, least: u8, place: Place) -> Option<Expr> {
        let Some(prefix) = cursor.next_if(Rule::prefix) else { return self.operand(cursor, place) };
        let op_span = self.span(prefix);
        let (op, operand) = if prefix.as_str() == "-" {
            (UnaryOp::Negate, self.unary(cursor, NEGATION, place)?)
        } else if least > NOT {
            return self.tell(error!(
                E0135, op_span, "`not` binds weaker than the operator before it"; help: "write `(not …)` in parentheses"
            ));
        } else {
            (UnaryOp::Not, self.binary(cursor, NOT, place)?)
        };
        let span = op_span.to(operand.span);
        Some(Expr { kind: ExprKind::Unary { op: Spanned::new(op, op_span), operand: Box::new(operand) }, span })
    }

    /// A primary with the clauses that bind to it.
    fn operand(&mut self, cursor: &mut Cursor<'_, '_>, place: Place) -> Option<Expr> {
        let mut expr = self.primary(cursor.next()?.clone(), place)?;
        while let Some(node) = cursor.peek() {
            let rule = node.as_rule();
            if rule == Rule::index {
                cursor.next();
                let span = expr.span.to(self.span(node));
                let index = node.clone().into_inner().next()?;
                let index = Box::new(self.expr(index, Place::Row)?);
                expr = Expr { kind: ExprKind::Index { operand: Box::new(expr), index }, span };
                continue;
            }
            let clause = matches!(rule, Rule::c_over | Rule::c_ago | Rule::c_across | Rule::c_at | Rule::where_glue);
            if !clause || place != Place::Formula {
                break;
            }
            cursor.next();
            let (postfix, end) = if rule == Rule::where_glue {
                let filter = self.filter(cursor, node)?;
                let end = filter.span;
                (Postfix::Where(filter), end)
            } else {
                (self.postfix(node.clone())?, self.span(node))
            };
            let span = expr.span.to(end);
            expr = Expr { kind: ExprKind::Postfix { operand: Box::new(expr), postfix: Box::new(postfix) }, span };
        }
        Some(expr)
    }

    pub(super) fn primary(&mut self, node: Node<'_>, place: Place) -> Option<Expr> {
        let span = self.span(&node);
        let kind = match node.as_rule() {
            Rule::numeric => ExprKind::Literal(self.numeric(&node)?),
            Rule::string => ExprKind::Literal(Literal::String(self.string(&node).value)),
            Rule::constant => ExprKind::Literal(match self.text(&node) {
                "true" => Literal::Bool(true),
                "false" => Literal::Bool(false),
                _ => Literal::Null,
            }),
            Rule::paren => return self.paren(node, place),
            Rule::case => self.case(node, place)?,
            Rule::sql => self.sql(node)?,
            Rule::reference => return self.reference(node, place),
            _ => {
                let found = self.misplaced(&node, place);
                return self.tell(found);
            }
        };
        Some(Expr { kind, span })
    }

    /// `(e)`, or `(M per PATH)` in a row or a filter.
    pub(super) fn paren(&mut self, node: Node<'_>, place: Place) -> Option<Expr> {
        let span = self.span(&node);
        let inner = node.into_inner().find(|n| n.as_rule() == Rule::expr)?;
        let nodes: Vec<Node<'_>> = inner.into_inner().collect();
        let kind = match (place, nodes.as_slice()) {
            (Place::Row | Place::Filter, [metric, per]) if per.as_rule() == Rule::c_per => {
                self.metric_per(metric, per)?
            }
            _ => ExprKind::Parenthesised(Box::new(self.flat(&nodes, place)?)),
        };
        Some(Expr { kind, span })
    }

    fn metric_per(&mut self, metric: &Node<'_>, per: &Node<'_>) -> Option<ExprKind> {
        let named = match metric.as_rule() {
            Rule::reference => self.reference(metric.clone(), Place::Row)?.kind,
            _ => ExprKind::Literal(Literal::Null),
        };
        let ExprKind::Path { path: metric_path, version } = named else {
            return self.tell(error!(
                E0128, self.span(metric), "only a metric's name stands before `per` here";
                help: "declare the metric, then write `(its_name per user_id)`"
            ));
        };
        let keys = per.clone().into_inner().find(|n| n.as_rule() == Rule::keys)?;
        match self.keys(keys)?.as_slice() {
            [super::Key::Path(key)] => Some(ExprKind::MetricPer { metric: metric_path, version, key: key.clone() }),
            // A column or dimension may be called like a step of the calendar.
            [super::Key::Step(Spanned { value: Step::Calendar(step), span })] => {
                let key = Path { parts: vec![Spanned::new(step.word().to_owned(), *span)], at: None, span: *span };
                Some(ExprKind::MetricPer { metric: metric_path, version, key })
            }
            _ => self.tell(error!(
                E0128, self.span(per), "a metric in a row is looked up by one column";
                help: "write `(metric per user_id)`"
            )),
        }
    }

    fn case(&mut self, node: Node<'_>, place: Place) -> Option<ExprKind> {
        let mut branches = Vec::new();
        let mut otherwise = None;
        let mut condition = None;
        let mut last = Rule::k_case;
        for inner in node.into_inner() {
            if inner.as_rule() != Rule::expr {
                last = inner.as_rule();
                continue;
            }
            let expr = self.expr(inner, place)?;
            match last {
                Rule::k_when => condition = Some(expr),
                Rule::k_then => branches.push((condition.take()?, expr)),
                _ => otherwise = Some(Box::new(expr)),
            }
        }
        Some(ExprKind::Case { branches, otherwise })
    }

    fn sql(&mut self, node: Node<'_>) -> Option<ExprKind> {
        let mut strings = Vec::new();
        let mut ty = None;
        for inner in node.into_inner() {
            match inner.as_rule() {
                Rule::string => strings.push(self.string(&inner)),
                Rule::typ => ty = Some(self.ty(inner)?),
                _ => {}
            }
        }
        let mut strings = strings.into_iter();
        let mut variants = Vec::new();
        while let (Some(dialect), Some(text)) = (strings.next(), strings.next()) {
            variants.push((dialect, text));
        }
        Some(ExprKind::Sql { variants, ty: ty? })
    }

    /// A name, a call or an aggregate.
    pub(super) fn reference(&mut self, node: Node<'_>, place: Place) -> Option<Expr> {
        let span = self.span(&node);
        let mut inner = node.into_inner();
        let path_node = inner.next()?;
        let path = self.path(&path_node)?;
        let kind = match inner.next() {
            None => ExprKind::Path { path, version: None },
            Some(version) if version.as_rule() == Rule::version => {
                ExprKind::Path { path, version: Some(self.version(&version)?) }
            }
            Some(arguments) => {
                let arguments: Vec<Node<'_>> =
                    arguments.into_inner().filter(|n| n.as_rule() == Rule::argument).collect();
                let quoted = self.text(&path_node).starts_with('`');
                let word = path.single().filter(|_| !quoted).map_or("", |n| n.value.as_str());
                match word {
                    "cast" | "json" | "date" | "timestamp" => {
                        let word = word.to_owned();
                        self.special(&word, path, &arguments, place)?
                    }
                    "sql" => {
                        return self.tell(error!(
                            E0136, span, "`sql` wants a text for each dialect and a type";
                            help: "write `sql(\"clickhouse\": \"…\", \"datafusion\": \"…\") as string`"
                        ));
                    }
                    _ if AGGREGATES.contains(&word) || place == Place::Formula && aggregates(&arguments) => {
                        self.aggregate_call(path, &arguments, span, place)?
                    }
                    _ => ExprKind::Call { function: path, arguments: self.arguments(&arguments, place)? },
                }
            }
        };
        Some(Expr { kind, span })
    }

    fn aggregate_call(
        &mut self,
        path: Path,
        arguments: &[Node<'_>],
        span: crate::diagnostic::Span,
        place: Place,
    ) -> Option<ExprKind> {
        let name = path.parts.into_iter().next()?;
        if place == Place::Formula {
            return Some(ExprKind::Aggregate(Box::new(self.aggregate(name, arguments, span)?)));
        }
        let found = error!(E0128, span, "`{}` aggregates rows, and this is said of one row", name.value);
        self.tell(match name.as_str() {
            "min" => found.help("for the lesser of several values write `least(a, b)`"),
            "max" => found.help("for the greater of several values write `greatest(a, b)`"),
            _ => found.help("declare a metric, then look it up with `(metric per user_id)`"),
        })
    }

    pub(super) fn arguments(&mut self, nodes: &[Node<'_>], place: Place) -> Option<Vec<Argument>> {
        let mut arguments = Vec::with_capacity(nodes.len());
        for node in nodes {
            let mut name = None;
            let mut value = None;
            for inner in node.clone().into_inner() {
                match inner.as_rule() {
                    Rule::label => name = Some(self.name(&inner)),
                    Rule::expr => value = Some(self.expr(inner, place)?),
                    Rule::typ | Rule::nullable => {
                        return self.tell(error!(
                            E0136, self.span(&inner), "a type has no place in this call";
                            help: "a type stands in `cast(x as T)` and as the last argument of `json(x, \"$.path\", T)`"
                        ));
                    }
                    _ => {}
                }
            }
            arguments.push(Argument { name, value: argument_value(value?, place) });
        }
        Some(arguments)
    }

    /// A clause after a metric.
    fn postfix(&mut self, node: Node<'_>) -> Option<Postfix> {
        let rule = node.as_rule();
        let span = self.span(&node);
        if rule == Rule::c_over {
            return Some(Postfix::Over(self.window(node)?));
        }
        let inner: Vec<Node<'_>> = node.into_inner().collect();
        let has = |rule: Rule| inner.iter().any(|n| n.as_rule() == rule);
        let find = |rule: Rule| inner.iter().find(|n| n.as_rule() == rule).cloned();
        if rule == Rule::c_across {
            return Some(Postfix::Across(self.keys(find(Rule::keys)?)?));
        }
        let step = self.step(find(Rule::step)?)?;
        if rule == Rule::c_ago {
            return Some(Postfix::Ago(step.value));
        }
        if has(Rule::k_last) {
            return self.tell(error!(
                E0124, span, "`at last` picks rows, and a metric has none";
                help: "write it inside of the aggregate: `sum(balance from account at last 1d)`"
            ));
        }
        let onwards = has(Rule::onwards);
        Some(if has(Rule::k_start) { Postfix::AtStartOf(step.value) } else { Postfix::At { age: step.value, onwards } })
    }

    /// The interval of a `c_over`.
    pub(super) fn window(&mut self, node: Node<'_>) -> Option<Window> {
        let inner: Vec<Node<'_>> = node.into_inner().collect();
        let Some(step) = inner.iter().find(|n| n.as_rule() == Rule::step) else { return Some(Window::All) };
        let step = self.step(step.clone())?.value;
        Some(if inner.iter().any(|n| n.as_rule() == Rule::k_date) { Window::ToDate(step) } else { Window::Step(step) })
    }

    /// What is wrong with a clause or an operand that nothing takes.
    pub(super) fn misplaced(&self, node: &Node<'_>, place: Place) -> Diagnostic {
        let span = self.span(node);
        let word = self.text(node);
        match (node.as_rule(), place) {
            (Rule::bar, _) => error!(
                E0124, span, "`|` joins row sets and the bindings of a dimension, not values";
                help: "write `or` between conditions; put a union of row sets into parentheses"
            ),
            (Rule::c_from | Rule::c_dated, _) => error!(
                E0124, span, "`{word}` stands outside of an aggregate";
                help: "an aggregate names its rows inside of its parentheses: `sum(pay_amount from paid_order)`"
            ),
            (Rule::c_per, Place::Row) => error!(
                E0124, span, "`per` looks up a metric only within parentheses of its own";
                help: "write `(orders per user_id) >= 3`"
            ),
            (Rule::c_per, _) => error!(
                E0124, span, "`per` stands outside of an aggregate";
                help: "say what becomes of the groups: `avg(count(event) per user_id)`"
            ),
            (Rule::raw_rows | Rule::first_rows, _) => error!(
                E0124, span, "rows are no value";
                help: "aggregate them, as in `count(raw event)`, or declare a subset"
            ),
            (Rule::where_glue, Place::Row) => error!(
                E0124, span, "a second `where` has no place in a condition"; help: "join the conditions with `and`"
            ),
            (_, Place::Formula) => error!(
                E0124, span, "`{word}` must directly follow a metric"; help: "put what it belongs to into parentheses"
            ),
            _ => error!(
                E0124, span, "`{word}` belongs to metrics, and this is said of one row";
                help: "move it to the metric, or to the aggregate around the rows"
            ),
        }
    }
}

/// A bare calendar word in a formula's call is a step.
fn argument_value(expr: Expr, place: Place) -> ArgumentValue {
    match &expr.kind {
        ExprKind::Path { path, version: None } if place == Place::Formula => match calendar_word(path) {
            Some(step) => ArgumentValue::Step(Spanned::new(Step::Calendar(step), expr.span)),
            None => ArgumentValue::Expr(expr),
        },
        _ => ArgumentValue::Expr(expr),
    }
}
