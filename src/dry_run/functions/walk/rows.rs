//! The rows of groups, kept as they come and put together by group at the end.

use std::cmp::Ordering;
use std::fmt::Debug;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, StructArray, UInt32Array, new_empty_array};
use datafusion::arrow::buffer::ScalarBuffer;
use datafusion::arrow::compute::{concat, filter, take};
use datafusion::arrow::datatypes::{DataType, TimestampMillisecondType};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};

use super::{Definition, Found};
use crate::dry_run::functions::aggregate::{flattened, lists, singletons};

/// All rows of some groups.
pub(super) struct GroupedRows {
    /// The columns.
    pub columns: Vec<ArrayRef>,
    /// The rows of the groups, one group after the other.
    pub rows: Vec<u32>,
    /// Where the rows of each group begin, and the end of all.
    pub starts: Vec<usize>,
}

impl GroupedRows {
    /// Puts the rows `of` these groups (below `count`) together; within a group they stay in order.
    fn new(columns: Vec<ArrayRef>, of: &[u32], count: usize) -> GroupedRows {
        let mut starts = vec![0; count + 1];
        for group in of {
            starts[*group as usize + 1] += 1;
        }
        for group in 0..count {
            starts[group + 1] += starts[group];
        }
        let mut next = starts.clone();
        let mut rows = vec![0; of.len()];
        for (row, group) in (0_u32..).zip(of) {
            let place = &mut next[*group as usize];
            rows[*place] = row;
            *place += 1;
        }
        GroupedRows { columns, rows, starts }
    }

    pub(super) fn groups(&self) -> usize {
        self.starts.len() - 1
    }

    /// The instants of a column, in milliseconds.
    pub(super) fn instants(&self, column: usize) -> ScalarBuffer<i64> {
        self.columns[column].as_primitive::<TimestampMillisecondType>().values().clone()
    }

    /// Sorts the rows of each group by a number that each row has, then as told.
    pub(super) fn sort(&mut self, numbers: &[i64], then: impl Fn(usize, usize) -> Ordering) {
        let mut keyed: Vec<(i64, u32)> = Vec::new();
        for group in 0..self.groups() {
            let rows = &mut self.rows[self.starts[group]..self.starts[group + 1]];
            // Numbers beside their rows lie near each other.
            keyed.clear();
            keyed.extend(rows.iter().map(|row| (numbers[*row as usize], *row)));
            keyed.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| then(a.1 as usize, b.1 as usize)));
            for (row, (_, sorted)) in rows.iter_mut().zip(&keyed) {
                *row = *sorted;
            }
        }
    }

    /// The rows of a group.
    pub(super) fn of(&self, group: usize) -> &[u32] {
        &self.rows[self.starts[group]..self.starts[group + 1]]
    }

    /// These rows of a column; null for none.
    pub(super) fn taken(&self, column: usize, rows: &UInt32Array) -> Result<ArrayRef> {
        Ok(take(&self.columns[column], rows, None)?)
    }
}

/// Collects rows of groups.
pub(super) struct Collected {
    definition: &'static Definition,
    constants: Vec<i64>,
    /// The type of a row.
    row: DataType,
    /// The type of an item that is found.
    item: DataType,
    /// The rows as they came.
    chunks: Vec<StructArray>,
    /// The group of each row.
    groups: Vec<u32>,
    /// How many groups there are.
    count: usize,
    /// Bytes of the rows, about.
    bytes: usize,
}

impl Debug for Collected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct(self.definition.name).field("groups", &self.count).finish_non_exhaustive()
    }
}

impl Collected {
    pub(super) fn new(definition: &'static Definition, types: &[DataType], constants: Vec<i64>) -> Collected {
        let (row, item) = (definition.row_type(types), definition.item_type(types));
        Collected { definition, constants, row, item, chunks: Vec::new(), groups: Vec::new(), count: 0, bytes: 0 }
    }

    /// The columns of arguments as rows.
    fn rows(&self, arguments: &[ArrayRef]) -> Result<StructArray> {
        let DataType::Struct(fields) = &self.row else { return exec_err!("rows are tuples") };
        Ok(StructArray::try_new(fields.clone(), self.definition.columns(arguments), None)?)
    }

    fn push(&mut self, rows: StructArray, groups: impl Iterator<Item = usize>) -> Result<()> {
        self.bytes += rows.columns().iter().map(bytes).sum::<usize>();
        self.groups.extend(groups.map(|group| u32::try_from(group).unwrap_or(u32::MAX)));
        self.chunks.push(rows);
        if u32::try_from(self.groups.len()).is_err() {
            return exec_err!("{} rows are too many to walk along", self.groups.len());
        }
        Ok(())
    }

