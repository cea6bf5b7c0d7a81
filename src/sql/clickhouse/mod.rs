//! ClickHouse. Nothing here depends on a setting of the session: every time has its zone, every look-up its nulls, every
//! division its zero, every cast its failure. The rule numbers are those of `docs/targets.md`.

mod aggregate;
pub mod alerts;
mod batch;
mod calendar;
mod cast;
pub mod checks;
mod counts;
mod dictionary;
mod distribution;
pub mod feed;
mod grammar;
mod intake;
mod interval;
mod list;
mod logic;
mod number;
mod script;
mod state;
mod text;
mod time;
mod value;

use sqlparser::ast::{Expr, Ident, ObjectName, Query, Setting};
use sqlparser::parser::ParserError;

use super::build;
use super::dialect::{
    Aggregated, Batches, Calendar, Collected, Deduplication, Dialect, Dictionary, Intake, Lowering, Scalars, States,
};
use super::identifier::{is_plain, is_reserved};
use super::plain;
use crate::plan::{DataType, Function, Interval, Span, Step, StoredColumn, Table, Value};

/// The dialect.
#[derive(Clone, Copy, Debug)]
pub struct ClickHouse;

impl ClickHouse {
    /// The statements of a script in our forms, each without the `;` behind it.
    ///
    /// # Errors
    /// What is no token of the dialect.
    pub fn split<'t>(&self, text: &'t str) -> Result<Vec<&'t str>, ParserError> {
        script::split(text)
    }
}

impl Scalars for ClickHouse {
    fn name(&self) -> &'static str {
        "clickhouse"
    }

    fn grammar(&self) -> &'static dyn sqlparser::dialect::Dialect {
        &grammar::Grammar
    }

    fn script(&self, text: &str) -> Result<usize, ParserError> {
        script::statements(text)
    }

    fn escapes_in_tree(&self) -> bool {
        true
    }

    fn identifier(&self, name: &str) -> Ident {
        if is_plain(name, |c| c.is_ascii_alphabetic()) && !is_reserved(name) {
            return Ident::new(name);
        }
        Ident::with_quote('`', name.replace('\\', "\\\\"))
    }

    fn decode(&self, stored: Expr, column: &StoredColumn, calendar: Calendar) -> Expr {
        value::decode(stored, column, calendar)
    }

    fn sort_key(&self, value: Expr, ty: &DataType) -> Expr {
        value::sort_key(value, ty)
    }

    fn optional(&self, value: Expr, ty: &DataType) -> Expr {
        match ty {
            // These cannot be null here: where nothing was found they are empty.
            DataType::Array(_) | DataType::Map(_) => value,
            _ => build::call("toNullable", vec![value]),
        }
    }

    fn not_null(&self, value: Expr) -> Expr {
        build::call("assumeNotNull", vec![value])
    }

    fn literal(&self, value: &Value, ty: &DataType, calendar: Calendar) -> Expr {
        value::literal(value, ty, calendar)
    }

    fn typed_null(&self, ty: &DataType, calendar: Calendar) -> Expr {
        value::typed_null(ty, calendar)
    }

    fn settle(&self, value: Expr, ty: &DataType) -> Expr {
        value::settle(value, ty)
    }

    fn function(&self, function: Function) -> Lowering {
        use Function as F;
        match function {
            F::And => plain::and,
            F::Or => plain::or,
            F::Not => plain::not,
            F::Equal | F::NotEqual | F::Less | F::LessEqual | F::Greater | F::GreaterEqual => plain::compare,
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
            F::Floor => number::floor,
            F::Ceil => number::ceil,
            F::Sqrt => number::sqrt,
            F::Ln => number::ln,
            F::Exp => number::exp,
            F::Power => number::power,
            F::Above => distribution::above,
            F::Erfc => distribution::erfc,
            F::ChiSquaredTail => distribution::chi_squared_tail,
            F::Least | F::Greatest => number::extreme,
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
            F::Truncate => time::truncate,
            F::ToUnix => time::to_unix,
            F::Cast => cast::cast,
            F::JsonValue => text::json_value,
            F::Hash => text::hash,
            F::Mask => text::mask,
            F::Element => value::element,
        }
    }

    fn intake(&self) -> Option<&dyn Intake> {
        Some(&intake::ClickHouseIntake)
    }
}

impl Dialect for ClickHouse {
    fn table(&self, table: &Table) -> ObjectName {
        ObjectName::from(table.physical.split('.').map(|part| self.identifier(part)).collect::<Vec<_>>())
    }

