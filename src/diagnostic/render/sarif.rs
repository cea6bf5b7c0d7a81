//! SARIF 2.1.0, as code scanning platforms read it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Range, View};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Severity, Span};

/// How many results a platform takes from one run.
const LIMIT: usize = 5000;

pub fn render(diagnostics: &Diagnostics, view: &View<'_>) -> String {
    let codes: Vec<Code> = diagnostics.iter().map(|found| found.code).collect::<BTreeSet<_>>().into_iter().collect();
    // When not all fit, what weighs most stays.
    let mut shown: Vec<&Diagnostic> = diagnostics.iter().collect();
    if shown.len() > LIMIT {
        shown.sort_by_key(|found| found.severity() as u8);
        shown.truncate(LIMIT);
    }
    let left_out = diagnostics.len() - shown.len();
    let results: Vec<Value> = shown.into_iter().map(|found| result(found, &codes, view)).collect();
    let report = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "metricc",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": codes.iter().map(|code| rule(*code)).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": true,
                "toolExecutionNotifications": notifications(left_out),
            }],
            "results": results,
        }],
    });
    format!("{report:#}\n")
}

fn notifications(left_out: usize) -> Vec<Value> {
    if left_out == 0 {
        return Vec::new();
    }
    let text = format!("{left_out} more results are left out: a run may have {LIMIT}");
    vec![json!({ "level": "warning", "message": { "text": text } })]
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Lint => "note",
    }
}

fn rule(code: Code) -> Value {
    let page = code.page();
    let title = page.lines().next().and_then(|first| first.split_once(": ")).map_or(code.0, |(_, title)| title);
    let paragraph = page.lines().skip(2).take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
    json!({
        "id": code.0,
        "shortDescription": { "text": title },
        "fullDescription": { "text": paragraph },
        "help": { "text": page, "markdown": page },
        "defaultConfiguration": { "level": level(code.severity()) },
    })
}

fn result(found: &Diagnostic, codes: &[Code], view: &View<'_>) -> Value {
    let mut message = found.message.clone();
    if let Some(help) = &found.help {
        message += &format!("\nhelp: {help}");
    }
    let mut result = json!({
        "ruleId": found.code.0,
        "ruleIndex": codes.binary_search(&found.code).unwrap_or_default(),
        "level": level(found.severity()),
        "message": { "text": message },
        "locations": found.span.iter().map(|span| location(*span, view)).collect::<Vec<_>>(),
    });
    if !found.related.is_empty() {
        let related = found.related.iter().enumerate().map(|(id, related)| {
            let mut place = location(related.span, view);
            place["id"] = json!(id);
            place["message"] = json!({ "text": related.label });
            place
        });
        result["relatedLocations"] = related.collect();
    }
    result
}

fn location(span: Span, view: &View<'_>) -> Value {
    let Range { start, end } = view.range(span);
    json!({
        "physicalLocation": {
            "artifactLocation": { "uri": uri(&view.path(span.file)), "uriBaseId": "%SRCROOT%" },
            "region": {
                "startLine": start.0,
                "startColumn": start.1,
                "endLine": end.0,
                "endColumn": end.1,
                "byteOffset": span.start,
                "byteLength": span.end.saturating_sub(span.start),
            },
        },
    })
}

/// A relative path as a URI reference.
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri += &format!("%{byte:02X}");
        }
    }
    uri
}
