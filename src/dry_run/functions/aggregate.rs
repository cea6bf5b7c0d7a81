//! The frame of the aggregates: each is written once, for groups, and serves a query without groups as one group.

use std::fmt::Debug;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, ListArray, RecordBatch};
use datafusion::arrow::buffer::{NullBuffer, OffsetBuffer};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Int32Type, Schema};
use datafusion::common::{DataFusionError, Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, ColumnarValue, EmitTo, GroupsAccumulator, Signature, Volatility,
};

/// An aggregate of one value and constant ints, whose state is the list of values seen.
pub(super) struct Definition {
    /// The name in SQL.
    pub name: &'static str,
    /// How many constant ints follow the value.
    pub constants: usize,
    /// The type the value is brought to.
    pub takes: fn(&DataType) -> Option<DataType>,
    /// The type of the result for a value's type.
    pub returns: fn(&DataType) -> DataType,
    /// Makes the accumulator for a value's type and the constants.
    pub accumulator: fn(&DataType, &[i64]) -> Result<Box<dyn Groups>>,
    /// The result over no rows.
    pub empty: fn(&DataType) -> Result<ScalarValue>,
}

/// An accumulator that can also serve alone.
pub(super) trait Groups: GroupsAccumulator + Debug + Sync {}

impl<G: GroupsAccumulator + Debug + Sync> Groups for G {}

impl Definition {
    /// As a function of the engine.
    pub(super) fn function(&'static self) -> AggregateUDF {
        AggregateUDF::new_from_impl(Aggregate {
            definition: self,
            signature: Signature::user_defined(Volatility::Immutable),
        })
    }
}

/// A definition in the engine's dress.
struct Aggregate {
    definition: &'static Definition,
    signature: Signature,
}

impl Debug for Aggregate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.definition.name)
    }
}

impl PartialEq for Aggregate {
    fn eq(&self, other: &Self) -> bool {
        self.definition.name == other.definition.name
    }
}

impl Eq for Aggregate {}

impl Hash for Aggregate {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.definition.name.hash(state);
    }
}

impl Aggregate {
    /// The accumulator for a call.
    fn make(&self, args: &AccumulatorArgs) -> Result<Box<dyn Groups>> {
        if args.is_distinct {
            return plan_err!("{} takes no distinct", self.definition.name);
        }
        let Some(value) = args.expr_fields.first() else { return plan_err!("{} takes a value", self.definition.name) };
        // Constants can be evaluated over no columns at all.
        let nothing = RecordBatch::new_empty(Arc::new(Schema::empty()));
        let constants = args.exprs[1..]
            .iter()
            .map(|expr| match expr.evaluate(&nothing) {
                Ok(ColumnarValue::Scalar(ScalarValue::Int64(Some(number)))) => Ok(number),
                _ => plan_err!("{} takes literal ints behind its value", self.definition.name),
            })
            .collect::<Result<Vec<i64>>>()?;
        (self.definition.accumulator)(value.data_type(), &constants)
    }
}

impl AggregateUDFImpl for Aggregate {
    fn name(&self) -> &str {
        self.definition.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        Ok((self.definition.returns)(arguments.first().unwrap_or(&DataType::Null)))
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        let Definition { name, constants, takes, .. } = self.definition;
        let Some((value, rest)) = arguments.split_first().filter(|(_, rest)| rest.len() == *constants) else {
            return plan_err!("{name} takes {} arguments, not {}", constants + 1, arguments.len());
        };
        let value = takes(value).ok_or_else(|| DataFusionError::Plan(format!("{name} does not take a {value}")))?;
        Ok(std::iter::once(value).chain(rest.iter().map(|_| DataType::Int64)).collect())
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let Some(value) = args.input_fields.first() else { return plan_err!("{} takes a value", self.definition.name) };
        let name = format!("{}[values]", args.name);
        Ok(vec![Arc::new(Field::new(name, list_type(value.data_type()), true))])
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Alone { groups: self.make(&args)?, empty: (self.definition.empty)(args.return_type())? }))
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        !args.is_distinct
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(self.make(&args)?)
    }

    fn default_value(&self, ty: &DataType) -> Result<ScalarValue> {
        (self.definition.empty)(ty)
    }
}

