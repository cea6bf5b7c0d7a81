//! The order in which declarations can be typed: each after what it uses. Cycles are told.

use crate::diagnostic::{Diagnostics, Span};
use crate::error;
use crate::syntax::ast::{self, AggregateInput, Expr, ExprKind, RowSet, RowSetKind};

use super::{Names, RowName};

/// The places of all metrics in levels, so that a formula names only metrics of levels before its own; those on a cycle are
/// told and left out.
pub fn metric_levels(names: &Names<'_>, diagnostics: &mut Diagnostics) -> Vec<Vec<usize>> {
    let uses: Vec<Vec<(usize, Span)>> = (names.metrics.iter())
        .map(|metric| {
            let mut found = Vec::new();
            let mut visit = |path: &ast::Path, version| {
                // `dau.growth_1d` is of `dau`.
                if path.at.is_none()
                    && let Some(place) = names.metric(&path.parts[0], version)
                {
                    found.push((place, path.span));
                }
            };
            metrics_in(names, &metric.syntax.formula, &mut visit);
            let mut rows = RowMetrics { names, seen: Vec::new(), visit: &mut visit };
            rows.of_formula(&metric.syntax.formula);
            found
        })
        .collect();
    let sorted = order(&uses, |place| &names.metrics[place].syntax.name, "metric", diagnostics);
    let mut level_of = vec![0; uses.len()];
    let mut levels: Vec<Vec<usize>> = Vec::new();
    for place in sorted {
        let level = uses[place].iter().map(|(used, _)| level_of[*used] + 1).max().unwrap_or(0);
        level_of[place] = level;
        if levels.len() <= level {
            levels.resize(level + 1, Vec::new());
        }
        levels[level].push(place);
    }
    levels
}

/// A named row set that is made of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MadeRows {
    /// A subset, by its place in [`Names::subsets`].
    Subset(usize),
    /// A session, by its place in [`Names::sessions`].
    Session(usize),
}

/// All subsets and sessions, each after those it is made of; those on a cycle are told and left out.
pub fn row_set_order(names: &Names<'_>, diagnostics: &mut Diagnostics) -> Vec<MadeRows> {
    let subsets = names.subsets.len();
    let uses_of = |rows: &mut dyn Iterator<Item = &RowSet>| {
        let mut found = Vec::new();
        for rows in rows {
            row_sets_in(rows, &mut |path, version| {
                let place = match path.single().and_then(|name| names.row_set(name, version)) {
                    Some(RowName::Subset(place)) => place,
                    Some(RowName::Session(place)) => subsets + place,
                    Some(RowName::Table(_)) | None => return,
                };
                found.push((place, path.span));
            });
        }
        found
    };
    let of_subsets = names.subsets.iter().map(|subset| uses_of(&mut std::iter::once(&subset.syntax.rows)));
    let of_sessions = names.sessions.iter().map(|session| uses_of(&mut rows_of_block(session.syntax)));
    let uses: Vec<Vec<(usize, Span)>> = of_subsets.chain(of_sessions).collect();
    let name = |place: usize| match place.checked_sub(subsets) {
        None => &names.subsets[place].syntax.name,
        Some(session) => &names.sessions[session].syntax.name,
    };
    let sorted = order(&uses, name, "row set", diagnostics);
    let made = |place: usize| match place.checked_sub(subsets) {
        None => MadeRows::Subset(place),
        Some(session) => MadeRows::Session(session),
    };
    sorted.into_iter().map(made).collect()
}

/// The row sets that stand in a block's items: `events: event`, `step pay = paid_order`.
pub fn rows_of_block(block: &ast::Block) -> impl Iterator<Item = &RowSet> {
    block.items.iter().flat_map(|item| match &item.kind {
        ast::ItemKind::Keyed { values, .. } => {
            let rows = values.iter().filter_map(|value| match &value.kind {
                ast::ValueKind::Rows { rows, .. } => Some(rows),
                _ => None,
            });
            rows.collect()
        }
        ast::ItemKind::Step { rows, .. } | ast::ItemKind::Exclude { rows, .. } => vec![rows],
        _ => Vec::new(),
    })
}

