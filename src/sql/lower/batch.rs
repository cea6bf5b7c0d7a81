//! Batches: which days a run builds, and the rows of these days.
//!
//! A run has one parameter, the day (or hour) that is over. It asks which days to build: that day, and earlier ones whose
//! rows came late or may have changed. Then it builds them, at most [`DAYS`] at once, because each is a partition.

use sqlparser::ast::{BinaryOperator, Expr as Sql, ObjectName, Query, Select, SelectItem, SetExpr};

use super::Lowering;
use super::filling::{CutOver, SIDE, Side};
use super::read::{BASE, Rows};
use super::stored::{ROLLUP, Stored};
use crate::plan::{Expr, ExprKind, Input, Scan, Source, Step, Table};
use crate::rollup::Cadence;
use crate::sql::build::{self, Parts, binary, column, ident};
use crate::sql::dialect::Batches;

/// How many days are built at once.
pub const DAYS: u32 = 100;

/// What the batch of a source must know.
#[derive(Clone, Debug)]
pub struct Batch<'a> {
    /// The source.
    pub table: usize,
    /// How often it runs.
    pub cadence: Cadence,
    /// The instants by which its rollups put rows into days.
    pub times: Vec<&'a Expr>,
    /// The column that says when a row reached us.
    pub arrived: Option<&'a str>,
    /// For how many days a row may still change.
    pub revised: Option<u32>,
    /// For how many days rows are kept: what is older cannot be built again.
    pub retain: Option<u32>,
}

/// Which days are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Days {
    /// Those that a run builds.
    Run,
    /// All that have rows.
    History,
}

