//! Rows out of messages. The engine reads the members of an object itself, each as a text, and takes a text for a number as well as a
//! number: that is another meaning than that of the intake of the warehouse, and a target has to allow it.

use sqlparser::ast::{BinaryOperator, Expr, ObjectName, Query};

use super::cast::{matches, text_to_bool};
use super::value::{cast_to, int, refused, text, type_name};
use super::{KsqlDb, refusal};
use crate::plan::{DataType, Encoding, StoredColumn, Table};
use crate::sql::build::{self, Parts, binary, call, column, ident, item};
use crate::sql::dialect::{Calendar, MESSAGES, Scalars, Unsupported};

/// The years that an instant in milliseconds may lie in: 1 to 9999.
const INSTANTS: (i64, i64) = (-62_135_596_800_000, 253_402_300_800_000);

/// What is read.
pub struct Reading<'a> {
    /// Its columns, key and time.
    pub table: &'a Table,
    /// The stream of messages.
    pub landed: ObjectName,
    /// The column that says when a row arrived: a row that does not say it arrived when its message came.
    pub arrived: Option<&'a str>,
    /// The column of the time that moves windows.
    pub at: &'a str,
    /// The column of the day on which a message came.
    pub day: &'a str,
    /// How far a row may lie ahead of the clock, in milliseconds, where it must have one place in time whenever it comes; else its
    /// place is at most the instant at which it came.
    pub ahead: Option<i64>,
    /// The project's zone.
    pub calendar: Calendar,
}

/// How the rows are read.
pub struct Rows {
    /// The members that are read, as they are declared: names and types.
    pub members: Vec<(String, String)>,
    /// The SELECT of the rows.
    pub query: Query,
    /// Its columns that are those of the table: names and types.
    pub columns: Vec<(String, String)>,
}

/// The rows of a table; all columns that cannot be read.
pub fn read(of: &Reading) -> Result<Rows, Vec<Unsupported>> {
    let wrong: Vec<Unsupported> = of.table.columns.iter().filter_map(unreadable).collect();
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let columns = &of.table.columns;
    let own = |column: &StoredColumn, ty: &DataType| (KsqlDb.identifier(&column.name).to_string(), name_of(ty));
    let members = columns.iter().map(|column| match column.ty {
        DataType::Map(_) => own(column, &column.ty),
        _ => own(column, &DataType::String),
    });
    let mut projection: Vec<_> =
        columns.iter().map(|column| item(value(of, column), KsqlDb.identifier(&column.name))).collect();
    projection.push(item(place(of), KsqlDb.identifier(of.at)));
    projection.push(item(came_on(column(MESSAGES, ident("ROWTIME")), of.calendar), KsqlDb.identifier(of.day)));
    let filter = build::all(columns.iter().filter_map(|column| fits(of, column)).chain(ahead(of)));
    let from = Some(build::table(of.landed.clone(), MESSAGES));
    Ok(Rows {
        members: members.collect(),
        query: Parts { projection, from, filter, ..Parts::default() }.query(),
        columns: columns.iter().map(|column| own(column, &column.ty)).collect(),
    })
}

fn name_of(ty: &DataType) -> String {
    type_name(ty).to_string()
}

/// Why a column cannot be read.
fn unreadable(column: &StoredColumn) -> Option<Unsupported> {
    let construct = || format!("the column `{}`", column.name);
    if ["ROWTIME", "ROWPARTITION", "ROWOFFSET", "WINDOWSTART", "WINDOWEND"].contains(&column.name.as_str()) {
        return Some(refusal(construct(), "the engine has a column of that name"));
    }
    match (&column.ty, column.encoding) {
        (DataType::Float, _) => Some(refusal(construct(), "floats are written anew there: store a decimal")),
        (DataType::Timestamp, Encoding::Native) => {
            Some(refusal(construct(), "texts of instants are read otherwise there: store `timestamp(ms)`"))
        }
        (DataType::Date, _) => Some(refusal(construct(), "30 February is a day there, the 28th: store the instant")),
        (ty, _) => refused(ty).map(|why| Unsupported { construct: construct(), ..why }),
    }
}

