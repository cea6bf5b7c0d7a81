//! All lanes: takes alerts in, and sends what waits.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono_tz::Tz;

use super::super::again::Plan;
use super::super::carrier::Post;
use super::super::clock::Clock;
use super::super::fault::{Fault, Sort};
use super::super::limit::{Limit, OF_DINGTALK};
use super::super::route::{Route, Way};
use super::super::{dingtalk, sms};
use super::counters::Counters;
use super::lane::{Full, Item, Lane, Turn};
use super::payload::{Alert, Notification};
use super::render;
use super::ticket::{Outcome, Ticket};
use crate::exposition::labels;
use crate::project::Channel;

/// How many alerts may wait for one robot.
const ROOM: usize = 5_000;

/// How many short messages a gateway gets in a minute. They cost, and people read them on a telephone.
const OF_SMS: usize = 10;

/// How many alerts one message has at most.
const MOST_IN_MESSAGE: usize = 100;

/// The pause after what could not be delivered though it was promised to be.
const PAUSE: u64 = 30_000;

/// How a hub behaves.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The zone of the times that people see.
    pub zone: Tz,
    /// How long a request waits to hear what became of its alerts.
    pub patience: Duration,
    /// How long what waits is still sent once the end was asked for.
    pub drain: Duration,
    /// When a message is tried again.
    pub plan: Plan,
}

/// All lanes.
pub struct Hub<'a> {
    lanes: Vec<Handle>,
    post: &'a Post<'a>,
    clock: &'a dyn Clock,
    settings: Settings,
    started: Instant,
    ending: Mutex<Option<Instant>>,
    log: &'a (dyn Fn(&str) + Sync),
    /// What was counted.
    pub counters: Counters,
}

struct Handle {
    route: Route,
    lane: Mutex<Lane<Arc<Ticket>>>,
    wake: Condvar,
}

impl Handle {
    fn lane(&self) -> MutexGuard<'_, Lane<Arc<Ticket>>> {
        self.lane.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn labels(&self) -> [(&str, &str); 2] {
        [("receiver", self.route.recipient.as_str()), ("channel", self.route.address.channel.word())]
    }
}

/// A message that is about to be sent.
struct Batch {
    items: Vec<Item<Arc<Ticket>>>,
    body: String,
}

