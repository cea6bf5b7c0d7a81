//! Rows as Parquet.

use std::io::Write;
use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, BooleanBuilder, Decimal128Builder, Float64Builder, Int64Builder, RecordBatch, StringBuilder,
    TimestampMillisecondBuilder,
};
use datafusion::arrow::datatypes::{DataType, Field as ArrowField, Schema, TimeUnit};
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::basic::Compression;
use datafusion::parquet::file::properties::WriterProperties;

use super::table::{ColumnDef, Field, Kind, RowSink, SampleError, TableDef};

/// Rows of a row group.
const GROUP: usize = 128 * 1024;
/// Rows that are handed to the writer at once.
const BATCH: usize = 8 * 1024;

/// Writes rows as Parquet; see the module's page for the types.
pub struct ParquetSink<W: Write + Send> {
    writer: ArrowWriter<W>,
    schema: Arc<Schema>,
    columns: Vec<Builder>,
    rows: usize,
}

/// The values of a column so far.
enum Builder {
    Int(Int64Builder),
    Float(Float64Builder),
    Decimal(Decimal128Builder),
    Bool(BooleanBuilder),
    Text(StringBuilder),
    Time(TimestampMillisecondBuilder),
}

impl<W: Write + Send> ParquetSink<W> {
    /// Writes the beginning of a file.
    ///
    /// # Errors
    /// Where `out` fails.
    pub fn new(table: &TableDef, out: W) -> Result<ParquetSink<W>, SampleError> {
        let fields: Vec<ArrowField> =
            table.columns.iter().map(|c| ArrowField::new(c.name, data_type(c.kind), c.nullable)).collect();
        let schema = Arc::new(Schema::new(fields));
        let properties = WriterProperties::builder()
            .set_max_row_group_row_count(Some(GROUP))
            .set_compression(Compression::UNCOMPRESSED)
            .set_created_by("metricc sample".to_owned())
            .build();
        let writer = ArrowWriter::try_new(out, schema.clone(), Some(properties)).map_err(failed)?;
        Ok(ParquetSink { writer, schema, columns: table.columns.iter().map(Builder::new).collect(), rows: 0 })
    }

    /// Writes the file's end, and gives the writer back.
    ///
    /// # Errors
    /// Where the writer fails.
    pub fn finish(mut self) -> Result<W, SampleError> {
        self.flush()?;
        self.writer.into_inner().map_err(failed)
    }

    fn flush(&mut self) -> Result<(), SampleError> {
        if self.rows == 0 {
            return Ok(());
        }
        let arrays = self.columns.iter_mut().map(Builder::finish).collect();
        let batch = RecordBatch::try_new(self.schema.clone(), arrays).map_err(failed)?;
        self.rows = 0;
        self.writer.write(&batch).map_err(failed)
    }
}

impl<W: Write + Send> RowSink for ParquetSink<W> {
    fn row(&mut self, row: &[Field<'_>]) -> Result<(), SampleError> {
        for (builder, field) in self.columns.iter_mut().zip(row) {
            builder.push(*field)?;
        }
        self.rows += 1;
        if self.rows < BATCH { Ok(()) } else { self.flush() }
    }
}

fn failed(error: impl std::fmt::Display) -> SampleError {
    SampleError::Parquet(error.to_string())
}

fn data_type(kind: Kind) -> DataType {
    match kind {
        Kind::Int | Kind::TimestampMs | Kind::DurationMs => DataType::Int64,
        Kind::Float => DataType::Float64,
        Kind::Decimal { precision, scale } => DataType::Decimal128(precision, scale as i8),
        Kind::Bool => DataType::Boolean,
        Kind::Text | Kind::Map => DataType::Utf8,
        Kind::Timestamp => DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())),
    }
}

