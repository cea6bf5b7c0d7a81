//! `mc_count_distinct`: the exact number of different values, with one table for all groups.

use std::fmt::Debug;
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, Int64Array, PrimitiveArray, UInt32Array,
};
use datafusion::arrow::compute::take;
use datafusion::arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float64Type, Int64Type, TimeUnit, TimestampMillisecondType,
};
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};
use datafusion::physical_expr_common::binary_map::OutputType;
use datafusion::physical_expr_common::binary_view_map::ArrowBytesViewMap;
use rustc_hash::FxHashSet;

use super::aggregate::{Definition, Groups, flattened, lists, singletons};

pub(super) static FUNCTIONS: &[Definition] = &[Definition {
    name: "mc_count_distinct",
    constants: 0,
    takes,
    returns: |_| DataType::Int64,
    accumulator,
    empty: |_| Ok(ScalarValue::Int64(Some(0))),
}];

/// The type in which values are compared.
fn takes(ty: &DataType) -> Option<DataType> {
    match ty {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Some(DataType::Utf8View),
        _ if ty.is_integer() || *ty == DataType::Boolean || ty.is_null() => Some(DataType::Int64),
        _ if ty.is_floating() => Some(DataType::Float64),
        DataType::Decimal128(..) | DataType::Date32 | DataType::Timestamp(TimeUnit::Millisecond, None) => {
            Some(ty.clone())
        }
        _ => None,
    }
}

/// The accumulator for a type.
fn accumulator(ty: &DataType, _: &[i64]) -> Result<Box<dyn Groups>> {
    fn of<T: ArrowPrimitiveType + Debug>(ty: &DataType, bits: fn(T::Native) -> T::Native) -> Box<dyn Groups>
    where
        T::Native: Key,
    {
        Box::new(Distinct::new(Numbers::<T> { ty: ty.clone(), bits }))
    }
    Ok(match ty {
        DataType::Int64 => of::<Int64Type>(ty, |v| v),
        // Both zeros are one value.
        DataType::Float64 => of::<Float64Type>(ty, |v| if v == 0.0 { 0.0 } else { v }),
        DataType::Decimal128(..) => of::<Decimal128Type>(ty, |v| v),
        DataType::Date32 => of::<Date32Type>(ty, |v| v),
        DataType::Timestamp(..) => of::<TimestampMillisecondType>(ty, |v| v),
        DataType::Utf8View => Box::new(Distinct::new(Texts::new())),
        _ => return plan_err!("mc_count_distinct does not take a {ty}"),
    })
}

/// A primitive value as something to hash.
trait Key: Copy {
    /// Its own hashable form.
    type Form: Copy + Eq + std::hash::Hash + Send + Sync + Debug;
    /// To the form.
    fn form(self) -> Self::Form;
    /// And back.
    fn back(form: Self::Form) -> Self;
}

/// Forms that are the value itself.
macro_rules! own_form {
    ($($ty:ty),*) => { $(impl Key for $ty {
        type Form = $ty;
        fn form(self) -> $ty {
            self
        }
        fn back(form: $ty) -> $ty {
            form
        }
    })* };
}

own_form!(i32, i64, i128);

impl Key for f64 {
    type Form = u64;
    fn form(self) -> u64 {
        self.to_bits()
    }
    fn back(form: u64) -> f64 {
        f64::from_bits(form)
    }
}

/// Brings values to a form that is quick to hash, and back.
trait Values: Debug + Send + Sync + 'static {
    /// The form.
    type Form: Copy + Eq + std::hash::Hash + Send + Sync + Debug;
    /// Calls `seen` with each row's form; nulls may be left out or told.
    fn each(&mut self, values: &ArrayRef, seen: impl FnMut(usize, Self::Form));
    /// The values of forms. Nothing is kept afterwards where `last` is told.
    fn array(&mut self, forms: Vec<Self::Form>, last: bool) -> Result<ArrayRef>;
    /// Bytes held.
    fn size(&self) -> usize;
}

/// Primitive values.
struct Numbers<T: ArrowPrimitiveType> {
    ty: DataType,
    bits: fn(T::Native) -> T::Native,
}

impl<T: ArrowPrimitiveType> Debug for Numbers<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Numbers({})", self.ty)
    }
}

