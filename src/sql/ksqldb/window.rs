//! Windows of a feed, and what is counted in them.
//!
//! The engine's windows are portions of the stream of a minute each; buckets are columns of our own, so that a bucket comes in parts.
//! It groups by columns best, and loses rows with nulls in these: so what a window is grouped by, and what is added up, is made first,
//! in a stream of its own, and nulls are texts.

use sqlparser::ast::{Expr, GroupByExpr, Ident, ObjectName, Query, SelectItem, SetExpr, TableFactor};

use super::cast::to_text;
use super::value::{cast_to, int, type_name, when};
use super::{KsqlDb, refusal, time};
use crate::plan::{DataType, Step, StoredColumn, Table};
use crate::rollup::Part;
use crate::sql::build::{self, Parts, call, column, ident, item};
use crate::sql::dialect::{Calendar, Operand, Scalars, Unsupported};
use crate::sql::stream::{Bucketed, FEED, Windows};

/// How many digits of a decimal are left to the number of rows of a window.
const ROOM: u8 = 10;

impl Windows for KsqlDb {
    fn bucketed(
        &self,
        feed: &ObjectName,
        time: Ident,
        step: Step,
        calendar: Calendar,
    ) -> Result<Bucketed, Unsupported> {
        let bucket = time::bucket(column(FEED, time), step, calendar)?;
        Ok(Bucketed {
            from: build::table(feed.clone(), FEED),
            group_by: vec![bucket.clone()],
            bucket,
            part: Some(build::ident_expr("WINDOWSTART")),
        })
    }

    fn plain(
        &self,
        part: Part,
        argument: Option<Operand>,
        filter: Option<Expr>,
        ty: &DataType,
    ) -> Result<Expr, Unsupported> {
        let known = argument.as_ref().map(|argument| build::is_not_null(argument.sql.clone()));
        let counted = build::all(filter.into_iter().chain(known));
        // What is added up is never null.
        let sum = |value: Expr, zero: Expr| {
            let value = match &counted {
                Some(condition) => build::case(vec![(condition.clone(), value)], Some(zero)),
                None => value,
            };
            call("SUM", vec![value])
        };
        let Some(argument) = argument else { return Ok(sum(int(1), int(0))) };
        let extreme = |name: &str| {
            let value = argument.sql.clone();
            Ok(call(name, vec![counted.clone().map_or(value.clone(), |counted| when(counted, value))]))
        };
        match (part, argument.ty) {
            (Part::Sum, DataType::Duration) => Ok(sum(argument.sql.clone(), int(0))),
            (Part::Sum, DataType::Decimal { precision, .. }) if precision + ROOM > 38 => Err(refusal(
                format!("a sum of decimals of {precision} digits"),
                "it fails beyond 38 digits, of which the number of rows takes 10: cast to at most 28",
            )),
            (Part::Sum, DataType::Int | DataType::Decimal { .. }) => {
                Ok(sum(cast_to(argument.sql.clone(), ty), cast_to(int(0), ty)))
            }
            (Part::Sum, _) => Err(refusal("a sum of floats", "how it is written and rounded is the engine's own")),
            (Part::Min | Part::Max, DataType::String) => Err(refusal(
                "the least or greatest text",
                "texts are ordered by units of 16 bits there, and not by their bytes",
            )),
            (Part::Min | Part::Max, DataType::Bool | DataType::Float | DataType::Array(_) | DataType::Map(_)) => {
                Err(refusal("the least or greatest value of this type", "the engine has no order for it, or no text"))
            }
            (Part::Min, _) => extreme("MIN"),
            (Part::Max, _) => extreme("MAX"),
            _ => Ok(sum(int(1), int(0))),
        }
    }

    fn values(&self, _: Part, ty: &DataType) -> Result<(), Unsupported> {
        match ty {
            DataType::Float | DataType::Array(_) | DataType::Map(_) => {
                Err(refusal("the values of floats, lists or maps", "the engine writes them in another form"))
            }
            _ => Ok(()),
        }
    }

    fn entity(&self, table: &Table, _: &[&StoredColumn], _: &str) -> Result<TableFactor, Unsupported> {
        Err(refusal(
            format!("a look-up in `{}`", table.name),
            "a join there waits for a table of its own, to which the rows of entities do not come",
        ))
    }

    fn type_name(&self, ty: &DataType) -> Result<String, Unsupported> {
        match super::value::refused(ty) {
            Some(refused) => Err(refused),
            None => Ok(type_name(ty).to_string()),
        }
    }
}

/// The two queries of results of windows.
pub struct Stages {
    /// What the window is grouped by and what it adds up, of each row.
    pub rows: Query,
    /// The results, without their window.
    pub results: Query,
}

