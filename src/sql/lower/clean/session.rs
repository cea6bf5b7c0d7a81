//! Sessions: rows without a long pause between them.

use sqlparser::ast::{BinaryOperator, Expr, Query, SelectItem};

use super::super::Lowering;
use crate::plan::{self, Aggregate, DataType, Function, Input, Measure, Session, Table, Value};
use crate::sql::build::{self, Parts};
use crate::sql::dialect::{Aggregated, Operand};
use crate::sql::expr::Leaves;
use crate::sql::lower::read::Rows;

/// The alias of the rows with the pause before each.
const PAUSED: &str = "p";
/// The alias of the rows with the number of their session.
const NUMBERED: &str = "n";

/// Columns of our own: what has sessions, the row's time, that of the row before, the number of the session, what is kept
/// (`_k0` …) and of which rows (`_f0` …), and the key that orders rows of one time (`_o0` …).
const BY: &str = "_by";
const AT: &str = "_at";
const BEFORE: &str = "_before";
const NUMBER: &str = "_session";

impl Lowering<'_> {
    /// One row a session: the columns named.
    pub(super) fn session_rows(&self, table: &Table, session: &Session, columns: &[&str]) -> Query {
        let wanted = |at: &usize| table.columns.get(*at).is_some_and(|one| columns.contains(&one.name.as_str()));
        let kept: Vec<(usize, &Measure)> =
            (session.kept.iter().enumerate()).filter(|(at, _)| wanted(&(at + Session::OWN_COLUMNS))).collect();
        let rows = self.numbered(session, &kept);
        let by = build::column(NUMBERED, build::ident(BY));
        let projection = (table.columns.iter().enumerate())
            .filter(|(at, _)| wanted(at))
            .map(|(at, column)| {
                let value = match at.checked_sub(Session::OWN_COLUMNS) {
                    None => self.own(at, &by),
                    Some(at) => {
                        let value = self.kept(&session.kept[at], at, session);
                        // A session has rows: what is never null in them is not null here.
                        if column.nullable { value } else { self.dialect.not_null(value) }
                    }
                };
                build::item(value, self.name(&column.name))
            })
            .collect();
        let group_by = vec![by, build::column(NUMBERED, build::ident(NUMBER))];
        let from = Some(build::derived(rows, NUMBERED));
        Parts { projection, from, group_by, ..Parts::default() }.query()
    }

    /// One of the columns that every session has.
    fn own(&self, at: usize, by: &Expr) -> Expr {
        let edge = |aggregate: fn(plan::Expr) -> Aggregate| {
            let time = plan::Expr::literal(Value::Null, DataType::Timestamp);
            let aggregate = aggregate(time);
            self.dialect.not_null(self.aggregated(&aggregate, Some(self.time_of_rows()), &DataType::Timestamp))
        };
        match at {
            0 => by.clone(),
            1 => edge(Aggregate::Min),
            2 => edge(Aggregate::Max),
            3 => self.between(edge(Aggregate::Min), edge(Aggregate::Max)),
            _ => self.aggregated(&Aggregate::CountRows, None, &DataType::Int),
        }
    }

    fn time_of_rows(&self) -> Operand<'static> {
        let sql = build::column(NUMBERED, build::ident(AT));
        Operand { sql, ty: &DataType::Timestamp, nullable: false, literal: None }
    }

    fn aggregated(&self, aggregate: &Aggregate, argument: Option<Operand>, ty: &DataType) -> Expr {
        let of = Aggregated { aggregate, argument, filter: None, order: Vec::new(), keyed: true, ty };
        self.dialect.aggregate(of, self.calendar)
    }

    /// The milliseconds from one instant to a later one.
    fn between(&self, from: Expr, to: Expr) -> Expr {
        let instant = &DataType::Timestamp;
        self.call(Function::Subtract, vec![(to, instant), (from, instant)], &DataType::Duration)
    }

    /// What is kept of the rows of a session.
    fn kept(&self, measure: &Measure, at: usize, session: &Session) -> Expr {
        let column = |name: String| build::column(NUMBERED, build::ident(&name));
        let argument = measure.aggregate.argument().map(|argument| Operand {
            sql: column(format!("_k{at}")),
            ty: &argument.ty,
            nullable: argument.nullable,
            literal: None,
        });
        let filter = measure.filter.as_ref().map(|_| column(format!("_f{at}")));
        let key = &self.tables[session.rows.table].clean.key;
        let order = std::iter::once(build::column(NUMBERED, build::ident(AT)));
        let order = order.chain((0..key.len()).map(|at| column(format!("_o{at}")))).collect();
        let of = Aggregated {
            aggregate: &measure.aggregate,
            argument,
            filter,
            order,
            keyed: !key.is_empty(),
            ty: &measure.ty,
        };
        self.dialect.aggregate(of, self.calendar)
    }

    /// The rows, each with the number of its session among those of what has sessions.
    fn numbered(&self, session: &Session, kept: &[(usize, &Measure)]) -> Query {
        let leaves = Rows(self.dialect);
        let mut projection = vec![
            self.settled_item(&session.by, BY),
            build::item(self.time_of(session), build::ident(AT)),
            build::item(self.before(session), build::ident(BEFORE)),
        ];
        let mut used: Vec<&plan::Expr> = vec![&session.by];
        for (at, measure) in kept {
            if let Some(argument) = measure.aggregate.argument() {
                projection.push(self.settled_item(argument, &format!("_k{at}")));
                used.push(argument);
            }
            if let Some(filter) = &measure.filter {
                projection.push(self.settled_item(filter, &format!("_f{at}")));
                used.push(filter);
            }
        }
        let key = &self.tables[session.rows.table].clean.key;
        let key = key.iter().enumerate();
        projection.extend(
            key.map(|(at, key)| build::item(leaves.column(Input::Base, key), build::ident(&format!("_o{at}")))),
        );
        let known = session.by.nullable.then(|| build::is_not_null(self.value(&session.by, &leaves)));
        let rows = self.selected(&session.rows, &used, known.into_iter().collect(), projection.clone()).query();
        let mut outer: Vec<SelectItem> = Vec::with_capacity(projection.len());
        for item in projection {
            if let SelectItem::ExprWithAlias { alias, .. } = item
                && alias.value != BEFORE
            {
                outer.push(build::item(build::column(PAUSED, alias.clone()), alias));
            }
        }
        outer.push(build::item(self.number(session.gap), build::ident(NUMBER)));
        Parts { projection: outer, from: Some(build::derived(rows, PAUSED)), ..Parts::default() }.query()
    }

    fn settled_item(&self, expr: &plan::Expr, name: &str) -> SelectItem {
        let value = self.settled(expr, &Rows(self.dialect));
        // Whose sessions they are is known: other rows are left out.
        let value = if name == BY && expr.nullable { self.dialect.not_null(value) } else { value };
        build::item(value, build::ident(name))
    }

    fn time_of(&self, session: &Session) -> Expr {
        let time = session.rows.time.as_ref().map(|time| (self.value(time, &Rows(self.dialect)), time.nullable));
        match time {
            Some((time, true)) => self.dialect.not_null(time),
            Some((time, false)) => time,
            None => self.dialect.typed_null(&DataType::Timestamp, self.calendar),
        }
    }

    /// The time of the row before; null for the first one. Rows of one time may stand in any order: one of them has the pause
    /// before all of them.
    fn before(&self, session: &Session) -> Expr {
        let time = self.time_of(session);
        let known = self.dialect.optional(time.clone(), &DataType::Timestamp);
        let by = self.value(&session.by, &Rows(self.dialect));
        build::neighbour("max", known, vec![by], vec![build::sort(time, false, false)], build::Neighbour::Before)
    }

    /// How many pauses are longer than the gap up to a row, those before rows of its own time among them.
    fn number(&self, gap: i64) -> Expr {
        let column = |name: &str| build::column(PAUSED, build::ident(name));
        let pause = self.between(column(BEFORE), column(AT));
        let gap = self.dialect.literal(&Value::Duration(gap), &DataType::Duration, self.calendar);
        let longer = build::binary(pause, BinaryOperator::Gt, gap);
        let new = build::case(vec![(longer, build::number(1))], Some(build::number(0)));
        build::running_sum(new, vec![column(BY)], vec![build::sort(column(AT), false, false)])
    }
}
