//! Contracts of Soda Core 4: a file for each declaration, as a contract is one of one table.

use serde::Serialize;

use super::{Build, Check, Checked, label, one_line};
use crate::emit::{Artifact, name};
use crate::types::Severity;

#[derive(Serialize)]
struct Contract {
    dataset: String,
    columns: Vec<Column>,
    checks: Vec<FailedRows>,
}

#[derive(Serialize)]
struct Column {
    name: String,
}

#[derive(Serialize)]
struct FailedRows {
    failed_rows: Rows,
}

#[derive(Serialize)]
struct Rows {
    name: String,
    qualifier: String,
    query: String,
    threshold: Threshold,
}

#[derive(Serialize)]
struct Threshold {
    level: &'static str,
    must_be: u8,
}

pub fn files(build: &Build, checked: &[Checked]) -> Vec<Artifact> {
    checked.iter().filter(|of| !of.checks.is_empty()).map(|of| file(build, of)).collect()
}

fn file(build: &Build, of: &Checked) -> Artifact {
    let mut text = format!("# {}\n", build.made_by());
    let about = &of.ruled.about;
    let told = [("", &about.title), ("Owner: ", &about.owner), ("Runbook: ", &about.runbook)];
    for (what, value) in told.into_iter().filter_map(|(what, value)| Some((what, value.as_ref()?))) {
        text += &format!("# {what}{}\n", one_line(value));
    }
    for (rule, why) in &of.left_out {
        text += &format!("# Left out: {}: {}\n", label(of.ruled, rule), one_line(why));
    }
    // Texts, lists and maps with texts as keys: nothing that YAML could not say.
    text += &serde_yaml::to_string(&contract(build, of)).unwrap_or_default();
    build.artifact(&format!("contracts/{}.yml", name::file(&of.ruled.name)), text, vec![of.ruled.name.clone()])
}

fn contract(build: &Build, of: &Checked) -> Contract {
    let table = build.input.tables.iter().find(|table| table.name == of.ruled.on);
    let physical = table.map_or(of.ruled.on.as_str(), |table| table.physical.as_str());
    let schema = if physical.contains('.') { "" } else { "main/" };
    let columns = table.into_iter().flat_map(|table| &table.columns);
    Contract {
        dataset: format!("{}/{schema}{}", build.settings.data_source, physical.replace('.', "/")),
        columns: columns.map(|column| Column { name: column.name.clone() }).collect(),
        checks: of.checks.iter().map(|check| rows(of, check)).collect(),
    }
}

fn rows(of: &Checked, check: &Check) -> FailedRows {
    let label = label(of.ruled, check.rule);
    FailedRows {
        failed_rows: Rows {
            name: format!("{label} {}", check.rule.bound),
            qualifier: label,
            query: check.sql.clone(),
            threshold: Threshold { level: level(of.ruled.severity), must_be: 0 },
        },
    }
}

/// Whether a broken rule fails a contract, or is told.
fn level(severity: Severity) -> &'static str {
    if severity.stops() { "fail" } else { "warn" }
}
