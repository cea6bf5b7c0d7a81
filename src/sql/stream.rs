//! SELECTs of streams: the rows of a feed, counted in windows, as rows that only come.
//!
//! A state of a rollup becomes one of two kinds of results, both exact and in any order: what adds up or has an extreme is a
//! column of a row a bucket and group (*plain*); what needs the values themselves (exact distincts, quantiles, lists) is a row
//! for each value with how often it occurs (*values*), out of which the warehouse makes the state. Columns are those of the
//! rollup: `_t`, `_d0` …, `_s0` …; of values `_v` and `_n`. A result of a bucket may come in parts, which `_w` tells apart.

use sqlparser::ast::{BinaryOperator, Expr as Sql, Ident, ObjectName, Query, SetExpr, TableFactor};

use super::build::{self, Parts};
use super::dialect::{Calendar, Operand, Scalars, Unsupported};
use super::expr::{Leaves, Printer};
use crate::plan::{DataType, Expr, ExprKind, Input, Join, StoredColumn, Table};
use crate::rollup::{Mergeability, Part, Rollup, State};

/// The alias of the rows of a feed.
pub const FEED: &str = "b";

/// The rows of a feed with the bucket that each lies in.
pub struct Bucketed {
    /// What is read, under the alias [`FEED`]: the columns of the feed, and what the bucket is made of.
    pub from: TableFactor,
    /// The start of the bucket, an instant (of days and longer: the day).
    pub bucket: Sql,
    /// Where results of one bucket come in parts, because the engine closes windows of its own: a whole number that tells these apart.
    pub part: Option<Sql>,
    /// What is grouped by for both.
    pub group_by: Vec<Sql>,
}

/// An engine that counts rows in windows as they come.
pub trait Windows: Scalars {
    /// The feed with buckets of a step by its time. What the engine cannot say exactly is refused with the number of the rule:
    /// buckets of a zone whose clocks change, steps that do not divide its hours.
    fn bucketed(
        &self,
        feed: &ObjectName,
        time: Ident,
        step: crate::plan::Step,
        calendar: Calendar,
    ) -> Result<Bucketed, Unsupported>;

    /// A plain state ([`Part::Count`], [`Part::Sum`], [`Part::Min`], [`Part::Max`]) over the rows for which `filter` is true. A
    /// count is a whole number that is never null, a sum of no values 0 in the type `ty`, an extreme of no values null.
    fn plain(
        &self,
        part: Part,
        argument: Option<Operand>,
        filter: Option<Sql>,
        ty: &DataType,
    ) -> Result<Sql, Unsupported>;

    /// Whether the values of a type can be told one by one, for a state that needs them.
    fn values(&self, _part: Part, _ty: &DataType) -> Result<(), Unsupported> {
        Ok(())
    }

    /// The rows of an entity as they are now, under an alias, where the engine can look them up: a column of the rows is read under
    /// its name and has its canonical value; null keys find nothing.
    fn entity(&self, table: &Table, columns: &[&StoredColumn], alias: &str) -> Result<TableFactor, Unsupported>;

    /// Whether rows may be left out before they are counted; else a value that does not count is null, and groups without any are left out.
    fn filters_values(&self) -> bool {
        true
    }

    /// The name of a type in a declaration.
    fn type_name(&self, ty: &DataType) -> Result<String, Unsupported>;
}

/// Whether a state is a column of plain results; else its values are told.
pub fn is_plain(state: &State) -> bool {
    Mergeability::of_kind(state.part).is_plain()
}

/// The type in which a plain state is told: of a count, and of a sum of whole numbers, wide enough for any number of rows.
pub fn type_of(state: &State) -> DataType {
    match (state.part, state.argument.as_ref().map(|argument| &argument.ty)) {
        (Part::Sum, Some(DataType::Int)) => DataType::Decimal { precision: 38, scale: 0 },
        (Part::Sum, Some(DataType::Decimal { scale, .. })) => DataType::Decimal { precision: 38, scale: *scale },
        (Part::Sum | Part::Min | Part::Max, Some(ty)) => ty.clone(),
        _ => DataType::Int,
    }
}

/// The columns of the feed.
struct Rows<'a>(&'a dyn Scalars);

impl Leaves for Rows<'_> {
    fn column(&self, input: Input, name: &str) -> Sql {
        let alias = match input {
            Input::Join(at) => join_alias(at),
            _ => FEED.to_owned(),
        };
        build::column(&alias, self.0.identifier(name))
    }
}

fn join_alias(at: usize) -> String {
    format!("j{at}")
}

/// What is counted: a rollup, over the rows of a feed.
pub struct Counted<'a> {
    /// The rollup; its finest step is that of the stream.
    pub rollup: &'a Rollup,
    /// All tables of the project.
    pub tables: &'a [Table],
    /// The rows without repetitions, with canonical values.
    pub feed: ObjectName,
    /// The project's zone and week.
    pub calendar: Calendar,
}

