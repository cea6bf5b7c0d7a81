//! Rows out of the text of messages, each a JSON object. What a column accepts is what the intake of the warehouse accepts.
//!
//! A document is parsed once, to a VARIANT, which knows how a value was written; nothing here throws. The parser reads one value and does not
//! look at what stands behind it, so the text has to be one value within brackets, too. An object with a key twice is no document.

use sqlparser::ast::{BinaryOperator, Expr};

use super::cast::{clock_time, text_to_decimal, text_to_int, to_date};
use super::tree::{at_least, below, both, when};
use super::value::{finite, int, text, typed_null};
use super::{time, unsupported};
use crate::plan::{DataType, Encoding, StoredColumn};
use crate::sql::build::{self, binary, call, number};
use crate::sql::dialect::{Calendar, Intake, MESSAGES, ReadColumn, Steps, Unsupported};

/// The intake of Spark.
pub struct SparkIntake;

/// How many digits the warehouse keeps of a number that is no text.
const DIGITS: u8 = 15;

/// The years that an instant in milliseconds may lie in: 1 to 9999.
const INSTANTS: (i64, i64) = (-62_135_596_800_000, 253_402_300_800_000);

/// A value of JSON.
struct Value(Expr);

impl Value {
    /// `STRING`, `BIGINT`, `DECIMAL(3,1)`, …; `VOID` where it is missing or null.
    fn kind(&self) -> Expr {
        call("coalesce", vec![call("schema_of_variant", vec![self.0.clone()]), build::text("VOID")])
    }

    fn is(&self, kind: &str) -> Expr {
        build::equal(self.kind(), build::text(kind))
    }

    fn begins(&self, kind: &str) -> Expr {
        call("startswith", vec![self.kind(), build::text(kind)])
    }

    fn as_type(&self, ty: &str) -> Expr {
        call("try_variant_get", vec![self.0.clone(), build::text("$"), build::text(ty.to_owned())])
    }

    fn text(&self) -> Expr {
        self.as_type("STRING")
    }

    /// A value where it is of a kind.
    fn of(&self, kind: &str, value: Expr) -> Expr {
        when(self.is(kind), value)
    }

    /// Its value in a type, null where it does not fit. Of lists and maps see [`Value::fits`].
    fn value(&self, ty: &DataType, calendar: Calendar) -> Result<Expr, Unsupported> {
        Ok(match ty {
            DataType::Bool => self.of("BOOLEAN", self.as_type("BOOLEAN")),
            DataType::Int | DataType::Duration => self.of("BIGINT", self.as_type("BIGINT")),
            DataType::Float => {
                let kinds = [self.is("BIGINT"), self.is("DOUBLE"), self.begins("DECIMAL")];
                when(build::any(kinds).unwrap_or_else(build::null), finite(self.as_type("DOUBLE")))
            }
            DataType::Decimal { precision, scale } => self.decimal(*precision, *scale),
            DataType::String => self.of("STRING", self.text()),
            DataType::Date => self.of("STRING", to_date(self.text(), &DataType::String)?),
            DataType::Timestamp => self.of("STRING", clock_time(&self.text(), calendar)?),
            DataType::Array(item) => {
                let made = Value(build::ident_expr("x")).value(item, calendar)?;
                call("transform", vec![self.items(), build::lambda("x", made)])
            }
            DataType::Map(item) => {
                let made = Value(build::ident_expr("x")).value(item, calendar)?;
                call("transform_values", vec![self.members(), build::lambda_of(&["k", "x"], made)])
            }
        })
    }

    /// Whether it is a value of a type.
    fn fits(&self, ty: &DataType, value: &Expr, calendar: Calendar) -> Result<Expr, Unsupported> {
        let (kind, items, item) = match ty {
            DataType::Array(item) => ("ARRAY", self.items(), item),
            DataType::Map(item) => ("OBJECT", call("map_values", vec![self.members()]), item),
            _ => return Ok(build::is_not_null(value.clone())),
        };
        let one = Value(build::ident_expr("x"));
        let fits = one.fits(item, &one.value(item, calendar)?, calendar)?;
        let all = call("coalesce", vec![call("forall", vec![items, build::lambda("x", fits)]), build::boolean(false)]);
        Ok(both(self.begins(kind), all))
    }

    fn items(&self) -> Expr {
        self.as_type("ARRAY<VARIANT>")
    }

    fn members(&self) -> Expr {
        self.as_type("MAP<STRING, VARIANT>")
    }

