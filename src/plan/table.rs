//! Tables: stored ones, and those that are made of others before a question looks at them.

use std::collections::BTreeSet;

use super::{
    Answered, DataType, Expr, ExprKind, How, Input, Join, Made, Measure, Scan, Segment, SegmentDays, columns_of,
};

/// The places of all tables, each behind those that it is made of.
pub fn in_order(tables: &[Table]) -> Vec<usize> {
    let mut order = Vec::with_capacity(tables.len());
    let mut seen = vec![false; tables.len()];
    for start in 0..tables.len() {
        let mut open = vec![(start, false)];
        while let Some((place, done)) = open.pop() {
            if done {
                order.push(place);
            } else if !std::mem::replace(&mut seen[place], true) {
                open.push((place, true));
                open.extend(tables[place].reads().filter(|of| !seen[*of]).map(|of| (of, false)));
            }
        }
    }
    order
}

/// A table: a source or an entity, or rows derived from others. Whoever reads one sees its clean rows.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Table {
    /// Its name in the language, e.g. `event`; no two tables share one.
    pub name: String,
    /// Its name in the warehouse, e.g. `dwd.dwd_event_app`; empty for a derived table.
    pub physical: String,
    /// Its file in the samples folder.
    pub sample: Option<String>,
    /// Its columns (computed ones are expressions over these), in declaration order.
    pub columns: Vec<StoredColumn>,
    /// How its clean rows come about, where it is stored; of a derived table its key and time.
    pub clean: Clean,
    /// Whether it is stored, or what it is made of.
    pub origin: Origin,
    /// How the versions of one thing are told apart, where it keeps several.
    pub history: Option<History>,
}

/// A column as it is stored.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct StoredColumn {
    /// Its name.
    pub name: String,
    /// The type of its values. Enums are strings, entities are their keys.
    pub ty: DataType,
    /// Whether null may occur.
    pub nullable: bool,
    /// How a timestamp or duration is stored.
    pub encoding: Encoding,
    /// The allowed values of an enum, in declaration order; empty for any.
    pub domain: Vec<String>,
}

/// The physical form of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// The type's own: a timestamp is a date-time type of the engine; a duration an integer of milliseconds.
    Native,
    /// An integer of milliseconds: since 1970-01-01 UTC for a timestamp.
    Milliseconds,
}

/// The clean rows of a table.
///
/// Rows with a null in `key` are dropped; of the rows of one key (and one version, see [`History`]) the one that `keep` names
/// stays, ties by the smallest row: all columns ascending in declaration order, nulls last; then rows with a null `time` are
/// dropped. Without a key every row counts.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Clean {
    /// The columns of the key; empty for none.
    pub key: Vec<String>,
    /// Which row of a key stays.
    pub keep: Keep,
    /// The time column, where there is one.
    pub time: Option<String>,
}

/// Which row of a key stays.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum Keep {
    /// The one with the greatest value of this column; null is the least.
    Latest(String),
    /// The one with the least time (null last), or the smallest row where there is no time.
    Earliest,
}

/// How the versions of one thing are told apart, and which one holds at an instant.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum History {
    /// Each row holds from `from` (a timestamp, or a date: its local midnight) to before `until`; null is open. Of the versions
    /// that have started at an instant the one that started last is looked up, where it has not ended: two that overlap never
    /// give two rows. One row stays of those with equal key and start.
    Valid {
        /// The column of the start; null is before all others.
        from: String,
        /// The column of the end.
        until: String,
    },
    /// A copy a local day: the one of the instant's day is looked up. One row stays of those with equal key and day.
    Snapshot {
        /// The column of the day: a date.
        day: String,
    },
}

impl History {
    /// What tells the versions of a key apart.
    pub fn version(&self) -> &str {
        match self {
            History::Valid { from, .. } => from,
            History::Snapshot { day } => day,
        }
    }

    /// The columns that a look-up compares.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        let (first, second) = match self {
            History::Valid { from, until } => (from, Some(until)),
            History::Snapshot { day } => (day, None),
        };
        std::iter::once(first).chain(second).map(String::as_str)
    }
}

