//! The pages about everything: the start, the glossary, the drawing of the whole, and what the search finds.

use minijinja::{Value, context};
use rustc_hash::FxHashMap;
use serde_json::json;

use crate::lineage::{Edge, Kind, NodeId, Role, Trace};

use super::template::{html, render};
use super::{HEADINGS, Page, Site, drawing, files, is_metric, language, text, with_pages};

impl Site<'_> {
    /// The start: all metrics with their facts, then everything else by kind.
    pub fn index(&self) -> Page {
        let metrics: Vec<Value> = self.entries.iter().map(|entry| {
            context! {
                label => entry.label.as_str(),
                link => files::link(self.graph, entry.node, ""),
                titles => self.titles(entry.node),
                tier => entry.tier,
                owner => entry.owner.as_deref(),
                unit => entry.unit.as_deref(),
                grain => entry.grain.join(", "),
                formula => html(text::definition(&entry.formula, self.graph.node(entry.node).span, &FxHashMap::default())),
            }
        }).collect();
        let others: Vec<Value> = HEADINGS
            .iter()
            .filter(|(folder, _)| *folder != "metrics")
            .filter_map(|(folder, heading)| {
                let of = |id: &NodeId| files::folder(self.graph.node(*id).kind) == Some(folder);
                let mut nodes: Vec<NodeId> = with_pages(self.graph).filter(of).collect();
                nodes.sort_by_key(|id| self.graph.node(*id).label.clone());
                let list: Vec<Value> = nodes.iter().map(|id| self.entry_of(*id)).collect();
                (!list.is_empty()).then(|| context! { anchor => *folder, heading => *heading, list => list })
            })
            .collect();
        let body = render("index", context! { project => self.input.name, metrics => metrics, others => others });
        self.page("index.html", "Metrics", "", body)
    }

    /// A link at the top with titles and the first words of the description.
    fn entry_of(&self, id: NodeId) -> Value {
        let summary = self.doc(id).map(text::summary).unwrap_or_default();
        context! {
            label => self.graph.node(id).label.as_str(),
            kind => self.graph.node(id).kind.word(),
            link => files::link(self.graph, id, ""),
            titles => self.titles(id),
            lang => language(&summary),
            summary => summary,
        }
    }

    /// All terms in both languages: by their Chinese titles, by their English ones.
    pub fn glossary(&self) -> Page {
        let mut terms: Vec<(NodeId, Option<&str>, Option<&str>)> = Vec::new();
        for id in with_pages(self.graph) {
            let told = ["title", "title_en"].map(|key| self.item(id, key));
            if told.iter().all(Option::is_none) {
                continue;
            }
            let in_language = |wanted: &str| told.into_iter().flatten().find(|title| language(title) == wanted);
            terms.push((id, in_language("zh"), in_language("en")));
        }
        let row = |(id, chinese, english): &(NodeId, Option<&str>, Option<&str>)| {
            context! { chinese => chinese, english => english, of => self.entry_of(*id) }
        };
        let mut by_english = terms.clone();
        by_english.retain(|(_, _, english)| english.is_some());
        by_english.sort_by_key(|(id, _, english)| (english.map(str::to_lowercase), *id));
        terms.retain(|(_, chinese, _)| chinese.is_some());
        terms.sort_by_key(|(id, chinese, _)| (chinese.map(str::to_owned), *id));
        let body = render(
            "glossary",
            context! {
                english => by_english.iter().map(row).collect::<Vec<_>>(),
                chinese => terms.iter().map(row).collect::<Vec<_>>(),
            },
        );
        self.page("glossary.html", "Glossary", "", body)
    }

    /// The drawing of everything but dimensions and tests.
    pub fn drawn(&self) -> Page {
        let whole = self.graph.whole();
        let shown = |id: NodeId| {
            let kind = self.graph.node(id).kind;
            !kind.only_asks() && !matches!(kind, Kind::Dimension | Kind::Hierarchy | Kind::Column)
        };
        let carries = |edge: &&Edge| edge.roles.iter().any(|role| !matches!(role, Role::Group | Role::Join));
        let edges = whole.edges.iter().filter(|edge| shown(edge.user) && shown(edge.used)).filter(carries);
        let mut edges: Vec<Edge> = edges.cloned().collect();
        self.reduce(&mut edges);
        // What nothing reads, and what reads nothing, has no place in it.
        let joined = |id: &NodeId| edges.iter().any(|edge| edge.user == *id || edge.used == *id);
        let nodes: Vec<NodeId> = whole.nodes.iter().copied().filter(|id| shown(*id) && joined(id)).collect();
        let trace = Trace { nodes, edges };
        let drawing = drawing::drawing(self.graph, &trace, None, "", "What every metric is made of");
        let metrics = trace.nodes.iter().filter(|id| is_metric(self.graph, **id)).count();
        let body = render("graph", context! { drawing => drawing.map(html), metrics => metrics });
        self.page("graph.html", "Lineage", "", body)
    }

    /// Leaves out that something reads a table which it also reads by way of a row set.
    fn reduce(&self, edges: &mut Vec<Edge>) {
        let by_way = |edge: &Edge, all: &[Edge]| {
            let between = all.iter().filter(|other| other.user == edge.user && other.used != edge.used);
            between.into_iter().any(|one| all.iter().any(|other| other.user == one.used && other.used == edge.used))
        };
        let all = edges.clone();
        edges.retain(|edge| !self.graph.node(edge.used).kind.is_table() || !by_way(edge, &all));
    }

    /// What the search looks through, as a script that works from a file.
    pub fn search_index(&self) -> Page {
        let columns = self.graph.all().filter(|(_, node)| node.kind == Kind::Column).map(|(id, _)| id);
        let found = with_pages(self.graph).chain(columns).map(|id| {
            let node = self.graph.node(id);
            let is_column = node.kind == Kind::Column;
            let item = |key: &str| if is_column { None } else { self.item(id, key) };
            let titles: Vec<&str> = [item("title"), item("title_en")].into_iter().flatten().collect();
            json!({
                "name": node.label,
                "kind": node.kind.word(),
                "titles": titles,
                "owner": item("owner"),
                "link": files::link(self.graph, id, ""),
                "words": if is_column { String::new() } else { self.doc(id).map(text::summary).unwrap_or_default() },
            })
        });
        let found: Vec<String> = found.map(|one| one.to_string()).collect();
        // Separators of lines that are no letters of scripts everywhere, and what would end a script within a page.
        let text =
            found.join(",\n").replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029").replace("</", "<\\/");
        Page { path: "search.js".to_owned(), text: format!("window.metricc = [\n{text}\n];\n") }
    }
}
