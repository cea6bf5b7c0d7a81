//! The vocabulary that every stage shares: data types, literal values, functions, and steps of time.

mod ages;
mod declared;
mod function;
mod interval;
mod made;
mod segment;
pub mod time;

use std::hash::{Hash, Hasher};

pub use ages::Ages;
pub use declared::{Declared, Source as CalendarSource};
pub use function::{Function, MOST_DEGREES};
pub use interval::{Interval, Span, Window};
pub use made::{
    Attempts, Attribution, Carried, CohortTable, Conversion, Credit, CreditModel, Exclusion, Experiment, How, PathHow,
    PathRows, Role, StepOrder, Taken, Within,
};
pub use segment::{Measured, MeasuredBy, Segment, SegmentDays};
pub use time::{Step, WeekStart};

/// The type of a value, with no unit, entity or enum left: what an engine must know.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum DataType {
    /// true or false
    Bool,
    /// 64 bits, signed
    Int,
    /// IEEE double
    Float,
    /// Exact, up to 38 digits.
    Decimal {
        /// Digits in all, 1 to 38.
        precision: u8,
        /// Digits behind the point.
        scale: u8,
    },
    /// UTF-8; ordered by bytes.
    String,
    /// A day of the calendar.
    Date,
    /// An instant, in milliseconds.
    Timestamp,
    /// A span of time, in milliseconds (64 bits).
    Duration,
    /// A list.
    Array(Box<DataType>),
    /// Values by string keys.
    Map(Box<DataType>),
}

impl DataType {
    /// Whether it is an int, a float or a decimal.
    pub fn is_numeric(&self) -> bool {
        matches!(self, DataType::Int | DataType::Float | DataType::Decimal { .. })
    }

    /// One of its values, where one is needed that says nothing. Lists and maps have no literals.
    pub fn some_value(&self) -> Value {
        match self {
            DataType::Bool => Value::Bool(false),
            DataType::Int => Value::Int(0),
            DataType::Float => Value::Float(0.0),
            DataType::Decimal { .. } => Value::Decimal(0),
            DataType::String | DataType::Array(_) | DataType::Map(_) => Value::String(String::new()),
            DataType::Date => Value::Date(0),
            DataType::Timestamp => Value::Timestamp(0),
            DataType::Duration => Value::Duration(0),
        }
    }
}

/// A literal value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// null
    Null,
    /// A bool.
    Bool(bool),
    /// An int.
    Int(i64),
    /// A float; always finite.
    Float(f64),
    /// `digits / 10^scale`; the scale is the expression's type's.
    Decimal(i128),
    /// A string.
    String(String),
    /// Days since 1970-01-01.
    Date(i32),
    /// Milliseconds since 1970-01-01 UTC.
    Timestamp(i64),
    /// Milliseconds.
    Duration(i64),
}

/// Floats are finite, so that each is equal to itself.
impl Eq for Value {}

impl Hash for Value {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        std::mem::discriminant(self).hash(hasher);
        match self {
            Value::Null => {}
            Value::Bool(value) => value.hash(hasher),
            Value::Int(value) | Value::Timestamp(value) | Value::Duration(value) => value.hash(hasher),
            // Both zeros are equal.
            Value::Float(value) => (value + 0.0).to_bits().hash(hasher),
            Value::Decimal(digits) => digits.hash(hasher),
            Value::String(text) => text.hash(hasher),
            Value::Date(days) => days.hash(hasher),
        }
    }
}
