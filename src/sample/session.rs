//! What happens: the sessions of a day, in the order in which they start, and what is done in each.
//!
//! The tables are views of the same sessions: an event, its task, the task's booking and its performance row come from one
//! [`Step`]. Sessions are made one at a time, so the memory needed is that of one day's starts.

mod brought;

use super::World;
use super::clock::{DAY, HOUR, MINUTE, SECOND, busy, hour, midnight};
use super::dictionary::{CLICKS, FACE_SWAP, FEATURES, PAGES, SHARES, UTM_SOURCES, VERSIONS};
use super::numbers::Numbers;
use super::people::{self, Habit, Visit};
use super::rng::{Rng, Stream};
use super::table::SampleError;

/// One visit of a person.
#[derive(Debug)]
pub(super) struct Session {
    pub no: u64,
    pub start: i64,
    pub reason: Reason,
    pub user: Option<u64>,
    /// The client sent an id that `dim_user` does not have.
    pub ghost: bool,
    pub device: String,
    /// Place in `PLATFORMS`.
    pub platform: usize,
    pub version: Option<&'static str>,
    pub geo: Option<&'static str>,
    pub visit: Visit,
    pub utm_source: Option<&'static str>,
    pub steps: Vec<Step>,
}

impl Session {
    /// The number of the anonymous visitor; 0 of a user's session.
    pub(super) fn visitor(&self) -> u64 {
        if let Reason::Visitor(visitor) = self.reason { visitor } else { 0 }
    }
}

/// Something done.
#[derive(Debug)]
pub(super) struct Step {
    pub at: i64,
    /// Whether the person is logged in.
    pub known: bool,
    /// Whether a campaign or an experiment brought it.
    pub brought: bool,
    pub what: What,
}

