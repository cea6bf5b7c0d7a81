//! Clean rows. Those of a stored table: null keys out, one row a key, null times out. Those of a derived table are made of the
//! clean rows of the tables before it, in one file an origin.

mod attempts;
mod attribution;
mod cohort;
mod conversion;
mod experiment;
mod first;
mod paths;
mod segment;
mod session;
mod stored;
mod union;
mod window;

use std::collections::BTreeSet;

use sqlparser::ast::{Expr, Ident, ObjectName, OrderByExpr, Query, SelectItem, SetExpr, TableFactor};

use super::Lowering;
use super::read::{BASE, Rows};
use crate::plan::{self, How, Input, Origin, Selection};
use crate::sql::build::{self, Parts};
use crate::sql::dialect::Deduplication;
use crate::sql::expr::Leaves;

/// The alias of rows while one of several is chosen.
pub(super) const ROWS: &str = "s";
/// The place of a row among those of its key.
const RANK: &str = "_rank";

impl Lowering<'_> {
    /// The name of the clean rows of a table within one query; never that of a stored table.
    pub(super) fn clean_name(&self, table: usize) -> String {
        let mut name = format!("{}_clean", self.tables[table].name);
        while self.tables.iter().any(|table| table.physical == name) {
            name.push('_');
        }
        name
    }

    /// The clean rows of a table, as something to read from.
    pub(super) fn clean_relation(&self, table: usize, alias: &str) -> TableFactor {
        let name = match &self.options.clean_views {
            Some(database) => {
                let plain = format!("clean_{}", self.tables[table].name);
                let view = match self.options.clean_versions.get(table) {
                    Some(version) if !version.is_empty() => format!("{plain}__{version}"),
                    _ => plain,
                };
                ObjectName::from(vec![self.name(database), self.name(&view)])
            }
            None => ObjectName::from(vec![self.name(&self.clean_name(table))]),
        };
        build::table(name, alias)
    }

    /// The clean rows of a table on all shards, where there are several.
    pub(super) fn everywhere(&self, table: usize, alias: &str) -> TableFactor {
        let mut local = self.clean_relation(table, alias);
        if self.options.all_shards
            && let TableFactor::Table { name, .. } = &mut local
            && let Some(sqlparser::ast::ObjectNamePart::Identifier(last)) = name.0.last_mut()
        {
            last.value.push_str("__all");
        }
        local
    }

    /// The clean rows of every table that a scan reads, also through others, with the columns that are used; each after those
    /// that it is made of.
    pub(super) fn clean_tables(&self) -> Vec<(Ident, Query)> {
        let tables = self.tables;
        let mut wanted: Vec<Option<BTreeSet<&str>>> = vec![None; tables.len()];
        for table in self.query.all_tables() {
            wanted[table].get_or_insert_default();
        }
        for (table, column) in self.query.read_columns(tables) {
            wanted[table].get_or_insert_default().insert(column);
        }
        let mut made = Vec::new();
        // From the last to the first, all users of one are known.
        for place in plan::in_order(tables).into_iter().rev() {
            let Some(columns) = wanted[place].take() else { continue };
            let table = &tables[place];
            let columns: Vec<&str> =
                table.columns.iter().map(|column| column.name.as_str()).filter(|name| columns.contains(name)).collect();
            for read in table.reads_for(&columns) {
                wanted[read].get_or_insert_default();
            }
            for (input, column) in table.inputs(tables, &columns) {
                wanted[input].get_or_insert_default().insert(column);
            }
            // A segment is made where it is looked into, for the days that are asked for there.
            if table.segment().is_none() {
                made.push((self.name(&self.clean_name(place)), self.clean_rows(place, &columns)));
            }
            let members = self.members.borrow().get(&place).cloned();
            made.extend(members.map(|members| (self.members_name(place), members)));
        }
        made.reverse();
        made
    }

    /// The clean rows of a table: the columns named, in declaration order.
    pub(super) fn clean_rows(&self, place: usize, columns: &[&str]) -> Query {
        let table = &self.tables[place];
        let columns: Vec<&str> = match columns {
            // A count of rows reads no column, but a SELECT needs one.
            [] => table.columns.iter().take(1).map(|column| column.name.as_str()).collect(),
            some => some.to_vec(),
        };
        let mut rows = match &table.origin {
            Origin::Stored => self.stored_rows(table, &columns),
            Origin::Raw(of) => self.raw_rows(&self.tables[*of], &columns),
            Origin::FirstOf(first) => self.first_rows(place, first, &columns),
            Origin::Union { members, overlapping, .. } => self.union_rows(table, members, *overlapping, &columns),
            Origin::Session(session) => self.session_rows(table, session, &columns),
            Origin::Made(made) => match &made.how {
                How::Cohort { ages, of } => self.cohort_rows(table, made, (*ages, *of), &columns),
                How::Attribution(how) => self.attribution_rows(table, made, how, &columns),
                How::Segment(how) => self.segment_rows(table, made, how, &columns),
                How::Conversion(how) => self.conversion_rows(table, made, *how, &columns),
                How::Attempts(attempts) => self.attempt_rows(table, made, attempts, &columns),
                How::Paths(how) => self.path_rows(table, made, how, &columns),
                How::Experiment(how) => self.experiment_rows(table, made, *how, &columns),
            },
        };
        if table.selections().into_iter().any(|rows| self.reads_intervals(&rows.joins, &rows.answers))
            && let Some(settings) = self.dialect.interval_join_settings()
        {
            if matches!(*rows.body, SetExpr::SetOperation { .. }) {
                // Behind a union they would be those of its last member.
                let (projection, from) = (self.columns_of(ROWS, &columns), Some(build::derived(rows, ROWS)));
                rows = Parts { projection, from, ..Parts::default() }.query();
            }
            rows.settings = Some(settings);
        }
        rows
    }

    /// Reads a selection: its tables, and the condition on its rows. `others` are further expressions over its rows.
    fn selected(
        &self,
        rows: &Selection,
        others: &[&plan::Expr],
        more: Vec<Expr>,
        projection: Vec<SelectItem>,
    ) -> Parts {
        let leaves = Rows(self.dialect);
        let used: Vec<&plan::Expr> = rows.own_expressions().chain(others.iter().copied()).collect();
        let (from, mut joins) = (
            self.clean_relation(rows.table, BASE),
            self.looked_up(&self.clean_relation(rows.table, BASE), &rows.joins, &used, &[]),
        );
        joins.extend(self.answers(&rows.answers));
        let mut conditions: Vec<Expr> = Vec::new();
        let time = rows.time.iter().filter(|time| time.nullable);
        let conjuncts = rows.filter.iter().flat_map(crate::rollup::conjuncts);
        let own = conjuncts.map(|part| self.condition(part, &leaves));
        for part in time.map(|time| build::is_not_null(self.value(time, &leaves))).chain(more).chain(own) {
            if !conditions.contains(&part) {
                conditions.push(part);
            }
        }
        Parts { projection, from: Some(from), joins, filter: build::all(conditions), ..Parts::default() }
    }

    /// Rows, each of them once for each item of a list: these columns, the first of which is whose they are, and the item under a name.
    fn exploded(
        &self,
        rows: Query,
        alias: &str,
        names: &[&str],
        (list, item): (Expr, &str),
        filter: Option<Expr>,
    ) -> Query {
        let mut projection: Vec<SelectItem> = names.iter().map(|name| same(alias, name)).collect();
        projection.push(build::item(self.dialect.explode(list), build::ident(item)));
        let from = Some(build::derived(rows, alias));
        let exploded = Parts { projection, from, filter, ..Parts::default() }.query();
        let mut projection: Vec<SelectItem> = names.iter().chain([&item]).map(|name| same(alias, name)).collect();
        let whose = column(alias, names[0]);
        let again = self.dialect.repeated(whose.clone());
        if again == whose {
            return exploded;
        }
        projection[0] = build::item(again, build::ident(names[0]));
        Parts { projection, from: Some(build::derived(exploded, alias)), ..Parts::default() }.query()
    }

    /// What orders the rows of a selection where the first of some is wanted: time, then key; all columns without a key.
    fn order_of(&self, rows: &Selection) -> Vec<OrderByExpr> {
        let leaves = Rows(self.dialect);
        let base = &self.tables[rows.table];
        let column = |name: &str| leaves.column(Input::Base, name);
        let time = rows.time.iter().map(|time| build::sort(self.value(time, &leaves), false, false));
        if !base.clean.key.is_empty() {
            let key = base.clean.key.iter().map(|key| build::sort(column(key), false, false));
            return time.chain(key).collect();
        }
        let all = base.columns.iter().map(|one| {
            let key = self.dialect.sort_key(column(&one.name), &one.ty);
            build::sort(key, false, one.nullable)
        });
        time.chain(all).collect()
    }

    /// Of rows that agree in what they are told apart by (each with whether it may be null), the first in an order, where it
    /// satisfies `after`, which is a condition on the rows of the alias [`ROWS`]: the columns named, which `rows` must have.
    fn one_each(
        &self,
        rows: Parts,
        each: Vec<(Expr, bool)>,
        order: Vec<OrderByExpr>,
        after: Vec<Expr>,
        columns: &[&str],
    ) -> Query {
        let by: Vec<Expr> = each.iter().map(|(key, _)| key.clone()).collect();
        // What rows agree in, or was compared already, decides nothing; DataFusion stumbles over it.
        let mut seen = by.clone();
        let order: Vec<OrderByExpr> = order.into_iter().filter(|by| is_new(&by.expr, &mut seen)).collect();
        let (inner, after) = match self.dialect.deduplication() {
            Deduplication::LimitBy => {
                let keys = each.into_iter().map(|(key, nullable)| build::sort(key, false, nullable));
                let kept = build::limited(build::ordered(rows.query(), keys.chain(order).collect()), 1, by);
                if after.is_empty() {
                    return kept;
                }
                (kept, build::all(after))
            }
            Deduplication::RowNumber => {
                let (mut rows, by, order) = self.of_columns(rows, by, order, columns);
                rows.projection.push(build::item(build::window("row_number", by, order), build::ident(RANK)));
                let first = build::equal(build::column(ROWS, build::ident(RANK)), build::number(1));
                (rows.query(), build::all(std::iter::once(first).chain(after)))
            }
        };
        let (projection, from) = (self.columns_of(ROWS, columns), Some(build::derived(inner, ROWS)));
        Parts { projection, from, filter: after, ..Parts::default() }.query()
    }

    /// The same rows, told apart and ordered by columns alone: an engine may take a larger expression for another one when it looks
    /// whether rows are ordered by it.
    fn of_columns(
        &self,
        mut rows: Parts,
        by: Vec<Expr>,
        mut order: Vec<OrderByExpr>,
        columns: &[&str],
    ) -> (Parts, Vec<Expr>, Vec<OrderByExpr>) {
        let is_column = |expr: &Expr| matches!(expr, Expr::CompoundIdentifier(_));
        if by.iter().all(is_column) {
            return (rows, by, order);
        }
        let mut held = |value: Expr, name: String| {
            rows.projection.push(build::item(value, build::ident(&name)));
            build::column(ROWS, build::ident(&name))
        };
        let by = by.into_iter().enumerate().map(|(at, key)| held(key, format!("_by{at}"))).collect();
        for (at, key) in order.iter_mut().enumerate() {
            key.expr = held(key.expr.clone(), format!("_o{at}"));
        }
        let (projection, from) = (self.columns_of(ROWS, columns), Some(build::derived(rows.query(), ROWS)));
        (Parts { projection, from, ..Parts::default() }, by, order)
    }

    /// The columns named, out of rows with an alias.
    fn columns_of(&self, alias: &str, columns: &[&str]) -> Vec<SelectItem> {
        columns.iter().map(|name| build::item(build::column(alias, self.name(name)), self.name(name))).collect()
    }
}

/// A column of our own making.
fn column(alias: &str, name: &str) -> Expr {
    build::column(alias, build::ident(name))
}

/// An order whose keys are columns of rows with an alias, which those rows hold from now on: `_o0` ….
fn held(mut order: Vec<OrderByExpr>, alias: &str, projection: &mut Vec<SelectItem>) -> Vec<OrderByExpr> {
    for (at, key) in order.iter_mut().enumerate() {
        let name = format!("_o{at}");
        projection.push(build::item(key.expr.clone(), build::ident(&name)));
        key.expr = column(alias, &name);
    }
    order
}

/// Such a column under its own name.
fn same(alias: &str, name: &str) -> SelectItem {
    build::item(column(alias, name), build::ident(name))
}

/// Whether an expression is not among those seen; it is from now on.
pub(super) fn is_new(expr: &Expr, seen: &mut Vec<Expr>) -> bool {
    let new = !seen.contains(expr);
    if new {
        seen.push(expr.clone());
    }
    new
}