impl<'a> Hub<'a> {
    /// With a lane for each route to a robot or a gateway. `log` is told what goes wrong, a line at a time.
    pub fn new(
        routes: Vec<Route>,
        post: &'a Post<'a>,
        clock: &'a dyn Clock,
        settings: Settings,
        log: &'a (dyn Fn(&str) + Sync),
    ) -> Hub<'a> {
        let lane = |route: Route| {
            let most = if route.address.channel == Channel::Sms { OF_SMS } else { OF_DINGTALK };
            Handle { route, lane: Mutex::new(Lane::new(ROOM, Limit::new(most))), wake: Condvar::new() }
        };
        Hub {
            lanes: routes.into_iter().map(lane).collect(),
            post,
            clock,
            settings,
            started: Instant::now(),
            ending: Mutex::new(None),
            log,
            counters: Counters::default(),
        }
    }

    /// How many lanes there are.
    pub fn lanes(&self) -> usize {
        self.lanes.len()
    }

    /// Whether a receiver has a robot or a gateway.
    pub fn knows(&self, receiver: &str) -> bool {
        self.lanes.iter().any(|handle| handle.route.recipient == receiver)
    }

    /// Takes the alerts of a group in for a receiver, and waits to hear what became of them.
    ///
    /// # Errors
    /// There is no room, or the end was asked for: none of them was taken.
    pub fn bring(&self, receiver: &str, group: &Notification) -> Result<Outcome, Full> {
        let lanes: Vec<&Handle> = self.lanes.iter().filter(|handle| handle.route.recipient == receiver).collect();
        let ticket = Arc::new(Ticket::new(group.alerts.len() * lanes.len()));
        if self.ends().is_some() {
            return Err(Full);
        }
        // All lanes of the receiver are locked, in the order of the list, until all of them have room.
        let mut locked: Vec<_> = lanes.iter().map(|handle| handle.lane()).collect();
        let has_room = locked.iter().all(|lane| lane.has_room(&group.alerts));
        for (handle, lane) in lanes.iter().zip(&mut locked) {
            let count = group.alerts.len();
            if !has_room {
                self.counters.add("metricc_notify_alerts_refused_total", labels(&handle.labels()), count);
                continue;
            }
            let item = |alert: &Alert| Item {
                entry: render::entry(alert, group, self.settings.zone),
                alert: alert.clone(),
                waiters: vec![Arc::clone(&ticket)],
            };
            let merged = lane.push(group.alerts.iter().map(item).collect())?;
            self.counters.add("metricc_notify_alerts_total", labels(&handle.labels()), count);
            self.counters.add("metricc_notify_alerts_merged_total", labels(&handle.labels()), merged);
            handle.wake.notify_all();
            let now = self.now();
            if matches!(lane.turn(now), Turn::At(at) if at - now > self.settings.patience.as_millis() as u64) {
                ticket.keep();
            }
        }
        drop(locked);
        if !has_room {
            return Err(Full);
        }
        Ok(ticket.wait(self.settings.patience))
    }

    /// How many alerts wait, by lane.
    pub fn waiting(&self) -> Vec<(String, usize)> {
        self.lanes.iter().map(|handle| (labels(&handle.labels()), handle.lane().len())).collect()
    }

    /// Asks for the end: nothing more is taken, and what waits is sent as long as [`Settings::drain`] allows.
    pub fn end(&self) {
        let mut ending = self.ending.lock().unwrap_or_else(PoisonError::into_inner);
        ending.get_or_insert_with(|| Instant::now() + self.settings.drain);
        drop(ending);
        for handle in &self.lanes {
            // With the lock, so that no lane falls asleep between its look at the end and this.
            let _lane = handle.lane();
            handle.wake.notify_all();
        }
    }

    fn ends(&self) -> Option<Instant> {
        *self.ending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends what waits in a lane until the end. Gives how many alerts are lost.
    pub fn work(&self, place: usize) -> usize {
        let Some(handle) = self.lanes.get(place) else { return 0 };
        loop {
            let mut lane = handle.lane();
            let now = self.now();
            let ends = self.ends().map(|end| end.saturating_duration_since(self.started).as_millis() as u64);
            match lane.turn(now) {
                Turn::Idle if ends.is_some() => return 0,
                Turn::Idle => drop(handle.wake.wait(lane)),
                Turn::Now if ends.is_some_and(|end| now > end) => return self.lose(handle, &mut lane),
                Turn::At(at) if ends.is_some_and(|end| at > end) => return self.lose(handle, &mut lane),
                Turn::At(at) => drop(handle.wake.wait_timeout(lane, Duration::from_millis(at - now))),
                Turn::Now => {
                    let batch = batch(&handle.route, &mut lane);
                    drop(lane);
                    self.send(handle, batch);
                }
            }
        }
    }

    /// Milliseconds since the start.
    fn now(&self) -> u64 {
        self.started.elapsed().as_millis() as u64
    }

    fn send(&self, handle: &Handle, batch: Batch) {
        let name = &handle.route.recipient;
        let ended = self.settings.plan.run(self.clock, &mut || {
            // Another try is another message to the limit. The first need not wait.
            let now = self.now();
            let wait = handle.lane().limit.next(now) - now;
            if wait > 0 {
                self.clock.pause(Duration::from_millis(wait));
            }
            let one = match &handle.route.way {
                Way::Robot(robot) => self.post.robot(name, robot, &batch.body),
                Way::Sms(gateway) => self.post.sms(name, gateway, &batch.body),
                Way::Mail(_) => Err(Fault::new(Sort::Refused, "mail is sent by Alertmanager itself")),
            };
            handle.lane().limit.answered(self.now());
            one
        });
        let own = || labels(&handle.labels());
        match ended {
            Ok(()) => {
                handle.lane().limit.taken();
                self.counters.add("metricc_notify_messages_sent_total", own(), 1);
                batch.items.iter().flat_map(|item| &item.waiters).for_each(|ticket| ticket.delivered());
            }
            Err((fault, _)) if fault.sort == Sort::Limited => {
                let mut lane = handle.lane();
                lane.limit.refused(self.now());
                batch.items.iter().flat_map(|item| &item.waiters).for_each(|ticket| ticket.keep());
                lane.give_back(batch.items);
                drop(lane);
                self.counters.add("metricc_notify_messages_limited_total", own(), 1);
                (self.log)(&format!("{} {name}: {}; what waits is merged", handle.route.address.channel, fault.why));
            }
            Err((fault, tries)) => self.failed(handle, batch.items, &fault, tries),
        }
    }

    /// What could not be delivered is forgotten where somebody hears of it and brings it again; what was promised to be delivered is kept,
    /// unless the other side will never take it.
    fn failed(&self, handle: &Handle, items: Vec<Item<Arc<Ticket>>>, fault: &Fault, tries: u32) {
        let name = &handle.route.recipient;
        let own = || labels(&handle.labels());
        self.counters.add("metricc_notify_messages_failed_total", own(), 1);
        (self.log)(&format!("{} {name}: {} (tried {tries} times)", handle.route.address.channel, fault.why));
        let mut kept = Vec::new();
        for item in items {
            // Everybody is told, so that all of them bring it again.
            let heard = item.waiters.iter().filter(|ticket| ticket.failed(&fault.why)).count();
            if heard < item.waiters.len() {
                kept.push(item);
            }
        }
        if fault.sort == Sort::Refused {
            self.counters.add("metricc_notify_alerts_lost_total", own(), kept.len());
            return;
        }
        if !kept.is_empty() {
            let mut lane = handle.lane();
            lane.give_back(kept);
            lane.pause(self.now() + PAUSE);
        }
    }

    /// What still waits at the end is told to whoever waits for it; the rest is lost.
    fn lose(&self, handle: &Handle, lane: &mut Lane<Arc<Ticket>>) -> usize {
        let items = lane.take(usize::MAX);
        let is_lost = |item: &&Item<Arc<Ticket>>| {
            let heard = item.waiters.iter().filter(|ticket| ticket.failed("metricc notify ends")).count();
            heard < item.waiters.len()
        };
        let lost = items.iter().filter(is_lost).count();
        self.counters.add("metricc_notify_alerts_lost_total", labels(&handle.labels()), lost);
        lost
    }
}

/// The next message: as many of the alerts that wait as it has room for.
fn batch(route: &Route, lane: &mut Lane<Arc<Ticket>>) -> Batch {
    let all = lane.len();
    let first = &lane.sorted()[..all.min(MOST_IN_MESSAGE)];
    let alerts: Vec<&Alert> = first.iter().map(|item| &item.alert).collect();
    let (body, count) = match &route.way {
        Way::Robot(robot) => {
            let entries: Vec<String> = first.iter().map(|item| item.entry.clone()).collect();
            let later = all - first.len();
            let rest = |left: usize| format!("还有 {0} 条随后发出 · {0} more follow", left + later);
            let made = dingtalk::body(robot, &render::title(&alerts), &entries, &rest);
            (made.json, made.shown)
        }
        // A short message has no room for more than the first; that there are others is what matters.
        Way::Sms(_) | Way::Mail(_) => {
            (sms::merged(&alerts.iter().map(|alert| render::brief(alert)).collect::<Vec<_>>()), first.len())
        }
    };
    Batch { body, items: lane.take(count.max(1)) }
}
