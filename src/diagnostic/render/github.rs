//! Workflow commands of GitHub Actions.
//!
//! GitHub shows ten annotations of each severity for a step and drops the others without a word. So the others are
//! printed as plain lines of the log, and a last line says how many there are.

use super::{Range, View, plain, visible};
use crate::diagnostic::{Diagnostic, Diagnostics, Severity};

/// How many annotations of one severity GitHub shows for a step.
const LIMIT: usize = 10;

pub fn render(diagnostics: &Diagnostics, view: &View<'_>) -> String {
    let mut text = String::new();
    let mut rest = Vec::new();
    for severity in [Severity::Error, Severity::Warning, Severity::Lint] {
        let of_severity: Vec<&Diagnostic> = diagnostics.iter().filter(|found| found.severity() == severity).collect();
        let shown = of_severity.len().min(LIMIT);
        for found in &of_severity[..shown] {
            text += &command(found, view);
            text.push('\n');
        }
        rest.extend_from_slice(&of_severity[shown..]);
    }
    for found in &rest {
        text += &plain::line(found, view);
        text.push('\n');
    }
    if !rest.is_empty() {
        text += &format!(
            "{} more are listed above but not annotated: GitHub shows {LIMIT} of each severity for a step\n",
            rest.len()
        );
    }
    text
}

/// `::error file=…,line=…,endLine=…,col=…,endColumn=…,title=E0201::message`
fn command(found: &Diagnostic, view: &View<'_>) -> String {
    let kind = match found.severity() {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Lint => "notice",
    };
    let mut properties = Vec::new();
    if let Some(span) = found.span {
        let Range { start, end } = view.range(span);
        properties.push(format!("file={}", property(&view.path(span.file))));
        properties.push(format!("line={}", start.0));
        properties.push(format!("endLine={}", end.0));
        // Columns count only within one line; the end is inclusive.
        if start.0 == end.0 {
            properties.push(format!("col={}", start.1));
            properties.push(format!("endColumn={}", end.1.saturating_sub(1).max(start.1)));
        }
    }
    properties.push(format!("title={}", property(found.code.0)));
    let mut message = visible(&found.message).into_owned();
    for related in &found.related {
        let (line, _) = view.range(related.span).start;
        message += &format!("\n{} ({}:{line})", visible(&related.label), view.path(related.span.file));
    }
    if let Some(help) = &found.help {
        message += &format!("\nhelp: {}", visible(help));
    }
    format!("::{kind} {}::{}", properties.join(","), data(&message))
}

/// The text of a command: what would end its line is escaped.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a property: what would end the value is escaped too.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
