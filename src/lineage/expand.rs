//! What each item reads: declarations, formulas and dimensions. Rows and columns are in `rows`.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::diagnostic::{Diagnostics, Span};
use crate::resolve::{Names, RowName};
use crate::syntax::ast::{self, DeclarationKind};
use crate::types::{
    ColumnId, DimFilter, DimensionId, Domain, Formula, FormulaKind, Grain, MetricId, MetricPer, Model, Movement,
    Nested, NestedKey, Subject, TableId, TableKind,
};
use crate::value::{Span as Length, Step, Window};

use super::nodes::Nodes;
use super::{Graph, Item, Kind, NodeId, Role, names};

/// What an item reads, and what for.
pub type Reads = Vec<(Item, Role)>;

/// The program that is looked through.
pub struct Program<'a> {
    pub model: &'a Model,
    pub nodes: Nodes<'a>,
    /// The metrics of each node; comparisons are with their metric.
    metrics: FxHashMap<NodeId, Vec<MetricId>>,
    /// The node of each metric.
    metric_nodes: Vec<NodeId>,
    dimension_nodes: Vec<Option<NodeId>>,
    /// The dimensions of each node: a table of behaviour has several.
    dimensions: FxHashMap<NodeId, Vec<DimensionId>>,
    /// The tables of each node: what it stores, and what it makes.
    tables: FxHashMap<NodeId, Vec<TableId>>,
    /// The subsets that each declaration names, by their places in the model, with their nodes.
    pub named: FxHashMap<NodeId, Vec<(usize, NodeId)>>,
    /// The subset that a node is, by its place in the model.
    declared_subsets: FxHashMap<NodeId, usize>,
    /// Subsets with conditions of their own, by the tables that their rows are of.
    pub subsets: FxHashMap<TableId, Vec<(usize, NodeId)>>,
    /// The metrics that experiments measure.
    measured: FxHashMap<NodeId, Vec<MetricId>>,
    /// Whether some formula looks something up across dimensions.
    looks_across: bool,
}

/// The graph of a program.
pub fn graph(files: &[Arc<ast::File>], model: &Model) -> Graph {
    let program = Program::new(files, model);
    let mut made = Making { items: Vec::new(), places: FxHashMap::default(), reads: Vec::new() };
    for (place, node) in program.nodes.all.iter().enumerate() {
        if node.kind != Kind::Column {
            made.place(Item::Declared(NodeId(place)));
        }
    }
    let mut next = 0;
    while next < made.items.len() {
        let reads = program.reads(made.items[next]);
        let mut placed: Vec<(usize, Role)> = reads.into_iter().map(|(item, role)| (made.place(item), role)).collect();
        placed.sort_unstable();
        placed.dedup();
        made.reads.push(placed);
        next += 1;
    }
    let mut read_by = vec![Vec::new(); made.items.len()];
    for (from, reads) in made.reads.iter().enumerate() {
        reads.iter().for_each(|(to, role)| read_by[*to].push((from, *role)));
    }
    let owners: Vec<Option<NodeId>> = made.items.iter().map(|item| program.owner(*item)).collect();
    let mut owned = vec![Vec::new(); program.nodes.all.len()];
    for (item, owner) in owners.iter().enumerate() {
        owner.iter().for_each(|owner| owned[owner.0].push(item));
    }
    let Program { nodes, metric_nodes, dimension_nodes, .. } = program;
    Graph {
        nodes: nodes.all,
        items: made.items,
        owners,
        owned,
        reads: made.reads,
        read_by,
        metrics: metric_nodes,
        dimensions: dimension_nodes,
        columns: nodes.columns,
    }
}

/// What each node has, in order.
fn by_node<T>(owners: &[Option<NodeId>], id: fn(usize) -> T) -> FxHashMap<NodeId, Vec<T>> {
    let mut all: FxHashMap<NodeId, Vec<T>> = FxHashMap::default();
    for (place, owner) in owners.iter().enumerate() {
        owner.iter().for_each(|node| all.entry(*node).or_default().push(id(place)));
    }
    all
}

fn looks_across(formula: &Formula) -> bool {
    let mut found = false;
    formula.walk(&mut |part| found |= matches!(part.kind, FormulaKind::Across { .. }));
    found
}

