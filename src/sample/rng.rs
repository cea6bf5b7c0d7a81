//! A small random number generator whose numbers never change.
//!
//! Every thing of the world (a user, a day's session, a table's row) has a generator of its own, seeded by what the
//! thing is and not by what was drawn before it. So a table can be written alone, and its rows agree with all others.

/// SplitMix64.
#[derive(Clone, Debug)]
pub struct Rng(u64);

/// What a generator is for; keeps the streams of different things apart.
#[derive(Clone, Copy, Debug)]
#[repr(u64)]
pub(super) enum Stream {
    User = 1,
    Device,
    Active,
    Session,
    Event,
    Page,
    Call,
    Task,
    Order,
    Ledger,
    Ticket,
    Survey,
    Error,
    Marketing,
    Resource,
    Festival,
    Recall,
    BroughtSession,
    Experiment,
    Touch,
    Membership,
    Replay,
    Props,
    Credited,
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

impl Rng {
    /// The generator of the thing `(a, b)` of a stream.
    pub(super) fn of(seed: u64, stream: Stream, a: u64, b: u64) -> Rng {
        let s = mix(seed.wrapping_add((stream as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)));
        Rng(mix(mix(s ^ a.wrapping_mul(0xD6E8_FEB8_6659_FD93)).wrapping_add(b.wrapping_mul(0xA076_1D64_78BD_642F))))
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0)
    }

    /// A number in `0..n` (0 for n = 0).
    pub fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(n)) >> 64) as u64
    }

    /// A number in `low..=high`.
    pub fn range(&mut self, low: i64, high: i64) -> i64 {
        low + self.below((high - low + 1).max(1) as u64) as i64
    }

    /// True in `per_10k` of 10,000 draws.
    pub fn chance(&mut self, per_10k: u64) -> bool {
        self.below(10_000) < per_10k
    }

    /// One of the items.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len() as u64) as usize]
    }

    /// The place of one of the weights, in proportion to them.
    pub fn weighted(&mut self, weights: &[u32]) -> usize {
        let total: u64 = weights.iter().map(|w| u64::from(*w)).sum();
        let mut at = self.below(total);
        for (place, weight) in weights.iter().enumerate() {
            let weight = u64::from(*weight);
            if at < weight {
                return place;
            }
            at -= weight;
        }
        weights.len() - 1
    }

    /// A positive number around `base` with a long tail to the right: most within ±40 %, one of twelve far out.
    ///
    /// Whole-number arithmetic only: floating-point functions differ between machines.
    pub fn tailed(&mut self, base: i64) -> i64 {
        let near = base * self.range(600, 1400) / 1000;
        if self.chance(833) {
            // 1 / (1 - u), cut at 20: a Pareto tail
            near + near * (1000 * 1000 / self.range(50, 1000)) / 1000
        } else {
            near
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_a_stream_never_change() {
        let mut rng = Rng::of(42, Stream::User, 7, 0);
        let drawn: Vec<u64> = (0..4).map(|_| rng.below(1000)).collect();
        assert_eq!(drawn, [135, 211, 677, 554]);
        // the first numbers of the reference implementation
        let mut reference = Rng(1_234_567);
        assert_eq!([reference.bits(), reference.bits()], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
    }

    #[test]
    fn draws_stay_in_their_range() {
        let mut rng = Rng::of(1, Stream::Session, 0, 0);
        for _ in 0..10_000 {
            assert!((-3..=5).contains(&rng.range(-3, 5)));
            assert!(rng.weighted(&[1, 0, 2]) != 1);
            assert!(rng.tailed(100) >= 60);
        }
        assert_eq!(rng.below(0), 0);
    }

    #[test]
    fn neighbours_are_unrelated() {
        let mean = (0..10_000).map(|n| Rng::of(1, Stream::User, n, 0).below(1000)).sum::<u64>() / 10_000;
        assert!((480..=520).contains(&mean), "{mean}");
    }
}