impl<T: ArrowPrimitiveType> Values for Numbers<T>
where
    T::Native: Key,
{
    type Form = <T::Native as Key>::Form;

    fn each(&mut self, values: &ArrayRef, mut seen: impl FnMut(usize, Self::Form)) {
        for (row, value) in values.as_primitive::<T>().values().iter().enumerate() {
            seen(row, (self.bits)(*value).form());
        }
    }

    fn array(&mut self, forms: Vec<Self::Form>, _: bool) -> Result<ArrayRef> {
        let values = PrimitiveArray::<T>::from_iter_values(forms.into_iter().map(T::Native::back));
        Ok(Arc::new(values.with_data_type(self.ty.clone())))
    }

    fn size(&self) -> usize {
        0
    }
}

/// Texts, each known by its number.
struct Texts {
    known: ArrowBytesViewMap<u32>,
    next: u32,
}

impl Texts {
    fn new() -> Texts {
        Texts { known: ArrowBytesViewMap::new(OutputType::Utf8View), next: 0 }
    }
}

impl Debug for Texts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Texts({})", self.next)
    }
}

impl Values for Texts {
    type Form = u32;

    fn each(&mut self, values: &ArrayRef, mut seen: impl FnMut(usize, u32)) {
        let next = &mut self.next;
        let mut row = 0;
        let number = |_: Option<&[u8]>| {
            *next += 1;
            *next - 1
        };
        self.known.insert_if_new(values, number, |number| {
            seen(row, number);
            row += 1;
        });
    }

    fn array(&mut self, forms: Vec<u32>, last: bool) -> Result<ArrayRef> {
        let mut all = std::mem::replace(self, Texts::new()).known.into_state();
        if !last {
            // Numbers are given in order, so that filling a new table in order gives them again.
            self.each(&all, |_, _| {});
        }
        if all.null_count() == all.len() {
            all = datafusion::arrow::array::new_null_array(&DataType::Utf8View, all.len());
        }
        Ok(take(&all, &UInt32Array::from(forms), None)?)
    }

    fn size(&self) -> usize {
        self.known.size()
    }
}

/// The pairs of group and value seen.
#[derive(Debug)]
struct Distinct<V: Values> {
    values: V,
    seen: FxHashSet<(u32, V::Form)>,
    counts: Vec<i64>,
}

impl<V: Values> Distinct<V> {
    fn new(values: V) -> Distinct<V> {
        Distinct { values, seen: FxHashSet::default(), counts: Vec::new() }
    }

    /// Takes out the first groups; the rest move down.
    fn take(&mut self, emit_to: EmitTo) -> (Vec<i64>, Vec<(u32, V::Form)>) {
        let counts = emit_to.take_needed(&mut self.counts);
        let pairs = match emit_to {
            EmitTo::All => std::mem::take(&mut self.seen).into_iter().collect(),
            EmitTo::First(_) => {
                let first = counts.len() as u32;
                let (taken, rest): (Vec<_>, Vec<_>) = self.seen.drain().partition(|(group, _)| *group < first);
                self.seen = rest.into_iter().map(|(group, value)| (group - first, value)).collect();
                taken
            }
        };
        (counts, pairs)
    }
}

