//! The tables of cohorts: units, their ages, and rows at ages.

use sqlparser::ast::{BinaryOperator, Expr, Query, SelectItem};

use super::super::Lowering;
use super::{column, same};
use crate::plan::{self, Ages, CohortTable, DataType, Function, Made, MadeOf, Origin, Selection, Table, Value};
use crate::sql::build::{self, Parts};
use crate::sql::lower::edges::Edge;
use crate::sql::lower::read::Rows;

/// The aliases of units, of rows that are put to ages, and of what is made of both.
const UNITS: &str = "u";
const ROWS: &str = "r";
const MADE: &str = "m";

/// Columns of our own: whose, when, the number of the bucket; the last age there is, the age, the last active one; the buckets with rows;
/// then dimensions (`_d0` …) and values (`_v0` …).
pub(super) const BY: &str = "_by";
pub(super) const AT: &str = "_at";
const NUMBER: &str = "_n";
const AGES: &str = "_ages";
const AGE: &str = "_age";
const LAST: &str = "_last";
const COUNT: &str = "_count";
const SEEN: &str = "_seen";

/// A cohort, and the values of its start rows and its rows that are wanted, but for the first ones: whose they are.
struct Cohort<'a> {
    made: &'a Made,
    ages: Ages,
    of: CohortTable,
    dimensions: Vec<usize>,
    values: Vec<usize>,
}

impl Cohort<'_> {
    fn start(&self) -> &MadeOf {
        &self.made.parts[0]
    }

    /// What is put to ages.
    fn rows(&self) -> &MadeOf {
        &self.made.parts[self.of.rows().unwrap_or_default()]
    }

    /// The columns of units beside its own ones.
    fn dimension_names(&self) -> impl Iterator<Item = String> {
        self.dimensions.iter().map(|at| format!("_d{at}"))
    }

    fn value_names(&self) -> impl Iterator<Item = String> {
        self.values.iter().map(|at| format!("_v{at}"))
    }
}

/// The combinations of these columns of which there are so many rows.
fn counted(rows: Query, names: Vec<String>, counting: &str, at_least: u32) -> Query {
    let kept = || names.iter().map(|name| same(MADE, name)).collect::<Vec<_>>();
    let mut projection = kept();
    if at_least > 1 {
        projection.push(build::item(build::call("count", vec![column(MADE, counting)]), build::ident(COUNT)));
    }
    let (from, group_by) = (Some(build::derived(rows, MADE)), names.iter().map(|name| column(MADE, name)).collect());
    let grouped = Parts { projection, from, group_by, ..Parts::default() }.query();
    if at_least <= 1 {
        return grouped;
    }
    let filter = Some(build::binary(column(MADE, COUNT), BinaryOperator::GtEq, build::number(at_least)));
    Parts { projection: kept(), from: Some(build::derived(grouped, MADE)), filter, ..Parts::default() }.query()
}

