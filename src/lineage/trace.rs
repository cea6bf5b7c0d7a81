//! Ways through the graph: what something is made of, what uses it, and by which way.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use rustc_hash::FxHashSet;

use super::{Graph, Kind, NodeId, Role};

/// That one node reads another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    /// What reads.
    pub user: NodeId,
    /// What is read.
    pub used: NodeId,
    /// For what; sorted.
    pub roles: Vec<Role>,
}

/// A part of the graph that belongs to one node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// The nodes of it, the one that was asked for among them, sorted.
    pub nodes: Vec<NodeId>,
    /// How they read each other, sorted by user.
    pub edges: Vec<Edge>,
}

impl Trace {
    /// What a node reads, and what for.
    pub fn used_by(&self, user: NodeId) -> impl Iterator<Item = &Edge> {
        self.edges.iter().filter(move |edge| edge.user == user)
    }

    /// What reads a node.
    pub fn users_of(&self, used: NodeId) -> impl Iterator<Item = &Edge> {
        self.edges.iter().filter(move |edge| edge.used == used)
    }
}

/// A node that an edit of another one touches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Touched {
    /// It.
    pub node: NodeId,
    /// The shortest way to it: what is edited first, then what stands between, then the node.
    pub path: Vec<NodeId>,
    /// What the edited one is read for by what stands behind it on this way.
    pub roles: Vec<Role>,
}

/// Which way a walk goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Up,
    Down,
}

impl Graph {
    /// All that a node is made of. With `columns`, they are nodes of their own; else they stand for their table.
    pub fn upstream(&self, node: NodeId, columns: bool) -> Trace {
        let starts = match self.node(node).kind {
            // A column is what it is computed from, and a table no more than itself.
            Kind::Column => self.items_of(&[node]),
            kind if kind.is_table() && !columns => return Trace { nodes: vec![node], edges: Vec::new() },
            _ => self.declared(node),
        };
        let (order, _) = self.walk(&starts, Way::Up);
        self.collapse(node, &order, columns)
    }

    /// All that uses a node, directly or by way of others.
    pub fn downstream(&self, node: NodeId, columns: bool) -> Trace {
        let starts = self.items_of(&self.with_columns(node));
        let (order, _) = self.walk(&starts, Way::Down);
        self.collapse(node, &order, columns)
    }

    /// What uses a node, directly or by way of others, without how; columns among it, sorted.
    pub fn below(&self, node: NodeId) -> Vec<NodeId> {
        let mut open = self.items_of(&self.with_columns(node));
        let mut seen: FxHashSet<usize> = open.iter().copied().collect();
        let mut found = BTreeSet::new();
        while let Some(item) = open.pop() {
            found.extend(self.owners[item].filter(|owner| *owner != node));
            open.extend(self.read_by[item].iter().map(|(user, _)| *user).filter(|user| seen.insert(*user)));
        }
        found.into_iter().filter(|found| self.node(*found).table != Some(node)).collect()
    }

    /// Every declaration, with columns as their tables.
    pub fn whole(&self) -> Trace {
        let all: Vec<usize> = (0..self.items.len()).collect();
        let first = self.nodes.first().map(|_| NodeId(0));
        first.map_or_else(Trace::default, |first| self.collapse(first, &all, false))
    }

    /// What names a node without anything between, each with what for; a table is used through its columns, too.
    pub fn direct_users(&self, node: NodeId) -> Vec<Edge> {
        let own = self.with_columns(node);
        let mut found: BTreeMap<NodeId, BTreeSet<Role>> = BTreeMap::new();
        for item in self.items_of(&own) {
            self.named_users(item, |user, role| {
                if !own.contains(&user) {
                    found.entry(user).or_default().insert(role);
                }
            });
        }
        let edge =
            |(user, roles): (NodeId, BTreeSet<Role>)| Edge { user, used: node, roles: roles.into_iter().collect() };
        found.into_iter().map(edge).collect()
    }

    /// Whatever an edit of a declaration or column touches, in the order of nodes; what is of itself is left out.
    pub fn impact(&self, of: NodeId) -> Vec<Touched> {
        let own = self.with_columns(of);
        let starts = self.items_of(&own);
        let (order, before) = self.walk(&starts, Way::Down);
        let table = self.node(of).table;
        let is_other = |node: &NodeId| !own.contains(node) && Some(*node) != table;
        let mut found: BTreeMap<NodeId, Touched> = BTreeMap::new();
        for item in &order {
            let Some(node) = self.owners[*item].filter(is_other) else { continue };
            let touched = self.path(*item, &before, of);
            let shorter = found.get(&node).is_none_or(|known| touched.path.len() < known.path.len());
            if shorter {
                found.insert(node, touched);
            }
        }
        for touched in found.values_mut() {
            let first = touched.path.iter().position(is_other).unwrap_or(1);
            touched.roles = self.roles_between(touched.path[first], touched.path[first - 1]);
        }
        found.into_values().collect()
    }