impl Lowering<'_> {
    /// The conditions on a scan's rows that put them into the days of a run.
    pub(super) fn in_run(&self, scan: &Scan, cadence: Cadence) -> Vec<Sql> {
        scan.time.as_ref().map_or_else(Vec::new, |time| self.on_days(time, cadence))
    }

    fn on_days(&self, time: &Expr, cadence: Cadence) -> Vec<Sql> {
        let Some(how) = self.dialect.batches() else { return Vec::new() };
        how.on_days(self.value(time, &Rows(self.dialect)), cadence, self.calendar)
    }

    /// Of a table with a key, only the rows of the keys that have a row in the days of a run: which of them is clean is
    /// decided by all of them, but no other key can have a clean row there.
    pub(super) fn touched_keys(&self, table: &Table) -> Option<Sql> {
        let cadence = self.run?;
        let time = self.only_time(self.tables.iter().position(|other| other.name == table.name)?)?;
        let keys = self.keys_of(table, &[&time], Vec::new(), self.on_days(&time, cadence));
        let own = table.clean.key.iter().map(|key| column(super::clean::ROWS, self.name(key))).collect();
        Some(build::in_query(build::tuple(own), keys))
    }

    /// The instant by which all that reads a table takes rows of the days of a run. None where something needs other rows as well: an entity
    /// that is looked up keeps all of its rows, and so does what other tables are made of.
    fn only_time(&self, place: usize) -> Option<Expr> {
        let mut times: Vec<Expr> = Vec::new();
        for scan in &self.query.scans {
            self.times_of(scan, place, &mut times)?;
        }
        let (first, others) = times.split_first()?;
        others.iter().all(|time| time.kind == first.kind).then(|| first.clone())
    }

    /// See [`Lowering::only_time`], of one scan.
    fn times_of(&self, scan: &Scan, place: usize, times: &mut Vec<Expr>) -> Option<()> {
        let mut open: Vec<usize> = scan.joins.iter().map(|join| join.table).collect();
        open.extend(scan.answers.iter().flat_map(|answer| answer.query.all_tables()));
        match &scan.source {
            Source::Query(query) => query.scans.iter().try_for_each(|scan| self.times_of(scan, place, times))?,
            Source::Table(base) if *base == place => times.push(scan.time.clone()?),
            Source::Table(base) => open.push(*base),
        }
        while let Some(other) = open.pop() {
            let table = &self.tables[other];
            if other == place {
                return None;
            }
            if table.is_timely() && table.reads().any(|read| read == place) {
                times.push(self.own_time(place)?);
            } else {
                open.extend(table.reads());
            }
        }
        Some(())
    }

    /// The time column of a table.
    fn own_time(&self, place: usize) -> Option<Expr> {
        let table = &self.tables[place];
        let name = table.clean.time.as_ref()?;
        let column = table.columns.iter().find(|column| column.name == *name)?;
        let kind = ExprKind::Column { input: Input::Base, name: name.clone() };
        Some(Expr { kind, ty: column.ty.clone(), nullable: column.nullable })
    }

    /// The days of a run or of all history, as rows of one array of at most [`DAYS`] days each.
    pub(super) fn batch_days(&self, batch: &Batch, days: Days, how: &dyn Batches) -> Query {
        let members: Vec<Select> = match days {
            Days::Run => self.run_days(batch, how),
            Days::History => batch.times.iter().map(|time| self.days_with_rows(batch, time, Vec::new())).collect(),
        };
        let day = |alias: &str| column(alias, ident("day"));
        let last = how.last_day(batch.cadence, self.calendar);
        let mut filter = vec![binary(day("u"), BinaryOperator::LtEq, last.clone())];
        if let Some(retain) = batch.retain {
            // Of the day that is so far back, and of the one after it, some rows may be gone when the run begins.
            let kept = how.days_before(last, build::number(retain.saturating_sub(1)));
            filter.push(binary(day("u"), BinaryOperator::Gt, kept));
        }
        let from = build::union_all(members).map(|union| build::derived(union, "u"));
        let projection = vec![build::item(day("u"), ident("day"))];
        let all = Parts { projection, from, filter: build::all(filter), group_by: vec![day("u")], ..Parts::default() };
        how.chunks(all.query(), DAYS)
    }

    /// See [`super::batch_gone`].
    pub(super) fn batch_gone(
        &self,
        batch: &Batch,
        time: &Expr,
        rollup: &Stored,
        side: Option<Side>,
        how: &dyn Batches,
    ) -> Query {
        let days = self.days_with_rows(batch, time, Vec::new());
        let from = Some(build::derived(build::query(SetExpr::Select(Box::new(days))), "u"));
        let least = build::call("min", vec![column("u", ident("day"))]);
        let projection = vec![build::item(least, ident("day"))];
        let least = build::scalar(Parts { projection, from, ..Parts::default() }.query());
        let day = self.stored_bucket(rollup, Step::Day);
        let mut filter = match side {
            None => vec![how.is_built(day.clone())],
            Some(side) => {
                let of_side = build::equal(column(ROLLUP, ident(SIDE)), side.value());
                vec![how.is_of_month(column(ROLLUP, ident("_t"))), of_side]
            }
        };
        filter.push(binary(day, BinaryOperator::Lt, least));
        let projection = vec![build::item(build::call("count", Vec::new()), ident("rows"))];
        let from = Some(build::table(rollup.table.clone(), ROLLUP));
        Parts { projection, from, filter: build::all(filter), ..Parts::default() }.query()
    }

    /// See [`super::batch_ready`].
    pub(super) fn batch_ready(&self, batch: &Batch, how: &dyn Batches) -> Query {
        let table = &self.tables[batch.table];
        let own = table.clean.time.as_deref().map(|name| column(BASE, self.name(name)));
        let dated = batch.times.first().map(|time| self.value(time, &Rows(self.dialect)));
        let arrived = batch.arrived.map(|name| column(BASE, self.name(name)));
        let (start, end) = how.last(batch.cadence, self.calendar);
        let time = own.or(dated);
        let since = time.clone().map(|time| binary(time, BinaryOperator::GtEq, start));
        let past = arrived.or(time).map(|at| binary(at, BinaryOperator::GtEq, end));
        let some = |count: Sql| binary(count, BinaryOperator::Gt, build::number(0));
        // What is null is not past.
        let past = past.map(|past| build::call("count", vec![build::case(vec![(past, build::number(1))], None)]));
        let mut projection = vec![build::item(some(build::call("count", Vec::new())), ident("has_rows"))];
        projection.extend(past.map(|count| build::item(some(count), ident("is_past"))));
        let mut read: Vec<&str> = batch.times.first().map(|time| columns(time)).unwrap_or_default();
        read.extend(table.clean.time.as_deref().into_iter().chain(batch.arrived));
        let from = Some(build::derived(self.raw_rows(table, &read), BASE));
        Parts { projection, from, filter: build::all(since), ..Parts::default() }.query()
    }

    /// See [`super::batch_built`].
    pub(super) fn batch_built(&self, batch: &Batch, built: ObjectName, how: &dyn Batches) -> Query {
        let of = |name: &str| column("b", ident(name));
        let (_, end) = how.last(batch.cadence, self.calendar);
        let filter = [
            build::equal(of("day"), how.last_day(batch.cadence, self.calendar)),
            binary(of("at"), BinaryOperator::GtEq, end),
        ];
        let is_built = binary(build::call("count", Vec::new()), BinaryOperator::Gt, build::number(0));
        let projection = vec![build::item(is_built, ident("is_built"))];
        let from = Some(build::table(built, "b"));
        Parts { projection, from, filter: build::all(filter), ..Parts::default() }.query()
    }

    /// See [`super::backfill_months`].
    pub(super) fn backfill_months(&self, batch: &Batch, cuts: &[CutOver], how: &dyn Batches) -> Query {
        let table = &self.tables[batch.table];
        let members = batch.times.iter().zip(cuts).map(|(time, cut)| {
            let value = self.value(time, &Rows(self.dialect));
            let known = time.nullable.then(|| build::is_not_null(value.clone()));
            let value = if time.nullable { self.dialect.not_null(value) } else { value };
            let projection = vec![build::item(how.month(value, self.calendar), ident("month"))];
            let read: Vec<&str> = columns(time).into_iter().chain([cut.arrived]).collect();
            let from = Some(build::derived(self.raw_rows(table, &read), BASE));
            let filter = build::all(known.into_iter().chain([self.came(batch.table, cut, Side::History)]));
            Parts { projection, from, filter, ..Parts::default() }.select()
        });
        let month = || column("u", ident("month"));
        let all = Parts {
            projection: vec![build::item(month(), ident("month"))],
            from: build::union_all(members).map(|union| build::derived(union, "u")),
            group_by: vec![month()],
            ..Parts::default()
        };
        build::ordered(all.query(), vec![build::sort(month(), false, false)])
    }

    /// The days of a run: the one that is over, and those of rows that came or changed since.
    fn run_days(&self, batch: &Batch, how: &dyn Batches) -> Vec<Select> {
        let table = &self.tables[batch.table];
        let mut members = vec![how.span(batch.cadence, batch.revised.unwrap_or(0), self.calendar)];
        if batch.revised.is_some() {
            // A row that changed may lie on a day before it was made, if it is dated by another column.
            let own = table.clean.time.as_deref();
            let others = batch.times.iter().filter(|time| !is_column(time, own));
            for time in others {
                let made = own.map(|own| column(BASE, self.name(own)));
                let since =
                    made.map(|made| how.in_span(made, batch.cadence, batch.revised.unwrap_or(0), self.calendar));
                members.push(self.days_with_rows(batch, time, since.into_iter().flatten().collect()));
            }
        } else if let Some(arrived) = batch.arrived {
            let came = how.in_last(column(BASE, self.name(arrived)), batch.cadence, self.calendar);
            for time in &batch.times {
                members.push(self.days_with_rows(batch, time, self.same_keys(table, arrived, came.clone())));
            }
        }
        members
    }

    /// Whether a row has the key of a row that satisfies a filter; without a key, whether it satisfies the filter itself.
    fn same_keys(&self, table: &Table, read: &str, filter: Vec<Sql>) -> Vec<Sql> {
        if table.clean.key.is_empty() {
            return filter;
        }
        let own = table.clean.key.iter().map(|key| column(BASE, self.name(key))).collect();
        vec![build::in_query(build::tuple(own), self.keys_of(table, &[], vec![read], filter))]
    }

    /// The keys of the stored rows that satisfy a filter over `times` and the columns `read`.
    fn keys_of(&self, table: &Table, times: &[&Expr], read: Vec<&str>, filter: Vec<Sql>) -> Query {
        let key = || table.clean.key.iter().map(String::as_str);
        let projection = key().map(|name| build::item(column(BASE, self.name(name)), self.name(name))).collect();
        let columns: Vec<&str> = key().chain(read).chain(times.iter().flat_map(|time| columns(time))).collect();
        let from = Some(build::derived(self.raw_rows(table, &columns), BASE));
        Parts { projection, from, filter: build::all(filter), ..Parts::default() }.query()
    }

    /// The days that stored rows have, whether they are clean or not.
    fn days_with_rows(&self, batch: &Batch, time: &Expr, filter: Vec<Sql>) -> Select {
        let table = &self.tables[batch.table];
        let value = self.value(time, &Rows(self.dialect));
        let known = time.nullable.then(|| build::is_not_null(value.clone()));
        let value = if time.nullable { self.dialect.not_null(value) } else { value };
        let day = self.dialect.bucket_key(value, Step::Day, self.calendar);
        let mut read: Vec<&str> = columns(time);
        read.extend(table.clean.key.iter().chain(&table.clean.time).map(String::as_str).chain(batch.arrived));
        let from = Some(build::derived(self.raw_rows(table, &read), BASE));
        let filter = build::all(known.into_iter().chain(filter));
        Parts { projection: vec![build::item(day, ident("day"))], from, filter, ..Parts::default() }.select()
    }
}

/// The stored columns of an expression over the rows of one table.
fn columns(expr: &Expr) -> Vec<&str> {
    let mut found = Vec::new();
    expr.walk(&mut |part| {
        if let ExprKind::Column { input: Input::Base, name } = &part.kind {
            found.push(name.as_str());
        }
    });
    found
}

fn is_column(expr: &Expr, name: Option<&str>) -> bool {
    matches!(&expr.kind, ExprKind::Column { input: Input::Base, name: own } if Some(own.as_str()) == name)
}

/// `SELECT expr AS name`, for dialects.
pub fn single(expr: Sql, name: &str, from: Option<sqlparser::ast::TableFactor>) -> Select {
    let projection: Vec<SelectItem> = vec![build::item(expr, ident(name))];
    Parts { projection, from, ..Parts::default() }.select()
}
