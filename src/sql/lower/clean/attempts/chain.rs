//! The chains of moments: when each step is reached from a moment on, at the earliest.

use sqlparser::ast::{BinaryOperator, Expr, Query, SelectItem};

use super::{AT, BY, Funnel, MOMENTS, at_least, column, same};
use crate::plan::StepOrder;
use crate::sql::build::{self, Parts};
use crate::sql::lower::Lowering;

/// What a chain knows of a moment at which it reaches a step.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// The moment itself.
    When,
    /// The first later moment at which an exclusion ends it.
    Ended(usize),
    /// The first moment from there on of a step that may be missing.
    Optional(usize),
}

impl Funnel<'_> {
    /// What a chain must know, with the place among the required steps of the step at which it does.
    pub(super) fn known(&self) -> Vec<(usize, Known)> {
        let mut known = Vec::new();
        for (place, step) in self.required.iter().enumerate() {
            if place > 0 {
                known.push((place, Known::When));
            }
            known.extend(self.extras(place, *step).into_iter().map(|one| (place, one)));
        }
        known
    }

    /// What must be known beside the moment at which a required step is reached.
    fn extras(&self, place: usize, step: usize) -> Vec<Known> {
        let ended = self.attempts.exclusions.iter().enumerate().filter(|(_, exclusion)| exclusion.after == step);
        let mut extras: Vec<Known> = ended.map(|(at, _)| Known::Ended(at)).collect();
        let next = self.required.get(place + 1).copied().unwrap_or(self.attempts.optional.len());
        extras.extend((step + 1..next).map(Known::Optional));
        extras
    }

    /// The steps at these places among the required ones, the first and the last inclusive.
    fn between(&self, first: usize, last: usize) -> Vec<usize> {
        self.required[first..=last].to_vec()
    }

    /// Whether rows of one moment can serve all of the steps between two places, one each. Of the moment's rows one may be taken
    /// already: `taken` tells whether it serves one of a set of steps, where it may.
    pub(super) fn served(
        &self,
        alias: &str,
        first: usize,
        last: usize,
        taken: &dyn Fn(&[usize]) -> Option<Expr>,
    ) -> Option<Expr> {
        let steps = self.between(first, last);
        let within = self.sets.iter().filter(|set| set.iter().all(|step| steps.contains(step)));
        let enough = within.map(|set| {
            let rows = column(alias, &self.count(set));
            let rows = match taken(set) {
                Some(taken) => build::binary(rows, BinaryOperator::Minus, taken),
                None => rows,
            };
            at_least(rows, set.len())
        });
        build::all(enough)
    }

    /// Over how many steps a chain may go on within one moment.
    pub(super) fn reach(&self, first: usize, last: usize) -> usize {
        if self.attempts.increasing { first.min(last) } else { last }
    }
}

/// The name of what a chain that has reached a place finds at a later one.
pub(super) fn name_of(reached: usize, place: usize, known: Known) -> String {
    match known {
        Known::When => format!("_w{reached}_{place}"),
        Known::Ended(at) => format!("_w{reached}_{place}_x{at}"),
        Known::Optional(step) => format!("_w{reached}_{place}_o{step}"),
    }
}

/// The name of what is known of a moment.
pub(super) fn own_name(known: Known) -> String {
    match known {
        Known::When => AT.to_owned(),
        Known::Ended(at) => format!("_e{at}"),
        Known::Optional(step) => format!("_o{step}"),
    }
}

impl Lowering<'_> {
    /// Each moment with what follows: from each place among the required steps but the last, when the later ones are reached at the
    /// earliest (`_w0_1` …).
    pub(super) fn chains(&self, funnel: &Funnel<'_>) -> Query {
        let mut names: Vec<String> = vec![BY.to_owned(), AT.to_owned()];
        names.extend(funnel.sets.iter().map(|set| funnel.count(set)));
        if funnel.attempts.order == StepOrder::Strict {
            names.push("_all".to_owned());
        }
        let mut query = self.extras(funnel, &mut names);
        for reached in (0..funnel.required.len() - 1).rev() {
            query = self.link(funnel, query, reached, &mut names);
        }
        query
    }

    /// Each moment with when an exclusion follows, and a step that may be missing.
    fn extras(&self, funnel: &Funnel<'_>, names: &mut Vec<String>) -> Query {
        let moments = self.moments(funnel);
        let extras: Vec<Known> =
            funnel.known().into_iter().map(|(_, known)| known).filter(|one| *one != Known::When).collect();
        if extras.is_empty() {
            return moments;
        }
        let mut projection: Vec<SelectItem> = names.iter().map(|name| same(MOMENTS, name)).collect();
        for extra in extras {
            let (rows, with_row) = match extra {
                Known::Ended(at) => (format!("_x{at}"), false),
                Known::Optional(step) => (funnel.count(&[step]), !funnel.attempts.increasing),
                Known::When => continue,
            };
            let at = build::case(vec![(at_least(column(MOMENTS, &rows), 1), column(MOMENTS, AT))], None);
            let (by, order) = self.backwards();
            let name = own_name(extra);
            projection.push(build::item(build::before("min", at, by, order, with_row), build::ident(&name)));
            names.push(name);
        }
        Parts { projection, from: Some(build::derived(moments, MOMENTS)), ..Parts::default() }.query()
    }

    /// What follows for a chain that has reached a place: at the first later moment that has a row of the next step. A chain that
    /// begins there is never behind one that begins later, so the least of all later ones is the first.
    fn link(&self, funnel: &Funnel<'_>, moments: Query, reached: usize, names: &mut Vec<String>) -> Query {
        let mut projection: Vec<SelectItem> = names.iter().map(|name| same(MOMENTS, name)).collect();
        for (place, known) in funnel.known().into_iter().filter(|(place, _)| *place > reached) {
            let here = column(MOMENTS, &own_name(known));
            let value = self.at_moment(funnel, reached, place, known, here);
            let (by, order) = self.backwards();
            let next = match funnel.attempts.order {
                // No other row may lie between.
                StepOrder::Strict => build::neighbour("min", value, by, order, build::Neighbour::Before),
                _ => build::before("min", value, by, order, false),
            };
            let name = name_of(reached, place, known);
            projection.push(build::item(next, build::ident(&name)));
            names.push(name);
        }
        Parts { projection, from: Some(build::derived(moments, MOMENTS)), ..Parts::default() }.query()
    }

    /// What a chain that comes to a moment with the steps up to a place behind it finds of a later one: here, where rows of the
    /// moment serve all steps up to it, else as from the last step that they serve.
    fn at_moment(&self, funnel: &Funnel<'_>, reached: usize, place: usize, known: Known, here: Expr) -> Expr {
        let first = reached + 1;
        let furthest = funnel.reach(first, place);
        let nothing_taken = |_: &[usize]| None;
        let mut branches = Vec::new();
        for last in (first..=furthest).rev() {
            let Some(mut served) = funnel.served(MOMENTS, first, last, &nothing_taken) else { continue };
            let value = if last == place {
                here.clone()
            } else {
                if funnel.attempts.order == StepOrder::Strict {
                    // What goes on behind the moment has used all of its rows.
                    let all = build::equal(column(MOMENTS, "_all"), build::number(last - reached));
                    served = build::binary(served, BinaryOperator::And, all);
                }
                column(MOMENTS, &name_of(last, place, known))
            };
            branches.push((served, value));
        }
        build::case(branches, None)
    }
}
