//! What comes of each attempt: which steps it reaches within its window, and what it carries.

use sqlparser::ast::{BinaryOperator, Expr, Query, SelectItem};

use super::chain::{Known, name_of, own_name};
use super::{AT, ATTEMPTS, BY, Funnel, MOMENTS, ROWS, column, same};
use crate::plan::{self, DataType, Role, StepOrder, Value};
use crate::sql::build::{self, Parts};
use crate::sql::lower::Lowering;
use crate::sql::lower::read::Rows;

/// The alias of the rows of a step that an attempt carries values of.
fn step_alias(step: usize) -> String {
    format!("s{step}")
}

impl Lowering<'_> {
    /// The attempts, with all columns: `_by`, `_at`, `_horizon`, `_depth`, `_spoilt`, `_t1` …, and what is carried (`_c0` …).
    pub(super) fn outcomes(&self, funnel: &Funnel<'_>) -> Query {
        if funnel.attempts.order == StepOrder::Any {
            let mut names: Vec<String> = [BY, AT, "_depth", "_spoilt"].map(str::to_owned).to_vec();
            names.extend((1..funnel.required.len()).map(|step| format!("_t{step}")));
            names.extend(funnel.carried.iter().map(|at| format!("_c{at}")));
            let mut projection: Vec<SelectItem> = names.iter().map(|name| same(ATTEMPTS, name)).collect();
            projection.push(build::item(self.horizon(funnel), build::ident("_horizon")));
            let from = Some(build::derived(self.any_order(funnel), ATTEMPTS));
            return Parts { projection, from, ..Parts::default() }.query();
        }
        let (attempts, first) = self.plain_firsts(funnel).unwrap_or_else(|| self.firsts(funnel));
        let limited = self.limited(funnel, attempts, &first);
        self.carrying(funnel, limited)
    }

    /// The attempts of each first row, with when each later step is reached wherever that lies (`_r1` …), and the other things that
    /// chains know.
    fn firsts(&self, funnel: &Funnel<'_>) -> (Query, Vec<(usize, usize)>) {
        let chains = self.chains(funnel);
        let (part, flag) = funnel.role(Role::Step(0)).unwrap_or_default();
        let carried = funnel.carried_of(part);
        let by_row = funnel.first_is_shared() || !carried.is_empty();
        let roles = &funnel.attempts.roles[part];
        let taken = |set: &[usize]| {
            let may = set.iter().any(|step| funnel.attempts.overlap(0, *step));
            let flags = set.iter().filter_map(|step| {
                let place = roles.iter().position(|role| *role == Role::Step(*step))?;
                Some(build::equal(column(ROWS, &format!("_f{place}")), build::number(1)))
            });
            let flags = build::any(flags).filter(|_| may)?;
            Some(build::case(vec![(flags, build::number(1))], Some(build::number(0))))
        };
        let mut projection = vec![same(MOMENTS, BY), same(MOMENTS, AT)];
        for (place, known) in funnel.known() {
            let value = match place {
                0 => column(MOMENTS, &own_name(known)),
                _ => self.after_first(funnel, place, known, &taken),
            };
            projection.push(build::item(value, build::ident(&raw_name(place, known))));
        }
        let moments = build::derived(chains, MOMENTS);
        if !by_row {
            let filter = Some(super::at_least(column(MOMENTS, &funnel.count(&[0])), 1));
            return (Parts { projection, from: Some(moments), filter, ..Parts::default() }.query(), Vec::new());
        }
        projection.extend(
            carried.iter().map(|value| {
                build::item(column(ROWS, &format!("_v{value}")), build::ident(&format!("_v{part}_{value}")))
            }),
        );
        let rows = self.attempt_part(&funnel.made.parts[part], roles, &carried, Some(flag));
        let condition = [BY, AT].map(|name| build::equal(column(ROWS, name), column(MOMENTS, name)));
        let joins = vec![build::inner_join(moments, build::all(condition).unwrap_or_else(build::null))];
        let query = Parts { projection, from: Some(build::derived(rows, ROWS)), joins, ..Parts::default() }.query();
        (query, carried.into_iter().map(|value| (part, value)).collect())
    }

    /// What an attempt finds of a place: rows of its own first moment may serve steps, but the first row serves the first one.
    fn after_first(
        &self,
        funnel: &Funnel<'_>,
        place: usize,
        known: Known,
        taken: &dyn Fn(&[usize]) -> Option<Expr>,
    ) -> Expr {
        let later = column(MOMENTS, &name_of(0, place, known));
        if funnel.attempts.increasing {
            return later;
        }
        let here = column(MOMENTS, &own_name(known));
        let served = |last: usize| funnel.served(MOMENTS, 1, last, taken);
        let strict = funnel.attempts.order == StepOrder::Strict;
        let branches = (1..=place).rev().filter_map(|last| {
            let found = if last == place { here.clone() } else { column(MOMENTS, &name_of(last, place, known)) };
            let served = served(last)?;
            // Rows of the first moment that serve nothing lie before the first row: a chain may go on from any of them.
            let goes_on = (strict && last < place).then(|| build::is_not_null(found.clone()));
            Some((build::all(std::iter::once(served).chain(goes_on))?, found))
        });
        build::case(branches.collect(), Some(later))
    }

    /// The same within the window, and as far as no exclusion lies between.
    fn limited(&self, funnel: &Funnel<'_>, attempts: Query, carried: &[(usize, usize)]) -> Query {
        // First each within the window. Without exclusions and steps that may be missing that is all.
        let plain = funnel.known().into_iter().all(|(_, known)| known == Known::When);
        let mut projection = vec![same(ATTEMPTS, BY), same(ATTEMPTS, AT)];
        for (place, known) in funnel.known() {
            let name = raw_name(place, known);
            let within = self.in_window(funnel, column(ATTEMPTS, &name));
            let kept = build::case(vec![(within, column(ATTEMPTS, &name))], None);
            let name = if plain { format!("_t{}", funnel.required[place]) } else { name };
            projection.push(build::item(kept, build::ident(&name)));
        }
        if plain {
            projection.push(build::item(build::boolean(false), build::ident("_spoilt")));
        }
        projection.extend(carried.iter().map(|(part, value)| same(ATTEMPTS, &format!("_v{part}_{value}"))));
        let within = Parts { projection, from: Some(build::derived(attempts, ATTEMPTS)), ..Parts::default() }.query();
        if plain {
            return within;
        }
        // Then what an exclusion leaves.
        let mut projection = vec![same(ATTEMPTS, BY), same(ATTEMPTS, AT)];
        for (place, step) in funnel.required.iter().enumerate().skip(1) {
            let at = column(ATTEMPTS, &raw_name(place, Known::When));
            let kept = self.not_excluded(funnel, *step, at, Vec::new());
            projection.push(build::item(kept, build::ident(&format!("_t{step}"))));
        }
        for (place, known) in funnel.known() {
            let Known::Optional(step) = known else { continue };
            let at = column(ATTEMPTS, &raw_name(place, known));
            // Between the steps around it.
            let reached = (place > 0).then(|| build::is_not_null(column(ATTEMPTS, &raw_name(place, Known::When))));
            let before = (place + 1 < funnel.required.len()).then(|| {
                let next = column(ATTEMPTS, &raw_name(place + 1, Known::When));
                let earlier = build::binary(at.clone(), BinaryOperator::LtEq, next.clone());
                build::nested(build::any([build::is_null(next), earlier]).unwrap_or_else(build::null))
            });
            let kept = self.not_excluded(funnel, step, at, reached.into_iter().chain(before).collect());
            projection.push(build::item(kept, build::ident(&format!("_t{step}"))));
        }
        let spoilt = (funnel.attempts.exclusions.iter().enumerate())
            .filter(|(_, exclusion)| exclusion.drop)
            .filter_map(|(at, _)| self.ended(funnel, at, None));
        let spoilt = match build::any(spoilt) {
            Some(spoilt) => build::case(vec![(spoilt, build::boolean(true))], Some(build::boolean(false))),
            None => build::boolean(false),
        };
        projection.push(build::item(spoilt, build::ident("_spoilt")));
        projection.extend(carried.iter().map(|(part, value)| same(ATTEMPTS, &format!("_v{part}_{value}"))));
        Parts { projection, from: Some(build::derived(within, ATTEMPTS)), ..Parts::default() }.query()
    }

    /// When a step is reached, unless an exclusion has ended the attempt before, or other things do not hold.
    fn not_excluded(&self, funnel: &Funnel<'_>, step: usize, at: Expr, more: Vec<Expr>) -> Expr {
        let exclusions = funnel.attempts.exclusions.iter().enumerate();
        let ended = exclusions
            .filter(|(_, exclusion)| exclusion.after < step)
            .filter_map(|(place, _)| self.ended(funnel, place, Some(at.clone())));
        let more = more.into_iter().map(|one| (build::not(build::nested(one)), build::null()));
        let branches: Vec<(Expr, Expr)> = ended.map(|ended| (ended, build::null())).chain(more).collect();
        if branches.is_empty() { at } else { build::case(branches, Some(at)) }
    }

    /// Whether an exclusion has ended the attempt, before an instant where one is given.
    fn ended(&self, funnel: &Funnel<'_>, exclusion: usize, before: Option<Expr>) -> Option<Expr> {
        let of = funnel.attempts.exclusions[exclusion];
        let place = |step: usize| funnel.required.iter().position(|one| *one == step);
        let (after, until) = (place(of.after)?, place(of.before)?);
        let at = column(ATTEMPTS, &raw_name(after, Known::Ended(exclusion)));
        let next = column(ATTEMPTS, &raw_name(until, Known::When));
        let earlier = build::binary(at.clone(), BinaryOperator::Lt, next.clone());
        let between = build::nested(build::any([build::is_null(next), earlier])?);
        let reached = (after > 0).then(|| build::is_not_null(column(ATTEMPTS, &raw_name(after, Known::When))));
        let before = before.map(|before| build::binary(at.clone(), BinaryOperator::Lt, before));
        build::all([build::is_not_null(at), between].into_iter().chain(reached).chain(before))
    }

    /// Whether an instant lies in the window of its attempt.
    pub(super) fn in_window(&self, funnel: &Funnel<'_>, at: Expr) -> Expr {
        self.is_within(funnel.attempts.within, column(ATTEMPTS, AT), at)
    }

    /// The last start of which the window is over.
    fn horizon(&self, funnel: &Funnel<'_>) -> Expr {
        let parts = funnel.made.parts.iter().zip(&funnel.attempts.roles);
        let ends = parts.filter(|(_, roles)| roles.contains(&Role::End)).map(|(part, _)| &part.rows);
        self.end_of_window(ends, funnel.attempts.within)
    }

    /// Adds the depth, the horizon, and what is carried of the rows of steps.
    fn carrying(&self, funnel: &Funnel<'_>, attempts: Query) -> Query {
        let mut projection: Vec<SelectItem> = vec![same(ATTEMPTS, BY), same(ATTEMPTS, AT)];
        projection.push(build::item(self.horizon(funnel), build::ident("_horizon")));
        let depth = funnel.required.iter().skip(1).fold(self.whole(1), |depth, step| {
            let reached = build::is_not_null(column(ATTEMPTS, &format!("_t{step}")));
            let more = build::case(vec![(reached, self.whole(1))], Some(self.whole(0)));
            build::binary(depth, BinaryOperator::Plus, more)
        });
        projection.push(build::item(depth, build::ident("_depth")));
        projection.push(same(ATTEMPTS, "_spoilt"));
        projection.extend((1..funnel.attempts.optional.len()).map(|step| same(ATTEMPTS, &format!("_t{step}"))));
        let mut joins = Vec::new();
        let mut joined: Vec<usize> = Vec::new();
        for at in &funnel.carried {
            let mut value: Option<Expr> = None;
            for taken in &funnel.made.carried[*at].of {
                let step = taken.row;
                let own = if step == 0 {
                    column(ATTEMPTS, &format!("_v{}_{}", taken.part, taken.value))
                } else {
                    if !joined.contains(&step) {
                        joined.push(step);
                        joins.push(self.row_of_step(funnel, taken.part, step));
                    }
                    column(&step_alias(step), &format!("_v{}", taken.value))
                };
                value = Some(match value {
                    None => own,
                    Some(earlier) => {
                        let reached = build::is_not_null(column(ATTEMPTS, &format!("_t{step}")));
                        build::case(vec![(reached, own)], Some(earlier))
                    }
                });
            }
            projection.push(build::item(value.unwrap_or_else(build::null), build::ident(&format!("_c{at}"))));
        }
        Parts { projection, from: Some(build::derived(attempts, ATTEMPTS)), joins, ..Parts::default() }.query()
    }

    /// Beside each attempt the row that serves a step, with what is carried of it: of those at one instant the one with the least key.
    fn row_of_step(&self, funnel: &Funnel<'_>, part: usize, step: usize) -> sqlparser::ast::Join {
        let leaves = Rows(self.dialect);
        let of = &funnel.made.parts[part];
        let by = &of.values[0];
        let role = funnel.role(Role::Step(step)).map(|(_, flag)| &of.values[flag]);
        let role = role.filter(|flag| !matches!(flag.kind, plan::ExprKind::Literal(_)));
        let carried = funnel.carried_of(part);
        let (known, at) = (self.known(by), self.instant_of(&of.rows));
        let mut projection =
            vec![build::item(known.clone(), build::ident(BY)), build::item(at.clone(), build::ident(AT))];
        let mut used: Vec<&plan::Expr> = vec![by];
        for value in &carried {
            let value_of = &of.values[*value];
            let settled = self.dialect.optional(self.settled(value_of, &leaves), &value_of.ty);
            projection.push(build::item(settled, build::ident(&format!("_v{value}"))));
            used.push(value_of);
        }
        used.extend(role);
        let conditions = by.nullable.then(|| build::is_not_null(self.value(by, &leaves)));
        let conditions = conditions.into_iter().chain(role.map(|flag| self.condition(flag, &leaves)));
        let rows = self.selected(&of.rows, &used, conditions.collect(), projection);
        let names: Vec<String> = [BY.to_owned(), AT.to_owned()]
            .into_iter()
            .chain(carried.iter().map(|value| format!("_v{value}")))
            .collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let one = self.one_each(rows, vec![(known, false), (at, false)], self.order_of(&of.rows), Vec::new(), &names);
        let alias = step_alias(step);
        let equal = [
            build::equal(column(&alias, BY), column(ATTEMPTS, BY)),
            build::equal(column(&alias, AT), column(ATTEMPTS, &format!("_t{step}"))),
        ];
        build::left_join(build::derived(one, &alias), build::all(equal).unwrap_or_else(build::null))
    }

    /// A whole number.
    pub(super) fn whole(&self, value: i64) -> Expr {
        self.dialect.literal(&Value::Int(value), &DataType::Int, self.calendar)
    }
}

/// The name of what an attempt knows of a place.
pub(super) fn raw_name(place: usize, known: Known) -> String {
    match known {
        Known::When => format!("_r{place}"),
        Known::Ended(at) => format!("_r{place}_x{at}"),
        Known::Optional(step) => format!("_r{place}_o{step}"),
    }
}
