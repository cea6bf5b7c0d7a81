//! Walks along the rows of a group: aggregates of the dry run's own (`src/dry_run/functions/walk`).

use sqlparser::ast::Expr;

use super::DataFusion;
use crate::sql::build::{call, null, number};
use crate::sql::dialect::{Chains, Paths, Walks};

impl Walks for DataFusion {
    fn chains(&self, of: Chains) -> Expr {
        let mut arguments = vec![of.at, of.step, number(of.steps), flag(of.increasing)];
        arguments.extend(of.carried);
        call("mc_chains", arguments)
    }

    fn paths(&self, of: Paths) -> Expr {
        // Columns that are not there are nulls, which take no room.
        let order = if of.order.is_empty() { null() } else { call("struct", of.order) };
        let [starts, ends] = [of.starts, of.ends].map(|condition| condition.unwrap_or_else(null));
        let mut arguments =
            vec![of.at, of.name, order, starts, ends, number(of.session), flag(of.merge), number(of.depth)];
        arguments.extend(of.carried);
        call("mc_paths", arguments)
    }

    fn part(&self, tuple: Expr, at: usize) -> Expr {
        call("mc_tuple_part", vec![tuple, number(at)])
    }

    fn item(&self, list: Expr, at: usize) -> Expr {
        call("mc_element", vec![list, number(at + 1)])
    }
}

fn flag(set: bool) -> Expr {
    number(u8::from(set))
}
