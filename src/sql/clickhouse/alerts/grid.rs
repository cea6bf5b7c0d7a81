//! Buckets without gaps: all from the first one that any group has to the last one.

use sqlparser::ast::{BinaryOperator as Op, Expr, Query, SelectItem};

use super::{ClickHouse, divided, kept};
use crate::plan::{DataType, Step};
use crate::sql::build::{self, Parts, binary, call, ident, ident_expr, lambda, number, text};
use crate::sql::dialect::{Calendar, Scalars};

/// The buckets of a length, for each group.
pub struct Grid<'a> {
    /// The columns of the groups.
    pub keys: &'a [String],
    /// The length.
    pub every: Step,
    /// Zone and weeks.
    pub calendar: Calendar,
}

/// A SELECT with a column `time` and dimensions, and what is looked at of it.
pub struct Seen<'a> {
    /// The SELECT.
    pub select: &'a Query,
    /// The columns.
    pub columns: Vec<Column>,
}

/// A column of numbers.
#[derive(Clone)]
pub struct Column {
    /// The name that it gets.
    pub name: &'static str,
    /// The name that it has.
    pub of: String,
    /// Its type.
    pub ty: DataType,
}

/// No number.
pub fn nothing() -> Expr {
    call("CAST", vec![build::null(), text("Nullable(Float64)")])
}

/// A bucket, by its beginning in seconds since 1970, as people read it.
pub fn shown(at: Expr, calendar: Calendar) -> Expr {
    call("toDateTime", vec![at, text(calendar.zone.name())])
}

