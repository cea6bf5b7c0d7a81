//! A third opinion: answers questions row by row, from the definition of the language and from nothing else.
//!
//! It shares no code with the compiler, and takes the slow and plain way everywhere.

pub mod aggregate;
pub mod calendar;
mod chosen;
mod derived;
pub mod eval;
pub mod formula;
#[cfg(test)]
mod hand;
pub mod interval;
mod parts;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::derived::Origin;
use super::model::*;
use aggregate::Cell;
use calendar::{Calendar, day_of, days};
use eval::{Scope, eval};
use formula::Prepared;
use interval::{BEGINNING, Bucket};
use parts::{At, Clip};

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
    /// Derived tables with their rows.
    derived: BTreeMap<String, Table>,
    /// By entity, its clean rows by key; versions of one thing are several.
    index: BTreeMap<String, BTreeMap<Cell, Vec<usize>>>,
    /// Metrics that filters look up by a key.
    looked_up: RefCell<BTreeMap<(String, String), Rc<Prepared>>>,
}

/// A group: the start of its bucket and its dimension values.
type Key = (Option<i64>, formula::Group);

/// The groups that are the best of all.
type Best = Rc<BTreeSet<formula::Group>>;

impl<'a> Oracle<'a> {
    pub fn new(project: &'a Project) -> Oracle<'a> {
        let calendar = Calendar { zone: project.zone, sunday: project.week_starts_sunday };
        let clean: BTreeMap<String, Vec<usize>> =
            project.tables.iter().map(|table| (table.name.clone(), clean_rows(table))).collect();
        let index = (project.tables.iter().filter(|table| table.entity))
            .map(|table| {
                let key = table.place(&table.key[0]).expect("a stored key");
                let mut rows: BTreeMap<Cell, Vec<usize>> = BTreeMap::new();
                for row in &clean[&table.name] {
                    rows.entry(Cell(table.rows[*row][key].clone())).or_default().push(*row);
                }
                (table.name.clone(), rows)
            })
            .collect();
        let looked_up = RefCell::default();
        let mut oracle =
            Oracle { project, calendar, end: End::Right, clean, derived: BTreeMap::new(), index, looked_up };
        oracle.derive();
        oracle
    }

    /// What a question's answer must be.
    pub fn answer(&self, question: &Question) -> Answer {
        let mut answer = self.one_answer(question);
        if answer.columns.iter().any(|column| column.tolerance == Tolerance::Neighbours) {
            let at = |end| {
                let oracle = Oracle { end, ..Oracle::new(self.project) };
                oracle.one_answer(question).rows
            };
            (answer.low, answer.high) = (at(End::Low), at(End::High));
        }
        answer
    }

    fn one_answer(&self, question: &Question) -> Answer {
        let columns = self.columns(question);
        let mut rows = self.shown(question, &columns);
        order(question, &columns, &mut rows);
        Answer { columns, rows, low: Vec::new(), high: Vec::new() }
    }

    fn columns(&self, question: &Question) -> Vec<OutputColumn> {
        let exactly = |name: &str, ty| OutputColumn { name: name.to_owned(), ty, tolerance: Tolerance::Exact };
        let mut columns = Vec::new();
        if question.step.is_some() {
            columns.push(exactly("time", Ty::Timestamp));
        }
        for by in &question.by {
            let ty = match by {
                By::Dimension(name) | By::Within(name, _) => {
                    self.project.dimension(name).expect("a declared dimension").ty.clone()
                }
                By::Part(part) => part.ty(),
            };
            columns.push(exactly(&by.text(), ty));
        }
        if question.top.as_ref().is_some_and(|top| top.other) {
            columns.push(exactly("other", Ty::Bool));
        }
        for metric in &question.metrics {
            let metric = self.project.metric(metric).expect("a declared metric");
            let tolerance = self.tolerance(&metric.formula);
            columns.push(OutputColumn { name: metric.name.clone(), ty: metric.formula.ty.clone(), tolerance });
        }
        if question.is_marked() {
            columns.push(exactly("partial", Ty::Str));
        }
        columns
    }

    /// The rows of all metrics, joined by their keys.
    fn joined(&self, question: &Question, best: Option<&Best>) -> Vec<Vec<Value>> {
        let mut table: BTreeMap<Key, Vec<Value>> = BTreeMap::new();
        for (place, name) in question.metrics.iter().enumerate() {
            let metric = self.project.metric(name).expect("a declared metric");
            for (key, value) in self.evaluate(metric, question, best) {
                table.entry(key).or_insert_with(|| vec![Value::Null; question.metrics.len()])[place] = value;
            }
        }
        let row = |((time, group), values): (Key, Vec<Value>)| {
            let mut group = group.into_iter();
            let time = time.filter(|_| question.step.is_some());
            let mut keys: Vec<Value> = time.map(Value::Timestamp).into_iter().collect();
            for by in &question.by {
                keys.push(match by {
                    By::Part(part) => parts::part(part, time.expect("a bucket"), self.calendar),
                    By::Dimension(_) | By::Within(..) => group.next().expect("a value for each key").0,
                });
            }
            keys.extend(best.map(|_| group.next().expect("whether it is another group").0));
            keys.into_iter().chain(values).collect()
        };
        table.into_iter().map(row).collect()
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
            Node::Nested(nested) => match nested.aggregate {
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

    /// A metric in every bucket and group that has rows.
    fn evaluate(&self, metric: &Metric, question: &Question, best: Option<&Best>) -> BTreeMap<Key, Value> {
        let keys = question.by.iter().filter_map(formula::Key::of);
        let keys: Vec<formula::Key> = keys.chain(best.map(|_| formula::Key::Other)).collect();
        let prepared = self.prepare(&metric.formula, &keys, question.filter.as_ref(), best.cloned());
        let clip = chosen::clip(self.asked(question), question.step);
        let mut found = BTreeMap::new();
        for bucket in self.output(metric, &prepared, question) {
            let at = At { bucket, above: None, clip };
            let mut values = self.values(&prepared, at);
            if question.step.is_none() && question.by.is_empty() {
                values.entry(Vec::new()).or_insert_with_key(|group| self.value(&prepared, at, group));
            }
            let time = question.step.map(|_| bucket.start);
            found.extend(values.into_iter().map(|(group, value)| ((time, group), value)));
        }
        self.fill(metric, question, &mut found);
        found
    }

    /// The buckets of the output.
    fn output(&self, metric: &Metric, prepared: &Prepared, question: &Question) -> Vec<Bucket> {
        match question.step {
            None => {
                let all = || (BEGINNING, self.span(&metric.formula).map_or(i64::MAX, |(_, last)| last + 1));
                let (start, end) = self.limits(question).unwrap_or_else(all);
                vec![Bucket { start, end, step: None }]
            }
            Some(step) => match self.reach(metric, question, step) {
                Some((from, to)) => self.output_buckets(prepared, step, from, to),
                None => Vec::new(),
            },
        }
    }

    /// The asked interval, or the span of the data in whole buckets; none where there is no data.
    fn reach(&self, metric: &Metric, question: &Question, step: Step) -> Option<(i64, i64)> {
        let span = || {
            let (first, last) = self.span(&metric.formula)?;
            Some((self.calendar.bucket(first, step).0, self.calendar.bucket(last, step).1))
        };
        self.limits(question).or_else(span)
    }

    /// `fill`: a row for every step of the interval and every group that was seen.
    fn fill(&self, metric: &Metric, question: &Question, found: &mut BTreeMap<Key, Value>) {
        let value = match question.fill.unwrap_or(metric.fill) {
            Fill::None => return,
            Fill::Null => Value::Null,
            Fill::Zero => nothing(&metric.formula.ty),
        };
        let Some(step) = question.step else { return };
        let Some((from, to)) = self.reach(metric, question, step) else { return };
        let mut groups: BTreeSet<formula::Group> = found.keys().map(|(_, group)| group.clone()).collect();
        if question.by.iter().all(|by| by.dimension().is_none()) {
            groups.insert(Vec::new());
        }
        let filter = question.filter.as_ref();
        let asked = |bucket: &Bucket| filter.is_none_or(|filter| parts::leaves(filter, *bucket, self.calendar));
        for bucket in self.calendar.buckets(from, to, step).into_iter().filter(asked) {
            for group in &groups {
                found.entry((Some(bucket.start), group.clone())).or_insert_with(|| value.clone());
            }
        }
    }

    /// `(m per key)`: a metric over the rows whose key has this value, up to the midnight before an instant.
    fn before(&self, metric: &str, key: formula::Key, value: Cell, instant: i64) -> Value {
        let name = (metric.to_owned(), format!("{key:?}"));
        let known = self.looked_up.borrow().get(&name).cloned();
        let prepared = known.unwrap_or_else(|| {
            let metric = self.project.metric(metric).expect("a declared metric");
            let made = Rc::new(self.prepare(&metric.formula, std::slice::from_ref(&key), None, None));
            self.looked_up.borrow_mut().insert(name, Rc::clone(&made));
            made
        });
        let end = self.calendar.midnight(self.calendar.date(instant));
        let bucket = Bucket { start: BEGINNING, end, step: None };
        // What has no time lies before no instant.
        let clip = Clip { to: end, ..Clip::NONE };
        self.value(&prepared, At { bucket, above: None, clip }, &vec![value])
    }

    /// The asked interval: of whole buckets, but for what cuts them.
    fn asked(&self, question: &Question) -> Option<(i64, i64)> {
        let days = |(first, last)| (self.calendar.midnight(day_of(first)), self.calendar.midnight(day_of(last + 1)));
        let (mut from, mut to) = question.exact.or(question.range.map(days))?;
        let bucket = |ms: i64| question.step.map_or((ms, ms), |step| self.calendar.bucket(ms, step));
        if question.exact.is_none() && question.step.is_some() {
            (from, to) = (bucket(from).0, bucket(to - 1).1);
        }
        match question.as_of {
            Some((at, true)) => to = to.min(at),
            Some((at, false)) => to = to.min(bucket(at).0),
            None => {}
        }
        Some(if to <= from { (bucket(from).0, bucket(from).0) } else { (from, to) })
    }

    /// The asked interval, widened to whole buckets.
    fn limits(&self, question: &Question) -> Option<(i64, i64)> {
        let (from, to) = self.asked(question)?;
        Some(match question.step {
            Some(step) if from < to => (self.calendar.bucket(from, step).0, self.calendar.bucket(to - 1, step).1),
            _ => (from, to),
        })
    }

    /// The table under a row set, with its rows.
    fn base(&self, rows: &str) -> &Table {
        let table = self.project.base(rows).expect("a declared row set");
        self.derived.get(&table.name).unwrap_or(table)
    }

    /// A row's time; none where it is null, none inside where the table has no time at all, or the row as it came has none.
    fn time(&self, leaf: &Leaf, table: &Table, row: &[Value]) -> Option<Option<i64>> {
        let dated = leaf.dated.as_deref().or_else(|| self.project.dated(&leaf.rows));
        let Some(column) = dated else { return Some(None) };
        let column = column.to_owned();
        let scope = Row { oracle: self, table, row, time: None };
        match scope.path(std::slice::from_ref(&column)) {
            Value::Timestamp(ms) => Some(Some(ms)),
            Value::Null if self.as_it_came(table, &column) => Some(None),
            Value::Null => None,
            other => panic!("{other:?} is no time"),
        }
    }

    /// Whether a column is the time of rows as they came, which may lack it.
    fn as_it_came(&self, table: &Table, column: &str) -> bool {
        let raw = self.project.derived(&table.name).is_some_and(|derived| matches!(derived.origin, Origin::Raw(_)));
        raw && table.time.as_deref() == Some(column)
    }

    /// The row of a thing that holds at an instant; the only one of a thing that keeps no versions.
    fn version<'t>(&self, table: &'t Table, rows: &[usize], time: Option<i64>) -> Option<&'t [Value]> {
        let value = |row: &usize, column: &String| &table.rows[*row][table.place(column).expect("a stored column")];
        let instant = |value: &Value| match value {
            Value::Null => None,
            Value::Timestamp(ms) => Some(*ms),
            Value::Date(days) => Some(self.calendar.midnight(day_of(*days))),
            other => panic!("{other:?} is no time"),
        };
        let found = match &table.history {
            None => rows.first(),
            Some(History::Snapshot(day)) => {
                let today = Value::Date(days(self.calendar.date(time?)));
                rows.iter().find(|row| *value(row, day) == today)
            }
            Some(History::Valid(from, to)) => {
                let time = time?;
                let started = rows.iter().filter(|row| instant(value(row, from)).is_none_or(|from| from <= time));
                let last = started.max_by_key(|row| instant(value(row, from)));
                last.filter(|row| instant(value(row, to)).is_none_or(|to| time < to))
            }
        };
        found.map(|row| table.rows[*row].as_slice())
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
        match &table.history {
            Some(History::Valid(start, _) | History::Snapshot(start)) => key.push(Cell(row[place(start)].clone())),
            None => {}
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
    keys.extend((0..question.keys()).map(|column| (column, false)));
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

/// The zero of a type.
fn nothing(ty: &Ty) -> Value {
    match ty {
        Ty::Int => Value::Int(0),
        Ty::Float => Value::Float(0.0),
        Ty::Decimal(_, scale) => Value::Decimal(0, *scale),
        Ty::Duration => Value::Duration(0),
        other => panic!("{other:?} has no zero"),
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
        let found = self.oracle.index[entity].get(&Cell(value));
        match found.and_then(|rows| self.oracle.version(table, rows, self.time)) {
            Some(row) => Row { oracle: self.oracle, table, row, time: self.time }.path(&path[1..]),
            None => Value::Null,
        }
    }

    fn binding(&self, name: &str) -> Expr {
        let dimension = self.oracle.project.dimension(name).expect("a declared dimension");
        self.oracle.project.binding(dimension, self.table).expect("a binding for the table")
    }

    /// Whether the value of a dimension depends on the row's time.
    fn is_made_of_time(&self, name: &str) -> bool {
        self.binding(name).any(&mut |part| matches!(part.node, Node::Time))
    }

    fn dimension(&self, name: &str) -> Value {
        let dimension = self.oracle.project.dimension(name).expect("a declared dimension");
        let binding = self.binding(name);
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
            Node::MetricPer(metric, key) => {
                let key = formula::key_of(key).expect("a key that is no step");
                // No row has the null of a column.
                let value = self.key(&key).unwrap_or(Cell(Value::Null));
                self.time.map_or(Value::Null, |time| self.oracle.before(metric, key, value, time))
            }
            other => panic!("{other:?} over rows"),
        }
    }

    fn calendar(&self) -> Calendar {
        self.oracle.calendar
    }
}
