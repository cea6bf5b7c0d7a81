//! Rows as they are read: the clean rows of a table, with what is looked up for each.

use sqlparser::ast::{BinaryOperator, Expr as Sql, Ident, Join as SqlJoin, Query, TableFactor};

use super::Lowering;
use crate::plan::{self, Source};
use crate::plan::{Answered, DataType, Expr, ExprKind, Function, History, Input, Join, StoredColumn, Table};
use crate::sql::build::{self, Parts};
use crate::sql::dialect::{Call, Operand, Scalars};
use crate::sql::expr::Leaves;

/// The alias of the rows.
pub(super) const BASE: &str = "b";
/// The alias of an entity's rows before they are joined.
const ENTITY: &str = "e";

/// Rows: columns by the aliases of their inputs.
pub(super) struct Rows<'a>(pub &'a dyn Scalars);

impl Leaves for Rows<'_> {
    fn column(&self, input: Input, name: &str) -> Sql {
        let name = self.0.identifier(name);
        match input {
            Input::Base => build::column(BASE, name),
            Input::Join(at) => build::column(&join_alias(at), name),
            Input::Answer(at) => build::column(&answer_alias(at), name),
            // Rows are no answer.
            Input::Output => build::null(),
        }
    }
}

fn join_alias(at: usize) -> String {
    format!("j{at}")
}

pub(super) fn answer_alias(at: usize) -> String {
    format!("a{at}")
}

/// The column of a look-up that holds an edge of a version's time; never one of the table's own.
fn edge(table: &Table, word: &str) -> Ident {
    build::ident(&table.own_name(word))
}

