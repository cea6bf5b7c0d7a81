//! Segments: the members of an entity as they are measured before days.
//!
//! Each row of a measure counts from the day after its own on, and no more once its days are over: two changes of a sum, which is
//! added up along the days of a member. Beside the changes stand the days that are asked for, each with all members, so that one pass
//! of windows tells all measures, and another one, along the members of a day, their scores.

use sqlparser::ast::{BinaryOperator, Expr, OrderByExpr, Query, Select, SelectItem, TableFactor};

use super::super::Lowering;
use super::super::edges::Edge;
use super::{column, same};
use crate::plan::{
    self, Aggregate, DataType, Function, Interval, Made, MadeOf, Measured, MeasuredBy, Segment, SegmentDays, Selection,
    Step, Table, Value, Window,
};
use crate::sql::build::{self, Parts};
use crate::sql::dialect::{Aggregated, Operand};
use crate::sql::lower::read::{BASE, Rows};

/// The aliases of rows, of what is made of them, of days and of members.
const ROWS: &str = "r";
const MADE: &str = "m";
const DAYS: &str = "d";
const MEMBERS: &str = "u";

/// Columns of our own: whose, the number of the day, the day as it is shown, its first instant; a value that is counted once, the next
/// day on which it is there, and which of the two changes of a row it is. Measures are `_v0` …, scores `_s0` ….
const BY: &str = "_by";
const NUMBER: &str = "_n";
const DAY: &str = "_day";
const AT: &str = "_at";
const VALUE: &str = "_x";
const NEXT: &str = "_next";
const CHANGE: &str = "_k";

fn plus(value: Expr, number: i64) -> Expr {
    build::binary(value, BinaryOperator::Plus, build::number(number))
}

fn value_name(measure: usize) -> String {
    format!("_v{measure}")
}

/// A segment: its members, and its measures with the types of their values.
struct Of<'a> {
    made: &'a Made,
    how: &'a Segment,
    types: Vec<DataType>,
    /// The numbers of the first and the last day, where rows far from them matter to none.
    bounds: Option<(Expr, Expr)>,
}

impl Of<'_> {
    fn part(&self, measure: usize) -> &MadeOf {
        &self.made.parts[1 + measure]
    }

    fn measured(&self, measure: usize) -> Measured {
        self.how.measures[measure]
    }

    /// The measures in groups that read the same rows for equally many days.
    fn groups(&self) -> Vec<Vec<usize>> {
        let alike = |a: usize, b: usize| {
            let (one, other) = (self.part(a), self.part(b));
            let counted = [a, b].iter().all(|at| self.measured(*at).by != MeasuredBy::Distinct);
            counted
                && self.measured(a).days == self.measured(b).days
                && one.rows == other.rows
                && one.values[0] == other.values[0]
        };
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for measure in 0..self.how.measures.len() {
            match groups.iter_mut().find(|group| alike(group[0], measure)) {
                Some(group) => group.push(measure),
                None => groups.push(vec![measure]),
            }
        }
        groups
    }
}

/// The type of the values of a measure.
fn type_of(measured: Measured, part: &MadeOf) -> DataType {
    match measured.by {
        // The time of the last row, until it is compared with the day.
        MeasuredBy::Since => DataType::Timestamp,
        MeasuredBy::Count | MeasuredBy::Distinct => DataType::Int,
        MeasuredBy::Sum => match part.values.get(1).map(|value| &value.ty) {
            Some(DataType::Decimal { scale, .. }) => DataType::Decimal { precision: 38, scale: *scale },
            Some(DataType::Int) | None => DataType::Decimal { precision: 38, scale: 0 },
            Some(other) => other.clone(),
        },
    }
}

