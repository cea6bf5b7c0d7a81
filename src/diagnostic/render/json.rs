//! One JSON object a line. The fields are described in `docs/cli.md`; new ones may be added, none changes its meaning.

use serde::Serialize;

use super::{Range, View};
use crate::diagnostic::{Diagnostic, Diagnostics, Span};

#[derive(Serialize)]
struct Line<'a> {
    code: &'a str,
    severity: &'a str,
    message: &'a str,
    #[serde(flatten)]
    place: Option<Place>,
    label: Option<&'a str>,
    help: Option<&'a str>,
    related: Vec<RelatedPlace<'a>>,
}

#[derive(Serialize)]
struct RelatedPlace<'a> {
    label: &'a str,
    #[serde(flatten)]
    place: Place,
}

#[derive(Serialize)]
struct Place {
    file: String,
    bytes: Bytes,
    start: Position,
    end: Position,
}

#[derive(Serialize)]
struct Bytes {
    start: u32,
    end: u32,
}

#[derive(Serialize)]
struct Position {
    line: usize,
    column: usize,
}

pub fn render(diagnostics: &Diagnostics, view: &View<'_>) -> String {
    diagnostics.iter().map(|found| line(found, view) + "\n").collect()
}

fn line(found: &Diagnostic, view: &View<'_>) -> String {
    let line = Line {
        code: found.code.0,
        severity: found.severity().word(),
        message: &found.message,
        place: found.span.map(|span| place(span, view)),
        label: found.label.as_deref(),
        help: found.help.as_deref(),
        related: found
            .related
            .iter()
            .map(|related| RelatedPlace { label: &related.label, place: place(related.span, view) })
            .collect(),
    };
    // Texts and numbers always have a JSON form.
    serde_json::to_string(&line).unwrap_or_default()
}

fn place(span: Span, view: &View<'_>) -> Place {
    let Range { start, end } = view.range(span);
    let position = |(line, column)| Position { line, column };
    Place {
        file: view.path(span.file),
        bytes: Bytes { start: span.start, end: span.end.max(span.start) },
        start: position(start),
        end: position(end),
    }
}
