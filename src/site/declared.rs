//! The page of a declaration: what it is and says, what it is made of, and what uses it.

use std::collections::{BTreeMap, BTreeSet};

use minijinja::{Value, context};
use rustc_hash::FxHashMap;

use crate::catalog::Entry;
use crate::lineage::{Edge, Kind, NodeId, Role, Trace, show};
use crate::plan::Question;
use crate::sql;
use crate::types::{ColumnId, Sensitivity, Table, TableId, show_type};

use super::files::{self, path};
use super::template::{html, render};
use super::{Page, Site, drawing, language, text};

/// Pages of declarations lie one folder below the top.
const UP: &str = "../";

impl Site<'_> {
    /// The page of a declaration.
    pub fn page_of(&self, id: NodeId) -> Option<Page> {
        let (graph, node) = (self.graph, self.graph.node(id));
        let path = path(graph, id)?;
        let entry = self.entry(id);
        let above = graph.upstream(id, false);
        let users = graph.direct_users(id);
        let fine = graph.upstream(id, true);
        let near = show::joined([above.clone(), self.direct(id, &users)]);
        let label = format!("What {} is made of, and what uses it", node.label);
        let drawing = drawing::drawing(graph, &near, Some(id), UP, &label);
        let uses = self.listed(above.used_by(id).map(|edge| (edge.used, edge.roles.clone())));
        let users = self.listed(users.into_iter().map(|edge| (edge.user, edge.roles)));
        let chart = entry.filter(|entry| self.input.charts.contains_key(&entry.id));
        let chart =
            chart.and_then(|entry| self.chart_path(entry.id)).map(|path| files::encoded(&format!("{UP}{path}")));
        let (sql, no_sql) = entry.map_or((None, None), |entry| self.sql(entry));
        let place = show::place(graph, id, self.input.sources);
        let body = render(
            "declared",
            context! {
                kind => node.kind.word(),
                label => node.label.as_str(),
                titles => self.titles(id),
                place => place,
                doc => self.doc(id).map(|doc| html(text::markdown(doc))),
                facts => self.facts(id, entry),
                definition => html(self.definition(id, &fine)),
                chart => chart,
                drawing => drawing.map(html),
                uses => uses,
                columns => self.columns_above(id, &fine),
                own_columns => self.own_columns(id),
                users => users,
                tests => self.tests(id),
                told => self.told(id),
                sql => sql,
                no_sql => no_sql,
            },
        );
        Some(self.page(&path, &node.label, UP, body))
    }

    /// The titles in both languages, those that differ from the name.
    pub fn titles(&self, id: NodeId) -> Vec<Value> {
        let told = ["title", "title_en"].map(|key| self.item(id, key));
        let mut titles: Vec<&str> = Vec::new();
        for title in told.into_iter().flatten() {
            if !titles.contains(&title) {
                titles.push(title);
            }
        }
        titles.into_iter().map(|title| context! { text => title, lang => language(title) }).collect()
    }

    /// A node and what uses it directly.
    fn direct(&self, id: NodeId, users: &[Edge]) -> Trace {
        let shown: Vec<&Edge> = users.iter().filter(|edge| !self.graph.node(edge.user).kind.only_asks()).collect();
        let nodes = shown.iter().map(|edge| edge.user).chain([id]).collect();
        show::joined([Trace { nodes, edges: shown.into_iter().cloned().collect() }])
    }

    /// A definition with links to the pages of what it names.
    fn definition(&self, id: NodeId, fine: &Trace) -> String {
        let mut links: FxHashMap<String, String> = FxHashMap::default();
        for edge in fine.used_by(id) {
            let used = self.graph.node(edge.used);
            if let Some(link) = files::link(self.graph, edge.used, UP) {
                let name =
                    if used.kind == Kind::Column { used.name.rsplit('.').next() } else { Some(used.name.as_str()) };
                // Where a column and a declaration share a name, it is not sure which one is meant.
                let name = name.unwrap_or_default().to_owned();
                if links.remove(&name).is_none() {
                    links.insert(name, link);
                }
            }
        }
        links.remove(&self.graph.node(id).name);
        let span = self.graph.node(id).span;
        text::definition(self.input.sources.text(span), span, &links)
    }

    /// What is known of a declaration, as words and values.
    fn facts(&self, id: NodeId, entry: Option<&Entry>) -> Vec<Value> {
        let fact = |what: &str, text: String| context! { what => what, text => text };
        let mut facts = Vec::new();
        if let Some(entry) = entry {
            let told = [
                ("Tier", entry.tier.map(str::to_owned)),
                ("Owner", entry.owner.clone()),
                ("Unit", entry.unit.clone()),
                ("Better", entry.better.filter(|better| *better != "none").map(str::to_owned)),
                ("Grain", Some(entry.grain.join(", "))),
                ("Served", Some(entry.serve.join(", "))),
            ];
            facts.extend(told.into_iter().filter_map(|(what, text)| Some(fact(what, text?))));
            let by = &self.input.model.metrics[entry.id.0].by;
            let by: Vec<Value> = by
                .iter()
                .map(|by| {
                    let link = by.dimension().and_then(|id| self.graph.of_dimension(id));
                    let link = link.and_then(|node| files::link(self.graph, node, UP));
                    context! { text => by.name(&self.input.model.dimensions), link => link }
                })
                .collect();
            if !by.is_empty() {
                facts.push(context! { what => "Dimensions", links => by });
            }
            let growths = self.input.model.metrics[entry.id.0].compared.iter();
            let growths: Vec<String> = growths.map(|one| format!("{}.{}", entry.name, one.name)).collect();
            if !growths.is_empty() {
                facts.push(fact("Compared", growths.join(", ")));
            }
        } else if let Some(owner) = self.item(id, "owner") {
            facts.push(fact("Owner", owner.to_owned()));
        }
        if let Some((_, table)) = self.table(id) {
            facts.extend(table_facts(table).into_iter().map(|(what, text)| fact(what, text)));
        }
        let dimension = self.input.model.dimensions.iter().enumerate();
        let dimension =
            dimension.filter(|(place, _)| self.graph.of_dimension(crate::types::DimensionId(*place)) == Some(id));
        if let (Some((_, dimension)), Kind::Dimension) = (dimension.into_iter().next(), self.graph.node(id).kind) {
            facts.push(fact("Type", show_type(&dimension.ty.ty, &self.input.model.tables)));
        }
        facts
    }

    /// The stored table that a declaration declares.
    fn table(&self, id: NodeId) -> Option<(TableId, &Table)> {
        let span = self.graph.node(id).span;
        let mut tables = self.input.model.tables.iter().enumerate();
        let is_own = |table: &Table| {
            !table.is_derived()
                && span.file == table.name.span.file
                && (span.start..span.end).contains(&table.name.span.start)
        };
        tables
            .find(|(_, table)| self.graph.node(id).kind.is_table() && is_own(table))
            .map(|(at, table)| (TableId(at), table))
    }

    /// Nodes with what something is read for, by kind and name. Tests are told apart.
    fn listed(&self, all: impl Iterator<Item = (NodeId, Vec<Role>)>) -> Vec<Value> {
        let mut all: Vec<(NodeId, Vec<Role>)> = all.filter(|(id, _)| !self.graph.node(*id).kind.only_asks()).collect();
        let order = |id: NodeId| {
            let node = self.graph.node(id);
            (node.kind.word(), node.label.clone(), id)
        };
        all.sort_by_key(|(id, _)| order(*id));
        all.iter().map(|(id, roles)| self.reference(*id, roles)).collect()
    }

    /// A link to a node with its kind and titles.
    pub fn reference(&self, id: NodeId, roles: &[Role]) -> Value {
        let node = self.graph.node(id);
        let titles: Vec<Value> = if node.kind == Kind::Column { Vec::new() } else { self.titles(id) };
        context! {
            label => node.label.as_str(),
            kind => node.kind.word(),
            link => files::link(self.graph, id, UP),
            titles => titles,
            roles => show::words(roles),
        }
    }

    /// The stored columns that something is made of, by their tables.
    fn columns_above(&self, id: NodeId, fine: &Trace) -> Vec<Value> {
        if self.graph.node(id).kind.is_table() {
            return Vec::new();
        }
        let mut roles: BTreeMap<NodeId, BTreeSet<Role>> = BTreeMap::new();
        for edge in fine.edges.iter().filter(|edge| self.graph.node(edge.used).kind == Kind::Column) {
            roles.entry(edge.used).or_default().extend(&edge.roles);
        }
        let mut tables: BTreeMap<NodeId, Vec<Value>> = BTreeMap::new();
        for (column, roles) in roles {
            let Some(table) = self.graph.node(column).table else { continue };
            let roles: Vec<Role> = roles.into_iter().collect();
            tables.entry(table).or_default().push(self.reference(column, &roles));
        }
        let table = |(table, columns): (NodeId, Vec<Value>)| {
            context! { table => self.reference(table, &[]), columns => columns }
        };
        tables.into_iter().map(table).collect()
    }

    /// The columns of a table, with what reads them.
    fn own_columns(&self, id: NodeId) -> Vec<Value> {
        let Some((table_id, table)) = self.table(id) else { return Vec::new() };
        let columns = table.columns.iter().enumerate().filter(|(_, column)| !column.internal);
        let one = |(place, column): (usize, &crate::types::Column)| {
            let node = self.graph.of_column(ColumnId { table: table_id, column: place })?;
            let mut ty = show_type(&column.ty.ty, &self.input.model.tables);
            ty.push_str(if column.ty.nullable { "?" } else { "" });
            let unit = column.ty.unit.as_ref().filter(|unit| !unit.is_none()).map(ToString::to_string);
            let users = self.graph.direct_users(node);
            let users: Vec<Value> = (users.iter())
                .filter(|edge| !self.graph.node(edge.user).kind.only_asks() && edge.user != id)
                .map(|edge| self.reference(edge.user, &edge.roles))
                .collect();
            Some(context! {
                name => column.name.as_str(),
                anchor => files::anchor(self.graph, node),
                ty => ty,
                unit => unit,
                marks => marks(table, place),
                personal => column.ty.sensitivity == Sensitivity::Personal,
                computed => column.computed.as_ref().map(|value| crate::catalog::one_line(self.input.sources.text(value.span))),
                doc => column.doc.as_ref().map(|doc| html(text::markdown(doc))),
                users => users,
            })
        };
        columns.filter_map(one).collect()
    }

    /// The tests that ask for a metric, or that give rows of a table.
    fn tests(&self, id: NodeId) -> Vec<Value> {
        let users = self.graph.direct_users(id);
        let tests = users.iter().filter(|edge| self.graph.node(edge.user).kind == Kind::Test);
        let one = |edge: &Edge| {
            context! {
                title => self.graph.node(edge.user).label.as_str(),
                place => show::place(self.graph, edge.user, self.input.sources),
                roles => show::words(&edge.roles),
            }
        };
        tests.map(one).collect()
    }

    /// What tells people of a metric: alerts, objectives, reports, dashboards; and the rules of quality that look at it.
    fn told(&self, id: NodeId) -> Vec<Value> {
        let users = self.graph.direct_users(id);
        let tells = |kind: Kind| kind.only_asks() && kind != Kind::Test;
        let mut found: Vec<&Edge> = users.iter().filter(|edge| tells(self.graph.node(edge.user).kind)).collect();
        found.sort_by_key(|edge| (self.graph.node(edge.user).kind, edge.user));
        let one = |edge: &&Edge| {
            let summary = self.doc(edge.user).map(text::summary).unwrap_or_default();
            context! {
                label => self.graph.node(edge.user).label.as_str(),
                kind => self.graph.node(edge.user).kind.word(),
                titles => self.titles(edge.user),
                lang => language(&summary),
                summary => summary,
                place => show::place(self.graph, edge.user, self.input.sources),
            }
        };
        found.iter().map(one).collect()
    }

    /// The SELECT of a metric by its own dimensions from the sources, or why there is none.
    fn sql(&self, entry: &Entry) -> (Option<String>, Option<String>) {
        let by = self.input.model.metrics[entry.id.0].by.clone();
        let query = match self.lowering.lower(&Question { by, ..Question::of(vec![entry.id]) }) {
            Ok(query) => query,
            Err(why) => return (None, why.into_iter().next().map(|why| why.message)),
        };
        match sql::select(&query, &sql::CLICKHOUSE, &sql::Options::default()) {
            Ok(select) => (Some(sql::to_text(&select, &sql::CLICKHOUSE)), None),
            Err(why) => (None, why.first().map(|why| format!("{}: {}", why.construct, why.reason))),
        }
    }
}

