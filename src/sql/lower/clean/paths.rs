//! Paths: rows of sessions one after the other.
//!
//! Where a member's sessions begin, what repeats the row before, and what lies before the first row that a path may start at is told by
//! lists of the member's rows (`list.rs`) or by walking along them (`walk.rs`), as the engine can. The rows that stay are steps: they are
//! numbered, and know the next one, up to the goal and as many as are wanted.

mod list;
mod walk;

use sqlparser::ast::{BinaryOperator, Expr, Query, SelectItem};

use super::super::Lowering;
use super::is_new;
use crate::plan::{self, DataType, Function, Made, PathHow, PathRows, Table, Value};
use crate::sql::build::{self, Parts};
use crate::sql::dialect::Collected;
use crate::sql::lower::read::Rows;

/// The alias of rows, steps and paths: each query reads one thing.
const ROWS: &str = "r";

/// Columns of our own: whose, when, the name; the session; the place in the path and the next name; when the path starts; what a tuple or a
/// list has; what the table shows.
const BY: &str = "_by";
const AT: &str = "_at";
const NAME: &str = "_name";
const SESSION: &str = "_session";
const STEP: &str = "_step";
const NEXT: &str = "_next";
const START: &str = "_start";
const FOUND: &str = "_found";
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
        let steps = match self.dialect.collected() {
            Collected::Lists(lists) => self.listed_steps(&walk, lists),
            Collected::Walks(walks) => self.walked_steps(&walk, walks),
        };
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

    /// The rows of each member with a name: whose, when, the name, what is carried; and the columns of their order, each with whether it may
    /// be null, the instant first.
    fn named_rows(&self, walk: &Walk<'_>, instant: &dyn Fn(Expr) -> Expr) -> (Query, Vec<(String, bool)>) {
        let leaves = Rows(self.dialect);
        let part = &walk.made.parts[0];
        let (by, name) = (&part.values[0], &part.values[1]);
        let (whose, at, named) = (self.known(by), self.instant_of(&part.rows), self.known(name));
        let mut used: Vec<&plan::Expr> = vec![by, name];
        let mut projection = vec![
            build::item(whose.clone(), build::ident(BY)),
            build::item(instant(at.clone()), build::ident(AT)),
            build::item(named.clone(), build::ident(NAME)),
        ];
        for (value, name) in walk.carried.iter().zip(walk.carried_names()) {
            let value = &part.values[*value];
            projection.push(build::item(self.settled(value, &leaves), build::ident(&name)));
            used.push(value);
        }
        // A member's rows agree in whose they are; of one time the name may be what tells them apart.
        let mut seen = vec![whose, at];
        let mut order: Vec<(String, bool)> = vec![(AT.to_owned(), false)];
        for key in self.order_of(&part.rows) {
            if !is_new(&key.expr, &mut seen) {
                continue;
            }
            if key.expr == named {
                order.push((NAME.to_owned(), false));
                continue;
            }
            let name = format!("_o{}", order.len());
            projection.push(build::item(key.expr, build::ident(&name)));
            order.push((name, key.options.nulls_first.is_some()));
        }
        let known = [by, name].into_iter().filter(|value| value.nullable);
        let known = known.map(|value| build::is_not_null(self.value(value, &leaves))).collect();
        (self.selected(&part.rows, &used, known, projection).query(), order)
    }

    /// Whether a step is called one of these names; none where there are none.
    fn is_one_of(&self, names: &[String]) -> Option<Expr> {
        build::any(names.iter().map(|name| build::equal(column(NAME), self.text_of(name))))
    }

    fn text_of(&self, text: &str) -> Expr {
        self.dialect.literal(&Value::String(text.to_owned()), &DataType::String, self.calendar)
    }
}
