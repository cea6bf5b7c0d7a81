//! Look-ups in the answers of other queries, and the groups that those are asked for.

use sqlparser::ast::{BinaryOperator, Expr as Sql, Ident, Join as SqlJoin, ObjectName, Query};

use super::Lowering;
use super::read::{BASE, Rows, answer_alias};
use crate::plan::{Answered, Asked, AskedKey, DataType, Expr, Function, Scan, Step};
use crate::sql::build::{self, Parts};

/// The alias of an answer before it is joined.
const FOUND: &str = "f";
/// The alias of the groups that are asked for.
const ASKED: &str = "q";

impl Lowering<'_> {
    /// The look-ups in answers.
    pub(super) fn answers(&self, answers: &[Answered]) -> Vec<SqlJoin> {
        let joined = answers.iter().enumerate().map(|(at, answer)| {
            let alias = answer_alias(at);
            let leaves = Rows(self.dialect);
            let pairs = answer.keys.iter().flat_map(|(name, value)| {
                let found = build::column(&alias, self.name(name));
                let own = self.value(value, &leaves);
                if value.nullable { self.same(own, found, &value.ty) } else { vec![(own, found)] }
            });
            let condition = self.all_equal(pairs.collect(), true).unwrap_or_else(build::null);
            build::left_join(build::derived(self.answer_to(answer), &alias), condition)
        });
        joined.collect()
    }

    /// The rows of an answer, all of whose values may be null where nothing is found.
    fn answer_to(&self, answer: &Answered) -> Query {
        let is_key = |name: &str| answer.keys.iter().any(|(key, _)| key == name);
        let columns = answer.query.columns();
        let projection = columns.iter().map(|column| {
            let value = build::column(FOUND, self.name(&column.name));
            let value = if is_key(&column.name) { value } else { self.dialect.optional(value, &column.ty) };
            build::item(value, self.name(&column.name))
        });
        let projection = projection.collect();
        let from = Some(build::derived(self.inner(&answer.query, &[]), FOUND));
        Parts { projection, from, ..Parts::default() }.query()
    }

    /// Two values are equal or both null where these are equal, none of which is null: they can be hashed.
    pub(super) fn same(&self, a: Sql, b: Sql, ty: &DataType) -> Vec<(Sql, Sql)> {
        let zero = self.dialect.literal(&ty.some_value(), ty, self.calendar);
        let known = |value: Sql| {
            let value = self.call(Function::Coalesce, vec![(value, ty), (zero.clone(), ty)], ty);
            self.dialect.settle(value, ty)
        };
        let missing = |value: Sql| build::case(vec![(build::is_null(value), build::number(1))], Some(build::number(0)));
        vec![(known(a.clone()), known(b.clone())), (missing(a), missing(b))]
    }

    /// The name of the table of groups that are asked for.
    pub(super) fn asked_name(&self) -> Ident {
        self.own_name("asked")
    }

    /// Whether rows count in no other groups than those that are asked for.
    pub(super) fn is_asked_for(&self) -> bool {
        self.query.asked.is_some()
    }

    /// The groups that are asked for, each once: `_t`, `_d0` …
    pub(super) fn asked_rows(&self, asked: &Asked) -> Query {
        let leaves = Rows(self.dialect);
        let used: Vec<_> = asked.expressions().collect();
        let from = self.everywhere(asked.rows.table, BASE);
        let mut joins = self.looked_up(&from, &asked.rows.joins, &used, &[]);
        joins.extend(self.answers(&asked.rows.answers));
        let step = self.query.step.unwrap_or(Step::Day);
        let time = asked.rows.time.as_ref().map(|time| {
            let value = self.value(time, &leaves);
            let value = if time.nullable { self.dialect.not_null(value) } else { value };
            self.dialect.bucket_key(value, step, self.calendar)
        });
        let known = asked.rows.time.iter().filter(|time| time.nullable);
        let filter = build::all(known.map(|time| build::is_not_null(self.value(time, &leaves))));
        let keys = asked.keys.iter().map(|key| self.settled(&key.value, &leaves));
        let names = std::iter::once("_t".to_owned()).chain((0..asked.keys.len()).map(|at| format!("_d{at}")));
        let values: Vec<Sql> = time.into_iter().chain(keys).collect();
        let projection = values.iter().zip(names).map(|(value, name)| build::item(value.clone(), build::ident(&name)));
        let projection = projection.collect();
        Parts { projection, from: Some(from), joins, filter, group_by: values }.query()
    }

    fn asked_table(&self) -> sqlparser::ast::TableFactor {
        build::table(ObjectName::from(vec![self.asked_name()]), ASKED)
    }

    /// All groups that are asked for, under the names of the query's keys.
    pub(super) fn every_asked(&self) -> Parts {
        let projection = self.key_names().into_iter().map(|name| build::item(build::column(ASKED, name.clone()), name));
        Parts { projection: projection.collect(), from: Some(self.asked_table()), ..Parts::default() }
    }

    /// The bucket that a row of a scan is asked for in.
    pub(super) fn asked_bucket(&self) -> Sql {
        build::column(ASKED, build::ident("_t"))
    }

    /// Beside each row of a scan that is laid out the groups in which it may count: those with its keys, as far as the scan has
    /// them.
    pub(super) fn asked_groups(&self, scan: &Scan, asked: &Asked) -> SqlJoin {
        let keys = asked.keys.iter().zip(&scan.dimensions).enumerate();
        let kept: Vec<_> = keys.filter_map(|(at, (key, own))| Some((at, key, own.as_ref()?))).collect();
        if kept.len() < asked.keys.len() {
            // Groups that differ only in what is left out are one here.
            let names: Vec<Ident> = std::iter::once("_t".to_owned())
                .chain(kept.iter().map(|(at, ..)| format!("_d{at}")))
                .map(|name| build::ident(&name))
                .collect();
            let column = |name: &Ident| build::column(ASKED, name.clone());
            let projection = names.iter().map(|name| build::item(column(name), name.clone())).collect();
            let group_by = names.iter().map(column).collect();
            let groups = Parts { projection, from: Some(self.asked_table()), group_by, ..Parts::default() }.query();
            return self.with_groups(build::derived(groups, ASKED), self.equal_keys(&kept));
        }
        self.with_groups(self.asked_table(), self.equal_keys(&kept))
    }

    fn with_groups(&self, groups: sqlparser::ast::TableFactor, equal: Vec<Sql>) -> SqlJoin {
        match build::all(equal) {
            Some(condition) => build::inner_join(groups, condition),
            None => build::cross_join(groups),
        }
    }

    fn equal_keys(&self, kept: &[(usize, &AskedKey, &Expr)]) -> Vec<Sql> {
        let equal = kept.iter().flat_map(|(at, key, own)| {
            let name = build::ident(&format!("_d{at}"));
            let (value, asked) = (build::column(BASE, name.clone()), build::column(ASKED, name));
            match key.null_is_equal && (key.value.nullable || own.nullable) {
                true => self.same(value, asked, &own.ty),
                false => vec![(value, asked)],
            }
        });
        equal.map(|(value, asked)| build::equal(value, asked)).collect()
    }

    /// Whether a row lies in its scan's interval of the bucket that it is asked for in.
    pub(super) fn asked_interval(&self, scan: &Scan, time: Sql) -> Vec<Sql> {
        let step = self.query.step.unwrap_or(Step::Day);
        let key = || self.asked_bucket();
        let start = self.dialect.interval_start(key(), step, &scan.interval, self.calendar);
        let end = self.dialect.interval_end(key(), step, &scan.interval, self.calendar);
        let after = start.map(|start| build::binary(time.clone(), BinaryOperator::GtEq, start));
        after.into_iter().chain([build::binary(time, BinaryOperator::Lt, end)]).collect()
    }
}
