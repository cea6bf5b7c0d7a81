//! The drawing of a trace: what is read stands left of what reads it.

use std::fmt::Write as _;

use rustc_hash::FxHashMap;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::diagnostic::render::visible;
use crate::lineage::{Graph, Kind, NodeId, Trace};

use super::files;
use super::text::escaped;

const NODE_HEIGHT: f64 = 26.0;
const ROW: f64 = 36.0;
const GAP: f64 = 64.0;
const MARGIN: f64 = 8.0;
/// The width of a character, about.
const CHARACTER: f64 = 7.6;
/// The widest label, in characters.
const WIDEST: usize = 30;
/// The most nodes around one; more are a list.
const MOST: usize = 150;
/// How often nodes are put beside what they are joined to.
///
/// The last time is by what they read, so that what reads the same stands together.
const SWEEPS: usize = 7;

/// Where a node stands.
#[derive(Clone, Copy)]
struct Place {
    x: f64,
    y: f64,
    width: f64,
}

/// The picture of a trace without tests and reports, as SVG within a page; none where it has one node only, or too many. Around a `root`, what belongs
/// together is near it; without one, everything stands beside what it is made of.
pub fn drawing(graph: &Graph, trace: &Trace, root: Option<NodeId>, up: &str, label: &str) -> Option<String> {
    let shown: Vec<NodeId> = trace.nodes.iter().copied().filter(|id| !graph.node(*id).kind.only_asks()).collect();
    if shown.len() < 2 || (root.is_some() && shown.len() > MOST) {
        return None;
    }
    let edges: Vec<(NodeId, NodeId)> = trace.edges.iter().map(|edge| (edge.used, edge.user)).collect();
    let edges: Vec<(NodeId, NodeId)> =
        edges.into_iter().filter(|(used, user)| shown.contains(used) && shown.contains(user)).collect();
    let layers = layers(graph, &shown, &edges);
    let rows = if root.is_some() { near(&layers, &edges) } else { planted(&layers, &edges) };
    let (places, width, height) = placed(graph, &layers, rows);
    let mut svg = format!(
        "<svg class=\"lineage\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" height=\"{height:.0}\" role=\"group\" aria-label=\"{}\">\n",
        escaped(label)
    );
    for (used, user) in &edges {
        let (from, to) = (places[used], places[user]);
        let (x, y) = (from.x + from.width, from.y + NODE_HEIGHT / 2.0);
        let (end, end_y) = (to.x, to.y + NODE_HEIGHT / 2.0);
        let bend = ((end - x) / 2.0).max(24.0);
        let _ = writeln!(
            svg,
            "<path class=\"edge\" data-used=\"{}\" data-user=\"{}\" d=\"M{x:.1} {y:.1}C{:.1} {y:.1} {:.1} {end_y:.1} {end:.1} {end_y:.1}\"/>",
            used.0,
            user.0,
            x + bend,
            end - bend
        );
    }
    for id in layers.iter().flatten() {
        node(&mut svg, graph, *id, places[id], Some(*id) == root, up);
    }
    Some(svg + "</svg>")
}

fn node(svg: &mut String, graph: &Graph, id: NodeId, place: Place, is_root: bool, up: &str) {
    let node = graph.node(id);
    let class = match node.kind {
        kind if kind.is_table() => "table",
        Kind::Metric => "metric",
        Kind::Dimension | Kind::Hierarchy => "dimension",
        _ => "rows",
    };
    let root = if is_root { " root" } else { "" };
    let Place { x, y, width } = place;
    let name = escaped(&visible(&node.label));
    let link = files::link(graph, id, up).unwrap_or_default();
    let current = if is_root { " aria-current=\"page\"" } else { "" };
    let _ = writeln!(
        svg,
        "<a class=\"node {class}{root}\" data-node=\"{}\" href=\"{}\"{current}><title>{} {name}</title><rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{NODE_HEIGHT}\" rx=\"6\"/><text x=\"{:.1}\" y=\"{:.1}\">{}</text></a>",
        id.0,
        escaped(&link),
        node.kind.word(),
        x + 10.0,
        y + 17.5,
        escaped(&shortened(&node.label)),
    );
}

