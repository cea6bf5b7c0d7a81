//! DuckDB, in which tools of quality look at rows. What fails there is an error that stops a query, so every function is total; what would be
//! another number or null than ours is computed otherwise, or refused (DQ4).

mod cast;
mod logic;
mod number;
mod text;
mod time;
mod value;

use sqlparser::ast::{Expr, Ident, Query};
use sqlparser::dialect::DuckDbDialect;

use super::build;
use super::by_day::Counts;
use super::dialect::{Calendar, Call, Lowering, Scalars, Unsupported};
use super::plain;
use crate::plan::{DataType, Function, StoredColumn, Value};

/// The dialect.
#[derive(Clone, Copy, Debug)]
pub struct DuckDb;

impl Scalars for DuckDb {
    fn name(&self) -> &'static str {
        "duckdb"
    }

    fn grammar(&self) -> &'static dyn sqlparser::dialect::Dialect {
        &DuckDbDialect {}
    }

    fn escapes_in_tree(&self) -> bool {
        true
    }

    fn print(&self, query: &Query) -> String {
        plain::print(query)
    }

    /// Always quoted: its words are many, `at` among them.
    fn identifier(&self, name: &str) -> Ident {
        Ident::with_quote('"', name)
    }

    fn decode(&self, stored: Expr, column: &StoredColumn, _: Calendar) -> Expr {
        value::decode(stored, column)
    }

    fn sort_key(&self, value: Expr, ty: &DataType) -> Expr {
        match ty {
            DataType::Map(_) => build::call("list_sort", vec![build::call("map_entries", vec![value])]),
            _ => value,
        }
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

    fn settle(&self, value: Expr, _: &DataType) -> Expr {
        value
    }

    fn function(&self, function: Function) -> Lowering {
        lowering(function)
    }
}

impl Counts for DuckDb {
    fn local_day(&self, time: Expr, calendar: Calendar) -> Expr {
        time::local_day(time, calendar)
    }

    fn within_day(&self, day: Expr, calendar: Calendar) -> Expr {
        time::noon(day, calendar)
    }

    fn now(&self) -> Expr {
        build::call("now", Vec::new())
    }

    fn milliseconds(&self, time: Expr) -> Expr {
        build::call("epoch_ms", vec![time])
    }

    fn days_before(&self, day: Expr, days: u64) -> Expr {
        build::binary(day, sqlparser::ast::BinaryOperator::Minus, build::number(days))
    }
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
        F::Power => |_| refuse("power(…)", "what is undefined is an error there for some numbers"),
        F::Above => number::above,
        F::Erfc | F::ChiSquaredTail => |_| refuse("the law of a distribution", "the engine has no function for it"),
        F::Least | F::Greatest => logic::extreme,
        F::Lower | F::Upper => |_| refuse("lower(…) or upper(…)", "the engine has one letter for each, and `ß` stays"),
        F::Trim => |call| Ok(build::call("trim", vec![call.arg(0), build::text(" ")])),
        F::Length => text::length,
        F::Substring => text::substring,
        F::Concat => plain::concat,
        F::Replace => text::replace,
        F::StartsWith => |call| Ok(build::call("starts_with", call.args())),
        F::EndsWith => |call| Ok(build::call("ends_with", call.args())),
        F::Contains => text::contains,
        F::Matches => text::matches,
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
        F::Truncate => |_| refuse("truncate(…)", "the engine has other local times where clocks change"),
        F::ToUnix => time::to_unix,
        F::Cast => cast::cast,
        F::JsonValue => |_| refuse("json(…)", "numbers and objects are not told as they were written there"),
        F::Hash => text::hash,
        F::Mask => plain::mask,
        F::Element => text::element,
    }
}

fn refuse(construct: &str, reason: &str) -> Result<Expr, Unsupported> {
    Err(unsupported(construct, reason))
}

/// What the engine cannot say as we mean it.
fn unsupported(construct: &str, reason: &str) -> Unsupported {
    Unsupported { construct: construct.to_owned(), reason: reason.to_owned() }
}

/// Whether lists or maps are compared, of which the engine has other nulls.
fn comparable(call: &Call) -> Result<(), Unsupported> {
    match call.arg_type(0) {
        DataType::Array(_) | DataType::Map(_) => {
            Err(unsupported("a comparison of lists or maps", "their nulls compare otherwise there"))
        }
        _ => Ok(()),
    }
}
