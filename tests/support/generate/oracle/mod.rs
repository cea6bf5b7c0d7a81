//! A third opinion: answers questions row by row, from the definition of the language and from nothing else.
//!
//! It shares no code with the compiler, and takes the slow and plain way everywhere.

pub mod aggregate;
pub mod calendar;
pub mod eval;

use std::collections::BTreeMap;

use super::model::*;
use aggregate::{Cell, Item, aggregate, zero};
use calendar::{Calendar, day_of};
use eval::{Scope, eval, truth};

/// How near two engines must come to one value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tolerance {
    Exact,
    /// 1e-9, relative.
    Relative,
    /// An interpolated duration: a tie of halves may fall either way by float64.
    Millisecond,
    /// An estimate of a count: this share.
    Share(f64),
    /// An estimate of a quantile: between its neighbours, [`Answer::low`] and [`Answer::high`].
    Neighbours,
}

/// A column of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputColumn {
    pub name: String,
    pub ty: Ty,
    pub tolerance: Tolerance,
}

/// The answer of a question: time (where there is a step), dimensions, metrics.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub columns: Vec<OutputColumn>,
    pub rows: Vec<Vec<Value>>,
    /// The same rows with the least and the greatest value that an estimated quantile may have; empty where there is none.
    pub low: Vec<Vec<Value>>,
    pub high: Vec<Vec<Value>>,
}

/// Which end of what an estimate may be is asked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum End {
    Right,
    Low,
    High,
}

/// The clean rows of a project.
pub struct Oracle<'a> {
    project: &'a Project,
    calendar: Calendar,
    end: End,
    /// By table, the places of its clean rows.
    clean: BTreeMap<String, Vec<usize>>,
    /// By entity, its clean rows by key.
    index: BTreeMap<String, BTreeMap<Cell, usize>>,
}

/// A group: the start of its bucket and its dimension values.
type Key = (Option<i64>, Vec<Cell>);

/// A leaf with the filters of every `where` around it.
struct FilteredLeaf {
    leaf: Leaf,
    filters: Vec<Expr>,
}

