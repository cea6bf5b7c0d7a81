//! How whoever brought alerts hears what became of them.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What became of the alerts of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All were delivered.
    Delivered,
    /// Some were not, and are forgotten: whoever brought them brings them again.
    Failed(String),
    /// They wait for their turn, and are kept until it comes.
    Kept,
}

#[derive(Debug)]
struct State {
    left: usize,
    failure: Option<String>,
    kept: bool,
}

/// One request.
#[derive(Debug)]
pub struct Ticket {
    state: Mutex<State>,
    ended: Condvar,
}

impl Ticket {
    /// For so many alerts.
    pub fn new(alerts: usize) -> Ticket {
        Ticket { state: Mutex::new(State { left: alerts, failure: None, kept: false }), ended: Condvar::new() }
    }

    /// One more alert was delivered.
    pub fn delivered(&self) {
        let mut state = self.state();
        state.left = state.left.saturating_sub(1);
        if state.left == 0 {
            self.ended.notify_all();
        }
    }

    /// An alert was not delivered. Says whether it may be forgotten: whoever brought it still waits, and hears of it.
    pub fn failed(&self, why: &str) -> bool {
        let mut state = self.state();
        if state.kept {
            return false;
        }
        state.failure.get_or_insert_with(|| why.to_owned());
        self.ended.notify_all();
        true
    }

    /// They are kept until their turn comes, which takes a while: nobody need wait for it.
    pub fn keep(&self) {
        self.state().kept = true;
        self.ended.notify_all();
    }

    /// Waits until it is known what became of all alerts, but no longer than this.
    pub fn wait(&self, most: Duration) -> Outcome {
        let end = Instant::now() + most;
        let mut state = self.state();
        loop {
            if let Some(why) = &state.failure {
                return Outcome::Failed(why.clone());
            }
            if state.left == 0 {
                return Outcome::Delivered;
            }
            if state.kept {
                return Outcome::Kept;
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                state.kept = true;
                return Outcome::Kept;
            }
            state = self.ended.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_promise_is_kept_or_never_given() {
        let never = Duration::ZERO;
        let ticket = Ticket::new(2);
        ticket.delivered();
        assert_eq!(ticket.wait(never), Outcome::Kept);
        // Now it must not be forgotten.
        assert!(!ticket.failed("x"));
        let ticket = Ticket::new(2);
        assert!(ticket.failed("x"));
        assert_eq!(ticket.wait(never), Outcome::Failed("x".to_owned()));
        let ticket = Ticket::new(1);
        ticket.keep();
        assert_eq!(ticket.wait(Duration::from_secs(3_600)), Outcome::Kept);
        let ticket = Ticket::new(1);
        ticket.delivered();
        assert_eq!(ticket.wait(never), Outcome::Delivered);
    }
}
