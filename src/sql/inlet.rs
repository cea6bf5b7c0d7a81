//! Out of results of windows, the states of a rollup: SELECTs over an inlet, a table of rows `_t`, `_w` (the part of the bucket), `_d0` …,
//! and `_s0` … (plain results) or `_v` and `_n` (values with how often they occur).

use sqlparser::ast::{Expr, ObjectName, Query, SelectItem};

use super::build::{self, Parts};
use super::dialect::{Calendar, Dialect, Kept, Operand, Unsupported};
use super::stream::{is_plain, type_of};
use crate::plan::{DataType, Expr as PlanExpr};
use crate::rollup::{Part, Rollup};

/// The alias of the rows of an inlet.
const INLET: &str = "w";

fn of(name: &str) -> Expr {
    build::column(INLET, build::ident(name))
}

fn keys(rollup: &Rollup) -> Vec<String> {
    std::iter::once("_t".to_owned()).chain((0..rollup.dimensions.len()).map(|at| format!("_d{at}"))).collect()
}

/// The columns of an inlet: of plain results, or of the values of a state. Each with its type and whether it may be null.
pub fn columns(rollup: &Rollup, state: Option<usize>, step: DataType) -> Vec<(String, DataType, bool)> {
    let dimensions = rollup.dimensions.iter().enumerate();
    let dimensions = dimensions.map(|(at, one)| (format!("_d{at}"), one.value.ty.clone(), one.value.nullable));
    let bucket = [("_t".to_owned(), step, false), ("_w".to_owned(), DataType::Int, false)];
    let mut all: Vec<(String, DataType, bool)> = bucket.into_iter().chain(dimensions).collect();
    match state {
        Some(at) => {
            let ty =
                rollup.states[at].argument.as_ref().map_or(DataType::Int, |argument: &PlanExpr| argument.ty.clone());
            all.push(("_v".to_owned(), ty, false));
            all.push(("_n".to_owned(), DataType::Int, false));
        }
        None => {
            let plain = rollup.states.iter().enumerate().filter(|(_, state)| is_plain(state));
            all.extend(
                plain.map(|(at, state)| {
                    (format!("_s{at}"), type_of(state), matches!(state.part, Part::Min | Part::Max))
                }),
            );
        }
    }
    all
}

/// Results that are not among those of before: an engine may bring one twice, and each occurs once. `known` are those of before.
pub fn new_results(rollup: &Rollup, state: Option<usize>, inlet: &ObjectName, known: &ObjectName) -> Query {
    let mut keys = keys(rollup);
    keys.push("_w".to_owned());
    keys.extend(state.map(|_| "_v".to_owned()));
    // Null keys are keys.
    let key = |alias: &str| {
        let parts = keys.iter().flat_map(|name| {
            let value = build::column(alias, build::ident(name));
            let written = build::call("ifNull", vec![build::call("toString", vec![value.clone()]), build::text("")]);
            [build::call("isNull", vec![value]), written]
        });
        build::call("tuple", parts.collect())
    };
    let same_buckets = Parts {
        projection: vec![SelectItem::UnnamedExpr(build::column("c", build::ident("_t")))],
        from: Some(build::table(inlet.clone(), "c")),
        ..Parts::default()
    };
    let before = Parts {
        projection: vec![SelectItem::UnnamedExpr(key("k"))],
        from: Some(build::table(known.clone(), "k")),
        filter: Some(build::in_query(build::column("k", build::ident("_t")), same_buckets.query())),
        ..Parts::default()
    };
    let values = columns(rollup, state, DataType::Timestamp).into_iter();
    let projection = values.map(|(name, ..)| build::item(of(&name), build::ident(&name))).collect();
    let new = Parts {
        projection,
        from: Some(build::table(inlet.clone(), INLET)),
        filter: Some(build::not_in_query(key(INLET), before.query())),
        ..Parts::default()
    };
    // The same twice in one block is one, too.
    build::limited(new.query(), 1, vec![key(INLET)])
}

/// The columns of a topic of results, as ClickHouse reads the members of their objects: the names without `_`; buckets, parts and whole
/// numbers as such (instants in milliseconds, days since 1970), all else as texts.
pub fn members(columns: &[(String, DataType, bool)]) -> Vec<(&str, &'static str)> {
    let of = |(name, ty, nullable): &'_ (String, DataType, bool)| match (is_number(name, ty), *nullable) {
        (true, false) => "Int64",
        (true, true) => "Nullable(Int64)",
        (false, true) if name.starts_with("_s") => "Nullable(String)",
        (false, _) => "String",
    };
    columns.iter().map(|column| (column.0.trim_start_matches('_'), of(column))).collect()
}

