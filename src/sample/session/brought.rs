//! What campaigns, the experiment and memberships bring beside what users come for.

use super::super::campaigns::EFFECT;
use super::super::clock::{DAY, HOUR, MINUTE, SECOND, midnight};
use super::super::people::Habit;
use super::{Order, Reason, Story, What};

/// Product, list price in 0.01 CNY, and what is taken off in percent.
type Offer = (&'static str, i64, i64);

impl Story<'_> {
    /// Adds, at the end of a session, what the user does for the sake of a campaign or an experiment.
    ///
    /// Nothing of the session is drawn after it, so the session before it is the one there would have been.
    pub(super) fn be_brought(&mut self) {
        let (Some(user), Some(habit)) = (self.session.user, self.habit) else { return };
        if habit.abnormal || matches!(self.session.reason, Reason::Charge(_)) {
            return;
        }
        self.brought = true;
        if matches!(self.session.reason, Reason::Join(_)) {
            if self.world.subscribes(user, &habit) {
                let paid = Some(self.at + self.rng.range(4 * SECOND, MINUTE));
                let order = self.new_order(("membership", 2_500, 0), paid);
                self.step(What::Order(order));
            }
            return;
        }
        if matches!(self.session.reason, Reason::Recall(..)) && self.buys(habit, 5_500, 900) {
            let offer = *self.rng.pick(&[("quota", 990, 20), ("membership", 2_500, 20), ("quota", 4_990, 20)]);
            self.buy(offer);
        }
        if self.in_the_festival(user, habit) && self.buys(habit, 4_500, 600) {
            let offer = *self.rng.pick(&[("quota", 4_990, 20), ("quota", 4_990, 20), ("membership", 19_800, 20)]);
            self.buy(offer);
        }
        if self.in_variant_b(user, habit) && self.buys(habit, 3_600, 500) {
            let offer = *self.rng.pick(&[("single", 490, 0), ("quota", 990, 0)]);
            self.buy(offer);
        }
    }

    /// Whether the user buys, in 10,000: who buys anyway is the easiest to win.
    fn buys(&mut self, habit: Habit, payer: u64, other: u64) -> bool {
        self.rng.chance(if habit.payer { payer } else { other })
    }

    fn in_the_festival(&self, user: u64, habit: Habit) -> bool {
        let days = self.world.festival_days();
        if !(midnight(days.start)..midnight(days.end) + EFFECT).contains(&self.at) {
            return false;
        }
        let joined = self.world.festival(user, &habit).and_then(|festival| festival.joined);
        joined.is_some_and(|at| (at..at + EFFECT).contains(&self.at))
    }

    fn in_variant_b(&self, user: u64, habit: Habit) -> bool {
        let days = self.world.experiment_days();
        if !(midnight(days.start)..midnight(days.end) + EFFECT).contains(&self.at)
            || self.world.variant(user) != Some(true)
        {
            return false;
        }
        let seen = self.world.first_return(user, &habit, days);
        seen.is_some_and(|at| (at + MINUTE..at + EFFECT).contains(&self.at))
    }

    fn buy(&mut self, offer: Offer) {
        let paid = self.rng.chance(9_000).then(|| self.at + self.rng.range(4 * SECOND, 2 * MINUTE));
        let order = self.new_order(offer, paid);
        self.step(What::Order(order));
        self.at = order.paid.unwrap_or(order.created) + 3 * SECOND;
    }

    /// The store renews the membership for a month.
    pub(super) fn be_charged(&mut self) {
        let order = self.new_order(("membership", 2_500, 0), Some(self.at));
        self.step(What::Charged(order));
    }

    fn new_order(&mut self, (product, amount, off): Offer, paid: Option<i64>) -> Order {
        let (created, end) = (self.at, self.world.end());
        let paid = paid.filter(|at| *at < end);
        let pay_amount = amount * (100 - off) / 100;
        let refunded = paid.filter(|_| self.rng.chance(500)).map(|at| at + self.rng.range(HOUR, 6 * DAY));
        Order {
            no: self.counters.order.next(true),
            created,
            paid,
            refunded: refunded.filter(|at| *at < end).map(|at| (at, pay_amount)),
            closed: paid.is_none().then_some(created + 30 * MINUTE).filter(|at| *at < end),
            product,
            amount,
            pay_amount,
        }
    }
}
