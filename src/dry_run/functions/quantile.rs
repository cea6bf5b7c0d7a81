//! Exact quantiles: `mc_quantile` (interpolated, type 7) and `mc_quantile_disc` (a value of the data).

use std::cmp::Ordering;
use std::fmt::Debug;
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, ArrowNativeTypeOp, ArrowPrimitiveType, AsArray, BooleanArray, PrimitiveArray, StringViewArray,
};
use datafusion::arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float64Type, Int64Type, TimeUnit, TimestampMillisecondType,
};
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};

use super::aggregate::{Definition, Groups, flattened, lists, singletons};
use crate::plan::Ratio;

pub(super) static FUNCTIONS: &[Definition] = &[
    interpolated("mc_quantile"),
    // An estimate may be exact; here there is no reason to be less.
    interpolated("mc_approx_quantile"),
    Definition {
        name: "mc_quantile_disc",
        constants: 2,
        takes: ordered,
        returns: DataType::clone,
        accumulator: |ty, constants| discrete(ty, level(constants)?),
        empty: |ty| ScalarValue::try_from(ty),
    },
];

/// A quantile by linear interpolation.
const fn interpolated(name: &'static str) -> Definition {
    Definition {
        name,
        constants: 2,
        takes: |ty| (ty.is_numeric() || ty.is_null()).then_some(DataType::Float64),
        returns: |_| DataType::Float64,
        accumulator: |ty, constants| {
            Ok(Box::new(Collected::<Float64Type> {
                ty: ty.clone(),
                groups: Vec::new(),
                held: 0,
                level: level(constants)?,
                pick: interpolate,
            }))
        },
        empty: |_| Ok(ScalarValue::Float64(None)),
    }
}

/// The level of the constants `numerator, denominator`.
fn level(constants: &[i64]) -> Result<Ratio> {
    match constants.iter().map(|number| u64::try_from(*number)).collect::<Result<Vec<u64>, _>>().as_deref() {
        Ok(&[numerator, denominator]) if denominator > 0 && numerator <= denominator => {
            Ok(Ratio { numerator, denominator })
        }
        _ => plan_err!("a quantile's level lies between 0 and 1"),
    }
}

/// The types with an order that a discrete quantile takes.
fn ordered(ty: &DataType) -> Option<DataType> {
    match ty {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => Some(DataType::Utf8View),
        _ if ty.is_integer() => Some(DataType::Int64),
        _ if ty.is_floating() => Some(DataType::Float64),
        DataType::Decimal128(..) | DataType::Date32 | DataType::Timestamp(TimeUnit::Millisecond, None) => {
            Some(ty.clone())
        }
        _ => None,
    }
}

/// The accumulator of discrete quantiles for a type.
fn discrete(ty: &DataType, level: Ratio) -> Result<Box<dyn Groups>> {
    fn of<T: ArrowPrimitiveType + Debug>(ty: &DataType, level: Ratio) -> Box<dyn Groups>
    where
        T::Native: ArrowNativeTypeOp,
    {
        Box::new(Collected::<T> {
            ty: ty.clone(),
            groups: Vec::new(),
            held: 0,
            level,
            pick: smallest_reaching::<T::Native>,
        })
    }
    Ok(match ty {
        DataType::Int64 => of::<Int64Type>(ty, level),
        DataType::Float64 => of::<Float64Type>(ty, level),
        DataType::Decimal128(..) => of::<Decimal128Type>(ty, level),
        DataType::Date32 => of::<Date32Type>(ty, level),
        DataType::Timestamp(..) => of::<TimestampMillisecondType>(ty, level),
        DataType::Utf8View => Box::new(CollectedTexts { groups: Vec::new(), level }),
        _ => return plan_err!("mc_quantile_disc does not take a {ty}"),
    })
}

/// The place (from 0) of the smallest of `count` values whose cumulative share reaches the level.
fn place(count: usize, level: Ratio) -> usize {
    let reached = (count as u128 * u128::from(level.numerator)).div_ceil(u128::from(level.denominator));
    usize::try_from(reached).unwrap_or(count).clamp(1, count.max(1)) - 1
}

/// The smallest value whose cumulative share reaches the level.
fn smallest_reaching<N: ArrowNativeTypeOp>(values: &mut [N], level: Ratio) -> Option<N> {
    if values.is_empty() {
        return None;
    }
    let place = place(values.len(), level);
    Some(*values.select_nth_unstable_by(place, |a, b| a.compare(*b)).1)
}

