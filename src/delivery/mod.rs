//! How what the project has to say reaches people: mail, robots of DingTalk, short messages.
//!
//! Composing is pure: the bytes of a mail ([`mail`]), the body and the address of a robot's message ([`dingtalk`]), when something may
//! be sent ([`limit`]) and when it is tried again ([`again`]). Around it is an edge, beside `clickhouse` the only one that opens
//! connections: `smtp` and `http` send, [`ledger`] records, [`alerts`] hears Alertmanager. Secrets come from the environment, are in [`crate::secret::Secret`], and are
//! never printed.

pub mod again;
pub mod alerts;
mod carrier;
mod clock;
mod deliver;
pub mod dingtalk;
mod fault;
mod http;
pub mod ledger;
pub mod limit;
pub mod mail;
mod message;
mod route;
mod sign;
mod sms;
mod smtp;

pub use again::Plan;
pub use carrier::{Carrier, Post, of_report, preview};
pub use clock::{Clock, Wall, milliseconds};
pub use deliver::{Delivered, Delivery, How, State};
pub use fault::{Fault, Sort};
pub use ledger::Ledger;
pub use message::{Attachment, Image, Message, Occasion};
pub use route::{Environment, Route, Way, routes};