/// Whether a member is a number: decimals are texts, and so is what results are grouped by.
fn is_number(name: &str, ty: &DataType) -> bool {
    match name {
        "_t" | "_w" | "_n" => true,
        name => name.starts_with("_s") && !matches!(ty, DataType::Decimal { .. }),
    }
}

/// Results out of a topic, as rows of their inlet. A dimension is an empty text for null, and else begins with `=`.
pub fn arrived(columns: &[(String, DataType, bool)], topic: &ObjectName, calendar: Calendar) -> Query {
    let value = |(name, ty, nullable): &(String, DataType, bool)| {
        let member = build::column("k", build::ident(name.trim_start_matches('_')));
        let value = if is_number(name, ty) {
            from_number(member, ty, calendar)
        } else if name.starts_with("_d") {
            let text = build::call("substring", vec![member.clone(), build::number(2)]);
            if *nullable {
                // An empty text stays null in what is made of it.
                let none = build::text("");
                let text = build::call("nullIf", vec![text, none.clone()]);
                let is_null = build::equal(member, none);
                let known = match ty {
                    DataType::String => build::call("ifNull", vec![text, build::text("")]),
                    _ => from_text(text, ty, calendar),
                };
                build::call("if", vec![is_null, build::null(), known])
            } else {
                from_text(text, ty, calendar)
            }
        } else {
            from_text(member, ty, calendar)
        };
        build::item(value, build::ident(name))
    };
    let projection = columns.iter().map(value).collect();
    Parts { projection, from: Some(build::table(topic.clone(), "k")), ..Parts::default() }.query()
}

/// A value out of its text.
fn from_text(text: Expr, ty: &DataType, calendar: Calendar) -> Expr {
    match ty {
        DataType::Bool => build::equal(text, build::text("true")),
        DataType::Int | DataType::Duration => build::call("toInt64", vec![text]),
        DataType::Decimal { scale, .. } => build::call("toDecimal128", vec![text, build::number(scale)]),
        DataType::Date | DataType::Timestamp => from_number(build::call("toInt64", vec![text]), ty, calendar),
        _ => text,
    }
}

/// An instant out of its milliseconds, a day out of the days since 1970.
fn from_number(number: Expr, ty: &DataType, calendar: Calendar) -> Expr {
    match ty {
        DataType::Timestamp => build::call("fromUnixTimestamp64Milli", vec![number, build::text(calendar.zone.name())]),
        DataType::Date => {
            let epoch = build::call("toDate32", vec![build::text("1970-01-01")]);
            build::call("addDays", vec![epoch, number])
        }
        _ => number,
    }
}

/// The states out of plain results, or out of the values of a state.
pub fn states(
    rollup: &Rollup,
    state: Option<usize>,
    inlet: &ObjectName,
    dialect: &dyn Dialect,
    calendar: Calendar,
) -> Result<Query, Vec<Unsupported>> {
    let unable = || vec![Unsupported { construct: "a rollup".to_owned(), reason: "it keeps no states".to_owned() }];
    let how = dialect.states().ok_or_else(unable)?;
    let mut projection: Vec<SelectItem> =
        keys(rollup).iter().map(|name| build::item(of(name), build::ident(name))).collect();
    let from = build::table(inlet.clone(), INLET);
    let Some(at) = state else {
        let plain = rollup.states.iter().enumerate().filter(|(_, state)| is_plain(state));
        projection.extend(plain.map(|(at, state)| {
            let value = of(&format!("_s{at}"));
            let value = if state.part == Part::Count { build::call("toUInt64", vec![value]) } else { value };
            build::item(value, build::ident(&format!("_s{at}")))
        }));
        return Ok(Parts { projection, from: Some(from), ..Parts::default() }.query());
    };
    let state = &rollup.states[at];
    let Some(argument) = &state.argument else { return Err(unable()) };
    // What counts each value once does not ask how often it occurs.
    let once = matches!(state.part, Part::Distinct | Part::ApproxDistinct);
    let from = if once {
        from
    } else {
        let mut all: Vec<SelectItem> = projection.clone();
        all.push(build::item(of("_v"), build::ident("_v")));
        let copies = dialect.numbers_below(build::call("toUInt64", vec![of("_n")]));
        all.push(build::item(dialect.explode(copies), build::ident("_i")));
        build::derived(Parts { projection: all, from: Some(from), ..Parts::default() }.query(), INLET)
    };
    let operand = Operand { sql: of("_v"), ty: &argument.ty, nullable: false, literal: None };
    let kept = Kept { part: state.part, argument: Some(operand), filter: None, order: Vec::new(), keyed: true };
    projection.push(build::item(how.keep(&kept, calendar), build::ident(&format!("_s{at}"))));
    let group_by = keys(rollup).iter().map(|name| of(name)).collect();
    Ok(Parts { projection, from: Some(from), group_by, ..Parts::default() }.query())
}
