//! Paths: rows of sessions one after the other, by windows alone; by lists, where the engine has them (`list.rs`).
//!
//! Rows learn the one before them, and so where a session begins; sessions are numbered by a running sum of beginnings. What repeats
//! the row before is left out, and what lies before the first row that a path may start at. The rows that stay are its steps: they are
//! numbered, and learn the next one, up to the goal and as many as are wanted.

mod list;

use sqlparser::ast::{BinaryOperator, Expr, OrderByExpr, Query, SelectItem};

use super::super::Lowering;
use super::{held, is_new};
use crate::plan::{self, DataType, Function, Made, PathHow, PathRows, Table, Value};
use crate::sql::build::{self, Parts};
use crate::sql::lower::read::Rows;

/// The alias of rows, steps and paths: each query reads one thing.
const ROWS: &str = "r";

/// Columns of our own: whose, when, the name; the place among the member's rows; when the row before lies and its name, whether this one
/// repeats it; the session; how many rows that a path may start at lie up to here, and how many goals; the place in the path and the
/// next name; what the table shows.
const BY: &str = "_by";
const AT: &str = "_at";
const NAME: &str = "_name";
const PLACE: &str = "_n";
const BEFORE: &str = "_before";
const LAST_NAME: &str = "_last";
const REPEATS: &str = "_repeats";
const SESSION: &str = "_session";
const STARTED: &str = "_started";
const GOALS: &str = "_goals";
const STEP: &str = "_step";
const NEXT: &str = "_next";
const START: &str = "_start";
const OUTCOME: &str = "_outcome";
const NAMES: &str = "_names";
const DROPOFF: &str = "_dropoff";

fn column(name: &str) -> Expr {
    build::column(ROWS, build::ident(name))
}

fn same(name: &str) -> SelectItem {
    build::item(column(name), build::ident(name))
}

fn flag(condition: Expr) -> Expr {
    build::case(vec![(condition, build::number(1))], Some(build::number(0)))
}

fn is(value: Expr, number: u32) -> Expr {
    build::equal(value, build::number(number))
}

/// Paths with what their SQL needs of them.
struct Walk<'a> {
    made: &'a Made,
    how: &'a PathHow,
    /// The values of rows that are carried and wanted.
    carried: Vec<usize>,
}

impl Walk<'_> {
    fn carried_names(&self) -> impl Iterator<Item = String> {
        self.carried.iter().map(|at| format!("_d{at}"))
    }
}

/// The rows of a session in their order.
fn in_session() -> (Vec<Expr>, Vec<OrderByExpr>) {
    (vec![column(BY), column(SESSION)], vec![build::sort(column(PLACE), false, false)])
}

