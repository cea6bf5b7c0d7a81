//! What rows are made of: the values that conditions compare with, and those beside them.

use std::collections::{BTreeMap, BTreeSet};

use crate::plan::{
    Answered, DataType, Expr, ExprKind, Function, How, Input, Join, Keep, Origin, Query, Scan, SegmentDays, Selection,
    Source, Step, StoredColumn, Table, Value, stored_columns,
};
use crate::table::form;
use crate::value::{Interval, Span, Window, Within};

use super::holds::holds;

/// The values of a column that are worth trying.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Word {
    /// null
    Null,
    /// This text.
    Text(String),
    /// One of a few names that nothing compares with, but which tell rows apart.
    Id(u8),
    /// So many milliseconds from the middle of the world.
    At(i64),
    /// So many days from the day of the middle of the world.
    Day(i32),
}

/// A column, and what is worth trying.
#[derive(Clone, Debug)]
pub struct Column {
    /// As it is stored.
    pub stored: StoredColumn,
    /// All words.
    pub words: Vec<Word>,
    /// Of these the places of such that conditions want.
    pub wanted: Vec<usize>,
}

/// A table, and the columns of it that matter.
#[derive(Clone, Debug)]
pub struct Words {
    /// Its name.
    pub table: String,
    /// Its columns.
    pub columns: Vec<Column>,
    /// Whether it is only looked up.
    pub looked_up: bool,
}

/// What the rows of worlds are made of.
#[derive(Clone, Debug, Default)]
pub struct Vocabulary {
    /// The stored tables that either version reads.
    pub tables: Vec<Words>,
    /// How far from the middle of a world its rows may lie, and what they cause, in milliseconds.
    pub reach: i64,
    /// Instants that conditions name: what is asked there has no other time.
    pub instants: Vec<i64>,
    /// Whether some value is of all rows up to its bucket, so that no world has a time of its own; or there is one for every day of a span
    /// that must not hold many worlds.
    pub over_all: bool,
}

/// A day, in milliseconds.
const DAY: i64 = 86_400_000;

/// How many rows of a table a world tells apart.
pub const NAMES: u8 = 4;

/// Lengths beyond this are not tried: some ten years.
const FARTHEST: i64 = 4_000 * DAY;

type Place<'a> = (&'a str, &'a str);

/// What the conditions of some queries tell of columns.
#[derive(Default)]
struct Found<'a> {
    literals: BTreeMap<Place<'a>, BTreeSet<Word>>,
    instants: BTreeSet<i64>,
    hours: BTreeMap<Place<'a>, BTreeSet<i64>>,
    lengths: BTreeSet<i64>,
    ids: BTreeSet<Place<'a>>,
    /// Those that tell the rows of their own table apart.
    keys: BTreeSet<Place<'a>>,
    conditions: BTreeMap<Place<'a>, Vec<&'a Expr>>,
    bases: BTreeSet<&'a str>,
    over_all: bool,
    longest: i64,
}

impl Vocabulary {
    /// Of the versions of a metric, each as it is asked.
    pub fn of(queries: &[&Query]) -> Vocabulary {
        let mut found = Found::default();
        for query in queries {
            found.query(query, &query.tables);
            for place in reached(query) {
                found.table(&query.tables[place], &query.tables);
            }
        }
        let mut columns: BTreeMap<&str, Vec<StoredColumn>> = BTreeMap::new();
        for query in queries {
            for place in query.stored_tables() {
                let table = &query.tables[place];
                let known = columns.entry(&table.name).or_default();
                for column in used(table, place, query) {
                    match known.iter_mut().find(|known| known.name == column.name) {
                        // A value must be one on both sides.
                        Some(known) if !known.domain.is_empty() && !column.domain.is_empty() => {
                            known.domain.retain(|value| column.domain.contains(value));
                            known.nullable &= column.nullable;
                        }
                        Some(known) => {
                            known.nullable &= column.nullable;
                            if known.domain.is_empty() {
                                known.domain.clone_from(&column.domain);
                            }
                        }
                        None => known.push(column.clone()),
                    }
                }
            }
        }
        found.lengths.retain(|length| (0..=FARTHEST).contains(length));
        let reach = found.lengths.iter().copied().max().unwrap_or(0).max(found.longest);
        let tables = columns.into_iter().map(|(table, columns)| Words {
            looked_up: !found.bases.contains(table),
            columns: columns.into_iter().map(|column| found.column(table, column)).collect(),
            table: table.to_owned(),
        });
        let instants = found.instants.iter().copied().take(4).collect();
        Vocabulary { tables: tables.collect(), reach, instants, over_all: found.over_all }
    }
}