/// The edges without those that close a circle: an entity whose column is computed of another, which looks up the first, say.
fn forward(shown: &[NodeId], edges: &[(NodeId, NodeId)]) -> Vec<(NodeId, NodeId)> {
    let mut users: FxHashMap<NodeId, Vec<NodeId>> = FxHashMap::default();
    edges.iter().for_each(|(used, user)| users.entry(*used).or_default().push(*user));
    let mut forward = Vec::with_capacity(edges.len());
    let mut done: FxHashMap<NodeId, bool> = FxHashMap::default();
    for start in shown {
        let mut open: Vec<(NodeId, usize)> = Vec::new();
        if !done.contains_key(start) {
            done.insert(*start, false);
            open.push((*start, 0));
        }
        while let Some((id, next)) = open.last_mut() {
            let (id, at) = (*id, *next);
            *next += 1;
            let Some(user) = users.get(&id).and_then(|users| users.get(at)).copied() else {
                done.insert(id, true);
                open.pop();
                continue;
            };
            match done.get(&user) {
                Some(false) => continue,
                Some(true) => {}
                None => {
                    done.insert(user, false);
                    open.push((user, 0));
                }
            }
            forward.push((id, user));
        }
    }
    forward
}

/// The nodes by how far they are from what is stored, each layer so that what belongs together is near.
fn layers(graph: &Graph, shown: &[NodeId], edges: &[(NodeId, NodeId)]) -> Vec<Vec<NodeId>> {
    let forward = forward(shown, edges);
    let mut level: FxHashMap<NodeId, usize> = shown.iter().map(|id| (*id, 0)).collect();
    // After as many rounds as there are nodes, nothing moves any more.
    for _ in 0..shown.len() {
        let mut moved = false;
        for (used, user) in &forward {
            let least = level[used] + 1;
            if level[user] < least {
                level.insert(*user, least);
                moved = true;
            }
        }
        if !moved {
            break;
        }
    }
    let deepest = level.values().copied().max().unwrap_or(0);
    let mut layers = vec![Vec::new(); deepest + 1];
    let mut sorted = shown.to_vec();
    sorted.sort_by_key(|id| (graph.node(*id).kind, *id));
    sorted.iter().for_each(|id| layers[level[id]].push(*id));
    for sweep in 0..SWEEPS {
        let places: FxHashMap<NodeId, f64> = (layers.iter())
            .flat_map(|layer| layer.iter().enumerate().map(|(at, id)| (*id, at as f64 / layer.len() as f64)))
            .collect();
        let mut sums: FxHashMap<NodeId, (f64, f64)> = FxHashMap::default();
        for (used, user) in edges {
            let (id, beside) = if sweep % 2 == 0 { (user, used) } else { (used, user) };
            let (sum, count) = sums.entry(*id).or_default();
            *sum += places[beside];
            *count += 1.0;
        }
        let near = |id: NodeId| sums.get(&id).map_or(places[&id], |(sum, count)| sum / count);
        for layer in &mut layers {
            let mut keyed: Vec<(f64, NodeId)> = layer.iter().map(|id| (near(*id), *id)).collect();
            keyed.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            *layer = keyed.into_iter().map(|(_, id)| id).collect();
        }
    }
    layers
}

/// Where each node stands, and how large the picture is; `rows` are the heights, from wherever.
fn placed(graph: &Graph, layers: &[Vec<NodeId>], rows: FxHashMap<NodeId, f64>) -> (FxHashMap<NodeId, Place>, f64, f64) {
    let top = rows.values().copied().fold(f64::INFINITY, f64::min);
    let bottom = rows.values().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut places = FxHashMap::default();
    let mut x = MARGIN;
    for layer in layers {
        let widths = layer.iter().map(|id| shortened(&graph.node(*id).label).width());
        let width = widths.max().unwrap_or(0) as f64 * CHARACTER + 20.0;
        places.extend(layer.iter().map(|id| (*id, Place { x, y: rows[id] - top + MARGIN, width })));
        x += width + GAP;
    }
    (places, x - GAP + MARGIN, bottom - top + NODE_HEIGHT + 2.0 * MARGIN)
}

