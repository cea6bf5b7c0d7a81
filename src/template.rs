//! Templates of text. A missing value is an error, never an empty text.

use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, UndefinedBehavior, Value};

/// Templates by name, with `settings` of how values are shown.
///
/// # Panics
/// Where a template does not compile: they are those of this repository.
pub fn environment(
    templates: &[(&'static str, &'static str)],
    settings: impl FnOnce(&mut Environment<'static>),
) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build();
    environment.set_syntax(syntax.expect("the usual delimiters are valid"));
    settings(&mut environment);
    for (name, text) in templates {
        environment.add_template(name, text).expect("the templates of this repository compile");
    }
    environment
}

/// Renders one of the templates.
///
/// # Panics
/// Where there is none of the name, or a value of it is missing: names and values are those of this repository.
pub fn render(environment: &Environment<'_>, name: &str, values: Value) -> String {
    let template = environment.get_template(name).expect("a template of the list");
    template.render(values).expect("all values of a template are given")
}
