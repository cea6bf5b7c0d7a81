//! Heads of declarations: what stands before the braces.

use super::{Builder, expr::Place};
use crate::{
    diagnostic::Spanned,
    error,
    syntax::{
        ast::{Block, Change, Dimension, Hierarchy, Metric, Name, Path, Subset, Table},
        grammar::{Node, Rule},
    },
};

/// The title of a test and the metrics that it asks.
pub type TestHead = (Spanned<String>, Vec<(Path, Option<Spanned<u32>>)>);

impl Builder<'_> {
    /// `metric NAME [vN] = FORMULA`
    pub fn metric(&mut self, node: Node<'_>) -> Option<Metric> {
        let (name, version, expr) = self.defined(node)?;
        Some(Metric { name, version, formula: self.expr(expr, Place::Formula)?, items: Vec::new() })
    }

    /// `subset NAME [vN] = ROWSET`
    pub fn subset(&mut self, node: Node<'_>) -> Option<Subset> {
        let (name, version, expr) = self.defined(node)?;
        Some(Subset { name, version, rows: self.rows(expr)?, items: Vec::new() })
    }

    /// `KIND NAME [vN] = expr`
    fn defined<'t>(&mut self, node: Node<'t>) -> Option<(Name, Option<Spanned<u32>>, Node<'t>)> {
        let mut name = None;
        let mut version = None;
        let mut expr = None;
        for inner in node.into_inner() {
            match inner.as_rule() {
                Rule::ident => name = Some(self.name(&inner)),
                Rule::version => version = Some(self.version(&inner)?),
                Rule::expr => expr = Some(inner),
                _ => {}
            }
        }
        Some((name?, version, expr?))
    }

    /// `dimension NAME [vN] [: T] [on R] = e {| e} [else e]`
    pub fn dimension(&mut self, node: Node<'_>) -> Option<Dimension> {
        let mut name = None;
        let mut version = None;
        let mut ty = None;
        let mut on = None;
        let mut bindings = Vec::new();
        let mut otherwise = None;
        for inner in node.into_inner() {
            match inner.as_rule() {
                Rule::ident => name = Some(self.name(&inner)),
                Rule::version => version = Some(self.version(&inner)?),
                Rule::typ => ty = Some(self.ty(inner)?),
                Rule::path => on = Some(self.path(&inner)?),
                Rule::expr if bindings.is_empty() => {
                    let nodes: Vec<Node<'_>> = inner.into_inner().collect();
                    for binding in nodes.split(|n| n.as_rule() == Rule::bar) {
                        bindings.push(self.flat(binding, Place::Row)?);
                    }
                }
                Rule::expr => otherwise = Some(self.expr(inner, Place::Row)?),
                _ => {}
            }
        }
        Some(Dimension { name: name?, version, ty, on, bindings, otherwise, items: Vec::new() })
    }

    /// `hierarchy NAME = a > b > c`
    pub fn hierarchy(&mut self, node: Node<'_>) -> Option<Hierarchy> {
        let mut name = None;
        let mut levels = Vec::new();
        for inner in node.into_inner() {
            match inner.as_rule() {
                Rule::ident => name = Some(self.name(&inner)),
                Rule::path => levels.push(self.path(&inner)?),
                _ => {}
            }
        }
        Some(Hierarchy { name: name?, levels, items: Vec::new() })
    }

    /// `change NAME vN -> vM`
    pub fn change(&mut self, node: Node<'_>) -> Option<Change> {
        let mut name = None;
        let mut versions = Vec::new();
        for inner in node.into_inner() {
            match inner.as_rule() {
                Rule::path => name = Some(self.path(&inner)?),
                Rule::version => versions.push(self.version(&inner)?),
                _ => {}
            }
        }
        let (to, from) = (versions.pop()?, versions.pop()?);
        Some(Change { name: name?, from, to, items: Vec::new() })
    }

    /// `test "…" of m, n v2`
    pub fn test(&mut self, node: Node<'_>) -> Option<TestHead> {
        let mut title = None;
        let mut metrics = Vec::new();
        for inner in node.into_inner() {
            match inner.as_rule() {
                Rule::string => title = Some(self.string(&inner)),
                Rule::named => metrics.push(self.named(inner)?),
                _ => {}
            }
        }
        Some((title?, metrics))
    }

    /// `entity NAME`
    pub fn table(&mut self, node: Node<'_>) -> Option<Table> {
        let block = self.block(node)?;
        Some(Table { name: block.name, version: block.version, items: Vec::new(), columns: Vec::new() })
    }

    /// `KIND NAME [vN] [of E [per D] | on N]`
    pub fn block(&mut self, node: Node<'_>) -> Option<Block> {
        let mut keyword = None;
        let mut name = None;
        let mut version = None;
        let mut of = None;
        let mut on = None;
        let mut after_on = false;
        for inner in node.into_inner() {
            match inner.as_rule() {
                Rule::word => keyword = Some(self.name(&inner)),
                Rule::ident => name = Some(self.name(&inner)),
                Rule::version => version = Some(self.version(&inner)?),
                Rule::k_on => after_on = true,
                Rule::path if after_on => on = Some(self.path(&inner)?),
                Rule::path => of = Some((self.path(&inner)?, Vec::new())),
                Rule::keys => of = Some((of?.0, self.keys(inner)?)),
                _ => {}
            }
        }
        Some(Block { keyword: keyword?, name: name?, version, of, on, items: Vec::new() })
    }

    /// `given TABLE`
    pub fn given(&mut self, node: Node<'_>) -> Option<Path> {
        let span = self.span(&node);
        match node.into_inner().find(|n| n.as_rule() == Rule::path) {
            Some(path) => self.path(&path),
            None => self.tell(error!(E0103, span, "`given` names no table"; help: "write `given event {{ … }}`")),
        }
    }
}
