//! Conversions: rows, and others that are credited to them.

use sqlparser::ast::{BinaryOperator, Expr, Query, SelectItem};

use super::super::Lowering;
use super::{column, held, same};
use crate::plan::{self, Conversion, Credit, Made, Table};
use crate::sql::build::{self, Parts};
use crate::sql::lower::read::Rows;

/// The aliases of rows that lead, of those that they lead to, and of what is made of both.
const LEADING: &str = "f";
const FOLLOWING: &str = "t";
const MADE: &str = "m";

/// Columns of our own: whose, which of their units, when, what must be equal, too; the place among the rows of one, and the time of the
/// neighbour.
const BY: &str = "_by";
const UNIT: &str = "_unit";
const AT: &str = "_at";
const MATCH: &str = "_match";
const NUMBER: &str = "_n";
const BESIDE: &str = "_beside";

/// What tells units: each is credited for itself.
fn unit(how: Conversion) -> &'static str {
    if how.per { UNIT } else { BY }
}

/// What tells which leading rows stand beside each other: the unit, and what must be equal, too.
fn beside_each_other(how: Conversion) -> impl Iterator<Item = &'static str> {
    [unit(how)].into_iter().chain(how.matched.then_some(MATCH))
}

impl Lowering<'_> {
    /// A table of a conversion: the columns named.
    pub(super) fn conversion_rows(&self, table: &Table, made: &Made, how: Conversion, columns: &[&str]) -> Query {
        let own = table.columns.len().saturating_sub(made.carried.len());
        let wanted = |at: usize| columns.contains(&table.columns[at].name.as_str());
        let others = |part: usize| {
            let needed = made.needed(part, |at| wanted(own + at));
            needed.into_iter().filter(|value| *value >= how.keys(part)).collect::<Vec<_>>()
        };
        let rows = match how.pairs {
            true => self.credited(made, how, &others(0), &others(1)),
            false => self.leading_rows(made, how, &others(0)),
        };
        let names = [unit(how), AT, "_horizon", "_converted"];
        let projection = table.columns.iter().enumerate().filter(|(at, _)| wanted(*at)).map(|(at, shown)| {
            let value = match at.checked_sub(own).map(|at| made.carried[at].of[0]) {
                None if at == 2 => self.end_of_windows(made, how),
                None => column(MADE, names[at]),
                Some(taken) => column(MADE, &format!("_{}{}", if taken.part == 0 { "d" } else { "v" }, taken.value)),
            };
            build::item(value, self.name(&shown.name))
        });
        Parts { projection: projection.collect(), from: Some(build::derived(rows, MADE)), ..Parts::default() }.query()
    }

    /// The last time of a leading row of which the window is over.
    fn end_of_windows(&self, made: &Made, how: Conversion) -> Expr {
        self.end_of_window(made.parts[2..].iter().map(|part| &part.rows), how.within)
    }

    /// Each leading row, with whether another one is credited to it.
    fn leading_rows(&self, made: &Made, how: Conversion, dimensions: &[usize]) -> Query {
        let keys = || beside_each_other(how).chain([NUMBER]);
        let pairs = self.credited(made, how, &[], &[]);
        let projection = keys().map(|name| {
            let value = column(MADE, name);
            let value = if name == NUMBER { self.dialect.optional(value, &plan::DataType::Int) } else { value };
            build::item(value, build::ident(name))
        });
        let group_by = keys().map(|name| column(MADE, name)).collect();
        let from = Some(build::derived(pairs, MADE));
        let credited = Parts { projection: projection.collect(), from, group_by, ..Parts::default() }.query();
        let equal = keys().map(|name| build::equal(column(LEADING, name), column(MADE, name)));
        let condition = build::all(equal).unwrap_or_else(build::null);
        let mut projection = vec![same(LEADING, unit(how)), same(LEADING, AT)];
        projection.extend(dimensions.iter().map(|value| same(LEADING, &format!("_d{value}"))));
        let converted = build::is_not_null(column(MADE, NUMBER));
        let converted = build::case(vec![(converted, build::boolean(true))], Some(build::boolean(false)));
        projection.push(build::item(converted, build::ident("_converted")));
        let joins = vec![build::left_join(build::derived(credited, MADE), condition)];
        let from = Some(build::derived(self.leading(made, how, dimensions), LEADING));
        Parts { projection, from, joins, ..Parts::default() }.query()
    }

    /// Rows with the row that each is credited to: whose that is, `_at` (of the leading row), `_match`, `_n`, `_d…` of the leading row
    /// and `_v…` of the other one.
    fn credited(&self, made: &Made, how: Conversion, dimensions: &[usize], values: &[usize]) -> Query {
        let leading = self.leading(made, how, dimensions);
        let part = &made.parts[1];
        let mut projection = self.row_keys(part, how);
        let leaves = Rows(self.dialect);
        projection.extend(values.iter().map(|value| {
            build::item(self.settled(&part.values[*value], &leaves), build::ident(&format!("_v{value}")))
        }));
        let following = self.rows_of_members(part, how.keys(1), values, projection);
        let equal = [BY].into_iter().chain(how.matched.then_some(MATCH));
        let equal = equal.map(|name| build::equal(column(LEADING, name), column(FOLLOWING, name)));
        let (start, at) = (column(LEADING, AT), column(FOLLOWING, AT));
        let later = build::binary(at.clone(), BinaryOperator::GtEq, start.clone());
        let inside = self.is_within(how.within, start, at.clone());
        let beside = || column(LEADING, BESIDE);
        let alone = match how.credit {
            Credit::Each => None,
            // The next one gets what lies behind it.
            Credit::Last => build::any([build::is_null(beside()), build::binary(at, BinaryOperator::Lt, beside())]),
            // The one before gets what lies in its window.
            Credit::First => {
                let taken = self.is_within(how.within, self.dialect.not_null(beside()), at);
                build::any([build::is_null(beside()), build::not(build::nested(taken))])
            }
        };
        let filter = build::all([later, inside].into_iter().chain(alone.map(build::nested)));
        let mut projection = vec![same(LEADING, unit(how)), same(LEADING, AT), same(LEADING, NUMBER)];
        projection.extend(how.matched.then(|| same(LEADING, MATCH)));
        projection.extend(dimensions.iter().map(|value| same(LEADING, &format!("_d{value}"))));
        projection.extend(values.iter().map(|value| same(FOLLOWING, &format!("_v{value}"))));
        let condition = build::all(equal).unwrap_or_else(build::null);
        let joins = vec![build::inner_join(build::derived(following, FOLLOWING), condition)];
        let from = Some(build::derived(leading, LEADING));
        Parts { projection, from, joins, filter, ..Parts::default() }.query()
    }

    /// The leading rows, numbered for each unit (and each value to match) by time, then key, with the time of the one behind or
    /// before, which may get what this one would.
    fn leading(&self, made: &Made, how: Conversion, dimensions: &[usize]) -> Query {
        let leaves = Rows(self.dialect);
        let part = &made.parts[0];
        let mut projection = self.row_keys(part, how);
        let mut names: Vec<String> =
            [BY, AT].into_iter().chain(how.matched.then_some(MATCH)).map(str::to_owned).collect();
        if how.per {
            projection.push(build::item(self.known(&part.values[how.keys(0) - 1]), build::ident(UNIT)));
            names.push(UNIT.to_owned());
        }
        for value in dimensions {
            let name = format!("_d{value}");
            projection.push(build::item(self.settled(&part.values[*value], &leaves), build::ident(&name)));
            names.push(name);
        }
        let order = held(self.order_of(&part.rows), LEADING, &mut projection);
        let rows = self.rows_of_members(part, how.keys(0), dimensions, projection);
        let group = || beside_each_other(how).map(|name| column(LEADING, name)).collect();
        let kept = |names: &[String]| names.iter().map(|name| same(LEADING, name)).collect::<Vec<_>>();
        let mut projection = kept(&names);
        projection.push(build::item(build::window("row_number", group(), order), build::ident(NUMBER)));
        names.push(NUMBER.to_owned());
        let numbered = Parts { projection, from: Some(build::derived(rows, LEADING)), ..Parts::default() }.query();
        let which = match how.credit {
            Credit::First => build::Neighbour::Before,
            Credit::Last | Credit::Each => build::Neighbour::After,
        };
        let mut projection = kept(&names);
        let at = self.dialect.optional(column(LEADING, AT), &plan::DataType::Timestamp);
        let by_number = vec![build::sort(column(LEADING, NUMBER), false, false)];
        let beside = build::neighbour("max", at, group(), by_number, which);
        projection.push(build::item(beside, build::ident(BESIDE)));
        Parts { projection, from: Some(build::derived(numbered, LEADING)), ..Parts::default() }.query()
    }

    fn row_keys(&self, part: &plan::MadeOf, how: Conversion) -> Vec<SelectItem> {
        let mut keys = vec![
            build::item(self.known(&part.values[0]), build::ident(BY)),
            build::item(self.instant_of(&part.rows), build::ident(AT)),
        ];
        keys.extend(how.matched.then(|| build::item(self.known(&part.values[1]), build::ident(MATCH))));
        keys
    }

    /// Rows of a part of which the first values, so many, are known.
    pub(super) fn rows_of_members(
        &self,
        part: &plan::MadeOf,
        keys: usize,
        others: &[usize],
        projection: Vec<SelectItem>,
    ) -> Query {
        let leaves = Rows(self.dialect);
        let keys = &part.values[..keys];
        let known = keys.iter().filter(|key| key.nullable).map(|key| build::is_not_null(self.value(key, &leaves)));
        let used: Vec<&plan::Expr> = keys.iter().chain(others.iter().map(|value| &part.values[*value])).collect();
        self.selected(&part.rows, &used, known.collect(), projection).query()
    }
}
