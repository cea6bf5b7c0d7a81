//! Values out of the server of a target: one statement for all that is asked of it, so that both sides are of one moment.

use crate::cli::{Stop, server};
use crate::clickhouse::{Client, typed};
use crate::error;
use crate::plan::{DataType, OutputColumn, Value};
use crate::sql::{CLICKHOUSE, Scalars};
use crate::table::Answer;

use super::results::answer;
use super::wanted::Wanted;

/// What is read: a view by its name, or a SELECT.
pub struct Read<'w, 'p> {
    /// What is wanted of it.
    pub wanted: &'w Wanted<'p>,
    /// The view or table, its database before a dot.
    pub from: From,
}

/// What stands behind FROM.
pub enum From {
    /// A view or table.
    View(Vec<String>),
    /// A SELECT with the columns of the answer.
    Select(String),
}

/// All answers, in order.
pub fn read(client: &Client, reads: &[Read]) -> Result<Vec<Answer>, Stop> {
    let width = reads.iter().map(|read| read.wanted.query.columns().len()).max().unwrap_or(0);
    let parts: Vec<String> = reads.iter().enumerate().map(|(place, read)| select(place, read, width)).collect();
    let statement = parts.join("\nUNION ALL\n");
    let rows = client.ask(&statement).map_err(|failure| server::stop(client, &failure, &statement))?;
    let mut found: Vec<Vec<Vec<Value>>> = reads.iter().map(|_| Vec::new()).collect();
    for row in rows.rows {
        let place = row.first().and_then(|cell| cell.as_deref()?.parse::<usize>().ok());
        let Some((rows, read)) = place.and_then(|place| Some((found.get_mut(place)?, reads.get(place)?))) else {
            return Err(unusable(client, "a row says not which side it is of"));
        };
        let columns = read.wanted.query.columns();
        let value = |(column, cell): (&OutputColumn, &Option<String>)| {
            typed(cell.as_deref(), column, read.wanted.query.zone).ok_or_else(|| {
                let cell = cell.as_deref().unwrap_or_default();
                unusable(
                    client,
                    &format!(
                        "`{cell}` is no value of `{}`: {} is wanted",
                        column.name,
                        crate::table::cell::wanted(&column.ty)
                    ),
                )
            })
        };
        rows.push(columns.iter().zip(&row[1..]).map(value).collect::<Result<_, _>>()?);
    }
    Ok(reads.iter().zip(found).map(|(read, rows)| answer(read.wanted.query.columns(), rows, read.wanted)).collect())
}

fn unusable(client: &Client, why: &str) -> Stop {
    error!(E0853, None, "the answer of `{}` can't be used: {why}", client.server().shown();
        help: "has the view been made by another build? Apply the newest one")
    .into()
}

/// The SELECT of one side: its place, then each column as a text that loses nothing, in any time zone and with any settings.
fn select(place: usize, read: &Read, width: usize) -> String {
    let query = &read.wanted.query;
    let columns = query.columns();
    let name = |column: &OutputColumn| CLICKHOUSE.identifier(&column.name).to_string();
    let mut cells = vec![format!("toString({place}) AS side")];
    let texts =
        columns.iter().map(|column| text(&name(column), &column.ty)).chain(std::iter::repeat("NULL".to_owned()));
    cells.extend(texts.take(width).enumerate().map(|(at, text)| format!("CAST({text} AS Nullable(String)) AS c{at}")));
    let from = match &read.from {
        From::View(parts) => {
            parts.iter().map(|part| CLICKHOUSE.identifier(part).to_string()).collect::<Vec<_>>().join(".")
        }
        From::Select(select) => format!("(\n{select}\n)"),
    };
    let mut conditions = Vec::new();
    if let (Some(_), Some(time)) = (query.step, columns.first()) {
        let time = format!("toUnixTimestamp64Milli(toDateTime64({}, 3))", name(time));
        conditions.extend(read.wanted.from.map(|from| format!("{time} >= {from}")));
        conditions.extend(read.wanted.to.map(|to| format!("{time} < {to}")));
    }
    let filter = if conditions.is_empty() { String::new() } else { format!("\nWHERE {}", conditions.join(" AND ")) };
    format!("SELECT {}\nFROM {from}{filter}", cells.join(", "))
}

fn text(name: &str, ty: &DataType) -> String {
    match ty {
        DataType::Timestamp => format!("toString(toUnixTimestamp64Milli(toDateTime64({name}, 3)))"),
        DataType::Array(_) | DataType::Map(_) => format!("toJSONString({name})"),
        _ => format!("toString({name})"),
    }
}