    fn read_all_shards(&self, query: &mut Query) {
        let value = build::text("global");
        query.settings.get_or_insert_default().push(Setting { key: build::ident("distributed_product_mode"), value });
    }

    fn look_up(&self, query: &mut Query, known: &[Dictionary]) {
        dictionary::look_up(query, known);
    }

    fn deduplication(&self) -> Deduplication {
        Deduplication::LimitBy
    }

    fn interval_join_settings(&self) -> Option<Vec<Setting>> {
        // Other algorithms, which a session may prefer, refuse such conditions.
        Some(vec![Setting { key: build::ident("join_algorithm"), value: build::text("hash") }])
    }

    /// One comparison of all values ([CH23](../../../docs/targets.md#rules)). Of several ones, each of another table, the planner
    /// makes one a condition of an earlier outer join that compares with `<`, which rejects no row then. Where one is made of
    /// another, it asks a condition on the rows of what is found, too, and takes one value for the other.
    fn equal_together(&self, pairs: Vec<(Expr, Expr)>) -> Vec<Expr> {
        let (own, found): (Vec<Expr>, Vec<Expr>) = pairs.into_iter().unzip();
        vec![build::equal(build::tuple(own), build::tuple(found))]
    }

    fn unfolded(&self, constant: Expr) -> Expr {
        build::call("materialize", vec![constant])
    }

    fn zero(&self, _: &DataType, _: Calendar) -> Expr {
        build::number(0)
    }

    fn bucket_key(&self, time: Expr, step: Step, calendar: Calendar) -> Expr {
        time::bucket_key(time, step, calendar)
    }

    fn in_bucket(&self, time: Expr, step: Step, calendar: Calendar) -> Option<Expr> {
        match step {
            Step::Declared(step) => Some(calendar::has_step(step, time::bucket_key(time, Step::Day, calendar))),
            _ => None,
        }
    }

    fn last_bucket(&self, time: Expr, step: Step, calendar: Calendar) -> Expr {
        match step {
            Step::Declared(step) => calendar::last_until(step, time::bucket_key(time, Step::Day, calendar)),
            _ => time::bucket_key(time, step, calendar),
        }
    }

    fn bucket_start(&self, key: Expr, step: Step, calendar: Calendar) -> Expr {
        time::bucket_start(key, step, calendar)
    }

    fn bucket_number(&self, time: Expr, step: Step, calendar: Calendar) -> Expr {
        time::bucket_number(time, step, calendar)
    }

    fn numbers_below(&self, count: Expr) -> Expr {
        build::call("range", vec![count])
    }

    fn buckets(&self, time: Expr, step: Step, interval: &Interval, last: Expr, calendar: Calendar) -> Expr {
        interval::Relative { step, interval, calendar }.buckets(time, last)
    }

    fn whole_quotient(&self, of: Expr, by: Expr) -> Expr {
        build::call("intDiv", vec![of, by])
    }

    fn explode(&self, list: Expr) -> Expr {
        build::call("arrayJoin", vec![list])
    }

    fn interval_start(&self, key: Expr, step: Step, interval: &Interval, calendar: Calendar) -> Option<Expr> {
        interval::Relative { step, interval, calendar }.start(key)
    }

    fn interval_end(&self, key: Expr, step: Step, interval: &Interval, calendar: Calendar) -> Expr {
        interval::Relative { step, interval, calendar }.end(key)
    }

    fn steps(&self, key: Expr, step: Step, interval: &Interval, length: Span, calendar: Calendar) -> Expr {
        interval::Relative { step, interval, calendar }.steps(key, length)
    }

    fn only_value(&self, value: Expr, _: &DataType) -> Expr {
        build::call("max", vec![value])
    }

    fn aggregate(&self, aggregated: Aggregated, _: Calendar) -> Expr {
        aggregate::lower(aggregated)
    }

    fn collected(&self) -> Collected<'_> {
        Collected::Lists(self)
    }

    fn each_once(&self, number: Expr) -> Expr {
        // Less of a small number lies in a list.
        let small = build::call("toInt32", vec![number]);
        build::call("arrayDistinct", vec![build::call("groupArray", vec![small])])
    }

    fn states(&self) -> Option<&dyn States> {
        Some(&state::ClickHouseStates)
    }

    fn batches(&self) -> Option<&dyn Batches> {
        Some(&batch::ClickHouseBatches)
    }
}
