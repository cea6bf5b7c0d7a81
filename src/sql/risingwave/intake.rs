//! Rows out of the text of messages, each a JSON object. What a column accepts is what the intake of the warehouse accepts.
//!
//! The engine keeps a number of JSON as an int of 64 bits or as a float, and prints a float with a point or an exponent: so a whole
//! number is one that was written so. A decimal is looked up in the text, where it stands as it was written. The conditions are
//! never null.

use sqlparser::ast::{BinaryOperator, Expr};

use super::cast::{WHOLE, clock_time, text_to_decimal, text_to_float, to_date};
use super::text::written_number;
use super::time;
use super::tree::{item, matches, member, member_text, when};
use super::value::{cast_to, text};
use crate::plan::{DataType, Encoding, StoredColumn};
use crate::sql::build::{self, binary, call, column, ident};
use crate::sql::dialect::{Calendar, Intake, MESSAGES, ReadColumn, Steps, Unsupported};

/// The intake of RisingWave.
pub struct RisingWaveIntake;

/// How many digits a float keeps in any case: a decimal with more is to be a text.
const DIGITS: u8 = 15;

/// The years that an instant in milliseconds may lie in: 1 to 9999.
const INSTANTS: (i64, i64) = (-62_135_596_800_000, 253_402_300_800_000);

/// A member of the object, by what is known of it.
struct Member {
    json: Expr,
    text: Expr,
    /// `string`, `number`, …; `null` where it is missing.
    kind: Expr,
    /// A decimal as it was written, where that is known.
    written: Expr,
}

/// Of a member of an object: `string`, `number`, …; `null` where it is missing.
fn kind_of(object: Expr, key: &str) -> Expr {
    call("coalesce", vec![call("jsonb_typeof", vec![member(object, key)]), build::text("null")])
}

impl Member {
    fn is(&self, kind: &str) -> Expr {
        build::equal(self.kind.clone(), build::text(kind))
    }

    /// A value where it is of a kind.
    fn of(&self, kind: &str, value: Expr) -> Expr {
        when(self.is(kind), value)
    }

    /// Null where it does not fit.
    fn value(&self, column: &StoredColumn, calendar: Calendar) -> Result<Expr, Unsupported> {
        let text_ = || self.text.clone();
        Ok(match (&column.ty, column.encoding) {
            (DataType::Timestamp, Encoding::Milliseconds) => self.instant(),
            (DataType::Timestamp, Encoding::Native) => self.of("string", clock_time(&self.text, calendar)?),
            (DataType::String, _) if !column.domain.is_empty() => {
                let known = build::in_list(text_(), column.domain.iter().map(|word| text(word)).collect());
                when(binary(self.is("string"), BinaryOperator::And, known), text_())
            }
            (DataType::String, _) => self.of("string", text_()),
            (DataType::Bool, _) => self.of("boolean", build::equal(text_(), build::text("true"))),
            (DataType::Int | DataType::Duration, _) => {
                let whole = binary(self.is("number"), BinaryOperator::And, matches(text_(), WHOLE));
                when(whole, cast_to(text_(), &DataType::Int))
            }
            (DataType::Float, _) => self.of("number", text_to_float(text_())),
            (DataType::Decimal { precision, scale }, _) => text_to_decimal(self.written.clone(), *precision, *scale),
            (DataType::Date, _) => self.of("string", to_date(text_(), &DataType::String, calendar)?),
            (DataType::Array(_), _) => self.of("array", self.all_strings("strict $[*]")),
            (DataType::Map(_), _) => self.of("object", self.all_strings("strict $.*")),
        })
    }

    /// Milliseconds since 1970, as a number or as its text.
    fn instant(&self) -> Expr {
        let ms = || cast_to(self.text.clone(), &DataType::Int);
        let kinds = vec![build::text("number"), build::text("string")];
        let edge = |ms: i64| cast_to(build::text(ms.to_string()), &DataType::Int);
        let within = [
            build::in_list(self.kind.clone(), kinds),
            matches(self.text.clone(), WHOLE),
            binary(ms(), BinaryOperator::GtEq, edge(INSTANTS.0)),
            binary(ms(), BinaryOperator::Lt, edge(INSTANTS.1)),
        ];
        when(build::all(within).unwrap_or_else(build::null), time::instant(ms()))
    }

    /// The list or object as it is, where all of its items are strings.
    fn all_strings(&self, items: &str) -> Expr {
        let path = format!("{items} ? (@.type() != \"string\")");
        let other = call("jsonb_path_exists", vec![self.json.clone(), text(&path)]);
        when(build::not(other), self.json.clone())
    }

