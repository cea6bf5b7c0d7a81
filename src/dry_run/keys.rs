//! Which rows a table's key drops, found before any query runs: rows with a null in the key, and all but one of those that
//! share a key. Queries then need not look for them.
//!
//! Keys are compared by a hash of 64 bits first. Only rows whose hash occurs twice are compared in full, so the result is
//! exact, and cheap where few rows share a key.

use std::cmp::Ordering;

use datafusion::arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch};
use datafusion::arrow::compute::{SortOptions, concat_batches, filter_record_batch};
use datafusion::arrow::row::{RowConverter, Rows, SortField};
use datafusion::common::Result;
use datafusion::common::hash_utils::{RandomState, create_hashes};
use rustc_hash::FxHashSet;

use crate::plan::{Keep, Table};

/// The mark of a row with a null in its key.
const NULL: u64 = 0;

/// The hash of each row's key; [`NULL`] where a part of it is null.
pub(super) fn hashes(key: &[ArrayRef], rows: usize) -> Result<Vec<u64>> {
    let mut found = vec![0; rows];
    create_hashes(key, &RandomState::default(), &mut found)?;
    for hash in &mut found {
        *hash = (*hash).max(1);
    }
    for part in key.iter().filter_map(|array| array.logical_nulls()) {
        for (row, valid) in part.iter().enumerate() {
            if !valid {
                found[row] = NULL;
            }
        }
    }
    Ok(found)
}

/// What the hashes of a table's keys tell.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Suspects {
    /// Rows with a null in the key, ascending.
    pub null: Vec<u64>,
    /// Rows whose key may occur again, ascending.
    pub again: Vec<u64>,
}

/// Finds the rows to look at.
pub(super) fn suspects(hashes: &[u64]) -> Suspects {
    // A table of bits tells in one pass which hashes may occur twice; only these are then compared.
    let bits = (hashes.len() * 16).next_power_of_two().clamp(1 << 10, 1 << 33);
    let shift = 64 - bits.trailing_zeros();
    let mut seen = Bits(vec![0; bits / 64]);
    let mut twice = Bits(vec![0; bits / 64]);
    for hash in hashes.iter().filter(|hash| **hash != NULL) {
        if seen.set(hash >> shift) {
            twice.set(hash >> shift);
        }
    }
    let maybe = |hash: u64| hash != NULL && twice.get(hash >> shift);
    let mut close: Vec<u64> = hashes.iter().copied().filter(|hash| maybe(*hash)).collect();
    close.sort_unstable();
    let again: FxHashSet<u64> = close.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect();
    let mut found = Suspects::default();
    for (row, hash) in hashes.iter().enumerate() {
        if *hash == NULL {
            found.null.push(row as u64);
        } else if maybe(*hash) && again.contains(hash) {
            found.again.push(row as u64);
        }
    }
    found
}

/// A set of small numbers.
struct Bits(Vec<u64>);

impl Bits {
    /// Adds a number; whether it was there already.
    fn set(&mut self, number: u64) -> bool {
        let (word, bit) = ((number / 64) as usize, 1 << (number % 64));
        let was = self.0[word] & bit != 0;
        self.0[word] |= bit;
        was
    }

    fn get(&self, number: u64) -> bool {
        self.0[(number / 64) as usize] & (1 << (number % 64)) != 0
    }
}

/// Of the suspects' rows those that another row of the same key (and version, in a history) beats, ascending. `rows` are the numbers of the rows of
/// `batch`, which has all stored columns of the table in order.
pub(super) fn beaten(table: &Table, batch: &RecordBatch, rows: &[u64]) -> Result<Vec<u64>> {
    let column = |name: &str| table.columns.iter().position(|column| column.name == name);
    let key: Vec<usize> = table.identity().filter_map(column).collect();
    let (first, descending) = match &table.clean.keep {
        Keep::Latest(by) => (column(by), true),
        Keep::Earliest => (table.clean.time.as_deref().and_then(column), false),
    };
    let rest = (0..table.columns.len()).filter(|index| !key.contains(index) && first != Some(*index));
    let keys = rows_of(batch, key.iter().map(|index| (*index, false)))?;
    let order =
        rows_of(batch, first.map(|index| (index, descending)).into_iter().chain(rest.map(|index| (index, false))))?;
    let compare = |rows: &Option<Rows>, a: usize, b: usize| {
        rows.as_ref().map_or(Ordering::Equal, |rows| rows.row(a).cmp(&rows.row(b)))
    };
    let mut sorted: Vec<usize> = (0..batch.num_rows()).collect();
    sorted.sort_unstable_by(|a, b| compare(&keys, *a, *b).then_with(|| compare(&order, *a, *b)).then_with(|| a.cmp(b)));
    let mut found: Vec<u64> = sorted
        .windows(2)
        .filter(|pair| compare(&keys, pair[0], pair[1]) == Ordering::Equal)
        .map(|pair| rows[pair[1]])
        .collect();
    found.sort_unstable();
    Ok(found)
}

/// The batches without the rows that the table's key drops.
pub(super) fn cleaned(table: &Table, batches: &[RecordBatch]) -> Result<Vec<RecordBatch>> {
    let key: Vec<usize> =
        (0..table.columns.len()).filter(|index| table.clean.key.contains(&table.columns[*index].name)).collect();
    let mut all = Vec::with_capacity(batches.iter().map(RecordBatch::num_rows).sum());
    for batch in batches {
        let parts: Vec<ArrayRef> = key.iter().map(|index| batch.column(*index).clone()).collect();
        all.extend(hashes(&parts, batch.num_rows())?);
    }
    let found = suspects(&all);
    if found.again.is_empty() && found.null.is_empty() {
        return Ok(batches.to_vec());
    }
    let mut dropped = match batches.first() {
        Some(first) => {
            let schema = first.schema();
            let rows = picked(batches, &found.again, true)?;
            beaten(table, &concat_batches(&schema, &rows)?, &found.again)?
        }
        None => Vec::new(),
    };
    dropped.extend(found.null);
    dropped.sort_unstable();
    picked(batches, &dropped, false)
}