/// The places of declarations of a kind, each after those it uses; those on a cycle are told and left out. `uses` says for
/// each place what it uses, and where.
///
/// Depth first, without recursion, so that a chain of any length is fine.
pub fn order<'a>(
    uses: &[Vec<(usize, Span)>],
    name: impl Fn(usize) -> &'a ast::Name,
    kind: &str,
    diagnostics: &mut Diagnostics,
) -> Vec<usize> {
    #[derive(Clone, Copy, PartialEq)]
    enum State {
        New,
        Open,
        Done,
        Broken,
    }
    let mut state = vec![State::New; uses.len()];
    let mut sorted = Vec::with_capacity(uses.len());
    for start in 0..uses.len() {
        if state[start] != State::New {
            continue;
        }
        let mut path: Vec<(usize, usize)> = vec![(start, 0)];
        state[start] = State::Open;
        while let Some((place, next)) = path.last_mut() {
            let (place, used) = (*place, uses[*place].get(*next));
            *next += 1;
            let Some((used, span)) = used.copied() else {
                path.pop();
                // What uses something on a cycle is sound itself: its own typing finds that part missing, silently.
                if state[place] == State::Open {
                    state[place] = State::Done;
                    sorted.push(place);
                }
                continue;
            };
            match state[used] {
                State::New => {
                    state[used] = State::Open;
                    path.push((used, 0));
                }
                State::Open | State::Broken if path.iter().any(|(open, _)| *open == used) => {
                    let from = path.iter().position(|(open, _)| *open == used).unwrap_or(0);
                    let cycle: Vec<usize> = path[from..].iter().map(|(open, _)| *open).collect();
                    if cycle.iter().any(|place| state[*place] == State::Open) {
                        diagnostics.push(cycle_error(&cycle, span, &name, kind));
                    }
                    for place in cycle {
                        state[place] = State::Broken;
                    }
                }
                _ => {}
            }
        }
    }
    sorted
}

fn cycle_error<'a>(
    cycle: &[usize],
    span: Span,
    name: &impl Fn(usize) -> &'a ast::Name,
    kind: &str,
) -> crate::diagnostic::Diagnostic {
    let shown = cycle.iter().take(6).map(|place| format!("`{}`", name(*place).value));
    let mut chain: Vec<String> = shown.collect();
    if cycle.len() > 6 {
        chain.push(format!("… {} more", cycle.len() - 6));
    }
    chain.push(format!("`{}`", name(cycle[0]).value));
    let help = match kind {
        "column" => "break the cycle: one of these must be stored",
        _ => "break the cycle: one of these must be defined from rows",
    };
    let mut found = error!(E0211, span, "the {kind} `{}` is defined by itself: {}", name(cycle[0]).value, chain.join(" → ");
        label: "closes the cycle"; help: help);
    for place in cycle.iter().take(6) {
        let declared = name(*place);
        found = found.related(declared.span, format!("`{}` is declared here", declared.value));
    }
    found
}

/// Calls `visit` for every path in a formula that can name a metric.
fn metrics_in(names: &Names<'_>, formula: &Expr, visit: &mut dyn FnMut(&ast::Path, Option<u32>)) {
    match &formula.kind {
        ExprKind::Path { path, version } => {
            visit(path, version.as_ref().map(|version| version.value));
            metrics_of_experiment(names, path, visit);
        }
        ExprKind::Aggregate(aggregate) => {
            // A bare name without `per` is a row set: `count(paid_order)`.
            if let AggregateInput::Formula(inner) = &aggregate.input
                && !aggregate.per.is_empty()
            {
                metrics_in(names, inner, visit);
            }
        }
        // What a column of a funnel takes are its steps.
        ExprKind::Call { function, .. }
            if function.parts.first().is_some_and(|name| names.is_of_kind(name, "funnel")) => {}
        ExprKind::Call { function, .. } => {
            metrics_of_experiment(names, function, visit);
            formula.children(&mut |child| metrics_in(names, child, visit));
        }
        // A condition after `where` names dimensions, not metrics: only the operand counts.
        _ => formula.children(&mut |child| metrics_in(names, child, visit)),
    }
}

/// Calls `visit` for the metrics of the experiment that a path is a column of.
fn metrics_of_experiment(names: &Names<'_>, column: &ast::Path, visit: &mut dyn FnMut(&ast::Path, Option<u32>)) {
    let Some(first) = column.parts.first().filter(|name| names.is_of_kind(name, "experiment")) else { return };
    let Some(place) = names.behaviour(first, None) else { return };
    for item in &names.behaviours[place].syntax.items {
        let ast::ItemKind::Keyed { key, values } = &item.kind else { continue };
        for value in values.iter().filter(|_| key.value == "metrics") {
            if let ast::ValueKind::Expr { expr: Expr { kind: ExprKind::Path { path, version }, .. }, .. } = &value.kind
            {
                visit(path, version.as_ref().map(|version| version.value));
            }
        }
    }
}

/// The metrics that conditions on rows name: `(orders per user_id)`.
struct RowMetrics<'a, 'v> {
    names: &'a Names<'a>,
    /// The named row sets that were looked into.
    seen: Vec<RowName>,
    visit: &'v mut dyn FnMut(&ast::Path, Option<u32>),
}

