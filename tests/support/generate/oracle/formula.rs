//! Formulas over buckets and groups, from the definition: for every bucket and every group each aggregate takes the rows
//! in its own interval.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::super::model::*;
use super::aggregate::{Cell, Item, aggregate, zero};
use super::calendar::Calendar;
use super::eval::{Scope, eval, of_time, truth};
use super::interval::{BEGINNING, Bucket, Moves};
use super::parts::{At, Clip, Late};
use super::{Oracle, Row};

/// What the values of a formula are grouped by.
#[derive(Clone, Debug, PartialEq)]
pub enum Key {
    Dimension(String),
    /// `registered@month`
    Within(String, Step),
    /// A row in which it is null is in no group.
    Column(String),
    /// By the one column that holds it; null as above.
    Entity(String),
    /// Whether a row is of none of the best groups, by the keys before it.
    Other,
}

/// The values of a group, in the order of the keys.
pub type Group = Vec<Cell>;

/// A formula whose aggregates were given their rows: in `flat` they are numbers.
#[derive(Debug)]
pub struct Prepared {
    flat: Expr,
    readings: Vec<Reading>,
}

/// A value that a formula reads.
#[derive(Debug)]
struct Reading {
    moves: Moves,
    /// The places of the keys that it is grouped by.
    kept: Vec<usize>,
    /// Whether it gives rows: not where it is looked up.
    gives_rows: bool,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Leaf {
        leaf: Leaf,
        /// By time.
        facts: Vec<Fact>,
        /// The conditions that are on the bucket as well.
        late: Vec<Late>,
        /// The first clean row of its table.
        first: Option<i64>,
    },
    Nested {
        nested: Nested,
        inner: Prepared,
    },
    /// How many of these are in the interval.
    Count(Length),
}

/// A row that counts.
#[derive(Debug)]
struct Fact {
    time: i64,
    /// Without a time: in no bucket and in no range, but in all of the data.
    timeless: bool,
    group: Group,
    per: Group,
    item: Item,
    /// Its place in its table.
    place: usize,
}

/// What was passed on the way down to an aggregate.
#[derive(Clone)]
struct Way {
    moves: Moves,
    filters: Vec<Expr>,
    late: Vec<Late>,
    across: BTreeSet<String>,
    best: Option<Rc<BTreeSet<Group>>>,
}

impl Way {
    /// With another condition on the way.
    fn with(&self, filter: &Expr) -> Way {
        let mut way = self.clone();
        for part in conjuncts(filter) {
            match part.is_of_buckets() {
                true => way.late.push(Late { filter: part, levels: 0 }),
                false => way.filters.push(part),
            }
        }
        way
    }
}

/// The parts that all must hold.
pub fn conjuncts(filter: &Expr) -> Vec<Expr> {
    match &filter.node {
        Node::Call(Op::And, parts) => parts.iter().flat_map(conjuncts).collect(),
        _ => vec![filter.clone()],
    }
}

fn speaks_of(filter: &Expr, dimensions: &BTreeSet<String>) -> bool {
    filter.any(&mut |part| matches!(&part.node, Node::Dimension(name) if dimensions.contains(name)))
}

