//! A line of a ledger: what was found on a day for a metric.

use chrono::{DateTime, NaiveDate};
use serde::{Deserialize, Serialize};

/// The form of the lines. It grows when a line no longer says what it said.
pub const FORM: u32 = 1;

/// No bucket has more days: years are the longest steps, and those of calendars are about as long.
const MOST_DAYS: u32 = 1_000;

/// What was recorded of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Recorded {
    /// Both agree.
    Good,
    /// They do not.
    Bad,
    /// Neither has a row.
    Empty,
}

/// A line of a ledger. Numbers that must be exact are texts; shares without an end are null.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// [`FORM`].
    pub form: u32,
    /// What is changed.
    pub change: String,
    /// From this version.
    pub from: u32,
    /// To this one.
    pub to: u32,
    /// The metric that moves.
    pub metric: String,
    /// The step of the buckets; none for one bucket.
    pub step: Option<String>,
    /// The fingerprint of the old meaning.
    pub old: String,
    /// That of the new one.
    pub new: String,
    /// The first day, `2026-11-01`.
    pub day: String,
    /// How many days it stands for: those of its bucket.
    pub days: u32,
    /// The verdict.
    pub verdict: Recorded,
    /// Why it is bad, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
    /// The old total.
    pub old_value: Option<String>,
    /// The new one.
    pub new_value: Option<String>,
    /// Their relative difference; null where there was nothing before.
    pub difference: Option<f64>,
    /// The weighted error of the slices.
    pub wape: Option<f64>,
    /// Slices that the old and the new side lack.
    pub missing: (u32, u32),
    /// The tolerance.
    pub tolerance: f64,
    /// The expected range.
    pub expect: Option<(f64, f64)>,
    /// Where the values come from: `clickhouse:warehouse`.
    pub data: String,
    /// The version of the program.
    pub program: String,
    /// When it was recorded, `2026-11-08T01:00:00.000Z`.
    pub recorded_at: String,
}

impl Entry {
    /// The line, with its end.
    pub fn line(&self) -> String {
        // Its members are texts, finite numbers and lists: there is nothing that JSON could not say.
        let mut line = serde_json::to_string(self).unwrap_or_default();
        line.push('\n');
        line
    }

    /// Reads a line; in words, why it is none.
    pub fn read(line: &str) -> Result<Entry, String> {
        let value: serde_json::Value = serde_json::from_str(line).map_err(|_| "it is not whole".to_owned())?;
        match value.get("form").and_then(serde_json::Value::as_u64) {
            Some(form) if form > u64::from(FORM) => return Err(format!("its form {form} is newer than this program")),
            Some(_) => {}
            None => return Err("it is no entry".to_owned()),
        }
        let entry: Entry = serde_json::from_value(value).map_err(|error| error.to_string())?;
        // A day that can't be told would be passed over, and it may be the bad one.
        let is_day = NaiveDate::parse_from_str(&entry.day, "%Y-%m-%d").is_ok();
        let is_time = DateTime::parse_from_rfc3339(&entry.recorded_at).is_ok();
        match (is_day, (1..=MOST_DAYS).contains(&entry.days), is_time) {
            (false, ..) => Err(format!("`{}` is no day", entry.day)),
            (_, false, _) => Err(format!("a bucket has no {} days", entry.days)),
            (.., false) => Err(format!("`{}` is no time", entry.recorded_at)),
            _ => Ok(entry),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"form":1,"change":"dau","from":1,"to":2,"metric":"dau","step":"1d","old":"a","new":"b","day":"2026-11-01","days":1,"verdict":"bad","old_value":"1","new_value":null,"difference":0.5,"wape":null,"missing":[0,1],"tolerance":0.005,"expect":null,"data":"dry-run","program":"0","recorded_at":"2026-11-02T00:00:00.000Z"}"#;

    #[test]
    fn a_line_reads_back_and_one_that_was_edited_is_told() {
        let entry = Entry::read(LINE).expect("an entry");
        assert_eq!(entry.line().trim_end(), LINE);
        for (text, other, why) in [
            ("2026-11-01", "2026-13-01", "`2026-13-01` is no day"),
            ("\"days\":1", "\"days\":0", "a bucket has no 0 days"),
            ("\"days\":1", "\"days\":4000000000", "a bucket has no 4000000000 days"),
            ("2026-11-02T00", "yesterday", "`yesterday:00:00.000Z` is no time"),
            ("\"bad\"", "\"fine\"", "unknown variant `fine`, expected one of `good`, `bad`, `empty`"),
            ("\"form\":1", "\"form\":9", "its form 9 is newer than this program"),
            ("\"day\":\"2026-11-01\",", "", "missing field `day`"),
        ] {
            assert_eq!(Entry::read(&LINE.replacen(text, other, 1)), Err(why.to_owned()));
        }
    }
}