    /// The way that led to an item, in nodes.
    fn path(&self, item: usize, before: &[Option<usize>], start: NodeId) -> Touched {
        let mut path = Vec::new();
        let mut at = Some(item);
        while let Some(item) = at {
            if let Some(node) = self.owners[item].filter(|node| path.last() != Some(node)) {
                path.push(node);
            }
            at = before[item];
        }
        if path.last() != Some(&start) {
            path.push(start);
        }
        path.reverse();
        Touched { node: path[path.len() - 1], path, roles: Vec::new() }
    }

    /// What a node reads another one for, without anything between that has a name.
    fn roles_between(&self, user: NodeId, used: NodeId) -> Vec<Role> {
        let mut roles = BTreeSet::new();
        for item in self.items_of(&[user]) {
            self.named_reads(item, |node, role| {
                if node == used {
                    roles.insert(role);
                }
            });
        }
        roles.into_iter().collect()
    }

    fn with_columns(&self, node: NodeId) -> Vec<NodeId> {
        let columns = self.columns_of(node).map(|(column, _)| column);
        std::iter::once(node).chain(columns).collect()
    }

    fn declared(&self, node: NodeId) -> Vec<usize> {
        let own = self.owned[node.0].iter().copied();
        own.filter(|item| self.items[*item] == super::Item::Declared(node)).collect()
    }

    fn items_of(&self, nodes: &[NodeId]) -> Vec<usize> {
        nodes.iter().flat_map(|node| self.owned[node.0].iter().copied()).collect()
    }

    /// The items that are reached, nearest first, and from which each was.
    fn walk(&self, starts: &[usize], way: Way) -> (Vec<usize>, Vec<Option<usize>>) {
        let mut before = vec![None; self.items.len()];
        let mut seen = vec![false; self.items.len()];
        let mut open: VecDeque<usize> = VecDeque::new();
        for start in starts {
            seen[*start] = true;
            open.push_back(*start);
        }
        let next = if way == Way::Up { &self.reads } else { &self.read_by };
        let mut order = Vec::new();
        while let Some(item) = open.pop_front() {
            order.push(item);
            for (other, _) in &next[item] {
                if !std::mem::replace(&mut seen[*other], true) {
                    before[*other] = Some(item);
                    open.push_back(*other);
                }
            }
        }
        (order, before)
    }

    /// Calls `visit` for the nodes that an item reads by way of rows without a name, and for what.
    fn named_reads(&self, item: usize, mut visit: impl FnMut(NodeId, Role)) {
        let mut open: Vec<(usize, Option<Role>)> = vec![(item, None)];
        let mut seen = BTreeSet::new();
        while let Some((at, first)) = open.pop() {
            for (other, role) in &self.reads[at] {
                // What rows without a name read says what for, unless that is no more than that it is theirs.
                let role = match role {
                    Role::Value | Role::Rows => first.unwrap_or(*role),
                    _ => *role,
                };
                match self.owners[*other] {
                    Some(node) => visit(node, role),
                    None if seen.insert((*other, role)) => open.push((*other, Some(role))),
                    None => {}
                }
            }
        }
    }

    /// Calls `visit` for the nodes that read an item by way of rows without a name, and for what: the other end of
    /// [`Graph::named_reads`].
    fn named_users(&self, item: usize, mut visit: impl FnMut(NodeId, Role)) {
        let mut open: Vec<(usize, Option<Role>)> = vec![(item, None)];
        let mut seen = BTreeSet::new();
        while let Some((at, told)) = open.pop() {
            for (other, role) in &self.read_by[at] {
                let role = match told {
                    Some(told) if !matches!(told, Role::Value | Role::Rows) => told,
                    _ => *role,
                };
                match self.owners[*other] {
                    Some(node) => visit(node, role),
                    None if seen.insert((*other, role)) => open.push((*other, Some(role))),
                    None => {}
                }
            }
        }
    }

    /// The nodes of the items that were reached, and how they read each other.
    fn collapse(&self, root: NodeId, reached: &[usize], columns: bool) -> Trace {
        let shown = |node: NodeId| if columns { node } else { self.node(node).table.unwrap_or(node) };
        let mut nodes: BTreeSet<NodeId> = reached.iter().filter_map(|item| self.owners[*item]).map(shown).collect();
        nodes.insert(root);
        let mut edges: BTreeMap<(NodeId, NodeId), BTreeSet<Role>> = BTreeMap::new();
        for item in reached {
            let Some(user) = self.owners[*item] else { continue };
            self.named_reads(*item, |used, role| {
                let (user, used) = (shown(user), shown(used));
                if user != used && nodes.contains(&used) && nodes.contains(&user) {
                    edges.entry((user, used)).or_default().insert(role);
                }
            });
        }
        let edge = |((user, used), roles): ((NodeId, NodeId), BTreeSet<Role>)| Edge {
            user,
            used,
            roles: roles.into_iter().collect(),
        };
        Trace { nodes: nodes.into_iter().collect(), edges: edges.into_iter().map(edge).collect() }
    }
}
