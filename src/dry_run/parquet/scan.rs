//! Parquet files as a table of the engine, some of their rows left out.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::{DataFusionError, Result, Statistics};
use datafusion::datasource::TableType;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::object_store::ObjectStoreUrl;
use datafusion::datasource::physical_plan::parquet::ParquetRowSelection;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::logical_expr::Expr;
use datafusion::object_store::ObjectMeta;
use datafusion::object_store::path::Path;
use datafusion::parquet::arrow::arrow_reader::RowSelection;
use datafusion::physical_plan::ExecutionPlan;

use super::Part;

/// The rows of Parquet files.
#[derive(Debug)]
pub(in crate::dry_run) struct ParquetTable {
    schema: SchemaRef,
    files: Vec<PartitionedFile>,
    rows: usize,
}

impl ParquetTable {
    /// The rows of the parts but those of these numbers (ascending, over all parts).
    pub(super) fn new(schema: SchemaRef, parts: &[Part], dropped: Option<&[u64]>) -> Result<ParquetTable> {
        let dropped = dropped.unwrap_or_default();
        let mut files = Vec::with_capacity(parts.len());
        let mut start = 0;
        for part in parts {
            let rows = part.rows();
            let end = start + rows as u64;
            let own = &dropped[dropped.partition_point(|row| *row < start)..dropped.partition_point(|row| *row < end)];
            let path = std::fs::canonicalize(&part.path)?;
            let location =
                Path::from_absolute_path(&path).map_err(|error| DataFusionError::External(Box::new(error)))?;
            let last_modified = chrono::DateTime::UNIX_EPOCH;
            let meta = ObjectMeta { location, last_modified, size: part.size, e_tag: None, version: None };
            let mut file = PartitionedFile::new_from_meta(meta);
            if !own.is_empty() {
                file = file.with_extension(ParquetRowSelection::new(all_but(own, start, rows)));
            }
            files.push(file);
            start = end;
        }
        let rows = usize::try_from(start).unwrap_or(usize::MAX) - dropped.len();
        Ok(ParquetTable { schema, files, rows })
    }
}

/// All rows of a file but those of these numbers, of which the file's first is `start`.
fn all_but(dropped: &[u64], start: u64, rows: usize) -> RowSelection {
    let skipped = dropped.iter().map(|row| (row - start) as usize);
    let starts = std::iter::once(0).chain(skipped.clone().map(|row| row + 1));
    let kept = starts.zip(skipped.chain(std::iter::once(rows))).map(|(from, to)| from..to.max(from));
    RowSelection::from_consecutive_ranges(kept, rows)
}

#[async_trait]
impl TableProvider for ParquetTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn statistics(&self) -> Option<Statistics> {
        Some(Statistics::new_unknown(&self.schema).with_num_rows(Precision::Inexact(self.rows)))
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let options = state.config_options().execution.parquet.clone();
        let table_options = datafusion::config::TableParquetOptions { global: options, ..Default::default() };
        let source = ParquetSource::new(Arc::clone(&self.schema)).with_table_parquet_options(table_options);
        // One group a thread; the engine then splits large files.
        let threads = state.config().target_partitions();
        let groups = FileGroup::new(self.files.clone()).split_files(threads);
        let statistics = Statistics::new_unknown(&self.schema).with_num_rows(Precision::Inexact(self.rows));
        let config = FileScanConfigBuilder::new(ObjectStoreUrl::local_filesystem(), Arc::new(source))
            .with_file_groups(groups)
            .with_statistics(statistics)
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::parquet::arrow::arrow_reader::RowSelector;

    #[test]
    fn rows_are_left_out_one_by_one() {
        let selectors = |dropped: &[u64], start, rows| Vec::<RowSelector>::from(all_but(dropped, start, rows));
        assert_eq!(
            selectors(&[10, 13, 14, 19], 10, 10),
            [
                RowSelector::skip(1),
                RowSelector::select(2),
                RowSelector::skip(2),
                RowSelector::select(4),
                RowSelector::skip(1)
            ]
        );
        assert_eq!(selectors(&[0, 1], 0, 2), [RowSelector::skip(2)]);
        assert_eq!(selectors(&[], 0, 3), [RowSelector::select(3)]);
    }
}
