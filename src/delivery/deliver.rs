//! Brings a message to all recipients of its addresses, to each at most once for its period.

use serde_json::{Value, json};

use super::again::Plan;
use super::carrier::Carrier;
use super::clock::{Clock, written};
use super::fault::Fault;
use super::ledger::{Entry, Event, Known, Ledger};
use super::message::{Message, Occasion};
use super::route::Route;
use crate::diagnostic::Diagnostic;
use crate::project::Channel;

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// Nothing is sent or written down: it is told what would be.
    Plan,
    /// What was not sent yet is sent.
    Send,
    /// What may have been sent before is sent, too. What surely was is not.
    Again,
}

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It would be sent.
    WouldSend,
    /// It was sent.
    Sent,
    /// It was sent by an earlier run.
    SentBefore,
    /// It may have been sent, now or by an earlier run that was cut off or still runs. It is not sent again.
    Unknown,
    /// It was surely not taken. The next run sends it.
    Failed,
}

impl State {
    /// The word for programs.
    pub fn word(self) -> &'static str {
        match self {
            State::WouldSend => "would_send",
            State::Sent => "sent",
            State::SentBefore => "sent_before",
            State::Unknown => "unknown",
            State::Failed => "failed",
        }
    }
}

/// A delivery and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// The way.
    pub channel: Channel,
    /// The receiver that was named.
    pub receiver: String,
    /// Who gets it: a mail address, or the receiver.
    pub recipient: String,
    /// What became of it.
    pub state: State,
    /// Why, where it is not sent.
    pub why: Option<String>,
}

impl Delivered {
    /// Whether somebody has to look at it.
    pub fn is_failure(&self) -> bool {
        matches!(self.state, State::Failed | State::Unknown)
    }

    /// For people, on one line.
    pub fn line(&self) -> String {
        let Delivered { channel, recipient, .. } = self;
        let words = match self.state {
            State::WouldSend => "would be sent",
            State::Sent => "sent",
            State::SentBefore => "was sent before, and is not sent again",
            State::Unknown => "may have been sent, and is not sent again (`--again` sends it)",
            State::Failed => "was not sent",
        };
        let why = self.why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        format!("{channel} {recipient}: {words}{why}")
    }

    /// For programs.
    pub fn json(&self) -> Value {
        json!({
            "channel": self.channel.word(),
            "receiver": self.receiver,
            "recipient": self.recipient,
            "state": self.state.word(),
            "why": self.why,
        })
    }
}

/// What delivering needs beside the message.
pub struct Delivery<'a> {
    /// The name of the project.
    pub project: &'a str,
    /// What is delivered, and for when.
    pub occasion: &'a Occasion,
    /// Where it is written down.
    pub ledger: &'a Ledger,
    /// The time of day.
    pub clock: &'a dyn Clock,
    /// When something is tried again.
    pub plan: Plan,
}

impl Delivery<'_> {
    /// Delivers a message by all routes, one after the other. One that fails does not keep the others from theirs.
    ///
    /// # Errors
    /// Why the record can't be read or written: then nothing more is sent.
    pub fn run(
        &self,
        message: &Message,
        routes: &[Route],
        carrier: &mut dyn Carrier,
        how: How,
    ) -> Result<Vec<Delivered>, Box<Diagnostic>> {
        routes.iter().map(|route| self.one(message, route, carrier, how)).collect()
    }

    fn one(
        &self,
        message: &Message,
        route: &Route,
        carrier: &mut dyn Carrier,
        how: How,
    ) -> Result<Delivered, Box<Diagnostic>> {
        let made = |state, why| Delivered {
            channel: route.address.channel,
            receiver: route.address.receiver.clone(),
            recipient: route.recipient.clone(),
            state,
            why,
        };
        let digest = self.occasion.digest(self.project, &route.key());
        let entry = self.entry(route, digest.clone());
        let known = match how {
            How::Plan => self.ledger.known(&digest)?,
            How::Send | How::Again => self.ledger.claim(&entry, how == How::Again)?,
        };
        match (how, known) {
            (_, Known::Sent) => return Ok(made(State::SentBefore, None)),
            (How::Plan | How::Send, Known::Unknown) => {
                let why = "a run that sent it was cut off, or still sends it";
                return Ok(made(State::Unknown, Some(why.to_owned())));
            }
            (How::Plan, Known::Open) => return Ok(made(State::WouldSend, None)),
            (How::Send | How::Again, Known::Open) | (How::Again, Known::Unknown) => {}
        }
        let ended = self.plan.run(self.clock, &mut || carrier.carry(route, message, &digest));
        let (state, event, why) = match ended {
            Ok(()) => (State::Sent, Event::Sent, None),
            Err((fault, tries)) if fault.is_certain() => (State::Failed, Event::Failed, Some(reason(&fault, tries))),
            Err((fault, tries)) => (State::Unknown, Event::Unknown, Some(reason(&fault, tries))),
        };
        self.ledger.record(&entry.ended(event, why.clone(), written(self.clock.now())))?;
        Ok(made(state, why))
    }

    fn entry(&self, route: &Route, digest: String) -> Entry {
        Entry {
            report: self.occasion.report.clone(),
            period: self.occasion.period.clone(),
            channel: route.address.channel.word().to_owned(),
            receiver: route.address.receiver.clone(),
            recipient: route.recipient.clone(),
            ..Entry::sending(written(self.clock.now()), digest)
        }
    }
}

fn reason(fault: &Fault, tries: u32) -> String {
    if tries > 1 { format!("{} (tried {tries} times)", fault.why) } else { fault.why.clone() }
}
