//! Members who let the store renew: it charges them, without a visit, around the end of each month's term.
//!
//! Two thirds of the renewals are on time, a sixth late, and the rest never come.

use super::World;
use super::clock::{DAY, HOUR, MINUTE, midnight};
use super::people::Habit;
use super::rng::{Rng, Stream};
use super::session::Reason;

/// How long a month's term is.
pub(super) const MONTH: i64 = 30 * DAY;

impl World {
    /// Whether a user takes a membership by the month, with the registration, and lets the store renew it.
    pub(super) fn subscribes(&self, user: u64, habit: &Habit) -> bool {
        let yearly = || self.user(user).level == Some("yearly");
        habit.member && !habit.abnormal && Rng::of(self.seed, Stream::Membership, user, 0).chance(8_500) && !yearly()
    }

    /// When the store charges a user, from the registration to the end of the world.
    pub(super) fn charges(&self, user: u64, habit: &Habit) -> Vec<i64> {
        let mut found = Vec::new();
        if !self.subscribes(user, habit) {
            return found;
        }
        let mut ends = habit.registered_at + 10 * MINUTE + MONTH;
        for term in 1.. {
            let mut rng = Rng::of(self.seed, Stream::Membership, user, term << 32);
            // who has left forgets to cancel at times
            let stays = if ends < habit.leaves_at { 8_400 } else { 2_500 };
            let late = rng.chance(2_000);
            let at = if late { ends + rng.range(2 * HOUR, 9 * DAY) } else { ends - rng.range(HOUR, 2 * DAY) };
            if !rng.chance(stays) || at >= self.end() {
                break;
            }
            found.push(at);
            ends = ends.max(at) + MONTH;
        }
        found
    }

    /// Adds the charges of a day.
    pub(super) fn charged_on(&self, day: u32, starts: &mut Vec<(i64, Reason)>) {
        let of_the_day = midnight(day)..midnight(day + 1);
        for user in 0..self.joined[day as usize] {
            let habit = self.habit(user);
            if habit.member {
                let charges = self.charges(user, &habit);
                starts.extend(
                    charges.into_iter().filter(|at| of_the_day.contains(at)).map(|at| (at, Reason::Charge(user))),
                );
            }
        }
    }
}
