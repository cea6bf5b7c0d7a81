//! Answers as Parquet.

use std::io::Write;
use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMillisecondArray,
};
use datafusion::arrow::datatypes::{DataType as ArrowType, Field, Schema, TimeUnit};
use datafusion::common::DataFusionError;
use datafusion::parquet::arrow::ArrowWriter;

use super::failure::failure;
use super::types::physical;
use crate::diagnostic::Diagnostics;
use crate::plan::{DataType, Value};
use crate::table::Answer;

/// Writes an answer as a Parquet file: instants in UTC, durations as ints of milliseconds, arrays and maps as JSON texts.
pub fn write_parquet(answer: &Answer, out: impl Write + Send) -> Result<(), Diagnostics> {
    write(answer, out).map_err(failure)
}

/// Writes the file.
fn write(answer: &Answer, out: impl Write + Send) -> Result<(), DataFusionError> {
    let fields: Vec<Field> =
        answer.columns.iter().map(|column| Field::new(&column.name, exported(&column.ty), true)).collect();
    let schema = Arc::new(Schema::new(fields));
    let arrays: Vec<ArrayRef> =
        (0..answer.columns.len()).map(|column| array(answer, column)).collect::<Result<_, _>>()?;
    let mut writer = ArrowWriter::try_new(out, Arc::clone(&schema), None)?;
    if !arrays.is_empty() {
        writer.write(&RecordBatch::try_new(schema, arrays)?)?;
    }
    writer.close()?;
    Ok(())
}

/// The type that a file has.
fn exported(ty: &DataType) -> ArrowType {
    match ty {
        DataType::Timestamp => ArrowType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())),
        DataType::String | DataType::Map(_) | DataType::Array(_) => ArrowType::Utf8,
        ty => physical(ty),
    }
}

/// A column of the answer.
fn array(answer: &Answer, column: usize) -> Result<ArrayRef, DataFusionError> {
    let values = || answer.rows.iter().map(|row| &row[column]);
    let ints = || {
        values().map(|value| match value {
            Value::Int(value) | Value::Duration(value) | Value::Timestamp(value) => Some(*value),
            _ => None,
        })
    };
    let ty = &answer.columns[column].ty;
    Ok(match ty {
        DataType::Bool => {
            let bools = values().map(|value| if let Value::Bool(value) = value { Some(*value) } else { None });
            Arc::new(bools.collect::<BooleanArray>())
        }
        DataType::Int | DataType::Duration => Arc::new(ints().collect::<Int64Array>()),
        DataType::Timestamp => Arc::new(ints().collect::<TimestampMillisecondArray>().with_timezone("UTC")),
        DataType::Float => {
            let floats = values().map(|value| if let Value::Float(value) = value { Some(*value) } else { None });
            Arc::new(floats.collect::<Float64Array>())
        }
        DataType::Decimal { .. } => {
            let digits = values().map(|value| if let Value::Decimal(value) = value { Some(*value) } else { None });
            Arc::new(digits.collect::<Decimal128Array>().with_data_type(exported(ty)))
        }
        DataType::Date => {
            let days = values().map(|value| if let Value::Date(value) = value { Some(*value) } else { None });
            Arc::new(days.collect::<Date32Array>())
        }
        DataType::String | DataType::Map(_) | DataType::Array(_) => {
            let texts = values().map(|value| if let Value::String(value) = value { Some(value) } else { None });
            Arc::new(texts.collect::<StringArray>())
        }
    })
}
