//! The templates of `targets/site/`. What they are given is escaped, unless it was made as HTML here.

use std::sync::OnceLock;

use minijinja::{AutoEscape, Environment, Value};

use super::text::escaped;
use crate::template;

/// The templates by name.
const TEMPLATES: &[(&str, &str)] = &[
    ("page", include_str!("../../targets/site/page.html")),
    ("index", include_str!("../../targets/site/index.html")),
    ("declared", include_str!("../../targets/site/declared.html")),
    ("glossary", include_str!("../../targets/site/glossary.html")),
    ("graph", include_str!("../../targets/site/graph.html")),
];

/// How the site looks.
pub const STYLE: &str = include_str!("../../targets/site/style.css");

/// What the site does: search, the choice of light and dark, what belongs together in drawings.
pub const SCRIPT: &str = include_str!("../../targets/site/site.js");

fn environment() -> &'static Environment<'static> {
    static MADE: OnceLock<Environment<'static>> = OnceLock::new();
    MADE.get_or_init(|| {
        template::environment(TEMPLATES, |environment| {
            environment.set_auto_escape_callback(|_| AutoEscape::Html);
            // As all other texts are escaped: a slash in a link stays one.
            environment.set_formatter(|out, _, value| {
                let text = value.to_string();
                out.write_str(&if value.is_safe() { text } else { escaped(&text) }).map_err(Into::into)
            });
        })
    })
}

/// Renders a template.
pub fn render(name: &str, values: Value) -> String {
    template::render(environment(), name, values)
}

/// A text that is HTML already.
pub fn html(text: impl Into<String>) -> Value {
    Value::from_safe_string(text.into())
}
