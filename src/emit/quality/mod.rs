//! Rules of quality for tools that other teams use (DQ4): the same verdict from each of them on the same rows.
//!
//! What the tools come with means something else: Great Expectations calls all rows of a repeated value duplicates, Deequ the share of
//! values that occur once uniqueness, and none judges by local day, or knows which rows are clean. So each rule is a SELECT of what breaks
//! it, which the tool runs as a check of its own, and no row is a rule that holds.

mod deequ;
mod great_expectations;
mod soda;

use serde_json::{Value, json};

use super::ruled::operator;
use super::{Artifact, Emitted, Input, Looks, RuleAsked, Ruled, name};
use crate::diagnostic::Diagnostics;
use crate::error;
use crate::project::{QualityEngine, QualityTarget, QualityTool};
use crate::sql::judged::{Share, broken_days, stale};
use crate::sql::{self, CLICKHOUSE, Counts, DUCKDB, SPARK, Unsupported};
use crate::suggest::near;

/// What all parts of a build share.
struct Build<'a> {
    input: &'a Input,
    /// The target's name.
    target: &'a str,
    settings: &'a QualityTarget,
    engine: &'static dyn Counts,
}

/// The rules of a declaration, as a tool is given them.
struct Checked<'a> {
    ruled: &'a Ruled,
    checks: Vec<Check<'a>>,
    left_out: Vec<(&'a RuleAsked, String)>,
}

/// A rule, and what breaks it.
struct Check<'a> {
    rule: &'a RuleAsked,
    /// The SELECT whose rows break it.
    sql: String,
}

/// The files of a target.
pub fn emit(input: &Input, target: &str, settings: &QualityTarget) -> (Emitted, Diagnostics) {
    let mut diagnostics = Diagnostics::new();
    let engine: &'static dyn Counts = match settings.engine {
        QualityEngine::Clickhouse => &CLICKHOUSE,
        QualityEngine::Duckdb => &DUCKDB,
        QualityEngine::Spark => &SPARK,
    };
    check_names(input, settings, &mut diagnostics);
    let build = Build { input, target, settings, engine };
    let checked: Vec<Checked> = input.qualities.iter().map(|ruled| build.checked(ruled, &mut diagnostics)).collect();
    let artifacts = match settings.tool {
        QualityTool::GreatExpectations => great_expectations::files(&build, &checked),
        QualityTool::Soda => soda::files(&build, &checked),
        QualityTool::Deequ => deequ::files(&build, &checked),
    };
    let details = json!({
        "kind": "quality",
        "tool": settings.tool.word(),
        "engine": settings.engine.word(),
        "quality": checked.iter().map(details).collect::<Vec<_>>(),
    });
    (Emitted { artifacts, details }, diagnostics)
}

/// What the manifest says of a declaration.
fn details(of: &Checked) -> Value {
    let left_out = |(rule, why): &(&RuleAsked, String)| json!({ "rule": rule.name, "why": why });
    json!({
        "name": of.ruled.name,
        "on": of.ruled.on,
        "severity": of.ruled.severity.word(),
        "rules": of.checks.iter().map(|check| &check.rule.name).collect::<Vec<_>>(),
        "left_out": of.left_out.iter().map(left_out).collect::<Vec<_>>(),
    })
}

/// What `leave_out` names is there.
fn check_names(input: &Input, settings: &QualityTarget, diagnostics: &mut Diagnostics) {
    let known = || input.qualities.iter().flat_map(|ruled| ruled.rules.iter().map(|rule| label(ruled, rule)));
    for named in &settings.leave_out {
        if known().any(|known| known == named.value) {
            continue;
        }
        let all: Vec<String> = known().collect();
        let help = match near(named, all.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "write it as `metricc quality` does: `event_quality.complete(user_id)`".to_owned(),
        };
        diagnostics.push(error!(E0805, named.span, "there is no rule `{}` to leave out", named.value; help: help));
    }
}

/// `event_quality.complete(user_id)`
fn label(ruled: &Ruled, rule: &RuleAsked) -> String {
    format!("{}.{}", ruled.name, rule.name)
}

impl<'a> Build<'a> {
    fn checked(&self, ruled: &'a Ruled, diagnostics: &mut Diagnostics) -> Checked<'a> {
        let mut of = Checked { ruled, checks: Vec::new(), left_out: Vec::new() };
        for rule in &ruled.rules {
            let label = label(ruled, rule);
            if self.settings.leave_out.iter().any(|named| named.value == label) {
                of.left_out.push((rule, "the target leaves it out".to_owned()));
                continue;
            }
            match self.sql(ruled, &label, rule, diagnostics) {
                Ok(sql) => of.checks.push(Check { rule, sql }),
                Err(why) => {
                    diagnostics.push(error!(W0804, rule.span, "`{}` does not judge `{label}`: {why}", self.target;
                        help: ("if that is meant, say so in the target: `leave_out: [\"{label}\"]`")));
                    of.left_out.push((rule, why));
                }
            }
        }
        of
    }

    /// The SELECT of what breaks a rule, or why there is none.
    fn sql(
        &self,
        ruled: &Ruled,
        label: &str,
        rule: &RuleAsked,
        diagnostics: &mut Diagnostics,
    ) -> Result<String, String> {
        let made = match &rule.looks {
            Looks::Share { query, rows, share, bound } => {
                let op = operator(bound.op);
                let (limit, minimum, days) = (bound.share, ruled.minimum, self.settings.days);
                broken_days(&Share { query, rows, share, op, limit, minimum, days }, self.engine)
            }
            Looks::Newest { query, newest, within } => stale(query, newest, *within, self.engine),
            Looks::Ways => {
                return Err("it compares results of a warehouse, which only `metricc quality` finds".to_owned());
            }
        };
        let made = made.map_err(|found| why(&found))?;
        let text = sql::to_text(&made, self.engine);
        if self.settings.tool == QualityTool::Soda && text.contains("${") {
            return Err("Soda fills in what stands in `${…}`, and a text of the rule has it".to_owned());
        }
        if let Err(error) = sql::reparse(&text, self.engine) {
            diagnostics.push(error!(E0812, rule.span, "what breaks `{label}` does not read back: {error}"));
        }
        Ok(text)
    }

    /// A file with a comment at its top, where its form has some.
    fn artifact(&self, path: &str, text: String, origin: Vec<String>) -> Artifact {
        Artifact { path: format!("{}/{path}", name::file(self.target)), text, origin }
    }

    /// Who made a file.
    fn made_by(&self) -> String {
        format!("Made by metricc {} for the target {}. Do not edit.", env!("CARGO_PKG_VERSION"), one_line(self.target))
    }
}

fn why(found: &[Unsupported]) -> String {
    let each: Vec<String> = found.iter().map(|one| format!("{} ({})", one.construct, one.reason)).collect();
    format!("the engine cannot say {}", each.join(", nor "))
}

/// A text without line breaks, for a comment.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
