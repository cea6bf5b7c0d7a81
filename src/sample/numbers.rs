//! Numbers of things, and the keys made of them.
//!
//! What campaigns, the experiment and renewals bring is numbered apart from what happens anyway. So the world with them
//! holds the world without them, row for row, and the difference of the two is their effect.

/// The first number of what was brought.
const BROUGHT: u64 = 1 << 40;

/// How many things of a kind there have been.
#[derive(Default)]
pub(super) struct Numbers {
    own: u64,
    brought: u64,
}

impl Numbers {
    /// The number of the next thing.
    pub(super) fn next(&mut self, brought: bool) -> u64 {
        let counter = if brought { &mut self.brought } else { &mut self.own };
        *counter += 1;
        *counter + if brought { BROUGHT } else { 0 }
    }
}

/// The key of the thing of a number: `t0000012`, and `tb0000003` of one that was brought.
pub(super) fn key(kind: char, width: usize, number: u64) -> String {
    match number.checked_sub(BROUGHT) {
        Some(brought) => format!("{kind}b{brought:0width$}"),
        None => format!("{kind}{number:0width$}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_brought_does_not_move_the_other_numbers() {
        let mut numbers = Numbers::default();
        let keys = [false, true, false, true].map(|brought| key('t', 4, numbers.next(brought)));
        assert_eq!(keys, ["t0001", "tb0001", "t0002", "tb0002"]);
    }
}
