//! A generated project in ClickHouse: its tables, its rows, its questions.

use metricc::sql;

use super::compare::TextRow;
use super::front::Front;
use super::model::*;
use super::rng::Rng;
use crate::support::clickhouse::Session;

/// How rows come in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Blocks {
    One,
    /// Two, of which one is sent again where that makes no difference.
    TwoAndARetry,
    /// Of a few rows each.
    Many,
}

impl Blocks {
    /// Each way in turn.
    pub fn of(seed: u64) -> Blocks {
        [Blocks::One, Blocks::TwoAndARetry, Blocks::Many][(seed % 3) as usize]
    }
}

/// Makes the tables of a project and inserts their rows, shuffled.
pub fn load(project: &Project, session: &Session, blocks: Blocks) -> Result<(), String> {
    create(project, session)?;
    insert(project, session, blocks)
}

/// Makes the tables of a project.
pub fn create(project: &Project, session: &Session) -> Result<(), String> {
    let database = session.database();
    if project.uses_calendar() {
        super::fiscal::clickhouse(database).iter().try_for_each(|statement| session.execute(statement))?;
    }
    project.tables.iter().try_for_each(|table| session.execute(&table.clickhouse_create(project, database)))
}

/// Inserts the rows of a project, shuffled.
pub fn insert(project: &Project, session: &Session, blocks: Blocks) -> Result<(), String> {
    let mut rng = Rng::new(project.seed);
    let database = session.database();
    for table in &project.tables {
        let mut rows = table.rows.clone();
        rng.shuffle(&mut rows);
        let size = match blocks {
            Blocks::One => rows.len(),
            Blocks::TwoAndARetry => rows.len().div_ceil(2),
            Blocks::Many => 5,
        };
        let all: Vec<&[Vec<Value>]> = rows.chunks(size.max(1)).collect();
        for block in &all {
            session.execute(&table.clickhouse_insert(database, block))?;
        }
        // A row that is sent again counts once, but for those who ask for all copies.
        let counts_once = !table.key.is_empty() && !project.is_read_raw(&table.name);
        if let (Blocks::TwoAndARetry, Some(block), true) = (blocks, all.last(), counts_once) {
            session.execute(&table.clickhouse_insert(database, block))?;
        }
    }
    Ok(())
}

/// The SELECT of a question.
pub fn select(front: &Front, project: &Project, question: &Question) -> Result<String, String> {
    let plan = front.plan(project, question)?;
    let query = sql::select(&plan, &sql::CLICKHOUSE, &sql::Options::default()).map_err(|found| format!("{found:?}"))?;
    let text = sql::to_text(&query, &sql::CLICKHOUSE);
    sql::reparse(&text, &sql::CLICKHOUSE).map_err(|error| format!("{error}: the SELECT does not read back\n{text}"))?;
    Ok(text)
}

/// The answer of a SELECT; instants as seconds since 1970, whatever the zone.
pub fn rows(select: &str, session: &Session) -> Result<Vec<TextRow>, String> {
    Ok(session.query(&format!("{select}\nSETTINGS date_time_output_format = 'unix_timestamp'"))?.rows)
}
