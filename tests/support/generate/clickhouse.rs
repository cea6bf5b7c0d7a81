//! A generated project in ClickHouse: its tables, its rows, its questions.

use metricc::sql;

use super::compare::TextRow;
use super::front::Front;
use super::model::*;
use super::rng::Rng;

/// Whoever runs statements: gives rows in the format `JSONCompactEachRow`.
pub type Run<'a> = &'a mut dyn FnMut(&str) -> Result<String, String>;

/// What every query is asked with, so that answers are texts without a zone.
pub const SETTINGS: &str = "date_time_output_format = 'unix_timestamp', output_format_json_quote_64bit_integers = 1, \
    output_format_json_quote_decimals = 1, output_format_json_quote_denormals = 1, output_format_json_quote_64bit_floats = 1";

/// Makes the tables of a project and inserts their rows, shuffled, in one, two or more blocks.
pub fn load(project: &Project, database: &str, blocks: usize, run: Run<'_>) -> Result<(), String> {
    let mut rng = Rng::new(project.seed ^ blocks as u64);
    run(&format!("CREATE DATABASE {database}"))?;
    for table in &project.tables {
        run(&table.clickhouse_create(project, database))?;
        let mut rows = table.rows.clone();
        rng.shuffle(&mut rows);
        for block in rows.chunks(rows.len().div_ceil(blocks).max(1)) {
            run(&table.clickhouse_insert(database, block))?;
        }
    }
    Ok(())
}

/// The SELECT of a question.
pub fn select(front: &Front, project: &Project, question: &Question) -> Result<String, String> {
    let plan = front.plan(project, question)?;
    let query = sql::select(&plan, &sql::CLICKHOUSE, &sql::Options::default()).map_err(|found| format!("{found:?}"))?;
    Ok(sql::to_text(&query, &sql::CLICKHOUSE).replace("INT64", "Int64").replace("FLOAT64", "Float64").replace("(STRING)", "(String)"))
}

/// The answer of a SELECT.
pub fn rows(select: &str, run: Run<'_>) -> Result<Vec<TextRow>, String> {
    let text = run(&format!("{select}\nSETTINGS {SETTINGS}\nFORMAT JSONCompactEachRow"))?;
    text.lines().map(row).collect()
}

fn row(line: &str) -> Result<TextRow, String> {
    use serde_json::Value as Json;
    let cells: Vec<Json> = serde_json::from_str(line).map_err(|error| format!("{error} in {line}"))?;
    let cell = |cell: Json| match cell {
        Json::Null => None,
        Json::String(text) => Some(text),
        other => Some(other.to_string()),
    };
    Ok(cells.into_iter().map(cell).collect())
}
