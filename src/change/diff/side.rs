//! The two sides of a comparison, and what each declares.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::caliber::{Caliber, Fingerprint, Lock, Parts, Settings};
use crate::diagnostic::Span;
use crate::lineage::{Graph, Kind, Node, NodeId};
use crate::project::SourceMap;
use crate::resolve::Space;
use crate::syntax::ast::{self, DeclarationKind};
use crate::types::Model;

/// A side: a program without errors, or what a lock says of one.
#[derive(Clone, Copy, Debug)]
pub enum Side<'a> {
    /// A program.
    Program(Program<'a>),
    /// A lock.
    Lock(&'a Lock),
}

/// A program with all that was found out about it.
#[derive(Clone, Copy, Debug)]
pub struct Program<'a> {
    /// Its syntax trees.
    pub files: &'a [Arc<ast::File>],
    /// As it was understood.
    pub model: &'a Model,
    /// What everything means.
    pub calibers: &'a [Caliber],
    /// What the configuration adds.
    pub settings: &'a Settings,
    /// Its texts.
    pub sources: &'a SourceMap,
}

/// What a side says of one version of a name.
#[derive(Clone, Copy, Debug)]
pub struct Declared<'a> {
    pub kind: Kind,
    pub name: &'a str,
    pub version: u32,
    pub own: Fingerprint,
    pub effective: Fingerprint,
    pub form: &'a [String],
    /// Where its name stands, in a program.
    pub span: Option<Span>,
}

impl Declared<'_> {
    /// The name, with the version where there is more than the first.
    pub fn label(&self) -> String {
        label(self.name, self.version)
    }
}

/// The name, with the version where that is not the first.
pub fn label(name: &str, version: u32) -> String {
    if version == 1 { name.to_owned() } else { format!("{name} v{version}") }
}

impl<'a> Side<'a> {
    /// The program, if it is one.
    pub fn program(self) -> Option<Program<'a>> {
        match self {
            Side::Program(program) => Some(program),
            Side::Lock(_) => None,
        }
    }

    /// Time zone and first day of the week.
    pub fn settings(self) -> &'a Settings {
        match self {
            Side::Program(program) => program.settings,
            Side::Lock(lock) => &lock.settings,
        }
    }

    /// All that it declares, sorted by kind, name and version.
    pub fn declared(self) -> Vec<Declared<'a>> {
        match self {
            Side::Program(program) => (program.calibers.iter())
                .map(|one| Declared {
                    kind: one.kind,
                    name: &one.name,
                    version: one.version,
                    own: one.own,
                    effective: one.effective,
                    form: &one.form,
                    span: Some(one.span),
                })
                .collect(),
            Side::Lock(lock) => {
                let one = |one: &'a crate::caliber::Locked| Declared {
                    kind: one.kind,
                    name: &one.name,
                    version: one.version,
                    own: one.own,
                    effective: one.effective,
                    form: &one.form,
                    span: None,
                };
                let mut all: Vec<Declared<'a>> = lock.calibers.iter().map(one).collect();
                all.sort_by_key(|one| (one.kind, one.name, one.version));
                all
            }
        }
    }

    /// The version that a name means, of several that are declared.
    pub fn current(self, versions: &[Declared<'a>]) -> Declared<'a> {
        let newest = versions[versions.len() - 1];
        let pinned = self.program().and_then(|program| {
            let name = newest.name.split('.').next().unwrap_or(newest.name);
            program.model.pins.of(space(newest.kind)?, if newest.kind == Kind::Column { name } else { newest.name })
        });
        versions.iter().find(|one| Some(one.version) == pinned).copied().unwrap_or(newest)
    }
}

fn space(kind: Kind) -> Option<Space> {
    match kind {
        Kind::Source | Kind::Entity | Kind::Column | Kind::Subset | Kind::Session => Some(Space::Rows),
        Kind::Dimension => Some(Space::Dimension),
        Kind::Metric | Kind::Behaviour(_) => Some(Space::Metric),
        Kind::Calendar
        | Kind::Hierarchy
        | Kind::Test
        | Kind::Report
        | Kind::Quality
        | Kind::Alert
        | Kind::Slo
        | Kind::Dashboard => None,
    }
}

/// Where the parts of a program are, by the places of their names.
pub struct Places<'a> {
    program: Program<'a>,
    declarations: FxHashMap<Span, &'a ast::Declaration>,
    parts: Parts<'a>,
}

impl<'a> Places<'a> {
    /// Of a program.
    pub fn of(program: Program<'a>) -> Places<'a> {
        let all = program.files.iter().flat_map(|file| &file.declarations);
        let declarations = all.filter_map(|one| Some((name(&one.kind)?.span, one))).collect();
        Places { program, declarations, parts: Parts::new(program.model) }
    }

    /// The program.
    pub fn program(&self) -> Program<'a> {
        self.program
    }

    /// A declaration by the place of its name.
    pub fn declaration(&self, name: Span) -> Option<&'a ast::Declaration> {
        self.declarations.get(&name).copied()
    }

    /// The parts of its model.
    pub fn parts(&self) -> &Parts<'a> {
        &self.parts
    }
}

/// The graph of a program, with its nodes by what they are called.
pub struct Nodes<'a> {
    pub graph: &'a Graph,
    nodes: FxHashMap<(Kind, &'a str, u32), NodeId>,
}

impl<'a> Nodes<'a> {
    /// Of a graph.
    pub fn of(graph: &'a Graph) -> Nodes<'a> {
        let key = |(id, node): (NodeId, &'a Node)| ((node.kind, node.name.as_str(), node.version), id);
        Nodes { graph, nodes: graph.all().map(key).collect() }
    }

    /// The node of a declaration in the graph.
    pub fn node(&self, kind: Kind, name: &str, version: u32) -> Option<NodeId> {
        let own = self.nodes.get(&(kind, name, version)).copied();
        // In the graph a session has no columns, and a calendar those of its table and not its steps.
        let of = |kind: Kind| self.nodes.get(&(kind, name.split_once('.')?.0, version)).copied();
        own.or_else(|| of(Kind::Session)).or_else(|| of(Kind::Calendar))
    }
}

fn name(of: &DeclarationKind) -> Option<&ast::Name> {
    Some(match of {
        DeclarationKind::Entity(one) | DeclarationKind::Source(one) => &one.name,
        DeclarationKind::Subset(one) => &one.name,
        DeclarationKind::Dimension(one) => &one.name,
        DeclarationKind::Metric(one) => &one.name,
        DeclarationKind::Block(one) => &one.name,
        DeclarationKind::Hierarchy(_) | DeclarationKind::Test(_) | DeclarationKind::Change(_) => return None,
    })
}
