//! What brings values to Prometheus: the series that the rules of alerts and objectives read (AL7).
//!
//! Pure: [`exports`] gives the questions, each of the last complete bucket, [`samples`] makes series of an answer, [`Page`] writes them.
//! Who asks, when, and what is kept in between is `metricc export`'s matter.

pub mod newest;
mod page;
mod samples;
mod statement;

pub use page::Page;
pub use samples::{LeftOut, Sample, samples};
pub use statement::{Asks, Bucket, Exports, Shown, Statement, exports};