/// Linear interpolation between the closest ranks (type 7).
fn interpolate(values: &mut [f64], level: Ratio) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    let rank = (values.len() as u128 - 1) * u128::from(level.numerator);
    let denominator = u128::from(level.denominator);
    let (whole, rest) = (usize::try_from(rank / denominator).ok()?, rank % denominator);
    let (_, low, above) = values.select_nth_unstable_by(whole, f64::total_cmp);
    if rest == 0 {
        return Some(*low);
    }
    let high = above.iter().copied().min_by(f64::total_cmp).unwrap_or(*low);
    let (rest, denominator) = (rest as f64, denominator as f64);
    // Divided last, what is exactly half a millisecond stays so.
    let between = rest * (high - *low);
    Some(*low + if between.is_finite() { between / denominator } else { rest / denominator * (high - *low) })
}

/// The values of each group, of a primitive type.
struct Collected<T: ArrowPrimitiveType> {
    ty: DataType,
    groups: Vec<Vec<T::Native>>,
    /// How many values there are room for, over all groups.
    held: usize,
    level: Ratio,
    pick: fn(&mut [T::Native], Ratio) -> Option<T::Native>,
}

impl<T: ArrowPrimitiveType> Debug for Collected<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Collected").field("groups", &self.groups.len()).finish_non_exhaustive()
    }
}

impl<T: ArrowPrimitiveType> Collected<T> {
    fn push(&mut self, group: usize, value: T::Native) {
        let values = &mut self.groups[group];
        let before = values.capacity();
        values.push(value);
        self.held += values.capacity() - before;
    }

    fn take(&mut self, emit_to: EmitTo) -> Vec<Vec<T::Native>> {
        let taken = emit_to.take_needed(&mut self.groups);
        self.held -= taken.iter().map(Vec::capacity).sum::<usize>();
        taken
    }
}