impl<'a> Oracle<'a> {
    pub fn new(project: &'a Project) -> Oracle<'a> {
        let calendar = Calendar { zone: project.zone, sunday: project.week_starts_sunday };
        let clean: BTreeMap<String, Vec<usize>> =
            project.tables.iter().map(|table| (table.name.clone(), clean_rows(table))).collect();
        let index = (project.tables.iter().filter(|table| table.entity))
            .map(|table| {
                let key = table.place(&table.key[0]).expect("a stored key");
                let rows = clean[&table.name].iter().map(|row| (Cell(table.rows[*row][key].clone()), *row));
                (table.name.clone(), rows.collect())
            })
            .collect();
        Oracle { project, calendar, end: End::Right, clean, index }
    }

    /// What a question's answer must be.
    pub fn answer(&self, question: &Question) -> Answer {
        let mut answer = self.one_answer(question);
        if answer.columns.iter().any(|column| column.tolerance == Tolerance::Neighbours) {
            let at = |end| {
                let (clean, index) = (self.clean.clone(), self.index.clone());
                Oracle { project: self.project, calendar: self.calendar, end, clean, index }.one_answer(question).rows
            };
            (answer.low, answer.high) = (at(End::Low), at(End::High));
        }
        answer
    }

    fn one_answer(&self, question: &Question) -> Answer {
        let metrics: Vec<&Metric> =
            question.metrics.iter().map(|name| self.project.metric(name).expect("a declared metric")).collect();
        let mut table: BTreeMap<Key, Vec<Value>> = BTreeMap::new();
        for (place, metric) in metrics.iter().enumerate() {
            for (key, value) in self.evaluate(&metric.formula, question) {
                table.entry(key).or_insert_with(|| vec![Value::Null; metrics.len()])[place] = value;
            }
        }
        let mut columns = Vec::new();
        if question.step.is_some() {
            columns.push(OutputColumn { name: "time".into(), ty: Ty::Timestamp, tolerance: Tolerance::Exact });
        }
        for name in &question.by {
            let ty = self.project.dimension(name).expect("a declared dimension").ty.clone();
            columns.push(OutputColumn { name: name.clone(), ty, tolerance: Tolerance::Exact });
        }
        for metric in metrics {
            let tolerance = self.tolerance(&metric.formula);
            columns.push(OutputColumn { name: metric.name.clone(), ty: metric.formula.ty.clone(), tolerance });
        }
        let mut rows: Vec<Vec<Value>> = (table.into_iter())
            .map(|((time, dimensions), values)| {
                let time = time.filter(|_| question.step.is_some()).map(Value::Timestamp);
                time.into_iter().chain(dimensions.into_iter().map(|cell| cell.0)).chain(values).collect()
            })
            .collect();
        order(question, &columns, &mut rows);
        Answer { columns, rows, low: Vec::new(), high: Vec::new() }
    }

    /// How near the engines must come in a metric.
    fn tolerance(&self, formula: &Expr) -> Tolerance {
        let (mut approximate, mut interpolated, mut neighbours) = (false, false, false);
        formula.walk(&mut |expr| match &expr.node {
            Node::Leaf(leaf) => match leaf.aggregate {
                Aggregate::ApproxDistinct => approximate = true,
                Aggregate::ApproxQuantile(_) => neighbours = true,
                Aggregate::Percentile(parts) | Aggregate::Quantile(parts) => interpolated |= parts != 500,
                _ => {}
            },
            Node::Metric(name) => {
                let metric = self.project.metric(name).expect("a declared metric");
                match self.tolerance(&metric.formula) {
                    Tolerance::Share(_) => approximate = true,
                    Tolerance::Millisecond => interpolated = true,
                    Tolerance::Neighbours => neighbours = true,
                    Tolerance::Exact | Tolerance::Relative => {}
                }
            }
            _ => {}
        });
        match &formula.ty {
            _ if neighbours => Tolerance::Neighbours,
            _ if approximate => Tolerance::Share(0.05),
            Ty::Float => Tolerance::Relative,
            Ty::Duration if interpolated => Tolerance::Millisecond,
            _ => Tolerance::Exact,
        }
    }

    /// A formula per group: over the union of the groups of its leaves.
    fn evaluate(&self, formula: &Expr, question: &Question) -> BTreeMap<Key, Value> {
        let mut leaves = Vec::new();
        let flat = self.flatten(formula, &[], &mut leaves);
        let groups: Vec<BTreeMap<Key, Value>> = leaves.iter().map(|leaf| self.leaf(leaf, question)).collect();
        let mut keys: Vec<Key> = groups.iter().flat_map(|group| group.keys().cloned()).collect();
        if question.step.is_none() && question.by.is_empty() {
            keys.push((None, Vec::new()));
        }
        keys.sort();
        keys.dedup();
        (keys.into_iter())
            .map(|key| {
                let measures = (groups.iter().zip(&leaves))
                    .map(|(group, leaf)| group.get(&key).cloned().unwrap_or_else(|| self.empty(leaf, &key, question)))
                    .collect();
                let value = eval(&flat, &Measures { measures, calendar: self.calendar });
                (key, value)
            })
            .collect()
    }

    /// Puts metrics in place of their names, collects the leaves, and leaves their numbers behind.
    fn flatten(&self, expr: &Expr, filters: &[&Expr], leaves: &mut Vec<FilteredLeaf>) -> Expr {
        match &expr.node {
            Node::Metric(name) => {
                let metric = self.project.metric(name).expect("a declared metric");
                self.flatten(&metric.formula, filters, leaves)
            }
            Node::Where(operand, filter) => {
                let filters: Vec<&Expr> = filters.iter().copied().chain([&**filter]).collect();
                self.flatten(operand, &filters, leaves)
            }
            Node::Leaf(leaf) => {
                let filters = filters.iter().map(|filter| (*filter).clone()).collect();
                leaves.push(FilteredLeaf { leaf: (**leaf).clone(), filters });
                Expr { node: Node::Metric((leaves.len() - 1).to_string()), ..expr.clone() }
            }
            _ => {
                let mut flat = expr.clone();
                for child in flat.children_mut() {
                    *child = self.flatten(child, filters, leaves);
                }
                flat
            }
        }
    }

    /// A leaf per group that has rows.
    fn leaf(&self, filtered: &FilteredLeaf, question: &Question) -> BTreeMap<Key, Value> {
        let leaf = &filtered.leaf;
        let table = self.project.base(&leaf.rows).expect("a declared row set");
        let limits = self.limits(question);
        let mut groups: BTreeMap<Key, Vec<Item>> = BTreeMap::new();
        for &place in &self.clean[&table.name] {
            let row = &table.rows[place];
            let Some(time) = self.time(leaf, table, row) else { continue };
            let scope = Row { oracle: self, table, row, time };
            let all = self.row_filters(&leaf.rows).into_iter().chain(&leaf.filter).chain(&filtered.filters);
            if !all.chain(&question.filter).all(|filter| truth(&eval(filter, &scope)) == Some(true)) {
                continue;
            }
            let outside = |time: i64| limits.is_some_and(|(from, to)| time < from || time >= to);
            if time.is_some_and(outside) {
                continue;
            }
            let bucket = question.step.zip(time).map(|(step, time)| self.calendar.bucket(time, step).0);
            let dimensions = question.by.iter().map(|name| Cell(scope.dimension(name))).collect();
            let value = leaf.input.as_ref().map_or(Value::Bool(true), |input| eval(input, &scope));
            let key =
                table.key.iter().map(|name| Cell(row[table.place(name).expect("a stored key")].clone())).collect();
            groups.entry((bucket, dimensions)).or_default().push(Item { value, time: time.unwrap_or(0), key });
        }
        let ty = leaf.input.as_ref().map_or(Ty::Bool, |input| input.ty.clone());
        groups.into_iter().map(|(key, items)| (key, aggregate(leaf.aggregate, &ty, &items, self.end))).collect()
    }

    /// A leaf where it has no rows: 0 for count, distinct and sum, but null before the source's first row.
    fn empty(&self, filtered: &FilteredLeaf, key: &Key, question: &Question) -> Value {
        let leaf = &filtered.leaf;
        if !leaf.aggregate.empty_is_zero() {
            return Value::Null;
        }
        let end = match (key.0, question.step) {
            (Some(start), Some(step)) => Some(self.calendar.bucket(start, step).1),
            _ => self.limits(question).map(|(_, to)| to),
        };
        let table = self.project.base(&leaf.rows).expect("a declared row set");
        let times = self.clean[&table.name].iter().filter_map(|row| self.time(leaf, table, &table.rows[*row])?);
        match (end, times.min()) {
            (Some(end), Some(first)) if end <= first => Value::Null,
            _ => zero(leaf.aggregate, &leaf.input.as_ref().map_or(Ty::Bool, |input| input.ty.clone())),
        }
    }

    /// The asked interval, widened to whole buckets.
    fn limits(&self, question: &Question) -> Option<(i64, i64)> {
        let (first, last) = question.range?;
        let (from, to) = (self.calendar.midnight(day_of(first)), self.calendar.midnight(day_of(last + 1)));
        Some(match question.step {
            Some(step) => (self.calendar.bucket(from, step).0, self.calendar.bucket(to - 1, step).1),
            None => (from, to),
        })
    }

    /// A row's time; none where it is null, none inside where the table has no time at all.
    fn time(&self, leaf: &Leaf, table: &Table, row: &[Value]) -> Option<Option<i64>> {
        let dated = leaf.dated.as_deref().or_else(|| self.project.dated(&leaf.rows));
        let Some(column) = dated else { return Some(None) };
        let column = column.to_owned();
        let scope = Row { oracle: self, table, row, time: None };
        match scope.path(&[column]) {
            Value::Timestamp(ms) => Some(Some(ms)),
            Value::Null => None,
            other => panic!("{other:?} is no time"),
        }
    }

    /// The filters of a row set and of those below it.
    fn row_filters(&self, rows: &str) -> Vec<&'a Expr> {
        let Some(subset) = self.project.subset(rows) else { return Vec::new() };
        self.row_filters(&subset.base).into_iter().chain(&subset.filter).collect()
    }
}

