//! What names stand for: the row sets that a declaration names, and the nodes that a reader means.

use crate::resolve::{self, Names, RowName};
use crate::syntax::ast::{self, Declaration, DeclarationKind};

use super::{Graph, Kind, NodeId};

/// The places of the named row sets in [`Names`], of a declaration and, for an experiment, of the metrics that it measures.
pub fn row_sets(declaration: &Declaration, names: &Names<'_>) -> Vec<RowName> {
    let mut found = Vec::new();
    let mut note = |path: &ast::Path, version: Option<u32>| {
        let named = path.single().and_then(|name| names.row_set(name, version));
        found.extend(named.filter(|named| !found.contains(named)));
    };
    match &declaration.kind {
        DeclarationKind::Metric(metric) => resolve::names_of_formula(&metric.formula, &mut note),
        DeclarationKind::Subset(subset) => resolve::row_sets_in(&subset.rows, &mut note),
        DeclarationKind::Block(block) => {
            resolve::rows_of_block(block).for_each(|rows| resolve::row_sets_in(rows, &mut note));
            resolve::names_of_measures(block, &mut note);
            for place in measured(block, names) {
                resolve::names_of_formula(&names.metrics[place].syntax.formula, &mut note);
            }
        }
        _ => {}
    }
    found
}

/// The metrics that an experiment measures, by their places in [`Names::metrics`].
pub fn measured(block: &ast::Block, names: &Names<'_>) -> Vec<usize> {
    let mut found = Vec::new();
    for item in block.items.iter().filter(|_| block.keyword.value == "experiment") {
        let ast::ItemKind::Keyed { key, values } = &item.kind else { continue };
        for value in values.iter().filter(|_| key.value == "metrics") {
            let ast::ValueKind::Expr { expr, .. } = &value.kind else { continue };
            if let ast::ExprKind::Path { path, version } = &expr.kind {
                found.extend(names.metric(&path.parts[0], version.as_ref().map(|version| version.value)));
            }
        }
    }
    found
}

/// The nodes that a name means: a declaration (`dau`, `dau v1`, `dau@v1`; all versions and kinds where it does not say), or a
/// column (`order.pay_amount`).
pub fn find(graph: &Graph, wanted: &str) -> Vec<NodeId> {
    let named = |name: &str, version: Option<u32>| -> Vec<NodeId> {
        let fits = |node: &super::Node| {
            node.kind != Kind::Test && node.name == name && version.is_none_or(|version| node.version == version)
        };
        graph.all().filter(|(_, node)| fits(node)).map(|(id, _)| id).collect()
    };
    let found = named(wanted, None);
    if !found.is_empty() {
        return found;
    }
    let versioned = wanted.rsplit_once([' ', '@']).and_then(|(name, version)| {
        let version: u32 = version.strip_prefix('v')?.parse().ok()?;
        Some(named(name.trim(), Some(version)))
    });
    versioned.unwrap_or_default()
}
