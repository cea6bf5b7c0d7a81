//! The files that Grafana is provisioned with: where its dashboards lie, and how the warehouse is reached. No secret is in them:
//! Grafana takes what is written `${NAME}` from its environment.

use serde_json::{Value as Json, json};

use crate::project::GrafanaTarget;

/// The plugin of the data source.
pub const PLUGIN: &str = "grafana-clickhouse-datasource";

/// Where dashboards lie.
pub fn dashboards(settings: &GrafanaTarget) -> Json {
    json!({
        "apiVersion": 1,
        "providers": [{
            "name": format!("metricc {}", settings.folder),
            "orgId": 1,
            "folder": settings.folder,
            "type": "file",
            "disableDeletion": false,
            "allowUiUpdates": false,
            "updateIntervalSeconds": 30,
            "options": { "path": settings.path, "foldersFromFilesStructure": false },
        }],
    })
}

/// How the warehouse is reached.
pub fn datasource(settings: &GrafanaTarget, warehouse: &str, database: &str) -> Json {
    let variable = |name: &str| format!("${{{}_{name}}}", settings.environment.value);
    json!({
        "apiVersion": 1,
        "datasources": [{
            "name": format!("metricc {warehouse}"),
            "uid": settings.datasource.value,
            "type": PLUGIN,
            "orgId": 1,
            "access": "proxy",
            "editable": false,
            "jsonData": {
                "host": variable("HOST"),
                "port": variable("PORT"),
                "protocol": variable("PROTOCOL"),
                "secure": variable("SECURE"),
                "username": variable("USER"),
                "defaultDatabase": database,
            },
            "secureJsonData": { "password": variable("PASSWORD") },
        }],
    })
}
