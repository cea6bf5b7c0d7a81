//! Shares of a difference: which groups carry it. Whatever is told of groups sums to the difference of the whole.

use crate::change::verify::Number;

/// The text of a group; none is null.
pub type Group = Option<String>;

/// A group with its values in both periods; what has no row has no value.
#[derive(Clone, Debug, PartialEq)]
pub struct Slice<T> {
    /// Which.
    pub group: Group,
    /// In the earlier period.
    pub old: T,
    /// In the later one.
    pub new: T,
}

/// How much of a difference a group carries.
#[derive(Clone, Debug, PartialEq)]
pub struct Contribution {
    /// Which.
    pub group: Group,
    /// In the earlier period.
    pub old: Option<Number>,
    /// In the later one.
    pub new: Option<Number>,
    /// Later less earlier, where what has no row is 0.
    pub effect: Number,
}

/// The contributions of groups to the difference of their sum, the greatest first; none where they do not add up to the whole in
/// both periods, so that no share of it would be true.
pub fn contributions(
    slices: &[Slice<Option<Number>>],
    old: Option<Number>,
    new: Option<Number>,
) -> Option<Vec<Contribution>> {
    let zero = Number::int(0);
    let sum =
        |of: &dyn Fn(&Slice<Option<Number>>) -> Option<Number>| slices.iter().filter_map(of).fold(zero, Number::plus);
    let whole = |found: Number, whole: Option<Number>| close(found, whole.unwrap_or(zero));
    if !whole(sum(&|slice| slice.old), old) || !whole(sum(&|slice| slice.new), new) {
        return None;
    }
    let mut all: Vec<Contribution> = slices
        .iter()
        .map(|slice| Contribution {
            group: slice.group.clone(),
            old: slice.old,
            new: slice.new,
            effect: slice.new.unwrap_or(zero).minus(slice.old.unwrap_or(zero)),
        })
        .collect();
    all.sort_by(|a, b| by_size(a.effect.as_f64(), b.effect.as_f64(), &a.group, &b.group));
    Some(all)
}

/// Equal, or as equal as sums of floats in another order are.
fn close(a: Number, b: Number) -> bool {
    match (a, b) {
        (Number::Exact { .. }, Number::Exact { .. }) => a == b,
        _ => near(a.as_f64(), b.as_f64(), a.as_f64().abs().max(b.as_f64().abs())),
    }
}

fn near(a: f64, b: f64, scale: f64) -> bool {
    (a - b).abs() <= 1e-9 * scale
}

/// The greatest first, whichever way it goes; of equal ones by the group.
fn by_size(a: f64, b: f64, group_a: &Group, group_b: &Group) -> std::cmp::Ordering {
    b.abs().total_cmp(&a.abs()).then_with(|| group_a.cmp(group_b))
}

/// Numerator and denominator of a group; what has no row has 0.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pair {
    /// What is divided.
    pub numerator: f64,
    /// By what.
    pub denominator: f64,
}

impl Pair {
    /// The quotient; none of nothing.
    fn rate(self) -> Option<f64> {
        (self.denominator != 0.0).then(|| self.numerator / self.denominator)
    }
}

/// How much of the difference of a quotient a group carries, and in which way.
#[derive(Clone, Debug, PartialEq)]
pub struct Effects {
    /// Which.
    pub group: Group,
    /// Its quotient in the earlier period.
    pub old: Option<f64>,
    /// In the later one.
    pub new: Option<f64>,
    /// Its share of the denominator in the earlier period.
    pub old_share: f64,
    /// In the later one.
    pub new_share: f64,
    /// Since its own quotient differs.
    pub rate: f64,
    /// Since its share of the denominator differs.
    pub mix: f64,
    /// Since it has a numerator without a denominator.
    pub beside: f64,
}

impl Effects {
    /// All of it.
    pub fn all(&self) -> f64 {
        self.rate + self.mix + self.beside
    }
}

