//! A view a metric and step: over clean rows, or over rollups.

use std::collections::BTreeMap;
use std::hash::Hash;
use std::sync::Arc;

use rayon::prelude::*;
use sqlparser::ast::ObjectName;

use super::rollups::Made;
use super::{Build, File, Object, access, line, readers, version};
use crate::diagnostic::Diagnostics;
use crate::emit::{MetricView, name};
use crate::error;
use crate::plan::{Query, Scan, Source};
use crate::rollup::{Layer, Rollup, Served};
use crate::sql::memo::Key;
use crate::sql::{self, CLICKHOUSE, Read};

/// A view of a metric as it was made.
pub struct ServedView {
    /// The view, with the version and a hash in its name.
    pub view: ObjectName,
    /// A hash of what it means.
    pub fingerprint: String,
}

/// The views of all metrics, a file a source; those of several sources together in the last.
pub fn views(build: &Build, made: &[Made], diagnostics: &mut Diagnostics) -> (Vec<File>, Vec<ServedView>) {
    let places: Vec<usize> = (0..build.input.metrics.len()).collect();
    let views: Vec<(String, ServedView, Diagnostics)> =
        places.par_iter().map(|at| Maker { build, made }.view(*at)).collect();
    let mut files: BTreeMap<String, File> = BTreeMap::new();
    let mut served = Vec::with_capacity(views.len());
    for ((body, view, found), metric) in views.into_iter().zip(&build.input.metrics) {
        diagnostics.extend(found);
        let (name, what) = file_of(build, metric);
        let file = files.entry(name.clone()).or_insert_with(|| File::new(name, what, Vec::new()));
        file.add(body, vec![Object { kind: "VIEW", name: view.view.clone() }]);
        if file.origin.last() != Some(&metric.name) {
            file.origin.push(metric.name.clone());
        }
        served.push(view);
    }
    (files.into_values().collect(), served)
}

fn file_of(build: &Build, metric: &MetricView) -> (String, String) {
    let mut tables = metric.query.scans.iter().flat_map(Scan::base_tables);
    let first = tables.next().map(|table| &build.input.tables[table].name);
    match first {
        Some(table) if tables.all(|other| build.input.tables[other].name == *table) => {
            (format!("40_metrics_{}.sql", name::file(table)), format!("Metrics of {table}"))
        }
        _ => ("50_metrics_of_several_sources.sql".to_owned(), "Metrics of several sources".to_owned()),
    }
}

struct Maker<'a> {
    build: &'a Build<'a>,
    made: &'a [Made],
}

impl Maker<'_> {
    fn view(&self, at: usize) -> (String, ServedView, Diagnostics) {
        let metric = &self.build.input.metrics[at];
        let served = &self.build.rollups.served[at];
        let (select, mut diagnostics) = match self.select(metric, served) {
            Ok(select) => (select, Diagnostics::new()),
            Err(diagnostics) => (Arc::default(), diagnostics),
        };
        let hash = version::hash(&select);
        let view = self.build.versioned(&readers::pinned(metric), &hash);
        let fingerprint = metric.fingerprint.clone().unwrap_or(hash);
        let about = self.about(metric, &fingerprint, served);
        let comment = self.build.comment(&format!("{} v{}, {}", metric.name, metric.version, metric.grain()));
        let name = view.to_string();
        let security = access::security(self.build, false);
        let values = minijinja::context! { about, view => name.as_str(), security, comment };
        let body = super::with_select(self.build, &name, "clickhouse/view.sql", values, &select, &mut diagnostics);
        (body, ServedView { view, fingerprint }, diagnostics)
    }

    /// The SELECT of a metric, read back.
    fn select(&self, metric: &MetricView, served: &Served) -> Result<Arc<str>, Diagnostics> {
        // Without its rollups, which is told, there is none.
        let reads = reads(&metric.query, &served.layers, &self.build.rollups.rollups, self.made);
        let reads = reads.ok_or_else(Diagnostics::new)?;
        let key = Key::new(|hasher| {
            ("metric", self.build.shared, &reads).hash(hasher);
            metric.query.hash_but_tables(hasher);
        });
        self.build.memo.statement(key, || self.made(metric, &reads))
    }

    fn made(&self, metric: &MetricView, reads: &[Read]) -> Result<String, Diagnostics> {
        let made = sql::select_stored(&metric.query, &CLICKHOUSE, &self.build.reading(), reads);
        let select = made.map(|select| sql::to_text(&select, &CLICKHOUSE)).map_err(|unsupported| {
            let told = unsupported.into_iter().map(|one| {
                error!(E0802, metric.span, "clickhouse cannot express {} of `{}`", one.construct, metric.name;
                    help: ("{}", one.reason))
            });
            told.collect::<Diagnostics>()
        })?;
        match sql::reparse(&select, &CLICKHOUSE) {
            Ok(_) => Ok(select),
            Err(error) => {
                let told = error!(E0812, metric.span, "the SELECT of `{}` does not read back: {error}", metric.name);
                Err([told].into_iter().collect())
            }
        }
    }

    /// What it is, whence it is served and why.
    fn about(&self, metric: &MetricView, fingerprint: &str, served: &Served) -> Vec<String> {
        let names: Vec<&str> = metric.query.dimensions.iter().map(|dimension| dimension.name.as_str()).collect();
        let by = if names.is_empty() { String::new() } else { format!(" by {}", names.join(", ")) };
        let mut about =
            vec![line(&format!("{} v{}, {}{by}, {fingerprint}", metric.name, metric.version, metric.grain()))];
        about.extend(metric.title.as_deref().and_then(|title| title.lines().next()).map(line));
        for (serving, reason) in &served.refused {
            about.push(format!("Not served {}. {}.", serving.text(), reason.text()));
        }
        if self.build.is_as_of_ingestion(served) {
            about.push("Entities are looked up as rows arrive: attributes are as of ingestion (CH4).".to_owned());
        }
        if served.layers.len() > 1 {
            about.push("What a batch has built comes from there, all else as rows arrive.".to_owned());
        }
        about
    }
}

/// What the scans of a query are read from; none at all where all are read from their sources. None if a rollup could not be
/// made.
pub fn reads<'a>(query: &Query, layers: &[Layer], rollups: &'a [Rollup], made: &[Made]) -> Option<Vec<Read<'a>>> {
    if layers == [Layer::Live] {
        return Some(Vec::new());
    }
    let mut place = 0;
    reads_of(query, layers, rollups, made, &mut place)
}

/// `place` counts the scans of tables, in the order of [`Query::table_scans`].
fn reads_of<'a>(
    query: &Query,
    layers: &[Layer],
    rollups: &'a [Rollup],
    made: &[Made],
    place: &mut usize,
) -> Option<Vec<Read<'a>>> {
    let mut reads = Vec::with_capacity(query.scans.len());
    for scan in &query.scans {
        if let Source::Query(inner) = &scan.source {
            reads.push(Read::Answer(reads_of(inner, layers, rollups, made, place)?));
            continue;
        }
        let layer = |layer: &Layer| match layer {
            Layer::Live => Some(sql::Layer::Rows),
            Layer::Rolled(uses) => {
                let of = uses.get(*place)?;
                Some(sql::Layer::Stored(made.get(of.rollup)?.layer(rollups.get(of.rollup)?, of.step)?))
            }
        };
        reads.push(Read::Layers(layers.iter().map(layer).collect::<Option<_>>()?));
        *place += 1;
    }
    if let Some(among) = &query.among {
        reads.push(Read::Answer(reads_of(&among.query, layers, rollups, made, place)?));
    }
    Some(reads)
}
