//! Paths where the engine computes with lists: no rows are sorted but those of a member.
//!
//! A member's rows are lists beside each other, in the order of time and key. What begins a session is marked; marks, names and what is
//! carried lose the same items where rows are left out; what is known of the first row of a session is filled in behind it.

use sqlparser::ast::{BinaryOperator, Expr, Query, SelectItem};

use super::{AT, BY, FOUND, NAME, NEXT, ROWS, SESSION, START, STEP, Walk, column, flag, is, same};
use crate::sql::build::{self, Neighbour, Parts};
use crate::sql::dialect::Lists;
use crate::sql::lower::Lowering;

/// Columns of our own: whether a row is the first one of its session, whether it stays, whether the path has started there, how many goals
/// lie before.
const FIRST: &str = "_first";
const KEPT: &str = "_kept";
const STARTED: &str = "_started";
const GOALS: &str = "_goals";

fn item(name: &str) -> Expr {
    build::ident_expr(name)
}

/// Lists of one length beside each other, with the names that they are kept by.
struct Beside<'a> {
    lists: &'a dyn Lists,
    rows: Query,
    names: Vec<String>,
}

impl Beside<'_> {
    fn named(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name)
    }

    /// Adds lists that are made of the others, or puts them in place of those that there are. Each layer costs the planner of a query.
    fn with<const N: usize>(mut self, lists: [(&str, Expr); N]) -> Self {
        let old = |name: &str| !lists.iter().any(|(own, _)| *own == name);
        let kept = self.names.iter().filter(|name| old(name)).map(|name| same(name));
        let mut projection: Vec<SelectItem> = std::iter::once(same(BY)).chain(kept).collect();
        let new: Vec<String> =
            lists.iter().map(|(name, _)| (*name).to_owned()).filter(|name| !self.named(name)).collect();
        projection.extend(lists.into_iter().map(|(name, list)| build::item(list, build::ident(name))));
        self.names.extend(new);
        self.rows = Parts { projection, from: Some(build::derived(self.rows, ROWS)), ..Parts::default() }.query();
        self
    }

    /// Leaves out the items that are not marked in a list.
    fn only(mut self, mark: &str) -> Self {
        let kept = self.names.iter().filter(|name| *name != mark).map(|name| {
            let list = self.lists.filter(&[("x", column(name)), ("k", column(mark))], is(item("k"), 1));
            build::item(list, build::ident(name))
        });
        let projection = std::iter::once(same(BY)).chain(kept).collect();
        self.rows = Parts { projection, from: Some(build::derived(self.rows, ROWS)), ..Parts::default() }.query();
        self.names.retain(|name| name != mark);
        self
    }

    /// Marks the first row of each session.
    fn with_firsts(self) -> Self {
        let before = self.lists.beside(column(SESSION), Neighbour::Before, build::number(0));
        let other = flag(build::binary(item("s"), BinaryOperator::NotEq, item("p")));
        let first = self.lists.map(&[("s", column(SESSION)), ("p", before)], other);
        self.with([(FIRST, first)])
    }

    /// In place of each item that of the first row of its session.
    fn of_first(&self, list: Expr) -> Expr {
        self.lists.fill(&[("x", list), ("f", column(FIRST))], is(item("f"), 1))
    }
}

