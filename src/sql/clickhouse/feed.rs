//! The feed of a source: its rows as they arrive, without those that are late and without repetitions (ST1). Each SELECT is of a
//! materialized view, so it sees one block of rows, and other tables as earlier blocks have left them.
//!
//! Rows pass through tables that keep nothing: `rows` (with canonical values), `arrived` (with what each may be), `judged` (with
//! what it is). What counts is kept in `feed`, for as long as a repetition of it may come; the greatest time that has come in
//! `mark`.
//!
//! Kept rows of one key are at least `within` apart. So in a slot of that width there is at most one of them, and what is near to
//! a row lies in its slot or beside it.

use sqlparser::ast::{BinaryOperator, Expr, Ident, ObjectName, Query, SelectItem};

use super::ClickHouse;
use crate::plan::{Step, StoredColumn, Table};
use crate::sql::build::{self, Parts, binary, call, number};
use crate::sql::dialect::{Calendar, Dialect, Scalars};
use crate::sql::escape;

/// The tables of a feed.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Names {
    pub source: ObjectName,
    pub rows: ObjectName,
    pub arrived: ObjectName,
    pub judged: ObjectName,
    pub feed: ObjectName,
    pub mark: ObjectName,
}

/// What a feed is made of.
#[derive(Debug)]
pub struct Feed<'a> {
    /// The source.
    pub table: &'a Table,
    /// Its tables.
    pub names: Names,
    /// Within how many milliseconds of event time a row with the same key is a repetition; 1 for equal times.
    pub within: i64,
    /// How many milliseconds a row may be late; none where no row is too late.
    pub lateness: Option<i64>,
    /// The column that says when a row reached us.
    pub arrived: Option<&'a str>,
    /// The project's zone and week.
    pub calendar: Calendar,
}

/// A column of our own beside those of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Own {
    /// The hash of the key: UInt64.
    Hash,
    /// The event time in milliseconds since 1970: Int64.
    At,
    /// What a row may be, by [`COUNTS`], [`REPEATED`] and [`LATE`]: UInt8.
    Again,
    /// What it is.
    Verdict,
    /// The number of its slot: Int64.
    Slot,
    /// When it came: DateTime.
    Came,
}

/// The row counts.
pub const COUNTS: u8 = 0;
/// The row is a repetition; of what may be one, it is not known yet.
pub const REPEATED: u8 = 1;
/// The row is late.
pub const LATE: u8 = 2;

/// The times of slots `{1}`, in the order of their slots `{0}`.
const IN_ORDER: &str = "arrayMap(p -> tupleElement(p, 2), arraySort(groupArray(tuple({0}, {1}))))";
/// The times that are kept of those of slots `{0}`: the first that is at least `{1}` behind the last one kept.
const GREEDY: &str = "arrayJoin(tupleElement(arrayFold((a, x) -> if(x[-1] - tupleElement(a, 1) >= {1}, tuple(arrayFirst(t -> t - tupleElement(a, 1) >= {1}, x), arrayPushBack(tupleElement(a, 2), arrayFirst(t -> t - tupleElement(a, 1) >= {1}, x))), a), {0}, tuple(toInt64(-4611686018427387904), emptyArrayInt64())), 2))";
/// No time of `{2}` is less than `{1}` away from `{0}`.
const FAR: &str = "NOT arrayExists(k -> abs(k - {0}) < {1}, {2})";
/// A slot `{0}` and those beside it.
const BESIDE: &str = "arrayJoin([{0} - 1, {0}, {0} + 1])";

/// Milliseconds from the year 1 to 1970: no slot has a negative number.
const YEAR_ONE: i64 = 62_135_596_800_000;

impl Own {
    const fn word(self) -> &'static str {
        match self {
            Own::Hash => "_h",
            Own::At => "_at",
            Own::Again => "_again",
            Own::Verdict => "_verdict",
            Own::Slot => "_slot",
            Own::Came => "_came",
        }
    }

    /// Its type.
    pub const fn ty(self) -> &'static str {
        match self {
            Own::Hash => "UInt64",
            Own::At | Own::Slot => "Int64",
            Own::Again | Own::Verdict => "UInt8",
            Own::Came => "DateTime('UTC')",
        }
    }
}

