//! Looks back over history: what alerts and objectives would have told, and how well.
//!
//! When something fires is decided by [`alerting`](crate::alerting), which the rules for Prometheus are held against, too; how often people are
//! told of it by the same pace and inhibition that Alertmanager is given. Nothing is asked here: whoever has answers gives them.

mod advice;
mod budget;
mod compare;
mod grid;
mod incidents;
mod messages;
mod replay;
mod tested;

pub use advice::{Advice, Tried, advice};
pub use budget::{Budget, MINUTE, budget};
pub use compare::{Compared, compare, group};
pub use grid::{Grid, Group, History, extent, groups, series};
pub use incidents::{Incident, Judged, Names, judge, parse};
pub use messages::{Count, Message, Telling, counts, messages};
pub use replay::{Calendar, Firing, Kind, Line, Replayed, alert, firings, objective};
pub use tested::{Row, Tested, tested};