impl Oracle<'_> {
    /// Gives the aggregates of a formula their rows.
    /// Of the `best` groups there is one of all others, too.
    pub fn prepare(
        &self,
        formula: &Expr,
        keys: &[Key],
        filter: Option<&Expr>,
        best: Option<Rc<BTreeSet<Group>>>,
    ) -> Prepared {
        let (filters, late) = (Vec::new(), Vec::new());
        let way = Way { moves: Moves::default(), filters, late, across: BTreeSet::new(), best };
        let way = filter.map_or(way.clone(), |filter| way.with(filter));
        self.below(formula, keys, &way)
    }

    fn below(&self, formula: &Expr, keys: &[Key], way: &Way) -> Prepared {
        let mut readings = Vec::new();
        let flat = self.flatten(formula, keys, way, &mut readings);
        Prepared { flat, readings }
    }

    fn flatten(&self, expr: &Expr, keys: &[Key], way: &Way, readings: &mut Vec<Reading>) -> Expr {
        let mut down = |operand: &Expr, way: Way| self.flatten(operand, keys, &way, readings);
        match &expr.node {
            Node::Metric(name) => {
                let metric = self.project.metric(name).expect("a declared metric");
                down(&metric.formula, way.clone())
            }
            Node::Where(operand, filter) => down(operand, way.with(filter)),
            Node::Moved(operand, by) => down(operand, Way { moves: way.moves.and(*by), ..way.clone() }),
            Node::Across(operand, names) => {
                let names: BTreeSet<String> = names.iter().cloned().collect();
                let filters = way.filters.iter().filter(|filter| !speaks_of(filter, &names)).cloned().collect();
                let late = way.late.iter().filter(|late| !speaks_of(&late.filter, &names)).cloned().collect();
                let across = way.across.union(&names).cloned().collect();
                down(operand, Way { filters, late, across, ..way.clone() })
            }
            Node::Growth(operand, length) => {
                let now = down(operand, way.clone());
                let before = down(operand, Way { moves: way.moves.and(Move::Ago(*length)), ..way.clone() });
                let ratio = Expr { node: Node::Call(Op::Divide, vec![now, before]), ..expr.clone() };
                let one = Expr { node: Node::Literal(Value::Float(1.0)), ..expr.clone() };
                Expr { node: Node::Call(Op::Subtract, vec![ratio, one]), ..expr.clone() }
            }
            Node::Rate(operand, length) => {
                let place = readings.len();
                let value = self.flatten(operand, keys, way, readings);
                let moves = readings.get(place).map(|reading| reading.moves.clone()).unwrap_or_default();
                let count = Reading { moves, kept: Vec::new(), gives_rows: false, kind: Kind::Count(*length) };
                let count = number(readings, count, expr);
                Expr { node: Node::Call(Op::Divide, vec![value, count]), ..expr.clone() }
            }
            Node::Leaf(leaf) => {
                let (reading, moves) = (self.kept(keys, way), &way.moves);
                let moves = leaf.over.map_or(moves.clone(), |window| moves.and(Move::Over(window)));
                let kept: Vec<&Key> = reading.iter().map(|place| &keys[*place]).collect();
                let table = self.base(&leaf.rows);
                let times =
                    self.clean[&table.name].iter().filter_map(|row| self.time(leaf, table, &table.rows[*row])?);
                let kind = Kind::Leaf {
                    leaf: (**leaf).clone(),
                    facts: self.facts(leaf, &kept, &way.filters, way.best.as_deref()),
                    late: way.late.clone(),
                    first: times.min(),
                };
                let gives_rows = way.across.is_empty();
                number(readings, Reading { moves, kept: reading, gives_rows, kind }, expr)
            }
            Node::Nested(nested) => {
                let kept = self.kept(keys, way);
                let inner_keys: Vec<Key> = (kept.iter().map(|place| keys[*place].clone()))
                    .chain(nested.keys.iter().filter_map(key_of))
                    .collect();
                // Inner buckets have intervals of their own; without them the inner values are of this interval.
                let own = nested.step().is_some();
                let moves = if own { Moves::default() } else { way.moves.clone() };
                let above = |late: &Late| Late { levels: late.levels + usize::from(own), ..late.clone() };
                let late = way.late.iter().map(above).collect();
                let (filters, best) = (way.filters.clone(), way.best.clone());
                let inner_way = Way { moves, filters, late, across: BTreeSet::new(), best };
                let inner = self.below(&nested.formula, &inner_keys, &inner_way);
                let kind = Kind::Nested { nested: (**nested).clone(), inner };
                let gives_rows = way.across.is_empty();
                number(readings, Reading { moves: way.moves.clone(), kept, gives_rows, kind }, expr)
            }
            _ => {
                let mut flat = expr.clone();
                for child in flat.children_mut() {
                    *child = self.flatten(child, keys, way, readings);
                }
                flat
            }
        }
    }

    /// The keys that are left where dimensions are looked across.
    fn kept(&self, keys: &[Key], way: &Way) -> Vec<usize> {
        let left_out = |key: &Key| match key {
            Key::Dimension(name) | Key::Within(name, _) => way.across.contains(name),
            Key::Column(_) | Key::Entity(_) => false,
            // A group of all others has no other key.
            Key::Other => match &keys[0] {
                Key::Dimension(name) | Key::Within(name, _) => way.across.contains(name),
                _ => false,
            },
        };
        (0..keys.len()).filter(|place| !left_out(&keys[*place])).collect()
    }

    /// The rows of a leaf that pass its filters, by time.
    fn facts(&self, leaf: &Leaf, keys: &[&Key], filters: &[Expr], best: Option<&BTreeSet<Group>>) -> Vec<Fact> {
        let table = self.base(&leaf.rows);
        let mut facts = Vec::new();
        for &place in &self.clean[&table.name] {
            let row = &table.rows[place];
            let Some(time) = self.time(leaf, table, row) else { continue };
            let scope = Row { oracle: self, table, row, time };
            let mut all = self.row_filters(&leaf.rows).into_iter().chain(&leaf.filter).chain(filters);
            if !all.all(|filter| truth(&eval(filter, &scope)) == Some(true)) {
                continue;
            }
            let Some(mut group) = keys.iter().map(|key| scope.key(key)).collect::<Option<Group>>() else { continue };
            if let (Some(best), Some(other)) = (best, keys.iter().position(|key| **key == Key::Other))
                && !best.contains(&group[..other])
            {
                group[..other].fill(Cell(Value::Null));
                group[other] = Cell(Value::Bool(true));
            }
            let value = leaf.input.as_ref().map_or(Value::Bool(true), |input| eval(input, &scope));
            let of = |name: &String| Cell(scope.path(std::slice::from_ref(name)));
            let per = leaf.at_last.iter().flat_map(|at| &at.per).map(of).collect();
            let (timeless, time) = (time.is_none(), time.unwrap_or(BEGINNING));
            facts.push(Fact {
                time,
                timeless,
                group,
                per,
                item: Item { value, time, key: table.key.iter().map(of).collect() },
                place,
            });
        }
        facts.sort_by_key(|fact| fact.time);
        facts
    }

    /// The value of a formula for every group that has rows in a bucket.
    pub fn values(&self, prepared: &Prepared, at: At) -> BTreeMap<Group, Value> {
        let tables = self.tables(prepared, at);
        let rows = prepared.readings.iter().zip(&tables).filter(|(reading, _)| reading.gives_rows);
        let groups: BTreeSet<&Group> = rows.flat_map(|(_, table)| table.keys()).collect();
        groups.into_iter().map(|group| (group.clone(), self.of_group(prepared, &tables, at, group))).collect()
    }

    /// The value of a formula for one group, whether it has rows or not.
    pub fn value(&self, prepared: &Prepared, at: At, group: &Group) -> Value {
        self.of_group(prepared, &self.tables(prepared, at), at, group)
    }

    fn tables(&self, prepared: &Prepared, at: At) -> Vec<BTreeMap<Group, Vec<Item>>> {
        prepared.readings.iter().map(|reading| self.groups(reading, at)).collect()
    }

    fn of_group(&self, prepared: &Prepared, tables: &[BTreeMap<Group, Vec<Item>>], at: At, group: &Group) -> Value {
        let measure = |(reading, table): (&Reading, &BTreeMap<Group, Vec<Item>>)| {
            let own: Group = reading.kept.iter().map(|place| group[*place].clone()).collect();
            self.measure(reading, table.get(&own), at)
        };
        let measures = prepared.readings.iter().zip(tables).map(measure).collect();
        eval(&prepared.flat, &Measures { measures, calendar: self.calendar })
    }

    /// The items that a reading aggregates in a bucket, by its groups.
    fn groups(&self, reading: &Reading, at: At) -> BTreeMap<Group, Vec<Item>> {
        let mut groups: BTreeMap<Group, Vec<Item>> = BTreeMap::new();
        match &reading.kind {
            Kind::Leaf { leaf, facts, late, .. } => {
                for fact in self.at_last(leaf, self.inside(reading, leaf, facts, late, at)) {
                    groups.entry(fact.group.clone()).or_default().push(fact.item.clone());
                }
            }
            Kind::Nested { nested, inner } => {
                for inner_bucket in self.inner_buckets(reading, nested, inner, at) {
                    let below = At { bucket: inner_bucket, above: Some(&at), clip: at.clip.below(&reading.moves) };
                    let below = if nested.step().is_some() { below } else { at };
                    for (mut group, value) in self.values(inner, below) {
                        let scope = Inner { value: &value, calendar: self.calendar };
                        let passes = |filter: &Expr| truth(&eval(filter, &scope)) == Some(true);
                        if nested.filter.as_ref().is_none_or(passes) {
                            let key = group.split_off(reading.kept.len());
                            groups.entry(group).or_default().push(Item { value, time: inner_bucket.start, key });
                        }
                    }
                }
            }
            Kind::Count(_) => {}
        }
        groups
    }

    /// The rows of an aggregate that are counted in a bucket.
    fn inside<'f>(&self, reading: &Reading, leaf: &Leaf, facts: &'f [Fact], late: &[Late], at: At) -> Vec<&'f Fact> {
        let (from, to) = at.clip.within(&reading.moves, self.calendar.interval(&reading.moves, at.bucket));
        let whole = at.bucket.step.is_none() && at.bucket.start == BEGINNING && at.clip.to == Clip::NONE.to;
        let always = reading.moves.is_none() && whole;
        let table = self.base(&leaf.rows);
        let counts = |fact: &&Fact| {
            let inside = if fact.timeless { always } else { from <= fact.time && fact.time < to };
            let time = (!fact.timeless).then_some(fact.time);
            let row = Row { oracle: self, table, row: &table.rows[fact.place], time };
            inside && late.iter().all(|late| late.holds(&row, &at))
        };
        facts.iter().filter(counts).collect()
    }

    /// The buckets of the inner values: those of a time key that lie in the interval and in the span of the data, or the
    /// bucket itself.
    fn inner_buckets(&self, reading: &Reading, nested: &Nested, inner: &Prepared, at: At) -> Vec<Bucket> {
        let Some(step) = nested.step() else { return vec![at.bucket] };
        let (from, to) = self.calendar.interval(&reading.moves, at.bucket);
        let Some((first, last)) = self.span(&nested.formula) else { return Vec::new() };
        // One that is cut belongs to it.
        let (cut, end) = at.clip.within(&reading.moves, (from, to));
        let from = if cut == from { from } else { self.calendar.bucket(cut, step).0 };
        let to = to.min(end);
        let inside = |found: &Bucket| from <= found.start && found.start < to;
        match inner.touched() {
            Some(times) => self.buckets_of(times, step).into_iter().filter(inside).collect(),
            None => {
                let from = from.max(self.calendar.bucket(first, step).0);
                self.calendar.buckets(from, to.min(last + 1), step)
            }
        }
    }

    /// `at last STEP per k`: of the rows of each group (and each k) those of the last bucket that has any.
    fn at_last<'f>(&self, leaf: &Leaf, facts: Vec<&'f Fact>) -> Vec<&'f Fact> {
        let Some(at) = &leaf.at_last else { return facts };
        // What has no time is in no bucket.
        let in_bucket = |fact: &&Fact| !fact.timeless && self.calendar.has(fact.time, at.step);
        let facts: Vec<&Fact> = facts.into_iter().filter(in_bucket).collect();
        let mut last: BTreeMap<(&Group, &Group), i64> = BTreeMap::new();
        let bucket = |fact: &Fact| self.calendar.bucket(fact.time, at.step).0;
        for fact in &facts {
            let greatest = last.entry((&fact.group, &fact.per)).or_insert(i64::MIN);
            *greatest = (*greatest).max(bucket(fact));
        }
        facts.into_iter().filter(|fact| last[&(&fact.group, &fact.per)] == bucket(fact)).collect()
    }

    /// What a reading is in a group of a bucket.
    fn measure(&self, reading: &Reading, items: Option<&Vec<Item>>, at: At) -> Value {
        let interval = at.clip.within(&reading.moves, self.calendar.interval(&reading.moves, at.bucket));
        let (kind, ty) = match &reading.kind {
            Kind::Leaf { leaf, .. } => (leaf.aggregate, leaf.input.as_ref().map_or(Ty::Bool, |input| input.ty.clone())),
            Kind::Nested { nested, .. } => (nested.aggregate, nested.formula.ty.clone()),
            Kind::Count(length) => return Value::Float(self.calendar.count(interval, *length)),
        };
        match items {
            Some(items) => aggregate(kind, &ty, items, self.end),
            None if !kind.empty_is_zero() => Value::Null,
            // Before there was any data nothing is known.
            None if reading.first().is_some_and(|first| interval.1 <= first) => Value::Null,
            None => zero(kind, &ty),
        }
    }

    /// Whether the interval of some value lies partly before the first row of its table.
    pub fn starts_within(&self, prepared: &Prepared, at: At) -> bool {
        prepared.readings.iter().any(|reading| {
            let moved = self.calendar.interval(&reading.moves, at.bucket);
            let (from, to) = at.clip.within(&reading.moves, moved);
            match &reading.kind {
                Kind::Nested { nested, inner } if nested.step().is_none() => self.starts_within(inner, at),
                // The inner buckets make up the interval.
                _ => from != BEGINNING && reading.firsts().iter().any(|first| from < *first && *first < to),
            }
        })
    }

    /// The buckets in which a formula may have rows, within `[from, to)`; the only one without a step.
    pub fn output_buckets(&self, prepared: &Prepared, step: Step, from: i64, to: i64) -> Vec<Bucket> {
        let inside = |found: &Bucket| from <= found.start && found.start < to;
        match prepared.touched() {
            Some(times) => self.buckets_of(times, step).into_iter().filter(inside).collect(),
            None => self.calendar.buckets(from, to, step),
        }
    }

    fn buckets_of(&self, times: Vec<i64>, step: Step) -> Vec<Bucket> {
        let known = times.into_iter().filter(|time| self.calendar.has(*time, step));
        let found: BTreeSet<(i64, i64)> = known.map(|time| self.calendar.bucket(time, step)).collect();
        found.into_iter().map(|(start, end)| Bucket { start, end, step: Some(step) }).collect()
    }

    /// The least and the greatest time of the clean rows that a formula's aggregates read.
    pub fn span(&self, formula: &Expr) -> Option<(i64, i64)> {
        let mut times = BTreeSet::new();
        formula.walk(&mut |part| match &part.node {
            Node::Metric(name) => {
                let metric = self.project.metric(name).expect("a declared metric");
                times.extend(self.span(&metric.formula).into_iter().flat_map(|(first, last)| [first, last]));
            }
            Node::Leaf(leaf) => {
                let table = self.base(&leaf.rows);
                let rows = self.clean[&table.name].iter();
                times.extend(rows.filter_map(|row| self.time(leaf, table, &table.rows[*row])?));
            }
            _ => {}
        });
        Some((*times.first()?, *times.last()?))
    }
}