/// The items that were met so far.
struct Making {
    items: Vec<Item>,
    places: FxHashMap<Item, usize>,
    reads: Vec<Vec<(usize, Role)>>,
}

impl Making {
    fn place(&mut self, item: Item) -> usize {
        *self.places.entry(item).or_insert_with(|| {
            self.items.push(item);
            self.items.len() - 1
        })
    }
}

impl<'a> Program<'a> {
    fn new(files: &'a [Arc<ast::File>], model: &'a Model) -> Program<'a> {
        let nodes = Nodes::of(files, model);
        // What is wrong with the names has been told: the program has no errors.
        let mut names = Names::collect(files, &mut Diagnostics::new());
        names.pins = model.pins.clone();
        let mut metrics: FxHashMap<NodeId, Vec<MetricId>> = FxHashMap::default();
        let mut metric_nodes = Vec::with_capacity(model.metrics.len());
        for (place, metric) in model.metrics.iter().enumerate() {
            let node = nodes.at(metric.name.span).unwrap_or(NodeId(0));
            metrics.entry(node).or_default().push(MetricId(place));
            metric_nodes.push(node);
        }
        let dimension_nodes: Vec<Option<NodeId>> =
            model.dimensions.iter().map(|dimension| nodes.at(dimension.span)).collect();
        let dimensions = by_node(&dimension_nodes, DimensionId);
        let tables = by_node(&nodes.tables, TableId);
        let mut program = Program {
            model,
            nodes,
            metrics,
            metric_nodes,
            dimension_nodes,
            dimensions,
            tables,
            named: FxHashMap::default(),
            declared_subsets: FxHashMap::default(),
            subsets: FxHashMap::default(),
            measured: FxHashMap::default(),
            looks_across: model.metrics.iter().any(|metric| looks_across(&metric.formula)),
        };
        program.name(&names);
        for (place, subset) in model.subsets.iter().enumerate() {
            let Some(node) = program.nodes.at(subset.name.span) else { continue };
            program.declared_subsets.entry(node).or_insert(place);
            if !subset.rows.filters.is_empty() {
                program.subsets.entry(subset.rows.base).or_default().push((place, node));
            }
        }
        program
    }

    /// Notes what each declaration names.
    fn name(&mut self, names: &Names<'_>) {
        let known = self.model.subsets.iter().enumerate().rev().map(|(place, subset)| (subset.name.span, place));
        let known: FxHashMap<Span, usize> = known.collect();
        let of_subset = |place: usize| {
            let wanted = names.subsets[place].syntax.name.span;
            Some((known.get(&wanted).copied()?, self.nodes.at(wanted)?))
        };
        let subsets: Vec<Option<(usize, NodeId)>> = (0..names.subsets.len()).map(of_subset).collect();
        let of_metric = |place: usize| {
            let wanted = names.metrics[place].syntax.name.span;
            self.model.metrics.iter().position(|metric| metric.name.span == wanted).map(MetricId)
        };
        for (place, declaration) in self.nodes.declared.iter().enumerate() {
            let Some(declaration) = declaration else { continue };
            let named = names::row_sets(declaration, names).into_iter().filter_map(|name| match name {
                RowName::Subset(subset) => subsets[subset],
                RowName::Table(_) | RowName::Session(_) => None,
            });
            self.named.insert(NodeId(place), named.collect());
            if let DeclarationKind::Block(block) = &declaration.kind {
                let measured = names::measured(block, names).into_iter().filter_map(of_metric);
                self.measured.insert(NodeId(place), measured.collect());
            }
        }
    }

    /// The node that an item is of.
    fn owner(&self, item: Item) -> Option<NodeId> {
        match item {
            Item::Declared(node) => Some(node),
            Item::Formula(metric) => Some(self.metric_nodes[metric.0]),
            Item::Column(id) if self.model.table(id.table).is_derived() => {
                // What a table holds for the sake of dimensions is theirs.
                let internal = self.model.table(id.table).columns[id.column].internal;
                self.nodes.tables[id.table.0].filter(|_| !internal)
            }
            Item::Column(id) => self.nodes.columns.get(&id).copied(),
            Item::Table(table) | Item::Rows(table) => self.nodes.tables[table.0],
            Item::Bound(dimension, _) => self.dimension_nodes[dimension.0],
        }
    }

    fn reads(&self, item: Item) -> Reads {
        let mut reads = Reads::new();
        match item {
            Item::Declared(node) => self.of_declaration(node, &mut reads),
            Item::Formula(id) => {
                let metric = &self.model.metrics[id.0];
                self.of_formula(&metric.formula, self.metric_nodes[id.0], &mut Vec::new(), &mut reads);
            }
            Item::Column(id) => self.of_column(id, &mut reads),
            Item::Table(_) => {}
            Item::Rows(table) => self.of_table(table, &mut reads),
            Item::Bound(dimension, table) => {
                if let Ok(value) = self.model.bind(dimension, table) {
                    self.of_expr(&value, Role::Value, self.over(table, None), &mut reads);
                }
            }
        }
        reads
    }

    fn of_declaration(&self, node: NodeId, reads: &mut Reads) {
        match self.nodes.all[node.0].kind {
            Kind::Metric => {
                for id in self.metrics.get(&node).into_iter().flatten() {
                    self.of_metric(*id, reads);
                }
            }
            Kind::Subset => {
                if let Some(subset) = self.declared_subsets.get(&node) {
                    self.of_rows(&self.model.subsets[*subset].rows, Some(node), reads);
                }
            }
            Kind::Dimension => {
                for id in self.dimensions.get(&node).into_iter().flatten() {
                    self.of_dimension(*id, reads);
                }
            }
            Kind::Hierarchy => {
                let named = self.model.hierarchies.iter();
                let own = named.filter(|hierarchy| self.nodes.at(hierarchy.name.span) == Some(node));
                let levels = own.flat_map(|hierarchy| &hierarchy.levels);
                let levels = levels.filter_map(|level| self.dimension_nodes[level.0]);
                reads.extend(levels.map(|dimension| (Item::Declared(dimension), Role::Level)));
            }
            Kind::Test => self.of_test(node, reads),
            Kind::Report => self.of_report(node, reads),
            Kind::Quality => self.of_quality(node, reads),
            Kind::Alert => self.of_alert(node, reads),
            Kind::Slo => self.of_slo(node, reads),
            Kind::Dashboard => self.of_dashboard(node, reads),
            Kind::Source | Kind::Entity | Kind::Calendar | Kind::Session | Kind::Behaviour(_) => {
                self.of_tables(node, reads);
            }
            Kind::Column => {}
        }
    }

    /// Whatever a declaration makes or stores. What a table of behaviour holds in case somebody asks for it is not of its making.
    fn of_tables(&self, node: NodeId, reads: &mut Reads) {
        let shown = self.shown_by(node);
        for table in self.tables.get(&node).into_iter().flatten().copied() {
            reads.push((Item::Rows(table), Role::Rows));
            let columns = self.model.table(table).columns.iter().enumerate().filter(|(_, column)| !column.internal);
            reads.extend(columns.map(|(column, _)| (Item::Column(ColumnId { table, column }), Role::Value)));
            reads.extend(shown.iter().map(|dimension| (Item::Bound(*dimension, table), Role::Group)));
        }
        let measured = self.measured.get(&node).into_iter().flatten();
        reads.extend(measured.map(|metric| (Item::Formula(*metric), Role::Value)));
    }

    /// The dimensions that a block names: `by: channel`, `per channel`, and what is credited.
    fn shown_by(&self, node: NodeId) -> Vec<DimensionId> {
        let Some(DeclarationKind::Block(block)) = self.nodes.declared[node.0].map(|declaration| &declaration.kind)
        else {
            return Vec::new();
        };
        let mut names: Vec<&str> = Vec::new();
        for item in &block.items {
            let ast::ItemKind::Keyed { key, values } = &item.kind else { continue };
            for value in values.iter().filter(|_| matches!(key.value.as_str(), "by" | "to" | "stratify")) {
                if let ast::ValueKind::Expr { expr: ast::Expr { kind: ast::ExprKind::Path { path, .. }, .. }, .. } =
                    &value.kind
                {
                    names.extend(path.single().map(|name| name.as_str()));
                }
            }
        }
        let per = block.of.iter().flat_map(|(_, keys)| keys);
        names.extend(per.filter_map(|key| match key {
            ast::Key::Path(path) => path.single().map(|name| name.as_str()),
            ast::Key::Step(_) => None,
        }));
        let place = |name: &str| self.model.dimensions.iter().position(|one| one.name.value == name).map(DimensionId);
        names.into_iter().filter_map(place).collect()
    }

    /// A metric with what it is shown by.
    fn of_metric(&self, id: MetricId, reads: &mut Reads) {
        let metric = &self.model.metrics[id.0];
        reads.push((Item::Formula(id), Role::Value));
        let dimensions = metric.by.iter().filter_map(|by| by.dimension());
        dimensions.for_each(|dimension| self.bound_to(dimension, id, Role::Group, reads));
        for grain in &metric.grain {
            if let Grain::Step(step) = grain {
                self.of_step(*step, reads);
            }
        }
    }

    fn of_dimension(&self, id: DimensionId, reads: &mut Reads) {
        let dimension = &self.model.dimensions[id.0];
        for table in dimension.bindings.iter().filter_map(|binding| binding.table) {
            reads.push((Item::Bound(id, table), Role::Value));
            // Over the rows of a source it is looked up.
            if self.model.table(table).kind == TableKind::Entity {
                reads.push((Item::Rows(table), Role::Join));
            }
        }
        if let Some(Domain::Keys(table)) = &dimension.values {
            reads.push((Item::Rows(*table), Role::Key));
        }
    }

    /// A dimension over all rows that a metric is of, other than those that it is looked up across.
    pub fn bound_to(&self, dimension: DimensionId, metric: MetricId, role: Role, reads: &mut Reads) {
        let read = &self.model.facts[metric.0].reads;
        let tables: Vec<TableId> = if self.looks_across {
            let grouped = self.grouped(metric, dimension);
            read.iter().copied().filter(|table| grouped.contains(table)).collect()
        } else {
            read.clone()
        };
        reads.extend(tables.into_iter().map(|table| (Item::Bound(dimension, table), role)));
    }

    /// The tables of the aggregates of a metric that are grouped where it is asked for by a dimension.
    fn grouped(&self, metric: MetricId, dimension: DimensionId) -> FxHashSet<TableId> {
        let mut tables = FxHashSet::default();
        let mut seen = FxHashSet::from_iter([metric]);
        let mut open = vec![&self.model.metrics[metric.0].formula];
        while let Some(formula) = open.pop() {
            match &formula.kind {
                FormulaKind::Leaf(leaf) => _ = tables.insert(leaf.rows.base),
                FormulaKind::Metric(id) if seen.insert(*id) => open.push(&self.model.metrics[id.0].formula),
                FormulaKind::Across { dimensions, .. } if dimensions.contains(&dimension) => {}
                FormulaKind::Metric(_) | FormulaKind::Literal(_) => {}
                FormulaKind::Call(_, arguments) => open.extend(arguments),
                FormulaKind::Case { branches, otherwise } => {
                    open.extend(branches.iter().flat_map(|(condition, value)| [condition, value]));
                    open.extend(otherwise.as_deref());
                }
                FormulaKind::Nested(nested) => open.push(&nested.formula),
                FormulaKind::Across { operand, .. }
                | FormulaKind::Where { operand, .. }
                | FormulaKind::Moved { operand, .. }
                | FormulaKind::Rate { operand, .. } => open.push(operand),
            }
        }
        tables
    }

    /// A formula that a declaration holds; `shown` are the dimensions that the formulas around it need.
    fn of_formula(&self, formula: &Formula, holder: NodeId, shown: &mut Vec<(DimensionId, Role)>, reads: &mut Reads) {
        let before = shown.len();
        match &formula.kind {
            FormulaKind::Leaf(leaf) => {
                let over = self.over(leaf.rows.base, leaf.rows.dated);
                self.of_rows(&leaf.rows, Some(holder), reads);
                leaf.input.iter().for_each(|input| self.of_expr(input, Role::Value, over, reads));
                let per = leaf.at_last.iter().flat_map(|last| &last.per);
                per.for_each(|key| self.of_expr(key, Role::Key, over, reads));
                reads.extend(shown.iter().map(|(one, role)| (Item::Bound(*one, leaf.rows.base), *role)));
            }
            FormulaKind::Metric(id) => {
                reads.push((Item::Formula(*id), Role::Value));
                shown.iter().for_each(|(one, role)| self.bound_to(*one, *id, *role, reads));
            }
            FormulaKind::Literal(_) => {}
            FormulaKind::Call(_, arguments) => {
                arguments.iter().for_each(|argument| self.of_formula(argument, holder, shown, reads));
            }
            FormulaKind::Case { branches, otherwise } => {
                let parts = branches.iter().flat_map(|(condition, value)| [condition, value]);
                parts.chain(otherwise.as_deref()).for_each(|part| self.of_formula(part, holder, shown, reads));
            }
            FormulaKind::Where { operand, filter } => {
                self.of_filter(filter, shown, reads);
                self.of_formula(operand, holder, shown, reads);
            }
            FormulaKind::Nested(nested) => self.of_nested(nested, holder, shown, reads),
            FormulaKind::Moved { operand, by } => {
                self.of_movement(*by, reads);
                self.of_formula(operand, holder, shown, reads);
            }
            // What is left out is read only where an answer is by it, and then as what it is by.
            FormulaKind::Across { operand, .. } | FormulaKind::Rate { operand, .. } => {
                self.of_formula(operand, holder, shown, reads);
            }
        }
        shown.truncate(before);
    }

    fn of_nested(&self, nested: &Nested, holder: NodeId, shown: &mut Vec<(DimensionId, Role)>, reads: &mut Reads) {
        for key in &nested.keys {
            match key {
                NestedKey::Dimension(dimension) => shown.push((*dimension, Role::Key)),
                NestedKey::Column { values, .. } => {
                    values.iter().for_each(|(table, value)| {
                        self.of_expr(value, Role::Key, self.over(*table, None), reads);
                    });
                }
                NestedKey::Step(step) => self.of_step(*step, reads),
            }
        }
        self.of_formula(&nested.formula, holder, shown, reads);
    }

    fn of_filter(&self, filter: &DimFilter, shown: &mut Vec<(DimensionId, Role)>, reads: &mut Reads) {
        match filter {
            DimFilter::And(parts) | DimFilter::Or(parts) => {
                parts.iter().for_each(|part| self.of_filter(part, shown, reads));
            }
            DimFilter::Not(part) => self.of_filter(part, shown, reads),
            DimFilter::Test { subject: Subject::Dimension(id) | Subject::Within(id, _), .. } => {
                shown.push((*id, Role::Filter));
            }
            DimFilter::Test { subject: Subject::Per(per, _), .. } => self.of_per(per, None, reads),
            DimFilter::Test { subject: Subject::Part(_), .. } => {}
        }
    }

    /// A metric of a row's group, in a condition on rows of a table.
    pub fn of_per(&self, per: &MetricPer, table: Option<TableId>, reads: &mut Reads) {
        reads.push((Item::Formula(per.metric), Role::Filter));
        match &per.key {
            NestedKey::Dimension(dimension) => {
                self.bound_to(*dimension, per.metric, Role::Key, reads);
                reads.extend(table.map(|table| (Item::Bound(*dimension, table), Role::Key)));
            }
            NestedKey::Column { values, .. } => values.iter().for_each(|(table, value)| {
                self.of_expr(value, Role::Key, self.over(*table, None), reads);
            }),
            NestedKey::Step(_) => {}
        }
    }

    fn of_movement(&self, by: Movement, reads: &mut Reads) {
        let step = match by {
            Movement::Over(Window::ToDate(step)) | Movement::AtStartOf(step) | Movement::Only(step) => step,
            Movement::Ago(Length::Bucket(step)) => Step::Declared(step),
            Movement::Over(_) | Movement::Ago(_) | Movement::AtOwnStart | Movement::FirstDay => return,
        };
        self.of_step(step, reads);
    }

    /// The days of a declared calendar.
    pub fn of_step(&self, step: Step, reads: &mut Reads) {
        let Step::Declared(step) = step else { return };
        let source = step.source();
        let Some(calendar) = self.model.calendars.iter().find(|one| one.name.value == source.calendar) else { return };
        let table = self.model.table(calendar.table);
        let column = table.columns.iter().position(|column| column.name.value == source.value);
        reads.push((Item::Rows(calendar.table), Role::Step));
        reads.extend(column.map(|column| (Item::Column(ColumnId { table: calendar.table, column }), Role::Step)));
    }
}
