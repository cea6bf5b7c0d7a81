//! The shares that rules of quality look at, as formulas. They are made of counts, as a metric of the same words would be, so
//! that every engine computes them alike.

use crate::diagnostic::{Diagnostics, Span, Spanned};
use crate::error;
use crate::resolve::Names;
use crate::suggest::near;
use crate::syntax::ast::{self, AggregateInput, BinaryOp, ExprKind, Key, RowSet, RowSetKind};
use crate::value::{Function, Span as Length, Step};

use super::super::formula::{Column, Facts, FormulaScope};
use super::super::model::{
    Better, Fill, Formula, FormulaKind, Grain, Metric, MetricId, Serve, Table, Tier, Type, ValueType,
};
use super::super::size::FormulaSize;
use super::super::unit::Unit;
use super::declare::{Ruled, What, length};
use super::distance::Distance;
use super::{Quality, Rule, RuleKind, Way, hierarchy};

/// The metric of all rows, as they came.
const ROWS: &str = "rows";
/// The metric of the instant at which the newest row came.
const NEWEST: &str = "newest";

const COLUMNS: [&str; 9] = ["complete", "duplicates", "late", "match", "valid", "mismatch", "one_parent", ROWS, NEWEST];

impl FormulaScope<'_> {
    /// `event_quality.complete(user_id)`; none where the path leads to no rules of quality.
    pub(in crate::types) fn of_quality(&self, asked: &Column<'_>, d: &mut Diagnostics) -> Option<Option<Formula>> {
        let place = asked.path.parts.first().and_then(|name| self.names.quality(name))?;
        let Some(ruled) = &self.qualities[place] else { return Some(None) };
        Some(self.column_of(ruled, asked, d))
    }

    fn column_of(&self, ruled: &Ruled<'_>, asked: &Column<'_>, d: &mut Diagnostics) -> Option<Formula> {
        let name = &ruled.declared.syntax.name.value;
        let [_, column] = asked.path.parts.as_slice() else {
            d.push(error!(E0844, asked.span, "`{name}` has rules of quality: a metric is one of them";
                help: ("write `{name}.duplicates`, `{name}.complete(column)` or another of: {}", COLUMNS.join(", "))));
            return None;
        };
        if asked.at.is_some() || asked.version.is_some() || asked.path.at.is_some() {
            d.push(
                error!(E0844, asked.span, "a rule of quality has neither ages nor versions"; help: "leave them out"),
            );
            return None;
        }
        let of = Of { scope: self, ruled, table: &self.tables[ruled.table.0], span: asked.span };
        match column.as_str() {
            ROWS => of.without(asked, d).and_then(|()| of.rows(d)),
            NEWEST => of.without(asked, d).and_then(|()| of.newest(d)),
            _ => of.share(&of.meant(column, asked, d)?, d),
        }
    }
}

/// The columns of one declaration, asked for somewhere.
pub(super) struct Of<'s, 'a> {
    pub(super) scope: &'s FormulaScope<'s>,
    ruled: &'s Ruled<'a>,
    table: &'s Table,
    pub(super) span: Span,
}