impl Builder {
    fn new(column: &ColumnDef) -> Builder {
        match column.kind {
            Kind::Int | Kind::TimestampMs | Kind::DurationMs => Builder::Int(Int64Builder::new()),
            Kind::Float => Builder::Float(Float64Builder::new()),
            Kind::Decimal { .. } => Builder::Decimal(Decimal128Builder::new().with_data_type(data_type(column.kind))),
            Kind::Bool => Builder::Bool(BooleanBuilder::new()),
            Kind::Text | Kind::Map => Builder::Text(StringBuilder::new()),
            Kind::Timestamp => Builder::Time(TimestampMillisecondBuilder::new().with_data_type(data_type(column.kind))),
        }
    }

    fn push(&mut self, field: Field<'_>) -> Result<(), SampleError> {
        match (self, field) {
            (Builder::Int(b), Field::Int(value) | Field::Instant(value)) => b.append_value(value),
            (Builder::Int(b), Field::Null) => b.append_null(),
            (Builder::Float(b), Field::Float(value)) => b.append_value(value),
            (Builder::Float(b), Field::Null) => b.append_null(),
            (Builder::Decimal(b), Field::Decimal(digits)) => b.append_value(i128::from(digits)),
            (Builder::Decimal(b), Field::Null) => b.append_null(),
            (Builder::Bool(b), Field::Bool(value)) => b.append_value(value),
            (Builder::Bool(b), Field::Null) => b.append_null(),
            (Builder::Text(b), Field::Text(text)) => b.append_value(text),
            (Builder::Text(b), Field::Null) => b.append_null(),
            (Builder::Time(b), Field::Instant(ms)) => b.append_value(ms),
            (Builder::Time(b), Field::Null) => b.append_null(),
            (_, field) => return Err(SampleError::Parquet(format!("{field:?} is not of its column's kind"))),
        }
        Ok(())
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Builder::Int(b) => Arc::new(b.finish()),
            Builder::Float(b) => Arc::new(b.finish()),
            Builder::Decimal(b) => Arc::new(b.finish()),
            Builder::Bool(b) => Arc::new(b.finish()),
            Builder::Text(b) => Arc::new(b.finish()),
            Builder::Time(b) => Arc::new(b.finish()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{World, tables};
    use datafusion::arrow::array::{Array, Decimal128Array, StringArray};
    use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    fn write(world: &World, table: &TableDef) -> (std::fs::File, u64) {
        let mut sink = ParquetSink::new(table, tempfile::tempfile().unwrap()).unwrap();
        let rows = world.write_table(table.name, &mut sink).unwrap();
        (sink.finish().unwrap(), rows)
    }

    #[test]
    fn what_is_written_is_read_again() {
        let world = World::new(60_000, 5, 20);
        for table in tables() {
            let (file, rows) = write(&world, table);
            let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
            let names: Vec<_> = reader.schema().fields().iter().map(|f| f.name().clone()).collect();
            assert_eq!(names, table.columns.iter().map(|c| c.name).collect::<Vec<_>>());
            let read: usize = reader.build().unwrap().map(|batch| batch.unwrap().num_rows()).sum();
            assert_eq!(read as u64, rows, "{}", table.name);
        }
    }

    #[test]
    fn null_and_the_empty_string_stay_apart_and_decimals_are_exact() {
        let world = World::new(20_000, 5, 20);
        let table = crate::sample::table("order").unwrap();
        let (file, _) = write(&world, table);
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().with_batch_size(100_000).build().unwrap();
        let batch = reader.map(Result::unwrap).next().unwrap();
        let coupons = batch["coupon"].as_any().downcast_ref::<StringArray>().unwrap();
        assert!(coupons.null_count() > 0 && coupons.iter().any(|c| c == Some("")));
        let amounts = batch["amount"].as_any().downcast_ref::<Decimal128Array>().unwrap();
        assert_eq!(amounts.data_type(), &DataType::Decimal128(18, 2));
        assert!(amounts.iter().flatten().all(|a| [2_500, 19_800, 190, 490, 990, 4_990].contains(&a)));
    }
}