/// The effects of groups on a quotient of sums, the greatest first; none where the groups do not add up to the whole in both
/// periods, or where the whole has no quotient.
///
/// With the shares `w = D_i / D` of the denominator and the rates `r = N_i / D_i` of a group, whose midpoints are `w̄` and `r̄`, and the
/// midpoint `R̄` of the whole: the rate effect is `w̄·Δr`, the mix effect `Δw·(r̄ − R̄)`. Since the shares sum to 1 in both periods,
/// `R̄` cancels, and the effects sum to `ΔR`. A group without a denominator in one period has the rate of the other one: all of its
/// effect is mix. What it has of a numerator in a period without a denominator, as a part of the whole's, is told beside.
pub fn effects(slices: &[Slice<Pair>], old: Pair, new: Pair) -> Option<Vec<Effects>> {
    let adds = |of: &dyn Fn(&Slice<Pair>) -> f64, whole: f64| {
        let (sum, size) = slices.iter().map(of).fold((0.0, 0.0), |(sum, size), x| (sum + x, size + x.abs()));
        near(sum, whole, f64::max(size, whole.abs()))
    };
    let whole = adds(&|slice| slice.old.numerator, old.numerator)
        && adds(&|slice| slice.old.denominator, old.denominator)
        && adds(&|slice| slice.new.numerator, new.numerator)
        && adds(&|slice| slice.new.denominator, new.denominator);
    if !whole {
        return None;
    }
    let middle = f64::midpoint(old.rate()?, new.rate()?);
    let mut all: Vec<Effects> = slices.iter().map(|slice| effect(slice, old, new, middle)).collect();
    all.sort_by(|a, b| by_size(a.all(), b.all(), &a.group, &b.group));
    Some(all)
}

