//! Rows out of the text of messages, each a JSON object: total functions only, so that a view that reads them never throws
//! (CH16). What a column accepts is what the dry run accepts in a file of JSON lines; members that are no columns are left
//! alone.

use sqlparser::ast::{BinaryOperator, Expr};

use super::cast::{to_date, to_decimal, to_timestamp};
use super::number::finite;
use super::{time, value};
use crate::plan::{DataType, Encoding, Step, StoredColumn};
use crate::sql::build::{self, binary, call, number};
use crate::sql::dialect::{Calendar, Intake, ReadColumn};

/// The intake of ClickHouse.
pub struct ClickHouseIntake;

/// How many digits a float keeps in any case: a decimal with more is to be a text.
const DIGITS: u8 = 15;

/// The years that an instant in milliseconds may lie in: 1 to 9999.
const INSTANTS: (i64, i64) = (-62_135_596_800_000, 253_402_300_800_000);

/// A value in the making.
struct Value {
    /// Null, or an empty list or map, where it does not fit.
    value: Expr,
    fits: Expr,
}

impl Intake for ClickHouseIntake {
    fn column(&self, _: usize, column: &StoredColumn, raw: Expr, calendar: Calendar) -> ReadColumn {
        let name = || value::text(&column.name);
        let text = call("JSONExtractRaw", vec![raw.clone(), name()]);
        let missing = build::in_list(text.clone(), vec![build::text(""), build::text("null")]);
        let whole =
            build::in_list(call("JSONType", vec![raw, name()]), vec![build::text("Int64"), build::text("UInt64")]);
        let read = match (&column.ty, column.encoding) {
            (DataType::Timestamp, Encoding::Milliseconds) => instant(&text),
            (DataType::String, _) if !column.domain.is_empty() => word(&text, &column.domain),
            (ty, _) => of(&text, ty, Some(whole), calendar),
        };
        ReadColumn { value: read.value, missing, fits: read.fits }
    }

    fn is_object(&self, raw: Expr) -> Expr {
        build::equal(call("JSONType", vec![raw]), build::text("Object"))
    }

    fn or_then(&self, value: Expr, came: Expr, column: &StoredColumn) -> Expr {
        let came = match column.encoding {
            Encoding::Milliseconds => call("toUnixTimestamp64Milli", vec![came]),
            Encoding::Native => came,
        };
        call("ifNull", vec![value, came])
    }

    fn day(&self, came: Expr, calendar: Calendar) -> Expr {
        time::bucket_key(came, Step::Day, calendar)
    }

    /// All conditions are looked at: a choice that stops at the first that is true reads a message anew for each of them.
    fn choose(&self, branches: Vec<(Expr, Expr)>, otherwise: Expr) -> Expr {
        let (mut holds, mut values): (Vec<Expr>, Vec<Expr>) = branches.into_iter().unzip();
        holds.push(number(1));
        values.push(otherwise);
        let first = call("indexOf", vec![call("array", holds), number(1)]);
        call("arrayElement", vec![call("array", values), first])
    }

    fn count(&self, only: Option<Expr>) -> Expr {
        match only {
            Some(condition) => call("countIf", vec![condition]),
            None => call("count", Vec::new()),
        }
    }
}

/// Whether the text of a value begins with a character.
fn begins(text: &Expr, with: &str) -> Expr {
    build::equal(call("substring", vec![text.clone(), number(1), number(1)]), build::text(with))
}

fn content(text: &Expr) -> Expr {
    call("JSONExtractString", vec![text.clone()])
}

fn matches(text: &Expr, pattern: &str) -> Expr {
    call("match", vec![text.clone(), value::text(pattern)])
}

fn when(condition: Expr, then: Expr) -> Expr {
    call("if", vec![condition, then, build::null()])
}

/// A value that is null where it does not fit.
fn nullable(value: Expr) -> Value {
    Value { fits: build::is_not_null(value.clone()), value }
}

