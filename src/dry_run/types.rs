//! The plan's types as the engine holds them.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType as ArrowType, Field, Schema, SchemaRef, TimeUnit};

use crate::plan::{DataType, Table};

/// The physical type of a value: instants are milliseconds in UTC, durations ints of milliseconds, maps JSON texts.
pub(super) fn physical(ty: &DataType) -> ArrowType {
    match ty {
        DataType::Bool => ArrowType::Boolean,
        DataType::Int | DataType::Duration => ArrowType::Int64,
        DataType::Float => ArrowType::Float64,
        DataType::Decimal { precision, scale } => ArrowType::Decimal128(*precision, i8::try_from(*scale).unwrap_or(0)),
        DataType::String | DataType::Map(_) => ArrowType::Utf8View,
        DataType::Date => ArrowType::Date32,
        DataType::Timestamp => ArrowType::Timestamp(TimeUnit::Millisecond, None),
        DataType::Array(item) => ArrowType::List(Arc::new(Field::new_list_field(physical(item), true))),
    }
}

/// The schema of a table's stored columns. Every column may be null: rows with a null key or time are cleaned away only
/// by the query.
pub(super) fn schema(table: &Table) -> SchemaRef {
    let fields: Vec<Field> =
        table.columns.iter().map(|column| Field::new(&column.name, physical(&column.ty), true)).collect();
    Arc::new(Schema::new(fields))
}

/// The name under which a table is known to queries.
pub(super) fn registered_name(table: &str) -> String {
    format!("src_{table}")
}

/// The name under which all rows of a table are known, those that its key drops too.
pub(super) fn raw_name(table: &str) -> String {
    format!("raw_{table}")
}
