//! Large formulas in which parts come again: each of those is computed once, under a name.

use std::hash::{Hash, Hasher};

use rustc_hash::{FxHashMap, FxHasher};
use sqlparser::ast::Query;

use super::Lowering;
use super::combine::COMBINED;
use super::output::Measures;
use crate::plan::{Expr, ExprKind, Function, Input};
use crate::sql::build::{self, Parts};

/// Formulas of so many operators altogether are written as they are.
const LARGE: usize = 60;
/// Parts of fewer operators are not worth a name.
const WORTH: usize = 3;

/// The formulas of a query with names for what comes again.
pub(super) struct Named {
    /// The formulas.
    pub formulas: Vec<Expr>,
    /// What the names stand for, each level in terms of those before it.
    levels: Vec<Vec<(String, Expr)>>,
}

/// An expression that is there once, however often it is used.
struct Node {
    /// With references in the places of its parts.
    own: Expr,
    parts: Vec<usize>,
    operators: usize,
    uses: usize,
    name: Option<String>,
    level: usize,
}

#[derive(Default)]
struct Nodes {
    all: Vec<Node>,
    known: FxHashMap<u64, Vec<usize>>,
}

impl Named {
    pub fn new(formulas: Vec<Expr>) -> Named {
        let mut nodes = Nodes::default();
        let tops: Vec<usize> = formulas.iter().map(|formula| nodes.add(formula)).collect();
        let operators = tops.iter().fold(0_usize, |sum, top| sum.saturating_add(nodes.all[*top].operators));
        if operators <= LARGE {
            return Named { formulas, levels: Vec::new() };
        }
        tops.iter().for_each(|top| nodes.all[*top].uses += 1);
        let mut levels: Vec<Vec<(String, Expr)>> = Vec::new();
        let mut count = 0;
        // Parts stand before what they are of.
        for at in 0..nodes.all.len() {
            let below = nodes.all[at].parts.iter().map(|part| nodes.all[*part].level).max().unwrap_or(0);
            let node = &mut nodes.all[at];
            node.level = below;
            if node.uses > 1 && node.operators >= WORTH {
                node.name = Some(format!("_e{count}"));
                node.level = below + 1;
                count += 1;
                levels.resize_with(levels.len().max(below + 1), Vec::new);
                let named = (format!("_e{}", count - 1), nodes.written(at, true));
                levels[below].push(named);
            }
        }
        let formulas = tops.into_iter().map(|top| nodes.written(top, false)).collect();
        Named { formulas, levels }
    }
}

impl Nodes {
    /// The place of an expression.
    fn add(&mut self, expr: &Expr) -> usize {
        let mut parts = Vec::new();
        let mut own = expr.clone();
        each_part(&mut own, &mut |part| {
            parts.push(self.add(part));
            let name = format!("#{}", parts[parts.len() - 1]);
            part.kind = ExprKind::Column { input: Input::Output, name };
        });
        let mut hasher = FxHasher::default();
        own.hash(&mut hasher);
        let alike = self.known.entry(hasher.finish()).or_default();
        if let Some(found) = alike.iter().find(|at| self.all[**at].own == own) {
            return *found;
        }
        alike.push(self.all.len());
        // Conditions and literals have no operator of their own.
        let own_operators = usize::from(!parts.is_empty());
        let operators = parts.iter().fold(own_operators, |sum, part| sum.saturating_add(self.all[*part].operators));
        // What an engine writes twice of an argument is better named.
        let uses = if is_written_twice(&own) { 2 } else { 1 };
        parts.iter().for_each(|part| self.all[*part].uses += uses);
        self.all.push(Node { own, parts, operators, uses: 0, name: None, level: 0 });
        self.all.len() - 1
    }

    /// An expression with the names that there are in it; its own one is not used where it is `defined`.
    fn written(&self, at: usize, defined: bool) -> Expr {
        let node = &self.all[at];
        if let (Some(name), false) = (&node.name, defined) {
            let kind = ExprKind::Column { input: Input::Output, name: name.clone() };
            return Expr { kind, ty: node.own.ty.clone(), nullable: node.own.nullable };
        }
        let mut parts = node.parts.iter();
        let mut own = node.own.clone();
        each_part(&mut own, &mut |part| {
            if let Some(of) = parts.next() {
                *part = self.written(*of, false);
            }
        });
        own
    }
}

/// Whether some engine's form of a call has its arguments more than once.
fn is_written_twice(expr: &Expr) -> bool {
    use Function::{Above, ChiSquaredTail, Erfc, Exp, Ln, Power, Sqrt};
    matches!(expr.kind, ExprKind::Call(Above | ChiSquaredTail | Erfc | Exp | Ln | Power | Sqrt, _))
}

/// Calls `visit` for each expression directly below, in order.
fn each_part(expr: &mut Expr, visit: &mut dyn FnMut(&mut Expr)) {
    match &mut expr.kind {
        ExprKind::Call(_, arguments) | ExprKind::Sql { arguments, .. } => arguments.iter_mut().for_each(visit),
        ExprKind::Case { branches, otherwise } => {
            for (condition, value) in branches {
                visit(condition);
                visit(value);
            }
            otherwise.iter_mut().for_each(|value| visit(value));
        }
        ExprKind::Column { .. }
        | ExprKind::Measure(_)
        | ExprKind::Bucket
        | ExprKind::Steps { .. }
        | ExprKind::Literal(_) => {}
    }
}

impl Lowering<'_> {
    /// The combined rows with what the formulas name beside them.
    pub(super) fn with_named(&self, combined: Query, named: &Named) -> Query {
        let measures = Measures(self);
        named.levels.iter().fold(combined, |rows, level| {
            let mut projection = vec![build::all_of(COMBINED)];
            projection.extend(
                level.iter().map(|(name, value)| build::item(self.settled(value, &measures), build::ident(name))),
            );
            Parts { projection, from: Some(build::derived(rows, COMBINED)), ..Parts::default() }.query()
        })
    }
}