impl Prepared {
    /// The times at which it has rows, where a bucket without rows has no value; none where intervals are moved.
    fn touched(&self) -> Option<Vec<i64>> {
        let mut times = Vec::new();
        for reading in &self.readings {
            match &reading.kind {
                _ if !reading.moves.is_none() => return None,
                Kind::Leaf { facts, .. } => {
                    times.extend(facts.iter().filter(|fact| !fact.timeless).map(|fact| fact.time));
                }
                Kind::Nested { inner, .. } => times.extend(inner.touched()?),
                Kind::Count(_) => {}
            }
        }
        Some(times)
    }
}

impl Reading {
    /// The first clean row of each table that it reads.
    fn firsts(&self) -> Vec<i64> {
        match &self.kind {
            Kind::Leaf { first, .. } => first.iter().copied().collect(),
            Kind::Nested { inner, .. } => inner.readings.iter().flat_map(Reading::firsts).collect(),
            Kind::Count(_) => Vec::new(),
        }
    }

    /// The first clean row of what it reads.
    fn first(&self) -> Option<i64> {
        match &self.kind {
            Kind::Leaf { first, .. } => *first,
            Kind::Nested { inner, .. } => inner.readings.iter().filter_map(Reading::first).min(),
            Kind::Count(_) => None,
        }
    }
}

