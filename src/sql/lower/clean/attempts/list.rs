//! Attempts to go through plain funnels, where the engine computes with lists: no rows are sorted but those of a member.
//!
//! A row is a number: its instant, then its step, so that rows of one instant follow each other in the order in which a chain goes through
//! them; backwards where it may not. So the rest of a chain lies behind its row, and the next row of each step is filled in backwards.

use sqlparser::ast::{BinaryOperator, Expr, Query, SelectItem};

use super::chain::Known;
use super::outcome::raw_name;
use super::plain::step_of;
use super::{AT, ATTEMPTS, BY, Funnel, ROWS, column, same};
use crate::plan::Role;
use crate::sql::build::{self, Neighbour, Parts};
use crate::sql::dialect::{Items, Lists};
use crate::sql::lower::Lowering;

/// Columns of our own: the row, the rows, what their steps are; a row with what it finds.
const ROW: &str = "_row";
const LIST: &str = "_rows";
const STEPS: &str = "_steps";
const FOUND: &str = "_found";

impl Funnel<'_> {
    /// What a step is at the end of the number of a row; never 0.
    fn digit(&self, step: usize) -> Expr {
        build::number(if self.attempts.increasing { self.steps() - step } else { step + 1 })
    }

    /// What instants are multiplied by in the number of a row.
    fn base(&self) -> Expr {
        build::number(self.steps() + 1)
    }
}

impl Lowering<'_> {
    /// The attempts of the rows of step 0, of this part, with these values carried.
    pub(super) fn listed_firsts(&self, funnel: &Funnel<'_>, lists: &dyn Lists, first: (usize, &[usize])) -> Query {
        let (_, carried) = first;
        let rows = self.ordered_lists(funnel, lists, first);
        let found = (1..funnel.steps()).map(|place| found_behind(funnel, lists, 0, place));
        let values = carried.iter().map(|value| column(ROWS, &format!("_v{value}")));
        let found = lists.zip(std::iter::once(column(ROWS, LIST)).chain(found).chain(values).collect());
        let (row, step, before) = (build::ident_expr("x"), build::ident_expr("s"), build::ident_expr("p"));
        let starts = build::equal(step, funnel.digit(0));
        // Of rows without values one for each instant is enough.
        let other = build::binary(lists.part(row, 0), BinaryOperator::NotEq, before);
        let condition = build::all(std::iter::once(starts).chain(carried.is_empty().then_some(other)));
        let mut items = vec![("x", found), ("s", column(ROWS, STEPS))];
        if carried.is_empty() {
            items.push(("p", lists.beside(column(ROWS, LIST), Neighbour::Before, build::number(0))));
        }
        let found = self.dialect.explode(lists.filter(&items, condition.unwrap_or_else(build::null)));
        let projection = vec![same(ROWS, BY), build::item(found, build::ident(FOUND))];
        let exploded = Parts { projection, from: Some(build::derived(rows, ROWS)), ..Parts::default() }.query();
        self.found_instants(funnel, lists, exploded, first)
    }

    /// The rows of each member in their order: `_rows`, `_steps`, `_v…`.
    fn ordered_lists(&self, funnel: &Funnel<'_>, lists: &dyn Lists, first: (usize, &[usize])) -> Query {
        let (_, carried) = first;
        let all = self.step_rows(funnel, first, &|roles| vec![self.row_number(funnel, lists, roles)]);
        let rows = lists.collect(column(ROWS, ROW), false);
        let sorted = lists.sorted(rows.clone());
        let step = lists.map(&[("n", sorted.clone())], lists.remainder(build::ident_expr("n"), funnel.base()));
        let mut projection =
            vec![same(ROWS, BY), build::item(sorted, build::ident(LIST)), build::item(step, build::ident(STEPS))];
        projection.extend(carried.iter().map(|value| {
            let name = format!("_v{value}");
            let items: Items<'_> = &[("x", lists.collect(column(ROWS, &name), true)), ("n", rows.clone())];
            build::item(lists.sorted_by(items, vec![build::ident_expr("n")]), build::ident(&name))
        }));
        Parts { projection, from: all, group_by: vec![column(ROWS, BY)], ..Parts::default() }.query()
    }

    /// The number of a row.
    fn row_number(&self, funnel: &Funnel<'_>, lists: &dyn Lists, roles: &[Role]) -> SelectItem {
        let step = step_of(roles, &|step| funnel.digit(step), build::number(0));
        let instant = build::binary(lists.milliseconds(column(ROWS, AT)), BinaryOperator::Multiply, funnel.base());
        build::item(build::binary(instant, BinaryOperator::Plus, step), build::ident(ROW))
    }

    /// The rows of the first step, with the instants that they find.
    fn found_instants(
        &self,
        funnel: &Funnel<'_>,
        lists: &dyn Lists,
        rows: Query,
        (part, carried): (usize, &[usize]),
    ) -> Query {
        let found = |place: usize| lists.part(column(ATTEMPTS, FOUND), place);
        let instant = |place: usize| {
            // Nothing is left over.
            let whole = build::binary(found(place), BinaryOperator::Minus, funnel.digit(place));
            lists.instant(self.dialect.whole_quotient(whole, funnel.base()), self.calendar)
        };
        let mut projection = vec![same(ATTEMPTS, BY), build::item(instant(0), build::ident(AT))];
        projection.extend((1..funnel.steps()).map(|place| {
            let any = build::binary(found(place), BinaryOperator::NotEq, build::number(0));
            let value = build::case(vec![(any, instant(place))], None);
            build::item(value, build::ident(&raw_name(place, Known::When)))
        }));
        projection.extend(carried.iter().enumerate().map(|(at, value)| {
            let (found, name) = (found(funnel.steps() + at), format!("_v{part}_{value}"));
            // Beside rows of other parts it may be null.
            let known = !funnel.made.parts[part].values[*value].nullable;
            build::item(if known { self.dialect.not_null(found) } else { found }, build::ident(&name))
        }));
        Parts { projection, from: Some(build::derived(rows, ATTEMPTS)), ..Parts::default() }.query()
    }
}

/// What each row of a step finds of a later one, where the chain that it is in reaches that: of the next row of the next step, what that
/// one finds; 0 for nothing.
fn found_behind(funnel: &Funnel<'_>, lists: &dyn Lists, reached: usize, place: usize) -> Expr {
    let next = reached + 1;
    let found = if place == next { column(ROWS, LIST) } else { found_behind(funnel, lists, next, place) };
    let of_next = build::equal(build::ident_expr("s"), funnel.digit(next));
    let own = build::case(vec![(of_next, build::ident_expr("x"))], Some(build::number(0)));
    let own = lists.map(&[("s", column(ROWS, STEPS)), ("x", found)], own);
    // Where the next row finds nothing, those behind it don't either.
    let some = build::binary(build::ident_expr("x"), BinaryOperator::NotEq, build::number(0));
    lists.fill_back(&[("x", own)], some)
}
