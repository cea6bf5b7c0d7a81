//! For review platforms: each difference as a diagnostic, in SARIF or as annotations, within their limits.

use super::super::revisions::Loaded;
use super::super::ui;
use super::{Format, Report, text};
use crate::change::diff::{Class, Entry};
use crate::diagnostic::render::{self, View};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, codes};
use crate::project::SourceMap;

/// All declarations that say something themselves. What is gone has no place.
pub fn render(report: &Report<'_>, before: &Loaded, after: &Loaded, format: Format) -> String {
    let project = [after, before].into_iter().find_map(|side| match side {
        Loaded::Program(program) => Some(&program.ready.project),
        Loaded::Lock(_) => None,
    });
    let nothing = SourceMap::new();
    let mut told = Diagnostics::new();
    if !report.diff.project.is_empty() {
        let fields: Vec<String> = report.diff.project.iter().map(told_of).collect();
        told.push(Diagnostic::new(
            codes::W0668,
            None,
            format!("the project: {}; every metric moves", fields.join("; ")),
        ));
    }
    let is_after = matches!(after, Loaded::Program(_));
    report.diff.entries.iter().filter(|entry| text::says(entry)).for_each(|entry| told.push(of_entry(entry, is_after)));
    let prefix = project.map_or_else(String::new, |project| {
        ui::repository(&project.root).map_or_else(String::new, |base| ui::prefix(&base, &project.root))
    });
    let view = View { prefix: &prefix, ..View::new(project.map_or(&nothing, |project| &project.sources)) };
    let format = if format == Format::Sarif { render::Format::Sarif } else { render::Format::Github };
    render::render(format, &told, &view)
}

fn code(class: Class) -> Code {
    match class {
        Class::Breaking => codes::E0668,
        Class::Caliber => codes::W0668,
        Class::Compatible => codes::L0668,
        Class::Cosmetic => codes::L0669,
    }
}

fn of_entry(entry: &Entry, is_after: bool) -> Diagnostic {
    let at = if is_after { &entry.head } else { &entry.base };
    let mut message = format!("{} `{}` is {}", entry.kind.word(), entry.title(), entry.state.word());
    let fields: Vec<String> = entry.fields.iter().map(told_of).collect();
    if !fields.is_empty() {
        message += &format!(": {}", fields.join("; "));
    }
    if let Some(direction) = &entry.direction {
        message += &format!("; its value can only {}: {}", text::way(direction.falls), direction.why);
    }
    if !entry.downstream.is_empty() {
        message += &format!("; downstream: {}", text::below(&entry.downstream));
    }
    Diagnostic::new(code(entry.class), at.as_ref().and_then(|at| at.span), message)
}

fn told_of(field: &crate::change::diff::Field) -> String {
    match (&field.old, &field.new) {
        (Some(old), Some(new)) => format!("{}: `{old}` → `{new}`", field.name()),
        (Some(old), None) => format!("{}: `{old}` removed", field.name()),
        (None, Some(new)) => format!("{}: `{new}` added", field.name()),
        (None, None) => field.name(),
    }
}
