//! Results in Parquet files.

use std::path::Path;

use datafusion::prelude::ParquetReadOptions;

use super::{DryRun, answer};
use crate::diagnostic::Diagnostics;
use crate::plan::OutputColumn;
use crate::table::Answer;

impl DryRun {
    /// The rows of a Parquet file as columns of these names and types; its other columns are passed over.
    pub fn read_results(&self, file: &Path, columns: Vec<OutputColumn>) -> Result<Answer, Diagnostics> {
        let path = file.to_string_lossy().into_owned();
        let batches = self.execute(async {
            let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
            let frame = self.context.read_parquet(path, ParquetReadOptions::default()).await?;
            frame.select_columns(&names)?.collect().await
        })?;
        answer::answer(&batches, columns, self.options.zone)
    }
}
