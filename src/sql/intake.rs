//! SELECTs that read the rows of a table out of the texts of messages: those that can be read, those that can't with the
//! reason, and how many there were of either.
//!
//! All three read each message in the same way, so that it is a row or a dead letter, and never both or neither.

use sqlparser::ast::{BinaryOperator, ObjectName, Query, TableFactor};

use super::build::{self, Parts, column, ident, item, text};
use super::dialect::{Calendar, Intake, MESSAGES, Scalars, Unsupported};
use crate::plan::{DataType, Encoding, StoredColumn, Table};

/// What is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Messages {
    /// All messages: `_came`, `_raw`, the value of each column (`_c0` …), `_reason` (empty for a row), and what is kept beside them.
    All,
    /// The rows of the table.
    Rows,
    /// `came`, `reason`, `raw`: messages that are no row.
    Dead,
    /// `day`, `messages`, `dead`: how many came on a local day.
    Counts,
    /// The same with the first alone, which takes no reading.
    Came,
    /// The same of the table of dead letters, with the second alone.
    Died,
}

/// The columns of a table of messages.
const RAW: &str = "raw";
const CAME: &str = "came";

/// Where messages lie.
#[derive(Clone, Debug)]
pub struct Landed<'a> {
    /// A table of messages (`raw`) with the instants at which they came (`came`).
    pub name: ObjectName,
    /// The column that says when a row arrived: a row that does not say it arrived when its message came.
    pub arrived: Option<&'a str>,
    /// A column that was read out of its messages already, and where it lies beside them: the time that a watermark is kept of.
    pub time: Option<(&'a str, &'a str)>,
    /// Other columns of it that go along.
    pub kept: &'a [&'a str],
}

/// The SELECT over messages.
pub fn intake(
    table: &Table,
    landed: &Landed,
    read: Messages,
    scalars: &dyn Scalars,
    calendar: Calendar,
) -> Result<Query, Vec<Unsupported>> {
    let Some(how) = scalars.intake() else {
        let reason = "it has no functions for that".to_owned();
        return Err(vec![Unsupported { construct: "reading rows out of messages".to_owned(), reason }]);
    };
    if matches!(read, Messages::Came | Messages::Died) {
        return Ok(counts(landed, read, how, calendar));
    }
    let of = |name: &str| column("p", ident(name));
    let is_dead = || build::binary(of("_reason"), BinaryOperator::NotEq, text(""));
    let rows = messages(table, landed, how, calendar)?;
    let (projection, filter, group_by) = match read {
        Messages::All | Messages::Came | Messages::Died => return Ok(rows),
        Messages::Rows => {
            let columns = table.columns.iter().enumerate().map(|(at, column)| {
                let value = of(&format!("_c{at}"));
                let is_part = matches!(column.ty, DataType::Array(_) | DataType::Map(_));
                let value = if column.nullable || is_part { value } else { scalars.not_null(value) };
                item(value, scalars.identifier(&column.name))
            });
            (columns.collect(), Some(build::equal(of("_reason"), text(""))), Vec::new())
        }
        Messages::Dead => {
            let columns = [(CAME, "_came"), ("reason", "_reason"), (RAW, "_raw")];
            let projection = columns.map(|(name, from)| item(of(from), ident(name))).to_vec();
            (projection, Some(is_dead()), Vec::new())
        }
        Messages::Counts => {
            let day = how.day(of("_came"), calendar);
            let projection = vec![
                item(day.clone(), ident("day")),
                item(how.count(None), ident("messages")),
                item(how.count(Some(is_dead())), ident("dead")),
            ];
            (projection, None, vec![day])
        }
    };
    Ok(Parts { projection, from: Some(build::derived(rows, "p")), filter, group_by, ..Parts::default() }.query())
}

