//! What is done to the users on purpose: two campaigns with control arms, and an experiment.
//!
//! - The festival speaks to users who come by in its days. Those who join buy more for two weeks.
//! - The recall writes, twice, to users who have been silent for two weeks. Those who join come back, and again in the
//!   week after the next.
//! - The experiment shows a new feature to half of those who come by in its days. Variant `b` buys more for two weeks.
//!
//! All three are drawn by lot, so that arms differ by the effect alone.

use std::ops::Range;

use super::World;
use super::clock::{DAY, HOUR, MINUTE, SECOND, midnight};
use super::people::Habit;
use super::rng::{Rng, Stream};
use super::session::Reason;

/// The key of the campaign for those who come by.
pub(super) const FESTIVAL: &str = "cmp_fall";
/// The key of the campaign for those who stay away.
pub(super) const RECALL: &str = "cmp_recall_10";
/// The name of the experiment.
pub(super) const EXPERIMENT: &str = "new_cutout";
/// The name of another one, which few see and which does nothing.
pub(super) const IDLE_EXPERIMENT: &str = "price_page";

/// How long a campaign and the experiment work on a user.
pub(super) const EFFECT: i64 = 14 * DAY;

/// How often the recall writes.
pub(super) const WAVES: u32 = 2;

/// How long a user has been silent whom the recall writes to, in days.
const SILENT: u32 = 14;

/// The last day on which somebody comes back because of a wave of the recall, counted from the wave's day.
const RECALL_LASTS: u32 = 15;

/// A user's place in a campaign.
#[derive(Clone, Copy, Debug)]
pub(super) struct Assignment {
    pub at: i64,
    /// Not in the control arm.
    pub treated: bool,
    /// When the user took part.
    pub joined: Option<i64>,
}

impl World {
    /// The days on which the festival assigns users.
    pub(super) fn festival_days(&self) -> Range<u32> {
        self.days() / 20..self.days() / 4
    }

    /// The day of a wave of the recall.
    pub(super) fn recall_day(&self, wave: u32) -> u32 {
        self.days() * (8 + 5 * wave) / 20
    }

    /// The days on which the experiment shows its feature.
    pub(super) fn experiment_days(&self) -> Range<u32> {
        self.days() * 2 / 5..self.days() * 3 / 4
    }

    /// How the festival sees a user.
    pub(super) fn festival(&self, user: u64, habit: &Habit) -> Option<Assignment> {
        let mut rng = Rng::of(self.seed, Stream::Festival, user, 0);
        if !rng.chance(8_500) {
            return None;
        }
        let (treated, joins) = (rng.chance(6_500), rng.chance(6_000));
        let at = self.first_return(user, habit, self.festival_days())? + rng.range(SECOND, 30 * SECOND);
        let joined = at + rng.range(5 * SECOND, 4 * MINUTE);
        Some(Assignment { at, treated, joined: (treated && joins).then_some(joined) })
    }

    /// How a wave of the recall sees a user.
    pub(super) fn recall(&self, user: u64, habit: &Habit, wave: u32) -> Option<Assignment> {
        let day = self.recall_day(wave);
        let mut rng = Rng::of(self.seed, Stream::Recall, user, u64::from(wave));
        let (picked, joins) = (rng.chance(7_000), rng.chance(3_500));
        // the same arm in both waves
        let treated = Rng::of(self.seed, Stream::Recall, user, u64::from(2 * WAVES)).chance(5_000);
        let known = day >= SILENT && user < self.joined[(day - SILENT) as usize];
        if !picked || !known || self.first_return(user, habit, day - SILENT..day).is_some() {
            return None;
        }
        let at = midnight(day) + 10 * HOUR + rng.range(0, 2 * HOUR);
        let joined = at + rng.range(20 * MINUTE, 60 * HOUR);
        Some(Assignment { at, treated, joined: (treated && joins).then_some(joined).filter(|at| *at < self.end()) })
    }

    /// When a user comes by because of a wave of the recall.
    pub(super) fn recalled(&self, user: u64, habit: &Habit, wave: u32) -> [Option<i64>; 2] {
        let joined = self.recall(user, habit, wave).and_then(|recall| recall.joined);
        let mut rng = Rng::of(self.seed, Stream::Recall, user, u64::from(WAVES + wave));
        let again = joined.filter(|_| rng.chance(6_000)).map(|at| at + rng.range(8 * DAY, 12 * DAY));
        [joined.map(|at| at + 5 * SECOND), again]
    }

    /// Adds the sessions of a day that the recall brings.
    pub(super) fn recalled_on(&self, day: u32, starts: &mut Vec<(i64, Reason)>) {
        for wave in 0..WAVES {
            let first = self.recall_day(wave);
            if !(first..=first + RECALL_LASTS).contains(&day) || first < SILENT {
                continue;
            }
            for user in 0..self.joined[(first - SILENT) as usize] {
                let times = self.recalled(user, &self.habit(user), wave);
                let on_the_day =
                    times.into_iter().flatten().filter(|at| (midnight(day)..midnight(day + 1)).contains(at));
                starts.extend(on_the_day.map(|at| (at, Reason::Recall(user, wave))));
            }
        }
    }

    /// The variant that the experiment draws for a user: whether it is `b`.
    pub(super) fn variant(&self, user: u64) -> Option<bool> {
        let mut rng = Rng::of(self.seed, Stream::Experiment, user, 0);
        rng.chance(9_000).then(|| rng.chance(5_000))
    }

    /// Whether a user's second device has been drawn anew.
    pub(super) fn split_by_device(&self, user: u64) -> bool {
        Rng::of(self.seed, Stream::Experiment, user, 1).chance(1_200)
    }

    /// When a user first comes by on some days, not counting the registration.
    pub(super) fn first_return(&self, user: u64, habit: &Habit, days: Range<u32>) -> Option<i64> {
        let mut starts = Vec::new();
        for day in days {
            if user < self.joined[day as usize + 1] {
                self.returns(day, user, habit, &mut starts);
            }
            let returns = starts.iter().filter(|(_, reason)| matches!(reason, Reason::Return(..)));
            if let Some(first) = returns.map(|(at, _)| *at).min() {
                return Some(first);
            }
            starts.clear();
        }
        None
    }
}
