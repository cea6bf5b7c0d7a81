//! What was asked, and is good for a while: however many scrapes come at once, each statement runs once.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::ask::Asking;
use super::page;
use crate::cli::Stop;
use crate::exporter::{Bucket, Exports, LeftOut, Sample, Statement};
use crate::project::AlertsTarget;

/// How fast and how often is asked.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// For how long an answer is good.
    pub cache: Duration,
    /// How long a statement may take.
    pub query: Duration,
    /// After how long no more statements are begun.
    pub scrape: Duration,
    /// How many run at a time.
    pub concurrency: usize,
}

/// All statements with what they gave last.
pub struct Cache<'a> {
    exports: &'a Exports,
    target: &'a AlertsTarget,
    asking: Asking<'a>,
    pace: Pace,
    /// A time in place of the clock, in milliseconds since 1970.
    at: Option<i64>,
    log: &'a (dyn Fn(&str) + Sync),
    slots: Mutex<Vec<Slot>>,
}

/// What is known of a statement.
#[derive(Debug, Default)]
pub struct Slot {
    /// The bucket that it was asked for last.
    pub bucket: Option<Bucket>,
    asked: Option<Instant>,
    /// What it gave.
    pub found: Option<Result<Found, Fault>>,
    /// When it gave something last, in milliseconds since 1970.
    pub success: Option<i64>,
    /// How long it took last.
    pub took: Duration,
    /// How often it was asked.
    pub count: u64,
    /// How often it failed, by the code.
    pub errors: BTreeMap<String, u64>,
}

/// What a statement gave: the samples of each of its series, or why it is left out. Nothing where there is no value yet.
pub type Found = Vec<Result<Vec<Sample>, LeftOut>>;

/// Why a statement gave nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The code of the diagnostic; `timeout` where it was not begun.
    pub code: String,
    /// In words, on one line.
    pub why: String,
}

