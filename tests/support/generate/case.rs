//! Prints a failing project as a case file, ready to be dropped into `tests/cases`: prose, the declarations, the rows, the
//! question with its right answer, and what the others said.

use std::fmt::Write as _;

use super::model::*;
use super::oracle::Answer;
use super::text;

/// Whose answer is right.
pub const ORACLE: &str = "The answer";

/// An answer of somebody, by name.
pub struct Opinion<'a> {
    pub of: &'a str,
    pub answer: Result<&'a Answer, &'a str>,
}

impl Project {
    /// The project as a Markdown case; `why` says what is wrong.
    pub fn case(&self, why: &str, opinions: &[Opinion]) -> String {
        let mut out = format!("# Random project {}\n\n<!-- with warnings -->\n\n{why}\n\n", self.seed);
        let _ = writeln!(out, "```yaml\n{}```\n", self.manifest());
        let _ = writeln!(out, "```metric\n{}```\n", self.declarations("dwd"));
        for table in &self.tables {
            let _ = writeln!(out, "```csv {}\n{}```\n", table.name, table.csv(self.zone));
        }
        if self.uses_calendar() {
            let _ = writeln!(out, "```csv fiscal\n{}```\n", super::fiscal::csv());
        }
        for question in &self.questions {
            let _ = writeln!(out, "```sh\n{}\n```\n", self.command(question));
        }
        for opinion in opinions {
            let text = match opinion.answer {
                Ok(answer) => answer.csv(self.zone),
                Err(error) => format!("{}\n", error.trim_end()),
            };
            let kind = if opinion.of == ORACLE { "csv" } else { "text" };
            let _ = writeln!(out, "{}:\n\n```{kind}\n{text}```\n", opinion.of);
        }
        out
    }
}

impl Answer {
    /// The answer as CSV.
    pub fn csv(&self, zone: chrono_tz::Tz) -> String {
        let header: Vec<&str> = self.columns.iter().map(|column| column.name.as_str()).collect();
        let mut out = header.join(",") + "\n";
        for row in &self.rows {
            let cells: Vec<String> = row.iter().map(|value| cell(value, zone)).collect();
            out.push_str(&cells.join(","));
            out.push('\n');
        }
        out
    }
}

fn cell(value: &Value, zone: chrono_tz::Tz) -> String {
    match value {
        Value::Null => String::new(),
        Value::Timestamp(ms) => {
            let instant = chrono::DateTime::from_timestamp_millis(*ms).unwrap_or_default();
            instant.with_timezone(&zone).to_rfc3339_opts(chrono::SecondsFormat::Millis, false)
        }
        Value::Date(days) => text::day(*days),
        Value::Duration(ms) => ms.to_string(),
        Value::Str(s) => format!("\"{}\"", s.replace('"', "\"\"")),
        value => text::literal(value, zone),
    }
}
