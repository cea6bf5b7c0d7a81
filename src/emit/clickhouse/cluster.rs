//! A cluster: replicated tables, and reads of all shards (CH18).
//!
//! Each shard has its own rows and the rollups of these; what reads, reads all of them through distributed tables, and puts
//! states together as it does anyway. That is right where rows that belong together lie on one shard: those of a key, and
//! those that something derived is made of. Entities are on every shard, because they are looked up where the rows are.

use serde_json::{Value, json};
use sqlparser::ast::ObjectName;

use super::clean::Clean;
use super::rollups::Made;
use super::{Build, File, Object, check};
use crate::diagnostic::Diagnostics;
use crate::sql::{self, CLICKHOUSE, Scalars};

/// What stands behind the name of what a statement makes: `ON CLUSTER name`, with a blank before it.
pub fn clause(build: &Build) -> String {
    match &build.settings.cluster {
        Some(cluster) if cluster.on_cluster => format!(" ON CLUSTER {}", CLICKHOUSE.identifier(&cluster.name)),
        _ => String::new(),
    }
}

/// Whether there are several shards.
pub fn is_sharded(build: &Build) -> bool {
    build.settings.cluster.as_ref().is_some_and(|cluster| cluster.sharded)
}

/// An engine of the family of MergeTree, replicated in a cluster.
pub fn engine(build: &Build, family: &str) -> String {
    match &build.settings.cluster {
        Some(cluster) => format!("Replicated{family}({}, {})", quoted(&cluster.path), quoted(&cluster.replica)),
        None => family.to_owned(),
    }
}

/// The same for a table whose rows are those of all shards.
pub fn engine_of_all(build: &Build, family: &str) -> String {
    match &build.settings.cluster {
        Some(cluster) if cluster.path.contains("{shard}") => {
            let (path, replica) = (cluster.path.replace("{shard}", "all"), format!("{{shard}}-{}", cluster.replica));
            format!("Replicated{family}({}, {})", quoted(&path), quoted(&replica))
        }
        _ => engine(build, family),
    }
}

/// The setting by which retried inserts are recognised (CH1).
pub fn window(build: &Build) -> &'static str {
    match build.settings.cluster {
        Some(_) => "replicated_deduplication_window = 1000",
        None => "non_replicated_deduplication_window = 1000",
    }
}

fn quoted(text: &str) -> String {
    sql::quoted(text, &CLICKHOUSE)
}

/// The table that reads another on all shards; the table itself where there is one shard.
pub fn everywhere(build: &Build, table: &ObjectName) -> ObjectName {
    if !is_sharded(build) {
        return table.clone();
    }
    let name = Object { kind: "TABLE", name: table.clone() }.plain_name();
    build.name(&format!("{name}__all"))
}

/// The file that makes these tables; nothing where there is one shard.
pub fn all_shards(build: &Build, clean: &[Clean], made: &[Made], diagnostics: &mut Diagnostics) -> Option<File> {
    if !is_sharded(build) {
        return None;
    }
    let cluster = build.settings.cluster.as_ref()?;
    let mut file = File::new("35_all_shards.sql", "Tables that read all shards (CH18)", Vec::new());
    let views = clean.iter().map(|clean| clean.view(build));
    let rollups = made.iter().flat_map(|made| &made.steps).map(|step| step.table.clone());
    for table in views.chain(rollups) {
        let local = Object { kind: "TABLE", name: table.clone() }.plain_name();
        let all = everywhere(build, &table);
        let arguments = [&cluster.name, &build.settings.database, &local].map(|text| quoted(text));
        let values = minijinja::context! {
            about => format!("{local} of all shards."), all => all.to_string(), table => table.to_string(),
            arguments => arguments.join(", "), comment => build.comment(&format!("{local} of all shards")),
        };
        let body = build.render("clickhouse/all_shards.sql", values);
        check(build, &file.name, &body, diagnostics);
        file.add(body, vec![Object { kind: "TABLE", name: all }]);
    }
    Some(file)
}

/// For the manifest: the cluster, and what has to hold for its numbers.
pub fn details(build: &Build) -> Value {
    let Some(cluster) = &build.settings.cluster else { return Value::Null };
    let mut assumes = vec!["batches and backfills run on one replica of each shard"];
    if cluster.sharded {
        assumes.extend([
            "rows of one key lie on one shard, and so do those that a session or a first row is made of",
            "entities are on every shard",
        ]);
    }
    json!({ "name": cluster.name, "on_cluster": cluster.on_cluster, "sharded": cluster.sharded, "assumes": assumes })
}
