//! Paths where the engine walks along the rows of each member.

use sqlparser::ast::Query;

use super::{AT, BY, FOUND, NAME, NEXT, ROWS, SESSION, START, STEP, Walk, column, same};
use crate::sql::build::{self, Parts};
use crate::sql::dialect::{Paths, Walks};
use crate::sql::lower::Lowering;

impl Lowering<'_> {
    /// The steps of all paths: `_by`, `_session`, `_start`, `_name`, `_step`, `_next` (null at the goal), `_d…`.
    pub(super) fn walked_steps(&self, walk: &Walk<'_>, walks: &dyn Walks) -> Query {
        let how = walk.how;
        let (rows, order) = self.named_rows(walk, &|at| at);
        // Rows that agree in all others are told apart by their names anyway.
        let order = match order.split_last() {
            Some(((last, _), rest)) if last == NAME => rest,
            _ => &order,
        };
        let carried: Vec<String> = walk.carried_names().collect();
        let found = walks.paths(Paths {
            at: column(AT),
            name: column(NAME),
            order: order[1..].iter().map(|(name, _)| column(name)).collect(),
            starts: self.is_one_of(&how.start),
            ends: self.is_one_of(&how.goal),
            session: how.session,
            merge: how.merge,
            depth: how.depth,
            carried: carried.iter().map(|name| column(name)).collect(),
        });
        let projection = vec![same(BY), build::item(found, build::ident(FOUND))];
        let (from, group_by) = (Some(build::derived(rows, ROWS)), vec![column(BY)]);
        let members = Parts { projection, from, group_by, ..Parts::default() }.query();
        let steps = self.exploded(members, ROWS, &[BY], (column(FOUND), FOUND), None);
        let names = [START, NAME, STEP, NEXT, SESSION].into_iter().chain(carried.iter().map(String::as_str));
        let parts = names.enumerate().map(|(at, name)| build::item(walks.part(column(FOUND), at), build::ident(name)));
        let projection = std::iter::once(same(BY)).chain(parts).collect();
        Parts { projection, from: Some(build::derived(steps, ROWS)), ..Parts::default() }.query()
    }
}