/// The clean rows: no null in the key, one row a key, no null time.
fn clean_rows(table: &Table) -> Vec<usize> {
    let place = |name: &String| table.place(name).expect("a stored column");
    let time = table.time.as_ref().map(place);
    let latest = table.latest_by.as_ref().map(place);
    let mut best: BTreeMap<Vec<Cell>, usize> = BTreeMap::new();
    for (number, row) in table.rows.iter().enumerate() {
        let mut key: Vec<Cell> = table.key.iter().map(|name| Cell(row[place(name)].clone())).collect();
        if key.iter().any(|cell| cell.0.is_null()) {
            continue;
        }
        if key.is_empty() {
            key.push(Cell(Value::Int(number as i64)));
        }
        let better = |old: &Vec<Value>| match (latest, time) {
            // The greatest; null is the least of all.
            (Some(column), _) if Cell(row[column].clone()) != Cell(old[column].clone()) => {
                !row[column].is_null()
                    && (old[column].is_null() || Cell(row[column].clone()) > Cell(old[column].clone()))
            }
            (None, Some(column)) if Cell(row[column].clone()) != Cell(old[column].clone()) => {
                Cell(row[column].clone()) < Cell(old[column].clone())
            }
            _ => cells(row) < cells(old),
        };
        let kept = best.entry(key).or_insert(number);
        if better(&table.rows[*kept]) {
            *kept = number;
        }
    }
    let mut rows: Vec<usize> = best.into_values().collect();
    rows.retain(|row| time.is_none_or(|column| !table.rows[*row][column].is_null()));
    rows.sort_unstable();
    rows
}