/// The type of a list of values.
pub(super) fn list_type(item: &DataType) -> DataType {
    DataType::List(item_field(item))
}

/// The field of a list's items.
pub(super) fn item_field(item: &DataType) -> FieldRef {
    Arc::new(Field::new_list_field(item.clone(), true))
}

/// A list for each group: `lengths` values each, in order.
pub(super) fn lists(values: ArrayRef, lengths: impl IntoIterator<Item = usize>) -> Result<ArrayRef> {
    let total = values.len();
    if i32::try_from(total).is_err() {
        return exec_err!("more than 2^31 values in one step of an aggregate");
    }
    let offsets = OffsetBuffer::<i32>::from_lengths(lengths);
    Ok(Arc::new(ListArray::try_new(item_field(values.data_type()), offsets, values, None)?))
}

/// One list a row, of its value or (null or filtered out) none.
pub(super) fn singletons(values: &ArrayRef, filter: Option<&BooleanArray>) -> Result<ArrayRef> {
    let keep = |row: usize| values.is_valid(row) && filter.is_none_or(|f| f.is_valid(row) && f.value(row));
    let kept: Vec<bool> = (0..values.len()).map(keep).collect();
    let offsets = OffsetBuffer::<i32>::from_lengths(std::iter::repeat_n(1, values.len()));
    let nulls = NullBuffer::from(kept);
    Ok(Arc::new(ListArray::try_new(item_field(values.data_type()), offsets, Arc::clone(values), Some(nulls))?))
}

/// The values of a state's lists and the group of each.
pub(super) fn flattened(states: &ArrayRef, groups: &[usize]) -> (ArrayRef, Vec<usize>) {
    let lists = states.as_list::<i32>();
    // What was not put together before is one value a list.
    let alone = lists.null_count() == 0 && lists.value_offsets().windows(2).all(|pair| pair[1] - pair[0] == 1);
    if alone && let Some(first) = lists.value_offsets().first() {
        return (lists.values().slice(*first as usize, groups.len()), groups.to_vec());
    }
    let mut spread = Vec::with_capacity(lists.values().len());
    let mut places: Vec<i32> = Vec::new();
    let plain = lists.null_count() == 0;
    for (row, group) in groups.iter().enumerate() {
        if lists.is_valid(row) {
            let (from, to) = (lists.value_offsets()[row], lists.value_offsets()[row + 1]);
            spread.extend(std::iter::repeat_n(*group, (to - from) as usize));
            if !plain {
                places.extend(from..to);
            }
        }
    }
    let offsets = lists.value_offsets();
    let (first, last) = (offsets[0] as usize, offsets[offsets.len() - 1] as usize);
    if plain {
        return (lists.values().slice(first, last - first), spread);
    }
    let places = datafusion::arrow::array::PrimitiveArray::<Int32Type>::from(places);
    let taken = datafusion::arrow::compute::take(lists.values(), &places, None);
    // The places come from the list's own offsets, so taking them cannot fail.
    (taken.unwrap_or_else(|_| lists.values().slice(0, 0)), spread)
}

/// A groups' accumulator with one group.
#[derive(Debug)]
pub(super) struct Alone {
    pub groups: Box<dyn Groups>,
    /// The result over no rows.
    pub empty: ScalarValue,
}

impl Accumulator for Alone {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let rows = values.first().map_or(0, |array| array.len());
        self.groups.update_batch(values, &vec![0; rows], None, 1)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let found = self.groups.evaluate(EmitTo::All)?;
        if found.is_empty() { Ok(self.empty.clone()) } else { ScalarValue::try_from_array(&found, 0) }
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.groups.size()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        // Without any row there is no group yet: an update with none makes it.
        let states = self.groups.state(EmitTo::All)?;
        states
            .iter()
            .map(|state| {
                if state.is_empty() {
                    ScalarValue::try_from(state.data_type())
                } else {
                    ScalarValue::try_from_array(state, 0)
                }
            })
            .collect()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let rows = states.first().map_or(0, |array| array.len());
        self.groups.merge_batch(states, &vec![0; rows], 1)
    }
}
