//! Who lives in the world: users, their habits and their devices, each a pure function of its number.

use super::World;
use super::clock::{DAY, HOUR, HOURS, MINUTE, SECOND, START, midnight};
use super::dictionary::{CAMPAIGNS, CHANNELS, FEATURES, MODELS, OCCUPATIONS, PLACES};
use super::rng::{Rng, Stream};

/// What decides whether and how a user acts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Habit {
    pub registered_at: i64,
    /// From then on the user is gone.
    pub leaves_at: i64,
    /// Days with a session, in 10,000, on an average day.
    pub active: u64,
    /// Place in `PLATFORMS`.
    pub platform: usize,
    /// Place in `FEATURES`.
    pub favourite: usize,
    pub payer: bool,
    /// Holds a membership that is renewed each 30 days.
    pub member: bool,
    pub abnormal: bool,
}

/// A row of `dim_user`.
#[derive(Clone, Debug)]
pub(super) struct User {
    pub habit: Habit,
    pub verified_at: Option<i64>,
    pub channel: Option<&'static str>,
    pub geo: Option<&'static str>,
    pub gender: Option<&'static str>,
    pub birth_year: Option<i64>,
    pub occupation: Option<&'static str>,
    pub level: Option<&'static str>,
    pub reachable_by_phone: bool,
}

/// How a visit came to us.
#[derive(Clone, Copy, Debug)]
pub(super) struct Visit {
    pub channel: Option<&'static str>,
    pub campaign: Option<&'static str>,
}

/// The key of a user.
pub(super) fn user_id(user: u64) -> String {
    format!("u{user:06}")
}

/// The key of a user's first or second device.
pub(super) fn device_of_user(user: u64, second: bool) -> String {
    format!("d{user:06}{}", if second { 'b' } else { 'a' })
}

/// The key of an anonymous visitor's device.
pub(super) fn device_of_visitor(visitor: u64) -> String {
    format!("w{visitor:06}")
}

/// A time of day, as busy as the hours are.
pub(super) fn time_of_day(rng: &mut Rng) -> i64 {
    rng.weighted(&HOURS) as i64 * HOUR + rng.range(0, HOUR - 1)
}

/// A channel with, for an advertised one, its campaign.
pub(super) fn visit(rng: &mut Rng) -> Visit {
    let weights = CHANNELS.map(|c| c.3);
    let channel = CHANNELS[rng.weighted(&weights)].0;
    let known = !rng.chance(900);
    if rng.chance(40) {
        return Visit { channel: Some("ch_404"), campaign: None };
    }
    let campaign = CAMPAIGNS.iter().find(|c| c.1 == channel).map(|c| c.0);
    Visit { channel: known.then_some(channel), campaign: campaign.filter(|_| known) }
}

/// A place; sometimes none, or one that the dictionary does not have.
pub(super) fn place(rng: &mut Rng) -> Option<&'static str> {
    let weights = PLACES.map(|p| p.4);
    let geo = PLACES[rng.weighted(&weights)].0;
    match rng.below(1000) {
        0..=14 => None,
        15..=18 => Some("g999999"),
        _ => Some(geo),
    }
}

impl World {
    /// What user `user` is like.
    pub(super) fn habit(&self, user: u64) -> Habit {
        let mut rng = Rng::of(self.seed, Stream::User, user, 0);
        let day = self.joined.partition_point(|joined| *joined <= user);
        let registered_at = match day {
            0 => START - rng.range(1, 250) * DAY + time_of_day(&mut rng),
            _ => midnight(day as u32 - 1) + time_of_day(&mut rng),
        };
        let stays = match rng.below(100) {
            0..=27 => rng.range(0, 2),
            28..=54 => rng.range(3, 40),
            _ => 10_000,
        };
        let payer = rng.chance(3_800);
        let abnormal = rng.chance(250);
        Habit {
            registered_at,
            leaves_at: registered_at + stays * DAY + HOUR,
            active: if abnormal { 5_000 } else { *rng.pick(&[300, 800, 1_300, 2_300, 5_500]) },
            platform: rng.weighted(&[36, 26, 31, 7]),
            favourite: rng.weighted(&FEATURES.each_ref().map(|f| f.weight)),
            payer,
            member: payer && rng.chance(4_500),
            abnormal,
        }
    }

    /// All that `dim_user` says of user `user`.
    pub(super) fn user(&self, user: u64) -> User {
        let habit = self.habit(user);
        let mut rng = Rng::of(self.seed, Stream::User, user, 1);
        let verified_at = match rng.below(100) {
            0..=90 => Some(habit.registered_at + rng.range(5 * SECOND, 12 * MINUTE)),
            91..=95 => Some(habit.registered_at + rng.range(6 * HOUR, 3 * DAY)),
            _ => None,
        };
        let level = match (habit.member, rng.below(100)) {
            (true, 0..=29) => Some("yearly"),
            (true, _) => Some("monthly"),
            (false, 0..=7) => Some("trial"),
            (false, 8..=79) => Some("none"),
            (false, _) => None,
        };
        User {
            habit,
            verified_at: verified_at.filter(|at| *at < self.end()),
            channel: visit(&mut rng).channel,
            geo: place(&mut rng),
            gender: *rng.pick(&[Some("f"), Some("f"), Some("m"), Some("m"), Some("x"), None]),
            birth_year: rng.chance(8_000).then(|| rng.range(1961, 2010)),
            occupation: rng.chance(7_500).then(|| *rng.pick(&OCCUPATIONS)),
            level,
            reachable_by_phone: rng.chance(7_000),
        }
    }

    /// Whether a user has a second device.
    pub(super) fn second_device(&self, user: u64) -> bool {
        Rng::of(self.seed, Stream::Device, user, 0).chance(1_500)
    }

    /// Brand and model of device `number` of a platform; `kind` keeps users' and visitors' devices apart.
    pub(super) fn device_model(
        &self,
        number: u64,
        kind: u64,
        platform: usize,
    ) -> (Option<&'static str>, Option<&'static str>) {
        let mut rng = Rng::of(self.seed, Stream::Device, number, kind);
        let (brand, model) = *rng.pick(MODELS[platform]);
        match rng.below(100) {
            0..=3 => (None, None),
            4..=7 => (Some(brand), None),
            _ => (Some(brand), Some(model)),
        }
    }
}