/// The value of a text of JSON; `whole` tells whether a number was written as one of 64 bits, where that is known.
fn of(text: &Expr, ty: &DataType, whole: Option<Expr>, calendar: Calendar) -> Value {
    match ty {
        DataType::Bool => {
            let is = |word| build::equal(text.clone(), build::text(word));
            let arms = vec![is("true"), build::boolean(true), is("false"), build::boolean(false), build::null()];
            nullable(call("multiIf", arms))
        }
        DataType::Int | DataType::Duration => {
            nullable(when(matches(text, "^-?[0-9]+$"), call("toInt64OrNull", vec![text.clone()])))
        }
        DataType::Float => {
            nullable(when(matches(text, "^-?[0-9]"), finite(call("JSONExtractFloat", vec![text.clone()]))))
        }
        DataType::Decimal { precision, scale } => decimal(text, *precision, *scale, whole),
        DataType::String => nullable(when(begins(text, "\""), content(text))),
        DataType::Date => nullable(when(begins(text, "\""), read(to_date(content(text), &DataType::String, calendar)))),
        DataType::Timestamp => {
            let timed = call("match", vec![content(text), build::text("^.{10}[ T]")]);
            nullable(when(timed, read(to_timestamp(content(text), &DataType::String, calendar))))
        }
        DataType::Array(item) => list(text, item, calendar),
        DataType::Map(item) => map(text, item, calendar),
    }
}

/// These casts exist.
fn read(made: Option<Expr>) -> Expr {
    made.unwrap_or_else(build::null)
}

/// Milliseconds since 1970, as a number or as its text.
fn instant(text: &Expr) -> Value {
    let digits = call("if", vec![begins(text, "\""), content(text), text.clone()]);
    let ms = call("toInt64OrNull", vec![digits.clone()]);
    let bound = |op, edge: i64| binary(ms.clone(), op, call("toInt64", vec![number(edge)]));
    let within = [
        matches(&digits, "^[+-]?[0-9]+$"),
        bound(BinaryOperator::GtEq, INSTANTS.0),
        bound(BinaryOperator::Lt, INSTANTS.1),
    ];
    nullable(when(build::all(within).unwrap_or_else(build::null), ms))
}

/// One of a closed list.
fn word(text: &Expr, words: &[String]) -> Value {
    let known = build::in_list(content(text), words.iter().map(|word| value::text(word)).collect());
    let known = binary(begins(text, "\""), BinaryOperator::And, known);
    nullable(when(known, content(text)))
}

/// A text, or a number that was certainly kept as it was written.
fn decimal(text: &Expr, precision: u8, scale: u8, whole: Option<Expr>) -> Value {
    let digits =
        call("length", vec![call("replaceRegexpAll", vec![text.clone(), value::text("[^0-9]"), build::text("")])]);
    let few = binary(digits, BinaryOperator::LtEq, number(DIGITS));
    let kept = build::any([few].into_iter().chain(whole)).unwrap_or_else(build::null);
    let written = call("multiIf", vec![begins(text, "\""), content(text), kept, text.clone(), build::text("")]);
    let pattern = match scale {
        0 => "^[+-]?[0-9]+([.]0+)?$".to_owned(),
        _ => format!("^[+-]?[0-9]+([.][0-9]{{1,{scale}}}0*)?$"),
    };
    let made = read(to_decimal(written.clone(), &DataType::String, precision, scale));
    nullable(when(matches(&written, &pattern), made))
}

/// All of its items fit.
fn list(text: &Expr, item: &DataType, calendar: Calendar) -> Value {
    let items = call("JSONExtractArrayRaw", vec![text.clone()]);
    let fits = every(&items, item, calendar);
    let values = known(items, item, calendar);
    Value { value: values, fits: binary(begins(text, "["), BinaryOperator::And, fits) }
}

/// All of its values fit.
fn map(text: &Expr, item: &DataType, calendar: Calendar) -> Value {
    let members = || call("JSONExtractKeysAndValuesRaw", vec![text.clone()]);
    let part = |at: u8| {
        let of = call("tupleElement", vec![build::ident_expr("p"), number(at)]);
        call("arrayMap", vec![build::lambda("p", of), members()])
    };
    let fits = every(&part(2), item, calendar);
    let values = call("mapFromArrays", vec![part(1), known(part(2), item, calendar)]);
    Value { value: values, fits: binary(begins(text, "{"), BinaryOperator::And, fits) }
}

fn every(items: &Expr, item: &DataType, calendar: Calendar) -> Expr {
    let fits = of(&build::ident_expr("x"), item, None, calendar).fits;
    call("arrayAll", vec![build::lambda("x", fits), items.clone()])
}

fn known(items: Expr, item: &DataType, calendar: Calendar) -> Expr {
    let made = of(&build::ident_expr("x"), item, None, calendar).value;
    let made = match item {
        DataType::Array(_) | DataType::Map(_) => made,
        // Where one does not fit the row is not read.
        _ => call("assumeNotNull", vec![made]),
    };
    call("arrayMap", vec![build::lambda("x", made), items])
}