#[derive(Debug)]
pub(super) enum What {
    /// A page was opened; with how long it stayed open, where that was reported.
    View {
        no: u64,
        page: &'static str,
        stay: Option<i64>,
    },
    Login,
    SubmitRegister,
    Registered,
    Invoke(usize),
    Task(Task),
    Order(Order),
    /// The store took the money for a renewal, and no client knows of it.
    Charged(Order),
    Share(&'static str),
    Click(&'static str),
    JsError(&'static str),
    Ticket(u64),
    /// With whether the person has had a bad time.
    Survey(u64, bool),
}

/// A task as it ended, or stands at the end of the world.
#[derive(Clone, Copy, Debug)]
pub(super) struct Task {
    pub no: u64,
    /// Place in `FEATURES`.
    pub feature: usize,
    pub submitted: i64,
    pub finished: Option<i64>,
    pub status: &'static str,
    pub error: Option<&'static str>,
    pub queue: Option<i64>,
    pub infer: Option<i64>,
    pub retries: i64,
    /// In 0.0001 quota.
    pub cost: i64,
}

/// An order as it stands at the end of the world. Amounts are in 0.01 CNY.
#[derive(Clone, Copy, Debug)]
pub(super) struct Order {
    pub no: u64,
    pub created: i64,
    pub paid: Option<i64>,
    /// When, and how much.
    pub refunded: Option<(i64, i64)>,
    pub closed: Option<i64>,
    pub product: &'static str,
    pub amount: i64,
    pub pay_amount: i64,
}

/// Why a session takes place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reason {
    Visitor(u64),
    Join(u64),
    Return(u64, u8),
    /// A wave of the recall brought the user back.
    Recall(u64, u32),
    /// The store renews a membership; nobody is there.
    Charge(u64),
}

/// Numbers that run through the whole world.
#[derive(Default)]
struct Counters {
    session: Numbers,
    view: Numbers,
    task: Numbers,
    order: Numbers,
    ticket: Numbers,
    survey: Numbers,
}

impl World {
    /// Calls `each` with every session, day after day, in the order of their starts.
    pub(super) fn walk(&self, each: &mut dyn FnMut(&Session) -> Result<(), SampleError>) -> Result<(), SampleError> {
        let mut counters = Counters::default();
        for day in 0..self.days {
            for (start, reason) in self.starts(day) {
                each(&self.session(day, start, reason, &mut counters))?;
            }
        }
        Ok(())
    }

    /// The numbers of the anonymous visitors of a day.
    pub(super) fn visitors(&self, day: u32) -> std::ops::Range<u64> {
        // as many times three as have joined, and one a day
        let before = |d: u32| 3 * (self.joined[d as usize] - self.joined[0]) + u64::from(d);
        before(day)..before(day + 1)
    }

    /// When the sessions of a day start, and why.
    fn starts(&self, day: u32) -> Vec<(i64, Reason)> {
        let mut starts: Vec<(i64, Reason)> = Vec::new();
        for visitor in self.visitors(day) {
            let mut rng = Rng::of(self.seed, Stream::Active, visitor, u64::MAX);
            starts.push((midnight(day) + people::time_of_day(&mut rng), Reason::Visitor(visitor)));
        }
        for user in 0..self.joined[day as usize + 1] {
            self.returns(day, user, &self.habit(user), &mut starts);
        }
        self.recalled_on(day, &mut starts);
        self.charged_on(day, &mut starts);
        starts.sort_unstable();
        starts
    }

    /// Adds the sessions of one user that no campaign brings.
    pub(super) fn returns(&self, day: u32, user: u64, habit: &Habit, starts: &mut Vec<(i64, Reason)>) {
        let mut rng = Rng::of(self.seed, Stream::Active, user, u64::from(day));
        if user >= self.joined[day as usize] {
            starts.push((habit.registered_at - rng.range(MINUTE, 6 * MINUTE), Reason::Join(user)));
            if rng.chance(3_000) {
                starts.push((habit.registered_at + rng.range(HOUR, 5 * HOUR), Reason::Return(user, 0)));
            }
            return;
        }
        let incident_day = day == self.incident_day();
        let active = habit.active * busy(day) / 100 * if incident_day { 3 } else { 1 };
        if habit.leaves_at <= midnight(day) || !rng.chance(active) {
            return;
        }
        let mut start = midnight(day) + people::time_of_day(&mut rng);
        if incident_day && rng.chance(7_500) {
            start = self.incident().0 - 15 * MINUTE + rng.range(0, 115 * MINUTE);
        }
        starts.push((start, Reason::Return(user, 0)));
        if rng.chance(2_500) {
            starts.push((start + rng.range(2 * HOUR, 6 * HOUR), Reason::Return(user, 1)));
        }
    }

    fn session(&self, day: u32, start: i64, reason: Reason, counters: &mut Counters) -> Session {
        let (thing, user) = match reason {
            Reason::Visitor(visitor) => (visitor << 2, None),
            Reason::Join(user) => (user << 2 | 1, Some(user)),
            Reason::Return(user, nth) => (user << 2 | 2 | u64::from(nth), Some(user)),
            Reason::Recall(user, _) => (user << 1, Some(user)),
            Reason::Charge(user) => (user << 1 | 1, Some(user)),
        };
        let brought = matches!(reason, Reason::Recall(..) | Reason::Charge(_));
        let stream = if brought { Stream::BroughtSession } else { Stream::Session };
        let mut rng = Rng::of(self.seed, stream, u64::from(day), thing);
        let habit = user.map(|user| self.habit(user));
        let second = user.is_some_and(|user| self.second_device(user)) && rng.chance(3_000);
        let platform = match habit {
            // the second device is the other one
            Some(habit) if second => usize::from(habit.platform == 0),
            Some(habit) => habit.platform,
            None => rng.weighted(&[60, 18, 22]),
        };
        let device = match reason {
            Reason::Visitor(visitor) => people::device_of_visitor(visitor),
            Reason::Join(user) | Reason::Return(user, _) | Reason::Recall(user, _) | Reason::Charge(user) => {
                people::device_of_user(user, second)
            }
        };
        let session = Session {
            no: counters.session.next(brought),
            start,
            reason,
            user,
            ghost: matches!(reason, Reason::Return(..)) && rng.chance(60),
            device,
            platform,
            version: match rng.below(1000) {
                0..=19 => None,
                20..=24 => Some(""),
                _ => Some(VERSIONS[rng.weighted(&[6, 14, 30, 2, 20 + day])]),
            },
            geo: people::place(&mut rng),
            visit: people::visit(&mut rng),
            utm_source: rng.chance(2_500).then(|| *rng.pick(&UTM_SOURCES)),
            steps: Vec::new(),
        };
        let mut story =
            Story { world: self, rng, habit, session, counters, at: start, known: false, bad: false, brought };
        match reason {
            Reason::Visitor(_) => story.look_around(3),
            Reason::Join(_) => story.register(),
            Reason::Return(..) | Reason::Recall(..) => story.come_back(),
            Reason::Charge(_) => story.be_charged(),
        }
        story.be_brought();
        story.session
    }
}

/// A session while it happens.
struct Story<'a> {
    world: &'a World,
    rng: Rng,
    habit: Option<Habit>,
    session: Session,
    counters: &'a mut Counters,
    at: i64,
    known: bool,
    bad: bool,
    /// Whether a campaign or an experiment brings what happens now.
    brought: bool,
}

impl Story<'_> {
    fn step(&mut self, what: What) {
        self.session.steps.push(Step { at: self.at, known: self.known, brought: self.brought, what });
    }

