//! Traces in forms that other programs draw or read, and as indented lines.

use serde_json::{Value, json};

use crate::project::SourceMap;

use super::{Edge, Graph, Kind, NodeId, Role, Trace};

/// A line of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// How deep it is; the first lines are at 0.
    pub depth: usize,
    /// The node.
    pub node: NodeId,
    /// What the line above it at a lesser depth reads it for, or it that one.
    pub roles: Vec<Role>,
    /// Whether what is below it stands at an earlier line.
    pub again: bool,
}

/// Which way a tree goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Towards {
    /// What a node reads.
    Used,
    /// What reads a node.
    Users,
}

/// All that a trace has below a node, each node in full once.
pub fn tree(graph: &Graph, trace: &Trace, root: NodeId, towards: Towards) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut shown = vec![false; graph.nodes.len()];
    shown[root.0] = true;
    let mut open: Vec<Line> = next(graph, trace, root, 0, towards);
    while let Some(mut line) = open.pop() {
        let below = next(graph, trace, line.node, line.depth + 1, towards);
        line.again = shown[line.node.0] && !below.is_empty();
        if !std::mem::replace(&mut shown[line.node.0], true) {
            open.extend(below);
        }
        lines.push(line);
    }
    lines
}

/// What is right below a node, the last line first.
fn next(graph: &Graph, trace: &Trace, node: NodeId, depth: usize, towards: Towards) -> Vec<Line> {
    let line = |node, roles: &[Role]| Line { depth, node, roles: roles.to_vec(), again: false };
    let mut lines: Vec<Line> = match towards {
        Towards::Used => trace.used_by(node).map(|edge| line(edge.used, &edge.roles)).collect(),
        Towards::Users => trace.users_of(node).map(|edge| line(edge.user, &edge.roles)).collect(),
    };
    if towards == Towards::Users && graph.node(node).kind.is_table() {
        let columns = graph.columns_of(node).map(|(column, _)| column);
        lines.extend(columns.filter(|column| trace.nodes.contains(column)).map(|column| line(column, &[])));
    }
    // Metrics before what they are filtered and shown by, columns last, each kind in the order of files.
    lines.sort_by_key(|line| std::cmp::Reverse((rank(graph.node(line.node).kind), line.node)));
    lines
}

fn rank(kind: Kind) -> u8 {
    match kind {
        Kind::Metric => 0,
        Kind::Behaviour(_) => 1,
        Kind::Session => 2,
        Kind::Subset => 3,
        Kind::Source | Kind::Entity => 4,
        Kind::Dimension => 5,
        Kind::Hierarchy => 6,
        Kind::Calendar => 7,
        Kind::Column => 8,
        Kind::Test => 9,
        Kind::Report => 10,
        Kind::Quality => 11,
        Kind::Alert => 12,
        Kind::Slo => 13,
        Kind::Dashboard => 14,
    }
}

/// Both traces as one.
pub fn joined(traces: impl IntoIterator<Item = Trace>) -> Trace {
    let mut all = Trace::default();
    for trace in traces {
        all.nodes.extend(trace.nodes);
        all.edges.extend(trace.edges);
    }
    all.nodes.sort_unstable();
    all.nodes.dedup();
    all.edges.sort_by_key(|edge| (edge.user, edge.used));
    all.edges.dedup_by(|next, kept| {
        let same = (next.user, next.used) == (kept.user, kept.used);
        if same {
            kept.roles.append(&mut next.roles);
            kept.roles.sort_unstable();
            kept.roles.dedup();
        }
        same
    });
    all
}

/// The words of roles.
pub fn words(roles: &[Role]) -> String {
    roles.iter().map(|role| role.word()).collect::<Vec<_>>().join(", ")
}

/// For Graphviz: data flows from left to right.
pub fn dot(graph: &Graph, trace: &Trace, roots: &[NodeId]) -> String {
    let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', " "));
    let mut text = "digraph lineage {\n  rankdir=LR;\n  node [fontname=\"sans-serif\", shape=box];\n".to_owned();
    let one = |id: &NodeId| {
        let node = graph.node(*id);
        let label = quoted(&format!("{} {}", node.kind.word(), node.label));
        let bold = if roots.contains(id) { ", penwidth=2" } else { "" };
        format!("n{} [label={label}, shape={}{bold}];\n", id.0, shape(node.kind))
    };
    for id in &trace.nodes {
        let node = graph.node(*id);
        match node.table {
            Some(_) => {}
            None => text += &format!("  {}", one(id)),
        }
    }
    for (table, columns) in columns_by_table(graph, trace) {
        text += &format!("  subgraph cluster_{} {{\n    label={};\n", table.0, quoted(&graph.node(table).label));
        columns.iter().for_each(|column| text += &format!("    {}", one(column)));
        text += "  }\n";
    }
    for Edge { user, used, roles } in &trace.edges {
        text += &format!("  n{} -> n{} [label={}];\n", used.0, user.0, quoted(&words(roles)));
    }
    text + "}\n"
}

