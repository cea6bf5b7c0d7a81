//! RisingWave, which counts streams. An expression that fails gives null there, and the error is only logged: so every cast and
//! every function is total, and what would be another number or null than ours is computed otherwise, or refused. The rule numbers are
//! those of `docs/targets.md`.

mod cast;
mod intake;
mod logic;
mod names;
mod number;
mod text;
mod time;
mod tree;
mod value;
mod window;

use sqlparser::ast::{Expr, Ident, Query};
use sqlparser::dialect::PostgreSqlDialect;

use super::dialect::{Calendar, Call, Intake, Lowering, Scalars, Unsupported};
use super::identifier::{is_plain, is_reserved};
use super::plain;
use crate::plan::{DataType, Function, StoredColumn, Value};

pub use intake::{text_of, time_of, watermark};
pub use window::{Kept, kept};

/// The dialect.
#[derive(Clone, Copy, Debug)]
pub struct RisingWave;

impl Scalars for RisingWave {
    fn name(&self) -> &'static str {
        "risingwave"
    }

    fn grammar(&self) -> &'static dyn sqlparser::dialect::Dialect {
        &PostgreSqlDialect {}
    }

    fn escapes_in_tree(&self) -> bool {
        true
    }

    fn print(&self, query: &Query) -> String {
        plain::print(query)
    }

    fn identifier(&self, name: &str) -> Ident {
        // Bare names are folded to lower case.
        if is_plain(name, |c| c.is_ascii_lowercase()) && !is_reserved(name) && !names::is_reserved(name) {
            return Ident::new(name);
        }
        Ident::with_quote('"', name)
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

    fn settle(&self, value: Expr, ty: &DataType) -> Expr {
        match ty {
            DataType::Int | DataType::Duration if !is_bigint(&value) => value::cast_to(value, ty),
            _ => value,
        }
    }

    fn function(&self, _: Function) -> Lowering {
        lower
    }

    fn intake(&self) -> Option<&dyn Intake> {
        Some(&intake::RisingWaveIntake)
    }
}

fn is_bigint(value: &Expr) -> bool {
    matches!(value, Expr::Cast { data_type: sqlparser::ast::DataType::BigInt(None), .. })
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
        F::And => plain::and,
        F::Or => plain::or,
        F::Not => plain::not,
        F::Equal | F::NotEqual | F::Less | F::LessEqual | F::Greater | F::GreaterEqual => logic::compare,
        F::In => logic::is_in,
        F::Like => text::like,
        F::IsNull => plain::is_null,
        F::IsNotNull => plain::is_not_null,
        F::Coalesce => logic::coalesce,
        F::NullIf => logic::null_if,
        F::Add | F::Subtract => number::add,
        F::Multiply => number::multiply,
        F::Divide => number::divide,
        F::Modulo => number::modulo,
        F::Negate => number::negate,
        F::Abs => number::abs,
        F::Round => number::round,
        F::Floor | F::Ceil => number::floor_or_ceil,
        F::Sqrt => number::sqrt,
        F::Ln => number::ln,
        F::Exp => number::exp,
        F::Power => |_| refuse("power(…)", "what is too small for a float is an error there, like what is undefined"),
        F::Above => number::above,
        F::Erfc | F::ChiSquaredTail => |_| refuse("the law of a distribution", "the engine has no function for it"),
        F::Least | F::Greatest => logic::extreme,
        F::Lower | F::Upper => |_| refuse("lower(…) or upper(…)", "the engine changes the letters of ASCII only"),
        F::Trim => text::trim,
        F::Length => text::length,
        F::Substring => text::substring,
        F::Concat => plain::concat,
        F::Replace => text::replace,
        F::StartsWith => text::starts_with,
        F::EndsWith => text::ends_with,
        F::Contains => text::contains,
        F::Matches => text::matches_pattern,
        F::SplitPart => text::split_part,
        F::DateOf => time::date_of,
        F::HourOf
        | F::DayOfWeek
        | F::DayOfYear
        | F::DayOf
        | F::WeekOf
        | F::IsoYear
        | F::MonthOf
        | F::QuarterOf
        | F::YearOf => time::part,
        F::Truncate => time::truncate,
        F::ToUnix => time::to_unix,
        F::Cast => cast::cast,
        F::JsonValue => |_| {
            refuse(
                "json(…)",
                "JSON there does not keep numbers and objects as they were written, nor the first of equal keys",
            )
        },
        F::Hash => |_| refuse("hash(…)", "nothing makes a number of 64 bits of the bytes of SHA-256 there"),
        F::Mask => plain::mask,
        F::Element => text::element,
    }
}

fn refuse(construct: &str, reason: &str) -> Result<Expr, Unsupported> {
    Err(Unsupported { construct: construct.to_owned(), reason: format!("ST2: {reason}") })
}