/// What a column is to the rows of its table.
fn marks(table: &Table, column: usize) -> Vec<&'static str> {
    let told = [
        ("key", table.key.contains(&column)),
        ("latest by", table.latest_by == Some(column)),
        ("time", table.time == Some(column)),
        ("arrived", table.arrived == Some(column)),
    ];
    told.into_iter().filter(|(_, is)| *is).map(|(word, _)| word).collect()
}

/// What a table says of its rows.
fn table_facts(table: &Table) -> Vec<(&'static str, String)> {
    let name = |column: usize| table.columns[column].name.value.clone();
    let days = |ms: i64| if ms % 86_400_000 == 0 { format!("{}d", ms / 86_400_000) } else { format!("{}s", ms / 1000) };
    let key: Vec<String> = table.key.iter().map(|column| name(*column)).collect();
    let told = [
        ("Table", Some(table.physical.clone())),
        ("Key", (!key.is_empty()).then(|| key.join(", "))),
        ("Latest by", table.latest_by.map(name)),
        ("Time", table.time.map(name)),
        ("Arrived", table.arrived.map(name)),
        ("Lateness", table.lateness.map(days)),
        ("Revised", table.revised.map(days)),
        ("Retained", table.retain.map(days)),
        ("Topic", table.stream.as_ref().map(|stream| stream.topic.clone())),
        ("Sample", table.sample.clone()),
    ];
    told.into_iter().filter_map(|(what, text)| Some((what, text?))).collect()
}