impl<'a> Cache<'a> {
    /// Nothing is asked yet. `log` is told what goes wrong and what goes right again, a line at a time.
    pub fn new(
        exports: &'a Exports,
        target: &'a AlertsTarget,
        asking: Asking<'a>,
        pace: Pace,
        at: Option<i64>,
        log: &'a (dyn Fn(&str) + Sync),
    ) -> Cache<'a> {
        let slots = exports.statements.iter().map(|_| Slot::default()).collect();
        Cache { exports, target, asking, pace, at, log, slots: Mutex::new(slots) }
    }

    /// How many statements there are.
    pub fn len(&self) -> usize {
        self.exports.statements.len()
    }

    /// The page, with what is due asked anew, and how many statements have given nothing.
    pub fn page(&self) -> (String, usize) {
        let mut slots = self.slots();
        self.refresh(&mut slots);
        let failed = slots.iter().filter(|slot| !slot.is_up()).count();
        (page::text(&self.exports.statements, &slots), failed)
    }

    fn slots(&self) -> MutexGuard<'_, Vec<Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks what is due, some at a time. Whoever comes meanwhile waits for the same answers.
    fn refresh(&self, slots: &mut [Slot]) {
        let (began, at) = (Instant::now(), self.now());
        let mut due: Vec<(usize, Bucket)> = Vec::new();
        for (place, (statement, slot)) in self.exports.statements.iter().zip(slots.iter_mut()).enumerate() {
            match statement.bucket(at, &self.exports.model, self.target) {
                Some(bucket) if slot.is_due(statement, bucket, self.pace.cache) => due.push((place, bucket)),
                Some(_) => {}
                // A declared calendar has a gap here: there is no value.
                None => (slot.bucket, slot.found) = (None, None),
            }
        }
        // What is longest ago comes first, so that under pressure each has its turn.
        due.sort_by_key(|(place, _)| slots[*place].asked);
        let (next, answers) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        thread::scope(|scope| {
            for _ in 0..self.pace.concurrency.min(due.len()) {
                scope.spawn(|| {
                    while let Some((place, bucket)) = due.get(next.fetch_add(1, Ordering::SeqCst)) {
                        let begun = Instant::now();
                        let found = if begun.duration_since(began) < self.pace.scrape {
                            self.asking.ask(*place, *bucket, self.pace.query).map_err(|stop| Fault::of(&stop))
                        } else {
                            Err(Fault {
                                code: "timeout".to_owned(),
                                why: "there was no time left to ask it".to_owned(),
                            })
                        };
                        let took = begun.elapsed();
                        let mut answers = answers.lock().unwrap_or_else(PoisonError::into_inner);
                        answers.push((*place, *bucket, found, took));
                    }
                });
            }
        });
        for (place, bucket, found, took) in answers.into_inner().unwrap_or_else(PoisonError::into_inner) {
            self.keep(&self.exports.statements[place], &mut slots[place], bucket, found, took);
        }
    }

    fn keep(
        &self,
        statement: &Statement,
        slot: &mut Slot,
        bucket: Bucket,
        found: Result<Found, Fault>,
        took: Duration,
    ) {
        let name = &statement.name;
        let before = slot.found.as_ref().and_then(|found| found.as_ref().err());
        match &found {
            Ok(all) => {
                slot.success = Some(self.now());
                if before.is_some() {
                    (self.log)(&format!("{name}: answers again"));
                }
                for (shown, why) in
                    statement.shown.iter().zip(all).filter_map(|(shown, one)| Some((shown, one.as_ref().err()?)))
                {
                    self.tell_left_out(statement, slot, &shown.name, why);
                }
            }
            Err(fault) => {
                *slot.errors.entry(fault.code.clone()).or_default() += 1;
                // The same again and again is told once.
                if before != Some(fault) {
                    (self.log)(&format!("{name}: left out: {}: {}", fault.code, fault.why));
                }
            }
        }
        slot.count += u64::from(found.as_ref().err().is_none_or(|fault| fault.code != "timeout"));
        slot.took = took;
        (slot.bucket, slot.asked, slot.found) = (Some(bucket), Some(Instant::now()), Some(found));
    }

    fn tell_left_out(&self, statement: &Statement, slot: &Slot, series: &str, why: &LeftOut) {
        let known = slot.found.as_ref().and_then(|found| found.as_ref().ok());
        let was = known.is_some_and(|all| all.iter().any(|one| one.as_ref().err() == Some(why)));
        if was {
            return;
        }
        let most = self.target.max_series;
        let why = match why {
            LeftOut::Groups => format!(
                "it has more than {most} groups (`max_series` of the target): take a dimension with fewer values"
            ),
            LeftOut::Labels => "two of its groups have the same labels".to_owned(),
        };
        (self.log)(&format!("{}: {series} is left out: {why}", statement.name));
    }

    /// Milliseconds since 1970.
    fn now(&self) -> i64 {
        let clock = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64);
        self.at.unwrap_or_else(clock)
    }
}

impl Slot {
    /// Whether it gave something when it was asked last, or has nothing to give.
    pub fn is_up(&self) -> bool {
        self.found.as_ref().is_none_or(Result::is_ok)
    }

    fn is_due(&self, statement: &Statement, bucket: Bucket, cache: Duration) -> bool {
        let Some(asked) = self.asked else { return true };
        let again = Duration::from_millis(u64::try_from(statement.again()).unwrap_or(u64::MAX));
        let lasts = if self.found.as_ref().is_some_and(Result::is_ok) { again.max(cache) } else { cache };
        statement.is_next(self.bucket, bucket) || asked.elapsed() >= lasts
    }
}

impl Fault {
    fn of(stop: &Stop) -> Fault {
        let found = match stop {
            Stop::Found { diagnostics, .. } => diagnostics.iter().next(),
            Stop::Told(one) => Some(&**one),
            Stop::NobodyReads => None,
        };
        let one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        match found {
            Some(one) => Fault { code: one.code.0.to_owned(), why: one_line(&one.message) },
            None => Fault { code: "E0893".to_owned(), why: "it gave nothing".to_owned() },
        }
    }
}
