//! The time of day, and waiting.

use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chrono::{DateTime, SecondsFormat, Utc};

/// What tells the time and waits; tests have one of their own.
pub trait Clock: Sync {
    /// Now.
    fn now(&self) -> SystemTime;
    /// Waits so long.
    fn pause(&self, length: Duration);
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wall;

impl Clock for Wall {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
    fn pause(&self, length: Duration) {
        thread::sleep(length);
    }
}

/// A time as milliseconds since 1970.
pub fn milliseconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// A time as `2026-11-29T00:30:00.000Z`.
pub fn written(time: SystemTime) -> String {
    DateTime::<Utc>::from(time).to_rfc3339_opts(SecondsFormat::Millis, true)
}
