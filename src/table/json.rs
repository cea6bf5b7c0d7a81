//! Answers as JSON: an array of objects, one a row and line.
//!
//! Numbers have all their digits, decimals too (`1234.50`); a reader that turns them into doubles may lose some of more than
//! 15. Instants and days are strings, durations integers of milliseconds.

use super::Answer;
use crate::plan::Value;

/// The answer as an array of objects.
pub fn json(answer: &Answer) -> String {
    let rows: Vec<String> = (0..answer.rows.len()).map(|row| object(answer, row)).collect();
    if rows.is_empty() { "[]\n".to_owned() } else { format!("[\n{}\n]\n", rows.join(",\n")) }
}

/// A row.
fn object(answer: &Answer, row: usize) -> String {
    let members: Vec<String> = answer
        .columns
        .iter()
        .enumerate()
        .map(|(index, column)| format!("{}: {}", quoted(&column.name), value(answer, row, index)))
        .collect();
    format!("  {{{}}}", members.join(", "))
}

/// A value.
fn value(answer: &Answer, row: usize, column: usize) -> String {
    let Some(text) = answer.text(row, column) else { return "null".to_owned() };
    match answer.rows[row][column] {
        Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Decimal(_) | Value::Duration(_) => text,
        _ => quoted(&text),
    }
}

/// A string.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::testing::answer;

    #[test]
    fn numbers_keep_their_digits_and_the_text_reads_back() {
        let mut answer = answer();
        let text = json(&answer);
        assert_eq!(
            text.lines().nth(3),
            Some(
                r#"  {"time": "2026-11-02", "platform": "a,\"b\"\n", "gmv": -0.05, "活跃": 0, "wait": 123000, "rate": null},"#
            )
        );
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read.as_array().unwrap().len(), 5);
        assert_eq!(read[1]["platform"], "");
        assert_eq!(read[4]["platform"], serde_json::Value::Null);
        answer.rows.clear();
        assert_eq!(json(&answer), "[]\n");
        answer.rows = vec![vec![Value::Float(1e300)]];
        answer.columns.truncate(1);
        assert!(serde_json::from_str::<serde_json::Value>(&json(&answer)).is_ok());
    }
}
