//! A small server of HTTP, for those who listen: [`crate::delivery::alerts`] hears Alertmanager, `metricc export` is asked by Prometheus.
//!
//! One request a connection, each in a thread of its own, with bounds on all that others decide. What is answered is a [`Service`]'s matter.

mod request;
mod serve;

pub use request::{Request, Response, decoded};
pub use serve::{Service, Stopper, serve};