impl Lowering<'_> {
    /// The look-ups of rows that are read from somewhere; `used` are all expressions over them, and `asked` is true of all rows that
    /// matter. A look-up finds one row at most, so one that no expression reads changes nothing and is left out.
    pub(super) fn looked_up(&self, from: &TableFactor, joins: &[Join], used: &[&Expr], asked: &[Sql]) -> Vec<SqlJoin> {
        let leaves = Rows(self.dialect);
        let read = plan::joins_read(joins, used);
        let needed = joins.iter().zip(&read).filter(|(_, read)| **read).flat_map(|(join, _)| join.expressions());
        let used: Vec<&Expr> = used.iter().copied().chain(needed).collect();
        let used = &used[..];
        let looked_up = joins.iter().enumerate().filter(|(at, _)| read[*at]).map(|(at, join)| {
            let alias = join_alias(at);
            let found = build::column(&alias, self.name(&join.column));
            let (day, holds) = self.holds(join, &alias);
            let pairs = std::iter::once((self.value(&join.key, &leaves), found)).chain(day).collect();
            let equal = self.all_equal(pairs, joins[..at].iter().any(|join| self.is_interval(join)));
            let condition = build::all(equal.into_iter().chain(holds));
            let of = self.relation(from, joins, at, asked);
            build::left_join(
                build::derived(self.entity(join, at, used, of), &alias),
                condition.unwrap_or_else(build::null),
            )
        });
        looked_up.collect()
    }

    /// Whether the values of all pairs are equal, as the condition of a join; `together` where they may be of several tables, or one
    /// made of another.
    pub(super) fn all_equal(&self, pairs: Vec<(Sql, Sql)>, together: bool) -> Option<Sql> {
        build::all(match together {
            true => self.dialect.equal_together(pairs),
            false => pairs.into_iter().map(|(own, found)| build::equal(own, found)).collect(),
        })
    }

    /// Whether a look-up compares more than whether values are equal.
    pub(super) fn is_interval(&self, join: &Join) -> bool {
        join.as_of.is_some() && matches!(self.tables[join.table].history, Some(History::Valid { .. }))
    }

    /// Whether one of the look-ups of a query does, or of those that it reads.
    pub(super) fn looks_up_intervals(&self, query: &plan::Query) -> bool {
        let asked = query.asked.iter().any(|asked| self.reads_intervals(&asked.rows.joins, &asked.rows.answers));
        let among = query.among.iter().any(|among| self.looks_up_intervals(&among.query));
        asked
            || among
            || query.scans.iter().any(|scan| {
                let below = match &scan.source {
                    Source::Table(_) => false,
                    Source::Query(query) => self.looks_up_intervals(query),
                };
                below || self.reads_intervals(&scan.joins, &scan.answers)
            })
    }

    /// Whether look-ups do, or the queries of their answers.
    pub(super) fn reads_intervals(&self, joins: &[Join], answers: &[Answered]) -> bool {
        joins.iter().any(|join| self.is_interval(join))
            || answers.iter().any(|answer| self.looks_up_intervals(&answer.query))
    }

    /// A version holds at the instant of a look-up where its day is this one, or where these conditions are true.
    fn holds(&self, join: &Join, alias: &str) -> (Option<(Sql, Sql)>, Vec<Sql>) {
        let table = &self.tables[join.table];
        let (Some(history), Some(as_of)) = (&table.history, &join.as_of) else { return (None, Vec::new()) };
        let at = self.value(as_of, &Rows(self.dialect));
        match history {
            History::Snapshot { day } => {
                let local = self.call(Function::DateOf, vec![(at, &DataType::Timestamp)], &DataType::Date);
                (Some((local, build::column(alias, self.name(day)))), Vec::new())
            }
            History::Valid { .. } => {
                let column = |word| build::column(alias, edge(table, word));
                let open = |word, condition| build::any([build::is_null(column(word)), condition]);
                let from = open("_from", build::binary(column("_from"), BinaryOperator::LtEq, at.clone()));
                let until = open("_until", build::binary(at, BinaryOperator::Lt, column("_until")));
                // What is open on both sides holds at every instant, but not at none.
                let known = as_of.nullable.then(|| build::is_not_null(self.value(as_of, &Rows(self.dialect))));
                (None, known.into_iter().chain(from).chain(until).collect())
            }
        }
    }

    /// What a look-up looks into: the clean rows of an entity, or the members of a segment on the days of the rows.
    fn relation(&self, from: &TableFactor, joins: &[Join], at: usize, asked: &[Sql]) -> TableFactor {
        let join = &joins[at];
        let table = &self.tables[join.table];
        let Some((made, how)) = table.segment() else { return self.clean_relation(join.table, ENTITY) };
        let Some(as_of) = &join.as_of else {
            let (construct, reason) =
                ("a segment of rows without a time".to_owned(), "look it up from the rows of a source".to_owned());
            self.fail(crate::sql::dialect::Unsupported { construct, reason });
            return self.clean_relation(join.table, ENTITY);
        };
        let mut before = Vec::new();
        let mut looks = false;
        as_of.walk(&mut |part| {
            looks |= matches!(&part.kind, ExprKind::Column { input: Input::Join(_), .. });
        });
        if looks {
            before = self.looked_up(from, &joins[..at], &[as_of], asked);
        }
        let days = self.asked_days(from.clone(), before, as_of, asked.to_vec());
        let columns: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
        build::derived(self.segment_on(table, made, how, &columns, days), ENTITY)
    }

    /// The columns of an entity that a look-up uses. All but a bare key can be null afterwards.
    fn entity(&self, join: &Join, at: usize, all: &[&Expr], of: TableFactor) -> Query {
        let mut used: Vec<&str> = Vec::new();
        for expr in all {
            expr.walk(&mut |expr| match &expr.kind {
                ExprKind::Column { input: Input::Join(of), name } if *of == at => used.push(name),
                _ => {}
            });
        }
        let table = &self.tables[join.table];
        let history = table.history.as_ref().filter(|_| join.as_of.is_some());
        let compared =
            |name: &str| name == join.column || matches!(history, Some(History::Snapshot { day }) if day == name);
        let columns = table.columns.iter().filter_map(|column| {
            let name = column.name.as_str();
            let value = match (used.contains(&name), compared(name)) {
                (true, _) => self.dialect.optional(self.of_entity(name), &column.ty),
                (false, true) => self.of_entity(name),
                (false, false) => return None,
            };
            Some(build::item(value, self.name(name)))
        });
        let mut projection: Vec<_> = columns.collect();
        if let Some(History::Valid { from, until }) = history {
            let (from, until) = self.interval(table, &join.column, from, until);
            projection.push(build::item(from, edge(table, "_from")));
            projection.push(build::item(until, edge(table, "_until")));
        }
        Parts { projection, from: Some(of), ..Parts::default() }.query()
    }

    fn of_entity(&self, name: &str) -> Sql {
        build::column(ENTITY, self.name(name))
    }

    /// From when to when a version is the one that is looked up: to its end, or to the start of the next one of its key. So the
    /// times of two versions never overlap.
    fn interval(&self, table: &Table, key: &str, from: &str, until: &str) -> (Sql, Sql) {
        let column = |name: &str| table.columns.iter().find(|column| column.name == name);
        let instant = |name: &str| match column(name) {
            Some(StoredColumn { ty: ty @ DataType::Date, .. }) => {
                self.call(Function::Cast, vec![(self.of_entity(name), ty)], &DataType::Timestamp)
            }
            _ => self.of_entity(name),
        };
        let (from, until) = (instant(from), instant(until));
        let known = self.dialect.optional(from.clone(), &DataType::Timestamp);
        let by = vec![self.of_entity(key)];
        let next = build::neighbour("max", known, by, vec![build::nulls_first(from.clone())], build::Neighbour::After);
        let earlier =
            build::any([build::is_null(until.clone()), build::binary(next.clone(), BinaryOperator::Lt, until.clone())]);
        let cut = build::all([build::is_not_null(next.clone())].into_iter().chain(earlier));
        (from, build::case(cut.map(|cut| (cut, next)).into_iter().collect(), Some(until)))
    }

    /// A function of values.
    pub(super) fn call(&self, function: Function, arguments: Vec<(Sql, &DataType)>, ty: &DataType) -> Sql {
        let operand = |(sql, ty)| Operand { sql, ty, nullable: true, literal: None };
        let arguments = arguments.into_iter().map(operand).collect();
        let call = Call { function, arguments, ty, truth: false, calendar: self.calendar };
        self.dialect.function(function)(&call).unwrap_or_else(|error| {
            self.fail(error);
            self.dialect.typed_null(ty, self.calendar)
        })
    }
}
