//! Suites of Great Expectations 1: a file of JSON for each declaration, and a program that runs them.

use serde_json::{Value, json};

use super::{Build, Check, Checked, label};
use crate::emit::{Artifact, name, template};
use crate::project::QualityEngine;
use crate::types::Severity;

pub fn files(build: &Build, checked: &[Checked]) -> Vec<Artifact> {
    let suites = checked.iter().map(|of| {
        let text = format!("{:#}\n", suite(build, of));
        build.artifact(&format!("suites/{}.json", name::file(&of.ruled.name)), text, vec![of.ruled.name.clone()])
    });
    let duckdb = build.settings.engine == QualityEngine::Duckdb;
    let values = minijinja::context! { made_by => build.made_by(), duckdb };
    let run = template::render("quality/great_expectations.py", values);
    suites.chain([build.artifact("run.py", run, Vec::new())]).collect()
}

fn suite(build: &Build, of: &Checked) -> Value {
    let left_out: Vec<Value> =
        of.left_out.iter().map(|(rule, why)| json!({ "rule": label(of.ruled, rule), "why": why })).collect();
    json!({
        "name": of.ruled.name,
        "expectations": of.checks.iter().map(|check| expectation(of, check)).collect::<Vec<_>>(),
        "meta": {
            "made_by": build.made_by(),
            "on": of.ruled.on,
            "title": of.ruled.about.title,
            "owner": of.ruled.about.owner,
            "runbook": of.ruled.about.runbook,
            "severity": of.ruled.severity.word(),
            "left_out": left_out,
        },
    })
}

fn expectation(of: &Checked, check: &Check) -> Value {
    let label = label(of.ruled, check.rule);
    json!({
        "type": "unexpected_rows_expectation",
        "kwargs": {
            "unexpected_rows_query": quoted(&check.sql),
            "description": format!("{label} {}", check.rule.bound),
            "severity": severity(of.ruled.severity),
        },
        "meta": { "rule": label, "bound": check.rule.bound },
    })
}

/// How bad a failed expectation is: only the first stops anything.
fn severity(severity: Severity) -> &'static str {
    if severity.stops() { "critical" } else { "warning" }
}

/// A query as the tool takes it: it fills in what stands in braces, and SQLAlchemy what follows a colon.
fn quoted(sql: &str) -> String {
    let mut made = String::with_capacity(sql.len());
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let mut before = ' ';
    let mut rest = sql.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '{' | '}' => made.extend([c, c]),
            ':' => {
                let names = !word(before) && before != ':' && rest.peek().is_some_and(|next| word(*next));
                if names || before == '\\' {
                    made.push('\\');
                }
                made.push(c);
            }
            other => made.push(other),
        }
        before = c;
    }
    made
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn braces_and_colons_stay_what_they_are() {
        assert_eq!(quoted("'{a}' '10:00' ' :x' '\\:y' 'a::b'"), "'{{a}}' '10:00' ' \\:x' '\\\\:y' 'a::b'");
    }
}