fn cells(row: &[Value]) -> Vec<Cell> {
    row.iter().cloned().map(Cell).collect()
}

/// Sorts and cuts the rows as the question says: nulls last, remaining keys ascending.
fn order(question: &Question, columns: &[OutputColumn], rows: &mut Vec<Vec<Value>>) {
    let place = |name: &str| columns.iter().position(|column| column.name == name).expect("an output column");
    let mut keys: Vec<(usize, bool)> = question.order.iter().map(|(name, desc)| (place(name), *desc)).collect();
    keys.extend((0..columns.len() - question.metrics.len()).map(|column| (column, false)));
    rows.sort_by(|a, b| {
        let compare = |(column, descending): &(usize, bool)| {
            let (a, b) = (Cell(a[*column].clone()), Cell(b[*column].clone()));
            let turned = *descending && !a.0.is_null() && !b.0.is_null();
            if turned { b.cmp(&a) } else { a.cmp(&b) }
        };
        keys.iter().map(compare).find(|ordering| ordering.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
    });
    rows.truncate(question.limit.map_or(usize::MAX, |limit| limit as usize));
}

/// The values of a formula's leaves, by number.
struct Measures {
    measures: Vec<Value>,
    calendar: Calendar,
}

impl Scope for Measures {
    fn atom(&self, expr: &Expr) -> Value {
        match &expr.node {
            Node::Metric(number) => self.measures[number.parse::<usize>().expect("the number of a leaf")].clone(),
            other => panic!("{other:?} in a formula"),
        }
    }

    fn calendar(&self) -> Calendar {
        self.calendar
    }
}

/// A row of a table.
struct Row<'a> {
    oracle: &'a Oracle<'a>,
    table: &'a Table,
    row: &'a [Value],
    time: Option<i64>,
}

impl Row<'_> {
    fn path(&self, path: &[String]) -> Value {
        let column = self.table.column(&path[0]).expect("a declared column");
        let value = match &column.computed {
            Some(expr) => eval(expr, self),
            None => self.row[self.table.place(&column.name).expect("a stored column")].clone(),
        };
        if path.len() == 1 {
            return value;
        }
        let Ty::Entity(entity) = &column.ty else { panic!("{} is no entity", column.name) };
        let table = self.oracle.project.table(entity).expect("a declared entity");
        match self.oracle.index[entity].get(&Cell(value)) {
            Some(row) => {
                let row = &table.rows[*row];
                Row { oracle: self.oracle, table, row, time: None }.path(&path[1..])
            }
            None => Value::Null,
        }
    }

    fn dimension(&self, name: &str) -> Value {
        let dimension = self.oracle.project.dimension(name).expect("a declared dimension");
        let binding = self.oracle.project.binding(dimension, self.table).expect("a binding for the table");
        match (eval(&binding, self), &dimension.otherwise) {
            (Value::Null, Otherwise::Value(value)) => value.clone(),
            (value, _) => value,
        }
    }
}

impl Scope for Row<'_> {
    fn atom(&self, expr: &Expr) -> Value {
        match &expr.node {
            Node::Column(path) => self.path(path),
            Node::Time => self.time.map_or(Value::Null, Value::Timestamp),
            Node::Dimension(name) => self.dimension(name),
            other => panic!("{other:?} over rows"),
        }
    }

    fn calendar(&self) -> Calendar {
        self.oracle.calendar
    }
}