/// Splits a query over a feed; `columns` are those of its results, with their types.
pub fn stages(query: Query, columns: &[(String, DataType, bool)], rows: ObjectName) -> Result<Stages, Unsupported> {
    let SetExpr::Select(select) = *query.body else { return Err(refusal("a window", "it is one SELECT")) };
    let GroupByExpr::Expressions(keys, _) = &select.group_by else {
        return Err(refusal("a window", "it has groups"));
    };
    let of = |name: &str| column("r", KsqlDb.identifier(name));
    let mut made = Parts { from: select.from.into_iter().next().map(|from| from.relation), ..Parts::default() };
    made.filter = select.selection;
    let mut results = Parts { from: Some(build::table(rows, "r")), ..Parts::default() };
    let mut told = Vec::new();
    for one in select.projection {
        let SelectItem::ExprWithAlias { expr, alias } = one else { continue };
        let name = alias.value;
        // Names of the topic have no `_`: those with one are keys.
        let plain = name.trim_start_matches('_');
        let ty = columns.iter().find(|(known, ..)| *known == name).map(|(_, ty, _)| ty);
        let Some(ty) = ty else { return Err(refusal("a window", "its results are known")) };
        if name == "_w" {
            told.push(item(expr, KsqlDb.identifier(plain)));
        } else if keys.contains(&expr) {
            let value = match name.as_str() {
                "_t" => expr,
                "_v" => as_text(expr, ty)?,
                _ => marked(expr, ty)?,
            };
            made.projection.push(item(value, KsqlDb.identifier(&name)));
            results.projection.push(item(of(&name), KsqlDb.identifier(&name)));
            results.group_by.push(of(&name));
            told.push(item(call("AS_VALUE", vec![of(&name)]), KsqlDb.identifier(plain)));
        } else {
            let (function, argument) = aggregated(expr)?;
            made.projection.push(item(argument, KsqlDb.identifier(&name)));
            let value = call(&function, vec![of(&name)]);
            // Decimals of many digits are numbers of JSON that nobody reads exactly.
            let value = match ty {
                DataType::Decimal { .. } => cast_to(value, &DataType::String),
                _ => value,
            };
            told.push(item(value, KsqlDb.identifier(plain)));
        }
    }
    results.projection.extend(told);
    Ok(Stages { rows: made.query(), results: results.query() })
}

/// The name and the argument of an aggregate.
fn aggregated(expr: Expr) -> Result<(String, Expr), Unsupported> {
    use sqlparser::ast::{FunctionArg, FunctionArgExpr, FunctionArguments};
    if let Expr::Function(function) = expr
        && let FunctionArguments::List(mut list) = function.args
        && let Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(argument))) = list.args.pop()
    {
        return Ok((function.name.to_string(), argument));
    }
    Err(refusal("a result of a window", "it is an aggregate of one value"))
}

/// A value that is not null, as its text: instants and days are whole numbers here.
fn as_text(value: Expr, ty: &DataType) -> Result<Expr, Unsupported> {
    match ty {
        DataType::Date | DataType::Timestamp => to_text(value, &DataType::Int),
        _ => to_text(value, ty),
    }
}

/// A value as a text that is empty for null, and else begins with `=`.
fn marked(value: Expr, ty: &DataType) -> Result<Expr, Unsupported> {
    let text = call("CONCAT", vec![build::text("="), as_text(value.clone(), ty)?]);
    Ok(build::case(vec![(build::is_null(value), build::text(""))], Some(text)))
}

/// The rows of a source, and what tells repetitions among them.
pub struct Kept<'a> {
    /// The rows as they were read.
    pub read: ObjectName,
    /// The columns of their key and their time.
    pub key: Vec<&'a str>,
    /// Their other columns.
    pub others: Vec<&'a str>,
    /// The column of the time that moves windows.
    pub at: &'a str,
}

/// Of the rows of a key and time in a window the first that came, without the window.
pub fn kept(of: &Kept) -> Query {
    let rows = |name: &str| column("r", KsqlDb.identifier(name));
    let keys = of.key.iter().enumerate();
    let mut projection: Vec<SelectItem> =
        keys.map(|(at, name)| item(rows(name), KsqlDb.identifier(&format!("_k{at}")))).collect();
    let same = of.key.iter().map(|name| item(call("AS_VALUE", vec![rows(name)]), KsqlDb.identifier(name)));
    projection.extend(same);
    let first = |name: &&str| {
        let earliest = call("EARLIEST_BY_OFFSET", vec![rows(name), build::boolean(false)]);
        item(earliest, KsqlDb.identifier(name))
    };
    projection.extend(of.others.iter().map(first));
    projection.push(item(call("MIN", vec![rows(of.at)]), KsqlDb.identifier(of.at)));
    let from = Some(build::table(of.read.clone(), "r"));
    let group_by = of.key.iter().map(|name| rows(name)).collect();
    Parts { projection, from, group_by, ..Parts::default() }.query()
}

/// How many of what lies under a name came on each day: of messages, or of rows that know their day.
pub fn counted(of: ObjectName, day: Option<&str>, calendar: Calendar) -> Query {
    let day = match day {
        Some(name) => column("r", KsqlDb.identifier(name)),
        None => super::intake::came_on(column("r", ident("ROWTIME")), calendar),
    };
    let count = call("SUM", vec![int(1)]);
    let projection = vec![item(day.clone(), KsqlDb.identifier("day")), item(count, KsqlDb.identifier("rows"))];
    Parts { projection, from: Some(build::table(of, "r")), group_by: vec![day], ..Parts::default() }.query()
}
