//! The share of each of several edits.

use super::{Edit, Share};

/// The most edits of which all orders are looked at: two to the power of so many programs are computed.
pub const MOST_EDITS: usize = 4;

/// The most edits that have shares.
pub const MOST_ORDERED: usize = 12;

/// The share of each edit. `value` tells the number with the edits of a set of bits; none where the project does not compile so.
///
/// Of more than [`MOST_EDITS`] edits only two orders are looked at: one after the other, and the other way round. Errors of `value`
/// end it; none where edits can't be told apart. There must be no more than [`MOST_ORDERED`].
pub fn shares<E>(
    edits: &[Edit],
    mut value: impl FnMut(u64) -> Result<Option<f64>, E>,
) -> Result<Option<Vec<Share>>, E> {
    let count = edits.len();
    let orders =
        if count <= MOST_EDITS { orders(count) } else { vec![(0..count).collect(), (0..count).rev().collect()] };
    let mut known: std::collections::BTreeMap<u64, f64> = std::collections::BTreeMap::new();
    let mut adds = vec![0.0; count];
    for order in &orders {
        let mut made = 0_u64;
        let mut before = None;
        for edit in std::iter::once(None).chain(order.iter().map(Some)) {
            made |= edit.map_or(0, |edit| 1 << edit);
            let number = match known.get(&made) {
                Some(number) => *number,
                None => match value(made)? {
                    Some(number) => *known.entry(made).or_insert(number),
                    None => return Ok(None),
                },
            };
            if let (Some(edit), Some(before)) = (edit, before) {
                adds[*edit] += (number - before) / orders.len() as f64;
            }
            before = Some(number);
        }
    }
    Ok(Some(edits.iter().zip(adds).map(|(edit, adds)| Share { edit: edit.label(), adds }).collect()))
}

/// All orders of so many things.
fn orders(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let shorter = orders(count - 1);
    let with = |order: &Vec<usize>| {
        let order = order.clone();
        (0..=order.len()).map(move |at| {
            let mut longer = order.clone();
            longer.insert(at, count - 1);
            longer
        })
    };
    shorter.iter().flat_map(with).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lineage::Kind;

    fn edits(count: usize) -> Vec<Edit> {
        (0..count).map(|at| Edit::Declaration((Kind::Metric, format!("m{at}"), 1))).collect()
    }

    fn told(count: usize, value: impl Fn(u64) -> Option<f64>) -> Option<Vec<f64>> {
        let shares = shares(&edits(count), |made| Ok::<_, ()>(value(made))).expect("no error");
        shares.map(|shares| shares.into_iter().map(|share| share.adds).collect())
    }

    #[test]
    fn edits_that_do_not_touch_each_other_have_what_they_do_alone() {
        let value = |made: u64| Some(100.0 - 10.0 * (made & 1) as f64 - 5.0 * (made >> 1 & 1) as f64);
        assert_eq!(told(2, value), Some(vec![-10.0, -5.0]));
    }

    #[test]
    fn what_only_both_do_is_shared() {
        // 100 rows; each filter alone takes 20 of them, both together 30.
        let value = |made: u64| Some([100.0, 80.0, 80.0, 70.0][made as usize]);
        assert_eq!(told(2, value), Some(vec![-15.0, -15.0]));
    }

    #[test]
    fn shares_add_up_for_many_edits_too() {
        for count in [3, 4, 6] {
            let value = |made: u64| Some((made.count_ones().pow(2) + (made & 3) as u32) as f64);
            let all = told(count, value).expect("shares");
            let whole = value((1 << count) - 1).expect("a value") - value(0).expect("a value");
            assert!((all.iter().sum::<f64>() - whole).abs() < 1e-9, "{all:?}");
        }
    }

    #[test]
    fn where_a_program_does_not_compile_there_are_none() {
        assert_eq!(told(2, |made| (made != 1).then_some(1.0)), None);
    }
}
