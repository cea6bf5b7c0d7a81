//! The nodes of the graph: declarations in the order of files, and the columns of tables.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::diagnostic::{Span, Spanned};
use crate::resolve::BEHAVIOURS;
use crate::syntax::ast::{self, Declaration, DeclarationKind};
use crate::types::{ColumnId, Model, TableId};

use super::{Kind, Node, NodeId};

/// The nodes, and which of them things of the model are.
pub struct Nodes<'a> {
    /// All of them.
    pub all: Vec<Node>,
    /// Their declarations, in the order of nodes; a column has none.
    pub declared: Vec<Option<&'a Declaration>>,
    /// Those of tables: what is stored, and what a declaration makes; none for rows that only stand inside of one.
    pub tables: Vec<Option<NodeId>>,
    /// Those of stored columns.
    pub columns: FxHashMap<ColumnId, NodeId>,
    /// Declarations by file and start.
    places: Vec<(Span, NodeId)>,
}

impl<'a> Nodes<'a> {
    /// Those of a program.
    pub fn of(files: &'a [Arc<ast::File>], model: &Model) -> Nodes<'a> {
        let mut nodes = Nodes {
            all: Vec::new(),
            declared: Vec::new(),
            tables: vec![None; model.tables.len()],
            columns: FxHashMap::default(),
            places: Vec::new(),
        };
        let stored = model.tables.iter().enumerate().filter(|(_, table)| !table.is_derived());
        let stored: FxHashMap<Option<Span>, TableId> =
            stored.map(|(place, table)| (Some(table.name.span), TableId(place))).collect();
        for declaration in files.iter().flat_map(|file| &file.declarations) {
            let Some((kind, name, version)) = head(declaration) else { continue };
            let node = nodes.add(kind, name, version, None, declaration.span, Some(declaration));
            nodes.places.push((declaration.span, node));
            if let Some(table) = stored.get(&name_span(declaration)).copied() {
                nodes.tables[table.0] = Some(node);
                nodes.add_columns(model, table, node);
            }
        }
        nodes.places.sort_by_key(|(span, _)| (span.file, span.start));
        for (place, table) in model.tables.iter().enumerate().filter(|(_, table)| table.is_derived()) {
            nodes.tables[place] = nodes.made_as(table.span);
        }
        nodes.label();
        nodes
    }

    fn add(
        &mut self,
        kind: Kind,
        name: String,
        version: u32,
        table: Option<NodeId>,
        span: Span,
        declared: Option<&'a Declaration>,
    ) -> NodeId {
        self.all.push(Node { kind, label: name.clone(), name, version, table, span });
        self.declared.push(declared);
        NodeId(self.all.len() - 1)
    }

    fn add_columns(&mut self, model: &Model, table: TableId, node: NodeId) {
        let owner = &model.tables[table.0];
        for (column, declared) in owner.columns.iter().enumerate().filter(|(_, column)| !column.internal) {
            let name = format!("{}.{}", owner.name.value, declared.name.value);
            let id = self.add(Kind::Column, name, owner.version, Some(node), declared.name.span, None);
            self.columns.insert(ColumnId { table, column }, id);
        }
    }

    /// The declaration that a table is made of as a whole. What metrics hold has the span of a part of them, and what is made of
    /// a source by the way that of the source.
    fn made_as(&self, span: Span) -> Option<NodeId> {
        let node = self.at(span)?;
        let made = matches!(self.all[node.0].kind, Kind::Subset | Kind::Session | Kind::Behaviour(_));
        (self.all[node.0].span == span && made).then_some(node)
    }

    /// The declaration that a place is in.
    pub fn at(&self, span: Span) -> Option<NodeId> {
        let before = self.places.partition_point(|(own, _)| (own.file, own.start) <= (span.file, span.start));
        let (own, node) = self.places[..before].last()?;
        (own.file == span.file && span.end <= own.end).then_some(*node)
    }

    /// Puts the version behind names that several versions have.
    fn label(&mut self) {
        let mut count: FxHashMap<(Kind, String), usize> = FxHashMap::default();
        for node in self.all.iter().filter(|node| node.kind != Kind::Test) {
            *count.entry((node.kind, node.name.clone())).or_default() += 1;
        }
        for node in &mut self.all {
            if count.get(&(node.kind, node.name.clone())).is_some_and(|count| *count > 1) {
                node.label = format!("{} v{}", node.name, node.version);
            }
        }
    }
}

/// What a declaration is; none for kinds that have no meaning yet.
pub(super) fn head(declaration: &Declaration) -> Option<(Kind, String, u32)> {
    let version = |written: &Option<Spanned<u32>>| written.as_ref().map_or(1, |version| version.value);
    Some(match &declaration.kind {
        DeclarationKind::Entity(table) => (Kind::Entity, table.name.value.clone(), version(&table.version)),
        DeclarationKind::Source(table) => (Kind::Source, table.name.value.clone(), version(&table.version)),
        DeclarationKind::Subset(subset) => (Kind::Subset, subset.name.value.clone(), version(&subset.version)),
        DeclarationKind::Dimension(one) => (Kind::Dimension, one.name.value.clone(), version(&one.version)),
        DeclarationKind::Hierarchy(one) => (Kind::Hierarchy, one.name.value.clone(), 1),
        DeclarationKind::Metric(metric) => (Kind::Metric, metric.name.value.clone(), version(&metric.version)),
        DeclarationKind::Test(test) => (Kind::Test, test.title.value.clone(), 1),
        DeclarationKind::Change(_) => return None,
        DeclarationKind::Block(block) => {
            let kind = match block.keyword.as_str() {
                "session" => Kind::Session,
                "calendar" => Kind::Calendar,
                "report" => Kind::Report,
                "quality" => Kind::Quality,
                "alert" => Kind::Alert,
                "slo" => Kind::Slo,
                "dashboard" => Kind::Dashboard,
                keyword => Kind::Behaviour(BEHAVIOURS.iter().find(|known| **known == keyword)?),
            };
            (kind, block.name.value.clone(), version(&block.version))
        }
    })
}

/// The place of the name of what declares a stored table.
fn name_span(declaration: &Declaration) -> Option<Span> {
    match &declaration.kind {
        DeclarationKind::Entity(one) | DeclarationKind::Source(one) => Some(one.name.span),
        DeclarationKind::Block(block) if block.keyword.value == "calendar" => Some(block.name.span),
        _ => None,
    }
}