/// The columns of a trace, by their tables.
fn columns_by_table(graph: &Graph, trace: &Trace) -> Vec<(NodeId, Vec<NodeId>)> {
    let mut all: Vec<(NodeId, Vec<NodeId>)> = Vec::new();
    for id in &trace.nodes {
        let Some(table) = graph.node(*id).table else { continue };
        match all.iter_mut().find(|(known, _)| *known == table) {
            Some((_, columns)) => columns.push(*id),
            None => all.push((table, vec![*id])),
        }
    }
    all
}

fn shape(kind: Kind) -> &'static str {
    match kind {
        Kind::Source | Kind::Entity | Kind::Calendar => "cylinder",
        Kind::Column => "plaintext",
        Kind::Metric => "ellipse",
        Kind::Test | Kind::Report | Kind::Quality | Kind::Alert | Kind::Slo | Kind::Dashboard => "note",
        Kind::Dimension | Kind::Hierarchy => "hexagon",
        Kind::Subset | Kind::Session | Kind::Behaviour(_) => "box",
    }
}

/// For Mermaid: data flows from left to right.
pub fn mermaid(graph: &Graph, trace: &Trace, roots: &[NodeId]) -> String {
    let mut text = "flowchart LR\n".to_owned();
    let one = |id: &NodeId| {
        let node = graph.node(*id);
        let (open, close) = match shape(node.kind) {
            "cylinder" => ("[(", ")]"),
            "ellipse" => ("([", "])"),
            "hexagon" => ("{{", "}}"),
            _ => ("[", "]"),
        };
        let label = escaped(&format!("{} {}", node.kind.word(), node.label));
        format!("n{}{open}\"{label}\"{close}\n", id.0)
    };
    for id in trace.nodes.iter().filter(|id| graph.node(**id).table.is_none()) {
        text += &format!("  {}", one(id));
    }
    for (table, columns) in columns_by_table(graph, trace) {
        text += &format!("  subgraph t{} [\"{}\"]\n", table.0, escaped(&graph.node(table).label));
        columns.iter().for_each(|column| text += &format!("    {}", one(column)));
        text += "  end\n";
    }
    for Edge { user, used, roles } in &trace.edges {
        let label = words(roles);
        let label = if label.is_empty() { String::new() } else { format!("|{label}|") };
        text += &format!("  n{} -->{label} n{}\n", used.0, user.0);
    }
    for root in roots {
        text += &format!("  style n{} stroke-width:3px\n", root.0);
    }
    text
}

/// A label of Mermaid, in which all but letters, digits and a few marks are told by their numbers.
fn escaped(text: &str) -> String {
    let plain = |letter: char| letter.is_alphanumeric() || matches!(letter, ' ' | '_' | '.' | '-');
    text.chars()
        .map(|letter| if plain(letter) { letter.to_string() } else { format!("#{};", u32::from(letter)) })
        .collect()
}

/// For programs: nodes, and which of them reads which.
pub fn json(graph: &Graph, trace: &Trace, roots: &[NodeId], sources: &SourceMap) -> Value {
    let nodes: Vec<Value> = trace.nodes.iter().map(|id| node(graph, *id, sources)).collect();
    let edges = trace.edges.iter().map(|edge| {
        let roles: Vec<&str> = edge.roles.iter().map(|role| role.word()).collect();
        json!({ "user": edge.user.0, "used": edge.used.0, "for": roles })
    });
    let edges: Vec<Value> = edges.collect();
    let roots: Vec<usize> = roots.iter().map(|root| root.0).collect();
    json!({ "of": roots, "nodes": nodes, "edges": edges })
}

/// A node for programs; `id` holds within one output.
pub fn node(graph: &Graph, id: NodeId, sources: &SourceMap) -> Value {
    let node = graph.node(id);
    let file = sources.file(node.span.file);
    let mut told = json!({
        "id": id.0,
        "kind": node.kind.word(),
        "name": node.name,
        "version": node.version,
        "file": file.path,
        "line": file.position(node.span.start).0,
    });
    if let Some(table) = node.table {
        told["table"] = json!(graph.node(table).name);
    }
    told
}

/// Where a node is declared: `metrics/gmv.metric:3`.
pub fn place(graph: &Graph, id: NodeId, sources: &SourceMap) -> String {
    let span = graph.node(id).span;
    let file = sources.file(span.file);
    format!("{}:{}", file.path, file.position(span.start).0)
}
