//! What waits for one robot or gateway: merged, the most important first, never more than there is room for.
//!
//! Nothing here waits, sends or looks at a clock: times are milliseconds of one that only goes forward.

use super::super::limit::Limit;
use super::payload::Alert;

/// An alert that waits, with whoever asked for it.
#[derive(Clone, Debug)]
pub struct Item<T> {
    /// The alert.
    pub alert: Alert,
    /// Its entry in a message.
    pub entry: String,
    /// Who waits to hear how it ended.
    pub waiters: Vec<T>,
}

/// When the next message may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// There is none.
    Idle,
    /// Not before this moment.
    At(u64),
    /// Now.
    Now,
}

/// What waits for one robot or gateway.
#[derive(Debug)]
pub struct Lane<T> {
    waiting: Vec<Item<T>>,
    /// How many alerts may wait.
    room: usize,
    /// When messages may be sent.
    pub limit: Limit,
    paused_until: u64,
}

impl<T> Lane<T> {
    /// With room for so many alerts, and so many messages a minute.
    pub fn new(room: usize, limit: Limit) -> Lane<T> {
        Lane { waiting: Vec::new(), room, limit, paused_until: 0 }
    }

    /// How many alerts wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether no alert waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether there is room for all of these alerts.
    pub fn has_room(&self, alerts: &[Alert]) -> bool {
        let waits = |alert: &&Alert| self.waiting.iter().any(|one| one.alert.fingerprint == alert.fingerprint);
        self.waiting.len() + alerts.len() - alerts.iter().filter(waits).count() <= self.room
    }

    /// Lets alerts wait, all or none of them. One that waits already takes the newer state, whoever waits for it waits for that. Gives how
    /// many were merged so.
    ///
    /// # Errors
    /// There is no room.
    pub fn push(&mut self, items: Vec<Item<T>>) -> Result<usize, Full> {
        let is_same = |one: &Item<T>, other: &Item<T>| one.alert.fingerprint == other.alert.fingerprint;
        let new = items.iter().filter(|item| !self.waiting.iter().any(|one| is_same(one, item))).count();
        if self.waiting.len() + new > self.room {
            return Err(Full);
        }
        let mut merged = 0;
        for item in items {
            match self.waiting.iter_mut().find(|one| is_same(one, &item)) {
                None => self.waiting.push(item),
                Some(one) => {
                    merged += 1;
                    (one.alert, one.entry) = (item.alert, item.entry);
                    one.waiters.extend(item.waiters);
                }
            }
        }
        Ok(merged)
    }

    /// When the next message may go.
    pub fn turn(&self, now: u64) -> Turn {
        if self.waiting.is_empty() {
            return Turn::Idle;
        }
        let at = self.limit.next(now).max(self.paused_until);
        if at <= now { Turn::Now } else { Turn::At(at) }
    }

    /// What waits, the most important first: what fires before what is over, then by severity, then by when it came.
    pub fn sorted(&mut self) -> &[Item<T>] {
        self.waiting.sort_by_key(|item| (item.alert.resolved, item.alert.rank()));
        &self.waiting
    }

    /// Takes the first so many out: they are about to be sent.
    pub fn take(&mut self, count: usize) -> Vec<Item<T>> {
        self.waiting.drain(..count.min(self.waiting.len())).collect()
    }

    /// Puts back what was not taken by the other side. What came in the meantime about the same alert is newer and stays. They had room
    /// before, so that they have it now.
    pub fn give_back(&mut self, items: Vec<Item<T>>) {
        for (place, item) in items.into_iter().enumerate() {
            match self.waiting.iter_mut().find(|one| one.alert.fingerprint == item.alert.fingerprint) {
                Some(newer) => newer.waiters.extend(item.waiters),
                None => self.waiting.insert(place.min(self.waiting.len()), item),
            }
        }
    }

    /// Sends nothing before this moment.
    pub fn pause(&mut self, until: u64) {
        self.paused_until = until;
    }
}

/// There is no room for more alerts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

#[cfg(test)]
mod tests {
    use super::*;

    fn item(fingerprint: &str, severity: &str, resolved: bool, waiter: u32) -> Item<u32> {
        let labels = [("severity".to_owned(), severity.to_owned())].into();
        let alert = Alert { fingerprint: fingerprint.to_owned(), labels, resolved, ..Alert::default() };
        Item { alert, entry: format!("{fingerprint} {resolved}"), waiters: vec![waiter] }
    }

    fn names(items: &[Item<u32>]) -> Vec<&str> {
        items.iter().map(|item| item.entry.as_str()).collect()
    }

    #[test]
    fn the_most_important_goes_first_and_the_newest_state_counts() {
        let mut lane = Lane::new(4, Limit::new(20));
        assert_eq!(lane.turn(7), Turn::Idle);
        assert_eq!(
            lane.push(vec![item("a", "P2", false, 1), item("b", "P0", true, 1), item("c", "P0", false, 1)]),
            Ok(0)
        );
        assert_eq!(lane.turn(7), Turn::Now);
        assert_eq!(lane.push(vec![item("a", "P2", true, 2), item("d", "P1", false, 2)]), Ok(1));
        assert_eq!(names(lane.sorted()), ["c false", "d false", "b true", "a true"]);
        let taken = lane.take(3);
        assert_eq!(lane.len(), 1);
        assert_eq!(lane.sorted()[0].waiters, [1, 2]);
        // What comes while it is sent is newer than what comes back.
        lane.push(vec![item("d", "P1", true, 3)]).expect("room");
        lane.give_back(taken);
        assert_eq!(names(lane.sorted()), ["c false", "b true", "d true", "a true"]);
    }

    #[test]
    fn a_full_lane_takes_all_or_nothing() {
        let mut lane = Lane::new(2, Limit::new(20));
        lane.push(vec![item("a", "P2", false, 1)]).expect("room");
        assert_eq!(lane.push(vec![item("b", "P0", false, 1), item("c", "P0", false, 1)]), Err(Full));
        assert_eq!(lane.len(), 1);
        assert_eq!(lane.push(vec![item("a", "P2", true, 1), item("c", "P0", false, 1)]), Ok(1));
    }

    /// A storm of alerts over an hour: never more than 20 messages in a minute, nothing lost, and all out soon after the last.
    #[test]
    fn a_storm_is_merged_and_kept_under_the_limit() {
        let mut random = fastrand::Rng::with_seed(11);
        let mut lane: Lane<u32> = Lane::new(10_000, Limit::new(20));
        let (mut sent, mut seen) = (Vec::new(), std::collections::BTreeSet::new());
        let mut now = 0;
        for number in 0..5_000_u32 {
            now += random.u64(..60);
            lane.push(vec![item(&number.to_string(), "P1", false, 0)]).expect("room");
            if lane.turn(now) == Turn::Now {
                lane.sorted();
                seen.extend(lane.take(30).into_iter().map(|item| item.alert.fingerprint));
                sent.push(now);
                lane.limit.answered(now);
            }
        }
        while let turn @ (Turn::Now | Turn::At(_)) = lane.turn(now) {
            if let Turn::At(at) = turn {
                now = at;
            }
            seen.extend(lane.take(30).into_iter().map(|item| item.alert.fingerprint));
            sent.push(now);
            lane.limit.answered(now);
        }
        assert_eq!(seen.len(), 5_000);
        assert!(sent.windows(21).all(|window| window[20] - window[0] >= 60_000));
        assert!(sent.len() < 400, "{}", sent.len());
    }
}