/// All tables that a query reads, also those that others are made of.
fn reached(query: &Query) -> Vec<usize> {
    let mut seen = vec![false; query.tables.len()];
    let mut open = query.all_tables();
    while let Some(place) = open.pop() {
        if !std::mem::replace(&mut seen[place], true) {
            open.extend(query.tables[place].reads());
            if let Origin::Raw(table) = query.tables[place].origin {
                open.push(table);
            }
        }
    }
    (0..seen.len()).filter(|place| seen[*place]).collect()
}

/// The columns of a stored table that a query reads, and those that its clean rows need.
fn used<'q>(table: &'q Table, place: usize, query: &'q Query) -> Vec<&'q StoredColumn> {
    let mut names: BTreeSet<&str> = stored_columns(&query.tables, &query.scans)
        .into_iter()
        .filter(|(of, _)| *of == place)
        .map(|(_, name)| name)
        .collect();
    names.extend(table.identity());
    names.extend(table.clean.time.as_deref());
    if let Keep::Latest(column) = &table.clean.keep {
        names.insert(column);
    }
    names.extend(table.history.iter().flat_map(|history| history.columns()));
    table.columns.iter().filter(|column| names.contains(column.name.as_str())).collect()
}

impl<'a> Found<'a> {
    fn query(&mut self, query: &'a Query, tables: &'a [Table]) {
        self.lengths.extend(query.step.map(step_length));
        self.over_all |= query.metrics.iter().any(|metric| metric.fill.is_some());
        for scan in &query.scans {
            self.scan(scan, tables);
        }
        if let Some(among) = &query.among {
            self.query(&among.query, tables);
        }
        if let Some(asked) = &query.asked {
            self.selection(&asked.rows, asked.keys.iter().map(|key| &key.value), tables);
        }
    }

    fn scan(&mut self, scan: &'a Scan, tables: &'a [Table]) {
        self.interval(&scan.interval);
        if let Source::Query(query) = &scan.source {
            self.query(query, tables);
        }
        self.base(scan.table(), tables);
        self.answers(&scan.answers, tables);
        self.joins(scan.table(), &scan.joins, tables);
        for expr in scan.expressions() {
            self.expr(expr, scan.table(), &scan.joins, tables);
        }
        let filters = scan.filter.iter().chain(scan.measures.iter().filter_map(|measure| measure.filter.as_ref()));
        for filter in filters {
            self.condition(filter, scan.table(), &scan.joins, tables);
        }
    }

    fn selection(&mut self, rows: &'a Selection, values: impl Iterator<Item = &'a Expr>, tables: &'a [Table]) {
        self.base(Some(rows.table), tables);
        self.answers(&rows.answers, tables);
        self.joins(Some(rows.table), &rows.joins, tables);
        for expr in rows.expressions().chain(values) {
            self.expr(expr, Some(rows.table), &rows.joins, tables);
        }
        if let Some(filter) = &rows.filter {
            self.condition(filter, Some(rows.table), &rows.joins, tables);
        }
    }

    fn base(&mut self, table: Option<usize>, tables: &'a [Table]) {
        let mut at = table;
        // The rows as they came are those of the table.
        while let Some(place) = at {
            self.bases.insert(&tables[place].name);
            at = if let Origin::Raw(of) = tables[place].origin { Some(of) } else { None };
        }
    }

    fn answers(&mut self, answers: &'a [Answered], tables: &'a [Table]) {
        answers.iter().for_each(|answer| self.query(&answer.query, tables));
    }

    fn joins(&mut self, base: Option<usize>, joins: &'a [Join], tables: &'a [Table]) {
        for join in joins {
            self.ids.insert((&tables[join.table].name, &join.column));
            self.identity(&join.key, base, joins, tables);
        }
    }

    /// The values of an expression tell rows apart.
    fn identity(&mut self, of: &'a Expr, base: Option<usize>, joins: &'a [Join], tables: &'a [Table]) {
        if let ExprKind::Column { input, name } = &of.kind {
            let places = stored(base_of(*input, base, joins), name, tables);
            self.ids.extend(places);
        }
    }