impl Lowering<'_> {
    /// A table of a cohort: the columns named.
    pub(in crate::sql::lower) fn cohort_rows(
        &self,
        table: &Table,
        made: &Made,
        (ages, of): (Ages, CohortTable),
        columns: &[&str],
    ) -> Query {
        let own = table.columns.len().saturating_sub(made.carried.len());
        let wanted = |at: usize| columns.contains(&table.columns[at].name.as_str());
        let others = |part: usize| {
            let needed = made.needed(part, |at| wanted(own + at));
            needed.into_iter().filter(|value| *value > 0).collect::<Vec<_>>()
        };
        let values = of.rows().map(others).unwrap_or_default();
        let cohort = Cohort { made, ages, of, dimensions: others(0), values };
        let units = self.units(&cohort);
        let rows = match of {
            CohortTable::Units => units,
            CohortTable::Cells => self.cells(&cohort, units),
            CohortTable::Active(at_least) => self.active(&cohort, units, at_least, wanted(own - 1)),
            CohortTable::Rows => self.at_ages(&cohort, units, self.rows_of(&cohort)),
        };
        let names = [BY, AT, AGES, AGE, LAST];
        let projection = table.columns.iter().enumerate().filter(|(at, _)| wanted(*at)).map(|(at, shown)| {
            let name = match at.checked_sub(own).map(|at| made.carried[at].of[0]) {
                None => names[at].to_owned(),
                Some(carried) if carried.part == 0 => format!("_d{}", carried.value),
                Some(carried) => format!("_v{}", carried.value),
            };
            build::item(column(MADE, &name), self.name(&shown.name))
        });
        Parts { projection: projection.collect(), from: Some(build::derived(rows, MADE)), ..Parts::default() }.query()
    }

    /// One row a unit, with the last age that there is of it.
    fn units(&self, cohort: &Cohort<'_>) -> Query {
        let leaves = Rows(self.dialect);
        let MadeOf { rows, values } = cohort.start();
        let (by, at) = (&values[0], self.instant_of(rows));
        let mut projection = vec![
            build::item(self.known(by), build::ident(BY)),
            build::item(self.start_of(cohort, at.clone()), build::ident(AT)),
            build::item(self.number_of(cohort, at), build::ident(NUMBER)),
        ];
        let mut used: Vec<&plan::Expr> = vec![by];
        for at in &cohort.dimensions {
            let value = &values[*at];
            projection.push(build::item(self.settled(value, &leaves), build::ident(&format!("_d{at}"))));
            used.push(value);
        }
        let known = by.nullable.then(|| build::is_not_null(self.value(by, &leaves)));
        let rows = self.selected(rows, &used, known.into_iter().collect(), projection).query();
        let mut projection = vec![same(UNITS, BY), same(UNITS, AT), same(UNITS, NUMBER)];
        projection.push(build::item(self.last_age(cohort), build::ident(AGES)));
        projection.extend(cohort.dimension_names().map(|name| same(UNITS, &name)));
        Parts { projection, from: Some(build::derived(rows, UNITS)), ..Parts::default() }.query()
    }

    /// The last age that there is of a unit.
    fn last_age(&self, cohort: &Cohort<'_>) -> Expr {
        let ages = self.age(cohort, column(UNITS, NUMBER), self.last_number(cohort));
        let ages =
            if cohort.ages.partial { ages } else { build::binary(ages, BinaryOperator::Minus, build::number(1)) };
        let ages = build::call("least", vec![self.int(i64::from(cohort.ages.until)), ages]);
        self.dialect.not_null(ages)
    }

    /// When a unit starts: the instant, or the start of its bucket.
    fn start_of(&self, cohort: &Cohort<'_>, at: Expr) -> Expr {
        if cohort.ages.rolling.is_some() {
            return at;
        }
        let key = self.dialect.bucket_key(at, cohort.ages.every, self.calendar);
        self.dialect.bucket_start(key, cohort.ages.every, self.calendar)
    }

    /// A row for each age of a unit.
    fn cells(&self, cohort: &Cohort<'_>, units: Query) -> Query {
        let dimensions: Vec<String> = cohort.dimension_names().collect();
        let names: Vec<&str> = [BY, AT, AGES].into_iter().chain(dimensions.iter().map(String::as_str)).collect();
        let count = build::binary(column(UNITS, AGES), BinaryOperator::Plus, build::number(1));
        let filter = Some(build::binary(column(UNITS, AGES), BinaryOperator::GtEq, build::number(0)));
        self.exploded(units, UNITS, &names, (self.dialect.numbers_below(count), AGE), filter)
    }

    /// The rows that are put to ages: whose, and the number of the bucket or the instant.
    fn rows_of(&self, cohort: &Cohort<'_>) -> Query {
        let leaves = Rows(self.dialect);
        let MadeOf { rows, values } = cohort.rows();
        let (by, number) = (&values[0], self.number_of(cohort, self.instant_of(rows)));
        let mut projection =
            vec![build::item(self.known(by), build::ident(BY)), build::item(number, build::ident(NUMBER))];
        let mut used: Vec<&plan::Expr> = vec![by];
        for at in &cohort.values {
            let value = &values[*at];
            projection.push(build::item(self.settled(value, &leaves), build::ident(&format!("_v{at}"))));
            used.push(value);
        }
        let known = by.nullable.then(|| build::is_not_null(self.value(by, &leaves)));
        self.selected(rows, &used, known.into_iter().collect(), projection).query()
    }

    /// Rows of the units at an age that there is.
    fn at_ages(&self, cohort: &Cohort<'_>, units: Query, rows: Query) -> Query {
        let age = self.age(cohort, column(UNITS, NUMBER), column(ROWS, NUMBER));
        let mut projection = vec![same(UNITS, BY), same(UNITS, AT), same(UNITS, AGES)];
        projection.push(build::item(age, build::ident(AGE)));
        projection.extend(cohort.dimension_names().map(|name| same(UNITS, &name)));
        projection.extend(cohort.value_names().map(|name| same(ROWS, &name)));
        let joins =
            vec![build::inner_join(build::derived(units, UNITS), build::equal(column(ROWS, BY), column(UNITS, BY)))];
        let joined = Parts { projection, from: Some(build::derived(rows, ROWS)), joins, ..Parts::default() }.query();
        let mut names = vec![same(MADE, BY), same(MADE, AT), same(MADE, AGES), same(MADE, AGE)];
        names.extend(cohort.dimension_names().chain(cohort.value_names()).map(|name| same(MADE, &name)));
        let filter = build::all([
            build::binary(column(MADE, AGE), BinaryOperator::GtEq, build::number(0)),
            build::binary(column(MADE, AGE), BinaryOperator::LtEq, column(MADE, AGES)),
        ]);
        Parts { projection: names, from: Some(build::derived(joined, MADE)), filter, ..Parts::default() }.query()
    }

    /// One row for each unit and age with so many rows.
    fn active(&self, cohort: &Cohort<'_>, units: Query, at_least: u32, with_last: bool) -> Query {
        let mut names: Vec<String> = [BY, AT, AGES, AGE].map(str::to_owned).to_vec();
        names.extend(cohort.dimension_names());
        let active = match cohort.ages.rolling {
            None => self.listed_ages(cohort, at_least).unwrap_or_else(|| {
                // A bucket is an age of each unit: the rows of one are few before units come to them.
                let rows = counted(self.rows_of(cohort), [BY, NUMBER].map(str::to_owned).to_vec(), NUMBER, at_least);
                self.at_ages(cohort, units, rows)
            }),
            Some(_) => counted(self.at_ages(cohort, units, self.rows_of(cohort)), names.clone(), AGE, at_least),
        };
        if !with_last {
            return active;
        }
        let mut projection: Vec<SelectItem> = names.iter().map(|name| same(MADE, name)).collect();
        let last = build::over(build::call("max", vec![column(MADE, AGE)]), vec![column(MADE, BY), column(MADE, AT)]);
        projection.push(build::item(last, build::ident(LAST)));
        Parts { projection, from: Some(build::derived(active, MADE)), ..Parts::default() }.query()
    }

    /// One row for each unit and age with a row, where a unit starts with the first of these rows: the rows of a member, as a list, know
    /// it themselves.
    fn listed_ages(&self, cohort: &Cohort<'_>, at_least: u32) -> Option<Query> {
        let first = self.first_of(cohort)?;
        let MadeOf { rows, values } = cohort.rows();
        if at_least > 1 || !cohort.dimensions.is_empty() || first.rows != *rows || first.keys != values[..1] {
            return None;
        }
        let by = &values[0];
        let at = self.instant_of(rows);
        let projection = vec![
            build::item(self.known(by), build::ident(BY)),
            build::item(at.clone(), build::ident(AT)),
            build::item(self.number_of(cohort, at), build::ident(NUMBER)),
        ];
        let known = by.nullable.then(|| build::is_not_null(self.value(by, &Rows(self.dialect))));
        let rows = self.selected(rows, &[by], known.into_iter().collect(), projection).query();
        let seen = self.dialect.each_once(column(ROWS, NUMBER));
        let projection = vec![
            same(ROWS, BY),
            build::item(build::call("min", vec![column(ROWS, AT)]), build::ident(AT)),
            build::item(build::call("min", vec![column(ROWS, NUMBER)]), build::ident(NUMBER)),
            build::item(seen, build::ident(SEEN)),
        ];
        let (from, group_by) = (Some(build::derived(rows, ROWS)), vec![column(ROWS, BY)]);
        let members = Parts { projection, from, group_by, ..Parts::default() }.query();
        let members = self.with_members(cohort.start().rows.table, members, UNITS);
        let projection = vec![
            same(UNITS, BY),
            build::item(self.start_of(cohort, column(UNITS, AT)), build::ident(AT)),
            build::item(self.last_age(cohort), build::ident(AGES)),
            same(UNITS, NUMBER),
            same(UNITS, SEEN),
        ];
        let units = Parts { projection, from: Some(members), ..Parts::default() }.query();
        let seen = self.exploded(units, UNITS, &[BY, AT, AGES, NUMBER], (column(UNITS, SEEN), SEEN), None);
        let age = self.age(cohort, column(MADE, NUMBER), column(MADE, SEEN));
        let projection =
            vec![same(MADE, BY), same(MADE, AT), same(MADE, AGES), build::item(age.clone(), build::ident(AGE))];
        let filter = Some(build::binary(age, BinaryOperator::LtEq, column(MADE, AGES)));
        Some(Parts { projection, from: Some(build::derived(seen, MADE)), filter, ..Parts::default() }.query())
    }

    /// What the units of a cohort are the first rows of.
    fn first_of(&self, cohort: &Cohort<'_>) -> Option<&plan::FirstOf> {
        let MadeOf { rows, .. } = cohort.start();
        let whole = rows.filter.is_none() && rows.joins.is_empty() && rows.answers.is_empty();
        match &self.tables[rows.table].origin {
            Origin::FirstOf(first) if whole => Some(first),
            _ => None,
        }
    }

    /// The start of the first unit, under this name.
    pub(in crate::sql::lower) fn first_start(&self, made: &Made, ages: Ages, name: &str) -> Option<Query> {
        let cohort = Cohort { made, ages, of: CohortTable::Units, dimensions: Vec::new(), values: Vec::new() };
        let first = self.first_of(&cohort)?;
        // That of the first of all rows.
        let known = first.keys.iter().filter(|key| key.nullable);
        let known = known.map(|key| build::is_not_null(self.value(key, &Rows(self.dialect)))).collect();
        let keys: Vec<&plan::Expr> = first.keys.iter().collect();
        let at = self.extreme(self.instant_of(&first.rows), Edge::First);
        let rows = self.selected(&first.rows, &keys, known, vec![build::item(at, build::ident(AT))]).query();
        let projection = vec![build::item(self.start_of(&cohort, column(UNITS, AT)), self.name(name))];
        Some(Parts { projection, from: Some(build::derived(rows, UNITS)), ..Parts::default() }.query())
    }

    /// What ages are counted by: the number of the bucket, or the instant.
    fn number_of(&self, cohort: &Cohort<'_>, at: Expr) -> Expr {
        match cohort.ages.rolling {
            Some(_) => at,
            None => self.dialect.bucket_number(at, cohort.ages.every, self.calendar),
        }
    }

    /// The age of what lies there, from the start of a unit on.
    fn age(&self, cohort: &Cohort<'_>, start: Expr, at: Expr) -> Expr {
        let Some(ms) = cohort.ages.rolling else { return build::binary(at, BinaryOperator::Minus, start) };
        let (instant, duration, float) = (&DataType::Timestamp, &DataType::Duration, &DataType::Float);
        let elapsed = self.call(Function::Subtract, vec![(at, instant), (start, instant)], duration);
        let length = self.dialect.literal(&Value::Duration(ms), duration, self.calendar);
        let lengths = self.call(Function::Divide, vec![(elapsed, duration), (length, duration)], float);
        let full = self.call(Function::Floor, vec![(lengths, float)], float);
        self.call(Function::Cast, vec![(full, float)], &DataType::Int)
    }

    /// The number of the bucket in which the last row lies, or its instant.
    fn last_number(&self, cohort: &Cohort<'_>) -> Expr {
        let last = |rows: &Selection| {
            let greatest = build::item(build::call("max", vec![self.instant_of(rows)]), build::ident(AT));
            self.selected(rows, &[], Vec::new(), vec![greatest]).select()
        };
        let ends = cohort.made.parts[cohort.of.first_end()..].iter().map(|end| &end.rows);
        let all = build::union_all(build::each_once(ends.map(last))).map(|all| build::derived(all, MADE));
        let number = self.number_of(cohort, column(MADE, AT));
        let projection = vec![build::item(build::call("max", vec![number]), build::ident(NUMBER))];
        build::scalar(Parts { projection, from: all, ..Parts::default() }.query())
    }

    /// The time of the rows of a selection, which have one.
    pub(super) fn instant_of(&self, rows: &Selection) -> Expr {
        let time = rows.time.as_ref().map(|time| (self.value(time, &Rows(self.dialect)), time.nullable));
        match time {
            Some((time, true)) => self.dialect.not_null(time),
            Some((time, false)) => time,
            None => self.dialect.typed_null(&DataType::Timestamp, self.calendar),
        }
    }

    /// Whose rows they are; others are left out.
    pub(super) fn known(&self, by: &plan::Expr) -> Expr {
        let value = self.settled(by, &Rows(self.dialect));
        if by.nullable { self.dialect.not_null(value) } else { value }
    }

    fn int(&self, value: i64) -> Expr {
        self.dialect.literal(&Value::Int(value), &DataType::Int, self.calendar)
    }
}