fn effect(slice: &Slice<Pair>, old: Pair, new: Pair, middle: f64) -> Effects {
    let (before, after) = (slice.old.rate(), slice.new.rate());
    let (old_share, new_share) = (slice.old.denominator / old.denominator, slice.new.denominator / new.denominator);
    // What is not there in one period has the rate of the other one.
    let (from, to) = (before.or(after).unwrap_or(middle), after.or(before).unwrap_or(middle));
    let lone = |pair: Pair, whole: Pair| if pair.denominator == 0.0 { pair.numerator / whole.denominator } else { 0.0 };
    Effects {
        group: slice.group.clone(),
        old: before,
        new: after,
        old_share,
        new_share,
        rate: f64::midpoint(old_share, new_share) * (to - from),
        mix: (new_share - old_share) * (f64::midpoint(from, to) - middle),
        beside: lone(slice.new, new) - lone(slice.old, old),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slice<T>(group: &str, old: T, new: T) -> Slice<T> {
        Slice { group: Some(group.to_owned()), old, new }
    }

    fn pair(numerator: f64, denominator: f64) -> Pair {
        Pair { numerator, denominator }
    }

    #[test]
    fn contributions_are_exact_and_sum_to_the_difference() {
        let cents = |digits| Some(Number::Exact { digits, scale: 2 });
        let slices = [
            slice("a", cents(10), cents(30)),
            slice("new", None, cents(5)),
            slice("gone", cents(70), None),
            Slice { group: None, old: cents(1), new: cents(1) },
        ];
        let found = contributions(&slices, cents(81), cents(36)).expect("they add up");
        let texts: Vec<(Option<&str>, String)> =
            found.iter().map(|one| (one.group.as_deref(), one.effect.text())).collect();
        let text = |group, effect: &str| (Some(group), effect.to_owned());
        assert_eq!(texts, [text("gone", "-0.70"), text("a", "0.20"), text("new", "0.05"), (None, "0.00".to_owned())]);
        let sum = found.iter().map(|one| one.effect).fold(Number::int(0), Number::plus);
        assert_eq!(sum, Number::Exact { digits: -45, scale: 2 });
        // A whole that is not their sum, in either period, has no shares.
        assert_eq!(contributions(&slices, cents(82), cents(36)), None);
        assert_eq!(contributions(&slices, cents(81), cents(35)), None);
        assert_eq!(contributions(&[], None, None), Some(Vec::new()));
    }

    #[test]
    fn a_better_mix_of_worse_rates_is_told_as_both() {
        // Both rates fall by a tenth, and what is good has more of it: the whole rises all the same.
        let slices =
            [slice("good", pair(80.0, 100.0), pair(630.0, 900.0)), slice("bad", pair(180.0, 900.0), pair(10.0, 100.0))];
        let found = effects(&slices, pair(260.0, 1_000.0), pair(640.0, 1_000.0)).expect("they add up");
        assert!(found.iter().all(|one| one.rate < 0.0 && one.mix > 0.0), "{found:?}");
        let sum: f64 = found.iter().map(Effects::all).sum();
        assert!((sum - 0.38).abs() < 1e-12, "{sum}");
    }

    #[test]
    fn what_comes_or_goes_is_mix_and_what_has_no_denominator_is_beside() {
        let slices = [
            slice("stays", pair(50.0, 100.0), pair(50.0, 100.0)),
            slice("comes", pair(0.0, 0.0), pair(90.0, 100.0)),
            slice("odd", pair(5.0, 0.0), pair(0.0, 0.0)),
        ];
        let found = effects(&slices, pair(55.0, 100.0), pair(140.0, 200.0)).expect("they add up");
        let of = |group: &str| found.iter().find(|one| one.group.as_deref() == Some(group)).expect("a group").clone();
        assert_eq!((of("comes").rate, of("comes").old, of("comes").new), (0.0, None, Some(0.9)));
        assert_eq!((of("odd").rate, of("odd").mix, of("odd").beside), (0.0, 0.0, -0.05));
        let sum: f64 = found.iter().map(Effects::all).sum();
        assert!((sum - 0.15).abs() < 1e-12, "{sum}");
    }

    #[test]
    fn no_quotient_has_no_effects() {
        let slices = [slice("a", pair(0.0, 0.0), pair(1.0, 2.0))];
        assert_eq!(effects(&slices, pair(0.0, 0.0), pair(1.0, 2.0)), None);
        assert_eq!(effects(&slices, pair(0.0, 1.0), pair(1.0, 2.0)), None);
    }

    /// Random groups: some empty, some new, some gone, some with a numerator alone, of sizes far apart and of both signs.
    #[test]
    fn effects_of_any_groups_sum_to_the_whole() {
        let mut random = fastrand::Rng::with_seed(17);
        for round in 0..20_000 {
            let part = |random: &mut fastrand::Rng| match random.u8(0..10) {
                0 => Pair::default(),
                1 => pair(f64::from(random.i32(-5..50)), 0.0),
                2 => pair(0.0, f64::from(random.i32(1..50))),
                _ => {
                    let size = 10_f64.powi(random.i32(0..7));
                    pair((random.f64() - 0.2) * size, random.f64() * size)
                }
            };
            let count = random.usize(0..12);
            let slices: Vec<Slice<Pair>> = (0..count)
                .map(|place| Slice {
                    group: (place > 0).then(|| format!("{place}")),
                    old: part(&mut random),
                    new: part(&mut random),
                })
                .collect();
            let sum = |of: &dyn Fn(&Slice<Pair>) -> Pair| {
                slices
                    .iter()
                    .map(of)
                    .fold(Pair::default(), |a, b| pair(a.numerator + b.numerator, a.denominator + b.denominator))
            };
            let (old, new) = (sum(&|slice| slice.old), sum(&|slice| slice.new));
            let found = effects(&slices, old, new);
            let (Some(before), Some(after)) = (old.rate(), new.rate()) else {
                assert_eq!(found, None, "round {round}");
                continue;
            };
            let found = found.expect("they add up");
            let sum: f64 = found.iter().map(Effects::all).sum();
            let size: f64 = found.iter().map(|one| one.rate.abs() + one.mix.abs() + one.beside.abs()).sum();
            let allowed = 1e-9 * (size + before.abs() + after.abs());
            assert!((sum - (after - before)).abs() <= allowed, "round {round}: {sum} and not {}", after - before);
            assert!(found.iter().all(|one| one.all().is_finite()), "round {round}");
        }
    }
}
