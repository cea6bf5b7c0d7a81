//! When a message is tried again.

use std::time::Duration;

use super::clock::Clock;
use super::fault::{Fault, Sort};
use crate::clickhouse::Retries;

/// How often, and how long altogether.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// For what may pass.
    pub retries: Retries,
    /// How long altogether a robot is waited for that says that it was too much.
    pub patience: Duration,
    /// Whether a message that may have been taken is sent again. Alerts rather come twice than never, reports never twice.
    pub twice: bool,
}

/// The pause after a robot said that it was too much. It is deaf for up to ten minutes.
const SILENCE: Duration = Duration::from_secs(60);

impl Plan {
    /// Of reports: nothing that may have been taken is sent again.
    pub fn of_reports() -> Plan {
        let retries = Retries { tries: 4, first: Duration::from_secs(2), longest: Duration::from_secs(30) };
        Plan { retries, patience: Duration::from_secs(11 * 60), twice: false }
    }

    /// Of alerts. Limits are not its matter: who sends alerts keeps count of them and waits between messages, not within one.
    pub fn of_alerts() -> Plan {
        let retries = Retries { tries: 4, first: Duration::from_secs(1), longest: Duration::from_secs(15) };
        Plan { retries, patience: Duration::ZERO, twice: true }
    }

    /// The pause behind a try (from 1) that ended so; none if there is to be no other. `waited` is how long limits were waited for.
    pub fn pause(&self, tried: u32, fault: &Fault, waited: Duration, random: f64) -> Option<Duration> {
        match fault.sort {
            Sort::Refused => None,
            Sort::Passing(asked) => self.retries.pause(tried, asked, random),
            Sort::Unknown if self.twice => self.retries.pause(tried, None, random),
            Sort::Unknown => None,
            Sort::Limited => (waited + SILENCE <= self.patience).then_some(SILENCE),
        }
    }

    /// Tries until it succeeds or is given up.
    ///
    /// # Errors
    /// The last fault, and how often it was tried.
    pub fn run(&self, clock: &dyn Clock, send: &mut dyn FnMut() -> Result<(), Fault>) -> Result<(), (Fault, u32)> {
        let (mut tried, mut passing, mut waited) = (0, 0, Duration::ZERO);
        loop {
            tried += 1;
            let Err(fault) = send() else { return Ok(()) };
            let is_limit = fault.sort == Sort::Limited;
            passing += u32::from(!is_limit);
            let Some(pause) = self.pause(passing.max(1), &fault, waited, fastrand::f64()) else {
                return Err((fault, tried));
            };
            if is_limit {
                waited += pause;
            }
            clock.pause(pause);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::SystemTime;

    use super::*;

    #[derive(Default)]
    struct Fake {
        pauses: Mutex<Vec<Duration>>,
    }

    impl Clock for Fake {
        fn now(&self) -> SystemTime {
            SystemTime::UNIX_EPOCH
        }
        fn pause(&self, length: Duration) {
            self.pauses.lock().expect("no panic").push(length);
        }
    }

    /// How often something is tried that always ends so, and how many seconds that takes at most.
    fn tries(plan: Plan, sort: Sort) -> (u32, u64) {
        let clock = Fake::default();
        let (_, tried) = plan.run(&clock, &mut || Err(Fault::new(sort, "x"))).expect_err("it never succeeds");
        let waited: Duration = clock.pauses.lock().expect("no panic").iter().sum();
        (tried, waited.as_secs())
    }

    #[test]
    fn only_what_is_certain_and_may_pass_is_tried_again() {
        assert_eq!(tries(Plan::of_reports(), Sort::Refused), (1, 0));
        assert_eq!(tries(Plan::of_reports(), Sort::Unknown), (1, 0));
        let (passing, seconds) = tries(Plan::of_reports(), Sort::Passing(None));
        assert!(passing == 4 && (7..=14).contains(&seconds), "{passing} {seconds}");
        assert_eq!(tries(Plan::of_reports(), Sort::Limited), (12, 660));
        assert_eq!(tries(Plan::of_alerts(), Sort::Unknown).0, 4);
        assert_eq!(tries(Plan::of_alerts(), Sort::Limited), (1, 0));
    }

    #[test]
    fn it_ends_as_soon_as_it_succeeds() {
        let mut left = 2;
        let clock = Fake::default();
        let made = Plan::of_reports().run(&clock, &mut || {
            left -= 1;
            if left == 0 { Ok(()) } else { Err(Fault::new(Sort::Limited, "x")) }
        });
        assert_eq!((made, clock.pauses.lock().expect("no panic").len()), (Ok(()), 1));
    }
}
