//! Whether rows are fresh, each time that somebody looks for the newest one.

use super::{State, Verdict};

const DAY_MS: i64 = 86_400_000;

/// How far back the newest row is looked for, at least: an older one is not fresh in any case.
const BACK: i64 = 7 * DAY_MS;

/// What was found when somebody looked, in milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// When.
    pub at: i64,
    /// The instant of the newest row; where there is none, that from which on it was looked for.
    pub newest: i64,
}

/// From which instant on the newest row is looked for, where it may be so many milliseconds old. Where none is found, none came for
/// longer than that.
pub fn looked_from(within: i64, at: i64) -> i64 {
    at.saturating_sub(within.saturating_mul(2).max(BACK))
}

/// How long ago the newest row came, in milliseconds. A clock that runs behind that of the rows does not make them late.
pub fn age(look: Look) -> i64 {
    look.at.saturating_sub(look.newest).max(0)
}

/// What the alert does after each look, where the newest row may be so many milliseconds old; none where nothing could be found out. It
/// tells the age in seconds.
pub fn freshness(looks: &[Option<Look>], within: i64) -> Vec<Verdict> {
    let (mut state, mut last) = (State::Quiet, None);
    let mut verdict = |look: &Option<Look>| {
        // Without data it neither fires nor resolves.
        if let Some(age) = look.map(age) {
            state = if age > within { State::Firing } else { State::Quiet };
            last = Some(age as f64 / 1_000.0);
        }
        Verdict { state, told: last.filter(|_| state == State::Firing) }
    };
    looks.iter().map(&mut verdict).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_fires_when_the_newest_row_is_older_than_it_may() {
        let look = |at, newest| Some(Look { at, newest });
        let looks = [
            look(300_000, 0),
            look(300_001, 0),
            None,
            look(400_000, 399_999),
            None,
            // Rows whose clock is ahead.
            look(500_000, 900_000),
            look(1_300_001, 900_000),
        ];
        let found: Vec<_> =
            freshness(&looks, 300_000).into_iter().map(|one| (one.state == State::Firing, one.told)).collect();
        let wanted = [None, Some(300.001), Some(300.001), None, None, None, Some(400.001)];
        assert_eq!(found, wanted.map(|told| (told.is_some(), told)));
    }

    #[test]
    fn where_none_is_found_it_is_not_fresh() {
        for within in [0, 1, 300_000, 4 * DAY_MS, 400 * DAY_MS, i64::MAX] {
            let look = Look { at: 1_793_491_200_000, newest: looked_from(within, 1_793_491_200_000) };
            assert!(age(look) > within || within == i64::MAX, "{within}");
        }
        assert_eq!(age(Look { at: 0, newest: looked_from(300_000, 0) }), BACK);
    }
}
