//! Why a message was not delivered, and what may be done about it.

use std::time::Duration;

/// What went wrong with one try. No text in it holds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What it means for another try.
    pub sort: Sort,
    /// In words.
    pub why: String,
}

/// What a fault means for another try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// Surely not delivered, and another try would end alike.
    Refused,
    /// Surely not delivered, for a reason that may pass; after so long, where the other side says it.
    Passing(Option<Duration>),
    /// Surely not delivered: too many messages in a short time.
    Limited,
    /// It was sent, and nobody knows whether it was taken.
    Unknown,
}

impl Fault {
    /// Of its parts.
    pub fn new(sort: Sort, why: impl Into<String>) -> Fault {
        Fault { sort, why: why.into() }
    }

    /// Whether it is certain that nobody got the message.
    pub fn is_certain(&self) -> bool {
        self.sort != Sort::Unknown
    }
}