    /// Milliseconds since 1970, as a number or as its text.
    fn instant(&self) -> Expr {
        let known = build::any([self.is("BIGINT"), self.is("STRING")]).unwrap_or_else(build::null);
        let ms = text_to_int(self.text());
        let within = both(at_least(ms.clone(), int(INSTANTS.0)), below(ms.clone(), int(INSTANTS.1)));
        when(both(known, within), call("timestamp_millis", vec![ms]))
    }

    /// A text, or a number that the warehouse would keep as it was written: one of 64 bits, or of few digits.
    fn decimal(&self, precision: u8, scale: u8) -> Expr {
        let digits = call("regexp_replace", vec![self.text(), text("[^0-9]"), build::text("")]);
        let few = binary(call("char_length", vec![digits]), BinaryOperator::LtEq, number(DIGITS));
        let kept = [self.is("STRING"), self.is("BIGINT"), both(self.begins("DECIMAL"), few)];
        when(build::any(kept).unwrap_or_else(build::null), text_to_decimal(self.text(), precision, scale))
    }
}

/// What was made of a message before: the document, the value of each member as it is written, what a column makes of it, and whether it
/// fits.
const PARSED: &str = "_parsed";

fn made(name: &str) -> Expr {
    build::column(MESSAGES, build::ident(name))
}

fn member(at: usize) -> Value {
    Value(made(&format!("_m{at}")))
}

/// What a column makes of its member, and whether it fits.
fn read(at: usize, column: &StoredColumn, calendar: Calendar) -> Result<(Expr, Expr), Unsupported> {
    let member = member(at);
    let value = match (&column.ty, column.encoding) {
        (DataType::Timestamp, Encoding::Milliseconds) => member.instant(),
        (DataType::String, _) if !column.domain.is_empty() => {
            let words = column.domain.iter().map(|word| text(word)).collect();
            member.of("STRING", when(build::in_list(member.text(), words), member.text()))
        }
        (ty, _) => member.value(ty, calendar)?,
    };
    let fits = member.fits(&column.ty, &value, calendar)?;
    Ok((value, fits))
}

impl Intake for SparkIntake {
    fn column(&self, at: usize, column: &StoredColumn, _: Expr, _: Calendar) -> ReadColumn {
        let value = made(&format!("_v{at}"));
        let value = match column.ty {
            DataType::Array(_) | DataType::Map(_) => call("coalesce", vec![value, typed_null(&column.ty)]),
            _ => value,
        };
        ReadColumn { value, missing: member(at).is("VOID"), fits: made(&format!("_f{at}")) }
    }

    fn is_object(&self, _: Expr) -> Expr {
        Value(made(PARSED)).begins("OBJECT")
    }

    fn steps(&self, columns: &[StoredColumn], raw: Expr, calendar: Calendar) -> Result<Steps, Vec<Unsupported>> {
        let within = |before: &str, behind: &str| {
            let text = call("concat", vec![text(before), raw.clone(), build::text(behind)]);
            build::is_not_null(call("try_parse_json", vec![text]))
        };
        let one = both(within("[", "]"), within("{\"x\":", "}"));
        let parsed = vec![(PARSED.to_owned(), when(one, call("try_parse_json", vec![raw.clone()])))];
        let [mut members, mut values] = [const { Vec::new() }; 2];
        let mut failed: Vec<Unsupported> = Vec::new();
        for (at, column) in columns.iter().enumerate() {
            if column.name.contains(['"', '\\', '\'']) {
                let construct = "a column with a quote or a backslash in its name";
                failed.push(unsupported(construct, "no path of a document names it"));
                continue;
            }
            let path = text(&format!("$[\"{}\"]", column.name));
            members
                .push((format!("_m{at}"), call("try_variant_get", vec![made(PARSED), path, build::text("VARIANT")])));
            match read(at, column, calendar) {
                Ok((value, fits)) => values.extend([(format!("_v{at}"), value), (format!("_f{at}"), fits)]),
                Err(one) => {
                    failed.push(Unsupported { construct: format!("{} (`{}`)", one.construct, column.name), ..one })
                }
            }
        }
        if failed.is_empty() { Ok(vec![parsed, members, values]) } else { Err(failed) }
    }

    fn or_then(&self, value: Expr, came: Expr, _: &StoredColumn) -> Expr {
        call("coalesce", vec![value, came])
    }

    fn day(&self, came: Expr, _: Calendar) -> Expr {
        time::local_day(came)
    }
}
