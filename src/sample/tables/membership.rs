//! Terms of memberships.

use std::collections::HashMap;

use super::super::World;
use super::super::clock::{DAY, HOUR, MINUTE, START};
use super::super::members::MONTH;
use super::super::numbers::key;
use super::super::people;
use super::super::rng::{Rng, Stream};
use super::super::session::{Order, What};
use super::super::table::{Field, Kind, RowSink, SampleError, TableDef};
use super::{col, instant, opt, put};

pub(super) const MEMBERSHIP: TableDef = TableDef {
    name: "membership",
    file: "membership",
    columns: &[
        col("term_id", Kind::Text),
        col("user_id", Kind::Text),
        col("level", Kind::Text),
        col("started_at", Kind::Timestamp),
        col("ends_at", Kind::Timestamp),
        opt("renewed_at", Kind::Timestamp),
        col("updated_at", Kind::Timestamp),
        opt("order_id", Kind::Text),
    ],
    write: memberships,
};

/// A membership bought with more than this left of the running term is a present for somebody else, and makes no term here.
const EARLY: i64 = 10 * DAY;

/// A term that ended longer ago than this is not renewed by the next purchase: that is a new start.
const LATE: i64 = 14 * DAY;

/// How long a trial lasts.
const TRIAL: i64 = 7 * DAY;

/// The newest term of a user. Those of all members are kept while the world is walked: a few dozen bytes a member.
#[derive(Clone, Copy)]
struct Term {
    no: u64,
    yearly: bool,
    started: i64,
    ends: i64,
    /// The number of the order; none before the world.
    order: Option<u64>,
}

fn length(yearly: bool) -> i64 {
    if yearly { 365 * DAY } else { MONTH }
}

fn memberships(world: &World, sink: &mut dyn RowSink) -> Result<(), SampleError> {
    let mut book = Book { world, sink, terms: 0, newest: HashMap::new() };
    for user in 0..world.joined[0] {
        book.before_the_world(user)?;
    }
    world.walk(&mut |session| {
        let Some(user) = session.user else { return Ok(()) };
        for step in &session.steps {
            match &step.what {
                What::Registered => book.trial(user, step.at)?,
                What::Order(order) | What::Charged(order) if order.product == "membership" => {
                    book.bought(user, order)?
                }
                _ => {}
            }
        }
        Ok(())
    })
}

struct Book<'a> {
    world: &'a World,
    sink: &'a mut dyn RowSink,
    terms: u64,
    newest: HashMap<u64, Term>,
}

impl Book<'_> {
    fn next(&mut self) -> u64 {
        self.terms += 1;
        self.terms
    }

    /// The terms of who was a member before the world began: one after the other since the registration.
    fn before_the_world(&mut self, user: u64) -> Result<(), SampleError> {
        let habit = self.world.habit(user);
        let yearly = habit.member && self.world.user(user).level == Some("yearly");
        if !self.world.subscribes(user, &habit) && (!yearly || habit.abnormal) {
            return Ok(());
        }
        let mut started = habit.registered_at + 10 * MINUTE;
        for renewed in self.world.charges(user, &habit).into_iter().map(Some).chain([None]) {
            let term = Term { no: self.next(), yearly, started, ends: started + length(yearly), order: None };
            let Some(renewed) = renewed.filter(|at| *at < START) else {
                self.newest.insert(user, term);
                return self.write(user, &term, None, started);
            };
            self.write(user, &term, Some(renewed), renewed)?;
            started = renewed.max(term.ends);
        }
        Ok(())
    }

    /// One of six who register tries the membership for a week.
    fn trial(&mut self, user: u64, registered: i64) -> Result<(), SampleError> {
        let mut rng = Rng::of(self.world.seed, Stream::Membership, user, u64::MAX);
        if !rng.chance(1_700) {
            return Ok(());
        }
        let no = self.next();
        let started = registered + rng.range(MINUTE, HOUR);
        let (id, owner) = (key('n', 6, no), people::user_id(user));
        let row = [
            Field::from(&id),
            Field::from(&owner),
            "trial".into(),
            Field::Instant(started),
            Field::Instant(started + TRIAL),
            Field::Null,
            Field::Instant(started),
            Field::Null,
        ];
        put(self.world, self.sink, &mut rng, &row)
    }

    /// A purchase begins a term, and renews the last one if that ends or ended around now.
    fn bought(&mut self, user: u64, order: &Order) -> Result<(), SampleError> {
        let Some(paid) = order.paid else { return Ok(()) };
        let mut started = paid;
        if let Some(last) = self.newest.get(&user).copied() {
            if paid + EARLY < last.ends {
                return Ok(());
            }
            if paid < last.ends + LATE {
                self.write(user, &last, Some(paid), paid)?;
                started = paid.max(last.ends);
            }
        }
        let yearly = order.amount > 10_000;
        let term = Term { no: self.next(), yearly, started, ends: started + length(yearly), order: Some(order.no) };
        self.newest.insert(user, term);
        self.write(user, &term, None, paid)
    }

    fn write(&mut self, user: u64, term: &Term, renewed: Option<i64>, updated: i64) -> Result<(), SampleError> {
        let mut rng = Rng::of(self.world.seed, Stream::Membership, term.no, u64::from(renewed.is_some()));
        let (id, owner) = (key('n', 6, term.no), people::user_id(user));
        let order = term.order.map_or_else(|| format!("before-{id}"), |no| key('o', 6, no));
        let row = [
            Field::from(&id),
            Field::from(&owner),
            if term.yearly { "yearly" } else { "monthly" }.into(),
            Field::Instant(term.started),
            Field::Instant(term.ends),
            instant(renewed),
            Field::Instant(updated),
            Field::from(&order),
        ];
        put(self.world, self.sink, &mut rng, &row)
    }
}
