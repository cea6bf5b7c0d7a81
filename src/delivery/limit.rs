//! When a robot may be sent something: at most so many messages in any minute.
//!
//! Times are milliseconds of a clock that only goes forward; nothing here waits or looks at a clock. A message counts from the moment
//! its answer came until a minute later, so that no minute of the robot's own clock sees more of them, however long they are on the way.

use std::collections::VecDeque;

/// How many messages a robot of DingTalk takes in a minute. Who sends more is not heard for ten minutes.
pub const OF_DINGTALK: usize = 20;

const MINUTE: u64 = 60_000;

/// The longest silence after the robot said that it was too much.
const LONGEST_SILENCE: u64 = 10 * MINUTE;

/// What was sent in the last minute.
#[derive(Clone, Debug)]
pub struct Limit {
    most: usize,
    answered: VecDeque<u64>,
    closed_until: u64,
    /// How often in a row it was too much.
    refusals: u32,
}

impl Limit {
    /// At most so many messages a minute.
    pub fn new(most: usize) -> Limit {
        Limit { most: most.max(1), answered: VecDeque::new(), closed_until: 0, refusals: 0 }
    }

    /// The earliest moment, from `now` on, at which a message may be sent.
    pub fn next(&self, now: u64) -> u64 {
        let place = self.answered.len().checked_sub(self.most);
        let oldest = place.and_then(|place| self.answered.get(place));
        now.max(self.closed_until).max(oldest.map_or(0, |at| at + MINUTE))
    }

    /// A message was sent, and answered at this moment in whatever way.
    pub fn answered(&mut self, at: u64) {
        self.answered.push_back(at);
        while self.answered.len() > self.most {
            self.answered.pop_front();
        }
    }

    /// It was taken.
    pub fn taken(&mut self) {
        self.refusals = 0;
    }

    /// The robot said at this moment that it was too much: it is left alone for a minute, then two, four, eight and ten.
    pub fn refused(&mut self, at: u64) {
        let silence = MINUTE << self.refusals.min(4);
        self.refusals = self.refusals.saturating_add(1);
        self.closed_until = at + silence.min(LONGEST_SILENCE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever asks as often as possible, with answers that take long or short: no 60 seconds see more than 20 arrivals, wherever
    /// between sending and answer a message arrives.
    #[test]
    fn no_minute_sees_more_than_it_may() {
        let mut random = fastrand::Rng::with_seed(20);
        for _ in 0..50 {
            let mut limit = Limit::new(OF_DINGTALK);
            let (mut now, mut arrivals) = (1_000_000, Vec::new());
            for _ in 0..200 {
                now = limit.next(now + random.u64(..3));
                let takes = random.u64(..900);
                arrivals.push(now + random.u64(..=takes));
                now += takes;
                limit.answered(now);
                limit.taken();
            }
            for window in arrivals.windows(OF_DINGTALK + 1) {
                assert!(window[OF_DINGTALK] - window[0] >= MINUTE, "{window:?}");
            }
            // And it is used up: 200 messages take 9 minutes and not much more.
            assert!(arrivals[199] - arrivals[0] < 10 * MINUTE + 200 * 900);
        }
    }

    #[test]
    fn who_was_too_fast_is_silent_longer_each_time() {
        let mut limit = Limit::new(20);
        assert_eq!(limit.next(5), 5);
        let mut silences = Vec::new();
        for _ in 0..6 {
            limit.refused(0);
            silences.push(limit.next(0) / MINUTE);
        }
        assert_eq!(silences, [1, 2, 4, 8, 10, 10]);
        limit.taken();
        limit.refused(0);
        assert_eq!(limit.next(0), MINUTE);
    }
}