    /// A text, or a number that was certainly kept as it was written: one of 64 bits, or of few digits. The number that stands in the
    /// text of the message beside the name is the member's if both are the same float: of so few digits, one decimal alone is that.
    fn as_written(&self, found: Expr) -> Expr {
        let as_float = |x: Expr| cast_to(x, &DataType::Float);
        let same = build::equal(as_float(found.clone()), as_float(self.text.clone()));
        let few = |x: Expr| matches(x, &format!(r"\A[^0-9]*([0-9][^0-9]*){{1,{DIGITS}}}\z"));
        let number = self.is("number");
        let and = |condition| binary(number.clone(), BinaryOperator::And, condition);
        let branches = vec![
            (self.is("string"), self.text.clone()),
            (and(matches(self.text.clone(), WHOLE)), self.text.clone()),
            (and(same.clone()), when(few(found.clone()), found)),
            (and(few(self.text.clone())), self.text.clone()),
        ];
        build::case(branches, None)
    }
}

fn of(name: &str) -> Expr {
    column(MESSAGES, ident(name))
}

/// What was made of the member of a column.
fn prepared(at: usize, key: &str) -> Member {
    Member {
        json: member(of(PARSED), key),
        text: member_text(of(PARSED), key),
        kind: of(&format!("_k{at}")),
        written: of(&format!("_w{at}")),
    }
}

/// The column of what a message says.
const PARSED: &str = "_parsed";

impl Intake for RisingWaveIntake {
    fn column(&self, at: usize, column: &StoredColumn, _: Expr, _: Calendar) -> ReadColumn {
        let value = of(&format!("_v{at}"));
        let fits = build::is_not_null(value.clone());
        let empty = |written: &str| call("coalesce", vec![value.clone(), cast_to(build::text(written), &column.ty)]);
        let value = match column.ty {
            DataType::Array(_) => empty("[]"),
            DataType::Map(_) => empty("{}"),
            _ => value,
        };
        ReadColumn { value, missing: build::equal(of(&format!("_k{at}")), build::text("null")), fits }
    }

    fn is_object(&self, _: Expr) -> Expr {
        let kind = call("jsonb_typeof", vec![of(PARSED)]);
        build::equal(call("coalesce", vec![kind, build::text("")]), build::text("object"))
    }

    fn steps(&self, columns: &[StoredColumn], raw: Expr, calendar: Calendar) -> Result<Steps, Vec<Unsupported>> {
        let mut refused = Vec::new();
        let [mut kinds, mut written, mut values] = [const { Vec::new() }; 3];
        for (at, column) in columns.iter().enumerate() {
            let key = column.name.as_str();
            kinds.push((format!("_k{at}"), kind_of(of(PARSED), key)));
            if matches!(column.ty, DataType::Decimal { .. }) {
                let found = item(call("regexp_match", vec![raw.clone(), text(&written_number(key))]), 1);
                kinds.push((format!("_f{at}"), found));
                let as_written = prepared(at, key).as_written(of(&format!("_f{at}")));
                written.push((format!("_w{at}"), as_written));
            }
            let value = prepared(at, key).value(column, calendar);
            match super::value::refused(&column.ty).map_or(value, Err) {
                Ok(value) => values.push((format!("_v{at}"), value)),
                Err(one) => {
                    let construct = format!("{} (`{key}`)", one.construct);
                    refused.push(Unsupported { construct, ..one });
                }
            }
        }
        let parsed = vec![(PARSED.to_owned(), build::cast(raw, sqlparser::ast::DataType::JSONB))];
        let steps = [parsed, kinds, written, values].into_iter().filter(|step| !step.is_empty());
        if refused.is_empty() { Ok(steps.collect()) } else { Err(refused) }
    }

    fn or_then(&self, value: Expr, came: Expr, _: &StoredColumn) -> Expr {
        call("coalesce", vec![value, came])
    }

    fn day(&self, came: Expr, calendar: Calendar) -> Expr {
        time::local_day(came, calendar)
    }
}

/// The text of a message out of its bytes; null where they are none.
pub fn text_of(payload: Expr) -> Expr {
    call("convert_from", vec![payload, build::text("UTF8")])
}

/// The event time of a message, as a column that is made of its text alone.
pub fn time_of(column: &StoredColumn, raw: &Expr, calendar: Calendar) -> Result<Expr, Unsupported> {
    let (key, object) = (column.name.as_str(), || build::cast(raw.clone(), sqlparser::ast::DataType::JSONB));
    let member = Member {
        json: member(object(), key),
        text: member_text(object(), key),
        kind: kind_of(object(), key),
        written: build::null(),
    };
    let told = |one: Unsupported| Unsupported { construct: format!("{} (`{key}`)", one.construct), ..one };
    member.value(column, calendar).map_err(told)
}

/// The watermark: the time of a row, at most the instant at which it came, and as much earlier as a row may be late. A row without a
/// time does not move it; without the condition the smaller of both would be when it came.
pub fn watermark(time: Expr, came: Expr, lateness: i64) -> Expr {
    let at_most = when(build::is_not_null(time.clone()), call("least", vec![time, came]));
    match lateness {
        0 => at_most,
        ms => binary(build::nested(at_most), BinaryOperator::Minus, super::tree::interval(ms)),
    }
}
