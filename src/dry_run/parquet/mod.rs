//! Samples in Parquet: checked by their footers, read by the engine a batch at a time.

mod columns;
mod scan;

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use datafusion::arrow::compute::{cast, concat_batches};
use datafusion::arrow::datatypes::{DataType as ArrowType, Field, Int32Type, Schema, SchemaRef};
use datafusion::common::Result;
use datafusion::parquet::arrow::ProjectionMask;
use datafusion::parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection,
};
use rayon::prelude::*;

pub(super) use scan::ParquetTable;

use super::failure::{failure, parquet_failure};
use super::keys::{beaten, hashes, suspects};
use super::samples::open;
use super::types::schema;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::error;
use crate::plan::{StoredColumn, Table};

/// The most rows that are looked at one by one because their keys may occur again. Where there are more, queries drop
/// duplicates themselves.
const MOST_SUSPECTS: usize = 4_000_000;

/// The most rows whose keys are compared at all: their hashes are held in memory.
const MOST_ROWS: usize = 400_000_000;

/// One file of a sample.
pub(super) struct Part {
    /// Where it is.
    path: PathBuf,
    /// Its name for people.
    shown: String,
    /// Bytes.
    size: u64,
    /// Its footer, with the types that the file tells.
    footer: ArrowReaderMetadata,
}

impl Part {
    /// How many rows it has.
    fn rows(&self) -> usize {
        usize::try_from(self.footer.metadata().file_metadata().num_rows()).unwrap_or(0)
    }
}

/// The files of a table, with what their keys drop.
pub(super) struct Sample {
    parts: Vec<Part>,
}

/// Opens the files of a table's sample and checks their columns.
pub(super) fn read(table: &Table, paths: Vec<(PathBuf, String)>) -> Result<Sample, Diagnostics> {
    let mut parts = Vec::with_capacity(paths.len());
    let mut told = Diagnostics::new();
    for (path, shown) in paths {
        match part(path, shown) {
            Ok(part) => {
                let found = columns::check(table, &part.shown, &part.footer);
                told.extend(found);
                parts.push(part);
            }
            Err(diagnostic) => told.push(diagnostic),
        }
    }
    if told.has_errors() { Err(told) } else { Ok(Sample { parts }) }
}

/// Opens one file.
fn part(path: PathBuf, shown: String) -> Result<Part, Diagnostic> {
    let (file, size) = open(&path, &shown)?;
    let footer = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new()).map_err(|error| {
        error!(E0916, None, "`{shown}` cannot be read as Parquet: {}", error.to_string().trim_start_matches("Parquet error: ");
            help: "write the file anew, or let its name end as its form asks")
    })?;
    Ok(Part { path, shown, size, footer })
}

/// A row group of a file.
#[derive(Clone, Copy)]
struct Group<'a> {
    part: &'a Part,
    index: usize,
}

/// What one row group tells.
struct Seen {
    hashes: Vec<u64>,
    told: Vec<Diagnostic>,
}

impl Sample {
    /// Reads the key and the enums: values outside of an enum are errors; gives the rows that the key drops, or none where
    /// queries must see to it (or shall, without `clean`).
    pub(super) fn check(&self, table: &Table, clean: bool) -> Result<Option<Vec<u64>>, Diagnostics> {
        let total: usize = self.parts.iter().map(Part::rows).sum();
        let keyed = clean && !table.clean.key.is_empty() && total <= MOST_ROWS;
        let groups: Vec<Group> = self
            .parts
            .iter()
            .flat_map(|part| (0..part.footer.metadata().num_row_groups()).map(move |index| Group { part, index }))
            .collect();
        let look = |group: &Group| group.look(table, keyed).map_err(|error| parquet_failure(&group.part.shown, error));
        let seen: Vec<Seen> = groups.par_iter().map(look).collect::<Result<_, Diagnostics>>()?;
        let mut all = Vec::with_capacity(if keyed { total } else { 0 });
        let mut told = Diagnostics::new();
        for found in seen {
            all.extend(found.hashes);
            found.told.into_iter().for_each(|diagnostic| told.push(diagnostic));
        }
        told.sort();
        if told.has_errors() {
            return Err(told);
        }
        if !keyed {
            return Ok(None);
        }
        let found = suspects(&all);
        drop(all);
        if found.again.len() > MOST_SUSPECTS {
            return Ok(None);
        }
        let mut dropped = self.beaten(table, &found.again).map_err(failure)?;
        dropped.extend(found.null);
        dropped.sort_unstable();
        Ok(Some(dropped))
    }

    /// Of the rows of these numbers those that the key drops.
    fn beaten(&self, table: &Table, rows: &[u64]) -> Result<Vec<u64>> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let wanted = schema(table);
        let mut batches = Vec::new();
        let mut start = 0;
        for part in &self.parts {
            let end = start + part.rows() as u64;
            let own = &rows[rows.partition_point(|row| *row < start)..rows.partition_point(|row| *row < end)];
            if !own.is_empty() {
                batches.extend(part.rows_of(own, start, &wanted)?);
            }
            start = end;
        }
        beaten(table, &concat_batches(&wanted, &batches)?, rows)
    }

    /// The table of these files without the rows dropped.
    pub(super) fn table(&self, table: &Table, dropped: Option<&[u64]>) -> Result<ParquetTable> {
        ParquetTable::new(schema(table), &self.parts, dropped)
    }
}