impl<'s, 'a> Of<'s, 'a> {
    /// What a column of the declaration is a share of.
    fn meant(&self, column: &ast::Name, asked: &Column<'_>, d: &mut Diagnostics) -> Option<What<'a>> {
        let declared = |kind: fn(&What<'_>) -> bool| self.ruled.rules.iter().find(|rule| kind(&rule.what));
        let own = &self.ruled.declared.syntax.name.value;
        let found = match column.as_str() {
            "complete" => What::Complete(self.column(asked, d)?),
            "match" => {
                let place = self.column(asked, d)?;
                if !matches!(self.table.columns[place].ty.ty, Type::Entity(_)) {
                    d.push(error!(E0843, asked.span, "`{}` leads to no entity", self.table.columns[place].name.value;
                        help: "name a column whose type is an entity"));
                    return None;
                }
                What::Match(place)
            }
            "late" => {
                match argument(asked).and_then(length) {
                    Some(_) if self.table.arrived.is_none() || self.table.time.is_none() => {
                        d.push(error!(E0843, asked.span, "the rows of `{}` do not say when they came", self.table.name.value;
                        help: "declare `time:` and `arrived:`"));
                        return None;
                    }
                    Some(ms) => What::Late(ms),
                    None => return self.wants(column, "a length of time", "late(15m)", d),
                }
            }
            "duplicates" => {
                self.without(asked, d)?;
                match declared(|what| matches!(what, What::Duplicates(..))) {
                    Some(rule) => rule.what.clone(),
                    None => return self.undeclared(column, "unique: event_id", d),
                }
            }
            "valid" => {
                let conditions: Vec<&What> = self.ruled.conditions().collect();
                match (conditions.as_slice(), argument(asked)) {
                    ([], _) => return self.undeclared(column, "valid: pay_amount >= 0", d),
                    ([only], None) => self.condition(only)?,
                    (all, Some(number)) => match number_of(number).and_then(|number| all.get(number.checked_sub(1)?)) {
                        Some(one) => self.condition(one)?,
                        None => return self.wants(column, &format!("a number from 1 to {}", all.len()), "valid(1)", d),
                    },
                    (all, None) => {
                        return self.wants(column, &format!("a number from 1 to {}", all.len()), "valid(1)", d);
                    }
                }
            }
            "mismatch" => {
                self.without(asked, d)?;
                match declared(|what| matches!(what, What::Mismatch(_))) {
                    Some(rule) => rule.what.clone(),
                    None => return self.undeclared(column, "replay: 1% from raw_event", d),
                }
            }
            "one_parent" => self.level(column, asked, d)?,
            "reconcile" | "fresh" => {
                d.push(error!(E0844, column.span, "`{}` is checked, and is no metric of rows", column.value;
                    help: "`metricc quality` tells it; leave it out here"));
                return None;
            }
            _ => {
                let help = match near(column, COLUMNS) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("there are: {}", COLUMNS.join(", ")),
                };
                d.push(error!(E0844, column.span, "`{own}` has no column `{}`", column.value; help: help));
                return None;
            }
        };
        Some(found)
    }

    /// The level of a hierarchy that an argument names.
    fn level(&self, column: &ast::Name, asked: &Column<'_>, d: &mut Diagnostics) -> Option<What<'a>> {
        let named = argument(asked).and_then(|expr| match &expr.kind {
            ExprKind::Path { path, version: None } => path.single(),
            _ => None,
        });
        let of = |what: &What<'_>| matches!(what, What::OneParent(levels) if named == Some(&levels.child));
        let rules = || self.ruled.rules.iter().filter(|rule| matches!(rule.what, What::OneParent(_)));
        match (rules().find(|rule| of(&rule.what)), rules().next()) {
            (Some(rule), _) => Some(rule.what.clone()),
            (None, None) => self.undeclared(column, "hierarchy: geo", d),
            (None, Some(_)) => {
                self.wants(column, "a level of its hierarchies that has one above it", "one_parent(city)", d)
            }
        }
    }

    /// A condition of the declaration, which lives as long as it does.
    fn condition(&self, what: &What<'_>) -> Option<What<'a>> {
        let What::Valid(_, number) = what else { return None };
        let same = |rule: &&super::declare::RuledBy<'a>| matches!(&rule.what, What::Valid(_, own) if own == number);
        self.ruled.rules.iter().find(same).map(|rule| rule.what.clone())
    }

    fn undeclared<T>(&self, column: &ast::Name, example: &str, d: &mut Diagnostics) -> Option<T> {
        let own = &self.ruled.declared.syntax.name;
        d.push(
            error!(E0844, column.span, "`{}` has no rule that `{}` could be of", own.value, column.value;
                help: ("declare one there: `{example}`"))
            .related(own.span, "the declaration"),
        );
        None
    }

    fn wants<T>(&self, column: &ast::Name, what: &str, example: &str, d: &mut Diagnostics) -> Option<T> {
        d.push(error!(E0844, self.span, "`{}` takes {what}", column.value;
            help: ("write `{}.{example}`", self.ruled.declared.syntax.name.value)));
        None
    }

    fn without(&self, asked: &Column<'_>, d: &mut Diagnostics) -> Option<()> {
        if asked.arguments.is_empty() {
            return Some(());
        }
        d.push(error!(E0844, asked.span, "`{}` takes no argument", asked.path; help: "leave it out"));
        None
    }

    /// The column that an argument names.
    fn column(&self, asked: &Column<'_>, d: &mut Diagnostics) -> Option<usize> {
        let name = argument(asked).and_then(|expr| match &expr.kind {
            ExprKind::Path { path, version: None } => path.single(),
            _ => None,
        });
        let Some(name) = name else {
            let column = &asked.path.parts[1];
            return self.wants(column, "a column of the rows", &format!("{}(column)", column.value), d);
        };
        let known = || self.table.columns.iter().enumerate().filter(|(_, column)| !column.internal);
        let found = known().find(|(_, column)| column.name.value == name.value).map(|(place, _)| place);
        if found.is_none() {
            let help = match near(name, known().map(|(_, column)| column.name.as_str())) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "name one of its columns".to_owned(),
            };
            d.push(error!(E0301, name.span, "`{}` has no column `{}`", self.table.name.value, name.value; help: help));
        }
        found
    }

    /// How many rows there are, as they came.
    fn rows(&self, d: &mut Diagnostics) -> Option<Formula> {
        self.scope.check(&self.count(&self.ruled.raw, None), d)
    }

    /// The instant at which the newest row came: `max(received_at from raw event)`.
    fn newest(&self, d: &mut Diagnostics) -> Option<Formula> {
        let Some(column) = self.table.arrived.or(self.table.time) else {
            d.push(error!(E0843, self.span, "the rows of `{}` do not say when they came", self.table.name.value;
                help: "declare `arrived:` or `time:`"));
            return None;
        };
        let input = AggregateInput::ExprFrom { expr: self.path(column), rows: self.ruled.raw.clone() };
        self.scope.check(&self.aggregate("max", input, None, Vec::new()), d)
    }

    /// A share of rows.
    fn share(&self, what: &What<'_>, d: &mut Diagnostics) -> Option<Formula> {
        let (part, whole) = match what {
            What::Complete(column) => {
                // Clean rows have these; whether rows as they came do is the question.
                let dropped = self.table.key.contains(column) || self.table.time == Some(*column);
                let rows = if dropped { self.ruled.raw.clone() } else { self.clean() };
                // Of a column that is never null the check tells that nothing is asked.
                let known = is_null(self.path(*column), true, self.span);
                (self.count(&rows, Some(known)), self.count(&rows, None))
            }
            What::Match(column) => {
                let Type::Entity(entity) = &self.table.columns[*column].ty.ty else { return None };
                let key = self.scope.tables[entity.0].key.first()?;
                let key = &self.scope.tables[entity.0].columns[*key].name.value;
                let found = is_null(self.path_to(&[&self.table.columns[*column].name.value, key]), true, self.span);
                let rows = self.clean();
                (self.count(&rows, Some(found)), self.count(&rows, self.known(*column, false)))
            }
            What::Late(ms) => {
                let (arrived, time) = (self.table.arrived?, self.table.time?);
                let delay = self.binary(BinaryOp::Subtract, self.path(arrived), self.path(time));
                let late = self.binary(BinaryOp::Greater, delay, self.milliseconds(*ms));
                let rows = self.clean();
                (self.count(&rows, Some(late)), self.count(&rows, self.known(arrived, false)))
            }
            What::Valid(condition, _) => {
                self.check_condition(condition, d)?;
                let broken = ast::UnaryOp::Not;
                let condition = self.expr(ExprKind::Parenthesised(Box::new((*condition).clone())));
                let broken =
                    self.expr(ExprKind::Unary { op: Spanned::new(broken, self.span), operand: Box::new(condition) });
                let all = self.count(&self.clean(), None);
                (self.binary(BinaryOp::Subtract, all.clone(), self.count(&self.clean(), Some(broken))), all)
            }
            What::Duplicates(columns, distance) => {
                let (different, all) = match distance {
                    Some(distance) => self.copies_within(columns, *distance),
                    None => self.copies(columns),
                };
                (self.binary(BinaryOp::Subtract, all.clone(), different), all)
            }
            What::OneParent(levels) => self.parents(levels)?,
            What::Mismatch(replay) => {
                let (part, whole) = replay.counts(self.scope)?;
                return self.quotient(part, whole, d);
            }
            What::Fresh(_) | What::Reconcile(..) => return None,
        };
        let (part, whole) = (self.number(&part, d), self.number(&whole, d));
        // A sum of counts is a count.
        self.quotient(counted(part?), whole?, d)
    }

    fn quotient(&self, part: Formula, whole: Formula, d: &mut Diagnostics) -> Option<Formula> {
        self.scope.ops().binary(Spanned::new(BinaryOp::Divide, self.span), part, whole, self.span, d)
    }

    /// Tells what is wrong with a condition before it is turned around.
    fn check_condition(&self, condition: &ast::Expr, d: &mut Diagnostics) -> Option<()> {
        let mut found = Diagnostics::new();
        let typed = self.scope.check(&self.count(&self.clean(), Some(condition.clone())), &mut found);
        if typed.is_none() {
            d.extend(found);
        }
        typed.map(|_| ())
    }

    /// How many rows differ in the values of columns, and how many have all of these. Of the key it is the clean rows among those
    /// that came, or the versions where rows are updated; a copy may lie on another day than what it is a copy of.
    fn copies(&self, columns: &[usize]) -> (ast::Expr, ast::Expr) {
        let is_key = columns.len() == self.table.key.len() && self.table.key.iter().all(|key| columns.contains(key));
        let time = self.table.time.filter(|_| is_key);
        let latest = self.table.latest_by.filter(|_| is_key);
        let told: Vec<usize> = columns.iter().copied().chain(latest).collect();
        let known = told.iter().copied().chain(time.filter(|time| !told.contains(time)));
        let known = known.filter_map(|column| self.known(column, is_key));
        let known = known.reduce(|all, one| self.binary(BinaryOp::And, all, one));
        let rows = if is_key { self.ruled.raw.clone() } else { self.clean() };
        let all = self.count(&rows, known);
        if is_key && latest.is_none() {
            return (self.count(&self.clean(), None), all);
        }
        let keys = told.iter().map(|column| Key::Path(self.path_of(&[&self.table.columns[*column].name.value])));
        (self.aggregate("count", AggregateInput::Formula(all.clone()), None, keys.collect()), all)
    }

    /// How many rows have no other one with the same value so soon before them, and how many have a value: each on its own day. A row is a
    /// copy of the one before it, so a chain of them may be longer than the distance; of rows of one time one is the first.
    fn copies_within(&self, columns: &[usize], distance: Distance) -> (ast::Expr, ast::Expr) {
        let is_key = self.table.key.as_slice() == columns;
        let rows = if is_key { self.ruled.raw.clone() } else { self.clean() };
        let time = self.table.time.filter(|time| is_key && !columns.contains(time));
        let known = columns.iter().copied().chain(time).filter_map(|column| self.known(column, is_key));
        let known = known.reduce(|all, one| self.binary(BinaryOp::And, all, one));
        // The table of these rows is known by the place of `within`.
        let once = RowSet { kind: RowSetKind::Raw(self.ruled.on.clone()), span: distance.span };
        (self.count(&once, None), self.count(&rows, known))
    }

    /// A formula as a plain number: a share of counts has no unit, whatever they count.
    fn number(&self, expr: &ast::Expr, d: &mut Diagnostics) -> Option<Formula> {
        let plain = |mut formula: Formula| {
            formula.ty.unit = Some(Unit::none());
            formula
        };
        match &expr.kind {
            ExprKind::Binary { op, left, right } => {
                let (left, right) = (self.number(left, d), self.number(right, d));
                self.scope.ops().binary(*op, left?, right?, self.span, d)
            }
            _ => self.scope.check(expr, d).map(plain),
        }
    }

    pub(super) fn clean(&self) -> RowSet {
        RowSet { kind: RowSetKind::Named { name: self.ruled.on.clone(), version: None }, span: self.ruled.on.span }
    }

    pub(super) fn count(&self, rows: &RowSet, filter: Option<ast::Expr>) -> ast::Expr {
        self.aggregate("count", AggregateInput::Rows(rows.clone()), filter, Vec::new())
    }

    pub(super) fn aggregate(
        &self,
        name: &str,
        input: AggregateInput,
        filter: Option<ast::Expr>,
        per: Vec<Key>,
    ) -> ast::Expr {
        self.expr(ExprKind::Aggregate(Box::new(ast::Aggregate {
            function: Spanned::new(name.to_owned(), self.span),
            input,
            dated: None,
            filter,
            over: None,
            at_last: None,
            per,
            per_filter: None,
            arguments: Vec::new(),
        })))
    }

    pub(super) fn expr(&self, kind: ExprKind) -> ast::Expr {
        ast::Expr { kind, span: self.span }
    }

    pub(super) fn binary(&self, op: BinaryOp, left: ast::Expr, right: ast::Expr) -> ast::Expr {
        self.expr(ExprKind::Binary { op: Spanned::new(op, self.span), left: Box::new(left), right: Box::new(right) })
    }

    /// Whether a column is not null; none where it never is, of clean rows or of those that came.
    fn known(&self, column: usize, raw: bool) -> Option<ast::Expr> {
        let dropped = raw && (self.table.key.contains(&column) || self.table.time == Some(column));
        let nullable = dropped || self.table.columns[column].ty.nullable;
        nullable.then(|| is_null(self.path(column), true, self.span))
    }

    fn path(&self, column: usize) -> ast::Expr {
        self.path_to(&[&self.table.columns[column].name.value])
    }

    fn path_to(&self, names: &[&str]) -> ast::Expr {
        self.expr(ExprKind::Path { path: self.path_of(names), version: None })
    }

    /// A path from the rows of the table, whose name stands before it: a column may be called like something else.
    fn path_of(&self, names: &[&str]) -> ast::Path {
        let own = self.table.name.value.as_str();
        let hidden = self.table.columns.iter().any(|column| column.name.value == own);
        let parts = (!hidden).then_some(own).into_iter().chain(names.iter().copied());
        let parts = parts.map(|name| Spanned::new(name.to_owned(), self.span)).collect();
        ast::Path { parts, at: None, span: self.span }
    }

    fn milliseconds(&self, count: i64) -> ast::Expr {
        let duration = ast::Duration { count, unit: ast::DurationUnit::Millisecond };
        self.expr(ExprKind::Literal(ast::Literal::Duration(duration)))
    }
}

/// A decimal without digits behind its point as an int: some engines make no exact quotient of it.
fn counted(formula: Formula) -> Formula {
    if !matches!(formula.ty.ty, Type::Decimal { .. }) {
        return formula;
    }
    let (ty, span) = (ValueType { ty: Type::Int, ..formula.ty.clone() }, formula.span);
    Formula { kind: FormulaKind::Call(Function::Cast, vec![formula]), ty, span }
}

fn is_null(operand: ast::Expr, negated: bool, span: Span) -> ast::Expr {
    ast::Expr { kind: ExprKind::IsNull { operand: Box::new(operand), negated }, span }
}

/// The only argument.
fn argument<'a>(asked: &Column<'a>) -> Option<&'a ast::Expr> {
    match asked.arguments {
        [ast::Argument { name: None, value: ast::ArgumentValue::Expr(expr) }] => Some(expr),
        _ => None,
    }
}

