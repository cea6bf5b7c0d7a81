//! ksqlDB, which counts streams. Logic has two values there, and a null in AND, OR, NOT or arithmetic makes the whole expression null:
//! so a condition is printed as "is true", its opposite as "is false", and whatever may be null is asked first. Instants are whole
//! milliseconds and days whole days since 1970, so that nothing depends on clocks or letters. What is in doubt is refused; the rule
//! numbers are those of `docs/targets.md`.

mod cast;
mod intake;
mod logic;
mod number;
mod text;
mod time;
mod value;
mod window;

use sqlparser::ast::{Expr, Ident, Query};
use sqlparser::dialect::GenericDialect;

use super::dialect::{Calendar, Call, Lowering, Scalars, Unsupported};
use super::plain;
use crate::plan::{DataType, Function, StoredColumn, Value};

pub use intake::{Reading, Rows, read};
pub use window::{Kept, Stages, counted, kept, stages};

/// The dialect.
#[derive(Clone, Copy, Debug)]
pub struct KsqlDb;

impl Scalars for KsqlDb {
    fn name(&self) -> &'static str {
        "ksqldb"
    }

    fn grammar(&self) -> &'static dyn sqlparser::dialect::Dialect {
        &GenericDialect {}
    }

    fn escapes_in_tree(&self) -> bool {
        true
    }

    fn print(&self, query: &Query) -> String {
        plain::print(query)
    }

    fn identifier(&self, name: &str) -> Ident {
        // Bare names are folded to upper case.
        Ident::with_quote('`', name)
    }

    fn decode(&self, stored: Expr, _: &StoredColumn, _: Calendar) -> Expr {
        // What is read out of messages has its canonical value.
        stored
    }

    fn sort_key(&self, value: Expr, _: &DataType) -> Expr {
        value
    }

    fn optional(&self, value: Expr, _: &DataType) -> Expr {
        value
    }

    fn not_null(&self, value: Expr) -> Expr {
        value
    }

    fn literal(&self, value: &Value, ty: &DataType, _: Calendar) -> Expr {
        value::literal(value, ty)
    }

    fn typed_null(&self, ty: &DataType, _: Calendar) -> Expr {
        value::cast_to(super::build::null(), ty)
    }

    fn settle(&self, value: Expr, _: &DataType) -> Expr {
        value
    }

    fn condition(&self, value: Expr) -> Expr {
        logic::condition(value)
    }

    fn takes_own_text(&self) -> bool {
        false
    }

    fn function(&self, _: Function) -> Lowering {
        lower
    }
}

/// A call, if the engine has all of its types.
fn lower(call: &Call) -> Result<Expr, Unsupported> {
    let types = call.arguments.iter().map(|argument| argument.ty).chain([call.ty]);
    match types.filter_map(value::refused).next() {
        Some(refused) => Err(refused),
        None => lowering(call.function)(call),
    }
}

/// How a function is printed, once its types are known to be there.
fn lowering(function: Function) -> Lowering {
    use Function as F;
    match function {
        F::And => logic::and,
        F::Or => logic::or,
        F::Not => logic::not,
        F::Equal | F::NotEqual | F::Less | F::LessEqual | F::Greater | F::GreaterEqual => logic::compare,
        F::In => logic::is_in,
        F::IsNull | F::IsNotNull => logic::is_null,
        F::Coalesce => logic::coalesce,
        F::NullIf => logic::null_if,
        F::Least | F::Greatest => number::extreme,
        F::Add | F::Subtract => number::add,
        F::Multiply => number::multiply,
        F::Divide => number::divide,
        F::Modulo => number::modulo,
        F::Negate => number::negate,
        F::Abs => number::abs,
        F::Round | F::Floor | F::Ceil => number::whole,
        F::Sqrt | F::Ln | F::Exp | F::Power | F::Above | F::Erfc | F::ChiSquaredTail => {
            |_| refuse("functions of floats", "nothing tells there whether a float is finite")
        }
        F::Lower | F::Upper => {
            |_| refuse("lower(…) or upper(…)", "letters are changed as the server's language has it")
        }
        F::Trim => |_| refuse("trim(…)", "the engine takes off all control characters"),
        F::Substring => |_| refuse("substring(…)", "characters are counted by units of 16 bits there"),
        F::Length => text::length,
        F::Like => text::like,
        F::Concat => text::concat,
        F::Replace => text::replace,
        F::StartsWith => text::starts_with,
        F::EndsWith => |_| refuse("ends_with(…)", "the engine has no function for it"),
        F::Contains => text::contains,
        F::Matches => |_| refuse("matches(…)", "its regular expressions are those of Java"),
        F::SplitPart => |_| refuse("split_part(…)", "a place beyond the last part is null there"),
        F::Element => text::element,
        F::DateOf => time::date_of,
        F::HourOf => time::hour_of,
        F::DayOfWeek => time::day_of_week,
        F::DayOfYear | F::DayOf | F::WeekOf | F::IsoYear | F::MonthOf | F::QuarterOf | F::YearOf => {
            |_| refuse("parts of a date but weekdays and hours", "the engine has no calendar but that of its formats")
        }
        F::Truncate => time::truncate,
        F::ToUnix => time::to_unix,
        F::Cast => cast::cast,
        F::JsonValue => |_| refuse("json(…)", "a null of JSON is the text `null` there, and numbers are written anew"),
        F::Hash => |_| refuse("hash(…)", "the engine has no SHA-256"),
        F::Mask => |_| refuse("mask(…)", "characters are units of 16 bits there"),
    }
}

fn refuse(construct: &str, reason: &str) -> Result<Expr, Unsupported> {
    Err(refusal(construct, reason))
}

/// What the engine cannot say exactly.
fn refusal(construct: impl Into<String>, reason: &str) -> Unsupported {
    Unsupported { construct: construct.into(), reason: format!("ST4: {reason}") }
}
