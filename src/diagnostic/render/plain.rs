//! One line a diagnostic, for logs and for editors with an error pattern.

use std::fmt::Write as _;

use super::{View, visible};
use crate::diagnostic::{Diagnostic, Diagnostics};

pub fn render(diagnostics: &Diagnostics, view: &View<'_>) -> String {
    diagnostics.iter().map(|found| line(found, view) + "\n").collect()
}

/// `path:line:col: error[E0201]: message (help: …)`
pub fn line(found: &Diagnostic, view: &View<'_>) -> String {
    let place = match found.span {
        Some(span) => {
            let (line, column) = view.range(span).start;
            format!("{}:{line}:{column}", view.path(span.file))
        }
        None => "metricc".to_owned(),
    };
    let mut text = format!("{place}: {}[{}]: {}", found.severity().word(), found.code, found.message);
    if let Some(help) = &found.help {
        // Writing to a string can't fail.
        let _ = write!(text, " (help: {help})");
    }
    visible(&text).into_owned()
}