impl Lowering<'_> {
    /// The days on which rows that are read from somewhere look up: `at` is the instant of each. `more` holds of all that matter.
    pub(in crate::sql::lower) fn asked_days(
        &self,
        from: TableFactor,
        joins: Vec<sqlparser::ast::Join>,
        at: &plan::Expr,
        more: Vec<Expr>,
    ) -> Query {
        let value = self.value(at, &Rows(self.dialect));
        let known = at.nullable.then(|| build::is_not_null(value.clone()));
        let filter = build::all(known.into_iter().chain(more));
        let value = if at.nullable { self.dialect.not_null(value) } else { value };
        let [number, day, start] = self.day_of(value);
        let projection = vec![
            build::item(number.clone(), build::ident(NUMBER)),
            build::item(day.clone(), build::ident(DAY)),
            build::item(start.clone(), build::ident(AT)),
        ];
        Parts { projection, from: Some(from), joins, filter, group_by: vec![number, day, start] }.query()
    }

    /// Reads a selection of rows wherever they are: members are ranked among all.
    fn all_selected(
        &self,
        rows: &Selection,
        others: &[&plan::Expr],
        more: Vec<Expr>,
        projection: Vec<SelectItem>,
    ) -> Parts {
        let from = Some(self.everywhere(rows.table, BASE));
        Parts { from, ..self.selected(rows, others, more, projection) }
    }

    /// The number of the day of an instant, the day, and its first instant.
    fn day_of(&self, at: Expr) -> [Expr; 3] {
        let key = self.dialect.bucket_key(at.clone(), Step::Day, self.calendar);
        let day = self.call(Function::DateOf, vec![(at.clone(), &DataType::Timestamp)], &DataType::Date);
        [
            self.dialect.bucket_number(at, Step::Day, self.calendar),
            day,
            self.dialect.bucket_start(key, Step::Day, self.calendar),
        ]
    }

    /// A table of a segment whose days are all that there are: the columns named.
    pub(super) fn segment_rows(&self, table: &Table, made: &Made, how: &Segment, columns: &[&str]) -> Query {
        self.segment_on(table, made, how, columns, self.all_days(made))
    }

    /// All days from that of the first row of any measure to that of the last one.
    fn all_days(&self, made: &Made) -> Query {
        let instant = |part: &MadeOf| {
            let projection = vec![build::item(self.instant_of(&part.rows), build::ident(AT))];
            self.all_selected(&part.rows, &[], Vec::new(), projection).select()
        };
        let parts = made.parts.get(1..).unwrap_or_default();
        let all = build::union_all(parts.iter().map(instant)).map(|all| build::derived(all, ROWS));
        let projection = vec![
            build::item(self.extreme(column(ROWS, AT), Edge::First), build::ident("_first")),
            build::item(self.extreme(column(ROWS, AT), Edge::Last), build::ident("_last")),
            build::item(build::call("count", vec![column(ROWS, AT)]), build::ident(NUMBER)),
        ];
        let edges = Parts { projection, from: all, ..Parts::default() }.query();
        let instant = |name: &str| self.dialect.not_null(column(MADE, name));
        let last = self.dialect.bucket_key(instant("_last"), Step::Day, self.calendar);
        let ever = Interval { window: Some(Window::All), ..Interval::default() };
        let keys = self.dialect.buckets(instant("_first"), Step::Day, &ever, last, self.calendar);
        let projection = vec![build::item(self.dialect.explode(keys), build::ident(DAY))];
        // Without rows there is no day, whatever the least of no instants is.
        let filter = Some(build::binary(column(MADE, NUMBER), BinaryOperator::Gt, build::number(0)));
        let keys = Parts { projection, from: Some(build::derived(edges, MADE)), filter, ..Parts::default() }.query();
        let start = self.dialect.bucket_start(column(DAYS, DAY), Step::Day, self.calendar);
        let starts = vec![build::item(start, build::ident(AT))];
        let starts = Parts { projection: starts, from: Some(build::derived(keys, DAYS)), ..Parts::default() }.query();
        let [number, ..] = self.day_of(column(MADE, AT));
        let projection = vec![
            build::item(number, build::ident(NUMBER)),
            build::item(column(MADE, AT), build::ident(DAY)),
            same(MADE, AT),
        ];
        Parts { projection, from: Some(build::derived(starts, MADE)), ..Parts::default() }.query()
    }

    /// The members as of the starts of some days: the columns named.
    pub(in crate::sql::lower) fn segment_on(
        &self,
        table: &Table,
        made: &Made,
        how: &Segment,
        columns: &[&str],
        days: Query,
    ) -> Query {
        let types = how.measures.iter().zip(made.parts.iter().skip(1));
        let types = types.map(|(measured, part)| type_of(*measured, part)).collect();
        let bounds = (how.days == SegmentDays::Asked).then(|| {
            let bound = |function: &str| {
                let projection =
                    vec![build::item(build::call(function, vec![column(DAYS, NUMBER)]), build::ident(NUMBER))];
                let from = Some(build::derived(days.clone(), DAYS));
                self.dialect.not_null(build::scalar(Parts { projection, from, ..Parts::default() }.query()))
            };
            (bound("min"), bound("max"))
        });
        let of = Of { made, how, types, bounds };
        let rows = self.scored(&of, self.measured(&of, self.changes(&of, days)));
        let names = [BY.to_owned(), DAY.to_owned()].into_iter();
        let names = names.chain((0..of.types.len()).map(|at| match how.scores {
            Some(_) => format!("_s{at}"),
            None => value_name(at),
        }));
        let shown = table.columns.iter().zip(names).filter(|(shown, _)| columns.contains(&shown.name.as_str()));
        let projection = shown.map(|(shown, name)| build::item(column(MADE, &name), self.name(&shown.name)));
        let projection = projection.collect();
        Parts { projection, from: Some(build::derived(rows, MADE)), ..Parts::default() }.query()
    }

    /// All changes of measures, and the days that are asked for with all members: `_by`, `_n`, `_day`, `_at`, `_v0` ….
    fn changes(&self, of: &Of<'_>, days: Query) -> Query {
        let asked = std::iter::once(self.members_of_days(of, days));
        let groups = of.groups();
        let changes = groups.iter().map(|group| match of.measured(group[0]).by {
            MeasuredBy::Distinct => self.changes_of_values(of, group[0]),
            _ => self.changes_of_rows(of, group),
        });
        build::union_all(asked.chain(changes)).unwrap_or_else(|| Parts::default().query())
    }

    /// What a row of the union has of each measure, where it has something of these.
    fn values(&self, of: &Of<'_>, own: &dyn Fn(usize) -> Option<Expr>) -> Vec<SelectItem> {
        let value = |(at, ty): (usize, &DataType)| {
            let value = match own(at) {
                Some(value) => self.dialect.optional(value, ty),
                None => self.dialect.typed_null(ty, self.calendar),
            };
            build::item(value, build::ident(&value_name(at)))
        };
        of.types.iter().enumerate().map(value).collect()
    }

    /// The type of the column of days.
    fn shown_day(&self, of: &Of<'_>) -> DataType {
        match of.how.days {
            SegmentDays::Asked => DataType::Date,
            SegmentDays::All => DataType::Timestamp,
        }
    }

    fn members_of_days(&self, of: &Of<'_>, days: Query) -> Select {
        let Some(MadeOf { rows, values }) = of.made.parts.first() else { return Parts::default().select() };
        let by = self.known(&values[0]);
        let projection = vec![build::item(by.clone(), build::ident(BY))];
        let known = values[0].nullable.then(|| build::is_not_null(self.value(&values[0], &Rows(self.dialect))));
        let mut members = self.selected(rows, &[&values[0]], known.into_iter().collect(), projection);
        // The versions of a history are of one member.
        members.group_by = vec![by];
        let mut projection = vec![same(MEMBERS, BY), same(DAYS, NUMBER)];
        for (name, ty) in [(DAY, self.shown_day(of)), (AT, DataType::Timestamp)] {
            projection.push(build::item(self.dialect.optional(column(DAYS, name), &ty), build::ident(name)));
        }
        projection.extend(self.values(of, &|_| None));
        let joins = vec![build::cross_join(build::derived(days, DAYS))];
        let from = Some(build::derived(members.query(), MEMBERS));
        Parts { projection, from, joins, ..Parts::default() }.select()
    }

    /// Only rows that matter to a day that is asked for: before the last one, and not before all days that count for the first one.
    fn in_bounds(&self, of: &Of<'_>, days: Option<i64>, number: &Expr) -> Vec<Expr> {
        let Some((first, last)) = &of.bounds else { return Vec::new() };
        let before = build::binary(number.clone(), BinaryOperator::Lt, last.clone());
        let after = days.map(|days| build::binary(plus(number.clone(), days), BinaryOperator::GtEq, first.clone()));
        std::iter::once(before).chain(after).collect()
    }

    /// Rows of the union that are no days that are asked for. What changes before the first of those does so on it.
    fn change(&self, of: &Of<'_>, rows: Query, number: Expr, own: &dyn Fn(usize) -> Option<Expr>) -> Select {
        let (number, filter) = match &of.bounds {
            Some((first, last)) => {
                let known = build::binary(number.clone(), BinaryOperator::LtEq, last.clone());
                (build::call("greatest", vec![number, first.clone()]), Some(known))
            }
            None => (number, None),
        };
        let mut projection = vec![same(MADE, BY), build::item(number, build::ident(NUMBER))];
        for (name, ty) in [(DAY, self.shown_day(of)), (AT, DataType::Timestamp)] {
            projection.push(build::item(self.dialect.typed_null(&ty, self.calendar), build::ident(name)));
        }
        projection.extend(self.values(of, own));
        Parts { projection, from: Some(build::derived(rows, MADE)), filter, ..Parts::default() }.select()
    }

    /// The two changes of what is read: whose `what` stands in the alias of made rows, with which of them it is.
    fn twice(&self, rows: Query, names: &[String]) -> Query {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let both = self.dialect.numbers_below(build::number(2));
        self.exploded(rows, ROWS, &names, (both, CHANGE), None)
    }

    fn is_begin(&self) -> Expr {
        build::equal(column(MADE, CHANGE), build::number(0))
    }

    /// The changes of measures that are of the same rows: their sums of each day.
    fn changes_of_rows(&self, of: &Of<'_>, group: &[usize]) -> Select {
        let part = of.part(group[0]);
        let by = &part.values[0];
        let instant = self.instant_of(&part.rows);
        let number = self.dialect.bucket_number(instant.clone(), Step::Day, self.calendar);
        let mut used: Vec<&plan::Expr> = vec![by];
        let mut projection =
            vec![build::item(self.known(by), build::ident(BY)), build::item(number.clone(), build::ident(NUMBER))];
        for measure in group {
            let value = of.part(*measure).values.get(1);
            used.extend(value);
            let daily = match of.measured(*measure).by {
                MeasuredBy::Since => self.extreme(instant.clone(), Edge::Last),
                _ => self.sum_of_day(of.measured(*measure).by, value, &of.types[*measure]),
            };
            projection.push(build::item(daily, build::ident(&value_name(*measure))));
        }
        let days = of.measured(group[0]).days;
        let known = by.nullable.then(|| build::is_not_null(self.value(by, &Rows(self.dialect))));
        let known = known.into_iter().chain(self.in_bounds(of, days, &number)).collect();
        let mut daily = self.all_selected(&part.rows, &used, known, projection);
        daily.group_by = vec![self.known(by), number];
        let own = |measure: usize| {
            let value = || column(MADE, &value_name(measure));
            let signed = match days {
                None => value(),
                Some(_) => build::case(vec![(self.is_begin(), value())], Some(build::negate(value()))),
            };
            group.contains(&measure).then_some(signed)
        };
        let number = || column(MADE, NUMBER);
        let (rows, number) = match days {
            None => (daily.query(), plus(number(), 1)),
            Some(days) => {
                let mut names = vec![BY.to_owned(), NUMBER.to_owned()];
                names.extend(group.iter().map(|measure| value_name(*measure)));
                let end = plus(number(), 1 + days);
                let moved = build::case(vec![(self.is_begin(), plus(number(), 1))], Some(end));
                (self.twice(daily.query(), &names), moved)
            }
        };
        self.change(of, rows, number, &own)
    }

    /// The number or the sum of the rows of a day.
    fn sum_of_day(&self, by: MeasuredBy, value: Option<&plan::Expr>, ty: &DataType) -> Expr {
        let leaves = Rows(self.dialect);
        let counted = value.filter(|value| {
            // A list or map that is missing is empty, and never null.
            by != MeasuredBy::Count || !matches!(value.ty, DataType::Array(_) | DataType::Map(_))
        });
        let aggregate = match (by, counted) {
            (MeasuredBy::Sum, Some(value)) => Aggregate::Sum(value.clone()),
            (_, Some(value)) => Aggregate::Count(value.clone()),
            (_, None) => Aggregate::CountRows,
        };
        let argument = counted.map(|value| {
            let sql = self.settled(value, &leaves);
            Operand { sql, ty: &value.ty, nullable: value.nullable, literal: None }
        });
        let aggregated =
            Aggregated { aggregate: &aggregate, argument, filter: None, order: Vec::new(), keyed: true, ty };
        self.dialect.aggregate(aggregated, self.calendar)
    }

    /// The changes of a number of different values: one counts from the day after it is there until its days are over, or it is there
    /// again.
    fn changes_of_values(&self, of: &Of<'_>, measure: usize) -> Select {
        let part = of.part(measure);
        let (by, Some(value)) = (&part.values[0], part.values.get(1)) else { return Parts::default().select() };
        let leaves = Rows(self.dialect);
        let number = self.dialect.bucket_number(self.instant_of(&part.rows), Step::Day, self.calendar);
        let of_value = self.settled(value, &leaves);
        let of_value = if value.nullable { self.dialect.not_null(of_value) } else { of_value };
        let known = [by, value].into_iter().filter(|part| part.nullable);
        let known = known.map(|part| build::is_not_null(self.value(part, &leaves)));
        let days = of.measured(measure).days;
        let known = known.chain(self.in_bounds(of, days, &number)).collect();
        let (first, group) = match days {
            Some(_) => (number.clone(), vec![self.known(by), of_value.clone(), number]),
            None => (build::call("min", vec![number]), vec![self.known(by), of_value.clone()]),
        };
        let projection = vec![
            build::item(self.known(by), build::ident(BY)),
            build::item(of_value, build::ident(VALUE)),
            build::item(first, build::ident(NUMBER)),
        ];
        let mut seen = self.all_selected(&part.rows, &[by, value], known, projection);
        seen.group_by = group;
        let number = || column(MADE, NUMBER);
        let int = |number: i64| self.dialect.literal(&Value::Int(number), &DataType::Int, self.calendar);
        let Some(days) = days else {
            return self.change(of, seen.query(), plus(number(), 1), &|at| (at == measure).then(|| int(1)));
        };
        let next = self.dialect.optional(column(ROWS, NUMBER), &DataType::Int);
        let next = build::neighbour(
            "max",
            next,
            vec![column(ROWS, BY), column(ROWS, VALUE)],
            vec![build::sort(column(ROWS, NUMBER), false, false)],
            build::Neighbour::After,
        );
        let projection = vec![same(ROWS, BY), same(ROWS, NUMBER), build::item(next, build::ident(NEXT))];
        let seen = Parts { projection, from: Some(build::derived(seen.query(), ROWS)), ..Parts::default() }.query();
        let rows = self.twice(seen, &[BY, NUMBER, NEXT].map(str::to_owned));
        let end = || plus(number(), 1 + days);
        let again = plus(column(MADE, NEXT), 1);
        let earlier = build::binary(again.clone(), BinaryOperator::Lt, end());
        let moved = build::case(vec![(self.is_begin(), plus(number(), 1)), (earlier, again)], Some(end()));
        let own = |at: usize| {
            (at == measure).then(|| build::case(vec![(self.is_begin(), build::number(1))], Some(build::number(-1))))
        };
        self.change(of, rows, moved, &own)
    }

    /// The values of all measures of all members on the days that are asked for: `_by`, `_n`, `_day`, `_v0` ….
    fn measured(&self, of: &Of<'_>, changes: Query) -> Query {
        let is_since = |measure: usize| of.measured(measure).by == MeasuredBy::Since;
        let all = 0..of.types.len();
        let greatest = |name: &str| build::item(build::call("max", vec![column(ROWS, name)]), build::ident(name));
        let mut projection = vec![same(ROWS, BY), same(ROWS, NUMBER), greatest(DAY), greatest(AT)];
        projection.extend(all.clone().map(|at| {
            let (name, function) = (value_name(at), if is_since(at) { "max" } else { "sum" });
            build::item(build::call(function, vec![column(ROWS, &name)]), build::ident(&name))
        }));
        let group_by = vec![column(ROWS, BY), column(ROWS, NUMBER)];
        let days =
            Parts { projection, from: Some(build::derived(changes, ROWS)), group_by, ..Parts::default() }.query();
        let along = || (vec![column(MADE, BY)], vec![build::sort(column(MADE, NUMBER), false, false)]);
        let mut projection = vec![same(MADE, BY), same(MADE, NUMBER), same(MADE, DAY), same(MADE, AT)];
        projection.extend(all.clone().map(|at| {
            let (name, (by, order)) = (value_name(at), along());
            let function = if is_since(at) { "max" } else { "sum" };
            build::item(build::before(function, column(MADE, &name), by, order, true), build::ident(&name))
        }));
        let run = Parts { projection, from: Some(build::derived(days, MADE)), ..Parts::default() }.query();
        let mut projection = vec![same(ROWS, BY), same(ROWS, NUMBER)];
        projection.push(build::item(self.dialect.not_null(column(ROWS, DAY)), build::ident(DAY)));
        projection.extend(all.map(|at| build::item(self.finished_value(of, at), build::ident(&value_name(at)))));
        let filter = Some(build::is_not_null(column(ROWS, DAY)));
        Parts { projection, from: Some(build::derived(run, ROWS)), filter, ..Parts::default() }.query()
    }

    /// The value of a measure from what has been added up.
    fn finished_value(&self, of: &Of<'_>, measure: usize) -> Expr {
        let (value, ty) = (column(ROWS, &value_name(measure)), &of.types[measure]);
        if of.measured(measure).by == MeasuredBy::Since {
            let (instant, duration) = (&DataType::Timestamp, &DataType::Duration);
            let since = self.call(Function::Subtract, vec![(column(ROWS, AT), instant), (value, instant)], duration);
            return self.dialect.settle(since, duration);
        }
        let zero = self.dialect.literal(&ty.some_value(), ty, self.calendar);
        let known = self.call(Function::Coalesce, vec![(value, ty), (zero, ty)], ty);
        self.dialect.settle(self.dialect.not_null(known), ty)
    }

    /// The same with the scores of measures among the members of each day, where there are such: `_s0` ….
    fn scored(&self, of: &Of<'_>, values: Query) -> Query {
        let Some(scores) = of.how.scores else { return values };
        let mut projection = vec![same(ROWS, BY), same(ROWS, DAY)];
        projection.extend((0..of.types.len()).map(|at| {
            let score = self.score(of, at, scores);
            build::item(score, build::ident(&format!("_s{at}")))
        }));
        let mut ranked = vec![same(MADE, BY), same(MADE, DAY)];
        for at in 0..of.types.len() {
            let value = || column(MADE, &value_name(at));
            let is_since = of.measured(at).by == MeasuredBy::Since;
            let order: Vec<OrderByExpr> = vec![build::sort(value(), is_since, is_since)];
            let day = || vec![column(MADE, NUMBER)];
            let rank = build::window("rank", day(), order);
            let measured = build::over(build::call("count", vec![value()]), day());
            ranked.push(same(MADE, &value_name(at)));
            ranked.push(build::item(rank, build::ident(&format!("_r{at}"))));
            ranked.push(build::item(measured, build::ident(&format!("_c{at}"))));
        }
        let rows = Parts { projection: ranked, from: Some(build::derived(values, MADE)), ..Parts::default() }.query();
        Parts { projection, from: Some(build::derived(rows, ROWS)), ..Parts::default() }.query()
    }

    /// 1 + the whole part of so many times the share of measured members below: those before in the order of ranks.
    fn score(&self, of: &Of<'_>, measure: usize, scores: u32) -> Expr {
        let ty = &DataType::Int;
        let int = |value: Expr| self.dialect.settle(value, ty);
        let below = build::binary(int(column(ROWS, &format!("_r{measure}"))), BinaryOperator::Minus, build::number(1));
        let times = build::binary(build::number(scores), BinaryOperator::Multiply, below);
        // Where nobody is measured there is no score, but an engine may divide all the same.
        let measured = int(column(ROWS, &format!("_c{measure}")));
        let measured = build::call("greatest", vec![measured, build::number(1)]);
        let score = plus(self.dialect.whole_quotient(times, measured), 1);
        if of.measured(measure).by != MeasuredBy::Since {
            return int(score);
        }
        let known = build::is_not_null(column(ROWS, &value_name(measure)));
        let score = self.dialect.optional(int(score), ty);
        build::case(vec![(known, score)], Some(self.dialect.typed_null(ty, self.calendar)))
    }
}