impl<V: Values> GroupsAccumulator for Distinct<V>
where
    V::Form: Send,
{
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.counts.resize(total, 0);
        let Distinct { values: forms, seen, counts } = self;
        let array = &values[0];
        forms.each(array, |row, form| {
            if array.is_valid(row) && filter.is_none_or(|f| f.is_valid(row) && f.value(row)) {
                let group = groups[row];
                if seen.insert((group as u32, form)) {
                    counts[group] += 1;
                }
            }
        });
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        Ok(Arc::new(Int64Array::from(self.take(emit_to).0)))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let (counts, pairs) = self.take(emit_to);
        // A counting sort by group.
        let mut next: Vec<usize> = counts
            .iter()
            .scan(0, |sum, count| {
                let start = *sum;
                *sum += usize::try_from(*count).unwrap_or(0);
                Some(start)
            })
            .collect();
        let Some((_, any)) = pairs.first().copied() else {
            let empty = self.values.array(Vec::new(), matches!(emit_to, EmitTo::All))?;
            return Ok(vec![lists(empty, counts.iter().map(|_| 0))?]);
        };
        let mut forms = vec![any; pairs.len()];
        for (group, form) in pairs {
            let place = &mut next[group as usize];
            forms[*place] = form;
            *place += 1;
        }
        let flat = self.values.array(forms, matches!(emit_to, EmitTo::All))?;
        Ok(vec![lists(flat, counts.into_iter().map(|count| usize::try_from(count).unwrap_or(0)))?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        let (values, groups) = flattened(&states[0], groups);
        self.update_batch(&[values], &groups, None, total)
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        Ok(vec![singletons(&values[0], filter)?])
    }

    fn size(&self) -> usize {
        self.values.size()
            + self.seen.capacity() * (size_of::<(u32, V::Form)>() + 1)
            + self.counts.capacity() * size_of::<i64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::{Decimal128Array, Float64Array, StringViewArray};

    fn make(ty: &DataType) -> Box<dyn Groups> {
        accumulator(ty, &[]).unwrap()
    }

    fn counts(found: &ArrayRef) -> Vec<i64> {
        found.as_primitive::<Int64Type>().values().to_vec()
    }

    #[test]
    fn texts_are_counted_by_group_and_survive_states() {
        let texts = [Some("a"), Some("a"), None, Some("a long text beyond the inline bytes"), Some("b"), Some("")];
        let values: ArrayRef = Arc::new(StringViewArray::from(texts.to_vec()));
        let groups = [0, 0, 0, 0, 2, 2];
        let mut first = make(&DataType::Utf8View);
        first.update_batch(&[Arc::clone(&values)], &groups, None, 3).unwrap();
        let early = first.state(EmitTo::First(1)).unwrap();
        // The groups move down; a value known already is counted once.
        first.update_batch(&[Arc::clone(&values)], &[0, 1, 1, 1, 1, 1], None, 2).unwrap();
        let states = first.state(EmitTo::All).unwrap();
        let mut second = make(&DataType::Utf8View);
        second.merge_batch(&early, &[0], 1).unwrap();
        second.merge_batch(&states, &[1, 2], 3).unwrap();
        assert_eq!(counts(&second.evaluate(EmitTo::First(1)).unwrap()), [2]);
        assert_eq!(counts(&second.evaluate(EmitTo::All).unwrap()), [1, 4]);
    }

    #[test]
    fn filters_and_converted_states() {
        let values: ArrayRef = Arc::new(Decimal128Array::from(vec![Some(1), Some(1), Some(2), None]));
        let ty = values.data_type().clone();
        let filter = BooleanArray::from(vec![Some(true), Some(true), None, Some(true)]);
        let mut found = make(&ty);
        let states = found.convert_to_state(&[Arc::clone(&values)], Some(&filter)).unwrap();
        found.merge_batch(&states, &[0; 4], 2).unwrap();
        found.update_batch(&[values], &[1; 4], Some(&filter), 2).unwrap();
        assert_eq!(counts(&found.evaluate(EmitTo::All).unwrap()), [1, 1]);
    }

    #[test]
    fn both_zeros_are_one_value_and_nulls_none() {
        let values: ArrayRef = Arc::new(Float64Array::from(vec![Some(0.0), Some(-0.0), None, Some(1.5)]));
        let mut found = make(&DataType::Float64);
        found.update_batch(&[values], &[0; 4], None, 1).unwrap();
        let states = found.state(EmitTo::All).unwrap();
        found.merge_batch(&states, &[0], 1).unwrap();
        assert_eq!(counts(&found.evaluate(EmitTo::All).unwrap()), [2]);
        assert_eq!(counts(&make(&DataType::Float64).evaluate(EmitTo::All).unwrap()), [0; 0]);
    }

    #[test]
    fn only_nulls_are_no_values() {
        let values: ArrayRef = Arc::new(StringViewArray::from(vec![None::<&str>, None]));
        let mut found = make(&DataType::Utf8View);
        found.update_batch(&[values], &[0, 1], None, 2).unwrap();
        let states = found.state(EmitTo::All).unwrap();
        found.merge_batch(&states, &[0, 1], 2).unwrap();
        assert_eq!(counts(&found.evaluate(EmitTo::All).unwrap()), [0, 0]);
    }
}