/// How many came on a day, in the column that is meant; the other one is 0.
fn counts(landed: &Landed, read: Messages, how: &dyn Intake, calendar: Calendar) -> Query {
    let day = how.day(column(MESSAGES, ident(CAME)), calendar);
    let of = |one: Messages| how.count((read != one).then(|| build::boolean(false)));
    let projection = vec![
        item(day.clone(), ident("day")),
        item(of(Messages::Came), ident("messages")),
        item(of(Messages::Died), ident("dead")),
    ];
    let from = Some(build::table(landed.name.clone(), MESSAGES));
    Parts { projection, from, group_by: vec![day], ..Parts::default() }.query()
}

/// All messages, with the value of each column and the reason why one is no row; an empty one for a row.
fn messages(table: &Table, landed: &Landed, how: &dyn Intake, calendar: Calendar) -> Result<Query, Vec<Unsupported>> {
    let raw = || column(MESSAGES, ident(RAW));
    let came = || column(MESSAGES, ident(CAME));
    let mut projection = vec![item(came(), ident("_came")), item(raw(), ident("_raw"))];
    let mut reasons = vec![(build::not(how.is_object(raw())), text("it is no JSON object"))];
    for (at, of) in table.columns.iter().enumerate() {
        let read = how.column(at, of, raw(), calendar);
        let is_arrived = landed.arrived == Some(of.name.as_str());
        if !of.nullable && !is_arrived {
            reasons.push((read.missing.clone(), text(format!("`{}` is missing", of.name))));
        }
        let wrong = build::all([build::not(read.missing), build::not(read.fits)]).unwrap_or_else(build::null);
        reasons.push((wrong, text(format!("`{}` is not {}", of.name, wanted(of)))));
        let value = match landed.time {
            Some((name, place)) if name == of.name => column(MESSAGES, ident(place)),
            _ if is_arrived => how.or_then(read.value, came(), of),
            _ => read.value,
        };
        projection.push(item(value, ident(&format!("_c{at}"))));
    }
    projection.push(item(how.choose(reasons, text("")), ident("_reason")));
    projection.extend(landed.kept.iter().map(|name| item(column(MESSAGES, ident(name)), ident(name))));
    let from = prepared(table, landed, how, calendar)?;
    Ok(Parts { projection, from: Some(from), ..Parts::default() }.query())
}

/// The messages with what is made of them first.
fn prepared(
    table: &Table,
    landed: &Landed,
    how: &dyn Intake,
    calendar: Calendar,
) -> Result<TableFactor, Vec<Unsupported>> {
    let mut from = build::table(landed.name.clone(), MESSAGES);
    let kept = landed.time.map(|(_, place)| place).into_iter().chain(landed.kept.iter().copied());
    let mut known: Vec<String> = [RAW, CAME].into_iter().chain(kept).map(str::to_owned).collect();
    for step in how.steps(&table.columns, column(MESSAGES, ident(RAW)), calendar)? {
        let before = known.iter().map(|name| item(column(MESSAGES, ident(name)), ident(name)));
        let projection = before.chain(step.iter().map(|(name, made)| item(made.clone(), ident(name)))).collect();
        from = build::derived(Parts { projection, from: Some(from), ..Parts::default() }.query(), MESSAGES);
        known.extend(step.into_iter().map(|(name, _)| name));
    }
    Ok(from)
}

/// What a column takes, in words.
fn wanted(column: &StoredColumn) -> &'static str {
    match (&column.ty, column.encoding) {
        (DataType::Timestamp, Encoding::Milliseconds) => "an instant in milliseconds since 1970",
        (DataType::String, _) if !column.domain.is_empty() => "one of its words",
        (DataType::Bool, _) => "true or false",
        (DataType::Int, _) => "a whole number",
        (DataType::Duration, _) => "a whole number of milliseconds",
        (DataType::Float, _) => "a number",
        (DataType::Decimal { .. }, _) => "a decimal of its digits (one of more than 15 has to be a text)",
        (DataType::String, _) => "a text",
        (DataType::Date, _) => "a day",
        (DataType::Timestamp, _) => "an instant",
        (DataType::Array(_), _) => "a list of its items",
        (DataType::Map(_), _) => "an object of its values",
    }
}
