//! Aggregates, from the definition, with exact whole numbers where the meaning is exact.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use super::super::model::*;
use super::End;
use super::eval::{compare, float};

/// A value with a total order: null after everything else.
#[derive(Clone, Debug)]
pub struct Cell(pub Value);

impl Ord for Cell {
    fn cmp(&self, other: &Cell) -> Ordering {
        match (&self.0, &other.0) {
            (Value::Null, Value::Null) => Ordering::Equal,
            (Value::Null, _) => Ordering::Greater,
            (_, Value::Null) => Ordering::Less,
            (a, b) => compare(a, b),
        }
    }
}

impl PartialOrd for Cell {
    fn partial_cmp(&self, other: &Cell) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Cell {
    fn eq(&self, other: &Cell) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Cell {}

/// A row's value, with what orders rows for `first` and `last`.
#[derive(Clone, Debug)]
pub struct Item {
    pub value: Value,
    pub time: i64,
    pub key: Vec<Cell>,
}

/// An aggregate of the values of at least one row. `ty` is the type of the values.
pub fn aggregate(aggregate: Aggregate, ty: &Ty, items: &[Item], end: End) -> Value {
    let order = |a: &&Item, b: &&Item| (a.time, &a.key).cmp(&(b.time, &b.key));
    match aggregate {
        Aggregate::First => return items.iter().min_by(order).map_or(Value::Null, |item| item.value.clone()),
        Aggregate::Last => return items.iter().max_by(order).map_or(Value::Null, |item| item.value.clone()),
        _ => {}
    }
    let mut values: Vec<&Value> = items.iter().map(|item| &item.value).filter(|value| !value.is_null()).collect();
    match aggregate {
        Aggregate::Count => return Value::Int(values.len() as i64),
        Aggregate::Distinct | Aggregate::ApproxDistinct => {
            let different: BTreeSet<Cell> = values.into_iter().map(|value| Cell(value.clone())).collect();
            return Value::Int(different.len() as i64);
        }
        Aggregate::Sum => return sum(ty, &values),
        _ => {}
    }
    if values.is_empty() {
        return Value::Null;
    }
    values.sort_by(|a, b| compare(a, b));
    match aggregate {
        Aggregate::Min => values[0].clone(),
        Aggregate::Max => values[values.len() - 1].clone(),
        Aggregate::Avg => average(ty, &values),
        Aggregate::ApproxQuantile(parts) if end != End::Right => neighbour(&values, parts, end),
        Aggregate::Percentile(parts) | Aggregate::Quantile(parts) | Aggregate::ApproxQuantile(parts) => {
            quantile(&values, parts)
        }
        Aggregate::QuantileDisc(parts) => {
            // The smallest value whose cumulative share is at least the level: share of the i-th is i / n.
            let place = (values.len() * usize::from(parts)).div_ceil(1_000).max(1);
            values[place - 1].clone()
        }
        Aggregate::Stddev | Aggregate::Variance if values.len() < 2 => Value::Null,
        Aggregate::Variance => Value::Float(variance(&values)),
        Aggregate::Stddev => Value::Float(variance(&values).sqrt()),
        Aggregate::Count | Aggregate::Distinct | Aggregate::ApproxDistinct | Aggregate::Sum => unreachable!("above"),
        Aggregate::First | Aggregate::Last => unreachable!("above"),
    }
}

/// What a leaf without rows is where it is not null.
pub fn zero(aggregate: Aggregate, ty: &Ty) -> Value {
    match aggregate {
        Aggregate::Sum => sum(ty, &[]),
        _ => Value::Int(0),
    }
}

fn digits(value: &Value) -> i128 {
    match value {
        Value::Int(i) | Value::Duration(i) => i128::from(*i),
        Value::Decimal(digits, _) => *digits,
        other => panic!("{other:?} has no digits"),
    }
}

fn exact_sum(values: &[&Value]) -> i128 {
    values.iter().map(|value| digits(value)).sum()
}

/// Compensated, so that what cancels leaves no dirt.
fn float_sum(values: impl Iterator<Item = f64>) -> f64 {
    let (mut total, mut lost) = (0.0f64, 0.0f64);
    for value in values {
        let next = total + value;
        lost += if total.abs() >= value.abs() { (total - next) + value } else { (value - next) + total };
        total = next;
    }
    total + lost
}

fn sum(ty: &Ty, values: &[&Value]) -> Value {
    match ty {
        Ty::Int => Value::Decimal(exact_sum(values), 0),
        Ty::Decimal(_, scale) => Value::Decimal(exact_sum(values), *scale),
        Ty::Duration => Value::Duration(exact_sum(values) as i64),
        Ty::Float => Value::Float(float_sum(values.iter().map(|value| float(value)))),
        other => panic!("a sum of {other:?}"),
    }
}

fn average(ty: &Ty, values: &[&Value]) -> Value {
    let count = values.len() as i128;
    match ty {
        Ty::Int => Value::Float(exact_sum(values) as f64 / count as f64),
        Ty::Decimal(_, scale) => Value::Float(exact_sum(values) as f64 / 10f64.powi(i32::from(*scale)) / count as f64),
        Ty::Float => Value::Float(float_sum(values.iter().map(|value| float(value))) / count as f64),
        Ty::Duration => Value::Duration(half_even(exact_sum(values), count)),
        other => panic!("an average of {other:?}"),
    }
}

/// `a / b` to the nearest whole number, a tie to the even one.
fn half_even(a: i128, b: i128) -> i64 {
    let (quotient, rest) = (a.div_euclid(b), a.rem_euclid(b));
    let up = match (rest * 2).cmp(&b) {
        Ordering::Less => false,
        Ordering::Equal => quotient % 2 != 0,
        Ordering::Greater => true,
    };
    (quotient + i128::from(up)) as i64
}

/// Type 7: linear interpolation at `(n - 1) · level`. `values` are sorted.
fn quantile(values: &[&Value], parts: u16) -> Value {
    let place = (values.len() - 1) * usize::from(parts);
    let (index, rest) = (place / 1_000, place % 1_000);
    let (low, high) = (values[index], values[(index + 1).min(values.len() - 1)]);
    if let (Value::Duration(low), Value::Duration(high)) = (low, high) {
        let (low, high, rest) = (i128::from(*low), i128::from(*high), rest as i128);
        return Value::Duration(half_even(low * (1_000 - rest) + high * rest, 1_000));
    }
    let (low, high) = (float(low), float(high));
    if rest == 0 || low == high {
        return Value::Float(low);
    }
    let share = rest as f64 / 1_000.0;
    Value::Float(low * (1.0 - share) + high * share)
}

/// A value not far from the quantile's place: one beside it, and 2 % of all.
fn neighbour(values: &[&Value], parts: u16, end: End) -> Value {
    let (place, last) = ((values.len() - 1) * usize::from(parts), values.len() - 1);
    let slack = 1 + values.len() / 50;
    let found = match end {
        End::Low => values[(place / 1_000).saturating_sub(slack)],
        _ => values[(place.div_ceil(1_000) + slack).min(last)],
    };
    match found {
        Value::Duration(_) => found.clone(),
        number => Value::Float(float(number)),
    }
}

fn variance(values: &[&Value]) -> f64 {
    let count = values.len() as f64;
    // Deviations are taken from one of the values first, so that numbers far from zero lose nothing.
    let base = float(values[values.len() / 2]);
    let shifted: Vec<f64> = values.iter().map(|value| float(value) - base).collect();
    let mean = float_sum(shifted.iter().copied()) / count;
    float_sum(shifted.iter().map(|x| (x - mean) * (x - mean))) / (count - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(kind: Aggregate, ty: Ty, values: &[Value]) -> Value {
        let item = |(i, value): (usize, &Value)| Item { value: value.clone(), time: i as i64, key: Vec::new() };
        aggregate(kind, &ty, &values.iter().enumerate().map(item).collect::<Vec<_>>(), End::Right)
    }

    fn ints(values: &[i64]) -> Vec<Value> {
        values.iter().map(|i| Value::Int(*i)).collect()
    }

    fn durations(values: &[i64]) -> Vec<Value> {
        values.iter().map(|i| Value::Duration(*i)).collect()
    }

    #[test]
    fn sums_are_wider_than_their_values_and_zero_over_nulls() {
        assert_eq!(
            of(Aggregate::Sum, Ty::Int, &ints(&[i64::MAX, i64::MAX])),
            Value::Decimal(18_446_744_073_709_551_614, 0)
        );
        assert_eq!(of(Aggregate::Sum, Ty::Decimal(9, 2), &[Value::Null]), Value::Decimal(0, 2));
        assert_eq!(of(Aggregate::Avg, Ty::Int, &[Value::Null]), Value::Null);
    }

    #[test]
    fn durations_round_half_even() {
        assert_eq!(of(Aggregate::Avg, Ty::Duration, &durations(&[2, 3])), Value::Duration(2));
        assert_eq!(of(Aggregate::Percentile(500), Ty::Duration, &durations(&[3, 4])), Value::Duration(4));
        assert_eq!(of(Aggregate::Avg, Ty::Duration, &durations(&[-1, -2])), Value::Duration(-2));
    }

    #[test]
    fn quantiles_interpolate_and_discrete_ones_do_not() {
        let values = ints(&[4, 1, 3, 2]);
        assert_eq!(of(Aggregate::Quantile(250), Ty::Int, &values), Value::Float(1.75));
        assert_eq!(of(Aggregate::QuantileDisc(250), Ty::Int, &values), Value::Int(1));
        assert_eq!(of(Aggregate::QuantileDisc(251), Ty::Int, &values), Value::Int(2));
        assert_eq!(of(Aggregate::QuantileDisc(0), Ty::Int, &values), Value::Int(1));
    }

    #[test]
    fn deviations_are_those_of_a_sample() {
        assert_eq!(of(Aggregate::Variance, Ty::Int, &ints(&[1 << 52, (1 << 52) - 2])), Value::Float(2.0));
        assert_eq!(of(Aggregate::Stddev, Ty::Int, &ints(&[5])), Value::Null);
    }

    #[test]
    fn first_and_last_keep_nulls() {
        assert_eq!(of(Aggregate::First, Ty::Int, &[Value::Null, Value::Int(1)]), Value::Null);
        assert_eq!(of(Aggregate::Last, Ty::Int, &[Value::Null, Value::Int(1)]), Value::Int(1));
    }
}
