//! The engine's batches as an answer.

use chrono_tz::Tz;
use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{
    DataType as ArrowType, Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMillisecondType,
};

use super::failure::failure;
use super::functions::cast::text_of;
use super::types::physical;
use crate::diagnostic::Diagnostics;
use crate::error;
use crate::plan::{DataType, OutputColumn, Value};
use crate::table::Answer;

/// The answer that the batches hold, column by column in order.
pub(super) fn answer(batches: &[RecordBatch], columns: Vec<OutputColumn>, zone: Tz) -> Result<Answer, Diagnostics> {
    let mut rows = Vec::with_capacity(batches.iter().map(RecordBatch::num_rows).sum());
    for batch in batches {
        if batch.num_columns() != columns.len() {
            let (found, wanted) = (batch.num_columns(), columns.len());
            return Err(Diagnostics::from_iter([
                error!(E0932, None, "the dry run gave {found} columns and not {wanted}";
                help: "this is a mistake of metricc: please report it"),
            ]));
        }
        let arrays: Vec<ArrayRef> = batch
            .columns()
            .iter()
            .zip(&columns)
            .map(|(array, column)| typed(array, column))
            .collect::<Result<_, _>>()?;
        for row in 0..batch.num_rows() {
            rows.push(arrays.iter().zip(&columns).map(|(array, column)| value(array, row, &column.ty, zone)).collect());
        }
    }
    Ok(Answer { columns, keys: 0, rows, zone, step: None })
}

/// The column in the type that the plan tells.
fn typed(array: &ArrayRef, column: &OutputColumn) -> Result<ArrayRef, Diagnostics> {
    let wanted = physical(&column.ty);
    let found = array.data_type();
    if *found == wanted {
        return Ok(array.clone());
    }
    let loses = match (found, &wanted) {
        (ArrowType::Decimal128(_, scale), ArrowType::Decimal128(_, wanted)) => scale > wanted,
        (found, wanted) => found.is_floating() && !wanted.is_floating(),
    };
    if loses {
        return Err(Diagnostics::from_iter([
            error!(E0932, None, "the dry run gave `{}` in a type that loses digits", column.name;
            help: "this is a mistake of metricc: please report it"),
        ]));
    }
    cast(array, &wanted).map_err(|error| failure(error.into()))
}

/// A value of a column that has the type's physical form.
fn value(array: &ArrayRef, row: usize, ty: &DataType, zone: Tz) -> Value {
    if array.is_null(row) {
        return Value::Null;
    }
    match ty {
        DataType::Bool => Value::Bool(array.as_boolean().value(row)),
        DataType::Int => Value::Int(array.as_primitive::<Int64Type>().value(row)),
        DataType::Duration => Value::Duration(array.as_primitive::<Int64Type>().value(row)),
        DataType::Float => {
            let value = array.as_primitive::<Float64Type>().value(row);
            if value.is_finite() { Value::Float(value) } else { Value::Null }
        }
        DataType::Decimal { .. } => Value::Decimal(array.as_primitive::<Decimal128Type>().value(row)),
        DataType::Date => Value::Date(array.as_primitive::<Date32Type>().value(row)),
        DataType::Timestamp => Value::Timestamp(array.as_primitive::<TimestampMillisecondType>().value(row)),
        DataType::String | DataType::Map(_) | DataType::Array(_) => {
            text_of(array, row, zone).map_or(Value::Null, Value::String)
        }
    }
}