    fn table(&mut self, table: &'a Table, tables: &'a [Table]) {
        let own = table.clean.key.iter().filter(|_| !table.is_derived());
        let own = own.map(|key| (table.name.as_str(), key.as_str()));
        self.ids.extend(own.clone());
        self.keys.extend(own);
        match &table.origin {
            Origin::Stored | Origin::Raw(_) => {}
            Origin::FirstOf(first) => {
                self.selection(&first.rows, first.keys.iter(), tables);
                first.keys.iter().for_each(|key| self.identity(key, Some(first.rows.table), &first.rows.joins, tables));
            }
            Origin::Union { members, .. } => {
                members.iter().for_each(|member| self.selection(&member.rows, member.values.iter(), tables));
            }
            Origin::Session(session) => {
                self.lengths.insert(session.gap);
                self.selection(&session.rows, std::iter::once(&session.by), tables);
                self.identity(&session.by, Some(session.rows.table), &session.rows.joins, tables);
            }
            Origin::Made(made) => {
                self.lengths.extend(lengths(&made.how));
                self.over_all |= matches!(&made.how, How::Segment(segment) if segment.days == SegmentDays::All);
                for part in &made.parts {
                    self.selection(&part.rows, part.values.iter(), tables);
                    if let Some(value) = part.values.first() {
                        self.identity(value, Some(part.rows.table), &part.rows.joins, tables);
                    }
                }
            }
        }
    }

    fn interval(&mut self, interval: &Interval) {
        let mut add = |span: Span| self.lengths.insert(length(span));
        interval.ago.iter().for_each(|span| _ = add(*span));
        match interval.window {
            Some(Window::Last(span) | Window::Before(span)) => _ = add(span),
            Some(Window::Earlier(span)) => {
                add(span);
                add(span.times(2));
            }
            Some(Window::All) => self.over_all = true,
            Some(Window::ToDate(_)) => self.longest = self.longest.max(366 * DAY),
            None => {}
        }
    }

    /// Gathers what is compared.
    fn expr(&mut self, expr: &'a Expr, base: Option<usize>, joins: &'a [Join], tables: &'a [Table]) {
        expr.walk(&mut |part| {
            let ExprKind::Call(function, arguments) = &part.kind else { return };
            let literals: Vec<(&Value, &DataType)> = arguments
                .iter()
                .filter_map(|argument| match &argument.kind {
                    ExprKind::Literal(value) if *value != Value::Null => Some((value, &argument.ty)),
                    _ => None,
                })
                .collect();
            for (value, _) in &literals {
                if let Value::Duration(ms) = value
                    && matches!(
                        function,
                        Function::Add
                            | Function::Subtract
                            | Function::Less
                            | Function::LessEqual
                            | Function::Greater
                            | Function::GreaterEqual
                            | Function::Equal
                            | Function::NotEqual
                    )
                {
                    self.lengths.insert(ms.saturating_abs());
                }
            }
            for argument in arguments.iter().filter(|_| !literals.is_empty()) {
                let hour = matches!(argument.kind, ExprKind::Call(Function::HourOf, _));
                argument.walk(&mut |below| {
                    let ExprKind::Column { input, name } = &below.kind else { return };
                    for place in stored(base_of(*input, base, joins), name, tables) {
                        for (value, ty) in &literals {
                            if let (Value::Int(value), true) = (value, hour) {
                                let hours = [value.saturating_sub(1), *value, value.saturating_add(1)];
                                self.hours.entry(place).or_default().extend(hours);
                            }
                            self.literal(place, below, (value, ty), *function);
                        }
                    }
                });
            }
        });
    }

    fn literal(&mut self, place: Place<'a>, column: &Expr, (value, ty): (&Value, &DataType), function: Function) {
        let mut add = |text: String| {
            self.literals.entry(place).or_default().insert(Word::Text(text));
        };
        match (value, &column.ty) {
            (Value::String(text), DataType::String) => {
                add(text.clone());
                // What a pattern matches at the least, and a little more.
                if function == Function::Like {
                    add(text.replace('%', "").replace('_', "x"));
                    add(text.replace(['%', '_'], "x"));
                }
            }
            (Value::Int(value), DataType::Int) => (-1..=1).for_each(|by| add((value.saturating_add(by)).to_string())),
            (Value::Duration(ms), DataType::Duration) => {
                (-1..=1).for_each(|by| add(ms.saturating_add(by).max(0).to_string()));
            }
            (Value::Decimal(_) | Value::Int(_) | Value::Float(_), DataType::Decimal { scale, .. }) => {
                let Some(digits) = digits(value, ty, *scale) else { return };
                (-1..=1).for_each(|by| add(form::decimal(digits.saturating_add(by), *scale)));
            }
            (Value::Float(value), DataType::Float) => {
                [-0.5, 0.0, 0.5].into_iter().for_each(|by| add(form::float(value + by)));
            }
            (Value::Int(value), DataType::Float) => {
                [-0.5, 0.0, 0.5].into_iter().for_each(|by| add(form::float(*value as f64 + by)));
            }
            (Value::Timestamp(ms), DataType::Timestamp) => _ = self.instants.insert(*ms),
            (Value::Date(days), DataType::Timestamp | DataType::Date) => {
                self.instants.insert(i64::from(*days) * DAY);
            }
            (Value::String(text), DataType::Map(_)) => add(text.clone()),
            _ => {}
        }
    }