/// Where the rows of a table come from.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum Origin {
    /// They are stored.
    Stored,
    /// The rows of a stored table as they came: nothing is dropped.
    Raw(usize),
    /// For each combination of the keys' values the row with the least time, then the least key (without a key: the smallest
    /// row). A null in a key makes no row.
    FirstOf(Box<FirstOf>),
    /// The rows of all members.
    Union {
        /// Each with a value a column of the table.
        members: Vec<Member>,
        /// Whether a row may come from several members: of those with one key the one with the least time stays.
        overlapping: bool,
        /// Whether its rows are looked up, and one of another time than the row that looks for it is as good as none.
        timely: bool,
    },
    /// Rows of one value of `by`, as long as no pause between two of them is longer than the gap.
    Session(Box<Session>),
    /// A table of behaviour.
    Made(Box<Made>),
}

/// Clean rows of a table: which, and when.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Selection {
    /// The table.
    pub table: usize,
    /// Look-ups of entities.
    pub joins: Vec<Join>,
    /// Look-ups in answers.
    pub answers: Vec<Answered>,
    /// What every row must satisfy (true).
    pub filter: Option<Expr>,
    /// The instant of a row; rows where it is null are left out. None for timeless rows.
    pub time: Option<Expr>,
}

/// The first rows of some.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct FirstOf {
    /// Of which rows.
    pub rows: Selection,
    /// What has one row each.
    pub keys: Vec<Expr>,
}

/// Some of the rows of a union.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Member {
    /// Which rows.
    pub rows: Selection,
    /// The values of the union's columns, in their order.
    pub values: Vec<Expr>,
}

/// Sessions. The columns of the table are: what has sessions, start, end, duration, number of rows, then what is kept.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Session {
    /// Whose rows, in their time.
    pub rows: Selection,
    /// What has sessions; null has none.
    pub by: Expr,
    /// The longest pause within a session, in milliseconds: one of exactly this length does not end it.
    pub gap: i64,
    /// What is kept of the rows of a session.
    pub kept: Vec<Measure>,
}

impl Table {
    /// A name for a column of our own beside its own ones: a word, and as many `_` behind it as it takes.
    pub fn own_name(&self, word: &str) -> String {
        let mut name = word.to_owned();
        while self.columns.iter().any(|column| column.name == name) {
            name.push('_');
        }
        name
    }

    /// What tells its clean rows apart: the key, and the version in a history.
    pub fn identity(&self) -> impl Iterator<Item = &str> {
        self.clean.key.iter().map(String::as_str).chain(self.history.as_ref().map(History::version))
    }

    /// The columns that decide which of its rows of one time is the first: the key, or all without one.
    fn ordering(&self) -> impl Iterator<Item = &str> {
        let all = self.columns.iter().map(|column| column.name.as_str());
        all.filter(|name| self.clean.key.is_empty() || self.clean.key.iter().any(|key| key == name))
    }

