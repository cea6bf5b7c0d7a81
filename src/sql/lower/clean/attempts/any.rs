//! Attempts whose steps have no order: so many different ones within the window of the first row.

use sqlparser::ast::{BinaryOperator, Expr, Query, SelectItem};

use super::{AT, ATTEMPTS, BY, Funnel, MOMENTS, ROWS, at_least, column, same};
use crate::plan::Role;
use crate::sql::build::{self, Parts};
use crate::sql::lower::Lowering;

impl Lowering<'_> {
    /// An attempt for each row of a step: `_by`, `_at`, `_depth`, `_spoilt`, `_t1` … (when so many steps are done), `_c0` … (what is
    /// carried of its own row).
    pub(super) fn any_order(&self, funnel: &Funnel<'_>) -> Query {
        let steps = funnel.required.len();
        let carried: Vec<String> = funnel.carried.iter().map(|at| format!("_c{at}")).collect();
        let kept = |names: Vec<String>| -> Vec<SelectItem> {
            let own = [BY.to_owned(), AT.to_owned()].into_iter().chain(names).chain(carried.iter().cloned());
            own.map(|name| same(ATTEMPTS, &name)).collect()
        };
        let next = self.next_of_each(funnel);
        // Which of them lies where among the others; of those at one instant the first step is first.
        let mut projection = kept((0..steps).map(|step| format!("_y{step}")).collect());
        for step in 0..steps {
            let at = |step: usize| column(ATTEMPTS, &format!("_y{step}"));
            let before = (0..steps).filter(|other| *other != step).map(|other| {
                let op = if other < step { BinaryOperator::LtEq } else { BinaryOperator::Lt };
                let earlier = build::binary(at(other), op, at(step));
                build::case(vec![(earlier, self.whole(1))], Some(self.whole(0)))
            });
            let rank = before.fold(self.whole(0), |sum, one| build::binary(sum, BinaryOperator::Plus, one));
            let rank = build::case(vec![(build::is_not_null(at(step)), rank)], None);
            projection.push(build::item(rank, build::ident(&format!("_q{step}"))));
        }
        let ranked = Parts { projection, from: Some(build::derived(next, ATTEMPTS)), ..Parts::default() }.query();
        let mut projection = kept(Vec::new());
        let rank = |step: usize| column(ATTEMPTS, &format!("_q{step}"));
        let depth = (0..steps)
            .map(|step| build::case(vec![(build::is_not_null(rank(step)), self.whole(1))], Some(self.whole(0))));
        let depth = depth.reduce(|sum, one| build::binary(sum, BinaryOperator::Plus, one)).unwrap_or_else(build::null);
        projection.push(build::item(depth, build::ident("_depth")));
        projection.push(build::item(build::boolean(false), build::ident("_spoilt")));
        for place in 1..steps {
            let branches = (0..steps)
                .map(|step| (build::equal(rank(step), build::number(place)), column(ATTEMPTS, &format!("_y{step}"))));
            projection.push(build::item(build::case(branches.collect(), None), build::ident(&format!("_t{place}"))));
        }
        Parts { projection, from: Some(build::derived(ranked, ATTEMPTS)), ..Parts::default() }.query()
    }

    /// Each row of a step, with the first row of every step from there on within the window (`_y0` …).
    fn next_of_each(&self, funnel: &Funnel<'_>) -> Query {
        let steps = funnel.required.len();
        let mut projection = vec![same(MOMENTS, BY), same(MOMENTS, AT)];
        for step in 0..steps {
            let rows = column(MOMENTS, &funnel.count(&[step]));
            let at = build::case(vec![(at_least(rows, 1), column(MOMENTS, AT))], None);
            let (by, order) = self.backwards();
            let next = build::before("min", at, by, order, true);
            projection.push(build::item(next, build::ident(&format!("_y{step}"))));
        }
        let from = Some(build::derived(self.moments(funnel), MOMENTS));
        let moments = Parts { projection, from, ..Parts::default() }.query();
        let parts = funnel.attempts.roles.iter().enumerate().filter(|(_, roles)| !roles.contains(&Role::End));
        let rows = parts.map(|(part, roles)| {
            let rows = self.attempt_part(&funnel.made.parts[part], roles, &funnel.carried_of(part), None);
            let mut projection = vec![same(ROWS, BY), same(ROWS, AT)];
            for at in &funnel.carried {
                let taken = funnel.made.carried[*at].of.iter().find(|taken| taken.part == part);
                let value = taken.map_or_else(build::null, |taken| column(ROWS, &format!("_v{}", taken.value)));
                projection.push(build::item(value, build::ident(&format!("_c{at}"))));
            }
            Parts { projection, from: Some(build::derived(rows, ROWS)), ..Parts::default() }.select()
        });
        let rows = build::union_all(rows).map(|rows| build::derived(rows, ATTEMPTS));
        let mut projection = vec![same(ATTEMPTS, BY), same(ATTEMPTS, AT)];
        projection.extend(funnel.carried.iter().map(|at| same(ATTEMPTS, &format!("_c{at}"))));
        for step in 0..steps {
            let at: Expr = column(MOMENTS, &format!("_y{step}"));
            let within = self.in_window(funnel, at.clone());
            projection.push(build::item(build::case(vec![(within, at)], None), build::ident(&format!("_y{step}"))));
        }
        let equal = [BY, AT].map(|name| build::equal(column(ATTEMPTS, name), column(MOMENTS, name)));
        let condition = build::all(equal).unwrap_or_else(build::null);
        let joins = vec![build::inner_join(build::derived(moments, MOMENTS), condition)];
        Parts { projection, from: rows, joins, ..Parts::default() }.query()
    }
}
