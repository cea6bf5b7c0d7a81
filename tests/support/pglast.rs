//! PostgreSQL's own parser: whether queries for engines that speak its dialect are well formed. It knows no catalog, so that names and
//! types are not checked.

use serde_json::{Value, json};

use super::{provision, python};

/// Parses each text on its own.
const SCRIPT: &str = r#"
import json, sys
from pglast import parse_sql
from pglast.parser import ParseError

told = []
for text in json.load(sys.stdin):
    try:
        parsed = parse_sql(text)
        told.append(None if len(parsed) == 1 else f"{len(parsed)} statements")
    except ParseError as error:
        told.append(str(error))
print(json.dumps(told))
"#;

/// The texts that are not one statement of PostgreSQL's grammar, each with what the parser says.
///
/// # Panics
/// With one line, if the parser cannot be provisioned or does not answer.
pub fn refused<T: AsRef<str>>(texts: &[T]) -> Vec<(String, String)> {
    let python = provision::pglast().unwrap_or_else(|error| panic!("{error}"));
    let input: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
    let told = python::run(python, SCRIPT, &json!(input)).unwrap_or_else(|error| panic!("{error}"));
    let told = told.as_array().expect("a list");
    assert_eq!(told.len(), texts.len(), "the parser answers for each text");
    let complaints = told.iter().zip(texts).filter_map(|(told, text)| match told {
        Value::Null => None,
        complaint => Some((text.as_ref().to_owned(), complaint.as_str().unwrap_or_default().to_owned())),
    });
    complaints.collect()
}

/// A query without what streaming engines add to the grammar: when results come, and as of when a table is looked up.
pub fn plain(query: &str) -> String {
    let query = query.trim_end().trim_end_matches(';').trim_end();
    let query = query.strip_suffix("EMIT ON WINDOW CLOSE").unwrap_or(query).trim_end();
    query.replace(" FOR SYSTEM_TIME AS OF PROCTIME()", "")
}
