//! Where the pages of a site are, and how links to them are written.

use crate::emit::name::plain;
use crate::lineage::{Graph, Kind, Node, NodeId};

/// The longest name of a file without its ending, in bytes; what is longer is cut and told apart by a number.
const LONGEST: usize = 100;

/// The folder of the pages of a kind; none for what has no page.
pub fn folder(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Metric => Some("metrics"),
        Kind::Dimension => Some("dimensions"),
        Kind::Hierarchy => Some("hierarchies"),
        Kind::Source | Kind::Entity | Kind::Calendar => Some("tables"),
        Kind::Subset | Kind::Session => Some("rows"),
        Kind::Behaviour(_) => Some("behaviours"),
        Kind::Column | Kind::Test | Kind::Report | Kind::Quality | Kind::Alert | Kind::Slo | Kind::Dashboard => None,
    }
}

/// The page of a node below the site: `metrics/gmv.html`.
pub fn path(graph: &Graph, id: NodeId) -> Option<String> {
    let node = graph.node(id);
    Some(format!("{}/{}.html", folder(node.kind)?, stem(node, id)))
}

/// The name of a page's file without its ending.
fn stem(node: &Node, id: NodeId) -> String {
    let mut stem = plain(&node.name);
    if stem.len() > LONGEST {
        let end = (0..=LONGEST).rev().find(|end| stem.is_char_boundary(*end)).unwrap_or(0);
        stem.truncate(end);
        stem.push_str(&format!("~~{}", id.0));
    }
    match node.version {
        1 => stem,
        version => format!("{stem}.v{version}"),
    }
}

/// A link to a node from a page that lies `up` folders below the top; none for what has no page.
pub fn link(graph: &Graph, id: NodeId, up: &str) -> Option<String> {
    let node = graph.node(id);
    match node.table {
        Some(table) => Some(format!("{up}{}#{}", encoded(&path(graph, table)?), encoded(&anchor(graph, id)))),
        None => Some(format!("{up}{}", encoded(&path(graph, id)?))),
    }
}

/// The place of a column on the page of its table.
pub fn anchor(graph: &Graph, column: NodeId) -> String {
    let node = graph.node(column);
    let name = node.table.and_then(|table| node.name.strip_prefix(&graph.node(table).name)).unwrap_or(&node.name);
    format!("column-{}", plain(name.strip_prefix('.').unwrap_or(name)))
}

/// A path as it stands in a link.
pub fn encoded(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'_' | b'-' | b'.' | b'~');
    let mut text = String::new();
    for byte in path.bytes() {
        if plain(byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}