    /// The rows of the first groups, taken out; the others move down.
    fn take(&mut self, emit_to: EmitTo) -> Result<GroupedRows> {
        let chunks = std::mem::take(&mut self.chunks);
        let of = std::mem::take(&mut self.groups);
        self.bytes = 0;
        let DataType::Struct(fields) = &self.row else { return exec_err!("rows are tuples") };
        let columns = (0..fields.len()).map(|at| {
            let parts: Vec<&dyn Array> = chunks.iter().map(|chunk| chunk.column(at).as_ref()).collect();
            if parts.is_empty() { Ok(new_empty_array(fields[at].data_type())) } else { Ok(concat(&parts)?) }
        });
        let columns = columns.collect::<Result<Vec<ArrayRef>>>()?;
        drop(chunks);
        let EmitTo::First(first) = emit_to else {
            return Ok(GroupedRows::new(columns, &of, std::mem::take(&mut self.count)));
        };
        let limit = u32::try_from(first).unwrap_or(u32::MAX);
        let early = BooleanArray::from_iter(of.iter().map(|group| Some(*group < limit)));
        let late = BooleanArray::from_iter(of.iter().map(|group| Some(*group >= limit)));
        let kept = columns.iter().map(|column| filter(column, &late)).collect::<Result<Vec<_>, _>>()?;
        let rows = StructArray::try_new(fields.clone(), kept, None)?;
        let moved = of.iter().filter(|group| **group >= limit).map(|group| (*group - limit) as usize);
        self.push(rows, moved.collect::<Vec<_>>().into_iter())?;
        self.count -= first;
        let columns = columns.iter().map(|column| filter(column, &early)).collect::<Result<Vec<_>, _>>()?;
        let of: Vec<u32> = of.into_iter().filter(|group| *group < limit).collect();
        Ok(GroupedRows::new(columns, &of, first))
    }
}

/// The bytes of an array's items, about: texts may share theirs.
fn bytes(array: &ArrayRef) -> usize {
    match array.data_type() {
        DataType::Null => 0,
        DataType::Struct(_) => array.as_struct().columns().iter().map(bytes).sum(),
        ty => array.len() * ty.primitive_width().unwrap_or(24),
    }
}

impl GroupsAccumulator for Collected {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        only: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.count = total;
        let rows = self.rows(values)?;
        let Some(only) = only else { return self.push(rows, groups.iter().copied()) };
        let kept: ArrayRef = filter(&rows, only)?;
        let groups = groups.iter().enumerate().filter(|(row, _)| only.is_valid(*row) && only.value(*row));
        self.push(kept.as_struct().clone(), groups.map(|(_, group)| *group))
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let mut rows = self.take(emit_to)?;
        let Found { items, lengths } = (self.definition.walk)(&mut rows, &self.constants)?;
        debug_assert_eq!(*items.data_type(), self.item, "{}", self.definition.name);
        lists(items, lengths)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let GroupedRows { columns, rows, starts } = self.take(emit_to)?;
        let rows = UInt32Array::from(rows);
        let columns = columns.iter().map(|column| take(column, &rows, None)).collect::<Result<Vec<_>, _>>()?;
        let DataType::Struct(fields) = &self.row else { return exec_err!("rows are tuples") };
        let rows = StructArray::try_new(fields.clone(), columns, None)?;
        Ok(vec![lists(Arc::new(rows), starts.windows(2).map(|pair| pair[1] - pair[0]))?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.count = total;
        let (rows, groups) = flattened(&states[0], groups);
        self.push(rows.as_struct().clone(), groups.into_iter())
    }

    fn convert_to_state(&self, values: &[ArrayRef], only: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let rows: ArrayRef = Arc::new(self.rows(values)?);
        Ok(vec![singletons(&rows, only)?])
    }

    fn size(&self) -> usize {
        self.bytes + self.groups.capacity() * size_of::<u32>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dry_run::functions::walk::each_once;
    use datafusion::arrow::array::Int64Array;
    use datafusion::arrow::datatypes::Int64Type;

    static EACH_ONCE: Definition = each_once::FUNCTION;

    fn collected() -> Collected {
        Collected::new(&EACH_ONCE, &[DataType::Int64], Vec::new())
    }

    fn numbers(values: &[Option<i64>]) -> ArrayRef {
        Arc::new(Int64Array::from(values.to_vec()))
    }

    fn shown(found: &ArrayRef) -> Vec<Vec<i64>> {
        found.as_list::<i32>().iter().flatten().map(|list| list.as_primitive::<Int64Type>().values().to_vec()).collect()
    }

    #[test]
    fn groups_are_put_together_and_the_first_ones_can_go() {
        let mut found = collected();
        let values = numbers(&[Some(3), Some(1), None, Some(3), Some(2), Some(1)]);
        found.update_batch(&[values], &[0, 2, 0, 0, 1, 2], None, 4).unwrap();
        assert_eq!(shown(&found.evaluate(EmitTo::First(1)).unwrap()), [[3]]);
        // What was group 1 is group 0 now.
        found.update_batch(&[numbers(&[Some(2), Some(7)])], &[0, 1], None, 3).unwrap();
        assert_eq!(shown(&found.evaluate(EmitTo::All).unwrap()), [vec![2], vec![1, 7], vec![]]);
        assert_eq!(found.size(), found.groups.capacity() * 4);
    }

    #[test]
    fn states_say_what_the_rows_say() {
        let values = numbers(&[Some(5), Some(4), Some(5), Some(9)]);
        let only = BooleanArray::from(vec![Some(true), Some(true), Some(true), None]);
        let mut first = collected();
        first.update_batch(&[Arc::clone(&values)], &[1, 0, 1, 0], Some(&only), 2).unwrap();
        let mut whole = collected();
        whole.merge_batch(&first.state(EmitTo::All).unwrap(), &[0, 1], 2).unwrap();
        let states = whole.convert_to_state(&[values], Some(&only)).unwrap();
        whole.merge_batch(&states, &[0, 2, 2, 1], 3).unwrap();
        assert_eq!(shown(&whole.evaluate(EmitTo::All).unwrap()), [vec![4, 5], vec![5], vec![4, 5]]);
    }
}
