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
use super::value::{cast_to, refused, text};
use crate::plan::{DataType, Encoding, StoredColumn};
use crate::sql::build::{self, binary, call};
use crate::sql::dialect::{Calendar, Intake, Message, ReadColumn, Unsupported};

/// The intake of RisingWave.
pub struct RisingWaveIntake;

/// How many digits a float keeps in any case: a decimal with more is to be a text.
const DIGITS: u8 = 15;

/// The years that an instant in milliseconds may lie in: 1 to 9999.
const INSTANTS: (i64, i64) = (-62_135_596_800_000, 253_402_300_800_000);

/// A member of the object.
struct Member<'a> {
    key: &'a str,
    raw: Expr,
    json: Expr,
    text: Expr,
    /// `string`, `number`, …; null where it is missing.
    kind: Expr,
}

impl<'a> Member<'a> {
    fn new(key: &'a str, message: &Message) -> Member<'a> {
        let json = member(message.parsed.clone(), key);
        let kind = call("jsonb_typeof", vec![json.clone()]);
        Member { key, raw: message.raw.clone(), text: member_text(message.parsed.clone(), key), json, kind }
    }

    fn is(&self, kind: &str) -> Expr {
        build::equal(self.kind.clone(), build::text(kind))
    }

    /// A value where it is of a kind.
    fn of(&self, kind: &str, value: Expr) -> Expr {
        when(self.is(kind), value)
    }

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
            (DataType::Decimal { precision, scale }, _) => self.decimal(*precision, *scale),
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

    /// A text, or a number that was certainly kept as it was written: one of 64 bits, or of few digits. The number in the text of the
    /// message is the member's if both are the same float: two of so few digits are then the same decimal.
    fn decimal(&self, precision: u8, scale: u8) -> Expr {
        let found = item(call("regexp_match", vec![self.raw.clone(), text(&written_number(self.key))]), 1);
        let as_float = |x: Expr| cast_to(x, &DataType::Float);
        let same = build::equal(as_float(found.clone()), as_float(self.text.clone()));
        let written = build::case(vec![(same, found)], Some(self.text.clone()));
        let few = matches(written.clone(), &format!(r"\A[^0-9]*([0-9][^0-9]*){{1,{DIGITS}}}\z"));
        let kept = build::case(
            vec![
                (self.is("string"), self.text.clone()),
                (build::not(self.is("number")), build::null()),
                (matches(self.text.clone(), WHOLE), self.text.clone()),
                (few, written),
            ],
            None,
        );
        text_to_decimal(kept, precision, scale)
    }

    /// The list or object as it is, where all of its items are strings.
    fn all_strings(&self, items: &str) -> Expr {
        let path = format!("{items} ? (@.type() != \"string\")");
        let other = call("jsonb_path_exists", vec![self.json.clone(), text(&path)]);
        when(build::not(other), self.json.clone())
    }
}

impl Intake for RisingWaveIntake {
    fn column(&self, column: &StoredColumn, message: &Message, calendar: Calendar) -> Result<ReadColumn, Unsupported> {
        if let Some(refused) = refused(&column.ty) {
            return Err(refused);
        }
        let member = Member::new(&column.name, message);
        let value = member.value(column, calendar)?;
        let kind = call("coalesce", vec![member.kind.clone(), build::text("null")]);
        let fits = build::is_not_null(value.clone());
        let empty = |written: &str| call("coalesce", vec![value.clone(), cast_to(build::text(written), &column.ty)]);
        let value = match column.ty {
            DataType::Array(_) => empty("[]"),
            DataType::Map(_) => empty("{}"),
            _ => value,
        };
        Ok(ReadColumn { value, missing: build::equal(kind, build::text("null")), fits })
    }

    fn is_object(&self, message: &Message) -> Expr {
        let kind = call("jsonb_typeof", vec![message.parsed.clone()]);
        build::equal(call("coalesce", vec![kind, build::text("")]), build::text("object"))
    }

    fn parsed(&self, raw: Expr) -> Option<Expr> {
        Some(build::cast(raw, sqlparser::ast::DataType::JSONB))
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
pub fn time_of(column: &StoredColumn, raw: Expr, calendar: Calendar) -> Result<Expr, Unsupported> {
    let parsed = build::nested(build::cast(raw.clone(), sqlparser::ast::DataType::JSONB));
    Member::new(&column.name, &Message { raw, parsed }).value(column, calendar)
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