fn number_of(expr: &ast::Expr) -> Option<usize> {
    match &expr.kind {
        ExprKind::Literal(ast::Literal::Number(text)) => text.parse().ok(),
        _ => None,
    }
}

/// A metric of a declaration, with what is known of its formula.
pub type Made = (Metric, Facts, FormulaSize);

/// The metrics of a declaration, and what it is then; `next` is the place of the first of them. None where a rule is broken.
pub fn metrics(
    scope: &FormulaScope<'_>,
    ruled: &Ruled<'_>,
    next: usize,
    d: &mut Diagnostics,
) -> Option<(Quality, Vec<Made>)> {
    let table = &scope.tables[ruled.table.0];
    let syntax = ruled.declared.syntax;
    let mut made: Vec<Made> = Vec::new();
    let mut add = |name: &str, span: Span, formula: Formula, better: Better| {
        let id = MetricId(next + made.len());
        let (facts, size) = (scope.facts(&formula), formula.size(scope.known()));
        made.push((metric(ruled, table, name, span, formula, better), facts, size));
        id
    };
    let of = |span: Span| Of { scope, ruled, table, span };
    let rows = of(syntax.name.span).rows(d);
    let mut rules = Vec::new();
    let mut sound = rows.is_some() && !hierarchy::unbound(scope, ruled, d);
    let rows = rows.map(|rows| add(ROWS, syntax.name.span, rows, Better::None));
    for rule in ruled.rules.iter().filter(|rule| hierarchy::is_bound(scope, ruled.table, &rule.what)) {
        let name = rule.what.name(table);
        let kind = match (&rule.what, &rule.bound) {
            (What::Fresh(within), _) => of(rule.span).newest(d).map(|formula| {
                let newest = add(NEWEST, rule.span, formula, Better::Up);
                RuleKind::Fresh { newest, within: *within }
            }),
            (What::Reconcile(metric, ways), Some(bound)) => reconciled(scope, scope.names, metric, *ways, d)
                .map(|metric| RuleKind::Reconcile { metric, ways: *ways, bound: bound.clone() }),
            (what, Some(bound)) => of(rule.span).share(what, d).map(|formula| {
                let high = matches!(what, What::Complete(_) | What::Match(_) | What::Valid(..) | What::OneParent(_));
                let metric = add(&name, rule.span, formula, if high { Better::Up } else { Better::Down });
                RuleKind::Share { metric, bound: bound.clone() }
            }),
            (_, None) => None,
        };
        match kind {
            Some(kind) => rules.push(Rule { name, kind, span: rule.span }),
            None => sound = false,
        }
    }
    let quality = Quality {
        name: syntax.name.clone(),
        doc: ruled.declared.doc.map(str::to_owned),
        title: ruled.title.clone(),
        owner: ruled.owner.clone(),
        runbook: ruled.runbook.clone(),
        table: ruled.table,
        severity: ruled.severity,
        minimum: ruled.minimum,
        rules,
        rows: rows?,
        span: ruled.declared.span,
    };
    sound.then_some((quality, made))
}