impl Feed<'_> {
    /// The name of a column of our own; never that of one of the source's.
    pub fn own(&self, own: Own) -> Ident {
        build::ident(&self.table.own_name(own.word()))
    }

    /// The same within a SELECT.
    fn inner(&self, word: &str) -> Ident {
        build::ident(&self.table.own_name(word))
    }

    fn of(&self, alias: &str, own: Own) -> Expr {
        build::column(alias, self.own(own))
    }

    fn column(&self, alias: &str, name: &str) -> Expr {
        build::column(alias, ClickHouse.identifier(name))
    }

    fn columns(&self, alias: &str) -> Vec<SelectItem> {
        let item =
            |column: &StoredColumn| build::item(self.column(alias, &column.name), ClickHouse.identifier(&column.name));
        self.table.columns.iter().map(item).collect()
    }

    fn with(&self, alias: &str, own: &[Own]) -> Vec<SelectItem> {
        let own = own.iter().map(|one| build::item(self.of(alias, *one), self.own(*one)));
        self.columns(alias).into_iter().chain(own).collect()
    }

    fn keys(&self, alias: &str) -> Vec<Expr> {
        self.table.clean.key.iter().map(|key| self.column(alias, key)).collect()
    }

    fn key_items(&self, alias: &str) -> Vec<SelectItem> {
        self.table
            .clean
            .key
            .iter()
            .map(|key| build::item(self.column(alias, key), ClickHouse.identifier(key)))
            .collect()
    }

    fn is_keyed(&self) -> bool {
        !self.table.clean.key.is_empty()
    }

    /// Out of the source's rows: canonical values, the hash of the key and the time. A row without key or time is none.
    pub fn rows(&self) -> Query {
        let stored = |name: &str| self.column("s", name);
        let decoded = |column: &StoredColumn| ClickHouse.decode(stored(&column.name), column, self.calendar);
        let find = |name: &str| self.table.columns.iter().find(|column| column.name == name);
        let known = |name: &str| find(name).map(|column| call("assumeNotNull", vec![decoded(column)]));
        let mut projection: Vec<SelectItem> = self
            .table
            .columns
            .iter()
            .map(|column| build::item(decoded(column), ClickHouse.identifier(&column.name)))
            .collect();
        let keys: Vec<Expr> = self.table.clean.key.iter().filter_map(|key| known(key)).collect();
        let hash = if keys.is_empty() { call("toUInt64", vec![number(0)]) } else { call("sipHash64", keys) };
        projection.push(build::item(hash, self.own(Own::Hash)));
        let time = self.table.clean.time.as_deref().and_then(known).unwrap_or_else(build::null);
        projection.push(build::item(milliseconds(time), self.own(Own::At)));
        let needed = self.table.clean.key.iter().chain(&self.table.clean.time);
        let filter = build::all(needed.map(|name| build::is_not_null(stored(name))));
        Parts { projection, from: Some(build::table(self.names.source.clone(), "s")), filter, ..Parts::default() }
            .query()
    }

    /// What each row may be: late, perhaps a repetition, or neither.
    pub fn arrived(&self) -> Query {
        let mut cases: Vec<Expr> = self.is_late("e").into_iter().flat_map(|late| [late, number(LATE)]).collect();
        if self.is_keyed() {
            let again = build::any([
                build::in_query(self.of("e", Own::Hash), self.twice()),
                build::in_query(self.of("e", Own::Hash), self.kept_near()),
            ]);
            cases.extend([again.unwrap_or_else(build::null), number(REPEATED)]);
        }
        let counts = call("toUInt8", vec![number(COUNTS)]);
        let what = if cases.is_empty() {
            counts
        } else {
            cases.push(counts);
            call("multiIf", cases)
        };
        let mut projection = self.with("e", &[Own::Hash, Own::At]);
        projection.push(build::item(what, self.own(Own::Again)));
        Parts { projection, from: Some(build::table(self.names.rows.clone(), "e")), ..Parts::default() }.query()
    }

    /// Whether a row lies before the watermark, as it was before this block.
    fn is_late(&self, alias: &str) -> Option<Expr> {
        let lateness = self.lateness?;
        let mark = call("maxOrNull", vec![build::column("m", build::ident("mark"))]);
        let watermark = binary(mark, BinaryOperator::Minus, number(lateness));
        let watermark = call("ifNull", vec![watermark, number(i64::MIN)]);
        let watermark = Parts {
            projection: vec![SelectItem::UnnamedExpr(watermark)],
            from: Some(build::table(self.names.mark.clone(), "m")),
            ..Parts::default()
        };
        Some(binary(self.of(alias, Own::At), BinaryOperator::Lt, build::scalar(watermark.query())))
    }

    /// The hashes of keys that come twice in the block.
    fn twice(&self) -> Query {
        let each = Parts {
            projection: vec![
                build::item(self.of("b", Own::Hash), self.own(Own::Hash)),
                build::item(call("count", Vec::new()), self.inner("_n")),
            ],
            from: Some(build::table(self.names.rows.clone(), "b")),
            group_by: vec![self.of("b", Own::Hash)],
            ..Parts::default()
        };
        let often = binary(build::column("t", self.inner("_n")), BinaryOperator::Gt, number(1));
        Parts {
            projection: vec![SelectItem::UnnamedExpr(self.of("t", Own::Hash))],
            from: Some(build::derived(each.query(), "t")),
            filter: Some(often),
            ..Parts::default()
        }
        .query()
    }

    /// The hashes of keys of which a row was kept at about the time of some row of the block.
    fn kept_near(&self) -> Query {
        let on_time = self.is_late("b").map(build::not);
        let filter = build::all([
            build::in_query(self.of("f", Own::Slot), self.slots_of(&self.names.rows, on_time)),
            build::in_query(self.of("f", Own::Hash), self.hashes_of(&self.names.rows, None)),
        ]);
        Parts {
            projection: vec![SelectItem::UnnamedExpr(self.of("f", Own::Hash))],
            from: Some(build::table(self.names.feed.clone(), "f")),
            filter,
            ..Parts::default()
        }
        .query()
    }

    fn slot(&self, at: Expr) -> Expr {
        call("intDiv", vec![binary(at, BinaryOperator::Plus, number(YEAR_ONE)), number(self.within)])
    }

    /// The slots of rows of a block, and those beside them.
    fn slots_of(&self, block: &ObjectName, filter: Option<Expr>) -> Query {
        let slot = || self.slot(self.of("b", Own::At));
        let beside = |op: BinaryOperator| binary(slot(), op, number(1));
        let slots = call("array", vec![beside(BinaryOperator::Minus), slot(), beside(BinaryOperator::Plus)]);
        Parts {
            projection: vec![SelectItem::UnnamedExpr(call("arrayJoin", vec![slots]))],
            from: Some(build::table(block.clone(), "b")),
            filter,
            ..Parts::default()
        }
        .query()
    }

    fn hashes_of(&self, block: &ObjectName, filter: Option<Expr>) -> Query {
        Parts {
            projection: vec![SelectItem::UnnamedExpr(self.of("b", Own::Hash))],
            from: Some(build::table(block.clone(), "b")),
            filter,
            ..Parts::default()
        }
        .query()
    }

    /// Rows with what they are.
    pub fn judged(&self) -> Query {
        let mut passed = self.with("a", &[Own::Hash, Own::At]);
        passed.push(build::item(self.of("a", Own::Again), self.own(Own::Verdict)));
        let from = Some(build::table(self.names.arrived.clone(), "a"));
        if !self.is_keyed() {
            return Parts { projection: passed, from, ..Parts::default() }.query();
        }
        let filter = Some(build::not(self.may_repeat("a")));
        let passed = Parts { projection: passed, from, filter, ..Parts::default() }.select();
        let mut chosen = self.with("w", &[Own::Hash, Own::At]);
        let kept = self.keys("w").into_iter().chain([self.of("w", Own::At)]).collect();
        let counts = build::all([
            build::equal(build::column("w", self.inner("_n")), number(1)),
            build::in_query(build::tuple(kept), self.kept()),
        ]);
        let verdict = call("if", vec![counts.unwrap_or_else(build::null), number(COUNTS), number(REPEATED)]);
        chosen.push(build::item(verdict, self.own(Own::Verdict)));
        let chosen = Parts { projection: chosen, from: Some(build::derived(self.ranked(), "w")), ..Parts::default() };
        // At the top of a view only the first SELECT of a union is run.
        let projection = self.with("v", &[Own::Hash, Own::At, Own::Verdict]);
        let both = build::union_all([passed, chosen.select()]);
        Parts { projection, from: both.map(|both| build::derived(both, "v")), ..Parts::default() }.query()
    }

    fn may_repeat(&self, alias: &str) -> Expr {
        build::equal(self.of(alias, Own::Again), number(REPEATED))
    }

    /// Rows that may be repetitions, with their places among those of one key and time: the smallest row is the first.
    fn ranked(&self) -> Query {
        let (key, time) = (&self.table.clean.key, &self.table.clean.time);
        let rest = self.table.columns.iter().filter(|one| !key.contains(&one.name) && time.as_ref() != Some(&one.name));
        let order =
            rest.map(|one| build::sort(ClickHouse.sort_key(self.column("r", &one.name), &one.ty), false, one.nullable));
        let by = self.keys("r").into_iter().chain([self.of("r", Own::At)]).collect();
        let mut projection = self.with("r", &[Own::Hash, Own::At]);
        projection.push(build::item(build::window("row_number", by, order.collect()), self.inner("_n")));
        let from = Some(build::table(self.names.arrived.clone(), "r"));
        Parts { projection, from, filter: Some(self.may_repeat("r")), ..Parts::default() }.query()
    }

    /// Keys and times of the rows that count among those that may be repetitions: from the earliest on, the first that is far enough
    /// from the last one kept. A slot gives at most one, so a step of the fold is a slot.
    fn kept(&self) -> Query {
        let columns = [self.of("o", Own::Slot), build::column("o", self.inner("_times"))];
        let mut projection = self.key_items("o");
        projection.push(build::item(skeleton(IN_ORDER, &columns), self.inner("_slots")));
        let of_keys = Parts {
            projection,
            from: Some(build::derived(self.open(), "o")),
            group_by: self.keys("o"),
            ..Parts::default()
        };
        let chosen = skeleton(GREEDY, &[build::column("g", self.inner("_slots")), number(self.within)]);
        let mut projection = self.key_items("g");
        projection.push(build::item(chosen, self.own(Own::At)));
        Parts { projection, from: Some(build::derived(of_keys.query(), "g")), ..Parts::default() }.query()
    }

    /// The times of keys, by slot, that are far enough from all rows that were kept before.
    fn open(&self) -> Query {
        let mut projection = self.key_items("q");
        projection.push(build::item(self.of("q", Own::At), self.own(Own::At)));
        projection.push(build::item(self.slot(self.of("q", Own::At)), self.own(Own::Slot)));
        let rows = Parts {
            projection,
            from: Some(build::table(self.names.arrived.clone(), "q")),
            filter: Some(self.may_repeat("q")),
            ..Parts::default()
        };
        let times = build::column("p", self.inner("_times"));
        let filter = skeleton(FAR, &[self.of("r", Own::At), number(self.within), times]);
        let pairs = self.keys("p").into_iter().zip(self.keys("r"));
        let pairs = pairs.chain([(self.of("p", Own::Slot), self.of("r", Own::Slot))]);
        let near = build::all(pairs.map(|(found, own)| build::equal(own, found))).unwrap_or_else(build::null);
        let times = call("arraySort", vec![call("groupUniqArray", vec![self.of("r", Own::At)])]);
        let mut projection = self.key_items("r");
        projection.push(build::item(self.of("r", Own::Slot), self.own(Own::Slot)));
        projection.push(build::item(times, self.inner("_times")));
        let group_by = self.keys("r").into_iter().chain([self.of("r", Own::Slot)]).collect();
        Parts {
            projection,
            from: Some(build::derived(rows.query(), "r")),
            joins: vec![build::left_join(build::derived(self.near(), "p"), near)],
            filter: Some(filter),
            group_by,
        }
        .query()
    }

    /// The times of rows that were kept before, by key and by each slot in which something may be near to them.
    fn near(&self) -> Query {
        let again = || Some(self.may_repeat("b"));
        let slots = skeleton(BESIDE, &[self.of("f", Own::Slot)]);
        let mut projection = self.key_items("f");
        projection.push(build::item(slots.clone(), self.own(Own::Slot)));
        projection.push(build::item(call("groupArray", vec![self.of("f", Own::At)]), self.inner("_times")));
        let filter = build::all([
            build::in_query(self.of("f", Own::Slot), self.slots_of(&self.names.arrived, again())),
            build::in_query(self.of("f", Own::Hash), self.hashes_of(&self.names.arrived, again())),
        ]);
        let from = Some(build::table(self.names.feed.clone(), "f"));
        let group_by = self.keys("f").into_iter().chain([slots]).collect();
        Parts { projection, from, filter, group_by, ..Parts::default() }.query()
    }

    /// What counts.
    pub fn feed(&self) -> Query {
        let mut projection = self.with("j", &[Own::Hash, Own::At]);
        projection.push(build::item(self.slot(self.of("j", Own::At)), self.own(Own::Slot)));
        let filter = Some(build::equal(self.of("j", Own::Verdict), number(COUNTS)));
        Parts { projection, from: Some(build::table(self.names.judged.clone(), "j")), filter, ..Parts::default() }
            .query()
    }

    /// The greatest time of a block: late rows and repetitions have come too. A row of the future counts up to when it came.
    pub fn mark(&self) -> Query {
        let now = || milliseconds(call("now64", vec![number(3)]));
        let came = match self.arrived {
            Some(arrived) => call("ifNull", vec![milliseconds(self.column("j", arrived)), now()]),
            None => now(),
        };
        let mark = call("maxOrNull", vec![call("least", vec![self.of("j", Own::At), came])]);
        let mark = call("ifNull", vec![mark, number(i64::MIN / 2)]);
        let projection = vec![build::item(mark, build::ident("mark"))];
        Parts { projection, from: Some(build::table(self.names.judged.clone(), "j")), ..Parts::default() }.query()
    }

    /// How many rows came on a local day, and how many of them were dropped.
    pub fn counted(&self) -> Query {
        let now = call("now64", vec![number(3), build::text(self.calendar.zone.name())]);
        let day = ClickHouse.bucket_key(now, Step::Day, self.calendar);
        let how_many = |verdict: u8| call("countIf", vec![build::equal(self.of("j", Own::Verdict), number(verdict))]);
        let projection = vec![
            build::item(day.clone(), build::ident("day")),
            build::item(call("count", Vec::new()), build::ident("rows")),
            build::item(how_many(REPEATED), build::ident("repeated")),
            build::item(how_many(LATE), build::ident("late")),
        ];
        let from = Some(build::table(self.names.judged.clone(), "j"));
        Parts { projection, from, group_by: vec![day], ..Parts::default() }.query()
    }

    /// The columns of the source as a feed holds them, with their types.
    pub fn types(&self) -> Vec<(String, String)> {
        let states = ClickHouse.states();
        let of = |column: &StoredColumn| {
            let ty = states.map(|states| states.value_type(&column.ty, column.nullable, self.calendar));
            (ClickHouse.identifier(&column.name).to_string(), ty.unwrap_or_default())
        };
        self.table.columns.iter().map(of).collect()
    }
}

fn milliseconds(time: Expr) -> Expr {
    call("toUnixTimestamp64Milli", vec![time])
}

/// An expression of the engine with its places filled.
fn skeleton(text: &str, arguments: &[Expr]) -> Expr {
    escape::expression(text, arguments, &ClickHouse).unwrap_or_else(|_| build::null())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_as_text_is_read() {
        for (text, places) in [(IN_ORDER, 2), (GREEDY, 2), (FAR, 3), (BESIDE, 1)] {
            let arguments = vec![build::column("b", build::ident("x")); places];
            escape::expression(text, &arguments, &ClickHouse).expect(text);
        }
    }
}
