//! The templates of `targets/`.

use std::sync::OnceLock;

use minijinja::{AutoEscape, Environment, Value};

use super::airflow::python;
use crate::template;

/// The templates by name.
const TEMPLATES: &[(&str, &str)] = &[
    ("clickhouse/database.sql", include_str!("../../targets/clickhouse/database.sql")),
    ("clickhouse/source.sql", include_str!("../../targets/clickhouse/source.sql")),
    ("clickhouse/rollup.sql", include_str!("../../targets/clickhouse/rollup.sql")),
    ("clickhouse/cut_over.sql", include_str!("../../targets/clickhouse/cut_over.sql")),
    ("clickhouse/backfill_months.sql", include_str!("../../targets/clickhouse/backfill_months.sql")),
    ("clickhouse/backfill_stage.sql", include_str!("../../targets/clickhouse/backfill_stage.sql")),
    ("clickhouse/backfill_publish.sql", include_str!("../../targets/clickhouse/backfill_publish.sql")),
    ("clickhouse/staged.sql", include_str!("../../targets/clickhouse/staged.sql")),
    ("clickhouse/batch_ready.sql", include_str!("../../targets/clickhouse/batch_ready.sql")),
    ("clickhouse/batch_built.sql", include_str!("../../targets/clickhouse/batch_built.sql")),
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
    ("airflow/header.txt", include_str!("../../targets/airflow/header.txt")),
    ("airflow/alerts.py", include_str!("../../targets/airflow/alerts.py")),
    ("airflow/assets.py", include_str!("../../targets/airflow/assets.py")),
    ("airflow/batches.py", include_str!("../../targets/airflow/batches.py")),
    ("airflow/across.py", include_str!("../../targets/airflow/across.py")),
    ("airflow/batch.py", include_str!("../../targets/airflow/batch.py")),
    ("airflow/commands.py", include_str!("../../targets/airflow/commands.py")),
    ("airflow/freshness.py", include_str!("../../targets/airflow/freshness.py")),
    ("airflow/join.py", include_str!("../../targets/airflow/join.py")),
    ("airflow/report.py", include_str!("../../targets/airflow/report.py")),
    ("airflow/wait.py", include_str!("../../targets/airflow/wait.py")),
    ("airflow/verify.py", include_str!("../../targets/airflow/verify.py")),
    ("airflow/dag.py", include_str!("../../targets/airflow/dag.py")),
    ("alerts/header.yml", include_str!("../../targets/alerts/header.yml")),
    ("quality/great_expectations.py", include_str!("../../targets/quality/great_expectations.py")),
    ("quality/deequ.py", include_str!("../../targets/quality/deequ.py")),
    ("grafana/header.yml", include_str!("../../targets/grafana/header.yml")),
    ("streaming/header.txt", include_str!("../../targets/streaming/header.txt")),
    ("streaming/inlet.sql", include_str!("../../targets/streaming/inlet.sql")),
    ("streaming/spark/spark-pipeline.yml", include_str!("../../targets/streaming/spark/spark-pipeline.yml")),
    ("streaming/spark/connections.py", include_str!("../../targets/streaming/spark/connections.py")),
    ("streaming/spark/source.sql", include_str!("../../targets/streaming/spark/source.sql")),
    ("streaming/spark/window.sql", include_str!("../../targets/streaming/spark/window.sql")),
    ("streaming/spark/load.sql", include_str!("../../targets/streaming/spark/load.sql")),
    ("streaming/clickhouse/feed.sql", include_str!("../../targets/streaming/clickhouse/feed.sql")),
    ("streaming/clickhouse/window.sql", include_str!("../../targets/streaming/clickhouse/window.sql")),
    ("streaming/topic.sql", include_str!("../../targets/streaming/topic.sql")),
    ("streaming/ksqldb/source.sql", include_str!("../../targets/streaming/ksqldb/source.sql")),
    ("streaming/ksqldb/window.sql", include_str!("../../targets/streaming/ksqldb/window.sql")),
    ("streaming/ksqldb/rollback.sql", include_str!("../../targets/streaming/ksqldb/rollback.sql")),
    ("streaming/risingwave/source.sql", include_str!("../../targets/streaming/risingwave/source.sql")),
    ("streaming/risingwave/sink.sql", include_str!("../../targets/streaming/risingwave/sink.sql")),
    ("streaming/risingwave/rollback.sql", include_str!("../../targets/streaming/risingwave/rollback.sql")),
];

fn environment() -> &'static Environment<'static> {
    static MADE: OnceLock<Environment<'static>> = OnceLock::new();
    MADE.get_or_init(|| {
        template::environment(TEMPLATES, |environment| {
            environment.set_auto_escape_callback(|_| AutoEscape::None);
            environment
                .add_filter("py", |value: String, indent: usize, before: usize| python::text(&value, indent, before));
            environment.add_filter("py_lines", |value: String, indent: usize| python::lines(&value, indent));
            environment.add_filter("py_list", |values: Vec<String>, indent: usize, before: usize| {
                python::list(&values, indent, before)
            });
        })
    })
}

/// Renders a template.
pub fn render(name: &str, values: Value) -> String {
    template::render(environment(), name, values)
}

#[cfg(test)]
mod tests {
    #[test]
    fn all_templates_compile() {
        assert_eq!(super::environment().templates().count(), super::TEMPLATES.len());
    }
}