/// A rule as a metric: by day, computed when it is asked for.
fn metric(ruled: &Ruled<'_>, table: &Table, name: &str, span: Span, formula: Formula, better: Better) -> Metric {
    let own = &ruled.declared.syntax.name.value;
    let grain = if table.time.is_some() { Grain::Step(Step::Day) } else { Grain::Total };
    let title = ruled.title.as_ref().map(|title| format!("{title}: {name}"));
    Metric {
        name: Spanned::new(format!("{own}.{name}"), span),
        version: 1,
        doc: None,
        title,
        title_en: None,
        tier: Some(Tier::Diagnostic),
        owner: ruled.owner.clone(),
        better: Some(better),
        grain: vec![grain],
        by: Vec::new(),
        serve: vec![Serve::Live],
        fill: Fill::None,
        compared: Vec::new(),
        ty: formula.ty.clone(),
        formula,
        span: ruled.declared.span,
    }
}

/// A metric that is served in both ways.
fn reconciled(
    scope: &FormulaScope<'_>,
    names: &Names<'_>,
    path: &ast::Path,
    ways: [Way; 2],
    d: &mut Diagnostics,
) -> Option<MetricId> {
    let Some(place) = path.single().and_then(|name| names.metric(name, None)) else {
        let text = path.to_string();
        let help = match near(&text, names.metric_names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "name a metric that is declared".to_owned(),
        };
        d.push(error!(E0201, path.span, "no metric named `{text}`"; help: help));
        return None;
    };
    let id = scope.metric_ids[place]?;
    let metric = &scope.metrics[id.0];
    for way in ways {
        let served = metric.serve.iter().any(|serve| {
            matches!(
                (serve, way),
                (Serve::Stream(_), Way::Stream) | (Serve::Hourly, Way::Hourly) | (Serve::Daily, Way::Daily)
            )
        });
        if !served {
            let word = way.word();
            let asks = if way == Way::Stream { "stream(1m)" } else { word };
            d.push(
                error!(E0845, path.span, "`{}` has no results by `{word}`", metric.name.value;
                    help: ("add `{asks}` to its `serve`, or compare ways that it has"))
                .related(metric.name.span, "the metric"),
            );
            return None;
        }
    }
    if !metric.grain.contains(&Grain::Step(Step::Day)) {
        d.push(
            error!(E0845, path.span, "`{}` has no values by day to compare", metric.name.value;
                help: "add `1d` to its `grain`")
            .related(metric.name.span, "the metric"),
        );
        return None;
    }
    Some(id)
}

/// A length of time as it is written in the name of a rule.
pub(super) fn length_text(ms: i64) -> String {
    const DAY: i64 = crate::value::time::DAY_MS;
    if ms > 0 && ms % DAY == 0 && ms % (7 * DAY) != 0 {
        return Length::Days(ms / DAY).text();
    }
    Length::Milliseconds(ms).text()
}

/// The name of the metric that a call means, where it may be one of a rule: `event_quality.complete(user_id)`.
pub fn named_rule(expr: &ast::Expr) -> Option<String> {
    let ExprKind::Call { function, arguments } = &expr.kind else { return None };
    let [ast::Argument { name: None, value: ast::ArgumentValue::Expr(argument) }] = arguments.as_slice() else {
        return None;
    };
    let argument = match &argument.kind {
        ExprKind::Path { path, version: None } => path.single()?.value.clone(),
        _ => length(argument).map(length_text).or_else(|| number_of(argument).map(|number| number.to_string()))?,
    };
    (function.parts.len() == 2).then(|| format!("{function}({argument})"))
}
