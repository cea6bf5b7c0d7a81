//! Rules of quality: what a scheduler runs before it publishes what a batch has staged, and after.

use serde_json::{Value, json};
use sqlparser::ast::Query;

use super::Build;
use super::ask::choose;
use crate::diagnostic::Diagnostics;
use crate::emit::ruled::operator;
use crate::emit::{Artifact, Reconciled, Ruled, Shares, name};
use crate::error;
use crate::sql::clickhouse::checks::{Check, checks, differences, together};
use crate::sql::{Calendar, Options};
use crate::types::Bound;

/// The statements of all rules, and what the manifest tells of them.
pub fn artifacts(build: &Build, diagnostics: &mut Diagnostics) -> (Vec<Artifact>, Value) {
    let mut artifacts = Vec::new();
    let mut told = Vec::new();
    for ruled in &build.input.qualities {
        let file = name::file(&ruled.name);
        let mut details = json!({
            "name": ruled.name,
            "on": ruled.on,
            "severity": ruled.severity.word(),
            "stops": ruled.severity.stops(),
        });
        if let Some(shares) = &ruled.shares {
            let text = gate(build, ruled, shares, diagnostics);
            let what = format!("The rules {} for rows of {}, before they are published", ruled.name, ruled.on);
            details["gate"] = add(build, &format!("quality/{file}.sql"), &what, &text, ruled, &mut artifacts);
        }
        let compared: Vec<Query> =
            ruled.reconciled.iter().filter_map(|one| reconciled(build, ruled, one, diagnostics)).collect();
        if !compared.is_empty() {
            let of = format!("what the rules `{}` compare", ruled.name);
            let text = super::read_back(build, &of, Ok(together(compared)), diagnostics);
            let what = format!("The rules {} for what several ways have made, once it is published", ruled.name);
            details["after"] = add(build, &format!("quality/{file}__after.sql"), &what, &text, ruled, &mut artifacts);
        }
        told.push(details);
    }
    (artifacts, Value::Array(told))
}

fn add(build: &Build, file: &str, what: &str, select: &str, ruled: &Ruled, artifacts: &mut Vec<Artifact>) -> Value {
    let path = build.path(file);
    let header = build.header(what);
    let about =
        "-- A row a day and rule; it is broken where `passed` is 0.\n-- {days: Array(Date32)}: the days of a batch.\n";
    let text = format!("{header}{about}\n{select};\n");
    artifacts.push(Artifact { path: path.clone(), text, origin: vec![ruled.name.clone()] });
    json!({ "file": path, "parameters": ["days"] })
}

fn gate(build: &Build, ruled: &Ruled, shares: &Shares, diagnostics: &mut Diagnostics) -> String {
    let of = |(name, column, bound): &(String, String, Bound)| check(name, column, bound, ruled.minimum);
    let rules: Vec<Check> = shares.rules.iter().map(of).collect();
    let made = checks(&shares.query, &shares.rows, &rules, &Options::default()).map(|made| together(vec![made]));
    super::read_back(build, &format!("the gate `{}`", ruled.name), made, diagnostics)
}

fn check(name: &str, column: &str, bound: &Bound, minimum: Option<u64>) -> Check {
    let op = operator(bound.op);
    Check {
        name: name.to_owned(),
        column: column.to_owned(),
        op,
        limit: bound.share,
        bound: bound.text.clone(),
        minimum,
    }
}

/// The comparison of two ways of a metric; none where this target has not both, which is told.
fn reconciled(build: &Build, ruled: &Ruled, one: &Reconciled, diagnostics: &mut Diagnostics) -> Option<Query> {
    let mut sides = Vec::with_capacity(2);
    for asked in &one.ways {
        let chosen = match choose(build, &one.query, asked) {
            Ok(chosen) => chosen,
            Err(found) => {
                diagnostics.extend(found);
                return None;
            }
        };
        let why = chosen.refused.first().map(|(way, why)| format!("it is not served {way}: {why}"));
        let why = why.or_else(|| chosen.from.is_empty().then(|| "no rollup has it".to_owned()));
        if let Some(why) = why {
            diagnostics.push(error!(E0846, ruled.span, "`{}` cannot be judged in `{}`: {why}", one.name, build.target;
                help: "leave the rule out, or let the metric be served in both ways"));
            return None;
        }
        sides.push(chosen.select);
    }
    let sides: [_; 2] = sides.try_into().ok()?;
    let columns = one.query.columns();
    let (keys, values) = columns.split_at(one.query.keys());
    let keys: Vec<&str> = keys.iter().map(|column| column.name.as_str()).collect();
    let calendar = Calendar { zone: one.query.zone, week_start: one.query.week_start };
    let rule = check(&one.name, &values.first()?.name, &one.bound, None);
    Some(differences(sides, &keys, &rule.column, &rule, calendar))
}
