//! Attempts to go through plain funnels: the order of instants and steps alone tells their chains, so that they are found among the rows of
//! one member after the other.

use sqlparser::ast::{Expr, Query, SelectItem, TableFactor};

use super::{BY, Funnel, ROWS, column, same};
use crate::plan::{DataType, Role, StepOrder};
use crate::sql::build::{self, Parts};
use crate::sql::dialect::Collected;
use crate::sql::lower::Lowering;

impl Funnel<'_> {
    /// Whether its chains are told by the order of instants and steps alone.
    fn is_plain(&self) -> bool {
        let of = self.attempts;
        of.order == StepOrder::Ordered
            && of.overlaps.is_empty()
            && of.exclusions.is_empty()
            && of.optional.len() > 1
            && !of.optional.contains(&true)
    }

    pub(super) fn steps(&self) -> usize {
        self.attempts.optional.len()
    }
}

/// What step a row is of, by its columns `_f…`.
pub(super) fn step_of(roles: &[Role], shown: &dyn Fn(usize) -> Expr, none: Expr) -> Expr {
    let steps = roles.iter().enumerate().filter_map(|(place, role)| match role {
        Role::Step(step) => Some((build::equal(column(ROWS, &format!("_f{place}")), build::number(1)), shown(*step))),
        _ => None,
    });
    build::case(steps.collect(), Some(none))
}

impl Lowering<'_> {
    /// What [`Lowering::firsts`] gives, of a plain funnel.
    pub(super) fn plain_firsts(&self, funnel: &Funnel<'_>) -> Option<(Query, Vec<(usize, usize)>)> {
        let (part, _) = funnel.role(Role::Step(0)).filter(|_| funnel.is_plain())?;
        let carried = funnel.carried_of(part);
        let first = (part, carried.as_slice());
        let found = match self.dialect.collected() {
            Collected::Lists(lists) => self.listed_firsts(funnel, lists, first),
            Collected::Walks(walks) => self.walked_firsts(funnel, walks, first),
        };
        Some((found, carried.into_iter().map(|value| (part, value)).collect()))
    }

    /// The rows that may serve steps: whose, what `shown` makes of their roles, and what is carried of those of the first step.
    pub(super) fn step_rows(
        &self,
        funnel: &Funnel<'_>,
        (first, carried): (usize, &[usize]),
        shown: &dyn Fn(&[Role]) -> Vec<SelectItem>,
    ) -> Option<TableFactor> {
        let serves = |roles: &[Role]| roles.iter().any(|role| matches!(role, Role::Step(_)));
        let parts = funnel.attempts.roles.iter().enumerate().filter(|(_, roles)| serves(roles));
        let all = parts.map(|(at, roles)| {
            let own = if at == first { carried } else { &[] };
            let rows = self.attempt_part(&funnel.made.parts[at], roles, own, None);
            let mut projection = vec![same(ROWS, BY)];
            projection.extend(shown(roles));
            projection.extend(carried.iter().map(|value| {
                let name = format!("_v{value}");
                let ty: &DataType = &funnel.made.parts[first].values[*value].ty;
                let null = || self.dialect.typed_null(ty, self.calendar);
                let value = if at == first { column(ROWS, &name) } else { null() };
                build::item(value, build::ident(&name))
            }));
            Parts { projection, from: Some(build::derived(rows, ROWS)), ..Parts::default() }.select()
        });
        build::union_all(all).map(|all| build::derived(all, ROWS))
    }
}