/// Heights such that nodes are beside what they are joined to.
fn near(layers: &[Vec<NodeId>], edges: &[(NodeId, NodeId)]) -> FxHashMap<NodeId, f64> {
    let rows = layers.iter().flat_map(|layer| layer.iter().enumerate());
    let mut rows: FxHashMap<NodeId, f64> = rows.map(|(at, id)| (*id, at as f64 * ROW)).collect();
    for pass in 0..SWEEPS {
        for at in 0..layers.len() {
            pull(&layers[if pass % 2 == 0 { layers.len() - 1 - at } else { at }], edges, &mut rows);
        }
    }
    rows
}

/// Moves the nodes of a layer beside what they are joined to, in their order and none over another.
fn pull(layer: &[NodeId], edges: &[(NodeId, NodeId)], rows: &mut FxHashMap<NodeId, f64>) {
    let wanted = |id: &NodeId| {
        let beside = edges.iter().filter_map(|(used, user)| match (used == id, user == id) {
            (true, _) => Some(rows[user]),
            (_, true) => Some(rows[used]),
            _ => None,
        });
        let (sum, count) = beside.fold((0.0, 0.0), |(sum, count), y| (sum + y, count + 1.0));
        if count == 0.0 { rows[id] } else { sum / count }
    };
    let wanted: Vec<f64> = layer.iter().map(wanted).collect();
    let mut taken = Vec::with_capacity(layer.len());
    let mut least = f64::NEG_INFINITY;
    for y in &wanted {
        least = y.max(least);
        taken.push(least);
        least += ROW;
    }
    // Together they stand where they are wanted.
    let off = wanted.iter().zip(&taken).map(|(wanted, y)| wanted - y).sum::<f64>() / layer.len().max(1) as f64;
    rows.extend(layer.iter().zip(taken).map(|(id, y)| (*id, y + off)));
}

/// Heights of trees: each node stands behind the nearest of what it is made of, and what has nothing behind it has a row of its
/// own.
fn planted(layers: &[Vec<NodeId>], edges: &[(NodeId, NodeId)]) -> FxHashMap<NodeId, f64> {
    let level: FxHashMap<NodeId, usize> =
        layers.iter().enumerate().flat_map(|(level, layer)| layer.iter().map(move |id| (*id, level))).collect();
    let mut stems: FxHashMap<NodeId, NodeId> = FxHashMap::default();
    for (used, user) in edges.iter().filter(|(used, user)| level[used] < level[user]) {
        let stem = stems.entry(*user).or_insert(*used);
        if (level[used], stem.0) > (level[stem], used.0) {
            *stem = *used;
        }
    }
    let mut twigs: FxHashMap<NodeId, Vec<NodeId>> = FxHashMap::default();
    for id in layers.iter().flatten().rev() {
        if let Some(stem) = stems.get(id) {
            twigs.entry(*stem).or_default().push(*id);
        }
    }
    let mut rows = FxHashMap::default();
    let mut next = 0.0;
    let mut open: Vec<NodeId> = layers.iter().flatten().rev().copied().filter(|id| !stems.contains_key(id)).collect();
    while let Some(id) = open.pop() {
        match twigs.get(&id) {
            Some(twigs) => open.extend(twigs),
            None => {
                rows.insert(id, next);
                next += ROW;
            }
        }
    }
    for id in layers.iter().rev().flatten() {
        if let Some(twigs) = twigs.get(id) {
            let behind: Vec<f64> = twigs.iter().map(|twig| rows[twig]).collect();
            let (first, last) = (behind[0], behind[behind.len() - 1]);
            rows.insert(*id, (first + last) / 2.0);
        }
    }
    rows
}

/// A label of at most [`WIDEST`] columns.
fn shortened(text: &str) -> String {
    let text = visible(text);
    if text.width() <= WIDEST {
        return text.into_owned();
    }
    let mut found = String::new();
    let mut width = 1;
    for letter in text.chars() {
        width += letter.width().unwrap_or(0);
        if width > WIDEST {
            break;
        }
        found.push(letter);
    }
    found + "…"
}
