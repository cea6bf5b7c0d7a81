//! Alerts on their way from Alertmanager to robots and short messages: `metricc notify`.
//!
//! What comes and how it looks is pure ([`payload`], [`render`]), and so is what waits ([`lane`]); [`hub`] has a thread for each robot, and
//! [`crate::http`] one for each request. A request waits a while for its alerts: if they can't be delivered it is answered by an error, so that
//! Alertmanager knows, counts it and brings them again; if they only wait for the limit, they are kept.

mod counters;
pub mod hub;
pub mod lane;
pub mod payload;
pub mod render;
pub mod serve;
mod ticket;

pub use hub::{Hub, Settings};
pub use payload::{Alert, Notification};
pub use serve::serve;
