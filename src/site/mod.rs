//! A site of documents: a page for each metric, dimension, table, row set and table of behaviour, with search, lineage and a
//! glossary. It needs nothing but its own files. The same program gives the same bytes.

mod declared;
mod drawing;
mod files;
mod overview;
mod template;
mod text;

use std::sync::Arc;

use minijinja::context;
use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::catalog::{self, Entry};
use crate::diagnostic::Span;
use crate::lineage::{Graph, Kind, NodeId};
use crate::plan::Lowering;
use crate::project::SourceMap;
use crate::syntax::ast::{self, Declaration};
use crate::types::{MetricId, Model};

pub use template::STYLE;
pub use text::escaped;

/// A file of a site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Relative to the top of the site, with `/`.
    pub path: String,
    /// All of it.
    pub text: String,
}

/// What a site is made of.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The name of the project.
    pub name: &'a str,
    /// The declarations.
    pub files: &'a [Arc<ast::File>],
    /// What they mean.
    pub model: &'a Model,
    /// Their texts.
    pub sources: &'a SourceMap,
    /// What reads what.
    pub graph: &'a Graph,
    /// Pictures of metrics over sample data, as SVG.
    pub charts: &'a FxHashMap<MetricId, String>,
}

/// What all pages are made with.
struct Site<'a> {
    input: Input<'a>,
    graph: &'a Graph,
    entries: Vec<Entry>,
    /// The places of entries, by their declarations.
    entry_of: FxHashMap<NodeId, usize>,
    /// Declarations by their places.
    declared: FxHashMap<Span, &'a Declaration>,
    lowering: Lowering<'a>,
}

/// All files of the site. `done` is called after each page of a declaration.
pub fn pages(input: Input<'_>, done: &(impl Fn() + Sync)) -> Vec<Page> {
    let declarations = input.files.iter().flat_map(|file| &file.declarations);
    let entries = catalog::metrics(input.model, input.graph, input.sources);
    let site = Site {
        input,
        graph: input.graph,
        entry_of: entries.iter().enumerate().map(|(place, entry)| (entry.node, place)).collect(),
        entries,
        declared: declarations.map(|declaration| (declaration.span, declaration)).collect(),
        lowering: Lowering::new(input.model),
    };
    let nodes: Vec<NodeId> = with_pages(input.graph).collect();
    let mut pages: Vec<Page> = nodes
        .par_iter()
        .filter_map(|id| {
            let page = site.page_of(*id);
            done();
            page
        })
        .collect();
    pages.extend([site.index(), site.glossary(), site.drawn(), site.search_index()]);
    let file = |path: &str, text: &str| Page { path: path.to_owned(), text: text.to_owned() };
    pages.push(file("style.css", template::STYLE));
    pages.push(file("site.js", template::SCRIPT));
    for (id, chart) in input.charts {
        if let Some(path) = site.chart_path(*id) {
            pages.push(Page { path, text: chart.clone() });
        }
    }
    pages.sort_by(|a, b| a.path.cmp(&b.path));
    pages
}

/// The nodes that have pages.
pub fn with_pages(graph: &Graph) -> impl Iterator<Item = NodeId> {
    graph.all().filter(|(_, node)| files::folder(node.kind).is_some()).map(|(id, _)| id)
}

impl<'a> Site<'a> {
    /// A whole page around its body; `up` leads to the top.
    fn page(&self, path: &str, title: &str, up: &str, body: String) -> Page {
        let text = template::render(
            "page",
            context! {
                project => self.input.name,
                title => title,
                up => up,
                here => path,
                body => template::html(body),
            },
        );
        Page { path: path.to_owned(), text }
    }

    /// Where the picture of a metric lies.
    fn chart_path(&self, id: MetricId) -> Option<String> {
        let page = files::path(self.graph, self.graph.of_metric(id))?;
        let stem = page.strip_prefix("metrics/")?.strip_suffix(".html")?;
        Some(format!("charts/{stem}.svg"))
    }

    /// What a declaration says under a key: `title: "…"`.
    fn item(&self, id: NodeId, key: &str) -> Option<&'a str> {
        use ast::DeclarationKind as D;
        let items = match &self.declared.get(&self.graph.node(id).span)?.kind {
            D::Entity(table) | D::Source(table) => &table.items,
            D::Subset(subset) => &subset.items,
            D::Dimension(dimension) => &dimension.items,
            D::Hierarchy(hierarchy) => &hierarchy.items,
            D::Metric(metric) => &metric.items,
            D::Block(block) => &block.items,
            D::Test(_) | D::Change(_) => return None,
        };
        items.iter().find_map(|item| match &item.kind {
            ast::ItemKind::Keyed { key: own, values } if own.value == key => match &values.first()?.kind {
                ast::ValueKind::Expr {
                    expr: ast::Expr { kind: ast::ExprKind::Literal(ast::Literal::String(text)), .. },
                    ..
                } => Some(text.as_str()),
                _ => None,
            },
            _ => None,
        })
    }

    /// The description of a declaration.
    fn doc(&self, id: NodeId) -> Option<&'a str> {
        self.declared.get(&self.graph.node(id).span)?.doc.as_ref().map(|doc| doc.value.as_str())
    }

    /// The entry of a metric in the catalog.
    fn entry(&self, id: NodeId) -> Option<&Entry> {
        self.entry_of.get(&id).map(|place| &self.entries[*place])
    }
}

/// The language of a text, as pages tell it: Chinese where it has a Chinese letter.
fn language(text: &str) -> &'static str {
    let chinese = |letter: char| matches!(u32::from(letter), 0x3400..=0x9fff | 0xf900..=0xfaff | 0x20000..=0x3ffff);
    if text.chars().any(chinese) { "zh" } else { "en" }
}

/// The heading of each kind in lists.
const HEADINGS: &[(&str, &str)] = &[
    ("metrics", "Metrics"),
    ("dimensions", "Dimensions"),
    ("hierarchies", "Hierarchies"),
    ("behaviours", "Tables of behaviour"),
    ("rows", "Row sets"),
    ("tables", "Sources, entities and calendars"),
];

/// Whether a node is a metric.
fn is_metric(graph: &Graph, id: NodeId) -> bool {
    graph.node(id).kind == Kind::Metric
}
