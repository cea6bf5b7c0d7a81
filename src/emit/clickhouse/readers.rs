//! What readers see: views with names that stay, over the views of one version each (CH15).
//!
//! They are the last file. All others only add to what is there, so that this one is the cut-over, and the same file of the
//! build before it is the way back. Where a metric has several versions, a file for each of them points its name to it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use sqlparser::ast::ObjectName;

use super::clean::Clean;
use super::metric::ServedView;
use super::{Build, File, Object, access, backfill, check, cluster, read_back};
use crate::diagnostic::Diagnostics;
use crate::emit::{Artifact, MetricView, name};
use crate::sql::{self, CLICKHOUSE};

/// The file that makes what readers see.
pub const READERS: &str = "90_readers.sql";

/// The name of a metric's view without its version.
pub fn stable(metric: &MetricView) -> String {
    format!("{}__{}", name::view_name(&metric.name), metric.grain())
}

/// The name of a metric's view with its version.
pub fn pinned(metric: &MetricView) -> String {
    format!("{}__v{}__{}", name::view_name(&metric.name), metric.version, metric.grain())
}

/// The views that readers see.
pub struct Readers<'a> {
    clean: &'a [Clean],
    metrics: Vec<(&'a MetricView, &'a ServedView)>,
    /// The versions of each metric that has several; what follows from a metric (a growth) goes with it.
    versions: BTreeMap<&'a str, BTreeSet<u32>>,
}

impl<'a> Readers<'a> {
    /// Of all that was made.
    pub fn new(build: &Build<'a>, clean: &'a [Clean], served: &'a [ServedView]) -> Readers<'a> {
        let mut versions: BTreeMap<&str, BTreeSet<u32>> = BTreeMap::new();
        for metric in &build.input.metrics {
            versions.entry(family(metric)).or_default().insert(metric.version);
        }
        versions.retain(|_, known| known.len() > 1);
        Readers { clean, metrics: build.input.metrics.iter().zip(served).collect(), versions }
    }

    /// The views of metrics that the project has, by their names for readers.
    pub fn metrics<'r>(&'r self, build: &Build) -> impl Iterator<Item = (String, &'a MetricView)> + 'r {
        let own = self.metrics.iter().take(build.own);
        own.flat_map(|(metric, _)| self.names(metric).into_iter().map(move |name| (name, *metric)))
    }

    /// The names under which readers see a metric.
    fn names(&self, metric: &MetricView) -> Vec<String> {
        let current = metric.current.then(|| stable(metric));
        let versioned = self.versions.contains_key(family(metric)).then(|| pinned(metric));
        current.into_iter().chain(versioned).collect()
    }

    /// What the bare names of some metrics, with all that goes with them, show: the name for readers, and the view behind it.
    pub fn current<'r>(
        &'r self,
        families: &'r BTreeSet<&str>,
    ) -> impl Iterator<Item = (&'a MetricView, &'a ServedView)> + 'r {
        let is_one = |metric: &MetricView| metric.current && families.contains(family(metric));
        self.metrics.iter().filter(move |(metric, _)| is_one(metric)).copied()
    }

    /// The file that makes all of them.
    pub fn file(&self, build: &Build, diagnostics: &mut Diagnostics) -> File {
        let what =
            "What readers see. This is the cut-over to this build; that of an earlier build is the way back (CH15)";
        let mut file = File::new(READERS, what, Vec::new());
        let mut add = |stable: &str, text: String| {
            file.add(text, vec![Object { kind: "VIEW", name: build.name(stable) }]);
        };
        for clean in self.clean {
            let (stable, columns) = (clean.stable(build), clean.columns(build).collect::<Vec<_>>());
            let view = build.name(&stable).to_string();
            add(&stable, over(build, &view, &stable, &clean.view(build), &columns, diagnostics));
        }
        for (metric, served) in &self.metrics {
            for name in self.names(metric) {
                add(&name, view_of(build, &name, (metric, served), diagnostics));
            }
        }
        file
    }

    /// What points the name of a metric to one of its versions, and what earlier builds have left over.
    /// `files` are all that stay.
    pub fn artifacts<'f>(
        &self,
        build: &Build,
        files: impl Iterator<Item = &'f File>,
        diagnostics: &mut Diagnostics,
    ) -> Vec<Artifact> {
        let mut made = Vec::new();
        for (family, versions) in &self.versions {
            for version in versions {
                let text = self.switch(build, family, *version, diagnostics);
                made.push(Artifact {
                    path: self.path(build, family, *version),
                    text,
                    origin: vec![(*family).to_owned()],
                });
            }
        }
        made.push(retire(build, files, diagnostics));
        made
    }

    fn path(&self, build: &Build, family: &str, version: u32) -> String {
        build.path(&format!("versions/{}__v{version}.sql", name::file(family)))
    }

    fn switch(&self, build: &Build, of: &str, version: u32, diagnostics: &mut Diagnostics) -> String {
        let mut text = build.header(&format!("From now on {of} is its version {version} (CH15)"));
        let of_family = || self.metrics.iter().filter(|(metric, _)| family(metric) == of);
        let mut known: BTreeSet<String> = BTreeSet::new();
        for (metric, served) in of_family().filter(|(metric, _)| metric.version == version) {
            let stable = stable(metric);
            text.push_str(&view_of(build, &stable, (metric, served), diagnostics));
            known.insert(stable);
        }
        let others: BTreeSet<String> = of_family().map(|(metric, _)| stable(metric)).collect();
        let gone: Vec<String> = others.difference(&known).map(|stable| build.name(stable).to_string()).collect();
        if !gone.is_empty() {
            let gone = build.render("clickhouse/gone.sql", minijinja::context! { gone });
            check(build, "a switch of versions", &gone, diagnostics);
            text.push_str(&gone);
        }
        text
    }

    /// For the manifest: the versions of each metric that has several, and what makes each of them the one that is read.
    pub fn details(&self, build: &Build) -> Value {
        let current = |of: &str| self.metrics.iter().find(|(metric, _)| family(metric) == of && metric.current);
        let versions = self.versions.iter().flat_map(|(family, versions)| {
            let current = current(family).map(|(metric, _)| metric.version);
            versions.iter().map(move |version| {
                json!({
                    "metric": family, "version": version, "current": Some(*version) == current,
                    "file": self.path(build, family, *version),
                })
            })
        });
        versions.collect()
    }
}

