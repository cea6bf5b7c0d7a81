//! `mc_chains(at, step, steps, increasing, carried …)`: the attempts of a plain funnel.
//!
//! A row is a number: its instant, then its step, so that rows of one instant follow each other in the order in which a chain goes through
//! them; backwards where it may not. So the rest of a chain lies behind its row, and going backwards tells what each row reaches.

use std::cmp::Ordering;
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, ListArray, StructArray, TimestampMillisecondArray, UInt32Array,
};
use datafusion::arrow::buffer::OffsetBuffer;
use datafusion::arrow::datatypes::{DataType, Int64Type, TimeUnit};
use datafusion::common::{Result, exec_err};

use super::rows::GroupedRows;
use super::{Definition, Found, list_type, tuple_type};
use crate::dry_run::functions::aggregate::item_field;

const INSTANT: DataType = DataType::Timestamp(TimeUnit::Millisecond, None);

pub(super) const FUNCTION: Definition = Definition {
    name: "mc_chains",
    constants: 2..4,
    takes: |types| match types {
        [INSTANT, step, _, _, carried @ ..] if step.is_integer() || step.is_null() => {
            let own = [INSTANT, DataType::Int64, DataType::Int64, DataType::Int64];
            Some(own.into_iter().chain(carried.iter().cloned()).collect())
        }
        _ => None,
    },
    item: |columns| tuple_type([INSTANT, list_type(&INSTANT)].into_iter().chain(columns[2..].iter().cloned())),
    walk: |rows, constants| match constants {
        &[steps, increasing] if steps > 0 => walk(rows, steps, increasing != 0),
        _ => exec_err!("mc_chains walks along one step at least"),
    },
};

fn walk(rows: &mut GroupedRows, steps: i64, increasing: bool) -> Result<Found> {
    let instants = rows.instants(0);
    let numbers = numbered(rows, &instants, steps, increasing);
    // Rows that are equal in both are told apart by nothing that is found.
    rows.sort(&numbers, |_, _| Ordering::Equal);
    let steps = usize::try_from(steps).unwrap_or_default();
    let step_of = rows.columns[1].as_primitive::<Int64Type>().clone();
    let mut found = Chains::new(steps, instants.len());
    let mut lengths = Vec::with_capacity(rows.groups());
    // Rows of one instant, of which nothing is carried, are one attempt.
    let alike = rows.columns.len() == 2;
    for group in 0..rows.groups() {
        let before = found.rows.len();
        found.forget();
        for row in rows.of(group).iter().rev() {
            let at = *row as usize;
            if step_of.is_valid(at) {
                found.meet(*row, instants[at], usize::try_from(step_of.value(at)).unwrap_or(usize::MAX), alike);
            }
        }
        lengths.push(found.rows.len() - before);
    }
    Ok(Found { items: found.tuples(rows)?, lengths })
}

/// What rows are sorted by.
fn numbered(rows: &GroupedRows, instants: &[i64], steps: i64, increasing: bool) -> Vec<i64> {
    let step = rows.columns[1].as_primitive::<Int64Type>().values();
    let digit = |step: i64| if increasing { steps - step } else { step };
    instants.iter().zip(step).map(|(at, step)| at * (steps + 1) + digit(*step)).collect()
}

/// The chains that are found.
struct Chains {
    /// Of each step what the next row of it reaches: its own instant and those behind it; empty for no such row.
    ahead: Vec<Vec<i64>>,
    /// The rows of step 0, and the instants of their chains one after the other.
    rows: Vec<u32>,
    starts: Vec<i64>,
    reached: Vec<i64>,
    counts: Vec<usize>,
}

impl Chains {
    fn new(steps: usize, rows: usize) -> Chains {
        let some = rows / steps.max(1);
        Chains {
            ahead: vec![Vec::with_capacity(steps); steps],
            rows: Vec::with_capacity(some),
            starts: Vec::with_capacity(some),
            reached: Vec::with_capacity(rows),
            counts: Vec::with_capacity(some),
        }
    }

    /// Begins a group.
    fn forget(&mut self) {
        self.ahead.iter_mut().for_each(Vec::clear);
    }

    /// Comes to a row, from behind.
    fn meet(&mut self, row: u32, at: i64, step: usize, alike: bool) {
        let Some((own, behind)) = self.ahead.get_mut(step..).and_then(<[_]>::split_first_mut) else { return };
        let next = behind.first().map_or(&[][..], Vec::as_slice);
        if step > 0 {
            own.clear();
            own.push(at);
            own.extend_from_slice(next);
            return;
        }
        if alike && own.first() == Some(&at) {
            return;
        }
        own.clear();
        own.push(at);
        self.rows.push(row);
        self.starts.push(at);
        self.reached.extend_from_slice(next);
        self.counts.push(next.len());
    }

    fn tuples(self, rows: &GroupedRows) -> Result<ArrayRef> {
        let DataType::Struct(fields) =
            (FUNCTION.item)(&rows.columns.iter().map(|column| column.data_type().clone()).collect::<Vec<_>>())
        else {
            return exec_err!("mc_chains gives tuples");
        };
        let taken = UInt32Array::from(self.rows);
        let reached = TimestampMillisecondArray::from(self.reached);
        let offsets = OffsetBuffer::<i32>::from_lengths(self.counts);
        let reached = ListArray::try_new(item_field(&INSTANT), offsets, Arc::new(reached), None)?;
        let mut parts: Vec<ArrayRef> = vec![Arc::new(TimestampMillisecondArray::from(self.starts)), Arc::new(reached)];
        for column in 2..rows.columns.len() {
            parts.push(rows.taken(column, &taken)?);
        }
        Ok(Arc::new(StructArray::try_new(fields, parts, None)?))
    }
}