    /// What it is made of, where members of an entity are looked up in it: it has the days that are asked for, and no others.
    pub fn segment(&self) -> Option<(&Made, &Segment)> {
        match &self.origin {
            Origin::Made(made) => match &made.how {
                How::Segment(how) if how.days == SegmentDays::Asked => Some((made, how)),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether it is looked up, and its rows of other times than those that look for them may be left out.
    pub fn is_timely(&self) -> bool {
        matches!(self.origin, Origin::Union { timely: true, .. })
    }

    /// Whether it is made of other tables.
    pub fn is_derived(&self) -> bool {
        self.origin != Origin::Stored
    }

    /// The columns of the clean rows of other tables from which these columns of its own are made.
    pub fn inputs<'a>(&'a self, tables: &'a [Table], wanted: &[&str]) -> Vec<(usize, &'a str)> {
        let mut found = Vec::new();
        for (rows, used) in self.selections_for(wanted) {
            rows.columns(tables, used.into_iter(), &mut found);
        }
        let ordering = |place: usize| tables[place].ordering().map(move |name| (place, name));
        match &self.origin {
            Origin::Stored | Origin::Raw(_) | Origin::Union { .. } => {}
            Origin::FirstOf(first) => {
                let base = first.rows.table;
                found.extend(ordering(base));
                let names = tables[base].columns.iter().map(|column| column.name.as_str());
                found.extend(names.filter(|name| wanted.contains(name)).map(|name| (base, name)));
            }
            Origin::Session(session) => {
                let key = tables[session.rows.table].clean.key.iter();
                found.extend(key.map(|key| (session.rows.table, key.as_str())));
            }
            Origin::Made(made) => {
                let carried = self.carried(made, wanted);
                let chosen = made.parts.iter().enumerate().filter(|(at, _)| made.chooses(*at, &carried));
                found.extend(chosen.flat_map(|(_, part)| ordering(part.rows.table)));
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// The tables whose clean rows are read for the columns wanted, and those below the answers that are looked into.
    pub fn reads_for(&self, wanted: &[&str]) -> Vec<usize> {
        self.selections_for(wanted).into_iter().flat_map(|(rows, used)| rows.tables_read(used)).collect()
    }

    /// Which of what a made table carries is wanted.
    fn carried<'a>(&'a self, made: &Made, wanted: &'a [&str]) -> impl Fn(usize) -> bool + 'a {
        let own = self.columns.len().saturating_sub(made.carried.len());
        move |at| wanted.contains(&self.columns[own + at].name.as_str())
    }

    /// The selections that it is made of, each with the expressions over its rows that are needed for the columns wanted.
    fn selections_for<'a>(&'a self, wanted: &[&str]) -> Vec<(&'a Selection, Vec<&'a Expr>)> {
        let is_wanted = |column: &StoredColumn| wanted.contains(&column.name.as_str());
        match &self.origin {
            Origin::Stored | Origin::Raw(_) => Vec::new(),
            Origin::FirstOf(first) => vec![(&first.rows, first.keys.iter().collect())],
            Origin::Union { members, overlapping, .. } => {
                let used = |member: &'a Member| {
                    let columns = self.columns.iter().zip(&member.values);
                    columns.filter(|(column, _)| *overlapping || is_wanted(column)).map(|(_, value)| value).collect()
                };
                members.iter().map(|member| (&member.rows, used(member))).collect()
            }
            Origin::Session(session) => {
                let kept = session.kept.iter().zip(self.columns.iter().skip(Session::OWN_COLUMNS));
                let kept = kept.filter(|(_, column)| is_wanted(column)).map(|(measure, _)| measure);
                let kept = kept.flat_map(|measure| measure.filter.iter().chain(measure.aggregate.argument()));
                vec![(&session.rows, std::iter::once(&session.by).chain(kept).collect())]
            }
            Origin::Made(made) => {
                let carried = self.carried(made, wanted);
                let values = |at: usize| made.needed(at, &carried).into_iter();
                let parts = made.parts.iter().enumerate();
                parts.map(|(at, part)| (&part.rows, values(at).map(|value| &part.values[value]).collect())).collect()
            }
        }
    }

    /// The selections of clean rows that it is made of.
    pub fn selections(&self) -> Vec<&Selection> {
        match &self.origin {
            Origin::Stored | Origin::Raw(_) => Vec::new(),
            Origin::FirstOf(first) => vec![&first.rows],
            Origin::Union { members, .. } => members.iter().map(|member| &member.rows).collect(),
            Origin::Session(session) => vec![&session.rows],
            Origin::Made(made) => made.parts.iter().map(|part| &part.rows).collect(),
        }
    }

    /// The tables whose clean rows it is made of.
    pub fn reads(&self) -> impl Iterator<Item = usize> {
        self.selections().into_iter().flat_map(Selection::all_tables)
    }
}

impl Session {
    /// How many columns stand before those that are kept.
    pub const OWN_COLUMNS: usize = 5;
}

impl Selection {
    /// Its tables: the one chosen from, those of its look-ups, and those below the answers that it looks into.
    pub fn all_tables(&self) -> Vec<usize> {
        let joined = self.joins.iter().map(|join| join.table);
        let answered = self.answers.iter().flat_map(|answer| answer.query.all_tables());
        std::iter::once(self.table).chain(joined).chain(answered).collect()
    }

    /// Its tables, of the look-ups those that its own and these expressions read.
    fn tables_read<'a>(&'a self, used: Vec<&'a Expr>) -> Vec<usize> {
        let used: Vec<&Expr> = self.own_expressions().chain(used).collect();
        let read = joins_read(&self.joins, &used);
        let joined = self.joins.iter().zip(read).filter(|(_, read)| *read).map(|(join, _)| join.table);
        let answered = self.answers.iter().flat_map(|answer| answer.query.all_tables());
        std::iter::once(self.table).chain(joined).chain(answered).collect()
    }

    /// What it reads of its rows whatever else is read of them.
    pub fn own_expressions(&self) -> impl Iterator<Item = &Expr> {
        self.answers.iter().flat_map(Answered::expressions).chain(&self.filter).chain(&self.time)
    }

    /// Its own expressions over rows.
    pub fn expressions(&self) -> impl Iterator<Item = &Expr> {
        self.joins.iter().flat_map(Join::expressions).chain(self.own_expressions())
    }

    /// The columns that it and some expressions over its rows read, by table.
    pub(super) fn columns<'a>(
        &'a self,
        tables: &'a [Table],
        others: impl Iterator<Item = &'a Expr>,
        found: &mut Vec<(usize, &'a str)>,
    ) {
        let used: Vec<&Expr> = self.own_expressions().chain(others).collect();
        let read = joins_read(&self.joins, &used);
        let joins = || self.joins.iter().zip(&read).filter(|(_, read)| **read).map(|(join, _)| join);
        for expr in used.into_iter().chain(joins().flat_map(Join::expressions)) {
            columns_of(expr, Some(self.table), &self.joins, found);
        }
        found.extend(joins().flat_map(|join| join.columns(tables)));
        found.extend(self.answers.iter().flat_map(|answer| answer.query.read_columns(tables)));
    }
}

/// Which look-ups expressions read, by themselves or by way of another one. A look-up finds one row at most: one that nothing reads changes
/// nothing.
pub fn joins_read(joins: &[Join], used: &[&Expr]) -> Vec<bool> {
    let mut read = vec![false; joins.len()];
    let mark = |read: &mut [bool], expr: &Expr| {
        expr.walk(&mut |part| {
            if let ExprKind::Column { input: Input::Join(at), .. } = &part.kind
                && let Some(read) = read.get_mut(*at)
            {
                *read = true;
            }
        });
    };
    used.iter().for_each(|expr| mark(&mut read, expr));
    // A look-up is made of earlier ones.
    for at in (0..joins.len()).rev() {
        if read[at] {
            joins[at].expressions().for_each(|expr| mark(&mut read, expr));
        }
    }
    read
}

/// The stored tables behind some tables, each once, in order.
pub fn stored_tables(tables: &[Table], of: impl IntoIterator<Item = usize>) -> Vec<usize> {
    let mut seen = vec![false; tables.len()];
    let mut open: Vec<usize> = of.into_iter().collect();
    while let Some(place) = open.pop() {
        if !std::mem::replace(&mut seen[place], true) {
            open.extend(tables[place].reads());
            if let Origin::Raw(table) = tables[place].origin {
                open.push(table);
            }
        }
    }
    (0..tables.len()).filter(|place| seen[*place] && !tables[*place].is_derived()).collect()
}

/// The columns of stored tables behind some scans, each once, in order. Not those that only clean rows need.
pub fn stored_columns<'a>(tables: &'a [Table], scans: &'a [Scan]) -> Vec<(usize, &'a str)> {
    let mut wanted: Vec<Option<BTreeSet<&str>>> = vec![None; tables.len()];
    for scan in scans {
        scan.all_tables().into_iter().for_each(|table| _ = wanted[table].get_or_insert_default());
        for (table, column) in scan.columns(tables) {
            wanted[table].get_or_insert_default().insert(column);
        }
    }
    // From the last to the first, all users of one are known.
    for place in in_order(tables).into_iter().rev().filter(|place| tables[*place].is_derived()) {
        let Some(columns) = wanted[place].take() else { continue };
        let columns: Vec<&str> = columns.into_iter().collect();
        let inputs = match tables[place].origin {
            Origin::Raw(of) => columns.iter().map(|column| (of, *column)).collect(),
            _ => tables[place].inputs(tables, &columns),
        };
        tables[place].reads_for(&columns).into_iter().for_each(|table| _ = wanted[table].get_or_insert_default());
        for (table, column) in inputs {
            wanted[table].get_or_insert_default().insert(column);
        }
    }
    let of = |(place, columns): (usize, Option<BTreeSet<&'a str>>)| {
        columns.into_iter().flatten().map(move |column| (place, column))
    };
    wanted.into_iter().enumerate().flat_map(of).collect()
}