/// Puts a reading behind the others, and its number in place of the expression.
fn number(readings: &mut Vec<Reading>, reading: Reading, expr: &Expr) -> Expr {
    readings.push(reading);
    Expr { node: Node::Metric((readings.len() - 1).to_string()), ..expr.clone() }
}

impl Key {
    /// What rows are grouped by.
    pub fn of(by: &By) -> Option<Key> {
        match by {
            By::Dimension(name) => Some(Key::Dimension(name.clone())),
            By::Within(name, step) => Some(Key::Within(name.clone(), *step)),
            By::Part(_) => None,
        }
    }
}

/// A key of a nested aggregate, time apart.
pub fn key_of(key: &NestedKey) -> Option<Key> {
    Some(match key {
        NestedKey::Dimension(name) => Key::Dimension(name.clone()),
        NestedKey::Column(name) => Key::Column(name.clone()),
        NestedKey::Entity(name) => Key::Entity(name.clone()),
        NestedKey::Step(_) => return None,
    })
}

impl Row<'_> {
    /// The row's value of a key; none where the row is in no group.
    pub fn key(&self, key: &Key) -> Option<Cell> {
        let column = |name: &str| Some(Cell(self.path(&[name.to_owned()]))).filter(|cell| !cell.0.is_null());
        match key {
            // No dimension that is made of the time has a row without one.
            Key::Dimension(name) | Key::Within(name, _) if self.time.is_none() && self.is_made_of_time(name) => None,
            Key::Dimension(name) => Some(Cell(self.dimension(name))),
            Key::Within(name, step) => Some(Cell(match self.dimension(name) {
                Value::Null => Value::Null,
                value => of_time(&Op::Truncate(*step), &value, self.oracle.calendar),
            })),
            Key::Column(name) => column(name),
            Key::Other => Some(Cell(Value::Bool(false))),
            Key::Entity(entity) => match self.table.links_to(entity)[..] {
                [link] => column(&link.name),
                _ => panic!("{} does not lead to {entity} in one way", self.table.name),
            },
        }
    }
}

/// The values of a formula's readings, by number.
struct Measures {
    measures: Vec<Value>,
    calendar: Calendar,
}

impl Scope for Measures {
    fn atom(&self, expr: &Expr) -> Value {
        match &expr.node {
            Node::Metric(number) => self.measures[number.parse::<usize>().expect("the number of a reading")].clone(),
            other => panic!("{other:?} in a formula"),
        }
    }

    fn calendar(&self) -> Calendar {
        self.calendar
    }
}

/// The inner value of a nested aggregate.
struct Inner<'a> {
    value: &'a Value,
    calendar: Calendar,
}

impl Scope for Inner<'_> {
    fn atom(&self, expr: &Expr) -> Value {
        match &expr.node {
            Node::Inner => self.value.clone(),
            other => panic!("{other:?} behind `per`"),
        }
    }

    fn calendar(&self) -> Calendar {
        self.calendar
    }
}
