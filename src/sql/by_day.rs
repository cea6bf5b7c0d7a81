//! Answers by day in engines of which we know how they print expressions and how they count rows, and no more: the verdicts of tools of
//! quality. They are lowered like all others; what would need more of the engine is refused.

use std::sync::atomic::{AtomicBool, Ordering};

use sqlparser::ast::{Expr, Ident, ObjectName, Query};

use super::build::{self, call, number};
use super::dialect::{
    Aggregated, Calendar, Chains, Collected, Deduplication, Dialect, Lowering, Paths, Scalars, Unsupported, Walks,
};
use super::{Options, lower};
use crate::plan::{self, Aggregate, DataType, Function, Interval, Span, Step, StoredColumn, Table, Value};

/// An engine that counts rows by day.
pub trait Counts: Scalars {
    /// The engine, where it answers all questions.
    fn whole(&self) -> Option<&dyn Dialect> {
        None
    }

    /// A stored table.
    fn stored(&self, table: &Table) -> ObjectName {
        ObjectName::from(table.physical.split('.').map(|part| self.identifier(part)).collect::<Vec<_>>())
    }

    /// The local day of an instant.
    fn local_day(&self, time: Expr, calendar: Calendar) -> Expr;

    /// An instant that lies in a local day.
    fn within_day(&self, day: Expr, calendar: Calendar) -> Expr;

    /// The instant at which the query runs.
    fn now(&self) -> Expr;

    /// Milliseconds since 1970.
    fn milliseconds(&self, time: Expr) -> Expr;

    /// The day that is so many days before another.
    fn days_before(&self, day: Expr, days: u64) -> Expr;
}

/// The SELECT of an answer by day, or of one in total; its column `time` is an instant of the day.
///
/// # Errors
/// All constructs that the engine cannot say.
pub fn select(query: &plan::Query, engine: &dyn Counts) -> Result<Query, Vec<Unsupported>> {
    if let Some(dialect) = engine.whole() {
        let options = Options { unordered: true, ..Options::default() };
        return super::select(query, dialect, &options);
    }
    let dialect = ByDay { engine, beyond: AtomicBool::new(false) };
    let options = Options { unordered: true, ..Options::default() };
    let made = crate::stack::enough(|| lower::query(query, &dialect, &options, &[]))?;
    match dialect.beyond.load(Ordering::Relaxed) {
        false => Ok(made),
        true => Err(vec![Unsupported {
            construct: "a rule of more than rows, copies and references".to_owned(),
            reason: format!("of {} we only know how it counts rows by day", engine.name()),
        }]),
    }
}

/// The engine as a dialect. What it is asked beyond counts by day is remembered, and refused in the end.
struct ByDay<'a> {
    engine: &'a dyn Counts,
    beyond: AtomicBool,
}

impl ByDay<'_> {
    fn beyond(&self) -> Expr {
        self.beyond.store(true, Ordering::Relaxed);
        build::null()
    }
}

impl Scalars for ByDay<'_> {
    fn name(&self) -> &'static str {
        self.engine.name()
    }

    fn grammar(&self) -> &'static dyn sqlparser::dialect::Dialect {
        self.engine.grammar()
    }

    fn escapes_in_tree(&self) -> bool {
        self.engine.escapes_in_tree()
    }

    fn identifier(&self, name: &str) -> Ident {
        self.engine.identifier(name)
    }

    fn decode(&self, stored: Expr, column: &StoredColumn, calendar: Calendar) -> Expr {
        self.engine.decode(stored, column, calendar)
    }

    fn sort_key(&self, value: Expr, ty: &DataType) -> Expr {
        self.engine.sort_key(value, ty)
    }

    fn optional(&self, value: Expr, ty: &DataType) -> Expr {
        self.engine.optional(value, ty)
    }

    fn not_null(&self, value: Expr) -> Expr {
        self.engine.not_null(value)
    }

    fn literal(&self, value: &Value, ty: &DataType, calendar: Calendar) -> Expr {
        self.engine.literal(value, ty, calendar)
    }

    fn typed_null(&self, ty: &DataType, calendar: Calendar) -> Expr {
        self.engine.typed_null(ty, calendar)
    }

    fn settle(&self, value: Expr, ty: &DataType) -> Expr {
        self.engine.settle(value, ty)
    }

    fn condition(&self, value: Expr) -> Expr {
        self.engine.condition(value)
    }

    fn function(&self, function: Function) -> Lowering {
        self.engine.function(function)
    }
}

