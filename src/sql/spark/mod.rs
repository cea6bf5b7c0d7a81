//! Spark, which counts streams in its declarative pipelines. Its settings are those that come with a pipeline: the session's zone is the
//! project's, and what overflows is an error that stops a flow. So every function is total, and what would be another number or null
//! than ours is computed otherwise, or refused. The rule numbers are those of `docs/targets.md`.

mod cast;
mod counts;
mod feed;
mod grammar;
mod intake;
mod logic;
mod number;
mod pattern;
mod text;
mod time;
mod tree;
mod value;
mod window;

use sqlparser::ast::{Expr, Ident};
use sqlparser::keywords::ALL_KEYWORDS;

use super::dialect::{Calendar, Call, Intake, Lowering, Scalars, Unsupported};
use super::identifier::{is_plain, is_reserved};
use super::plain;
use crate::plan::{DataType, Function, StoredColumn, Value};

pub use feed::{Feed, OWN, streamed};

/// The dialect.
#[derive(Clone, Copy, Debug)]
pub struct Spark;

impl Scalars for Spark {
    fn name(&self) -> &'static str {
        "spark"
    }

    fn grammar(&self) -> &'static dyn sqlparser::dialect::Dialect {
        &grammar::Grammar
    }

    fn escapes_in_tree(&self) -> bool {
        true
    }

    fn identifier(&self, name: &str) -> Ident {
        let is_keyword = || ALL_KEYWORDS.binary_search(&name.to_ascii_uppercase().as_str()).is_ok();
        if is_plain(name, |c| c.is_ascii_alphabetic()) && !is_reserved(name) && !is_keyword() {
            return Ident::new(name);
        }
        Ident::with_quote('`', name)
    }

    fn decode(&self, stored: Expr, column: &StoredColumn, _: Calendar) -> Expr {
        value::decode(stored, column)
    }

    fn sort_key(&self, value: Expr, ty: &DataType) -> Expr {
        value::sort_key(value, ty)
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
        value::typed_null(ty)
    }

    fn settle(&self, value: Expr, ty: &DataType) -> Expr {
        match (&value, ty) {
            (Expr::Cast { .. } | Expr::Value(_), _) => value,
            (_, DataType::Int | DataType::Duration | DataType::Float | DataType::Decimal { .. }) => {
                value::try_cast_to(value, ty)
            }
            _ => value,
        }
    }

    fn function(&self, _: Function) -> Lowering {
        lower
    }

    fn intake(&self) -> Option<&dyn Intake> {
        Some(&intake::SparkIntake)
    }
}

/// A call.
fn lower(call: &Call) -> Result<Expr, Unsupported> {
    lowering(call.function)(call)
}

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
        F::Coalesce => plain::coalesce,
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
        F::Power => number::power,
        F::Above => number::above,
        F::Erfc | F::ChiSquaredTail => |_| refuse("the law of a distribution", "the engine has no function for it"),
        F::Least | F::Greatest => logic::extreme,
        F::Lower => text::lower,
        F::Upper => text::upper,
        F::Trim => text::trim,
        F::Length => text::length,
        F::Substring => text::substring,
        F::Concat => text::concat,
        F::Replace => text::replace,
        F::StartsWith => text::starts_with,
        F::EndsWith => text::ends_with,
        F::Contains => text::contains,
        F::Matches => pattern::matches,
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
        F::JsonValue => |_| refuse("json(…)", "numbers and objects are not told as they were written there"),
        F::Hash => text::hash,
        F::Mask => text::mask,
        F::Element => text::element,
    }
}

fn refuse(construct: &str, reason: &str) -> Result<Expr, Unsupported> {
    Err(unsupported(construct, reason))
}

/// What the engine cannot say as we mean it.
fn unsupported(construct: &str, reason: &str) -> Unsupported {
    Unsupported { construct: construct.to_owned(), reason: format!("ST3: {reason}") }
}
