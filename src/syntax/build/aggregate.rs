//! `AGG(…)`: which part of the flat list between the parentheses is what.

use super::{Builder, expr::Place, rows::is_rows, special::single};
use crate::{
    diagnostic::{Diagnostic, Span, Spanned},
    error,
    syntax::{
        ast::{Aggregate, AggregateInput, Expr, ExprKind, Key, Literal, Name, Path, Step, Window},
        grammar::{Node, Rule},
    },
};

/// The clauses of a leaf, in the order in which they stand.
#[derive(Default)]
struct Clauses {
    dated: Option<Path>,
    filter: Option<Expr>,
    over: Option<Spanned<Window>>,
    at_last: Option<Spanned<Step>>,
    per: Vec<Key>,
}

impl Builder<'_> {
    /// The aggregate of this name.
    pub(super) fn aggregate(&mut self, function: Name, arguments: &[Node<'_>], span: Span) -> Option<Aggregate> {
        let Some((input, rest)) = arguments.split_first() else {
            return self.tell(error!(
                E0137, span, "`{}` has nothing to aggregate", function.value;
                help: ("name the rows, such as `{}`", example(&function))
            ));
        };
        let input_span = self.span(input);
        let inner: Vec<Node<'_>> = input.clone().into_inner().collect();
        let [expr] = inner.as_slice() else {
            return self.tell(error!(
                E0137, input_span, "an aggregate starts with what is aggregated"; help: ("write `{}`", example(&function))
            ));
        };
        let nodes: Vec<Node<'_>> = expr.clone().into_inner().collect();
        let mut aggregate = self.within(&nodes, |builder| builder.input(&function, &nodes))?;
        for argument in rest {
            aggregate.arguments.push(self.literal_argument(argument)?);
        }
        Some(aggregate)
    }

    /// What stands before the first comma.
    fn input(&mut self, function: &Name, nodes: &[Node<'_>]) -> Option<Aggregate> {
        let position = |rule: Rule| nodes.iter().position(|n| n.as_rule() == rule);
        let from = position(Rule::c_from);
        let per = position(Rule::c_per);
        let at_last = nodes.iter().any(|n| n.as_rule() == Rule::c_at && is_at_last(n));
        if let (Some(per), None, false) = (per, from, at_last) {
            return self.nested(function, nodes, per);
        }
        let (input, clauses) = match from {
            Some(from) => {
                let expr = self.operand_of(function, &nodes[..from], &nodes[from])?;
                let rows = nodes[from].clone().into_inner().nth(1)?;
                (AggregateInput::ExprFrom { expr, rows: self.row_atom(rows)? }, &nodes[from + 1..])
            }
            None if is_rows(nodes, true) => (AggregateInput::Rows(self.row_atom(nodes[0].clone())?), &nodes[1..]),
            // What it is of, only names decide: `p50(pay_funnel.time(register, pay))`.
            None => (AggregateInput::Formula(self.flat(nodes, Place::Formula)?), &nodes[nodes.len()..]),
        };
        let clauses = self.clauses(clauses)?;
        if let (Some(per), None) = (per, &clauses.at_last) {
            return self.tell(error!(
                E0125, self.span(&nodes[per]), "`per` follows `at last` only, where rows are named with `from`";
                help: "aggregate twice: `avg(sum(pay_amount from paid_order) per user_id)`"
            ));
        }
        Some(Aggregate {
            function: function.clone(),
            input,
            dated: clauses.dated,
            filter: clauses.filter,
            over: clauses.over,
            at_last: clauses.at_last,
            per: clauses.per,
            per_filter: None,
            arguments: Vec::new(),
        })
    }

    /// `FORMULA per KEYS [where p]`
    fn nested(&mut self, function: &Name, nodes: &[Node<'_>], per: usize) -> Option<Aggregate> {
        let condition = match &nodes[per + 1..] {
            [] => None,
            [glue, condition @ ..] if glue.as_rule() == Rule::where_glue => Some(condition),
            _ if nodes[..per].iter().any(|n| n.as_rule() == Rule::where_glue) => {
                return self.tell(self.misplaced(&nodes[per], Place::Row));
            }
            [other, ..] => {
                return self.tell(error!(
                    E0125, self.span(other), "only `where` may follow `per`";
                    help: "put the other clauses before `per`, or behind the closing parenthesis"
                ));
            }
        };
        let input = AggregateInput::Formula(self.flat(&nodes[..per], Place::Formula)?);
        let keys = nodes[per].clone().into_inner().find(|n| n.as_rule() == Rule::keys)?;
        let per_keys = self.keys(keys)?;
        let per_filter = match condition {
            Some(condition) => Some(self.flat(condition, Place::Row)?),
            None => None,
        };
        Some(Aggregate {
            function: function.clone(),
            input,
            dated: None,
            filter: None,
            over: None,
            at_last: None,
            per: per_keys,
            per_filter,
            arguments: Vec::new(),
        })
    }

    /// The expression before `from`.
    fn operand_of(&mut self, function: &Name, nodes: &[Node<'_>], from: &Node<'_>) -> Option<Expr> {
        if nodes.is_empty() {
            return self.tell(error!(
                E0137, self.span(from), "`{}` does not say what it takes of these rows", function.value;
                help: ("write `{}`", example(function))
            ));
        }
        self.flat(nodes, Place::Row)
    }

    fn clauses(&mut self, nodes: &[Node<'_>]) -> Option<Clauses> {
        let mut clauses = Clauses::default();
        let mut last = "";
        let mut reached = 0;
        let mut at = 0;
        while let Some(node) = nodes.get(at) {
            at += 1;
            let (order, word) = match node.as_rule() {
                Rule::c_dated => (1, "dated"),
                Rule::where_glue => (2, "where"),
                Rule::c_over => (3, "over"),
                Rule::c_at if is_at_last(node) => (4, "at last"),
                Rule::c_per => (5, "per"),
                _ => return self.tell(self.not_a_clause(node)),
            };
            if order <= reached {
                let found = error!(E0125, self.span(node), "`{word}` may not follow `{last}` here");
                return self.tell(if order == reached {
                    found.help("write it once; join conditions with `and`")
                } else {
                    found.help("the order is `dated`, `where`, `over`, `at last`, `per`")
                });
            }
            (reached, last) = (order, word);
            if order == 2 {
                let length = nodes[at..].iter().take_while(|n| !is_clause(n)).count();
                clauses.filter = Some(self.flat(&nodes[at..at + length], Place::Row)?);
                at += length;
            } else {
                self.clause(node, &mut clauses)?;
            }
        }
        Some(clauses)
    }

    fn clause(&mut self, node: &Node<'_>, clauses: &mut Clauses) -> Option<()> {
        let span = self.span(node);
        let inner = |rule: Rule| node.clone().into_inner().find(|n| n.as_rule() == rule);
        match node.as_rule() {
            Rule::c_dated => clauses.dated = Some(self.path(&inner(Rule::path)?)?),
            Rule::c_over => clauses.over = Some(Spanned::new(self.window(node.clone())?, span)),
            Rule::c_at => clauses.at_last = Some(self.step(inner(Rule::step)?)?),
            _ => clauses.per = self.keys(inner(Rule::keys)?)?,
        }
        Some(())
    }

    fn not_a_clause(&self, node: &Node<'_>) -> Diagnostic {
        let span = self.span(node);
        let text = self.text(node);
        match node.as_rule() {
            Rule::bar => error!(
                E0124, span, "a union of row sets stands in parentheses here"; help: "write `count((a | b) where …)`"
            ),
            Rule::c_at | Rule::c_ago | Rule::c_across => error!(
                E0124, span, "`{text}` moves a metric, and these are rows";
                help: ("put `{text} …` behind the closing parenthesis of the aggregate")
            ),
            _ => error!(
                E0124, span, "`{text}` has no place behind the rows of an aggregate";
                help: "after the rows stand `dated`, `where`, `over`, `at last` and `per`, in this order"
            ),
        }
    }

    fn literal_argument(&mut self, node: &Node<'_>) -> Option<Spanned<Literal>> {
        let span = self.span(node);
        let value = match single(node) {
            Some(value) if matches!(value.as_rule(), Rule::numeric | Rule::string | Rule::constant) => {
                self.operand_literal(value)
            }
            _ => None,
        };
        match value {
            Some(value) => Some(Spanned::new(value, span)),
            None => self.tell(error!(
                E0137, span, "a further argument of an aggregate is a literal"; help: "write a number: `quantile(latency from api_call, 0.9)`"
            )),
        }
    }

    fn operand_literal(&mut self, node: Node<'_>) -> Option<Literal> {
        match self.flat(&[node], Place::Row)?.kind {
            ExprKind::Literal(literal) => Some(literal),
            _ => None,
        }
    }
}

fn is_clause(node: &Node<'_>) -> bool {
    matches!(
        node.as_rule(),
        Rule::c_dated
            | Rule::c_over
            | Rule::c_at
            | Rule::c_per
            | Rule::c_ago
            | Rule::c_across
            | Rule::c_from
            | Rule::where_glue
    )
}

fn is_at_last(node: &Node<'_>) -> bool {
    node.clone().into_inner().any(|n| n.as_rule() == Rule::k_last)
}

/// Whether the arguments are those of an aggregate, whatever its name: `summ(pay_amount from paid_order)`.
pub(super) fn aggregates(arguments: &[Node<'_>]) -> bool {
    let Some(input) = arguments.first() else { return false };
    input
        .clone()
        .into_inner()
        .filter(|n| n.as_rule() == Rule::expr)
        .flat_map(Node::into_inner)
        .any(|n| matches!(n.as_rule(), Rule::c_from | Rule::c_dated | Rule::c_per))
}

/// A right call of this aggregate.
fn example(function: &Name) -> String {
    match function.as_str() {
        "count" => "count(event)".to_owned(),
        "quantile" | "quantile_disc" | "approx_quantile" => format!("{}(latency from api_call, 0.9)", function.value),
        "distinct" | "approx_distinct" => format!("{}(user_id from event)", function.value),
        other => format!("{other}(pay_amount from paid_order)"),
    }
}
