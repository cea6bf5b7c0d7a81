//! Attempts to go through plain funnels, where the engine walks along the rows of each member.

use sqlparser::ast::Query;

use super::chain::Known;
use super::outcome::raw_name;
use super::plain::step_of;
use super::{AT, ATTEMPTS, BY, Funnel, ROWS, column, same};
use crate::sql::build::{self, Parts};
use crate::sql::dialect::{Chains, Walks};
use crate::sql::lower::Lowering;

/// Columns of our own: the step of a row; what is found.
const STEP: &str = "_step";
const FOUND: &str = "_found";

impl Lowering<'_> {
    /// The attempts of the rows of step 0, of this part, with these values carried.
    pub(super) fn walked_firsts(&self, funnel: &Funnel<'_>, walks: &dyn Walks, first: (usize, &[usize])) -> Query {
        let (part, carried) = first;
        let rows = self.step_rows(funnel, first, &|roles| {
            vec![same(ROWS, AT), build::item(step_of(roles, &build::number, build::null()), build::ident(STEP))]
        });
        let chains = walks.chains(Chains {
            at: column(ROWS, AT),
            step: column(ROWS, STEP),
            steps: funnel.steps(),
            increasing: funnel.attempts.increasing,
            carried: carried.iter().map(|value| column(ROWS, &format!("_v{value}"))).collect(),
        });
        let projection = vec![same(ROWS, BY), build::item(chains, build::ident(FOUND))];
        let members = Parts { projection, from: rows, group_by: vec![column(ROWS, BY)], ..Parts::default() }.query();
        let attempts = self.exploded(members, ROWS, &[BY], (column(ROWS, FOUND), FOUND), None);
        let found = |at: usize| walks.part(column(ATTEMPTS, FOUND), at);
        let mut projection = vec![same(ATTEMPTS, BY), build::item(found(0), build::ident(AT))];
        projection.extend((1..funnel.steps()).map(|place| {
            let reached = walks.item(found(1), place - 1);
            build::item(reached, build::ident(&raw_name(place, Known::When)))
        }));
        projection.extend(
            carried
                .iter()
                .enumerate()
                .map(|(at, value)| build::item(found(2 + at), build::ident(&format!("_v{part}_{value}")))),
        );
        Parts { projection, from: Some(build::derived(attempts, ATTEMPTS)), ..Parts::default() }.query()
    }
}