/// The place of a column among those of a file.
fn place(footer: &ArrowReaderMetadata, name: &str) -> Option<usize> {
    footer.schema().fields().iter().position(|field| field.name() == name)
}

/// Some columns of a file.
fn projection(footer: &ArrowReaderMetadata, columns: &[&StoredColumn]) -> ProjectionMask {
    let roots = columns.iter().filter_map(|column| place(footer, &column.name));
    ProjectionMask::roots(footer.parquet_schema(), roots)
}

impl Part {
    /// All columns of the rows of these numbers, of which the file's first is `start`.
    fn rows_of(&self, rows: &[u64], start: u64, wanted: &SchemaRef) -> Result<Vec<RecordBatch>> {
        let ranges = rows.iter().map(|row| (row - start) as usize..(row - start) as usize + 1);
        let selection = RowSelection::from_consecutive_ranges(ranges, self.rows());
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(File::open(&self.path)?, self.footer.clone())
            .with_row_selection(selection)
            .build()?;
        reader
            .map(|batch| {
                let batch = batch?;
                let columns = wanted
                    .fields()
                    .iter()
                    .filter_map(|field| batch.column_by_name(field.name()).map(|array| cast(array, field.data_type())));
                Ok(RecordBatch::try_new(Arc::clone(wanted), columns.collect::<Result<_, _>>()?)?)
            })
            .collect()
    }
}

impl Group<'_> {
    /// Reads what is checked of a row group.
    fn look(self, table: &Table, keyed: bool) -> Result<Seen> {
        let key: Vec<&StoredColumn> =
            table.columns.iter().filter(|c| keyed && table.clean.key.contains(&c.name)).collect();
        let enums: Vec<&StoredColumn> = table.columns.iter().filter(|column| !column.domain.is_empty()).collect();
        let mut seen = Seen { hashes: Vec::new(), told: Vec::new() };
        if !key.is_empty() {
            for batch in self.batches(&key, None)? {
                let batch = batch?;
                // Equal texts of different types would have different hashes.
                let parts: Vec<ArrayRef> = key
                    .iter()
                    .filter_map(|column| batch.column_by_name(&column.name).zip(Some(column)))
                    .map(|(array, column)| cast(array, &super::types::physical(&column.ty)))
                    .collect::<Result<_, _>>()?;
                seen.hashes.extend(hashes(&parts, batch.num_rows())?);
            }
        }
        for column in enums {
            seen.told.extend(self.outside(column)?);
        }
        Ok(seen)
    }

    /// A value of the column that is outside of its enum. The values are read as a dictionary, of which each is looked at
    /// once.
    fn outside(self, column: &StoredColumn) -> Result<Option<Diagnostic>> {
        let mut last: Option<ArrayRef> = None;
        for batch in self.batches(&[column], Some(column))? {
            let batch = batch?;
            let Some(dictionary) = batch.column(0).as_dictionary_opt::<Int32Type>() else { return Ok(None) };
            let values = dictionary.values();
            if last.as_ref().is_some_and(|last| last.to_data().ptr_eq(&values.to_data())) {
                continue;
            }
            let texts = cast(values, &ArrowType::Utf8View)?;
            let wrong =
                texts.as_string_view().iter().flatten().find(|text| !column.domain.iter().any(|known| known == text));
            if let Some(text) = wrong {
                let known: Vec<String> = column.domain.iter().map(|value| format!("`{value}`")).collect();
                return Ok(Some(error!(E0913, None, "`{}`, column `{}`: `{}` is not one of {}",
                    self.part.shown, column.name, super::samples::shortened(text), known.join(", ");
                    help: "mend the value, or add it to the enum")));
            }
            last = Some(Arc::clone(values));
        }
        Ok(None)
    }

    /// Some columns of the row group, one of them as a dictionary.
    fn batches(
        self,
        columns: &[&StoredColumn],
        dictionary: Option<&StoredColumn>,
    ) -> Result<impl Iterator<Item = Result<RecordBatch, datafusion::arrow::error::ArrowError>> + use<>> {
        let Part { path, footer, .. } = self.part;
        let footer = match dictionary {
            None => footer.clone(),
            Some(column) => {
                let ty = ArrowType::Dictionary(Box::new(ArrowType::Int32), Box::new(ArrowType::Utf8));
                let fields: Vec<Field> = footer
                    .schema()
                    .fields()
                    .iter()
                    .map(|field| match *field.name() == column.name {
                        true => Field::new(field.name(), ty.clone(), field.is_nullable()),
                        false => field.as_ref().clone(),
                    })
                    .collect();
                let options = ArrowReaderOptions::new().with_schema(Arc::new(Schema::new(fields)));
                ArrowReaderMetadata::try_new(Arc::clone(footer.metadata()), options)?
            }
        };
        let mask = projection(&footer, columns);
        Ok(ParquetRecordBatchReaderBuilder::new_with_metadata(File::open(path)?, footer)
            .with_projection(mask)
            .with_row_groups(vec![self.index])
            .with_batch_size(if dictionary.is_some() { 1 << 16 } else { 8_192 })
            .build()?)
    }
}