impl<T: ArrowPrimitiveType + Debug> GroupsAccumulator for Collected<T> {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.groups.resize_with(total, Vec::new);
        let values = values[0].as_primitive::<T>();
        for (row, group) in groups.iter().enumerate() {
            if values.is_valid(row) && filter.is_none_or(|f| f.is_valid(row) && f.value(row)) {
                self.push(*group, values.value(row));
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let (pick, level) = (self.pick, self.level);
        let found = self.take(emit_to).iter_mut().map(|values| pick(values, level)).collect::<PrimitiveArray<T>>();
        Ok(Arc::new(found.with_data_type(self.ty.clone())))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let taken = self.take(emit_to);
        let lengths: Vec<usize> = taken.iter().map(Vec::len).collect();
        let flat = PrimitiveArray::<T>::from_iter_values(taken.into_iter().flatten()).with_data_type(self.ty.clone());
        Ok(vec![lists(Arc::new(flat), lengths)?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        let (values, groups) = flattened(&states[0], groups);
        self.update_batch(&[values], &groups, None, total)
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        Ok(vec![singletons(&values[0], filter)?])
    }

    fn size(&self) -> usize {
        self.held * size_of::<T::Native>() + self.groups.capacity() * size_of::<Vec<T::Native>>()
    }
}

/// The texts of each group.
#[derive(Debug)]
struct CollectedTexts {
    groups: Vec<Vec<Box<str>>>,
    level: Ratio,
}

impl GroupsAccumulator for CollectedTexts {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.groups.resize_with(total, Vec::new);
        let values = values[0].as_string_view();
        for (row, group) in groups.iter().enumerate() {
            if values.is_valid(row) && filter.is_none_or(|f| f.is_valid(row) && f.value(row)) {
                self.groups[*group].push(values.value(row).into());
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let level = self.level;
        let pick = |mut values: Vec<Box<str>>| {
            if values.is_empty() {
                return None;
            }
            let place = place(values.len(), level);
            Some(std::mem::take(
                values.select_nth_unstable_by(place, Ord::cmp as fn(&Box<str>, &Box<str>) -> Ordering).1,
            ))
        };
        let found = emit_to.take_needed(&mut self.groups).into_iter().map(pick).collect::<StringViewArray>();
        Ok(Arc::new(found))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let taken = emit_to.take_needed(&mut self.groups);
        let lengths: Vec<usize> = taken.iter().map(Vec::len).collect();
        let flat = StringViewArray::from_iter_values(taken.iter().flatten());
        Ok(vec![lists(Arc::new(flat), lengths)?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        let (values, groups) = flattened(&states[0], groups);
        self.update_batch(&[values], &groups, None, total)
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        Ok(vec![singletons(&values[0], filter)?])
    }

    fn size(&self) -> usize {
        let texts = |group: &Vec<Box<str>>| {
            group.capacity() * size_of::<Box<str>>() + group.iter().map(|text| text.len()).sum::<usize>()
        };
        self.groups.capacity() * size_of::<Vec<Box<str>>>() + self.groups.iter().map(texts).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::{Float64Array, Int64Array};

    fn ratio(numerator: u64) -> Ratio {
        Ratio { numerator, denominator: 100 }
    }

    #[test]
    fn interpolation_is_between_the_closest_ranks() {
        let values = || vec![4.0, 1.0, 3.0, 2.0];
        assert_eq!(interpolate(&mut values(), ratio(50)), Some(2.5));
        assert_eq!(interpolate(&mut values(), ratio(0)), Some(1.0));
        assert_eq!(interpolate(&mut values(), ratio(100)), Some(4.0));
        assert_eq!(interpolate(&mut values(), ratio(95)), Some(3.0 + 0.85));
        assert_eq!(interpolate(&mut [7.0], ratio(95)), Some(7.0));
        // Exactly a half: 46 + 0.55 × 710 is more in floats.
        assert_eq!(interpolate(&mut [46.0, 756.0], ratio(55)), Some(436.5));
        assert_eq!(interpolate(&mut [0.0, 1.5e308], ratio(50)), Some(7.5e307));
        assert_eq!(interpolate(&mut [], ratio(95)), None);
    }

    #[test]
    fn the_discrete_quantile_is_a_value_of_the_data() {
        let values = || vec![40_i64, 10, 30, 20];
        for (level, expected) in [(0, 10), (25, 10), (26, 20), (50, 20), (51, 30), (100, 40)] {
            assert_eq!(smallest_reaching(&mut values(), ratio(level)), Some(expected), "{level}");
        }
        assert_eq!(smallest_reaching::<i64>(&mut [], ratio(50)), None);
    }

    #[test]
    fn groups_skip_nulls_and_filtered_rows_and_merge_from_states() {
        let make = || (FUNCTIONS[0].accumulator)(&DataType::Float64, &[1, 2]).unwrap();
        let values: ArrayRef = Arc::new(Float64Array::from(vec![Some(1.0), None, Some(3.0), Some(9.0), Some(5.0)]));
        let filter = BooleanArray::from(vec![Some(true), Some(true), Some(true), None, Some(true)]);
        let mut first = make();
        first.update_batch(&[Arc::clone(&values)], &[0, 0, 0, 0, 2], Some(&filter), 3).unwrap();
        let states = first.state(EmitTo::All).unwrap();
        let converted = first.convert_to_state(&[Arc::clone(&values)], Some(&filter)).unwrap();
        let mut second = make();
        second.merge_batch(&states, &[0, 1, 2], 3).unwrap();
        second.merge_batch(&converted, &[1, 1, 1, 1, 1], 3).unwrap();
        let early = second.evaluate(EmitTo::First(1)).unwrap();
        assert_eq!(early.as_primitive::<Float64Type>(), &Float64Array::from(vec![2.0]));
        let rest = second.evaluate(EmitTo::All).unwrap();
        assert_eq!(rest.as_primitive::<Float64Type>(), &Float64Array::from(vec![3.0, 5.0]));
    }

    #[test]
    fn texts_have_a_discrete_quantile() {
        let mut found = discrete(&DataType::Utf8View, ratio(50)).unwrap();
        let values: ArrayRef = Arc::new(StringViewArray::from(vec![Some("b"), None, Some("a"), Some("ab")]));
        found.update_batch(&[values], &[0; 4], None, 2).unwrap();
        let states = found.state(EmitTo::All).unwrap();
        found.merge_batch(&states, &[0, 1], 2).unwrap();
        let medians = found.evaluate(EmitTo::All).unwrap();
        assert_eq!(medians.as_string_view(), &StringViewArray::from(vec![Some("ab"), None]));
    }

    #[test]
    fn levels_outside_of_0_to_1_are_errors() {
        for constants in [&[2, 1][..], &[-1, 1], &[0, 0], &[1]] {
            assert!(level(constants).is_err());
        }
        assert!(discrete(&DataType::Boolean, ratio(50)).is_err());
        let values: ArrayRef = Arc::new(Int64Array::from(vec![3, 1, 2]));
        let mut found = discrete(&DataType::Int64, ratio(50)).unwrap();
        found.update_batch(&[values], &[0; 3], None, 1).unwrap();
        assert_eq!(found.evaluate(EmitTo::All).unwrap().as_primitive::<Int64Type>().value(0), 2);
    }
}