impl RowMetrics<'_, '_> {
    /// Those of the rows that a formula's aggregates are of.
    fn of_formula(&mut self, formula: &Expr) {
        formula.walk(&mut |part| {
            if let ExprKind::Path { path, .. } | ExprKind::Call { function: path, .. } = &part.kind {
                self.of_behaviour(path);
            }
            let ExprKind::Aggregate(aggregate) = &part.kind else { return };
            match &aggregate.input {
                AggregateInput::Rows(rows) | AggregateInput::ExprFrom { rows, .. } => self.of_rows(rows),
                AggregateInput::Formula(inner) => {
                    if let (ExprKind::Path { path, version }, true) = (&inner.kind, aggregate.per.is_empty()) {
                        self.named(path, version.as_ref().map(|version| version.value));
                    }
                }
            }
            aggregate.filter.iter().for_each(|filter| self.of_condition(filter));
        });
    }

    fn of_rows(&mut self, rows: &RowSet) {
        match &rows.kind {
            RowSetKind::Named { name, version } => self.named(name, version.as_ref().map(|version| version.value)),
            RowSetKind::Raw(_) => {}
            RowSetKind::Where { rows, predicate } => {
                self.of_rows(rows);
                self.of_condition(predicate);
            }
            RowSetKind::Parenthesised(rows) | RowSetKind::Dated { rows, .. } | RowSetKind::FirstOf { rows, .. } => {
                self.of_rows(rows);
            }
            RowSetKind::Union(members) => members.iter().for_each(|member| self.of_rows(member)),
        }
    }

    fn named(&mut self, path: &ast::Path, version: Option<u32>) {
        let Some(found) = path.single().and_then(|name| self.names.row_set(name, version)) else { return };
        if self.seen.contains(&found) {
            return;
        }
        self.seen.push(found);
        match found {
            RowName::Table(_) => {}
            RowName::Subset(place) => self.of_rows(&self.names.subsets[place].syntax.rows),
            RowName::Session(place) => {
                rows_of_block(self.names.sessions[place].syntax).for_each(|rows| self.of_rows(rows));
            }
        }
    }

    /// Those of the rows of a table of behaviour that a formula takes a column of.
    fn of_behaviour(&mut self, path: &ast::Path) {
        if let Some(place) = path.parts.first().and_then(|name| self.names.behaviour(name, None)) {
            rows_of_block(self.names.behaviours[place].syntax).for_each(|rows| self.of_rows(rows));
        }
    }

    fn of_condition(&mut self, condition: &Expr) {
        condition.walk(&mut |part| {
            if let ExprKind::MetricPer { metric, version, .. } = &part.kind {
                (self.visit)(metric, version.as_ref().map(|version| version.value));
            }
        });
    }
}

/// Calls `visit` for every row set that a row set names.
pub fn row_sets_in(rows: &RowSet, visit: &mut impl FnMut(&ast::Path, Option<u32>)) {
    match &rows.kind {
        RowSetKind::Named { name, version } => visit(name, version.as_ref().map(|version| version.value)),
        RowSetKind::Raw(name) => visit(name, None),
        RowSetKind::Parenthesised(rows)
        | RowSetKind::Where { rows, .. }
        | RowSetKind::Dated { rows, .. }
        | RowSetKind::FirstOf { rows, .. } => row_sets_in(rows, visit),
        RowSetKind::Union(members) => members.iter().for_each(|member| row_sets_in(member, visit)),
    }
}

/// Calls `visit` for every row set that stands in a formula's aggregates.
pub fn row_sets_of_formula<'a>(formula: &'a Expr, visit: &mut impl FnMut(&'a RowSet)) {
    formula.walk(&mut |part| {
        if let ExprKind::Aggregate(aggregate) = &part.kind
            && let AggregateInput::Rows(rows) | AggregateInput::ExprFrom { rows, .. } = &aggregate.input
        {
            visit(rows);
        }
    });
}

/// Calls `visit` for every row set that a formula's aggregates name.
pub fn names_of_formula(formula: &Expr, visit: &mut impl FnMut(&ast::Path, Option<u32>)) {
    formula.walk(&mut |part| {
        if let ExprKind::Aggregate(aggregate) = &part.kind {
            match &aggregate.input {
                AggregateInput::Rows(rows) | AggregateInput::ExprFrom { rows, .. } => row_sets_in(rows, visit),
                // `count(paid_order)`: whether it is a row set, names decide.
                AggregateInput::Formula(inner) => {
                    if let ExprKind::Path { path, version } = &inner.kind {
                        visit(path, version.as_ref().map(|version| version.value));
                    }
                }
            }
        }
    });
}

/// Calls `visit` for every row set that the measures of a block name.
pub fn names_of_measures(block: &ast::Block, visit: &mut impl FnMut(&ast::Path, Option<u32>)) {
    for item in &block.items {
        let ast::ItemKind::Measure { value, .. } = &item.kind else { continue };
        match &value.kind {
            ast::ValueKind::SinceLast(path) => visit(path, None),
            ast::ValueKind::Expr { expr, .. } => names_of_formula(expr, visit),
            _ => {}
        }
    }
}
