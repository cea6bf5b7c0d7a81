//! `mc_paths(at, name, order, starts, ends, session, merge, depth, carried …)`: the steps of paths.

use std::cmp::Ordering;
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, DynComparator, Int64Array, StringViewArray, StructArray,
    TimestampMillisecondArray, UInt32Array, make_comparator,
};
use datafusion::arrow::compute::SortOptions;
use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::{Result, exec_err};

use super::rows::GroupedRows;
use super::{Definition, Found, tuple_type};

const INSTANT: DataType = DataType::Timestamp(TimeUnit::Millisecond, None);

/// How many arguments there are before what is carried, and how many of them are columns.
const OWN: usize = 8;
const OWN_COLUMNS: usize = 5;

pub(super) const FUNCTION: Definition = Definition {
    name: "mc_paths",
    constants: 5..OWN,
    takes: |types| {
        let flag = |ty: &DataType| matches!(ty, DataType::Boolean | DataType::Null);
        let fits = types.len() >= OWN && types[0] == INSTANT && types[1].is_string() && types[3..5].iter().all(flag);
        fits.then(|| {
            let mut taken = types.to_vec();
            taken[1] = DataType::Utf8View;
            taken
        })
    },
    item: |columns| {
        let own = [INSTANT, DataType::Utf8View, DataType::Int64, DataType::Utf8View, DataType::Int64];
        tuple_type(own.into_iter().chain(columns[OWN_COLUMNS..].iter().cloned()))
    },
    walk: |rows, constants| match constants {
        &[session, merge, depth] => walk(rows, session, merge != 0, depth),
        _ => exec_err!("mc_paths needs a pause, whether repeats are merged, and a depth"),
    },
};

fn walk(rows: &mut GroupedRows, session: i64, merge: bool, depth: i64) -> Result<Found> {
    let instants = rows.instants(0);
    let order = order(&rows.columns[2], &rows.columns[1])?;
    rows.sort(&instants, |a, b| order.iter().map(|by| by(a, b)).find(|found| found.is_ne()).unwrap_or(Ordering::Equal));
    let names = rows.columns[1].as_string_view().clone();
    let (starts, ends) = (flags(&rows.columns[3]), flags(&rows.columns[4]));
    let mut found = Steps::new(instants.len());
    let mut lengths = Vec::with_capacity(rows.groups());
    let mut kept = Vec::new();
    for group in 0..rows.groups() {
        let before = found.rows.len();
        let mut number = 0;
        for rows in sessions(rows.of(group), &instants, session) {
            number += 1;
            kept.clear();
            kept.extend(shown(rows, &names, starts.as_ref(), merge));
            found.add(&kept, (&instants, ends.as_ref()), number, depth);
        }
        lengths.push(found.rows.len() - before);
    }
    Ok(Found { items: found.tuples(rows)?, lengths })
}

/// What orders the rows of one instant.
fn order(keys: &ArrayRef, name: &ArrayRef) -> Result<Vec<DynComparator>> {
    let options = SortOptions { descending: false, nulls_first: false };
    let keys = keys.as_struct_opt().map(StructArray::columns).unwrap_or_default();
    keys.iter().chain([name]).map(|key| Ok(make_comparator(key, key, options)?)).collect()
}

/// A column of conditions, where there is one.
fn flags(column: &ArrayRef) -> Option<BooleanArray> {
    column.as_boolean_opt().cloned()
}

fn holds(flags: &BooleanArray, row: u32) -> bool {
    flags.is_valid(row as usize) && flags.value(row as usize)
}

/// The sessions of a group's rows: no pause in one is longer than that.
fn sessions<'a>(rows: &'a [u32], instants: &'a [i64], pause: i64) -> impl Iterator<Item = &'a [u32]> {
    rows.chunk_by(move |before, row| instants[*row as usize] - instants[*before as usize] <= pause)
}

/// The rows of a session that are steps.
fn shown<'a>(
    rows: &'a [u32],
    names: &'a StringViewArray,
    starts: Option<&'a BooleanArray>,
    merge: bool,
) -> impl Iterator<Item = u32> + 'a {
    let name = |row: u32| names.value(row as usize);
    let repeats = move |at: usize| merge && at > 0 && name(rows[at]) == name(rows[at - 1]);
    let stays = (0..rows.len()).filter(move |at| !repeats(*at)).map(|at| rows[at]);
    stays.skip_while(move |row| starts.is_some_and(|starts| !holds(starts, *row)))
}

/// The steps that are found.
struct Steps {
    rows: Vec<u32>,
    /// The row of the next one, if any.
    next: Vec<Option<u32>>,
    starts: Vec<i64>,
    places: Vec<i64>,
    sessions: Vec<i64>,
}

impl Steps {
    fn new(rows: usize) -> Steps {
        Steps {
            rows: Vec::with_capacity(rows),
            next: Vec::with_capacity(rows),
            starts: Vec::with_capacity(rows),
            places: Vec::with_capacity(rows),
            sessions: Vec::with_capacity(rows),
        }
    }

    /// Adds a path of these rows, up to the first end and so many steps.
    fn add(&mut self, rows: &[u32], (instants, ends): (&[i64], Option<&BooleanArray>), session: i64, depth: i64) {
        let Some(first) = rows.first() else { return };
        let start = instants[*first as usize];
        for ((row, place), at) in rows.iter().zip(1..=depth).zip(1..) {
            let end = ends.is_some_and(|ends| holds(ends, *row));
            self.rows.push(*row);
            self.next.push(rows.get(at).copied().filter(|_| !end));
            self.starts.push(start);
            self.places.push(place);
            self.sessions.push(session);
            if end {
                return;
            }
        }
    }

    fn tuples(self, rows: &GroupedRows) -> Result<ArrayRef> {
        let types: Vec<DataType> = rows.columns.iter().map(|column| column.data_type().clone()).collect();
        let DataType::Struct(fields) = (FUNCTION.item)(&types) else { return exec_err!("mc_paths gives tuples") };
        let (taken, next) = (UInt32Array::from(self.rows), UInt32Array::from(self.next));
        let mut parts: Vec<ArrayRef> = vec![
            Arc::new(TimestampMillisecondArray::from(self.starts)),
            rows.taken(1, &taken)?,
            Arc::new(Int64Array::from(self.places)),
            rows.taken(1, &next)?,
            Arc::new(Int64Array::from(self.sessions)),
        ];
        for column in OWN_COLUMNS..rows.columns.len() {
            parts.push(rows.taken(column, &taken)?);
        }
        Ok(Arc::new(StructArray::try_new(fields, parts, None)?))
    }
}