    /// Notes which conditions there are on one column alone.
    fn condition(&mut self, filter: &'a Expr, base: Option<usize>, joins: &'a [Join], tables: &'a [Table]) {
        if let ExprKind::Call(Function::And, parts) = &filter.kind {
            return parts.iter().for_each(|part| self.condition(part, base, joins, tables));
        }
        let mut columns: BTreeSet<Place<'a>> = BTreeSet::new();
        let mut all = 0;
        filter.walk(&mut |part| {
            if let ExprKind::Column { input, name } = &part.kind {
                all += 1;
                columns.extend(stored(base_of(*input, base, joins), name, tables));
            }
        });
        // Of a union a column stands for one of each member.
        if all > 0 && columns.iter().map(|(_, name)| name).collect::<BTreeSet<_>>().len() == 1 {
            columns.into_iter().for_each(|place| self.conditions.entry(place).or_default().push(filter));
        }
    }

    /// A column with its words.
    fn column(&self, table: &str, stored: StoredColumn) -> Column {
        let place = (table, stored.name.as_str());
        let literals = self.literals.get(&place);
        let is_id = self.ids.contains(&place);
        // Of a member several rows may be needed, but rarely more than two members.
        let names = if self.keys.contains(&place) { NAMES } else { 2 };
        let ids: Vec<Word> = (1..=names).map(Word::Id).collect();
        let mut words: Vec<Word> = match &stored.ty {
            DataType::Timestamp => self.times(place),
            DataType::Date => {
                let days = self.lengths.iter().map(|ms| (ms / DAY) as i32);
                let days: BTreeSet<i32> = days.flat_map(|days| [-days, days]).chain([-1, 0, 1]).collect();
                days.into_iter().map(Word::Day).collect()
            }
            DataType::Bool => vec![text("true"), text("false")],
            DataType::String if !stored.domain.is_empty() => {
                let named = |value: &&String| literals.is_some_and(|all| all.contains(&text(value)));
                let others = stored.domain.iter().filter(|value| !named(value)).take(2);
                stored.domain.iter().filter(named).chain(others).map(|value| text(value)).collect()
            }
            DataType::String => {
                let named: Vec<Word> = literals.iter().flat_map(|all| all.iter().cloned()).collect();
                let own = if named.is_empty() || is_id { ids } else { vec![text("other")] };
                named.into_iter().chain(own).collect()
            }
            DataType::Int | DataType::Decimal { .. } | DataType::Float | DataType::Duration => {
                let named: Vec<Word> = literals.iter().flat_map(|all| all.iter().cloned()).collect();
                match (&stored.ty, is_id) {
                    (DataType::Int, true) => named.into_iter().chain(ids).collect(),
                    (DataType::Duration, _) => named.into_iter().chain([text("1000"), text("4000")]).collect(),
                    _ => named.into_iter().chain([text("1"), text("10"), text("0")]).collect(),
                }
            }
            DataType::Array(_) => vec![text("[]")],
            DataType::Map(item) => {
                // A key and a value that conditions name may belong together.
                let named: Vec<&str> = literals.iter().flat_map(|all| all.iter()).filter_map(as_text).collect();
                let value = |value: &str| match **item {
                    DataType::String => serde_json::json!(value),
                    _ => value.parse::<f64>().map_or(serde_json::Value::Null, |number| serde_json::json!(number)),
                };
                let pairs = named.iter().flat_map(|key| named.iter().map(move |of| (key, of)));
                let pairs = pairs.filter(|(key, of)| key != of || named.len() == 1);
                let made = pairs.map(|(key, of)| Word::Text(serde_json::json!({ *key: value(of) }).to_string()));
                made.take(12).chain([text("{}")]).collect()
            }
        };
        if stored.nullable && !matches!(stored.ty, DataType::Array(_) | DataType::Map(_)) {
            words.push(Word::Null);
        }
        let conditions = self.conditions.get(&place);
        let wanted = |word: &Word| {
            let value = word_value(word, &stored.ty);
            let says = |condition: &&Expr| value.as_ref().and_then(|value| holds(condition, value));
            conditions.is_some_and(|all| all.iter().any(|one| says(one) == Some(Some(true))))
        };
        let wanted = (0..words.len()).filter(|place| wanted(&words[*place])).collect();
        Column { words, wanted, stored }
    }

