//! Attempts to go through a funnel, with windows alone; by lists or walks along a member's rows, where it is plain (`plain.rs`).
//!
//! Rows become moments: one for each unit and instant, with how many rows serve each step there. From the last step to the first,
//! each moment learns when a chain that has reached a step before it goes on: at the first later moment with a row of the next step,
//! as far as rows of that moment serve further steps, then as from there on. So the earliest chain from any first row is read off its
//! moment. Rows of one moment serve steps one each: as many steps as these rows can serve (Hall's condition) are reached there.

mod any;
mod chain;
mod list;
mod outcome;
mod plain;
mod walk;

use sqlparser::ast::{BinaryOperator, Expr, OrderByExpr, Query};

use super::super::Lowering;
use super::{column, same};
use crate::plan::{self, Attempts, Made, MadeOf, Role, StepOrder, Table};
use crate::sql::build::{self, Parts};
use crate::sql::lower::read::Rows;

/// The aliases of rows, of moments, of attempts.
const ROWS: &str = "r";
const MOMENTS: &str = "m";
const ATTEMPTS: &str = "a";

/// Columns of our own: whose, when; the last instant of all.
const BY: &str = "_by";
const AT: &str = "_at";

fn at_least(value: Expr, number: usize) -> Expr {
    build::binary(value, BinaryOperator::GtEq, build::number(number))
}

/// A funnel with what its SQL needs of it.
struct Funnel<'a> {
    made: &'a Made,
    attempts: &'a Attempts,
    /// The steps that may not be missing.
    required: Vec<usize>,
    /// Sets of steps that rows may share, each step alone among them.
    sets: Vec<Vec<usize>>,
    /// The carried columns that are wanted, by their places.
    carried: Vec<usize>,
}

impl<'a> Funnel<'a> {
    fn new(made: &'a Made, attempts: &'a Attempts, carried: Vec<usize>) -> Funnel<'a> {
        let required = match attempts.order {
            StepOrder::Any => (0..attempts.optional.len()).collect(),
            _ => attempts.required(),
        };
        Funnel { made, attempts, required, sets: sets(attempts), carried }
    }

    /// The part and the value that tells whether a row is of a role.
    fn role(&self, role: Role) -> Option<(usize, usize)> {
        let roles = self.attempts.roles.iter().enumerate();
        roles.into_iter().find_map(|(part, roles)| Some((part, 1 + roles.iter().position(|one| *one == role)?)))
    }

    /// Whether a row of the first step may serve another one.
    fn first_is_shared(&self) -> bool {
        self.attempts.overlaps.iter().any(|(a, _)| *a == 0)
    }

    /// The name of the column that counts the rows of a set of steps.
    fn count(&self, set: &[usize]) -> String {
        format!("_n{}", self.sets.iter().position(|known| known == set).unwrap_or_default())
    }

    /// The values of a part that are carried.
    fn carried_of(&self, part: usize) -> Vec<usize> {
        let carried = self.carried.iter().flat_map(|at| &self.made.carried[*at].of);
        let mut values: Vec<usize> = carried.filter(|taken| taken.part == part).map(|taken| taken.value).collect();
        values.sort_unstable();
        values.dedup();
        values
    }
}

/// Each step alone, and the sets of steps that hang together by rows which may serve two of them: what must be looked at to know how
/// many steps some rows serve.
fn sets(attempts: &Attempts) -> Vec<Vec<usize>> {
    let steps = attempts.optional.len();
    let all = (1_u32..1 << steps).map(|bits| (0..steps).filter(|step| bits >> step & 1 == 1).collect::<Vec<_>>());
    let connected = |set: &Vec<usize>| {
        let mut reached = vec![set[0]];
        while let Some(next) = set
            .iter()
            .find(|step| !reached.contains(step) && reached.iter().any(|known| attempts.overlap(*known, **step)))
        {
            reached.push(*next);
        }
        reached.len() == set.len()
    };
    let mut sets: Vec<Vec<usize>> = all.filter(connected).collect();
    sets.sort_by_key(|set| (set.len(), set.clone()));
    sets
}

