//! Diagnostics as text: for people, for logs, for editors and for review platforms.

mod clean;
mod github;
mod human;
mod json;
mod plain;
mod sarif;

#[cfg(test)]
mod tests;

use crate::project::SourceMap;

use super::{Diagnostics, FileId, Severity, Span};

pub use clean::visible;

/// How diagnostics are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// With the text they are about, for people.
    Human,
    /// One line each: `path:line:col: error[E0201]: message (help: …)`.
    Plain,
    /// One JSON object a line.
    Json,
    /// Workflow commands of GitHub Actions, which become annotations of a pull request.
    Github,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
}

/// What a renderer needs beside the diagnostics.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The files they are about.
    pub sources: &'a SourceMap,
    /// What leads from the reader's folder to the project's: empty, or ends with `/`.
    pub prefix: &'a str,
    /// Whether to colour what is for people.
    pub color: bool,
    /// How many columns text for people may have.
    pub width: usize,
}

impl<'a> View<'a> {
    /// Without colours, 100 columns, from the project's root.
    pub fn new(sources: &'a SourceMap) -> View<'a> {
        View { sources, prefix: "", color: false, width: 100 }
    }

    /// The path of a file as the reader would write it.
    fn path(&self, file: FileId) -> String {
        let path = &self.sources.file(file).path;
        // An option of the command line (`--where`) and a statement for a server (`<statement>`) are no files.
        if path.starts_with("--") || path.starts_with('<') { path.clone() } else { format!("{}{path}", self.prefix) }
    }

    /// Where a span starts and ends: lines and columns from 1; the end is the place after the last character.
    fn range(&self, span: Span) -> Range {
        let file = self.sources.file(span.file);
        Range { start: file.position(span.start), end: file.position(span.end.max(span.start)) }
    }
}

/// (line, column) of both ends.
struct Range {
    start: (usize, usize),
    end: (usize, usize),
}

/// All diagnostics in a format. Ends with a line feed unless it is empty.
pub fn render(format: Format, diagnostics: &Diagnostics, view: &View<'_>) -> String {
    match format {
        Format::Human => human::render(diagnostics, view),
        Format::Plain => plain::render(diagnostics, view),
        Format::Json => json::render(diagnostics, view),
        Format::Github => github::render(diagnostics, view),
        Format::Sarif => sarif::render(diagnostics, view),
    }
}

/// `2 errors, 1 warning`; nothing if there are none.
pub fn summary(diagnostics: &Diagnostics) -> Option<String> {
    let count = |severity| diagnostics.iter().filter(|found| found.severity() == severity).count();
    let parts: Vec<String> = [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Lint, "lint")]
        .into_iter()
        .map(|(severity, word)| (count(severity), word))
        .filter(|(number, _)| *number > 0)
        .map(|(number, word)| format!("{number} {word}{}", if number == 1 { "" } else { "s" }))
        .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

impl Severity {
    /// The word for it: `error`, `warning` or `lint`.
    pub fn word(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Lint => "lint",
        }
    }
}