    /// Lets some time pass.
    fn wait(&mut self, least: i64, most: i64) {
        self.at += self.rng.range(least, most);
    }

    fn on_a_page(&self) -> bool {
        self.session.platform != 3 && !self.habit.is_some_and(|h| h.abnormal)
    }

    fn view(&mut self, page: &'static str) {
        if !self.on_a_page() {
            return;
        }
        let stay = self.rng.tailed(18 * SECOND);
        let reported = self.rng.chance(7_000);
        let no = self.counters.view.next(self.brought);
        self.step(What::View { no, page, stay: reported.then_some(stay) });
        if self.rng.chance(150) {
            self.step(What::JsError(page));
        }
        self.at += stay.min(4 * MINUTE);
    }

    fn look_around(&mut self, most: i64) {
        let first = if self.rng.chance(6_500) { "home" } else { *self.rng.pick(&PAGES) };
        self.view(first);
        for _ in 1..self.rng.range(1, most) {
            let page = *self.rng.pick(&PAGES);
            self.view(page);
        }
    }

    fn register(&mut self) {
        self.look_around(2);
        if let Some(habit) = self.habit {
            // the form is sent so that it is accepted when the account says
            self.at = habit.registered_at - self.rng.range(SECOND / 4, 3 * SECOND);
            let from = self.session.steps.partition_point(|s| s.at < self.at);
            self.session.steps.truncate(from);
            if self.rng.chance(1_500) {
                self.step(What::SubmitRegister);
                self.at = habit.registered_at - self.rng.range(50, 200);
            }
            self.step(What::SubmitRegister);
            self.at = habit.registered_at;
        }
        self.known = true;
        self.step(What::Registered);
        self.wait(SECOND, 4 * SECOND);
        self.step(What::Login);
        self.work();
    }

    fn come_back(&mut self) {
        self.known = true;
        if self.rng.chance(6_500) {
            self.step(What::Login);
            self.wait(SECOND, 8 * SECOND);
        }
        self.work();
    }

    /// What a user comes for.
    fn work(&mut self) {
        let Some(habit) = self.habit else { return };
        let rounds =
            if habit.abnormal { self.rng.range(2, 5) } else { 1 + self.rng.range(0, 2).min(self.rng.range(0, 2)) };
        for _ in 0..rounds {
            let page = if self.rng.chance(5_000) { "editor" } else { *self.rng.pick(&PAGES) };
            self.view(page);
            if self.on_a_page() && self.rng.chance(1_000) {
                let click = *self.rng.pick(&CLICKS);
                self.step(What::Click(click));
                self.wait(SECOND, 10 * SECOND);
            }
            if !self.on_a_page() || self.rng.chance(6_000) {
                self.use_feature(habit);
            }
            if self.rng.chance(self.order_chance(habit)) {
                self.order(habit);
            }
        }
        if self.rng.chance(if self.bad { 2_500 } else { 450 }) {
            let no = self.counters.ticket.next(self.brought);
            self.step(What::Ticket(no));
            self.wait(SECOND, MINUTE);
        }
        if self.rng.chance(1_100) {
            let no = self.counters.survey.next(self.brought);
            self.step(What::Survey(no, self.bad));
        }
    }

    fn use_feature(&mut self, habit: Habit) {
        let (from, to) = self.world.incident();
        let crowd = (from - HOUR..to).contains(&self.at) && self.rng.chance(8_000);
        let feature = if crowd {
            FACE_SWAP // the campaign of that evening
        } else if self.rng.chance(6_000) {
            habit.favourite
        } else {
            self.rng.weighted(&FEATURES.each_ref().map(|f| f.weight))
        };
        for attempt in 0..4 {
            self.step(What::Invoke(feature));
            self.wait(SECOND, 6 * SECOND);
            let task = self.task(feature);
            let failed = task.status == "failed";
            self.step(What::Task(task));
            self.at += task.queue.unwrap_or(0) + task.infer.unwrap_or(0) + SECOND;
            if !failed {
                break;
            }
            self.bad = true;
            let again = if attempt > 0 { 5_000 } else { 6_500 };
            if !self.rng.chance(again) {
                return;
            }
        }
        if self.rng.chance(900) {
            let share = *self.rng.pick(&SHARES);
            self.step(What::Share(share));
            self.wait(SECOND, 10 * SECOND);
        }
    }

