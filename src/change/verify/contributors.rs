//! Which slices carry a difference.

use std::collections::BTreeMap;

use super::join::Pair;
use super::number::relative;
use super::{Cell, Number};

/// A slice with both values.
#[derive(Clone, Debug, PartialEq)]
pub struct Slice {
    /// The dimension values.
    pub slice: Vec<Option<String>>,
    /// The old value; over several buckets the sum.
    pub old: Cell,
    /// The new one.
    pub new: Cell,
    /// Their difference.
    pub difference: Number,
    /// It, relative to the old value: infinite where there was none.
    pub relative: f64,
    /// Its part of the weighted error, with its sign.
    pub share: f64,
    /// The volume behind it.
    pub volume: f64,
}

impl Slice {
    /// Of a pair that weighs `weight` for each unit, in a bucket whose old values weigh `whole`.
    pub(super) fn of(pair: &Pair, weight: f64, whole: f64) -> Slice {
        let difference = Cell::difference(&pair.old, &pair.new);
        let moved = difference.as_f64();
        Slice {
            slice: pair.slice.clone(),
            old: pair.old.clone(),
            new: pair.new.clone(),
            difference,
            relative: relative(moved, pair.old.weight()),
            share: relative(moved * weight, whole),
            volume: volume(pair),
        }
    }
}

/// The volume of a pair: as told, or the greater of both values.
pub(super) fn volume(pair: &Pair) -> f64 {
    pair.volume.unwrap_or_else(|| pair.old.weight().max(pair.new.weight()))
}

/// The slices that differ, those that carry most first; equal ones in their order.
pub(super) fn ranked(mut slices: Vec<Slice>, most: usize) -> Vec<Slice> {
    slices.retain(|slice| !slice.difference.is_zero());
    slices.sort_by(|a, b| b.share.abs().total_cmp(&a.share.abs()).then_with(|| a.slice.cmp(&b.slice)));
    slices.truncate(most);
    slices
}

/// The same over several buckets: values and shares are sums.
pub(super) fn over<'a>(
    buckets: impl Iterator<Item = (&'a [Pair], &'a dyn Fn(&Pair) -> f64)>,
    most: usize,
) -> Vec<Slice> {
    let mut sums: BTreeMap<&[Option<String>], (Slice, f64)> = BTreeMap::new();
    let mut whole = 0.0;
    for (pairs, weight) in buckets {
        for pair in pairs {
            let weight = weight(pair);
            whole += pair.old.weight() * weight;
            let own = Slice::of(pair, weight, 1.0);
            let moved = own.difference.as_f64() * weight;
            match sums.get_mut(pair.slice.as_slice()) {
                None => {
                    sums.insert(&pair.slice, (own, moved));
                }
                Some((sum, all)) => {
                    sum.old = added(&sum.old, &own.old);
                    sum.new = added(&sum.new, &own.new);
                    sum.difference = sum.difference.plus(own.difference);
                    sum.volume += own.volume;
                    *all += moved;
                }
            }
        }
    }
    let slices = sums.into_values().map(|(slice, moved)| Slice {
        share: relative(moved, whole),
        relative: relative(slice.difference.as_f64(), slice.old.weight()),
        ..slice
    });
    ranked(slices.collect(), most)
}

fn added(a: &Cell, b: &Cell) -> Cell {
    match (a.number(), b.number()) {
        (Some(x), Some(y)) => Cell::Number(x.plus(y)),
        (None, Some(_)) => b.clone(),
        (Some(_), None) => a.clone(),
        // Of other values there is no sum: the first one that is there stands for them.
        (None, None) => {
            if matches!(a, Cell::Missing) {
                b.clone()
            } else {
                a.clone()
            }
        }
    }
}