impl Dialect for ByDay<'_> {
    fn table(&self, table: &Table) -> ObjectName {
        self.engine.stored(table)
    }

    fn deduplication(&self) -> Deduplication {
        Deduplication::RowNumber
    }

    fn zero(&self, ty: &DataType, calendar: Calendar) -> Expr {
        match ty {
            DataType::Int => self.engine.literal(&Value::Int(0), ty, calendar),
            // Of a sum of counts.
            DataType::Decimal { .. } => self.engine.literal(&Value::Decimal(0), ty, calendar),
            _ => self.beyond(),
        }
    }

    fn bucket_key(&self, time: Expr, step: Step, calendar: Calendar) -> Expr {
        if step == Step::Day { self.engine.local_day(time, calendar) } else { self.beyond() }
    }

    fn bucket_start(&self, key: Expr, step: Step, calendar: Calendar) -> Expr {
        if step == Step::Day { self.engine.within_day(key, calendar) } else { self.beyond() }
    }

    fn only_value(&self, value: Expr, _: &DataType) -> Expr {
        call("max", vec![value])
    }

    fn aggregate(&self, of: Aggregated, _: Calendar) -> Expr {
        let named = |name: &str, value| build::aggregate(name, vec![value], Vec::new(), of.filter.clone());
        let count = |value| named("count", value);
        match (of.aggregate, &of.argument) {
            (Aggregate::CountRows, _) => count(number(1)),
            (Aggregate::Count(_), Some(argument)) => count(argument.sql.clone()),
            (Aggregate::Min(_) | Aggregate::Max(_), Some(argument))
                if matches!(argument.ty, DataType::Timestamp | DataType::Int) =>
            {
                named(if matches!(of.aggregate, Aggregate::Min(_)) { "min" } else { "max" }, argument.sql.clone())
            }
            (Aggregate::Sum(_), Some(argument)) if *argument.ty == DataType::Int => {
                self.engine.settle(named("sum", argument.sql.clone()), of.ty)
            }
            _ => self.beyond(),
        }
    }

    fn collected(&self) -> Collected<'_> {
        Collected::Walks(self)
    }

    fn bucket_number(&self, _: Expr, _: Step, _: Calendar) -> Expr {
        self.beyond()
    }

    fn numbers_below(&self, _: Expr) -> Expr {
        self.beyond()
    }

    fn buckets(&self, _: Expr, _: Step, _: &Interval, _: Expr, _: Calendar) -> Expr {
        self.beyond()
    }

    fn whole_quotient(&self, _: Expr, _: Expr) -> Expr {
        self.beyond()
    }

    fn explode(&self, _: Expr) -> Expr {
        self.beyond()
    }

    fn interval_start(&self, _: Expr, _: Step, _: &Interval, _: Calendar) -> Option<Expr> {
        Some(self.beyond())
    }

    fn interval_end(&self, _: Expr, _: Step, _: &Interval, _: Calendar) -> Expr {
        self.beyond()
    }

    fn steps(&self, _: Expr, _: Step, _: &Interval, _: Span, _: Calendar) -> Expr {
        self.beyond()
    }

    fn each_once(&self, _: Expr) -> Expr {
        self.beyond()
    }
}

impl Walks for ByDay<'_> {
    fn chains(&self, _: Chains) -> Expr {
        self.beyond()
    }

    fn paths(&self, _: Paths) -> Expr {
        self.beyond()
    }

    fn part(&self, _: Expr, _: usize) -> Expr {
        self.beyond()
    }

    fn item(&self, _: Expr, _: usize) -> Expr {
        self.beyond()
    }
}
