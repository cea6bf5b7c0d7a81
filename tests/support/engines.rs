//! Which engines this run may use.

use std::sync::OnceLock;

use super::report;

/// The engines that tests know. `METRICC_ENGINES` takes their names, separated by commas, or `none`.
pub const KNOWN: [&str; 12] = [
    "airflow",
    "browser",
    "clickhouse",
    "duckdb",
    "grafana",
    "great_expectations",
    "kafka",
    "pglast",
    "prometheus",
    "soda",
    "spark",
    "statistics",
];
/// Whether `engine` is switched on. If not, the test is written down as not run.
pub fn wanted(engine: &str, test: &str) -> bool {
    assert!(KNOWN.contains(&engine), "no engine named `{engine}`; known are {}", KNOWN.join(", "));
    let on = match selection() {
        Ok(None) => true,
        Ok(Some(names)) => names.iter().any(|name| name == engine),
        Err(message) => panic!("{message}"),
    };
    if !on {
        report::not_run(test, &format!("{engine} switched off"));
    }
    on
}

fn selection() -> Result<&'static Option<Vec<String>>, &'static str> {
    static SELECTION: OnceLock<Result<Option<Vec<String>>, String>> = OnceLock::new();
    SELECTION
        .get_or_init(|| std::env::var("METRICC_ENGINES").ok().map(|text| parse(&text)).transpose())
        .as_ref()
        .map_err(String::as_str)
}

/// The engines that the text of `METRICC_ENGINES` names.
pub fn parse(text: &str) -> Result<Vec<String>, String> {
    let names: Vec<String> =
        text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    if names == ["none"] {
        return Ok(Vec::new());
    }
    if names.is_empty() {
        return Err(format!("METRICC_ENGINES is empty; write `none` or some of {}", KNOWN.join(", ")));
    }
    match names.iter().find(|name| !KNOWN.contains(&name.as_str())) {
        Some(name) => Err(format!("METRICC_ENGINES names `{name}`; known are {} and `none`", KNOWN.join(", "))),
        None => Ok(names),
    }
}