/// A member of the object.
fn member(of: &StoredColumn) -> Expr {
    column(MESSAGES, KsqlDb.identifier(&of.name))
}

/// The value of a column that fits.
fn value(of: &Reading, column: &StoredColumn) -> Expr {
    let member = member(column);
    let value = match column.ty {
        DataType::String | DataType::Map(_) => member.clone(),
        DataType::Bool => text_to_bool(&member),
        _ => cast_to(member.clone(), &column.ty),
    };
    if of.arrived != Some(column.name.as_str()) {
        return value;
    }
    let came = build::column(MESSAGES, ident("ROWTIME"));
    build::case(vec![(build::is_null(member), came)], Some(value))
}

/// Whether a member is a value of its column, where not every one is.
fn fits(of: &Reading, column: &StoredColumn) -> Option<Expr> {
    let clean = &of.table.clean;
    let tells = clean.key.contains(&column.name) || clean.time.as_ref() == Some(&column.name);
    let member = || member(column);
    let is_whole =
        || binary(matches(&member(), "^-?[0-9]+$"), BinaryOperator::And, build::is_not_null(whole(&member())));
    let fits = match &column.ty {
        DataType::String if !column.domain.is_empty() => {
            Some(build::in_list(member(), column.domain.iter().map(|word| text(word)).collect()))
        }
        DataType::Bool => Some(build::in_list(member(), vec![text("true"), text("false")])),
        DataType::Timestamp => {
            let within = [
                is_whole(),
                binary(whole(&member()), BinaryOperator::GtEq, int(INSTANTS.0)),
                binary(whole(&member()), BinaryOperator::Lt, int(INSTANTS.1)),
            ];
            build::all(within)
        }
        DataType::Int | DataType::Duration => Some(is_whole()),
        DataType::Decimal { precision, scale } => Some(matches(&member(), &digits(*precision, *scale))),
        _ => None,
    };
    let is_arrived = of.arrived == Some(column.name.as_str());
    if tells || !(column.nullable || is_arrived) {
        return build::all(std::iter::once(build::is_not_null(member())).chain(fits));
    }
    build::any([build::is_null(member()), fits?])
}

fn whole(member: &Expr) -> Expr {
    cast_to(member.clone(), &DataType::Int)
}

/// The pattern of a decimal that has no more digits than its type. Zeros before and behind do not count.
fn digits(precision: u8, scale: u8) -> String {
    let whole = precision.saturating_sub(scale);
    let fraction = if scale == 0 { "([.]0+)?".to_owned() } else { format!("([.][0-9]{{1,{scale}}}0*)?") };
    let whole = if whole == 0 { "0+".to_owned() } else { format!("0*[0-9]{{1,{whole}}}") };
    format!("^-?{whole}{fraction}$")
}

fn time(of: &Reading) -> Expr {
    let name = of.table.clean.time.as_deref().unwrap_or_default();
    whole(&column(MESSAGES, KsqlDb.identifier(name)))
}

fn now() -> Expr {
    call("UNIX_TIMESTAMP", Vec::new())
}

/// Where a row lies for windows: at its time, which for Kafka is never before 1970.
fn place(of: &Reading) -> Expr {
    let mut branches = vec![(binary(time(of), BinaryOperator::Lt, int(0)), int(0))];
    if of.ahead.is_none() {
        branches.push((binary(time(of), BinaryOperator::Gt, now()), now()));
    }
    build::case(branches, Some(time(of)))
}

/// That a row does not lie too far ahead.
fn ahead(of: &Reading) -> Option<Expr> {
    let most = binary(now(), BinaryOperator::Plus, int(of.ahead?));
    Some(binary(time(of), BinaryOperator::LtEq, most))
}

/// The local day of an instant, as a text.
pub fn came_on(instant: Expr, calendar: Calendar) -> Expr {
    let instant = call("FROM_UNIXTIME", vec![instant]);
    call("FORMAT_TIMESTAMP", vec![instant, text("yyyy-MM-dd"), text(calendar.zone.name())])
}
