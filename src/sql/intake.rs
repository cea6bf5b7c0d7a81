//! SELECTs that read the rows of a table out of the texts of messages: those that can be read, those that can't with the
//! reason, and how many there were of either.
//!
//! All three read each message in the same way, so that it is a row or a dead letter, and never both or neither.

use sqlparser::ast::{BinaryOperator, Expr, ObjectName, Query};

use super::build::{self, Parts, call, column, ident, item, text};
use super::dialect::{Calendar, Dialect, Unsupported};
use crate::plan::{DataType, Encoding, StoredColumn, Table};

/// What is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Messages {
    /// The rows of the table.
    Rows,
    /// `came`, `reason`, `raw`: messages that are no row.
    Dead,
    /// `day`, `messages`, `dead`: how many came on a local day.
    Counts,
}

/// The columns of a table of messages.
const RAW: &str = "raw";
const CAME: &str = "came";

/// The SELECT over `landed`, a table of messages (`raw`) with the instants at which they came (`came`). A row that does not say
/// when it arrived (the column `arrived`) arrived then.
pub fn intake(
    table: &Table,
    landed: ObjectName,
    arrived: Option<&str>,
    read: Messages,
    dialect: &dyn Dialect,
    calendar: Calendar,
) -> Result<Query, Vec<Unsupported>> {
    let of = |name: &str| column("p", ident(name));
    let is_dead = || build::binary(of("_reason"), BinaryOperator::NotEq, text(""));
    let rows = messages(table, landed, arrived, dialect, calendar)?;
    let (projection, filter, group_by) = match read {
        Messages::Rows => {
            let columns = table.columns.iter().enumerate().map(|(at, column)| {
                let value = of(&format!("_c{at}"));
                let is_part = matches!(column.ty, DataType::Array(_) | DataType::Map(_));
                let value = if column.nullable || is_part { value } else { dialect.not_null(value) };
                item(value, dialect.identifier(&column.name))
            });
            (columns.collect(), Some(build::equal(of("_reason"), text(""))), Vec::new())
        }
        Messages::Dead => {
            let columns = [(CAME, "_came"), ("reason", "_reason"), (RAW, "_raw")];
            let projection = columns.map(|(name, from)| item(of(from), ident(name))).to_vec();
            (projection, Some(is_dead()), Vec::new())
        }
        Messages::Counts => {
            let day = dialect.bucket_key(of("_came"), crate::plan::Step::Day, calendar);
            let projection = vec![
                item(day.clone(), ident("day")),
                item(call("count", Vec::new()), ident("messages")),
                item(call("countIf", vec![is_dead()]), ident("dead")),
            ];
            (projection, None, vec![day])
        }
    };
    Ok(Parts { projection, from: Some(build::derived(rows, "p")), filter, group_by, ..Parts::default() }.query())
}

/// All messages, with the value of each column and the reason why one is no row; an empty one for a row.
fn messages(
    table: &Table,
    landed: ObjectName,
    arrived: Option<&str>,
    dialect: &dyn Dialect,
    calendar: Calendar,
) -> Result<Query, Vec<Unsupported>> {
    let Some(how) = dialect.intake() else {
        let reason = "it has no functions for that".to_owned();
        return Err(vec![Unsupported { construct: "reading rows out of messages".to_owned(), reason }]);
    };
    let raw = || column("l", ident(RAW));
    let came = || column("l", ident(CAME));
    let mut projection = vec![item(came(), ident("_came")), item(raw(), ident("_raw"))];
    let mut reasons = vec![build::not(how.is_object(raw())), text("it is no JSON object")];
    for (at, column) in table.columns.iter().enumerate() {
        let read = how.column(column, raw(), calendar);
        let is_arrived = arrived == Some(column.name.as_str());
        if !column.nullable && !is_arrived {
            reasons.extend([read.missing.clone(), text(format!("`{}` is missing", column.name))]);
        }
        let wrong = build::all([build::not(read.missing), build::not(read.fits)]).unwrap_or_else(build::null);
        reasons.extend([wrong, text(format!("`{}` is not {}", column.name, wanted(column)))]);
        let value = if is_arrived { or_then(read.value, came(), column) } else { read.value };
        projection.push(item(value, ident(&format!("_c{at}"))));
    }
    reasons.push(text(""));
    projection.push(item(call("multiIf", reasons), ident("_reason")));
    Ok(Parts { projection, from: Some(build::table(landed, "l")), ..Parts::default() }.query())
}

/// A time that may be missing, else when the message came.
fn or_then(value: Expr, came: Expr, column: &StoredColumn) -> Expr {
    let came = match column.encoding {
        Encoding::Milliseconds => call("toUnixTimestamp64Milli", vec![came]),
        Encoding::Native => came,
    };
    call("ifNull", vec![value, came])
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