    fn task(&mut self, feature: usize) -> Task {
        let no = self.counters.task.next(self.brought);
        let about = &FEATURES[feature];
        let (from, to) = self.world.incident();
        let incident = feature == FACE_SWAP && (from..to).contains(&self.at);
        let crowded = if (19..=22).contains(&hour(self.at)) { 2 } else { 1 };
        let queue = self.rng.tailed(if incident { 9_000 } else { 450 * crowded });
        let infer = self.rng.tailed(if incident { 12_000 } else { about.infer });
        let fate = if incident { 9_300 + self.rng.below(1_000) } else { self.rng.below(10_000) };
        let (status, error, infer) = match fate {
            0..=9_219 => ("success", None, Some(infer)),
            9_220..=9_299 => ("failed", None, None),
            9_300..=9_399 if !incident => ("failed", Some("B402"), None),
            9_400..=9_499 if !incident => ("failed", Some("T504"), Some(30_000)),
            9_500..=9_589 if !incident => ("failed", Some("X001"), Some(infer)),
            9_590..=9_599 if !incident => ("failed", Some("E999"), None),
            9_600..=9_799 if !incident => ("cancelled", Some("C499"), None),
            9_300..=9_399 => ("success", None, Some(infer)),
            9_400..=9_599 => ("failed", Some("T504"), Some(30_000)),
            _ => ("failed", Some(if self.rng.chance(8_000) { "M500" } else { "M501" }), Some(infer)),
        };
        let queue = (!self.rng.chance(150)).then_some(queue);
        let ends = self.at + queue.unwrap_or(500) + infer.unwrap_or(200);
        let mut task = Task {
            no,
            feature,
            submitted: self.at,
            finished: Some(ends),
            status,
            error,
            queue,
            infer,
            retries: if status == "failed" { self.rng.range(0, 3) } else { i64::from(self.rng.chance(400)) },
            cost: if status == "success" { about.cost } else { 0 },
        };
        if ends >= self.world.end() {
            task = Task { finished: None, status: "running", error: None, infer: None, cost: 0, ..task };
        }
        task
    }

    /// In 10,000: members renew around every thirtieth day, payers buy now and then.
    fn order_chance(&self, habit: Habit) -> u64 {
        if habit.abnormal {
            return 0;
        }
        match (habit.payer, self.due(habit)) {
            (true, true) => 5_000,
            (true, false) => 2_600,
            (false, _) => 250,
        }
    }

    fn due(&self, habit: Habit) -> bool {
        habit.member && (self.at - habit.registered_at).div_euclid(DAY) % 30 < 3
    }

    fn order(&mut self, habit: Habit) {
        let (product, amount) = match self.rng.below(100) {
            _ if self.due(habit) => ("membership", if self.rng.chance(2_000) { 19_800 } else { 2_500 }),
            0..=19 => ("membership", 2_500),
            20..=64 => ("single", if self.rng.chance(7_000) { 190 } else { 490 }),
            65..=89 => ("quota", 990),
            _ => ("quota", 4_990),
        };
        let off = *self.rng.pick(&[0, 0, 0, 10, 20]);
        let pay_amount = if self.rng.chance(100) { 0 } else { amount * (100 - off) / 100 };
        let created = self.at;
        let end = self.world.end();
        let paid = match self.rng.below(100) {
            0..=77 => Some(created + self.rng.range(4 * SECOND, 3 * MINUTE)),
            78..=82 => Some(created + self.rng.range(HOUR, 20 * HOUR)),
            _ => None,
        };
        let paid = paid.filter(|at| *at < end);
        let (whole, later) = (self.rng.chance(6_000), self.rng.range(HOUR, 20 * DAY));
        let refunded = match paid {
            Some(at) if self.rng.chance(1_800) => Some((at + later, if whole { pay_amount } else { pay_amount / 2 })),
            _ => None,
        };
        let closed = (paid.is_none() && self.rng.chance(7_000)).then_some(created + 30 * MINUTE);
        let no = self.counters.order.next(self.brought);
        self.step(What::Order(Order {
            no,
            created,
            paid,
            refunded: refunded.filter(|(at, _)| *at < end),
            closed: closed.filter(|at| *at < end),
            product,
            amount,
            pay_amount,
        }));
        self.at = paid.filter(|at| *at < created + 4 * MINUTE).unwrap_or(created) + 3 * SECOND;
    }
}