impl Lowering<'_> {
    /// A table of paths: the columns named.
    pub(super) fn path_rows(&self, table: &Table, made: &Made, how: &PathHow, columns: &[&str]) -> Query {
        let own = table.columns.len().saturating_sub(made.carried.len());
        let wanted = |at: usize| columns.contains(&table.columns[at].name.as_str());
        let carried = made.needed(0, |at| wanted(own + at)).into_iter().filter(|value| *value > 1).collect();
        let walk = Walk { made, how, carried };
        let names: &[&str] = match how.of {
            PathRows::Paths => &[BY, START, OUTCOME, STEP, NAMES],
            PathRows::Nodes => &[BY, START, OUTCOME, STEP, NAME, DROPOFF],
            PathRows::Edges => &[BY, START, OUTCOME, STEP, NAME, NEXT],
        };
        let wanted_own: Vec<&str> = names.iter().enumerate().filter(|(at, _)| wanted(*at)).map(|(_, n)| *n).collect();
        let steps = self.listed_steps(&walk).unwrap_or_else(|| self.steps_of_paths(&walk));
        let (rows, filter) = match how.of {
            PathRows::Paths => (self.whole_paths(&walk, steps, &wanted_own), None),
            PathRows::Nodes => (self.beside_paths(&walk, steps, &wanted_own), None),
            PathRows::Edges => {
                let next = build::is_not_null(column(NEXT));
                let goes_on = build::binary(column(STEP), BinaryOperator::Lt, build::number(how.depth));
                (self.beside_paths(&walk, steps, &wanted_own), build::all([next, goes_on]))
            }
        };
        let projection = table.columns.iter().enumerate().filter(|(at, _)| wanted(*at)).map(|(at, shown)| {
            let value = match at.checked_sub(own).map(|at| made.carried[at].of[0]) {
                None => self.own_of_paths(names[at]),
                Some(taken) => {
                    let value = column(&format!("_d{}", taken.value));
                    if shown.nullable { value } else { self.dialect.not_null(value) }
                }
            };
            build::item(value, self.name(&shown.name))
        });
        let from = Some(build::derived(rows, ROWS));
        Parts { projection: projection.collect(), from, filter, ..Parts::default() }.query()
    }

    /// One of the columns that a table of paths has itself, in exactly its type.
    fn own_of_paths(&self, name: &str) -> Expr {
        match name {
            BY => column(name),
            STEP => self.dialect.settle(column(name), &DataType::Int),
            _ => self.dialect.not_null(column(name)),
        }
    }

    /// One row a path.
    fn whole_paths(&self, walk: &Walk<'_>, steps: Query, wanted: &[&str]) -> Query {
        let keep = |aggregate: Expr| aggregate;
        let mut projection = vec![same(BY)];
        for name in wanted {
            let value = match *name {
                START => build::call("min", vec![column(START)]),
                OUTCOME => self.outcome(walk, &keep),
                STEP => build::call("max", vec![column(STEP)]),
                NAMES => self.joined_names(walk),
                _ => continue,
            };
            projection.push(build::item(value, build::ident(name)));
        }
        projection.extend(self.of_first_step(walk, &keep));
        let group_by = vec![column(BY), column(SESSION)];
        Parts { projection, from: Some(build::derived(steps, ROWS)), group_by, ..Parts::default() }.query()
    }

    /// The steps, each beside what is known of its path.
    fn beside_paths(&self, walk: &Walk<'_>, steps: Query, wanted: &[&str]) -> Query {
        let of_path = |aggregate: Expr| build::over(aggregate, vec![column(BY), column(SESSION)]);
        let mut projection: Vec<SelectItem> = [BY, START, NAME, STEP, NEXT].map(same).into();
        if wanted.contains(&OUTCOME) {
            projection.push(build::item(self.outcome(walk, &of_path), build::ident(OUTCOME)));
        }
        if wanted.contains(&DROPOFF) {
            // Nothing follows, though a path ends at a goal alone: it is left.
            let goal = self.is_one_of(&walk.how.goal).map(|goal| (goal, build::boolean(false)));
            let last = build::is_null(column(NEXT));
            let left = match goal {
                Some(goal) => build::case(vec![goal], Some(last)),
                None => last,
            };
            projection.push(build::item(left, build::ident(DROPOFF)));
        }
        projection.extend(self.of_first_step(walk, &of_path));
        Parts { projection, from: Some(build::derived(steps, ROWS)), ..Parts::default() }.query()
    }

    /// What becomes of a path: it reaches its goal, it is cut, or it is left.
    fn outcome(&self, walk: &Walk<'_>, of_path: &dyn Fn(Expr) -> Expr) -> Expr {
        let any = |condition: Expr| is(of_path(build::call("max", vec![flag(condition)])), 1);
        let next = build::is_not_null(column(NEXT));
        let cut = build::all([is(column(STEP), walk.how.depth), next]).unwrap_or_else(build::null);
        let mut branches = Vec::with_capacity(2);
        if let Some(goal) = self.is_one_of(&walk.how.goal) {
            branches.push((any(goal), self.text_of("goal")));
        }
        branches.push((any(cut), self.text_of("depth")));
        build::case(branches, Some(self.text_of("dropoff")))
    }

    /// The names of a path's steps, with ` > ` between.
    fn joined_names(&self, walk: &Walk<'_>) -> Expr {
        let text = &DataType::String;
        let concat =
            |parts: Vec<Expr>| self.call(Function::Concat, parts.into_iter().map(|one| (one, text)).collect(), text);
        let name = |step: u32| {
            let name = build::case(vec![(is(column(STEP), step), column(NAME))], None);
            self.dialect.only_value(name, text)
        };
        let further = (2..=walk.how.depth).map(|step| {
            let part = concat(vec![self.text_of(" > "), name(step)]);
            self.call(Function::Coalesce, vec![(part, text), (self.text_of(""), text)], text)
        });
        concat(std::iter::once(name(1)).chain(further).collect())
    }

    /// What is carried of the first step.
    fn of_first_step(&self, walk: &Walk<'_>, of_path: &dyn Fn(Expr) -> Expr) -> Vec<SelectItem> {
        let values = walk.carried.iter().zip(walk.carried_names()).map(|(at, name)| {
            let first = build::case(vec![(is(column(STEP), 1), column(&name))], None);
            let ty = &walk.made.parts[0].values[*at].ty;
            build::item(of_path(self.dialect.only_value(first, ty)), build::ident(&name))
        });
        values.collect()
    }

    /// The steps of all paths: `_by`, `_session`, `_start`, `_name`, `_step`, `_next` (null at the goal), `_d…`.
    fn steps_of_paths(&self, walk: &Walk<'_>) -> Query {
        let how = walk.how;
        let names: Vec<String> =
            [BY, AT, NAME, PLACE, SESSION].into_iter().map(str::to_owned).chain(walk.carried_names()).collect();
        let kept = || names.iter().map(|name| same(name)).collect::<Vec<_>>();
        let mut rows = self.rows_in_sessions(walk);
        let mut filter = how.merge.then(|| is(column(REPEATS), 0));
        if let Some(starts) = self.is_one_of(&how.start) {
            let (by, order) = in_session();
            let mut projection = kept();
            projection.push(build::item(build::running_sum(flag(starts), by, order), build::ident(STARTED)));
            let from = Some(build::derived(rows, ROWS));
            rows = Parts { projection, from, filter, ..Parts::default() }.query();
            filter = Some(build::binary(column(STARTED), BinaryOperator::GtEq, build::number(1)));
        }
        let goal = self.is_one_of(&how.goal);
        let mut projection = kept();
        let (by, order) = in_session();
        let step = build::window("row_number", by.clone(), order.clone());
        projection.push(build::item(step, build::ident(STEP)));
        // The least up to here is that of the first step.
        let start = build::before("min", column(AT), by.clone(), order.clone(), true);
        projection.push(build::item(start, build::ident(START)));
        let known = self.dialect.optional(column(NAME), &DataType::String);
        let next = build::neighbour("max", known, by.clone(), order.clone(), build::Neighbour::After);
        projection.push(build::item(next, build::ident(NEXT)));
        if let Some(goal) = &goal {
            let goals = build::running_sum(flag(goal.clone()), by, order);
            projection.push(build::item(goals, build::ident(GOALS)));
        }
        let from = Some(build::derived(rows, ROWS));
        let numbered = Parts { projection, from, filter, ..Parts::default() }.query();
        let mut projection: Vec<SelectItem> = [BY, SESSION, START, NAME, STEP].map(same).into();
        projection.extend(walk.carried_names().map(|name| same(&name)));
        let next = match &goal {
            Some(goal) => build::case(vec![(build::not(build::nested(goal.clone())), column(NEXT))], None),
            None => column(NEXT),
        };
        projection.push(build::item(next, build::ident(NEXT)));
        let near = build::binary(column(STEP), BinaryOperator::LtEq, build::number(how.depth));
        // Behind a goal nothing is of the path.
        let open = goal.map(|goal| build::equal(column(GOALS), flag(goal)));
        let from = Some(build::derived(numbered, ROWS));
        Parts { projection, from, filter: build::all([near].into_iter().chain(open)), ..Parts::default() }.query()
    }

    /// The rows, each with the number of its session among those of its member, and whether it repeats the row before.
    fn rows_in_sessions(&self, walk: &Walk<'_>) -> Query {
        let names: Vec<String> =
            [BY, AT, NAME, PLACE].into_iter().map(str::to_owned).chain(walk.carried_names()).collect();
        let mut projection: Vec<SelectItem> = names.iter().map(|name| same(name)).collect();
        let (instant, duration) = (&DataType::Timestamp, &DataType::Duration);
        let pause = self.call(Function::Subtract, vec![(column(AT), instant), (column(BEFORE), instant)], duration);
        let longest = self.dialect.literal(&Value::Duration(walk.how.session), duration, self.calendar);
        let new = build::binary(pause.clone(), BinaryOperator::Gt, longest.clone());
        let order = vec![build::sort(column(PLACE), false, false)];
        let session = build::running_sum(flag(new), vec![column(BY)], order);
        projection.push(build::item(session, build::ident(SESSION)));
        if walk.how.merge {
            let near = build::binary(pause, BinaryOperator::LtEq, longest);
            let again = build::binary(build::equal(column(NAME), column(LAST_NAME)), BinaryOperator::And, near);
            projection.push(build::item(flag(again), build::ident(REPEATS)));
        }
        Parts { projection, from: Some(build::derived(self.rows_beside(walk), ROWS)), ..Parts::default() }.query()
    }

    /// The rows of the members with a name, each with its place in the order of time and key, and with what stands before it.
    fn rows_beside(&self, walk: &Walk<'_>) -> Query {
        let leaves = Rows(self.dialect);
        let part = &walk.made.parts[0];
        let (by, name) = (&part.values[0], &part.values[1]);
        let mut used: Vec<&plan::Expr> = vec![by, name];
        let mut projection = vec![
            build::item(self.known(by), build::ident(BY)),
            build::item(self.instant_of(&part.rows), build::ident(AT)),
            build::item(self.known(name), build::ident(NAME)),
        ];
        for (at, name) in walk.carried.iter().zip(walk.carried_names()) {
            projection.push(build::item(self.settled(&part.values[*at], &leaves), build::ident(&name)));
            used.push(&part.values[*at]);
        }
        // What a member's rows agree in, or was compared already, decides nothing.
        let mut seen = vec![self.known(by)];
        let mut order = self.order_of(&part.rows);
        order.retain(|key| is_new(&key.expr, &mut seen));
        let order = held(order, ROWS, &mut projection);
        let known = [by, name].into_iter().filter(|value| value.nullable);
        let known = known.map(|value| build::is_not_null(self.value(value, &leaves))).collect();
        let rows = self.selected(&part.rows, &used, known, projection).query();
        let mut projection: Vec<SelectItem> = [BY, AT, NAME].map(same).into();
        projection.extend(walk.carried_names().map(|name| same(&name)));
        let whose = || vec![column(BY)];
        let place = build::window("row_number", whose(), order.clone());
        projection.push(build::item(place, build::ident(PLACE)));
        let mut before = |value: &str, ty: &DataType, name: &str| {
            let known = self.dialect.optional(column(value), ty);
            let found = build::neighbour("max", known, whose(), order.clone(), build::Neighbour::Before);
            projection.push(build::item(found, build::ident(name)));
        };
        before(AT, &DataType::Timestamp, BEFORE);
        if walk.how.merge {
            before(NAME, &DataType::String, LAST_NAME);
        }
        Parts { projection, from: Some(build::derived(rows, ROWS)), ..Parts::default() }.query()
    }

    /// Whether a step is called one of these names; none where there are none.
    fn is_one_of(&self, names: &[String]) -> Option<Expr> {
        build::any(names.iter().map(|name| build::equal(column(NAME), self.text_of(name))))
    }

    fn text_of(&self, text: &str) -> Expr {
        self.dialect.literal(&Value::String(text.to_owned()), &DataType::String, self.calendar)
    }
}