impl Lowering<'_> {
    /// The steps of all paths: `_by`, `_session`, `_start`, `_name`, `_step`, `_next` (null at the goal), `_d…`.
    pub(super) fn listed_steps(&self, walk: &Walk<'_>, lists: &dyn Lists) -> Query {
        let how = walk.how;
        let mut rows = self.listed_sessions(walk, lists).with_firsts();
        if how.merge {
            let before = lists.beside(column(NAME), Neighbour::Before, self.text_of(""));
            let other = build::binary(item("x"), BinaryOperator::NotEq, item("p"));
            let kept = build::any([is(item("f"), 1), other]).unwrap_or_else(build::null);
            let kept = lists.map(&[("f", column(FIRST)), ("x", column(NAME)), ("p", before)], flag(kept));
            rows = rows.with([(KEPT, kept)]).only(KEPT);
        }
        if let Some(starts) = self.is_named(&how.start) {
            let starts = lists.map(&[("x", column(NAME))], flag(starts));
            let known = build::any([is(item("f"), 1), is(item("x"), 1)]).unwrap_or_else(build::null);
            let started = lists.fill(&[("x", column(STARTED)), ("f", column(FIRST))], known);
            rows = rows.with([(STARTED, starts)]).with([(STARTED, started)]).only(STARTED).with_firsts();
        }
        let goal = self.is_named(&how.goal);
        let mut shown = vec![START, NAME, STEP, NEXT, SESSION];
        rows = self.with_steps(rows, goal.as_ref());
        let near = build::binary(lists.part(item("x"), 2), BinaryOperator::LtEq, build::number(how.depth));
        // Behind a goal nothing is of the path.
        let open = goal.is_some().then(|| is(item("g"), 0));
        let carried: Vec<String> = walk.carried_names().collect();
        shown.extend(carried.iter().map(String::as_str));
        let mut items = vec![("x", lists.zip(shown.iter().map(|name| column(name)).collect()))];
        items.extend(goal.is_some().then(|| ("g", column(GOALS))));
        let condition = build::all(std::iter::once(near).chain(open)).unwrap_or_else(build::null);
        let found = self.dialect.explode(lists.filter(&items, condition));
        let projection = vec![same(BY), build::item(found, build::ident(FOUND))];
        let steps = Parts { projection, from: Some(build::derived(rows.rows, ROWS)), ..Parts::default() }.query();
        let mut projection = vec![same(BY)];
        projection.extend(shown.iter().enumerate().map(|(at, name)| {
            let value = lists.part(column(FOUND), at);
            let value = if *name == START { lists.instant(value, self.calendar) } else { value };
            build::item(value, build::ident(name))
        }));
        Parts { projection, from: Some(build::derived(steps, ROWS)), ..Parts::default() }.query()
    }

    /// Adds where a path starts, the places in it, the next names, and how many goals lie before, where there are some.
    fn with_steps<'l>(&self, rows: Beside<'l>, goal: Option<&Expr>) -> Beside<'l> {
        let lists = rows.lists;
        let places = || lists.places(column(NAME));
        let begin = rows.of_first(places());
        let step = build::binary(
            build::binary(item("i"), BinaryOperator::Minus, item("b")),
            BinaryOperator::Plus,
            build::number(1),
        );
        let step = lists.map(&[("i", places()), ("b", begin)], step);
        let start = rows.of_first(column(AT));
        let next = [
            ("x", column(NAME)),
            ("n", lists.beside(column(NAME), Neighbour::After, self.text_of(""))),
            ("f", lists.beside(column(FIRST), Neighbour::After, build::number(1))),
        ];
        let over = std::iter::once(is(item("f"), 1)).chain(goal.cloned());
        let over = build::any(over).unwrap_or_else(build::null);
        let last = build::case(vec![(over, build::null())], Some(item("n")));
        let next = lists.map(&next, last);
        let mut rows = rows.with([(STEP, step), (START, start), (NEXT, next)]);
        if let Some(goal) = goal {
            let goals = lists.map(&[("x", column(NAME))], flag(goal.clone()));
            rows = rows.with([(KEPT, goals)]);
            let before = [("c", lists.running_sum(column(KEPT))), ("g", column(KEPT))];
            let before = lists.map(&before, build::binary(item("c"), BinaryOperator::Minus, item("g")));
            rows = rows.with([(GOALS, before)]);
            let begin = rows.of_first(column(GOALS));
            let own = build::binary(item("g"), BinaryOperator::Minus, item("b"));
            let own = lists.map(&[("g", column(GOALS)), ("b", begin)], own);
            rows = rows.with([(GOALS, own)]);
        }
        rows
    }

    /// The rows of each member in the order of time and key, with the number of their session among those of the member, from 1 on.
    fn listed_sessions<'l>(&self, walk: &Walk<'_>, lists: &'l dyn Lists) -> Beside<'l> {
        let at = [
            ("i", lists.places(column(AT))),
            ("t", column(AT)),
            ("p", lists.beside(column(AT), Neighbour::Before, build::number(0))),
        ];
        let pause = build::binary(item("t"), BinaryOperator::Minus, item("p"));
        let long = build::binary(pause, BinaryOperator::Gt, build::number(walk.how.session));
        let new = build::any([is(item("i"), 1), long]).unwrap_or_else(build::null);
        let new = lists.running_sum(lists.map(&at, flag(new)));
        self.listed_rows(walk, lists).with([(SESSION, new)])
    }

    /// The rows of each member with a name, in the order of time and key: when, the name, what is carried.
    fn listed_rows<'l>(&self, walk: &Walk<'_>, lists: &'l dyn Lists) -> Beside<'l> {
        let (rows, order) = self.named_rows(walk, &|at| lists.milliseconds(at));
        let values = &walk.made.parts[0].values;
        let carried = walk.carried.iter().map(|value| values[*value].nullable);
        let own = [AT, NAME].map(|name| (name.to_owned(), false));
        let names: Vec<(String, bool)> = own.into_iter().chain(walk.carried_names().zip(carried)).collect();
        let collected = |name: &str, nullable: bool| lists.collect(column(name), nullable);
        let sorted = names.iter().map(|(name, nullable)| {
            let list = in_order(lists, (name, *nullable), &order, &collected);
            build::item(list, build::ident(name))
        });
        let projection = std::iter::once(same(BY)).chain(sorted).collect();
        let (from, group_by) = (Some(build::derived(rows, ROWS)), vec![column(BY)]);
        let rows = Parts { projection, from, group_by, ..Parts::default() }.query();
        let names = names.into_iter().map(|(name, _)| name).collect();
        Beside { lists, rows, names }
    }

    fn is_named(&self, names: &[String]) -> Option<Expr> {
        build::any(names.iter().map(|name| build::equal(item("x"), self.text_of(name))))
    }
}

/// A list in an order: by these lists beside it, each with whether its items may be null.
fn in_order(
    lists: &dyn Lists,
    (name, nullable): (&str, bool),
    order: &[(String, bool)],
    collected: &dyn Fn(&str, bool) -> Expr,
) -> Expr {
    let list = collected(name, nullable);
    if name == AT {
        return lists.sorted(list);
    }
    let mut items = vec![("x", list)];
    let variables: Vec<String> = (0..order.len()).map(|at| format!("k{at}")).collect();
    let mut key = Vec::with_capacity(order.len());
    for ((by, nullable), variable) in order.iter().zip(&variables) {
        if by == name {
            key.push(item("x"));
            continue;
        }
        items.push((variable.as_str(), collected(by, *nullable)));
        // Nulls are last.
        key.extend(nullable.then(|| build::is_null(item(variable))));
        key.push(item(variable));
    }
    lists.sorted_by(&items, key)
}
