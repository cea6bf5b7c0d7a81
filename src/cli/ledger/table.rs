//! A ledger in a table of ClickHouse.
//!
//! A row is an entry with its whole line; an insert that is sent again after its answer got lost adds the same row, which changes
//! nothing: of a day the entry that was recorded last counts.

use super::damaged;
use crate::change::verify::Entry;
use crate::cli::{Stop, server};
use crate::clickhouse::Client;
use crate::sql::{self, CLICKHOUSE, Scalars};

/// A table, and how it is reached.
pub struct Table {
    client: Client,
    name: String,
}

impl Table {
    /// Of a name, with its database or without.
    pub fn new(client: Client, name: &str) -> Table {
        let parts: Vec<String> = name.split('.').map(|part| CLICKHOUSE.identifier(part).to_string()).collect();
        Table { client, name: parts.join(".") }
    }

    /// Where it is, for people.
    pub fn place(&self) -> String {
        format!("`{}` on {}", self.name, self.client.server().shown())
    }

    /// The entries of a change, oldest first. There are none where there is no table.
    pub fn read(&self, change: &str) -> Result<Vec<Entry>, Stop> {
        let exists = self.ask(&format!("EXISTS TABLE {}", self.name))?;
        if exists.first().is_none_or(|row| row.as_deref() != Some("1")) {
            return Ok(Vec::new());
        }
        // Rows that were sent twice are one.
        let select = format!(
            "SELECT DISTINCT line, recorded_at FROM {} WHERE change = {} ORDER BY recorded_at, line",
            self.name,
            sql::quoted(change, &CLICKHOUSE)
        );
        let lines = self.ask(&select)?;
        let entry = |line: Option<String>| {
            Entry::read(&line.unwrap_or_default())
                .map_err(|why| damaged(&format!("a row in {}", self.place()), &why, None))
        };
        lines.into_iter().map(entry).collect()
    }

    /// Adds entries.
    pub fn append(&self, entries: &[Entry]) -> Result<(), Stop> {
        self.run(&self.create())?;
        self.run(&self.insert(entries))
    }

    fn create(&self) -> String {
        format!(
            "CREATE TABLE IF NOT EXISTS {} (change String, from_version UInt32, to_version UInt32, metric String, step String, \
             old String, new String, day Date32, days UInt32, verdict LowCardinality(String), line String, \
             recorded_at DateTime64(3, 'UTC')) ENGINE = MergeTree ORDER BY (change, metric, day, recorded_at)",
            self.name
        )
    }

    fn insert(&self, entries: &[Entry]) -> String {
        let rows = entries.iter().map(|entry| {
            let line = entry.line();
            let row = serde_json::json!({
                "change": entry.change,
                "from_version": entry.from,
                "to_version": entry.to,
                "metric": entry.metric,
                "step": entry.step.as_deref().unwrap_or("total"),
                "old": entry.old,
                "new": entry.new,
                "day": entry.day,
                "days": entry.days,
                "verdict": serde_json::to_value(entry.verdict).unwrap_or_default(),
                "line": line.trim_end(),
                // Without its zone, which the column says.
                "recorded_at": entry.recorded_at.trim_end_matches('Z').replace('T', " "),
            });
            format!("{row}\n")
        });
        format!("INSERT INTO {} FORMAT JSONEachRow\n{}", self.name, rows.collect::<String>())
    }

    /// The cells of the first column.
    fn ask(&self, select: &str) -> Result<Vec<Option<String>>, Stop> {
        let rows = self.client.ask(select).map_err(|failure| server::stop(&self.client, &failure, select))?;
        Ok(rows.rows.into_iter().map(|row| row.into_iter().next().flatten()).collect())
    }

    fn run(&self, statement: &str) -> Result<(), Stop> {
        self.client.execute(statement).map_err(|failure| server::stop(&self.client, &failure, statement))
    }
}