impl Grid<'_> {
    /// A row a group and bucket, with `at`, when it begins in seconds since 1970, the columns of all SELECTs, and `g`, which is 1 for groups
    /// that the first one has. Its rows tell which buckets there are.
    pub fn filled(&self, seen: &[Seen], dimensions: &[String]) -> Query {
        let names: Vec<&str> = seen.iter().flat_map(|one| one.columns.iter().map(|column| column.name)).collect();
        let mut members: Vec<Parts> = seen.iter().map(|one| self.read(one, &names, dimensions)).collect();
        let first = seen.first().map(|one| self.read(one, &names, dimensions).query());
        members.extend(first.map(|first| self.buckets(first, &names)));
        let union =
            build::union_all(members.into_iter().map(Parts::select)).unwrap_or_else(|| Parts::default().query());
        let mut projection: Vec<SelectItem> = self.keys.iter().map(|key| kept(key)).collect();
        projection.push(kept("at"));
        let most = |name: &str| build::item(call("max", vec![build::column("u", ident(name))]), ident(name));
        projection.extend(names.iter().copied().chain(["g"]).map(most));
        let mut group_by: Vec<Expr> = self.keys.iter().map(|key| ident_expr(key)).collect();
        group_by.push(ident_expr("at"));
        Parts { projection, from: Some(build::derived(union, "u")), group_by, ..Parts::default() }.query()
    }

    /// What was found, as floats: lengths of time in seconds.
    fn read(&self, seen: &Seen, names: &[&str], dimensions: &[String]) -> Parts {
        let own = |name: &str| build::column("q", ClickHouse.identifier(name));
        let mut projection: Vec<SelectItem> =
            dimensions.iter().zip(self.keys).map(|(name, key)| build::item(own(name), ident(key))).collect();
        let milliseconds = call("toUnixTimestamp64Milli", vec![call("toDateTime64", vec![own("time"), number(3)])]);
        projection.push(build::item(call("intDiv", vec![milliseconds, number(1_000)]), ident("at")));
        for name in names {
            let value = match seen.columns.iter().find(|column| column.name == *name) {
                Some(column) => {
                    let value = call("toNullable", vec![call("toFloat64", vec![own(&column.of)])]);
                    if column.ty == DataType::Duration { divided(value, number(1_000)) } else { value }
                }
                None => nothing(),
            };
            projection.push(build::item(value, ident(name)));
        }
        projection.push(build::item(number(0), ident("g")));
        Parts { projection, from: Some(build::derived(seen.select.clone(), "q")), ..Parts::default() }
    }

    /// A row for each group and each bucket.
    fn buckets(&self, seen: Query, names: &[&str]) -> Parts {
        let of = |name: &str| build::column("q", ident(name));
        let mut projection: Vec<SelectItem> = self.keys.iter().map(|key| build::item(of(key), ident(key))).collect();
        for (name, function) in [("first", "min"), ("last", "max")] {
            // Of all groups.
            let of_group = call(function, vec![of("at")]);
            projection.push(build::item(build::over(call(function, vec![of_group]), Vec::new()), ident(name)));
        }
        projection.push(build::item(call("count", Vec::new()), ident("c")));
        let group_by = self.keys.iter().map(|key| of(key)).collect();
        let groups = Parts { projection, from: Some(build::derived(seen, "q")), group_by, ..Parts::default() };
        let mut projection: Vec<SelectItem> = self.keys.iter().map(|key| kept(key)).collect();
        projection.push(build::item(call("arrayJoin", vec![self.starts()]), ident("at")));
        projection.extend(names.iter().map(|name| build::item(nothing(), ident(name))));
        projection.push(build::item(number(1), ident("g")));
        // Without dimensions there is a group of nothing.
        let filter = Some(binary(ident_expr("c"), Op::Gt, number(0)));
        Parts { projection, from: Some(build::derived(groups.query(), "e")), filter, ..Parts::default() }
    }

    /// Where each bucket begins, from `first` to `last`: day by day, as days differ in length.
    fn starts(&self) -> Expr {
        let zone = || text(self.calendar.zone.name());
        let day = |at: &str| {
            let instant = call("toDateTime", vec![ident_expr(at), zone()]);
            call("toInt32", vec![call("toDate", vec![instant])])
        };
        let days = |every: i64| {
            let end = binary(day("last"), Op::Plus, number(1));
            let mut arguments = vec![day("first"), end];
            if every > 1 {
                arguments.push(number(every));
            }
            call("range", arguments)
        };
        let date = || call("toDate", vec![ident_expr("d")]);
        let midnight =
            |date: Expr| call("toInt64", vec![call("toUnixTimestamp", vec![call("toDateTime", vec![date, zone()])])]);
        let first_of = |function: &str| {
            let is_first = build::equal(call(function, vec![date()]), date());
            call("arrayFilter", vec![lambda("d", is_first), days(1)])
        };
        let starts = match self.every {
            Step::Subday(ms) => {
                let tomorrow = midnight(call("toDate", vec![binary(ident_expr("d"), Op::Plus, number(1))]));
                let of_day = call("range", vec![midnight(date()), tomorrow, number((ms / 1_000).max(1))]);
                call("arrayFlatten", vec![call("arrayMap", vec![lambda("d", of_day), days(1)])])
            }
            Step::Day => call("arrayMap", vec![lambda("d", midnight(date())), days(1)]),
            Step::Week => call("arrayMap", vec![lambda("d", midnight(date())), days(7)]),
            Step::Month => call("arrayMap", vec![lambda("d", midnight(date())), first_of("toStartOfMonth")]),
            Step::Quarter => call("arrayMap", vec![lambda("d", midnight(date())), first_of("toStartOfQuarter")]),
            Step::Year | Step::Declared(_) => {
                call("arrayMap", vec![lambda("d", midnight(date())), first_of("toStartOfYear")])
            }
        };
        let within = build::all([
            binary(ident_expr("x"), Op::GtEq, ident_expr("first")),
            binary(ident_expr("x"), Op::LtEq, ident_expr("last")),
        ]);
        call("arrayFilter", vec![lambda("x", within.unwrap_or_else(|| number(1))), starts])
    }
}