/// The rows of these numbers (ascending), or all others.
fn picked(batches: &[RecordBatch], rows: &[u64], chosen: bool) -> Result<Vec<RecordBatch>> {
    let mut start = 0;
    let mut rest = rows;
    let mut found = Vec::with_capacity(batches.len());
    for batch in batches {
        let end = start + batch.num_rows() as u64;
        let (own, later) = rest.split_at(rest.partition_point(|row| *row < end));
        let mut mask = vec![!chosen; batch.num_rows()];
        for row in own {
            mask[(row - start) as usize] = chosen;
        }
        found.push(filter_record_batch(batch, &BooleanArray::from(mask))?);
        (start, rest) = (end, later);
    }
    Ok(found)
}

/// Columns as rows that compare as wanted, nulls last; none for no columns.
fn rows_of(batch: &RecordBatch, columns: impl Iterator<Item = (usize, bool)>) -> Result<Option<Rows>> {
    let mut fields = Vec::new();
    let mut arrays = Vec::new();
    for (index, descending) in columns {
        let array = batch.column(index);
        fields.push(SortField::new_with_options(
            array.data_type().clone(),
            SortOptions { descending, nulls_first: false },
        ));
        arrays.push(array.clone());
    }
    Ok(if arrays.is_empty() { None } else { Some(RowConverter::new(fields)?.convert_columns(&arrays)?) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dry_run::types::schema;
    use crate::plan::{Clean, DataType, Encoding, Origin, StoredColumn};
    use datafusion::arrow::array::{Int64Array, StringViewArray, TimestampMillisecondArray};
    use std::sync::Arc;

    fn table(keep: Keep) -> Table {
        let column = |name: &str, ty| StoredColumn {
            name: name.to_owned(),
            ty,
            nullable: true,
            encoding: Encoding::Native,
            domain: Vec::new(),
        };
        Table {
            name: "t".to_owned(),
            physical: "t".to_owned(),
            sample: None,
            columns: vec![column("k", DataType::String), column("at", DataType::Timestamp), column("v", DataType::Int)],
            clean: Clean { key: vec!["k".to_owned()], keep, time: Some("at".to_owned()) },
            origin: Origin::Stored,
            history: None,
        }
    }

    fn batch(keys: &[Option<&str>], at: &[Option<i64>], values: &[Option<i64>]) -> RecordBatch {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(keys.iter().copied().collect::<StringViewArray>()),
            Arc::new(TimestampMillisecondArray::from(at.to_vec())),
            Arc::new(Int64Array::from(values.to_vec())),
        ];
        RecordBatch::try_new(schema(&table(Keep::Earliest)), columns).unwrap()
    }

    #[test]
    fn rows_with_equal_or_null_keys_are_suspected() {
        let long = "a text beyond the bytes that are kept inline";
        let texts = [Some("a"), None, Some("b"), Some("a"), Some(long), Some(long), Some("")];
        let key: ArrayRef = Arc::new(texts.iter().copied().collect::<StringViewArray>());
        let found = suspects(&hashes(&[key], 7).unwrap());
        assert_eq!(found, Suspects { null: vec![1], again: vec![0, 3, 4, 5] });
    }

    #[test]
    fn many_different_keys_are_not_suspected() {
        let key: ArrayRef = Arc::new((0..200_000).collect::<Int64Array>());
        assert_eq!(suspects(&hashes(&[key], 200_000).unwrap()), Suspects::default());
        assert_eq!(suspects(&[]), Suspects::default());
    }

    #[test]
    fn the_earliest_row_stays_then_the_smallest_nulls_last() {
        let keys = [Some("a"), Some("a"), Some("a"), Some("b"), Some("b"), Some("c")];
        let at = [Some(5), Some(3), Some(3), None, None, Some(1)];
        let values = [Some(0), Some(9), Some(7), None, Some(1), Some(1)];
        let rows = [10, 11, 12, 13, 14, 15];
        let found = beaten(&table(Keep::Earliest), &batch(&keys, &at, &values), &rows).unwrap();
        assert_eq!(found, [10, 11, 13]);
    }

    #[test]
    fn the_latest_row_stays_and_null_is_the_least() {
        let keys = [Some("a"), Some("a"), Some("a"), Some("b"), Some("b")];
        let values = [None, Some(2), Some(2), None, None];
        let at = [Some(1), Some(8), Some(4), Some(2), Some(1)];
        let found =
            beaten(&table(Keep::Latest("v".to_owned())), &batch(&keys, &at, &values), &[0, 1, 2, 3, 4]).unwrap();
        assert_eq!(found, [0, 1, 3]);
    }

    #[test]
    fn of_equal_rows_one_stays() {
        let found =
            beaten(&table(Keep::Earliest), &batch(&[Some("a"); 3], &[Some(1); 3], &[None; 3]), &[4, 5, 6]).unwrap();
        assert_eq!(found, [5, 6]);
        let mut keyed_by_all = table(Keep::Earliest);
        keyed_by_all.columns.truncate(1);
        keyed_by_all.clean.time = None;
        let one = batch(&[Some("a"); 2], &[Some(1); 2], &[None; 2]).project(&[0]).unwrap();
        assert_eq!(beaten(&keyed_by_all, &one, &[0, 1]).unwrap(), [1]);
    }
}
