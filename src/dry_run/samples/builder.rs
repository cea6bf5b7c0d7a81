//! Cells to Arrow columns.

use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayBuilder, ArrayRef, BooleanBuilder, Date32Builder, Decimal128Builder, Float64Builder, Int64Builder, ListArray,
    RecordBatch, StringViewBuilder, TimestampMillisecondBuilder,
};
use datafusion::arrow::buffer::{NullBuffer, OffsetBuffer};
use datafusion::arrow::datatypes::{DataType as ArrowType, FieldRef, SchemaRef};
use datafusion::common::{Result, exec_err};

use crate::table::cell::Cell;

/// Rows of a batch.
pub(super) const BATCH_ROWS: usize = 8_192;

/// Builds batches of a schema, row by row.
pub(super) struct TableBuilder {
    schema: SchemaRef,
    columns: Vec<ColumnBuilder>,
    rows: usize,
    batches: Vec<RecordBatch>,
}

impl TableBuilder {
    /// For tables of this schema.
    pub(super) fn new(schema: SchemaRef) -> TableBuilder {
        let columns = schema.fields().iter().map(|field| ColumnBuilder::new(field.data_type())).collect();
        TableBuilder { schema, columns, rows: 0, batches: Vec::new() }
    }

    /// Adds a row: one cell a column.
    pub(super) fn push(&mut self, cells: &[Cell]) -> Result<()> {
        for (column, cell) in self.columns.iter_mut().zip(cells) {
            column.push(cell)?;
        }
        self.rows += 1;
        if self.rows == BATCH_ROWS { self.flush() } else { Ok(()) }
    }

    /// Closes the batch.
    fn flush(&mut self) -> Result<()> {
        let arrays: Vec<ArrayRef> = self.columns.iter_mut().map(ColumnBuilder::finish).collect::<Result<_>>()?;
        let options = datafusion::arrow::array::RecordBatchOptions::new().with_row_count(Some(self.rows));
        self.batches.push(RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options)?);
        self.rows = 0;
        Ok(())
    }

    /// All batches.
    pub(super) fn finish(mut self) -> Result<Vec<RecordBatch>> {
        if self.rows > 0 {
            self.flush()?;
        }
        Ok(self.batches)
    }
}

/// Builds a column.
enum ColumnBuilder {
    Bool(BooleanBuilder),
    Int(Int64Builder),
    Float(Float64Builder),
    Decimal(Decimal128Builder),
    Text(StringViewBuilder),
    Date(Date32Builder),
    Timestamp(TimestampMillisecondBuilder),
    List { field: FieldRef, items: Box<ColumnBuilder>, lengths: Vec<usize>, valid: Vec<bool> },
}

impl ColumnBuilder {
    fn new(ty: &ArrowType) -> ColumnBuilder {
        match ty {
            ArrowType::Boolean => ColumnBuilder::Bool(BooleanBuilder::new()),
            ArrowType::Int64 => ColumnBuilder::Int(Int64Builder::new()),
            ArrowType::Float64 => ColumnBuilder::Float(Float64Builder::new()),
            ArrowType::Decimal128(..) => ColumnBuilder::Decimal(Decimal128Builder::new().with_data_type(ty.clone())),
            ArrowType::Date32 => ColumnBuilder::Date(Date32Builder::new()),
            ArrowType::Timestamp(..) => ColumnBuilder::Timestamp(TimestampMillisecondBuilder::new()),
            ArrowType::List(field) => ColumnBuilder::List {
                field: Arc::clone(field),
                items: Box::new(ColumnBuilder::new(field.data_type())),
                lengths: Vec::new(),
                valid: Vec::new(),
            },
            _ => ColumnBuilder::Text(StringViewBuilder::new().with_deduplicate_strings()),
        }
    }

    fn push(&mut self, cell: &Cell) -> Result<()> {
        match (self, cell) {
            (ColumnBuilder::Bool(column), Cell::Bool(value)) => column.append_value(*value),
            (ColumnBuilder::Int(column), Cell::Int(value)) => column.append_value(*value),
            (ColumnBuilder::Float(column), Cell::Float(value)) => column.append_value(*value),
            (ColumnBuilder::Decimal(column), Cell::Decimal(value)) => column.append_value(*value),
            (ColumnBuilder::Text(column), Cell::Text(value)) => column.try_append_value(value)?,
            (ColumnBuilder::Date(column), Cell::Date(value)) => column.append_value(*value),
            (ColumnBuilder::Timestamp(column), Cell::Timestamp(value)) => column.append_value(*value),
            (ColumnBuilder::List { items, lengths, valid, .. }, Cell::List(cells)) => {
                cells.iter().try_for_each(|cell| items.push(cell))?;
                lengths.push(cells.len());
                valid.push(true);
            }
            (column, Cell::Null) => column.push_null(),
            (_, cell) => return exec_err!("a column got {cell:?}"),
        }
        Ok(())
    }

    fn push_null(&mut self) {
        match self {
            ColumnBuilder::Bool(column) => column.append_null(),
            ColumnBuilder::Int(column) => column.append_null(),
            ColumnBuilder::Float(column) => column.append_null(),
            ColumnBuilder::Decimal(column) => column.append_null(),
            ColumnBuilder::Text(column) => column.append_null(),
            ColumnBuilder::Date(column) => column.append_null(),
            ColumnBuilder::Timestamp(column) => column.append_null(),
            ColumnBuilder::List { lengths, valid, .. } => {
                lengths.push(0);
                valid.push(false);
            }
        }
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        Ok(match self {
            ColumnBuilder::Bool(column) => ArrayBuilder::finish(column),
            ColumnBuilder::Int(column) => ArrayBuilder::finish(column),
            ColumnBuilder::Float(column) => ArrayBuilder::finish(column),
            ColumnBuilder::Decimal(column) => ArrayBuilder::finish(column),
            ColumnBuilder::Text(column) => ArrayBuilder::finish(column),
            ColumnBuilder::Date(column) => ArrayBuilder::finish(column),
            ColumnBuilder::Timestamp(column) => ArrayBuilder::finish(column),
            ColumnBuilder::List { field, items, lengths, valid } => {
                let offsets = OffsetBuffer::<i32>::from_lengths(std::mem::take(lengths));
                let nulls = NullBuffer::from(std::mem::take(valid));
                Arc::new(ListArray::try_new(Arc::clone(field), offsets, items.finish()?, Some(nulls))?)
            }
        })
    }
}