impl Lowering<'_> {
    /// The attempts of a funnel: the columns named.
    pub(super) fn attempt_rows(&self, table: &Table, made: &Made, attempts: &Attempts, columns: &[&str]) -> Query {
        let own = table.columns.len().saturating_sub(made.carried.len());
        let wanted = |at: usize| columns.contains(&table.columns[at].name.as_str());
        let carried = (0..made.carried.len()).filter(|at| wanted(own + at)).collect();
        let funnel = Funnel::new(made, attempts, carried);
        let rows = self.outcomes(&funnel);
        let own_names =
            ["_by".to_owned(), "_at".to_owned(), "_horizon".to_owned(), "_depth".to_owned(), "_spoilt".to_owned()];
        let times = (1..attempts.optional.len()).map(|step| format!("_t{step}"));
        let carried = (0..made.carried.len()).map(|at| format!("_c{at}"));
        let names = own_names.into_iter().chain(times).chain(carried);
        let shown = table.columns.iter().zip(names).enumerate().filter(|(at, _)| wanted(*at));
        let projection = shown.map(|(_, (shown, name))| build::item(column(ATTEMPTS, &name), self.name(&shown.name)));
        let from = Some(build::derived(rows, ATTEMPTS));
        Parts { projection: projection.collect(), from, ..Parts::default() }.query()
    }

    /// The rows of a part: whose, when, whether each is of each role (1 or 0: `_f0` …), and what is carried (`_v0` …).
    fn attempt_part(&self, part: &MadeOf, roles: &[Role], carried: &[usize], only: Option<usize>) -> Query {
        let leaves = Rows(self.dialect);
        let by = &part.values[0];
        let mut used: Vec<&plan::Expr> = vec![by];
        let mut projection = vec![
            build::item(self.known(by), build::ident(BY)),
            build::item(self.instant_of(&part.rows), build::ident(AT)),
        ];
        for (at, _) in roles.iter().enumerate() {
            let flag = &part.values[1 + at];
            used.push(flag);
            let truth = match &flag.kind {
                plan::ExprKind::Literal(_) => build::number(1),
                _ => build::case(vec![(self.condition(flag, &leaves), build::number(1))], Some(build::number(0))),
            };
            projection.push(build::item(truth, build::ident(&format!("_f{at}"))));
        }
        for value in carried {
            let of = &part.values[*value];
            used.push(of);
            projection.push(build::item(self.settled(of, &leaves), build::ident(&format!("_v{value}"))));
        }
        let known = by.nullable.then(|| build::is_not_null(self.value(by, &leaves)));
        let role = only.map(|at| &part.values[at]).filter(|flag| !matches!(flag.kind, plan::ExprKind::Literal(_)));
        let role = role.map(|flag| self.condition(flag, &leaves));
        self.selected(&part.rows, &used, known.into_iter().chain(role).collect(), projection).query()
    }

    /// A row for each unit and instant: how many rows serve each set of steps (`_n0` …), whether one ends an attempt (`_x0` …), and how
    /// many there are at all (`_all`).
    fn moments(&self, funnel: &Funnel<'_>) -> Query {
        let mut names: Vec<String> = funnel.sets.iter().map(|set| funnel.count(set)).collect();
        names.extend((0..funnel.attempts.exclusions.len()).map(|at| format!("_x{at}")));
        if funnel.attempts.order == StepOrder::Strict {
            names.push("_all".to_owned());
        }
        let parts = funnel.attempts.roles.iter().enumerate().filter(|(_, roles)| !roles.contains(&Role::End));
        let of_part = |(at, roles): (usize, &Vec<Role>)| {
            let rows = self.attempt_part(&funnel.made.parts[at], roles, &[], None);
            let flag = |role: Role| {
                let place = roles.iter().position(|one| *one == role);
                place.map(|place| build::equal(column(ROWS, &format!("_f{place}")), build::number(1)))
            };
            let number = |condition: Option<Expr>| match condition {
                Some(condition) => build::case(vec![(condition, build::number(1))], Some(build::number(0))),
                None => build::number(0),
            };
            let sets =
                funnel.sets.iter().map(|set| number(build::any(set.iter().filter_map(|step| flag(Role::Step(*step))))));
            let exclusions = (0..funnel.attempts.exclusions.len()).map(|at| number(flag(Role::Exclusion(at))));
            let all = (funnel.attempts.order == StepOrder::Strict).then(|| build::number(1));
            let values = sets.chain(exclusions).chain(all);
            let mut projection = vec![same(ROWS, BY), same(ROWS, AT)];
            projection.extend(values.zip(&names).map(|(value, name)| build::item(value, build::ident(name))));
            Parts { projection, from: Some(build::derived(rows, ROWS)), ..Parts::default() }.select()
        };
        let all = build::union_all(parts.map(of_part)).map(|all| build::derived(all, ROWS));
        let mut projection = vec![same(ROWS, BY), same(ROWS, AT)];
        let sum = |name: &String| build::item(build::call("sum", vec![column(ROWS, name)]), build::ident(name));
        projection.extend(names.iter().map(sum));
        let group_by = vec![column(ROWS, BY), column(ROWS, AT)];
        Parts { projection, from: all, group_by, ..Parts::default() }.query()
    }

    /// Moments of a unit from the last to the first.
    fn backwards(&self) -> (Vec<Expr>, Vec<OrderByExpr>) {
        (vec![column(MOMENTS, BY)], vec![build::sort(column(MOMENTS, AT), true, false)])
    }
}
