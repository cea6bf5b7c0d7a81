//! DuckDB, an independent engine for second opinions, driven by Python scripts.

use serde_json::Value;

use super::{provision, python};

/// Runs a Python script with `duckdb` at hand: see [`python::run`].
///
/// # Errors
/// What the script wrote to its error stream, or what is wrong with its output.
///
/// # Panics
/// With one line, if the engine cannot be provisioned.
pub fn run(script: &str, input: &Value) -> Result<Value, String> {
    python::run(provision::duckdb().unwrap_or_else(|error| panic!("{error}")), script, input)
}
