//! What is told of alerts and objectives, in blocks that every form for people is made of.

use chrono_tz::Tz;

use crate::table::plot::Row;

/// All of it.
pub struct Page {
    /// What it is.
    pub title: String,
    /// Its blocks, in order.
    pub blocks: Vec<Block>,
    /// The time that it is about: the first instant, and the first one behind it.
    pub span: (i64, i64),
    /// The zone in which times are written.
    pub zone: Tz,
}

/// A table with what is told above and below it, or charts.
#[derive(Default)]
pub struct Block {
    /// Its heading; none of the first one.
    pub title: Option<String>,
    /// What stands above the table.
    pub above: Vec<String>,
    /// Heads, each with whether it is of numbers, and rows.
    pub table: Option<(Vec<Head>, Vec<Vec<String>>)>,
    /// When several things happened, with incidents, above the table.
    pub overview: Option<Overview>,
    /// What stands below it.
    pub below: Vec<String>,
    /// Series over the time.
    pub charts: Vec<Chart>,
}

/// A head of a table, and whether numbers are below it.
pub type Head = (&'static str, bool);

/// When several things happened.
pub struct Overview {
    /// What it is of.
    pub title: String,
    /// A row each.
    pub rows: Vec<Row>,
    /// Incidents with their names.
    pub known: Vec<(i64, i64, String)>,
}

/// A series over the time.
pub struct Chart {
    /// What it is of.
    pub title: String,
    /// The values.
    pub points: Vec<(i64, Option<f64>)>,
    /// The ends of what is expected, a point each.
    pub limits: Vec<(Option<f64>, Option<f64>)>,
    /// When it fired.
    pub fires: Vec<(i64, i64)>,
    /// Incidents with their names.
    pub known: Vec<(i64, i64, String)>,
}

/// A number with one digit behind the point, where it has some.
pub fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

/// A share in percent.
pub fn percent(share: f64) -> String {
    format!("{}%", number(share * 100.0))
}