impl Counted<'_> {
    /// The plain results; none where no state is plain.
    pub fn plain(&self, dialect: &dyn Windows) -> Result<Option<Query>, Vec<Unsupported>> {
        let states: Vec<(usize, &State)> =
            self.rollup.states.iter().enumerate().filter(|(_, state)| is_plain(state)).collect();
        if states.is_empty() {
            return Ok(None);
        }
        let printer = Printer::new(dialect, self.calendar);
        let mut parts = self.grouped(dialect, &printer, &[]).map_err(|one| vec![one])?;
        for (at, state) in states {
            let argument = state.argument.as_ref().map(|argument| printer.operand(argument, &Rows(dialect), false));
            let filter = self.filter(&state.filter, dialect, &printer);
            let value = dialect.plain(state.part, argument, filter, &type_of(state)).map_err(|one| vec![one])?;
            parts.projection.push(build::item(value, build::ident(&format!("_s{at}"))));
        }
        printer.made(Some(parts.query()))
    }

    /// The values of a state that is not plain, each with how often it occurs.
    pub fn values(&self, at: usize, dialect: &dyn Windows) -> Result<Query, Vec<Unsupported>> {
        let state = &self.rollup.states[at];
        let printer = Printer::new(dialect, self.calendar);
        let unable = || Unsupported {
            construct: "the first or last value".to_owned(),
            reason: "ST2: results of windows have no order".to_owned(),
        };
        let argument = state.argument.as_ref().ok_or_else(|| vec![unable()])?;
        if matches!(state.part, Part::First | Part::Last) {
            return Err(vec![unable()]);
        }
        dialect.values(state.part, &argument.ty).map_err(|one| vec![one])?;
        let mut parts = self.grouped(dialect, &printer, &state.filter).map_err(|one| vec![one])?;
        let mut value = printer.settled(argument, &Rows(dialect));
        let known = argument.nullable.then(|| build::is_not_null(value.clone()));
        let counts = build::all(parts.filter.take().into_iter().chain(known));
        let filters = dialect.filters_values();
        match counts {
            Some(counts) if filters => parts.filter = Some(counts),
            Some(counts) => value = build::case(vec![(counts, value)], None),
            None => {}
        }
        parts.group_by.push(value.clone());
        parts.projection.push(build::item(value.clone(), build::ident("_v")));
        let counted =
            if filters { None } else { Some(Operand { sql: value, ty: &argument.ty, nullable: true, literal: None }) };
        let count = dialect.plain(Part::Count, counted, None, &DataType::Int).map_err(|one| vec![one])?;
        parts.projection.push(build::item(count.clone(), build::ident("_n")));
        let mut select = parts.select();
        if !filters {
            select.having = Some(build::binary(count, BinaryOperator::Gt, build::number(0)));
        }
        let query = build::query(SetExpr::Select(Box::new(select)));
        printer.made(query)
    }

    /// The bucket and the dimensions of rows, grouped by them.
    fn grouped(&self, dialect: &dyn Windows, printer: &Printer, filter: &[Expr]) -> Result<Parts, Unsupported> {
        let leaves = Rows(dialect);
        let ExprKind::Column { name: time, .. } = &self.rollup.time.kind else {
            return Err(Unsupported {
                construct: "rows that are dated by more than a column".to_owned(),
                reason: "ST5: there is no watermark for it".to_owned(),
            });
        };
        let step = self.rollup.steps.first().copied().unwrap_or(crate::plan::Step::Day);
        let bucketed = dialect.bucketed(&self.feed, dialect.identifier(time), step, self.calendar)?;
        let part = bucketed.part.unwrap_or_else(|| build::number(0));
        let mut projection =
            vec![build::item(bucketed.bucket, build::ident("_t")), build::item(part, build::ident("_w"))];
        let mut group_by = bucketed.group_by;
        for (at, dimension) in self.rollup.dimensions.iter().enumerate() {
            let value = printer.settled(&dimension.value, &leaves);
            projection.push(build::item(value.clone(), build::ident(&format!("_d{at}"))));
            group_by.push(value);
        }
        let joins = self.joins(dialect, printer)?;
        let filter = self.filter(filter, dialect, printer);
        Ok(Parts { projection, from: Some(bucketed.from), joins, filter, group_by })
    }

    fn filter(&self, of: &[Expr], dialect: &dyn Windows, printer: &Printer) -> Option<Sql> {
        build::all(of.iter().map(|part| printer.condition(part, &Rows(dialect))))
    }

    /// Entities, looked up as rows arrive.
    fn joins(&self, dialect: &dyn Windows, printer: &Printer) -> Result<Vec<sqlparser::ast::Join>, Unsupported> {
        let of = |(at, join): (usize, &Join)| {
            let table = &self.tables[join.table];
            let used = self.used(at);
            let is_read = |column: &&StoredColumn| column.name == join.column || used.contains(&column.name.as_str());
            let columns: Vec<&StoredColumn> = table.columns.iter().filter(is_read).collect();
            let alias = join_alias(at);
            let relation = dialect.entity(table, &columns, &alias)?;
            let key = printer.value(&join.key, &Rows(dialect));
            let found = build::column(&alias, dialect.identifier(&join.column));
            Ok(build::left_join(relation, build::equal(key, found)))
        };
        self.rollup.joins.iter().enumerate().map(of).collect()
    }

    /// The columns of a look-up that are read.
    fn used(&self, join: usize) -> Vec<&str> {
        let rollup = self.rollup;
        let of_states = rollup.states.iter().flat_map(|state| state.argument.iter().chain(&state.filter));
        let of_dimensions = rollup.dimensions.iter().map(|dimension| &dimension.value);
        let of_joins = rollup.joins.iter().flat_map(Join::expressions);
        let mut used = Vec::new();
        for expr in of_states.chain(of_dimensions).chain(of_joins) {
            expr.walk(&mut |part| {
                if let ExprKind::Column { input: Input::Join(at), name } = &part.kind
                    && *at == join
                {
                    used.push(name.as_str());
                }
            });
        }
        used
    }
}
