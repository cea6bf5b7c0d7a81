//! The templates of `targets/`.

use std::sync::OnceLock;

use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, UndefinedBehavior, Value};

/// The templates by name. A missing value is an error, never an empty text.
const TEMPLATES: &[(&str, &str)] = &[
    ("clickhouse/database.sql", include_str!("../../targets/clickhouse/database.sql")),
    ("clickhouse/source.sql", include_str!("../../targets/clickhouse/source.sql")),
    ("clickhouse/rollup.sql", include_str!("../../targets/clickhouse/rollup.sql")),
    ("clickhouse/cut_over.sql", include_str!("../../targets/clickhouse/cut_over.sql")),
    ("clickhouse/backfill_months.sql", include_str!("../../targets/clickhouse/backfill_months.sql")),
    ("clickhouse/backfill_stage.sql", include_str!("../../targets/clickhouse/backfill_stage.sql")),
    ("clickhouse/backfill_publish.sql", include_str!("../../targets/clickhouse/backfill_publish.sql")),
    ("clickhouse/staged.sql", include_str!("../../targets/clickhouse/staged.sql")),
    ("clickhouse/batch_days.sql", include_str!("../../targets/clickhouse/batch_days.sql")),
    ("clickhouse/batch_stage.sql", include_str!("../../targets/clickhouse/batch_stage.sql")),
    ("clickhouse/batch_publish.sql", include_str!("../../targets/clickhouse/batch_publish.sql")),
    ("clickhouse/batch_history.sql", include_str!("../../targets/clickhouse/batch_history.sql")),
    ("clickhouse/dictionary.sql", include_str!("../../targets/clickhouse/dictionary.sql")),
    ("clickhouse/layout.sql", include_str!("../../targets/clickhouse/layout.sql")),
    ("clickhouse/changes.sql", include_str!("../../targets/clickhouse/changes.sql")),
    ("clickhouse/intake.sql", include_str!("../../targets/clickhouse/intake.sql")),
    ("clickhouse/roles.sql", include_str!("../../targets/clickhouse/roles.sql")),
    ("clickhouse/row_policies.sql", include_str!("../../targets/clickhouse/row_policies.sql")),
    ("clickhouse/quotas.sql", include_str!("../../targets/clickhouse/quotas.sql")),
    ("clickhouse/settings_profiles.sql", include_str!("../../targets/clickhouse/settings_profiles.sql")),
    ("clickhouse/all_shards.sql", include_str!("../../targets/clickhouse/all_shards.sql")),
    ("clickhouse/gone.sql", include_str!("../../targets/clickhouse/gone.sql")),
    ("clickhouse/retire.sql", include_str!("../../targets/clickhouse/retire.sql")),
    ("clickhouse/view.sql", include_str!("../../targets/clickhouse/view.sql")),
    ("clickhouse/header.sql", include_str!("../../targets/clickhouse/header.sql")),
    ("clickhouse/rollback.sql", include_str!("../../targets/clickhouse/rollback.sql")),
];

fn environment() -> &'static Environment<'static> {
    static MADE: OnceLock<Environment<'static>> = OnceLock::new();
    MADE.get_or_init(|| {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build();
        environment.set_syntax(syntax.expect("the usual delimiters are valid"));
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        for (name, text) in TEMPLATES {
            environment.add_template(name, text).expect("the templates of this repository compile");
        }
        environment
    })
}

/// Renders a template.
pub fn render(name: &str, values: Value) -> String {
    let template = environment().get_template(name).expect("a template of the list above");
    template.render(values).expect("all values of a template are given")
}

#[cfg(test)]
mod tests {
    #[test]
    fn all_templates_compile() {
        assert_eq!(super::environment().templates().count(), super::TEMPLATES.len());
    }
}