    /// The times of rows: the middle of the world, and as far from it as something reaches.
    fn times(&self, place: Place<'_>) -> Vec<Word> {
        let mut times: BTreeSet<i64> = BTreeSet::from([-DAY, -1, 0, 1, 3_600_000, DAY]);
        for length in &self.lengths {
            times.extend([-1, 0, 1].into_iter().flat_map(|by| [-(length + by), length + by]));
        }
        // The middle of a world is at noon.
        let hours = self.hours.get(&place).into_iter().flatten();
        times.extend(hours.filter(|hour| (0..24).contains(*hour)).map(|hour| (hour - 12) * 3_600_000));
        times.into_iter().map(Word::At).collect()
    }
}

fn text(of: &str) -> Word {
    Word::Text(of.to_owned())
}

fn as_text(word: &Word) -> Option<&str> {
    match word {
        Word::Text(text) => Some(text),
        _ => None,
    }
}

/// The value of a word whose value is the same in all worlds.
fn word_value(word: &Word, ty: &DataType) -> Option<Value> {
    match word {
        Word::Null => Some(Value::Null),
        Word::Text(text) => crate::table::cell::read_value(Some(text), ty, chrono_tz::UTC),
        Word::Id(id) if *ty == DataType::String => Some(Value::String(format!("\u{1}{id}"))),
        Word::Id(id) => Some(Value::Int(i64::MAX - i64::from(*id))),
        // Any: conditions with a time of their own are asked where they are.
        Word::At(_) => Some(Value::Timestamp(0)),
        Word::Day(_) => Some(Value::Date(0)),
    }
}

/// A number with so many digits behind the point.
fn digits(value: &Value, ty: &DataType, scale: u8) -> Option<i128> {
    let own = |digits: i128, own: u8| match scale.checked_sub(own) {
        Some(more) => digits.checked_mul(form::power_of_ten(more)),
        None => Some(digits / form::power_of_ten(own - scale)),
    };
    match (value, ty) {
        (Value::Int(value), _) => own(i128::from(*value), 0),
        (Value::Decimal(digits), DataType::Decimal { scale, .. }) => own(*digits, *scale),
        _ => None,
    }
}

/// The table that an input is of.
fn base_of(input: Input, base: Option<usize>, joins: &[Join]) -> Option<usize> {
    match input {
        Input::Base => base,
        Input::Join(at) => joins.get(at).map(|join| join.table),
        Input::Answer(_) | Input::Output => None,
    }
}

/// The stored columns behind a column: of a derived table those of the same name in what it is made of.
fn stored<'a>(table: Option<usize>, name: &str, tables: &'a [Table]) -> Vec<Place<'a>> {
    let Some(place) = table else { return Vec::new() };
    let all = crate::plan::stored_tables(tables, [place]);
    let named = |place: usize| {
        let table = &tables[place];
        let column = table.columns.iter().find(|column| column.name == name)?;
        Some((table.name.as_str(), column.name.as_str()))
    };
    if tables[place].is_derived() {
        all.into_iter().filter_map(named).collect()
    } else {
        named(place).into_iter().collect()
    }
}

fn length(span: Span) -> i64 {
    match span {
        Span::Milliseconds(ms) => ms,
        Span::Days(days) => days.saturating_mul(DAY),
        Span::Months(months) => months.saturating_mul(31 * DAY),
        Span::Bucket(_) => 366 * DAY,
    }
}

/// How long a bucket is, at the most.
fn step_length(step: Step) -> i64 {
    match step {
        Step::Subday(ms) => ms,
        Step::Day => DAY,
        Step::Week => 7 * DAY,
        Step::Month => 31 * DAY,
        Step::Quarter => 92 * DAY,
        Step::Year | Step::Declared(_) => 366 * DAY,
    }
}

/// The lengths that a table of behaviour is made with.
fn lengths(how: &How) -> Vec<i64> {
    let within = |within: &Within| match within {
        Within::Elapsed(ms) => *ms,
        Within::Same(_) => DAY,
    };
    match how {
        How::Cohort { ages, .. } => {
            let bucket = ages.rolling.unwrap_or(step_length(ages.every));
            vec![bucket, bucket.saturating_mul(i64::from(ages.until))]
        }
        How::Attempts(attempts) => vec![within(&attempts.within)],
        How::Conversion(conversion) => vec![within(&conversion.within)],
        How::Attribution(attribution) => vec![within(&attribution.within)],
        How::Paths(paths) => vec![paths.session],
        How::Experiment(experiment) => std::iter::once(experiment.within).chain(experiment.before).collect(),
        How::Segment(segment) => {
            segment.measures.iter().filter_map(|one| one.days).map(|days| days.saturating_mul(DAY)).collect()
        }
    }
}
