//! `metricc docs`: a site that explains the project, and works from files.

#[cfg(feature = "dry-run")]
mod charts;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use rustc_hash::FxHashMap;

use super::output::{self, BuildSummary, write_documents};
use super::ready::Ready;
use super::{Context, Exit, Outcome, Stop, ui};
use crate::lineage::Graph;
use crate::site::{self, Input};
use crate::types::MetricId;

/// Build a site of documents: a page for each metric, dimension and table, with search, lineage and a glossary
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The folder to write to; it holds whole sites only
    #[arg(long, value_name = "DIR", default_value = "site")]
    out: PathBuf,
    /// Leave out the charts over sample data, which take most of the time
    #[arg(long)]
    no_charts: bool,
}

/// Makes all pages and writes them in one go: an error leaves the last site whole.
pub fn run(args: &Args, context: &Context) -> Outcome {
    let ready = context.compiled()?;
    let graph = Graph::of(&ready.compiled.files, &ready.compiled.model);
    let charts = if args.no_charts { FxHashMap::default() } else { charts(&ready, context)? };
    let pages = pages(&ready, &graph, &charts, context);
    let out = if args.out.is_relative() && args.out.as_os_str() == "site" {
        ready.project.root.join("site")
    } else {
        args.out.clone()
    };
    let pages = pages.into_iter().map(|page| output::Artifact { path: page.path, text: page.text }).collect();
    let summary = write_documents(&out, pages).map_err(|failure| failure.into_diagnostic())?;
    let BuildSummary { written, unchanged, removed } = summary;
    context.note(&format!(
        "{} files in {} ({written} written, {unchanged} unchanged, {removed} removed); open {}",
        written + unchanged,
        out.display(),
        out.join("index.html").display(),
    ));
    Ok(Exit::Clean)
}

fn pages(ready: &Ready, graph: &Graph, charts: &FxHashMap<MetricId, String>, context: &Context) -> Vec<site::Page> {
    let input = Input {
        name: &ready.project.config.name,
        files: &ready.compiled.files,
        model: &ready.compiled.model,
        sources: &ready.project.sources,
        graph,
        charts,
    };
    let total = site::with_pages(graph).count() as u64;
    let (bar, count) = (ui::Progress::start("writing pages", total, context.options.quiet), AtomicU64::new(0));
    site::pages(input, &|| bar.at("writing pages", count.fetch_add(1, Ordering::Relaxed) + 1, total))
}

/// A chart of each metric over the samples that there are.
#[cfg(feature = "dry-run")]
fn charts(ready: &Ready, context: &Context) -> Result<FxHashMap<MetricId, String>, Stop> {
    charts::of_samples(ready, context)
}

/// Without the dry run there is none.
#[cfg(not(feature = "dry-run"))]
fn charts(_: &Ready, context: &Context) -> Result<FxHashMap<MetricId, String>, Stop> {
    context.note("there are no charts: this program was built without the dry run");
    Ok(FxHashMap::default())
}