/// The metric that it belongs to: a growth goes with its metric.
pub fn family(metric: &MetricView) -> &str {
    crate::types::family(&metric.name)
}

/// The view for readers of a metric, over the one that holds its SELECT.
pub fn view_of(
    build: &Build,
    stable: &str,
    (metric, served): (&MetricView, &ServedView),
    diagnostics: &mut Diagnostics,
) -> String {
    let columns = metric.query.columns();
    let columns: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    over(build, &build.name(stable).to_string(), stable, &served.view, &columns, diagnostics)
}

/// `CREATE OR REPLACE VIEW` of the same columns.
fn over(
    build: &Build,
    view: &str,
    stable: &str,
    of: &ObjectName,
    columns: &[&str],
    diagnostics: &mut Diagnostics,
) -> String {
    let select = read_back(build, view, Ok(sql::same(of.clone(), columns, &CLICKHOUSE)), diagnostics);
    let values = minijinja::context! {
        about => Vec::<String>::new(), view, security => access::security(build, false), comment => build.comment(&format!("{stable}, for readers")),
    };
    super::with_select(build, view, "clickhouse/view.sql", values, &select, diagnostics)
}

/// What asks for everything that earlier builds have made and this one does not have.
pub fn retire<'f>(build: &Build, files: impl Iterator<Item = &'f File>, diagnostics: &mut Diagnostics) -> Artifact {
    let quoted = |text: &str| sql::quoted(text, &CLICKHOUSE);
    let objects: Vec<&Object> = files.flat_map(File::objects).collect();
    let table = backfill::table(build);
    let cut_over = objects.iter().any(|object| object.name == table).then(|| {
        let forget = format!("DELETE FROM {table}{} WHERE rollup = '", cluster::clause(build));
        minijinja::context! { table => table.to_string(), forget => quoted(&forget) }
    });
    let mut names: Vec<String> = objects.into_iter().map(|object| quoted(&object.plain_name())).collect();
    names.sort_unstable();
    names.dedup();
    let values = minijinja::context! {
        database => quoted(&build.settings.database), mark => quoted(&build.mark()), names, cut_over,
        end => quoted(&format!("{}{}", cluster::clause(build), build.sync())),
    };
    let text = build.render("clickhouse/retire.sql", values);
    check(build, "retire.sql", &text, diagnostics);
    let text = build
        .header("What earlier builds have made and this one does not have: the statements that drop it (CH15)")
        + &text;
    Artifact { path: build.path("retire.sql"), text, origin: Vec::new() }
}
